//! `celek import FILE`: any entity from CSV and XLSX.

use std::{
    io::IsTerminal,
    process::ExitCode,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use kernel::{Ask, Kernel, Language};
use serde_json::{Value as J, json};

use crate::{
    cli::ImportArgs,
    failure::Failure,
    open,
    output::{cell, print_json, print_line, table},
};

/// For how long a program that was killed may still have an import to itself.
const PATIENCE: Duration = Duration::from_secs(15);

/// `celek import FILE --entity E`.
pub fn run(db: &str, args: &ImportArgs) -> Result<ExitCode, Failure> {
    let json = args.json;
    let (Some(file), Some(entity)) = (&args.file, &args.entity) else {
        return Err(Failure::usage("name a file and --entity").in_json(json));
    };
    let wrong =
        |path: &std::path::Path, e: std::io::Error| Failure::usage(format!("{}: {e}", path.display())).in_json(json);
    let content = std::fs::read(file).map_err(|e| wrong(file, e))?;
    let kernel = open::existing(db).map_err(|f| f.in_json(json))?;
    let fail = |error| Failure::of(&kernel, error, json);
    let mut options = match &args.mapping {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| wrong(path, e))?;
            kernel::import::options_of(&text).map_err(fail)?
        }
        None => json!({}),
    };
    if !options.is_object() {
        return Err(Failure::usage("the mapping is no table").in_json(json));
    }
    for (name, value) in [("key", &args.key), ("sheet", &args.sheet)] {
        if let Some(value) = value {
            options[name] = J::from(value.as_str());
        }
    }
    let who = open::who(&kernel, args.user.as_deref()).map_err(fail)?;
    if args.dry_run {
        let report = kernel.check_import(&who, entity, &options, &content).map_err(fail)?;
        let good = report["errors"] == 0;
        if json {
            print_json(&report);
        } else {
            tell(&report, true);
        }
        return Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) });
    }
    let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let id = kernel.begin_import(&who, &name, entity, &options, &content, args.again).map_err(fail)?;
    let done = work(&kernel, id).map_err(fail)?;
    Ok(ended(&done, json))
}

/// `celek import undo ID`.
pub fn undo(db: &str, id: i64, user: Option<&str>, json: bool) -> Result<ExitCode, Failure> {
    let kernel = open::existing(db).map_err(|f| f.in_json(json))?;
    let fail = |error| Failure::of(&kernel, error, json);
    let who = open::who(&kernel, user).map_err(fail)?;
    kernel.run("sys.import.undo", &json!({"import": id}), &Ask::by(who)).map_err(fail)?;
    let done = work(&kernel, id).map_err(fail)?;
    Ok(ended(&done, json))
}

/// Works on an import to its end; waits where a program that was killed seems to have it still.
fn work(kernel: &Kernel, id: i64) -> kernel::Result<J> {
    let system = kernel.system()?;
    let bar = ProgressBar::hidden();
    if std::io::stderr().is_terminal() {
        bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    let mut watch = |state: &J| {
        let figure = |name: &str| state[name].as_u64().unwrap_or(0);
        bar.set_length(figure("total"));
        bar.set_position(figure(if state["state"] == "undoing" { "undone" } else { "done" }));
        bar.set_message(state["state"].as_str().unwrap_or("").to_owned());
        true
    };
    let since = Instant::now();
    loop {
        match kernel.run_import(&system, id, &mut watch) {
            Err(error) if error.code == "import_running" && since.elapsed() < PATIENCE => {
                // A server may be doing it, or have done it.
                let state = kernel.import_state(&system, id)?;
                if !["checking", "running", "undoing"].contains(&state["state"].as_str().unwrap_or("")) {
                    return Ok(state);
                }
                std::thread::sleep(Duration::from_millis(250));
            }
            other => {
                bar.finish_and_clear();
                return other;
            }
        }
    }
}

fn ended(done: &J, json: bool) -> ExitCode {
    let state = done["state"].as_str().unwrap_or("");
    let good = match state {
        "done" => done["failed"] == 0 && done["report"]["error"].is_null(),
        "undone" => done["kept"] == 0,
        _ => false,
    };
    if json {
        print_json(done);
    } else {
        tell(&done["report"], state == "refused");
        print_line(&words(done));
    }
    if good { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// What became of an import, in a sentence.
fn words(done: &J) -> String {
    let n = |name: &str| done[name].as_i64().unwrap_or(0);
    let (id, state) = (&done["id"], done["state"].as_str().unwrap_or(""));
    match (open::language(), state) {
        (Language::Cs, "done") => format!(
            "Dovoz {id}: vytvořeno {}, změněno {}, odmítnuto {}. Zpět: celek import undo {id}",
            n("created"),
            n("changed"),
            n("failed")
        ),
        (Language::Cs, "refused") => format!("Dovoz {id} byl odmítnut; nic se nezapsalo."),
        (Language::Cs, "undone") => format!("Dovoz {id} je vzat zpět: {} záznamů; zůstalo {}.", n("undone"), n("kept")),
        (Language::Cs, _) => format!("Dovoz {id} stojí: {state}, {} záznamů z {}.", n("done"), n("total")),
        (Language::En, "done") => format!(
            "Import {id}: {} created, {} changed, {} refused. To take it back: celek import undo {id}",
            n("created"),
            n("changed"),
            n("failed")
        ),
        (Language::En, "refused") => format!("Import {id} was refused; nothing was written."),
        (Language::En, "undone") => format!("Import {id} is taken back: {} records; {} stay.", n("undone"), n("kept")),
        (Language::En, _) => format!("Import {id} stands: {state}, {} records of {}.", n("done"), n("total")),
    }
}

/// Tells a report to people: where columns go, what was coerced, what is wrong.
fn tell(report: &J, whole: bool) {
    let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    if whole {
        let mut shown = table(&["column", "field", ""].map(str::to_owned));
        for column in list("columns") {
            shown.add_row(["column", "label", "message"].map(|name| cell(&column[name])));
        }
        print_line(&shown.to_string());
    }
    for coercion in list("coercions") {
        print_line(&format!("{}: {} ({}×)", cell(&coercion["column"]), cell(&coercion["message"]), coercion["count"]));
    }
    for name in ["problems", "remarks"] {
        for problem in list(name) {
            let lines: Vec<String> =
                problem["lines"].as_array().into_iter().flatten().map(ToString::to_string).collect();
            let more = if problem["count"].as_u64() > Some(lines.len() as u64) { ", …" } else { "" };
            let place = if problem["column"].is_null() { cell(&problem["label"]) } else { cell(&problem["column"]) };
            let mark = if name == "problems" { "✗" } else { "·" };
            print_line(&format!(
                "{mark} {place}: {} ({}×: {}{more})",
                cell(&problem["message"]),
                problem["count"],
                lines.join(", ")
            ));
        }
    }
    for name in ["failed", "kept"] {
        for row in list(name) {
            print_line(&format!("✗ {}: {}", row["line"], cell(&row["message"])));
        }
    }
    if let Some(message) = report["error"]["message"].as_str() {
        print_line(&format!("✗ {message}"));
    }
    if whole {
        let figures = ["records", "creates", "changes", "errors"].map(|name| format!("{name}: {}", report[name]));
        print_line(&figures.join(", "));
    }
}
