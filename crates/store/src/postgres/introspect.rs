//! The tables as PostgreSQL has them.

use std::collections::BTreeMap;

use super::session::Session;
use crate::{ColumnInfo, Conn, IndexInfo, Result, TableInfo, Value, quoted};

fn text(row: &[Value], index: usize) -> String {
    row.get(index).and_then(Value::as_text).unwrap_or_default().to_owned()
}

fn flag(row: &[Value], index: usize) -> bool {
    row.get(index).and_then(Value::as_int).unwrap_or_default() != 0
}

/// The name of a type as both databases tell it.
fn type_name(ty: &str) -> String {
    match ty {
        "bigint" => "INTEGER".to_owned(),
        "bytea" => "BLOB".to_owned(),
        other => other.to_uppercase(),
    }
}

/// All ordinary tables of the schema; the full text indexes, which are tables here, are left out.
pub(super) fn tables(session: &mut Session) -> Result<Vec<TableInfo>> {
    let mut tables: BTreeMap<String, TableInfo> = BTreeMap::new();
    session.query(
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0
         AND NOT a.attisdropped AND obj_description(c.oid, 'pg_class') IS DISTINCT FROM 'celek search'
         ORDER BY c.relname, a.attnum",
        &[],
        &mut |row| {
            let table =
                tables.entry(text(row, 0)).or_insert_with(|| TableInfo { name: text(row, 0), ..<_>::default() });
            let column = ColumnInfo { name: text(row, 1), ty: type_name(&text(row, 2)), not_null: flag(row, 3) };
            table.columns.push(column);
            Ok(true)
        },
    )?;
    session.query(
        "SELECT c.relname, i.relname, x.indisunique, coalesce(a.attname, '')
         FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
         CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k (attnum, place)
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0
         WHERE c.relnamespace = current_schema()::regnamespace AND NOT x.indisprimary
         ORDER BY c.relname, i.relname, k.place",
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
        "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal ORDER BY t.tgname",
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

/// What the server would not keep: indexes that are not valid, conditions and triggers that are switched off. In `full` each
/// reference is followed once more, since a restore may have put rows in past them.
pub(super) fn integrity(session: &mut Session, full: bool) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    session.query(
        "SELECT 'the index ' || c.relname || ' is not valid' FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
         WHERE c.relnamespace = current_schema()::regnamespace AND NOT (x.indisvalid AND x.indisready)
         UNION ALL
         SELECT 'the condition ' || conname || ' is not validated' FROM pg_constraint
         WHERE connamespace = current_schema()::regnamespace AND NOT convalidated
         UNION ALL
         SELECT 'the trigger ' || t.tgname || ' on ' || c.relname || ' is switched off' FROM pg_trigger t
         JOIN pg_class c ON c.oid = t.tgrelid
         WHERE c.relnamespace = current_schema()::regnamespace AND t.tgenabled NOT IN ('O', 'A')",
        &[],
        &mut |row| {
            wrong.push(text(row, 0));
            Ok(true)
        },
    )?;
    if !full {
        return Ok(wrong);
    }
    let mut references = Vec::new();
    session.query(
        "SELECT c.relname, a.attname, f.relname FROM pg_constraint x
         JOIN pg_class c ON c.oid = x.conrelid JOIN pg_class f ON f.oid = x.confrelid
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.conkey[1]
         WHERE c.relnamespace = current_schema()::regnamespace AND x.contype = 'f'",
        &[],
        &mut |row| {
            references.push((text(row, 0), text(row, 1), text(row, 2)));
            Ok(true)
        },
    )?;
    for (table, column, target) in references {
        let sql = format!(
            "SELECT t.\"id\" FROM {} t LEFT JOIN {} f ON f.\"id\" = t.{column} \
             WHERE t.{column} IS NOT NULL AND f.\"id\" IS NULL LIMIT 20",
            quoted(&table),
            quoted(&target),
            column = quoted(&column)
        );
        session.query(&sql, &[], &mut |row| {
            let id = row.first().and_then(Value::as_int).unwrap_or_default();
            wrong.push(format!("{table} {id} refers to nothing in {target}"));
            Ok(true)
        })?;
    }
    Ok(wrong)
}
