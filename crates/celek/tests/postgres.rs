//! The program on a PostgreSQL server: commands, the model scenario, and two servers beside each other.

#![allow(clippy::unwrap_used)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value as J, json};

const CELEK: &str = env!("CARGO_BIN_EXE_celek");

/// Runs a command: whether it was good, what it said, what it complained of.
fn celek(db: &str, args: &[&str]) -> (bool, String, String) {
    let output = Command::new(CELEK)
        .args(args)
        .args(["--db", db])
        .env("CELEK_FILES", std::env::temp_dir().join(format!("celek-postgres-{}", std::process::id())))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn good(db: &str, args: &[&str]) -> String {
    let (good, out, error) = celek(db, args);
    assert!(good, "celek {}: {out}{error}", args.join(" "));
    out
}

fn rows(db: &str, args: &[&str]) -> Vec<J> {
    let told: J = serde_json::from_str(&good(db, &[args, &["--json"]].concat())).unwrap();
    told["rows"].as_array().unwrap().clone()
}

#[test]
fn the_model_scenario_runs_on_a_server_too() {
    let database = cluster::Database::empty();
    let told = good(&database.url(), &["scenario", "order-to-cash"]);
    assert!(!told.is_empty());
    good(&database.url(), &["check", "--full"]);
    let sums = rows(&database.url(), &["list", "finance.entry_line", "--sum", "amount"]);
    let sum = sums[0]["sum_amount"]["amount"].as_str().or(sums[0]["sum_amount"].as_str());
    assert!(sum.is_some_and(|sum| sum.trim_matches(['0', '.']).is_empty()), "debit and credit differ: {sums:?}");
}

#[test]
fn commands_work_on_a_server_and_keep_its_password() {
    let database = cluster::Database::empty();
    let db = database.url();
    good(&db, &["demo", "--customers", "3"]);
    let (again, _, complaint) = celek(&db, &["demo", "--customers", "3"]);
    assert!(!again && complaint.contains("is not empty"), "{complaint}");
    good(&db, &["check", "--full"]);
    let made = good(&db, &["do", "platform.note.add", "--user", "admin", "--input", &note(&db), "--json"]);
    assert!(serde_json::from_str::<J>(&made).is_ok(), "{made}");
    assert!(good(&db, &["describe", "party.party"]).contains("party.party"));
    let wrong = "postgres://somebody:never-shown@%2Fnowhere:5432/celek";
    let (worked, out, complaint) = celek(wrong, &["check"]);
    assert!(!worked && complaint.contains("somebody") && !format!("{out}{complaint}").contains("never-shown"));
}

fn note(db: &str) -> String {
    let party = rows(db, &["list", "party.party", "--limit", "1"])[0]["id"].clone();
    json!({"record": {"entity": "party.party", "id": party}, "text": "From the command line"}).to_string()
}

struct Server {
    child: Child,
    addr: String,
}

impl Server {
    fn start(db: &str) -> Child {
        Command::new(CELEK)
            .args(["serve", "--db", db, "--listen", "127.0.0.1:0"])
            .env("CELEK_FILES", std::env::temp_dir().join(format!("celek-postgres-{}", std::process::id())))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }
    fn told(mut child: Child) -> Self {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let addr = line.split("http://").nth(1).unwrap().trim().trim_end_matches('/').to_owned();
        std::thread::spawn(move || lines.count());
        Self { child, addr }
    }
    fn ask(&self, method: &str, path: &str, token: &str, body: &J) -> (u16, J) {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nAccept-Encoding: identity\r\nContent-Length: {}\r\n\r\n{body}",
            self.addr,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or(J::Null))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits at most the second in which the other server has to know.
fn within_a_second(what: &str, knows: impl Fn() -> bool) {
    let started = Instant::now();
    while !knows() {
        assert!(started.elapsed() < Duration::from_secs(1), "{what} is not known to the other server");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn two_servers_on_one_database_know_of_each_other() {
    let database = cluster::Database::empty();
    let db = database.url();
    good(&db, &["demo", "--customers", "2"]);
    let starting = [Server::start(&db), Server::start(&db)];
    let servers = starting.map(Server::told);
    let token = good(&db, &["token", "--user", "admin"]).trim().to_owned();
    for server in &servers {
        within_a_second("a new token", || server.ask("GET", "/api/v1/meta", &token, &J::Null).0 == 200);
    }
    // A field that is defined through one of them stands in the other's description and takes values there.
    let field = json!({"entity": "party.party", "name": "x_shoe_size", "label": "Shoe size", "kind": "int"});
    let (status, answer) = servers[0].ask("POST", "/api/v1/operations/sys.field.add", &token, &field);
    assert_eq!(status, 200, "{answer}");
    within_a_second("a new field", || {
        servers[1].ask("GET", "/api/v1/meta", &token, &J::Null).1.to_string().contains("x_shoe_size")
    });
    let body = json!({"name": "Measured", "x_shoe_size": 42});
    let (status, answer) = servers[1].ask("POST", "/api/v1/entities/party.party", &token, &body);
    assert_eq!(status, 201, "{answer}");
    let path = format!("/api/v1/entities/party.party/{}", answer["id"]);
    assert_eq!(servers[0].ask("GET", &path, &token, &J::Null).1["x_shoe_size"], json!(42));
    // Recurring jobs stand in the queue once, although both have started them.
    let recurring = r#"{"state": "queued", "key": "recurring"}"#;
    let jobs = rows(&db, &["list", "sys.job", "--filter", recurring, "--group", "name"]);
    assert!(!jobs.is_empty());
    for job in &jobs {
        assert_eq!(job["count"].as_i64(), Some(1), "{job}");
    }
    drop(servers);
    good(&db, &["check", "--full"]);
}
