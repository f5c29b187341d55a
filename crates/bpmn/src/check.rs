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
    if process.starts().next().is_none() {
        out.push(Problem {
            element: process.id.clone(),
            name: process.name.clone(),
            ..Problem::file("start", "The process has no start event.")
        });
    }
    let reached = reachable(process);
    for (index, element) in process.elements.iter().enumerate() {
        elements::check(process, element, out);
        if !reached[index] {
            out.push(elements::finding(element, true, "unreachable", "No path from a start event leads here."));
        }
        if element.outgoing.is_empty() && !matches!(element.kind, Kind::End(_) | Kind::Boundary(_)) {
            let gateway = matches!(element.kind, Kind::Exclusive | Kind::Parallel | Kind::EventBased);
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

/// Which elements a token can get to.
fn reachable(process: &Process) -> Vec<bool> {
    let mut reached = vec![false; process.elements.len()];
    let is_start = |index: &usize| {
        let element = &process.elements[*index];
        element.parent.is_none() && matches!(element.kind, Kind::Start(_))
    };
    let mut open: VecDeque<usize> = (0..process.elements.len()).filter(is_start).collect();
    while let Some(index) = open.pop_front() {
        if std::mem::replace(&mut reached[index], true) {
            continue;
        }
        let element = &process.elements[index];
        open.extend(element.outgoing.iter().map(|flow| process.flows[*flow].target));
        open.extend(&element.boundary);
        if matches!(element.kind, Kind::SubProcess) {
            let inner = |i: &usize| {
                process.elements[*i].parent == Some(index) && matches!(process.elements[*i].kind, Kind::Start(_))
            };
            open.extend((0..process.elements.len()).filter(inner));
        }
    }
    reached
}
