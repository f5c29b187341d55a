//! Own deals only: a rule narrows every door.

use kernel::{Query, Shape};
use serde_json::json;
use trial::Trial;

use crate::kit::{MODULES, change, colleague, czk, one, party};

#[test]
fn sales_sees_its_own_deals_only() {
    let trial = Trial::new(MODULES);
    colleague(&trial, "eva");
    let party = party(&trial, "Odběratel");
    let body = |name: &str| json!({"name": name, "party": party, "amount": czk("10")});
    let mine = trial.create("sales", "crm.deal", body("Můj"));
    let hers = trial.create("eva", "crm.deal", body("Její"));
    let role = one(&trial, "platform.role", json!({"code": "sales"}))["id"].clone();
    let rule = trial.run("admin", "platform.rule.own", json!({"role": role, "entity": "crm.deal"}))["rule"].clone();
    let sales = trial.who("sales");
    let kernel = trial.kernel();
    let list = kernel.list(&sales, &Query::of("crm.deal"), &Shape::default()).unwrap();
    assert_eq!(list["rows"].as_array().unwrap().iter().map(|r| r["id"].as_i64().unwrap()).collect::<Vec<_>>(), [mine]);
    assert_eq!(kernel.record(&sales, "crm.deal", hers, &Shape::default()).unwrap_err().status, 404);
    let about = |id: i64| json!({"entity": "crm.deal", "id": id});
    for (operation, input) in [
        ("crm.deal.win", json!({"deal": hers})),
        ("crm.deal.quote", json!({"deal": hers})),
        ("crm.deal.next_step", json!({"deal": hers, "what": "x", "due": "2027-01-01"})),
    ] {
        assert_eq!(trial.refused("sales", operation, input).status, 404, "{operation}");
    }
    for (operation, input) in [
        ("crm.activity.log", json!({"subject": about(hers), "kind": "note", "text": "x"})),
        ("platform.note.add", json!({"record": about(hers), "text": "x"})),
    ] {
        assert_eq!(trial.refused("sales", operation, input).errors[0].code, "no_record", "{operation}");
    }
    assert_eq!(change(&trial, "sales", "crm.deal", hers, &json!({"name": "x"})).unwrap_err().status, 404);
    // Giving a deal away is not writing one's own; the manager does it.
    let eva = trial.who("eva").user;
    assert_eq!(change(&trial, "sales", "crm.deal", mine, &json!({"owner": eva})).unwrap_err().status, 403);
    trial.run("sales", "crm.activity.log", json!({"subject": about(mine), "kind": "note", "text": "x"}));
    assert_eq!(trial.list("crm.activity", json!({"kind": "note"})).len(), 1);
    // A role without the rule sees everything; without the rule, sales does again.
    assert_eq!(
        kernel.list(&trial.who("manager"), &Query::of("crm.deal"), &Shape::default()).unwrap()["rows"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    kernel.remove("platform.rule", rule.as_i64().unwrap(), None, &kernel::Ask::by(trial.who("admin"))).unwrap();
    assert!(kernel.record(&trial.who("sales"), "crm.deal", hers, &Shape::default()).is_ok());
}
