//! A step that is overdue tells the manager of who has it, once.

use kernel::Ask;
use serde_json::{Value as J, json};
use trial::Trial;

use crate::probe::{clock, deploy, employee, inbox, open, trial_at};

fn mail(trial: &Trial, login: &str, language: &str) {
    let ask = Ask::by(trial.who("admin"));
    let body = json!({"email": format!("{login}@celek.example"), "language": language});
    trial.kernel().change("platform.user", trial.who(login).user, None, &body, &ask).unwrap();
}

fn letters(trial: &Trial) -> Vec<J> {
    trial.list("sys.outbox", json!({}))
}

#[test]
fn the_manager_of_the_owner_is_told_once() {
    let trial = trial_at("2026-06-01T09:00:00Z");
    mail(&trial, "accounts", "cs");
    mail(&trial, "manager", "en");
    let boss = employee(&trial, "accounts", None);
    employee(&trial, "sales", Some(boss));
    deploy(
        &trial,
        r#"<userTask id="t" name="Do it" celek:assignee="sales" celek:due="1 workday">
        <extensionElements><celek:name lang="cs">Udělat to</celek:name></extensionElements></userTask>"#,
        "s>t>e",
    );
    open(&trial);
    let task = inbox(&trial, "sales")[0]["id"].as_i64().unwrap();
    clock(&trial, "2026-06-02T14:59:00Z");
    assert!(inbox(&trial, "accounts").is_empty() && letters(&trial).is_empty(), "not due yet");
    clock(&trial, "2026-06-02T15:01:00Z");
    let told = inbox(&trial, "accounts");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["title"], "Po termínu: Udělat to");
    assert_eq!(told[0]["subject"], json!({"entity": "process.task", "id": task}));
    assert!(inbox(&trial, "manager").is_empty(), "the owner has a manager");
    let sent = letters(&trial);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["recipient"], "accounts@celek.example");
    assert_eq!(sent[0]["subject"], "Po termínu: Udělat to");
    let text = sent[0]["body"].as_str().unwrap();
    let text = text.replace('\u{a0}', " ");
    assert!(text.contains("2. 6. 2026") && text.contains("sales"), "{text}");
    // Once, however long it stays so.
    for day in 3..8 {
        clock(&trial, &format!("2026-06-0{day}T15:01:00Z"));
    }
    assert_eq!((inbox(&trial, "accounts").len(), letters(&trial).len()), (1, 1));
    // Done at last: there is nothing to look at any more.
    trial.run("sales", "process.task.complete", json!({"task": task}));
    assert!(inbox(&trial, "accounts").is_empty());
}

#[test]
fn without_a_manager_the_management_is_told() {
    let trial = trial_at("2026-06-01T09:00:00Z");
    mail(&trial, "manager", "en");
    deploy(&trial, r#"<userTask id="t" name="Do it" celek:role="stock" celek:due="PT1H"/>"#, "s>t>e");
    open(&trial);
    clock(&trial, "2026-06-01T10:30:00Z");
    assert_eq!(inbox(&trial, "manager").len(), 1);
    let sent = letters(&trial);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["subject"], "Overdue: Do it");
    assert!(sent[0]["body"].as_str().unwrap().contains("Warehouse"), "the role by its name");
    // A process that is ended takes the alarm along.
    let instance = trial.list("process.instance", json!({}))[0]["id"].clone();
    trial.run("manager", "process.instance.cancel", json!({"instance": instance, "reason": "Test"}));
    assert!(inbox(&trial, "manager").is_empty());
}

#[test]
fn who_stands_in_for_the_manager_is_told() {
    let trial = trial_at("2026-06-01T09:00:00Z");
    mail(&trial, "accounts", "en");
    mail(&trial, "buyer", "en");
    let boss = employee(&trial, "accounts", None);
    employee(&trial, "sales", Some(boss));
    let deputy = employee(&trial, "buyer", None);
    let away = json!({"employee": boss, "from": "2026-06-01", "to": "2026-06-10", "substitute": deputy});
    trial.create("manager", "people.absence", away);
    deploy(&trial, r#"<userTask id="t" name="Do it" celek:assignee="sales" celek:due="PT1H"/>"#, "s>t>e");
    open(&trial);
    clock(&trial, "2026-06-01T10:30:00Z");
    assert_eq!((inbox(&trial, "accounts").len(), inbox(&trial, "buyer").len()), (0, 1));
    assert_eq!(letters(&trial)[0]["recipient"], "buyer@celek.example");
}
