//! Compares facts with what the import's log says about the file, and with what the stored lines say about the business.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::Arc,
};

use kernel::{Filter, Kernel, Measure, Op, Principal, Query, Result, Value};
use serde_json::{Map, Value as J, json};

use super::{
    prepare::{EXTERNAL_RECEIPTS, EXTERNAL_WRITE_OFFS},
    read::{Book, unreadable},
};

/// What the comparison found.
#[derive(Default)]
pub struct Verdict {
    /// Facts that agree.
    pub agree: Vec<String>,
    /// Facts that differ: name, wanted, found.
    pub differ: Vec<(String, String, String)>,
    /// Facts that nothing here knows of.
    pub unknown: Vec<String>,
}

impl Verdict {
    /// As JSON.
    pub fn json(&self) -> J {
        let differ: Vec<J> = self.differ.iter().map(|(f, w, h)| json!({"fact": f, "wanted": w, "found": h})).collect();
        json!({
            "ok": self.differ.is_empty(),
            "facts_checked": self.agree.len(),
            "differences": differ,
            "not_checked": self.unknown,
        })
    }
    fn note(&mut self, fact: String, good: bool, wanted: &str, found: &str) {
        if good {
            self.agree.push(fact);
        } else {
            self.differ.push((fact, wanted.to_owned(), found.to_owned()));
        }
    }
    fn compare(&mut self, fact: &str, wanted: &J, found: &J) {
        match (wanted, found) {
            (J::Object(wanted), J::Object(found)) => {
                for (key, value) in wanted {
                    self.compare(&format!("{fact}.{key}"), value, found.get(key).unwrap_or(&J::Null));
                }
                for key in found.keys().filter(|k| !wanted.contains_key(*k)) {
                    self.note(format!("{fact}.{key}"), false, "nothing", &plain(&found[key]));
                }
            }
            _ => {
                let good = match (number(wanted), number(found)) {
                    (Some(a), Some(b)) => a == b,
                    _ => plain(wanted) == plain(found),
                };
                self.note(fact.to_owned(), good, &plain(wanted), &plain(found));
            }
        }
    }
}

fn plain(value: &J) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A number exactly, at scale 6.
fn number(value: &J) -> Option<i64> {
    match value {
        J::String(text) => kernel::parse_decimal(text, 6).ok(),
        J::Number(n) => kernel::parse_decimal(&n.to_string(), 6).ok(),
        _ => None,
    }
}

fn sum(value: &J, name: &str) -> i64 {
    value.get(name).and_then(number).unwrap_or(0)
}

fn text(raw: i64) -> String {
    kernel::decimal_text(i128::from(raw), 6)
}

/// The stored lines and documents, asked through the kernel's own grouping.
struct Stored {
    by_kind: Vec<J>,
    by_country: Vec<J>,
    by_month: Vec<J>,
    by_party: Vec<J>,
    by_code: Vec<J>,
    by_invoice: Vec<J>,
    documents: Vec<J>,
    numbers: BTreeMap<i64, String>,
    parties: BTreeMap<i64, String>,
}

fn load(kernel: &Kernel, who: &Arc<Principal>, book: &Book) -> Result<Stored> {
    let days = |path: &str| -> Option<Filter> {
        let (first, last) = book.days?;
        let from = Filter::is(path, Op::Ge, kernel::day(first));
        Some(from.and(Filter::is(path, Op::Le, kernel::day(last))))
    };
    kernel.read(who, |cx| {
        let mut lines = |group: &[&str]| {
            let query = Query {
                filter: days("invoice.date"),
                limit: 0,
                archived: true,
                group: group.iter().map(|g| (*g).to_owned()).collect(),
                measures: vec![(Measure::Sum, "net_exact".to_owned()), (Measure::Sum, "quantity".to_owned())],
                ..Query::of("finance.invoice_line")
            };
            cx.group(&query, false)
        };
        let by_kind = lines(&["invoice.kind", "purpose"])?;
        let by_country = lines(&["invoice.country_name"])?;
        let by_month = lines(&["invoice.date:month"])?;
        let by_party = lines(&["invoice.party"])?;
        let by_code = lines(&["code_as_written"])?;
        let by_invoice = lines(&["invoice"])?;
        let query = Query {
            filter: days("date"),
            limit: 0,
            archived: true,
            group: vec!["party".to_owned()],
            ..Query::of("finance.invoice")
        };
        let documents = cx.group(&query, false)?;
        let mut names = |sql: &str| -> Result<BTreeMap<i64, String>> {
            let rows = cx.conn().rows(sql, &[])?;
            Ok(rows.iter().filter_map(|r| Some((r.first()?.as_int()?, r.get(1)?.as_text()?.to_owned()))).collect())
        };
        let numbers = names("SELECT id, number FROM finance_invoice WHERE number IS NOT NULL")?;
        let parties = names("SELECT id, external FROM party_party WHERE external IS NOT NULL")?;
        Ok(Stored { by_kind, by_country, by_month, by_party, by_code, by_invoice, documents, numbers, parties })
    })
}

fn object(rows: &[J], group: &str, measure: &str) -> J {
    let name = |row: &J| plain(&row[group]);
    let mut out: BTreeMap<String, i64> = BTreeMap::new();
    for row in rows {
        *out.entry(name(row)).or_default() += sum(row, measure);
    }
    J::Object(out.into_iter().map(|(k, v)| (k, J::from(text(v)))).collect::<Map<_, _>>())
}

impl Stored {
    fn total(&self, which: impl Fn(&str, &str) -> bool) -> i64 {
        let kind = |row: &J| plain(&row["invoice.kind"]);
        let purpose = |row: &J| row["purpose"].as_str().unwrap_or("").to_owned();
        self.by_kind.iter().filter(|r| which(&kind(r), &purpose(r))).map(|r| sum(r, "sum_net_exact")).sum()
    }
    fn customer(&self, row: &J, group: &str) -> Option<&str> {
        let id = row[group].as_i64().or_else(|| row[group]["id"].as_i64())?;
        self.parties.get(&id).map(String::as_str).filter(|e| !e.starts_with("counter:"))
    }
}

/// A ranking: name, figure by which it is ranked, the other figures.
type Ranking = Vec<(String, i64, Vec<(&'static str, i64)>)>;

/// Compares a list of the greatest: each entry's figures, and that nobody greater was left out.
fn ranking(verdict: &mut Verdict, fact: &str, wanted: &J, key: &str, by: &str, found: &Ranking, least: bool) {
    let mut ordered: Vec<i64> = found.iter().map(|f| f.1).collect();
    ordered.sort_unstable();
    if !least {
        ordered.reverse();
    }
    let mut figures: Vec<i64> = Vec::new();
    for entry in wanted.as_array().into_iter().flatten() {
        let name = plain(&entry[key]);
        let Some((_, figure, others)) = found.iter().find(|f| f.0 == name) else {
            verdict.note(format!("{fact}.{name}"), false, &entry.to_string(), "nothing");
            continue;
        };
        figures.push(*figure);
        let own = (by, *figure);
        for (name_of, value) in others.iter().copied().chain([own]) {
            if let Some(wanted) = entry.get(name_of) {
                verdict.compare(&format!("{fact}.{name}.{name_of}"), wanted, &J::from(text(value)));
            }
        }
    }
    figures.sort_unstable();
    if !least {
        figures.reverse();
    }
    let count = figures.len().min(ordered.len());
    let shown = |list: &[i64]| list.iter().map(|v| text(*v)).collect::<Vec<_>>().join(", ");
    verdict.note(format!("{fact} (order)"), figures == ordered[..count], &shown(&figures), &shown(&ordered[..count]));
}

/// Compares every fact of a file.
///
/// # Errors
/// Where the file of facts cannot be read; as reading does.
pub fn verify(kernel: &Kernel, who: &Arc<Principal>, book: &Book, log: &J, facts: &Path) -> Result<Verdict> {
    let wrong = |e: String| unreadable(format!("{}: {e}", facts.display()));
    let facts: J = serde_json::from_str(&std::fs::read_to_string(facts).map_err(|e| wrong(e.to_string()))?)
        .map_err(|e| wrong(e.to_string()))?;
    let stored = load(kernel, who, book)?;
    let all = stored.total(|_, _| true);
    let bad = stored.total(|_, purpose| purpose == "bad_debt");
    let cancelled = stored.total(|kind, _| kind == "credit_note");
    let sales = all - bad - cancelled;
    let named: i64 = stored
        .by_party
        .iter()
        .filter(|r| stored.customer(r, "invoice.party").is_some())
        .map(|r| sum(r, "sum_net_exact"))
        .sum();
    let documents: BTreeMap<&str, i64> = stored
        .documents
        .iter()
        .filter_map(|r| Some((stored.customer(r, "party")?, r["count"].as_i64()? * 1_000_000)))
        .collect();
    let customers: Ranking = stored
        .by_party
        .iter()
        .filter_map(|r| {
            let name = stored.customer(r, "invoice.party")?;
            let count = documents.get(name).copied().unwrap_or(0);
            Some((name.to_owned(), sum(r, "sum_net_exact"), vec![("documents", count)]))
        })
        .collect();
    let mut codes: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for row in &stored.by_code {
        let entry = codes.entry(plain(&row["code_as_written"])).or_default();
        entry.0 += sum(row, "sum_net_exact");
        entry.1 += sum(row, "sum_quantity");
    }
    // Corrections of the stock are on no invoice; the log knows under which spelling they came.
    for (code, quantity) in log["_corrections_by_code"].as_object().into_iter().flatten() {
        codes.entry(code.clone()).or_default().1 += number(quantity).unwrap_or(0);
    }
    let by_net: Ranking = codes.iter().map(|(c, (n, q))| (c.clone(), *n, vec![("quantity", *q)])).collect();
    let by_quantity: Ranking = codes.iter().map(|(c, (n, q))| (c.clone(), *q, vec![("net", *n)])).collect();
    let invoices: Ranking = stored
        .by_invoice
        .iter()
        .filter_map(|r| {
            let id = r["invoice"].as_i64().or_else(|| r["invoice"]["id"].as_i64())?;
            Some((stored.numbers.get(&id)?.clone(), sum(r, "sum_net_exact"), Vec::new()))
        })
        .collect();
    let mut verdict = Verdict::default();
    for (fact, wanted) in facts.as_object().into_iter().flatten() {
        let found = match fact.as_str() {
            "net_revenue_all_lines" => J::from(text(all)),
            "gross_revenue_sales_lines_only" => J::from(text(sales)),
            "cancelled_value" => J::from(text(cancelled)),
            "bad_debt_value" => J::from(text(bad)),
            "net_revenue_named_customers" => J::from(text(named)),
            "net_revenue_by_country" => object(&stored.by_country, "invoice.country_name", "sum_net_exact"),
            "net_revenue_by_month" => object(&stored.by_month, "invoice.date:month", "sum_net_exact"),
            "top20_customers_by_net_revenue" => {
                ranking(&mut verdict, fact, wanted, "customer", "net", &customers, false);
                continue;
            }
            "top20_stock_by_net_quantity" => {
                ranking(&mut verdict, fact, wanted, "stock", "quantity", &by_quantity, false);
                continue;
            }
            "top20_stock_by_net_revenue" => {
                ranking(&mut verdict, fact, wanted, "stock", "net", &by_net, false);
                continue;
            }
            "largest_documents" => {
                ranking(&mut verdict, fact, wanted, "document", "net", &invoices, false);
                continue;
            }
            "most_negative_documents" => {
                ranking(&mut verdict, fact, wanted, "document", "net", &invoices, true);
                continue;
            }
            _ => match log.get(fact) {
                Some(found) => found.clone(),
                None => {
                    verdict.unknown.push(fact.clone());
                    continue;
                }
            },
        };
        verdict.compare(fact, wanted, &found);
    }
    let (wanted, stored) = corrections(kernel, who, book)?;
    verdict.compare("stock corrections (quantity)", &J::from(text(wanted)), &J::from(text(stored)));
    let (posted, rounding, exact) = posted(kernel, who)?;
    verdict.compare("posted revenue less roundings", &J::from(text(exact)), &J::from(text(posted - rounding)));
    Ok(verdict)
}

/// How much the lines of the file correct the stock by, and how much its documents in the database do.
fn corrections(kernel: &Kernel, who: &Arc<Principal>, book: &Book) -> Result<(i64, i64)> {
    let numbers: HashSet<&str> = book.documents.iter().map(|d| d.number.as_str()).collect();
    let rows = book.documents.iter().flat_map(|d| d.rows.iter().filter(|(_, r)| d.corrects(r)));
    let wanted = rows.map(|(_, r)| r.quantity.raw()).sum();
    let stored = kernel.read(who, |cx| {
        let company = [Value::Int(cx.company().id)];
        let mut sum = 0;
        for (sign, documents, lines, owner) in [
            (1, EXTERNAL_RECEIPTS, "inventory_receipt_line", "receipt"),
            (-1, EXTERNAL_WRITE_OFFS, "inventory_write_off_line", "write_off"),
        ] {
            let sql = format!("SELECT d.number, l.quantity FROM ({documents}) d JOIN {lines} l ON l.{owner} = d.id");
            cx.conn().query(&sql, &company, &mut |row| {
                let known = row.first().and_then(Value::as_text).is_some_and(|n| numbers.contains(n));
                sum += if known { sign * row.get(1).and_then(Value::as_int).unwrap_or(0) } else { 0 };
                Ok(true)
            })?;
        }
        Ok(sum)
    })?;
    Ok((wanted, stored))
}

/// Posted revenue (with bad debt), roundings, and the exact sum of all stored lines.
///
/// # Errors
/// As reading does.
pub fn posted(kernel: &Kernel, who: &Arc<Principal>) -> Result<(i64, i64, i64)> {
    kernel.read(who, |cx| {
        let company = Value::Int(cx.company().id);
        let scale = kernel::pow10(6 - cx.company().currency.exponent());
        let mut one =
            |sql: &str| -> Result<i64> { Ok(cx.conn().int(sql, std::slice::from_ref(&company))?.unwrap_or(0)) };
        let posted = one(
            "SELECT COALESCE(-SUM(l.amount), 0) FROM finance_entry_line l JOIN finance_account a ON a.id = l.account \
             WHERE l.company = ? AND a.purpose IN ('revenue', 'bad_debt')",
        )?;
        let rounding =
            one("SELECT COALESCE(SUM(rounding), 0) FROM finance_invoice WHERE company = ? AND state <> 'draft'")?;
        let exact = one("SELECT COALESCE(SUM(l.net_exact), 0) FROM finance_invoice_line l WHERE l.company = ?")?;
        Ok((posted * scale, rounding, exact))
    })
}
