//! One message with its placeholders.
//!
//! * `{name}` stands for an argument;
//! * `{n|plural}` does so too and says that this number chooses among the forms of the message;
//! * `{n|one:line|few:lines|other:lines}` stands for the word of the number's plural category, for `other` when the
//!   category has none;
//! * `{{` and `}}` are braces.
//!
//! A placeholder without an argument stays as written, so that the fault is seen and nothing is lost. What an argument
//! brings is never read as a template.

use jiff::civil::{Date, DateTime};

use crate::{Language, format, plural, plural_decimal};

/// A value for a placeholder; it is written in the language of the message.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// A text, as it is.
    Text(String),
    /// A message of the catalogue by its key, without arguments: the name of an entity, say. [`render`], which knows no
    /// catalogue, writes the key.
    Key(String),
    /// A whole number.
    Int(i64),
    /// A decimal number `minor / 10^scale`, written with all its decimals.
    Number {
        /// The scaled integer.
        minor: i128,
        /// The number of decimals.
        scale: u8,
    },
    /// An amount of money, see [`crate::money`].
    Money {
        /// The amount in the smallest unit.
        minor: i128,
        /// The number of decimals of the currency (ISO 4217).
        exponent: u8,
        /// The currency (ISO 4217 code).
        currency: String,
    },
    /// A day.
    Date(Date),
    /// A day and a time of day, already in the reader's time zone.
    DateTime(DateTime),
}

impl Arg {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A message by its key.
    pub fn key(key: impl Into<String>) -> Self {
        Self::Key(key.into())
    }

    /// A decimal number `minor / 10^scale`.
    pub fn number(minor: impl Into<i128>, scale: u8) -> Self {
        Self::Number { minor: minor.into(), scale }
    }

    /// An amount of money in the currency's smallest unit.
    pub fn money(minor: impl Into<i128>, exponent: u8, currency: impl Into<String>) -> Self {
        Self::Money { minor: minor.into(), exponent, currency: currency.into() }
    }

    /// The argument as written in the language.
    pub fn format(&self, language: Language) -> String {
        match self {
            Self::Text(text) | Self::Key(text) => text.clone(),
            Self::Int(n) => format::number(language, *n, 0),
            Self::Number { minor, scale } => format::number(language, *minor, *scale),
            Self::Money { minor, exponent, currency } => format::money(language, *minor, *exponent, currency),
            Self::Date(date) => format::date(language, *date),
            Self::DateTime(at) => format::date_time(language, *at),
        }
    }

    /// The plural category, for the kinds that are numbers.
    pub(crate) fn category(&self, language: Language) -> Option<&'static str> {
        match self {
            Self::Int(n) => Some(plural(language, *n)),
            Self::Number { minor, scale } => Some(plural_decimal(language, *minor, *scale)),
            _ => None,
        }
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Arg {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<Date> for Arg {
    fn from(date: Date) -> Self {
        Self::Date(date)
    }
}

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// The name, what follows `|` if anything, and the placeholder as written.
    Slot(&'a str, Option<&'a str>, &'a str),
}

/// Cuts a template into pieces; a brace that is never closed makes the rest text and is reported by `false`.
pub(crate) fn pieces<'a>(template: &'a str, mut each: impl FnMut(Piece<'a>)) -> bool {
    let mut rest = template;
    let mut sound = true;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        if !before.is_empty() {
            each(Piece::Text(before));
        }
        if from.starts_with("{{") || from.starts_with("}}") {
            each(Piece::Text(&from[..1]));
            rest = &from[2..];
            continue;
        }
        let end = from[1..].find(['{', '}']).map(|end| end + 1).filter(|end| from[*end..].starts_with('}'));
        match (from.starts_with('{'), end) {
            (true, Some(end)) => {
                let (whole, inside) = (&from[..=end], &from[1..end]);
                let (name, rule) = inside.split_once('|').map_or((inside, None), |(name, rule)| (name, Some(rule)));
                each(Piece::Slot(name.trim(), rule, whole));
                rest = &from[end + 1..];
            }
            _ => {
                sound = false;
                each(Piece::Text(&from[..1]));
                rest = &from[1..];
            }
        }
    }
    if !rest.is_empty() {
        each(Piece::Text(rest));
    }
    sound
}

/// Fills a template: see the crate's description of placeholders: `{name}`, `{n|plural}`, `{n|one:…|few:…|other:…}`,
/// `{{`, `}}`. A placeholder without an argument stays as written.
pub fn render(language: Language, template: &str, args: &[(&str, Arg)]) -> String {
    render_with(language, template, args, |key| key.to_owned())
}

pub(crate) fn render_with(
    language: Language,
    template: &str,
    args: &[(&str, Arg)],
    by_key: impl Fn(&str) -> String,
) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    pieces(template, |piece| match piece {
        Piece::Text(plain) => text.push_str(plain),
        Piece::Slot(name, rule, whole) => match (args.iter().find(|(known, _)| *known == name), rule) {
            (Some((_, Arg::Key(key))), None) => text.push_str(&by_key(key)),
            (Some((_, arg)), None | Some("plural")) => text.push_str(&arg.format(language)),
            (Some((_, arg)), Some(rule)) => match word(rule, arg.category(language)) {
                Some(word) => text.push_str(word),
                None => text.push_str(whole),
            },
            (None, _) => text.push_str(whole),
        },
    });
    text
}

/// The word of the category in `one:…|few:…|other:…`.
fn word<'a>(rule: &'a str, category: Option<&str>) -> Option<&'a str> {
    let category = category?;
    let find = |wanted: &str| rule.split('|').filter_map(|form| form.split_once(':')).find(|form| form.0 == wanted);
    find(category).or_else(|| find("other")).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{Cs, En};

    #[test]
    fn placeholders() {
        let args = [("who", Arg::text("{who} & {n}")), ("n", Arg::Int(1234)), ("m", Arg::money(100, 2, "CZK"))];
        assert_eq!(render(En, "{who}: {n} for { m }", &args), "{who} & {n}: 1,234 for CZK\u{a0}1.00");
        assert_eq!(render(Cs, "{{{m}}} {missing} {", &args), "{1,00\u{a0}Kč} {missing} {");
        assert_eq!(render(En, "a } b {x {n}", &args), "a } b {x 1,234");
        let day = [("d", Arg::from(jiff::civil::date(2026, 1, 2))), ("q", Arg::number(15, 1))];
        assert_eq!(render(Cs, "{d} {q|one:kus|many:kusu|other:kusů}", &day), "2.\u{a0}1.\u{a0}2026 kusu");
    }

    #[test]
    fn plural_words() {
        let text = |n| render(Cs, "{n|plural} {n|one:řádek|few:řádky|other:řádků}", &[("n", Arg::Int(n))]);
        assert_eq!([text(1), text(3), text(0)], ["1 řádek", "3 řádky", "0 řádků"]);
        assert_eq!(render(En, "{n|one:x}", &[("n", Arg::Int(2))]), "{n|one:x}");
        assert_eq!(render(En, "{n|other:x}", &[("n", Arg::text("2"))]), "{n|other:x}");
    }
}
