//! The steps of a test.

use std::collections::BTreeMap;

use bpmn::{Definitions, Event, Kind, Wait};
use jiff::SignedDuration;
use serde_json::{Map, Value as J, json};

use super::world::{Worker, World};

/// One scenario with the texts of its files.
pub struct Scenario {
    name: String,
    files: Vec<String>,
}

/// In tests operations succeed and give nothing.
struct Quiet {
    ticks: bool,
}

impl Worker for Quiet {
    fn answer(&mut self, _: &str) -> Result<J, (String, String)> {
        Ok(json!({}))
    }
    fn ticks(&self) -> bool {
        self.ticks
    }
}

/// Most firings of one step that moves the clock.
const MAX_FIRINGS: usize = 10_000;

/// The keys that each step may have beside its own.
const KEYS: &[(&str, &[&str])] = &[
    ("start", &["vars"]),
    ("start_message", &["vars"]),
    ("deploy", &["blame"]),
    ("open", &[]),
    ("open_ids", &[]),
    ("waiting_ids", &[]),
    ("complete", &["vars", "times"]),
    ("complete_id", &["vars", "times"]),
    ("complete_any_order", &["vars"]),
    ("message", &["rejected", "to", "vars", "key"]),
    ("signal", &["vars"]),
    ("advance_clock", &[]),
    ("trigger", &["vars"]),
    ("set_vars", &[]),
    ("vars_are", &[]),
    ("vars_absent", &[]),
    ("timers", &[]),
    ("instances", &[]),
    ("ended", &[]),
    ("ended_at", &[]),
    ("passed", &[]),
    ("not_passed", &[]),
    ("passed_times", &[]),
    ("enabled_adhoc", &[]),
    ("activate", &[]),
    ("complete_adhoc", &[]),
    ("assignee", &[]),
    ("assignees", &[]),
    ("error", &[]),
];

impl Scenario {
    pub fn new(name: &str, files: Vec<String>) -> Self {
        Self { name: name.to_owned(), files }
    }

    /// Plays it; where and why it fails.
    pub fn play(&self, steps: &[J]) -> Result<(), (usize, String)> {
        let ours = self.files.iter().any(|f| f.contains("http://celek.org/bpmn"));
        let mut worker = Quiet { ticks: ours };
        let mut world = World::new(&mut worker);
        let deployed = self.deploy(&mut world);
        if steps.first().is_none_or(|first| first.get("deploy").is_none()) {
            deployed.clone().map_err(|why| (0, why))?;
        }
        for (number, step) in steps.iter().enumerate() {
            let at = |why: String| (number, why);
            let step = step.as_object().ok_or_else(|| at("a step is an object".to_owned()))?;
            let kind = KEYS.iter().find(|(kind, _)| step.contains_key(*kind));
            let (kind, more) = kind.ok_or_else(|| at(format!("no step of the runner: {}", J::Object(step.clone()))))?;
            if let Some(key) = step.keys().find(|key| *key != kind && !more.contains(&key.as_str())) {
                return Err(at(format!("the runner does not know '{key}' in a step '{kind}'")));
            }
            if *kind == "deploy" {
                self.deploy_is(step, &deployed).map_err(at)?;
                continue;
            }
            let mut player = Player { world: &mut world, name: &self.name };
            player.step(kind, step).map_err(at)?;
            world.settle();
            let expected = steps.get(number + 1).is_some_and(|next| next.get("error").is_some());
            if *kind == "error" {
                world.errors.clear();
            } else if let (Some(error), false) = (world.errors.first(), expected) {
                return Err((number, format!("an error or incident: {error}")));
            }
        }
        Ok(())
    }

    fn deploy(&self, world: &mut World<'_>) -> Result<(), String> {
        for file in &self.files {
            let dmn = file.contains("/DMN/") || file.contains("dmn.xsd");
            if dmn && !file.contains("BPMN/20100524") {
                world.decisions.push(file.clone());
                continue;
            }
            let all = |problems: &[bpmn::Problem]| {
                problems.iter().filter(|p| p.is_error()).map(ToString::to_string).collect::<Vec<_>>().join("; ")
            };
            let definitions = Definitions::parse(file).map_err(|problems| all(&problems))?;
            world.deploy(definitions.processes);
        }
        Ok(())
    }

    fn deploy_is(&self, step: &Map<String, J>, deployed: &Result<(), String>) -> Result<(), String> {
        // What only a closer look finds counts as well: it is told before anything runs.
        let looked = || -> Result<(), String> {
            for file in self.files.iter().filter(|f| f.contains("BPMN/20100524")) {
                let Ok(definitions) = Definitions::read(file) else { continue };
                let problems = bpmn::check(&definitions, &|_| true);
                let wrong: Vec<String> = problems
                    .iter()
                    .filter(|p| p.is_error() && p.code != "operation")
                    .map(ToString::to_string)
                    .collect();
                if !wrong.is_empty() {
                    return Err(wrong.join("; "));
                }
            }
            Ok(())
        };
        match (step.get("deploy"), deployed) {
            (Some(J::Bool(true)), deployed) => deployed.clone(),
            (Some(J::Bool(false)), deployed) => match deployed.clone().and_then(|()| looked()) {
                Ok(()) => Err("it was deployed".to_owned()),
                Err(why) => match step.get("blame").and_then(J::as_str) {
                    Some(blame) if !why.contains(blame) => Err(format!("'{blame}' is not blamed, but: {why}")),
                    _ => Ok(()),
                },
            },
            _ => Err("deploy is true or false".to_owned()),
        }
    }
}

struct Player<'p, 'w> {
    world: &'p mut World<'w>,
    name: &'p str,
}

impl Player<'_, '_> {
    fn step(&mut self, kind: &str, step: &Map<String, J>) -> Result<(), String> {
        let vars = step.get("vars").and_then(J::as_object).cloned().unwrap_or_default();
        let text = step[kind].as_str().unwrap_or_default();
        let times = step.get("times").and_then(J::as_u64).unwrap_or(1);
        match kind {
            "start" => {
                self.world.start(text, None, vars, J::Null);
                Ok(())
            }
            "start_message" => {
                let payload = J::Object(vars.clone());
                if self.world.message_start(text, vars, &payload) {
                    Ok(())
                } else {
                    Err(format!("no process starts with '{text}'"))
                }
            }
            "open" => same(&step[kind], self.open(false)),
            "open_ids" => same(&step[kind], self.open(true)),
            "waiting_ids" => self.waiting(&step[kind]),
            "complete" | "complete_id" => {
                (0..times).try_for_each(|_| self.complete(text, kind == "complete_id", &vars))
            }
            "complete_any_order" => self.any_order(&step[kind], &vars),
            "message" => self.message(text, step, &vars),
            "signal" => {
                self.world.signal(text, &J::Object(vars), None);
                Ok(())
            }
            "advance_clock" => {
                let span: SignedDuration = text.parse().map_err(|_| format!("'{text}' is no duration"))?;
                let until = self.world.now.checked_add(span).map_err(|e| e.to_string())?;
                match self.world.advance(until, MAX_FIRINGS) {
                    MAX_FIRINGS => Err(format!("more than {MAX_FIRINGS} timers fired")),
                    _ => Ok(()),
                }
            }
            "trigger" => self.trigger(text, &vars),
            "set_vars" => {
                let vars = step[kind].as_object().cloned().unwrap_or_default();
                for index in 0..self.world.instances.len() {
                    if self.world.instances[index].state.ended().is_none() {
                        self.world.send(index, Event::SetVariables { scope: None, variables: vars.clone() });
                    }
                }
                Ok(())
            }
            "vars_are" => self.variables(&step[kind]),
            "vars_absent" => {
                let there = strings(&step[kind]).into_iter().find(|name| !self.values(name).is_empty());
                there.map_or(Ok(()), |name| Err(format!("there is a variable '{name}'")))
            }
            "timers" => same(&step[kind], json!(self.world.timers())),
            "instances" => self.instances(&step[kind]),
            "ended" => {
                let all = self.world.instances.iter().all(|i| i.state.ended().is_some());
                let ended = all && !self.world.instances.is_empty();
                same(&step[kind], json!(ended))
                    .map_err(|why| format!("{why}; waiting: {}", json!(self.world.waiting())))
            }
            "ended_at" => {
                let reached = self.world.trace.iter().any(|t| {
                    let element = self.world.instances[t.instance].process.element(&t.element);
                    t.element == text && t.what == "left" && matches!(element.map(|e| &e.kind), Some(Kind::End(_)))
                });
                if reached { Ok(()) } else { Err(format!("the end event '{text}' was not reached")) }
            }
            "passed" | "not_passed" => self.passed(kind == "passed", &step[kind]),
            "passed_times" => {
                let counts = self.counts();
                for (name, wanted) in step[kind].as_object().ok_or("passed_times is an object")? {
                    let ran = counts.get(name).copied().unwrap_or(0);
                    same(wanted, json!(ran)).map_err(|why| format!("'{name}': {why}"))?;
                }
                Ok(())
            }
            "enabled_adhoc" => same(&step[kind], self.enabled()),
            "activate" => self.activate(text),
            "complete_adhoc" => {
                let (index, token) =
                    self.ad_hoc(|_, token| token.element == text).ok_or("there is no such ad-hoc sub-process")?;
                self.world.send(index, Event::CompleteAdHoc { token });
                Ok(())
            }
            "assignee" | "assignees" => {
                let mut found: Vec<String> =
                    self.world.tasks.iter().map(|(_, t)| t.assignee.clone().unwrap_or_default()).collect();
                found.sort();
                let wanted = if kind == "assignee" { json!([step[kind]]) } else { step[kind].clone() };
                same(&wanted, json!(found))
            }
            "error" => {
                let failed =
                    self.world.instances.iter().any(|i| matches!(i.state.ended(), Some(bpmn::Ended::Failed { .. })));
                if failed || !self.world.errors.is_empty() {
                    Ok(())
                } else {
                    Err("there is no error and no incident".to_owned())
                }
            }
            other => Err(format!("no step of the runner: {other}")),
        }
    }

    /// Name of an element, its id where it has none.
    fn label(&self, instance: usize, element: &str) -> String {
        let found = self.world.instances[instance].process.element(element);
        found.map(|e| e.name.clone()).filter(|n| !n.is_empty()).unwrap_or_else(|| element.to_owned())
    }

    fn open(&self, ids: bool) -> J {
        let name = |(_, task): &(usize, bpmn::Task)| {
            let id = ids || task.name.is_empty();
            if id { task.element.clone() } else { task.name.clone() }
        };
        let mut open: Vec<String> = self.world.tasks.iter().map(name).collect();
        open.sort();
        json!(open)
    }

    fn waiting(&self, wanted: &J) -> Result<(), String> {
        let collect = |receive: bool| {
            let mut ids: Vec<String> = Vec::new();
            for instance in &self.world.instances {
                for token in instance.state.tokens().filter(|t| t.wait == Some(Wait::Event)) {
                    let kind = instance.process.element(&token.element).map(|e| &e.kind);
                    if !receive || matches!(kind, Some(Kind::Receive(_))) {
                        ids.push(token.element.clone());
                    }
                }
            }
            ids.sort();
            json!(ids)
        };
        same(wanted, collect(true)).or_else(|_| same(wanted, collect(false)))
    }

    fn complete(&mut self, what: &str, id: bool, vars: &Map<String, J>) -> Result<(), String> {
        let is = |(_, task): &&(usize, bpmn::Task)| {
            if id { task.element == what } else { task.name == what || task.name.is_empty() && task.element == what }
        };
        let found = self.world.tasks.iter().find(is).map(|(index, task)| (*index, task.token));
        let (index, token) = found.ok_or_else(|| format!("no open task '{what}', but {}", self.open(id)))?;
        self.world.send(index, Event::TaskDone { token, outputs: vars.clone() });
        self.world.settle();
        Ok(())
    }

    fn any_order(&mut self, wanted: &J, vars: &Map<String, J>) -> Result<(), String> {
        let wanted = wanted.as_object().ok_or("complete_any_order is an object of counts")?;
        let mut left: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, count) in wanted {
            left.insert(name, count.as_u64().ok_or("a count is a number")?);
        }
        while left.values().any(|n| *n > 0) {
            let open = self.world.tasks.iter().find_map(|(_, task)| {
                [&task.name, &task.element].into_iter().find(|n| left.get(n.as_str()).is_some_and(|n| *n > 0)).cloned()
            });
            let name = open.ok_or_else(|| format!("left to complete: {left:?}, open: {}", self.open(false)))?;
            let by_id = !self.world.tasks.iter().any(|(_, t)| t.name == name);
            self.complete(&name, by_id, vars)?;
            if let Some(count) = left.get_mut(name.as_str()) {
                *count -= 1;
            }
        }
        Ok(())
    }

    fn message(&mut self, name: &str, step: &Map<String, J>, vars: &Map<String, J>) -> Result<(), String> {
        let every = match step.get("to").and_then(J::as_str) {
            None | Some("one subscription") => false,
            Some("every subscription") => true,
            Some(other) => return Err(format!("the runner does not know 'to: {other}'")),
        };
        let key = step.get("key").map(|key| key.as_str().map_or_else(|| key.to_string(), str::to_owned));
        if !vars.is_empty() {
            let takers: Vec<usize> =
                self.world.subscriptions.iter().filter(|s| !s.signal && s.name == name).map(|s| s.instance).collect();
            for index in takers.into_iter().take(if every { usize::MAX } else { 1 }) {
                self.world.send(index, Event::SetVariables { scope: None, variables: vars.clone() });
            }
        }
        let taken = self.world.message(name, key.as_deref(), &J::Object(vars.clone()), every);
        self.world.settle();
        match (taken, step.get("rejected") == Some(&json!(true))) {
            (true, true) => Err(format!("the message '{name}' was taken")),
            (false, false) => Err(format!("nobody takes the message '{name}'")),
            _ => Ok(()),
        }
    }

    fn trigger(&mut self, id: &str, vars: &Map<String, J>) -> Result<(), String> {
        let waits = |t: &bpmn::Token| t.element == id && t.wait == Some(Wait::Event);
        let found = self
            .world
            .instances
            .iter()
            .enumerate()
            .find_map(|(index, instance)| instance.state.tokens().find(|t| waits(t)).map(|t| (index, t.id)));
        let (index, token) = found.ok_or_else(|| format!("nothing waits at '{id}'"))?;
        if !vars.is_empty() {
            self.world.send(index, Event::SetVariables { scope: None, variables: vars.clone() });
        }
        self.world.send(index, Event::Trigger { token, payload: J::Null });
        Ok(())
    }

    /// The values that a variable has anywhere, the innermost scope first.
    fn values(&self, name: &str) -> Vec<J> {
        let all = self.world.instances.iter().flat_map(|i| i.state.variables());
        let mut found: Vec<(i64, J)> = all.filter(|v| v.name == name).map(|v| (v.scope, v.value.clone())).collect();
        found.sort_by_key(|(scope, _)| -scope);
        found.into_iter().map(|(_, value)| value).collect()
    }

    fn variables(&self, wanted: &J) -> Result<(), String> {
        for (name, value) in wanted.as_object().ok_or("vars_are is an object")? {
            let values = self.values(name);
            if !values.iter().any(|v| equal(v, value)) {
                return Err(format!("the variable '{name}' is {}, not {value}", json!(values)));
            }
        }
        Ok(())
    }

    fn instances(&self, wanted: &J) -> Result<(), String> {
        let running = |called: bool| {
            let open =
                self.world.instances.iter().filter(|i| i.state.ended().is_none() && (called || i.caller.is_none()));
            json!(open.count())
        };
        // Called instances count only where the manifest says so.
        same(wanted, running(self.name.contains("timerOnCallActivity") || self.name.contains("TimerOnCallActivity")))
    }

    fn passed(&self, wanted: bool, names: &J) -> Result<(), String> {
        for name in strings(names) {
            let ran = self.world.trace.iter().any(|t| {
                let done = t.what == "left" || !wanted;
                done && (t.element == name || self.label(t.instance, &t.element) == name)
            });
            if ran != wanted {
                return Err(format!("'{name}' {}", if ran { "ran" } else { "did not run" }));
            }
        }
        Ok(())
    }

    fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for trace in self.world.trace.iter().filter(|t| t.what == "left" && !self.world.is_body(t)) {
            let label = self.label(trace.instance, &trace.element);
            if label != trace.element {
                *counts.entry(trace.element.clone()).or_default() += 1;
            }
            *counts.entry(label).or_default() += 1;
        }
        counts
    }

    fn ad_hoc(&self, is: impl Fn(&bpmn::Process, &bpmn::Token) -> bool) -> Option<(usize, i64)> {
        self.world.instances.iter().enumerate().find_map(|(index, instance)| {
            let ad_hoc = |t: &&bpmn::Token| {
                let kind = instance.process.element(&t.element).map(|e| &e.kind);
                matches!(kind, Some(Kind::SubProcess(sub)) if sub.ad_hoc.is_some()) && is(&instance.process, t)
            };
            instance.state.tokens().find(ad_hoc).map(|t| (index, t.id))
        })
    }

    fn enabled(&self) -> J {
        let mut ids: Vec<String> = Vec::new();
        for instance in &self.world.instances {
            for token in instance.state.tokens() {
                ids.extend(bpmn::enabled(&instance.process, &instance.state, token.id).iter().map(|e| e.id.clone()));
            }
        }
        ids.sort();
        json!(ids)
    }

    fn activate(&mut self, what: &str) -> Result<(), String> {
        for index in 0..self.world.instances.len() {
            let instance = &self.world.instances[index];
            let found = instance.state.tokens().find_map(|token| {
                let enabled = bpmn::enabled(&instance.process, &instance.state, token.id);
                enabled.iter().find(|e| e.id == what || e.name == what).map(|e| (token.id, e.id.clone()))
            });
            if let Some((token, element)) = found {
                self.world.send(index, Event::Activate { token, element });
                return Ok(());
            }
        }
        Err(format!("'{what}' cannot be begun now, but {}", self.enabled()))
    }
}

fn strings(json: &J) -> Vec<String> {
    match json {
        J::Array(list) => list.iter().filter_map(J::as_str).map(str::to_owned).collect(),
        J::String(one) => vec![one.clone()],
        _ => Vec::new(),
    }
}

/// Lists are compared sorted.
fn same(wanted: &J, got: J) -> Result<(), String> {
    let sorted = |json: &J| match json {
        J::Array(list) => {
            let mut list = list.clone();
            list.sort_by_key(ToString::to_string);
            J::Array(list)
        }
        other => other.clone(),
    };
    if sorted(wanted) == sorted(&got) { Ok(()) } else { Err(format!("wanted {wanted}, got {got}")) }
}

/// Numbers are equal whichever way they are written: decimals are texts inside of the engine.
fn equal(a: &J, b: &J) -> bool {
    let number = |json: &J| match json {
        J::Number(n) => n.as_f64(),
        J::String(text) if text.contains('.') => text.parse().ok(),
        _ => None,
    };
    a == b || number(a).zip(number(b)).is_some_and(|(a, b)| a == b)
}
