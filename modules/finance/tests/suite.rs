//! The books through public operations; every trial ends with the proof of all invariants.

#![allow(clippy::unwrap_used)]

use kernel::{Currency, Dec, Module};
use proptest::prelude::*;
use serde_json::{Value as J, json};
use trial::Trial;

const MODULES: &[&Module] = &[&party::MODULE, &documents::MODULE, &product::MODULE, &finance::MODULE];

fn customer(trial: &Trial) -> i64 {
    trial.create("sales", "party.party", json!({"name": "Odběratel a.s.", "email": "platby@odberatel.example"}))
}

fn invoice(trial: &Trial, party: i64, price: &str, quantity: &str) -> i64 {
    let body = json!({"party": party, "lines": [{"description": "Práce", "quantity": quantity, "unit_price": price}]});
    let id = trial.create("accounts", "finance.invoice", body);
    trial.run("accounts", "finance.invoice.post", json!({"invoice": id}));
    id
}

#[test]
fn an_invoice_is_posted_paid_and_credited() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    let id = invoice(&trial, party, "99.995", "3");
    let record = trial.record("finance.invoice", id);
    assert_eq!(record["net"]["amount"], "299.99");
    assert_eq!(record["tax"]["amount"], "63.00");
    assert_eq!(record["total"], json!({"amount": "362.99", "currency": "CZK"}));
    assert_eq!(record["state"], "posted");
    let number = record["number"].as_str().unwrap();
    assert!(number.starts_with("FV20") && number.ends_with("00001"), "{number}");
    let lines = trial.list("finance.entry_line", json!({"entry": record["entry"]}));
    let amounts: Vec<_> = lines.iter().map(|l| l["amount"]["amount"].as_str().unwrap()).collect();
    assert_eq!(amounts, ["362.99", "-299.99", "-63.00"]);
    // What is posted cannot be changed by any generic surface.
    let ask = kernel::Ask::by(trial.who("accounts"));
    assert_eq!(
        trial.kernel().change("finance.invoice", id, None, &json!({"note": "x"}), &ask).unwrap_err().code,
        "frozen"
    );
    assert_eq!(trial.kernel().create("finance.entry", &json!({}), &ask).unwrap_err().status, 403);
    // A part, then the rest.
    let amount = |text: &str| json!({"amount": text, "currency": "CZK"});
    trial.run("accounts", "finance.payment.register", json!({"party": party, "amount": amount("100"), "invoice": id}));
    assert_eq!(trial.record("finance.invoice", id)["state"], "posted");
    let second = trial.run(
        "accounts",
        "finance.payment.register",
        json!({"party": party, "amount": amount("300"), "reference": record["variable_symbol"]}),
    );
    assert_eq!(second["settled"]["amount"], "262.99");
    assert_eq!(trial.record("finance.invoice", id)["state"], "paid");
    trial.run("accounts", "finance.payment.reverse", json!({"payment": second["payment"]}));
    assert_eq!(trial.record("finance.invoice", id)["state"], "posted");
    let credited = trial.run("accounts", "finance.invoice.credit", json!({"invoice": id, "reason": "Vráceno"}));
    let note = trial.record("finance.invoice", credited["credit_note"].as_i64().unwrap());
    assert_eq!(note["total"]["amount"], "-362.99");
    assert_eq!(
        trial.refused("accounts", "finance.invoice.credit", json!({"invoice": id})).code,
        "finance.nothing_to_credit"
    );
}

#[test]
fn a_statement_matches_payments_by_reference() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    let first = invoice(&trial, party, "100", "1");
    let second = invoice(&trial, party, "200", "1");
    let symbol = |id: i64| trial.record("finance.invoice", id)["variable_symbol"].as_str().unwrap().to_owned();
    let entry = |amount: i64, symbol: &str, id: &str| {
        let day = jiff::civil::date(2026, 11, 20);
        bank::Entry {
            amount,
            currency: "CZK".to_owned(),
            booking_date: Some(day),
            symbols: bank::Symbols { variable: Some(symbol.to_owned()), ..Default::default() },
            unique_id: id.to_owned(),
            ..Default::default()
        }
    };
    let statement = bank::Statement {
        id: "2026-11".to_owned(),
        account: bank::Account::Iban("CZ6508000000192000145399".to_owned()),
        currency: "CZK".to_owned(),
        entries: vec![
            entry(12_100, &symbol(first), "a"),
            entry(5_000, &symbol(second), "b"),
            entry(999, "424242", "c"),
        ],
        ..Default::default()
    };
    let content = bank::write_camt053(&statement);
    let done = trial.run("accounts", "finance.statement.import", json!({"content": content}));
    assert_eq!((done["lines"].as_i64(), done["matched"].as_i64()), (Some(3), Some(2)));
    assert_eq!(trial.record("finance.invoice", first)["state"], "paid");
    assert_eq!(trial.record("finance.invoice", second)["state"], "posted");
    let again = trial.run("accounts", "finance.statement.import", json!({"content": content}));
    assert_eq!(again["lines"], 0);
    assert_eq!(
        trial.refused("accounts", "finance.statement.import", json!({"content": "<no/>"})).errors[0].code,
        "finance.statement"
    );
}

#[test]
fn a_closed_period_takes_no_posting() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    invoice(&trial, party, "10", "1");
    let period = trial.list("finance.period", json!({}))[0]["id"].clone();
    trial.run("accounts", "finance.period.close", json!({"period": period}));
    let id = trial.create(
        "accounts",
        "finance.invoice",
        json!({"party": party, "lines": [{"description": "x", "unit_price": "1"}]}),
    );
    assert_eq!(trial.refused("accounts", "finance.invoice.post", json!({"invoice": id})).code, "finance.period_closed");
    assert_eq!(trial.record("finance.invoice", id)["state"], "draft");
}

#[test]
fn manual_entries_balance_and_keep_off_controlled_accounts() {
    let trial = Trial::new(MODULES);
    let account = |purpose: &str| trial.list("finance.account", json!({"purpose": purpose}))[0]["id"].clone();
    let line = |purpose: &str, amount: &str| json!({"account": account(purpose), "amount": {"amount": amount, "currency": "CZK"}});
    let post = |lines: Vec<J>| json!({"date": "2026-11-01", "description": "Vklad", "lines": lines});
    let error = trial.refused("accounts", "finance.entry.post", post(vec![line("bank", "5"), line("equity", "-5")]));
    assert_eq!(error.errors[0].code, "finance.controlled");
    let error =
        trial.refused("accounts", "finance.entry.post", post(vec![line("rounding", "5"), line("equity", "-4")]));
    assert_eq!(error.code, "finance.unbalanced");
    let entry =
        trial.run("accounts", "finance.entry.post", post(vec![line("rounding", "5"), line("equity", "-5")]))["entry"]
            .clone();
    trial.run("accounts", "finance.entry.reverse", json!({"entry": entry}));
    assert_eq!(trial.refused("accounts", "finance.entry.reverse", json!({"entry": entry})).code, "finance.reversed");
    let rows = trial.run("accounts", "finance.report.trial_balance", json!({}));
    assert!(rows["rows"].as_array().unwrap().iter().all(|r| r["balance"]["amount"] == "0.00"));
    assert_eq!(trial.refused("sales", "finance.entry.post", post(vec![])).status, 403);
}

#[test]
fn an_overdue_invoice_queues_a_letter_once() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    let body = json!({"party": party, "date": "2026-09-01", "due": "2026-09-10", "lines": [{"description": "x", "unit_price": "1"}]});
    let id = trial.create("accounts", "finance.invoice", body);
    trial.run("accounts", "finance.invoice.post", json!({"invoice": id}));
    trial.kernel().start_recurring().unwrap();
    trial.kernel().run_jobs(100).unwrap();
    trial.kernel().run_jobs(100).unwrap();
    let letters = trial.list("sys.outbox", json!({}));
    assert_eq!(letters.len(), 1);
    assert!(letters[0]["subject"].as_str().unwrap().starts_with("Upomínka"));
    assert_eq!(trial.record("finance.invoice", id)["reminders"], 1);
}

#[test]
fn the_pdf_is_a_pdf() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    let id = invoice(&trial, party, "10", "1");
    let file = trial.run("accounts", "finance.invoice.pdf", json!({"invoice": id}));
    assert!(file["name"].as_str().unwrap().ends_with(".pdf"));
    assert!(file["content"].as_str().unwrap().starts_with("JVBERi"));
}

#[test]
fn a_draft_computes_totals_while_it_is_typed() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    let body = json!({"party": party, "lines": [{"description": "a", "quantity": "2", "unit_price": "10.5", "discount": "10"}, {"description": "b"}]});
    let draft = trial.kernel().draft("finance.invoice", &body, &trial.who("accounts")).unwrap();
    assert_eq!(draft["record"]["lines"][0]["net"]["amount"], "18.90");
    assert_eq!(draft["record"]["total"]["amount"], "22.87");
    assert_eq!(trial.list("finance.invoice", json!({})).len(), 0);
}

/// Rounds half away from zero by long division of the exact fraction, written without the code under test.
fn fraction(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    if 2 * rest.abs() >= denominator { whole + numerator.signum() } else { whole }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn line_nets_equal_exact_fractions(quantity in -1_000_000_i64..1_000_000, price in -1_000_000_i64..1_000_000, discount in 0_i64..=10_000) {
        // Quantities and prices of three decimals: their product has six and is exact.
        let (net, exact) = finance::line_net(Dec::from_raw(quantity * 1_000), Dec::from_raw(price * 1_000), Some(Dec::from_raw(discount)), Currency::CZK).unwrap();
        let product = i128::from(quantity) * i128::from(price);
        let expected = fraction(product * i128::from(10_000 - discount), 10_000 * 10_000);
        prop_assert_eq!(i128::from(net.minor), expected);
        if discount == 0 {
            prop_assert_eq!(i128::from(exact.raw()), product);
        }
    }

    #[test]
    fn finer_products_are_refused(quantity in 1_i64..1_000_000, price in 1_i64..1_000_000) {
        let exact = (i128::from(quantity) * i128::from(price)) % 1_000_000 == 0;
        prop_assert_eq!(finance::line_net(Dec::from_raw(quantity), Dec::from_raw(price), None, Currency::CZK).is_ok(), exact);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Random invoices, payments and credit notes: what is owed equals a model kept beside, and all invariants hold.
    #[test]
    fn books_agree_with_a_model(steps in prop::collection::vec((0_u8..3, 1_i64..50_000, 0_usize..6), 1..14)) {
        let trial = Trial::new(MODULES);
        let party = customer(&trial);
        let (mut open, mut owed): (Vec<(i64, i64, bool)>, i64) = (Vec::new(), 0);
        for (kind, minor, pick) in steps {
            match kind {
                0 => {
                    let id = invoice(&trial, party, &kernel::decimal_text(i128::from(minor), 2), "1");
                    let total = minor + i64::try_from(fraction(i128::from(minor) * 21, 100)).unwrap();
                    open.push((id, total, false));
                    owed += total;
                }
                1 => {
                    let amount = json!({"amount": kernel::decimal_text(i128::from(minor), 2), "currency": "CZK"});
                    trial.run("accounts", "finance.payment.register", json!({"party": party, "amount": amount}));
                    owed -= minor;
                }
                _ if !open.is_empty() => {
                    let at = pick % open.len();
                    if !open[at].2 {
                        trial.run("accounts", "finance.invoice.credit", json!({"invoice": open[at].0}));
                        owed -= open[at].1;
                        open[at].2 = true;
                    }
                }
                _ => {}
            }
        }
        let items = trial.list("finance.open_item", json!({"party": party}));
        let sum: i64 = items.iter().map(|i| kernel::parse_decimal(i["residual"]["amount"].as_str().unwrap(), 2).unwrap()).sum();
        prop_assert_eq!(sum, owed);
    }
}
