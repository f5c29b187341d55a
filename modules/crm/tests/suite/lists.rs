//! Lists against a plain look at every record: filters, orders, pages of any depth, under the rights of several people, in
//! whichever way the page is found. Both databases have to agree with it, and so with each other.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, ToSpan};
use kernel::{Bounds, Filter, Principal, Query, Shape};
use serde_json::{Value as J, json};
use trial::Trial;

use crate::{
    kit::{MODULES, czk},
    naive::{Sort, World},
};

/// Numbers without an end, the same each time for the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }
    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.next(all.len())].clone()
    }
}

const NAMES: &[&str] = &[
    "Čapek",
    "Cukr",
    "Chmel",
    "Hrad",
    "Ing",
    "Žižka",
    "zebra",
    "Škoda",
    "Sova",
    "ďas",
    "Dům",
    "Řeka",
    "Ryba",
    "Ábel",
    "abel",
    "100 % bavlna",
    "a_b",
    "Chléb",
    "Cesta",
    "čas",
];

/// Fields of deals and how they compare.
const DEALS: &[(&str, Sort)] = &[
    ("id", Sort::Number),
    ("name", Sort::Text(true)),
    ("next_step", Sort::Text(false)),
    ("x_note", Sort::Text(false)),
    ("x_grade", Sort::Number),
    ("amount", Sort::Number),
    ("probability", Sort::Number),
    ("expected_close", Sort::Day),
    ("state", Sort::Code),
    ("owner", Sort::Number),
    ("party", Sort::Number),
    ("archived", Sort::Flag),
    ("party.name", Sort::Text(true)),
    ("party.country", Sort::Code),
    ("party.kind", Sort::Code),
    ("party.email", Sort::Code),
    ("party.payment_days", Sort::Number),
    ("stage.probability", Sort::Number),
    ("stage.pipeline.name", Sort::Text(true)),
    ("owner.login", Sort::Code),
    ("owner.company.country", Sort::Code),
    ("party.merged_into.name", Sort::Text(true)),
    ("party.merged_into.country", Sort::Code),
];

fn sorts(path: &str) -> Sort {
    DEALS.iter().find(|(known, _)| *known == path).unwrap().1
}

fn filled() -> (Trial, World) {
    let trial = Trial::new(MODULES);
    for (name, kind, index) in [("x_note", "text", false), ("x_grade", "int", true)] {
        let field = json!({"entity": "crm.deal", "name": name, "label": name, "kind": kind, "index": index});
        trial.run("admin", "sys.field.add", field);
    }
    let mut dice = Dice(0x5eed);
    let parties: Vec<i64> = (0..30)
        .map(|n| {
            let name = format!("{} {n}", dice.of(NAMES));
            let mut body = json!({"name": name, "country": dice.of(&["CZ", "SK", "DE"])});
            body["kind"] = json!(dice.of(&["company", "person"]));
            if dice.next(3) > 0 {
                body["payment_days"] = json!(dice.next(4) * 10);
            }
            if dice.next(2) > 0 {
                body["email"] = json!(format!("{}@example.com", dice.of(&["a", "b", "B", "c"])));
            }
            trial.create("sales", "party.party", body)
        })
        .collect();
    let today = trial.today();
    for n in 0..110 {
        let mut body = json!({"name": dice.of(NAMES), "party": dice.of(&parties)});
        if dice.next(3) > 0 {
            body["amount"] = czk(&format!("{}.{}0", dice.next(9), dice.next(3)));
        }
        if dice.next(3) > 0 {
            body["next_step"] = json!(dice.of(NAMES));
        }
        if dice.next(3) > 0 {
            body["x_note"] = json!(dice.of(NAMES));
        }
        if dice.next(3) > 0 {
            body["x_grade"] = json!(dice.next(6));
        }
        if dice.next(4) > 0 {
            body["expected_close"] = json!((today + (dice.next(70) as i64 - 40).days()).to_string());
        }
        let login = if n % 3 == 0 { "admin" } else { "sales" };
        trial.create(login, "crm.deal", body);
    }
    // Some lead on to another one, as merged ones do.
    trial
        .kernel()
        .work(&trial.system(), "trial.merge", |cx| {
            for pair in parties.chunks(2).take(9) {
                let mut party = cx.get::<party::Party>(kernel::Id::new(pair[0]))?;
                party.merged_into = Some(kernel::Id::new(pair[1]));
                cx.save(&mut party)?;
            }
            Ok(())
        })
        .unwrap();
    let world = World::read(&trial);
    (trial, world)
}

fn leaf(dice: &mut Dice, world: &World) -> J {
    let (path, sort) = dice.of(DEALS);
    let ids: Vec<i64> = world.records["crm.deal"].keys().copied().collect();
    let mut ids = ids;
    ids.sort_unstable();
    let known = |dice: &mut Dice| {
        for _ in 0..6 {
            let value = world.at("crm.deal", dice.of(&ids), path);
            if !value.is_null() {
                return value;
            }
        }
        match sort {
            Sort::Number => json!(3),
            Sort::Flag => json!(false),
            Sort::Day => json!("2026-11-24"),
            Sort::Code | Sort::Text(_) => json!("x"),
        }
    };
    if dice.next(8) == 0 {
        return json!({path: {"empty": dice.next(2) == 0}});
    }
    if sort == Sort::Day && dice.next(2) == 0 {
        let day = dice.of(&["@today", "@today-3", "@month", "@month-1", "@week", "@year"]);
        return json!({path: {dice.of(&["eq", "ne", "lt", "le", "gt", "ge"]): day}});
    }
    if path == "owner" && dice.next(2) == 0 {
        return json!({path: {dice.of(&["eq", "ne"]): "@me"}});
    }
    let value = known(dice);
    match (sort, dice.next(6)) {
        (_, 0) => json!({path: {"in": [value, known(dice)]}}),
        (Sort::Number | Sort::Day, 1) if path != "amount" => {
            let other = known(dice);
            let swap = format!("{value:>20}") > format!("{other:>20}");
            let (from, to) = if swap { (other, value) } else { (value, other) };
            json!({path: {"between": [from, to]}})
        }
        (Sort::Text(_), 1..=3) => {
            let text = value.as_str().unwrap();
            let part: String = text.chars().take(1 + dice.next(3)).collect();
            json!({path: {dice.of(&["contains", "starts"]): part}})
        }
        (Sort::Text(_) | Sort::Code | Sort::Flag, _) => json!({path: {dice.of(&["eq", "eq", "ne"]): value}}),
        (Sort::Number | Sort::Day, _) => json!({path: {dice.of(&["eq", "ne", "lt", "le", "gt", "ge"]): value}}),
    }
}

fn filter(dice: &mut Dice, world: &World, depth: usize) -> J {
    match if depth == 0 { 9 } else { dice.next(10) } {
        0..=2 => json!({"and": [filter(dice, world, depth - 1), filter(dice, world, depth - 1)]}),
        3..=5 => json!({"or": [filter(dice, world, depth - 1), filter(dice, world, depth - 1)]}),
        6 => json!({"not": filter(dice, world, depth - 1)}),
        _ => leaf(dice, world),
    }
}

/// All pages; refused where nothing can be found in this way.
fn pages(trial: &Trial, who: &Arc<Principal>, query: &Query) -> Option<Vec<i64>> {
    let (mut ids, mut query) = (Vec::new(), query.clone());
    for _ in 0..2_000 {
        let page = match trial.kernel().read(who, |cx| cx.page(&query, true)) {
            Ok(page) => page,
            Err(error) => {
                assert_eq!((error.status, &*error.code), (422, "query_too_wide"), "{query:?}");
                return None;
            }
        };
        assert!(page.rows.len() <= query.limit);
        assert!(!page.incomplete || page.next.is_some(), "{query:?}");
        assert!(page.next.is_none() || page.incomplete || page.rows.len() == query.limit, "{query:?}");
        ids.extend(page.rows.iter().map(|row| row.id));
        query.after = page.next;
        if query.after.is_none() {
            return Some(ids);
        }
    }
    panic!("there is no end of pages: {query:?}");
}

fn compared(trial: &Trial, world: &World, who: &Arc<Principal>, dice: &mut Dice, rule: Option<&J>) -> [usize; 2] {
    let given = (dice.next(6) > 0).then(|| filter(dice, world, 3));
    let archived = dice.next(3) == 0;
    let mut sort: Vec<(String, bool)> = Vec::new();
    for _ in 0..dice.next(4) {
        let (path, _) = dice.of(DEALS);
        if !sort.iter().any(|(known, _)| known == path) {
            sort.push((path.to_owned(), dice.next(2) == 0));
        }
    }
    let all = World { hidden: Vec::new(), me: world.me, today: world.today, records: world.records.clone() };
    let mut wanted: Vec<i64> = world.records["crm.deal"].keys().copied().collect();
    wanted.retain(|id| {
        (archived || world.at("crm.deal", *id, "archived") == json!(false))
            && rule.is_none_or(|rule| all.holds("crm.deal", *id, rule, &sorts) == Some(true))
            && given.as_ref().is_none_or(|given| world.holds("crm.deal", *id, given, &sorts) == Some(true))
    });
    world.sort("crm.deal", &mut wanted, &sort, &sorts);
    let mut query = Query {
        filter: given.as_ref().map(|given| Filter::parse(given).unwrap()),
        sort,
        archived,
        limit: 1 + dice.next(30),
        bounds: Some(Bounds::LIST),
        ..Query::of("crm.deal")
    };
    let told = format!("{} {given:?} {:?}", who.login, query.sort);
    assert_eq!(pages(trial, who, &query).unwrap(), wanted, "{told}");
    let counted = trial.kernel().read(who, |cx| cx.counted(&query, true)).unwrap();
    assert_eq!((counted.value, counted.exact), (wanted.len() as i64, true), "{told}");
    // So little may be looked at that every way of finding a page is taken.
    query.bounds = Some(Bounds { scan: 1 + dice.next(60), few: dice.next(30) });
    let found = pages(trial, who, &query);
    if let Some(found) = &found {
        assert_eq!(found, &wanted, "{told} {:?}", query.bounds);
    }
    let counted = trial.kernel().read(who, |cx| cx.counted(&query, true)).unwrap();
    assert!(!counted.exact || counted.value == wanted.len() as i64, "{told} {counted:?}");
    // Without bounds the same records are found.
    query.bounds = None;
    query.limit = 0;
    let (rows, _) = trial.kernel().read(who, |cx| cx.select(&query, true)).unwrap();
    let mut plain: Vec<i64> = rows.iter().map(|row| row.id).collect();
    plain.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(plain, wanted, "{told}");
    [usize::from(found.is_some()), usize::from(found.is_none())]
}

#[test]
fn lists_are_what_a_plain_look_at_every_record_says() {
    let (trial, mut world) = filled();
    let mut dice = Dice(0xd1ce);
    let mut found = [0, 0];
    let mut run = |world: &World, login: &str, rule: Option<&J>, dice: &mut Dice| {
        let who = trial.who(login);
        for _ in 0..160 {
            let one = compared(&trial, world, &who, dice, rule);
            found = [found[0] + one[0], found[1] + one[1]];
        }
    };
    for login in ["admin", "manager"] {
        world.me = trial.who(login).user;
        run(&world, login, None, &mut dice);
    }
    // Who sells sees what he takes care of, and what goes to Slovakia; and no party from Germany.
    let rule = json!({"or": [{"owner": {"eq": "@me"}}, {"party.country": {"eq": "SK"}}]});
    let role = trial.list("platform.role", json!({"code": "sales"}))[0]["id"].clone();
    for (entity, filter) in [("crm.deal", rule.clone()), ("party.party", json!({"country": {"ne": "DE"}}))] {
        let body = json!({"role": role, "entity": entity, "filter": filter, "read": true, "write": false});
        trial.create("admin", "platform.rule", body);
    }
    let parties = world.records["party.party"].values();
    world.hidden = parties.filter(|p| p["country"] == "DE").map(|p| p["id"].as_i64().unwrap()).collect();
    world.me = trial.who("sales").user;
    run(&world, "sales", Some(&rule), &mut dice);
    assert!(found[0] > 100 && found[1] > 10, "both ways have to be tried: {found:?}");
}

#[test]
fn what_may_not_be_seen_cannot_be_asked_for_in_any_way() {
    let (trial, _) = filled();
    let stock = trial.who("stock");
    let ask = |query: Query| {
        let shape = Shape::default();
        trial.kernel().list(&stock, &query, &shape).unwrap_err().code.to_string()
    };
    let parties = || Query { bounds: Some(Bounds::LIST), ..Query::of("party.party") };
    let secret = Filter::parse(&json!({"credit_limit": {"gt": 1}})).unwrap();
    let deep = Filter::parse(&json!({"merged_into.credit_limit": {"empty": false}})).unwrap();
    let nested = Filter::parse(&json!({"not": {"or": [{"name": "x"}, {"credit_limit": null}]}})).unwrap();
    for filter in [secret, deep, nested] {
        assert_eq!(ask(Query { filter: Some(filter), ..parties() }), "forbidden");
    }
    for path in ["credit_limit", "-merged_into.credit_limit"] {
        assert_eq!(ask(parties().sort_text(path)), "forbidden");
        let group = vec![path.trim_start_matches('-').to_owned()];
        assert_eq!(ask(Query { group, ..parties() }), "forbidden");
    }
    for columns in [vec!["credit_limit".to_owned()], vec!["merged_into.credit_limit".to_owned()]] {
        let shape = Shape { columns, ..Shape::default() };
        assert_eq!(&*trial.kernel().list(&stock, &parties(), &shape).unwrap_err().code, "forbidden");
    }
    let count = trial
        .kernel()
        .read(&stock, |cx| cx.counted(&Query { bounds: Some(Bounds::LIST), ..Query::of("crm.deal") }, true));
    assert_eq!(&*count.unwrap_err().code, "forbidden");
}

#[test]
fn columns_reach_behind_references_and_hide_what_may_not_be_seen() {
    let (trial, world) = filled();
    let role = trial.list("platform.role", json!({"code": "sales"}))[0]["id"].clone();
    let filter = json!({"country": {"ne": "DE"}});
    trial.create(
        "admin",
        "platform.rule",
        json!({"role": role, "entity": "party.party", "filter": filter, "read": true, "write": false}),
    );
    let columns: Vec<String> = ["name", "party.country", "party.merged_into.name", "owner.company.country"]
        .iter()
        .map(|&c| c.to_owned())
        .collect();
    let shape = Shape { columns: columns.clone(), titles: true, ..Shape::default() };
    let query = Query { limit: 1_000, bounds: Some(Bounds::LIST), ..Query::of("crm.deal") };
    let list = trial.kernel().list(&trial.who("sales"), &query, &shape).unwrap();
    let rows = list["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 110);
    let mut world = world;
    let parties = world.records["party.party"].values();
    world.hidden = parties.filter(|p| p["country"] == "DE").map(|p| p["id"].as_i64().unwrap()).collect();
    let mut shown = 0;
    for row in rows {
        assert!(row.get("amount").is_none(), "only what was asked for: {row}");
        for column in &columns {
            let wanted = world.at("crm.deal", row["id"].as_i64().unwrap(), column);
            shown += usize::from(!wanted.is_null() && column == "party.merged_into.name");
            assert_eq!(row[column.as_str()], wanted, "{column} of {row}");
        }
    }
    assert!(shown > 3, "some lead on");
}

#[test]
fn groups_count_by_paths_and_parts_of_dates() {
    let (trial, world) = filled();
    let sums = vec![
        (kernel::Measure::Sum, "probability".to_owned()),
        (kernel::Measure::Min, "party.payment_days".to_owned()),
        (kernel::Measure::Max, "expected_close".to_owned()),
    ];
    for part in ["year", "quarter", "month", "week", "day"] {
        let group = vec!["party.country".to_owned(), format!("expected_close:{part}")];
        let query = Query { group, measures: sums.clone(), limit: 0, ..Query::of("crm.deal") };
        let list = trial.kernel().list(&trial.who("manager"), &query, &Shape::default()).unwrap();
        let mut wanted: BTreeMap<(String, Option<String>), (i64, i64)> = BTreeMap::new();
        for (id, deal) in &world.records["crm.deal"] {
            let day: Option<jiff::civil::Date> = deal["expected_close"].as_str().map(|d| d.parse().unwrap());
            let label = day.map(|d| match part {
                "year" => d.strftime("%Y").to_string(),
                "quarter" => format!("{}-Q{}", d.year(), (d.month() + 2) / 3),
                "month" => d.strftime("%Y-%m").to_string(),
                "week" => d.strftime("%G-W%V").to_string(),
                _ => d.to_string(),
            });
            let country = world.at("crm.deal", *id, "party.country").as_str().unwrap().to_owned();
            let entry = wanted.entry((country, label)).or_default();
            entry.0 += 1;
            entry.1 += deal["probability"].as_i64().unwrap();
        }
        let name = format!("expected_close:{part}");
        let mut got = BTreeMap::new();
        for row in list["rows"].as_array().unwrap() {
            let label = row[name.as_str()].as_str().map(str::to_owned);
            let sum: i64 = row["sum_probability"].as_str().unwrap().parse().unwrap();
            got.insert(
                (row["party.country"].as_str().unwrap().to_owned(), label.clone()),
                (row["count"].as_i64().unwrap(), sum),
            );
            // What a group is called finds its records.
            if let Some(label) = label {
                let filter = json!({"expected_close": label, "party.country": row["party.country"]});
                assert_eq!(trial.list("crm.deal", filter).len() as i64, row["count"].as_i64().unwrap(), "{row}");
            }
        }
        assert_eq!(got, wanted, "{part}");
    }
    // The largest groups first.
    let query = Query { group: vec!["name".to_owned()], limit: 0, ..Query::of("crm.deal") };
    let list =
        trial.kernel().list(&trial.who("manager"), &query.clone().sort_text("-count"), &Shape::default()).unwrap();
    let counts: Vec<i64> = list["rows"].as_array().unwrap().iter().map(|r| r["count"].as_i64().unwrap()).collect();
    assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
    // Otherwise in the order of the language: č after c, ch after h.
    let list = trial.kernel().list(&trial.who("manager"), &query, &Shape::default()).unwrap();
    let names: Vec<&str> = list["rows"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    let at = |name: &str| names.iter().position(|n| *n == name).unwrap();
    assert!(at("Cukr") < at("Čapek") && at("Hrad") < at("Chmel") && at("Chmel") < at("Ing"), "{names:?}");
    assert_eq!(
        &*trial
            .kernel()
            .list(
                &trial.who("manager"),
                &Query { group: vec!["name".into()], ..Query::of("crm.deal") }.sort_text("nothing"),
                &Shape::default()
            )
            .unwrap_err()
            .code,
        "no_field"
    );
}

#[test]
fn moments_belong_to_the_day_that_it_is_where_the_company_is() {
    let trial = Trial::new(MODULES);
    for (at, times) in [("2026-10-24T22:30:00Z", 1), ("2026-10-25T22:30:00Z", 2), ("2026-10-25T23:30:00Z", 3)] {
        trial.kernel().shared().set_clock(Some(at.parse::<Timestamp>().unwrap()));
        for _ in 0..times {
            trial.kernel().work(&trial.system(), "trial.moment", |_| Ok(())).unwrap();
        }
    }
    trial.kernel().shared().set_clock(None);
    let filter = Some(Filter::parse(&json!({"name": "trial.moment"})).unwrap());
    let query = Query { filter, group: vec!["at:day".into()], limit: 0, ..Query::of("sys.operation") };
    let list = trial.kernel().list(&trial.who("admin"), &query, &Shape::default()).unwrap();
    // The clocks were put back that night: the day before had two hours of difference, this one has one.
    assert_eq!(list["rows"], json!([{"at:day": "2026-10-25", "count": 3}, {"at:day": "2026-10-26", "count": 3}]));
    for (day, count) in [("2026-10-25", 3), ("2026-10-26", 3), ("2026-W43", 3), ("2026-W44", 3), ("2026-10", 6)] {
        assert_eq!(trial.list("sys.operation", json!({"name": "trial.moment", "at": day})).len(), count, "{day}");
    }
}

#[test]
fn words_are_found_among_the_newest_and_say_when_there_are_more() {
    let (trial, world) = filled();
    let who = trial.who("admin");
    let ask = |few: usize| {
        let bounds = Some(Bounds { scan: 1_000, few });
        let query = Query { q: Some("c".into()), limit: 500, bounds, ..Query::of("crm.deal") }.sort_text("party.name");
        trial.kernel().read(&who, |cx| Ok((cx.page(&query, true)?, cx.counted(&query, true)?))).unwrap()
    };
    let starts = |deal: &J| kernel::fold(deal["name"].as_str().unwrap()).starts_with('c');
    let mut all: Vec<i64> =
        world.records["crm.deal"].values().filter(|d| starts(d)).map(|d| d["id"].as_i64().unwrap()).collect();
    all.sort_unstable();
    let (page, count) = ask(500);
    let sorted = |page: &kernel::Page| {
        let mut ids: Vec<i64> = page.rows.iter().map(|r| r.id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!((sorted(&page), page.incomplete, count.exact), (all.clone(), false, true));
    let (page, count) = ask(5);
    assert_eq!((sorted(&page), page.incomplete, count.exact), (all[all.len() - 5..].to_vec(), true, false));
}

#[test]
fn advice_names_what_would_help_in_the_language_of_who_asks() {
    let (trial, _) = filled();
    let bounds = Some(Bounds { scan: 10, few: 10 });
    let query = Query { bounds, ..Query::of("crm.deal") }.sort_text("party.name");
    for (language, sort, narrow) in
        [(kernel::Language::En, "Name", "Party"), (kernel::Language::Cs, "Název", "Zákazník")]
    {
        let who = Arc::new(Principal { language, ..(*trial.who("sales")).clone() });
        let error = trial.kernel().list(&who, &query, &Shape::default()).unwrap_err();
        assert_eq!((error.status, &*error.code), (422, "query_too_wide"));
        let told = format!("{error}");
        assert!(told.contains(sort) && told.contains(narrow), "{told}");
    }
}
