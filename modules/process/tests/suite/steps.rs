//! Steps in people's hands: claimed, filled in, stuck and helped on; versions and what they may do.

use kernel::Ask;
use serde_json::json;

use crate::probe::{deploy, file, inbox, open, trial_at};

const NOW: &str = "2026-06-01T09:00:00Z";

#[test]
fn a_step_is_taken_by_one() {
    let trial = trial_at(NOW);
    deploy(&trial, r#"<userTask id="t" name="Do it" celek:role="stock" celek:operation="probe.case.work"/>"#, "s>t>e");
    open(&trial);
    let ask = json!({"login": "petr", "name": "Petr", "roles": "stock"});
    trial.run("admin", "platform.user.add", ask);
    let task = inbox(&trial, "petr")[0]["id"].clone();
    trial.run("stock", "process.task.claim", json!({"task": task}));
    assert!(inbox(&trial, "petr").is_empty());
    let late = trial.refused("petr", "process.task.claim", json!({"task": task}));
    assert_eq!(late.code, "process.task_taken");
    assert_eq!(trial.refused("sales", "process.task.claim", json!({"task": task})).status, 404);
    trial.run("stock", "process.task.release", json!({"task": task}));
    assert_eq!(inbox(&trial, "petr").len(), 1);
    trial.run("petr", "process.task.claim", json!({"task": task}));
    let petr = trial.who("petr").user;
    trial.run("petr", "process.task.complete", json!({"task": task}));
    let done = trial.record("process.task", task.as_i64().unwrap());
    assert_eq!((done["state"].as_str(), done["completed_by"].as_i64()), (Some("done"), Some(petr)));
    assert_eq!(trial.refused("petr", "process.task.complete", json!({"task": task})).code, "process.task_closed");
    assert_eq!(trial.list("process.instance", json!({"state": "done"})).len(), 1);
    // A person is told apart from a program.
    open(&trial);
    let task = inbox(&trial, "stock")[0]["id"].clone();
    let by_program = trial.kernel().run("process.task.claim", &json!({"task": task}), &Ask::by(trial.system()));
    assert_eq!(by_program.unwrap_err().code, "process.nobody");
}

#[test]
fn a_form_takes_its_own_fields_only() {
    let trial = trial_at(NOW);
    let field = |name: &str, kind: &str, more: &str| {
        format!(r#"<celek:field name="{name}" label="{name}" label_cs="cs {name}" kind="{kind}" {more}/>"#)
    };
    let fields = [
        field("amount", "number", r#"required="true""#),
        field("agreed", "boolean", ""),
        field("day", "date", ""),
        field("note", "text", ""),
    ];
    let body = format!(
        r#"<userTask id="t" name="Fill in" celek:role="stock"><extensionElements>{}</extensionElements></userTask>
        <exclusiveGateway id="g" default="g_e"/><userTask id="u" name="Much" celek:role="stock"><extensionElements>{}
        </extensionElements></userTask><sequenceFlow id="g_u" sourceRef="g" targetRef="u"><conditionExpression>=amount &gt; 10.5 and agreed</conditionExpression></sequenceFlow>"#,
        fields.concat(),
        field("note", "text", "")
    );
    deploy(&trial, &body, "s>t>g>e u>e");
    open(&trial);
    let task = inbox(&trial, "stock")[0]["id"].clone();
    let form = trial.run("stock", "process.task.show", json!({"task": task}))["form"].clone();
    assert_eq!((form[0]["kind"].as_str(), form[1]["kind"].as_str()), (Some("dec"), Some("bool")));
    let complete = |values: serde_json::Value| json!({"task": task, "values": values});
    let wrong = trial.refused(
        "stock",
        "process.task.complete",
        complete(json!({"agreed": "perhaps", "day": "soon", "case": 5, "note": 7})),
    );
    let mut fields: Vec<_> = wrong.errors.iter().map(|e| (e.field.as_str(), &*e.code)).collect();
    fields.sort_unstable();
    let expected = [
        ("values.agreed", "bool"),
        ("values.amount", "required"),
        ("values.case", "unknown_field"),
        ("values.day", "date"),
        ("values.note", "text"),
    ];
    assert_eq!(fields, expected);
    let values = json!({"amount": "10.51", "agreed": true, "day": "2026-06-05", "note": "Hello"});
    trial.run("stock", "process.task.complete", complete(values));
    // A decimal counts as a number, and the next form begins with what is known.
    let next = inbox(&trial, "stock");
    assert_eq!(next[0]["title"], "Much");
    let shown = trial.run("stock", "process.task.show", json!({"task": next[0]["id"]}));
    assert_eq!(shown["values"], json!({"note": "Hello"}));
}

const CHECKED: &str = r#"<serviceTask id="c" name="Check it" celek:operation="probe.case.check"><extensionElements>
    <celek:name lang="cs">Zkontrolovat</celek:name><celek:input source="=case" target="case"/><celek:output source="=verdict" target="verdict"/>
    </extensionElements></serviceTask><userTask id="t" name="Go on" celek:role="stock"><extensionElements>
    <celek:field name="verdict" label="Verdict" kind="text"/></extensionElements></userTask>"#;

#[test]
fn an_incident_waits_in_the_inbox_and_is_tried_again() {
    let trial = trial_at(NOW);
    deploy(&trial, CHECKED, "s>c>t>e");
    let case = trial.run("sales", "probe.case.open", json!({"name": "Bad", "blocked": true}))["case"].as_i64().unwrap();
    let stuck = inbox(&trial, "manager");
    assert_eq!(stuck.len(), 1);
    assert_eq!(stuck[0]["title"], "Stuck: Check it");
    // Pressing the button of the task tries again: still blocked, a new incident, a new task.
    trial.run("manager", "process.task.complete", json!({"task": stuck[0]["id"]}));
    let again = inbox(&trial, "manager");
    assert_eq!(again.len(), 1);
    assert_ne!(again[0]["id"], stuck[0]["id"]);
    assert_eq!(trial.list("process.incident", json!({"solution": "retried"})).len(), 1);
    let ask = Ask::by(trial.who("sales"));
    trial.kernel().change("probe.case", case, None, &json!({"blocked": false}), &ask).unwrap();
    let incident = again[0]["subject"]["id"].clone();
    assert_eq!(trial.refused("stock", "process.incident.retry", json!({"incident": incident})).status, 403);
    trial.run("manager", "process.incident.retry", json!({"incident": incident}));
    assert!(inbox(&trial, "manager").is_empty(), "through whatever door");
    let task = inbox(&trial, "stock")[0]["id"].clone();
    let shown = trial.run("stock", "process.task.show", json!({"task": task}));
    assert_eq!(shown["values"]["verdict"], "good");
    assert_eq!(
        trial.refused("manager", "process.incident.retry", json!({"incident": incident})).code,
        "process.solved"
    );
}

#[test]
fn an_incident_is_skipped_with_a_reason() {
    let trial = trial_at(NOW);
    deploy(&trial, CHECKED, "s>c>t>e");
    trial.run("sales", "probe.case.open", json!({"name": "Bad", "blocked": true}));
    let incident = inbox(&trial, "manager")[0]["subject"]["id"].clone();
    let skip = json!({"incident": incident, "reason": "Checked on paper", "values": {"verdict": "by hand"}});
    assert_eq!(trial.refused("stock", "process.incident.skip", skip.clone()).status, 403);
    let silent = json!({"incident": incident, "reason": ""});
    assert_eq!(trial.refused("manager", "process.incident.skip", silent).errors[0].field, "reason");
    trial.run("manager", "process.incident.skip", skip);
    assert!(inbox(&trial, "manager").is_empty());
    let task = inbox(&trial, "stock")[0]["id"].clone();
    let shown = trial.run("stock", "process.task.show", json!({"task": task}));
    assert_eq!(shown["values"]["verdict"], "by hand");
    let told = trial.record("process.incident", incident.as_i64().unwrap());
    assert_eq!((told["solution"].as_str(), told["reason"].as_str()), (Some("skipped"), Some("Checked on paper")));
    assert_eq!(told["solved_by"], trial.who("manager").user);
    // An instance that is ended takes its incidents along.
    trial.run("sales", "probe.case.open", json!({"name": "Bad", "blocked": true}));
    let instance = trial.list("process.instance", json!({"state": "running"})).iter().map(|i| i["id"].as_i64()).max();
    trial.run("manager", "process.instance.cancel", json!({"instance": instance}));
    assert_eq!(trial.list("process.incident", json!({"solution": "cancelled"})).len(), 1);
    assert!(inbox(&trial, "manager").is_empty());
}

#[test]
fn instances_go_on_with_their_version() {
    let trial = trial_at(NOW);
    let first = deploy(&trial, r#"<userTask id="t" name="Old" celek:role="stock"/>"#, "s>t>e");
    open(&trial);
    let body =
        r#"<userTask id="t" name="New" celek:role="stock"/><userTask id="u" name="Further" celek:role="stock"/>"#;
    let second = deploy(&trial, body, "s>t>u>e");
    open(&trial);
    let find = |title: &str| inbox(&trial, "stock").into_iter().find(|t| t["title"] == title);
    trial.run("stock", "process.task.complete", json!({"task": find("Old").unwrap()["id"]}));
    assert!(find("Further").is_none(), "the old one ends as it was drawn when it began");
    trial.run("stock", "process.task.complete", json!({"task": find("New").unwrap()["id"]}));
    assert!(find("Further").is_some());
    let version = |id: i64| trial.record("process.definition", id);
    assert_eq!((version(first)["version"].as_i64(), version(first)["active"].as_bool()), (Some(1), Some(false)));
    assert_eq!((version(second)["version"].as_i64(), version(second)["active"].as_bool()), (Some(2), Some(true)));
}

#[test]
fn a_definition_may_do_what_its_roles_may() {
    let trial = trial_at(NOW);
    let refused = |who: &str, body: &str, roles: &str| {
        trial.refused(
            who,
            "process.definition.deploy",
            json!({"key": "probe", "xml": file(body, "s>c>e"), "roles": roles}),
        )
    };
    let calls = |operation: &str| format!(r#"<serviceTask id="c" name="Call" celek:operation="{operation}"/>"#);
    let task = |more: &str| format!(r#"<userTask id="c" name="Task" {more}/>"#);
    assert_eq!(refused("admin", &calls("probe.case.check"), "stock").code, "process.no_right");
    assert_eq!(refused("admin", &calls("probe.no.such"), "stock").code, "process.no_operation");
    assert_eq!(refused("admin", &calls("platform.user.add"), "admin").code, "process.no_operation", "a person's");
    assert_eq!(refused("manager", &calls("probe.case.check"), "accounts").status, 403, "not the deployer's to give");
    assert_eq!(refused("stock", &calls("probe.case.work"), "stock").status, 403);
    assert_eq!(refused("admin", &task(r#"celek:role="stokc""#), "stock").code, "process.no_such_role");
    assert_eq!(refused("admin", &task(""), "nobodies").code, "process.no_such_role");
    assert_eq!(refused("admin", &task(r#"celek:due="some time""#), "stock").code, "process.not_executable");
    // Run by the system, a definition has the rights that roles were granted, as when a person moves it.
    let role = trial.create("admin", "platform.role", json!({"code": "robot", "name": "Robot"}));
    trial.create("admin", "platform.grant", json!({"role": role, "name": "probe.case.check", "letters": "c"}));
    let body = r#"<intermediateCatchEvent id="w"><timerEventDefinition id="wd"><timeDuration>PT1H</timeDuration>
        </timerEventDefinition></intermediateCatchEvent><serviceTask id="c" name="Check" celek:operation="probe.case.check">
        <extensionElements><celek:input source="=case" target="case"/></extensionElements></serviceTask>"#;
    let xml = file(body, "s>w>c>e");
    trial.run("admin", "process.definition.deploy", json!({"key": "robot", "xml": xml, "roles": "robot"}));
    open(&trial);
    crate::probe::clock(&trial, "2026-06-01T11:00:00Z");
    assert_eq!(trial.list("process.instance", json!({"state": "done"})).len(), 1);
    let logged = trial.list("sys.operation", json!({"name": "probe.case.check"}));
    assert_eq!(
        (logged[0]["actor_name"].as_str(), logged[0]["step"].as_str()),
        (Some("process:robot"), Some("robot:c"))
    );
}

#[test]
fn roles_have_names() {
    let trial = trial_at(NOW);
    let meta = |language| trial.kernel().meta(&trial.who("stock"), language).unwrap();
    let label = |meta: &serde_json::Value, code: &str| {
        let roles = meta["roles"].as_array().unwrap();
        roles.iter().find(|role| role["code"] == code).map(|role| role["label"].as_str().unwrap().to_owned())
    };
    let (czech, english) = (meta(kernel::Language::Cs), meta(kernel::Language::En));
    assert_eq!(label(&czech, "stock").as_deref(), Some("Sklad"));
    assert_eq!(label(&english, "stock").as_deref(), Some("Warehouse"));
    // A role of the company's own has the name that it was given.
    trial.create("admin", "platform.role", json!({"code": "robot", "name": "Robot", "name_cs": "Robot na sklad"}));
    assert_eq!(label(&meta(kernel::Language::Cs), "robot").as_deref(), Some("Robot na sklad"));
    // Fields that hold roles say so, and screens show the names.
    let role_of = |entity: &str, name: &str| {
        let fields = english["entities"][entity]["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap()["role"].clone()
    };
    assert_eq!(
        (role_of("process.task", "role"), role_of("process.definition", "roles")),
        (json!("role"), json!("roles"))
    );
}

#[test]
fn a_form_asks_for_fields_that_were_defined_at_run_time() {
    let trial = trial_at(NOW);
    let choices = json!(["oak", "ash"]);
    let add = json!({"entity": "party.party", "name": "x_wood", "label": "Wood", "label_cs": "Dřevo", "kind": "choice", "choices": choices});
    trial.run("admin", "sys.field.add", add);
    let form = r#"<userTask id="t" name="Ask" celek:role="stock"><extensionElements>
        <celek:field name="wood" kind="party.party.x_wood" required="true"/></extensionElements></userTask>"#;
    let definition = deploy(&trial, form, "s>t>e");
    open(&trial);
    let task = inbox(&trial, "stock")[0]["id"].clone();
    let field = trial.run("stock", "process.task.show", json!({"task": task}))["form"][0].clone();
    assert_eq!((&field["kind"], &field["label"]), (&json!("choice"), &json!("Wood")));
    assert_eq!(field["choices"][1]["value"], "ash");
    let complete = |wood: &str| json!({"task": task, "values": {"wood": wood}});
    let wrong = trial.refused("stock", "process.task.complete", complete("pine"));
    assert_eq!((wrong.errors[0].field.as_str(), &*wrong.errors[0].code), ("values.wood", "choice"));
    // Who wants to remove the field is told of the form.
    let uses = trial.run("admin", "sys.field.uses", json!({"entity": "party.party", "name": "x_wood"}));
    assert_eq!(uses["uses"][0]["record"], json!({"entity": "process.definition", "id": definition}));
    trial.run("stock", "process.task.complete", complete("ash"));
}
