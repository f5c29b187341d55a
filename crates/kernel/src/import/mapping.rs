//! Which column goes where: as somebody says it, or guessed from the head.

use std::collections::HashMap;

use serde_json::Value as J;
use sheet::Cell;

use crate::{
    access::Principal,
    error::{Arg, Error, FieldError, Result},
    field::{FieldDef, Kind},
    plan::Plan,
    schema::Schema,
};

/// Where a column goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The identifier: only to find what is there.
    Id,
    /// A field; a reference is found by this field of the other record where one is named.
    Field { index: usize, by: Option<&'static str> },
    /// The currency of an amount, or the entity of a reference to any record.
    Second { index: usize },
    /// Records of a many-to-many relation, by their numbers or names, separated by `;` or `,`.
    Many { at: usize },
    /// A field of an owned line.
    Line { set: usize, inner: Box<Target> },
}

/// How a column found its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Somebody said so.
    Said,
    /// By the name or the label in the head.
    Head,
    /// Nothing is known by that name: the column is left out.
    Unknown,
    /// What it would go to is written by operations, or given by Celek: the column is left out.
    Kept,
    /// It was said to be left out.
    Left,
}

impl Found {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Said => "said",
            Self::Head => "head",
            Self::Unknown => "unknown",
            Self::Kept => "kept",
            Self::Left => "left",
        }
    }
}

/// A column of the file.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub header: String,
    pub path: String,
    pub target: Option<Target>,
    pub found: Found,
}

/// What an import was told beside the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub columns: Vec<(String, Option<String>)>,
    pub constants: Vec<(String, J)>,
    pub defaults: Vec<(String, J)>,
    pub key: Vec<String>,
    pub clear: bool,
    pub sheet: Option<String>,
    pub comma_groups: Option<bool>,
}

fn strings(json: &J, field: &str) -> Result<Vec<String>> {
    match json {
        J::Null => Ok(Vec::new()),
        J::String(text) => Ok(text.split(',').map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect()),
        J::Array(items) if items.len() <= 20 => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| Error::field(field, "text")))
            .collect(),
        _ => Err(Error::field(field, "list")),
    }
}

impl Options {
    /// Reads them from JSON; what is not known is refused.
    pub fn parse(json: &J) -> Result<Self> {
        let mut options = Self::default();
        let map = match json {
            J::Null => return Ok(options),
            J::Object(map) => map,
            _ => return Err(Error::field("options", "object")),
        };
        for (name, value) in map {
            let text = || value.as_str().ok_or_else(|| Error::field(format!("options.{name}"), "text"));
            match name.as_str() {
                "columns" | "constants" | "defaults" => {
                    let J::Object(inner) = value else { return Err(Error::field(format!("options.{name}"), "object")) };
                    for (key, value) in inner {
                        match (name.as_str(), value) {
                            ("columns", J::Null) => options.columns.push((key.clone(), None)),
                            ("columns", J::String(path)) => {
                                let path = Some(path.trim().to_owned()).filter(|p| !p.is_empty() && p != "-");
                                options.columns.push((key.clone(), path));
                            }
                            ("columns", _) => return Err(Error::field(format!("options.columns.{key}"), "text")),
                            ("constants", value) => options.constants.push((key.clone(), value.clone())),
                            (_, value) => options.defaults.push((key.clone(), value.clone())),
                        }
                    }
                }
                "key" => options.key = strings(value, "options.key")?,
                "sheet" => options.sheet = Some(text()?.to_owned()).filter(|t| !t.is_empty()),
                "empty" => {
                    options.clear = match text()? {
                        "clear" => true,
                        "keep" => false,
                        _ => return Err(Error::field("options.empty", "choice")),
                    };
                }
                "decimal" => {
                    options.comma_groups = Some(match text()? {
                        "." => true,
                        "," => false,
                        _ => return Err(Error::field("options.decimal", "choice")),
                    });
                }
                _ => {
                    let name: String = name.chars().take(40).collect();
                    return Err(Error::field(format!("options.{name}"), "unknown_field"));
                }
            }
        }
        Ok(options)
    }
}

/// Where everything of a file goes.
pub(crate) struct Mapping {
    pub columns: Vec<Column>,
    /// What stands in every record; as if it were a column.
    pub constants: Vec<(Target, J)>,
    /// What stands where the cell is empty.
    pub defaults: Vec<(Target, J)>,
    /// How what is there is found: indices of fields; the identifier where it says so.
    pub key: Vec<usize>,
    pub by_id: bool,
    pub clear: bool,
    pub lines: bool,
}

/// A name made comparable: no case, no diacritics, one kind of mark between parts.
fn folded(text: &str) -> String {
    let text = lang::fold(text).replace([':', '/', '>', '→'], ".");
    text.split('.').map(str::trim).collect::<Vec<_>>().join(".")
}

fn refused(field: &FieldDef) -> bool {
    field.by_operation || field.read_only || matches!(field.kind, Kind::File | Kind::List(_))
}

struct Paths<'a> {
    schema: &'a Schema,
    who: &'a Principal,
    plan: &'a Plan,
}

impl Paths<'_> {
    /// Where a path of names leads.
    fn target(&self, plan: &Plan, path: &str, line: bool) -> Result<Target> {
        let no_field = || Error::bad("no_field").with("field", path.chars().take(80).collect::<String>());
        if path == "id" && !line {
            return Ok(Target::Id);
        }
        let visible = |index: &usize| self.who.may_see(&plan.fields[*index]);
        if let Some(index) = plan.index(path).filter(visible) {
            let field = &plan.fields[index];
            return if refused(field) {
                Err(Error::field(path, "by_operation"))
            } else {
                Ok(Target::Field { index, by: None })
            };
        }
        for (index, field) in plan.fields.iter().enumerate().filter(|(i, f)| !refused(f) && visible(i)) {
            let suffix = field.kind.suffix();
            if !suffix.is_empty() && path.strip_suffix(suffix) == Some(field.name) {
                return Ok(Target::Second { index });
            }
        }
        if !line && let Some(at) = plan.def.many.iter().position(|m| m.name == path) {
            return Ok(Target::Many { at });
        }
        let (first, rest) = path.split_once('.').ok_or_else(no_field)?;
        if !line && let Some(set) = plan.def.lines.iter().position(|l| l.name == first) {
            let other = self.schema.plan(plan.def.lines[set].entity)?;
            let inner = self.target(other, rest, true)?;
            if inner == Target::Id
                || matches!(&inner, Target::Field { index, .. } if other.fields[*index].name == plan.def.lines[set].by)
            {
                return Err(no_field());
            }
            return Ok(Target::Line { set, inner: Box::new(inner) });
        }
        let index = plan.index(first).filter(visible).ok_or_else(no_field)?;
        let field = &plan.fields[index];
        let Kind::Ref(to) = field.kind else { return Err(no_field()) };
        if refused(field) {
            return Err(Error::field(path, "by_operation"));
        }
        let other = self.schema.plan(to)?;
        let by = other.field(rest).filter(|f| self.who.may_see(f) && f.kind.is_text()).ok_or_else(no_field)?.name;
        Ok(Target::Field { index, by: Some(by) })
    }

    /// Every name under which something of a record is known, the surest first.
    fn names(&self) -> HashMap<String, String> {
        let mut names = HashMap::new();
        self.add(self.plan, &[String::new()], "", &mut names);
        for many in self.plan.def.many {
            for text in self.words("many", many.name) {
                names.entry(folded(&text)).or_insert_with(|| many.name.to_owned());
            }
        }
        for lines in self.plan.def.lines {
            let Ok(other) = self.schema.plan(lines.entity) else { continue };
            let mut before: Vec<String> = self.words("lines", lines.name);
            before.extend(lang::Language::ALL.map(|language| self.schema.entity_label(language, &other.def)));
            before.extend(lang::Language::ALL.map(|language| self.schema.entity_plural(language, &other.def)));
            let before: Vec<String> = before.into_iter().map(|text| format!("{text}.")).collect();
            self.add(other, &before, &format!("{}.", lines.name), &mut names);
        }
        names
    }

    /// What a group of lines or a relation is called.
    fn words(&self, group: &str, name: &str) -> Vec<String> {
        let mut words = vec![name.to_owned(), name.replace('_', " ")];
        let entity = self.plan.def.name;
        for key in [format!("{entity}.{group}.{name}"), format!("{entity}.fields.{name}"), format!("{group}.{name}")] {
            words.extend(
                lang::Language::ALL.iter().filter_map(|l| self.schema.catalogue.get(*l, &key)).map(str::to_owned),
            );
        }
        words
    }

    fn add(&self, plan: &Plan, before: &[String], under: &str, names: &mut HashMap<String, String>) {
        let seen: Vec<&FieldDef> = plan.fields.iter().filter(|f| self.who.may_see(f)).collect();
        let mut put = |text: &str, path: &str| {
            for before in before {
                names.entry(folded(&format!("{before}{text}"))).or_insert_with(|| format!("{under}{path}"));
            }
        };
        // By names first, so that no label takes the place of a name.
        for field in &seen {
            put(field.name, field.name);
            put(&field.name.replace('_', " "), field.name);
            if !field.kind.suffix().is_empty() {
                let second = format!("{}{}", field.name, field.kind.suffix());
                put(&second, &second);
            }
        }
        for field in &seen {
            for language in lang::Language::ALL {
                let label = self.schema.field_label(language, plan.def.name, field);
                put(&label, field.name);
                put(&format!("{label} ({})", field.name), field.name);
                if matches!(field.kind, Kind::Money) {
                    let second = format!("{}{}", field.name, field.kind.suffix());
                    let args = [("label", Arg::Text(label.clone()))];
                    put(&self.schema.message(language, "export.currency", &args), &second);
                }
                if let Kind::Ref(to) = field.kind
                    && let Ok(other) = self.schema.plan(to)
                {
                    for by in
                        other.fields.iter().filter(|f| self.who.may_see(f) && (f.unique || f.name == other.def.title))
                    {
                        let path = format!("{}.{}", field.name, by.name);
                        put(&path, &path);
                        put(&format!("{label}.{}", self.schema.field_label(language, to, by)), &path);
                    }
                }
            }
        }
    }
}

impl Mapping {
    /// Brings the head of a file and what was said about it together.
    pub fn of(schema: &Schema, who: &Principal, plan: &Plan, head: &[Cell], options: &Options) -> Result<Self> {
        let paths = Paths { schema, who, plan };
        let known = paths.names();
        let headers: Vec<String> =
            head.iter().map(|cell| cell.to_string().trim().chars().take(200).collect()).collect();
        let mut errors = Vec::new();
        let fault = |code: &'static str, header: &str| FieldError {
            field: "options.columns".to_owned(),
            code: code.into(),
            args: vec![("header", Arg::Text(header.to_owned()))],
        };
        for (header, _) in &options.columns {
            match headers.iter().filter(|h| folded(h) == folded(header)).count() {
                0 => errors.push(fault("import_no_header", header)),
                1 => {}
                _ => errors.push(fault("import_header_twice", header)),
            }
        }
        let mut columns = Vec::with_capacity(headers.len());
        for header in headers {
            let said = options.columns.iter().find(|(name, _)| folded(name) == folded(&header)).map(|(_, path)| path);
            let mut column = Column { path: String::new(), target: None, found: Found::Unknown, header };
            match said {
                Some(None) => column.found = Found::Left,
                Some(Some(path)) => match paths.target(plan, path, false) {
                    Ok(target) => {
                        (column.path, column.target, column.found) = (path.clone(), Some(target), Found::Said);
                    }
                    Err(error) => errors.push(FieldError {
                        field: format!("options.columns.{}", column.header),
                        code: error.errors.first().map_or_else(|| error.code.clone(), |e| e.code.clone()),
                        args: vec![("field", Arg::Text(path.clone()))],
                    }),
                },
                None if column.header.is_empty() => {}
                None => {
                    let name = folded(&column.header);
                    if name == "id" {
                        column.found = Found::Kept;
                        if options.key.iter().any(|key| key == "id") {
                            (column.target, column.found) = (Some(Target::Id), Found::Head);
                        }
                        column.path = "id".to_owned();
                    } else if let Some(path) = known.get(&name) {
                        column.path.clone_from(path);
                        match paths.target(plan, path, false) {
                            Ok(target) => (column.target, column.found) = (Some(target), Found::Head),
                            Err(_) => column.found = Found::Kept,
                        }
                    }
                }
            }
            columns.push(column);
        }
        titles(plan, &mut columns);
        for (i, column) in columns.iter().enumerate() {
            if column.target.is_some() && columns[..i].iter().any(|c| c.target == column.target) {
                errors.push(fault("import_header_twice", &column.header));
            }
        }
        let mut rest = |given: &[(String, J)], what: &str| {
            let mut out = Vec::new();
            for (path, value) in given {
                match paths.target(plan, path, false) {
                    Ok(target) => out.push((target, value.clone())),
                    Err(error) => errors.push(FieldError {
                        field: format!("options.{what}.{path}"),
                        code: error.errors.first().map_or_else(|| error.code.clone(), |e| e.code.clone()),
                        args: vec![("field", Arg::Text(path.clone()))],
                    }),
                }
            }
            out
        };
        let constants = rest(&options.constants, "constants");
        let defaults = rest(&options.defaults, "defaults");
        let (mut key, mut by_id) = (Vec::new(), false);
        for name in &options.key {
            let there = |target: &Target| columns.iter().any(|c| c.target.as_ref() == Some(target));
            if name == "id" {
                by_id = true;
                if !there(&Target::Id) {
                    errors.push(FieldError { field: "options.key".into(), ..fault("import_no_header", name) });
                }
                continue;
            }
            let index = plan.index(name).filter(|i| who.may_see(&plan.fields[*i]) && plan.fields[*i].cells() == 1);
            match index {
                Some(index)
                    if columns
                        .iter()
                        .any(|c| matches!(&c.target, Some(Target::Field { index: i, .. }) if *i == index))
                        || constants
                            .iter()
                            .any(|(t, _)| matches!(t, Target::Field { index: i, .. } if *i == index)) =>
                {
                    key.push(index);
                }
                Some(_) => errors.push(FieldError { field: "options.key".into(), ..fault("import_no_header", name) }),
                None => errors.push(FieldError {
                    field: "options.key".into(),
                    code: "no_field".into(),
                    args: vec![("field", Arg::Text(name.clone()))],
                }),
            }
        }
        if !errors.is_empty() {
            return Err(Error::fields(errors));
        }
        if columns.iter().all(|c| c.target.is_none() || c.target == Some(Target::Id)) {
            return Err(Error::refused("import_nothing"));
        }
        let is_line = |target: &Target| matches!(target, Target::Line { .. });
        let lines = columns.iter().filter_map(|c| c.target.as_ref()).any(is_line);
        Ok(Self { columns, constants, defaults, key, by_id, clear: options.clear, lines })
    }
}

/// An export has both the identifier of a reference and its title: in another company only the title says anything. Where
/// there is only the title, it is the reference.
fn titles(plan: &Plan, columns: &mut [Column]) {
    for (index, field) in plan.fields.iter().enumerate() {
        if !matches!(field.kind, Kind::Ref(_)) || refused(field) {
            continue;
        }
        let title = folded(&format!("{}_title", field.name));
        let Some(at) = columns.iter().position(|c| c.found == Found::Unknown && folded(&c.header) == title) else {
            continue;
        };
        let target = Target::Field { index, by: None };
        if let Some(other) = columns.iter_mut().find(|c| c.target.as_ref() == Some(&target)) {
            if other.found == Found::Said {
                continue;
            }
            (other.target, other.found) = (None, Found::Kept);
        }
        let column = &mut columns[at];
        (column.path, column.target, column.found) = (field.name.to_owned(), Some(target), Found::Head);
    }
}
