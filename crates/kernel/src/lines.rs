//! Owned lines of a record while it is written or drafted.

use std::sync::Arc;

use store::Value;

use crate::{
    def::{Entity, LinesDef, put_back},
    error::Result,
    field::Reader,
    plan::Plan,
};

/// One line on its way into the database.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The stored line, if it is one.
    pub id: Option<i64>,
    /// Its revision.
    pub rev: i64,
    /// What it is to hold.
    pub cells: Vec<Value>,
    /// What it held.
    pub old: Option<Vec<Value>>,
    /// It is to go.
    pub delete: bool,
}

/// The lines of one name.
pub struct LineSet {
    /// The declaration.
    pub def: LinesDef,
    /// The plan of the lines' entity.
    pub plan: Arc<Plan>,
    /// The lines in their order.
    pub lines: Vec<Line>,
}

/// All owned lines of a record.
#[derive(Default)]
pub struct LineSets {
    /// By name.
    pub sets: Vec<LineSet>,
    /// Missing values are taken for zero (drafts).
    pub lenient: bool,
}

impl LineSets {
    /// Calls `edit` with every line of entity `T`; what it changes is kept. Errors name the line.
    ///
    /// # Errors
    /// What `edit` refuses.
    pub fn each<T: Entity>(&mut self, mut edit: impl FnMut(usize, &mut T) -> Result<()>) -> Result<()> {
        let lenient = self.lenient;
        for set in self.sets.iter_mut().filter(|s| s.def.entity == T::NAME) {
            let name = set.def.name;
            for (i, line) in set.lines.iter_mut().filter(|l| !l.delete).enumerate() {
                let mut reader = if lenient { Reader::lenient(&line.cells) } else { Reader::new(&line.cells) };
                let mut record = T::read(&mut reader)?;
                edit(i, &mut record).map_err(|error| error.under(&format!("{name}.{i}")))?;
                put_back(&record, &mut line.cells);
            }
        }
        Ok(())
    }

    /// The lines of entity `T`, without those that are to go.
    ///
    /// # Errors
    /// As reading does.
    pub fn all<T: Entity>(&self) -> Result<Vec<T>> {
        let mut all = Vec::new();
        for set in self.sets.iter().filter(|s| s.def.entity == T::NAME) {
            for line in set.lines.iter().filter(|l| !l.delete) {
                let mut reader = if self.lenient { Reader::lenient(&line.cells) } else { Reader::new(&line.cells) };
                all.push(T::read(&mut reader)?);
            }
        }
        Ok(all)
    }
}
