//! From what people write into cells to the JSON that a field takes. Every change is told: nobody wonders what became of
//! "1 234,50".

use jiff::civil::{Date, DateTime, Time};
use serde_json::{Value as J, json};
use sheet::Cell;

use crate::{
    access::Company,
    error::{Arg, FieldError},
    field::{FieldDef, Kind},
    schema::Schema,
};

/// What was done to a cell; the words for it stand in the catalogue under `import.coercion.NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Coercion {
    /// A number written with spaces, a comma, a sign of per cent.
    Number,
    /// A number that could be read in two ways.
    Ambiguous,
    /// An amount with its currency in one cell.
    Money,
    /// A day written in another way.
    Date,
    /// A moment without a zone, taken in the company's.
    Moment,
    /// Yes and no in words.
    Bool,
    /// A choice by its label.
    Choice,
    /// A number or a day that a spreadsheet holds where a text is wanted.
    Text,
    /// The mark that kept a text from being a formula.
    Guard,
    /// A record by its number, code or name.
    Reference,
}

impl Coercion {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Ambiguous => "ambiguous",
            Self::Money => "money",
            Self::Date => "date",
            Self::Moment => "moment",
            Self::Bool => "bool",
            Self::Choice => "choice",
            Self::Text => "text",
            Self::Guard => "guard",
            Self::Reference => "reference",
        }
    }
}

/// What cells are read by.
pub(crate) struct Reading<'a> {
    pub schema: &'a Schema,
    pub company: &'a Company,
    /// The comma divides thousands, as in English.
    pub comma_groups: bool,
}

type Coerced = Result<(J, Option<Coercion>), FieldError>;

fn wrong(code: &'static str, value: &str) -> FieldError {
    let value: String = value.chars().take(80).collect();
    FieldError { field: String::new(), code: code.into(), args: vec![("value", Arg::Text(value))] }
}

fn changed(kind: Coercion, before: &str, after: &str) -> Option<Coercion> {
    (before != after).then_some(kind)
}

impl Reading<'_> {
    /// A cell as what a field takes; references and files are none of its business.
    pub fn cell(&self, field: &FieldDef, cell: &Cell) -> Coerced {
        let told = cell.to_string();
        let text = told.trim();
        if let Cell::Wrong(text) = cell {
            return Err(wrong("import_wrong_cell", text));
        }
        match field.kind {
            Kind::Text | Kind::LongText | Kind::Email | Kind::Phone => Ok(texts(cell, &told)),
            Kind::Country => Ok((J::from(text.to_uppercase()), None)),
            Kind::Language => Ok((J::from(text.to_lowercase()), None)),
            Kind::Choice(set) => {
                if set.items.iter().any(|item| item.value == text) {
                    return Ok((J::from(text), None));
                }
                let wanted = lang::fold(text);
                let named = |value: &str| {
                    lang::fold(value) == wanted
                        || lang::Language::ALL
                            .into_iter()
                            .any(|language| lang::fold(&self.schema.choice_label(language, set, value)) == wanted)
                };
                let found = set.items.iter().find(|item| named(item.value)).ok_or_else(|| wrong("choice", text))?;
                Ok((J::from(found.value), Some(Coercion::Choice)))
            }
            Kind::Bool => match cell {
                Cell::Bool(value) => Ok((J::from(*value), None)),
                _ => {
                    let value = yes_or_no(text).ok_or_else(|| wrong("bool", text))?;
                    let plain = matches!(text, "true" | "false" | "1" | "0");
                    Ok((J::from(value), (!plain).then_some(Coercion::Bool)))
                }
            },
            Kind::Int | Kind::Duration => {
                let (number, how) = self.number(cell, text).ok_or_else(|| wrong("int", text))?;
                let whole = match number.split_once('.') {
                    Some((whole, rest)) if rest.bytes().all(|b| b == b'0') => whole.to_owned(),
                    Some(_) => return Err(wrong("int", text)),
                    None => number,
                };
                Ok((J::from(whole), how))
            }
            Kind::Dec(_) => {
                let bare = text.strip_suffix('%').map_or(text, str::trim_end);
                let (number, how) = self.number(cell, bare).ok_or_else(|| wrong("decimal", text))?;
                let how = how.or_else(|| changed(Coercion::Number, text, &number));
                Ok((J::from(number), how))
            }
            Kind::Money => self.money(cell, text),
            Kind::Date => {
                let day = day_of(cell, text).ok_or_else(|| wrong("date", text))?.to_string();
                let how = changed(Coercion::Date, text, &day).filter(|_| matches!(cell, Cell::Text(_)));
                Ok((J::from(day), how))
            }
            Kind::Time => {
                let time = time_of(cell, text).ok_or_else(|| wrong("time", text))?.to_string();
                Ok((J::from(time), None))
            }
            Kind::Timestamp => {
                if let Ok(at) = text.parse::<jiff::Timestamp>() {
                    return Ok((J::from(at.to_string()), None));
                }
                let at = moment_of(cell, text).ok_or_else(|| wrong("timestamp", text))?;
                let at = self.company.time_zone.to_timestamp(at).map_err(|_| wrong("timestamp", text))?;
                Ok((J::from(at.to_string()), Some(Coercion::Moment)))
            }
            Kind::Json => serde_json::from_str(text).map(|json| (json, None)).map_err(|_| wrong("bad_json", text)),
            Kind::Ref(_) | Kind::AnyRef | Kind::File | Kind::List(_) => Err(wrong("import_no_kind", text)),
        }
    }

    fn number(&self, cell: &Cell, text: &str) -> Option<(String, Option<Coercion>)> {
        if let Cell::Number(number) = cell {
            return Some((number.clone(), None));
        }
        let (number, unsure) = number_of(text, self.comma_groups)?;
        let how = if unsure { Some(Coercion::Ambiguous) } else { changed(Coercion::Number, text, &number) };
        Some((number, how))
    }

    /// An amount, with its currency before or behind it where one stands there.
    fn money(&self, cell: &Cell, text: &str) -> Coerced {
        let is_word = |c: char| c.is_alphabetic() || "€$£".contains(c);
        let behind = text.trim_end_matches(|c: char| is_word(c) || c == '.').trim_end();
        let (amount, word) = if behind.len() < text.len() && !behind.is_empty() {
            (behind, text[behind.len()..].trim().trim_end_matches('.'))
        } else {
            let rest = text.trim_start_matches(is_word);
            (rest.trim_start(), text[..text.len() - rest.len()].trim())
        };
        let (number, how) = self.number(cell, amount).ok_or_else(|| wrong("decimal", text))?;
        if word.is_empty() {
            return Ok((json!({"amount": number}), how));
        }
        let code = match lang::fold(word).as_str() {
            "kc" => "CZK".to_owned(),
            "€" => "EUR".to_owned(),
            "$" => "USD".to_owned(),
            "£" => "GBP".to_owned(),
            "zl" => "PLN".to_owned(),
            "ft" => "HUF".to_owned(),
            other => other.to_uppercase(),
        };
        Ok((
            json!({"amount": number, "currency": code}),
            how.filter(|h| *h == Coercion::Ambiguous).or(Some(Coercion::Money)),
        ))
    }
}

/// A text as it stands; what a spreadsheet holds as something else is written out.
pub(crate) fn texts(cell: &Cell, told: &str) -> (J, Option<Coercion>) {
    match cell {
        Cell::Text(text) => match text.strip_prefix('\'') {
            Some(rest) if sheet::formula(rest) => (J::from(rest), Some(Coercion::Guard)),
            _ => (J::from(text.as_str()), None),
        },
        _ => (J::from(told), Some(Coercion::Text)),
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    match lang::fold(text).as_str() {
        "true" | "1" | "ano" | "a" | "yes" | "y" | "x" | "✓" | "✔" | "pravda" => Some(true),
        "false" | "0" | "ne" | "n" | "no" | "-" | "nepravda" => Some(false),
        _ => None,
    }
}

/// A number as people write it, in plain notation, and whether it could mean something else: `1 234,50`, `1.234,50`,
/// `1,234.50`, `1'234.5`. Never rounded.
pub(crate) fn number_of(text: &str, comma_groups: bool) -> Option<(String, bool)> {
    let text = text.trim();
    let (minus, text) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let spaced = |c: char| matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’');
    let mut unsure = false;
    let commas = text.matches(',').count();
    let dots = text.matches('.').count();
    let (point, group) = match (text.rfind(','), text.rfind('.')) {
        (Some(comma), Some(dot)) if comma > dot => (Some(','), Some('.')),
        (Some(_), Some(_)) => (Some('.'), Some(',')),
        (Some(comma), None) if commas == 1 => {
            let behind = text.len() - comma - 1;
            unsure = behind == 3 && comma <= 3 && !text.starts_with('0');
            if unsure && comma_groups { (None, Some(',')) } else { (Some(','), None) }
        }
        (Some(_), None) => (None, Some(',')),
        (None, Some(_)) if dots == 1 => (Some('.'), None),
        (None, Some(_)) => (None, Some('.')),
        (None, None) => (None, None),
    };
    let (whole, fraction) = match point.and_then(|point| text.rsplit_once(point)) {
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || (point.is_some() && fraction.is_empty()) {
        return None;
    }
    // Thousands stand in threes.
    let mut digits = String::new();
    let parts: Vec<&str> = whole.split(|c| spaced(c) || Some(c) == group).collect();
    for (i, part) in parts.iter().enumerate() {
        let first = i == 0;
        let fits = if first { (1..=3).contains(&part.len()) || parts.len() == 1 } else { part.len() == 3 };
        if !fits || !part.bytes().all(|b| b.is_ascii_digit()) || (part.is_empty() && fraction.is_empty()) {
            return None;
        }
        digits.push_str(part);
    }
    let plain = digits.trim_start_matches('0');
    let mut out = if plain.is_empty() { "0".to_owned() } else { plain.to_owned() };
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    let nothing = out.bytes().all(|b| b == b'0' || b == b'.');
    if minus && !nothing {
        out.insert(0, '-');
    }
    Some((out, unsure))
}

/// A day: `2026-11-24`, `24.11.2026`, `24. 11. 2026`, `24/11/2026` where it can be nothing else, `20261124`.
fn day_of(cell: &Cell, text: &str) -> Option<Date> {
    match cell {
        Cell::Date(day) => return Some(*day),
        Cell::Moment(at) if at.time() == Time::midnight() => return Some(at.date()),
        Cell::Moment(_) | Cell::Time(_) | Cell::Bool(_) => return None,
        _ => {}
    }
    day(text)
}

pub(crate) fn day(text: &str) -> Option<Date> {
    let text = text.strip_suffix("T00:00:00").or_else(|| text.strip_suffix(" 00:00:00")).unwrap_or(text);
    let number = |part: &str, longest: usize| {
        let part = part.trim();
        let fits = !part.is_empty() && part.len() <= longest && part.bytes().all(|b| b.is_ascii_digit());
        if fits { part.parse::<i16>().ok() } else { None }
    };
    let date = |year: i16, month: i16, day: i16| {
        if !(1..=9999).contains(&year) {
            return None;
        }
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    };
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return date(number(&text[..4], 4)?, number(&text[4..6], 2)?, number(&text[6..], 2)?);
    }
    for mark in ['-', '.', '/'] {
        let parts: Vec<&str> = text.split(mark).collect();
        let [a, b, c] = parts.as_slice() else { continue };
        if a.trim().len() == 4 {
            return date(number(a, 4)?, number(b, 2)?, number(c, 2)?);
        }
        if c.trim().len() != 4 {
            return None;
        }
        let (first, second, year) = (number(a, 2)?, number(b, 2)?, number(c, 4)?);
        return match mark {
            '.' => date(year, second, first),
            // Americans write the month first: only what cannot be that, or is the same either way.
            '/' if first > 12 || first == second => date(year, second, first),
            '/' if second > 12 => date(year, first, second),
            _ => None,
        };
    }
    None
}

fn time_of(cell: &Cell, text: &str) -> Option<Time> {
    match cell {
        Cell::Time(time) => Some(*time),
        Cell::Moment(_) | Cell::Date(_) | Cell::Bool(_) => None,
        _ => clock(text),
    }
}

fn clock(text: &str) -> Option<Time> {
    let parts: Vec<&str> = text.trim().split(':').collect();
    let part = |text: &str| {
        let fits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if fits { text.parse::<i8>().ok() } else { None }
    };
    match parts.as_slice() {
        [hour, minute] => Time::new(part(hour)?, part(minute)?, 0, 0).ok(),
        [hour, minute, second] => Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok(),
        _ => None,
    }
}

fn moment_of(cell: &Cell, text: &str) -> Option<DateTime> {
    match cell {
        Cell::Moment(at) => return Some(*at),
        Cell::Date(day) => return Some(DateTime::from_parts(*day, Time::midnight())),
        Cell::Time(_) | Cell::Bool(_) => return None,
        _ => {}
    }
    if let Some(day) = day(text) {
        return Some(DateTime::from_parts(day, Time::midnight()));
    }
    let (date, time) = text.rsplit_once([' ', 'T'])?;
    Some(DateTime::from_parts(day(date.trim())?, clock(time)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_people_are_read() {
        let read = |text: &str| number_of(text, false).map(|(number, _)| number);
        for (text, wanted) in [
            ("1 234,50", "1234.50"),
            ("1\u{a0}234\u{202f}567,5", "1234567.5"),
            ("1.234,50", "1234.50"),
            ("1,234.50", "1234.50"),
            ("1.234.567", "1234567"),
            ("1'234.5", "1234.5"),
            ("-0,5", "-0.5"),
            ("−12", "-12"),
            ("+7", "7"),
            ("007", "7"),
            ("-0,00", "0.00"),
            ("1234567", "1234567"),
        ] {
            assert_eq!(read(text).as_deref(), Some(wanted), "{text}");
        }
        for text in ["", "-", "1,2,3", "12 34", "1e5", "1.234.56", "abc", "1,", ".", "1 234 5", "٣"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(number_of("1,234", false), Some(("1.234".to_owned(), true)));
        assert_eq!(number_of("1,234", true), Some(("1234".to_owned(), true)));
        assert_eq!(number_of("0,234", true), Some(("0.234".to_owned(), false)));
    }

    #[test]
    fn days_of_people_are_read_and_doubtful_ones_are_not() {
        let wanted = Some(Date::constant(2026, 11, 24));
        for text in ["2026-11-24", "24.11.2026", "24. 11. 2026", "24/11/2026", "11/24/2026", "20261124", "2026/11/24"] {
            assert_eq!(day(text), wanted, "{text}");
        }
        for text in ["24.11.26", "5/6/2026", "31.2.2026", "2026-13-01", "0000-01-01", "x", "1.2", "1.1.1.2026"] {
            assert_eq!(day(text), None, "{text}");
        }
        assert_eq!(clock("8:30"), Some(Time::constant(8, 30, 0, 0)));
        assert_eq!(clock("24:00"), None);
    }
}
