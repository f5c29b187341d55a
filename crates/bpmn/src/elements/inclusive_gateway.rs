//! Inclusive gateways: every flow whose condition holds goes out; in, every token is waited for that can still come. And
//! complex gateways, which go on as soon as their condition over the tokens that came holds.
//!
//! A flow in without a token is waited for while a token somewhere can reach it without passing the gateway, unless that
//! token can as well reach a flow in that already has one (BPMN 2.0, 13.4.3).

use super::{Fault, Next};
use crate::feel::{Feel, Over};
use crate::model::{Element, Process};
use crate::run::Run;
use crate::state::{State, Token, TokenId, Wait};
use serde_json::{Map, Value as Json};

pub(super) fn run(element: &Element) -> Next {
    if element.incoming.len() < 2 {
        return Next::Leave;
    }
    // Whether it can go on is looked at when nothing else moves.
    Next::Wait { wait: Wait::Join, listens: Vec::new(), effects: Vec::new() }
}

/// The tokens that go on together with this one, where nothing is waited for any more.
pub(crate) fn joins(process: &Process, state: &State, token: &Token, index: usize) -> Option<Vec<TokenId>> {
    let element = &process.elements[index];
    let tables = process.derived.upstream.get(&index)?;
    let mut first: Vec<Option<TokenId>> = vec![None; element.incoming.len()];
    for waiting in state.at(token.scope, &element.id).filter(|t| t.wait == Some(Wait::Join)) {
        let at = element.incoming.iter().position(|f| waiting.via.as_ref() == Some(&process.flows[*f].id));
        let place = &mut first[at.unwrap_or(0)];
        *place = (*place).or(Some(waiting.id));
    }
    for at in state.occupied(token.scope).filter(|at| *at != element.id) {
        let Some(at) = process.by_id.get(at) else { continue };
        let comes = |wanted: bool| (0..first.len()).any(|f| first[f].is_some() == wanted && tables[f][*at]);
        if comes(false) && !comes(true) {
            return None;
        }
    }
    Some(first.into_iter().flatten().filter(|id| *id != token.id).collect())
}

/// A complex gateway.
pub(super) fn complex(
    condition: Option<&Feel>,
    run: &Run<'_>,
    token: TokenId,
    element: &Element,
) -> Result<Next, Fault> {
    let (Some(condition), true) = (condition, element.incoming.len() > 1) else { return Ok(self::run(element)) };
    let Some(own) = run.state.token(token) else { return Ok(Next::Leave) };
    let via = own.via.clone().unwrap_or_default();
    if let Some(came) = run.state.scope(own.scope).and_then(|s| s.fired.get(&element.id))
        && !came.contains(&via)
    {
        return Ok(Next::Absorb(via));
    }
    let waiting: Vec<&Token> =
        run.state.at(own.scope, &element.id).filter(|t| t.id != token && t.wait == Some(Wait::Join)).collect();
    let mut count = Map::new();
    count.insert("activationCount".to_owned(), Json::from(waiting.len() + 1));
    if !condition.condition(&Over(&count, &run.view(token)), &run.context.clock)? {
        return Ok(Next::Wait { wait: Wait::Join, listens: Vec::new(), effects: Vec::new() });
    }
    let flows = waiting.iter().filter_map(|t| t.via.clone()).chain([via]).collect();
    Ok(Next::Fire { others: waiting.iter().map(|t| t.id).collect(), flows })
}
