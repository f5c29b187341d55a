//! A consistent copy of a running database.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::errors::translate;
use super::session::Session;
use crate::{Error, Result};

/// How many pages are copied between two looks at a locked target.
const PAGES: i32 = 2000;

/// Copies the snapshot of `session` to a new file and gives it its name when it is complete and on the disk.
pub(super) fn write(session: &Session, source: &Path, to: &Path) -> Result<()> {
    if is_live(source, to) {
        return Err(Error::sql(format!("{} is the running database itself", to.display())));
    }
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(Error::NotFound(format!("directory {}", directory.display())));
    }
    let partial = suffixed(to, ".partial");
    let result = copy(session, &partial).and_then(|()| {
        fs::rename(&partial, to).and_then(|()| sync_directory(directory)).map_err(|error| io(to, &error))
    });
    if result.is_err() {
        remove(&partial);
    }
    result
}

fn copy(session: &Session, partial: &Path) -> Result<()> {
    let failed = |error| translate(error, "backup");
    remove(partial);
    super::ensure_file(partial, true)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(partial, flags).map_err(failed)?;
    target.execute_batch("PRAGMA synchronous = FULL; PRAGMA cache_size = -2048").map_err(failed)?;
    let backup = Backup::new(session.raw(), &mut target).map_err(failed)?;
    loop {
        match backup.step(PAGES).map_err(failed)? {
            StepResult::Done => break,
            StepResult::Busy | StepResult::Locked => std::thread::sleep(Duration::from_millis(5)),
            _ => {}
        }
    }
    drop(backup);
    target.close().map_err(|(_, error)| failed(error))?;
    File::open(partial).and_then(|file| file.sync_all()).map_err(|error| io(partial, &error))
}

/// Whether the target is the database or one of the files beside it.
fn is_live(source: &Path, to: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let to = real(to);
    ["", "-wal", "-shm", "-journal"].iter().any(|end| real(&suffixed(source, end)) == to)
}

fn suffixed(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn remove(partial: &Path) {
    for end in ["", "-journal", "-wal", "-shm"] {
        let _ = fs::remove_file(suffixed(partial, end));
    }
}

fn sync_directory(directory: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

fn io(path: &Path, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull => Error::Full,
        _ => Error::Io(format!("{}: {error}", path.display())),
    }
}
