//! Bringing data in: everything comes back as it left, what is doubtful is told, nothing is half there.

use std::{cell::Cell, panic::AssertUnwindSafe};

use kernel::{Ask, Export, Form, Query, Shape};
use serde_json::{Value as J, json};
use trial::Trial;

use crate::{MODULES, order, product};

/// Imports as a user, to the end.
fn import(trial: &Trial, login: &str, entity: &str, options: &J, content: &[u8]) -> J {
    let who = trial.who(login);
    let id = trial.kernel().begin_import(&who, "test.csv", entity, options, content, false).unwrap();
    trial.kernel().run_import(&trial.system(), id, &mut |_| true).unwrap()
}

fn check(trial: &Trial, login: &str, entity: &str, options: &J, content: &[u8]) -> J {
    trial.kernel().check_import(&trial.who(login), entity, options, content).unwrap()
}

/// The problems of a report: code, field, lines.
fn problems(report: &J) -> Vec<(String, String, Vec<u64>)> {
    let text = |json: &J| json.as_str().unwrap_or("").to_owned();
    let lines = |json: &J| json.as_array().into_iter().flatten().filter_map(J::as_u64).collect();
    report["problems"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|p| (text(&p["code"]), text(&p["field"]), lines(&p["lines"])))
        .collect()
}

fn export(trial: &Trial, entity: &str, form: Form) -> Vec<u8> {
    let query = Query::of(entity).sort_text("id");
    let (mut export, mut all) =
        Export::begin(trial.kernel(), &trial.who("admin"), query, &Shape::default(), &[], form).unwrap();
    while let Some(more) = export.next(trial.kernel()).unwrap() {
        all.extend(more);
    }
    all
}

/// Records without what every database gives itself.
fn bare(trial: &Trial, entity: &str, references: &[&str]) -> Vec<J> {
    let mut rows = trial.list(entity, json!({}));
    for row in &mut rows {
        let map = row.as_object_mut().unwrap();
        for key in ["id", "rev"].iter().chain(references) {
            map.remove(*key);
        }
    }
    rows.sort_by_key(ToString::to_string);
    rows
}

/// A number that looks arbitrary and is always the same.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn what_leaves_comes_back_as_it_was() {
    let one = Trial::new(MODULES);
    let mut seed = 7;
    let words = ["Žlutý kůň", "=1+1", "-cmd|x", "a,b;\"c\"", "'citát", "  mezera", "+420", "@já", "řádek"];
    for i in 0..150 {
        let word = words[next(&mut seed) as usize % words.len()];
        let mut body = json!({"name": format!("{word} {i}"), "kind": if next(&mut seed).is_multiple_of(2) { "company" } else { "person" }});
        if next(&mut seed).is_multiple_of(2) {
            body["credit_limit"] = json!({"amount": format!("{}.{:02}", next(&mut seed) % 100_000, next(&mut seed) % 100), "currency": "EUR"});
            body["payment_days"] = json!(next(&mut seed) % 366);
        }
        if next(&mut seed).is_multiple_of(3) {
            body["note"] = json!(format!("{word}\ndruhý \"řádek\""));
            body["phone"] = json!(format!("+420601{i:06}"));
            body["country"] = json!("SK");
        }
        one.create("sales", "party.party", body);
        if i < 40 {
            let unit = one.list("product.unit", json!({}))[i % 2]["id"].clone();
            let price = format!("{}.5", next(&mut seed) % 1_000);
            one.create("stock", "product.product",
                json!({"code": format!("00{i}"), "name": format!("{word} {i}"), "unit": unit, "kind": "service", "price": {"amount": price, "currency": "CZK"}}));
        }
    }
    for form in [Form::Csv, Form::Xlsx] {
        let other = Trial::new(MODULES);
        for (entity, references) in [("party.party", &[][..]), ("product.product", &["unit"][..])] {
            if entity == "product.product" && form == Form::Csv {
                // Identifiers of another database say nothing here; a workbook names the unit.
                continue;
            }
            let content = export(&one, entity, form);
            let before = other.list(entity, json!({})).len();
            let done = import(&other, "admin", entity, &json!({}), &content);
            let rows = one.list(entity, json!({})).len();
            assert_eq!((&done["state"], &done["created"]), (&json!("done"), &json!(rows)), "{done}");
            if before == 0 {
                assert_eq!(bare(&other, entity, references), bare(&one, entity, references));
            }
        }
        if form == Form::Xlsx {
            let unit = |trial: &Trial, code: &str| {
                let unit = trial.list("product.product", json!({"code": code}))[0]["unit"].clone();
                trial.record("product.unit", unit.as_i64().unwrap())["code"].clone()
            };
            assert_eq!(unit(&other, "001"), unit(&one, "001"));
        }
    }
}

#[test]
fn references_are_found_by_number_code_or_name_and_doubts_are_told() {
    let trial = Trial::new(MODULES);
    for name in ["Dvakrát", "Dvakrát", "Jednou"] {
        trial.create("sales", "party.party", json!({"name": name}));
    }
    product(&trial, "A-1", "100");
    product(&trial, "B-2", "5");
    let file = "Zákazník;Poznámka;lines.product.code;Řádky objednávek: Množství;lines.discount\n\
        Jednou;první;A-1;2;10 %\n;;B-2;1,5;\nJednou;druhá;B-2;3;\n";
    let done = import(&trial, "sales", "sales.order", &json!({}), file.as_bytes());
    assert_eq!((&done["state"], &done["created"]), (&json!("done"), &json!(2)), "{done}");
    let orders = trial.list("sales.order", json!({"note": "první"}));
    let first = trial.record("sales.order", orders[0]["id"].as_i64().unwrap());
    assert_eq!(first["lines"].as_array().map(Vec::len), Some(2));
    assert_eq!(first["lines"][0]["discount"], "10.00");
    assert_eq!(first["lines"][1]["quantity"], "1.500000");
    // 2 × 100 less a tenth, and 1.5 × 5.
    assert_eq!(first["net"]["amount"], "187.50");
    let wrong = "Zákazník;Poznámka;lines.product.code;lines.quantity\n\
        Dvakrát;x;A-1;1\nNikdo;x;A-1;1\nJednou;x;C-3;0\nJednou;y;A-1;mnoho\n";
    let report = check(&trial, "sales", "sales.order", &json!({}), wrong.as_bytes());
    let mut found = problems(&report);
    found.sort();
    let wanted = [
        ("decimal", "lines.quantity", vec![5]),
        ("import_many", "customer", vec![2]),
        ("import_no_match", "customer", vec![3]),
        ("import_no_match", "lines.product.code", vec![4]),
    ];
    let wanted: Vec<_> = wanted.into_iter().map(|(c, f, l)| (c.to_owned(), f.to_owned(), l)).collect();
    assert_eq!(found, wanted, "{report}");
    let many = report["problems"].as_array().unwrap().iter().find(|p| p["code"] == "import_many").unwrap();
    assert!(many["message"].as_str().unwrap().contains("Dvakrát #"), "{many}");
    assert_eq!(trial.list("sales.order", json!({})).len(), 2, "nothing of it was written");
}

#[test]
fn a_file_may_refer_to_itself() {
    let trial = Trial::new(MODULES);
    let mut file = "name,parent\nKořen,\n".to_owned();
    for i in 0..60 {
        let parent = if i < 5 { "Kořen".to_owned() } else { format!("Větev {}", i - 5) };
        file.push_str(&format!("Větev {i},{parent}\n"));
    }
    let done = import(&trial, "admin", "platform.unit", &json!({}), file.as_bytes());
    assert_eq!((&done["state"], &done["created"], &done["failed"]), (&json!("done"), &json!(61), &json!(0)), "{done}");
    let leaf = &trial.list("platform.unit", json!({"name": "Větev 59"}))[0];
    let parent = trial.record("platform.unit", leaf["parent"].as_i64().unwrap());
    assert_eq!(parent["name"], "Větev 54");
}

#[test]
fn a_key_finds_what_is_there_and_changes_only_what_is_given() {
    let trial = Trial::new(MODULES);
    let a = product(&trial, "A-1", "100");
    let b = product(&trial, "B-2", "5");
    let file = "code;name;price\nA-1;Nové jméno;\nB-2;Zboží B-2;5\nC-3;Třetí;7,50\n";
    let options = json!({"key": "code", "defaults": {"price": "1 CZK"}, "constants": {"note": "z dovozu"}});
    let done = import(&trial, "stock", "product.product", &json!({"key": "code"}), file.as_bytes());
    assert_eq!((&done["created"], &done["changed"], &done["failed"]), (&json!(1), &json!(1), &json!(0)), "{done}");
    assert_eq!(trial.record("product.product", a)["name"], "Nové jméno");
    assert_eq!(trial.record("product.product", a)["price"]["amount"], "100.00", "an empty cell leaves what is there");
    assert_eq!(trial.record("product.product", b)["rev"], 1, "what is the same is not written");
    let done = import(&trial, "stock", "product.product", &options, file.as_bytes());
    assert_eq!((&done["created"], &done["changed"]), (&json!(0), &json!(3)), "{done}");
    let record = trial.record("product.product", a);
    assert_eq!((&record["price"]["amount"], &record["note"]), (&json!("1.00"), &json!("z dovozu")));
    let cleared =
        import(&trial, "stock", "product.product", &json!({"key": ["code"], "empty": "clear"}), b"code;note\nA-1;\n");
    assert_eq!(cleared["changed"], 1);
    assert_eq!(trial.record("product.product", a)["note"], J::Null);
    let twice = check(&trial, "stock", "product.product", &json!({"key": "code"}), b"code;name\nA-1;x\nA-1;y\n;z\n");
    let codes: Vec<String> = problems(&twice).into_iter().map(|p| p.0).collect();
    assert_eq!(codes, ["import_key", "import_key_twice"]);
    let plain = check(&trial, "stock", "product.product", &json!({}), b"code;name\nA-1;x\nD-4;y\nD-4;z\n");
    let found = problems(&plain);
    assert_eq!(found[0], ("import_unique".to_owned(), "code".to_owned(), vec![4]));
    assert_eq!(found[1], ("not_unique".to_owned(), "code".to_owned(), vec![2]));
}

#[test]
fn it_goes_on_after_a_kill_and_doubles_nothing() {
    let trial = Trial::new(MODULES);
    let mut file = "name,kind\n".to_owned();
    (0..300).for_each(|i| file.push_str(&format!("Firma {i},company\n")));
    let (kernel, who, system) = (trial.kernel(), trial.who("sales"), trial.system());
    let begin = || kernel.begin_import(&who, "f.csv", "party.party", &json!({}), file.as_bytes(), false).unwrap();
    let count = || trial.list("party.party", json!({})).len();
    let id = begin();
    // The program dies in the middle: its lease stays.
    let pieces = Cell::new(0);
    let died = std::panic::catch_unwind(AssertUnwindSafe(|| {
        kernel.run_import(&system, id, &mut |state| {
            if state["done"].as_u64() > Some(0) {
                pieces.set(pieces.get() + 1);
            }
            assert!(pieces.get() < 2, "killed");
            true
        })
    }));
    assert!(died.is_err());
    let written = count();
    assert!(written > 0 && written < 300, "{written}");
    let busy = kernel.run_import(&system, id, &mut |_| true).unwrap_err();
    assert_eq!(busy.code, "import_running");
    assert_eq!(kernel.run_imports(&|| false).unwrap(), 0);
    // When the lease is over, whoever comes goes on.
    kernel.shared().set_clock(Some(kernel.shared().now() + std::time::Duration::from_secs(11)));
    assert_eq!(begin(), id, "the same file is the same import");
    assert_eq!(kernel.run_imports(&|| false).unwrap(), 1);
    let done = kernel.import_state(&system, id).unwrap();
    assert_eq!((&done["state"], &done["created"], &done["failed"]), (&json!("done"), &json!(300), &json!(0)));
    assert_eq!(count(), 300);
    let names: std::collections::HashSet<String> =
        trial.list("party.party", json!({})).iter().map(|p| p["name"].to_string()).collect();
    assert_eq!(names.len(), 300);
    // Once more is said, not done by itself.
    let again = kernel.begin_import(&who, "f.csv", "party.party", &json!({}), file.as_bytes(), false).unwrap_err();
    assert_eq!(again.code, "import_done");
    assert!(kernel.begin_import(&who, "f.csv", "party.party", &json!({}), file.as_bytes(), true).is_ok());
}

#[test]
fn a_stopped_import_goes_on_with_the_same_file() {
    let trial = Trial::new(MODULES);
    let mut file = "name\n".to_owned();
    (0..100).for_each(|i| file.push_str(&format!("Firma {i}\n")));
    let kernel = trial.kernel();
    let who = trial.who("sales");
    let id = kernel.begin_import(&who, "f.csv", "party.party", &json!({}), file.as_bytes(), false).unwrap();
    let stopped = kernel
        .run_import(&trial.system(), id, &mut |state| {
            if state["done"].as_u64() > Some(0) {
                let _ = kernel.run("sys.import.stop", &json!({"import": id}), &Ask::by(who.clone()));
            }
            true
        })
        .unwrap();
    assert_eq!(stopped["state"], "stopped");
    let there = trial.list("party.party", json!({})).len();
    assert!(there > 0 && there < 100, "{there}");
    let done = import(&trial, "sales", "party.party", &json!({}), file.as_bytes());
    assert_eq!((&done["id"], &done["state"], &done["created"]), (&json!(id), &json!("done"), &json!(100)));
    assert_eq!(trial.list("party.party", json!({})).len(), 100);
}

#[test]
fn an_import_is_taken_back_where_nobody_touched_it() {
    let trial = Trial::new(MODULES);
    let old = product(&trial, "OLD", "100");
    let touched = product(&trial, "OLD-2", "100");
    let file = "code;name;price\nOLD;Přejmenováno;120\nOLD-2;Přejmenováno;120\nN-1;A;1\nN-2;B;2\nN-3;C;3\nN-4;D;4\n";
    let done = import(&trial, "stock", "product.product", &json!({"key": "code"}), file.as_bytes());
    assert_eq!((&done["created"], &done["changed"]), (&json!(4), &json!(2)));
    let id = |code: &str| trial.list("product.product", json!({"code": code}))[0]["id"].as_i64().unwrap();
    let (used, edited, gone) = (id("N-2"), id("N-3"), id("N-4"));
    let customer = trial.create("sales", "party.party", json!({"name": "Z"}));
    order(&trial, customer, &[(used, "1")]);
    let who = trial.who("stock");
    let change =
        |id, body: J| trial.kernel().change("product.product", id, None, &body, &Ask::by(who.clone())).unwrap();
    change(edited, json!({"name": "Upraveno"}));
    change(touched, json!({"note": "Upraveno"}));
    trial.kernel().remove("product.product", gone, None, &Ask::by(who.clone())).unwrap();
    let import = json!({"import": done["id"]});
    // Another's import does not exist.
    assert_eq!(trial.refused("sales", "sys.import.undo", import.clone()).status, 404);
    assert_eq!(trial.refused("sales", "sys.import.show", import.clone()).status, 404);
    trial.run("stock", "sys.import.undo", import.clone());
    assert_eq!(trial.kernel().run_imports(&|| false).unwrap(), 1);
    let undone = trial.run("stock", "sys.import.show", import)["import"].clone();
    assert_eq!(
        (&undone["state"], &undone["undone"], &undone["kept"]),
        (&json!("undone"), &json!(4), &json!(2)),
        "{undone}"
    );
    let kept: Vec<&str> =
        undone["report"]["kept"].as_array().unwrap().iter().filter_map(|k| k["code"].as_str()).collect();
    assert_eq!(kept, ["import_changed", "import_changed"]);
    let old = trial.record("product.product", old);
    assert_eq!((&old["name"], &old["price"]["amount"]), (&json!("Zboží OLD"), &json!("100.00")));
    let there: Vec<String> = trial.list("product.product", json!({})).iter().map(|p| p["code"].to_string()).collect();
    assert_eq!(there.len(), 3, "{there:?}");
    assert_eq!(trial.record("product.product", used)["archived"], true, "what is referred to is archived");
    assert_eq!(trial.record("product.product", edited)["name"], "Upraveno");
}

#[test]
fn what_is_taken_meanwhile_is_told_and_the_rest_comes_in() {
    let trial = Trial::new(MODULES);
    let file = "code;name\nA;x\nB;y\nC;z\n";
    let kernel = trial.kernel();
    let id = kernel
        .begin_import(&trial.who("stock"), "f.csv", "product.product", &json!({}), file.as_bytes(), false)
        .unwrap();
    let done = kernel
        .run_import(&trial.system(), id, &mut |state| {
            if state["state"] == "running" && state["done"] == 0 {
                product(&trial, "B", "1");
            }
            true
        })
        .unwrap();
    assert_eq!((&done["created"], &done["failed"]), (&json!(2), &json!(1)), "{done}");
    let failed = &done["report"]["failed"][0];
    assert_eq!((&failed["line"], &failed["field"], &failed["code"]), (&json!(3), &json!("code"), &json!("not_unique")));
}

#[test]
fn rights_and_what_operations_write_stand() {
    let trial = Trial::new(MODULES);
    let refused = |login: &str, entity: &str, options: J, file: &[u8]| {
        trial.kernel().check_import(&trial.who(login), entity, &options, file).unwrap_err()
    };
    assert_eq!(refused("stock", "party.party", json!({}), b"name\nx\n").code, "forbidden");
    assert_eq!(refused("admin", "finance.entry", json!({}), b"date\n1.1.2026\n").code, "by_operation_only");
    assert_eq!(refused("admin", "sales.order_line", json!({}), b"quantity\n1\n").code, "through_owner");
    let stated = refused("sales", "sales.order", json!({"columns": {"x": "state"}}), b"x\nconfirmed\n");
    assert_eq!(stated.errors[0].code, "by_operation");
    // A column of such a field is left out, and that is told.
    let report = check(&trial, "sales", "party.party", &json!({}), "Název;merged_into;id\nA;5;7\n".as_bytes());
    let found: Vec<&J> = report["columns"].as_array().unwrap().iter().map(|c| &c["found"]).collect();
    assert_eq!(found, [&json!("head"), &json!("kept"), &json!("kept")]);
    assert_eq!(report["errors"], 0);
    // Fields that somebody may not see are not there.
    let hidden = check(&trial, "buyer", "party.party", &json!({}), "name;credit_limit\nA;5\n".as_bytes());
    assert_eq!(hidden["columns"][1]["found"], "unknown");
}

#[test]
fn hostile_files_end_in_an_error() {
    let trial = Trial::new(MODULES);
    let code = |options: J, file: &[u8]| {
        let error = trial.kernel().check_import(&trial.who("sales"), "party.party", &options, file);
        error
            .map(|report| report["errors"].to_string())
            .map_err(|e| e.errors.first().map_or_else(|| e.code.to_string(), |first| first.code.to_string()))
    };
    let none = json!({});
    let err = |code: &str| Err(code.to_owned());
    assert_eq!(code(none.clone(), b""), err("import_empty"));
    assert_eq!(code(none.clone(), b"what,where\n1,2\n"), err("import_nothing"));
    assert_eq!(code(none.clone(), b"name,Name\na,b\n"), err("import_header_twice"));
    assert_eq!(code(json!({"columns": {"Jméno": "name"}}), b"name\na\n"), err("import_no_header"));
    assert_eq!(code(json!({"columns": {"a": "nothing"}}), b"a\na\n"), err("no_field"));
    assert_eq!(code(json!({"colums": {}}), b"name\na\n"), err("unknown_field"));
    assert_eq!(code(json!({"key": "reg_no"}), b"name\na\n"), err("import_no_header"));
    assert_eq!(code(none.clone(), b"name\n\"a\n"), err("import_quote"));
    assert_eq!(code(none.clone(), b"name\n\0\n"), err("import_unknown"));
    assert_eq!(code(none.clone(), b"PK\x03\x04rubbish"), err("import_broken"));
    let wide = format!("name{}\n", ",x".repeat(1_000));
    assert_eq!(code(none.clone(), wide.as_bytes()), err("import_columns"));
    let long = format!("name\n{}\n", "x".repeat(10 << 20));
    assert_eq!(code(none.clone(), long.as_bytes()), err("import_cell"));
    // A text that is too long for its field, and control characters, are problems of their rows.
    let mild = format!("name\n{}\na\u{7}b\nfine\n", "x".repeat(300));
    assert_eq!(code(none.clone(), mild.as_bytes()), Ok("2".to_owned()));
    // Bytes that are no UTF-8 are taken for the code page of Windows, and that is told.
    let report = check(&trial, "sales", "party.party", &none, b"N\xe1zev\nk\xf9\xf2\n");
    assert_eq!((&report["file"]["encoding"], &report["errors"]), (&json!("windows-1250"), &json!(0)));
    // A formula is a text.
    let done = import(&trial, "sales", "party.party", &none, b"name\n=HYPERLINK(1)\n'=1+1\n");
    assert_eq!(done["created"], 2);
    let mut names: Vec<String> = trial.list("party.party", json!({})).iter().map(|p| p["name"].to_string()).collect();
    names.sort();
    assert_eq!(names, ["\"=1+1\"", "\"=HYPERLINK(1)\""]);
}

#[test]
fn coercions_are_told_by_kind_with_an_example() {
    let trial = Trial::new(MODULES);
    let file = "Název;Druh;Úvěrový limit;payment_days;country\nA;Firma;1 234,50 Kč;14;cz\nB;člověk;EUR 10;7;SK\n";
    let report = check(&trial, "sales", "party.party", &json!({}), file.as_bytes());
    assert_eq!(report["errors"], 0, "{report}");
    let told = report["coercions"].as_array().unwrap();
    let of = |kind: &str| told.iter().find(|c| c["kind"] == kind).unwrap();
    assert_eq!(
        (&of("money")["from"], &of("money")["to"], &of("money")["count"]),
        (&json!("1 234,50 Kč"), &json!("1234.50 CZK"), &json!(2))
    );
    assert_eq!((&of("choice")["from"], &of("choice")["to"]), (&json!("Firma"), &json!("company")));
    let options = |decimal: &str| json!({"decimal": decimal});
    for (decimal, wanted) in [(",", "1.234"), (".", "1234")] {
        let report = check(&trial, "stock", "product.product", &options(decimal), b"code;name;price\nA;x;1,234\n");
        assert_eq!(
            (&report["coercions"][0]["kind"], &report["coercions"][0]["to"]),
            (&json!("ambiguous"), &json!(wanted))
        );
    }
}
