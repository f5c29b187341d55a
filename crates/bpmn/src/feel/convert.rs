//! JSON to FEEL values and back, exactly: no number goes through a binary fraction.

use super::{Clock, FeelError};
use dsntk_feel::context::FeelContext;
use dsntk_feel::values::Value;
use dsntk_feel::{FeelNumber, Name};
use jiff::civil::DateTime;
use serde_json::{Map, Value as Json};
use std::str::FromStr;

/// Largest integer that every reader of JSON keeps exactly.
const SAFE_INTEGER: i64 = (1 << 53) - 1;
/// Longest decimal text that is a number: the arithmetic has 34 digits.
const MAX_DIGITS: usize = 40;

/// Writes a decimal text so that FEEL reads it as a number again: `"3"` becomes the integer 3, `"12.50"` stays a text.
pub fn decimal(text: &str) -> Json {
    match text.parse::<i64>() {
        Ok(whole) if whole.abs() <= SAFE_INTEGER => Json::from(whole),
        _ if text.contains('.') => Json::String(text.to_owned()),
        _ => Json::String(format!("{text}.0")),
    }
}

/// A JSON value as FEEL sees it.
pub(super) fn to_feel(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null(None),
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::Number(number) => FeelNumber::from_str(&number.to_string()).map_or(Value::Null(None), Value::Number),
        Json::String(text) => text_to_feel(text),
        Json::Array(items) => Value::List(items.iter().map(to_feel).collect()),
        Json::Object(entries) => {
            let mut context = FeelContext::new();
            for (name, value) in entries {
                context.set_entry(&Name::from(name.as_str()), to_feel(value));
            }
            Value::Context(context)
        }
    }
}

fn text_to_feel(text: &str) -> Value {
    let number = || is_decimal(text).then(|| FeelNumber::from_str(text).ok()).flatten().map(Value::Number);
    let moment = || match text.len() {
        10 if is_date(text) => Value::try_from_xsd_date(text).ok(),
        20..=35 if is_date(text) && text.as_bytes().get(10) == Some(&b'T') && has_offset(text) => {
            Value::try_from_xsd_date_time(text).ok()
        }
        _ => None,
    };
    number().or_else(moment).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// A point with digits on both sides, and no needless leading zero.
fn is_decimal(text: &str) -> bool {
    let Some((whole, part)) = text.strip_prefix('-').unwrap_or(text).split_once('.') else { return false };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    text.len() <= MAX_DIGITS && digits(whole) && digits(part) && (whole.len() == 1 || !whole.starts_with('0'))
}

fn is_date(text: &str) -> bool {
    text.bytes().take(10).enumerate().all(|(i, b)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() })
}

fn has_offset(text: &str) -> bool {
    text.ends_with('Z') || text.get(text.len().saturating_sub(6)..).is_some_and(|o| o.starts_with(['+', '-']))
}

/// A FEEL value as JSON.
///
/// # Errors
/// [`FeelError::Result`] for what is no data: ranges, functions, types.
pub(super) fn to_json(value: Value) -> Result<Json, FeelError> {
    Ok(match value {
        Value::Null(_) => Json::Null,
        Value::Boolean(flag) => Json::Bool(flag),
        Value::Number(number) => number_to_json(&number)?,
        Value::String(text) => Json::String(text),
        Value::List(items) => Json::Array(items.into_iter().map(to_json).collect::<Result<_, _>>()?),
        Value::Context(context) => {
            let mut entries = Map::new();
            for (name, value) in context.iter() {
                entries.insert(name.to_string(), to_json(value.clone())?);
            }
            Json::Object(entries)
        }
        value @ (Value::Date(_)
        | Value::DateTime(_)
        | Value::Time(_)
        | Value::DaysAndTimeDuration(_)
        | Value::YearsAndMonthsDuration(_)) => Json::String(value.to_string()),
        other => return Err(FeelError::Result(format!("the result is no data but {}", other.type_of()))),
    })
}

fn number_to_json(number: &FeelNumber) -> Result<Json, FeelError> {
    let text = number.to_string();
    let text = match text.split_once('.') {
        Some((whole, part)) => {
            let part = part.trim_end_matches('0');
            if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
        }
        None => text,
    };
    if text.len() > MAX_DIGITS {
        return Err(FeelError::Result("the number is out of range".to_owned()));
    }
    Ok(decimal(if text == "-0" { "0" } else { &text }))
}

/// `now()` and `today()` of a clock.
pub(super) fn clock(clock: &Clock) -> (Value, Value) {
    let zoned = clock.now.to_zoned_datetime(clock.zone.clone());
    let civil: DateTime = zoned.datetime();
    let offset = zoned.offset().seconds();
    let sign = if offset < 0 { '-' } else { '+' };
    let offset = offset.unsigned_abs();
    let time = format!("{}{sign}{:02}:{:02}", civil, offset / 3600, offset / 60 % 60);
    let now = Value::try_from_xsd_date_time(&time).unwrap_or(Value::Null(None));
    let today = Value::try_from_xsd_date(&civil.date().to_string()).unwrap_or(Value::Null(None));
    (now, today)
}
