//! Just as much XML as a statement needs, with limits.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::{CamtError, MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, MAX_ELEMENTS_IN_ENTRY};

/// An element with what is inside. Names are local names: prefixes and namespaces are left out.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub name: String,
    /// The attribute `Ccy`.
    pub currency: Option<String>,
    /// The characters directly inside, without white space at the ends.
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The element at a path of names, the first at each step.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The text at a path, unless empty.
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).map(|element| element.text.as_str()).filter(|text| !text.is_empty())
    }
}

/// What the reader of a document meets.
pub(super) enum Step {
    /// An element begins that was not asked for as a whole.
    Open(String),
    /// Such an element ends.
    Close,
    /// The end of the document.
    End,
}

/// A walk through a document.
pub(super) struct Document<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
    elements: usize,
    /// An empty element was met: its end comes next.
    pending_close: bool,
    started: Option<BytesStart<'a>>,
}

impl<'a> Document<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, CamtError> {
        if bytes.len() > MAX_BYTES {
            return Err(CamtError::TooBig);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| CamtError::Encoding)?;
        let reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        Ok(Self { reader, depth: 0, elements: 0, pending_close: false, started: None })
    }

    fn event(&mut self) -> Result<Event<'a>, CamtError> {
        let event = self.reader.read_event().map_err(|error| CamtError::Xml(error.to_string()))?;
        match &event {
            Event::DocType(_) => return Err(CamtError::DocumentType),
            Event::Decl(declaration) => {
                if let Some(Ok(encoding)) = declaration.encoding()
                    && !["utf-8", "utf8", "us-ascii"].iter().any(|known| encoding.eq_ignore_ascii_case(known))
                {
                    return Err(CamtError::Encoding);
                }
            }
            Event::Start(_) | Event::Empty(_) => {
                self.elements += 1;
                if self.elements > MAX_ELEMENTS {
                    return Err(CamtError::TooMany);
                }
                if self.depth >= MAX_DEPTH {
                    return Err(CamtError::TooDeep);
                }
            }
            Event::Eof if self.depth > 0 => return Err(CamtError::Xml("the document ends too early".to_owned())),
            _ => {}
        }
        match &event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        Ok(event)
    }

    /// Goes on to the next beginning or end of an element; text between is passed over.
    pub fn step(&mut self) -> Result<Step, CamtError> {
        if std::mem::take(&mut self.pending_close) {
            return Ok(Step::Close);
        }
        self.started = None;
        loop {
            match self.event()? {
                Event::Start(start) => {
                    let name = start.local_name().as_ref().to_owned();
                    self.started = Some(start);
                    return Ok(Step::Open(name));
                }
                Event::Empty(start) => {
                    let name = start.local_name().as_ref().to_owned();
                    self.pending_close = true;
                    self.started = Some(start);
                    return Ok(Step::Open(name));
                }
                Event::End(_) => return Ok(Step::Close),
                Event::Eof => return Ok(Step::End),
                _ => {}
            }
        }
    }

    /// After [`Step::Open`]: takes the element as a whole.
    pub fn whole(&mut self) -> Result<Element, CamtError> {
        let Some(start) = self.started.take() else { return Ok(Element::default()) };
        if std::mem::take(&mut self.pending_close) {
            return element(&start);
        }
        let before = self.elements;
        let mut open = vec![element(&start)?];
        loop {
            let event = self.event()?;
            if self.elements - before > MAX_ELEMENTS_IN_ENTRY {
                return Err(CamtError::TooMany);
            }
            match event {
                Event::Start(start) => open.push(element(&start)?),
                Event::Empty(start) => {
                    let empty = element(&start)?;
                    if let Some(parent) = open.last_mut() {
                        parent.children.push(empty);
                    }
                }
                Event::End(_) => {
                    let Some(mut done) = open.pop() else { return Ok(Element::default()) };
                    done.text = done.text.trim().to_owned();
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Event::Text(text) => append(&mut open, &text.xml10_content()),
                Event::CData(text) => append(&mut open, &text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let resolved = reference.resolve_char_ref().map_err(|error| CamtError::Xml(error.to_string()))?;
                    match (resolved, &*reference) {
                        (Some(c), _) => append(&mut open, c.encode_utf8(&mut [0; 4])),
                        (None, "lt") => append(&mut open, "<"),
                        (None, "gt") => append(&mut open, ">"),
                        (None, "amp") => append(&mut open, "&"),
                        (None, "apos") => append(&mut open, "'"),
                        (None, "quot") => append(&mut open, "\""),
                        (None, other) => return Err(CamtError::Xml(format!("unknown entity {other}"))),
                    }
                }
                Event::Eof => return Err(CamtError::Xml("the document ends too early".to_owned())),
                _ => {}
            }
        }
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, CamtError> {
    let attribute = start.try_get_attribute("Ccy").map_err(|error| CamtError::Xml(error.to_string()))?;
    Ok(Element {
        name: start.local_name().as_ref().to_owned(),
        currency: attribute.map(|attribute| attribute.value.trim().to_owned()),
        ..Element::default()
    })
}
