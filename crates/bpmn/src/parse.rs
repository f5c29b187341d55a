//! From the XML tree to [`Definitions`]. What belongs to one kind of element is read in that element's file.

use crate::derived::Derived;
use crate::elements;
use crate::feel::{Expression, Feel, FeelError, parse_cost};
use crate::juel;
use crate::model::{Definitions, Element, Flow, Kind, Mapping, MessageSpec, Process, Texts};
use crate::problem::{Problem, Severity};
use crate::xml::{self, Node, Space};
use serde_json::Value as Json;
use std::collections::HashMap;

/// Most elements and flows of one file.
pub const MAX_ELEMENTS: usize = 10_000;

impl Definitions {
    /// Reads a file that is to be executed.
    ///
    /// # Errors
    /// All problems, where at least one is an error. Warnings alone are kept in [`Definitions::problems`].
    pub fn parse(xml: &str) -> Result<Self, Vec<Problem>> {
        let definitions = Self::read(xml)?;
        if definitions.problems.iter().any(Problem::is_error) { Err(definitions.problems) } else { Ok(definitions) }
    }

    /// Reads a file also where it cannot be executed, to draw and to explain it.
    ///
    /// # Errors
    /// One problem, where it is no BPMN at all or hostile.
    pub fn read(xml: &str) -> Result<Self, Vec<Problem>> {
        let root = xml::read(xml).map_err(|problem| vec![problem])?;
        if !root.is("definitions") {
            return Err(vec![Problem::file("xml", "The root element is not BPMN definitions.")]);
        }
        let mut reading = Reading::default();
        for message in root.all("message") {
            let id = message.attr("id").unwrap_or_default().to_owned();
            reading.messages.insert(id, message.clone());
        }
        for error in root.all("error") {
            let code = error.attr("errorCode").or(error.attr("name")).unwrap_or_default();
            reading.errors.insert(error.attr("id").unwrap_or_default().to_owned(), code.to_owned());
        }
        for (kind, code) in [("signal", "name"), ("escalation", "escalationCode")] {
            for node in root.all(kind) {
                let name = node.attr(code).or(node.attr("name")).unwrap_or_default();
                let id = node.attr("id").unwrap_or_default();
                reading.declared.insert((kind, id.to_owned()), name.trim().to_owned());
            }
        }
        let mut processes = Vec::new();
        for node in root.all("process") {
            processes.push(reading.process(node));
        }
        if reading.count > MAX_ELEMENTS {
            return Err(vec![Problem::file("too_large", format!("More than {MAX_ELEMENTS} elements."))]);
        }
        if processes.is_empty() {
            reading.problems.push(Problem::file("no_process", "The file has no process."));
        }
        Ok(Self { processes, problems: reading.problems })
    }
}

/// Most work of parsing all FEEL texts of one file, in units of [`parse_cost`]: about a second. An ordinary condition
/// takes some thousand units.
const MAX_FEEL: usize = 200_000_000;

/// What is known while reading.
#[derive(Default)]
pub(crate) struct Reading {
    messages: HashMap<String, Node>,
    errors: HashMap<String, String>,
    /// Names of signals and codes of escalations by their ids.
    declared: HashMap<(&'static str, String), String>,
    problems: Vec<Problem>,
    ids: HashMap<String, ()>,
    count: usize,
    feel: usize,
    /// Id and name of what is being read, for problems.
    current: (String, String),
}

impl Reading {
    /// Reports an error at the current element.
    pub fn error(&mut self, code: &'static str, message: impl Into<String>) {
        self.report(Severity::Error, code, message.into());
    }

    /// Reports a warning at the current element.
    pub fn warn(&mut self, code: &'static str, message: impl Into<String>) {
        self.report(Severity::Warning, code, message.into());
    }

    fn report(&mut self, severity: Severity, code: &'static str, message: String) {
        let (element, name) = self.current.clone();
        self.problems.push(Problem { severity, code, element, name, message });
    }

    /// Reports what cannot be executed.
    pub fn unsupported(&mut self, what: &str) {
        self.error("not_executable", format!("{what} cannot be executed."));
    }

    /// Prepares an attribute that may be FEEL.
    pub fn expression(&mut self, text: &str) -> Option<Expression> {
        self.prepare(text, Expression::parse)
    }

    /// Prepares a text that must be FEEL, with or without the leading `=`.
    pub fn feel(&mut self, text: &str) -> Option<Feel> {
        let text = text.trim();
        self.prepare(text, |text| Feel::parse(text.strip_prefix('=').unwrap_or(text)))
    }

    fn prepare<T>(&mut self, text: &str, parse: impl Fn(&str) -> Result<T, FeelError>) -> Option<T> {
        let translated;
        let text = if juel::is_juel(text) {
            match juel::to_feel(text) {
                Ok(feel) => translated = format!("={feel}"),
                Err(why) => {
                    self.error("expression_language", format!("'{text}' is neither FEEL nor simple JUEL: {why}."));
                    return None;
                }
            }
            &translated
        } else {
            text
        };
        let before = self.feel;
        self.feel += parse_cost(text);
        if self.feel > MAX_FEEL {
            if before <= MAX_FEEL {
                self.error("too_large", "The expressions of the file are too long altogether.");
            }
            return None;
        }
        parse(text).map_err(|e| self.error("feel", format!("'{text}': {e}."))).ok()
    }

    /// The mappings of that name (`input`, `output`).
    pub fn mappings(&mut self, node: &Node, name: &str) -> Vec<Mapping> {
        let mut found = Vec::new();
        for child in node.extensions(name) {
            let attribute = |key| child.celek(key).or(child.attr(key));
            match (attribute("source"), attribute("target")) {
                (Some(source), Some(target)) if is_name(target) => {
                    if let Some(source) = self.expression(source) {
                        found.push(Mapping { source, target: target.to_owned() });
                    }
                }
                (_, target) => {
                    let target = target.unwrap_or_default();
                    self.error("mapping", format!("The mapping to '{target}' needs a source and a plain target name."));
                }
            }
        }
        found
    }

    /// What an element gives to variables, by our own and other engines' extensions.
    pub fn outputs(&mut self, node: &Node) -> Vec<Mapping> {
        let mut found = self.mappings(node, "output");
        self.vendor_parameters(node, "outputParameter", "output", &mut found);
        found
    }

    /// Variables of an activity of its own, by other engines' extensions.
    fn inputs(&mut self, node: &Node) -> Vec<Mapping> {
        let mut found = Vec::new();
        self.vendor_parameters(node, "inputParameter", "input", &mut found);
        found
    }

    fn vendor_parameters(&mut self, node: &Node, parameter: &str, mapping: &str, found: &mut Vec<Mapping>) {
        for child in node.vendors("inputOutput").flat_map(|io| &io.children).filter(|c| c.name == parameter) {
            let name = child.attr("name").unwrap_or_default();
            if !child.children.is_empty() {
                self.error("mapping", format!("The parameter '{name}' is a script, list or map."));
            } else if !is_name(name) {
                self.error("mapping", format!("The parameter '{name}' needs a plain name."));
            } else if let Some(source) = self.expression(&child.text) {
                found.push(Mapping { source, target: name.to_owned() });
            }
        }
        for child in node.vendors("ioMapping").flat_map(|io| &io.children).filter(|c| c.name == mapping) {
            if let (Some(source), Some(target)) = (child.attr("source"), child.attr("target")) {
                found.extend(self.vendor_mapping(source, target));
            }
        }
    }

    /// A mapping whose source is a variable's name or an expression.
    pub fn vendor_mapping(&mut self, source: &str, target: &str) -> Option<Mapping> {
        let target = target.trim();
        if !is_name(target) {
            self.error("mapping", format!("The mapping to '{target}' needs a plain target name."));
            return None;
        }
        let source = source.trim();
        let written = source.starts_with('=') || juel::is_juel(source);
        let source = self.expression(&if written { source.to_owned() } else { format!("={source}") })?;
        Some(Mapping { source, target: target.to_owned() })
    }

    /// The name of the signal, or the code of the escalation, that an event definition refers to.
    pub fn named(&mut self, definition: &Node, attribute: &str, kind: &'static str) -> Option<String> {
        let reference = definition.attr(attribute)?;
        let reference = reference.rsplit(':').next().unwrap_or(reference).trim().to_owned();
        match self.declared.get(&(kind, reference.clone())) {
            Some(name) if !name.is_empty() => Some(name.clone()),
            _ => {
                self.warn("reference", format!("The {kind} '{reference}' is not declared; it is taken as the name."));
                Some(reference)
            }
        }
    }

    /// The message that a message event definition refers to.
    pub fn message(&mut self, event: &Node, definition: &Node) -> Option<MessageSpec> {
        let Some(reference) = definition.attr("messageRef") else {
            self.error("message", "The message event names no message.");
            return None;
        };
        // References may be written with a namespace prefix.
        let reference = reference.rsplit(':').next().unwrap_or(reference).to_owned();
        let Some(message) = self.messages.get(&reference).cloned() else {
            self.error("reference", format!("The message '{reference}' is not declared."));
            return None;
        };
        let name = message.attr("name").unwrap_or_default().to_owned();
        if name.is_empty() {
            self.error("message", format!("The message '{reference}' has no name."));
            return None;
        }
        let text = [event, definition, &message].into_iter().find_map(|n| n.celek("correlation"));
        let vendor = message.vendors("subscription").next().and_then(|s| s.attr("correlationKey"));
        let text = text.or(vendor);
        let correlation = text.map(str::to_owned).and_then(|text| self.expression(&text));
        Some(MessageSpec { name, correlation })
    }

    /// The error code that an error event definition refers to; none catches every error.
    pub fn error_code(&mut self, definition: &Node) -> Option<String> {
        let reference = definition.attr("errorRef")?;
        let reference = reference.rsplit(':').next().unwrap_or(reference).to_owned();
        let code = self.errors.get(&reference).cloned();
        if code.is_none() {
            self.warn("reference", format!("The error '{reference}' is not declared; it is taken as the code."));
        }
        Some(code.filter(|code| !code.is_empty()).unwrap_or(reference))
    }

    fn enter(&mut self, node: &Node) {
        let id = node.attr("id").unwrap_or_default().to_owned();
        self.current = (id.clone(), node.attr("name").unwrap_or_default().trim().to_owned());
        if id.is_empty() {
            self.error("id", format!("A {} has no id.", node.name));
        } else if self.ids.insert(id, ()).is_some() {
            self.error("id", "The id is used twice.");
        }
    }

    /// Many programs write flows without an id; tokens name them, so they get one that the next reading gives again.
    fn enter_flow(&mut self, node: &Node) {
        if node.attr("id").is_some_and(|id| !id.is_empty()) {
            return self.enter(node);
        }
        let end = |name: &str| node.attr(name).unwrap_or_default();
        let base = format!("{}->{}", end("sourceRef"), end("targetRef"));
        let mut id = base.clone();
        for number in 2.. {
            if self.ids.insert(id.clone(), ()).is_none() {
                break;
            }
            id = format!("{base}#{number}");
        }
        self.current = (id, node.attr("name").unwrap_or_default().trim().to_owned());
    }

    fn process(&mut self, node: &Node) -> Process {
        self.enter(node);
        let list = |text: &str| text.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect();
        let mut process = Process {
            id: self.current.0.clone(),
            name: self.current.1.clone(),
            names: texts(node, "name"),
            executable: node.attr("isExecutable") != Some("false"),
            subject: node.celek("subject").map(str::to_owned),
            ends_on: node.celek("endsOn").map(list).unwrap_or_default(),
            elements: Vec::new(),
            flows: Vec::new(),
            data: Vec::new(),
            by_id: HashMap::new(),
            derived: Derived::default(),
        };
        if process.subject.as_deref().is_some_and(|name| !is_name(name)) {
            self.error("subject", "The subject is not a plain name.");
        }
        let mut pending = Pending::default();
        self.scope(node, None, &mut process, &mut pending);
        self.flows(&mut process, &pending);
        self.attach(&mut process, &pending);
        self.compensation(&mut process, &pending);
        for (element, name, role) in pending.lanes {
            if let Some(index) = process.by_id.get(&element).copied() {
                process.elements[index].lane = Some(name);
                process.elements[index].lane_role = Some(role);
            }
        }
        process.derived = Derived::of(&process);
        process
    }

    fn scope(&mut self, node: &Node, parent: Option<usize>, process: &mut Process, pending: &mut Pending) {
        let owner = self.current.clone();
        for child in node.children.iter().filter(|c| c.space == Space::Bpmn) {
            match child.name.as_str() {
                // Documentation and drawing, by the standard without an effect on the flow.
                "documentation"
                | "extensionElements"
                | "incoming"
                | "outgoing"
                | "textAnnotation"
                | "completionCondition"
                | "group"
                | "dataObjectReference"
                | "dataStoreReference"
                | "property"
                | "auditing"
                | "monitoring"
                | "category" => {}
                "association" => {
                    let end = |name: &str| child.attr(name).unwrap_or_default().to_owned();
                    pending.associations.push((end("sourceRef"), end("targetRef")));
                }
                "dataObject" => {
                    if let Some(value) = data(child) {
                        match parent {
                            Some(parent) => process.elements[parent].data.push(value),
                            None => process.data.push(value),
                        }
                    }
                }
                "laneSet" => lanes(child, None, &mut pending.lanes),
                "ioSpecification"
                | "correlationSubscription"
                | "resourceRole"
                | "performer"
                | "potentialOwner"
                | "humanPerformer"
                | "supportedInterfaceRef" => {
                    self.current = owner.clone();
                    self.warn("ignored", format!("'{}' has no effect.", child.name));
                }
                // Belongs to the sub-process itself and is read with it.
                "multiInstanceLoopCharacteristics" | "standardLoopCharacteristics" => {}
                "sequenceFlow" => {
                    self.count += 1;
                    pending.flows.push((child.clone(), parent));
                }
                _ => self.element(child, parent, process, pending),
            }
        }
    }

    fn element(&mut self, node: &Node, parent: Option<usize>, process: &mut Process, pending: &mut Pending) {
        self.count += 1;
        if self.count > MAX_ELEMENTS {
            return;
        }
        self.enter(node);
        let kind = elements::parse(node, self);
        for child in node.children.iter().filter(|c| c.space == Space::Bpmn) {
            match child.name.as_str() {
                "dataInputAssociation" | "dataOutputAssociation" => {
                    self.warn("ignored", "A data association is documentation only; use celek:input and celek:output.");
                }
                "performer" | "humanPerformer" | "potentialOwner" | "resourceRole" => {
                    self.warn("ignored", format!("'{}' has no effect; use celek:role and celek:assignee.", child.name));
                }
                _ => {}
            }
        }
        let assigns = |name: &str| matches!(name, "assignee" | "candidateUsers" | "candidateGroups");
        if node.attributes.iter().any(|(space, name, _)| *space == Space::Foreign && assigns(name)) {
            self.warn("ignored", "The assignment of another program has no effect; use celek:role and celek:assignee.");
        }
        let repeat = elements::repeat::parse(node, self);
        let inputs = self.inputs(node);
        let activity = kind.is_activity();
        let index = process.elements.len();
        let (id, name) = self.current.clone();
        process.by_id.insert(id.clone(), index);
        let inside = matches!(kind, Kind::SubProcess(_));
        process.elements.push(Element {
            id,
            name,
            names: texts(node, "name"),
            kind,
            parent,
            lane: None,
            lane_role: None,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            boundary: Vec::new(),
            default: None,
            repeat: repeat.filter(|_| activity),
            handler: None,
            compensates: node.attr("isForCompensation") == Some("true"),
            inputs,
            data: Vec::new(),
        });
        if let Some(default) = node.attr("default") {
            pending.defaults.push((index, default.to_owned()));
        }
        if let Some(host) = node.attr("attachedToRef") {
            pending.attached.push((index, host.to_owned()));
        }
        if inside {
            self.scope(node, Some(index), process, pending);
        }
    }

    fn flows(&mut self, process: &mut Process, pending: &Pending) {
        let mut by_id = HashMap::new();
        for (node, parent) in &pending.flows {
            self.enter_flow(node);
            let end = |name: &str| node.attr(name).and_then(|id| process.by_id.get(id)).copied();
            let (Some(source), Some(target)) = (end("sourceRef"), end("targetRef")) else {
                self.error("reference", "The flow leads from or to an element that does not exist.");
                continue;
            };
            let foreign = |index: usize| process.elements[index].parent != *parent;
            if foreign(source) || foreign(target) {
                self.error("flow", "The flow crosses the border of a sub-process.");
                continue;
            }
            let condition = node.all("conditionExpression").next().map(|c| c.text.trim().to_owned());
            let condition = condition.filter(|text| !text.is_empty()).and_then(|text| self.feel(&text));
            let index = process.flows.len();
            let (id, name) = self.current.clone();
            by_id.insert(id.clone(), index);
            process.flows.push(Flow { id, name, source, target, condition });
            process.elements[source].outgoing.push(index);
            process.elements[target].incoming.push(index);
        }
        for (element, flow) in &pending.defaults {
            let element = &mut process.elements[*element];
            match by_id.get(flow).filter(|f| element.outgoing.contains(f)) {
                Some(index) => element.default = Some(*index),
                None => {
                    self.current = (element.id.clone(), element.name.clone());
                    self.error("reference", format!("The default flow '{flow}' does not leave this element."));
                }
            }
        }
    }

    fn attach(&mut self, process: &mut Process, pending: &Pending) {
        for (index, host) in &pending.attached {
            let host_index = process.by_id.get(host).copied();
            let element = &process.elements[*index];
            let same_level = |h: &usize| process.elements[*h].parent == element.parent;
            match host_index.filter(|h| same_level(h) && process.elements[*h].kind.is_activity()) {
                Some(h) => process.elements[h].boundary.push(*index),
                None => {
                    self.current = (element.id.clone(), element.name.clone());
                    self.error("reference", format!("The event is attached to '{host}', which is no activity here."));
                }
            }
        }
    }
}

impl Reading {
    /// Finds the activity that compensates each activity, and refuses cancel events where there is no transaction.
    fn compensation(&mut self, process: &mut Process, pending: &Pending) {
        let at = |id: &str| process.by_id.get(id.rsplit(':').next().unwrap_or(id)).copied();
        let pairs: Vec<(usize, usize)> = pending
            .associations
            .iter()
            .filter_map(|(source, target)| Some((at(source)?, at(target)?)))
            .flat_map(|(source, target)| [(source, target), (target, source)])
            .filter(|(_, handler)| process.elements[*handler].compensates)
            .collect();
        for (event, handler) in pairs {
            let host = process.elements.iter().position(|e| e.boundary.contains(&event));
            if let Some(host) = host {
                process.elements[host].handler = Some(handler);
            }
        }
        for index in 0..process.elements.len() {
            let element = &process.elements[index];
            let inside = |kind: &Kind| matches!(kind, Kind::SubProcess(sub) if sub.transaction);
            let wrong = match &element.kind {
                Kind::Boundary(event) if event.trigger == crate::BoundaryTrigger::Cancel => {
                    let host = process.elements.iter().find(|e| e.boundary.contains(&index));
                    (!host.is_some_and(|host| inside(&host.kind)))
                        .then_some("A cancel event stands on a transaction only.")
                }
                Kind::End(crate::EndEvent::Cancel) => {
                    let parent = element.parent.map(|parent| &process.elements[parent].kind);
                    (!parent.is_some_and(inside)).then_some("A cancel end event stands in a transaction only.")
                }
                _ => None,
            };
            if let Some(wrong) = wrong {
                self.current = (element.id.clone(), element.name.clone());
                self.error("cancel", wrong);
            }
        }
    }
}

/// A data object that has a value from the start, by its name (by its id where it has none).
fn data(node: &Node) -> Option<(String, Json)> {
    let text = node.vendors("value").next().or(node.extensions("value").next())?.text.trim().to_owned();
    let name = node.attr("name").or(node.attr("id")).map(str::trim).filter(|name| is_name(name))?;
    let kind = node.attr("itemSubjectRef").unwrap_or_default().rsplit(':').next().unwrap_or_default().to_lowercase();
    let value = match kind.as_str() {
        _ if text.is_empty() => return None,
        "int" | "integer" | "long" | "short" => text.parse::<i64>().map_or(Json::String(text.clone()), Json::from),
        "double" | "float" | "decimal" => crate::feel::decimal(&text),
        "boolean" => Json::Bool(text == "true"),
        _ => Json::String(text),
    };
    Some((name.to_owned(), value))
}

/// References that can be resolved only when all elements are known.
#[derive(Default)]
struct Pending {
    flows: Vec<(Node, Option<usize>)>,
    defaults: Vec<(usize, String)>,
    attached: Vec<(usize, String)>,
    lanes: Vec<(String, String, String)>,
    associations: Vec<(String, String)>,
}

/// Element id, lane name and role; inner lanes come after outer ones, so that they win.
fn lanes(node: &Node, role: Option<&str>, into: &mut Vec<(String, String, String)>) {
    for lane in node.all("lane") {
        let name = lane.attr("name").unwrap_or_default().trim();
        let role = lane.celek("role").or(role);
        for reference in lane.all("flowNodeRef") {
            let role = role.unwrap_or(name);
            into.push((reference.text.trim().to_owned(), name.to_owned(), role.to_owned()));
        }
        for inner in lane.all("childLaneSet") {
            lanes(inner, role, into);
        }
    }
}

/// Texts by language from our extension elements of that name; without `lang` it is English.
pub(crate) fn texts(node: &Node, name: &str) -> Texts {
    let language = |n: &Node| n.attr("lang").or(n.celek("lang")).unwrap_or("en").to_owned();
    node.extensions(name).map(|n| (language(n), n.text.trim().to_owned())).collect()
}

/// A name that FEEL reads as one word.
pub(crate) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    text.len() <= 100
        && characters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && characters.all(|c| c.is_alphanumeric() || c == '_')
}
