//! Letters of a company through a real mail server.

#![allow(clippy::unwrap_used)]

use std::{sync::Arc, sync::atomic::AtomicBool, time::Duration};

use mail::testing::{Received, Smtpd};
use serde_json::{Value as J, json};
use server::{Round, ServeOptions};
use trial::Trial;

use super::*;

const MORNING: &str = "2026-06-01T08:00:00Z";

/// A company with a mail server.
struct House {
    trial: Trial,
    server: Smtpd,
}

impl House {
    fn new() -> Self {
        let house = Self { trial: Trial::new(crate::modules::ALL), server: Smtpd::start().unwrap() };
        house.clock(MORNING);
        house
    }
    fn clock(&self, now: &str) {
        self.trial.kernel().shared().set_clock(Some(now.parse().unwrap()));
    }
    fn later(&self, seconds: i64) {
        let now = self.trial.kernel().shared().now();
        let then = now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
        self.trial.kernel().shared().set_clock(Some(then));
    }
    fn jobs(&self) {
        self.trial.kernel().start_recurring().unwrap();
        self.trial.kernel().run_jobs(100).unwrap();
    }
    fn post(&self) -> Post {
        Post::new(Mailer::new(&self.server.settings()).unwrap(), "ucetni@celek.example".to_owned())
    }
    /// One round of sending; how many letters left.
    fn deliver(&self, post: &Post) -> u64 {
        let Round { left, more } = server::deliver(self.trial.kernel(), post, &AtomicBool::new(false)).unwrap();
        assert!(!more);
        left
    }
    /// A posted invoice of a customer with this address and language.
    fn invoice(&self, email: &str, language: &str) -> i64 {
        let name = format!("Customer {email}");
        let party =
            self.trial.create("sales", "party.party", json!({"name": name, "email": email, "language": language}));
        let line = json!({"description": "Work", "quantity": "1", "unit_price": "100"});
        let body = json!({"party": party, "date": "2026-06-01", "due": "2026-06-10", "lines": [line]});
        let invoice = self.trial.create("accounts", "finance.invoice", body);
        self.trial.run("accounts", "finance.invoice.post", json!({"invoice": invoice}));
        invoice
    }
    fn sent_at(&self, invoice: i64) -> J {
        self.trial.record("finance.invoice", invoice)["sent_at"].clone()
    }
    fn letter(&self) -> J {
        self.trial.list("sys.outbox", json!({})).pop().unwrap()
    }
}

fn subject(letter: &Received) -> String {
    letter.header("Subject").unwrap()
}

#[test]
fn an_invoice_and_its_reminder_arrive() {
    let house = House::new();
    let post = house.post();
    let czech = house.invoice("nakup@zakaznik.example", "cs");
    let english = house.invoice("buying@customer.example", "en");
    for invoice in [czech, english] {
        house.trial.run("accounts", "finance.invoice.send", json!({"invoice": invoice}));
        assert!(house.sent_at(invoice).is_null(), "it waits in the outbox");
    }
    house.later(60);
    assert_eq!(house.deliver(&post), 2);
    let letters = house.server.letters();
    assert_eq!(letters.len(), 2);
    let number = house.trial.record("finance.invoice", czech)["number"].as_str().unwrap().to_owned();
    assert_eq!(letters[0].to, ["nakup@zakaznik.example"]);
    assert_eq!(subject(&letters[0]), format!("Faktura {number} od Zkouška s.r.o."));
    assert!(subject(&letters[1]).starts_with("Invoice "), "in the customer's language: {}", subject(&letters[1]));
    assert!(letters[0].header("From").unwrap().contains("ucetni@celek.example"));
    for letter in &letters {
        let files = letter.attachments();
        assert_eq!(files.len(), 1);
        assert!(files[0].0.ends_with(".pdf") && files[0].1.starts_with(b"%PDF"), "{}", files[0].0);
    }
    for invoice in [czech, english] {
        assert_eq!(house.sent_at(invoice), "2026-06-01T08:01:00Z");
    }
    assert!(house.trial.list("sys.outbox", json!({"state": {"ne": "sent"}})).is_empty());
    assert_eq!(house.deliver(&post), 0, "once");
    // Ten days later it is overdue: the reminder leaves by itself, and once.
    house.jobs();
    assert_eq!(house.deliver(&post), 0, "not due yet");
    house.clock("2026-06-11T08:00:00Z");
    house.jobs();
    house.jobs();
    assert_eq!(house.deliver(&post), 2);
    let letters = house.server.letters();
    let mut reminders: Vec<String> = letters[2..].iter().map(subject).collect();
    reminders.sort();
    assert!(reminders[0].starts_with("Reminder: invoice ") && reminders[1].starts_with("Upomínka: faktura "));
    assert!(letters[2..].iter().all(|letter| letter.attachments()[0].1.starts_with(b"%PDF")));
    assert_eq!(house.sent_at(czech), "2026-06-01T08:01:00Z", "when the invoice itself left");
}

#[test]
fn a_server_that_is_down_delays_and_loses_nothing() {
    let mut house = House::new();
    let invoice = house.invoice("nakup@zakaznik.example", "cs");
    house.trial.run("accounts", "finance.invoice.send", json!({"invoice": invoice}));
    // Nobody listens at this port any more.
    let port = house.server.port();
    let away = house.post();
    drop(std::mem::replace(&mut house.server, Smtpd::start().unwrap()));
    let mut pauses = Vec::new();
    for tries in 1..=14 {
        assert_eq!(house.deliver(&away), 0);
        let letter = house.letter();
        assert_eq!((letter["state"].as_str(), letter["attempts"].as_i64()), (Some("queued"), Some(tries)));
        assert!(!letter["error"].as_str().unwrap().is_empty());
        assert_eq!(house.deliver(&away), 0);
        assert_eq!(house.letter()["attempts"], tries, "not tried again before its time");
        let now = house.trial.kernel().shared().now();
        let due: jiff::Timestamp = letter["due"].as_str().unwrap().parse().unwrap();
        pauses.push(due.duration_since(now).as_secs());
        house.trial.kernel().shared().set_clock(Some(due));
    }
    assert!(pauses.windows(2).all(|pair| pair[1] == (2 * pair[0]).min(3_600)), "{pauses:?}");
    assert!(house.sent_at(invoice).is_null());
    // It is back, at first with an excuse, then for good.
    let server = Smtpd::start_on(port).unwrap();
    server.refuse(Some(451));
    assert_eq!(house.deliver(&away), 0);
    server.refuse(None);
    house.later(3_600);
    assert_eq!(house.deliver(&away), 1);
    house.later(86_400);
    assert_eq!(house.deliver(&away), 0);
    assert_eq!(server.letters().len(), 1, "neither lost nor doubled");
    let letter = house.letter();
    assert_eq!((letter["state"].as_str(), letter["error"].as_str()), (Some("sent"), None));
    assert_eq!(house.sent_at(invoice), letter["sent_at"]);
}

#[test]
fn an_address_that_is_refused_is_told() {
    let house = House::new();
    let post = house.post();
    let invoice = house.invoice("nobody@zakaznik.example", "cs");
    house.trial.run("accounts", "finance.invoice.send", json!({"invoice": invoice}));
    house.server.refuse(Some(550));
    assert_eq!(house.deliver(&post), 0);
    // An administrator finds it among the letters that were given up, with the server's own words.
    let dead = house.trial.list("sys.outbox", json!({"state": "failed"}));
    assert_eq!(dead.len(), 1);
    assert!(dead[0]["error"].as_str().unwrap().contains("550"), "{}", dead[0]["error"]);
    let admin = house.trial.who("admin");
    let meta = house.trial.kernel().meta(&admin, kernel::Language::Cs).unwrap();
    let settings = meta["areas"].as_array().unwrap().iter().find(|a| a["key"] == "settings").unwrap();
    assert!(settings["entities"].as_array().unwrap().contains(&json!("sys.outbox")));
    assert_eq!(meta["entities"]["sys.outbox"]["view"]["operations"], json!(["sys.outbox.retry"]));
    assert!(house.sent_at(invoice).is_null());
    house.server.refuse(None);
    house.later(86_400);
    assert_eq!(house.deliver(&post), 0, "it is not tried for ever");
    // The management has a task for it, which sending it to a better address completes.
    let inbox =
        |trial: &Trial| trial.run("manager", "process.inbox.mine", json!({}))["tasks"].as_array().unwrap().clone();
    let task = inbox(&house.trial).into_iter().find(|t| t["subject"]["entity"] == "sys.outbox").unwrap();
    let values = json!({"recipient": "nakup@zakaznik.example"});
    house.trial.run("manager", "process.task.complete", json!({"task": task["id"], "values": values}));
    assert!(inbox(&house.trial).iter().all(|t| t["id"] != task["id"]));
    assert_eq!(house.deliver(&post), 1);
    assert_eq!(house.server.letters()[0].to, ["nakup@zakaznik.example"]);
    assert!(!house.sent_at(invoice).is_null());
}

#[test]
fn a_running_server_sends_by_itself() {
    let house = House::new();
    house.trial.kernel().shared().set_clock(None);
    let at = "127.0.0.1:0".parse().unwrap();
    let options = ServeOptions { sender: Some(Arc::new(house.post())), ..ServeOptions::at(at) };
    let running = server::start(house.trial.shared(), options).unwrap();
    let invoice = house.invoice("nakup@zakaznik.example", "cs");
    house.trial.run("accounts", "finance.invoice.send", json!({"invoice": invoice}));
    // A reminder of an invoice that was due long ago may be faster.
    let invoices = |letters: &[Received]| letters.iter().filter(|l| subject(l).starts_with("Faktura ")).count();
    let arrived = (1..=3).any(|count| invoices(&house.server.wait_for(count, Duration::from_secs(20))) > 0);
    running.stop();
    assert!(arrived);
    assert_eq!(invoices(&house.server.letters()), 1);
    assert!(!house.sent_at(invoice).is_null());
}
