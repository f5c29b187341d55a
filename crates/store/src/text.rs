//! Looks at the text of statements: places of parameters, where one statement ends, with which words each begins.

use crate::{Error, Result};

/// A text as PostgreSQL wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// The text with `$1`, `$2` … for the parameters.
    pub sql: String,
    /// How many parameters it has.
    pub params: usize,
    /// The first two words of each statement in it, in upper case.
    pub begins: Vec<(String, String)>,
}

impl Scanned {
    /// Whether one of the statements would open or close a transaction or a savepoint.
    pub fn controls(&self) -> bool {
        const WORDS: [&str; 9] =
            ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE"];
        self.begins.iter().any(|(first, _)| WORDS.contains(&first.as_str()))
    }

    /// Whether the text is nothing but a plain ROLLBACK.
    pub fn is_rollback(&self) -> bool {
        matches!(self.begins.as_slice(), [(first, second)] if first == "ROLLBACK" && second.is_empty())
    }
}

/// Reads a text: parameters are written `?` (counted) or `$n` (as the builder writes them), not both.
pub(crate) fn scan(text: &str) -> Result<Scanned> {
    let mut out = String::with_capacity(text.len() + 16);
    let (mut counted, mut numbered) = (0usize, 0usize);
    let mut begins: Vec<(String, String)> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = opaque(rest).unwrap_or(0);
        if length > 0 {
            let comment = rest.starts_with("--") || rest.starts_with("/*");
            if !comment && words.len() < 2 {
                words.push(rest[..length].to_owned());
            }
            out.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        if letter.is_alphanumeric() || letter == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            if words.len() < 2 {
                words.push(rest[..end].to_uppercase());
            }
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        match letter {
            '?' => {
                counted += 1;
                out.push('$');
                out.push_str(&counted.to_string());
            }
            '$' => {
                let digits: String = rest[1..].chars().take_while(char::is_ascii_digit).collect();
                numbered = numbered.max(digits.parse().unwrap_or(0));
                out.push('$');
            }
            ';' => {
                close(&mut begins, &mut words);
                out.push(';');
            }
            _ => out.push(letter),
        }
        rest = &rest[letter.len_utf8()..];
    }
    close(&mut begins, &mut words);
    if counted > 0 && numbered > 0 {
        return Err(Error::sql("parameters are written ? or $1, not both"));
    }
    Ok(Scanned { sql: out, params: counted.max(numbered), begins })
}

fn close(begins: &mut Vec<(String, String)>, words: &mut Vec<String>) {
    if !words.is_empty() {
        let mut found = words.drain(..);
        begins.push((found.next().unwrap_or_default(), found.next().unwrap_or_default()));
    }
}

/// The length of a text, name, or comment at the beginning in which nothing has a meaning.
fn opaque(rest: &str) -> Option<usize> {
    let ends = |end: usize| Some(end);
    if rest.starts_with("--") {
        return ends(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return ends(comment(rest));
    }
    for quote in ['\'', '"'] {
        if rest.starts_with(quote) {
            // A doubled quote ends one part and begins the next: nothing needs to be known of it.
            return ends(rest[1..].find(quote).map_or(rest.len(), |at| at + 2));
        }
    }
    let after = rest.strip_prefix('$')?;
    let tag = after.find('$').filter(|end| {
        let name = &after[..*end];
        !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    })?;
    let fence = &rest[..tag + 2];
    ends(rest[fence.len()..].find(fence).map_or(rest.len(), |at| at + 2 * fence.len()))
}

/// The length of a comment, which may hold further comments.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0usize);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (String, usize) {
        let scanned = scan(text).expect("a text");
        (scanned.sql, scanned.params)
    }

    #[test]
    fn parameters_are_numbered_outside_of_texts() {
        assert_eq!(told("a = ? AND b = ?"), ("a = $1 AND b = $2".to_owned(), 2));
        assert_eq!(told("'?' \"?\" /* ? /* ? */ */ -- ?\n ?"), ("'?' \"?\" /* ? /* ? */ */ -- ?\n $1".to_owned(), 1));
        assert_eq!(told("'it''s ?' ?"), ("'it''s ?' $1".to_owned(), 1));
        assert_eq!(told("$$ ? $$ $x$ ? $$ $x$ ?"), ("$$ ? $$ $x$ ? $$ $x$ $1".to_owned(), 1));
        assert_eq!(told("a = $2 AND b = $1"), ("a = $2 AND b = $1".to_owned(), 2));
        assert_eq!(told("'ž ? not closed"), ("'ž ? not closed".to_owned(), 0));
        assert!(scan("? $1").is_err());
    }

    #[test]
    fn transactions_are_seen_whatever_stands_before_them() {
        for text in ["COMMIT", "/* */ commit", "-- x\nEnd", "SELECT 1; rollback to s1", ";;BEGIN", "start transaction"]
        {
            assert!(scan(text).expect("a text").controls(), "{text}");
        }
        for text in ["SELECT 'COMMIT'", "SELECT 1 -- ; COMMIT", "\"commit\"", "$$ ; COMMIT $$", "UPDATE x SET a = 1"] {
            assert!(!scan(text).expect("a text").controls(), "{text}");
        }
        assert!(scan(" ROLLBACK ;").expect("a text").is_rollback());
        assert!(!scan("ROLLBACK TO s1").expect("a text").is_rollback());
    }
}
