//! Values on their way to PostgreSQL and back.

use std::error::Error as StdError;

use bytes::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::Value;

/// What a parameter is sent as; without a value the statement itself tells.
pub(super) fn wanted(value: &Value) -> Type {
    match value {
        Value::Null => Type::UNKNOWN,
        Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Blob(_) => Type::BYTEA,
    }
}

/// Whether a value can be sent where a statement was prepared for this type.
pub(super) fn fits(value: &Value, ty: &Type) -> bool {
    value.is_null() || wanted(value) == *ty
}

/// A parameter.
#[derive(Debug)]
pub(super) struct Param<'a>(pub &'a Value);

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) => number.to_sql(ty, out),
            Value::Text(text) => text.to_sql(ty, out),
            Value::Blob(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A found cell.
pub(super) struct Cell(pub Value);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        let value = match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
            Type::OID => Value::Int(u32::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Int(bool::from_sql(ty, raw)?.into()),
            Type::NUMERIC => Value::Int(whole(raw)?),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
                Value::Text(String::from_sql(ty, raw)?)
            }
            Type::CHAR => Value::Text(char::from(i8::from_sql(ty, raw)? as u8).to_string()),
            Type::BYTEA => Value::Blob(raw.to_vec()),
            Type::FLOAT4 | Type::FLOAT8 => return Err("a floating point number, which the store does not know".into()),
            _ => return Err(format!("a value of the type {ty}, which the store does not know").into()),
        };
        Ok(Cell(value))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Cell(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The whole number in a `numeric` (what SUM over integers gives), as PostgreSQL sends it: groups of four digits.
fn whole(raw: &[u8]) -> Result<i64, &'static str> {
    const BROKEN: &str = "a number that cannot be read";
    let short = |at: usize| -> Result<i64, &'static str> {
        let bytes = raw.get(2 * at..2 * at + 2).ok_or(BROKEN)?;
        Ok(i64::from(i16::from_be_bytes(bytes.try_into().map_err(|_| BROKEN)?)))
    };
    let (groups, weight, sign) = (short(0)?, short(1)?, short(2)? & 0xffff);
    if sign != 0 && sign != 0x4000 {
        return Err("a number that is none");
    }
    let mut sum: i128 = 0;
    for at in 0..groups.max(weight + 1) {
        let digits = if at < groups { short(4 + usize::try_from(at).map_err(|_| BROKEN)?)? } else { 0 };
        if at > weight {
            if digits != 0 {
                return Err("a number with a fraction, which the store does not know");
            }
            continue;
        }
        sum = sum.checked_mul(10_000).and_then(|sum| sum.checked_add(digits.into())).ok_or("integer overflow")?;
    }
    let signed = if sign == 0 { sum } else { -sum };
    i64::try_from(signed).map_err(|_| "integer overflow")
}

#[cfg(test)]
mod tests {
    use super::whole;

    fn raw(parts: &[i16]) -> Vec<u8> {
        parts.iter().flat_map(|part| part.to_be_bytes()).collect()
    }

    #[test]
    fn numerics_are_whole_numbers_or_refused() {
        assert_eq!(whole(&raw(&[0, 0, 0, 0])), Ok(0));
        assert_eq!(whole(&raw(&[1, 0, 0, 0, 7])), Ok(7));
        assert_eq!(whole(&raw(&[1, 1, 0x4000, 0, 12])), Ok(-120_000));
        assert_eq!(whole(&raw(&[2, 1, 0, 2, 1, 1])), Ok(10_001));
        assert_eq!(whole(&raw(&[1, -1, 0, 1, 5000])), Err("a number with a fraction, which the store does not know"));
        let most = raw(&[5, 4, 0, 0, 922, 3372, 368, 5477, 5807]);
        assert_eq!(whole(&most), Ok(i64::MAX));
        let least = raw(&[5, 4, 0x4000, 0, 922, 3372, 368, 5477, 5808]);
        assert_eq!(whole(&least), Ok(i64::MIN));
        let more = raw(&[5, 4, 0, 0, 922, 3372, 368, 5477, 5808]);
        assert_eq!(whole(&more), Err("integer overflow"));
        assert_eq!(whole(&raw(&[0, 0, -16384, 0])), Err("a number that is none"));
        assert!(whole(&[0, 1]).is_err());
    }
}
