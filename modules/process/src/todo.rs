//! What other modules ask of the inbox: word of a to-do that was done, the end of to-dos that nobody wants any more, the name
//! of a step.

use kernel::{AnyRef, Cx, Event, Id, LongText, Result, Value};

use crate::definition::parsed;
use crate::instance::{Instance, name_of};
use crate::task::{Task, TaskState};

/// A to-do was done by hand. Steps of processes do not say so: their process goes on by itself.
#[derive(Event)]
#[event(name = "process.todo.done", subject = task)]
pub struct TodoDone {
    /// The task.
    pub task: Id<Task>,
}

/// Cancels the open to-dos about a record: what they asked for makes no sense any more. Steps of processes are left to their
/// process. Answers how many there were.
///
/// # Errors
/// As writing does.
pub fn cancel_todos(cx: &mut Cx<'_>, subject: impl Into<AnyRef>) -> Result<i64> {
    let subject = subject.into();
    let key = [("subject", Value::Int(subject.id)), ("subject_entity", Value::from(subject.entity))];
    let mut count = 0;
    for task in cx.by::<Task>(&key)? {
        count += i64::from(cancel_todo(cx, task.id)?);
    }
    Ok(count)
}

/// Cancels one to-do where it is still open; true where it was.
///
/// # Errors
/// 404 where there is no such task.
pub fn cancel_todo(cx: &mut Cx<'_>, task: Id<Task>) -> Result<bool> {
    let mut task = cx.get(task)?;
    if task.instance.is_some() || !matches!(task.state, TaskState::Open | TaskState::Claimed) {
        return Ok(false);
    }
    task.state = TaskState::Cancelled;
    cx.save(&mut task)?;
    Ok(true)
}

/// What people call a step of an instance, in the language of who asks.
///
/// # Errors
/// 404 where there is no such instance.
pub fn step_name(cx: &mut Cx<'_>, instance: Id<Instance>, element: &str) -> Result<String> {
    let definition = cx.get(instance)?.definition;
    let process = parsed(&cx.get(definition)?.xml.0)?;
    let found = process.elements.iter().find(|e| e.id == element);
    Ok(found.map_or_else(|| element.to_owned(), |e| name_of(e, cx)))
}

/// Gives a to-do its instruction, in both languages (Markdown of the house, never what a stranger wrote).
///
/// # Errors
/// 404 where there is no such task.
pub fn instruct(cx: &mut Cx<'_>, task: Id<Task>, english: String, czech: String) -> Result<()> {
    let mut task = cx.get(task)?;
    task.instruction = Some(LongText(english));
    task.instruction_cs = Some(LongText(czech));
    cx.save(&mut task)
}
