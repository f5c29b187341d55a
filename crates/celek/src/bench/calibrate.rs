//! What the machine gives without the system: durable commits, inserts, round trips.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use kernel::Result;
use serde_json::{Map, Value as J};
use store::{Dialect, Store};

use super::round;
use crate::client::Client;

/// How long each is tried.
const TIME: Duration = Duration::from_secs(1);
const TABLE: &str = "x_bench_calibration";
const INSERT: &str = "INSERT INTO x_bench_calibration (n, t) VALUES (?, ?)";

/// How often it can be done in a second.
fn rate(mut once: impl FnMut(i64) -> Result<()>) -> Result<f64> {
    let (begun, mut count) = (Instant::now(), 0_i64);
    while begun.elapsed() < TIME {
        once(count)?;
        count += 1;
    }
    Ok(round(count as f64 / begun.elapsed().as_secs_f64()))
}

/// Durable commits of one caller, and inserts inside one transaction, in a table that is gone afterwards.
pub fn database(store: &Store) -> Result<Map<String, J>> {
    let text = "a line of ordinary length, as they stand in an audit";
    store.write(|conn| conn.batch(&format!("CREATE TABLE {TABLE} (n BIGINT, t TEXT)")))?;
    let commits = rate(|n| Ok(store.write(|conn| conn.execute(INSERT, &[n.into(), text.into()]).map(|_| ()))?));
    let inserts = store.write(|conn| rate(|n| Ok(conn.execute(INSERT, &[n.into(), text.into()]).map(|_| ())?)));
    store.write(|conn| conn.batch(&format!("DROP TABLE {TABLE}")))?;
    let mut out = Map::new();
    out.insert("durable_commits_per_second".to_owned(), commits?.into());
    out.insert("raw_inserts_per_second".to_owned(), inserts?.into());
    Ok(out)
}

/// What the database promises when it says that something is committed.
pub fn durability(store: &Store) -> Result<String> {
    Ok(match store.dialect() {
        Dialect::Sqlite => {
            let journal = store.write(|conn| conn.text("PRAGMA journal_mode", &[]))?.unwrap_or_default();
            format!("sqlite, journal_mode={journal}, every commit flushed to the disk before its answer")
        }
        Dialect::Postgres => {
            let sql = "SELECT 'postgresql ' || current_setting('server_version') || ', fsync=' || current_setting('fsync') \
                       || ', synchronous_commit=' || current_setting('synchronous_commit') \
                       || ', full_page_writes=' || current_setting('full_page_writes')";
            store.write(|conn| conn.text(sql, &[]))?.unwrap_or_default()
        }
    })
}

/// Requests to the server that touch nothing.
pub fn round_trips(addr: SocketAddr) -> Result<f64> {
    let client = Client::new(addr, None);
    rate(|_| client.ask("GET", "/healthz", None).map(|_| ()))
}
