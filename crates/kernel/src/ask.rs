//! What a request brings and what it is answered, and who owns users.

use std::sync::Arc;

use serde_json::Value as J;

use crate::{
    access::{Company, Principal},
    cx::{Cx, Note, NumberDrawn},
    engine::Kernel,
    error::Result,
    hub::Change,
    value::AnyRef,
};

/// Who may sign in, and with what rights: implemented by the module that owns users.
pub trait Directory: Send + Sync {
    /// A user's principal in a company (the user's own where 0).
    ///
    /// # Errors
    /// As reading does; `None` where there is no such active user.
    fn principal(&self, user: i64, company: i64, cx: &mut Cx<'_>) -> Result<Option<Principal>>;
    /// What a user is called, also one who has left; `None` where there is no such user.
    ///
    /// # Errors
    /// As reading does.
    fn name(&self, user: i64, cx: &mut Cx<'_>) -> Result<Option<String>> {
        let _ = (user, cx);
        Ok(None)
    }
    /// The user with this login.
    ///
    /// # Errors
    /// As reading does.
    fn user(&self, login: &str, cx: &mut Cx<'_>) -> Result<Option<i64>>;
    /// The user, company and scope of a session or token, by the secret itself.
    ///
    /// # Errors
    /// As reading does; `None` where it is unknown or over.
    fn by_secret(&self, secret: &str, cx: &mut Cx<'_>) -> Result<Option<(i64, i64, Vec<String>)>>;
    /// Entities in which secrets and what they depend on stand: after a change of theirs no secret is taken on trust.
    fn secrets(&self) -> &'static [&'static str];
    /// Companies in their order.
    ///
    /// # Errors
    /// As reading does.
    fn companies(&self, cx: &mut Cx<'_>) -> Result<Vec<Company>>;
    /// Code and label of every role, in a language.
    ///
    /// # Errors
    /// As reading does.
    fn roles(&self, language: lang::Language, cx: &mut Cx<'_>) -> Result<Vec<(String, String)>>;
    /// Checks a password and opens a session; answers its secret.
    ///
    /// # Errors
    /// `sign_in` where user and password do not fit, `throttled` after too many attempts.
    fn sign_in(&self, kernel: &Kernel, login: &str, password: &str, address: &str) -> Result<String>;
    /// Ends a session.
    ///
    /// # Errors
    /// As writing does.
    fn sign_out(&self, kernel: &Kernel, secret: &str) -> Result<()>;
    /// Users that a demo company's sign-in page offers: login, name, what each does.
    ///
    /// # Errors
    /// As reading does.
    fn demo_users(&self, language: lang::Language, cx: &mut Cx<'_>) -> Result<Vec<(String, String, String)>>;
    /// Whether nobody can sign in yet.
    ///
    /// # Errors
    /// As reading does.
    fn is_empty(&self, cx: &mut Cx<'_>) -> Result<bool>;
    /// Sets a company and its administrator up with the one-time secret.
    ///
    /// # Errors
    /// `setup_token`, wrong fields.
    fn set_up(&self, kernel: &Kernel, input: &J) -> Result<String>;
}

/// A request: who asks, under which key, tried or done.
#[derive(Clone)]
pub struct Ask {
    /// Who.
    pub who: Arc<Principal>,
    /// Idempotency key.
    pub key: Option<String>,
    /// Execute, tell, and roll back.
    pub dry_run: bool,
}

impl Ask {
    /// A plain request.
    pub fn by(who: Arc<Principal>) -> Self {
        Self { who, key: None, dry_run: false }
    }
}

/// What a write answers.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The output.
    pub output: J,
    /// HTTP status that fits.
    pub status: u16,
    /// Records that it touched and wants to show.
    pub links: Vec<AnyRef>,
    /// Titles of those links that who asked may read; what the transaction remembers is not asked again.
    pub titles: Vec<Option<String>>,
    /// Remarks.
    pub notes: Vec<Note>,
    /// Numbers that were drawn.
    pub numbers: Vec<NumberDrawn>,
    /// Changes, for a dry run.
    pub changes: Vec<Change>,
    /// The answer was given before, under the same key.
    pub repeated: bool,
}
