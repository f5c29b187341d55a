//! A module on which callers get in each other's way. Its operations pause between reading and writing.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use kernel::{Cx, Entity, Error, Id, Module, Operation, Result, Run, Value, entity, op};

/// How often [`Mixed`] was begun, repeats among them.
pub static MIXED: AtomicUsize = AtomicUsize::new(0);

/// Gives others time to come in between.
fn pause() {
    std::thread::sleep(Duration::from_millis(4));
}

/// A ward: somebody has to be on call.
#[derive(Entity)]
#[entity(name = "iso.ward", title = name, plain, read = "*", write = "*")]
pub struct Ward {
    /// Name.
    pub name: String,
}

/// A doctor of a ward.
#[derive(Entity)]
#[entity(name = "iso.doctor", title = name, plain, read = "*", write = "*")]
pub struct Doctor {
    /// Name.
    pub name: String,
    /// Ward.
    #[field(indexed)]
    pub ward: Id<Ward>,
    /// On call.
    pub on_call: bool,
}

/// Something that is counted up.
#[derive(Entity)]
#[entity(name = "iso.account", title = name, plain, read = "*", write = "*")]
pub struct Account {
    /// Name.
    pub name: String,
    /// How much.
    pub amount: i64,
}

/// Pieces of which there are only so many.
#[derive(Entity)]
#[entity(name = "iso.pieces", title = name, plain, kept, read = "*", write = "*", check = "left_over >= 0")]
pub struct Pieces {
    /// Name.
    pub name: String,
    /// How many are left.
    pub left_over: i64,
}

/// A room for some hours.
#[derive(Entity)]
#[entity(name = "iso.booking", title = room, plain, read = "*", write = "*")]
pub struct Booking {
    /// Room.
    #[field(indexed)]
    pub room: i64,
    /// First hour.
    pub begins: i64,
    /// The hour after the last.
    pub ends: i64,
}

/// Goes off call, if another stays.
#[derive(Operation)]
#[operation(name = "iso.doctor.leave", on = Doctor, allow = "*", no_inverse = "Test.")]
pub struct Leave {
    /// Who.
    pub doctor: Id<Doctor>,
}

impl Run for Leave {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut doctor = cx.target(self.doctor)?;
        // The rule is about all doctors of the ward: so the ward is held.
        cx.hold(doctor.ward)?;
        let ward = [("ward", Value::from(doctor.ward)), ("on_call", Value::Int(1))];
        let here = cx.by::<Doctor>(&ward)?.len();
        pause();
        if here < 2 {
            return Err(Error::refused("iso.nobody_left"));
        }
        doctor.on_call = false;
        cx.save(&mut doctor)
    }
}

/// Adds one to what was read, without holding it.
#[derive(Operation)]
#[operation(name = "iso.account.add", allow = "*", no_inverse = "Test.")]
pub struct Add {
    /// To what.
    pub account: Id<Account>,
    /// Under a savepoint whose failure is overlooked.
    pub overlook: bool,
}

impl Run for Add {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let add = |cx: &mut Cx<'_>| -> Result<()> {
            let mut account = cx.get(self.account)?;
            pause();
            account.amount += 1;
            cx.save(&mut account)
        };
        if !self.overlook {
            return add(cx);
        }
        let _ = cx.savepoint(add);
        Ok(())
    }
}

/// Takes one piece.
#[derive(Operation)]
#[operation(name = "iso.pieces.take", allow = "*", no_inverse = "Test.")]
pub struct Take {
    /// Of what.
    pub pieces: Id<Pieces>,
}

impl Run for Take {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut pieces = cx.get(self.pieces)?;
        pause();
        if pieces.left_over == 0 {
            return Err(Error::refused("iso.sold_out"));
        }
        pieces.left_over -= 1;
        cx.save(&mut pieces)
    }
}

/// Books a room that is free then.
#[derive(Operation)]
#[operation(name = "iso.booking.book", allow = "*", no_inverse = "Test.")]
pub struct Book {
    /// Room.
    pub room: i64,
    /// From.
    pub begins: i64,
    /// To.
    pub ends: i64,
}

impl Run for Book {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        // What is not there yet cannot be held: its name is.
        cx.hold_name("iso.room", self.room, true)?;
        let others = cx.by::<Booking>(&[("room", Value::Int(self.room))])?;
        pause();
        if others.iter().any(|other| other.begins < self.ends && self.begins < other.ends) {
            return Err(Error::refused("iso.taken"));
        }
        cx.insert(Booking { room: self.room, begins: self.begins, ends: self.ends })?;
        Ok(())
    }
}

/// Moves between two accounts, which it holds in the given order.
#[derive(Operation)]
#[operation(name = "iso.account.move", allow = "*", no_inverse = "Test.")]
pub struct Move {
    /// From.
    pub from: Id<Account>,
    /// To.
    pub to: Id<Account>,
}

impl Run for Move {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut from = cx.hold(self.from)?;
        pause();
        let mut to = cx.hold(self.to)?;
        from.amount -= 1;
        to.amount += 1;
        cx.save(&mut from)?;
        cx.save(&mut to)
    }
}

/// Takes a piece and counts it in an account: in the order of ranks, or against it.
#[derive(Operation)]
#[operation(name = "iso.mixed", allow = "*", no_inverse = "Test.")]
pub struct Mixed {
    /// Of these.
    pub pieces: Id<Pieces>,
    /// Counted here.
    pub account: Id<Account>,
    /// The pieces first, which have the higher rank.
    pub against: bool,
}

impl Run for Mixed {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        MIXED.fetch_add(1, Ordering::Relaxed);
        let (mut pieces, mut account);
        if self.against {
            pieces = cx.get(self.pieces)?;
            pause();
            account = cx.hold(self.account)?;
        } else {
            account = cx.hold(self.account)?;
            pause();
            pieces = cx.get(self.pieces)?;
        }
        pieces.left_over -= 1;
        account.amount += 1;
        cx.save(&mut pieces)?;
        cx.save(&mut account)
    }
}

pub static MODULE: Module = Module {
    name: "iso",
    entities: &[entity::<Ward>(), entity::<Doctor>(), entity::<Account>(), entity::<Pieces>(), entity::<Booking>()],
    operations: &[op::<Leave>(), op::<Add>(), op::<Take>(), op::<Book>(), op::<Move>(), op::<Mixed>()],
    errors: &["iso.nobody_left", "iso.sold_out", "iso.taken"],
    ..Module::BASE
};
