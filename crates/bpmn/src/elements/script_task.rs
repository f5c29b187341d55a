//! Script tasks: FEEL (or simple JUEL) that gives a variable.

use super::{Fault, Next, unsupported};
use crate::feel::Expression;
use crate::model::{Kind, Mapping};
use crate::parse::Reading;
use crate::run::Run;
use crate::state::TokenId;
use crate::xml::Node;

/// Computes a variable.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptTask {
    /// What it computes.
    pub script: Expression,
    /// The variable that gets it.
    pub result: Option<String>,
    /// From `output`, what it computed, to variables.
    pub outputs: Vec<Mapping>,
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    let zeebe = node.vendors("script").next().cloned();
    // A job worker runs it, as for a service task.
    if zeebe.is_none() && node.vendors("taskDefinition").next().is_some() {
        return super::service_task::parse(node, reading);
    }
    let language = node.attr("scriptFormat").unwrap_or("feel").to_lowercase();
    let own = zeebe.as_ref().and_then(|z| z.attr("expression")).map(str::to_owned);
    let text = own.or_else(|| node.all("script").next().map(|s| s.text.trim().to_owned())).unwrap_or_default();
    if text.is_empty() {
        return unsupported(reading, "A script task without a script");
    }
    let feel = language.contains("feel") || matches!(language.as_str(), "juel" | "");
    if zeebe.is_none() && !feel {
        return unsupported(reading, &format!("A script in {language}"));
    }
    let text = if text.starts_with('=') || crate::juel::is_juel(&text) { text } else { format!("={text}") };
    let Some(script) = reading.expression(&text) else { return Kind::Unsupported("A script task".to_owned()) };
    let result = node.celek("result").or(node.vendor("resultVariable"));
    let result = result.or(zeebe.as_ref().and_then(|z| z.attr("resultVariable"))).map(str::to_owned);
    Kind::Script(Box::new(ScriptTask { script, result, outputs: reading.outputs(node) }))
}

pub(super) fn run(task: &ScriptTask, run: &Run<'_>, token: TokenId) -> Result<Next, Fault> {
    Ok(Next::Done(task.script.evaluate(&run.view(token), &run.context.clock)?))
}
