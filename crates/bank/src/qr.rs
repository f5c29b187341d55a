//! QR codes (ISO/IEC 18004).

use std::fmt;

use qrcode::{Color, EcLevel, QrCode};

/// The text does not fit in a QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QrError;

impl fmt::Display for QrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text does not fit in a QR code")
    }
}

impl std::error::Error for QrError {}

/// The modules of the QR code of a text, row by row, `true` for dark, without the quiet zone of four modules around it.
/// Error correction level M, as SPAYD and EPC069-12 ask.
///
/// # Errors
/// The text is too long: above 2,331 bytes, more where it is digits or capitals only.
pub fn qr_matrix(text: &str) -> Result<Vec<Vec<bool>>, QrError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| QrError)?;
    let modules = code.to_colors();
    Ok(modules.chunks(code.width().max(1)).map(|row| row.iter().map(|c| *c == Color::Dark).collect()).collect())
}

/// The QR code of a text as an SVG image, one unit a module, with the quiet zone of four modules. Black on white; the size
/// is left to the page.
///
/// # Errors
/// As [`qr_matrix`].
pub fn qr_svg(text: &str) -> Result<String, QrError> {
    let rows = qr_matrix(text)?;
    let side = rows.len() + 8;
    let mut path = String::new();
    for (y, row) in rows.iter().enumerate() {
        let mut x = 0;
        while let Some(dark) = row.get(x) {
            let run = row.iter().skip(x).take_while(|module| *module == dark).count();
            if *dark {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + 4, y + 4));
            }
            x += run;
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qrcode::Version;

    /// Reads an undamaged code back: takes the mask away, follows the modules, puts the blocks together. Error correction
    /// is not needed. Knows level M of the versions 1 to 9 and the modes alphanumeric and byte.
    fn read(text: &str) -> Option<String> {
        let rows = qr_matrix(text).ok()?;
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let Version::Normal(version) = code.version() else { return None };
        let side = rows.len();
        // The three bits of the mask among the format bits beside the upper left finder, themselves masked by 101010000010010.
        let bit = |x: usize| u8::from(rows[8][x]);
        assert_eq!([bit(0), bit(1)], [1, 0], "level M (00) under the mask of the format");
        let mask = (bit(2) ^ 1) << 2 | bit(3) << 1 | (bit(4) ^ 1);
        let flipped = |y: usize, x: usize| {
            let remainder = match mask {
                0 => (y + x) % 2,
                1 => y % 2,
                2 => x % 3,
                3 => (y + x) % 3,
                4 => (y / 2 + x / 3) % 2,
                5 => y * x % 2 + y * x % 3,
                6 => (y * x % 2 + y * x % 3) % 2,
                _ => ((y + x) % 2 + y * x % 3) % 2,
            };
            remainder == 0
        };
        let columns = (0..side).rev().filter(|x| *x != 6).collect::<Vec<_>>();
        let mut bits = Vec::new();
        for (pair, xs) in columns.chunks(2).enumerate() {
            for step in 0..side {
                let y = if pair % 2 == 0 { side - 1 - step } else { step };
                for &x in xs.iter().filter(|x| !code.is_functional(**x, y)) {
                    bits.push(rows[y][x] != flipped(y, x));
                }
            }
        }
        let words: Vec<u8> =
            bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect();
        // Data words of each block (ISO/IEC 18004, table 9, level M).
        let blocks: &[usize] = match version {
            1 => &[16],
            2 => &[28],
            3 => &[44],
            4 => &[32, 32],
            5 => &[43, 43],
            6 => &[27, 27, 27, 27],
            7 => &[31, 31, 31, 31],
            8 => &[38, 38, 39, 39],
            9 => &[36, 36, 36, 37, 37],
            _ => return None,
        };
        let mut data = vec![Vec::new(); blocks.len()];
        let mut next = words.into_iter();
        for at in 0..blocks.iter().copied().max()? {
            for (block, _) in blocks.iter().enumerate().filter(|(_, length)| at < **length) {
                data[block].push(next.next()?);
            }
        }
        let bits: Vec<u8> =
            data.concat().iter().flat_map(|word| (0..8).rev().map(move |bit| word >> bit & 1)).collect();
        let mut at = 0;
        let mut take = |count: usize| {
            at += count;
            bits[at - count..at].iter().fold(0_usize, |sum, bit| sum << 1 | usize::from(*bit))
        };
        const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
        let mut out = Vec::new();
        loop {
            match take(4) {
                0 => return String::from_utf8(out).ok(),
                1 => {
                    let mut left = take(10);
                    while left > 0 {
                        let count = left.min(3);
                        out.extend(format!("{:0count$}", take([0, 4, 7, 10][count])).bytes());
                        left -= count;
                    }
                }
                2 => {
                    let mut left = take(9);
                    while left > 0 {
                        if left == 1 {
                            out.push(LETTERS[take(6)]);
                            break;
                        }
                        let two = take(11);
                        out.extend([LETTERS[two / 45], LETTERS[two % 45]]);
                        left -= 2;
                    }
                }
                4 => {
                    for _ in 0..take(8) {
                        out.push(u8::try_from(take(8)).ok()?);
                    }
                }
                _ => return None,
            }
        }
    }

    #[test]
    fn read_back() {
        let spayd =
            "SPD*1.0*ACC:CZ6508000000192000145399*AM:480.50*CC:CZK*DT:20261124*MSG:FAKTURA C. 12/2026*X-VS:2026000012";
        let epc = "BCD\n002\n1\nSCT\n\nTruhlářství Dub\nCZ6508000000192000145399\nEUR12.30\n\n\nFaktura č. 12";
        for text in [spayd, epc, "A", "a text", "ŽIŽKA 123456789012345678901234567890"] {
            assert_eq!(read(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn drawing() {
        let rows = qr_matrix("SPD*1.0").unwrap_or_default();
        assert_eq!(rows.len(), 21);
        assert!(rows.iter().all(|row| row.len() == 21));
        assert!(rows[0][..7].iter().all(|dark| *dark) && !rows[0][7], "the finder's upper edge");
        let svg = qr_svg("SPD*1.0").unwrap_or_default();
        assert!(svg.starts_with("<svg") && svg.contains("viewBox=\"0 0 29 29\"") && svg.contains("M4 4h7v1h-7z"));
        assert_eq!(qr_svg(&"ž".repeat(2_000)), Err(QrError));
    }
}
