//! Boundary events: timer and message, interrupting or not, and errors.

use super::catch_event::CatchTrigger;
use super::{Definition, Fault, definition, finding, unsupported};
use crate::model::{Element, Kind, Mapping};
use crate::parse::Reading;
use crate::problem::Problem;
use crate::run::Run;
use crate::state::{TokenId, Trigger};
use crate::xml::Node;

/// An event on the edge of an activity.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundaryEvent {
    /// What triggers it.
    pub trigger: BoundaryTrigger,
    /// True where it cancels the activity.
    pub interrupting: bool,
    /// From the payload of the message to variables.
    pub outputs: Vec<Mapping>,
}

/// What triggers a boundary event.
#[derive(Clone, Debug, PartialEq)]
pub enum BoundaryTrigger {
    /// A timer or a message.
    Event(CatchTrigger),
    /// An error of that code, none for every error.
    Error(Option<String>),
}

impl BoundaryEvent {
    /// True where it catches an error of that code.
    pub fn catches(&self, code: &str) -> bool {
        match &self.trigger {
            BoundaryTrigger::Error(Some(own)) => own == code,
            BoundaryTrigger::Error(None) => true,
            BoundaryTrigger::Event(_) => false,
        }
    }

    /// True where it catches one code only.
    pub(crate) fn is_exact(&self) -> bool {
        matches!(self.trigger, BoundaryTrigger::Error(Some(_)))
    }
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    let interrupting = node.attr("cancelActivity") != Some("false");
    let trigger = match definition(node, reading) {
        Definition::Timer(Some(timer)) => BoundaryTrigger::Event(CatchTrigger::Timer(timer)),
        Definition::Message(Some(message)) => BoundaryTrigger::Event(CatchTrigger::Message(message)),
        Definition::Error(code) => BoundaryTrigger::Error(code.filter(|code| !code.is_empty())),
        // Already reported.
        Definition::Message(None) | Definition::Timer(None) => return Kind::Unsupported("A boundary event".to_owned()),
        Definition::None => return unsupported(reading, "A boundary event without a trigger"),
        Definition::Terminate => return unsupported(reading, "A boundary event with terminate"),
        Definition::Other(what) => return unsupported(reading, &format!("A boundary event with {what}")),
    };
    Kind::Boundary(Box::new(BoundaryEvent { trigger, interrupting, outputs: reading.mappings(node, "output") }))
}

pub(super) fn check(event: &BoundaryEvent, element: &Element, out: &mut Vec<Problem>) {
    if !element.incoming.is_empty() {
        out.push(finding(element, true, "flow", "A flow leads into a boundary event."));
    }
    if element.outgoing.is_empty() {
        out.push(finding(element, true, "flow", "No flow leads out of the boundary event."));
    }
    if !event.interrupting && matches!(event.trigger, BoundaryTrigger::Error(_)) {
        out.push(finding(element, true, "flow", "An error always interrupts."));
    }
}

/// Timers and messages of the boundary events on an element, by the id of the event.
pub(crate) fn listens(run: &Run<'_>, token: TokenId, host: &Element) -> Result<Vec<(String, Trigger)>, Fault> {
    let mut found = Vec::new();
    for index in &host.boundary {
        let element = &run.process.elements[*index];
        if let Kind::Boundary(event) = &element.kind
            && let BoundaryTrigger::Event(trigger) = &event.trigger
        {
            found.push((element.id.clone(), run.trigger(token, trigger)?));
        }
    }
    Ok(found)
}
