//! Tables: what other programs wrote is read, what we write others read, and hostile files end in an error.

#![allow(clippy::unwrap_used)]

use std::io::Write;

use jiff::civil::{DateTime, date, time};
use proptest::prelude::*;
use sheet::{Cell, CsvWriter, Encoding, Error, Format, Kind, Limits, XlsxWriter, read};

type Rows = Vec<(u64, Vec<Cell>)>;

fn all(content: &[u8], sheet: Option<&str>, limits: Limits) -> Result<(Kind, Rows), Error> {
    let mut rows = Vec::new();
    let kind = read(content, sheet, limits, &mut |line, row| {
        rows.push((line, row.to_vec()));
        true
    })?;
    Ok((kind, rows))
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}
fn number(text: &str) -> Cell {
    Cell::Number(text.to_owned())
}

#[test]
fn a_workbook_of_another_program_comes_in_typed() {
    use rust_xlsxwriter::{Format as F, Workbook};
    let mut book = Workbook::new();
    let first = book.add_worksheet();
    first.set_name("Zboží").unwrap();
    first.write(0, 0, "Kód").unwrap();
    first.write(0, 3, "Cena").unwrap();
    first.write(2, 0, "A-1").unwrap();
    first.write(2, 1, true).unwrap();
    let day = F::new().set_num_format("d.m.yyyy");
    first.write_number_with_format(2, 2, 46_350.0, &day).unwrap();
    first.write(2, 3, 0.1 + 0.2).unwrap();
    let moment = F::new().set_num_format("d.m.yyyy h:mm");
    first.write_number_with_format(3, 2, 46_350.25, &moment).unwrap();
    let clock = F::new().set_num_format("h:mm:ss");
    first.write_number_with_format(3, 3, 0.75, &clock).unwrap();
    first.write_formula(4, 0, rust_xlsxwriter::Formula::new("=1+1").set_result("2")).unwrap();
    book.add_worksheet().set_name("Druhý").unwrap().write(0, 0, "x").unwrap();
    let content = book.save_to_buffer().unwrap();
    let (kind, rows) = all(&content, None, Limits::default()).unwrap();
    let sheets = vec!["Zboží".to_owned(), "Druhý".to_owned()];
    assert_eq!(kind, Kind::Xlsx { sheet: "Zboží".to_owned(), sheets: sheets.clone() });
    assert_eq!(rows[0], (1, vec![text("Kód"), Cell::Empty, Cell::Empty, text("Cena")]));
    assert_eq!(rows[1], (3, vec![text("A-1"), Cell::Bool(true), Cell::Date(date(2026, 11, 24)), number("0.3")]));
    let at: DateTime = "2026-11-24T06:00".parse().unwrap();
    assert_eq!(rows[2], (4, vec![Cell::Empty, Cell::Empty, Cell::Moment(at), Cell::Time(time(18, 0, 0, 0))]));
    assert_eq!(rows[3].1[0].to_string(), "2");
    assert_eq!(all(&content, Some("Druhý"), Limits::default()).unwrap().1, [(1, vec![text("x")])]);
    assert_eq!(all(&content, Some("Třetí"), Limits::default()), Err(Error::NoSheet { sheets }));
}

#[test]
fn what_we_write_is_read_again_and_texts_stay_texts() {
    let columns = [
        ("Název <&>".to_owned(), Format::Plain),
        ("Cena".to_owned(), Format::Decimals(2)),
        ("Den".to_owned(), Format::Date),
        ("Kdy".to_owned(), Format::Moment),
        ("Čas".to_owned(), Format::Time),
    ];
    let at: DateTime = "2026-11-24T13:14:15".parse().unwrap();
    let row = vec![
        text("=HYPERLINK(\"http://x\",\"y\") & <b>\n\u{1}konec"),
        number("-1234567890.50"),
        Cell::Date(date(2026, 11, 24)),
        Cell::Moment(at),
        Cell::Time(time(23, 59, 59, 0)),
    ];
    let mut book = XlsxWriter::new("Ceník: [2026]/*?", &columns);
    assert!(book.row(&row));
    assert!(book.row(&[Cell::Bool(true), number("12345678901234567.89"), Cell::Date(date(1899, 1, 1))]));
    let mut content = book.take();
    content.extend(book.end().unwrap());
    let (kind, rows) = all(&content, None, Limits::default()).unwrap();
    assert!(matches!(kind, Kind::Xlsx { sheet, .. } if sheet == "Ceník 2026"));
    assert_eq!(rows[0].1[0], text("Název <&>"));
    assert_eq!(rows[1].1[0], text("=HYPERLINK(\"http://x\",\"y\") & <b>\nkonec"));
    assert_eq!(rows[1].1[1], number("-1234567890.5"));
    assert_eq!(rows[1].1[2..], row[2..]);
    // What a spreadsheet would hold inexactly is text.
    assert_eq!(rows[2].1, [Cell::Bool(true), text("12345678901234567.89"), text("1899-01-01")]);
}

#[test]
fn code_pages_and_marks_of_csv_are_seen() {
    let (kind, rows) = all(b"N\xe1zev;Cena\nk\xf9\xf2;1,5\n", None, Limits::default()).unwrap();
    assert_eq!(kind, Kind::Csv { delimiter: ';', encoding: Encoding::Windows1250 });
    assert_eq!(rows[1].1, [text("kůň"), text("1,5")]);
    let (kind, _) = all("\u{feff}a,b\n1,2".as_bytes(), None, Limits::default()).unwrap();
    assert_eq!(kind, Kind::Csv { delimiter: ',', encoding: Encoding::Utf8 });
    assert_eq!(all(b"a;b\n\0", None, Limits::default()).map(|_| ()), Err(Error::Unknown));
}

#[test]
fn limits_hold() {
    let limits = Limits { bytes: 1 << 20, rows: 3, columns: 2, cell: 10, unpacked: 1 << 20 };
    assert_eq!(all(b"a,b,c", None, limits).map(|_| ()), Err(Error::TooManyColumns { line: 1, max: 2 }));
    assert_eq!(all(b"a\n1\n2\n3", None, limits).map(|_| ()), Err(Error::TooManyRows { max: 3 }));
    let long = format!("a,{}", "x".repeat(11));
    let error = Error::CellTooLong { line: 1, column: 2, max: 10 };
    assert_eq!(all(long.as_bytes(), None, limits).map(|_| ()), Err(error));
    let quoted = format!("\"{}", "x\n".repeat(11));
    assert!(all(quoted.as_bytes(), None, limits).is_err());
    assert_eq!(all(&[b'a'; (1 << 20) + 1], None, limits).map(|_| ()), Err(Error::TooLarge { max: 1 << 20 }));
    // Delimiters at the end of a line are no columns.
    assert_eq!(all(b"a,b,,,\n1,2,,", None, limits).unwrap().1.len(), 2);
}

/// A packed file with one part.
fn packed(name: &str, content: &[u8], told: u32) -> Vec<u8> {
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(content).unwrap();
    let body = packer.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let mut fields = Vec::new();
    fields.extend(20_u16.to_le_bytes());
    fields.extend(0_u16.to_le_bytes());
    fields.extend(8_u16.to_le_bytes());
    fields.extend([0; 4]);
    fields.extend(crc.sum().to_le_bytes());
    fields.extend((body.len() as u32).to_le_bytes());
    fields.extend(told.to_le_bytes());
    fields.extend((name.len() as u16).to_le_bytes());
    fields.extend(0_u16.to_le_bytes());
    let mut out = b"PK\x03\x04".to_vec();
    out.extend(&fields);
    out.extend(name.as_bytes());
    out.extend(&body);
    let at = out.len() as u32;
    out.extend(b"PK\x01\x02");
    out.extend(20_u16.to_le_bytes());
    out.extend(&fields);
    out.extend([0; 10]);
    out.extend(0_u32.to_le_bytes());
    out.extend(name.as_bytes());
    let size = out.len() as u32 - at;
    out.extend(b"PK\x05\x06");
    out.extend([0; 4]);
    out.extend([1, 0, 1, 0]);
    out.extend(size.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0; 2]);
    out
}

#[test]
fn a_bomb_is_put_out_whatever_size_it_tells() {
    let limits = Limits { unpacked: 1 << 20, ..Limits::default() };
    for told in [64 << 20, 100] {
        let bomb = packed("xl/sharedStrings.xml", &vec![b' '; 64 << 20], told);
        assert!(bomb.len() < 100_000);
        assert_eq!(all(&bomb, None, limits).map(|_| ()), Err(Error::TooLarge { max: 1 << 20 }));
    }
}

#[test]
fn broken_workbooks_are_told() {
    let mut book = XlsxWriter::new("x", &[("a".to_owned(), Format::Plain)]);
    book.row(&[text("b")]);
    let mut content = book.take();
    content.extend(book.end().unwrap());
    for cut in [4, 30, 100, content.len() / 2, content.len() - 30] {
        assert!(matches!(all(&content[..cut], None, Limits::default()), Err(Error::Broken(_))), "cut at {cut}");
    }
    assert!(matches!(all(&packed("xl/other.bin", b"x", 1), None, Limits::default()), Err(Error::Broken(_))));
}

/// A workbook with this sheet and these shared texts.
fn book(sheet: &str, shared: &str) -> Vec<u8> {
    const TYPE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let workbook = "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
        xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets>\
        <sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>";
    let relations = format!(
        "<Relationships><Relationship Id=\"rId1\" Type=\"{TYPE}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    let root = format!(
        "<Relationships><Relationship Id=\"rId1\" Type=\"{TYPE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let parts = [
        ("_rels/.rels", root.as_str()),
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", &relations),
        ("xl/worksheets/sheet1.xml", sheet),
        ("xl/sharedStrings.xml", shared),
    ];
    let parts: Vec<(String, Vec<u8>)> =
        parts.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    let (mut out, mut directory, count) = (Vec::new(), Vec::new(), parts.len() as u16);
    for (name, content) in parts {
        let single = packed(&name, &content, content.len() as u32);
        let end = single.len() - 22;
        let cut = single[..end].windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
        let mut listed = single[cut..end].to_vec();
        listed[42..46].copy_from_slice(&(out.len() as u32).to_le_bytes());
        out.extend(&single[..cut]);
        directory.extend(listed);
    }
    let at = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0; 2]);
    out
}

#[test]
fn a_sheet_that_promises_too_much_costs_nothing() {
    let shared = "<?xml version=\"1.0\"?><sst count=\"1\" uniqueCount=\"99999999999999\"><si><t>x</t></si></sst>";
    let far = "<worksheet><dimension ref=\"A1:XFD1048576\"/><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row>\
        <row r=\"1048576\"><c r=\"A1048576\"><v>7</v></c></row></sheetData></worksheet>";
    let (_, rows) = all(&book(far, shared), None, Limits::default()).unwrap();
    assert_eq!(rows, [(1, vec![text("x")]), (1_048_576, vec![number("7")])]);
    let wide = "<worksheet><sheetData><row r=\"1\"><c r=\"XFD1\"><v>7</v></c></row></sheetData></worksheet>";
    let error = Error::TooManyColumns { line: 1, max: 500 };
    assert_eq!(all(&book(wide, shared), None, Limits::default()).map(|_| ()), Err(error));
    let nonsense = "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>99</v></c></row></sheetData></worksheet>";
    assert!(matches!(all(&book(nonsense, shared), None, Limits::default()), Err(Error::Broken(_)) | Ok(_)));
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zá-ž0-9 ]{0,8}", "[\",;\t\n= a]{0,6}", Just("\"".to_owned()), Just("řádek\r\ndruhý".to_owned()),]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What the library for CSV writes, we read as it was.
    #[test]
    fn csv_of_others_is_read(rows in prop::collection::vec(prop::collection::vec(cell(), 3), 1..8), at in 0..3_usize) {
        let delimiter = b",;\t"[at];
        let head = ["a", "b", "c"];
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(head).unwrap();
        for _ in 0..3 {
            // Enough lines to tell the delimiter from commas inside.
            writer.write_record(head).unwrap();
        }
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let mut content = format!("sep={}\n", char::from(delimiter)).into_bytes();
        content.extend(writer.into_inner().unwrap());
        let (_, read) = all(&content, None, Limits::default()).unwrap();
        let wanted: Vec<Vec<String>> = rows.into_iter().filter(|row| row.iter().any(|c| !c.trim().is_empty())).collect();
        let got: Vec<Vec<String>> =
            read.into_iter().skip(4).map(|(_, row)| row.iter().map(ToString::to_string).collect()).collect();
        prop_assert_eq!(got, wanted);
    }

    /// Any bytes end in rows or in an error, never in a panic.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400), zip in any::<bool>()) {
        let mut content = if zip { b"PK\x03\x04".to_vec() } else { Vec::new() };
        content.extend(bytes);
        let _ = all(&content, None, Limits::default());
    }

    /// Texts and numbers go out and come back.
    #[test]
    fn a_round_trip_loses_nothing(rows in prop::collection::vec((cell(), -999_999_999_i64..999_999_999), 1..6)) {
        let columns = [("a".to_owned(), Format::Plain), ("b".to_owned(), Format::Decimals(2))];
        let mut book = XlsxWriter::new("x", &columns);
        let mut plain = CsvWriter::default();
        plain.row(&[text("a"), text("b")]);
        for (words, n) in &rows {
            let cells = [text(words), number(&n.to_string())];
            book.row(&cells);
            plain.row(&cells);
        }
        let mut content = book.take();
        content.extend(book.end().unwrap());
        let (_, read) = all(&content, None, Limits::default()).unwrap();
        prop_assert_eq!(read.len(), rows.len() + 1);
        for ((words, n), (_, row)) in rows.iter().zip(&read[1..]) {
            // A workbook knows one kind of line break less.
            let told = row[0].to_string();
            prop_assert_eq!(told.trim(), words.trim());
            prop_assert_eq!(&row[1], &number(&n.to_string()));
        }
        let (_, read) = all(plain.take().as_bytes(), None, Limits::default()).unwrap();
        for ((words, n), (_, row)) in rows.iter().zip(&read[1..]) {
            let told = row[0].to_string();
            prop_assert_eq!(told.strip_prefix('\'').unwrap_or(&told), words.as_str());
            prop_assert_eq!(row[1].to_string(), n.to_string());
        }
    }
}
