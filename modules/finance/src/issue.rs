//! Issuing invoices: written complete in one go, and posted.

use jiff::civil::Date;
use kernel::{AnyRef, Currency, Cx, Dec, Error, Event, Fields, Id, LongText, Money, Operation, Rec, Result, Run};
use party::Party;
use product::{Product, TaxClass};

use crate::account::{account, tax_percent};
use crate::credit::note_taxes;
use crate::entry::{NewEntry, PostLine, post};
use crate::invoice::{Invoice, InvoiceKind, InvoiceLine, InvoiceState, line_net, rounded, taxes, totals_of};
use crate::item::{InvoicePaid, restate, settle_credits};

/// An invoice was posted.
#[derive(Event)]
#[event(name = "finance.invoice.posted", subject = invoice)]
pub struct InvoicePosted {
    /// The invoice.
    pub invoice: Id<Invoice>,
    /// The customer.
    pub party: Id<Party>,
    /// The document that it was issued for.
    pub source: Option<AnyRef>,
    /// Total.
    pub total: Money,
}

/// A line of an invoice that a module issues.
#[derive(Clone, Debug)]
pub struct NewLine {
    /// The product.
    pub product: Option<Id<Product>>,
    /// Code as written.
    pub code_as_written: Option<String>,
    /// Text.
    pub description: Option<String>,
    /// Quantity.
    pub quantity: Dec<6>,
    /// Price of one.
    pub unit_price: Dec<6>,
    /// Discount in percent.
    pub discount: Option<Dec<2>>,
    /// Rate of VAT.
    pub tax_class: TaxClass,
    /// Purpose of the account; revenue where empty.
    pub purpose: Option<String>,
    /// The line that it corrects.
    pub corrects: Option<Id<InvoiceLine>>,
}

/// An invoice that a module issues.
#[derive(Clone, Debug)]
pub struct NewInvoice {
    /// Kind.
    pub kind: InvoiceKind,
    /// Customer.
    pub party: Id<Party>,
    /// Date of issue.
    pub date: Date,
    /// Due date; from the party's terms where empty.
    pub due: Option<Date>,
    /// Country as written; the party's where empty.
    pub country_name: Option<String>,
    /// The document that it is issued for.
    pub source: Option<AnyRef>,
    /// The invoice that it corrects.
    pub corrects: Option<Id<Invoice>>,
    /// Number of another system, without the gap rule; else one is drawn.
    pub external: Option<String>,
    /// Note.
    pub note: Option<String>,
    /// Lines.
    pub lines: Vec<NewLine>,
}

/// What a line or a document is given instead of being computed: a credit note takes back what was charged, to the unit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given {
    /// VAT in percent.
    pub percent: Option<Dec<2>>,
    /// Net.
    pub net: Option<Money>,
}

/// Issues an invoice in one go: written complete, then posted.
///
/// # Errors
/// `finance.no_lines`, `finance.period_closed`, `too_precise` and what posting refuses.
pub fn issue(cx: &mut Cx<'_>, new: NewInvoice) -> Result<Id<Invoice>> {
    issue_given(cx, new, &[])
}

/// As [`issue`]; the lines are given what stands at their place in `given`.
pub(crate) fn issue_given(cx: &mut Cx<'_>, new: NewInvoice, given: &[Given]) -> Result<Id<Invoice>> {
    let currency = cx.company().currency;
    let mut rates: Vec<(TaxClass, Dec<2>)> = Vec::new();
    let (mut sums, mut rounding, mut ready) = (Vec::new(), Dec::<6>::ZERO, Vec::new());
    for (i, line) in new.lines.into_iter().enumerate() {
        let given = given.get(i).copied().unwrap_or_default();
        let known = rates.iter().find(|(class, _)| *class == line.tax_class).map(|(_, percent)| *percent);
        let percent = match given.percent.or(known) {
            Some(percent) => percent,
            None => {
                let percent = tax_percent(cx, line.tax_class, new.date)?;
                rates.push((line.tax_class, percent));
                percent
            }
        };
        let (net, exact) = line_net(line.quantity, line.unit_price, line.discount, currency)
            .map_err(|e| Error::field(format!("lines.{i}.unit_price"), e.code.clone()).with("scale", 6_i64))?;
        let net = given.net.unwrap_or(net);
        rounding = rounding.plus(rounded(net, exact)?)?;
        sums.push((percent, net));
        ready.push((line, percent, net, exact));
    }
    let by_rate = document_taxes(cx, new.corrects, &sums, currency)?;
    let (net, tax, total) = totals_of(&by_rate, currency)?;
    let external = new.external.is_some();
    let variable_symbol = new.external.as_ref().map(|n| n.chars().filter(char::is_ascii_digit).take(10).collect());
    let invoice = cx.insert(Invoice {
        number: new.external,
        kind: new.kind,
        party: new.party,
        date: new.date,
        due: new.due,
        tax_date: Some(new.date),
        currency,
        country_name: new.country_name,
        variable_symbol,
        note: new.note.map(LongText),
        net,
        tax,
        total,
        rounding,
        state: InvoiceState::Draft,
        source: new.source,
        corrects: new.corrects,
        entry: None,
        sent_at: None,
        reminders: 0,
        reminded: None,
        external,
    })?;
    let lines = ready.into_iter().map(|(line, tax_percent, net, net_exact)| InvoiceLine {
        invoice,
        product: line.product,
        code_as_written: line.code_as_written,
        description: line.description,
        quantity: line.quantity,
        unit_price: Some(line.unit_price),
        discount: line.discount,
        tax_class: Some(line.tax_class),
        tax_percent,
        net,
        net_exact,
        purpose: line.purpose,
        corrects: line.corrects,
    });
    cx.insert_all(lines.collect())?;
    cx.call(Post { invoice })?;
    Ok(invoice)
}

/// Rate, net and tax of a document: once per rate on the summed net; a credit note takes back what was charged.
fn document_taxes(
    cx: &mut Cx<'_>,
    corrects: Option<Id<Invoice>>,
    sums: &[(Dec<2>, Money)],
    currency: Currency,
) -> Result<Vec<(Dec<2>, Money, Money)>> {
    let computed = taxes(sums, currency)?;
    match corrects {
        Some(corrected) if computed.iter().any(|(percent, _, _)| !percent.is_zero()) => {
            note_taxes(cx, corrected, computed, currency)
        }
        _ => Ok(computed),
    }
}

/// Posts an invoice: its number is drawn, its entry written, its open item opened. Nothing of it changes any more.
#[derive(Operation)]
#[operation(name = "finance.invoice.post", on = Invoice, when = [InvoiceState::Draft], makes = InvoiceState::Posted, allow = "accounts", button = 1,
    inverse = "finance.invoice.credit")]
pub struct Post {
    /// The invoice.
    pub invoice: Id<Invoice>,
}

/// The entry.
#[derive(Fields)]
pub struct PostedInvoice {
    /// The invoice.
    pub invoice: Id<Invoice>,
    /// Total.
    pub total: Money,
}

impl Run for Post {
    type Output = PostedInvoice;
    fn run(self, cx: &mut Cx<'_>) -> Result<PostedInvoice> {
        let mut invoice = cx.target(self.invoice)?;
        party::living(cx, invoice.party)?;
        let lines = cx.lines::<InvoiceLine>(self.invoice)?;
        if lines.is_empty() {
            return Err(Error::refused("finance.no_lines"));
        }
        let entry = entry_lines(cx, &invoice, &lines)?;
        // What adds up to nothing on every account (a free sample) has nothing to post.
        let settled = invoice.total.is_zero();
        if entry.iter().any(|l| !l.amount.is_zero()) {
            let title = match &invoice.number {
                Some(number) => number.clone(),
                None => cx.get(invoice.party)?.name.clone(),
            };
            let new = NewEntry {
                journal: "sales",
                date: invoice.date,
                description: title,
                source: Some(self.invoice.into()),
                reverses: None,
                lines: entry,
            };
            invoice.entry = Some(post(cx, new)?.entry);
        }
        invoice.state = if settled { InvoiceState::Paid } else { InvoiceState::Posted };
        cx.save(&mut invoice)?;
        if !invoice.external {
            let series = if invoice.kind == InvoiceKind::Invoice { "invoice" } else { "credit_note" };
            cx.legal_number_of(self.invoice, "number", series, i64::from(invoice.date.year()))?;
        }
        cx.emit(InvoicePosted {
            invoice: self.invoice,
            party: invoice.party,
            source: invoice.source,
            total: invoice.total,
        })?;
        if let Some(corrected) = invoice.corrects {
            settle_credits(cx, corrected)?;
            restate(cx, Some(corrected.into()))?;
        }
        if settled && invoice.kind == InvoiceKind::Invoice {
            cx.emit(InvoicePaid { invoice: self.invoice, source: invoice.source, party: invoice.party })?;
        }
        cx.link(self.invoice);
        Ok(PostedInvoice { invoice: self.invoice, total: invoice.total })
    }
}

/// The lines of an invoice's entry: what is owed, revenue by purpose, tax by rate.
fn entry_lines(cx: &mut Cx<'_>, invoice: &Invoice, lines: &[Rec<InvoiceLine>]) -> Result<Vec<PostLine>> {
    let receivable = account(cx, "receivable")?;
    let owed = PostLine { party: Some(invoice.party), due: invoice.due, ..PostLine::new(receivable, invoice.total) };
    let mut entry = vec![owed];
    let mut by_purpose: Vec<(&str, Money)> = Vec::new();
    let mut sums = Vec::with_capacity(lines.len());
    for line in lines {
        let purpose = line.purpose.as_deref().unwrap_or("revenue");
        match by_purpose.iter_mut().find(|(p, _)| *p == purpose) {
            Some((_, sum)) => *sum = sum.plus(line.net)?,
            None => by_purpose.push((purpose, line.net)),
        }
        sums.push((line.tax_percent, line.net));
    }
    for (purpose, net) in by_purpose {
        entry.push(PostLine::new(account(cx, purpose)?, net.negated()));
    }
    for (percent, _, tax) in document_taxes(cx, invoice.corrects, &sums, invoice.currency)? {
        if !tax.is_zero() {
            let line = PostLine::new(account(cx, "tax_out")?, tax.negated());
            entry.push(PostLine { tax_percent: Some(percent), ..line });
        }
    }
    Ok(entry)
}
