//! The store: an opened database that many threads share.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::stats::Counters;
use crate::{Conn, Dialect, Error, Result, Slow, Stats, postgres, sqlite, stats};

/// How to open a database.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many snapshots may be read at the same time; connections are opened when they are needed.
    pub readers: usize,
    /// How many transactions may write at the same time on a server; in a file it is always one.
    pub writers: usize,
    /// How long to wait for another process, a locked row or a free connection, before [`Error::Busy`].
    pub busy: Duration,
    /// Whether a missing file, or a missing schema in a database of a server, is made.
    pub create: bool,
    /// Page cache of the writer, in KiB.
    pub writer_cache: usize,
    /// Page cache of one reader, in KiB.
    pub reader_cache: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            readers: 8,
            writers: 16,
            busy: Duration::from_secs(10),
            create: true,
            writer_cache: 16 * 1024,
            reader_cache: 4 * 1024,
        }
    }
}

/// An opened database. Clones share it.
#[derive(Clone)]
pub struct Store {
    driver: Arc<Driver>,
}

/// How far the log is folded into the database file, in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Folded {
    /// Pages in the log.
    pub log: i64,
    /// How many of them stand in the file too.
    pub folded: i64,
}

enum Driver {
    Sqlite(Box<sqlite::Database>),
    Postgres(Box<postgres::Database>),
}

impl Store {
    /// Opens a database: `sqlite:FILE` or `postgres://user:password@host:port/database?schema=NAME`.
    pub fn open(url: &str, options: Options) -> Result<Store> {
        const WRITE: &str = "write sqlite:FILE or postgres://user:password@host:port/database";
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(Error::sql(format!("{url} is not an address of a database: {WRITE}")));
        };
        let driver = match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                Driver::Sqlite(Box::new(sqlite::Database::open(Path::new(path), options)?))
            }
            "postgres" | "postgresql" => Driver::Postgres(Box::new(postgres::Database::open(url, options)?)),
            _ => return Err(Error::sql(format!("no database is called {scheme}: {WRITE}"))),
        };
        Ok(Store { driver: Arc::new(driver) })
    }

    /// The database behind.
    pub fn dialect(&self) -> Dialect {
        match &*self.driver {
            Driver::Sqlite(_) => Dialect::Sqlite,
            Driver::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs `f` on one snapshot: it sees nothing that is committed meanwhile, and cannot write.
    pub fn read<T, E: From<Error>>(
        &self,
        f: impl FnOnce(&mut dyn Conn) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        match &*self.driver {
            Driver::Sqlite(database) => database.read(None, f),
            Driver::Postgres(database) => database.read(None, f),
        }
    }

    /// Like [`Store::read`], but a statement that still runs after `limit` ends with [`Error::Interrupted`].
    pub fn read_within<T, E: From<Error>>(
        &self,
        limit: Duration,
        f: impl FnOnce(&mut dyn Conn) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        match &*self.driver {
            Driver::Sqlite(database) => database.read(Some(limit), f),
            Driver::Postgres(database) => database.read(Some(limit), f),
        }
    }

    /// Runs `f` in a transaction. An `Ok` is answered when it is durable; an `Err` leaves no trace of `f`, and is
    /// answered when everything that `f` could have seen is durable.
    ///
    /// Neighbouring calls on SQLite share one commit. When the database has to give that up (a full disk, an I/O error, a
    /// failed commit), each of them runs once more alone. On PostgreSQL they run side by side, and one that others were in
    /// the way of (a deadlock, [`Conn::repeat`]) runs again, up to five times, before [`Error::Conflict`]. So `f` may run
    /// more than once, and must begin from nothing each time.
    ///
    /// Inside `f` a [`Store::read`] sees the last committed state; a second `write` is refused.
    pub fn write<T, E: From<Error>>(
        &self,
        f: impl FnMut(&mut dyn Conn) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        match &*self.driver {
            Driver::Sqlite(database) => database.write(f),
            Driver::Postgres(database) => database.write(f),
        }
    }

    /// A number that changes, within a second, when another process committed to this database, or may have. Cheap; meant for
    /// polling.
    pub fn data_version(&self) -> Result<i64> {
        match &*self.driver {
            Driver::Sqlite(database) => database.data_version(),
            Driver::Postgres(database) => database.data_version(),
        }
    }

    /// How many commits this store has made. Fewer than the writes, because neighbours share one.
    pub fn commits(&self) -> u64 {
        match &*self.driver {
            Driver::Sqlite(database) => database.commits(),
            Driver::Postgres(database) => database.commits(),
        }
    }

    /// What the work on this database has cost since it was opened.
    pub fn stats(&self) -> Stats {
        match &*self.driver {
            Driver::Sqlite(database) => database.stats(),
            Driver::Postgres(database) => database.stats(),
        }
    }

    /// What the database gives without this store, by plain connections: durable requests a second of so many callers, each of
    /// which inserts so many small rows. In a file they share commits as [`Store::write`] lets them.
    pub fn raw_rate(&self, callers: usize, rows: usize, time: Duration) -> Result<f64> {
        self.write(|conn| conn.batch(&format!("{}; {}", stats::RAW_GONE, stats::RAW_TABLE)))?;
        let rate = match &*self.driver {
            Driver::Sqlite(database) => database.raw_rate(callers, rows, time),
            Driver::Postgres(database) => database.raw_rate(callers, rows, time),
        };
        self.write(|conn| conn.batch(stats::RAW_GONE))?;
        rate
    }

    /// Statements that took long since the database was opened, those first that took most of the time. Texts only: nothing
    /// of what was bound to them is kept.
    pub fn slow(&self) -> Vec<Slow> {
        self.counters().slow()
    }

    /// Says from which time on a statement is slow; 50 ms unless told otherwise.
    pub fn slow_from(&self, threshold: Duration) {
        self.counters().slow_from(threshold);
    }

    fn counters(&self) -> &Counters {
        match &*self.driver {
            Driver::Sqlite(database) => database.counters(),
            Driver::Postgres(database) => database.counters(),
        }
    }

    /// Writes a consistent copy of the running database to a file, which appears under its name when it is complete.
    pub fn backup(&self, to: &Path) -> Result<()> {
        match &*self.driver {
            Driver::Sqlite(database) => database.backup(to),
            Driver::Postgres(database) => database.backup(to),
        }
    }

    /// Folds the log into the database file beside the running work; meant for a thread that does so now and then. When
    /// much of the log stays unfolded again and again, somebody holds an old snapshot.
    pub fn fold(&self) -> Result<Folded> {
        match &*self.driver {
            Driver::Sqlite(database) => database.fold(),
            // The server sees to its log itself.
            Driver::Postgres(_) => Ok(Folded::default()),
        }
    }

    /// Ends all work: folds the log into the file and closes the connections. Clones answer with an error afterwards.
    pub fn close(self) -> Result<()> {
        match &*self.driver {
            Driver::Sqlite(database) => database.close(),
            Driver::Postgres(database) => database.close(),
        }
    }

    /// The name of the database on a server, when it is one.
    pub fn database(&self) -> Option<&str> {
        match &*self.driver {
            Driver::Sqlite(_) => None,
            Driver::Postgres(database) => Some(database.name()),
        }
    }

    /// The file of the database, when it is one.
    pub fn path(&self) -> Option<&Path> {
        match &*self.driver {
            Driver::Sqlite(database) => Some(database.path()),
            Driver::Postgres(_) => None,
        }
    }
}
