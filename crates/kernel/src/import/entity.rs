//! An import as a record, and what it wrote, row by row.

use crate::{Entity, Id, Json, field::FileId};

crate::choice!(
    /// Where an import stands.
    ImportState {
        Checking = "checking" => "blue",
        Running = "running" => "blue",
        Done = "done" => "green",
        Refused = "refused" => "red",
        Stopped = "stopped" => "amber",
        Undoing = "undoing" => "amber",
        Undone = "undone" => "grey",
    }
);

/// A file that is brought in: checked as a whole, then written in pieces. It goes on where it was when the program ends.
#[derive(Entity)]
#[entity(name = "sys.import", plain, by_operation, title = name, status = state, indexed(digest), area = "settings")]
pub struct Import {
    /// Name of the file.
    #[field(searchable)]
    pub name: String,
    /// What its rows become.
    #[field(max = 80)]
    pub entity: String,
    /// The file.
    pub file: FileId,
    /// BLAKE3 of its content.
    #[field(max = 64)]
    pub digest: String,
    /// Where columns go, and how records are found.
    pub options: Option<Json>,
    /// State.
    #[field(indexed)]
    pub state: ImportState,
    /// Records in the file; known when it is checked.
    pub total: Option<i64>,
    /// Records that are dealt with.
    pub done: i64,
    /// Records that were created.
    pub created: i64,
    /// Records that were changed.
    pub changed: i64,
    /// Records that were refused although the check had let them pass.
    pub failed: i64,
    /// Records that were taken back.
    pub undone: i64,
    /// Records that could not be taken back.
    pub kept: i64,
    /// What was told: columns, coercions, problems.
    pub report: Option<Json>,
    /// Who brought it.
    #[field(indexed)]
    pub by: Option<i64>,
    /// What that person is called.
    pub by_name: String,
    /// When it was begun.
    pub at: jiff::Timestamp,
    /// When it ended.
    pub ended: Option<jiff::Timestamp>,
    /// Which program works on it.
    pub runner: Option<String>,
    /// Until when nobody else takes it.
    pub leased: Option<jiff::Timestamp>,
    /// Down to which row it is taken back.
    pub undo_at: Option<i64>,
}

/// A record that an import wrote.
#[derive(Entity)]
#[entity(name = "sys.import_row", plain, append_only, title = line, indexed(import))]
pub struct ImportRow {
    /// The import.
    pub import: Id<Import>,
    /// Line of the file.
    pub line: i64,
    /// The record.
    pub record: i64,
    /// Its revision after that.
    pub rev: i64,
    /// It was there before, and was changed.
    pub changed: bool,
}
