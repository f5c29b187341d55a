//! Streams of leads: where they come from, who is on duty for them, and which web sites may send them.

use kernel::{Cx, Entity, Error, Id, LongText, Origins, Result, Rules, Value, choice};
use platform::{Role, User};

use crate::pipeline::Pipeline;

choice!(
    /// What kind of source leads come from.
    StreamSource { Web = "web", Mail = "mail", Call = "call", Fair = "fair", Import = "import", Other = "other" }
);

/// Where leads come from.
#[derive(Entity)]
#[entity(name = "crm.stream", title = name, read = "sales manager", write = "manager", area = "customers")]
pub struct Stream {
    /// Code by which the web form names it.
    #[field(unique, max = 30)]
    pub code: String,
    /// Name.
    #[field(searchable)]
    pub name: String,
    /// What kind of source it is.
    #[field(default = "web")]
    pub source: StreamSource,
    /// The salesperson on duty; everybody in the role on duty where empty.
    pub salesperson: Option<Id<User>>,
    /// The role on duty; sales where empty.
    pub duty: Option<Id<Role>>,
    /// The pipeline in which its deals begin; the first where empty.
    pub pipeline: Option<Id<Pipeline>>,
    /// Web sites whose forms may send leads, one a line, such as https://www.example.com. Where no stream names any, any
    /// site may.
    #[field(max = 2_000)]
    pub origins: Option<LongText>,
}

/// The lines of a text that hold anything.
fn sites(text: Option<&LongText>) -> impl Iterator<Item = &str> {
    text.into_iter().flat_map(|t| t.0.lines()).map(str::trim).filter(|line| !line.is_empty())
}

/// Whether a text is a web site as browsers name one: scheme, host and perhaps a port, nothing behind.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|h| !h.is_empty() && h.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b)))
}

impl Rules for Stream {
    fn check(_old: Option<&Self>, new: &mut Self, _cx: &mut Cx<'_>) -> Result<()> {
        match sites(new.origins.as_ref()).find(|site| !is_origin(site)) {
            Some(site) => Err(Error::field("origins", "crm.origin").with("value", site)),
            None => Ok(()),
        }
    }
}

/// From where web forms may send: from the sites that streams name, from any where none is named.
pub(crate) fn origins(cx: &mut Cx<'_>) -> Result<Origins> {
    let streams = cx.by::<Stream>(&[("archived", Value::Int(0))])?;
    let named: Vec<String> = streams.iter().flat_map(|s| sites(s.origins.as_ref()).map(str::to_owned)).collect();
    Ok(if named.is_empty() { Origins::Any } else { Origins::Listed(named) })
}
