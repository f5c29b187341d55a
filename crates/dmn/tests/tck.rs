//! The official compatibility tests, and models of Camunda's older form.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use dmn::{Model, ModelError};
use serde_json::{Map, json};

fn data(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    assert!(path.exists(), "the sample {} is missing: it is not part of the repository", path.display());
    path
}

/// What the library beneath does not do: a reference back in a pattern that ignores case, 6,176 decimal places, and
/// tables over inputs of types with the names from before DMN 1.2.
const KNOWN: [&str; 5] = [
    "K2-MatchesFunc-17",
    "decision017_a",
    "Compare Date and Time",
    "Compare Days and Time Duration",
    "Compare Years and Months Duration",
];

/// Results that need a Java virtual machine beside.
fn java(folder: &Path) -> bool {
    folder.to_string_lossy().contains("external-java")
}

#[test]
fn every_result_of_the_kit() {
    let folder = std::env::temp_dir().join(format!("celek-tck-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let unpacked = std::process::Command::new("tar")
        .arg("--zstd")
        .arg("-xf")
        .arg(data("dmn/dmn-tck.tar.zst"))
        .arg("-C")
        .arg(&folder)
        .status();
    assert!(unpacked.unwrap().success());
    let facts: serde_json::Value = serde_json::from_slice(&std::fs::read(data("dmn/facts.json")).unwrap()).unwrap();
    let (mut count, mut wrong) = (0u64, Vec::new());
    for file in dmn::cases(&folder).unwrap() {
        let run = std::thread::Builder::new().stack_size(64 << 20).spawn({
            let file = file.clone();
            move || {
                let mut found = Vec::new();
                dmn::run(&file, 0, &mut |_| {}, &mut |checked| found.push(checked)).unwrap();
                found
            }
        });
        for checked in run.unwrap().join().unwrap() {
            count += 1;
            if !checked.passed && !java(&file) && !KNOWN.contains(&checked.node.as_str()) {
                wrong.push(format!(
                    "{} {} {}: wanted {}, got {}",
                    file.display(),
                    checked.case,
                    checked.node,
                    checked.wanted,
                    checked.got
                ));
            }
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!(json!(count), facts["totals"]["result_nodes"]);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_model_of_camunda_7() {
    let xml =
        std::fs::read_to_string(data("bpmn/execute/camunda7__DmnBusinessRuleTaskTest.testDecisionOkay.dmn")).unwrap();
    let model = Model::read(&xml, &[], &[]).unwrap();
    assert_eq!(model.evaluate(Some("testDecision"), &Map::new()).unwrap(), json!("okay"));
    assert!(matches!(model.evaluate(Some("none"), &Map::new()), Err(ModelError::NoDecision(_))));
    // A table over a variable that the model does not declare.
    let table = r#"<definitions xmlns="http://www.omg.org/spec/DMN/20151101/dmn.xsd" id="d" name="d" namespace="http://n">
      <decision id="rate" name="rate"><decisionTable hitPolicy="FIRST"><input id="i"><inputExpression typeRef="number"><text>amount</text>
      </inputExpression></input><output id="o" name="percent" typeRef="number"/>
      <rule id="r1"><inputEntry id="a"><text>&gt; 100</text></inputEntry><outputEntry id="b"><text>10</text></outputEntry></rule>
      <rule id="r2"><inputEntry id="c"><text></text></inputEntry><outputEntry id="e"><text>0</text></outputEntry></rule>
      </decisionTable></decision></definitions>"#;
    let model = Model::read(table, &[], &["amount"]).unwrap();
    let ask = |amount: i64| model.evaluate(None, json!({"amount": amount}).as_object().unwrap()).unwrap();
    assert_eq!((ask(150), ask(5)), (json!(10), json!(0)));
}

#[test]
fn what_is_no_model_is_refused() {
    for xml in ["", "<a/>", "<definitions>", "<!DOCTYPE a [<!ENTITY b \"c\">]><definitions/>", "<definitions/>"] {
        assert!(Model::read(xml, &[], &[]).is_err(), "{xml}");
    }
    assert!(Model::read(&"<a>".repeat(100_000), &[], &[]).is_err());
}
