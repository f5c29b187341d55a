//! One connection to SQLite and the transaction that runs on it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, Authorization, TransactionOperation, Wal};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, Statement, StatementStatus};

use super::errors::translate;
use super::introspect;
use crate::search::search_table;
use crate::stats::Counters;
use crate::{Conn, Dialect, Error, Folded, Options, Result, Slow, TableInfo, Value, quoted};

/// At this many pages the log is folded into the file.
pub(super) const FOLD_AT: i32 = 4_000;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Writer,
    Reader,
}

/// A connection with the state of its transaction.
pub(crate) struct Session {
    conn: Connection,
    role: Role,
    /// How many savepoints are open.
    depth: u32,
    /// Whether a transaction was begun and not ended by us. SQLite may have rolled it back meanwhile.
    open: bool,
    /// Why SQLite rolled the transaction back.
    lost: Option<Error>,
    /// The statement's error after which only a savepoint leads on.
    failed: Option<Error>,
    /// Lets our own statements about transactions pass the authoriser.
    own: Arc<AtomicBool>,
    counters: Arc<Counters>,
}

impl Session {
    /// Opens the file, which has to exist.
    pub(crate) fn open(path: &Path, role: Role, options: &Options, counters: Arc<Counters>) -> Result<Session> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(path, flags).map_err(|error| translate(error, "open"))?;
        let failed = |error| translate(error, "open");
        conn.busy_handler(Some(waiting(options.busy))).map_err(failed)?;
        // What the writer commits is brought to the disk by `Disk`.
        let (cache, statements, synchronous) = match role {
            Role::Writer => (options.writer_cache, 512, "NORMAL"),
            Role::Reader => (options.reader_cache, 128, "FULL"),
        };
        write_ahead(&conn, options.busy)?;
        conn.execute_batch(&format!(
            "PRAGMA synchronous = {synchronous}; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
             PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF;
             PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;
             PRAGMA cache_size = -{cache}; PRAGMA wal_autocheckpoint = {FOLD_AT}; PRAGMA journal_size_limit = 67108864;"
        ))
        .map_err(failed)?;
        // What savepoints keep of changed pages stays in memory: they are many and short-lived.
        let own = if role == Role::Reader { "PRAGMA query_only = ON" } else { "PRAGMA temp_store = MEMORY" };
        conn.execute_batch(own).map_err(failed)?;
        // A misspelt column in quotes is an error, never a text; nobody writes into the insides of an index. A plan does not
        // depend on what is bound: else SQLite prepares most statements anew each time they run.
        for (setting, value) in [
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
        ] {
            conn.set_db_config(setting, value).map_err(failed)?;
        }
        conn.set_prepared_statement_cache_capacity(statements);
        if role == Role::Writer {
            count_log(&mut conn, counters.clone()).map_err(failed)?;
        }
        let own = Arc::new(AtomicBool::new(false));
        let ours = own.clone();
        conn.authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| match context.action {
            AuthAction::Transaction { operation: TransactionOperation::Rollback } => Authorization::Allow,
            AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } if !ours.load(Ordering::Relaxed) => {
                Authorization::Deny
            }
            _ => Authorization::Allow,
        }))
        .map_err(failed)?;
        Ok(Session { conn, role, depth: 0, open: false, lost: None, failed: None, own, counters })
    }

    /// Begins a writing transaction; waits for another process.
    pub(crate) fn begin_write(&mut self) -> Result<()> {
        self.begin("BEGIN IMMEDIATE -- store")
    }

    /// Begins a reading transaction and fixes its snapshot.
    pub(crate) fn begin_read(&mut self) -> Result<()> {
        self.begin("BEGIN DEFERRED -- store")?;
        match (self as &mut dyn Conn).row("SELECT 1 FROM sqlite_schema LIMIT 1", &[]) {
            Ok(_) => Ok(()),
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }

    fn begin(&mut self, sql: &str) -> Result<()> {
        self.rollback();
        self.control(sql)?;
        self.open = true;
        Ok(())
    }

    /// Commits. On an error nothing of the transaction is left.
    pub(crate) fn commit(&mut self) -> Result<()> {
        let result = match self.standing() {
            true => self.control("COMMIT -- store"),
            false => Err(self.loss()),
        };
        match result {
            Ok(()) => {
                self.open = false;
                self.depth = 0;
                Ok(())
            }
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }

    /// Rolls back whatever is open and forgets why it was lost.
    pub(crate) fn rollback(&mut self) {
        if !self.conn.is_autocommit()
            && let Err(error) = self.control("ROLLBACK -- store")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
        self.open = false;
        self.depth = 0;
        self.lost = None;
        self.failed = None;
    }

    /// What became of the transaction when a statement of it failed and nobody went back to a savepoint.
    pub(crate) fn spent(&self) -> Option<Error> {
        self.failed.as_ref().map(Error::spent)
    }

    /// Forgets a failed statement: what it was part of is given up.
    pub(crate) fn forgive(&mut self) -> Result<()> {
        self.failed = None;
        Ok(())
    }

    /// Whether the transaction that we began still stands.
    pub(crate) fn standing(&self) -> bool {
        self.open && !self.conn.is_autocommit()
    }

    /// Why the transaction does not stand any more.
    pub(crate) fn loss(&self) -> Error {
        self.lost.clone().unwrap_or_else(|| Error::sql("the transaction was rolled back"))
    }

    /// Closes all savepoints, the innermost first.
    pub(crate) fn unwind(&mut self, keep: bool) -> Result<()> {
        while self.depth > 0 {
            if keep { self.release()? } else { self.rollback_to()? }
        }
        Ok(())
    }

    /// Changes when another connection committed.
    pub(crate) fn data_version(&mut self) -> Result<i64> {
        let version = (self as &mut dyn Conn).int("PRAGMA data_version", &[])?;
        version.ok_or_else(|| Error::sql("the database has no version"))
    }

    /// Folds the whole log into the file and shortens it to nothing, unless others still use it.
    pub(crate) fn fold_all(&mut self) -> Result<()> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        self.conn
            .busy_timeout(Duration::from_millis(100))
            .and_then(|()| self.conn.query_row(sql, [], |_| Ok(())))
            .map_err(|error| translate(error, sql))
    }

    /// Folds as much of the log into the file as nobody needs any more, without making anybody wait.
    pub(crate) fn fold(&mut self) -> Result<Folded> {
        let sql = "PRAGMA wal_checkpoint(PASSIVE)";
        let row = |row: &rusqlite::Row<'_>| Ok(Folded { log: row.get(1)?, folded: row.get(2)? });
        self.conn.query_row(sql, [], row).map_err(|error| translate(error, sql))
    }

    /// Interrupts statements that are still running at this time; `None` lets them run.
    pub(crate) fn limit(&mut self, until: Option<Instant>) -> Result<()> {
        let handler = until.map(|until| move || Instant::now() >= until);
        self.conn.progress_handler(2000, handler).map_err(|error| translate(error, "limit"))
    }

    /// The connection itself, for the backup.
    pub(crate) fn raw(&self) -> &Connection {
        &self.conn
    }

    /// A statement about transactions, which only the store may run.
    fn control(&mut self, sql: &str) -> Result<()> {
        self.own.store(true, Ordering::Relaxed);
        let result = self.conn.prepare_cached(sql).and_then(|mut statement| statement.raw_execute());
        self.own.store(false, Ordering::Relaxed);
        self.counters.statement(0);
        result.map(|_| ()).map_err(|error| translate(error, sql))
    }

    /// Refuses to go on when the transaction is gone: the statement would commit by itself.
    fn ensure_standing(&self) -> Result<()> {
        match self.spent() {
            _ if !self.standing() => Err(self.loss()),
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// After every statement: notes when SQLite has rolled the whole transaction back.
    fn settle<T>(&mut self, result: Result<T>) -> Result<T> {
        if self.open && self.lost.is_none() && self.conn.is_autocommit() {
            self.lost = Some(match &result {
                Err(error) => error.clone(),
                Ok(_) => Error::sql("the transaction was rolled back by a statement"),
            });
        }
        if let Err(error) = &result
            && self.role == Role::Writer
        {
            self.failed.get_or_insert_with(|| error.clone());
        }
        result
    }
}

impl Conn for Session {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn query(&mut self, sql: &str, params: &[Value], each: &mut dyn FnMut(&[Value]) -> Result<bool>) -> Result<()> {
        self.ensure_standing()?;
        let mut rows = 0;
        let (mut theirs, since) = (None, Instant::now());
        let result = run_query(&self.conn, &self.counters, sql, params, &mut |row| {
            rows += 1;
            each(row).or_else(|error| {
                theirs = Some(error);
                Ok(false)
            })
        });
        self.counters.ran(sql, since, rows);
        self.settle(result)?;
        // The caller's own error is no error of the statement.
        theirs.map_or(Ok(()), Err)
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.ensure_standing()?;
        let since = Instant::now();
        let result = run_execute(&self.conn, &self.counters, sql, params);
        self.counters.ran(sql, since, 0);
        self.settle(result)
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.ensure_standing()?;
        let result = self.conn.execute_batch(sql).map_err(|error| translate(error, sql));
        self.counters.statement(0);
        self.settle(result)
    }

    fn savepoint(&mut self) -> Result<()> {
        self.ensure_standing()?;
        let result = self.control(&format!("SAVEPOINT s{} -- store", self.depth + 1));
        self.settle(result)?;
        self.depth += 1;
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        self.ensure_standing()?;
        if self.depth == 0 {
            return Err(Error::sql("no savepoint is open"));
        }
        let result = self.control(&format!("RELEASE s{} -- store", self.depth));
        self.settle(result)?;
        self.depth -= 1;
        Ok(())
    }

    fn rollback_to(&mut self) -> Result<()> {
        if !self.standing() {
            return Err(self.loss());
        }
        if self.depth == 0 {
            return Err(Error::sql("no savepoint is open"));
        }
        let result = self.control(&format!("ROLLBACK TO s{} -- store", self.depth));
        self.settle(result)?;
        self.failed = None;
        self.release()
    }

    fn slow(&self) -> Vec<Slow> {
        self.counters.slow()
    }

    fn writable(&self) -> bool {
        self.role == Role::Writer
    }

    fn tables(&mut self) -> Result<Vec<TableInfo>> {
        introspect::tables(self)
    }

    fn integrity(&mut self, full: bool) -> Result<Vec<String>> {
        introspect::integrity(self, full)
    }

    fn search_put(&mut self, table: &str, id: i64, words: &str) -> Result<()> {
        if words.is_empty() {
            return self.search_delete(table, id);
        }
        let sql = format!("INSERT OR REPLACE INTO {} (rowid, words) VALUES (?, ?)", quoted(&search_table(table)));
        self.execute(&sql, &[id.into(), words.into()]).map(|_| ())
    }

    fn search_delete(&mut self, table: &str, id: i64) -> Result<()> {
        let sql = format!("DELETE FROM {} WHERE rowid = ?", quoted(&search_table(table)));
        self.execute(&sql, &[id.into()]).map(|_| ())
    }
}

/// Counts what commits write to the log. This takes the place of SQLite's own hook, which folds the log, so it does that too.
fn count_log(conn: &mut Connection, counters: Arc<Counters>) -> rusqlite::Result<()> {
    let page: i64 = conn.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    // Each page in the log has a header of 24 bytes (https://www.sqlite.org/fileformat.html#the_write_ahead_log).
    let page = page + 24;
    conn.wal_hook(Some(move |wal: &mut Wal, pages: i32| {
        counters.logged(i64::from(pages), page);
        // A reader or another process may hold the log: the next commit tries again.
        if pages >= FOLD_AT { wal.checkpoint().or(Ok(())) } else { Ok(()) }
    }))
}

/// Turns the write-ahead log on. SQLite does not wait by itself when another process is doing the same.
fn write_ahead(conn: &Connection, limit: Duration) -> Result<()> {
    let sql = "PRAGMA journal_mode = WAL";
    let mut wait = waiting(limit);
    for count in 0.. {
        match conn.query_row(sql, [], |row| row.get::<_, String>(0)).map_err(|error| translate(error, sql)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => break,
            Err(Error::Busy) if wait(count) => {}
            Err(Error::Sql(message)) => return Err(Error::Io(message)),
            Err(error) => return Err(error),
        }
    }
    Err(Error::Io("the file system does not support the write-ahead log".to_owned()))
}

/// Waits a millisecond at a time, so that the pause between two groups of another process is not missed.
fn waiting(limit: Duration) -> impl FnMut(i32) -> bool + Send + 'static {
    let mut since = Instant::now();
    move |count| {
        if count == 0 {
            since = Instant::now();
        }
        if since.elapsed() >= limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
        true
    }
}

fn bind(statement: &mut Statement<'_>, params: &[Value], sql: &str) -> Result<()> {
    if statement.parameter_count() != params.len() {
        return Err(Error::sql(format!(
            "the statement has {} parameters, {} were given: {sql}",
            statement.parameter_count(),
            params.len()
        )));
    }
    for (index, param) in params.iter().enumerate() {
        let value = match param {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        };
        statement.raw_bind_parameter(index + 1, ToSqlOutput::Borrowed(value)).map_err(|error| translate(error, sql))?;
    }
    Ok(())
}

fn run_execute(conn: &Connection, counters: &Counters, sql: &str, params: &[Value]) -> Result<u64> {
    let mut statement = conn.prepare_cached(sql).map_err(|error| translate(error, sql))?;
    bind(&mut statement, params, sql)?;
    let result = statement.raw_execute();
    count_scanned(&statement, counters);
    match result {
        Ok(rows) => Ok(rows as u64),
        Err(error) => Err(translate(error, sql)),
    }
}

/// Counts the rows over which a statement stepped without an index.
fn count_scanned(statement: &Statement<'_>, counters: &Counters) {
    let steps = statement.reset_status(StatementStatus::FullscanStep);
    counters.scanned(u64::try_from(steps).unwrap_or(0));
}

fn run_query(
    conn: &Connection,
    counters: &Counters,
    sql: &str,
    params: &[Value],
    each: &mut dyn FnMut(&[Value]) -> Result<bool>,
) -> Result<()> {
    let mut statement = conn.prepare_cached(sql).map_err(|error| translate(error, sql))?;
    bind(&mut statement, params, sql)?;
    let result = each_row(&mut statement, sql, each);
    count_scanned(&statement, counters);
    result
}

fn each_row(statement: &mut Statement<'_>, sql: &str, each: &mut dyn FnMut(&[Value]) -> Result<bool>) -> Result<()> {
    let mut values = vec![Value::Null; statement.column_count()];
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| translate(error, sql))? {
        for (index, value) in values.iter_mut().enumerate() {
            let found = row.get_ref(index).map_err(|error| translate(error, sql))?;
            take(found, value).map_err(|problem| Error::sql(format!("column {} of {sql}: {problem}", index + 1)))?;
        }
        if !each(&values)? {
            break;
        }
    }
    Ok(())
}

/// Moves a found value into the row's buffer, and uses the memory that is there.
fn take(found: ValueRef<'_>, value: &mut Value) -> std::result::Result<(), &'static str> {
    match found {
        ValueRef::Null => *value = Value::Null,
        ValueRef::Integer(number) => *value = Value::Int(number),
        ValueRef::Real(_) => return Err("a floating point number, which the store does not know"),
        ValueRef::Text(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| "a text that is not UTF-8")?;
            match value {
                Value::Text(kept) => {
                    kept.clear();
                    kept.push_str(text);
                }
                _ => *value = Value::Text(text.to_owned()),
            }
        }
        ValueRef::Blob(bytes) => *value = Value::Blob(bytes.to_vec()),
    }
    Ok(())
}
