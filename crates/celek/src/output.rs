//! Tables for people, documents for programs.

use std::io::Write;

use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::Value as J;

/// Prints one JSON document. A reader that went away is no failure of ours.
pub fn print_json(json: &J) {
    let text = serde_json::to_string_pretty(json).unwrap_or_else(|_| json.to_string());
    print_line(&text);
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

/// A value for people; control characters, with which a text could write over the terminal, are left out.
pub fn cell(json: &J) -> String {
    let text = match json {
        J::Null => String::new(),
        J::String(text) => text.clone(),
        J::Bool(true) => "yes".to_owned(),
        J::Bool(false) => "no".to_owned(),
        J::Object(map) if map.contains_key("amount") => {
            format!(
                "{} {}",
                map["amount"].as_str().unwrap_or(""),
                map.get("currency").and_then(J::as_str).unwrap_or("")
            )
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
