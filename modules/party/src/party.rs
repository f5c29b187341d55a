//! Companies and people that one deals with, their addresses and contact points.

use kernel::{
    Country, Cx, Email, Entity, Error, FieldDef, Id, Kind, LanguageCode, LongText, Money, Phone, Result, Rules, Value,
    choice, json::Codec,
};

use crate::{duplicate, numbers};

choice!(
    /// What a party is.
    PartyKind { Company = "company" => "blue", Person = "person" => "grey" }
);

/// A company or a person that one deals with; a customer's card is this record and its panels.
#[derive(Entity)]
#[entity(name = "party.party", plural = "Parties", title = name, read = "*", write = "sales buyer accounts", area = "customers",
    lines(addresses = "party.address.party", contacts = "party.contact.party"), many(tags = "party.tag"))]
pub struct Party {
    /// Name.
    #[field(searchable, tracked, role = "title")]
    pub name: String,
    /// Company or person.
    #[field(default = "company")]
    pub kind: PartyKind,
    /// Registration number (in Czechia IČO).
    #[field(searchable, indexed, max = 30)]
    pub reg_no: Option<String>,
    /// VAT number (in Czechia DIČ).
    #[field(max = 30)]
    pub vat_no: Option<String>,
    /// E-mail address.
    #[field(searchable, indexed)]
    pub email: Option<Email>,
    /// Phone number.
    #[field(indexed)]
    pub phone: Option<Phone>,
    /// Language of letters and documents.
    pub language: Option<LanguageCode>,
    /// Country.
    #[field(default = "@country", indexed)]
    pub country: Option<Country>,
    /// How much the party may owe, with open orders; without a limit where empty.
    #[field(tracked, sensitive = "sales accounts manager")]
    pub credit_limit: Option<Money>,
    /// Days to pay an invoice.
    #[field(check = "payment_days >= 0 and payment_days <= 365")]
    pub payment_days: Option<i64>,
    /// Number under which another system knows the party.
    #[field(indexed, max = 60)]
    pub external: Option<String>,
    /// Note.
    pub note: Option<LongText>,
    /// The party into which this one was merged.
    #[field(by_operation)]
    pub merged_into: Option<Id<Party>>,
}

impl Rules for Party {
    fn check(old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if let Some(number) = &mut new.reg_no {
            number.retain(|c| !c.is_whitespace());
        }
        if let Some(number) = &mut new.vat_no {
            number.retain(|c| !c.is_whitespace());
            number.make_ascii_uppercase();
        }
        // Nobody keeps two mailboxes that differ in case; one spelling lets an address be found.
        if let Some(email) = &mut new.email {
            email.0 = email.0.to_lowercase();
        }
        numbers::doubt(old, new, cx);
        if cx.is_draft() {
            duplicate::tell(old, new, cx)?;
        }
        Ok(())
    }
}

choice!(
    /// What an address is for.
    AddressKind { Invoice = "invoice", Delivery = "delivery", Other = "other" }
);

/// An address of a party.
#[derive(Entity)]
#[entity(name = "party.address", plural = "Addresses", plain, title = street, owner = party)]
pub struct Address {
    /// Whose.
    pub party: Id<Party>,
    /// What it is for.
    #[field(default = "invoice")]
    pub kind: AddressKind,
    /// Another name on the envelope.
    pub name: Option<String>,
    /// Street and number.
    pub street: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Postcode.
    #[field(max = 20)]
    pub postcode: Option<String>,
    /// Country.
    #[field(default = "@country")]
    pub country: Option<Country>,
}

choice!(
    /// How somebody is reached.
    ContactKind { Email = "email", Phone = "phone", Web = "web", Other = "other" }
);

/// A way to reach a party.
#[derive(Entity)]
#[entity(name = "party.contact", title = value, owner = party)]
pub struct Contact {
    /// Whose.
    pub party: Id<Party>,
    /// How.
    #[field(default = "email")]
    pub kind: ContactKind,
    /// Address, number or link.
    #[field(indexed)]
    pub value: String,
    /// Who or what answers there.
    pub label: Option<String>,
}

impl Rules for Contact {
    fn check(_old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        let kind = match new.kind {
            ContactKind::Email => Kind::Email,
            ContactKind::Phone => Kind::Phone,
            ContactKind::Web => return web_address(new),
            ContactKind::Other => return Ok(()),
        };
        if new.value.is_empty() {
            return Ok(());
        }
        // The same spelling as in the party's own fields, so that a contact is found by what people type.
        let country = Some(cx.company().country.as_str()).filter(|c| !c.is_empty());
        let codec = Codec { country, ..Codec::default() };
        let mut cells = Vec::new();
        codec
            .decode(&FieldDef { kind, ..FieldDef::BASE }, &new.value.as_str().into(), &mut cells)
            .map_err(|error| error.under("value"))?;
        if let Some(Value::Text(text)) = cells.first() {
            new.value = if matches!(kind, Kind::Email) { text.to_lowercase() } else { text.clone() };
        }
        Ok(())
    }
}

fn web_address(contact: &mut Contact) -> Result<()> {
    let value = contact.value.trim();
    if value.is_empty() {
        return Ok(());
    }
    // Only what a browser opens as a page: no other scheme becomes a link on the card.
    let bare = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    let host = bare.unwrap_or(value).split(['/', '?', '#']).next().unwrap_or("");
    if !host.contains('.') || host.contains([':', '@']) || value.chars().any(char::is_whitespace) {
        return Err(Error::field("value", "party.web_address"));
    }
    if bare.is_none() {
        contact.value = format!("https://{value}");
    }
    Ok(())
}

/// A word that groups parties.
#[derive(Entity)]
#[entity(name = "party.tag", plain, title = name, read = "*", write = "sales buyer accounts", area = "customers")]
pub struct Tag {
    /// The word.
    #[field(unique, searchable)]
    pub name: String,
}

/// A postal address as it is written on documents.
#[derive(Clone, Debug, Default)]
pub struct PostalAddress {
    /// Name.
    pub name: String,
    /// Lines below the name.
    pub lines: Vec<String>,
}

/// The address of a party for a purpose: its own, else the one for invoices, else any; only the name where it has none.
///
/// # Errors
/// 404 where there is no such party.
pub fn address(cx: &mut Cx<'_>, party: Id<Party>, kind: AddressKind) -> Result<PostalAddress> {
    let name = cx.get(party)?.name.clone();
    let all = cx.lines::<Address>(party)?;
    let found = [Some(kind), Some(AddressKind::Invoice), None]
        .into_iter()
        .find_map(|wanted| all.iter().find(|a| wanted.is_none_or(|kind| a.kind == kind)));
    let Some(found) = found else { return Ok(PostalAddress { name, lines: Vec::new() }) };
    let mut lines: Vec<String> = found.street.iter().cloned().collect();
    let city = [found.postcode.as_deref(), found.city.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    if !city.is_empty() {
        lines.push(city);
    }
    let own = cx.company().country.clone();
    lines.extend(found.country.iter().filter(|c| c.0 != own).map(|c| c.0.clone()));
    Ok(PostalAddress { name: found.name.clone().unwrap_or(name), lines })
}

/// The party with a number of another system.
///
/// # Errors
/// As reading does.
pub fn by_external(cx: &mut Cx<'_>, external: &str) -> Result<Option<Id<Party>>> {
    Ok(cx.first::<Party>(&[("external", external.into())])?.map(|p| p.id))
}

/// Refuses a party that was merged away: new documents go to the one that stays.
///
/// # Errors
/// `party.merged`.
pub fn living(cx: &mut Cx<'_>, party: Id<Party>) -> Result<()> {
    match cx.get(party)?.merged_into {
        Some(_) => Err(Error::refused("party.merged")),
        None => Ok(()),
    }
}
