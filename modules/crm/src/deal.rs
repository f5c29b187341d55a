//! Deals in a pipeline: what may be sold to whom, and how it ends.

use jiff::civil::Date;
use kernel::{
    Cx, Dec, Entity, Error, Event, Fields, Id, Json, Money, Note, Operation, Rec, Result, Rules, Run, choice,
};
use party::Party;
use platform::User;
use process::Task;
use product::Product;
use sales::{Quote, QuoteAccepted};
use serde_json::json;

use crate::activity::{ActivityKind, log};
use crate::lead::Lead;
use crate::pipeline::{Pipeline, Stage, ending, opening};
use crate::step::DealPlanned;

choice!(
    /// Where a deal stands.
    DealState { Open = "open" => "blue", Won = "won" => "green", Lost = "lost" => "red" }
);

/// Something that may be sold.
#[derive(Entity)]
#[entity(name = "crm.deal", title = name, status = state, read = "sales manager", write = "sales", area = "customers",
    indexed(stage, state))]
pub struct Deal {
    /// Name.
    #[field(searchable, role = "title")]
    pub name: String,
    /// Customer.
    #[field(indexed, tracked)]
    pub party: Id<Party>,
    /// Pipeline; follows from the stage.
    #[field(by_operation, indexed)]
    pub pipeline: Id<Pipeline>,
    /// Stage.
    #[field(tracked)]
    pub stage: Id<Stage>,
    /// What it may bring.
    #[field(tracked, role = "amount")]
    pub amount: Option<Money>,
    /// How likely it is won, in percent; follows from the stage.
    #[field(by_operation)]
    pub probability: i64,
    /// What it is worth today: the amount times how likely it is.
    #[field(by_operation)]
    pub expected: Option<Money>,
    /// When it is expected to be decided.
    pub expected_close: Option<Date>,
    /// Who takes care of it.
    #[field(default = "@me", indexed, tracked, role = "owner")]
    pub owner: Option<Id<User>>,
    /// What is done next; it stands in the inbox of who takes care of the deal.
    pub next_step: Option<String>,
    /// When.
    #[field(role = "due")]
    pub next_step_due: Option<Date>,
    /// The task of the next step.
    #[field(by_operation)]
    pub next_task: Option<Id<Task>>,
    /// State.
    #[field(by_operation, tracked)]
    pub state: DealState,
    /// The lead that it came from.
    #[field(by_operation)]
    pub lead: Option<Id<Lead>>,
    /// Why it was lost.
    #[field(by_operation)]
    pub lost_reason: Option<String>,
    /// Where it stood before it was decided, for opening it again.
    #[field(by_operation)]
    pub closed_from: Option<Json>,
}

impl Rules for Deal {
    fn check(old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if new.stage.is_none() {
            new.stage = opening(cx, None)?;
        }
        let stage = cx.get(new.stage)?;
        let fits = match new.state {
            DealState::Open => !stage.closing(),
            // A pipeline without a stage for what ended leaves deals where they were.
            DealState::Won => stage.won || !stage.lost && ending(cx, stage.pipeline, true)?.is_none(),
            DealState::Lost => stage.lost || !stage.won && ending(cx, stage.pipeline, false)?.is_none(),
        };
        if !fits {
            let code = if new.state == DealState::Open { "crm.closing_stage" } else { "crm.ended" };
            return Err(Error::field("stage", code));
        }
        new.pipeline = stage.pipeline;
        new.probability = match new.state {
            DealState::Open => stage.probability,
            DealState::Won => 100,
            DealState::Lost => 0,
        };
        new.expected = match new.amount {
            Some(amount) => {
                let hundredths = i128::from(amount.minor) * i128::from(new.probability);
                Some(Money::round_wide(hundredths, amount.currency.exponent() + 2, amount.currency)?)
            }
            None => None,
        };
        if cx.is_draft() && new.state == DealState::Open && new.next_step.is_none() {
            cx.tell(Note::new("crm.deal.ask_next_step").on("next_step"));
        }
        if let (Some(old), Some(deal)) = (old, cx.ruled::<Self>()) {
            let planned =
                (&old.next_step, old.next_step_due, old.owner) != (&new.next_step, new.next_step_due, new.owner);
            if cx.writable() && planned {
                cx.emit(DealPlanned { deal })?;
            }
        }
        Ok(())
    }
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

/// A deal was lost.
#[derive(Event)]
#[event(name = "crm.deal.lost", subject = deal)]
pub struct DealLost {
    /// The deal.
    pub deal: Id<Deal>,
    /// The customer.
    pub party: Id<Party>,
}

/// A deal that had been decided is open again.
#[derive(Event)]
#[event(name = "crm.deal.reopened", subject = deal)]
pub struct DealReopened {
    /// The deal.
    pub deal: Id<Deal>,
    /// The customer.
    pub party: Id<Party>,
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

/// Moves a deal to another stage, of another pipeline too. In a stage where won deals end it is won, in one where lost deals
/// end it is lost, as if that had been said.
#[derive(Operation)]
#[operation(name = "crm.deal.move", on = Deal, when = [DealState::Open], allow = "sales", button = 2,
    no_inverse = "It is moved back, or opened again.")]
pub struct Move {
    /// The deal.
    pub deal: Id<Deal>,
    /// The stage.
    pub stage: Id<Stage>,
    /// Why it is lost, where it ends so.
    pub reason: Option<String>,
}

impl Run for Move {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut deal = cx.target(self.deal)?;
        let stage = cx.get(self.stage)?;
        if stage.archived {
            return Err(Error::field("stage", "no_record"));
        }
        if !stage.closing() {
            deal.stage = self.stage;
            return cx.save(&mut deal);
        }
        if deal.pipeline != stage.pipeline
            && let Ok(first) = opening(cx, Some(stage.pipeline))
        {
            deal.stage = first;
            cx.save(&mut deal)?;
        }
        if stage.won {
            cx.call(Win { deal: self.deal })?;
        } else {
            let reason = self.reason.ok_or_else(|| Error::field("reason", "required"))?;
            cx.call(Lose { deal: self.deal, reason })?;
        }
        // A pipeline may have several stages of the same end.
        let mut deal = cx.get(self.deal)?;
        deal.stage = self.stage;
        cx.save(&mut deal)
    }
}

/// Ends a deal: it stands where such deals of its pipeline end, nothing is to be done next, its to-dos are gone.
fn end(cx: &mut Cx<'_>, deal: &mut Rec<Deal>, won: bool) -> Result<()> {
    deal.closed_from = Some(Json(json!({
        "stage": deal.stage.raw(),
        "next_step": deal.next_step,
        "next_step_due": deal.next_step_due.map(|day| day.to_string()),
    })));
    if let Some(stage) = ending(cx, deal.pipeline, won)? {
        deal.stage = stage;
    }
    deal.state = if won { DealState::Won } else { DealState::Lost };
    deal.next_step = None;
    deal.next_step_due = None;
    deal.next_task = None;
    cx.save(deal)?;
    process::cancel_todos(cx, deal.id)?;
    Ok(())
}

/// The deal is won.
#[derive(Operation)]
#[operation(name = "crm.deal.win", on = Deal, when = [DealState::Open], makes = DealState::Won, allow = "sales", button = 2, inverse = "crm.deal.reopen")]
pub struct Win {
    /// The deal.
    pub deal: Id<Deal>,
}

impl Run for Win {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut deal = cx.target(self.deal)?;
        end(cx, &mut deal, true)?;
        log(cx, self.deal.into(), Some(deal.party), ActivityKind::Won, &deal.name)?;
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
#[operation(name = "crm.deal.lose", on = Deal, when = [DealState::Open], makes = DealState::Lost, allow = "sales", button = 2, dangerous,
    inverse = "crm.deal.reopen")]
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
        deal.lost_reason = Some(self.reason.clone());
        end(cx, &mut deal, false)?;
        log(cx, self.deal.into(), Some(deal.party), ActivityKind::Lost, &self.reason)?;
        cx.emit(DealLost { deal: self.deal, party: deal.party })
    }
}

/// Opens a decided deal again, where it stood and with the next step that it had. Quotes and orders that came of it stay.
#[derive(Operation)]
#[operation(name = "crm.deal.reopen", on = Deal, when = [DealState::Won, DealState::Lost], makes = DealState::Open, allow = "sales", button = 2,
    no_inverse = "It is won or lost again.")]
pub struct Reopen {
    /// The deal.
    pub deal: Id<Deal>,
}

impl Run for Reopen {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut deal = cx.target(self.deal)?;
        let before = deal.closed_from.take().map(|json| json.0).unwrap_or_default();
        let stage = before["stage"].as_i64().map(Id::<Stage>::new);
        // The stage may be gone, or have become one where deals end.
        let stood = match stage {
            Some(stage) => cx.first::<Stage>(&[("id", stage.into())])?.filter(|s| !s.archived && !s.closing()),
            None => None,
        };
        deal.stage = match stood {
            Some(stage) => stage.id,
            None => opening(cx, Some(deal.pipeline))?,
        };
        deal.state = DealState::Open;
        deal.lost_reason = None;
        deal.next_step = before["next_step"].as_str().map(str::to_owned);
        deal.next_step_due = before["next_step_due"].as_str().and_then(|day| day.parse().ok());
        cx.save(&mut deal)?;
        log(cx, self.deal.into(), Some(deal.party), ActivityKind::Reopened, &deal.name)?;
        cx.emit(DealReopened { deal: self.deal, party: deal.party })
    }
}
