//! The command line: one JSON document where it is asked for, the documented exit codes, words in the terminal's language,
//! errors that say what to do, and a reader that goes away is no failure.

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::{Value as J, json};

use crate::house::{CELEK, demo, folder};

/// A copy of the demo company.
struct Company(PathBuf);

impl Company {
    fn new() -> Self {
        let folder = folder("cli");
        std::fs::copy(demo(), folder.join("demo.db")).unwrap();
        Self(folder)
    }
    fn db(&self) -> String {
        format!("sqlite:{}", self.0.join("demo.db").display())
    }
    fn run(&self, language: &str, args: &[&str]) -> Output {
        celek(language, &[args, &["--db", &self.db()]].concat())
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn celek(language: &str, args: &[&str]) -> Output {
    Command::new(CELEK).args(args).env("LC_ALL", language).env_remove("CELEK_DB").stdin(Stdio::null()).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The one document on the standard output.
#[track_caller]
fn document(output: &Output) -> J {
    serde_json::from_str(&out(output)).unwrap_or_else(|e| panic!("{e}: {} {}", out(output), err(output)))
}

#[test]
fn tables_speak_the_terminals_language() {
    let copy = Company::new();
    let states = |language: &str| out(&copy.run(language, &["list", "finance.invoice", "--group", "state"]));
    let (czech, english) = (states("cs_CZ.UTF-8"), states("en_US.UTF-8"));
    assert!(czech.contains("Zaplacen") && !czech.contains("paid"), "{czech}");
    assert!(english.contains("Paid") && !english.contains("paid"), "{english}");
    let rows = out(&copy.run("cs_CZ.UTF-8", &["list", "sales.order", "--limit", "5"]));
    assert!(!rows.contains("draft") && !rows.contains("confirmed") && rows.contains("Stav"), "{rows}");
    let path = out(&copy.run("cs_CZ.UTF-8", &["list", "finance.invoice_line", "--group", "invoice.state"]));
    assert!(path.contains("Zaplacen"), "a path leads to a choice too: {path}");
    // For programs the values stay as they are.
    let json = document(&copy.run("cs_CZ.UTF-8", &["list", "finance.invoice", "--group", "state", "--json"]));
    assert!(json["rows"].as_array().unwrap().iter().any(|r| r["state"] == "paid"), "{json}");
}

#[test]
fn every_command_prints_one_document_where_it_is_asked_to() {
    let copy = Company::new();
    let order =
        document(&copy.run("en", &["list", "sales.order", "--limit", "1", "--json"]))["rows"][0]["id"].to_string();
    let backup = copy.0.join("backup.db");
    let backup = backup.to_str().unwrap();
    for args in [
        &["list", "party.party", "--limit", "1", "--json"][..],
        &["do", "process.inbox.mine", "--user", "sales", "--json"],
        &["describe", "--json"],
        &["describe", "sales.order", "--json"],
        &["check", "--json"],
        &["token", "--user", "sales", "--json"],
        &["user", "reset", "sales", "--json"],
        &["backup", backup, "--json"],
    ] {
        let output = copy.run("en", args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", err(&output));
        assert!(document(&output).is_object(), "{args:?}");
    }
    let restored = format!("sqlite:{}", copy.0.join("again.db").display());
    let output = celek("en", &["restore", backup, "--json", "--db", &restored]);
    assert!(document(&output)["bytes"].as_u64().is_some_and(|n| n > 0));
    // A refusal is a problem document, on the same place.
    for (args, status, code) in [
        (&["do", "sales.order.confirm", "--input", &format!("{{\"order\": {order}}}"), "--json"][..], 1, "wrong_state"),
        (&["do", "nothing", "--json"][..], 2, "not_found"),
        (&["list", "nothing", "--json"][..], 2, "not_found"),
        (&["list", "party.party", "--sort", "nothing", "--json"][..], 2, "no_field"),
        (&["do", "process.inbox.mine", "--input", "{", "--json"][..], 2, "command"),
        (&["list", "party.party", "--user", "nobody", "--json"][..], 2, "no_user"),
        (&["token", "--user", "nobody", "--json"][..], 2, "no_user"),
        (&["backup", backup, "--json"][..], 1, "command"),
    ] {
        let output = copy.run("en", args);
        assert_eq!(output.status.code(), Some(status), "{args:?}: {}", err(&output));
        assert_eq!(document(&output)["code"], code, "{args:?}");
    }
}

#[test]
fn errors_say_what_to_do() {
    let copy = Company::new();
    let nowhere = format!("sqlite:{}", copy.0.join("nowhere.db").display());
    let output = celek("en", &["list", "party.party", "--db", &nowhere]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("celek demo --db") && err(&output).contains("celek serve --db"), "{}", err(&output));
    assert!(err(&copy.run("en", &["list", "nothing"])).contains("celek describe"));
    assert!(err(&copy.run("en", &["list", "party.party", "--user", "nobody"])).contains("celek list platform.user"));
    assert!(err(&copy.run("en", &["demo"])).contains("that does not exist yet"));
    let help = out(&celek("en", &["--help"]));
    assert!(help.contains("Exit codes: 0 good, 1 the answer is no"), "{help}");
    assert_eq!(celek("en", &["nonsense"]).status.code(), Some(2));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let copy = Company::new();
    let db = copy.db();
    for args in [
        &["completion", "bash"][..],
        &["describe", "--db", &db],
        &["describe", "--json", "--db", &db],
        &["list", "finance.entry_line", "--limit", "0", "--db", &db],
        &["check", "--db", &db],
        &["--help"],
    ] {
        let mut child = Command::new(CELEK).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The pipe is closed before anything is written.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code().is_some_and(|code| code < 3) && !told.contains("panicked"), "{args:?}: {told}");
    }
}

#[test]
fn logs_have_colours_on_a_terminal_only() {
    let copy = Company::new();
    let output = Command::new(CELEK)
        .args(["list", "party.party", "--limit", "1", "--db", &copy.db()])
        .env("CELEK_LOG", "trace")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(!output.stderr.contains(&0x1b), "{}", err(&output));
}

#[test]
fn the_scenario_is_told_in_one_document_too() {
    let folder = folder("scenario");
    let db = format!("sqlite:{}", folder.join("scenario.db").display());
    let output = celek("en", &["scenario", "order-to-cash", "--json", "--db", &db]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let told = document(&output);
    assert_eq!(told["ok"], json!(true));
    assert!(told["steps"].as_array().is_some_and(|s| s.len() > 10 && s.iter().any(|s| s["who"] == "stock")), "{told}");
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn what_was_defined_at_run_time_is_on_the_command_line_at_once() {
    let copy = Company::new();
    let run = |operation: &str, input: J| {
        let output = copy.run("en", &["do", operation, "--input", &input.to_string(), "--json"]);
        assert_eq!(output.status.code(), Some(0), "{operation}: {}", err(&output));
        document(&output)
    };
    run("sys.entity.add", json!({"name": "x_lab.sample", "label": "Sample", "label_cs": "Vzorek"}));
    run(
        "sys.field.add",
        json!({"entity": "x_lab.sample", "name": "x_depth", "label": "Depth", "label_cs": "Hloubka", "kind": "dec"}),
    );
    let told = document(&copy.run("en", &["describe", "x_lab.sample", "--json"])).to_string();
    assert!(told.contains("x_depth") && told.contains("Depth"), "{told}");
    let table = out(&copy.run("cs_CZ.UTF-8", &["list", "x_lab.sample"]));
    assert!(!table.contains("x_depth"), "{table}");
    run("sys.field.remove", json!({"entity": "x_lab.sample", "name": "x_depth"}));
    let told = out(&copy.run("en", &["describe", "x_lab.sample"]));
    assert!(!told.contains("x_depth"), "{told}");
    assert_eq!(copy.run("en", &["check", "--full"]).status.code(), Some(0));
}
