//! Everything that people read is there in English and in Czech, nothing is there for nobody, and both say the same figures.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use kernel::{FieldDef, Kind, Language, Schema};
use lang::Gap;

use crate::{house::House, modules};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

fn sources(folder: &Path, out: &mut String) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push_str(&std::fs::read_to_string(&path).unwrap());
            out.push('\n');
        }
    }
}

/// The sources of the program, without tests.
fn source() -> String {
    let mut all = String::new();
    for folder in ["crates", "modules"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap().flatten() {
            sources(&entry.path().join("src"), &mut all);
        }
    }
    all
}

/// All keys under which the screens look for words, each with what it is for; the first that is there is taken.
fn wanted(schema: &Schema) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let one = |key: String| vec![key];
    let fields = |owner: &str, fields: &[FieldDef], all: &mut Vec<Vec<String>>| {
        fn add(owner: &str, fields: &[FieldDef], all: &mut Vec<Vec<String>>) {
            for field in fields {
                all.push(vec![format!("{owner}.fields.{}", field.name), format!("fields.{}", field.name)]);
                if !field.help.is_empty() {
                    all.push(vec![format!("{owner}.helps.{}", field.name), format!("helps.{}", field.name)]);
                }
                match field.kind {
                    Kind::Choice(set) => {
                        all.extend(set.items.iter().map(|i| vec![format!("choice.{}.{}", set.name, i.value)]));
                    }
                    Kind::List(inner) => add(owner, inner(), all),
                    _ => {}
                }
            }
        }
        add(owner, fields, all);
    };
    for plan in schema.plans.values() {
        let name = plan.def.name;
        all.extend(["label", "plural", "help"].map(|part| one(format!("{name}.{part}"))));
        fields(name, &plan.fields, &mut all);
        for (group, part) in
            plan.def.lines.iter().map(|l| ("lines", l.name)).chain(plan.def.many.iter().map(|m| ("many", m.name)))
        {
            let keys = [
                format!("{name}.{group}.{part}"),
                format!("{name}.fields.{part}"),
                format!("{group}.{part}"),
                format!("fields.{part}"),
            ];
            all.push(keys.to_vec());
        }
        if !plan.def.area.is_empty() {
            all.push(one(format!("area.{}", plan.def.area)));
        }
    }
    for entry in schema.operations.values() {
        let def = (entry.def)();
        all.extend(["label", "help"].map(|part| one(format!("{}.{part}", def.name))));
        fields(def.name, (def.input)(), &mut all);
        fields(def.name, (def.output)(), &mut all);
    }
    all
}

#[test]
fn every_label_help_and_choice_is_there_in_czech() {
    let house = House::new();
    let schema = house.kernel().schema();
    let missing: BTreeSet<String> = wanted(&schema)
        .into_iter()
        .filter(|keys| keys.iter().all(|key| schema.catalogue.get(Language::Cs, key).is_none()))
        .map(|keys| keys[0].clone())
        .collect();
    assert!(
        missing.is_empty(),
        "{} are missing in Czech:\n{}",
        missing.len(),
        missing.into_iter().collect::<Vec<_>>().join("\n")
    );
    // English stands in the declarations.
    for plan in schema.plans.values() {
        assert!(!plan.def.help.is_empty(), "{}", plan.def.name);
        plan.fields.iter().for_each(|f| assert!(!f.help.is_empty(), "{}.{}", plan.def.name, f.name));
    }
    for def in schema.operations.values().map(|e| (e.def)()) {
        assert!(!def.help.is_empty(), "{}", def.name);
        (def.input)().iter().for_each(|f| assert!(!f.help.is_empty(), "{}.{}", def.name, f.name));
    }
}

#[test]
fn every_part_of_a_screen_is_there_in_both_languages() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for module in modules::ALL {
        for (name, text) in module.views.iter().chain(module.extends) {
            let view: toml::Table = text.parse().unwrap();
            let parts = ["sections", "filters"].into_iter().filter_map(|k| view.get(k)?.as_array()).flatten();
            let panels =
                if module.extends.iter().any(|(_, t)| t == text) { view.values().collect() } else { Vec::new() };
            for part in parts.chain(panels) {
                seen += 1;
                for key in ["label", "label_cs"] {
                    if part.get(key).and_then(toml::Value::as_str).is_none_or(|t| t.trim().is_empty()) {
                        wrong.push(format!("{name}: {key} of {part}"));
                    }
                }
            }
            if view.contains_key("empty") != view.contains_key("empty_cs") {
                wrong.push(format!("{name}: empty in one language only"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 30, "{seen}");
}

#[test]
fn both_catalogues_say_the_same_and_nothing_for_nobody() {
    let house = House::new();
    let schema = house.kernel().schema();
    let source = source();
    let known: BTreeSet<String> = wanted(&schema).into_iter().flatten().collect();
    let mut wrong = Vec::new();
    for gap in schema.catalogue.gaps(Language::Cs) {
        match gap {
            // Labels and helps are in the declarations in English.
            Gap::Unknown(key) if known.contains(&key) => {}
            other => wrong.push(format!("{other:?}")),
        }
    }
    // What is neither a label nor an error's message is asked for by its name somewhere.
    for key in schema.catalogue.keys(Language::En).filter(|k| !known.contains(*k)) {
        let of_operation = key.strip_suffix(".done").is_some_and(|name| schema.operations.contains_key(name));
        let status = key.strip_prefix("status.").is_some_and(|s| s.parse::<u16>().is_ok());
        let code = key.strip_prefix("error.").unwrap_or(key);
        let composed = key.rmatch_indices('.').any(|(at, _)| {
            source.contains(&format!("\"{}.{{", &key[..at])) || source.contains(&format!("\"{}\"", &key[..at]))
        });
        if !(of_operation
            || status
            || source.contains(&format!("\"{code}\""))
            || (composed && !key.starts_with("error.")))
        {
            wrong.push(format!("{key} is a message that nobody asks for"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Codes of errors as the source makes them, with the places of their making.
fn codes(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut after = |start: &str, argument: usize| {
        for (at, _) in source.match_indices(start) {
            let rest = &source[at + start.len()..];
            let end = rest.find([';', '\n']).unwrap_or(rest.len()).min(200);
            let mut parts = rest.get(..end).unwrap_or("").splitn(argument + 1, ',');
            let Some(text) = parts.nth(argument) else { continue };
            if let Some(code) = text.trim_start().strip_prefix('"').and_then(|t| t.split('"').next()) {
                found.insert(code.to_owned());
            }
        }
    };
    after("Error::refused(", 0);
    after("Error::bad(", 0);
    after("Error::new(", 1);
    after("Error::field(", 1);
    found
        .into_iter()
        .filter(|c| c.bytes().all(|b| b.is_ascii_lowercase() || b"._0123456789".contains(&b)) && !c.is_empty())
        .collect()
}

#[test]
fn every_error_code_has_its_message_and_is_listed() {
    let house = House::new();
    let schema = house.kernel().schema();
    let used = codes(&source());
    assert!(used.len() > 80, "{used:?}");
    let listed: BTreeMap<&str, &str> =
        schema.modules.iter().flat_map(|m| m.errors.iter().map(move |code| (*code, m.name))).collect();
    let mut wrong = Vec::new();
    for code in used.iter().map(String::as_str).chain(listed.keys().copied()) {
        for language in Language::ALL {
            if schema.catalogue.get(language, &format!("error.{code}")).is_none() {
                wrong.push(format!("{code} has no message in {}", language.code()));
            }
        }
        if !listed.contains_key(code) {
            wrong.push(format!("{code} is in no module's list of errors"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
