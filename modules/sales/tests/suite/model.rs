//! Random work of a whole house against a model of stock, ledger and debts that is written without the code under test:
//! receipts, orders, partial deliveries, returns, write-offs, credit notes, payments, cancellations and closed periods.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as J, json};
use trial::Trial;

use crate::{MODULES, customer, czk, inbox, order, product};

/// Prices of the two products, in minor units, and the VAT on both.
const PRICES: [i128; 2] = [1_999, 335];
const VAT: i128 = 21;

/// Rounds a fraction half away from zero by long division.
fn half_away(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    if 2 * rest.abs() >= denominator { whole + numerator.signum() } else { whole }
}

/// What of one product of an order is promised, delivered (less what came back) and invoiced.
#[derive(Clone, Copy, Default)]
struct Line {
    promised: i128,
    delivered: i128,
    invoiced: i128,
}

struct Order {
    id: i64,
    lines: [Line; 2],
    cancelled: bool,
    /// The ready delivery and what it still holds.
    ready: Option<(i64, [i128; 2])>,
}

/// What left with one delivery: per product how much, at what value, and how much of it is back.
struct Sent {
    id: i64,
    order: usize,
    pieces: [i128; 2],
    value: [i128; 2],
    back: [i128; 2],
}

struct Invoice {
    id: i64,
    /// Per product: pieces charged and credited.
    pieces: [i128; 2],
    credited: [i128; 2],
    /// What of its tax is not credited.
    tax_left: i128,
}

/// The house as it should be.
#[derive(Default)]
struct Model {
    on_hand: [i128; 2],
    value: [i128; 2],
    orders: Vec<Order>,
    sent: Vec<Sent>,
    invoices: Vec<Invoice>,
    /// Balance of each account by its purpose, debits less credits.
    ledger: BTreeMap<&'static str, i128>,
}

impl Model {
    fn book(&mut self, debit: &'static str, credit: &'static str, amount: i128) {
        *self.ledger.entry(debit).or_default() += amount;
        *self.ledger.entry(credit).or_default() -= amount;
    }

    fn promised(&self, product: usize) -> i128 {
        self.orders.iter().map(|o| o.lines[product].promised).sum()
    }

    fn free(&self, product: usize) -> i128 {
        self.on_hand[product] - self.promised(product)
    }

    /// Takes pieces out of the stock; answers what they were worth (moving average, all of it with the last piece).
    fn take(&mut self, product: usize, pieces: i128) -> i128 {
        let worth = if pieces == self.on_hand[product] {
            self.value[product]
        } else {
            half_away(self.value[product] * pieces, self.on_hand[product])
        };
        self.on_hand[product] -= pieces;
        self.value[product] -= worth;
        worth
    }

    fn put(&mut self, product: usize, pieces: i128, worth: i128) {
        self.on_hand[product] += pieces;
        self.value[product] += worth;
    }
}

/// The trial company beside its model.
struct House {
    trial: Trial,
    customer: i64,
    items: [i64; 2],
    model: Model,
}

fn int(value: &J, scale: u8) -> i128 {
    i128::from(kernel::parse_decimal(value.as_str().unwrap(), scale).unwrap())
}

fn amount(minor: i128) -> J {
    czk(&kernel::decimal_text(minor, 2))
}

impl House {
    fn new() -> Self {
        let trial = Trial::new(MODULES);
        let customer = customer(&trial);
        let price = |i: usize| kernel::decimal_text(PRICES[i], 2);
        let items = [product(&trial, "A", &price(0)), product(&trial, "B", &price(1))];
        Self { trial, customer, items, model: Model::default() }
    }

    fn receive(&mut self, which: usize, pieces: i128, unit: i128) {
        let input = json!({"product": self.items[which], "quantity": pieces.to_string(), "unit_cost": amount(unit)});
        self.trial.run("stock", "inventory.receipt.quick", input);
        self.model.put(which, pieces, pieces * unit);
        self.model.book("stock", "goods_received", pieces * unit);
    }

    fn order(&mut self, wanted: [i128; 2]) {
        let quantities = wanted.map(|q| q.to_string());
        let lines: Vec<_> =
            (0..2).filter(|i| wanted[*i] > 0).map(|i| (self.items[i], quantities[i].as_str())).collect();
        if lines.is_empty() {
            return;
        }
        let id = order(&self.trial, self.customer, &lines);
        let done = self.trial.run("sales", "sales.order.confirm", json!({"order": id}));
        let mut lines = [Line::default(); 2];
        for i in 0..2 {
            lines[i] = Line { promised: wanted[i].min(self.model.free(i)), ..Line::default() };
        }
        assert_eq!(done["missing"], (0..2).any(|i| lines[i].promised < wanted[i]));
        let ready = Some((done["delivery"].as_i64().unwrap(), wanted));
        self.model.orders.push(Order { id, lines, cancelled: false, ready });
    }

    /// Ships a ready delivery, whole or what is there of it.
    fn ship(&mut self, pick: usize, part: bool) {
        let ready: Vec<usize> =
            (0..self.model.orders.len()).filter(|i| self.model.orders[*i].ready.is_some()).collect();
        let Some(&at) = ready.get(pick % ready.len().max(1)) else { return };
        let (delivery, wanted) = self.model.orders[at].ready.unwrap();
        let usable = |i: usize| self.model.free(i) + self.model.orders[at].lines[i].promised;
        let take: [i128; 2] = [wanted[0].min(usable(0)), wanted[1].min(usable(1))];
        let passes = if part { take != [0, 0] } else { take == wanted };
        let operation = if part { "inventory.delivery.ship_part" } else { "inventory.delivery.ship" };
        let done = self.trial.ask("stock", operation, json!({"delivery": delivery}));
        let Ok(answer) = done else {
            assert!(!passes, "{operation} of {wanted:?} with {take:?} there: {:?}", done.err());
            return;
        };
        assert!(passes, "{operation} of {wanted:?} passed with {take:?} there");
        let mut sent = Sent { id: delivery, order: at, pieces: take, value: [0, 0], back: [0, 0] };
        for (i, pieces) in take.into_iter().enumerate().filter(|(_, pieces)| *pieces > 0) {
            sent.value[i] = self.model.take(i, pieces);
            self.model.book("cost_of_goods", "stock", sent.value[i]);
            let line = &mut self.model.orders[at].lines[i];
            line.promised -= line.promised.min(pieces);
            line.delivered += pieces;
        }
        assert_eq!(int(&answer.output["cost"]["amount"], 2), sent.value[0] + sent.value[1]);
        self.model.sent.push(sent);
        let rest = [wanted[0] - take[0], wanted[1] - take[1]];
        self.model.orders[at].ready = answer.output["rest"].as_i64().map(|id| (id, rest));
        assert_eq!(self.model.orders[at].ready.is_some(), rest != [0, 0]);
        if rest == [0, 0] {
            self.invoiced(at);
        }
    }

    /// The process invoices by itself once nothing is ready any more: what was delivered and is not invoiced.
    fn invoiced(&mut self, at: usize) {
        let order = &mut self.model.orders[at];
        let (mut pieces, mut net) = ([0, 0], 0);
        for i in 0..2 {
            let line = &mut order.lines[i];
            pieces[i] = (line.delivered - line.invoiced).max(0);
            line.invoiced += pieces[i];
            net += pieces[i] * PRICES[i];
        }
        let id = order.id;
        let found = self
            .trial
            .list("finance.invoice", json!({"source": {"entity": "sales.order", "id": id}, "kind": "invoice"}));
        if pieces == [0, 0] {
            assert!(found.is_empty(), "nothing was to be invoiced");
            return;
        }
        assert_eq!(found.len(), 1);
        let tax = half_away(net * VAT, 100);
        assert_eq!((int(&found[0]["net"]["amount"], 2), int(&found[0]["tax"]["amount"], 2)), (net, tax));
        let id = found[0]["id"].as_i64().unwrap();
        self.model.invoices.push(Invoice { id, pieces, credited: [0, 0], tax_left: tax });
        self.model.book("receivable", "revenue", net);
        self.model.book("receivable", "tax_out", tax);
    }

    /// Takes pieces of a delivery back, at the value at which they left.
    fn take_back(&mut self, pick: usize, pieces: i128) {
        if self.model.sent.is_empty() {
            return;
        }
        let at = pick % self.model.sent.len();
        let which =
            usize::from(self.model.sent[at].pieces[0] == 0 || pick % 2 == 1 && self.model.sent[at].pieces[1] > 0);
        let Sent { id, order, pieces: sent, value, back } = &self.model.sent[at];
        let (id, order, left) = (*id, *order, sent[which] - back[which]);
        let worth = half_away(value[which] * pieces, sent[which]);
        let record = self.trial.record("inventory.delivery", id);
        let line = record["lines"].as_array().unwrap().iter().find(|l| l["product"] == self.items[which]).unwrap();
        let input = json!({"delivery": id, "lines": [{"line": line["id"], "quantity": pieces.to_string()}]});
        match self.trial.ask("stock", "inventory.delivery.return", input) {
            Err(error) => assert!(pieces > left && error.code == "inventory.too_much", "{error}"),
            Ok(answer) => {
                assert!(pieces <= left, "{pieces} came back of {left}");
                assert_eq!(int(&answer.output["value"]["amount"], 2), worth);
                self.model.put(which, pieces, worth);
                self.model.book("stock", "cost_of_goods", worth);
                self.model.sent[at].back[which] += pieces;
                self.model.orders[order].lines[which].delivered -= pieces;
            }
        }
    }

    /// Writes goods off with the approval of somebody else; promised goods stay.
    fn write_off(&mut self, which: usize, pieces: i128) {
        let line = json!({"product": self.items[which], "quantity": pieces.to_string()});
        let id = self.trial.create("stock", "inventory.write_off", json!({"reason": "Rozbito", "lines": [line]}));
        self.trial.run("manager", "inventory.write_off.approve", json!({"write_off": id}));
        match self.trial.ask("stock", "inventory.write_off.post", json!({"write_off": id})) {
            Err(error) => assert!(pieces > self.model.free(which) && error.code == "inventory.not_enough", "{error}"),
            Ok(_) => {
                assert!(pieces <= self.model.free(which));
                let worth = self.model.take(which, pieces);
                self.model.book("write_off", "stock", worth);
            }
        }
    }

    /// Credits pieces of an invoice. Of a part, the model knows net and tax to half a unit; of all parts together, exactly.
    fn credit(&mut self, pick: usize, pieces: i128) {
        if self.model.invoices.is_empty() {
            return;
        }
        let at = pick % self.model.invoices.len();
        let invoice = &self.model.invoices[at];
        let which = usize::from(invoice.pieces[0] == 0 || pick % 2 == 1 && invoice.pieces[1] > 0);
        let left = invoice.pieces[which] - invoice.credited[which];
        let record = self.trial.record("finance.invoice", invoice.id);
        let line = record["lines"].as_array().unwrap().iter().find(|l| l["product"] == self.items[which]).unwrap();
        let input = json!({"invoice": invoice.id, "lines": [{"line": line["id"], "quantity": pieces.to_string()}]});
        let answer = match self.trial.ask("accounts", "finance.invoice.credit", input) {
            Err(error) => {
                let gone = invoice.pieces == invoice.credited && error.code == "wrong_state";
                assert!(pieces > left && (gone || error.code == "finance.credit_too_much"), "{error}");
                return;
            }
            Ok(answer) => answer,
        };
        assert!(pieces <= left);
        let note = self.trial.record("finance.invoice", answer.output["credit_note"].as_i64().unwrap());
        let (net, tax) = (-int(&note["net"]["amount"], 2), -int(&note["tax"]["amount"], 2));
        assert_eq!(net, pieces * PRICES[which]);
        let invoice = &mut self.model.invoices[at];
        invoice.credited[which] += pieces;
        if invoice.credited == invoice.pieces {
            assert_eq!(tax, invoice.tax_left, "all parts together take back what was charged");
        } else {
            assert!((100 * tax - net * VAT).abs() <= 50, "{tax} is not {VAT} % of {net}");
        }
        invoice.tax_left -= tax;
        self.model.book("revenue", "receivable", net);
        self.model.book("tax_out", "receivable", tax);
    }

    fn pay(&mut self, pick: usize, minor: i128) {
        if self.model.invoices.is_empty() {
            return;
        }
        let at = pick % self.model.invoices.len();
        let input = json!({"party": self.customer, "invoice": self.model.invoices[at].id, "amount": amount(minor)});
        self.trial.run("accounts", "finance.payment.register", input);
        self.model.book("bank", "receivable", minor);
    }

    fn cancel(&mut self, pick: usize) {
        if self.model.orders.is_empty() {
            return;
        }
        let at = pick % self.model.orders.len();
        let order = &mut self.model.orders[at];
        let begun = order.lines.iter().any(|l| l.delivered != 0 || l.invoiced != 0);
        let done = self.trial.ask("sales", "sales.order.cancel", json!({"order": order.id}));
        assert_eq!(done.is_ok(), !begun && !order.cancelled, "{:?}", done.err());
        if done.is_ok() {
            order.cancelled = true;
            order.ready = None;
            order.lines.iter_mut().for_each(|l| l.promised = 0);
        }
    }

    /// With the period closed nothing is posted, and what was refused leaves no trace.
    fn closed(&mut self, pick: usize) {
        let period =
            self.trial.list("finance.period", json!({"name": self.trial.today().strftime("%Y-%m").to_string()}));
        let Some(period) = period.first().map(|p| p["id"].clone()) else { return };
        self.trial.run("accounts", "finance.period.close", json!({"period": period}));
        let mut tries = vec![(
            "stock",
            "inventory.receipt.quick",
            json!({"product": self.items[0], "quantity": "1", "unit_cost": amount(100)}),
        )];
        if let Some(invoice) = self.model.invoices.first() {
            tries.push((
                "accounts",
                "finance.payment.register",
                json!({"party": self.customer, "invoice": invoice.id, "amount": amount(100)}),
            ));
            if invoice.credited != invoice.pieces {
                tries.push(("accounts", "finance.invoice.credit", json!({"invoice": invoice.id})));
            }
        }
        let (login, operation, input) = tries.swap_remove(pick % tries.len());
        assert_eq!(self.trial.refused(login, operation, input).code, "finance.period_closed", "{operation}");
        self.compare();
        self.trial.run("accounts", "finance.period.open", json!({"period": period}));
    }

    /// The house is as the model says.
    fn compare(&self) {
        for (i, item) in self.items.iter().enumerate() {
            let quant = self.trial.list("inventory.quant", json!({"product": item}));
            let of = |field: &str| quant.first().map_or(0, |q| int(&q[field], 0));
            assert_eq!((of("on_hand"), of("reserved")), (self.model.on_hand[i], self.model.promised(i)));
            let valuation = self.trial.list("inventory.valuation", json!({"product": item}));
            assert_eq!(valuation.first().map_or(0, |v| int(&v["value"]["amount"], 2)), self.model.value[i]);
        }
        let rows = self.trial.run("accounts", "finance.report.trial_balance", json!({}))["rows"].clone();
        for account in self.trial.list("finance.account", json!({})) {
            let row = rows.as_array().unwrap().iter().find(|r| r["code"] == account["code"]);
            let balance = row.map_or(0, |r| int(&r["balance"]["amount"], 2));
            let purpose = account["purpose"].as_str().unwrap_or("");
            assert_eq!(balance, self.model.ledger.get(purpose).copied().unwrap_or(0), "balance of {purpose}");
        }
        let open: i128 =
            self.trial.list("finance.open_item", json!({})).iter().map(|i| int(&i["residual"]["amount"], 2)).sum();
        assert_eq!(open, self.model.ledger.get("receivable").copied().unwrap_or(0));
        let ready = self.model.orders.iter().filter(|o| o.ready.is_some()).count();
        assert_eq!(self.trial.list("inventory.delivery", json!({"state": "ready"})).len(), ready);
        assert_eq!(inbox(&self.trial, "stock").len(), ready, "a step for each ready delivery");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_house_agrees_with_a_model(steps in prop::collection::vec((0_u8..16, 0_usize..6, 1_i128..9, 0_i128..5_000), 8..28)) {
        let mut house = House::new();
        for (kind, pick, pieces, minor) in steps {
            match kind {
                0..=2 => house.receive(pick % 2, pieces + 2, minor),
                3..=5 => house.order([pieces % 5, (minor % 4).min(pieces)]),
                6 | 7 => house.ship(pick, false),
                8 | 9 => house.ship(pick, true),
                10 => house.take_back(pick, (pieces + 2) / 3),
                11 => house.write_off(pick % 2, pieces),
                12 => house.credit(pick, (pieces + 2) / 3),
                13 => house.pay(pick, minor + 1),
                14 => house.cancel(pick),
                _ => house.closed(pick),
            }
        }
        house.compare();
    }
}
