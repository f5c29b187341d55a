//! The full text index.

use store::schema::{Table, apply};
use store::{Result, Store, Value, search_condition, search_match};

use crate::kit::{Kit, item_table};

fn open(kit: &Kit) -> Result<Store> {
    let store = kit.open("words")?;
    store.write(|conn| apply(conn, &[Table { search: true, ..item_table() }], 1))?;
    Ok(store)
}

fn put(store: &Store, id: i64, words: &str) -> Result<()> {
    store.write(|conn| {
        conn.execute("INSERT INTO item (id, name) VALUES (?, '') ON CONFLICT DO NOTHING", &[id.into()])?;
        conn.search_put("item", id, words)
    })
}

fn find(store: &Store, words: &[&str]) -> Result<Vec<i64>> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let condition = search_condition(store.dialect(), "item", "t0.\"id\"");
    let sql = format!("SELECT t0.id FROM item t0 WHERE {condition} ORDER BY t0.id");
    let rows = store.read(|conn| conn.rows(&sql, &[search_match(store.dialect(), &words)]))?;
    Ok(rows.iter().flatten().filter_map(Value::as_int).collect())
}

pub fn words_are_found(kit: &Kit) -> Result<()> {
    let store = open(kit)?;
    put(&store, 1, "zizka jan praha")?;
    put(&store, 2, "zizala jana brno s.r.o. jana@brno.cz")?;
    put(&store, 3, "or and not near words")?;
    assert_eq!(find(&store, &["ziz"])?, [1, 2]);
    assert_eq!(find(&store, &["zizk"])?, [1]);
    assert_eq!(find(&store, &["jan", "praha"])?, [1]);
    assert_eq!(find(&store, &["jan", "xyz"])?, [0; 0]);
    assert_eq!(find(&store, &["jana@brno.cz"])?, [2]);
    assert_eq!(find(&store, &["OR"])?, [3]);
    assert_eq!(find(&store, &["not", "near"])?, [3]);
    Ok(())
}

pub fn hostile_words(kit: &Kit) -> Result<()> {
    let store = open(kit)?;
    put(&store, 1, "alpha beta")?;
    let words = [
        "\"",
        "\"\"",
        "*",
        "alpha*\"",
        "\" OR \"",
        "NEAR(",
        "words:alpha",
        "^alpha",
        "-alpha",
        "(",
        ")",
        "+",
        "\\",
        "'",
        "'; DROP TABLE item; --",
        "a\0b",
        "\0",
        "{a}",
        "🐎",
        "\u{301}",
        "",
        " ",
        "%",
        "_",
        "alpha OR gamma",
        "\u{FFFF}",
    ];
    for word in words {
        find(&store, &[word])?;
        find(&store, &["alpha", word])?;
        find(&store, &[word, word])?;
    }
    find(&store, &[&"x".repeat(100_000)])?;
    find(&store, &vec!["alpha"; 500])?;
    assert_eq!(find(&store, &["alpha\" OR \"gamma"])?, [0; 0]);
    assert_eq!(find(&store, &["alpha", "*"])?, [1], "a word without letters asks for nothing");
    assert_eq!(find(&store, &["*"])?, [0; 0]);
    assert_eq!(find(&store, &[])?, [0; 0]);
    Ok(())
}

pub fn entries_change(kit: &Kit) -> Result<()> {
    let store = open(kit)?;
    put(&store, 1, "alpha")?;
    put(&store, 1, "beta")?;
    assert_eq!(find(&store, &["alpha"])?, [0; 0]);
    assert_eq!(find(&store, &["beta"])?, [1]);
    put(&store, 2, "beta")?;
    store.write(|conn| conn.search_delete("item", 1))?;
    store.write(|conn| conn.search_delete("item", 77))?;
    assert_eq!(find(&store, &["beta"])?, [2]);
    put(&store, 2, "")?;
    assert_eq!(find(&store, &["beta"])?, [0; 0]);
    let refused = store.write(|conn| {
        conn.search_put("item", 3, "gamma")?;
        Err::<(), _>(store::Error::Interrupted)
    });
    assert!(refused.is_err());
    assert_eq!(find(&store, &["gamma"])?, [0; 0]);
    Ok(())
}

pub fn a_check_sees_the_index_as_it_stands(kit: &Kit) -> Result<()> {
    let store = open(kit)?;
    put(&store, 1, "alpha")?;
    for round in 0..24 {
        // The connection that checks has looked at the index before it was merged.
        assert_eq!(find(&store, &["alpha"])?[0], 1);
        for n in 0..7 {
            let words = format!("beta{round} gamma{n}");
            store.write(|conn| (2..12).try_for_each(|id| conn.search_put("item", id * 10 + n, &words)))?;
        }
        assert_eq!(store.read(|conn| conn.integrity(true))?, [""; 0], "{round}");
    }
    Ok(())
}
