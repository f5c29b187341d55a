//! From the lead to the customer and the deal, without retyping. A customer who is known beyond doubt is used again; where
//! others only look alike, a person decides: nobody is merged silently.

use jiff::ToSpan;
use kernel::{Action, AnyRef, Arg, Country, Cx, Error, Event, Fields, Id, Money, Note, Operation, Rec, Result, Run};
use party::{Candidate, Contact, ContactKind, Duplicates, Party, PartyKind, core_name};
use serde_json::json;

use crate::activity::{ActivityKind, log};
use crate::deal::{Deal, DealState};
use crate::lead::{Lead, LeadState};
use crate::pipeline::{Pipeline, opening};
use crate::step::plan;

/// Most candidates that a refusal offers.
const OFFERED: usize = 4;

/// Mail of everybody: that two people have it says nothing about a company that they would share.
const PUBLIC_MAIL: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "msn.com",
    "yahoo.com",
    "icloud.com",
    "me.com",
    "aol.com",
    "proton.me",
    "protonmail.com",
    "gmx.com",
    "gmx.net",
    "gmx.de",
    "web.de",
    "mail.com",
    "seznam.cz",
    "email.cz",
    "post.cz",
    "centrum.cz",
    "atlas.cz",
    "volny.cz",
    "tiscali.cz",
    "quick.cz",
    "azet.sk",
    "zoznam.sk",
    "centrum.sk",
];

/// A lead became a customer with a deal.
#[derive(Event)]
#[event(name = "crm.lead.converted", subject = lead)]
pub struct LeadConverted {
    /// The lead.
    pub lead: Id<Lead>,
    /// The customer.
    pub party: Id<Party>,
    /// The deal.
    pub deal: Id<Deal>,
}

/// Makes a customer and a deal of a lead, without retyping. A customer who is known already is used again; where one only looks
/// alike, you are asked.
#[derive(Operation)]
#[operation(name = "crm.lead.convert", on = Lead, when = [LeadState::New], makes = LeadState::Converted, allow = "sales", button = 1,
    no_inverse = "The deal is lost, with the reason.")]
pub struct Convert {
    /// The lead.
    pub lead: Id<Lead>,
    /// The customer, where there is one already.
    pub party: Option<Id<Party>>,
    /// It is a new customer, even if others look alike.
    pub new_customer: Option<bool>,
    /// Name of the deal; the customer's where empty.
    #[field(max = 120)]
    pub deal_name: Option<String>,
    /// What the deal may bring.
    pub amount: Option<Money>,
}

/// What came of it.
#[derive(Fields)]
pub struct Converted {
    /// The customer.
    pub party: Id<Party>,
    /// The deal.
    pub deal: Id<Deal>,
}

/// The name under which the lead would become a customer.
fn customer_name(lead: &Lead) -> &str {
    lead.company_name.as_deref().unwrap_or(&lead.name)
}

fn domain(address: &str) -> Option<&str> {
    let (_, domain) = address.rsplit_once('@')?;
    Some(domain).filter(|d| !PUBLIC_MAIL.contains(d))
}

/// Whether a party writes from a domain, by its own address or one of its contact points.
fn writes_from(cx: &mut Cx<'_>, party: &Rec<Party>, wanted: &str) -> Result<bool> {
    if party.email.as_ref().and_then(|e| domain(&e.0)) == Some(wanted) {
        return Ok(true);
    }
    let contacts = cx.lines::<Contact>(party.id)?;
    Ok(contacts.iter().any(|c| c.kind == ContactKind::Email && domain(&c.value) == Some(wanted)))
}

/// Customers that the lead may be: those who are it beyond doubt, and those who only look alike.
fn known(cx: &mut Cx<'_>, lead: &Lead) -> Result<(Vec<Candidate>, Vec<Candidate>)> {
    let wanted = Duplicates {
        name: Some(customer_name(lead).to_owned()),
        reg_no: lead.reg_no.clone(),
        email: lead.email.clone(),
        phone: lead.phone.clone(),
    };
    let core = core_name(customer_name(lead));
    let mail_domain = lead.email.as_ref().and_then(|e| domain(&e.0)).map(str::to_owned);
    let (mut sure, mut alike) = (Vec::new(), Vec::new());
    for candidate in party::find(cx, wanted)? {
        let record = cx.get(candidate.party)?;
        let called_same = core_name(&record.name) == core;
        let same_kind = (record.kind == PartyKind::Company) == lead.company_name.is_some();
        let from_there = match &mail_domain {
            Some(wanted) if lead.company_name.is_some() => writes_from(cx, &record, wanted)?,
            _ => false,
        };
        let proven = matches!(candidate.same.as_str(), "reg_no" | "email") || from_there;
        // Two registration numbers are two companies, whatever else they share.
        let other_number = matches!((&lead.reg_no, &record.reg_no), (Some(a), Some(b)) if a != b);
        if called_same && same_kind && proven && !other_number {
            sure.push(candidate);
        } else if called_same || candidate.same != "name" {
            alike.push(candidate);
        }
    }
    Ok((sure, alike))
}

/// The customer of a lead: the one that was named, the one that is known, or a new one.
fn customer(cx: &mut Cx<'_>, input: &Convert, lead: &Rec<Lead>) -> Result<Id<Party>> {
    if let Some(party) = input.party {
        platform::readable(cx, party.into())?;
        party::living(cx, party)?;
        return Ok(party);
    }
    if input.new_customer == Some(true) {
        return new_customer(cx, lead);
    }
    let (sure, alike) = known(cx, lead)?;
    match (sure.as_slice(), alike.is_empty()) {
        ([one], _) => {
            cx.tell(Note::new("crm.lead.known").with("name", one.name.as_str()).link(one.party));
            Ok(one.party)
        }
        ([], true) => new_customer(cx, lead),
        _ => Err(undecided(input, sure.iter().chain(&alike))),
    }
}

/// The refusal that asks who it is, with a button for each answer.
fn undecided<'c>(input: &Convert, candidates: impl Iterator<Item = &'c Candidate>) -> Error {
    let lead = input.lead.raw();
    let amount = input.amount.map(|a| {
        json!({"amount": kernel::decimal_text(i128::from(a.minor), a.currency.exponent()), "currency": a.currency.code()})
    });
    let with = |key: &str, value: serde_json::Value| {
        let mut asked = json!({"lead": lead, key: value});
        if let Some(name) = &input.deal_name {
            asked["deal_name"] = json!(name);
        }
        if let Some(amount) = &amount {
            asked["amount"] = amount.clone();
        }
        asked
    };
    let mut names = Vec::new();
    let mut actions = Vec::new();
    for candidate in candidates.take(OFFERED) {
        names.push(candidate.name.clone());
        actions.push(Action {
            operation: "crm.lead.convert".to_owned(),
            label: Some("crm.lead.it_is".to_owned()),
            args: vec![("name", Arg::from(candidate.name.as_str()))],
            input: with("party", json!(candidate.party.raw())),
        });
    }
    actions.push(Action {
        operation: "crm.lead.convert".to_owned(),
        label: Some("crm.lead.it_is_new".to_owned()),
        args: Vec::new(),
        input: with("new_customer", json!(true)),
    });
    let mut error = Error::refused("crm.known_customer").with("names", names.join(", "));
    error.actions = actions;
    error
}

fn new_customer(cx: &mut Cx<'_>, lead: &Lead) -> Result<Id<Party>> {
    let company = lead.company_name.is_some();
    let country = Some(cx.company().country.clone()).filter(|c| !c.is_empty()).map(Country);
    cx.insert(Party {
        name: customer_name(lead).to_owned(),
        kind: if company { PartyKind::Company } else { PartyKind::Person },
        reg_no: lead.reg_no.clone().filter(|_| company),
        vat_no: None,
        email: lead.email.clone(),
        phone: lead.phone.clone(),
        language: None,
        country,
        credit_limit: None,
        payment_days: None,
        external: None,
        note: None,
        merged_into: None,
    })
}

/// Keeps who wrote for a company as its contact points, each once; what is known of the company stays as it is.
fn keep_contact(cx: &mut Cx<'_>, party: Id<Party>, lead: &Lead) -> Result<()> {
    let ways = [
        (ContactKind::Email, lead.email.as_ref().map(|e| e.0.clone())),
        (ContactKind::Phone, lead.phone.as_ref().map(|p| p.0.clone())),
    ];
    let company = cx.get(party)?.kind == PartyKind::Company;
    for (kind, value) in ways {
        let Some(value) = value else { continue };
        let contacts = cx.lines::<Contact>(party)?;
        let kept = contacts.iter().any(|c| c.kind == kind && c.value == value);
        // A person's own address stands on the person; a company's contact says who answers there.
        if !kept && (company || !party::reached_by(cx, party, &value)?) {
            cx.insert(Contact { party, kind, value, label: Some(lead.name.clone()) })?;
        }
    }
    Ok(())
}

impl Run for Convert {
    type Output = Converted;
    fn run(self, cx: &mut Cx<'_>) -> Result<Converted> {
        let mut lead = cx.target(self.lead)?;
        let party = customer(cx, &self, &lead)?;
        keep_contact(cx, party, &lead)?;
        let stream = match lead.stream {
            Some(stream) => Some(cx.get(stream)?),
            None => None,
        };
        let pipeline = stream.as_ref().and_then(|s| s.pipeline);
        let living = match pipeline {
            Some(pipeline) => Some(pipeline).filter(|_| cx.get(pipeline).is_ok_and(|p: Rec<Pipeline>| !p.archived)),
            None => None,
        };
        let me = Some(cx.who().user).filter(|u| *u != 0).map(Id::new);
        let owner = me.or_else(|| stream.as_ref().and_then(|s| s.salesperson));
        // People of the house read it, in the language of the house.
        let language = cx.company().language;
        let first = cx.schema().message(language, "crm.deal.first_step", &[]);
        let stage = opening(cx, living)?;
        let deal = Deal {
            name: self.deal_name.clone().unwrap_or_else(|| customer_name(&lead).to_owned()),
            party,
            pipeline: cx.get(stage)?.pipeline,
            stage,
            amount: self.amount,
            probability: 0,
            expected: None,
            expected_close: None,
            owner,
            next_step: Some(first),
            next_step_due: cx.today().checked_add(2.days()).ok(),
            next_task: None,
            state: DealState::Open,
            lead: Some(self.lead),
            lost_reason: None,
            closed_from: None,
        };
        let deal = cx.insert(deal)?;
        plan(cx, deal)?;
        lead.state = LeadState::Converted;
        lead.party = Some(party);
        lead.deal = Some(deal);
        cx.save(&mut lead)?;
        let message = lead.message.as_ref().map_or("", |m| m.0.as_str());
        log(cx, self.lead.into(), Some(party), ActivityKind::Converted, message)?;
        cx.emit(LeadConverted { lead: self.lead, party, deal })?;
        cx.link(party);
        cx.link(AnyRef::from(deal));
        Ok(Converted { party, deal })
    }

    /// The dialog starts with the customer who is known beyond doubt.
    fn prefill(target: i64, cx: &mut Cx<'_>) -> Result<Option<Self>> {
        let lead = cx.get(Id::<Lead>::new(target))?;
        let party = match known(cx, &lead)?.0.as_slice() {
            [one] => Some(one.party),
            _ => None,
        };
        Ok(Some(Self { lead: Id::new(target), party, new_customer: None, deal_name: None, amount: None }))
    }
}
