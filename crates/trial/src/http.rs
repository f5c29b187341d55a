//! A tiny blocking HTTP client for tests: one connection a request, nothing hidden.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value as J;

/// Talks to a server under test.
#[derive(Clone, Debug)]
pub struct Client {
    addr: SocketAddr,
    headers: Vec<(String, String)>,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header; empty where absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> J {
        serde_json::from_slice(&self.body).unwrap_or(J::Null)
    }
    /// The code of a problem document; empty where it is none.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or("").to_owned()
    }
}

impl Client {
    /// Nobody's client.
    pub fn new(addr: SocketAddr) -> Self {
        Self { addr, headers: Vec::new() }
    }
    /// A client that sends a header with every request, in place of an earlier one of this name.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }
    /// A client that acts under a token.
    #[must_use]
    pub fn token(&self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    fn begin(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.addr).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        let given = |name: &str| {
            self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
                || headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
        };
        if !given("host") {
            head.push_str(&format!("host: {}\r\n", self.addr));
        }
        if !given("content-length") && (!body.is_empty() || method != "GET") {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).expect("the request leaves");
        // A server that refuses a body before it is sent may hang up.
        let _ = stream.write_all(body);
        BufReader::new(stream)
    }

    /// Sends a request and reads the whole answer.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut stream = self.begin(method, path, headers, body);
        let (status, headers) = head(&mut stream);
        let mut raw = Vec::new();
        let _ = stream.read_to_end(&mut raw);
        let chunked = headers.iter().any(|(n, v)| n == "transfer-encoding" && v.contains("chunked"));
        Reply { status, headers, body: if chunked { joined(&raw) } else { raw } }
    }
    /// Gets.
    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"")
    }
    /// Sends JSON.
    pub fn json(&self, method: &str, path: &str, body: &J) -> Reply {
        self.send(method, path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }
    /// Posts JSON.
    pub fn post(&self, path: &str, body: &J) -> Reply {
        self.json("POST", path, body)
    }
    /// Listens to an event stream.
    pub fn events(&self, path: &str) -> Events {
        let mut stream = self.begin("GET", path, &[], b"");
        let (status, _) = head(&mut stream);
        Events { status, stream }
    }
}

/// An event stream.
pub struct Events {
    /// Status of the answer.
    pub status: u16,
    stream: BufReader<TcpStream>,
}

impl Events {
    /// The next line that has this beginning, without it; nothing where the stream ends or is silent for 30 seconds.
    pub fn next(&mut self, beginning: &str) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(rest) = line.trim_end().strip_prefix(beginning) {
                return Some(rest.to_owned());
            }
        }
    }
}

fn head(stream: &mut BufReader<TcpStream>) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    stream.read_line(&mut line).expect("an answer");
    let status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            return (status, headers);
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
}

fn joined(raw: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(end) = raw[at..].windows(2).position(|w| w == b"\r\n") {
        let size = std::str::from_utf8(&raw[at..at + end]).ok().and_then(|t| usize::from_str_radix(t.trim(), 16).ok());
        let Some(size) = size.filter(|s| *s > 0) else { break };
        let start = at + end + 2;
        out.extend_from_slice(raw.get(start..start + size).unwrap_or(&[]));
        at = start + size + 2;
        if at >= raw.len() {
            break;
        }
    }
    out
}
