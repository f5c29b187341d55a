//! The real shop, in parts small enough for a test. The figures that must come out are computed here from the text of the
//! file, with nothing of the import.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use kernel::{Kernel, Options, Value};
use serde_json::json;

static COUNT: AtomicU64 = AtomicU64::new(0);

fn whole() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/data/retail/online_retail_2010-12_to_2011-05.csv.zst");
        let file = std::fs::File::open(&path).unwrap_or_else(|e| panic!("the test needs {}: {e}", path.display()));
        let mut text = String::new();
        zstd::stream::read::Decoder::new(file).unwrap().read_to_string(&mut text).unwrap();
        text
    })
}

struct Shop {
    folder: PathBuf,
    file: PathBuf,
    kernel: Kernel,
}

impl Shop {
    /// A shop whose file has the lines that are wanted.
    fn new(wanted: impl Fn(&str) -> bool) -> Self {
        let mut lines = whole().lines();
        let mut text = format!("{}\n", lines.next().unwrap());
        for line in lines.filter(|l| wanted(l)) {
            text.push_str(line);
            text.push('\n');
        }
        Self::of("sales.csv", text.as_bytes())
    }
    /// A shop with this file.
    fn of(name: &str, content: &[u8]) -> Self {
        let file_name = name;
        let name = format!("celek-retail-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(file_name);
        std::fs::write(&file, content).unwrap();
        let url = format!("sqlite:{}", folder.join("shop.db").display());
        let kernel = Kernel::open(&url, crate::modules::ALL, Options::default()).unwrap();
        Self { folder, file, kernel }
    }
    fn import(&self, verify: Option<&Path>, less: &[String]) -> bool {
        super::import(&self.kernel, &self.file, verify, false, less).unwrap()
    }
    fn int(&self, sql: &str) -> i64 {
        let who = self.kernel.system().unwrap();
        self.kernel.read(&who, |cx| Ok(cx.conn().int(sql, &[])?.unwrap_or(0))).unwrap()
    }
    fn rows(&self, sql: &str) -> Vec<Vec<Value>> {
        let who = self.kernel.system().unwrap();
        self.kernel.read(&who, |cx| Ok(cx.conn().rows(sql, &[])?)).unwrap()
    }
    fn clean(&self) {
        for finding in self.kernel.check(true).unwrap() {
            assert!(finding.holds(), "{}: {:?}", finding.check, finding.breaches);
        }
    }
    /// What stands in the file of rejected lines.
    fn rejects(&self) -> String {
        std::fs::read_to_string(self.folder.join("shop.db.sales.rejects.csv")).unwrap_or_default()
    }
    /// Facts computed from the text of the file: thousandths, since no price is finer here.
    fn facts(&self) -> PathBuf {
        self.facts_of(&std::fs::read_to_string(&self.file).unwrap())
    }
    fn facts_of(&self, text: &str) -> PathBuf {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let (mut net, mut cancelled, mut count) = (0_i64, 0_i64, 0);
        let (mut countries, mut documents) = (BTreeMap::<String, i64>::new(), std::collections::BTreeSet::new());
        for record in reader.records() {
            let record = record.unwrap();
            let (whole, part) = record[5].split_once('.').unwrap_or((&record[5], ""));
            let sign = if whole.starts_with('-') { -1 } else { 1 };
            let price = whole.parse::<i64>().unwrap() * 1000 + sign * format!("{part:0<3}").parse::<i64>().unwrap();
            let value = price * record[3].parse::<i64>().unwrap();
            net += value;
            *countries.entry(record[7].to_owned()).or_default() += value;
            cancelled += if record[0].starts_with('C') { value } else { 0 };
            documents.insert(record[0].to_owned());
            count += 1;
        }
        let text = |v: i64| kernel::decimal_text(i128::from(v), 3);
        let billed: BTreeMap<String, String> = countries.into_iter().map(|(c, v)| (c, text(v))).collect();
        let facts = json!({
            "lines": count, "documents_distinct_InvoiceNo": documents.len(), "net_revenue_all_lines": text(net),
            "cancelled_value": text(cancelled), "net_revenue_by_country": billed,
        });
        let path = self.folder.join("facts.json");
        std::fs::write(&path, facts.to_string()).unwrap();
        path
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_month_comes_in_agrees_and_does_nothing_the_second_time() {
    let shop = Shop::new(|line| line.contains(",2011-02-"));
    let facts = shop.facts();
    assert!(shop.import(Some(&facts), &[]), "the figures agree");
    shop.clean();
    let rows =
        |shop: &Shop| shop.int("SELECT COUNT(*) FROM sys_operation") + shop.int("SELECT COUNT(*) FROM sys_audit");
    let before = rows(&shop);
    assert!(shop.import(Some(&facts), &[]));
    assert_eq!(rows(&shop), before, "a second run does nothing");
    std::fs::write(&facts, r#"{"net_revenue_all_lines": "1.000"}"#).unwrap();
    assert!(!shop.import(Some(&facts), &[]), "a difference is told");
}

/// How often each operation was done, and how often each entity was told to be created and changed.
fn done_and_told(shop: &Shop) -> (BTreeMap<String, i64>, BTreeMap<String, i64>) {
    let counts = |sql: &str| {
        let rows = shop.rows(sql);
        rows.iter().map(|r| (r[0].as_text().unwrap().to_owned(), r[1].as_int().unwrap())).collect()
    };
    (
        counts("SELECT name, COUNT(*) FROM sys_operation GROUP BY name"),
        counts("SELECT entity || ' ' || kind, COUNT(*) FROM sys_audit GROUP BY entity, kind"),
    )
}

#[test]
fn nothing_bypasses_the_operations() {
    let shop = Shop::new(|line| line.starts_with("536365,"));
    assert!(shop.import(None, &[]));
    let (done, told) = done_and_told(&shop);
    for (name, wanted) in [
        ("sales.order.confirm", 1),
        ("inventory.reservation.make", 1),
        ("inventory.delivery.ship", 1),
        ("sales.order.invoice", 1),
        ("finance.invoice.post", 1),
        ("finance.invoice.send", 1),
        ("inventory.stock.open", 7),
    ] {
        assert_eq!(done.get(name), Some(&wanted), "{name} of {done:?}");
    }
    // Seven lines: each is told to be delivered, then invoiced; the order is confirmed and done, the invoice posted and sent.
    for (entity, wanted) in [
        ("sales.order created", 1),
        ("sales.order changed", 2),
        ("sales.order_line changed", 14),
        ("inventory.delivery created", 1),
        ("inventory.delivery changed", 1),
        ("inventory.delivery_line changed", 7),
        ("finance.invoice created", 1),
        ("finance.invoice changed", 2),
    ] {
        assert_eq!(told.get(entity), Some(&wanted), "{entity} of {told:?}");
    }
    assert_eq!(told.get("finance.invoice_line changed"), None, "nothing of an invoice's lines changes after posting");
    assert_eq!(shop.int("SELECT COUNT(*) FROM process_instance"), 1, "the process runs");
    shop.clean();
}

const HEAD: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

#[test]
fn every_kind_of_document_becomes_what_it_is() {
    let text = format!(
        "{HEAD}\
         900001,85123a,WHITE HEART,5,2011-07-01 09:00:00,2.55,12345.0,Channel Islands\n\
         900001,POST,POSTAGE,1,2011-07-01 09:00:00,3.00,12345.0,Channel Islands\n\
         900002,85123A,WHITE HEART,2,2011-07-01 10:00:00,2.10,12346.0,France\n\
         C900003,85123A,WHITE HEART,-2,2011-07-02 09:00:00,2.55,12345.0,Channel Islands\n\
         C900003,POST,POSTAGE,-1,2011-07-02 09:00:00,3.00,12345.0,Channel Islands\n\
         C900004,85123A,WHITE HEART,-3,2011-07-02 10:00:00,2.55,12347.0,France\n\
         900005,85123A,damaged,-1,2011-07-03 09:00:00,0.0,,United Kingdom\n\
         900006,85123A,found,4,2011-07-03 10:00:00,0.0,,United Kingdom\n\
         900007,85123A,WHITE HEART,1,2011-07-03 11:00:00,4.96,,United Kingdom\n\
         900007,22457,SLATE,2,2011-07-03 11:00:00,0.0,,United Kingdom\n\
         900008,POST,,1000,2011-07-03 12:00:00,0.0,,United Kingdom\n\
         A900009,B,Adjust bad debt,1,2011-07-04 09:00:00,-110.62,,United Kingdom\n\
         900010,85123A,sample,1,2011-07-04 10:00:00,0.0,12345.0,Channel Islands\n"
    );
    let shop = Shop::of("kinds.csv", text.as_bytes());
    let facts = shop.facts();
    assert!(shop.import(Some(&facts), &[]), "the figures agree");
    shop.clean();
    let one = |sql: &str| shop.int(sql);
    // The invoice has what the file wrote from the beginning.
    assert_eq!(
        one("SELECT COUNT(*) FROM finance_invoice WHERE number = '900001' AND country_name = 'Channel Islands'"),
        1
    );
    assert_eq!(one("SELECT COUNT(*) FROM finance_invoice_line WHERE code_as_written = '85123a'"), 1);
    assert_eq!(one("SELECT COUNT(*) FROM product_product WHERE code = '85123A'"), 1);
    // A credit note names the lines that it takes back, and its goods come back at the value at which they left.
    let corrected = "SELECT COUNT(*) FROM finance_invoice_line l JOIN finance_invoice n ON n.id = l.invoice AND n.number = 'C900003' \
        JOIN finance_invoice_line o ON o.id = l.corrects JOIN finance_invoice i ON i.id = o.invoice AND i.number = '900001'";
    assert_eq!(one(corrected), 2);
    assert_eq!(
        one(
            "SELECT COUNT(*) FROM finance_invoice n JOIN finance_invoice i ON i.id = n.corrects WHERE n.number = 'C900003' AND i.number = '900001'"
        ),
        1
    );
    // 60 % of 2.55 is 1.53 each; of the unknown sale, at the average of what is there.
    let value = |number: &str| {
        one(&format!(
            "SELECT COALESCE(SUM(m.value), 0) FROM inventory_move m JOIN inventory_delivery d ON d.id = m.source \
             AND m.source_entity = 'inventory.delivery' WHERE d.kind = 'return' AND {number}"
        ))
    };
    assert_eq!(value("d.of IS NOT NULL"), 306);
    assert_eq!(value("d.of IS NULL"), 459);
    assert_eq!(one("SELECT COUNT(*) FROM finance_invoice WHERE number = 'C900004' AND corrects IS NULL"), 1);
    // Corrections of the stock bear the file's number and are no invoices; so are lines without price and customer of a sale.
    assert_eq!(one("SELECT COUNT(*) FROM inventory_write_off WHERE number = '900005' AND state = 'posted'"), 1);
    assert_eq!(
        one("SELECT COUNT(*) FROM inventory_receipt WHERE number IN ('900006', '900007') AND state = 'received'"),
        2
    );
    assert_eq!(one("SELECT COUNT(*) FROM finance_invoice WHERE number IN ('900005', '900006')"), 0);
    assert_eq!(
        one(
            "SELECT COUNT(*) FROM finance_invoice_line l JOIN finance_invoice i ON i.id = l.invoice WHERE i.number = '900007'"
        ),
        1
    );
    assert_eq!(
        one("SELECT COUNT(*) FROM sys_number WHERE series IN ('receipt', 'write_off')"),
        0,
        "no series gave a number"
    );
    let gain = "SELECT -SUM(l.amount) FROM finance_entry_line l JOIN finance_account a ON a.id = l.account WHERE a.purpose = 'found'";
    assert_eq!(one(gain), 4 * 153, "what was found is a gain, at the average; what was never priced is worth nothing");
    // Bad debt is on an account of its own; a sample is on an invoice over nothing.
    let bad = "SELECT SUM(l.amount) FROM finance_entry_line l JOIN finance_account a ON a.id = l.account WHERE a.purpose = 'bad_debt'";
    assert_eq!(one(bad), 11_062);
    assert_eq!(one("SELECT COUNT(*) FROM finance_invoice WHERE number = '900010' AND total = 0"), 1);
    // A charge without price and customer is nothing that could be done.
    let rejects = std::fs::read_to_string(shop.folder.join("shop.db.kinds.rejects.csv")).unwrap();
    assert_eq!(rejects.lines().count(), 2, "{rejects}");
    assert!(rejects.contains("12,correction_of_a_service,\"a charge has no stock"), "{rejects}");
    let (done, _) = done_and_told(&shop);
    for (name, wanted) in [
        ("inventory.receipt.found", 2),
        ("inventory.write_off.approve", 1),
        ("inventory.write_off.post", 1),
        ("inventory.delivery.return", 1),
        ("finance.invoice.post", 7),
    ] {
        assert_eq!(done.get(name), Some(&wanted), "{name} of {done:?}");
    }
    let told = done_and_told(&shop);
    assert!(shop.import(Some(&facts), &[]));
    assert_eq!(done_and_told(&shop), told, "a second run does nothing");
}

/// Some documents of a day, with descriptions that need care.
fn sample() -> String {
    let mut lines = whole().lines();
    let mut text = format!("{}\n", lines.next().unwrap());
    let wanted = ["538003,", "538004,", "538005,", "538006,", "538007,", "538008,", "C538012,"];
    for line in lines.filter(|l| wanted.iter().any(|w| l.starts_with(w))) {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(
        "538099,\"22457\",\"NATURAL \"\"SLATE\"\", CAFÉ £5\",3,2010-12-09 10:00:00,1.25,17850.0,United Kingdom\n",
    );
    text
}

/// The file in other clothes: each has to give the same figures.
#[test]
fn other_forms_of_the_file_give_the_same() {
    let text = sample();
    assert!(text.lines().count() > 20, "the sample has lines: {text}");
    let (head, body) = text.split_once('\n').unwrap();
    let mut shuffled: Vec<&str> = body.lines().collect();
    shuffled.sort_by_key(|l| kernel::decimal_text(l.bytes().map(i128::from).map(|b| b * b * 7919 % 1009).sum(), 0));
    let columns = |line: &str| -> String {
        let record = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(line.as_bytes())
            .records()
            .next()
            .unwrap()
            .unwrap();
        let cells: Vec<String> = record.iter().rev().map(|c| format!("\"{}\"", c.replace('"', "\"\""))).collect();
        cells.join(",")
    };
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, text.as_bytes()).unwrap();
    let windows: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let forms: Vec<(&str, &str, Vec<u8>)> = vec![
        ("line ends of Windows", "a.csv", text.replace('\n', "\r\n").into_bytes()),
        ("a byte order mark", "b.csv", format!("\u{feff}{text}").into_bytes()),
        ("Windows-1252", "c.csv", windows),
        (
            "all cells quoted, columns in another order",
            "d.csv",
            text.lines().map(columns).collect::<Vec<_>>().join("\n").into_bytes(),
        ),
        ("documents torn apart", "e.csv", format!("{head}\n{}\n", shuffled.join("\n")).into_bytes()),
        ("gzip", "f.csv.gz", gz.finish().unwrap()),
        ("zstd without its ending", "g.csv", zstd::stream::encode_all(text.as_bytes(), 3).unwrap()),
        ("a month of the other half of the year", "h.csv", text.replace("2010-12-", "2011-09-").into_bytes()),
    ];
    for (what, name, content) in forms {
        let shop = Shop::of(name, &content);
        let facts = shop.facts_of(&text);
        assert!(shop.import(Some(&facts), &[]), "{what}: the figures agree");
        assert_eq!(
            shop.int("SELECT COUNT(*) FROM finance_invoice_line WHERE description = 'NATURAL \"SLATE\", CAFÉ £5'"),
            1,
            "{what}"
        );
        shop.clean();
    }
}

/// What cannot be used at all is refused, and leaves nothing behind.
#[test]
fn a_file_that_cannot_be_used_is_refused() {
    let text = sample();
    let (_, body) = text.split_once('\n').unwrap();
    let packed = zstd::stream::encode_all(text.as_bytes(), 3).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, text.as_bytes()).unwrap();
    let gz = gz.finish().unwrap();
    let without: String = text.replacen("UnitPrice", "Weight", 1);
    for (what, name, content, word) in [
        ("no column of prices", "a.csv", without.into_bytes(), "unitprice"),
        ("no head", "b.csv", body.as_bytes().to_vec(), "invoiceno"),
        ("nothing at all", "c.csv", Vec::new(), "invoiceno"),
        ("torn zstd", "d.csv.zst", packed[..packed.len() / 2].to_vec(), "d.csv.zst"),
        ("torn gzip", "e.csv.gz", gz[..gz.len() / 2].to_vec(), "e.csv.gz"),
        ("UTF-16", "f.csv", text.encode_utf16().flat_map(u16::to_le_bytes).collect(), "UTF-16"),
    ] {
        let shop = Shop::of(name, &content);
        let error = super::import(&shop.kernel, &shop.file, None, false, &[]).unwrap_err();
        assert_eq!(error.code, "file_unusable", "{what}");
        let message = shop.kernel.schema().error_message(kernel::Language::En, &error);
        assert!(message.contains(word), "{what}: {message}");
        assert_eq!(shop.int("SELECT COUNT(*) FROM platform_company"), 0, "{what}: nothing is left");
    }
}

/// Lines that cannot be used are told with their reasons, and the rest comes in.
#[test]
fn bad_lines_are_rejected_each_with_its_reason() {
    let long = "X".repeat(300);
    let bad = [
        ("columns", "900001,22457,TEXT,1,2011-07-01 09:00:00,1.25,17850.0".to_owned()),
        ("quantity", "900001,22457,TEXT,many,2011-07-01 09:00:00,1.25,17850.0,France".to_owned()),
        ("quantity", "900001,22457,TEXT,99999999999999999999,2011-07-01 09:00:00,1.25,17850.0,France".to_owned()),
        ("price", "900001,22457,TEXT,1,2011-07-01 09:00:00,1e3,17850.0,France".to_owned()),
        ("price", "900001,22457,TEXT,1,2011-07-01 09:00:00,0.0000001,17850.0,France".to_owned()),
        ("net", "900001,22457,TEXT,0.001,2011-07-01 09:00:00,0.0001,17850.0,France".to_owned()),
        ("net", "900001,22457,TEXT,9000000,2011-07-01 09:00:00,9000000,17850.0,France".to_owned()),
        ("date", "900001,22457,TEXT,1,yesterday,1.25,17850.0,France".to_owned()),
        ("date", "900001,22457,TEXT,1,2011-02-30 09:00:00,1.25,17850.0,France".to_owned()),
        ("document", ",22457,TEXT,1,2011-07-01 09:00:00,1.25,17850.0,France".to_owned()),
        ("code", "900001,,TEXT,1,2011-07-01 09:00:00,1.25,17850.0,France".to_owned()),
        ("country", "900001,22457,TEXT,1,2011-07-01 09:00:00,1.25,17850.0,".to_owned()),
        ("description", format!("900001,22457,{long},1,2011-07-01 09:00:00,1.25,17850.0,France")),
        ("quantity_zero", "900001,22457,TEXT,0,2011-07-01 09:00:00,1.25,17850.0,France".to_owned()),
        ("sale_below_zero", "900001,22457,TEXT,-1,2011-07-01 09:00:00,1.25,17850.0,France".to_owned()),
        ("cancellation_above_zero", "C900002,22457,TEXT,1,2011-07-01 09:00:00,1.25,17850.0,France".to_owned()),
    ];
    let mut text = HEAD.to_owned();
    for (_, line) in &bad {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str("900001,22457,TEXT,2,2011-07-01 09:00:00,1.25,17850.0,France\n");
    let shop = Shop::of("sales.csv", text.as_bytes());
    assert!(shop.import(None, &[]));
    let rejects = shop.rejects();
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(rejects.as_bytes());
    let mut told: Vec<(usize, String)> =
        reader.records().map(|r| r.unwrap()).map(|r| (r[0].parse().unwrap(), r[1].to_owned())).collect();
    told.sort_unstable();
    let wanted: Vec<(usize, String)> = bad.iter().enumerate().map(|(i, (why, _))| (i + 2, (*why).to_owned())).collect();
    assert_eq!(told, wanted, "{rejects}");
    assert_eq!(shop.int("SELECT SUM(net_exact) FROM finance_invoice_line"), 2_500_000, "the good line is in");
    shop.clean();
}

#[test]
fn a_shipment_without_stock_is_refused_and_reported() {
    let shop = Shop::new(|line| line.starts_with("536365,") || line.starts_with("536366,"));
    assert!(shop.import(None, &["71053".to_owned()]));
    assert_eq!(shop.int("SELECT COUNT(*) FROM finance_invoice"), 1, "the other document is in");
    assert_eq!(shop.int("SELECT COUNT(*) FROM sales_order WHERE number = '536365'"), 0);
    let rejects = shop.rejects();
    assert_eq!(rejects.lines().filter(|l| l.contains("inventory.not_enough")).count(), 7, "{rejects}");
    shop.clean();
    assert!(shop.import(None, &[]));
    assert_eq!(shop.int("SELECT COUNT(*) FROM finance_invoice"), 2, "with stock it comes in");
    shop.clean();
}
