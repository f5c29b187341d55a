//! Reads XML into a small tree of what matters here. Hostile input is refused before it costs anything: no DTD, bounded
//! size, depth and counts, no recursion.

use crate::problem::Problem;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

/// Largest text that is read, in bytes.
pub const MAX_BYTES: usize = 20 * 1024 * 1024;
/// Deepest nesting of XML elements.
pub const MAX_DEPTH: usize = 64;
/// Most XML elements of any namespace in one file (a flow node with its diagram shape takes about ten).
const MAX_NODES: usize = 200_000;
/// Most attributes of one XML element.
const MAX_ATTRIBUTES: usize = 256;

const BPMN: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";
const CELEK: &str = "http://celek.org/bpmn";
/// Extensions of other engines that are understood, by the beginning of their namespace.
const VENDORS: [&str; 5] = [
    "http://camunda.org/schema/1.0/bpmn",
    "http://camunda.org/schema/zeebe/",
    "http://flowable.org/bpmn",
    "http://activiti.org/bpmn",
    "http://www.activiti.org/bpmn",
];

/// The namespaces that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// The BPMN 2.0 model.
    Bpmn,
    /// Our own extension.
    Celek,
    /// Camunda, Zeebe, Flowable or Activiti.
    Vendor,
    /// None (plain attributes).
    Plain,
    /// Any other.
    Foreign,
}

/// An XML element of the BPMN or our own namespace. Foreign elements are left out: they are nothing to execute.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub space: Space,
    pub name: String,
    pub attributes: Vec<(Space, String, String)>,
    pub children: Vec<Node>,
    pub text: String,
}

impl Node {
    /// The value of a plain attribute.
    pub fn attr(&self, name: &str) -> Option<&str> {
        self.find(Space::Plain, name)
    }
    /// The value of an attribute in our namespace.
    pub fn celek(&self, name: &str) -> Option<&str> {
        self.find(Space::Celek, name)
    }
    /// The value of an attribute of another engine that is understood.
    pub fn vendor(&self, name: &str) -> Option<&str> {
        self.find(Space::Vendor, name).map(str::trim).filter(|text| !text.is_empty())
    }
    /// Extension elements of another engine that is understood.
    pub fn vendors<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        let inside = self.all("extensionElements").flat_map(|e| e.children.iter());
        inside.chain(self.children.iter()).filter(move |c| c.space == Space::Vendor && c.name == name)
    }
    fn find(&self, space: Space, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(s, n, _)| *s == space && n == name).map(|(_, _, v)| v.as_str())
    }
    /// True for the BPMN element of that name.
    pub fn is(&self, name: &str) -> bool {
        self.space == Space::Bpmn && self.name == name
    }
    /// The BPMN children of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |c| c.is(name))
    }
    /// Children in our namespace, whether they stand directly or (as the standard wants it) in `extensionElements`.
    pub fn extensions<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        let inside = self.all("extensionElements").flat_map(|e| e.children.iter());
        self.children.iter().chain(inside).filter(move |c| c.space == Space::Celek && c.name == name)
    }
}

/// Reads the text into a tree.
///
/// # Errors
/// One problem with line and column where the text is too large, hostile or not well-formed.
pub(crate) fn read(xml: &str) -> Result<Node, Problem> {
    if xml.len() > MAX_BYTES {
        return Err(Problem::file("too_large", format!("The file is larger than {} MB.", MAX_BYTES / 1024 / 1024)));
    }
    let mut reader = NsReader::from_str(xml);
    let mut open: Vec<Option<Node>> = Vec::new();
    let mut root: Option<Node> = None;
    let mut count = 0usize;
    loop {
        let (space, event) = match reader.read_resolved_event() {
            Ok((resolved, event)) => (space_of(&resolved), event),
            Err(error) => {
                let message = error.to_string();
                return Err(at(xml, reader.error_position(), &message));
            }
        };
        let position = reader.buffer_position();
        match event {
            Event::Start(start) => {
                count += 1;
                let node = enter(&reader, &start, space, open.len(), count, root.is_some())
                    .map_err(|message| at(xml, position, &message))?;
                open.push(node);
            }
            Event::Empty(start) => {
                count += 1;
                let node = enter(&reader, &start, space, open.len(), count, root.is_some())
                    .map_err(|message| at(xml, position, &message))?;
                close(node, &mut open, &mut root);
            }
            Event::End(_) => {
                if let Some(node) = open.pop() {
                    close(node, &mut open, &mut root);
                }
            }
            Event::Text(text) => match open.last_mut() {
                Some(Some(node)) => node.text.push_str(&text.xml10_content()),
                Some(None) => {}
                None if text.trim().trim_start_matches('\u{feff}').is_empty() => {}
                None => return Err(at(xml, position, "text outside of the root element")),
            },
            Event::CData(text) => {
                if let Some(Some(node)) = open.last_mut() {
                    node.text.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|e| at(xml, position, &e.to_string()))?;
                let Some(Some(node)) = open.last_mut() else { continue };
                match (character, resolve_predefined_entity(&reference)) {
                    (Some(c), _) => node.text.push(c),
                    (None, Some(text)) => node.text.push_str(text),
                    (None, None) => return Err(at(xml, position, "unknown entity")),
                }
            }
            // An entity can only be declared in a DTD, so refusing every DTD ends all entity bombs and outside reads.
            Event::DocType(_) => return Err(at(xml, position, "a document type declaration (DTD) is refused")),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if !open.is_empty() {
        return Err(at(xml, xml.len() as u64, "the file ends inside an element"));
    }
    root.ok_or_else(|| Problem::file("xml", "The file has no BPMN root element."))
}

fn enter(
    reader: &NsReader<&[u8]>,
    start: &BytesStart<'_>,
    space: Space,
    depth: usize,
    count: usize,
    second_root: bool,
) -> Result<Option<Node>, String> {
    if depth >= MAX_DEPTH {
        return Err(format!("elements are nested deeper than {MAX_DEPTH}"));
    }
    if count > MAX_NODES {
        return Err(format!("more than {MAX_NODES} XML elements"));
    }
    if depth == 0 && second_root {
        return Err("a second root element".to_owned());
    }
    let mut attributes: Vec<(Space, String, String)> = Vec::new();
    // The library's own check for duplicates is quadratic, so the number is bounded first and looked at here.
    for (index, attribute) in start.attributes().with_checks(false).enumerate() {
        if index >= MAX_ATTRIBUTES {
            return Err(format!("more than {MAX_ATTRIBUTES} attributes"));
        }
        let attribute = attribute.map_err(|e| e.to_string())?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let (resolved, local) = reader.resolver().resolve_attribute(attribute.key);
        let attribute_space = space_of(&resolved);
        let name: &str = local.as_ref();
        if attributes
            .iter()
            .any(|(s, n, _)| *s == attribute_space && !matches!(s, Space::Foreign | Space::Vendor) && n == name)
        {
            return Err(format!("attribute '{name}' twice"));
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| e.to_string())?;
        attributes.push((attribute_space, name.to_owned(), value.into_owned()));
    }
    if !matches!(space, Space::Bpmn | Space::Celek | Space::Vendor) {
        return Ok(None);
    }
    let name = start.local_name();
    Ok(Some(Node {
        space,
        name: AsRef::<str>::as_ref(&name).to_owned(),
        attributes,
        children: Vec::new(),
        text: String::new(),
    }))
}

fn close(node: Option<Node>, open: &mut [Option<Node>], root: &mut Option<Node>) {
    let Some(node) = node else { return };
    match open.last_mut() {
        Some(Some(parent)) => parent.children.push(node),
        Some(None) => {}
        None => *root = Some(node),
    }
}

fn space_of(resolved: &ResolveResult<'_>) -> Space {
    match resolved {
        ResolveResult::Bound(Namespace(name)) if *name == BPMN => Space::Bpmn,
        ResolveResult::Bound(Namespace(name)) if *name == CELEK => Space::Celek,
        ResolveResult::Bound(Namespace(name)) if VENDORS.iter().any(|v| name.starts_with(v)) => Space::Vendor,
        ResolveResult::Unbound => Space::Plain,
        _ => Space::Foreign,
    }
}

pub(crate) fn at(xml: &str, position: u64, message: &str) -> Problem {
    let end = usize::try_from(position).unwrap_or(usize::MAX).min(xml.len());
    let before = &xml.as_bytes()[..end];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    Problem::file("xml", format!("Line {line}, column {column}: {message}."))
}
