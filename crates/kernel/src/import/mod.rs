//! Bringing data in: any entity that people may write, from CSV and XLSX. A file is checked as a whole before anything of it is
//! written; then it is written in pieces that hold the writer for moments only, by the same rules as everything that is typed.
//! An import is a record: it goes on after the program was killed, doubles nothing, and can be taken back.

mod check;
mod coerce;
mod entity;
mod mapping;
mod operations;
mod record;
mod report;
mod resolve;
mod run;
mod undo;

use serde_json::{Map, Value as J};

pub use coerce::Coercion;
pub use entity::{Import, ImportRow, ImportState};
pub use mapping::Found;

use crate::error::{Error, Result};

pub use operations::{MineImports, Preview, Show, Start, Stop, Told, Undo};

/// The options of an import as somebody wrote them into a file: TOML, or JSON.
///
/// # Errors
/// 400 where it is neither.
pub fn options_of(text: &str) -> Result<J> {
    let bad = |detail: String| Error::bad("import_options").with("detail", detail);
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|e| bad(e.to_string()));
    }
    toml::from_str(text).map_err(|e| bad(e.message().to_owned()))
}

/// What stands at a path of a record, for a message.
fn value_of(body: &Map<String, J>, path: &str) -> String {
    let mut parts = path.split('.');
    let Some(mut at) = parts.next().and_then(|first| body.get(first)) else { return String::new() };
    for part in parts {
        let inner = match part.parse::<usize>() {
            Ok(index) => at.get(index),
            Err(_) => at.get(part),
        };
        match inner {
            Some(inner) => at = inner,
            None => return String::new(),
        }
    }
    match at {
        J::Null | J::Array(_) => String::new(),
        J::String(text) => record::short(text),
        J::Object(money) if money.contains_key("amount") => {
            record::short(&format!("{} {}", text(money.get("amount")), text(money.get("currency"))))
        }
        other => record::short(&other.to_string()),
    }
}

fn text(json: Option<&J>) -> &str {
    json.and_then(J::as_str).unwrap_or("")
}
