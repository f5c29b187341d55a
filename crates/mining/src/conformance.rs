//! Does a log go the way of a model? Token replay: every case is played in a net made of the model; what had to be lent
//! (missing tokens) and what was left over (remaining tokens) tells how far it fits, and where it deviates.

use crate::analysis::Analysis;
use crate::log::Log;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Markings that are looked at to find the silent steps before an activity.
const MAX_SEARCH: usize = 2_000;

/// A net: transitions that take a token from each of some places and put one into each of others.
#[derive(Clone, Debug, Default)]
pub struct Net {
    places: usize,
    transitions: Vec<Transition>,
    by_name: HashMap<String, Vec<usize>>,
    start: usize,
    end: usize,
}

#[derive(Clone, Debug)]
struct Transition {
    takes: Vec<usize>,
    puts: Vec<usize>,
    visible: bool,
}

/// Why a model cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetError(
    /// The element and what about it.
    pub String,
);

impl std::fmt::Display for NetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for NetError {}

impl Net {
    /// A net with a start and an end place.
    pub fn new() -> Self {
        Self { places: 2, start: 0, end: 1, ..Self::default() }
    }

    /// Where the first token is.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Where the last token is to be.
    pub fn end(&self) -> usize {
        self.end
    }

    /// A new place.
    pub fn place(&mut self) -> usize {
        self.places += 1;
        self.places - 1
    }

    /// A transition; one with a name is an activity, one without is silent.
    pub fn transition(&mut self, name: Option<&str>, takes: Vec<usize>, puts: Vec<usize>) {
        if let Some(name) = name {
            self.by_name.entry(name.to_owned()).or_default().push(self.transitions.len());
        }
        self.transitions.push(Transition { takes, puts, visible: name.is_some() });
    }

    fn enabled(&self, transition: usize, marking: &[u16]) -> bool {
        let takes = &self.transitions[transition].takes;
        takes.iter().all(|p| marking[*p] > 0)
    }

    /// The silent steps after which one of the transitions, or the end alone, is reached.
    fn silent(&self, marking: &[u16], goal: &dyn Fn(&[u16]) -> bool) -> Option<Vec<usize>> {
        let mut seen: HashSet<Vec<u16>> = HashSet::from([marking.to_vec()]);
        let mut open = VecDeque::from([(marking.to_vec(), Vec::new())]);
        while let Some((at, path)) = open.pop_front() {
            if goal(&at) {
                return Some(path);
            }
            if seen.len() > MAX_SEARCH {
                continue;
            }
            for (index, transition) in self.transitions.iter().enumerate() {
                if transition.visible || !self.enabled(index, &at) {
                    continue;
                }
                let mut next = at.clone();
                for place in &transition.takes {
                    next[*place] -= 1;
                }
                for place in &transition.puts {
                    next[*place] += 1;
                }
                if seen.insert(next.clone()) {
                    let mut path = path.clone();
                    path.push(index);
                    open.push_back((next, path));
                }
            }
        }
        None
    }
}

/// How a log fits a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conformance {
    /// Between 0 and 1: ½(1 − missing/consumed) + ½(1 − remaining/produced).
    pub fitness: f64,
    /// Cases that fit without a deviation.
    pub fitting: usize,
    /// Cases.
    pub cases: usize,
    /// Tokens that were produced, consumed, missing, remaining.
    pub tokens: [u64; 4],
    /// Where cases deviate, the most frequent first.
    pub deviations: Vec<Deviation>,
}

/// One way in which cases deviate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// `unknown` (the model has no such activity), `unexpected` (done when it was not due), `unfinished` (the case stops
    /// before the end of the model).
    pub kind: &'static str,
    /// The activity, or for an unfinished case the last one.
    pub activity: String,
    /// The activity before it, if there was one.
    pub after: Option<String>,
    /// Cases.
    pub cases: usize,
}

/// Replays a log.
pub fn conformance(log: &Log, analysis: &Analysis, net: &Net) -> Conformance {
    let mut sum = [0u64; 4];
    let mut out = Conformance { cases: analysis.cases, ..Conformance::default() };
    let mut deviations: BTreeMap<(&'static str, String, Option<String>), usize> = BTreeMap::new();
    for variant in &analysis.variants {
        let mut marking = vec![0u16; net.places];
        marking[net.start] = 1;
        let [mut produced, mut consumed, mut missing] = [1u64, 0, 0];
        let mut found: HashSet<(&'static str, String, Option<String>)> = HashSet::new();
        let mut before: Option<String> = None;
        let fire = |index: usize, marking: &mut Vec<u16>, produced: &mut u64, consumed: &mut u64| {
            let transition = &net.transitions[index];
            for place in &transition.takes {
                marking[*place] = marking[*place].saturating_sub(1);
            }
            for place in &transition.puts {
                marking[*place] = marking[*place].saturating_add(1);
            }
            *consumed += transition.takes.len() as u64;
            *produced += transition.puts.len() as u64;
        };
        for activity in &variant.activities {
            let name = log.name(*activity);
            let Some(candidates) = net.by_name.get(name) else {
                found.insert(("unknown", name.to_owned(), before.clone()));
                // An activity that the model does not have takes a token that nobody gave and leaves one.
                missing += 1;
                consumed += 1;
                produced += 1;
                sum[3] += variant.count as u64;
                before = Some(name.to_owned());
                continue;
            };
            let goal = |at: &[u16]| candidates.iter().any(|c| net.enabled(*c, at));
            if let Some(path) = net.silent(&marking, &goal) {
                for index in path {
                    fire(index, &mut marking, &mut produced, &mut consumed);
                }
            }
            let chosen = candidates.iter().copied().find(|c| net.enabled(*c, &marking));
            let index = chosen.unwrap_or(candidates[0]);
            if chosen.is_none() {
                found.insert(("unexpected", name.to_owned(), before.clone()));
                for place in &net.transitions[index].takes {
                    if marking[*place] == 0 {
                        marking[*place] = 1;
                        missing += 1;
                    }
                }
            }
            fire(index, &mut marking, &mut produced, &mut consumed);
            before = Some(name.to_owned());
        }
        let done = |at: &[u16]| at[net.end] > 0 && at.iter().map(|n| u64::from(*n)).sum::<u64>() == 1;
        let ended = |at: &[u16]| at[net.end] > 0;
        let path = net.silent(&marking, &done).or_else(|| net.silent(&marking, &ended));
        for index in path.unwrap_or_default() {
            fire(index, &mut marking, &mut produced, &mut consumed);
        }
        consumed += 1;
        if marking[net.end] == 0 {
            missing += 1;
            found.insert(("unfinished", before.clone().unwrap_or_default(), None));
        } else {
            marking[net.end] -= 1;
        }
        let remaining: u64 = marking.iter().map(|n| u64::from(*n)).sum();
        let count = variant.count as u64;
        for (place, value) in sum.iter_mut().zip([produced, consumed, missing, remaining]) {
            *place += value * count;
        }
        if found.is_empty() && missing == 0 && remaining == 0 {
            out.fitting += variant.count;
        }
        for deviation in found {
            *deviations.entry(deviation).or_default() += variant.count;
        }
    }
    let [produced, consumed, missing, remaining] = sum;
    let part = |bad: u64, all: u64| if all == 0 { 1.0 } else { 1.0 - bad as f64 / all as f64 };
    out.fitness = (part(missing, consumed) + part(remaining, produced)) / 2.0;
    out.tokens = sum;
    out.deviations = deviations
        .into_iter()
        .map(|((kind, activity, after), cases)| Deviation { kind, activity, after, cases })
        .collect();
    out.deviations.sort_by_key(|deviation| std::cmp::Reverse(deviation.cases));
    out
}
