//! Stored files: content-addressed on the disk beside the database, so that the same content is kept once.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Largest file that is taken in, in bytes.
pub const MAX_FILE: usize = 25 * 1024 * 1024;

/// The directory of stored files.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
}

fn io(error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::StorageFull {
        Error::new(507, "disk_full")
    } else {
        Error::internal(error.to_string())
    }
}

impl Files {
    /// Files under this directory; it is made when the first file comes.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, hash: &str) -> Result<PathBuf> {
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Error::internal("not a file's digest"));
        }
        Ok(self.root.join(&hash[..2]).join(hash))
    }

    /// Keeps a content and answers its digest. Durable before it returns; harmless when the transaction fails afterwards.
    ///
    /// # Errors
    /// `too_large`, a full disk.
    pub fn put(&self, content: &[u8]) -> Result<String> {
        self.put_up_to(content, MAX_FILE)
    }

    /// As [`Files::put`], up to another size: what comes from whoever may write the database.
    pub(crate) fn put_up_to(&self, content: &[u8], max: usize) -> Result<String> {
        if content.len() > max {
            return Err(Error::new(413, "too_large").with("max", (max / 1024 / 1024) as i64));
        }
        let hash = blake3::hash(content).to_hex().to_string();
        let path = self.path(&hash)?;
        if path.exists() {
            return Ok(hash);
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|e| io(&e))?;
        let part = folder.join(format!("{hash}.part{}", std::process::id()));
        let write = || -> std::io::Result<()> {
            use std::io::Write;
            let mut file = std::fs::File::create(&part)?;
            file.write_all(content)?;
            file.sync_all()?;
            std::fs::rename(&part, &path)?;
            std::fs::File::open(folder)?.sync_all()
        };
        write().map_err(|e| io(&e))?;
        Ok(hash)
    }

    /// Reads a content.
    ///
    /// # Errors
    /// 404 where it is not there, internal where it was damaged.
    pub fn get(&self, hash: &str) -> Result<Vec<u8>> {
        let content = std::fs::read(self.path(hash)?).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::not_found("file", hash),
            _ => io(&e),
        })?;
        if blake3::hash(&content).to_hex().as_str() != hash {
            return Err(Error::internal(format!("file {hash} is damaged")));
        }
        Ok(content)
    }
}

/// The media type by the content itself; never one that a browser would run.
pub fn sniff(content: &[u8], name: &str) -> &'static str {
    let starts = |magic: &[u8]| content.starts_with(magic);
    let ending = name.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
    if starts(b"%PDF-") {
        "application/pdf"
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        "image/png"
    } else if starts(b"\xff\xd8\xff") {
        "image/jpeg"
    } else if starts(b"GIF8") {
        "image/gif"
    } else if content.len() > 12 && starts(b"RIFF") && &content[8..12] == b"WEBP" {
        "image/webp"
    } else if starts(b"PK\x03\x04") {
        match ending.as_str() {
            "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            _ => "application/zip",
        }
    } else if std::str::from_utf8(content).is_ok_and(|t| !t.contains('\0')) {
        match ending.as_str() {
            "csv" => "text/csv",
            "json" => "application/json",
            "xml" | "svg" | "html" | "htm" | "xhtml" => "application/octet-stream",
            _ => "text/plain",
        }
    } else {
        "application/octet-stream"
    }
}

/// Whether a media type may be shown inside a page of ours.
pub fn inline(media_type: &str) -> bool {
    matches!(media_type, "application/pdf" | "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "text/plain")
}
