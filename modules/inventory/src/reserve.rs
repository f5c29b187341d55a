//! Reservations: promises of goods to documents.

use std::collections::BTreeMap;

use kernel::{AnyRef, Cx, Dec, Fields, Id, Operation, Result, Run, Value};
use product::Product;

use crate::stock::{Location, Reservation, look, quant, stock_place};

/// A line to be reserved.
#[derive(Clone, Debug, Fields)]
pub struct ReserveLine {
    /// Product.
    pub product: Id<Product>,
    /// How much.
    pub quantity: Dec<6>,
}

/// Promises goods to a document, as much as is free.
#[derive(Operation)]
#[operation(
    name = "inventory.reservation.make",
    allow = "stock sales",
    no_inverse = "The document's cancellation releases it."
)]
pub struct Reserve {
    /// The document.
    pub source: AnyRef,
    /// What it needs.
    pub lines: Vec<ReserveLine>,
}

/// What could be reserved.
#[derive(Fields)]
pub struct Reserved {
    /// Something is missing.
    pub missing: bool,
}

impl Run for Reserve {
    type Output = Reserved;
    fn run(self, cx: &mut Cx<'_>) -> Result<Reserved> {
        let stock = stock_place(cx)?;
        let mut wanted: BTreeMap<Id<Product>, Dec<6>> = BTreeMap::new();
        for line in &self.lines {
            let sum = wanted.entry(line.product).or_default();
            *sum = sum.plus(line.quantity)?;
        }
        look(cx, &wanted.keys().map(|product| (*product).into()).collect::<Vec<_>>(), stock)?;
        let mut missing = false;
        for (product, quantity) in wanted {
            let Some(mut quant) = quant(cx, product, stock)? else {
                missing = true;
                continue;
            };
            let take = quantity.min(quant.on_hand.minus(quant.reserved)?);
            missing |= take < quantity;
            if take.is_positive() {
                quant.reserved = quant.reserved.plus(take)?;
                cx.save(&mut quant)?;
                cx.insert(Reservation { product, location: stock, quantity: take, source: self.source })?;
            }
        }
        Ok(Reserved { missing })
    }
}

/// The reservations of a document.
pub(crate) fn of(cx: &mut Cx<'_>, source: AnyRef) -> Result<Vec<kernel::Rec<Reservation>>> {
    cx.by::<Reservation>(&[("source", Value::Int(source.id)), ("source_entity", Value::from(source.entity))])
}

/// Takes all promises to a document back.
///
/// # Errors
/// As writing does.
pub fn release(cx: &mut Cx<'_>, source: AnyRef) -> Result<()> {
    let promised = of(cx, source)?;
    for reservation in &promised {
        if let Some(mut quant) = quant(cx, reservation.product, reservation.location)? {
            quant.reserved = quant.reserved.minus(reservation.quantity)?;
            cx.save(&mut quant)?;
        }
    }
    cx.delete_all(&promised)
}

/// Uses up to this much of a document's promises of a product in a place. Answers how much: the caller takes it off what the
/// quant has promised, together with the goods, and has what was used up deleted with [`settle`].
pub(crate) fn consume(
    cx: &mut Cx<'_>,
    promised: &mut [kernel::Rec<Reservation>],
    place: Id<Location>,
    product: Id<Product>,
    quantity: Dec<6>,
) -> Result<Dec<6>> {
    let mut left = quantity;
    for reservation in promised.iter_mut().filter(|r| r.product == product && r.location == place) {
        let take = left.min(reservation.quantity);
        if !take.is_positive() {
            continue;
        }
        reservation.quantity = reservation.quantity.minus(take)?;
        if !reservation.quantity.is_zero() {
            cx.save(reservation)?;
        }
        left = left.minus(take)?;
    }
    quantity.minus(left)
}

/// Deletes the promises that were used up.
pub(crate) fn settle(cx: &mut Cx<'_>, mut promised: Vec<kernel::Rec<Reservation>>) -> Result<()> {
    promised.retain(|reservation| reservation.quantity.is_zero());
    cx.delete_all(&promised)
}
