//! From the order to the paid invoice, with its process, through public operations.

#![allow(clippy::unwrap_used)]

#[path = "suite/drawing.rs"]
mod drawing;
#[path = "suite/editing.rs"]
mod editing;
#[path = "suite/importing.rs"]
mod importing;
#[path = "suite/settling.rs"]
mod settling;

use std::sync::atomic::{AtomicI64, Ordering};

use kernel::{Ask, Module};
use serde_json::{Value as J, json};
use trial::Trial;

#[path = "suite/costs.rs"]
mod costs;
#[path = "suite/model.rs"]
mod model;

const MODULES: &[&Module] = &[
    &party::MODULE,
    &people::MODULE,
    &documents::MODULE,
    &process::MODULE,
    &product::MODULE,
    &finance::MODULE,
    &inventory::MODULE,
    &sales::MODULE,
];

fn czk(amount: &str) -> J {
    json!({"amount": amount, "currency": "CZK"})
}

fn product(trial: &Trial, code: &str, price: &str) -> i64 {
    trial.create(
        "stock",
        "product.product",
        json!({"code": code, "name": format!("Zboží {code}"), "price": czk(price)}),
    )
}

fn receive(trial: &Trial, product: i64, quantity: &str, cost: &str) {
    trial.run(
        "stock",
        "inventory.receipt.quick",
        json!({"product": product, "quantity": quantity, "unit_cost": czk(cost)}),
    );
}

fn order(trial: &Trial, customer: i64, lines: &[(i64, &str)]) -> i64 {
    let lines: Vec<J> = lines.iter().map(|(p, q)| json!({"product": p, "quantity": q})).collect();
    trial.create("sales", "sales.order", json!({"customer": customer, "lines": lines}))
}

fn customer(trial: &Trial) -> i64 {
    trial.create("sales", "party.party", json!({"name": "Zákazník a.s.", "email": "nakup@zakaznik.example"}))
}

fn inbox(trial: &Trial, login: &str) -> Vec<J> {
    trial.run(login, "process.inbox.mine", json!({}))["tasks"].as_array().cloned().unwrap_or_default()
}

#[test]
fn from_the_order_to_the_money() {
    let trial = Trial::new(MODULES);
    let customer = customer(&trial);
    let item = product(&trial, "A-1", "100");
    receive(&trial, item, "3", "60");
    let order = order(&trial, customer, &[(item, "5")]);
    let confirmed = trial.run("sales", "sales.order.confirm", json!({"order": order}));
    assert_eq!(confirmed["missing"], json!(true));
    let number = trial.record("sales.order", order)["number"].as_str().unwrap().to_owned();
    assert!(number.starts_with("OB20"), "{number}");
    // The storekeeper finds the step in the inbox, with its instruction.
    let tasks = inbox(&trial, "stock");
    assert_eq!(tasks.len(), 1);
    assert!(inbox(&trial, "accounts").is_empty());
    let task = tasks[0]["id"].as_i64().unwrap();
    let shown = trial.run("stock", "process.task.show", json!({"task": task}));
    assert!(shown["instruction"].as_str().unwrap().contains("delivery note"));
    assert_eq!(shown["next"], json!(["Ship the goods", "Send the invoice"]));
    // Refused: nothing happened, and the refusal says what would help.
    let error = trial.refused("stock", "process.task.complete", json!({"task": task}));
    assert_eq!(error.code, "inventory.not_enough");
    let offered: Vec<_> = error.actions.iter().map(|a| a.operation.as_str()).collect();
    assert_eq!(offered, ["inventory.delivery.ship_part", "inventory.receipt.quick"]);
    assert_eq!(trial.list("inventory.move", json!({"to.kind": "customer"})).len(), 0);
    // A part goes; the process loops to what is left.
    trial.run("stock", &error.actions[0].operation, error.actions[0].input.clone());
    let tasks = inbox(&trial, "stock");
    assert_eq!(tasks.len(), 1);
    assert_ne!(tasks[0]["id"].as_i64().unwrap(), task);
    // Receiving what is missing is the other offered action: then it passes, from the delivery's form this time.
    let delivery = tasks[0]["subject"]["id"].as_i64().unwrap();
    let error = trial.refused("stock", "inventory.delivery.ship", json!({"delivery": delivery}));
    let receipt = error.actions.iter().find(|a| a.operation == "inventory.receipt.quick").unwrap();
    trial.run("stock", &receipt.operation, receipt.input.clone());
    trial.run("stock", "inventory.delivery.ship", json!({"delivery": delivery}));
    assert!(inbox(&trial, "stock").is_empty(), "the step is done through whatever door");
    // The invoice was issued by the process; accounting sends it, the payment ends the process.
    let tasks = inbox(&trial, "accounts");
    assert_eq!(tasks.len(), 1);
    let invoice = tasks[0]["subject"]["id"].as_i64().unwrap();
    trial.run("accounts", "process.task.complete", json!({"task": tasks[0]["id"]}));
    let record = trial.record("finance.invoice", invoice);
    assert_eq!((record["state"].as_str(), record["total"]["amount"].as_str()), (Some("sent"), Some("605.00")));
    assert_eq!(trial.list("sys.outbox", json!({})).len(), 1);
    assert_eq!(trial.record("sales.order", order)["state"], "done");
    trial.run(
        "accounts",
        "finance.payment.register",
        json!({"party": customer, "amount": record["total"], "reference": record["variable_symbol"]}),
    );
    assert_eq!(trial.record("finance.invoice", invoice)["state"], "paid");
    assert_eq!(trial.list("process.instance", json!({"state": "done"})).len(), 1);
    // 3 pieces at 60, 2 received at the average of nothing: the cost is what was paid.
    let stock = trial.list("inventory.valuation", json!({}));
    assert_eq!(stock[0]["value"]["amount"], "0.00");
}

#[test]
fn a_cancelled_order_leaves_nothing_behind() {
    let trial = Trial::new(MODULES);
    let customer = customer(&trial);
    let item = product(&trial, "A-1", "100");
    receive(&trial, item, "3", "60");
    let order = order(&trial, customer, &[(item, "2")]);
    trial.run("sales", "sales.order.confirm", json!({"order": order}));
    assert_eq!(trial.list("inventory.quant", json!({}))[0]["reserved"], "2.000000");
    trial.run("sales", "sales.order.cancel", json!({"order": order}));
    assert_eq!(trial.list("inventory.quant", json!({}))[0]["reserved"], "0.000000");
    assert!(inbox(&trial, "stock").is_empty());
    assert_eq!(trial.list("process.instance", json!({"state": "cancelled"})).len(), 1);
    assert_eq!(trial.refused("sales", "sales.order.confirm", json!({"order": order})).code, "wrong_state");
}

#[test]
fn a_failing_automatic_step_parks_and_is_retried() {
    let trial = Trial::new(MODULES);
    let customer = customer(&trial);
    let item = product(&trial, "A-1", "100");
    receive(&trial, item, "1", "60");
    let order = order(&trial, customer, &[(item, "1")]);
    let delivery = trial.run("sales", "sales.order.confirm", json!({"order": order}))["delivery"].clone();
    // The process may no longer invoice: its account is gone.
    let account = trial.list("finance.account", json!({"purpose": "revenue"}))[0]["id"].as_i64().unwrap();
    let ask = Ask::by(trial.who("accounts"));
    trial.kernel().change("finance.account", account, None, &json!({"purpose": null}), &ask).unwrap();
    let answer = trial.ask("stock", "inventory.delivery.ship", json!({"delivery": delivery})).unwrap();
    assert!(answer.notes.iter().any(|n| n.key == "process.waits"));
    assert_eq!(trial.record("inventory.delivery", delivery.as_i64().unwrap())["state"], "shipped");
    assert_eq!(trial.list("finance.invoice", json!({})).len(), 0);
    let incident = trial.list("process.incident", json!({}))[0].clone();
    assert_eq!(incident["code"], "finance.no_account");
    trial.check();
    trial.kernel().change("finance.account", account, None, &json!({"purpose": "revenue"}), &ask).unwrap();
    trial.run("manager", "process.incident.retry", json!({"incident": incident["id"]}));
    assert_eq!(trial.list("finance.invoice", json!({"state": "posted"})).len(), 1);
}

#[test]
fn a_quote_becomes_an_order_and_a_credit_limit_holds() {
    let trial = Trial::new(MODULES);
    let customer = customer(&trial);
    let item = product(&trial, "A-1", "100");
    let quote = trial.create(
        "sales",
        "sales.quote",
        json!({"party": customer, "lines": [{"product": item, "quantity": "2", "discount": "10"}]}),
    );
    assert_eq!(trial.record("sales.quote", quote)["net"]["amount"], "180.00");
    trial.run("sales", "sales.quote.send", json!({"quote": quote}));
    let order = trial.run("sales", "sales.quote.accept", json!({"quote": quote}))["order"].clone();
    assert_eq!(trial.record("sales.order", order.as_i64().unwrap())["total"]["amount"], "217.80");
    let ask = Ask::by(trial.who("accounts"));
    trial.kernel().change("party.party", customer, None, &json!({"credit_limit": czk("200")}), &ask).unwrap();
    assert_eq!(trial.refused("sales", "sales.order.confirm", json!({"order": order})).code, "sales.credit_limit");
    trial.kernel().change("party.party", customer, None, &json!({"credit_limit": czk("300")}), &ask).unwrap();
    trial.run("sales", "sales.order.confirm", json!({"order": order}));
    let file = trial.run("sales", "sales.quote.pdf", json!({"quote": quote}));
    assert!(file["content"].as_str().unwrap().starts_with("JVBERi"));
}

#[test]
fn goods_come_back_at_the_value_at_which_they_left() {
    let trial = Trial::new(MODULES);
    let customer = customer(&trial);
    let item = product(&trial, "A-1", "100");
    receive(&trial, item, "3", "10");
    let order = order(&trial, customer, &[(item, "2")]);
    let delivery = trial.run("sales", "sales.order.confirm", json!({"order": order}))["delivery"].clone();
    assert_eq!(trial.run("stock", "inventory.delivery.ship", json!({"delivery": delivery}))["cost"]["amount"], "20.00");
    receive(&trial, item, "1", "50");
    let back = trial.run("stock", "inventory.delivery.return", json!({"delivery": delivery}));
    assert_eq!(back["value"]["amount"], "20.00");
    assert_eq!(
        trial.refused("stock", "inventory.delivery.return", json!({"delivery": delivery})).code,
        "inventory.nothing_to_return"
    );
    let line = &trial.record("sales.order", order)["lines"][0];
    assert_eq!(line["delivered"], "0.000000");
}

#[test]
fn a_write_off_needs_somebody_else() {
    let trial = Trial::new(MODULES);
    let item = product(&trial, "A-1", "100");
    receive(&trial, item, "3", "10");
    let id = trial.create(
        "stock",
        "inventory.write_off",
        json!({"reason": "Rozbito", "lines": [{"product": item, "quantity": "1"}]}),
    );
    assert_eq!(trial.refused("stock", "inventory.write_off.post", json!({"write_off": id})).code, "wrong_state");
    assert_eq!(trial.refused("stock", "inventory.write_off.approve", json!({"write_off": id})).status, 403);
    trial.run("manager", "inventory.write_off.approve", json!({"write_off": id}));
    trial.run("stock", "inventory.write_off.post", json!({"write_off": id}));
    assert_eq!(trial.list("inventory.quant", json!({}))[0]["on_hand"], "2.000000");
    assert_eq!(trial.list("finance.entry", json!({"journal": "stock"})).len(), 2);
}

#[test]
fn callers_at_once_get_what_was_there_and_no_more() {
    let trial = Trial::new(MODULES);
    let customer = customer(&trial);
    let items: Vec<i64> = ["A", "B", "C"].iter().map(|code| product(&trial, code, "10")).collect();
    for item in &items {
        receive(&trial, *item, "7", "1");
    }
    // Orders of which only some can be shipped, confirmed before anything is there to be promised to one of them alone.
    let mut deliveries = Vec::new();
    for i in 0..64 {
        let order = order(&trial, customer, &[(items[i % 3], "1")]);
        deliveries
            .push(trial.run("sales", "sales.order.confirm", json!({"order": order}))["delivery"].as_i64().unwrap());
    }
    let shipped = AtomicI64::new(0);
    std::thread::scope(|scope| {
        for delivery in &deliveries {
            let (trial, shipped) = (&trial, &shipped);
            scope.spawn(move || match trial.ask("stock", "inventory.delivery.ship", json!({"delivery": delivery})) {
                Ok(_) => {
                    shipped.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => assert_eq!(error.code, "inventory.not_enough"),
            });
        }
    });
    assert_eq!(shipped.load(Ordering::Relaxed), 21);
    assert!(trial.list("inventory.quant", json!({})).iter().all(|q| q["on_hand"] == "0.000000"));
}

#[test]
fn the_stock_may_go_between_look_and_click() {
    let trial = Trial::new(MODULES);
    let customer = customer(&trial);
    let item = product(&trial, "A-1", "100");
    let order = order(&trial, customer, &[(item, "1")]);
    let delivery = trial.run("sales", "sales.order.confirm", json!({"order": order}))["delivery"].as_i64().unwrap();
    receive(&trial, item, "1", "10");
    let look = |trial: &Trial| {
        let draft = trial.kernel().draft("inventory.delivery", &json!({"id": delivery}), &trial.who("stock")).unwrap();
        draft["operations"].as_array().unwrap().iter().find(|o| o["operation"] == "inventory.delivery.ship").unwrap()["allowed"].clone()
    };
    assert_eq!(look(&trial), json!(true));
    let id = trial.create(
        "stock",
        "inventory.write_off",
        json!({"reason": "Ztraceno", "lines": [{"product": item, "quantity": "1"}]}),
    );
    trial.run("manager", "inventory.write_off.approve", json!({"write_off": id}));
    trial.run("stock", "inventory.write_off.post", json!({"write_off": id}));
    assert_eq!(
        trial.refused("stock", "inventory.delivery.ship", json!({"delivery": delivery})).code,
        "inventory.not_enough"
    );
    assert_eq!(look(&trial), json!(false));
}

#[test]
fn tasks_belong_to_roles_and_are_handed_over() {
    let trial = Trial::new(MODULES);
    let customer = customer(&trial);
    let item = product(&trial, "A-1", "100");
    receive(&trial, item, "1", "10");
    let order = order(&trial, customer, &[(item, "1")]);
    trial.run("sales", "sales.order.confirm", json!({"order": order}));
    let task = inbox(&trial, "stock")[0]["id"].clone();
    assert_eq!(trial.refused("sales", "process.task.complete", json!({"task": task})).status, 404);
    trial.run("stock", "process.task.claim", json!({"task": task}));
    let (from, to) = (trial.who("stock").user, trial.who("buyer").user);
    let moved = trial.run("manager", "process.task.hand_over", json!({"from": from, "to": to}));
    assert_eq!(moved["tasks"], 1);
    assert!(inbox(&trial, "stock").is_empty());
    assert_eq!(inbox(&trial, "buyer").len(), 1);
    // Whoever has the task still needs the right to what it does.
    assert_eq!(trial.refused("buyer", "process.task.complete", json!({"task": task})).status, 403);
    trial.run("manager", "process.task.hand_over", json!({"from": to, "to": from}));
    trial.run("stock", "process.task.complete", json!({"task": task}));
}
