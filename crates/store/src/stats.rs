//! What the work on a database has cost so far.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Work done since the database was opened. Two looks at it, subtracted, tell what something cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Statements that ran, those about savepoints and transactions among them.
    pub statements: u64,
    /// Rows that queries answered.
    pub rows: u64,
    /// Commits.
    pub commits: u64,
    /// Flushes of the file's log to the disk: one serves all commits that stand in it. A server's are its own: there it is 0.
    pub flushes: u64,
    /// Bytes written to the write-ahead log of the file. A server's log is written by others too: there it is 0.
    pub log_bytes: u64,
    /// Rows that were stepped over because no index led to those that were meant. A server does not tell: there it is 0.
    pub scanned: u64,
    /// How long callers waited for their turn to write, in microseconds. On a server each has a turn of its own: there it is 0.
    pub waited: u64,
}

/// A statement that took long, by its text: what was bound to it is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slow {
    /// The text.
    pub text: String,
    /// How often it took long.
    pub count: u64,
    /// How long all these together took, with what was done with their rows.
    pub total: Duration,
    /// How long the longest took.
    pub max: Duration,
    /// Rows that they answered.
    pub rows: u64,
}

impl Stats {
    /// What was done since an earlier look.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Stats {
            statements: self.statements.saturating_sub(earlier.statements),
            rows: self.rows.saturating_sub(earlier.rows),
            commits: self.commits.saturating_sub(earlier.commits),
            flushes: self.flushes.saturating_sub(earlier.flushes),
            log_bytes: self.log_bytes.saturating_sub(earlier.log_bytes),
            scanned: self.scanned.saturating_sub(earlier.scanned),
            waited: self.waited.saturating_sub(earlier.waited),
        }
    }
}

/// Where the rates of the machine are measured: a table that is there only meanwhile.
pub(crate) const RAW_TABLE: &str = "CREATE TABLE x_bench_raw (n BIGINT, t TEXT)";
pub(crate) const RAW_GONE: &str = "DROP TABLE IF EXISTS x_bench_raw";
pub(crate) const RAW_INSERT: &str = "INSERT INTO x_bench_raw (n, t) VALUES (?, ?)";
pub(crate) const RAW_TEXT: &str = "a line of ordinary length, as they stand in an audit";

/// The counters behind [`Stats`], shared by all connections.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    statements: AtomicU64,
    rows: AtomicU64,
    commits: AtomicU64,
    flushes: AtomicU64,
    log_bytes: AtomicU64,
    /// Pages in the log after the last commit.
    log_pages: AtomicI64,
    scanned: AtomicU64,
    waited: AtomicU64,
    slow: Mutex<HashMap<String, Slow>>,
    /// Microseconds from which on a statement is slow; 0 for the usual.
    threshold: AtomicU64,
}

/// From which time on a statement is slow, unless told otherwise.
const SLOW: Duration = Duration::from_millis(50);
/// Most texts that are kept: the one that took least makes room.
const MOST_SLOW: usize = 200;
/// Of a longer text the beginning is kept.
const LONGEST_TEXT: usize = 4_000;

impl Counters {
    pub(crate) fn statement(&self, rows: u64) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// A statement ran since this moment and gave so many rows.
    pub(crate) fn ran(&self, sql: &str, since: Instant, rows: u64) {
        self.statement(rows);
        let took = since.elapsed();
        let threshold = match self.threshold.load(Ordering::Relaxed) {
            0 => SLOW,
            micros => Duration::from_micros(micros),
        };
        if took >= threshold {
            self.keep_slow(sql, took, rows);
        }
    }

    fn keep_slow(&self, sql: &str, took: Duration, rows: u64) {
        let end = sql.char_indices().nth(LONGEST_TEXT).map_or(sql.len(), |(at, _)| at);
        let text = &sql[..end];
        let mut slow = self.slow.lock();
        if slow.len() >= MOST_SLOW && !slow.contains_key(text) {
            let least = slow.values().min_by_key(|one| one.total).map(|one| one.text.clone());
            least.and_then(|text| slow.remove(&text));
        }
        let new = || Slow { text: text.to_owned(), count: 0, total: Duration::ZERO, max: Duration::ZERO, rows: 0 };
        let one = slow.entry(text.to_owned()).or_insert_with(new);
        one.count += 1;
        one.total += took;
        one.max = one.max.max(took);
        one.rows += rows;
    }

    /// The slow statements, those first that took most of the time.
    pub(crate) fn slow(&self) -> Vec<Slow> {
        let mut all: Vec<Slow> = self.slow.lock().values().cloned().collect();
        all.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.text.cmp(&b.text)));
        all
    }

    pub(crate) fn slow_from(&self, threshold: Duration) {
        let micros = u64::try_from(threshold.as_micros()).unwrap_or(u64::MAX).max(1);
        self.threshold.store(micros, Ordering::Relaxed);
    }

    pub(crate) fn scanned(&self, rows: u64) {
        self.scanned.fetch_add(rows, Ordering::Relaxed);
    }

    pub(crate) fn waited(&self, since: Instant) {
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waited.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn flush(&self) {
        self.flushes.fetch_add(1, Ordering::Relaxed);
    }

    /// After a commit the log has this many pages; fewer than before where it began anew.
    pub(crate) fn logged(&self, pages: i64, page_bytes: i64) {
        let before = self.log_pages.swap(pages, Ordering::Relaxed);
        let new = if pages >= before { pages - before } else { pages };
        self.log_bytes.fetch_add(u64::try_from(new.saturating_mul(page_bytes)).unwrap_or(0), Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            statements: of(&self.statements),
            rows: of(&self.rows),
            commits: of(&self.commits),
            flushes: of(&self.flushes),
            log_bytes: of(&self.log_bytes),
            scanned: of(&self.scanned),
            waited: of(&self.waited),
        }
    }
}
