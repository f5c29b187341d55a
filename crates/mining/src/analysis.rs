//! What a log tells: variants, the directly-follows map with times, durations, bottlenecks.
//!
//! Everything goes by time order, ties in file order. A wait is the time between two events that follow each other in a case.

use crate::log::{Log, NONE};
use std::collections::HashMap;

/// A tuple of activities and how many cases went that way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The activities in order.
    pub activities: Vec<u32>,
    /// Cases.
    pub count: usize,
}

/// Two activities that follow each other directly.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// The first.
    pub from: u32,
    /// The second.
    pub to: u32,
    /// How often.
    pub count: usize,
    /// Sum of the waits in microseconds.
    pub total: i128,
    /// Middle wait in seconds.
    pub median: f64,
}

impl Edge {
    /// Mean wait in seconds.
    pub fn mean(&self) -> f64 {
        self.total as f64 / 1e6 / self.count as f64
    }
}

/// How long cases took, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Durations {
    /// The shortest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The middle.
    pub median: f64,
    /// The longest.
    pub max: f64,
}

/// What a log tells. Activities and resources are numbers of the log.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// Cases with at least one event.
    pub cases: usize,
    /// Events.
    pub events: usize,
    /// Activities with their events, the most frequent first.
    pub activities: Vec<(u32, usize)>,
    /// Variants, the most frequent first.
    pub variants: Vec<Variant>,
    /// Activities that cases begin with.
    pub starts: Vec<(u32, usize)>,
    /// Activities that cases end with.
    pub ends: Vec<(u32, usize)>,
    /// The directly-follows map, the most frequent first.
    pub edges: Vec<Edge>,
    /// Steps of the life cycle with their events.
    pub lifecycle: Vec<(u32, usize)>,
    /// Resources with their events, the most frequent first.
    pub resources: Vec<(u32, usize)>,
    /// How long cases took.
    pub durations: Durations,
    /// First and last event.
    pub span: Option<(i64, i64)>,
    /// Events of the longest case.
    pub longest: usize,
    /// Cases in which an activity follows itself.
    pub self_loops: usize,
    /// Cases whose events do not stand in time order in the file.
    pub unordered: usize,
    /// By activity: cases in which it was done, and in which more than once.
    pub repeated: HashMap<u32, (usize, usize)>,
    /// Pairs must be seen so often to count as a bottleneck by mean wait: max(10, 1 % of cases).
    pub least: f64,
}

impl Analysis {
    /// Edges by the sum of their waits, the largest first.
    pub fn by_total(&self) -> Vec<&Edge> {
        let mut edges: Vec<&Edge> = self.edges.iter().collect();
        edges.sort_by_key(|edge| std::cmp::Reverse(edge.total));
        edges
    }

    /// Edges seen often enough by their mean wait, the largest first.
    pub fn by_mean(&self) -> Vec<&Edge> {
        let mut edges: Vec<&Edge> = self.edges.iter().filter(|e| e.count as f64 >= self.least).collect();
        edges.sort_by(|a, b| b.mean().total_cmp(&a.mean()));
        edges
    }
}

/// Analyses a log.
pub fn analyse(log: &Log) -> Analysis {
    let mut analysis = Analysis::default();
    let mut variants: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut waits: HashMap<(u32, u32), Vec<i64>> = HashMap::new();
    let (mut activities, mut starts, mut ends, mut resources, mut lifecycle) =
        (Counts::new(), Counts::new(), Counts::new(), Counts::new(), Counts::new());
    let mut durations: Vec<i64> = Vec::with_capacity(log.cases.len());
    let mut times = Vec::new();
    let mut names = Vec::new();
    for case in &log.cases {
        if case.events.is_empty() {
            continue;
        }
        times.clear();
        times.extend(case.events.iter().map(|e| (e.at, e.activity)));
        if times.windows(2).any(|pair| pair[1].0 < pair[0].0) {
            analysis.unordered += 1;
            times.sort_by_key(|(at, _)| *at);
        }
        analysis.cases += 1;
        analysis.events += times.len();
        analysis.longest = analysis.longest.max(times.len());
        let (first, last) = (times[0], times[times.len() - 1]);
        durations.push(last.0 - first.0);
        starts.add(first.1);
        ends.add(last.1);
        let (from, to) = analysis.span.unwrap_or((first.0, last.0));
        analysis.span = Some((from.min(first.0), to.max(last.0)));
        let mut again = false;
        for pair in times.windows(2) {
            again |= pair[0].1 == pair[1].1;
            waits.entry((pair[0].1, pair[1].1)).or_default().push(pair[1].0 - pair[0].0);
        }
        analysis.self_loops += usize::from(again);
        for event in &case.events {
            activities.add(event.activity);
            resources.add(event.resource);
            lifecycle.add(event.lifecycle);
        }
        names.clear();
        names.extend(times.iter().map(|(_, activity)| *activity));
        match variants.get_mut(&names) {
            Some(count) => *count += 1,
            None => {
                variants.insert(names.clone(), 1);
            }
        }
        names.sort_unstable();
        for group in names.chunk_by(|a, b| a == b) {
            let place = analysis.repeated.entry(group[0]).or_default();
            place.0 += 1;
            place.1 += usize::from(group.len() > 1);
        }
    }
    analysis.activities = activities.sorted(log);
    analysis.starts = starts.sorted(log);
    analysis.ends = ends.sorted(log);
    analysis.resources = resources.sorted(log);
    analysis.lifecycle = lifecycle.sorted(log);
    analysis.variants = variants.into_iter().map(|(activities, count)| Variant { activities, count }).collect();
    analysis.variants.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.activities.cmp(&b.activities)));
    let edge = |((from, to), mut waits): ((u32, u32), Vec<i64>)| {
        let total = waits.iter().map(|w| i128::from(*w)).sum();
        Edge { from, to, count: waits.len(), total, median: median(&mut waits) }
    };
    analysis.edges = waits.into_iter().map(edge).collect();
    let name = |number: u32| log.name(number);
    analysis.edges.sort_by(|a, b| {
        b.count.cmp(&a.count).then_with(|| (name(a.from), name(a.to)).cmp(&(name(b.from), name(b.to))))
    });
    if !durations.is_empty() {
        let sum: i128 = durations.iter().map(|d| i128::from(*d)).sum();
        let mean = sum as f64 / 1e6 / durations.len() as f64;
        let middle = median(&mut durations);
        let seconds = |micros: Option<&i64>| micros.map_or(0.0, |m| *m as f64 / 1e6);
        analysis.durations = Durations {
            min: seconds(durations.iter().min()),
            mean,
            median: middle,
            max: seconds(durations.iter().max()),
        };
    }
    analysis.least = (analysis.cases as f64 / 100.0).max(10.0);
    analysis
}

/// The middle in seconds; of two the mean.
fn median(values: &mut [i64]) -> f64 {
    let (middle, odd) = (values.len() / 2, !values.len().is_multiple_of(2));
    if values.is_empty() {
        return 0.0;
    }
    let (below, upper, _) = values.select_nth_unstable(middle);
    let upper = *upper;
    if odd {
        return upper as f64 / 1e6;
    }
    let lower = below.iter().max().copied().unwrap_or(upper);
    (lower as f64 + upper as f64) / 2e6
}

/// Counts by number.
struct Counts(Vec<usize>);

impl Counts {
    fn new() -> Self {
        Self(Vec::new())
    }
    fn add(&mut self, number: u32) {
        if number == NONE {
            return;
        }
        let at = number as usize;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] += 1;
    }
    /// The most frequent first, then by name.
    fn sorted(self, log: &Log) -> Vec<(u32, usize)> {
        let mut all: Vec<(u32, usize)> =
            self.0.into_iter().enumerate().filter(|(_, n)| *n > 0).map(|(i, n)| (i as u32, n)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| log.name(a.0).cmp(log.name(b.0))));
        all
    }
}
