//! The database of a trial, with its company founded.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, LazyLock},
};

use kernel::{Kernel, Module, Options, Principal};
use parking_lot::Mutex;

use crate::USERS;

/// A database that ends with the trial.
pub(crate) enum Database {
    /// A file in the trial's folder.
    File(String),
    /// A database of its own on the server.
    Server(cluster::Database),
}

/// Databases to copy: making the tables and founding a company on a server takes much longer than copying it.
static TEMPLATES: LazyLock<Mutex<HashMap<String, Arc<cluster::Database>>>> = LazyLock::new(Mutex::default);

impl Database {
    /// A database with a founded company, on the server where tests are asked to run there.
    pub fn founded(folder: &Path, modules: &[&'static Module], company: (&str, &str)) -> Self {
        if !cluster::is_asked_for() {
            let database = Database::File(format!("sqlite:{}", folder.join("trial.db").display()));
            found(&database.url(), folder, modules, company);
            return database;
        }
        let names: Vec<&str> = modules.iter().map(|module| module.name).collect();
        let key = format!("{} {} {}", names.join(" "), company.0, company.1);
        let mut templates = TEMPLATES.lock();
        let template = templates.entry(key).or_insert_with(|| {
            let template = cluster::Database::empty();
            found(&template.url(), folder, modules, company);
            Arc::new(template)
        });
        let template = template.clone();
        drop(templates);
        Database::Server(cluster::Database::copy(&template))
    }

    /// Its address.
    pub fn url(&self) -> String {
        match self {
            Database::File(url) => url.clone(),
            Database::Server(database) => database.url(),
        }
    }
}

/// How the kernel is opened: its files lie in the trial's folder.
pub(crate) fn options(folder: &Path) -> Options {
    Options { files: Some(folder.join("trial.db.files")), ..Options::default() }
}

/// Opens the kernel and founds the company.
fn found(url: &str, folder: &Path, modules: &[&'static Module], (country, currency): (&str, &str)) {
    let kernel = Kernel::open(url, modules, options(folder)).expect("the kernel opens");
    let nobody = Arc::new(Principal::system(Arc::default()));
    kernel
        .work(&nobody, "trial.found", |cx| platform::found_for_trial(cx, country, currency, USERS))
        .expect("the company is founded");
    kernel.close().expect("the database closes");
}
