//! Backups of a running system, and putting one back.

mod portable;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;
use store::Store;

use crate::{
    failure::Failure,
    open,
    output::{print_json, print_line},
};

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".files");
    PathBuf::from(name)
}

/// Copies stored files that are not there yet: their names are digests of their content, and none is ever changed.
fn copy_files(from: &Path, to: &Path) -> io::Result<u64> {
    let mut copied = 0;
    if !from.is_dir() {
        return Ok(0);
    }
    for folder in fs::read_dir(from)? {
        let folder = folder?;
        if !folder.file_type()?.is_dir() {
            continue;
        }
        let target = to.join(folder.file_name());
        fs::create_dir_all(&target)?;
        for file in fs::read_dir(folder.path())? {
            let file = file?;
            let name = file.file_name();
            let (whole, there) = (name.len() == 64, target.join(&name));
            if whole && !there.exists() {
                let part = target.join(format!("{}.part", name.to_string_lossy()));
                fs::copy(file.path(), &part)?;
                fs::File::open(&part)?.sync_all()?;
                fs::rename(&part, &there)?;
                copied += 1;
            }
        }
    }
    Ok(copied)
}

fn copy(from: &Path, to: &Path, json: bool) -> Result<ExitCode, Failure> {
    if to.exists() {
        return Err(Failure::no(format!(
            "{} exists already and is not written over: name another file, or move it away",
            to.display()
        )));
    }
    let options = store::Options { create: false, ..store::Options::default() };
    let store = Store::open(&format!("sqlite:{}", from.display()), options)
        .map_err(|e| Failure::no(format!("{}: {e}", from.display())))?;
    if let Some(folder) = to.parent().filter(|f| !f.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|e| Failure::no(e.to_string()))?;
    }
    // The database first: a file is stored before the record that names it, so none is missing.
    store.backup(to).map_err(|e| Failure::no(e.to_string()))?;
    let files = copy_files(&beside(from), &beside(to)).map_err(|e| Failure::no(e.to_string()))?;
    let _ = store.close();
    let size = fs::metadata(to).map_or(0, |m| m.len());
    if json {
        print_json(&json!({"file": to.display().to_string(), "bytes": size, "stored_files": files}));
    } else {
        print_line(&format!("{}: {size} bytes, {files} stored files", to.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// `celek backup`: a copy of the file, or what fits either kind of database.
pub fn backup(db: &str, file: &Path, portable: bool, json: bool) -> Result<ExitCode, Failure> {
    if portable || open::on_server(db) {
        let kernel = open::existing(db)?;
        return portable::write(&kernel, file).map(|written| written.tell(file, json));
    }
    let from = open::file(db)?;
    if !from.exists() {
        return Err(open::missing(from));
    }
    copy(from, file, json)
}

/// `celek restore`.
pub fn restore(db: &str, file: &Path, json: bool) -> Result<ExitCode, Failure> {
    if !file.exists() {
        return Err(Failure::usage(format!("there is no backup {}", file.display())));
    }
    if portable::is_one(file).map_err(|e| Failure::no(format!("{}: {e}", file.display())))? {
        return portable::restore(db, file).map(|read| read.tell(file, json));
    }
    if open::on_server(db) {
        return Err(Failure::usage(format!(
            "{} is a copy of a file: put it back as a file, and take it to the server with celek move",
            file.display()
        )));
    }
    copy(file, open::file(db)?, json)
}

/// `celek move`: all of one database into another, which must be empty.
pub fn carry(from: &str, to: &str, json: bool) -> Result<ExitCode, Failure> {
    let between = std::env::temp_dir().join(format!("celek-move-{}.celek", std::process::id()));
    let kernel = open::existing(from)?;
    let moved = portable::write(&kernel, &between).and_then(|_| portable::restore(to, &between));
    let _ = fs::remove_file(&between);
    let told = moved?;
    if !json {
        print_line(&format!("{} is now in {} too; the former is left as it is", open::shown(from), open::shown(to)));
    }
    Ok(told.tell(&between, json))
}
