//! The messages of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use toml::{Table, Value};

use crate::template::{Piece, pieces, render_with};
use crate::{Arg, Language};

const FORMS: [&str; 4] = ["one", "few", "many", "other"];

#[derive(Clone, Debug)]
enum Message {
    Plain(String),
    /// The forms in the order of [`FORMS`]; `other` is always there.
    Plural([Option<String>; 3], String),
}

impl Message {
    fn other(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Plural(_, text) => text,
        }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let forms = match self {
            Self::Plain(_) => &[],
            Self::Plural(forms, _) => forms.as_slice(),
        };
        forms.iter().filter_map(Option::as_deref).chain([self.other()])
    }

    fn chosen(&self, language: Language, args: &[(&str, Arg)]) -> &str {
        let Self::Plural(forms, other) = self else { return self.other() };
        let category = counter(other, args).and_then(|arg| arg.category(language)).unwrap_or("other");
        let form = FORMS.iter().position(|form| *form == category).and_then(|at| forms.get(at));
        form.and_then(Option::as_deref).unwrap_or(other)
    }

    fn placeholders(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        for text in self.texts() {
            pieces(text, |piece| {
                if let Piece::Slot(name, ..) = piece {
                    names.insert(name);
                }
            });
        }
        names
    }
}

/// The argument that chooses among the forms: the one marked `{…|plural}` in the form `other`, else `n`, else the first
/// number.
fn counter<'a>(other: &str, args: &'a [(&str, Arg)]) -> Option<&'a Arg> {
    let mut marked = None;
    pieces(other, |piece| {
        if let Piece::Slot(name, Some("plural"), _) = piece {
            marked.get_or_insert(name.to_owned());
        }
    });
    let named = |wanted: &str| args.iter().find(|(name, _)| *name == wanted);
    let numbers = || args.iter().find(|(_, arg)| matches!(arg, Arg::Int(_) | Arg::Number { .. }));
    marked.as_deref().and_then(named).or_else(|| named("n")).or_else(numbers).map(|(_, arg)| arg)
}

/// Why a text of messages was refused. Nothing of the text was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogueError {
    /// The text is not TOML; the reason with line and column.
    Syntax(String),
    /// The value under this key is neither a text nor a table.
    NotAText(String),
    /// The key is there already in this language.
    Twice(String),
    /// Braces of the message under this key do not close.
    Braces(String),
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(why) => write!(f, "messages are not TOML: {why}"),
            Self::NotAText(key) => write!(f, "message {key} is neither a text nor a table of texts"),
            Self::Twice(key) => write!(f, "message {key} is defined twice"),
            Self::Braces(key) => write!(f, "message {key} has a brace that does not close"),
        }
    }
}

impl std::error::Error for CatalogueError {}

/// A fault of a translation, found by [`Catalogue::gaps`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// English has the message, the language has not.
    Missing(String),
    /// The language has a message that English has not.
    Unknown(String),
    /// The messages use different placeholders.
    Placeholders(String),
    /// A message with forms lacks one that the language's whole numbers need (`one`, in Czech also `few`).
    Forms(String),
}

/// The messages of all languages by their dotted keys, such as `sales.order.fields.customer.label` or
/// `error.inventory.not_enough`.
///
/// Messages are written in TOML. Nested tables make dotted keys. A message is a text, or a table with the keys `one`,
/// `few`, `many`, `other` (only these, `other` always, all texts) where a number chooses the form:
///
/// ```
/// use lang::{Arg, Catalogue, Language};
///
/// let mut catalogue = Catalogue::default();
/// catalogue.add(Language::Cs, r#"
///     [sales.order]
///     label = "Zakázka"
///     lines = { one = "{n} řádek", few = "{n} řádky", other = "{n} řádků" }
///     [error.inventory]
///     not_enough = "Na skladě {place} je jen {have}."
/// "#)?;
/// assert_eq!(catalogue.get(Language::Cs, "sales.order.label"), Some("Zakázka"));
/// assert_eq!(catalogue.message(Language::Cs, "sales.order.lines", &[("n", Arg::Int(3))]), "3 řádky");
/// # Ok::<(), lang::CatalogueError>(())
/// ```
///
/// The number that chooses is the argument marked `{…|plural}` in the form `other`, without a mark the argument `n`, without
/// that the first number. Placeholders are described at [`crate::render`].
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    messages: [BTreeMap<String, Message>; 2],
}

impl Catalogue {
    /// Adds messages of a language.
    ///
    /// # Errors
    /// The text is not TOML, holds other values than texts, a brace does not close, or a key is known already; then nothing
    /// is added.
    pub fn add(&mut self, language: Language, text: &str) -> Result<(), CatalogueError> {
        let new = read(text)?;
        let known = &mut self.messages[language.index()];
        if let Some(key) = new.keys().find(|key| known.contains_key(*key)) {
            return Err(CatalogueError::Twice(key.clone()));
        }
        known.extend(new);
        Ok(())
    }

    /// Adds messages of a language over those that are there: for a company's own names of things.
    ///
    /// # Errors
    /// As [`Catalogue::add`], except that known keys are replaced.
    pub fn overlay(&mut self, language: Language, text: &str) -> Result<(), CatalogueError> {
        let new = read(text)?;
        self.messages[language.index()].extend(new);
        Ok(())
    }

    /// The message as written, of a message with forms its form `other`; in this language only.
    pub fn get(&self, language: Language, key: &str) -> Option<&str> {
        self.messages[language.index()].get(key).map(Message::other)
    }

    /// The message filled with arguments, in the language, else in English, else the key itself.
    pub fn message(&self, language: Language, key: &str, args: &[(&str, Arg)]) -> String {
        let found = [language, Language::En]
            .into_iter()
            .find_map(|language| self.messages[language.index()].get(key).map(|message| (language, message)));
        match found {
            Some((language, message)) => {
                render_with(language, message.chosen(language, args), args, |key| self.message(language, key, &[]))
            }
            None => key.to_owned(),
        }
    }

    /// The message without arguments, in the language, else in English, else the key itself.
    pub fn label(&self, language: Language, key: &str) -> String {
        self.message(language, key, &[])
    }

    /// All keys that a language has, in order.
    pub fn keys(&self, language: Language) -> impl Iterator<Item = &str> {
        self.messages[language.index()].keys().map(String::as_str)
    }

    /// All messages of a language whose key starts with a prefix, in order, as written (the form `other` of those with
    /// forms): for handing a module's labels to the client.
    pub fn under<'a>(&'a self, language: Language, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.messages[language.index()]
            .range(prefix.to_owned()..)
            .take_while(move |(key, _)| key.starts_with(prefix))
            .map(|(key, message)| (key.as_str(), message.other()))
    }

    /// Where the messages of a language differ from the English ones, for tests: a complete translation gives none.
    pub fn gaps(&self, language: Language) -> Vec<Gap> {
        let (english, other) = (&self.messages[Language::En.index()], &self.messages[language.index()]);
        let mut gaps = Vec::new();
        for (key, message) in other {
            match english.get(key) {
                None => gaps.push(Gap::Unknown(key.clone())),
                Some(source) if source.placeholders() != message.placeholders() => {
                    gaps.push(Gap::Placeholders(key.clone()));
                }
                Some(_) => {}
            }
            if let Message::Plural([one, few, _], _) = message
                && (one.is_none() || (language == Language::Cs && few.is_none()))
            {
                gaps.push(Gap::Forms(key.clone()));
            }
        }
        gaps.extend(english.keys().filter(|key| !other.contains_key(*key)).map(|key| Gap::Missing(key.clone())));
        gaps.sort();
        gaps
    }
}

fn read(text: &str) -> Result<BTreeMap<String, Message>, CatalogueError> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| CatalogueError::Syntax(error.to_string()))?;
    let mut messages = BTreeMap::new();
    flatten(String::new(), table, &mut messages)?;
    Ok(messages)
}

/// TOML bounds the depth of its tables, so this does too.
fn flatten(prefix: String, table: Table, messages: &mut BTreeMap<String, Message>) -> Result<(), CatalogueError> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        let message = match value {
            Value::String(text) => Message::Plain(text),
            Value::Table(inner) => match forms(&inner) {
                Some(message) => message,
                None => {
                    flatten(key, inner, messages)?;
                    continue;
                }
            },
            _ => return Err(CatalogueError::NotAText(key)),
        };
        if !message.texts().all(|text| pieces(text, |_| {})) {
            return Err(CatalogueError::Braces(key));
        }
        if messages.insert(key.clone(), message).is_some() {
            return Err(CatalogueError::Twice(key));
        }
    }
    Ok(())
}

/// A table that is one message with forms.
fn forms(table: &Table) -> Option<Message> {
    let known = table.iter().all(|(name, value)| FORMS.contains(&name.as_str()) && value.is_str());
    let other = table.get("other").and_then(Value::as_str).filter(|_| known)?;
    let form = |name: &str| table.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Message::Plural([form("one"), form("few"), form("many")], other.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{Cs, En};

    const ENGLISH: &str = r#"
        [sales.order]
        label = "Order"
        plural = "Orders"
        fields.customer.label = "Customer"
        fields.other.label = "Other"
        lines = { one = "{n} line", other = "{n} lines" }
        [error]
        inventory.not_enough = "Only {have|plural} of {item} at {place}."
        "party.merged" = "Merged with {entity}"
    "#;
    const CZECH: &str = r#"
        [sales.order]
        label = "Zakázka"
        lines = { one = "{n} řádek", few = "{n} řádky", many = "{n} řádku", other = "{n} řádků" }
    "#;

    fn both() -> Catalogue {
        let mut catalogue = Catalogue::default();
        assert_eq!(catalogue.add(En, ENGLISH), Ok(()));
        assert_eq!(catalogue.add(Cs, CZECH), Ok(()));
        catalogue
    }

    #[test]
    fn lookup_and_fallback() {
        let catalogue = both();
        assert_eq!(catalogue.get(En, "sales.order.fields.customer.label"), Some("Customer"));
        assert_eq!(catalogue.get(En, "sales.order.fields.other.label"), Some("Other"));
        assert_eq!(catalogue.get(Cs, "sales.order.plural"), None);
        assert_eq!(catalogue.label(Cs, "sales.order.plural"), "Orders");
        assert_eq!(catalogue.label(Cs, "no.such.key"), "no.such.key");
        let args = [("have", Arg::number(150, 2)), ("item", Arg::from("{place}")), ("place", Arg::from("A"))];
        assert_eq!(catalogue.message(Cs, "error.inventory.not_enough", &args), "Only 1.50 of {place} at A.");
        let args = [("entity", Arg::key("sales.order.label"))];
        assert_eq!(catalogue.message(Cs, "error.party.merged", &args), "Merged with Order");
        assert_eq!(catalogue.under(En, "sales.order.fields.").count(), 2);
    }

    #[test]
    fn plurals() {
        let catalogue = both();
        let cs = |n| catalogue.message(Cs, "sales.order.lines", &[("n", Arg::Int(n))]);
        assert_eq!([cs(1), cs(2), cs(5), cs(0)], ["1 řádek", "2 řádky", "5 řádků", "0 řádků"]);
        let half = [("n", Arg::number(5, 1))];
        assert_eq!(catalogue.message(Cs, "sales.order.lines", &half), "0,5 řádku");
        assert_eq!(catalogue.message(En, "sales.order.lines", &[]), "{n} lines");
        let mut marked = Catalogue::default();
        assert_eq!(marked.add(En, r#"x = { one = "a day, {n}", other = "{days|plural} days, {n}" }"#), Ok(()));
        let args = [("n", Arg::Int(5)), ("days", Arg::Int(1))];
        assert_eq!(marked.message(En, "x", &args), "a day, 5");
    }

    #[test]
    fn refusals() {
        let mut catalogue = both();
        assert!(matches!(catalogue.add(En, "a = "), Err(CatalogueError::Syntax(_))));
        assert_eq!(catalogue.add(En, "a.b = 5"), Err(CatalogueError::NotAText("a.b".into())));
        assert_eq!(catalogue.add(En, "a.b = \"{x\""), Err(CatalogueError::Braces("a.b".into())));
        assert_eq!(catalogue.add(En, "\"a.b\" = \"x\"\na.b = \"y\""), Err(CatalogueError::Twice("a.b".into())));
        let twice = catalogue.add(Cs, "new = \"x\"\nsales.order.label = \"Objednávka\"");
        assert_eq!(twice, Err(CatalogueError::Twice("sales.order.label".into())));
        assert_eq!(catalogue.get(Cs, "new"), None);
        assert_eq!(catalogue.overlay(Cs, "sales.order.label = \"Objednávka\""), Ok(()));
        assert_eq!(catalogue.get(Cs, "sales.order.label"), Some("Objednávka"));
        assert!(catalogue.add(En, &format!("{} = 1", "a.".repeat(5000) + "a")).is_err());
    }

    #[test]
    fn completeness() {
        let mut catalogue = Catalogue::default();
        assert_eq!(catalogue.add(En, "a = \"{x}\"\nb = \"b\"\nc = { one = \"{n}\", other = \"{n}\" }"), Ok(()));
        assert_eq!(catalogue.add(Cs, "a = \"{y}\"\nd = \"d\"\nc = { one = \"{n}\", other = \"{n}\" }"), Ok(()));
        assert_eq!(
            catalogue.gaps(Cs),
            [Gap::Missing("b".into()), Gap::Unknown("d".into()), Gap::Placeholders("a".into()), Gap::Forms("c".into()),]
        );
        assert_eq!(catalogue.gaps(En), []);
    }
}
