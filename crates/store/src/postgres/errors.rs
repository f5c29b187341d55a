//! From PostgreSQL's errors to ours.

use std::error::Error as _;

use postgres::error::{DbError, SqlState};

use crate::error::{changed_table, shortened};
use crate::{ConstraintKind, Error};

/// What our triggers raise: append-only and immutable rows.
pub(crate) const REFUSED: &str = "CE001";

/// Translates an error; `sql` is the statement that gave it.
pub(super) fn translate(error: &postgres::Error, sql: &str) -> Error {
    if let Some(told) = error.as_db_error() {
        return answered(told, sql);
    }
    let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    if error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>()) {
        return Error::Io(format!("the connection to the database is gone: {why}"));
    }
    Error::sql(format!("{why}: {}", shortened(sql)))
}

/// Whether the statement has to be prepared anew, because a table was changed under it.
pub(super) fn is_outdated(error: &postgres::Error) -> bool {
    error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED) && error.to_string().contains("cached plan")
        || error.as_db_error().is_some_and(|told| {
            told.code() == &SqlState::FEATURE_NOT_SUPPORTED && told.message().contains("cached plan")
        })
}

fn answered(told: &DbError, sql: &str) -> Error {
    let code = told.code();
    if let Some(error) = constraint(told, sql) {
        return error;
    }
    match code.code() {
        // Serialisation failure, deadlock.
        "40001" | "40P01" => Error::Conflict,
        "55P03" => Error::Busy,
        "57014" => Error::Interrupted,
        // Disk full, out of memory for it, limits of the server.
        "53100" => Error::Full,
        "53300" => Error::Busy,
        "53000" | "53200" | "53400" | "58000" | "58030" => Error::Io(told.message().to_owned()),
        "XX001" | "XX002" => Error::Corrupt(told.message().to_owned()),
        // The server goes down or comes up.
        "57P01" | "57P02" | "57P03" | "25P03" | "08000" | "08003" | "08006" => Error::Io(told.message().to_owned()),
        "3D000" | "3F000" => Error::NotFound(told.message().to_owned()),
        "28000" | "28P01" => Error::Io(format!("the server refuses the sign-in: {}", told.message())),
        _ => Error::sql(format!("{}: {}", told.message(), shortened(sql))),
    }
}

fn constraint(told: &DbError, sql: &str) -> Option<Error> {
    let table = told.table().unwrap_or_default();
    let named = || told.constraint().unwrap_or_else(|| told.message()).to_owned();
    let (kind, detail) = match told.code().code() {
        "23505" => (ConstraintKind::Unique, key_columns(told, table).unwrap_or_else(named)),
        "23514" => (ConstraintKind::Check, named()),
        "23503" => (ConstraintKind::ForeignKey, changed_table(sql)),
        "23502" => (ConstraintKind::NotNull, format!("{table}.{}", told.column().unwrap_or_default())),
        REFUSED => (ConstraintKind::Trigger, told.message().to_owned()),
        _ => return None,
    };
    Some(Error::Constraint { kind, detail })
}

/// `table.column, table.column` out of `Key (column, "column")=(…)`, whatever language the words around are in.
fn key_columns(told: &DbError, table: &str) -> Option<String> {
    let detail = told.detail()?;
    let from = detail.find('(')? + 1;
    let columns = &detail[from..from + detail[from..].find(")=(")?];
    let columns: Vec<String> = columns.split(", ").map(|name| format!("{table}.{}", name.trim_matches('"'))).collect();
    Some(columns.join(", "))
}
