//! The import of a shop is killed (SIGKILL) at random points and goes on: the result is that of an import that nobody killed.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::Value as J;

use crate::crash::{CELEK, celek, folder};

/// Two days of the shop.
fn sales(file: &Path) -> usize {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/retail/online_retail_2010-12_to_2011-05.csv.zst");
    let packed = std::fs::File::open(&whole).unwrap_or_else(|e| panic!("the test needs {}: {e}", whole.display()));
    let mut text = String::new();
    zstd::stream::read::Decoder::new(packed).unwrap().read_to_string(&mut text).unwrap();
    let days = [",2011-02-01 ", ",2011-02-02 "];
    let mut out = std::fs::File::create(file).unwrap();
    let mut count = 0;
    for (i, line) in text.lines().enumerate().filter(|(i, l)| *i == 0 || days.iter().any(|d| l.contains(d))) {
        writeln!(out, "{line}").unwrap();
        count += usize::from(i > 0);
    }
    count
}

/// What the import made, without the identifiers, which a killed one draws differently.
fn made(db: &str) -> BTreeMap<String, J> {
    let mut out = BTreeMap::new();
    for (entity, group, sum) in [
        ("sales.order", "number,state,total", ""),
        ("finance.invoice", "number,kind,state,total,country_name", ""),
        ("finance.invoice_line", "invoice.number,product.code,code_as_written", "quantity,net,net_exact"),
        ("finance.entry", "journal,date,description", ""),
        ("finance.entry_line", "account.code,entry.date", "amount"),
        ("finance.open_item", "party.name,due", "amount,residual"),
        ("inventory.quant", "product.code", "on_hand,reserved"),
        ("inventory.valuation", "product.code", "quantity,value"),
        ("inventory.move", "product.code,date", "quantity,value"),
        ("inventory.delivery", "kind,state,date", ""),
        ("inventory.receipt", "number,state", ""),
        ("inventory.write_off", "number,state", ""),
        ("party.party", "external", ""),
        ("product.product", "code", ""),
        ("process.instance", "state", ""),
        ("process.task", "element,state", ""),
    ] {
        let mut args = vec!["list", entity, "--json", "--archived", "--group", group];
        if !sum.is_empty() {
            args.extend(["--sum", sum]);
        }
        let (good, text) = celek(db, &args);
        assert!(good, "{entity}: {text}");
        let list: J = serde_json::from_str(&text).unwrap();
        let mut rows: Vec<String> = list["rows"].as_array().unwrap().iter().map(J::to_string).collect();
        rows.sort_unstable();
        out.insert(entity.to_owned(), J::from(rows));
    }
    out
}

#[test]
fn a_killed_import_goes_on_to_the_same_result() {
    let folder = folder("retail");
    let file = folder.join("days.csv");
    let lines = sales(&file);
    let file = file.to_str().unwrap();
    let whole = format!("sqlite:{}", folder.join("whole.db").display());
    let killed = format!("sqlite:{}", folder.join("killed.db").display());

    let began = Instant::now();
    let (good, report) = celek(&whole, &["import", "retail", file, "--json"]);
    assert!(good, "{report}");
    let took = began.elapsed();
    let report: J = serde_json::from_str(&report).unwrap();
    assert_eq!(report["lines_imported"].as_u64(), Some(lines as u64), "{report}");

    // Two kills: one early, one late, each at a point that nobody chose.
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let mut done = 0;
    for (kill, least) in [20_u32, 25].into_iter().enumerate() {
        let part = least + seed.rotate_left(7 * kill as u32) % 35;
        let mut child = Command::new(CELEK)
            .args(["import", "retail", file, "--json", "--db", &killed])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_secs_f64(took.as_secs_f64() * f64::from(part) / 100.0));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(!status.success(), "seed {seed}: the import was over before kill {kill}");
        done = part;
    }
    let (holds, told) = celek(&killed, &["check", "--full"]);
    assert!(holds, "seed {seed}, {done} %: {told}");
    let (good, report) = celek(&killed, &["import", "retail", file, "--json"]);
    assert!(good, "seed {seed}: {report}");
    let (holds, told) = celek(&killed, &["check", "--full"]);
    assert!(holds, "seed {seed}: {told}");
    let before = made(&killed);
    for (entity, wanted) in made(&whole) {
        assert_eq!(before[&entity], wanted, "seed {seed}: {entity} differs");
    }
    // Once more: everything is there.
    let (good, report) = celek(&killed, &["import", "retail", file, "--json"]);
    assert!(good, "{report}");
    let report: J = serde_json::from_str(&report).unwrap();
    assert_eq!(report["documents_imported"], serde_json::json!({}), "{report}");
    assert_eq!(report["lines_imported"].as_u64(), Some(0), "{report}");
    assert!(report["documents_already_there"].as_u64() > Some(50), "{report}");
    assert_eq!(made(&killed), before);
    let _ = std::fs::remove_dir_all(folder);
}
