//! Numbers, money and dates as people write them (CLDR, and for Czech ČSN 01 6910).
//!
//! A decimal number is a scaled integer: `minor / 10^scale`. Nothing here rounds and nothing can overflow.

use jiff::civil::{Date, DateTime};

use crate::Language;

/// The no-break space, which keeps a number, its groups and its unit on one line.
pub const NBSP: char = '\u{a0}';

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Sign, digits of the whole part, digits of the decimals.
fn parts(minor: i128, scale: u8) -> (bool, String, String) {
    let digits = minor.unsigned_abs().to_string();
    let scale = usize::from(scale);
    let padded = if digits.len() <= scale { format!("{digits:0>width$}", width = scale + 1) } else { digits };
    let (whole, decimals) = padded.split_at(padded.len() - scale);
    (minor < 0, whole.to_owned(), decimals.to_owned())
}

fn grouped(whole: &str, separator: char) -> String {
    let mut text = String::with_capacity(whole.len() * 2);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

fn unsigned(language: Language, whole: &str, decimals: &str) -> String {
    let (group, point) = match language {
        Language::En => (',', '.'),
        Language::Cs => (NBSP, ','),
    };
    let mut text = grouped(whole, group);
    if !decimals.is_empty() {
        text.push(point);
        text.push_str(decimals);
    }
    text
}

fn sign(negative: bool) -> &'static str {
    if negative { "-" } else { "" }
}

/// The number `minor / 10^scale` with groups of three digits and all its decimals: Czech `1 234,50` (no-break space),
/// English `1,234.50`.
pub fn number(language: Language, minor: impl Into<i128>, scale: u8) -> String {
    let (negative, whole, decimals) = parts(minor.into(), scale);
    format!("{}{}", sign(negative), unsigned(language, &whole, &decimals))
}

/// As [`number()`] without zeros at the end of the decimals: `12.500` is `12.5`, `12.000` is `12`. For quantities.
pub fn quantity(language: Language, minor: impl Into<i128>, scale: u8) -> String {
    let (negative, whole, decimals) = parts(minor.into(), scale);
    format!("{}{}", sign(negative), unsigned(language, &whole, decimals.trim_end_matches('0')))
}

/// The number `minor / 10^scale` for machines: a point, no groups, all decimals: `-1234.50`.
pub fn plain(minor: impl Into<i128>, scale: u8) -> String {
    let (negative, whole, decimals) = parts(minor.into(), scale);
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{}{whole}{point}{decimals}", sign(negative))
}

pub(crate) fn trimmed(minor: i128, scale: u8) -> String {
    let text = plain(minor, scale);
    if scale == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// A percentage, where `minor / 10^scale` is already in percent: Czech `21 %` (no-break space), English `21%`.
pub fn percent(language: Language, minor: impl Into<i128>, scale: u8) -> String {
    let number = quantity(language, minor, scale);
    match language {
        Language::En => format!("{number}%"),
        Language::Cs => format!("{number}{NBSP}%"),
    }
}

/// The sign by which people know a currency (ISO 4217 code): `€`, `£`, `$` (United States dollar only), in Czech also
/// `Kč`. `None` when the code itself is clearest.
pub fn currency_symbol(language: Language, code: &str) -> Option<&'static str> {
    match (code, language) {
        ("EUR", _) => Some("€"),
        ("GBP", _) => Some("£"),
        ("USD", _) => Some("$"),
        ("CZK", Language::Cs) => Some("Kč"),
        _ => None,
    }
}

/// An amount of money: `minor` in the currency's smallest unit, `exponent` the number of its decimals (ISO 4217: 2 for CZK
/// and EUR, 0 for JPY), `code` the currency.
///
/// Czech: `1 234,50 Kč`, `1 234,50 €`, `1 234,50 CHF`. English: `£12.30`, `-€1.00`, `CZK 1,234.50`. All spaces are no-break
/// spaces.
pub fn money(language: Language, minor: impl Into<i128>, exponent: u8, code: &str) -> String {
    let (negative, whole, decimals) = parts(minor.into(), exponent);
    let (sign, amount) = (sign(negative), unsigned(language, &whole, &decimals));
    match (language, currency_symbol(language, code)) {
        (_, None) if code.is_empty() => format!("{sign}{amount}"),
        (Language::En, Some(symbol)) => format!("{sign}{symbol}{amount}"),
        (Language::En, None) => format!("{sign}{code}{NBSP}{amount}"),
        (Language::Cs, symbol) => format!("{sign}{amount}{NBSP}{}", symbol.unwrap_or(code)),
    }
}

/// A day: Czech `24. 11. 2026` (no-break spaces), English `24 Nov 2026` (plain spaces).
pub fn date(language: Language, date: Date) -> String {
    let (year, month, day) = (date.year(), date.month(), date.day());
    match language {
        Language::En => {
            let name = MONTHS.get(usize::try_from(month - 1).unwrap_or(0)).copied().unwrap_or_default();
            format!("{day} {name} {year}")
        }
        Language::Cs => format!("{day}.{NBSP}{month}.{NBSP}{year}"),
    }
}

/// A day and a time of day without seconds: Czech `24. 11. 2026 9:05`, English `24 Nov 2026, 09:05`. The caller chooses
/// the time zone.
pub fn date_time(language: Language, at: DateTime) -> String {
    let day = date(language, at.date());
    match language {
        Language::En => format!("{day}, {:02}:{:02}", at.hour(), at.minute()),
        Language::Cs => format!("{day} {}:{:02}", at.hour(), at.minute()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{Cs, En};

    #[test]
    fn numbers() {
        assert_eq!(number(Cs, 123_450_i64, 2), "1\u{a0}234,50");
        assert_eq!(number(En, 123_450_i64, 2), "1,234.50");
        assert_eq!(number(En, -5, 2), "-0.05");
        assert_eq!(number(En, 0, 0), "0");
        assert_eq!(number(En, 1_000_000, 0), "1,000,000");
        assert_eq!(number(En, 123, 3), "0.123");
        assert_eq!(number(Cs, 999, 0), "999");
        assert_eq!(quantity(En, 12_500, 3), "12.5");
        assert_eq!(quantity(Cs, 1_200_000, 3), "1\u{a0}200");
        assert_eq!(quantity(En, 100, 0), "100");
        assert_eq!(plain(-123_450, 2), "-1234.50");
        assert_eq!(trimmed(-1200, 2), "-12");
        assert_eq!(trimmed(1200, 0), "1200");
        assert_eq!(plain(i128::MIN, 40).len(), 43);
        assert_eq!(number(En, i128::MAX, 255).len(), 257);
        assert_eq!(percent(Cs, 2100, 2), "21\u{a0}%");
        assert_eq!(percent(En, 125, 1), "12.5%");
    }

    #[test]
    fn amounts() {
        assert_eq!(money(Cs, 123_450, 2, "CZK"), "1\u{a0}234,50\u{a0}Kč");
        assert_eq!(money(Cs, -123_450, 2, "EUR"), "-1\u{a0}234,50\u{a0}€");
        assert_eq!(money(Cs, 100, 2, "CHF"), "1,00\u{a0}CHF");
        assert_eq!(money(En, 123_450, 2, "CZK"), "CZK\u{a0}1,234.50");
        assert_eq!(money(En, 1230, 2, "GBP"), "£12.30");
        assert_eq!(money(En, -100, 2, "EUR"), "-€1.00");
        assert_eq!(money(En, 500, 0, "JPY"), "JPY\u{a0}500");
        assert_eq!(money(En, 500, 0, ""), "500");
    }

    #[test]
    fn days() {
        let at = jiff::civil::datetime(2026, 11, 24, 9, 5, 0, 0);
        assert_eq!(date(Cs, at.date()), "24.\u{a0}11.\u{a0}2026");
        assert_eq!(date(En, at.date()), "24 Nov 2026");
        assert_eq!(date_time(Cs, at), "24.\u{a0}11.\u{a0}2026 9:05");
        assert_eq!(date_time(En, at), "24 Nov 2026, 09:05");
    }
}
