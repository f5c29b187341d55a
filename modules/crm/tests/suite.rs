//! From the web form to the won deal through public operations.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use kernel::{Ask, Error, Module, Principal};
use serde_json::{Value as J, json};
use trial::Trial;

const MODULES: &[&Module] = &[
    &party::MODULE,
    &people::MODULE,
    &documents::MODULE,
    &process::MODULE,
    &product::MODULE,
    &finance::MODULE,
    &inventory::MODULE,
    &sales::MODULE,
    &crm::MODULE,
];

fn arrive(trial: &Trial, input: &J) -> Result<J, Error> {
    let anonymous = Arc::new(Principal::anonymous(trial.system().company.clone()));
    Ok(trial.kernel().run("crm.lead.arrive", input, &Ask::by(anonymous))?.output)
}

fn lead() -> J {
    json!({"name": "Karel Vaněk", "company_name": "Kavárna U Vaňka", "email": "karel@vanek.example", "message": "5 hrnků."})
}

fn inbox(trial: &Trial, login: &str) -> Vec<J> {
    trial.run(login, "process.inbox.mine", json!({}))["tasks"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_lead_becomes_a_won_deal_without_retyping() {
    let trial = Trial::new(MODULES);
    let price = json!({"amount": "100", "currency": "CZK"});
    let item = trial.create("stock", "product.product", json!({"code": "H", "name": "Hrnek", "price": price}));
    assert!(!arrive(&trial, &lead()).unwrap()["message"].as_str().unwrap().is_empty());
    let tasks = inbox(&trial, "sales");
    assert_eq!((tasks.len(), tasks[0]["subject"]["entity"].as_str()), (1, Some("crm.lead")));
    trial.run("sales", "process.task.complete", json!({"task": tasks[0]["id"]}));
    assert!(inbox(&trial, "sales").is_empty());
    let lead = trial.record("crm.lead", tasks[0]["subject"]["id"].as_i64().unwrap());
    assert_eq!(lead["state"], "converted");
    assert_eq!(trial.record("party.party", lead["party"].as_i64().unwrap())["name"], "Kavárna U Vaňka");
    let deal = lead["deal"].as_i64().unwrap();
    let quote = trial.run("sales", "crm.deal.quote", json!({"deal": deal, "product": item, "quantity": "5"}));
    trial.run("sales", "sales.quote.accept", json!({"quote": quote["quote"]}));
    assert_eq!(trial.record("crm.deal", deal)["state"], "won");
}

#[test]
fn a_robot_is_thanked_and_nothing_is_kept() {
    let trial = Trial::new(MODULES);
    let mut input = lead();
    input["website"] = json!("http://spam.example");
    assert!(arrive(&trial, &input).is_ok());
    assert!(trial.list("crm.lead", json!({})).is_empty());
    assert_eq!(arrive(&trial, &json!({"name": "Nikdo"})).unwrap_err().status, 422);
}
