//! Companies and people that one deals with, their addresses and contact points.

use kernel::{
    Country, Cx, Email, Entity, Error, Fields, Filter, Id, LanguageCode, LongText, Money, Operation, Phone, Query,
    Result, Rules, Run, choice,
};

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
    fn check(_old: Option<&Self>, new: &mut Self, _cx: &mut Cx<'_>) -> Result<()> {
        if let Some(number) = &mut new.reg_no {
            number.retain(|c| !c.is_whitespace());
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
#[entity(name = "party.contact", plain, title = value, owner = party)]
pub struct Contact {
    /// Whose.
    pub party: Id<Party>,
    /// How.
    #[field(default = "email")]
    pub kind: ContactKind,
    /// Address, number or link.
    pub value: String,
    /// Who or what answers there.
    pub label: Option<String>,
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

/// Finds parties that may be the same as one that is being entered: same number, e-mail or phone, or a like name.
#[derive(Operation)]
#[operation(name = "party.party.duplicates", allow = "*", read)]
pub struct Duplicates {
    /// Name.
    pub name: Option<String>,
    /// Registration number.
    pub reg_no: Option<String>,
    /// E-mail address.
    pub email: Option<Email>,
    /// Phone number.
    pub phone: Option<Phone>,
}

/// A party that may be the same.
#[derive(Fields)]
pub struct Candidate {
    /// The party.
    pub party: Id<Party>,
    /// Its name.
    pub name: String,
    /// What is the same: `reg_no`, `email`, `phone` or `name`.
    pub same: String,
}

/// Candidates, the surest first.
#[derive(Fields)]
pub struct Candidates {
    /// The candidates.
    pub candidates: Vec<Candidate>,
}

impl Run for Duplicates {
    type Output = Candidates;
    fn run(self, cx: &mut Cx<'_>) -> Result<Candidates> {
        let mut found: Vec<Candidate> = Vec::new();
        let exact = [("reg_no", self.reg_no), ("email", self.email.map(|e| e.0)), ("phone", self.phone.map(|p| p.0))];
        for (field, value) in exact {
            let Some(value) = value else { continue };
            let query = Query { filter: Some(Filter::eq(field, value)), limit: 10, ..Query::of("party.party") };
            add(cx, &mut found, &query, field)?;
        }
        if let Some(name) = self.name {
            // Legal forms say nothing about who somebody is.
            let words: Vec<&str> =
                name.split_whitespace().filter(|w| w.chars().count() > 2 && !w.contains('.')).take(4).collect();
            if !words.is_empty() {
                let query = Query { q: Some(words.join(" ")), limit: 10, ..Query::of("party.party") };
                add(cx, &mut found, &query, "name")?;
            }
        }
        Ok(Candidates { candidates: found })
    }
}

fn add(cx: &mut Cx<'_>, found: &mut Vec<Candidate>, query: &Query, same: &str) -> Result<()> {
    let (rows, _) = cx.select(query, true)?;
    for row in rows {
        let party = Id::<Party>::new(row.id);
        if !found.iter().any(|c| c.party == party) {
            found.push(Candidate { party, name: cx.get(party)?.name.clone(), same: same.to_owned() });
        }
    }
    Ok(())
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
