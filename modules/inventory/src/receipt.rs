//! Goods that come: receipts, opening stock, corrections; and goods that are written off.

use jiff::civil::Date;
use kernel::{
    Cx, Dec, Entity, Error, Event, Fields, Id, LongText, Money, Operation, PrincipalKind, Result, Rules, Run, choice,
};
use party::Party;
use platform::User;
use product::{Product, ProductKind};

use crate::stock::{Location, NewMove, cost, issue, places, post_value, quant, receive, stock_place, take, value_of};

choice!(
    /// Where a receipt stands.
    ReceiptState { Draft = "draft" => "grey", Received = "received" => "green" }
);

/// Goods from a supplier.
#[derive(Entity)]
#[entity(name = "inventory.receipt", title = number, status = state, read = "stock buyer accounts manager", write = "stock buyer", area = "goods",
    lines(lines = "inventory.receipt_line.receipt"), frozen_when = "state != 'draft'")]
pub struct Receipt {
    /// Number; drawn when the goods are received, unless another system gave one.
    #[field(unique, searchable, by_operation)]
    pub number: Option<String>,
    /// Supplier.
    pub party: Option<Id<Party>>,
    /// When.
    #[field(default = "@today")]
    pub date: Date,
    /// State.
    #[field(by_operation)]
    pub state: ReceiptState,
    /// Note.
    pub note: Option<LongText>,
}
impl Rules for Receipt {}

/// A line of a receipt.
#[derive(Entity)]
#[entity(name = "inventory.receipt_line", plain, title = product, owner = receipt)]
pub struct ReceiptLine {
    /// The receipt.
    pub receipt: Id<Receipt>,
    /// Product.
    pub product: Id<Product>,
    /// How much.
    #[field(check = "quantity > 0")]
    pub quantity: Dec<6>,
    /// Cost of one; the present average where empty.
    pub unit_cost: Option<Money>,
}

/// Goods came.
#[derive(Event)]
#[event(name = "inventory.stock.received", subject = receipt)]
pub struct StockReceived {
    /// The receipt.
    pub receipt: Id<Receipt>,
}

/// Receives goods: they are in the stock, and their value in the ledger.
#[derive(Operation)]
#[operation(name = "inventory.receipt.receive", on = Receipt, when = [ReceiptState::Draft], makes = ReceiptState::Received, allow = "stock buyer", button = 1,
    no_inverse = "Write the goods off, with the reason.")]
pub struct Receive {
    /// The receipt.
    pub receipt: Id<Receipt>,
}

impl Run for Receive {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let from = places(cx)?.supplier;
        take_in(cx, self.receipt, from, "goods_received", "Receipt")
    }
}

/// Takes goods into the stock that were found there: nobody supplied them, so their value is a gain.
#[derive(Operation)]
#[operation(name = "inventory.receipt.found", on = Receipt, when = [ReceiptState::Draft], allow = "stock", button = 2,
    no_inverse = "Write the goods off, with the reason.")]
pub struct Found {
    /// The receipt.
    pub receipt: Id<Receipt>,
}

impl Run for Found {
    type Output = ();
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        if self.receipt.is_none() || cx.get(self.receipt)?.party.is_none() {
            return Ok(());
        }
        Err(Error::refused("inventory.found_supplied"))
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let from = places(cx)?.loss;
        take_in(cx, self.receipt, from, "found", "Stock found")
    }
}

/// Takes the goods of a receipt in from a place, their value from an account's purpose.
fn take_in(cx: &mut Cx<'_>, id: Id<Receipt>, from: Id<Location>, credit: &str, text: &str) -> Result<()> {
    let mut receipt = cx.target(id)?;
    let lines = cx.lines::<ReceiptLine>(id)?;
    if lines.is_empty() {
        return Err(Error::refused("inventory.no_lines"));
    }
    let stock = stock_place(cx)?;
    let mut total = Money::zero(cx.company().currency);
    take(cx, &lines.iter().map(|line| line.product.into()).collect::<Vec<_>>(), stock)?;
    for line in &lines {
        goods(cx, line.product)?;
        let value = match line.unit_cost {
            Some(unit) => cost(line.quantity, unit)?,
            None => value_of(cx, line.product, line.quantity)?,
        };
        total = total.plus(value)?;
        let new =
            NewMove { product: line.product, quantity: line.quantity, date: receipt.date, source: Some(id.into()) };
        receive(cx, &new, from, stock, value)?;
    }
    post_value(cx, ("stock", credit), total, receipt.date, Some(id.into()), text)?;
    receipt.state = ReceiptState::Received;
    cx.save(&mut receipt)?;
    // A number that is there already comes from another system; its series has no rule against gaps.
    if receipt.number.is_none() {
        cx.legal_number_of(id, "number", "receipt", i64::from(receipt.date.year()))?;
    }
    cx.emit(StockReceived { receipt: id })?;
    cx.link(id);
    Ok(())
}

fn goods(cx: &mut Cx<'_>, product: Id<Product>) -> Result<()> {
    let record = cx.get(product)?;
    if record.kind == ProductKind::Goods {
        return Ok(());
    }
    Err(Error::refused("inventory.service").with("product", record.name.as_str()))
}

/// Receives a product in one step: a receipt is written and received at once.
#[derive(Operation)]
#[operation(
    name = "inventory.receipt.quick",
    allow = "stock buyer",
    button = 2,
    no_inverse = "Write the goods off, with the reason."
)]
pub struct Quick {
    /// Product.
    pub product: Id<Product>,
    /// How much.
    #[field(check = "quantity > 0")]
    pub quantity: Dec<6>,
    /// Cost of one; the present average where empty.
    pub unit_cost: Option<Money>,
    /// Supplier.
    pub party: Option<Id<Party>>,
}

/// The receipt.
#[derive(Fields)]
pub struct Received {
    /// The receipt.
    pub receipt: Id<Receipt>,
}

impl Run for Quick {
    type Output = Received;
    fn run(self, cx: &mut Cx<'_>) -> Result<Received> {
        let date = cx.today();
        let receipt =
            cx.insert(Receipt { number: None, party: self.party, date, state: ReceiptState::Draft, note: None })?;
        cx.insert(ReceiptLine { receipt, product: self.product, quantity: self.quantity, unit_cost: self.unit_cost })?;
        cx.call(Receive { receipt })?;
        Ok(Received { receipt })
    }
}

/// Takes opening stock over from another system.
#[derive(Operation)]
#[operation(
    name = "inventory.stock.open",
    allow = "stock",
    person_only,
    no_inverse = "Correct the stock, with the reason."
)]
pub struct Open {
    /// Product.
    pub product: Id<Product>,
    /// How much.
    #[field(check = "quantity > 0")]
    pub quantity: Dec<6>,
    /// Cost of one.
    pub unit_cost: Money,
    /// When.
    pub date: Option<Date>,
}

impl Run for Open {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        goods(cx, self.product)?;
        let date = self.date.unwrap_or(cx.today());
        let places = places(cx)?;
        let value = cost(self.quantity, self.unit_cost)?;
        let new = NewMove { product: self.product, quantity: self.quantity, date, source: None };
        receive(cx, &new, places.opening, places.stock, value)?;
        post_value(cx, ("stock", "opening"), value, date, None, "Opening stock")
    }
}

choice!(
    /// Where a write-off stands.
    WriteOffState {
        Requested = "requested" => "amber",
        Approved = "approved" => "blue",
        Posted = "posted" => "green",
        Rejected = "rejected" => "red",
    }
);

/// Goods that are lost, broken or spoiled: asked for with a reason, approved by somebody else, then posted.
#[derive(Entity)]
#[entity(name = "inventory.write_off", label = "Write-off", plural = "Write-offs", title = number, status = state, read = "stock accounts manager",
    write = "stock", area = "goods", lines(lines = "inventory.write_off_line.write_off"), frozen_when = "state != 'requested'")]
pub struct WriteOff {
    /// Number; drawn when it is posted, unless another system gave one.
    #[field(unique, searchable, by_operation)]
    pub number: Option<String>,
    /// Why.
    #[field(max = 250)]
    pub reason: String,
    /// When.
    #[field(default = "@today")]
    pub date: Date,
    /// State.
    #[field(by_operation, tracked)]
    pub state: WriteOffState,
    /// Who asked for it.
    #[field(by_operation)]
    pub requested_by: Option<Id<User>>,
    /// Who approved it.
    #[field(by_operation)]
    pub approved_by: Option<Id<User>>,
}
impl Rules for WriteOff {
    fn check(old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if old.is_none() && new.requested_by.is_none() {
            new.requested_by = Some(cx.who().user).filter(|u| *u != 0).map(Id::new);
        }
        Ok(())
    }
}

/// A line of a write-off.
#[derive(Entity)]
#[entity(name = "inventory.write_off_line", label = "Write-off line", plain, title = product, owner = write_off)]
pub struct WriteOffLine {
    /// The write-off.
    pub write_off: Id<WriteOff>,
    /// Product.
    pub product: Id<Product>,
    /// How much.
    #[field(check = "quantity > 0")]
    pub quantity: Dec<6>,
}

/// Approves a write-off that somebody else asked for.
#[derive(Operation)]
#[operation(name = "inventory.write_off.approve", on = WriteOff, when = [WriteOffState::Requested], makes = WriteOffState::Approved, allow = "manager", button = 1,
    inverse = "inventory.write_off.reject")]
pub struct Approve {
    /// The write-off.
    pub write_off: Id<WriteOff>,
}
impl Run for Approve {
    type Output = ();
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        if self.write_off.is_none() {
            return Ok(());
        }
        let asked = cx.get(self.write_off)?.requested_by;
        if cx.who().kind == PrincipalKind::Person && asked.is_some_and(|u| u.raw() == cx.who().user) {
            return Err(Error::refused("inventory.own_request"));
        }
        Ok(())
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut record = cx.target(self.write_off)?;
        record.state = WriteOffState::Approved;
        record.approved_by = Some(cx.who().user).filter(|u| *u != 0).map(Id::new);
        cx.save(&mut record)
    }
}

/// Rejects a write-off.
#[derive(Operation)]
#[operation(name = "inventory.write_off.reject", on = WriteOff, when = [WriteOffState::Requested, WriteOffState::Approved], makes = WriteOffState::Rejected, allow = "manager",
    button = 2, no_inverse = "Ask for it again.")]
pub struct Reject {
    /// The write-off.
    pub write_off: Id<WriteOff>,
}
impl Run for Reject {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut record = cx.target(self.write_off)?;
        record.state = WriteOffState::Rejected;
        cx.save(&mut record)
    }
}

/// Posts an approved write-off: the goods leave the stock, their value is a loss.
#[derive(Operation)]
#[operation(name = "inventory.write_off.post", on = WriteOff, when = [WriteOffState::Approved], makes = WriteOffState::Posted, allow = "stock accounts", button = 1, dangerous,
    no_inverse = "Correct the stock with what was found.")]
pub struct PostWriteOff {
    /// The write-off.
    pub write_off: Id<WriteOff>,
}
impl Run for PostWriteOff {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut record = cx.target(self.write_off)?;
        let lines = cx.lines::<WriteOffLine>(self.write_off)?;
        if lines.is_empty() {
            return Err(Error::refused("inventory.no_lines"));
        }
        let places = places(cx)?;
        let mut total = Money::zero(cx.company().currency);
        take(cx, &lines.iter().map(|line| line.product.into()).collect::<Vec<_>>(), places.stock)?;
        for line in &lines {
            free(cx, line.product, line.quantity)?;
            let new = NewMove {
                product: line.product,
                quantity: line.quantity,
                date: record.date,
                source: Some(self.write_off.into()),
            };
            total = total.plus(issue(cx, &new, places.stock, places.loss, Dec::ZERO)?)?;
        }
        post_value(cx, ("write_off", "stock"), total, record.date, Some(self.write_off.into()), "Write-off")?;
        record.state = WriteOffState::Posted;
        cx.save(&mut record)?;
        // As with receipts: a number of another system stays.
        if record.number.is_none() {
            cx.legal_number_of(self.write_off, "number", "write_off", i64::from(record.date.year()))?;
        }
        cx.link(self.write_off);
        Ok(())
    }
}

/// Refuses where less is free than is to go: promised goods are not written off.
fn free(cx: &mut Cx<'_>, product: Id<Product>, quantity: Dec<6>) -> Result<()> {
    let place = stock_place(cx)?;
    let free = match quant(cx, product, place)? {
        Some(quant) => quant.on_hand.minus(quant.reserved)?,
        None => Dec::ZERO,
    };
    if free >= quantity {
        return Ok(());
    }
    let (name, place) = (cx.get(product)?.name.clone(), cx.get(place)?.name.clone());
    let short = quantity.minus(free)?;
    Err(Error::refused("inventory.not_enough").with("missing", format!("{short} × {name}")).with("place", place).need(
        product.into(),
        short,
        None,
    ))
}
