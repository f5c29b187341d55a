//! A definition as the engine sees it: elements and flows by number, every expression prepared.

use crate::elements::{
    boundary_event::BoundaryEvent, call_activity::CallActivity, catch_event::CatchEvent, end_event::EndEvent,
    event_gateway::EventGateway, receive_task::ReceiveTask, repeat::Repeat, rule_task::RuleTask,
    script_task::ScriptTask, service_task::ServiceTask, start_event::StartEvent, sub_process::SubProcess,
    throw_event::ThrowEvent, user_task::UserTask,
};
use crate::feel::{Expression, Feel};
use crate::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};

/// Texts by language code (`en`, `cs`, …).
pub type Texts = BTreeMap<String, String>;

/// A file of BPMN 2.0: its processes, and what was found wrong with it.
#[derive(Clone, Debug)]
pub struct Definitions {
    /// The processes of the file in their order.
    pub processes: Vec<Process>,
    /// Findings of reading; with [`Definitions::parse`] only warnings are left.
    pub problems: Vec<Problem>,
}

/// One process, parsed once and used by all its instances.
#[derive(Clone, Debug)]
pub struct Process {
    /// The id in the file.
    pub id: String,
    /// The name as drawn, or empty.
    pub name: String,
    /// Names by language, from `celek:name`.
    pub names: Texts,
    /// False where the file says `isExecutable="false"`.
    pub executable: bool,
    /// The variable that holds the reference to the record the instance is about.
    pub subject: Option<String>,
    /// Names of events of the subject that end the instance.
    pub ends_on: Vec<String>,
    /// All elements, also those inside sub-processes.
    pub elements: Vec<Element>,
    /// All sequence flows.
    pub flows: Vec<Flow>,
    /// Data objects of the process itself that have a value from the start.
    pub data: Vec<(String, Json)>,
    pub(crate) by_id: HashMap<String, usize>,
    /// What is worked out once from elements and flows.
    pub(crate) derived: crate::derived::Derived,
}

/// One element of a process.
#[derive(Clone, Debug)]
pub struct Element {
    /// The id in the file, unique in the file.
    pub id: String,
    /// The name as drawn, or empty.
    pub name: String,
    /// Names by language, from `celek:name`.
    pub names: Texts,
    /// What it is, with everything that only this kind has.
    pub kind: Kind,
    /// Index of the sub-process it stands in.
    pub parent: Option<usize>,
    /// Name of its (innermost) lane.
    pub lane: Option<String>,
    /// The role of the lane: `celek:role` on the lane or on one around it, else the lane's name.
    pub lane_role: Option<String>,
    /// Indexes of the flows that come in.
    pub incoming: Vec<usize>,
    /// Indexes of the flows that go out, in the order of the file.
    pub outgoing: Vec<usize>,
    /// Indexes of the boundary events on it.
    pub boundary: Vec<usize>,
    /// Index of the default flow.
    pub default: Option<usize>,
    /// How it is repeated.
    pub repeat: Option<Box<Repeat>>,
    /// Index of the activity that compensates it.
    pub handler: Option<usize>,
    /// True where it runs only to compensate another.
    pub compensates: bool,
    /// Variables of its own, from the extensions of other engines.
    pub inputs: Vec<Mapping>,
    /// For a sub-process: data objects that have a value from the start.
    pub data: Vec<(String, Json)>,
}

/// A sequence flow.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The id in the file.
    pub id: String,
    /// The name as drawn, or empty.
    pub name: String,
    /// Index of the element it leaves.
    pub source: usize,
    /// Index of the element it enters.
    pub target: usize,
    /// The condition, if it has one.
    pub condition: Option<Feel>,
}

/// The kinds of elements.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Where an instance or an embedded sub-process begins.
    Start(StartEvent),
    /// Where a path ends.
    End(EndEvent),
    /// Work of a person.
    User(Box<UserTask>),
    /// A call of an operation.
    Service(Box<ServiceTask>),
    /// A task without a type: a milestone of work that nobody is asked for.
    Task,
    /// Computes a variable.
    Script(Box<ScriptTask>),
    /// Asks a decision.
    Rule(Box<RuleTask>),
    /// Waits for a message, or for somebody outside.
    Receive(Box<ReceiveTask>),
    /// Runs another process.
    Call(Box<CallActivity>),
    /// Takes every flow whose condition holds, and waits for every token that can still come.
    Inclusive,
    /// Waits until a condition over the tokens that came holds.
    Complex(Option<Feel>),
    /// Throws a message, signal, escalation or compensation, or jumps to a link; also a send task.
    Throw(Box<ThrowEvent>),
    /// Takes the first flow whose condition holds.
    Exclusive,
    /// Waits for all flows in and takes all flows out.
    Parallel,
    /// Takes the path of the event that comes first.
    EventBased(EventGateway),
    /// Waits for an event.
    Catch(Box<CatchEvent>),
    /// A throw event without a trigger: a milestone, it does nothing.
    Milestone,
    /// An event on the edge of an activity.
    Boundary(Box<BoundaryEvent>),
    /// An embedded sub-process, also as transaction, event or ad-hoc sub-process.
    SubProcess(Box<SubProcess>),
    /// Read, drawn and reported, but not executable; the text says what it is.
    Unsupported(String),
}

impl Kind {
    /// A stable name for tools and the interface.
    pub fn name(&self) -> &str {
        match self {
            Self::Start(_) => "start_event",
            Self::End(_) => "end_event",
            Self::User(task) if task.manual => "manual_task",
            Self::User(_) => "user_task",
            Self::Service(_) => "service_task",
            Self::Exclusive => "exclusive_gateway",
            Self::Parallel => "parallel_gateway",
            Self::EventBased(_) => "event_based_gateway",
            Self::Catch(_) => "catch_event",
            Self::Milestone => "throw_event",
            Self::Boundary(_) => "boundary_event",
            Self::SubProcess(sub) => sub.kind_name(),
            Self::Task => "task",
            Self::Script(_) => "script_task",
            Self::Rule(_) => "business_rule_task",
            Self::Receive(_) => "receive_task",
            Self::Call(_) => "call_activity",
            Self::Inclusive => "inclusive_gateway",
            Self::Complex(_) => "complex_gateway",
            Self::Throw(throw) if throw.task => "send_task",
            Self::Throw(_) => "throw_event",
            Self::Unsupported(_) => "unsupported",
        }
    }

    /// True for what a boundary event can stand on.
    pub fn is_activity(&self) -> bool {
        match self {
            Self::Throw(throw) => throw.task,
            Self::User(_)
            | Self::Service(_)
            | Self::SubProcess(_)
            | Self::Task
            | Self::Script(_)
            | Self::Rule(_)
            | Self::Receive(_)
            | Self::Call(_) => true,
            _ => false,
        }
    }
}

/// Copies a value into a variable or an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// A text, or after `=` a FEEL expression.
    pub source: Expression,
    /// The name it gets.
    pub target: String,
}

/// A field of a task's form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The variable it fills.
    pub name: String,
    /// The label where no other is given.
    pub label: String,
    /// Labels by language.
    pub labels: Texts,
    /// The kind of value (`text`, `number`, `date`, `boolean`, `choice`, …), as written.
    pub kind: String,
    /// True where it must be filled.
    pub required: bool,
}

/// Where a message is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageSpec {
    /// The name of the message, which is the name of an event.
    pub name: String,
    /// Gives the key; without it the subject of the instance is the key.
    pub correlation: Option<Expression>,
}

impl Process {
    /// The element of that id.
    pub fn element(&self, id: &str) -> Option<&Element> {
        self.by_id.get(id).and_then(|index| self.elements.get(*index))
    }

    /// The start events of the process itself (not those inside sub-processes).
    pub fn starts(&self) -> impl Iterator<Item = (&Element, &StartEvent)> {
        self.elements.iter().filter(|e| e.parent.is_none()).filter_map(|e| match &e.kind {
            Kind::Start(start) => Some((e, start)),
            _ => None,
        })
    }

    /// The start event for a message of that name.
    pub fn message_start(&self, message: &str) -> Option<&Element> {
        self.starts().find(|(_, start)| start.message() == Some(message)).map(|(element, _)| element)
    }

    /// Names of the operations that the process calls or binds tasks to, sorted and without doubles: what is shown and
    /// granted when it is deployed.
    pub fn operations(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .elements
            .iter()
            .filter_map(|e| match &e.kind {
                Kind::User(task) => task.operation.clone(),
                Kind::Service(task) => Some(task.operation.clone()),
                _ => None,
            })
            .filter(|name| !name.is_empty())
            .collect();
        names.sort();
        names.dedup();
        names
    }
}
