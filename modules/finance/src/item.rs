//! Open items, allocations and payments.

use jiff::civil::Date;
use kernel::{AnyRef, Cx, Entity, Error, Event, Fields, Id, Money, Operation, Result, Run, Value, choice};
use party::Party;

use crate::account::{Account, account};
use crate::entry::{Entry, NewEntry, PostLine, opposite, post};
use crate::invoice::{Invoice, InvoiceState};

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

choice!(
    /// Which way money goes.
    Direction { In = "in" => "green", Out = "out" => "amber" }
);
choice!(
    /// Where a payment stands.
    PaymentState { Posted = "posted" => "green", Reversed = "reversed" => "grey" }
);

/// Money that came or went.
#[derive(Entity)]
#[entity(name = "finance.payment", plain, by_operation, title = number, status = state, read = "accounts manager", area = "money",
    indexed(party))]
pub struct Payment {
    /// Number.
    #[field(unique, searchable)]
    pub number: Option<String>,
    /// From or to whom.
    pub party: Id<Party>,
    /// When.
    pub date: Date,
    /// How much, always positive.
    #[field(role = "amount")]
    pub amount: Money,
    /// Which way.
    pub direction: Direction,
    /// Reference, such as a variable symbol.
    #[field(searchable)]
    pub reference: Option<String>,
    /// State.
    pub state: PaymentState,
    /// What it comes from (a line of a bank statement).
    pub source: Option<AnyRef>,
    /// The entry.
    pub entry: Option<Id<Entry>>,
    /// Its open item.
    pub item: Option<Id<OpenItem>>,
}

/// An invoice was paid in full.
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
            settled(cx, item.source)?;
        }
    }
    Ok(amount)
}

/// The document of an item that is settled becomes paid.
fn settled(cx: &mut Cx<'_>, source: Option<AnyRef>) -> Result<()> {
    let Some(invoice) = source.and_then(AnyRef::to::<Invoice>) else { return Ok(()) };
    let mut record = cx.get(invoice)?;
    if matches!(record.state, InvoiceState::Posted | InvoiceState::Sent) {
        record.state = InvoiceState::Paid;
        cx.save(&mut record)?;
        cx.emit(InvoicePaid { invoice, source: record.source, party: record.party })?;
    }
    Ok(())
}

/// Notes money that came in and settles what it pays: the named invoice, else the one with the reference, else the oldest of
/// the same amount.
#[derive(Operation)]
#[operation(name = "finance.payment.register", allow = "accounts", button = 1, inverse = "finance.payment.reverse")]
pub struct Register {
    /// From whom.
    pub party: Id<Party>,
    /// How much.
    pub amount: Money,
    /// When; today where empty.
    pub date: Option<Date>,
    /// Reference, such as a variable symbol.
    pub reference: Option<String>,
    /// The invoice that it pays.
    pub invoice: Option<Id<Invoice>>,
    /// What it comes from.
    pub source: Option<AnyRef>,
}

/// The payment.
#[derive(Fields)]
pub struct Registered {
    /// The payment.
    pub payment: Id<Payment>,
    /// How much of it settled something.
    pub settled: Money,
}

impl Run for Register {
    type Output = Registered;
    fn run(self, cx: &mut Cx<'_>) -> Result<Registered> {
        if self.amount.minor <= 0 {
            return Err(Error::field("amount", "finance.positive"));
        }
        let date = self.date.unwrap_or(cx.today());
        let payment = cx.insert(Payment {
            number: None,
            party: self.party,
            date,
            amount: self.amount,
            direction: Direction::In,
            reference: self.reference.clone(),
            state: PaymentState::Posted,
            source: self.source,
            entry: None,
            item: None,
        })?;
        let (bank, receivable) = (account(cx, "bank")?, account(cx, "receivable")?);
        let posted = post(
            cx,
            NewEntry {
                journal: "bank",
                date,
                description: self.reference.clone().unwrap_or_else(|| "Payment".to_owned()),
                source: Some(payment.into()),
                reverses: None,
                lines: vec![
                    PostLine::new(bank, self.amount),
                    PostLine { party: Some(self.party), ..PostLine::new(receivable, self.amount.negated()) },
                ],
            },
        )?;
        let item = posted.items.first().copied().ok_or_else(|| Error::internal("a payment without an item"))?;
        let mut record = cx.get(payment)?;
        record.entry = Some(posted.entry);
        record.item = Some(item);
        cx.save(&mut record)?;
        cx.legal_number(payment, "number", "payment")?;
        let mut settled = Money::zero(self.amount.currency);
        for debit in self.candidates(cx)? {
            settled = settled.plus(allocate(cx, debit, item)?)?;
        }
        cx.link(payment);
        if let Some(invoice) = self.invoice {
            cx.link(invoice);
        }
        Ok(Registered { payment, settled })
    }
}

impl Register {
    /// Items that the payment may settle, in order.
    fn candidates(&self, cx: &mut Cx<'_>) -> Result<Vec<Id<OpenItem>>> {
        if let Some(invoice) = self.invoice {
            return items_of(cx, invoice.into());
        }
        if let Some(reference) = &self.reference {
            let found = cx
                .by::<Invoice>(&[("variable_symbol", Value::from(reference.as_str())), ("party", self.party.into())])?;
            if let [one] = found.as_slice() {
                return items_of(cx, one.id.into());
            }
        }
        let open = cx.by::<OpenItem>(&[("party", self.party.into()), ("residual", Value::Int(self.amount.minor))])?;
        Ok(open.first().map(|i| i.id).into_iter().collect())
    }
}

/// Open debit items of a document.
///
/// # Errors
/// As reading does.
pub fn items_of(cx: &mut Cx<'_>, source: AnyRef) -> Result<Vec<Id<OpenItem>>> {
    let items =
        cx.by::<OpenItem>(&[("source", Value::Int(source.id)), ("source_entity", Value::from(source.entity))])?;
    Ok(items.iter().filter(|i| i.residual.minor > 0).map(|i| i.id).collect())
}

/// Takes a payment back: what it settled is open again.
#[derive(Operation)]
#[operation(name = "finance.payment.reverse", on = Payment, when = [PaymentState::Posted], allow = "accounts", button = 2, dangerous,
    no_inverse = "Register the payment again.")]
pub struct ReversePayment {
    /// The payment.
    pub payment: Id<Payment>,
}

impl Run for ReversePayment {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut payment = cx.target(self.payment)?;
        let (Some(entry), Some(item)) = (payment.entry, payment.item) else {
            return Err(Error::internal("a payment without an entry"));
        };
        let at = cx.now();
        let made = cx.by::<Allocation>(&[("credit_item", item.into())])?;
        for allocation in made {
            if allocation.amount.minor <= 0 {
                continue;
            }
            let back = allocation.amount.negated();
            cx.insert(Allocation { debit_item: allocation.debit_item, credit_item: item, amount: back, at })?;
            let mut debit = cx.get(allocation.debit_item)?;
            let was_settled = debit.residual.is_zero();
            debit.residual = debit.residual.plus(allocation.amount)?;
            cx.save(&mut debit)?;
            let mut credit = cx.get(item)?;
            credit.residual = credit.residual.minus(allocation.amount)?;
            cx.save(&mut credit)?;
            if let Some(invoice) = debit.source.and_then(AnyRef::to::<Invoice>).filter(|_| was_settled) {
                let mut record = cx.get(invoice)?;
                record.state = if record.sent_at.is_some() { InvoiceState::Sent } else { InvoiceState::Posted };
                cx.save(&mut record)?;
            }
        }
        let date = cx.today();
        let lines = opposite(cx, entry)?;
        let new = NewEntry {
            journal: "bank",
            date,
            description: "Reversal".to_owned(),
            source: Some(self.payment.into()),
            reverses: Some(entry),
            lines,
        };
        let posted = post(cx, new)?;
        for debit in posted.items {
            allocate(cx, debit, item)?;
        }
        payment.state = PaymentState::Reversed;
        cx.save(&mut payment)
    }
}
