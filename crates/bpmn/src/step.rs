//! One step: the guard that says what is legal, and the way of each event into the life cycle.

use crate::event::{Context, Effect, Event, Failure, StepError};
use crate::feel::Over;
use crate::model::{Element, Kind, Process};
use crate::parse::is_name;
use crate::run::{Run, View, map, sources};
use crate::state::{Ended, ListenId, MAX_VARIABLES, ScopeId, State, Token, TokenId, Trigger, Wait};
use serde_json::{Map, Value as Json};

/// Brings an event to an instance: `(state, event) -> (state, effects)`. The same state, event and context always give
/// the same new state and effects; effects are in the order in which they happened.
///
/// # Errors
/// [`StepError`] where the event is not legal now; the state has not changed then. What goes wrong inside of the process
/// is no error but an incident.
pub fn step(process: &Process, state: &mut State, event: Event, context: &Context) -> Result<Vec<Effect>, StepError> {
    let legal = guard(process, state, &event, context)?;
    // Only what comes from outside breaks an endless loop; the answer of an operation belongs to the run.
    if !matches!(event, Event::Continue | Event::OperationDone { .. } | Event::OperationFailed { .. }) {
        state.instance.run = 0;
    }
    let mut run = Run { process, state, context, effects: Vec::new(), left: context.budget };
    match (legal, event) {
        (Legal::Start { element, values, happened, others }, _) => {
            run.state.instance.started = true;
            let root = match run.root(values) {
                Ok(root) => root,
                Err(error) => {
                    *run.state = State::new();
                    return Err(error);
                }
            };
            match happened {
                None => {
                    run.state.add_token(root, &element, None);
                }
                // The event that started the instance has happened; of a parallel gateway the others are waited for.
                Some(payload) => {
                    for other in others {
                        run.state.add_token(root, &other, None);
                    }
                    if let Some(index) = process.by_id.get(&element) {
                        run.happen(root, *index, payload);
                    }
                }
            }
        }
        (Legal::Values { scope, values, done }, _) => {
            let mut values = values;
            if let Some(local) = done.and_then(|token| run.state.local_mut(token)) {
                // What is the token's own stays its own.
                for (name, own) in local.iter_mut() {
                    if let Some(value) = values.remove(name) {
                        *own = value;
                    }
                }
            }
            run.assign(scope, values);
            if let Some(token) = done {
                run.leave(token);
            }
        }
        (_, Event::OperationDone { token, output }) => run.finish(token, output),
        (_, Event::OperationFailed { token, failure: Failure::Business { code }, message }) => {
            run.refused(token, &code, message);
        }
        (_, Event::OperationFailed { token, failure: Failure::Technical, message }) => {
            run.broken(token, "technical".to_owned(), message);
        }
        (_, Event::TimerFired { token, timer }) => run.fire(token, timer, Json::Null),
        (_, Event::MessageArrived { token, subscription, payload }) => run.fire(token, subscription, payload),
        (_, Event::Trigger { token, payload }) => run.finish(token, payload),
        (_, Event::Escalated { token, code }) => run.escalate(token, &code),
        (_, Event::Activate { token, element }) => {
            if let Some(Wait::Scope { scope }) = run.state.token(token).and_then(|t| t.wait.clone()) {
                run.state.add_token(scope, &element, None);
            }
        }
        (_, Event::CompleteAdHoc { token }) => {
            if let Some(Wait::Scope { scope }) = run.state.token(token).and_then(|t| t.wait.clone()) {
                run.end_scope(scope);
                run.leave(token);
            }
        }
        (_, Event::Retry { token }) => {
            let resume = match run.state.token(token).and_then(|t| t.wait.clone()) {
                Some(Wait::Incident { resume, .. }) => resume,
                _ => return Err(StepError::NotWaiting(token)),
            };
            run.retry(token, resume);
        }
        (_, Event::Skip { token }) => run.leave(token),
        (_, Event::Cancel { reason }) => run.end(Ended::Cancelled { reason }),
        (_, Event::Continue | Event::Start { .. } | Event::TaskDone { .. } | Event::SetVariables { .. }) => {}
    }
    if run.state.ended().is_none() {
        run.drain();
    }
    Ok(run.effects)
}

/// What the guard has worked out.
enum Legal {
    Start { element: String, values: Map<String, Json>, happened: Option<Json>, others: Vec<String> },
    Values { scope: ScopeId, values: Map<String, Json>, done: Option<TokenId> },
    Plain,
}

/// The one place that says which event is legal when.
fn guard(process: &Process, state: &State, event: &Event, context: &Context) -> Result<Legal, StepError> {
    let starting = matches!(event, Event::Start { .. });
    if state.ended().is_some() {
        return Err(StepError::Ended);
    }
    match (state.instance.started, starting) {
        (false, false) => return Err(StepError::NotStarted),
        (true, true) => return Err(StepError::AlreadyStarted),
        _ => {}
    }
    match event {
        Event::Start { element, variables, payload } => start(process, element.as_deref(), variables, payload, context),
        Event::TaskDone { token, outputs } => {
            let at = waits(process, state, *token, |wait| *wait == Wait::Task)?;
            names(outputs)?;
            let mappings = match process.element(&at.element).map(|e| &e.kind) {
                Some(Kind::User(task)) => &task.outputs[..],
                _ => &[],
            };
            let values = if mappings.is_empty() {
                outputs.clone()
            } else {
                let sources = sources(&Json::Object(outputs.clone()));
                map(mappings, &Over(&sources, &View(state, at.scope, Some(at))), context)
                    .map_err(|fault| StepError::Mapping(fault.message))?
            };
            fits(state, at.scope, &values)?;
            Ok(Legal::Values { scope: at.scope, values, done: Some(*token) })
        }
        Event::SetVariables { scope, variables } => {
            names(variables)?;
            let wanted = scope.or_else(|| state.root()).filter(|id| state.scope(*id).is_some());
            let scope = wanted.ok_or(StepError::NoScope(scope.unwrap_or_default()))?;
            fits(state, scope, variables)?;
            Ok(Legal::Values { scope, values: variables.clone(), done: None })
        }
        Event::OperationDone { token, output } => {
            waits(process, state, *token, |wait| *wait == Wait::Operation)?;
            // An answer may be kept in an incident, so it is limited even where nothing is mapped from it.
            if output.to_string().len() > MAX_VARIABLES { Err(StepError::TooLarge) } else { Ok(Legal::Plain) }
        }
        Event::OperationFailed { token, .. } => {
            waits(process, state, *token, |wait| *wait == Wait::Operation).map(|_| Legal::Plain)
        }
        Event::TimerFired { token, timer } => {
            listens(process, state, *token, *timer, |to| matches!(to, Trigger::Timer { .. }))
        }
        Event::MessageArrived { token, subscription, payload } => {
            if payload.to_string().len() > MAX_VARIABLES {
                return Err(StepError::TooLarge);
            }
            let wanted = |to: &Trigger| matches!(to, Trigger::Message { .. } | Trigger::Signal { .. });
            listens(process, state, *token, *subscription, wanted)
        }
        Event::Retry { token } | Event::Skip { token } => {
            waits(process, state, *token, |wait| matches!(wait, Wait::Incident { .. })).map(|_| Legal::Plain)
        }
        Event::Trigger { token, payload } => {
            if payload.to_string().len() > MAX_VARIABLES {
                return Err(StepError::TooLarge);
            }
            waits(process, state, *token, |wait| *wait == Wait::Event).and_then(|at| {
                let gateway = process.element(&at.element).is_some_and(|e| matches!(e.kind, Kind::EventBased(_)));
                if gateway { Err(StepError::NotWaiting(*token)) } else { Ok(Legal::Plain) }
            })
        }
        Event::Escalated { token, .. } => {
            waits(process, state, *token, |wait| *wait == Wait::Operation).map(|_| Legal::Plain)
        }
        Event::Activate { token, element } => {
            let at = waits(process, state, *token, |wait| matches!(wait, Wait::Scope { .. }))?;
            let can = enabled(process, state, at.id).iter().any(|e| e.id == *element);
            if can { Ok(Legal::Plain) } else { Err(StepError::NotEnabled(element.clone())) }
        }
        Event::CompleteAdHoc { token } => {
            let at = waits(process, state, *token, |wait| matches!(wait, Wait::Scope { .. }))?;
            match process.element(&at.element).map(|e| &e.kind) {
                Some(Kind::SubProcess(sub)) if sub.ad_hoc.is_some() => Ok(Legal::Plain),
                _ => Err(StepError::NotWaiting(*token)),
            }
        }
        Event::Cancel { .. } | Event::Continue => Ok(Legal::Plain),
    }
}

fn start(
    process: &Process,
    wanted: Option<&str>,
    variables: &Map<String, Json>,
    payload: &Json,
    context: &Context,
) -> Result<Legal, StepError> {
    if let Some(element) = process.elements.iter().find(|e| matches!(e.kind, Kind::Unsupported(_))) {
        return Err(StepError::NotExecutable(element.id.clone()));
    }
    if let Some(id) = wanted
        && let Some(element) = process.element(id)
        && !matches!(element.kind, Kind::Start(_))
    {
        return instantiate(process, element, variables, payload, context);
    }
    let untriggered = |start: &crate::StartEvent| start.trigger == crate::StartTrigger::None;
    let (element, start) = process
        .starts()
        .find(|(element, start)| wanted.map_or_else(|| untriggered(start), |id| element.id == id))
        .ok_or(StepError::NoStart)?;
    names(variables)?;
    let mut values = variables.clone();
    if !start.outputs.is_empty() {
        let sources = sources(payload);
        let mapped = map(&start.outputs, &Over(&sources, variables), context);
        values.extend(mapped.map_err(|fault| StepError::Mapping(fault.message))?);
    }
    fits(&State::new(), 0, &values)?;
    Ok(Legal::Start { element: element.id.clone(), values, happened: None, others: Vec::new() })
}

/// A receive task or an event behind a gateway starts the instance.
fn instantiate(
    process: &Process,
    element: &Element,
    variables: &Map<String, Json>,
    payload: &Json,
    context: &Context,
) -> Result<Legal, StepError> {
    let mut others = Vec::new();
    let mut starts = matches!(&element.kind, Kind::Receive(task) if task.instantiate);
    for flow in &element.incoming {
        let gateway = &process.elements[process.flows[*flow].source];
        if let Kind::EventBased(event) = &gateway.kind
            && event.instantiate
        {
            starts = true;
            if event.parallel {
                let targets = gateway.outgoing.iter().map(|f| &process.elements[process.flows[*f].target].id);
                others = targets.filter(|id| **id != element.id).cloned().collect();
            }
        }
    }
    if !starts || element.parent.is_some() {
        return Err(StepError::NoStart);
    }
    names(variables)?;
    fits(&State::new(), 0, variables)?;
    // Its mappings must work out now: an instance does not begin with an incident.
    let outputs = crate::elements::outputs(&element.kind);
    map(outputs, &Over(&sources(payload), variables), context).map_err(|fault| StepError::Mapping(fault.message))?;
    let (element, happened) = (element.id.clone(), Some(payload.clone()));
    Ok(Legal::Start { element, values: variables.clone(), happened, others })
}

/// What can be begun now in the ad-hoc sub-process of a token.
pub fn enabled<'p>(process: &'p Process, state: &State, token: TokenId) -> Vec<&'p Element> {
    let Some(at) = state.token(token) else { return Vec::new() };
    let Some(Wait::Scope { scope }) = &at.wait else { return Vec::new() };
    let Some(index) = process.by_id.get(&at.element).copied() else { return Vec::new() };
    let Kind::SubProcess(sub) = &process.elements[index].kind else { return Vec::new() };
    match &sub.ad_hoc {
        Some(ad_hoc) if !ad_hoc.sequential || state.is_empty(*scope) => {
            crate::elements::sub_process::enabled(process, index).collect()
        }
        _ => Vec::new(),
    }
}

fn waits<'s>(
    process: &Process,
    state: &'s State,
    id: TokenId,
    wanted: impl Fn(&Wait) -> bool,
) -> Result<&'s Token, StepError> {
    let token = state.token(id).ok_or(StepError::NoToken(id))?;
    if process.element(&token.element).is_none() {
        return Err(StepError::NoElement(token.element.clone()));
    }
    match &token.wait {
        Some(wait) if wanted(wait) => Ok(token),
        _ => Err(StepError::NotWaiting(id)),
    }
}

fn listens(
    process: &Process,
    state: &State,
    id: TokenId,
    listen: ListenId,
    wanted: impl Fn(&Trigger) -> bool,
) -> Result<Legal, StepError> {
    if state.scope(id).is_none() {
        waits(process, state, id, |_| true)?;
    }
    let found =
        state.listens(id).iter().find(|l| l.id == listen && wanted(&l.to)).ok_or(StepError::NoListen(listen))?;
    if process.element(&found.element).is_none() {
        return Err(StepError::NoElement(found.element.clone()));
    }
    Ok(Legal::Plain)
}

fn names(values: &Map<String, Json>) -> Result<(), StepError> {
    values.keys().find(|name| !is_name(name)).map_or(Ok(()), |name| Err(StepError::Name(name.clone())))
}

fn fits(state: &State, scope: ScopeId, values: &Map<String, Json>) -> Result<(), StepError> {
    match state.bytes_with(scope, values) {
        Some(bytes) if bytes <= MAX_VARIABLES => Ok(()),
        _ => Err(StepError::TooLarge),
    }
}
