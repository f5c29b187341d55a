//! The description of the interface (OpenAPI 3.1) is what it says to be: its structure is sound, every reference resolves,
//! names are stable and unique, every example and every real answer fits its schema.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as J, json};

use crate::house::House;

const METHODS: &[&str] = &["get", "post", "patch", "delete"];

/// Follows a reference.
fn resolved<'a>(all: &'a J, schema: &'a J) -> &'a J {
    match schema["$ref"].as_str() {
        Some(to) => {
            let found = to.strip_prefix('#').and_then(|pointer| all.pointer(pointer));
            resolved(all, found.unwrap_or_else(|| panic!("{to} leads nowhere")))
        }
        None => schema,
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let upper = |n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_uppercase());
    match pattern {
        "^[A-Z]{2}$" => upper(2),
        "^[A-Z]{3}$" => upper(3),
        "^-?[0-9]+([.][0-9]+)?$" => {
            let (whole, rest) = text.strip_prefix('-').unwrap_or(text).split_once('.').unwrap_or((text, "0"));
            let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
            digits(whole.trim_start_matches('-')) && digits(rest)
        }
        other => panic!("a pattern that this test does not know: {other}"),
    }
}

fn formatted(format: &str, text: &str) -> bool {
    match format {
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "time" => text.parse::<jiff::civil::Time>().is_ok(),
        "email" => text.contains('@'),
        "decimal" | "password" | "binary" => true,
        other => panic!("a format that this test does not know: {other}"),
    }
}

fn is_type(kind: &str, value: &J) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        other => panic!("no type of JSON Schema: {other}"),
    }
}

/// What of a value does not fit its schema: the keywords that our schemas use, and none that they do not.
fn misfits(all: &J, schema: &J, value: &J, at: &str, out: &mut Vec<String>) {
    let schema = resolved(all, schema);
    for (keyword, rule) in schema.as_object().unwrap_or_else(|| panic!("{at}: no schema: {schema}")) {
        let fits = match (keyword.as_str(), value) {
            ("type", _) => match rule {
                J::String(kind) => is_type(kind, value),
                J::Array(kinds) => kinds.iter().any(|k| is_type(k.as_str().unwrap(), value)),
                _ => false,
            },
            ("enum", _) => rule.as_array().unwrap().contains(value),
            ("pattern", J::String(text)) => matches(rule.as_str().unwrap(), text),
            ("format", J::String(text)) => formatted(rule.as_str().unwrap(), text),
            ("maxLength", J::String(text)) => text.chars().count() as u64 <= rule.as_u64().unwrap(),
            ("minimum", J::Number(n)) => n.as_i64().unwrap_or(i64::MAX) >= rule.as_i64().unwrap(),
            ("required", J::Object(map)) => {
                rule.as_array().unwrap().iter().all(|n| map.contains_key(n.as_str().unwrap()))
            }
            ("properties", J::Object(map)) => {
                for (name, inner) in rule.as_object().unwrap() {
                    if let Some(value) = map.get(name) {
                        misfits(all, inner, value, &format!("{at}.{name}"), out);
                    }
                }
                true
            }
            ("additionalProperties", J::Object(map)) => {
                let known = schema["properties"].as_object();
                let more = map.iter().filter(|(name, _)| known.is_none_or(|k| !k.contains_key(*name)));
                for (name, value) in more {
                    if *rule == json!(false) {
                        out.push(format!("{at}.{name} is not known"));
                    } else {
                        misfits(all, rule, value, &format!("{at}.{name}"), out);
                    }
                }
                true
            }
            ("items", J::Array(items)) => {
                for (i, item) in items.iter().enumerate() {
                    misfits(all, rule, item, &format!("{at}.{i}"), out);
                }
                true
            }
            ("maxItems", J::Array(items)) => items.len() as u64 <= rule.as_u64().unwrap(),
            ("minProperties", J::Object(map)) => map.len() as u64 >= rule.as_u64().unwrap(),
            ("maxProperties", J::Object(map)) => map.len() as u64 <= rule.as_u64().unwrap(),
            ("description" | "example" | "readOnly" | "x-entity", _) => true,
            (
                "pattern"
                | "format"
                | "maxLength"
                | "minimum"
                | "required"
                | "properties"
                | "additionalProperties"
                | "items",
                _,
            ) => true,
            (other, _) => panic!("{at}: a keyword that this test does not know: {other}"),
        };
        if !fits {
            out.push(format!("{at}: {value} does not fit {keyword} {rule}"));
        }
    }
}

#[track_caller]
fn fits(all: &J, schema: &J, value: &J, what: &str) {
    let mut out = Vec::new();
    misfits(all, schema, value, what, &mut out);
    assert!(out.is_empty(), "{}", out.join("\n"));
}

fn walk<'a>(json: &'a J, each: &mut dyn FnMut(&'a J)) {
    each(json);
    match json {
        J::Object(map) => map.values().for_each(|v| walk(v, each)),
        J::Array(list) => list.iter().for_each(|v| walk(v, each)),
        _ => {}
    }
}

/// The name that an address and a method have: made from them alone, so that generated clients do not change.
fn operation_id(path: &str, method: &str) -> Option<String> {
    let rest = path.strip_prefix("/api/v1/")?;
    let parts: Vec<&str> = rest.split('/').collect();
    Some(match (parts.as_slice(), method) {
        (["operations", name], "post") => (*name).to_owned(),
        (["operations", name], "get") => format!("get.{name}"),
        (["entities", name], "get") => format!("list.{name}"),
        (["entities", name], "post") => format!("create.{name}"),
        (["entities" | "operations", name, "bulk"], "post") => format!("bulk.{name}"),
        (["entities", name, "draft"], "post") => format!("draft.{name}"),
        (["entities", name, "{id}"], "get") => format!("get.{name}"),
        (["entities", name, "{id}"], "patch") => format!("change.{name}"),
        (["entities", name, "{id}"], "delete") => format!("delete.{name}"),
        (["entities", name, "{id}", "panels", "{panel}"], "get") => format!("panel.{name}"),
        (["entities", name, "{id}", part], "get") => format!("{part}.{name}"),
        (["session"], "get") => "session.get".to_owned(),
        (["session"], "post") => "session.open".to_owned(),
        (["session"], "delete") => "session.close".to_owned(),
        (["setup"], "post") => "setup".to_owned(),
        (["files"], "post") => "files.upload".to_owned(),
        (["files", "{id}"], "get") => "files.get".to_owned(),
        (["openapi.json"], "get") => "openapi".to_owned(),
        ([one], "get") => (*one).to_owned(),
        _ => return None,
    })
}

#[test]
fn the_description_is_a_sound_openapi_document() {
    let house = House::new();
    let all = house.as_user("admin").get("/api/v1/openapi.json").json();
    assert_eq!(all, house.as_user("admin").get("/api/v1/openapi.json").json(), "the same each time");
    assert_eq!(all["openapi"], "3.1.0");
    assert!(all["info"]["title"].is_string() && all["info"]["version"].is_string());
    walk(&all, &mut |json| {
        if json["$ref"].is_string() {
            resolved(&all, json);
        }
    });
    for name in all["components"]["schemas"].as_object().unwrap().keys() {
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{name}");
    }
    let schemes = all["components"]["securitySchemes"].as_object().unwrap();
    let mut ids = BTreeSet::new();
    for (path, item) in all["paths"].as_object().unwrap() {
        assert!(path.starts_with('/') && !path.ends_with('/'), "{path}");
        for (method, about) in item.as_object().unwrap().iter().filter(|(m, _)| *m != "parameters") {
            let what = format!("{method} {path}");
            assert!(METHODS.contains(&method.as_str()), "{what}");
            assert_eq!(about["operationId"].as_str(), operation_id(path, method).as_deref(), "{what}");
            assert!(ids.insert(about["operationId"].as_str().unwrap()), "{what}: the name is taken");
            assert!(about["summary"].as_str().is_some_and(|s| !s.is_empty()), "{what}");
            assert!(about["tags"].as_array().is_some_and(|t| t.iter().all(J::is_string)), "{what}");
            for security in about["security"].as_array().into_iter().flatten() {
                assert!(security.as_object().unwrap().keys().all(|k| schemes.contains_key(k)), "{what}");
            }
            let mut seen = BTreeSet::new();
            let own = about["parameters"].as_array().into_iter().flatten();
            for parameter in item["parameters"].as_array().into_iter().flatten().chain(own) {
                let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
                assert!(
                    ["path", "query", "header"].contains(&place) && parameter["schema"].is_object(),
                    "{what} {name}"
                );
                assert!(seen.insert((name, place)), "{what}: {name} is there twice");
                assert!(place != "path" || parameter["required"] == true, "{what} {name}");
            }
            let wanted: BTreeSet<_> = path.split('/').filter_map(|p| p.strip_prefix('{')?.strip_suffix('}')).collect();
            let declared: BTreeSet<_> =
                seen.iter().filter(|(_, place)| *place == "path").map(|(name, _)| *name).collect();
            assert_eq!(wanted, declared, "{what}");
            assert_eq!(about["requestBody"].is_object(), matches!(method.as_str(), "post" | "patch"), "{what}");
            let responses = about["responses"].as_object().unwrap();
            assert!(responses.contains_key("default") && responses.len() > 1, "{what}");
            for (status, response) in responses {
                assert!(status == "default" || status.parse::<u16>().is_ok_and(|s| (200..300).contains(&s)), "{what}");
                assert!(resolved(&all, response)["description"].is_string(), "{what} {status}");
            }
        }
    }
    let schema = house.kernel().schema();
    assert!(schema.plans.keys().all(|name| ids.contains(format!("list.{name}").as_str())));
    assert!(schema.operations.keys().all(|name| ids.contains(name)));
}

#[test]
fn every_example_fits_its_schema() {
    let house = House::new();
    let all = house.kernel().openapi(true);
    let mut examples = 0;
    walk(&all, &mut |json| {
        if let Some(example) = json.get("example").filter(|_| json["type"] == "object") {
            fits(&all, json, example, json["description"].as_str().unwrap_or("example"));
            examples += 1;
        }
    });
    for name in house.kernel().schema().plans.keys() {
        assert!(all["components"]["schemas"][*name]["example"]["id"].is_number(), "{name}");
    }
    for name in house.kernel().schema().operations.keys() {
        let post = &all["paths"][format!("/api/v1/operations/{name}")]["post"];
        let body = &post["requestBody"]["content"]["application/json"]["schema"];
        let answer = &post["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(body["example"].is_object() && answer["example"].is_object(), "{name}");
    }
    assert!(examples > 200, "{examples}");
}

#[test]
fn real_answers_fit_the_description() {
    let house = House::new();
    let (admin, all) = (house.as_user("admin"), house.kernel().openapi(true));
    let answer = |path: &str, method: &str, status: &str| {
        all["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"].clone()
    };
    let mut told = BTreeMap::new();
    for (name, id) in house.newest() {
        let path = format!("/api/v1/entities/{name}");
        let mut read = |address: &str, under: &str, more: &str| {
            let reply = admin.get(&format!("{}{more}", address.replace("{id}", &id.to_string())));
            assert_eq!(reply.status, 200, "{address}: {}", reply.text());
            fits(&all, &answer(under, "get", "200"), &reply.json(), address);
            *told.entry(more.to_owned()).or_insert(0) += 1;
        };
        read(&path, &path, "?titles=1&limit=20&archived=1&count=1");
        let one = format!("{path}/{{id}}");
        read(&one, &one, "?titles=1&operations=1");
        for part in ["history", "links", "attachments"] {
            read(&format!("{one}/{part}"), &format!("{one}/{part}"), "");
        }
        let draft = admin.post(&format!("{path}/draft"), &json!({"id": id}));
        assert_eq!(draft.status, 200, "{name}: {}", draft.text());
        fits(&all, &answer(&format!("{path}/draft"), "post", "200"), &draft.json(), name);
    }
    assert!(told.values().all(|n| *n > 30), "{told:?}");
    for (name, entry) in &house.kernel().schema().operations {
        let def = (entry.def)();
        if def.read && !def.file && (def.input)().iter().all(|f| !f.required) {
            let path = format!("/api/v1/operations/{name}");
            let reply = admin.get(&path);
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            fits(&all, &answer(&path, "get", "200"), &reply.json(), name);
        }
    }
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    for path in
        ["/api/v1/entities/nothing", "/api/v1/operations/sales.order.confirm", "/api/v1/entities/party.party?limit=0"]
    {
        fits(&all, &problem, &admin.get(path).json(), path);
    }
    // A dry run and its result, as an operation of any module tells them.
    let note = json!({"record": {"entity": "party.party", "id": house.newest()["party.party"]}, "text": "x"});
    let path = "/api/v1/operations/platform.note.add";
    let tried = admin.post(&format!("{path}?dry_run=1"), &note);
    assert!(tried.json()["_dry_run"]["changes"].is_array() && tried.json()["_result"]["numbers"].is_array());
    fits(&all, &answer(path, "post", "200"), &tried.json(), path);
}
