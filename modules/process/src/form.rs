//! What a person fills in at a step: only the fields of its form, each of its kind.

use bpmn::Field;
use jiff::civil::Date;
use kernel::{Error, FieldError, Result, decimal_text, parse_decimal};
use serde_json::{Map, Value as J, json};

/// Decimal places of a number in a form.
const SCALE: u8 = 6;

/// The fields as they are kept with the task.
pub(crate) fn kept(fields: &[Field]) -> Option<J> {
    let fields: Vec<J> = fields
        .iter()
        .map(|f| json!({"name": f.name, "label": f.label, "label_cs": f.labels.get("cs"), "kind": kind(&f.kind), "required": f.required}))
        .collect();
    if fields.is_empty() { None } else { Some(J::Array(fields)) }
}

/// The kind of a field as the interface names it.
fn kind(written: &str) -> &str {
    match written {
        "number" | "decimal" => "dec",
        "integer" => "int",
        "boolean" => "bool",
        known @ ("dec" | "int" | "bool" | "date" | "timestamp" | "long_text") => known,
        _ => "text",
    }
}

fn value(kind: &str, given: &J) -> std::result::Result<J, &'static str> {
    match (kind, given) {
        (_, J::Null) => Ok(J::Null),
        ("bool", J::Bool(_)) => Ok(given.clone()),
        ("bool", _) => Err("bool"),
        ("int", J::Number(number)) if number.is_i64() => Ok(given.clone()),
        ("int", J::String(text)) => text.trim().parse::<i64>().map(J::from).map_err(|_| "int"),
        ("int", _) => Err("int"),
        ("dec", J::Number(_) | J::String(_)) => {
            let text = given.as_str().map_or_else(|| given.to_string(), |text| text.trim().to_owned());
            let raw = parse_decimal(&text, SCALE).map_err(|_| "decimal")?;
            // The engine reads it as a number again, exactly.
            let text = decimal_text(i128::from(raw), SCALE);
            Ok(bpmn::feel::decimal(text.trim_end_matches('0').trim_end_matches('.')))
        }
        ("dec", _) => Err("decimal"),
        ("date", J::String(text)) if text.len() == 10 && text.parse::<Date>().is_ok() => Ok(given.clone()),
        ("date", _) => Err("date"),
        ("timestamp", J::String(text)) if text.parse::<jiff::Timestamp>().is_ok() => Ok(given.clone()),
        ("timestamp", _) => Err("timestamp"),
        (_, J::String(_)) => Ok(given.clone()),
        _ => Err("text"),
    }
}

/// What was given, checked against the form and brought to the values of variables.
///
/// # Errors
/// 422 with every field that is missing, unknown or of another kind.
pub(crate) fn checked(form: Option<&J>, given: &Map<String, J>) -> Result<Map<String, J>> {
    let fields = form.and_then(J::as_array).map_or(&[][..], Vec::as_slice);
    let (mut values, mut errors) = (Map::new(), Vec::new());
    let mut wrong = |name: &str, code: &'static str| {
        errors.push(FieldError { field: format!("values.{name}"), code: code.into(), args: Vec::new() });
    };
    for field in fields {
        let name = field["name"].as_str().unwrap_or("");
        let empty = |value: &J| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
        match given.get(name).filter(|value| !empty(value)) {
            None if field["required"] == json!(true) => wrong(name, "required"),
            None => {
                values.insert(name.to_owned(), J::Null);
            }
            Some(given) => match value(field["kind"].as_str().unwrap_or("text"), given) {
                Ok(value) => {
                    values.insert(name.to_owned(), value);
                }
                Err(code) => wrong(name, code),
            },
        }
    }
    for name in given.keys().filter(|name| !fields.iter().any(|f| f["name"] == name.as_str())) {
        wrong(name, "unknown_field");
    }
    if errors.is_empty() { Ok(values) } else { Err(Error::fields(errors)) }
}
