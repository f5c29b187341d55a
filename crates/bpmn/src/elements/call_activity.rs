//! Call activities: another process runs, and its end is the end of the activity.

use super::{Fault, Next};
use crate::event::Effect;
use crate::feel::Expression;
use crate::model::{Element, Kind, Mapping};
use crate::parse::Reading;
use crate::run::Run;
use crate::state::{TokenId, Wait};
use crate::xml::Node;
use serde_json::{Map, Value as Json};

/// Runs another process.
#[derive(Clone, Debug, PartialEq)]
pub struct CallActivity {
    /// Id of the process.
    pub process: Expression,
    /// From variables to those of the called process.
    pub inputs: Vec<Mapping>,
    /// True where it gets all variables.
    pub all_in: bool,
    /// From the variables of the called process back.
    pub outputs: Vec<Mapping>,
    /// True where all its variables come back.
    pub all_out: bool,
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    let zeebe = node.vendors("calledElement").next().cloned();
    let called = zeebe.as_ref().and_then(|z| z.attr("processId")).or(node.attr("calledElement"));
    let Some(called) = called.map(str::trim).filter(|c| !c.is_empty()) else {
        return super::unsupported(reading, "A call activity that names no process");
    };
    // A reference may be written with a namespace prefix.
    let called = match called.strip_prefix('=') {
        Some(_) => called,
        None if crate::juel::is_juel(called) => called,
        None => called.rsplit(':').next().unwrap_or(called),
    };
    let Some(process) = reading.expression(called) else { return Kind::Unsupported("A call activity".to_owned()) };
    let mut call = CallActivity {
        process,
        inputs: reading.mappings(node, "input"),
        all_in: zeebe.is_some(),
        outputs: reading.mappings(node, "output"),
        all_out: zeebe.as_ref().is_some_and(|z| z.attr("propagateAllChildVariables") != Some("false")),
    };
    for (name, out) in [("in", false), ("out", true)] {
        for child in node.vendors(name) {
            if child.attr("variables") == Some("all") {
                *(if out { &mut call.all_out } else { &mut call.all_in }) = true;
            }
            let source = child.attr("sourceExpression").or(child.attr("source"));
            if let (Some(source), Some(target)) = (source, child.attr("target"))
                && let Some(mapping) = reading.vendor_mapping(source, target)
            {
                (if out { &mut call.outputs } else { &mut call.inputs }).push(mapping);
            }
        }
    }
    Kind::Call(Box::new(call))
}

pub(super) fn run(call: &CallActivity, run: &Run<'_>, token: TokenId, element: &Element) -> Result<Next, Fault> {
    let process = call.process.evaluate_text(&run.view(token), &run.context.clock)?;
    let process = process.ok_or_else(|| Fault::new("call", "the call activity names no process"))?;
    let mut variables = if call.all_in { run.all_variables(token) } else { Map::new() };
    variables.extend(run.map(token, &call.inputs, &Map::new())?);
    let effects =
        vec![Effect::CallProcess { token, element: element.id.clone(), process, variables: Json::Object(variables) }];
    Ok(Next::Wait { wait: Wait::Operation, listens: Vec::new(), effects })
}
