//! What is thrown inside of an instance and who catches it: errors, escalations, signals, conditions; and event
//! sub-processes, which a scope listens for.

use crate::elements::{Fault, Raise, boundary_event, catch_event::CatchTrigger, start_event::StartTrigger};
use crate::event::Effect;
use crate::model::{Element, Kind};
use crate::run::Run;
use crate::state::{Listen, ScopeId, ScopeKind, TokenId, Trigger, Wait};
use serde_json::{Value as Json, json};

/// Who catches an error or escalation.
#[derive(Clone, Copy)]
pub(crate) enum Catcher {
    /// A boundary event.
    Boundary { host: TokenId, event: usize, interrupting: bool },
    /// The start event of an event sub-process.
    Sub { scope: ScopeId, start: usize },
}

/// What is caught.
#[derive(Clone, Copy)]
pub(crate) enum Thrown<'a> {
    Error(&'a str),
    Escalation(&'a str),
}

impl Thrown<'_> {
    /// How well an event fits: 2 its very code, 1 any, 0 not.
    fn fits(self, kind: &Kind) -> u8 {
        let by = |own: &Option<String>, code: &str| match own {
            Some(own) if own == code => 2,
            Some(_) => 0,
            None => 1,
        };
        match (self, kind) {
            (Self::Error(code), Kind::Boundary(event)) if event.catches(code) => 1 + u8::from(event.is_exact()),
            (Self::Escalation(code), Kind::Boundary(event)) if event.catches_escalation(code) => {
                1 + u8::from(event.is_exact())
            }
            (Self::Error(code), Kind::Start(start)) => match &start.trigger {
                StartTrigger::Error(own) => by(own, code),
                _ => 0,
            },
            (Self::Escalation(code), Kind::Start(start)) => match &start.trigger {
                StartTrigger::Escalation(own) => by(own, code),
                _ => 0,
            },
            _ => 0,
        }
    }
}

impl Run<'_> {
    /// The event for this very code, else one for every code.
    fn best(&self, events: &[usize], thrown: Thrown<'_>) -> Option<usize> {
        let fit = |index: &usize| thrown.fits(&self.process.elements[*index].kind);
        [2, 1].iter().find_map(|wanted| events.iter().find(|i| fit(i) == *wanted)).copied()
    }

    /// Who catches what a token throws: boundary events and event sub-processes, from the inside to the outside.
    pub fn catcher(&self, id: TokenId, thrown: Thrown<'_>) -> Option<Catcher> {
        let mut at = Some(id);
        while let Some(token) = at.and_then(|id| self.state.token(id)) {
            let element = self.process.element(&token.element);
            let quiet = self.is_round(token.id) || self.is_undone(token.id);
            let events = element.filter(|_| !quiet).map_or(&[][..], |e| &e.boundary);
            if let Some(event) = self.best(events, thrown) {
                let interrupting =
                    !matches!(&self.process.elements[event].kind, Kind::Boundary(event) if !event.interrupting);
                return Some(Catcher::Boundary { host: token.id, event, interrupting });
            }
            let scope = self.state.scope(token.scope)?;
            let event_sub = matches!(element.map(|e| &e.kind), Some(Kind::SubProcess(sub)) if sub.event);
            if scope.kind == ScopeKind::Body && !event_sub {
                let sub = scope.parent.and_then(|_| self.process.by_id.get(&scope.element).copied());
                let starts = self.process.derived.events.get(&sub).map_or(&[][..], |s| s);
                if let Some(start) = self.best(starts, thrown) {
                    return Some(Catcher::Sub { scope: scope.id, start });
                }
            }
            at = scope.token;
        }
        None
    }

    /// What was thrown is caught.
    pub fn catch(&mut self, catcher: Catcher, payload: Json) {
        match catcher {
            Catcher::Boundary { host, event, interrupting } => self.boundary(host, event, payload, interrupting),
            Catcher::Sub { scope, start } => self.start_sub(scope, start, payload),
        }
    }

    /// A token throws something and goes on, if it is still there.
    pub fn raise(&mut self, id: TokenId, raise: Raise) {
        // It has entered: where what it throws takes it away, that is told.
        self.state.set_wait(id, Some(Wait::Event));
        match raise {
            Raise::Signal { name, payload } => {
                self.broadcast(&name, &payload);
                self.effects.push(Effect::SignalThrown { name, payload });
            }
            Raise::Escalation(code) => self.escalate(id, &code),
            Raise::Compensation(activity) => return self.compensate(id, activity.as_deref()),
        }
        if self.state.ended().is_none() && self.state.token(id).is_some() {
            self.leave(id);
        }
    }

    /// An escalation goes outwards from a token.
    pub fn escalate(&mut self, id: TokenId, code: &str) {
        match self.catcher(id, Thrown::Escalation(code)) {
            Some(catcher) => self.catch(catcher, json!({ "code": code })),
            None => self.effects.push(Effect::EscalationThrown { code: code.to_owned() }),
        }
    }

    /// Everything in this instance that waits for a signal hears it.
    fn broadcast(&mut self, name: &str, payload: &Json) {
        let hears = |l: &&Listen| matches!(&l.to, Trigger::Signal { name: own } if own == name);
        let tokens = self.state.tokens().flat_map(|t| t.listens.iter().filter(hears).map(|l| (t.id, l.id)));
        let scopes = self.state.scopes().flat_map(|s| s.listens.iter().filter(hears).map(|l| (s.id, l.id)));
        let mut found: Vec<(i64, i64)> = tokens.chain(scopes).collect();
        found.sort_by_key(|(_, listen)| *listen);
        for (holder, listen) in found {
            self.fire(holder, listen, payload.clone());
        }
    }

    /// Looks at all conditions that are waited for; fires the first that has become true.
    pub fn fire_condition(&mut self) -> bool {
        for holder in self.state.watching() {
            let listens: Vec<(i64, String, bool)> = self
                .state
                .listens(holder)
                .iter()
                .filter_map(|l| match l.to {
                    Trigger::Condition { held } => Some((l.id, l.element.clone(), held)),
                    _ => None,
                })
                .collect();
            for (listen, element, held) in listens {
                let kind = self.process.element(&element).map(|e| &e.kind);
                let condition = match kind {
                    Some(Kind::Catch(event)) => match &event.trigger {
                        CatchTrigger::Condition(condition) => condition,
                        _ => continue,
                    },
                    Some(Kind::Boundary(event)) => match &event.trigger {
                        boundary_event::BoundaryTrigger::Event(CatchTrigger::Condition(condition)) => condition,
                        _ => continue,
                    },
                    Some(Kind::Start(start)) => match &start.trigger {
                        StartTrigger::Condition(condition) => condition,
                        _ => continue,
                    },
                    _ => continue,
                };
                let view = match self.state.token(holder) {
                    Some(token) => self.view_of(token.scope, Some(holder)),
                    None => self.view_of(holder, None),
                };
                // What cannot be answered yet is not true yet.
                let holds = condition.condition(&view, &self.context.clock).unwrap_or(false);
                if holds != held {
                    if let Some(listens) = self.state.listens_mut(holder)
                        && let Some(own) = listens.iter_mut().find(|l| l.id == listen)
                    {
                        own.to = Trigger::Condition { held: holds };
                    }
                    if holds {
                        self.fire(holder, listen, Json::Null);
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Timers and subscriptions of the boundary events on an element.
    pub fn boundary_listens(&self, id: TokenId, element: &Element) -> Result<Vec<(String, Trigger)>, Fault> {
        boundary_event::listens(self, id, element)
    }

    /// Opens the inside of a process or sub-process: its data objects, and what its event sub-processes listen for.
    pub fn open(
        &mut self,
        parent: Option<ScopeId>,
        token: Option<TokenId>,
        sub: Option<usize>,
    ) -> Result<ScopeId, Fault> {
        let process = self.process;
        let (name, data) = match sub {
            Some(sub) => (&process.elements[sub].id, &process.elements[sub].data),
            None => (&process.id, &process.data),
        };
        let scope = self.state.add_scope(parent, token, name);
        for (name, value) in data {
            self.state.declare(scope, name, value.clone());
            self.effects.push(Effect::VariableSet { scope, name: name.clone(), value: value.clone() });
        }
        let mut listens = Vec::new();
        for start in process.derived.events.get(&sub).into_iter().flatten() {
            let Kind::Start(event) = &process.elements[*start].kind else { continue };
            let Some(trigger) = event.trigger.caught() else { continue };
            match self.trigger_in(&self.view_of(scope, None), &trigger) {
                Ok(trigger) => listens.push((process.elements[*start].id.clone(), trigger)),
                Err(fault) => {
                    self.state.remove_scope(scope);
                    return Err(fault);
                }
            }
        }
        for (element, trigger) in listens {
            self.listen(scope, element, trigger);
        }
        Ok(scope)
    }

    /// A scope no longer listens for its event sub-processes.
    pub fn unlisten_scope(&mut self, scope: ScopeId) {
        if self.state.listens(scope).is_empty() {
            return;
        }
        let listens = self.state.listens_mut(scope).map(std::mem::take).unwrap_or_default();
        for listen in &listens {
            self.unlisten(scope, listen);
        }
    }

    /// An event sub-process begins.
    pub fn start_sub(&mut self, scope: ScopeId, start: usize, payload: Json) {
        let process = self.process;
        let element = &process.elements[start];
        let (Some(sub), Kind::Start(event)) = (element.parent, &element.kind) else { return };
        if event.interrupting && event.trigger != StartTrigger::Compensation {
            for token in self.state.inside(scope) {
                self.cancel(token);
            }
            self.unlisten_scope(scope);
        }
        let id = &process.elements[sub].id;
        let token = self.state.add_token(scope, id, None);
        self.left = self.left.saturating_sub(1);
        self.state.instance.steps += 1;
        self.state.instance.run += 1;
        self.effects.push(Effect::Entered { token, element: id.clone() });
        match self.open(Some(scope), Some(token), Some(sub)) {
            Ok(inner) => {
                self.state.set_wait(token, Some(Wait::Scope { scope: inner }));
                self.happen(inner, start, payload);
            }
            Err(fault) => self.incident(token, fault, crate::state::Resume::Leave),
        }
    }
}
