//! A served demo company with all modules in use, made once and copied for each test; every test ends with all checks.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use kernel::{Currency, Kernel, Options, Principal, Query, Shape};
use platform::{NewCompany, NewUser};
use serde_json::Value as J;
use server::{Running, ServeOptions};
use trial::http::Client;

use crate::modules;

/// The program.
pub const CELEK: &str = env!("CARGO_BIN_EXE_celek");

static COUNT: AtomicU64 = AtomicU64::new(0);

/// A new folder for one test.
pub fn folder(name: &str) -> PathBuf {
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("celek-{name}-{}-{n}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The demo company's file, made once; tests copy it.
pub fn demo() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let file = folder("demo").join("demo.db");
        let db = format!("sqlite:{}", file.display());
        let made = Command::new(CELEK).args(["demo", "--customers", "3", "--db", &db]).stderr(Stdio::null()).status();
        assert!(made.unwrap().success());
        file
    })
}

/// A served demo company.
pub struct House {
    server: Option<Running>,
    kernel: Option<Arc<Kernel>>,
    folder: PathBuf,
}

impl House {
    pub fn new() -> Self {
        let folder = folder("house");
        let file = folder.join("demo.db");
        std::fs::copy(demo(), &file).unwrap();
        let url = format!("sqlite:{}", file.display());
        let kernel = Arc::new(Kernel::open(&url, modules::ALL, Options::default()).unwrap());
        let options = ServeOptions { background: false, ..ServeOptions::at("127.0.0.1:0".parse().unwrap()) };
        let server = server::start(kernel.clone(), options).unwrap();
        Self { server: Some(server), kernel: Some(kernel), folder }
    }
    pub fn kernel(&self) -> &Kernel {
        self.kernel.as_ref().unwrap()
    }
    pub fn client(&self) -> Client {
        Client::new(self.server.as_ref().unwrap().addr())
    }
    pub fn as_user(&self, login: &str) -> Client {
        self.client().token(&platform::create_token(self.kernel(), login, "test", "", None).unwrap())
    }
    pub fn who(&self, login: &str) -> Arc<Principal> {
        self.kernel().login(login).unwrap()
    }
    /// Rows of an entity, as somebody sees them.
    pub fn rows(&self, login: &str, entity: &str) -> Vec<J> {
        let query = Query { limit: 1_000, archived: true, ..Query::of(entity) };
        let list = self.kernel().list(&self.who(login), &query, &Shape::default()).unwrap();
        list["rows"].as_array().cloned().unwrap_or_default()
    }
    /// The newest row of each entity, as the administrator sees it.
    pub fn newest(&self) -> BTreeMap<&'static str, i64> {
        let names: Vec<&'static str> = self.kernel().schema().plans.keys().copied().collect();
        let ids = names.into_iter().map(|name| (name, self.rows("admin", name).last().and_then(|r| r["id"].as_i64())));
        ids.filter_map(|(name, id)| Some((name, id?))).collect()
    }
    /// A second company, whose administrator is called `neighbour`.
    pub fn neighbour(&self) -> Client {
        let nobody = Arc::new(Principal::system(Arc::default()));
        let found = self.kernel().work(&nobody, "test.found", |cx| {
            let euro = Currency::parse("EUR")?;
            let company = platform::found(cx, NewCompany::in_country("Neighbour", "DE", euro))?;
            let roles = vec!["admin".to_owned()];
            let user =
                NewUser { login: "neighbour".to_owned(), name: "Neighbour".to_owned(), roles, ..NewUser::default() };
            platform::add_user(cx, company, user)
        });
        found.unwrap();
        self.kernel().forget_rights();
        self.as_user("neighbour")
    }
    /// Every row of every table, as one digest a table: what was not changed has the same.
    pub fn everything(&self) -> BTreeMap<String, (usize, u64)> {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let read = self.kernel().read(&self.who("admin"), |cx| {
            let mut tables = BTreeMap::new();
            for name in cx.conn().tables()?.into_iter().map(|t| t.name) {
                let rows = cx.conn().rows(&format!("SELECT * FROM {name}"), &[])?;
                let digest = rows.iter().fold(0_u64, |sum, row| {
                    let mut hasher = DefaultHasher::new();
                    format!("{row:?}").hash(&mut hasher);
                    sum.wrapping_add(hasher.finish())
                });
                tables.insert(name, (rows.len(), digest));
            }
            Ok(tables)
        });
        let mut tables = read.unwrap();
        // Blocks of identifiers are drawn before anything is known to be refused.
        tables.remove("sys_ids");
        tables
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
        if !std::thread::panicking() {
            for finding in self.kernel().check(true).unwrap() {
                assert!(finding.holds(), "{}: {:?} {:?}", finding.check, finding.breaches, finding.error);
            }
        }
        self.kernel.take();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
