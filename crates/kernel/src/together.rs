//! Writing several records of one entity in one statement.

use store::Value;

use crate::{
    cx::Cx,
    def::Entity,
    error::Result,
    memory::TOGETHER,
    plan::Plan,
    rec::{Rec, Row},
    value::Id,
    write::{RowChange, constraint},
};

impl Cx<'_> {
    /// Stores new records of one entity, together.
    ///
    /// # Errors
    /// As [`Cx::insert`].
    pub fn insert_all<T: Entity>(&mut self, records: Vec<T>) -> Result<Vec<Id<T>>> {
        let plan = self.schema.plan(T::NAME)?.clone();
        let company = self.who.company.id;
        let mut rows = Vec::with_capacity(records.len());
        for record in records {
            let mut cells = Vec::with_capacity(plan.columns.len());
            record.write(&mut cells);
            cells.resize(plan.columns.len(), Value::Null);
            self.checked(&plan, None, &mut cells)?;
            rows.push(cells);
        }
        let made = self.insert_rows(&plan, rows, company);
        Ok(self.or_again(made)?.into_iter().map(Id::new).collect())
    }

    /// Stores what was changed in loaded records of one entity; those that change in the same columns go together.
    ///
    /// # Errors
    /// As [`Cx::save`].
    pub fn save_all<T: Entity>(&mut self, records: &mut [Rec<T>]) -> Result<()> {
        self.writing()?;
        let plan = self.schema.plan(T::NAME)?.clone();
        if plan.def.kept {
            // They are written together in any case.
            return records.iter_mut().try_for_each(|record| self.save(record));
        }
        let mut changed: Vec<(usize, Row, Vec<Value>, RowChange<'_>)> = Vec::new();
        for (at, record) in records.iter().enumerate() {
            let (old, mut cells) = (record.stored(), record.cells());
            self.checked(&plan, Some(&old), &mut cells)?;
            if let Some(change) = self.difference(&plan, &old, &cells)? {
                changed.push((at, old, cells, change));
            }
        }
        // Locks are taken in the order of ids.
        changed.sort_by_key(|(_, old, _, _)| old.id);
        let mut rest = changed.as_slice();
        while let Some((_, _, _, first)) = rest.first() {
            let alike =
                |change: &RowChange<'_>| change.columns.iter().map(|c| c.0).eq(first.columns.iter().map(|c| c.0));
            let count = rest.iter().take(TOGETHER).take_while(|(_, _, _, change)| alike(change)).count();
            let (now, after) = rest.split_at(count);
            self.update_together(&plan, now)?;
            rest = after;
        }
        for (at, old, cells, _) in changed {
            let record = &mut records[at];
            record.rev = old.rev + 1;
            record.value = T::read(&mut crate::field::Reader::new(&cells))?;
            record.base = cells;
        }
        Ok(())
    }

    /// Updates rows that change in the same columns.
    fn update_together(&mut self, plan: &Plan, rows: &[(usize, Row, Vec<Value>, RowChange<'_>)]) -> Result<()> {
        let Some((_, _, _, first)) = rows.first() else { return Ok(()) };
        let columns: Vec<&str> = first.columns.iter().map(|(column, _)| *column).collect();
        let text = if rows.len() > 1 { plan.update_many(&columns, rows.len()) } else { None };
        let Some(text) = text else {
            for (_, old, cells, _) in rows {
                self.update_row(plan, old, cells)?;
            }
            return Ok(());
        };
        let mut params = Vec::new();
        for at in 0..columns.len() {
            for (_, old, _, change) in rows {
                params.extend([Value::Int(old.id), change.columns[at].1.clone()]);
            }
        }
        for (_, old, _, _) in rows {
            params.extend([Value::Int(old.id), Value::Int(old.rev)]);
        }
        let count = self.conn.execute(&text, &params).map_err(|error| constraint(plan, error))?;
        if count != rows.len() as u64 {
            return Err(self.overtaken(rows.first().map_or(0, |(_, old, _, _)| old.id)));
        }
        for (_, old, cells, change) in rows {
            self.updated(plan, old, cells, change)?;
        }
        Ok(())
    }
}
