//! Tables for people, documents for programs.

use std::io::Write;

use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use kernel::Language;
use serde_json::Value as J;

use crate::open;

/// Prints one JSON document. A reader that went away is no failure of ours.
pub fn print_json(json: &J) {
    let text = serde_json::to_string_pretty(json).unwrap_or_else(|_| json.to_string());
    print_line(&text);
}

/// Prints what is no text of ours, such as a script.
pub fn print_bytes(bytes: &[u8]) {
    let _ = std::io::stdout().lock().write_all(bytes);
}

/// Prints a line.
pub fn print_line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A table with a head.
pub fn table(head: &[String]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_header(head);
    table
}

/// An amount as people write it in the terminal's language.
fn amount(amount: &str, currency: &str) -> Option<String> {
    let scale = u8::try_from(amount.split_once('.').map_or(0, |(_, decimals)| decimals.len())).ok()?;
    let minor: i128 = amount.replace('.', "").parse().ok()?;
    Some(lang::money(open::language(), minor, scale, currency))
}

/// A day or a moment as people write it; nothing where a text is neither.
fn moment(text: &str) -> Option<String> {
    let date = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    if date {
        return text.parse().ok().map(|day| lang::date(open::language(), day));
    }
    let at: jiff::Timestamp = if text.ends_with('Z') && text.contains('T') { text.parse().ok()? } else { return None };
    let zone = jiff::tz::TimeZone::system();
    Some(lang::date_time(open::language(), at.to_zoned_datetime(zone).datetime()))
}

/// A value for people; control characters, with which a text could write over the terminal, are left out.
pub fn cell(json: &J) -> String {
    let word = |english: &str, czech: &str| match open::language() {
        Language::En => english.to_owned(),
        Language::Cs => czech.to_owned(),
    };
    let text = match json {
        J::Null => String::new(),
        J::String(text) => moment(text).unwrap_or_else(|| text.clone()),
        J::Bool(true) => word("yes", "ano"),
        J::Bool(false) => word("no", "ne"),
        J::Object(map) if map.contains_key("amount") => {
            let part = |name: &str| map.get(name).and_then(J::as_str).unwrap_or("");
            amount(part("amount"), part("currency"))
                .unwrap_or_else(|| format!("{} {}", part("amount"), part("currency")))
        }
        J::Object(map) if map.contains_key("_title") => map["_title"].as_str().unwrap_or("").to_owned(),
        J::Object(map) if map.contains_key("entity") && map.contains_key("id") => {
            format!("{} {}", map["entity"].as_str().unwrap_or(""), map["id"])
        }
        J::Array(list) if list.iter().all(|v| !v.is_object()) => list.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    text.chars().filter(|c| !c.is_control() || *c == '\n').collect()
}

#[cfg(test)]
mod tests {
    use super::{amount, moment};

    #[test]
    fn texts_that_are_no_days_stay() {
        assert_eq!(moment("2026-1-24"), None);
        assert_eq!(moment("AB-CD-EFZT"), None);
        assert!(moment("2026-11-24").is_some());
        assert!(moment("2026-11-24T10:00:00Z").is_some());
        assert!(amount("-1234.50", "CZK").is_some_and(|t| t.contains("50")));
        assert_eq!(amount("a", "CZK"), None);
    }
}
