//! Working calendars: on which days people work.

use jiff::{
    ToSpan,
    civil::{Date, Time},
};
use kernel::{Country, Cx, Entity, Error, Id, Language, Result, Rules};

/// Years for which the holidays of a new company's calendar are written down.
const YEARS: std::ops::RangeInclusive<i16> = 2010..=2030;
/// When work begins where the calendar does not say.
pub(crate) const BEGINS: Time = Time::constant(8, 0, 0, 0);
/// When work ends where the calendar does not say.
pub(crate) const ENDS: Time = Time::constant(17, 0, 0, 0);

/// A working calendar: Monday to Friday, but for its holidays.
#[derive(Entity)]
#[entity(name = "people.calendar", steady, title = name, read = "*", write = "manager", area = "people")]
pub struct Calendar {
    /// Name.
    #[field(searchable, role = "title")]
    pub name: String,
    /// Country whose public holidays it holds.
    #[field(default = "@country")]
    pub country: Option<Country>,
    /// When work begins; at 8:00 where empty.
    pub begins: Option<Time>,
    /// When work ends; at 17:00 where empty. What is due by working days is due then.
    pub ends: Option<Time>,
}

impl Calendar {
    /// When work begins and ends.
    pub(crate) fn hours(&self) -> (Time, Time) {
        (self.begins.unwrap_or(BEGINS), self.ends.unwrap_or(ENDS))
    }
}

impl Rules for Calendar {
    fn check(_old: Option<&Self>, new: &mut Self, _cx: &mut Cx<'_>) -> Result<()> {
        let (begins, ends) = new.hours();
        if begins < ends { Ok(()) } else { Err(Error::field("ends", "people.work_ends_first")) }
    }
}

/// A day on which nobody works.
#[derive(Entity)]
#[entity(name = "people.holiday", plain, title = name, read = "*", write = "manager", area = "people", unique(calendar, date))]
pub struct Holiday {
    /// The calendar.
    pub calendar: Id<Calendar>,
    /// The day.
    #[field(indexed)]
    pub date: Date,
    /// Name.
    #[field(searchable, role = "title")]
    pub name: String,
}

/// Fixed public holidays of Act 245/2000 Coll.: month, day, name in English and Czech.
const FIXED: &[(i8, i8, &str, &str)] = &[
    (1, 1, "New Year's Day", "Nový rok, Den obnovy samostatného českého státu"),
    (5, 1, "Labour Day", "Svátek práce"),
    (5, 8, "Victory Day", "Den vítězství"),
    (7, 5, "Saints Cyril and Methodius", "Den slovanských věrozvěstů Cyrila a Metoděje"),
    (7, 6, "Jan Hus Day", "Den upálení mistra Jana Husa"),
    (9, 28, "Statehood Day", "Den české státnosti"),
    (10, 28, "Independence Day", "Den vzniku samostatného československého státu"),
    (11, 17, "Freedom and Democracy Day", "Den boje za svobodu a demokracii"),
    (12, 24, "Christmas Eve", "Štědrý den"),
    (12, 25, "Christmas Day", "1. svátek vánoční"),
    (12, 26, "Second Day of Christmas", "2. svátek vánoční"),
];

fn no_day(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("no such day: {error}"))
}

/// Easter Sunday of a year, by the Gregorian computus.
fn easter(year: i16) -> Result<Date> {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    let part = |n: i16| i8::try_from(n).map_err(no_day);
    Date::new(year, part(month)?, part(day)?).map_err(no_day)
}

/// Public holidays of Czechia in a year; Good Friday is one since 2016.
fn czech_holidays(year: i16) -> Result<Vec<(Date, &'static str, &'static str)>> {
    let mut days = Vec::new();
    for (month, day, en, cs) in FIXED {
        days.push((Date::new(year, *month, *day).map_err(no_day)?, *en, *cs));
    }
    let easter = easter(year)?;
    if year >= 2016 {
        days.push((easter.checked_sub(2.days()).map_err(no_day)?, "Good Friday", "Velký pátek"));
    }
    days.push((easter.checked_add(1.day()).map_err(no_day)?, "Easter Monday", "Velikonoční pondělí"));
    days.sort_unstable();
    Ok(days)
}

/// The calendar that a company begins with.
pub(crate) fn found(cx: &mut Cx<'_>) -> Result<()> {
    let czech = cx.company().language == Language::Cs;
    let country = cx.company().country.clone();
    let name = if czech { "Pracovní kalendář" } else { "Working calendar" };
    let kept = Some(country.clone()).filter(|c| !c.is_empty()).map(Country);
    let calendar = cx.insert(Calendar { name: name.to_owned(), country: kept, begins: None, ends: None })?;
    if country != "CZ" {
        return Ok(());
    }
    for year in YEARS {
        for (date, en, cs) in czech_holidays(year)? {
            cx.insert(Holiday { calendar, date, name: if czech { cs } else { en }.to_owned() })?;
        }
    }
    Ok(())
}

/// The company's calendar: the first of its country, else the first.
///
/// # Errors
/// As reading does.
pub fn default_calendar(cx: &mut Cx<'_>) -> Result<Option<Id<Calendar>>> {
    let country = cx.company().country.clone();
    let mut all = cx.by::<Calendar>(&[])?;
    all.retain(|c| !c.archived);
    let own = all.iter().find(|c| c.country.as_ref().is_some_and(|c| c.0 == country));
    Ok(own.or(all.first()).map(|c| c.id))
}
