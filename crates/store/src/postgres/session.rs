//! One connection to PostgreSQL and the transaction that runs on it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use postgres::fallible_iterator::FallibleIterator;
use postgres::types::Type;
use postgres::{Client, Statement};

use super::errors::{is_outdated, translate};
use super::introspect;
use super::values::{Cell, Param, fits, wanted};
use crate::search::{search_table, vector};
use crate::stats::Counters;
use crate::text::{Scanned, scan};
use crate::{Conn, Dialect, Error, Result, Slow, TableInfo, Value, quoted};

/// How many statements a connection keeps prepared; beyond it all are thrown away.
const STATEMENTS: usize = 1_000;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Writer,
    Reader,
}

/// A connection with the state of its transaction.
pub(super) struct Session {
    client: Client,
    role: Role,
    kept: HashMap<String, Kept>,
    /// How many savepoints are open.
    depth: u32,
    /// Whether a transaction was begun and not ended by us.
    open: bool,
    /// Why the transaction is gone.
    lost: Option<Error>,
    /// The statement's error after which only a savepoint leads on.
    failed: Option<Error>,
    /// Whether the transaction failed in a way that another try may mend.
    again: bool,
    /// When reading has to end.
    until: Option<Instant>,
    counters: Arc<Counters>,
}

/// A text that was looked at, and its prepared statements: one for each combination of types that was asked for.
struct Kept {
    scanned: Scanned,
    prepared: Vec<Statement>,
}

impl Session {
    pub(super) fn open(
        mut client: Client,
        schema: Option<&str>,
        role: Role,
        busy: Duration,
        counters: Arc<Counters>,
    ) -> Result<Session> {
        let failed = |error: &postgres::Error| translate(error, "connect");
        let busy = busy.as_millis().clamp(1, i32::MAX as u128);
        let mut settings = format!(
            "SET lock_timeout = {busy}; SET TIME ZONE 'UTC'; SET jit = off; SET standard_conforming_strings = on;
             SET client_min_messages = warning;"
        );
        if let Some(schema) = schema {
            settings.push_str(&format!(" SET search_path TO {};", quoted(schema)));
        }
        client.batch_execute(&settings).map_err(|error| failed(&error))?;
        let mut session = Session {
            client,
            role,
            kept: HashMap::new(),
            depth: 0,
            open: false,
            lost: None,
            failed: None,
            again: false,
            until: None,
            counters,
        };
        if role == Role::Writer {
            session.ensure_durable()?;
        }
        Ok(session)
    }

    /// What was answered has to be on the disk: a server that would answer earlier by its settings is told not to.
    fn ensure_durable(&mut self) -> Result<()> {
        let sql = "SELECT current_setting('synchronous_commit') = 'off', current_setting('fsync') = 'off'";
        let row = self.client.query_one(sql, &[]).map_err(|error| translate(&error, sql))?;
        if row.get::<_, bool>(0) {
            self.control("SET synchronous_commit = on")?;
        }
        if row.get::<_, bool>(1) {
            tracing::warn!("the PostgreSQL server runs with fsync = off: a power cut loses what it answered");
        }
        Ok(())
    }

    /// Begins a writing transaction.
    pub(super) fn begin_write(&mut self) -> Result<()> {
        self.begin("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
    }

    /// Begins a reading transaction and fixes its snapshot.
    pub(super) fn begin_read(&mut self, limit: Option<Duration>) -> Result<()> {
        let mut sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned();
        if let Some(limit) = limit {
            let limit = limit.as_millis().clamp(1, i32::MAX as u128);
            sql.push_str(&format!("; SET LOCAL statement_timeout = {limit}"));
        }
        sql.push_str("; SELECT 1");
        self.begin(&sql)?;
        self.until = limit.and_then(|limit| Instant::now().checked_add(limit));
        Ok(())
    }

    fn begin(&mut self, sql: &str) -> Result<()> {
        if self.open {
            self.rollback();
        }
        (self.lost, self.failed, self.again, self.until) = (None, None, false, None);
        // A part of it may have failed: what has begun is ended, or else the connection is not used again.
        self.open = true;
        let begun = self.control(sql);
        if begun.is_err() {
            self.rollback();
        }
        begun
    }

    /// Commits. On an error nothing of the transaction is left, unless the connection broke at this very moment.
    pub(super) fn commit(&mut self) -> Result<()> {
        if let Some(error) = self.spent() {
            self.rollback();
            return Err(error);
        }
        let result = self.client.batch_execute("COMMIT");
        self.counters.statement(0);
        self.open = false;
        self.depth = 0;
        result.map_err(|error| {
            let error = translate(&error, "COMMIT");
            self.again = error == Error::Conflict;
            error
        })
    }

    /// Rolls back whatever is open.
    pub(super) fn rollback(&mut self) {
        if self.open && !self.client.is_closed() {
            let ended = self.control("ROLLBACK");
            if let Err(error) = &ended {
                tracing::warn!(%error, "a transaction could not be rolled back");
            }
            self.open = ended.is_err();
        }
        self.depth = 0;
        self.until = None;
    }

    /// Whether the connection can serve a further transaction.
    pub(super) fn usable(&self) -> bool {
        !self.open && !self.client.is_closed()
    }

    /// Whether the transaction failed in a way that another try may mend: others were in the way, or the connection broke
    /// before the commit.
    pub(super) fn again(&self) -> bool {
        self.again
    }

    /// What became of the transaction, when it cannot be committed any more.
    pub(super) fn spent(&self) -> Option<Error> {
        self.lost.clone().or_else(|| self.failed.as_ref().map(Error::spent))
    }

    /// Statements of our own: transactions, settings.
    pub(super) fn control(&mut self, sql: &str) -> Result<()> {
        self.counters.statement(0);
        self.client.batch_execute(sql).map_err(|error| translate(&error, sql))
    }

    fn ensure_standing(&self) -> Result<()> {
        if let Some(error) = self.spent() {
            return Err(error);
        }
        if !self.open {
            return Err(Error::sql("the transaction was rolled back"));
        }
        if self.until.is_some_and(|until| Instant::now() >= until) {
            return Err(Error::Interrupted);
        }
        Ok(())
    }

    /// Notes what a failed statement means for the transaction.
    fn settle<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            if self.client.is_closed() {
                self.lost = Some(error.clone());
                self.again = true;
            } else if *error == Error::Conflict {
                // Back to a savepoint is not far enough: others wait for what was locked before it.
                self.lost = Some(error.clone());
                self.again = true;
            }
            self.failed.get_or_insert_with(|| error.clone());
        }
        result
    }

    /// The statement, prepared for the types of these values, and the place where it is kept.
    fn prepare(&mut self, sql: &str, params: &[Value]) -> Result<Statement> {
        if !self.kept.contains_key(sql) {
            if self.kept.len() >= STATEMENTS {
                self.kept.clear();
            }
            let scanned = scan(sql)?;
            self.kept.insert(sql.to_owned(), Kept { scanned, prepared: Vec::new() });
        }
        let Some(kept) = self.kept.get_mut(sql) else { return Err(Error::sql("no statement")) };
        if kept.scanned.controls() {
            return Err(Error::sql(format!("transactions are opened and closed by the store: {sql}")));
        }
        if kept.scanned.params != params.len() {
            let (has, given) = (kept.scanned.params, params.len());
            return Err(Error::sql(format!("the statement has {has} parameters, {given} were given: {sql}")));
        }
        let suits = |statement: &&Statement| params.iter().zip(statement.params()).all(|(value, ty)| fits(value, ty));
        if let Some(found) = kept.prepared.iter().find(suits) {
            return Ok(found.clone());
        }
        let types: Vec<Type> = params.iter().map(wanted).collect();
        let prepared = self.client.prepare_typed(&kept.scanned.sql, &types).map_err(|error| translate(&error, sql))?;
        kept.prepared.push(prepared.clone());
        Ok(prepared)
    }

    /// After an error of a prepared statement: throws it away when its table was changed, and asks for another try.
    fn failed(&mut self, error: &postgres::Error, sql: &str) -> Error {
        if is_outdated(error) {
            self.kept.clear();
            return Error::Conflict;
        }
        translate(error, sql)
    }

    fn run_execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let statement = self.prepare(sql, params)?;
        let bound: Vec<Param<'_>> = params.iter().map(Param).collect();
        let bound: Vec<&(dyn postgres::types::ToSql + Sync)> = bound.iter().map(|param| param as _).collect();
        let since = Instant::now();
        let result = self.client.execute(&statement, &bound);
        self.counters.ran(sql, since, 0);
        result.map_err(|error| self.failed(&error, sql))
    }

    /// Runs a query; the inner error is the caller's own, which is no error of the statement.
    fn run_query(
        &mut self,
        sql: &str,
        params: &[Value],
        each: &mut dyn FnMut(&[Value]) -> Result<bool>,
    ) -> Result<Result<()>> {
        let statement = self.prepare(sql, params)?;
        let mut values = vec![Value::Null; statement.columns().len()];
        let mut problem = None;
        let (mut count, since) = (0, Instant::now());
        let mut answer = Ok(());
        match self.client.query_raw(&statement, params.iter().map(Param)) {
            Err(error) => problem = Some(error),
            Ok(mut rows) => loop {
                let row = match rows.next() {
                    Ok(Some(row)) => row,
                    Ok(None) => break,
                    Err(error) => {
                        problem = Some(error);
                        break;
                    }
                };
                count += 1;
                for (at, value) in values.iter_mut().enumerate() {
                    match row.try_get::<_, Cell>(at) {
                        Ok(Cell(found)) => *value = found,
                        Err(error) => {
                            let why = std::error::Error::source(&error).map_or_else(String::new, ToString::to_string);
                            return Err(Error::sql(format!("column {} of {sql}: {why}", at + 1)));
                        }
                    }
                }
                match each(&values) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        answer = Err(error);
                        break;
                    }
                }
            },
        }
        self.counters.ran(sql, since, count);
        match problem {
            Some(error) => Err(self.failed(&error, sql)),
            None => Ok(answer),
        }
    }
}

impl Conn for Session {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn query(&mut self, sql: &str, params: &[Value], each: &mut dyn FnMut(&[Value]) -> Result<bool>) -> Result<()> {
        self.ensure_standing()?;
        let result = self.run_query(sql, params, each);
        self.settle(result)?
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.ensure_standing()?;
        if is_rollback(sql) {
            self.rollback();
            self.lost = Some(Error::sql("the transaction was rolled back by a statement"));
            return Ok(0);
        }
        let result = self.run_execute(sql, params);
        self.settle(result)
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.ensure_standing()?;
        let result = match scan(sql) {
            Ok(scanned) if scanned.controls() => {
                Err(Error::sql(format!("transactions are opened and closed by the store: {sql}")))
            }
            Ok(_) => self.control(sql),
            Err(error) => Err(error),
        };
        self.settle(result)
    }

    fn savepoint(&mut self) -> Result<()> {
        self.ensure_standing()?;
        let result = self.control(&format!("SAVEPOINT s{}", self.depth + 1));
        self.settle(result)?;
        self.depth += 1;
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        self.ensure_standing()?;
        if self.depth == 0 {
            return Err(Error::sql("no savepoint is open"));
        }
        let result = self.control(&format!("RELEASE s{}", self.depth));
        self.settle(result)?;
        self.depth -= 1;
        Ok(())
    }

    fn rollback_to(&mut self) -> Result<()> {
        if let Some(error) = &self.lost {
            return Err(error.clone());
        }
        if self.depth == 0 {
            return Err(Error::sql("no savepoint is open"));
        }
        let result = self.control(&format!("ROLLBACK TO s{0}; RELEASE s{0}", self.depth));
        self.settle(result)?;
        self.failed = None;
        self.depth -= 1;
        Ok(())
    }

    fn slow(&self) -> Vec<Slow> {
        self.counters.slow()
    }

    fn writable(&self) -> bool {
        self.role == Role::Writer
    }

    fn repeat(&mut self) {
        self.again = true;
    }

    fn hold(&mut self, what: &str, id: i64, alone: bool) -> Result<()> {
        let function = if alone { "pg_advisory_xact_lock" } else { "pg_advisory_xact_lock_shared" };
        // The schema is part of the key: two of them in one database have nothing to do with each other.
        let sql =
            format!("SELECT 1 FROM (SELECT {function}(hashtextextended(current_schema() || ':' || ?, ?))) AS held");
        self.query(&sql, &[what.into(), id.into()], &mut |_| Ok(true))
    }

    fn tables(&mut self) -> Result<Vec<TableInfo>> {
        introspect::tables(self)
    }

    fn integrity(&mut self, full: bool) -> Result<Vec<String>> {
        introspect::integrity(self, full)
    }

    fn search_put(&mut self, table: &str, id: i64, words: &str) -> Result<()> {
        let vector = vector(words);
        if vector.is_empty() {
            return self.search_delete(table, id);
        }
        let sql = format!(
            "INSERT INTO {} (\"id\", \"words\") VALUES (?, CAST(CAST(? AS text) AS tsvector)) \
             ON CONFLICT (\"id\") DO UPDATE SET \"words\" = excluded.\"words\"",
            quoted(&search_table(table))
        );
        self.execute(&sql, &[id.into(), vector.into()]).map(|_| ())
    }

    fn search_delete(&mut self, table: &str, id: i64) -> Result<()> {
        let sql = format!("DELETE FROM {} WHERE \"id\" = ?", quoted(&search_table(table)));
        self.execute(&sql, &[id.into()]).map(|_| ())
    }
}

/// Whether a statement is a plain ROLLBACK.
fn is_rollback(sql: &str) -> bool {
    let begins = sql.trim_start().get(..8).is_some_and(|word| word.eq_ignore_ascii_case("ROLLBACK"));
    begins && scan(sql).is_ok_and(|scanned| scanned.is_rollback())
}
