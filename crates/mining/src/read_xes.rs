//! XES: only what mining needs of traces and events; attributes inside of attributes, globals and extensions are passed over.

use crate::clock;
use crate::log::{Event, Log, LogError, NONE};
use quick_xml::events::{BytesStart, Event as Xml};
use quick_xml::reader::Reader;
use std::io::BufRead;

/// Deepest nesting of elements.
const MAX_DEPTH: usize = 100;

#[derive(Default)]
struct Found {
    name: Option<u32>,
    at: Option<i64>,
    resource: Option<u32>,
    lifecycle: Option<u32>,
}

pub(crate) fn read(input: impl BufRead) -> Result<Log, LogError> {
    let mut reader = Reader::from_reader(input);
    reader.config_mut().check_end_names = true;
    let mut log = Log::new();
    let mut buffer = Vec::new();
    let mut depth = 0usize;
    // The depth at which the trace and the event stand that are being read.
    let (mut trace, mut event) = (None, None);
    let (mut id, mut found, mut pending): (String, Found, Vec<Event>) = Default::default();
    let mut traces = 0usize;
    let mut seen = false;
    loop {
        let xml = match reader.read_event_into(&mut buffer) {
            Ok(xml) => xml,
            Err(quick_xml::Error::Io(error)) => return Err(LogError::Io(std::io::Error::other(error.to_string()))),
            Err(error) => return Err(LogError::Format(format!("byte {}: {error}", reader.error_position()))),
        };
        let (start, empty) = match &xml {
            Xml::Start(start) => (Some(start), false),
            Xml::Empty(start) => (Some(start), true),
            Xml::End(_) => {
                depth = depth.saturating_sub(1);
                if event == Some(depth) {
                    event = None;
                    close(&mut log, &mut found, &mut pending);
                } else if trace == Some(depth) {
                    trace = None;
                    let name = if id.is_empty() { format!("#{traces}") } else { std::mem::take(&mut id) };
                    let case = log.case(&name);
                    for event in pending.drain(..) {
                        log.add(case, event)?;
                    }
                }
                (None, false)
            }
            Xml::DocType(_) => return Err(LogError::Format("a document type declaration (DTD) is refused".to_owned())),
            Xml::Eof => break,
            _ => (None, false),
        };
        if let Some(start) = start {
            let tag = start.local_name();
            let tag: &str = tag.as_ref();
            match tag {
                "log" if depth == 0 => seen = true,
                _ if depth == 0 => return Err(LogError::Format("the root element is not an XES log".to_owned())),
                "trace" if depth == 1 && !empty => {
                    trace = Some(depth);
                    traces += 1;
                    id.clear();
                }
                "event" if trace.is_some() && depth == 2 => {
                    if empty {
                        log.skipped += 1;
                    } else {
                        event = Some(depth);
                        found = Found::default();
                    }
                }
                _ if event == Some(2) && depth == 3 => attribute(start, &mut log, &mut found)?,
                _ if trace.is_some() && event.is_none() && depth == 2 => {
                    if let Some((key, value)) = pair(start)?
                        && key == "concept:name"
                    {
                        id = value.into_owned();
                    }
                }
                _ => {}
            }
            if !empty {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(LogError::Format(format!("elements are nested deeper than {MAX_DEPTH}")));
                }
            }
        }
        buffer.clear();
    }
    if depth > 0 || !seen {
        return Err(LogError::Format("the file ends inside an element".to_owned()));
    }
    Ok(log)
}

fn close(log: &mut Log, found: &mut Found, pending: &mut Vec<Event>) {
    let found = std::mem::take(found);
    match (found.name, found.at) {
        (Some(activity), Some(at)) => pending.push(Event {
            at,
            activity,
            resource: found.resource.unwrap_or(NONE),
            lifecycle: found.lifecycle.unwrap_or(NONE),
        }),
        _ => log.skipped += 1,
    }
}

type Pair<'a> = (std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>);

fn pair<'a>(start: &'a BytesStart<'_>) -> Result<Option<Pair<'a>>, LogError> {
    let wrong = |error: String| LogError::Format(error);
    let (mut key, mut value) = (None, None);
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|e| wrong(e.to_string()))?;
        let name: &str = attribute.key.as_ref();
        let place = match name {
            "key" => &mut key,
            "value" => &mut value,
            _ => continue,
        };
        *place =
            Some(attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(|e| wrong(e.to_string()))?);
    }
    Ok(key.zip(value))
}

fn attribute(start: &BytesStart<'_>, log: &mut Log, found: &mut Found) -> Result<(), LogError> {
    let Some((key, value)) = pair(start)? else { return Ok(()) };
    match key.as_ref() {
        "concept:name" => found.name = Some(log.number(&value)),
        "time:timestamp" => found.at = clock::read(&value),
        "org:resource" => found.resource = Some(log.number(&value)),
        "lifecycle:transition" => found.lifecycle = Some(log.number(&value)),
        _ => {}
    }
    Ok(())
}
