//! Measures the store against the limits of the machine: `cargo run --release -p store --example speed [DIRECTORY]`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use store::schema::{Column, ColumnType, Index, Table, apply};
use store::{Options, Result, Store};

const TIME: Duration = Duration::from_secs(3);

fn main() -> Result<()> {
    let place = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let file = place.join(format!("store-speed-{}.db", std::process::id()));
    let flushes = flushes(&place).unwrap_or_default();
    println!("the disk flushes 4 KiB          {flushes:>9.0} /s");
    let store = Store::open(&format!("sqlite:{}", file.display()), Options::default())?;
    let columns = vec![
        Column::new("id", ColumnType::Int),
        Column::new("name", ColumnType::Text).required(),
        Column::new("amount", ColumnType::Int),
    ];
    let index = Index { name: "item_name".into(), columns: vec!["name".into()], ..Index::default() };
    let table = Table { indexes: vec![index], ..Table::new("item", columns) };
    store.write(|conn| apply(conn, std::slice::from_ref(&table), 1))?;

    for callers in [1, 4, 16, 64, 1] {
        let before = store.commits();
        let (writes, rate) = callers_write(&store, callers);
        let commits = (store.commits() - before).max(1);
        println!(
            "{callers:>3} callers, a row each           {rate:>9.0} /s   {:.1} a commit",
            writes as f64 / commits as f64
        );
    }
    let started = Instant::now();
    let rows = 200_000;
    store.write(|conn| {
        for n in 0..rows {
            conn.execute("INSERT INTO item (name, amount) VALUES (?, ?)", &[format!("bulk {n}").into(), n.into()])?;
        }
        Ok::<_, store::Error>(())
    })?;
    println!("rows in one transaction         {:>9.0} /s", rows as f64 / started.elapsed().as_secs_f64());
    let started = Instant::now();
    let mut reads = 0i64;
    while started.elapsed() < TIME {
        reads += 1;
        let id = reads * 7919 % rows + 1;
        store.read(|conn| conn.row("SELECT name, amount FROM item WHERE id = ?", &[id.into()]))?;
    }
    println!("snapshots with one row read     {:>9.0} /s", reads as f64 / started.elapsed().as_secs_f64());
    let started = Instant::now();
    store.write(|conn| apply(conn, std::slice::from_ref(&table), 1))?;
    println!("schema, nothing to do           {:>9.2} ms", started.elapsed().as_secs_f64() * 1000.0);
    store.close()?;
    let _ = std::fs::remove_file(&file);
    Ok(())
}

fn callers_write(store: &Store, callers: usize) -> (u64, f64) {
    let (stop, writes) = (AtomicBool::new(false), AtomicU64::new(0));
    let started = Instant::now();
    scope(|scope| {
        for caller in 0..callers {
            let (stop, writes) = (&stop, &writes);
            scope.spawn(move || {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    n += 1;
                    let params = [format!("caller {caller}").into(), n.into()];
                    let result =
                        store.write(|conn| conn.execute("INSERT INTO item (name, amount) VALUES (?, ?)", &params));
                    match result {
                        Ok(_) => writes.fetch_add(1, Ordering::Relaxed),
                        Err(error) => return eprintln!("{error}"),
                    };
                }
            });
        }
        sleep(TIME);
        stop.store(true, Ordering::Relaxed);
    });
    let writes = writes.into_inner();
    (writes, writes as f64 / started.elapsed().as_secs_f64())
}

/// How often the disk can be told to keep 4 KiB.
fn flushes(place: &Path) -> std::io::Result<f64> {
    let path = place.join(format!("store-speed-{}.flush", std::process::id()));
    let mut file = File::create(&path)?;
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed() < Duration::from_secs(1) {
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    std::fs::remove_file(path)?;
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}
