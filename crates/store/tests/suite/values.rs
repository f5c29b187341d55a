//! Values, statements, savepoints, snapshots and errors.

use std::time::{Duration, Instant};

use store::schema::{Column, ColumnType, Index, Table, apply};
use store::{ConstraintKind, Error, Options, Result, Store, Value};

use crate::kit::{Kit, add, count, names};

pub fn round_trips(kit: &Kit) -> Result<()> {
    let store = kit.open("values")?;
    let columns = vec![
        Column::new("id", ColumnType::Int),
        Column::new("n", ColumnType::Int),
        Column::new("t", ColumnType::Text),
        Column::new("b", ColumnType::Blob),
    ];
    store.write(|conn| apply(conn, &[Table::new("value", columns.clone())], 1))?;
    let big = vec![0xA5; 3_000_000];
    let cases: Vec<[Value; 3]> = vec![
        [Value::Null, Value::Null, Value::Null],
        [i64::MIN.into(), "".into(), Vec::<u8>::new().into()],
        [i64::MAX.into(), "Žluťoučký kůň 🐎 \u{10FFFF}".into(), vec![0u8, 255, 0].into()],
        [0.into(), "x".repeat(1_000_000).into(), big.into()],
        [(-1).into(), "'; DROP TABLE value; --".into(), b"\xff\xfe".as_slice().into()],
    ];
    for (id, case) in (1i64..).zip(&cases) {
        let mut params = vec![Value::from(id)];
        params.extend_from_slice(case);
        store.write(|conn| conn.execute("INSERT INTO value (id, n, t, b) VALUES (?, ?, ?, ?)", &params))?;
    }
    let rows = store.read(|conn| conn.rows("SELECT n, t, b FROM value ORDER BY id", &[]))?;
    assert_eq!(rows, cases);

    // A NUL inside a text either comes back or is refused; it never shortens the text.
    let kept = store.write(|conn| conn.execute("INSERT INTO value (id, t) VALUES (99, ?)", &["a\0b".into()]));
    if kept.is_ok() {
        let text = store.read(|conn| conn.text("SELECT t FROM value WHERE id = 99", &[]))?;
        assert_eq!(text.as_deref(), Some("a\0b"));
    }
    Ok(())
}

pub fn rows_stop_early(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    store.write(|conn| (0..10).try_for_each(|n| add(conn, &format!("n{n}"))))?;
    let mut seen = 0;
    store.read(|conn| {
        conn.query("SELECT name FROM item", &[], &mut |_| {
            seen += 1;
            Ok(seen < 3)
        })
    })?;
    assert_eq!(seen, 3);
    let failed = store.read(|conn| conn.query("SELECT name FROM item", &[], &mut |_| Err(Error::Interrupted)));
    assert_eq!(failed, Err(Error::Interrupted));
    let changed = store.write(|conn| conn.execute("UPDATE item SET amount = 1 WHERE name < ?", &["n4".into()]))?;
    assert_eq!(changed, 4);
    let found = store.write(|conn| conn.int("INSERT INTO item (name) VALUES ('r') RETURNING amount IS NULL", &[]))?;
    assert_eq!(found, Some(1));
    Ok(())
}

pub fn parameters_are_counted(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    for params in [vec![], vec![Value::Null, Value::Null]] {
        let result = store.read(|conn| conn.rows("SELECT ?", &params));
        assert!(matches!(result, Err(Error::Sql(_))), "{result:?}");
    }
    let result = store.read(|conn| conn.rows("SELECT 1; SELECT 2", &[]));
    assert!(matches!(result, Err(Error::Sql(_))), "{result:?}");
    let result = store.read(|conn| conn.rows("SELECT \"misspelt\" FROM item", &[]));
    assert!(matches!(result, Err(Error::Sql(_))), "{result:?}");
    let result = store.read(|conn| conn.rows("SELECT 0.5", &[]));
    assert!(matches!(result, Err(Error::Sql(_))), "{result:?}");
    Ok(())
}

pub fn savepoints_nest(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    store.write(|conn| {
        add(conn, "a")?;
        conn.savepoint()?;
        add(conn, "b")?;
        conn.savepoint()?;
        add(conn, "c")?;
        conn.rollback_to()?;
        assert_eq!(count(conn)?, 2);
        conn.savepoint()?;
        add(conn, "d")?;
        conn.release()?;
        conn.release()?;
        conn.savepoint()?;
        add(conn, "e")?;
        conn.rollback_to()?;
        assert!(conn.release().is_err());
        assert!(conn.rollback_to().is_err());
        Ok::<_, Error>(())
    })?;
    assert_eq!(names(&store)?, ["a", "b", "d"]);
    Ok(())
}

pub fn after_a_failure_only_a_savepoint_helps(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let broken = "INSERT INTO item (name) VALUES ('b'), (NULL)";
    let is_missing = |result: Result<u64>| {
        assert!(matches!(result, Err(Error::Constraint { kind: ConstraintKind::NotNull, .. })), "{result:?}");
    };
    store.write(|conn| {
        add(conn, "a")?;
        conn.savepoint()?;
        is_missing(conn.execute(broken, &[]));
        assert!(matches!(add(conn, "lost"), Err(Error::Sql(_))));
        assert!(matches!(count(conn), Err(Error::Sql(_))));
        assert!(conn.savepoint().is_err());
        conn.rollback_to()?;
        add(conn, "c")
    })?;
    assert_eq!(names(&store)?, ["a", "c"]);
    // Who overlooks a failure cannot commit: what stands before it is not half of anything.
    let overlooked = store.write(|conn| {
        add(conn, "d")?;
        is_missing(conn.execute(broken, &[]));
        Ok::<_, Error>(())
    });
    assert!(matches!(overlooked, Err(Error::Sql(_))), "{overlooked:?}");
    // An error of the caller's own while he looks at rows is none of the statement.
    store.write(|conn| {
        add(conn, "e")?;
        let own = conn.query("SELECT name FROM item", &[], &mut |_| Err(Error::Interrupted));
        assert_eq!(own, Err(Error::Interrupted));
        add(conn, "f")
    })?;
    assert_eq!(names(&store)?, ["a", "c", "e", "f"]);
    Ok(())
}

pub fn readers_cannot_write(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let result = store.read(|conn| {
        assert!(!conn.writable());
        add(conn, "a")
    });
    assert!(matches!(result, Err(Error::Sql(_))), "{result:?}");
    store.write(|conn| {
        assert!(conn.writable());
        Ok::<_, Error>(())
    })?;
    assert!(names(&store)?.is_empty());
    Ok(())
}

pub fn snapshots_stand_still(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    store.write(|conn| add(conn, "a"))?;
    store.read(|conn| {
        // Nothing was read yet when the writer commits: the snapshot is fixed at the beginning all the same.
        std::thread::scope(|scope| scope.spawn(|| store.write(|conn| add(conn, "b"))).join()).expect("no panic")?;
        assert_eq!(count(conn)?, 1);
        store.write(|conn| add(conn, "c"))?;
        assert_eq!(count(conn)?, 1);
        Ok::<_, Error>(())
    })?;
    assert_eq!(names(&store)?, ["a", "b", "c"]);
    Ok(())
}

pub fn long_reads_end(kit: &Kit) -> Result<()> {
    kit.items()?;
    let store = kit.open_with("items", Options { readers: 1, ..Options::default() })?;
    let endless = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) SELECT count(*) FROM n";
    let limit = Duration::from_millis(50);
    let started = Instant::now();
    let result = store.read_within(limit, |conn| conn.int(endless, &[i64::MAX.into()]));
    assert_eq!(result, Err(Error::Interrupted));
    assert!(started.elapsed() < Duration::from_secs(2));
    // The same connection has no limit afterwards.
    std::thread::sleep(limit);
    assert_eq!(store.read(|conn| conn.int(endless, &[100_000.into()]))?, Some(100_000));
    assert_eq!(store.read_within(Duration::MAX, |conn| conn.int(endless, &[100_000.into()]))?, Some(100_000));
    Ok(())
}

pub fn constraints_tell_what_broke(kit: &Kit) -> Result<()> {
    let store = kit.open("rules")?;
    let owner = Table::new("owner", vec![Column::new("id", ColumnType::Int)]);
    let thing = Table {
        checks: vec![("thing_sane".to_owned(), "low <= high".to_owned())],
        indexes: vec![Index {
            name: "thing_code".to_owned(),
            columns: vec!["owner".to_owned(), "code".to_owned()],
            unique: true,
            filter: None,
        }],
        ..Table::new(
            "thing",
            vec![
                Column::new("id", ColumnType::Int),
                Column::new("owner", ColumnType::Int).required().referring("owner"),
                Column::new("code", ColumnType::Text),
                Column::new("low", ColumnType::Int).checked("low >= 0"),
                Column::new("high", ColumnType::Int),
            ],
        )
    };
    store.write(|conn| {
        apply(conn, &[owner.clone(), thing.clone()], 1)?;
        conn.batch("INSERT INTO owner (id) VALUES (1); INSERT INTO thing (owner, code) VALUES (1, 'x')")
    })?;
    let cases = [
        ("INSERT INTO thing (owner, code) VALUES (1, 'x')", ConstraintKind::Unique, "thing.owner, thing.code"),
        ("INSERT INTO owner (id) VALUES (1)", ConstraintKind::Unique, "owner.id"),
        ("INSERT INTO thing (owner, low) VALUES (1, -1)", ConstraintKind::Check, "thing.low"),
        ("INSERT INTO thing (owner, low, high) VALUES (1, 2, 1)", ConstraintKind::Check, "thing_sane"),
        ("INSERT INTO thing (owner) VALUES (7)", ConstraintKind::ForeignKey, "thing"),
        ("UPDATE \"thing\" SET owner = 9", ConstraintKind::ForeignKey, "thing"),
        ("DELETE FROM owner", ConstraintKind::ForeignKey, "owner"),
        ("INSERT INTO thing (code) VALUES ('y')", ConstraintKind::NotNull, "thing.owner"),
    ];
    for (sql, kind, detail) in cases {
        let result = store.write(|conn| conn.execute(sql, &[]));
        assert_eq!(result, Err(Error::Constraint { kind, detail: detail.to_owned() }), "{sql}");
    }
    Ok(())
}

pub fn addresses(kit: &Kit) -> Result<()> {
    let open = |url: &str| Store::open(url, Options::default()).err();
    for url in ["", "celek.db", "mysql://x", "sqlite:", "sqlite::memory:", "postgres:", "postgres://localhost"] {
        assert!(matches!(open(url), Some(Error::Sql(_))), "{url}");
    }
    let missing = format!("sqlite:{}/no/such/celek.db", kit.file("x").display());
    assert!(matches!(open(&missing), Some(Error::NotFound(_))));
    let absent = kit.open_with("absent", Options { create: false, ..Options::default() });
    assert!(matches!(absent.err(), Some(Error::NotFound(_))));
    std::fs::write(kit.file("text"), "this is no database, but a letter to somebody else ".repeat(200))
        .expect("a file");
    assert!(matches!(kit.open("text").err(), Some(Error::Corrupt(_))));
    let directory = format!("sqlite:{}", std::env::temp_dir().display());
    assert!(matches!(open(&directory), Some(Error::Io(_))));
    Ok(())
}

pub fn work_is_counted(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let before = store.stats();
    for name in ["one", "two"] {
        store.write(|conn| add(conn, name))?;
    }
    let wrote = store.stats().since(before);
    assert_eq!(wrote.commits, 2);
    assert!(wrote.statements >= 2, "{wrote:?}");
    assert_eq!(wrote.log_bytes > 0, kit.shares_commits(), "the log of a server is not ours alone: {wrote:?}");
    let before = store.stats();
    names(&store)?;
    let read = store.stats().since(before);
    assert_eq!((read.commits, read.log_bytes), (0, 0));
    assert!(read.rows >= 2 && read.statements >= 1, "{read:?}");
    Ok(())
}
