//! What takes long in the database, and figures of modules, for those who run the program.

use crate::{Fields, Operation, cx::Cx, def::Run, error::Result};

/// A figure that a module lets its operator watch, of all companies.
#[derive(Clone, Copy)]
pub struct Gauge {
    /// Name, by the conventions of Prometheus: `celek_process_incidents`.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Finds it; it has to be cheap.
    pub value: fn(&mut Cx<'_>) -> Result<i64>,
}

/// Statements of the database that took long since the program started, those first that took most of the time.
#[derive(Operation)]
#[operation(name = "sys.statement.slow", read, area = "settings")]
pub struct SlowStatements {}

/// A statement that took long.
#[derive(Fields)]
pub struct SlowRow {
    /// The statement; values are not kept.
    pub text: String,
    /// How often it took long.
    pub count: i64,
    /// Milliseconds in all.
    pub total_ms: i64,
    /// Milliseconds of the longest.
    pub max_ms: i64,
    /// Rows that they answered.
    pub rows: i64,
}

/// The statements.
#[derive(Fields)]
pub struct SlowList {
    /// The statements.
    pub statements: Vec<SlowRow>,
}

impl Run for SlowStatements {
    type Output = SlowList;
    fn run(self, cx: &mut Cx<'_>) -> Result<SlowList> {
        let number = |n: u128| i64::try_from(n).unwrap_or(i64::MAX);
        let rows = cx.conn.slow().into_iter().map(|slow| SlowRow {
            text: slow.text,
            count: number(u128::from(slow.count)),
            total_ms: number(slow.total.as_millis()),
            max_ms: number(slow.max.as_millis()),
            rows: number(u128::from(slow.rows)),
        });
        Ok(SlowList { statements: rows.collect() })
    }
}
