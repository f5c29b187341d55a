//! What operations cost the database: statements, rows read, rows stepped over for want of an index, flushes and pages of the log, against the table in `costs.txt`.
//! A change that costs more or less has to change the table on purpose: run the test with `CELEK_COSTS=write`.

use kernel::{Ask, Query, Shape};
use serde_json::{Value as J, json};
use trial::Trial;

use crate::{MODULES, customer, czk, product, receive};

const TABLE: &str = include_str!("costs.txt");

struct Costs {
    trial: Trial,
    table: String,
}

impl Costs {
    /// Does something twice, so that what is kept in memory is there, and notes what the second time costs.
    fn of<T>(&mut self, name: &str, mut work: impl FnMut(&Trial) -> T) -> T {
        work(&self.trial);
        let before = self.trial.kernel().store().stats();
        let done = work(&self.trial);
        let cost = self.trial.kernel().store().stats().since(before);
        let (statements, rows, flushes) = (cost.statements, cost.rows, cost.flushes);
        self.table += &format!("{name:<32}{statements:>5}{rows:>5}{:>5}{flushes:>5}{:>5}\n", cost.scanned, pages(cost));
        done
    }
}

/// Pages of the log that were written.
fn pages(cost: kernel::Stats) -> u64 {
    cost.log_bytes / (4_096 + 24)
}

fn confirmed(trial: &Trial, customer: i64, items: &[i64]) -> (i64, J) {
    let lines: Vec<J> = items.iter().map(|item| json!({"product": item, "quantity": "2"})).collect();
    let order = trial.create("sales", "sales.order", json!({"customer": customer, "lines": lines}));
    (order, trial.run("sales", "sales.order.confirm", json!({"order": order}))["delivery"].clone())
}

fn filtered(entity: &str, filter: &J) -> Query {
    Query { filter: Some(kernel::Filter::parse(filter).unwrap()), ..Query::of(entity) }
}

#[test]
fn operations_cost_what_the_table_says() {
    let trial = Trial::new(MODULES);
    if trial.kernel().store().path().is_none() {
        // The table is of SQLite; PostgreSQL takes further statements for locks.
        return;
    }
    let buyer = customer(&trial);
    let items: Vec<i64> = ["A", "B", "C", "D", "E"].iter().map(|code| product(&trial, code, "10")).collect();
    for item in &items {
        receive(&trial, *item, "1000", "4");
    }
    let mut costs =
        Costs { trial, table: format!("{:<32}{:>5}{:>5}{:>5}{:>5}{:>5}\n", "", "stmt", "rows", "scan", "sync", "log") };
    let lines: Vec<J> = items.iter().map(|item| json!({"product": item, "quantity": "2"})).collect();
    let body = json!({"customer": buyer, "lines": lines});
    let draft = costs.of("create an order of five lines", |t| t.create("sales", "sales.order", body.clone()));
    let mut note = 0;
    costs.of("change a field", |t| {
        note += 1;
        let change = json!({"note": format!("note {note}")});
        t.kernel().change("sales.order", draft, None, &change, &Ask::by(t.who("sales"))).unwrap();
    });
    let sales = costs.trial.who("sales");
    costs.of("list fifty orders", |t| {
        let query = Query { limit: 50, ..Query::of("sales.order") };
        t.kernel().list(&sales, &query, &Shape::default()).unwrap();
    });
    let mut number = 0;
    let party = costs.of("create a party", |t| {
        number += 1;
        t.create("sales", "party.party", json!({"name": format!("Odběratel {number}"), "country": "CZ"}))
    });
    costs.of("change a party", |t| {
        number += 1;
        let change = json!({"name": format!("Odběratel {number}")});
        t.kernel().change("party.party", party, None, &change, &Ask::by(t.who("sales"))).unwrap();
    });
    for (name, query) in [
        ("a page in the order of names", Query::of("party.party").sort_text("name")),
        ("a page by a filter", filtered("party.party", &json!({"country": "CZ", "kind": "company"}))),
        (
            "a page by a path, sorted by one",
            filtered("sales.order", &json!({"customer.country": "CZ"})).sort_text("customer.name"),
        ),
    ] {
        let query = Query { bounds: Some(kernel::Bounds::LIST), ..query };
        let shape = Shape { titles: true, ..Shape::default() };
        costs.of(name, |t| t.kernel().list(&sales, &query, &shape).unwrap());
        costs.of(&format!("count {name}"), |t| t.kernel().read(&sales, |cx| cx.counted(&query, true)).unwrap());
    }
    costs.of("look for words", |t| {
        let query = Query { limit: 50, q: Some("zakaznik".to_owned()), ..Query::of("party.party") };
        t.kernel().list(&sales, &query, &Shape::default()).unwrap();
    });
    let mut drafts: Vec<i64> = (0..2).map(|_| costs.trial.create("sales", "sales.order", body.clone())).collect();
    costs.of("sales.order.confirm", |t| {
        t.run("sales", "sales.order.confirm", json!({"order": drafts.pop().unwrap()}));
    });
    let mut ready: Vec<J> = (0..2).map(|_| confirmed(&costs.trial, buyer, &items).1).collect();
    let mut sent = Vec::new();
    costs.of("inventory.delivery.ship", |t| {
        let delivery = ready.pop().unwrap();
        t.run("stock", "inventory.delivery.ship", json!({"delivery": delivery}));
        sent.push(delivery);
    });
    let mut invoices: Vec<J> = costs.trial.list("finance.invoice", json!({"state": "posted"}));
    costs.of("finance.invoice.send", |t| {
        let invoice = invoices.pop().unwrap();
        t.run("accounts", "finance.invoice.send", json!({"invoice": invoice["id"]}));
    });
    let mut invoices: Vec<J> = costs.trial.list("finance.invoice", json!({"state": "sent"}));
    costs.of("finance.invoice.pay", |t| {
        let invoice = invoices.pop().unwrap();
        t.run("accounts", "finance.invoice.pay", json!({"invoice": invoice["id"]}));
    });
    costs.of("inventory.delivery.return", |t| {
        t.run("stock", "inventory.delivery.return", json!({"delivery": sent.pop().unwrap()}));
    });
    costs.of("inventory.receipt.quick", |t| {
        let input = json!({"product": items[0], "quantity": "3", "unit_cost": czk("4")});
        t.run("stock", "inventory.receipt.quick", input);
    });
    let mut orders: Vec<i64> = (0..2).map(|_| confirmed(&costs.trial, buyer, &items).0).collect();
    costs.of("sales.order.cancel", |t| {
        t.run("sales", "sales.order.cancel", json!({"order": orders.pop().unwrap()}));
    });
    costs.of("process.inbox.mine", |t| t.run("stock", "process.inbox.mine", json!({})));
    if std::env::var("CELEK_COSTS").is_ok_and(|v| v == "write") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/costs.txt");
        std::fs::write(path, &costs.table).unwrap();
        return;
    }
    assert_eq!(costs.table, TABLE, "an operation costs more or less than before: see this file's first lines");
}
