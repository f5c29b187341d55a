//! What is sold: price lists, quotes and orders; the order-to-cash process is shipped with it.

mod external;
mod order;
mod price;
mod quote;

use kernel::{Cx, Module, Result, entity, event, on, op, sys::Series};

pub use external::{ExternalLine, ExternalOrder, place};
pub use order::{
    Cancel, Confirm, Confirmed, Invoiced, Invoicing, IssueInvoice, Order, OrderCancelled, OrderConfirmed, OrderDone,
    OrderLine, OrderProgress, OrderState, Progress, open_orders,
};
pub use price::{Price, PriceList, price_of};
pub use quote::{
    Accept, Accepted, Quote, QuoteAccepted, QuoteLine, QuotePdf, QuoteState, RejectQuote, SendQuote, draft_quote,
    quotes_of,
};

/// The shipped process: from the confirmed order to the paid invoice.
pub const ORDER_TO_CASH: &str = include_str!("../processes/order_to_cash.bpmn");

/// What the module owns.
pub static MODULE: Module = Module {
    name: "sales",
    entities: &[
        entity::<PriceList>(),
        entity::<Price>(),
        entity::<Quote>(),
        entity::<QuoteLine>(),
        entity::<Order>(),
        entity::<OrderLine>(),
    ],
    operations: &[
        op::<Confirm>(),
        op::<IssueInvoice>(),
        op::<Cancel>(),
        op::<Progress>(),
        op::<SendQuote>(),
        op::<Accept>(),
        op::<RejectQuote>(),
        op::<QuotePdf>(),
    ],
    events: &[event::<OrderConfirmed>(), event::<OrderCancelled>(), event::<OrderDone>(), event::<QuoteAccepted>()],
    listens: &[
        on!(inventory::DeliveryShipped, order::count_delivered),
        on!(inventory::DeliveryReturned, order::count_returned),
    ],
    errors: &["sales.begun", "sales.credit_limit", "sales.no_lines", "sales.nothing_to_invoice", "sales.quote_expired"],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    views: &[
        ("sales.order", include_str!("order.view.toml")),
        ("sales.quote", include_str!("quote.view.toml")),
        ("sales.price_list", include_str!("price_list.view.toml")),
    ],
    extends: &[("party.party", include_str!("party.extends.toml"))],
    found: &[found],
    ..Module::BASE
};

fn found(cx: &mut Cx<'_>) -> Result<()> {
    for (code, pattern) in [("order", "OB{year}{n:5}"), ("quote", "NA{year}{n:5}")] {
        cx.insert(Series { code: code.to_owned(), pattern: pattern.to_owned(), per_year: true })?;
    }
    // Where the process engine is part of the program, the shipped process runs from the first order on.
    if cx.schema().plan("process.definition").is_ok() {
        process::deploy(cx, "order_to_cash", ORDER_TO_CASH, "sales stock accounts")?;
    }
    Ok(())
}
