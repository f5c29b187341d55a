//! End events: none, terminate and error.

use super::{Definition, Next, definition, finding, unsupported};
use crate::model::{Element, Kind};
use crate::parse::Reading;
use crate::problem::Problem;
use crate::xml::Node;

/// Where a path ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndEvent {
    /// Only this path.
    None,
    /// Every path of the scope.
    Terminate,
    /// With an error for the scope around.
    Error(String),
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
        Definition::Message(_) => unsupported(reading, "An end event with a message"),
        Definition::Other(what) => unsupported(reading, &format!("An end event with {what}")),
    }
}

pub(super) fn check(element: &Element, out: &mut Vec<Problem>) {
    if !element.outgoing.is_empty() {
        out.push(finding(element, true, "flow", "A flow leads out of an end event."));
    }
}

pub(super) fn run(end: &EndEvent) -> Next {
    match end {
        EndEvent::None => Next::Leave,
        EndEvent::Terminate => Next::Terminate,
        EndEvent::Error(code) => Next::Throw(code.clone()),
    }
}
