//! Running processes: their state is rows, moved by the engine inside the transaction of whoever moves them.

use std::collections::{HashMap, VecDeque};

use bpmn::{Changed, Effect, Event, Failure, Rows, State, Token as EngineToken, Wait};
use kernel::{AnyRef, Cx, Entity, Error, Happened, Id, Json, Rec, Result, Value, choice};
use party::Party;
use serde_json::{Map, Value as J, json};

use crate::definition::{Definition, parsed, principal};
use crate::{due, incident, task};

choice!(
    /// Where an instance stands.
    InstanceState { Running = "running" => "blue", Done = "done" => "green", Cancelled = "cancelled" => "grey" }
);

/// A run of a process, about one record.
#[derive(Entity)]
#[entity(name = "process.instance", plain, by_operation, title = subject, status = state, read = "*", area = "processes",
    indexed(subject, subject_entity))]
pub struct Instance {
    /// The version that it runs on.
    #[field(indexed)]
    pub definition: Id<Definition>,
    /// What it is about.
    pub subject: Option<AnyRef>,
    /// The customer or supplier.
    #[field(indexed)]
    pub party: Option<Id<Party>>,
    /// State.
    #[field(indexed)]
    pub state: InstanceState,
    /// When it began.
    pub started: jiff::Timestamp,
    /// When it ended.
    pub ended: Option<jiff::Timestamp>,
}

/// The engine's own row of a running instance.
#[derive(Entity)]
#[entity(name = "process.scope", plain, by_operation, kept, title = element, unique(instance, local))]
pub struct Scope {
    /// The instance.
    pub instance: Id<Instance>,
    /// Number in the instance; 0 is the instance's counters.
    pub local: i64,
    /// The element.
    pub element: Option<String>,
    /// The row.
    pub row: Json,
}

/// A token: one visit of one element.
#[derive(Entity)]
#[entity(name = "process.token", plain, by_operation, kept, title = element, unique(instance, local), read = "manager")]
pub struct Token {
    /// The instance.
    pub instance: Id<Instance>,
    /// Number in the instance.
    pub local: i64,
    /// The element.
    pub element: String,
    /// What it waits for: `task`, `operation`, `event`, `scope`, `join`, `incident`; nothing while it still has to act.
    pub waits: Option<String>,
    /// The row.
    pub row: Json,
}

/// A variable of a running instance.
#[derive(Entity)]
#[entity(name = "process.variable", plain, by_operation, kept, title = name, unique(instance, local), read = "manager")]
pub struct Variable {
    /// The instance.
    pub instance: Id<Instance>,
    /// Number in the instance.
    pub local: i64,
    /// Name.
    pub name: String,
    /// The row.
    pub row: Json,
}

/// A message that an instance waits for.
#[derive(Entity)]
#[entity(name = "process.subscription", plain, by_operation, kept, title = name, unique(instance, listen), indexed(name, key))]
pub struct Subscription {
    /// The instance.
    pub instance: Id<Instance>,
    /// The token that waits.
    pub token: i64,
    /// Number of the subscription in the instance.
    pub listen: i64,
    /// Name of the message: of an event.
    pub name: String,
    /// Its key.
    pub key: String,
}

/// A timer of an instance.
#[derive(Entity)]
#[entity(name = "process.timer", plain, by_operation, kept, title = due, unique(instance, listen), read = "manager")]
pub struct Timer {
    /// The instance.
    pub instance: Id<Instance>,
    /// The token that waits.
    pub token: i64,
    /// Number of the timer in the instance.
    pub listen: i64,
    /// When it fires.
    #[field(indexed)]
    pub due: jiff::Timestamp,
}

/// A step of a process that was entered or left: the history.
#[derive(Entity)]
#[entity(name = "process.step", plain, append_only, title = element, read = "manager", indexed(instance))]
pub struct Step {
    /// The instance.
    pub instance: Id<Instance>,
    /// The token.
    pub token: i64,
    /// The element.
    #[field(indexed)]
    pub element: String,
    /// `entered`, `left` or `cancelled`.
    pub how: String,
    /// When.
    pub at: jiff::Timestamp,
}

fn to_json<T: serde::Serialize>(row: &T) -> Result<Json> {
    serde_json::to_value(row).map(Json).map_err(|e| Error::internal(e.to_string()))
}

fn from_json<T: serde::de::DeserializeOwned>(json: &Json) -> Result<T> {
    serde_json::from_value(json.0.clone()).map_err(|e| Error::internal(format!("a process row: {e}")))
}

/// The runtime of an instance, loaded from its rows.
pub(crate) struct Running {
    pub id: Id<Instance>,
    pub record: Rec<Instance>,
    pub definition: Rec<Definition>,
    pub process: std::sync::Arc<bpmn::Process>,
    pub state: State,
    scopes: HashMap<i64, Rec<Scope>>,
    tokens: HashMap<i64, Rec<Token>>,
    variables: HashMap<i64, Rec<Variable>>,
}

pub(crate) fn load(cx: &mut Cx<'_>, id: Id<Instance>) -> Result<Running> {
    let record = cx.get(id)?;
    let definition = cx.get(record.definition)?;
    let process = parsed(&definition.xml.0)?;
    let key = [("instance", Value::from(id))];
    let (mut rows, mut scopes, mut tokens, mut variables) =
        (Rows::default(), HashMap::new(), HashMap::new(), HashMap::new());
    for row in cx.by::<Scope>(&key)? {
        if row.local == 0 {
            rows.instance = from_json(&row.row)?;
        } else {
            rows.scopes.push(from_json(&row.row)?);
        }
        scopes.insert(row.local, row);
    }
    for row in cx.by::<Token>(&key)? {
        rows.tokens.push(from_json(&row.row)?);
        tokens.insert(row.local, row);
    }
    for row in cx.by::<Variable>(&key)? {
        rows.variables.push(from_json(&row.row)?);
        variables.insert(row.local, row);
    }
    Ok(Running { id, record, definition, process, state: State::from(rows), scopes, tokens, variables })
}

fn waits(token: &EngineToken) -> Option<String> {
    let text = match token.wait.as_ref()? {
        Wait::Task => "task",
        Wait::Operation => "operation",
        Wait::Event => "event",
        Wait::Scope { .. } => "scope",
        Wait::Join => "join",
        Wait::Incident { .. } => "incident",
    };
    Some(text.to_owned())
}

impl Running {
    /// Writes what the engine has changed: rows of one kind together.
    fn store(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        let instance = self.id;
        let (mut scopes, mut tokens, mut variables) = (Vec::new(), Vec::new(), Vec::new());
        let (mut left, mut spent, mut dropped) = (Vec::new(), Vec::new(), Vec::new());
        let counters = to_json(self.state.instance())?;
        match self.scopes.get_mut(&0) {
            Some(row) => {
                row.row = counters;
                cx.save(row)?;
            }
            None => scopes.push(Scope { instance, local: 0, element: None, row: counters }),
        }
        for change in self.state.take_changes() {
            match change {
                Changed::Scope(local) => match (self.state.scope(local), self.scopes.remove(&local)) {
                    (Some(scope), Some(mut row)) => {
                        row.row = to_json(scope)?;
                        cx.save(&mut row)?;
                    }
                    (Some(scope), None) => {
                        let (element, row) = (Some(scope.element.clone()), to_json(scope)?);
                        scopes.push(Scope { instance, local, element, row });
                    }
                    (None, Some(row)) => left.push(row),
                    (None, None) => {}
                },
                Changed::Token(local) => match (self.state.token(local), self.tokens.remove(&local)) {
                    (Some(token), Some(mut row)) => {
                        row.row = to_json(token)?;
                        row.waits = waits(token);
                        cx.save(&mut row)?;
                    }
                    (Some(token), None) => {
                        let (element, row) = (token.element.clone(), to_json(token)?);
                        tokens.push(Token { instance, local, waits: waits(token), row, element });
                    }
                    (None, Some(row)) => spent.push(row),
                    (None, None) => {}
                },
                Changed::Variable(local) => match (self.state.variable(local), self.variables.remove(&local)) {
                    (Some(variable), Some(mut row)) => {
                        row.row = to_json(variable)?;
                        cx.save(&mut row)?;
                    }
                    (Some(variable), None) => {
                        let (name, row) = (variable.name.clone(), to_json(variable)?);
                        variables.push(Variable { instance, local, name, row });
                    }
                    (None, Some(row)) => dropped.push(row),
                    (None, None) => {}
                },
            }
        }
        cx.delete_all(&spent)?;
        cx.delete_all(&dropped)?;
        cx.delete_all(&left)?;
        cx.insert_all(scopes)?;
        cx.insert_all(tokens)?;
        cx.insert_all(variables)?;
        Ok(())
    }
}

/// Brings an event to an instance: the engine steps, what it asks for is done, until everything waits.
///
/// # Errors
/// `process.step` where the event does not fit; what an atomic step refuses.
pub(crate) fn advance(cx: &mut Cx<'_>, running: &mut Running, event: Event) -> Result<()> {
    let mut context = bpmn::Context::in_zone(cx.now(), cx.company().time_zone.clone());
    let before = running.state.instance().steps;
    let mut open: VecDeque<Event> = VecDeque::from([event]);
    while let Some(event) = open.pop_front() {
        let used = u32::try_from(running.state.instance().steps - before).unwrap_or(u32::MAX);
        context.budget = bpmn::BUDGET.saturating_sub(used).max(1);
        let effects = bpmn::step(&running.process, &mut running.state, event, &context)
            .map_err(|e| Error::refused("process.step").with("detail", e.to_string()))?;
        for effect in effects {
            if let Some(next) = apply(cx, running, effect)? {
                open.push_back(next);
            }
        }
    }
    if running.state.ended().is_some() {
        return clear(cx, running.id);
    }
    running.store(cx)
}

fn apply(cx: &mut Cx<'_>, running: &mut Running, effect: Effect) -> Result<Option<Event>> {
    let at = cx.now();
    let instance = running.id;
    let step = |token: i64, element: String, how: &str| Step { instance, token, element, how: how.to_owned(), at };
    match effect {
        Effect::Entered { token, element } => {
            cx.insert(step(token, element, "entered"))?;
        }
        Effect::Left { token, element } => {
            cx.insert(step(token, element, "left"))?;
        }
        Effect::Cancelled { token, element } => {
            cx.insert(step(token, element, "cancelled"))?;
            incident::over(cx, instance, token)?;
        }
        Effect::TaskCreated(new) => task::create(cx, running, &new)?,
        Effect::TaskCancelled { token } => task::cancel(cx, instance, token)?,
        Effect::CallOperation { token, element, operation, input, atomic } => {
            return call(cx, running, token, &element, &operation, &input, atomic).map(Some);
        }
        // What needs more than one instance is refused when a file is deployed.
        Effect::Decide { token, .. } | Effect::CallProcess { token, .. } => {
            let message = "this step cannot be carried out here".to_owned();
            return Ok(Some(Event::OperationFailed { token, failure: Failure::Technical, message }));
        }
        Effect::OperationCancelled { .. }
        | Effect::VariableSet { .. }
        | Effect::MessageSent { .. }
        | Effect::SignalThrown { .. }
        | Effect::EscalationThrown { .. } => {}
        Effect::TimerSet { token, timer, due, .. } => {
            let due = due::moment(cx, &due, None)?;
            cx.insert(Timer { instance, token, listen: timer, due })?;
        }
        Effect::TimerCancelled { timer, .. } => {
            for row in cx.by::<Timer>(&[("instance", instance.into()), ("listen", Value::Int(timer))])? {
                cx.delete_loaded(&row)?;
            }
        }
        Effect::Subscribed { token, subscription, name, key, .. } => {
            let key = key.or_else(|| running.record.subject.map(|s| s.id.to_string())).unwrap_or_default();
            cx.insert(Subscription { instance, token, listen: subscription, name, key })?;
        }
        Effect::Unsubscribed { subscription, .. } => {
            for row in cx.by::<Subscription>(&[("instance", instance.into()), ("listen", Value::Int(subscription))])? {
                cx.delete_loaded(&row)?;
            }
        }
        Effect::IncidentRaised { token, element, code, message } => {
            incident::raise(cx, running, token, element, code, message)?;
        }
        Effect::ContinueLater => {
            cx.schedule("process.continue", Some(&instance.to_string()), json!({"instance": instance.raw()}), at)?;
        }
        Effect::InstanceEnded(how) => {
            running.record.state = match how {
                bpmn::Ended::Cancelled { .. } => InstanceState::Cancelled,
                _ => InstanceState::Done,
            };
            running.record.ended = Some(at);
            cx.save(&mut running.record)?;
        }
    }
    Ok(None)
}

/// The name of an element in the language of who acts.
pub(crate) fn name_of(element: &bpmn::Element, cx: &Cx<'_>) -> String {
    let language = cx.who().language.code();
    element
        .names
        .get(language)
        .cloned()
        .filter(|n| !n.is_empty())
        .unwrap_or_else(|| if element.name.is_empty() { element.id.clone() } else { element.name.clone() })
}

/// Calls an operation in the name of the definition. What belongs to the person's operation is refused with it; any other
/// call runs under a savepoint, and a refusal goes back to the process.
fn call(
    cx: &mut Cx<'_>,
    running: &Running,
    token: i64,
    element: &str,
    operation: &str,
    input: &J,
    atomic: bool,
) -> Result<Event> {
    let who = principal(cx, &running.definition)?;
    let step = format!("{}:{element}", running.definition.key);
    let schema = cx.schema().clone();
    let work = |cx: &mut Cx<'_>| {
        cx.acting_as(who, |cx| {
            cx.in_step(&step, |cx| {
                let cells = cx.input_of(operation, input)?;
                let output = cx.call_named(operation, &cells)?;
                let fields = (schema.operation(operation)?.def)().output;
                Ok(kernel::json::encode_fields(fields(), &output))
            })
        })
    };
    let result = if atomic { Ok(work(cx)?) } else { cx.savepoint(work) };
    match result {
        Ok(output) => Ok(Event::OperationDone { token, output }),
        Err(error) => {
            let message = schema.error_message(cx.who().language, &error);
            let failure = if error.status < 500 {
                Failure::Business { code: error.code.to_string() }
            } else {
                Failure::Technical
            };
            Ok(Event::OperationFailed { token, failure, message })
        }
    }
}

/// A finished instance leaves the runtime tables.
fn clear(cx: &mut Cx<'_>, instance: Id<Instance>) -> Result<()> {
    fn all<T: Entity>(cx: &mut Cx<'_>, instance: Id<Instance>) -> Result<()> {
        let rows = cx.by::<T>(&[("instance", instance.into())])?;
        cx.delete_all(&rows)
    }
    all::<Token>(cx, instance)?;
    all::<Variable>(cx, instance)?;
    all::<Scope>(cx, instance)?;
    all::<Timer>(cx, instance)?;
    all::<Subscription>(cx, instance)
}

fn start(cx: &mut Cx<'_>, definition: Rec<Definition>, happened: &Happened) -> Result<()> {
    let process = parsed(&definition.xml.0)?;
    let Some(element) = process.message_start(happened.def.name).map(|e| e.id.clone()) else { return Ok(()) };
    let payload = kernel::json::encode_fields((happened.def.fields)(), &happened.cells);
    let started = cx.now();
    let id = cx.insert(Instance {
        definition: definition.id,
        subject: happened.subject,
        // The party is known before the first task is made: it is the payload's reference to one.
        party: party_in(happened),
        state: InstanceState::Running,
        started,
        ended: None,
    })?;
    let record = cx.get(id)?;
    let mut running = Running {
        id,
        record,
        definition,
        process,
        state: State::new(),
        scopes: HashMap::new(),
        tokens: HashMap::new(),
        variables: HashMap::new(),
    };
    advance(cx, &mut running, Event::Start { element: Some(element), variables: Map::new(), payload })
}

fn party_in(happened: &Happened) -> Option<Id<Party>> {
    let mut at = 0;
    for field in (happened.def.fields)() {
        if matches!(field.kind, kernel::Kind::Ref(to) if to == Party::NAME) {
            return happened.cells.get(at).and_then(Value::as_int).map(Id::new);
        }
        at += field.cells();
    }
    None
}

/// Hears every event: ends, continues and starts instances.
pub(crate) fn hear(happened: &Happened, cx: &mut Cx<'_>) -> Result<()> {
    let name = happened.def.name;
    if let Some(subject) = happened.subject {
        let key = [
            ("subject", Value::Int(subject.id)),
            ("subject_entity", Value::from(subject.entity)),
            ("state", InstanceState::Running.into()),
        ];
        for instance in cx.by::<Instance>(&key)? {
            let ends = cx.get(instance.definition)?.ends_on.clone().unwrap_or_default();
            if ends.split_whitespace().any(|e| e == name) {
                let mut running = load(cx, instance.id)?;
                advance(cx, &mut running, Event::Cancel { reason: name.to_owned() })?;
            }
        }
        let key = [("name", Value::from(name)), ("key", Value::from(subject.id.to_string()))];
        let waiting = cx.by::<Subscription>(&key)?;
        if !waiting.is_empty() {
            let payload = kernel::json::encode_fields((happened.def.fields)(), &happened.cells);
            for one in waiting {
                // What the event before has moved may no longer wait.
                if cx.get(one.id).is_err() {
                    continue;
                }
                let mut running = load(cx, one.instance)?;
                let event =
                    Event::MessageArrived { token: one.token, subscription: one.listen, payload: payload.clone() };
                advance(cx, &mut running, event)?;
            }
        }
    }
    for definition in cx.by::<Definition>(&[("starts_on", Value::from(name)), ("active", Value::Int(1))])? {
        start(cx, definition, happened)?;
    }
    Ok(())
}
