//! `celek bpmn run`: a file runs in memory, in virtual time.

use std::collections::HashMap;
use std::process::ExitCode;

use bpmn::{Definitions, Event, Trigger};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as J, json};

use super::world::{Worker, World};
use crate::cli::BpmnRunArgs;
use crate::failure::Failure;
use crate::output;

/// Most firings of timers.
const MAX_FIRINGS: usize = 1_000;
/// Most tasks that are completed.
const MAX_TASKS: usize = 100_000;

/// What elements are answered with, by id; a list gives one answer a visit, the last one again and again.
#[derive(Default)]
struct Answers {
    by: Map<String, J>,
    used: HashMap<String, usize>,
}

impl Answers {
    fn next(&mut self, element: &str) -> Option<J> {
        match self.by.get(element)? {
            J::Array(list) => {
                let used = self.used.entry(element.to_owned()).or_default();
                let answer = list.get(*used).or(list.last()).cloned();
                *used += 1;
                answer
            }
            one => Some(one.clone()),
        }
    }

    /// A message is raised as often as there are answers for it.
    fn once(&mut self, element: &str) -> Option<J> {
        let used = self.used.get(element).copied().unwrap_or(0);
        let answers = match self.by.get(element)? {
            J::Array(list) => list.len(),
            _ => 1,
        };
        if used >= answers {
            return None;
        }
        let answer = self.next(element);
        self.used.insert(element.to_owned(), used + 1);
        answer
    }
}

/// The part of an answer that is its output.
fn outputs(answer: &J) -> J {
    answer.get("outputs").or(answer.get("output")).or(answer.get("message")).unwrap_or(answer).clone()
}

fn error(answer: &J) -> Option<(String, String)> {
    let error = answer.get("error")?;
    let code = error.get("code").unwrap_or(error);
    let code = code.as_str().map_or_else(|| code.to_string(), str::to_owned);
    let message = error.get("message").or(answer.get("message")).and_then(J::as_str).unwrap_or("said no");
    Some((code, message.to_owned()))
}

struct Answering(std::rc::Rc<std::cell::RefCell<Answers>>);

impl Worker for Answering {
    fn answer(&mut self, element: &str) -> Result<J, (String, String)> {
        match self.0.borrow_mut().next(element) {
            None => Ok(json!({})),
            Some(answer) => error(&answer).map_or_else(|| Ok(outputs(&answer)), Err),
        }
    }
    fn ticks(&self) -> bool {
        true
    }
}

/// Runs it.
pub fn run(args: &BpmnRunArgs) -> Result<ExitCode, Failure> {
    let usage = |why: String| Failure::usage(why).in_json(args.json);
    let read =
        |path: &std::path::Path| std::fs::read_to_string(path).map_err(|e| usage(format!("{}: {e}", path.display())));
    let xml = read(&args.file)?;
    let definitions = Definitions::parse(&xml).map_err(|problems| {
        let wrong: Vec<String> = problems.iter().filter(|p| p.is_error()).map(ToString::to_string).collect();
        Failure::no(wrong.join("\n")).in_json(args.json)
    })?;
    let object = |what: &str, text: &str| match serde_json::from_str(text) {
        Ok(J::Object(map)) => Ok(map),
        Ok(_) => Err(usage(format!("{what} is no JSON object"))),
        Err(e) => Err(usage(format!("{what}: {e}"))),
    };
    let variables = object("--variables", args.variables.as_deref().unwrap_or("{}"))?;
    let by = match &args.answers {
        Some(path) => object("--answers", &read(path)?)?,
        None => Map::new(),
    };
    let answers = std::rc::Rc::new(std::cell::RefCell::new(Answers { by, used: HashMap::new() }));
    let mut worker = Answering(answers.clone());
    let mut world = World::new(&mut worker);
    let main = match &args.process {
        Some(id) => definitions.processes.iter().find(|p| p.id == *id),
        None => definitions.processes.iter().find(|p| p.starts().next().is_some()).or(definitions.processes.first()),
    };
    let main = main.map(|p| p.id.clone()).ok_or_else(|| usage("the file has no such process".to_owned()))?;
    world.deploy(definitions.processes);
    for path in &args.with {
        let text = read(path)?;
        if text.contains("BPMN/20100524") {
            let more = Definitions::parse(&text).map_err(|p| Failure::no(p[0].to_string()).in_json(args.json))?;
            world.deploy(more.processes);
        } else {
            world.decisions.push(text);
        }
    }
    let until = match &args.advance {
        Some(text) => {
            let span: SignedDuration = text.parse().map_err(|_| usage(format!("'{text}' is no duration")))?;
            world.now.checked_add(span).map_err(|e| usage(e.to_string()))?
        }
        None => Timestamp::MAX,
    };
    world.start(&main, None, variables, J::Null);
    play(&mut world, &answers, until);
    let document = document(&world);
    if args.json {
        output::print_json(&document);
    } else {
        tell(&document);
    }
    let well = world.errors.is_empty();
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Messages that are to be raised, then tasks, then timers, until nothing is left.
fn play(world: &mut World<'_>, answers: &std::rc::Rc<std::cell::RefCell<Answers>>, until: Timestamp) {
    let (mut fired, mut done) = (0, 0);
    loop {
        if raise(world, answers) {
            continue;
        }
        if let Some((index, task)) = world.tasks.first().cloned() {
            done += 1;
            if done > MAX_TASKS {
                world.errors.push(format!("more than {MAX_TASKS} tasks"));
                return;
            }
            let answer = answers.borrow_mut().next(&task.element).unwrap_or_else(|| json!({}));
            if let Some((code, message)) = error(&answer) {
                world.errors.push(format!("{}: a task raises no error ({code}: {message})", task.element));
            }
            let outputs = outputs(&answer).as_object().cloned().unwrap_or_default();
            let before = world.tasks.len();
            world.send(index, Event::TaskDone { token: task.token, outputs });
            // A refused answer would be given again for ever.
            if world.tasks.len() == before
                && world.tasks.first().is_some_and(|(i, t)| (*i, t.token) == (index, task.token))
            {
                return;
            }
            continue;
        }
        if fired >= MAX_FIRINGS || world.next_timer().is_none_or(|at| at > until) {
            if until < Timestamp::MAX {
                world.advance(until, 0);
                world.now = world.now.max(until);
            }
            return;
        }
        let at = world.next_timer().unwrap_or(until);
        fired += world.advance(at, 1);
    }
}

/// Raises the first message, signal or error that an answer says for what is listened for.
fn raise(world: &mut World<'_>, answers: &std::rc::Rc<std::cell::RefCell<Answers>>) -> bool {
    for index in 0..world.instances.len() {
        let state = &world.instances[index].state;
        let tokens = state.tokens().flat_map(|t| t.listens.iter().map(move |l| (t.id, l)));
        let scopes = state.scopes().flat_map(|s| s.listens.iter().map(move |l| (s.id, l)));
        let listens: Vec<(i64, i64, String)> = tokens
            .chain(scopes)
            .filter(|(_, l)| matches!(l.to, Trigger::Message { .. } | Trigger::Signal { .. }))
            .map(|(holder, l)| (holder, l.id, l.element.clone()))
            .collect();
        for (token, subscription, element) in listens {
            let answer = answers.borrow_mut().once(&element);
            if let Some(answer) = answer {
                world.send(index, Event::MessageArrived { token, subscription, payload: outputs(&answer) });
                return true;
            }
        }
        // A receive task without a message, and catch events that somebody outside lets go on.
        let waits: Vec<(i64, String)> = world.instances[index]
            .state
            .tokens()
            .filter(|t| t.wait == Some(bpmn::Wait::Event) && t.listens.is_empty())
            .map(|t| (t.id, t.element.clone()))
            .collect();
        for (token, element) in waits {
            let answer = answers.borrow_mut().once(&element);
            if let Some(answer) = answer {
                world.send(index, Event::Trigger { token, payload: outputs(&answer) });
                return true;
            }
        }
    }
    false
}

fn document(world: &World<'_>) -> J {
    let trace: Vec<J> = world
        .trace
        .iter()
        .map(|t| {
            let process = &world.instances[t.instance].process;
            let element = process.element(&t.element);
            json!({
                "instance": t.instance, "process": process.id, "element": t.element,
                "name": element.map_or("", |e| e.name.as_str()), "kind": element.map_or("", |e| e.kind.name()),
                "what": t.what,
            })
        })
        .collect();
    let first = world.instances.first();
    json!({
        "process": first.map(|i| i.process.id.clone()),
        "trace": trace,
        "waiting": world.waiting(),
        "ended": first.and_then(|i| i.state.ended()),
        "variables": first.map(|i| i.state.values()),
        "incidents": world.errors,
        "time": world.now.to_string(),
    })
}

fn tell(document: &J) {
    for row in document["trace"].as_array().into_iter().flatten() {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let line = format!("{:<10}{} {} ({})", text("what"), text("element"), text("name"), text("kind"));
        output::print_line(&output::cell(&json!(line)));
    }
    for row in document["waiting"].as_array().into_iter().flatten() {
        output::print_line(&output::cell(&json!(format!("waits: {}", row))));
    }
    for incident in document["incidents"].as_array().into_iter().flatten() {
        output::print_line(&output::cell(incident));
    }
    output::print_line(&format!("ended: {}", document["ended"]));
    output::print_line(&output::cell(&json!(format!("variables: {}", document["variables"]))));
}
