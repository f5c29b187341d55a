//! `celek bpmn test`: tests of processes, said step by step in a manifest.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value as J, json};

use super::steps::Scenario;
use crate::failure::Failure;
use crate::output;

/// Runs every scenario of a manifest.
pub fn run(manifest: &Path, as_json: bool) -> Result<ExitCode, Failure> {
    let wrong = |why: String| Failure::usage(format!("{}: {why}", manifest.display())).in_json(as_json);
    let text = std::fs::read_to_string(manifest).map_err(|e| wrong(e.to_string()))?;
    let document: J = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    let files = document["files"].as_array().ok_or_else(|| wrong("there are no 'files'".to_owned()))?;
    let beside = manifest.parent().unwrap_or(Path::new(".")).to_owned();
    let (mut results, mut failed) = (Vec::new(), 0);
    for entry in files {
        let name = entry["file"].as_str().unwrap_or_default();
        let empty = Vec::new();
        for (index, steps) in entry["scenarios"].as_array().unwrap_or(&empty).iter().enumerate() {
            let mut result = json!({"file": name, "index": index, "passed": true, "step": null, "why": null});
            if let Err((step, why)) = scenario(&beside, entry, name, steps) {
                failed += 1;
                result["passed"] = json!(false);
                result["step"] = json!(step);
                result["why"] = json!(why);
            }
            results.push(result);
        }
    }
    if as_json {
        output::print_json(&json!({ "scenarios": results }));
    } else {
        for result in &results {
            let mark = if result["passed"] == json!(true) { "ok  " } else { "FAIL" };
            let why = result["why"].as_str().map(|why| format!(": step {}: {why}", result["step"])).unwrap_or_default();
            let line = format!("{mark} {} #{}{why}", result["file"].as_str().unwrap_or_default(), result["index"]);
            output::print_line(&output::cell(&json!(line)));
        }
        output::print_line(&format!("{}/{}", results.len() - failed, results.len()));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A file beside the manifest, or in the folder `execute` there.
fn find(beside: &Path, name: &str) -> PathBuf {
    let inner = beside.join("execute").join(name);
    if inner.exists() { inner } else { beside.join(name) }
}

fn scenario(beside: &Path, entry: &J, name: &str, steps: &J) -> Result<(), (usize, String)> {
    let mut names = vec![name.to_owned()];
    names.extend(entry["deploy_with"].as_array().into_iter().flatten().filter_map(J::as_str).map(str::to_owned));
    let mut files = Vec::new();
    for name in names {
        let path = find(beside, &name);
        let text = std::fs::read_to_string(&path).map_err(|e| (0, format!("{}: {e}", path.display())))?;
        files.push(text);
    }
    let steps = steps.as_array().ok_or((0, "a scenario is a list of steps".to_owned()))?;
    Scenario::new(name, files).play(steps)
}
