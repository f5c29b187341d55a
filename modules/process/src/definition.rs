//! Deployed definitions: versions of BPMN files, with the roles in whose name they act.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use bpmn::{Definitions, Process};
use kernel::{
    Cx, Entity, Error, Fields, Id, LongText, Operation, Principal, PrincipalKind, Rec, Result, Run, StepName, Value,
};
use parking_lot::RwLock;

use crate::instance::{Instance, InstanceState};

/// A version of a process as it was deployed. Instances go on with the version that they started on.
#[derive(Entity)]
#[entity(name = "process.definition", steady, plain, by_operation, title = name, read = "*", area = "processes", unique(key, version))]
pub struct Definition {
    /// Key: the same for all versions.
    #[field(indexed)]
    pub key: String,
    /// Version.
    pub version: i64,
    /// Name.
    #[field(searchable)]
    pub name: String,
    /// Czech name.
    pub name_cs: Option<String>,
    /// New instances start on it.
    pub active: bool,
    /// Roles in whose name it calls operations, separated by spaces.
    #[field(role = "roles")]
    pub roles: String,
    /// The event that starts it.
    #[field(indexed)]
    pub starts_on: Option<String>,
    /// Events of its subject that end it, separated by spaces.
    pub ends_on: Option<String>,
    /// Operations that it calls or waits for.
    pub operations: Option<LongText>,
    /// The file.
    #[field(max = 2_000_000)]
    pub xml: LongText,
}

static PARSED: LazyLock<RwLock<HashMap<String, Arc<Process>>>> = LazyLock::new(RwLock::default);

/// The parsed process of a file; parsed once for all instances.
///
/// # Errors
/// `process.not_executable` with what is wrong and where.
pub(crate) fn parsed(xml: &str) -> Result<Arc<Process>> {
    if let Some(found) = PARSED.read().get(xml) {
        return Ok(found.clone());
    }
    let refused = |problems: Vec<bpmn::Problem>| {
        let text =
            problems.iter().filter(|p| p.is_error()).take(5).map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Error::refused("process.not_executable").with("detail", text)
    };
    let definitions = Definitions::parse(xml).map_err(refused)?;
    let process = definitions
        .processes
        .into_iter()
        .next()
        .ok_or_else(|| Error::refused("process.not_executable").with("detail", "-"))?;
    let process = Arc::new(process);
    let mut cache = PARSED.write();
    if cache.len() > 1_000 {
        cache.clear();
    }
    cache.insert(xml.to_owned(), process.clone());
    Ok(process)
}

/// Deploys a file as the next version of a key. The deployer can grant only roles that he holds; the system can grant all.
///
/// # Errors
/// `process.not_executable`, `process.no_operation`, 403 for roles that the deployer does not hold.
pub fn deploy(cx: &mut Cx<'_>, key: &str, xml: &str, roles: &str) -> Result<Id<Definition>> {
    let process = parsed(xml)?;
    for role in roles.split_whitespace() {
        if !cx.who().is_admin() && !cx.who().has_role(role) {
            return Err(Error::forbidden(role));
        }
    }
    runs_here(&process)?;
    let who = acting(cx, key, &process.name, roles)?;
    roles_exist(cx, &process, &who)?;
    let schema = cx.schema().clone();
    for name in process.operations() {
        let found = schema.operations.get(name.as_str()).map(|e| (e.def)());
        if found.is_none_or(|def| def.person_only) {
            return Err(Error::refused("process.no_operation").with("operation", name));
        }
    }
    // What it calls itself it must be allowed to call: better told now than as an incident in the night.
    for element in &process.elements {
        if let bpmn::Kind::Service(task) = &element.kind
            && !who.may_call((schema.operation(&task.operation)?.def)())
        {
            let refused = Error::refused("process.no_right").with("operation", task.operation.as_str());
            return Err(refused.with("step", element.name.as_str()).with("roles", roles));
        }
    }
    let mut version = 1;
    for mut earlier in cx.by::<Definition>(&[("key", Value::from(key))])? {
        version = version.max(earlier.version + 1);
        if earlier.active {
            earlier.active = false;
            cx.save(&mut earlier)?;
        }
    }
    let starts_on = process.starts().find_map(|(_, start)| start.message().map(str::to_owned));
    cx.insert(Definition {
        key: key.to_owned(),
        version,
        name: if process.name.is_empty() { key.to_owned() } else { process.name.clone() },
        name_cs: process.names.get("cs").cloned(),
        active: true,
        roles: roles.to_owned(),
        starts_on,
        ends_on: Some(process.ends_on.join(" ")).filter(|t| !t.is_empty()),
        operations: Some(LongText(process.operations().join("\n"))).filter(|t| !t.0.is_empty()),
        xml: LongText(xml.to_owned()),
    })
}

/// Refuses what the engine can run but nobody here would answer: other processes, decisions, messages and signals between
/// instances, and what is begun by hand.
fn runs_here(process: &Process) -> Result<()> {
    use bpmn::{BoundaryTrigger, Kind, ThrowTrigger, elements::catch_event::CatchTrigger};
    let foreign = |kind: &Kind| match kind {
        Kind::Call(_) | Kind::Rule(_) => true,
        Kind::Receive(task) => task.message.is_none(),
        Kind::SubProcess(sub) => sub.ad_hoc.is_some(),
        Kind::Throw(throw) => matches!(throw.trigger, ThrowTrigger::Message(_) | ThrowTrigger::Signal(_)),
        Kind::End(bpmn::EndEvent::Throw(trigger)) => {
            matches!(trigger, ThrowTrigger::Message(_) | ThrowTrigger::Signal(_))
        }
        Kind::Catch(event) => matches!(event.trigger, CatchTrigger::Signal(_)),
        Kind::Boundary(event) => matches!(event.trigger, BoundaryTrigger::Event(CatchTrigger::Signal(_))),
        Kind::Start(start) => matches!(start.trigger, bpmn::StartTrigger::Signal(_)),
        _ => false,
    };
    match process.elements.iter().find(|e| foreign(&e.kind)) {
        Some(element) => {
            let detail =
                format!("{} ({}): {} cannot be carried out here", element.id, element.name, element.kind.name());
            Err(Error::refused("process.not_executable").with("detail", detail))
        }
        None => Ok(()),
    }
}

/// Refuses where the definition or a step of it names a role that does not exist: nobody would see the step.
fn roles_exist(cx: &mut Cx<'_>, process: &Process, who: &Principal) -> Result<()> {
    let known = platform::role_labels(cx, who.language)?;
    let steps = process.elements.iter().filter_map(|e| match &e.kind {
        bpmn::Kind::User(task) => task.role.as_ref().or(e.lane_role.as_ref()),
        _ => None,
    });
    let mut named = who.roles.iter().chain(steps).filter(|role| !role.is_empty());
    match named.find(|role| !known.iter().any(|(code, _)| code == *role)) {
        Some(role) => Err(Error::refused("process.no_such_role").with("role", role.as_str())),
        None => Ok(()),
    }
}

/// What people call the process and the element of `KEY:ELEMENT`, by the newest version that has it. A person's step is
/// written down as `ELEMENT` alone: then any process that has such an element names it.
pub(crate) fn step_name(step: &str, cx: &mut Cx<'_>) -> Result<Option<StepName>> {
    let (of, element) = match step.split_once(':') {
        Some((key, element)) => (vec![("key", Value::from(key))], element),
        None => (Vec::new(), step),
    };
    for definition in cx.by::<Definition>(&of)?.into_iter().rev() {
        let process = parsed(&definition.xml.0)?;
        let Some(at) = process.element(element) else { continue };
        let czech = cx.who().language == kernel::Language::Cs;
        let name = definition.name_cs.clone().filter(|_| czech).unwrap_or_else(|| definition.name.clone());
        return Ok(Some(StepName { process: name, step: crate::instance::name_of(at, cx) }));
    }
    Ok(None)
}

/// The definitions whose forms, conditions or mappings name something: those on which instances start, and those on which
/// one still runs.
pub(crate) fn that_use(defined: &kernel::Defined<'_>, cx: &mut Cx<'_>) -> Result<Vec<kernel::AnyRef>> {
    let mut uses = Vec::new();
    for definition in cx.by::<Definition>(&[])?.into_iter().filter(|d| defined.named_in(&d.xml.0)) {
        let running = [("definition", definition.id.into()), ("state", InstanceState::Running.into())];
        if definition.active || cx.first::<Instance>(&running)?.is_some() {
            uses.push(definition.id.into());
        }
    }
    Ok(uses)
}

/// The principal in whose name a definition acts.
///
/// # Errors
/// As reading does.
pub(crate) fn principal(cx: &mut Cx<'_>, definition: &Rec<Definition>) -> Result<Principal> {
    acting(cx, &definition.key, &definition.name, &definition.roles)
}

fn acting(cx: &mut Cx<'_>, key: &str, name: &str, roles: &str) -> Result<Principal> {
    // The system brings no rights along, and a definition has the same whoever moves it.
    let access =
        if cx.who().access.roles.is_empty() { Arc::new(platform::access(cx)?) } else { cx.who().access.clone() };
    let who = cx.who();
    Ok(Principal {
        kind: PrincipalKind::Definition,
        user: 0,
        login: format!("process:{key}"),
        name: name.to_owned(),
        roles: roles.split_whitespace().map(str::to_owned).collect(),
        language: who.language,
        company: who.company.clone(),
        access,
        scope: Vec::new(),
        units: Vec::new(),
    })
}

/// Deploys a BPMN file. What it may do is what the named roles may do.
#[derive(Operation)]
#[operation(
    name = "process.definition.deploy",
    allow = "manager",
    person_only,
    no_inverse = "Deploy the earlier file again."
)]
pub struct Deploy {
    /// Key of the process.
    #[field(max = 60)]
    pub key: String,
    /// The file.
    #[field(max = 2_000_000)]
    pub xml: LongText,
    /// Roles in whose name it acts, separated by spaces.
    #[field(role = "roles")]
    pub roles: Option<String>,
}

/// The version.
#[derive(Fields)]
pub struct Deployed {
    /// The version.
    pub definition: Id<Definition>,
}

impl Run for Deploy {
    type Output = Deployed;
    fn run(self, cx: &mut Cx<'_>) -> Result<Deployed> {
        let definition = deploy(cx, &self.key, &self.xml.0, self.roles.as_deref().unwrap_or(""))?;
        cx.link(definition);
        Ok(Deployed { definition })
    }
}
