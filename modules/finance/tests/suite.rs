//! The books through public operations; every trial ends with the proof of all invariants.

#![allow(clippy::unwrap_used)]

use kernel::{Dec, Module};
use serde_json::{Value as J, json};
use trial::Trial;

#[path = "suite/memory.rs"]
mod memory;
#[path = "suite/model.rs"]
mod model;
#[path = "suite/views.rs"]
mod views;

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

/// Sum of what is open of a party, in minor units.
fn owed(trial: &Trial, party: i64) -> i64 {
    let items = trial.list("finance.open_item", json!({"party": party}));
    items.iter().map(|i| kernel::parse_decimal(i["residual"]["amount"].as_str().unwrap(), 2).unwrap()).sum()
}

fn czk(text: &str) -> J {
    json!({"amount": text, "currency": "CZK"})
}

/// An entry as an accountant reads it.
fn entry_text(trial: &Trial, entry: &J) -> String {
    let head = trial.record("finance.entry", entry.as_i64().unwrap());
    let word = |json: &J| json.as_str().unwrap_or_default().to_owned();
    let mut text = format!("{} {} {}\n", word(&head["journal"]), word(&head["date"]), word(&head["description"]));
    for line in trial.list("finance.entry_line", json!({"entry": entry})) {
        let account = trial.record("finance.account", line["account"].as_i64().unwrap());
        let percent = line["tax_percent"].as_str().map(|p| format!(" {p} %")).unwrap_or_default();
        let party = if line["party"].is_null() { "" } else { " party" };
        let (code, name, amount) = (word(&account["code"]), word(&account["name"]), word(&line["amount"]["amount"]));
        text += &format!("{code} {name} {amount}{party}{percent}\n");
    }
    text
}

#[test]
fn the_entry_of_an_invoice_reads_so() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    let lines = json!([
        {"description": "Kniha", "quantity": "3", "unit_price": "333.335", "tax_class": "reduced"},
        {"description": "Práce", "quantity": "1.5", "unit_price": "800", "discount": "12.5"},
        {"description": "Sleva", "quantity": "1", "unit_price": "-50"},
        {"description": "Kolek", "quantity": "1", "unit_price": "100", "tax_class": "zero"},
    ]);
    let body = json!({"party": party, "date": "2026-11-02", "lines": lines});
    let id = trial.create("accounts", "finance.invoice", body);
    trial.run("accounts", "finance.invoice.post", json!({"invoice": id}));
    let record = trial.record("finance.invoice", id);
    let golden = "sales 2026-11-02 Odběratel a.s.\n\
                  311 Odběratelé 2430.01 party\n\
                  604 Tržby za zboží a služby -2100.01\n\
                  343 DPH na výstupu -210.00 21.00 %\n\
                  343 DPH na výstupu -120.00 12.00 %\n";
    assert_eq!(entry_text(&trial, &record["entry"]), golden);
    assert_eq!(record["due"], "2026-11-16");
    assert_eq!(kernel::parse_decimal(record["rounding"].as_str().unwrap(), 6).unwrap(), 5_000);
    let open = &trial.list("finance.open_item", json!({"source": {"entity": "finance.invoice", "id": id}}))[0];
    assert_eq!((open["residual"]["amount"].as_str(), open["due"].as_str()), (Some("2430.01"), Some("2026-11-16")));
}

#[test]
fn a_credit_in_parts_leaves_nothing_behind() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    // 7 × 0.335 = 2.345 → 2.35; one by one each is 0.34: the last one takes the rest, of the tax too.
    let id = invoice(&trial, party, "0.335", "7");
    let record = trial.record("finance.invoice", id);
    assert_eq!((record["net"]["amount"].as_str(), record["tax"]["amount"].as_str()), (Some("2.35"), Some("0.49")));
    let line = record["lines"][0]["id"].clone();
    for step in 1..=7 {
        assert_eq!(trial.record("finance.invoice", id)["state"], "posted", "before step {step}");
        let input = json!({"invoice": id, "lines": [{"line": line, "quantity": "1"}]});
        trial.run("accounts", "finance.invoice.credit", input);
    }
    assert_eq!(trial.record("finance.invoice", id)["state"], "cancelled");
    let notes = trial.list("finance.invoice", json!({"corrects": id}));
    let sum = |field: &str| -> i64 {
        notes.iter().map(|n| kernel::parse_decimal(n[field]["amount"].as_str().unwrap(), 2).unwrap()).sum()
    };
    assert_eq!((notes.len(), sum("net"), sum("tax")), (7, -235, -49));
    assert!(notes.iter().all(|n| n["state"] == "paid"));
    assert_eq!(owed(&trial, party), 0);
    let other = invoice(&trial, party, "1", "1");
    let credit = json!({"invoice": other, "lines": [{"line": line, "quantity": "1"}]});
    let error = trial.refused("accounts", "finance.invoice.credit", credit);
    assert_eq!(
        (error.errors[0].code.as_ref(), error.errors[0].field.as_str()),
        ("finance.not_of_invoice", "lines.0.line")
    );
    let line = trial.record("finance.invoice", other)["lines"][0]["id"].clone();
    let credit = json!({"invoice": other, "lines": [{"line": line, "quantity": "1.000001"}]});
    assert_eq!(trial.refused("accounts", "finance.invoice.credit", credit).code, "finance.credit_too_much");
}

#[test]
fn a_credit_note_takes_the_rate_that_was_charged() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    let lines = json!([{"description": "Kniha", "unit_price": "100", "tax_class": "reduced"}]);
    let id = trial.create("accounts", "finance.invoice", json!({"party": party, "date": "2023-12-30", "lines": lines}));
    trial.run("accounts", "finance.invoice.post", json!({"invoice": id}));
    assert_eq!(trial.record("finance.invoice", id)["total"]["amount"], "115.00");
    let done = trial.run("accounts", "finance.invoice.credit", json!({"invoice": id, "date": "2024-01-05"}));
    let note = trial.record("finance.invoice", done["credit_note"].as_i64().unwrap());
    assert_eq!((note["total"]["amount"].as_str(), note["state"].as_str()), (Some("-115.00"), Some("paid")));
    assert_eq!(note["lines"][0]["quantity"], "-1.000000");
    assert_eq!(
        trial.refused("accounts", "finance.invoice.credit", json!({"invoice": note["id"]})).code,
        "finance.credit_of_credit"
    );
}

#[test]
fn a_payment_is_allocated_released_and_reversed() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    let (first, second) = (invoice(&trial, party, "100", "1"), invoice(&trial, party, "200", "1"));
    let state = |id: i64| trial.record("finance.invoice", id)["state"].as_str().unwrap().to_owned();
    let run = |operation: &str, input: J| trial.run("accounts", operation, input);
    let paid = json!({"party": party, "amount": czk("300"), "date": "2026-11-20", "method": "cash"});
    let payment = run("finance.payment.register", paid)["payment"].clone();
    assert_eq!((state(first).as_str(), state(second).as_str()), ("posted", "posted"));
    assert_eq!(run("finance.payment.allocate", json!({"payment": payment}))["settled"]["amount"], "300.00");
    assert_eq!((state(first).as_str(), state(second).as_str()), ("paid", "posted"));
    let again = trial.refused("accounts", "finance.payment.allocate", json!({"payment": payment}));
    assert_eq!(again.code, "finance.nothing_open");
    run("finance.payment.release", json!({"payment": payment}));
    assert_eq!((state(first).as_str(), owed(&trial, party)), ("posted", 6_300));
    run("finance.payment.allocate", json!({"payment": payment, "invoice": second}));
    assert_eq!((state(first).as_str(), state(second).as_str()), ("posted", "paid"));
    run("finance.payment.reverse", json!({"payment": payment}));
    assert_eq!((state(second).as_str(), owed(&trial, party)), ("posted", 36_300));
    assert_eq!(trial.refused("accounts", "finance.payment.reverse", json!({"payment": payment})).code, "wrong_state");
    let rows = trial.run("manager", "finance.report.trial_balance", json!({}))["rows"].clone();
    let cash = rows.as_array().unwrap().iter().find(|r| r["code"] == "211").unwrap().clone();
    assert_eq!((cash["debit"]["amount"].as_str(), cash["balance"]["amount"].as_str()), (Some("300.00"), Some("0.00")));
    let stranger = trial.create("sales", "party.party", json!({"name": "Jiný"}));
    let wrong = json!({"party": stranger, "amount": czk("1"), "invoice": first});
    assert_eq!(trial.refused("accounts", "finance.payment.register", wrong).errors[0].code, "finance.not_of_party");
    assert_eq!(
        trial.refused("sales", "finance.payment.register", json!({"party": party, "amount": czk("1")})).status,
        403
    );
    run("finance.invoice.pay", json!({"invoice": first}));
    assert_eq!(state(first), "paid");
}

#[test]
fn a_free_sample_is_paid_at_once() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    let id = invoice(&trial, party, "0", "1");
    let record = trial.record("finance.invoice", id);
    assert_eq!((record["state"].as_str(), record["entry"].is_null()), (Some("paid"), true));
    assert!(record["number"].is_string());
    let line = |purpose: &str| json!({"account": trial.list("finance.account", json!({"purpose": purpose}))[0]["id"], "amount": czk("0")});
    let post = json!({"date": "2026-11-01", "description": "x", "lines": [line("rounding"), line("equity")]});
    assert_eq!(trial.refused("accounts", "finance.entry.post", post).code, "finance.nothing_to_post");
}

#[test]
fn what_is_posted_stands() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    let id = invoice(&trial, party, "10", "1");
    let record = trial.record("finance.invoice", id);
    let ask = kernel::Ask::by(trial.who("accounts"));
    let line = record["lines"][0]["id"].as_i64().unwrap();
    let kernel = trial.kernel();
    assert!(kernel.change("finance.invoice_line", line, None, &json!({"unit_price": "1"}), &ask).is_err());
    assert!(kernel.change("finance.invoice", id, None, &json!({"lines": []}), &ask).is_err());
    assert!(kernel.change("finance.invoice", id, None, &json!({"total": czk("1")}), &ask).is_err());
    assert!(kernel.remove("finance.invoice", id, None, &ask).is_err());
    assert!(kernel.remove("finance.invoice_line", line, None, &ask).is_err());
    assert!(kernel.create("finance.open_item", &json!({"party": party}), &ask).is_err());
    assert_eq!(trial.record("finance.invoice", id), record);
    // Nor by a hand in the database: the triggers of the ledger, the check of the open item.
    let system = trial.system();
    let by_hand = |text: &'static str| kernel.work(&system, "by hand", |cx| Ok(cx.conn().execute(text, &[])?));
    assert!(by_hand("UPDATE finance_entry_line SET amount = amount + 1").is_err());
    assert!(by_hand("DELETE FROM finance_entry").is_err());
    assert!(by_hand("UPDATE finance_open_item SET residual = amount + 1").is_err());
}

#[test]
fn the_check_names_what_is_wrong() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    invoice(&trial, party, "10", "1");
    let system = trial.system();
    let run = |text: &'static str| {
        trial.kernel().work(&system, "by hand", |cx| Ok(cx.conn().execute(text, &[])?)).unwrap();
    };
    let breaches = |sql: &'static str, back: &'static str| -> String {
        run(sql);
        let found = trial.kernel().check(true).unwrap();
        run(back);
        let told =
            found.into_iter().flat_map(|f| f.breaches).map(|b| format!("{}: {}\n", b.message, b.rows.join("; ")));
        told.collect()
    };
    let found = breaches(
        "UPDATE finance_balance SET debit = debit + 1 WHERE debit > 0",
        "UPDATE finance_balance SET debit = debit - 1 WHERE debit > 0",
    );
    assert!(found.contains("kept balances differ from the lines: account "), "{found}");
    let found = breaches(
        "UPDATE finance_open_item SET residual = residual - 1",
        "UPDATE finance_open_item SET residual = residual + 1",
    );
    assert!(found.contains("open items differ from their allocations: open item "), "{found}");
    assert!(found.contains("receivables or payables differ from the open items: account "), "{found}");
    let found =
        breaches("UPDATE finance_invoice SET total = total + 1", "UPDATE finance_invoice SET total = total - 1");
    assert!(found.contains("posted invoices whose entry does not bear their total"), "{found}");
    let found = breaches("UPDATE finance_invoice SET state = 'paid'", "UPDATE finance_invoice SET state = 'posted'");
    assert!(found.contains("invoices whose state differs"), "{found}");
}

#[test]
fn an_invoice_is_sent_and_shows_when_it_left() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    let id = invoice(&trial, party, "10", "1");
    trial.run("sales", "finance.invoice.send", json!({"invoice": id}));
    assert_eq!(trial.record("finance.invoice", id)["state"], "sent");
    let letters = trial.list("sys.outbox", json!({}));
    assert_eq!((letters.len(), letters[0]["recipient"].as_str()), (1, Some("platby@odberatel.example")));
    assert!(letters[0]["subject"].as_str().unwrap().starts_with("Faktura FV"));
    let paper = trial.create("sales", "party.party", json!({"name": "Bez e-mailu"}));
    let other = invoice(&trial, paper, "10", "1");
    let answer = trial.ask("accounts", "finance.invoice.send", json!({"invoice": other})).unwrap();
    assert_eq!(answer.notes[0].key, "finance.invoice.on_paper");
    assert!(trial.record("finance.invoice", other)["sent_at"].is_string());
    assert_eq!(trial.refused("sales", "finance.invoice.post", json!({"invoice": id})).status, 403);
}

/// Every label, help, value, message and error of these modules stands in the catalogues of both languages.
#[test]
fn every_text_is_there_in_both_languages() {
    let trial = Trial::new(MODULES);
    let schema = trial.kernel().schema();
    let mut wanted = Vec::new();
    let fields = |owner: &str, list: &[kernel::FieldDef], wanted: &mut Vec<(kernel::Language, String)>| {
        for field in list {
            wanted.push((kernel::Language::Cs, format!("{owner}.fields.{}", field.name)));
            if let kernel::Kind::Choice(set) = field.kind {
                for item in set.items {
                    wanted.push((kernel::Language::Cs, format!("choice.{}.{}", set.name, item.value)));
                }
            }
        }
    };
    for module in [&product::MODULE, &documents::MODULE, &finance::MODULE] {
        for def in module.entities.iter().map(|e| (e.def)()) {
            for key in ["label", "plural", "help"] {
                wanted.push((kernel::Language::Cs, format!("{}.{key}", def.name)));
            }
            fields(def.name, def.fields, &mut wanted);
        }
        for def in module.operations.iter().map(|o| (o.def)()) {
            wanted.push((kernel::Language::Cs, format!("{}.label", def.name)));
            wanted.push((kernel::Language::Cs, format!("{}.help", def.name)));
            if !def.read {
                wanted.push((kernel::Language::Cs, format!("{}.done", def.name)));
                wanted.push((kernel::Language::En, format!("{}.done", def.name)));
            }
            fields(def.name, (def.input)(), &mut wanted);
        }
        for code in module.errors {
            wanted.push((kernel::Language::Cs, format!("error.{code}")));
            wanted.push((kernel::Language::En, format!("error.{code}")));
        }
    }
    let missing: Vec<_> = wanted
        .into_iter()
        .filter(|(language, key)| {
            let short = key.rsplit_once('.').map(|(_, name)| format!("fields.{name}")).unwrap_or_default();
            schema.catalogue.get(*language, key).or_else(|| schema.catalogue.get(*language, &short)).is_none()
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// How long an invoice of twenty lines takes: `cargo test -p finance --release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn issuing_takes() {
    let trial = Trial::of(MODULES, "GB", "GBP");
    let party = trial.create("sales", "party.party", json!({"name": "Buyer Ltd"}));
    let system = trial.system();
    for round in 0..3 {
        let start = std::time::Instant::now();
        trial
            .kernel()
            .work(&system, "many", |cx| {
                for n in 0..500 {
                    let line = finance::NewLine {
                        product: None,
                        code_as_written: Some("85123A".to_owned()),
                        description: Some("WHITE HANGING HEART T-LIGHT HOLDER".to_owned()),
                        quantity: Dec::from_raw(6_000_000),
                        unit_price: Dec::from_raw(2_550_000),
                        discount: None,
                        tax_class: product::TaxClass::Standard,
                        purpose: None,
                        corrects: None,
                    };
                    let new = finance::NewInvoice {
                        kind: finance::InvoiceKind::Invoice,
                        party: kernel::Id::new(party),
                        date: jiff::civil::date(2026, 11, 2),
                        due: None,
                        country_name: Some("United Kingdom".to_owned()),
                        source: None,
                        corrects: None,
                        external: Some(format!("{}", 500_000 + round * 1_000 + n)),
                        note: None,
                        lines: vec![line; 20],
                    };
                    finance::issue(cx, new)?;
                }
                Ok(())
            })
            .unwrap();
        println!("500 invoices of 20 lines: {} us each", start.elapsed().as_micros() / 500);
    }
}

#[test]
fn an_english_company_has_its_own_books() {
    let trial = Trial::of(MODULES, "GB", "GBP");
    let party = trial.create("sales", "party.party", json!({"name": "Buyer Ltd"}));
    let body = json!({"party": party, "lines": [{"description": "Work", "quantity": "6", "unit_price": "2.55"}]});
    let id = trial.create("accounts", "finance.invoice", body);
    trial.run("accounts", "finance.invoice.post", json!({"invoice": id}));
    let record = trial.record("finance.invoice", id);
    assert_eq!((record["total"]["amount"].as_str(), record["tax"]["amount"].as_str()), (Some("15.30"), Some("0.00")));
    let account = &trial.list("finance.account", json!({"purpose": "receivable"}))[0];
    assert_eq!((account["code"].as_str(), account["name"].as_str()), (Some("1100"), Some("Trade receivables")));
    let foreign = json!({"party": party, "currency": "EUR", "lines": []});
    let ask = kernel::Ask::by(trial.who("accounts"));
    let error = trial.kernel().create("finance.invoice", &foreign, &ask).unwrap_err();
    assert_eq!(error.errors[0].code, "finance.currency");
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
    // What is credited as a whole is cancelled; what was paid of it is the customer's credit, and is paid back.
    assert_eq!(
        (trial.record("finance.invoice", id)["state"].as_str(), note["state"].as_str()),
        (Some("cancelled"), Some("posted"))
    );
    assert_eq!(trial.refused("accounts", "finance.invoice.credit", json!({"invoice": id})).code, "wrong_state");
    assert_eq!(owed(&trial, party), -10_000);
    trial.run("accounts", "finance.invoice.pay", json!({"invoice": note["id"]}));
    assert_eq!(trial.record("finance.invoice", note["id"].as_i64().unwrap())["state"], "paid");
    assert_eq!(owed(&trial, party), 0);
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
    // What found nothing is matched by hand; a payment that is taken back makes its line wait again.
    let open = trial.list("finance.statement_line", json!({"state": "open"}));
    assert_eq!((open.len(), open[0]["amount"]["amount"].as_str()), (1, Some("9.99")));
    let input = json!({"statement_line": open[0]["id"], "invoice": second});
    let matched = trial.run("accounts", "finance.statement_line.match", input);
    assert_eq!(matched["settled"]["amount"], "9.99");
    assert_eq!(trial.list("finance.statement_line", json!({"state": "open"})).len(), 0);
    trial.run("accounts", "finance.payment.reverse", json!({"payment": matched["payment"]}));
    assert_eq!(trial.list("finance.statement_line", json!({"state": "open"})).len(), 1);
}

#[test]
fn a_closed_period_takes_no_posting() {
    let trial = Trial::new(MODULES);
    let party = customer(&trial);
    invoice(&trial, party, "10", "1");
    assert_eq!(trial.list("finance.period", json!({})).len(), 12);
    let period = trial.list("finance.entry", json!({}))[0]["period"].clone();
    trial.run("accounts", "finance.period.close", json!({"period": period}));
    let id = trial.create(
        "accounts",
        "finance.invoice",
        json!({"party": party, "lines": [{"description": "x", "unit_price": "1"}]}),
    );
    assert_eq!(trial.refused("accounts", "finance.invoice.post", json!({"invoice": id})).code, "finance.period_closed");
    assert_eq!(trial.record("finance.invoice", id)["state"], "draft");
    trial.run("accounts", "finance.period.open", json!({"period": period}));
    // A draft in it keeps it open.
    let error = trial.refused("accounts", "finance.period.close", json!({"period": period}));
    assert_eq!(error.code, "finance.drafts_left");
    trial.run("accounts", "finance.invoice.post", json!({"invoice": id}));
    trial.run("accounts", "finance.period.close", json!({"period": period}));
    assert!(trial.record("finance.period", period.as_i64().unwrap())["closed_at"].is_string());
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
