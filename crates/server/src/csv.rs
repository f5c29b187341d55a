//! Lists as CSV (RFC 4180): streamed page by page, so that neither the answer nor a snapshot grows with the table.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Response, header},
};
use kernel::{Error, FieldDef, Kind, Principal, Query, Result, Shape};
use serde_json::Value as J;

use crate::{
    app::{App, blocking},
    reply::Reply,
};

const PAGE: usize = 1_000;

/// A cell; a text that a spreadsheet would take for a formula is kept from it.
fn cell(text: &str, typed: bool, out: &mut String) {
    let formula = typed
        && (text.starts_with(['=', '@', '\t', '\r'])
            || (text.starts_with(['+', '-'])
                && !text[1..].bytes().all(|b| b.is_ascii_digit() || b" .,()-/".contains(&b))));
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ') {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(&text);
    }
}

fn json_cell(json: &J, typed: bool, out: &mut String) {
    match json {
        J::Null => {}
        J::String(text) => cell(text, typed, out),
        J::Bool(_) | J::Number(_) => out.push_str(&json.to_string()),
        other => cell(&other.to_string(), true, out),
    }
}

fn header_row(fields: &[FieldDef], titles: bool) -> String {
    let mut out = String::from("id");
    for field in fields {
        for name in names(field, titles) {
            out.push(',');
            cell(&name, false, &mut out);
        }
    }
    out.push_str("\r\n");
    out
}

/// The columns of a field.
fn names(field: &FieldDef, titles: bool) -> Vec<String> {
    let mut names = vec![field.name.to_owned()];
    match field.kind {
        Kind::Money => names.push(format!("{}_currency", field.name)),
        Kind::AnyRef => names.push(format!("{}_entity", field.name)),
        _ => {}
    }
    if titles && matches!(field.kind, Kind::Ref(_) | Kind::AnyRef) {
        names.push(format!("{}_title", field.name));
    }
    names
}

fn record_row(fields: &[FieldDef], titles: bool, record: &J, out: &mut String) {
    json_cell(&record["id"], false, out);
    for field in fields {
        out.push(',');
        let value = &record[field.name];
        match field.kind {
            Kind::Money => {
                json_cell(&value["amount"], false, out);
                out.push(',');
                json_cell(&value["currency"], false, out);
            }
            Kind::AnyRef => {
                json_cell(&value["id"], false, out);
                out.push(',');
                json_cell(&value["entity"], false, out);
            }
            Kind::Ref(_) if value.is_object() => json_cell(&value["_title"], true, out),
            kind => json_cell(value, matches!(kind, Kind::Text | Kind::LongText | Kind::Email | Kind::Phone), out),
        }
        if titles && matches!(field.kind, Kind::Ref(_) | Kind::AnyRef) {
            out.push(',');
            json_cell(&record["_titles"][field.name], true, out);
        }
    }
    out.push_str("\r\n");
}

struct Export {
    app: Arc<App>,
    who: Arc<Principal>,
    query: Query,
    shape: Shape,
    fields: Vec<FieldDef>,
}

impl Export {
    /// The next page, and where the one after it begins.
    fn page(&mut self) -> Result<(String, bool)> {
        let (query, shape) = (&self.query, &self.shape);
        let (rows, next) = self.app.kernel.read(&self.who, |cx| {
            let (rows, next) = cx.select(query, true)?;
            Ok((cx.present(&query.entity, &rows, shape)?, next))
        })?;
        let mut out = String::new();
        for record in &rows {
            record_row(&self.fields, shape.titles, record, &mut out);
        }
        self.query.after = next;
        Ok((out, self.query.after.is_some()))
    }
}

/// Answers a query as CSV.
pub(crate) fn export(app: &Arc<App>, query: Query, shape: Shape, who: &Arc<Principal>) -> Result<Reply> {
    let entity = query.entity.clone();
    let body = if query.group.is_empty() && query.measures.is_empty() {
        rows(app, query, shape, who)?
    } else {
        Body::from(groups(app, &query, who)?)
    };
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    headers.insert(header::CONTENT_DISPOSITION, crate::reply::value(&format!("attachment; filename=\"{entity}.csv\"")));
    Ok(reply)
}

fn groups(app: &App, query: &Query, who: &Arc<Principal>) -> Result<String> {
    let rows = app.kernel.read(who, |cx| cx.group(query, true))?;
    let mut out = String::new();
    for (i, row) in rows.iter().enumerate() {
        let Some(map) = row.as_object() else { continue };
        if i == 0 {
            for (k, name) in map.keys().enumerate() {
                if k > 0 {
                    out.push(',');
                }
                cell(name, false, &mut out);
            }
            out.push_str("\r\n");
        }
        for (k, (name, value)) in map.iter().enumerate() {
            if k > 0 {
                out.push(',');
            }
            json_cell(value, query.group.contains(name), &mut out);
        }
        out.push_str("\r\n");
    }
    Ok(out)
}

fn rows(app: &Arc<App>, mut query: Query, shape: Shape, who: &Arc<Principal>) -> Result<Body> {
    let schema = app.kernel.schema();
    let plan = schema.plan(&query.entity)?;
    let fields: Vec<FieldDef> = plan.fields.iter().filter(|f| who.may_see(f)).copied().collect();
    query.limit = PAGE;
    let head = header_row(&fields, shape.titles);
    let mut export = Export { app: app.clone(), who: who.clone(), query, shape, fields };
    // What is wrong with the question shows in the first page, while a problem can still be answered.
    let (first, mut more) = export.page()?;
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<std::result::Result<Bytes, Error>>(2);
    tokio::spawn(async move {
        if sender.send(Ok(Bytes::from(head + &first))).await.is_err() {
            return;
        }
        while more {
            let page = blocking(move || {
                let page = export.page()?;
                Ok((page, export))
            });
            match page.await {
                Ok(((text, further), back)) => {
                    (more, export) = (further, back);
                    if sender.send(Ok(Bytes::from(text))).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "an export broke off");
                    // The connection breaks, so that nobody takes a part for the whole.
                    let _ = sender.send(Err(error)).await;
                    return;
                }
            }
        }
    });
    Ok(Body::from_stream(futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx))))
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn cells_are_quoted_and_formulas_disarmed() {
        let told = |text: &str, typed| {
            let mut out = String::new();
            cell(text, typed, &mut out);
            out
        };
        assert_eq!(told("a,b", true), "\"a,b\"");
        assert_eq!(told("say \"x\"", true), "\"say \"\"x\"\"\"");
        assert_eq!(told("=1+1", true), "'=1+1");
        assert_eq!(told("+420 777 123 456", true), "+420 777 123 456");
        assert_eq!(told("-cmd", true), "'-cmd");
        assert_eq!(told("-12.50", false), "-12.50");
    }
}
