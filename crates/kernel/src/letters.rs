//! The outbox: letters that leave after the commit, of all companies; tried again with growing pauses, given up visibly.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    Operation,
    access::Principal,
    cx::Cx,
    def::Run,
    engine::Kernel,
    error::{Error, Result},
    field::{Json, LongText},
    jobs::pause,
    sys::{Outbox, OutboxState},
    value::{AnyRef, Id},
};

/// Tries before a letter is given up that could leave later: about three days, most of them an hour apart.
pub const MAX_LETTER_TRIES: i64 = 80;

/// How long a letter that was taken for sending is left alone.
const TAKEN: SignedDuration = SignedDuration::from_mins(10);

/// A letter to be sent after the commit.
#[derive(Clone, Debug, Default)]
pub struct Letter {
    /// To whom.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub body: String,
    /// Operations that make attached files: name and input of each.
    pub attachments: Vec<(String, serde_json::Value)>,
    /// The document that it is about.
    pub source: Option<AnyRef>,
}

/// A letter of a company that may leave now.
#[derive(Clone, Debug)]
pub struct DueLetter {
    /// The row in the outbox: the same when it is tried again.
    pub id: i64,
    /// The system in the company that sends it.
    pub system: Arc<Principal>,
    /// The letter.
    pub letter: Letter,
}

impl Cx<'_> {
    /// Queues a letter: it leaves after the commit, once.
    ///
    /// # Errors
    /// As writing does.
    pub fn send(&mut self, letter: Letter) -> Result<Id<Outbox>> {
        let attachments = letter
            .attachments
            .iter()
            .map(|(operation, input)| serde_json::json!({"operation": operation, "input": input}))
            .collect();
        let due = self.now();
        self.insert(Outbox {
            kind: "mail".to_owned(),
            recipient: letter.to,
            subject: letter.subject,
            body: LongText(letter.body),
            attachments: (!letter.attachments.is_empty()).then(|| Json(serde_json::Value::Array(attachments))),
            state: OutboxState::Queued,
            due,
            attempts: 0,
            sent_at: None,
            error: None,
            source: letter.source,
        })
    }
}

impl Kernel {
    /// Letters of all companies that are due, at most this many of each.
    ///
    /// # Errors
    /// As reading does.
    pub fn letters_due(&self, limit: usize) -> Result<Vec<DueLetter>> {
        let mut letters = Vec::new();
        for system in self.systems()? {
            letters.extend(self.letters_of(&system, limit)?);
        }
        Ok(letters)
    }

    fn letters_of(&self, system: &Arc<Principal>, limit: usize) -> Result<Vec<DueLetter>> {
        let now = self.shared().now();
        self.read(system, |cx| {
            let filter = crate::Filter::eq("state", OutboxState::Queued).and(crate::Filter::is(
                "due",
                crate::Op::Le,
                now.as_microsecond(),
            ));
            let query = crate::Query { filter: Some(filter), limit, ..crate::Query::of("sys.outbox") };
            let mut letters = Vec::new();
            for row in cx.select(&query.sort_text("due,id"), false)?.0 {
                let row = crate::Rec::<Outbox>::from_row(row)?;
                let attachments = row.attachments.as_ref().and_then(|j| j.0.as_array()).into_iter().flatten();
                let attachments = attachments
                    .filter_map(|a| Some((a.get("operation")?.as_str()?.to_owned(), a.get("input")?.clone())))
                    .collect();
                let letter = Letter {
                    to: row.recipient.clone(),
                    subject: row.subject.clone(),
                    body: row.body.0.clone(),
                    attachments,
                    source: row.source,
                };
                letters.push(DueLetter { id: row.id.raw(), system: system.clone(), letter });
            }
            Ok(letters)
        })
    }

    /// Takes a letter that is due for sending: whoever looks meanwhile, in another program too, leaves it alone. It comes
    /// back by itself when nobody tells what became of it.
    ///
    /// # Errors
    /// As writing does.
    pub fn take_letter(&self, letter: &DueLetter) -> Result<bool> {
        self.work(&letter.system, "sys.outbox.take", |cx| {
            let Some(mut row) = cx.lease(Id::<Outbox>::new(letter.id))? else { return Ok(false) };
            row.due = cx.now().checked_add(TAKEN).map_err(|e| Error::internal(e.to_string()))?;
            cx.save(&mut row)?;
            Ok(true)
        })
    }

    /// Notes that a letter left, or why it did not and whether trying again may help.
    ///
    /// # Errors
    /// As writing does.
    pub fn letter_done(
        &self,
        system: &Arc<Principal>,
        id: i64,
        result: std::result::Result<(), (bool, String)>,
    ) -> Result<()> {
        self.work(system, "sys.outbox.sent", |cx| {
            let mut row = cx.get(Id::<Outbox>::new(id))?;
            if row.state != OutboxState::Queued {
                return Ok(());
            }
            row.attempts += 1;
            match &result {
                Ok(()) => {
                    row.state = OutboxState::Sent;
                    row.sent_at = Some(cx.now());
                    row.error = None;
                    cx.save(&mut row)?;
                    return cx.emit(LetterSent { letter: row.id, source: row.source, at: cx.now() });
                }
                Err((temporary, why)) => {
                    row.error = Some(LongText(why.chars().take(2_000).collect()));
                    if !temporary || row.attempts >= MAX_LETTER_TRIES {
                        row.state = OutboxState::Failed;
                        let reason = why.chars().take(500).collect();
                        cx.emit(LetterFailed { letter: row.id, source: row.source, reason })?;
                    } else {
                        row.due =
                            cx.now().checked_add(pause(row.attempts)).map_err(|e| Error::internal(e.to_string()))?;
                    }
                }
            }
            cx.save(&mut row)
        })
    }
}

/// Sends a letter again that was given up, to another address where one is given.
#[derive(Operation)]
#[operation(name = "sys.outbox.retry", on = Outbox, target = letter, when = [OutboxState::Failed], allow = "sales accounts manager", button = 1,
    no_inverse = "A letter that has left is not taken back.")]
pub struct RetryLetter {
    /// The letter.
    pub letter: Id<Outbox>,
    /// To whom; the same address where empty.
    pub recipient: Option<String>,
}

impl Run for RetryLetter {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut row = cx.target(self.letter)?;
        if let Some(recipient) = self.recipient {
            row.recipient = recipient;
        }
        row.state = OutboxState::Queued;
        row.due = cx.now();
        row.attempts = 0;
        cx.save(&mut row)
    }
}

/// A letter left the house.
#[derive(crate::Event)]
#[event(name = "sys.letter.sent", subject = source)]
pub struct LetterSent {
    /// The letter.
    pub letter: Id<Outbox>,
    /// The document that it was about.
    pub source: Option<AnyRef>,
    /// When it left.
    pub at: Timestamp,
}

/// A letter was given up: the address was refused, or three days of trying were not enough.
#[derive(crate::Event)]
#[event(name = "sys.letter.failed", subject = letter)]
pub struct LetterFailed {
    /// The letter.
    pub letter: Id<Outbox>,
    /// The document that it was about.
    pub source: Option<AnyRef>,
    /// Why, as the mail server said it.
    pub reason: String,
}
