//! Leads: who wrote, called or came by, until they are a customer with a deal, or not.

use jiff::SignedDuration;
use kernel::{
    Arg, Cx, Email, Entity, Error, Event, Fields, Id, Language, LongText, Operation, Phone, Result, Rules, Run, Value,
    choice,
};
use party::Party;
use process::AddTask;

use crate::deal::Deal;
use crate::stream::Stream;

choice!(
    /// Where a lead stands.
    LeadState { New = "new" => "blue", Converted = "converted" => "green", Lost = "lost" => "grey" }
);

/// Somebody who may become a customer.
#[derive(Entity)]
#[entity(name = "crm.lead", title = name, status = state, read = "sales manager", write = "sales", area = "customers",
    frozen_when = "state != 'new'")]
pub struct Lead {
    /// Name of the person.
    #[field(searchable, role = "title", max = 120)]
    pub name: String,
    /// Company.
    #[field(searchable, max = 120)]
    pub company_name: Option<String>,
    /// Registration number of the company.
    #[field(max = 30)]
    pub reg_no: Option<String>,
    /// E-mail address.
    #[field(searchable)]
    pub email: Option<Email>,
    /// Phone number.
    pub phone: Option<Phone>,
    /// What they wrote.
    #[field(max = 4_000)]
    pub message: Option<LongText>,
    /// Where the lead came from.
    #[field(indexed)]
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

impl Rules for Lead {
    fn check(_old: Option<&Self>, new: &mut Self, _cx: &mut Cx<'_>) -> Result<()> {
        if let Some(email) = &mut new.email {
            email.0 = email.0.to_lowercase();
        }
        if let Some(number) = &mut new.reg_no {
            number.retain(|c| !c.is_whitespace());
        }
        Ok(())
    }
}

/// A lead arrived.
#[derive(Event)]
#[event(name = "crm.lead.arrived", subject = lead)]
pub struct LeadArrived {
    /// The lead.
    pub lead: Id<Lead>,
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
    /// Registration number of the company.
    #[field(max = 30)]
    pub reg_no: Option<String>,
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
        let stream = cx.first::<Stream>(&[("code", Value::from(code))])?.filter(|s| !s.archived).map(|s| s.id);
        let lead = cx.insert(Lead {
            name: self.name,
            company_name: self.company_name,
            reg_no: self.reg_no,
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
    assign(cx, event.lead)
}

fn assign(cx: &mut Cx<'_>, id: Id<Lead>) -> Result<()> {
    let lead = cx.get(id)?;
    let stream = match lead.stream {
        Some(stream) => Some(cx.get(stream)?),
        None => None,
    };
    let role = match stream.as_ref().and_then(|s| s.duty) {
        Some(role) => cx.get(role)?.code.clone(),
        None => "sales".to_owned(),
    };
    let on_duty = match stream.as_ref().and_then(|s| s.salesperson) {
        // Somebody who left does not answer: then the role does.
        Some(person) => Some(person).filter(|_| cx.get(person).is_ok_and(|user| user.active)),
        // Who is on duty and writes a lead down has it already.
        None if cx.who().has_role(&role) => Some(cx.who().user).filter(|user| *user != 0).map(Id::new),
        None => None,
    };
    let due = cx.now().checked_add(SignedDuration::from_hours(4)).ok();
    let schema = cx.schema().clone();
    let said = |language, key: &str| schema.message(language, key, &[("name", Arg::from(lead.name.as_str()))]);
    // What a visitor wrote is not among it: an instruction is Markdown of the house. It is read on the lead, as text.
    let task = cx.call(AddTask {
        kind: None,
        title: said(Language::En, "crm.lead.task"),
        title_cs: Some(said(Language::Cs, "crm.lead.task")),
        instruction: None,
        subject: Some(id.into()),
        party: None,
        role: Some(role),
        assignee: on_duty,
        due,
        operation: Some("crm.lead.convert".to_owned()),
    })?;
    let told = |language| said(language, "crm.lead.instruction");
    process::instruct(cx, task.task, told(Language::En), told(Language::Cs))
}

/// Gives a lead up, with the reason.
#[derive(Operation)]
#[operation(name = "crm.lead.lose", on = Lead, when = [LeadState::New], makes = LeadState::Lost, allow = "sales", button = 2, inverse = "crm.lead.reopen")]
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
        cx.save(&mut lead)?;
        process::cancel_todos(cx, self.lead)?;
        Ok(())
    }
}

/// Takes a lead up again that was given up: somebody on duty gets its task again.
#[derive(Operation)]
#[operation(name = "crm.lead.reopen", on = Lead, when = [LeadState::Lost], makes = LeadState::New, allow = "sales", button = 2,
    no_inverse = "It is given up again.")]
pub struct ReopenLead {
    /// The lead.
    pub lead: Id<Lead>,
}

impl Run for ReopenLead {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut lead = cx.target(self.lead)?;
        lead.state = LeadState::New;
        lead.lost_reason = None;
        cx.save(&mut lead)?;
        assign(cx, self.lead)
    }
}
