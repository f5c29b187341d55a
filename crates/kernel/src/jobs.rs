//! Durable jobs and timers of all companies: repeated with growing pauses, given up visibly.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use store::Value;

use crate::{
    Operation,
    access::Principal,
    cx::Cx,
    def::{Entity, Run},
    engine::Kernel,
    error::{Error, Result},
    field::{Json, LongText},
    rec::{Rec, Row},
    sys::{JobRow, JobState},
    value::Id,
};

/// Tries before a job is given up.
pub const MAX_ATTEMPTS: i64 = 8;

impl Cx<'_> {
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
    pub(crate) fn lease<T: Entity>(&mut self, id: Id<T>) -> Result<Option<Rec<T>>> {
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
        found.map(|values| Row::from_values(&values).and_then(Rec::from_row)).transpose()
    }
}

/// The pause before the next try: 2, 4, 8 … seconds, at most an hour.
pub(crate) fn pause(attempts: i64) -> SignedDuration {
    SignedDuration::from_secs(2_i64.saturating_pow(u32::try_from(attempts.clamp(1, 12)).unwrap_or(1)).min(3_600))
}

/// Does a piece of work in every company; what goes wrong in one does not stop the others. Answers the sum.
///
/// # Errors
/// The first that a company gave, after all had their turn.
fn in_each(companies: Vec<Arc<Principal>>, mut work: impl FnMut(&Arc<Principal>) -> Result<usize>) -> Result<usize> {
    let (mut sum, mut failed) = (0, None);
    for system in companies {
        match work(&system) {
            Ok(count) => sum += count,
            Err(error) => {
                tracing::error!(company = system.company.id, %error, "work of a company failed");
                failed.get_or_insert(error);
            }
        }
    }
    failed.map_or(Ok(sum), Err)
}

impl Kernel {
    /// Runs what is due in all companies: queued jobs and recurring ones, at most so many in each. Answers how many ran.
    ///
    /// # Errors
    /// As reading does; a job that fails is repeated later and does not stop the others.
    pub fn run_jobs(&self, limit: usize) -> Result<usize> {
        in_each(self.systems()?, |system| self.run_jobs_of(system, limit))
    }

    fn run_jobs_of(&self, system: &Arc<Principal>, limit: usize) -> Result<usize> {
        self.run_schedules_of(system)?;
        let now = self.shared().now();
        let due: Vec<(i64, String)> = self.read(system, |cx| {
            let text = "SELECT id, name FROM sys_job WHERE company = ? AND state = 'queued' AND due <= ? \
                AND (leased IS NULL OR leased < ?) ORDER BY due, id LIMIT ?";
            let at = Value::Int(now.as_microsecond());
            let company = Value::Int(system.company.id);
            let rows = cx.conn().rows(text, &[company, at.clone(), at, Value::Int(limit as i64)])?;
            Ok(rows.into_iter().filter_map(|r| Some((r.first()?.as_int()?, r.get(1)?.as_text()?.to_owned()))).collect())
        })?;
        let mut ran = 0;
        for (id, name) in due {
            ran += usize::from(self.run_job(system, id, &name)?);
        }
        Ok(ran)
    }

    fn run_job(&self, system: &Arc<Principal>, id: i64, name: &str) -> Result<bool> {
        let schema = self.schema();
        let Some(job) = schema.job(name).copied() else { return Ok(false) };
        let key = Id::<JobRow>::new(id);
        let done = self.work(system, &format!("job {name}"), |cx| {
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
                self.work(system, &format!("job {name} failed"), |cx| {
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

    /// Queues the recurring jobs that are not queued yet, in every company.
    ///
    /// # Errors
    /// As writing does.
    pub fn start_recurring(&self) -> Result<()> {
        let names: Vec<&'static str> = self.schema().jobs().filter(|j| j.every > 0).map(|j| j.name).collect();
        in_each(self.systems()?, |system| {
            self.work(system, "sys.jobs.start", |cx| {
                // Programs that start at once do not queue a job twice.
                cx.hold_name("sys.jobs.start", cx.who.company.id, true)?;
                for name in &names {
                    let waiting = [("name", Value::from(*name)), ("state", JobState::Queued.into())];
                    if cx.first::<JobRow>(&waiting)?.is_none() {
                        let now = cx.now();
                        cx.schedule(name, Some("recurring"), serde_json::Value::Null, now)?;
                    }
                }
                cx.start_schedules()?;
                Ok(0)
            })
        })?;
        Ok(())
    }
}

/// Queues a job again that was given up.
#[derive(Operation)]
#[operation(name = "sys.job.retry", on = JobRow, target = job, when = [JobState::Dead], button = 1, no_inverse = "What it does has its own inverse.")]
pub struct RetryJob {
    /// The job.
    pub job: Id<JobRow>,
}

impl Run for RetryJob {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut row = cx.target(self.job)?;
        queue_again(&mut row, cx)
    }
}

/// Lets what was given up begin anew.
pub(crate) fn queue_again(row: &mut Rec<JobRow>, cx: &mut Cx<'_>) -> Result<()> {
    row.state = JobState::Queued;
    row.due = cx.now();
    row.attempts = 0;
    cx.save(row)
}
