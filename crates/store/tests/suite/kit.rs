//! Databases to test on.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use store::schema::{Column, ColumnType, Table};
use store::{Conn, Options, Result, Store, Value};

/// A place for the databases of one test; removes them in the end.
pub struct Kit {
    directory: PathBuf,
    server: Option<cluster::Schemas>,
}

impl Kit {
    pub fn sqlite() -> Self {
        Self::in_directory(None)
    }

    pub fn postgres() -> Self {
        Self::in_directory(Some(cluster::Schemas::new()))
    }

    fn in_directory(server: Option<cluster::Schemas>) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("store-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).expect("a place for tests");
        Kit { directory, server }
    }

    /// Whether neighbouring writes share one commit.
    pub fn shares_commits(&self) -> bool {
        self.server.is_none()
    }

    /// Opens a database; the same name is the same database, as another process would see it.
    pub fn open(&self, name: &str) -> Result<Store> {
        self.open_with(name, Options::default())
    }

    pub fn open_with(&self, name: &str, options: Options) -> Result<Store> {
        Store::open(&self.url(name), options)
    }

    pub fn url(&self, name: &str) -> String {
        match &self.server {
            None => format!("sqlite:{}", self.file(name).display()),
            Some(schemas) => schemas.url(name),
        }
    }

    /// Runs a statement as somebody does who switches references off.
    pub fn past_all_references(&self, name: &str, sql: &str) {
        match &self.server {
            None => {
                let conn = rusqlite::Connection::open(self.file(name)).expect("the file");
                conn.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).expect("the statement");
            }
            Some(schemas) => {
                let schema = format!("SET search_path TO \"{}{name}\"", schemas.prefix());
                schemas.run(&format!("{schema}; SET session_replication_role = replica; {sql}"));
            }
        }
    }

    /// How our connections to a server are called.
    pub fn called(&self) -> &str {
        self.server.as_ref().map_or("", cluster::Schemas::prefix)
    }

    /// A database with the table `item (id, name, amount)`.
    pub fn items(&self) -> Result<Store> {
        let store = self.open("items")?;
        store.write(|conn| store::schema::apply(conn, &[item_table()], 1))?;
        Ok(store)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub fn item_table() -> Table {
    let columns = vec![
        Column::new("id", ColumnType::Int),
        Column::new("name", ColumnType::Text).required(),
        Column::new("amount", ColumnType::Int),
    ];
    Table::new("item", columns)
}

pub fn add(conn: &mut dyn Conn, name: &str) -> Result<()> {
    conn.execute("INSERT INTO item (name) VALUES (?)", &[name.into()]).map(|_| ())
}

pub fn count(conn: &mut dyn Conn) -> Result<i64> {
    Ok(conn.int("SELECT count(*) FROM item", &[])?.unwrap_or_default())
}

pub fn names(store: &Store) -> Result<Vec<String>> {
    let rows = store.read(|conn| conn.rows("SELECT name FROM item ORDER BY name", &[]))?;
    Ok(rows.into_iter().flatten().filter_map(Value::into_text).collect())
}

pub fn quick() -> Options {
    Options { busy: Duration::from_millis(200), ..Options::default() }
}
