//! Start events: none, message, timer, signal and condition; in event sub-processes also error, escalation and compensation. They do nothing but leave; what starts an instance stands with the caller.

use super::catch_event::CatchTrigger;
use super::{Definition, definition, finding, unsupported};
use crate::feel::Feel;
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
    /// For an event sub-process: it ends what runs in the scope around.
    pub interrupting: bool,
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
    /// A signal of that name.
    Signal(String),
    /// A condition that becomes true.
    Condition(Feel),
    /// An error of that code, none for every error.
    Error(Option<String>),
    /// An escalation of that code, none for every escalation.
    Escalation(Option<String>),
    /// The scope around is compensated.
    Compensation,
}

impl StartTrigger {
    /// What a scope listens for.
    pub(crate) fn caught(&self) -> Option<CatchTrigger> {
        match self {
            Self::Message(message) => Some(CatchTrigger::Message(message.clone())),
            Self::Timer(timer) => Some(CatchTrigger::Timer(timer.clone())),
            Self::Signal(name) => Some(CatchTrigger::Signal(name.clone())),
            Self::Condition(condition) => Some(CatchTrigger::Condition(condition.clone())),
            _ => None,
        }
    }
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
        Definition::Signal(name) => StartTrigger::Signal(name),
        Definition::Condition(Some(condition)) => StartTrigger::Condition(condition),
        Definition::Error(code) => StartTrigger::Error(code.filter(|code| !code.is_empty())),
        Definition::Escalation(code) => StartTrigger::Escalation(code.filter(|code| !code.is_empty())),
        Definition::Compensation(_) => StartTrigger::Compensation,
        // Already reported.
        Definition::Message(None) | Definition::Timer(None) | Definition::Condition(None) => {
            return Kind::Unsupported("A start event".to_owned());
        }
        Definition::Cancel | Definition::Link(_) => return unsupported(reading, "A start event with cancel or a link"),
        Definition::Terminate => return unsupported(reading, "A start event with terminate"),
        Definition::Other(what) => return unsupported(reading, &format!("A start event with {what}")),
    };
    Kind::Start(StartEvent {
        trigger,
        outputs: reading.outputs(node),
        interrupting: node.attr("isInterrupting") != Some("false"),
    })
}

pub(super) fn check(process: &Process, element: &Element, out: &mut Vec<Problem>) {
    if !element.incoming.is_empty() {
        out.push(finding(element, true, "flow", "A flow leads into a start event."));
    }
    let Kind::Start(start) = &element.kind else { return };
    let event = element.parent.map(|parent| &process.elements[parent].kind);
    let event = event.map(|kind| matches!(kind, Kind::SubProcess(sub) if sub.event));
    let inner =
        matches!(start.trigger, StartTrigger::Error(_) | StartTrigger::Escalation(_) | StartTrigger::Compensation);
    match event {
        Some(false) if start.trigger != StartTrigger::None => {
            out.push(finding(element, true, "not_executable", "A sub-process starts without a trigger only."));
        }
        Some(true) if start.trigger == StartTrigger::None => {
            out.push(finding(element, true, "not_executable", "An event sub-process starts with a trigger only."));
        }
        None if inner => {
            out.push(finding(element, true, "not_executable", "Only an event sub-process starts with this trigger."));
        }
        _ => {}
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
