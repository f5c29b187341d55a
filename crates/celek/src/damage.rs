//! Damage done behind the program's back: each kind is found by `check`, which names what is wrong and where.

#![allow(clippy::unwrap_used)]

use std::{
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use kernel::{Ask, Kernel, Options};
use serde_json::{Value as J, json};
use store::{Conn, Store};

/// What is done to the file: the record that is hurt, the statements (with its id in place of each `?`), the check that has to
/// find it and the words in which.
struct Damage {
    what: &'static str,
    pick: &'static str,
    change: &'static [&'static str],
    check: &'static str,
    message: &'static str,
}

const fn damage(
    what: &'static str,
    pick: &'static str,
    change: &'static [&'static str],
    check: &'static str,
    message: &'static str,
) -> Damage {
    Damage { what, pick, change, check, message }
}

/// An entry of an invoice that is still open.
const ENTRY: &str = "SELECT MIN(entry) FROM finance_invoice WHERE state = 'sent'";
const INVOICE: &str = "SELECT MIN(id) FROM finance_invoice WHERE state = 'sent'";
const PAID: &str = "SELECT MIN(id) FROM finance_invoice WHERE state = 'paid'";
const SHIPPED: &str = "SELECT MIN(id) FROM inventory_delivery WHERE kind = 'delivery' AND state = 'shipped'";

const DAMAGES: &[Damage] = &[
    damage(
        "an amount in the ledger",
        ENTRY,
        &[
            "UPDATE finance_entry_line SET amount = amount + 1 WHERE id = (SELECT MIN(id) FROM finance_entry_line WHERE entry = ?)",
        ],
        "finance.balanced",
        "entries do not balance",
    ),
    damage(
        "two amounts in the ledger that still balance",
        "SELECT account FROM finance_entry_line ORDER BY id LIMIT 1",
        &[
            "UPDATE finance_entry_line SET amount = amount + 1, document = document + 1 WHERE account = ? AND id = (SELECT MIN(id) FROM finance_entry_line)",
            "UPDATE finance_entry_line SET amount = amount - 1, document = document - 1 WHERE id = (SELECT MAX(id) FROM finance_entry_line \
             WHERE entry = (SELECT entry FROM finance_entry_line ORDER BY id LIMIT 1))",
        ],
        "finance.balanced",
        "kept balances differ from the lines",
    ),
    damage(
        "an amount in the document's currency",
        ENTRY,
        &[
            "UPDATE finance_entry_line SET document = document + 1 WHERE id = (SELECT MIN(id) FROM finance_entry_line WHERE entry = ?)",
        ],
        "finance.balanced",
        "entries do not balance",
    ),
    damage(
        "a line taken out of the ledger",
        ENTRY,
        &["DELETE FROM finance_entry_line WHERE id = (SELECT MAX(id) FROM finance_entry_line WHERE entry = ?)"],
        "finance.balanced",
        "entries do not balance",
    ),
    damage(
        "a line doubled in the ledger",
        ENTRY,
        &[
            "INSERT INTO finance_entry_line SELECT 9000000001, op, company, entry, account, party, amount, amount_currency, document, \
           document_currency, item, tax_percent FROM finance_entry_line WHERE id = (SELECT MAX(id) FROM finance_entry_line WHERE entry = ?)",
        ],
        "finance.balanced",
        "entries do not balance",
    ),
    damage(
        "an entry whose lines are gone",
        "SELECT MIN(id) FROM finance_entry WHERE source_entity = 'inventory.delivery'",
        &["DELETE FROM finance_entry_line WHERE entry = ?"],
        "finance.balanced",
        "entries without lines",
    ),
    damage(
        "a kept balance",
        "SELECT MIN(account) FROM finance_balance",
        &["UPDATE finance_balance SET debit = debit + 100 WHERE account = ?"],
        "finance.balanced",
        "kept balances differ from the lines",
    ),
    damage(
        "the date of an entry",
        ENTRY,
        &["UPDATE finance_entry SET date = '1999-12-31' WHERE id = ?"],
        "finance.unchanged",
        "entries outside of their period",
    ),
    damage(
        "what a shipment cost, in the ledger",
        "SELECT MIN(id) FROM inventory_delivery WHERE kind = 'delivery' AND state = 'shipped'",
        &[
            "UPDATE finance_entry_line SET amount = amount - 5 WHERE amount < 0 AND entry = (SELECT id FROM finance_entry WHERE source = ? AND source_entity = 'inventory.delivery')",
        ],
        "inventory.value",
        "documents whose movements are worth something else than their entries",
    ),
    damage(
        "the total of an invoice",
        INVOICE,
        &["UPDATE finance_invoice SET total = total + 100 WHERE id = ?"],
        "finance.unchanged",
        "posted invoices whose entry does not bear their total",
    ),
    damage(
        "the tax of an invoice",
        INVOICE,
        &["UPDATE finance_invoice SET tax = tax + 1 WHERE id = ?"],
        "finance.unchanged",
        "posted invoices whose total is not net and tax",
    ),
    damage(
        "the net of an invoice's line",
        INVOICE,
        &[
            "UPDATE finance_invoice_line SET net = net + 1 WHERE id = (SELECT MIN(id) FROM finance_invoice_line WHERE invoice = ?)",
        ],
        "finance.unchanged",
        "posted invoices whose lines do not add up",
    ),
    damage(
        "the price on an invoice's line",
        INVOICE,
        &[
            "UPDATE finance_invoice_line SET unit_price = unit_price + 1000000 WHERE id = (SELECT MIN(id) FROM finance_invoice_line WHERE invoice = ?)",
        ],
        "finance.unchanged",
        "lines of posted invoices that are not quantity times price",
    ),
    damage(
        "the unrounded net of an invoice's line",
        INVOICE,
        &[
            "UPDATE finance_invoice_line SET net_exact = net_exact + 1 WHERE id = (SELECT MIN(id) FROM finance_invoice_line WHERE invoice = ?)",
        ],
        "finance.unchanged",
        "lines of posted invoices that are not quantity times price",
    ),
    damage(
        "a line taken off an invoice",
        INVOICE,
        &["DELETE FROM finance_invoice_line WHERE id = (SELECT MAX(id) FROM finance_invoice_line WHERE invoice = ?)"],
        "finance.unchanged",
        "posted invoices whose lines do not add up",
    ),
    damage(
        "an invoice taken away",
        INVOICE,
        &["DELETE FROM finance_invoice_line WHERE invoice = ?", "DELETE FROM finance_invoice WHERE id = ?"],
        "sys.told",
        "records were taken away without the audit telling it",
    ),
    damage(
        "the number of an invoice",
        INVOICE,
        &["UPDATE finance_invoice SET number = 'X' || number WHERE id = ?"],
        "sys.numbers",
        "documents do not bear the numbers that were given to them",
    ),
    damage(
        "an invoice made paid",
        INVOICE,
        &["UPDATE finance_invoice SET state = 'paid' WHERE id = ?"],
        "finance.unchanged",
        "invoices whose state differs from what is open of them",
    ),
    damage(
        "an invoice made a draft",
        INVOICE,
        &["UPDATE finance_invoice SET state = 'draft' WHERE id = ?"],
        "finance.unchanged",
        "invoices whose state differs from what is open of them",
    ),
    damage(
        "the customer of an entry",
        "SELECT MIN(account) FROM finance_entry_line WHERE party IS NOT NULL",
        &["UPDATE finance_entry_line SET party = (SELECT MAX(id) FROM party_party) WHERE id = \
           (SELECT MIN(id) FROM finance_entry_line WHERE account = ? AND party <> (SELECT MAX(id) FROM party_party))"],
        "finance.open_items",
        "receivables or payables differ from the open items",
    ),
    damage(
        "what is left of a debt",
        "SELECT MIN(id) FROM finance_open_item WHERE residual > 100",
        &["UPDATE finance_open_item SET residual = residual - 1 WHERE id = ?"],
        "finance.open_items",
        "open items differ from their allocations",
    ),
    damage(
        "an allocation taken away",
        "SELECT MIN(debit_item) FROM finance_allocation",
        &["DELETE FROM finance_allocation WHERE debit_item = ?"],
        "finance.open_items",
        "open items differ from their allocations",
    ),
    damage(
        "the amount of a payment",
        "SELECT MIN(id) FROM finance_payment",
        &["UPDATE finance_payment SET amount = amount + 1 WHERE id = ?"],
        "finance.unchanged",
        "payments whose entry does not bear their amount",
    ),
    damage(
        "goods in the stock",
        "SELECT MIN(product) FROM inventory_quant",
        &["UPDATE inventory_quant SET on_hand = on_hand + 1000000 WHERE product = ?"],
        "inventory.quants",
        "stock differs from its movements",
    ),
    damage(
        "goods that are promised",
        "SELECT MIN(product) FROM inventory_quant WHERE on_hand > reserved",
        &["UPDATE inventory_quant SET reserved = reserved + 1 WHERE product = ?"],
        "inventory.quants",
        "promised quantities differ from the reservations",
    ),
    damage(
        "a promise taken away",
        "SELECT MIN(product) FROM inventory_reservation",
        &["DELETE FROM inventory_reservation WHERE product = ?"],
        "inventory.quants",
        "promised quantities differ from the reservations",
    ),
    damage(
        "a movement taken away",
        SHIPPED,
        &[
            "DELETE FROM inventory_move WHERE id = (SELECT MIN(id) FROM inventory_move WHERE source_entity = 'inventory.delivery' AND source = ?)",
        ],
        "inventory.quants",
        "deliveries, receipts and write-offs that differ from their movements",
    ),
    damage(
        "the quantity of a movement",
        "SELECT product FROM inventory_move ORDER BY id LIMIT 1",
        &[
            "UPDATE inventory_move SET quantity = quantity + 1000000 WHERE id = (SELECT MIN(id) FROM inventory_move WHERE product = ?)",
        ],
        "inventory.quants",
        "stock differs from its movements",
    ),
    damage(
        "the value of a movement",
        "SELECT product FROM inventory_move ORDER BY id LIMIT 1",
        &[
            "UPDATE inventory_move SET value = value + 1 WHERE id = (SELECT MIN(id) FROM inventory_move WHERE product = ?)",
        ],
        "inventory.value",
        "the value of a product differs from its movements",
    ),
    damage(
        "a movement to another product",
        "SELECT product FROM inventory_move ORDER BY id LIMIT 1",
        &[
            "UPDATE inventory_move SET product = (SELECT MAX(id) FROM product_product WHERE kind = 'goods' AND id <> ?) \
           WHERE id = (SELECT MIN(id) FROM inventory_move)",
        ],
        "inventory.quants",
        "stock differs from its movements",
    ),
    damage(
        "the value of the stock",
        "SELECT MIN(company) FROM inventory_valuation",
        &[
            "UPDATE inventory_valuation SET value = value + 1 WHERE company = ? AND product = (SELECT MIN(product) FROM inventory_valuation)",
        ],
        "inventory.value",
        "the ledger's stock accounts differ from the value of the stock",
    ),
    damage(
        "what was shipped of a delivery",
        SHIPPED,
        &["UPDATE inventory_delivery_line SET shipped = shipped + 1000000, quantity = quantity + 1000000 \
           WHERE id = (SELECT MIN(id) FROM inventory_delivery_line WHERE delivery = ?)"],
        "inventory.quants",
        "deliveries, receipts and write-offs that differ from their movements",
    ),
    damage(
        "what was written off",
        "SELECT MIN(id) FROM inventory_write_off WHERE state = 'posted'",
        &["UPDATE inventory_write_off_line SET quantity = quantity + 1000000 WHERE write_off = ?"],
        "inventory.quants",
        "deliveries, receipts and write-offs that differ from their movements",
    ),
    damage(
        "what was delivered of an order",
        "SELECT MIN(id) FROM sales_order_line WHERE delivered > 0",
        &["UPDATE sales_order_line SET delivered = delivered - 1 WHERE id = ?"],
        "sys.told",
        "records hold something else than the audit tells",
    ),
    damage(
        "the state of an order",
        "SELECT MIN(id) FROM sales_order WHERE state = 'confirmed'",
        &["UPDATE sales_order SET state = 'cancelled' WHERE id = ?"],
        "sys.told",
        "records hold something else than the audit tells",
    ),
    damage(
        "the state of a delivery",
        SHIPPED,
        &["UPDATE inventory_delivery SET state = 'cancelled' WHERE id = ?"],
        "sys.told",
        "records hold something else than the audit tells",
    ),
    damage(
        "a revision that nobody made",
        "SELECT MIN(id) FROM party_party",
        &["UPDATE party_party SET rev = rev + 1 WHERE id = ?"],
        "sys.audit",
        "records changed without the audit telling it",
    ),
    damage(
        "a row taken out of the audit",
        PAID,
        &[
            "DELETE FROM sys_audit WHERE id = (SELECT MAX(id) FROM sys_audit WHERE entity = 'finance.invoice' AND record = ?)",
        ],
        "sys.audit",
        "records changed without the audit telling it",
    ),
    damage(
        "an operation taken out of the log",
        "SELECT MAX(record) FROM sys_audit WHERE entity = 'finance.invoice'",
        &[
            "DELETE FROM sys_operation WHERE id IN (SELECT operation FROM sys_audit WHERE entity = 'finance.invoice' AND record = ?)",
        ],
        "sys.audit",
        "changes without the operation that made them",
    ),
    damage(
        "a number taken out of a series",
        "SELECT MAX(year) FROM sys_number WHERE series = 'invoice'",
        &["DELETE FROM sys_number WHERE series = 'invoice' AND n = 2 AND year = ?"],
        "sys.numbers",
        "a number series has gaps, repeats or a counter that differs",
    ),
    damage(
        "the counter of a series",
        "SELECT MAX(year) FROM sys_counter WHERE series = 'invoice'",
        &["UPDATE sys_counter SET last = last + 1 WHERE series = 'invoice' AND year = ?"],
        "sys.numbers",
        "a number series has gaps, repeats or a counter that differs",
    ),
    damage(
        "a token of a process",
        "SELECT MIN(instance) FROM process_token",
        &["DELETE FROM process_token WHERE instance = ?"],
        "process.tokens",
        "running instances without a token",
    ),
    damage(
        "a task that a process waits for",
        "SELECT MIN(instance) FROM process_task WHERE state = 'open' AND instance IS NOT NULL",
        &["UPDATE process_task SET state = 'done' WHERE instance = ? AND state = 'open'"],
        "process.tokens",
        "tokens that wait for a task which is not there",
    ),
    damage(
        "a process made done",
        "SELECT MIN(id) FROM process_instance WHERE state = 'running'",
        &["UPDATE process_instance SET state = 'done' WHERE id = ?"],
        "process.tokens",
        "rows of instances that have ended",
    ),
];

static COUNT: AtomicUsize = AtomicUsize::new(0);

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("celek-damage-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

fn open(file: &Path) -> Kernel {
    Kernel::open(&url(file), crate::modules::ALL, Options::default()).unwrap()
}

/// A company with orders on their way, payments, a credit note, a return and a write-off.
fn company(file: &Path) {
    let kernel = open(file);
    crate::demo::run(&kernel, 4).unwrap();
    let ask = |login: &str| Ask::by(kernel.login(login).unwrap());
    let one = |sql: &str| kernel.read(&kernel.system().unwrap(), |cx| Ok(cx.conn().int(sql, &[])?)).unwrap().unwrap();
    let run = |login: &str, name: &str, input: J| kernel.run(name, &input, &ask(login)).unwrap();
    run("accounts", "finance.invoice.credit", json!({"invoice": one(PAID)}));
    run("stock", "inventory.delivery.return", json!({"delivery": one(SHIPPED)}));
    for finding in kernel.check(true).unwrap() {
        assert!(finding.holds(), "{}: {:?} {:?}", finding.check, finding.breaches, finding.error);
    }
    kernel.close().unwrap();
}

/// Changes the file past the program: the triggers that guard the ledgers are off meanwhile.
fn hurt(file: &Path, damage: &Damage) -> i64 {
    let store = Store::open(&url(file), store::Options::default()).unwrap();
    let id = store
        .write(|conn: &mut dyn Conn| -> store::Result<i64> {
            let guards = conn.rows("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'", &[])?;
            for guard in &guards {
                conn.batch(&format!("DROP TRIGGER {}", store::quoted(guard[0].as_text().unwrap())))?;
            }
            let id = conn.int(damage.pick, &[])?.unwrap_or_else(|| panic!("{}: nothing to hurt", damage.what));
            for statement in damage.change {
                let changed = conn.execute(&statement.replace('?', &id.to_string()), &[])?;
                assert!(changed > 0, "{}: {statement} changed nothing", damage.what);
            }
            for guard in &guards {
                conn.batch(guard[1].as_text().unwrap())?;
            }
            Ok(id)
        })
        .unwrap_or_else(|e| panic!("{}: {e}", damage.what));
    store.close().unwrap();
    id
}

/// What is wrong with the answer of the check, if anything.
fn unfound(file: &Path, damage: &Damage, id: i64) -> Option<String> {
    let kernel = open(file);
    let findings = kernel.check(true).unwrap();
    kernel.close().unwrap();
    let named = |row: &String| row.split(|c: char| !c.is_ascii_digit()).any(|word| word == id.to_string());
    let found = findings
        .iter()
        .filter(|f| f.check == damage.check)
        .flat_map(|f| &f.breaches)
        .any(|b| b.message.contains(damage.message) && b.rows.iter().any(named));
    let told: Vec<String> = findings.iter().flat_map(|f| &f.breaches).map(|b| format!("{b:?}")).collect();
    (!found).then(|| format!("{} ({id}) is not named by {}; told was: {told:#?}", damage.what, damage.check))
}

#[test]
fn every_damage_is_found_and_named() {
    let folder = Folder::new();
    let whole = folder.0.join("whole.db");
    company(&whole);
    let next = AtomicUsize::new(0);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let work = |worker: usize| {
            let (mut wrong, file) = (Vec::new(), folder.0.join(format!("hurt{worker}.db")));
            while let Some(damage) = DAMAGES.get(next.fetch_add(1, Ordering::Relaxed)) {
                for ending in ["-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
                }
                std::fs::copy(&whole, &file).unwrap();
                let id = hurt(&file, damage);
                wrong.extend(unfound(&file, damage, id));
            }
            wrong
        };
        let workers = [scope.spawn(move || work(0)), scope.spawn(move || work(1))];
        workers.into_iter().flat_map(|w| w.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_page_that_is_garbage_is_told() {
    let folder = Folder::new();
    let file = folder.0.join("page.db");
    company(&file);
    let store = Store::open(&url(&file), store::Options::default()).unwrap();
    let number = |sql: &str| store.read(|conn: &mut dyn Conn| conn.int(sql, &[])).unwrap().unwrap();
    let size = number("PRAGMA page_size");
    let root = number("SELECT rootpage FROM sqlite_schema WHERE name = 'inventory_move'");
    store.close().unwrap();
    let mut raw = std::fs::OpenOptions::new().read(true).write(true).open(&file).unwrap();
    raw.seek(SeekFrom::Start(u64::try_from((root - 1) * size).unwrap())).unwrap();
    let mut page = vec![0; 64];
    raw.read_exact(&mut page).unwrap();
    raw.seek(SeekFrom::Start(u64::try_from((root - 1) * size).unwrap())).unwrap();
    raw.write_all(&page.iter().map(|b| !b).collect::<Vec<u8>>()).unwrap();
    drop(raw);
    let kernel = open(&file);
    let findings = kernel.check(true).unwrap();
    let integrity = findings.iter().find(|f| f.check == "sys.integrity").unwrap();
    assert!(!integrity.holds(), "the file's own check sees it");
    let stock = findings.iter().find(|f| f.check == "inventory.quants").unwrap();
    assert!(!stock.holds(), "a check that cannot read says so: {stock:?}");
}
