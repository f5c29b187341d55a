//! Goods: where they lie, what they are worth, deliveries, returns, receipts and write-offs.

mod check;
mod delivery;
mod print;
mod receipt;
mod reserve;
mod stock;

use kernel::{Module, Remedy, entity, event, op};

pub use delivery::{
    CancelDelivery, Delivery, DeliveryKind, DeliveryLine, DeliveryReturned, DeliveryShipped, DeliveryState,
    NewDelivery, Return, Returned, Ship, ShipLine, ShipPart, Shipped, create_delivery, deliveries_of, return_unknown,
};
pub use print::DeliveryPdf;
pub use receipt::{
    Approve, Found, Open, PostWriteOff, Quick, Receipt, ReceiptLine, ReceiptState, Receive, Received, Reject,
    StockReceived, WriteOff, WriteOffLine, WriteOffState,
};
pub use reserve::{Reserve, ReserveLine, Reserved, release};
pub use stock::{
    Location, LocationKind, Move, Places, Quant, Reservation, Valuation, Warehouse, available, places, quant,
};

/// What the module owns.
pub static MODULE: Module = Module {
    name: "inventory",
    entities: &[
        entity::<Warehouse>(),
        entity::<Location>(),
        entity::<Quant>(),
        entity::<Valuation>(),
        entity::<Move>(),
        entity::<Reservation>(),
        entity::<Delivery>(),
        entity::<DeliveryLine>(),
        entity::<Receipt>(),
        entity::<ReceiptLine>(),
        entity::<WriteOff>(),
        entity::<WriteOffLine>(),
    ],
    operations: &[
        op::<Ship>(),
        op::<ShipPart>(),
        op::<CancelDelivery>(),
        op::<Return>(),
        op::<DeliveryPdf>(),
        op::<Receive>(),
        op::<Found>(),
        op::<Quick>(),
        op::<Open>(),
        op::<Approve>(),
        op::<PostWriteOff>(),
        op::<Reject>(),
        op::<Reserve>(),
    ],
    events: &[event::<DeliveryShipped>(), event::<DeliveryReturned>(), event::<StockReceived>()],
    remedies: &[Remedy { code: "inventory.not_enough", offer: delivery::offer_receipt }],
    checks: check::CHECKS,
    errors: &[
        "inventory.found_supplied",
        "inventory.no_lines",
        "inventory.no_place",
        "inventory.not_enough",
        "inventory.nothing_there",
        "inventory.nothing_to_return",
        "inventory.nothing_to_ship",
        "inventory.own_request",
        "inventory.return_of_return",
        "inventory.service",
        "inventory.too_much",
    ],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    views: &[
        ("inventory.delivery", include_str!("delivery.view.toml")),
        ("inventory.quant", include_str!("quant.view.toml")),
        ("inventory.receipt", include_str!("receipt.view.toml")),
        ("inventory.write_off", include_str!("write_off.view.toml")),
        ("inventory.move", include_str!("move.view.toml")),
    ],
    extends: &[
        ("party.party", include_str!("party.extends.toml")),
        ("product.product", include_str!("product.extends.toml")),
    ],
    found: &[stock::found],
    ..Module::BASE
};
