//! Parallel gateways: wait until every flow in has brought a token, then go on by every flow out.

use super::{Next, finding};
use crate::model::{Element, Process};
use crate::problem::Problem;
use crate::run::Run;
use crate::state::{TokenId, Wait};

pub(super) fn check(process: &Process, element: &Element, out: &mut Vec<Problem>) {
    if element.outgoing.iter().any(|flow| process.flows[*flow].condition.is_some()) {
        out.push(finding(element, false, "condition", "Conditions behind a parallel gateway are ignored."));
    }
}

pub(super) fn run(run: &Run<'_>, token: TokenId, element: &Element) -> Next {
    if element.incoming.len() < 2 {
        return Next::Leave;
    }
    let Some(own) = run.state.token(token) else { return Next::Leave };
    let mut others = Vec::new();
    for flow in &element.incoming {
        let id = &run.process.flows[*flow].id;
        if own.via.as_ref() == Some(id) {
            continue;
        }
        // Of several tokens by one flow the oldest joins, the others wait for the next round.
        let waits = |t: &&crate::state::Token| t.via.as_ref() == Some(id) && t.wait == Some(Wait::Join);
        match run.state.at(own.scope, &element.id).find(waits) {
            Some(other) => others.push(other.id),
            None => return Next::Wait { wait: Wait::Join, listens: Vec::new(), effects: Vec::new() },
        }
    }
    Next::Join(others)
}
