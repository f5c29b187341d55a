//! Packed files under limits. What is read is unpacked here, entry by entry, and given on unpacked: nobody behind this trusts
//! a size that the file itself tells.

use std::io::Read;

use crate::{
    Error,
    pack::{Entry, Zip},
};

/// Most entries of a file.
const ENTRIES: usize = 2_000;

fn broken(why: &str) -> Error {
    Error::Broken(why.to_owned())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

/// Whether an entry says anything about cells.
fn wanted(name: &str) -> bool {
    (name.ends_with(".xml") || name.ends_with(".rels"))
        && !["docProps/", "xl/drawings/", "xl/charts/", "xl/media/", "xl/theme/", "customXml/"]
            .iter()
            .any(|other| name.starts_with(other))
}

/// The same file with the entries that matter, unpacked.
///
/// # Errors
/// Where it is no such file, or more than the limit when unpacked.
pub(crate) fn unpacked(content: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
    let tail = content.len().saturating_sub(66_000);
    let end = content[tail..].windows(4).rposition(|w| w == b"PK\x05\x06").map(|at| tail + at);
    let end = end.ok_or_else(|| broken("it is cut off"))?;
    let short = || broken("its directory is damaged");
    let count = u16_at(content, end + 10).ok_or_else(short)?;
    let mut at = u32_at(content, end + 16).ok_or_else(short)?;
    if count > ENTRIES {
        return Err(broken("it has too many parts"));
    }
    let mut zip = Zip::default();
    let mut out = Vec::new();
    let mut sum = 0;
    for _ in 0..count {
        if content.get(at..at + 4) != Some(b"PK\x01\x02") {
            return Err(short());
        }
        let flags = u16_at(content, at + 8).ok_or_else(short)?;
        let method = u16_at(content, at + 10).ok_or_else(short)?;
        let size = u32_at(content, at + 20).ok_or_else(short)?;
        let lengths = [28, 30, 32].map(|offset| u16_at(content, at + offset));
        let [Some(name_len), Some(extra), Some(comment)] = lengths else { return Err(short()) };
        let local = u32_at(content, at + 42).ok_or_else(short)?;
        let name = content.get(at + 46..at + 46 + name_len).ok_or_else(short)?;
        let name = std::str::from_utf8(name).map_err(|_| broken("a part has no name"))?.to_owned();
        at += 46 + name_len + extra + comment;
        if !wanted(&name) {
            continue;
        }
        if flags & 1 == 1 {
            return Err(broken("it is locked by a password"));
        }
        let local_name = u16_at(content, local + 26).ok_or_else(short)?;
        let local_extra = u16_at(content, local + 28).ok_or_else(short)?;
        let from = local + 30 + local_name + local_extra;
        let packed = content.get(from..from.saturating_add(size)).ok_or_else(short)?;
        let mut text = Vec::new();
        let left = limit.saturating_sub(sum);
        match method {
            0 => text.extend_from_slice(&packed[..packed.len().min(left + 1)]),
            8 => {
                let mut reader = flate2::read::DeflateDecoder::new(packed).take(left as u64 + 1);
                reader.read_to_end(&mut text).map_err(|_| broken("a part is damaged"))?;
            }
            _ => return Err(broken("it is packed in an unknown way")),
        }
        if text.len() > left {
            return Err(Error::TooLarge { max: limit });
        }
        sum += text.len();
        if name.ends_with("sharedStrings.xml") {
            no_promises(&mut text);
        }
        zip.entry(&mut out, &Entry::stored(name, &text));
        out.extend_from_slice(&text);
    }
    zip.end(&mut out);
    Ok(out)
}

/// How many texts there are is counted, not believed: room would be made for that many.
fn no_promises(text: &mut [u8]) {
    let head = text.windows(3).position(|w| w == b"<si").unwrap_or(text.len());
    let mut from = 0;
    while let Some(at) = text[from..head].windows(11).position(|w| w == b"uniqueCount") {
        text[from + at] = b'n';
        from += at + 11;
    }
}
