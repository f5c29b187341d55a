//! A process as a graph for small diagrams, and what comes next in it.

use crate::model::{Process, Texts};
use serde::Serialize;
use std::collections::{BTreeSet, VecDeque};

/// An element for drawing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// Its name, or empty.
    pub name: String,
    /// Names by language.
    pub names: Texts,
    /// Its kind, such as `user_task`.
    pub kind: String,
    /// Its lane.
    pub lane: Option<String>,
    /// The sub-process it stands in.
    pub parent: Option<String>,
    /// Ids of the boundary events on it.
    pub boundary: Vec<String>,
    /// Flows out of it.
    pub outgoing: Vec<Edge>,
}

/// A flow for drawing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Its id.
    pub id: String,
    /// Its name, or empty.
    pub name: String,
    /// Id of the element it enters.
    pub target: String,
    /// The condition as text.
    pub condition: Option<String>,
    /// True for the default flow.
    pub default: bool,
}

/// A user task that can come next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Names by language.
    pub names: Texts,
}

/// The elements of a process in the order of the file.
pub fn graph(process: &Process) -> Vec<Node> {
    let id = |index: &usize| process.elements[*index].id.clone();
    let nodes = process.elements.iter().map(|element| Node {
        id: element.id.clone(),
        name: element.name.clone(),
        names: element.names.clone(),
        kind: element.kind.name().to_owned(),
        lane: element.lane.clone(),
        parent: element.parent.as_ref().map(id),
        boundary: element.boundary.iter().map(id).collect(),
        outgoing: element
            .outgoing
            .iter()
            .map(|index| {
                let flow = &process.flows[*index];
                Edge {
                    id: flow.id.clone(),
                    name: flow.name.clone(),
                    target: id(&flow.target),
                    condition: flow.condition.as_ref().map(|c| c.text().to_owned()),
                    default: element.default == Some(*index),
                }
            })
            .collect(),
    });
    nodes.collect()
}

/// The user tasks that can be reached from an element without passing another, nearest first. Boundary events are
/// exceptions and left out, unless the element is one itself. Empty for an unknown element.
pub fn next_steps(process: &Process, element: &str) -> Vec<Step> {
    use crate::model::Kind;
    let Some(from) = process.by_id.get(element).copied() else { return Vec::new() };
    let follow = |index: usize, open: &mut VecDeque<usize>| {
        let at = &process.elements[index];
        open.extend(at.outgoing.iter().map(|flow| process.flows[*flow].target));
        // The end of a sub-process goes on behind it.
        if at.outgoing.is_empty()
            && let Some(parent) = at.parent
        {
            open.extend(process.elements[parent].outgoing.iter().map(|flow| process.flows[*flow].target));
        }
    };
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut open = VecDeque::new();
    follow(from, &mut open);
    while let Some(index) = open.pop_front() {
        if !seen.insert(index) {
            continue;
        }
        let at = &process.elements[index];
        match &at.kind {
            Kind::User(_) => found.push(Step { id: at.id.clone(), name: at.name.clone(), names: at.names.clone() }),
            Kind::SubProcess(_) => {
                let inner = |(_, e): &(usize, &crate::model::Element)| {
                    e.parent == Some(index) && matches!(e.kind, Kind::Start(_))
                };
                open.extend(process.elements.iter().enumerate().filter(inner).map(|(i, _)| i));
            }
            _ => follow(index, &mut open),
        }
    }
    found
}
