//! Durable jobs, timers and the outbox: leased, repeated with growing pauses, given up visibly.

use jiff::{SignedDuration, Timestamp};
use store::Value;

use crate::{
    cx::Cx,
    def::Entity,
    error::{Error, Result},
    field::{Json, LongText},
    kernel::Kernel,
    rec::{Rec, Row},
    sys::{JobRow, JobState, Outbox, OutboxState},
    value::{AnyRef, Id},
};

/// Tries before a job or letter is given up.
pub const MAX_ATTEMPTS: i64 = 8;

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

    /// Queues a job for a moment. A key replaces what waits under the same name and key.
    ///
    /// # Errors
    /// Where there is no such job.
    pub fn schedule(
        &mut self,
        job: &str,
        key: Option<&str>,
        payload: serde_json::Value,
        due: Timestamp,
    ) -> Result<Id<JobRow>> {
        self.schema.job(job).ok_or_else(|| Error::internal(format!("job {job} is not registered")))?;
        if let Some(key) = key {
            // Two that schedule the same at the same moment come one after the other, and the last one stays.
            self.hold_name(&format!("job {job} {key}"), self.who.company.id, true)?;
            self.unschedule(job, key)?;
        }
        self.insert(JobRow {
            name: job.to_owned(),
            key: key.map(str::to_owned),
            payload: Some(Json(payload)),
            state: JobState::Queued,
            due,
            leased: None,
            attempts: 0,
            error: None,
        })
    }

    /// Takes back what waits under a name and key.
    ///
    /// # Errors
    /// As writing does.
    pub fn unschedule(&mut self, job: &str, key: &str) -> Result<()> {
        let waiting = self.by::<JobRow>(&[
            ("key", Value::from(key)),
            ("name", Value::from(job)),
            ("state", JobState::Queued.into()),
        ])?;
        for row in waiting {
            self.delete(row.id)?;
        }
        Ok(())
    }
}

impl Cx<'_> {
    /// A job or letter that waits and is due, for this transaction alone; none where somebody else has it.
    fn lease<T: Entity>(&mut self, id: Id<T>) -> Result<Option<Rec<T>>> {
        use sea_query::{Alias, Expr, ExprTrait, LockBehavior, LockType, Query};
        let plan = self.schema().plan(T::NAME)?.clone();
        let column = |name: &str| Expr::col((Alias::new("t"), Alias::new(name)));
        let mut select = Query::select();
        select
            .from_as(Alias::new(&plan.table), Alias::new("t"))
            .exprs(plan.row_exprs("t"))
            .and_where(column("id").eq(id.raw()))
            .and_where(column("state").eq("queued"))
            .and_where(column("due").lte(self.now().as_microsecond()))
            // Where there is one writer the builder leaves this out.
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        let (text, params) = crate::sql::select(self.conn.dialect(), &select);
        let found = self.conn.row(&text, &params)?;
        found.map(|values| Row::from_values(values).and_then(Rec::from_row)).transpose()
    }
}

/// Seconds before the next try: 2, 4, 8 … at most an hour.
fn pause(attempts: i64) -> SignedDuration {
    SignedDuration::from_secs(2_i64.saturating_pow(u32::try_from(attempts.clamp(1, 11)).unwrap_or(1)).min(3_600))
}

impl Kernel {
    /// Runs what is due: queued jobs, then recurring ones. Answers how many ran.
    ///
    /// # Errors
    /// As reading does; a job that fails is repeated later and does not stop the others.
    pub fn run_jobs(&self, limit: usize) -> Result<usize> {
        let system = self.system()?;
        let now = self.shared().now();
        let due: Vec<(i64, String)> = self.read(&system, |cx| {
            let text = "SELECT id, name FROM sys_job WHERE state = 'queued' AND due <= ? AND (leased IS NULL OR leased < ?) ORDER BY due, id LIMIT ?";
            let at = Value::Int(now.as_microsecond());
            let rows = cx.conn().rows(text, &[at.clone(), at, Value::Int(limit as i64)])?;
            Ok(rows.into_iter().filter_map(|r| Some((r.first()?.as_int()?, r.get(1)?.as_text()?.to_owned()))).collect())
        })?;
        let mut ran = 0;
        for (id, name) in due {
            ran += usize::from(self.run_job(id, &name)?);
        }
        Ok(ran)
    }

    fn run_job(&self, id: i64, name: &str) -> Result<bool> {
        let system = self.system()?;
        let schema = self.schema();
        let Some(job) = schema.job(name).copied() else { return Ok(false) };
        let key = Id::<JobRow>::new(id);
        let done = self.work(&system, &format!("job {name}"), |cx| {
            // The lease: held until the transaction that does the job and marks it ends. Whoever comes second, in this
            // program or another one, finds it held, done or due later.
            let Some(mut row) = cx.lease(key)? else { return Ok(false) };
            let payload = row.payload.clone().unwrap_or_default();
            let more = (job.run)(&payload, cx)?;
            if job.every > 0 {
                let wait = if more { 0 } else { i64::from(job.every) };
                row.due = cx
                    .now()
                    .checked_add(SignedDuration::from_secs(wait))
                    .map_err(|e| Error::internal(e.to_string()))?;
            } else if !more {
                row.state = JobState::Done;
            }
            row.attempts = 0;
            row.error = None;
            cx.save(&mut row)?;
            Ok(true)
        });
        match done {
            Ok(ran) => Ok(ran),
            Err(error) => {
                tracing::warn!(job = name, id, error = %error, "job failed");
                self.work(&system, &format!("job {name} failed"), |cx| {
                    let mut row = cx.get(key)?;
                    row.attempts += 1;
                    row.error = Some(LongText(error.to_string().chars().take(2_000).collect()));
                    row.due = cx.now().checked_add(pause(row.attempts)).map_err(|e| Error::internal(e.to_string()))?;
                    if row.attempts >= MAX_ATTEMPTS && job.every == 0 {
                        row.state = JobState::Dead;
                    }
                    cx.save(&mut row)
                })?;
                Ok(false)
            }
        }
    }

    /// Queues the recurring jobs that are not queued yet.
    ///
    /// # Errors
    /// As writing does.
    pub fn start_recurring(&self) -> Result<()> {
        let system = self.system()?;
        if system.company.id == 0 {
            return Ok(());
        }
        let names: Vec<&'static str> = self.schema().jobs().filter(|j| j.every > 0).map(|j| j.name).collect();
        self.work(&system, "sys.jobs.start", |cx| {
            // Programs that start at once do not queue a job twice.
            cx.hold_name("sys.jobs.start", cx.who.company.id, true)?;
            for name in &names {
                if cx.first::<JobRow>(&[("name", Value::from(*name)), ("state", JobState::Queued.into())])?.is_none() {
                    let now = cx.now();
                    cx.schedule(name, Some("recurring"), serde_json::Value::Null, now)?;
                }
            }
            Ok(())
        })
    }

    /// Letters that are due, at most this many.
    ///
    /// # Errors
    /// As reading does.
    pub fn letters_due(&self, limit: usize) -> Result<Vec<(i64, Letter)>> {
        let system = self.system()?;
        let now = self.shared().now();
        self.read(&system, |cx| {
            let filter = crate::Filter::eq("state", OutboxState::Queued).and(crate::Filter::is(
                "due",
                crate::Op::Le,
                now.as_microsecond(),
            ));
            let query = crate::Query { filter: Some(filter), limit, ..crate::Query::of("sys.outbox") };
            let mut letters = Vec::new();
            for row in cx.select(&query, false)?.0 {
                let row = crate::Rec::<Outbox>::from_row(row)?;
                let attachments = row.attachments.as_ref().and_then(|j| j.0.as_array()).into_iter().flatten();
                let attachments = attachments
                    .filter_map(|a| Some((a.get("operation")?.as_str()?.to_owned(), a.get("input")?.clone())))
                    .collect();
                letters.push((
                    row.id.raw(),
                    Letter {
                        to: row.recipient.clone(),
                        subject: row.subject.clone(),
                        body: row.body.0.clone(),
                        attachments,
                        source: row.source,
                    },
                ));
            }
            Ok(letters)
        })
    }

    /// Takes a letter that is due for sending: whoever looks meanwhile, in another program too, leaves it alone. It comes
    /// back by itself when nobody tells what became of it.
    ///
    /// # Errors
    /// As writing does.
    pub fn take_letter(&self, id: i64) -> Result<bool> {
        let system = self.system()?;
        self.work(&system, "sys.outbox.take", |cx| {
            let Some(mut row) = cx.lease(Id::<Outbox>::new(id))? else { return Ok(false) };
            row.due = cx.now().checked_add(TAKEN).map_err(|e| Error::internal(e.to_string()))?;
            cx.save(&mut row)?;
            Ok(true)
        })
    }

    /// Notes that a letter left, or why it did not.
    ///
    /// # Errors
    /// As writing does.
    pub fn letter_done(&self, id: i64, result: std::result::Result<(), (bool, String)>) -> Result<()> {
        let system = self.system()?;
        self.work(&system, "sys.outbox.sent", |cx| {
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
                    if !temporary || row.attempts >= MAX_ATTEMPTS {
                        row.state = OutboxState::Failed;
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
