//! A module that the tests' processes are about, and what the tests share.

use kernel::{Cx, Entity, Error, Event, Fields, Id, Module, Operation, Result, Run, entity, event, op};
use serde_json::{Value as J, json};
use trial::Trial;

/// A case.
#[derive(Entity)]
#[entity(name = "probe.case", plain, title = name, read = "*", write = "*")]
pub struct Case {
    /// Name.
    pub name: String,
    /// Checks refuse it.
    pub blocked: bool,
}

/// Opens a case.
#[derive(Operation)]
#[operation(name = "probe.case.open", allow = "*", no_inverse = "A test.")]
pub struct Open {
    /// Name.
    pub name: String,
    /// Checks refuse it.
    pub blocked: Option<bool>,
}

/// The case.
#[derive(Fields)]
pub struct Opened {
    /// The case.
    pub case: Id<Case>,
}

impl Run for Open {
    type Output = Opened;
    fn run(self, cx: &mut Cx<'_>) -> Result<Opened> {
        let case = cx.insert(Case { name: self.name, blocked: self.blocked.unwrap_or(false) })?;
        cx.emit(CaseOpened { case })?;
        Ok(Opened { case })
    }
}

/// A case was opened.
#[derive(Event)]
#[event(name = "probe.case.opened", subject = case)]
pub struct CaseOpened {
    /// The case.
    pub case: Id<Case>,
}

/// Works on a case.
#[derive(Operation)]
#[operation(name = "probe.case.work", on = Case, allow = "stock", no_inverse = "A test.")]
pub struct Work {
    /// The case.
    pub case: Id<Case>,
}

impl Run for Work {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut case = cx.target(self.case)?;
        case.name.push('!');
        cx.save(&mut case)
    }
}

/// Checks a case.
#[derive(Operation)]
#[operation(name = "probe.case.check", on = Case, allow = "accounts", no_inverse = "A test.")]
pub struct Check {
    /// The case.
    pub case: Id<Case>,
}

/// What was found.
#[derive(Fields)]
pub struct Checked {
    /// The verdict.
    pub verdict: String,
}

impl Run for Check {
    type Output = Checked;
    fn run(self, cx: &mut Cx<'_>) -> Result<Checked> {
        let case = cx.target(self.case)?;
        if case.blocked { Err(Error::refused("probe.blocked")) } else { Ok(Checked { verdict: "good".to_owned() }) }
    }
}

/// The module.
pub static MODULE: Module = Module {
    name: "probe",
    entities: &[entity::<Case>()],
    operations: &[op::<Open>(), op::<Work>(), op::<Check>()],
    events: &[event::<CaseOpened>()],
    errors: &["probe.blocked"],
    catalogues: &[("en", "[error.probe]\nblocked = \"Blocked.\""), ("cs", "[error.probe]\nblocked = \"Zadrženo.\"")],
    ..Module::BASE
};

/// A company with processes, people and cases, at a moment.
pub fn trial_at(now: &str) -> Trial {
    let trial = Trial::new(&[&party::MODULE, &people::MODULE, &process::MODULE, &MODULE]);
    clock(&trial, now);
    trial
}

/// Moves the clock and lets all jobs run that are due.
pub fn clock(trial: &Trial, now: &str) {
    trial.kernel().shared().set_clock(Some(now.parse().unwrap()));
    work(trial);
}

/// Lets all jobs run that are due.
pub fn work(trial: &Trial) {
    trial.kernel().start_recurring().unwrap();
    trial.kernel().run_jobs(100).unwrap();
}

/// A file whose process starts with an opened case: its elements, and chains of their ids such as `s>t>e`.
pub fn file(body: &str, chains: &str) -> String {
    let mut flows = String::new();
    for chain in chains.split_whitespace() {
        let ids: Vec<&str> = chain.split('>').collect();
        for pair in ids.windows(2) {
            flows.push_str(&format!(
                r#"<sequenceFlow id="{0}_{1}" sourceRef="{0}" targetRef="{1}"/>"#,
                pair[0], pair[1]
            ));
        }
    }
    format!(
        r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:celek="http://celek.org/bpmn" id="d" targetNamespace="t">
        <message id="m" name="probe.case.opened"/>
        <process id="p" name="Probe" isExecutable="true" celek:subject="case">
        <startEvent id="s"><extensionElements><celek:output source="=case" target="case"/></extensionElements>
        <messageEventDefinition id="sm" messageRef="m"/></startEvent><endEvent id="e"/>{body}{flows}</process></definitions>"#
    )
}

/// Deploys a file that acts for the warehouse and the accounts.
#[track_caller]
pub fn deploy(trial: &Trial, body: &str, chains: &str) -> i64 {
    let input = json!({"key": "probe", "xml": file(body, chains), "roles": "stock accounts"});
    trial.run("admin", "process.definition.deploy", input)["definition"].as_i64().unwrap()
}

/// Opens a case.
#[track_caller]
pub fn open(trial: &Trial) -> i64 {
    trial.run("sales", "probe.case.open", json!({"name": "Case"}))["case"].as_i64().unwrap()
}

/// The titles in a user's inbox.
pub fn inbox(trial: &Trial, login: &str) -> Vec<J> {
    trial.run(login, "process.inbox.mine", json!({}))["tasks"].as_array().cloned().unwrap_or_default()
}

/// An employee who signs in as this user.
#[track_caller]
pub fn employee(trial: &Trial, login: &str, manager: Option<i64>) -> i64 {
    let body = json!({"name": login, "user": trial.who(login).user, "manager": manager});
    trial.create("manager", "people.employee", body)
}
