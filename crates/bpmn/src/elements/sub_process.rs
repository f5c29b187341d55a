//! Embedded sub-processes: a scope of its own that is done when its last token is.

use super::start_event::StartTrigger;
use super::{Fault, Next, finding, unsupported};
use crate::model::{Element, Kind, Process};
use crate::parse::Reading;
use crate::problem::Problem;
use crate::run::Run;
use crate::xml::Node;

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    if node.attr("triggeredByEvent") == Some("true") {
        return unsupported(reading, "An event sub-process");
    }
    Kind::SubProcess
}

/// The start event inside, by index.
fn start(process: &Process, index: usize) -> Option<usize> {
    process
        .elements
        .iter()
        .position(|e| e.parent == Some(index) && matches!(&e.kind, Kind::Start(s) if s.trigger == StartTrigger::None))
}

pub(super) fn check(process: &Process, element: &Element, out: &mut Vec<Problem>) {
    let index = process.by_id.get(&element.id).copied();
    if index.and_then(|index| start(process, index)).is_none() {
        out.push(finding(element, true, "start", "The sub-process has no start event."));
    }
}

pub(super) fn run(run: &Run<'_>, index: usize) -> Result<Next, Fault> {
    let start = start(run.process, index);
    start.map(Next::Open).ok_or_else(|| Fault::new("start", "the sub-process has no start event"))
}
