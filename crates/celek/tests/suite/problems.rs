//! What people are told when something does not go: one request for each error code that can be provoked by one, with its
//! message in both languages, compared with `problems.txt`. Set CELEK_WRITE=1 to write the file anew, and read what changed.

use std::{collections::BTreeSet, fmt::Write, path::Path};

use serde_json::{Value as J, json};

use crate::house::House;

const PARTIES: &str = "/api/v1/entities/party.party";
const NOBODY: i64 = 999_999_999_999;

/// A request: as whom, how, where, and what. Nobody where the user is empty.
type Probe = (&'static str, &'static str, String, J);

fn probes(house: &House) -> Vec<Probe> {
    let op = |name: &str| format!("/api/v1/operations/{name}");
    let of = |entity: &str| format!("/api/v1/entities/{entity}");
    let party = |body: J| ("sales", "POST", PARTIES.to_owned(), body);
    let newest = house.newest();
    let invoice = house.rows("admin", "finance.invoice").iter().find(|i| i["state"] == "paid").unwrap()["id"].clone();
    let stream = newest["crm.stream"];
    let sales = house.as_user("sales");
    let empty = sales.post("/api/v1/entities/sales.order", &json!({"customer": newest["party.party"]}));
    assert_eq!(empty.status, 201, "{}", empty.text());
    let order = empty.json()["id"].clone();
    let any = |entity: &str, id: J| json!({"record": {"entity": entity, "id": id}, "text": "x"});
    vec![
        ("", "GET", PARTIES.to_owned(), J::Null),
        ("", "POST", "/api/v1/session".to_owned(), json!({"user": "sales", "password": "wrong"})),
        ("sales", "GET", "/api/v1/nothing".to_owned(), J::Null),
        ("sales", "PUT", PARTIES.to_owned(), json!({})),
        ("sales", "GET", of("nothing"), J::Null),
        ("sales", "GET", format!("{PARTIES}?limit=0"), J::Null),
        ("sales", "GET", format!("{PARTIES}?filter=%5B%5D"), J::Null),
        ("sales", "GET", format!("{PARTIES}?sort=nothing"), J::Null),
        ("sales", "GET", format!("{PARTIES}?sum=name"), J::Null),
        ("sales", "GET", format!("{PARTIES}?after=zz"), J::Null),
        ("sales", "GET", op("platform.note.add"), J::Null),
        ("sales", "POST", PARTIES.to_owned(), json!([])),
        ("sales", "POST", of("platform.unit"), json!({"name": "x"})),
        ("admin", "POST", of("sales.order_line"), json!({})),
        ("admin", "POST", of("finance.entry"), json!({})),
        ("sales", "PATCH", format!("{PARTIES}/{}", newest["party.party"]), json!({"rev": 1_000_000})),
        party(json!({})),
        party(json!({"name": "x", "nothing": 1})),
        party(json!({"name": 7})),
        party(json!({"name": "x".repeat(300)})),
        party(json!({"name": "a\u{0}b"})),
        party(json!({"name": "x", "kind": "nonsense"})),
        party(json!({"name": "x", "payment_days": "soon"})),
        party(json!({"name": "x", "payment_days": 400})),
        party(json!({"name": "x", "credit_limit": true})),
        party(json!({"name": "x", "credit_limit": {"amount": "x", "currency": "CZK"}})),
        party(json!({"name": "x", "credit_limit": {"amount": "1.2345", "currency": "CZK"}})),
        party(json!({"name": "x", "credit_limit": {"amount": "99999999999999999999", "currency": "CZK"}})),
        party(json!({"name": "x", "credit_limit": {"amount": "1", "currency": "boo"}})),
        party(json!({"name": "x", "email": "@"})),
        party(json!({"name": "x", "phone": "boo"})),
        party(json!({"name": "x", "country": "XX"})),
        party(json!({"name": "x", "language": "xx"})),
        party(json!({"name": "x", "addresses": 7})),
        party(json!({"name": "x", "addresses": [7]})),
        party(json!({"name": "x", "tags": ["x"]})),
        party(json!({"name": "x", "tags": [NOBODY]})),
        party(json!({"name": "x", "merged_into": 5})),
        ("sales", "POST", op("platform.note.add"), json!({"record": "x", "text": "x"})),
        ("sales", "POST", op("platform.note.add"), any("nothing", json!(1))),
        ("sales", "POST", op("platform.note.add"), any("party.party", json!(NOBODY))),
        ("sales", "POST", op("sales.order.confirm"), json!({"order": NOBODY})),
        ("sales", "POST", op("sales.order.confirm"), json!({"order": order})),
        ("sales", "POST", of("sales.order"), json!({"customer": newest["party.party"], "date": "2026-13-01"})),
        ("accounts", "PATCH", format!("/api/v1/entities/finance.invoice/{invoice}"), json!({"note": "x"})),
        ("accounts", "POST", op("finance.invoice.post"), json!({"invoice": invoice})),
        ("admin", "POST", of("product.product"), json!({"code": "DOPRAVA", "name": "x"})),
        ("admin", "POST", of("platform.company"), json!({"name": "x", "country": "CZ"})),
        (
            "admin",
            "PATCH",
            format!("/api/v1/entities/platform.company/{}", newest["platform.company"]),
            json!({"time_zone": "Moon"}),
        ),
        (
            "admin",
            "PATCH",
            format!("/api/v1/entities/platform.company/{}", newest["platform.company"]),
            json!({"vat_payer": "maybe"}),
        ),
        (
            "admin",
            "POST",
            of("platform.grant"),
            json!({"role": newest["platform.role"], "name": "x", "letters": "xyz"}),
        ),
        (
            "admin",
            "POST",
            of("platform.user"),
            json!({"login": "a b", "name": "x", "company": newest["platform.company"]}),
        ),
        ("manager", "PATCH", format!("/api/v1/entities/crm.stream/{stream}"), json!({"origins": "x"})),
        ("", "POST", op("crm.lead.arrive"), json!({"name": "Karel"})),
        ("sales", "GET", format!("{PARTIES}/{}/history?after=x", newest["party.party"]), J::Null),
    ]
}

/// The code that the sender's program goes by: of the wrong field where one is wrong.
fn code(told: &J) -> String {
    let outer = told["code"].as_str().unwrap_or("");
    let inner = told["errors"][0]["code"].as_str().filter(|_| outer == "invalid");
    inner.unwrap_or(outer).to_owned()
}

/// The address without the records' numbers, which say nothing here.
fn without_numbers(path: &str) -> String {
    let (address, query) = path.split_once('?').map_or((path, ""), |(address, query)| (address, query));
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = address.split('/').map(|part| if number(&part) { "ID" } else { part }).collect();
    let address = parts.join("/");
    if query.is_empty() { address } else { format!("{address}?{query}") }
}

#[test]
fn what_people_are_told_is_written_down() {
    let house = House::new();
    let probes = probes(&house);
    let mut told = String::new();
    let mut codes = BTreeSet::new();
    for (user, method, path, body) in probes {
        let client = if user.is_empty() { house.client() } else { house.as_user(user) };
        let say = |language: &str| {
            let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
            let kind = [("content-type", "application/json"), ("accept-language", language)];
            let reply = client.send(method, &path, &kind, &body);
            assert!((400..500).contains(&reply.status), "{method} {path} {}: {}", reply.status, reply.text());
            reply.json()
        };
        let (english, czech) = (say("en"), say("cs"));
        let code = code(&english);
        if !codes.insert(code.clone()) {
            continue;
        }
        let shown = without_numbers(&path);
        let _ = writeln!(told, "{code} ({})\n  {method} {shown}", english["status"]);
        for (language, said) in [("en", &english), ("cs", &czech)] {
            let _ = writeln!(told, "  {language}: {}", said["detail"].as_str().unwrap_or(""));
        }
    }
    assert!(codes.len() >= 40, "{} codes: {codes:?}", codes.len());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/problems.txt");
    if std::env::var_os("CELEK_WRITE").is_some() {
        std::fs::write(&file, &told).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    for (is, was) in told.lines().zip(written.lines()) {
        assert_eq!(is, was, "{} says something else", file.display());
    }
    assert_eq!(told.lines().count(), written.lines().count(), "{} lacks or has too much", file.display());
}
