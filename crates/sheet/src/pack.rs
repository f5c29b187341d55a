//! The frame of a packed file, written forwards only.

use flate2::{Compression, Crc, write::DeflateEncoder};
use std::io::Write;

/// One part of a packed file.
pub(crate) struct Entry {
    name: String,
    crc: u32,
    packed: u32,
    size: u32,
    method: u16,
    flags: u16,
}

impl Entry {
    /// A part as it stands.
    pub fn stored(name: String, content: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(content);
        let size = content.len() as u32;
        Self { name, crc: crc.sum(), packed: size, size, method: 0, flags: 0x800 }
    }

    fn fields(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(26);
        out.extend(20_u16.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        // Midnight of the first day that the format knows: the same content gives the same bytes.
        out.extend([0, 0, 0x21, 0]);
        out.extend(self.crc.to_le_bytes());
        out.extend(self.packed.to_le_bytes());
        out.extend(self.size.to_le_bytes());
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend(0_u16.to_le_bytes());
        out
    }
}

/// What stands at the end of a packed file, collected on the way.
#[derive(Default)]
pub(crate) struct Zip {
    directory: Vec<u8>,
    count: u16,
    offset: u64,
}

impl Zip {
    fn listed(&mut self, entry: &Entry, at: u64) {
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(20_u16.to_le_bytes());
        self.directory.extend(entry.fields());
        self.directory.extend([0; 10]);
        self.directory.extend((at as u32).to_le_bytes());
        self.directory.extend(entry.name.as_bytes());
        self.count += 1;
    }

    /// The head of a part whose size is known; the part itself comes after it.
    pub fn entry(&mut self, out: &mut Vec<u8>, entry: &Entry) {
        let at = self.offset;
        let before = out.len();
        out.extend(b"PK\x03\x04");
        out.extend(entry.fields());
        out.extend(entry.name.as_bytes());
        self.offset += (out.len() - before) as u64 + u64::from(entry.packed);
        self.listed(entry, at);
    }

    /// The end of the file.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        out.extend(&self.directory);
        out.extend(b"PK\x05\x06");
        out.extend([0; 4]);
        out.extend(self.count.to_le_bytes());
        out.extend(self.count.to_le_bytes());
        out.extend((self.directory.len() as u32).to_le_bytes());
        out.extend((self.offset as u32).to_le_bytes());
        out.extend([0; 2]);
    }

    /// A whole small part, packed.
    pub fn whole(&mut self, out: &mut Vec<u8>, name: &str, content: &[u8]) {
        let entry = Entry::stored(name.to_owned(), content);
        self.entry(out, &entry);
        out.extend_from_slice(content);
    }
}

/// A part that grows: packed as it comes, its size told after it.
pub(crate) struct Growing {
    name: String,
    at: u64,
    crc: Crc,
    size: u64,
    packed: u64,
    packer: DeflateEncoder<Vec<u8>>,
}

impl Growing {
    /// Begins a part.
    pub fn begin(zip: &mut Zip, out: &mut Vec<u8>, name: &str) -> Self {
        let entry = Entry { name: name.to_owned(), crc: 0, packed: 0, size: 0, method: 8, flags: 0x808 };
        let at = zip.offset;
        let before = out.len();
        out.extend(b"PK\x03\x04");
        out.extend(entry.fields());
        out.extend(entry.name.as_bytes());
        zip.offset += (out.len() - before) as u64;
        let packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        Self { name: entry.name, at, crc: Crc::new(), size: 0, packed: 0, packer }
    }

    /// Adds to it; what is packed already goes to `out`.
    pub fn add(&mut self, out: &mut Vec<u8>, content: &[u8]) {
        self.crc.update(content);
        self.size += content.len() as u64;
        // Into memory: it does not fail.
        let _ = self.packer.write_all(content);
        self.move_on(out);
    }

    fn move_on(&mut self, out: &mut Vec<u8>) {
        let ready = self.packer.get_mut();
        self.packed += ready.len() as u64;
        out.append(ready);
    }

    /// Ends it; whether it stayed within what the format can tell.
    pub fn end(mut self, zip: &mut Zip, out: &mut Vec<u8>) -> bool {
        let rest = self.packer.finish().unwrap_or_default();
        self.packed += rest.len() as u64;
        out.extend(rest);
        let fits = self.size <= u64::from(u32::MAX) && self.packed <= u64::from(u32::MAX);
        let entry = Entry {
            name: std::mem::take(&mut self.name),
            crc: self.crc.sum(),
            packed: self.packed as u32,
            size: self.size as u32,
            method: 8,
            flags: 0x808,
        };
        out.extend(b"PK\x07\x08");
        out.extend(entry.crc.to_le_bytes());
        out.extend(entry.packed.to_le_bytes());
        out.extend(entry.size.to_le_bytes());
        zip.offset += self.packed + 16;
        zip.listed(&entry, self.at);
        fits && zip.offset <= u64::from(u32::MAX)
    }
}
