//! Keyset paging: the cursor after a row, and the condition for what lies beyond it.

use sea_query::{Expr, ExprTrait};
use serde_json::Value as J;
use store::Value;

use crate::{
    error::{Error, Result},
    sql,
};

/// The rows after a cursor: for keys (a, b): a beyond, or a the same and b beyond; nothing comes last.
pub(crate) fn beyond(keys: &[(Expr, bool, bool)], values: &[Value]) -> Expr {
    let mut any: Option<Expr> = None;
    for i in 0..keys.len() {
        let mut all: Option<Expr> = None;
        let mut add = |expr: Expr| all = Some(all.take().map_or(expr.clone(), |before: Expr| before.and(expr)));
        for ((expr, ..), value) in keys.iter().zip(values).take(i) {
            add(if value.is_null() { expr.clone().is_null() } else { expr.clone().eq(sql::val(value)) });
        }
        let ((expr, descending, nullable), value) = (&keys[i], &values[i]);
        if value.is_null() {
            continue;
        }
        let further = if *descending { expr.clone().lt(sql::val(value)) } else { expr.clone().gt(sql::val(value)) };
        add(if *nullable { further.or(expr.clone().is_null()) } else { further });
        if let Some(all) = all {
            any = Some(any.map_or(all.clone(), |before| before.or(all)));
        }
    }
    any.unwrap_or_else(|| Expr::val(1).eq(0))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{b:02x}"));
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}

/// The cursor after a row with these sort keys.
pub(crate) fn cursor_text(keys: &[Value]) -> String {
    let parts: Vec<J> = keys
        .iter()
        .map(|key| match key {
            Value::Null => J::Null,
            Value::Int(value) => J::from(*value),
            Value::Text(text) => J::String(format!("t{text}")),
            Value::Blob(bytes) => J::String(format!("b{}", hex(bytes))),
        })
        .collect();
    hex(J::Array(parts).to_string().as_bytes())
}

pub(crate) fn cursor(text: &str, keys: usize) -> Result<Vec<Value>> {
    let wrong = || Error::bad("cursor");
    let bytes = unhex(text).filter(|b| b.len() < 32_000).ok_or_else(wrong)?;
    let parts: Vec<J> = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    if parts.len() != keys {
        return Err(wrong());
    }
    parts
        .into_iter()
        .map(|part| match part {
            J::Null => Ok(Value::Null),
            J::Number(number) => number.as_i64().map(Value::Int).ok_or_else(wrong),
            J::String(text) => match (text.get(..1), text.get(1..)) {
                (Some("t"), Some(rest)) => Ok(Value::from(rest)),
                (Some("b"), Some(rest)) => unhex(rest).map(Value::Blob).ok_or_else(wrong),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        })
        .collect()
}
