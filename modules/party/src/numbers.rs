//! Numbers by which registers know a party: what looks wrong is told beside the form, never refused, since the register is
//! right and our table may be old.

use kernel::{Cx, Note};

use crate::party::Party;

/// Shapes of VAT numbers by the prefix of the country (EU Council Regulation 904/2010, VIES): `9` is a digit, `A` a capital
/// letter, `X` either, `+` one of the signs that Ireland uses beside them.
const VAT: &[(&str, &[&str])] = &[
    ("AT", &["U99999999"]),
    ("BE", &["9999999999"]),
    ("BG", &["999999999", "9999999999"]),
    ("CY", &["99999999A"]),
    ("CZ", &["99999999", "999999999", "9999999999"]),
    ("DE", &["999999999"]),
    ("DK", &["99999999"]),
    ("EE", &["999999999"]),
    ("EL", &["999999999"]),
    ("ES", &["X9999999X"]),
    ("FI", &["99999999"]),
    ("FR", &["XX999999999"]),
    ("GB", &["999999999", "999999999999", "GD999", "HA999"]),
    ("HR", &["99999999999"]),
    ("HU", &["99999999"]),
    ("IE", &["9+99999A", "9999999A", "9999999AA"]),
    ("IT", &["99999999999"]),
    ("LT", &["999999999", "999999999999"]),
    ("LU", &["99999999"]),
    ("LV", &["99999999999"]),
    ("MT", &["99999999"]),
    ("NL", &["XXXXXXXXXXXX"]),
    ("PL", &["9999999999"]),
    ("PT", &["999999999"]),
    ("RO", &["99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999"]),
    ("SE", &["999999999999"]),
    ("SI", &["99999999"]),
    ("SK", &["9999999999"]),
    ("XI", &["999999999", "999999999999", "GD999", "HA999"]),
];

fn fits(shape: &str, text: &str) -> bool {
    shape.chars().count() == text.chars().count()
        && shape.chars().zip(text.chars()).all(|(wanted, c)| match wanted {
            '9' => c.is_ascii_digit(),
            'A' => c.is_ascii_uppercase(),
            'X' => c.is_ascii_digit() || c.is_ascii_uppercase(),
            '+' => c.is_ascii_digit() || c.is_ascii_uppercase() || "+*".contains(c),
            fixed => c == fixed,
        })
}

/// Whether a Czech or Slovak registration number (IČO) is eight digits of which the last fits the others: the weights 8 to 2,
/// modulo 11.
pub(crate) fn is_ico(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if text.chars().count() != 8 || digits.len() != 8 {
        return false;
    }
    let sum: u32 = digits.iter().zip((2..=8).rev()).map(|(digit, weight)| digit * weight).sum();
    digits.last() == Some(&((11 - sum % 11) % 10))
}

/// Whether a VAT number has a shape that its country gives; numbers of countries that are not in the table are not judged.
pub(crate) fn is_vat(text: &str) -> bool {
    let Some((prefix, rest)) = text.split_at_checked(2) else { return false };
    match VAT.iter().find(|(country, _)| *country == prefix) {
        // Eight digits after CZ are the registration number of a company.
        Some((_, shapes)) if prefix == "CZ" && rest.len() == 8 => shapes.iter().any(|s| fits(s, rest)) && is_ico(rest),
        Some((_, shapes)) => shapes.iter().any(|shape| fits(shape, rest)),
        None => prefix.bytes().all(|b| b.is_ascii_uppercase()),
    }
}

/// Tells what looks wrong with the numbers that were given or changed.
pub(crate) fn doubt(old: Option<&Party>, new: &Party, cx: &mut Cx<'_>) {
    let country = new.country.as_ref().map_or("", |country| country.0.as_str());
    if let Some(number) = &new.reg_no
        && old.is_none_or(|old| old.reg_no != new.reg_no || old.country != new.country)
        && matches!(country, "CZ" | "SK")
        && !is_ico(number)
    {
        cx.tell(Note::new("party.party.doubtful_reg_no").on("reg_no").with("number", number.as_str()));
    }
    if let Some(number) = &new.vat_no
        && old.is_none_or(|old| old.vat_no != new.vat_no)
        && !is_vat(number)
    {
        cx.tell(Note::new("party.party.doubtful_vat_no").on("vat_no").with("number", number.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_of_an_ico() {
        // Ministry of Finance, Česká pošta, Prague, Škoda Auto: as they stand in the public register.
        for good in ["00006947", "47114983", "00064581", "00177041"] {
            assert!(is_ico(good), "{good}");
        }
        for bad in ["00006948", "47114982", "0006947", "000069470", "0000694a", "", "٠٠٠٠٦٩٤٧"] {
            assert!(!is_ico(bad), "{bad}");
        }
        // Exactly one last digit fits any seven digits.
        for seven in [0, 1, 7, 12_345, 999_999, 2_707_403, 9_999_999] {
            let fitting = (0..10).filter(|last| is_ico(&format!("{seven:07}{last}"))).count();
            assert_eq!(fitting, 1, "{seven:07}");
        }
    }

    #[test]
    fn the_shape_of_a_vat_number() {
        for good in [
            "CZ00177041",
            "CZ7001011234",
            "DE123456789",
            "ATU12345678",
            "PL1234567890",
            "US-anything",
            "NL123456789B01",
        ] {
            assert!(is_vat(good), "{good}");
        }
        for bad in ["CZ00177042", "CZ123", "27074030", "DE12345678", "AT12345678", "C", "", "č1", "SK12345678"] {
            assert!(!is_vat(bad), "{bad}");
        }
    }
}
