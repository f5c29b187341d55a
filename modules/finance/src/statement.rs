//! Bank statements (camt.053, ISO 20022): each credit finds the invoice that it pays by its reference.

use jiff::civil::Date;
use kernel::{Currency, Cx, Entity, Error, Fields, Id, LongText, Money, Operation, Result, Run, Value, choice};

use crate::invoice::{Invoice, InvoiceKind, InvoiceState};
use crate::item::{Payment, Register, items_of};

/// A statement of a bank account.
#[derive(Entity)]
#[entity(name = "finance.statement", plain, by_operation, title = reference, read = "accounts manager", area = "money",
    lines(lines = "finance.statement_line.statement"))]
pub struct Statement {
    /// The bank's identification.
    #[field(unique, searchable)]
    pub reference: String,
    /// Account.
    pub account: String,
    /// Last day.
    pub date: Option<Date>,
    /// Opening balance.
    pub opening: Option<Money>,
    /// Closing balance.
    pub closing: Option<Money>,
}

choice!(
    /// Whether a line found its payment.
    LineState { Open = "open" => "amber", Matched = "matched" => "green" }
);

/// A line of a statement.
#[derive(Entity)]
#[entity(name = "finance.statement_line", plain, by_operation, title = text, status = state, owner = statement)]
pub struct StatementLine {
    /// The statement.
    pub statement: Id<Statement>,
    /// When it was booked.
    pub date: Date,
    /// Credit positive, debit negative.
    pub amount: Money,
    /// Variable symbol or another reference.
    pub reference: Option<String>,
    /// From or to whom.
    pub counterparty: Option<String>,
    /// Text.
    pub text: Option<LongText>,
    /// The bank's identification: a line is taken once.
    #[field(unique)]
    pub unique_id: String,
    /// The payment that it became.
    pub payment: Option<Id<Payment>>,
    /// State.
    pub state: LineState,
}

/// Takes a bank statement in and matches its payments. What was taken before is left out.
#[derive(Operation)]
#[operation(
    name = "finance.statement.import",
    allow = "accounts",
    button = 1,
    no_inverse = "Reverse the payments that were matched wrongly."
)]
pub struct Import {
    /// The camt.053 document.
    #[field(max = 20_000_000)]
    pub content: LongText,
}

/// What was found.
#[derive(Fields)]
pub struct Imported {
    /// New lines.
    pub lines: i64,
    /// Lines that found their invoice.
    pub matched: i64,
}

impl Run for Import {
    type Output = Imported;
    fn run(self, cx: &mut Cx<'_>) -> Result<Imported> {
        let statements = bank::read_camt053(self.content.0.as_bytes())
            .map_err(|e| Error::field("content", "finance.statement").with("detail", e.to_string()))?;
        let mut done = Imported { lines: 0, matched: 0 };
        for statement in statements {
            let reference: String = statement.id.chars().take(200).collect();
            let currency = Currency::parse(&statement.currency)?;
            let owner = match cx.first::<Statement>(&[("reference", Value::from(reference.as_str()))])? {
                Some(found) => found.id,
                None => {
                    let money = |b: &bank::Balance| Money::new(b.amount, currency);
                    cx.insert(Statement {
                        reference,
                        account: statement.account.number().to_owned(),
                        date: statement.to,
                        opening: statement.opening.as_ref().map(money),
                        closing: statement.closing.as_ref().map(money),
                    })?
                }
            };
            for entry in statement.entries {
                take(cx, owner, entry, &mut done)?;
            }
            cx.link(owner);
        }
        Ok(done)
    }
}

fn take(cx: &mut Cx<'_>, statement: Id<Statement>, entry: bank::Entry, done: &mut Imported) -> Result<()> {
    let id: String = entry.unique_id.chars().take(200).collect();
    if cx.first::<StatementLine>(&[("unique_id", Value::from(id.as_str()))])?.is_some() {
        return Ok(());
    }
    let currency = Currency::parse(&entry.currency)?;
    let symbol = entry.symbols.variable.clone();
    let reference = symbol.or_else(|| entry.creditor_reference.clone()).or_else(|| entry.end_to_end.clone());
    let short = |text: String| text.chars().take(200).collect::<String>();
    let line = cx.insert(StatementLine {
        statement,
        date: entry.booking_date.or(entry.value_date).unwrap_or(cx.today()),
        amount: Money::new(entry.amount, currency),
        reference: reference.clone().map(short),
        counterparty: entry.counterparty.clone().map(short),
        text: entry.remittance.as_ref().map(|t| LongText(t.chars().take(2_000).collect())).filter(|t| !t.0.is_empty()),
        unique_id: id,
        payment: None,
        state: LineState::Open,
    })?;
    done.lines += 1;
    let Some(reference) = reference.filter(|_| entry.amount > 0 && currency == cx.company().currency) else {
        return Ok(());
    };
    let digits: String = reference.trim_start_matches('0').to_owned();
    let mut found = Vec::new();
    for symbol in [reference.as_str(), digits.as_str()] {
        found = cx.by::<Invoice>(&[("variable_symbol", Value::from(symbol)), ("kind", InvoiceKind::Invoice.into())])?;
        if !found.is_empty() {
            break;
        }
    }
    found.retain(|i| matches!(i.state, InvoiceState::Posted | InvoiceState::Sent));
    // What fits two invoices, or none, waits for a person.
    let [invoice] = found.as_slice() else { return Ok(()) };
    let (invoice, party) = (invoice.id, invoice.party);
    let mut open = 0_i64;
    for item in items_of(cx, invoice.into())? {
        open = open.saturating_add(cx.get(item)?.residual.minor);
    }
    if open == 0 || entry.amount > open {
        return Ok(());
    }
    let mut record = cx.get(line)?;
    let payment = cx.call(Register {
        party,
        amount: Money::new(entry.amount, currency),
        date: Some(record.date),
        reference: Some(reference.chars().take(200).collect()),
        invoice: Some(invoice),
        source: Some(line.into()),
    })?;
    record.payment = Some(payment.payment);
    record.state = LineState::Matched;
    cx.save(&mut record)?;
    done.matched += 1;
    Ok(())
}
