//! Limits of dry runs: one at a time for each user, and a time after which the writer is given back. The time is looked at
//! between statements and rows, so nothing is ever interrupted in the middle of one.

use std::{collections::HashSet, time::Instant};

use parking_lot::Mutex;
use store::{Conn, Dialect, Error as StoreError, Result as StoreResult, TableInfo, Value};

use crate::error::{Error, Result};

/// The users whose dry runs are under way.
#[derive(Default)]
pub(crate) struct DryRuns(Mutex<HashSet<i64>>);

/// A dry run under way; dropping it makes place for the user's next.
pub(crate) struct Place<'a>(&'a DryRuns, i64);

impl DryRuns {
    /// Begins a user's dry run.
    ///
    /// # Errors
    /// 429 while another one of this user is under way.
    pub fn begin(&self, user: i64) -> Result<Place<'_>> {
        if self.0.lock().insert(user) { Ok(Place(self, user)) } else { Err(Error::new(429, "dry_run_busy")) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.0.lock().remove(&self.1);
    }
}

/// A connection that takes no further statement after a moment; savepoints still close.
pub(crate) struct Limited<'a> {
    pub conn: &'a mut dyn Conn,
    pub until: Instant,
}

impl Limited<'_> {
    fn in_time(&self) -> StoreResult<()> {
        if Instant::now() < self.until { Ok(()) } else { Err(StoreError::Interrupted) }
    }
}

impl Conn for Limited<'_> {
    fn dialect(&self) -> Dialect {
        self.conn.dialect()
    }
    fn query(
        &mut self,
        sql: &str,
        params: &[Value],
        each: &mut dyn FnMut(&[Value]) -> StoreResult<bool>,
    ) -> StoreResult<()> {
        self.in_time()?;
        let until = self.until;
        self.conn.query(sql, params, &mut |row| {
            if Instant::now() < until { each(row) } else { Err(StoreError::Interrupted) }
        })
    }
    fn execute(&mut self, sql: &str, params: &[Value]) -> StoreResult<u64> {
        self.in_time()?;
        self.conn.execute(sql, params)
    }
    fn batch(&mut self, sql: &str) -> StoreResult<()> {
        self.in_time()?;
        self.conn.batch(sql)
    }
    fn integrity(&mut self, full: bool) -> StoreResult<Vec<String>> {
        self.in_time()?;
        self.conn.integrity(full)
    }
    fn repeat(&mut self) {
        self.conn.repeat();
    }
    fn hold(&mut self, what: &str, id: i64, alone: bool) -> StoreResult<()> {
        self.in_time()?;
        self.conn.hold(what, id, alone)
    }
    fn savepoint(&mut self) -> StoreResult<()> {
        self.in_time()?;
        self.conn.savepoint()
    }
    fn release(&mut self) -> StoreResult<()> {
        self.conn.release()
    }
    fn rollback_to(&mut self) -> StoreResult<()> {
        self.conn.rollback_to()
    }
    fn writable(&self) -> bool {
        self.conn.writable()
    }
    fn tables(&mut self) -> StoreResult<Vec<TableInfo>> {
        self.in_time()?;
        self.conn.tables()
    }
    fn search_put(&mut self, table: &str, id: i64, words: &str) -> StoreResult<()> {
        self.in_time()?;
        self.conn.search_put(table, id, words)
    }
    fn search_delete(&mut self, table: &str, id: i64) -> StoreResult<()> {
        self.in_time()?;
        self.conn.search_delete(table, id)
    }
}
