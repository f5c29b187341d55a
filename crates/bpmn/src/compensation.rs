//! Compensation and the cancelling of transactions: what was done is undone, the latest first.

use crate::elements::{boundary_event::BoundaryTrigger, start_event::StartTrigger};
use crate::event::Effect;
use crate::model::Kind;
use crate::run::Run;
use crate::state::{Completed, ScopeId, ScopeKind, TokenId, Wait};
use serde_json::Value as Json;

impl Run<'_> {
    /// True for a token that undoes something: no boundary events, no flows.
    pub fn is_undone(&self, id: TokenId) -> bool {
        let scope = self.state.token(id).and_then(|token| self.state.scope(token.scope));
        scope.is_some_and(|scope| matches!(scope.kind, ScopeKind::Undo(_)))
    }

    /// The scope in which what was done is remembered: not that of single rounds.
    pub fn home(&self, scope: ScopeId) -> ScopeId {
        match self.state.scope(scope) {
            Some(row) if matches!(row.kind, ScopeKind::Rounds(_)) => row.parent.map_or(scope, |p| self.home(p)),
            _ => scope,
        }
    }

    /// The start event of an event sub-process for compensation in a sub-process, if it has one.
    fn compensator(&self, sub: usize) -> Option<usize> {
        let events = self.process.derived.events.get(&Some(sub))?;
        let is = |i: &&usize| matches!(&self.process.elements[**i].kind, Kind::Start(s) if s.trigger == StartTrigger::Compensation);
        events.iter().find(is).copied()
    }

    /// A sub-process is done: what was done in it can be undone as one.
    pub fn remember_scope(&mut self, id: ScopeId) {
        let Some(row) = self.state.scope(id).filter(|row| row.kind == ScopeKind::Body) else { return };
        let (Some(parent), Some(token)) = (row.parent, row.token) else { return };
        let Some(sub) = self.process.by_id.get(&row.element).copied() else { return };
        let element = &self.process.elements[sub];
        let event = matches!(&element.kind, Kind::SubProcess(sub) if sub.event);
        let nothing = row.completed.is_empty() && self.compensator(sub).is_none();
        if event || element.handler.is_some() || nothing || self.is_undone(token) {
            return;
        }
        let local = self.state.token(token).map(|t| t.local.clone()).unwrap_or_default();
        // The handlers see the variables of the sub-process as they were at its end.
        let own = self.state.variables().filter(|v| v.scope == id).map(|v| (v.name.clone(), v.value.clone()));
        let done = Completed {
            element: row.element.clone(),
            local: local.into_iter().chain(own).collect(),
            inner: row.completed.clone(),
        };
        let home = self.home(parent);
        if let Some(scope) = self.state.scope_mut(home) {
            scope.completed.push(done);
        }
    }

    /// Takes what is to be undone out of the scope of a token: one activity, or all.
    fn undoable(&mut self, scope: ScopeId, activity: Option<&str>) -> Vec<Completed> {
        let mut at = Some(self.home(scope));
        while let Some(id) = at {
            let Some(row) = self.state.scope_mut(id) else { break };
            let (wanted, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut row.completed)
                .into_iter()
                .partition(|done| activity.is_none_or(|activity| done.element == activity));
            row.completed = rest;
            let (element, parent) = (row.element.clone(), row.parent);
            // From inside of an event sub-process the scope around is meant, too.
            let event = self.process.element(&element).map(|e| &e.kind);
            let event = matches!(event, Some(Kind::SubProcess(sub)) if sub.event);
            if !wanted.is_empty() || !event {
                return wanted;
            }
            at = parent.map(|parent| self.home(parent));
        }
        Vec::new()
    }

    /// A token throws compensation: it waits until all is undone.
    pub fn compensate(&mut self, id: TokenId, activity: Option<&str>) {
        let Some(token) = self.state.token(id) else { return };
        let (scope, element) = (token.scope, token.element.clone());
        let done = self.undoable(scope, activity);
        if done.is_empty() {
            return self.after_compensation(id);
        }
        let undo = self.state.add_scope(Some(scope), Some(id), &element);
        if let Some(row) = self.state.scope_mut(undo) {
            row.kind = ScopeKind::Undo(done);
        }
        self.state.set_wait(id, Some(Wait::Scope { scope: undo }));
        self.undo_next(undo);
    }

    /// Undoes the latest activity of a scope, all its rounds together; false where nothing is left.
    pub fn undo_next(&mut self, scope: ScopeId) -> bool {
        let Some(row) = self.state.scope_mut(scope) else { return false };
        let ScopeKind::Undo(rest) = &mut row.kind else { return false };
        let Some(last) = rest.last().map(|done| done.element.clone()) else { return false };
        let (group, others) = std::mem::take(rest).into_iter().partition(|done| done.element == last);
        *rest = others;
        let group: Vec<Completed> = group;
        for done in group.into_iter().rev() {
            self.undo(scope, done);
        }
        true
    }

    fn undo(&mut self, scope: ScopeId, done: Completed) {
        let process = self.process;
        let Some(element) = process.element(&done.element) else { return };
        let token = match element.handler {
            Some(handler) => self.state.add_token(scope, &process.elements[handler].id, None),
            None => self.state.add_token(scope, &done.element, None),
        };
        if let Some(local) = self.state.local_mut(token) {
            *local = done.local;
        }
        if element.handler.is_some() {
            return;
        }
        self.effects.push(Effect::Entered { token, element: done.element.clone() });
        let inner = self.state.add_scope(Some(scope), Some(token), &done.element);
        let compensator = process.by_id.get(&done.element).and_then(|sub| self.compensator(*sub));
        if let Some(row) = self.state.scope_mut(inner) {
            match compensator {
                Some(_) => {
                    row.kind = ScopeKind::Undo(Vec::new());
                    row.completed = done.inner;
                }
                None => row.kind = ScopeKind::Undo(done.inner),
            }
        }
        self.state.set_wait(token, Some(Wait::Scope { scope: inner }));
        match compensator {
            Some(start) => self.start_sub(inner, start, Json::Null),
            None if !self.undo_next(inner) => self.close(inner, crate::Ended::Completed),
            None => {}
        }
    }

    /// All is undone: the thrower goes on, a cancelled transaction ends.
    pub fn after_compensation(&mut self, id: TokenId) {
        let kind = self.state.token(id).and_then(|t| self.process.element(&t.element)).map(|e| &e.kind);
        if !matches!(kind, Some(Kind::End(crate::EndEvent::Cancel))) {
            return self.leave(id);
        }
        let Some(token) = self.state.token(id) else { return };
        let mut host = self.state.scope(token.scope).and_then(|s| s.token);
        while let Some(round) = host.filter(|host| self.is_round(*host)) {
            host = self.state.token(round).and_then(|t| self.state.scope(t.scope)).and_then(|s| s.token);
        }
        let Some(host) = host else { return self.leave(id) };
        let events = self.state.token(host).and_then(|t| self.process.element(&t.element));
        let is_cancel = |i: &&usize| matches!(&self.process.elements[**i].kind, Kind::Boundary(b) if b.trigger == BoundaryTrigger::Cancel);
        let event = events.and_then(|e| e.boundary.iter().find(is_cancel)).copied();
        self.effects.push(Effect::Left { token: id, element: token.element.clone() });
        self.state.remove_token(id);
        match event {
            Some(event) => self.boundary(host, event, Json::Null, true),
            None => self.go(host, &[]),
        }
    }

    /// A cancel end event: what runs in the transaction is stopped, what was done in it undone.
    pub fn cancel_transaction(&mut self, id: TokenId) {
        let Some(scope) = self.state.token(id).map(|t| t.scope) else { return };
        for other in self.state.inside(scope).into_iter().filter(|other| *other != id) {
            self.cancel(other);
        }
        self.unlisten_scope(scope);
        self.compensate(id, None);
    }
}
