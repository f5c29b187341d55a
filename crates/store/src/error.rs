//! What can go wrong in the database.

use std::fmt;

/// A result of the store.
pub type Result<T> = std::result::Result<T, Error>;

/// The kind of a rule that the database itself keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConstraintKind {
    /// A value that has to be unique is there already.
    Unique,
    /// A CHECK does not hold.
    Check,
    /// A reference points to nothing, or something still points here.
    ForeignKey,
    /// A value is missing.
    NotNull,
    /// A trigger refuses the change (append-only and immutable rows).
    Trigger,
}

/// An error of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A rule of the database was broken by this statement; only the statement is undone.
    Constraint {
        /// Which kind of rule.
        kind: ConstraintKind,
        /// `table.column` (several separated by `, `), the name of the constraint, or the trigger's message.
        detail: String,
    },
    /// The database, or its writer, stayed occupied for too long.
    Busy,
    /// The disk, or the space given to the database, is full.
    Full,
    /// Reading or writing failed.
    Io(String),
    /// The file is damaged or is not a database.
    Corrupt(String),
    /// The database was written by a newer version of the program.
    Newer {
        /// The schema version of the database.
        found: i64,
        /// The schema version that this program knows.
        known: i64,
    },
    /// The statement was interrupted.
    Interrupted,
    /// Something that has to exist does not (a file, a directory).
    NotFound(String),
    /// Anything else: a mistake in the statement or in the use of the store.
    Sql(String),
}

impl Error {
    /// Whether the same request may succeed when it is tried again a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::Busy | Error::Interrupted)
    }

    pub(crate) fn sql(message: impl Into<String>) -> Self {
        Error::Sql(message.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Constraint { kind: ConstraintKind::Trigger, detail } => f.write_str(detail),
            Error::Constraint { kind, detail } => {
                let rule = match kind {
                    ConstraintKind::Unique => "must be unique",
                    ConstraintKind::Check => "breaks a check",
                    ConstraintKind::ForeignKey => "breaks a reference",
                    ConstraintKind::NotNull => "must be filled",
                    ConstraintKind::Trigger => "is refused",
                };
                write!(f, "{detail} {rule}")
            }
            Error::Busy => f.write_str("the database is busy, try again"),
            Error::Full => f.write_str("the disk or the database is full"),
            Error::Io(message) => write!(f, "the database cannot be read or written: {message}"),
            Error::Corrupt(message) => write!(f, "the database is damaged: {message}"),
            Error::Newer { found, known } => write!(
                f,
                "the database has schema version {found}, this program knows only {known}: use a newer program"
            ),
            Error::Interrupted => f.write_str("the statement was interrupted"),
            Error::NotFound(what) => write!(f, "not found: {what}"),
            Error::Sql(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}
