//! Columns of a list that lie behind references: `customer.country`, `order.customer.name`.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value as J};

use crate::{
    access::Right,
    condition::no_field,
    cx::Cx,
    error::{Error, Result},
    field::{FieldDef, Kind},
    json::encode,
    plan::Plan,
    rec::Row,
    schema::Schema,
};

/// Most columns of a list.
const MOST: usize = 300;
/// Most references on the way.
const DEEPEST: usize = 6;

impl Cx<'_> {
    /// The field that a column shows; what may not be read on the way is refused.
    ///
    /// # Errors
    /// `no_field`, `forbidden`.
    pub fn column_field(&self, entity: &str, path: &str) -> Result<FieldDef> {
        let mut plan = self.schema.plan(entity)?;
        let segments: Vec<&str> = path.split('.').collect();
        if segments.len() > DEEPEST {
            return Err(no_field(path));
        }
        for (at, segment) in segments.iter().enumerate() {
            if *segment == "id" && at + 1 == segments.len() {
                return Ok(FieldDef { name: "id", kind: Kind::Int, ..FieldDef::BASE });
            }
            let field = *plan.field(segment).ok_or_else(|| no_field(path))?;
            if !self.who.may_see(&field) {
                return Err(Error::forbidden(path));
            }
            if at + 1 == segments.len() {
                return Ok(field);
            }
            let Kind::Ref(to) = field.kind else { return Err(no_field(path)) };
            self.require(to, Right::Read)?;
            plan = self.schema.plan(to)?;
        }
        Err(no_field(path))
    }

    /// Leaves of each record what its columns show, and adds what lies behind references. A record that one may not see on
    /// the way shows nothing.
    pub(crate) fn columns(
        &mut self,
        plan: &Plan,
        rows: &[Row],
        names: &[String],
        titles: bool,
        out: &mut [Map<String, J>],
    ) -> Result<()> {
        if names.len() > MOST {
            return Err(Error::bad("too_many").with("max", MOST));
        }
        let own: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        for map in out.iter_mut() {
            map.retain(|key, _| {
                key.starts_with('_') || ["id", "rev", "archived"].contains(&key.as_str()) || own.contains(key.as_str())
            });
        }
        // Several columns mostly go the same way: each step is read once.
        let mut known: HashMap<&str, HashMap<i64, Row>> = HashMap::new();
        for name in names {
            let field = self.column_field(plan.def.name, name)?;
            let Some((base, last)) = name.rsplit_once('.') else { continue };
            if base.is_empty() {
                return Err(no_field(name));
            }
            let to = self.walked(plan, rows, base, &mut known)?;
            let (entity, ends) = to;
            let other = self.schema.plan(entity)?.clone();
            let mut wanted = Vec::new();
            for (map, end) in out.iter_mut().zip(&ends) {
                let row = end.and_then(|id| known.get(base)?.get(&id));
                let value = match (row, other.index(last)) {
                    (Some(row), Some(at)) => encode(&field, other.cells_of(at, &row.cells)),
                    (Some(row), None) => J::from(row.id),
                    (None, _) => J::Null,
                };
                wanted.extend(value.as_i64());
                map.insert(name.clone(), value);
            }
            if let Kind::Ref(to) = field.kind
                && titles
            {
                let titles = self.titles(to, &wanted, 1)?;
                for map in out.iter_mut() {
                    let title = map[name.as_str()].as_i64().and_then(|id| titles.get(&id)).cloned();
                    if let (Some(title), Some(J::Object(all))) = (title, map.get_mut("_titles")) {
                        all.insert(name.clone(), J::String(title));
                    }
                }
            }
        }
        Ok(())
    }

    /// Goes along references from each row: the entity where they end, and the record for each row.
    fn walked<'n>(
        &mut self,
        plan: &Plan,
        rows: &[Row],
        path: &'n str,
        known: &mut HashMap<&'n str, HashMap<i64, Row>>,
    ) -> Result<(&'static str, Vec<Option<i64>>)> {
        let (before, last) = match path.rsplit_once('.') {
            Some((before, last)) => (Some(before), last),
            None => (None, path),
        };
        let id_in = |plan: &Plan, row: &Row| plan.cell(last, &row.cells).as_int();
        let (from, ends) = match before {
            None => (plan.def.name, rows.iter().map(|row| id_in(plan, row)).collect()),
            Some(before) => {
                let (entity, ends) = self.walked(plan, rows, before, known)?;
                let other = self.schema.plan(entity)?.clone();
                let found = known.get(before);
                let next = |end: Option<i64>| found?.get(&end?).and_then(|row| id_in(&other, row));
                (entity, ends.into_iter().map(next).collect::<Vec<_>>())
            }
        };
        let Some(Kind::Ref(to)) = self.schema.plan(from)?.field(last).map(|f| f.kind) else {
            return Err(no_field(path));
        };
        if !known.contains_key(path) {
            let other = self.schema.plan(to)?.clone();
            let ids: Vec<i64> = ends.iter().flatten().copied().collect();
            let read = if ids.is_empty() { Vec::new() } else { self.rows_in(&other, &ids)? };
            known.insert(path, read.into_iter().map(|row| (row.id, row)).collect());
        }
        Ok((to, ends))
    }
}

impl Schema {
    /// What people call a column: the labels on the way to it.
    pub fn path_label(&self, language: lang::Language, entity: &str, path: &str) -> String {
        let mut labels = Vec::new();
        let mut plan = self.plan(entity).ok();
        for segment in path.split('.') {
            let Some((at, field)) = plan.and_then(|plan| Some((plan, plan.field(segment)?))) else {
                labels.push(segment.to_owned());
                break;
            };
            labels.push(self.field_label(language, at.def.name, field));
            plan = match field.kind {
                Kind::Ref(to) => self.plan(to).ok(),
                _ => None,
            };
        }
        labels.join(" – ")
    }
}
