//! Real logs with known facts, hostile ones, and what is written comes back.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use mining::{Analysis, Columns, Edge, Filter, Log, LogError, analyse};
use serde_json::{Value as J, json};

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/eventlogs")
}

fn file(name: &str) -> Vec<u8> {
    let path = data().join(name);
    std::fs::read(&path)
        .unwrap_or_else(|e| panic!("the sample {} is missing ({e}): it is not part of the repository", path.display()))
}

fn read(bytes: &[u8]) -> Log {
    mining::read(bytes, &Columns::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn near(fact: &J, ours: f64, what: &str) {
    let fact = fact.as_f64().unwrap_or_else(|| panic!("{what}"));
    assert!((fact - ours).abs() <= 0.001 + fact.abs() * 1e-12, "{what}: {fact} is not {ours}");
}

fn counts(log: &Log, list: &[(u32, usize)]) -> J {
    json!(list.iter().map(|(n, c)| (log.name(*n).to_owned(), *c)).collect::<BTreeMap<_, _>>())
}

fn edge<'a>(log: &Log, analysis: &'a Analysis, fact: &J) -> &'a Edge {
    let is = |e: &&Edge| json!(log.name(e.from)) == fact["from"] && json!(log.name(e.to)) == fact["to"];
    analysis.edges.iter().find(is).unwrap_or_else(|| panic!("{fact}"))
}

#[test]
fn facts_of_real_logs() {
    let facts: J = serde_json::from_slice(&file("facts.json")).unwrap();
    let mut seen = 0;
    for (name, fact) in facts.as_object().unwrap().iter().filter(|(name, _)| !name.starts_with('_')) {
        seen += 1;
        let mut log = read(&file(name));
        compare(name, &log, fact);
        if let Some(complete) = fact.get("complete_events_only") {
            log.keep(&Filter { complete: true, ..Filter::default() });
            let analysis = analyse(&log);
            for (key, value) in [("events", analysis.events), ("cases", analysis.cases)] {
                if let Some(wanted) = complete.get(key) {
                    assert_eq!(*wanted, json!(value), "{name} complete {key}");
                }
            }
        }
        // What is written is the same log.
        let (mut xes, mut csv) = (Vec::new(), Vec::new());
        let log = read(&file(name));
        mining::write_xes(&log, &mut xes).unwrap();
        mining::write_csv(&log, &mut csv).unwrap();
        for written in [xes, csv] {
            let again = read(&written);
            compare(name, &again, fact);
            assert_eq!(again.cases.len(), log.cases.len(), "{name}");
        }
    }
    assert!(seen >= 7);
}

fn compare(name: &str, log: &Log, fact: &J) {
    let analysis = analyse(log);
    assert_eq!(log.skipped, 0, "{name}");
    for (key, ours) in [
        ("cases", json!(analysis.cases)),
        ("events", json!(analysis.events)),
        ("activities_distinct", json!(analysis.activities.len())),
        ("activity_frequency", counts(log, &analysis.activities)),
        ("variants_time_order_stable", json!(analysis.variants.len())),
        ("longest_case_events", json!(analysis.longest)),
        ("directly_follows_edges_distinct", json!(analysis.edges.len())),
        ("cases_where_file_order_is_not_time_order", json!(analysis.unordered)),
        ("resources_distinct", json!(analysis.resources.len())),
        ("self_loops_cases", json!(analysis.self_loops)),
    ] {
        if let Some(wanted) = fact.get(key) {
            assert_eq!(*wanted, ours, "{name} {key}");
        }
    }
    let ordered = fact["cases_where_file_order_is_not_time_order"] == json!(0);
    if ordered {
        assert_eq!(fact["start_activities"], counts(log, &analysis.starts), "{name}");
        assert_eq!(fact["end_activities"], counts(log, &analysis.ends), "{name}");
        let once = analysis.variants.iter().filter(|v| v.count == 1).count();
        assert_eq!(fact["variants_seen_once"], json!(once), "{name}");
        for variant in fact["top5_variants_file_order"].as_array().unwrap() {
            let is = |v: &&mining::Variant| {
                json!(v.activities.iter().map(|a| log.name(*a)).collect::<Vec<_>>()) == variant["activities"]
            };
            let ours = analysis.variants.iter().find(is).unwrap_or_else(|| panic!("{name} {variant}"));
            assert_eq!(variant["count"], json!(ours.count), "{name}");
        }
    }
    let d = &fact["case_duration_seconds"];
    near(&d["min"], analysis.durations.min, name);
    near(&d["mean"], analysis.durations.mean, name);
    near(&d["median"], analysis.durations.median, name);
    near(&d["max"], analysis.durations.max, name);
    for pair in fact["directly_follows_top15"].as_array().unwrap() {
        let ours = edge(log, &analysis, pair);
        assert_eq!(pair["count"], json!(ours.count), "{name} {pair}");
        near(&pair["mean_seconds"], ours.mean(), &format!("{name} {pair}"));
        near(&pair["median_seconds"], ours.median, &format!("{name} {pair}"));
    }
    for (wanted, ours) in fact["bottleneck_by_total_wait_top3"].as_array().unwrap().iter().zip(analysis.by_total()) {
        assert_eq!(
            (&wanted["from"], &wanted["to"]),
            (&json!(log.name(ours.from)), &json!(log.name(ours.to))),
            "{name}"
        );
        near(&wanted["total_days"], ours.total as f64 / 1e6 / 86_400.0, name);
    }
    near(&fact["bottleneck_by_mean_wait_top3_min_count"], analysis.least, name);
    for (wanted, ours) in fact["bottleneck_by_mean_wait_top3"].as_array().unwrap().iter().zip(analysis.by_mean()) {
        assert_eq!(
            (&wanted["from"], &wanted["to"]),
            (&json!(log.name(ours.from)), &json!(log.name(ours.to))),
            "{name}"
        );
        near(&wanted["mean_seconds"], ours.mean(), name);
    }
    if let Some(top) = fact.get("top5_resources") {
        let resources = counts(log, &analysis.resources);
        for (resource, count) in top.as_object().unwrap() {
            assert_eq!(resources[resource], *count, "{name} {resource}");
        }
    }
    let time = |key: &str| mining::read_time(fact[key].as_str().unwrap());
    assert_eq!(analysis.span, time("first_event_utc").zip(time("last_event_utc")), "{name}");
    if let Some(steps) = fact.get("lifecycle_transitions") {
        assert_eq!(*steps, counts(log, &analysis.lifecycle), "{name}");
    }
}

#[test]
fn broken_and_hostile_logs_are_refused() {
    let refused = |bytes: &[u8]| mining::read(bytes, &Columns::default()).err().unwrap();
    assert!(matches!(refused(b""), LogError::Empty));
    for text in
        ["<log><trace></log>", "<log><trace><event>", "<a/>", "<!DOCTYPE log [<!ENTITY a \"b\">]><log/>", "a,b\n1,2\n"]
    {
        assert!(matches!(refused(text.as_bytes()), LogError::Format(_)), "{text}");
    }
    let deep = format!("<log>{}", "<a>".repeat(10_000));
    assert!(matches!(refused(deep.as_bytes()), LogError::Format(_)));
}

#[test]
fn columns_filters_and_findings() {
    let mut text = String::from("Id;What;When\n");
    for case in 0..20 {
        let day = case + 1;
        for (hour, what) in [(8, "ask"), (9, "check"), (10, "check"), (16, "pay")] {
            if what != "pay" || case % 2 == 0 {
                writeln!(text, "{case};{what};2026-01-{day:02} {hour:02}:00").unwrap();
            }
        }
    }
    let columns = Columns { case: "Id".into(), activity: "What".into(), time: "When".into(), ..Columns::default() };
    let mut log = mining::read(text.as_bytes(), &columns).unwrap();
    let analysis = analyse(&log);
    let found = mining::findings(&log, &analysis);
    let code = |code: &str| found.iter().find(|f| f.code == code).unwrap_or_else(|| panic!("{code}"));
    assert_eq!(code("wait_mean").activities, ["check", "pay"]);
    assert_eq!(code("rework").activities, ["check"]);
    assert!(code("rework").en.contains("20 of 20"));
    log.keep(&Filter { with: vec!["pay".into()], from: mining::read_time("2026-01-05"), ..Filter::default() });
    assert_eq!(log.cases.len(), 8);
}

#[test]
fn token_replay_tells_where_cases_deviate() {
    // ask, then check and pay in any order.
    let mut net = mining::Net::new();
    let (asked, [a, b], [c, d]) = (net.place(), [net.place(), net.place()], [net.place(), net.place()]);
    net.transition(Some("ask"), vec![net.start()], vec![asked]);
    net.transition(None, vec![asked], vec![a, b]);
    net.transition(Some("check"), vec![a], vec![c]);
    net.transition(Some("pay"), vec![b], vec![d]);
    net.transition(None, vec![c, d], vec![net.end()]);
    let run = |cases: &[&[&str]]| {
        let mut log = Log::new();
        for (number, case) in cases.iter().enumerate() {
            let case_number = log.case(&number.to_string());
            for (at, name) in case.iter().enumerate() {
                let activity = log.number(name);
                let event = mining::Event { at: at as i64, activity, resource: mining::NONE, lifecycle: mining::NONE };
                log.add(case_number, event).unwrap();
            }
        }
        mining::conformance(&log, &analyse(&log), &net)
    };
    let good = run(&[&["ask", "check", "pay"], &["ask", "pay", "check"]]);
    assert_eq!((good.fitting, good.fitness), (2, 1.0));
    assert!(good.deviations.is_empty());
    let bad = run(&[&["ask", "pay"], &["check", "ask", "pay"], &["ask", "dance", "check", "pay"]]);
    assert_eq!(bad.fitting, 0);
    assert!(bad.fitness < 1.0 && bad.fitness > 0.3, "{}", bad.fitness);
    let kind =
        |kind: &str| bad.deviations.iter().filter(|d| d.kind == kind).map(|d| d.activity.as_str()).collect::<Vec<_>>();
    assert_eq!(kind("unknown"), ["dance"]);
    assert!(kind("unexpected").contains(&"check"));
    assert!(kind("unfinished").contains(&"pay"));
}
