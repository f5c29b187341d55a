//! From SQLite's errors to ours.

use rusqlite::ffi;

use crate::error::{changed_table, shortened};
use crate::{ConstraintKind, Error};

/// Translates an error; `sql` is the statement that gave it.
pub(crate) fn translate(error: rusqlite::Error, sql: &str) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            failure(code, message.unwrap_or_else(|| code.to_string()), sql)
        }
        rusqlite::Error::SqlInputError { error, msg, .. } => failure(error, msg, sql),
        rusqlite::Error::ExecuteReturnedResults => {
            Error::sql(format!("the statement gives rows, query it instead: {}", shortened(sql)))
        }
        other => Error::sql(format!("{other}: {}", shortened(sql))),
    }
}

fn failure(code: ffi::Error, message: String, sql: &str) -> Error {
    match code.extended_code & 0xff {
        ffi::SQLITE_CONSTRAINT => constraint(code.extended_code, message, sql),
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => Error::Busy,
        ffi::SQLITE_FULL => Error::Full,
        ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN | ffi::SQLITE_PERM | ffi::SQLITE_NOMEM | ffi::SQLITE_NOLFS => {
            Error::Io(format!("{message} (code {})", code.extended_code))
        }
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => Error::Corrupt(message),
        ffi::SQLITE_INTERRUPT => Error::Interrupted,
        ffi::SQLITE_AUTH => Error::sql(format!("transactions are opened and closed by the store: {}", shortened(sql))),
        _ => Error::sql(format!("{message}: {}", shortened(sql))),
    }
}

fn constraint(code: i32, message: String, sql: &str) -> Error {
    let kind = match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            ConstraintKind::Unique
        }
        ffi::SQLITE_CONSTRAINT_CHECK => ConstraintKind::Check,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => {
            return Error::Constraint { kind: ConstraintKind::ForeignKey, detail: changed_table(sql) };
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => ConstraintKind::NotNull,
        ffi::SQLITE_CONSTRAINT_TRIGGER => return Error::Constraint { kind: ConstraintKind::Trigger, detail: message },
        _ => return Error::sql(format!("{message}: {}", shortened(sql))),
    };
    let detail = match message.split_once(" constraint failed: ") {
        Some((_, detail)) => detail.strip_prefix("index ").unwrap_or(detail).trim_matches('\'').to_owned(),
        None => message,
    };
    Error::Constraint { kind, detail }
}
