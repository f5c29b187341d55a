//! Random leads and deals against what must hold whatever people do; each operation with an inverse runs as a pair.

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value as J, json};
use trial::Trial;

use crate::kit::{MODULES, change, czk, inbox, party};

/// Names and addresses of which some share a name, a mailbox, a domain.
const NAMES: &[&str] = &["Jan Novák", "Jana Nováková", "Eva Malá", "JAN NOVAK"];
const COMPANIES: &[&str] = &["", "Kavárna U Vaňka s.r.o.", "Kavárna U Vaňka", "Hotel Beseda", "Galerie"];
const MAILS: &[&str] =
    &["jan@seznam.cz", "jana@beseda.example", "info@beseda.example", "eva@gmail.com", "x@galerie.example"];

fn lead() -> impl Strategy<Value = (usize, usize, usize, bool)> {
    (0..NAMES.len(), 0..COMPANIES.len(), 0..MAILS.len(), any::<bool>())
}

/// What of a deal an operation and its inverse leave as it was.
fn kept(trial: &Trial, deal: i64) -> J {
    let record = trial.record("crm.deal", deal);
    let mut out = json!({});
    for key in [
        "name",
        "party",
        "pipeline",
        "stage",
        "amount",
        "probability",
        "expected",
        "owner",
        "next_step",
        "next_step_due",
        "state",
        "lost_reason",
        "lead",
    ] {
        out[key] = record[key].clone();
    }
    out
}

fn inverse(trial: &Trial, operation: &str) -> String {
    let schema = trial.kernel().schema();
    (schema.operation(operation).unwrap().def)().inverse.to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 20, ..ProptestConfig::default() })]

    /// Each lead becomes one customer with one deal however often it is converted; two different people stay two.
    #[test]
    fn converting_is_idempotent(leads in vec(lead(), 1..8)) {
        let trial = Trial::new(MODULES);
        for (name, company, mail, fresh) in leads {
            let mut body = json!({"name": NAMES[name], "email": MAILS[mail]});
            if !COMPANIES[company].is_empty() {
                body["company_name"] = json!(COMPANIES[company]);
            }
            let id = trial.create("sales", "crm.lead", body.clone());
            let before = (trial.list("party.party", json!({})), trial.list("crm.deal", json!({})).len());
            let (output, asked) = match trial.ask("sales", "crm.lead.convert", json!({"lead": id})) {
                Ok(answer) => (answer.output, false),
                Err(error) => {
                    // A question changes nothing, and each of its answers is one that can be given.
                    prop_assert_eq!(&*error.code, "crm.known_customer");
                    prop_assert_eq!(trial.list("party.party", json!({})).len(), before.0.len());
                    let still = trial.record("crm.lead", id)["state"].clone();
                    prop_assert_eq!(still, json!("new"));
                    let chosen = if fresh { error.actions.last() } else { error.actions.first() }.unwrap();
                    (trial.run("sales", &chosen.operation, chosen.input.clone()), true)
                }
            };
            let party = output["party"].clone();
            if let Some(known) = before.0.iter().find(|p| p["id"] == party).filter(|_| !asked) {
                // Without a person's word only somebody who is called the same is taken for known.
                let called = body.get("company_name").unwrap_or(&body["name"]).as_str().unwrap().to_owned();
                prop_assert_eq!(party::core_name(known["name"].as_str().unwrap()), party::core_name(&called));
            }
            for _ in 0..2 {
                let refusal = trial.refused("sales", "crm.lead.convert", json!({"lead": id}));
                prop_assert_eq!(&*refusal.code, "wrong_state");
            }
            let after = trial.list("party.party", json!({})).len();
            prop_assert_eq!(trial.list("crm.deal", json!({})).len(), before.1 + 1);
            prop_assert!(after <= before.0.len() + 1, "{} customers", after);
            let record = trial.record("crm.lead", id);
            prop_assert_eq!(&record["party"], &party);
            prop_assert_eq!(&trial.record("crm.deal", record["deal"].as_i64().unwrap())["party"], &party);
        }
        let tasks = inbox(&trial, "sales");
        prop_assert!(tasks.iter().all(|t| t["subject"]["entity"] == "crm.deal"), "{:?}", tasks);
    }

    /// Win or lose, by word or by moving, and the declared inverse: the deal is as it was, and so is what waits.
    #[test]
    fn each_end_is_undone(deals in vec((0i64..2_000_000_000, any::<Index>(), any::<bool>(), any::<bool>()), 1..6), ends in vec(0usize..4, 1..6)) {
        let trial = Trial::new(MODULES);
        let stages = trial.list("crm.stage", json!({}));
        let open: Vec<_> = stages.iter().filter(|s| s["won"] == json!(false) && s["lost"] == json!(false)).collect();
        let closing = |won: bool| stages.iter().find(|s| s[if won { "won" } else { "lost" }] == json!(true)).unwrap()["id"].clone();
        let customer = party(&trial, "Odběratel");
        for (n, (minor, at, step, without)) in deals.into_iter().enumerate() {
            let amount = format!("{}.{:02}", minor / 100, minor % 100);
            let mut body = json!({"name": format!("Obchod {n}"), "party": customer, "stage": open[at.index(open.len())]["id"]});
            if !without {
                body["amount"] = czk(&amount);
            }
            if step {
                body["next_step"] = json!("Zavolat");
                body["next_step_due"] = json!("2027-02-03");
            }
            let id = trial.create("sales", "crm.deal", body);
            let about = json!({"subject": {"entity": "crm.deal", "id": id}, "state": ["open", "claimed"]});
            for end in &ends {
                let (before, waits) = (kept(&trial, id), trial.list("process.task", about.clone()).len());
                let operation = match end {
                    0 => { trial.run("sales", "crm.deal.win", json!({"deal": id})); "crm.deal.win" }
                    1 => { trial.run("sales", "crm.deal.lose", json!({"deal": id, "reason": "Cena"})); "crm.deal.lose" }
                    2 => { trial.run("sales", "crm.deal.move", json!({"deal": id, "stage": closing(true)})); "crm.deal.win" }
                    _ => { trial.run("sales", "crm.deal.move", json!({"deal": id, "stage": closing(false), "reason": "Cena"})); "crm.deal.lose" }
                };
                prop_assert_ne!(&kept(&trial, id), &before);
                prop_assert_eq!(trial.list("process.task", about.clone()).len(), 0);
                trial.run("sales", &inverse(&trial, operation), json!({"deal": id}));
                prop_assert_eq!(&kept(&trial, id), &before, "{} and its inverse", operation);
                prop_assert_eq!(trial.list("process.task", about.clone()).len(), waits);
            }
        }
        trial.check();
    }

    /// Giving a lead up and taking it up again: it is as it was, with one task.
    #[test]
    fn a_lead_is_given_up_and_taken_up_again(times in 1usize..4, (name, company, mail, _) in lead()) {
        let trial = Trial::new(MODULES);
        let body = json!({"name": NAMES[name], "email": MAILS[mail], "company_name": COMPANIES[company]});
        let id = trial.create("sales", "crm.lead", body);
        let plain = |mut record: J| { record["rev"] = J::Null; record };
        let before = plain(trial.record("crm.lead", id));
        for _ in 0..times {
            trial.run("sales", "crm.lead.lose", json!({"lead": id, "reason": "Nic"}));
            prop_assert!(change(&trial, "sales", "crm.lead", id, &json!({"name": "x"})).is_err(), "what was given up is frozen");
            prop_assert!(inbox(&trial, "sales").is_empty());
            trial.run("sales", &inverse(&trial, "crm.lead.lose"), json!({"lead": id}));
            prop_assert_eq!(plain(trial.record("crm.lead", id)), before.clone());
            prop_assert_eq!(inbox(&trial, "sales").len(), 1);
        }
    }
}
