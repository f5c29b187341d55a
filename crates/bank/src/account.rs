//! Account numbers: IBAN (ISO 13616) and the Czech form (decree 169/2011 Sb. on the form of account numbers).

use std::fmt;

/// Why an account number was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountError {
    /// Not of the form of an account number: wrong characters or length.
    Form,
    /// The check digits do not agree with the number.
    CheckDigits,
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "not the form of an account number",
            Self::CheckDigits => "the check digits of the account number are wrong",
        })
    }
}

impl std::error::Error for AccountError {}

/// The lengths of IBANs by country (SWIFT IBAN registry; the countries of SEPA and some more). Other countries are held to
/// the check digits and to ISO 13616's 34 characters only.
fn iban_length(country: &str) -> Option<usize> {
    Some(match country {
        "NO" => 15,
        "BE" => 16,
        "DK" | "FI" | "FO" | "GL" | "NL" => 18,
        "MK" | "SI" => 19,
        "AT" | "BA" | "EE" | "LT" | "LU" | "XK" => 20,
        "CH" | "HR" | "LI" | "LV" => 21,
        "BG" | "DE" | "GB" | "GE" | "IE" | "ME" | "RS" => 22,
        "AE" | "GI" | "IL" => 23,
        "AD" | "CZ" | "ES" | "MD" | "RO" | "SE" | "SK" => 24,
        "PT" => 25,
        "IS" | "TR" => 26,
        "FR" | "GR" | "IT" | "MC" | "SM" => 27,
        "AL" | "CY" | "HU" | "LB" | "PL" => 28,
        "UA" => 29,
        "MT" => 31,
        _ => return None,
    })
}

/// The remainder modulo 97 of ISO 7064 (MOD 97-10); letters count 10 to 35.
fn mod97(text: &str) -> u32 {
    text.bytes().fold(0, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        b'A'..=b'Z' => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
        _ => sum,
    })
}

/// Reads an IBAN as people write it (spaces, small letters) and gives the electronic form.
///
/// # Errors
/// [`AccountError::Form`] for wrong characters or the wrong length for the country, [`AccountError::CheckDigits`] when the
/// remainder modulo 97 is not 1 (ISO 13616).
pub fn iban(text: &str) -> Result<String, AccountError> {
    if text.len() > 64 {
        return Err(AccountError::Form);
    }
    let spaces = |c: &char| !matches!(c, ' ' | '\u{a0}' | '\t');
    let iban: String = text.chars().filter(spaces).map(|c| c.to_ascii_uppercase()).collect();
    let bytes = iban.as_bytes();
    let formed = bytes.len() >= 15
        && bytes.len() <= 34
        && bytes.iter().take(2).all(u8::is_ascii_uppercase)
        && bytes.iter().skip(2).take(2).all(u8::is_ascii_digit)
        && bytes.iter().all(u8::is_ascii_alphanumeric);
    let (Some(country), Some(head), Some(rest)) = (iban.get(..2), iban.get(..4), iban.get(4..)) else {
        return Err(AccountError::Form);
    };
    if !formed || iban_length(country).is_some_and(|length| length != bytes.len()) {
        return Err(AccountError::Form);
    }
    if mod97(&format!("{rest}{head}")) != 1 {
        return Err(AccountError::CheckDigits);
    }
    Ok(iban)
}

/// Whether [`iban`] accepts the text.
pub fn iban_valid(text: &str) -> bool {
    iban(text).is_ok()
}

/// The IBAN in groups of four, as on paper (ISO 13616); any other text comes back unchanged.
pub fn iban_grouped(text: &str) -> String {
    let Ok(iban) = iban(text) else { return text.to_owned() };
    let mut grouped = String::with_capacity(iban.len() + 8);
    for (at, c) in iban.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(c);
    }
    grouped
}

/// A Czech account number: `19-2000145399/0800`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CzechAccount {
    /// At most six digits without zeros in front; empty when there is none.
    pub prefix: String,
    /// Two to ten digits, without zeros in front.
    pub number: String,
    /// The four digits of the bank.
    pub bank: String,
}

impl CzechAccount {
    /// Reads `prefix-number/bank` or `number/bank`.
    ///
    /// # Errors
    /// [`AccountError::Form`], or [`AccountError::CheckDigits`] when prefix or number is not divisible by 11 with the
    /// weights of decree 169/2011 Sb.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        let (account, bank) = text.trim().split_once('/').ok_or(AccountError::Form)?;
        let (prefix, number) = account.split_once('-').unwrap_or(("", account));
        Self::new(prefix.trim(), number.trim(), bank.trim())
    }

    /// Makes the account number of its parts; see [`CzechAccount::parse`].
    ///
    /// # Errors
    /// As [`CzechAccount::parse`].
    pub fn new(prefix: &str, number: &str, bank: &str) -> Result<Self, AccountError> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if prefix.len() > 6 || number.len() > 10 || bank.len() != 4 || ![prefix, number, bank].into_iter().all(digits) {
            return Err(AccountError::Form);
        }
        let (prefix, number) = (prefix.trim_start_matches('0'), number.trim_start_matches('0'));
        if number.len() < 2 {
            return Err(AccountError::Form);
        }
        if !divisible_by_11(prefix) || !divisible_by_11(number) {
            return Err(AccountError::CheckDigits);
        }
        Ok(Self { prefix: prefix.to_owned(), number: number.to_owned(), bank: bank.to_owned() })
    }

    /// The account number inside a Czech IBAN; `None` for other IBANs.
    pub fn from_iban(text: &str) -> Option<Self> {
        let iban = iban(text).ok().filter(|iban| iban.starts_with("CZ"))?;
        Self::new(iban.get(8..14)?, iban.get(14..24)?, iban.get(4..8)?).ok()
    }

    /// The IBAN of the account (Czech structure of the SWIFT registry: `CZ`, check digits, bank 4, prefix 6, number 10).
    pub fn iban(&self) -> String {
        let bban = format!("{:0>4}{:0>6}{:0>10}", self.bank, self.prefix, self.number);
        let check = 98 - mod97(&format!("{bban}CZ00"));
        format!("CZ{check:02}{bban}")
    }
}

impl fmt::Display for CzechAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.prefix.is_empty() {
            write!(f, "{}-", self.prefix)?;
        }
        write!(f, "{}/{}", self.number, self.bank)
    }
}

/// The weighted sum of the digits, from the last: 1, 2, 4, 8, 5, 10, 9, 7, 3, 6 (decree 169/2011 Sb.).
fn divisible_by_11(digits: &str) -> bool {
    const WEIGHTS: [u32; 10] = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6];
    let sum: u32 = digits.bytes().rev().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    sum.is_multiple_of(11)
}

/// The IBAN of a Czech account number given by its parts.
///
/// # Errors
/// As [`CzechAccount::new`].
pub fn czech_iban(prefix: &str, number: &str, bank: &str) -> Result<String, AccountError> {
    CzechAccount::new(prefix, number, bank).map(|account| account.iban())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ibans() {
        assert_eq!(iban("cz65 0800 0000 1920 0014 5399").as_deref(), Ok("CZ6508000000192000145399"));
        assert!(iban_valid("GB82 WEST 1234 5698 7654 32"));
        assert!(iban_valid("DE89370400440532013000"));
        assert!(iban_valid("NO9386011117947"));
        assert_eq!(iban("CZ6508000000192000145398"), Err(AccountError::CheckDigits));
        for wrong in ["", "CZ", "CZ650800000019200014539", "C16508000000192000145399", "CZ65-0800", "ČZ65", "CZ６５"]
        {
            assert_eq!(iban(wrong), Err(AccountError::Form), "{wrong}");
        }
        assert_eq!(iban(&"9".repeat(100_000)), Err(AccountError::Form));
        assert_eq!(iban_grouped("CZ6508000000192000145399"), "CZ65 0800 0000 1920 0014 5399");
        assert_eq!(iban_grouped("what"), "what");
    }

    #[test]
    fn czech_accounts() {
        assert_eq!(czech_iban("19", "2000145399", "0800").as_deref(), Ok("CZ6508000000192000145399"));
        assert_eq!(czech_iban("", "2000145398", "0800"), Err(AccountError::CheckDigits));
        assert_eq!(czech_iban("18", "2000145399", "0800"), Err(AccountError::CheckDigits));
        assert_eq!(czech_iban("19", "2000145399", "800"), Err(AccountError::Form));
        assert_eq!(czech_iban("", "0000000000", "0800"), Err(AccountError::Form));
        assert_eq!(
            CzechAccount::parse("000019-2000145399/0800").map(|a| a.to_string()),
            Ok("19-2000145399/0800".into())
        );
        assert_eq!(CzechAccount::parse("19-2000145399"), Err(AccountError::Form));
        let account = CzechAccount::from_iban("CZ65 0800 0000 1920 0014 5399").map(|account| account.to_string());
        assert_eq!(account.as_deref(), Some("19-2000145399/0800"));
        assert_eq!(CzechAccount::from_iban("DE89370400440532013000"), None);
    }
}
