//! Replays documents through the operations of the house, each as it would be done by people.

use std::collections::{BTreeMap, HashMap};

use finance::{Invoice, InvoiceKind, InvoiceLine, NewInvoice, NewLine};
use inventory::{
    Delivery, DeliveryLine, Receipt, ReceiptLine, ReceiptState, ShipLine, WriteOff, WriteOffLine, WriteOffState,
};
use jiff::civil::Date;
use kernel::{AnyRef, Cx, Dec, Error, Id, LongText, Money, Result, Value};
use party::Party;
use product::{Product, TaxClass};
use sales::{Invoicing, Order, OrderLine, OrderState};

use super::read::{Book, Document, Kind, Row, is_service};

/// Begins the reason and the note of a correction of the stock; the file's number follows.
pub const CORRECTION: &str = "Stock correction";

/// What of a delivery may still come back: delivery, its line, how much.
type Left = (Id<Delivery>, Id<DeliveryLine>, Dec<6>);

/// Goods that left for a customer, the latest last.
#[derive(Default)]
pub struct Sent(HashMap<(i64, i64), Vec<Left>>);

/// What a document did to [`Sent`]; taken over once the document stands.
#[derive(Default)]
pub struct Moves {
    sent: Vec<((i64, i64), Left)>,
    back: Vec<((i64, i64), Id<DeliveryLine>, Dec<6>)>,
}

impl Sent {
    /// What the database knows: a resumed import goes on from there.
    pub fn load(cx: &mut Cx<'_>) -> Result<Self> {
        let mut returned: HashMap<i64, i64> = HashMap::new();
        let int = |row: &[Value], i: usize| row.get(i).and_then(Value::as_int).unwrap_or(0);
        for row in cx.conn().rows(
            "SELECT l.source_line, SUM(l.shipped) FROM inventory_delivery_line l JOIN inventory_delivery d ON d.id = l.delivery \
             WHERE d.kind = 'return' AND l.source_line_entity = 'inventory.delivery_line' GROUP BY l.source_line",
            &[],
        )? {
            returned.insert(int(&row, 0), int(&row, 1));
        }
        let mut out = Self::default();
        for row in cx.conn().rows(
            "SELECT d.party, l.product, d.id, l.id, l.shipped FROM inventory_delivery_line l JOIN inventory_delivery d ON d.id = l.delivery \
             WHERE d.kind = 'delivery' AND d.state = 'shipped' ORDER BY l.id",
            &[],
        )? {
            let line = int(&row, 3);
            let left = Dec::from_raw(int(&row, 4) - returned.get(&line).copied().unwrap_or(0));
            let key = (int(&row, 0), int(&row, 1));
            out.0.entry(key).or_default().push((Id::new(int(&row, 2)), Id::new(line), left));
        }
        Ok(out)
    }

    /// Takes over what a document did.
    pub fn apply(&mut self, moves: Moves) {
        for (key, left) in moves.sent {
            self.0.entry(key).or_default().push(left);
        }
        for (key, line, quantity) in moves.back {
            for left in self.0.get_mut(&key).into_iter().flatten().filter(|l| l.1 == line) {
                left.2 = Dec::from_raw(left.2.raw() - quantity.raw());
            }
        }
    }

    /// The latest delivery of which so much may still come back.
    fn latest(&self, key: (i64, i64), quantity: Dec<6>, moves: &Moves) -> Option<Left> {
        let used = |line: Id<DeliveryLine>| -> i64 {
            moves.back.iter().filter(|(_, l, _)| *l == line).map(|(_, _, q)| q.raw()).sum()
        };
        self.0.get(&key)?.iter().rev().find(|l| l.2.raw() - used(l.1) >= quantity.raw()).copied()
    }
}

/// Records of what the file names.
pub struct Known {
    /// By product.
    pub products: Vec<Id<Product>>,
    /// By customer.
    pub customers: Vec<Id<Party>>,
    /// By country: for lines without a customer.
    pub counters: Vec<Option<Id<Party>>>,
}

/// One document on its way in.
struct Replay<'a> {
    book: &'a Book,
    known: &'a Known,
    document: &'a Document,
    date: Date,
    party: Id<Party>,
    country: String,
}

/// Replays one document. Everything of it commits together, or nothing.
pub fn document(cx: &mut Cx<'_>, book: &Book, known: &Known, document: &Document, sent: &Sent) -> Result<Moves> {
    let Some((_, first)) = document.rows.first() else { return Ok(Moves::default()) };
    let zone = cx.company().time_zone.clone();
    let at = first.time.to_zoned_datetime(zone).map_err(|e| Error::internal(e.to_string()))?;
    cx.set_now(at.timestamp())?;
    let nobody = || Error::internal("a document without a party");
    let party = match first.customer {
        Some(customer) => known.customers.get(customer as usize).copied().ok_or_else(nobody)?,
        None => known.counters.get(first.country as usize).copied().flatten().ok_or_else(nobody)?,
    };
    let country = book.countries.text(first.country).to_owned();
    let replay = Replay { book, known, document, date: first.time.date(), party, country };
    let (corrections, rows): (Vec<&Row>, Vec<&Row>) =
        document.rows.iter().map(|(_, r)| r).partition(|r| document.corrects(r));
    let mut moves = Moves::default();
    replay.correct(cx, &corrections)?;
    if !rows.is_empty() {
        match document.kind {
            Kind::Sale => replay.sell(cx, &rows, &mut moves)?,
            Kind::Cancellation => replay.cancel(cx, &rows, sent, &mut moves)?,
            Kind::BadDebt => {
                replay.issue(cx, InvoiceKind::Invoice, &rows, Some("bad_debt"))?;
            }
        }
    }
    cx.finish_part()?;
    Ok(moves)
}

impl Replay<'_> {
    fn product(&self, row: &Row) -> Result<Id<Product>> {
        let found = self.known.products.get(row.product as usize).copied();
        found.ok_or_else(|| Error::internal("a line without a product"))
    }
    fn goods(&self, row: &Row) -> bool {
        !is_service(self.book.products.text(row.product))
    }
    /// The text of a line; its code where the file has none.
    fn text(&self, row: &Row) -> String {
        let text = self.book.texts.text(row.text).trim();
        if text.is_empty() { self.book.codes.text(row.code).trim().to_owned() } else { text.to_owned() }
    }

    /// A sale: the order is confirmed, its delivery ships, the process issues the invoice, which is sent.
    fn sell(&self, cx: &mut Cx<'_>, rows: &[&Row], moves: &mut Moves) -> Result<()> {
        let order = self.order(cx, rows)?;
        let confirmed = cx.call(sales::Confirm { order })?;
        cx.finish_part()?;
        if let Some(delivery) = confirmed.delivery {
            cx.call(inventory::Ship { delivery, lines: Vec::new() })?;
            cx.finish_part()?;
            for line in cx.lines::<DeliveryLine>(delivery)? {
                moves.sent.push(((self.party.raw(), line.product.raw()), (delivery, line.id, line.shipped)));
            }
        }
        let number = [("number", Value::from(self.document.number.as_str()))];
        let mut invoice = match cx.first::<Invoice>(&number)? {
            Some(invoice) => invoice,
            None => {
                // Where no process does it, or its step was refused, it is done here; a refusal then has its reason.
                let made = cx.call(sales::IssueInvoice { order, date: Some(self.date) })?.invoice;
                cx.get(made.ok_or_else(|| Error::refused("sales.nothing_to_invoice"))?)?
            }
        };
        // What the file wrote: the country's name, and the spelling of codes.
        if invoice.country_name.as_deref() != Some(self.country.as_str()) {
            invoice.country_name = Some(self.country.clone());
            cx.save(&mut invoice)?;
        }
        let spelt = |row: &Row| self.book.codes.text(row.code) != self.book.products.text(row.product);
        if rows.iter().any(|r| spelt(r)) {
            for (mut line, row) in cx.lines::<InvoiceLine>(invoice.id)?.into_iter().zip(rows) {
                line.code_as_written = Some(self.book.codes.text(row.code).to_owned());
                cx.save(&mut line)?;
            }
        }
        cx.call(finance::Send { invoice: invoice.id })?;
        cx.finish_part()
    }

    fn order(&self, cx: &mut Cx<'_>, rows: &[&Row]) -> Result<Id<Order>> {
        let currency = cx.company().currency;
        let mut nets = Vec::with_capacity(rows.len());
        for row in rows {
            nets.push((Dec::<2>::ZERO, finance::line_net(row.quantity, row.price, None, currency)?.0));
        }
        let mut net = Money::zero(currency);
        for (_, base, _) in finance::taxes(&nets, currency)? {
            net = net.plus(base)?;
        }
        let order = cx.insert(Order {
            number: Some(self.document.number.clone()),
            customer: self.party,
            date: self.date,
            currency,
            price_list: None,
            invoicing: Invoicing::Delivered,
            quote: None,
            note: None,
            net,
            tax: Money::zero(currency),
            total: net,
            state: OrderState::Draft,
            external: true,
        })?;
        for (row, (tax_percent, net)) in rows.iter().zip(nets) {
            cx.insert(OrderLine {
                order,
                product: Some(self.product(row)?),
                description: Some(self.text(row)),
                quantity: row.quantity,
                price: Some(row.price),
                discount: None,
                tax_class: Some(TaxClass::Zero),
                tax_percent,
                net,
                delivered: Dec::ZERO,
                invoiced: Dec::ZERO,
            })?;
        }
        Ok(order)
    }

    fn issue(&self, cx: &mut Cx<'_>, kind: InvoiceKind, rows: &[&Row], purpose: Option<&str>) -> Result<Id<Invoice>> {
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            lines.push(NewLine {
                product: Some(self.product(row)?),
                code_as_written: Some(self.book.codes.text(row.code).to_owned()),
                description: Some(self.text(row)),
                quantity: row.quantity,
                unit_price: row.price,
                discount: None,
                tax_class: TaxClass::Zero,
                purpose: purpose.map(str::to_owned),
                corrects: None,
            });
        }
        let new = NewInvoice {
            kind,
            party: self.party,
            date: self.date,
            due: (kind == InvoiceKind::CreditNote).then_some(self.date),
            country_name: Some(self.country.clone()),
            source: None,
            corrects: None,
            external: Some(self.document.number.clone()),
            note: None,
            lines,
        };
        finance::issue(cx, new)
    }

    /// A cancellation: a credit note; goods come back to the delivery with which they left, where there is one.
    fn cancel(&self, cx: &mut Cx<'_>, rows: &[&Row], sent: &Sent, moves: &mut Moves) -> Result<()> {
        let credit_note = self.issue(cx, InvoiceKind::CreditNote, rows, None)?;
        let mut known: BTreeMap<Id<Delivery>, Vec<ShipLine>> = BTreeMap::new();
        let mut unknown = Vec::new();
        for row in rows.iter().filter(|r| self.goods(r)) {
            let (product, quantity) = (self.product(row)?, row.quantity.negated());
            let key = (self.party.raw(), product.raw());
            let Some((delivery, line, _)) = sent.latest(key, quantity, moves) else {
                unknown.push((product, quantity));
                continue;
            };
            let lines = known.entry(delivery).or_default();
            match lines.iter_mut().find(|l| l.line == line) {
                Some(found) => found.quantity = found.quantity.plus(quantity)?,
                None => lines.push(ShipLine { line, quantity }),
            }
            moves.back.push((key, line, quantity));
        }
        for (delivery, lines) in known {
            cx.call(inventory::Return { delivery, lines, date: Some(self.date) })?;
        }
        if !unknown.is_empty() {
            inventory::return_unknown(cx, self.party, Some(credit_note.into()), self.date, unknown)?;
        }
        Ok(())
    }

    /// Lines that correct the stock: what is missing is written off, what was found is taken in.
    fn correct(&self, cx: &mut Cx<'_>, rows: &[&Row]) -> Result<()> {
        let (lost, found): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|r| r.quantity.is_negative());
        let named = |row: &Row| -> String {
            let text = self.book.texts.text(row.text).trim();
            let text = if text.is_empty() { String::new() } else { format!(": {text}") };
            format!("{CORRECTION} {}{text}", self.document.number).chars().take(250).collect()
        };
        if let Some(first) = found.first() {
            let note = Some(LongText(named(first)));
            let receipt =
                cx.insert(Receipt { number: None, party: None, date: self.date, state: ReceiptState::Draft, note })?;
            for row in &found {
                let product = self.product(row)?;
                cx.insert(ReceiptLine { receipt, product, quantity: row.quantity, unit_cost: None })?;
            }
            cx.call(inventory::Receive { receipt })?;
            self.found(cx, receipt)?;
        }
        if let Some(first) = lost.first() {
            let write_off = cx.insert(WriteOff {
                number: None,
                reason: named(first),
                date: self.date,
                state: WriteOffState::Requested,
                requested_by: None,
                approved_by: None,
            })?;
            for row in &lost {
                let quantity = row.quantity.negated();
                cx.insert(WriteOffLine { write_off, product: self.product(row)?, quantity })?;
            }
            cx.call(inventory::Approve { write_off })?;
            cx.call(inventory::PostWriteOff { write_off })?;
        }
        Ok(())
    }

    /// Nobody supplied what was found: its value goes from what is owed for receipts to the gains.
    fn found(&self, cx: &mut Cx<'_>, receipt: Id<Receipt>) -> Result<()> {
        let source = AnyRef::from(receipt);
        let key = [("source", Value::Int(source.id)), ("source_entity", Value::from(source.entity))];
        let mut value = Money::zero(cx.company().currency);
        for one in cx.by::<inventory::Move>(&key)? {
            value = value.plus(one.value)?;
        }
        if value.is_zero() {
            return Ok(());
        }
        let (owed, gain) = (finance::account(cx, "goods_received")?, finance::account(cx, "found")?);
        let lines = vec![
            finance::ManualLine { account: owed, amount: value },
            finance::ManualLine { account: gain, amount: value.negated() },
        ];
        let description = format!("{CORRECTION} {}", self.document.number);
        cx.call(finance::PostEntry { date: self.date, description, lines })?;
        Ok(())
    }
}
