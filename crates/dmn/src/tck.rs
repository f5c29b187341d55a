//! The official technology compatibility kit: directories with a model and `*-test-*.xml` files beside it.

use crate::convert::to_json;
use crate::model::Model;
use crate::tree::{self, Node};
use dsntk_feel::context::FeelContext;
use dsntk_feel::values::Value;
use dsntk_feel::{FeelNumber, Name};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// One result node.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Id of the test case.
    pub case: String,
    /// Name of the result node.
    pub node: String,
    /// True where it came out as wanted.
    pub passed: bool,
    /// What is wanted.
    pub wanted: Json,
    /// What came, or why nothing came.
    pub got: Json,
}

/// The test files below a directory, sorted.
///
/// # Errors
/// A directory that cannot be read.
pub fn cases(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![(directory.to_owned(), 0)];
    while let Some((directory, depth)) = open.pop() {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() && depth < 20 {
                open.push((path, depth + 1));
            } else if name.ends_with(".xml") && name.contains("-test-") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Runs a test file; every result node is told before and after it is asked. `skip` result nodes are left out.
///
/// # Errors
/// A test file or model that cannot be read.
pub fn run(
    file: &Path,
    skip: usize,
    before: &mut dyn FnMut(&Checked),
    after: &mut dyn FnMut(Checked),
) -> Result<(), String> {
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()));
    let root = tree::read(&read(file)?)?;
    let wanted = root.one("modelName").map(|m| m.text.trim().to_owned()).unwrap_or_default();
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut models = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| e.to_string())? {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.extension().is_some_and(|e| e == "dmn") {
            models.push(path);
        }
    }
    models.sort();
    let named = |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy() == wanted.as_str());
    let main = models.iter().find(|p| named(p)).or(models.first()).ok_or("no model beside the test")?.clone();
    let imports = models.iter().filter(|p| **p != main).map(|p| read(p)).collect::<Result<Vec<_>, _>>()?;
    let model = Model::read(&read(&main)?, &imports, &[]).map_err(|e| e.to_string());
    let mut number = 0;
    for case in root.all("testCase") {
        let mut input = FeelContext::new();
        for node in case.all("inputNode") {
            input.set_entry(&Name::from(node.attr("name").unwrap_or_default()), value(node));
        }
        for node in case.all("resultNode") {
            number += 1;
            if number <= skip {
                continue;
            }
            let expected = node.one("expected").map_or(Value::Null(None), value);
            let mut checked = Checked {
                case: case.attr("id").unwrap_or_default().to_owned(),
                node: node.attr("name").unwrap_or_default().to_owned(),
                passed: false,
                wanted: to_json(&expected),
                got: Json::Null,
            };
            before(&checked);
            let name = case.attr("invocableName").or(node.attr("name")).unwrap_or_default();
            match model.as_ref().map(|model| model.ask(name, &input)) {
                Ok(Ok(got)) => {
                    // A decision service of several decisions answers with all of them; the node names one.
                    let own = match &got {
                        Value::Context(entries) if case.attr("invocableName").is_some() => {
                            entries.get_entry(&Name::from(checked.node.as_str())).cloned()
                        }
                        _ => None,
                    };
                    let got = own.unwrap_or(got);
                    checked.passed = same(&expected, &got);
                    checked.got = to_json(&got);
                }
                Ok(Err(error)) => checked.got = json!({ "error": error.to_string() }),
                Err(error) => checked.got = json!({ "error": error }),
            }
            after(checked);
        }
    }
    Ok(())
}

/// The value that a node of a test file holds.
fn value(node: &Node) -> Value {
    if let Some(list) = node.one("list") {
        if list.attr("nil") == Some("true") {
            return Value::Null(None);
        }
        return Value::List(list.all("item").map(value).collect());
    }
    if node.one("component").is_some() {
        let mut context = FeelContext::new();
        for component in node.all("component") {
            context.set_entry(&Name::from(component.attr("name").unwrap_or_default()), value(component));
        }
        return Value::Context(context);
    }
    let Some(simple) = node.one("value") else { return Value::Null(None) };
    if simple.attr("nil") == Some("true") {
        return Value::Null(None);
    }
    let text = simple.text.as_str();
    let kind = simple.attr("type").unwrap_or("string");
    let parsed = match kind.rsplit(':').next().unwrap_or(kind) {
        "boolean" => Value::try_from_xsd_boolean(text.trim()),
        "decimal" => Value::try_from_xsd_decimal(text.trim()),
        "double" | "float" => Value::try_from_xsd_double(text.trim()),
        "integer" | "int" | "long" => Value::try_from_xsd_integer(text.trim()),
        "date" => Value::try_from_xsd_date(text.trim()),
        "time" => Value::try_from_xsd_time(text.trim()),
        "dateTime" => Value::try_from_xsd_date_time(text.trim()),
        "duration" => Value::try_from_xsd_duration(text.trim()),
        _ => Ok(Value::String(text.to_owned())),
    };
    parsed.unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Equal as the kit wants it: numbers that stand for irrational ones only to eight digits behind the point.
fn same(wanted: &Value, got: &Value) -> bool {
    match (wanted, got) {
        (Value::Null(_), Value::Null(_)) => true,
        (wanted, Value::Transparent(got)) => same(wanted, got),
        (Value::Number(a), Value::Number(b)) => {
            let Ok(near) = FeelNumber::from_str("0.00000001") else { return a == b };
            let difference = if a > b { *a - *b } else { *b - *a };
            a == b || difference < near
        }
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Context(a), Value::Context(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get_entry(name).is_some_and(|b| same(a, b)))
        }
        (Value::String(a), Value::String(b)) => a == b,
        (a, b) => a == b,
    }
}
