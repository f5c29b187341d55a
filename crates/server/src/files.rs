//! Stored files: brought, hung on records, read again by those who may.

use std::sync::Arc;

use kernel::{Ask, Cx, Error, Filter, Kind, Principal, Query, Result, Right, Shape, Value, json::MAX_ID};
use serde_json::{Value as J, json};

use crate::{
    app::{App, Call},
    records,
    reply::{self, Reply},
};

pub(crate) fn upload(app: &App, call: &Call, ask: &Ask) -> Result<Reply> {
    let upload = call.upload.as_ref().ok_or_else(|| Error::bad("multipart"))?;
    let given = |name: &str| upload.fields.get(name).map(String::as_str).filter(|v| !v.is_empty());
    let record = match (given("entity"), given("id")) {
        (None, None) => None,
        (Some(entity), Some(id)) => {
            let id = id.parse().ok().filter(|id| (1..=MAX_ID).contains(id));
            Some((entity, id.ok_or_else(|| Error::field("id", "reference"))?))
        }
        (Some(_), None) => return Err(Error::field("id", "required")),
        (None, Some(_)) => return Err(Error::field("entity", "required")),
    };
    Ok(records::written(&app.kernel.attach(&upload.name, &upload.content, record, ask)?))
}

fn text(record: &J, name: &str) -> String {
    record.get(name).and_then(J::as_str).unwrap_or("").to_owned()
}

/// A stored file's row as JSON: the table itself is for administrators, a file for those who may read its record.
fn stored(cx: &mut Cx<'_>, id: i64) -> Result<J> {
    let plan = cx.schema().plan("sys.file")?.clone();
    let row = cx.row("sys.file", id)?;
    let mut out = json!({"id": id});
    for (i, field) in plan.fields.iter().enumerate() {
        out[field.name] = kernel::json::encode(field, plan.cells_of(i, &row.cells));
    }
    Ok(out)
}

/// Whether who acts may read a file: brought it, may read a record that it hangs on, or one that has it in a field.
fn readable(cx: &mut Cx<'_>, id: i64, file: &J) -> Result<bool> {
    if cx.who().is_admin() || (cx.who().user != 0 && file["by"].as_i64() == Some(cx.who().user)) {
        return Ok(true);
    }
    let schema = cx.schema().clone();
    let attachments = schema.plan("sys.attachment")?.clone();
    for row in cx.rows_by("sys.attachment", &[("file", Value::Int(id))])? {
        let index = attachments.index("record").unwrap_or(0);
        if let [Value::Int(record), Value::Text(entity)] = attachments.cells_of(index, &row.cells)
            && schema.plan(entity).is_ok()
            && cx.require(entity, Right::Read).is_ok()
            && cx.one(entity, *record, &Shape::default()).is_ok()
        {
            return Ok(true);
        }
    }
    for plan in schema.plans.values().filter(|p| p.def.name != "sys.attachment") {
        for field in plan
            .fields
            .iter()
            .filter(|f| matches!(f.kind, Kind::File) && cx.who().may_see(f))
            .copied()
            .collect::<Vec<_>>()
        {
            if cx.require(plan.def.name, Right::Read).is_err() {
                continue;
            }
            let query = Query {
                filter: Some(Filter::eq(field.name, id)),
                limit: 1,
                archived: true,
                ..Query::of(plan.def.name)
            };
            if cx.count(&query, true)? > 0 {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

pub(crate) fn download(app: &App, call: &Call, id: i64, who: &Arc<Principal>) -> Result<Reply> {
    let way = if call.flag("download")? { reply::saved } else { reply::file };
    let file = app.kernel.read(who, |cx| {
        let file = stored(cx, id)?;
        if readable(cx, id, &file)? { Ok(file) } else { Err(Error::not_found("file", id)) }
    })?;
    let content = app.kernel.shared().files.get(&text(&file, "hash"))?;
    Ok(way(&text(&file, "name"), &text(&file, "media_type"), content))
}

pub(crate) fn attachments(app: &App, entity: &str, id: i64, who: &Arc<Principal>) -> Result<Reply> {
    let rows = app.kernel.read(who, |cx| {
        cx.one(entity, id, &Shape::default())?;
        let plan = cx.schema().plan("sys.attachment")?.clone();
        let hung =
            cx.rows_by("sys.attachment", &[("record", Value::Int(id)), ("record_entity", Value::from(entity))])?;
        let mut rows = Vec::new();
        for row in hung.iter().rev().take(1_000) {
            let Some(id) = plan.cell("file", &row.cells).as_int() else { continue };
            let file = stored(cx, id)?;
            let by = match file["by"].as_i64() {
                Some(user) => cx.titles("platform.user", &[user], 1).ok().and_then(|mut t| t.remove(&user)),
                None => None,
            };
            rows.push(json!({
                "id": id,
                "name": file["name"],
                "media_type": file["media_type"],
                "size": file["size"],
                "at": file["at"],
                "by": by,
            }));
        }
        Ok(rows)
    })?;
    Ok(reply::json(200, &json!({"rows": rows})))
}
