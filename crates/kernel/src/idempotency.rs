//! Requests under a key: done once, answered again.

use serde_json::{Map, Value as J, json};
use store::Value;

use crate::{
    ask::Answer,
    cx::Cx,
    error::{Error, Result},
    value::AnyRef,
};

pub(crate) fn earlier(cx: &mut Cx<'_>, route: &str, key: &str, hash: &str) -> Result<Option<Answer>> {
    let found = cx.first::<crate::sys::Idempotency>(&[
        ("principal", Value::Int(cx.who.user)),
        ("route", Value::from(route)),
        ("key", Value::from(key)),
    ])?;
    let Some(found) = found else { return Ok(None) };
    if found.hash != hash {
        return Err(Error::new(422, "idempotency_mismatch"));
    }
    let mut answer = Answer {
        status: u16::try_from(found.status).unwrap_or(200),
        output: found.answer.0.get("output").cloned().unwrap_or(J::Null),
        repeated: true,
        ..Answer::default()
    };
    if let Some(J::Array(links)) = found.answer.0.get("links") {
        for link in links {
            if let (Some(entity), Some(id)) =
                (link.get("entity").and_then(J::as_str), link.get("id").and_then(J::as_i64))
            {
                answer.links.push(AnyRef::new(crate::intern::intern(entity), id));
            }
        }
    }
    Ok(Some(answer))
}

pub(crate) fn remember(cx: &mut Cx<'_>, route: &str, key: &str, hash: &str, answer: &Answer) -> Result<()> {
    let links: Vec<J> = answer.links.iter().map(|l| json!({"entity": l.entity, "id": l.id})).collect();
    let mut kept = Map::new();
    kept.insert("output".to_owned(), answer.output.clone());
    kept.insert("links".to_owned(), J::Array(links));
    let row = crate::sys::Idempotency {
        principal: cx.who.user,
        route: route.to_owned(),
        key: key.to_owned(),
        hash: hash.to_owned(),
        status: i64::from(answer.status),
        answer: crate::field::Json(J::Object(kept)),
        at: cx.now,
    };
    // Who sent the same request at the same moment may have been quicker: then his answer is found.
    cx.insert(row).map(|_| ())
}
