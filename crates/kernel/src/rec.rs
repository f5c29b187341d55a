//! Records in memory: typed, with what was stored beside what is to be.

use std::ops::{Deref, DerefMut};

use store::Value;

use crate::{
    def::Fields,
    error::{Error, Result},
    field::Reader,
    value::Id,
};

/// A stored row: managed columns and cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Identifier.
    pub id: i64,
    /// Revision; 1 for rows that never change.
    pub rev: i64,
    /// Company; 0 for shared entities.
    pub company: i64,
    /// Archived.
    pub archived: bool,
    /// The cells, by the plan.
    pub cells: Vec<Value>,
}

impl Row {
    /// Reads what [`crate::plan::Plan::row_exprs`] selects.
    pub(crate) fn from_values(values: &[Value]) -> Result<Self> {
        let Some((managed, cells)) = values.split_at_checked(4) else {
            return Err(Error::internal("a row is too short"));
        };
        let int = |i: usize| managed.get(i).and_then(Value::as_int).unwrap_or(0);
        Ok(Self { id: int(0), rev: int(1), company: int(2), archived: int(3) != 0, cells: cells.to_vec() })
    }
}

/// A typed record as it was loaded, to be changed and saved.
#[derive(Clone, Debug)]
pub struct Rec<T> {
    /// Identifier.
    pub id: Id<T>,
    /// Revision that was loaded.
    pub rev: i64,
    /// Company.
    pub company: i64,
    /// Archived.
    pub archived: bool,
    pub(crate) value: T,
    pub(crate) base: Vec<Value>,
}

impl<T: Fields> Rec<T> {
    pub(crate) fn from_row(row: Row) -> Result<Self> {
        let value = T::read(&mut Reader::new(&row.cells))?;
        Ok(Self {
            id: Id::new(row.id),
            rev: row.rev,
            company: row.company,
            archived: row.archived,
            value,
            base: row.cells,
        })
    }
    /// The row as it was loaded.
    pub(crate) fn stored(&self) -> Row {
        Row {
            id: self.id.raw(),
            rev: self.rev,
            company: self.company,
            archived: self.archived,
            cells: self.base.clone(),
        }
    }
    /// The cells that it is to hold: its own fields written out, custom ones as they were.
    pub(crate) fn cells(&self) -> Vec<Value> {
        let mut cells = self.base.clone();
        crate::def::put_back(&self.value, &mut cells);
        cells
    }
    /// The value without its place in the database.
    pub fn into_inner(self) -> T {
        self.value
    }
}
impl<T> Deref for Rec<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}
impl<T> DerefMut for Rec<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}
