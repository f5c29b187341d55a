//! Deals in a pipeline: what may be sold to whom, and what is done next.

use jiff::civil::Date;
use kernel::{Cx, Dec, Entity, Error, Event, Fields, Id, Money, Operation, Result, Run, Value, choice};
use party::Party;
use platform::User;
use product::Product;
use sales::{Quote, QuoteAccepted};

use crate::activity::log;
use crate::lead::{Lead, Stream};

/// A stage of the pipeline.
#[derive(Entity)]
#[entity(name = "crm.stage", plain, title = name, read = "sales manager", write = "manager", area = "customers")]
pub struct Stage {
    /// Name.
    #[field(searchable)]
    pub name: String,
    /// Place in the pipeline.
    #[field(indexed)]
    pub place: i64,
    /// How likely deals in it are won, in percent.
    #[field(check = "probability >= 0 and probability <= 100")]
    pub probability: i64,
}

choice!(
    /// Where a deal stands.
    DealState { Open = "open" => "blue", Won = "won" => "green", Lost = "lost" => "red" }
);

/// Something that may be sold.
#[derive(Entity)]
#[entity(name = "crm.deal", plain, title = name, status = state, read = "sales manager", write = "sales", area = "customers")]
pub struct Deal {
    /// Name.
    #[field(searchable, role = "title")]
    pub name: String,
    /// Customer.
    #[field(indexed)]
    pub party: Id<Party>,
    /// Stage.
    #[field(tracked)]
    pub stage: Id<Stage>,
    /// What it may bring.
    #[field(role = "amount")]
    pub amount: Option<Money>,
    /// When it is expected to be decided.
    pub expected_close: Option<Date>,
    /// Who takes care of it.
    #[field(default = "@me", role = "owner")]
    pub owner: Option<Id<User>>,
    /// What is done next.
    pub next_step: Option<String>,
    /// When.
    #[field(role = "due")]
    pub next_step_due: Option<Date>,
    /// State.
    #[field(by_operation, tracked)]
    pub state: DealState,
    /// The lead that it came from.
    #[field(by_operation)]
    pub lead: Option<Id<Lead>>,
    /// Why it was lost.
    #[field(by_operation)]
    pub lost_reason: Option<String>,
}

/// A deal was won.
#[derive(Event)]
#[event(name = "crm.deal.won", subject = deal)]
pub struct DealWon {
    /// The deal.
    pub deal: Id<Deal>,
    /// The customer.
    pub party: Id<Party>,
}

/// The stage in which deals begin.
pub(crate) fn first_stage(cx: &mut Cx<'_>) -> Result<Id<Stage>> {
    let mut stages = cx.by::<Stage>(&[("archived", Value::Int(0))])?;
    stages.sort_by_key(|s| s.place);
    stages.first().map(|s| s.id).ok_or_else(|| Error::refused("crm.no_stage"))
}

/// The pipeline that a company begins with.
pub(crate) fn found(cx: &mut Cx<'_>) -> Result<()> {
    let czech = cx.company().language == kernel::Language::Cs;
    for (place, (en, cs, probability)) in [
        ("New", "Nový", 10),
        ("Qualified", "Prověřený", 30),
        ("Proposal", "Nabídka", 60),
        ("Negotiation", "Vyjednávání", 80),
    ]
    .into_iter()
    .enumerate()
    {
        let place = i64::try_from(place).unwrap_or(0);
        cx.insert(Stage { name: if czech { cs } else { en }.to_owned(), place, probability })?;
    }
    let name = if czech { "Webový formulář" } else { "Web form" };
    cx.insert(Stream { code: "WEB".to_owned(), name: name.to_owned(), salesperson: None, origins: None })?;
    Ok(())
}

/// Says what is done next on a deal.
#[derive(Operation)]
#[operation(name = "crm.deal.next_step", on = Deal, when = [DealState::Open], allow = "sales", button = 2, no_inverse = "Say another next step.")]
pub struct NextStep {
    /// The deal.
    pub deal: Id<Deal>,
    /// What.
    pub what: String,
    /// When.
    pub due: Date,
}
impl Run for NextStep {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut deal = cx.target(self.deal)?;
        deal.next_step = Some(self.what);
        deal.next_step_due = Some(self.due);
        cx.save(&mut deal)
    }
}

/// Makes a draft quote for a deal.
#[derive(Operation)]
#[operation(name = "crm.deal.quote", on = Deal, when = [DealState::Open], allow = "sales", button = 1, inverse = "sales.quote.reject")]
pub struct MakeQuote {
    /// The deal.
    pub deal: Id<Deal>,
    /// Product.
    pub product: Option<Id<Product>>,
    /// How much of it.
    #[field(check = "quantity > 0")]
    pub quantity: Option<Dec<6>>,
}

/// The quote.
#[derive(Fields)]
pub struct QuoteMade {
    /// The quote.
    pub quote: Id<Quote>,
}

impl Run for MakeQuote {
    type Output = QuoteMade;
    fn run(self, cx: &mut Cx<'_>) -> Result<QuoteMade> {
        let deal = cx.target(self.deal)?;
        let lines = self.product.into_iter().map(|p| (p, self.quantity.unwrap_or(Dec::ONE))).collect();
        let quote = sales::draft_quote(cx, deal.party, Some(self.deal.into()), lines)?;
        cx.link(quote);
        Ok(QuoteMade { quote })
    }
}

/// The deal is won.
#[derive(Operation)]
#[operation(name = "crm.deal.win", on = Deal, when = [DealState::Open], allow = "sales", button = 2, inverse = "crm.deal.lose")]
pub struct Win {
    /// The deal.
    pub deal: Id<Deal>,
}
impl Run for Win {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut deal = cx.target(self.deal)?;
        deal.state = DealState::Won;
        deal.next_step = None;
        deal.next_step_due = None;
        cx.save(&mut deal)?;
        log(cx, self.deal.into(), Some(deal.party), "note", "")?;
        cx.emit(DealWon { deal: self.deal, party: deal.party })
    }
}

/// An accepted quote wins its deal.
pub(crate) fn won_by_quote(event: &QuoteAccepted, cx: &mut Cx<'_>) -> Result<()> {
    let Some(deal) = event.deal.and_then(kernel::AnyRef::to::<Deal>) else { return Ok(()) };
    if cx.get(deal)?.state == DealState::Open {
        cx.call(Win { deal })?;
    }
    Ok(())
}

/// The deal is lost, with the reason.
#[derive(Operation)]
#[operation(name = "crm.deal.lose", on = Deal, when = [DealState::Open, DealState::Won], allow = "sales", button = 2, dangerous,
    no_inverse = "Make a new deal.")]
pub struct Lose {
    /// The deal.
    pub deal: Id<Deal>,
    /// Why.
    pub reason: String,
}
impl Run for Lose {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut deal = cx.target(self.deal)?;
        deal.state = DealState::Lost;
        deal.lost_reason = Some(self.reason);
        cx.save(&mut deal)
    }
}
