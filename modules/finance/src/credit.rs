//! Credit notes: an invoice is taken back, whole or by lines, to the last minor unit.

use jiff::civil::Date;
use kernel::{Currency, Cx, Dec, Error, Fields, Id, Money, Operation, Rec, Result, Run};
use product::TaxClass;

use crate::entry::{Entry, EntryLine};
use crate::invoice::{Invoice, InvoiceKind, InvoiceLine, InvoiceState, line_net};
use crate::issue::{Given, NewInvoice, NewLine, issue_given};

/// A line of a credit note.
#[derive(Fields)]
pub struct CreditLine {
    /// The line of the invoice.
    pub line: Id<InvoiceLine>,
    /// How many of it; positive.
    pub quantity: Dec<6>,
}

/// Credits an invoice, whole or by lines: a credit note is posted, and what is open of the invoice is settled with it.
#[derive(Operation)]
#[operation(name = "finance.invoice.credit", on = Invoice, when = [InvoiceState::Posted, InvoiceState::Sent, InvoiceState::Paid],
    allow = "accounts", button = 2, dangerous, no_inverse = "Issue a new invoice.")]
pub struct Credit {
    /// The invoice.
    pub invoice: Id<Invoice>,
    /// Lines and quantities; everything that was not credited yet where empty.
    pub lines: Vec<CreditLine>,
    /// Why.
    pub reason: Option<String>,
    /// Date of the credit note; today where empty.
    pub date: Option<Date>,
}

/// The credit note.
#[derive(Fields)]
pub struct Credited {
    /// The credit note.
    pub credit_note: Id<Invoice>,
}

impl Run for Credit {
    type Output = Credited;
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        if self.invoice.is_none() || cx.get(self.invoice)?.kind == InvoiceKind::Invoice {
            return Ok(());
        }
        Err(Error::refused("finance.credit_of_credit"))
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<Credited> {
        let invoice = cx.target(self.invoice)?;
        let charged = cx.lines::<InvoiceLine>(self.invoice)?;
        for (i, asked) in self.lines.iter().enumerate() {
            let twice = self.lines.iter().take(i).any(|l| l.line == asked.line);
            if twice || !charged.iter().any(|l| l.id == asked.line) {
                return Err(Error::field(format!("lines.{i}.line"), "finance.not_of_invoice"));
            }
        }
        let before = credited(cx, &charged)?;
        let (mut lines, mut given) = (Vec::new(), Vec::new());
        for line in &charged {
            let (mut left, mut net) = (line.quantity, line.net);
            for one in before.iter().filter(|l| l.corrects == Some(line.id)) {
                left = left.plus(one.quantity)?;
                net = net.plus(one.net)?;
            }
            let wanted = match self.lines.iter().find(|l| l.line == line.id) {
                Some(asked) => asked.quantity,
                None if self.lines.is_empty() => left,
                None => continue,
            };
            if wanted.is_zero() {
                continue;
            }
            if wanted.abs() > left.abs() || wanted.is_negative() != left.is_negative() {
                return Err(Error::refused("finance.credit_too_much").with("left", left));
            }
            // At the rate that was charged; no part takes more than what is left, and the last one takes all of it.
            let price = line.unit_price.unwrap_or(Dec::ZERO);
            let (part, _) = line_net(wanted.negated(), price, line.discount, net.currency)?;
            let whole = wanted == left || part.minor.saturating_abs() > net.minor.saturating_abs();
            let net = if whole { net.negated() } else { part };
            given.push(Given { percent: Some(line.tax_percent), net: Some(net) });
            lines.push(NewLine {
                product: line.product,
                code_as_written: line.code_as_written.clone(),
                description: line.description.clone(),
                quantity: wanted.negated(),
                unit_price: price,
                discount: line.discount,
                tax_class: line.tax_class.unwrap_or(TaxClass::Standard),
                purpose: line.purpose.clone(),
                corrects: Some(line.id),
            });
        }
        if lines.is_empty() {
            return Err(Error::refused("finance.nothing_to_credit"));
        }
        let date = self.date.unwrap_or(cx.today());
        let new = NewInvoice {
            kind: InvoiceKind::CreditNote,
            party: invoice.party,
            date,
            due: Some(date),
            country_name: invoice.country_name.clone(),
            source: invoice.source,
            corrects: Some(self.invoice),
            external: None,
            note: self.reason,
            lines,
        };
        let credit_note = issue_given(cx, new, &given)?;
        cx.link(credit_note);
        Ok(Credited { credit_note })
    }
}

/// The lines of credit notes that correct these lines so far. A credit note may correct lines of several invoices.
fn credited(cx: &mut Cx<'_>, charged: &[Rec<InvoiceLine>]) -> Result<Vec<Rec<InvoiceLine>>> {
    let mut lines = Vec::new();
    for line in charged {
        for one in cx.by::<InvoiceLine>(&[("corrects", line.id.into())])? {
            if cx.get(one.invoice)?.state != InvoiceState::Draft {
                lines.push(one);
            }
        }
    }
    Ok(lines)
}

/// The posted credit notes of an invoice.
fn posted_notes(cx: &mut Cx<'_>, invoice: Id<Invoice>) -> Result<Vec<Rec<Invoice>>> {
    let mut notes = cx.by::<Invoice>(&[("corrects", invoice.into())])?;
    notes.retain(|n| n.state != InvoiceState::Draft);
    Ok(notes)
}

/// Taxes of a credit note that is being posted: where it takes back what was left of the net of a rate, it takes back what is
/// left of the tax too, and never more than that, so that nothing remains of an invoice that is credited in parts.
pub(crate) fn note_taxes(
    cx: &mut Cx<'_>,
    corrected: Id<Invoice>,
    computed: Vec<(Dec<2>, Money, Money)>,
    currency: Currency,
) -> Result<Vec<(Dec<2>, Money, Money)>> {
    let (mut nets, mut charged) = (Vec::new(), Vec::new());
    let mut documents = posted_notes(cx, corrected)?;
    documents.push(cx.get(corrected)?);
    for document in documents {
        nets.extend(cx.lines::<InvoiceLine>(document.id)?.iter().map(|l| (l.tax_percent, l.net)));
        if let Some(entry) = document.entry {
            charged.extend(taxes_of(cx, entry)?);
        }
    }
    let sum = |all: &[(Dec<2>, Money)], percent: Dec<2>| -> Result<Money> {
        all.iter().filter(|(p, _)| *p == percent).try_fold(Money::zero(currency), |sum, (_, part)| sum.plus(*part))
    };
    let mut out = Vec::with_capacity(computed.len());
    for (percent, net, tax) in computed {
        let (left, rest) = (sum(&charged, percent)?, sum(&nets, percent)?);
        let whole = rest.plus(net)?.is_zero();
        let less = !rest.is_zero() && rest.minor.signum() == -net.minor.signum();
        let beyond = less && tax.minor.saturating_abs() > left.minor.saturating_abs();
        out.push((percent, net, if whole || beyond { left.negated() } else { tax }));
    }
    Ok(out)
}

/// The taxes that an entry posted: rate and amount, positive where the customer owes it.
pub(crate) fn taxes_of(cx: &mut Cx<'_>, entry: Id<Entry>) -> Result<Vec<(Dec<2>, Money)>> {
    let lines = cx.lines::<EntryLine>(entry)?;
    Ok(lines.iter().filter_map(|l| Some((l.tax_percent?, l.amount.negated()))).collect())
}
