//! The commands for processes, decisions and event logs, on the real files beside the checkout.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value as J, json};

use crate::house::{CELEK, folder};

fn data(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    assert!(path.exists(), "the sample {} is missing: it is not part of the repository", path.display());
    path
}

fn celek(args: &[&str]) -> Output {
    Command::new(CELEK).args(args).env("LC_ALL", "en").env_remove("CELEK_DB").stdin(Stdio::null()).output().unwrap()
}

fn document(output: &Output) -> J {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn every_open_scenario_passes() {
    let output = celek(&["bpmn", "test", data("bpmn/manifest.json").to_str().unwrap(), "--json"]);
    let document = document(&output);
    let scenarios = document["scenarios"].as_array().unwrap();
    let failed: Vec<&J> = scenarios.iter().filter(|s| s["passed"] != json!(true)).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(scenarios.len(), 52);
    assert!(output.status.success());
}

/// A test that must fail does, at the step that is wrong.
#[test]
fn a_wrong_scenario_fails() {
    let folder = folder("manifest");
    let file = "camunda7__TerminateEndEventTest.testProcessTerminate.bpmn";
    std::fs::copy(data("bpmn/execute").join(file), folder.join(file)).unwrap();
    let start = json!({"start": "terminateEndEventExample"});
    let scenarios = json!([
        [start, {"open": ["something else"]}],
        [start, {"ended": true}],
        [start, {"dance": 1}],
        [start, {"ended": false, "colour": "red"}],
        [start, {"error": "none"}],
        [start, {"complete": "no such task"}],
        [start, {"message": "nobody waits"}],
        [{"deploy": false}],
        [start, {"ended": false}],
    ]);
    let manifest = folder.join("m.json");
    std::fs::write(&manifest, json!({"files": [{"file": file, "scenarios": scenarios}]}).to_string()).unwrap();
    let output = celek(&["bpmn", "test", manifest.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let document = document(&output);
    let passed: Vec<bool> =
        document["scenarios"].as_array().unwrap().iter().map(|s| s["passed"] == json!(true)).collect();
    assert_eq!(passed, [false, false, false, false, false, false, false, false, true]);
}

#[test]
fn a_file_runs_in_memory() {
    let folder = folder("run");
    let file = data("bpmn/execute/camunda7__reviewSalesLead.bpmn");
    let answers = folder.join("answers.json");
    let outputs =
        json!({"reviewProfitability": [{"notEnoughInformation": true}, {"outputs": {"notEnoughInformation": false}}]});
    std::fs::write(&answers, outputs.to_string()).unwrap();
    let run = celek(&[
        "bpmn",
        "run",
        file.to_str().unwrap(),
        "--variables",
        r#"{"initiator": "kermit"}"#,
        "--answers",
        answers.to_str().unwrap(),
        "--json",
    ]);
    let document = document(&run);
    assert_eq!(document["ended"]["how"], json!("completed"));
    assert_eq!(document["variables"]["notEnoughInformation"], json!(false));
    let entered = |id: &str| {
        document["trace"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|t| t["element"] == json!(id) && t["what"] == json!("entered"))
            .count()
    };
    assert_eq!((entered("provideAdditionalDetails"), entered("reviewProfitability")), (1, 2));
}

/// Every element with its attributes, wherever it stands, and every text.
fn contents(xml: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let xml = xml.replace("&#xA;", "\n").replace("&#10;", "\n").replace("&#xD;", "").replace("&#13;", "");
    let mut rest = xml.as_str();
    while let Some(start) = rest.find('<') {
        let text = rest[..start].trim();
        if !text.is_empty() {
            *counts.entry(format!("text {}", text.replace("&quot;", "\"").replace("&apos;", "'"))).or_default() += 1;
        }
        rest = &rest[start..];
        let end = if rest.starts_with("<!--") { rest.find("-->").unwrap() + 2 } else { rest.find('>').unwrap() };
        let tag = rest[1..end].trim_end_matches('/');
        if !tag.starts_with(['/', '?', '!']) {
            let mut parts: Vec<String> = vec![tag.split_whitespace().next().unwrap().to_owned()];
            let mut inner = &tag[parts[0].len()..];
            while let Some(equals) = inner.find('=') {
                let key = inner[..equals].trim().to_owned();
                let value = inner[equals + 1..].trim_start();
                let quote = value.chars().next().unwrap();
                let close = value[1..].find(quote).unwrap();
                parts.push(format!(
                    "{key}={}",
                    value[1..=close].replace("&quot;", "\"").replace("&apos;", "'").replace("&gt;", ">")
                ));
                inner = &value[close + 2..];
            }
            parts[1..].sort();
            *counts.entry(parts.join(" ")).or_default() += 1;
        }
        rest = &rest[end + 1..];
    }
    counts
}

#[test]
fn files_of_other_programs_come_out_whole() {
    let folder = folder("export");
    let mut seen = 0;
    for entry in std::fs::read_dir(data("bpmn/interchange")).unwrap() {
        let path = entry.unwrap().path();
        let out = folder.join("out.bpmn");
        let output = celek(&["bpmn", "export", path.to_str().unwrap(), "--out", out.to_str().unwrap()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (before, after) = (std::fs::read_to_string(&path).unwrap(), std::fs::read_to_string(&out).unwrap());
        let (before, after) = (contents(before.trim_start_matches('\u{feff}')), contents(&after));
        for (what, count) in &before {
            assert_eq!(after.get(what), Some(count), "{} {what}", path.display());
        }
        assert_eq!(before.len(), after.len(), "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 14);
    let broken = folder.join("broken.bpmn");
    std::fs::write(&broken, "<definitions>\n  <a></b>\n</definitions>").unwrap();
    let refused = celek(&["bpmn", "export", broken.to_str().unwrap(), "--out", folder.join("x").to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Line 2, column"));
}

/// Models that would run for ever or eat the memory are ended, and the command says so.
#[test]
fn hostile_decisions_are_ended() {
    let folder = folder("hostile");
    let model = |expression: &str| {
        format!(
            r#"<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" id="d" name="d" namespace="http://n"><decision id="x" name="x">
            <variable name="x"/><literalExpression><text>{expression}</text></literalExpression></decision></definitions>"#
        )
    };
    for (number, expression) in [
        "sum(for i in 1..100000000 return i)",
        "count(for i in 1..10000000, j in 1..10000000 return i * j)",
        "{f: function(n) f(n + 1), r: f(1)}.r",
        "for i in 1..60 return if i = 1 then [1,2] else concatenate(partial, partial, partial)",
        "count(string join(for i in 1..50000000 return \"xxxxxxxxxxxxxxxx\"))",
    ]
    .iter()
    .enumerate()
    {
        let file = folder.join(format!("{number}.dmn"));
        std::fs::write(&file, model(expression)).unwrap();
        let start = Instant::now();
        let output = celek(&["dmn", "eval", file.to_str().unwrap(), "--decision", "x", "--json"]);
        assert!(start.elapsed() < Duration::from_secs(10), "{expression}: {:?}", start.elapsed());
        assert_eq!(output.status.code(), Some(1), "{expression}");
        let said = document(&output)["detail"].as_str().unwrap_or_default().to_owned();
        assert!(said.contains("it was ended"), "{expression}: {said}");
    }
    let file = folder.join("good.dmn");
    std::fs::write(&file, model("if 2 &gt; 1 then \"yes\" else \"no\"")).unwrap();
    assert_eq!(document(&celek(&["dmn", "eval", file.to_str().unwrap(), "--json"]))["result"], json!("yes"));
}

#[test]
fn a_log_is_mined_and_compared_with_a_model() {
    let log = data("eventlogs/running-example.xes");
    let document_of =
        |more: &[&str]| document(&celek(&[&["mine", log.to_str().unwrap(), "--json"][..], more].concat()));
    let mined = document_of(&[]);
    assert_eq!((&mined["cases"], &mined["events"]), (&json!(6), &json!(42)));
    assert_eq!(mined["variants"].as_array().unwrap().len(), 6);
    assert!(mined["findings"].as_array().unwrap().iter().any(|f| f["code"] == json!("rework")));
    let folder = folder("mine");
    let model = folder.join("model.bpmn");
    let flows = |chain: &str| -> String {
        chain
            .split_whitespace()
            .map(|pair| {
                let (from, to) = pair.split_once('>').unwrap();
                format!(r#"<sequenceFlow id="{from}_{to}" sourceRef="{from}" targetRef="{to}"/>"#)
            })
            .collect()
    };
    let task = |id: &str, name: &str| format!(r#"<userTask id="{id}" name="{name}"/>"#);
    let body = [
        task("r", "register request"),
        task("c", "examine casually"),
        task("t", "examine thoroughly"),
        task("k", "check ticket"),
        task("d", "decide"),
        task("a", "reinitiate request"),
        task("p", "pay compensation"),
        task("j", "reject request"),
    ]
    .concat();
    let gates = r#"<startEvent id="s"/><endEvent id="e"/><exclusiveGateway id="x0"/><parallelGateway id="f"/><exclusiveGateway id="x1"/><exclusiveGateway id="x2"/><parallelGateway id="g"/><exclusiveGateway id="x3"/><exclusiveGateway id="x4"/>"#;
    let chain =
        flows("s>r r>x0 x0>f f>x1 f>k x1>c x1>t c>x2 t>x2 x2>g k>g g>d d>x3 x3>a a>x0 x3>p x3>j p>x4 j>x4 x4>e");
    let xml = format!(
        r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p1" isExecutable="true">{gates}{body}{chain}</process></definitions>"#
    );
    std::fs::write(&model, xml).unwrap();
    let compared = document_of(&["--model", model.to_str().unwrap()]);
    assert_eq!(compared["conformance"]["fitness"], json!(1.0), "{}", compared["conformance"]);
    assert_eq!(compared["conformance"]["fitting_cases"], json!(6));
}
