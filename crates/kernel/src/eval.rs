//! Evaluates a filter over one record in memory (checks, record rules on what is about to be written, `frozen_when`), and
//! writes a check as SQL so that the database asserts it too. Three-valued as SQL is: a missing value decides nothing.

use std::cmp::Ordering;

use store::Value;

use crate::{
    error::{Error, Result},
    field::{FieldDef, Kind},
    filter::{Filter, Op, Operand},
    json::Codec,
    plan::Plan,
};

/// The cell with which a field is compared.
///
/// # Errors
/// Where the operand is not of the field's kind.
pub fn operand_cell(field: &FieldDef, operand: &serde_json::Value) -> Result<Value> {
    let mut cells = Vec::new();
    // An amount compares by its number of minor units; without a currency two decimals are meant.
    let codec = Codec { lenient: true, currency: Some(crate::value::Currency::CZK), ..Codec::default() };
    match (field.kind, operand) {
        (Kind::Text | Kind::LongText | Kind::Email | Kind::Phone | Kind::Country | Kind::Language, other) => {
            return Ok(match other {
                serde_json::Value::Null => Value::Null,
                serde_json::Value::String(text) if text.is_empty() => Value::Null,
                serde_json::Value::String(text) => Value::Text(text.clone()),
                other => Value::Text(other.to_string()),
            });
        }
        // A day stands for a moment at its start, in UTC.
        (Kind::Timestamp, serde_json::Value::String(text)) if text.len() == 10 => {
            let day: jiff::civil::Date = text.parse().map_err(|_| Error::field(field.name, "timestamp"))?;
            let start =
                day.to_zoned_datetime(jiff::tz::TimeZone::UTC).map_err(|_| Error::field(field.name, "timestamp"))?;
            return Ok(Value::Int(start.timestamp().as_microsecond()));
        }
        _ => codec.decode(field, operand, &mut cells).map_err(|error| error.under(field.name))?,
    }
    Ok(cells.into_iter().next().unwrap_or_default())
}

fn managed(plan: &Plan, name: &str, row: &RowView<'_>) -> Option<Value> {
    match name {
        "id" => Some(Value::Int(row.id)),
        "company" => Some(Value::Int(row.company)),
        "archived" => Some(Value::Int(i64::from(row.archived))),
        _ => plan.index(name).map(|_| plan.cell(name, row.cells).clone()),
    }
}

/// A record as the evaluator sees it.
#[derive(Clone, Copy, Debug)]
pub struct RowView<'a> {
    /// Identifier; 0 for one that does not exist yet.
    pub id: i64,
    /// Company.
    pub company: i64,
    /// Archived.
    pub archived: bool,
    /// The cells.
    pub cells: &'a [Value],
}

/// Whether a condition holds; `None` where a missing value leaves it open.
///
/// # Errors
/// For fields that do not exist and paths, which need the database.
pub fn holds(filter: &Filter, plan: &Plan, row: &RowView<'_>) -> Result<Option<bool>> {
    Ok(match filter {
        Filter::And(parts) => {
            let mut open = false;
            for part in parts {
                match holds(part, plan, row)? {
                    Some(false) => return Ok(Some(false)),
                    None => open = true,
                    Some(true) => {}
                }
            }
            if open { None } else { Some(true) }
        }
        Filter::Or(parts) => {
            let mut open = false;
            for part in parts {
                match holds(part, plan, row)? {
                    Some(true) => return Ok(Some(true)),
                    None => open = true,
                    Some(false) => {}
                }
            }
            if open { None } else { Some(false) }
        }
        Filter::Not(inner) => holds(inner, plan, row)?.map(|value| !value),
        Filter::Is(name, op, operand) => {
            let cell = managed(plan, name, row)
                .ok_or_else(|| Error::bad("filter").with("what", name.chars().take(80).collect::<String>()))?;
            compare(plan, name, &cell, *op, operand, row)?
        }
    })
}

fn compare(
    plan: &Plan,
    name: &str,
    cell: &Value,
    op: Op,
    operand: &Operand,
    row: &RowView<'_>,
) -> Result<Option<bool>> {
    let field = plan.field(name).copied().unwrap_or(FieldDef { kind: Kind::Int, ..FieldDef::BASE });
    let one = |json: &serde_json::Value| operand_cell(&field, json);
    if op == Op::Empty {
        let wanted = !matches!(operand, Operand::Json(serde_json::Value::Bool(false)) | Operand::Cell(Value::Int(0)));
        return Ok(Some(cell.is_null() == wanted));
    }
    if matches!(op, Op::In | Op::Between) {
        let cells = match operand {
            Operand::Cells(cells) => cells.clone(),
            Operand::Json(serde_json::Value::Array(items)) => items.iter().map(one).collect::<Result<Vec<_>>>()?,
            _ => return Err(Error::bad("filter").with("what", name)),
        };
        if cell.is_null() {
            return Ok(None);
        }
        return Ok(match (op, cells.as_slice()) {
            (Op::Between, [from, to]) => Some(cell >= from && cell <= to),
            (Op::Between, _) => return Err(Error::bad("filter").with("what", name)),
            _ => Some(cells.contains(cell)),
        });
    }
    let other = match operand {
        Operand::Cell(value) => value.clone(),
        Operand::Cells(_) => return Err(Error::bad("filter").with("what", name)),
        Operand::Json(json) => one(json)?,
        Operand::Field(other) => match managed(plan, other, row) {
            Some(value) => value,
            None => Value::Text(other.clone()),
        },
    };
    if cell.is_null() || other.is_null() {
        return Ok(if op == Op::Ne { Some(cell.is_null() != other.is_null()) } else { None });
    }
    // As the database compares: with the folded form where there is one.
    let folded = plan.fold_column(name).is_some();
    let plain = |text: &str| if folded { lang::fold(text) } else { text.to_ascii_lowercase() };
    Ok(Some(match (op, cell, &other) {
        (Op::Contains, Value::Text(a), Value::Text(b)) => plain(a).contains(&plain(b)),
        (Op::Starts, Value::Text(a), Value::Text(b)) => plain(a).starts_with(&plain(b)),
        (Op::Contains | Op::Starts, ..) => return Err(Error::bad("filter").with("what", name)),
        (op, a, b) => match (op, a.cmp(b)) {
            (Op::Eq, o) => o == Ordering::Equal,
            (Op::Ne, o) => o != Ordering::Equal,
            (Op::Lt, o) => o == Ordering::Less,
            (Op::Le, o) => o != Ordering::Greater,
            (Op::Gt, o) => o == Ordering::Greater,
            (_, o) => o != Ordering::Less,
        },
    }))
}

/// A check as SQL over the columns of the table, prefixed (`OLD.` in triggers); `None` for what the database cannot say.
pub fn check_sql(filter: &Filter, plan: &Plan, prefix: &str) -> Option<String> {
    Some(match filter {
        Filter::And(parts) => join(parts, plan, " AND ", prefix)?,
        Filter::Or(parts) => join(parts, plan, " OR ", prefix)?,
        Filter::Not(inner) => format!("NOT ({})", check_sql(inner, plan, prefix)?),
        Filter::Is(name, op, operand) => {
            let column = format!("{prefix}{}", store::quoted(plan.column(name)?));
            let sign = match op {
                Op::Empty => {
                    return Some(format!("{column} IS NULL"));
                }
                Op::Eq => "=",
                Op::Ne => "<>",
                Op::Lt => "<",
                Op::Le => "<=",
                Op::Gt => ">",
                Op::Ge => ">=",
                _ => return None,
            };
            let other = match operand {
                Operand::Field(other) if plan.column(other).is_some() => {
                    format!("{prefix}{}", store::quoted(plan.column(other)?))
                }
                Operand::Field(other) => literal(&Value::Text(other.clone())),
                Operand::Json(json) => literal(&operand_cell(plan.field(name)?, json).ok()?),
                _ => return None,
            };
            format!("{column} {sign} {other}")
        }
    })
}

fn join(parts: &[Filter], plan: &Plan, with: &str, prefix: &str) -> Option<String> {
    let parts: Option<Vec<_>> = parts.iter().map(|part| check_sql(part, plan, prefix)).collect();
    Some(format!("({})", parts?.join(with)))
}

fn literal(value: &Value) -> String {
    match value {
        Value::Int(value) => value.to_string(),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        _ => "NULL".to_owned(),
    }
}

/// Whether a check over an operation's input holds; open counts as yes.
///
/// # Errors
/// For checks that name unknown fields: our own mistake.
pub fn input_holds(filter: &Filter, fields: &'static [FieldDef], cells: &[Value]) -> Result<bool> {
    let def = crate::def::EntityDef { name: "input", fields, ..crate::def::EntityDef::BASE };
    let plan = Plan::bare(def);
    Ok(holds(filter, &plan, &RowView { id: 0, company: 0, archived: false, cells })? != Some(false))
}
