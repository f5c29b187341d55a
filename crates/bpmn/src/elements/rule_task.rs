//! Business rule tasks: a decision is asked; its answer comes like that of an operation.

use super::{Fault, Next, service_task};
use crate::event::Effect;
use crate::feel::Expression;
use crate::model::{Element, Kind, Mapping};
use crate::parse::Reading;
use crate::run::Run;
use crate::state::{TokenId, Wait};
use crate::xml::Node;
use serde_json::{Map, Value as Json};

/// Asks a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleTask {
    /// Id or name of the decision.
    pub decision: Expression,
    /// From variables to its inputs; without any it sees all variables.
    pub inputs: Vec<Mapping>,
    /// From its answer to variables.
    pub outputs: Vec<Mapping>,
    /// The variable that gets the answer.
    pub result: Option<String>,
    /// How an answer of several rules or outputs is reduced: `singleEntry`, `singleResult`, `collectEntries`,
    /// `resultList`; without it the answer is taken as it is.
    pub shape: Option<String>,
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    let called = node.vendors("calledDecision").next().cloned();
    let rules = node.vendors("field").find(|f| f.attr("name") == Some("decisionTableReferenceKey")).cloned();
    let named = node
        .celek("decision")
        .or(node.vendor("decisionRef"))
        .or(called.as_ref().and_then(|c| c.attr("decisionId")))
        .map(str::to_owned)
        .or_else(|| {
            rules.and_then(|r| {
                r.children.first().map(|c| c.text.trim().to_owned()).or(r.attr("stringValue").map(str::to_owned))
            })
        });
    let Some(named) = named.filter(|n| !n.trim().is_empty()) else { return service_task::parse(node, reading) };
    let Some(decision) = reading.expression(&named) else {
        return Kind::Unsupported("A business rule task".to_owned());
    };
    let result = node.celek("result").or(node.vendor("resultVariable"));
    let result = result.or(called.as_ref().and_then(|c| c.attr("resultVariable"))).map(str::to_owned);
    let shape = node.vendor("decisionRef").and(Some(node.vendor("mapDecisionResult").unwrap_or("resultList")));
    Kind::Rule(Box::new(RuleTask {
        decision,
        inputs: reading.mappings(node, "input"),
        outputs: reading.outputs(node),
        result,
        shape: shape.map(str::to_owned),
    }))
}

pub(super) fn run(task: &RuleTask, run: &Run<'_>, token: TokenId, element: &Element) -> Result<Next, Fault> {
    let decision = task.decision.evaluate_text(&run.view(token), &run.context.clock)?;
    let decision = decision.ok_or_else(|| Fault::new("decision", "the task names no decision"))?;
    let input =
        if task.inputs.is_empty() { run.all_variables(token) } else { run.map(token, &task.inputs, &Map::new())? };
    let effects = vec![Effect::Decide { token, element: element.id.clone(), decision, input: Json::Object(input) }];
    Ok(Next::Wait { wait: Wait::Operation, listens: Vec::new(), effects })
}

impl RuleTask {
    /// The answer as the task wants it.
    pub(crate) fn shaped(&self, answer: Json) -> Json {
        let Some(shape) = &self.shape else { return answer };
        let rows = match answer {
            Json::Array(rows) => rows,
            Json::Null => Vec::new(),
            one => vec![one],
        };
        let entry = |row: Json| match row {
            Json::Object(entries) => entries.into_iter().next().map_or(Json::Null, |(_, value)| value),
            other => other,
        };
        match shape.as_str() {
            "singleEntry" => rows.into_iter().next().map_or(Json::Null, entry),
            "singleResult" => rows.into_iter().next().unwrap_or(Json::Null),
            "collectEntries" => Json::Array(rows.into_iter().map(entry).collect()),
            _ => Json::Array(rows),
        }
    }
}
