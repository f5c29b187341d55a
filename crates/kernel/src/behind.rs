//! Kept rows are written behind: what changes in them is written once, many rows in one statement, before anybody looks for
//! them in the database and at the latest with the commit. They are held, so nobody else changes them meanwhile.

use std::collections::BTreeMap;

use store::Value;

use crate::{
    cx::Cx,
    def::Entity,
    error::{Error, Result},
    memory::{Question, TOGETHER},
    plan::Plan,
    rec::{Rec, Row},
    write::constraint,
};

/// A row that differs from what the database has.
pub(crate) struct Behind {
    /// As it stands in the database.
    stored: Row,
    /// Its revision now: each save counts, though they are written together.
    rev: i64,
    cells: Vec<Value>,
}

/// A change as a statement wants it: the new revision and columns with their values.
struct Written<'p> {
    stored: Row,
    rev: i64,
    columns: Vec<(&'p str, Value)>,
}

impl Cx<'_> {
    /// Notes a change of a kept row for later; its new revision. `None` where it has to be written now.
    pub(crate) fn later(&mut self, plan: &Plan, old: &Row, cells: &[Value]) -> Result<Option<i64>> {
        if !plan.def.kept || plan.search || !self.memory.holds(plan, old.id) || self.memory.is_late(plan.def.name) {
            return Ok(None);
        }
        let Some(change) = self.difference(plan, old, cells)? else { return Ok(Some(old.rev)) };
        let rev = old.rev + 1;
        match self.memory.behind.get_mut(&(plan.def.name, old.id)) {
            // Somebody in this transaction has changed it since it was loaded.
            Some(behind) if behind.rev != old.rev => return Err(self.overtaken(old.id)),
            Some(behind) => (behind.rev, behind.cells) = (rev, cells.to_vec()),
            None => {
                let behind = Behind { stored: old.clone(), rev, cells: cells.to_vec() };
                self.memory.behind.insert((plan.def.name, old.id), behind);
            }
        }
        self.updated(plan, old, cells, &change)?;
        Ok(Some(rev))
    }

    /// Writes what waits in an entity, or in all of them.
    pub(crate) fn write_behind(&mut self, entity: Option<&str>) -> Result<()> {
        let mut all = std::mem::take(&mut self.memory.behind);
        if let Some(entity) = entity {
            let (now, later) = all.into_iter().partition(|((name, _), _)| *name == entity);
            (all, self.memory.behind) = (now, later);
        }
        let mut entities: BTreeMap<&'static str, Vec<Behind>> = BTreeMap::new();
        for ((name, _), behind) in all {
            entities.entry(name).or_default().push(behind);
        }
        for (name, rows) in entities {
            let plan = self.schema.plan(name)?.clone();
            let mut alike: BTreeMap<Vec<&str>, Vec<Written<'_>>> = BTreeMap::new();
            for Behind { stored, rev, cells } in rows {
                let columns = self.difference(&plan, &stored, &cells)?.map_or_else(Vec::new, |change| change.columns);
                let names = columns.iter().map(|(column, _)| *column).collect();
                alike.entry(names).or_default().push(Written { stored, rev, columns });
            }
            for (columns, rows) in alike {
                for rows in rows.chunks(TOGETHER) {
                    self.write_rows(&plan, &columns, rows)?;
                }
            }
        }
        Ok(())
    }

    fn write_rows(&mut self, plan: &Plan, columns: &[&str], rows: &[Written<'_>]) -> Result<()> {
        let together = if rows.len() > 1 { plan.update_behind(columns, rows.len()) } else { None };
        let Some(text) = together else {
            let text = plan.update_of(columns);
            for row in rows {
                let mut params: Vec<Value> = row.columns.iter().map(|(_, value)| value.clone()).collect();
                params.extend([Value::Int(row.rev), Value::Int(row.stored.id), Value::Int(row.stored.rev)]);
                self.expect(plan, &text, &params, std::slice::from_ref(row))?;
            }
            return Ok(());
        };
        let mut params = Vec::new();
        for at in 0..columns.len() {
            params.extend(rows.iter().flat_map(|row| [Value::Int(row.stored.id), row.columns[at].1.clone()]));
        }
        params.extend(rows.iter().flat_map(|row| [Value::Int(row.stored.id), Value::Int(row.rev)]));
        params.extend(rows.iter().flat_map(|row| [Value::Int(row.stored.id), Value::Int(row.stored.rev)]));
        self.expect(plan, &text, &params, rows)
    }

    fn expect(&mut self, plan: &Plan, text: &str, params: &[Value], rows: &[Written<'_>]) -> Result<()> {
        let count = self.conn.execute(text, params).map_err(|error| constraint(plan, error))?;
        if count == rows.len() as u64 {
            return Ok(());
        }
        Err(self.overtaken(rows.first().map_or(0, |row| row.stored.id)))
    }

    /// Records of which a field has one of several values, and others are equal: one question instead of many. Each of them
    /// is remembered, so that [`Cx::by`] with the same fields in the same order answers it afterwards.
    ///
    /// # Errors
    /// As [`Cx::by`].
    pub fn by_any<T: Entity>(&mut self, field: &str, values: &[Value], rest: &[(&str, Value)]) -> Result<Vec<Rec<T>>> {
        let plan = self.schema.plan(T::NAME)?.clone();
        let column =
            |name: &str| plan.column(name).ok_or_else(|| Error::internal(format!("{} has no {name}", T::NAME)));
        let mut columns = vec![column(field)?];
        let mut equal = Vec::new();
        for (name, value) in rest {
            columns.push(column(name)?);
            equal.push(value.clone());
        }
        if !plan.def.shared && self.who.company.id != 0 {
            columns.push("company");
            equal.push(Value::Int(self.who.company.id));
        }
        let hold = self.holds(&plan);
        let question = |value: &Value| {
            let params: Vec<Value> = std::iter::once(value).chain(&equal).cloned().collect();
            Question::new(&columns, &params)
        };
        let mut open: Vec<&Value> = Vec::new();
        for value in values {
            if !open.contains(&value) && self.answered(&plan, &question(value), hold).is_none() {
                open.push(value);
            }
        }
        for open in open.chunks(TOGETHER) {
            self.write_late(Some(plan.def.name))?;
            let version = self.steady_version(&plan);
            let taking = self.memory.taking(&plan, hold);
            let text = plan.select_any(&columns, open.len(), taking);
            let params: Vec<Value> = open.iter().copied().chain(&equal).cloned().collect();
            let mut rows = Vec::new();
            let read = self.conn.query(&text, &params, &mut |values| {
                rows.push(Row::from_values(values));
                Ok(true)
            });
            self.taken(taking, read, 0)?;
            let rows = rows.into_iter().collect::<Result<Vec<_>>>()?;
            let at = plan.columns.iter().position(|c| c == columns[0]);
            for value in open {
                let is = |row: &&Row| match at {
                    Some(at) => row.cells.get(at) == Some(*value),
                    None => Value::Int(row.id) == **value,
                };
                let found: Vec<Row> = rows.iter().filter(is).cloned().collect();
                self.remember(&plan, question(value), &found, version);
            }
            if hold {
                rows.iter().for_each(|row| self.memory.hold(&plan, row.id));
            }
        }
        let mut all = Vec::new();
        for (at, value) in values.iter().enumerate() {
            if values[..at].contains(value) {
                continue;
            }
            let params: Vec<(&str, Value)> =
                std::iter::once((field, value.clone())).chain(rest.iter().cloned()).collect();
            all.extend(self.by(&params)?);
        }
        Ok(all)
    }

    /// Deletes loaded records of an entity, together where nothing hangs on them.
    ///
    /// # Errors
    /// As [`Cx::delete`].
    pub fn delete_all<T: Entity>(&mut self, records: &[Rec<T>]) -> Result<()> {
        self.writing()?;
        let plan = self.schema.plan(T::NAME)?.clone();
        let bare = plan.def.kept && !plan.search && plan.def.lines.is_empty() && plan.def.many.is_empty();
        if !bare {
            return records.iter().try_for_each(|record| self.delete_row(&plan, &record.stored()));
        }
        if self.memory.is_late(plan.def.name) {
            self.write_late(Some(plan.def.name))?;
        }
        for records in records.chunks(TOGETHER) {
            let ids: Vec<Value> = records.iter().map(|record| Value::from(record.id)).collect();
            let gone = self.conn.execute(&plan.delete_many(ids.len()), &ids);
            if gone.map_err(|error| constraint(&plan, error))? != ids.len() as u64 {
                return Err(self.overtaken(records.first().map_or(0, |record| record.id.raw())));
            }
            for record in records {
                self.deleted(&plan, record.id.raw(), record.rev);
            }
        }
        Ok(())
    }
}
