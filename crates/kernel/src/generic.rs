//! The generic surfaces: create, change and delete a record from JSON, and draft evaluation. No surface writes in any other
//! way, so what is `by_operation` or append-only cannot be reached from here.

use serde_json::{Map, Value as J};
use store::Value;

use crate::{
    access::Right,
    cx::Cx,
    def::EntityDef,
    error::{Error, FieldError, Result},
    eval::RowView,
    json::Codec,
    lines::{Line, LineSet, LineSets},
    plan::{Plan, Taking},
    rec::Row,
    value::Currency,
    write::{any, default_cells, faults, validated, zero_cells},
};

/// A record on its way in: its cells, which fields were given, its lines and relations.
pub(crate) struct Incoming {
    pub cells: Vec<Value>,
    pub given: Vec<bool>,
    pub lines: LineSets,
    pub line_given: Vec<Vec<Vec<bool>>>,
    pub many: Vec<(&'static str, Vec<i64>)>,
    pub errors: Vec<FieldError>,
}

/// Keys of a record's JSON that are not fields.
const OUTSIDE: &[&str] = &["id", "rev", "archived", "company"];

pub(crate) fn settings<'c>(cx: &'c Cx<'_>, entity: &'c dyn Fn(&str) -> bool) -> Codec<'c> {
    Codec {
        currency: Some(cx.company().currency).filter(|c| *c != Currency::NONE),
        country: Some(cx.company().country.as_str()).filter(|c| !c.is_empty()),
        entity: Some(entity),
        lenient: true,
    }
}

fn as_errors(error: &Error, prefix: &str) -> Vec<FieldError> {
    if error.errors.is_empty() {
        return vec![FieldError { field: prefix.to_owned(), code: error.code.clone(), args: error.args.clone() }];
    }
    error.clone().under(prefix).errors.clone()
}

impl Cx<'_> {
    /// Creates a record from JSON.
    ///
    /// # Errors
    /// Rights, unknown and wrong fields, rules.
    pub(crate) fn create(&mut self, entity: &str, json: &J) -> Result<(i64, i64)> {
        let made = self.create_all(entity, &[json])?;
        made.first().map(|id| (*id, 1)).ok_or_else(|| Error::internal("a record without an id"))
    }

    /// Creates several records from JSON, together; their ids.
    ///
    /// # Errors
    /// As [`Cx::create`]; then none of them is.
    pub(crate) fn create_all(&mut self, entity: &str, bodies: &[&J]) -> Result<Vec<i64>> {
        let plan = self.schema.plan(entity)?.clone();
        self.generic_right(&plan.def, Right::Write)?;
        let (mut all, mut rows) = (Vec::with_capacity(bodies.len()), Vec::with_capacity(bodies.len()));
        for json in bodies {
            let mut incoming = self.incoming(&plan, None, json, false)?;
            self.defaults(&plan, &mut incoming);
            self.settle(&plan, None, &mut incoming)?;
            rows.push(std::mem::take(&mut incoming.cells));
            all.push(incoming);
        }
        let company = self.who.company.id;
        let ids = self.insert_rows(&plan, rows, company)?;
        for (incoming, id) in all.iter_mut().zip(&ids) {
            self.store_lines(&mut incoming.lines, *id)?;
            for (name, others) in &incoming.many {
                self.set_many(&plan, name, *id, others)?;
            }
            if !self.within(&plan, *id, Right::Write)? {
                return Err(Error::forbidden(entity));
            }
            let made = any(&plan, *id);
            self.link(made);
            // Hooks hear of it, so that what follows from a record follows from one that was written down too.
            self.collected.done.push_back(crate::def::Done { op: &crate::engine::CREATE, target: Some(made) });
        }
        Ok(ids)
    }

    /// What a record from JSON would hold: the rules are asked, nothing is written.
    ///
    /// # Errors
    /// As [`Cx::create`] and [`Cx::change`], but for what only the database refuses.
    pub(crate) fn would_store(&mut self, plan: &Plan, old: Option<&Row>, json: &J) -> Result<Vec<Value>> {
        let mut incoming = self.incoming(plan, old, json, false)?;
        if old.is_none() {
            self.defaults(plan, &mut incoming);
        }
        self.settle(plan, old, &mut incoming)?;
        Ok(incoming.cells)
    }

    /// Changes a record from JSON: the given fields and lines only.
    ///
    /// # Errors
    /// Rights, a stale revision, unknown and wrong fields, rules.
    pub(crate) fn change(&mut self, entity: &str, id: i64, rev: Option<i64>, json: &J) -> Result<(i64, i64)> {
        let plan = self.schema.plan(entity)?.clone();
        self.generic_right(&plan.def, Right::Write)?;
        let old = self.writable_row(&plan, id, Right::Write)?;
        let rev = rev.or_else(|| json.get("rev").and_then(J::as_i64));
        if rev.is_some_and(|rev| rev != old.rev) {
            return Err(Error::new(412, "stale").with("id", id));
        }
        let mut incoming = self.incoming(&plan, Some(&old), json, false)?;
        self.settle(&plan, Some(&old), &mut incoming)?;
        self.store_lines(&mut incoming.lines, id)?;
        for (name, others) in &incoming.many {
            self.set_many(&plan, name, id, others)?;
        }
        let mut rev = self.update_row(&plan, &old, &incoming.cells)?;
        if json.get("archived").and_then(J::as_bool).is_some_and(|wanted| wanted != old.archived) {
            let row = self.row_of(&plan, id)?;
            self.archive_row(&plan, &row, !old.archived)?;
            rev += 1;
        }
        if !self.within(&plan, id, Right::Write)? {
            return Err(Error::forbidden(entity));
        }
        self.link(any(&plan, id));
        Ok((id, rev))
    }

    /// Deletes a record; archives it where anything refers to it. True where it is gone for good.
    ///
    /// # Errors
    /// Rights, a stale revision.
    pub(crate) fn remove(&mut self, entity: &str, id: i64, rev: Option<i64>) -> Result<bool> {
        let plan = self.schema.plan(entity)?.clone();
        self.generic_right(&plan.def, Right::Delete)?;
        let row = self.writable_row(&plan, id, Right::Delete)?;
        if rev.is_some_and(|rev| rev != row.rev) {
            return Err(Error::new(412, "stale").with("id", id));
        }
        // Hooks hear of it as they hear of a record that was written down.
        let done = crate::def::Done { op: &crate::engine::REMOVE, target: Some(any(&plan, id)) };
        self.collected.done.push_back(done);
        if self.referred(&plan, id)? {
            self.archive_row(&plan, &row, true)?;
            return Ok(false);
        }
        match self.savepoint(|cx| cx.delete_row(&plan, &row)) {
            Ok(()) => Ok(true),
            Err(error) if error.code == "referred" => {
                self.archive_row(&plan, &row, true)?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a reference to any record (a source, a subject, an attachment) leads here: the database does not know those.
    fn referred(&mut self, plan: &Plan, id: i64) -> Result<bool> {
        let schema = self.schema.clone();
        for other in schema.plans.values().filter(|p| !p.def.name.starts_with("sys.")) {
            for (i, field) in other.fields.iter().enumerate() {
                if matches!(field.kind, crate::field::Kind::AnyRef) {
                    let at = other.offsets[i];
                    let text = other.select_by(&[&other.columns[at], &other.columns[at + 1]], Taking::Look);
                    let params = [Value::Int(id), Value::from(plan.def.name)];
                    self.write_late(Some(other.def.name))?;
                    if self.conn.row(&text, &params)?.is_some() {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Reads a record's JSON over what is stored.
    pub(crate) fn incoming(&mut self, plan: &Plan, old: Option<&Row>, json: &J, draft: bool) -> Result<Incoming> {
        let J::Object(map) = json else { return Err(Error::bad("object")) };
        let mut cells = old.map_or_else(|| vec![Value::Null; plan.columns.len()], |row| row.cells.clone());
        let mut given = vec![false; plan.fields.len()];
        let mut errors = Vec::new();
        for key in map.keys() {
            let known = plan.index(key).is_some()
                || OUTSIDE.contains(&key.as_str())
                || key.starts_with('_')
                || plan.def.lines.iter().any(|l| l.name == key)
                || plan.def.many.iter().any(|m| m.name == key);
            if !known {
                let field = key.chars().take(80).collect();
                errors.push(FieldError { field, code: "unknown_field".into(), args: Vec::new() });
            }
        }
        let schema = self.schema.clone();
        let known = |entity: &str| schema.plans.contains_key(entity);
        {
            let codec = settings(self, &known);
            read_fields(&codec, plan, map, draft, self, &mut cells, &mut given, &mut errors);
        }
        let mut many = Vec::new();
        for relation in plan.def.many {
            match map.get(relation.name) {
                None => {}
                Some(J::Array(items)) if items.len() <= 1_000 => {
                    let ids: Vec<i64> =
                        items.iter().filter_map(|i| i.as_i64().or_else(|| i.get("id").and_then(J::as_i64))).collect();
                    if ids.len() != items.len() {
                        errors.push(FieldError {
                            field: relation.name.to_owned(),
                            code: "reference".into(),
                            args: Vec::new(),
                        });
                    }
                    many.push((relation.name, ids));
                }
                Some(_) => {
                    errors.push(FieldError { field: relation.name.to_owned(), code: "list".into(), args: Vec::new() })
                }
            }
        }
        let (lines, line_given) = self.incoming_lines(plan, old, map, draft, &mut errors)?;
        if !errors.is_empty() && !draft {
            return Err(Error::fields(errors));
        }
        Ok(Incoming { cells, given, lines, line_given, many, errors })
    }

    #[allow(clippy::type_complexity)]
    fn incoming_lines(
        &mut self,
        plan: &Plan,
        old: Option<&Row>,
        map: &Map<String, J>,
        draft: bool,
        errors: &mut Vec<FieldError>,
    ) -> Result<(LineSets, Vec<Vec<Vec<bool>>>)> {
        let schema = self.schema.clone();
        let known = |entity: &str| schema.plans.contains_key(entity);
        let mut sets = match old {
            Some(row) => self.load_lines(plan, row.id)?,
            None => self.no_lines(plan)?,
        };
        sets.lenient = true;
        let mut all_given = Vec::new();
        for set in &mut sets.sets {
            let mut set_given = vec![vec![false; set.plan.fields.len()]; set.lines.len()];
            let name = set.def.name;
            let items = match map.get(name) {
                None | Some(J::Null) => &Vec::new(),
                Some(J::Array(items)) if items.len() <= 10_000 => items,
                Some(_) => {
                    errors.push(FieldError { field: name.to_owned(), code: "list".into(), args: Vec::new() });
                    &Vec::new()
                }
            };
            for (i, item) in items.iter().enumerate() {
                let prefix = format!("{name}.{i}");
                let J::Object(fields) = item else {
                    errors.push(FieldError { field: prefix, code: "object".into(), args: Vec::new() });
                    continue;
                };
                let id = fields.get("id").and_then(J::as_i64);
                let at = match id {
                    Some(id) => match set.lines.iter().position(|l| l.id == Some(id)) {
                        Some(at) => at,
                        None => {
                            errors.push(FieldError {
                                field: format!("{prefix}.id"),
                                code: "no_record".into(),
                                args: Vec::new(),
                            });
                            continue;
                        }
                    },
                    None => {
                        set.lines.push(Line { cells: vec![Value::Null; set.plan.columns.len()], ..Line::default() });
                        set_given.push(vec![false; set.plan.fields.len()]);
                        set.lines.len() - 1
                    }
                };
                let line = &mut set.lines[at];
                line.delete = fields.get("_delete").and_then(J::as_bool).unwrap_or(false);
                let mut wrong = Vec::new();
                for key in fields.keys() {
                    if set.plan.index(key).is_none() && !OUTSIDE.contains(&key.as_str()) && !key.starts_with('_') {
                        let field = key.chars().take(80).collect();
                        wrong.push(FieldError { field, code: "unknown_field".into(), args: Vec::new() });
                    }
                }
                let codec = settings(self, &known);
                read_fields(&codec, &set.plan, fields, draft, self, &mut line.cells, &mut set_given[at], &mut wrong);
                errors.extend(wrong.into_iter().map(|e| FieldError { field: format!("{prefix}.{}", e.field), ..e }));
            }
            all_given.push(set_given);
        }
        Ok((sets, all_given))
    }

    /// Puts declared defaults where nothing was given.
    pub(crate) fn defaults(&mut self, plan: &Plan, incoming: &mut Incoming) {
        fill(plan, &mut incoming.cells, self);
        let mut sets = std::mem::take(&mut incoming.lines.sets);
        for set in &mut sets {
            for line in set.lines.iter_mut().filter(|l| l.id.is_none()) {
                fill(&set.plan, &mut line.cells, self);
            }
        }
        incoming.lines.sets = sets;
    }

    /// Runs the rules over an incoming record and validates it: what comes out may be stored.
    fn settle(&mut self, plan: &Plan, old: Option<&Row>, incoming: &mut Incoming) -> Result<()> {
        // Rules know through what door it comes, also where an import or a bulk request stands around it.
        let log = self.frames.last().map_or(0, |frame| frame.log);
        self.frames.push(crate::cx::Frame { op: &crate::engine::CREATE, log });
        let ruled = self.rules(plan, old, incoming);
        self.frames.pop();
        let errors = self.all_faults(plan, old, incoming)?;
        match ruled {
            // What is missing explains a rule's trouble better than the rule does.
            Err(error) if errors.is_empty() => Err(error),
            _ if !errors.is_empty() => Err(Error::fields(errors)),
            _ => {
                incoming.lines.lenient = false;
                Ok(())
            }
        }
    }

    /// Check, compute, check of lines; values that rules made up for what is missing are taken back.
    pub(crate) fn rules(&mut self, plan: &Plan, old: Option<&Row>, incoming: &mut Incoming) -> Result<()> {
        let Some(entry) = plan.entry else { return Ok(()) };
        let missing = missing(plan, &incoming.cells);
        let line_missing: Vec<Vec<Vec<usize>>> = incoming
            .lines
            .sets
            .iter()
            .map(|set| set.lines.iter().map(|line| self::missing(&set.plan, &line.cells)).collect())
            .collect();
        let stored = old.map(|row| row.cells.as_slice());
        let result = self
            .ruling(old.map(|row| row.id), |cx| (entry.check)(stored, &mut incoming.cells, true, cx))
            .and_then(|()| (entry.compute)(&mut incoming.cells, &mut incoming.lines, true, self))
            .and_then(|()| self.check_lines(&mut incoming.lines));
        take_back(plan, &mut incoming.cells, &missing);
        for (set, missing) in incoming.lines.sets.iter_mut().zip(line_missing) {
            for (line, missing) in set.lines.iter_mut().zip(missing) {
                take_back(&set.plan, &mut line.cells, &missing);
            }
        }
        result
    }

    fn check_lines(&mut self, lines: &mut LineSets) -> Result<()> {
        for set in &mut lines.sets {
            let Some(entry) = set.plan.entry else { continue };
            for (i, line) in set.lines.iter_mut().filter(|l| !l.delete).enumerate() {
                let (id, old) = (line.id, line.old.as_deref());
                let cells = &mut line.cells;
                self.ruling(id, |cx| (entry.check)(old, cells, true, cx))
                    .map_err(|error| error.under(&format!("{}.{i}", set.def.name)))?;
            }
        }
        Ok(())
    }

    pub(crate) fn all_faults(
        &mut self,
        plan: &Plan,
        old: Option<&Row>,
        incoming: &Incoming,
    ) -> Result<Vec<FieldError>> {
        let view = RowView {
            id: old.map_or(0, |r| r.id),
            company: self.who.company.id,
            archived: false,
            cells: &incoming.cells,
        };
        let mut errors = faults(plan, &view)?;
        errors.extend(self.references(plan, old.map(|r| r.cells.as_slice()), &incoming.cells)?);
        errors.extend(self.relations(plan, old, &incoming.many)?);
        for set in &incoming.lines.sets {
            for (i, line) in set.lines.iter().filter(|l| !l.delete).enumerate() {
                let view = RowView { cells: &line.cells, ..view };
                let mut wrong = faults(&set.plan, &view)?;
                // The owner is put in when the line is stored.
                wrong.retain(|e| e.field != set.def.by);
                wrong.extend(self.references(&set.plan, line.old.as_deref(), &line.cells)?);
                errors.extend(
                    wrong.into_iter().map(|e| FieldError { field: format!("{}.{i}.{}", set.def.name, e.field), ..e }),
                );
            }
        }
        Ok(errors)
    }

    // ---- lines ----

    fn no_lines(&mut self, plan: &Plan) -> Result<LineSets> {
        let mut sets = LineSets::default();
        for def in plan.def.lines {
            sets.sets.push(LineSet { def: *def, plan: self.schema.plan(def.entity)?.clone(), lines: Vec::new() });
        }
        Ok(sets)
    }

    pub(crate) fn load_lines(&mut self, plan: &Plan, id: i64) -> Result<LineSets> {
        let mut sets = self.no_lines(plan)?;
        for set in &mut sets.sets {
            set.lines = self
                .rows_by(set.def.entity, &[(set.def.by, Value::Int(id))])?
                .into_iter()
                .map(|row| Line {
                    id: Some(row.id),
                    rev: row.rev,
                    old: Some(row.cells.clone()),
                    cells: row.cells,
                    delete: false,
                })
                .collect();
        }
        Ok(sets)
    }

    pub(crate) fn store_lines(&mut self, lines: &mut LineSets, owner: i64) -> Result<()> {
        let company = self.who.company.id;
        for set in &mut lines.sets {
            let mut new = Vec::new();
            for (at, line) in set.lines.iter_mut().enumerate() {
                set.plan.set(set.def.by, &mut line.cells, Value::Int(owner));
                match (line.id, line.delete) {
                    (None, true) => {}
                    (None, false) => {
                        let view = RowView { id: 0, company, archived: false, cells: &line.cells };
                        validated(&set.plan, &view)?;
                        new.push(at);
                    }
                    (Some(id), delete) => {
                        let cells = line.old.clone().unwrap_or_default();
                        let old = Row { id, rev: line.rev, company, archived: false, cells };
                        if delete {
                            self.delete_row(&set.plan, &old)?;
                        } else {
                            let view = RowView { id, company, archived: false, cells: &line.cells };
                            validated(&set.plan, &view)?;
                            line.rev = self.update_row(&set.plan, &old, &line.cells)?;
                        }
                    }
                }
            }
            let rows = new.iter().map(|at| set.lines[*at].cells.clone()).collect();
            let ids = self.insert_rows(&set.plan, rows, company)?;
            for (at, id) in new.into_iter().zip(ids) {
                set.lines[at].id = Some(id);
            }
        }
        Ok(())
    }
}

impl EntityDef {
    /// True for an entity with an owner that is nobody's declared line (a contact of a party, say): it is written by itself.
    pub fn lines_of_nobody(&self) -> bool {
        !self.write.is_empty()
    }
}

#[allow(clippy::too_many_arguments)]
fn read_fields(
    codec: &Codec<'_>,
    plan: &Plan,
    map: &Map<String, J>,
    draft: bool,
    cx: &Cx<'_>,
    cells: &mut [Value],
    given: &mut [bool],
    errors: &mut Vec<FieldError>,
) {
    for (i, field) in plan.fields.iter().enumerate() {
        let Some(json) = map.get(field.name) else { continue };
        let hidden = !cx.who().may_see(field);
        if field.by_operation || field.read_only || hidden {
            if !draft {
                let code = if hidden { "forbidden" } else { "by_operation" };
                errors.push(FieldError { field: field.name.to_owned(), code: code.into(), args: Vec::new() });
            }
            continue;
        }
        let mut out = Vec::new();
        match codec.decode(field, json, &mut out) {
            Ok(()) => {
                let from = plan.offsets[i];
                cells[from..from + out.len()].clone_from_slice(&out);
                given[i] = true;
            }
            Err(error) => errors.extend(as_errors(&error, field.name)),
        }
    }
}

fn fill(plan: &Plan, cells: &mut [Value], cx: &Cx<'_>) {
    for (i, field) in plan.fields.iter().enumerate() {
        let from = plan.offsets[i];
        if !cells.get(from).is_some_and(Value::is_null) {
            continue;
        }
        let value = match default_cells(field, cx) {
            Ok(Some(value)) => Some(value),
            _ if field.required => zero_cells(field, cx.company().currency),
            _ => None,
        };
        if let Some(value) = value {
            cells[from..from + value.len()].clone_from_slice(&value);
        }
    }
}

/// Required fields that hold nothing.
fn missing(plan: &Plan, cells: &[Value]) -> Vec<usize> {
    (0..plan.fields.len())
        .filter(|i| plan.fields[*i].required && plan.cells_of(*i, cells).first().is_some_and(Value::is_null))
        .collect()
}

/// Zeros that reading leniently made of nothing become nothing again.
fn take_back(plan: &Plan, cells: &mut [Value], missing: &[usize]) {
    for i in missing {
        let from = plan.offsets[*i];
        let zero = matches!(cells.get(from), Some(Value::Int(0)));
        let choice = matches!(plan.fields[*i].kind, crate::field::Kind::Choice(set)
            if cells.get(from).and_then(Value::as_text) == set.items.first().map(|item| item.value));
        let currency = matches!(plan.fields[*i].kind, crate::field::Kind::Text)
            && cells.get(from).and_then(Value::as_text) == Some(Currency::NONE.code());
        if zero && !plan.fields[*i].by_operation || choice || currency {
            for cell in &mut cells[from..from + plan.fields[*i].cells()] {
                *cell = Value::Null;
            }
        }
    }
}
