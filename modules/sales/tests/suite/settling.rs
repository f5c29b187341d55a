//! When an order's process ends: sent and settled, in whatever order these come.

use kernel::Ask;
use serde_json::json;
use trial::Trial;

use crate::{MODULES, customer, inbox, order, product, receive};

/// An order of one piece that was shipped and invoiced; the invoice.
fn invoiced(trial: &Trial, customer: i64, price: &str) -> i64 {
    let item = product(trial, &format!("P-{price}"), price);
    receive(trial, item, "1", "5");
    let order = order(trial, customer, &[(item, "1")]);
    let delivery = trial.run("sales", "sales.order.confirm", json!({"order": order}))["delivery"].clone();
    trial.run("stock", "inventory.delivery.ship", json!({"delivery": delivery}));
    inbox(trial, "accounts")[0]["subject"]["id"].as_i64().unwrap()
}

fn done(trial: &Trial) -> usize {
    trial.list("process.instance", json!({"state": "done"})).len()
}

fn send(trial: &Trial) {
    let task = inbox(trial, "accounts")[0]["id"].clone();
    trial.run("accounts", "process.task.complete", json!({"task": task}));
}

#[test]
fn an_invoice_of_nothing_waits_for_no_payment() {
    let trial = Trial::new(MODULES);
    let customer = customer(&trial);
    let invoice = invoiced(&trial, customer, "0");
    assert_eq!(trial.record("finance.invoice", invoice)["total"]["amount"], "0.00");
    assert_eq!(done(&trial), 0, "the invoice is still to be sent");
    send(&trial);
    assert_eq!(done(&trial), 1);
    assert!(trial.list("process.subscription", json!({})).is_empty());
}

#[test]
fn a_payment_may_come_before_the_invoice_is_sent() {
    let trial = Trial::new(MODULES);
    let customer = customer(&trial);
    let invoice = invoiced(&trial, customer, "100");
    let record = trial.record("finance.invoice", invoice);
    let pay = json!({"party": customer, "amount": record["total"], "reference": record["variable_symbol"]});
    trial.run("accounts", "finance.payment.register", pay);
    assert_eq!(trial.record("finance.invoice", invoice)["state"], "paid");
    assert_eq!(done(&trial), 0);
    send(&trial);
    assert_eq!(done(&trial), 1);
}

#[test]
fn an_invoice_credited_in_full_ends_the_process_too() {
    let trial = Trial::new(MODULES);
    let customer = customer(&trial);
    let invoice = invoiced(&trial, customer, "100");
    send(&trial);
    assert_eq!(done(&trial), 0);
    trial
        .kernel()
        .run("finance.invoice.credit", &json!({"invoice": invoice}), &Ask::by(trial.who("accounts")))
        .unwrap();
    assert_eq!(done(&trial), 1);
}
