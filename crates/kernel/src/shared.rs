//! What all requests of a process share: the schema, identifiers, the clock, listeners, files.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use store::{Conn, Dialect, Value};

use crate::{error::Result, files::Files, hub::Hub, json::MAX_ID, memory::Steady, schema::Schema};

/// Identifiers handed out in memory; blocks are drawn from the database before they are used.
#[derive(Default)]
pub struct Ids {
    pool: Mutex<(i64, i64)>,
}

/// How many identifiers a transaction takes at once.
const BLOCK: i64 = 64;
/// How many identifiers are drawn from the database at once.
pub(crate) const DRAW: i64 = 20_000;

impl Ids {
    /// A block of identifiers, if the pool has one.
    pub(crate) fn take(&self) -> Option<(i64, i64)> {
        let mut pool = self.pool.lock();
        if pool.1 - pool.0 < BLOCK {
            return None;
        }
        let from = pool.0;
        pool.0 += BLOCK;
        Some((from, from + BLOCK))
    }
    pub(crate) fn low(&self) -> bool {
        let pool = self.pool.lock();
        pool.1 - pool.0 < DRAW / 4
    }
    pub(crate) fn put(&self, block: (i64, i64)) {
        *self.pool.lock() = block;
    }
}

/// Draws identifiers in the current transaction.
pub(crate) fn draw_ids(conn: &mut dyn Conn, count: i64) -> Result<(i64, i64)> {
    let next = conn
        .int("UPDATE sys_ids SET next = next + ? WHERE id = 1 RETURNING next", &[Value::Int(count)])?
        .filter(|next| *next <= MAX_ID)
        .ok_or_else(|| crate::Error::internal("identifiers are used up"))?;
    Ok((next - count, next))
}

/// See the module.
pub struct Shared {
    /// The schema in force.
    pub(crate) schema: RwLock<Arc<Schema>>,
    pub(crate) ids: Ids,
    /// Listeners for changes.
    pub hub: Hub,
    /// Stored files.
    pub files: Files,
    clock: AtomicI64,
    pub(crate) steady: Steady,
    /// Counts changes of rights, users, sessions; caches compare it.
    pub(crate) access_version: AtomicI64,
    pub(crate) sizes: Sizes,
}

/// How long a size is believed.
const BELIEVED: Duration = Duration::from_secs(60);

/// How many rows tables have, for estimates.
#[derive(Default)]
pub(crate) struct Sizes(Mutex<HashMap<String, (Instant, i64)>>);

impl Sizes {
    /// The rows of a table, as they were a moment ago.
    pub(crate) fn of(&self, table: &str, conn: &mut dyn Conn) -> Result<i64> {
        if let Some((at, size)) = self.0.lock().get(table).copied()
            && at.elapsed() < BELIEVED
        {
            return Ok(size);
        }
        let known = match conn.dialect() {
            Dialect::Sqlite => None,
            Dialect::Postgres => {
                let text = "SELECT CAST(reltuples AS bigint) FROM pg_class WHERE oid = to_regclass(CAST(? AS text))";
                conn.int(text, &[Value::from(store::quoted(table))])?.filter(|size| *size > 0)
            }
        };
        let size = match known {
            Some(size) => size,
            None => conn.int(&format!("SELECT COUNT(*) FROM {}", store::quoted(table)), &[])?.unwrap_or(0),
        };
        self.0.lock().insert(table.to_owned(), (Instant::now(), size));
        Ok(size)
    }
}

impl Shared {
    pub(crate) fn new(schema: Arc<Schema>, files: Files) -> Self {
        Self {
            schema: RwLock::new(schema),
            ids: Ids::default(),
            hub: Hub::default(),
            files,
            clock: AtomicI64::new(i64::MIN),
            steady: Steady::default(),
            access_version: AtomicI64::new(0),
            sizes: Sizes::default(),
        }
    }
    /// The present moment, to the microsecond; or the one that a test set.
    pub fn now(&self) -> Timestamp {
        let set = self.clock.load(Ordering::Relaxed);
        if set != i64::MIN
            && let Ok(now) = Timestamp::from_microsecond(set)
        {
            return now;
        }
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
    /// Stops the clock at a moment (tests, simulations); `None` lets it run again.
    pub fn set_clock(&self, now: Option<Timestamp>) {
        self.clock.store(now.map_or(i64::MIN, |now| now.as_microsecond()), Ordering::Relaxed);
    }
}
