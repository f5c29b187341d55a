//! Documents that leave the house: PDFs of quotes, delivery notes and invoices, typeset by a library from templates.

use base64::{Engine, engine::general_purpose::STANDARD};
use kernel::{Cx, Dec, Error, Fields, Id, Language, Module, Money, Result};
use serde_json::{Value as J, json};

pub use typeset::Template;

/// A file that an operation makes; the interface answers with the file itself.
#[derive(Fields)]
pub struct FileOut {
    /// Name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Content, base64.
    #[field(max = 40_000_000)]
    pub content: kernel::LongText,
}

/// What the module owns: nothing that is stored, until templates can be edited.
pub static MODULE: Module = Module {
    name: "documents",
    errors: &["documents.typeset"],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    ..Module::BASE
};

/// Typesets a document with the company's logo; `data` has the shape that `typeset` describes.
///
/// # Errors
/// `documents.typeset` where the document cannot be made.
pub fn print(cx: &mut Cx<'_>, name: &str, template: Template, data: &J, language: Language) -> Result<FileOut> {
    let Some(logo) = platform::own(cx)?.logo else { return pdf(name, template, data, language) };
    let hash = cx.get(Id::<kernel::sys::File>::new(logo.0))?.hash.clone();
    let image = cx.files().get(&hash)?;
    let options = typeset::Options { logo: Some(&image), ..typeset::Options::default() };
    match typeset::render_with(template, data, language, &options) {
        Ok(bytes) => Ok(file(name, bytes)),
        // A picture that cannot be printed must not hold an invoice up.
        Err(typeset::TypesetError::Logo(_)) => pdf(name, template, data, language),
        Err(error) => Err(refused(&error)),
    }
}

/// Typesets a document without a logo; `data` has the shape that `typeset` describes.
///
/// # Errors
/// `documents.typeset` where the document cannot be made.
pub fn pdf(name: &str, template: Template, data: &J, language: Language) -> Result<FileOut> {
    let bytes = typeset::render(template, data, language).map_err(|error| refused(&error))?;
    Ok(file(name, bytes))
}

fn file(name: &str, bytes: Vec<u8>) -> FileOut {
    FileOut {
        name: format!("{name}.pdf"),
        media_type: "application/pdf".to_owned(),
        content: kernel::LongText(STANDARD.encode(bytes)),
    }
}

fn refused(error: &typeset::TypesetError) -> Error {
    let mut refused =
        Error::refused("documents.typeset").with("detail", error.to_string().chars().take(200).collect::<String>());
    refused.internal = Some(error.to_string());
    refused
}

/// The own company as the supplier of a document.
///
/// # Errors
/// As reading does.
pub fn supplier(cx: &mut Cx<'_>) -> Result<J> {
    let own = platform::own(cx)?;
    let city = [own.postcode.as_deref(), own.city.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let address: Vec<String> = own.street.iter().cloned().chain(Some(city).filter(|c| !c.is_empty())).collect();
    let contact: Vec<String> =
        own.email.iter().map(|e| e.0.clone()).chain(own.phone.iter().map(|p| p.0.clone())).collect();
    let bank = own.iban.as_ref().map(|iban| json!({"iban": iban, "name": own.bank}));
    Ok(json!({
        "name": own.name,
        "address": address,
        "registration": own.reg_no,
        "vat_number": own.vat_no,
        "contact": contact,
        "bank": bank,
    }))
}

/// A party as the customer of a document.
///
/// # Errors
/// 404 where there is no such party.
pub fn customer(cx: &mut Cx<'_>, id: Id<party::Party>, kind: party::AddressKind) -> Result<J> {
    let address = party::address(cx, id, kind)?;
    let record = cx.get(id)?;
    Ok(json!({
        "name": address.name,
        "address": address.lines,
        "registration": record.reg_no,
        "vat_number": record.vat_no,
    }))
}

/// The language of documents for a party: its own, else the company's.
///
/// # Errors
/// 404 where there is no such party.
pub fn language(cx: &mut Cx<'_>, id: Id<party::Party>) -> Result<Language> {
    let own = cx.company().language;
    Ok(cx.get(id)?.language.as_ref().and_then(|l| Language::parse(&l.0)).unwrap_or(own))
}

/// An amount as it is printed.
pub fn amount(language: Language, money: Money) -> String {
    lang::money(language, money.minor, money.currency.exponent(), money.currency.code())
}

/// A quantity as it is printed.
pub fn quantity<const S: u8>(language: Language, value: Dec<S>) -> String {
    lang::quantity(language, value.raw(), S)
}

/// A price of one as it is printed: at least with the minor units of its currency, further decimals where it has them.
pub fn price<const S: u8>(language: Language, value: Dec<S>, currency: kernel::Currency) -> String {
    let (mut raw, mut scale) = (value.raw(), S);
    while scale > currency.exponent() && raw % 10 == 0 {
        (raw, scale) = (raw / 10, scale - 1);
    }
    lang::number(language, raw, scale)
}

/// A percentage as it is printed.
pub fn percent(language: Language, value: Dec<2>) -> String {
    lang::percent(language, value.raw(), 2)
}

/// A day as it is printed.
pub fn day(language: Language, date: jiff::civil::Date) -> String {
    lang::date(language, date)
}
