//! Orders: what a customer wants, from the draft to the last delivery and invoice.

use finance::{Invoice, InvoiceKind, NewInvoice, NewLine};
use inventory::{
    CancelDelivery, Delivery, DeliveryKind, DeliveryLine, DeliveryReturned, DeliveryShipped, DeliveryState, NewDelivery,
};
use jiff::civil::Date;
use kernel::{
    AnyRef, Currency, Cx, Dec, Entity, Error, Event, Fields, Filter, Id, LineSets, LongText, Money, Operation, Result,
    Rules, Run, choice,
};
use party::Party;
use product::{Product, ProductKind, TaxClass};

use crate::price::{PriceList, price_of};
use crate::quote::Quote;

choice!(
    /// What is charged: what was delivered, or what was ordered.
    Invoicing { Delivered = "delivered", Ordered = "ordered" }
);
choice!(
    /// Where an order stands.
    OrderState {
        Draft = "draft" => "grey",
        Confirmed = "confirmed" => "blue",
        Done = "done" => "green",
        Cancelled = "cancelled" => "red",
    }
);

/// What a customer ordered.
#[derive(Entity)]
#[entity(name = "sales.order", title = number, status = state, read = "sales stock accounts manager", write = "sales", area = "sales",
    lines(lines = "sales.order_line.order"), frozen_when = "state != 'draft'")]
pub struct Order {
    /// Number; drawn at confirmation.
    #[field(unique, searchable, by_operation, role = "title")]
    pub number: Option<String>,
    /// Who ordered.
    #[field(indexed, tracked)]
    pub customer: Id<Party>,
    /// When.
    #[field(default = "@today", indexed)]
    pub date: Date,
    /// Currency.
    #[field(default = "@currency", max = 3)]
    pub currency: Currency,
    /// Price list.
    pub price_list: Option<Id<PriceList>>,
    /// What is charged.
    #[field(default = "delivered")]
    pub invoicing: Invoicing,
    /// The quote that was accepted.
    #[field(by_operation)]
    pub quote: Option<Id<Quote>>,
    /// Note.
    pub note: Option<LongText>,
    /// Sum of nets.
    #[field(by_operation)]
    pub net: Money,
    /// Tax.
    #[field(by_operation)]
    pub tax: Money,
    /// Total.
    #[field(by_operation, role = "amount")]
    pub total: Money,
    /// State.
    #[field(by_operation, tracked, role = "status")]
    pub state: OrderState,
    /// Its number, and those of its delivery and invoice, come from another system: no series draws them.
    #[field(by_operation)]
    pub external: bool,
    /// Country of the customer as another system wrote it; its invoice carries it.
    #[field(by_operation)]
    pub country_name: Option<String>,
}

/// A line of an order.
#[derive(Entity)]
#[entity(name = "sales.order_line", plain, title = description, owner = order)]
pub struct OrderLine {
    /// The order.
    pub order: Id<Order>,
    /// Product.
    #[field(indexed)]
    pub product: Option<Id<Product>>,
    /// Text.
    pub description: Option<String>,
    /// Quantity.
    #[field(default = "1", check = "quantity > 0")]
    pub quantity: Dec<6>,
    /// Price of one, without tax; from the price list where empty.
    pub price: Option<Dec<6>>,
    /// Discount in percent.
    #[field(check = "discount >= 0 and discount <= 100")]
    pub discount: Option<Dec<2>>,
    /// Rate of VAT.
    pub tax_class: Option<TaxClass>,
    /// VAT in percent.
    #[field(by_operation)]
    pub tax_percent: Dec<2>,
    /// Net.
    #[field(by_operation, role = "amount")]
    pub net: Money,
    /// How much was delivered.
    #[field(by_operation)]
    pub delivered: Dec<6>,
    /// How much was invoiced.
    #[field(by_operation)]
    pub invoiced: Dec<6>,
    /// Code of the product as another system wrote it.
    #[field(by_operation, max = 60)]
    pub code_as_written: Option<String>,
}

/// Whether a line is of goods.
fn is_goods(cx: &mut Cx<'_>, line: &OrderLine) -> Result<bool> {
    line.product.map_or(Ok(false), |product| Ok(cx.get(product)?.kind == ProductKind::Goods))
}

/// What a priced line needs to be computed; orders and quotes share it.
pub(crate) struct Priced<'l> {
    pub product: Option<Id<Product>>,
    pub description: &'l mut Option<String>,
    pub quantity: Dec<6>,
    pub price: &'l mut Option<Dec<6>>,
    pub discount: Option<Dec<2>>,
    pub tax_class: &'l mut Option<TaxClass>,
    pub tax_percent: &'l mut Dec<2>,
    pub net: &'l mut Money,
}

/// Fills a line in from product and price list and computes its net.
pub(crate) fn compute_line(
    cx: &mut Cx<'_>,
    line: Priced<'_>,
    list: Option<Id<PriceList>>,
    (date, currency): (Date, Currency),
) -> Result<(Dec<2>, Money)> {
    if let Some(id) = line.product.filter(|p| !p.is_none()) {
        let product = cx.get(id)?;
        if line.description.is_none() {
            *line.description = Some(product.name.clone());
        }
        *line.tax_class = line.tax_class.or(Some(product.tax_class));
        if line.price.is_none() {
            *line.price = price_of(cx, list, &product, id, line.quantity, (date, currency))?;
        }
    }
    *line.tax_percent = finance::tax_percent(cx, line.tax_class.unwrap_or(TaxClass::Standard), date)?;
    let price = line.price.unwrap_or(Dec::ZERO);
    let (net, _) = finance::line_net(line.quantity, price, line.discount, currency)
        .map_err(|e| Error::field("price", e.code.clone()).with("scale", 6_i64))?;
    *line.net = net;
    Ok((*line.tax_percent, net))
}

/// Net, tax and total of lines.
pub(crate) fn totals(sums: &[(Dec<2>, Money)], currency: Currency) -> Result<(Money, Money, Money)> {
    let (mut net, mut tax) = (Money::zero(currency), Money::zero(currency));
    for (_, base, amount) in finance::taxes(sums, currency)? {
        net = net.plus(base)?;
        tax = tax.plus(amount)?;
    }
    Ok((net, tax, net.plus(tax)?))
}

impl Rules for Order {
    fn check(_old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        let own = cx.company().currency;
        if new.currency == Currency::NONE {
            new.currency = own;
        }
        if new.currency == own {
            Ok(())
        } else {
            Err(Error::field("currency", "finance.currency").with("currency", new.currency.code()))
        }
    }
    fn compute(record: &mut Self, lines: &mut LineSets, cx: &mut Cx<'_>) -> Result<()> {
        let (date, currency, list) = (record.date, record.currency, record.price_list);
        let mut sums = Vec::new();
        lines.each::<OrderLine>(|_, line| {
            let priced = Priced {
                product: line.product,
                description: &mut line.description,
                quantity: line.quantity,
                price: &mut line.price,
                discount: line.discount,
                tax_class: &mut line.tax_class,
                tax_percent: &mut line.tax_percent,
                net: &mut line.net,
            };
            sums.push(compute_line(cx, priced, list, (date, currency))?);
            Ok(())
        })?;
        (record.net, record.tax, record.total) = totals(&sums, currency)?;
        Ok(())
    }
}

/// An order was confirmed.
#[derive(Event)]
#[event(name = "sales.order.confirmed", subject = order)]
pub struct OrderConfirmed {
    /// The order.
    pub order: Id<Order>,
    /// The customer.
    pub customer: Id<Party>,
    /// The delivery, where there are goods.
    pub delivery: Option<Id<Delivery>>,
}

/// An order was cancelled.
#[derive(Event)]
#[event(name = "sales.order.cancelled", subject = order)]
pub struct OrderCancelled {
    /// The order.
    pub order: Id<Order>,
}

/// Everything of an order is delivered and invoiced.
#[derive(Event)]
#[event(name = "sales.order.done", subject = order)]
pub struct OrderDone {
    /// The order.
    pub order: Id<Order>,
}

/// Confirms an order: it gets its number, goods are reserved, a delivery is made ready, and the process starts.
#[derive(Operation)]
#[operation(name = "sales.order.confirm", on = Order, when = [OrderState::Draft], makes = OrderState::Confirmed, allow = "sales", button = 1,
    inverse = "sales.order.cancel")]
pub struct Confirm {
    /// The order.
    pub order: Id<Order>,
}

/// What was reserved.
#[derive(Fields)]
pub struct Confirmed {
    /// The delivery, where there are goods.
    pub delivery: Option<Id<Delivery>>,
    /// Some goods are missing.
    pub missing: bool,
}

impl Run for Confirm {
    type Output = Confirmed;

    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        if self.order.is_none() {
            return Ok(());
        }
        let order = cx.get(self.order)?;
        let Some(limit) = cx.get(order.customer)?.credit_limit else { return Ok(()) };
        let mut owed = finance::owed(cx, order.customer)?.plus(order.total)?;
        for other in cx.by::<Order>(&[("customer", order.customer.into()), ("state", OrderState::Confirmed.into())])? {
            owed = owed.plus(other.total)?;
            let invoiced = cx.conn().int(
                "SELECT COALESCE(SUM(total), 0) FROM finance_invoice WHERE source = ? AND source_entity = 'sales.order' AND state <> 'draft'",
                &[other.id.into()],
            )?;
            owed = owed.minus(Money::new(invoiced.unwrap_or(0), owed.currency))?;
        }
        if owed.currency == limit.currency && owed.minor > limit.minor {
            return Err(Error::refused("sales.credit_limit").with("owed", owed).with("limit", limit));
        }
        Ok(())
    }

    fn run(self, cx: &mut Cx<'_>) -> Result<Confirmed> {
        let mut order = cx.target(self.order)?;
        party::living(cx, order.customer)?;
        let lines = cx.lines::<OrderLine>(self.order)?;
        if lines.is_empty() {
            return Err(Error::refused("sales.no_lines"));
        }
        let mut goods = Vec::new();
        for (i, line) in lines.iter().enumerate() {
            if line.price.is_none() {
                return Err(Error::field(format!("lines.{i}.price"), "required"));
            }
            if let Some(product) = line.product
                && is_goods(cx, line)?
            {
                goods.push((product, line.quantity, Some(AnyRef::from(line.id))));
            }
        }
        let (mut delivery, mut missing) = (None, false);
        if !goods.is_empty() {
            let source = AnyRef::from(self.order);
            let wanted = goods
                .iter()
                .map(|(product, quantity, _)| inventory::ReserveLine { product: *product, quantity: *quantity })
                .collect();
            missing = cx.call(inventory::Reserve { source, lines: wanted })?.missing;
            let number = order.number.clone().filter(|_| order.external);
            let date = cx.today().max(order.date);
            let new = NewDelivery { number, party: order.customer, source: Some(source), date, lines: goods };
            delivery = Some(inventory::create_delivery(cx, new)?);
        }
        order.state = OrderState::Confirmed;
        cx.save(&mut order)?;
        if !order.external {
            cx.legal_number_of(self.order, "number", "order", i64::from(order.date.year()))?;
        }
        cx.emit(OrderConfirmed { order: self.order, customer: order.customer, delivery })?;
        cx.link(self.order);
        if let Some(delivery) = delivery {
            cx.link(delivery);
        }
        if missing {
            cx.note("sales.order.goods_missing", vec![]);
        }
        Ok(Confirmed { delivery, missing })
    }
}

/// Cancels an order of which nothing was shipped or invoiced: promised goods are free, deliveries and the process end.
#[derive(Operation)]
#[operation(name = "sales.order.cancel", on = Order, when = [OrderState::Draft, OrderState::Confirmed], makes = OrderState::Cancelled, allow = "sales", button = 2, dangerous,
    no_inverse = "Copy the order.")]
pub struct Cancel {
    /// The order.
    pub order: Id<Order>,
}

impl Run for Cancel {
    type Output = ();
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        if self.order.is_none() {
            return Ok(());
        }
        let begun = cx.lines::<OrderLine>(self.order)?.iter().any(|l| !l.delivered.is_zero() || !l.invoiced.is_zero());
        if begun { Err(Error::refused("sales.begun")) } else { Ok(()) }
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut order = cx.target(self.order)?;
        for delivery in inventory::deliveries_of(cx, self.order.into())? {
            if delivery.state == DeliveryState::Ready {
                cx.call(CancelDelivery { delivery: delivery.id })?;
            }
        }
        inventory::release(cx, self.order.into())?;
        order.state = OrderState::Cancelled;
        cx.save(&mut order)?;
        cx.emit(OrderCancelled { order: self.order })
    }
}

/// How much of a line may be invoiced now: what was delivered (services: what was ordered), less what was invoiced.
fn to_invoice(cx: &mut Cx<'_>, order: &Order, line: &OrderLine) -> Result<Dec<6>> {
    let goods = is_goods(cx, line)?;
    let basis = if goods && order.invoicing == Invoicing::Delivered { line.delivered } else { line.quantity };
    basis.minus(line.invoiced)
}

/// Issues the invoice of what may be invoiced now.
#[derive(Operation)]
#[operation(name = "sales.order.invoice", on = Order, when = [OrderState::Confirmed], allow = "accounts sales", button = 1,
    inverse = "finance.invoice.credit")]
pub struct IssueInvoice {
    /// The order.
    pub order: Id<Order>,
    /// Date of issue; today where empty.
    pub date: Option<Date>,
}

/// The invoice.
#[derive(Fields)]
pub struct Invoiced {
    /// The invoice; none where nothing was to be invoiced.
    pub invoice: Option<Id<Invoice>>,
}

impl Run for IssueInvoice {
    type Output = Invoiced;
    fn run(self, cx: &mut Cx<'_>) -> Result<Invoiced> {
        let order = cx.target(self.order)?;
        let (mut lines, mut first) = (Vec::new(), true);
        let mut ordered = cx.lines::<OrderLine>(self.order)?;
        for line in &mut ordered {
            first &= line.invoiced.is_zero();
            let quantity = to_invoice(cx, &order, line)?;
            if !quantity.is_positive() {
                continue;
            }
            let code = match (&line.code_as_written, line.product) {
                (Some(code), _) => Some(code.clone()),
                (None, Some(product)) => Some(cx.get(product)?.code.clone()),
                (None, None) => None,
            };
            lines.push(NewLine {
                product: line.product,
                code_as_written: code,
                description: line.description.clone(),
                quantity,
                unit_price: line.price.unwrap_or(Dec::ZERO),
                discount: line.discount,
                tax_class: line.tax_class.unwrap_or(TaxClass::Standard),
                purpose: None,
                corrects: None,
            });
            line.invoiced = line.invoiced.plus(quantity)?;
        }
        cx.save_all(&mut ordered)?;
        if lines.is_empty() {
            return Err(Error::refused("sales.nothing_to_invoice"));
        }
        let date = self.date.unwrap_or(cx.today());
        let invoice = finance::issue(
            cx,
            NewInvoice {
                kind: InvoiceKind::Invoice,
                party: order.customer,
                date,
                due: None,
                country_name: order.country_name.clone(),
                source: Some(self.order.into()),
                corrects: None,
                // A further invoice of the same order needs a number of its own.
                external: order.number.clone().filter(|_| order.external && first),
                note: None,
                lines,
            },
        )?;
        close_if_done(cx, self.order)?;
        Ok(Invoiced { invoice: Some(invoice) })
    }
}

/// What of an order is still open.
#[derive(Operation)]
#[operation(name = "sales.order.progress", on = Order, allow = "sales stock accounts manager", read)]
pub struct Progress {
    /// The order.
    pub order: Id<Order>,
}

/// What is still open.
#[derive(Fields)]
pub struct OrderProgress {
    /// Goods are still to be delivered.
    pub open: bool,
    /// The next delivery that is ready.
    pub delivery: Option<Id<Delivery>>,
    /// Something may be invoiced.
    pub to_invoice: bool,
}

impl Run for Progress {
    type Output = OrderProgress;
    fn run(self, cx: &mut Cx<'_>) -> Result<OrderProgress> {
        let order = cx.target(self.order)?;
        let deliveries = inventory::deliveries_of(cx, self.order.into())?;
        let ready = deliveries.iter().find(|d| d.state == DeliveryState::Ready && d.kind == DeliveryKind::Delivery);
        let delivery = ready.map(|d| d.id);
        let mut invoicable = false;
        for line in cx.lines::<OrderLine>(self.order)? {
            invoicable |= to_invoice(cx, &order, &line)?.is_positive();
        }
        Ok(OrderProgress { open: delivery.is_some(), delivery, to_invoice: invoicable })
    }
}

/// An order of which everything is delivered and invoiced is done.
fn close_if_done(cx: &mut Cx<'_>, order: Id<Order>) -> Result<()> {
    let mut record = cx.get(order)?;
    if record.state != OrderState::Confirmed {
        return Ok(());
    }
    let lines = cx.lines::<OrderLine>(order)?;
    if lines.iter().any(|l| l.invoiced < l.quantity) {
        return Ok(());
    }
    for line in lines.iter().filter(|l| l.delivered < l.quantity) {
        if is_goods(cx, line)? {
            return Ok(());
        }
    }
    record.state = OrderState::Done;
    cx.save(&mut record)?;
    cx.emit(OrderDone { order })
}

/// Goods left: the order's lines count them.
pub(crate) fn count_delivered(event: &DeliveryShipped, cx: &mut Cx<'_>) -> Result<()> {
    let Some(order) = event.source.and_then(AnyRef::to::<Order>) else { return Ok(()) };
    let mut ordered = cx.lines::<OrderLine>(order)?;
    for line in cx.lines::<DeliveryLine>(event.delivery)? {
        let Some(id) = line.source_line.and_then(AnyRef::to::<OrderLine>) else { continue };
        if let Some(record) = ordered.iter_mut().find(|l| l.id == id) {
            record.delivered = record.delivered.plus(line.shipped)?;
        }
    }
    cx.save_all(&mut ordered)?;
    close_if_done(cx, order)
}

/// Goods came back: the order's lines count them.
pub(crate) fn count_returned(event: &DeliveryReturned, cx: &mut Cx<'_>) -> Result<()> {
    if event.source.and_then(AnyRef::to::<Order>).is_none() {
        return Ok(());
    }
    for line in cx.lines::<DeliveryLine>(event.delivery)? {
        // A return's line names the delivery's line, which names the order's.
        let Some(sent) = line.source_line.and_then(AnyRef::to::<DeliveryLine>) else { continue };
        if let Some(id) = cx.get(sent)?.source_line.and_then(AnyRef::to::<OrderLine>) {
            let mut record = cx.get(id)?;
            record.delivered = record.delivered.minus(line.shipped)?;
            cx.save(&mut record)?;
        }
    }
    Ok(())
}

/// Orders of a customer that are not done.
pub fn open_orders(customer: Id<Party>) -> Filter {
    Filter::eq("customer", customer).and(Filter::within("state", [OrderState::Draft, OrderState::Confirmed]))
}
