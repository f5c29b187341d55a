//! Calling operations.

use std::sync::Arc;

use axum::http::{Method, header};
use base64::Engine;
use kernel::{Answer, Arg, Ask, Error, Kernel, Kind, Language, OpDef, Principal, Result};
use serde_json::{Map, Value as J, json};

use crate::{
    app::{App, Call, read_json},
    guard::{Caller, in_language},
    records,
    reply::{self, Reply},
};

pub(crate) fn call(app: &Arc<App>, call: &Call, caller: &Caller, name: &str) -> Result<Reply> {
    let kernel = &app.kernel;
    let schema = kernel.schema();
    let entry = *schema.operation(name)?;
    let def = (entry.def)();
    let reading = call.method != Method::POST;
    if reading && !def.read {
        return Err(Error::new(405, "not_read").with("allow", "POST"));
    }
    let ask = if caller.signed_in.is_some() {
        Ask { who: caller.who(call.language())?, key: call.key()?, dry_run: call.flag("dry_run")? }
    } else {
        // Strangers have no keys: one could read another's answer by guessing it.
        app.throttle(call.address)?;
        let company = kernel.system()?.company.clone();
        let nobody = Arc::new(Principal::anonymous(company));
        Ask {
            who: in_language(nobody, call.language().or_else(|| call.browser_language())),
            key: None,
            dry_run: call.flag("dry_run")?,
        }
    };
    let input = if reading { from_query(call, def)? } else { call.json()? };
    let answer = kernel.run(name, &input, &ask)?;
    let wants_json = !reading && call.header(header::ACCEPT).is_some_and(|a| a.contains("application/json"));
    if def.file && !wants_json && !ask.dry_run {
        let way = if reading && !call.flag("download")? { reply::file } else { reply::saved };
        return file(&answer.output, way);
    }
    let answer = told(kernel, def, answer, &ask)?;
    Ok(records::written(&answer))
}

/// One operation, called many times.
pub(crate) fn many(app: &App, call: &Call, name: &str, ask: &Ask) -> Result<Reply> {
    let mut answer = app.kernel.run_many(name, &call.json()?, ask)?;
    let numbers = numbers(&answer);
    if !numbers.is_empty() {
        answer.output["numbers"] = J::Array(numbers);
    }
    Ok(records::written(&tried(&app.kernel, answer, ask)))
}

/// What a trial would change, beside its answer.
pub(crate) fn tried(kernel: &Kernel, mut answer: Answer, ask: &Ask) -> Answer {
    if ask.dry_run {
        answer.output["_dry_run"] = json!({"changes": changes(kernel, &answer.changes, &ask.who)});
    }
    answer
}

/// The numbers that were drawn.
fn numbers(answer: &Answer) -> Vec<J> {
    let told = |n: &kernel::NumberDrawn| json!({"entity": n.record.entity, "id": n.record.id, "field": n.field, "number": n.number});
    answer.numbers.iter().map(told).collect()
}

/// The input from the query: texts as they stand, the structured kinds as JSON.
fn from_query(call: &Call, def: &OpDef) -> Result<J> {
    let mut input = Map::new();
    for (name, value) in &call.query {
        let field = (def.input)().iter().find(|f| f.name == name);
        if field.is_none() && matches!(name.as_str(), "lang" | "download") {
            continue;
        }
        let structured = field.is_some_and(|f| {
            matches!(f.kind, Kind::Money | Kind::AnyRef | Kind::Json | Kind::List(_)) && value.starts_with(['{', '['])
        });
        let json = if structured { read_json(value.as_bytes())? } else { J::from(value.as_str()) };
        input.insert(name.clone(), json);
    }
    Ok(J::Object(input))
}

/// The output of an operation that makes a file, as the file itself.
pub(crate) fn made_file(output: &J) -> Result<(String, String, Vec<u8>)> {
    let text = |name: &str| output.get(name).and_then(J::as_str).unwrap_or("");
    Ok((text("name").to_owned(), text("media_type").to_owned(), file_content(text("content"))?))
}

/// The content of a file as an operation's output holds it.
///
/// # Errors
/// Internal, where it is not base64.
pub fn file_content(text: &str) -> Result<Vec<u8>> {
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .map_err(|error| Error::internal(format!("a file that is not base64: {error}")))
}

fn file(output: &J, way: fn(&str, &str, Vec<u8>) -> Reply) -> Result<Reply> {
    let (name, media_type, content) = made_file(output)?;
    Ok(way(&name, &media_type, content))
}

/// What a trial would change: one row for each entity and kind of change.
fn changes(kernel: &Kernel, changes: &[kernel::Change], who: &Principal) -> Vec<J> {
    let schema = kernel.schema();
    let mut found: Vec<(&'static str, &'static str, Vec<i64>)> = Vec::new();
    for change in changes {
        let Some(plan) = schema.plans.get(change.entity) else { continue };
        if !kernel::query::may(&schema, who, &plan.def, kernel::Right::Read) {
            continue;
        }
        match found.iter_mut().find(|(entity, kind, _)| *entity == change.entity && *kind == change.kind.name()) {
            Some((.., ids)) if !ids.contains(&change.id) => ids.push(change.id),
            Some(_) => {}
            None => found.push((change.entity, change.kind.name(), vec![change.id])),
        }
    }
    let label =
        |entity: &str| schema.plans.get(entity).map_or_else(String::new, |p| schema.entity_label(who.language, &p.def));
    found
        .into_iter()
        .map(|(entity, kind, ids)| {
            json!({"entity": entity, "label": label(entity), "kind": kind, "count": ids.len(), "ids": ids})
        })
        .collect()
}

/// The simple values of an output as arguments of a message.
fn arguments(output: &J, answer: &Answer) -> Vec<(String, Arg)> {
    let mut args: Vec<(String, Arg)> = Vec::new();
    for (name, value) in output.as_object().into_iter().flatten() {
        match value {
            J::String(text) => args.push((name.clone(), Arg::Text(text.clone()))),
            J::Number(number) => args.extend(number.as_i64().map(|n| (name.clone(), Arg::Int(n)))),
            _ => {}
        }
    }
    if let Some(drawn) = answer.numbers.first()
        && !args.iter().any(|(name, _)| name == "number")
    {
        args.push(("number".to_owned(), Arg::Text(drawn.number.clone())));
    }
    args
}

fn message(kernel: &Kernel, def: &OpDef, answer: &Answer, language: Language) -> String {
    let schema = kernel.schema();
    let key = format!("{}.done", def.name);
    if schema.catalogue.get(Language::En, &key).is_none() {
        let label = Arg::Text(schema.operation_label(language, def));
        return schema.message(language, "server.done", &[("label", label)]);
    }
    let args = arguments(&answer.output, answer);
    let args: Vec<(&str, Arg)> = args.iter().map(|(name, arg)| (name.as_str(), arg.clone())).collect();
    schema.message(language, &key, &args)
}

/// What the person is told: what happened, where it can be seen, what comes next.
fn result(kernel: &Kernel, def: &OpDef, answer: &Answer, who: &Arc<Principal>) -> Result<J> {
    let link = |at: usize, title: String| {
        let link = answer.links[at];
        json!({"entity": link.entity, "id": link.id, "title": title})
    };
    // The transaction has looked the titles up; an answer that was given before comes without them.
    let (links, next) = if answer.titles.len() == answer.links.len() && answer.notes.is_empty() {
        let titles = answer.titles.iter().enumerate().filter_map(|(at, title)| Some(link(at, title.clone()?)));
        (titles.take(20).collect(), J::Array(Vec::new()))
    } else {
        kernel.read(who, |cx| {
            let mut links = Vec::new();
            for (at, one) in answer.links.iter().take(20).enumerate() {
                // What this person may not see is not told.
                if let Some(title) = cx.titles(one.entity, &[one.id], 1)?.remove(&one.id) {
                    links.push(link(at, title));
                }
            }
            Ok((links, cx.notes_json(&answer.notes)?))
        })?
    };
    let numbers = numbers(answer);
    Ok(json!({"message": message(kernel, def, answer, who.language), "links": links, "next": next, "numbers": numbers}))
}

/// The answer of an operation as every surface tells it: the output, with what the person is told, and the changes of a trial.
///
/// # Errors
/// As reading does.
pub fn told(kernel: &Kernel, def: &OpDef, mut answer: Answer, ask: &Ask) -> Result<Answer> {
    if def.read {
        return Ok(answer);
    }
    let result = result(kernel, def, &answer, &ask.who)?;
    if let J::Object(map) = &mut answer.output {
        map.insert("_result".to_owned(), result);
        if ask.dry_run {
            map.insert("_dry_run".to_owned(), json!({"changes": changes(kernel, &answer.changes, &ask.who)}));
        }
    }
    Ok(answer)
}
