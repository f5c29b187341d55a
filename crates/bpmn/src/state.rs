//! The state of one instance: scopes, tokens and variables, each a row of its own with an id that is never used again.

use crate::timer::Due;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Id of a scope, unique in the instance.
pub type ScopeId = i64;
/// Id of a token, unique in the instance and never used again: one visit of one element.
pub type TokenId = i64;
/// Id of a timer or message subscription, unique in the instance.
pub type ListenId = i64;
/// Id of a variable, unique in the instance.
pub type VariableId = i64;

/// Largest variable, in bytes of its JSON text.
pub const MAX_VARIABLE: usize = 64 * 1024;
/// Largest sum of all variables of an instance, in bytes of their JSON texts.
pub const MAX_VARIABLES: usize = 1024 * 1024;

/// How an instance ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum Ended {
    /// Every path came to its end.
    Completed,
    /// A terminate end event was reached.
    Terminated,
    /// An error end event was reached that nothing caught.
    Failed {
        /// The code of the error.
        code: String,
    },
    /// It was cancelled from outside.
    Cancelled {
        /// Why, as given.
        reason: String,
    },
}

/// The one row of the instance itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The last id that was given out.
    pub last_id: i64,
    /// Elements entered since something from outside came in; the guard against endless loops.
    pub run: u32,
    /// Elements entered in all.
    pub steps: i64,
    /// True once a start event came in.
    pub started: bool,
    /// How it ended, where it has.
    pub ended: Option<Ended>,
    /// Bytes of all variables.
    pub bytes: usize,
}

/// The process itself or one run of a sub-process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Its id.
    pub id: ScopeId,
    /// The scope around, none for the process itself.
    pub parent: Option<ScopeId>,
    /// The token that waits on it in the scope around.
    pub token: Option<TokenId>,
    /// Id of the process or of the sub-process.
    pub element: String,
}

/// One visit of one element.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// The scope it is in.
    pub scope: ScopeId,
    /// Id of the element it is at.
    pub element: String,
    /// Id of the flow it came by, where it came by one.
    pub via: Option<String>,
    /// What it waits for; none while it still has to act.
    pub wait: Option<Wait>,
    /// Timers and subscriptions that it has: its own and those of boundary events on its element.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listens: Vec<Listen>,
}

/// What a token waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "for")]
pub enum Wait {
    /// A person does a task.
    Task,
    /// An operation answers.
    Operation,
    /// One of its own timers or messages (see [`Token::listens`]) comes.
    Event,
    /// A sub-process ends.
    Scope {
        /// The scope of that run.
        scope: ScopeId,
    },
    /// The other flows into a parallel gateway come.
    Join,
    /// Somebody repairs what went wrong and retries.
    Incident {
        /// Stable code, such as `feel` or `no_flow`.
        code: String,
        /// What went wrong, in English or as the operation said it.
        message: String,
        /// Where a retry goes on.
        resume: Resume,
    },
}

/// Where a token goes on after its incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "at")]
pub enum Resume {
    /// The element is run again.
    Activate {
        /// True where its boundary events are already listening.
        armed: bool,
    },
    /// The work is done; only its result has to be mapped again.
    Output {
        /// The result.
        output: Json,
    },
    /// The work is done and mapped; only the flows out have to be chosen again.
    Leave,
}

/// A timer or a message subscription of a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listen {
    /// Its id, a new one for every arming.
    pub id: ListenId,
    /// Id of the event: the token's own element, a boundary event on it, or an event behind its gateway.
    pub element: String,
    /// What is listened for.
    pub to: Trigger,
}

/// What is listened for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Trigger {
    /// A moment.
    Timer {
        /// When.
        due: Due,
        /// For a cycle: its text, for the next arming.
        every: Option<String>,
        /// For a cycle: firings left after this one, none without end.
        left: Option<u32>,
    },
    /// A message.
    Message {
        /// Its name.
        name: String,
        /// Its key; none means the subject of the instance.
        key: Option<String>,
    },
}

/// A variable of a scope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// Its id.
    pub id: VariableId,
    /// The scope it belongs to.
    pub scope: ScopeId,
    /// Its name, unique in the scope.
    pub name: String,
    /// Its value.
    pub value: Json,
}

/// All rows of an instance, in the order of their ids: what is stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// The row of the instance.
    pub instance: Instance,
    /// Rows of scopes.
    pub scopes: Vec<Scope>,
    /// Rows of tokens.
    pub tokens: Vec<Token>,
    /// Rows of variables.
    pub variables: Vec<Variable>,
}

/// A row that has changed: where it is still in the state it is written, else deleted. The instance's own row changes
/// with every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changed {
    /// A scope.
    Scope(ScopeId),
    /// A token, with its listens.
    Token(TokenId),
    /// A variable.
    Variable(VariableId),
}

/// The state of one instance. Made from rows and read back as rows; only [`crate::step`] changes it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Rows", into = "Rows")]
pub struct State {
    pub(crate) instance: Instance,
    pub(crate) scopes: BTreeMap<ScopeId, Scope>,
    pub(crate) tokens: BTreeMap<TokenId, Token>,
    pub(crate) variables: BTreeMap<VariableId, Variable>,
    /// Tokens that still have to act, derived.
    ready: BTreeSet<TokenId>,
    /// Tokens by scope and element, derived: the multiset that joins look at.
    placed: HashMap<ScopeId, HashMap<String, BTreeSet<TokenId>>>,
    /// Variables by scope and name, derived.
    named: HashMap<ScopeId, HashMap<String, VariableId>>,
    changed: BTreeSet<Changed>,
}

impl PartialEq for State {
    /// The same rows; what has changed lately does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.instance == other.instance
            && self.scopes == other.scopes
            && self.tokens == other.tokens
            && self.variables == other.variables
    }
}

impl From<Rows> for State {
    fn from(rows: Rows) -> Self {
        let mut state = Self { instance: rows.instance, ..Self::default() };
        state.scopes = rows.scopes.into_iter().map(|scope| (scope.id, scope)).collect();
        for token in rows.tokens {
            state.place(token);
        }
        for variable in rows.variables {
            state.named.entry(variable.scope).or_default().insert(variable.name.clone(), variable.id);
            state.variables.insert(variable.id, variable);
        }
        state.changed.clear();
        state
    }
}

impl From<State> for Rows {
    fn from(state: State) -> Self {
        Self {
            instance: state.instance,
            scopes: state.scopes.into_values().collect(),
            tokens: state.tokens.into_values().collect(),
            variables: state.variables.into_values().collect(),
        }
    }
}

impl State {
    /// An instance that has not started.
    pub fn new() -> Self {
        Self::default()
    }

    /// The instance's own row.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }
    /// How the instance ended, where it has.
    pub fn ended(&self) -> Option<&Ended> {
        self.instance.ended.as_ref()
    }
    /// All scopes by id.
    pub fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.scopes.values()
    }
    /// One scope.
    pub fn scope(&self, id: ScopeId) -> Option<&Scope> {
        self.scopes.get(&id)
    }
    /// All tokens by id.
    pub fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens.values()
    }
    /// One token.
    pub fn token(&self, id: TokenId) -> Option<&Token> {
        self.tokens.get(&id)
    }
    /// All variables by id.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.variables.values()
    }
    /// One variable.
    pub fn variable(&self, id: VariableId) -> Option<&Variable> {
        self.variables.get(&id)
    }
    /// The value of a variable of the process itself.
    pub fn value(&self, name: &str) -> Option<&Json> {
        self.scopes.values().find(|s| s.parent.is_none()).and_then(|root| self.find(root.id, name))
    }
    /// The variables of the process itself, by name.
    pub fn values(&self) -> Map<String, Json> {
        let root = self.scopes.values().find(|s| s.parent.is_none()).map(|s| s.id);
        self.variables.values().filter(|v| Some(v.scope) == root).map(|v| (v.name.clone(), v.value.clone())).collect()
    }
    /// True where a token still has to act: the last step ended with `ContinueLater`.
    pub fn is_pending(&self) -> bool {
        !self.ready.is_empty()
    }
    /// The rows that changed since this was last called, sorted.
    pub fn take_changes(&mut self) -> Vec<Changed> {
        std::mem::take(&mut self.changed).into_iter().collect()
    }

    pub(crate) fn next_id(&mut self) -> i64 {
        self.instance.last_id += 1;
        self.instance.last_id
    }

    pub(crate) fn root(&self) -> Option<ScopeId> {
        self.scopes.values().find(|s| s.parent.is_none()).map(|s| s.id)
    }

    pub(crate) fn first_ready(&self) -> Option<TokenId> {
        self.ready.first().copied()
    }

    pub(crate) fn add_scope(&mut self, parent: Option<ScopeId>, token: Option<TokenId>, element: &str) -> ScopeId {
        let id = self.next_id();
        self.scopes.insert(id, Scope { id, parent, token, element: element.to_owned() });
        self.changed.insert(Changed::Scope(id));
        id
    }

    pub(crate) fn remove_scope(&mut self, id: ScopeId) {
        for variable in self.named.remove(&id).unwrap_or_default().into_values() {
            if let Some(gone) = self.variables.remove(&variable) {
                self.instance.bytes = self.instance.bytes.saturating_sub(weight(&gone.value));
            }
            self.changed.insert(Changed::Variable(variable));
        }
        self.scopes.remove(&id);
        self.placed.remove(&id);
        self.changed.insert(Changed::Scope(id));
    }

    pub(crate) fn add_token(&mut self, scope: ScopeId, element: &str, via: Option<String>) -> TokenId {
        let id = self.next_id();
        self.place(Token { id, scope, element: element.to_owned(), via, wait: None, listens: Vec::new() });
        id
    }

    fn place(&mut self, token: Token) {
        let id = token.id;
        if token.wait.is_none() {
            self.ready.insert(id);
        }
        self.placed.entry(token.scope).or_default().entry(token.element.clone()).or_default().insert(id);
        self.tokens.insert(id, token);
        self.changed.insert(Changed::Token(id));
    }

    /// Takes a token out of its place; the caller is done with it.
    pub(crate) fn remove_token(&mut self, id: TokenId) -> Option<Token> {
        let token = self.tokens.remove(&id)?;
        self.ready.remove(&id);
        if let Some(elements) = self.placed.get_mut(&token.scope)
            && let Some(tokens) = elements.get_mut(&token.element)
        {
            tokens.remove(&id);
            if tokens.is_empty() {
                elements.remove(&token.element);
            }
        }
        self.changed.insert(Changed::Token(id));
        Some(token)
    }

    pub(crate) fn set_wait(&mut self, id: TokenId, wait: Option<Wait>) {
        if let Some(token) = self.tokens.get_mut(&id) {
            if wait.is_none() {
                self.ready.insert(id);
            } else {
                self.ready.remove(&id);
            }
            token.wait = wait;
            self.changed.insert(Changed::Token(id));
        }
    }

    pub(crate) fn listens_mut(&mut self, id: TokenId) -> Option<&mut Vec<Listen>> {
        self.changed.insert(Changed::Token(id));
        self.tokens.get_mut(&id).map(|token| &mut token.listens)
    }

    /// Tokens at an element of a scope.
    pub(crate) fn at(&self, scope: ScopeId, element: &str) -> impl Iterator<Item = &Token> {
        let ids = self.placed.get(&scope).and_then(|elements| elements.get(element));
        ids.into_iter().flatten().filter_map(|id| self.tokens.get(id))
    }

    /// Tokens of a scope, by id.
    pub(crate) fn inside(&self, scope: ScopeId) -> Vec<TokenId> {
        let ids = self.placed.get(&scope).into_iter().flat_map(|elements| elements.values().flatten().copied());
        ids.collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(crate) fn is_empty(&self, scope: ScopeId) -> bool {
        self.placed.get(&scope).is_none_or(HashMap::is_empty)
    }

    /// The value of a variable as a scope sees it.
    pub fn find(&self, scope: ScopeId, name: &str) -> Option<&Json> {
        self.locate(scope, name).and_then(|(_, id)| self.variables.get(&id)).map(|variable| &variable.value)
    }

    fn locate(&self, scope: ScopeId, name: &str) -> Option<(ScopeId, VariableId)> {
        let mut at = Some(scope);
        while let Some(id) = at {
            if let Some(variable) = self.named.get(&id).and_then(|names| names.get(name)) {
                return Some((id, *variable));
            }
            at = self.scopes.get(&id).and_then(|s| s.parent);
        }
        None
    }

    /// Bytes of all variables after these would be set from that scope; none where one of them is too large.
    pub(crate) fn bytes_with(&self, scope: ScopeId, values: &Map<String, Json>) -> Option<usize> {
        values.iter().try_fold(self.instance.bytes, |sum, (name, value)| {
            let new = weight(value);
            let old = self.find(scope, name).map_or(0, weight);
            (new <= MAX_VARIABLE).then(|| (sum + new).saturating_sub(old))
        })
    }

    /// Sets a variable where it already is, else in the process itself, and says where.
    pub(crate) fn set(&mut self, scope: ScopeId, name: &str, value: Json) -> ScopeId {
        self.instance.bytes += weight(&value);
        if let Some((home, id)) = self.locate(scope, name)
            && let Some(variable) = self.variables.get_mut(&id)
        {
            self.instance.bytes = self.instance.bytes.saturating_sub(weight(&variable.value));
            variable.value = value;
            self.changed.insert(Changed::Variable(id));
            return home;
        }
        let home = self.root().unwrap_or(scope);
        let id = self.next_id();
        self.named.entry(home).or_default().insert(name.to_owned(), id);
        self.variables.insert(id, Variable { id, scope: home, name: name.to_owned(), value });
        self.changed.insert(Changed::Variable(id));
        home
    }
}

/// Bytes of a value's JSON text.
fn weight(value: &Json) -> usize {
    match value {
        Json::Null | Json::Bool(true) => 4,
        Json::Bool(false) => 5,
        Json::Number(number) => number.to_string().len(),
        Json::String(text) => text.len() + 2,
        Json::Array(items) => items.iter().map(|item| weight(item) + 1).sum::<usize>() + 2,
        Json::Object(entries) => entries.iter().map(|(name, item)| name.len() + weight(item) + 4).sum::<usize>() + 2,
    }
}
