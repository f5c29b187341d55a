//! Proves the invariants of the books from the raw tables (DESIGN section 5: 1, 2 and 5).

use std::collections::HashMap;

use kernel::{Breach, Check, Currency, Cx, Dec, Result, Value};

use crate::invoice::line_net;

pub(crate) const CHECKS: &[Check] = &[
    Check { name: "finance.balanced", invariant: 1, run: balanced },
    Check { name: "finance.unchanged", invariant: 2, run: unchanged },
    Check { name: "finance.open_items", invariant: 5, run: open_items },
];

fn int(row: &[Value], i: usize) -> i64 {
    row.get(i).and_then(Value::as_int).unwrap_or(0)
}
fn text(row: &[Value], i: usize) -> String {
    row.get(i).and_then(Value::as_text).unwrap_or("").to_owned()
}
fn breach(out: &mut Vec<Breach>, message: &str, mut rows: Vec<String>) {
    if !rows.is_empty() {
        rows.truncate(20);
        out.push(Breach { message: message.to_owned(), rows });
    }
}

/// Every entry balances in both currencies; kept balances equal the sums of lines.
fn balanced(cx: &mut Cx<'_>, _full: bool) -> Result<Vec<Breach>> {
    let mut out = Vec::new();
    let mut periods = HashMap::new();
    cx.conn().query("SELECT id, period FROM finance_entry", &[], &mut |row| {
        periods.insert(int(row, 0), int(row, 1));
        Ok(true)
    })?;
    let mut sums: HashMap<i64, (i128, i128, String, i64)> = HashMap::new();
    let mut kept: HashMap<(i64, i64, String), (i128, i128)> = HashMap::new();
    let mut lost = Vec::new();
    cx.conn().query(
        "SELECT id, entry, account, amount, amount_currency, document, document_currency FROM finance_entry_line",
        &[],
        &mut |row| {
            let (entry, amount) = (int(row, 1), int(row, 3));
            let one = sums.entry(entry).or_insert_with(|| (0, 0, text(row, 6), 0));
            one.0 += i128::from(amount);
            one.1 += i128::from(int(row, 5));
            one.3 += i64::from(one.2 != text(row, 6));
            match periods.get(&entry) {
                Some(period) => {
                    let balance = kept.entry((int(row, 2), *period, text(row, 4))).or_default();
                    if amount >= 0 {
                        balance.0 += i128::from(amount);
                    } else {
                        balance.1 -= i128::from(amount);
                    }
                }
                None => lost.push(format!("line {} belongs to entry {entry}, which is missing", int(row, 0))),
            }
            Ok(true)
        },
    )?;
    breach(&mut out, "lines without an entry", lost);
    let wrong = sums
        .iter()
        .filter(|(_, (amount, document, _, mixed))| *amount != 0 || *document != 0 || *mixed != 0)
        .map(|(entry, (amount, document, currency, mixed))| {
            format!("entry {entry}: sum {amount}, in the document's currency {document} {currency}, other currencies {mixed}")
        })
        .collect();
    breach(&mut out, "entries do not balance", wrong);
    let empty = periods.keys().filter(|e| !sums.contains_key(e)).map(|e| format!("entry {e} has no lines")).collect();
    breach(&mut out, "entries without lines", empty);
    let mut wrong = Vec::new();
    let rows = cx.conn().rows("SELECT account, period, currency, debit, credit FROM finance_balance", &[])?;
    for row in rows {
        let key = (int(&row, 0), int(&row, 1), text(&row, 2));
        let lines = kept.remove(&key).unwrap_or_default();
        let stored = (i128::from(int(&row, 3)), i128::from(int(&row, 4)));
        if lines != stored {
            wrong.push(format!("account {} period {} {}: kept {stored:?}, lines {lines:?}", key.0, key.1, key.2));
        }
    }
    wrong.extend(
        kept.iter()
            .filter(|(_, v)| **v != (0, 0))
            .map(|(k, v)| format!("account {} period {} {}: nothing kept, lines {v:?}", k.0, k.1, k.2)),
    );
    breach(&mut out, "kept balances differ from the lines", wrong);
    Ok(out)
}

/// What is posted stands: each posted invoice has its entry, of its total; reversals are exact; dates lie in their periods.
fn unchanged(cx: &mut Cx<'_>, _full: bool) -> Result<Vec<Breach>> {
    let mut out = Vec::new();
    let queries = [
        (
            "posted invoices whose entry does not bear their total",
            "SELECT i.id, i.number, i.total, (SELECT SUM(l.amount) FROM finance_entry_line l JOIN finance_account a ON a.id = l.account \
             WHERE l.entry = i.entry AND a.controlled_by = 'receivable') FROM finance_invoice i WHERE i.state <> 'draft' AND \
             COALESCE((SELECT SUM(l.amount) FROM finance_entry_line l JOIN finance_account a ON a.id = l.account \
             WHERE l.entry = i.entry AND a.controlled_by = 'receivable'), 0) <> i.total LIMIT 20",
        ),
        (
            "posted invoices whose lines do not add up",
            "SELECT i.id, i.number, i.net FROM finance_invoice i WHERE i.state <> 'draft' AND i.net <> \
             COALESCE((SELECT SUM(l.net) FROM finance_invoice_line l WHERE l.invoice = i.id), 0) LIMIT 20",
        ),
        (
            "posted invoices whose total is not net and tax",
            "SELECT id, number, net, tax, total FROM finance_invoice WHERE state <> 'draft' AND total <> net + tax LIMIT 20",
        ),
        (
            "entries of invoices that are missing, or that have another entry",
            "SELECT e.id, e.source, i.number, i.entry FROM finance_entry e LEFT JOIN finance_invoice i ON i.id = e.source \
             WHERE e.source_entity = 'finance.invoice' AND e.reverses IS NULL AND (i.id IS NULL OR i.entry IS NULL OR i.entry <> e.id) LIMIT 20",
        ),
        (
            "posted invoices without a number",
            "SELECT i.id FROM finance_invoice i WHERE i.state <> 'draft' AND i.number IS NULL LIMIT 20",
        ),
        (
            "entries outside of their period",
            "SELECT e.id, e.date, p.name FROM finance_entry e LEFT JOIN finance_period p ON p.id = e.period \
             WHERE p.id IS NULL OR e.date < p.\"from\" OR e.date > p.\"to\" LIMIT 20",
        ),
        (
            "entries posted to a period after it was closed",
            "SELECT e.id, p.name, e.posted_at, p.closed_at FROM finance_period p JOIN finance_entry e ON e.period = p.id \
             WHERE p.state = 'closed' AND p.closed_at IS NOT NULL AND e.posted_at > p.closed_at LIMIT 20",
        ),
        (
            "reversals that are not the exact opposite",
            "SELECT e.id, e.reverses FROM finance_entry e WHERE e.reverses IS NOT NULL AND EXISTS \
             (SELECT 1 FROM finance_entry_line l WHERE l.entry IN (e.id, e.reverses) GROUP BY l.account, l.party, l.document_currency \
             HAVING SUM(l.amount) <> 0 OR SUM(l.document) <> 0) LIMIT 20",
        ),
        (
            "entries reversed twice",
            "SELECT reverses, COUNT(*) FROM finance_entry WHERE reverses IS NOT NULL GROUP BY reverses HAVING COUNT(*) > 1 LIMIT 20",
        ),
        (
            "payments whose entry does not bear their amount",
            "SELECT p.id, p.number, p.amount, p.direction FROM finance_payment p WHERE \
             COALESCE((SELECT SUM(l.amount) FROM finance_entry_line l JOIN finance_account a ON a.id = l.account \
             WHERE l.entry = p.entry AND a.controlled_by = 'cash'), 0) <> CASE p.direction WHEN 'in' THEN p.amount ELSE -p.amount END LIMIT 20",
        ),
        (
            "invoices whose state differs from what is open of them",
            "SELECT i.id, i.number, i.state, o.residual FROM finance_invoice i JOIN finance_open_item o ON o.source = i.id \
             AND o.source_entity = 'finance.invoice' WHERE i.state = 'draft' OR (i.state IN ('paid', 'cancelled')) <> (o.residual = 0) LIMIT 20",
        ),
    ];
    for (message, sql) in queries {
        let rows = cx.conn().rows(sql, &[])?;
        breach(&mut out, message, rows.iter().map(|r| format!("{r:?}")).collect());
    }
    breach(&mut out, "lines of posted invoices that are not quantity times price", wrong_lines(cx)?);
    Ok(out)
}

/// Lines whose nets do not follow from quantity, price and discount. What a credit note takes back is rounded with what was
/// taken back before: there only the unrounded net is exact.
fn wrong_lines(cx: &mut Cx<'_>) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    cx.conn().query(
        "SELECT l.id, l.invoice, l.quantity, COALESCE(l.unit_price, 0), l.discount, l.net, l.net_currency, l.net_exact, l.corrects \
         FROM finance_invoice_line l JOIN finance_invoice i ON i.id = l.invoice WHERE i.state <> 'draft'",
        &[],
        &mut |row| {
            let currency = Currency::parse(&text(row, 6)).unwrap_or(Currency::NONE);
            let discount = row.get(4).and_then(Value::as_int).map(Dec::from_raw);
            let (quantity, price) = (Dec::from_raw(int(row, 2)), Dec::from_raw(int(row, 3)));
            let holds = line_net(quantity, price, discount, currency).is_ok_and(|(net, exact)| {
                exact.raw() == int(row, 7) && (net.minor == int(row, 5) || row.get(8).is_some_and(|c| !c.is_null()))
            });
            if !holds {
                let (id, invoice, net) = (int(row, 0), int(row, 1), int(row, 5));
                wrong.push(format!("line {id} of invoice {invoice}: quantity {quantity}, price {price}, net {net}"));
            }
            Ok(wrong.len() < 20)
        },
    )?;
    Ok(wrong)
}

/// Accounts of receivables and payables equal the open items per party and currency, and items equal their allocations.
fn open_items(cx: &mut Cx<'_>, _full: bool) -> Result<Vec<Breach>> {
    let mut out = Vec::new();
    let mut sums: HashMap<(i64, i64, String), i128> = HashMap::new();
    cx.conn().query(
        "SELECT l.account, l.party, l.amount_currency, l.amount FROM finance_entry_line l JOIN finance_account a ON a.id = l.account \
         WHERE a.controlled_by IN ('receivable', 'payable')",
        &[],
        &mut |row| {
            *sums.entry((int(row, 0), int(row, 1), text(row, 2))).or_default() += i128::from(int(row, 3));
            Ok(true)
        },
    )?;
    let mut allocated: HashMap<i64, i128> = HashMap::new();
    cx.conn().query("SELECT debit_item, credit_item, amount FROM finance_allocation", &[], &mut |row| {
        *allocated.entry(int(row, 0)).or_default() -= i128::from(int(row, 2));
        *allocated.entry(int(row, 1)).or_default() += i128::from(int(row, 2));
        Ok(true)
    })?;
    let mut wrong = Vec::new();
    cx.conn().query(
        "SELECT id, account, party, residual_currency, amount, residual FROM finance_open_item",
        &[],
        &mut |row| {
            let (id, amount, residual) = (int(row, 0), i128::from(int(row, 4)), i128::from(int(row, 5)));
            if residual != amount + allocated.remove(&id).unwrap_or(0) {
                wrong.push(format!("open item {id}: amount {amount}, residual {residual}, allocations say otherwise"));
            }
            *sums.entry((int(row, 1), int(row, 2), text(row, 3))).or_default() -= residual;
            Ok(true)
        },
    )?;
    wrong.extend(allocated.keys().map(|id| format!("allocations name item {id}, which is missing")));
    breach(&mut out, "open items differ from their allocations", wrong);
    let wrong = sums
        .iter()
        .filter(|(_, sum)| **sum != 0)
        .map(|((account, party, currency), sum)| {
            format!("account {account} party {party} {currency}: ledger less open items is {sum}")
        })
        .collect();
    breach(&mut out, "receivables or payables differ from the open items", wrong);
    Ok(out)
}
