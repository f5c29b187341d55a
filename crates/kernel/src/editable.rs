//! What a generic surface may write: asked before a write, and told with a record so that a screen need not guess.

use serde_json::{Map, Value as J, json};

use crate::{
    access::Right,
    cx::Cx,
    def::EntityDef,
    error::{Arg, Error, Result},
    eval::{RowView, holds},
    filter::Filter,
    plan::Plan,
    query,
    rec::Row,
};

impl Cx<'_> {
    /// Refuses where generic surfaces do not write this entity, or not as who acts.
    pub(crate) fn generic_right(&self, def: &EntityDef, right: Right) -> Result<()> {
        if !def.owner.is_empty() && !def.lines_of_nobody() {
            return Err(Error::refused("through_owner").with("entity", def.name));
        }
        if def.append_only || def.by_operation {
            return Err(Error::new(403, "by_operation_only").with("entity", def.name));
        }
        if query::may(&self.schema, &self.who, def, right) { Ok(()) } else { Err(Error::forbidden(def.name)) }
    }

    /// A stored record that who acts may write now.
    pub(crate) fn writable_row(&mut self, plan: &Plan, id: i64, right: Right) -> Result<Row> {
        let row = self.held_row(plan, id)?;
        if !self.within(plan, id, Right::Read)? {
            return Err(Error::not_found(plan.def.name, id));
        }
        self.open(plan, &row, right)?;
        Ok(row)
    }

    /// Refuses a record outside the rules of who acts, and one whose state has frozen it.
    fn open(&mut self, plan: &Plan, row: &Row, right: Right) -> Result<()> {
        if !self.within(plan, row.id, right)? {
            return Err(Error::forbidden(plan.def.name));
        }
        if !plan.def.frozen_when.is_empty() {
            let filter = Filter::parse_check(plan.def.frozen_when)?;
            let view = RowView { id: row.id, company: row.company, archived: row.archived, cells: &row.cells };
            if holds(&filter, plan, &view)? == Some(true) {
                return Err(Error::refused("frozen").with("entity", Arg::Key(format!("{}.label", plan.def.name))));
            }
        }
        Ok(())
    }

    /// What of a record (stored, or none yet) a generic change by who acts would be refused for: the whole record with its
    /// reason, or single fields, its own and those of its lines.
    ///
    /// # Errors
    /// As reading does.
    pub fn read_only(&mut self, plan: &Plan, row: Option<&Row>) -> Result<J> {
        let closed = self.generic_right(&plan.def, Right::Write).and_then(|()| match row {
            Some(row) => self.open(plan, row, Right::Write),
            None => Ok(()),
        });
        let closed = match closed {
            Err(error) if error.status >= 500 => return Err(error),
            other => other.err(),
        };
        let whole = closed.is_some();
        let mut fields = self.closed_fields(plan, whole);
        if whole {
            fields.extend(plan.def.many.iter().map(|many| many.name));
        }
        let mut lines = Map::new();
        for def in plan.def.lines {
            let line = self.schema.plan(def.entity)?.clone();
            let mut closed = self.closed_fields(&line, whole);
            if !closed.contains(&def.by) {
                closed.push(def.by);
            }
            lines.insert(def.name.to_owned(), json!(closed));
        }
        let language = self.who.language;
        let reason = closed.as_ref().map(|error| self.schema.error_message(language, error));
        let code = closed.as_ref().map(|error| error.code.as_ref());
        Ok(json!({"record": whole, "code": code, "reason": reason, "fields": fields, "lines": lines}))
    }

    fn closed_fields(&self, plan: &Plan, all: bool) -> Vec<&'static str> {
        let closed = plan.fields.iter().filter(|f| self.who.may_see(f) && (all || f.by_operation || f.read_only));
        closed.map(|f| f.name).collect()
    }
}
