//! Group commit: what neighbours share and what they do not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread::{scope, sleep};
use std::time::Duration;

use store::schema::{Column, ColumnType, Table, apply};
use store::{Conn, ConstraintKind, Error, Options, Result, Store};

use crate::kit::{Kit, add, count, names, quick};

/// Runs all closures at once on threads of their own, while the writer is held so that they meet in groups.
fn together(store: &Store, jobs: Vec<Box<dyn FnOnce() + Send + '_>>) {
    let start = Barrier::new(jobs.len() + 1);
    scope(|scope| {
        for job in jobs {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                job();
            });
        }
        let held = store.write(|_| {
            start.wait();
            sleep(Duration::from_millis(10));
            Ok::<_, Error>(())
        });
        held.expect("an empty write");
    });
}

pub fn all_writes_are_there(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let before = store.commits();
    scope(|scope| {
        for thread in 0..16 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..40 {
                    let name = format!("{thread}-{n}");
                    store.write(|conn| add(conn, &name)).expect("a write");
                    // What was answered is seen by everybody.
                    let found =
                        store.read(|conn| conn.int("SELECT 1 FROM item WHERE name = ?", &[name.clone().into()]));
                    assert_eq!(found, Ok(Some(1)));
                }
            });
        }
    });
    assert_eq!(store.read(count)?, 640);
    let commits = store.commits() - before;
    match kit.shares_commits() {
        true => assert!(commits < 640, "{commits} commits for 640 writes"),
        false => assert_eq!(commits, 640),
    }
    Ok(())
}

pub fn refusals_leave_no_trace(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    for round in 0..10 {
        let mut jobs: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
        for n in 0..12 {
            let store = &store;
            jobs.push(Box::new(move || {
                let result = store.write(|conn| {
                    add(conn, &format!("{round:02}-{n:02}"))?;
                    if n % 3 == 0 { Err(Error::NotFound(n.to_string())) } else { Ok(n) }
                });
                match n % 3 {
                    0 => assert_eq!(result, Err(Error::NotFound(n.to_string()))),
                    _ => assert_eq!(result, Ok(n)),
                }
            }));
        }
        together(&store, jobs);
    }
    let names = names(&store)?;
    assert_eq!(names.len(), 80);
    assert!(!names.iter().any(|name| name.ends_with("-00") || name.ends_with("-09")));
    let before = store.commits();
    let refused: Result<()> = store.write(|conn| {
        add(conn, "x")?;
        Err(Error::Interrupted)
    });
    assert_eq!(refused, Err(Error::Interrupted));
    assert_eq!(store.commits(), before, "a refusal alone needs no commit");
    Ok(())
}

pub fn panics_stay_with_their_caller(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    for round in 0..5 {
        let mut jobs: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
        for n in 0..8 {
            let store = &store;
            jobs.push(Box::new(move || {
                let result = catch_unwind(AssertUnwindSafe(|| {
                    store.write(|conn| {
                        conn.savepoint()?;
                        add(conn, &format!("{round}-{n}"))?;
                        assert!(n != 3, "a bug in a closure");
                        conn.release()
                    })
                }));
                assert_eq!(result.is_err(), n == 3);
            }));
        }
        together(&store, jobs);
        let inside = catch_unwind(AssertUnwindSafe(|| {
            store.read(|conn| conn.query("SELECT 1", &[], &mut |_| panic!("a bug in a reader")))
        }));
        assert!(inside.is_err());
    }
    assert_eq!(store.read(count)?, 35);
    Ok(())
}

pub fn a_lost_transaction_is_run_again(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let runs = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    for round in 0..20 {
        let mut jobs: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
        for n in 0..8 {
            let (store, runs, failures) = (&store, &runs, &failures);
            jobs.push(Box::new(move || {
                let result = store.write(|conn| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    add(conn, &format!("{round}-{n}"))?;
                    if n == 5 {
                        conn.execute("ROLLBACK", &[])?;
                        // Even who overlooks it gets no further.
                        if round % 2 == 0 {
                            assert!(add(conn, "never").is_err());
                        } else {
                            add(conn, "never")?;
                        }
                    }
                    Ok::<_, Error>(())
                });
                if let Err(error) = result {
                    failures.lock().expect("no panic").push((n, error));
                }
            }));
        }
        together(&store, jobs);
    }
    let failures = failures.into_inner().expect("no panic");
    assert_eq!(failures.len(), 20, "{failures:?}");
    assert!(failures.iter().all(|(n, error)| *n == 5 && matches!(error, Error::Sql(_))), "{failures:?}");
    assert_eq!(store.read(count)?, 140);
    assert!(!names(&store)?.contains(&"never".to_owned()));
    let runs = runs.into_inner();
    match kit.shares_commits() {
        true => assert!(runs > 160, "nobody ran again: {runs}"),
        false => assert_eq!(runs, 160, "who works beside the others loses nothing with them"),
    }
    Ok(())
}

pub fn a_failed_commit_is_run_again(kit: &Kit) -> Result<()> {
    let store = kit.open("children")?;
    let parent = Column::new("parent", ColumnType::Int).referring("item");
    let table = Table::new("item", vec![Column::new("id", ColumnType::Int), parent]);
    store.write(|conn| apply(conn, std::slice::from_ref(&table), 1))?;
    let runs = AtomicUsize::new(0);
    for _ in 0..20 {
        let mut jobs: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
        for n in 0..8 {
            let (store, runs) = (&store, &runs);
            jobs.push(Box::new(move || {
                let result = store.write(|conn| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    let parent = (n == 2).then_some(999_999i64);
                    if parent.is_some() {
                        conn.execute("PRAGMA defer_foreign_keys = ON", &[])?;
                    }
                    conn.execute("INSERT INTO item (parent) VALUES (?)", &[parent.into()])
                });
                let refused = matches!(result, Err(Error::Constraint { kind: ConstraintKind::ForeignKey, .. }));
                assert_eq!(refused, n == 2, "{result:?}");
            }));
        }
        together(&store, jobs);
    }
    assert_eq!(store.read(count)?, 140);
    let runs = runs.into_inner();
    assert!(runs > 160, "nobody ran again: {runs}");
    Ok(())
}

pub fn a_full_disk_hits_one(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let pages = store.read(|conn| conn.int("PRAGMA page_count", &[]))?.unwrap_or_default();
    store.write(|conn| conn.rows(&format!("PRAGMA max_page_count = {}", pages + 100), &[]))?;
    for round in 0..10 {
        let mut jobs: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
        for n in 0..8 {
            let store = &store;
            jobs.push(Box::new(move || {
                let name = if n == 4 { "x".repeat(1_000_000) } else { format!("{round}-{n}") };
                let result = store.write(|conn| add(conn, &name));
                assert_eq!(result, if n == 4 { Err(Error::Full) } else { Ok(()) });
            }));
        }
        together(&store, jobs);
    }
    assert_eq!(store.read(count)?, 70);
    store.write(|conn| conn.rows("PRAGMA max_page_count = 1000000", &[]))?;
    store.write(|conn| add(conn, &"x".repeat(1_000_000)))?;
    Ok(())
}

pub fn nesting_never_hangs(kit: &Kit) -> Result<()> {
    let store = kit.open_with("items", Options { readers: 1, ..Options::default() })?;
    kit.items()?.close()?;
    store.write(|conn| {
        add(conn, "a")?;
        let inner = store.write(|conn| add(conn, "b"));
        assert!(matches!(inner, Err(Error::Sql(_))), "{inner:?}");
        assert_eq!(store.read(count)?, 0);
        assert!(store.data_version()? > 0);
        assert!(store.clone().close().is_err());
        Ok::<_, Error>(())
    })?;
    store.read(|conn| {
        assert_eq!(count(conn)?, 1);
        store.write(|conn| add(conn, "c"))?;
        // The only reader is taken, by ourselves.
        store.read(|conn| {
            assert_eq!(count(conn)?, 2);
            Ok::<_, Error>(())
        })?;
        Ok::<_, Error>(())
    })?;
    let other = kit.open("other")?;
    store.write(|_| other.write(|conn| conn.int("SELECT 1", &[])))?;
    assert_eq!(names(&store)?, ["a", "c"]);
    Ok(())
}

pub fn transactions_belong_to_the_store(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let statements =
        ["COMMIT", "BEGIN", "END TRANSACTION", "/* */ commit", "SAVEPOINT s1", "RELEASE s1", "ROLLBACK TO s1"];
    for sql in statements {
        let check = |conn: &mut dyn Conn| {
            assert!(matches!(conn.execute(sql, &[]), Err(Error::Sql(_))), "{sql}");
            assert!(matches!(conn.batch(&format!("SELECT 1; {sql}")), Err(Error::Sql(_))), "{sql}");
            Ok::<_, Error>(())
        };
        let results = [store.read(check), store.write(check)];
        // Who overlooks it fails with it when he writes.
        assert!(matches!(results[1], Err(Error::Sql(_))), "{sql}: {results:?}");
    }
    let result = store.write(|conn| {
        add(conn, "a")?;
        let _ = conn.batch("COMMIT");
        Err::<(), _>(Error::Interrupted)
    });
    assert_eq!(result, Err(Error::Interrupted));
    assert!(names(&store)?.is_empty());
    Ok(())
}

pub fn savepoints_left_open(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    store.write(|conn| {
        conn.savepoint()?;
        conn.savepoint()?;
        add(conn, "a")
    })?;
    let refused = store.write(|conn| {
        conn.savepoint()?;
        add(conn, "b")?;
        Err::<(), _>(Error::Interrupted)
    });
    assert_eq!(refused, Err(Error::Interrupted));
    store.write(|conn| {
        assert!(conn.release().is_err());
        add(conn, "c")
    })?;
    assert_eq!(names(&store)?, ["a", "c"]);
    Ok(())
}

pub fn a_failed_write_cannot_go_on(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let result = store.write(|conn| {
        conn.execute("ROLLBACK", &[])?;
        assert!(add(conn, "a").is_err());
        assert!(count(conn).is_err());
        assert!(conn.batch("INSERT INTO item (name) VALUES ('b')").is_err());
        assert!(conn.savepoint().is_err());
        Ok::<_, Error>(())
    });
    assert!(matches!(result, Err(Error::Sql(_))), "{result:?}");
    store.write(|conn| add(conn, "c"))?;
    let unique = store.write(|conn| conn.execute("INSERT INTO item (id, name) VALUES (1, 'd')", &[]));
    assert!(matches!(unique, Err(Error::Constraint { kind: ConstraintKind::Unique, .. })));
    assert_eq!(names(&store)?, ["c"]);
    Ok(())
}

pub fn a_store_ends(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let clone = store.clone();
    store.write(|conn| add(conn, "a"))?;
    store.close()?;
    assert!(clone.write(|conn| add(conn, "b")).is_err());
    assert!(clone.read(count).is_err());
    assert!(clone.data_version().is_err());
    clone.close()?;
    assert_eq!(names(&kit.items()?)?, ["a"]);
    Ok(())
}

pub fn a_closed_store_leaves_one_file(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    store.write(|conn| add(conn, "a"))?;
    let mut log = kit.file("items").into_os_string();
    log.push("-wal");
    assert!(std::path::Path::new(&log).exists());
    store.close()?;
    assert!(!std::path::Path::new(&log).exists(), "the log is folded into the file");
    Ok(())
}

pub fn readers_are_shared(kit: &Kit) -> Result<()> {
    kit.items()?;
    let store = kit.open_with("items", Options { readers: 2, ..quick() })?;
    let (both, done) = (Barrier::new(3), Barrier::new(3));
    scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                store.read(|conn| {
                    both.wait();
                    done.wait();
                    count(conn)
                })
            });
        }
        both.wait();
        assert_eq!(store.read(count), Err(Error::Busy));
        done.wait();
    });
    assert_eq!(store.read(count)?, 0);
    Ok(())
}

pub fn impatient_callers(kit: &Kit) -> Result<()> {
    kit.items()?;
    let store = kit.open_with("items", Options { busy: Duration::from_micros(300), ..Options::default() })?;
    let (written, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                for n in 0..60 {
                    let result = store.write(|conn| {
                        add(conn, "a")?;
                        sleep(Duration::from_micros(100 * (n % 4)));
                        Ok::<_, Error>(())
                    });
                    match result {
                        Ok(()) => written.fetch_add(1, Ordering::Relaxed),
                        Err(Error::Busy) => refused.fetch_add(1, Ordering::Relaxed),
                        Err(error) => panic!("{error}"),
                    };
                }
            });
        }
    });
    assert!(refused.into_inner() > 0, "nobody was impatient");
    assert_eq!(names(&store)?.len(), written.into_inner());
    Ok(())
}

pub fn everything_at_once(kit: &Kit) -> Result<()> {
    let stores = [kit.items()?, kit.open("items")?];
    let expected = Mutex::new(Vec::new());
    scope(|scope| {
        for thread in 0..8usize {
            let (stores, expected) = (&stores, &expected);
            scope.spawn(move || {
                let store = &stores[thread % 2];
                let mut random = thread as u64 + 1;
                for n in 0..60 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let kind = (random >> 33) % 10;
                    let name = format!("{thread}-{n:02}");
                    let result = catch_unwind(AssertUnwindSafe(|| {
                        store.write(|conn| {
                            add(conn, &name)?;
                            match kind {
                                0 => return Err(Error::Interrupted),
                                1 => panic!("a bug in a closure"),
                                2 => drop(conn.execute("ROLLBACK", &[])),
                                3 => conn.savepoint()?,
                                4 => {
                                    conn.savepoint()?;
                                    drop(conn.execute("INSERT INTO item (name) VALUES (NULL)", &[]));
                                    conn.rollback_to()?;
                                }
                                5 => drop(store.read(count)?),
                                _ => {}
                            }
                            Ok(())
                        })
                    }));
                    match (kind, result) {
                        (1, Err(_)) | (0 | 2, Ok(Err(_))) => {}
                        (3.., Ok(Ok(()))) => expected.lock().expect("no panic").push(name),
                        (_, result) => panic!("{kind}: {result:?}"),
                    }
                }
            });
        }
    });
    let mut expected = expected.into_inner().expect("no panic");
    expected.sort();
    assert_eq!(names(&stores[0])?, expected);
    assert_eq!(names(&stores[1])?, expected);
    Ok(())
}
