//! Makes the tables of the database as the program declares them.
//!
//! [`plan`] compares and tells the differences; [`apply`] makes the safe ones in the caller's transaction, writes each
//! down in `sys_migration`, and refuses the unsafe ones. Nothing is ever lost: columns and tables that are not declared
//! any more stay, and so do indexes, except unique ones, which would go on refusing.

mod ddl;
mod plan;
mod standing;

pub(crate) use ddl::check_name;
pub use plan::{apply, apply_views, is_current, plan};

use crate::Value;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ColumnType {
    /// A 64-bit integer.
    #[default]
    Int,
    /// Text.
    Text,
    /// Bytes.
    Blob,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The type.
    pub ty: ColumnType,
    /// Whether a value is required.
    pub not_null: bool,
    /// A condition in SQL that both databases understand. When it is broken, the error says `table.column`.
    pub check: Option<String>,
    /// The table whose `id` this column holds.
    pub references: Option<String>,
    /// The value of rows that do not give one.
    pub default: Option<Value>,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Index {
    /// The name, unique in the database.
    pub name: String,
    /// The columns.
    pub columns: Vec<String>,
    /// Whether the values are unique.
    pub unique: bool,
    /// Only rows for which this SQL condition holds.
    pub filter: Option<String>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Table {
    /// The name.
    pub name: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The columns of the primary key; empty means `id`.
    pub primary_key: Vec<String>,
    /// Further conditions over a row: name and SQL.
    pub checks: Vec<(String, String)>,
    /// The indexes.
    pub indexes: Vec<Index>,
    /// Whether rows are only ever added.
    pub append_only: bool,
    /// A condition in SQL over `OLD`: rows for which it holds are neither changed nor deleted.
    pub immutable_when: Option<String>,
    /// Whether the table has a full text index.
    pub search: bool,
    /// A SELECT for reporting tools, which becomes the view `v_NAME`.
    pub view: Option<String>,
}

impl Column {
    /// A column that may be empty.
    pub fn new(name: impl Into<String>, ty: ColumnType) -> Self {
        Column { name: name.into(), ty, ..Column::default() }
    }

    /// The same column, required.
    pub fn required(mut self) -> Self {
        self.not_null = true;
        self
    }

    /// The same column, referring to another table.
    pub fn referring(mut self, table: impl Into<String>) -> Self {
        self.references = Some(table.into());
        self
    }

    /// The same column with a condition.
    pub fn checked(mut self, condition: impl Into<String>) -> Self {
        self.check = Some(condition.into());
        self
    }
}

impl Table {
    /// A table with these columns.
    pub fn new(name: impl Into<String>, columns: Vec<Column>) -> Self {
        Table { name: name.into(), columns, ..Table::default() }
    }
}

/// A difference between what is declared and what stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It can be made at once and loses nothing.
    Safe {
        /// What it is, in words.
        what: String,
        /// The statements.
        sql: String,
    },
    /// It cannot be made without somebody's decision.
    Unsafe {
        /// What it is, in words.
        what: String,
    },
}

/// What [`apply`] did.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Applied {
    /// The changes that were made; none when everything stood already.
    pub changes: Vec<Change>,
    /// Tables that have rows and got an empty full text index: the caller has to fill it.
    pub search_to_fill: Vec<String>,
}
