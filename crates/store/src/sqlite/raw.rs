//! What the file gives by itself: groups of small rows, each with one durable commit, on a connection that is nobody's.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, yield_now};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::errors::translate;
use super::session::FOLD_AT;
use crate::Result;
use crate::stats::{RAW_INSERT, RAW_TEXT};

/// Makes the log as long as it ever gets. While a file still grows, a flush takes several times as long: whoever came first
/// would pay for that.
fn grow_log(conn: &Connection) -> rusqlite::Result<()> {
    let bytes = i64::from(FOLD_AT) * 4_096;
    conn.execute_batch(&format!(
        "CREATE TABLE x_bench_log (b BLOB); INSERT INTO x_bench_log VALUES (zeroblob({bytes})); DROP TABLE x_bench_log"
    ))?;
    conn.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))
}

/// Requests a second, of which so many share a commit and each inserts so many rows.
pub(super) fn rate(path: &Path, group: usize, rows: usize, time: Duration) -> Result<f64> {
    let failed = |error| translate(error, RAW_INSERT);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(failed)?;
    conn.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
    let settings = "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA wal_autocheckpoint";
    conn.execute_batch(&format!("{settings} = {FOLD_AT}")).map_err(failed)?;
    grow_log(&conn).map_err(failed)?;
    let mut insert = conn.prepare(RAW_INSERT).map_err(failed)?;
    let over = AtomicBool::new(false);
    scope(|scope| {
        // Many callers keep the machine awake. One thread alone does not, and then waits several times as long for its disk.
        if group > 1 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    yield_now()
                }
            });
        }
        let mut work = || {
            let (begun, mut count) = (Instant::now(), 0_i64);
            while begun.elapsed() < time {
                conn.execute_batch("BEGIN IMMEDIATE")?;
                for _ in 0..group {
                    for _ in 0..rows {
                        insert.execute((count, RAW_TEXT))?;
                    }
                    count += 1;
                }
                conn.execute_batch("COMMIT")?;
            }
            Ok(count as f64 / begun.elapsed().as_secs_f64())
        };
        let rate = work();
        over.store(true, Ordering::Relaxed);
        rate
    })
    .map_err(failed)
}
