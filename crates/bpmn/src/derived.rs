//! What is worked out once from the elements and flows of a process, so that a step does not search.

use crate::elements::catch_event::CatchTrigger;
use crate::elements::start_event::StartTrigger;
use crate::elements::throw_event::ThrowTrigger;
use crate::model::{Kind, Process};
use std::collections::HashMap;

/// Most work for the tables of joining gateways, in elements visited.
const MAX_WORK: usize = 20_000_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Derived {
    /// Start event without a trigger of each sub-process, or the only one of an event sub-process.
    pub starts: HashMap<usize, usize>,
    /// Start events of event sub-processes, by the sub-process around (none: the process itself).
    pub events: HashMap<Option<usize>, Vec<usize>>,
    /// By inclusive or complex gateway: for each of its flows in, which elements lead to it without passing the gateway.
    pub upstream: HashMap<usize, Vec<Vec<bool>>>,
    /// Where a link leads to.
    pub links: HashMap<usize, usize>,
}

impl Derived {
    pub fn of(process: &Process) -> Self {
        let mut derived = Self::default();
        let mut catches: HashMap<(Option<usize>, &str), usize> = HashMap::new();
        for (index, element) in process.elements.iter().enumerate() {
            match &element.kind {
                Kind::Start(start) => {
                    let Some(parent) = element.parent else { continue };
                    let event = matches!(&process.elements[parent].kind, Kind::SubProcess(sub) if sub.event);
                    if event {
                        derived.starts.entry(parent).or_insert(index);
                        derived.events.entry(process.elements[parent].parent).or_default().push(index);
                    } else if start.trigger == StartTrigger::None {
                        derived.starts.entry(parent).or_insert(index);
                    }
                }
                Kind::Catch(event) => {
                    if let CatchTrigger::Link(name) = &event.trigger {
                        catches.insert((element.parent, name), index);
                    }
                }
                _ => {}
            }
        }
        for (index, element) in process.elements.iter().enumerate() {
            if let Some(ThrowTrigger::Link(name)) = thrown(&element.kind)
                && let Some(target) = catches.get(&(element.parent, name.as_str()))
            {
                derived.links.insert(index, *target);
            }
        }
        let mut into: Vec<Vec<usize>> = vec![Vec::new(); process.elements.len()];
        for flow in &process.flows {
            into[flow.target].push(flow.source);
        }
        for (host, element) in process.elements.iter().enumerate() {
            for event in &element.boundary {
                into[*event].push(host);
            }
        }
        for (throw, catch) in &derived.links {
            into[*catch].push(*throw);
        }
        let mut work = 0;
        for (gateway, element) in process.elements.iter().enumerate() {
            if element.incoming.len() < 2 || !matches!(element.kind, Kind::Inclusive | Kind::Complex(_)) {
                continue;
            }
            let mut tables = Vec::with_capacity(element.incoming.len());
            for flow in &element.incoming {
                let mut reach = vec![false; process.elements.len()];
                let mut open = vec![process.flows[*flow].source];
                while let Some(at) = open.pop() {
                    work += 1;
                    if at == gateway || work > MAX_WORK || std::mem::replace(&mut reach[at], true) {
                        continue;
                    }
                    open.extend(&into[at]);
                }
                tables.push(reach);
            }
            derived.upstream.insert(gateway, tables);
        }
        derived
    }
}

/// What an element throws.
pub(crate) fn thrown(kind: &Kind) -> Option<&ThrowTrigger> {
    match kind {
        Kind::Throw(throw) => Some(&throw.trigger),
        Kind::End(crate::EndEvent::Throw(trigger)) => Some(trigger),
        _ => None,
    }
}
