//! Proves that records hold what the audit tells: a value that was changed past the operations, and a record that was taken
//! away past them, are found.

use std::collections::HashMap;

use serde_json::Value as J;
use store::Value;

use crate::{cx::Cx, def::Breach, error::Result, json::encode, plan::Plan};

/// Rows of the audit that are read at once.
const PAGE: i64 = 5_000;

/// What the audit tells of a record: by field, what each change put in the place of what.
type Told = HashMap<String, Vec<(J, J)>>;

pub(crate) fn told(cx: &mut Cx<'_>, full: bool) -> Result<Vec<Breach>> {
    let schema = cx.schema().clone();
    let mut names: Vec<&str> = schema.plans.keys().copied().collect();
    names.sort_unstable();
    let (mut gone, mut wrong) = (Vec::new(), Vec::new());
    for name in names {
        let plan = schema.plan(name)?;
        if plan.def.append_only || plan.def.kept || plan.def.name.starts_with("sys.") {
            continue;
        }
        let table = store::quoted(&plan.table);
        let text = format!(
            "SELECT DISTINCT a.record FROM sys_audit a WHERE a.entity = ? AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = a.record) \
             AND NOT EXISTS (SELECT 1 FROM sys_audit d WHERE d.entity = a.entity AND d.record = a.record AND d.kind = 'deleted') LIMIT 20"
        );
        for row in cx.conn().rows(&text, &[Value::from(name)])? {
            gone.push(format!("{name} {} is gone, and no deletion is told", row[0].as_int().unwrap_or(0)));
        }
        if full {
            holds(cx, plan, &mut wrong)?;
        }
    }
    let mut breaches = Vec::new();
    for (message, mut rows) in [
        ("records were taken away without the audit telling it", gone),
        ("records hold something else than the audit tells", wrong),
    ] {
        if !rows.is_empty() {
            rows.truncate(20);
            breaches.push(Breach { message: message.to_owned(), rows });
        }
    }
    Ok(breaches)
}

/// Goes through the changes of an entity, some records at a time.
fn holds(cx: &mut Cx<'_>, plan: &Plan, wrong: &mut Vec<String>) -> Result<()> {
    let (mut after, mut page) = (i64::MIN, PAGE);
    loop {
        let mut rows: Vec<(i64, String)> = Vec::new();
        cx.conn().query(
            "SELECT record, changes FROM sys_audit WHERE entity = ? AND record > ? AND kind = 'changed' ORDER BY record LIMIT ?",
            &[Value::from(plan.def.name), Value::Int(after), Value::Int(page)],
            &mut |row| {
                rows.push((row[0].as_int().unwrap_or(0), row[1].as_text().unwrap_or("{}").to_owned()));
                Ok(true)
            },
        )?;
        let more = rows.len() as i64 == page;
        let last = rows.last().map_or(after, |r| r.0);
        if more && rows.first().is_some_and(|r| r.0 == last) {
            // One record alone fills the page.
            page *= 2;
            continue;
        }
        // The last record of a full page may go on in the next one.
        let mut records: Vec<(i64, Told)> = Vec::new();
        for (record, changes) in rows.into_iter().filter(|(r, _)| !more || *r != last) {
            if records.last().is_none_or(|(r, _)| *r != record) {
                records.push((record, Told::new()));
            }
            let Ok(J::Object(changes)) = serde_json::from_str::<J>(&changes) else { continue };
            for (field, change) in changes {
                if let (J::Array(pair), Some((_, told))) = (change, records.last_mut())
                    && let Ok([before, now]) = <[J; 2]>::try_from(pair)
                {
                    told.entry(field).or_default().push((before, now));
                }
            }
        }
        after = records.last().map_or(after, |(r, _)| *r);
        for (record, told) in records {
            compare(cx, plan, record, &told, wrong)?;
        }
        if !more || wrong.len() >= 20 {
            return Ok(());
        }
        page = PAGE;
    }
}

/// The changes of a field lead from one value to the next, so that what it holds was put in its place at least as often as
/// it was taken from there. (In which order they were made is not told by their ids.)
fn compare(cx: &mut Cx<'_>, plan: &Plan, record: i64, told: &Told, wrong: &mut Vec<String>) -> Result<()> {
    let row = match cx.row_of(plan, record) {
        Ok(row) => row,
        Err(error) if error.status == 404 => return Ok(()),
        Err(error) => return Err(error),
    };
    for (field, changes) in told {
        let Some(index) = plan.index(field) else { continue };
        let held = encode(&plan.fields[index], plan.cells_of(index, &row.cells));
        let put = changes.iter().filter(|(_, after)| *after == held).count();
        let taken = changes.iter().filter(|(before, _)| *before == held).count();
        if put == 0 || put < taken {
            let last = changes.last().map_or(J::Null, |(_, after)| after.clone());
            wrong.push(format!("{} {record}: {field} is {held}, the audit tells {last}", plan.def.name));
        }
    }
    Ok(())
}
