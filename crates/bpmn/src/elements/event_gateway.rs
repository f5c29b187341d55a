//! Event-based gateways: the path of the event that comes first.

use super::catch_event::CatchTrigger;
use super::{Fault, Next, finding};
use crate::model::{Element, Kind, Process};
use crate::problem::Problem;
use crate::run::Run;
use crate::state::{TokenId, Wait};
use crate::xml::Node;

/// An event-based gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventGateway {
    /// The events behind it start an instance.
    pub instantiate: bool,
    /// All events have to come.
    pub parallel: bool,
}

pub(super) fn parse(node: &Node) -> Kind {
    Kind::EventBased(EventGateway {
        instantiate: node.attr("instantiate") == Some("true"),
        parallel: node.attr("eventGatewayType") == Some("Parallel"),
    })
}

/// What an element behind the gateway waits for.
fn awaited(element: &Element) -> Option<CatchTrigger> {
    match &element.kind {
        Kind::Catch(event) => Some(event.trigger.clone()),
        Kind::Receive(task) => task.message.clone().map(CatchTrigger::Message),
        _ => None,
    }
}

pub(super) fn check(process: &Process, element: &Element, out: &mut Vec<Problem>) {
    if element.outgoing.len() < 2 {
        out.push(finding(element, false, "flow", "There are no two events to choose between."));
    }
    for flow in &element.outgoing {
        let target = &process.elements[process.flows[*flow].target];
        if awaited(target).is_none() {
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
        let Some(trigger) = awaited(target) else {
            return Err(Fault::new("not_executable", format!("'{}' is no catch event", target.id)));
        };
        listens.push((target.id.clone(), run.trigger(token, &trigger)?));
    }
    Ok(Next::Wait { wait: Wait::Event, listens, effects: Vec::new() })
}
