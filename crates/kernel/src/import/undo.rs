//! Taking an import back: what it made goes where nobody has touched it since, what it changed becomes what it was. What
//! cannot be taken back is told, with the reason.

use std::sync::Arc;

use serde_json::{Map, Value as J, json};
use store::Value;

use super::{
    entity::{Import, ImportState},
    run::{claim, told},
};
use crate::{
    access::Principal,
    cx::Cx,
    engine::Kernel,
    error::{Error, Result},
    field::Json,
    rec::Rec,
    value::{AnyRef, Id},
};

/// Rows of a piece.
const PIECE: i64 = 50;
/// Records that could not be taken back, as far as they are named.
const TOLD: usize = 100;

/// A row of what was written: its own id, the operation under which it was, the line, the record, its revision, whether it was there before.
struct Wrote {
    id: i64,
    operation: i64,
    line: i64,
    record: i64,
    rev: i64,
    changed: bool,
}

impl Kernel {
    pub(super) fn undo_import(
        &self,
        who: &Arc<Principal>,
        id: Id<Import>,
        runner: &str,
        watch: &mut dyn FnMut(&J) -> bool,
    ) -> Result<()> {
        loop {
            let (import, more) =
                self.work_on(who, "sys.import.undo", Some(AnyRef::new("sys.import", id.raw())), |cx| {
                    piece(cx, id, runner)
                })?;
            if !watch(&told(&import)) || !more {
                return Ok(());
            }
        }
    }
}

fn piece(cx: &mut Cx<'_>, id: Id<Import>, runner: &str) -> Result<(Rec<Import>, bool)> {
    let mut import = claim(cx, id, runner, false)?;
    if import.state != ImportState::Undoing {
        return Ok((import, false));
    }
    // The last ones first: what was written later may refer to what was written earlier.
    let text = "SELECT id, op, line, record, rev, changed FROM sys_import_row WHERE import = ? AND id < ? ORDER BY id DESC LIMIT ?";
    let from = import.undo_at.unwrap_or(i64::MAX);
    let params = [Value::Int(id.raw()), Value::Int(from), Value::Int(PIECE)];
    let int = |row: &[Value], at: usize| row.get(at).and_then(Value::as_int).unwrap_or(0);
    let rows: Vec<Wrote> = cx
        .conn()
        .rows(text, &params)?
        .iter()
        .map(|row| Wrote {
            id: int(row, 0),
            operation: int(row, 1),
            line: int(row, 2),
            record: int(row, 3),
            rev: int(row, 4),
            changed: int(row, 5) != 0,
        })
        .collect();
    let entity = import.entity.clone();
    let mut kept = Vec::new();
    for row in &rows {
        let done = cx.savepoint(|cx| {
            if row.changed {
                restore(cx, &entity, row)?
            } else {
                take_away(cx, &entity, row)?
            }
            cx.settle_events()
        });
        match done {
            Ok(()) => import.undone += 1,
            Err(error) if error.status >= 500 => return Err(error),
            // Somebody else has taken it away: that is what was wanted.
            Err(error) if error.status == 404 && !row.changed => import.undone += 1,
            Err(error) => {
                import.kept += 1;
                let message = cx.schema().error_message(cx.who().language, &error);
                kept.push(json!({"line": row.line, "record": row.record, "code": error.code, "message": message}));
            }
        }
        import.undo_at = Some(row.id);
    }
    if !kept.is_empty() {
        let mut report = import.report.take().map_or_else(|| json!({}), |r| r.0);
        let mut list = report["kept"].as_array().cloned().unwrap_or_default();
        list.extend(kept);
        list.truncate(TOLD);
        report["kept"] = J::Array(list);
        import.report = Some(Json(report));
    }
    let more = rows.len() as i64 == PIECE;
    if !more {
        import.state = ImportState::Undone;
        import.ended = Some(cx.now());
    }
    cx.save(&mut import)?;
    Ok((import, more))
}

/// Deletes a record that nobody has touched since; archives it where something refers to it.
fn take_away(cx: &mut Cx<'_>, entity: &str, row: &Wrote) -> Result<()> {
    let plan = cx.schema().plan(entity)?.clone();
    let stored = cx.held_row(&plan, row.record)?;
    if stored.archived && stored.rev == row.rev + 1 {
        return Ok(());
    }
    if stored.rev != row.rev || lines_changed(cx, &plan, row)? {
        return Err(Error::refused("import_changed"));
    }
    cx.remove(entity, row.record, None).map(|_| ())
}

/// Whether lines were changed, added or taken away since.
fn lines_changed(cx: &mut Cx<'_>, plan: &crate::plan::Plan, row: &Wrote) -> Result<bool> {
    for lines in plan.def.lines {
        for line in cx.rows_by(lines.entity, &[(lines.by, Value::Int(row.record))])? {
            let told = [("entity", Value::from(lines.entity)), ("record", Value::Int(line.id))];
            if line.rev != 1 || !cx.rows_by("sys.audit", &told)?.is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Puts back what the audit tells that the import changed, where it still stands so.
fn restore(cx: &mut Cx<'_>, entity: &str, row: &Wrote) -> Result<()> {
    let plan = cx.schema().plan(entity)?.clone();
    let stored = cx.held_row(&plan, row.record)?;
    if stored.rev != row.rev {
        return Err(Error::refused("import_changed"));
    }
    let audit = cx.schema().plan("sys.audit")?.clone();
    let wanted =
        [("entity", Value::from(entity)), ("record", Value::Int(row.record)), ("operation", Value::Int(row.operation))];
    let mut body = Map::new();
    for told in cx.rows_by("sys.audit", &wanted)? {
        let Some(text) = audit.cell("changes", &told.cells).as_text() else { continue };
        let Ok(J::Object(changes)) = serde_json::from_str::<J>(text) else { continue };
        for (field, pair) in changes {
            let open = plan.field(&field).is_some_and(|f| !f.by_operation && !f.read_only)
                || plan.def.many.iter().any(|m| m.name == field);
            if open && !body.contains_key(&field) {
                body.insert(field, pair.get(0).cloned().unwrap_or(J::Null));
            }
        }
    }
    cx.change(entity, row.record, Some(row.rev), &J::Object(body)).map(|_| ())
}
