//! A log in memory: texts kept once, events as numbers.

use std::collections::HashMap;

/// No text.
pub const NONE: u32 = u32::MAX;
/// Most events of one log.
const MAX_EVENTS: usize = 50_000_000;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, in microseconds since 1970 (UTC).
    pub at: i64,
    /// Number of its activity.
    pub activity: u32,
    /// Number of who did it, or [`NONE`].
    pub resource: u32,
    /// Number of its step in the life cycle, or [`NONE`].
    pub lifecycle: u32,
}

/// One case; its events in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// Its id.
    pub id: String,
    /// Its events.
    pub events: Vec<Event>,
}

/// Texts kept once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    all: Vec<String>,
    by: HashMap<String, u32>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.by.get(name) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(NONE - 1);
        self.all.push(name.to_owned());
        self.by.insert(name.to_owned(), number);
        number
    }
    pub(crate) fn name(&self, number: u32) -> &str {
        self.all.get(number as usize).map_or("", String::as_str)
    }
}

/// An event log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// The cases in the order in which they first appear.
    pub cases: Vec<Case>,
    /// Events left out because they name no activity or have no time that can be read.
    pub skipped: usize,
    names: Names,
    by_id: HashMap<String, usize>,
    count: usize,
}

/// Why a log could not be read.
#[derive(Debug)]
pub enum LogError {
    /// There is nothing in it.
    Empty,
    /// The stream broke.
    Io(std::io::Error),
    /// Not what it seems to be; the text says where and why.
    Format(String),
    /// More than can be worked with.
    TooLarge,
}

impl std::fmt::Display for LogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => write!(f, "the log is empty"),
            Self::Io(error) => write!(f, "{error}"),
            Self::Format(text) => write!(f, "{text}"),
            Self::TooLarge => write!(f, "the log has more than {MAX_EVENTS} events"),
        }
    }
}

impl std::error::Error for LogError {}

impl From<std::io::Error> for LogError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl Log {
    /// A log without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of a text (an activity, a resource, a step of the life cycle).
    pub fn number(&mut self, name: &str) -> u32 {
        self.names.number(name)
    }

    /// The text of a number; empty for [`NONE`].
    pub fn name(&self, number: u32) -> &str {
        self.names.name(number)
    }

    /// The case of an id, a new one where there is none.
    pub fn case(&mut self, id: &str) -> usize {
        if let Some(index) = self.by_id.get(id) {
            return *index;
        }
        self.cases.push(Case { id: id.to_owned(), events: Vec::new() });
        self.by_id.insert(id.to_owned(), self.cases.len() - 1);
        self.cases.len() - 1
    }

    /// Adds an event to a case.
    ///
    /// # Errors
    /// [`LogError::TooLarge`].
    pub fn add(&mut self, case: usize, event: Event) -> Result<(), LogError> {
        self.count += 1;
        if self.count > MAX_EVENTS {
            return Err(LogError::TooLarge);
        }
        if let Some(case) = self.cases.get_mut(case) {
            case.events.push(event);
        }
        Ok(())
    }

    /// How many events there are.
    pub fn events(&self) -> usize {
        self.cases.iter().map(|case| case.events.len()).sum()
    }

    /// Keeps what a filter lets through.
    pub fn keep(&mut self, filter: &Filter) {
        let wanted: Vec<u32> = filter.with.iter().map(|name| self.names.number(name)).collect();
        let unwanted: Vec<u32> = filter.without.iter().map(|name| self.names.number(name)).collect();
        if filter.complete {
            let complete = self.names.number("complete");
            let upper = self.names.number("COMPLETE");
            for case in &mut self.cases {
                case.events.retain(|e| e.lifecycle == NONE || e.lifecycle == complete || e.lifecycle == upper);
            }
        }
        self.cases.retain(|case| {
            let has = |activity: &u32| case.events.iter().any(|e| e.activity == *activity);
            let first = case.events.iter().map(|e| e.at).min();
            let last = case.events.iter().map(|e| e.at).max();
            !case.events.is_empty()
                && wanted.iter().all(has)
                && !unwanted.iter().any(has)
                && filter.from.is_none_or(|from| first.is_some_and(|first| first >= from))
                && filter.to.is_none_or(|to| last.is_some_and(|last| last < to))
        });
        self.by_id = self.cases.iter().enumerate().map(|(index, case)| (case.id.clone(), index)).collect();
    }
}

/// Which cases are looked at.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// That begin then or later.
    pub from: Option<i64>,
    /// That end before then.
    pub to: Option<i64>,
    /// In which all of these activities were done.
    pub with: Vec<String>,
    /// In which none of these was done.
    pub without: Vec<String>,
    /// Only events at which an activity was completed.
    pub complete: bool,
}
