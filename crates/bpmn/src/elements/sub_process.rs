//! Sub-processes: a scope of its own that is done when its last token is; transactions, event and ad-hoc sub-processes.

use super::{Fault, Next, finding};
use crate::feel::Feel;
use crate::model::{Element, Kind, Process};
use crate::parse::Reading;
use crate::problem::Problem;
use crate::run::Run;
use crate::xml::Node;

/// A sub-process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubProcess {
    /// It is started by an event inside of the scope around.
    pub event: bool,
    /// It can be cancelled as a whole.
    pub transaction: bool,
    /// What is in it is begun by hand.
    pub ad_hoc: Option<AdHoc>,
}

/// What an ad-hoc sub-process has of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdHoc {
    /// Only one activity at a time.
    pub sequential: bool,
    /// Ends it: asked after each activity. Without it somebody ends it.
    pub completion: Option<Feel>,
    /// False where activities that still run are waited for.
    pub cancel_rest: bool,
}

impl SubProcess {
    pub(crate) fn kind_name(&self) -> &'static str {
        match (self.event, self.transaction, &self.ad_hoc) {
            (true, ..) => "event_sub_process",
            (_, true, _) => "transaction",
            (_, _, Some(_)) => "ad_hoc_sub_process",
            _ => "sub_process",
        }
    }
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    let ad_hoc = (node.name == "adHocSubProcess").then(|| {
        let condition = node.all("completionCondition").next().map(|c| c.text.trim().to_owned());
        AdHoc {
            sequential: node.attr("ordering") == Some("Sequential"),
            completion: condition.filter(|c| !c.is_empty()).and_then(|c| reading.feel(&c)),
            cancel_rest: node.attr("cancelRemainingInstances") != Some("false"),
        }
    });
    Kind::SubProcess(Box::new(SubProcess {
        event: node.attr("triggeredByEvent") == Some("true"),
        transaction: node.name == "transaction",
        ad_hoc,
    }))
}

pub(super) fn check(sub: &SubProcess, process: &Process, element: &Element, out: &mut Vec<Problem>) {
    let Some(index) = process.by_id.get(&element.id).copied() else { return };
    if sub.ad_hoc.is_some() {
        if enabled(process, index).next().is_none() {
            out.push(finding(element, true, "start", "The ad-hoc sub-process has no activity to begin."));
        }
        return;
    }
    if !process.derived.starts.contains_key(&index) && implicit(process, index).next().is_none() {
        out.push(finding(element, true, "start", "The sub-process has no start event."));
    }
    if sub.event && (!element.incoming.is_empty() || !element.outgoing.is_empty()) {
        out.push(finding(element, true, "flow", "A flow leads into or out of an event sub-process."));
    }
}

/// What can be begun in an ad-hoc sub-process.
pub(crate) fn enabled(process: &Process, index: usize) -> impl Iterator<Item = &Element> {
    implicit(process, index).map(|i| &process.elements[i])
}

/// Activities and gateways without a flow in: where a sub-process without a start event begins.
fn implicit(process: &Process, index: usize) -> impl Iterator<Item = usize> {
    process.elements.iter().enumerate().filter_map(move |(i, e)| {
        let inside = e.parent == Some(index) && e.incoming.is_empty() && !e.compensates;
        let event = matches!(&e.kind, Kind::SubProcess(sub) if sub.event);
        let other = matches!(e.kind, Kind::Start(_) | Kind::Boundary(_) | Kind::End(_)) || event;
        let link = matches!(&e.kind, Kind::Catch(c) if matches!(c.trigger, super::catch_event::CatchTrigger::Link(_)));
        (inside && !other && !link).then_some(i)
    })
}

pub(super) fn run(sub: &SubProcess, run: &Run<'_>, index: usize) -> Result<Next, Fault> {
    if sub.ad_hoc.is_some() {
        return Ok(Next::Open(Vec::new()));
    }
    let starts: Vec<usize> = match run.process.derived.starts.get(&index) {
        Some(start) => vec![*start],
        None => implicit(run.process, index).collect(),
    };
    if starts.is_empty() {
        Err(Fault::new("start", "the sub-process has no start event"))
    } else {
        Ok(Next::Open(starts))
    }
}
