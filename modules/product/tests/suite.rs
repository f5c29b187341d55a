//! Products through the public surfaces.

#![allow(clippy::unwrap_used)]

use kernel::{Ask, Module};
use serde_json::json;
use trial::Trial;

const MODULES: &[&Module] = &[&product::MODULE];

#[test]
fn a_new_product_gets_what_is_usual() {
    let trial = Trial::new(MODULES);
    let id = trial.create(
        "stock",
        "product.product",
        json!({"code": "A-1", "name": "Stůl", "price": {"amount": "1500", "currency": "CZK"}}),
    );
    let record = trial.record("product.product", id);
    assert_eq!((record["kind"].as_str(), record["tax_class"].as_str()), (Some("goods"), Some("standard")));
    let unit = trial.record("product.unit", record["unit"].as_i64().unwrap());
    assert_eq!((unit["code"].as_str(), unit["counted"].as_bool()), (Some("pcs"), Some(true)));
    assert_eq!(unit["name"], "Kus");
    let service = trial.create("sales", "product.product", json!({"code": "S-1", "name": "Montáž", "kind": "service"}));
    let system = trial.system();
    let goods = |id| trial.kernel().read(&system, |cx| product::is_goods(cx, kernel::Id::new(id))).unwrap();
    assert!(goods(id) && !goods(service));
}

#[test]
fn a_code_is_given_once() {
    let trial = Trial::new(MODULES);
    trial.create("buyer", "product.product", json!({"code": "A-1", "name": "Stůl"}));
    let ask = Ask::by(trial.who("buyer"));
    let error = trial.kernel().create("product.product", &json!({"code": "A-1", "name": "Jiný"}), &ask).unwrap_err();
    assert_eq!((error.errors[0].field.as_str(), error.errors[0].code.as_ref()), ("code", "not_unique"));
    let error = trial.kernel().create("product.product", &json!({"name": "Bez kódu"}), &ask).unwrap_err();
    assert_eq!((error.errors[0].field.as_str(), error.errors[0].code.as_ref()), ("code", "required"));
}

#[test]
fn accounts_and_managers_only_read() {
    let trial = Trial::new(MODULES);
    for login in ["accounts", "manager"] {
        let ask = Ask::by(trial.who(login));
        let error = trial.kernel().create("product.product", &json!({"code": "X", "name": "X"}), &ask).unwrap_err();
        assert_eq!(error.status, 403);
        let list =
            trial.kernel().list(&trial.who(login), &kernel::Query::of("product.unit"), &kernel::Shape::default());
        assert_eq!(list.unwrap()["rows"].as_array().unwrap().len(), 4);
    }
}
