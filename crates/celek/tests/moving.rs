//! Backups that fit either kind of database: everything comes along, and what was damaged on the way is refused as a whole.

#![allow(clippy::unwrap_used)]

#[path = "../src/modules.rs"]
mod modules;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use kernel::{Ask, Kernel, Options, Principal, Query, Shape, Value, portable::verify};
use serde_json::{Value as J, json};

const CELEK: &str = env!("CARGO_BIN_EXE_celek");

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("celek-moving-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
    fn db(&self, name: &str) -> String {
        format!("sqlite:{}", self.0.join(name).display())
    }
    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(url: &str, files: &Path) -> Kernel {
    Kernel::open(url, modules::ALL, Options { files: Some(files.to_owned()), ..Options::default() }).unwrap()
}

/// A company with some of everything: an order through to the invoice, notes, a file, fields and entities of its own, and
/// an entity that was removed with its records.
fn company(url: &str, files: &Path) {
    let kernel = open(url, files);
    let nobody = Arc::new(Principal::system(Arc::default()));
    let users = ["admin", "sales", "stock", "accounts", "manager"];
    kernel.work(&nobody, "found", |cx| platform::found_for_trial(cx, "CZ", "CZK", &users)).unwrap();
    let ask = |user: &str| Ask::by(kernel.login(user).unwrap());
    let run = |user: &str, operation: &str, input: J| kernel.run(operation, &input, &ask(user)).unwrap().output;
    let create =
        |user: &str, entity: &str, body: J| kernel.create(entity, &body, &ask(user)).unwrap().output["id"].clone();
    let motto = json!({"entity": "party.party", "name": "x_motto", "label": "Motto", "kind": "text", "find": true});
    run("admin", "sys.field.add", motto);
    for name in ["x_lab.sample", "x_lab.old"] {
        run("admin", "sys.entity.add", json!({"name": name, "label": "Sample"}));
    }
    let party = create("sales", "party.party", json!({"name": "Čáp", "x_motto": "Šetři časem"}));
    let to = json!({"entity": "x_lab.sample", "name": "x_party", "label": "P", "kind": "ref", "to": "party.party"});
    run("admin", "sys.field.add", to);
    create("sales", "x_lab.sample", json!({"name": "S", "x_party": party}));
    create("sales", "x_lab.old", json!({"name": "Old"}));
    run("admin", "sys.entity.remove", json!({"name": "x_lab.old", "force": true, "reason": "Sold"}));
    let price = json!({"amount": "19.99", "currency": "CZK"});
    let product = create("stock", "product.product", json!({"code": "P", "name": "Hrnek", "price": price}));
    let cost = json!({"amount": "7.31", "currency": "CZK"});
    run("stock", "inventory.receipt.quick", json!({"product": product, "quantity": "40", "unit_cost": cost}));
    let lines = json!([{"product": product, "quantity": "3"}]);
    let order = create("sales", "sales.order", json!({"customer": party, "lines": lines}));
    let delivery = run("sales", "sales.order.confirm", json!({"order": order}))["delivery"].clone();
    run("stock", "inventory.delivery.ship", json!({"delivery": delivery}));
    let on = Some(("party.party", party.as_i64().unwrap()));
    kernel.attach("letter.txt", b"What was agreed.", on, &ask("sales")).unwrap();
    kernel.close().unwrap();
}

/// Every row of every table, but those in which each database writes down how it was made.
fn tables(url: &str, files: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let kernel = open(url, files);
    let read = kernel.store().read(|conn| {
        let tables = conn.tables()?;
        let own = |name: &str| name == "sys_migration" || name == "sys_schema" || name.contains("_fts");
        let mut all = Vec::new();
        for table in tables.into_iter().filter(|table| !own(&table.name)) {
            let mut columns: Vec<String> = table.columns.iter().map(|c| store::quoted(&c.name)).collect();
            columns.sort();
            let text = format!("SELECT {} FROM {} ORDER BY id", columns.join(", "), store::quoted(&table.name));
            all.push((format!("{} ({})", table.name, columns.join(", ")), conn.rows(&text, &[])?));
        }
        Ok::<_, store::Error>(all)
    });
    let all = read.unwrap();
    // Search finds what was found, also in fields of one's own, and the file is there and whole.
    let who = kernel.login("admin").unwrap();
    let found = Query { q: Some("setri".to_owned()), ..Query::of("party.party") };
    assert_eq!(kernel.list(&who, &found, &Shape::default()).unwrap()["rows"].as_array().unwrap().len(), 1, "{url}");
    let hash = kernel.store().read(|conn| conn.text("SELECT hash FROM sys_file", &[])).unwrap().unwrap();
    assert_eq!(kernel.shared().files.get(&hash).unwrap(), b"What was agreed.");
    kernel.close().unwrap();
    all
}

fn celek(files: &Path, args: &[&str]) -> Output {
    Command::new(CELEK).args(args).env("CELEK_FILES", files).output().unwrap()
}

#[track_caller]
fn good(files: &Path, args: &[&str]) -> String {
    let output = celek(files, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused(files: &Path, args: &[&str], because: &str) {
    let output = celek(files, args);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains(because), "{args:?}: {told}");
}

#[test]
fn everything_moves_to_a_server_and_back() {
    let (place, server) = (Place::new("back"), cluster::Database::empty());
    let [first, second, third] = ["files", "files2", "files3"].map(|name| place.0.join(name));
    let (from, back) = (place.db("from.db"), place.db("back.db"));
    company(&from, &first);
    // The files of the former are not where those of the latter are: they have to come along.
    let one = place.file("one.celek");
    let told = good(&first, &["backup", &one, "--portable", "--db", &from, "--json"]);
    let told: J = serde_json::from_str(&told).unwrap();
    assert_eq!(told["stored_files"], 1, "{told}");
    good(&second, &["restore", &one, "--db", &server.url()]);
    let [before, on_server] = [tables(&from, &first), tables(&server.url(), &second)];
    assert_eq!(before, on_server);
    // Again to where something is: refused, and nothing doubled.
    refused(&second, &["restore", &one, "--db", &server.url()], "not empty");
    refused(&first, &["restore", &one, "--db", &from], "exists already");
    good(&second, &["check", "--full", "--db", &server.url()]);
    let two = place.file("two.celek");
    good(&second, &["backup", &two, "--db", &server.url()]);
    good(&third, &["restore", &two, "--db", &back]);
    assert_eq!(before, tables(&back, &third));
    // The entity that was removed can be added again, with its records.
    let again = json!({"name": "x_lab.old", "label": "Old"}).to_string();
    good(&third, &["do", "sys.entity.add", "--input", &again, "--db", &back]);
    assert!(good(&third, &["list", "x_lab.old", "--db", &back]).contains("Old"));
    // Work goes on: new records get new numbers.
    let body = json!({"record": {"entity": "party.party", "id": 1}, "text": "x"}).to_string();
    refused(&third, &["do", "platform.note.add", "--input", &body, "--db", &back], "");
    good(&third, &["check", "--full", "--db", &back]);
}

#[test]
fn a_company_moves_in_one_command() {
    let (place, server) = (Place::new("move"), cluster::Database::empty());
    let files = place.0.join("files");
    let from = place.db("from.db");
    company(&from, &files);
    let told = good(&files, &["move", "--from", &from, "--to", &server.url()]);
    assert!(told.contains("left as it is"), "{told}");
    assert_eq!(tables(&from, &files), tables(&server.url(), &files));
    refused(&files, &["move", "--from", &place.db("nowhere.db"), "--to", &server.url()], "there is no database");
    refused(&files, &["move", "--from", &from, "--to", &server.url()], "not empty");
}

#[test]
fn a_damaged_backup_is_refused_as_a_whole() {
    let place = Place::new("damage");
    let files = place.0.join("files");
    let from = place.db("from.db");
    company(&from, &files);
    let kernel = open(&from, &files);
    let mut whole = Vec::new();
    let written = kernel.write_whole(&mut whole).unwrap();
    kernel.close().unwrap();
    assert_eq!(verify(&mut whole.as_slice()).unwrap(), written);
    // Any byte that is another one, any length that is shorter, anything more.
    for at in (0..whole.len()).step_by(whole.len() / 400 + 1) {
        whole[at] ^= 0x20;
        assert!(verify(&mut whole.as_slice()).is_err(), "byte {at} was changed");
        whole[at] ^= 0x20;
        assert!(verify(&mut &whole[..at]).is_err(), "cut off at {at}");
    }
    assert!(verify(&mut &whole[..whole.len() - 1]).is_err());
    assert!(verify(&mut [whole.as_slice(), b"x"].concat().as_slice()).is_err());
    // A length that promises more than there is takes no memory.
    assert!(verify(&mut [b'H', 0xff, 0xff, 0xff, 0x0f, b'{'].as_slice()).is_err());
    let backup = place.file("one.celek");
    good(&files, &["backup", &backup, "--portable", "--db", &from]);
    let packed = std::fs::read(&backup).unwrap();
    let bad = place.file("bad.celek");
    for at in [40, packed.len() / 3, packed.len() / 2, packed.len() - 3] {
        let mut changed = packed.clone();
        changed[at] ^= 0x01;
        std::fs::write(&bad, changed).unwrap();
        refused(&files, &["restore", &bad, "--db", &place.db("new.db")], "bad.celek");
        assert!(!place.0.join("new.db").exists(), "nothing was made of it");
        std::fs::write(&bad, &packed[..at]).unwrap();
        refused(&files, &["restore", &bad, "--db", &place.db("new.db")], "bad.celek");
        assert!(!place.0.join("new.db").exists(), "nothing was made of it");
    }
}
