//! One step: the guard that says what is legal, and the way of each event into the life cycle.

use crate::event::{Context, Effect, Event, Failure, StepError};
use crate::feel::Over;
use crate::model::{Kind, Process};
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
        (Legal::Start { element, values }, _) => {
            run.state.instance.started = true;
            let root = run.state.add_scope(None, None, &process.id);
            run.assign(root, values);
            run.state.add_token(root, &element, None);
        }
        (Legal::Values { scope, values, done }, _) => {
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
    Start { element: String, values: Map<String, Json> },
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
                map(mappings, &Over(&sources, &View(state, at.scope)), context)
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
            listens(process, state, *token, *subscription, |to| matches!(to, Trigger::Message { .. }))
        }
        Event::Retry { token } | Event::Skip { token } => {
            waits(process, state, *token, |wait| matches!(wait, Wait::Incident { .. })).map(|_| Legal::Plain)
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
    Ok(Legal::Start { element: element.id.clone(), values })
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
    let token = waits(process, state, id, |_| true)?;
    let found = token.listens.iter().find(|l| l.id == listen && wanted(&l.to)).ok_or(StepError::NoListen(listen))?;
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
