//! The server is killed (SIGKILL) with requests in flight: what was acknowledged is there, nothing is half done, the
//! invariants hold, and a repeat with the same key does nothing twice.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value as J, json};

pub(crate) const CELEK: &str = env!("CARGO_BIN_EXE_celek");

struct Server {
    child: Child,
    addr: String,
}

impl Server {
    fn start(db: &str) -> Self {
        let mut child = Command::new(CELEK)
            .args(["serve", "--db", db, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let addr = line.split("http://").nth(1).unwrap().trim().trim_end_matches('/').to_owned();
        std::thread::spawn(move || lines.count());
        Self { child, addr }
    }
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// One request; nothing where the connection broke.
fn post(addr: &str, token: &str, key: &str, path: &str, body: &J) -> Option<(u16, J)> {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n\
         Content-Type: application/json\r\nAccept-Encoding: identity\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(addr).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}

pub(crate) fn celek(db: &str, args: &[&str]) -> (bool, String) {
    let output = Command::new(CELEK).args(args).args(["--db", db]).stderr(Stdio::null()).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("celek-crash-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn body(key: &str) -> J {
    json!({"name": format!("Party {key}"), "addresses": [{"street": key, "city": "Brno"}]})
}

#[test]
fn what_was_acknowledged_survives_a_kill_and_repeats_do_nothing_twice() {
    let folder = folder("server");
    let db = format!("sqlite:{}", Path::new(&folder).join("crash.db").display());
    assert!(celek(&db, &["demo", "--customers", "1"]).0);
    let token = celek(&db, &["token", "--user", "sales"]).1.trim().to_owned();
    let acknowledged: Mutex<Vec<(String, i64)>> = Mutex::default();
    let sent: Mutex<Vec<String>> = Mutex::default();
    let next = AtomicUsize::new(0);
    for _ in 0..3 {
        let server = Server::start(&db);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let key = format!("key-{}", next.fetch_add(1, Ordering::Relaxed));
                        sent.lock().unwrap().push(key.clone());
                        let Some((status, made)) =
                            post(&server.addr, &token, &key, "/api/v1/entities/party.party", &body(&key))
                        else {
                            return;
                        };
                        assert_eq!(status, 201, "{made}");
                        acknowledged.lock().unwrap().push((key, made["id"].as_i64().unwrap()));
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(700));
            // The kill comes while the callers go on asking; they end when their connections break.
            Command::new("kill").args(["-9", &server.child.id().to_string()]).status().unwrap();
            std::thread::sleep(Duration::from_millis(200));
            stop.store(true, Ordering::Relaxed);
        });
        server.kill_again();
    }
    let (acknowledged, sent) = (acknowledged.into_inner().unwrap(), sent.into_inner().unwrap());
    assert!(acknowledged.len() > 20, "only {} requests were acknowledged", acknowledged.len());
    assert!(sent.len() > acknowledged.len(), "no request was in flight when the server was killed");
    let (holds, told) = celek(&db, &["check", "--full"]);
    assert!(holds, "{told}");
    // Everything is sent again with its key: what was done is answered as before, what was not is done now.
    let server = Server::start(&db);
    for key in &sent {
        let (status, made) = post(&server.addr, &token, key, "/api/v1/entities/party.party", &body(key)).unwrap();
        assert_eq!(status, 201, "{key}: {made}");
        if let Some((_, id)) = acknowledged.iter().find(|(k, _)| k == key) {
            assert_eq!(made["id"].as_i64(), Some(*id), "{key} was done twice or lost");
        }
    }
    server.kill();
    let filter = json!({"name": {"starts": "Party key-"}}).to_string();
    let (_, list) = celek(&db, &["list", "party.party", "--filter", &filter, "--group", "country", "--json"]);
    let list: J = serde_json::from_str(&list).unwrap();
    assert_eq!(list["rows"][0]["count"].as_u64(), Some(sent.len() as u64));
    let (holds, told) = celek(&db, &["check", "--full"]);
    assert!(holds, "{told}");
    let _ = std::fs::remove_dir_all(folder);
}

impl Server {
    /// Waits for the process that was killed.
    fn kill_again(mut self) {
        let _ = self.child.wait();
    }
}
