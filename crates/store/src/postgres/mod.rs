//! The driver for PostgreSQL: many writers beside each other, snapshots for readers, a schema in a database of a server.

mod errors;
mod introspect;
mod place;
mod pool;
mod pulse;
mod raw;
mod secure;
mod session;
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::errors::REFUSED;
use self::place::Place;
use self::pool::Pool;
use self::pulse::Pulse;
use self::session::{Role, Session};
use crate::inside::{Inside, is_inside};
use crate::stats::{Counters, Stats};
use crate::{Conn, Error, Options, Result};

/// How often a transaction that others were in the way of is run again.
const REPEATS: u32 = 5;

/// An opened database on a server.
pub(crate) struct Database {
    name: String,
    place: Place,
    most: usize,
    writers: Pool,
    readers: Pool,
    counters: Arc<Counters>,
    pulse: Pulse,
}

impl Database {
    /// Opens the database, and makes its schema when the options say so.
    pub(crate) fn open(url: &str, options: Options) -> Result<Self> {
        let place = Place::parse(url)?;
        let name = place.prepare(options.create)?;
        let counters = Arc::new(Counters::default());
        let pool = |role, most| Pool::new(place.clone(), role, most, options.busy, counters.clone());
        Ok(Database {
            writers: pool(Role::Writer, options.writers),
            readers: pool(Role::Reader, options.readers),
            pulse: Pulse::new(place.clone(), &name),
            counters,
            name,
            most: options.writers.max(1),
            place,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn read<T, E: From<Error>>(
        &self,
        limit: Option<Duration>,
        f: impl FnOnce(&mut dyn Conn) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let nested = is_inside(&self.readers) || is_inside(&self.writers);
        let mut reader = self.readers.take(nested)?;
        reader.begin(|session| session.begin_read(limit))?;
        let _inside = Inside::enter(&self.readers);
        f(reader.session()?)
    }

    pub(crate) fn write<T, E: From<Error>>(
        &self,
        mut f: impl FnMut(&mut dyn Conn) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        if is_inside(&self.writers) {
            return Err(Error::sql("a write is running on this thread already: use its connection").into());
        }
        let mut writer = self.writers.take(false)?;
        for repeats in 0.. {
            writer.begin(Session::begin_write)?;
            let inside = Inside::enter(&self.writers);
            let session = writer.session()?;
            let outcome = catch_unwind(AssertUnwindSafe(|| f(session)));
            drop(inside);
            let session = writer.session()?;
            let error = match outcome {
                Err(panic) => {
                    session.rollback();
                    drop(writer);
                    resume_unwind(panic)
                }
                Ok(Ok(value)) => match session.commit() {
                    Ok(()) => {
                        self.counters.commit();
                        self.pulse.committed();
                        return Ok(value);
                    }
                    Err(error) => E::from(error),
                },
                Ok(Err(error)) => error,
            };
            session.rollback();
            if repeats >= REPEATS || !session.again() {
                return Err(error);
            }
            tracing::debug!(repeats, "others were in the way: the transaction runs again");
            pause(repeats);
        }
        Err(Error::Conflict.into())
    }

    pub(crate) fn data_version(&self) -> Result<i64> {
        self.pulse.version()
    }

    pub(crate) fn commits(&self) -> u64 {
        self.counters.stats().commits
    }

    pub(crate) fn stats(&self) -> Stats {
        self.counters.stats()
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn raw_rate(&self, callers: usize, rows: usize, time: Duration) -> Result<f64> {
        raw::rate(&self.place, callers.clamp(1, self.most), rows, time)
    }

    pub(crate) fn backup(&self, _: &Path) -> Result<()> {
        Err(Error::sql("a database on a PostgreSQL server is copied with the server's own tools: pg_dump -Fc"))
    }

    pub(crate) fn close(&self) -> Result<()> {
        if is_inside(&self.writers) {
            return Err(Error::sql("a write is running on this thread: the database cannot be closed"));
        }
        self.writers.close();
        self.readers.close();
        self.pulse.stop();
        Ok(())
    }
}

/// Waits a little before the next try, each time longer, and never as long as the others.
fn pause(repeats: u32) {
    let random = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_nanos());
    let most = 2_000_u64 << repeats.min(8);
    std::thread::sleep(Duration::from_micros(500 + u64::from(random) % most));
}
