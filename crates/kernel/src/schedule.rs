//! Work that comes again at hours of the clock: every morning at seven where the company is, also when the clocks change.

use std::{cmp::Ordering, str::FromStr, sync::Arc};

use croner::{CivilDateTime, CronDateTime, Resolution, Weekday, errors::CronError, parser::CronParser};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use store::Value;

use crate::{
    Entity, Fields, Operation,
    access::Principal,
    cx::Cx,
    def::{Rules, Run},
    engine::Kernel,
    error::{Error, Result},
    field::Json,
    rec::Row,
    sys::JobRow,
    value::Id,
};

/// A job that a module has run at hours of the clock, unless the company changes it.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The job.
    pub job: &'static str,
    /// When, as `cron` writes it: minute, hour, day, month, day of the week.
    pub cron: &'static str,
}

/// When a job is run again and again.
#[derive(Entity)]
#[entity(name = "sys.schedule", title = job, indexed(next), area = "settings")]
pub struct Schedule {
    /// Name of the job.
    #[field(tracked)]
    pub job: String,
    /// When, in five fields: minute, hour, day, month, day of the week. `30 6 * * 1-5` is half past six on working days.
    #[field(max = 100, tracked)]
    pub cron: String,
    /// Time zone such as Europe/Prague; that of the company where empty.
    #[field(max = 60, tracked)]
    pub zone: Option<String>,
    /// What the job needs.
    pub payload: Option<Json>,
    /// Runs; what a module has planned is stopped here.
    #[field(default = "true", tracked)]
    pub active: bool,
    /// The next run.
    #[field(by_operation)]
    pub next: Option<Timestamp>,
    /// The last run.
    #[field(by_operation)]
    pub last: Option<Timestamp>,
}

impl Rules for Schedule {
    fn check(old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if new.job.is_empty() || new.cron.is_empty() {
            return Ok(());
        }
        if cx.schema.job(&new.job).is_none_or(|job| job.every > 0) {
            return Err(Error::field("job", "no_job").with("job", new.job.as_str()));
        }
        let same = old.is_some_and(|old| old.cron == new.cron && old.zone == new.zone && old.active == new.active);
        if !same {
            let zone = zone_of(new.zone.as_deref(), cx)?;
            let next = next_after(&new.cron, &zone, cx.now())?;
            new.next = new.active.then_some(next);
        }
        Ok(())
    }
}

fn zone_of(zone: Option<&str>, cx: &Cx<'_>) -> Result<TimeZone> {
    match zone {
        Some(name) => TimeZone::get(name).map_err(|_| Error::field("zone", "time_zone")),
        None => Ok(cx.who.company.time_zone.clone()),
    }
}

/// What the clock on the wall shows, for the search of the next time that fits.
#[derive(Clone, Copy)]
struct Clock(DateTime);

impl CronDateTime for Clock {
    fn to_civil(&self) -> CivilDateTime {
        let part = |n: i8| u32::try_from(n).unwrap_or(0);
        let (date, time) = (self.0.date(), self.0.time());
        CivilDateTime::new(
            croner::CivilDate::from_parts_unchecked(i32::from(date.year()), part(date.month()), part(date.day())),
            croner::CivilTime::from_parts_unchecked(part(time.hour()), part(time.minute()), part(time.second())),
        )
    }
    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(u32::try_from(self.0.date().weekday().to_sunday_zero_offset()).unwrap_or(0))
    }
    fn resolve_civil(&self, civil: CivilDateTime) -> std::result::Result<Resolution<Self>, CronError> {
        let part = |n: u32| i8::try_from(n).map_err(|_| CronError::InvalidTime);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let date = DateTime::new(
            year,
            part(civil.month())?,
            part(civil.day())?,
            part(civil.hour())?,
            part(civil.minute())?,
            part(civil.second())?,
            0,
        );
        date.map(|date| Resolution::Single(Self(date))).map_err(|_| CronError::InvalidDate)
    }
    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(jiff::SignedDuration::from_secs(seconds)).ok().map(Self)
    }
    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

/// The next moment after one at which the clock of the zone shows what is written. A time that the clock leaves out comes when
/// it goes on; one that it shows twice comes the first time.
///
/// # Errors
/// `cron` for what is not understood or never comes.
pub fn next_after(cron: &str, zone: &TimeZone, after: Timestamp) -> Result<Timestamp> {
    let wrong = || Error::field("cron", "cron");
    let parser = CronParser::builder()
        .seconds(croner::parser::Seconds::Disallowed)
        .year(croner::parser::Year::Disallowed)
        .build();
    let pattern = parser.parse(cron).map_err(|_| wrong())?;
    let mut clock = Clock(zone.to_datetime(after));
    // While the clock shows an hour for the second time, its times have been.
    for _ in 0..1_500 {
        clock = pattern.find_next_occurrence(&clock, false).map_err(|_| wrong())?;
        let moment = zone.to_ambiguous_zoned_datetime(clock.0).compatible().map_err(|_| wrong())?.timestamp();
        if moment > after {
            return Ok(moment);
        }
    }
    Err(wrong())
}

impl Kernel {
    /// Queues the jobs whose hour has come; what was missed while nobody was there comes once.
    pub(crate) fn run_schedules_of(&self, system: &Arc<Principal>) -> Result<()> {
        let due: Vec<i64> = self.read(system, |cx| {
            let text = "SELECT id FROM sys_schedule WHERE company = ? AND active = 1 AND archived = 0 AND next <= ? \
                ORDER BY next, id LIMIT 100";
            let now = Value::Int(cx.now().as_microsecond());
            let rows = cx.conn().rows(text, &[Value::Int(system.company.id), now])?;
            Ok(rows.into_iter().filter_map(|row| row.first()?.as_int()).collect())
        })?;
        for id in due {
            let done = self.work(system, "sys.schedule", |cx| {
                // Whoever comes second waits here, and finds that the next run is another one.
                let mut row = cx.hold(Id::<Schedule>::new(id))?;
                if !row.active || row.next.is_none_or(|next| next > cx.now()) {
                    return Ok(());
                }
                let zone = zone_of(row.zone.as_deref(), cx)?;
                let payload = row.payload.clone().map_or(serde_json::Value::Null, |payload| payload.0);
                let now = cx.now();
                row.next = Some(next_after(&row.cron, &zone, now)?);
                row.last = Some(now);
                let job = row.job.clone();
                cx.schedule(&job, Some(&format!("schedule {id}")), payload, now)?;
                cx.save(&mut row)
            });
            if let Err(error) = done {
                tracing::error!(id, %error, "a schedule could not be run");
            }
        }
        Ok(())
    }
}

impl Cx<'_> {
    /// Writes down what modules have planned and the company has not yet. It is run at once the first time: it was missed
    /// until now.
    pub(crate) fn start_schedules(&mut self) -> Result<()> {
        let plans: Vec<Plan> = self.schema.modules.iter().flat_map(|m| m.schedules).copied().collect();
        for plan in plans {
            if self.first::<Schedule>(&[("job", Value::from(plan.job))])?.is_some() {
                continue;
            }
            let id = self.insert(Schedule {
                job: plan.job.to_owned(),
                cron: plan.cron.to_owned(),
                zone: None,
                payload: None,
                active: true,
                next: None,
                last: None,
            })?;
            let mut row = self.get(id)?;
            row.next = Some(self.now());
            self.save(&mut row)?;
        }
        Ok(())
    }
}

/// Runs what is planned now, besides its hours.
#[derive(Operation)]
#[operation(name = "sys.schedule.run", on = Schedule, target = schedule, button = 1, no_inverse = "What it does has its own inverse.")]
pub struct RunSchedule {
    /// The schedule.
    pub schedule: Id<Schedule>,
}

impl Run for RunSchedule {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let row = cx.target(self.schedule)?;
        let payload = row.payload.clone().map_or(serde_json::Value::Null, |payload| payload.0);
        let now = cx.now();
        cx.schedule(&row.job, Some(&format!("schedule {} now", self.schedule.raw())), payload, now)?;
        Ok(())
    }
}

/// Queues again what was given up: one name, or everything, the oldest first.
#[derive(Operation)]
#[operation(name = "sys.job.retry_all", no_inverse = "What it does has its own inverse.")]
pub struct RetryAll {
    /// Only jobs of this name.
    pub name: Option<String>,
}

/// How many were queued.
#[derive(Fields)]
pub struct Queued {
    /// How many jobs will run again.
    pub count: i64,
}

/// Most jobs that are queued at once.
const MOST: i64 = 500;

impl Run for RetryAll {
    type Output = Queued;
    fn run(self, cx: &mut Cx<'_>) -> Result<Queued> {
        let plan = cx.schema().plan(JobRow::NAME)?.clone();
        let mut select = sea_query::Query::select();
        use sea_query::{Alias, Expr, ExprTrait, Order};
        let column = |name: &str| Expr::col((Alias::new("t"), Alias::new(name)));
        select.from_as(Alias::new(&plan.table), Alias::new("t")).exprs(plan.row_exprs("t"));
        select.and_where(column("state").eq("dead")).and_where(column("company").eq(cx.who.company.id));
        if let Some(name) = &self.name {
            select.and_where(column("name").eq(name.as_str()));
        }
        select.order_by_expr(column("id"), Order::Asc).limit(MOST as u64);
        let (text, params) = crate::sql::select(cx.conn.dialect(), &select);
        let rows = cx.conn.rows(&text, &params)?;
        let mut count = 0;
        for values in rows {
            let id = Id::<JobRow>::new(Row::from_values(&values)?.id);
            let mut row = cx.hold(id)?;
            if row.state == crate::sys::JobState::Dead {
                crate::jobs::queue_again(&mut row, cx)?;
                count += 1;
            }
        }
        Ok(Queued { count })
    }
}

/// Whether a text is a time of `cron`; for declarations.
pub(crate) fn is_cron(text: &str) -> bool {
    croner::Cron::from_str(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let zone = TimeZone::get(zone).expect("a zone");
        let mut at: Timestamp = from.parse().expect("a moment");
        (0..count)
            .map(|_| {
                at = next_after(cron, &zone, at).expect("a next time");
                at.to_string()
            })
            .collect()
    }

    #[test]
    fn the_hour_is_that_of_the_wall() {
        // Winter, then summer.
        assert_eq!(
            runs("0 7 * * *", "Europe/Prague", "2026-03-28T00:00:00Z", 3),
            ["2026-03-28T06:00:00Z", "2026-03-29T05:00:00Z", "2026-03-30T05:00:00Z"]
        );
        assert_eq!(runs("30 6 * * 1-5", "America/New_York", "2026-11-27T12:00:00Z", 1), ["2026-11-30T11:30:00Z"]);
        assert_eq!(runs("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 1), ["2028-02-29T00:00:00Z"]);
    }

    #[test]
    fn a_time_that_is_left_out_comes_once_after() {
        // At two the clock goes to three: half past two does not come.
        assert_eq!(
            runs("30 2 * * *", "Europe/Prague", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            runs("30 2,3 * * *", "Europe/Prague", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]
        );
    }

    #[test]
    fn a_time_that_comes_twice_runs_once() {
        // At three the clock goes back to two.
        assert_eq!(
            runs("30 2 * * *", "Europe/Prague", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        // Also when the second time has begun already.
        assert_eq!(runs("30 2 * * *", "Europe/Prague", "2026-10-25T01:10:00Z", 1), ["2026-10-26T01:30:00Z"]);
        assert_eq!(runs("* * * * *", "Europe/Prague", "2026-10-25T00:59:00Z", 1), ["2026-10-25T02:00:00Z"]);
    }

    #[test]
    fn nonsense_is_no_time() {
        for cron in
            ["", "* * * *", "60 * * * *", "0 0 31 2 *", "* * * * * *", "@reboot?", "a b c d e", "0 0 * * * 2030"]
        {
            assert!(next_after(cron, &TimeZone::UTC, Timestamp::UNIX_EPOCH).is_err(), "{cron}");
        }
        assert!(is_cron("0 7 * * *") && !is_cron("x"));
    }
}
