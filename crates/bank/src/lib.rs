//! What the program knows about banks: statements, account numbers and payment codes.
//!
//! * [`read_camt053`] reads account statements of ISO 20022 (camt.053), [`write_camt053`] writes them;
//! * [`iban`], [`iban_valid`], [`CzechAccount`] and [`czech_iban`] know account numbers;
//! * [`spayd`] and [`epc`] make the texts of payment codes, [`qr_matrix`] and [`qr_svg`] draw them.
//!
//! Everything here is pure: no files, no network, no clock. Amounts are integers in the smallest unit of their currency
//! ([`currency_exponent`] gives its decimals), never floats. All input is taken as hostile.

mod account;
mod camt;
mod currency;
mod payment;
mod qr;
mod symbols;

pub use account::{AccountError, CzechAccount, czech_iban, iban, iban_grouped, iban_valid};
pub use camt::{
    Account, Balance, CamtError, Entry, MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, MAX_ELEMENTS_IN_ENTRY, MAX_ENTRIES,
    Statement, read_camt053, write_camt053,
};
pub use currency::currency_exponent;
pub use payment::{Payment, PaymentError, epc, spayd};
pub use qr::{QrError, qr_matrix, qr_svg};
pub use symbols::Symbols;
