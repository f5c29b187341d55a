//! Event-based gateways: the path of the event that comes first.

use super::{Fault, Next, finding, unsupported};
use crate::model::{Element, Kind, Process};
use crate::parse::Reading;
use crate::problem::Problem;
use crate::run::Run;
use crate::state::{TokenId, Wait};
use crate::xml::Node;

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    if node.attr("instantiate") == Some("true") {
        return unsupported(reading, "An event-based gateway that starts an instance");
    }
    if node.attr("eventGatewayType") == Some("Parallel") {
        return unsupported(reading, "A parallel event-based gateway");
    }
    Kind::EventBased
}

pub(super) fn check(process: &Process, element: &Element, out: &mut Vec<Problem>) {
    if element.outgoing.len() < 2 {
        out.push(finding(element, false, "flow", "There are no two events to choose between."));
    }
    for flow in &element.outgoing {
        let target = &process.elements[process.flows[*flow].target];
        if !matches!(target.kind, Kind::Catch(_)) {
            out.push(finding(element, true, "flow", format!("'{}' behind it is no catch event.", target.id)));
        } else if target.incoming.len() > 1 {
            out.push(finding(element, true, "flow", format!("'{}' has other flows in.", target.id)));
        }
    }
}

pub(super) fn run(run: &Run<'_>, token: TokenId, element: &Element) -> Result<Next, Fault> {
    let mut listens = Vec::new();
    for flow in &element.outgoing {
        let target = &run.process.elements[run.process.flows[*flow].target];
        let Kind::Catch(event) = &target.kind else {
            return Err(Fault::new("not_executable", format!("'{}' is no catch event", target.id)));
        };
        listens.push((target.id.clone(), run.trigger(token, &event.trigger)?));
    }
    Ok(Next::Wait { wait: Wait::Event, listens, effects: Vec::new() })
}
