//! CSV: one row an event, the columns by their names.

use crate::clock;
use crate::log::{Event, Log, LogError, NONE};
use std::io::BufRead;

/// The names of the columns.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Id of the case.
    pub case: String,
    /// Name of the activity.
    pub activity: String,
    /// Time.
    pub time: String,
    /// Who did it.
    pub resource: String,
    /// Step of the life cycle.
    pub lifecycle: String,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            case: "case:concept:name".to_owned(),
            activity: "concept:name".to_owned(),
            time: "time:timestamp".to_owned(),
            resource: "org:resource".to_owned(),
            lifecycle: "lifecycle:transition".to_owned(),
        }
    }
}

pub(crate) fn read(mut input: impl BufRead, columns: &Columns) -> Result<Log, LogError> {
    // Semicolons and tabs are common; the first line tells.
    let start = input.fill_buf()?;
    let line = start.split(|b| *b == b'\n').next().unwrap_or_default();
    let count = |byte: u8| line.iter().filter(|b| **b == byte).count();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|d| (count(*d), *d == b',')).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(input);
    let wrong = |error: csv::Error| LogError::Format(error.to_string());
    let head = reader.headers().map_err(wrong)?.clone();
    let find = |name: &str| head.iter().position(|column| column.trim().trim_start_matches('\u{feff}') == name);
    let needed = |name: &str| {
        find(name).ok_or_else(|| {
            let there: Vec<&str> = head.iter().take(20).collect();
            LogError::Format(format!("there is no column '{name}' among: {}", there.join(", ")))
        })
    };
    let (case, activity, time) = (needed(&columns.case)?, needed(&columns.activity)?, needed(&columns.time)?);
    let (resource, lifecycle) = (find(&columns.resource), find(&columns.lifecycle));
    let mut log = Log::new();
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row).map_err(wrong)? {
        let text = |column: usize| row.get(column).map(str::trim).filter(|text| !text.is_empty());
        let (Some(id), Some(name), Some(at)) = (text(case), text(activity), text(time).and_then(clock::read)) else {
            log.skipped += 1;
            continue;
        };
        let mut optional = |column: Option<usize>| column.and_then(text).map_or(NONE, |name| log.number(name));
        let (resource, lifecycle) = (optional(resource), optional(lifecycle));
        let activity = log.number(name);
        let case = log.case(id);
        log.add(case, Event { at, activity, resource, lifecycle })?;
    }
    Ok(log)
}
