//! The tables follow what is declared.

use std::time::{Duration, Instant};

use store::schema::{Change, Column, ColumnType, Index, Table, apply, apply_views, is_current, plan};
use store::{ConstraintKind, Error, Result, Store, Value};

use crate::kit::{Kit, add, item_table, names};

fn trigger(message: &str) -> Error {
    Error::Constraint { kind: ConstraintKind::Trigger, detail: message.to_owned() }
}

fn make(store: &Store, tables: &[Table], version: i64) -> Result<Vec<Change>> {
    Ok(store.write(|conn| apply(conn, tables, version))?.changes)
}

fn words(changes: &[Change]) -> Vec<&str> {
    let word = |change| match change {
        &Change::Safe { ref what, .. } | &Change::Unsafe { ref what } => what.as_str(),
    };
    changes.iter().map(word).collect()
}

pub fn tables_are_made(kit: &Kit) -> Result<()> {
    let store = kit.open("made")?;
    let index = Index { name: "item_name".into(), columns: vec!["name".into(), "amount".into()], ..Index::default() };
    let item = Table { indexes: vec![index], search: true, append_only: true, ..item_table() };
    let pair = Table {
        primary_key: vec!["b".into(), "a".into()],
        ..Table::new("pair", vec![Column::new("a", ColumnType::Int), Column::new("b", ColumnType::Text)])
    };
    let changes = make(&store, &[item, pair], 3)?;
    let expected = [
        "create table item",
        "create search item_fts",
        "create table pair",
        "create index item_name",
        "create trigger item_append_only_update",
        "create trigger item_append_only_delete",
    ];
    assert_eq!(words(&changes), expected);
    let tables = store.read(|conn| conn.tables())?;
    let item = tables.iter().find(|table| table.name == "item").expect("the table");
    let columns: Vec<_> = item.columns.iter().map(|column| (&*column.name, &*column.ty, column.not_null)).collect();
    assert_eq!(columns, [("id", "INTEGER", true), ("name", "TEXT", true), ("amount", "INTEGER", false)]);
    assert_eq!(item.indexes.len(), 1);
    assert_eq!((&*item.indexes[0].name, item.indexes[0].unique), ("item_name", false));
    assert_eq!(item.indexes[0].columns, ["name", "amount"]);
    assert_eq!(item.triggers, ["item_append_only_delete", "item_append_only_update"]);
    let recorded = store.read(|conn| conn.rows("SELECT version, change FROM sys_migration ORDER BY id", &[]))?;
    assert_eq!(recorded.len(), expected.len());
    assert_eq!(recorded[0], [Value::Int(3), Value::from("create table item")]);
    assert!(store.write(|conn| conn.execute("DELETE FROM sys_migration", &[])).is_err());
    Ok(())
}

pub fn nothing_to_do_is_fast(kit: &Kit) -> Result<()> {
    let store = kit.open("many")?;
    let tables: Vec<Table> = (0..150)
        .map(|n| Table {
            name: format!("table_{n}"),
            columns: (0..20)
                .map(|c| Column::new(if c == 0 { "id".to_owned() } else { format!("column_{c}") }, ColumnType::Int))
                .collect(),
            search: n % 10 == 0,
            append_only: n % 3 == 0,
            indexes: vec![Index {
                name: format!("table_{n}_one"),
                columns: vec!["column_1".into()],
                ..Index::default()
            }],
            ..Table::default()
        })
        .collect();
    assert!(!make(&store, &tables, 1)?.is_empty());
    let mut elapsed = Duration::MAX;
    // The best of a few: a machine that does something else at the same moment says nothing of us.
    for _ in 0..5 {
        let started = Instant::now();
        assert!(make(&store, &tables, 1)?.is_empty());
        elapsed = elapsed.min(started.elapsed());
    }
    println!("nothing to do: {elapsed:?}");
    assert!(elapsed < Duration::from_millis(50), "{elapsed:?}");
    assert!(store.read(|conn| is_current(conn, &tables, 1))?);
    assert!(!store.read(|conn| is_current(conn, &tables[1..], 1))?);
    assert!(!store.read(|conn| is_current(conn, &tables, 2))?);
    assert_eq!(store.read(|conn| plan(conn, &tables))?, []);
    // Somebody else's change makes it look again.
    store.write(|conn| conn.batch("DROP INDEX table_7_one"))?;
    assert_eq!(words(&make(&store, &tables, 1)?), ["create index table_7_one"]);
    assert!(store.read(|conn| is_current(conn, &tables, 1))?);
    Ok(())
}

pub fn safe_changes(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    store.write(|conn| add(conn, "a"))?;
    let index = |unique, columns: &[&str], filter: Option<&str>| Index {
        name: "item_one".into(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        unique,
        filter: filter.map(str::to_owned),
    };
    let mut item = item_table();
    item.columns.push(Column::new("note", ColumnType::Text));
    item.columns.push(Column::new("size", ColumnType::Int).checked("size > 0"));
    item.columns.push(Column { default: Some("it's".into()), not_null: true, ..Column::new("kind", ColumnType::Text) });
    item.columns.push(Column { default: Some(Value::Blob(vec![1, 0])), ..Column::new("raw", ColumnType::Blob) });
    item.columns.push(Column::new("parent", ColumnType::Int).referring("item"));
    item.indexes.push(index(true, &["name"], None));
    let changes = make(&store, &[item.clone()], 2)?;
    assert_eq!(
        words(&changes),
        [
            "add column item.note",
            "add column item.size",
            "add column item.kind",
            "add column item.raw",
            "add column item.parent",
            "create index item_one"
        ]
    );
    let row = store.read(|conn| conn.row("SELECT note, size, kind, raw, parent FROM item", &[]))?;
    let expected = [Value::Null, Value::Null, "it's".into(), Value::Blob(vec![1, 0]), Value::Null];
    assert_eq!(row.as_deref(), Some(expected.as_slice()));
    let broken = store.write(|conn| conn.execute("UPDATE item SET size = 0", &[]));
    assert_eq!(broken, Err(Error::Constraint { kind: ConstraintKind::Check, detail: "item.size".into() }));
    let orphan = store.write(|conn| conn.execute("UPDATE item SET parent = 99", &[]));
    assert_eq!(orphan, Err(Error::Constraint { kind: ConstraintKind::ForeignKey, detail: "item".into() }));
    assert_eq!(make(&store, &[item.clone()], 2)?, []);

    item.indexes[0] = index(true, &["name"], Some("amount > 0"));
    item.append_only = true;
    let changes = make(&store, &[item.clone()], 2)?;
    assert_eq!(words(&changes)[0], "change index item_one");
    assert_eq!(changes.len(), 3);
    item.append_only = false;
    item.indexes.clear();
    let changes = make(&store, &[item.clone()], 2)?;
    assert!(words(&changes).contains(&"drop unique index item_one"), "{changes:?}");
    assert_eq!(changes.len(), 3);
    // What is not declared any more stays, with its data.
    let changes = make(&store, &[item_table_without_note(&item)], 2)?;
    assert_eq!(changes, []);
    assert_eq!(names(&store)?, ["a"]);
    Ok(())
}

fn item_table_without_note(item: &Table) -> Table {
    let mut item = item.clone();
    item.columns.retain(|column| column.name != "note");
    item
}

pub fn unsafe_changes(kit: &Kit) -> Result<()> {
    let store = kit.open("unsafe")?;
    let mut base = item_table();
    base.columns[2] = Column::new("amount", ColumnType::Int).checked("amount < 10");
    make(&store, &[base.clone()], 1)?;
    let change = |how: &dyn Fn(&mut Table)| {
        let mut table = base.clone();
        how(&mut table);
        table
    };
    let cases = [
        (change(&|t| t.columns[1].ty = ColumnType::Int), "item.name is TEXT, wanted INTEGER"),
        (change(&|t| t.columns[2].not_null = true), "item.amount may be empty, wanted required"),
        (change(&|t| t.columns[1].not_null = false), "item.name is required"),
        (change(&|t| t.columns.push(Column::new("x", ColumnType::Int).required())), "item.x is missing"),
        (change(&|t| t.columns[2].check = Some("amount < 20".into())), "item.amount has another condition"),
        (change(&|t| t.columns[2].check = None), "the condition item.amount of item is not declared any more"),
        (change(&|t| t.checks.push(("c".into(), "amount > 1".into()))), "c is a new condition"),
        (change(&|t| t.columns[2].references = Some("item".into())), "item.amount refers to nothing, wanted item"),
        (change(&|t| t.primary_key = vec!["name".into()]), "item has the key (id), wanted (name)"),
        (change(&|t| drop(t.columns.remove(1))), "item.name is required and not declared"),
    ];
    for (table, expected) in cases {
        let planned = store.read(|conn| plan(conn, std::slice::from_ref(&table)))?;
        let told = planned.iter().any(|change| matches!(change, Change::Unsafe { what } if what.contains(expected)));
        assert!(told, "{expected}: {planned:?}");
        let both = [Table::new("fresh", vec![Column::new("id", ColumnType::Int)]), table];
        match make(&store, &both, 2) {
            Err(Error::Sql(message)) => assert!(message.contains(expected), "{message}"),
            other => panic!("{expected}: {other:?}"),
        }
    }
    // Nothing of a refused plan was done.
    assert!(store.read(|conn| is_current(conn, &[base.clone()], 1))?);
    let tables = store.read(|conn| conn.tables())?;
    assert!(!tables.iter().any(|table| table.name == "fresh"));
    Ok(())
}

pub fn newer_is_refused(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    // A new version counts even where the tables are the same.
    make(&store, &[item_table()], 5)?;
    let older = make(&store, &[item_table()], 4);
    assert_eq!(older, Err(Error::Newer { found: 5, known: 4 }));
    assert_eq!(store.read(|conn| is_current(conn, &[item_table()], 4)), Err(Error::Newer { found: 5, known: 4 }));
    assert_eq!(make(&store, &[item_table()], 5)?, []);
    Ok(())
}

pub fn append_only(kit: &Kit) -> Result<()> {
    let store = kit.open("ledger")?;
    make(&store, &[Table { append_only: true, ..item_table() }], 1)?;
    store.write(|conn| add(conn, "a"))?;
    let attempts = [
        "UPDATE item SET name = 'b'",
        "DELETE FROM item",
        "INSERT INTO item (id, name) VALUES (1, 'b') ON CONFLICT (id) DO UPDATE SET name = 'b'",
    ];
    for sql in attempts {
        assert_eq!(store.write(|conn| conn.execute(sql, &[])), Err(trigger("append-only: item")), "{sql}");
    }
    assert_eq!(names(&store)?, ["a"]);
    Ok(())
}

pub fn append_only_without_replace(kit: &Kit) -> Result<()> {
    let store = kit.open("ledger")?;
    make(&store, &[Table { append_only: true, ..item_table() }], 1)?;
    store.write(|conn| add(conn, "a"))?;
    let sql = "REPLACE INTO item (id, name) VALUES (1, 'b')";
    assert_eq!(store.write(|conn| conn.execute(sql, &[])), Err(trigger("append-only: item")));
    assert_eq!(names(&store)?, ["a"]);
    Ok(())
}

pub fn tables_may_refer_to_later_ones(kit: &Kit) -> Result<()> {
    let store = kit.open("circle")?;
    let one = |name: &str, other: &str| {
        let columns = vec![Column::new("id", ColumnType::Int), Column::new("other", ColumnType::Int).referring(other)];
        Table::new(name, columns)
    };
    let tables = [one("hen", "egg"), one("egg", "hen")];
    assert!(!make(&store, &tables, 1)?.is_empty());
    assert_eq!(store.read(|conn| plan(conn, &tables))?, [], "all references stand");
    store.write(|conn| conn.batch("INSERT INTO hen (id) VALUES (1); INSERT INTO egg (id, other) VALUES (1, 1)"))?;
    for table in ["hen", "egg"] {
        let orphan = store.write(|conn| conn.execute(&format!("UPDATE {table} SET other = 7"), &[]));
        assert_eq!(orphan, Err(Error::Constraint { kind: ConstraintKind::ForeignKey, detail: table.into() }));
    }
    let mut tables = [one("hen", "egg"), one("egg", "hen"), one("fox", "fox")];
    tables[0].columns.push(Column::new("fears", ColumnType::Int).referring("fox"));
    make(&store, &tables, 1)?;
    assert_eq!(store.read(|conn| plan(conn, &tables))?, []);
    Ok(())
}

pub fn starts_at_once_migrate_once(kit: &Kit) -> Result<()> {
    let stores: Vec<Store> = (0..4).map(|_| kit.open("start")).collect::<Result<_>>()?;
    let tables: Vec<Table> = (0..20).map(|n| Table { name: format!("table_{n}"), ..item_table() }).collect();
    let together = std::sync::Barrier::new(stores.len());
    let made: Vec<usize> = std::thread::scope(|scope| {
        let start = |store| {
            let (tables, together) = (&tables, &together);
            scope.spawn(move || {
                together.wait();
                make(store, tables, 1).map(|changes| changes.len())
            })
        };
        let threads: Vec<_> = stores.iter().map(start).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Result<_>>()
    })?;
    let mut made = made;
    made.sort_unstable();
    assert_eq!(made, [0, 0, 0, 20], "one of them makes all tables");
    Ok(())
}

pub fn immutable_rows(kit: &Kit) -> Result<()> {
    let store = kit.open("posted")?;
    let mut item = Table { immutable_when: Some("OLD.amount = 1".into()), ..item_table() };
    make(&store, &[item.clone()], 1)?;
    store.write(|conn| conn.batch("INSERT INTO item (name, amount) VALUES ('a', 0), ('b', 1)"))?;
    store.write(|conn| conn.execute("UPDATE item SET name = 'c' WHERE name = 'a'", &[]))?;
    for sql in ["UPDATE item SET amount = 0 WHERE name = 'b'", "DELETE FROM item WHERE name = 'b'"] {
        assert_eq!(store.write(|conn| conn.execute(sql, &[])), Err(trigger("immutable: item")), "{sql}");
    }
    item.immutable_when = Some("OLD.amount = 2".into());
    assert_eq!(words(&make(&store, &[item], 1)?).len(), 2);
    store.write(|conn| conn.execute("DELETE FROM item WHERE name = 'b'", &[]))?;
    assert_eq!(names(&store)?, ["c"]);
    Ok(())
}

pub fn partial_uniqueness(kit: &Kit) -> Result<()> {
    let store = kit.open("partial")?;
    let index = Index {
        name: "item_active".into(),
        columns: vec!["name".into()],
        unique: true,
        filter: Some("amount IS NULL".into()),
    };
    make(&store, &[Table { indexes: vec![index], ..item_table() }], 1)?;
    let insert = |amount: Option<i64>| {
        store.write(|conn| conn.execute("INSERT INTO item (name, amount) VALUES ('a', ?)", &[amount.into()]))
    };
    insert(Some(1))?;
    insert(Some(1))?;
    insert(None)?;
    assert_eq!(insert(None), Err(Error::Constraint { kind: ConstraintKind::Unique, detail: "item.name".into() }));
    Ok(())
}

pub fn views_follow(kit: &Kit) -> Result<()> {
    let store = kit.open("views")?;
    let mut item = Table { view: Some("SELECT id, name FROM item".into()), ..item_table() };
    make(&store, &[item.clone()], 1)?;
    store.write(|conn| add(conn, "a"))?;
    item.view = Some("SELECT id, upper(name) AS name FROM item;".into());
    assert_eq!(words(&make(&store, &[item], 1)?), ["change view v_item"]);
    assert_eq!(store.read(|conn| conn.text("SELECT name FROM v_item", &[]))?.as_deref(), Some("A"));
    let views = |select: &str| vec![("v_own".to_owned(), select.to_owned())];
    let apply = |select: &str| store.write(|conn| apply_views(conn, &views(select)));
    assert_eq!(apply("SELECT 1 AS n")?, 1);
    assert_eq!(apply("SELECT 1 AS n")?, 0);
    assert_eq!(apply("SELECT 2 AS n")?, 1);
    assert_eq!(store.read(|conn| conn.int("SELECT n FROM v_own", &[]))?, Some(2));
    assert!(store.write(|conn| apply_views(conn, &[("item".into(), "SELECT 1".into())])).is_err());
    Ok(())
}

pub fn hostile_names(kit: &Kit) -> Result<()> {
    let store = kit.open("names")?;
    let long = "x".repeat(64);
    for name in ["", "a b", "a\"b", "1a", "a;DROP TABLE x", "ž", "a.b", long.as_str()] {
        let table = Table::new(name, vec![Column::new("id", ColumnType::Int)]);
        assert!(matches!(make(&store, &[table], 1), Err(Error::Sql(_))), "{name}");
        let table = Table::new("t", vec![Column::new("id", ColumnType::Int), Column::new(name, ColumnType::Int)]);
        assert!(matches!(make(&store, &[table], 1), Err(Error::Sql(_))), "{name}");
    }
    for name in ["order", "group", "select", "x_check"] {
        let columns = vec![Column::new("id", ColumnType::Int), Column::new(name, ColumnType::Int).referring(name)];
        make(&store, &[Table::new(name, columns)], 1)?;
    }
    let keyless = Table::new("t", vec![Column::new("name", ColumnType::Text)]);
    assert!(make(&store, &[keyless], 1).is_err());
    Ok(())
}

pub fn strict_columns(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    let result = store.write(|conn| conn.execute("INSERT INTO item (name, amount) VALUES ('a', ?)", &["many".into()]));
    assert!(matches!(result, Err(Error::Sql(_))), "{result:?}");
    Ok(())
}

pub fn damage_is_told(kit: &Kit) -> Result<()> {
    let store = kit.open("damage")?;
    let columns = vec![Column::new("id", ColumnType::Int), Column::new("item", ColumnType::Int).referring("item")];
    make(&store, &[item_table(), Table::new("part", columns)], 1)?;
    store.write(|conn| {
        conn.batch("INSERT INTO item (id, name) VALUES (7, 'a'); INSERT INTO part (id, item) VALUES (1, 7)")
    })?;
    for full in [false, true] {
        assert_eq!(store.read(|conn| conn.integrity(full))?, [""; 0]);
    }
    kit.past_all_references("damage", "DELETE FROM item");
    let told = store.read(|conn| conn.integrity(true))?;
    assert_eq!(told, ["part 1 refers to nothing in item"]);
    Ok(())
}

pub fn search_of_old_rows(kit: &Kit) -> Result<()> {
    let store = kit.items()?;
    store.write(|conn| add(conn, "a"))?;
    let applied = store.write(|conn| apply(conn, &[Table { search: true, ..item_table() }], 1))?;
    assert_eq!(applied.search_to_fill, ["item"]);
    Ok(())
}
