//! Filters: the one language in which lists, record rules, field checks and panels say which records they mean.
//!
//! As JSON: `{"field": value}`, `{"field": {"op": value}}`, paths `{"invoice.party.country": "CZ"}`, `and`, `or`, `not`.
//! As text (checks): `discount >= 0 and discount <= 100`.

use serde_json::Value as J;
use store::Value;

use crate::error::{Error, Result};

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal; a missing value is not equal to anything given.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// One of a list.
    In,
    /// From the first to the second, both included.
    Between,
    /// The text contains it, without regard to case and diacritics.
    Contains,
    /// The text starts with it, without regard to case and diacritics.
    Starts,
    /// Nothing is there (true) or something is (false).
    Empty,
}

impl Op {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "lt" => Self::Lt,
            "le" => Self::Le,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            "in" => Self::In,
            "between" => Self::Between,
            "contains" => Self::Contains,
            "starts" => Self::Starts,
            "empty" => Self::Empty,
            _ => return None,
        })
    }
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// JSON from outside; brought to the field's kind when the filter is planned.
    Json(J),
    /// A cell, from typed code.
    Cell(Value),
    /// Cells, from typed code.
    Cells(Vec<Value>),
    /// Another field of the same record (checks only).
    Field(String),
}

/// A condition over a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of them hold; true where empty.
    And(Vec<Filter>),
    /// One of them holds; false where empty.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// A field (or a path of references that ends in a field) compares so.
    Is(String, Op, Operand),
}

/// Deepest nesting of a filter from outside.
const MAX_DEPTH: usize = 12;
/// Most conditions of a filter from outside.
const MAX_CONDITIONS: usize = 200;

impl Filter {
    /// Always true.
    pub const ALL: Self = Self::And(Vec::new());

    /// A field equals a value.
    pub fn eq(field: &str, value: impl Into<Value>) -> Self {
        Self::Is(field.to_owned(), Op::Eq, Operand::Cell(value.into()))
    }
    /// A field compares with a value.
    pub fn is(field: &str, op: Op, value: impl Into<Value>) -> Self {
        Self::Is(field.to_owned(), op, Operand::Cell(value.into()))
    }
    /// A field is one of some values.
    pub fn within(field: &str, values: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        Self::Is(field.to_owned(), Op::In, Operand::Cells(values.into_iter().map(Into::into).collect()))
    }
    /// A field holds nothing.
    pub fn empty(field: &str) -> Self {
        Self::Is(field.to_owned(), Op::Empty, Operand::Cell(Value::Int(1)))
    }
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::And(mut a), Self::And(b)) => {
                a.extend(b);
                Self::And(a)
            }
            (Self::And(mut a), b) => {
                a.push(b);
                Self::And(a)
            }
            (a, b) => Self::And(vec![a, b]),
        }
    }
    /// It does not hold.
    #[must_use]
    #[allow(clippy::should_implement_trait)]
    pub fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
    /// True for the filter that lets everything through.
    pub fn is_all(&self) -> bool {
        matches!(self, Self::And(parts) if parts.is_empty())
    }

    /// Reads a filter from JSON.
    ///
    /// # Errors
    /// `filter` with what is wrong; nesting and number of conditions are limited.
    pub fn parse(json: &J) -> Result<Self> {
        let mut count = 0;
        Self::parse_at(json, 0, &mut count)
    }

    fn parse_at(json: &J, depth: usize, count: &mut usize) -> Result<Self> {
        let wrong = |what: &str| Error::bad("filter").with("what", what.chars().take(80).collect::<String>());
        if depth > MAX_DEPTH {
            return Err(wrong("nested too deeply"));
        }
        let J::Object(map) = json else { return Err(wrong("an object is wanted")) };
        let mut parts = Vec::new();
        for (key, value) in map {
            *count += 1;
            if *count > MAX_CONDITIONS {
                return Err(wrong("too many conditions"));
            }
            match (key.as_str(), value) {
                ("and" | "or", J::Array(items)) => {
                    let inner =
                        items.iter().map(|item| Self::parse_at(item, depth + 1, count)).collect::<Result<Vec<_>>>()?;
                    parts.push(if key == "and" { Self::And(inner) } else { Self::Or(inner) });
                }
                ("not", J::Object(_)) => parts.push(Self::parse_at(value, depth + 1, count)?.not()),
                ("and" | "or" | "not", _) => return Err(wrong(key)),
                (field, J::Object(ops)) if !ops.is_empty() && ops.keys().all(|k| Op::parse(k).is_some()) => {
                    for (op, operand) in ops {
                        *count += 1;
                        if let Some(op) = Op::parse(op) {
                            parts.push(Self::Is(field.to_owned(), op, Operand::Json(operand.clone())));
                        }
                    }
                }
                // An amount or a reference of any kind, compared as a whole.
                (field, J::Object(ops)) if ops.contains_key("amount") || ops.contains_key("entity") => {
                    parts.push(Self::Is(field.to_owned(), Op::Eq, Operand::Json(value.clone())));
                }
                (_, J::Object(ops)) => {
                    return Err(wrong(ops.keys().find(|k| Op::parse(k).is_none()).map_or(key, String::as_str)));
                }
                (field, J::Array(_)) => parts.push(Self::Is(field.to_owned(), Op::In, Operand::Json(value.clone()))),
                (field, J::Null) => parts.push(Self::empty(field)),
                (field, _) => parts.push(Self::Is(field.to_owned(), Op::Eq, Operand::Json(value.clone()))),
            }
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Self::And(parts) })
    }

    /// Reads a check such as `discount >= 0 and (discount <= 100 or approved = true)`; `field` alone on a side may be
    /// another field. `not`, `is empty` and `is set` are understood.
    ///
    /// # Errors
    /// `filter` with the place.
    pub fn parse_check(text: &str) -> Result<Self> {
        let tokens = tokenize(text)?;
        let mut parser = Parser { tokens: &tokens, at: 0 };
        let filter = parser.or()?;
        if parser.at != tokens.len() {
            return Err(Error::internal(format!("check {text:?}: more than was understood")));
        }
        Ok(filter)
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Number(String),
    Text(String),
    Sign(&'static str),
}

fn tokenize(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let c = bytes[at];
        if c.is_ascii_whitespace() {
            at += 1;
        } else if let Some(sign) =
            ["<=", ">=", "!=", "<>", "=", "<", ">", "(", ")"].into_iter().find(|sign| rest.starts_with(sign))
        {
            tokens.push(Token::Sign(sign));
            at += sign.len();
        } else if c == b'\'' {
            let end = rest[1..].find('\'').ok_or_else(|| Error::internal(format!("check {text:?}: open text")))?;
            tokens.push(Token::Text(rest[1..=end].to_owned()));
            at += end + 2;
        } else {
            let len = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-@".contains(c))).unwrap_or(rest.len());
            if len == 0 {
                return Err(Error::internal(format!("check {text:?}: what is {rest:?}?")));
            }
            let word = &rest[..len];
            let number = word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
            tokens.push(if number { Token::Number(word.to_owned()) } else { Token::Word(word.to_owned()) });
            at += len;
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Parser<'_> {
    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word == wanted);
        self.at += usize::from(found);
        found
    }
    fn sign(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(sign)) if *sign == wanted);
        self.at += usize::from(found);
        found
    }
    fn or(&mut self) -> Result<Filter> {
        let mut parts = vec![self.and()?];
        while self.word("or") {
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }
    fn and(&mut self) -> Result<Filter> {
        let mut parts = vec![self.one()?];
        while self.word("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }
    fn one(&mut self) -> Result<Filter> {
        if self.word("not") {
            return Ok(self.one()?.not());
        }
        if self.sign("(") {
            let inner = self.or()?;
            return if self.sign(")") { Ok(inner) } else { Err(Error::internal("check: ) is missing")) };
        }
        let Some(Token::Word(field)) = self.tokens.get(self.at) else {
            return Err(Error::internal("check: a field is wanted"));
        };
        self.at += 1;
        if self.word("is") {
            let filter = Filter::empty(field);
            if self.word("empty") {
                return Ok(filter);
            }
            return if self.word("set") { Ok(filter.not()) } else { Err(Error::internal("check: empty or set?")) };
        }
        let op = match self.tokens.get(self.at) {
            Some(Token::Sign("=")) => Op::Eq,
            Some(Token::Sign("!=" | "<>")) => Op::Ne,
            Some(Token::Sign("<")) => Op::Lt,
            Some(Token::Sign("<=")) => Op::Le,
            Some(Token::Sign(">")) => Op::Gt,
            Some(Token::Sign(">=")) => Op::Ge,
            _ => return Err(Error::internal("check: a comparison is wanted")),
        };
        self.at += 1;
        let operand = match self.tokens.get(self.at) {
            Some(Token::Number(number)) => Operand::Json(J::String(number.clone())),
            Some(Token::Text(text)) => Operand::Json(J::String(text.clone())),
            Some(Token::Word(word)) if word == "true" || word == "false" => Operand::Json(J::Bool(word == "true")),
            Some(Token::Word(word)) => Operand::Field(word.clone()),
            _ => return Err(Error::internal("check: a value is wanted")),
        };
        self.at += 1;
        Ok(Filter::Is(field.clone(), op, operand))
    }
}
