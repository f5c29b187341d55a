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
    /// Others changed the same rows at the same time, again and again.
    Conflict,
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
        matches!(self, Error::Busy | Error::Conflict | Error::Interrupted)
    }

    /// What further statements get after one that failed, until a savepoint is rolled back to.
    pub(crate) fn spent(&self) -> Self {
        match self {
            Error::Conflict | Error::Io(_) => self.clone(),
            _ => Error::sql(format!("an earlier statement of this transaction failed: {self}")),
        }
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
            Error::Conflict => f.write_str("others are changing the same records at this moment, try again"),
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

/// The table that a statement changes: the databases do not tell in the same way which reference broke.
pub(crate) fn changed_table(sql: &str) -> String {
    let mut words = sql.split_whitespace();
    while let Some(word) = words.next() {
        let found = match word.to_ascii_uppercase().as_str() {
            "INTO" | "FROM" | "UPDATE" => words.next(),
            _ => continue,
        };
        return found.unwrap_or_default().split('(').next().unwrap_or_default().trim_matches('"').to_owned();
    }
    String::new()
}

/// The beginning of a statement, for messages.
pub(crate) fn shortened(sql: &str) -> &str {
    match sql.char_indices().nth(200) {
        Some((end, _)) => &sql[..end],
        None => sql,
    }
}

/// The answer of a closed store.
pub(crate) fn closed() -> Error {
    Error::sql("the database is closed")
}
