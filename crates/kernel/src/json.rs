//! Between JSON and cells, by the declaration of a field: the one validator of what comes from outside, and the one writer of
//! what goes out.

use serde_json::{Map, Value as J, json};
use store::Value;

use crate::{
    error::{Error, Result},
    field::{FieldDef, Kind},
    value::{Currency, decimal_text, parse_decimal},
};

/// What decoding needs to know beyond the field.
#[derive(Clone, Copy, Default)]
pub struct Codec<'a> {
    /// Currency of an amount that names none.
    pub currency: Option<Currency>,
    /// Country of a phone number that names none (ISO 3166-1 alpha-2).
    pub country: Option<&'a str>,
    /// Tells whether there is such an entity; where absent, only the form of the name is checked.
    pub entity: Option<&'a dyn Fn(&str) -> bool>,
    /// Missing required values are left empty instead of refused.
    pub lenient: bool,
}

/// ISO 3166-1 alpha-2 codes, and the two in common use beside them (XK, EU).
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO \
FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE \
KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW \
MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE \
SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE \
VG VI VN VU WF WS YE YT ZA ZM ZW XK EU";

/// Largest identifier: 2^53 − 1, what a JSON number holds exactly everywhere.
pub const MAX_ID: i64 = (1 << 53) - 1;

fn wrong(code: &'static str) -> Error {
    Error::field("", code)
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

impl Codec<'_> {
    /// Brings a JSON value to the cells of a field.
    ///
    /// # Errors
    /// 422 with the field's own path empty (the caller puts its name before it).
    pub fn decode(&self, field: &FieldDef, json: &J, cells: &mut Vec<Value>) -> Result<()> {
        let empty = matches!(json, J::Null) || matches!(json, J::String(text) if text.trim().is_empty());
        if empty {
            if field.required && !self.lenient && !matches!(field.kind, Kind::List(_)) {
                return Err(wrong("required"));
            }
            cells.extend(std::iter::repeat_n(Value::Null, field.cells()));
            return Ok(());
        }
        match field.kind {
            Kind::Text | Kind::LongText => cells.push(Value::Text(self.text(field, json)?)),
            Kind::Choice(set) => {
                let text = json.as_str().ok_or_else(|| wrong("choice"))?;
                let item = set.items.iter().find(|i| i.value == text);
                cells.push(Value::from(item.ok_or_else(|| wrong("choice").with("value", short(text)))?.value));
            }
            Kind::Bool => cells.push(Value::Int(match json {
                J::Bool(value) => i64::from(*value),
                J::String(text) if text == "true" || text == "1" => 1,
                J::String(text) if text == "false" || text == "0" => 0,
                _ => return Err(wrong("bool")),
            })),
            Kind::Int | Kind::Duration => cells.push(Value::Int(int(json)?)),
            Kind::Ref(_) => cells.push(Value::Int(id(json)?)),
            Kind::File => cells.push(Value::Int(id(json.get("id").unwrap_or(json))?)),
            Kind::Dec(scale) => cells.push(Value::Int(decimal(json, scale)?)),
            Kind::Money => self.money(json, cells)?,
            Kind::Date => {
                let day: jiff::civil::Date =
                    json.as_str().and_then(|t| t.trim().parse().ok()).ok_or_else(|| wrong("date"))?;
                if !(1..=9999).contains(&day.year()) {
                    return Err(wrong("date"));
                }
                cells.push(Value::Text(day.to_string()));
            }
            Kind::Time => {
                let time: jiff::civil::Time =
                    json.as_str().and_then(|t| t.trim().parse().ok()).ok_or_else(|| wrong("time"))?;
                cells.push(Value::Text(time.to_string()));
            }
            Kind::Timestamp => {
                let at: jiff::Timestamp =
                    json.as_str().and_then(|t| t.trim().parse().ok()).ok_or_else(|| wrong("timestamp"))?;
                cells.push(Value::Int(at.as_microsecond()));
            }
            Kind::AnyRef => self.any_ref(json, cells)?,
            Kind::Email => cells.push(Value::Text(email(json.as_str().ok_or_else(|| wrong("email"))?)?)),
            Kind::Phone => cells.push(Value::Text(self.phone(json.as_str().ok_or_else(|| wrong("phone"))?)?)),
            Kind::Country => {
                let code = json.as_str().map(|t| t.trim().to_ascii_uppercase()).ok_or_else(|| wrong("country"))?;
                if !COUNTRIES.split(' ').any(|c| c == code) {
                    return Err(wrong("country").with("value", short(&code)));
                }
                cells.push(Value::Text(code));
            }
            Kind::Language => {
                let code = json.as_str().ok_or_else(|| wrong("language"))?;
                lang::Language::parse(code).ok_or_else(|| wrong("language").with("value", short(code)))?;
                cells.push(Value::Text(code.to_owned()));
            }
            Kind::Json => {
                let text = json.to_string();
                if text.len() > field.max_chars() {
                    return Err(wrong("too_long").with("max", field.max_chars()));
                }
                cells.push(Value::Text(text));
            }
            Kind::List(fields) => {
                let J::Array(rows) = json else { return Err(wrong("list")) };
                if rows.len() > 10_000 {
                    return Err(wrong("too_many").with("max", 10_000_i64));
                }
                let mut out = Vec::with_capacity(rows.len());
                for (i, row) in rows.iter().enumerate() {
                    let inner = self.fields(fields(), row, &[]).map_err(|error| error.under(&i.to_string()))?;
                    out.push(encode_fields(fields(), &inner));
                }
                cells.push(Value::Text(J::Array(out).to_string()));
            }
        }
        Ok(())
    }

    fn text(&self, field: &FieldDef, json: &J) -> Result<String> {
        let text = match json {
            J::String(text) => text.clone(),
            _ => return Err(wrong("text")),
        };
        let long = matches!(field.kind, Kind::LongText);
        let text = if long { text.trim_end().to_owned() } else { text.trim().to_owned() };
        if text.chars().any(|c| c.is_control() && !(long && matches!(c, '\n' | '\r' | '\t'))) {
            return Err(wrong("control_characters"));
        }
        if text.chars().count() > field.max_chars() {
            return Err(wrong("too_long").with("max", field.max_chars()));
        }
        Ok(text)
    }

    fn money(&self, json: &J, cells: &mut Vec<Value>) -> Result<()> {
        let (amount, currency) = match json {
            J::Object(map) => {
                let currency = match map.get("currency") {
                    Some(J::String(code)) => {
                        Currency::parse(code).map_err(|_| wrong("currency").with("value", short(code)))?
                    }
                    None | Some(J::Null) => self.currency.ok_or_else(|| wrong("currency"))?,
                    Some(_) => return Err(wrong("currency")),
                };
                (map.get("amount").ok_or_else(|| wrong("money"))?, currency)
            }
            J::String(_) | J::Number(_) => (json, self.currency.ok_or_else(|| wrong("currency"))?),
            _ => return Err(wrong("money")),
        };
        cells.push(Value::Int(decimal(amount, currency.exponent())?));
        cells.push(Value::Text(currency.code().to_owned()));
        Ok(())
    }

    fn any_ref(&self, json: &J, cells: &mut Vec<Value>) -> Result<()> {
        let entity = json.get("entity").and_then(J::as_str).ok_or_else(|| wrong("any_ref"))?;
        let known = match self.entity {
            Some(known) => known(entity),
            None => entity.len() <= 80 && entity.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.'),
        };
        if !known {
            return Err(wrong("no_entity").with("value", short(entity)));
        }
        cells.push(Value::Int(id(json.get("id").unwrap_or(&J::Null))?));
        cells.push(Value::Text(entity.to_owned()));
        Ok(())
    }

    fn phone(&self, text: &str) -> Result<String> {
        let country = self.country.and_then(|c| c.parse().ok());
        let number = phonenumber::parse(country, text).map_err(|_| wrong("phone").with("value", short(text)))?;
        if !number.is_valid() {
            return Err(wrong("phone").with("value", short(text)));
        }
        Ok(number.format().mode(phonenumber::Mode::E164).to_string())
    }

    /// Brings an object to the cells of several fields; unknown keys are refused, those in `others` are let through.
    ///
    /// # Errors
    /// 422 with all wrong fields.
    pub fn fields(&self, fields: &[FieldDef], json: &J, others: &[&str]) -> Result<Vec<Value>> {
        let empty = Map::new();
        let map = match json {
            J::Object(map) => map,
            J::Null => &empty,
            _ => return Err(Error::bad("object")),
        };
        let mut errors = Vec::new();
        for key in map.keys() {
            if !fields.iter().any(|f| f.name == key) && !others.contains(&key.as_str()) {
                errors.extend(Error::field(short(key), "unknown_field").errors.iter().cloned());
            }
        }
        let mut cells = Vec::new();
        for field in fields {
            let before = cells.len();
            if let Err(error) = self.decode(field, map.get(field.name).unwrap_or(&J::Null), &mut cells) {
                if error.errors.is_empty() {
                    let mut named = Error::field("", error.code.clone());
                    if let Some(first) = named.errors.first_mut() {
                        first.args.clone_from(&error.args);
                    }
                    errors.extend(named.under(field.name).errors.iter().cloned());
                } else {
                    errors.extend(error.under(field.name).errors.iter().cloned());
                }
                cells.truncate(before);
                cells.extend(std::iter::repeat_n(Value::Null, field.cells()));
            }
        }
        if errors.is_empty() { Ok(cells) } else { Err(Error::fields(errors)) }
    }
}

fn int(json: &J) -> Result<i64> {
    match json {
        J::Number(number) => number.as_i64().ok_or_else(|| wrong("int")),
        J::String(text) => text.trim().parse().map_err(|_| wrong("int").with("value", short(text))),
        _ => Err(wrong("int")),
    }
}

fn id(json: &J) -> Result<i64> {
    let value = match json {
        J::Object(map) => int(map.get("id").unwrap_or(&J::Null)),
        other => int(other),
    }
    .map_err(|_| wrong("reference"))?;
    if (1..=MAX_ID).contains(&value) { Ok(value) } else { Err(wrong("reference")) }
}

fn decimal(json: &J, scale: u8) -> Result<i64> {
    let text = match json {
        J::String(text) => text.clone(),
        // The shortest text of the number that was written; amounts that need more digits come as text.
        J::Number(number) => number.to_string(),
        _ => return Err(wrong("decimal")),
    };
    parse_decimal(&text, scale).map_err(|error| {
        let mut named = wrong("decimal");
        if let Some(first) = named.errors.first_mut() {
            first.code = error.code.clone();
            first.args.clone_from(&error.args);
        }
        named
    })
}

fn email(text: &str) -> Result<String> {
    let text = text.trim();
    let ok = text.len() <= 254
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
                && !domain.contains("..")
                && domain.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.')
        })
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\"\\[]".contains(c));
    if ok { Ok(text.to_owned()) } else { Err(wrong("email").with("value", short(text))) }
}

/// Decodes a row that the kernel itself encoded.
pub(crate) fn decode_fields(fields: &[FieldDef], json: &J, lenient: bool) -> Result<Vec<Value>> {
    Codec { lenient, ..Codec::default() }.fields(fields, json, &[])
}

/// One field's cells as JSON.
pub fn encode(field: &FieldDef, cells: &[Value]) -> J {
    let first = cells.first().unwrap_or(&Value::Null);
    match (field.kind, first) {
        (_, Value::Null) => match field.kind {
            Kind::List(_) => J::Array(Vec::new()),
            _ => J::Null,
        },
        (Kind::Bool, Value::Int(value)) => J::Bool(*value != 0),
        (Kind::Dec(scale), Value::Int(value)) => J::String(decimal_text(i128::from(*value), scale)),
        (Kind::Money, Value::Int(minor)) => {
            let currency = cells.get(1).and_then(Value::as_text).and_then(|c| Currency::parse(c).ok());
            let currency = currency.unwrap_or(Currency::NONE);
            json!({"amount": decimal_text(i128::from(*minor), currency.exponent()), "currency": currency.code()})
        }
        (Kind::Timestamp, Value::Int(micros)) => {
            jiff::Timestamp::from_microsecond(*micros).map_or(J::Null, |at| J::String(at.to_string()))
        }
        (Kind::AnyRef, Value::Int(id)) => {
            json!({"entity": cells.get(1).and_then(Value::as_text).unwrap_or(""), "id": id})
        }
        (Kind::Json | Kind::List(_), Value::Text(text)) => serde_json::from_str(text).unwrap_or(J::Null),
        (_, Value::Int(value)) => J::from(*value),
        (_, Value::Text(text)) => J::String(text.clone()),
        (_, Value::Blob(_)) => J::Null,
    }
}

/// Several fields' cells as an object.
pub fn encode_fields(fields: &[FieldDef], cells: &[Value]) -> J {
    let mut map = Map::new();
    let mut at = 0;
    for field in fields {
        let end = (at + field.cells()).min(cells.len());
        map.insert(field.name.to_owned(), encode(field, cells.get(at..end).unwrap_or(&[])));
        at = end;
    }
    J::Object(map)
}
