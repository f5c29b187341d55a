//! What a request refers to has to be there for who sends it: in this company, within the rules, whatever door it comes through.

use serde_json::Value as J;
use store::Value;

use crate::{
    access::Right,
    cx::Cx,
    def::OpDef,
    error::{Arg, Error, FieldError, Result},
    field::{FieldDef, Kind},
    json::encode_fields,
    plan::Plan,
    rec::Row,
};

/// The entity of stored files.
const FILE: &str = "sys.file";

fn no_record(field: String, id: i64) -> FieldError {
    FieldError { field, code: "no_record".into(), args: vec![("id", Arg::Int(id))] }
}

impl Cx<'_> {
    /// Records that are newly related must be some that this person may see, in this company.
    pub(crate) fn relations(
        &mut self,
        plan: &Plan,
        old: Option<&Row>,
        many: &[(&'static str, Vec<i64>)],
    ) -> Result<Vec<FieldError>> {
        let mut errors = Vec::new();
        for (name, ids) in many {
            let Some(relation) = plan.def.many.iter().find(|m| m.name == *name) else { continue };
            let before = match old {
                Some(row) => self.many(plan, name, row.id)?,
                None => Vec::new(),
            };
            let other = self.schema.plan(relation.to)?.clone();
            for id in ids.iter().filter(|id| !before.contains(id)) {
                if !self.reachable(&other, *id)? {
                    errors.push(no_record((*name).to_owned(), *id));
                }
            }
        }
        Ok(errors)
    }

    /// Whether a record is there for who acts.
    fn reachable(&mut self, plan: &Plan, id: i64) -> Result<bool> {
        // Looked at, not held: what the work itself takes, it takes in its order.
        match self.one_row(plan, id, false) {
            Ok(_) if self.who.is_admin() => Ok(true),
            // A file is told to who reads the record that names it: only who brought it may let a record name it.
            Ok(row) if plan.def.name == FILE => {
                Ok(self.who.user != 0 && plan.cell("by", &row.cells).as_int() == Some(self.who.user))
            }
            Ok(_) => self.within(plan, id, Right::Read),
            Err(error) if error.status == 404 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// References that were changed must lead to records that this person may see, in this company.
    pub(crate) fn references(
        &mut self,
        plan: &Plan,
        old: Option<&[Value]>,
        cells: &[Value],
    ) -> Result<Vec<FieldError>> {
        let schema = self.schema.clone();
        let mut errors = Vec::new();
        for (i, field) in plan.fields.iter().enumerate() {
            let now = plan.cells_of(i, cells);
            if old.is_some_and(|old| plan.cells_of(i, old) == now) {
                continue;
            }
            let to = match (field.kind, now) {
                (Kind::Ref(to), _) => to,
                (Kind::File, _) => FILE,
                (Kind::AnyRef, [_, Value::Text(entity)]) => entity.as_str(),
                _ => continue,
            };
            let Some(id) = now.first().and_then(Value::as_int) else { continue };
            if !self.reachable(schema.plan(to)?, id)? {
                errors.push(no_record(field.name.to_owned(), id));
            }
        }
        Ok(errors)
    }

    /// References in the input of an operation that comes from outside must lead to records that who acts may see. The record
    /// that it works on is looked at when it is entered.
    pub(crate) fn check_references(&mut self, def: &OpDef, cells: &[Value]) -> Result<()> {
        let refers = |f: &FieldDef| matches!(f.kind, Kind::Ref(_) | Kind::AnyRef | Kind::File | Kind::List(_));
        if !(def.input)().iter().any(|f| refers(f) && f.name != def.target) {
            return Ok(());
        }
        let input = encode_fields((def.input)(), cells);
        let mut errors = Vec::new();
        self.look_up((def.input)(), &input, def.target, "", &mut errors)?;
        if errors.is_empty() { Ok(()) } else { Err(Error::fields(errors)) }
    }

    fn look_up(
        &mut self,
        fields: &'static [FieldDef],
        input: &J,
        but: &str,
        under: &str,
        errors: &mut Vec<FieldError>,
    ) -> Result<()> {
        let schema = self.schema.clone();
        for field in fields.iter().filter(|f| f.name != but) {
            let value = &input[field.name];
            let (to, id) = match field.kind {
                Kind::Ref(to) => (to, value.as_i64()),
                Kind::File => (FILE, value.as_i64()),
                Kind::AnyRef => (value["entity"].as_str().unwrap_or(""), value["id"].as_i64()),
                Kind::List(inner) => {
                    for (i, row) in value.as_array().into_iter().flatten().enumerate() {
                        self.look_up(inner(), row, "", &format!("{under}{}.{i}.", field.name), errors)?;
                    }
                    continue;
                }
                _ => continue,
            };
            if let Some(id) = id
                && !self.reachable(schema.plan(to)?, id)?
            {
                errors.push(no_record(format!("{under}{}", field.name), id));
            }
        }
        Ok(())
    }
}
