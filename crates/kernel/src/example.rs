//! Examples, made from the declarations: a value for each kind of field that passes the field's own validation.

use serde_json::{Map, Value as J, json};

use crate::{
    eval::{RowView, holds},
    field::{FieldDef, Kind},
    filter::Filter,
    i18n::humanize,
    plan::Plan,
    schema::Schema,
};

/// The record that examples refer to.
const ID: i64 = 1001;

/// Numbers that are tried until one holds the field's check.
const NUMBERS: &[i64] = &[1, 5, 0, 12, 100, 2026, -1];

/// An example of a field's value.
pub(crate) fn value(schema: &Schema, field: &FieldDef) -> J {
    match field.kind {
        Kind::Text | Kind::LongText => J::from(text(field)),
        Kind::Choice(set) => set.items.first().map_or(J::Null, |item| J::from(item.value)),
        Kind::Bool => J::from(field.default != Some("false")),
        Kind::Int => J::from(number(field)),
        Kind::Duration => J::from(3_600),
        Kind::Dec(_) => J::from(number(field).to_string()),
        Kind::Money => json!({"amount": "1234.50", "currency": "CZK"}),
        Kind::Date => J::from("2026-11-24"),
        Kind::Time => J::from("08:30:00"),
        Kind::Timestamp => J::from("2026-11-24T08:30:00Z"),
        Kind::Ref(_) | Kind::File => J::from(ID),
        Kind::AnyRef => {
            let entity = ["party.party", "platform.user"].into_iter().find(|name| schema.plans.contains_key(name));
            json!({"entity": entity.unwrap_or("sys.operation"), "id": ID})
        }
        Kind::Email => J::from("jana.nova@example.com"),
        Kind::Phone => J::from("+420224811111"),
        Kind::Country => J::from("CZ"),
        Kind::Language => J::from("cs"),
        Kind::Json => json!({}),
        Kind::List(fields) => json!([object(schema, fields().iter())]),
    }
}

/// An example of an object with these fields.
pub(crate) fn object<'a>(schema: &Schema, fields: impl Iterator<Item = &'a FieldDef>) -> J {
    let shown = fields.filter(|f| f.sensitive != "-");
    J::Object(shown.map(|f| (f.name.to_owned(), value(schema, f))).collect::<Map<String, J>>())
}

fn text(field: &FieldDef) -> String {
    let text = match (field.default, field.name) {
        (Some(default), _) if !default.starts_with('@') => default.to_owned(),
        (Some("@currency"), _) | (_, "currency") => "CZK".to_owned(),
        (_, "login" | "user") => "jana".to_owned(),
        (_, name) => humanize(name),
    };
    text.chars().take(field.max_chars()).collect()
}

/// A whole number that holds the field's check.
fn number(field: &FieldDef) -> i64 {
    let Some(check) = field.check.and_then(|text| Filter::parse_check(text).ok()) else { return 1 };
    let plan = Plan::alone(*field);
    let fits = |n: &&i64| {
        let cell = match field.kind {
            Kind::Dec(scale) => **n * crate::value::pow10(scale),
            _ => **n,
        };
        let cells = [store::Value::Int(cell)];
        let view = RowView { id: 0, company: 0, archived: false, cells: &cells };
        holds(&check, &plan, &view).unwrap_or(None) != Some(false)
    };
    NUMBERS.iter().find(fits).copied().unwrap_or(1)
}
