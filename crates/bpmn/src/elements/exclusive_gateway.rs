//! Exclusive gateways: the first flow whose condition holds, else the default.

use super::{Fault, Next, finding};
use crate::model::{Element, Process};
use crate::problem::Problem;
use crate::run::Run;
use crate::state::TokenId;

pub(super) fn check(process: &Process, element: &Element, out: &mut Vec<Problem>) {
    if element.outgoing.len() < 2 {
        return;
    }
    let open = |flow: &&usize| Some(**flow) != element.default && process.flows[**flow].condition.is_none();
    match element.outgoing.iter().filter(open).count() {
        0 if element.default.is_none() => {
            out.push(finding(element, false, "default", "No flow is the default: where no condition holds, it stops."));
        }
        0 => {}
        1 if element.default.is_none() => {}
        _ => out.push(finding(element, true, "condition", "A flow has no condition and is not the default.")),
    }
}

pub(super) fn run(run: &Run<'_>, token: TokenId, element: &Element) -> Result<Next, Fault> {
    let view = run.view(token);
    for flow in element.outgoing.iter().filter(|flow| Some(**flow) != element.default) {
        let holds = match &run.process.flows[*flow].condition {
            Some(condition) => condition.condition(&view, &run.context.clock)?,
            None => true,
        };
        if holds {
            return Ok(Next::Take(*flow));
        }
    }
    match element.default {
        Some(flow) => Ok(Next::Take(flow)),
        None if element.outgoing.is_empty() => Ok(Next::Leave),
        None => Err(Fault::new("no_flow", "no condition holds and there is no default flow")),
    }
}
