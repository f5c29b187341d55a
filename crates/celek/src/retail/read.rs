//! Reads the file: every line becomes a row in memory, or is rejected with its reason; what the file says about itself is
//! counted on the way.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use jiff::civil::{Date, DateTime};
use kernel::{Dec, Error, Result};
use serde_json::{Value as J, json};

/// Texts, each kept once.
#[derive(Default)]
pub struct Names {
    /// The texts in the order in which they came.
    pub all: Vec<String>,
    known: HashMap<String, u32>,
}

impl Names {
    /// The number of a text.
    pub fn number(&mut self, text: &str) -> u32 {
        if let Some(found) = self.known.get(text) {
            return *found;
        }
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(text.to_owned());
        self.known.insert(text.to_owned(), next);
        next
    }
    /// The text of a number.
    pub fn text(&self, number: u32) -> &str {
        self.all.get(number as usize).map_or("", String::as_str)
    }
}

/// A line of the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row {
    /// Code as written.
    pub code: u32,
    /// Product: codes that differ only in case are one.
    pub product: u32,
    /// Description.
    pub text: u32,
    /// Quantity.
    pub quantity: Dec<6>,
    /// Price of one.
    pub price: Dec<6>,
    /// Quantity × price.
    pub net: Dec<6>,
    /// When.
    pub time: DateTime,
    /// Customer, where there is one.
    pub customer: Option<u32>,
    /// Country.
    pub country: u32,
}

/// What a document is, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A sale.
    Sale,
    /// A cancellation: C before the number.
    Cancellation,
    /// An adjustment of bad debt: A before the number.
    BadDebt,
}

/// The kind of a document by its number.
pub fn kind_of(number: &str) -> Kind {
    match number.as_bytes().first() {
        Some(b'C' | b'c') => Kind::Cancellation,
        Some(b'A' | b'a') => Kind::BadDebt,
        _ => Kind::Sale,
    }
}

/// A document: its lines in the order of the file, with their line numbers.
pub struct Document {
    /// Number.
    pub number: String,
    /// Kind.
    pub kind: Kind,
    /// Line of the file and the row.
    pub rows: Vec<(u32, Row)>,
}

impl Document {
    /// Whether a line corrects the stock and is not on an invoice: it has neither price nor customer; or no price, and goods
    /// that are gone without having been sold.
    pub fn corrects(&self, row: &Row) -> bool {
        self.kind == Kind::Sale && row.price.is_zero() && (row.customer.is_none() || row.quantity.is_negative())
    }
}

/// What the file holds.
pub struct Book {
    /// Documents in the order of their first appearance.
    pub documents: Vec<Document>,
    /// Codes as written.
    pub codes: Names,
    /// Codes in capitals.
    pub products: Names,
    /// Descriptions.
    pub texts: Names,
    /// Customers.
    pub customers: Names,
    /// Countries.
    pub countries: Names,
    /// What the file says about itself, under the names of the facts.
    pub log: J,
    /// Lines that were read.
    pub lines: u64,
    /// First and last day.
    pub days: Option<(Date, Date)>,
}

/// Codes that are charges and no goods.
const CHARGES: &[&str] =
    &["POST", "DOT", "C2", "C3", "M", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "ADJUST", "ADJUST2"];

/// Whether a code (in capitals) is a service: a charge, or a voucher.
pub fn is_service(code: &str) -> bool {
    CHARGES.contains(&code) || code.starts_with("GIFT_0001_")
}

/// Lines that were not taken, with their reasons, in a file of their own.
pub struct Rejects {
    /// Where they are written.
    pub path: PathBuf,
    writer: Option<csv::Writer<File>>,
    /// How many by reason.
    pub reasons: BTreeMap<String, u64>,
}

/// The file, or the file of facts or rejects, cannot be used.
pub fn unreadable(what: impl std::fmt::Display) -> Error {
    Error::bad("file_unusable").with("detail", what.to_string())
}

impl Rejects {
    /// Rejected lines go to this file, which is made with the first of them; what an earlier run left is taken away.
    pub fn new(path: PathBuf) -> Self {
        let _ = std::fs::remove_file(&path);
        Self { path, writer: None, reasons: BTreeMap::new() }
    }
    /// Writes a line down.
    pub fn add(&mut self, line: u64, reason: &str, detail: &str, cells: &[String]) -> Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let file = csv::WriterBuilder::new().flexible(true).from_path(&self.path);
                let writer = self.writer.insert(file.map_err(|e| unreadable(format!("{}: {e}", self.path.display())))?);
                writer.write_record(["line", "reason", "detail", "cells of the line"]).map_err(unreadable)?;
                writer
            }
        };
        *self.reasons.entry(reason.to_owned()).or_default() += 1;
        let mut record = vec![line.to_string(), reason.to_owned(), detail.to_owned()];
        record.extend_from_slice(cells);
        writer.write_record(&record).map_err(unreadable)
    }
    /// How many lines.
    pub fn count(&self) -> u64 {
        self.reasons.values().sum()
    }
    /// Everything is in the file.
    pub fn close(&mut self) -> Result<()> {
        self.writer.as_mut().map_or(Ok(()), |w| w.flush().map_err(unreadable))
    }
}

/// Opens a file, packed or not, and tells how far it is.
pub fn open(path: &Path, progress: &indicatif::ProgressBar) -> Result<Box<dyn Read>> {
    let named = |e: std::io::Error| unreadable(format!("{}: {e}", path.display()));
    let file = File::open(path).map_err(named)?;
    progress.set_length(file.metadata().map_err(named)?.len());
    let mut file = BufReader::new(progress.wrap_read(file));
    // By what stands in it: a file may have lost its ending.
    let start = file.fill_buf().map_err(named)?;
    let (zst, gz) = (start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]), start.starts_with(&[0x1f, 0x8b]));
    Ok(match (zst, gz) {
        (true, _) => Box::new(zstd::stream::read::Decoder::with_buffer(file).map_err(named)?),
        (_, true) => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        _ => Box::new(file),
    })
}

/// Longest number of a document, code, customer and country.
const MAX_NAME: usize = 50;
/// Longest description.
const MAX_TEXT: usize = 250;

/// Whether a text can be a name: not empty, not too long, nothing that cannot be seen.
fn names(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_NAME && !text.chars().any(char::is_control)
}

/// The columns that are needed, in the order in which they are used here.
const COLUMNS: [&str; 8] =
    ["invoiceno", "stockcode", "description", "quantity", "invoicedate", "unitprice", "customerid", "country"];

fn time_of(text: &str) -> Option<DateTime> {
    let text = text.trim();
    text.parse().ok().or_else(|| DateTime::strptime("%m/%d/%Y %H:%M", text).ok())
}

/// The characters of Windows-1252 from 0x80 on, where it differs from Latin-1.
const WINDOWS: &[char] = &[
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Bytes as text: UTF-8, else Windows-1252, in which such files are written otherwise.
fn text_of(bytes: &[u8]) -> String {
    let one = |byte: &u8| match WINDOWS.get(usize::from(*byte).wrapping_sub(0x80)) {
        Some(found) => *found,
        None => char::from(*byte),
    };
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(one).collect(), str::to_owned)
}

#[derive(Default)]
struct Month {
    documents: HashSet<u32>,
    lines: u64,
}

/// Counts what the facts about the file ask for.
#[derive(Default)]
struct Counts {
    seen: HashSet<(u32, Row)>,
    duplicates: u64,
    customer_countries: HashMap<u32, HashSet<u32>>,
    code_texts: HashMap<u32, HashSet<u32>>,
    sales_of: HashMap<u32, HashSet<u32>>,
    months: BTreeMap<String, Month>,
    no_customer: u64,
    no_text: u64,
    negative: u64,
    free: u64,
    below_zero: u64,
    cancelled: u64,
    quantity: i128,
    quantities: BTreeMap<u32, i128>,
    first: Option<DateTime>,
    last: Option<DateTime>,
}

impl Counts {
    fn take(&mut self, document: u32, kind: Kind, row: &Row, no_text: bool) {
        if !self.seen.insert((document, *row)) {
            self.duplicates += 1;
        }
        match row.customer {
            Some(customer) => {
                self.customer_countries.entry(customer).or_default().insert(row.country);
                if kind != Kind::Cancellation {
                    self.sales_of.entry(customer).or_default().insert(document);
                }
            }
            None => self.no_customer += 1,
        }
        if no_text {
            self.no_text += 1;
        } else {
            self.code_texts.entry(row.code).or_default().insert(row.text);
        }
        self.negative += u64::from(row.quantity.is_negative());
        self.free += u64::from(row.price.is_zero());
        self.below_zero += u64::from(row.price.is_negative());
        self.cancelled += u64::from(kind == Kind::Cancellation);
        self.quantity += i128::from(row.quantity.raw());
        *self.quantities.entry(row.code).or_default() += i128::from(row.quantity.raw());
        self.first = Some(self.first.map_or(row.time, |t| t.min(row.time)));
        self.last = Some(self.last.map_or(row.time, |t| t.max(row.time)));
        let month = self.months.entry(format!("{:04}-{:02}", row.time.year(), row.time.month())).or_default();
        month.documents.insert(document);
        month.lines += 1;
    }

    fn log(&self, book: &Book) -> J {
        let whole = |raw: i128| kernel::decimal_text(raw, 6);
        let documents = |kind: Kind| book.documents.iter().filter(|d| d.kind == kind).count();
        let times = |d: &&Document| d.rows.iter().any(|(_, r)| r.time != d.rows[0].1.time);
        let sales: Vec<usize> = self.sales_of.values().map(HashSet::len).collect();
        let by_month = |f: &dyn Fn(&Month) -> u64| {
            J::Object(self.months.iter().map(|(m, month)| (m.clone(), J::from(f(month)))).collect())
        };
        let quantities: serde_json::Map<String, J> =
            self.quantities.iter().map(|(c, q)| (book.codes.text(*c).to_owned(), J::from(whole(*q)))).collect();
        let mut corrections: BTreeMap<u32, i128> = BTreeMap::new();
        for document in &book.documents {
            for (_, row) in document.rows.iter().filter(|(_, r)| document.corrects(r)) {
                *corrections.entry(row.code).or_default() += i128::from(row.quantity.raw());
            }
        }
        let corrections: serde_json::Map<String, J> =
            corrections.iter().map(|(c, q)| (book.codes.text(*c).to_owned(), J::from(whole(*q)))).collect();
        json!({
            "lines": book.lines,
            "first_time": self.first.map(|t| t.strftime("%Y-%m-%d %H:%M:%S").to_string()),
            "last_time": self.last.map(|t| t.strftime("%Y-%m-%d %H:%M:%S").to_string()),
            "documents_distinct_InvoiceNo": book.documents.len(),
            "documents_cancelled_C": documents(Kind::Cancellation),
            "documents_adjust_bad_debt_A": documents(Kind::BadDebt),
            "documents_sales": documents(Kind::Sale),
            "lines_cancelled": self.cancelled,
            "customers_distinct": book.customers.all.len(),
            "lines_without_customer": self.no_customer,
            "documents_without_customer":
                book.documents.iter().filter(|d| d.rows.iter().all(|(_, r)| r.customer.is_none())).count(),
            "stock_codes_distinct": book.codes.all.len(),
            "stock_codes_distinct_upper_case": book.products.all.len(),
            "descriptions_distinct_nonempty": book.texts.all.iter().filter(|t| !t.is_empty()).count(),
            "lines_without_description": self.no_text,
            "countries_distinct": book.countries.all.len(),
            "lines_quantity_negative": self.negative,
            "lines_price_zero": self.free,
            "lines_price_negative": self.below_zero,
            "lines_exact_duplicates_of_earlier": self.duplicates,
            "customers_with_more_than_one_country": self.customer_countries.values().filter(|c| c.len() > 1).count(),
            "documents_with_more_than_one_timestamp": book.documents.iter().filter(times).count(),
            "stock_codes_with_more_than_one_description": self.code_texts.values().filter(|t| t.len() > 1).count(),
            "quantity_sum": whole(self.quantity),
            "documents_by_month": by_month(&|m| m.documents.len() as u64),
            "lines_by_month": by_month(&|m| m.lines),
            "documents_lines_max": book.documents.iter().map(|d| d.rows.len()).max().unwrap_or(0),
            "customers_with_exactly_one_sales_document": sales.iter().filter(|n| **n == 1).count(),
            "customers_with_at_least_10_sales_documents": sales.iter().filter(|n| **n >= 10).count(),
            "_quantity_by_code": quantities,
            "_corrections_by_code": corrections,
        })
    }
}

fn row_of(cells: &[String], book: &mut Book) -> std::result::Result<Row, (&'static str, String)> {
    let [_, code, text, quantity, time, price, customer, country] = cells else {
        return Err(("columns", cells.len().to_string()));
    };
    if !names(code) {
        return Err(("code", start_of(code)));
    }
    if text.chars().count() > MAX_TEXT {
        return Err(("description", start_of(text)));
    }
    let number =
        |text: &str, what: &'static str| Dec::<6>::parse(text).map_err(|e| (what, format!("{text}: {}", e.code)));
    let (quantity, price) = (number(quantity, "quantity")?, number(price, "price")?);
    let net = quantity.times_exact(price).map_err(|e| ("net", format!("{quantity} × {price}: {}", e.code)))?;
    let time = time_of(time).ok_or_else(|| ("date", time.clone()))?;
    let customer = customer.trim();
    let customer = customer.strip_suffix(".0").unwrap_or(customer);
    if !customer.is_empty() && !names(customer) {
        return Err(("customer", start_of(customer)));
    }
    if !names(country) {
        return Err(("country", start_of(country)));
    }
    Ok(Row {
        code: book.codes.number(code),
        product: book.products.number(&code.trim().to_uppercase()),
        text: book.texts.number(text),
        quantity,
        price,
        net,
        time,
        customer: (!customer.is_empty()).then(|| book.customers.number(customer)),
        country: book.countries.number(country),
    })
}

/// What stands in a cell, as far as a reason needs it.
fn start_of(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Why a line of a document cannot be brought in, though it can be read: the reason, and what it means.
fn refused(document: &Document, row: &Row, book: &Book) -> Option<(&'static str, &'static str)> {
    let service = is_service(book.products.text(row.product));
    let no_stock = "a charge has no stock to correct, and without price and customer there is nothing to invoice";
    Some(match document.kind {
        _ if row.quantity.is_zero() => ("quantity_zero", "nothing was sold, returned or corrected"),
        Kind::Sale if document.corrects(row) && service => ("correction_of_a_service", no_stock),
        Kind::Sale if row.quantity.is_negative() && !row.price.is_zero() => {
            ("sale_below_zero", "a priced line below zero belongs on a cancellation")
        }
        Kind::Cancellation if row.quantity.is_positive() => {
            ("cancellation_above_zero", "a cancellation takes back, so its quantities are below zero")
        }
        _ => return None,
    })
}

/// The cells of a row as they were, for the file of rejected lines.
pub fn cells_of(book: &Book, number: &str, row: &Row) -> Vec<String> {
    vec![
        number.to_owned(),
        book.codes.text(row.code).to_owned(),
        book.texts.text(row.text).to_owned(),
        row.quantity.to_string(),
        row.time.to_string(),
        row.price.to_string(),
        row.customer.map(|c| book.customers.text(c).to_owned()).unwrap_or_default(),
        book.countries.text(row.country).to_owned(),
    ]
}

/// Reads the whole file.
pub fn read(file: &Path, rejects: &mut Rejects, progress: &indicatif::ProgressBar) -> Result<Book> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(open(file, progress)?);
    let named = |e: csv::Error| unreadable(format!("{}: {e}", file.display()));
    let head = reader.byte_headers().map_err(named)?.clone();
    if head.iter().any(|h| h.contains(&0)) {
        return Err(unreadable("the text is UTF-16: save it as UTF-8"));
    }
    let plain = |bytes: &[u8]| -> String {
        text_of(bytes).chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
    };
    let mut at = [0; 8];
    for (place, name) in at.iter_mut().zip(COLUMNS) {
        *place = head.iter().position(|h| plain(h) == name).ok_or_else(|| unreadable(format!("no column {name}")))?;
    }
    let (documents, codes, products, texts) = (Vec::new(), Names::default(), Names::default(), Names::default());
    let (customers, countries) = (Names::default(), Names::default());
    let mut book = Book { documents, codes, products, texts, customers, countries, log: J::Null, lines: 0, days: None };
    let mut counts = Counts::default();
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut record = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(e) => return Err(named(e)),
        }
        book.lines += 1;
        let line = record.position().map_or(book.lines + 1, csv::Position::line);
        if record.len() != head.len() {
            let cells: Vec<String> = record.iter().map(text_of).collect();
            rejects.add(line, "columns", &record.len().to_string(), &cells)?;
            continue;
        }
        let cells: Vec<String> = at.iter().map(|i| text_of(record.get(*i).unwrap_or_default())).collect();
        let number = cells[0].trim().trim_end_matches(".0");
        if !names(number) {
            rejects.add(line, "document", &start_of(number), &cells)?;
            continue;
        }
        let row = match row_of(&cells, &mut book) {
            Ok(row) => row,
            Err((reason, detail)) => {
                rejects.add(line, reason, &detail, &cells)?;
                continue;
            }
        };
        let kind = kind_of(number);
        let document = match numbers.get(number) {
            Some(found) => *found,
            None => {
                let next = u32::try_from(book.documents.len()).unwrap_or(u32::MAX);
                numbers.insert(number.to_owned(), next);
                book.documents.push(Document { number: number.to_owned(), kind, rows: Vec::new() });
                next
            }
        };
        counts.take(document, kind, &row, cells[2].is_empty());
        book.documents[document as usize].rows.push((u32::try_from(line).unwrap_or(u32::MAX), row));
    }
    progress.finish_and_clear();
    book.log = counts.log(&book);
    book.days = counts.first.zip(counts.last).map(|(a, b)| (a.date(), b.date()));
    drop(counts);
    let mut documents = std::mem::take(&mut book.documents);
    for document in &mut documents {
        let mut kept = Vec::with_capacity(document.rows.len());
        for (line, row) in &document.rows {
            match refused(document, row, &book) {
                Some((reason, detail)) => {
                    rejects.add(u64::from(*line), reason, detail, &cells_of(&book, &document.number, row))?;
                }
                None => kept.push((*line, *row)),
            }
        }
        document.rows = kept;
    }
    documents.retain(|d| !d.rows.is_empty());
    book.documents = documents;
    Ok(book)
}
