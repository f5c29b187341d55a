//! What is committed goes to the disk beside the work of the next group.
//!
//! SQLite writes a commit to its log and does not wait for the disk (`synchronous = NORMAL`: it still orders the log before
//! the file, so nothing can be torn). The waiting is done here, outside of the writer: one flush of the log serves all
//! commits that stand in it. Nobody is answered, neither who wrote nor who read, before everything that he could have seen
//! is on the disk.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::stats::Counters;
use crate::{Error, Result};

/// How long to wait for a commit that is being written just now.
const MOMENT: Duration = Duration::from_micros(50);

/// The log of a database file, and how much of it is on the disk.
pub(super) struct Disk {
    log: PathBuf,
    file: Mutex<Option<File>>,
    /// Commits that have begun: whoever opens a snapshot may see them …
    begun: AtomicU64,
    /// … that stand in the log …
    written: AtomicU64,
    /// … and that are on the disk.
    durable: AtomicU64,
    failed: AtomicBool,
    counters: Arc<Counters>,
}

impl Disk {
    pub(super) fn new(database: &Path, counters: Arc<Counters>) -> Self {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        Disk {
            log: log.into(),
            file: Mutex::new(None),
            begun: AtomicU64::new(0),
            written: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            counters,
        }
    }

    /// A commit begins; only the one writer calls this.
    pub(super) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The commit that began last stands in the log, or failed.
    pub(super) fn written(&self) {
        self.written.store(self.begun.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// The last commit that anybody can have seen by now.
    pub(super) fn seen(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// Refuses once the disk has failed: what is in memory and what is on the disk may differ from then on.
    pub(super) fn usable(&self) -> Result<()> {
        if self.failed.load(Ordering::SeqCst) {
            return Err(Error::Io("the disk did not take what was committed: start the program again".to_owned()));
        }
        Ok(())
    }

    /// Waits until this commit and all before it are on the disk.
    pub(super) fn reach(&self, commit: u64) -> Result<()> {
        while self.durable.load(Ordering::SeqCst) < commit {
            if self.written.load(Ordering::SeqCst) < commit {
                std::thread::sleep(MOMENT);
                continue;
            }
            let mut file = self.file.lock();
            // Whoever waited for the file here may have waited for a flush that failed.
            self.usable()?;
            if self.durable.load(Ordering::SeqCst) >= commit {
                break;
            }
            let written = self.written.load(Ordering::SeqCst);
            if let Err(error) = self.flush(&mut file) {
                // A second flush would say that all is well, and would not be telling the truth.
                self.failed.store(true, Ordering::SeqCst);
                tracing::error!(%error, "the log could not be brought to the disk");
                return Err(Error::Io(format!("{}: {error}", self.log.display())));
            }
            self.durable.store(written, Ordering::SeqCst);
        }
        Ok(())
    }

    fn flush(&self, file: &mut Option<File>) -> std::io::Result<()> {
        let file = match file {
            Some(file) => file,
            // The log keeps its file as long as the writer's connection is open.
            none => none.insert(File::open(&self.log)?),
        };
        self.counters.flush();
        file.sync_data()
    }
}
