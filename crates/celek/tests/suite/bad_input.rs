//! Whatever is sent to any operation and any entity, as the registries list them: a mistake is answered with a problem of the
//! sender's in both languages, never with one of ours, and leaves no trace. What is added to the registries is covered by itself.

use std::collections::BTreeMap;

use kernel::{FieldDef, Kind};
use serde_json::{Value as J, json};
use trial::http::{Client, Reply};

use crate::house::House;

/// Nothing has this number.
const NOBODY: i64 = 999_999_999_999;

/// Values that are wrong for a field, whatever else is sent.
fn wrong(field: &FieldDef) -> Vec<J> {
    let mut values = match field.kind {
        Kind::Text | Kind::LongText => {
            let mut values = vec![json!(7), json!(true), json!("a\u{0}b"), json!("a\u{7}b")];
            if field.max_chars() < 100_000 {
                values.push(J::from("ž".repeat(field.max_chars() + 1)));
            }
            values
        }
        Kind::Choice(_) => vec![json!("nonsense"), json!(7), json!("Draft\u{0}")],
        Kind::Bool => vec![json!("maybe"), json!(7), json!(-1)],
        Kind::Int | Kind::Duration => {
            vec![json!("x"), json!(1.5), json!(1e300), json!("99999999999999999999"), json!(u64::MAX), json!(true)]
        }
        Kind::Dec(_) => {
            let values =
                ["x", "1,5,5", "NaN", "Infinity", "1e5", "0x10", "99999999999999999999999", "0.12345678901", "--1"];
            values.iter().map(|v| json!(v)).chain([json!(true), json!(1e300)]).collect()
        }
        Kind::Money => vec![
            json!("abc"),
            json!(true),
            json!({"amount": "x", "currency": "CZK"}),
            json!({"amount": "1", "currency": "boo"}),
            json!({"amount": "1", "currency": 7}),
            json!({"amount": "9999999999999999999999", "currency": "CZK"}),
            json!({"amount": "1.2345", "currency": "CZK"}),
            json!({"currency": "CZK"}),
        ],
        Kind::Date => vec![json!("2026-13-01"), json!("2026-02-30"), json!("x"), json!("-0001-01-01"), json!(7)],
        Kind::Time => vec![json!("25:00"), json!("x"), json!(7)],
        Kind::Timestamp => vec![json!("x"), json!("2026-11-24"), json!("99999-01-01T00:00:00Z"), json!(7)],
        Kind::Ref(_) | Kind::File => {
            vec![
                json!("x"),
                json!(0),
                json!(-1),
                json!(1.5),
                json!(1_u64 << 53),
                json!(u64::MAX),
                json!(NOBODY),
                json!(true),
            ]
        }
        Kind::AnyRef => vec![
            json!("x"),
            json!({"entity": "nothing", "id": 1}),
            json!({"entity": "party.party"}),
            json!({"entity": "party.party", "id": NOBODY}),
            json!({"entity": "party.party", "id": "x"}),
            json!({"entity": 7, "id": 1}),
            json!({"id": 1}),
        ],
        Kind::Email => vec![json!("@"), json!("a b@example.com"), json!("a@b\u{0}.cz"), json!(7)],
        Kind::Phone => vec![json!("boo"), json!("123"), json!(7)],
        Kind::Country => vec![json!("XX"), json!("Czechia"), json!(7)],
        Kind::Language => vec![json!("xx"), json!(7)],
        Kind::Json => return Vec::new(),
        Kind::List(_) => {
            return vec![json!(7), json!("x"), json!({}), json!([7]), json!([[]]), json!([{"no_such_field": 1}])];
        }
    };
    values.push(json!([]));
    values.push(json!([{}]));
    if !matches!(field.kind, Kind::Money | Kind::AnyRef) {
        values.push(json!({"a": {"b": []}}));
    }
    if field.required {
        values.push(J::Null);
        values.push(json!("  "));
    }
    values
}

/// Bodies that are no input of anything.
fn no_bodies() -> Vec<Vec<u8>> {
    let deep = format!("{}1{}", "{\"a\":".repeat(3_000), "}".repeat(3_000));
    let texts =
        ["", "{", "[]", "7", "\"x\"", "true", "{\"a\": NaN}", "{\"a\": 1e999}", "{} {}", "{\"no_such_field\": 1}"];
    let mut bodies: Vec<Vec<u8>> = texts.iter().map(|t| t.as_bytes().to_vec()).collect();
    bodies.extend([deep.into_bytes(), b"{\"a\": \"\xff\"}".to_vec(), vec![0, 0, 0], b"\xef\xbb\xbf{}".to_vec()]);
    bodies
}

/// Sends requests, and looks at each refusal.
struct Sender {
    client: Client,
    sent: usize,
    /// Codes that were seen, each with its message in both languages.
    codes: BTreeMap<String, (String, String)>,
}

impl Sender {
    fn new(client: Client) -> Self {
        Self { client, sent: 0, codes: BTreeMap::new() }
    }

    fn raw(&mut self, method: &str, path: &str, body: &[u8]) -> Reply {
        self.sent += 1;
        self.client.send(method, path, &[("content-type", "application/json")], body)
    }

    /// What must be refused: a problem document, with words for people in both languages.
    fn refused(&mut self, method: &str, path: &str, body: &[u8]) {
        let reply = self.raw(method, path, body);
        let shown = || {
            let body = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
            format!("{method} {path} {body}\n -> {} {}", reply.status, reply.text())
        };
        assert!((400..500).contains(&reply.status), "{}", shown());
        assert_eq!(reply.header("content-type"), "application/problem+json", "{}", shown());
        let told = reply.json();
        let code = told["code"].as_str().unwrap_or("").to_owned();
        assert!(!code.is_empty() && told["status"] == reply.status, "{}", shown());
        let inner = |told: &J| {
            told["errors"].as_array().into_iter().flatten().map(|e| e["message"].clone()).collect::<Vec<_>>()
        };
        for text in [&told["title"], &told["detail"]].into_iter().chain(&inner(&told)) {
            assert!(text.as_str().is_some_and(|t| t.len() > 3), "{}", shown());
        }
        let all = told["errors"].as_array().into_iter().flatten().map(|e| e["code"].as_str().unwrap_or("").to_owned());
        let key = std::iter::once(code).chain(all).collect::<Vec<_>>().join(" ");
        if !self.codes.contains_key(&key) {
            let mut said = ["en", "cs"].map(|language| {
                let reply = self.client.with("accept-language", language).send(
                    method,
                    path,
                    &[("content-type", "application/json")],
                    body,
                );
                let told = reply.json();
                let mut words = vec![told["detail"].clone(), told["title"].clone()];
                words.extend(inner(&told));
                words.iter().map(|w| w.as_str().unwrap_or("").to_owned()).collect::<Vec<_>>()
            });
            for (english, czech) in said[0].iter().zip(&said[1]) {
                assert_ne!(english, czech, "the same words in both languages: {}", shown());
                assert!(!english.contains("{value}") && !czech.contains("{value}"), "{}", shown());
            }
            let [english, czech] = &mut said;
            self.codes.insert(key, (english.swap_remove(0), czech.swap_remove(0)));
        }
    }

    fn refused_json(&mut self, method: &str, path: &str, body: &J) {
        self.refused(method, path, body.to_string().as_bytes());
    }

    /// What may be answered or refused, but never fails.
    fn harmless(&mut self, method: &str, path: &str, body: &[u8]) {
        let reply = self.raw(method, path, body);
        let body = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        assert!(reply.status < 500, "{method} {path} {body}\n -> {} {}", reply.status, reply.text());
    }
}

/// An input as the description's example has it, with records that there are.
fn base(fields: &[FieldDef], example: &J, newest: &BTreeMap<&str, i64>) -> J {
    let mut input = example.clone();
    for field in fields {
        match field.kind {
            Kind::Ref(to) => input[field.name] = json!(newest.get(to).copied().unwrap_or(NOBODY)),
            Kind::AnyRef => input[field.name] = json!({"entity": "party.party", "id": newest["party.party"]}),
            _ => {}
        }
    }
    input
}

fn with(base: &J, name: &str, value: &J) -> J {
    let mut body = base.clone();
    body[name] = value.clone();
    body
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[test]
fn no_operation_takes_wrong_input_or_leaves_a_trace_of_it() {
    let house = House::new();
    let newest = house.newest();
    let mut sender = Sender::new(house.as_user("admin"));
    let description = house.kernel().openapi(true);
    let before = house.everything();
    for (name, entry) in &house.kernel().schema().operations {
        let def = (entry.def)();
        // Anybody may call it, but not often: what it refuses has tests of its own.
        let path = format!("/api/v1/operations/{name}");
        let example =
            &description["paths"][&path]["post"]["requestBody"]["content"]["application/json"]["schema"]["example"];
        assert!(example.is_object(), "{name} has an example");
        let input = base((def.input)(), example, &newest);
        for body in no_bodies() {
            sender.refused("POST", &path, &body);
        }
        sender.refused_json("POST", &path, &with(&input, "no_such_field", &json!(1)));
        for field in (def.input)() {
            for value in wrong(field) {
                sender.refused_json("POST", &path, &with(&input, field.name, &value));
                if def.read && !value.is_null() {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    sender.harmless("GET", &format!("{path}?{}={}", field.name, escaped(&text)), b"");
                }
            }
            if field.required && !matches!(field.kind, Kind::List(_)) {
                let mut body = input.clone();
                body.as_object_mut().unwrap().remove(field.name);
                sender.refused_json("POST", &path, &body);
            }
        }
        sender.refused_json("POST", &format!("{path}?dry_run=maybe"), &input);
    }
    let after = house.everything();
    let changed: Vec<_> = after.iter().filter(|(name, rows)| before.get(*name) != Some(rows)).collect();
    assert!(changed.is_empty(), "changed: {changed:?}");
    assert!(sender.sent > 1_500 && sender.codes.len() > 15, "{} requests, {:?}", sender.sent, sender.codes);
}

#[test]
fn no_entity_takes_wrong_fields_or_leaves_a_trace_of_them() {
    let house = House::new();
    let newest = house.newest();
    let mut sender = Sender::new(house.as_user("admin"));
    let description = house.kernel().openapi(true);
    let before = house.everything();
    let mut typed = 0;
    for (name, plan) in &house.kernel().schema().plans {
        let path = format!("/api/v1/entities/{name}");
        let one = format!("{path}/{}", newest.get(name).copied().unwrap_or(NOBODY));
        let example = &description["components"]["schemas"][format!("{name}.new")]["example"];
        if !example.is_object() {
            for (method, path) in [("POST", &path), ("PATCH", &one), ("DELETE", &one)] {
                sender.refused_json(method, path, &json!({}));
            }
            continue;
        }
        typed += 1;
        let input = base(&plan.fields, example, &newest);
        for body in no_bodies() {
            sender.refused("POST", &path, &body);
            sender.refused("PATCH", &one, &body);
            sender.harmless("POST", &format!("{path}/draft"), &body);
        }
        for field in &plan.fields {
            // A required field that is left empty has its default, or is what operations keep.
            for value in wrong(field).into_iter().filter(|v| !v.is_null() && *v != json!("  ")) {
                sender.refused_json("POST", &path, &with(&input, field.name, &value));
                sender.refused_json("PATCH", &one, &json!({field.name: value}));
                sender.harmless("POST", &format!("{path}/draft"), json!({field.name: value}).to_string().as_bytes());
            }
            if field.by_operation || field.read_only {
                sender.refused_json("POST", &path, &with(&input, field.name, &json!(1)));
                sender.refused_json("PATCH", &one, &json!({field.name: null}));
            } else if field.required && field.default.is_none() && !matches!(field.kind, Kind::Bool | Kind::Choice(_)) {
                sender.refused_json("POST", &path, &with(&input, field.name, &J::Null));
            }
        }
        for lines in plan.def.lines {
            for value in
                [json!(7), json!("x"), json!({}), json!([7]), json!([{"id": NOBODY}]), json!([{"no_such_field": 1}])]
            {
                sender.refused_json("POST", &path, &with(&input, lines.name, &value));
                sender.refused_json("PATCH", &one, &json!({lines.name: value}));
            }
        }
        for many in plan.def.many {
            for value in [json!(7), json!("x"), json!({}), json!(["x"]), json!([NOBODY]), json!([{}])] {
                sender.refused_json("POST", &path, &with(&input, many.name, &value));
                sender.refused_json("PATCH", &one, &json!({many.name: value}));
            }
        }
        sender.refused_json("PATCH", &one, &json!({"rev": 1_000_000}));
        sender.refused_json("PATCH", &one, &json!({"rev": "x"}));
        sender.refused_json("PATCH", &format!("{path}/{NOBODY}"), &json!({}));
        sender.refused_json("DELETE", &format!("{path}/{NOBODY}"), &json!({}));
    }
    let after = house.everything();
    let changed: Vec<_> = after.iter().filter(|(name, rows)| before.get(*name) != Some(rows)).collect();
    assert!(changed.is_empty(), "changed: {changed:?}");
    assert!(typed > 15 && sender.sent > 3_000, "{typed} entities, {} requests", sender.sent);
}

#[test]
fn no_question_fails_whatever_field_it_names() {
    let house = House::new();
    let mut sender = Sender::new(house.as_user("admin"));
    let values = [
        "null",
        "true",
        "-1",
        "1e300",
        "\"x\"",
        "\"\\u0000\"",
        "\"@today\"",
        "\"@nothing\"",
        "[]",
        "{}",
        "[[]]",
        "\"@me\"",
    ];
    for (name, plan) in &house.kernel().schema().plans {
        let path = format!("/api/v1/entities/{name}");
        let fields = plan.fields.iter().map(|f| f.name).chain(["id", "archived", "company", "rev"]);
        for field in fields {
            for (i, value) in values.iter().enumerate() {
                let op = ["eq", "ne", "lt", "le", "gt", "ge", "in", "between", "contains", "starts", "empty"][i % 11];
                let filter = format!("{{\"{field}\":{{\"{op}\":{value}}}}}");
                sender.harmless("GET", &format!("{path}?limit=1&filter={}", escaped(&filter)), b"");
            }
            for question in ["sort=", "group=", "sum=", "min=", "avg=", "expand="] {
                sender.harmless("GET", &format!("{path}?limit=1&{question}{field}"), b"");
            }
            for part in [":month", ".x", ".id", ":nothing"] {
                sender.harmless("GET", &format!("{path}?limit=1&group={field}{part}"), b"");
            }
        }
    }
    assert!(sender.sent > 5_000, "{}", sender.sent);
}

#[test]
fn another_companys_records_are_reached_by_no_operation_and_no_entity() {
    let house = House::new();
    let client = house.neighbour();
    let schema = house.kernel().schema();
    let newest = house.newest();
    let mut sender = Sender::new(client);
    let description = house.kernel().openapi(true);
    let ours = |to: &str| schema.plans.get(to).is_some_and(|p| !p.def.shared) && newest.contains_key(to);
    let before = house.everything();
    let (mut operations, mut records) = (0, 0);
    for (name, entry) in &schema.operations {
        let def = (entry.def)();
        let foreign = |f: &&FieldDef| match f.kind {
            Kind::Ref(to) => ours(to),
            kind => matches!(kind, Kind::AnyRef),
        };
        if !(def.input)().iter().any(|f| f.required && foreign(&f)) {
            continue;
        }
        let path = format!("/api/v1/operations/{name}");
        let example =
            &description["paths"][&path]["post"]["requestBody"]["content"]["application/json"]["schema"]["example"];
        let mut input = base((def.input)(), example, &newest);
        // Only what must be given: the rest could be what is refused.
        for field in (def.input)().iter().filter(|f| !f.required && !foreign(f)) {
            input.as_object_mut().unwrap().remove(field.name);
        }
        sender.refused_json("POST", &path, &input);
        sender.refused_json("POST", &format!("{path}?dry_run=1"), &input);
        operations += 1;
    }
    for (name, plan) in schema.plans.iter().filter(|(name, p)| !p.def.shared && newest.contains_key(*name)) {
        let one = format!("/api/v1/entities/{name}/{}", newest[name]);
        for part in ["", "?operations=1", "/history", "/links", "/attachments"] {
            let reply = sender.client.get(&format!("{one}{part}"));
            assert_eq!(reply.status, 404, "{one}{part}: {}", reply.text());
        }
        sender.refused_json("PATCH", &one, &json!({}));
        sender.refused_json("DELETE", &one, &json!({}));
        sender.refused_json("POST", &format!("/api/v1/entities/{name}/draft"), &json!({"id": newest[name]}));
        let known: Vec<i64> = house.rows("admin", name).iter().filter_map(|r| r["id"].as_i64()).collect();
        let told = house.rows("neighbour", name);
        assert!(told.iter().all(|r| r["id"].as_i64().is_none_or(|id| !known.contains(&id))), "{name}");
        assert!(plan.def.name == *name);
        records += 1;
    }
    let after = house.everything();
    let changed: Vec<_> = after.iter().filter(|(name, rows)| before.get(*name) != Some(rows)).collect();
    assert!(changed.is_empty(), "changed: {changed:?}");
    assert!(operations > 30 && records > 30, "{operations} operations, {records} records");
}
