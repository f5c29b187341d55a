//! Records as JSON for those who ask: with titles of what they refer to, expansions, lines; sensitive fields left out.

use std::collections::HashMap;

use serde_json::{Map, Value as J, json};
use store::Value;

use crate::{
    access::Right,
    cx::Cx,
    error::{Error, Result},
    field::Kind,
    filter::Filter,
    json::encode,
    plan::Plan,
    query::{self, Query},
    rec::Row,
};

/// What to add to records.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// References to put the record in place of the id.
    pub expand: Vec<String>,
    /// Titles of references.
    pub titles: bool,
    /// Owned lines and many-to-many relations.
    pub lines: bool,
    /// What of the record may not be typed, as `_read_only`.
    pub editing: bool,
    /// Only these fields, and paths of references that end in a field; all fields where empty.
    pub columns: Vec<String>,
}

impl Cx<'_> {
    /// Rows of one entity as JSON.
    ///
    /// # Errors
    /// For expansions that do not exist or may not be read.
    pub fn present(&mut self, entity: &str, rows: &[Row], shape: &Shape) -> Result<Vec<J>> {
        let plan = self.schema.plan(entity)?.clone();
        let mut out: Vec<Map<String, J>> = Vec::with_capacity(rows.len());
        for row in rows {
            out.push(self.record(&plan, row));
        }
        let own = self.own_titles(&plan, rows)?;
        for (map, title) in out.iter_mut().zip(own) {
            map.insert("_title".to_owned(), J::String(title));
        }
        if shape.titles {
            self.add_titles(&plan, rows, &mut out)?;
        }
        for name in &shape.expand {
            self.expand(&plan, rows, name, &mut out)?;
        }
        if !shape.columns.is_empty() {
            self.columns(&plan, rows, &shape.columns, shape.titles, &mut out)?;
        }
        if shape.lines {
            for (map, row) in out.iter_mut().zip(rows) {
                self.add_lines(&plan, row.id, shape.titles, map)?;
            }
        }
        if shape.editing {
            for (map, row) in out.iter_mut().zip(rows) {
                map.insert("_read_only".to_owned(), self.read_only(&plan, Some(row))?);
            }
        }
        Ok(out.into_iter().map(J::Object).collect())
    }

    fn record(&self, plan: &Plan, row: &Row) -> Map<String, J> {
        let mut map = Map::new();
        map.insert("id".to_owned(), J::from(row.id));
        map.insert("rev".to_owned(), J::from(row.rev));
        if !plan.def.append_only {
            map.insert("archived".to_owned(), J::from(row.archived));
        }
        for (i, field) in plan.fields.iter().enumerate() {
            if self.who.may_see(field) {
                map.insert(field.name.to_owned(), encode(field, plan.cells_of(i, &row.cells)));
            }
        }
        map
    }

    /// The title of each row: its title field; through a reference where that is one.
    pub(crate) fn own_titles(&mut self, plan: &Plan, rows: &[Row]) -> Result<Vec<String>> {
        self.titles_of(plan, rows, 0)
    }

    fn titles_of(&mut self, plan: &Plan, rows: &[Row], depth: usize) -> Result<Vec<String>> {
        let Some(index) = plan.index(plan.def.title) else {
            return Ok(rows.iter().map(|row| format!("#{}", row.id)).collect());
        };
        let field = plan.fields[index];
        if !self.who.may_see(&field) {
            return Ok(rows.iter().map(|row| format!("#{}", row.id)).collect());
        }
        let mut wanted: HashMap<String, Vec<i64>> = HashMap::new();
        for row in rows {
            match (field.kind, plan.cells_of(index, &row.cells)) {
                (Kind::Ref(to), [Value::Int(id)]) => wanted.entry(to.to_owned()).or_default().push(*id),
                (Kind::AnyRef, [Value::Int(id), Value::Text(to)]) => wanted.entry(to.clone()).or_default().push(*id),
                _ => {}
            }
        }
        let mut named = HashMap::new();
        for (to, ids) in wanted {
            if self.schema.plan(&to).is_ok() {
                let titles = self.titles(&to, &ids, depth + 1)?;
                named.extend(titles.into_iter().map(|(id, title)| ((to.clone(), id), title)));
            }
        }
        // A record that has its title in Czech too is called so to who reads Czech.
        let czech = (self.who.language == lang::Language::Cs).then(|| plan.index(&format!("{}_cs", plan.def.title)));
        let czech = czech.flatten().filter(|at| self.who.may_see(&plan.fields[*at]));
        let translated = |row: &Row| Some(plan.cells_of(czech?, &row.cells).first()?.as_text()?.to_owned());
        Ok(rows
            .iter()
            .map(|row| match (field.kind, plan.cells_of(index, &row.cells)) {
                (Kind::Ref(to), [Value::Int(id)]) => {
                    named.get(&(to.to_owned(), *id)).cloned().unwrap_or_else(|| format!("#{id}"))
                }
                // Called as what it is about: an item that is owed by its invoice, a run of a process by its order.
                (Kind::AnyRef, [Value::Int(id), Value::Text(to)]) => {
                    named.get(&(to.clone(), *id)).cloned().unwrap_or_else(|| format!("#{}", row.id))
                }
                (Kind::Choice(_) | Kind::AnyRef, _) => format!("#{}", row.id),
                (_, [Value::Text(text), ..]) => translated(row).unwrap_or_else(|| text.clone()),
                (_, [Value::Int(value), ..]) => value.to_string(),
                _ => format!("#{}", row.id),
            })
            .collect())
    }

    /// Titles of records by id; those that this person may not read are left out.
    ///
    /// # Errors
    /// As reading does.
    pub fn titles(&mut self, entity: &str, ids: &[i64], depth: usize) -> Result<HashMap<i64, String>> {
        let plan = self.schema.plan(entity)?.clone();
        if ids.is_empty() || depth > 3 || !query::may(&self.schema, &self.who, &plan.def, Right::Read) {
            return Ok(HashMap::new());
        }
        let rows = self.rows_in(&plan, ids)?;
        let titles = self.titles_of(&plan, &rows, depth)?;
        Ok(rows.iter().map(|r| r.id).zip(titles).collect())
    }

    /// Titles of the collected links, as far as who acts may read them.
    pub(crate) fn link_titles(&mut self) -> Result<Vec<Option<String>>> {
        let links = self.collected.links.clone();
        links.iter().map(|link| Ok(self.titles(link.entity, &[link.id], 1)?.remove(&link.id))).collect()
    }

    pub(crate) fn rows_in(&mut self, plan: &Plan, ids: &[i64]) -> Result<Vec<Row>> {
        // Without a rule that narrows, what the transaction remembers need not be asked again.
        if query::rule(&self.schema, &self.who, &plan.def, Right::Read).is_none() {
            let known: Option<Vec<Row>> = ids.iter().map(|id| self.remembered(plan, *id)).collect();
            if let Some(rows) = known
                && rows.iter().all(|row| row.company == 0 || row.company == self.who.company.id)
            {
                return Ok(rows);
            }
        }
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let mut rows = Vec::new();
        for chunk in ids.chunks(500) {
            let query = Query {
                entity: plan.def.name.to_owned(),
                filter: Some(Filter::within("id", chunk.iter().copied())),
                archived: true,
                ..Query::default()
            };
            rows.extend(self.select(&query, true)?.0);
        }
        Ok(rows)
    }

    fn add_titles(&mut self, plan: &Plan, rows: &[Row], out: &mut [Map<String, J>]) -> Result<()> {
        let mut maps: Vec<Map<String, J>> = vec![Map::new(); rows.len()];
        for (i, field) in plan.fields.iter().enumerate() {
            let mut wanted: HashMap<&str, Vec<i64>> = HashMap::new();
            for row in rows {
                match (field.kind, plan.cells_of(i, &row.cells)) {
                    (Kind::Ref(to), [Value::Int(id)]) => wanted.entry(to).or_default().push(*id),
                    (Kind::AnyRef, [Value::Int(id), Value::Text(to)]) => wanted.entry(to).or_default().push(*id),
                    _ => {}
                }
            }
            for (to, ids) in wanted {
                if self.schema.plan(to).is_err() {
                    continue;
                }
                let titles = self.titles(to, &ids, 1)?;
                for (map, row) in maps.iter_mut().zip(rows) {
                    let cells = plan.cells_of(i, &row.cells);
                    let same = cells.get(1).and_then(Value::as_text).is_none_or(|entity| entity == to);
                    if let Some(title) = cells.first().and_then(Value::as_int).and_then(|id| titles.get(&id))
                        && same
                    {
                        map.insert(field.name.to_owned(), J::String(title.clone()));
                    }
                }
            }
        }
        for (map, titles) in out.iter_mut().zip(maps) {
            map.insert("_titles".to_owned(), J::Object(titles));
        }
        Ok(())
    }

    fn expand(&mut self, plan: &Plan, rows: &[Row], name: &str, out: &mut [Map<String, J>]) -> Result<()> {
        let index = plan
            .index(name)
            .filter(|i| self.who.may_see(&plan.fields[*i]))
            .ok_or_else(|| Error::bad("no_field").with("field", name))?;
        let mut wanted: HashMap<String, Vec<i64>> = HashMap::new();
        for row in rows {
            match (plan.fields[index].kind, plan.cells_of(index, &row.cells)) {
                (Kind::Ref(to), [Value::Int(id)]) => wanted.entry(to.to_owned()).or_default().push(*id),
                (Kind::AnyRef, [Value::Int(id), Value::Text(to)]) => wanted.entry(to.clone()).or_default().push(*id),
                (Kind::Ref(_) | Kind::AnyRef, _) => {}
                _ => return Err(Error::bad("no_field").with("field", name)),
            }
        }
        let mut found: HashMap<(String, i64), J> = HashMap::new();
        for (to, ids) in wanted {
            // An entity that was removed is known to nobody any more.
            let Ok(other) = self.schema.plan(&to).cloned() else { continue };
            self.require(&to, Right::Read)?;
            let others = self.rows_in(&other, &ids)?;
            for (row, json) in others.iter().zip(self.present(&to, &others, &Shape::default())?) {
                found.insert((to.clone(), row.id), json);
            }
        }
        for (map, row) in out.iter_mut().zip(rows) {
            let cells = plan.cells_of(index, &row.cells);
            let Some(id) = cells.first().and_then(Value::as_int) else { continue };
            let to = match plan.fields[index].kind {
                Kind::Ref(to) => to,
                _ => cells.get(1).and_then(Value::as_text).unwrap_or(""),
            };
            if let Some(json) = found.get(&(to.to_owned(), id)) {
                map.insert(name.to_owned(), json.clone());
            }
        }
        Ok(())
    }

    fn add_lines(&mut self, plan: &Plan, id: i64, titles: bool, map: &mut Map<String, J>) -> Result<()> {
        for lines in plan.def.lines {
            let rows = self.rows_by(lines.entity, &[(lines.by, Value::Int(id))])?;
            let shape = Shape { titles, ..Shape::default() };
            map.insert(lines.name.to_owned(), J::Array(self.present(lines.entity, &rows, &shape)?));
        }
        for many in plan.def.many {
            let ids = self.many(plan, many.name, id)?;
            map.insert(many.name.to_owned(), json!(ids));
        }
        Ok(())
    }
}
