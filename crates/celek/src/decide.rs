//! `celek dmn`: decisions, evaluated in a process of their own that is ended when it takes too long.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Map, Value as J, json};

use crate::cli::Dmn;
use crate::failure::Failure;
use crate::output;

/// How long one decision may take.
const LIMIT: Duration = Duration::from_millis(700);
/// How long reading a model may take, which belongs to starting.
const START: Duration = Duration::from_secs(5);
/// Most memory of a worker, in kilobytes.
const MEMORY: u32 = 1_500_000;

/// Runs it.
pub fn run(command: &Dmn) -> Result<ExitCode, Failure> {
    match command {
        Dmn::Eval { file, decision, input, json } => {
            let xml = read(file)?;
            let input = input.as_deref().unwrap_or("{}");
            let input: J = serde_json::from_str(input).map_err(|e| Failure::usage(format!("--input: {e}")))?;
            let J::Object(input) = input else { return Err(Failure::usage("--input is no JSON object")) };
            let result = evaluate(&xml, decision.as_deref(), &input).map_err(|e| Failure::no(e).in_json(*json))?;
            if *json {
                output::print_json(&json!({"result": result}))
            } else {
                output::print_json(&result)
            }
            Ok(ExitCode::SUCCESS)
        }
        Dmn::Tck { directory, .. } => tck(directory),
        Dmn::Worker => worker(),
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))
}

/// Evaluates a decision of a model in a worker.
///
/// # Errors
/// What is wrong with the model or the question, and that it took too long.
pub fn evaluate(xml: &str, decision: Option<&str>, input: &Map<String, J>) -> Result<J, String> {
    let job = json!({"do": "eval", "xml": xml, "decision": decision, "input": input});
    let mut worker = Worker::start(&job)?;
    match worker.line(LIMIT)? {
        Some(mut answer) => match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(answer["error"].as_str().unwrap_or("no answer").to_owned()),
        },
        None => Err("the decision takes too much time or memory; it was ended".to_owned()),
    }
}

fn tck(directory: &Path) -> Result<ExitCode, Failure> {
    let files = dmn::cases(directory).map_err(|e| Failure::usage(format!("{}: {e}", directory.display())))?;
    let (mut passed, mut failed, mut results) = (0usize, 0usize, Vec::new());
    for file in files {
        let folder = file.parent().unwrap_or(directory);
        let shown = folder.strip_prefix(directory).unwrap_or(folder).join(file.file_name().unwrap_or_default());
        let mut add = |mut row: J| {
            row["test"] = json!(shown.display().to_string());
            if row["passed"] == json!(true) {
                passed += 1
            } else {
                failed += 1
            }
            results.push(row);
        };
        let mut done = 0;
        loop {
            let job = json!({"do": "tck", "file": file, "skip": done});
            let mut worker = Worker::start(&job).map_err(Failure::no)?;
            let mut asked: Option<J> = None;
            let finished = loop {
                let limit = if asked.is_some() { LIMIT } else { START };
                match worker.line(limit).map_err(Failure::no)? {
                    Some(line) if line.get("asked").is_some() => asked = line.get("asked").cloned(),
                    Some(line) if line.get("row").is_some() => {
                        add(line["row"].clone());
                        asked = None;
                        done += 1;
                    }
                    Some(line) if line.get("error").is_some() => {
                        add(json!({"case": "", "node": "", "passed": false, "wanted": null, "got": line["error"]}));
                        break true;
                    }
                    Some(_) => break true,
                    None => break false,
                }
            };
            match asked {
                Some(mut row) if !finished => {
                    row["got"] = json!({"error": "ended: it takes too much time or memory"});
                    add(row);
                    done += 1;
                }
                None if !finished => {
                    add(
                        json!({"case": "", "node": "", "passed": false, "wanted": null, "got": "the model could not be read in time"}),
                    );
                    break;
                }
                _ => break,
            }
        }
    }
    output::print_json(&json!({"passed": passed, "failed": failed, "results": results}));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A process that evaluates and can be ended.
struct Worker {
    child: Child,
    lines: Receiver<String>,
}

impl Worker {
    fn start(job: &J) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|e| e.to_string())?;
        // The library has no limit of memory either; the shell sets one that the worker cannot pass.
        let mut command = if cfg!(unix) {
            let mut shell = Command::new("/bin/sh");
            shell.arg("-c").arg(format!("ulimit -v {MEMORY}; exec \"$0\" dmn worker")).arg(program);
            shell
        } else {
            let mut plain = Command::new(program);
            plain.args(["dmn", "worker"]);
            plain
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("no worker: {e}"))?;
        let (input, out) = (child.stdin.take(), child.stdout.take());
        if let Some(mut input) = input {
            // A worker that is gone already is told apart by its silence.
            let _ = input.write_all(job.to_string().as_bytes());
        }
        let (sender, lines) = channel();
        if let Some(out) = out {
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        let mut worker = Self { child, lines };
        match worker.line(START)? {
            Some(line) if line.get("ready").is_some() => Ok(worker),
            Some(line) => Err(line["error"].as_str().unwrap_or("the worker did not start").to_owned()),
            None => Err("the model takes too much time or memory to read; it was ended".to_owned()),
        }
    }

    /// The next line; none where the worker is gone or took too long, after which it is.
    fn line(&mut self, limit: Duration) -> Result<Option<J>, String> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => serde_json::from_str(&line).map(Some).map_err(|e| e.to_string()),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(None),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other side: one job from the standard input, lines of JSON to the standard output.
fn worker() -> Result<ExitCode, Failure> {
    // What the library panics with belongs to nobody.
    std::panic::set_hook(Box::new(|_| {}));
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| Failure::usage(e.to_string()))?;
    let job: J = serde_json::from_str(&text).map_err(|e| Failure::usage(e.to_string()))?;
    let say = |line: &J| {
        output::print_line(&line.to_string());
        let _ = std::io::stdout().flush();
    };
    // The library recurses; a large stack keeps honest models away from its end.
    let work = move || {
        if job["do"] == json!("tck") {
            say(&json!({"ready": true}));
            let file = job["file"].as_str().unwrap_or_default();
            let skip = usize::try_from(job["skip"].as_u64().unwrap_or(0)).unwrap_or(0);
            let row = |c: &dmn::Checked| json!({"case": c.case, "node": c.node, "passed": c.passed, "wanted": c.wanted, "got": c.got});
            let mut before = |c: &dmn::Checked| say(&json!({"asked": row(c)}));
            let mut after = |c: dmn::Checked| say(&json!({"row": row(&c)}));
            match dmn::run(Path::new(file), skip, &mut before, &mut after) {
                Ok(()) => say(&json!({"done": true})),
                Err(error) => say(&json!({"error": error})),
            }
            return;
        }
        let empty = Map::new();
        let input = job["input"].as_object().unwrap_or(&empty);
        let names: Vec<&str> = input.keys().map(String::as_str).collect();
        match dmn::Model::read(job["xml"].as_str().unwrap_or_default(), &[], &names) {
            Ok(model) => {
                say(&json!({"ready": true}));
                match model.evaluate(job["decision"].as_str(), input) {
                    Ok(result) => say(&json!({"result": result})),
                    Err(error) => say(&json!({"error": error.to_string()})),
                }
            }
            Err(error) => say(&json!({"error": error.to_string()})),
        }
    };
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(work);
    let finished = thread.map_err(|e| Failure::no(e.to_string()))?.join().is_ok();
    Ok(if finished { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
