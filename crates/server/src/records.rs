//! Generic reading and writing of records.

use std::{sync::Arc, time::Duration};

use axum::http::header;
use kernel::{
    Answer, AnyRef, Ask, Bounds, Cx, Error, Filter, Kind, Measure, Principal, Query, Result, Right, Shape, view::Views,
};
use serde_json::{Map, Value as J, json};

use crate::{
    app::{App, Call, read_json},
    export, operations,
    reply::{self, Reply},
};

const LIMIT: usize = 50;
const MAX_LIMIT: usize = 1_000;
const MAX_GROUPS: usize = 100_000;
/// How long somebody waits for a list or a grouping.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads `limit`.
pub(crate) fn limit(call: &Call, default: usize, max: usize) -> Result<usize> {
    match call.param("limit") {
        None => Ok(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|n| (1..=max).contains(n))
            .ok_or_else(|| Error::bad("parameter").with("name", "limit")),
    }
}

/// The query that a request asks for.
fn query(call: &Call, entity: &str) -> Result<Query> {
    let filter = match call.param("filter") {
        None => None,
        Some(text) => Some(Filter::parse(&read_json(text.as_bytes())?)?),
    };
    let mut measures = Vec::new();
    for measure in [Measure::Sum, Measure::Min, Measure::Max, Measure::Average] {
        measures.extend(call.list(measure.name())?.into_iter().map(|field| (measure, field)));
    }
    let group = call.list("group")?;
    let grouped = !group.is_empty() || !measures.is_empty();
    let sort = call.list("sort")?.join(",");
    let query = Query {
        filter,
        limit: if grouped { limit(call, MAX_GROUPS, MAX_GROUPS)? } else { limit(call, LIMIT, MAX_LIMIT)? },
        after: call.param("after").map(str::to_owned),
        q: call.param("q").map(str::to_owned),
        archived: call.flag("archived")?,
        group,
        measures,
        bounds: Some(Bounds::LIST),
        ..Query::of(entity)
    };
    Ok(query.sort_text(&sort))
}

fn shape(call: &Call, lines: bool) -> Result<Shape> {
    let (expand, columns) = (call.list("expand")?, call.list("columns")?);
    Ok(Shape { expand, columns, titles: call.flag("titles")?, lines, editing: lines })
}

pub(crate) fn list(app: &Arc<App>, call: &Call, entity: &str, who: &Arc<Principal>) -> Result<Reply> {
    let (query, shape) = (query(call, entity)?, shape(call, false)?);
    if let Some(form) = export::form(call)? {
        return export::export(app, call, query, &shape, who, form);
    }
    let count = call.flag("count")?;
    let answer = app.kernel.read_within(PATIENCE, who, |cx| {
        let mut shown = 0;
        let mut answer = if query.group.is_empty() && query.measures.is_empty() {
            let page = cx.page(&query, true)?;
            shown = page.rows.len() as i64 + i64::from(page.next.is_some());
            let mut answer = json!({"rows": cx.present(entity, &page.rows, &shape)?, "next": page.next});
            if page.incomplete {
                answer["incomplete"] = J::Bool(true);
            }
            answer
        } else {
            let rows = if shape.titles { cx.group_titled(&query, true)? } else { cx.group(&query, true)? };
            json!({"rows": rows, "next": null})
        };
        if count {
            let count = cx.counted(&query, true)?;
            // An estimate never says less than what stands there.
            answer["count"] = J::from(if count.exact { count.value } else { count.value.max(shown) });
            answer["count_exact"] = J::Bool(count.exact);
        }
        Ok(answer)
    })?;
    Ok(reply::json(200, &answer))
}

fn tagged(mut reply: Reply, rev: Option<i64>) -> Reply {
    if let Some(rev) = rev {
        reply.headers_mut().insert(header::ETAG, reply::value(&format!("\"{rev}\"")));
    }
    reply
}

pub(crate) fn one(app: &App, call: &Call, entity: &str, id: i64, who: &Arc<Principal>) -> Result<Reply> {
    let (shape, operations) = (shape(call, true)?, call.flag("operations")?);
    let record = app.kernel.read(who, |cx| {
        let mut record = cx.one(entity, id, &shape)?;
        if operations {
            let plan = cx.schema().plan(entity)?.clone();
            let row = cx.row(entity, id)?;
            record["_operations"] = cx.possible_json(&plan, &row)?;
        }
        Ok(record)
    })?;
    let rev = record["rev"].as_i64();
    Ok(tagged(reply::json(200, &record), rev))
}

/// The answer of a write, with the mark of one that was given before.
pub(crate) fn written(answer: &Answer) -> Reply {
    let mut reply = match answer.status {
        204 => reply::nothing(),
        status => reply::json(status, &answer.output),
    };
    if answer.repeated {
        reply.headers_mut().insert("idempotency-replayed", reply::value("true"));
    }
    reply
}

pub(crate) fn create(app: &App, call: &Call, entity: &str, ask: &Ask) -> Result<Reply> {
    let answer = app.kernel.create(entity, &call.json()?, ask)?;
    let mut reply = tagged(written(&answer), answer.output["rev"].as_i64());
    if let Some(id) = answer.output["id"].as_i64() {
        reply.headers_mut().insert(header::LOCATION, reply::value(&format!("/api/v1/entities/{entity}/{id}")));
    }
    Ok(reply)
}

pub(crate) fn change(app: &App, call: &Call, entity: &str, id: i64, ask: &Ask) -> Result<Reply> {
    let body = call.json()?;
    if body.get("rev").is_some_and(|rev| !rev.is_null() && rev.as_i64().is_none()) {
        return Err(Error::field("rev", "int"));
    }
    let answer = app.kernel.change(entity, id, call.revision(), &body, ask)?;
    Ok(tagged(written(&answer), answer.output["rev"].as_i64()))
}

pub(crate) fn remove(app: &App, call: &Call, entity: &str, id: i64, ask: &Ask) -> Result<Reply> {
    Ok(written(&app.kernel.remove(entity, id, call.revision(), ask)?))
}

pub(crate) fn bulk(app: &App, call: &Call, entity: &str, ask: &Ask) -> Result<Reply> {
    let answer = app.kernel.bulk(entity, &call.json()?, ask)?;
    Ok(written(&operations::tried(&app.kernel, answer, ask)))
}

pub(crate) fn history(app: &App, call: &Call, entity: &str, id: i64, who: &Arc<Principal>) -> Result<Reply> {
    let limit = limit(call, 200, MAX_LIMIT)?;
    Ok(reply::json(200, &app.kernel.read(who, |cx| cx.history(entity, id, limit, call.param("after")))?))
}

/// The condition of a panel: its path leads to the record.
fn leads_to(cx: &Cx<'_>, other: &str, path: &str, record: AnyRef) -> Result<Filter> {
    let schema = cx.schema().clone();
    let mut plan = schema.plan(other)?.clone();
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let Some(field) = plan.field(part) else { break };
        match field.kind {
            Kind::AnyRef if parts.peek().is_none() => {
                return Ok(Filter::eq(&format!("{path}.id"), record.id)
                    .and(Filter::eq(&format!("{path}.entity"), record.entity)));
            }
            Kind::Ref(to) if parts.peek().is_some() => plan = schema.plan(to)?.clone(),
            _ => break,
        }
    }
    Ok(Filter::eq(path, record.id))
}

pub(crate) fn panel(app: &App, call: &Call, entity: &str, id: i64, key: &str, who: &Arc<Principal>) -> Result<Reply> {
    let shape = shape(call, false)?;
    let limit = limit(call, LIMIT, MAX_LIMIT)?;
    let answer = app.kernel.read(who, |cx| {
        let schema = cx.schema().clone();
        let plan = schema.plan(entity)?.clone();
        cx.require(entity, Right::Read)?;
        let views = Views::load(&schema)?;
        let panel = views
            .panel(entity, key)
            .ok_or_else(|| Error::not_found("panel", key.chars().take(80).collect::<String>()))?;
        cx.one(entity, id, &Shape::default())?;
        let other = panel["entity"].as_str().unwrap_or("");
        let record = AnyRef::new(plan.def.name, id);
        let mut filter = leads_to(cx, other, panel["path"].as_str().unwrap_or(""), record)?;
        if let Some(more) = panel.get("filter") {
            filter = filter.and(Filter::parse(more)?);
        }
        let sort = panel.get("sort").and_then(J::as_str).unwrap_or("-id");
        let query = Query {
            filter: Some(filter.clone()),
            limit,
            after: call.param("after").map(str::to_owned),
            bounds: Some(Bounds::LIST),
            ..Query::of(other)
        };
        let (rows, next) = cx.select(&query.sort_text(sort), true)?;
        let rows = cx.present(other, &rows, &shape)?;
        let mut sums = Map::new();
        for name in panel.get("sums").and_then(J::as_array).into_iter().flatten().filter_map(J::as_str) {
            let measures = vec![(Measure::Sum, name.to_owned())];
            let query = Query { filter: Some(filter.clone()), limit: 0, measures, ..Query::of(other) };
            let found = cx.group(&query, true)?;
            // Amounts in several currencies have no sum.
            if let [one] = found.as_slice() {
                let sum = &one[format!("sum_{name}")];
                let told = match one.get(format!("sum_{name}_currency")) {
                    Some(currency) => json!({"amount": sum, "currency": currency}),
                    None => sum.clone(),
                };
                sums.insert(name.to_owned(), told);
            }
        }
        Ok(json!({"rows": rows, "sums": sums, "next": next}))
    })?;
    Ok(reply::json(200, &answer))
}
