//! The model scenario, played through the public interface: each step as the user whose role it is, and from the inbox.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use kernel::{Error, Kernel, Result};
use serde_json::{Value as J, json};

use crate::{client::Client, demo, output};

/// One user at the interface.
struct User(Client);

struct Scenario {
    addr: SocketAddr,
    kernel: Arc<Kernel>,
    story: Story,
}

fn wrong(what: impl Into<String>) -> Error {
    Error::internal(what)
}

impl Scenario {
    fn user(&self, login: &str) -> Result<User> {
        let token = platform::create_token(&self.kernel, login, "scenario", "", Some(1))?;
        Ok(User(Client::new(self.addr, Some(token))))
    }
    fn visitor(&self) -> User {
        User(Client::new(self.addr, None))
    }
}

impl std::ops::Deref for User {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.0
    }
}

impl User {
    /// The first task of the inbox.
    fn task(&self) -> Result<J> {
        let (_, inbox) = self.ask("GET", "/api/v1/operations/process.inbox.mine", None)?;
        match inbox["tasks"].get(0) {
            Some(task) => Ok(task.clone()),
            None => Err(wrong(format!("the inbox is empty: {inbox}"))),
        }
    }
}

/// What happened: told at once, to people on the standard output; kept for the one document that programs get.
#[derive(Default)]
struct Story {
    json: bool,
    steps: Mutex<Vec<J>>,
}

impl Story {
    fn tell(&self, who: &str, text: &str) {
        let line = format!("{who:>10}  {text}");
        if self.json {
            eprintln!("{line}");
        } else {
            output::print_line(&line);
        }
        if let Ok(mut steps) = self.steps.lock() {
            steps.push(json!({"who": who, "what": text}));
        }
    }
    fn steps(&self) -> Vec<J> {
        self.steps.lock().map(|steps| steps.clone()).unwrap_or_default()
    }
}

fn text(json: &J) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

/// Plays the model scenario from an empty company to the paid invoice and proves the invariants at the end.
///
/// # Errors
/// Where a step does not do what it should.
pub fn run(kernel: Arc<Kernel>, json: bool) -> Result<bool> {
    demo::found(&kernel, "Scénář s.r.o.", false)?;
    let options = server::ServeOptions::at(SocketAddr::from(([127, 0, 0, 1], 0)));
    let running = server::start(kernel.clone(), options).map_err(|e| wrong(e.to_string()))?;
    let scenario = Scenario { addr: running.addr(), kernel: kernel.clone(), story: Story { json, ..Story::default() } };
    let result = play(&scenario);
    running.stop();
    result?;
    let findings = kernel.check(true)?;
    for finding in findings.iter().filter(|f| !f.holds()) {
        scenario.story.tell("check", &format!("{}: {:?} {:?}", finding.check, finding.breaches, finding.error));
    }
    let holds = findings.iter().all(kernel::Finding::holds);
    scenario.story.tell("check", if holds { "All invariants hold." } else { "An invariant is broken." });
    if json {
        output::print_json(&json!({"ok": holds, "steps": scenario.story.steps()}));
    }
    Ok(holds)
}

fn play(scenario: &Scenario) -> Result<()> {
    let (sales, stock, accounts, manager) =
        (scenario.user("sales")?, scenario.user("stock")?, scenario.user("accounts")?, scenario.user("manager")?);
    let mug = stock.create(
        "product.product",
        &json!({"code": "HR-01", "name": "Hrnek", "price": {"amount": "189", "currency": "CZK"}}),
    )?;
    stock.run(
        "inventory.receipt.quick",
        &json!({"product": mug, "quantity": "3", "unit_cost": {"amount": "70", "currency": "CZK"}}),
    )?;
    scenario.story.tell("stock", "has received 3 mugs.");

    let lead = json!({"name": "Karel Vaněk", "company_name": "Kavárna U Vaňka", "email": "karel@vanek.example", "message": "Potřebujeme 5 hrnků."});
    scenario.visitor().run("crm.lead.arrive", &lead)?;
    scenario.story.tell("visitor", "writes through the web form: we need 5 mugs.");
    let task = sales.task()?;
    scenario.story.tell("sales", &format!("finds in the inbox: {}", text(&task["title"])));
    sales.run("process.task.complete", &json!({"task": task["id"]}))?;
    let lead = sales.get("crm.lead", &task["subject"]["id"])?;
    let party = lead["party"].clone();
    scenario.story.tell(
        "sales",
        &format!(
            "turns the lead into the customer {} and a deal, without retyping.",
            text(&sales.get("party.party", &party)?["name"])
        ),
    );
    let quote =
        sales.run("crm.deal.quote", &json!({"deal": lead["deal"], "product": mug, "quantity": "5"}))?["quote"].clone();
    sales.run("sales.quote.send", &json!({"quote": quote}))?;
    let order = sales.run("sales.quote.accept", &json!({"quote": quote}))?["order"].clone();
    sales.run("sales.order.confirm", &json!({"order": order}))?;
    let order_record = sales.get("sales.order", &order)?;
    scenario.story.tell(
        "sales",
        &format!(
            "sends a quote, which is accepted and becomes order {} over {} CZK.",
            text(&order_record["number"]),
            text(&order_record["total"]["amount"])
        ),
    );

    let task = stock.task()?;
    scenario.story.tell("stock", &format!("finds in the inbox: {}", text(&task["title"])));
    let problem = stock.refused("process.task.complete", &json!({"task": task["id"]}))?;
    scenario.story.tell("stock", &format!("presses Ship and is refused: {}", text(&problem["detail"])));
    let action = problem["actions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|a| a["operation"] == "inventory.receipt.quick")
        .cloned();
    let action = action.ok_or_else(|| wrong(format!("nothing was offered: {problem}")))?;
    stock.run("inventory.receipt.quick", &action["input"])?;
    scenario.story.tell("stock", &format!("presses what is offered: {}", text(&action["label"])));
    stock.run("process.task.complete", &json!({"task": task["id"]}))?;
    scenario.story.tell("stock", "presses Ship again: the goods left, their cost is in the ledger, the step is done.");

    let task = accounts.task()?;
    scenario.story.tell("accounts", &format!("finds in the inbox: {}", text(&task["title"])));
    let invoice_id = task["subject"]["id"].clone();
    accounts.run("process.task.complete", &json!({"task": task["id"]}))?;
    let invoice = accounts.get("finance.invoice", &invoice_id)?;
    scenario.story.tell(
        "accounts",
        &format!("sends invoice {} over {} CZK.", text(&invoice["number"]), text(&invoice["total"]["amount"])),
    );
    accounts.run("finance.statement.import", &json!({"content": statement(&invoice)?}))?;
    let paid = accounts.get("finance.invoice", &invoice_id)?;
    if paid["state"] != "paid" {
        return Err(wrong(format!("the payment did not find its invoice: {paid}")));
    }
    scenario.story.tell("accounts", "takes the bank statement in: the payment finds its invoice, which is paid.");

    let (_, overview) = manager.ask("GET", "/api/v1/operations/insight.overview", None)?;
    scenario.story.tell(
        "manager",
        &format!(
            "sees: bank {} CZK, stock {} CZK.",
            text(&overview["bank"]["amount"]),
            text(&overview["stock_value"]["amount"])
        ),
    );
    let (_, runs) = manager.ask("GET", "/api/v1/entities/process.instance", None)?;
    let done = runs["rows"].as_array().is_some_and(|rows| rows.iter().all(|r| r["state"] == "done"));
    if !done {
        return Err(wrong(format!("a process is not done: {runs}")));
    }
    scenario.story.tell("manager", "sees that the process from order to cash has ended.");
    Ok(())
}

/// The bank's statement with the payment of an invoice.
fn statement(invoice: &J) -> Result<String> {
    let amount = kernel::parse_decimal(invoice["total"]["amount"].as_str().unwrap_or("0"), 2)?;
    let day = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let entry = bank::Entry {
        amount,
        currency: "CZK".to_owned(),
        booking_date: Some(day),
        symbols: bank::Symbols {
            variable: invoice["variable_symbol"].as_str().map(str::to_owned),
            ..Default::default()
        },
        counterparty: Some("Kavárna U Vaňka".to_owned()),
        unique_id: "SCENARIO-1".to_owned(),
        ..Default::default()
    };
    Ok(bank::write_camt053(&bank::Statement {
        id: "SCENARIO".to_owned(),
        account: bank::Account::Iban("CZ6508000000192000145399".to_owned()),
        currency: "CZK".to_owned(),
        entries: vec![entry],
        ..Default::default()
    }))
}
