//! Boundary events: timer, message, signal, condition and escalation, interrupting or not; error, cancel, compensation.

use super::catch_event::CatchTrigger;
use super::{Definition, Fault, catch_event, definition, finding, unsupported};
use crate::model::{Element, Kind, Mapping, Process};
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
    /// A timer, message, signal or condition.
    Event(CatchTrigger),
    /// An error of that code, none for every error.
    Error(Option<String>),
    /// An escalation of that code, none for every escalation.
    Escalation(Option<String>),
    /// The transaction was cancelled.
    Cancel,
    /// Names the activity that compensates this one.
    Compensation,
}

impl BoundaryEvent {
    /// True where it catches an error of that code.
    pub fn catches(&self, code: &str) -> bool {
        match &self.trigger {
            BoundaryTrigger::Error(Some(own)) => own == code,
            BoundaryTrigger::Error(None) => true,
            _ => false,
        }
    }

    /// True where it catches one code only.
    pub(crate) fn is_exact(&self) -> bool {
        matches!(self.trigger, BoundaryTrigger::Error(Some(_)) | BoundaryTrigger::Escalation(Some(_)))
    }

    /// True where it catches an escalation of that code.
    pub(crate) fn catches_escalation(&self, code: &str) -> bool {
        match &self.trigger {
            BoundaryTrigger::Escalation(Some(own)) => own == code,
            BoundaryTrigger::Escalation(None) => true,
            _ => false,
        }
    }
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    let interrupting = node.attr("cancelActivity") != Some("false");
    let mut outputs = reading.outputs(node);
    let found = definition(node, reading);
    let caught = catch_event::caught(&found).map(BoundaryTrigger::Event);
    let trigger = match found {
        _ if caught.is_some() => caught.unwrap_or(BoundaryTrigger::Cancel),
        Definition::Escalation(code) => BoundaryTrigger::Escalation(code.filter(|code| !code.is_empty())),
        Definition::Cancel => BoundaryTrigger::Cancel,
        Definition::Compensation(_) => BoundaryTrigger::Compensation,
        Definition::Error(code) => BoundaryTrigger::Error(code.filter(|code| !code.is_empty())),
        // Already reported.
        Definition::Message(_) | Definition::Timer(_) | Definition::Condition(_) | Definition::Signal(_) => {
            return Kind::Unsupported("A boundary event".to_owned());
        }
        Definition::None => return unsupported(reading, "A boundary event without a trigger"),
        Definition::Terminate => return unsupported(reading, "A boundary event with terminate"),
        Definition::Link(_) => return unsupported(reading, "A boundary event with a link"),
        Definition::Other(what) => return unsupported(reading, &format!("A boundary event with {what}")),
    };
    // Camunda and Flowable name the variables that get the code and the message of an error.
    for definition in super::definitions(node) {
        for (attribute, source) in
            [("errorCodeVariable", "=code"), ("errorMessageVariable", "=message"), ("escalationCodeVariable", "=code")]
        {
            if let Some(target) = definition.vendor(attribute)
                && let Some(mapping) = reading.vendor_mapping(source, target)
            {
                outputs.push(mapping);
            }
        }
    }
    Kind::Boundary(Box::new(BoundaryEvent { trigger, interrupting, outputs }))
}

pub(super) fn check(event: &BoundaryEvent, process: &Process, element: &Element, out: &mut Vec<Problem>) {
    if event.trigger == BoundaryTrigger::Compensation {
        let index = process.by_id.get(&element.id).copied();
        let host = process.elements.iter().find(|e| index.is_some_and(|index| e.boundary.contains(&index)));
        if host.is_some_and(|host| host.handler.is_none()) {
            out.push(finding(element, true, "compensation", "No association leads to an activity that compensates."));
        }
        return;
    }
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
