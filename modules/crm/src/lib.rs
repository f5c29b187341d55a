//! Customers before they buy: leads, deals, what happened and what is done next.

mod activity;
mod deal;
mod lead;

use kernel::{Guests, Module, entity, event, on, op};

pub use activity::{Activity, ActivityKind, LogActivity};
pub use deal::{Deal, DealState, DealWon, Lose, MakeQuote, NextStep, QuoteMade, Stage, Win};
pub use lead::{Arrive, Convert, Converted, Lead, LeadArrived, LeadConverted, LeadState, LoseLead, Stream, Thanks};

/// What the module owns.
pub static MODULE: Module = Module {
    name: "crm",
    entities: &[entity::<Stream>(), entity::<Lead>(), entity::<Stage>(), entity::<Deal>(), entity::<Activity>()],
    operations: &[
        op::<Arrive>(),
        op::<Convert>(),
        op::<LoseLead>(),
        op::<MakeQuote>(),
        op::<NextStep>(),
        op::<Win>(),
        op::<Lose>(),
        op::<LogActivity>(),
    ],
    events: &[event::<LeadArrived>(), event::<LeadConverted>(), event::<DealWon>()],
    listens: &[on!(LeadArrived, lead::call_back), on!(sales::QuoteAccepted, deal::won_by_quote)],
    guests: &[Guests { operation: "crm.lead.arrive", origins: lead::origins }],
    errors: &["crm.no_contact", "crm.no_stage", "crm.origin"],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    views: &[("crm.lead", include_str!("lead.view.toml")), ("crm.deal", include_str!("deal.view.toml"))],
    extends: &[("party.party", include_str!("party.extends.toml"))],
    found: &[deal::found],
    ..Module::BASE
};
