//! The tables as SQLite has them.

use std::collections::BTreeMap;

use super::session::Session;
use crate::{ColumnInfo, Conn, IndexInfo, Result, TableInfo, Value, quoted};

fn text(row: &[Value], index: usize) -> String {
    row.get(index).and_then(Value::as_text).unwrap_or_default().to_owned()
}

fn flag(row: &[Value], index: usize) -> bool {
    row.get(index).and_then(Value::as_int).unwrap_or_default() != 0
}

/// All ordinary tables; the parts of full text indexes and SQLite's own tables are left out.
pub(super) fn tables(session: &mut Session) -> Result<Vec<TableInfo>> {
    let mut tables: BTreeMap<String, TableInfo> = BTreeMap::new();
    session.query(
        "SELECT t.name, c.name, upper(c.type), c.\"notnull\" OR c.pk > 0 FROM pragma_table_list t
         JOIN pragma_table_xinfo(t.name) c
         WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         ORDER BY t.name, c.cid",
        &[],
        &mut |row| {
            let table =
                tables.entry(text(row, 0)).or_insert_with(|| TableInfo { name: text(row, 0), ..<_>::default() });
            table.columns.push(ColumnInfo { name: text(row, 1), ty: text(row, 2), not_null: flag(row, 3) });
            Ok(true)
        },
    )?;
    session.query(
        "SELECT m.tbl_name, i.name, i.\"unique\", c.name FROM sqlite_schema m
         JOIN pragma_index_list(m.tbl_name) i ON i.name = m.name JOIN pragma_index_info(i.name) c
         WHERE m.type = 'index' AND i.origin = 'c' ORDER BY m.tbl_name, i.name, c.seqno",
        &[],
        &mut |row| {
            if let Some(table) = tables.get_mut(&text(row, 0)) {
                let name = text(row, 1);
                match table.indexes.last_mut().filter(|index| index.name == name) {
                    Some(index) => index.columns.push(text(row, 3)),
                    None => {
                        table.indexes.push(IndexInfo { name, columns: vec![text(row, 3)], unique: flag(row, 2) });
                    }
                }
            }
            Ok(true)
        },
    )?;
    session.query(
        "SELECT tbl_name, name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name",
        &[],
        &mut |row| {
            if let Some(table) = tables.get_mut(&text(row, 0)) {
                table.triggers.push(text(row, 1));
            }
            Ok(true)
        },
    )?;
    Ok(tables.into_values().collect())
}

/// What SQLite's own checks tell, at most twenty of each kind.
pub(super) fn integrity(session: &mut Session, full: bool) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    // SQLite keeps the plan of a full text index from query to query; only a query looks whether it is old, the check does not,
    // and would call an index damaged whose parts were merged since (seen with 3.54).
    let mut indexes = Vec::new();
    session.query(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%'",
        &[],
        &mut |row| {
            indexes.push(quoted(&text(row, 0)));
            Ok(true)
        },
    )?;
    for index in indexes {
        session.query(&format!("SELECT rowid FROM {index} WHERE {index} MATCH '\"\"'"), &[], &mut |_| Ok(true))?;
    }
    let pragma = if full { "PRAGMA integrity_check(20)" } else { "PRAGMA quick_check(20)" };
    session.query(pragma, &[], &mut |row| {
        let told = text(row, 0);
        if told != "ok" {
            wrong.push(told);
        }
        Ok(true)
    })?;
    let mut references = 0;
    session.query("PRAGMA foreign_key_check", &[], &mut |row| {
        references += 1;
        let id = row.get(1).and_then(Value::as_int).unwrap_or_default();
        wrong.push(format!("{} {id} refers to nothing in {}", text(row, 0), text(row, 2)));
        Ok(references < 20)
    })?;
    Ok(wrong)
}
