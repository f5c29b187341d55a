//! Bank statements (camt.053, ISO 20022): each credit finds the invoice that it pays by its reference.

use jiff::civil::Date;
use kernel::{
    AnyRef, Currency, Cx, Entity, Error, Fields, Id, LongText, Money, Operation, Rec, Result, Run, Value, choice,
};
use party::Party;

use crate::invoice::{Invoice, InvoiceKind, InvoiceState};
use crate::item::items_of;
use crate::payment::{Direction, Method, Payment, Register, Registered};

/// A statement of a bank account.
#[derive(Entity)]
#[entity(name = "finance.statement", plain, by_operation, title = reference, read = "accounts manager", area = "money",
    unique(account, reference), lines(lines = "finance.statement_line.statement"))]
pub struct Statement {
    /// The bank's identification.
    #[field(searchable)]
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
#[entity(name = "finance.statement_line", plain, by_operation, title = text, status = state, owner = statement,
    read = "accounts manager", area = "money")]
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
    /// The account and the bank's identification: a line is taken once.
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
            if let Some(difference) = statement.difference().filter(|d| *d != 0) {
                let minor = i64::try_from(difference).unwrap_or(i64::MAX);
                let args =
                    vec![("reference", reference.as_str().into()), ("difference", Money::new(minor, currency).into())];
                cx.note("finance.statement.differs", args);
            }
            let account = statement.account.number().to_owned();
            let key = [("account", Value::from(account.as_str())), ("reference", reference.as_str().into())];
            let owner = match cx.first::<Statement>(&key)? {
                Some(found) => found.id,
                None => {
                    let money = |b: &bank::Balance| Money::new(b.amount, currency);
                    cx.insert(Statement {
                        reference,
                        account: account.clone(),
                        date: statement.to,
                        opening: statement.opening.as_ref().map(money),
                        closing: statement.closing.as_ref().map(money),
                    })?
                }
            };
            for entry in statement.entries {
                take(cx, (owner, &account), entry, &mut done)?;
            }
            cx.link(owner);
        }
        Ok(done)
    }
}

fn take(
    cx: &mut Cx<'_>,
    (statement, account): (Id<Statement>, &str),
    entry: bank::Entry,
    done: &mut Imported,
) -> Result<()> {
    // The bank's identification is unique within the account.
    let id: String = format!("{account} {}", entry.unique_id).chars().take(240).collect();
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
    let own = currency == cx.company().currency && !entry.reversal;
    let Some(reference) = reference.filter(|_| entry.amount > 0 && own) else { return Ok(()) };
    // What fits two invoices, or none, waits for a person; so does what is more than the invoice asks for.
    let Some(invoice) = invoice_for(cx, &reference)? else { return Ok(()) };
    let mut open = 0_i64;
    for item in items_of(cx, invoice.into())? {
        open = open.saturating_add(cx.get(item)?.residual.minor);
    }
    if open == 0 || entry.amount > open {
        return Ok(());
    }
    let party = cx.get(invoice)?.party;
    let record = cx.get(line)?;
    settle_line(cx, record, party, Some(invoice))?;
    done.matched += 1;
    Ok(())
}

/// The one open invoice that has a reference.
fn invoice_for(cx: &mut Cx<'_>, reference: &str) -> Result<Option<Id<Invoice>>> {
    for symbol in [reference, reference.trim_start_matches('0')] {
        let key = [("variable_symbol", Value::from(symbol)), ("kind", InvoiceKind::Invoice.into())];
        let mut found = cx.by::<Invoice>(&key)?;
        if found.is_empty() {
            continue;
        }
        found.retain(|i| matches!(i.state, InvoiceState::Posted | InvoiceState::Sent));
        return Ok(if let [one] = found.as_slice() { Some(one.id) } else { None });
    }
    Ok(None)
}

/// Makes the payment of a line.
fn settle_line(
    cx: &mut Cx<'_>,
    mut line: Rec<StatementLine>,
    party: Id<Party>,
    invoice: Option<Id<Invoice>>,
) -> Result<Registered> {
    let (direction, amount) =
        if line.amount.minor < 0 { (Direction::Out, line.amount.negated()) } else { (Direction::In, line.amount) };
    let done = cx.call(Register {
        party,
        amount,
        date: Some(line.date),
        reference: line.reference.clone(),
        invoice,
        source: Some(line.id.into()),
        direction: Some(direction),
        method: Some(Method::Bank),
    })?;
    line.payment = Some(done.payment);
    line.state = LineState::Matched;
    cx.save(&mut line)?;
    Ok(done)
}

/// Matches a line of a statement by hand: with an invoice or credit note, or with a party, whose credit it then is.
#[derive(Operation)]
#[operation(name = "finance.statement_line.match", on = StatementLine, when = [LineState::Open], allow = "accounts", button = 1,
    inverse = "finance.payment.reverse")]
pub struct Match {
    /// The line.
    pub statement_line: Id<StatementLine>,
    /// The invoice that it pays, or the credit note that it pays back.
    pub invoice: Option<Id<Invoice>>,
    /// From or to whom; the invoice's party where empty.
    pub party: Option<Id<Party>>,
}

impl Run for Match {
    type Output = Registered;
    fn run(self, cx: &mut Cx<'_>) -> Result<Registered> {
        let line = cx.target(self.statement_line)?;
        let party = match (self.party, self.invoice) {
            (Some(party), _) => party,
            (None, Some(invoice)) => cx.get(invoice)?.party,
            (None, None) => return Err(Error::field("invoice", "required")),
        };
        let statement = line.statement;
        let done = settle_line(cx, line, party, self.invoice)?;
        cx.link(statement);
        Ok(done)
    }
}

/// The payment of a line was taken back: the line waits again.
pub(crate) fn reopen(cx: &mut Cx<'_>, source: AnyRef) -> Result<()> {
    let Some(line) = source.to::<StatementLine>() else { return Ok(()) };
    let mut line = cx.get(line)?;
    line.payment = None;
    line.state = LineState::Open;
    cx.save(&mut line)
}
