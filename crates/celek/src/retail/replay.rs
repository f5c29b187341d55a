//! Replays documents through the operations of the house, each as it would be done by people.

use std::collections::{BTreeMap, HashMap};

use finance::{Invoice, InvoiceKind, InvoiceLine, NewInvoice, NewLine};
use inventory::{
    Delivery, DeliveryLine, Receipt, ReceiptLine, ReceiptState, ShipLine, WriteOff, WriteOffLine, WriteOffState,
};
use jiff::civil::Date;
use kernel::{Cx, Dec, Error, Id, LongText, Rec, Result, Value};
use party::Party;
use product::{Product, TaxClass};
use sales::{ExternalLine, ExternalOrder};

use super::read::{Book, Document, Kind, Row, is_service};

/// Customer and product.
type Key = (i64, i64);

/// A line of a sale, of which something may still come back.
#[derive(Clone, Copy)]
struct Sold {
    invoice: Id<Invoice>,
    line: Id<InvoiceLine>,
    /// Where goods went.
    sent: Option<(Id<Delivery>, Id<DeliveryLine>)>,
    price: Dec<6>,
    left: Dec<6>,
}

/// What was sold, by customer and product, the latest last.
#[derive(Default)]
pub struct Sales(HashMap<Key, Vec<Sold>>);

/// What a document did to [`Sales`]; taken over once the document stands.
#[derive(Default)]
pub struct Moves {
    sold: Vec<(Key, Sold)>,
    back: Vec<(Key, Id<InvoiceLine>, Dec<6>)>,
}

/// Lines of orders beside the lines of their invoices, which bear them in the same order, with what was credited since.
const SOLD: &str = "SELECT o.customer, ol.product, i.id, il.id, dl.delivery, dl.id, il.unit_price, \
     il.quantity + COALESCE((SELECT SUM(c.quantity) FROM finance_invoice_line c WHERE c.corrects = il.id), 0) \
     FROM (SELECT id, \"order\", product, ROW_NUMBER() OVER (PARTITION BY \"order\" ORDER BY id) AS n FROM sales_order_line) ol \
     JOIN sales_order o ON o.id = ol.\"order\" AND o.external = 1 \
     JOIN finance_invoice i ON i.source = o.id AND i.source_entity = 'sales.order' AND i.number = o.number \
     JOIN (SELECT id, invoice, quantity, unit_price, ROW_NUMBER() OVER (PARTITION BY invoice ORDER BY id) AS n \
     FROM finance_invoice_line) il ON il.invoice = i.id AND il.n = ol.n \
     LEFT JOIN (SELECT l.id, l.delivery, l.source_line FROM inventory_delivery_line l JOIN inventory_delivery d ON d.id = l.delivery \
     WHERE d.kind = 'delivery' AND l.source_line_entity = 'sales.order_line') dl ON dl.source_line = ol.id \
     WHERE o.company = ? ORDER BY il.id";

impl Sales {
    /// What the database knows: a resumed import goes on from there.
    pub fn load(cx: &mut Cx<'_>) -> Result<Self> {
        let mut out = Self::default();
        let company = cx.company().id;
        cx.conn().query(SOLD, &[Value::Int(company)], &mut |row| {
            let int = |i: usize| row.get(i).and_then(Value::as_int);
            let id = |i: usize| int(i).unwrap_or(0);
            out.0.entry((id(0), id(1))).or_default().push(Sold {
                invoice: Id::new(id(2)),
                line: Id::new(id(3)),
                sent: int(4).zip(int(5)).map(|(delivery, line)| (Id::new(delivery), Id::new(line))),
                price: Dec::from_raw(id(6)),
                left: Dec::from_raw(id(7)),
            });
            Ok(true)
        })?;
        Ok(out)
    }

    /// Takes over what a document did.
    pub fn apply(&mut self, moves: Moves) {
        for (key, sold) in moves.sold {
            self.0.entry(key).or_default().push(sold);
        }
        for (key, line, quantity) in moves.back {
            for sold in self.0.get_mut(&key).into_iter().flatten().filter(|l| l.line == line) {
                sold.left = Dec::from_raw(sold.left.raw() - quantity.raw());
            }
        }
    }

    /// The latest sale of which so much may still come back: at the same price, else at any.
    fn latest(&self, key: Key, quantity: Dec<6>, price: Dec<6>, moves: &Moves) -> Option<Sold> {
        let used = |line: Id<InvoiceLine>| -> i64 {
            moves.back.iter().filter(|(_, l, _)| *l == line).map(|(_, _, q)| q.raw()).sum()
        };
        let fits = |sold: &&Sold| sold.left.raw() - used(sold.line) >= quantity.raw();
        let all = self.0.get(&key)?;
        let same = all.iter().rev().filter(|s| s.price == price).find(fits);
        same.or_else(|| all.iter().rev().find(fits)).copied()
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
pub fn document(cx: &mut Cx<'_>, book: &Book, known: &Known, document: &Document, sales: &Sales) -> Result<Moves> {
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
            Kind::Cancellation => replay.cancel(cx, &rows, sales, &mut moves)?,
            Kind::BadDebt => {
                let lines: Vec<_> = rows.iter().map(|r| (*r, None)).collect();
                replay.issue(cx, InvoiceKind::Invoice, &lines, Some("bad_debt"))?;
            }
        }
    }
    cx.settle_events()?;
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
        let text = if text.is_empty() { self.book.codes.text(row.code).trim() } else { text };
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// A sale: the order is confirmed, its delivery ships, the process issues the invoice, which is sent.
    fn sell(&self, cx: &mut Cx<'_>, rows: &[&Row], moves: &mut Moves) -> Result<()> {
        let order = self.order(cx, rows)?;
        let confirmed = cx.call(sales::Confirm { order })?;
        cx.settle_events()?;
        let mut sent = Vec::new();
        if let Some(delivery) = confirmed.delivery {
            cx.call(inventory::Ship { delivery, lines: Vec::new() })?;
            cx.settle_events()?;
            sent = cx.lines::<DeliveryLine>(delivery)?;
        }
        let number = [("number", Value::from(self.document.number.as_str()))];
        let invoice = match cx.first::<Invoice>(&number)? {
            Some(invoice) => invoice.id,
            None => {
                // Where no process does it, or its step was refused, it is done here; a refusal then has its reason.
                let made = cx.call(sales::IssueInvoice { order, date: Some(self.date) })?.invoice;
                made.ok_or_else(|| Error::refused("sales.nothing_to_invoice"))?
            }
        };
        self.sold(cx, rows, invoice, sent, moves)?;
        cx.call(finance::Send { invoice })?;
        cx.settle_events()
    }

    /// Remembers what was sold: lines of the invoice and of the delivery stand in the order of the document's lines.
    fn sold(
        &self,
        cx: &mut Cx<'_>,
        rows: &[&Row],
        invoice: Id<Invoice>,
        sent: Vec<Rec<DeliveryLine>>,
        moves: &mut Moves,
    ) -> Result<()> {
        let mut sent = sent.into_iter();
        for (row, line) in rows.iter().zip(cx.lines::<InvoiceLine>(invoice)?) {
            let sent = if self.goods(row) { sent.next().map(|l| (l.delivery, l.id)) } else { None };
            let key = (self.party.raw(), self.product(row)?.raw());
            moves.sold.push((key, Sold { invoice, line: line.id, sent, price: row.price, left: line.quantity }));
        }
        Ok(())
    }

    fn order(&self, cx: &mut Cx<'_>, rows: &[&Row]) -> Result<Id<sales::Order>> {
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            lines.push(ExternalLine {
                product: self.product(row)?,
                code: self.book.codes.text(row.code).to_owned(),
                description: self.text(row),
                quantity: row.quantity,
                price: row.price,
                tax_class: TaxClass::Zero,
            });
        }
        let new = ExternalOrder {
            number: self.document.number.clone(),
            customer: self.party,
            date: self.date,
            country_name: Some(self.country.clone()),
            lines,
        };
        sales::place(cx, new)
    }

    /// Issues an invoice or credit note of these lines, each with the sale that it takes back.
    fn issue(
        &self,
        cx: &mut Cx<'_>,
        kind: InvoiceKind,
        rows: &[(&Row, Option<Sold>)],
        purpose: Option<&str>,
    ) -> Result<Id<Invoice>> {
        let mut lines = Vec::with_capacity(rows.len());
        for (row, sold) in rows {
            lines.push(NewLine {
                product: Some(self.product(row)?),
                code_as_written: Some(self.book.codes.text(row.code).to_owned()),
                description: Some(self.text(row)),
                quantity: row.quantity,
                unit_price: row.price,
                discount: None,
                tax_class: TaxClass::Zero,
                purpose: purpose.map(str::to_owned),
                corrects: sold.map(|s| s.line),
            });
        }
        // The document corrects an invoice where all of its lines take back lines of that one.
        let first = rows.first().and_then(|(_, sold)| *sold).map(|s| s.invoice);
        let corrects = first.filter(|f| rows.iter().all(|(_, sold)| sold.is_some_and(|s| s.invoice == *f)));
        let new = NewInvoice {
            kind,
            party: self.party,
            date: self.date,
            due: (kind == InvoiceKind::CreditNote).then_some(self.date),
            country_name: Some(self.country.clone()),
            source: None,
            corrects,
            external: Some(self.document.number.clone()),
            note: None,
            lines,
        };
        finance::issue(cx, new)
    }

    /// A cancellation: a credit note of the lines of the sales that it takes back, where they are known; goods come back to the
    /// delivery with which they left.
    fn cancel(&self, cx: &mut Cx<'_>, rows: &[&Row], sales: &Sales, moves: &mut Moves) -> Result<()> {
        let mut credited = Vec::with_capacity(rows.len());
        for row in rows {
            let (key, quantity) = ((self.party.raw(), self.product(row)?.raw()), row.quantity.negated());
            let sold = sales.latest(key, quantity, row.price, moves);
            if let Some(sold) = sold {
                moves.back.push((key, sold.line, quantity));
            }
            credited.push((*row, sold));
        }
        let credit_note = self.issue(cx, InvoiceKind::CreditNote, &credited, None)?;
        let mut known: BTreeMap<Id<Delivery>, Vec<ShipLine>> = BTreeMap::new();
        let mut unknown = Vec::new();
        for (row, sold) in credited.iter().filter(|(r, _)| self.goods(r)) {
            let quantity = row.quantity.negated();
            let Some((delivery, line)) = sold.and_then(|s| s.sent) else {
                unknown.push((self.product(row)?, quantity));
                continue;
            };
            let lines = known.entry(delivery).or_default();
            match lines.iter_mut().find(|l| l.line == line) {
                Some(found) => found.quantity = found.quantity.plus(quantity)?,
                None => lines.push(ShipLine { line, quantity }),
            }
        }
        for (delivery, lines) in known {
            cx.call(inventory::Return { delivery, lines, date: Some(self.date) })?;
        }
        if !unknown.is_empty() {
            inventory::return_unknown(cx, self.party, Some(credit_note.into()), self.date, unknown)?;
        }
        Ok(())
    }

    /// Lines that correct the stock, under the file's number: what is missing is written off, what was found is taken in.
    fn correct(&self, cx: &mut Cx<'_>, rows: &[&Row]) -> Result<()> {
        let (lost, found): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|r| r.quantity.is_negative());
        let number = Some(self.document.number.clone());
        let reason = |row: &Row| -> String {
            let text = if self.book.texts.text(row.text).trim().is_empty() { String::new() } else { self.text(row) };
            let text =
                if text.is_empty() { "Stock correction".to_owned() } else { format!("Stock correction: {text}") };
            text.chars().take(250).collect()
        };
        if let Some(first) = found.first() {
            let note = Some(LongText(reason(first)));
            let receipt = cx.insert(Receipt {
                number: number.clone(),
                party: None,
                date: self.date,
                state: ReceiptState::Draft,
                note,
            })?;
            for row in &found {
                let product = self.product(row)?;
                cx.insert(ReceiptLine { receipt, product, quantity: row.quantity, unit_cost: None })?;
            }
            cx.call(inventory::Found { receipt })?;
        }
        if let Some(first) = lost.first() {
            let write_off = cx.insert(WriteOff {
                number,
                reason: reason(first),
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
}
