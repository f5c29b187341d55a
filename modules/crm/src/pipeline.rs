//! Pipelines: the ways of deals from the first word to the decision, each with stages of its own.

use kernel::{Cx, Entity, Error, Event, Id, Rec, Result, Rules, Value};

use crate::deal::{Deal, DealState};
use crate::stream::{Stream, StreamSource};

/// The way of deals from the first word to the decision.
#[derive(Entity)]
#[entity(name = "crm.pipeline", plain, title = name, read = "sales manager", write = "manager", area = "customers",
    lines(stages = "crm.stage.pipeline"))]
pub struct Pipeline {
    /// Name.
    #[field(unique, searchable, role = "title")]
    pub name: String,
    /// Place among the pipelines; deals begin in the first where nothing else is said.
    #[field(default = "10")]
    pub place: i64,
}

/// A stage of a pipeline.
#[derive(Entity)]
#[entity(name = "crm.stage", title = name, owner = pipeline, unique(pipeline, name))]
pub struct Stage {
    /// The pipeline.
    #[field(indexed)]
    pub pipeline: Id<Pipeline>,
    /// Name.
    #[field(searchable, role = "title")]
    pub name: String,
    /// Place in the pipeline, the smallest first.
    #[field(default = "10")]
    pub place: i64,
    /// How likely deals in it are won, in percent.
    #[field(default = "0", check = "probability >= 0 and probability <= 100")]
    pub probability: i64,
    /// Won deals end here.
    pub won: bool,
    /// Lost deals end here.
    pub lost: bool,
}

impl Stage {
    /// Whether deals end in it.
    pub const fn closing(&self) -> bool {
        self.won || self.lost
    }
}

impl Rules for Stage {
    fn check(old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if new.won && new.lost {
            return Err(Error::field("lost", "crm.won_and_lost"));
        }
        if new.closing() {
            new.probability = if new.won { 100 } else { 0 };
        }
        let (Some(old), Some(own)) = (old, cx.ruled::<Self>()) else { return Ok(()) };
        let turned = (old.won, old.lost) != (new.won, new.lost);
        if turned && cx.first::<Deal>(&[("stage", own.into())])?.is_some() {
            return Err(Error::field(if old.lost || new.lost { "lost" } else { "won" }, "crm.stage_in_use"));
        }
        if cx.writable() && old.probability != new.probability {
            cx.emit(StageChanged { stage: own })?;
        }
        Ok(())
    }
}

/// The likelihood of a stage was changed.
#[derive(Event)]
#[event(name = "crm.stage.changed", subject = stage)]
pub struct StageChanged {
    /// The stage.
    pub stage: Id<Stage>,
}

/// What open deals are worth follows the likelihood of their stage.
pub(crate) fn revalue(event: &StageChanged, cx: &mut Cx<'_>) -> Result<()> {
    for mut deal in cx.by::<Deal>(&[("stage", event.stage.into()), ("state", DealState::Open.into())])? {
        cx.save(&mut deal)?;
    }
    Ok(())
}

/// Stages of a pipeline in their order.
pub(crate) fn stages(cx: &mut Cx<'_>, pipeline: Id<Pipeline>) -> Result<Vec<Rec<Stage>>> {
    let mut stages = cx.by::<Stage>(&[("pipeline", pipeline.into())])?;
    stages.retain(|stage| !stage.archived);
    stages.sort_by_key(|stage| (stage.place, stage.id));
    Ok(stages)
}

/// The stage in which deals begin: the first open one of a pipeline, of the first pipeline where none is named.
pub(crate) fn opening(cx: &mut Cx<'_>, pipeline: Option<Id<Pipeline>>) -> Result<Id<Stage>> {
    let mut all = match pipeline {
        Some(pipeline) => vec![cx.get(pipeline)?],
        None => cx.by::<Pipeline>(&[("archived", Value::Int(0))])?,
    };
    all.sort_by_key(|pipeline| (pipeline.place, pipeline.id));
    for pipeline in all {
        if let Some(stage) = stages(cx, pipeline.id)?.iter().find(|stage| !stage.closing()) {
            return Ok(stage.id);
        }
    }
    Err(Error::refused("crm.no_stage"))
}

/// The first stage of a pipeline in which won or lost deals end; a pipeline may have none.
pub(crate) fn ending(cx: &mut Cx<'_>, pipeline: Id<Pipeline>, won: bool) -> Result<Option<Id<Stage>>> {
    let all = stages(cx, pipeline)?;
    Ok(all.iter().find(|stage| if won { stage.won } else { stage.lost }).map(|stage| stage.id))
}

/// The pipeline and the stream of leads that a company begins with.
pub(crate) fn found(cx: &mut Cx<'_>) -> Result<()> {
    let czech = cx.company().language == kernel::Language::Cs;
    let said = |en: &str, cs: &str| if czech { cs } else { en }.to_owned();
    let pipeline = cx.insert(Pipeline { name: said("Sales", "Prodej"), place: 10 })?;
    for (place, en, cs, probability) in [
        (10, "New", "Nový", 10),
        (20, "Qualified", "Prověřený", 30),
        (30, "Proposal", "Nabídka", 60),
        (40, "Negotiation", "Vyjednávání", 80),
        (50, "Won", "Vyhráno", 100),
        (60, "Lost", "Prohráno", 0),
    ] {
        let (won, lost) = (probability == 100, probability == 0);
        cx.insert(Stage { pipeline, name: said(en, cs), place, probability, won, lost })?;
    }
    cx.insert(Stream {
        code: "WEB".to_owned(),
        name: said("Web form", "Webový formulář"),
        source: StreamSource::Web,
        salesperson: None,
        duty: None,
        pipeline: None,
        origins: None,
    })?;
    Ok(())
}
