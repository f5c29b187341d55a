//! `celek bpmn check` and `celek bpmn export`.

use std::path::Path;
use std::process::ExitCode;

use bpmn::{Definitions, Document, Explored};
use serde_json::{Value as J, json};

use crate::failure::Failure;
use crate::output;

fn read(file: &Path, as_json: bool) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{}: {e}", file.display())).in_json(as_json))
}

/// What is unsupported or wrong, by element.
pub fn check(file: &Path, as_json: bool) -> Result<ExitCode, Failure> {
    let xml = read(file, as_json)?;
    let definitions = match Definitions::read(&xml) {
        Ok(definitions) => definitions,
        Err(problems) => {
            return Err(Failure::no(problems.first().map_or_else(String::new, ToString::to_string)).in_json(as_json));
        }
    };
    let mut problems: Vec<J> = bpmn::check(&definitions, &|_| true)
        .iter()
        .map(|p| json!({"element": p.element, "name": p.name, "severity": p.severity, "code": p.code, "message": p.message}))
        .collect();
    let mut spaces = Vec::new();
    for process in &definitions.processes {
        let explored = bpmn::explore(process);
        let (verdict, states) = match &explored {
            Explored::Sound { states } => ("sound", *states),
            Explored::NotDecided { states } => ("not decided", *states),
            Explored::Unsound { states, problems: found } => {
                problems.extend(found.iter().map(|p| {
                    json!({"element": p.element, "name": p.name, "severity": p.severity, "code": p.code, "message": p.message})
                }));
                ("unsound", *states)
            }
        };
        spaces.push(json!({"process": process.id, "verdict": verdict, "states": states}));
    }
    let good = problems.iter().all(|p| p["severity"] != json!("error"));
    if as_json {
        output::print_json(&json!({"problems": problems, "state_space": spaces}));
    } else {
        for p in &problems {
            let text = |key: &str| p[key].as_str().unwrap_or_default().to_owned();
            let line = format!(
                "{}: {} {} [{}] {}",
                text("severity"),
                text("element"),
                text("name"),
                text("code"),
                text("message")
            );
            output::print_line(&output::cell(&json!(line)));
        }
        for s in &spaces {
            output::print_line(&output::cell(&json!(format!(
                "{}: {} ({})",
                s["process"].as_str().unwrap_or_default(),
                s["verdict"].as_str().unwrap_or_default(),
                s["states"]
            ))));
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Reads a file and writes it again.
pub fn export(file: &Path, out: &Path, as_json: bool) -> Result<ExitCode, Failure> {
    let xml = read(file, as_json)?;
    let document = Document::read(&xml).map_err(|p| Failure::no(p.to_string()).in_json(as_json))?;
    let text = document.write();
    std::fs::write(out, &text).map_err(|e| Failure::no(format!("{}: {e}", out.display())).in_json(as_json))?;
    if as_json {
        output::print_json(&json!({"file": out.display().to_string(), "elements": document.count()}));
    }
    Ok(ExitCode::SUCCESS)
}
