//! JSON and FEEL values.

use dsntk_feel::context::FeelContext;
use dsntk_feel::values::Value;
use dsntk_feel::{FeelNumber, Name};
use serde_json::{Map, Value as Json};
use std::str::FromStr;

/// A JSON value as FEEL sees it: texts that are dates, times or durations are such values.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null(None),
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::Number(number) => FeelNumber::from_str(&number.to_string()).map_or(Value::Null(None), Value::Number),
        Json::String(text) => from_text(text),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(entries) => Value::Context(context(entries)),
    }
}

/// The input of a model.
pub(crate) fn context(entries: &Map<String, Json>) -> FeelContext {
    let mut context = FeelContext::new();
    for (name, value) in entries {
        context.set_entry(&Name::from(name.as_str()), from_json(value));
    }
    context
}

fn from_text(text: &str) -> Value {
    let bytes = text.as_bytes();
    let date = bytes.len() >= 10
        && bytes
            .iter()
            .take(10)
            .enumerate()
            .all(|(i, b)| if matches!(i, 4 | 7) { *b == b'-' } else { b.is_ascii_digit() });
    let found = match bytes.len() {
        10 if date => Value::try_from_xsd_date(text).ok(),
        19.. if date && bytes[10] == b'T' => Value::try_from_xsd_date_time(text).ok(),
        _ => None,
    };
    found.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// A FEEL value as JSON. Numbers keep their digits; what is no data (a function, a range) is its text.
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Null(_) => Json::Null,
        Value::Boolean(flag) => Json::Bool(*flag),
        Value::Number(number) => number_to_json(&number.to_string()),
        Value::String(text) => Json::String(text.clone()),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Context(context) => {
            Json::Object(context.iter().map(|(name, value)| (name.to_string(), to_json(value))).collect())
        }
        Value::Transparent(inner) => to_json(inner),
        other => Json::String(other.to_string()),
    }
}

fn number_to_json(text: &str) -> Json {
    let text = match text.split_once('.') {
        Some((whole, part)) if part.bytes().all(|b| b.is_ascii_digit()) => {
            let part = part.trim_end_matches('0');
            if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
        }
        _ => text.to_owned(),
    };
    // A fraction stays a text, so that no reader rounds it.
    match text.parse::<i64>() {
        Ok(whole) if whole.abs() < 1 << 53 => Json::from(whole),
        _ => Json::String(text),
    }
}
