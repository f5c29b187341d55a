//! Intermediate catch events: timer and message.

use super::{Definition, Fault, Next, definition, unsupported};
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
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    let trigger = match definition(node, reading) {
        Definition::Timer(Some(timer)) => CatchTrigger::Timer(timer),
        Definition::Message(Some(message)) => CatchTrigger::Message(message),
        // Already reported.
        Definition::Message(None) | Definition::Timer(None) => return Kind::Unsupported("A catch event".to_owned()),
        Definition::None => return unsupported(reading, "A catch event without a trigger"),
        Definition::Error(_) => return unsupported(reading, "A catch event with an error"),
        Definition::Terminate => return unsupported(reading, "A catch event with terminate"),
        Definition::Other(what) => return unsupported(reading, &format!("A catch event with {what}")),
    };
    Kind::Catch(Box::new(CatchEvent { trigger, outputs: reading.mappings(node, "output") }))
}

pub(super) fn run(event: &CatchEvent, run: &Run<'_>, token: TokenId, element: &Element) -> Result<Next, Fault> {
    let listens = vec![(element.id.clone(), run.trigger(token, &event.trigger)?)];
    Ok(Next::Wait { wait: Wait::Event, listens, effects: Vec::new() })
}
