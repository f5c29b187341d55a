//! Records by what people call them: a number, a code, a name, the identifier. Only those that who imports may see.

use std::collections::{HashMap, HashSet};

use serde_json::Value as J;
use store::Value;

use super::record::{Fault, Record, Step, Wanted, short};
use crate::{
    access::Right,
    cx::Cx,
    error::{Arg, FieldError, Result},
    field::Kind,
    filter::Filter,
    plan::Plan,
    query::{self, Query},
};

/// Entities of at most so many records are read once instead of asked again and again.
const READ_ONCE: usize = 20_000;
/// Candidates that are named.
const NAMED: usize = 4;

/// Records by number and by name.
#[derive(Default)]
struct Directory {
    unique: HashMap<String, Vec<i64>>,
    title: HashMap<String, Vec<i64>>,
}

/// Looks references up and remembers.
pub(crate) struct Resolver {
    own: String,
    directories: HashMap<(String, Option<&'static str>), Option<Directory>>,
    found: HashMap<(String, Option<&'static str>, String), i64>,
    /// What records of this file are called, where it may refer to itself.
    pub called: HashSet<String>,
    /// What they are called is not known: whatever is not found may be one of them.
    pub called_all: bool,
}

enum Match {
    One(i64),
    None,
    Many(Vec<i64>),
    Forbidden,
}

fn of(ids: &[i64]) -> Match {
    match ids {
        [] => Match::None,
        [one] => Match::One(*one),
        many => Match::Many(many.to_vec()),
    }
}

impl Resolver {
    pub fn new(own: &str) -> Self {
        Self {
            own: own.to_owned(),
            directories: HashMap::new(),
            found: HashMap::new(),
            called: HashSet::new(),
            called_all: false,
        }
    }

    /// Fields by which records are found, unique ones before the title.
    fn fields(cx: &Cx<'_>, plan: &Plan, by: Option<&'static str>) -> (Vec<&'static str>, Option<&'static str>) {
        if let Some(by) = by {
            return (vec![by], None);
        }
        let seen = |f: &&crate::field::FieldDef| f.kind.is_text() && cx.who().may_see(f);
        let unique = plan.fields.iter().filter(seen).filter(|f| f.unique).map(|f| f.name).collect();
        let title = plan.field(plan.def.title).filter(seen).filter(|f| !f.unique).map(|f| f.name);
        (unique, title)
    }

    fn directory(&mut self, cx: &mut Cx<'_>, plan: &Plan, by: Option<&'static str>) -> Result<Option<&Directory>> {
        let key = (plan.def.name.to_owned(), by);
        if !self.directories.contains_key(&key) {
            let loaded = if plan.def.name == self.own { None } else { load(cx, plan, by)? };
            self.directories.insert(key.clone(), loaded);
        }
        Ok(self.directories.get(&key).and_then(Option::as_ref))
    }

    fn find(&mut self, cx: &mut Cx<'_>, to: &str, by: Option<&'static str>, text: &str) -> Result<Match> {
        let key = (to.to_owned(), by, text.to_owned());
        if let Some(id) = self.found.get(&key) {
            return Ok(Match::One(*id));
        }
        let schema = cx.schema().clone();
        let Ok(plan) = schema.plan(to) else { return Ok(Match::None) };
        if !query::may(&schema, cx.who(), &plan.def, Right::Read) {
            return Ok(Match::Forbidden);
        }
        let mut matched = match self.directory(cx, plan, by)? {
            Some(directory) => match directory.unique.get(text) {
                Some(ids) => of(ids),
                None => directory.title.get(text).map_or(Match::None, |ids| of(ids)),
            },
            None => {
                let (unique, title) = Self::fields(cx, plan, by);
                let mut matched = Match::None;
                for field in unique.into_iter().chain(title) {
                    let filter = Some(Filter::eq(field, text));
                    let (rows, _) = cx.select(&Query { filter, limit: NAMED + 1, ..Query::of(to) }, true)?;
                    let mut ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
                    ids.dedup();
                    matched = of(&ids);
                    if !matches!(matched, Match::None) {
                        break;
                    }
                }
                matched
            }
        };
        if matches!(matched, Match::None)
            && by.is_none()
            && let Some(id) = text.parse::<i64>().ok().filter(|id| *id > 0)
        {
            matched = match cx.row_of(plan, id) {
                Ok(_) if cx.within(plan, id, Right::Read)? => Match::One(id),
                Ok(_) => Match::None,
                Err(error) if error.status == 404 => Match::None,
                Err(error) => return Err(error),
            };
        }
        if let Match::One(id) = matched {
            self.found.insert(key, id);
        }
        Ok(matched)
    }

    /// Looks everything up that a record refers to. What refers to a record of the same file that is not written yet stays
    /// wanted.
    pub fn record(&mut self, cx: &mut Cx<'_>, record: &mut Record) -> Result<()> {
        for wanted in std::mem::take(&mut record.wanted) {
            let to = if cx.schema().plan(&wanted.to).is_ok() { wanted.to.clone() } else { named(cx, &wanted.to) };
            let any = !matches!(wanted.place.last(), Some(Step::Key(_))) || is_any(cx, &wanted, &self.own);
            let args = |code: &'static str, args: Vec<(&'static str, Arg)>| {
                let mut all = vec![("value", Arg::Text(short(&wanted.text)))];
                all.extend(args);
                FieldError { field: wanted.field.clone(), code: code.into(), args: all }
            };
            let error = match self.find(cx, &to, wanted.by, &wanted.text)? {
                Match::One(id) => {
                    let value = if any { serde_json::json!({"entity": to, "id": id}) } else { J::from(id) };
                    record.put(&wanted.place, value);
                    continue;
                }
                Match::None if to == self.own && (self.called_all || self.called.contains(&wanted.text)) => {
                    record.wanted.push(wanted);
                    continue;
                }
                Match::None => {
                    let what = cx.schema().plan(&to).map(|plan| format!("{}.label", plan.def.name));
                    args("import_no_match", vec![("what", what.map_or_else(|_| Arg::Text(to.clone()), Arg::Key))])
                }
                Match::Many(ids) => {
                    let titles = cx.titles(&to, &ids[..ids.len().min(NAMED)], 1)?;
                    let mut names: Vec<String> = ids
                        .iter()
                        .take(NAMED)
                        .map(|id| format!("{} #{id}", titles.get(id).map_or("", String::as_str)))
                        .collect();
                    if ids.len() > NAMED {
                        names.push("…".to_owned());
                    }
                    args("import_many", vec![("candidates", Arg::Text(names.join(", ")))])
                }
                Match::Forbidden => args("forbidden", vec![("what", Arg::Text(to.clone()))]),
            };
            let column = Some(wanted.column).filter(|c| *c != usize::MAX);
            record.faults.push(Fault { line: wanted.line, column, error, value: short(&wanted.text) });
        }
        Ok(())
    }
}

/// Whether a place takes a reference to any record.
fn is_any(cx: &Cx<'_>, wanted: &Wanted, own: &str) -> bool {
    let Ok(mut plan) = cx.schema().plan(own) else { return false };
    for step in &wanted.place {
        let Step::Key(key) = step else { continue };
        if let Some(field) = plan.field(key) {
            return matches!(field.kind, Kind::AnyRef);
        }
        match plan.def.lines.iter().find(|l| l.name == *key).map(|l| cx.schema().plan(l.entity)) {
            Some(Ok(other)) => plan = other,
            _ => return false,
        }
    }
    false
}

/// An entity by its label.
fn named(cx: &Cx<'_>, label: &str) -> String {
    let wanted = lang::fold(label);
    let schema = cx.schema();
    let called = |plan: &Plan| {
        lang::Language::ALL.into_iter().any(|language| lang::fold(&schema.entity_label(language, &plan.def)) == wanted)
    };
    schema.plans.values().find(|plan| called(plan)).map_or_else(|| label.to_owned(), |plan| plan.def.name.to_owned())
}

fn load(cx: &mut Cx<'_>, plan: &Plan, by: Option<&'static str>) -> Result<Option<Directory>> {
    let (unique, title) = Resolver::fields(cx, plan, by);
    let mut directory = Directory::default();
    let (rows, next) = cx.select(&Query { limit: READ_ONCE, ..Query::of(plan.def.name) }, true)?;
    if next.is_some() {
        return Ok(None);
    }
    for row in &rows {
        let mut add = |name: &str, to_unique: bool| {
            if let Value::Text(text) = plan.cell(name, &row.cells) {
                let map = if to_unique { &mut directory.unique } else { &mut directory.title };
                let ids = map.entry(text.trim().to_owned()).or_default();
                if !ids.contains(&row.id) {
                    ids.push(row.id);
                }
            }
        };
        unique.iter().for_each(|name| add(name, true));
        title.iter().for_each(|name| add(name, false));
    }
    Ok(Some(directory))
}
