//! Companies, units, and how a company is founded.

use std::sync::Arc;

use kernel::{
    Country, Currency, Cx, Email, Entity, Error, FileId, Id, Language, LanguageCode, Phone, Principal, Result, Rules,
    Value,
};

/// A company that keeps its books here.
#[derive(Entity)]
#[entity(name = "platform.company", steady, plural = "Companies", shared, title = name, read = "*", write = "admin", area = "settings")]
pub struct Company {
    /// Name as it stands in the register.
    #[field(searchable, role = "title")]
    pub name: String,
    /// Registration number (in Czechia IČO).
    pub reg_no: Option<String>,
    /// VAT number (in Czechia DIČ).
    pub vat_no: Option<String>,
    /// Pays VAT: taxes are charged on its invoices.
    pub vat_payer: bool,
    /// Street and number.
    pub street: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Postcode.
    pub postcode: Option<String>,
    /// Country.
    pub country: Country,
    /// Currency of the books; it stays.
    #[field(by_operation, max = 3)]
    pub currency: Currency,
    /// Language of documents and of the order of texts.
    #[field(default = "cs")]
    pub language: LanguageCode,
    /// Time zone: "today" is there.
    #[field(default = "Europe/Prague")]
    pub time_zone: String,
    /// Bank account, IBAN.
    pub iban: Option<String>,
    /// Bank.
    pub bank: Option<String>,
    /// E-mail address.
    pub email: Option<Email>,
    /// Phone number.
    pub phone: Option<Phone>,
    /// Logo on documents.
    pub logo: Option<FileId>,
    /// A demo company: its users are known to everybody, so it is served on this machine only.
    #[field(by_operation)]
    pub demo: bool,
}

impl Rules for Company {
    fn check(old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        // A company is founded with all that modules set up for it, never just written down.
        if old.is_none() && cx.is_generic() {
            return Err(Error::new(403, "by_operation_only").with("entity", Company::NAME));
        }
        if jiff::tz::TimeZone::get(&new.time_zone).is_err() {
            return Err(Error::field("time_zone", "platform.time_zone").with("value", new.time_zone.as_str()));
        }
        if cx.writable() {
            cx.access_changed();
        }
        Ok(())
    }
}

/// A part of a company.
#[derive(Entity)]
#[entity(name = "platform.unit", plain, title = name, read = "*", write = "admin manager", area = "settings")]
pub struct Unit {
    /// Name.
    #[field(searchable)]
    pub name: String,
    /// The unit above it.
    pub parent: Option<Id<Unit>>,
}

/// What founding a company takes.
#[derive(Clone, Debug)]
pub struct NewCompany {
    /// Name.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Currency of the books.
    pub currency: Currency,
    /// Language.
    pub language: Language,
    /// Time zone.
    pub time_zone: String,
    /// Pays VAT.
    pub vat_payer: bool,
    /// Demo company.
    pub demo: bool,
}

impl NewCompany {
    /// A company with the usual language and time zone of its country.
    pub fn in_country(name: &str, country: &str, currency: Currency) -> Self {
        let (language, time_zone) = match country {
            "CZ" => (Language::Cs, "Europe/Prague"),
            "SK" => (Language::Cs, "Europe/Bratislava"),
            "GB" => (Language::En, "Europe/London"),
            "DE" => (Language::En, "Europe/Berlin"),
            "US" => (Language::En, "America/New_York"),
            _ => (Language::En, "UTC"),
        };
        Self {
            name: name.to_owned(),
            country: country.to_owned(),
            currency,
            language,
            time_zone: time_zone.to_owned(),
            vat_payer: matches!(country, "CZ"),
            demo: false,
        }
    }
}

/// A company as the kernel works in it.
///
/// # Errors
/// As reading does.
pub(crate) fn working(id: i64, company: &Company) -> kernel::Company {
    kernel::Company {
        id,
        name: company.name.clone(),
        currency: company.currency,
        time_zone: jiff::tz::TimeZone::get(&company.time_zone).unwrap_or(jiff::tz::TimeZone::UTC),
        language: Language::parse(&company.language.0).unwrap_or_default(),
        country: company.country.0.clone(),
        demo: company.demo,
    }
}

/// Founds a company: the record, and what every module sets up for it (accounts, series, warehouses …).
///
/// # Errors
/// Wrong values; as writing does.
pub fn found(cx: &mut Cx<'_>, new: NewCompany) -> Result<Id<Company>> {
    crate::user::roles(cx)?;
    let company = Company {
        name: new.name,
        reg_no: None,
        vat_no: None,
        vat_payer: new.vat_payer,
        street: None,
        city: None,
        postcode: None,
        country: Country(new.country),
        currency: new.currency,
        language: LanguageCode(new.language.code().to_owned()),
        time_zone: new.time_zone,
        iban: None,
        bank: None,
        email: None,
        phone: None,
        logo: None,
        demo: new.demo,
    };
    let kept = working(0, &company);
    let id = cx.insert(company)?;
    let inside = Principal::system(Arc::new(kernel::Company { id: id.raw(), ..kept }));
    let schema = cx.schema().clone();
    cx.acting_as(inside, |cx| {
        for hook in schema.modules.iter().flat_map(|m| m.found) {
            hook(cx)?;
        }
        cx.finish_part()
    })?;
    Ok(id)
}

/// The principal of the system in a company.
///
/// # Errors
/// 404 where there is no such company.
pub fn system_in(cx: &mut Cx<'_>, company: Id<Company>) -> Result<Principal> {
    let record = cx.get(company)?;
    Ok(Principal::system(Arc::new(working(company.raw(), &record))))
}

/// The own company of the request.
///
/// # Errors
/// 404 before a company exists.
pub fn own(cx: &mut Cx<'_>) -> Result<kernel::Rec<Company>> {
    let id = cx.company().id;
    cx.get(Id::<Company>::new(id))
}

/// All companies in the order of their founding.
pub(crate) fn all(cx: &mut Cx<'_>) -> Result<Vec<kernel::Rec<Company>>> {
    cx.by::<Company>(&[("archived", Value::Int(0))])
}
