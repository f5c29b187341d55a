//! The kernel: two registries (entities and operations), one transaction, and every surface derived from them.
//!
//! A module declares entities, operations and events with the derive macros and lists them in a [`Module`]; [`Kernel`] opens
//! a database with a list of modules and serves requests. Operations are plain synchronous functions over a [`Cx`].

extern crate self as kernel;

pub mod access;
mod approach;
mod ask;
mod attach;
mod behind;
mod bulk;
mod checks;
mod codes;
mod collected;
mod columns;
mod condition;
mod custom;
mod cx;
mod def;
mod defined;
mod draft;
mod dry;
mod editable;
mod engine;
mod error;
pub mod eval;
mod example;
mod export;
pub mod field;
pub mod files;
mod filter;
mod finish;
mod generic;
mod grouped;
mod guests;
pub mod history;
mod hub;
pub mod i18n;
mod idempotency;
pub mod import;
mod intern;
mod jobs;
pub mod json;
mod leads;
mod letters;
mod lines;
mod memory;
pub mod meta;
pub mod openapi;
mod paging;
mod period;
mod plan;
pub mod portable;
mod present;
mod principals;
pub mod query;
mod read;
mod rec;
mod references;
mod reporting;
mod schedule;
mod schema;
mod shared;
mod slow;
mod sql;
pub mod sys;
mod together;
mod told;
mod value;
pub mod view;
mod write;

pub use access::{Access, Company, Kind as PrincipalKind, Principal, Right, RoleAccess};
pub use approach::{Bounds, Count, Page};
pub use ask::{Answer, Ask, Directory};
pub use bulk::MOST_ROWS;
pub use checks::Finding;
pub use custom::{AddEntity, AddField};
pub use cx::{Cx, Mode, Note, NumberDrawn};
pub use def::{
    Breach, Check, Done, Entity, EntityDef, EntityEntry, Event, EventDef, Fields, Happened, Job, LinesDef, Listener,
    ManyDef, Module, OpDef, OpEntry, Operation, Remedy, Rules, Run, Target, entity, event, op,
};
pub use defined::{Defined, Uses};
pub use draft::Draft;
pub use engine::{Kernel, Options, SCHEMA_VERSION};
pub use error::{Action, Arg, Error, FieldError, Need, Result};
pub use export::{Export, Form};
pub use field::{
    Choice, ChoiceSet, Country, Email, FieldDef, FieldType, FileId, Json, Kind, LanguageCode, LongText, Phone, Reader,
    Seconds,
};
pub use filter::{Filter, Op, Operand};
pub use finish::fill_pattern;
pub use guests::{Guests, Origins};
pub use history::{StepName, StepNames};
pub use hub::{Change, ChangeKind, Hub};
pub use intern::intern;
pub use jobs::{MAX_ATTEMPTS, RetryJob};
pub use kernel_derive::{Entity, Event, Fields, Operation};
pub use lang::{Language, fold, sort_key};
pub use letters::{DueLetter, Letter, LetterFailed, LetterSent, MAX_LETTER_TRIES, RetryLetter};
pub use lines::{Line, LineSet, LineSets};
pub use plan::Plan;
pub use present::Shape;
pub use query::{Measure, Query};
pub use rec::{Rec, Row};
pub use schedule::{Plan as SchedulePlan, Queued, RetryAll, RunSchedule, Schedule, next_after};
pub use schema::Schema;
pub use shared::Shared;
pub use slow::{Gauge, SlowStatements};
pub use store::{Stats, Value};
pub use value::{AnyRef, Currency, Dec, Id, Money, decimal_text, parse_decimal, pow10, round_div};

impl<T> From<Id<T>> for Value {
    fn from(id: Id<T>) -> Self {
        if id.is_none() { Self::Null } else { Self::Int(id.raw()) }
    }
}
impl<const S: u8> From<Dec<S>> for Value {
    fn from(value: Dec<S>) -> Self {
        Self::Int(value.raw())
    }
}
impl From<AnyRef> for Value {
    fn from(value: AnyRef) -> Self {
        Self::Int(value.id)
    }
}
impl From<Currency> for Value {
    fn from(value: Currency) -> Self {
        Self::Text(value.code().to_owned())
    }
}

/// A day as a cell.
pub fn day(date: jiff::civil::Date) -> Value {
    Value::Text(date.to_string())
}
