//! One file per kind of element: how it is read, what is checked and what it does. The life cycle around (entering,
//! boundary events, leaving, ending scopes) is written once, in `run.rs`.

pub mod boundary_event;
pub mod call_activity;
pub mod catch_event;
pub mod end_event;
pub mod event_gateway;
pub(crate) mod exclusive_gateway;
pub(crate) mod inclusive_gateway;
pub(crate) mod parallel_gateway;
pub mod receive_task;
pub mod repeat;
pub mod rule_task;
pub mod script_task;
pub mod service_task;
pub mod start_event;
pub mod sub_process;
pub mod throw_event;
pub mod user_task;

use crate::event::Effect;
use crate::feel::{Feel, FeelError};
use crate::model::{Element, Kind, Mapping, MessageSpec, Process};
use crate::parse::Reading;
use crate::problem::Problem;
use crate::run::Run;
use crate::state::{TokenId, Trigger, Wait};
use crate::timer::{TimerKind, TimerSpec};
use crate::xml::{Node, Space};
use serde_json::Value as Json;

/// What an element wants when a token has entered it.
pub(crate) enum Next {
    /// To wait, with own timers and messages (by the id of their event) and effects to report.
    Wait { wait: Wait, listens: Vec<(String, Trigger)>, effects: Vec<Effect> },
    /// To leave by all flows whose condition holds.
    Leave,
    /// To leave by one flow.
    Take(usize),
    /// To leave together with tokens that waited here.
    Join(Vec<TokenId>),
    /// To open a scope, starting at these elements.
    Open(Vec<usize>),
    /// Its work gave this.
    Done(Json),
    /// To tell the caller something and leave.
    Emit(Effect),
    /// To throw something inside of the instance and go on.
    Raise(Raise),
    /// To go on at that element.
    Jump(usize),
    /// To cancel the transaction around.
    CancelTransaction,
    /// To end here: the gateway has fired already, and this flow's token was still missing.
    Absorb(String),
    /// To leave together with tokens that waited here, remembering which flows they came by.
    Fire { others: Vec<TokenId>, flows: Vec<String> },
    /// To end every other token of the scope.
    Terminate,
    /// To throw an error to the scopes around.
    Throw(String),
}

/// What is thrown inside of an instance.
pub(crate) enum Raise {
    Signal { name: String, payload: Json },
    Escalation(String),
    Compensation(Option<String>),
}

/// What went wrong at an element: it becomes an incident.
#[derive(Debug)]
pub(crate) struct Fault {
    pub code: &'static str,
    pub message: String,
}

impl Fault {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<FeelError> for Fault {
    fn from(error: FeelError) -> Self {
        Self::new("feel", error.to_string())
    }
}

/// Reads a flow node.
pub(crate) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    match node.name.as_str() {
        "startEvent" => start_event::parse(node, reading),
        "endEvent" => end_event::parse(node, reading),
        "userTask" | "manualTask" => user_task::parse(node, reading),
        "serviceTask" => service_task::parse(node, reading),
        "exclusiveGateway" => Kind::Exclusive,
        "parallelGateway" => Kind::Parallel,
        "eventBasedGateway" => event_gateway::parse(node),
        "inclusiveGateway" => Kind::Inclusive,
        "complexGateway" => {
            let condition = node.all("activationCondition").next().map(|c| c.text.trim().to_owned());
            Kind::Complex(condition.filter(|c| !c.is_empty()).and_then(|c| reading.feel(&c)))
        }
        "task" => Kind::Task,
        "scriptTask" => script_task::parse(node, reading),
        "businessRuleTask" => rule_task::parse(node, reading),
        "receiveTask" => receive_task::parse(node, reading),
        "sendTask" => throw_event::parse_task(node, reading),
        "callActivity" => call_activity::parse(node, reading),
        "intermediateCatchEvent" => catch_event::parse(node, reading),
        "intermediateThrowEvent" => throw_event::parse(node, reading),
        "boundaryEvent" => boundary_event::parse(node, reading),
        "subProcess" | "transaction" | "adHocSubProcess" => sub_process::parse(node, reading),
        other => unsupported(reading, &format!("'{other}'")),
    }
}

/// Looks at one element with its surroundings.
pub(crate) fn check(process: &Process, element: &Element, out: &mut Vec<Problem>) {
    match &element.kind {
        Kind::Start(_) => start_event::check(process, element, out),
        Kind::End(end) => end_event::check(end, process, element, out),
        Kind::User(task) => user_task::check(task, element, out),
        Kind::Service(task) => service_task::check(task, element, out),
        Kind::Exclusive => exclusive_gateway::check(process, element, out),
        Kind::Parallel => parallel_gateway::check(process, element, out),
        Kind::EventBased(_) => event_gateway::check(process, element, out),
        Kind::Boundary(event) => boundary_event::check(event, process, element, out),
        Kind::Throw(throw) => throw_event::check(process, &throw.trigger, element, out),
        Kind::SubProcess(sub) => sub_process::check(sub, process, element, out),
        _ => {}
    }
}

/// Lets an element act on a token that has entered it.
pub(crate) fn run(run: &Run<'_>, token: TokenId, index: usize, element: &Element) -> Result<Next, Fault> {
    match &element.kind {
        Kind::Start(_) | Kind::Boundary(_) | Kind::Milestone | Kind::Task => Ok(Next::Leave),
        Kind::End(end) => end_event::run(end, run, token, index, element),
        Kind::User(task) => user_task::run(task, run, token, element),
        Kind::Service(task) => service_task::run(task, run, token, element),
        Kind::Exclusive => exclusive_gateway::run(run, token, element),
        Kind::Parallel => Ok(parallel_gateway::run(run, token, element)),
        Kind::EventBased(_) => event_gateway::run(run, token, element),
        Kind::Catch(event) => catch_event::run(event, run, token, element),
        Kind::SubProcess(sub) => sub_process::run(sub, run, index),
        Kind::Script(task) => script_task::run(task, run, token),
        Kind::Rule(task) => rule_task::run(task, run, token, element),
        Kind::Receive(task) => receive_task::run(task, run, token, element),
        Kind::Call(call) => call_activity::run(call, run, token, element),
        Kind::Inclusive => Ok(inclusive_gateway::run(element)),
        Kind::Complex(condition) => inclusive_gateway::complex(condition.as_ref(), run, token, element),
        Kind::Throw(throw) => throw_event::run(&throw.trigger, &throw.inputs, run, token, index, element),
        Kind::Unsupported(what) => Err(Fault::new("not_executable", format!("{what} cannot be executed"))),
    }
}

/// The output mappings of an element.
pub(crate) fn outputs(kind: &Kind) -> &[Mapping] {
    match kind {
        Kind::Start(event) => &event.outputs,
        Kind::User(task) => &task.outputs,
        Kind::Service(task) => &task.outputs,
        Kind::Catch(event) => &event.outputs,
        Kind::Boundary(event) => &event.outputs,
        Kind::Script(task) => &task.outputs,
        Kind::Rule(task) => &task.outputs,
        Kind::Receive(task) => &task.outputs,
        Kind::Call(call) => &call.outputs,
        _ => &[],
    }
}

/// The variable that gets the whole result of an element.
pub(crate) fn result(kind: &Kind) -> Option<&str> {
    match kind {
        Kind::Service(task) => task.result.as_deref(),
        Kind::Script(task) => task.result.as_deref(),
        Kind::Rule(task) => task.result.as_deref(),
        _ => None,
    }
}

pub(crate) fn unsupported(reading: &mut Reading, what: &str) -> Kind {
    reading.unsupported(what);
    Kind::Unsupported(what.to_owned())
}

/// A finding about an element.
pub(crate) fn finding(element: &Element, error: bool, code: &'static str, message: impl Into<String>) -> Problem {
    let severity = if error { crate::Severity::Error } else { crate::Severity::Warning };
    Problem { severity, code, element: element.id.clone(), name: element.name.clone(), message: message.into() }
}

/// The event definitions of an event node as name and node.
pub(crate) fn definitions(node: &Node) -> Vec<&Node> {
    let event = |c: &&Node| c.space == Space::Bpmn && c.name.contains("ventDefinition");
    node.children.iter().filter(event).collect()
}

/// The trigger that several kinds of events share.
pub(crate) enum Definition {
    None,
    Timer(Option<TimerSpec>),
    Message(Option<MessageSpec>),
    Error(Option<String>),
    Terminate,
    Signal(String),
    Condition(Option<Feel>),
    Escalation(Option<String>),
    Compensation(Option<String>),
    Cancel,
    Link(String),
    /// Any other, and several at once.
    Other(String),
}

pub(crate) fn definition(node: &Node, reading: &mut Reading) -> Definition {
    let found = definitions(node);
    let one = match found.as_slice() {
        [] => return Definition::None,
        [one] => *one,
        _ => return Definition::Other("several triggers".to_owned()),
    };
    match one.name.as_str() {
        "timerEventDefinition" => Definition::Timer(timer(one, reading)),
        "messageEventDefinition" => Definition::Message(reading.message(node, one)),
        "errorEventDefinition" => Definition::Error(reading.error_code(one)),
        "terminateEventDefinition" => Definition::Terminate,
        "signalEventDefinition" => match reading.named(one, "signalRef", "signal") {
            Some(name) => Definition::Signal(name),
            None => Definition::Other("a signal without a name".to_owned()),
        },
        "escalationEventDefinition" => Definition::Escalation(reading.named(one, "escalationRef", "escalation")),
        "conditionalEventDefinition" => {
            let text = one.all("condition").next().map(|c| c.text.trim().to_owned()).unwrap_or_default();
            if text.is_empty() {
                reading.error("condition", "The conditional event has no condition.");
                return Definition::Condition(None);
            }
            Definition::Condition(reading.feel(&text))
        }
        "compensateEventDefinition" => {
            let activity = one.attr("activityRef").map(|a| a.rsplit(':').next().unwrap_or(a).to_owned());
            Definition::Compensation(activity)
        }
        "cancelEventDefinition" => Definition::Cancel,
        "linkEventDefinition" => {
            let name = one.attr("name").or(node.attr("name")).unwrap_or_default();
            Definition::Link(name.trim().to_owned())
        }
        other => Definition::Other(other.to_owned()),
    }
}

fn timer(node: &Node, reading: &mut Reading) -> Option<TimerSpec> {
    let kinds = [("timeDate", TimerKind::Date), ("timeDuration", TimerKind::Duration), ("timeCycle", TimerKind::Cycle)];
    let found = kinds.iter().find_map(|(name, kind)| node.all(name).next().map(|n| (*kind, n.text.trim())));
    let Some((kind, text)) = found.filter(|(_, text)| !text.is_empty()) else {
        reading.error("timer", "The timer has no time.");
        return None;
    };
    // Some programs write the text as an expression of their own, in quotes.
    let text = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).filter(|t| !t.contains('"')).unwrap_or(text);
    let expression = reading.expression(text)?;
    if let crate::feel::Expression::Literal(text) = &expression {
        let clock = crate::feel::Clock { now: jiff::Timestamp::UNIX_EPOCH, zone: jiff::tz::TimeZone::UTC };
        if let Err(why) = kind.arm(text, &clock) {
            reading.error("timer", format!("The timer has no usable time: {why}."));
            return None;
        }
    }
    Some(TimerSpec { kind, text: expression })
}
