//! The life cycle of tokens, written once: entering, waiting, listening, leaving, ending scopes, cancelling.

use crate::elements::{self, Fault, Next, catch_event::CatchTrigger, inclusive_gateway};
use crate::event::{Context, Effect, MAX_TOKENS, StepError};
use crate::feel::{Over, Variables};
use crate::model::{Element, Kind, Mapping, Process};
use crate::raise::Thrown;
use crate::state::{Ended, Listen, Resume, ScopeId, ScopeKind, State, Token, TokenId, Trigger, Wait};
use serde_json::{Map, Value as Json};

/// One step under way.
pub(crate) struct Run<'a> {
    pub process: &'a Process,
    pub state: &'a mut State,
    pub context: &'a Context,
    pub effects: Vec<Effect>,
    /// Elements that may still be entered.
    pub left: u32,
}

/// The variables that a scope sees, and over them those of one token.
pub(crate) struct View<'a>(pub &'a State, pub ScopeId, pub Option<&'a Token>);

impl Variables for View<'_> {
    fn variable(&self, name: &str) -> Option<&Json> {
        self.2.and_then(|token| token.local.get(name)).or_else(|| self.0.find(self.1, name))
    }
}

impl Run<'_> {
    // What elements ask for. ------------------------------------------------------------------------------------------

    /// The variables that a token sees.
    pub fn view(&self, token: TokenId) -> View<'_> {
        self.view_of(self.state.token(token).map_or(0, |t| t.scope), Some(token))
    }

    /// The variables that a scope sees, and over them those of one token.
    pub fn view_of(&self, scope: ScopeId, token: Option<TokenId>) -> View<'_> {
        View(self.state, scope, token.and_then(|token| self.state.token(token)))
    }

    /// All variables that a token sees.
    pub fn all_variables(&self, id: TokenId) -> Map<String, Json> {
        let Some(token) = self.state.token(id) else { return Map::new() };
        let mut scopes = vec![];
        let mut at = Some(token.scope);
        while let Some(scope) = at.and_then(|id| self.state.scope(id)) {
            scopes.push(scope);
            at = scope.parent;
        }
        let mut all = Map::new();
        for scope in scopes.into_iter().rev() {
            if let Some(host) = scope.token.and_then(|host| self.state.token(host)) {
                all.extend(host.local.clone());
            }
            let own = self.state.variables().filter(|v| v.scope == scope.id);
            all.extend(own.map(|v| (v.name.clone(), v.value.clone())));
        }
        all.extend(token.local.clone());
        all
    }

    /// A variable that a token sees.
    pub fn variable(&self, token: TokenId, name: &str) -> Option<&Json> {
        let token = self.state.token(token)?;
        token.local.get(name).or_else(|| self.state.find(token.scope, name))
    }

    /// Evaluates mappings; `over` hides the variables of the token.
    pub fn map(
        &self,
        token: TokenId,
        mappings: &[Mapping],
        over: &Map<String, Json>,
    ) -> Result<Map<String, Json>, Fault> {
        map(mappings, &Over(over, &self.view(token)), self.context)
    }

    /// Works out a timer's moment or a message's key.
    pub fn trigger(&self, token: TokenId, trigger: &CatchTrigger) -> Result<Trigger, Fault> {
        self.trigger_in(&self.view(token), trigger)
    }

    /// The same with the variables of a scope.
    pub fn trigger_in(&self, view: &View<'_>, trigger: &CatchTrigger) -> Result<Trigger, Fault> {
        match trigger {
            CatchTrigger::Signal(name) => Ok(Trigger::Signal { name: name.clone() }),
            CatchTrigger::Condition(_) => Ok(Trigger::Condition { held: false }),
            CatchTrigger::Link(name) => Err(Fault::new("link", format!("nothing waits for the link '{name}'"))),
            CatchTrigger::Timer(spec) => {
                let armed = spec.arm(view, &self.context.clock).map_err(|why| Fault::new("timer", why))?;
                Ok(Trigger::Timer { due: armed.due, every: armed.every, left: armed.left })
            }
            CatchTrigger::Message(spec) => {
                let key = match &spec.correlation {
                    None => None,
                    Some(expression) => match expression.evaluate_text(view, &self.context.clock)? {
                        Some(key) => Some(key),
                        None => return Err(Fault::new("correlation", "the correlation gives no key")),
                    },
                };
                Ok(Trigger::Message { name: spec.name.clone(), key })
            }
        }
    }

    // Life cycle. -----------------------------------------------------------------------------------------------------

    /// Lets tokens act, the oldest first, until all wait or the budget is used up.
    pub fn drain(&mut self) {
        while self.state.ended().is_none() {
            if let Some(token) = self.state.first_ready() {
                if self.left == 0 {
                    self.effects.push(Effect::ContinueLater);
                    return;
                }
                self.enter(token);
            } else if let Some(scope) = self.state.first_spawning() {
                if self.left == 0 {
                    self.effects.push(Effect::ContinueLater);
                    return;
                }
                self.spawn(scope);
            } else if !self.fire_condition() && !self.open_join() {
                return;
            }
        }
    }

    /// Lets the first inclusive gateway go on that nothing more can come to.
    fn open_join(&mut self) -> bool {
        let process = self.process;
        let found = self.state.joining().find_map(|id| {
            let token = self.state.token(id)?;
            let index = process.by_id.get(&token.element).copied()?;
            matches!(process.elements[index].kind, Kind::Inclusive | Kind::Complex(None)).then_some(())?;
            Some((id, index, inclusive_gateway::joins(process, self.state, token, index)?))
        });
        let Some((id, index, others)) = found else { return false };
        self.follow(id, &process.elements[index], Vec::new(), Next::Join(others));
        true
    }

    fn enter(&mut self, id: TokenId) {
        let Some(element) = self.state.token(id).map(|t| t.element.clone()) else { return };
        self.left = self.left.saturating_sub(1);
        self.state.instance.steps += 1;
        // A known number of rounds is no endless loop, however large it is.
        if !self.is_counted(id) {
            self.state.instance.run += 1;
        }
        self.effects.push(Effect::Entered { token: id, element });
        if self.state.instance.run > self.context.max_run {
            let message = format!("more than {} elements without anything from outside", self.context.max_run);
            self.incident(id, Fault::new("endless", message), Resume::Activate { armed: false });
        } else {
            self.behave(id, false);
        }
    }

    /// Lets an element act on a token that has entered it. `armed`: its boundary events already listen.
    pub fn behave(&mut self, id: TokenId, armed: bool) {
        let process = self.process;
        let Some(index) = self.state.token(id).and_then(|t| process.by_id.get(&t.element)).copied() else {
            return self.incident(id, Fault::new("version", "the process has no such element"), Resume::Leave);
        };
        let element = &process.elements[index];
        let round = self.is_round(id);
        if let (Some(repeat), false) = (&element.repeat, round) {
            if let Err(fault) = self.begin(id, element, repeat, armed) {
                self.incident(id, fault, Resume::Activate { armed });
            }
            return;
        }
        if !element.inputs.is_empty() {
            match self.map(id, &element.inputs, &Map::new()).and_then(|own| self.fits(0, own)) {
                Ok(own) => {
                    if let Some(local) = self.state.local_mut(id) {
                        local.extend(own);
                    }
                }
                Err(fault) => return self.incident(id, fault, Resume::Activate { armed }),
            }
        }
        // First everything is worked out, then it is done: a fault leaves nothing half set.
        let quiet = armed || round || self.is_undone(id);
        let boundary = if quiet { Ok(Vec::new()) } else { self.boundary_listens(id, element) };
        let next = boundary.and_then(|listens| Ok((listens, elements::run(self, id, index, element)?)));
        match next {
            Err(fault) => self.incident(id, fault, Resume::Activate { armed }),
            Ok((boundary, next)) => self.follow(id, element, boundary, next),
        }
    }

    fn follow(&mut self, id: TokenId, element: &Element, boundary: Vec<(String, Trigger)>, next: Next) {
        match next {
            Next::Wait { wait, listens, effects } => {
                self.state.set_wait(id, Some(wait));
                self.effects.extend(effects);
                for (event, trigger) in listens.into_iter().chain(boundary) {
                    self.listen(id, event, trigger);
                }
            }
            Next::Leave => self.leave(id),
            Next::Take(flow) => self.go(id, &[flow]),
            Next::Join(others) => {
                for other in others {
                    self.effects.push(Effect::Left { token: other, element: element.id.clone() });
                    self.state.remove_token(other);
                }
                self.leave(id);
            }
            Next::Open(starts) => {
                let Some(parent) = self.state.token(id).map(|t| t.scope) else { return };
                let index = self.process.by_id.get(&element.id).copied();
                let scope = match self.open(Some(parent), Some(id), index) {
                    Ok(scope) => scope,
                    Err(fault) => return self.incident(id, fault, Resume::Activate { armed: false }),
                };
                self.state.set_wait(id, Some(Wait::Scope { scope }));
                for (event, trigger) in boundary {
                    self.listen(id, event, trigger);
                }
                for start in starts {
                    self.state.add_token(scope, &self.process.elements[start].id, None);
                }
            }
            Next::Done(result) => self.finish(id, result),
            Next::Emit(effect) => {
                self.effects.push(effect);
                self.leave(id);
            }
            Next::Raise(raise) => self.raise(id, raise),
            Next::Jump(target) => {
                let Some(token) = self.state.remove_token(id) else { return };
                self.effects.push(Effect::Left { token: id, element: token.element });
                self.state.add_token(token.scope, &self.process.elements[target].id, None);
            }
            Next::CancelTransaction => self.cancel_transaction(id),
            Next::Absorb(flow) => {
                let Some(scope) = self.state.token(id).map(|t| t.scope) else { return };
                if let Some(row) = self.state.scope_mut(scope)
                    && let Some(came) = row.fired.get_mut(&element.id)
                {
                    came.push(flow);
                    if came.len() >= element.incoming.len() {
                        row.fired.remove(&element.id);
                    }
                }
                self.go(id, &[]);
            }
            Next::Fire { others, flows } => {
                let Some(scope) = self.state.token(id).map(|t| t.scope) else { return };
                if let Some(row) = self.state.scope_mut(scope) {
                    row.fired.remove(&element.id);
                    if flows.len() < element.incoming.len() {
                        row.fired.insert(element.id.clone(), flows);
                    }
                }
                self.follow(id, element, boundary, Next::Join(others));
            }
            Next::Terminate => {
                let Some(scope) = self.state.token(id).map(|t| t.scope) else { return };
                for other in self.state.inside(scope).into_iter().filter(|other| *other != id) {
                    self.cancel(other);
                }
                self.effects.push(Effect::Left { token: id, element: element.id.clone() });
                self.state.remove_token(id);
                self.close(scope, Ended::Terminated);
            }
            Next::Throw(code) => {
                self.effects.push(Effect::Left { token: id, element: element.id.clone() });
                let catcher = self.catcher(id, Thrown::Error(&code));
                self.state.remove_token(id);
                match catcher {
                    Some(catcher) => self.catch(catcher, serde_json::json!({ "code": code })),
                    None => self.end(Ended::Failed { code }),
                }
            }
        }
    }

    /// Sets one timer or subscription.
    pub fn listen(&mut self, token: i64, element: String, to: Trigger) {
        let id = self.state.next_id();
        let known = match &to {
            Trigger::Condition { .. } => None,
            Trigger::Signal { name } => Some(Effect::Subscribed {
                token,
                subscription: id,
                element: element.clone(),
                name: name.clone(),
                key: None,
                signal: true,
            }),
            Trigger::Timer { due, .. } => {
                Some(Effect::TimerSet { token, timer: id, element: element.clone(), due: due.clone() })
            }
            Trigger::Message { name, key } => Some(Effect::Subscribed {
                token,
                subscription: id,
                element: element.clone(),
                name: name.clone(),
                key: key.clone(),
                signal: false,
            }),
        };
        self.effects.extend(known);
        let listen = Listen { id, element, to };
        self.state.watch(token, std::slice::from_ref(&listen));
        if let Some(listens) = self.state.listens_mut(token) {
            listens.push(listen);
        }
    }

    pub fn unlisten(&mut self, token: i64, listen: &Listen) {
        match listen.to {
            Trigger::Timer { .. } => self.effects.push(Effect::TimerCancelled { token, timer: listen.id }),
            Trigger::Message { .. } | Trigger::Signal { .. } => {
                self.effects.push(Effect::Unsubscribed { token, subscription: listen.id });
            }
            Trigger::Condition { .. } => {}
        }
    }

    /// Leaves by every flow whose condition holds, else by the default.
    pub fn leave(&mut self, id: TokenId) {
        let process = self.process;
        let Some(element) = self.state.token(id).and_then(|t| process.element(&t.element)) else { return };
        if self.is_round(id) {
            return self.round_done(id);
        }
        if self.is_undone(id) {
            return self.go(id, &[]);
        }
        let conditional = !matches!(element.kind, Kind::Parallel);
        let mut taken = Vec::with_capacity(element.outgoing.len());
        for flow in element.outgoing.iter().filter(|flow| !conditional || Some(**flow) != element.default) {
            let condition = process.flows[*flow].condition.as_ref().filter(|_| conditional);
            match condition.map_or(Ok(true), |c| c.condition(&self.view(id), &self.context.clock)) {
                Ok(true) => taken.push(*flow),
                Ok(false) => {}
                Err(error) => return self.incident(id, error.into(), Resume::Leave),
            }
        }
        if taken.is_empty() {
            taken.extend(element.default);
        }
        if taken.is_empty() && !element.outgoing.is_empty() {
            let fault = Fault::new("no_flow", "no condition holds and there is no default flow");
            return self.incident(id, fault, Resume::Leave);
        }
        self.go(id, &taken);
    }

    /// Leaves by these flows; without any the path ends here.
    pub fn go(&mut self, id: TokenId, flows: &[usize]) {
        if flows.len() > 1 && self.state.tokens.len() + flows.len() > MAX_TOKENS {
            let fault = Fault::new("too_many_tokens", format!("more than {MAX_TOKENS} tokens"));
            return self.incident(id, fault, Resume::Leave);
        }
        if let Some(element) = self.state.token(id).and_then(|t| self.process.element(&t.element)) {
            self.remember(id, element);
        }
        let Some(token) = self.retire(id) else { return };
        self.effects.push(Effect::Left { token: id, element: token.element });
        for flow in flows {
            let flow = &self.process.flows[*flow];
            let target = &self.process.elements[flow.target].id;
            self.state.add_token(token.scope, target, Some(flow.id.clone()));
        }
        if self.ad_hoc_over(token.scope, flows.is_empty()) {
            return;
        }
        if flows.is_empty() {
            self.close(token.scope, Ended::Completed);
        }
    }

    /// After an activity of an ad-hoc sub-process: ends it where its condition says so. True for what is in one.
    fn ad_hoc_over(&mut self, id: ScopeId, last: bool) -> bool {
        let process = self.process;
        let Some(scope) = self.state.scope(id).filter(|s| s.kind == ScopeKind::Body && s.parent.is_some()) else {
            return false;
        };
        let Some(Kind::SubProcess(sub)) = process.element(&scope.element).map(|e| &e.kind) else { return false };
        let Some(ad_hoc) = &sub.ad_hoc else { return false };
        let Some(host) = scope.token else { return false };
        let over = match &ad_hoc.completion {
            Some(condition) => condition.condition(&self.view_of(id, None), &self.context.clock).unwrap_or(false),
            None => false,
        };
        if over && (ad_hoc.cancel_rest || last && self.state.is_empty(id)) {
            self.end_scope(id);
            self.leave(host);
        }
        true
    }

    /// Ends a scope with all that is in it.
    pub fn end_scope(&mut self, id: ScopeId) {
        for token in self.state.inside(id) {
            self.cancel(token);
        }
        self.unlisten_scope(id);
        self.remember_scope(id);
        self.state.remove_scope(id);
    }

    /// Ends a scope whose last token is gone.
    pub fn close(&mut self, id: ScopeId, how: Ended) {
        if !self.state.is_empty(id) || self.undo_next(id) {
            return;
        }
        let undone = matches!(self.state.scope(id).map(|s| &s.kind), Some(ScopeKind::Undo(_)));
        match self.state.scope(id).and_then(|scope| scope.token) {
            Some(token) => {
                self.end_scope(id);
                if undone { self.after_compensation(token) } else { self.leave(token) }
            }
            None => self.end(how),
        }
    }

    /// Ends the instance; what is left of it is cancelled, its variables stay readable.
    pub fn end(&mut self, how: Ended) {
        if let Some(root) = self.state.root() {
            for token in self.state.inside(root) {
                self.cancel(token);
            }
            self.unlisten_scope(root);
        }
        self.state.instance.ended = Some(how.clone());
        self.effects.push(Effect::InstanceEnded(how));
    }

    /// Takes a token away with everything that hangs on it.
    pub fn cancel(&mut self, id: TokenId) {
        let Some(token) = self.state.remove_token(id) else { return };
        match &token.wait {
            Some(Wait::Task) => self.effects.push(Effect::TaskCancelled { token: id }),
            Some(Wait::Operation) => self.effects.push(Effect::OperationCancelled { token: id }),
            Some(Wait::Scope { scope }) => {
                for inner in self.state.inside(*scope) {
                    self.cancel(inner);
                }
                self.unlisten_scope(*scope);
                self.state.remove_scope(*scope);
            }
            Some(Wait::Event | Wait::Join | Wait::Incident { .. }) | None => {}
        }
        for listen in &token.listens {
            self.unlisten(id, listen);
        }
        // A token that has not entered yet leaves no trace.
        if token.wait.is_some() {
            self.effects.push(Effect::Cancelled { token: id, element: token.element });
        }
    }

    /// Parks a token until somebody retries.
    pub fn incident(&mut self, id: TokenId, fault: Fault, resume: Resume) {
        let Some(element) = self.state.token(id).map(|t| t.element.clone()) else { return };
        let (code, message) = (fault.code.to_owned(), fault.message);
        self.park(id, element, code, message, resume);
    }

    pub fn park(&mut self, id: TokenId, element: String, code: String, message: String, resume: Resume) {
        let wait = Wait::Incident { code: code.clone(), message: message.clone(), resume };
        self.state.set_wait(id, Some(wait));
        self.effects.push(Effect::IncidentRaised { token: id, element, code, message });
    }

    /// Opens the process itself.
    pub fn root(&mut self, values: Map<String, Json>) -> Result<ScopeId, StepError> {
        let root = self.open(None, None, None).map_err(|fault| StepError::Mapping(fault.message))?;
        self.assign(root, values);
        Ok(root)
    }
}

/// Evaluates mappings over variables.
pub(crate) fn map(
    mappings: &[Mapping],
    variables: &dyn Variables,
    context: &Context,
) -> Result<Map<String, Json>, Fault> {
    let mut values = Map::new();
    for mapping in mappings {
        values.insert(mapping.target.clone(), mapping.source.evaluate(variables, &context.clock)?);
    }
    Ok(values)
}

/// What output mappings read: the fields of a result by their names, and the whole as `output` and `payload`.
pub(crate) fn sources(result: &Json) -> Map<String, Json> {
    let mut sources = match result {
        Json::Object(fields) => fields.clone(),
        _ => Map::new(),
    };
    for whole in ["output", "payload"] {
        sources.entry(whole).or_insert_with(|| result.clone());
    }
    sources
}
