//! The database behind one small synchronous interface.
//!
//! [`Store::write`] runs a closure in a transaction that it shares with its neighbours (group commit) and answers when
//! the commit is on the disk; [`Store::read`] runs a closure on one snapshot; [`schema`] makes the tables as the
//! program declares them. There are two drivers, for SQLite and for PostgreSQL; both pass the same suite (`tests/suite`).

mod conn;
mod error;
mod inside;
mod postgres;
pub mod schema;
mod search;
mod sqlite;
mod stats;
mod store;
mod text;
mod value;

pub use conn::{ColumnInfo, Conn, Dialect, IndexInfo, TableInfo};
pub use error::{ConstraintKind, Error, Result};
pub use search::{quoted, search_condition, search_match, search_parts};
pub use stats::{Slow, Stats};
pub use store::{Folded, Options, Store};
pub use value::Value;
