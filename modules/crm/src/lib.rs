//! Customers before they buy: leads, pipelines, deals, what happened and what is done next.

mod activity;
mod check;
mod convert;
mod deal;
mod lead;
mod pipeline;
mod step;
mod stream;

use kernel::{Guests, LetterSent, Module, entity, event, on, op};

pub use activity::{Activity, ActivityKind, LogActivity, LoggedKind};
pub use convert::{Convert, Converted, LeadConverted};
pub use deal::{Deal, DealLost, DealReopened, DealState, DealWon, Lose, MakeQuote, Move, QuoteMade, Reopen, Win};
pub use lead::{Arrive, Lead, LeadArrived, LeadState, LoseLead, ReopenLead, Thanks};
pub use pipeline::{Pipeline, Stage, StageChanged};
pub use step::{DealPlanned, NextStep};
pub use stream::{Stream, StreamSource};

/// What the module owns.
pub static MODULE: Module = Module {
    name: "crm",
    entities: &[
        entity::<Lead>(),
        entity::<Deal>(),
        entity::<Activity>(),
        entity::<Pipeline>(),
        entity::<Stage>(),
        entity::<Stream>(),
    ],
    operations: &[
        op::<Arrive>(),
        op::<Convert>(),
        op::<LoseLead>(),
        op::<ReopenLead>(),
        op::<MakeQuote>(),
        op::<NextStep>(),
        op::<Move>(),
        op::<Win>(),
        op::<Lose>(),
        op::<Reopen>(),
        op::<LogActivity>(),
    ],
    events: &[
        event::<LeadArrived>(),
        event::<LeadConverted>(),
        event::<DealPlanned>(),
        event::<DealWon>(),
        event::<DealLost>(),
        event::<DealReopened>(),
        event::<StageChanged>(),
    ],
    listens: &[
        on!(LeadArrived, lead::call_back),
        on!(DealPlanned, step::planned),
        on!(StageChanged, pipeline::revalue),
        on!(process::TodoDone, step::step_done),
        on!(sales::QuoteAccepted, deal::won_by_quote),
        on!(LetterSent, activity::letter_left),
    ],
    after: &[step::written_down],
    checks: check::CHECKS,
    guests: &[Guests { operation: "crm.lead.arrive", origins: stream::origins }],
    errors: &[
        "crm.closing_stage",
        "crm.ended",
        "crm.known_customer",
        "crm.no_contact",
        "crm.no_stage",
        "crm.origin",
        "crm.other_party",
        "crm.stage_in_use",
        "crm.won_and_lost",
    ],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    views: &[
        ("crm.lead", include_str!("lead.view.toml")),
        ("crm.deal", include_str!("deal.view.toml")),
        ("crm.activity", include_str!("activity.view.toml")),
        ("crm.pipeline", include_str!("pipeline.view.toml")),
        ("crm.stage", include_str!("stage.view.toml")),
        ("crm.stream", include_str!("stream.view.toml")),
    ],
    extends: &[
        ("party.party", include_str!("party.extends.toml")),
        ("crm.lead", include_str!("lead.extends.toml")),
        ("crm.deal", include_str!("deal.extends.toml")),
        ("crm.pipeline", include_str!("pipeline.extends.toml")),
    ],
    found: &[pipeline::found],
    ..Module::BASE
};
