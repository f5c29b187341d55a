//! From the SQL builder to the store: one place that knows both.

use sea_query::{
    DeleteStatement, Expr, InsertStatement, PostgresQueryBuilder, SelectStatement, SqliteQueryBuilder, UpdateStatement,
    Value as Bound, Values,
};
use store::{Dialect, Value};

/// A value for the builder.
pub fn bound(value: &Value) -> Bound {
    match value {
        Value::Null => Bound::BigInt(None),
        Value::Int(value) => Bound::BigInt(Some(*value)),
        Value::Text(value) => Bound::String(Some(value.clone())),
        Value::Blob(value) => Bound::Bytes(Some(value.clone())),
    }
}

/// A value as an expression.
pub fn val(value: &Value) -> Expr {
    Expr::val(bound(value))
}

/// A text of our own with `?` for each part, as the builder of this database wants it.
pub fn custom(dialect: Dialect, text: &str, parts: impl IntoIterator<Item = Expr>) -> Expr {
    match dialect {
        Dialect::Sqlite => Expr::cust_with_exprs(text.to_owned(), parts),
        Dialect::Postgres => {
            let mut numbered = String::with_capacity(text.len() + 8);
            for (place, piece) in text.split('?').enumerate() {
                if place > 0 {
                    numbered.push_str(&format!("${place}"));
                }
                numbered.push_str(piece);
            }
            Expr::cust_with_exprs(numbered, parts)
        }
    }
}

/// What the builder collected, for the store.
fn params(values: Values) -> Vec<Value> {
    values
        .into_iter()
        .map(|value| match value {
            Bound::BigInt(Some(value)) => Value::Int(value),
            Bound::BigUnsigned(Some(value)) => i64::try_from(value).map_or(Value::Null, Value::Int),
            Bound::Int(Some(value)) => Value::Int(i64::from(value)),
            Bound::Bool(Some(value)) => Value::Int(i64::from(value)),
            Bound::String(Some(value)) => Value::Text(value),
            Bound::Bytes(Some(value)) => Value::Blob(value),
            _ => Value::Null,
        })
        .collect()
}

macro_rules! build {
    ($name:ident, $type:ty) => {
        /// The text and its parameters.
        pub fn $name(dialect: Dialect, statement: &$type) -> (String, Vec<Value>) {
            let (text, values) = match dialect {
                Dialect::Sqlite => statement.build(SqliteQueryBuilder),
                Dialect::Postgres => statement.build(PostgresQueryBuilder),
            };
            (text, params(values))
        }
    };
}
build!(select, SelectStatement);
build!(insert, InsertStatement);
build!(update, UpdateStatement);
build!(delete, DeleteStatement);
