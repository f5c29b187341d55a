//! A row of a grouping as JSON.

use serde_json::{Map, Value as J};
use store::Value;

use crate::{
    error::Result,
    field::Kind,
    json::encode,
    query::{CompiledGroup, Measure},
    schema::Schema,
    value::{Currency, decimal_text, round_div},
};

/// The entity to which a path of references leads, where its last field is a reference.
pub(crate) fn leads_to(schema: &Schema, entity: &str, path: &str) -> Option<&'static str> {
    let mut entity = entity;
    let mut found = None;
    for name in path.split('.') {
        let Kind::Ref(to) = schema.plan(entity).ok()?.field(name)?.kind else { return None };
        (entity, found) = (to, Some(to));
    }
    found
}

/// The group's fields under their names as given, `count`, and `sum_FIELD` and its kin as decimal texts.
///
/// # Errors
/// None today.
pub(crate) fn row_json(compiled: &CompiledGroup, row: &[Value]) -> Result<J> {
    let mut map = Map::new();
    let mut at = 0;
    let take = |at: &mut usize| {
        let value = row.get(*at).cloned().unwrap_or_default();
        *at += 1;
        value
    };
    for (name, field) in &compiled.groups {
        let cells: Vec<Value> = (0..field.cells()).map(|_| take(&mut at)).collect();
        map.insert(name.clone(), encode(field, &cells));
    }
    map.insert("count".to_owned(), J::from(take(&mut at).as_int().unwrap_or(0)));
    for (name, measure, field) in &compiled.measures {
        let value = take(&mut at);
        let count = take(&mut at).as_int().unwrap_or(0);
        let mut scale = match field.kind {
            Kind::Dec(scale) => scale,
            _ => 0,
        };
        if matches!(field.kind, Kind::Money) {
            let currency = take(&mut at);
            let code = currency.as_text().and_then(|c| Currency::parse(c).ok()).unwrap_or(Currency::NONE);
            scale = code.exponent();
            map.insert(format!("{name}_currency"), J::String(code.code().to_owned()));
        }
        let json = match (&value, field.kind) {
            (Value::Int(raw), Kind::Int | Kind::Dec(_) | Kind::Money | Kind::Duration) => {
                let raw = match measure {
                    Measure::Average if count != 0 => round_div(i128::from(*raw), i128::from(count)),
                    _ => i128::from(*raw),
                };
                J::String(decimal_text(raw, scale))
            }
            (Value::Null, _) if *measure == Measure::Sum => J::String(decimal_text(0, scale)),
            (value, _) => encode(field, std::slice::from_ref(value)),
        };
        map.insert(name.clone(), json);
    }
    Ok(J::Object(map))
}
