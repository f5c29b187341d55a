//! The shape of a document's data, as types. What a field is for is said at the top of the crate.
//!
//! A text holds at most [`MAX_TEXT`] characters and all texts together at most [`MAX_ALL_TEXT`] bytes; lists have the limits
//! said at their fields. Control characters are taken out, except line ends, which remain in `intro`, `notes`, `body` and the
//! note of a line and are spaces elsewhere.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Template, TypesetError};

/// The most lines of a document.
pub const MAX_LINES: usize = 5_000;
/// The most characters of one text.
pub const MAX_TEXT: usize = 20_000;
/// The most bytes of all texts of a document together.
pub const MAX_ALL_TEXT: usize = 4_000_000;
/// The most modules on a side of a QR code (version 40, ISO/IEC 18004).
const MAX_QR: usize = 177;

/// A document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Document {
    pub number: String,
    pub date: Option<String>,
    pub title: Option<String>,
    pub draft: bool,
    pub accent: Option<String>,
    pub supplier: Party,
    pub customer: Party,
    pub delivery: Option<Place>,
    pub dates: Dates,
    /// At most 20.
    pub references: Vec<Pair>,
    pub corrects: Option<Corrects>,
    /// At most 50.
    pub intro: Vec<String>,
    /// At most [`MAX_LINES`].
    pub lines: Vec<Line>,
    /// At most 50.
    pub vat: Vec<Vat>,
    pub local_currency: Option<String>,
    pub sums: Sums,
    pub total: Option<Total>,
    pub payment: Payment,
    /// At most 50.
    pub notes: Vec<String>,
    pub issued_by: Option<String>,
    pub signatures: bool,
    pub subject: Option<String>,
    pub place: Option<String>,
    /// At most 200.
    pub body: Vec<String>,
    pub table: Option<Table>,
    pub closing: Option<String>,
    /// At most 10.
    pub signature: Vec<String>,
}

/// A firm or person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Party {
    pub name: String,
    /// At most 10 lines.
    pub address: Vec<String>,
    pub registration: Option<String>,
    pub vat_number: Option<String>,
    /// At most 10 lines.
    pub contact: Vec<String>,
    pub register: Option<String>,
    pub bank: Option<Bank>,
}

/// A bank account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Bank {
    pub account: Option<String>,
    pub iban: Option<String>,
    pub bic: Option<String>,
    pub name: Option<String>,
}

/// Where goods go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Place {
    pub name: String,
    /// At most 10 lines.
    pub address: Vec<String>,
}

/// Dates, as printed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dates {
    /// When the document was issued.
    pub issued: Option<String>,
    /// The date of the taxable supply.
    pub tax: Option<String>,
    /// When the amount is due.
    pub due: Option<String>,
    /// Until when an offer holds.
    pub valid_until: Option<String>,
    /// When goods were delivered.
    pub delivered: Option<String>,
    /// When they were ordered.
    pub ordered: Option<String>,
}

/// A label and a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Pair {
    pub label: String,
    pub value: String,
}

/// What a credit note corrects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Corrects {
    pub number: String,
    pub date: Option<String>,
    pub reason: Option<String>,
}

/// A line of the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Line {
    pub description: String,
    pub code: Option<String>,
    pub note: Option<String>,
    pub quantity: Option<String>,
    pub unit: Option<String>,
    pub price: Option<String>,
    pub discount: Option<String>,
    pub vat: Option<String>,
    pub net: Option<String>,
}

/// A row of the VAT recapitulation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Vat {
    pub rate: String,
    pub base: String,
    pub tax: String,
    pub total: Option<String>,
    /// In the currency of tax (article 230 of Directive 2006/112/EC), where the document is in another.
    pub local_base: Option<String>,
    pub local_tax: Option<String>,
    pub note: Option<String>,
}

/// Sums above the total.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Sums {
    pub discount: Option<String>,
    pub net: Option<String>,
    pub vat: Option<String>,
    pub gross: Option<String>,
    pub rounding: Option<String>,
    pub paid: Option<String>,
}

/// The total.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Total {
    pub value: String,
    pub label: Option<String>,
}

/// How to pay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Payment {
    pub method: Option<String>,
    pub variable_symbol: Option<String>,
    pub constant_symbol: Option<String>,
    pub specific_symbol: Option<String>,
    /// The modules row by row, `true` for dark, without the quiet zone; a square of at most 177.
    pub qr: Vec<Vec<bool>>,
    pub qr_label: Option<String>,
}

/// A table of a letter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Table {
    /// At most 10.
    pub columns: Vec<Column>,
    /// At most [`MAX_LINES`], each with a text for every column.
    pub rows: Vec<Vec<String>>,
    /// A last row, set off; empty or with a text for every column.
    pub total: Vec<String>,
}

/// A column of a letter's table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Column {
    pub label: String,
    /// Whether it holds numbers, which stand at the right.
    pub number: bool,
}

impl Document {
    /// Reads the JSON form; a field that is `null` is as if it were missing.
    ///
    /// # Errors
    /// [`TypesetError::Shape`]: a field is unknown or of another type.
    pub fn read(data: &Value) -> Result<Self, TypesetError> {
        Self::deserialize(present(data)).map_err(|error| TypesetError::Shape(error.to_string()))
    }

    /// Checks limits and what the kind of document needs, and cleans the texts.
    ///
    /// # Errors
    /// [`TypesetError::Shape`] or [`TypesetError::TooLarge`].
    pub(crate) fn check(&mut self, template: Template) -> Result<(), TypesetError> {
        self.limits()?;
        let mut left = MAX_ALL_TEXT;
        self.texts(&mut |field, text, lines| {
            let kept = clean(text, lines);
            left =
                left.checked_sub(kept.len()).ok_or_else(|| TypesetError::TooLarge("all texts together".to_owned()))?;
            if kept.chars().count() > MAX_TEXT {
                return Err(TypesetError::TooLarge(format!("{field} has more than {MAX_TEXT} characters")));
            }
            *text = kept;
            Ok(())
        })?;
        let needed = [("supplier.name", &self.supplier.name), ("customer.name", &self.customer.name)];
        let number = ("number", &self.number);
        let needed = needed.into_iter().chain((template != Template::Letter).then_some(number));
        if let Some((field, _)) = needed.into_iter().find(|(_, text)| text.is_empty()) {
            return Err(TypesetError::Shape(format!("{field} is missing")));
        }
        if template == Template::Letter && self.body.is_empty() {
            return Err(TypesetError::Shape("body is missing".to_owned()));
        }
        if let Some(colour) = &self.accent {
            let digits = colour.strip_prefix('#').filter(|digits| digits.len() == 6);
            if !digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
                return Err(TypesetError::Shape("accent is not a colour such as #1f4e79".to_owned()));
            }
        }
        let qr = &self.payment.qr;
        if qr.len() > MAX_QR || qr.iter().any(|row| row.len() != qr.len()) {
            return Err(TypesetError::Shape(format!("payment.qr is not a square of at most {MAX_QR}")));
        }
        if let Some(table) = &self.table {
            let whole = |row: &Vec<String>| row.len() == table.columns.len();
            if table.columns.is_empty()
                || !table.rows.iter().all(whole)
                || !(table.total.is_empty() || whole(&table.total))
            {
                return Err(TypesetError::Shape("a row of the table has not a text for every column".to_owned()));
            }
        }
        Ok(())
    }

    fn limits(&self) -> Result<(), TypesetError> {
        let table = self.table.as_ref();
        let delivery = self.delivery.as_ref();
        let counts = [
            ("lines", self.lines.len(), MAX_LINES),
            ("table.rows", table.map_or(0, |table| table.rows.len()), MAX_LINES),
            ("table.columns", table.map_or(0, |table| table.columns.len()), 10),
            ("references", self.references.len(), 20),
            ("intro", self.intro.len(), 50),
            ("vat", self.vat.len(), 50),
            ("notes", self.notes.len(), 50),
            ("body", self.body.len(), 200),
            ("signature", self.signature.len(), 10),
            ("supplier.address", self.supplier.address.len(), 10),
            ("supplier.contact", self.supplier.contact.len(), 10),
            ("customer.address", self.customer.address.len(), 10),
            ("customer.contact", self.customer.contact.len(), 10),
            ("delivery.address", delivery.map_or(0, |place| place.address.len()), 10),
        ];
        match counts.into_iter().find(|(_, count, most)| count > most) {
            Some((field, count, most)) => Err(TypesetError::TooLarge(format!("{field}: {count}, at most {most}"))),
            None => Ok(()),
        }
    }

    /// Visits every text: its field, the text, whether it may have several lines.
    fn texts(&mut self, visit: Visit<'_>) -> Result<(), TypesetError> {
        visit("number", &mut self.number, false)?;
        let own = [
            ("date", &mut self.date),
            ("title", &mut self.title),
            ("accent", &mut self.accent),
            ("local_currency", &mut self.local_currency),
            ("issued_by", &mut self.issued_by),
            ("subject", &mut self.subject),
            ("place", &mut self.place),
            ("closing", &mut self.closing),
        ];
        options(own, visit)?;
        self.supplier.texts("supplier", visit)?;
        self.customer.texts("customer", visit)?;
        if let Some(place) = &mut self.delivery {
            visit("delivery.name", &mut place.name, false)?;
            list("delivery.address", &mut place.address, false, visit)?;
        }
        let Dates { issued, tax, due, valid_until, delivered, ordered } = &mut self.dates;
        options([issued, tax, due, valid_until, delivered, ordered].map(|date| ("dates", date)), visit)?;
        for pair in &mut self.references {
            visit("references.label", &mut pair.label, false)?;
            visit("references.value", &mut pair.value, false)?;
        }
        if let Some(corrects) = &mut self.corrects {
            visit("corrects.number", &mut corrects.number, false)?;
            options([("corrects.date", &mut corrects.date), ("corrects.reason", &mut corrects.reason)], visit)?;
        }
        list("intro", &mut self.intro, true, visit)?;
        for line in &mut self.lines {
            visit("lines.description", &mut line.description, false)?;
            if let Some(note) = &mut line.note {
                visit("lines.note", note, true)?;
            }
            let Line { code, quantity, unit, price, discount, vat, net, .. } = line;
            options([code, quantity, unit, price, discount, vat, net].map(|text| ("lines", text)), visit)?;
        }
        for vat in &mut self.vat {
            let Vat { rate, base, tax, total, local_base, local_tax, note } = vat;
            for text in [rate, base, tax] {
                visit("vat", text, false)?;
            }
            options([total, local_base, local_tax, note].map(|text| ("vat", text)), visit)?;
        }
        let Sums { discount, net, vat, gross, rounding, paid } = &mut self.sums;
        options([discount, net, vat, gross, rounding, paid].map(|sum| ("sums", sum)), visit)?;
        if let Some(total) = &mut self.total {
            visit("total.value", &mut total.value, false)?;
            options([("total.label", &mut total.label)], visit)?;
        }
        let Payment { method, variable_symbol, constant_symbol, specific_symbol, qr: _, qr_label } = &mut self.payment;
        let payment = [method, variable_symbol, constant_symbol, specific_symbol, qr_label];
        options(payment.map(|text| ("payment", text)), visit)?;
        list("notes", &mut self.notes, true, visit)?;
        list("body", &mut self.body, true, visit)?;
        list("signature", &mut self.signature, false, visit)?;
        if let Some(table) = &mut self.table {
            for column in &mut table.columns {
                visit("table.columns.label", &mut column.label, false)?;
            }
            for row in table.rows.iter_mut().chain([&mut table.total]) {
                for text in row {
                    visit("table.rows", text, false)?;
                }
            }
        }
        Ok(())
    }
}

/// The value without fields that are `null`.
fn present(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(name, value)| (name.clone(), present(value))).collect())
        }
        Value::Array(values) => Value::Array(values.iter().map(present).collect()),
        other => other.clone(),
    }
}

type Visit<'a> = &'a mut dyn FnMut(&'static str, &mut String, bool) -> Result<(), TypesetError>;

impl Party {
    fn texts(&mut self, field: &'static str, visit: Visit<'_>) -> Result<(), TypesetError> {
        visit(field, &mut self.name, false)?;
        list(field, &mut self.address, false, visit)?;
        list(field, &mut self.contact, false, visit)?;
        let own = [&mut self.registration, &mut self.vat_number, &mut self.register];
        options(own.map(|text| (field, text)), visit)?;
        if let Some(Bank { account, iban, bic, name }) = &mut self.bank {
            options([account, iban, bic, name].map(|text| (field, text)), visit)?;
        }
        Ok(())
    }
}

fn list(field: &'static str, texts: &mut Vec<String>, lines: bool, visit: Visit<'_>) -> Result<(), TypesetError> {
    for text in texts.iter_mut() {
        visit(field, text, lines)?;
    }
    texts.retain(|text| !text.is_empty());
    Ok(())
}

/// An empty text is none.
fn options<const N: usize>(
    texts: [(&'static str, &mut Option<String>); N],
    visit: Visit<'_>,
) -> Result<(), TypesetError> {
    for (field, text) in texts {
        if let Some(some) = text {
            visit(field, some, false)?;
            if some.is_empty() {
                *text = None;
            }
        }
    }
    Ok(())
}

/// Takes out control characters and white space at the ends, and lets words break that would not fit in a column: after 22
/// letters and digits, or after 44 characters of an address and the like.
fn clean(text: &str, lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut word, mut run) = (0, 0);
    for c in text.trim().chars() {
        match c {
            '\n' if lines => out.push('\n'),
            '\t' | '\n' | '\u{2028}' | '\u{2029}' => out.push(' '),
            // Zero-width marks, and those that would turn the direction of what follows.
            '\u{200b}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => continue,
            _ if c.is_control() => continue,
            _ => out.push(c),
        }
        word = if c.is_alphanumeric() { word + 1 } else { 0 };
        run = if c.is_alphanumeric() || matches!(c, '.' | ',' | '_' | '@' | '\u{a0}') { run + 1 } else { 0 };
        if word == 22 || run == 44 {
            out.push('\u{200b}');
            (word, run) = (0, 0);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(template: Template, data: Value) -> Result<Document, TypesetError> {
        let mut document = Document::read(&data)?;
        document.check(template).map(|()| document)
    }

    #[test]
    fn shapes() {
        let least = json!({"number": "1", "supplier": {"name": "A"}, "customer": {"name": "B"}});
        assert!(checked(Template::Invoice, least.clone()).is_ok());
        let error = |template, change: Value| {
            let mut data = least.clone();
            if let (Value::Object(data), Value::Object(change)) = (&mut data, change) {
                data.extend(change);
            }
            checked(template, data).err()
        };
        let shape = |text: &str| Some(TypesetError::Shape(text.to_owned()));
        assert_eq!(error(Template::Invoice, json!({"number": " "})), shape("number is missing"));
        assert_eq!(error(Template::Quote, json!({"customer": {"name": ""}})), shape("customer.name is missing"));
        assert_eq!(error(Template::Letter, json!({})), shape("body is missing"));
        assert_eq!(error(Template::Letter, json!({"body": ["a"], "number": ""})), None);
        for wrong in [json!({"nubmer": "1"}), json!({"lines": [{"net": 5}]}), json!({"draft": "yes"})] {
            assert!(matches!(error(Template::Invoice, wrong), Some(TypesetError::Shape(_))));
        }
        assert!(checked(Template::Invoice, json!([])).is_err() && checked(Template::Invoice, json!(null)).is_err());
        for accent in ["red", "#12345", "#12345g", "#1234567"] {
            assert!(error(Template::Invoice, json!({"accent": accent})).is_some());
        }
        for qr in [json!([[true], [true]]), json!([[true, false]]), json!(vec![vec![true; 178]; 178])] {
            assert!(error(Template::Invoice, json!({"payment": {"qr": qr}})).is_some());
        }
        let table = json!({"body": ["a"], "table": {"columns": [{"label": "x"}], "rows": [["1", "2"]]}});
        assert!(error(Template::Letter, table).is_some());
    }

    #[test]
    fn limits() {
        let with = |field: &str, value: Value| {
            checked(
                Template::Invoice,
                json!({"number": "1", "supplier": {"name": "A"}, "customer": {"name": "B"}, field: value}),
            )
        };
        let large = |field, value| matches!(with(field, value), Err(TypesetError::TooLarge(_)));
        assert!(large("lines", json!(vec![json!({}); MAX_LINES + 1])));
        assert!(with("lines", json!(vec![json!({}); MAX_LINES])).is_ok());
        assert!(large("notes", json!(vec!["a"; 51])));
        assert!(large("title", json!("a".repeat(MAX_TEXT + MAX_TEXT))));
        assert!(large("body", json!(vec!["žluťoučký ".repeat(1_900); 190])));
    }

    #[test]
    fn texts_are_cleaned() {
        assert_eq!(clean(" a\u{0}b\tc\nd\u{202e}\r\n ", false), "ab c d");
        assert_eq!(clean("a\r\nb\n", true), "a\nb");
        assert_eq!(clean(&"x".repeat(60), false), format!("{0}\u{200b}{0}\u{200b}{1}", "x".repeat(22), "x".repeat(16)));
        assert_eq!(clean("fakturace.prijata@firma.example.com", false), "fakturace.prijata@firma.example.com");
        let data = json!({"number": "1", "supplier": {"name": "A", "address": ["", " "], "vat_number": ""}, "customer": {"name": "B"}});
        let document = checked(Template::Invoice, data).unwrap_or_default();
        assert_eq!(document.supplier.address, Vec::<String>::new());
        assert_eq!(document.supplier.vat_number, None);
    }
}
