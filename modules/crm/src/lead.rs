//! Leads: who wrote, called or came by, until they are a customer with a deal, or not.

use jiff::SignedDuration;
use kernel::{
    AnyRef, Cx, Email, Entity, Error, Event, Fields, Id, LongText, Money, Operation, Origins, Phone, Result, Rules,
    Run, Value, choice,
};
use party::{Party, PartyKind};
use platform::User;
use process::AddTask;

use crate::activity::log;
use crate::deal::{Deal, DealState, first_stage};

/// Where leads come from.
#[derive(Entity)]
#[entity(name = "crm.stream", title = name, read = "sales manager", write = "manager", area = "customers")]
pub struct Stream {
    /// Code.
    #[field(unique, max = 30)]
    pub code: String,
    /// Name.
    #[field(searchable)]
    pub name: String,
    /// The salesperson on duty; everybody in sales where empty.
    pub salesperson: Option<Id<User>>,
    /// Web sites whose forms may send leads, one a line, such as https://www.example.com. Where no stream names any, any
    /// site may.
    #[field(max = 2_000)]
    pub origins: Option<LongText>,
}

/// The lines of a text that hold anything.
fn sites(text: Option<&LongText>) -> impl Iterator<Item = &str> {
    text.into_iter().flat_map(|t| t.0.lines()).map(str::trim).filter(|line| !line.is_empty())
}

/// Whether a text is a web site as browsers name one: scheme, host and perhaps a port, nothing behind.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|h| !h.is_empty() && h.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b)))
}

impl Rules for Stream {
    fn check(_old: Option<&Self>, new: &mut Self, _cx: &mut Cx<'_>) -> Result<()> {
        match sites(new.origins.as_ref()).find(|site| !is_origin(site)) {
            Some(site) => Err(Error::field("origins", "crm.origin").with("value", site)),
            None => Ok(()),
        }
    }
}

/// From where web forms may send: from the sites that streams name, from any where none is named.
pub(crate) fn origins(cx: &mut Cx<'_>) -> Result<Origins> {
    let streams = cx.by::<Stream>(&[("archived", Value::Int(0))])?;
    let named: Vec<String> = streams.iter().flat_map(|s| sites(s.origins.as_ref()).map(str::to_owned)).collect();
    Ok(if named.is_empty() { Origins::Any } else { Origins::Listed(named) })
}

choice!(
    /// Where a lead stands.
    LeadState { New = "new" => "blue", Converted = "converted" => "green", Lost = "lost" => "grey" }
);

/// Somebody who may become a customer.
#[derive(Entity)]
#[entity(name = "crm.lead", plain, title = name, status = state, read = "sales manager", write = "sales", area = "customers",
    frozen_when = "state != 'new'")]
pub struct Lead {
    /// Name of the person.
    #[field(searchable, role = "title")]
    pub name: String,
    /// Company.
    #[field(searchable)]
    pub company_name: Option<String>,
    /// E-mail address.
    #[field(searchable)]
    pub email: Option<Email>,
    /// Phone number.
    pub phone: Option<Phone>,
    /// What they wrote.
    #[field(max = 4_000)]
    pub message: Option<LongText>,
    /// Where the lead came from.
    pub stream: Option<Id<Stream>>,
    /// State.
    #[field(by_operation, tracked)]
    pub state: LeadState,
    /// The customer that the lead became.
    #[field(by_operation)]
    pub party: Option<Id<Party>>,
    /// The deal.
    #[field(by_operation)]
    pub deal: Option<Id<Deal>>,
    /// Why it was lost.
    #[field(by_operation)]
    pub lost_reason: Option<String>,
}

/// A lead arrived.
#[derive(Event)]
#[event(name = "crm.lead.arrived", subject = lead)]
pub struct LeadArrived {
    /// The lead.
    pub lead: Id<Lead>,
}

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

/// Takes a lead from a web form: anybody may call it. A filled `website` is a robot's: it is thanked, and nothing is kept.
#[derive(Operation)]
#[operation(name = "crm.lead.arrive", public, no_inverse = "The lead is lost, with the reason.")]
pub struct Arrive {
    /// Name.
    #[field(max = 120)]
    pub name: String,
    /// Company.
    #[field(max = 120)]
    pub company_name: Option<String>,
    /// E-mail address.
    pub email: Option<Email>,
    /// Phone number.
    pub phone: Option<Phone>,
    /// What they want.
    #[field(max = 4_000)]
    pub message: Option<LongText>,
    /// Code of the stream.
    pub stream: Option<String>,
    /// Left empty by people.
    pub website: Option<String>,
}

/// What the sender is told.
#[derive(Fields)]
pub struct Thanks {
    /// The words.
    pub message: String,
}

impl Run for Arrive {
    type Output = Thanks;
    fn run(self, cx: &mut Cx<'_>) -> Result<Thanks> {
        let language = cx.who().language;
        let message = cx.schema().message(language, "crm.lead.thanks", &[]);
        if self.website.is_some() {
            return Ok(Thanks { message });
        }
        if self.email.is_none() && self.phone.is_none() {
            return Err(Error::field("email", "crm.no_contact"));
        }
        let code = self.stream.unwrap_or_else(|| "WEB".to_owned());
        let stream = cx.first::<Stream>(&[("code", Value::from(code))])?.map(|s| s.id);
        let lead = cx.insert(Lead {
            name: self.name,
            company_name: self.company_name,
            email: self.email,
            phone: self.phone,
            message: self.message,
            stream,
            state: LeadState::New,
            party: None,
            deal: None,
            lost_reason: None,
        })?;
        cx.emit(LeadArrived { lead })?;
        Ok(Thanks { message })
    }
}

/// An arriving lead makes a task for the salesperson on duty; converting the lead completes it.
pub(crate) fn call_back(event: &LeadArrived, cx: &mut Cx<'_>) -> Result<()> {
    let lead = cx.get(event.lead)?;
    let assignee = match lead.stream {
        Some(stream) => cx.get(stream)?.salesperson,
        None => None,
    };
    let due = cx.now().checked_add(SignedDuration::from_hours(4)).ok();
    cx.call(AddTask {
        kind: None,
        title: format!("Call the lead: {}", lead.name),
        title_cs: Some(format!("Ozvat se poptávce: {}", lead.name)),
        instruction: lead.message.clone(),
        subject: Some(event.lead.into()),
        party: None,
        role: Some("sales".to_owned()),
        assignee,
        due,
        operation: Some("crm.lead.convert".to_owned()),
    })?;
    Ok(())
}

/// Makes a customer and a deal of a lead, without retyping; an existing customer may be named instead.
#[derive(Operation)]
#[operation(name = "crm.lead.convert", on = Lead, when = [LeadState::New], allow = "sales", button = 1,
    no_inverse = "Lose the deal, with the reason.")]
pub struct Convert {
    /// The lead.
    pub lead: Id<Lead>,
    /// The customer, where there is one already.
    pub party: Option<Id<Party>>,
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

impl Run for Convert {
    type Output = Converted;
    fn run(self, cx: &mut Cx<'_>) -> Result<Converted> {
        let mut lead = cx.target(self.lead)?;
        let party = match self.party {
            Some(party) => {
                party::living(cx, party)?;
                party
            }
            None => {
                let kind = if lead.company_name.is_some() { PartyKind::Company } else { PartyKind::Person };
                let country = Some(cx.company().country.clone()).filter(|c| !c.is_empty()).map(kernel::Country);
                let party = cx.insert(Party {
                    name: lead.company_name.clone().unwrap_or_else(|| lead.name.clone()),
                    kind,
                    reg_no: None,
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
                })?;
                if lead.company_name.is_some()
                    && let Some(value) =
                        lead.email.as_ref().map(|e| e.0.clone()).or_else(|| lead.phone.as_ref().map(|p| p.0.clone()))
                {
                    let kind = if lead.email.is_some() { party::ContactKind::Email } else { party::ContactKind::Phone };
                    cx.insert(party::Contact { party, kind, value, label: Some(lead.name.clone()) })?;
                }
                party
            }
        };
        let due = cx.today().checked_add(jiff::ToSpan::days(2)).ok();
        let stage = first_stage(cx)?;
        let deal = cx.insert(Deal {
            name: lead.company_name.clone().unwrap_or_else(|| lead.name.clone()),
            party,
            stage,
            amount: self.amount,
            expected_close: None,
            owner: Some(cx.who().user).filter(|u| *u != 0).map(Id::new),
            next_step: Some("Call".to_owned()),
            next_step_due: due,
            state: DealState::Open,
            lead: Some(self.lead),
            lost_reason: None,
        })?;
        lead.state = LeadState::Converted;
        lead.party = Some(party);
        lead.deal = Some(deal);
        cx.save(&mut lead)?;
        log(cx, self.lead.into(), Some(party), "note", lead.message.as_ref().map_or("", |m| m.0.as_str()))?;
        cx.emit(LeadConverted { lead: self.lead, party, deal })?;
        cx.link(party);
        cx.link(AnyRef::from(deal));
        Ok(Converted { party, deal })
    }
}

/// Gives a lead up, with the reason.
#[derive(Operation)]
#[operation(name = "crm.lead.lose", on = Lead, when = [LeadState::New], allow = "sales", button = 2, no_inverse = "Write the lead down again.")]
pub struct LoseLead {
    /// The lead.
    pub lead: Id<Lead>,
    /// Why.
    pub reason: String,
}

impl Run for LoseLead {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut lead = cx.target(self.lead)?;
        lead.state = LeadState::Lost;
        lead.lost_reason = Some(self.reason);
        cx.save(&mut lead)
    }
}
