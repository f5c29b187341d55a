//! What stands in the database, so that it can be compared with what is declared.
//!
//! SQLite keeps the text of each statement; PostgreSQL keeps what it understood of it, so our text is kept beside it, as the
//! comment on the index, trigger, view or condition.

use std::collections::BTreeMap;

use crate::{Conn, Dialect, Result, TableInfo, Value};

/// What stands in the database.
pub(super) struct Standing {
    pub tables: BTreeMap<String, TableInfo>,
    pub keys: BTreeMap<String, Vec<String>>,
    /// (table, column) → the table that it refers to.
    pub references: BTreeMap<(String, String), String>,
    /// (type, name) → statement.
    statements: BTreeMap<(String, String), String>,
    /// table → condition → its text.
    checks: BTreeMap<String, BTreeMap<String, String>>,
}

impl Standing {
    pub fn read(conn: &mut dyn Conn) -> Result<Self> {
        let tables = conn.tables()?.into_iter().map(|table| (table.name.clone(), table)).collect();
        let texts = Texts::of(conn.dialect());
        let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
        conn.query(texts.keys, &[], &mut |row| {
            if let [Value::Text(table), Value::Text(column)] = row {
                keys.entry(table.clone()).or_default().push(column.clone());
            }
            Ok(true)
        })?;
        let mut references = BTreeMap::new();
        conn.query(texts.references, &[], &mut |row| {
            if let [Value::Text(table), Value::Text(column), Value::Text(target)] = row {
                references.insert((table.clone(), column.clone()), target.clone());
            }
            Ok(true)
        })?;
        let mut statements = BTreeMap::new();
        let mut checks: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        conn.query(texts.statements, &[], &mut |row| {
            if let [Value::Text(ty), Value::Text(name), Value::Text(table), Value::Text(sql)] = row {
                match ty.as_str() {
                    "check" => {
                        checks.entry(table.clone()).or_default().insert(name.clone(), sql.clone());
                    }
                    "table" => {
                        checks.entry(table.clone()).or_default().extend(conditions(sql));
                        statements.insert((ty.clone(), name.clone()), sql.clone());
                    }
                    _ => {
                        statements.insert((ty.clone(), name.clone()), sql.clone());
                    }
                }
            }
            Ok(true)
        })?;
        Ok(Standing { tables, keys, references, statements, checks })
    }

    /// The statement that made something.
    pub fn statement(&self, ty: &str, name: &str) -> Option<&str> {
        self.statements.get(&(ty.to_owned(), name.to_owned())).map(String::as_str)
    }

    /// The conditions of a table with their texts.
    pub fn checks(&self, table: &str) -> BTreeMap<String, String> {
        self.checks.get(table).cloned().unwrap_or_default()
    }
}

/// The questions to the catalogue.
struct Texts {
    keys: &'static str,
    references: &'static str,
    statements: &'static str,
}

impl Texts {
    fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Sqlite => Texts {
                keys: "SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_xinfo(t.name) c
                       WHERE t.schema = 'main' AND t.type = 'table' AND c.pk > 0 ORDER BY t.name, c.pk",
                references: "SELECT t.name, r.\"from\", r.\"table\" FROM pragma_table_list t
                             JOIN pragma_foreign_key_list(t.name) r WHERE t.schema = 'main' AND t.type = 'table'",
                statements: "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL",
            },
            Dialect::Postgres => Texts {
                keys: "SELECT c.relname, a.attname FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid
                       CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k (attnum, place)
                       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                       WHERE c.relnamespace = current_schema()::regnamespace AND x.indisprimary
                       ORDER BY c.relname, k.place",
                references: "SELECT c.relname, a.attname, f.relname FROM pg_constraint x
                             JOIN pg_class c ON c.oid = x.conrelid JOIN pg_class f ON f.oid = x.confrelid
                             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.conkey[1]
                             WHERE c.relnamespace = current_schema()::regnamespace AND x.contype = 'f'",
                statements: "SELECT 'table', relname, relname, '' FROM pg_class
                             WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
                             UNION ALL
                             SELECT CASE relkind WHEN 'i' THEN 'index' ELSE 'view' END, relname, relname,
                                    coalesce(obj_description(oid, 'pg_class'), '')
                             FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('i', 'v')
                             UNION ALL
                             SELECT 'trigger', t.tgname, c.relname, coalesce(obj_description(t.oid, 'pg_trigger'), '')
                             FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                             WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal
                             UNION ALL
                             SELECT 'check', x.conname, c.relname, coalesce(obj_description(x.oid, 'pg_constraint'), '')
                             FROM pg_constraint x JOIN pg_class c ON c.oid = x.conrelid
                             WHERE c.relnamespace = current_schema()::regnamespace AND x.contype = 'c'",
            },
        }
    }
}

/// The conditions in the statement of a table as SQLite keeps it: name and text.
fn conditions(sql: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, _) in sql.match_indices("CONSTRAINT \"") {
        let rest = &sql[at..];
        let Some((name, check)) = rest["CONSTRAINT \"".len()..].split_once("\" CHECK (") else { continue };
        let mut open = 1usize;
        let mut quote = None;
        for (end, letter) in check.char_indices() {
            match (quote, letter) {
                (None, '\'' | '"') => quote = Some(letter),
                (Some(begun), letter) if begun == letter => quote = None,
                (None, '(') => open += 1,
                (None, ')') => open -= 1,
                _ => {}
            }
            if open == 0 {
                let length = rest.len() - check.len() + end + 1;
                found.push((name.to_owned(), rest[..length].to_owned()));
                break;
            }
        }
    }
    found
}

/// Whether a table is there; full text indexes count.
pub(super) fn exists(conn: &mut dyn Conn, table: &str) -> Result<bool> {
    let sql = match conn.dialect() {
        Dialect::Sqlite => "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
        Dialect::Postgres => {
            "SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname = ?"
        }
    };
    Ok(conn.int(sql, &[table.into()])?.is_some())
}

/// A number that changes with every change of the schema, whoever makes it.
pub(super) fn stand(conn: &mut dyn Conn) -> Result<i64> {
    let sql = match conn.dialect() {
        Dialect::Sqlite => "PRAGMA schema_version",
        Dialect::Postgres => {
            "SELECT coalesce(sum(hashtextextended(what, 7)::numeric) % 1000000007, 0)::bigint FROM (
                 SELECT concat_ws(' ', 'c', c.oid, c.relname, c.relkind) AS what FROM pg_class c
                 WHERE c.relnamespace = current_schema()::regnamespace
                 UNION ALL
                 SELECT concat_ws(' ', 'a', a.attrelid, a.attnum, a.attname, a.atttypid, a.attnotnull, a.attisdropped)
                 FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0
                 UNION ALL
                 SELECT concat_ws(' ', 'x', x.oid, x.conname) FROM pg_constraint x
                 WHERE x.connamespace = current_schema()::regnamespace
                 UNION ALL
                 SELECT concat_ws(' ', 't', t.oid, t.tgname, t.tgenabled) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                 WHERE c.relnamespace = current_schema()::regnamespace
             ) AS all_of_it"
        }
    };
    Ok(conn.int(sql, &[])?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::conditions;

    #[test]
    fn conditions_end_where_their_bracket_closes() {
        let sql =
            "CREATE TABLE \"t\" (a CONSTRAINT \"t.a\" CHECK (a > (1)), b CONSTRAINT \"t.b\" CHECK (b <> ')''('), c)";
        let found = conditions(sql);
        assert_eq!(found[0], ("t.a".to_owned(), "CONSTRAINT \"t.a\" CHECK (a > (1))".to_owned()));
        assert_eq!(found[1].1, "CONSTRAINT \"t.b\" CHECK (b <> ')''(')");
    }
}
