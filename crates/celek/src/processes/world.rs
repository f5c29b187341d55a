//! Processes in memory: instances, their timers and subscriptions, virtual time. Everything that the caller of the engine
//! has to do, in the simplest form.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use bpmn::{
    Context, Due, Effect, Ended, Event, Failure, Process, ScopeKind, StartTrigger, State, Task, Trigger, Wait,
    WorkingTime, step,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as J, json};

/// Most events of one run: what goes on for ever is ended.
const MAX_EVENTS: usize = 200_000;
/// Elements that one event may enter.
const BUDGET: u32 = 20_000;

/// What is done about work that the engine asks for.
pub trait Worker {
    /// The answer of an operation or send task: its output, or an error's code and message.
    fn answer(&mut self, element: &str) -> Result<J, (String, String)>;
    /// True where manual tasks wait for a tick.
    fn ticks(&self) -> bool;
}

/// An instance.
pub struct Instance {
    pub process: Arc<Process>,
    pub state: State,
    /// The instance and token of the call activity that it runs for.
    pub caller: Option<(usize, i64)>,
}

/// What happened to a token.
pub struct Trace {
    pub instance: usize,
    pub token: i64,
    pub element: String,
    pub what: &'static str,
}

/// A timer that is set; without an instance it starts one.
struct Timer {
    instance: Option<usize>,
    token: i64,
    id: i64,
    at: Timestamp,
    start: Option<(Arc<Process>, String, Option<bpmn::Armed>)>,
}

/// A message or signal that is waited for.
#[derive(Clone)]
pub struct Subscription {
    pub instance: usize,
    pub token: i64,
    pub id: i64,
    pub name: String,
    pub key: Option<String>,
    pub signal: bool,
}

/// All of it.
pub struct World<'w> {
    pub now: Timestamp,
    pub processes: Vec<Arc<Process>>,
    pub decisions: Vec<String>,
    pub instances: Vec<Instance>,
    pub tasks: Vec<(usize, Task)>,
    pub trace: Vec<Trace>,
    pub subscriptions: Vec<Subscription>,
    /// Incidents and refusals, as texts.
    pub errors: Vec<String>,
    pub worker: &'w mut dyn Worker,
    timers: Vec<Timer>,
    pending: Vec<(String, Option<String>, J)>,
    queue: VecDeque<(usize, Event)>,
    /// Tokens of activities that are repeated, and of their rounds.
    bodies: HashSet<(usize, i64)>,
    rounds: HashSet<(usize, i64)>,
    events: usize,
}

impl<'w> World<'w> {
    pub fn new(worker: &'w mut dyn Worker) -> Self {
        Self {
            now: Timestamp::from_second(1_767_254_400).unwrap_or_default(),
            processes: Vec::new(),
            decisions: Vec::new(),
            instances: Vec::new(),
            tasks: Vec::new(),
            trace: Vec::new(),
            subscriptions: Vec::new(),
            errors: Vec::new(),
            worker,
            timers: Vec::new(),
            pending: Vec::new(),
            queue: VecDeque::new(),
            bodies: HashSet::new(),
            rounds: HashSet::new(),
            events: 0,
        }
    }

    /// Makes processes known; their start timers are set.
    pub fn deploy(&mut self, processes: Vec<Process>) {
        for process in processes {
            let process = Arc::new(process);
            for (element, start) in process.starts() {
                let StartTrigger::Timer(spec) = &start.trigger else { continue };
                match spec.arm(&Map::new(), &Context::new(self.now).clock) {
                    Ok(armed) => {
                        let at = self.moment(&armed.due);
                        let start = Some((process.clone(), element.id.clone(), Some(armed)));
                        self.timers.push(Timer { instance: None, token: 0, id: 0, at, start });
                    }
                    Err(why) => self.errors.push(format!("{}: {why}", element.id)),
                }
            }
            self.processes.push(process);
        }
    }

    fn moment(&self, due: &Due) -> Timestamp {
        match due {
            Due::At(at) => *at,
            Due::Text(text) => match WorkingTime::parse(text) {
                // In memory every day from Monday to Friday has eight hours, from 8 to 16.
                Some(time) => working(self.now, time),
                None => self.now,
            },
        }
    }

    pub fn timers(&self) -> usize {
        self.timers.len()
    }

    /// Starts an instance; by its start event without a trigger unless one is named.
    pub fn start(&mut self, process: &str, element: Option<String>, variables: Map<String, J>, payload: J) -> bool {
        let Some(found) = self.processes.iter().rev().find(|p| p.id == process).cloned() else {
            self.errors.push(format!("there is no process '{process}'"));
            return false;
        };
        self.begin(found, element, variables, payload, None);
        self.run();
        true
    }

    fn begin(
        &mut self,
        process: Arc<Process>,
        element: Option<String>,
        variables: Map<String, J>,
        payload: J,
        caller: Option<(usize, i64)>,
    ) {
        // A process without a plain start event is started by its only one.
        let plain = process.starts().any(|(_, s)| s.trigger == StartTrigger::None);
        let only = process.starts().next().map(|(e, _)| e.id.clone());
        let element = element.or(if plain { None } else { only });
        self.instances.push(Instance { process, state: State::new(), caller });
        self.queue.push_back((self.instances.len() - 1, Event::Start { element, variables, payload }));
    }

    /// Brings an event and all that follows from it.
    pub fn send(&mut self, instance: usize, event: Event) {
        self.queue.push_back((instance, event));
        self.run();
    }

    fn run(&mut self) {
        while let Some((index, event)) = self.queue.pop_front() {
            self.events += 1;
            if self.events > MAX_EVENTS {
                self.errors.push(format!("more than {MAX_EVENTS} events"));
                self.queue.clear();
                return;
            }
            let mut context = Context::new(self.now);
            context.budget = BUDGET;
            let instance = &mut self.instances[index];
            if instance.state.ended().is_some() {
                continue;
            }
            match step(&instance.process, &mut instance.state, event, &context) {
                Ok(effects) => {
                    // What is stored and read back must be the same instance.
                    if let Some(state) = serde_json::to_value(&instance.state)
                        .ok()
                        .and_then(|row| serde_json::from_value::<State>(row).ok())
                    {
                        if state != instance.state {
                            self.errors.push("the stored state differs".to_owned());
                        }
                        instance.state = state;
                    }
                    self.look(index);
                    for effect in effects {
                        self.apply(index, effect);
                    }
                }
                Err(error) => self.errors.push(error.to_string()),
            }
        }
    }

    /// Notes which tokens are rounds of a repeated activity.
    fn look(&mut self, index: usize) {
        let state = &self.instances[index].state;
        for scope in state.scopes().filter(|s| matches!(s.kind, ScopeKind::Rounds(_))) {
            self.bodies.extend(scope.token.map(|t| (index, t)));
            let inside = state.tokens().filter(|t| t.scope == scope.id).map(|t| (index, t.id));
            self.rounds.extend(inside);
        }
    }

    fn note(&mut self, instance: usize, token: i64, element: String, what: &'static str) {
        self.trace.push(Trace { instance, token, element, what });
    }

    fn apply(&mut self, index: usize, effect: Effect) {
        match effect {
            Effect::Entered { token, element } => self.note(index, token, element, "entered"),
            Effect::Left { token, element } => {
                self.tasks.retain(|(i, t)| (*i, t.token) != (index, token));
                self.note(index, token, element, "left");
            }
            Effect::Cancelled { token, element } => {
                self.tasks.retain(|(i, t)| (*i, t.token) != (index, token));
                self.note(index, token, element, "cancelled");
            }
            Effect::TaskCreated(task) if task.manual && !self.worker.ticks() => {
                self.queue.push_back((index, Event::TaskDone { token: task.token, outputs: Map::new() }));
            }
            Effect::TaskCreated(task) => self.tasks.push((index, *task)),
            Effect::TaskCancelled { token } => self.tasks.retain(|(i, t)| (*i, t.token) != (index, token)),
            Effect::CallOperation { token, element, .. } => {
                let event = match self.worker.answer(&element) {
                    Ok(output) => Event::OperationDone { token, output },
                    Err((code, message)) => {
                        Event::OperationFailed { token, failure: Failure::Business { code }, message }
                    }
                };
                self.queue.push_back((index, event));
            }
            Effect::Decide { token, decision, input, .. } => {
                let event = self.decide(token, &decision, &input);
                self.queue.push_back((index, event));
            }
            Effect::CallProcess { token, process, variables, .. } => {
                match self.processes.iter().rev().find(|p| p.id == process).cloned() {
                    Some(called) if self.depth(index) < 50 => {
                        let variables = variables.as_object().cloned().unwrap_or_default();
                        self.begin(called, None, variables, J::Null, Some((index, token)));
                    }
                    Some(_) => self.fail(index, token, "processes call each other without end".to_owned()),
                    None => self.fail(index, token, format!("there is no process '{process}'")),
                }
            }
            Effect::OperationCancelled { token } => {
                for child in 0..self.instances.len() {
                    if self.instances[child].caller == Some((index, token))
                        && self.instances[child].state.ended().is_none()
                    {
                        self.queue.push_back((child, Event::Cancel { reason: "the call was cancelled".to_owned() }));
                    }
                }
            }
            Effect::TimerSet { token, timer, due, .. } => {
                let at = self.moment(&due);
                self.timers.push(Timer { instance: Some(index), token, id: timer, at, start: None });
            }
            Effect::TimerCancelled { timer, .. } => {
                self.timers.retain(|t| t.instance != Some(index) || t.id != timer);
            }
            Effect::Subscribed { token, subscription, name, key, signal, .. } => {
                let new = Subscription { instance: index, token, id: subscription, name, key, signal };
                let waits = |(name, key, _): &(String, Option<String>, J)| {
                    !new.signal && *name == new.name && (key.is_none() || new.key.is_none() || *key == new.key)
                };
                if let Some(at) = self.pending.iter().position(waits) {
                    let (_, _, payload) = self.pending.remove(at);
                    self.queue.push_back((index, Event::MessageArrived { token, subscription, payload }));
                }
                self.subscriptions.push(new);
            }
            Effect::Unsubscribed { subscription, .. } => {
                self.subscriptions.retain(|s| s.instance != index || s.id != subscription);
            }
            Effect::MessageSent { name, key, payload, .. } => {
                if !self.message(&name, key.as_deref(), &payload, false) {
                    self.pending.push((name, key, payload));
                }
            }
            Effect::SignalThrown { name, payload } => self.signal(&name, &payload, Some(index)),
            Effect::EscalationThrown { code } => {
                if let Some((caller, token)) = self.instances[index].caller {
                    self.queue.push_back((caller, Event::Escalated { token, code }));
                }
            }
            Effect::IncidentRaised { element, code, message, .. } => {
                self.errors.push(format!("{element}: {code}: {message}"));
            }
            Effect::ContinueLater => self.queue.push_front((index, Event::Continue)),
            Effect::InstanceEnded(how) => self.ended(index, how),
            Effect::VariableSet { .. } => {}
        }
    }

    fn depth(&self, index: usize) -> usize {
        let (mut at, mut depth) = (index, 0);
        while let Some((caller, _)) = self.instances[at].caller {
            at = caller;
            depth += 1;
        }
        depth
    }

    fn fail(&mut self, index: usize, token: i64, message: String) {
        self.queue.push_back((index, Event::OperationFailed { token, failure: Failure::Technical, message }));
    }

    fn decide(&self, token: i64, decision: &str, input: &J) -> Event {
        let empty = Map::new();
        let mut why = format!("there is no decision '{decision}'");
        for xml in &self.decisions {
            match crate::decide::evaluate(xml, Some(decision), input.as_object().unwrap_or(&empty)) {
                Ok(output) => return Event::OperationDone { token, output },
                Err(error) if error.contains("there is no decision") => {}
                Err(error) => why = error,
            }
        }
        Event::OperationFailed { token, failure: Failure::Technical, message: why }
    }

    fn ended(&mut self, index: usize, how: Ended) {
        let Some((caller, token)) = self.instances[index].caller else { return };
        let event = match how {
            Ended::Failed { code } => {
                let message = format!("the called process ended with the error {code}");
                Event::OperationFailed { token, failure: Failure::Business { code }, message }
            }
            Ended::Cancelled { .. } => return,
            _ => Event::OperationDone { token, output: J::Object(self.instances[index].state.values()) },
        };
        self.queue.push_back((caller, event));
    }

    /// Brings a message to the oldest (or every) subscription, else it starts an instance. False where nobody takes it.
    pub fn message(&mut self, name: &str, key: Option<&str>, payload: &J, every: bool) -> bool {
        let fits = |s: &&Subscription| {
            !s.signal && s.name == name && (key.is_none() || s.key.is_none() || s.key.as_deref() == key)
        };
        let found: Vec<Subscription> = self.subscriptions.iter().filter(fits).cloned().collect();
        for one in found.iter().take(if every { usize::MAX } else { 1 }) {
            let event = Event::MessageArrived { token: one.token, subscription: one.id, payload: payload.clone() };
            self.queue.push_back((one.instance, event));
        }
        !found.is_empty() || self.message_start(name, Map::new(), payload)
    }

    /// Starts an instance by the name of a message.
    pub fn message_start(&mut self, name: &str, variables: Map<String, J>, payload: &J) -> bool {
        for process in self.processes.clone().into_iter().rev() {
            let behind = |e: &bpmn::Element| {
                e.parent.is_none()
                    && match &e.kind {
                        bpmn::Kind::Receive(task) => {
                            task.message.as_ref().is_some_and(|m| m.name == name)
                                && (task.instantiate || instantiated(&process, e))
                        }
                        bpmn::Kind::Catch(event) => {
                            matches!(&event.trigger, bpmn::elements::catch_event::CatchTrigger::Message(m) if m.name == name)
                                && instantiated(&process, e)
                        }
                        _ => false,
                    }
            };
            let element = process.message_start(name).or_else(|| process.elements.iter().find(|e| behind(e)));
            if let Some(element) = element {
                let id = element.id.clone();
                self.begin(process, Some(id), variables, payload.clone(), None);
                return true;
            }
        }
        false
    }

    /// Goes on until nothing moves.
    pub fn settle(&mut self) {
        self.run();
    }

    /// Brings a signal to all that wait for it, but the instance that threw it.
    pub fn signal(&mut self, name: &str, payload: &J, but: Option<usize>) {
        let found: Vec<Subscription> = self
            .subscriptions
            .iter()
            .filter(|s| s.signal && s.name == name && Some(s.instance) != but)
            .cloned()
            .collect();
        for one in found {
            let event = Event::MessageArrived { token: one.token, subscription: one.id, payload: payload.clone() };
            self.queue.push_back((one.instance, event));
        }
        for process in self.processes.clone() {
            let hears = |s: &bpmn::StartEvent| matches!(&s.trigger, StartTrigger::Signal(own) if own == name);
            let start = process.starts().find(|(_, s)| hears(s)).map(|(e, _)| e.id.clone());
            if let Some(start) = start {
                self.begin(process, Some(start), Map::new(), payload.clone(), None);
            }
        }
    }

    /// The moment at which the next timer fires.
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.timers.iter().map(|t| t.at).min()
    }

    /// Fires the timers up to a moment in their order, at most so many; how many fired.
    pub fn advance(&mut self, until: Timestamp, most: usize) -> usize {
        let mut fired = 0;
        while fired < most {
            let Some(at) = self.next_timer().filter(|at| *at <= until) else { break };
            let Some(index) = self.timers.iter().position(|t| t.at == at) else { break };
            self.now = self.now.max(at);
            fired += 1;
            let timer = self.timers.remove(index);
            match (timer.instance, timer.start) {
                (Some(instance), _) => {
                    self.queue.push_back((instance, Event::TimerFired { token: timer.token, timer: timer.id }));
                }
                (None, Some((process, element, armed))) => {
                    let next = armed.and_then(|a| a.next(&Context::new(self.now).clock).ok().flatten());
                    if let Some(next) = next {
                        let at = self.moment(&next.due);
                        let start = Some((process.clone(), element.clone(), Some(next)));
                        self.timers.push(Timer { instance: None, token: 0, id: 0, at, start });
                    }
                    self.begin(process, Some(element), Map::new(), J::Null, None);
                }
                (None, None) => {}
            }
            self.run();
        }
        if fired < most {
            self.now = self.now.max(until);
        }
        fired
    }

    /// True for the token of a repeated activity as a whole, which is not one run of it.
    pub fn is_body(&self, trace: &Trace) -> bool {
        let key = (trace.instance, trace.token);
        if self.bodies.contains(&key) || self.rounds.contains(&key) {
            return self.bodies.contains(&key);
        }
        let repeated =
            self.instances[trace.instance].process.element(&trace.element).is_some_and(|e| e.repeat.is_some());
        // Rounds that take no time are entered and left one by one while the activity is entered.
        repeated
            && self
                .trace
                .iter()
                .skip_while(|t| (t.instance, t.token) != key)
                .skip(1)
                .take_while(|t| (t.instance, t.token) != key)
                .any(|t| t.instance == trace.instance && t.element == trace.element)
    }

    /// Where tokens wait, with what they wait for.
    pub fn waiting(&self) -> Vec<J> {
        let mut out = Vec::new();
        for (index, instance) in self.instances.iter().enumerate() {
            for token in instance.state.tokens() {
                let what = match &token.wait {
                    Some(Wait::Task) => json!("task"),
                    Some(Wait::Operation) => json!("operation"),
                    Some(Wait::Event) => json!("event"),
                    Some(Wait::Join) => json!("join"),
                    Some(Wait::Incident { code, message, .. }) => json!({"incident": code, "message": message}),
                    Some(Wait::Scope { .. }) | None => continue,
                };
                let element = instance.process.element(&token.element);
                let listens: Vec<&str> = token
                    .listens
                    .iter()
                    .filter(|l| !matches!(l.to, Trigger::Timer { .. }) || l.element == token.element)
                    .map(|l| l.element.as_str())
                    .collect();
                out.push(json!({
                    "instance": index, "process": instance.process.id, "element": token.element,
                    "name": element.map_or("", |e| e.name.as_str()), "kind": element.map_or("", |e| e.kind.name()),
                    "waits_for": what, "listens": listens,
                }));
            }
        }
        out
    }
}

fn instantiated(process: &Process, element: &bpmn::Element) -> bool {
    element.incoming.iter().any(|flow| {
        let source = &process.elements[process.flows[*flow].source];
        matches!(&source.kind, bpmn::Kind::EventBased(gateway) if gateway.instantiate)
    })
}

fn working(from: Timestamp, time: WorkingTime) -> Timestamp {
    let (mut left, unit) = match time {
        WorkingTime::Days(days) => (days, SignedDuration::from_hours(24)),
        WorkingTime::Hours(hours) => (hours, SignedDuration::from_hours(1)),
    };
    let mut at = from;
    while left > 0 {
        let Ok(next) = at.checked_add(unit) else { return at };
        at = next;
        let zoned = at.to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let weekend = zoned.weekday().to_monday_zero_offset() > 4;
        let hour = zoned.hour();
        let open = matches!(time, WorkingTime::Days(_)) || (9..=16).contains(&hour);
        if !weekend && open {
            left -= 1;
        }
    }
    at
}
