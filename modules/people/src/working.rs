//! Working time: days and hours counted by a calendar and its holidays.

use std::collections::BTreeSet;

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, Time},
    tz::TimeZone,
};
use kernel::{Cx, Error, Id, Result, day};
use platform::User;

use crate::calendar::{BEGINS, Calendar, ENDS, default_calendar};
use crate::employee::employee_of;

/// How far working days and hours are counted.
const MAX: i64 = 5_000;

fn too_far() -> Error {
    Error::refused("people.too_far").with("days", MAX)
}

/// When somebody works: Monday to Friday in the hours of a calendar, but for its holidays.
pub struct WorkingTime {
    calendar: Option<Id<Calendar>>,
    begins: Time,
    ends: Time,
    zone: TimeZone,
    free: BTreeSet<Date>,
    /// First days of the months whose holidays are known.
    months: BTreeSet<Date>,
}

impl WorkingTime {
    /// The working time of a user: of their employee's calendar, else the company's.
    ///
    /// # Errors
    /// As reading does.
    pub fn of(cx: &mut Cx<'_>, user: Option<Id<User>>) -> Result<Self> {
        let own = match user {
            Some(user) => employee_of(cx, user)?.and_then(|e| e.calendar),
            None => None,
        };
        let calendar = match own {
            Some(own) => Some(own),
            None => default_calendar(cx)?,
        };
        let (begins, ends) = match calendar {
            Some(id) => cx.get(id)?.hours(),
            None => (BEGINS, ENDS),
        };
        let zone = cx.company().time_zone.clone();
        Ok(Self { calendar, begins, ends, zone, free: BTreeSet::new(), months: BTreeSet::new() })
    }

    /// Whether a day is a working one.
    ///
    /// # Errors
    /// As reading does.
    pub fn works(&mut self, cx: &mut Cx<'_>, date: Date) -> Result<bool> {
        if date.weekday().to_monday_zero_offset() >= 5 {
            return Ok(false);
        }
        let month = date.first_of_month();
        if let Some(calendar) = self.calendar
            && self.months.insert(month)
        {
            let rows = cx.ask_rows(
                "people.holiday",
                "SELECT date FROM people_holiday WHERE calendar = ? AND archived = 0 AND date BETWEEN ? AND ?",
                &[calendar.into(), day(month), day(date.last_of_month())],
            )?;
            self.free.extend(rows.iter().filter_map(|r| r.first()?.as_text()?.parse::<Date>().ok()));
        }
        Ok(!self.free.contains(&date))
    }

    fn next(&mut self, cx: &mut Cx<'_>, from: Date, step: i64) -> Result<Date> {
        let mut date = from;
        for _ in 0..MAX {
            date = date.checked_add(step.days()).map_err(|_| too_far())?;
            if self.works(cx, date)? {
                return Ok(date);
            }
        }
        Err(too_far())
    }

    /// The day that is so many working days after another; before it where negative. With zero days it is the day itself,
    /// whether it is a working one or not.
    ///
    /// # Errors
    /// `people.too_far` for more than 5,000 days or past the end of time.
    pub fn add_days(&mut self, cx: &mut Cx<'_>, from: Date, days: i64) -> Result<Date> {
        if days.unsigned_abs() > MAX.unsigned_abs() {
            return Err(too_far());
        }
        let mut date = from;
        for _ in 0..days.abs() {
            date = self.next(cx, date, days.signum())?;
        }
        Ok(date)
    }

    /// The moment at which work ends on a day.
    ///
    /// # Errors
    /// `people.too_far` past the end of time.
    pub fn end_of(&self, date: Date) -> Result<Timestamp> {
        self.moment(date, self.ends)
    }

    fn moment(&self, date: Date, time: Time) -> Result<Timestamp> {
        let zoned = date.to_datetime(time).to_zoned_datetime(self.zone.clone()).map_err(|_| too_far())?;
        Ok(zoned.timestamp())
    }

    /// The moment by which so many hours were worked.
    ///
    /// # Errors
    /// `people.too_far` for more than 5,000 hours or past the end of time.
    pub fn add_hours(&mut self, cx: &mut Cx<'_>, from: Timestamp, hours: i64) -> Result<Timestamp> {
        if !(0..=MAX).contains(&hours) {
            return Err(too_far());
        }
        let local = from.to_zoned_datetime(self.zone.clone());
        let (mut date, mut time) = (local.date(), local.time());
        let mut left = SignedDuration::from_hours(hours);
        if !self.works(cx, date)? || time >= self.ends {
            (date, time) = (self.next(cx, date, 1)?, self.begins);
        }
        time = time.max(self.begins);
        loop {
            let today = time.duration_until(self.ends);
            if left <= today {
                return self.moment(date, time.checked_add(left).map_err(|_| too_far())?);
            }
            left -= today;
            (date, time) = (self.next(cx, date, 1)?, self.begins);
        }
    }
}

/// Whether people of the company work on a day.
///
/// # Errors
/// As reading does.
pub fn is_working_day(cx: &mut Cx<'_>, date: Date) -> Result<bool> {
    WorkingTime::of(cx, None)?.works(cx, date)
}

/// The day that is so many working days after another by the company's calendar, see [`WorkingTime::add_days`].
///
/// # Errors
/// `people.too_far` for more than 5,000 days or past the end of time.
pub fn add_working_days(cx: &mut Cx<'_>, from: Date, days: i64) -> Result<Date> {
    WorkingTime::of(cx, None)?.add_days(cx, from, days)
}
