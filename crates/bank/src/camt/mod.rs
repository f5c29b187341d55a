//! Account statements: camt.053 of ISO 20022.

mod read;
mod write;
mod xml;

use std::fmt;

use jiff::civil::Date;

pub use read::read_camt053;
pub use write::write_camt053;

use crate::Symbols;

/// A file above this size is refused (bytes).
pub const MAX_BYTES: usize = 50 * 1024 * 1024;
/// A file with elements nested deeper than this is refused.
pub const MAX_DEPTH: usize = 64;
/// A file with more elements than this is refused.
pub const MAX_ELEMENTS: usize = 2_000_000;
/// A file is refused where a single entry, with all its items, has more elements than this; entries are held in memory one by one.
pub const MAX_ELEMENTS_IN_ENTRY: usize = 500_000;
/// A file with more entries than this is refused.
pub const MAX_ENTRIES: usize = 200_000;

/// An account: by IBAN or by another number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// The IBAN in its electronic form, as the bank gave it (its check digits are not verified here: test files and some
    /// banks' internal accounts break them).
    Iban(String),
    /// Another number.
    Other(String),
}

impl Default for Account {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl Account {
    /// The number itself.
    pub fn number(&self) -> &str {
        match self {
            Self::Iban(number) | Self::Other(number) => number,
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

/// A balance of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// In the smallest unit of the statement's currency; negative when the account is overdrawn.
    pub amount: i64,
    /// The day at whose end (for the opening balance: before or at whose start) it holds.
    pub date: Option<Date>,
}

/// One statement of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// The bank's identification of the statement (`Stmt/Id`).
    pub id: String,
    /// The number of the statement (`ElctrncSeqNb`, else `LglSeqNb`).
    pub sequence: Option<u64>,
    /// The account that the statement is of.
    pub account: Account,
    /// ISO 4217 code.
    pub currency: String,
    /// The period's first day (`FrToDt`).
    pub from: Option<Date>,
    /// The period's last day.
    pub to: Option<Date>,
    /// The booked opening balance (`OPBD`, else `PRCD`, the previous statement's closing balance).
    pub opening: Option<Balance>,
    /// The booked closing balance (`CLBD`).
    pub closing: Option<Balance>,
    /// What was booked, in the order of the file. Entries that are only pending or for information are not here.
    pub entries: Vec<Entry>,
    /// The number of entries left out because they are not booked.
    pub not_booked: usize,
}

impl Statement {
    /// Closing balance less opening balance less the sum of entries, in the smallest unit: zero when the statement agrees
    /// with itself, `None` when a balance is missing. An import must tell a difference to the user.
    pub fn difference(&self) -> Option<i128> {
        let sum: i128 = self.entries.iter().map(|entry| i128::from(entry.amount)).sum();
        Some(i128::from(self.closing?.amount) - i128::from(self.opening?.amount) - sum)
    }
}

/// One movement on the account. An entry that the bank booked in one sum and itemised (a batch) is given item by item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// In the smallest unit of the currency: positive when credited to the account, negative when debited (`CdtDbtInd`; by
    /// ISO 20022 it gives the direction of a reversal too, so a reversal is not turned round).
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Whether the entry takes back an earlier one (`RvslInd`).
    pub reversal: bool,
    /// When it was booked.
    pub booking_date: Option<Date>,
    /// From when it bears interest.
    pub value_date: Option<Date>,
    /// What the payer gave as the payment's identification (`EndToEndId`), unless `NOTPROVIDED`.
    pub end_to_end: Option<String>,
    /// The structured creditor's reference (`CdtrRefInf/Ref`): ISO 11649 (`RF…`) or a national one.
    pub creditor_reference: Option<String>,
    /// Variable, specific and constant symbol, from wherever the bank put them.
    pub symbols: Symbols,
    /// The name of the other side.
    pub counterparty: Option<String>,
    /// The account of the other side.
    pub counterparty_account: Option<Account>,
    /// The text for the recipient; where there is none, the bank's own text.
    pub remittance: Option<String>,
    /// Identifies the entry among all statements of the account, to recognise what was imported before: the bank's
    /// reference where there is one, otherwise a digest of the entry; what repeats within a statement gets `#2`, `#3`….
    pub unique_id: String,
    /// The bank itemised this entry, but the items do not make up its amount, so it is given whole.
    pub undivided: bool,
}

/// Why a file was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CamtError {
    /// Above [`MAX_BYTES`].
    TooBig,
    /// Above [`MAX_ELEMENTS`], [`MAX_ELEMENTS_IN_ENTRY`] or [`MAX_ENTRIES`].
    TooMany,
    /// Deeper than [`MAX_DEPTH`].
    TooDeep,
    /// Not UTF-8.
    Encoding,
    /// A document type definition, which no bank sends and which may expand without bounds.
    DocumentType,
    /// Not well-formed XML, and why.
    Xml(String),
    /// Well-formed, but without a `BkToCstmrStmt` holding a `Stmt`.
    NotCamt053,
    /// The element is missing in the statement or entry of this number (from 1).
    Missing(&'static str, usize),
    /// The text is not an amount of its currency.
    Amount(String),
    /// The text is not a date.
    Date(String),
}

impl fmt::Display for CamtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooBig => write!(f, "the file is larger than {} MB", MAX_BYTES / 1024 / 1024),
            Self::TooMany => f.write_str("the file has too many elements"),
            Self::TooDeep => write!(f, "elements are nested deeper than {MAX_DEPTH}"),
            Self::Encoding => f.write_str("the file is not in UTF-8"),
            Self::DocumentType => f.write_str("the file has a document type definition"),
            Self::Xml(why) => write!(f, "the file is not well-formed XML: {why}"),
            Self::NotCamt053 => f.write_str("the file is not an account statement camt.053"),
            Self::Missing(what, number) => write!(f, "{what} is missing in statement or entry {number}"),
            Self::Amount(text) => write!(f, "not an amount: {text}"),
            Self::Date(text) => write!(f, "not a date: {text}"),
        }
    }
}

impl std::error::Error for CamtError {}
