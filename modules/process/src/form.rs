//! What a person fills in at a step: only the fields of its form, each of its kind.

use bpmn::Field;
use jiff::civil::Date;
use kernel::{Error, FieldError, Kind, Language, Result, Schema, decimal_text, parse_decimal};
use serde_json::{Map, Value as J, json};

/// Decimal places of a number in a form.
const SCALE: u8 = 6;

/// The fields as they are kept with the task.
pub(crate) fn kept(schema: &Schema, fields: &[Field]) -> Option<J> {
    let fields: Vec<J> = fields.iter().map(|field| kept_one(schema, field)).collect();
    if fields.is_empty() { None } else { Some(J::Array(fields)) }
}

/// A kind that names a field of an entity (`party.party.x_size`) stands for that field as it is at this moment, also one
/// that was defined at run time: its kind, its values, its labels where the form gives none.
fn kept_one(schema: &Schema, field: &Field) -> J {
    let named =
        field.kind.rsplit_once('.').and_then(|(entity, name)| Some((entity, schema.plan(entity).ok()?.field(name)?)));
    let mut told = json!({
        "name": field.name, "label": field.label, "label_cs": field.labels.get("cs"), "kind": kind(&field.kind),
        "required": field.required,
    });
    let Some((entity, of)) = named else { return told };
    told["kind"] = J::from(kind(of.kind.name()));
    if field.label == field.name {
        told["label"] = J::from(schema.field_label(Language::En, entity, of));
        told["label_cs"] = J::from(schema.field_label(Language::Cs, entity, of));
    }
    if let Kind::Choice(set) = of.kind {
        let choices = set.items.iter().map(|item| {
            let label = |language| schema.choice_label(language, set, item.value);
            json!({"value": item.value, "label": label(Language::En), "label_cs": label(Language::Cs), "colour": item.colour})
        });
        told["choices"] = choices.collect();
    }
    told
}

/// The kind of a field as the interface names it.
fn kind(written: &str) -> &str {
    match written {
        "number" | "decimal" => "dec",
        "integer" => "int",
        "boolean" => "bool",
        known @ ("dec" | "int" | "bool" | "date" | "timestamp" | "long_text" | "choice") => known,
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

/// Whether a value is among those that a choice offers.
fn offered(field: &J, given: &J) -> bool {
    field["choices"].as_array().is_none_or(|choices| choices.iter().any(|choice| choice["value"] == *given))
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
            Some(given) if !offered(field, given) => wrong(name, "choice"),
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
