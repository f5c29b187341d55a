//! Notes that people write on records.

use kernel::{AnyRef, Cx, Entity, Error, Fields, Id, LongText, Operation, Result, Right, Run, Value};

use crate::{notice, user::User};

/// Most notes that are shown of one record.
const MOST: usize = 200;

/// Something that somebody noted on a record. Who may read the record reads its notes, by `platform.note.list`.
#[derive(Entity)]
#[entity(name = "platform.note", plain, by_operation, title = text, indexed(record, record_entity))]
pub struct Note {
    /// The record.
    pub record: AnyRef,
    /// The text.
    pub text: LongText,
    /// Who wrote it.
    pub author: Option<Id<User>>,
    /// When.
    pub at: jiff::Timestamp,
}

/// Refuses where who acts may not read a record, by the rights and rules of its entity.
///
/// # Errors
/// 403 without the right, 404 outside of the rules.
pub fn readable(cx: &mut Cx<'_>, record: AnyRef) -> Result<()> {
    cx.require(record.entity, Right::Read)?;
    let plan = cx.schema().plan(record.entity)?.clone();
    cx.row(record.entity, record.id)?;
    if cx.within(&plan, record.id, Right::Read)? { Ok(()) } else { Err(Error::not_found(record.entity, record.id)) }
}

/// Notes something on a record that one may read; whom the text names (`@login`) is told.
#[derive(Operation)]
#[operation(name = "platform.note.add", allow = "*", no_inverse = "A note stays; write another.")]
pub struct AddNote {
    /// The record.
    pub record: AnyRef,
    /// The text.
    pub text: LongText,
}

impl Run for AddNote {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        readable(cx, self.record)?;
        let author = Some(cx.who().user).filter(|u| *u != 0).map(Id::new);
        let at = cx.now();
        notice::tell(cx, self.record, &self.text.0, author)?;
        cx.insert(Note { record: self.record, text: self.text, author, at })?;
        Ok(())
    }
}

/// The notes on a record that one may read, the newest first.
#[derive(Operation)]
#[operation(name = "platform.note.list", allow = "*", read)]
pub struct ListNotes {
    /// The record.
    pub record: AnyRef,
}

/// A note.
#[derive(Fields)]
pub struct NoteRow {
    /// The text.
    pub text: LongText,
    /// Who wrote it.
    pub author: Option<String>,
    /// When.
    pub at: jiff::Timestamp,
}

/// Notes.
#[derive(Fields)]
pub struct Notes {
    /// The notes.
    pub notes: Vec<NoteRow>,
}

impl Run for ListNotes {
    type Output = Notes;
    fn run(self, cx: &mut Cx<'_>) -> Result<Notes> {
        readable(cx, self.record)?;
        let key = [("record", self.record.into()), ("record_entity", Value::from(self.record.entity))];
        let mut notes = Vec::new();
        for note in cx.by::<Note>(&key)?.into_iter().rev().filter(|n| !n.archived).take(MOST) {
            let author = match note.author {
                Some(author) => Some(cx.get(author)?.name.clone()),
                None => None,
            };
            notes.push(NoteRow { text: note.text.clone(), author, at: note.at });
        }
        Ok(Notes { notes })
    }
}
