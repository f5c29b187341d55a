//! Start events: none, message and timer. They do nothing but leave; what starts an instance stands with the caller.

use super::{Definition, definition, finding, unsupported};
use crate::model::{Element, Kind, Mapping, MessageSpec, Process};
use crate::parse::Reading;
use crate::problem::Problem;
use crate::timer::TimerSpec;
use crate::xml::Node;

/// Where an instance begins.
#[derive(Clone, Debug, PartialEq)]
pub struct StartEvent {
    /// What starts it.
    pub trigger: StartTrigger,
    /// From the payload of the message to variables.
    pub outputs: Vec<Mapping>,
}

/// What starts an instance.
#[derive(Clone, Debug, PartialEq)]
pub enum StartTrigger {
    /// A person, an operation, or the process around.
    None,
    /// A message, which is an event of that name.
    Message(MessageSpec),
    /// A moment.
    Timer(TimerSpec),
}

impl StartEvent {
    /// Name of the message that starts it.
    pub fn message(&self) -> Option<&str> {
        match &self.trigger {
            StartTrigger::Message(message) => Some(&message.name),
            _ => None,
        }
    }
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    let trigger = match definition(node, reading) {
        Definition::None => StartTrigger::None,
        Definition::Message(Some(message)) => StartTrigger::Message(message),
        Definition::Timer(Some(timer)) => StartTrigger::Timer(timer),
        // Already reported.
        Definition::Message(None) | Definition::Timer(None) => return Kind::Unsupported("A start event".to_owned()),
        Definition::Error(_) => return unsupported(reading, "A start event with an error"),
        Definition::Terminate => return unsupported(reading, "A start event with terminate"),
        Definition::Other(what) => return unsupported(reading, &format!("A start event with {what}")),
    };
    Kind::Start(StartEvent { trigger, outputs: reading.mappings(node, "output") })
}

pub(super) fn check(process: &Process, element: &Element, out: &mut Vec<Problem>) {
    if !element.incoming.is_empty() {
        out.push(finding(element, true, "flow", "A flow leads into a start event."));
    }
    let Kind::Start(start) = &element.kind else { return };
    if element.parent.is_some() && start.trigger != StartTrigger::None {
        out.push(finding(element, true, "not_executable", "A sub-process starts without a trigger only."));
    }
    let twin = |other: &&Element| {
        other.id != element.id
            && other.parent == element.parent
            && matches!(&other.kind, Kind::Start(s) if s.trigger == StartTrigger::None)
    };
    if start.trigger == StartTrigger::None && process.elements.iter().any(|other| twin(&other)) {
        out.push(finding(element, true, "start", "There is more than one start event without a trigger."));
    }
}
