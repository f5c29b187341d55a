//! The states that a process can be in, without its data: finds deadlocks and paths that come together without being
//! synchronised. Conditions are taken as free choices; boundary and event sub-process triggers as happening at any time.

use crate::elements::{finding, start_event::StartTrigger};
use crate::model::{Kind, Process};
use crate::problem::Problem;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

/// Most states that are looked at.
pub const MAX_STATES: usize = 100_000;
/// Most flows of an inclusive gateway that are combined freely.
const MAX_COMBINED: usize = 6;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explored {
    /// Every state leads to the end.
    Sound {
        /// States looked at.
        states: usize,
    },
    /// Too many states, or something whose states are not counted so.
    NotDecided {
        /// States looked at.
        states: usize,
    },
    /// There are states that do not lead to the end, or flows that get a second token.
    Unsound {
        /// States looked at.
        states: usize,
        /// Where.
        problems: Vec<Problem>,
    },
}

/// A step: tokens taken from flows and put on flows; by which element.
struct Move {
    element: usize,
    takes: Vec<usize>,
    puts: Vec<usize>,
}

/// Looks at the states of a process and of each of its sub-processes, which are judged by themselves.
pub fn explore(process: &Process) -> Explored {
    let mut scopes: Vec<Option<usize>> = vec![None];
    for (index, element) in process.elements.iter().enumerate() {
        if let Kind::SubProcess(sub) = &element.kind
            && sub.ad_hoc.is_none()
        {
            scopes.push(Some(index));
        }
    }
    let (mut states, mut problems, mut open) = (0, Vec::new(), false);
    for scope in scopes {
        let decided = one(process, scope, &mut states, &mut problems);
        open |= !decided;
    }
    match (problems.is_empty(), open) {
        (false, _) => Explored::Unsound { states, problems },
        (true, true) => Explored::NotDecided { states },
        (true, false) => Explored::Sound { states },
    }
}

/// One scope: true where all of its states were seen.
fn one(process: &Process, scope: Option<usize>, states: &mut usize, problems: &mut Vec<Problem>) -> bool {
    let inside = |index: &usize| process.elements[*index].parent == scope;
    let elements: Vec<usize> = (0..process.elements.len()).filter(inside).collect();
    // Places: the flows, then one for each element's inside.
    let place = |element: usize| process.flows.len() + element;
    let mut moves = Vec::new();
    let mut starts = Vec::new();
    let mut joins: HashMap<usize, usize> = HashMap::new();
    for index in elements.iter().copied() {
        let element = &process.elements[index];
        let outs = element.outgoing.clone();
        let all = |puts: Vec<usize>, takes: Vec<usize>| Move { element: index, takes, puts };
        match &element.kind {
            Kind::Unsupported(_) => return false,
            Kind::Start(start) => {
                let first = start.trigger == StartTrigger::None
                    || scope.is_none()
                    || process.derived.starts.get(&scope.unwrap_or(0)) == Some(&index);
                if first {
                    starts.push(outs);
                }
            }
            Kind::Boundary(_) => {}
            Kind::SubProcess(sub) if sub.event => {}
            Kind::Parallel => moves.push(all(outs, element.incoming.clone())),
            Kind::Exclusive | Kind::EventBased(_) => {
                if let Kind::EventBased(event) = &element.kind
                    && event.instantiate
                {
                    starts.extend(outs.iter().map(|f| vec![*f]));
                }
                for from in &element.incoming {
                    for to in &outs {
                        moves.push(all(vec![*to], vec![*from]));
                    }
                }
            }
            Kind::Inclusive | Kind::Complex(_) => {
                if element.incoming.len() > 1 {
                    joins.insert(index, 0);
                }
                if outs.len() > MAX_COMBINED {
                    return false;
                }
                for from in &element.incoming {
                    for puts in subsets(&outs) {
                        moves.push(all(puts, vec![*from]));
                    }
                }
            }
            kind => {
                if element.compensates {
                    continue;
                }
                let middle = place(index);
                for from in &element.incoming {
                    moves.push(all(vec![middle], vec![*from]));
                }
                if element.incoming.is_empty() && !matches!(kind, Kind::Catch(_)) {
                    starts.push(vec![middle]);
                }
                // Conditions on the flows out of an activity choose freely, at least one.
                let free: Vec<usize> = outs
                    .iter()
                    .copied()
                    .filter(|f| process.flows[*f].condition.is_some() || element.default == Some(*f))
                    .collect();
                let fixed: Vec<usize> = outs.iter().copied().filter(|f| !free.contains(f)).collect();
                if let Some(target) = process.derived.links.get(&index) {
                    moves.push(all(process.elements[*target].outgoing.clone(), vec![middle]));
                } else if free.is_empty() {
                    moves.push(all(outs, vec![middle]));
                } else if free.len() > MAX_COMBINED {
                    return false;
                } else {
                    for mut puts in subsets(&free) {
                        puts.extend(&fixed);
                        moves.push(all(puts, vec![middle]));
                    }
                    if !fixed.is_empty() {
                        moves.push(all(fixed, vec![middle]));
                    }
                }
                for event in &element.boundary {
                    let Kind::Boundary(boundary) = &process.elements[*event].kind else { continue };
                    // What does not interrupt adds tokens beside: it ends by itself and is not counted.
                    if boundary.interrupting && !process.elements[*event].outgoing.is_empty() {
                        let puts = process.elements[*event].outgoing.clone();
                        moves.push(Move { element: *event, takes: vec![middle], puts });
                    }
                }
            }
        }
    }
    walk(process, scope, &moves, starts, &joins, states, problems)
}

type Marking = Vec<usize>;

fn walk(
    process: &Process,
    scope: Option<usize>,
    moves: &[Move],
    starts: Vec<Vec<usize>>,
    joins: &HashMap<usize, usize>,
    states: &mut usize,
    problems: &mut Vec<Problem>,
) -> bool {
    let mut by_take: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, step) in moves.iter().enumerate() {
        for take in &step.takes {
            by_take.entry(*take).or_default().push(index);
        }
    }
    let mut seen: HashSet<Marking> = HashSet::new();
    let mut open: VecDeque<Marking> = VecDeque::new();
    for mut start in starts {
        start.sort_unstable();
        if seen.insert(start.clone()) {
            open.push_back(start);
        }
    }
    let (mut stuck, mut double): (BTreeSet<usize>, BTreeSet<usize>) = Default::default();
    let mut whole = true;
    while let Some(at) = open.pop_front() {
        *states += 1;
        if *states > MAX_STATES {
            whole = false;
            break;
        }
        let possible: BTreeSet<usize> = at.iter().flat_map(|p| by_take.get(p).into_iter().flatten().copied()).collect();
        let mut moved = at.is_empty();
        for index in possible {
            let step = &moves[index];
            let has = |take: &usize| at.contains(take);
            let join = joins.contains_key(&step.element);
            if !step.takes.iter().all(has) {
                continue;
            }
            let mut next = at.clone();
            let mut takes = step.takes.clone();
            if join {
                // All tokens that are here go on together, once no other can come.
                let gateway = &process.elements[step.element];
                let here: Vec<usize> = gateway.incoming.iter().copied().filter(|f| at.contains(f)).collect();
                if here.first() != step.takes.first() || comes(process, step.element, &at, &here) {
                    continue;
                }
                takes = here;
            }
            for take in &takes {
                if let Some(place) = next.iter().position(|p| p == take) {
                    next.remove(place);
                }
            }
            // A terminate end event ends all.
            if ends_all(process, step.element)
                && step.puts.is_empty()
                && step.takes.iter().all(|p| *p >= process.flows.len())
            {
                next.clear();
            }
            moved = true;
            let mut twice = false;
            for put in &step.puts {
                if next.contains(put) {
                    double.insert(*put);
                    twice = true;
                }
                next.push(*put);
            }
            next.sort_unstable();
            if !twice && seen.insert(next.clone()) {
                open.push_back(next);
            }
        }
        if !moved {
            let waits = at
                .iter()
                .map(|p| if *p < process.flows.len() { process.flows[*p].target } else { p - process.flows.len() });
            stuck.extend(waits);
        }
    }
    let _ = scope;
    for index in stuck {
        let message = "Tokens can wait here for ever: a deadlock.";
        problems.push(finding(&process.elements[index], false, "deadlock", message));
    }
    for flow in double.into_iter().filter(|f| *f < process.flows.len()) {
        let element = &process.elements[process.flows[flow].target];
        let message =
            format!("Two tokens can come by the flow '{}': paths are not synchronised.", process.flows[flow].id);
        problems.push(finding(element, false, "unsynchronised", message));
    }
    whole
}

/// True where another token can still come to a joining gateway.
fn comes(process: &Process, gateway: usize, at: &[usize], here: &[usize]) -> bool {
    let Some(tables) = process.derived.upstream.get(&gateway) else { return false };
    let element = &process.elements[gateway];
    at.iter().filter(|p| !here.contains(p)).any(|p| {
        let node = if *p < process.flows.len() { process.flows[*p].target } else { p - process.flows.len() };
        let leads = |wanted: bool| {
            element.incoming.iter().enumerate().any(|(i, f)| here.contains(f) == wanted && tables[i][node])
        };
        node != gateway && leads(false) && !leads(true)
    })
}

fn ends_all(process: &Process, element: usize) -> bool {
    use crate::elements::end_event::EndEvent;
    matches!(&process.elements[element].kind, Kind::End(EndEvent::Terminate | EndEvent::Error(_) | EndEvent::Cancel))
}

fn subsets(all: &[usize]) -> Vec<Vec<usize>> {
    if all.is_empty() {
        return vec![Vec::new()];
    }
    (1u32..1 << all.len())
        .map(|mask| all.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, f)| *f).collect())
        .collect()
}
