//! What is told about an import: where columns go, what was coerced, what is wrong, by kind.

use std::collections::BTreeMap;

use serde_json::{Value as J, json};

use super::{
    mapping::Mapping,
    record::{Fault, Tally},
};
use crate::{
    error::{Arg, FieldError},
    plan::Plan,
    schema::Schema,
};

/// Lines that are named of a kind of problem.
const LINES: usize = 20;
/// Values that are named.
const VALUES: usize = 5;
/// Kinds of problems that are told.
const KINDS: usize = 200;

/// Problems of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    error: FieldError,
    column: Option<usize>,
    count: u64,
    lines: Vec<u64>,
    values: Vec<String>,
}

/// Problems by kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems {
    groups: BTreeMap<(String, String), Group>,
    pub count: u64,
}

/// A path without the numbers of lines: `lines.3.product` becomes `lines.product`.
pub(crate) fn plain(path: &str) -> String {
    path.split('.').filter(|part| !part.bytes().all(|b| b.is_ascii_digit())).collect::<Vec<_>>().join(".")
}

impl Problems {
    pub fn add(&mut self, fault: Fault) {
        self.count += 1;
        let path = plain(&fault.error.field);
        let key = (fault.error.code.to_string(), path.clone());
        if !self.groups.contains_key(&key) && self.groups.len() >= KINDS {
            return;
        }
        let error = FieldError { field: path, ..fault.error };
        let group = self.groups.entry(key).or_insert(Group {
            error,
            column: fault.column,
            count: 0,
            lines: Vec::new(),
            values: Vec::new(),
        });
        group.count += 1;
        if group.lines.len() < LINES && group.lines.last() != Some(&fault.line) {
            group.lines.push(fault.line);
        }
        if group.values.len() < VALUES && !fault.value.is_empty() && !group.values.contains(&fault.value) {
            group.values.push(fault.value);
        }
    }

    pub fn json(&self, schema: &Schema, language: lang::Language, plan: &Plan, mapping: &Mapping) -> J {
        let told = self.groups.values().map(|group| {
            let field = group.error.field.as_str();
            let header = group.column.and_then(|at| mapping.columns.get(at)).map(|c| c.header.as_str());
            let found =
                || mapping.columns.iter().find(|c| c.target.is_some() && c.path == field).map(|c| c.header.as_str());
            json!({
                "code": group.error.code,
                "field": field,
                "label": label(schema, language, plan, field),
                "column": header.or_else(found),
                "message": message(schema, language, &group.error),
                "count": group.count,
                "lines": group.lines,
                "values": group.values,
            })
        });
        J::Array(told.collect())
    }
}

/// The message of a problem: a remark's key, or an error's code.
fn message(schema: &Schema, language: lang::Language, error: &FieldError) -> String {
    match error.code.strip_prefix("note:") {
        Some(key) => schema.message(language, key, &error.args),
        None => schema.field_message(language, error),
    }
}

/// What a field is called, through references and lines.
pub(crate) fn label(schema: &Schema, language: lang::Language, plan: &Plan, path: &str) -> String {
    let (first, rest) = path.split_once('.').map_or((path, None), |(a, b)| (a, Some(b)));
    if let Some(field) = plan.field(first) {
        let own = schema.field_label(language, plan.def.name, field);
        let other = match field.kind {
            crate::field::Kind::Ref(to) => schema.plan(to).ok(),
            _ => None,
        };
        return match (rest, other) {
            (Some(rest), Some(other)) => format!("{own}: {}", label(schema, language, other, rest)),
            _ => own,
        };
    }
    for field in &plan.fields {
        if !field.kind.suffix().is_empty() && first.strip_suffix(field.kind.suffix()) == Some(field.name) {
            let own = Arg::Text(schema.field_label(language, plan.def.name, field));
            return schema.message(language, "export.currency", &[("label", own)]);
        }
    }
    let lines = plan.def.lines.iter().find(|l| l.name == first).and_then(|l| schema.plan(l.entity).ok());
    match (lines, rest) {
        (Some(other), Some(rest)) => {
            format!("{}: {}", schema.entity_plural(language, &other.def), label(schema, language, other, rest))
        }
        _ => path.to_owned(),
    }
}

pub(crate) fn coercions(schema: &Schema, language: lang::Language, plan: &Plan, mapping: &Mapping, tally: &Tally) -> J {
    let told = tally.iter().filter_map(|((kind, at), (count, example))| {
        let column = mapping.columns.get(*at)?;
        let args = [
            ("from", Arg::Text(example.from.clone())),
            ("to", Arg::Text(example.to.clone())),
            ("n", Arg::Int(i64::try_from(*count).unwrap_or(i64::MAX))),
        ];
        Some(json!({
            "kind": kind.name(),
            "column": column.header,
            "field": column.path,
            "label": label(schema, language, plan, &column.path),
            "message": schema.message(language, &format!("import.coercion.{}", kind.name()), &args),
            "count": count,
            "from": example.from,
            "to": example.to,
            "line": example.line,
        }))
    });
    J::Array(told.collect())
}

pub(crate) fn columns(schema: &Schema, language: lang::Language, plan: &Plan, mapping: &Mapping) -> J {
    let told = mapping.columns.iter().map(|column| {
        let known = column.target.is_some();
        json!({
            "column": column.header,
            "field": known.then_some(column.path.as_str()),
            "label": known.then(|| label(schema, language, plan, &column.path)),
            "found": column.found.name(),
            "message": schema.message(language, &format!("import.found.{}", column.found.name()), &[]),
        })
    });
    J::Array(told.collect())
}
