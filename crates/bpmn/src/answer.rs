//! What comes from outside for a token: results, timers, messages, refusals, retries.

use crate::elements::{self, Fault};
use crate::event::Effect;
use crate::model::{Kind, Mapping};
use crate::raise::Thrown;
use crate::run::{Run, sources};
use crate::state::{Listen, ListenId, MAX_VARIABLES, Resume, ScopeId, Token, TokenId, Trigger};
use crate::timer::Armed;
use serde_json::{Map, Value as Json};

impl Run<'_> {
    /// The work at a token is done: maps its result and leaves.
    pub fn finish(&mut self, id: TokenId, result: Json) {
        let Some(token) = self.state.token(id) else { return };
        let scope = token.scope;
        let kind = self.process.element(&token.element).map(|e| &e.kind);
        let mappings = kind.map_or(&[][..], elements::outputs);
        let values = self.outputs(id, mappings, &result).and_then(|mut values| {
            match kind {
                Some(Kind::Call(call)) if call.all_out => {
                    values.extend(result.as_object().cloned().unwrap_or_default());
                }
                Some(kind) => {
                    if let Some(name) = elements::result(kind) {
                        let shaped = match kind {
                            Kind::Rule(task) => task.shaped(result.clone()),
                            _ => result.clone(),
                        };
                        values.insert(name.to_owned(), shaped);
                    }
                }
                None => {}
            }
            self.fits(scope, values)
        });
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

    pub fn fits(&self, scope: ScopeId, values: Map<String, Json>) -> Result<Map<String, Json>, Fault> {
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
        let Some(listen) = self.state.listens(id).iter().find(|l| l.id == listen).cloned() else { return };
        let Some(token) = self.state.token(id) else {
            let Some(start) = self.process.by_id.get(&listen.element).copied() else { return };
            if matches!(&self.process.elements[start].kind, Kind::Start(event) if !event.interrupting) {
                self.rearm(id, &listen);
            }
            return self.start_sub(id, start, payload);
        };
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
    fn rearm(&mut self, id: i64, listen: &Listen) {
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
    pub fn happen(&mut self, scope: ScopeId, index: usize, payload: Json) {
        let element = self.process.elements[index].id.clone();
        let token = self.state.add_token(scope, &element, None);
        self.left = self.left.saturating_sub(1);
        self.state.instance.steps += 1;
        self.state.instance.run += 1;
        self.effects.push(Effect::Entered { token, element });
        self.finish(token, payload);
    }

    pub fn retire(&mut self, id: TokenId) -> Option<Token> {
        let token = self.state.remove_token(id)?;
        for listen in &token.listens {
            self.unlisten(id, listen);
        }
        Some(token)
    }

    /// An operation said no.
    pub fn refused(&mut self, id: TokenId, code: &str, message: String) {
        let payload = serde_json::json!({ "code": code, "message": message });
        match self.catcher(id, Thrown::Error(code)) {
            Some(catcher) => self.catch(catcher, payload),
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
