//! Timers: ISO 8601 dates, durations and cycles, counted from the clock that the caller gives.

use crate::feel::{Clock, Expression, Variables};
use jiff::civil::{Date, DateTime};
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Missed firings of a cycle that are skipped one by one, to stay on its grid.
const MAX_SKIPPED: usize = 10_000;

/// When a timer fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// At that moment.
    At(#[serde(with = "as_text")] Timestamp),
    /// A text that only a working calendar can resolve: working time such as `2 workdays`, counted from now (see
    /// [`WorkingTime`]); for a task also a day, at whose end it is due.
    Text(String),
}

/// Working time: how long by the calendar of those who work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkingTime {
    /// To the end of the day that is so many working days away.
    Days(u32),
    /// So many hours in which people work.
    Hours(u32),
}

/// Most working days or hours.
const MAX_WORKING: u32 = 1_000;

impl WorkingTime {
    /// Reads `2 workdays`, `1 working day`, `4 working hours`; none where the text is something else or above 1,000.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = text.trim().split_once(' ')?;
        let number = number.parse::<u32>().ok().filter(|number| *number <= MAX_WORKING)?;
        match unit.trim().trim_end_matches('s') {
            "workday" | "working day" => Some(Self::Days(number)),
            "workhour" | "working hour" => Some(Self::Hours(number)),
            _ => None,
        }
    }
}

/// When a task is due that says so: a moment, a day, an ISO 8601 duration, or working time.
///
/// # Errors
/// A text saying why there is no such time.
pub fn due(text: &str, clock: &Clock) -> Result<Due, String> {
    let text = text.trim();
    let day = text.len() == "2026-12-24".len() && text.parse::<Date>().is_ok();
    if day || WorkingTime::parse(text).is_some() {
        return Ok(Due::Text(text.to_owned()));
    }
    let at = if text.starts_with('P') { after(clock.now, text, clock)? } else { moment(text, clock)? };
    Ok(Due::At(at))
}

/// Moments as RFC 3339 text.
mod as_text {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Which of the three timers of BPMN it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerKind {
    /// A moment.
    Date,
    /// A time from now.
    Duration,
    /// Repeatedly.
    Cycle,
}

/// A timer as defined.
#[derive(Clone, Debug, PartialEq)]
pub struct TimerSpec {
    /// Which of the three it is.
    pub kind: TimerKind,
    /// ISO 8601, a text of the working calendar, or FEEL giving one of these.
    pub text: Expression,
}

/// A timer that has been set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armed {
    /// When it fires next.
    pub due: Due,
    /// For a cycle: the ISO duration between firings.
    pub every: Option<String>,
    /// For a cycle: firings left after this one, none without end.
    pub left: Option<u32>,
}

impl TimerSpec {
    /// Sets the timer; also for timer start events, which the caller keeps.
    ///
    /// # Errors
    /// A text saying why there is no such time.
    pub fn arm(&self, variables: &dyn Variables, clock: &Clock) -> Result<Armed, String> {
        let text = self.text.evaluate_text(variables, clock).map_err(|e| e.to_string())?;
        self.kind.arm(text.as_deref().unwrap_or_default(), clock)
    }
}

impl TimerKind {
    pub(crate) fn arm(self, text: &str, clock: &Clock) -> Result<Armed, String> {
        let once = |due| Armed { due, every: None, left: None };
        match self {
            Self::Date => moment(text, clock).map(|at| once(Due::At(at))),
            Self::Duration if WorkingTime::parse(text).is_some() => Ok(once(Due::Text(text.to_owned()))),
            Self::Duration => after(clock.now, text, clock).map(|at| once(Due::At(at))),
            Self::Cycle => cycle(text, clock),
        }
    }
}

impl Armed {
    /// The next firing of a cycle after this one fired; what was missed meanwhile is not fired again. None where this was
    /// the last.
    ///
    /// # Errors
    /// A text, where the next moment is outside of the calendar.
    pub fn next(&self, clock: &Clock) -> Result<Option<Self>, String> {
        let (Some(every), Due::At(due)) = (&self.every, &self.due) else { return Ok(None) };
        if self.left == Some(0) {
            return Ok(None);
        }
        let mut next = after(*due, every, clock)?;
        for _ in 0..MAX_SKIPPED {
            if next > clock.now {
                break;
            }
            next = after(next, every, clock)?;
        }
        if next <= clock.now {
            next = after(clock.now, every, clock)?;
        }
        Ok(Some(Self { due: Due::At(next), every: Some(every.clone()), left: self.left.map(|left| left - 1) }))
    }
}

fn moment(text: &str, clock: &Clock) -> Result<Timestamp, String> {
    let wrong = |_| format!("'{text}' is no date");
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let local = match text.parse::<DateTime>() {
        Ok(local) => local,
        Err(_) => text.parse::<Date>().map_err(wrong)?.to_datetime(jiff::civil::Time::midnight()),
    };
    local.to_zoned_datetime(clock.zone.clone()).map(|zoned| zoned.timestamp()).map_err(wrong)
}

fn after(start: Timestamp, text: &str, clock: &Clock) -> Result<Timestamp, String> {
    let wrong = || format!("'{text}' is no duration");
    // The library also reads looser texts; only the standard's are meant here.
    if !text.starts_with('P') {
        return Err(wrong());
    }
    let span: Span = text.parse().map_err(|_| wrong())?;
    if span.is_negative() {
        return Err(format!("'{text}' lies in the past"));
    }
    let zoned = start.to_zoned_datetime(clock.zone.clone()).checked_add(span).map_err(|_| wrong())?;
    Ok(zoned.timestamp())
}

fn cycle(text: &str, clock: &Clock) -> Result<Armed, String> {
    let wrong = || format!("'{text}' is no cycle such as R3/PT1H");
    let mut parts = text.split('/');
    let times = parts.next().and_then(|r| r.strip_prefix('R')).ok_or_else(wrong)?;
    let left = match times {
        "" => None,
        number => Some(number.parse::<u32>().ok().and_then(|n| n.checked_sub(1)).ok_or_else(wrong)?),
    };
    let (start, every) = match (parts.next(), parts.next(), parts.next()) {
        (Some(every), None, None) => (None, every),
        (Some(start), Some(every), None) => (Some(start), every),
        _ => return Err(wrong()),
    };
    let next = after(clock.now, every, clock)?;
    if next == clock.now {
        return Err(wrong());
    }
    let due = start.map_or(Ok(next), |start| moment(start, clock))?;
    Ok(Armed { due: Due::At(due), every: Some(every.to_owned()), left })
}
