//! Findings in plain words: where time is lost, what is done again.

use crate::analysis::Analysis;
use crate::log::Log;

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Stable code: `wait_total`, `wait_mean`, `rework`, `self_loop`, `rare`, `slow_tail`.
    pub code: &'static str,
    /// The activities it is about.
    pub activities: Vec<String>,
    /// In English.
    pub en: String,
    /// In Czech.
    pub cs: String,
}

/// What to look at first, the costliest first.
pub fn findings(log: &Log, analysis: &Analysis) -> Vec<Finding> {
    let mut out = Vec::new();
    let name = |number: u32| log.name(number).to_owned();
    let all: i128 = analysis.edges.iter().map(|e| e.total).sum();
    for edge in analysis.by_total().into_iter().take(3).filter(|e| e.total > 0) {
        let share = (edge.total as f64 / all as f64 * 100.0).round();
        let (from, to) = (name(edge.from), name(edge.to));
        let (en, cs) = (span(edge.mean(), false), span(edge.mean(), true));
        out.push(Finding {
            code: "wait_total",
            en: format!(
                "{share} % of all waiting lies between “{from}” and “{to}”: {en} on average, {} times.",
                edge.count
            ),
            cs: format!("{share} % veškerého čekání leží mezi „{from}“ a „{to}“: průměrně {cs}, {}×.", edge.count),
            activities: vec![from, to],
        });
    }
    if let Some(edge) = analysis.by_mean().first().filter(|e| e.total > 0) {
        let (from, to) = (name(edge.from), name(edge.to));
        let (en, cs) = (span(edge.mean(), false), span(edge.mean(), true));
        let (half_en, half_cs) = (span(edge.median, false), span(edge.median, true));
        out.push(Finding {
            code: "wait_mean",
            en: format!(
                "The longest step is from “{from}” to “{to}”: {en} on average, half of the cases within {half_en}."
            ),
            cs: format!("Nejdéle trvá přechod z „{from}“ do „{to}“: průměrně {cs}, polovina případů do {half_cs}."),
            activities: vec![from, to],
        });
    }
    let mut again: Vec<(u32, usize, usize)> =
        analysis.repeated.iter().filter(|(_, (_, again))| *again > 0).map(|(a, (n, again))| (*a, *n, *again)).collect();
    again.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| log.name(a.0).cmp(log.name(b.0))));
    for (activity, cases, again) in again.into_iter().take(3) {
        let share = (again as f64 / cases as f64 * 100.0).round();
        let activity = name(activity);
        out.push(Finding {
            code: "rework",
            en: format!("“{activity}” is done more than once in {again} of {cases} cases ({share} %)."),
            cs: format!("„{activity}“ se dělá víckrát ve {again} z {cases} případů ({share} %)."),
            activities: vec![activity],
        });
    }
    if analysis.self_loops > 0 {
        let (loops, cases) = (analysis.self_loops, analysis.cases);
        out.push(Finding {
            code: "self_loop",
            en: format!("In {loops} of {cases} cases an activity follows itself directly."),
            cs: format!("V {loops} z {cases} případů následuje činnost hned po sobě samé."),
            activities: Vec::new(),
        });
    }
    let rare = analysis.variants.iter().filter(|v| v.count == 1).count();
    if rare * 2 > analysis.variants.len() && analysis.cases > 10 {
        let variants = analysis.variants.len();
        out.push(Finding {
            code: "rare",
            en: format!("{rare} of {variants} ways through the process were taken by a single case each."),
            cs: format!("{rare} z {variants} průběhů se vyskytlo jen u jediného případu."),
            activities: Vec::new(),
        });
    }
    let d = analysis.durations;
    if d.median > 0.0 && d.mean > 3.0 * d.median {
        out.push(Finding {
            code: "slow_tail",
            en: format!(
                "A few cases take far longer than the rest: half are done within {}, the mean is {}.",
                span(d.median, false),
                span(d.mean, false)
            ),
            cs: format!(
                "Několik případů trvá mnohem déle než ostatní: polovina je hotová do {}, průměr je {}.",
                span(d.median, true),
                span(d.mean, true)
            ),
            activities: Vec::new(),
        });
    }
    out
}

/// A time as people say it.
fn span(seconds: f64, czech: bool) -> String {
    let (value, en, cs) = match seconds {
        s if s >= 172_800.0 => (s / 86_400.0, "days", "dne"),
        s if s >= 7_200.0 => (s / 3_600.0, "hours", "hodiny"),
        s if s >= 120.0 => (s / 60.0, "minutes", "minuty"),
        s => (s, "seconds", "sekundy"),
    };
    let text = format!("{value:.1}");
    if czech { format!("{} {cs}", text.replace('.', ",")) } else { format!("{text} {en}") }
}
