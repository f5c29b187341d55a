//! What all requests share, and a request as the routes see it.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    http::{HeaderMap, Method, Uri, header},
};
use kernel::{Change, Error, Kernel, Language, Result};
use parking_lot::Mutex;
use serde_json::Value as J;
use tokio::sync::{broadcast, watch};

use crate::metrics::Metrics;

/// Calls of a public operation that one address may make in a minute.
const PUBLIC_CALLS: u32 = 20;
/// Deepest nesting of JSON from outside.
const MAX_DEPTH: usize = 64;

/// What all requests share.
pub(crate) struct App {
    pub kernel: Arc<Kernel>,
    pub metrics: Metrics,
    pub changes: broadcast::Sender<Change>,
    pub stop: watch::Receiver<bool>,
    pub stopping: AtomicBool,
    pub streams: AtomicUsize,
    pub secure: bool,
    pub passwords: tokio::sync::Semaphore,
    counter: AtomicU64,
    seed: u64,
    calls: Mutex<HashMap<IpAddr, (Instant, u32)>>,
    demo: Mutex<Option<(Instant, bool)>>,
}

impl App {
    pub fn new(kernel: Arc<Kernel>, stop: watch::Receiver<bool>, secure: bool) -> Self {
        Self {
            kernel,
            metrics: Metrics::default(),
            changes: broadcast::channel(4_096).0,
            stop,
            stopping: AtomicBool::new(false),
            streams: AtomicUsize::new(0),
            secure,
            passwords: tokio::sync::Semaphore::new(4),
            counter: AtomicU64::new(0),
            seed: std::hash::RandomState::new().build_hasher().finish(),
            calls: Mutex::default(),
            demo: Mutex::default(),
        }
    }

    /// A request's number: the client's own where it is harmless, a new one otherwise.
    pub fn request_id(&self, headers: &HeaderMap) -> String {
        let given = headers.get("x-request-id").and_then(|v| v.to_str().ok());
        let harmless = |id: &&str| {
            (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if let Some(id) = given.filter(harmless) {
            return id.to_owned();
        }
        let n = self.counter.fetch_add(1, Ordering::Relaxed);
        format!("{:08x}{n:06x}", self.seed as u32)
    }

    /// Whether this is a demo company; looked up at most once a second.
    pub fn demo(&self) -> Result<bool> {
        let known = *self.demo.lock();
        if let Some((at, demo)) = known
            && at.elapsed() < Duration::from_secs(1)
        {
            return Ok(demo);
        }
        let demo = self.kernel.system()?.company.demo;
        *self.demo.lock() = Some((Instant::now(), demo));
        Ok(demo)
    }

    /// The demo state as last looked up; none where it has to be looked up.
    pub fn known_demo(&self) -> Option<bool> {
        self.demo.lock().filter(|(at, _)| at.elapsed() < Duration::from_secs(1)).map(|(_, demo)| demo)
    }

    /// Counts a call from an address that needs no sign-in.
    ///
    /// # Errors
    /// 429 after too many.
    pub fn throttle(&self, address: IpAddr) -> Result<()> {
        let mut calls = self.calls.lock();
        let minute = Duration::from_secs(60);
        if calls.len() > 10_000 {
            calls.retain(|_, (since, _)| since.elapsed() < minute);
        }
        let entry = calls.entry(address).or_insert((Instant::now(), 0));
        if entry.0.elapsed() >= minute {
            *entry = (Instant::now(), 0);
        }
        entry.1 += 1;
        if entry.1 > PUBLIC_CALLS { Err(Error::new(429, "throttled")) } else { Ok(()) }
    }
}

/// Runs blocking work beside the event loop; a panic becomes an error of ours.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(match error.try_into_panic() {
            Ok(panic) => panicked(&*panic),
            Err(error) => Error::internal(error.to_string()),
        }),
    }
}

/// A panic as an error of ours.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().map(|t| (*t).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Error::internal(format!("panic: {text}"))
}

/// A file that came with a form.
pub(crate) struct Upload {
    pub name: String,
    pub content: Bytes,
    pub fields: HashMap<String, String>,
}

/// A request as the routes see it.
pub(crate) struct Call {
    pub method: Method,
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub upload: Option<Upload>,
    pub address: IpAddr,
}

impl Call {
    /// Reads the address; what cannot be read is no address of ours.
    pub fn new(method: Method, uri: &Uri, headers: HeaderMap, address: IpAddr) -> Result<Self> {
        let path = uri.path().trim_matches('/').split('/').filter(|p| !p.is_empty());
        let path = path.map(unescape).collect::<Option<Vec<_>>>().ok_or_else(|| Error::new(404, "no_address"))?;
        let query = uri
            .query()
            .unwrap_or("")
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let read = |text: &str| unescape(&text.replace('+', " "));
                Some((read(name)?, read(value)?))
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::bad("parameter").with("name", "?"))?;
        Ok(Self { method, path, query, headers, body: Bytes::new(), upload: None, address })
    }

    /// A parameter of the query; nothing where it is empty.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }
    /// A parameter that is on or off.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.param(name) {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(Error::bad("parameter").with("name", name)),
        }
    }
    /// A parameter that lists names.
    pub fn list(&self, name: &str) -> Result<Vec<String>> {
        let names: Vec<String> = self
            .param(name)
            .unwrap_or("")
            .split(',')
            .map(str::trim)
            .filter(|n| !n.is_empty())
            .map(str::to_owned)
            .collect();
        if names.len() > 60 { Err(Error::bad("parameter").with("name", name)) } else { Ok(names) }
    }
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }
    /// The language that the request asks for.
    pub fn language(&self) -> Option<Language> {
        let ours = |code: &str| Language::ALL.into_iter().find(|l| l.code() == code);
        self.param("lang").and_then(ours).or_else(|| self.header(header::ACCEPT_LANGUAGE).and_then(ours))
    }
    /// The first language of the browser, where it is ours: for those whose own is not known.
    pub fn browser_language(&self) -> Option<Language> {
        self.header(header::ACCEPT_LANGUAGE).and_then(|t| Language::parse(t.split([',', ';']).next().unwrap_or("")))
    }
    /// The body as JSON.
    pub fn json(&self) -> Result<J> {
        read_json(&self.body)
    }
    /// The key under which the request is done once.
    pub fn key(&self) -> Result<Option<String>> {
        let Some(value) = self.headers.get("idempotency-key") else { return Ok(None) };
        let text = value.to_str().ok().filter(|t| (1..=200).contains(&t.len()) && !t.bytes().any(|b| b == b'\t'));
        text.map(|t| Some(t.to_owned())).ok_or_else(|| Error::bad("idempotency_key"))
    }
    /// The revision in If-Match; one that is not ours matches nothing.
    pub fn revision(&self) -> Option<i64> {
        let value = self.headers.get(header::IF_MATCH)?;
        let text = value.to_str().unwrap_or("").trim();
        if text == "*" {
            return None;
        }
        let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        Some(inner.parse().unwrap_or(-1))
    }
    pub fn writes(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }
}

fn unescape(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let digits = bytes.get(at + 1..at + 3)?;
            let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            out.push(u8::from_str_radix(digits, 16).ok()?);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).ok()
}

/// Reads JSON that is not nested too deeply.
pub(crate) fn read_json(bytes: &[u8]) -> Result<J> {
    let (mut depth, mut text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match (text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => text = false,
            (true, _) => {}
            (false, b'"') => text = true,
            (false, b'[' | b'{') => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Error::bad("bad_json").with("detail", "nested too deeply"));
                }
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            (false, _) => {}
        }
    }
    serde_json::from_slice(bytes).map_err(|error| Error::bad("bad_json").with("detail", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_unescaped() {
        assert_eq!(unescape("a%20b").as_deref(), Some("a b"));
        assert_eq!(unescape("%c5%a1").as_deref(), Some("š"));
        assert_eq!(unescape("%c5"), None);
        assert_eq!(unescape("%+1"), None);
        assert_eq!(unescape("%"), None);
    }

    #[test]
    fn deep_json_is_refused_and_brackets_in_texts_do_not_count() {
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        assert_eq!(read_json(deep.as_bytes()).err().map(|e| e.code.to_string()).as_deref(), Some("bad_json"));
        let text = format!("{{\"a\": \"{}\\\"[\"}}", "[".repeat(100));
        assert!(read_json(text.as_bytes()).is_ok());
    }
}
