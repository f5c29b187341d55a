//! The life cycle of tokens, written once: entering, waiting, listening, leaving, ending scopes, cancelling.

use crate::elements::{self, Fault, Next, boundary_event, catch_event::CatchTrigger};
use crate::event::{Context, Effect, MAX_TOKENS};
use crate::feel::{Over, Variables};
use crate::model::{Element, Kind, Mapping, Process};
use crate::state::{Ended, Listen, ListenId, MAX_VARIABLES, Resume, ScopeId, State, Token, TokenId, Trigger, Wait};
use crate::timer::Armed;
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

/// The variables that a scope sees.
pub(crate) struct View<'a>(pub &'a State, pub ScopeId);

impl Variables for View<'_> {
    fn variable(&self, name: &str) -> Option<&Json> {
        self.0.find(self.1, name)
    }
}

impl Run<'_> {
    // What elements ask for. ------------------------------------------------------------------------------------------

    /// The variables that a token sees.
    pub fn view(&self, token: TokenId) -> View<'_> {
        View(self.state, self.state.token(token).map_or(0, |t| t.scope))
    }

    /// A variable that a token sees.
    pub fn variable(&self, token: TokenId, name: &str) -> Option<&Json> {
        self.state.token(token).and_then(|t| self.state.find(t.scope, name))
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
        let view = self.view(token);
        match trigger {
            CatchTrigger::Timer(spec) => {
                let armed = spec.arm(&view, &self.context.clock).map_err(|why| Fault::new("timer", why))?;
                Ok(Trigger::Timer { due: armed.due, every: armed.every, left: armed.left })
            }
            CatchTrigger::Message(spec) => {
                let key = match &spec.correlation {
                    None => None,
                    Some(expression) => match expression.evaluate_text(&view, &self.context.clock)? {
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
        while let Some(token) = self.state.first_ready() {
            if self.left == 0 {
                self.effects.push(Effect::ContinueLater);
                return;
            }
            self.enter(token);
        }
    }

    fn enter(&mut self, id: TokenId) {
        let Some(element) = self.state.token(id).map(|t| t.element.clone()) else { return };
        self.left = self.left.saturating_sub(1);
        self.state.instance.steps += 1;
        self.state.instance.run += 1;
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
        // First everything is worked out, then it is done: a fault leaves nothing half set.
        let boundary = if armed { Ok(Vec::new()) } else { boundary_event::listens(self, id, element) };
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
            Next::Open(start) => {
                let Some(parent) = self.state.token(id).map(|t| t.scope) else { return };
                let scope = self.state.add_scope(Some(parent), Some(id), &element.id);
                self.state.set_wait(id, Some(Wait::Scope { scope }));
                for (event, trigger) in boundary {
                    self.listen(id, event, trigger);
                }
                self.state.add_token(scope, &self.process.elements[start].id, None);
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
                let Some(token) = self.state.remove_token(id) else { return };
                let host = self.state.scope(token.scope).and_then(|s| s.token);
                match host.and_then(|host| self.catcher(host, &code)) {
                    Some((host, event)) => self.boundary(host, event, Json::Null, true),
                    None => self.end(Ended::Failed { code }),
                }
            }
        }
    }

    /// Sets one timer or subscription.
    fn listen(&mut self, token: TokenId, element: String, to: Trigger) {
        let id = self.state.next_id();
        self.effects.push(match &to {
            Trigger::Timer { due, .. } => {
                Effect::TimerSet { token, timer: id, element: element.clone(), due: due.clone() }
            }
            Trigger::Message { name, key } => Effect::Subscribed {
                token,
                subscription: id,
                element: element.clone(),
                name: name.clone(),
                key: key.clone(),
            },
        });
        if let Some(listens) = self.state.listens_mut(token) {
            listens.push(Listen { id, element, to });
        }
    }

    fn unlisten(&mut self, token: TokenId, listen: &Listen) {
        self.effects.push(match listen.to {
            Trigger::Timer { .. } => Effect::TimerCancelled { token, timer: listen.id },
            Trigger::Message { .. } => Effect::Unsubscribed { token, subscription: listen.id },
        });
    }

    /// Leaves by every flow whose condition holds, else by the default.
    pub fn leave(&mut self, id: TokenId) {
        let process = self.process;
        let Some(element) = self.state.token(id).and_then(|t| process.element(&t.element)) else { return };
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
    fn go(&mut self, id: TokenId, flows: &[usize]) {
        if flows.len() > 1 && self.state.tokens.len() + flows.len() > MAX_TOKENS {
            let fault = Fault::new("too_many_tokens", format!("more than {MAX_TOKENS} tokens"));
            return self.incident(id, fault, Resume::Leave);
        }
        let Some(token) = self.state.remove_token(id) else { return };
        for listen in &token.listens {
            self.unlisten(id, listen);
        }
        self.effects.push(Effect::Left { token: id, element: token.element });
        for flow in flows {
            let flow = &self.process.flows[*flow];
            let target = &self.process.elements[flow.target].id;
            self.state.add_token(token.scope, target, Some(flow.id.clone()));
        }
        if flows.is_empty() {
            self.close(token.scope, Ended::Completed);
        }
    }

    /// Ends a scope whose last token is gone.
    fn close(&mut self, id: ScopeId, how: Ended) {
        if !self.state.is_empty(id) {
            return;
        }
        match self.state.scope(id).and_then(|scope| scope.token) {
            Some(token) => {
                self.state.remove_scope(id);
                self.leave(token);
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
        }
        self.state.instance.ended = Some(how.clone());
        self.effects.push(Effect::InstanceEnded(how));
    }

    /// Takes a token away with everything that hangs on it.
    fn cancel(&mut self, id: TokenId) {
        let Some(token) = self.state.remove_token(id) else { return };
        match &token.wait {
            Some(Wait::Task) => self.effects.push(Effect::TaskCancelled { token: id }),
            Some(Wait::Operation) => self.effects.push(Effect::OperationCancelled { token: id }),
            Some(Wait::Scope { scope }) => {
                for inner in self.state.inside(*scope) {
                    self.cancel(inner);
                }
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

    fn park(&mut self, id: TokenId, element: String, code: String, message: String, resume: Resume) {
        let wait = Wait::Incident { code: code.clone(), message: message.clone(), resume };
        self.state.set_wait(id, Some(wait));
        self.effects.push(Effect::IncidentRaised { token: id, element, code, message });
    }

    // Events. ---------------------------------------------------------------------------------------------------------

    /// The work at a token is done: maps its result and leaves.
    pub fn finish(&mut self, id: TokenId, result: Json) {
        let Some(token) = self.state.token(id) else { return };
        let scope = token.scope;
        let mappings = self.process.element(&token.element).map_or(&[][..], |e| elements::outputs(&e.kind));
        let values = self.outputs(id, mappings, &result).and_then(|values| self.fits(scope, values));
        match values {
            Ok(values) => {
                self.assign(scope, values);
                self.leave(id);
            }
            Err(fault) => self.incident(id, fault, Resume::Output { output: result }),
        }
    }

    fn outputs(&self, id: TokenId, mappings: &[Mapping], result: &Json) -> Result<Map<String, Json>, Fault> {
        if mappings.is_empty() { Ok(Map::new()) } else { self.map(id, mappings, &sources(result)) }
    }

    fn fits(&self, scope: ScopeId, values: Map<String, Json>) -> Result<Map<String, Json>, Fault> {
        match self.state.bytes_with(scope, &values) {
            Some(bytes) if bytes <= MAX_VARIABLES => Ok(values),
            _ => Err(Fault::new("too_large", "the variables are too large")),
        }
    }

    /// Sets variables that are known to fit.
    pub fn assign(&mut self, scope: ScopeId, values: Map<String, Json>) {
        for (name, value) in values {
            let home = self.state.set(scope, &name, value.clone());
            self.effects.push(Effect::VariableSet { scope: home, name, value });
        }
    }

    /// A timer or message of a token came.
    pub fn fire(&mut self, id: TokenId, listen: ListenId, payload: Json) {
        let Some(token) = self.state.token(id) else { return };
        let Some(listen) = token.listens.iter().find(|l| l.id == listen).cloned() else { return };
        if listen.element == token.element {
            return self.finish(id, payload);
        }
        let Some(index) = self.process.by_id.get(&listen.element).copied() else {
            return;
        };
        match &self.process.elements[index].kind {
            Kind::Boundary(event) => {
                let interrupting = event.interrupting;
                if !interrupting {
                    self.rearm(id, &listen);
                }
                self.boundary(id, index, payload, interrupting);
            }
            // An event behind a gateway: the token leaves the gateway and the event is over at once.
            _ => {
                let Some(token) = self.retire(id) else { return };
                self.effects.push(Effect::Left { token: id, element: token.element });
                self.happen(token.scope, index, payload);
            }
        }
    }

    /// After a non-interrupting event: a message goes on being waited for, a cycle is set again, a timer is gone.
    fn rearm(&mut self, id: TokenId, listen: &Listen) {
        let Trigger::Timer { due, every, left } = &listen.to else { return };
        if let Some(listens) = self.state.listens_mut(id) {
            listens.retain(|l| l.id != listen.id);
        }
        self.unlisten(id, listen);
        let armed = Armed { due: due.clone(), every: every.clone(), left: *left };
        // The cycle was valid when it was set; where the calendar ends, it ends too.
        if let Ok(Some(next)) = armed.next(&self.context.clock) {
            let trigger = Trigger::Timer { due: next.due, every: next.every, left: next.left };
            self.listen(id, listen.element.clone(), trigger);
        }
    }

    /// A boundary event on a token happens.
    pub fn boundary(&mut self, host: TokenId, event: usize, payload: Json, interrupting: bool) {
        let Some(scope) = self.state.token(host).map(|t| t.scope) else { return };
        if interrupting {
            self.cancel(host);
        }
        self.happen(scope, event, payload);
    }

    /// An event happens at its element: entered, mapped and left at once.
    fn happen(&mut self, scope: ScopeId, index: usize, payload: Json) {
        let element = self.process.elements[index].id.clone();
        let token = self.state.add_token(scope, &element, None);
        self.left = self.left.saturating_sub(1);
        self.state.instance.steps += 1;
        self.state.instance.run += 1;
        self.effects.push(Effect::Entered { token, element });
        self.finish(token, payload);
    }

    fn retire(&mut self, id: TokenId) -> Option<Token> {
        let token = self.state.remove_token(id)?;
        for listen in &token.listens {
            self.unlisten(id, listen);
        }
        Some(token)
    }

    /// The boundary event that catches an error thrown at a token: on its own element or on those around.
    fn catcher(&self, id: TokenId, code: &str) -> Option<(TokenId, usize)> {
        let mut at = Some(id);
        while let Some(token) = at.and_then(|id| self.state.token(id)) {
            let events = self.process.element(&token.element).map_or(&[][..], |e| &e.boundary);
            let catches = |exact: bool| {
                events.iter().copied().find(|index| match &self.process.elements[*index].kind {
                    Kind::Boundary(event) => event.catches(code) && event.is_exact() == exact,
                    _ => false,
                })
            };
            // An event for this very code goes before one for every error.
            if let Some(event) = catches(true).or_else(|| catches(false)) {
                return Some((token.id, event));
            }
            at = self.state.scope(token.scope).and_then(|scope| scope.token);
        }
        None
    }

    /// An operation said no.
    pub fn refused(&mut self, id: TokenId, code: &str, message: String) {
        let payload = serde_json::json!({ "code": code, "message": message });
        match self.catcher(id, code) {
            Some((host, event)) => self.boundary(host, event, payload, true),
            None => self.broken(id, code.to_owned(), message),
        }
    }

    /// An operation broke, or said no and nothing catches it.
    pub fn broken(&mut self, id: TokenId, code: String, message: String) {
        let Some(element) = self.state.token(id).map(|t| t.element.clone()) else { return };
        self.park(id, element, code, message, Resume::Activate { armed: true });
    }

    /// An incident is tried again.
    pub fn retry(&mut self, id: TokenId, resume: Resume) {
        match resume {
            Resume::Activate { armed } => {
                self.left = self.left.saturating_sub(1);
                self.behave(id, armed);
            }
            Resume::Output { output } => self.finish(id, output),
            Resume::Leave => self.leave(id),
        }
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
