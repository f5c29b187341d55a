//! CSV as people have it: delimiter guessed, quotation marks doubled, lines that end in any way.

use crate::{Cell, Each, Error, Kind, Limits, encoding};

const DELIMITERS: [char; 3] = [';', ',', '\t'];
/// Lines from which the delimiter is guessed.
const LOOKED_AT: usize = 20;

pub(crate) fn read(content: &[u8], limits: Limits, each: &mut Each<'_>) -> Result<Kind, Error> {
    let (text, encoding) = encoding::decode(content)?;
    let (text, named) = announced(&text);
    let delimiter = named.unwrap_or_else(|| guess(text));
    let kind = Kind::Csv { delimiter, encoding };
    rows(text, delimiter, limits, u64::from(named.is_some()), each)?;
    Ok(kind)
}

/// `sep=;` in the first line says what the delimiter is.
fn announced(text: &str) -> (&str, Option<char>) {
    let Some(rest) = text.strip_prefix("sep=") else { return (text, None) };
    let mut chars = rest.chars();
    match chars.next() {
        Some(delimiter) if DELIMITERS.contains(&delimiter) => {
            let rest = chars.as_str();
            match rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')) {
                Some(rest) => (rest, Some(delimiter)),
                None => (text, None),
            }
        }
        _ => (text, None),
    }
}

/// The delimiter that cuts most of the first lines into as many cells as the first one.
fn guess(text: &str) -> char {
    let mut lines: Vec<[usize; 3]> = vec![[0; 3]];
    let (mut quoted, mut content) = (false, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '\n' if !quoted => {
                if content {
                    if lines.len() == LOOKED_AT {
                        break;
                    }
                    lines.push([0; 3]);
                }
                content = false;
            }
            _ if !quoted => {
                if let (Some(at), Some(line)) = (DELIMITERS.iter().position(|d| *d == c), lines.last_mut()) {
                    line[at] += 1;
                }
                content |= !c.is_whitespace();
            }
            _ => {}
        }
    }
    if !content && lines.len() > 1 {
        lines.pop();
    }
    let mut best = (',', 0);
    for (at, delimiter) in DELIMITERS.into_iter().enumerate() {
        let first = lines[0][at];
        let alike = lines.iter().filter(|line| line[at] == first).count();
        // As many alike lines count most, then how many cells they have.
        let score = if first == 0 { 0 } else { alike * 1_000 + first.min(999) };
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

struct Rows<'e, 'f> {
    limits: Limits,
    row: Vec<Cell>,
    line: u64,
    count: u64,
    each: &'e mut Each<'f>,
}

impl Rows<'_, '_> {
    fn cell(&mut self, text: String) -> Result<(), Error> {
        if self.row.len() == self.limits.columns {
            // Delimiters at the end of a line, as spreadsheets write them, are no columns.
            if text.trim().is_empty() {
                return Ok(());
            }
            return Err(Error::TooManyColumns { line: self.line, max: self.limits.columns });
        }
        if text.len() > self.limits.cell {
            let (line, column) = (self.line, self.row.len() + 1);
            return Err(Error::CellTooLong { line, column, max: self.limits.cell });
        }
        self.row.push(if text.is_empty() { Cell::Empty } else { Cell::Text(text) });
        Ok(())
    }

    /// Hands a row over; whether to go on.
    fn end(&mut self) -> Result<bool, Error> {
        let row = std::mem::take(&mut self.row);
        self.count += 1;
        if self.count > self.limits.rows {
            return Err(Error::TooManyRows { max: self.limits.rows });
        }
        Ok(row.iter().all(Cell::is_empty) || (self.each)(self.line, &row))
    }
}

fn rows(text: &str, delimiter: char, limits: Limits, before: u64, each: &mut Each<'_>) -> Result<(), Error> {
    let mut rows = Rows { limits, row: Vec::new(), line: before + 1, count: 0, each };
    let mut now = before + 1;
    let mut rest = text;
    while !rest.is_empty() {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(inside) => quoted(inside, delimiter, &limits, &mut now)?,
            None => {
                let end = rest.find([delimiter, '\n', '\r']).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        rows.cell(cell)?;
        if let Some(next) = after.strip_prefix(delimiter) {
            if next.is_empty() {
                rows.cell(String::new())?;
            }
            rest = next;
            if !rest.is_empty() {
                continue;
            }
        } else {
            rest = after.strip_prefix("\r\n").or_else(|| after.strip_prefix(['\n', '\r'])).unwrap_or(after);
        }
        now += 1;
        if !rows.end()? {
            return Ok(());
        }
        rows.line = now;
    }
    Ok(())
}

/// The rest of a quoted cell: its text, and what comes after it. What stands between the closing mark and the delimiter
/// belongs to it.
fn quoted<'t>(inside: &'t str, delimiter: char, limits: &Limits, now: &mut u64) -> Result<(String, &'t str), Error> {
    let began = *now;
    let mut text = String::new();
    let mut rest = inside;
    loop {
        let Some(at) = rest.find('"') else { return Err(Error::OpenQuote { line: began }) };
        text.push_str(&rest[..at]);
        *now += rest[..at].bytes().filter(|b| *b == b'\n').count() as u64;
        if text.len() > limits.cell {
            return Err(Error::CellTooLong { line: began, column: 1, max: limits.cell });
        }
        rest = &rest[at + 1..];
        if let Some(more) = rest.strip_prefix('"') {
            text.push('"');
            rest = more;
            continue;
        }
        let end = rest.find([delimiter, '\n', '\r']).unwrap_or(rest.len());
        text.push_str(&rest[..end]);
        return Ok((text, &rest[end..]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(u64, Vec<String>)> {
        let mut out = Vec::new();
        read(text.as_bytes(), Limits::default(), &mut |line, row| {
            out.push((line, row.iter().map(ToString::to_string).collect()));
            true
        })
        .expect("it is read");
        out
    }

    #[test]
    fn the_delimiter_is_guessed_past_quotes_and_decimal_commas() {
        assert_eq!(guess("a;b;c\n1,5;2,5;3,5\n"), ';');
        assert_eq!(guess("a,b\n\"x;y;z\",2\n"), ',');
        assert_eq!(guess("a\tb\n1\t2"), '\t');
        assert_eq!(guess("name\nAda\n"), ',');
        assert_eq!(told("sep=;\na,b;c\n"), [(2, vec!["a,b".to_owned(), "c".to_owned()])]);
    }

    #[test]
    fn lines_are_counted_through_quoted_breaks_and_empty_rows() {
        let rows = told("a;b\r\n\r\n\"x\ny \"\"z\"\"\";2\r\n;\r\n3;");
        let texts = |cells: &[&str]| cells.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        assert_eq!(rows, [(1, texts(&["a", "b"])), (3, texts(&["x\ny \"z\"", "2"])), (6, texts(&["3", ""]))]);
    }

    #[test]
    fn a_mark_that_is_never_closed_is_named() {
        let mut seen = 0;
        let error = read(b"a;b\n1;\"x\n2;y\n", Limits::default(), &mut |_, _| {
            seen += 1;
            true
        });
        assert_eq!((error, seen), (Err(Error::OpenQuote { line: 2 }), 1));
    }
}
