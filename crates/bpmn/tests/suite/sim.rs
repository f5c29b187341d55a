//! An instance under test. After every step it is stored row by row, read back, and compared with what the effects said.

use bpmn::{
    Changed, Context, Definitions, Due, Effect, Event, Failure, Process, Rows, State, StepError, Task, Trigger,
};
use bpmn::{Wait, step};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

pub struct Sim {
    pub process: Process,
    pub state: State,
    pub now: Timestamp,
    pub budget: u32,
    /// All effects of all steps.
    pub log: Vec<Effect>,
    /// All events with their time, to replay.
    pub events: Vec<(Timestamp, Event)>,
    stored: Stored,
}

/// What a caller would have in its tables.
#[derive(Default)]
struct Stored {
    rows: BTreeMap<Changed, Json>,
    instance: Json,
    entered: BTreeSet<i64>,
    tasks: BTreeSet<i64>,
    calls: BTreeSet<i64>,
    timers: BTreeSet<i64>,
    messages: BTreeSet<i64>,
}

/// Wraps elements into a process of a file.
pub fn file(body: &str) -> String {
    format!(
        r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:celek="http://celek.org/bpmn">
        <message id="ping" name="ping"/><message id="keyed" name="keyed" celek:correlation="=key"/>
        <error id="no" errorCode="no"/><error id="other" errorCode="other"/>
        <process id="p" name="Test">{body}</process></definitions>"#
    )
}

/// `a>b>c` as flows, one or more chains separated by spaces.
pub fn chain(chains: &str) -> String {
    let mut flows = String::new();
    for chain in chains.split_whitespace() {
        let elements: Vec<&str> = chain.split('>').collect();
        for pair in elements.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            flows += &format!(r#"<sequenceFlow id="{from}_{to}" sourceRef="{from}" targetRef="{to}"/>"#);
        }
    }
    flows
}

pub fn object(value: Json) -> Map<String, Json> {
    value.as_object().unwrap().clone()
}

impl Sim {
    pub fn new(xml: &str) -> Self {
        let definitions = Definitions::parse(xml).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let process = definitions.processes.into_iter().next().unwrap();
        let now = "2026-03-02T08:00:00Z".parse().unwrap();
        let (state, stored) = (State::new(), Stored::default());
        Self { process, state, now, budget: 50, log: Vec::new(), events: Vec::new(), stored }
    }

    pub fn started(body: &str, variables: Json) -> Self {
        let mut sim = Self::new(&file(body));
        sim.start(variables);
        sim
    }

    pub fn start(&mut self, variables: Json) -> Vec<Effect> {
        self.send(Event::Start { element: None, variables: object(variables), payload: Json::Null })
    }

    pub fn try_send(&mut self, event: Event) -> Result<Vec<Effect>, StepError> {
        let mut context = Context::new(self.now);
        context.budget = self.budget;
        let before = self.state.clone();
        let result = step(&self.process, &mut self.state, event.clone(), &context);
        match &result {
            Ok(effects) => {
                self.events.push((self.now, event));
                self.log.extend(effects.iter().cloned());
                let changes = self.state.take_changes();
                self.stored.apply(&self.state, &changes, effects);
                self.state = self.stored.restore();
            }
            Err(_) => assert_eq!(before, self.state, "a refused event changes nothing"),
        }
        result
    }

    /// Sends an event and goes on until the budget is not the limit.
    pub fn send(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = self.try_send(event).unwrap_or_else(|e| panic!("{e}"));
        while effects.contains(&Effect::ContinueLater) {
            effects.retain(|e| *e != Effect::ContinueLater);
            effects.extend(self.try_send(Event::Continue).unwrap_or_else(|e| panic!("{e}")));
        }
        effects
    }

    /// The same events again give the same effects and the same state.
    pub fn replay(&self) {
        let mut state = State::new();
        let mut log = Vec::new();
        for (now, event) in &self.events {
            let mut context = Context::new(*now);
            context.budget = self.budget;
            log.extend(step(&self.process, &mut state, event.clone(), &context).unwrap());
        }
        assert_eq!(log, self.log);
        assert_eq!(state, self.state);
    }

    pub fn token(&self, element: &str) -> i64 {
        let found: Vec<i64> = self.state.tokens().filter(|t| t.element == element).map(|t| t.id).collect();
        assert_eq!(found.len(), 1, "one token at {element}: {:#?}", self.state.tokens().collect::<Vec<_>>());
        found[0]
    }

    pub fn listen(&self, element: &str) -> (i64, i64) {
        let tokens = self.state.tokens().flat_map(|t| t.listens.iter().map(move |l| (t.id, l)));
        let scopes = self.state.scopes().flat_map(|s| s.listens.iter().map(move |l| (s.id, l)));
        let mut found = tokens.chain(scopes);
        found.find(|(_, l)| l.element == element).map(|(t, l)| (t, l.id)).unwrap_or_else(|| panic!("{element} listens"))
    }

    pub fn due(&self, element: &str) -> String {
        let (token, id) = self.listen(element);
        let listens = &self.state.token(token).unwrap().listens;
        match &listens.iter().find(|l| l.id == id).unwrap().to {
            Trigger::Timer { due: Due::At(at), .. } => at.to_string(),
            Trigger::Timer { due: Due::Text(text), .. } => text.clone(),
            Trigger::Message { name, key } => format!("{name} {key:?}"),
            other => format!("{other:?}"),
        }
    }

    pub fn done(&mut self, element: &str, outputs: Json) -> Vec<Effect> {
        let token = self.token(element);
        self.send(Event::TaskDone { token, outputs: object(outputs) })
    }

    pub fn answer(&mut self, element: &str, output: Json) -> Vec<Effect> {
        let token = self.token(element);
        self.send(Event::OperationDone { token, output })
    }

    pub fn refuse(&mut self, element: &str, code: &str) -> Vec<Effect> {
        let token = self.token(element);
        let failure = Failure::Business { code: code.to_owned() };
        self.send(Event::OperationFailed { token, failure, message: "said no".to_owned() })
    }

    pub fn fire(&mut self, element: &str) -> Vec<Effect> {
        let (token, timer) = self.listen(element);
        self.send(Event::TimerFired { token, timer })
    }

    pub fn message(&mut self, element: &str, payload: Json) -> Vec<Effect> {
        let (token, subscription) = self.listen(element);
        self.send(Event::MessageArrived { token, subscription, payload })
    }

    /// Where tokens are, sorted.
    pub fn at(&self) -> Vec<String> {
        let mut at: Vec<String> = self.state.tokens().map(|t| t.element.clone()).collect();
        at.sort();
        at
    }

    /// Elements in the order in which they were left.
    pub fn left(&self) -> Vec<&str> {
        self.log
            .iter()
            .filter_map(|e| match e {
                Effect::Left { element, .. } => Some(element.as_str()),
                _ => None,
            })
            .collect()
    }

    pub fn task(&self, element: &str) -> &Task {
        let found = self.log.iter().rev().find_map(|e| match e {
            Effect::TaskCreated(task) if task.element == element => Some(&**task),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("task {element}"))
    }

    pub fn incident(&self, element: &str) -> String {
        match &self.state.token(self.token(element)).unwrap().wait {
            Some(Wait::Incident { code, .. }) => code.clone(),
            other => panic!("{element} is no incident: {other:?}"),
        }
    }
}

impl Stored {
    /// Writes what changed and follows the effects; both must tell the same as the state.
    fn apply(&mut self, state: &State, changes: &[Changed], effects: &[Effect]) {
        for change in changes {
            let row = match *change {
                Changed::Scope(id) => state.scope(id).map(|row| json!(row)),
                Changed::Token(id) => state.token(id).map(|row| json!(row)),
                Changed::Variable(id) => state.variable(id).map(|row| json!(row)),
            };
            match row {
                Some(row) => self.rows.insert(*change, row),
                None => self.rows.remove(change),
            };
        }
        self.instance = json!(state.instance());
        for effect in effects {
            self.follow(effect);
        }
        let tokens = |wanted: fn(&Wait) -> bool| -> BTreeSet<i64> {
            state.tokens().filter(|t| t.wait.as_ref().is_some_and(wanted)).map(|t| t.id).collect()
        };
        let listens = |timer: bool| -> BTreeSet<i64> {
            let all = state.tokens().flat_map(|t| &t.listens).chain(state.scopes().flat_map(|s| &s.listens));
            let all = all.filter(|l| !matches!(l.to, Trigger::Condition { .. }));
            all.filter(|l| matches!(l.to, Trigger::Timer { .. }) == timer).map(|l| l.id).collect()
        };
        assert_eq!(self.entered, tokens(|_| true), "what entered is there until it left or was cancelled");
        assert_eq!(self.tasks, tokens(|w| *w == Wait::Task));
        assert_eq!(self.calls, tokens(|w| *w == Wait::Operation));
        assert_eq!(self.timers, listens(true));
        assert_eq!(self.messages, listens(false));
        let open = state.tokens().filter(|t| matches!(t.wait, Some(Wait::Scope { .. }))).count();
        assert_eq!(state.scopes().count(), 1 + open, "every scope but the first has a token that waits on it");
        assert_eq!(state.ended().is_some(), state.tokens().next().is_none(), "it ends with its last token");
        assert_eq!(effects.contains(&Effect::ContinueLater), state.is_pending());
        assert_eq!(self.restore(), *state, "what was stored is the state");
    }

    fn follow(&mut self, effect: &Effect) {
        match effect {
            Effect::Entered { token, .. } => assert!(self.entered.insert(*token), "entered once"),
            Effect::Left { token, .. } => {
                assert!(self.entered.remove(token), "left once");
                self.tasks.remove(token);
                self.calls.remove(token);
            }
            Effect::Cancelled { token, .. } => assert!(self.entered.remove(token), "cancelled once"),
            Effect::TaskCreated(task) => assert!(self.tasks.insert(task.token)),
            Effect::TaskCancelled { token } => assert!(self.tasks.remove(token)),
            Effect::CallOperation { token, .. } | Effect::Decide { token, .. } | Effect::CallProcess { token, .. } => {
                assert!(self.calls.insert(*token))
            }
            Effect::OperationCancelled { token } => assert!(self.calls.remove(token)),
            Effect::IncidentRaised { token, .. } => {
                self.calls.remove(token);
            }
            Effect::TimerSet { timer, .. } => assert!(self.timers.insert(*timer)),
            Effect::TimerCancelled { timer, .. } => assert!(self.timers.remove(timer)),
            Effect::Subscribed { subscription, .. } => assert!(self.messages.insert(*subscription)),
            Effect::Unsubscribed { subscription, .. } => assert!(self.messages.remove(subscription)),
            _ => {}
        }
    }

    fn restore(&self) -> State {
        let mut rows = Rows { instance: serde_json::from_value(self.instance.clone()).unwrap(), ..Rows::default() };
        for (key, row) in &self.rows {
            let row = row.clone();
            match key {
                Changed::Scope(_) => rows.scopes.push(serde_json::from_value(row).unwrap()),
                Changed::Token(_) => rows.tokens.push(serde_json::from_value(row).unwrap()),
                Changed::Variable(_) => rows.variables.push(serde_json::from_value(row).unwrap()),
            }
        }
        State::from(rows)
    }
}
