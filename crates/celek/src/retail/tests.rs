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
    fn new(wanted: impl Fn(usize, &str) -> bool) -> Self {
        let name = format!("celek-retail-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let mut lines = whole().lines();
        let mut text = format!("{}\n", lines.next().unwrap());
        for (i, line) in lines.enumerate().filter(|(i, l)| wanted(*i, l)) {
            let _ = i;
            text.push_str(line);
            text.push('\n');
        }
        let file = folder.join("sales.csv");
        std::fs::write(&file, text).unwrap();
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
        let text = std::fs::read_to_string(&self.file).unwrap();
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
    let shop = Shop::new(|_, line| line.contains(",2011-02-"));
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

#[test]
fn nothing_bypasses_the_operations() {
    let shop = Shop::new(|_, line| line.starts_with("536365,"));
    assert!(shop.import(None, &[]));
    for (name, wanted) in [
        ("sales.order.confirm", 1),
        ("inventory.reservation.make", 1),
        ("inventory.delivery.ship", 1),
        ("sales.order.invoice", 1),
        ("finance.invoice.post", 1),
        ("finance.invoice.send", 1),
        ("inventory.stock.open", 7),
    ] {
        assert_eq!(shop.int(&format!("SELECT COUNT(*) FROM sys_operation WHERE name = '{name}'")), wanted, "{name}");
    }
    let audit = shop.rows(
        "SELECT entity, kind, COUNT(*) FROM sys_audit WHERE entity IN ('sales.order', 'sales.order_line', 'inventory.delivery', \
         'inventory.delivery_line', 'finance.invoice') GROUP BY entity, kind ORDER BY entity, kind",
    );
    let told: Vec<(&str, &str)> = audit.iter().filter_map(|r| Some((r[0].as_text()?, r[1].as_text()?))).collect();
    for wanted in [
        ("sales.order", "created"),
        ("sales.order", "changed"),
        ("inventory.delivery", "created"),
        ("inventory.delivery", "changed"),
        ("finance.invoice", "created"),
        ("finance.invoice", "changed"),
    ] {
        assert!(told.contains(&wanted), "{wanted:?} is in the audit: {told:?}");
    }
    assert_eq!(shop.int("SELECT COUNT(*) FROM process_instance"), 1, "the process runs");
    shop.clean();
}

#[test]
fn a_shipment_without_stock_is_refused_and_reported() {
    let shop = Shop::new(|_, line| line.starts_with("536365,") || line.starts_with("536366,"));
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
