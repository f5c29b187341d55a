//! The driver for SQLite: one writer with group commit, several readers, one file.

mod backup;
mod disk;
mod errors;
mod group;
mod introspect;
mod raw;
mod readers;
mod session;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::disk::Disk;
use self::group::Writer;
use self::readers::{Reader, Readers};
use self::session::{Role, Session};
use crate::inside::{Inside, is_inside};
use crate::stats::{Counters, Stats};
use crate::{Conn, Error, Folded, Options, Result};

/// An opened database file.
pub(crate) struct Database {
    path: PathBuf,
    options: Options,
    writer: Writer,
    readers: Readers,
    counters: Arc<Counters>,
    disk: Arc<Disk>,
}

impl Database {
    /// Opens the file, and makes it when the options say so.
    pub(crate) fn open(path: &Path, options: Options) -> Result<Self> {
        if path.as_os_str().is_empty() || path == Path::new(":memory:") {
            return Err(Error::sql("the database needs a file: write sqlite:FILE"));
        }
        ensure_file(path, options.create)?;
        let path = std::path::absolute(path).map_err(|error| Error::Io(format!("{}: {error}", path.display())))?;
        let counters = Arc::new(Counters::default());
        let session = Session::open(&path, Role::Writer, &options, counters.clone())?;
        let disk = Arc::new(Disk::new(&path, counters.clone()));
        let writer = Writer::new(session, options.busy, counters.clone(), disk.clone())?;
        let readers = Readers::new(path.clone(), options.clone(), counters.clone());
        Ok(Database { path, options, writer, readers, counters, disk })
    }

    pub(crate) fn read<T, E: From<Error>>(
        &self,
        limit: Option<Duration>,
        f: impl FnOnce(&mut dyn Conn) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut reader = self.reader()?;
        let _inside = Inside::enter(&self.readers);
        if let Some(limit) = limit {
            reader.limit(limit)?;
        }
        let session = reader.session()?;
        let seen = self.disk.seen();
        let answer = f(session);
        drop(reader);
        self.disk.reach(seen)?;
        answer
    }

    pub(crate) fn write<T, E: From<Error>>(
        &self,
        f: impl FnMut(&mut dyn Conn) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.writer.write(f)
    }

    pub(crate) fn data_version(&self) -> Result<i64> {
        self.writer.data_version()
    }

    pub(crate) fn commits(&self) -> u64 {
        self.counters.stats().commits
    }

    pub(crate) fn stats(&self) -> Stats {
        self.counters.stats()
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn raw_rate(&self, callers: usize, rows: usize, time: Duration) -> Result<f64> {
        raw::rate(&self.path, callers.clamp(1, group::MEMBERS as usize), rows, time)
    }

    pub(crate) fn backup(&self, to: &Path) -> Result<()> {
        let mut reader = self.reader()?;
        backup::write(reader.session()?, &self.path, to)
    }

    pub(crate) fn close(&self) -> Result<()> {
        let session = self.writer.close()?;
        self.readers.close();
        match session {
            Some(mut session) => session.fold_all(),
            None => Ok(()),
        }
    }

    /// Folds the log on a connection of its own, beside the writer.
    pub(crate) fn fold(&self) -> Result<Folded> {
        let mut session = Session::open(&self.path, Role::Reader, &self.options, self.counters.clone())?;
        session.fold()
    }

    /// A reader. Who reads or writes already must not wait for one: all may be taken by threads that wait for him.
    fn reader(&self) -> Result<Reader<'_>> {
        self.readers.take(is_inside(&self.readers) || self.writer.is_inside())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes the file, readable only for its owner, or says what is missing.
fn ensure_file(path: &Path, create: bool) -> Result<()> {
    if path.is_dir() {
        return Err(Error::Io(format!("{} is a directory, the database needs a file", path.display())));
    }
    if path.exists() {
        return Ok(());
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(Error::NotFound(format!("directory {}", directory.display())));
    }
    if !create {
        return Err(Error::NotFound(format!("database {}", path.display())));
    }
    let mut how = OpenOptions::new();
    how.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        how.mode(0o600);
    }
    how.open(path).map(|_| ()).map_err(|error| Error::Io(format!("{}: {error}", path.display())))
}
