//! The connection that a transaction works with.

use crate::{Result, Slow, Value};

/// The database behind a connection, for the few places where SQL differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite in one file.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// One table as it stands in the database.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TableInfo {
    /// The name.
    pub name: String,
    /// The columns, in their order.
    pub columns: Vec<ColumnInfo>,
    /// The indexes, without those that the primary key makes by itself.
    pub indexes: Vec<IndexInfo>,
    /// The names of its triggers.
    pub triggers: Vec<String>,
}

/// One column as it stands in the database.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ColumnInfo {
    /// The name.
    pub name: String,
    /// The type in upper case: `INTEGER`, `TEXT`, `BLOB`.
    pub ty: String,
    /// Whether a value is required.
    pub not_null: bool,
}

/// One index as it stands in the database.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct IndexInfo {
    /// The name.
    pub name: String,
    /// The columns, in their order; an expression has an empty name.
    pub columns: Vec<String>,
    /// Whether the values are unique.
    pub unique: bool,
}

/// A connection inside a transaction. Parameters are written `?` and bound in their order.
///
/// A statement that fails in a writing transaction spends it: further statements are refused, and it cannot be committed,
/// until a savepoint opened before is rolled back to. So whoever wants to live with a failure opens a savepoint first.
/// Where the database itself had to roll everything back (full disk, I/O error, deadlock), no savepoint helps.
pub trait Conn {
    /// The database behind.
    fn dialect(&self) -> Dialect;

    /// Runs a statement (prepared once and kept) and calls `each` for every row; `Ok(false)` stops early.
    fn query(&mut self, sql: &str, params: &[Value], each: &mut dyn FnMut(&[Value]) -> Result<bool>) -> Result<()>;

    /// Runs a statement that gives no rows; returns how many rows it changed.
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64>;

    /// Runs several statements without parameters, for changes of the schema.
    fn batch(&mut self, sql: &str) -> Result<()>;

    /// Says that the closure is about to fail because others changed the same rows meanwhile: the store runs it again from
    /// the beginning, a few times. Where there is one writer nobody can have, and the failure is answered at once.
    fn repeat(&mut self) {}

    /// Holds a lock of this name until the transaction ends: `alone`, or together with others who do not ask for it alone.
    /// For what has no row to lock. Where there is one writer it is held already.
    fn hold(&mut self, what: &str, id: i64, alone: bool) -> Result<()> {
        let _ = (what, id, alone);
        Ok(())
    }

    /// Statements of this database that took long, since it was opened; those first that took most of the time.
    fn slow(&self) -> Vec<Slow> {
        Vec::new()
    }

    /// Opens a savepoint inside the innermost one.
    fn savepoint(&mut self) -> Result<()>;

    /// Keeps what was done since the innermost savepoint and closes it.
    fn release(&mut self) -> Result<()>;

    /// Undoes what was done since the innermost savepoint and closes it.
    fn rollback_to(&mut self) -> Result<()>;

    /// Whether this connection may write.
    fn writable(&self) -> bool;

    /// The tables as they stand, ordered by name, without the database's own ones.
    fn tables(&mut self) -> Result<Vec<TableInfo>>;

    /// What is wrong with the database itself: damage, references that lead nowhere. `full` reads all of it.
    fn integrity(&mut self, full: bool) -> Result<Vec<String>>;

    /// Puts the words of one row (folded tokens separated by spaces) into the table's full text index, in place of
    /// what was there for this id.
    fn search_put(&mut self, table: &str, id: i64, words: &str) -> Result<()>;

    /// Takes one row out of the table's full text index.
    fn search_delete(&mut self, table: &str, id: i64) -> Result<()>;
}

impl dyn Conn + '_ {
    /// All rows of a query.
    pub fn rows(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        self.query(sql, params, &mut |row| {
            rows.push(row.to_vec());
            Ok(true)
        })?;
        Ok(rows)
    }

    /// The first row of a query.
    pub fn row(&mut self, sql: &str, params: &[Value]) -> Result<Option<Vec<Value>>> {
        let mut found = None;
        self.query(sql, params, &mut |row| {
            found = Some(row.to_vec());
            Ok(false)
        })?;
        Ok(found)
    }

    /// The first column of the first row, when it is an integer.
    pub fn int(&mut self, sql: &str, params: &[Value]) -> Result<Option<i64>> {
        let mut found = None;
        self.query(sql, params, &mut |row| {
            found = row.first().and_then(Value::as_int);
            Ok(false)
        })?;
        Ok(found)
    }

    /// The first column of the first row, when it is a text.
    pub fn text(&mut self, sql: &str, params: &[Value]) -> Result<Option<String>> {
        let mut found = None;
        self.query(sql, params, &mut |row| {
            found = row.first().and_then(Value::as_text).map(str::to_owned);
            Ok(false)
        })?;
        Ok(found)
    }
}
