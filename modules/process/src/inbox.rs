//! The inbox: the tasks of a person, and everything about one of them.

use kernel::{
    AnyRef, Arg, Cx, Entity, Error, Fields, Filter, Id, Json, LongText, Operation, Query, Rec, Result, Run, Value,
};
use party::Party;
use platform::User;
use serde_json::{Value as J, json};

use crate::definition::Definition;
use crate::instance::{Running, load, name_of};
use crate::task::{Task, TaskState, mine};

/// The tasks of who asks: their own, and those of their roles that nobody has taken.
#[derive(Operation)]
#[operation(name = "process.inbox.mine", allow = "*", read)]
pub struct Inbox {}

/// The tasks.
#[derive(Fields)]
pub struct InboxTasks {
    /// The tasks, the most urgent first.
    pub tasks: Json,
}

fn localized(cx: &Cx<'_>, english: &str, czech: Option<&str>) -> String {
    let czech = czech.filter(|_| cx.who().language == kernel::Language::Cs);
    czech.unwrap_or(english).to_owned()
}

fn brief(cx: &mut Cx<'_>, task: &Rec<Task>) -> Result<J> {
    let now = cx.now();
    let process = match task.instance {
        Some(instance) => {
            let definition = cx.get(instance)?.definition;
            let record: Rec<Definition> = cx.get(definition)?;
            Some(localized(cx, &record.name, record.name_cs.as_deref()))
        }
        None => None,
    };
    let title_of = |cx: &mut Cx<'_>, entity: &str, id: i64| -> Result<Option<String>> {
        Ok(cx.titles(entity, &[id], 1)?.remove(&id))
    };
    let party_title = match task.party {
        Some(party) => title_of(cx, Party::NAME, party.raw())?,
        None => None,
    };
    let subject_title = match task.subject {
        Some(subject) => title_of(cx, subject.entity, subject.id)?,
        None => None,
    };
    let assignee_name = match task.assignee {
        Some(user) => title_of(cx, User::NAME, user.raw())?,
        None => None,
    };
    let stands_for_name = match task.stands_for {
        Some(user) => title_of(cx, User::NAME, user.raw())?,
        None => None,
    };
    let title = localized(cx, &task.title, task.title_cs.as_deref());
    Ok(json!({
        "id": task.id.raw(),
        "title": title,
        "kind": task.kind.value(),
        "state": task.state.value(),
        "due": task.due.map(|d| d.to_string()),
        "overdue": task.due.is_some_and(|d| d < now),
        "priority": task.priority,
        "party": task.party.map(Id::raw),
        "party_title": party_title,
        "subject": task.subject.map(|s| json!({"entity": s.entity, "id": s.id})),
        "subject_title": subject_title,
        "process": process,
        "step": task.instance.map(|_| title.clone()),
        "assignee": task.assignee.map(Id::raw),
        "assignee_name": assignee_name,
        "stands_for": task.stands_for.map(Id::raw),
        "stands_for_name": stands_for_name,
        "role": task.role,
    }))
}

impl Run for Inbox {
    type Output = InboxTasks;
    fn run(self, cx: &mut Cx<'_>) -> Result<InboxTasks> {
        let who = cx.who();
        let open = Filter::within("state", [TaskState::Open, TaskState::Claimed]);
        let own = Filter::eq("assignee", who.user);
        let mut any = vec![own];
        if who.is_admin() {
            any.push(Filter::empty("assignee"));
        } else {
            for role in who.roles.clone() {
                any.push(Filter::empty("assignee").and(Filter::eq("role", role)));
            }
        }
        let query = Query { filter: Some(open.and(Filter::Or(any))), limit: 200, ..Query::of(Task::NAME) }
            .sort_text("-priority,due,id");
        let (rows, _) = cx.select(&query, false)?;
        let mut tasks = Vec::new();
        for row in rows {
            let task = cx.get(Id::<Task>::new(row.id))?;
            tasks.push(brief(cx, &task)?);
        }
        tasks.sort_by_key(|t| t["overdue"] != json!(true));
        Ok(InboxTasks { tasks: Json(J::Array(tasks)) })
    }
}

/// Everything about a task: what to do, why it is here, what comes next.
#[derive(Operation)]
#[operation(name = "process.task.show", allow = "*", read)]
pub struct Show {
    /// The task.
    pub task: Id<Task>,
}

/// The task and what is around it.
#[derive(Fields)]
pub struct Shown {
    /// The task as in the inbox.
    pub task: Json,
    /// How to do it (Markdown).
    pub instruction: Option<LongText>,
    /// The operation that completes it.
    pub operation: Option<String>,
    /// Its label.
    pub operation_label: Option<String>,
    /// What the operation starts with.
    pub operation_input: Option<Json>,
    /// Fields of the form.
    pub form: Json,
    /// Values of the form.
    pub values: Json,
    /// Why it is here.
    pub why: Option<String>,
    /// What comes next.
    pub next: Json,
    /// The customer or supplier.
    pub party: Option<Id<Party>>,
    /// What it is about.
    pub subject: Option<AnyRef>,
    /// Steps of the process.
    pub steps: Json,
}

impl Run for Show {
    type Output = Shown;
    fn run(self, cx: &mut Cx<'_>) -> Result<Shown> {
        let task = cx.get(self.task)?;
        if !mine(cx, &task) {
            return Err(Error::not_found("process.task", self.task));
        }
        let schema = cx.schema().clone();
        let language = cx.who().language;
        let mut shown = Shown {
            task: Json(brief(cx, &task)?),
            instruction: if language == kernel::Language::Cs {
                task.instruction_cs.clone().or(task.instruction.clone())
            } else {
                task.instruction.clone().or(task.instruction_cs.clone())
            },
            operation: task.operation.clone(),
            operation_label: None,
            operation_input: None,
            form: Json(json!([])),
            values: Json(json!({})),
            why: None,
            next: Json(json!([])),
            party: task.party,
            subject: task.subject,
            steps: Json(json!([])),
        };
        if let Some(operation) = &task.operation {
            let entry = *schema.operation(operation)?;
            let def = (entry.def)();
            shown.operation_label = Some(schema.operation_label(language, def));
            if let Some(subject) = task.subject {
                let input = match (entry.prefill)(subject.id, cx)? {
                    Some(cells) => kernel::json::encode_fields((def.input)(), &cells),
                    None => json!({def.target: subject.id}),
                };
                shown.operation_input = Some(Json(input));
            }
        }
        let fields = task.form.as_ref().and_then(|f| f.0.as_array()).cloned().unwrap_or_default();
        let czech = language == kernel::Language::Cs;
        let in_language = |told: &mut J| {
            if let Some(label) = told.get("label_cs").and_then(J::as_str).filter(|_| czech).map(str::to_owned) {
                told["label"] = J::from(label);
            }
        };
        let labelled = fields.iter().cloned().map(|mut field| {
            in_language(&mut field);
            field.get_mut("choices").and_then(J::as_array_mut).into_iter().flatten().for_each(in_language);
            field
        });
        shown.form = Json(labelled.collect());
        if let (Some(instance), Some(element)) = (task.instance, &task.element) {
            let running = load(cx, instance)?;
            if let Some(token) = task.token.and_then(|token| running.state.token(token)) {
                let names: Vec<&str> = fields.iter().filter_map(|f| f["name"].as_str()).collect();
                let known = names.iter().filter_map(|name| Some((*name, running.state.find(token.scope, name)?)));
                shown.values = Json(known.map(|(name, value)| (name.to_owned(), value.clone())).collect());
            }
            let names: Vec<J> = bpmn::next_steps(&running.process, element)
                .into_iter()
                .map(|s| J::from(s.names.get(language.code()).cloned().unwrap_or(s.name)))
                .collect();
            shown.next = Json(J::Array(names));
            shown.why = Some(schema.message(
                language,
                "process.task.why",
                &[
                    (
                        "process",
                        Arg::from(localized(cx, &running.definition.name, running.definition.name_cs.as_deref())),
                    ),
                    ("day", Arg::from(running.record.started.to_zoned_datetime(cx.company().time_zone.clone()).date())),
                ],
            ));
            shown.steps = Json(steps(cx, &running, element)?);
        }
        Ok(shown)
    }
}

fn steps(cx: &mut Cx<'_>, running: &Running, current: &str) -> Result<J> {
    let history = cx
        .conn()
        .rows("SELECT DISTINCT element FROM process_step WHERE instance = ? AND how = 'left'", &[running.id.into()])?;
    let left: Vec<String> =
        history.iter().filter_map(|r| r.first().and_then(Value::as_text)).map(str::to_owned).collect();
    let shown = running
        .process
        .elements
        .iter()
        .filter(|e| matches!(e.kind, bpmn::Kind::User(_) | bpmn::Kind::Service(_) | bpmn::Kind::Catch(_)));
    Ok(J::Array(
        shown
            .map(|e| {
                let state = if e.id == current {
                    "current"
                } else if left.contains(&e.id) {
                    "done"
                } else {
                    "ahead"
                };
                json!({"element": e.id, "name": name_of(e, cx), "state": state})
            })
            .collect(),
    ))
}
