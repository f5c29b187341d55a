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

/// Typesets a document; `data` has the shape that `typeset` describes.
///
/// # Errors
/// `documents.typeset` where the document cannot be made.
pub fn pdf(name: &str, template: Template, data: &J, language: Language) -> Result<FileOut> {
    let bytes = typeset::render(template, data, language).map_err(|error| {
        let mut refused = Error::refused("documents.typeset")
            .with("detail", format!("{error:?}").chars().take(200).collect::<String>());
        refused.internal = Some(format!("{error:?}"));
        refused
    })?;
    Ok(FileOut {
        name: format!("{name}.pdf"),
        media_type: "application/pdf".to_owned(),
        content: kernel::LongText(STANDARD.encode(bytes)),
    })
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

/// A day as it is printed.
pub fn day(language: Language, date: jiff::civil::Date) -> String {
    lang::date(language, date)
}
