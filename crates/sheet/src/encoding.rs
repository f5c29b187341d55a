//! Bytes to text: UTF-8 and UTF-16 by their marks, windows-1250 where it can be nothing else.

use std::borrow::Cow;

use crate::Error;

/// How a text was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, as everybody should.
    Utf8,
    /// UTF-16 with its mark: "Unicode text" of spreadsheets.
    Utf16,
    /// What is no UTF-8 is taken for the code page of Central European Windows.
    Windows1250,
}

impl Encoding {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Windows1250 => "windows-1250",
        }
    }
}

/// The upper half of windows-1250; what it does not define is the replacement character.
const UPPER: &str = "€\u{fffd}‚\u{fffd}„…†‡\u{fffd}‰Š‹ŚŤŽŹ\u{fffd}‘’“”•–—\u{fffd}™š›śťžź\u{a0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{ad}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙";

/// Reads bytes as text.
///
/// # Errors
/// Unknown where it is no text.
pub(crate) fn decode(content: &[u8]) -> Result<(Cow<'_, str>, Encoding), Error> {
    let wide = |read: fn([u8; 2]) -> u16| {
        let units = content[2..].chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().map_err(|_| Error::Unknown)
    };
    if content.starts_with(b"\xff\xfe") {
        return Ok((Cow::Owned(wide(u16::from_le_bytes)?), Encoding::Utf16));
    }
    if content.starts_with(b"\xfe\xff") {
        return Ok((Cow::Owned(wide(u16::from_be_bytes)?), Encoding::Utf16));
    }
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    if content.contains(&0) {
        return Err(Error::Unknown);
    }
    if let Ok(text) = std::str::from_utf8(content) {
        return Ok((Cow::Borrowed(text), Encoding::Utf8));
    }
    let upper: Vec<char> = UPPER.chars().collect();
    let text = content
        .iter()
        .map(|b| {
            if b.is_ascii() { char::from(*b) } else { upper.get(usize::from(*b) - 128).copied().unwrap_or('\u{fffd}') }
        })
        .collect();
    Ok((Cow::Owned(text), Encoding::Windows1250))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_page_is_whole() {
        assert_eq!(UPPER.chars().count(), 128);
        let (text, encoding) = decode(b"P\xf8\xedli\x9a \x9elu\x9dou\xe8k\xfd k\xf9\xf2").expect("it is read");
        assert_eq!((&*text, encoding), ("Příliš žluťoučký kůň", Encoding::Windows1250));
    }

    #[test]
    fn marks_are_no_text() {
        assert_eq!(decode(b"\xef\xbb\xbfa").expect("it is read").0, "a");
        assert_eq!(decode(b"\xff\xfea\0\x0d\x01").expect("it is read"), (Cow::Borrowed("ač"), Encoding::Utf16));
        assert_eq!(decode(b"\xfe\xff\0a").expect("it is read").0, "a");
        assert_eq!(decode(b"a\0b"), Err(Error::Unknown));
        assert_eq!(decode(b"\xff\xfe\x00\xd8").map(|_| ()), Err(Error::Unknown));
    }
}
