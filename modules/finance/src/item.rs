//! Open items: what is owed until it is settled, and the allocations that settle it.

use jiff::civil::Date;
use kernel::{AnyRef, Cx, Entity, Event, Id, Money, Rec, Result, Value, choice};
use party::Party;

use crate::account::Account;
use crate::entry::Entry;
use crate::invoice::{Invoice, InvoiceKind, InvoiceState};

choice!(
    /// Whether it is owed to us or by us.
    Side { Receivable = "receivable", Payable = "payable" }
);

/// Something that is owed until it is settled.
#[derive(Entity)]
#[entity(name = "finance.open_item", plain, by_operation, title = source, read = "accounts sales manager", area = "money",
    indexed(source, source_entity), indexed(party, residual),
    check = "(amount >= 0 and residual >= 0 and residual <= amount) or (amount < 0 and residual <= 0 and residual >= amount)")]
pub struct OpenItem {
    /// Who owes, or is owed.
    pub party: Id<Party>,
    /// The account on which it stands.
    pub account: Id<Account>,
    /// The document.
    pub source: Option<AnyRef>,
    /// When it is due.
    #[field(indexed, role = "due")]
    pub due: Date,
    /// Debit positive, credit negative.
    #[field(role = "amount")]
    pub amount: Money,
    /// What is left of it.
    pub residual: Money,
    /// Side.
    pub side: Side,
    /// The entry that made it.
    pub entry: Id<Entry>,
}

/// A part of a debit item settled by a part of a credit item; negative where a settlement is taken back.
#[derive(Entity)]
#[entity(name = "finance.allocation", plain, append_only, title = debit_item, read = "accounts manager")]
pub struct Allocation {
    /// The debit item (an invoice, say).
    #[field(indexed)]
    pub debit_item: Id<OpenItem>,
    /// The credit item (a payment, say).
    #[field(indexed)]
    pub credit_item: Id<OpenItem>,
    /// How much.
    pub amount: Money,
    /// When.
    pub at: jiff::Timestamp,
}

/// An invoice was settled in full: nothing of it is owed any more, because it was paid or because it was credited.
#[derive(Event)]
#[event(name = "finance.invoice.paid", subject = invoice)]
pub struct InvoicePaid {
    /// The invoice.
    pub invoice: Id<Invoice>,
    /// The document that it was issued for.
    pub source: Option<AnyRef>,
    /// Who paid.
    pub party: Id<Party>,
}

/// Settles as much as possible of a debit item with a credit item; answers how much.
///
/// # Errors
/// As writing does.
pub fn allocate(cx: &mut Cx<'_>, debit: Id<OpenItem>, credit: Id<OpenItem>) -> Result<Money> {
    let (mut d, mut c) = (cx.get(debit)?, cx.get(credit)?);
    let minor = d.residual.minor.min(c.residual.minor.saturating_neg());
    let amount = Money::new(minor, d.residual.currency);
    if minor <= 0 {
        return Ok(Money::zero(d.residual.currency));
    }
    let at = cx.now();
    cx.insert(Allocation { debit_item: debit, credit_item: credit, amount, at })?;
    d.residual = d.residual.minus(amount)?;
    c.residual = c.residual.plus(amount)?;
    cx.save(&mut d)?;
    cx.save(&mut c)?;
    for item in [&d, &c] {
        if item.residual.is_zero() {
            restate(cx, item.source)?;
        }
    }
    Ok(amount)
}

/// Settles two items with each other, whichever of them is the debit.
pub(crate) fn settle(cx: &mut Cx<'_>, a: Id<OpenItem>, b: Id<OpenItem>) -> Result<Money> {
    if cx.get(a)?.amount.minor > 0 { allocate(cx, a, b) } else { allocate(cx, b, a) }
}

/// Takes back all that an item settled, or was settled with. Credit notes settle their invoices at once again.
pub(crate) fn release(cx: &mut Cx<'_>, item: Id<OpenItem>) -> Result<()> {
    let at = cx.now();
    let mut made = cx.by::<Allocation>(&[("debit_item", item.into())])?;
    made.extend(cx.by::<Allocation>(&[("credit_item", item.into())])?);
    // What was taken back before stands there with the opposite sign.
    let mut left: Vec<(Id<OpenItem>, Id<OpenItem>, Money)> = Vec::new();
    for one in made {
        match left.iter_mut().find(|(d, c, _)| *d == one.debit_item && *c == one.credit_item) {
            Some((_, _, sum)) => *sum = sum.plus(one.amount)?,
            None => left.push((one.debit_item, one.credit_item, one.amount)),
        }
    }
    let mut opened = Vec::new();
    for (debit_item, credit_item, amount) in left.into_iter().filter(|(_, _, amount)| !amount.is_zero()) {
        cx.insert(Allocation { debit_item, credit_item, amount: amount.negated(), at })?;
        let (mut d, mut c) = (cx.get(debit_item)?, cx.get(credit_item)?);
        d.residual = d.residual.plus(amount)?;
        c.residual = c.residual.minus(amount)?;
        cx.save(&mut d)?;
        cx.save(&mut c)?;
        restate(cx, d.source)?;
        restate(cx, c.source)?;
        opened.extend([d.source, c.source].into_iter().flatten().filter_map(AnyRef::to::<Invoice>));
    }
    for invoice in opened {
        settle_credits(cx, invoice)?;
    }
    Ok(())
}

/// Settles an invoice with its own credit notes, as far as both are open.
pub(crate) fn settle_credits(cx: &mut Cx<'_>, invoice: Id<Invoice>) -> Result<()> {
    for note in cx.by::<Invoice>(&[("corrects", invoice.into())])? {
        for credit in open_of(cx, note.id.into())? {
            for debit in items_of(cx, invoice.into())? {
                allocate(cx, debit, credit.id)?;
            }
        }
    }
    Ok(())
}

/// Brings the state of the invoice behind an item to what is open of it.
pub(crate) fn restate(cx: &mut Cx<'_>, source: Option<AnyRef>) -> Result<()> {
    let Some(invoice) = source.and_then(AnyRef::to::<Invoice>) else { return Ok(()) };
    let mut record = cx.get(invoice)?;
    if record.state == InvoiceState::Draft {
        return Ok(());
    }
    let settled = open_of(cx, invoice.into())?.is_empty();
    let before = record.state;
    let was_settled = matches!(before, InvoiceState::Paid | InvoiceState::Cancelled);
    record.state = match (settled, was_settled) {
        (true, _) if record.kind == InvoiceKind::Invoice && credited_whole(cx, invoice, &record)? => {
            InvoiceState::Cancelled
        }
        (true, _) => InvoiceState::Paid,
        (false, true) if record.sent_at.is_some() => InvoiceState::Sent,
        (false, true) => InvoiceState::Posted,
        (false, false) => before,
    };
    if record.state == before {
        return Ok(());
    }
    cx.save(&mut record)?;
    if settled && !was_settled && record.kind == InvoiceKind::Invoice {
        cx.emit(InvoicePaid { invoice, source: record.source, party: record.party })?;
    }
    Ok(())
}

/// Whether credit notes take all of an invoice back.
fn credited_whole(cx: &mut Cx<'_>, invoice: Id<Invoice>, record: &Invoice) -> Result<bool> {
    let mut left = record.total;
    for note in cx.by::<Invoice>(&[("corrects", invoice.into())])? {
        if note.state != InvoiceState::Draft {
            left = left.plus(note.total)?;
        }
    }
    Ok(left.is_zero() && !record.total.is_zero())
}

/// What is open of a document.
pub(crate) fn open_of(cx: &mut Cx<'_>, source: AnyRef) -> Result<Vec<Rec<OpenItem>>> {
    let key = [("source", Value::Int(source.id)), ("source_entity", Value::from(source.entity))];
    Ok(cx.by::<OpenItem>(&key)?.into_iter().filter(|i| !i.residual.is_zero()).collect())
}

/// Open debit items of a document.
///
/// # Errors
/// As reading does.
pub fn items_of(cx: &mut Cx<'_>, source: AnyRef) -> Result<Vec<Id<OpenItem>>> {
    Ok(open_of(cx, source)?.iter().filter(|i| i.residual.minor > 0).map(|i| i.id).collect())
}

/// What a party owes: the sum of residuals of its receivables.
///
/// # Errors
/// As reading does.
pub fn owed(cx: &mut Cx<'_>, party: Id<Party>) -> Result<Money> {
    let currency = cx.company().currency;
    let sum = cx.conn().int(
        "SELECT COALESCE(SUM(residual), 0) FROM finance_open_item WHERE party = ? AND side = 'receivable' AND residual <> 0",
        &[party.into()],
    )?;
    Ok(Money::new(sum.unwrap_or(0), currency))
}
