//! Why a command did not succeed: told to people on stderr, to programs as one JSON document, with the exit code of the
//! contract: 1 the answer is no, 2 wrong use.

use std::process::ExitCode;

use kernel::{Error, Kernel};
use serde_json::{Value as J, json};

/// Why a command did not succeed.
pub struct Failure {
    code: u8,
    message: String,
    document: Option<J>,
}

impl Failure {
    /// Wrong use.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into(), document: None }
    }
    /// The answer is no.
    pub fn no(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into(), document: None }
    }
    /// Makes it a JSON document too, where one is asked for.
    #[must_use]
    pub fn in_json(mut self, json: bool) -> Self {
        if json && self.document.is_none() {
            self.document = Some(json!({"status": 400, "code": "command", "detail": self.message}));
        }
        self
    }
    /// A refusal of the kernel.
    pub fn of(kernel: &Kernel, error: Error, json: bool) -> Self {
        let schema = kernel.schema();
        let language = crate::open::language();
        let unknown = error.status == 404
            && error.args.iter().any(|(name, arg)| {
                *name == "what" && matches!(arg, kernel::Arg::Text(what) if what == "entity" || what == "operation")
            });
        let code = if error.status == 400 || unknown || error.code == "no_user" { 2 } else { 1 };
        let mut message = schema.error_message(language, &error);
        if error.errors.len() > 1 || error.code != "invalid" {
            for wrong in &error.errors {
                message.push_str(&format!("\n  {}: {}", wrong.field, schema.field_message(language, wrong)));
            }
        } else if let Some(wrong) = error.errors.first() {
            message = format!("{}: {message}", wrong.field);
        }
        for action in &error.actions {
            let quoted = action.input.to_string().replace('\'', "'\\''");
            message.push_str(&format!("\n  try: celek do {} --input '{}'", action.operation, quoted));
        }
        if unknown {
            message.push_str("\n  celek describe lists what there is");
        } else if error.code == "no_user" {
            message.push_str("\n  celek list platform.user shows who there is");
        }
        if let Some(internal) = &error.internal {
            message.push_str(&format!("\n  ({internal})"));
        }
        let document = json.then(|| schema.problem(language, &error, ""));
        Self { code, message, document }
    }

    /// Tells it and answers the exit code.
    pub fn tell(self) -> ExitCode {
        eprintln!("celek: {}", self.message);
        if let Some(document) = self.document {
            crate::output::print_json(&document);
        }
        ExitCode::from(self.code)
    }
}
