//! `celek describe`: what the registries know.

use std::process::ExitCode;

use kernel::{Kernel, Principal};
use serde_json::{Value as J, json};

use crate::{
    cli::DescribeArgs,
    failure::Failure,
    open,
    output::{cell, print_json, print_line, table},
};

/// A folder that is gone when it is no longer needed.
struct Folder(std::path::PathBuf);
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The kernel over the database, or over an empty one where there is none yet.
fn kernel(db: &str) -> Result<(Kernel, Option<Folder>), Failure> {
    if open::is_there(db)? {
        return Ok((open::existing(db)?, None));
    }
    let folder = Folder(std::env::temp_dir().join(format!("celek-describe-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0).map_err(|e| Failure::no(e.to_string()))?;
    let kernel = open::or_create(&format!("sqlite:{}", folder.0.join("empty.db").display()))?;
    Ok((kernel, Some(folder)))
}

/// `celek describe`.
pub fn run(db: &str, args: DescribeArgs) -> Result<ExitCode, Failure> {
    let (kernel, _folder) = kernel(db).map_err(|f| f.in_json(args.json))?;
    let fail = |error| Failure::of(&kernel, error, args.json);
    let company = kernel.system().map_err(fail)?.company.clone();
    let all = kernel.meta(&Principal::system(company), open::language()).map_err(fail)?;
    let (entities, operations) = (&all["entities"], &all["operations"]);
    let Some(name) = args.name.as_deref() else {
        if args.json {
            print_json(&json!({"entities": entities, "operations": operations}));
        } else {
            list("entity", entities);
            list("operation", operations);
        }
        return Ok(ExitCode::SUCCESS);
    };
    let entity = entities.get(name);
    let Some(found) = entity.or_else(|| operations.get(name)) else {
        return Err(Failure::usage(format!("there is no entity and no operation {name}")).in_json(args.json));
    };
    if args.json {
        let mut found = found.clone();
        found["name"] = J::from(name);
        found["what"] = J::from(if entity.is_some() { "entity" } else { "operation" });
        print_json(&found);
        return Ok(ExitCode::SUCCESS);
    }
    print_line(&format!("{name}: {}", cell(&found["label"])));
    print_line(&cell(&found["help"]));
    if entity.is_some() {
        fields("fields", &found["fields"]);
        for lines in found["lines"].as_array().into_iter().flatten() {
            print_line(&format!("lines {}: {}", cell(&lines["name"]), cell(&lines["entity"])));
        }
        print_line(&format!("operations: {}", cell(&found["operations"])));
    } else {
        fields("input", &found["input"]);
        fields("output", &found["output"]);
    }
    Ok(ExitCode::SUCCESS)
}

fn list(what: &str, all: &J) {
    let mut shown = table(&[what.to_owned(), "label".to_owned(), "help".to_owned()]);
    for (name, one) in all.as_object().into_iter().flatten() {
        shown.add_row([name.clone(), cell(&one["label"]), cell(&one["help"])]);
    }
    print_line(&shown.to_string());
}

fn fields(what: &str, fields: &J) {
    let mut shown = table(&[what.to_owned(), "kind".to_owned(), String::new(), "help".to_owned()]);
    for field in fields.as_array().into_iter().flatten() {
        let kind = match field["to"].as_str() {
            Some(to) => format!("{} {to}", cell(&field["kind"])),
            None => cell(&field["kind"]),
        };
        let marks = ["required", "read_only", "by_operation", "custom"];
        let marks: Vec<&str> = marks.into_iter().filter(|m| field[*m] == true).collect();
        let choices: Vec<String> =
            field["choices"].as_array().into_iter().flatten().map(|c| cell(&c["value"])).collect();
        let help = if choices.is_empty() {
            cell(&field["help"])
        } else {
            format!("{} {}", cell(&field["help"]), choices.join(" | "))
        };
        shown.add_row([cell(&field["name"]), kind, marks.join(", "), help]);
    }
    print_line(&shown.to_string());
}
