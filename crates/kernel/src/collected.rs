//! What an operation collects while it runs, and how a savepoint takes it back.

use std::collections::{HashSet, VecDeque};

use crate::{
    cx::{Balances, Note, NumberAsked},
    def::{Done, Happened},
    hub::Change,
    value::AnyRef,
};

/// What an operation collects while it runs; all of it follows savepoints.
#[derive(Default)]
pub(crate) struct Collected {
    pub queue: VecDeque<Happened>,
    pub done: VecDeque<Done>,
    pub numbers: Vec<NumberAsked>,
    pub balances: Balances,
    pub changes: Vec<Change>,
    pub links: Vec<AnyRef>,
    pub notes: Vec<Note>,
    created: Created,
    pub schema_changed: bool,
    pub access_changed: bool,
}

/// Records that this transaction made, in their order.
#[derive(Default)]
struct Created {
    known: HashSet<i64>,
    order: Vec<i64>,
}

/// Where a savepoint began. What is used up on the way is kept whole; what only grows, by its length: a savepoint of a long
/// transaction costs no more than one of a short one.
pub(crate) struct Mark {
    queue: VecDeque<Happened>,
    done: VecDeque<Done>,
    numbers: Vec<NumberAsked>,
    balances: Balances,
    changes: usize,
    links: usize,
    notes: usize,
    created: usize,
    schema_changed: bool,
    access_changed: bool,
}

impl Collected {
    /// Notes that a record was made.
    pub fn create(&mut self, id: i64) {
        if self.created.known.insert(id) {
            self.created.order.push(id);
        }
    }
    /// Whether this transaction made the record.
    pub fn made(&self, id: i64) -> bool {
        self.created.known.contains(&id)
    }
    /// The present state, for [`Collected::back_to`].
    pub fn mark(&self) -> Mark {
        Mark {
            queue: self.queue.clone(),
            done: self.done.clone(),
            numbers: self.numbers.clone(),
            balances: self.balances.clone(),
            changes: self.changes.len(),
            links: self.links.len(),
            notes: self.notes.len(),
            created: self.created.order.len(),
            schema_changed: self.schema_changed,
            access_changed: self.access_changed,
        }
    }
    /// Forgets what was collected since.
    pub fn back_to(&mut self, mark: Mark) {
        self.queue = mark.queue;
        self.done = mark.done;
        self.numbers = mark.numbers;
        self.balances = mark.balances;
        self.changes.truncate(mark.changes);
        self.links.truncate(mark.links);
        self.notes.truncate(mark.notes);
        for id in self.created.order.drain(mark.created.min(self.created.order.len())..) {
            self.created.known.remove(&id);
        }
        self.schema_changed = mark.schema_changed;
        self.access_changed = mark.access_changed;
    }
}
