//! Business documents as PDF: quotes, delivery notes, invoices, credit notes and letters.
//!
//! The templates and fonts are inside the program; a document is typeset from data alone, without files, network or clock,
//! and the same data give the same bytes. All texts are data: whatever they hold, they are printed and never read as markup
//! of the typesetter.
//!
//! # The data
//!
//! [`render`] takes a JSON object. Every text arrives as it shall be printed: numbers, money and dates are formatted by the
//! caller (crate `lang`) in the language of the document; labels and headings are the template's, in that language. Fields
//! that are missing, `null` or empty are left out of the page, and a column of the table appears only where a line fills it.
//! Unknown fields are refused, so that a misspelled one is found. The types in [`shape`] say the same with every limit.
//!
//! ```json
//! {
//!   "number": "FV-2026-0012",            // required except for letters
//!   "date": "2026-11-24",                // ISO, for the PDF's properties; with it the file is PDF/A-3b
//!   "title": "Zálohová faktura",         // instead of the template's own heading
//!   "draft": false,                      // prints DRAFT across every page
//!   "accent": "#1f4e79",                 // colour of heading and rules
//!   "supplier": {                        // required: name
//!     "name": "Truhlářství Dub, s.r.o.", "address": ["Lipová 12", "602 00 Brno"],
//!     "registration": "12345679",        // registration number (IČO)
//!     "vat_number": "CZ12345679",        // VAT number (DIČ)
//!     "contact": ["+420 541 000 000", "info@example.com"],
//!     "register": "Zapsáno u Krajského soudu v Brně, oddíl C, vložka 1",   // printed at the foot of the first page
//!     "bank": {"account": "19-2000145399/0800", "iban": "CZ65 0800 …", "bic": "GIBACZPX", "name": "Česká spořitelna"}
//!   },
//!   "customer": {…},                     // the same fields; required: name
//!   "delivery": {"name": "…", "address": ["…"]},
//!   "dates": {"issued": "24. 11. 2026", "tax": "…", "due": "…", "valid_until": "…", "delivered": "…", "ordered": "…"},
//!   "references": [{"label": "Objednávka", "value": "SO-2026-0017"}],
//!   "corrects": {"number": "FV-2026-0009", "date": "…", "reason": "…"},    // of a credit note
//!   "intro": ["Text above the table."],
//!   "lines": [{
//!     "description": "Stůl dubový", "code": "ST-01", "note": "šarže 7",
//!     "quantity": "2", "unit": "ks", "price": "1 000,00", "discount": "10 %", "vat": "21 %", "net": "1 800,00"
//!   }],                                  // at most 5,000
//!   "vat": [{"rate": "21 %", "base": "1 800,00", "tax": "378,00", "total": "2 178,00",
//!            "local_base": "…", "local_tax": "…", "note": "…"}],
//!   "local_currency": "CZK",             // of local_base and local_tax, where the document is in another currency
//!   "sums": {"discount": "…", "net": "…", "vat": "…", "gross": "…", "rounding": "…", "paid": "…"},
//!   "total": {"value": "2 178,00 Kč", "label": "K úhradě"},   // label: instead of the template's own
//!   "payment": {"method": "Převodem", "variable_symbol": "20260012", "constant_symbol": "0308", "specific_symbol": "…",
//!               "qr": [[true, false, …], …], "qr_label": "QR Platba"},      // the modules, as bank::qr_matrix gives them
//!   "notes": ["…"],
//!   "issued_by": "…",
//!   "signatures": true,                  // places for "handed over" and "received"; a delivery note always has them
//!   "subject": "…", "place": "V Brně",   // of letters
//!   "body": ["Vážený zákazníku,", "…"],  // of letters: paragraphs, required there
//!   "table": {"columns": [{"label": "Faktura"}, {"label": "Částka", "number": true}], "rows": [["…", "…"]], "total": ["…", "…"]},
//!   "closing": "S pozdravem", "signature": ["…", "…"]                       // of letters
//! }
//! ```
//!
//! A logo is given beside the data ([`Options`]), as are files to embed (an invoice as XML, say).
//!
//! # Limits and cost
//!
//! At most [`MAX_LINES`] lines; the limits of the other fields are at [`shape`]. Fonts and the typesetter's library are made
//! at the first document and kept; the typesetter's cache is emptied after each document. On one core of a common server,
//! built for debugging: one line 25 ms, 40 lines 65 ms (the whole process then holds 40 MB), 400 lines 0.4 s, 5,000 lines 6 s
//! and 630 MB (some 0.13 MB a line), which the allocator keeps for the next document; so documents of more than 500 lines are
//! made one at a time.

mod assets;
pub mod shape;
mod world;

use std::fmt;

use lang::Language;
use serde_json::Value;

use crate::shape::Document;

pub use crate::shape::MAX_LINES;

/// What kind of document to typeset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Template {
    /// An offer with prices.
    Quote,
    /// A list of delivered goods to sign.
    DeliveryNote,
    /// An invoice; with the supplier's VAT number a tax document (§ 29 of Act 235/2004 Sb., article 226 of Directive
    /// 2006/112/EC).
    Invoice,
    /// A credit note; with the supplier's VAT number a corrective tax document (§ 45 of Act 235/2004 Sb.).
    CreditNote,
    /// A letter, with a table if there is one: reminders, confirmations.
    Letter,
}

impl Template {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Quote, Self::DeliveryNote, Self::Invoice, Self::CreditNote, Self::Letter];

    /// The name in the templates.
    const fn name(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::DeliveryNote => "delivery_note",
            Self::Invoice => "invoice",
            Self::CreditNote => "credit_note",
            Self::Letter => "letter",
        }
    }
}

/// What goes into a document beside its data.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The supplier's logo: PNG, JPEG or SVG, at most 1 MB and 4,096 pixels a side. SVG without references to anything
    /// outside, document type, filters or repeated parts.
    pub logo: Option<&'a [u8]>,
    /// Files to embed in the PDF, at most eight and together 10 MB.
    pub attachments: &'a [Attachment<'a>],
}

/// A file to embed in the PDF.
#[derive(Clone, Copy, Debug)]
pub struct Attachment<'a> {
    /// Its name: letters, digits, `.`, `-` and `_` of ASCII only, at most 100.
    pub name: &'a str,
    /// Its media type, such as `text/xml`.
    pub media_type: &'a str,
    /// What it is, for people.
    pub description: &'a str,
    /// Whether it is the same document in another form (`Alternative` of PDF/A-3, as Factur-X and ISDOC are); otherwise it
    /// is a supplement.
    pub alternative: bool,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// Why a document was not typeset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypesetError {
    /// The data have not the shape of a document: which field and why.
    Shape(String),
    /// The data are above a limit: which.
    TooLarge(String),
    /// The logo is not an image that is allowed: why.
    Logo(String),
    /// An attachment is not allowed: why.
    Attachment(String),
    /// The typesetter failed: a fault of this crate, not of the data.
    Template(String),
}

impl fmt::Display for TypesetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(why) => write!(f, "the data of the document: {why}"),
            Self::TooLarge(why) => write!(f, "the document is too large: {why}"),
            Self::Logo(why) => write!(f, "the logo: {why}"),
            Self::Attachment(why) => write!(f, "an attachment: {why}"),
            Self::Template(why) => write!(f, "the template failed: {why}"),
        }
    }
}

impl std::error::Error for TypesetError {}

/// Typesets a document; the data are described at the top of the crate. Takes some 20 to 100 ms for a page or two: run it on
/// a worker thread.
///
/// # Errors
/// The data have a wrong shape or are above a limit.
pub fn render(template: Template, data: &Value, language: Language) -> Result<Vec<u8>, TypesetError> {
    render_with(template, data, language, &Options::default())
}

/// As [`render`], with a logo and attachments.
///
/// # Errors
/// As [`render`]; the logo or an attachment is not allowed.
pub fn render_with(
    template: Template,
    data: &Value,
    language: Language,
    options: &Options<'_>,
) -> Result<Vec<u8>, TypesetError> {
    render_document(template, Document::read(data)?, language, options)
}

/// As [`render_with`], from the typed form of the data.
///
/// # Errors
/// As [`render_with`].
pub fn render_document(
    template: Template,
    mut document: Document,
    language: Language,
    options: &Options<'_>,
) -> Result<Vec<u8>, TypesetError> {
    document.check(template)?;
    world::typeset(template, document, language, options)
}
