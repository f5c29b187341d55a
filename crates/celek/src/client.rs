//! A small blocking client of the public interface, for scenarios and load: one connection that stays open.

use std::{
    cell::RefCell,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use kernel::{Error, Result};
use serde_json::Value as J;

/// Longest answer that is taken.
const MOST: usize = 64 << 20;

/// Talks to a server as one user, or as nobody.
pub struct Client {
    addr: SocketAddr,
    token: Option<String>,
    stream: RefCell<Option<BufReader<TcpStream>>>,
}

fn wrong(what: impl Into<String>) -> Error {
    Error::internal(what)
}

impl Client {
    /// A client that acts under a token, or without one.
    pub fn new(addr: SocketAddr, token: Option<String>) -> Self {
        Self { addr, token, stream: RefCell::default() }
    }

    /// One request; status and body.
    pub fn ask(&self, method: &str, path: &str, body: Option<&J>) -> Result<(u16, J)> {
        let kept = self.stream.borrow_mut().take();
        let result = match kept {
            Some(stream) => self.exchange(stream, method, path, body),
            None => self.connect().and_then(|stream| self.exchange(stream, method, path, body)),
        };
        let (status, bytes) = result.map_err(|e| wrong(format!("{method} {path}: {e}")))?;
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(J::Null)))
    }

    /// Runs an operation that must succeed.
    pub fn run(&self, operation: &str, input: &J) -> Result<J> {
        match self.ask("POST", &format!("/api/v1/operations/{operation}"), Some(input))? {
            (200, output) => Ok(output),
            (status, problem) => Err(wrong(format!("{operation}: {status} {problem}"))),
        }
    }

    /// Runs an operation that must be refused; the problem document.
    pub fn refused(&self, operation: &str, input: &J) -> Result<J> {
        match self.ask("POST", &format!("/api/v1/operations/{operation}"), Some(input))? {
            (200, output) => Err(wrong(format!("{operation} should have been refused: {output}"))),
            (_, problem) => Ok(problem),
        }
    }

    /// Creates a record; its id.
    pub fn create(&self, entity: &str, body: &J) -> Result<J> {
        match self.ask("POST", &format!("/api/v1/entities/{entity}"), Some(body))? {
            (201, made) => Ok(made["id"].clone()),
            (status, problem) => Err(wrong(format!("{entity}: {status} {problem}"))),
        }
    }

    /// Reads a record.
    pub fn get(&self, entity: &str, id: &J) -> Result<J> {
        match self.ask("GET", &format!("/api/v1/entities/{entity}/{id}"), None)? {
            (200, record) => Ok(record),
            (status, problem) => Err(wrong(format!("{entity} {id}: {status} {problem}"))),
        }
    }

    fn connect(&self) -> std::io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(self.addr)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }

    fn exchange(
        &self,
        mut stream: BufReader<TcpStream>,
        method: &str,
        path: &str,
        body: Option<&J>,
    ) -> std::io::Result<(u16, Vec<u8>)> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let token = self.token.as_ref().map(|t| format!("Authorization: Bearer {t}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: identity\r\nContent-Type: application/json\r\n\
             {token}Content-Length: {}\r\n\r\n{body}",
            self.addr,
            body.len()
        );
        stream.get_mut().write_all(request.as_bytes())?;
        let (status, answer, stays) = answer(&mut stream)?;
        if stays {
            *self.stream.borrow_mut() = Some(stream);
        }
        Ok((status, answer))
    }
}

fn broken(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what)
}

fn line(stream: &mut impl BufRead) -> std::io::Result<String> {
    let mut line = String::new();
    stream.by_ref().take(16 << 10).read_line(&mut line)?;
    if line.ends_with('\n') { Ok(line.trim_end().to_owned()) } else { Err(broken("an answer that ends too soon")) }
}

/// Status, body, and whether the connection stays open.
fn answer(stream: &mut impl BufRead) -> std::io::Result<(u16, Vec<u8>, bool)> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| broken("no status"))?;
    let (mut length, mut chunked, mut stays) = (0_usize, false, true);
    loop {
        let header = line(stream)?;
        let Some((name, value)) = header.split_once(':') else { break };
        match (name.to_ascii_lowercase().as_str(), value.trim()) {
            ("content-length", value) => length = value.parse().map_err(|_| broken("a wrong length"))?,
            ("transfer-encoding", value) => chunked = value.eq_ignore_ascii_case("chunked"),
            ("connection", value) => stays = !value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    loop {
        if chunked {
            length = usize::from_str_radix(&line(stream)?, 16).map_err(|_| broken("a wrong chunk"))?;
        }
        if body.len().saturating_add(length) > MOST {
            return Err(broken("an answer that is too long"));
        }
        let start = body.len();
        body.resize(start + length, 0);
        stream.read_exact(&mut body[start..])?;
        if chunked {
            line(stream)?;
        }
        if !chunked || length == 0 {
            return Ok((status, body, stays));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn answers_are_read() {
        let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".as_slice();
        assert_eq!(answer(&mut { plain }).ok(), Some((200, b"{}".to_vec(), true)));
        let chunks = b"HTTP/1.1 409 No\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{\"\r\n3\r\na\":\r\n0\r\n\r\n".as_slice();
        assert_eq!(answer(&mut { chunks }).ok(), Some((409, b"{\"a\":".to_vec(), false)));
        assert!(answer(&mut b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}".as_slice()).is_err());
        assert!(answer(&mut b"".as_slice()).is_err());
    }
}
