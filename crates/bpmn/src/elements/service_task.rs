//! Service tasks: the call of an operation.

use super::{Fault, Next, finding};
use crate::event::Effect;
use crate::model::{Element, Kind, Mapping};
use crate::parse::Reading;
use crate::problem::Problem;
use crate::run::Run;
use crate::state::{TokenId, Wait};
use crate::xml::Node;
use serde_json::{Map, Value as Json};

/// A call of an operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceTask {
    /// Name of the operation, empty where none is given.
    pub operation: String,
    /// From variables to the operation's input.
    pub inputs: Vec<Mapping>,
    /// From the operation's answer to variables.
    pub outputs: Vec<Mapping>,
    /// True where it joins the transaction of the person's operation.
    pub atomic: bool,
    /// The variable that gets the whole answer.
    pub result: Option<String>,
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    let job = node.vendors("taskDefinition").next().and_then(|t| t.attr("type"));
    let delegate = ["topic", "class", "delegateExpression", "expression", "type"].iter().find_map(|n| node.vendor(n));
    let operation = node.celek("operation").or(job).or(delegate).unwrap_or_default().trim().to_owned();
    let result = node.vendor("resultVariable").or(node.vendor("resultVariableName")).map(str::to_owned);
    Kind::Service(Box::new(ServiceTask {
        operation,
        inputs: reading.mappings(node, "input"),
        outputs: reading.outputs(node),
        result,
        atomic: node.celek("atomic") == Some("true"),
    }))
}

pub(super) fn check(task: &ServiceTask, element: &Element, out: &mut Vec<Problem>) {
    if task.operation.is_empty() {
        out.push(finding(element, true, "operation", "The service task names no operation."));
    }
}

pub(super) fn run(task: &ServiceTask, run: &Run<'_>, token: TokenId, element: &Element) -> Result<Next, Fault> {
    let input = run.map(token, &task.inputs, &Map::new())?;
    let effects = vec![Effect::CallOperation {
        token,
        element: element.id.clone(),
        operation: task.operation.clone(),
        input: Json::Object(input),
        atomic: task.atomic,
    }];
    Ok(Next::Wait { wait: Wait::Operation, listens: Vec::new(), effects })
}
