//! What stands in a document beside texts: the logo, the payment code, embedded files.

use crate::{Attachment, TypesetError};

const MAX_LOGO: usize = 1024 * 1024;
const MAX_SIDE: u32 = 4_096;
const MAX_ATTACHMENTS: usize = 8;
const MAX_ATTACHED: usize = 10 * 1024 * 1024;

/// The file name under which the template finds the logo; its ending says the format.
///
/// # Errors
/// Not one of the formats, too large, or an SVG that is not plain.
pub(crate) fn logo_name(bytes: &[u8]) -> Result<&'static str, TypesetError> {
    let refused = |why: &str| Err(TypesetError::Logo(why.to_owned()));
    if bytes.len() > MAX_LOGO {
        return refused("larger than 1 MB");
    }
    let (name, size) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        ("logo.png", png_size(bytes))
    } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        ("logo.jpg", jpeg_size(bytes))
    } else {
        return if plain_svg(bytes) { Ok("logo.svg") } else { refused("not a PNG, JPEG or plain SVG image") };
    };
    match size {
        Some((width, height)) if (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height) => Ok(name),
        Some(_) => refused("wider or higher than 4,096 pixels"),
        None => refused("damaged"),
    }
}

fn big_endian(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

/// Width and height from the first chunk (PNG, 11.2.1).
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.get(12..24).filter(|header| header.starts_with(b"IHDR"))?;
    Some((big_endian(header.get(4..8)?), big_endian(header.get(8..12)?)))
}

/// Width and height from the frame header (ITU-T T.81, B.2.2).
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let [0xff, kind] = *bytes.get(at..at + 2)? else { return None };
        match kind {
            0xff => at += 1,
            0xc0..=0xcf if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => {
                return Some((big_endian(bytes.get(at + 7..at + 9)?), big_endian(bytes.get(at + 5..at + 7)?)));
            }
            0x01 | 0xd0..=0xd8 => at += 2,
            0xd9 | 0xda => return None,
            _ => at += 2 + usize::try_from(big_endian(bytes.get(at + 2..at + 4)?)).ok()?,
        }
    }
}

/// Whether an SVG keeps to shapes and text: nothing that refers outside, multiplies itself or is costly.
fn plain_svg(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let text = text.to_ascii_lowercase();
    let inside = [
        "<!doctype",
        "<!entity",
        "<use",
        "<image",
        "<feimage",
        "<filter",
        "<script",
        "<foreignobject",
        "<pattern",
        "url(http",
    ];
    text.len() <= 256 * 1024
        && text.contains("<svg")
        && !inside.iter().any(|part| text.contains(part))
        && !prefixed(&text)
}

/// Whether elements have prefixes, behind which the names above could hide.
fn prefixed(text: &str) -> bool {
    text.split('<').skip(1).any(|tag| {
        let name = tag.trim_start_matches('/').split(|c: char| c.is_whitespace() || c == '>' || c == '/').next();
        name.is_some_and(|name| {
            name.contains(':')
                && !name.starts_with("sodipodi:")
                && !name.starts_with("rdf:")
                && !name.starts_with("cc:")
                && !name.starts_with("dc:")
        })
    })
}

/// The modules of a QR code as an SVG of one path, with the quiet zone of four modules around it. Rows overlap a little, so
/// that no hairlines show between them.
pub(crate) fn qr_svg(rows: &[Vec<bool>]) -> String {
    let side = rows.len() + 8;
    let mut path = String::new();
    for (y, row) in rows.iter().enumerate() {
        let mut x = 0;
        while let Some(dark) = row.get(x) {
            let run = row.iter().skip(x).take_while(|module| *module == dark).count();
            if *dark {
                path.push_str(&format!("M{} {}h{run}v1.01h-{run}z", x + 4, y + 4));
            }
            x += run;
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" width=\"{side}\" height=\"{side}\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    )
}

/// Whether the files may be embedded.
///
/// # Errors
/// Too many, too large, a bad or repeated name or media type.
pub(crate) fn check_attachments(files: &[Attachment<'_>]) -> Result<(), TypesetError> {
    let refused = |why: &str| Err(TypesetError::Attachment(why.to_owned()));
    if files.len() > MAX_ATTACHMENTS || files.iter().map(|file| file.bytes.len()).sum::<usize>() > MAX_ATTACHED {
        return refused("too many or too large");
    }
    for (at, file) in files.iter().enumerate() {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let sound = |text: &str, extra: &[u8]| {
            !text.is_empty() && text.len() <= 100 && text.bytes().all(|byte| letter(byte) || extra.contains(&byte))
        };
        if !sound(file.name, b"")
            || file.name.starts_with('.')
            || files.iter().take(at).any(|other| other.name == file.name)
        {
            return refused("a name that is not allowed or repeats");
        }
        if !sound(file.media_type, b"/+") || file.media_type.matches('/').count() != 1 {
            return refused("not a media type");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logos() {
        let png = |width: u32, height: u32| {
            [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &width.to_be_bytes(), &height.to_be_bytes()].concat()
        };
        assert_eq!(logo_name(&png(100, 50)), Ok("logo.png"));
        assert!(logo_name(&png(100_000, 50)).is_err() && logo_name(&png(0, 1)).is_err());
        assert!(logo_name(&png(1, 1)[..20]).is_err());
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc2, 0, 11, 8, 0, 50, 0, 100, 1];
        assert_eq!(jpeg_size(&jpeg), Some((100, 50)));
        assert_eq!(logo_name(&jpeg), Ok("logo.jpg"));
        for end in 0..jpeg.len() - 1 {
            assert!(logo_name(&jpeg[..end]).is_err());
        }
        assert!(logo_name(&[0xff, 0xd8, 0xff, 0xe0, 0, 0].repeat(3)).is_err());
        assert_eq!(logo_name(b"<svg xmlns='x'><path d='M0 0h1v1z'/></svg>"), Ok("logo.svg"));
        for svg in [
            "<svg><use href='#a'/></svg>",
            "<!DOCTYPE svg><svg/>",
            "<svg><IMAGE/></svg>",
            "<svg><s:use/></svg>",
            "text",
        ] {
            assert!(logo_name(svg.as_bytes()).is_err(), "{svg}");
        }
        assert!(logo_name(&vec![0; MAX_LOGO + 1]).is_err());
    }

    #[test]
    fn attachments() {
        let file =
            Attachment { name: "a.xml", media_type: "text/xml", description: "", alternative: true, bytes: b"x" };
        assert_eq!(check_attachments(&[file]), Ok(()));
        assert!(check_attachments(&[file, file]).is_err());
        for name in ["", "a/b", "../a", ".a", "ž", &"a".repeat(101)] {
            assert!(check_attachments(&[Attachment { name, ..file }]).is_err());
        }
        for media_type in ["", "text", "a/b/c", "a b/c"] {
            assert!(check_attachments(&[Attachment { media_type, ..file }]).is_err());
        }
    }
}
