//! The process engine as a pure library: BPMN 2.0 in, `(state, event) -> (state, effects)` out. No database, no clock, no
//! network.
//!
//! 1. [`Definitions::parse`] reads a file once; every FEEL text is prepared there. [`check`] looks further.
//! 2. [`step`] brings an [`Event`] to the [`State`] of an instance and returns [`Effect`]s: tasks to create, operations
//!    to call, timers to set, messages to wait for, and the history.
//! 3. The caller stores the rows that [`State::take_changes`] names, and does what the effects say. What comes of it
//!    (a task done, an answer, a timer's moment) is the next event.
//!
//! A [`Token`] is one visit of one element; its id is never used again, so an event that comes twice or too late is
//! refused ([`StepError::NoToken`]) and changes nothing. Each token has one [`Wait`]; its timers and subscriptions, its
//! own and those of boundary events, are its [`Listen`]s. What goes wrong inside a process parks the token as an
//! incident ([`Wait::Incident`]), which keeps what was done already, so that [`Event::Retry`] does nothing twice.
//!
//! Our extensions have the namespace `http://celek.org/bpmn`:
//!
//! | where | what |
//! | --- | --- |
//! | process | `celek:subject` (variable with the record), `celek:endsOn` (events that end the instance) |
//! | lane | `celek:role` |
//! | user task | `celek:operation`, `subject`, `role`, `assignee`, `due`, `priority`, `completes`; children `<celek:field name label label_cs kind required/>`, `<celek:instruction lang>`, `<celek:output source target/>` |
//! | service task | `celek:operation`, `celek:atomic`; children `<celek:input source target/>`, `<celek:output source target/>` |
//! | message event | `celek:correlation` (expected key; without it the subject of the instance); `<celek:output/>` from the payload |
//! | any | `<celek:name lang>` |
//!
//! Texts of attributes are literal, or FEEL after `=`; conditions are FEEL with or without it. A start event's message
//! name is the name of the event that starts the process.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod check;
mod compensation;
mod derived;
mod document;
pub mod elements;
mod event;
pub mod feel;
mod graph;
mod juel;
mod model;
mod parse;
mod problem;
mod raise;
mod rows;
mod run;
mod space;
mod state;
mod step;
mod timer;
mod xml;

pub use check::check;
pub use document::Document;
pub use elements::boundary_event::{BoundaryEvent, BoundaryTrigger};
pub use elements::call_activity::CallActivity;
pub use elements::catch_event::{CatchEvent, CatchTrigger};
pub use elements::end_event::EndEvent;
pub use elements::event_gateway::EventGateway;
pub use elements::receive_task::ReceiveTask;
pub use elements::repeat::Repeat;
pub use elements::rule_task::RuleTask;
pub use elements::script_task::ScriptTask;
pub use elements::service_task::ServiceTask;
pub use elements::start_event::{StartEvent, StartTrigger};
pub use elements::sub_process::{AdHoc, SubProcess};
pub use elements::throw_event::{ThrowEvent, ThrowTrigger};
pub use elements::user_task::UserTask;
pub use event::{BUDGET, Context, Effect, Event, Failure, MAX_RUN, MAX_TOKENS, StepError, Task};
pub use graph::{Edge, Node, Step, graph, next_steps};
pub use model::{Definitions, Element, Field, Flow, Kind, Mapping, MessageSpec, Process, Texts};
pub use parse::MAX_ELEMENTS;
pub use problem::{Problem, Severity};
pub use space::{Explored, MAX_STATES, explore};
pub use state::{
    Changed, Completed, Ended, Instance, Listen, ListenId, MAX_VARIABLE, MAX_VARIABLES, Resume, Rounds, Rows, Scope,
    ScopeId, ScopeKind, State, Token, TokenId, Trigger, Variable, VariableId, Wait,
};
pub use step::{enabled, step};
pub use timer::{Armed, Due, TimerKind, TimerSpec, WorkingTime};
pub use xml::{MAX_BYTES, MAX_DEPTH};
