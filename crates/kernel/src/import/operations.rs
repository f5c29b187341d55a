//! Imports over the interface: a file that was brought is previewed, started, watched, stopped and taken back.

use serde_json::{Value as J, json};

use super::{
    check::{Checker, Source, may_import},
    entity::{Import, ImportState},
    run::{begin, told},
};
use crate::{
    Fields, Operation,
    access::Right,
    cx::Cx,
    def::Run,
    error::{Error, Result},
    field::{FileId, Json},
    filter::Filter,
    query::Query,
    value::Id,
};

/// Records that a preview tries.
const PREVIEWED: u64 = 1_000;

/// What becomes of a file: where its columns go, what is coerced, what is wrong, for its first thousand records. Nothing is
/// written.
#[derive(Operation)]
#[operation(name = "sys.import.preview", allow = "*", read)]
pub struct Preview {
    /// The file, as it was brought.
    pub file: FileId,
    /// What its rows are to become.
    #[field(max = 80)]
    pub entity: String,
    /// `columns` (header to field), `constants`, `defaults`, `key`, `sheet`, `empty` (`keep` or `clear`), `decimal`.
    pub options: Option<Json>,
}

/// What is told.
#[derive(Fields)]
pub struct Told {
    /// It, with `columns`, `coercions`, `problems`, `remarks`.
    pub import: Json,
}

fn content(cx: &mut Cx<'_>, file: FileId) -> Result<(String, String, Vec<u8>)> {
    let file = cx.get(Id::<crate::sys::File>::new(file.0))?;
    let content = cx.files().get(&file.hash)?;
    Ok((file.name.clone(), file.hash.clone(), content))
}

fn given(options: &Option<Json>) -> J {
    options.as_ref().map_or_else(|| json!({}), |options| options.0.clone())
}

impl Run for Preview {
    type Output = Told;
    fn run(self, cx: &mut Cx<'_>) -> Result<Told> {
        may_import(cx, &self.entity)?;
        let (_, _, content) = content(cx, self.file)?;
        let (schema, who) = (cx.schema().clone(), cx.who.clone());
        let source = Source::open(&schema, &who, &self.entity, &given(&self.options), &content)?;
        let mut checker = Checker::new(&source.plan);
        let (tally, rows) = source.chunks(&|| 200, &mut |records| {
            checker.chunk(cx, &source, records)?;
            Ok(checker.records < PREVIEWED)
        })?;
        let mut report = checker.report(&source, &tally, rows);
        report["whole"] = J::from(checker.records < PREVIEWED);
        report["fields"] = open_fields(&source);
        Ok(Told { import: Json(report) })
    }
}

/// Where columns may go, for whoever chooses.
fn open_fields(source: &Source<'_>) -> J {
    let (plan, schema, who) = (&source.plan, &source.schema, &source.who);
    let mut paths: Vec<String> = Vec::new();
    let open = |plan: &crate::plan::Plan| -> Vec<String> {
        let fields = plan.fields.iter().filter(|f| !f.by_operation && !f.read_only && who.may_see(f));
        fields
            .flat_map(|f| {
                let second = Some(format!("{}{}", f.name, f.kind.suffix())).filter(|_| !f.kind.suffix().is_empty());
                std::iter::once(f.name.to_owned()).chain(second)
            })
            .collect()
    };
    paths.extend(open(plan));
    paths.extend(plan.def.many.iter().map(|m| m.name.to_owned()));
    for lines in plan.def.lines {
        if let Ok(other) = schema.plan(lines.entity) {
            let inner = open(other).into_iter().filter(|name| name != lines.by);
            paths.extend(inner.map(|name| format!("{}.{name}", lines.name)));
        }
    }
    let told = |path: String| {
        let label = super::report::label(schema, who.language, plan, &path);
        json!({"field": path, "label": label})
    };
    J::Array(paths.into_iter().map(told).collect())
}

/// Brings a file in: checks all of it, then writes it in the background. The same file goes on where it was stopped.
#[derive(Operation)]
#[operation(
    name = "sys.import.start",
    allow = "*",
    no_inverse = "Its inverse is an operation on the import: take back."
)]
pub struct Start {
    /// The file, as it was brought.
    pub file: FileId,
    /// What its rows are to become.
    #[field(max = 80)]
    pub entity: String,
    /// As in the preview.
    pub options: Option<Json>,
    /// Once more, although it was brought in already.
    pub again: Option<bool>,
}

/// An import that was begun.
#[derive(Fields)]
pub struct Begun {
    /// The import.
    pub import: Id<Import>,
}

impl Run for Start {
    type Output = Begun;
    fn run(self, cx: &mut Cx<'_>) -> Result<Begun> {
        may_import(cx, &self.entity)?;
        let (name, digest, content) = content(cx, self.file)?;
        let (schema, who) = (cx.schema().clone(), cx.who.clone());
        // What makes no sense is told now, not later.
        Source::open(&schema, &who, &self.entity, &given(&self.options), &content)?;
        let again = self.again.unwrap_or(false);
        let import = begin(cx, self.file, &name, &digest, &self.entity, &given(&self.options), again)?;
        Ok(Begun { import })
    }
}

/// Whose import it is, or an administrator: for everybody else it does not exist.
fn own(cx: &Cx<'_>, import: &Import, id: Id<Import>) -> Result<()> {
    let mine = cx.who().user != 0 && import.by == Some(cx.who().user);
    if mine || cx.who().is_admin() { Ok(()) } else { Err(Error::not_found("sys.import", id)) }
}

/// How an import stands.
#[derive(Operation)]
#[operation(name = "sys.import.show", allow = "*", read)]
pub struct Show {
    /// The import.
    pub import: i64,
}

impl Run for Show {
    type Output = Told;
    fn run(self, cx: &mut Cx<'_>) -> Result<Told> {
        let id = Id::<Import>::new(self.import);
        let import = cx.get(id)?;
        own(cx, &import, id)?;
        Ok(Told { import: Json(told(&import)) })
    }
}

/// One's own imports, the newest first.
#[derive(Operation)]
#[operation(name = "sys.import.mine", allow = "*", read)]
pub struct MineImports {
    /// Only of this entity.
    #[field(max = 80)]
    pub entity: Option<String>,
}

/// Imports.
#[derive(Fields)]
pub struct Imports {
    /// They, without their reports.
    pub imports: Json,
}

impl Run for MineImports {
    type Output = Imports;
    fn run(self, cx: &mut Cx<'_>) -> Result<Imports> {
        let mut filter = Filter::eq("by", cx.who().user);
        if cx.who().user == 0 {
            filter = Filter::empty("by");
        }
        if let Some(entity) = &self.entity {
            filter = filter.and(Filter::eq("entity", entity.as_str()));
        }
        let query =
            Query { filter: Some(filter), sort: vec![("id".to_owned(), true)], limit: 50, ..Query::of("sys.import") };
        let mut all = Vec::new();
        for row in cx.select(&query, false)?.0 {
            let mut one = told(&crate::rec::Rec::<Import>::from_row(row)?);
            one["report"] = J::Null;
            all.push(one);
        }
        Ok(Imports { imports: Json(J::Array(all)) })
    }
}

/// Stops an import; what is written stays. Starting the same file again goes on.
#[derive(Operation)]
#[operation(name = "sys.import.stop", on = Import, target = import, allow = "*", button = 2,
    when = [ImportState::Checking, ImportState::Running], no_inverse = "Start it again with the same file.")]
pub struct Stop {
    /// The import.
    pub import: Id<Import>,
}

impl Run for Stop {
    type Output = ();
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        let import = cx.get(self.import)?;
        own(cx, &import, self.import)
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut import = cx.hold(self.import)?;
        import.state = ImportState::Stopped;
        import.ended = Some(cx.now());
        cx.save(&mut import)
    }
}

/// Takes an import back: deletes what it made where nobody has changed it since, puts back what it changed, and tells what
/// cannot be taken back.
#[derive(Operation)]
#[operation(name = "sys.import.undo", on = Import, target = import, allow = "*", button = 2, dangerous,
    when = [ImportState::Done, ImportState::Stopped], no_inverse = "Bring the file in again.")]
pub struct Undo {
    /// The import.
    pub import: Id<Import>,
}

impl Run for Undo {
    type Output = ();
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        let import = cx.get(self.import)?;
        own(cx, &import, self.import)?;
        let plan = cx.schema().plan(&import.entity)?.clone();
        cx.generic_right(&plan.def, Right::Delete)
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut import = cx.hold(self.import)?;
        import.state = ImportState::Undoing;
        (import.undo_at, import.ended, import.undone, import.kept) = (None, None, 0, 0);
        cx.save(&mut import)
    }
}
