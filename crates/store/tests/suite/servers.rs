//! What a server has and a file has not: many writers at the same time.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use store::schema::{Column, ColumnType, apply};
use store::{Conn, Error, Options, Result, Store, Value};

use crate::kit::{Kit, add, count, item_table, names, quick};

pub fn addresses(kit: &Kit) -> Result<()> {
    let open = |url: &str| Store::open(url, Options::default()).err();
    for url in ["postgres:", "postgres://localhost", "postgres://u:p@h:port/x", "postgres://h/x?schema=a%20b"] {
        assert!(matches!(open(url), Some(Error::Sql(_))), "{url}");
    }
    let secret = open("postgres://somebody:secret-word@h:port/x").map(|error| error.to_string()).unwrap_or_default();
    assert!(!secret.contains("secret-word"), "{secret}");
    let missing = kit.url("x").replace("/postgres?", "/no_such_database?");
    assert!(matches!(open(&missing), Some(Error::NotFound(_))), "{:?}", open(&missing));
    let absent = kit.open_with("absent", Options { create: false, ..Options::default() });
    assert!(matches!(absent.err(), Some(Error::NotFound(_))));
    let nobody = open("postgres://celek@%2Fnowhere:5432/celek");
    assert!(matches!(nobody, Some(Error::Io(_))), "{nobody:?}");
    Ok(())
}

pub fn a_locked_row_is_busy(kit: &Kit) -> Result<()> {
    let first = kit.items()?;
    let second = kit.open_with("items", quick())?;
    first.write(|conn| add(conn, "a"))?;
    first.write(|conn| {
        conn.execute("UPDATE item SET amount = 1", &[])?;
        let started = Instant::now();
        assert_eq!(second.write(|conn| conn.execute("UPDATE item SET amount = 2", &[])), Err(Error::Busy));
        assert!(started.elapsed() >= Duration::from_millis(150));
        assert_eq!(second.read(count)?, 1, "readers do not wait for writers");
        Ok::<_, Error>(())
    })?;
    second.write(|conn| conn.execute("UPDATE item SET amount = amount + 2", &[]))?;
    assert_eq!(first.read(|conn| conn.int("SELECT amount FROM item", &[]))?, Some(3));
    Ok(())
}

pub fn writers_work_beside_each_other(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let both = Barrier::new(2);
    scope(|scope| {
        for name in ["a", "b"] {
            let (store, both) = (&store, &both);
            scope.spawn(move || {
                store.write(|conn| {
                    add(conn, name)?;
                    // Each waits for the other while its transaction is open: one after the other this would never end.
                    both.wait();
                    Ok::<_, Error>(())
                })
            });
        }
    });
    assert_eq!(names(&store)?, ["a", "b"]);
    Ok(())
}

pub fn deadlocks_are_run_again(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    store.write(|conn| conn.batch("INSERT INTO item (id, name, amount) VALUES (101, 'a', 0), (102, 'b', 0)"))?;
    let runs = AtomicUsize::new(0);
    let meet = Barrier::new(2);
    scope(|scope| {
        for ids in [[101i64, 102], [102, 101]] {
            let (store, runs, meet) = (&store, &runs, &meet);
            scope.spawn(move || {
                let mut met = false;
                let result = store.write(|conn| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    for id in ids {
                        conn.execute("UPDATE item SET amount = amount + 1 WHERE id = ?", &[id.into()])?;
                        if !std::mem::replace(&mut met, true) {
                            meet.wait();
                        }
                    }
                    Ok::<_, Error>(())
                });
                assert_eq!(result, Ok(()), "nobody sees a deadlock");
            });
        }
    });
    let runs = runs.into_inner();
    assert!(runs >= 3, "one of the two ran again: {runs}");
    let amounts = store.read(|conn| conn.rows("SELECT amount FROM item ORDER BY id", &[]))?;
    assert_eq!(amounts, [[Value::Int(2)], [Value::Int(2)]]);
    Ok(())
}

pub fn a_repeat_is_bounded(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let mut runs = 0;
    let result = store.write(|conn| {
        runs += 1;
        add(conn, "a")?;
        conn.repeat();
        Err::<(), _>(Error::NotFound(runs.to_string()))
    });
    assert_eq!(result, Err(Error::NotFound("6".to_owned())), "once, and five times again");
    let mut runs = 0;
    store.write(|conn| {
        runs += 1;
        add(conn, "b")?;
        if runs < 3 {
            conn.repeat();
            return Err(Error::Interrupted);
        }
        Ok(())
    })?;
    assert_eq!(names(&store)?, ["b"]);
    Ok(())
}

pub fn lost_updates_are_impossible(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    store.write(|conn| conn.batch("INSERT INTO item (id, name, amount) VALUES (101, 'a', 0)"))?;
    // Half of them lock what they read, the others look afterwards whether it is still what they read.
    scope(|scope| {
        for thread in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..10 {
                    let locks = thread % 2 == 0;
                    let end = if locks { " FOR UPDATE" } else { "" };
                    let add_one = || {
                        store.write(|conn| {
                            let sql = format!("SELECT amount FROM item WHERE id = 101{end}");
                            let amount = conn.int(&sql, &[])?.unwrap_or_default();
                            let sql = "UPDATE item SET amount = ? WHERE id = 101 AND amount = ?";
                            if conn.execute(sql, &[(amount + 1).into(), amount.into()])? == 1 {
                                return Ok(());
                            }
                            assert!(!locks, "what is locked does not change");
                            conn.repeat();
                            Err(Error::Conflict)
                        })
                    };
                    while let Err(error) = add_one() {
                        assert_eq!(error, Error::Conflict);
                    }
                }
            });
        }
    });
    assert_eq!(store.read(|conn| conn.int("SELECT amount FROM item", &[]))?, Some(80));
    Ok(())
}

pub fn broken_connections_are_replaced(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let other = kit.open("items")?;
    let kill = || {
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE application_name = ? AND pid <> pg_backend_pid()";
        other.write(|conn| conn.int(sql, &[kit.called().into()]))
    };
    store.write(|conn| add(conn, "a"))?;
    store.read(count)?;
    assert!(kill()? >= Some(2));
    assert_eq!(store.read(count)?, 1);
    store.write(|conn| add(conn, "b"))?;
    // In the middle of a transaction: nothing of it was committed, so it runs again.
    let mut runs = 0;
    store.write(|conn| {
        runs += 1;
        add(conn, "c")?;
        if runs == 1 {
            let mine = conn.int("SELECT pg_backend_pid()", &[])?;
            let sql = format!("SELECT pg_terminate_backend({})", mine.unwrap_or_default());
            other.read(|conn| conn.rows(&sql, &[]))?;
            sleep(Duration::from_millis(50));
        }
        add(conn, "d")
    })?;
    assert_eq!(runs, 2);
    assert_eq!(names(&store)?, ["a", "b", "c", "d"]);
    Ok(())
}

pub fn statements_follow_changed_tables(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let other = kit.open("items")?;
    store.write(|conn| add(conn, "a"))?;
    let all = |store: &Store| store.write(|conn| conn.rows("SELECT * FROM item", &[]));
    assert_eq!(all(&store)?[0].len(), 3);
    other.write(|conn| conn.batch("ALTER TABLE item ADD COLUMN note text"))?;
    assert_eq!(all(&store)?[0].len(), 4, "a statement that is kept is prepared anew");
    Ok(())
}

pub fn a_change_of_tables_makes_nobody_wait_long(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let other = kit.open("items")?;
    store.write(|conn| add(conn, "a"))?;
    let mut wider = item_table();
    wider.columns.push(Column::new("note", ColumnType::Text));
    let wider = [wider];
    let (reading, done) = (Barrier::new(2), AtomicBool::new(false));
    scope(|scope| {
        // A report reads the table for a while; the change waits for it in short turns, between which others pass.
        scope.spawn(|| {
            store.read(|conn| {
                count(conn)?;
                reading.wait();
                sleep(Duration::from_millis(700));
                Ok::<_, Error>(())
            })
        });
        reading.wait();
        let change = scope.spawn(|| {
            let result = other.write(|conn| apply(conn, &wider, 1));
            done.store(true, Ordering::Release);
            result
        });
        let mut longest = Duration::ZERO;
        while !done.load(Ordering::Acquire) {
            let started = Instant::now();
            store.write(|conn| add(conn, "b")).expect("a write");
            longest = longest.max(started.elapsed());
        }
        let changed = change.join().expect("no panic").expect("the change is made in the end");
        assert_eq!(changed.changes.len(), 1);
        assert!(longest < Duration::from_millis(600), "somebody waited {longest:?} for a change of the tables");
    });
    store.write(|conn| conn.execute("UPDATE item SET note = 'x'", &[])).map(|_| ())
}

pub fn locks_without_rows(kit: &Kit) -> Result<()> {
    let first = kit.items()?;
    let second = kit.open_with("items", quick())?;
    let third = kit.open_with("others", quick())?;
    first.write(|conn| {
        conn.hold("period", 7, false)?;
        second.write(|conn| conn.hold("period", 7, false))?;
        assert_eq!(second.write(|conn| conn.hold("period", 7, true)), Err(Error::Busy));
        second.write(|conn| conn.hold("period", 8, true))?;
        third.write(|conn| conn.hold("period", 7, true))
    })?;
    second.write(|conn| conn.hold("period", 7, true))
}

pub fn order_is_that_of_bytes(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let file = Kit::sqlite();
    let other = file.items()?;
    let texts = ["b", "B", "a", "Z", "_", " ", "ž", "Ž", "č", "ch", "h", "10", "9", "é", "e", "", "a-b", "ab", "🐎"];
    for store in [&store, &other] {
        store.write(|conn| texts.iter().try_for_each(|text| add(conn, text)))?;
    }
    let sql = "SELECT name FROM item WHERE name >= ? ORDER BY name";
    let list = |store: &Store| store.read(|conn| conn.rows(sql, &["A".into()]));
    assert_eq!(list(&store)?, list(&other)?);
    Ok(())
}

pub fn connections_are_encrypted(_: &Kit) -> Result<()> {
    let server = cluster::Encrypted::start();
    let open = |host: &str, how: &str| Store::open(&format!("{}?{how}", server.url(host)), Options::default());
    let encrypted = |store: &Store| {
        let sql = "SELECT CAST(ssl AS int) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let by = |conn: &mut dyn Conn| conn.int(sql, &[]);
        Ok::<_, Error>((store.read(by)?, store.write(by)?))
    };
    let (authority, stranger) = (server.certificate("authority"), server.certificate("stranger"));
    for (host, how) in [
        // Encrypted where the server can, without a word about it; a root is looked at where one is named, the name on the
        // certificate only when that is asked for.
        ("localhost", String::new()),
        ("127.0.0.1", "sslmode=prefer".to_owned()),
        ("127.0.0.1", "sslmode=require".to_owned()),
        ("127.0.0.1", format!("sslmode=require&sslrootcert={authority}")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={authority}")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={}", authority.replace('/', "%2F"))),
    ] {
        assert_eq!(encrypted(&open(host, &how)?)?, (Some(1), Some(1)), "{host} {how}");
    }
    for (host, how) in [
        ("localhost", "sslmode=disable".to_owned()),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={authority}")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={stranger}")),
        ("localhost", format!("sslmode=require&sslrootcert={stranger}")),
    ] {
        assert!(open(host, &how).is_err(), "{host} {how}");
    }
    for how in ["sslmode=verify-full", "sslmode=perhaps", "sslmode=require&sslrootcert=/nowhere"] {
        assert!(matches!(open("localhost", how).err(), Some(Error::Sql(_))), "{how}");
    }
    // Other programs' changes are heard over the same encrypted way.
    let [one, other] =
        ["one", "other"].map(|_| open("localhost", &format!("sslmode=verify-full&sslrootcert={authority}")));
    let (one, other) = (one?, other?);
    let before = one.data_version()?;
    other.write(|conn| conn.batch("CREATE TABLE t (id bigint)"))?;
    let since = Instant::now();
    while one.data_version()? == before {
        assert!(since.elapsed() < Duration::from_secs(5), "a commit of another program was not told");
        sleep(Duration::from_millis(10));
    }
    Ok(())
}
