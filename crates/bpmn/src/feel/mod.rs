//! FEEL expressions: parsed and prepared once, bounded in cost, without a clock of their own.
//!
//! Names are single words of letters, digits and `_`; `a-b` is a subtraction. `now()` and `today()` give the time of
//! the [`Clock`]. Functions cannot be defined, and what reaches outside does not exist.
//!
//! Values: JSON integers are numbers; a decimal is a JSON string with a point (`"12.50"`), and only such a string is
//! read as a number, so `"11000"` stays the text of a postcode. `"2026-05-01"` is a date and `"2026-05-01T08:00:00Z"` a
//! date and time. On the way out numbers without a fraction are JSON integers up to 2^53 and decimal strings beyond.
//! [`decimal`] writes a decimal so that it comes back as a number.

mod bound;
mod convert;

pub use convert::decimal;

use bound::Bound;
use dsntk_feel::context::FeelContext;
use dsntk_feel::values::Value;
use dsntk_feel::{Evaluator, FeelScope, Name};
use dsntk_feel_parser::AstNode;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Longest expression, in bytes.
pub const MAX_TEXT: usize = 4096;
/// Most words of one expression: the parser compares every name with all others.
const MAX_WORDS: usize = 200;
/// Deepest nesting of brackets.
const MAX_BRACKETS: usize = 32;
/// Names that the evaluator sees for `now()` and `today()`; no text can spell them.
const NOW: &str = "now()";
const TODAY: &str = "today()";

/// Why an expression was refused or gave nothing usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeelError {
    /// Longer than [`MAX_TEXT`] or nested too deep.
    TooLarge,
    /// Not FEEL; the text says what was not understood.
    Syntax(String),
    /// What this engine refuses to run at all (function definitions, unbounded ranges, …).
    Refused(String),
    /// Bounded, but too costly for the data at hand.
    TooCostly,
    /// The result is of a kind that cannot be kept (a range, a function) or of the wrong kind.
    Result(String),
}

impl std::fmt::Display for FeelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the expression is too long or nested too deep"),
            Self::Syntax(text) => write!(f, "not understood: {text}"),
            Self::Refused(text) => write!(f, "refused: {text}"),
            Self::TooCostly => write!(f, "the expression is too costly for this much data"),
            Self::Result(text) => write!(f, "{text}"),
        }
    }
}

impl std::error::Error for FeelError {}

/// The time an expression sees.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The moment of the evaluation.
    pub now: Timestamp,
    /// The zone of `today()` and of local times.
    pub zone: TimeZone,
}

/// Where an expression finds its variables.
pub trait Variables {
    /// The value of a variable, or none.
    fn variable(&self, name: &str) -> Option<&Json>;
}

impl Variables for Map<String, Json> {
    fn variable(&self, name: &str) -> Option<&Json> {
        self.get(name)
    }
}

/// Two sources, of which the first hides the second.
pub struct Over<'a>(
    /// Looked at first.
    pub &'a dyn Variables,
    /// Looked at where the first has nothing.
    pub &'a dyn Variables,
);

impl Variables for Over<'_> {
    fn variable(&self, name: &str) -> Option<&Json> {
        self.0.variable(name).or_else(|| self.1.variable(name))
    }
}

/// A prepared expression. Cheap to clone; can be used from several threads at once.
#[derive(Clone)]
pub struct Feel(Arc<Prepared>);

struct Prepared {
    text: String,
    names: Vec<String>,
    timed: bool,
    bound: Bound,
    run: Evaluator,
}

impl std::fmt::Debug for Feel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Feel({:?})", self.0.text)
    }
}

impl PartialEq for Feel {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Feel {
    /// Parses, checks and prepares an expression (without the leading `=` of the attribute syntax).
    ///
    /// # Errors
    /// [`FeelError`] where the text is too large, no FEEL, or of unbounded cost.
    pub fn parse(text: &str) -> Result<Self, FeelError> {
        let words = scan(text)?;
        let context = parse_scope(&words);
        // The library answers some wrong texts with a panic; that must not take the caller's thread with it.
        let scope: FeelScope = context.into();
        let mut tree = catch_unwind(AssertUnwindSafe(|| dsntk_feel_parser::parse_expression(&scope, text, false)))
            .map_err(|_| FeelError::Syntax("the parser gave up".to_owned()))?
            .map_err(|e| FeelError::Syntax(e.to_string()))?;
        // The depth is bounded before anything walks the tree recursively.
        bound::depth(&tree)?;
        let timed = replace_clock(&mut tree);
        repair_equality(&mut tree);
        let bound = Bound::new(tree)?;
        let run = catch_unwind(AssertUnwindSafe(|| dsntk_feel_evaluator::prepare(bound.tree())))
            .map_err(|_| FeelError::Syntax("the expression cannot be prepared".to_owned()))?;
        let mut names = BTreeSet::new();
        bound::names(bound.tree(), &mut names);
        let names = names.into_iter().collect();
        Ok(Self(Arc::new(Prepared { text: text.to_owned(), names, timed, bound, run })))
    }

    /// The text it was made from.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Every name the expression speaks of (variables, and fields read inside filters), sorted.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// Evaluates to JSON; what FEEL cannot answer is `null`.
    ///
    /// # Errors
    /// [`FeelError::TooCostly`] for too much data, [`FeelError::Result`] for a result that is no data.
    pub fn evaluate(&self, variables: &dyn Variables, clock: &Clock) -> Result<Json, FeelError> {
        convert::to_json(self.value(variables, clock)?)
    }

    /// Evaluates a condition.
    ///
    /// # Errors
    /// As [`Feel::evaluate`], and [`FeelError::Result`] with the reason where the answer is neither true nor false: a
    /// missing variable must not silently choose a path.
    pub fn condition(&self, variables: &dyn Variables, clock: &Clock) -> Result<bool, FeelError> {
        match self.value(variables, clock)? {
            Value::Boolean(answer) => Ok(answer),
            Value::Null(Some(why)) => Err(FeelError::Result(format!("neither true nor false: {why}"))),
            other => Err(FeelError::Result(format!("neither true nor false, but {}", other.type_of()))),
        }
    }

    fn value(&self, variables: &dyn Variables, clock: &Clock) -> Result<Value, FeelError> {
        let prepared = &*self.0;
        let mut context = FeelContext::new();
        let mut sizes: Vec<(&str, bound::Size)> = Vec::with_capacity(prepared.names.len());
        for name in &prepared.names {
            if let Some(json) = variables.variable(name) {
                sizes.push((name, bound::measure(json)));
                context.set_entry(&Name::from(name.as_str()), convert::to_feel(json));
            }
        }
        prepared.bound.allows(&sizes)?;
        if prepared.timed {
            let (now, today) = convert::clock(clock);
            context.set_entry(&Name::from(NOW), now);
            context.set_entry(&Name::from(TODAY), today);
        }
        let scope: FeelScope = context.into();
        catch_unwind(AssertUnwindSafe(|| (prepared.run)(&scope)))
            .map_err(|_| FeelError::Result("the expression could not be evaluated".to_owned()))
    }
}

/// How long parsing takes, in units of about 7 ns: the parser holds every word against the rest of the text, once for
/// every word that follows.
pub(crate) fn parse_cost(text: &str) -> usize {
    let words = scan(text).map_or(0, |words| words.len());
    text.len() * (1 + words * words)
}

/// What stands in an attribute: a text as it is, or after `=` a FEEL expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// The text itself.
    Literal(String),
    /// To be evaluated.
    Feel(Feel),
}

impl Expression {
    /// Reads an attribute's text.
    ///
    /// # Errors
    /// As [`Feel::parse`].
    pub fn parse(text: &str) -> Result<Self, FeelError> {
        match text.trim().strip_prefix('=') {
            Some(feel) => Feel::parse(feel).map(Self::Feel),
            None => Ok(Self::Literal(text.trim().to_owned())),
        }
    }

    /// The value: the literal as a JSON string, or what the expression gives.
    ///
    /// # Errors
    /// As [`Feel::evaluate`].
    pub fn evaluate(&self, variables: &dyn Variables, clock: &Clock) -> Result<Json, FeelError> {
        match self {
            Self::Literal(text) => Ok(Json::String(text.clone())),
            Self::Feel(feel) => feel.evaluate(variables, clock),
        }
    }

    /// The value as a text: numbers and booleans are written out, null and an empty text are none.
    ///
    /// # Errors
    /// As [`Feel::evaluate`], and [`FeelError::Result`] for lists and contexts.
    pub fn evaluate_text(&self, variables: &dyn Variables, clock: &Clock) -> Result<Option<String>, FeelError> {
        match self.evaluate(variables, clock)? {
            Json::Null => Ok(None),
            Json::String(text) if text.is_empty() => Ok(None),
            Json::String(text) => Ok(Some(text)),
            Json::Number(number) => Ok(Some(number.to_string())),
            Json::Bool(flag) => Ok(Some(flag.to_string())),
            Json::Array(_) | Json::Object(_) => Err(FeelError::Result("a text is wanted".to_owned())),
        }
    }

    /// The text as it was written (an expression with its `=`).
    pub fn source(&self) -> String {
        match self {
            Self::Literal(text) => text.clone(),
            Self::Feel(feel) => format!("={}", feel.text()),
        }
    }
}

/// Goes over the text once before the real parser: bounds length and brackets and collects the words outside of texts.
fn scan(text: &str) -> Result<Vec<&str>, FeelError> {
    if text.len() > MAX_TEXT {
        return Err(FeelError::TooLarge);
    }
    let mut words = Vec::new();
    let mut depth = 0usize;
    let mut characters = text.char_indices().peekable();
    while let Some((start, character)) = characters.next() {
        match character {
            '"' => {
                let mut escaped = false;
                for (_, inner) in characters.by_ref() {
                    match inner {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '(' | '[' | '{' => {
                depth += 1;
                if depth > MAX_BRACKETS {
                    return Err(FeelError::TooLarge);
                }
            }
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            c if c.is_alphabetic() || c == '_' => {
                let mut end = start + c.len_utf8();
                while let Some((at, next)) = characters.peek().copied() {
                    if !(next.is_alphanumeric() || next == '_') {
                        break;
                    }
                    end = at + next.len_utf8();
                    characters.next();
                }
                words.push(&text[start..end]);
                if words.len() > MAX_WORDS {
                    return Err(FeelError::TooLarge);
                }
            }
            _ => {}
        }
    }
    Ok(words)
}

/// The names the parser must know. It takes the longest run of words that it knows for one name and, knowing none, all of
/// `a and b` for one: so every word is made known, and the built-in functions of several words.
fn parse_scope(words: &[&str]) -> FeelContext {
    const KEYWORDS: [&str; 22] = [
        "and",
        "or",
        "if",
        "then",
        "else",
        "for",
        "in",
        "return",
        "some",
        "every",
        "satisfies",
        "between",
        "instance",
        "of",
        "function",
        "external",
        "true",
        "false",
        "null",
        "not",
        "item",
        "partial",
    ];
    const TYPES: [&str; 7] = ["string", "number", "boolean", "date", "time", "Any", "list"];
    const FUNCTIONS: [&str; 33] = [
        "context merge",
        "context put",
        "date and time",
        "day of week",
        "day of year",
        "distinct values",
        "ends with",
        "finished by",
        "get entries",
        "get value",
        "index of",
        "insert before",
        "list contains",
        "list replace",
        "lower case",
        "met by",
        "month of year",
        "overlaps after",
        "overlaps before",
        "round down",
        "round half down",
        "round half up",
        "round up",
        "started by",
        "starts with",
        "string join",
        "string length",
        "substring after",
        "substring before",
        "upper case",
        "week of year",
        "years and months duration",
        "time offset",
    ];
    let typed = words.windows(2).any(|pair| pair == ["instance", "of"]);
    let mut context = FeelContext::new();
    for word in words {
        if !(KEYWORDS.contains(word) || typed && TYPES.contains(word)) {
            context.set_null(Name::from(*word));
        }
    }
    for function in FUNCTIONS {
        context.set_null(Name::from(function));
    }
    context
}

/// Turns `now()` and `today()` into variables, so that the engine has no clock of its own, and says whether it did.
fn replace_clock(node: &mut AstNode) -> bool {
    let mut found = false;
    if let AstNode::FunctionInvocation(function, _) = node
        && let AstNode::Name(name) = &**function
    {
        let variable = match name.as_str() {
            "now" => Some(NOW),
            "today" => Some(TODAY),
            _ => None,
        };
        if let Some(variable) = variable {
            *node = AstNode::Name(Name::from(variable));
            return true;
        }
    }
    bound::children_mut(node, &mut |child| found |= replace_clock(child));
    found
}

/// Makes comparing with null symmetric: the library answers `4 = null` with false, as the standard wants, but `null = 4`
/// with null. A literal goes to the left; between two plain values the left one is asked for null first.
fn repair_equality(node: &mut AstNode) {
    bound::children_mut(node, &mut repair_equality);
    let literal = |n: &AstNode| {
        matches!(n, AstNode::Numeric(..) | AstNode::String(_) | AstNode::Boolean(_) | AstNode::At(_))
            || matches!(n, AstNode::Neg(inner) if matches!(**inner, AstNode::Numeric(..)))
    };
    fn plain(node: &AstNode) -> bool {
        match node {
            AstNode::Name(_) => true,
            AstNode::Path(base, _) => plain(base),
            _ => false,
        }
    }
    let (AstNode::Eq(left, right) | AstNode::Nq(left, right)) = &mut *node else { return };
    if literal(right) {
        std::mem::swap(left, right);
    } else if plain(left) && plain(right) {
        let null = Box::new(AstNode::Null);
        let is_null = AstNode::Eq(left.clone(), null.clone());
        let other = match node {
            AstNode::Nq(_, right) => AstNode::Nq(right.clone(), null),
            AstNode::Eq(_, right) => AstNode::Eq(right.clone(), null),
            _ => return,
        };
        let same = std::mem::replace(node, AstNode::Null);
        *node = AstNode::If(Box::new(is_null), Box::new(other), Box::new(same));
    }
}
