//! A file before anything of it is written: opened, read in chunks, and every record tried against the rules.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value as J, json};
use sheet::{Cell, Kind as FileKind, Limits};
use store::Value;

use super::{
    coerce::Reading,
    mapping::{Mapping, Options},
    record::{Assembler, Fault, Record, Step, Tally},
    report::{self, Problems},
    resolve::Resolver,
};
use crate::{
    access::{Principal, Right},
    cx::{Cx, Mode},
    error::{Arg, Error, FieldError, Result},
    field::Kind,
    generic::settings,
    plan::Plan,
    rec::Row,
    schema::Schema,
};

/// Records that are shown as they would be written.
const SAMPLES: usize = 5;

/// Why a file cannot be read, as an error of ours.
pub(crate) fn unreadable(error: &sheet::Error) -> Error {
    use sheet::Error as E;
    let line = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    match error {
        E::TooLarge { max } => Error::new(413, "too_large").with("max", (max >> 20) as i64),
        E::TooManyRows { max } => Error::new(422, "import_rows").with("max", line(*max)),
        E::TooManyColumns { line: at, max } => {
            Error::new(422, "import_columns").with("line", line(*at)).with("max", *max)
        }
        E::CellTooLong { line: at, column, max } => {
            Error::new(422, "import_cell").with("line", line(*at)).with("column", *column).with("max", *max)
        }
        E::OpenQuote { line: at } => Error::new(422, "import_quote").with("line", line(*at)),
        E::NoSheet { sheets } => Error::new(422, "import_no_sheet").with("sheets", sheets.join(", ")),
        E::Unknown => Error::new(422, "import_unknown"),
        E::Broken(why) => Error::new(422, "import_broken").with("detail", why.as_str()),
    }
}

/// A file that is opened: its head was read, and where its columns go is known.
pub(crate) struct Source<'a> {
    pub schema: Arc<Schema>,
    pub who: Arc<Principal>,
    pub plan: Arc<Plan>,
    pub mapping: Mapping,
    pub kind: FileKind,
    options: Options,
    content: &'a [u8],
}

impl<'a> Source<'a> {
    pub fn open(
        schema: &Arc<Schema>,
        who: &Arc<Principal>,
        entity: &str,
        options: &J,
        content: &'a [u8],
    ) -> Result<Self> {
        let options = Options::parse(options)?;
        let plan = schema.plan(entity)?.clone();
        let mut head: Option<Vec<Cell>> = None;
        let kind = sheet::read(content, options.sheet.as_deref(), Limits::default(), &mut |_, row| {
            head = Some(row.to_vec());
            false
        });
        let kind = kind.map_err(|error| unreadable(&error))?;
        let head = head.ok_or_else(|| Error::new(422, "import_empty"))?;
        let mapping = Mapping::of(schema, who, &plan, &head, &options)?;
        Ok(Self { schema: schema.clone(), who: who.clone(), plan, mapping, kind, options, content })
    }

    /// Hands the records over in chunks, until `take` wants no more; what was coerced, and how many rows there were.
    pub fn chunks(
        &self,
        size: &dyn Fn() -> usize,
        take: &mut dyn FnMut(Vec<Record>) -> Result<bool>,
    ) -> Result<(Tally, u64)> {
        let english = self.who.language == lang::Language::En;
        let comma_groups = self.options.comma_groups.unwrap_or(english);
        let reading = Reading { schema: &self.schema, company: &self.who.company, comma_groups };
        let mut assembler = Assembler::new(&self.schema, &self.plan, &self.mapping, reading);
        let (mut chunk, mut rows, mut failed) = (Vec::new(), 0_u64, None);
        let read = sheet::read(self.content, self.options.sheet.as_deref(), Limits::default(), &mut |line, cells| {
            rows += 1;
            if rows == 1 {
                return true;
            }
            chunk.extend(assembler.row(line, cells));
            if chunk.len() < size() {
                return true;
            }
            match take(std::mem::take(&mut chunk)) {
                Ok(more) => {
                    if !more {
                        failed = Some(Ok(()));
                    }
                    more
                }
                Err(error) => {
                    failed = Some(Err(error));
                    false
                }
            }
        });
        read.map_err(|error| unreadable(&error))?;
        match failed {
            Some(Err(error)) => return Err(error),
            Some(Ok(())) => {}
            None => {
                chunk.extend(assembler.end());
                if !chunk.is_empty() {
                    take(chunk)?;
                }
            }
        }
        Ok((assembler.tally, rows.saturating_sub(1)))
    }
}

/// The record that a key leads to.
pub(crate) fn existing(
    cx: &mut Cx<'_>,
    plan: &Plan,
    mapping: &Mapping,
    record: &Record,
) -> Result<std::result::Result<Option<i64>, FieldError>> {
    let fault = |field: &str, code: &'static str, args| FieldError { field: field.to_owned(), code: code.into(), args };
    if mapping.by_id {
        let Some(id) = record.id else { return Ok(Ok(None)) };
        return match cx.row_of(plan, id) {
            Ok(_) if cx.within(plan, id, Right::Read)? => Ok(Ok(Some(id))),
            Err(error) if error.status != 404 => Err(error),
            _ => Ok(Err(fault("id", "no_record", vec![("id", Arg::Int(id))]))),
        };
    }
    if mapping.key.is_empty() {
        return Ok(Ok(None));
    }
    let mut wanted = Vec::new();
    {
        let schema = cx.schema().clone();
        let known = |entity: &str| schema.plans.contains_key(entity);
        let codec = settings(cx, &known);
        for index in &mapping.key {
            let field = &plan.fields[*index];
            let mut cells = Vec::new();
            let value = record.body.get(field.name).unwrap_or(&J::Null);
            match codec.decode(field, value, &mut cells) {
                Ok(()) if cells.first().is_some_and(|c| !c.is_null()) => wanted.push((field.name, cells.remove(0))),
                _ => return Ok(Err(fault(field.name, "import_key", Vec::new()))),
            }
        }
    }
    let mut found = Vec::new();
    for row in cx.rows_by(plan.def.name, &wanted)? {
        if cx.within(plan, row.id, Right::Read)? {
            found.push(row.id);
        }
    }
    Ok(match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        many => {
            let names: Vec<String> = many.iter().take(4).map(|id| format!("#{id}")).collect();
            let args = vec![("candidates", Arg::Text(names.join(", ")))];
            Err(fault(wanted.first().map_or("", |(name, _)| name), "import_key_many", args))
        }
    })
}

/// Tries records, and remembers what is told about them.
pub(crate) struct Checker {
    pub resolver: Resolver,
    pub problems: Problems,
    pub remarks: Problems,
    pub records: u64,
    pub creates: u64,
    pub changes: u64,
    pub samples: Vec<J>,
    uniques: Vec<Vec<usize>>,
    seen: HashMap<(usize, Vec<Value>), u64>,
    keys: HashMap<Vec<String>, u64>,
}

impl Checker {
    pub fn new(plan: &Plan) -> Self {
        let mut uniques: Vec<Vec<usize>> =
            (0..plan.fields.len()).filter(|i| plan.fields[*i].unique).map(|i| vec![i]).collect();
        for set in plan.def.uniques {
            uniques.extend(set.iter().map(|name| plan.index(name)).collect::<Option<Vec<_>>>());
        }
        Self {
            resolver: Resolver::new(plan.def.name),
            problems: Problems::default(),
            remarks: Problems::default(),
            records: 0,
            creates: 0,
            changes: 0,
            samples: Vec::new(),
            uniques,
            seen: HashMap::new(),
            keys: HashMap::new(),
        }
    }

    /// Tries a chunk on a snapshot.
    pub fn chunk(&mut self, cx: &mut Cx<'_>, source: &Source<'_>, records: Vec<Record>) -> Result<()> {
        // Rules know that nothing is written.
        let mode = std::mem::replace(&mut cx.mode, Mode::Draft);
        let done = records.into_iter().try_for_each(|record| self.one(cx, source, record));
        cx.mode = mode;
        done
    }

    fn one(&mut self, cx: &mut Cx<'_>, source: &Source<'_>, mut record: Record) -> Result<()> {
        let (plan, mapping) = (&source.plan, &source.mapping);
        self.records += 1;
        let line = record.line;
        self.resolver.record(cx, &mut record)?;
        if self.samples.len() < SAMPLES {
            self.samples.push(json!({"line": line, "record": record.body}));
        }
        let faulty = !record.faults.is_empty();
        record.faults.drain(..).for_each(|fault| self.problems.add(fault));
        let lines = record.lines.clone();
        let at_line =
            move |path: &str| match path.split_once('.').and_then(|(_, rest)| rest.split('.').next()?.parse().ok()) {
                Some(n) => lines.get::<usize>(n).map_or(line, |(_, line)| *line),
                None => line,
            };
        let fault = |error: FieldError| {
            let value = super::value_of(&record.body, &error.field);
            Fault { line: at_line(&error.field), column: None, error, value }
        };
        let old = match existing(cx, plan, mapping, &record)? {
            Ok(old) => old,
            Err(error) => {
                if !faulty {
                    self.problems.add(fault(error));
                }
                return Ok(());
            }
        };
        if old.is_some() {
            self.changes += 1
        } else {
            self.creates += 1
        }
        if !mapping.key.is_empty() || mapping.by_id {
            let key: Vec<String> = match record.id {
                Some(id) => vec![id.to_string()],
                None if mapping.by_id => Vec::new(),
                None => mapping.key.iter().map(|i| record.body[plan.fields[*i].name].to_string()).collect(),
            };
            if !key.is_empty()
                && let Some(first) = self.keys.insert(key, line)
            {
                let field = mapping.key.first().map_or("id", |i| plan.fields[*i].name);
                self.problems.add(fault(twice("import_key_twice", field, first)));
                return Ok(());
            }
        }
        if old.is_some() && !record.lines.is_empty() {
            let set = plan.def.lines[record.lines[0].0].name;
            let error = FieldError { field: set.to_owned(), code: "import_lines_existing".into(), args: Vec::new() };
            self.problems.add(fault(error));
            return Ok(());
        }
        if faulty {
            return Ok(());
        }
        let row = match old {
            Some(id) => match cx.writable_row(plan, id, Right::Write) {
                Ok(row) => Some(row),
                Err(error) if error.status >= 500 => return Err(error),
                Err(error) => {
                    self.problems.add(fault(as_field(&error)));
                    return Ok(());
                }
            },
            None => None,
        };
        let tried = cx.would_store(plan, row.as_ref(), &J::Object(record.body.clone()));
        for note in std::mem::take(&mut cx.collected.notes) {
            let field = note.field.clone().unwrap_or_default();
            let code = format!("note:{}", note.key).into();
            self.remarks.add(fault(FieldError { field, code, args: note.args }));
        }
        match tried {
            Ok(cells) => {
                self.unique(cx, plan, row.as_ref(), &cells, &fault)?;
                for (i, field) in plan.fields.iter().enumerate() {
                    let named = field.unique || field.name == plan.def.title;
                    if named && let Some(Value::Text(text)) = plan.cells_of(i, &cells).first() {
                        self.resolver.called.insert(text.clone());
                    }
                }
            }
            Err(error) if error.status >= 500 => return Err(error),
            Err(error) if error.errors.is_empty() => self.problems.add(fault(as_field(&error))),
            Err(error) => {
                let waits = |field: &str| {
                    record.wanted.iter().any(|w| matches!(w.place.as_slice(), [Step::Key(key)] if *key == field))
                };
                for error in &error.errors {
                    if !(error.code == "required" && waits(&error.field)) {
                        self.problems.add(fault(error.clone()));
                    }
                }
            }
        }
        Ok(())
    }

    /// What must stand once stands twice in the file, or stands in another record already.
    fn unique(
        &mut self,
        cx: &mut Cx<'_>,
        plan: &Plan,
        old: Option<&Row>,
        cells: &[Value],
        fault: &dyn Fn(FieldError) -> Fault,
    ) -> Result<()> {
        for at in 0..self.uniques.len() {
            let set = self.uniques[at].clone();
            let values: Vec<Value> = set.iter().flat_map(|i| plan.cells_of(*i, cells).to_vec()).collect();
            if values.iter().any(Value::is_null) || set.iter().any(|i| plan.fields[*i].by_operation) {
                continue;
            }
            let field = plan.fields[*set.last().unwrap_or(&0)].name;
            let here = fault(FieldError { field: field.to_owned(), code: "not_unique".into(), args: Vec::new() });
            if let Some(first) = self.seen.insert((at, values.clone()), here.line) {
                self.problems.add(fault(twice("import_unique", field, first)));
                continue;
            }
            let plain = set.iter().all(|i| plan.fields[*i].cells() == 1);
            if !plain {
                continue;
            }
            let wanted: Vec<(&str, Value)> = set.iter().map(|i| plan.fields[*i].name).zip(values).collect();
            let taken = cx.rows_by(plan.def.name, &wanted)?;
            if taken.iter().any(|row| old.is_none_or(|old| old.id != row.id)) {
                self.problems.add(here);
            }
        }
        Ok(())
    }

    /// Everything that is told about the file.
    pub fn report(&self, source: &Source<'_>, tally: &Tally, rows: u64) -> J {
        let (schema, language, plan) = (&source.schema, source.who.language, &source.plan);
        let mapping = &source.mapping;
        json!({
            "entity": plan.def.name,
            "file": told_kind(&source.kind),
            "rows": rows,
            "records": self.records,
            "creates": self.creates,
            "changes": self.changes,
            "columns": report::columns(schema, language, plan, mapping),
            "coercions": report::coercions(schema, language, plan, mapping, tally),
            "errors": self.problems.count,
            "problems": self.problems.json(schema, language, plan, mapping),
            "remarks": self.remarks.json(schema, language, plan, mapping),
            "sample": self.samples,
        })
    }
}

fn twice(code: &'static str, field: &str, first: u64) -> FieldError {
    let args = vec![("line", Arg::Int(i64::try_from(first).unwrap_or(0)))];
    FieldError { field: field.to_owned(), code: code.into(), args }
}

/// An error without a field as one of the record.
pub(crate) fn as_field(error: &Error) -> FieldError {
    match error.errors.first() {
        Some(first) => first.clone(),
        None => FieldError { field: String::new(), code: error.code.clone(), args: error.args.clone() },
    }
}

/// What the file turned out to be; a code page that had to be guessed is told.
fn told_kind(kind: &FileKind) -> J {
    match kind {
        FileKind::Csv { delimiter, encoding } => {
            json!({"kind": "csv", "delimiter": delimiter.to_string(), "encoding": encoding.name()})
        }
        FileKind::Xlsx { sheet, sheets } => json!({"kind": "xlsx", "sheet": sheet, "sheets": sheets}),
    }
}

/// Whether an entity can be imported at all by who asks.
pub(crate) fn may_import(cx: &Cx<'_>, entity: &str) -> Result<()> {
    let plan = cx.schema().plan(entity)?.clone();
    cx.generic_right(&plan.def, Right::Write)?;
    let open =
        plan.fields.iter().any(|f| !f.by_operation && !f.read_only && !matches!(f.kind, Kind::File | Kind::List(_)));
    if open { Ok(()) } else { Err(Error::new(403, "by_operation_only").with("entity", entity)) }
}
