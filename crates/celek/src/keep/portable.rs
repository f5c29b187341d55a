//! Backups that fit either kind of database: one compressed file, proved as it is read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use kernel::{
    Finding, Kernel,
    portable::{Tally, verify},
};
use serde_json::json;

use crate::{
    failure::Failure,
    open,
    output::{print_json, print_line},
};

/// What every file that is compressed this way begins with.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// What was written, or put back.
pub struct Done {
    tally: Tally,
    bytes: u64,
}

impl Done {
    /// Tells it.
    pub fn tell(&self, file: &Path, json: bool) -> ExitCode {
        let Tally { tables, rows, files } = self.tally;
        let (name, bytes) = (file.display().to_string(), self.bytes);
        if json {
            print_json(&json!({"file": name, "bytes": bytes, "tables": tables, "rows": rows, "stored_files": files}));
        } else {
            print_line(&format!("{name}: {bytes} bytes, {rows} rows in {tables} tables, {files} stored files"));
        }
        ExitCode::SUCCESS
    }
}

fn no(file: &Path) -> impl Fn(io::Error) -> Failure {
    let name = file.display().to_string();
    move |error| Failure::no(format!("{name}: {error}"))
}

/// Whether a file is such a backup.
pub fn is_one(file: &Path) -> io::Result<bool> {
    let mut begin = Vec::new();
    File::open(file)?.take(4).read_to_end(&mut begin)?;
    Ok(begin == MAGIC)
}

/// Writes a backup, which appears under its name when it is complete and on the disk.
pub fn write(kernel: &Kernel, file: &Path) -> Result<Done, Failure> {
    let no = no(file);
    if file.exists() {
        return Err(Failure::no(format!(
            "{} exists already and is not written over: name another file, or move it away",
            file.display()
        )));
    }
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(&no)?;
    let part = PathBuf::from(format!("{}.partial", file.display()));
    let written = compressed(kernel, &part);
    let written = written.and_then(|tally| {
        fs::rename(&part, file).and_then(|()| File::open(folder)?.sync_all()).map_err(&no)?;
        Ok(Done { tally, bytes: fs::metadata(file).map_or(0, |m| m.len()) })
    });
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

fn compressed(kernel: &Kernel, part: &Path) -> Result<Tally, Failure> {
    let no = no(part);
    let mut how = OpenOptions::new();
    // Of our own: what lies there under this name is left from an earlier try, or is somebody's trap.
    let _ = fs::remove_file(part);
    how.write(true).create_new(true);
    #[cfg(unix)]
    {
        // It holds everything that the database holds.
        use std::os::unix::fs::OpenOptionsExt;
        how.mode(0o600);
    }
    let file = how.open(part).map_err(&no)?;
    let mut packed = zstd::Encoder::new(BufWriter::new(file), 3).map_err(&no)?;
    packed.include_checksum(true).map_err(&no)?;
    let mut buffered = BufWriter::with_capacity(1 << 16, packed);
    let tally = kernel.write_whole(&mut buffered).map_err(|e| Failure::no(e.to_string()))?;
    let packed = buffered.into_inner().map_err(|e| no(e.into_error()))?;
    let mut file = packed.finish().map_err(&no)?;
    file.flush().and_then(|()| file.get_ref().sync_all()).map_err(&no)?;
    Ok(tally)
}

fn unpacked(file: &Path) -> io::Result<Box<dyn Read>> {
    Ok(Box::new(BufReader::with_capacity(1 << 16, zstd::Decoder::new(File::open(file)?)?)))
}

/// Puts a backup back: it is read through first, so that a damaged one makes nothing; then everything goes in in one
/// transaction, and all invariants are proved.
pub fn restore(db: &str, file: &Path) -> Result<Done, Failure> {
    let told = |error: &dyn std::fmt::Display| Failure::no(format!("{}: {error}", file.display()));
    unpacked(file).map_err(|e| told(&e)).and_then(|mut input| verify(&mut *input).map_err(|e| told(&e)))?;
    let new = if open::on_server(db) { None } else { Some(open::file(db)?) };
    if let Some(path) = new.filter(|path| path.exists()) {
        return Err(Failure::no(format!(
            "{} exists already and is not written over: name another file, or move it away",
            path.display()
        )));
    }
    let kernel = open::or_create(db)?;
    let read = kernel.read_whole(&|| unpacked(file)).map_err(|e| told(&e));
    let closed = kernel.close();
    let tally = match read {
        Ok(tally) => tally,
        Err(failure) => {
            // The file was made for it.
            for end in new.iter().flat_map(|_| ["", "-wal", "-shm"]) {
                let _ = fs::remove_file(format!("{}{end}", new.unwrap_or(Path::new("")).display()));
            }
            return Err(failure);
        }
    };
    closed.map_err(|e| told(&e))?;
    let kernel = open::existing(db)?;
    let findings = kernel.check(true).map_err(|e| told(&e))?;
    if let Some(broken) = findings.iter().find(|finding| !Finding::holds(finding)) {
        return Err(Failure::no(format!(
            "everything was put back, but {} does not hold: see celek check --full --db {}",
            broken.check,
            open::shown(db)
        )));
    }
    Ok(Done { tally, bytes: fs::metadata(file).map_or(0, |m| m.len()) })
}
