//! The figures against the raw tables, and under the rights of who asks.

#![allow(clippy::unwrap_used)]

use jiff::{SignedDuration, Timestamp};
use kernel::{Module, Value};
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
    &insight::MODULE,
];

fn czk(amount: &str) -> J {
    json!({"amount": amount, "currency": "CZK"})
}

fn overview(trial: &Trial, login: &str) -> J {
    trial.run(login, "insight.overview", json!({}))
}

/// A sum from the raw tables, in minor units.
fn raw(trial: &Trial, sql: &str) -> i64 {
    trial.kernel().read(&trial.system(), |cx| Ok(cx.conn().int(sql, &[])?.unwrap_or(0))).unwrap()
}

fn minor(figure: &J) -> i64 {
    assert_eq!(figure["currency"], "CZK", "{figure}");
    kernel::parse_decimal(figure["amount"].as_str().unwrap(), 2).unwrap()
}

/// A company with goods, orders on their way, one paid and one overdue invoice, deals in two currencies.
fn company() -> Trial {
    let trial = Trial::new(MODULES);
    let clock = |days: i64| {
        let then = Timestamp::now() - SignedDuration::from_hours(24 * days);
        trial.kernel().shared().set_clock(Some(then));
    };
    clock(40);
    let mug = trial.create("stock", "product.product", json!({"code": "HR-01", "name": "Hrnek", "price": czk("189")}));
    trial.run("stock", "inventory.receipt.quick", json!({"product": mug, "quantity": "31", "unit_cost": czk("70.10")}));
    let party = trial.create("sales", "party.party", json!({"name": "Zákazník a.s.", "payment_days": 14}));
    for (quantity, ship, pay) in [("3", true, true), ("2", true, false), ("4", false, false)] {
        let body = json!({"customer": party, "lines": [{"product": mug, "quantity": quantity}]});
        let order = trial.create("sales", "sales.order", body);
        let delivery = trial.run("sales", "sales.order.confirm", json!({"order": order}))["delivery"].clone();
        if ship {
            trial.run("stock", "inventory.delivery.ship", json!({"delivery": delivery}));
        }
        for invoice in trial.list("finance.invoice", json!({"source": {"entity": "sales.order", "id": order}})) {
            if pay {
                let input = json!({"party": party, "amount": invoice["total"], "invoice": invoice["id"]});
                trial.run("accounts", "finance.payment.register", input);
            }
        }
    }
    let deal = |login: &str, amount: J| {
        trial.create(login, "crm.deal", json!({"name": "Obchod", "party": party, "amount": amount}))
    };
    deal("sales", czk("1000.01"));
    deal("sales", json!({"amount": "50", "currency": "EUR"}));
    let won = deal("sales", czk("7"));
    trial.run("sales", "crm.deal.win", json!({"deal": won}));
    trial.kernel().shared().set_clock(None);
    trial
}

#[test]
fn the_figures_are_those_of_the_raw_tables() {
    let trial = company();
    let seen = overview(&trial, "manager");
    for (figure, sql) in [
        (
            "bank",
            "SELECT SUM(l.amount) FROM finance_entry_line l JOIN finance_account a ON a.id = l.account WHERE a.controlled_by = 'cash'",
        ),
        (
            "receivables",
            "SELECT SUM(l.amount) FROM finance_entry_line l JOIN finance_account a ON a.id = l.account WHERE a.controlled_by = 'receivable'",
        ),
        (
            "stock_value",
            "SELECT SUM(l.amount) FROM finance_entry_line l JOIN finance_account a ON a.id = l.account WHERE a.controlled_by = 'stock'",
        ),
        ("pipeline", "SELECT SUM(amount) FROM crm_deal WHERE state = 'open' AND amount_currency = 'CZK'"),
        ("expected", "SELECT SUM(expected) FROM crm_deal WHERE state = 'open' AND expected_currency = 'CZK'"),
    ] {
        let wanted = raw(&trial, sql);
        assert_eq!(minor(&seen[figure]), wanted, "{figure}");
        assert!(wanted > 0, "{figure} says something");
    }
    assert_eq!(seen["overdue"], seen["receivables"], "what was not paid has been due for weeks");
    assert_eq!(seen["pipeline"], czk("1000.01"), "only what is in the company's currency, and open");
    assert_eq!(seen["without_next_step"], json!(2));
    let orders = raw(&trial, "SELECT COUNT(*) FROM sales_order WHERE state = 'confirmed'");
    assert_eq!(seen["open_orders"], json!(orders));
    assert!(orders > 0);
    let tasks = raw(&trial, "SELECT COUNT(*) FROM process_task WHERE state IN ('open', 'claimed')");
    assert_eq!(seen["open_tasks"], json!(tasks));
}

#[test]
fn the_slowest_step_is_found_by_its_name() {
    let trial = company();
    // The third order has waited for its shipment since forty days ago; nothing else took as long.
    let seen = overview(&trial, "manager");
    let hours = seen["slowest_hours"].as_i64().unwrap();
    let rows = |cx: &mut kernel::Cx<'_>| {
        Ok(cx.conn().rows("SELECT instance, token, element, how, at FROM process_step ORDER BY id", &[])?)
    };
    let rows = trial.kernel().read(&trial.system(), rows).unwrap();
    // The same written differently: for each element, the hours of each visit, open ones until now.
    let now = Timestamp::now().as_microsecond();
    let mut visits: std::collections::BTreeMap<String, Vec<i64>> = std::collections::BTreeMap::new();
    for row in rows.iter().filter(|r| r[3] == Value::from("entered")) {
        let end =
            rows.iter().find(|r| r[0] == row[0] && r[1] == row[1] && r[2] == row[2] && r[3] != Value::from("entered"));
        let end = end.map_or(now, |r| r[4].as_int().unwrap());
        visits.entry(row[2].as_text().unwrap().to_owned()).or_default().push(end - row[4].as_int().unwrap());
    }
    let mean = |all: &Vec<i64>| all.iter().sum::<i64>() / i64::try_from(all.len()).unwrap();
    let (element, slowest) =
        visits.iter().map(|(e, all)| (e.clone(), mean(all))).max_by_key(|(_, mean)| *mean).unwrap();
    assert!((slowest / 3_600_000_000 - hours).abs() <= 1, "{element}: {slowest} µs, told {hours} h");
    assert!(hours >= 24 * 10, "{hours}");
    let told = seen["slowest_step"].as_str().unwrap();
    assert!(!told.is_empty() && told != element, "people know it as {told}, not as {element}");
    let czech = kernel::Principal { language: kernel::Language::Cs, ..(*trial.who("manager")).clone() };
    let ask = kernel::Ask::by(czech.into());
    let cs = trial.kernel().run("insight.overview", &json!({}), &ask).unwrap().output["slowest_step"].clone();
    assert_ne!(cs, seen["slowest_step"], "in the language of who asks");
}

#[test]
fn each_figure_stands_under_the_rights_of_who_asks() {
    let trial = company();
    let all = overview(&trial, "admin");
    let given = |login: &str| -> Vec<String> {
        let seen = overview(&trial, login);
        let mut keys: Vec<String> = seen
            .as_object()
            .unwrap()
            .iter()
            .filter(|(k, v)| *k != "opens" && !v.is_null())
            .map(|(k, _)| k.clone())
            .collect();
        for key in &keys {
            assert_eq!(seen[key], all[key], "{login} sees all of {key}");
        }
        keys.sort();
        keys
    };
    let everything = [
        "bank",
        "expected",
        "open_orders",
        "open_tasks",
        "overdue",
        "pipeline",
        "receivables",
        "slowest_hours",
        "slowest_step",
        "stock_value",
        "without_next_step",
    ];
    assert_eq!(given("manager"), everything);
    let sales = given("sales");
    assert!(
        sales.contains(&"pipeline".to_owned())
            && !sales.contains(&"bank".to_owned())
            && !sales.contains(&"slowest_step".to_owned()),
        "{sales:?}"
    );
    let stock = given("stock");
    assert!(stock.contains(&"stock_value".to_owned()), "{stock:?}");
    for hidden in ["bank", "receivables", "overdue", "pipeline", "expected", "without_next_step", "slowest_step"] {
        assert!(!stock.contains(&hidden.to_owned()), "{hidden} is left out, not nought");
    }
    // A rule that narrows what a role reads narrows its figures too.
    trial.run("admin", "platform.user.add", json!({"login": "eva", "name": "Eva", "roles": "sales"}));
    let party = trial.list("party.party", json!({}))[0]["id"].clone();
    trial.create(
        "eva",
        "crm.deal",
        json!({"name": "Její", "party": party, "amount": czk("20"), "next_step": "Zavolat"}),
    );
    let role = trial.list("platform.role", json!({"code": "sales"}))[0]["id"].clone();
    trial.run("admin", "platform.rule.own", json!({"role": role, "entity": "crm.deal"}));
    let (sales, eva) = (overview(&trial, "sales"), overview(&trial, "eva"));
    assert_eq!((&sales["pipeline"], &sales["without_next_step"]), (&czk("1000.01"), &json!(2)));
    assert_eq!((&eva["pipeline"], &eva["without_next_step"]), (&czk("20.00"), &json!(0)));
    assert_eq!(overview(&trial, "manager")["pipeline"], czk("1020.01"));
    // Nobody who is not signed in sees anything.
    let nobody = std::sync::Arc::new(kernel::Principal::anonymous(trial.system().company.clone()));
    let ask = kernel::Ask::by(nobody);
    assert_eq!(trial.kernel().run("insight.overview", &json!({}), &ask).unwrap_err().status, 403);
}

#[test]
fn the_figures_are_of_one_company() {
    let trial = company();
    let before = overview(&trial, "manager");
    let nobody = std::sync::Arc::new(kernel::Principal::system(std::sync::Arc::default()));
    let other = trial
        .kernel()
        .work(&nobody, "test.found", |cx| {
            let new = platform::NewCompany::in_country("Druhá s.r.o.", "CZ", kernel::Currency::CZK);
            let company = platform::found(cx, new)?;
            let user = platform::NewUser {
                login: "other".to_owned(),
                name: "Jiná".to_owned(),
                roles: vec!["manager".to_owned(), "stock".to_owned(), "sales".to_owned()],
                ..platform::NewUser::default()
            };
            platform::add_user(cx, company, user)?;
            Ok(company)
        })
        .unwrap();
    trial.kernel().forget_rights();
    assert_eq!(trial.who("other").company.id, other.raw());
    let empty = overview(&trial, "other");
    for figure in ["bank", "receivables", "overdue", "stock_value", "pipeline", "expected"] {
        assert_eq!(empty[figure], czk("0.00"), "{figure}");
    }
    let mug = trial.create("other", "product.product", json!({"code": "X", "name": "X", "price": czk("1")}));
    trial.run("other", "inventory.receipt.quick", json!({"product": mug, "quantity": "2", "unit_cost": czk("3.50")}));
    assert_eq!(overview(&trial, "other")["stock_value"], czk("7.00"));
    assert_eq!(overview(&trial, "manager"), before);
}

#[test]
fn screens_show_it_in_an_area_of_its_own() {
    let trial = Trial::new(MODULES);
    for (language, area, label) in
        [(kernel::Language::En, "Insight", "Overview"), (kernel::Language::Cs, "Přehledy", "Přehled")]
    {
        let meta = trial.kernel().meta(&trial.who("stock"), language).unwrap();
        let areas = meta["areas"].as_array().unwrap();
        let found = areas.iter().find(|a| a["key"] == "insight").unwrap();
        assert_eq!((&found["label"], &found["operations"]), (&json!(area), &json!(["insight.overview"])));
        let told = &meta["operations"]["insight.overview"];
        assert_eq!(told["label"], json!(label));
        if language == kernel::Language::Cs {
            for field in told["output"].as_array().unwrap() {
                let english = kernel::i18n::humanize(field["name"].as_str().unwrap());
                assert_ne!(field["label"], json!(english), "{}", field["name"]);
            }
        }
    }
}
