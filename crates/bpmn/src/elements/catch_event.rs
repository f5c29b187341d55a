//! Intermediate catch events: timer, message, signal, condition, link.

use super::{Definition, Fault, Next, definition, unsupported};
use crate::feel::Feel;
use crate::model::{Element, Kind, Mapping, MessageSpec};
use crate::parse::Reading;
use crate::run::Run;
use crate::state::{TokenId, Wait};
use crate::timer::TimerSpec;
use crate::xml::Node;

/// Waits for an event.
#[derive(Clone, Debug, PartialEq)]
pub struct CatchEvent {
    /// What it waits for.
    pub trigger: CatchTrigger,
    /// From the payload of the message to variables.
    pub outputs: Vec<Mapping>,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq)]
pub enum CatchTrigger {
    /// A moment.
    Timer(TimerSpec),
    /// A message.
    Message(MessageSpec),
    /// A signal of that name.
    Signal(String),
    /// A condition that becomes true.
    Condition(Feel),
    /// Where a path comes from the throw event of that name.
    Link(String),
}

/// What several kinds of events wait for.
pub(super) fn caught(definition: &Definition) -> Option<CatchTrigger> {
    match definition {
        Definition::Timer(Some(timer)) => Some(CatchTrigger::Timer(timer.clone())),
        Definition::Message(Some(message)) => Some(CatchTrigger::Message(message.clone())),
        Definition::Signal(name) => Some(CatchTrigger::Signal(name.clone())),
        Definition::Condition(Some(condition)) => Some(CatchTrigger::Condition(condition.clone())),
        _ => None,
    }
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    let found = definition(node, reading);
    if let Some(trigger) = caught(&found) {
        return Kind::Catch(Box::new(CatchEvent { trigger, outputs: reading.outputs(node) }));
    }
    let trigger = match found {
        Definition::Link(name) => CatchTrigger::Link(name),
        Definition::None => return unsupported(reading, "A catch event without a trigger"),
        Definition::Error(_) => return unsupported(reading, "A catch event with an error"),
        Definition::Terminate => return unsupported(reading, "A catch event with terminate"),
        Definition::Other(what) => return unsupported(reading, &format!("A catch event with {what}")),
        Definition::Escalation(_) | Definition::Compensation(_) | Definition::Cancel => {
            return unsupported(reading, "A catch event with an escalation, compensation or cancel");
        }
        // Already reported.
        _ => return Kind::Unsupported("A catch event".to_owned()),
    };
    Kind::Catch(Box::new(CatchEvent { trigger, outputs: reading.outputs(node) }))
}

pub(super) fn run(event: &CatchEvent, run: &Run<'_>, token: TokenId, element: &Element) -> Result<Next, Fault> {
    if matches!(event.trigger, CatchTrigger::Link(_)) {
        return Ok(Next::Leave);
    }
    let listens = vec![(element.id.clone(), run.trigger(token, &event.trigger)?)];
    Ok(Next::Wait { wait: Wait::Event, listens, effects: Vec::new() })
}
