//! What work costs: statements, rows, bytes of the log and flushes of the disk, on either database.

use kernel::Result;
use serde_json::{Value as J, json};
use store::{Conn, Dialect, Stats, Store};

use super::round;

/// The counters at one moment. On a server the log is everybody's: a measurement wants it for itself.
#[derive(Clone, Copy)]
pub struct Cost {
    stats: Stats,
}

impl Cost {
    /// A look at the counters.
    pub fn now(store: &Store) -> Result<Self> {
        let mut stats = store.stats();
        if store.dialect() == Dialect::Postgres {
            (stats.log_bytes, stats.flushes) = store.read(|conn| server(conn, stats.commits))?;
        }
        Ok(Self { stats })
    }

    /// What was spent since an earlier look, for each of so many pieces of work.
    pub fn each(self, earlier: Self, pieces: u64) -> J {
        let spent = self.stats.since(earlier.stats);
        let each = |total: u64| round(total as f64 / pieces.max(1) as f64);
        json!({
            "statements": each(spent.statements), "rows": each(spent.rows),
            "log_bytes": each(spent.log_bytes), "fsyncs": each(spent.flushes),
        })
    }
}

/// Bytes that the server has written to its log since it was made, and how often it has flushed it.
fn server(conn: &mut dyn Conn, commits: u64) -> store::Result<(u64, u64)> {
    let count = |value: Option<i64>| value.and_then(|n| u64::try_from(n).ok());
    let bytes = conn.int("SELECT CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bigint)", &[])?;
    let version = conn.int("SELECT CAST(current_setting('server_version_num') AS bigint)", &[])?;
    // From 18 on flushes are counted among all other work with files.
    let flushes = if version.unwrap_or(0) >= 180_000 {
        conn.int("SELECT CAST(sum(fsyncs) AS bigint) FROM pg_stat_io WHERE object = 'wal'", &[])?
    } else {
        conn.int("SELECT wal_sync FROM pg_stat_wal", &[])?
    };
    Ok((count(bytes).unwrap_or(0), count(flushes).unwrap_or(commits)))
}
