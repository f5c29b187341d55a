//! Throw events: without a trigger a milestone in the history; message, signal, escalation, compensation, link. Send tasks
//! throw a message, too.

use super::{Definition, Fault, Next, Raise, definition, definitions, finding, service_task, unsupported};
use crate::event::Effect;
use crate::model::{Element, Kind, Mapping, MessageSpec, Process};
use crate::parse::Reading;
use crate::problem::Problem;
use crate::run::Run;
use crate::state::TokenId;
use crate::xml::Node;
use serde_json::{Map, Value as Json};

/// Throws something.
#[derive(Clone, Debug, PartialEq)]
pub struct ThrowEvent {
    /// What.
    pub trigger: ThrowTrigger,
    /// From variables to what goes with it.
    pub inputs: Vec<Mapping>,
    /// True for a send task.
    pub task: bool,
}

/// What is thrown.
#[derive(Clone, Debug, PartialEq)]
pub enum ThrowTrigger {
    /// A message to whoever waits for it.
    Message(MessageSpec),
    /// A signal to all.
    Signal(String),
    /// An escalation to the scopes around, by its code.
    Escalation(String),
    /// What was done is undone: one activity, or all of the scope.
    Compensation(Option<String>),
    /// The path goes on at the catch event of that name.
    Link(String),
}

pub(super) fn trigger(node: &Node, reading: &mut Reading, what: &str) -> Result<ThrowTrigger, Kind> {
    Ok(match definition(node, reading) {
        Definition::Message(Some(message)) => ThrowTrigger::Message(message),
        Definition::Message(None) => return Err(Kind::Unsupported(what.to_owned())),
        Definition::Signal(name) => ThrowTrigger::Signal(name),
        Definition::Escalation(Some(code)) => ThrowTrigger::Escalation(code),
        Definition::Escalation(None) => ThrowTrigger::Escalation(String::new()),
        Definition::Compensation(activity) => ThrowTrigger::Compensation(activity),
        Definition::Link(name) => ThrowTrigger::Link(name),
        _ => {
            let names: Vec<&str> = definitions(node).iter().map(|d| d.name.as_str()).collect();
            return Err(unsupported(reading, &format!("{what} with {}", names.join(" and "))));
        }
    })
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    if definitions(node).is_empty() {
        return Kind::Milestone;
    }
    // A job worker sends it.
    if job(node) {
        return service_task::parse(node, reading);
    }
    match trigger(node, reading, "A throw event") {
        Ok(trigger) => {
            Kind::Throw(Box::new(ThrowEvent { trigger, inputs: reading.mappings(node, "input"), task: false }))
        }
        Err(kind) => kind,
    }
}

/// True where another engine's worker does the sending.
fn job(node: &Node) -> bool {
    let own = |n: &Node| {
        n.vendors("taskDefinition").next().is_some()
            || ["class", "expression", "delegateExpression", "type"].iter().any(|name| n.vendor(name).is_some())
    };
    own(node) || definitions(node).iter().any(|d| d.name == "messageEventDefinition" && own(d))
}

/// Send tasks.
pub(super) fn parse_task(node: &Node, reading: &mut Reading) -> Kind {
    if job(node) || node.attr("messageRef").is_none() {
        return service_task::parse(node, reading);
    }
    match reading.message(node, node) {
        Some(message) => Kind::Throw(Box::new(ThrowEvent {
            trigger: ThrowTrigger::Message(message),
            inputs: reading.mappings(node, "input"),
            task: true,
        })),
        None => Kind::Unsupported("A send task".to_owned()),
    }
}

pub(super) fn check(process: &Process, trigger: &ThrowTrigger, element: &Element, out: &mut Vec<Problem>) {
    match trigger {
        ThrowTrigger::Link(name) => {
            let index = process.by_id.get(&element.id);
            if index.is_none_or(|index| !process.derived.links.contains_key(index)) {
                out.push(finding(element, true, "link", format!("No catch event has the link '{name}'.")));
            }
        }
        ThrowTrigger::Compensation(Some(activity)) if process.element(activity).is_none() => {
            out.push(finding(element, true, "reference", format!("There is no activity '{activity}' to undo.")));
        }
        _ => {}
    }
}

pub(super) fn run(
    trigger: &ThrowTrigger,
    inputs: &[Mapping],
    run: &Run<'_>,
    token: TokenId,
    index: usize,
    element: &Element,
) -> Result<Next, Fault> {
    let payload = || Ok::<_, Fault>(Json::Object(run.map(token, inputs, &Map::new())?));
    Ok(match trigger {
        ThrowTrigger::Message(message) => {
            let key = match &message.correlation {
                Some(key) => key.evaluate_text(&run.view(token), &run.context.clock)?,
                None => None,
            };
            let (element, name) = (element.id.clone(), message.name.clone());
            Next::Emit(Effect::MessageSent { token, element, name, key, payload: payload()? })
        }
        ThrowTrigger::Signal(name) => Next::Raise(Raise::Signal { name: name.clone(), payload: payload()? }),
        ThrowTrigger::Escalation(code) => Next::Raise(Raise::Escalation(code.clone())),
        ThrowTrigger::Compensation(activity) => Next::Raise(Raise::Compensation(activity.clone())),
        ThrowTrigger::Link(name) => match run.process.derived.links.get(&index) {
            Some(target) => Next::Jump(*target),
            None => return Err(Fault::new("link", format!("no catch event has the link '{name}'"))),
        },
    })
}
