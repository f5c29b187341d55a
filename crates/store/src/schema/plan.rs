//! Compares what is declared with what stands, and makes the difference.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use super::standing::{Standing, exists, stand};
use super::{Applied, Change, Column, ColumnType, Table, ddl};
use crate::search::search_table;
use crate::{Conn, Dialect, Error, Result, TableInfo, quoted};

/// The changes that were made, in their order.
const MIGRATIONS: &str = "sys_migration";
/// Grows when this file makes other statements from the same declarations, so that everything is compared again.
const GENERATION: u32 = 1;
/// The name of the lock under which tables are changed.
const LOCK: &str = "schema";
/// The declarations that are known to be in place.
const SCHEMAS: &str = "sys_schema";

/// Tells what differs between the declared tables and the database.
pub fn plan(conn: &mut dyn Conn, tables: &[Table]) -> Result<Vec<Change>> {
    ddl::check_names(tables)?;
    let standing = Standing::read(conn)?;
    let mut plan = Plan::new(conn.dialect(), &standing);
    tables.iter().for_each(|table| plan.table(table));
    plan.references();
    tables.iter().for_each(|table| plan.indexes(table));
    tables.iter().for_each(|table| plan.triggers(table));
    for table in tables {
        if let Some(select) = &table.view {
            plan.view(&view_name(table), select);
        }
    }
    Ok(plan.changes)
}

/// Whether exactly these tables are known to stand and to have been made by this version. Cheap, also on a reader.
pub fn is_current(conn: &mut dyn Conn, tables: &[Table], version: i64) -> Result<bool> {
    let Some(found) = highest_version(conn)? else {
        return Ok(false);
    };
    if found > version {
        return Err(Error::Newer { found, known: version });
    }
    Ok(found == version && is_known(conn, &digest(tables))?)
}

/// Makes the declared tables stand, in the caller's writing transaction, and writes down each change. `version` is the
/// schema version of the program: an older program is refused afterwards.
pub fn apply(conn: &mut dyn Conn, tables: &[Table], version: i64) -> Result<Applied> {
    if is_current(conn, tables, version)? {
        return Ok(Applied::default());
    }
    // Two that start at once do not both change the tables: the second one looks when the first one is done.
    conn.hold(LOCK, 0, true)?;
    if is_current(conn, tables, version)? {
        return Ok(Applied::default());
    }
    let dialect = conn.dialect();
    if let Some(sql) = ddl::prelude(dialect) {
        conn.batch(&sql)?;
    }
    for own in own_tables() {
        if !exists(conn, &own.name)? {
            conn.batch(&ddl::create_table(dialect, &own, &|_| true))?;
            ddl::triggers(dialect, &own).iter().try_for_each(|(_, sql)| conn.batch(sql))?;
        }
    }
    let changes = plan(conn, tables)?;
    let refused: Vec<&str> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Unsafe { what } => Some(what.as_str()),
            Change::Safe { .. } => None,
        })
        .collect();
    if !refused.is_empty() {
        return Err(Error::sql(format!("the tables cannot be changed safely: {}", refused.join("; "))));
    }
    let mut applied = Applied::default();
    for table in tables.iter().filter(|table| table.search) {
        let name = search_table(&table.name);
        if exists(conn, &table.name)? && !exists(conn, &name)? && has_rows(conn, &table.name)? {
            applied.search_to_fill.push(table.name.clone());
        }
    }
    let waits = short_waits(conn)?;
    let made = changes.iter().try_for_each(|change| match change {
        Change::Safe { what, sql } => conn.batch(sql).and_then(|()| record(conn, version, what, sql)),
        Change::Unsafe { .. } => Ok(()),
    });
    if made == Err(Error::Busy) {
        conn.repeat();
    }
    made?;
    if let Some(waits) = waits {
        conn.batch(&format!("SET LOCAL lock_timeout = '{waits}'"))?;
    }
    if highest_version(conn)?.is_none_or(|found| found < version) {
        record(conn, version, "version", "")?;
    }
    remember(conn, &digest(tables))?;
    applied.changes = changes;
    Ok(applied)
}

/// Makes views (name, SELECT) for reporting tools stand. Returns how many had to be made anew.
pub fn apply_views(conn: &mut dyn Conn, views: &[(String, String)]) -> Result<usize> {
    views.iter().try_for_each(|(name, _)| ddl::check_name(name))?;
    let standing = Standing::read(conn)?;
    let mut plan = Plan::new(conn.dialect(), &standing);
    for (name, select) in views {
        plan.view(name, select);
    }
    for change in &plan.changes {
        match change {
            Change::Safe { sql, .. } => conn.batch(sql)?,
            Change::Unsafe { what } => return Err(Error::sql(what)),
        }
    }
    Ok(plan.changes.len())
}

/// The changes while they are collected.
struct Plan<'a> {
    dialect: Dialect,
    standing: &'a Standing,
    changes: Vec<Change>,
    /// Tables that are made by this plan.
    made: BTreeSet<String>,
    /// References that have to wait until all tables are there: table, column, target.
    waiting: Vec<(String, String, String)>,
}

impl<'a> Plan<'a> {
    fn new(dialect: Dialect, standing: &'a Standing) -> Self {
        Plan { dialect, standing, changes: Vec::new(), made: BTreeSet::new(), waiting: Vec::new() }
    }

    /// Whether the table to which a column of `table` refers is there when the column is made. SQLite does not ask.
    fn reachable(&self, table: &Table, column: &Column) -> bool {
        let Some(target) = &column.references else { return true };
        self.dialect == Dialect::Sqlite
            || *target == table.name
            || self.made.contains(target)
            || self.standing.tables.contains_key(target)
    }

    /// Notes the references that cannot be made together with their columns.
    fn wait<'c>(&mut self, table: &Table, columns: impl Iterator<Item = &'c Column>) {
        for column in columns {
            if let Some(target) = column.references.as_ref().filter(|_| !self.reachable(table, column)) {
                self.waiting.push((table.name.clone(), column.name.clone(), target.clone()));
            }
        }
    }

    /// Makes the references that had to wait.
    fn references(&mut self) {
        for (table, column, target) in std::mem::take(&mut self.waiting) {
            self.safe(format!("add reference {table}.{column}"), ddl::add_reference(&table, &column, &target));
        }
    }

    fn safe(&mut self, what: String, sql: String) {
        self.changes.push(Change::Safe { what, sql });
    }

    fn refuse(&mut self, what: String) {
        self.changes.push(Change::Unsafe { what });
    }

    fn table(&mut self, table: &Table) {
        match self.standing.tables.get(&table.name) {
            None => {
                let sql = ddl::create_table(self.dialect, table, &|column| self.reachable(table, column));
                self.safe(format!("create table {}", table.name), sql);
                self.wait(table, table.columns.iter());
                self.made.insert(table.name.clone());
            }
            Some(found) => self.columns(table, found),
        }
        let search = search_table(&table.name);
        if table.search && self.standing.statement("table", &search).is_none() {
            self.safe(format!("create search {search}"), ddl::create_search(self.dialect, table));
        }
    }

    fn columns(&mut self, table: &Table, found: &TableInfo) {
        let name = &table.name;
        let key = ddl::primary_key(table);
        let standing_key = self.standing.keys.get(name).cloned().unwrap_or_default();
        if key != standing_key {
            self.refuse(format!("{name} has the key ({}), wanted ({})", standing_key.join(", "), key.join(", ")));
        }
        let mut fresh = BTreeSet::new();
        for column in &table.columns {
            match found.columns.iter().find(|standing| standing.name == column.name) {
                None => {
                    self.missing(table, column);
                    fresh.insert(ddl::column_check(table, column));
                }
                Some(standing) => {
                    let (has, wants) = (standing.ty.as_str(), ddl::type_name(column.ty));
                    if has != wants {
                        self.refuse(format!("{name}.{} is {has}, wanted {wants}", column.name));
                    }
                    let required = column.not_null || key.contains(&column.name);
                    if standing.not_null != required {
                        let words = if required { "may be empty, wanted required" } else { "is required" };
                        self.refuse(format!("{name}.{} {words}", column.name));
                    }
                    let target = self.standing.references.get(&(name.clone(), column.name.clone()));
                    if target != column.references.as_ref() {
                        let told = |target: Option<&String>| target.map_or("nothing", String::as_str).to_owned();
                        let (has, wants) = (told(target), told(column.references.as_ref()));
                        self.refuse(format!("{name}.{} refers to {has}, wanted {wants}", column.name));
                    }
                }
            }
        }
        for standing in &found.columns {
            if standing.not_null && !table.columns.iter().any(|column| column.name == standing.name) {
                self.refuse(format!("{name}.{} is required and not declared any more", standing.name));
            }
        }
        self.checks(table, &fresh);
    }

    fn missing(&mut self, table: &Table, column: &Column) {
        let name = format!("{}.{}", table.name, column.name);
        let has_default = column.default.as_ref().is_some_and(|value| !value.is_null());
        if column.not_null && !has_default {
            self.refuse(format!("{name} is missing, and required without a default"));
        } else if column.references.is_some() && has_default {
            self.refuse(format!("{name} is missing, and refers to a table with a default"));
        } else {
            let sql = ddl::add_column(self.dialect, table, column, self.reachable(table, column));
            self.safe(format!("add column {name}"), sql);
            self.wait(table, std::iter::once(column));
        }
    }

    /// Conditions cannot be added to a standing table; those of new columns (`fresh`) come with them.
    fn checks(&mut self, table: &Table, fresh: &BTreeSet<String>) {
        let mut standing = self.standing.checks(&table.name);
        for (name, text) in ddl::checks(table) {
            let before = standing.remove(&name);
            let same = before.as_deref() == Some(text.as_str());
            if !fresh.contains(&name) && !same {
                let words = if before.is_some() { "has another condition" } else { "is a new condition" };
                self.refuse(format!("{name} {words} on the standing table {}", table.name));
            }
        }
        for name in standing.into_keys() {
            self.refuse(format!("the condition {name} of {} is not declared any more", table.name));
        }
    }

    fn indexes(&mut self, table: &Table) {
        for index in &table.indexes {
            let sql = ddl::create_index(table, index);
            let make = ddl::told(self.dialect, &format!("INDEX {}", quoted(&index.name)), &sql);
            match self.standing.statement("index", &index.name) {
                None => self.safe(format!("create index {}", index.name), make),
                Some(standing) if standing == sql => {}
                Some(_) => {
                    let drop = format!("DROP INDEX {}", quoted(&index.name));
                    self.safe(format!("change index {}", index.name), format!("{drop}; {make}"));
                }
            }
        }
        let Some(found) = self.standing.tables.get(&table.name) else { return };
        for standing in found.indexes.iter().filter(|index| index.unique) {
            if !table.indexes.iter().any(|index| index.name == standing.name) {
                let sql = format!("DROP INDEX {}", quoted(&standing.name));
                self.safe(format!("drop unique index {}", standing.name), sql);
            }
        }
    }

    fn triggers(&mut self, table: &Table) {
        let wanted = ddl::triggers(self.dialect, table);
        let on = format!("ON {}", quoted(&table.name));
        for (name, sql) in &wanted {
            let make = ddl::told(self.dialect, &format!("TRIGGER {} {on}", quoted(name)), sql);
            match self.standing.statement("trigger", name) {
                None => self.safe(format!("create trigger {name}"), make),
                Some(standing) if standing == sql => {}
                Some(_) => {
                    let drop = ddl::drop_trigger(self.dialect, &table.name, name);
                    self.safe(format!("change trigger {name}"), format!("{drop}; {make}"));
                }
            }
        }
        let Some(found) = self.standing.tables.get(&table.name) else { return };
        for standing in found.triggers.iter().filter(|name| ddl::is_own_trigger(&table.name, name)) {
            if !wanted.iter().any(|(name, _)| name == standing) {
                let drop = ddl::drop_trigger(self.dialect, &table.name, standing);
                self.safe(format!("drop trigger {standing}"), drop);
            }
        }
    }

    fn view(&mut self, name: &str, select: &str) {
        let sql = ddl::create_view(name, select);
        let make = ddl::told(self.dialect, &format!("VIEW {}", quoted(name)), &sql);
        match self.standing.statement("view", name) {
            None if self.standing.tables.contains_key(name) => self.refuse(format!("{name} is a table, wanted a view")),
            None => self.safe(format!("create view {name}"), make),
            Some(standing) if standing == sql => {}
            Some(_) => self.safe(format!("change view {name}"), format!("DROP VIEW {}; {make}", quoted(name))),
        }
    }
}

fn view_name(table: &Table) -> String {
    format!("v_{}", table.name)
}

fn own_tables() -> [Table; 2] {
    let int = |name: &str| Column::new(name, ColumnType::Int).required();
    let text = |name: &str| Column::new(name, ColumnType::Text).required();
    let migrations = vec![int("id"), text("at"), int("version"), text("change"), text("sql")];
    let schemas =
        Table { primary_key: vec!["digest".to_owned()], ..Table::new(SCHEMAS, vec![text("digest"), int("stand")]) };
    [Table { append_only: true, ..Table::new(MIGRATIONS, migrations) }, schemas]
}

/// Whoever waits for a table makes all wait who come after him. So the wait for it is short here, and repeated. Answers what
/// it was before.
fn short_waits(conn: &mut dyn Conn) -> Result<Option<String>> {
    if conn.dialect() == Dialect::Sqlite {
        return Ok(None);
    }
    let before = conn.text("SELECT current_setting('lock_timeout')", &[])?;
    conn.batch("SET LOCAL lock_timeout = '200ms'")?;
    Ok(before)
}

fn has_rows(conn: &mut dyn Conn, table: &str) -> Result<bool> {
    Ok(conn.int(&format!("SELECT 1 FROM {} LIMIT 1", quoted(table)), &[])?.is_some())
}

fn highest_version(conn: &mut dyn Conn) -> Result<Option<i64>> {
    if !exists(conn, MIGRATIONS)? {
        return Ok(None);
    }
    conn.int("SELECT max(version) FROM sys_migration", &[])
}

fn record(conn: &mut dyn Conn, version: i64, what: &str, sql: &str) -> Result<()> {
    let now = match conn.dialect() {
        Dialect::Sqlite => "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
        Dialect::Postgres => "to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
    };
    let statement = format!("INSERT INTO sys_migration (at, version, change, sql) VALUES ({now}, ?, ?, ?)");
    conn.execute(&statement, &[version.into(), what.into(), sql.into()]).map(|_| ())
}

fn is_known(conn: &mut dyn Conn, digest: &str) -> Result<bool> {
    if !exists(conn, SCHEMAS)? {
        return Ok(false);
    }
    let stand = stand(conn)?;
    let sql = "SELECT 1 FROM sys_schema WHERE digest = ? AND stand = ?";
    Ok(conn.int(sql, &[digest.into(), stand.into()])?.is_some())
}

fn remember(conn: &mut dyn Conn, digest: &str) -> Result<()> {
    let stand = stand(conn)?;
    conn.execute("DELETE FROM sys_schema WHERE stand <> ? OR digest = ?", &[stand.into(), digest.into()])?;
    conn.execute("INSERT INTO sys_schema (digest, stand) VALUES (?, ?)", &[digest.into(), stand.into()])?;
    Ok(())
}

/// A digest of what is declared (FNV-1a, 128 bits): no secret, only to see quickly that nothing has changed.
fn digest(tables: &[Table]) -> String {
    let mut hash = Fnv(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
    (GENERATION, tables).hash(&mut hash);
    format!("{:032x}", hash.0)
}

struct Fnv(u128);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0 as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
}
