//! Logs out, in the two forms that other programs read.

use crate::clock;
use crate::log::{Log, NONE};
use quick_xml::escape::escape;
use std::io::{Result, Write};

/// Writes XES.
///
/// # Errors
/// The stream's.
pub fn write_xes(log: &Log, out: &mut impl Write) -> Result<()> {
    out.write_all(
        br#"<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xes.features="" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
"#,
    )?;
    for case in &log.cases {
        writeln!(out, "<trace><string key=\"concept:name\" value=\"{}\"/>", escape(case.id.as_str()))?;
        for event in &case.events {
            write!(out, "<event><string key=\"concept:name\" value=\"{}\"/>", escape(log.name(event.activity)))?;
            write!(out, "<date key=\"time:timestamp\" value=\"{}\"/>", clock::write(event.at))?;
            for (key, number) in [("org:resource", event.resource), ("lifecycle:transition", event.lifecycle)] {
                if number != NONE {
                    write!(out, "<string key=\"{key}\" value=\"{}\"/>", escape(log.name(number)))?;
                }
            }
            writeln!(out, "</event>")?;
        }
        writeln!(out, "</trace>")?;
    }
    writeln!(out, "</log>")
}

/// Writes CSV with the columns that pm4py names.
///
/// # Errors
/// The stream's.
pub fn write_csv(log: &Log, out: &mut impl Write) -> Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "case:concept:name",
        "concept:name",
        "time:timestamp",
        "org:resource",
        "lifecycle:transition",
    ])?;
    for case in &log.cases {
        for event in &case.events {
            let at = clock::write(event.at);
            writer.write_record([
                case.id.as_str(),
                log.name(event.activity),
                at.as_str(),
                log.name(event.resource),
                log.name(event.lifecycle),
            ])?;
        }
    }
    writer.flush()
}
