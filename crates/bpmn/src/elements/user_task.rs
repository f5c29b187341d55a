//! User tasks, and manual tasks, which are the same without a form and an operation.

use super::{Fault, Next, finding};
use crate::event::{Effect, Task};
use crate::feel::{Clock, Expression, Feel};
use crate::model::{Element, Field, Kind, Mapping, Texts};
use crate::parse::{Reading, is_name, texts};
use crate::problem::Problem;
use crate::run::Run;
use crate::state::{TokenId, Wait};
use crate::timer::due;
use crate::xml::Node;
use serde_json::Value as Json;

/// Work of a person.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserTask {
    /// True for a manual task.
    pub manual: bool,
    /// The operation it is bound to: when that succeeds on the subject, the task is done.
    pub operation: Option<String>,
    /// The variable with the record; without it the process' subject.
    pub subject: Option<String>,
    /// Role whose people can take it; without it that of the lane.
    pub role: Option<String>,
    /// More roles, and people who can take it, from the extensions of other engines.
    pub candidates: Vec<Expression>,
    /// The name, where it is computed.
    pub name: Option<Expression>,
    /// The person it is given to.
    pub assignee: Option<Expression>,
    /// When it is due.
    pub due: Option<Expression>,
    /// Its priority.
    pub priority: Option<i64>,
    /// Fields of its form.
    pub form: Vec<Field>,
    /// Names of events that also complete it.
    pub completes: Vec<String>,
    /// Instructions in Markdown, by language.
    pub instructions: Texts,
    /// From what the form gave to variables; without any, the form's names are the variables.
    pub outputs: Vec<Mapping>,
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    let text = |name: &str| node.celek(name).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let mut task = UserTask {
        manual: node.name == "manualTask",
        operation: text("operation"),
        subject: text("subject"),
        role: text("role"),
        instructions: texts(node, "instruction"),
        ..UserTask::default()
    };
    let zeebe = |element: &str, name: &str| node.vendors(element).next().and_then(|n| n.attr(name)).map(str::to_owned);
    let vendor = |name: &str| node.vendor(name).map(str::to_owned);
    let assignee =
        text("assignee").or_else(|| vendor("assignee")).or_else(|| zeebe("assignmentDefinition", "assignee"));
    task.assignee = assignee.and_then(|t| reading.expression(&t));
    let due_text = text("due").or_else(|| vendor("dueDate")).or_else(|| zeebe("taskSchedule", "dueDate"));
    task.due = due_text.and_then(|t| reading.expression(&t));
    let named = node.attr("name").filter(|name| crate::juel::is_juel(name));
    // A name that cannot be computed is shown as it is written.
    task.name =
        named.and_then(|name| crate::juel::to_feel(name).ok()).and_then(|t| Feel::parse(&t).ok()).map(Expression::Feel);
    let groups = vendor("candidateGroups").or_else(|| zeebe("assignmentDefinition", "candidateGroups"));
    if let Some(groups) = groups {
        let computed = groups.starts_with('=') || crate::juel::is_juel(&groups);
        let several: Vec<&str> = if computed { vec![groups.as_str()] } else { groups.split(',').collect() };
        match several.as_slice() {
            [one] if !computed && task.role.is_none() => task.role = Some(one.trim().to_owned()),
            several => task.candidates.extend(several.iter().filter_map(|group| reading.expression(group))),
        }
    }
    if let Some(Expression::Literal(text)) = &task.due
        && let Err(why) = due(text, &Clock { now: jiff::Timestamp::UNIX_EPOCH, zone: jiff::tz::TimeZone::UTC })
    {
        reading.error("due", format!("The task has no usable due time: {why}."));
    }
    if let Some(priority) = text("priority") {
        match priority.parse() {
            Ok(number) => task.priority = Some(number),
            Err(_) => reading.error("priority", format!("The priority '{priority}' is no whole number.")),
        }
    }
    if task.subject.as_deref().is_some_and(|name| !is_name(name)) {
        reading.error("subject", "The subject is not a plain name.");
    }
    task.completes = text("completes")
        .map(|t| t.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect())
        .unwrap_or_default();
    task.form = fields(node, reading);
    task.outputs = reading.outputs(node);
    Kind::User(Box::new(task))
}

fn fields(node: &Node, reading: &mut Reading) -> Vec<Field> {
    let grouped = node.extensions("form").flat_map(|form| form.extensions("field"));
    let mut found: Vec<Field> = Vec::new();
    for child in node.extensions("field").chain(grouped) {
        let attribute = |name: &str| child.attr(name).or(child.celek(name)).map(str::to_owned);
        let name = attribute("name").unwrap_or_default();
        if !is_name(&name) || found.iter().any(|f| f.name == name) {
            reading.error("form", format!("The form field '{name}' needs a plain name of its own."));
            continue;
        }
        let labels = child.attributes.iter().filter_map(|(_, key, value)| {
            key.strip_prefix("label_").map(|language| (language.to_owned(), value.clone()))
        });
        found.push(Field {
            label: attribute("label").unwrap_or_else(|| name.clone()),
            labels: labels.collect(),
            kind: attribute("kind").unwrap_or_else(|| "text".to_owned()),
            required: attribute("required").as_deref() == Some("true"),
            name,
        });
    }
    // Forms of Camunda 7 and Flowable.
    let vendor = node.vendors("formProperty").chain(node.vendors("formData").flat_map(|d| d.children.iter()));
    for child in vendor {
        let name = child.attr("id").unwrap_or_default().to_owned();
        if !is_name(&name) || found.iter().any(|f| f.name == name) {
            continue;
        }
        let required = child.children.iter().flat_map(|v| &v.children).any(|c| c.attr("name") == Some("required"));
        found.push(Field {
            label: child.attr("label").or(child.attr("name")).unwrap_or(&name).to_owned(),
            labels: Texts::new(),
            kind: match child.attr("type").unwrap_or("string") {
                "long" | "double" | "integer" => "number".to_owned(),
                "string" => "text".to_owned(),
                "enum" => "choice".to_owned(),
                other => other.to_owned(),
            },
            required: required || child.attr("required") == Some("true"),
            name,
        });
    }
    found
}

pub(super) fn check(task: &UserTask, element: &Element, out: &mut Vec<Problem>) {
    if element.name.is_empty() && element.names.is_empty() {
        out.push(finding(element, false, "name", "The task has no name; people will not know what to do."));
    }
    if task.manual && (task.operation.is_some() || !task.form.is_empty()) {
        out.push(finding(
            element,
            false,
            "manual",
            "A manual task has neither an operation nor a form; both are ignored.",
        ));
    }
}

pub(super) fn run(task: &UserTask, run: &Run<'_>, token: TokenId, element: &Element) -> Result<Next, Fault> {
    let view = run.view(token);
    let text = |expression: &Option<Expression>| match expression {
        Some(expression) => expression.evaluate_text(&view, &run.context.clock),
        None => Ok(None),
    };
    let subject = task.subject.clone().or_else(|| run.process.subject.clone());
    let subject_value = subject.as_deref().and_then(|name| run.variable(token, name)).cloned();
    let mut roles: Vec<String> =
        task.role.clone().or_else(|| element.lane_role.clone()).into_iter().filter(|r| !r.is_empty()).collect();
    for candidate in &task.candidates {
        let names = text(&Some(candidate.clone()))?.unwrap_or_default();
        roles.extend(names.split(',').map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()));
    }
    let created = Task {
        token,
        element: element.id.clone(),
        name: text(&task.name).ok().flatten().unwrap_or_else(|| element.name.clone()),
        names: element.names.clone(),
        instructions: task.instructions.clone(),
        manual: task.manual,
        operation: task.operation.clone().filter(|_| !task.manual),
        subject,
        subject_value: subject_value.unwrap_or(Json::Null),
        roles,
        assignee: text(&task.assignee)?,
        due: match text(&task.due)? {
            Some(text) => Some(due(&text, &run.context.clock).map_err(|why| Fault::new("due", why))?),
            None => None,
        },
        priority: task.priority,
        form: if task.manual { Vec::new() } else { task.form.clone() },
        completes: task.completes.clone(),
    };
    let effects = vec![Effect::TaskCreated(Box::new(created))];
    Ok(Next::Wait { wait: Wait::Task, listens: Vec::new(), effects })
}
