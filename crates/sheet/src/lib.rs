//! Tables of people: CSV and XLSX, read and written by rows under limits. Pure: it knows no database and no entity.
//!
//! Reading hands over one row at a time with the number of its line, so that what comes in never stands in memory twice;
//! writing gives bytes out as rows come in, so that what goes out never stands there at all.

mod csv;
mod encoding;
mod pack;
mod unpack;
mod write;
mod xlsx;

pub use encoding::Encoding;
pub use write::{CsvWriter, Format, XlsxWriter, formula};

use jiff::civil::{Date, DateTime, Time};

/// What a cell holds, as the file says it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Cell {
    /// Nothing.
    #[default]
    Empty,
    /// Text as it stands.
    Text(String),
    /// A number that a spreadsheet holds as one, in plain decimal notation with at most 15 digits that count.
    Number(String),
    /// Yes or no.
    Bool(bool),
    /// A day.
    Date(Date),
    /// A time of day.
    Time(Time),
    /// A day with a time, in no particular zone.
    Moment(DateTime),
    /// What a spreadsheet could not compute: `#N/A`, `#DIV/0!`.
    Wrong(String),
}

impl Cell {
    /// True where there is nothing, or nothing but white space.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Text(text) | Self::Number(text) | Self::Wrong(text) => f.write_str(text),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Date(day) => write!(f, "{day}"),
            Self::Time(time) => write!(f, "{time}"),
            Self::Moment(at) => write!(f, "{at}"),
        }
    }
}

/// How much a table may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Bytes of a packed file when it is unpacked.
    pub unpacked: usize,
    /// Rows, the empty ones among them.
    pub rows: u64,
    /// Columns.
    pub columns: usize,
    /// Bytes of the text of one cell.
    pub cell: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 200 << 20, unpacked: 400 << 20, rows: 1_048_576, columns: 500, cell: 200_000 }
    }
}

/// Why a file is not read. Nothing of it is guessed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Larger than the limit, or larger when unpacked.
    TooLarge {
        /// The limit in bytes.
        max: usize,
    },
    /// More rows than the limit.
    TooManyRows {
        /// The limit.
        max: u64,
    },
    /// A row with more columns than the limit.
    TooManyColumns {
        /// The line.
        line: u64,
        /// The limit.
        max: usize,
    },
    /// A cell with more text than the limit.
    CellTooLong {
        /// The line.
        line: u64,
        /// The column, from 1.
        column: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// A quotation mark that is never closed.
    OpenQuote {
        /// The line where it stands.
        line: u64,
    },
    /// There is no sheet of this name.
    NoSheet {
        /// Those that there are.
        sheets: Vec<String>,
    },
    /// Neither CSV nor XLSX.
    Unknown,
    /// An XLSX file that cannot be read.
    Broken(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge { max } => write!(f, "larger than {max} bytes"),
            Self::TooManyRows { max } => write!(f, "more than {max} rows"),
            Self::TooManyColumns { line, max } => write!(f, "line {line} has more than {max} columns"),
            Self::CellTooLong { line, column, max } => {
                write!(f, "line {line}, column {column} holds more than {max} bytes")
            }
            Self::OpenQuote { line } => write!(f, "the quotation mark on line {line} is never closed"),
            Self::NoSheet { sheets } => write!(f, "no such sheet; there are {}", sheets.join(", ")),
            Self::Unknown => f.write_str("neither CSV nor XLSX"),
            Self::Broken(why) => write!(f, "cannot be read: {why}"),
        }
    }
}
impl std::error::Error for Error {}

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Csv {
        /// What stands between cells.
        delimiter: char,
        /// How the text is written down.
        encoding: Encoding,
    },
    /// A workbook.
    Xlsx {
        /// The sheet that was read.
        sheet: String,
        /// All of its sheets.
        sheets: Vec<String>,
    },
}

/// Takes one row: its line, its cells. Answers whether it wants the next one.
pub type Each<'a> = dyn FnMut(u64, &[Cell]) -> bool + 'a;

/// Reads a table row by row: CSV, or XLSX where the content says so. Rows without any content are counted and left out.
///
/// # Errors
/// See [`Error`]; rows that were handed over before stand.
pub fn read(content: &[u8], sheet: Option<&str>, limits: Limits, each: &mut Each<'_>) -> Result<Kind, Error> {
    if content.len() > limits.bytes {
        return Err(Error::TooLarge { max: limits.bytes });
    }
    if content.starts_with(b"PK\x03\x04") {
        return xlsx::read(content, sheet, limits, each);
    }
    csv::read(content, limits, each)
}
