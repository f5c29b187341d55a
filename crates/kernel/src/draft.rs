//! Draft evaluation: what a record that is being typed would become, and which operations would be allowed, without a write.

use serde_json::{Map, Value as J, json};
use store::Value;

use crate::{
    access::Right,
    cx::{Cx, Mode, Note, check_state},
    def::OpDef,
    engine::Kernel,
    error::{Error, FieldError, Result},
    json::encode,
    plan::Plan,
    query,
    rec::Row,
    schema::Schema,
};

/// What an operation would say to a click.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The operation.
    pub op: &'static OpDef,
    /// Why not; allowed where nothing.
    pub refusal: Option<Error>,
    /// What a dialog starts with.
    pub prefill: Option<J>,
}

impl Cx<'_> {
    /// Which operations would be allowed on a stored record, and why not.
    ///
    /// # Errors
    /// As reading does.
    pub fn possible(&mut self, plan: &Plan, row: &Row) -> Result<Vec<Draft>> {
        let schema = self.schema.clone();
        let mut all = Vec::new();
        for op in schema.operations_on(plan.def.name) {
            if !self.who.may_call(op) {
                continue;
            }
            all.push(self.would(&schema, op, plan, row)?);
        }
        Ok(all)
    }

    fn would(&mut self, schema: &Schema, op: &'static OpDef, plan: &Plan, row: &Row) -> Result<Draft> {
        let entry = *schema.operation(op.name)?;
        let mut draft = Draft { op, refusal: None, prefill: None };
        if let Err(error) = check_state(op, plan, row) {
            draft.refusal = Some(error);
            return Ok(draft);
        }
        self.target = None;
        let prefill = (entry.prefill)(row.id, self)?;
        let cells = match &prefill {
            Some(cells) => cells.clone(),
            None => {
                let mut cells = Vec::new();
                for field in (op.input)() {
                    let value = if field.name == op.target { Value::Int(row.id) } else { Value::Null };
                    cells.push(value);
                    cells.extend(std::iter::repeat_n(Value::Null, field.cells() - 1));
                }
                cells
            }
        };
        draft.prefill = prefill.map(|cells| crate::json::encode_fields((op.input)(), &cells));
        match (entry.guard)(&cells, self) {
            Ok(()) => {}
            Err(error) if error.status >= 500 => return Err(error),
            Err(error) => draft.refusal = Some(error),
        }
        Ok(draft)
    }

    /// `possible` as the interface tells it.
    ///
    /// # Errors
    /// As reading does.
    pub fn possible_json(&mut self, plan: &Plan, row: &Row) -> Result<J> {
        let schema = self.schema.clone();
        let language = self.who.language;
        let drafts = self.possible(plan, row)?;
        Ok(J::Array(
            drafts
                .into_iter()
                .map(|draft| {
                    let mut map = Map::new();
                    map.insert("operation".to_owned(), J::from(draft.op.name));
                    map.insert("allowed".to_owned(), J::from(draft.refusal.is_none()));
                    map.insert(
                        "reason".to_owned(),
                        draft.refusal.as_ref().map_or(J::Null, |e| J::from(schema.error_message(language, e))),
                    );
                    map.insert("code".to_owned(), draft.refusal.as_ref().map_or(J::Null, |e| J::from(e.code.as_ref())));
                    let helped = draft.refusal.as_ref().is_some_and(|e| {
                        let code = e.code.as_ref();
                        !e.actions.is_empty()
                            || schema.modules.iter().flat_map(|m| m.remedies).any(|remedy| remedy.code == code)
                    });
                    map.insert("remedies".to_owned(), J::from(helped));
                    if let Some(prefill) = draft.prefill {
                        map.insert("input".to_owned(), prefill);
                    }
                    J::Object(map)
                })
                .collect(),
        ))
    }
}

impl Cx<'_> {
    /// Remarks as the interface tells them; records that this person may not see are not linked.
    ///
    /// # Errors
    /// As reading does.
    pub fn notes_json(&mut self, notes: &[Note]) -> Result<J> {
        let (schema, language) = (self.schema.clone(), self.who.language);
        let mut told: Vec<J> = Vec::new();
        for note in notes {
            let mut links = Vec::new();
            for link in note.links.iter().take(20) {
                if let Some(title) = self.titles(link.entity, &[link.id], 1)?.remove(&link.id) {
                    links.push(json!({"entity": link.entity, "id": link.id, "title": title}));
                }
            }
            let message = schema.message(language, &note.key, &note.args);
            let one = json!({"field": note.field, "code": note.key, "message": message, "links": links});
            if !told.contains(&one) {
                told.push(one);
            }
        }
        Ok(J::Array(told))
    }
}

impl Kernel {
    /// Evaluates a record that is being typed: fields by name, lines as lists, `id` when it exists. Stores nothing.
    ///
    /// # Errors
    /// Rights, 404, JSON that is no record.
    pub fn draft(&self, entity: &str, body: &J, who: &std::sync::Arc<crate::Principal>) -> Result<J> {
        self.store().read(|conn| {
            let mut cx = Cx::new(conn, self.schema(), self.shared(), who.clone(), Mode::Draft);
            cx.draft(entity, body)
        })
    }
}

impl Cx<'_> {
    fn draft(&mut self, entity: &str, body: &J) -> Result<J> {
        let schema = self.schema.clone();
        let plan = schema.plan(entity)?.clone();
        let id = body.get("id").and_then(J::as_i64);
        let right = if id.is_some() { Right::Read } else { Right::Write };
        if !query::may(&schema, &self.who, &plan.def, right) {
            return Err(Error::forbidden(entity));
        }
        let old = match id {
            Some(id) => {
                let row = self.row_of(&plan, id)?;
                if !self.within(&plan, id, Right::Read)? {
                    return Err(Error::not_found(entity, id));
                }
                Some(row)
            }
            None => None,
        };
        let mut incoming = self.incoming(&plan, old.as_ref(), body, true)?;
        let typed = incoming.cells.clone();
        if old.is_none() {
            self.defaults(&plan, &mut incoming);
        }
        let after_defaults = incoming.cells.clone();
        let ruled = self.rules(&plan, old.as_ref(), &mut incoming);
        let mut errors = std::mem::take(&mut incoming.errors);
        errors.extend(self.all_faults(&plan, old.as_ref(), &incoming)?);
        if let Err(error) = ruled {
            if error.errors.is_empty() {
                errors.push(FieldError { field: String::new(), code: error.code.clone(), args: error.args.clone() });
            }
            errors.extend(error.errors.iter().cloned());
        }
        let notes = std::mem::take(&mut self.collected.notes);
        let notes = self.notes_json(&notes)?;
        let mut provenance = Map::new();
        for (i, field) in plan.fields.iter().enumerate() {
            let now = plan.cells_of(i, &incoming.cells);
            let source = if incoming.given[i] {
                "typed"
            } else if now != plan.cells_of(i, &after_defaults) {
                "computed"
            } else if now != plan.cells_of(i, &typed) {
                "default"
            } else {
                continue;
            };
            provenance.insert(field.name.to_owned(), J::from(source));
        }
        let mut record = Map::new();
        if let Some(row) = &old {
            record.insert("id".to_owned(), J::from(row.id));
            record.insert("rev".to_owned(), J::from(row.rev));
        }
        let row = Row {
            id: old.as_ref().map_or(0, |r| r.id),
            rev: old.as_ref().map_or(0, |r| r.rev),
            company: self.who.company.id,
            archived: false,
            cells: incoming.cells.clone(),
        };
        self.put_fields(&plan, &row.cells, &mut record);
        let shown = crate::present::Shape { titles: true, ..Default::default() };
        let head = self.present(entity, std::slice::from_ref(&row), &shown)?;
        let mut titles = head.first().and_then(|h| h.get("_titles")).cloned().unwrap_or_else(|| json!({}));
        for (set, given) in incoming.lines.sets.iter().zip(&incoming.line_given) {
            let mut lines = Vec::new();
            for (k, line) in set.lines.iter().enumerate().filter(|(_, l)| !l.delete) {
                let at = lines.len();
                let mut map = Map::new();
                if let Some(id) = line.id {
                    map.insert("id".to_owned(), J::from(id));
                }
                self.put_fields(&set.plan, &line.cells, &mut map);
                for (i, field) in set.plan.fields.iter().enumerate() {
                    let cells = set.plan.cells_of(i, &line.cells);
                    if given.get(k).is_some_and(|g| g[i]) {
                        provenance.insert(format!("{}.{at}.{}", set.def.name, field.name), J::from("typed"));
                    } else if cells.first().is_some_and(|c| !c.is_null()) && line.id.is_none() {
                        provenance.insert(format!("{}.{at}.{}", set.def.name, field.name), J::from("computed"));
                    }
                }
                let row = Row {
                    id: line.id.unwrap_or(0),
                    rev: line.rev,
                    company: row.company,
                    archived: false,
                    cells: line.cells.clone(),
                };
                let one = self.present(set.def.entity, &[row], &shown)?;
                if let Some(found) = one.first().and_then(|o| o.get("_titles")) {
                    map.insert("_titles".to_owned(), found.clone());
                }
                lines.push(J::Object(map));
            }
            record.insert(set.def.name.to_owned(), J::Array(lines));
        }
        for (name, ids) in &incoming.many {
            record.insert((*name).to_owned(), json!(ids));
        }
        record.insert("_read_only".to_owned(), self.read_only(&plan, old.as_ref())?);
        let operations = match &old {
            Some(row) => self.possible_json(&plan, row)?,
            None => json!([]),
        };
        let language = self.who.language;
        let errors: Vec<J> = errors
            .iter()
            .map(|e| json!({"field": e.field, "code": e.code, "message": schema.field_message(language, e)}))
            .collect();
        if titles.is_null() {
            titles = json!({});
        }
        Ok(json!({
            "record": record,
            "provenance": provenance,
            "errors": errors,
            "notes": notes,
            "operations": operations,
            "titles": titles,
        }))
    }

    fn put_fields(&self, plan: &Plan, cells: &[Value], map: &mut Map<String, J>) {
        for (i, field) in plan.fields.iter().enumerate() {
            if self.who.may_see(field) {
                map.insert(field.name.to_owned(), encode(field, plan.cells_of(i, cells)));
            }
        }
    }
}
