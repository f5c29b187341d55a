//! Quotes: what is offered to a customer, until when, and the order that comes of it.

use jiff::civil::Date;
use kernel::{
    AnyRef, Currency, Cx, Dec, Entity, Error, Event, Fields, Id, Letter, LineSets, LongText, Money, Operation, Result,
    Rules, Run, Value, choice,
};
use party::Party;
use product::{Product, TaxClass};
use serde_json::json;

use crate::order::{Invoicing, Order, OrderLine, OrderState, Priced, compute_line, totals};
use crate::price::PriceList;

choice!(
    /// Where a quote stands.
    QuoteState {
        Draft = "draft" => "grey",
        Sent = "sent" => "blue",
        Accepted = "accepted" => "green",
        Rejected = "rejected" => "red",
    }
);

/// What is offered to a customer.
#[derive(Entity)]
#[entity(name = "sales.quote", title = number, status = state, read = "sales manager", write = "sales", area = "sales",
    lines(lines = "sales.quote_line.quote"), frozen_when = "state != 'draft'")]
pub struct Quote {
    /// Number; drawn when it is sent.
    #[field(unique, searchable, by_operation)]
    pub number: Option<String>,
    /// Customer.
    #[field(indexed)]
    pub party: Id<Party>,
    /// When.
    #[field(default = "@today")]
    pub date: Date,
    /// Until when the offer holds.
    #[field(role = "due")]
    pub valid_until: Option<Date>,
    /// Currency.
    #[field(default = "@currency", max = 3)]
    pub currency: Currency,
    /// Price list.
    pub price_list: Option<Id<PriceList>>,
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
    pub state: QuoteState,
    /// What it was made for (a deal).
    #[field(by_operation)]
    pub deal: Option<AnyRef>,
}

/// A line of a quote.
#[derive(Entity)]
#[entity(name = "sales.quote_line", plain, title = description, owner = quote)]
pub struct QuoteLine {
    /// The quote.
    pub quote: Id<Quote>,
    /// Product.
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
}

impl Rules for Quote {
    fn check(_old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if new.currency == Currency::NONE {
            new.currency = cx.company().currency;
        }
        Ok(())
    }
    fn compute(record: &mut Self, lines: &mut LineSets, cx: &mut Cx<'_>) -> Result<()> {
        let (date, currency, list) = (record.date, record.currency, record.price_list);
        let mut sums = Vec::new();
        lines.each::<QuoteLine>(|_, line| {
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

/// A quote was accepted.
#[derive(Event)]
#[event(name = "sales.quote.accepted", subject = quote)]
pub struct QuoteAccepted {
    /// The quote.
    pub quote: Id<Quote>,
    /// The order that came of it.
    pub order: Id<Order>,
    /// What the quote was made for.
    pub deal: Option<AnyRef>,
}

/// Sends a quote to the customer.
#[derive(Operation)]
#[operation(name = "sales.quote.send", on = Quote, when = [QuoteState::Draft], makes = QuoteState::Sent, allow = "sales", button = 1,
    no_inverse = "A letter that left cannot be called back.")]
pub struct SendQuote {
    /// The quote.
    pub quote: Id<Quote>,
}

impl Run for SendQuote {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut quote = cx.target(self.quote)?;
        if cx.lines::<QuoteLine>(self.quote)?.is_empty() {
            return Err(Error::refused("sales.no_lines"));
        }
        if let Some(email) = cx.get(quote.party)?.email.clone() {
            let language = documents::language(cx, quote.party)?;
            let args = vec![
                ("company", cx.company().name.as_str().into()),
                ("total", documents::amount(language, quote.total).into()),
            ];
            let schema = cx.schema().clone();
            cx.send(Letter {
                to: email.0,
                subject: schema.message(language, "letter.quote.subject", &args),
                body: schema.message(language, "letter.quote.body", &args),
                attachments: vec![("sales.quote.pdf".to_owned(), json!({"quote": self.quote.raw()}))],
                source: Some(self.quote.into()),
            })?;
        }
        quote.state = QuoteState::Sent;
        cx.save(&mut quote)?;
        cx.legal_number_of(self.quote, "number", "quote", i64::from(quote.date.year()))?;
        cx.link(self.quote);
        Ok(())
    }
}

/// The customer accepts: the quote becomes an order without retyping.
#[derive(Operation)]
#[operation(name = "sales.quote.accept", on = Quote, when = [QuoteState::Draft, QuoteState::Sent], makes = QuoteState::Accepted, allow = "sales", button = 1,
    inverse = "sales.order.cancel")]
pub struct Accept {
    /// The quote.
    pub quote: Id<Quote>,
}

/// The order.
#[derive(Fields)]
pub struct Accepted {
    /// The order.
    pub order: Id<Order>,
}

impl Run for Accept {
    type Output = Accepted;
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        if self.quote.is_none() {
            return Ok(());
        }
        let until = cx.get(self.quote)?.valid_until;
        match until.filter(|until| *until < cx.today()) {
            Some(until) => Err(Error::refused("sales.quote_expired").with("date", until)),
            None => Ok(()),
        }
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<Accepted> {
        let mut quote = cx.target(self.quote)?;
        let lines = cx.lines::<QuoteLine>(self.quote)?;
        if lines.is_empty() {
            return Err(Error::refused("sales.no_lines"));
        }
        let date = cx.today();
        let order = cx.insert(Order {
            number: None,
            customer: quote.party,
            date,
            currency: quote.currency,
            price_list: quote.price_list,
            invoicing: Invoicing::Delivered,
            quote: Some(self.quote),
            note: quote.note.clone(),
            net: quote.net,
            tax: quote.tax,
            total: quote.total,
            state: OrderState::Draft,
            external: false,
            country_name: None,
        })?;
        for line in lines {
            cx.insert(OrderLine {
                order,
                product: line.product,
                description: line.description.clone(),
                quantity: line.quantity,
                price: line.price,
                discount: line.discount,
                tax_class: line.tax_class,
                tax_percent: line.tax_percent,
                net: line.net,
                delivered: Dec::ZERO,
                invoiced: Dec::ZERO,
                code_as_written: None,
            })?;
        }
        // Rates of VAT are those of the order's day.
        cx.recompute(order)?;
        quote.state = QuoteState::Accepted;
        cx.save(&mut quote)?;
        cx.emit(QuoteAccepted { quote: self.quote, order, deal: quote.deal })?;
        cx.link(order);
        Ok(Accepted { order })
    }
}

/// The customer says no.
#[derive(Operation)]
#[operation(name = "sales.quote.reject", on = Quote, when = [QuoteState::Draft, QuoteState::Sent], makes = QuoteState::Rejected, allow = "sales", button = 2,
    no_inverse = "Make a new quote.")]
pub struct RejectQuote {
    /// The quote.
    pub quote: Id<Quote>,
}

impl Run for RejectQuote {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut quote = cx.target(self.quote)?;
        quote.state = QuoteState::Rejected;
        cx.save(&mut quote)
    }
}

/// Makes the PDF of a quote.
#[derive(Operation)]
#[operation(name = "sales.quote.pdf", on = Quote, allow = "sales manager", read, file, button = 2)]
pub struct QuotePdf {
    /// The quote.
    pub quote: Id<Quote>,
    /// Language; the customer's where empty.
    pub language: Option<kernel::LanguageCode>,
}

impl Run for QuotePdf {
    type Output = documents::FileOut;
    fn run(self, cx: &mut Cx<'_>) -> Result<documents::FileOut> {
        let quote = cx.target(self.quote)?;
        let language = match self.language.as_ref().and_then(|l| kernel::Language::parse(&l.0)) {
            Some(language) => language,
            None => documents::language(cx, quote.party)?,
        };
        let rows: Vec<_> = cx
            .lines::<QuoteLine>(self.quote)?
            .iter()
            .map(|l| {
                json!({
                    "description": l.description.clone().unwrap_or_default(),
                    "quantity": documents::quantity(language, l.quantity),
                    "price": documents::quantity(language, l.price.unwrap_or(Dec::ZERO)),
                    "discount": l.discount.map(|d| format!("{d} %")),
                    "vat": format!("{} %", l.tax_percent),
                    "net": documents::amount(language, l.net),
                })
            })
            .collect();
        let number = quote.number.clone().unwrap_or_else(|| "-".to_owned());
        let data = json!({
            "number": number,
            "date": quote.date.to_string(),
            "supplier": documents::supplier(cx)?,
            "customer": documents::customer(cx, quote.party, party::AddressKind::Invoice)?,
            "dates": {"issued": documents::day(language, quote.date), "valid_until": quote.valid_until.map(|d| documents::day(language, d))},
            "lines": rows,
            "sums": {"net": documents::amount(language, quote.net), "vat": documents::amount(language, quote.tax)},
            "total": {"value": documents::amount(language, quote.total)},
            "notes": quote.note.iter().map(|n| n.0.clone()).collect::<Vec<_>>(),
        });
        documents::pdf(&number, documents::Template::Quote, &data, language)
    }
}

/// A draft quote for a party, made for something (a deal).
///
/// # Errors
/// As writing does.
pub fn draft_quote(
    cx: &mut Cx<'_>,
    party: Id<Party>,
    deal: Option<AnyRef>,
    lines: Vec<(Id<Product>, Dec<6>)>,
) -> Result<Id<Quote>> {
    let (date, currency) = (cx.today(), cx.company().currency);
    let zero = Money::zero(currency);
    let valid_until = date.checked_add(jiff::ToSpan::days(30)).ok();
    let quote = cx.insert(Quote {
        number: None,
        party,
        date,
        valid_until,
        currency,
        price_list: None,
        note: None,
        net: zero,
        tax: zero,
        total: zero,
        state: QuoteState::Draft,
        deal,
    })?;
    for (product, quantity) in lines {
        cx.insert(QuoteLine {
            quote,
            product: Some(product),
            description: None,
            quantity,
            price: None,
            discount: None,
            tax_class: None,
            tax_percent: Dec::ZERO,
            net: zero,
        })?;
    }
    cx.recompute(quote)?;
    Ok(quote)
}

/// Quotes made for something.
///
/// # Errors
/// As reading does.
pub fn quotes_of(cx: &mut Cx<'_>, deal: AnyRef) -> Result<Vec<Id<Quote>>> {
    let found = cx.by::<Quote>(&[("deal", Value::Int(deal.id)), ("deal_entity", Value::from(deal.entity))])?;
    Ok(found.iter().map(|q| q.id).collect())
}
