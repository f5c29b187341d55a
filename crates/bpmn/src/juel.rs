//! The simple forms of JUEL (`${a == b}`, `kermit_${x}`) as FEEL; all others are refused.

/// True where the text has a JUEL expression in it.
pub(crate) fn is_juel(text: &str) -> bool {
    text.contains("${") || text.contains("#{")
}

/// The FEEL text of a JUEL text. Literal parts around expressions are joined as texts.
///
/// # Errors
/// What was not understood.
pub(crate) fn to_feel(text: &str) -> Result<String, String> {
    let text = text.trim();
    let mut parts: Vec<(bool, String)> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${").into_iter().chain(rest.find("#{")).min() {
        if start > 0 {
            parts.push((false, quoted(&rest[..start])));
        }
        let end = end_of(&rest[start + 2..]).ok_or_else(|| "an expression is not closed".to_owned())?;
        let mut reader = Reader { text: &rest[start + 2..start + 2 + end], depth: 0 };
        let feel = reader.ternary()?;
        if !reader.peek().is_empty() {
            return Err(format!("'{}' is not understood", reader.peek()));
        }
        parts.push((true, feel));
        rest = &rest[start + 3 + end..];
    }
    if !rest.is_empty() {
        parts.push((false, quoted(rest)));
    }
    match parts.as_slice() {
        [(_, one)] => Ok(one.clone()),
        _ => {
            let texts = parts.iter().map(|(feel, part)| if *feel { format!("string({part})") } else { part.clone() });
            Ok(texts.collect::<Vec<_>>().join(" + "))
        }
    }
}

/// Where the closing bracket is, outside of texts.
fn end_of(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '}') => return Some(at),
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), c) if c == q => quote = None,
            _ => {}
        }
    }
    None
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

struct Reader<'a> {
    text: &'a str,
    depth: usize,
}

/// Deepest nesting of brackets.
const MAX_DEPTH: usize = 30;

impl<'a> Reader<'a> {
    fn peek(&mut self) -> &'a str {
        self.text = self.text.trim_start();
        self.text
    }

    fn take(&mut self, token: &str) -> bool {
        let word = token.ends_with(|c: char| c.is_alphanumeric());
        match self.peek().strip_prefix(token) {
            Some(rest) if !word || !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
                self.text = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self, tokens: &[(&str, &'static str)]) -> Option<&'static str> {
        tokens.iter().find(|(token, _)| self.take(token)).map(|(_, feel)| *feel)
    }

    fn ternary(&mut self) -> Result<String, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("nested too deep".to_owned());
        }
        let condition = self.or()?;
        let result = if self.take("?") {
            let yes = self.ternary()?;
            if !self.take(":") {
                return Err("':' is missing".to_owned());
            }
            let no = self.ternary()?;
            format!("(if {condition} then {yes} else {no})")
        } else {
            condition
        };
        self.depth -= 1;
        Ok(result)
    }

    fn or(&mut self) -> Result<String, String> {
        let mut left = self.and()?;
        while self.any(&[("||", "or"), ("or", "or")]).is_some() {
            left = format!("{left} or {}", self.and()?);
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<String, String> {
        let mut left = self.equality()?;
        while self.any(&[("&&", "and"), ("and", "and")]).is_some() {
            left = format!("{left} and {}", self.equality()?);
        }
        Ok(left)
    }

    fn equality(&mut self) -> Result<String, String> {
        let left = self.relation()?;
        let Some(operator) = self.any(&[("==", "="), ("eq", "="), ("!=", "!="), ("ne", "!=")]) else {
            return Ok(left);
        };
        let right = self.relation()?;
        // Where one side is a text, JUEL compares as texts.
        let text = |side: &str| side.starts_with('"') && side.ends_with('"');
        Ok(match (text(&left), text(&right)) {
            (true, false) => format!("string({right}) {operator} {left}"),
            (false, true) => format!("string({left}) {operator} {right}"),
            _ => format!("{left} {operator} {right}"),
        })
    }

    fn relation(&mut self) -> Result<String, String> {
        let left = self.sum()?;
        let operators =
            [("<=", "<="), (">=", ">="), ("<", "<"), (">", ">"), ("le", "<="), ("ge", ">="), ("lt", "<"), ("gt", ">")];
        match self.any(&operators) {
            Some(operator) => Ok(format!("{left} {operator} {}", self.sum()?)),
            None => Ok(left),
        }
    }

    fn sum(&mut self) -> Result<String, String> {
        let mut left = self.product()?;
        while let Some(operator) = self.any(&[("+", "+"), ("-", "-")]) {
            left = format!("{left} {operator} {}", self.product()?);
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<String, String> {
        let mut left = self.unary()?;
        loop {
            if let Some(operator) = self.any(&[("*", "*"), ("/", "/"), ("div", "/")]) {
                left = format!("{left} {operator} {}", self.unary()?);
            } else if self.any(&[("%", ""), ("mod", "")]).is_some() {
                left = format!("modulo({left}, {})", self.unary()?);
            } else {
                return Ok(left);
            }
        }
    }

    fn unary(&mut self) -> Result<String, String> {
        let peek = self.peek();
        if !peek.starts_with("!=") && self.any(&[("!", ""), ("not", "")]).is_some() {
            return Ok(format!("not({})", self.unary()?));
        }
        if self.take("empty") {
            let value = self.unary()?;
            return Ok(format!("({value} = null or string({value}) = \"\" or {value} = [])"));
        }
        if self.take("-") {
            return Ok(format!("-{}", self.unary()?));
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<String, String> {
        if self.take("(") {
            let inner = self.ternary()?;
            return if self.take(")") { Ok(format!("({inner})")) } else { Err("')' is missing".to_owned()) };
        }
        let text = self.peek();
        let first = text.chars().next().ok_or_else(|| "something is missing".to_owned())?;
        if first == '\'' || first == '"' {
            let end = text[1..].find(first).ok_or_else(|| "a text is not closed".to_owned())?;
            self.text = &text[end + 2..];
            return Ok(quoted(&text[1..=end]));
        }
        if first.is_ascii_digit() {
            let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
            self.text = &text[end..];
            return Ok(text[..end].to_owned());
        }
        if !(first.is_alphabetic() || first == '_') {
            return Err(format!("'{first}' is not understood"));
        }
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len());
        self.text = &text[end..];
        if self.peek().starts_with(['(', '[']) {
            return Err(format!("'{}' calls a method or an index", &text[..end]));
        }
        Ok(text[..end].trim_end_matches('.').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::to_feel;

    #[test]
    fn simple_forms() {
        for (juel, feel) in [
            ("${input == 1}", "input = 1"),
            ("${a && !b || c}", "a and not(b) or c"),
            ("kermit_${loopCounter}", "\"kermit_\" + string(loopCounter)"),
            ("${x == 'true'}", "string(x) = \"true\""),
            ("${done/all >= 0.6 }", "done / all >= 0.6"),
            ("#{a.b lt 3 ? 'x' : \"y\"}", "(if a.b < 3 then \"x\" else \"y\")"),
        ] {
            assert_eq!(to_feel(juel).as_deref(), Ok(feel));
        }
        for refused in ["${bean.call(1)}", "${a[0]}", "${", "${}", "${a ==}", "${a b}"] {
            assert!(to_feel(refused).is_err(), "{refused}");
        }
        assert!(to_feel(&format!("${{{}1", "(".repeat(5_000))).is_err());
    }
}
