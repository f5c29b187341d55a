//! What the server gives by itself: transactions of small rows, on connections that are nobody's.

use std::thread::scope;
use std::time::{Duration, Instant};

use super::errors::translate;
use super::place::Place;
use crate::stats::RAW_TEXT;
use crate::{Error, Result};

const INSERT: &str = "INSERT INTO x_bench_raw (n, t) VALUES ($1, $2)";

/// Transactions a second of so many connections beside each other, each of which inserts so many rows.
pub(super) fn rate(place: &Place, connections: usize, rows: usize, time: Duration) -> Result<f64> {
    let mut clients = (0..connections).map(|_| place.ready()).collect::<Result<Vec<_>>>()?;
    let begun = Instant::now();
    let done = scope(|scope| {
        let work = clients.iter_mut().map(|client| {
            scope.spawn(move || -> std::result::Result<u64, postgres::Error> {
                let insert = client.prepare(INSERT)?;
                let mut count = 0;
                while begun.elapsed() < time {
                    client.batch_execute("BEGIN")?;
                    for _ in 0..rows {
                        client.execute(&insert, &[&1_i64, &RAW_TEXT])?;
                    }
                    client.batch_execute("COMMIT")?;
                    count += 1;
                }
                Ok(count)
            })
        });
        let threads: Vec<_> = work.collect();
        let mut sum = 0;
        for thread in threads {
            let count = thread.join().map_err(|_| Error::sql("a thread of the measurement panicked"))?;
            sum += count.map_err(|error| translate(&error, INSERT))?;
        }
        Ok::<u64, Error>(sum)
    })?;
    Ok(done as f64 / begun.elapsed().as_secs_f64())
}
