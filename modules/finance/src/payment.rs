//! Payments: money that came or went, what it settles, and how it is taken back.

use jiff::civil::Date;
use kernel::{AnyRef, Cx, Entity, Error, Fields, Id, Money, Operation, Rec, Result, Run, Value, choice};
use party::Party;

use crate::account::account;
use crate::entry::{Entry, NewEntry, PostLine, opposite, post};
use crate::invoice::{Invoice, InvoiceState};
use crate::item::{OpenItem, open_of, release, settle};
use crate::statement::reopen;

choice!(
    /// Which way money goes.
    Direction { In = "in" => "green", Out = "out" => "amber" }
);
choice!(
    /// Through which account money goes.
    Method { Bank = "bank" => "blue", Cash = "cash" => "grey" }
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
    /// Through the bank or in cash; the bank where empty.
    pub method: Option<Method>,
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

/// Notes money that came from a customer, or went back to one, and settles what it pays: the named invoice or credit note, else
/// the one with the reference, else the oldest of the same amount. What is left of it stays as the party's credit.
#[derive(Operation)]
#[operation(name = "finance.payment.register", allow = "accounts", button = 1, inverse = "finance.payment.reverse")]
pub struct Register {
    /// From or to whom.
    pub party: Id<Party>,
    /// How much.
    pub amount: Money,
    /// When; today where empty.
    pub date: Option<Date>,
    /// Reference, such as a variable symbol.
    pub reference: Option<String>,
    /// The invoice that it pays, or the credit note that it pays back.
    pub invoice: Option<Id<Invoice>>,
    /// What it comes from.
    pub source: Option<AnyRef>,
    /// Which way; in where empty.
    pub direction: Option<Direction>,
    /// Through the bank or in cash; the bank where empty.
    pub method: Option<Method>,
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
        let direction = self.direction.unwrap_or(Direction::In);
        let method = self.method.unwrap_or(Method::Bank);
        if let Some(invoice) = self.invoice {
            let record = cx.get(invoice)?;
            if record.party != self.party || record.state == InvoiceState::Draft {
                return Err(Error::field("invoice", "finance.not_of_party"));
            }
        }
        let payment = cx.insert(Payment {
            number: None,
            party: self.party,
            date,
            amount: self.amount,
            direction,
            method: Some(method),
            reference: self.reference.clone(),
            state: PaymentState::Posted,
            source: self.source,
            entry: None,
            item: None,
        })?;
        let money = if direction == Direction::In { self.amount } else { self.amount.negated() };
        let (purse, receivable) = (account(cx, method.value())?, account(cx, "receivable")?);
        let party = cx.get(self.party)?.name.clone();
        let description = self.reference.as_ref().map_or_else(|| party.clone(), |r| format!("{party}, {r}"));
        let posted = post(
            cx,
            NewEntry {
                journal: method.value(),
                date,
                description: description.chars().take(250).collect(),
                source: Some(payment.into()),
                reverses: None,
                lines: vec![
                    PostLine::new(purse, money),
                    PostLine { party: Some(self.party), ..PostLine::new(receivable, money.negated()) },
                ],
            },
        )?;
        let item = posted.items.first().copied().ok_or_else(|| Error::internal("a payment without an item"))?;
        let mut record = cx.get(payment)?;
        record.entry = Some(posted.entry);
        record.item = Some(item);
        cx.save(&mut record)?;
        cx.legal_number_of(payment, "number", "payment", i64::from(date.year()))?;
        let mut settled = Money::zero(self.amount.currency);
        for open in self.candidates(cx, direction)? {
            settled = settled.plus(settle(cx, open, item)?)?;
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
    fn candidates(&self, cx: &mut Cx<'_>, direction: Direction) -> Result<Vec<Id<OpenItem>>> {
        if let Some(invoice) = self.invoice {
            return opposite_items(cx, invoice, direction);
        }
        if let Some(reference) = &self.reference {
            let key = [("variable_symbol", Value::from(reference.as_str())), ("party", self.party.into())];
            if let [one] = cx.by::<Invoice>(&key)?.as_slice() {
                return opposite_items(cx, one.id, direction);
            }
        }
        let wanted = if direction == Direction::In { self.amount } else { self.amount.negated() };
        let open = cx.by::<OpenItem>(&[("party", self.party.into()), ("residual", Value::Int(wanted.minor))])?;
        Ok(open.first().map(|i| i.id).into_iter().collect())
    }
}

/// What is open of an invoice and can be settled by money that goes this way.
fn opposite_items(cx: &mut Cx<'_>, invoice: Id<Invoice>, direction: Direction) -> Result<Vec<Id<OpenItem>>> {
    let sign = if direction == Direction::In { 1 } else { -1 };
    let open = open_of(cx, invoice.into())?;
    Ok(open.iter().filter(|i| i.residual.minor.signum() == sign).map(|i| i.id).collect())
}

/// Notes the payment of an invoice, or that a credit note was paid back.
#[derive(Operation)]
#[operation(name = "finance.invoice.pay", on = Invoice, when = [InvoiceState::Posted, InvoiceState::Sent], makes = InvoiceState::Paid, allow = "accounts",
    button = 2, inverse = "finance.payment.reverse")]
pub struct Pay {
    /// The invoice.
    pub invoice: Id<Invoice>,
    /// How much; what is open where empty.
    pub amount: Option<Money>,
    /// When; today where empty.
    pub date: Option<Date>,
    /// Through the bank or in cash; the bank where empty.
    pub method: Option<Method>,
}

/// What is open of an invoice: to be paid by the customer where positive, to be paid back where negative.
fn open_amount(cx: &mut Cx<'_>, invoice: Id<Invoice>) -> Result<Money> {
    let mut sum = Money::zero(cx.company().currency);
    for item in open_of(cx, invoice.into())? {
        sum = sum.plus(item.residual)?;
    }
    Ok(sum)
}

impl Run for Pay {
    type Output = Registered;
    fn run(self, cx: &mut Cx<'_>) -> Result<Registered> {
        let invoice = cx.target(self.invoice)?;
        let open = open_amount(cx, self.invoice)?;
        let (direction, open) = if open.minor < 0 { (Direction::Out, open.negated()) } else { (Direction::In, open) };
        cx.call(Register {
            party: invoice.party,
            amount: self.amount.unwrap_or(open),
            date: self.date,
            reference: invoice.variable_symbol.clone(),
            invoice: Some(self.invoice),
            source: None,
            direction: Some(direction),
            method: self.method,
        })
    }
    fn prefill(target: i64, cx: &mut Cx<'_>) -> Result<Option<Self>> {
        let invoice = Id::<Invoice>::new(target);
        let open = open_amount(cx, invoice)?;
        let amount = if open.minor < 0 { open.negated() } else { open };
        Ok(Some(Self { invoice, amount: Some(amount), date: Some(cx.today()), method: Some(Method::Bank) }))
    }
}

/// Settles what is left of a payment: with the named invoice, else with what the party has open, the oldest first.
#[derive(Operation)]
#[operation(name = "finance.payment.allocate", on = Payment, when = [PaymentState::Posted], allow = "accounts", button = 2,
    inverse = "finance.payment.release")]
pub struct Allocate {
    /// The payment.
    pub payment: Id<Payment>,
    /// The invoice or credit note.
    pub invoice: Option<Id<Invoice>>,
}

/// How much was settled.
#[derive(Fields)]
pub struct Allocated {
    /// How much.
    pub settled: Money,
}

impl Run for Allocate {
    type Output = Allocated;
    fn run(self, cx: &mut Cx<'_>) -> Result<Allocated> {
        let payment = cx.target(self.payment)?;
        let item = item_of(&payment)?;
        let open = match self.invoice {
            Some(invoice) => {
                let record = cx.get(invoice)?;
                if record.party != payment.party {
                    return Err(Error::field("invoice", "finance.not_of_party"));
                }
                opposite_items(cx, invoice, payment.direction)?
            }
            None => {
                let sign = if payment.direction == Direction::In { "residual > 0" } else { "residual < 0" };
                let mut open = cx.find::<OpenItem>(
                    kernel::Filter::eq("party", payment.party).and(kernel::Filter::parse_check(sign)?),
                )?;
                open.sort_by_key(|i| (i.due, i.id));
                open.iter().map(|i| i.id).collect()
            }
        };
        let mut settled = Money::zero(payment.amount.currency);
        for open in open {
            settled = settled.plus(settle(cx, open, item)?)?;
        }
        if settled.is_zero() {
            return Err(Error::refused("finance.nothing_open"));
        }
        cx.link(self.payment);
        Ok(Allocated { settled })
    }
}

/// Takes back what a payment settled: the money stays as the party's credit.
#[derive(Operation)]
#[operation(name = "finance.payment.release", on = Payment, when = [PaymentState::Posted], allow = "accounts", button = 2,
    inverse = "finance.payment.allocate")]
pub struct Release {
    /// The payment.
    pub payment: Id<Payment>,
}

impl Run for Release {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let payment = cx.target(self.payment)?;
        let item = item_of(&payment)?;
        release(cx, item)?;
        cx.link(self.payment);
        Ok(())
    }
}

fn item_of(payment: &Rec<Payment>) -> Result<Id<OpenItem>> {
    payment.item.ok_or_else(|| Error::internal("a payment without an item"))
}

/// Takes a payment back: what it settled is open again.
#[derive(Operation)]
#[operation(name = "finance.payment.reverse", on = Payment, when = [PaymentState::Posted], makes = PaymentState::Reversed, allow = "accounts", button = 2, dangerous,
    no_inverse = "Register the payment again.")]
pub struct ReversePayment {
    /// The payment.
    pub payment: Id<Payment>,
    /// When the reversal takes effect; today where empty.
    pub date: Option<Date>,
}

impl Run for ReversePayment {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut payment = cx.target(self.payment)?;
        let item = item_of(&payment)?;
        let entry = payment.entry.ok_or_else(|| Error::internal("a payment without an entry"))?;
        release(cx, item)?;
        let first = cx.get(entry)?;
        let new = NewEntry {
            journal: payment.method.unwrap_or(Method::Bank).value(),
            date: self.date.unwrap_or(cx.today()),
            description: first.description.clone(),
            source: Some(self.payment.into()),
            reverses: Some(entry),
            lines: opposite(cx, entry)?,
        };
        for back in post(cx, new)?.items {
            settle(cx, back, item)?;
        }
        payment.state = PaymentState::Reversed;
        cx.save(&mut payment)?;
        if let Some(line) = payment.source {
            reopen(cx, line)?;
        }
        cx.link(self.payment);
        Ok(())
    }
}
