//! What the work on a database has cost so far.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

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
}

impl Counters {
    pub(crate) fn statement(&self, rows: u64) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
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
        }
    }
}
