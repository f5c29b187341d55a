//! `celek bench process --memory`: steps a second of the engine alone, on one core.

use std::collections::VecDeque;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bpmn::{Context, Definitions, Effect, Event, Process, State, step};
use serde_json::{Map, Value as J, json};

use crate::failure::Failure;
use crate::output;

/// How long each is measured.
const TIME: Duration = Duration::from_secs(3);
/// Items of the multi-instance activity.
const ITEMS: usize = 10_000;

/// Ten steps: service tasks, one parallel block, one decision; with FEEL in conditions and mappings, or without.
fn ten(feel: bool) -> String {
    let mapping = if feel {
        r#"<extensionElements><celek:input source="=amount * 2 + 1" target="double"/><celek:output source="=output" target="last"/></extensionElements>"#
    } else {
        ""
    };
    let call = |id: &str| format!(r#"<serviceTask id="{id}" celek:operation="x">{mapping}</serviceTask>"#);
    let (condition, default) = if feel {
        ("<conditionExpression>amount > 100 and kind = \"large\"</conditionExpression>", r#" default="g_e""#)
    } else {
        ("", "")
    };
    let tasks: String = ["a", "b", "c", "d"].iter().map(|id| call(id)).collect();
    let flow = |from: &str, to: &str, inner: &str| {
        format!(r#"<sequenceFlow id="{from}_{to}" sourceRef="{from}" targetRef="{to}">{inner}</sequenceFlow>"#)
    };
    let mut flows = String::new();
    for (from, to) in [("s", "a"), ("a", "f"), ("f", "b"), ("f", "c"), ("b", "j"), ("c", "j"), ("j", "g"), ("d", "e")] {
        flows += &flow(from, to, "");
    }
    flows += &flow("g", "d", condition);
    flows += &flow("g", "e", "");
    format!(
        r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:celek="http://celek.org/bpmn"><process id="p">
        <startEvent id="s"/><endEvent id="e"/><parallelGateway id="f"/><parallelGateway id="j"/><exclusiveGateway id="g"{default}/>
        {tasks}{flows}</process></definitions>"#
    )
}

fn read(xml: &str) -> Result<Process, Failure> {
    let definitions = Definitions::parse(xml).map_err(|p| Failure::no(format!("{p:?}")))?;
    definitions.processes.into_iter().next().ok_or_else(|| Failure::no("no process"))
}

/// Runs instances one after the other; elements entered a second.
fn speed(process: &Process) -> Result<f64, Failure> {
    let mut context = Context::new(jiff::Timestamp::UNIX_EPOCH);
    context.budget = 1_000;
    let variables = match json!({"amount": 150, "kind": "large"}) {
        J::Object(map) => map,
        _ => Map::new(),
    };
    let (start, mut steps) = (Instant::now(), 0i64);
    let mut open = VecDeque::new();
    while start.elapsed() < TIME {
        for _ in 0..100 {
            let mut state = State::new();
            open.push_back(Event::Start { element: None, variables: variables.clone(), payload: J::Null });
            while let Some(event) = open.pop_front() {
                let effects = step(process, &mut state, event, &context).map_err(|e| Failure::no(e.to_string()))?;
                for effect in effects {
                    if let Effect::CallOperation { token, .. } = effect {
                        open.push_back(Event::OperationDone { token, output: J::Null });
                    }
                }
            }
            if state.ended().is_none() {
                return Err(Failure::no("an instance did not end"));
            }
            steps += state.instance().steps;
        }
    }
    Ok(steps as f64 / start.elapsed().as_secs_f64())
}

/// Items done one by one: the middle time of the first and of the last tenth, in nanoseconds.
fn items() -> Result<(u128, u128), Failure> {
    let process = read(&format!(
        r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p"><startEvent id="s"/><endEvent id="e"/>
        <userTask id="t" name="t"><multiInstanceLoopCharacteristics><loopCardinality>={ITEMS}</loopCardinality></multiInstanceLoopCharacteristics></userTask>
        <sequenceFlow id="f1" sourceRef="s" targetRef="t"/><sequenceFlow id="f2" sourceRef="t" targetRef="e"/></process></definitions>"#
    ))?;
    let mut context = Context::new(jiff::Timestamp::UNIX_EPOCH);
    context.budget = 100_000;
    let wrong = |e: bpmn::StepError| Failure::no(e.to_string());
    let mut state = State::new();
    let event = Event::Start { element: None, variables: Map::new(), payload: J::Null };
    let effects = step(&process, &mut state, event, &context).map_err(wrong)?;
    let tokens = effects.iter().filter_map(|e| match e {
        Effect::TaskCreated(task) => Some(task.token),
        _ => None,
    });
    let mut times = Vec::with_capacity(ITEMS);
    for token in tokens {
        let start = Instant::now();
        step(&process, &mut state, Event::TaskDone { token, outputs: Map::new() }, &context).map_err(wrong)?;
        times.push(start.elapsed().as_nanos());
        state.take_changes();
    }
    if times.len() != ITEMS || state.ended().is_none() {
        return Err(Failure::no("not every item was done"));
    }
    let middle = |part: &[u128]| {
        let mut part = part.to_vec();
        part.sort_unstable();
        part[part.len() / 2]
    };
    Ok((middle(&times[..ITEMS / 10]), middle(&times[ITEMS - ITEMS / 10..])))
}

/// Measures and tells.
pub fn run(as_json: bool) -> Result<ExitCode, Failure> {
    let plain = speed(&read(&ten(false))?)?;
    let feel = speed(&read(&ten(true))?)?;
    let (first, last) = items()?;
    let document = json!({
        "steps_per_second": plain.round(), "steps_per_second_with_feel": feel.round(),
        "items": ITEMS, "first_item_ns": first as u64, "last_item_ns": last as u64,
        "debug_build": cfg!(debug_assertions),
    });
    if as_json {
        output::print_json(&document);
    } else {
        output::print_line(&format!("steps a second: {plain:.0}, with FEEL: {feel:.0}"));
        output::print_line(&format!("one of {ITEMS} items: {first} ns at the beginning, {last} ns at the end"));
    }
    Ok(ExitCode::SUCCESS)
}
