//! Days relative to today, parts of dates, and how dates are grouped by them.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use sea_query::Expr;
use store::Dialect;

use crate::{
    condition::Place,
    error::{Error, Result},
    field::Kind,
    sql,
};

/// A day written `2026-11-24`.
pub(crate) fn day(text: &str) -> Option<Date> {
    if text.len() == 10 { text.parse().ok() } else { None }
}

/// The days of `@today`, `@yesterday`, `@week`, `@month-1`, `@quarter`, `@year`, and of `2010`, `2010-12`, `2010-Q4`,
/// `2010-W52`; `None` for anything else.
///
/// # Errors
/// `filter` for a relative date that is not understood.
pub fn period(text: &str, today: Date) -> Result<Option<(Date, Date)>> {
    let wrong = || Error::bad("filter").with("what", text.chars().take(40).collect::<String>());
    if let Some(rest) = text.strip_prefix('@') {
        let at = rest.find(['+', '-']).unwrap_or(rest.len());
        let (unit, shift) = rest.split_at(at);
        let n: i64 = if shift.is_empty() { 0 } else { shift.parse().map_err(|_| wrong())? };
        if n.abs() > 10_000 {
            return Err(wrong());
        }
        let shifted = |span: jiff::Span| today.checked_add(span).map_err(|_| wrong());
        let one = |day: Date| (day, day);
        return Ok(Some(match unit {
            "today" => one(shifted(n.days())?),
            "yesterday" if shift.is_empty() => one(shifted((-1).days())?),
            "tomorrow" if shift.is_empty() => one(shifted(1.days())?),
            "week" => week(shifted(n.weeks())?).ok_or_else(wrong)?,
            "month" => month(shifted(n.months())?),
            "quarter" => quarter(shifted((3 * n).months())?).ok_or_else(wrong)?,
            "year" => {
                let day = shifted(n.years())?;
                (day.first_of_year(), day.last_of_year())
            }
            "me" | "my_unit" => return Ok(None),
            _ => return Err(wrong()),
        }));
    }
    Ok(written(text))
}

fn month(day: Date) -> (Date, Date) {
    (day.first_of_month(), day.last_of_month())
}

fn quarter(day: Date) -> Option<(Date, Date)> {
    let first = Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).ok()?;
    Some((first, first.checked_add(2.months()).ok()?.last_of_month()))
}

fn week(day: Date) -> Option<(Date, Date)> {
    let back = i64::from(day.weekday().to_monday_zero_offset());
    let monday = day.checked_sub(back.days()).ok()?;
    Some((monday, monday.checked_add(6.days()).ok()?))
}

/// A year, month, quarter or week as groupings write it.
fn written(text: &str) -> Option<(Date, Date)> {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (year, rest) = match text.split_once('-') {
        Some((year, rest)) => (year, Some(rest)),
        None => (text, None),
    };
    if year.len() != 4 || !digits(year) {
        return None;
    }
    let first = Date::new(year.parse().ok()?, 1, 1).ok()?;
    let Some(rest) = rest else { return Some((first, first.last_of_year())) };
    if let Some(number) = rest.strip_prefix('Q').filter(|n| n.len() == 1 && digits(n)) {
        let number: i8 = number.parse().ok().filter(|n| (1..=4).contains(n))?;
        return quarter(Date::new(first.year(), number * 3 - 2, 1).ok()?);
    }
    if let Some(number) = rest.strip_prefix('W').filter(|n| n.len() == 2 && digits(n)) {
        let number: i8 = number.parse().ok()?;
        let monday = jiff::civil::ISOWeekDate::new(first.year(), number, jiff::civil::Weekday::Monday).ok()?;
        return week(monday.date());
    }
    if rest.len() == 2 && digits(rest) {
        return Some(month(Date::new(first.year(), rest.parse().ok()?, 1).ok()?));
    }
    None
}

/// The text by which dates are grouped: `2026`, `2026-Q4`, `2026-11`, `2026-W48`, `2026-11-24`. Moments count by the day that
/// it is in the zone.
pub(crate) fn date_part(dialect: Dialect, place: &Place<'_>, part: &str, zone: &TimeZone) -> Result<Expr> {
    let wrong = || {
        Error::bad("no_field").with("field", format!("{}:{}", place.name, part.chars().take(20).collect::<String>()))
    };
    let column = place.column("");
    let day = match (place.field.kind, dialect) {
        (Kind::Date, _) => column,
        (Kind::Timestamp, Dialect::Sqlite) => {
            let text = format!("strftime('%Y-%m-%d', ? / 1000000 + {}, 'unixepoch')", offset(zone));
            sql::custom(dialect, &text, repeated(column, &text))
        }
        (Kind::Timestamp, Dialect::Postgres) => {
            let text =
                format!("to_char(to_timestamp(? / 1000000 + {}) AT TIME ZONE 'UTC', 'YYYY-MM-DD')", offset(zone));
            sql::custom(dialect, &text, repeated(column, &text))
        }
        _ => return Err(wrong()),
    };
    // The number stands in the text: a group has to be the same expression wherever it is written.
    let first = |n: i64| sql::custom(dialect, &format!("substr(?, 1, {n})"), [day.clone()]);
    Ok(match (part, dialect) {
        ("year", _) => first(4),
        ("month", _) => first(7),
        ("day", _) => first(10),
        ("quarter", _) => {
            let text = "substr(?, 1, 4) || '-Q' || CAST((CAST(substr(?, 6, 2) AS INTEGER) + 2) / 3 AS TEXT)";
            sql::custom(dialect, text, [day.clone(), day])
        }
        ("week", Dialect::Sqlite) => sql::custom(dialect, "strftime('%G-W%V', ?)", [day]),
        ("week", Dialect::Postgres) => sql::custom(dialect, "to_char(CAST(? AS date), 'IYYY-\"W\"IW')", [day]),
        _ => return Err(wrong()),
    })
}

fn repeated(column: Expr, text: &str) -> Vec<Expr> {
    vec![column; text.matches('?').count()]
}

/// From when on, and until when, changes of the clock are told to the database one by one.
const CHANGES: (i16, i16) = (1990, 2060);

/// What is added to the seconds of a moment so that they show the clock of the zone: the same text on both databases, which
/// know different tables of zones.
fn offset(zone: &TimeZone) -> String {
    let start = |year: i16| Date::new(year, 1, 1).ok().and_then(|d| d.to_zoned_datetime(TimeZone::UTC).ok());
    let (Some(from), Some(to)) = (start(CHANGES.0), start(CHANGES.1)) else { return "0".to_owned() };
    let (from, to): (Timestamp, Timestamp) = (from.timestamp(), to.timestamp());
    let seconds = |offset: jiff::tz::Offset| offset.seconds();
    let mut changes: Vec<(i64, i32)> = zone
        .following(from)
        .take_while(|change| change.timestamp() < to)
        .map(|change| (change.timestamp().as_second(), seconds(change.offset())))
        .collect();
    let before = seconds(zone.to_offset(from));
    if changes.is_empty() {
        return before.to_string();
    }
    // The newest first: most of what a company has is new.
    changes.reverse();
    let mut text = "CASE".to_owned();
    for (at, offset) in changes {
        text.push_str(&format!(" WHEN ? >= {} THEN {offset}", at * 1_000_000));
    }
    text.push_str(&format!(" ELSE {before} END"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(text: &str) -> Option<(String, String)> {
        let today: Date = "2026-11-24".parse().ok()?;
        period(text, today).ok()?.map(|(a, b)| (a.to_string(), b.to_string()))
    }

    #[test]
    fn periods_are_days() {
        for (text, from, to) in [
            ("@today", "2026-11-24", "2026-11-24"),
            ("@today-7", "2026-11-17", "2026-11-17"),
            ("@yesterday", "2026-11-23", "2026-11-23"),
            ("@tomorrow", "2026-11-25", "2026-11-25"),
            ("@week", "2026-11-23", "2026-11-29"),
            ("@week-1", "2026-11-16", "2026-11-22"),
            ("@month-1", "2026-10-01", "2026-10-31"),
            ("@month+3", "2027-02-01", "2027-02-28"),
            ("@quarter", "2026-10-01", "2026-12-31"),
            ("@quarter-4", "2025-10-01", "2025-12-31"),
            ("@year-1", "2025-01-01", "2025-12-31"),
            ("2024", "2024-01-01", "2024-12-31"),
            ("2024-02", "2024-02-01", "2024-02-29"),
            ("2024-Q1", "2024-01-01", "2024-03-31"),
            ("2020-W53", "2020-12-28", "2021-01-03"),
            ("2026-W01", "2025-12-29", "2026-01-04"),
        ] {
            assert_eq!(days(text), Some((from.to_owned(), to.to_owned())), "{text}");
        }
        for text in ["2024-13", "2024-Q5", "2021-W53", "2024-1", "24", "x", "@me", "2024-11-24"] {
            assert_eq!(days(text), None, "{text}");
        }
        let today: Date = "2026-11-24".parse().expect("a day");
        for text in ["@tomorrow-1", "@fortnight", "@today-99999999", "@today-x", "@"] {
            assert!(period(text, today).is_err(), "{text}");
        }
    }

    #[test]
    fn a_zone_is_told_by_its_changes() {
        assert_eq!(offset(&TimeZone::UTC), "0");
        let prague = offset(&TimeZone::get("Europe/Prague").expect("a zone"));
        assert!(prague.starts_with("CASE WHEN ? >= ") && prague.ends_with(" ELSE 3600 END"), "{prague}");
        // The last Sunday of October 2026, one in the morning in UTC: an hour is given back.
        assert!(prague.contains("WHEN ? >= 1792890000000000 THEN 3600"), "{prague}");
    }
}
