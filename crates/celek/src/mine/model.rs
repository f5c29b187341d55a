//! A BPMN model as a net to replay a log in.

use std::collections::HashMap;

use bpmn::{Definitions, Kind, Process};
use mining::{Conformance, Net};
use serde_json::{Value as J, json};

use crate::output;

/// Most flows out of or into an inclusive gateway: every combination is a step of its own.
const MAX_INCLUSIVE: usize = 8;

/// The net of a process; activities go by their names, those without by their ids.
pub fn net(xml: &str, process: Option<&str>) -> Result<Net, String> {
    let definitions = Definitions::read(xml).map_err(|p| p.first().map_or_else(String::new, ToString::to_string))?;
    let found =
        definitions.processes.iter().find(|p| process.is_none_or(|wanted| p.id == wanted) && !p.elements.is_empty());
    let process = found.ok_or_else(|| "the file has no such process".to_owned())?;
    let mut net = Net::new();
    let flows: Vec<usize> = process.flows.iter().map(|_| net.place()).collect();
    let mut inner: HashMap<usize, (usize, usize)> = HashMap::new();
    for (index, element) in process.elements.iter().enumerate() {
        if matches!(element.kind, Kind::SubProcess(_)) {
            inner.insert(index, (net.place(), net.place()));
        }
    }
    for (index, element) in process.elements.iter().enumerate() {
        let takes: Vec<usize> = element.incoming.iter().map(|f| flows[*f]).collect();
        let puts: Vec<usize> = element.outgoing.iter().map(|f| flows[*f]).collect();
        let (begin, end) = match element.parent {
            Some(parent) => inner.get(&parent).copied().unwrap_or((net.start(), net.end())),
            None => (net.start(), net.end()),
        };
        let name = if element.name.is_empty() { &element.id } else { &element.name };
        let ways_in = if takes.is_empty() { vec![begin] } else { takes.clone() };
        let all_out = if puts.is_empty() { vec![end] } else { puts.clone() };
        match &element.kind {
            Kind::Exclusive | Kind::EventBased(_) => {
                for from in &ways_in {
                    for to in &all_out {
                        net.transition(None, vec![*from], vec![*to]);
                    }
                }
            }
            Kind::Parallel => net.transition(None, ways_in, all_out),
            Kind::Inclusive | Kind::Complex(_) => {
                if ways_in.len() > MAX_INCLUSIVE || all_out.len() > MAX_INCLUSIVE {
                    return Err(format!("{name}: an inclusive gateway with more than {MAX_INCLUSIVE} flows"));
                }
                for from in subsets(&ways_in) {
                    for to in subsets(&all_out) {
                        net.transition(None, from.clone(), to);
                    }
                }
            }
            Kind::SubProcess(sub) if sub.event => {}
            Kind::SubProcess(_) => {
                let (first, last) = inner[&index];
                for from in &ways_in {
                    net.transition(None, vec![*from], vec![first]);
                }
                net.transition(None, vec![last], all_out);
                // Interrupted from the edge: what is inside stays behind.
                for event in &element.boundary {
                    boundary(process, *event, first, &flows, &mut net);
                }
            }
            // Leaves from the edge of its activity.
            Kind::Boundary(_) => {}
            kind => {
                let visible = kind.is_activity().then_some(name.as_str());
                let middle = net.place();
                for from in &ways_in {
                    net.transition(None, vec![*from], vec![middle]);
                }
                net.transition(visible, vec![middle], all_out);
                for event in &element.boundary {
                    boundary(process, *event, middle, &flows, &mut net);
                }
            }
        }
    }
    Ok(net)
}

fn boundary(process: &Process, event: usize, from: usize, flows: &[usize], net: &mut Net) {
    let element = &process.elements[event];
    let Kind::Boundary(kind) = &element.kind else { return };
    let mut puts: Vec<usize> = element.outgoing.iter().map(|f| flows[*f]).collect();
    if puts.is_empty() {
        return;
    }
    if !kind.interrupting {
        puts.push(from);
    }
    net.transition(None, vec![from], puts);
}

fn subsets(all: &[usize]) -> Vec<Vec<usize>> {
    (1u32..1 << all.len())
        .map(|mask| all.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, p)| *p).collect())
        .collect()
}

/// For programs.
pub fn document(found: &Conformance) -> J {
    let deviations: Vec<J> = found
        .deviations
        .iter()
        .map(|d| json!({"kind": d.kind, "activity": d.activity, "after": d.after, "cases": d.cases}))
        .collect();
    let [produced, consumed, missing, remaining] = found.tokens;
    json!({
        "fitness": (found.fitness * 1e6).round() / 1e6, "fitting_cases": found.fitting, "cases": found.cases,
        "produced": produced, "consumed": consumed, "missing": missing, "remaining": remaining,
        "deviations": deviations,
    })
}

/// For people.
pub fn tell(found: &Conformance) {
    let czech = crate::open::language() == kernel::Language::Cs;
    let head = if czech { "shoda s modelem" } else { "fitness" };
    output::print_line(&format!("{head}: {:.3} ({}/{})", found.fitness, found.fitting, found.cases));
    for d in found.deviations.iter().take(20) {
        let after = d.after.as_deref().unwrap_or("-");
        let text = match (d.kind, czech) {
            ("unknown", false) => format!("“{}” is not in the model ({} cases)", d.activity, d.cases),
            ("unknown", true) => format!("„{}“ v modelu není ({} případů)", d.activity, d.cases),
            ("unexpected", false) => format!("“{}” after “{after}” is not foreseen ({} cases)", d.activity, d.cases),
            ("unexpected", true) => format!("„{}“ po „{after}“ model nezná ({} případů)", d.activity, d.cases),
            (_, false) => format!("stops at “{}” before the end ({} cases)", d.activity, d.cases),
            (_, true) => format!("končí u „{}“ před koncem ({} případů)", d.activity, d.cases),
        };
        output::print_line(&output::cell(&json!(text)));
    }
}
