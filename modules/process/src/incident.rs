//! Incidents: what went wrong in a process, waits in the managers' inbox, and is tried again or passed over.

use bpmn::Event;
use jiff::Timestamp;
use kernel::{Cx, Entity, Error, Id, Json, LongText, Operation, Rec, Result, Run, Value, choice};
use platform::User;
use serde_json::Value as J;

use crate::instance::{Instance, Running, advance, load, name_of};
use crate::task::{self, AddTask};

choice!(
    /// How an incident was solved.
    Solution { Retried = "retried" => "green", Skipped = "skipped" => "amber", Cancelled = "cancelled" => "grey" }
);

/// Something in a process that went wrong and waits for a person.
#[derive(Entity)]
#[entity(name = "process.incident", plain, by_operation, title = message, read = "manager", area = "processes", indexed(instance, token))]
pub struct Incident {
    /// The instance.
    pub instance: Id<Instance>,
    /// The token.
    pub token: i64,
    /// The element.
    pub element: String,
    /// Code of the error.
    pub code: String,
    /// What went wrong.
    pub message: LongText,
    /// When.
    pub at: Timestamp,
    /// When it was solved.
    pub solved: Option<Timestamp>,
    /// How it was solved.
    pub solution: Option<Solution>,
    /// Who solved it.
    pub solved_by: Option<Id<User>>,
    /// Why the step was skipped.
    pub reason: Option<LongText>,
}

/// Writes an incident down, and gives the managers a task for it.
pub(crate) fn raise(
    cx: &mut Cx<'_>,
    running: &Running,
    token: i64,
    element: String,
    code: String,
    message: String,
) -> Result<()> {
    let named = running.process.element(&element);
    let step = named.map_or_else(|| element.clone(), |e| name_of(e, cx));
    let (en, cs) = named.map_or_else(|| (element.clone(), None), |e| (e.name.clone(), e.names.get("cs").cloned()));
    cx.note("process.waits", vec![("step", step.into()), ("reason", message.as_str().into())]);
    let at = cx.now();
    let incident = cx.insert(Incident {
        instance: running.id,
        token,
        element,
        code,
        message: LongText(message.clone()),
        at,
        solved: None,
        solution: None,
        solved_by: None,
        reason: None,
    })?;
    cx.call(AddTask {
        kind: None,
        title: format!("Stuck: {en}"),
        title_cs: Some(format!("Vázne: {}", cs.unwrap_or(en))),
        instruction: Some(LongText(message)),
        subject: Some(incident.into()),
        party: running.record.party,
        role: Some("manager".to_owned()),
        assignee: None,
        due: None,
        operation: Some(Retry::NAME.to_owned()),
    })?;
    Ok(())
}

/// The incidents of a token that is gone are over, and nobody has to mind them.
pub(crate) fn over(cx: &mut Cx<'_>, instance: Id<Instance>, token: i64) -> Result<()> {
    for mut incident in cx.by::<Incident>(&[("instance", instance.into()), ("token", Value::Int(token))])? {
        if incident.solved.is_none() {
            solve(cx, &mut incident, Solution::Cancelled, None)?;
            task::cancel_about(cx, incident.id)?;
        }
    }
    Ok(())
}

fn solve(cx: &mut Cx<'_>, incident: &mut Rec<Incident>, how: Solution, reason: Option<String>) -> Result<()> {
    if incident.solved.is_some() {
        return Err(Error::refused("process.solved"));
    }
    incident.solved = Some(cx.now());
    incident.solution = Some(how);
    incident.solved_by = Some(cx.who().user).filter(|u| *u != 0).map(Id::new);
    incident.reason = reason.map(LongText);
    cx.save(incident)
}

/// Tries again what went wrong.
#[derive(Operation)]
#[operation(name = "process.incident.retry", on = Incident, allow = "manager", button = 1, no_inverse = "A retry is not taken back.")]
pub struct Retry {
    /// The incident.
    pub incident: Id<Incident>,
}

impl Run for Retry {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut incident = cx.target(self.incident)?;
        solve(cx, &mut incident, Solution::Retried, None)?;
        let mut running = load(cx, incident.instance)?;
        advance(cx, &mut running, Event::Retry { token: incident.token })
    }
}

/// Passes the step over that went wrong, as if it were done; what it would have found out is given by hand.
#[derive(Operation)]
#[operation(name = "process.incident.skip", on = Incident, allow = "manager", button = 2, dangerous, person_only,
    no_inverse = "The step that was skipped is done by its own operation.")]
pub struct Skip {
    /// The incident.
    pub incident: Id<Incident>,
    /// Why the process may go on without the step.
    pub reason: String,
    /// Variables that the step would have set, by name.
    pub values: Option<Json>,
}

impl Run for Skip {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut incident = cx.target(self.incident)?;
        solve(cx, &mut incident, Solution::Skipped, Some(self.reason))?;
        let mut running = load(cx, incident.instance)?;
        match self.values.map(|values| values.0) {
            None | Some(J::Null) => {}
            Some(J::Object(variables)) => {
                let scope = running.state.token(incident.token).map(|t| t.scope);
                advance(cx, &mut running, Event::SetVariables { scope, variables })?;
                running = load(cx, incident.instance)?;
            }
            Some(_) => return Err(Error::field("values", "object")),
        }
        advance(cx, &mut running, Event::Skip { token: incident.token })?;
        task::cancel_about(cx, incident.id)
    }
}
