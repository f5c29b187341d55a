//! A small mail server for tests and demonstrations: it takes letters on a local port and keeps them in memory.
//!
//! ```
//! use mail::testing::Smtpd;
//! use mail::{Address, Letter, Mailer};
//!
//! let server = Smtpd::start()?;
//! let mailer = Mailer::new(&server.settings())?;
//! mailer.send(&Letter {
//!     from: Address::new("Pila", "pila@example.com"),
//!     to: vec![Address::new("", "nakup@example.org")],
//!     subject: "Žádost".into(),
//!     text: "Dobrý den".into(),
//!     message_id: "1@example.com".into(),
//!     ..Letter::default()
//! })?;
//! let letters = server.letters();
//! assert_eq!(letters[0].header("Subject").as_deref(), Some("Žádost"));
//! assert_eq!(letters[0].text(), "Dobrý den");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::{SmtpSettings, Tls};

/// A letter larger than this is not taken.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// A line of the dialogue longer than this ends the connection.
const MAX_LINE: u64 = 4_096;

#[derive(Default)]
struct Shared {
    letters: Mutex<Vec<Received>>,
    arrived: Condvar,
    refusal: Mutex<Option<u16>>,
    closing: AtomicBool,
}

/// The server. It stops when dropped.
pub struct Smtpd {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<thread::JoinHandle<()>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Smtpd {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port can be had.
    pub fn start() -> io::Result<Self> {
        Self::start_on(0)
    }

    /// Starts on the given port of 127.0.0.1.
    ///
    /// # Errors
    /// The port is taken.
    pub fn start_on(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new().name("smtpd".into()).spawn(move || {
            for stream in listener.incoming() {
                if own.closing.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let own = Arc::clone(&own);
                let dialogue = move || drop(dialogue(&stream, &own));
                drop(thread::Builder::new().name("smtpd-client".into()).spawn(dialogue));
            }
        })?;
        Ok(Self { address, shared, listener: Some(thread) })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Settings by which a [`Mailer`](crate::Mailer) reaches this server.
    pub fn settings(&self) -> SmtpSettings {
        SmtpSettings {
            host: self.address.ip().to_string(),
            port: self.port(),
            tls: Tls::None,
            user: None,
            password: None,
        }
    }

    /// The letters taken so far, in order.
    pub fn letters(&self) -> Vec<Received> {
        locked(&self.shared.letters).clone()
    }

    /// Waits until at least so many letters have come or the time is over; gives what is there.
    pub fn wait_for(&self, count: usize, limit: Duration) -> Vec<Received> {
        let end = Instant::now() + limit;
        let mut letters = locked(&self.shared.letters);
        while letters.len() < count {
            let Some(left) = end.checked_duration_since(Instant::now()) else { break };
            letters = self.shared.arrived.wait_timeout(letters, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        letters.clone()
    }

    /// Forgets the letters.
    pub fn clear(&self) {
        locked(&self.shared.letters).clear();
    }

    /// From now on answers every recipient with this code (such as 451 or 550); `None` takes letters again.
    pub fn refuse(&self, code: Option<u16>) {
        *locked(&self.shared.refusal) = code;
    }
}

impl Drop for Smtpd {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it should end.
        if TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_ok()
            && let Some(thread) = self.listener.take()
        {
            drop(thread.join());
        }
    }
}

fn dialogue(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    let mut say = |text: &str| writer.write_all(format!("{text}\r\n").as_bytes());
    say("220 localhost ready")?;
    let (mut from, mut to) = (String::new(), Vec::new());
    loop {
        let mut line = Vec::new();
        reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "EHLO" => say("250-localhost\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN")?,
            "HELO" | "NOOP" => say("250 ok")?,
            "RSET" => {
                from.clear();
                to.clear();
                say("250 ok")?;
            }
            "AUTH" if line.to_ascii_uppercase().starts_with("AUTH PLAIN ") => say("235 ok")?,
            "MAIL" => {
                from = in_brackets(&line);
                to.clear();
                say("250 ok")?;
            }
            "RCPT" => match *locked(&shared.refusal) {
                Some(code) => say(&format!("{code} refused by the test"))?,
                None => {
                    to.push(in_brackets(&line));
                    say("250 ok")?;
                }
            },
            "DATA" if to.is_empty() => say("503 no recipients")?,
            "DATA" => {
                say("354 go on")?;
                let Some(data) = data(&mut reader)? else { return say("552 too large") };
                let letter = Received { from: std::mem::take(&mut from), to: std::mem::take(&mut to), data };
                locked(&shared.letters).push(letter);
                shared.arrived.notify_all();
                say("250 taken")?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("502 unknown")?,
        }
    }
}

/// The lines up to a lone point, with doubled points at their beginnings undone (RFC 5321, 4.5.2).
fn data(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut data = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.by_ref().take(MAX_BYTES as u64).read_until(b'\n', &mut line)?;
        if line == b".\r\n" {
            return Ok(Some(data));
        }
        if line.is_empty() || data.len() + line.len() > MAX_BYTES {
            return Ok(None);
        }
        data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

fn in_brackets(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or_else(String::new, |(address, _)| address.to_owned())
}

/// A letter that the server has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// The letter as it came: headers, an empty line, the body.
    pub data: Vec<u8>,
}

impl Received {
    /// The value of a header, unfolded and with encoded words (RFC 2047) decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        Part::new(&self.data).header(name).map(|value| decode_words(&value))
    }

    /// The plain text, decoded, with plain line ends.
    pub fn text(&self) -> String {
        self.body_of("text/plain")
    }

    /// The HTML text, decoded; empty when there is none.
    pub fn html(&self) -> String {
        self.body_of("text/html")
    }

    /// Name and bytes of each attachment.
    pub fn attachments(&self) -> Vec<(String, Vec<u8>)> {
        let attached = |part: &Part| {
            let disposition = part.header("Content-Disposition").filter(|value| value.starts_with("attachment"))?;
            Some((parameter(&disposition, "filename").unwrap_or_default(), part.decoded()))
        };
        Part::new(&self.data).leaves(0).iter().filter_map(attached).collect()
    }

    fn body_of(&self, kind: &str) -> String {
        let leaves = Part::new(&self.data).leaves(0);
        let found = leaves.iter().find(|part| {
            part.header("Content-Type").is_some_and(|value| value.starts_with(kind)) && !part.is_attachment()
        });
        let bytes = found.map(Part::decoded).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim_end().to_owned()
    }
}

/// A letter or a part of one.
struct Part {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Part {
    fn new(data: &[u8]) -> Self {
        let end = data.windows(4).position(|window| window == b"\r\n\r\n");
        let (head, body) = end.map_or((data, &[][..]), |end| (&data[..end], &data[end + 4..]));
        let head = String::from_utf8_lossy(head).replace("\r\n ", " ").replace("\r\n\t", " ");
        let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Self { headers: head.split("\r\n").filter_map(header).collect(), body: body.to_vec() }
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    }

    fn is_attachment(&self) -> bool {
        self.header("Content-Disposition").is_some_and(|value| value.starts_with("attachment"))
    }

    /// The parts that have no parts themselves.
    fn leaves(self, depth: usize) -> Vec<Self> {
        let kind = self.header("Content-Type").unwrap_or_default();
        let boundary = parameter(&kind, "boundary").filter(|_| kind.starts_with("multipart/") && depth < 8);
        let Some(boundary) = boundary else { return vec![self] };
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let line = format!("\r\n--{boundary}");
        let pieces = text.split(&line).map(|piece| piece.strip_prefix(&line[2..]).unwrap_or(piece));
        let inside = pieces.filter_map(|piece| piece.strip_prefix("\r\n"));
        inside.flat_map(|piece| Self::new(piece.as_bytes()).leaves(depth + 1)).collect()
    }

    fn decoded(&self) -> Vec<u8> {
        match self.header("Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase().as_str() {
            "base64" => decode_base64(&self.body),
            "quoted-printable" => decode_quoted(&self.body, false),
            _ => self.body.clone(),
        }
    }
}

/// A parameter of a header, plain or in the form of RFC 2231.
fn parameter(header: &str, name: &str) -> Option<String> {
    let find = |name: &str| {
        header.split(';').skip(1).find_map(|piece| {
            let (known, value) = piece.split_once('=')?;
            known.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    if let Some(value) = find(name) {
        return Some(decode_words(&value));
    }
    let whole = find(&format!("{name}*")).or_else(|| {
        let pieces = (0..100).map_while(|n| find(&format!("{name}*{n}*")).or_else(|| find(&format!("{name}*{n}"))));
        Some(pieces.collect::<String>()).filter(|whole| !whole.is_empty())
    })?;
    let percent = whole.rsplit_once('\'').map_or(whole.as_str(), |(_, value)| value).replace('%', "=");
    Some(String::from_utf8_lossy(&decode_quoted(percent.as_bytes(), false)).into_owned())
}

fn decode_words(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut after_word = false;
    while let Some((before, from)) = rest.split_once("=?") {
        let mut fields = from.splitn(4, '?');
        let (_, kind, word, tail) = (fields.next(), fields.next(), fields.next(), fields.next());
        let (Some(kind), Some(word), Some(tail)) = (kind, word, tail.and_then(|tail| tail.strip_prefix('='))) else {
            break;
        };
        // White space between two encoded words is not part of the text.
        if !(after_word && before.trim().is_empty()) {
            out.push_str(before);
        }
        let bytes = if kind.eq_ignore_ascii_case("b") {
            decode_base64(word.as_bytes())
        } else {
            decode_quoted(word.as_bytes(), true)
        };
        out.push_str(&String::from_utf8_lossy(&bytes));
        (rest, after_word) = (tail, true);
    }
    out.push_str(rest);
    out
}

fn decode_base64(text: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut bits, mut count) = (Vec::with_capacity(text.len()), 0_u32, 0);
    for value in text.iter().filter_map(|byte| LETTERS.iter().position(|letter| letter == byte)) {
        bits = (bits << 6 | u32::try_from(value).unwrap_or(0)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    out
}

fn decode_quoted(text: &[u8], underscores: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text;
    while let Some((&first, rest)) = bytes.split_first() {
        bytes = rest;
        match (first, rest) {
            (b'=', [b'\r', b'\n', rest @ ..]) => bytes = rest,
            (b'=', [high, low, rest @ ..]) => {
                let hex = |byte: u8| char::from(byte).to_digit(16);
                if let (Some(high), Some(low)) = (hex(*high), hex(*low)) {
                    out.push(u8::try_from(high * 16 + low).unwrap_or(0));
                    bytes = rest;
                } else {
                    out.push(first);
                }
            }
            (b'_', _) if underscores => out.push(b' '),
            _ => out.push(first),
        }
    }
    out
}
