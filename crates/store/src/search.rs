//! The full text part of a query.

use crate::{Dialect, Value};

/// Writes an identifier in quotes, so that no name can become SQL.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name of the full text index of a table.
pub(crate) fn search_table(table: &str) -> String {
    format!("{table}_fts")
}

/// The condition that a row of `table` has all searched words. It has one `?`, for the value of [`search_match`].
pub fn search_condition(dialect: Dialect, table: &str, id_column_sql: &str) -> String {
    let index = quoted(&search_table(table));
    match dialect {
        Dialect::Sqlite => format!("{id_column_sql} IN (SELECT rowid FROM {index} WHERE {index} MATCH ?)"),
        Dialect::Postgres => {
            format!("{id_column_sql} IN (SELECT \"id\" FROM {index} WHERE \"words\" @@ to_tsquery('simple', ?))")
        }
    }
}

/// The parameter of [`search_condition`] on SQLite: rows that have, for every word, a token that begins with it.
/// Words are data: whatever stands in them, they never act as operators. Without any usable word nothing matches.
pub fn search_match(words: &[String]) -> Value {
    let mut query = String::new();
    for word in words.iter().filter(|word| word.chars().any(char::is_alphanumeric)) {
        if !query.is_empty() {
            query.push(' ');
        }
        query.push('"');
        for letter in word.chars().filter(|letter| *letter != '\0') {
            if letter == '"' {
                query.push('"');
            }
            query.push(letter);
        }
        query.push_str("\"*");
    }
    if query.is_empty() {
        query.push_str("\"\"");
    }
    Value::Text(query)
}
