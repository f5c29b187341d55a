//! Writing records: typed code and generic surfaces come together here, so that rules, checks, audit, derived columns and
//! search are the same for all of them.

use std::sync::Arc;

use serde_json::{Map, Value as J};
use store::Value;

use crate::{
    cx::Cx,
    def::Entity,
    error::{Error, FieldError, Result},
    eval::{RowView, holds},
    field::{FieldDef, Kind},
    hub::ChangeKind,
    json::encode,
    plan::{DerivedKind, Plan},
    rec::{Rec, Row},
    value::{AnyRef, Currency, Id},
};

/// What of a row changes: its fields, and the columns with their new values.
pub(crate) struct RowChange<'p> {
    pub fields: Vec<usize>,
    pub columns: Vec<(&'p str, Value)>,
}

impl Cx<'_> {
    /// Stores a new record.
    ///
    /// # Errors
    /// What its rules refuse; broken constraints.
    pub fn insert<T: Entity>(&mut self, record: T) -> Result<Id<T>> {
        let made = self.insert_all(vec![record])?;
        made.first().copied().ok_or_else(|| Error::internal("a record without an id"))
    }

    /// Stores what was changed in a loaded record: changed columns only, its revision in WHERE.
    ///
    /// # Errors
    /// `stale` where somebody else changed it meanwhile; what its rules refuse.
    pub fn save<T: Entity>(&mut self, record: &mut Rec<T>) -> Result<()> {
        let plan = self.schema.plan(T::NAME)?.clone();
        let mut cells = record.cells();
        let old = Row {
            id: record.id.raw(),
            rev: record.rev,
            company: record.company,
            archived: record.archived,
            cells: std::mem::take(&mut record.base),
        };
        let result = self.update_checked(&plan, &old, &mut cells);
        match result {
            Ok(rev) => {
                record.rev = rev;
                record.value = T::read(&mut crate::field::Reader::new(&cells))?;
                record.base = cells;
                Ok(())
            }
            Err(error) => {
                record.base = old.cells;
                Err(error)
            }
        }
    }

    fn update_checked(&mut self, plan: &Plan, old: &Row, cells: &mut Vec<Value>) -> Result<i64> {
        self.checked(plan, Some(old), cells)?;
        self.update_row(plan, old, cells)
    }

    /// The entity's rules and the declared checks, of a record that is about to be written.
    pub(crate) fn checked(&mut self, plan: &Plan, old: Option<&Row>, cells: &mut Vec<Value>) -> Result<()> {
        if let Some(entry) = plan.entry {
            let before = old.map(|row| row.cells.as_slice());
            self.ruling(old.map(|row| row.id), |cx| (entry.check)(before, cells, false, cx))?;
        }
        let (id, company, archived) =
            old.map_or((0, self.who.company.id, false), |row| (row.id, row.company, row.archived));
        validated(plan, &RowView { id, company, archived, cells })
    }

    /// Archives a record: it disappears from lists, what refers to it stays whole.
    ///
    /// # Errors
    /// 404; append-only entities are never archived.
    pub fn archive<T: Entity>(&mut self, id: Id<T>, archived: bool) -> Result<()> {
        let plan = self.schema.plan(T::NAME)?.clone();
        let row = self.held_row(&plan, id.raw())?;
        self.archive_row(&plan, &row, archived)
    }

    /// Deletes a record for good; refused by the database where anything refers to it.
    ///
    /// # Errors
    /// `referred`; append-only entities are never deleted.
    pub fn delete<T: Entity>(&mut self, id: Id<T>) -> Result<()> {
        let plan = self.schema.plan(T::NAME)?.clone();
        let row = self.held_row(&plan, id.raw())?;
        self.delete_row(&plan, &row)
    }

    /// As [`Cx::delete`], of a record that is loaded already.
    ///
    /// # Errors
    /// As [`Cx::delete`].
    pub fn delete_loaded<T: Entity>(&mut self, record: &Rec<T>) -> Result<()> {
        let plan = self.schema.plan(T::NAME)?.clone();
        self.delete_row(&plan, &record.stored())
    }

    /// Computes again what follows from a record and its lines, and stores the difference.
    ///
    /// # Errors
    /// What its rules refuse.
    pub fn recompute<T: Entity>(&mut self, id: Id<T>) -> Result<()> {
        let plan = self.schema.plan(T::NAME)?.clone();
        let old = self.held_row(&plan, id.raw())?;
        let mut lines = self.load_lines(&plan, old.id)?;
        let mut cells = old.cells.clone();
        if let Some(entry) = plan.entry {
            (entry.compute)(&mut cells, &mut lines, false, self)?;
        }
        self.store_lines(&mut lines, old.id)?;
        self.update_checked(&plan, &old, &mut cells)?;
        Ok(())
    }

    // ---- rows ----

    /// Inserts rows of one entity, together; their ids.
    pub(crate) fn insert_rows(&mut self, plan: &Arc<Plan>, rows: Vec<Vec<Value>>, company: i64) -> Result<Vec<i64>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.writing()?;
        let log = self.operation_log()?;
        let (mut ids, mut all) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for cells in &rows {
            let id = self.new_id()?;
            let mut params = vec![Value::Int(id)];
            if plan.def.append_only {
                params.push(Value::Int(log));
            } else {
                params.extend([Value::Int(1), Value::Int(0)]);
            }
            if !plan.def.shared {
                params.push(Value::Int(company));
            }
            params.extend(cells.iter().cloned());
            self.derive(plan, cells, &mut params);
            ids.push(id);
            all.push(params);
        }
        self.put(plan, all)?;
        for (id, cells) in ids.iter().zip(rows) {
            self.inserted(plan, *id, cells, company)?;
        }
        Ok(ids)
    }

    /// What follows from a new row: search, audit, what listeners are told.
    fn inserted(&mut self, plan: &Plan, id: i64, cells: Vec<Value>, company: i64) -> Result<()> {
        if plan.search {
            self.index_new(plan, id, &cells)?;
        }
        self.collected.create(id);
        if !plan.def.append_only {
            // Lines that come with their owner are told by the owner's row.
            let owner = plan.cell(plan.def.owner, &cells).as_int();
            if owner.is_none_or(|owner| !self.collected.made(owner)) {
                self.audit(plan, id, "created", None)?;
            }
        }
        self.changed(plan.def.name, id, 1, ChangeKind::Created);
        let company = if plan.def.shared { 0 } else { company };
        self.memory.inserted(plan, Row { id, rev: 1, company, archived: false, cells });
        Ok(())
    }

    pub(crate) fn update_row(&mut self, plan: &Plan, old: &Row, cells: &[Value]) -> Result<i64> {
        self.writing()?;
        if let Some(rev) = self.later(plan, old, cells)? {
            return Ok(rev);
        }
        if plan.def.kept {
            self.write_late(Some(plan.def.name))?;
        }
        let Some(change) = self.difference(plan, old, cells)? else { return Ok(old.rev) };
        let columns: Vec<&str> = change.columns.iter().map(|(column, _)| *column).collect();
        let mut params: Vec<Value> = change.columns.iter().map(|(_, value)| value.clone()).collect();
        params.extend([Value::Int(old.rev + 1), Value::Int(old.id), Value::Int(old.rev)]);
        let text = plan.update_of(&columns);
        let count = self.conn.execute(&text, &params).map_err(|error| constraint(plan, error))?;
        if count != 1 {
            return Err(self.overtaken(old.id));
        }
        self.updated(plan, old, cells, &change)?;
        Ok(old.rev + 1)
    }

    /// Which columns of a row change, and to what; nothing where none does.
    pub(crate) fn difference<'p>(&self, plan: &'p Plan, old: &Row, cells: &[Value]) -> Result<Option<RowChange<'p>>> {
        if plan.def.append_only {
            return Err(Error::refused("unchangeable").with("detail", plan.def.name));
        }
        let fields: Vec<usize> =
            (0..plan.fields.len()).filter(|i| plan.cells_of(*i, cells) != plan.cells_of(*i, &old.cells)).collect();
        if fields.is_empty() {
            return Ok(None);
        }
        let mut columns: Vec<(&str, Value)> = Vec::new();
        for i in &fields {
            let at = plan.offsets[*i];
            for (k, cell) in plan.cells_of(*i, cells).iter().enumerate() {
                columns.push((&plan.columns[at + k], cell.clone()));
            }
        }
        for derived in plan.derived.iter().filter(|d| fields.contains(&d.field)) {
            columns.push((&derived.column, self.derived_value(plan, derived, cells)));
        }
        Ok(Some(RowChange { fields, columns }))
    }

    /// What follows from a changed row: search, audit, what listeners are told.
    pub(crate) fn updated(&mut self, plan: &Plan, old: &Row, cells: &[Value], change: &RowChange<'_>) -> Result<()> {
        if plan.search && change.fields.iter().any(|i| plan.fields[*i].searchable) {
            self.index_words(plan, old.id, cells)?;
        }
        let mut changes = Map::new();
        for i in change.fields.iter().copied().filter(|_| audited(plan)) {
            let field = &plan.fields[i];
            let before = encode(field, plan.cells_of(i, &old.cells));
            changes.insert(field.name.to_owned(), J::Array(vec![before, encode(field, plan.cells_of(i, cells))]));
        }
        self.audit(plan, old.id, "changed", Some(changes))?;
        let rev = old.rev + 1;
        self.changed(plan.def.name, old.id, rev, ChangeKind::Changed);
        let columns: Vec<&str> = change.columns.iter().map(|(column, _)| *column).collect();
        self.memory.updated(plan, Row { rev, cells: cells.to_vec(), ..*old }, &columns);
        Ok(())
    }

    pub(crate) fn archive_row(&mut self, plan: &Plan, row: &Row, archived: bool) -> Result<()> {
        self.writing()?;
        if plan.def.append_only {
            return Err(Error::refused("unchangeable").with("detail", plan.def.name));
        }
        if row.archived == archived {
            return Ok(());
        }
        self.write_late(Some(plan.def.name))?;
        let rev = row.rev + 1;
        let params = [Value::Int(i64::from(archived)), Value::Int(rev), Value::Int(row.id), Value::Int(row.rev)];
        let text = plan.update_of(&["archived"]);
        if self.conn.execute(&text, &params)? != 1 {
            return Err(self.overtaken(row.id));
        }
        self.audit(plan, row.id, if archived { "archived" } else { "restored" }, None)?;
        self.changed(plan.def.name, row.id, rev, ChangeKind::Changed);
        self.memory.updated(plan, Row { rev, archived, ..row.clone() }, &["archived"]);
        Ok(())
    }

    pub(crate) fn delete_row(&mut self, plan: &Plan, row: &Row) -> Result<()> {
        self.writing()?;
        if plan.def.append_only {
            return Err(Error::refused("unchangeable").with("detail", plan.def.name));
        }
        if self.memory.is_late(plan.def.name) {
            self.write_late(Some(plan.def.name))?;
        }
        let schema = self.schema.clone();
        for lines in plan.def.lines {
            let line_plan = schema.plan(lines.entity)?.clone();
            for line in self.rows_by(lines.entity, &[(lines.by, Value::Int(row.id))])? {
                self.delete_row(&line_plan, &line)?;
            }
        }
        for many in plan.def.many {
            self.set_many(plan, many.name, row.id, &[])?;
        }
        let gone = self.conn.execute(&plan.delete_one(), &[Value::Int(row.id)]);
        if gone.map_err(|error| constraint(plan, error))? != 1 {
            return Err(self.overtaken(row.id));
        }
        if plan.search {
            self.conn.search_delete(&plan.table, row.id)?;
        }
        let mut changes = Map::new();
        for (i, field) in plan.fields.iter().enumerate().filter(|_| audited(plan)) {
            let before = encode(field, plan.cells_of(i, &row.cells));
            if !before.is_null() {
                changes.insert(field.name.to_owned(), J::Array(vec![before, J::Null]));
            }
        }
        self.audit(plan, row.id, "deleted", Some(changes))?;
        self.deleted(plan, row.id, row.rev);
        Ok(())
    }

    /// What follows from a row that is gone.
    pub(crate) fn deleted(&mut self, plan: &Plan, id: i64, rev: i64) {
        self.changed(plan.def.name, id, rev, ChangeKind::Deleted);
        self.memory.deleted(plan, id);
    }

    /// Somebody else changed a row between our reading and our writing, or holds it while we may not wait: the request runs
    /// again, and tells only when that does not help. A part that lives with its failures (an automatic step) does not
    /// live with this one. What the client itself saw too long ago is told before, and never repeated.
    pub(crate) fn overtaken(&mut self, id: i64) -> Error {
        self.conn.repeat();
        self.again = true;
        Error::new(409, "conflict").with("id", id)
    }

    /// What operations insert because they did not find it, others may have inserted at the same moment: the request runs
    /// again, and finds theirs.
    pub(crate) fn or_again<T>(&mut self, result: Result<T>) -> Result<T> {
        let taken = |error: &Error| error.code == "not_unique" || error.errors.iter().any(|e| e.code == "not_unique");
        if result.as_ref().is_err_and(taken) {
            self.conn.repeat();
        }
        result
    }

    fn audit(&mut self, plan: &Plan, id: i64, kind: &str, changes: Option<Map<String, J>>) -> Result<()> {
        if !audited(plan) {
            return Ok(());
        }
        let log = self.operation_log()?;
        let audit = self.schema.plan("sys.audit")?.clone();
        let row = crate::sys::Audit {
            operation: log,
            entity: plan.def.name.to_owned(),
            record: id,
            kind: kind.to_owned(),
            changes: changes.map(|map| crate::field::Json(J::Object(map))),
        };
        let audit_id = self.new_id()?;
        let mut params = vec![Value::Int(audit_id), Value::Int(log), Value::Int(self.who.company.id)];
        crate::def::Fields::write(&row, &mut params);
        self.put(&audit, vec![params])
    }

    fn derive(&self, plan: &Plan, cells: &[Value], params: &mut Vec<Value>) {
        for derived in &plan.derived {
            params.push(self.derived_value(plan, derived, cells));
        }
    }

    fn derived_value(&self, plan: &Plan, derived: &crate::plan::Derived, cells: &[Value]) -> Value {
        match plan.cells_of(derived.field, cells).first() {
            Some(Value::Text(text)) => match derived.what {
                DerivedKind::Sort => Value::Blob(lang::sort_key(text, self.who.company.language)),
                DerivedKind::Fold => Value::Text(lang::fold(text)),
            },
            _ => Value::Null,
        }
    }

    /// The words of a new row; one without any is not there to be taken out.
    fn index_new(&mut self, plan: &Plan, id: i64, cells: &[Value]) -> Result<()> {
        let words = words_of(plan, cells);
        if !words.is_empty() {
            self.conn.search_put(&plan.table, id, &words)?;
        }
        Ok(())
    }

    pub(crate) fn index_words(&mut self, plan: &Plan, id: i64, cells: &[Value]) -> Result<()> {
        Ok(self.conn.search_put(&plan.table, id, &words_of(plan, cells))?)
    }

    /// Sets a many-to-many relation to exactly these records.
    ///
    /// # Errors
    /// `referred` where one of them does not exist.
    pub fn set_many(&mut self, plan: &Plan, name: &str, id: i64, others: &[i64]) -> Result<()> {
        use sea_query::{Alias, Expr, ExprTrait, Query};
        self.writing()?;
        let table = format!("{}_{name}", plan.table);
        let before = self.many(plan, name, id)?;
        if before == others {
            return Ok(());
        }
        let dialect = self.conn.dialect();
        for gone in before.iter().filter(|b| !others.contains(b)) {
            let mut statement = Query::delete();
            statement
                .from_table(Alias::new(&table))
                .and_where(Expr::col(Alias::new("owner")).eq(id))
                .and_where(Expr::col(Alias::new("other")).eq(*gone));
            let (text, params) = crate::sql::delete(dialect, &statement);
            self.conn.execute(&text, &params)?;
        }
        for new in others.iter().filter(|o| !before.contains(o)) {
            let row = self.new_id()?;
            let mut statement = Query::insert();
            statement
                .into_table(Alias::new(&table))
                .columns([Alias::new("id"), Alias::new("owner"), Alias::new("other")])
                .values_panic([Expr::val(row), Expr::val(id), Expr::val(*new)]);
            let (text, params) = crate::sql::insert(dialect, &statement);
            self.conn.execute(&text, &params).map_err(|_| Error::field(name, "no_record").with("id", *new))?;
        }
        let ids = |list: &[i64]| J::Array(list.iter().map(|i| J::from(*i)).collect());
        let mut changes = Map::new();
        changes.insert(name.to_owned(), J::Array(vec![ids(&before), ids(others)]));
        if !self.collected.made(id) {
            self.audit(plan, id, "changed", Some(changes))?;
        }
        Ok(())
    }

    /// The records of a many-to-many relation, in the order of their ids.
    ///
    /// # Errors
    /// As reading does.
    pub fn many(&mut self, plan: &Plan, name: &str, id: i64) -> Result<Vec<i64>> {
        use sea_query::{Alias, Expr, ExprTrait, Order, Query};
        let mut statement = Query::select();
        statement
            .column(Alias::new("other"))
            .from(Alias::new(format!("{}_{name}", plan.table)))
            .and_where(Expr::col(Alias::new("owner")).eq(id))
            .order_by(Alias::new("other"), Order::Asc);
        let (text, params) = crate::sql::select(self.conn.dialect(), &statement);
        Ok(self.conn.rows(&text, &params)?.iter().filter_map(|row| row.first().and_then(Value::as_int)).collect())
    }
}

/// The folded words by which a row is found.
fn words_of(plan: &Plan, cells: &[Value]) -> String {
    let mut words = Vec::new();
    for (i, _) in plan.fields.iter().enumerate().filter(|(_, f)| f.searchable) {
        if let Some(Value::Text(text)) = plan.cells_of(i, cells).first() {
            words.extend(lang::tokens(text));
        }
    }
    words.join(" ")
}

/// Whether changes are told by the audit. The kernel's own books are not audited a second time; kept balances are proved
/// from their lines.
fn audited(plan: &Plan) -> bool {
    let own = plan.def.name.starts_with("sys.");
    !plan.def.kept
        && (!own
            || matches!(
                plan.def.name,
                "sys.series" | "sys.outbox" | "sys.setting" | "sys.custom_field" | "sys.custom_entity"
            ))
}

/// Required fields and checks of a record that is about to be written.
pub(crate) fn validated(plan: &Plan, view: &RowView<'_>) -> Result<()> {
    let errors = faults(plan, view)?;
    if errors.is_empty() { Ok(()) } else { Err(Error::fields(errors)) }
}

/// What is wrong with a record by its declaration.
pub(crate) fn faults(plan: &Plan, view: &RowView<'_>) -> Result<Vec<FieldError>> {
    let mut errors = Vec::new();
    let fault = |field: &str, code: &'static str, args| FieldError { field: field.to_owned(), code: code.into(), args };
    for (i, field) in plan.fields.iter().enumerate() {
        if field.required && plan.cells_of(i, view.cells).first().is_none_or(Value::is_null) {
            errors.push(fault(field.name, "required", Vec::new()));
        }
    }
    for (field, check) in &plan.checks {
        if holds(check, plan, view)? == Some(false) {
            let text = match plan.field(field).and_then(|f| f.check) {
                Some(text) => text.to_owned(),
                None => plan.def.checks.join("; "),
            };
            errors.push(fault(field, "check", vec![("check", text.into())]));
        }
    }
    Ok(errors)
}

/// A constraint that the database refused, as a field's error where the column is known.
pub(crate) fn constraint(plan: &Plan, error: store::Error) -> Error {
    let store::Error::Constraint { kind, detail } = &error else { return error.into() };
    let named = |column: &str| {
        let column = column.trim().rsplit('.').next().unwrap_or(column);
        plan.fields.iter().find(|f| crate::plan::column_of(f) == column).map(|f| f.name)
    };
    let field = detail.split(',').filter_map(named).next_back();
    match (kind, field) {
        (store::ConstraintKind::Unique, Some(field)) => Error::field(field, "not_unique"),
        (store::ConstraintKind::NotNull, Some(field)) => Error::field(field, "required"),
        (store::ConstraintKind::Check, Some(field)) => Error::field(field, "check").with("check", detail.as_str()),
        _ => {
            let known = plan.fields.iter().find(|f| *detail == format!("{}_{}", plan.table, f.name));
            match (kind, known) {
                (store::ConstraintKind::Check, Some(field)) => {
                    Error::field(field.name, "check").with("check", field.check.unwrap_or(""))
                }
                _ => error.into(),
            }
        }
    }
}

/// The declared default of a field.
pub(crate) fn default_cells(field: &FieldDef, cx: &Cx<'_>) -> Result<Option<Vec<Value>>> {
    let Some(text) = field.default else { return Ok(None) };
    let json = match text {
        "@today" => J::String(cx.today().to_string()),
        "@now" => J::String(cx.now().to_string()),
        "@me" if cx.who().user == 0 => return Ok(None),
        "@me" => J::from(cx.who().user),
        "@currency" => J::String(cx.company().currency.code().to_owned()),
        "@country" => J::String(cx.company().country.clone()),
        "@language" => J::String(cx.company().language.code().to_owned()),
        other => serde_json::from_str(other).unwrap_or_else(|_| J::String(other.to_owned())),
    };
    let mut cells = Vec::new();
    let currency = Some(cx.company().currency).filter(|c| *c != Currency::NONE);
    let codec = crate::json::Codec { lenient: true, currency, ..Default::default() };
    codec.decode(field, &json, &mut cells)?;
    Ok(Some(cells))
}

/// What a required field holds when nobody gives it: nothing for what must be typed, zero for what operations keep.
pub(crate) fn zero_cells(field: &FieldDef, company: Currency) -> Option<Vec<Value>> {
    match field.kind {
        Kind::Bool => Some(vec![Value::Int(0)]),
        Kind::Choice(set) if field.by_operation || field.default.is_none() => {
            set.items.first().map(|item| vec![Value::from(item.value)])
        }
        Kind::Int | Kind::Dec(_) | Kind::Duration if field.by_operation => Some(vec![Value::Int(0)]),
        Kind::Money if field.by_operation => Some(vec![Value::Int(0), Value::from(company.code())]),
        _ => None,
    }
}

/// A record of any entity as a reference.
pub(crate) fn any(plan: &Plan, id: i64) -> AnyRef {
    AnyRef::new(plan.def.name, id)
}
