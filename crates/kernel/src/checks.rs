//! Proves what must hold after every commit, from the raw tables. Modules bring their own checks; here are those of the
//! kernel: numbers without gaps, and an audit that tells every change.

use store::Value;

use crate::{
    cx::Cx,
    def::{Breach, Check},
    engine::Kernel,
    error::Result,
};

/// What a check found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Name of the check.
    pub check: &'static str,
    /// Number of the invariant.
    pub invariant: u8,
    /// Breaches; empty when it holds.
    pub breaches: Vec<Breach>,
    /// Why the check itself could not be done (a damaged file, say): counts as a breach.
    pub error: Option<String>,
}

impl Finding {
    /// True where the invariant holds.
    pub fn holds(&self) -> bool {
        self.breaches.is_empty() && self.error.is_none()
    }
}

impl Kernel {
    /// Proves all invariants, over all companies.
    ///
    /// # Errors
    /// Where the database cannot be read at all.
    pub fn check(&self, full: bool) -> Result<Vec<Finding>> {
        let nobody = std::sync::Arc::new(crate::Principal::system(std::sync::Arc::default()));
        self.read(&nobody, |cx| {
            let checks: Vec<Check> = cx.schema().modules.iter().flat_map(|m| m.checks).copied().collect();
            let mut findings = Vec::new();
            for check in checks {
                let (breaches, error) = match (check.run)(cx, full) {
                    Ok(breaches) => (breaches, None),
                    Err(error) => (Vec::new(), Some(error.to_string())),
                };
                findings.push(Finding { check: check.name, invariant: check.invariant, breaches, error });
            }
            Ok(findings)
        })
    }
}

pub(crate) const CHECKS: &[Check] = &[
    Check { name: "sys.integrity", invariant: 10, run: integrity },
    Check { name: "sys.numbers", invariant: 6, run: numbers },
    Check { name: "sys.audit", invariant: 9, run: audit },
    Check { name: "sys.told", invariant: 9, run: crate::told::told },
    Check { name: "sys.idempotency", invariant: 10, run: idempotency },
];

/// The database's own structure, and every reference, in full mode.
fn integrity(cx: &mut Cx<'_>, full: bool) -> Result<Vec<Breach>> {
    let wrong = cx.conn().integrity(full)?;
    if wrong.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Breach { message: "the database is damaged, or references lead nowhere".to_owned(), rows: wrong }])
}

/// Legal series: from one to the last, each number once, and each document bears the number that it was given.
fn numbers(cx: &mut Cx<'_>, _full: bool) -> Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    let gaps = cx.conn().rows(
        "SELECT n.company, n.series, n.year, COUNT(*), MIN(n.n), MAX(n.n), COUNT(DISTINCT n.n), c.last \
         FROM sys_number n LEFT JOIN sys_counter c ON c.company = n.company AND c.series = n.series AND c.year = n.year \
         GROUP BY n.company, n.series, n.year, c.last \
         HAVING MIN(n.n) <> 1 OR MAX(n.n) <> COUNT(*) OR COUNT(DISTINCT n.n) <> COUNT(*) OR c.last IS NULL OR c.last <> MAX(n.n)",
        &[],
    )?;
    if !gaps.is_empty() {
        let rows = gaps.iter().take(20).map(|r| format!("{r:?}")).collect();
        breaches
            .push(Breach { message: "a number series has gaps, repeats or a counter that differs".to_owned(), rows });
    }
    let lost = cx.conn().rows(
        "SELECT c.company, c.series, c.year, c.last FROM sys_counter c WHERE NOT EXISTS \
         (SELECT 1 FROM sys_number n WHERE n.company = c.company AND n.series = c.series AND n.year = c.year)",
        &[],
    )?;
    if !lost.is_empty() {
        let rows = lost.iter().take(20).map(|r| format!("{r:?}")).collect();
        breaches.push(Breach { message: "a counter stands where no number was given".to_owned(), rows });
    }
    let schema = cx.schema().clone();
    let entities = cx.conn().rows("SELECT DISTINCT entity FROM sys_number", &[])?;
    for entity in entities.iter().filter_map(|r| r.first().and_then(Value::as_text)) {
        let Ok(plan) = schema.plan(entity) else {
            breaches.push(Breach {
                message: format!("a number was given to {entity}, which is unknown"),
                rows: Vec::new(),
            });
            continue;
        };
        if plan.field("number").is_none() {
            continue;
        }
        let table = store::quoted(&plan.table);
        let text = format!(
            "SELECT n.series, n.year, n.n, n.record, d.number, s.pattern FROM sys_number n \
             LEFT JOIN {table} d ON d.id = n.record LEFT JOIN sys_series s ON s.code = n.series AND s.company = n.company \
             WHERE n.entity = ?"
        );
        let mut wrong = Vec::new();
        cx.conn().query(&text, &[Value::from(entity)], &mut |row| {
            let (year, n) = (row[1].as_int().unwrap_or(0), row[2].as_int().unwrap_or(0));
            let number = row[4].as_text().unwrap_or("");
            let pattern = row[5].as_text().unwrap_or("");
            // A series that runs on does not know in which year it gave the number.
            let year_known = year != 0 || !(pattern.contains("{year}") || pattern.contains("{yy}"));
            if number.is_empty() || (year_known && crate::fill_pattern(pattern, year, n) != number) {
                wrong.push(format!(
                    "{entity} {} has number {number:?}, given was {} {year} {n}",
                    row[3].as_int().unwrap_or(0),
                    row[0].as_text().unwrap_or("")
                ));
            }
            Ok(wrong.len() < 20)
        })?;
        if !wrong.is_empty() {
            breaches.push(Breach {
                message: "documents do not bear the numbers that were given to them".to_owned(),
                rows: wrong,
            });
        }
    }
    Ok(breaches)
}

/// A record of revision n was changed n − 1 times, and the audit tells each of them.
fn audit(cx: &mut Cx<'_>, full: bool) -> Result<Vec<Breach>> {
    let schema = cx.schema().clone();
    let mut breaches = Vec::new();
    let lonely = cx.conn().rows(
        "SELECT a.id, a.entity, a.record FROM sys_audit a LEFT JOIN sys_operation o ON o.id = a.operation WHERE o.id IS NULL LIMIT 20",
        &[],
    )?;
    if !lonely.is_empty() {
        let rows = lonely.iter().map(|r| format!("{r:?}")).collect();
        breaches.push(Breach { message: "changes without the operation that made them".to_owned(), rows });
    }
    let mut counts: std::collections::HashMap<i64, (i64, i64)> = std::collections::HashMap::new();
    cx.conn().query("SELECT record, kind FROM sys_audit", &[], &mut |row| {
        let one = counts.entry(row[0].as_int().unwrap_or(0)).or_default();
        match row[1].as_text().unwrap_or("") {
            "created" => one.0 += 1,
            "deleted" => {}
            _ => one.1 += 1,
        }
        Ok(true)
    })?;
    for plan in schema.plans.values() {
        if plan.def.append_only || plan.def.kept || plan.def.name.starts_with("sys.") {
            continue;
        }
        let line = !plan.def.owner.is_empty();
        let text = format!(
            "SELECT id, rev FROM {}{}",
            store::quoted(&plan.table),
            if full || !line { "" } else { " WHERE rev > 1" }
        );
        let mut wrong = Vec::new();
        cx.conn().query(&text, &[], &mut |row| {
            let (id, rev) = (row[0].as_int().unwrap_or(0), row[1].as_int().unwrap_or(0));
            let (created, changed) = counts.get(&id).copied().unwrap_or_default();
            if changed < rev - 1 || (created == 0 && !line) {
                wrong.push(format!(
                    "{} {id}: revision {rev}, the audit tells {created} creations and {changed} changes",
                    plan.def.name
                ));
            }
            Ok(wrong.len() < 20)
        })?;
        if !wrong.is_empty() {
            breaches.push(Breach { message: "records changed without the audit telling it".to_owned(), rows: wrong });
        }
    }
    Ok(breaches)
}

/// A key was used once.
fn idempotency(cx: &mut Cx<'_>, _full: bool) -> Result<Vec<Breach>> {
    let twice = cx.conn().rows(
        "SELECT principal, company, route, key, COUNT(*) FROM sys_idempotency GROUP BY principal, company, route, key HAVING COUNT(*) > 1",
        &[],
    )?;
    if twice.is_empty() {
        return Ok(Vec::new());
    }
    let rows = twice.iter().take(20).map(|r| format!("{r:?}")).collect();
    Ok(vec![Breach { message: "a request key was used twice".to_owned(), rows }])
}
