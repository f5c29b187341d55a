//! A company on trial: opens the kernel on a fresh database, founds a company with a user for each role, and proves all
//! invariants at the end of every test. The database is a file, or on the PostgreSQL server that `CELEK_TEST_PG` names.

mod database;
pub mod http;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kernel::{Answer, Ask, Error, Kernel, Module, Options, Principal, Query, Shape};
use serde_json::Value as J;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// A founded company; dropping it runs every check and fails the test on a breach.
pub struct Trial {
    kernel: Option<Arc<Kernel>>,
    folder: PathBuf,
    database: database::Database,
}

/// Roles that get a user of the same name.
pub const USERS: &[&str] = &["admin", "sales", "stock", "accounts", "buyer", "manager"];

impl Trial {
    /// A Czech company (CZK, Prague) with these modules; `platform` is among them by itself.
    pub fn new(modules: &[&'static Module]) -> Self {
        Self::of(modules, "CZ", "CZK")
    }

    /// A company in a country with a currency.
    pub fn of(modules: &[&'static Module], country: &str, currency: &str) -> Self {
        // Debug builds on a busy machine are slow: the limit itself has a test of its own.
        Self::with(modules, (country, currency), |options| options.dry_run = Some(Duration::from_secs(5)))
    }

    /// A Czech company in which one at a time may write, on a server too.
    pub fn one_writer(modules: &[&'static Module]) -> Self {
        Self::with(modules, ("CZ", "CZK"), |options| {
            options.dry_run = Some(Duration::from_secs(5));
            options.store.writers = 1;
        })
    }

    /// A Czech company in which dry runs have this limit.
    pub fn limited(modules: &[&'static Module], dry_run: Duration) -> Self {
        Self::with(modules, ("CZ", "CZK"), |options| options.dry_run = Some(dry_run))
    }

    fn with(modules: &[&'static Module], company: (&str, &str), set: impl FnOnce(&mut Options)) -> Self {
        let folder = std::env::temp_dir().join(format!(
            "celek-trial-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        std::fs::create_dir_all(&folder).expect("a folder for the trial");
        let mut all = vec![&platform::MODULE];
        all.extend(modules.iter().copied().filter(|m| m.name != "platform"));
        let database = database::Database::founded(&folder, &all, company);
        let mut options = database::options(&folder);
        set(&mut options);
        let kernel = Kernel::open(&database.url(), &all, options).expect("the kernel opens");
        Self { kernel: Some(Arc::new(kernel)), folder, database }
    }

    /// The address of the database, for a second program on it.
    pub fn url(&self) -> String {
        self.database.url()
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        self.kernel.as_ref().expect("the trial has not ended")
    }

    /// The kernel for a server that shares it; stop the server before the trial ends.
    pub fn shared(&self) -> Arc<Kernel> {
        self.kernel.clone().expect("the trial has not ended")
    }

    /// A user's principal.
    pub fn who(&self, login: &str) -> Arc<Principal> {
        self.kernel().login(login).expect("a user of the trial")
    }

    /// The system's principal.
    pub fn system(&self) -> Arc<Principal> {
        self.kernel().system().expect("the company")
    }

    /// The day that it is where the company is.
    #[track_caller]
    pub fn today(&self) -> jiff::civil::Date {
        self.kernel().work(&self.system(), "trial.today", |cx| Ok(cx.today())).expect("a day")
    }

    /// Runs an operation as a user; the whole answer.
    ///
    /// # Errors
    /// What the operation refuses.
    pub fn ask(&self, login: &str, operation: &str, input: J) -> Result<Answer, Error> {
        self.kernel().run(operation, &input, &Ask::by(self.who(login)))
    }

    /// Runs an operation as a user that must succeed; its output.
    #[track_caller]
    pub fn run(&self, login: &str, operation: &str, input: J) -> J {
        match self.ask(login, operation, input) {
            Ok(answer) => answer.output,
            Err(error) => panic!("{operation} as {login}: {error}"),
        }
    }

    /// Runs an operation that must be refused; the error.
    #[track_caller]
    pub fn refused(&self, login: &str, operation: &str, input: J) -> Error {
        match self.ask(login, operation, input) {
            Ok(answer) => panic!("{operation} as {login} should be refused, answered {}", answer.output),
            Err(error) => error,
        }
    }

    /// Creates a record as a user; its id.
    #[track_caller]
    pub fn create(&self, login: &str, entity: &str, body: J) -> i64 {
        match self.kernel().create(entity, &body, &Ask::by(self.who(login))) {
            Ok(answer) => answer.output["id"].as_i64().expect("an id"),
            Err(error) => panic!("create {entity} as {login}: {error}"),
        }
    }

    /// A record with its lines, as the administrator sees it.
    #[track_caller]
    pub fn record(&self, entity: &str, id: i64) -> J {
        let shape = Shape { lines: true, ..Shape::default() };
        self.kernel().record(&self.who("admin"), entity, id, &shape).expect("the record")
    }

    /// Records by a filter, as the administrator sees them; at most 1,000.
    #[track_caller]
    pub fn list(&self, entity: &str, filter: J) -> Vec<J> {
        let filter = Some(kernel::Filter::parse(&filter).expect("a filter"));
        let query = Query { filter, limit: 1_000, ..Query::of(entity) };
        let list = self.kernel().list(&self.who("admin"), &query, &Shape::default()).expect("a list");
        list["rows"].as_array().cloned().unwrap_or_default()
    }

    /// Proves all invariants now.
    #[track_caller]
    pub fn check(&self) {
        for finding in self.kernel().check(true).expect("the check runs") {
            assert!(finding.holds(), "{}: {:?} {:?}", finding.check, finding.breaches, finding.error);
        }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check();
        }
        self.kernel.take();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
