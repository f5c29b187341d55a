//! A definition as the engine sees it: elements and flows by number, every expression prepared.

use crate::elements::{
    boundary_event::BoundaryEvent, catch_event::CatchEvent, end_event::EndEvent, service_task::ServiceTask,
    start_event::StartEvent, user_task::UserTask,
};
use crate::feel::{Expression, Feel};
use crate::problem::Problem;
use serde::{Deserialize, Serialize};
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
    pub(crate) by_id: HashMap<String, usize>,
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
    /// Takes the first flow whose condition holds.
    Exclusive,
    /// Waits for all flows in and takes all flows out.
    Parallel,
    /// Takes the path of the event that comes first.
    EventBased,
    /// Waits for an event.
    Catch(Box<CatchEvent>),
    /// A throw event without a trigger: a milestone, it does nothing.
    Milestone,
    /// An event on the edge of an activity.
    Boundary(Box<BoundaryEvent>),
    /// An embedded sub-process.
    SubProcess,
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
            Self::EventBased => "event_based_gateway",
            Self::Catch(_) => "catch_event",
            Self::Milestone => "throw_event",
            Self::Boundary(_) => "boundary_event",
            Self::SubProcess => "sub_process",
            Self::Unsupported(_) => "unsupported",
        }
    }

    /// True for what a boundary event can stand on.
    pub fn is_activity(&self) -> bool {
        matches!(self, Self::User(_) | Self::Service(_) | Self::SubProcess)
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
