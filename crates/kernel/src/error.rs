//! Errors that a person or a client can cause are values: a stable code, the field, arguments for the translated message
//! and what would help. The HTTP edge writes them as problem documents (RFC 9457).

use std::borrow::Cow;

use crate::value::{AnyRef, Dec, Money};

/// The result of everything in the kernel and in the modules.
pub type Result<T> = std::result::Result<T, Error>;

/// An argument of a message; formatted in the reader's language.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// Text as it stands.
    Text(String),
    /// A key of the catalogue, translated when the message is rendered.
    Key(String),
    /// A whole number.
    Int(i64),
    /// A decimal: unscaled value and scale.
    Dec(i64, u8),
    /// An amount.
    Money(Money),
    /// A day.
    Date(jiff::civil::Date),
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<usize> for Arg {
    fn from(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<Money> for Arg {
    fn from(value: Money) -> Self {
        Self::Money(value)
    }
}
impl From<jiff::civil::Date> for Arg {
    fn from(value: jiff::civil::Date) -> Self {
        Self::Date(value)
    }
}
impl<const S: u8> From<Dec<S>> for Arg {
    fn from(value: Dec<S>) -> Self {
        Self::Dec(value.raw(), S)
    }
}

/// One wrong field of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// Path of the field, such as `lines.0.quantity`.
    pub field: String,
    /// Stable code, such as `required`.
    pub code: Cow<'static, str>,
    /// Arguments of the message `error.CODE`.
    pub args: Vec<(&'static str, Arg)>,
}

/// What was missing, in terms that other modules understand: remedies are found from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// What is needed (a product, an account …).
    pub what: AnyRef,
    /// How much is missing, in the base unit; zero where a quantity has no meaning.
    pub quantity: Dec<6>,
    /// Where it is missing.
    pub place: Option<AnyRef>,
}

/// Something that may help: an operation with its input, shown as a button.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Name of the operation.
    pub operation: String,
    /// Key of the label in the catalogue; the operation's own label where empty.
    pub label: Option<String>,
    /// Arguments of the label.
    pub args: Vec<(&'static str, Arg)>,
    /// Input of the operation.
    pub input: serde_json::Value,
}

/// What went wrong; see [`Error`].
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Stable code; the message stands in the catalogue under `error.CODE`.
    pub code: Cow<'static, str>,
    /// HTTP status that fits.
    pub status: u16,
    /// Arguments of the message.
    pub args: Vec<(&'static str, Arg)>,
    /// Wrong fields.
    pub errors: Vec<FieldError>,
    /// What is missing.
    pub needs: Vec<Need>,
    /// What would help.
    pub actions: Vec<Action>,
    /// For the log only.
    pub internal: Option<String>,
}

/// An error with a stable code. Small on the stack, since it travels in every `Result`.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<Fault>);

impl std::ops::Deref for Error {
    type Target = Fault;
    fn deref(&self) -> &Fault {
        &self.0
    }
}
impl std::ops::DerefMut for Error {
    fn deref_mut(&mut self) -> &mut Fault {
        &mut self.0
    }
}

impl Error {
    /// An error with a code and an HTTP status.
    pub fn new(status: u16, code: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Fault {
            code: code.into(),
            status,
            args: Vec::new(),
            errors: Vec::new(),
            needs: Vec::new(),
            actions: Vec::new(),
            internal: None,
        }))
    }

    /// A rule of the business says no (409).
    pub fn refused(code: impl Into<Cow<'static, str>>) -> Self {
        Self::new(409, code)
    }

    /// A field holds something that it must not (422).
    pub fn field(field: impl Into<String>, code: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::new(422, "invalid");
        error.errors.push(FieldError { field: field.into(), code: code.into(), args: Vec::new() });
        error
    }

    /// Several wrong fields (422).
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let mut error = Self::new(422, "invalid");
        error.errors = errors;
        error
    }

    /// The request cannot be understood (400).
    pub fn bad(code: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, code)
    }

    /// There is no such thing, or this person may not know of it (404).
    pub fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        Self::new(404, "not_found").with("what", what).with("id", id.to_string())
    }

    /// Not allowed (403).
    pub fn forbidden(what: &str) -> Self {
        Self::new(403, "forbidden").with("what", what)
    }

    /// Our own fault (500): the text goes to the log only.
    pub fn internal(text: impl Into<String>) -> Self {
        let mut error = Self::new(500, "internal");
        error.internal = Some(text.into());
        error
    }

    /// Adds an argument of the message; of the last field's message where there is one.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Arg>) -> Self {
        match self.errors.last_mut() {
            Some(last) => last.args.push((name, value.into())),
            None => self.args.push((name, value.into())),
        }
        self
    }

    /// Adds something that is missing.
    #[must_use]
    pub fn need(mut self, what: AnyRef, quantity: Dec<6>, place: Option<AnyRef>) -> Self {
        self.needs.push(Need { what, quantity, place });
        self
    }

    /// Adds an action that would help.
    #[must_use]
    pub fn action(mut self, operation: &str, input: serde_json::Value) -> Self {
        self.actions.push(Action { operation: operation.to_owned(), label: None, args: Vec::new(), input });
        self
    }

    /// Puts a prefix before the paths of the wrong fields (`lines.3` before `quantity`).
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        for error in &mut self.errors {
            error.field = if error.field.is_empty() { prefix.to_owned() } else { format!("{prefix}.{}", error.field) };
        }
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.code)?;
        for (name, value) in &self.args {
            write!(f, " {name}={value:?}")?;
        }
        for error in &self.errors {
            write!(f, " {}: {}", error.field, error.code)?;
        }
        if let Some(internal) = &self.internal {
            write!(f, " ({internal})")?;
        }
        Ok(())
    }
}
impl std::error::Error for Error {}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        use store::{ConstraintKind, Error as E};
        match error {
            E::Constraint { kind, detail } => {
                let code = match kind {
                    ConstraintKind::Unique => "not_unique",
                    ConstraintKind::ForeignKey => "referred",
                    ConstraintKind::Check => "check_failed",
                    ConstraintKind::NotNull => "required",
                    ConstraintKind::Trigger => "unchangeable",
                };
                let mut e = Self::new(409, code).with("detail", detail.as_str());
                e.internal = Some(detail);
                e
            }
            E::Busy => Self::new(503, "busy"),
            E::Conflict => Self::new(409, "conflict"),
            E::Full => Self::new(507, "disk_full"),
            E::Newer { .. } => {
                let mut e = Self::new(500, "database_newer");
                e.internal = Some(error.to_string());
                e
            }
            E::Interrupted => Self::new(503, "interrupted"),
            other => Self::internal(other.to_string()),
        }
    }
}
