//! Who listens for changes: live updates of screens. A change is told after its commit is durable.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use parking_lot::Mutex;

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// It was changed or archived.
    Changed,
    /// It is gone.
    Deleted,
}

impl ChangeKind {
    /// Name in the interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
        }
    }
}

/// A change of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Entity; empty for "look again, another program wrote".
    pub entity: &'static str,
    /// The record.
    pub id: i64,
    /// Its revision.
    pub rev: i64,
    /// What happened.
    pub kind: ChangeKind,
    /// The company.
    pub company: i64,
}

/// The listeners.
#[derive(Default)]
pub struct Hub {
    listeners: Mutex<Vec<SyncSender<Change>>>,
}

impl Hub {
    /// Listens from now on. A listener that does not keep up is dropped; its receiver then ends.
    pub fn listen(&self) -> Receiver<Change> {
        let (sender, receiver) = sync_channel(4_096);
        self.listeners.lock().push(sender);
        receiver
    }
    /// Tells changes.
    pub fn tell(&self, changes: &[Change]) {
        let mut listeners = self.listeners.lock();
        if listeners.is_empty() {
            return;
        }
        listeners.retain(|listener| {
            changes.iter().all(|change| {
                !matches!(listener.try_send(*change), Err(TrySendError::Full(_) | TrySendError::Disconnected(_)))
            })
        });
    }
}
