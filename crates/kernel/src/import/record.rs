//! Rows put together to records: cells coerced, lines gathered under their owner, references left to be looked up.

use std::collections::BTreeMap;

use serde_json::{Map, Value as J, json};
use sheet::Cell;

use super::{
    coerce::{Coercion, Reading, texts},
    mapping::{Mapping, Target},
};
use crate::{
    error::{Arg, FieldError},
    field::Kind,
    plan::Plan,
    schema::Schema,
};

/// Most lines of one record.
const LINES: usize = 10_000;

/// A reference that a cell names.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Path of keys and places in the record.
    pub place: Vec<Step>,
    pub to: String,
    pub by: Option<&'static str>,
    pub text: String,
    pub line: u64,
    pub column: usize,
    pub field: String,
}

/// A step into a record.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Key(&'static str),
    At(usize),
}

/// What is wrong with a cell, or with a record.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub line: u64,
    pub column: Option<usize>,
    pub error: FieldError,
    pub value: String,
}

/// A record as the file has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub line: u64,
    pub body: Map<String, J>,
    pub id: Option<i64>,
    pub wanted: Vec<Wanted>,
    pub faults: Vec<Fault>,
    /// Lines of the file by place: set and number.
    pub lines: Vec<(usize, u64)>,
    group: Vec<String>,
}

impl Record {
    /// Puts the id of what was looked up, or a list of them, in its place.
    pub fn put(&mut self, place: &[Step], value: J) {
        let Some((Step::Key(first), rest)) = place.split_first() else { return };
        let mut at = self.body.entry(*first).or_insert(J::Null);
        for step in rest {
            at = match step {
                Step::Key(key) => &mut at[*key],
                Step::At(index) => match at.get_mut(*index) {
                    Some(inner) => inner,
                    None => return,
                },
            };
        }
        match (at, value) {
            (J::Array(list), value) => list.push(value),
            (at, value) => *at = value,
        }
    }
}

/// What was coerced, by kind and column: how often, and the first example.
pub(crate) type Tally = BTreeMap<(Coercion, usize), (u64, Example)>;

/// An example of a coercion.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    pub from: String,
    pub to: String,
    pub line: u64,
}

/// Puts rows together.
pub(crate) struct Assembler<'a> {
    pub schema: &'a Schema,
    pub plan: &'a Plan,
    pub mapping: &'a Mapping,
    pub reading: Reading<'a>,
    pub tally: Tally,
    now: Option<Record>,
}

pub(crate) fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

impl<'a> Assembler<'a> {
    pub fn new(schema: &'a Schema, plan: &'a Plan, mapping: &'a Mapping, reading: Reading<'a>) -> Self {
        Self { schema, plan, mapping, reading, tally: Tally::new(), now: None }
    }

    /// Takes a row; the record before it, when it is whole.
    pub fn row(&mut self, line: u64, cells: &[Cell]) -> Option<Record> {
        let mapping = self.mapping;
        let mut done = None;
        let own = |target: &Target| !matches!(target, Target::Line { .. });
        if mapping.lines {
            let keyed = mapping.by_id || !mapping.key.is_empty();
            let is_key = |target: &Target| match target {
                Target::Id => mapping.by_id,
                Target::Field { index, .. } => mapping.key.contains(index),
                _ => false,
            };
            let (mut group, mut blank) = (Vec::new(), true);
            for (at, column) in mapping.columns.iter().enumerate() {
                let Some(target) = column.target.as_ref().filter(|t| own(t)) else { continue };
                let text = cells.get(at).map_or_else(String::new, |cell| cell.to_string().trim().to_owned());
                blank &= text.is_empty();
                if !keyed || is_key(target) {
                    group.push(text);
                }
            }
            match &mut self.now {
                Some(now) if blank || now.group == group => {}
                _ => {
                    done = self.now.replace(Record { line, group, ..Record::default() });
                    self.own(line, cells);
                }
            }
            self.line(line, cells);
        } else {
            done = self.now.replace(Record { line, ..Record::default() });
            self.own(line, cells);
        }
        done
    }

    /// The last record.
    pub fn end(&mut self) -> Option<Record> {
        self.now.take()
    }

    fn own(&mut self, line: u64, cells: &[Cell]) {
        let mapping = self.mapping;
        let mut body = Map::new();
        for (at, column) in mapping.columns.iter().enumerate() {
            let Some(target) = column.target.as_ref().filter(|t| !matches!(t, Target::Line { .. })) else { continue };
            self.put(&mut body, &[], self.plan, target, cells.get(at).unwrap_or(&Cell::Empty), line, at, &column.path);
        }
        self.given(&mut body, &[], None, line);
        self.finish(&mut body, self.plan);
        if let Some(now) = &mut self.now {
            now.body = body;
        }
    }

    /// A line of the row, in each set that it has something for.
    fn line(&mut self, line: u64, cells: &[Cell]) {
        let (mapping, plan) = (self.mapping, self.plan);
        for (set, def) in plan.def.lines.iter().enumerate() {
            let Ok(other) = self.schema.plan(def.entity).cloned() else { continue };
            let mine = |target: &Option<Target>| match target {
                Some(Target::Line { set: s, inner }) if *s == set => Some((**inner).clone()),
                _ => None,
            };
            let columns: Vec<_> =
                mapping.columns.iter().enumerate().filter_map(|(at, c)| Some((at, c, mine(&c.target)?))).collect();
            if columns.iter().all(|(at, ..)| cells.get(*at).is_none_or(Cell::is_empty)) {
                continue;
            }
            let place = {
                let Some(now) = &mut self.now else { return };
                let list = now.body.entry(def.name).or_insert_with(|| J::Array(Vec::new()));
                let J::Array(list) = list else { return };
                if list.len() >= LINES {
                    let error = FieldError {
                        field: def.name.to_owned(),
                        code: "too_many".into(),
                        args: vec![("max", Arg::Int(LINES as i64))],
                    };
                    now.faults.push(Fault { line, column: None, error, value: String::new() });
                    return;
                }
                list.push(J::Null);
                now.lines.push((set, line));
                [Step::Key(def.name), Step::At(list.len() - 1)]
            };
            let mut body = Map::new();
            for (at, column, target) in columns {
                let cell = cells.get(at).unwrap_or(&Cell::Empty);
                self.put(&mut body, &place, &other, &target, cell, line, at, &column.path);
            }
            self.given(&mut body, &place, Some((set, &other)), line);
            self.finish(&mut body, &other);
            if let Some(now) = &mut self.now {
                now.put(&place, J::Object(body));
            }
        }
    }

    /// Constants, and defaults where nothing stands.
    fn given(&mut self, body: &mut Map<String, J>, place: &[Step], set: Option<(usize, &Plan)>, line: u64) {
        let mapping = self.mapping;
        for (given, always) in [(&mapping.constants, true), (&mapping.defaults, false)] {
            for (target, value) in given {
                let (target, plan) = match (target, set) {
                    (Target::Line { set: s, inner }, Some((set, plan))) if *s == set => (&**inner, plan),
                    (Target::Line { .. }, _) | (_, Some(_)) => continue,
                    (target, None) => (target, self.plan),
                };
                let name = match target {
                    Target::Field { index, .. } => plan.fields[*index].name,
                    Target::Many { at } => plan.def.many[*at].name,
                    _ => "",
                };
                let there = body.get(name).is_some_and(|v| !v.is_null())
                    || self.now.as_ref().is_some_and(|now| {
                        now.wanted.iter().any(|w| {
                            w.place.len() == place.len() + 1
                                && matches!(w.place.last(), Some(Step::Key(key)) if *key == name)
                                && w.line == line
                        })
                    });
                if there && !always {
                    continue;
                }
                let cell = match value {
                    J::String(text) => Cell::Text(text.clone()),
                    J::Number(number) => Cell::Number(number.to_string()),
                    J::Bool(value) => Cell::Bool(*value),
                    J::Null => continue,
                    other => Cell::Text(other.to_string()),
                };
                self.put(body, place, plan, target, &cell, line, usize::MAX, name);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn put(
        &mut self,
        body: &mut Map<String, J>,
        place: &[Step],
        plan: &Plan,
        target: &Target,
        cell: &Cell,
        line: u64,
        column: usize,
        path: &str,
    ) {
        let told = cell.to_string();
        let text = told.trim();
        let Some(now) = &mut self.now else { return };
        let mut fault = |error: FieldError| {
            let error = FieldError { field: path.to_owned(), ..error };
            let column = Some(column).filter(|c| *c != usize::MAX);
            now.faults.push(Fault { line, column, error, value: short(text) });
        };
        if cell.is_empty() {
            if let (Target::Field { index, .. }, true) = (target, self.mapping.clear)
                && column != usize::MAX
            {
                body.entry(plan.fields[*index].name).or_insert(J::Null);
            }
            return;
        }
        let want = |key: &'static str, to: &str, by, text: &str| {
            let mut place = place.to_vec();
            place.push(Step::Key(key));
            let (to, text, field) = (to.to_owned(), text.to_owned(), path.to_owned());
            Wanted { place, to, by, text, line, column, field }
        };
        match target {
            Target::Id => match text.parse::<i64>() {
                Ok(id) if id > 0 => now.id = Some(id),
                _ => fault(FieldError {
                    field: String::new(),
                    code: "int".into(),
                    args: vec![("value", Arg::Text(short(text)))],
                }),
            },
            Target::Field { index, by } => {
                let field = &plan.fields[*index];
                if let Cell::Wrong(text) = cell {
                    fault(FieldError {
                        field: String::new(),
                        code: "import_wrong_cell".into(),
                        args: vec![("value", Arg::Text(short(text)))],
                    });
                    return;
                }
                match field.kind {
                    Kind::Ref(to) => {
                        let plain = texts(cell, text).0;
                        now.wanted.push(want(field.name, to, *by, plain.as_str().unwrap_or(text)));
                    }
                    Kind::AnyRef => {
                        // The entity stands in a column of its own, or before the record: `sales.order:SO-17`.
                        let (to, text) = text.split_once(':').unwrap_or(("", text));
                        now.wanted.push(want(field.name, to.trim(), *by, text.trim()));
                    }
                    _ => match self.reading.cell(field, cell) {
                        Ok((value, how)) => {
                            if let Some(how) = how
                                && column != usize::MAX
                            {
                                let to = match &value {
                                    J::String(text) => text.clone(),
                                    J::Object(money) => ["amount", "currency"]
                                        .iter()
                                        .filter_map(|key| money.get(*key)?.as_str())
                                        .collect::<Vec<_>>()
                                        .join(" "),
                                    other => other.to_string(),
                                };
                                let example = || Example { from: short(text), to: short(&to), line };
                                self.tally.entry((how, column)).or_insert_with(|| (0, example())).0 += 1;
                            }
                            match (body.get_mut(field.name), value) {
                                // A currency came before its amount.
                                (Some(J::Object(there)), J::Object(new)) => there.extend(new),
                                (_, value) => {
                                    body.insert(field.name.to_owned(), value);
                                }
                            }
                        }
                        Err(error) => fault(error),
                    },
                }
            }
            Target::Second { index } => {
                let field = &plan.fields[*index];
                if matches!(field.kind, Kind::AnyRef) {
                    let of = |w: &Wanted| {
                        matches!(w.place.last(), Some(Step::Key(key)) if *key == field.name) && w.line == line
                    };
                    match now.wanted.iter_mut().find(|w| of(w)) {
                        Some(wanted) => wanted.to = text.to_owned(),
                        None => {
                            body.insert(format!("_{}", field.name), J::from(text));
                        }
                    }
                    return;
                }
                let mut inner = json!({});
                inner["currency"] =
                    J::from(if lang::fold(text) == "kc" { "CZK".to_owned() } else { text.to_uppercase() });
                match body.get_mut(field.name) {
                    Some(J::Object(there)) => {
                        there.entry("currency").or_insert(inner["currency"].take());
                    }
                    _ => {
                        body.insert(field.name.to_owned(), inner);
                    }
                }
            }
            Target::Many { at } => {
                let many = &plan.def.many[*at];
                body.insert(many.name.to_owned(), J::Array(Vec::new()));
                for part in text.split([';', ',']).map(str::trim).filter(|p| !p.is_empty()).take(1_000) {
                    now.wanted.push(want(many.name, many.to, None, part));
                }
            }
            Target::Line { .. } => {}
        }
    }

    /// A currency without an amount is nothing; the entity of a reference that came before it goes there.
    fn finish(&mut self, body: &mut Map<String, J>, plan: &Plan) {
        for field in &plan.fields {
            match field.kind {
                Kind::Money => {
                    if matches!(body.get(field.name), Some(J::Object(map)) if !map.contains_key("amount")) {
                        body.remove(field.name);
                    }
                }
                Kind::AnyRef => {
                    let Some(entity) = body.remove(&format!("_{}", field.name)) else { continue };
                    let Some(now) = &mut self.now else { continue };
                    for wanted in now.wanted.iter_mut().filter(|w| w.to.is_empty()) {
                        if matches!(wanted.place.last(), Some(Step::Key(key)) if *key == field.name) {
                            entity.as_str().unwrap_or("").clone_into(&mut wanted.to);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}
