//! `celek mine`: what an event log tells.

mod model;

use std::fs::File;
use std::process::ExitCode;

use kernel::Language;
use mining::{Analysis, Columns, Edge, Filter, Log};
use serde_json::{Value as J, json};

use crate::cli::MineArgs;
use crate::failure::Failure;
use crate::{open, output};

/// Runs it.
pub fn run(args: &MineArgs) -> Result<ExitCode, Failure> {
    let file = File::open(&args.log).map_err(|e| Failure::usage(format!("{}: {e}", args.log.display())))?;
    let mut columns = Columns::default();
    for (column, given) in [
        (&mut columns.case, &args.case),
        (&mut columns.activity, &args.activity),
        (&mut columns.time, &args.time),
        (&mut columns.resource, &args.resource),
    ] {
        if let Some(given) = given {
            column.clone_from(given);
        }
    }
    let mut log = mining::read(file, &columns).map_err(|e| Failure::no(format!("{}: {e}", args.log.display())))?;
    let time = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => mining::read_time(text).map(Some).ok_or_else(|| Failure::usage(format!("'{text}' is no time"))),
    };
    let filter = Filter {
        from: time(&args.from)?,
        to: time(&args.to)?,
        with: args.with.clone(),
        without: args.without.clone(),
        complete: args.complete,
    };
    log.keep(&filter);
    let analysis = mining::analyse(&log);
    if let Some(path) = &args.export {
        export(&log, path)?;
    }
    let conformance = match &args.model {
        Some(path) => {
            let xml = std::fs::read_to_string(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
            let net = model::net(&xml, args.process.as_deref()).map_err(Failure::no)?;
            Some(mining::conformance(&log, &analysis, &net))
        }
        None => None,
    };
    let mut document = document(&log, &analysis);
    if let (Some(found), J::Object(map)) = (&conformance, &mut document) {
        map.insert("conformance".to_owned(), model::document(found));
    }
    if args.json {
        output::print_json(&document);
    } else {
        tell(&log, &analysis);
        if let Some(found) = &conformance {
            model::tell(found);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn export(log: &Log, path: &std::path::Path) -> Result<(), Failure> {
    let wrong = |e: std::io::Error| Failure::no(format!("{}: {e}", path.display()));
    let mut out = std::io::BufWriter::new(File::create(path).map_err(wrong)?);
    if path.extension().is_some_and(|e| e == "csv") {
        mining::write_csv(log, &mut out).map_err(wrong)?;
    } else {
        mining::write_xes(log, &mut out).map_err(wrong)?;
    }
    std::io::Write::flush(&mut out).map_err(wrong)
}

/// Seconds to a thousandth.
fn seconds(value: f64) -> J {
    json!((value * 1_000.0).round() / 1_000.0)
}

fn document(log: &Log, analysis: &Analysis) -> J {
    let counts = |list: &[(u32, usize)]| -> J {
        list.iter().map(|(number, count)| json!({"name": log.name(*number), "count": count})).collect()
    };
    let edge = |e: &Edge| {
        json!({
            "from": log.name(e.from), "to": log.name(e.to), "count": e.count, "mean_seconds": seconds(e.mean()),
            "median_seconds": seconds(e.median), "total_seconds": seconds(e.total as f64 / 1e6),
            "total_days": seconds(e.total as f64 / 1e6 / 86_400.0),
        })
    };
    let variants: Vec<J> = analysis
        .variants
        .iter()
        .map(|v| json!({"activities": v.activities.iter().map(|a| log.name(*a)).collect::<Vec<_>>(), "count": v.count}))
        .collect();
    let d = analysis.durations;
    let language = open::language();
    let findings: Vec<J> = mining::findings(log, analysis)
        .into_iter()
        .map(|f| {
            let text = if language == Language::Cs { f.cs } else { f.en };
            json!({"code": f.code, "activities": f.activities, "text": text})
        })
        .collect();
    json!({
        "cases": analysis.cases,
        "events": analysis.events,
        "skipped_events": log.skipped,
        "activities": counts(&analysis.activities),
        "variants": variants,
        "start_activities": counts(&analysis.starts),
        "end_activities": counts(&analysis.ends),
        "directly_follows": analysis.edges.iter().map(edge).collect::<Vec<_>>(),
        "bottlenecks": {
            "by_total": analysis.by_total().into_iter().take(10).map(edge).collect::<Vec<_>>(),
            "by_mean": analysis.by_mean().into_iter().take(10).map(edge).collect::<Vec<_>>(),
            "min_count": analysis.least,
        },
        "case_duration_seconds": {
            "min": seconds(d.min), "mean": seconds(d.mean), "median": seconds(d.median), "max": seconds(d.max),
        },
        "resources": counts(&analysis.resources),
        "lifecycle_transitions": counts(&analysis.lifecycle),
        "first_event": analysis.span.map(|(from, _)| mining::write_time(from)),
        "last_event": analysis.span.map(|(_, to)| mining::write_time(to)),
        "longest_case_events": analysis.longest,
        "self_loops_cases": analysis.self_loops,
        "cases_out_of_order": analysis.unordered,
        "findings": findings,
    })
}

fn tell(log: &Log, analysis: &Analysis) {
    let czech = open::language() == Language::Cs;
    let word = |en: &'static str, cs: &'static str| if czech { cs } else { en };
    output::print_line(&format!(
        "{}: {}, {}: {}, {}: {}",
        word("cases", "případů"),
        analysis.cases,
        word("events", "událostí"),
        analysis.events,
        word("ways", "průběhů"),
        analysis.variants.len()
    ));
    if log.skipped > 0 {
        eprintln!(
            "{}: {}",
            word("events left out (no activity or time)", "vynechané události (bez činnosti či času)"),
            log.skipped
        );
    }
    let mut table = output::table(&[word("activity", "činnost").to_owned(), word("count", "počet").to_owned()]);
    for (number, count) in analysis.activities.iter().take(30) {
        table.add_row([output::cell(&json!(log.name(*number))), count.to_string()]);
    }
    output::print_line(&table.to_string());
    for finding in mining::findings(log, analysis) {
        let text = if czech { finding.cs } else { finding.en };
        output::print_line(&output::cell(&json!(text)));
    }
}
