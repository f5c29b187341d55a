//! Loops and multi-instance activities: how an activity is repeated. Each round is a token of its own inside of a scope
//! that the activity's token waits on; items are never copied but for the one of a round.

use crate::elements::Fault;
use crate::event::MAX_TOKENS;
use crate::feel::{Expression, Feel, Variables};
use crate::model::{Element, Mapping};
use crate::parse::{Reading, is_name};
use crate::run::Run;
use crate::state::{Completed, Resume, Rounds, ScopeId, ScopeKind, TokenId, Wait};
use crate::xml::Node;
use serde_json::{Map, Value as Json};

/// How an activity is repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeat {
    /// One round after the other.
    pub sequential: bool,
    /// How many rounds: a number.
    pub cardinality: Option<Expression>,
    /// One round for each of its items.
    pub collection: Option<Expression>,
    /// The variable that gets the item.
    pub item: Option<String>,
    /// Ends the activity early: true after a round.
    pub completion: Option<Feel>,
    /// For a standard loop: whether there is another round.
    pub again: Option<Feel>,
    /// For a standard loop: the condition is asked before the first round, too.
    pub before: bool,
    /// For a standard loop: most rounds.
    pub most: Option<u32>,
    /// True for a standard loop.
    pub standard: bool,
    /// The number of the first round.
    pub first: u32,
    /// The list that the rounds fill and what each puts in.
    pub collected: Option<Mapping>,
}

/// Rounds that are begun at once.
const CHUNK: u32 = 50;

pub(crate) fn parse(node: &Node, reading: &mut Reading) -> Option<Box<Repeat>> {
    if let Some(node) = node.all("standardLoopCharacteristics").next() {
        let condition = node.all("loopCondition").next().map(|c| c.text.trim().to_owned());
        return Some(Box::new(Repeat {
            sequential: true,
            again: condition.filter(|c| !c.is_empty()).and_then(|c| reading.feel(&c)),
            before: node.attr("testBefore") == Some("true"),
            most: node.attr("loopMaximum").and_then(|m| m.parse().ok()),
            standard: true,
            ..Repeat::empty()
        }));
    }
    let node = node.all("multiInstanceLoopCharacteristics").next()?;
    let text = |name: &str| node.all(name).next().map(|n| n.text.trim().to_owned()).filter(|t| !t.is_empty());
    let zeebe = node.vendors("loopCharacteristics").next();
    let mut repeat = Repeat { sequential: node.attr("isSequential") == Some("true"), ..Repeat::empty() };
    if let Some(cardinality) = text("loopCardinality") {
        let written = cardinality.starts_with('=') || crate::juel::is_juel(&cardinality);
        repeat.cardinality = reading.expression(&if written { cardinality } else { format!("={cardinality}") });
    }
    let own = node.celek("collection").or(node.vendor("collection")).or(zeebe.and_then(|z| z.attr("inputCollection")));
    if let Some(collection) = own.map(str::to_owned).or_else(|| text("loopDataInputRef")) {
        let written = collection.starts_with('=') || crate::juel::is_juel(&collection);
        repeat.collection = reading.expression(&if written { collection } else { format!("={collection}") });
    }
    let item = node.all("inputDataItem").next().and_then(|n| n.attr("name").or(n.attr("id")));
    let item =
        node.celek("item").or(node.vendor("elementVariable")).or(zeebe.and_then(|z| z.attr("inputElement"))).or(item);
    repeat.item = item.map(str::to_owned).filter(|name| is_name(name));
    repeat.completion = text("completionCondition").and_then(|c| reading.feel(&c));
    if let Some(zeebe) = zeebe {
        repeat.first = 1;
        if let (Some(list), Some(each)) = (zeebe.attr("outputCollection"), zeebe.attr("outputElement")) {
            repeat.collected = reading.vendor_mapping(each, list);
        }
    } else if let (Some(list), Some(each)) = (node.celek("results"), node.celek("result")) {
        repeat.collected = reading.vendor_mapping(each, list);
    }
    if repeat.cardinality.is_none() && repeat.collection.is_none() {
        reading.unsupported("A multi-instance activity without a number or a collection");
        return None;
    }
    Some(Box::new(repeat))
}

impl Repeat {
    fn empty() -> Self {
        Self {
            sequential: false,
            cardinality: None,
            collection: None,
            item: None,
            completion: None,
            again: None,
            before: false,
            most: None,
            standard: false,
            first: 0,
            collected: None,
        }
    }

    fn total(&self, view: &dyn Variables, run: &Run<'_>) -> Result<Option<u32>, Fault> {
        if self.standard {
            return Ok(None);
        }
        let wrong = |what: &str| Err(Fault::new("multi_instance", what));
        let count = match (&self.collection, &self.cardinality) {
            (Some(collection), _) => match collection.evaluate(view, &run.context.clock)? {
                Json::Array(items) => items.len() as u64,
                _ => return wrong("the collection is no list"),
            },
            (None, Some(cardinality)) => {
                let number = cardinality.evaluate(view, &run.context.clock)?;
                let text = number.as_str().and_then(|t| t.trim().parse().ok());
                match number.as_u64().or(text) {
                    Some(number) => number,
                    None => return wrong("the number of rounds is no whole number"),
                }
            }
            (None, None) => return wrong("neither a number nor a collection"),
        };
        match u32::try_from(count).ok().filter(|count| (*count as usize) < MAX_TOKENS) {
            Some(count) => Ok(Some(count)),
            None => Err(Fault::new("too_many_tokens", format!("more than {MAX_TOKENS} rounds"))),
        }
    }
}

impl Run<'_> {
    /// True for a token that is one round of its activity, not the activity itself.
    pub fn is_round(&self, id: TokenId) -> bool {
        let Some(token) = self.state.token(id) else { return false };
        let scope = self.state.scope(token.scope);
        scope.is_some_and(|s| matches!(s.kind, ScopeKind::Rounds(_)) && s.element == token.element)
    }

    /// True for a round of an activity whose number of rounds is known.
    pub fn is_counted(&self, id: TokenId) -> bool {
        let scope = self.state.token(id).filter(|_| self.is_round(id)).and_then(|t| self.state.scope(t.scope));
        matches!(scope.map(|s| &s.kind), Some(ScopeKind::Rounds(rounds)) if rounds.total.is_some())
    }

    /// An activity that is repeated begins.
    pub fn begin(&mut self, id: TokenId, element: &Element, repeat: &Repeat, armed: bool) -> Result<(), Fault> {
        let Some(parent) = self.state.token(id).map(|t| t.scope) else { return Ok(()) };
        let view = self.view(id);
        let total = repeat.total(&view, self)?;
        let none = match (&repeat.again, repeat.before) {
            (Some(again), true) => !again.condition(&view, &self.context.clock)?,
            _ => repeat.most == Some(0),
        };
        let listens = if armed || self.is_undone(id) { Vec::new() } else { self.boundary_listens(id, element)? };
        if none || total == Some(0) {
            self.leave(id);
            return Ok(());
        }
        let scope = self.state.add_scope(Some(parent), Some(id), &element.id);
        let mut rounds = Rounds { total, sequential: repeat.sequential, ..Rounds::default() };
        rounds.count();
        if let Some(row) = self.state.scope_mut(scope) {
            row.kind = ScopeKind::Rounds(rounds);
        }
        self.state.set_wait(id, Some(Wait::Scope { scope }));
        for (event, trigger) in listens {
            self.listen(id, event, trigger);
        }
        self.spawn(scope);
        Ok(())
    }

    /// Begins the next rounds: one where they go one after the other, else a chunk.
    pub fn spawn(&mut self, scope: ScopeId) {
        let process = self.process;
        let Some(row) = self.state.scope(scope) else { return };
        let (ScopeKind::Rounds(rounds), Some(repeat)) =
            (&row.kind, process.element(&row.element).and_then(|e| e.repeat.as_deref()))
        else {
            return;
        };
        let (element, from, parent) = (row.element.clone(), rounds.begun, row.parent);
        let most = rounds.total.unwrap_or(u32::MAX);
        let until = most.min(from.saturating_add(if rounds.sequential { 1 } else { CHUNK }));
        let items = match (&repeat.collection, &repeat.item) {
            (Some(collection), Some(_)) => {
                let view = self.view_of(parent.unwrap_or(scope), row.token);
                match collection.evaluate(&view, &self.context.clock) {
                    Ok(Json::Array(items)) => items,
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        };
        for number in from..until {
            let mut local = Map::new();
            local.insert("loopCounter".to_owned(), Json::from(number + repeat.first));
            if let Some(name) = &repeat.item {
                local.insert(name.clone(), items.get(number as usize).cloned().unwrap_or(Json::Null));
            }
            let token = self.state.add_token(scope, &element, None);
            if let Some(own) = self.state.local_mut(token) {
                *own = local;
            }
        }
        if let Some(row) = self.state.scope_mut(scope)
            && let ScopeKind::Rounds(rounds) = &mut row.kind
        {
            rounds.begun = until;
            rounds.count();
        }
        self.state.respawn(scope);
    }

    /// A round is done.
    pub fn round_done(&mut self, id: TokenId) {
        let process = self.process;
        let Some(token) = self.state.token(id) else { return };
        let Some(element) = process.element(&token.element) else { return };
        let Some(repeat) = element.repeat.as_deref() else { return };
        let collected = match &repeat.collected {
            Some(mapping) => match mapping.source.evaluate(&self.view(id), &self.context.clock) {
                Ok(value) => Some(value),
                Err(error) => return self.incident(id, error.into(), Resume::Leave),
            },
            None => None,
        };
        let scope = token.scope;
        let number = token.local.get("loopCounter").and_then(Json::as_u64).unwrap_or(0) as usize;
        // What the condition is asked with must already count this round; a fault leaves it uncounted.
        let mut counters = match self.state.scope(scope).map(|s| &s.kind) {
            Some(ScopeKind::Rounds(rounds)) => rounds.clone_without_results(),
            _ => return,
        };
        counters.done += 1;
        counters.count();
        let over = crate::feel::Over(&counters.counters, &self.view(id)).ask(repeat, &counters, self);
        let (finished, again) = match over {
            Ok(answer) => answer,
            Err(fault) => return self.incident(id, fault, Resume::Leave),
        };
        self.remember(id, element);
        let Some(token) = self.retire(id) else { return };
        self.effects.push(crate::Effect::Left { token: id, element: token.element });
        if let Some(row) = self.state.scope_mut(scope)
            && let ScopeKind::Rounds(rounds) = &mut row.kind
        {
            rounds.done = counters.done;
            rounds.counters = counters.counters;
            if let Some(value) = collected {
                let at = number.saturating_sub(repeat.first as usize);
                if rounds.results.len() <= at {
                    rounds.results.resize(at + 1, Json::Null);
                }
                rounds.results[at] = value;
            }
        }
        if finished {
            self.rounds_over(scope, repeat);
        } else if again {
            self.spawn(scope);
        }
    }

    /// All rounds are over: the activity is done.
    fn rounds_over(&mut self, scope: ScopeId, repeat: &Repeat) {
        for token in self.state.inside(scope) {
            self.cancel(token);
        }
        let Some(row) = self.state.scope(scope).cloned() else { return };
        let Some(host) = row.token else { return };
        self.state.remove_scope(scope);
        if let (ScopeKind::Rounds(rounds), Some(mapping), Some(outer)) = (row.kind, &repeat.collected, row.parent) {
            let mut values = Map::new();
            values.insert(mapping.target.clone(), Json::Array(rounds.results));
            match self.fits(outer, values) {
                Ok(values) => self.assign(outer, values),
                Err(fault) => return self.incident(host, fault, Resume::Leave),
            }
        }
        self.leave(host);
    }

    /// Remembers an activity that can be compensated.
    pub fn remember(&mut self, id: TokenId, element: &Element) {
        if element.handler.is_none() || self.is_undone(id) {
            return;
        }
        let Some(token) = self.state.token(id) else { return };
        // An activity of several rounds is compensated round by round.
        if element.repeat.is_some() && !self.is_round(id) {
            return;
        }
        let done = Completed { element: element.id.clone(), local: token.local.clone(), inner: Vec::new() };
        let home = self.home(token.scope);
        if let Some(scope) = self.state.scope_mut(home) {
            scope.completed.push(done);
        }
    }
}

impl crate::feel::Over<'_> {
    /// Whether the activity is finished, and whether another round begins.
    fn ask(&self, repeat: &Repeat, rounds: &Rounds, run: &Run<'_>) -> Result<(bool, bool), Fault> {
        let clock = &run.context.clock;
        if let Some(completion) = &repeat.completion
            && completion.condition(self, clock)?
        {
            return Ok((true, false));
        }
        if repeat.standard {
            let more = repeat.most.is_none_or(|most| rounds.done < most);
            let again =
                more && repeat.again.as_ref().map_or(Ok(repeat.most.is_some()), |c| c.condition(self, clock))?;
            return Ok((!again, again));
        }
        let finished = rounds.total.is_none_or(|total| rounds.done >= total);
        Ok((finished, !finished && rounds.sequential))
    }
}

impl Rounds {
    /// Brings the counters that expressions see up to date.
    fn count(&mut self) {
        let active = if self.sequential { 1 } else { self.total.unwrap_or(self.begun).saturating_sub(self.done) };
        let all = self.total.unwrap_or(self.begun);
        for (names, value) in [
            (["nrOfInstances", "numberOfInstances"], all),
            (["nrOfCompletedInstances", "numberOfCompletedInstances"], self.done),
            (["nrOfActiveInstances", "numberOfActiveInstances"], active),
        ] {
            for name in names {
                self.counters.insert(name.to_owned(), Json::from(value));
            }
        }
        self.counters.insert("numberOfTerminatedInstances".to_owned(), Json::from(0));
    }

    fn clone_without_results(&self) -> Self {
        Self { results: Vec::new(), counters: self.counters.clone(), ..*self }
    }
}
