//! Lists as tables that leave the house: CSV for programs, XLSX for people. Page by page, so that neither the answer nor a
//! snapshot grows with the table; with the rights of who asks.

use std::sync::Arc;

use serde_json::Value as J;
use sheet::{Cell, CsvWriter, Format, XlsxWriter};

use crate::{
    access::Principal,
    engine::Kernel,
    error::{Arg, Error, Result},
    field::{FieldDef, Kind},
    present::Shape,
    query::Query,
    schema::Schema,
};

/// Rows of a page.
const PAGE: usize = 1_000;

/// What a list leaves the house as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For programs: columns by the names of fields, values as in JSON.
    Csv,
    /// For people: labels, choices and references in words, numbers and days as such.
    Xlsx,
}

impl Form {
    /// Ending of a file's name.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
    /// Media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

enum Writer {
    Csv(CsvWriter),
    Xlsx(Option<Box<XlsxWriter>>),
}

/// A list on its way out.
pub struct Export {
    who: Arc<Principal>,
    query: Query,
    shape: Shape,
    /// By their names, or paths of references.
    fields: Vec<(String, FieldDef)>,
    /// The identifier stands first.
    id: bool,
    writer: Writer,
    form: Form,
    more: bool,
}

impl Export {
    /// Begins an export of a query: of these fields, of all that who asks may see where none are named. What is wrong with
    /// the question shows here.
    ///
    /// # Errors
    /// As reading does; `no_field` for a field that is not there or not to be seen.
    pub fn begin(
        kernel: &Kernel,
        who: &Arc<Principal>,
        query: Query,
        shape: &Shape,
        fields: &[String],
        form: Form,
    ) -> Result<(Self, Vec<u8>)> {
        let schema = kernel.schema();
        let plan = schema.plan(&query.entity)?;
        let fields = if fields.is_empty() { &shape.columns } else { fields };
        let chosen: Vec<(String, FieldDef)> = if fields.is_empty() {
            let seen = plan.fields.iter().filter(|f| who.may_see(f));
            seen.map(|field| (field.name.to_owned(), *field)).collect()
        } else {
            let known: Vec<&String> = fields.iter().filter(|name| *name != "id").collect();
            kernel.read(who, |cx| {
                let found = known.iter().map(|name| {
                    // What may not be seen is not there.
                    let field = cx.column_field(&query.entity, name).map_err(|_| crate::condition::no_field(name))?;
                    Ok(((*name).clone(), field))
                });
                found.collect::<Result<_>>()
            })?
        };
        let id = fields.is_empty() || fields.iter().any(|name| name == "id");
        let shape = Shape {
            titles: shape.titles || form == Form::Xlsx,
            expand: if form == Form::Csv { shape.expand.clone() } else { Vec::new() },
            columns: if fields.is_empty() { Vec::new() } else { chosen.iter().map(|(path, _)| path.clone()).collect() },
            ..Shape::default()
        };
        // All that have the words are meant, not only the newest.
        let bounds = query.bounds.filter(|_| query.q.is_none());
        let mut export = Self {
            who: who.clone(),
            query: Query { limit: PAGE, bounds, ..query },
            shape,
            fields: chosen,
            id,
            writer: Writer::Csv(CsvWriter::default()),
            form,
            more: true,
        };
        if !export.query.group.is_empty() || !export.query.measures.is_empty() {
            let all = export.groups(kernel, &schema)?;
            export.more = false;
            return Ok((export, all));
        }
        export.head(&schema);
        let first = export.page(kernel)?;
        Ok((export, first))
    }

    /// The next bytes; nothing where all of it is told.
    ///
    /// # Errors
    /// As reading does; `too_many` where a sheet is full.
    pub fn next(&mut self, kernel: &Kernel) -> Result<Option<Vec<u8>>> {
        if self.more {
            return self.page(kernel).map(Some);
        }
        match &mut self.writer {
            Writer::Xlsx(book) => match book.take() {
                Some(book) => book.end().map(Some).ok_or_else(full),
                None => Ok(None),
            },
            Writer::Csv(_) => Ok(None),
        }
    }

    fn page(&mut self, kernel: &Kernel) -> Result<Vec<u8>> {
        let (query, shape) = (&self.query, &self.shape);
        let (rows, next) = kernel.read(&self.who, |cx| {
            let (rows, next) = cx.select(query, true)?;
            Ok((cx.present(&query.entity, &rows, shape)?, next))
        })?;
        let schema = kernel.schema();
        for record in &rows {
            let row = match self.form {
                Form::Csv => self.plain(record),
                Form::Xlsx => self.worded(&schema, record),
            };
            self.write(&row)?;
        }
        self.more = next.is_some();
        self.query.after = next;
        Ok(self.ready())
    }

    fn write(&mut self, row: &[Cell]) -> Result<()> {
        match &mut self.writer {
            Writer::Csv(csv) => csv.row(row),
            Writer::Xlsx(book) => {
                if !book.as_mut().is_some_and(|book| book.row(row)) {
                    return Err(full());
                }
            }
        }
        Ok(())
    }

    fn ready(&mut self) -> Vec<u8> {
        match &mut self.writer {
            Writer::Csv(csv) => csv.take().into_bytes(),
            Writer::Xlsx(Some(book)) => book.take(),
            Writer::Xlsx(None) => Vec::new(),
        }
    }

    fn head(&mut self, schema: &Schema) {
        match self.form {
            Form::Csv => {
                let mut names = if self.id { vec!["id".to_owned()] } else { Vec::new() };
                names.extend(self.fields.iter().flat_map(|(path, field)| names_of(path, field, self.shape.titles)));
                let mut csv = CsvWriter::default();
                csv.row(&names.into_iter().map(Cell::Number).collect::<Vec<_>>());
                self.writer = Writer::Csv(csv);
            }
            Form::Xlsx => {
                let columns = self.columns(schema);
                let def = schema.plans.get(self.query.entity.as_str()).map(|plan| plan.def);
                let name = def.map_or_else(String::new, |def| schema.entity_plural(self.who.language, &def));
                self.writer = Writer::Xlsx(Some(Box::new(XlsxWriter::new(&name, &columns))));
            }
        }
    }

    /// The columns of a sheet; labels that two fields share are told apart by the fields' names.
    fn columns(&self, schema: &Schema) -> Vec<(String, Format)> {
        let language = self.who.language;
        let label = |path: &str| schema.path_label(language, &self.query.entity, path);
        let mut columns = if self.id { vec![("id".to_owned(), Format::Plain)] } else { Vec::new() };
        for (path, field) in &self.fields {
            let mut name = label(path);
            if self.fields.iter().any(|(other, _)| other != path && label(other) == name) {
                name = format!("{name} ({path})");
            }
            let format = match field.kind {
                Kind::Int | Kind::Duration => Format::Whole,
                Kind::Dec(scale) if scale <= 4 => Format::Decimals(scale),
                Kind::Money => Format::Decimals(self.who.company.currency.exponent()),
                Kind::Date => Format::Date,
                Kind::Time => Format::Time,
                Kind::Timestamp => Format::Moment,
                _ => Format::Plain,
            };
            columns.push((name.clone(), format));
            if matches!(field.kind, Kind::Money) {
                let currency = schema.message(language, "export.currency", &[("label", Arg::Text(name))]);
                columns.push((currency, Format::Plain));
            }
        }
        columns
    }

    /// A record as programs read it.
    fn plain(&self, record: &J) -> Vec<Cell> {
        let mut row = if self.id { vec![told(&record["id"], false)] } else { Vec::new() };
        for (path, field) in &self.fields {
            let value = &record[path.as_str()];
            match field.kind {
                Kind::Money => row.extend([told(&value["amount"], false), told(&value["currency"], false)]),
                Kind::AnyRef => row.extend([told(&value["id"], false), told(&value["entity"], false)]),
                Kind::Ref(_) if value.is_object() => row.push(told(&value["_title"], true)),
                kind => row.push(told(value, typed(kind))),
            }
            if self.shape.titles && refers(field.kind) {
                row.push(told(&record["_titles"][path.as_str()], true));
            }
        }
        row
    }

    /// A record as people read it.
    fn worded(&self, schema: &Schema, record: &J) -> Vec<Cell> {
        let mut row = if self.id { vec![told(&record["id"], false)] } else { Vec::new() };
        let text = |text: &str| if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) };
        for (path, field) in &self.fields {
            let value = &record[path.as_str()];
            let words = value.as_str().unwrap_or("");
            row.push(match (field.kind, value) {
                (_, J::Null) => Cell::Empty,
                (Kind::Money, value) => told(&value["amount"], false),
                (Kind::Ref(_) | Kind::AnyRef, value) => match record["_titles"][path.as_str()].as_str() {
                    Some(title) => text(title),
                    None => told(value.get("id").unwrap_or(value), false),
                },
                (Kind::Choice(set), J::String(value)) => text(&schema.choice_label(self.who.language, set, value)),
                (Kind::Bool, J::Bool(value)) => Cell::Bool(*value),
                (Kind::Date, _) => words.parse().map_or_else(|_| text(words), Cell::Date),
                (Kind::Time, _) => words.parse().map_or_else(|_| text(words), Cell::Time),
                (Kind::Timestamp, _) => match words.parse::<jiff::Timestamp>() {
                    Ok(at) => Cell::Moment(at.to_zoned_datetime(self.who.company.time_zone.clone()).datetime()),
                    Err(_) => text(words),
                },
                (Kind::Dec(_), _) => Cell::Number(short(words)),
                (kind, value) => told(value, typed(kind)),
            });
            if matches!(field.kind, Kind::Money) {
                row.push(told(&value["currency"], true));
            }
        }
        row
    }

    fn groups(&mut self, kernel: &Kernel, schema: &Schema) -> Result<Vec<u8>> {
        let query = Query { limit: 0, ..self.query.clone() };
        let rows = kernel.read(&self.who, |cx| cx.group(&query, true))?;
        let names: Vec<String> =
            rows.first().and_then(J::as_object).into_iter().flatten().map(|(k, _)| k.clone()).collect();
        match self.form {
            Form::Csv => {
                let mut csv = CsvWriter::default();
                if !names.is_empty() {
                    csv.row(&names.iter().cloned().map(Cell::Number).collect::<Vec<_>>());
                }
                self.writer = Writer::Csv(csv);
            }
            Form::Xlsx => {
                let columns: Vec<_> = names.iter().map(|name| (name.clone(), Format::Plain)).collect();
                let def = schema.plan(&query.entity)?.def;
                let name = schema.entity_plural(self.who.language, &def);
                self.writer = Writer::Xlsx(Some(Box::new(XlsxWriter::new(&name, &columns))));
            }
        }
        for row in &rows {
            let cells: Vec<Cell> =
                row.as_object().into_iter().flatten().map(|(name, v)| told(v, query.group.contains(name))).collect();
            self.write(&cells)?;
        }
        Ok(self.ready())
    }
}

fn full() -> Error {
    Error::new(413, "too_many").with("max", 1_048_575_i64)
}

/// Texts that people typed.
fn typed(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::LongText | Kind::Email | Kind::Phone)
}

fn refers(kind: Kind) -> bool {
    matches!(kind, Kind::Ref(_) | Kind::AnyRef)
}

/// A decimal without zeros that say nothing.
fn short(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

/// A value of JSON as a cell; what people typed is told apart from what we wrote.
fn told(json: &J, typed: bool) -> Cell {
    match json {
        J::Null => Cell::Empty,
        J::String(text) if typed => Cell::Text(text.clone()),
        J::String(text) => Cell::Number(text.clone()),
        J::Bool(_) | J::Number(_) => Cell::Number(json.to_string()),
        other => Cell::Text(other.to_string()),
    }
}

/// The columns of a field for programs.
fn names_of(path: &str, field: &FieldDef, titles: bool) -> Vec<String> {
    let mut names = vec![path.to_owned()];
    match field.kind {
        Kind::Money => names.push(format!("{path}_currency")),
        Kind::AnyRef => names.push(format!("{path}_entity")),
        _ => {}
    }
    if titles && refers(field.kind) {
        names.push(format!("{path}_title"));
    }
    names
}
