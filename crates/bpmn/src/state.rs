//! The state of one instance: scopes, tokens and variables, each a row of its own with an id that is never used again.

pub use crate::rows::{
    Completed, Ended, Instance, Listen, Resume, Rounds, Scope, ScopeKind, Token, Trigger, Variable, Wait,
};
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
    /// Tokens that wait at a join, derived.
    joining: BTreeSet<TokenId>,
    /// Tokens and scopes that wait for a condition, derived.
    watching: BTreeSet<i64>,
    /// Scopes with items still to begin, derived.
    spawning: BTreeSet<ScopeId>,
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
        for scope in rows.scopes {
            state.watch(scope.id, &scope.listens);
            if spawns(&scope) {
                state.spawning.insert(scope.id);
            }
            state.scopes.insert(scope.id, scope);
        }
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
        !self.ready.is_empty() || !self.spawning.is_empty()
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
        let scope = Scope {
            id,
            parent,
            token,
            element: element.to_owned(),
            kind: ScopeKind::Body,
            listens: Vec::new(),
            completed: Vec::new(),
            fired: BTreeMap::new(),
        };
        self.scopes.insert(id, scope);
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
        self.watching.remove(&id);
        self.spawning.remove(&id);
        self.changed.insert(Changed::Scope(id));
    }

    pub(crate) fn add_token(&mut self, scope: ScopeId, element: &str, via: Option<String>) -> TokenId {
        let id = self.next_id();
        self.place(Token {
            id,
            scope,
            element: element.to_owned(),
            via,
            wait: None,
            listens: Vec::new(),
            local: Map::new(),
        });
        id
    }

    fn place(&mut self, token: Token) {
        let id = token.id;
        if token.wait.is_none() {
            self.ready.insert(id);
        }
        if token.wait == Some(Wait::Join) {
            self.joining.insert(id);
        }
        self.watch(id, &token.listens);
        self.placed.entry(token.scope).or_default().entry(token.element.clone()).or_default().insert(id);
        self.tokens.insert(id, token);
        self.changed.insert(Changed::Token(id));
    }

    /// Takes a token out of its place; the caller is done with it.
    pub(crate) fn remove_token(&mut self, id: TokenId) -> Option<Token> {
        let token = self.tokens.remove(&id)?;
        self.ready.remove(&id);
        self.joining.remove(&id);
        self.watching.remove(&id);
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
            if wait == Some(Wait::Join) {
                self.joining.insert(id);
            } else {
                self.joining.remove(&id);
            }
            token.wait = wait;
            self.changed.insert(Changed::Token(id));
        }
    }

    /// Timers and subscriptions of a token or a scope.
    pub fn listens(&self, holder: i64) -> &[Listen] {
        let token = self.tokens.get(&holder).map(|token| &token.listens);
        token.or_else(|| self.scopes.get(&holder).map(|scope| &scope.listens)).map_or(&[][..], |l| l)
    }

    pub(crate) fn listens_mut(&mut self, holder: i64) -> Option<&mut Vec<Listen>> {
        if let Some(token) = self.tokens.get_mut(&holder) {
            self.changed.insert(Changed::Token(holder));
            return Some(&mut token.listens);
        }
        let scope = self.scopes.get_mut(&holder)?;
        self.changed.insert(Changed::Scope(holder));
        Some(&mut scope.listens)
    }

    pub(crate) fn scope_mut(&mut self, id: ScopeId) -> Option<&mut Scope> {
        self.changed.insert(Changed::Scope(id));
        self.scopes.get_mut(&id)
    }

    pub(crate) fn local_mut(&mut self, id: TokenId) -> Option<&mut Map<String, Json>> {
        self.changed.insert(Changed::Token(id));
        self.tokens.get_mut(&id).map(|token| &mut token.local)
    }

    /// Remembers a token or scope among its listens is a condition.
    pub(crate) fn watch(&mut self, holder: i64, listens: &[Listen]) {
        if listens.iter().any(|l| matches!(l.to, Trigger::Condition { .. })) {
            self.watching.insert(holder);
        }
    }

    pub(crate) fn watching(&self) -> Vec<i64> {
        self.watching.iter().copied().collect()
    }

    pub(crate) fn joining(&self) -> impl Iterator<Item = TokenId> {
        self.joining.iter().copied()
    }

    pub(crate) fn first_spawning(&self) -> Option<ScopeId> {
        self.spawning.first().copied()
    }

    /// Brings the list of scopes with items still to begin up to date.
    pub(crate) fn respawn(&mut self, id: ScopeId) {
        if self.scopes.get(&id).is_some_and(spawns) {
            self.spawning.insert(id);
        } else {
            self.spawning.remove(&id);
        }
    }

    /// Elements of a scope at which there are tokens.
    pub(crate) fn occupied(&self, scope: ScopeId) -> impl Iterator<Item = &str> {
        self.placed.get(&scope).into_iter().flat_map(|elements| elements.keys().map(String::as_str))
    }

    /// Gives a scope a variable of its own.
    pub(crate) fn declare(&mut self, scope: ScopeId, name: &str, value: Json) {
        self.instance.bytes += weight(&value);
        let id = self.next_id();
        self.named.entry(scope).or_default().insert(name.to_owned(), id);
        self.variables.insert(id, Variable { id, scope, name: name.to_owned(), value });
        self.changed.insert(Changed::Variable(id));
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
        let mut at = Some(scope);
        while let Some(id) = at {
            if let Some(variable) = self.named.get(&id).and_then(|names| names.get(name)) {
                return self.variables.get(variable).map(|variable| &variable.value);
            }
            let scope = self.scopes.get(&id)?;
            if let ScopeKind::Rounds(rounds) = &scope.kind
                && let Some(value) = rounds.counters.get(name)
            {
                return Some(value);
            }
            if let Some(value) = scope.token.and_then(|t| self.tokens.get(&t)).and_then(|t| t.local.get(name)) {
                return Some(value);
            }
            at = scope.parent;
        }
        None
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
            let old = self.locate(scope, name).and_then(|(_, id)| self.variables.get(&id));
            let old = old.map_or(0, |variable| weight(&variable.value));
            (new <= MAX_VARIABLE).then(|| (sum + new).saturating_sub(old))
        })
    }

    /// Sets a variable where it already is, else in the process itself, and says where.
    pub(crate) fn set(&mut self, scope: ScopeId, name: &str, value: Json) -> ScopeId {
        let mut at = Some(scope);
        while let Some(row) = at.and_then(|id| self.scopes.get(&id)) {
            if self.named.get(&row.id).is_some_and(|names| names.contains_key(name)) {
                break;
            }
            let (home, host) = (row.id, row.token);
            at = row.parent;
            if let Some(token) = host.and_then(|t| self.tokens.get_mut(&t))
                && let Some(own) = token.local.get_mut(name)
            {
                *own = value;
                self.changed.insert(Changed::Token(token.id));
                return home;
            }
        }
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

fn spawns(scope: &Scope) -> bool {
    matches!(&scope.kind, ScopeKind::Rounds(r) if !r.sequential && r.total.is_some_and(|total| r.begun < total))
}

/// Bytes of a value's JSON text.
pub(crate) fn weight(value: &Json) -> usize {
    match value {
        Json::Null | Json::Bool(true) => 4,
        Json::Bool(false) => 5,
        Json::Number(number) => number.to_string().len(),
        Json::String(text) => text.len() + 2,
        Json::Array(items) => items.iter().map(|item| weight(item) + 1).sum::<usize>() + 2,
        Json::Object(entries) => entries.iter().map(|(name, item)| name.len() + weight(item) + 4).sum::<usize>() + 2,
    }
}
