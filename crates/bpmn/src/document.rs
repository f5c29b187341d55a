//! A file as it is written: every element, attribute, extension, comment and shape, for tools that change a little and keep
//! the rest.

use crate::problem::Problem;
use crate::xml::{MAX_BYTES, MAX_DEPTH, at};
use quick_xml::XmlVersion;
use quick_xml::escape::{escape, partial_escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Most elements of a file.
const MAX_NODES: usize = 500_000;

/// A file of BPMN, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What stands outside of the root element, in order.
    before: Vec<Part>,
    root: Whole,
    after: Vec<Part>,
}

/// An element with its qualified name, attributes (namespaces too) and content as they are written.
#[derive(Clone, Debug, Default, PartialEq)]
struct Whole {
    name: String,
    attributes: Vec<(String, String)>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Element(Whole),
    Text(String),
    Data(String),
    Comment(String),
    Instruction(String),
    Declaration(String),
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// One problem with line and column where it is too large, hostile or not well-formed.
    pub fn read(xml: &str) -> Result<Self, Problem> {
        if xml.len() > MAX_BYTES {
            return Err(Problem::file("too_large", format!("The file is larger than {} MB.", MAX_BYTES / 1024 / 1024)));
        }
        let mut reader = Reader::from_str(xml);
        let mut open: Vec<Whole> = Vec::new();
        let mut before = Vec::new();
        let mut after = Vec::new();
        let mut root: Option<Whole> = None;
        let mut count = 0usize;
        loop {
            let event = reader.read_event().map_err(|e| at(xml, reader.error_position(), &e.to_string()))?;
            let position = reader.buffer_position();
            let wrong = |message: &str| at(xml, position, message);
            let part = match event {
                Event::Start(start) => {
                    count += 1;
                    if open.len() >= MAX_DEPTH || count > MAX_NODES {
                        return Err(wrong("too many elements, or nested too deep"));
                    }
                    if open.is_empty() && root.is_some() {
                        return Err(wrong("a second root element"));
                    }
                    open.push(whole(&start).map_err(|e| wrong(&e))?);
                    continue;
                }
                Event::Empty(start) => {
                    count += 1;
                    if count > MAX_NODES {
                        return Err(wrong("too many elements"));
                    }
                    Part::Element(whole(&start).map_err(|e| wrong(&e))?)
                }
                Event::End(_) => match open.pop() {
                    Some(node) => Part::Element(node),
                    None => return Err(wrong("an element is closed that is not open")),
                },
                Event::Text(text) => Part::Text(text.xml10_content().into_owned()),
                Event::CData(text) => Part::Data(text.xml10_content().into_owned()),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().map_err(|e| wrong(&e.to_string()))?;
                    match (character, resolve_predefined_entity(&reference)) {
                        (Some(c), _) => Part::Text(c.to_string()),
                        (None, Some(text)) => Part::Text(text.to_owned()),
                        (None, None) => return Err(wrong("unknown entity")),
                    }
                }
                Event::Comment(text) => Part::Comment(AsRef::<str>::as_ref(&text).to_owned()),
                Event::PI(text) => Part::Instruction(AsRef::<str>::as_ref(&text).to_owned()),
                Event::Decl(text) => Part::Declaration(AsRef::<str>::as_ref(&text).to_owned()),
                Event::DocType(_) => return Err(wrong("a document type declaration (DTD) is refused")),
                Event::Eof => break,
            };
            match (open.last_mut(), part) {
                (Some(parent), part) => parent.add(part),
                (None, Part::Element(node)) => {
                    if root.is_some() {
                        return Err(wrong("a second root element"));
                    }
                    root = Some(node);
                }
                (None, Part::Text(text)) if !text.trim().trim_start_matches('\u{feff}').is_empty() => {
                    return Err(wrong("text outside of the root element"));
                }
                (None, part) => (if root.is_some() { &mut after } else { &mut before }).push(part),
            }
        }
        if !open.is_empty() {
            return Err(at(xml, xml.len() as u64, "the file ends inside an element"));
        }
        let root = root.ok_or_else(|| Problem::file("xml", "The file has no root element."))?;
        Ok(Self { before, root, after })
    }

    /// Writes the file.
    pub fn write(&self) -> String {
        let mut out = String::new();
        self.before.iter().for_each(|part| part.write(&mut out));
        self.root.write(&mut out);
        self.after.iter().for_each(|part| part.write(&mut out));
        out
    }

    /// How many elements it has.
    pub fn count(&self) -> usize {
        self.root.count()
    }

    /// Gives the element of an id a new name; false where there is none.
    pub fn rename(&mut self, id: &str, name: &str) -> bool {
        self.root.find(id).map(|node| node.set("name", name)).is_some()
    }

    /// Sets an attribute of the element of an id; false where there is none.
    pub fn set(&mut self, id: &str, attribute: &str, value: &str) -> bool {
        self.root.find(id).map(|node| node.set(attribute, value)).is_some()
    }

    /// Adds a flow beside its source; false where the source or target is not there or the id is taken.
    pub fn add_flow(&mut self, id: &str, source: &str, target: &str, name: &str) -> bool {
        if self.root.find(id).is_some() || self.root.find(target).is_none() {
            return false;
        }
        let Some(parent) = self.root.parent_of(source) else { return false };
        let child = parent.parts.iter().find_map(|part| match part {
            Part::Element(node) if node.get("id") == Some(source) => Some(node.name.clone()),
            _ => None,
        });
        let prefix = child.as_deref().and_then(|n| n.split_once(':')).map(|(prefix, _)| format!("{prefix}:"));
        let mut flow = Whole { name: format!("{}sequenceFlow", prefix.unwrap_or_default()), ..Whole::default() };
        for (key, value) in [("id", id), ("name", name), ("sourceRef", source), ("targetRef", target)] {
            if !value.is_empty() {
                flow.set(key, value);
            }
        }
        parent.parts.push(Part::Element(flow));
        true
    }
}

fn whole(start: &BytesStart<'_>) -> Result<Whole, String> {
    let mut attributes: Vec<(String, String)> = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|e| e.to_string())?;
        let key: &str = attribute.key.as_ref();
        if attributes.len() > 256 || attributes.iter().any(|(known, _)| known == key) {
            return Err(format!("too many attributes, or '{key}' twice"));
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| e.to_string())?;
        attributes.push((key.to_owned(), value.into_owned()));
    }
    let name = start.name();
    Ok(Whole { name: AsRef::<str>::as_ref(&name).to_owned(), attributes, parts: Vec::new() })
}

impl Whole {
    fn add(&mut self, part: Part) {
        match (self.parts.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
            (_, part) => self.parts.push(part),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn set(&mut self, name: &str, value: &str) {
        match self.attributes.iter_mut().find(|(key, _)| key == name) {
            Some((_, own)) => value.clone_into(own),
            None => self.attributes.push((name.to_owned(), value.to_owned())),
        }
    }

    fn children(&mut self) -> impl Iterator<Item = &mut Self> {
        self.parts.iter_mut().filter_map(|part| match part {
            Part::Element(node) => Some(node),
            _ => None,
        })
    }

    fn find(&mut self, id: &str) -> Option<&mut Self> {
        if self.get("id") == Some(id) {
            return Some(self);
        }
        self.children().find_map(|child| child.find(id))
    }

    fn parent_of(&mut self, id: &str) -> Option<&mut Self> {
        if self.children().any(|child| child.get("id") == Some(id)) {
            return Some(self);
        }
        self.children().find_map(|child| child.parent_of(id))
    }

    fn count(&self) -> usize {
        let inner = |part: &Part| if let Part::Element(node) = part { node.count() } else { 0 };
        1 + self.parts.iter().map(inner).sum::<usize>()
    }

    fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (key, value) in &self.attributes {
            // Line breaks in attributes would be read as blanks.
            let value = escape(value.as_str()).replace('\n', "&#10;").replace('\r', "&#13;").replace('\t', "&#9;");
            out.push_str(&format!(" {key}=\"{value}\""));
        }
        if self.parts.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        self.parts.iter().for_each(|part| part.write(out));
        out.push_str(&format!("</{}>", self.name));
    }
}

impl Part {
    fn write(&self, out: &mut String) {
        match self {
            Self::Element(node) => node.write(out),
            Self::Text(text) => out.push_str(&partial_escape(text.as_str())),
            Self::Data(text) => out.push_str(&format!("<![CDATA[{text}]]>")),
            Self::Comment(text) => out.push_str(&format!("<!--{text}-->")),
            Self::Instruction(text) => out.push_str(&format!("<?{text}?>")),
            Self::Declaration(text) => out.push_str(&format!("<?{text}?>")),
        }
    }
}
