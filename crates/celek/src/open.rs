//! Opening the database, and who acts from a terminal.

use std::{io::IsTerminal, os::unix::fs::MetadataExt, path::Path, sync::Arc};

use kernel::{Kernel, Language, Module, Options, Principal};

use crate::{failure::Failure, modules};

/// The database unless one is given.
pub fn default_db() -> String {
    std::env::var("CELEK_DB").ok().filter(|v| !v.is_empty()).unwrap_or_else(|| "sqlite:celek.db".to_owned())
}

/// Logs go to stderr; CELEK_LOG says which, CELEK_LOG_FORMAT=json in which form.
pub fn logs(default: &str) {
    use tracing_subscriber::EnvFilter;
    let filter = std::env::var("CELEK_LOG").unwrap_or_else(|_| default.to_owned());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // Colours are for eyes: a file or a collector of logs gets none.
    let colours = std::io::stderr().is_terminal();
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let json = std::env::var("CELEK_LOG_FORMAT").is_ok_and(|f| f == "json");
    let _ = if json { logs.json().try_init() } else { logs.with_target(false).try_init() };
}

/// Page cache of an import, in KiB.
const IMPORT_CACHE: usize = 128 * 1024;

/// The language of this terminal.
pub fn language() -> Language {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        .and_then(|tag| Language::parse(tag.split('.').next().unwrap_or("")))
        .unwrap_or_default()
}

/// Whether a database is on a PostgreSQL server.
pub fn on_server(db: &str) -> bool {
    db.starts_with("postgres:") || db.starts_with("postgresql:")
}

/// The file of a database that is one.
pub fn file(db: &str) -> Result<&Path, Failure> {
    match db.strip_prefix("sqlite:") {
        Some(file) if !file.is_empty() => Ok(Path::new(file)),
        _ if on_server(db) => {
            Err(Failure::usage("this works on a database in a file, not on one on a PostgreSQL server"))
        }
        _ => Err(Failure::usage(format!(
            "{db} is not a database that this program opens: write sqlite:FILE or postgres://user:password@host:port/database"
        ))),
    }
}

/// Whether there is a database, as far as one can see without opening it.
pub fn is_there(db: &str) -> Result<bool, Failure> {
    Ok(on_server(db) || file(db)?.exists())
}

/// An address without its password, for messages.
pub fn shown(db: &str) -> String {
    let Some((before, after)) = db.split_once("://") else { return db.to_owned() };
    match after.rsplit_once('@') {
        Some((who, place)) => {
            let user = who.split(':').next().unwrap_or_default();
            format!("{before}://{user}@{place}")
        }
        None => db.to_owned(),
    }
}

fn with(db: &str, create: bool, writer_cache: usize) -> Result<Kernel, Failure> {
    with_modules(db, modules::ALL, create, writer_cache)
}

fn with_modules(db: &str, modules: &[&'static Module], create: bool, writer_cache: usize) -> Result<Kernel, Failure> {
    if !on_server(db) {
        let path = file(db)?;
        if create && let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| Failure::no(format!("{}: {e}", folder.display())))?;
        }
    }
    let store = store::Options { create, writer_cache, ..store::Options::default() };
    let files = std::env::var_os("CELEK_FILES").filter(|v| !v.is_empty()).map(Into::into);
    Kernel::open(db, modules, Options { store, files, ..Options::default() })
        .map_err(|e| Failure::no(format!("{} cannot be opened: {e}", shown(db))))
}

/// There is no database, and how there would be one.
pub fn missing(path: &Path) -> Failure {
    let path = path.display();
    Failure::usage(format!(
        "there is no database {path}. Name another one with --db or CELEK_DB, or make it: `celek serve --db sqlite:{path}` for a \
         company of your own, `celek demo --db sqlite:{path}` for a demo company"
    ))
}

/// Opens a database that exists.
pub fn existing(db: &str) -> Result<Kernel, Failure> {
    if !is_there(db)? {
        return Err(missing(file(db)?));
    }
    with(db, false, store::Options::default().writer_cache)
}

/// Opens a database, and makes it where it is missing.
pub fn or_create(db: &str) -> Result<Kernel, Failure> {
    with(db, true, store::Options::default().writer_cache)
}

/// As [`or_create`], for much work at once: what it writes to again and again stays in memory.
pub fn for_import(db: &str) -> Result<Kernel, Failure> {
    with(db, true, IMPORT_CACHE)
}

/// Opens a database in which there is no company yet.
pub fn empty(db: &str) -> Result<Kernel, Failure> {
    empty_with(db, &[])
}

/// As [`empty`], with further modules beside the program's own.
pub fn empty_with(db: &str, further: &[&'static Module]) -> Result<Kernel, Failure> {
    let kernel = with_modules(db, &[modules::ALL, further].concat(), true, store::Options::default().writer_cache)?;
    let company = kernel.system().map_err(|e| Failure::of(&kernel, e, false))?.company.id;
    if company == 0 {
        Ok(kernel)
    } else {
        Err(Failure::no(format!("{} is not empty: name a database that does not exist yet", shown(db))))
    }
}

/// The operating system's user.
fn system_user() -> String {
    let uid = std::fs::metadata("/proc/self").ok().map(|m| m.uid().to_string());
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = uid.and_then(|uid| {
        passwd.lines().find_map(|line| {
            let mut parts = line.split(':');
            let name = parts.next()?;
            (parts.nth(1)? == uid).then(|| name.to_owned())
        })
    });
    named.or_else(|| std::env::var("USER").ok()).filter(|n| !n.is_empty()).unwrap_or_else(|| "terminal".to_owned())
}

/// Who acts: a user of the system by name, else the operating system's user with all rights: whoever can write the file may.
pub fn who(kernel: &Kernel, user: Option<&str>) -> kernel::Result<Arc<Principal>> {
    let language = language();
    Ok(Arc::new(match user {
        Some(login) => Principal { language, ..(*kernel.login(login)?).clone() },
        None => {
            let login = system_user();
            Principal { name: login.clone(), login, language, ..(*kernel.system()?).clone() }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::{file, is_there, shown};

    #[test]
    fn addresses_are_shown_without_their_password() {
        assert_eq!(shown("postgres://me:s3cret@db.example:5432/shop"), "postgres://me@db.example:5432/shop");
        assert_eq!(shown("postgres://me:p%40ss@w@db/shop?schema=x"), "postgres://me@db/shop?schema=x");
        assert_eq!(shown("postgres://db/shop"), "postgres://db/shop");
        assert_eq!(shown("sqlite:shop.db"), "sqlite:shop.db");
    }

    #[test]
    fn only_files_are_files() {
        assert!(file("sqlite:shop.db").is_ok() && file("sqlite:").is_err() && file("postgres://db/shop").is_err());
        assert!(is_there("postgres://db/shop").is_ok_and(|there| there) && is_there("mysql://db/shop").is_err());
    }
}
