//! All that waits for a person: steps of processes and to-dos, one inbox.

use bpmn::Event;
use jiff::{SignedDuration, Timestamp};
use kernel::{AnyRef, Cx, Done, Entity, Error, Fields, Id, Json, LongText, Operation, Rec, Result, Run, Value, choice};
use party::Party;
use platform::User;
use serde_json::{Map, Value as J, json};

use crate::instance::{Incident, Instance, Running, advance, load};

choice!(
    /// What kind of task.
    TaskKind { Step = "step" => "blue", Todo = "todo", Call = "call", Meeting = "meeting" }
);
choice!(
    /// Where a task stands.
    TaskState { Open = "open" => "blue", Claimed = "claimed" => "amber", Done = "done" => "green", Cancelled = "cancelled" => "grey" }
);

/// Something that waits for a person.
#[derive(Entity)]
#[entity(name = "process.task", plain, by_operation, title = title, status = state, read = "*", indexed(subject, subject_entity),
    indexed(instance, token), indexed(state, role))]
pub struct Task {
    /// The process; none for a to-do.
    pub instance: Option<Id<Instance>>,
    /// The token that waits for it.
    pub token: Option<i64>,
    /// Kind.
    pub kind: TaskKind,
    /// What to do, in a few words.
    #[field(searchable, role = "title")]
    pub title: String,
    /// The same in Czech.
    pub title_cs: Option<String>,
    /// How to do it (Markdown).
    pub instruction: Option<LongText>,
    /// The same in Czech.
    pub instruction_cs: Option<LongText>,
    /// State.
    #[field(tracked)]
    pub state: TaskState,
    /// The role whose people may take it.
    pub role: Option<String>,
    /// Who has it.
    #[field(indexed, tracked)]
    pub assignee: Option<Id<User>>,
    /// Larger is more urgent.
    pub priority: i64,
    /// When it is due.
    #[field(role = "due")]
    pub due: Option<Timestamp>,
    /// What it is about.
    pub subject: Option<AnyRef>,
    /// The customer or supplier.
    pub party: Option<Id<Party>>,
    /// The operation that completes it.
    pub operation: Option<String>,
    /// Fields of its form.
    pub form: Option<Json>,
    /// Name of the process.
    pub process_name: Option<String>,
    /// Name of the step.
    pub step_name: Option<String>,
    /// Element of the process.
    pub element: Option<String>,
    /// Who completed it.
    pub completed_by: Option<Id<User>>,
    /// When.
    pub completed_at: Option<Timestamp>,
}

/// The moment that a due text means: an ISO 8601 duration or date, or `2 workdays` (Monday to Friday).
pub(crate) fn due(cx: &Cx<'_>, text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let zone = cx.company().time_zone.clone();
    if let Some(number) = text.strip_suffix("workdays").or_else(|| text.strip_suffix("workday")) {
        let mut left: i64 = number.trim().parse().ok().filter(|n| (0..=1_000).contains(n))?;
        let mut day = cx.today();
        while left > 0 {
            day = day.tomorrow().ok()?;
            left -= i64::from(day.weekday().to_monday_zero_offset() < 5);
        }
        let end = day.at(17, 0, 0, 0).to_zoned_datetime(zone).ok()?;
        return Some(end.timestamp());
    }
    if let Ok(span) = text.parse::<jiff::Span>() {
        return cx.now().to_zoned_datetime(zone).checked_add(span).ok().map(|z| z.timestamp());
    }
    text.parse().ok()
}

/// Makes the task of a user task.
pub(crate) fn create(cx: &mut Cx<'_>, running: &Running, new: &bpmn::Task) -> Result<()> {
    let schema = cx.schema().clone();
    let on = new.operation.as_deref().and_then(|o| schema.operations.get(o)).map(|e| (e.def)().on).unwrap_or("");
    let id = new.subject_value.as_i64().or_else(|| new.subject_value.get("id").and_then(J::as_i64));
    let subject = match id {
        Some(id) if !on.is_empty() => Some(AnyRef::new(on, id)),
        _ => running.record.subject,
    };
    let assignee = match &new.assignee {
        Some(login) => cx.first::<User>(&[("login", Value::from(login.as_str()))])?.map(|u| u.id),
        None => None,
    };
    let form: Vec<J> = new
        .form
        .iter()
        .map(|f| json!({"name": f.name, "label": f.label, "label_cs": f.labels.get("cs"), "kind": f.kind, "required": f.required}))
        .collect();
    let due = new.due.as_deref().and_then(|text| due(cx, text));
    let text = |lang: &str| new.instructions.get(lang).cloned().map(LongText);
    cx.insert(Task {
        instance: Some(running.id),
        token: Some(new.token),
        kind: TaskKind::Step,
        title: if new.name.is_empty() { new.element.clone() } else { new.name.clone() },
        title_cs: new.names.get("cs").cloned(),
        instruction: text("en"),
        instruction_cs: text("cs"),
        state: TaskState::Open,
        role: new.roles.first().cloned(),
        assignee,
        priority: new.priority.unwrap_or(0),
        due,
        subject,
        party: running.record.party,
        operation: new.operation.clone(),
        form: (!form.is_empty()).then(|| Json(J::Array(form))),
        process_name: Some(running.definition.name.clone()),
        step_name: Some(new.name.clone()),
        element: Some(new.element.clone()),
        completed_by: None,
        completed_at: None,
    })?;
    Ok(())
}

fn of_token(cx: &mut Cx<'_>, instance: Id<Instance>, token: i64) -> Result<Vec<Rec<Task>>> {
    let mut tasks = cx.by::<Task>(&[("instance", instance.into()), ("token", Value::Int(token))])?;
    tasks.retain(|t| matches!(t.state, TaskState::Open | TaskState::Claimed));
    Ok(tasks)
}

/// A task that the process no longer wants.
pub(crate) fn cancel(cx: &mut Cx<'_>, instance: Id<Instance>, token: i64) -> Result<()> {
    for mut task in of_token(cx, instance, token)? {
        task.state = TaskState::Cancelled;
        cx.save(&mut task)?;
    }
    Ok(())
}

fn close(cx: &mut Cx<'_>, task: &mut Rec<Task>) -> Result<()> {
    task.state = TaskState::Done;
    task.completed_by = Some(cx.who().user).filter(|u| *u != 0).map(Id::new);
    task.completed_at = Some(cx.now());
    cx.save(task)
}

/// An operation succeeded on a record: tasks bound to it are done, through whatever door it came.
pub(crate) fn bound(done: &Done, cx: &mut Cx<'_>) -> Result<()> {
    let Some(target) = done.target else { return Ok(()) };
    let key = [("subject", Value::Int(target.id)), ("subject_entity", Value::from(target.entity))];
    for mut task in cx.by::<Task>(&key)? {
        let open = matches!(task.state, TaskState::Open | TaskState::Claimed);
        if !open || task.operation.as_deref() != Some(done.op.name) {
            continue;
        }
        close(cx, &mut task)?;
        if let (Some(instance), Some(token)) = (task.instance, task.token) {
            let mut running = load(cx, instance)?;
            advance(cx, &mut running, Event::TaskDone { token, outputs: Map::new() })?;
        }
    }
    Ok(())
}

/// Whether who acts may do a task: it is theirs, or of a role of theirs.
pub(crate) fn mine(cx: &Cx<'_>, task: &Task) -> bool {
    let who = cx.who();
    who.is_admin()
        || who.has_role("manager")
        || task.assignee.is_some_and(|a| a.raw() == who.user)
        || (task.assignee.is_none() && task.role.as_deref().is_none_or(|role| who.has_role(role)))
}

fn open_task(cx: &mut Cx<'_>, id: Id<Task>) -> Result<Rec<Task>> {
    let task = cx.get(id)?;
    if !mine(cx, &task) {
        return Err(Error::not_found("process.task", id));
    }
    if matches!(task.state, TaskState::Open | TaskState::Claimed) {
        Ok(task)
    } else {
        Err(Error::refused("process.task_closed"))
    }
}

/// Gives somebody something to do.
#[derive(Operation)]
#[operation(name = "process.task.add", allow = "*", no_inverse = "The task is completed or delegated.")]
pub struct AddTask {
    /// Kind.
    pub kind: Option<TaskKind>,
    /// What to do, in a few words.
    pub title: String,
    /// The same in Czech.
    pub title_cs: Option<String>,
    /// How to do it.
    pub instruction: Option<LongText>,
    /// What it is about.
    pub subject: Option<AnyRef>,
    /// The customer or supplier.
    pub party: Option<Id<Party>>,
    /// The role whose people may take it.
    pub role: Option<String>,
    /// Who gets it.
    pub assignee: Option<Id<User>>,
    /// When it is due.
    pub due: Option<Timestamp>,
    /// The operation that completes it.
    pub operation: Option<String>,
}

/// The task.
#[derive(Fields)]
pub struct TaskAdded {
    /// The task.
    pub task: Id<Task>,
}

impl Run for AddTask {
    type Output = TaskAdded;
    fn run(self, cx: &mut Cx<'_>) -> Result<TaskAdded> {
        let task = cx.insert(Task {
            instance: None,
            token: None,
            kind: self.kind.unwrap_or(TaskKind::Todo),
            title: self.title,
            title_cs: self.title_cs,
            instruction: self.instruction.clone(),
            instruction_cs: self.instruction,
            state: TaskState::Open,
            role: self.role,
            assignee: self.assignee,
            priority: 0,
            due: self.due,
            subject: self.subject,
            party: self.party,
            operation: self.operation,
            form: None,
            process_name: None,
            step_name: None,
            element: None,
            completed_by: None,
            completed_at: None,
        })?;
        Ok(TaskAdded { task })
    }
}

macro_rules! on_task {
    ($(#[$doc:meta])* $name:ident, $op:literal, $inverse:literal, |$task:ident, $cx:ident| $body:block) => {
        $(#[$doc])*
        #[derive(Operation)]
        #[operation(name = $op, allow = "*", no_inverse = $inverse)]
        pub struct $name {
            /// The task.
            pub task: Id<Task>,
        }
        impl Run for $name {
            type Output = ();
            fn run(self, $cx: &mut Cx<'_>) -> Result<()> {
                let mut $task = open_task($cx, self.task)?;
                $body
                $cx.save(&mut $task)
            }
        }
    };
}
on_task!(/// Takes a task of one's role.
Claim, "process.task.claim", "Release it.", |task, cx| {
    task.assignee = Some(cx.who().user).filter(|u| *u != 0).map(Id::new);
    task.state = TaskState::Claimed;
});
on_task!(/// Gives a task back to its role.
Release, "process.task.release", "Claim it again.", |task, cx| {
    if task.role.is_none() {
        return Err(Error::refused("process.no_role"));
    }
    task.assignee = None;
    task.state = TaskState::Open;
});

/// Gives a task to somebody else.
#[derive(Operation)]
#[operation(name = "process.task.delegate", allow = "*", no_inverse = "The other one delegates it back.")]
pub struct Delegate {
    /// The task.
    pub task: Id<Task>,
    /// Who gets it.
    pub to: Id<User>,
}
impl Run for Delegate {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut task = open_task(cx, self.task)?;
        cx.get(self.to)?;
        task.assignee = Some(self.to);
        task.state = TaskState::Claimed;
        cx.save(&mut task)
    }
}

/// Hands all open tasks of a colleague, who is ill, say, to another; the same call the other way round gives them back.
#[derive(Operation)]
#[operation(name = "process.task.hand_over", allow = "manager", no_inverse = "Hand them back.")]
pub struct HandOver {
    /// Whose.
    pub from: Id<User>,
    /// To whom.
    pub to: Id<User>,
}

/// How many.
#[derive(Fields)]
pub struct HandedOver {
    /// How many.
    pub tasks: i64,
}

impl Run for HandOver {
    type Output = HandedOver;
    fn run(self, cx: &mut Cx<'_>) -> Result<HandedOver> {
        cx.get(self.to)?;
        let mut tasks = 0;
        for mut task in cx.by::<Task>(&[("assignee", self.from.into())])? {
            if matches!(task.state, TaskState::Open | TaskState::Claimed) {
                task.assignee = Some(self.to);
                cx.save(&mut task)?;
                tasks += 1;
            }
        }
        Ok(HandedOver { tasks })
    }
}

/// Completes a task: does the operation that it is bound to, or takes what its form gave.
#[derive(Operation)]
#[operation(name = "process.task.complete", allow = "*", no_inverse = "What was done is undone by its own operation.")]
pub struct Complete {
    /// The task.
    pub task: Id<Task>,
    /// What the form or the operation wants.
    pub values: Option<Json>,
}

impl Run for Complete {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut task = open_task(cx, self.task)?;
        let values = self.values.map_or_else(|| json!({}), |v| v.0);
        let J::Object(values) = values else { return Err(Error::field("values", "object")) };
        if let Some(operation) = task.operation.clone() {
            let schema = cx.schema().clone();
            let def = (schema.operation(&operation)?.def)();
            let mut input = values;
            if let Some(subject) = task.subject.filter(|_| !def.target.is_empty()) {
                input.insert(def.target.to_owned(), J::from(subject.id));
            }
            let step = task.element.clone().unwrap_or_default();
            let cells = cx.input_of(&operation, &J::Object(input)).map_err(|e| e.under("values"))?;
            // The kernel's hook completes the task when the operation has succeeded.
            cx.in_step(&step, |cx| cx.call_named(&operation, &cells))?;
            return Ok(());
        }
        let mut errors = Vec::new();
        for field in task.form.as_ref().and_then(|f| f.0.as_array()).into_iter().flatten() {
            let name = field["name"].as_str().unwrap_or("");
            let missing = values.get(name).is_none_or(|v| v.is_null() || v.as_str() == Some(""));
            if field["required"] == json!(true) && missing {
                errors.extend(Error::field(format!("values.{name}"), "required").errors.iter().cloned());
            }
        }
        if !errors.is_empty() {
            return Err(Error::fields(errors));
        }
        close(cx, &mut task)?;
        if let (Some(instance), Some(token)) = (task.instance, task.token) {
            let mut running = load(cx, instance)?;
            advance(cx, &mut running, Event::TaskDone { token, outputs: values })?;
        }
        Ok(())
    }
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
        if incident.solved.is_some() {
            return Err(Error::refused("process.solved"));
        }
        incident.solved = Some(cx.now());
        cx.save(&mut incident)?;
        let mut running = load(cx, incident.instance)?;
        advance(cx, &mut running, Event::Retry { token: incident.token })
    }
}

/// Ends a running process: its tasks, timers and waits are gone.
#[derive(Operation)]
#[operation(name = "process.instance.cancel", on = Instance, when = [crate::instance::InstanceState::Running], allow = "manager", button = 2,
    dangerous, no_inverse = "Start the process again.")]
pub struct CancelInstance {
    /// The instance.
    pub instance: Id<Instance>,
    /// Why.
    pub reason: Option<String>,
}

impl Run for CancelInstance {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut running = load(cx, self.instance)?;
        advance(cx, &mut running, Event::Cancel { reason: self.reason.unwrap_or_default() })
    }
}

/// Tells the managers of steps that are overdue, once each; true when more are left.
pub(crate) fn overdue(_: &Json, cx: &mut Cx<'_>) -> Result<bool> {
    let now = cx.now();
    let company = cx.company().id;
    let rows = cx.conn().rows(
        "SELECT t.id FROM process_task t WHERE t.company = ? AND t.state IN ('open', 'claimed') AND t.kind = 'step' AND t.due < ? AND NOT EXISTS \
         (SELECT 1 FROM process_task o WHERE o.subject = t.id AND o.subject_entity = 'process.task') ORDER BY t.due, t.id LIMIT 21",
        &[Value::Int(company), Value::Int(now.as_microsecond())],
    )?;
    for row in rows.iter().take(20) {
        let id = Id::<Task>::new(row.first().and_then(Value::as_int).unwrap_or(0));
        let task = cx.get(id)?;
        let due = now.checked_add(SignedDuration::from_hours(24)).ok();
        cx.call(AddTask {
            kind: None,
            title: format!("Overdue: {}", task.title),
            title_cs: Some(format!("Po termínu: {}", task.title_cs.as_deref().unwrap_or(&task.title))),
            instruction: None,
            subject: Some(id.into()),
            party: task.party,
            role: Some("manager".to_owned()),
            assignee: None,
            due,
            operation: None,
        })?;
    }
    Ok(rows.len() > 20)
}
