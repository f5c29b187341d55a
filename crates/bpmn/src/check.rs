//! Looks at whole processes: what cannot be reached, what leads nowhere, what the caller does not know.

use crate::elements;
use crate::model::{Definitions, Kind, Process};
use crate::problem::Problem;
use std::collections::VecDeque;

/// Checks definitions beyond what reading them reports. `operation` says whether there is an operation of that name.
///
/// The findings of reading ([`Definitions::problems`]) come first.
pub fn check(definitions: &Definitions, operation: &dyn Fn(&str) -> bool) -> Vec<Problem> {
    let mut out = definitions.problems.clone();
    for process in &definitions.processes {
        check_process(process, operation, &mut out);
    }
    out
}

fn check_process(process: &Process, operation: &dyn Fn(&str) -> bool, out: &mut Vec<Problem>) {
    let instantiated = |e: &crate::model::Element| match &e.kind {
        Kind::EventBased(gateway) => gateway.instantiate,
        Kind::Receive(task) => task.instantiate,
        _ => false,
    };
    if process.starts().next().is_none() && !process.elements.iter().any(instantiated) {
        out.push(Problem {
            element: process.id.clone(),
            name: process.name.clone(),
            ..Problem::file("start", "The process has no start event.")
        });
    }
    let reached = reachable(process);
    for (index, element) in process.elements.iter().enumerate() {
        elements::check(process, element, out);
        if !reached[index] && !element.compensates && !inside_of_compensation(process, index) {
            out.push(elements::finding(element, true, "unreachable", "No path from a start event leads here."));
        }
        let quiet = match &element.kind {
            Kind::End(_) | Kind::Boundary(_) => true,
            Kind::SubProcess(sub) => sub.event,
            Kind::Throw(throw) => matches!(throw.trigger, crate::elements::throw_event::ThrowTrigger::Link(_)),
            _ => false,
        };
        let free = element.parent.is_some_and(
            |parent| matches!(&process.elements[parent].kind, Kind::SubProcess(sub) if sub.ad_hoc.is_some()),
        );
        if element.outgoing.is_empty() && !quiet && !element.compensates && !free {
            let gateway = matches!(
                element.kind,
                Kind::Exclusive | Kind::Parallel | Kind::EventBased(_) | Kind::Inclusive | Kind::Complex(_)
            );
            let message = "No flow leads out: the path ends here without an end event.";
            out.push(elements::finding(element, gateway, "no_flow", message));
        }
        let name = match &element.kind {
            Kind::User(task) => task.operation.as_deref(),
            Kind::Service(task) => Some(task.operation.as_str()),
            _ => None,
        };
        if let Some(name) = name.filter(|name| !name.is_empty() && !operation(name)) {
            let message = format!("There is no operation '{name}'.");
            out.push(elements::finding(element, true, "operation", message));
        }
    }
    for flow in &process.flows {
        let source = &process.elements[flow.source];
        if source.default.is_some_and(|default| process.flows[default].id == flow.id) && flow.condition.is_some() {
            let message = format!("The default flow '{}' has a condition, which is ignored.", flow.id);
            out.push(elements::finding(source, false, "condition", message));
        }
    }
}

/// True for what stands in an activity that compensates another.
fn inside_of_compensation(process: &Process, index: usize) -> bool {
    let mut at = process.elements[index].parent;
    while let Some(parent) = at {
        if process.elements[parent].compensates {
            return true;
        }
        at = process.elements[parent].parent;
    }
    false
}

/// Which elements a token can get to.
fn reachable(process: &Process) -> Vec<bool> {
    let mut reached = vec![false; process.elements.len()];
    let is_start = |index: &usize| {
        let element = &process.elements[*index];
        let event = matches!(&element.kind, Kind::SubProcess(sub) if sub.event);
        let own = match &element.kind {
            Kind::Start(_) => true,
            Kind::EventBased(gateway) => gateway.instantiate,
            Kind::Receive(task) => task.instantiate,
            _ => false,
        };
        element.parent.is_none() && own || event
    };
    let mut open: VecDeque<usize> = (0..process.elements.len()).filter(is_start).collect();
    while let Some(index) = open.pop_front() {
        if std::mem::replace(&mut reached[index], true) {
            continue;
        }
        let element = &process.elements[index];
        open.extend(element.outgoing.iter().map(|flow| process.flows[*flow].target));
        open.extend(&element.boundary);
        open.extend(process.derived.links.get(&index));
        if let Kind::SubProcess(sub) = &element.kind {
            let free = sub.ad_hoc.is_some() || !process.derived.starts.contains_key(&index);
            if free {
                let none =
                    |i: &usize| process.elements[*i].parent == Some(index) && process.elements[*i].incoming.is_empty();
                open.extend((0..process.elements.len()).filter(none));
            }
            let inner = |i: &usize| {
                process.elements[*i].parent == Some(index) && matches!(process.elements[*i].kind, Kind::Start(_))
            };
            open.extend((0..process.elements.len()).filter(inner));
        }
    }
    reached
}
