//! Import of a retailer's sales: a file of invoice lines becomes a company that has worked for months. Every document is
//! replayed through the operations by which people would have done it; `docs/retail.md` says what becomes of what.

mod countries;
mod prepare;
mod read;
mod replay;
#[cfg(test)]
mod tests;
mod verify;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

use indicatif::{ProgressBar, ProgressStyle};
use kernel::{Cx, Error, Kernel, Language, LongText, Principal, Result, Value, sys::Setting};
use serde_json::{Value as J, json};

use crate::output::{print_json, print_line};
use read::{Book, Kind, Rejects};
use replay::{Known, Moves, Sales};

/// How many documents are committed together.
const BATCH: usize = 50;

fn bar(what: &'static str, bytes: bool) -> ProgressBar {
    let count = if bytes { "{bytes}/{total_bytes}" } else { "{pos}/{len}" };
    let style = ProgressStyle::with_template(&format!("{{msg:20}} [{{bar:40}}] {count} {{eta}}"));
    let bar = ProgressBar::new(0).with_message(what);
    match style {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// What was brought in.
#[derive(Default)]
struct Count {
    documents: BTreeMap<&'static str, u64>,
    lines: u64,
    refused: u64,
}

impl Count {
    fn add(&mut self, name: &'static str, lines: usize) {
        *self.documents.entry(name).or_default() += 1;
        self.lines += lines as u64;
    }
}

fn name_of(document: &read::Document) -> &'static str {
    match document.kind {
        Kind::Cancellation => "credit_notes",
        Kind::BadDebt => "bad_debt",
        Kind::Sale if document.rows.iter().all(|(_, r)| document.corrects(r)) => "stock_corrections",
        Kind::Sale => "sales",
    }
}

/// A document that was refused, with the reason.
struct Refused {
    at: usize,
    code: String,
    message: String,
}

/// Replays a few documents in one transaction, each under a savepoint. Where all were refused, nothing is written at all.
fn batch(
    kernel: &Kernel,
    who: &Arc<Principal>,
    book: &Book,
    known: &Known,
    part: &[usize],
    sold: &mut Sales,
) -> Result<Vec<Refused>> {
    let schema = kernel.schema();
    let (mut refused, mut attempts) = (Vec::new(), 0);
    let work = kernel.work(who, prepare::WORK, |cx: &mut Cx<'_>| {
        attempts += 1;
        refused.clear();
        if attempts > 1 {
            *sold = Sales::load(cx)?;
        }
        for at in part {
            let done: Result<Moves> = cx.savepoint(|cx| replay::document(cx, book, known, &book.documents[*at], sold));
            match done {
                Ok(moves) => sold.apply(moves),
                Err(error) if error.status >= 500 => return Err(error),
                Err(error) => {
                    let message = schema.error_message(Language::En, &error);
                    refused.push(Refused { at: *at, code: error.code.to_string(), message });
                }
            }
        }
        if refused.len() == part.len() { Err(Error::bad("retail.all_refused")) } else { Ok(()) }
    });
    match work {
        Err(error) if error.code != "retail.all_refused" => Err(error),
        _ => Ok(refused),
    }
}

/// Keeps the log of the rows, once; a later comparison reads it from here.
fn keep_log(kernel: &Kernel, who: &Arc<Principal>, key: &str, log: &J) -> Result<J> {
    let kept = kernel.read(who, |cx| cx.first::<Setting>(&[("key", Value::from(key))]))?;
    if let Some(kept) = kept {
        return serde_json::from_str(&kept.value.0).map_err(|e| Error::internal(e.to_string()));
    }
    kernel.work(who, prepare::WORK, |cx| {
        cx.insert(Setting { key: key.to_owned(), value: LongText(log.to_string()) })?;
        Ok(())
    })?;
    Ok(log.clone())
}

/// Brings the file in and proves the figures where they are given. Answers whether they agree.
///
/// # Errors
/// Where the file cannot be read, or the database gives up. What operations refuse is in the file of rejected lines.
pub fn run(kernel: &Kernel, file: &Path, verify: Option<&Path>, json: bool) -> Result<bool> {
    import(kernel, file, verify, json, &[])
}

/// As [`run`]; `less` names products (in capitals) that get no opening stock: for tests.
pub(crate) fn import(kernel: &Kernel, file: &Path, verify: Option<&Path>, json: bool, less: &[String]) -> Result<bool> {
    let started = Instant::now();
    let stem = file.file_name().and_then(|n| n.to_str()).unwrap_or("file");
    let stem = stem.trim_end_matches(".zst").trim_end_matches(".gz").trim_end_matches(".csv");
    let mut rejects_at = kernel.store().path().unwrap_or(file).as_os_str().to_owned();
    rejects_at.push(format!(".{stem}.rejects.csv"));
    let mut rejects = Rejects::new(rejects_at.into());
    let book = read::read(file, &mut rejects, &bar("Reading", true))?;
    let unread = rejects.count();

    let who = prepare::company(kernel)?;
    let hash = file_hash(file)?;
    let log = keep_log(kernel, &who, &format!("retail.import:{hash}"), &book.log)?;
    let (known, parties, products) = prepare::records(kernel, &who, &book)?;
    let done = prepare::done(kernel, &who)?;
    let pending: Vec<usize> =
        (0..book.documents.len()).filter(|i| !done.contains(&book.documents[*i].number)).collect();
    let opened = prepare::opening(kernel, &who, &book, &known, (&pending, less), &bar("Opening stock", false))?;

    let mut sold = kernel.read(&who, Sales::load)?;
    let progress = bar("Documents", false);
    progress.set_length(pending.len() as u64);
    let mut count = Count::default();
    for part in pending.chunks(BATCH) {
        let refused = batch(kernel, &who, &book, &known, part, &mut sold)?;
        for at in part {
            let document = &book.documents[*at];
            match refused.iter().find(|r| r.at == *at) {
                None => count.add(name_of(document), document.rows.len()),
                Some(why) => {
                    count.refused += 1;
                    for (line, row) in &document.rows {
                        let cells = read::cells_of(&book, &document.number, row);
                        rejects.add(u64::from(*line), &why.code, &why.message, &cells)?;
                    }
                }
            }
        }
        progress.inc(part.len() as u64);
    }
    progress.finish_and_clear();
    rejects.close()?;

    let (_, rounding, _) = verify::posted(kernel, &who)?;
    let verdict = verify.map(|facts| verify::verify(kernel, &who, &book, &log, facts)).transpose()?;
    let known_already = book.documents.len() - pending.len();
    let report = json!({
        "file": file.display().to_string(),
        "lines_read": book.lines,
        "lines_imported": count.lines,
        "lines_rejected": rejects.count(),
        "lines_unreadable": unread,
        "rejected_by_reason": rejects.reasons,
        "rejects_file": (rejects.count() > 0).then(|| rejects.path.display().to_string()),
        "documents_imported": count.documents,
        "documents_already_there": known_already,
        "documents_refused": count.refused,
        "parties_created": parties,
        "products_created": products,
        "products_with_opening_stock": opened,
        "rounding_total": kernel::decimal_text(i128::from(rounding), 6),
        "seconds": format!("{:.1}", started.elapsed().as_secs_f64()),
        "verify": verdict.as_ref().map(verify::Verdict::json),
    });
    if json {
        print_json(&report);
    } else {
        tell(&report);
    }
    Ok(verdict.is_none_or(|v| v.differ.is_empty()))
}

/// The report for people.
fn tell(report: &J) {
    for (name, value) in report.as_object().into_iter().flatten().filter(|(name, _)| *name != "verify") {
        let label = name.replace('_', " ");
        match value {
            J::Null => {}
            J::Object(parts) => {
                let parts: Vec<String> = parts.iter().map(|(k, v)| format!("{v} {}", k.replace('_', " "))).collect();
                print_line(&format!(
                    "{label}: {}",
                    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
                ));
            }
            J::String(text) => print_line(&format!("{label}: {text}")),
            other => print_line(&format!("{label}: {other}")),
        }
    }
    let verify = &report["verify"];
    if verify.is_null() {
        return;
    }
    for one in verify["differences"].as_array().into_iter().flatten() {
        let text = |name: &str| one[name].as_str().unwrap_or("").to_owned();
        print_line(&format!("DIFFERS {}: wanted {}, found {}", text("fact"), text("wanted"), text("found")));
    }
    let unknown = verify["not_checked"].as_array().cloned().unwrap_or_default();
    if !unknown.is_empty() {
        let names: Vec<&str> = unknown.iter().filter_map(J::as_str).collect();
        print_line(&format!("not checked: {}", names.join(", ")));
    }
    let good = verify["ok"] == json!(true);
    print_line(&format!(
        "{} figures agree{}",
        verify["facts_checked"],
        if good { "; none differs." } else { "; NOT all do." }
    ));
}

/// Names a file by its content: two 64-bit FNV-1a sums with different starts, and the length.
fn file_hash(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).map_err(|e| read::unreadable(format!("{}: {e}", file.display())))?;
    let sum = |start: u64| bytes.iter().fold(start, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
    Ok(format!("{:016x}{:016x}-{}", sum(0xcbf2_9ce4_8422_2325), sum(0x9e37_79b9_7f4a_7c15), bytes.len()))
}
