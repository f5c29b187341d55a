//! The symbols of Czech and Slovak payments in the texts of a bank.

/// The variable, specific and constant symbol of a payment: at most ten digits each (four of the constant symbol in use),
/// by which Czech and Slovak firms match payments. Without zeros in front; `None` where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Symbols {
    /// Variable symbol: as a rule the number of the invoice.
    pub variable: Option<String>,
    /// Specific symbol.
    pub specific: Option<String>,
    /// Constant symbol; kept with its zeros, as they are part of it (`0308`).
    pub constant: Option<String>,
}

impl Symbols {
    /// Takes the symbols that are still missing from a text with marks: `/VS/123/SS/4/KS/0308`, `/VS123`, `VS:123`, `vs 123`
    /// (the rules of the Czech Banking Association for EndToEndId and the remittance text).
    pub(crate) fn look_into(&mut self, text: &str) {
        if self.variable.is_none() {
            self.variable = marked(text, "VS").and_then(trimmed);
        }
        if self.specific.is_none() {
            self.specific = marked(text, "SS").and_then(trimmed);
        }
        if self.constant.is_none() {
            self.constant = marked(text, "KS").map(str::to_owned);
        }
    }

    /// Takes a reference that is a bare number of at most ten digits as the variable symbol.
    pub(crate) fn take_bare(&mut self, reference: &str) {
        if self.variable.is_none() && (1..=10).contains(&reference.len()) && all_digits(reference) {
            self.variable = trimmed(reference);
        }
    }

    pub(crate) fn is_marked(text: &str) -> bool {
        ["VS", "SS", "KS"].into_iter().any(|mark| marked(text, mark).is_some())
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn trimmed(digits: &str) -> Option<String> {
    let digits = digits.trim_start_matches('0');
    (!digits.is_empty()).then(|| digits.to_owned())
}

/// The one to ten digits after a mark that begins a word; a mark with more digits is none.
fn marked<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let bytes = text.as_bytes();
    for (at, window) in bytes.windows(mark.len()).enumerate() {
        let begins = at == 0 || bytes.get(at - 1).is_some_and(|byte| !byte.is_ascii_alphanumeric() && byte.is_ascii());
        if !begins || !window.eq_ignore_ascii_case(mark.as_bytes()) {
            continue;
        }
        let rest = text.get(at + mark.len()..)?;
        let rest = rest.trim_start_matches([':', '/', '.', '=', ' ']);
        let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        if (1..=10).contains(&end) {
            return rest.get(..end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> [Option<String>; 3] {
        let mut symbols = Symbols::default();
        symbols.look_into(text);
        [symbols.variable, symbols.specific, symbols.constant]
    }

    #[test]
    fn marks() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of("/VS/0012026/SS/4/KS/0308"), [some("12026"), some("4"), some("0308")]);
        assert_eq!(of("/VS2026001/SS/KS0308"), [some("2026001"), None, some("0308")]);
        assert_eq!(of("Platba VS: 123, ks=0008"), [some("123"), None, some("0008")]);
        assert_eq!(of("EVS 123 VSX1 VS 12345678901"), [None, None, None]);
        assert_eq!(of("žVS1"), [None, None, None]);
        assert_eq!(of("VS:0000000000"), [None, None, None]);
        assert_eq!(of("VS"), [None, None, None]);
        let mut symbols = Symbols::default();
        symbols.take_bare("302388292000011111111111111");
        symbols.take_bare("");
        assert_eq!(symbols.variable, None);
        symbols.take_bare("0000000115");
        assert_eq!(symbols.variable.as_deref(), Some("115"));
    }
}
