//! Invoices and credit notes: the record, its lines, and how nets, taxes and totals follow from them.

use jiff::{ToSpan, civil::Date};
use kernel::{AnyRef, Currency, Cx, Dec, Entity, Error, Id, LineSets, LongText, Money, Result, Rules, choice};
use party::Party;
use product::{Product, TaxClass};

use crate::account::tax_percent;
use crate::entry::Entry;

choice!(
    /// Invoice or credit note.
    InvoiceKind { Invoice = "invoice" => "blue", CreditNote = "credit_note" => "amber" }
);
choice!(
    /// Where an invoice stands. Cancelled is one that credit notes take back as a whole.
    InvoiceState {
        Draft = "draft" => "grey",
        Posted = "posted" => "blue",
        Sent = "sent" => "blue",
        Paid = "paid" => "green",
        Cancelled = "cancelled" => "grey",
    }
);

/// What is charged to a customer, or credited.
#[derive(Entity)]
#[entity(name = "finance.invoice", title = number, status = state, read = "accounts sales manager", write = "accounts", area = "money",
    lines(lines = "finance.invoice_line.invoice"), frozen_when = "state != 'draft'", indexed(source, source_entity), indexed(state, due))]
pub struct Invoice {
    /// Number; drawn from the legal series when it is posted.
    #[field(unique, searchable, by_operation, role = "title")]
    pub number: Option<String>,
    /// Invoice or credit note.
    #[field(by_operation)]
    pub kind: InvoiceKind,
    /// Customer.
    #[field(indexed, tracked)]
    pub party: Id<Party>,
    /// Date of issue.
    #[field(default = "@today", indexed)]
    pub date: Date,
    /// Due date; from the party's terms where empty.
    #[field(role = "due")]
    pub due: Option<Date>,
    /// Date of the taxable supply; the date of issue where empty.
    pub tax_date: Option<Date>,
    /// Currency.
    #[field(default = "@currency", max = 3)]
    pub currency: Currency,
    /// Country of the customer, as it is written on the document.
    #[field(indexed)]
    pub country_name: Option<String>,
    /// Variable symbol: the digits of the number, by which a payment is recognised.
    #[field(indexed, by_operation, max = 20)]
    pub variable_symbol: Option<String>,
    /// Note on the document.
    pub note: Option<LongText>,
    /// Sum of nets.
    #[field(by_operation)]
    pub net: Money,
    /// Tax.
    #[field(by_operation)]
    pub tax: Money,
    /// Total to pay.
    #[field(by_operation, role = "amount")]
    pub total: Money,
    /// Sum of what rounding the lines added.
    #[field(by_operation)]
    pub rounding: Dec<6>,
    /// State.
    #[field(by_operation, tracked, role = "status")]
    pub state: InvoiceState,
    /// The document that it was issued for.
    #[field(by_operation)]
    pub source: Option<AnyRef>,
    /// The invoice that a credit note corrects.
    #[field(by_operation, indexed)]
    pub corrects: Option<Id<Invoice>>,
    /// The journal entry.
    #[field(by_operation)]
    pub entry: Option<Id<Entry>>,
    /// When it left the house.
    #[field(by_operation)]
    pub sent_at: Option<jiff::Timestamp>,
    /// Reminders so far.
    #[field(by_operation)]
    pub reminders: i64,
    /// Last reminder.
    #[field(by_operation)]
    pub reminded: Option<Date>,
    /// Its number comes from another system: the series has no gap rule.
    #[field(by_operation)]
    pub external: bool,
}

/// A line of an invoice.
#[derive(Entity)]
#[entity(name = "finance.invoice_line", plain, title = description, owner = invoice)]
pub struct InvoiceLine {
    /// The invoice.
    pub invoice: Id<Invoice>,
    /// The product.
    #[field(indexed)]
    pub product: Option<Id<Product>>,
    /// Code of the product as it was written on the document.
    #[field(indexed, max = 60)]
    pub code_as_written: Option<String>,
    /// Text.
    pub description: Option<String>,
    /// Quantity; negative on credit notes.
    #[field(default = "1")]
    pub quantity: Dec<6>,
    /// Price of one, without tax.
    pub unit_price: Option<Dec<6>>,
    /// Discount in percent.
    #[field(check = "discount >= 0 and discount <= 100")]
    pub discount: Option<Dec<2>>,
    /// Rate of VAT.
    pub tax_class: Option<TaxClass>,
    /// VAT in percent.
    #[field(by_operation)]
    pub tax_percent: Dec<2>,
    /// Net: quantity × price less the discount, rounded once.
    #[field(by_operation, role = "amount")]
    pub net: Money,
    /// Quantity × price less the discount, unrounded.
    #[field(by_operation)]
    pub net_exact: Dec<6>,
    /// What the account is looked up by; revenue where empty.
    #[field(by_operation, max = 40)]
    pub purpose: Option<String>,
    /// The line that a credit note corrects.
    #[field(by_operation, indexed)]
    pub corrects: Option<Id<InvoiceLine>>,
}

/// Net of a line, rounded once from the exact fraction quantity × price × (1 − discount), and the same unrounded at scale 6
/// (exact without a discount; a discount may have more decimals, of which six are kept).
///
/// # Errors
/// `too_precise` where quantity × price has more than six decimals, `overflow`.
pub fn line_net(
    quantity: Dec<6>,
    price: Dec<6>,
    discount: Option<Dec<2>>,
    currency: Currency,
) -> Result<(Money, Dec<6>)> {
    let exact: Dec<6> = quantity.times_exact(price)?;
    let Some(discount) = discount.filter(|d| !d.is_zero()) else {
        return Ok((Money::round_half_away(exact, currency)?, exact));
    };
    // Scale 6 + 4: percent has two decimals and is a hundredth.
    let wide = i128::from(exact.raw()) * i128::from(10_000 - discount.raw());
    let less = i64::try_from(kernel::round_div(wide, 10_000)).map_err(|_| Error::new(422, "overflow"))?;
    Ok((Money::round_wide(wide, 10, currency)?, Dec::from_raw(less)))
}

/// Tax of a document: once per rate on the summed net (EN 16931, BR-CO-17).
///
/// # Errors
/// `overflow`.
pub fn taxes(lines: &[(Dec<2>, Money)], currency: Currency) -> Result<Vec<(Dec<2>, Money, Money)>> {
    let mut rates: Vec<(Dec<2>, Money)> = Vec::new();
    for (percent, net) in lines {
        match rates.iter_mut().find(|(p, _)| p == percent) {
            Some((_, sum)) => *sum = sum.plus(*net)?,
            None => rates.push((*percent, *net)),
        }
    }
    rates.sort_by_key(|(percent, _)| std::cmp::Reverse(*percent));
    rates.into_iter().map(|(percent, net)| Ok((percent, net, Money { currency, ..net.percent(percent)? }))).collect()
}

impl Rules for Invoice {
    fn check(_old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        let own = cx.company().currency;
        if new.currency == Currency::NONE {
            new.currency = own;
        }
        if new.currency != own {
            return Err(Error::field("currency", "finance.currency").with("currency", new.currency.code()));
        }
        if new.tax_date.is_none() {
            new.tax_date = Some(new.date);
        }
        if !new.party.is_none() && (new.due.is_none() || new.country_name.is_none()) {
            let party = cx.get(new.party)?;
            let days = party.payment_days.unwrap_or(14);
            new.due = new.due.or(new.date.checked_add(days.days()).ok());
            if new.country_name.is_none() {
                new.country_name = party.country.as_ref().map(|c| c.0.clone());
            }
        }
        Ok(())
    }

    fn compute(record: &mut Self, lines: &mut LineSets, cx: &mut Cx<'_>) -> Result<()> {
        let currency = record.currency;
        let date = record.tax_date.unwrap_or(record.date);
        let mut sums = Vec::new();
        let mut rounding = Dec::<6>::ZERO;
        let mut rates: Vec<(TaxClass, Dec<2>)> = Vec::new();
        lines.each::<InvoiceLine>(|_, line| {
            fill(line, currency, cx)?;
            let class = line.tax_class.unwrap_or(TaxClass::Standard);
            line.tax_percent = match rates.iter().find(|(c, _)| *c == class) {
                Some((_, percent)) => *percent,
                None => {
                    let percent = tax_percent(cx, class, date)?;
                    rates.push((class, percent));
                    percent
                }
            };
            let price = line.unit_price.unwrap_or(Dec::ZERO);
            let (net, exact) = line_net(line.quantity, price, line.discount, currency)
                .map_err(|e| Error::field("unit_price", e.code.clone()).with("scale", 6_i64))?;
            (line.net, line.net_exact) = (net, exact);
            rounding = rounding.plus(rounded(net, exact)?)?;
            sums.push((line.tax_percent, net));
            Ok(())
        })?;
        record.rounding = rounding;
        (record.net, record.tax, record.total) = totals_of(&taxes(&sums, currency)?, currency)?;
        Ok(())
    }

    fn numbered(record: &mut Self, field: &str, number: &str) {
        if field == "number" {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            record.variable_symbol = Some(digits.chars().skip(digits.chars().count().saturating_sub(10)).collect());
        }
    }
}

/// What rounding added: net − exact, at scale 6.
pub(crate) fn rounded(net: Money, exact: Dec<6>) -> Result<Dec<6>> {
    let scale = kernel::pow10(6_u8.saturating_sub(net.currency.exponent()));
    let net = net.minor.checked_mul(scale).ok_or_else(|| Error::new(422, "overflow"))?;
    Dec::from_raw(net).minus(exact)
}

/// Net, tax and total of a document from its rates.
pub(crate) fn totals_of(by_rate: &[(Dec<2>, Money, Money)], currency: Currency) -> Result<(Money, Money, Money)> {
    let (mut net, mut tax) = (Money::zero(currency), Money::zero(currency));
    for (_, base, amount) in by_rate {
        net = net.plus(*base)?;
        tax = tax.plus(*amount)?;
    }
    Ok((net, tax, net.plus(tax)?))
}

/// Fills in what the product says.
fn fill(line: &mut InvoiceLine, currency: Currency, cx: &mut Cx<'_>) -> Result<()> {
    let Some(product) = line.product.filter(|p| !p.is_none()) else { return Ok(()) };
    if line.description.is_some() && line.unit_price.is_some() && line.tax_class.is_some() {
        return Ok(());
    }
    let product = cx.get(product)?;
    line.tax_class = line.tax_class.or(Some(product.tax_class));
    if line.description.is_none() {
        line.description = Some(product.name.clone());
    }
    if line.code_as_written.is_none() {
        line.code_as_written = Some(product.code.clone());
    }
    if line.unit_price.is_none() {
        line.unit_price = product.price.filter(|p| p.currency == currency).map(price_of).transpose()?;
    }
    Ok(())
}

/// A price as a decimal of major units.
///
/// # Errors
/// `overflow`.
pub fn price_of(price: Money) -> Result<Dec<6>> {
    let scale = kernel::pow10(6_u8.saturating_sub(price.currency.exponent()));
    price.minor.checked_mul(scale).map(Dec::from_raw).ok_or_else(|| Error::new(422, "overflow"))
}
