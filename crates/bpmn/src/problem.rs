//! What is wrong with a definition, told so that a person finds the place.

use serde::Serialize;

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The process runs, but perhaps not as it was meant.
    Warning,
    /// The process cannot be deployed.
    Error,
}

/// One finding about a definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether it hinders deployment.
    pub severity: Severity,
    /// Stable code (`not_executable`, `xml`, `feel`, …) for translations and tests.
    pub code: &'static str,
    /// Id of the element, empty where the file as a whole is meant.
    pub element: String,
    /// Name of the element as drawn, empty where it has none.
    pub name: String,
    /// What is wrong, in English, without the id and name.
    pub message: String,
}

impl Problem {
    /// A finding about the whole file.
    pub(crate) fn file(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, element: String::new(), name: String::new(), message: message.into() }
    }

    /// True where it hinders deployment.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.element.is_empty(), self.name.is_empty()) {
            (true, _) => write!(f, "{}", self.message),
            (false, true) => write!(f, "{}: {}", self.element, self.message),
            (false, false) => write!(f, "{} ({}): {}", self.element, self.name, self.message),
        }
    }
}
