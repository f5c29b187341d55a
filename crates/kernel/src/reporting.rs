//! Views for reporting tools: `v_ENTITY` beside each table, with real decimals and moments instead of scaled integers. They
//! are made for reading past the program; what is sensitive is left out.

use store::Dialect;

use crate::{field::Kind, plan::Plan, value::Currency};

/// Currencies whose minor unit is not a hundredth (ISO 4217), by the number of its digits.
fn unusual(digits: u8) -> impl Iterator<Item = &'static str> {
    Currency::UNUSUAL.iter().copied().filter(move |code| Currency::parse(code).is_ok_and(|c| c.exponent() == digits))
}

/// By what the minor units of a currency column are divided.
fn divisor(column: &str) -> String {
    let list = |digits| unusual(digits).map(|code| format!("'{code}'")).collect::<Vec<_>>().join(", ");
    format!(
        "CASE WHEN \"{column}\" IN ({}) THEN 1.0 WHEN \"{column}\" IN ({}) THEN 1000.0 ELSE 100.0 END",
        list(0),
        list(3)
    )
}

/// The SELECT of an entity's view.
pub(crate) fn view(plan: &Plan, dialect: Dialect) -> String {
    let mut columns: Vec<String> = plan.managed().iter().map(|name| format!("\"{name}\"")).collect();
    for (i, field) in plan.fields.iter().enumerate().filter(|(_, field)| field.sensitive.is_empty()) {
        let column = &plan.columns[plan.offsets[i]];
        columns.push(match field.kind {
            Kind::Dec(scale) => {
                format!("\"{column}\" / 1{:0<width$}.0 AS \"{column}\"", "", width = usize::from(scale))
            }
            Kind::Money => {
                let currency = &plan.columns[plan.offsets[i] + 1];
                format!("\"{column}\" / {} AS \"{column}\", \"{currency}\"", divisor(currency))
            }
            Kind::Timestamp => match dialect {
                Dialect::Sqlite => {
                    format!("strftime('%Y-%m-%dT%H:%M:%SZ', \"{column}\" / 1000000, 'unixepoch') AS \"{column}\"")
                }
                #[allow(unreachable_patterns)]
                _ => format!("to_timestamp(\"{column}\" / 1000000.0) AS \"{column}\""),
            },
            Kind::AnyRef => format!("\"{column}\", \"{}\"", plan.columns[plan.offsets[i] + 1]),
            _ => format!("\"{column}\""),
        });
    }
    format!("SELECT {} FROM \"{}\"", columns.join(", "), plan.table)
}
