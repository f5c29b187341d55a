//! The readers: a few connections that look at snapshots.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::session::{Role, Session};
use crate::error::closed;
use crate::stats::Counters;
use crate::{Error, Options, Result};

/// A pool of reading connections, opened when they are needed.
pub(super) struct Readers {
    path: PathBuf,
    options: Options,
    counters: Arc<Counters>,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Session>,
    taken: usize,
    closed: bool,
}

/// A reading connection with a snapshot; gives itself back, also when a panic passes.
pub(super) struct Reader<'a> {
    pool: &'a Readers,
    session: Option<Session>,
    counted: bool,
    limited: bool,
}

impl Readers {
    pub(super) fn new(path: PathBuf, options: Options, counters: Arc<Counters>) -> Self {
        Readers { path, options, counters, state: Mutex::default(), freed: Condvar::new() }
    }

    /// Takes a connection and fixes its snapshot. `nested` never waits, since it could wait for itself: it opens one
    /// connection more instead.
    pub(super) fn take(&self, nested: bool) -> Result<Reader<'_>> {
        let deadline = Instant::now() + self.options.busy;
        let mut state = self.state.lock();
        let mut counted = true;
        while state.taken >= self.options.readers.max(1) {
            if nested {
                counted = false;
                break;
            }
            if state.closed {
                break;
            }
            if self.freed.wait_until(&mut state, deadline).timed_out() {
                return Err(Error::Busy);
            }
        }
        if state.closed {
            return Err(closed());
        }
        let session = state.idle.pop();
        if counted {
            state.taken += 1;
        }
        drop(state);
        let mut reader = Reader { pool: self, session, counted, limited: false };
        if reader.session.is_none() {
            reader.session = Some(Session::open(&self.path, Role::Reader, &self.options, self.counters.clone())?);
        }
        reader.session()?.begin_read()?;
        Ok(reader)
    }

    /// Drops the idle connections; those at work are dropped when they are given back.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.idle.clear();
        self.freed.notify_all();
    }
}

impl Reader<'_> {
    pub(super) fn session(&mut self) -> Result<&mut Session> {
        self.session.as_mut().ok_or_else(closed)
    }

    /// Interrupts what still runs after this time.
    pub(super) fn limit(&mut self, limit: Duration) -> Result<()> {
        self.limited = true;
        let until = Instant::now().checked_add(limit);
        self.session()?.limit(until)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let limited = self.limited;
        // A connection that still carries a limit is not used again.
        let session = self.session.take().and_then(|mut session| {
            session.rollback();
            (!limited || session.limit(None).is_ok()).then_some(session)
        });
        let mut state = self.pool.state.lock();
        if self.counted {
            state.taken -= 1;
        }
        if !state.closed && state.idle.len() + state.taken < self.pool.options.readers.max(1) {
            state.idle.extend(session);
        }
        self.pool.freed.notify_one();
    }
}
