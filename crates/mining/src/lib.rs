//! Process mining: event logs in, variants, maps, bottlenecks and findings out. Logs are read as a stream; texts are kept
//! once, an event takes 24 bytes.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod analysis;
mod clock;
mod conformance;
mod export;
mod findings;
mod log;
mod read_csv;
mod read_xes;

pub use analysis::{Analysis, Durations, Edge, Variant, analyse};
pub use clock::{read as read_time, write as write_time};
pub use conformance::{Conformance, Deviation, Net, NetError, conformance};
pub use export::{write_csv, write_xes};
pub use findings::{Finding, findings};
pub use log::{Case, Event, Filter, Log, LogError, NONE};
pub use read_csv::Columns;

use std::io::{BufRead, BufReader, Read};

/// Reads a log of any form that is known: XES or CSV, also gzipped; told apart by what it begins with.
///
/// # Errors
/// [`LogError`].
pub fn read(input: impl Read, columns: &Columns) -> Result<Log, LogError> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    if input.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        // A small file may unpack to anything: what comes out is bounded as well.
        let unpacked = flate2::bufread::MultiGzDecoder::new(input).take(MAX_UNPACKED);
        return plain(BufReader::with_capacity(1 << 16, unpacked), columns);
    }
    plain(input, columns)
}

/// Most bytes that are unpacked.
const MAX_UNPACKED: u64 = 8 << 30;

fn plain(mut input: impl BufRead, columns: &Columns) -> Result<Log, LogError> {
    let start = input.fill_buf()?;
    let start = start.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(start);
    let first = start.iter().copied().find(|b| !b.is_ascii_whitespace());
    match first {
        Some(b'<') => read_xes::read(input),
        Some(_) => read_csv::read(input, columns),
        None => Err(LogError::Empty),
    }
}
