//! The next step of a deal: it is asked for on every open deal, and stands in the inbox of who takes care of it.

use jiff::{Timestamp, civil::Date};
use kernel::{Arg, Cx, Done, Event, Id, Language, Operation, Result, Run};
use process::{AddTask, Task, TaskState, TodoDone};

use crate::activity::{ActivityKind, log};
use crate::deal::{Deal, DealState};
use crate::lead::{Lead, LeadArrived};

/// The next step of a deal was said, changed or taken away.
#[derive(Event)]
#[event(name = "crm.deal.planned", subject = deal)]
pub struct DealPlanned {
    /// The deal.
    pub deal: Id<Deal>,
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

/// What was written down by hand is followed by the same as what an operation made: the task of a next step, the task of
/// whoever is on duty for leads.
pub(crate) fn written_down(done: &Done, cx: &mut Cx<'_>) -> Result<()> {
    if done.op.name != "record.create" {
        return Ok(());
    }
    if let Some(deal) = done.target.and_then(kernel::AnyRef::to::<Deal>) {
        return plan(cx, deal);
    }
    match done.target.and_then(kernel::AnyRef::to::<Lead>) {
        Some(lead) => cx.emit(LeadArrived { lead }),
        None => Ok(()),
    }
}

pub(crate) fn planned(event: &DealPlanned, cx: &mut Cx<'_>) -> Result<()> {
    plan(cx, event.deal)
}

/// The end of the working day, there where the company is.
fn by_evening(cx: &Cx<'_>, day: Date) -> Option<Timestamp> {
    let zone = cx.company().time_zone.clone();
    day.at(17, 0, 0, 0).to_zoned_datetime(zone).ok().map(|moment| moment.timestamp())
}

/// Brings the task of the next step into agreement with what the deal says.
pub(crate) fn plan(cx: &mut Cx<'_>, deal: Id<Deal>) -> Result<()> {
    let mut deal = cx.get(deal)?;
    let wanted = deal.next_step.clone().filter(|_| deal.state == DealState::Open);
    let due = deal.next_step_due.and_then(|day| by_evening(cx, day));
    let schema = cx.schema().clone();
    let titled = |language, what: &str| {
        schema.message(
            language,
            "crm.deal.step_task",
            &[("what", Arg::from(what)), ("deal", Arg::from(deal.name.as_str()))],
        )
    };
    let title = wanted.as_deref().map(|what| titled(Language::En, what));
    if let Some(task) = deal.next_task {
        let task = cx.get(task)?;
        let open = matches!(task.state, TaskState::Open | TaskState::Claimed);
        if open && title.as_ref() == Some(&task.title) && task.due == due && task.assignee == deal.owner {
            return Ok(());
        }
        process::cancel_todo(cx, task.id)?;
    }
    deal.next_task = match (title, wanted) {
        (Some(title), Some(what)) => {
            let task = AddTask {
                kind: None,
                title,
                title_cs: Some(titled(Language::Cs, &what)),
                instruction: None,
                subject: Some(deal.id.into()),
                party: Some(deal.party),
                role: Some("sales".to_owned()),
                assignee: deal.owner,
                due,
                operation: None,
            };
            Some(cx.call(task)?.task)
        }
        _ => None,
    };
    cx.save(&mut deal)
}

/// Somebody did the next step: the deal has none until another is said, and the timeline keeps what was done.
pub(crate) fn step_done(event: &TodoDone, cx: &mut Cx<'_>) -> Result<()> {
    let task: Id<Task> = event.task;
    let Some(deal) = cx.get(task)?.subject.and_then(kernel::AnyRef::to::<Deal>) else { return Ok(()) };
    let mut deal = cx.get(deal)?;
    if deal.next_task != Some(task) {
        return Ok(());
    }
    let what = deal.next_step.take().unwrap_or_default();
    deal.next_step_due = None;
    deal.next_task = None;
    cx.save(&mut deal)?;
    log(cx, deal.id.into(), Some(deal.party), ActivityKind::Step, &what)?;
    cx.tell(kernel::Note::new("crm.deal.ask_next_step").link(deal.id));
    cx.link(deal.id);
    Ok(())
}
