//! A PostgreSQL server for tests, and databases on it.
//!
//! The server is the one that `CELEK_TEST_PG` names, or one that `scripts/postgres.sh` starts in a directory of its own; it
//! ends with the process that asked for it, however that ends.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use postgres::{Client, NoTls};

/// Says whether tests of the modules are to run on PostgreSQL: the variable is there.
pub fn is_asked_for() -> bool {
    given().is_some()
}

fn given() -> Option<String> {
    std::env::var("CELEK_TEST_PG").ok().filter(|url| !url.is_empty())
}

/// The address of the server (of its database `postgres`).
///
/// # Panics
/// Where there is no server and none can be started: then no test of it can pass.
pub fn url() -> &'static str {
    static URL: OnceLock<(String, Option<Child>)> = OnceLock::new();
    let (url, _) = URL.get_or_init(|| match given() {
        Some(url) => (url, None),
        None => {
            let (url, child) = start(&[]);
            (url, Some(child))
        }
    });
    url
}

/// Starts a server. It lives as long as we hold the other end of its input.
fn start(settings: &[(&str, String)]) -> (String, Child) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres.sh");
    let mut child = Command::new("sh")
        .arg(script)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell to start PostgreSQL");
    let mut url = String::new();
    let told = child.stdout.take().map(BufReader::new).map(|mut out| out.read_line(&mut url));
    assert!(matches!(told, Some(Ok(1..))), "PostgreSQL did not start: its message stands above");
    (url.trim().to_owned(), child)
}

/// The address of another database on the server.
fn address(database: &str) -> String {
    let url = url();
    let (url, query) = url.split_once('?').map_or((url, String::new()), |(url, query)| (url, format!("?{query}")));
    let end = url.rfind('/').unwrap_or(url.len());
    format!("{}/{database}{query}", &url[..end])
}

fn admin() -> Client {
    Client::connect(url(), NoTls).expect("the PostgreSQL server for tests answers")
}

/// A name that no other test uses at this moment.
fn fresh(purpose: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("celek_{purpose}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A database of its own; dropped in the end.
pub struct Database {
    name: String,
}

impl Database {
    /// An empty database.
    ///
    /// # Panics
    /// Where the server does not make it.
    pub fn empty() -> Self {
        Self::of("template0")
    }

    /// A copy of another one, to which nobody is connected at this moment.
    ///
    /// # Panics
    /// Where the server does not make it.
    pub fn copy(of: &Database) -> Self {
        Self::of(&of.name)
    }

    fn of(template: &str) -> Self {
        // The server refuses two copies of one template at the same moment.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock();
        let name = fresh("test");
        let sql = format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\" ENCODING 'UTF8' STRATEGY wal_log");
        admin().batch_execute(&sql).expect("a database for the test");
        Database { name }
    }

    /// Its address.
    pub fn url(&self) -> String {
        address(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        // It makes the server write everything to its disk: nobody waits for that.
        std::thread::spawn(move || {
            if let Ok(mut client) = Client::connect(url(), NoTls) {
                let _ = client.batch_execute(&sql);
            }
        });
    }
}

/// A server of its own that is reached by the network, encrypted only, under a certificate of `localhost`.
pub struct Encrypted {
    url: String,
    folder: PathBuf,
    child: Child,
}

impl Encrypted {
    /// Makes the certificates and starts the server.
    ///
    /// # Panics
    /// Where there is no `openssl`, or the server does not start.
    pub fn start() -> Self {
        let folder = std::env::temp_dir().join(fresh("tls"));
        std::fs::create_dir_all(&folder).expect("a folder for certificates");
        let script = "
            new() { openssl req -new -newkey rsa:2048 -nodes -keyout $1.key -out $1.csr -subj /CN=$1 2>/dev/null; }
            root() { openssl req -x509 -newkey rsa:2048 -nodes -keyout $1.key -out $1.crt -days 2 -subj /CN=$1 2>/dev/null; }
            root authority && root stranger && new server &&
            printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n' >extra &&
            openssl x509 -req -in server.csr -CA authority.crt -CAkey authority.key -CAcreateserial -days 2 \
                -extfile extra -out server.crt 2>/dev/null";
        let made = Command::new("sh").args(["-c", script]).current_dir(&folder).status();
        assert!(made.is_ok_and(|status| status.success()), "openssl makes certificates");
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let settings = [("CELEK_PG_TLS", folder.display().to_string()), ("CELEK_PG_PORT", port.to_string())];
        let (url, child) = start(&settings);
        Encrypted { url, folder, child }
    }

    /// Its address by this name of the machine.
    pub fn url(&self, host: &str) -> String {
        self.url.replace("127.0.0.1", host)
    }

    /// The certificate of who signed the server's (`authority`), or of who did not (`stranger`).
    pub fn certificate(&self, whose: &str) -> String {
        self.folder.join(format!("{whose}.crt")).display().to_string()
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Names for schemas of its own in the server's database; dropped in the end. Much quicker to have than a [`Database`].
pub struct Schemas {
    prefix: String,
}

impl Schemas {
    /// A name that nobody else's schemas begin with.
    pub fn new() -> Self {
        Schemas { prefix: format!("{}_", fresh("kit")) }
    }

    /// The address of one of them; who connects is called as the prefix is.
    pub fn url(&self, name: &str) -> String {
        let url = url();
        let sign = if url.contains('?') { '&' } else { '?' };
        format!("{url}{sign}schema={0}{name}&application_name={0}", self.prefix)
    }

    /// Runs statements on a connection that is nobody's.
    ///
    /// # Panics
    /// Where they fail.
    pub fn run(&self, sql: &str) {
        admin().batch_execute(sql).expect("the statements run");
    }

    /// What the names begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl Default for Schemas {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Schemas {
    fn drop(&mut self) {
        let Ok(mut client) = Client::connect(url(), NoTls) else { return };
        let sql = "SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace WHERE starts_with(nspname, $1)";
        for row in client.query(sql, &[&self.prefix]).unwrap_or_default() {
            let _ = client.batch_execute(&format!("SET client_min_messages = error; {}", row.get::<_, String>(0)));
        }
    }
}
