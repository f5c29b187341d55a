//! When something is due: what a definition says, by the working time of who does it.

use bpmn::{Due, WorkingTime};
use jiff::{Timestamp, civil::Date};
use kernel::{Cx, Error, Id, Result};
use people::WorkingTime as Calendar;
use platform::User;

/// The moment that a definition means. Working time is counted by the calendar of whose work it is, else by the company's; a
/// working day and a plain day end when work ends.
///
/// # Errors
/// `people.too_far` past the end of time.
pub(crate) fn moment(cx: &mut Cx<'_>, due: &Due, owner: Option<Id<User>>) -> Result<Timestamp> {
    let text = match due {
        Due::At(at) => return Ok(*at),
        Due::Text(text) => text,
    };
    let mut calendar = Calendar::of(cx, owner)?;
    match WorkingTime::parse(text) {
        Some(WorkingTime::Days(days)) => {
            let today = cx.today();
            let day = calendar.add_days(cx, today, i64::from(days))?;
            calendar.end_of(day)
        }
        Some(WorkingTime::Hours(hours)) => {
            let now = cx.now();
            calendar.add_hours(cx, now, i64::from(hours))
        }
        None => {
            let day: Date = text.trim().parse().map_err(|e| Error::internal(format!("a due time {text}: {e}")))?;
            calendar.end_of(day)
        }
    }
}
