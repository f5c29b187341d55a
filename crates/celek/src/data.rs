//! Calling operations, asking for records, tokens, passwords, checks.

use std::{
    io::{Read, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use kernel::{Ask, FieldDef, Filter, Form, Kernel, Kind, Measure, Query, Schema, Shape, view::Views};
use serde_json::{Value as J, json};

use crate::{
    cli::{CheckArgs, DoArgs, ListArgs, TokenArgs},
    failure::Failure,
    open,
    output::{cell, print_json, print_line, table},
};

/// Reads JSON from an argument: as it stands, `@FILE`, or `-` for the standard input.
fn json_argument(text: &str, what: &str) -> Result<J, Failure> {
    let text = if text == "-" {
        let mut read = String::new();
        std::io::stdin().read_to_string(&mut read).map_err(|e| Failure::usage(format!("{what}: {e}")))?;
        read
    } else if let Some(file) = text.strip_prefix('@') {
        std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{file}: {e}")))?
    } else {
        text.to_owned()
    };
    serde_json::from_str(&text).map_err(|e| Failure::usage(format!("{what} is not JSON: {e}")))
}

/// `celek do`.
pub fn call(db: &str, args: DoArgs) -> Result<ExitCode, Failure> {
    let json = args.json;
    let input = json_argument(&args.input, "--input").map_err(|f| f.in_json(json))?;
    let kernel = open::existing(db).map_err(|f| f.in_json(json))?;
    let fail = |error| Failure::of(&kernel, error, json);
    if args.key.as_ref().is_some_and(|k| k.is_empty() || k.len() > 200 || !k.bytes().all(|b| (32..127).contains(&b))) {
        return Err(fail(kernel::Error::bad("idempotency_key")));
    }
    let who = open::who(&kernel, args.user.as_deref()).map_err(fail)?;
    let ask = Ask { who, key: args.key, dry_run: args.dry_run };
    let schema = kernel.schema();
    let def = (schema.operation(&args.operation).map_err(fail)?.def)();
    let answer = kernel.run(&args.operation, &input, &ask).map_err(fail)?;
    let answer = server::told(&kernel, def, answer, &ask).map_err(fail)?;
    if let Some(path) = &args.output {
        let content = answer.output.get("content").and_then(J::as_str).filter(|_| def.file);
        let content = content.ok_or_else(|| Failure::usage("this operation makes no file").in_json(json))?;
        let bytes = server::file_content(content).map_err(fail)?;
        std::fs::write(path, bytes).map_err(|e| Failure::no(format!("{}: {e}", path.display())).in_json(json))?;
    }
    if json {
        print_json(&answer.output);
        return Ok(ExitCode::SUCCESS);
    }
    let result = &answer.output["_result"];
    if let Some(message) = result["message"].as_str() {
        print_line(&format!("{message}{}", if args.dry_run { " (tried only)" } else { "" }));
    }
    let links = result["links"].as_array().into_iter().flatten();
    links.for_each(|l| print_line(&format!("  {} {} {}", cell(&l["entity"]), l["id"], cell(&l["title"]))));
    result["next"].as_array().into_iter().flatten().for_each(|n| print_line(&format!("  {}", cell(&n["message"]))));
    let changes = answer.output["_dry_run"]["changes"].as_array().into_iter().flatten();
    changes.for_each(|c| print_line(&format!("  {} {}: {}", c["count"], cell(&c["label"]), cell(&c["kind"]))));
    for (name, value) in answer.output.as_object().into_iter().flatten().filter(|(name, _)| !name.starts_with('_')) {
        match value {
            J::Array(rows) if rows.iter().any(J::is_object) => {
                print_line(&format!("{name}:"));
                let inner = match output_field(def, name).map(|f| f.kind) {
                    Some(Kind::List(fields)) => fields(),
                    _ => &[],
                };
                print_rows(&schema, rows, None, &|name| inner.iter().find(|f| f.name == name).copied());
            }
            _ if def.file && name == "content" => {}
            _ => print_line(&format!("{name}: {}", said(&schema, output_field(def, name).as_ref(), value))),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A field of an operation's output.
fn output_field(def: &kernel::OpDef, name: &str) -> Option<FieldDef> {
    (def.output)().iter().find(|f| f.name == name).copied()
}

/// The field that a name or a path of references leads to: `state`, `invoice.state`.
fn field_at(schema: &Schema, entity: &str, path: &str) -> Option<FieldDef> {
    let field = |entity: &str, name: &str| schema.plans.get(entity)?.field(name).copied();
    match path.split_once('.') {
        None => field(entity, path),
        Some((first, rest)) => match field(entity, first)?.kind {
            Kind::Ref(to) => field_at(schema, to, rest),
            _ => None,
        },
    }
}

/// A value for people: choices in the words of the terminal's language.
fn said(schema: &Schema, field: Option<&FieldDef>, value: &J) -> String {
    match (field.map(|f| f.kind), value) {
        (Some(Kind::Choice(set)), J::String(text)) => schema.choice_label(open::language(), set, text),
        _ => cell(value),
    }
}

/// A table of JSON objects; `field` finds what stands in a column.
fn print_rows(
    schema: &Schema,
    rows: &[J],
    columns: Option<&[(String, String)]>,
    field: &dyn Fn(&str) -> Option<FieldDef>,
) {
    let own: Vec<(String, String)>;
    let columns = match columns {
        Some(columns) => columns,
        None => {
            let first = rows.first().and_then(J::as_object);
            own = first.into_iter().flatten().map(|(k, _)| (k.clone(), k.clone())).collect();
            &own
        }
    };
    let head: Vec<String> = columns.iter().map(|(_, label)| label.clone()).collect();
    let mut shown = table(&head);
    for row in rows {
        let value = |name: &str| match &row["_titles"][name] {
            J::String(title) => cell(&J::from(title.as_str())),
            _ => said(schema, field(name).as_ref(), &row[name]),
        };
        shown.add_row(columns.iter().map(|(name, _)| value(name)).collect::<Vec<_>>());
    }
    print_line(&shown.to_string());
}

/// `celek list`.
pub fn list(db: &str, args: ListArgs) -> Result<ExitCode, Failure> {
    let json = args.json;
    let filter = args.filter.as_deref().map(|text| json_argument(text, "--filter")).transpose();
    let filter = filter.map_err(|f| f.in_json(json))?;
    let kernel = open::existing(db).map_err(|f| f.in_json(json))?;
    let fail = |error| Failure::of(&kernel, error, json);
    let who = open::who(&kernel, args.user.as_deref()).map_err(fail)?;
    let measures = [
        (Measure::Sum, &args.sum),
        (Measure::Min, &args.min),
        (Measure::Max, &args.max),
        (Measure::Average, &args.avg),
    ];
    let measures: Vec<(Measure, String)> =
        measures.into_iter().flat_map(|(m, names)| names.iter().map(move |n| (m, n.clone()))).collect();
    let grouped = !args.group.is_empty() || !measures.is_empty();
    let query = Query {
        filter: filter.as_ref().map(Filter::parse).transpose().map_err(fail)?,
        limit: args.limit.unwrap_or(if grouped { 0 } else { 50 }),
        after: args.after,
        q: args.q,
        archived: args.archived,
        group: args.group,
        measures,
        ..Query::of(&args.entity)
    };
    let query = query.sort_text(args.sort.as_deref().unwrap_or(""));
    let shape = Shape { expand: args.expand, titles: !json, ..Shape::default() };
    let file = args.xlsx.as_ref().map(|file| (file, Form::Xlsx)).or(args.csv.as_ref().map(|file| (file, Form::Csv)));
    if let Some((file, form)) = file {
        let size = export(&kernel, &who, query, &args.fields, file, form, json)?;
        if json {
            print_json(&json!({"file": file.display().to_string(), "bytes": size}));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let answer = kernel.list(&who, &query, &shape).map_err(fail)?;
    if json {
        print_json(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    let rows = answer["rows"].as_array().map_or(&[][..], Vec::as_slice);
    let schema = kernel.schema();
    let field = |name: &str| field_at(&schema, &args.entity, name);
    if grouped {
        print_rows(&schema, rows, None, &field);
    } else {
        print_rows(&schema, rows, Some(&columns(&kernel, &args.entity).map_err(fail)?), &field);
    }
    if let Some(next) = answer["next"].as_str() {
        eprintln!("There is more: --after {next}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a list to a file: beside it first, so that nobody takes a part for the whole.
fn export(
    kernel: &Kernel,
    who: &Arc<kernel::Principal>,
    query: Query,
    fields: &[String],
    file: &Path,
    form: Form,
    json: bool,
) -> Result<u64, Failure> {
    let fail = |error| Failure::of(kernel, error, json);
    let wrong = |e: std::io::Error| Failure::no(format!("{}: {e}", file.display())).in_json(json);
    let part = file.with_added_extension("part");
    let mut out = std::fs::File::create(&part).map_err(wrong)?;
    let write = || -> Result<u64, Failure> {
        let (mut export, first) =
            kernel::Export::begin(kernel, who, query, &Shape::default(), fields, form).map_err(fail)?;
        let (mut bytes, mut size) = (Some(first), 0);
        while let Some(some) = bytes {
            out.write_all(&some).map_err(wrong)?;
            size += some.len() as u64;
            bytes = export.next(kernel).map_err(fail)?;
        }
        std::fs::rename(&part, file).map_err(wrong)?;
        Ok(size)
    };
    let done = write();
    if done.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    done
}

/// The columns of an entity's list: those of its view, with their labels.
fn columns(kernel: &Kernel, entity: &str) -> kernel::Result<Vec<(String, String)>> {
    let schema = kernel.schema();
    let plan = schema.plan(entity)?;
    let views = Views::load(&schema)?;
    let listed = views.views.get(entity).and_then(|v| v["list"].as_array()).cloned();
    let names: Vec<String> = match listed {
        Some(list) => {
            list.iter().filter_map(|c| c.as_str().or_else(|| c["field"].as_str())).map(str::to_owned).collect()
        }
        None => plan.fields.iter().filter(|f| f.sensitive.is_empty()).take(7).map(|f| f.name.to_owned()).collect(),
    };
    let language = open::language();
    let label =
        |name: &str| plan.field(name).map_or_else(|| name.to_owned(), |f| schema.field_label(language, entity, f));
    let mut columns = vec![("id".to_owned(), "id".to_owned())];
    columns.extend(names.into_iter().map(|name| (name.clone(), label(&name))));
    Ok(columns)
}

/// `celek token`.
pub fn token(db: &str, args: &TokenArgs) -> Result<ExitCode, Failure> {
    let kernel = open::existing(db).map_err(|f| f.in_json(args.json))?;
    let made = platform::create_token(&kernel, &args.user, &args.name, &args.scope, args.days.map(i64::from));
    let made = made.map_err(|e| Failure::of(&kernel, e, args.json))?;
    if args.json {
        print_json(&json!({"token": made, "user": args.user, "name": args.name}));
    } else {
        print_line(&made);
    }
    Ok(ExitCode::SUCCESS)
}

/// `celek user reset`.
pub fn reset(db: &str, name: &str, from_stdin: bool, json: bool) -> Result<ExitCode, Failure> {
    let kernel = open::existing(db).map_err(|f| f.in_json(json))?;
    let fail = |error| Failure::of(&kernel, error, json);
    if from_stdin {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map_err(|e| Failure::usage(format!("--stdin: {e}")))?;
        platform::reset_password(&kernel, name, line.trim_end_matches(['\r', '\n'])).map_err(fail)?;
        eprintln!("{name} has a new password.");
        if json {
            print_json(&json!({"user": name}));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let password = platform::random_password().map_err(fail)?;
    platform::reset_password(&kernel, name, &password).map_err(fail)?;
    eprintln!("The new password of {name}, shown once:");
    if json {
        print_json(&json!({"user": name, "password": password}));
    } else {
        print_line(&password);
    }
    Ok(ExitCode::SUCCESS)
}

/// `celek check`.
pub fn check(db: &str, args: CheckArgs) -> Result<ExitCode, Failure> {
    let findings = open::existing(db)
        .map_err(|f| f.in_json(args.json))
        .and_then(|kernel| kernel.check(args.full).map_err(|e| Failure::of(&kernel, e, args.json)))?;
    let holds = findings.iter().all(kernel::Finding::holds);
    if args.json {
        let checks: Vec<J> = findings
            .iter()
            .map(|f| {
                let breaches: Vec<J> =
                    f.breaches.iter().map(|b| json!({"message": b.message, "rows": b.rows})).collect();
                json!({
                    "check": f.check,
                    "invariant": f.invariant,
                    "holds": f.holds(),
                    "breaches": breaches,
                    "error": f.error,
                })
            })
            .collect();
        print_json(&json!({"ok": holds, "full": args.full, "checks": checks}));
    } else {
        for finding in &findings {
            let sign = if finding.holds() { "holds " } else { "BROKEN" };
            print_line(&format!("{sign}  {:2}  {}", finding.invariant, finding.check));
            for breach in &finding.breaches {
                print_line(&format!("            {}", breach.message));
                breach.rows.iter().for_each(|row| print_line(&format!("              {row}")));
            }
            if let Some(error) = &finding.error {
                print_line(&format!("            {error}"));
            }
        }
        print_line(if holds { "All of it holds." } else { "Not all of it holds." });
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
