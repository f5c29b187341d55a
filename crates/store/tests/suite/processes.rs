//! Several programs on one database, and copies of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use store::{Error, Result, Store};

use crate::kit::{Kit, add, count, names, quick};

pub fn two_writers_take_turns(kit: &Kit) -> Result<()> {
    let first = kit.items()?;
    let second = kit.open("items")?;
    let stop = AtomicBool::new(false);
    let mut longest = Duration::ZERO;
    scope(|scope| {
        // One program writes without a pause; the other still gets its turn in reasonable time.
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut written = 0;
                    while !stop.load(Ordering::Relaxed) {
                        first.write(|conn| add(conn, "first")).expect("a write");
                        written += 1;
                    }
                    written
                })
            })
            .collect();
        for _ in 0..20 {
            let started = Instant::now();
            second.write(|conn| add(conn, "second")).expect("a write");
            longest = longest.max(started.elapsed());
            sleep(Duration::from_millis(5));
        }
        stop.store(true, Ordering::Relaxed);
        let written: i64 = writers.into_iter().map(|writer| writer.join().expect("no panic")).sum();
        assert_eq!(first.read(count), Ok(written + 20));
        assert_eq!(second.read(count), Ok(written + 20));
    });
    assert!(longest < Duration::from_secs(3), "the second program waited {longest:?}");
    Ok(())
}

/// Waits at most the second in which it has to be known that another program committed.
fn told(store: &Store, before: i64) -> Result<i64> {
    let started = Instant::now();
    loop {
        let version = store.data_version()?;
        if version != before {
            return Ok(version);
        }
        assert!(started.elapsed() < Duration::from_secs(1), "a commit of another program was not told");
        sleep(Duration::from_millis(5));
    }
}

/// Waits until nothing is under way any more.
fn settled(store: &Store) -> Result<i64> {
    let mut version = store.data_version()?;
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_millis(150) {
        sleep(Duration::from_millis(10));
        let now = store.data_version()?;
        if now != version {
            (version, since) = (now, Instant::now());
        }
    }
    Ok(version)
}

pub fn versions_tell_of_others(kit: &Kit) -> Result<()> {
    let first = kit.items()?;
    let second = kit.open("items")?;
    let commits = first.commits();
    second.data_version()?;
    let version = settled(&first)?;
    first.write(|conn| add(conn, "a"))?;
    assert_eq!(settled(&first)?, version, "our own commits do not count");
    second.write(|conn| add(conn, "b"))?;
    told(&first, version)?;
    let changed = settled(&first)?;
    second.write(|conn| add(conn, "c"))?;
    // Inside a write it is known too.
    let inside = first.write(|_| told(&first, changed))?;
    assert_ne!(inside, changed);
    assert_eq!(first.commits(), commits + 2);
    second.close()?;
    Ok(())
}

pub fn busy_is_told(kit: &Kit) -> Result<()> {
    let first = kit.items()?;
    let second = kit.open_with("items", quick())?;
    first.write(|conn| {
        add(conn, "a")?;
        let started = Instant::now();
        assert_eq!(second.write(|conn| add(conn, "b")), Err(Error::Busy));
        assert!(started.elapsed() >= Duration::from_millis(150));
        assert_eq!(second.read(count)?, 0, "readers do not wait for writers");
        Ok::<_, Error>(())
    })?;
    second.write(|conn| add(conn, "c"))?;
    assert_eq!(names(&first)?, ["a", "c"]);
    Ok(())
}

pub fn backups(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    // Each write adds two rows: a copy with an odd number would be torn.
    let pair = || {
        store.write(|conn| {
            add(conn, &"x".repeat(2000))?;
            add(conn, "y")
        })
    };
    (0..200).try_for_each(|_| pair())?;
    let stop = AtomicBool::new(false);
    scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                pair().expect("a write");
            }
        });
        let results: Vec<Result<()>> = (0..5).map(|n| store.backup(&kit.file(&format!("copy{}", n % 3)))).collect();
        stop.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    });
    for n in 0..3 {
        let copy = kit.open(&format!("copy{n}"))?;
        let rows = copy.read(count)?;
        assert!(rows >= 400 && rows % 2 == 0, "{rows}");
        assert_eq!(copy.read(|conn| conn.text("PRAGMA integrity_check", &[]))?.as_deref(), Some("ok"));
        copy.write(|conn| add(conn, "z"))?;
    }
    Ok(())
}

pub fn a_backup_spares_the_database(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    store.write(|conn| add(conn, "a"))?;
    assert!(matches!(store.backup(&kit.file("items")), Err(Error::Sql(_))));
    assert!(matches!(store.backup(&kit.file("items-wal")), Err(Error::Sql(_))));
    assert!(matches!(store.backup(&kit.file("no/where")), Err(Error::NotFound(_))));
    assert_eq!(names(&store)?, ["a"]);
    Ok(())
}

pub fn the_log_is_folded(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    store.write(|conn| add(conn, "a"))?;
    store.read(|_| {
        store.write(|conn| add(conn, "b"))?;
        let folded = store.fold()?;
        assert!(folded.folded < folded.log, "somebody reads an old snapshot: {folded:?}");
        Ok::<_, Error>(())
    })?;
    let folded = store.fold()?;
    assert_eq!(folded.folded, folded.log);
    Ok(())
}
