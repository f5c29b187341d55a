//! Tidiness: module arrows, length of files, licences of dependencies, lock files, registration.

#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

fn files(folder: &Path, ending: &str, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_dir() {
            if !["target", "node_modules", "dist", ".git"].contains(&&*name) {
                files(&path, ending, out);
            }
        } else if name.ends_with(ending) {
            out.push(path);
        }
    }
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// The modules in the order of the house: each may use those before it.
const MODULES: &[&str] = &[
    "platform",
    "party",
    "people",
    "documents",
    "process",
    "product",
    "finance",
    "inventory",
    "loyalty",
    "sales",
    "purchasing",
    "manufacturing",
    "crm",
    "marketing",
    "support",
    "projects",
    "hr",
    "insight",
];

/// Dependencies of a crate as its manifest lists them.
fn dependencies(manifest: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(manifest).unwrap();
    let mut section = String::new();
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = name.to_owned();
        } else if section == "dependencies"
            && let Some(name) = line.split(['.', ' ', '=']).next().filter(|n| !n.is_empty() && !n.starts_with('#'))
        {
            found.insert(name.to_owned());
        }
    }
    found
}

#[test]
fn arrows_point_downwards_only() {
    let mut wrong = Vec::new();
    for (place, module) in MODULES.iter().enumerate() {
        let manifest = root().join("modules").join(module).join("Cargo.toml");
        if !manifest.exists() {
            continue;
        }
        for dependency in dependencies(&manifest) {
            if let Some(other) = MODULES.iter().position(|m| *m == dependency)
                && other >= place
            {
                wrong.push(format!("{module} must not know {dependency}"));
            }
            if ["server", "celek", "store"].contains(&dependency.as_str()) {
                wrong.push(format!("a module ({module}) must not know {dependency}"));
            }
        }
    }
    for (part, forbidden) in [
        ("store", &["kernel", "server", "bpmn"][..]),
        ("kernel", &["server", "bpmn", "typeset", "bank", "mail"]),
        ("server", &["store", "bpmn", "typeset", "bank", "mail"]),
        ("bpmn", &["kernel", "store", "server"]),
        ("typeset", &["kernel", "store", "server"]),
        ("bank", &["kernel", "store", "server"]),
        ("mail", &["kernel", "store", "server"]),
        ("lang", &["kernel", "store", "server"]),
    ] {
        let found = dependencies(&root().join("crates").join(part).join("Cargo.toml"));
        for name in forbidden.iter().chain(MODULES) {
            if found.contains(*name) {
                wrong.push(format!("{part} must not know {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files longer than 600 lines. This list may only shrink.
const LONG: &[(&str, usize)] = &[];

#[test]
fn files_are_short() {
    let mut all = Vec::new();
    for folder in ["crates", "modules", "web/src"] {
        for ending in [".rs", ".ts", ".tsx"] {
            files(&root().join(folder), ending, &mut all);
        }
    }
    let mut wrong = Vec::new();
    for path in all {
        let name = relative(&path);
        if name.contains("/tests/") {
            continue;
        }
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        let allowed = LONG.iter().find(|(long, _)| *long == name).map_or(600, |(_, n)| *n);
        if lines > allowed {
            wrong.push(format!("{name}: {lines} lines, allowed are {allowed}"));
        }
        if allowed > 600 && lines <= 600 {
            wrong.push(format!("{name} is short now: take it off the list"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lock_files_name_no_hosts() {
    let lock = std::fs::read_to_string(root().join("web/package-lock.json")).unwrap();
    let hosts: Vec<_> = lock.lines().filter(|l| l.contains("\"resolved\"") && l.contains("://")).take(5).collect();
    assert!(hosts.is_empty(), "web/package-lock.json names where packages came from: {hosts:?}");
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let other: BTreeSet<_> = lock
        .lines()
        .filter(|l| l.starts_with("source = ") && !l.contains("registry+https://github.com/rust-lang/crates.io-index"))
        .collect();
    assert!(other.is_empty(), "Cargo.lock has packages from elsewhere: {other:?}");
}

/// Licences that may be linked into the binary.
const LICENCES: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "BSL-1.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "CC0-1.0",
    "Unlicense",
    "CDLA-Permissive-2.0",
    "OFL-1.1",
    "Ubuntu-font-1.0",
    "NCSA",
];

/// Whether an SPDX expression can be met by licences of the list.
fn permitted(expression: &str) -> bool {
    let text = expression.replace('/', " OR ").replace(['(', ')'], " ");
    // `A OR B AND C`: a group of alternatives must have one that is met entirely; nesting beyond that is read strictly.
    if expression.contains('(') && expression.contains("AND") {
        return expression
            .split(" AND ")
            .all(|part| permitted(part.trim().trim_start_matches('(').trim_end_matches(')')));
    }
    text.split(" OR ").any(|choice| choice.split(" AND ").all(|one| LICENCES.contains(&one.trim())))
}

#[test]
fn licences_are_permissive() {
    assert!(
        permitted("MIT OR Apache-2.0")
            && permitted("Unlicense/MIT")
            && permitted("(MIT OR Apache-2.0) AND Unicode-3.0")
    );
    assert!(!permitted("GPL-3.0") && !permitted("MIT AND AGPL-3.0") && !permitted("MPL-2.0"));
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut wrong = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or("none given");
        if !permitted(licence) {
            wrong.insert(package["name"].as_str().unwrap_or("").to_owned(), licence.to_owned());
        }
    }
    assert!(wrong.is_empty(), "licences that we do not want: {wrong:#?}");
}

/// What the client is built and tested with, and what is never delivered, may be under MPL-2.0 too.
#[test]
fn licences_of_the_client_are_permissive() {
    let text = std::fs::read_to_string(root().join("web/package-lock.json")).unwrap();
    let lock: serde_json::Value = serde_json::from_str(&text).unwrap();
    let packages = lock["packages"].as_object().unwrap();
    assert!(packages.len() > 50, "the lock file lists what it locks");
    let mut wrong = BTreeMap::new();
    for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
        let licence = package["license"].as_str().unwrap_or("none given");
        let tool = package["dev"] == true && licence == "MPL-2.0";
        if !permitted(licence) && !tool {
            wrong.insert(name.clone(), licence.to_owned());
        }
    }
    assert!(wrong.is_empty(), "licences that we do not want: {wrong:#?}");
}

#[test]
fn what_is_derived_is_registered() {
    let mut wrong = Vec::new();
    for module in MODULES {
        let folder = root().join("modules").join(module).join("src");
        let mut sources = Vec::new();
        files(&folder, ".rs", &mut sources);
        if sources.is_empty() {
            continue;
        }
        let all: String = sources.iter().map(|p| std::fs::read_to_string(p).unwrap()).collect::<Vec<_>>().join("\n");
        for path in sources {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut kind = None;
            for line in text.lines() {
                if let Some(list) = line.trim().strip_prefix("#[derive(") {
                    kind = [("Entity", "entity"), ("Operation", "op"), ("Event", "event")]
                        .into_iter()
                        .find(|(derive, _)| list.split([',', ')', ' ', ':']).any(|d| d == *derive))
                        .map(|(_, register)| register);
                } else if let Some(rest) = line.trim().strip_prefix("pub struct ")
                    && let Some(register) = kind.take()
                {
                    let name = rest.split([' ', ';', '{', '<', '(']).next().unwrap_or("");
                    if name.starts_with('$') {
                        continue;
                    }
                    let listed = all.lines().any(|l| {
                        l.split(&format!("{register}::<"))
                            .skip(1)
                            .any(|t| t.split('>').next().is_some_and(|t| t.rsplit("::").next() == Some(name)))
                    });
                    if !listed {
                        wrong.push(format!("{}: {name} is in no list of its module", relative(&path)));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_tree_speaks_of_the_product_only() {
    let mut all = Vec::new();
    for ending in [".rs", ".md", ".toml", ".ts", ".tsx", ".mjs", ".sh", ".json"] {
        files(&root(), ending, &mut all);
    }
    let unwanted = [["/work", "/"].concat(), ["/root", "/"].concat(), ["index.crates", "-mirror"].concat()];
    let mut wrong = Vec::new();
    for path in all {
        let name = relative(&path);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for word in &unwanted {
            if text.contains(word.as_str()) {
                wrong.push(format!("{name} names {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
