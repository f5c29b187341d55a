//! Random block-structured processes with random interleavings. `Sim` checks after every step that no token is lost or
//! doubled, that the rows are the state, and that it ends with its last token.

use crate::sim::{Sim, file};
use bpmn::{Event, Failure, Trigger, Wait};
use proptest::prelude::*;
use serde_json::json;
use std::fmt::Write;

/// A part of a process with one way in and one way out.
#[derive(Clone, Debug)]
enum Block {
    Task,
    Service,
    Timer,
    Message,
    Milestone,
    Sequence(Vec<Block>),
    Exclusive(Vec<Block>),
    Parallel(Vec<Block>),
    Race(Box<Block>, Box<Block>),
    /// Ends with a task, so that every round waits for somebody.
    Loop(Box<Block>),
    Sub(Box<Block>),
    /// An activity with a boundary event: interrupting or not, timer, message or error.
    Guarded {
        sub: bool,
        inner: Box<Block>,
        interrupting: bool,
        kind: u8,
        path: Box<Block>,
    },
    /// Sometimes ends its scope.
    Terminate,
    /// A sub-process that sometimes throws an error, which is caught.
    Throw(Box<Block>),
}

fn block() -> impl Strategy<Value = Block> {
    let leaf = prop_oneof![
        Just(Block::Task),
        Just(Block::Service),
        Just(Block::Timer),
        Just(Block::Message),
        Just(Block::Milestone),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let several = || prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            4 => several().prop_map(Block::Sequence),
            3 => several().prop_map(Block::Parallel),
            3 => several().prop_map(Block::Exclusive),
            1 => (boxed(), boxed()).prop_map(|(a, b)| Block::Race(a, b)),
            2 => boxed().prop_map(Block::Loop),
            1 => boxed().prop_map(Block::Sub),
            2 => (any::<bool>(), boxed(), any::<bool>(), 0u8..3, boxed()).prop_map(
                |(sub, inner, interrupting, kind, path)| Block::Guarded { sub, inner, interrupting, kind, path }
            ),
            1 => Just(Block::Terminate),
            1 => boxed().prop_map(Block::Throw),
        ]
    })
}

#[derive(Default)]
struct Writer {
    xml: String,
    next: usize,
}

impl Writer {
    fn id(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}{}", self.next)
    }
    fn node(&mut self, kind: &str, attributes: &str, inner: &str) -> String {
        let id = self.id("n");
        write!(self.xml, r#"<{kind} id="{id}" name="{id}" {attributes}>{inner}</{kind}>"#).unwrap();
        id
    }
    fn flow(&mut self, from: &str, to: &str, condition: &str) -> String {
        let id = self.id("f");
        write!(self.xml, r#"<sequenceFlow id="{id}" sourceRef="{from}" targetRef="{to}">"#).unwrap();
        if !condition.is_empty() {
            write!(self.xml, "<conditionExpression>{condition}</conditionExpression>").unwrap();
        }
        self.xml += "</sequenceFlow>";
        id
    }
    /// A gateway that chooses by `v`; the last path is the default. Its flows are written by their targets.
    fn choose(&mut self, targets: &[String]) -> String {
        let id = self.id("n");
        let mut default = String::new();
        for (n, target) in targets.iter().enumerate() {
            let last = n + 1 == targets.len();
            let flow = self.flow(&id, target, if last { String::new() } else { format!("v = {n}") }.as_str());
            if last {
                default = flow;
            }
        }
        write!(self.xml, r#"<exclusiveGateway id="{id}" default="{default}"/>"#).unwrap();
        id
    }
    fn sub(&mut self, block: &Block, throws: bool) -> String {
        let id = self.id("n");
        write!(self.xml, r#"<subProcess id="{id}" name="{id}">"#).unwrap();
        let (start, end) = (self.node("startEvent", "", ""), self.node("endEvent", "", ""));
        let (first, last) = self.block(block);
        self.flow(&start, &first, "");
        if throws {
            let error = self.node("endEvent", "", r#"<errorEventDefinition errorRef="no"/>"#);
            let gate = self.choose(&[error, end]);
            self.flow(&last, &gate, "");
        } else {
            self.flow(&last, &end, "");
        }
        self.xml += "</subProcess>";
        id
    }
    fn boundary(&mut self, host: &str, interrupting: bool, definition: &str) -> String {
        self.node("boundaryEvent", &format!(r#"attachedToRef="{host}" cancelActivity="{interrupting}""#), definition)
    }

    /// Writes a block and gives its first and last element.
    fn block(&mut self, block: &Block) -> (String, String) {
        const TIMER: &str = "<timerEventDefinition><timeCycle>R2/PT1H</timeCycle></timerEventDefinition>";
        const MESSAGE: &str = r#"<messageEventDefinition messageRef="ping"/>"#;
        let one = |id: String| (id.clone(), id);
        match block {
            Block::Task => one(self.node("userTask", "", "")),
            Block::Service => one(self.node("serviceTask", r#"celek:operation="x""#, "")),
            Block::Timer => one(self.node("intermediateCatchEvent", "", TIMER)),
            Block::Message => one(self.node("intermediateCatchEvent", "", MESSAGE)),
            Block::Milestone => one(self.node("intermediateThrowEvent", "", "")),
            Block::Sequence(blocks) => {
                let parts: Vec<(String, String)> = blocks.iter().map(|b| self.block(b)).collect();
                for pair in parts.windows(2) {
                    self.flow(&pair[0].1, &pair[1].0, "");
                }
                (parts[0].0.clone(), parts[parts.len() - 1].1.clone())
            }
            Block::Parallel(blocks) => {
                let (fork, join) = (self.node("parallelGateway", "", ""), self.node("parallelGateway", "", ""));
                for inner in blocks {
                    let (first, last) = self.block(inner);
                    self.flow(&fork, &first, "");
                    self.flow(&last, &join, "");
                }
                (fork, join)
            }
            Block::Exclusive(blocks) => {
                let join = self.node("exclusiveGateway", "", "");
                let mut firsts = Vec::new();
                for inner in blocks {
                    let (first, last) = self.block(inner);
                    self.flow(&last, &join, "");
                    firsts.push(first);
                }
                (self.choose(&firsts), join)
            }
            Block::Race(one, other) => {
                let (gate, join) = (self.node("eventBasedGateway", "", ""), self.node("exclusiveGateway", "", ""));
                for (definition, inner) in [(TIMER, one), (MESSAGE, other)] {
                    let event = self.node("intermediateCatchEvent", "", definition);
                    let (first, last) = self.block(inner);
                    self.flow(&gate, &event, "");
                    self.flow(&event, &first, "");
                    self.flow(&last, &join, "");
                }
                (gate, join)
            }
            Block::Loop(inner) => {
                let (join, task) = (self.node("exclusiveGateway", "", ""), self.node("userTask", "", ""));
                let after = self.node("exclusiveGateway", "", "");
                let (first, last) = self.block(inner);
                let gate = self.choose(&[join.clone(), after.clone()]);
                self.flow(&join, &first, "");
                self.flow(&last, &task, "");
                self.flow(&task, &gate, "");
                (join, after)
            }
            Block::Sub(inner) => one(self.sub(inner, false)),
            Block::Guarded { sub, inner, interrupting, kind, path } => {
                let host =
                    if *sub { self.sub(inner, false) } else { self.node("serviceTask", r#"celek:operation="x""#, "") };
                let (interrupting, definition) = match kind {
                    0 => (*interrupting, TIMER),
                    1 => (*interrupting, MESSAGE),
                    _ => (true, r#"<errorEventDefinition errorRef="no"/>"#),
                };
                let event = self.boundary(&host, interrupting, definition);
                let (first, last) = self.block(path);
                self.flow(&event, &first, "");
                let join = self.node("exclusiveGateway", "", "");
                self.flow(&host, &join, "");
                if interrupting {
                    self.flow(&last, &join, "");
                } else {
                    let end = self.node("endEvent", "", "");
                    self.flow(&last, &end, "");
                }
                (host, join)
            }
            Block::Terminate => {
                let (task, after) = (self.node("userTask", "", ""), self.node("exclusiveGateway", "", ""));
                let end = self.node("endEvent", "", "<terminateEventDefinition/>");
                let gate = self.choose(&[end, after.clone()]);
                self.flow(&task, &gate, "");
                (task, after)
            }
            Block::Throw(inner) => {
                let host = self.sub(inner, true);
                let event = self.boundary(&host, true, r#"<errorEventDefinition errorRef="no"/>"#);
                let join = self.node("exclusiveGateway", "", "");
                self.flow(&host, &join, "");
                self.flow(&event, &join, "");
                (host, join)
            }
        }
    }
}

fn xml(block: &Block) -> String {
    let mut writer = Writer::default();
    let (start, end) = (writer.node("startEvent", "", ""), writer.node("endEvent", "", ""));
    let (first, last) = writer.block(block);
    writer.flow(&start, &first, "");
    writer.flow(&last, &end, "");
    file(&writer.xml)
}

/// Everything that could happen to the instance now. `calm`: only what brings it to its end.
fn possible(sim: &Sim, v: u32, calm: bool) -> Vec<Event> {
    let v = if calm { 9 } else { v };
    let mut events = Vec::new();
    for token in sim.state.tokens() {
        let id = token.id;
        match token.wait {
            Some(Wait::Task) => {
                let outputs = [("v".to_owned(), json!(v))].into_iter().collect();
                events.push(Event::TaskDone { token: id, outputs });
            }
            Some(Wait::Operation) => {
                events.push(Event::OperationDone { token: id, output: json!({}) });
                if !calm {
                    let failure = Failure::Business { code: "no".into() };
                    events.push(Event::OperationFailed { token: id, failure, message: String::new() });
                    events.push(Event::OperationFailed { token: id, failure: Failure::Technical, message: "x".into() });
                }
            }
            Some(Wait::Incident { .. }) => events.push(Event::Retry { token: id }),
            _ => {}
        }
        let own = token.wait == Some(Wait::Event);
        for listen in token.listens.iter().filter(|_| own || !calm) {
            events.push(match listen.to {
                Trigger::Timer { .. } => Event::TimerFired { token: id, timer: listen.id },
                _ => Event::MessageArrived { token: id, subscription: listen.id, payload: json!({"some": "thing"}) },
            });
        }
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_token_is_lost_or_doubled(
        block in block(), choices in prop::collection::vec(any::<u32>(), 60), budget in 1u32..60
    ) {
        let mut sim = Sim::new(&xml(&block));
        let problems = bpmn::check(
            &bpmn::Definitions::parse(&xml(&block)).unwrap(), &|_| true
        );
        prop_assert!(problems.iter().all(|p| !p.is_error()), "{problems:#?}");
        sim.budget = budget;
        sim.start(json!({"v": 0}));
        let mut choices = choices.into_iter();
        let mut rounds = 0;
        while sim.state.ended().is_none() {
            let choice = choices.next();
            let events = possible(&sim, choice.unwrap_or(9) / 7 % 4, choice.is_none());
            prop_assert!(!events.is_empty(), "it hangs at {:?}", sim.at());
            let event = events[choice.unwrap_or(0) as usize % events.len()].clone();
            sim.send(event);
            rounds += 1;
            prop_assert!(rounds < 3_000, "it does not end");
        }
        sim.replay();
    }
}
