//! A few connections for one purpose, opened when they are needed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::place::Place;
use super::session::{Role, Session};
use crate::error::closed;
use crate::stats::Counters;
use crate::{Error, Result};

/// A pool of connections.
pub(super) struct Pool {
    place: Place,
    role: Role,
    most: usize,
    busy: Duration,
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

/// A connection out of a pool; gives itself back, also when a panic passes.
pub(super) struct Taken<'a> {
    pool: &'a Pool,
    session: Option<Session>,
    counted: bool,
}

impl Pool {
    pub(super) fn new(place: Place, role: Role, most: usize, busy: Duration, counters: Arc<Counters>) -> Self {
        Pool { place, role, most: most.max(1), busy, counters, state: Mutex::default(), freed: Condvar::new() }
    }

    /// Takes a connection, on which nothing runs. `nested` never waits, since it could wait for itself: it opens one
    /// connection more instead.
    pub(super) fn take(&self, nested: bool) -> Result<Taken<'_>> {
        let deadline = Instant::now() + self.busy;
        let mut state = self.state.lock();
        let mut counted = true;
        while state.taken >= self.most {
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
        let mut session = None;
        while let Some(idle) = state.idle.pop() {
            if idle.usable() {
                session = Some(idle);
                break;
            }
        }
        if counted {
            state.taken += 1;
        }
        drop(state);
        let mut taken = Taken { pool: self, session, counted };
        if taken.session.is_none() {
            taken.renew()?;
        }
        Ok(taken)
    }

    /// Drops the idle connections; those at work are dropped when they are given back.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.idle.clear();
        self.freed.notify_all();
    }

    /// Drops the idle connections, which broke with the one that told so.
    fn forget(&self) {
        self.state.lock().idle.clear();
    }
}

impl Taken<'_> {
    pub(super) fn session(&mut self) -> Result<&mut Session> {
        self.session.as_mut().ok_or_else(closed)
    }

    /// Takes a fresh connection in place of a broken one.
    pub(super) fn renew(&mut self) -> Result<()> {
        self.session = None;
        self.session = Some(self.pool.place.connect(self.pool.role, self.pool.busy, self.pool.counters.clone())?);
        Ok(())
    }

    /// Begins on this connection; on a fresh one, when it turns out that it broke while nobody used it.
    pub(super) fn begin(&mut self, begin: impl Fn(&mut Session) -> Result<()>) -> Result<()> {
        match begin(self.session()?) {
            Err(Error::Io(_)) => {
                self.pool.forget();
                self.renew()?;
                begin(self.session()?)
            }
            result => result,
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let session = self.session.take().and_then(|mut session| {
            session.rollback();
            session.usable().then_some(session)
        });
        let mut state = self.pool.state.lock();
        if self.counted {
            state.taken -= 1;
        }
        if !state.closed && state.idle.len() + state.taken < self.pool.most {
            state.idle.extend(session);
        }
        self.pool.freed.notify_one();
    }
}
