//! Letters about invoices: the invoice itself, reminders, and the job that finds what is overdue.

use kernel::{AnyRef, Arg, Cx, Error, Event, Id, Letter, LetterSent, Money, Operation, Result, Run, Value};
use party::Party;
use serde_json::json;

use crate::invoice::{Invoice, InvoiceKind, InvoiceState};
use crate::item::open_of;

/// An invoice is overdue.
#[derive(Event)]
#[event(name = "finance.invoice.overdue", subject = invoice)]
pub struct InvoiceOverdue {
    /// The invoice.
    pub invoice: Id<Invoice>,
    /// The customer.
    pub party: Id<Party>,
    /// Days since it was due.
    pub days: i64,
}

/// Sends an invoice: a letter with the PDF waits in the outbox and leaves after the commit. A customer without an e-mail
/// address gets it on paper, which this notes.
#[derive(Operation)]
#[operation(name = "finance.invoice.send", on = Invoice, when = [InvoiceState::Posted, InvoiceState::Sent, InvoiceState::Paid, InvoiceState::Cancelled], makes = InvoiceState::Sent,
    allow = "accounts sales", button = 1, no_inverse = "A letter that left cannot be called back.")]
pub struct Send {
    /// The invoice.
    pub invoice: Id<Invoice>,
}

impl Run for Send {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut invoice = cx.target(self.invoice)?;
        let email = cx.get(invoice.party)?.email.clone();
        match email {
            Some(email) if invoice.kind == InvoiceKind::Invoice => letter(cx, &invoice, &email.0, "letter.invoice")?,
            Some(email) => letter(cx, &invoice, &email.0, "letter.credit_note")?,
            None => {
                invoice.sent_at = Some(cx.now());
                cx.note("finance.invoice.on_paper", vec![]);
            }
        }
        if invoice.state == InvoiceState::Posted {
            invoice.state = InvoiceState::Sent;
        }
        cx.save(&mut invoice)?;
        cx.link(self.invoice);
        Ok(())
    }
}

fn letter(cx: &mut Cx<'_>, invoice: &kernel::Rec<Invoice>, to: &str, key: &str) -> Result<()> {
    let language = documents::language(cx, invoice.party)?;
    let mut open = Money::zero(invoice.currency);
    for item in open_of(cx, invoice.id.into())? {
        open = open.plus(item.residual)?;
    }
    let args = vec![
        ("number", Arg::from(invoice.number.clone().unwrap_or_default())),
        ("company", cx.company().name.as_str().into()),
        ("total", Arg::from(documents::amount(language, invoice.total))),
        ("open", Arg::from(documents::amount(language, open))),
        ("due", Arg::from(documents::day(language, invoice.due.unwrap_or(invoice.date)))),
        ("vs", Arg::from(invoice.variable_symbol.clone().unwrap_or_default())),
    ];
    let schema = cx.schema().clone();
    let letter = Letter {
        to: to.to_owned(),
        subject: schema.message(language, &format!("{key}.subject"), &args),
        body: schema.message(language, &format!("{key}.body"), &args),
        attachments: vec![("finance.invoice.pdf".to_owned(), json!({"invoice": invoice.id.raw()}))],
        source: Some(invoice.id.into()),
    };
    cx.send(letter)?;
    Ok(())
}

/// The letter of an invoice left: the invoice shows when.
pub(crate) fn left(event: &LetterSent, cx: &mut Cx<'_>) -> Result<()> {
    let Some(invoice) = event.source.and_then(AnyRef::to::<Invoice>) else { return Ok(()) };
    let mut record = cx.get(invoice)?;
    if record.sent_at.is_none() {
        record.sent_at = Some(event.at);
        cx.save(&mut record)?;
    }
    Ok(())
}

/// Reminds the customer of an overdue invoice by a letter.
#[derive(Operation)]
#[operation(name = "finance.invoice.remind", on = Invoice, when = [InvoiceState::Posted, InvoiceState::Sent], allow = "accounts",
    button = 2, no_inverse = "A letter that left cannot be called back.")]
pub struct Remind {
    /// The invoice.
    pub invoice: Id<Invoice>,
}

impl Run for Remind {
    type Output = ();
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        if self.invoice.is_none() || cx.get(self.invoice)?.kind == InvoiceKind::Invoice {
            return Ok(());
        }
        Err(Error::refused("finance.remind_credit"))
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut invoice = cx.target(self.invoice)?;
        if let Some(email) = cx.get(invoice.party)?.email.clone() {
            letter(cx, &invoice, &email.0, "letter.reminder")?;
        }
        invoice.reminders += 1;
        invoice.reminded = Some(cx.today());
        cx.save(&mut invoice)?;
        cx.link(self.invoice);
        Ok(())
    }
}

/// Days between reminders of one invoice.
const REMIND_EVERY: i64 = 14;
/// Most reminders of one invoice.
const MAX_REMINDERS: i64 = 3;

/// Tells of overdue invoices and reminds their customers; true when more are left.
pub(crate) fn overdue(_: &kernel::Json, cx: &mut Cx<'_>) -> Result<bool> {
    let today = cx.today();
    let company = cx.company().id;
    let since = today.checked_sub(jiff::ToSpan::days(REMIND_EVERY)).map_err(|e| Error::internal(e.to_string()))?;
    let rows = cx.conn().rows(
        "SELECT i.id, i.due FROM finance_invoice i WHERE i.company = ? AND i.state IN ('posted', 'sent') AND i.kind = 'invoice' \
         AND i.due < ? AND i.reminders < ? AND (i.reminded IS NULL OR i.reminded <= ?) ORDER BY i.due, i.id LIMIT 21",
        &[Value::Int(company), kernel::day(today), Value::Int(MAX_REMINDERS), kernel::day(since)],
    )?;
    for row in rows.iter().take(20) {
        let id = Id::<Invoice>::new(row.first().and_then(Value::as_int).unwrap_or(0));
        let invoice = cx.get(id)?;
        let due = invoice.due.unwrap_or(invoice.date);
        let days = i64::from(today.since(due).map_err(|e| Error::internal(e.to_string()))?.get_days());
        cx.call(Remind { invoice: id })?;
        cx.emit(InvoiceOverdue { invoice: id, party: invoice.party, days })?;
    }
    Ok(rows.len() > 20)
}
