//! Writing tables by rows: bytes come out as rows go in.

use jiff::civil::Date;

use crate::{
    Cell,
    pack::{Growing, Zip},
};

/// How numbers of a column look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// As they come: texts, yes and no.
    #[default]
    Plain,
    /// Whole numbers.
    Whole,
    /// Numbers with so many decimals, thousands apart.
    Decimals(u8),
    /// Days.
    Date,
    /// Days with a time.
    Moment,
    /// Times of day.
    Time,
}

impl Format {
    /// Most decimals that have a style of their own.
    const MOST: u8 = 6;

    fn style(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::Whole => 2,
            Self::Date => 3,
            Self::Moment => 4,
            Self::Time => 5,
            Self::Decimals(n) => 6 + n.min(Self::MOST),
        }
    }
}

/// Most characters of a cell in a spreadsheet.
const CELL: usize = 32_767;
/// Most rows of a sheet.
const ROWS: u64 = 1_048_576;

/// Writes a workbook of one sheet: head in bold, frozen and with filters. Texts are texts, whatever they begin with.
pub struct XlsxWriter {
    zip: Zip,
    sheet: Option<Growing>,
    formats: Vec<Format>,
    row: u64,
    out: Vec<u8>,
    xml: String,
}

impl XlsxWriter {
    /// A sheet of this name with these columns.
    pub fn new(name: &str, columns: &[(String, Format)]) -> Self {
        let (mut zip, mut out) = (Zip::default(), Vec::new());
        zip.whole(&mut out, "[Content_Types].xml", TYPES.as_bytes());
        zip.whole(&mut out, "_rels/.rels", RELATIONS.as_bytes());
        zip.whole(&mut out, "xl/_rels/workbook.xml.rels", BOOK_RELATIONS.as_bytes());
        zip.whole(&mut out, "xl/styles.xml", styles().as_bytes());
        let mut named: String = name.chars().filter(|c| !"[]:*?/\\'".contains(*c)).take(31).collect();
        if named.trim().is_empty() {
            named = "Data".to_owned();
        }
        let mut shown = String::new();
        escape(&named, &mut shown);
        zip.whole(&mut out, "xl/workbook.xml", BOOK.replace("{name}", &shown).as_bytes());
        let mut sheet = Growing::begin(&mut zip, &mut out, "xl/worksheets/sheet1.xml");
        let mut xml = String::from(SHEET);
        xml.push_str("<cols>");
        for (i, (title, format)) in columns.iter().enumerate() {
            let least = if *format == Format::Moment { 17 } else { 9 };
            let width = (title.chars().count() + 4).clamp(least, 40);
            xml.push_str(&format!("<col min=\"{0}\" max=\"{0}\" width=\"{width}\" customWidth=\"1\"/>", i + 1));
        }
        xml.push_str("</cols><sheetData><row r=\"1\">");
        for (i, (title, _)) in columns.iter().enumerate() {
            text_cell(i, 1, 1, title, &mut xml);
        }
        xml.push_str("</row>");
        sheet.add(&mut out, xml.as_bytes());
        let formats = columns.iter().map(|(_, format)| *format).collect();
        Self { zip, sheet: Some(sheet), formats, row: 1, out, xml: String::new() }
    }

    /// Adds a row; false where the sheet is full.
    pub fn row(&mut self, cells: &[Cell]) -> bool {
        if self.row == ROWS {
            return false;
        }
        self.row += 1;
        let row = self.row;
        self.xml.clear();
        self.xml.push_str(&format!("<row r=\"{row}\">"));
        for (i, cell) in cells.iter().enumerate() {
            let style = self.formats.get(i).copied().unwrap_or_default().style();
            match cell {
                Cell::Empty => {}
                Cell::Number(text) if holds(text) => value_cell(i, row, style, "", text, &mut self.xml),
                Cell::Bool(value) => value_cell(i, row, 0, " t=\"b\"", if *value { "1" } else { "0" }, &mut self.xml),
                Cell::Date(day) => match serial(*day) {
                    Some(days) => value_cell(i, row, 3, "", &days.to_string(), &mut self.xml),
                    None => text_cell(i, row, 0, &day.to_string(), &mut self.xml),
                },
                Cell::Time(time) => value_cell(i, row, 5, "", &part_of_day(*time), &mut self.xml),
                Cell::Moment(at) => match serial(at.date()) {
                    Some(days) => {
                        let text = format!("{days}{}", &part_of_day(at.time())[1..]);
                        value_cell(i, row, 4, "", &text, &mut self.xml);
                    }
                    None => text_cell(i, row, 0, &at.to_string(), &mut self.xml),
                },
                other => text_cell(i, row, 0, &other.to_string(), &mut self.xml),
            }
        }
        self.xml.push_str("</row>");
        if let Some(sheet) = &mut self.sheet {
            sheet.add(&mut self.out, self.xml.as_bytes());
        }
        true
    }

    /// The bytes that are ready.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Ends the file: its last bytes; nothing where it grew beyond what the format holds.
    pub fn end(mut self) -> Option<Vec<u8>> {
        let mut sheet = self.sheet.take()?;
        let last = column(self.formats.len().saturating_sub(1));
        let filter = format!("</sheetData><autoFilter ref=\"A1:{last}{}\"/></worksheet>", self.row);
        sheet.add(&mut self.out, filter.as_bytes());
        let fits = sheet.end(&mut self.zip, &mut self.out);
        self.zip.end(&mut self.out);
        fits.then_some(self.out)
    }
}

/// Whether a spreadsheet holds a number exactly.
fn holds(text: &str) -> bool {
    let plain = text.strip_prefix('-').unwrap_or(text);
    let digits = plain.bytes().filter(u8::is_ascii_digit).count();
    let form =
        plain.bytes().all(|b| b.is_ascii_digit() || b == b'.') && plain.bytes().filter(|b| *b == b'.').count() < 2;
    form && (1..=15).contains(&digits) && plain.bytes().next().is_some_and(|b| b.is_ascii_digit())
}

/// Days since the last day of 1899, as spreadsheets count; none before March 1900, where they count wrongly.
fn serial(day: Date) -> Option<i64> {
    let first = Date::constant(1899, 12, 30);
    let days = day.since(first).ok()?.get_days();
    (days > 60).then_some(i64::from(days))
}

/// A time as a part of the day: `0.5` for noon.
fn part_of_day(time: jiff::civil::Time) -> String {
    let seconds = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    // Ten decimals tell seconds apart.
    format!("0.{:010}", (seconds * 10_000_000_000 + 43_200) / 86_400)
}

fn column(mut index: usize) -> String {
    let mut name = String::new();
    loop {
        name.insert(0, char::from(b'A' + (index % 26) as u8));
        if index < 26 {
            return name;
        }
        index = index / 26 - 1;
    }
}

fn value_cell(i: usize, row: u64, style: u8, kind: &str, value: &str, out: &mut String) {
    out.push_str(&format!("<c r=\"{}{row}\" s=\"{style}\"{kind}><v>{value}</v></c>", column(i)));
}

fn text_cell(i: usize, row: u64, style: u8, text: &str, out: &mut String) {
    out.push_str(&format!("<c r=\"{}{row}\" s=\"{style}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">", column(i)));
    match text.char_indices().nth(CELL) {
        Some((cut, _)) => escape(&text[..cut], out),
        None => escape(text, out),
    }
    out.push_str("</t></is></c>");
}

/// Text for XML; what XML cannot hold is left out.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            c if c.is_control() && c < ' ' => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
}

fn styles() -> String {
    let mut formats = String::new();
    let mut cells = String::from(
        "<xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
         <xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/>\
         <xf numFmtId=\"1\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
         <xf numFmtId=\"14\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
         <xf numFmtId=\"22\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
         <xf numFmtId=\"21\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>",
    );
    for n in 0..=Format::MOST {
        let id = 164 + u32::from(n);
        let decimals = if n == 0 { String::new() } else { format!(".{}", "0".repeat(usize::from(n))) };
        formats.push_str(&format!("<numFmt numFmtId=\"{id}\" formatCode=\"#,##0{decimals}\"/>"));
        cells.push_str(&format!(
            "<xf numFmtId=\"{id}\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>"
        ));
    }
    format!(
        "{HEAD}<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
         <numFmts count=\"7\">{formats}</numFmts>\
         <fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
         <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>\
         <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
         <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
         <cellXfs count=\"13\">{cells}</cellXfs>\
         <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>"
    )
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

const TYPES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>
<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/><Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/><Override PartName=\"/xl/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml\"/></Types>";

const RELATIONS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>
<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>";

const BOOK_RELATIONS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>
<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles\" Target=\"styles.xml\"/></Relationships>";

const BOOK: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>
<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"{name}\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>";

const SHEET: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>
<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>";

/// Writes CSV (RFC 4180). A text that a spreadsheet would take for a formula is kept from it.
#[derive(Default)]
pub struct CsvWriter {
    out: String,
}

impl CsvWriter {
    /// Adds a row. Texts that people typed are guarded, the rest stands as it is.
    pub fn row(&mut self, cells: &[Cell]) {
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            let text = cell.to_string();
            self.cell(&text, matches!(cell, Cell::Text(_)));
        }
        self.out.push_str("\r\n");
    }

    /// The text that is ready.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.out)
    }

    fn cell(&mut self, text: &str, typed: bool) {
        let guarded = typed && formula(text);
        if guarded || text.contains([',', '"', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ') {
            let quoted = text.contains([',', '"', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ');
            if quoted {
                self.out.push('"');
            }
            if guarded {
                self.out.push('\'');
            }
            self.out.push_str(&text.replace('"', "\"\""));
            if quoted {
                self.out.push('"');
            }
        } else {
            self.out.push_str(text);
        }
    }
}

/// Whether a spreadsheet would compute a text.
pub fn formula(text: &str) -> bool {
    text.starts_with(['=', '@', '\t', '\r'])
        || (text.starts_with(['+', '-']) && !text[1..].bytes().all(|b| b.is_ascii_digit() || b" .,()-/".contains(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_in_a_spreadsheet() {
        assert_eq!(column(0), "A");
        assert_eq!(column(25), "Z");
        assert_eq!(column(26), "AA");
        assert_eq!(column(701), "ZZ");
        assert_eq!(column(702), "AAA");
    }

    #[test]
    fn csv_cells_are_quoted_and_formulas_disarmed() {
        let told = |cell: Cell| {
            let mut csv = CsvWriter::default();
            csv.row(&[cell]);
            csv.take()
        };
        let text = |text: &str| Cell::Text(text.to_owned());
        assert_eq!(told(text("a,b")), "\"a,b\"\r\n");
        assert_eq!(told(text("say \"x\"")), "\"say \"\"x\"\"\"\r\n");
        assert_eq!(told(text("=1+1")), "'=1+1\r\n");
        assert_eq!(told(text("=a,b")), "\"'=a,b\"\r\n");
        assert_eq!(told(text("+420 777 123 456")), "+420 777 123 456\r\n");
        assert_eq!(told(text("-cmd")), "'-cmd\r\n");
        assert_eq!(told(Cell::Number("-12.50".to_owned())), "-12.50\r\n");
    }

    #[test]
    fn what_a_spreadsheet_cannot_hold_stays_text() {
        assert!(holds("123456789012345") && !holds("1234567890123456") && !holds("1e5") && !holds("") && holds("-1.5"));
        assert_eq!(serial(Date::constant(2026, 11, 24)), Some(46_350));
        assert_eq!(serial(Date::constant(1900, 1, 5)), None);
    }
}
