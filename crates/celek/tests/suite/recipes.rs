//! The recipes of ARCHITECTURE.md are this code: what the document shows is compiled and run here, to the last line.

use std::path::Path;

use serde_json::json;
use trial::Trial;

#[path = "recipe/book.rs"]
mod book;

/// The files of the recipes, each in its language.
const FILES: &[(&str, &str)] = &[
    ("rust", include_str!("recipe/book.rs")),
    ("toml", include_str!("recipe/en.toml")),
    ("toml", include_str!("recipe/cs.toml")),
    ("toml", include_str!("recipe/book.view.toml")),
];

/// The blocks of code under a heading, with their languages.
fn blocks(document: &str, heading: &str) -> Vec<(String, String)> {
    let section = document.split(&format!("\n{heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let parts: Vec<&str> = section.split("```").collect();
    let inside = parts.iter().skip(1).step_by(2);
    inside.map(|p| p.split_once('\n').unwrap()).map(|(kind, code)| (kind.to_owned(), code.trim().to_owned())).collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect()
}

#[test]
fn the_document_shows_the_code_that_is_run() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("ARCHITECTURE.md");
    let document = std::fs::read_to_string(path).unwrap();
    let shown = blocks(&document, "## Recipes");
    for kind in ["rust", "toml"] {
        let code =
            shown.iter().filter(|(k, _)| k == kind).map(|(_, code)| code.as_str()).collect::<Vec<_>>().join("\n");
        let files = FILES.iter().filter(|(k, _)| *k == kind).map(|(_, text)| *text).collect::<Vec<_>>().join("\n");
        assert_eq!(lines(&code), lines(&files), "ARCHITECTURE.md and the recipes' {kind} files differ");
    }
    assert!(shown.len() >= 5, "an entity, an operation, an event, a module and its words");
}

#[test]
fn the_recipes_work() {
    let trial = Trial::new(&[&book::MODULE]);
    let id = trial.create("sales", "library.book", json!({"name": "Saturnin"}));
    let error = trial.kernel().create("library.book", &json!({"name": "Kdo?"}), &kernel::Ask::by(trial.who("sales")));
    assert_eq!(error.unwrap_err().errors[0].code, "library.question");
    assert_eq!(trial.refused("stock", "library.book.lend", json!({"book": id, "days": 60})).code, "library.too_long");
    trial.run("stock", "library.book.lend", json!({"book": id, "days": 7}));
    let record = trial.record("library.book", id);
    assert_eq!((&record["state"], &record["times"]), (&json!("lent"), &json!(1)));
    assert_eq!(trial.refused("stock", "library.book.lend", json!({"book": id, "days": 7})).code, "wrong_state");
    // It is on every surface without further code, in both languages.
    let meta = trial.kernel().meta(&trial.who("sales"), kernel::Language::Cs).unwrap();
    assert_eq!(meta["entities"]["library.book"]["label"], "Kniha");
    assert_eq!(meta["operations"]["library.book.lend"]["label"], "Půjčit");
    let told = trial.kernel().openapi(true);
    assert!(told["paths"]["/api/v1/operations/library.book.lend"]["post"].is_object());
    assert!(told["paths"]["/api/v1/entities/library.book"]["get"].is_object());
    let gaps: Vec<_> = trial.kernel().schema().catalogue.gaps(kernel::Language::Cs);
    assert!(!gaps.iter().any(|gap| matches!(gap, lang::Gap::Missing(key) if key.contains("library"))), "{gaps:?}");
}
