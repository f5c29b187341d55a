//! Orders that were made in another system: they keep its number, and what it wrote.

use jiff::civil::Date;
use kernel::{Cx, Dec, Error, Id, Result};
use party::Party;
use product::{Product, TaxClass};

use crate::order::{Invoicing, Order, OrderLine, OrderState, totals};

/// An order that was made in another system.
#[derive(Clone, Debug)]
pub struct ExternalOrder {
    /// Its number there: that of its delivery and invoice too.
    pub number: String,
    /// Who ordered.
    pub customer: Id<Party>,
    /// When.
    pub date: Date,
    /// Country as it was written.
    pub country_name: Option<String>,
    /// Lines.
    pub lines: Vec<ExternalLine>,
}

/// A line of an order of another system.
#[derive(Clone, Debug)]
pub struct ExternalLine {
    /// Product.
    pub product: Id<Product>,
    /// Its code as it was written.
    pub code: String,
    /// Text.
    pub description: String,
    /// Quantity.
    pub quantity: Dec<6>,
    /// Price of one, without tax.
    pub price: Dec<6>,
    /// Rate of VAT.
    pub tax_class: TaxClass,
}

/// Writes an order of another system down, complete: its nets are computed as those of any order.
///
/// # Errors
/// `too_precise`; as writing does.
pub fn place(cx: &mut Cx<'_>, new: ExternalOrder) -> Result<Id<Order>> {
    let currency = cx.company().currency;
    let (mut sums, mut ready) = (Vec::with_capacity(new.lines.len()), Vec::with_capacity(new.lines.len()));
    for (i, line) in new.lines.into_iter().enumerate() {
        let percent = finance::tax_percent(cx, line.tax_class, new.date)?;
        let (net, _) = finance::line_net(line.quantity, line.price, None, currency)
            .map_err(|e| Error::field(format!("lines.{i}.price"), e.code.clone()).with("scale", 6_i64))?;
        sums.push((percent, net));
        ready.push((line, percent, net));
    }
    let (net, tax, total) = totals(&sums, currency)?;
    let order = cx.insert(Order {
        number: Some(new.number),
        customer: new.customer,
        date: new.date,
        currency,
        price_list: None,
        invoicing: Invoicing::Delivered,
        quote: None,
        note: None,
        net,
        tax,
        total,
        state: OrderState::Draft,
        external: true,
        country_name: new.country_name,
    })?;
    for (line, tax_percent, net) in ready {
        cx.insert(OrderLine {
            order,
            product: Some(line.product),
            description: Some(line.description),
            quantity: line.quantity,
            price: Some(line.price),
            discount: None,
            tax_class: Some(line.tax_class),
            tax_percent,
            net,
            delivered: Dec::ZERO,
            invoiced: Dec::ZERO,
            code_as_written: Some(line.code),
        })?;
    }
    Ok(order)
}
