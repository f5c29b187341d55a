//! End events: none, terminate, error, cancel, and those that throw.

use super::throw_event::{self, ThrowTrigger};
use super::{Definition, Fault, Next, definition, finding, unsupported};
use crate::model::{Element, Kind, Process};
use crate::parse::Reading;
use crate::problem::Problem;
use crate::run::Run;
use crate::state::TokenId;
use crate::xml::Node;

/// Where a path ends.
#[derive(Clone, Debug, PartialEq)]
pub enum EndEvent {
    /// Only this path.
    None,
    /// Every path of the scope.
    Terminate,
    /// With an error for the scope around.
    Error(String),
    /// Throws a message, signal, escalation, compensation, or goes on at a link.
    Throw(ThrowTrigger),
    /// Cancels the transaction around.
    Cancel,
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    match definition(node, reading) {
        Definition::None => Kind::End(EndEvent::None),
        Definition::Terminate => Kind::End(EndEvent::Terminate),
        Definition::Error(Some(code)) => Kind::End(EndEvent::Error(code)),
        Definition::Error(None) => {
            reading.error("reference", "The error end event names no error.");
            Kind::Unsupported("An error end event".to_owned())
        }
        Definition::Timer(_) => unsupported(reading, "An end event with a timer"),
        Definition::Cancel => Kind::End(EndEvent::Cancel),
        Definition::Message(_)
        | Definition::Signal(_)
        | Definition::Escalation(_)
        | Definition::Compensation(_)
        | Definition::Link(_) => match throw_event::trigger(node, reading, "An end event") {
            Ok(trigger) => Kind::End(EndEvent::Throw(trigger)),
            Err(kind) => kind,
        },
        Definition::Condition(_) => unsupported(reading, "An end event with a condition"),
        Definition::Other(what) => unsupported(reading, &format!("An end event with {what}")),
    }
}

pub(super) fn check(end: &EndEvent, process: &Process, element: &Element, out: &mut Vec<Problem>) {
    if let EndEvent::Throw(trigger) = end {
        throw_event::check(process, trigger, element, out);
    }
    if !element.outgoing.is_empty() {
        out.push(finding(element, true, "flow", "A flow leads out of an end event."));
    }
}

pub(super) fn run(
    end: &EndEvent,
    run: &Run<'_>,
    token: TokenId,
    index: usize,
    element: &Element,
) -> Result<Next, Fault> {
    Ok(match end {
        EndEvent::Throw(trigger) => return throw_event::run(trigger, &[], run, token, index, element),
        EndEvent::Cancel => Next::CancelTransaction,
        EndEvent::None => Next::Leave,
        EndEvent::Terminate => Next::Terminate,
        EndEvent::Error(code) => Next::Throw(code.clone()),
    })
}
