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
        Dialect::Postgres => format!(
            "{id_column_sql} IN (SELECT \"id\" FROM {index} WHERE \"words\" @@ CAST(CAST(? AS text) AS tsquery))"
        ),
    }
}

/// The index of words of a table by itself: its name, its id, and the condition with one `?` for [`search_match`].
pub fn search_parts(dialect: Dialect, table: &str) -> (String, &'static str, String) {
    let name = search_table(table);
    match dialect {
        Dialect::Sqlite => (name.clone(), "rowid", format!("{} MATCH ?", quoted(&name))),
        Dialect::Postgres => (name, "\"id\"", "\"words\" @@ CAST(CAST(? AS text) AS tsquery)".to_owned()),
    }
}

/// The parameter of [`search_condition`]: rows that have, for every word, a token that begins with it.
/// Words are data: whatever stands in them, they never act as operators. Without any usable word nothing matches.
pub fn search_match(dialect: Dialect, words: &[String]) -> Value {
    let words = words.iter().filter(|word| word.chars().any(char::is_alphanumeric));
    Value::Text(match dialect {
        Dialect::Sqlite => phrases(words),
        Dialect::Postgres => query(words),
    })
}

fn phrases<'a>(words: impl Iterator<Item = &'a String>) -> String {
    let mut query = String::new();
    for word in words {
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
    query
}

/// The longest token that PostgreSQL takes, in bytes; of longer ones the beginning counts.
const LONGEST: usize = 2_000;
/// All tokens of one row, in bytes: PostgreSQL takes a megabyte.
const MOST: usize = 800_000;

/// The parts of a word that the index knows: both databases divide at everything that is no letter and no digit.
fn tokens(word: &str) -> impl Iterator<Item = String> {
    let word: String = word.chars().filter(|letter| *letter != '\0').collect();
    let parts: Vec<String> = word
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(|part| {
            let mut end = part.len().min(LONGEST);
            while !part.is_char_boundary(end) {
                end -= 1;
            }
            part[..end].to_lowercase()
        })
        .collect();
    parts.into_iter()
}

/// Words as a `tsquery`: the parts of one word stand one after the other, the last one may be only begun.
fn query<'a>(words: impl Iterator<Item = &'a String>) -> String {
    let phrases = words.map(|word| {
        let parts: Vec<String> = tokens(word).map(|part| format!("'{part}'")).collect();
        format!("({}:*)", parts.join(" <-> "))
    });
    phrases.collect::<Vec<_>>().join(" & ")
}

/// Words as a `tsvector` with their places.
pub(crate) fn vector(words: &str) -> String {
    let mut text = String::new();
    for (at, token) in words.split_whitespace().flat_map(tokens).enumerate() {
        if text.len() + token.len() > MOST {
            break;
        }
        // Places beyond this are not told apart by PostgreSQL either.
        text.push_str(&format!("'{token}':{} ", (at + 1).min(16_383)));
    }
    text
}
