//! What is defined at run time: added while everybody works, called otherwise, and taken away again with a look at its uses.

use std::sync::atomic::{AtomicBool, Ordering};

use kernel::{Ask, Filter, Language, Query, Shape};
use serde_json::{Value as J, json};
use trial::Trial;

fn field(name: &str, kind: &str, more: J) -> J {
    let mut input = json!({"entity": "platform.unit", "name": name, "label": name, "kind": kind});
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    input
}

fn unit_field(trial: &Trial, name: &str) -> Option<J> {
    let meta = trial.kernel().meta(&trial.who("admin"), Language::En).unwrap();
    let fields = meta["entities"]["platform.unit"]["fields"].as_array().unwrap().clone();
    fields.into_iter().find(|field| field["name"] == name)
}

fn found(trial: &Trial, words: &str) -> usize {
    let query = Query { q: Some(words.to_owned()), ..Query::of("platform.unit") };
    trial.kernel().list(&trial.who("admin"), &query, &Shape::default()).unwrap()["rows"].as_array().unwrap().len()
}

fn history(trial: &Trial, id: i64) -> J {
    trial.kernel().read(&trial.who("admin"), |cx| cx.history("platform.unit", id, 20, None)).unwrap()["rows"].clone()
}

#[test]
fn nobody_fails_while_fields_and_entities_are_added() {
    let trial = Trial::new(&[]);
    let first = trial.create("admin", "platform.unit", json!({"name": "First"}));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..6)
            .map(|caller| {
                let (trial, over) = (&trial, &over);
                scope.spawn(move || {
                    let ask = Ask::by(trial.who("admin"));
                    let mut done = 0;
                    while !over.load(Ordering::Acquire) {
                        let body = json!({"name": format!("U {caller} {done}"), "parent": first});
                        let made = trial.kernel().create("platform.unit", &body, &ask).unwrap();
                        let id = made.output["id"].as_i64().unwrap();
                        let body = json!({"name": format!("V {caller} {done}")});
                        trial.kernel().change("platform.unit", id, Some(1), &body, &ask).unwrap();
                        let query = Query { limit: 5, ..Query::of("platform.unit") }.sort_text("-name");
                        trial.kernel().list(&ask.who, &query, &Shape::default()).unwrap();
                        done += 1;
                    }
                    done
                })
            })
            .collect();
        // A report looks at the table all the while, so that the change has to wait for it and come again.
        let report = scope.spawn(|| {
            trial.kernel().read(&trial.who("admin"), |cx| {
                let count = "SELECT count(*) FROM platform_unit";
                let before = cx.conn().int(count, &[])?;
                std::thread::sleep(std::time::Duration::from_millis(400));
                Ok((before, cx.conn().int(count, &[])?))
            })
        });
        std::thread::sleep(std::time::Duration::from_millis(30));
        trial.run("admin", "sys.field.add", field("x_floor", "int", json!({"index": true})));
        trial.run("admin", "sys.field.add", field("x_colour", "choice", json!({"choices": ["red", "blue"]})));
        trial.run("admin", "sys.field.add", field("x_motto", "text", json!({"find": true})));
        let more = json!({"entity": "platform.unit", "name": "x_colour", "choices": ["red", "blue", "green"]});
        trial.run("admin", "sys.field.change", more);
        trial.run("admin", "sys.entity.add", json!({"name": "x_lab.sample", "label": "Sample"}));
        let unit =
            json!({"entity": "x_lab.sample", "name": "x_unit", "label": "Unit", "kind": "ref", "to": "platform.unit"});
        trial.run("admin", "sys.field.add", unit);
        let (before, after) = report.join().unwrap().unwrap();
        assert_eq!(before, after);
        over.store(true, Ordering::Release);
        let done: Vec<i32> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
        assert!(done.iter().all(|done| *done > 0), "{done:?}");
    });
    // At once in validation, queries, paths, search, the description of the interface and for clients.
    let ask = Ask::by(trial.who("admin"));
    let wrong = json!({"name": "W", "x_floor": "high", "x_colour": "black"});
    let error = trial.kernel().create("platform.unit", &wrong, &ask).unwrap_err();
    let mut codes: Vec<_> = error.errors.iter().map(|e| (e.field.as_str(), &*e.code)).collect();
    codes.sort_unstable();
    assert_eq!(codes, [("x_colour", "choice"), ("x_floor", "int")]);
    let body = json!({"name": "Right", "x_floor": 7, "x_colour": "green", "x_motto": "Šetři časem"});
    let right = trial.create("admin", "platform.unit", body);
    trial.create("admin", "x_lab.sample", json!({"name": "S", "x_unit": right}));
    assert_eq!(trial.list("platform.unit", json!({"x_floor": {"ge": 7}, "x_colour": "green"})).len(), 1);
    assert_eq!(trial.list("x_lab.sample", json!({"x_unit.x_colour": "green"})).len(), 1);
    assert_eq!(found(&trial, "setri"), 1);
    assert_eq!(unit_field(&trial, "x_colour").unwrap()["choices"][2]["value"], "green");
    let told = trial.kernel().openapi(true).to_string();
    assert!(told.contains("x_motto") && told.contains("x_lab.sample"));
}

#[test]
fn labels_change_and_choices_that_are_held_stay() {
    let trial = Trial::new(&[]);
    trial.run("admin", "sys.field.add", field("x_colour", "choice", json!({"choices": ["red", "blue"]})));
    trial.create("admin", "platform.unit", json!({"name": "A", "x_colour": "red"}));
    let change = |more: J| {
        let mut input = json!({"entity": "platform.unit", "name": "x_colour"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    trial.run("admin", "sys.field.change", change(json!({"label": "Paint", "label_cs": "Nátěr"})));
    assert_eq!(unit_field(&trial, "x_colour").unwrap()["label"], "Paint");
    let error = trial.refused("admin", "sys.field.change", change(json!({"choices": ["blue"]})));
    assert_eq!((error.errors[0].field.as_str(), &*error.errors[0].code), ("choices", "choice_held"));
    trial.run("admin", "sys.field.change", change(json!({"choices": ["red", "white"]})));
    let ask = Ask::by(trial.who("admin"));
    let error = trial.kernel().create("platform.unit", &json!({"name": "B", "x_colour": "blue"}), &ask).unwrap_err();
    assert_eq!(error.errors[0].code, "choice");
    trial.run("admin", "sys.entity.add", json!({"name": "x_lab.sample", "label": "Sample", "roles": "stock"}));
    let denied = trial.kernel().create("x_lab.sample", &json!({"name": "S"}), &Ask::by(trial.who("sales")));
    assert_eq!(denied.unwrap_err().status, 403);
    trial.run("admin", "sys.entity.change", json!({"name": "x_lab.sample", "label": "Probe", "roles": "stock sales"}));
    trial.create("sales", "x_lab.sample", json!({"name": "S"}));
    let meta = trial.kernel().meta(&trial.who("sales"), Language::En).unwrap();
    assert_eq!(meta["entities"]["x_lab.sample"]["label"], "Probe");
    assert_eq!(trial.refused("sales", "sys.field.change", change(json!({"label": "X"}))).status, 403);
}

#[test]
fn a_field_in_use_is_removed_only_by_who_insists_and_its_values_are_told() {
    let trial = Trial::new(&[]);
    for name in ["x_before", "x_motto", "x_after"] {
        trial.run("admin", "sys.field.add", field(name, "text", json!({"find": name == "x_motto"})));
    }
    let body = json!({"name": "A", "x_before": "b", "x_motto": "Carpe", "x_after": "a"});
    let units: Vec<i64> = (0..250).map(|_| trial.create("admin", "platform.unit", body.clone())).collect();
    let role = trial.list("platform.role", json!({"code": "sales"}))[0]["id"].clone();
    let rule = json!({"role": role, "entity": "platform.unit", "filter": {"x_motto": "Carpe"}, "read": true});
    let rule = trial.create("admin", "platform.rule", rule);
    let view = |address: &str| json!({"entity": "platform.unit", "name": address, "address": address, "shared": true});
    let kept =
        trial.run("sales", "platform.view.keep", view("filter=%7B%22x_motto%22%3A1%7D&sort=-name"))["view"].clone();
    trial.run("sales", "platform.view.keep", view("sort=x_mottos"));
    let named = json!({"entity": "platform.unit", "name": "x_motto"});
    let uses = trial.run("admin", "sys.field.uses", named.clone());
    assert_eq!(uses["records"], 250);
    assert_eq!(uses["uses"][0]["record"], json!({"entity": "platform.rule", "id": rule}));
    assert_eq!(uses["uses"][1]["record"], json!({"entity": "platform.view", "id": kept}));
    assert_eq!(uses["uses"].as_array().map(Vec::len), Some(2), "{uses}");
    assert_eq!(
        trial.run("admin", "sys.field.uses", json!({"entity": "platform.unit", "name": "x_after"}))["uses"],
        json!([])
    );
    // In use: refused, and refused without a reason.
    let mut remove = named.clone();
    assert_eq!(trial.refused("admin", "sys.field.remove", remove.clone()).code, "custom_used");
    remove["force"] = json!(true);
    assert_eq!(trial.refused("admin", "sys.field.remove", remove.clone()).errors[0].field, "reason");
    trial.kernel().remove("platform.rule", rule, None, &Ask::by(trial.who("admin"))).unwrap();
    remove["reason"] = json!("Nobody reads mottos.");
    assert_eq!(trial.run("admin", "sys.field.remove", remove)["records"], 250);
    // Gone everywhere; its neighbours hold what they held.
    assert_eq!(unit_field(&trial, "x_motto"), None);
    assert_eq!(trial.refused("admin", "sys.field.uses", named).errors[0].code, "no_field");
    let record = trial.record("platform.unit", units[0]);
    assert_eq!((record.get("x_motto"), &record["x_before"], &record["x_after"]), (None, &json!("b"), &json!("a")));
    // The rest is put away by a job; the history tells all of it, under its name.
    trial.kernel().shared().set_clock(Some(trial.kernel().shared().now() + jiff::SignedDuration::from_secs(10)));
    while trial.kernel().run_jobs(10).unwrap() > 0 {}
    for unit in [units[0], units[249]] {
        let told = history(&trial, unit);
        let change = &told[0]["changes"][0];
        assert_eq!((&change["field"], &change["label"]), (&json!("x_motto"), &json!("x_motto")), "{told}");
        assert_eq!((&change["before"], &change["after"]), (&json!("Carpe"), &J::Null));
    }
    assert_eq!(found(&trial, "carpe"), 0);
    let removed =
        trial.kernel().store().read(|conn| conn.text("SELECT reason FROM sys_custom_field WHERE archived = 1", &[]));
    assert_eq!(removed, Ok(Some("Nobody reads mottos.".to_owned())));
    // The name is free again for a field of the same kind, which begins empty.
    let other = trial.refused("admin", "sys.field.add", field("x_motto", "int", json!({})));
    assert_eq!(other.errors[0].code, "field_was_other");
    trial.run("admin", "sys.field.add", field("x_motto", "text", json!({"label": "Motto"})));
    assert_eq!(trial.record("platform.unit", units[0])["x_motto"], J::Null);
    trial.kernel().shared().set_clock(None);
    // One that nobody uses goes without further words.
    trial.run("sales", "platform.view.forget", json!({"view": kept}));
    trial.run("admin", "sys.field.remove", json!({"entity": "platform.unit", "name": "x_motto"}));
}

#[test]
fn an_entity_is_removed_and_comes_back_with_its_records() {
    let trial = Trial::new(&[]);
    trial.run("admin", "sys.entity.add", json!({"name": "x_lab.sample", "label": "Sample"}));
    let sample = trial.create("sales", "x_lab.sample", json!({"name": "S"}));
    let to = json!({"entity": "platform.unit", "name": "x_sample", "label": "S", "kind": "ref", "to": "x_lab.sample"});
    trial.run("admin", "sys.field.add", to);
    let on = json!({"record": {"entity": "x_lab.sample", "id": sample}, "text": "A note"});
    trial.run("sales", "platform.note.add", on);
    let uses = trial.run("admin", "sys.entity.uses", json!({"name": "x_lab.sample"}));
    let kinds: Vec<_> = uses["uses"].as_array().unwrap().iter().map(|u| u["record"]["entity"].clone()).collect();
    assert_eq!((uses["records"].as_i64(), kinds), (Some(1), vec![json!("sys.custom_field"), json!("platform.note")]));
    let remove = json!({"name": "x_lab.sample", "force": true, "reason": "Sold"});
    assert_eq!(trial.refused("admin", "sys.entity.remove", remove.clone()).code, "custom_referred");
    trial.run("admin", "sys.field.remove", json!({"entity": "platform.unit", "name": "x_sample"}));
    assert_eq!(trial.refused("admin", "sys.entity.remove", json!({"name": "x_lab.sample"})).code, "custom_used");
    trial.run("admin", "sys.entity.remove", remove);
    let gone = trial.kernel().list(&trial.who("admin"), &Query::of("x_lab.sample"), &Shape::default());
    assert_eq!(gone.unwrap_err().status, 404);
    // What hung on its records is still there and breaks nothing.
    let shape = Shape { titles: true, expand: vec!["record".to_owned()], ..Shape::default() };
    let notes = trial.kernel().list(&trial.who("admin"), &Query::of("platform.note"), &shape).unwrap();
    assert_eq!(notes["rows"].as_array().unwrap().len(), 1, "{notes}");
    trial.run("admin", "sys.entity.add", json!({"name": "x_lab.sample", "label": "Sample again"}));
    assert_eq!(trial.record("x_lab.sample", sample)["name"], "S");
    let filter = Filter::parse(&json!({"name": "S"})).unwrap();
    assert_eq!(
        trial
            .kernel()
            .list(&trial.who("sales"), &Query { filter: Some(filter), ..Query::of("x_lab.sample") }, &Shape::default())
            .unwrap()["rows"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn another_program_hears_of_every_change_of_definitions() {
    let trial = Trial::new(&[]);
    let other = kernel::Kernel::open(&trial.url(), &[&platform::MODULE], kernel::Options::default()).unwrap();
    let fields = || {
        other.reload().unwrap();
        let meta = other.meta(&other.login("admin").unwrap(), Language::En).unwrap();
        let fields = meta["entities"]["platform.unit"]["fields"].as_array().unwrap().clone();
        fields.into_iter().find(|field| field["name"] == "x_colour")
    };
    assert_eq!(fields(), None);
    trial.run("admin", "sys.field.add", field("x_colour", "choice", json!({"choices": ["red"]})));
    assert_eq!(fields().unwrap()["label"], "x_colour");
    let change = json!({"entity": "platform.unit", "name": "x_colour", "label": "Paint", "choices": ["red", "blue"]});
    trial.run("admin", "sys.field.change", change);
    let told = fields().unwrap();
    assert_eq!((&told["label"], &told["choices"][1]["value"]), (&json!("Paint"), &json!("blue")));
    trial.run("admin", "sys.field.remove", json!({"entity": "platform.unit", "name": "x_colour"}));
    assert_eq!(fields(), None);
    other.close().unwrap();
}
