//! Deliveries and returns: goods leave the stock and their cost goes to the ledger, in one transaction.

use std::collections::BTreeMap;

use jiff::civil::Date;
use kernel::{
    Action, AnyRef, Arg, Cx, Dec, Entity, Error, Event, Fields, Id, LongText, Money, Operation, Result, Rules, Run,
    Value, choice,
};
use party::Party;
use product::Product;
use serde_json::json;

use crate::reserve::{self, consume, release, settle};
use crate::stock::{
    Move, NewMove, Warehouse, issue, look, places, post_value, quant, receive, stock_place, take, value_of,
};

choice!(
    /// To the customer, or back.
    DeliveryKind { Delivery = "delivery" => "blue", Return = "return" => "amber" }
);
choice!(
    /// Where a delivery stands.
    DeliveryState { Ready = "ready" => "blue", Shipped = "shipped" => "green", Cancelled = "cancelled" => "grey" }
);

/// Goods for a customer, or back from one.
#[derive(Entity)]
#[entity(name = "inventory.delivery", plural = "Deliveries", title = number, status = state, read = "stock sales accounts manager",
    write = "stock", area = "goods", lines(lines = "inventory.delivery_line.delivery"), frozen_when = "state != 'ready'",
    indexed(source, source_entity))]
pub struct Delivery {
    /// Number; drawn when the goods leave.
    #[field(unique, searchable, by_operation, role = "title")]
    pub number: Option<String>,
    /// To the customer, or back.
    #[field(by_operation)]
    pub kind: DeliveryKind,
    /// Customer.
    #[field(indexed)]
    pub party: Id<Party>,
    /// The document that it is for.
    #[field(by_operation)]
    pub source: Option<AnyRef>,
    /// Warehouse.
    pub warehouse: Option<Id<Warehouse>>,
    /// When the goods leave.
    #[field(default = "@today", indexed)]
    pub date: Date,
    /// State.
    #[field(by_operation, tracked, role = "status")]
    pub state: DeliveryState,
    /// The delivery that a return takes back.
    #[field(by_operation, indexed)]
    pub of: Option<Id<Delivery>>,
    /// Note.
    pub note: Option<LongText>,
}
impl Rules for Delivery {}

/// A line of a delivery.
#[derive(Entity)]
#[entity(name = "inventory.delivery_line", title = product, owner = delivery)]
pub struct DeliveryLine {
    /// The delivery.
    pub delivery: Id<Delivery>,
    /// Product.
    pub product: Id<Product>,
    /// How much is to go.
    #[field(check = "quantity > 0")]
    pub quantity: Dec<6>,
    /// How much went.
    #[field(by_operation)]
    pub shipped: Dec<6>,
    /// The line of the order.
    #[field(by_operation)]
    pub source_line: Option<AnyRef>,
}
impl Rules for DeliveryLine {}

/// Goods left for a customer.
#[derive(Event)]
#[event(name = "inventory.delivery.shipped", subject = delivery)]
pub struct DeliveryShipped {
    /// The delivery.
    pub delivery: Id<Delivery>,
    /// The document that it was for.
    pub source: Option<AnyRef>,
    /// The customer.
    pub party: Id<Party>,
}

/// Goods came back from a customer.
#[derive(Event)]
#[event(name = "inventory.delivery.returned", subject = delivery)]
pub struct DeliveryReturned {
    /// The return.
    pub delivery: Id<Delivery>,
    /// The delivery that it takes back.
    pub of: Option<Id<Delivery>>,
    /// The document that it was for.
    pub source: Option<AnyRef>,
    /// The customer.
    pub party: Id<Party>,
}

/// A delivery that a module makes.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Number of another system; else one is drawn when the goods leave.
    pub number: Option<String>,
    /// Customer.
    pub party: Id<Party>,
    /// The document that it is for.
    pub source: Option<AnyRef>,
    /// When.
    pub date: Date,
    /// Product, quantity, line of the document.
    pub lines: Vec<(Id<Product>, Dec<6>, Option<AnyRef>)>,
}

/// Makes a ready delivery.
///
/// # Errors
/// As writing does.
pub fn create_delivery(cx: &mut Cx<'_>, new: NewDelivery) -> Result<Id<Delivery>> {
    create(cx, new, DeliveryKind::Delivery, None)
}

fn create(cx: &mut Cx<'_>, new: NewDelivery, kind: DeliveryKind, of: Option<Id<Delivery>>) -> Result<Id<Delivery>> {
    let warehouse = cx.first::<Warehouse>(&[])?.map(|w| w.id);
    let delivery = cx.insert(Delivery {
        number: new.number,
        kind,
        party: new.party,
        source: new.source,
        warehouse,
        date: new.date,
        state: DeliveryState::Ready,
        of,
        note: None,
    })?;
    let line = |(product, quantity, source_line)| DeliveryLine {
        delivery,
        product,
        quantity,
        shipped: Dec::ZERO,
        source_line,
    };
    cx.insert_all(new.lines.into_iter().map(line).collect())?;
    Ok(delivery)
}

/// Deliveries of a document, in their order.
///
/// # Errors
/// As reading does.
pub fn deliveries_of(cx: &mut Cx<'_>, source: AnyRef) -> Result<Vec<kernel::Rec<Delivery>>> {
    cx.by::<Delivery>(&[("source", Value::Int(source.id)), ("source_entity", Value::from(source.entity))])
}

/// A line to be shipped.
#[derive(Clone, Debug, Fields)]
pub struct ShipLine {
    /// The line.
    pub line: Id<DeliveryLine>,
    /// How much of it goes now.
    pub quantity: Dec<6>,
}

/// Ships a delivery: the goods leave the stock, their cost is posted, the step of the process ends, all at once. Lines and
/// quantities may be given; what is left then becomes a delivery of its own.
#[derive(Operation)]
#[operation(name = "inventory.delivery.ship", on = Delivery, when = [DeliveryState::Ready], makes = DeliveryState::Shipped, allow = "stock", button = 1,
    inverse = "inventory.delivery.return")]
pub struct Ship {
    /// The delivery.
    pub delivery: Id<Delivery>,
    /// Lines and quantities; everything where empty.
    pub lines: Vec<ShipLine>,
}

/// What left.
#[derive(Fields)]
pub struct Shipped {
    /// The delivery.
    pub delivery: Id<Delivery>,
    /// Cost of the goods.
    pub cost: Money,
    /// A delivery of what is left.
    pub rest: Option<Id<Delivery>>,
}

type Wanted = BTreeMap<Id<Product>, Dec<6>>;

fn keys(wanted: &Wanted) -> Vec<Value> {
    wanted.keys().map(|product| (*product).into()).collect()
}

/// What of each product is missing for a document: what is there, less what is promised to others.
fn missing(cx: &mut Cx<'_>, source: AnyRef, wanted: &Wanted) -> Result<Vec<(Id<Product>, Dec<6>)>> {
    let stock = stock_place(cx)?;
    let mut own: Wanted = BTreeMap::new();
    for reservation in reserve::of(cx, source)? {
        let sum = own.entry(reservation.product).or_default();
        *sum = sum.plus(reservation.quantity)?;
    }
    look(cx, &keys(wanted), stock)?;
    let mut short = Vec::new();
    for (product, quantity) in wanted {
        let free = match quant(cx, *product, stock)? {
            Some(quant) => quant.on_hand.minus(quant.reserved)?,
            None => Dec::ZERO,
        };
        let usable = free.plus(own.get(product).copied().unwrap_or_default())?;
        if usable < *quantity {
            short.push((*product, quantity.minus(usable)?));
        }
    }
    Ok(short)
}

fn not_enough(
    cx: &mut Cx<'_>,
    delivery: Id<Delivery>,
    short: &[(Id<Product>, Dec<6>)],
    wanted: &Wanted,
) -> Result<Error> {
    let stock = stock_place(cx)?;
    let place = cx.get(stock)?;
    let mut words = Vec::new();
    let mut error = Error::refused("inventory.not_enough");
    for (product, quantity) in short {
        let record = cx.get(*product)?;
        words.push(format!("{} × {} {}", quantity, record.code, record.name));
        error = error.need((*product).into(), *quantity, Some(place.id.into()));
    }
    let some = wanted.iter().any(|(p, q)| short.iter().find(|(s, _)| s == p).is_none_or(|(_, missing)| missing < q));
    error = error.with("missing", words.join(", ")).with("place", place.name.as_str());
    if some {
        error = error.action("inventory.delivery.ship_part", json!({"delivery": delivery.raw()}));
    }
    Ok(error)
}

fn reservation_source(delivery: &Delivery, id: Id<Delivery>) -> AnyRef {
    delivery.source.unwrap_or(AnyRef::from(id))
}

impl Ship {
    fn wanted(&self, lines: &[kernel::Rec<DeliveryLine>]) -> Result<Vec<(usize, Dec<6>)>> {
        if self.lines.is_empty() {
            return Ok(lines.iter().enumerate().map(|(i, l)| (i, l.quantity)).collect());
        }
        let mut wanted = Vec::new();
        for (k, asked) in self.lines.iter().enumerate() {
            let field = format!("lines.{k}.quantity");
            let at = lines
                .iter()
                .position(|l| l.id == asked.line)
                .ok_or_else(|| Error::field(format!("lines.{k}.line"), "no_record"))?;
            if asked.quantity.is_negative()
                || asked.quantity > lines[at].quantity
                || wanted.iter().any(|(i, _)| *i == at)
            {
                return Err(Error::field(field, "inventory.too_much").with("left", lines[at].quantity));
            }
            if asked.quantity.is_positive() {
                wanted.push((at, asked.quantity));
            }
        }
        Ok(wanted)
    }
}

impl Run for Ship {
    type Output = Shipped;

    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        if self.delivery.is_none() {
            return Ok(());
        }
        let delivery = cx.get(self.delivery)?;
        if delivery.kind == DeliveryKind::Return {
            return Ok(());
        }
        let lines = cx.lines::<DeliveryLine>(self.delivery)?;
        let mut sums: Wanted = BTreeMap::new();
        for (at, quantity) in self.wanted(&lines)? {
            let sum = sums.entry(lines[at].product).or_default();
            *sum = sum.plus(quantity)?;
        }
        if sums.is_empty() {
            return Err(Error::refused("inventory.nothing_to_ship"));
        }
        let short = missing(cx, reservation_source(&delivery, self.delivery), &sums)?;
        if short.is_empty() { Ok(()) } else { Err(not_enough(cx, self.delivery, &short, &sums)?) }
    }

    fn run(self, cx: &mut Cx<'_>) -> Result<Shipped> {
        let mut delivery = cx.target(self.delivery)?;
        let mut lines = cx.lines::<DeliveryLine>(self.delivery)?;
        let wanted = self.wanted(&lines)?;
        let source = reservation_source(&delivery, self.delivery);
        let places = places(cx)?;
        let mut sums: Wanted = BTreeMap::new();
        for (at, quantity) in &wanted {
            let sum = sums.entry(lines[*at].product).or_default();
            *sum = sum.plus(*quantity)?;
        }
        let mut rest = Vec::new();
        for (i, line) in lines.iter_mut().enumerate() {
            let now = wanted.iter().find(|(at, _)| *at == i).map_or(Dec::ZERO, |(_, q)| *q);
            let left = line.quantity.minus(now)?;
            if left.is_positive() {
                rest.push((line.product, left, line.source_line));
                if now.is_zero() {
                    cx.delete(line.id)?;
                    continue;
                }
                line.quantity = now;
            }
            line.shipped = now;
        }
        lines.retain(|line| line.shipped.is_positive());
        cx.save_all(&mut lines)?;
        let mut cost = Money::zero(cx.company().currency);
        let mut promised = reserve::of(cx, source)?;
        take(cx, &keys(&sums), places.stock)?;
        for (product, quantity) in sums {
            let own = consume(cx, &mut promised, places.stock, product, quantity)?;
            let new = NewMove { product, quantity, date: delivery.date, source: Some(self.delivery.into()) };
            cost = cost.plus(issue(cx, &new, places.stock, places.customer, own)?)?;
        }
        settle(cx, promised)?;
        post_value(cx, ("cost_of_goods", "stock"), cost, delivery.date, Some(self.delivery.into()), "Delivery")?;
        delivery.state = DeliveryState::Shipped;
        cx.save(&mut delivery)?;
        if delivery.number.is_none() {
            cx.legal_number_of(self.delivery, "number", "delivery", i64::from(delivery.date.year()))?;
        }
        let rest = if rest.is_empty() {
            None
        } else {
            let new = NewDelivery {
                number: None,
                party: delivery.party,
                source: delivery.source,
                date: delivery.date,
                lines: rest,
            };
            Some(create_delivery(cx, new)?)
        };
        cx.emit(DeliveryShipped { delivery: self.delivery, source: delivery.source, party: delivery.party })?;
        cx.link(self.delivery);
        if let Some(rest) = rest {
            cx.link(rest);
            cx.note("inventory.delivery.rest", vec![]);
        }
        Ok(Shipped { delivery: self.delivery, cost, rest })
    }

    fn prefill(target: i64, _: &mut Cx<'_>) -> Result<Option<Self>> {
        Ok(Some(Self { delivery: Id::new(target), lines: Vec::new() }))
    }
}

/// Ships what is there; the rest becomes a ready delivery of its own.
#[derive(Operation)]
#[operation(name = "inventory.delivery.ship_part", on = Delivery, when = [DeliveryState::Ready], allow = "stock", button = 2,
    inverse = "inventory.delivery.return")]
pub struct ShipPart {
    /// The delivery.
    pub delivery: Id<Delivery>,
}

impl Run for ShipPart {
    type Output = Shipped;
    fn run(self, cx: &mut Cx<'_>) -> Result<Shipped> {
        let delivery = cx.target(self.delivery)?;
        let lines = cx.lines::<DeliveryLine>(self.delivery)?;
        let source = reservation_source(&delivery, self.delivery);
        let mut usable: Wanted = BTreeMap::new();
        for line in &lines {
            let sum = usable.entry(line.product).or_default();
            *sum = sum.plus(line.quantity)?;
        }
        for (product, short) in missing(cx, source, &usable.clone())? {
            if let Some(sum) = usable.get_mut(&product) {
                *sum = sum.minus(short)?;
            }
        }
        let mut parts = Vec::new();
        for line in &lines {
            let left = usable.entry(line.product).or_default();
            let take = line.quantity.min(*left);
            *left = left.minus(take)?;
            if take.is_positive() {
                parts.push(ShipLine { line: line.id, quantity: take });
            }
        }
        if parts.is_empty() {
            return Err(Error::refused("inventory.nothing_there"));
        }
        cx.call(Ship { delivery: self.delivery, lines: parts })
    }
}

/// Cancels a delivery that has not left; promised goods are free again.
#[derive(Operation)]
#[operation(name = "inventory.delivery.cancel", on = Delivery, when = [DeliveryState::Ready], makes = DeliveryState::Cancelled, allow = "stock sales", button = 2, dangerous,
    no_inverse = "The order makes a new delivery.")]
pub struct CancelDelivery {
    /// The delivery.
    pub delivery: Id<Delivery>,
}

impl Run for CancelDelivery {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut delivery = cx.target(self.delivery)?;
        release(cx, reservation_source(&delivery, self.delivery))?;
        delivery.state = DeliveryState::Cancelled;
        cx.save(&mut delivery)
    }
}

/// Takes goods of a delivery back into the stock, at the value at which they left.
#[derive(Operation)]
#[operation(name = "inventory.delivery.return", on = Delivery, when = [DeliveryState::Shipped], allow = "stock", button = 2, dangerous,
    no_inverse = "Ship the goods again.")]
pub struct Return {
    /// The delivery.
    pub delivery: Id<Delivery>,
    /// Lines and quantities; everything that is not back yet where empty.
    pub lines: Vec<ShipLine>,
    /// When; today where empty.
    pub date: Option<Date>,
}

/// The return.
#[derive(Fields)]
pub struct Returned {
    /// The return.
    pub delivery: Id<Delivery>,
    /// Value of the goods.
    pub value: Money,
}

impl Run for Return {
    type Output = Returned;
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        if self.delivery.is_none() || cx.get(self.delivery)?.kind == DeliveryKind::Delivery {
            return Ok(());
        }
        Err(Error::refused("inventory.return_of_return"))
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<Returned> {
        let delivery = cx.target(self.delivery)?;
        let mut back: BTreeMap<AnyRef, Dec<6>> = BTreeMap::new();
        for earlier in cx.by::<Delivery>(&[("of", self.delivery.into())])? {
            for line in cx.lines::<DeliveryLine>(earlier.id)? {
                if let Some(source) = line.source_line {
                    let sum = back.entry(source).or_default();
                    *sum = sum.plus(line.shipped)?;
                }
            }
        }
        let mut lines = Vec::new();
        for line in cx.lines::<DeliveryLine>(self.delivery)? {
            // A return's line names the delivery's line; the order's line is found through it.
            let left = line.shipped.minus(back.get(&line.id.into()).copied().unwrap_or_default())?;
            let wanted = match self.lines.iter().find(|l| l.line == line.id) {
                Some(asked) => asked.quantity,
                None if self.lines.is_empty() => left,
                None => continue,
            };
            if wanted > left || wanted.is_negative() {
                return Err(Error::refused("inventory.too_much").with("left", left));
            }
            if wanted.is_positive() {
                lines.push((line.product, wanted, Some(AnyRef::from(line.id))));
            }
        }
        if lines.is_empty() {
            return Err(Error::refused("inventory.nothing_to_return"));
        }
        let date = self.date.unwrap_or(cx.today());
        take_back(cx, Some(self.delivery), delivery.party, delivery.source, date, lines)
    }
}

/// Takes goods back. They are valued as they left where the delivery is known; else at the present average; else they are
/// worth nothing, so that a later receipt sets the cost.
pub(crate) fn take_back(
    cx: &mut Cx<'_>,
    of: Option<Id<Delivery>>,
    party: Id<Party>,
    source: Option<AnyRef>,
    date: Date,
    lines: Vec<(Id<Product>, Dec<6>, Option<AnyRef>)>,
) -> Result<Returned> {
    let places = places(cx)?;
    let new = NewDelivery { number: None, party, source, date, lines: lines.clone() };
    let back = create(cx, new, DeliveryKind::Return, of)?;
    let mut total = Money::zero(cx.company().currency);
    take(cx, &lines.iter().map(|(product, _, _)| (*product).into()).collect::<Vec<_>>(), places.stock)?;
    for (product, quantity, _) in &lines {
        let left_at = match of {
            Some(of) => value_at_issue(cx, of, *product, *quantity)?,
            None => None,
        };
        let value = match left_at {
            Some(value) => value,
            None => value_of(cx, *product, *quantity)?,
        };
        total = total.plus(value)?;
        let new = NewMove { product: *product, quantity: *quantity, date, source: Some(back.into()) };
        receive(cx, &new, places.customer, places.stock, value)?;
    }
    post_value(cx, ("stock", "cost_of_goods"), total, date, Some(back.into()), "Return")?;
    for mut line in cx.lines::<DeliveryLine>(back)? {
        line.shipped = line.quantity;
        cx.save(&mut line)?;
    }
    let mut record = cx.get(back)?;
    record.state = DeliveryState::Shipped;
    cx.save(&mut record)?;
    cx.legal_number_of(back, "number", "return", i64::from(date.year()))?;
    cx.emit(DeliveryReturned { delivery: back, of, source, party })?;
    cx.link(back);
    Ok(Returned { delivery: back, value: total })
}

/// Goods that come back from a customer without a delivery that we know.
///
/// # Errors
/// As [`Return`].
pub fn return_unknown(
    cx: &mut Cx<'_>,
    party: Id<Party>,
    source: Option<AnyRef>,
    date: Date,
    lines: Vec<(Id<Product>, Dec<6>)>,
) -> Result<Id<Delivery>> {
    let lines = lines.into_iter().map(|(p, q)| (p, q, None)).collect();
    Ok(take_back(cx, None, party, source, date, lines)?.delivery)
}

fn value_at_issue(
    cx: &mut Cx<'_>,
    delivery: Id<Delivery>,
    product: Id<Product>,
    quantity: Dec<6>,
) -> Result<Option<Money>> {
    let moves = cx.by::<Move>(&[
        ("source", delivery.into()),
        ("source_entity", Value::from(Delivery::NAME)),
        ("product", product.into()),
    ])?;
    let (mut value, mut moved) = (Money::zero(cx.company().currency), Dec::<6>::ZERO);
    for one in &moves {
        value = value.plus(one.value)?;
        moved = moved.plus(one.quantity)?;
    }
    if moved.is_zero() { Ok(None) } else { value.share(quantity.raw(), moved.raw()).map(Some) }
}

/// What would help a shipment for which something is missing: receive it.
pub(crate) fn offer_receipt(error: &Error, _: &mut Cx<'_>) -> Result<Vec<Action>> {
    let mut actions = Vec::new();
    for need in &error.needs {
        let input = json!({"product": need.what.id, "quantity": need.quantity.to_string()});
        actions.push(Action {
            operation: "inventory.receipt.quick".to_owned(),
            label: Some("inventory.receipt.quick.offer".to_owned()),
            args: vec![("quantity", Arg::from(need.quantity))],
            input,
        });
    }
    Ok(actions)
}
