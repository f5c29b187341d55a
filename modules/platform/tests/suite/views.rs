//! Views that people keep, and notices that a note brings.

use serde_json::{Value as J, json};
use trial::Trial;

fn keep(trial: &Trial, login: &str, view: Option<i64>, name: &str, shared: bool) -> Result<i64, kernel::Error> {
    let input = json!({"view": view, "entity": "platform.user", "name": name, "address": "q=x", "shared": shared});
    let answer = trial.kernel().run("platform.view.keep", &input, &kernel::Ask::by(trial.who(login)))?;
    Ok(answer.output["view"].as_i64().unwrap())
}

fn names(trial: &Trial, login: &str) -> Vec<String> {
    let answer = trial.run(login, "platform.view.list", json!({"entity": "platform.user"}));
    let views = answer["views"].as_array().unwrap().iter();
    views.map(|view| view["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn own_views_are_ones_own_and_shared_ones_everybodys() {
    let trial = Trial::new(&[]);
    let mine = keep(&trial, "sales", None, "Mine", false).unwrap();
    let ours = keep(&trial, "sales", None, "Ours", true).unwrap();
    assert_eq!(names(&trial, "sales"), ["Mine", "Ours"]);
    assert_eq!(names(&trial, "stock"), ["Ours"]);
    // What is not shared is not there for others; what is shared only its owner and an administrator change.
    assert_eq!(keep(&trial, "stock", Some(mine), "Theirs", false).unwrap_err().code, "not_found");
    assert_eq!(keep(&trial, "stock", Some(ours), "Theirs", true).unwrap_err().code, "platform.view_of_another");
    assert_eq!(keep(&trial, "admin", Some(mine), "Theirs", true).unwrap_err().code, "not_found");
    keep(&trial, "admin", Some(ours), "Everybody's", true).unwrap();
    keep(&trial, "sales", Some(mine), "My own", false).unwrap();
    assert_eq!(names(&trial, "sales"), ["My own", "Everybody's"]);
    trial.run("sales", "platform.view.forget", json!({"view": ours}));
    assert_eq!(names(&trial, "stock"), Vec::<String>::new());
    for _ in 1..50 {
        keep(&trial, "sales", None, "Many", false).unwrap();
    }
    assert_eq!(keep(&trial, "sales", None, "Too many", false).unwrap_err().code, "platform.too_many_views");
}

#[test]
fn whom_a_note_names_is_told_once_and_sees_only_what_is_theirs_to_read() {
    let trial = Trial::new(&[]);
    let note = |entity: &str, id: i64| {
        let record = json!({"entity": entity, "id": id});
        trial.run("admin", "platform.note.add", json!({"record": record, "text": "@stock look, @stock and @admin"}));
    };
    let mine = |login: &str| -> Vec<J> {
        trial.run(login, "platform.notice.mine", json!({}))["notices"].as_array().unwrap().clone()
    };
    note("platform.user", trial.who("sales").user);
    // Who writes is not told; neither is who may not read the record.
    let role = trial.list("platform.role", json!({"code": "sales"}))[0]["id"].clone();
    let rule = json!({"role": role, "entity": "platform.unit", "filter": {"id": 1}, "read": true, "write": true});
    note("platform.rule", trial.create("admin", "platform.rule", rule));
    let told = mine("stock");
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["seen"], &told[0]["record"]["entity"]), (&json!(false), &json!("platform.user")));
    assert!(mine("admin").is_empty() && mine("sales").is_empty());
    trial.run("stock", "platform.notice.look", json!({}));
    assert_eq!(mine("stock")[0]["seen"], json!(true));
}
