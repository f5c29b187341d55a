//! The texts of payment codes.

use std::fmt;

use jiff::civil::Date;

use crate::account::iban;
use crate::currency::decimal;

/// A payment to ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payment<'a> {
    /// The account to pay to, an IBAN.
    pub iban: &'a str,
    /// The bank of the account (BIC); may be empty.
    pub bic: &'a str,
    /// The name of the payee; needed by [`epc`].
    pub payee: &'a str,
    /// In the smallest unit of the currency; more than zero.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: &'a str,
    /// At most ten digits; may be empty. Only [`spayd`] has a place for it.
    pub variable_symbol: &'a str,
    /// A structured reference (ISO 11649, `RF…`); may be empty. Only [`epc`] writes it, and then no message.
    pub reference: &'a str,
    /// A message for the payee; may be empty.
    pub message: &'a str,
    /// When to pay; only [`spayd`] has a place for it.
    pub due: Option<Date>,
}

/// Why a payment code cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentError {
    /// The account is no valid IBAN.
    Account,
    /// The amount is not more than zero, or above what the code can hold.
    Amount,
    /// The currency is no ISO 4217 code, or for [`epc`] not the euro.
    Currency,
    /// The variable symbol is not at most ten digits.
    VariableSymbol,
    /// The BIC has not 8 or 11 letters and digits.
    Bank,
    /// The name of the payee is missing.
    Payee,
    /// The structured reference is longer than 35 characters or not of letters and digits.
    Reference,
}

impl fmt::Display for PaymentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account => "the account is not a valid IBAN",
            Self::Amount => "the amount cannot be put in a payment code",
            Self::Currency => "the currency cannot be put in this payment code",
            Self::VariableSymbol => "the variable symbol is not at most ten digits",
            Self::Bank => "the bank code (BIC) is not valid",
            Self::Payee => "the name of the payee is missing",
            Self::Reference => "the payment reference is not valid",
        })
    }
}

impl std::error::Error for PaymentError {}

fn bic(text: &str) -> Result<String, PaymentError> {
    let formed = matches!(text.len(), 0 | 8 | 11) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if formed { Ok(text.to_ascii_uppercase()) } else { Err(PaymentError::Bank) }
}

fn currency(text: &str) -> Result<&str, PaymentError> {
    let formed = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    if formed { Ok(text) } else { Err(PaymentError::Currency) }
}

/// The Czech payment descriptor: SPAYD 1.0 (standard of the Czech Banking Association "Formát pro sdílení platebních
/// údajů v rámci tuzemského platebního styku v CZK prostřednictvím QR kódů", "QR Platba").
///
/// `SPD*1.0*ACC:CZ…*AM:480.50*CC:CZK*DT:20261124*MSG:FAKTURA 12*X-VS:12`. Fields that are empty are left out. The message
/// is written as the standard advises: capitals without diacritics, only characters of the alphanumeric mode of QR codes,
/// without `*`, and at most 60 of them.
///
/// # Errors
/// [`PaymentError`]; the amount is at most 9,999,999.99.
pub fn spayd(payment: &Payment<'_>) -> Result<String, PaymentError> {
    let account = iban(payment.iban).map_err(|_| PaymentError::Account)?;
    let bic = bic(payment.bic)?;
    let currency = currency(payment.currency)?;
    let amount = decimal(payment.amount, currency);
    if payment.amount <= 0 || amount.len() > 10 {
        return Err(PaymentError::Amount);
    }
    let symbol = payment.variable_symbol;
    if symbol.len() > 10 || !symbol.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PaymentError::VariableSymbol);
    }
    let mut text = format!("SPD*1.0*ACC:{account}");
    if !bic.is_empty() {
        text.push_str(&format!("+{bic}"));
    }
    text.push_str(&format!("*AM:{amount}*CC:{currency}"));
    if let Some(due) = payment.due {
        text.push_str(&format!("*DT:{}", due.strftime("%Y%m%d")));
    }
    let message = plain(payment.message, 60);
    if !message.is_empty() {
        text.push_str(&format!("*MSG:{message}"));
    }
    if !symbol.is_empty() {
        text.push_str(&format!("*X-VS:{symbol}"));
    }
    Ok(text)
}

/// Capitals and digits without diacritics, other characters as spaces.
fn plain(text: &str, length: usize) -> String {
    let allowed =
        |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, ' ' | '$' | '+' | '-' | '.' | '/' | ':');
    let folded = lang::fold(text).to_ascii_uppercase();
    let text: String = folded.chars().map(|c| if allowed(c) { c } else { ' ' }).collect();
    let text = text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    text.chars().take(length).collect::<String>().trim_end().to_owned()
}

/// The payment code of SEPA credit transfers: EPC069-12 version 2.1 of the European Payments Council, version `002` of the
/// data, in UTF-8. Euro only.
///
/// # Errors
/// [`PaymentError`]; the amount is at most 999,999,999.99, the payee's name must be given.
pub fn epc(payment: &Payment<'_>) -> Result<String, PaymentError> {
    let account = iban(payment.iban).map_err(|_| PaymentError::Account)?;
    let bic = bic(payment.bic)?;
    if payment.currency != "EUR" {
        return Err(PaymentError::Currency);
    }
    if payment.amount <= 0 || payment.amount > 99_999_999_999 {
        return Err(PaymentError::Amount);
    }
    let payee = line(payment.payee, 70);
    if payee.is_empty() {
        return Err(PaymentError::Payee);
    }
    let reference: String = payment.reference.chars().filter(|c| *c != ' ').collect();
    if reference.len() > 35 || !reference.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(PaymentError::Reference);
    }
    let mut message = if reference.is_empty() { line(payment.message, 140) } else { String::new() };
    let amount = decimal(payment.amount, "EUR");
    loop {
        let text = format!("BCD\n002\n1\nSCT\n{bic}\n{payee}\n{account}\nEUR{amount}\n\n{reference}\n{message}");
        // The whole code holds at most 331 bytes.
        if text.len() <= 331 || message.pop().is_none() {
            return Ok(text.trim_end().to_owned());
        }
    }
}

/// The text on one line, without controls and runs of white space, at most so many characters.
fn line(text: &str, length: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let text = words.collect::<Vec<_>>().join(" ");
    text.chars().take(length).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment() -> Payment<'static> {
        Payment {
            iban: "CZ65 0800 0000 1920 0014 5399",
            amount: 48_050,
            currency: "CZK",
            variable_symbol: "2026000012",
            message: "Faktura č. 12/2026 * děkujeme!",
            due: Some(Date::constant(2026, 11, 24)),
            ..Payment::default()
        }
    }

    #[test]
    fn czech_code() {
        let text = spayd(&payment());
        let right = "SPD*1.0*ACC:CZ6508000000192000145399*AM:480.50*CC:CZK*DT:20261124*MSG:FAKTURA C. 12/2026 DEKUJEME*X-VS:2026000012";
        assert_eq!(text.as_deref(), Ok(right));
        let bare = Payment { variable_symbol: "", message: " * ", due: None, bic: "GIBACZPX", ..payment() };
        assert_eq!(spayd(&bare).as_deref(), Ok("SPD*1.0*ACC:CZ6508000000192000145399+GIBACZPX*AM:480.50*CC:CZK"));
        let long = Payment { message: &"ř".repeat(100), ..payment() };
        assert!(spayd(&long).is_ok_and(|text| text.contains(&format!("MSG:{}*", "R".repeat(60)))));
        let wrong = [
            (Payment { iban: "CZ65", ..payment() }, PaymentError::Account),
            (Payment { amount: 0, ..payment() }, PaymentError::Amount),
            (Payment { amount: i64::MIN, ..payment() }, PaymentError::Amount),
            (Payment { amount: 1_000_000_000, ..payment() }, PaymentError::Amount),
            (Payment { currency: "*X:", ..payment() }, PaymentError::Currency),
            (Payment { variable_symbol: "1*X", ..payment() }, PaymentError::VariableSymbol),
            (Payment { bic: "GIBA", ..payment() }, PaymentError::Bank),
        ];
        for (payment, error) in wrong {
            assert_eq!(spayd(&payment), Err(error));
        }
    }

    #[test]
    fn euro_code() {
        let euro = Payment { currency: "EUR", payee: "Truhlářství\nDub  s.r.o.", amount: 1_230, ..payment() };
        let right = "BCD\n002\n1\nSCT\n\nTruhlářství Dub s.r.o.\nCZ6508000000192000145399\nEUR12.30\n\n\nFaktura č. 12/2026 * děkujeme!";
        assert_eq!(epc(&euro).as_deref(), Ok(right));
        let referenced = Payment { reference: "RF18 5390 0754 7034", ..euro.clone() };
        assert!(epc(&referenced).is_ok_and(|text| text.ends_with("EUR12.30\n\nRF18539007547034")));
        let long = Payment { message: &"ž".repeat(200), payee: &"ž".repeat(200), ..euro.clone() };
        assert!(epc(&long).is_ok_and(|text| text.len() <= 331));
        assert_eq!(epc(&payment()), Err(PaymentError::Currency));
        assert_eq!(epc(&Payment { payee: " \n", ..euro }), Err(PaymentError::Payee));
    }
}
