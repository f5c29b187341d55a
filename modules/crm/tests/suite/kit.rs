//! What the tests of this module share.

use std::sync::Arc;

use kernel::{Ask, Error, Module, Principal};
use serde_json::{Value as J, json};
use trial::Trial;

/// The modules that a company with this one has.
pub const MODULES: &[&Module] = &[
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

/// Sends the web form, as anybody.
pub fn arrive(trial: &Trial, input: &J) -> Result<J, Error> {
    let anonymous = Arc::new(Principal::anonymous(trial.system().company.clone()));
    Ok(trial.kernel().run("crm.lead.arrive", input, &Ask::by(anonymous))?.output)
}

pub fn inbox(trial: &Trial, login: &str) -> Vec<J> {
    trial.run(login, "process.inbox.mine", json!({}))["tasks"].as_array().cloned().unwrap_or_default()
}

/// Titles of what waits for somebody, sorted.
pub fn waiting(trial: &Trial, login: &str) -> Vec<String> {
    let mut titles: Vec<String> =
        inbox(trial, login).iter().map(|t| t["title"].as_str().unwrap_or_default().to_owned()).collect();
    titles.sort();
    titles
}

/// The first record by a filter.
#[track_caller]
pub fn one(trial: &Trial, entity: &str, filter: J) -> J {
    trial.list(entity, filter.clone()).into_iter().next().unwrap_or_else(|| panic!("{entity}: nothing by {filter}"))
}

/// A stage by its likelihood.
pub fn stage(trial: &Trial, probability: i64) -> J {
    one(trial, "crm.stage", json!({"probability": probability}))["id"].clone()
}

pub fn czk(amount: &str) -> J {
    json!({"amount": amount, "currency": "CZK"})
}

/// A customer.
pub fn party(trial: &Trial, name: &str) -> i64 {
    trial.create("sales", "party.party", json!({"name": name}))
}

/// An open deal of a new customer.
pub fn deal(trial: &Trial, name: &str) -> i64 {
    let party = party(trial, &format!("{name} a.s."));
    trial.create("sales", "crm.deal", json!({"name": name, "party": party, "amount": czk("1000")}))
}

/// Changes a record as a user.
pub fn change(trial: &Trial, login: &str, entity: &str, id: i64, body: &J) -> Result<J, Error> {
    Ok(trial.kernel().change(entity, id, None, body, &Ask::by(trial.who(login)))?.output)
}

/// Another user in sales.
pub fn colleague(trial: &Trial, login: &str) -> i64 {
    let input = json!({"login": login, "name": login, "roles": "sales"});
    trial.run("admin", "platform.user.add", input)["user"].as_i64().unwrap()
}
