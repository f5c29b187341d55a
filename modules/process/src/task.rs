//! All that waits for a person: steps of processes and to-dos, one inbox.

use bpmn::Event;
use jiff::Timestamp;
use kernel::{AnyRef, Cx, Done, Entity, Error, Fields, Id, Json, LongText, Operation, Rec, Result, Run, Value, choice};
use party::Party;
use platform::User;
use serde_json::{Map, Value as J, json};

use crate::instance::{Instance, Running, advance, load};
use crate::todo::TodoDone;
use crate::{due, form, substitution};

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
    area = "processes", indexed(instance, token), indexed(state, role), indexed(assignee, state), indexed(stands_for, state))]
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
    #[field(role = "role")]
    pub role: Option<String>,
    /// Who has it.
    #[field(tracked)]
    pub assignee: Option<Id<User>>,
    /// The colleague whose task it is, where somebody stands in.
    #[field(tracked)]
    pub stands_for: Option<Id<User>>,
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
    /// When the manager was told that it is overdue.
    pub escalated: Option<Timestamp>,
}

impl Task {
    /// A to-do that says nothing yet.
    fn blank(title: String) -> Self {
        Self {
            instance: None,
            token: None,
            kind: TaskKind::Todo,
            title,
            title_cs: None,
            instruction: None,
            instruction_cs: None,
            state: TaskState::Open,
            role: None,
            assignee: None,
            stands_for: None,
            priority: 0,
            due: None,
            subject: None,
            party: None,
            operation: None,
            form: None,
            process_name: None,
            step_name: None,
            element: None,
            completed_by: None,
            completed_at: None,
            escalated: None,
        }
    }

    /// Still to be done.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, TaskState::Open | TaskState::Claimed)
    }
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
    let owner = match &new.assignee {
        Some(name) => named(cx, name)?,
        None => None,
    };
    let role = new.roles.first().cloned();
    let due = match &new.due {
        Some(due) => Some(due::moment(cx, due, owner)?),
        None => None,
    };
    let text = |lang: &str| new.instructions.get(lang).cloned().map(LongText);
    let title = if new.name.is_empty() { new.element.clone() } else { new.name.clone() };
    let mut task = Task {
        instance: Some(running.id),
        token: Some(new.token),
        kind: TaskKind::Step,
        title_cs: new.names.get("cs").cloned(),
        instruction: text("en"),
        instruction_cs: text("cs"),
        // A step for somebody who is not there, and for no role, must not be lost.
        role: role.or_else(|| (owner.is_none() && new.assignee.is_some()).then(|| "manager".to_owned())),
        priority: new.priority.unwrap_or(0),
        due,
        subject,
        party: running.record.party,
        operation: new.operation.clone(),
        form: form::kept(&schema, &new.form).map(Json),
        process_name: Some(running.definition.name.clone()),
        step_name: Some(new.name.clone()),
        element: Some(new.element.clone()),
        ..Task::blank(title)
    };
    if let Some(owner) = owner {
        substitution::give(cx, &mut task, owner)?;
    }
    cx.insert(task)?;
    Ok(())
}

/// The active user of the company whom a definition names by login or number.
fn named(cx: &mut Cx<'_>, name: &str) -> Result<Option<Id<User>>> {
    let found = match name.parse::<i64>() {
        Ok(id) => cx.get(Id::<User>::new(id)).ok(),
        Err(_) => cx.first::<User>(&[("login", Value::from(name))])?,
    };
    let company = cx.company().id;
    let here = |user: &User| user.active && user.company.raw() == company;
    Ok(found.filter(|u| !u.archived && here(u)).map(|u| u.id))
}

/// Refuses where a user is no colleague who can get tasks.
pub(crate) fn colleague(cx: &mut Cx<'_>, field: &str, user: Id<User>) -> Result<()> {
    match named(cx, &user.raw().to_string())? {
        Some(_) => Ok(()),
        None => Err(Error::field(field, "process.no_colleague")),
    }
}

/// A task that the process no longer wants.
pub(crate) fn cancel(cx: &mut Cx<'_>, instance: Id<Instance>, token: i64) -> Result<()> {
    for mut task in cx.by::<Task>(&[("instance", instance.into()), ("token", Value::Int(token))])? {
        if task.is_open() {
            drop_it(cx, &mut task)?;
        }
    }
    Ok(())
}

fn drop_it(cx: &mut Cx<'_>, task: &mut Rec<Task>) -> Result<()> {
    task.state = TaskState::Cancelled;
    cx.save(task)?;
    forget_alarm(cx, task)
}

/// Cancels the open to-dos about a record: there is nothing to do any more.
pub(crate) fn cancel_about(cx: &mut Cx<'_>, about: impl Into<AnyRef>) -> Result<()> {
    let about: AnyRef = about.into();
    let key = [("subject", Value::Int(about.id)), ("subject_entity", Value::from(about.entity))];
    for mut task in cx.by::<Task>(&key)? {
        if task.is_open() && task.instance.is_none() {
            drop_it(cx, &mut task)?;
        }
    }
    Ok(())
}

/// A step that is over is not overdue any more.
fn forget_alarm(cx: &mut Cx<'_>, task: &Rec<Task>) -> Result<()> {
    if task.escalated.is_some() { cancel_about(cx, task.id) } else { Ok(()) }
}

fn close(cx: &mut Cx<'_>, task: &mut Rec<Task>) -> Result<()> {
    task.state = TaskState::Done;
    task.completed_by = Some(cx.who().user).filter(|u| *u != 0).map(Id::new);
    task.completed_at = Some(cx.now());
    cx.save(task)?;
    forget_alarm(cx, task)
}

/// An operation succeeded on a record: tasks bound to it are done, through whatever door it came.
pub(crate) fn bound(done: &Done, cx: &mut Cx<'_>) -> Result<()> {
    // Tasks are bound to operations on a record; writing a record down is none.
    let Some(target) = done.target.filter(|_| !done.op.on.is_empty()) else { return Ok(()) };
    let key = [("subject", Value::Int(target.id)), ("subject_entity", Value::from(target.entity))];
    for mut task in cx.by::<Task>(&key)? {
        if !task.is_open() || task.operation.as_deref() != Some(done.op.name) {
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
        return Err(match task.assignee {
            // Both looked at it in the inbox of their role, and the other one was faster.
            Some(other) if task.role.as_deref().is_some_and(|role| cx.who().has_role(role)) => {
                let name = cx.get(other)?.name.clone();
                Error::refused("process.task_taken").with("name", name)
            }
            _ => Error::not_found("process.task", id),
        });
    }
    if task.is_open() { Ok(task) } else { Err(Error::refused("process.task_closed")) }
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
    #[field(role = "role")]
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
        let mut task = Task {
            kind: self.kind.unwrap_or(TaskKind::Todo),
            title_cs: self.title_cs,
            instruction: self.instruction.clone(),
            instruction_cs: self.instruction,
            role: self.role,
            due: self.due,
            subject: self.subject,
            party: self.party,
            operation: self.operation,
            ..Task::blank(self.title)
        };
        if let Some(user) = self.assignee {
            colleague(cx, "assignee", user)?;
            substitution::give(cx, &mut task, user)?;
        }
        let task = cx.insert(task)?;
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
    let me = Some(cx.who().user).filter(|u| *u != 0).map(Id::new).ok_or_else(|| Error::refused("process.nobody"))?;
    // Who stands in goes on standing in; anybody else takes it over.
    if task.assignee != Some(me) {
        task.stands_for = None;
    }
    task.assignee = Some(me);
    task.state = TaskState::Claimed;
});
on_task!(/// Gives a task back to its role.
Release, "process.task.release", "Claim it again.", |task, cx| {
    if task.role.is_none() {
        return Err(Error::refused("process.no_role"));
    }
    task.assignee = None;
    task.stands_for = None;
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
        colleague(cx, "to", self.to)?;
        substitution::give(cx, &mut task, self.to)?;
        if let (Some(now), Some(away)) = (task.assignee, task.stands_for) {
            let (now, away) = (cx.get(now)?.name.clone(), cx.get(away)?.name.clone());
            cx.note("process.stands_in", vec![("away", away.into()), ("name", now.into())]);
        }
        task.state = TaskState::Claimed;
        cx.save(&mut task)
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
        let values = form::checked(task.form.as_ref().map(|f| &f.0), &values)?;
        close(cx, &mut task)?;
        match (task.instance, task.token) {
            (Some(instance), Some(token)) => {
                let mut running = load(cx, instance)?;
                advance(cx, &mut running, Event::TaskDone { token, outputs: values })
            }
            _ => cx.emit(TodoDone { task: self.task }),
        }
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
