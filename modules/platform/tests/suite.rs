//! Users, rights and the kernel's generic surfaces, through public operations.

#![allow(clippy::unwrap_used)]

#[path = "suite/custom.rs"]
mod custom;
#[path = "suite/dry.rs"]
mod dry;
#[path = "suite/jobs.rs"]
mod jobs;
#[path = "suite/views.rs"]
mod views;

use kernel::{Ask, Filter, Query, Shape};
use serde_json::json;
use trial::Trial;

#[test]
fn a_company_is_founded_and_read() {
    let trial = Trial::new(&[]);
    let users = trial.list("platform.user", json!({}));
    assert_eq!(users.len(), trial::USERS.len());
    let company = trial.list("platform.company", json!({"country": "CZ"}));
    assert_eq!(company[0]["currency"], "CZK");
}

#[test]
fn generic_writing_keeps_the_rules() {
    let trial = Trial::new(&[]);
    let unit = trial.create("admin", "platform.unit", json!({"name": "Čerpadla"}));
    let second = trial.create("admin", "platform.unit", json!({"name": "Cihly", "parent": unit}));
    trial.create("admin", "platform.unit", json!({"name": "Dům"}));
    trial.create("admin", "platform.unit", json!({"name": "chata"}));
    trial.create("admin", "platform.unit", json!({"name": "hrad"}));
    let kernel = trial.kernel();
    let ask = Ask::by(trial.who("admin"));
    // Unknown and missing fields, references to nothing.
    let error = kernel.create("platform.unit", &json!({"nam": "x"}), &ask).unwrap_err();
    assert_eq!(error.status, 422);
    assert!(error.errors.iter().any(|e| e.field == "nam" && e.code == "unknown_field"));
    let error = kernel.create("platform.unit", &json!({}), &ask).unwrap_err();
    assert!(error.errors.iter().any(|e| e.field == "name" && e.code == "required"), "{error}");
    let error = kernel.create("platform.unit", &json!({"name": "x", "parent": 999_999}), &ask).unwrap_err();
    assert!(error.errors.iter().any(|e| e.field == "parent" && e.code == "no_record"), "{error}");
    // Rights.
    let error = kernel.create("platform.unit", &json!({"name": "x"}), &Ask::by(trial.who("sales"))).unwrap_err();
    assert_eq!(error.status, 403);
    // What somebody else changed meanwhile is not overwritten.
    kernel.change("platform.unit", unit, Some(1), &json!({"name": "Čerpadla a ventily"}), &ask).unwrap();
    let error = kernel.change("platform.unit", unit, Some(1), &json!({"name": "Ventily"}), &ask).unwrap_err();
    assert_eq!(error.status, 412);
    // The same key does it once.
    let keyed = Ask { key: Some("k-1".to_owned()), ..ask.clone() };
    let first = kernel.create("platform.unit", &json!({"name": "Jednou"}), &keyed).unwrap();
    let again = kernel.create("platform.unit", &json!({"name": "Jednou"}), &keyed).unwrap();
    assert_eq!(first.output, again.output);
    assert!(again.repeated);
    assert_eq!(
        kernel.create("platform.unit", &json!({"name": "Jinak"}), &keyed).unwrap_err().code,
        "idempotency_mismatch"
    );
    // Something refers to it: archived instead of deleted.
    kernel.remove("platform.unit", unit, None, &ask).unwrap();
    assert_eq!(trial.record("platform.unit", unit)["archived"], json!(true));
    kernel.remove("platform.unit", second, None, &ask).unwrap();
    assert_eq!(trial.list("platform.unit", json!({"id": second})).len(), 0);
    let history = kernel.read(&trial.who("admin"), |cx| cx.history("platform.unit", unit, 20, None)).unwrap();
    let kinds: Vec<_> =
        history["rows"].as_array().unwrap().iter().map(|r| r["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["archived", "changed", "created"]);
}

#[test]
fn lists_sort_by_the_language_and_page_by_keys() {
    let trial = Trial::new(&[]);
    let kernel = trial.kernel();
    let who = trial.who("admin");
    // Users have a sorted title; the order is the Czech one.
    for (login, name) in [("u1", "Čeněk"), ("u2", "Chrudoš"), ("u3", "Hynek"), ("u4", "Cyril"), ("u5", "Ivan")] {
        trial.run("admin", "platform.user.add", json!({"login": login, "name": name, "roles": "sales"}));
    }
    let mut query = Query {
        limit: 2,
        filter: Some(Filter::parse(&json!({"login": {"in": ["u1", "u2", "u3", "u4", "u5"]}})).unwrap()),
        ..Query::of("platform.user")
    }
    .sort_text("name");
    let mut names = Vec::new();
    loop {
        let page = kernel.list(&who, &query, &Shape::default()).unwrap();
        names.extend(page["rows"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => query.after = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(names, ["Cyril", "Čeněk", "Hynek", "Chrudoš", "Ivan"]);
    // Full text finds without diacritics and case.
    let found = Query { q: Some("cenek".to_owned()), ..Query::of("platform.user") };
    assert_eq!(kernel.list(&who, &found, &Shape::default()).unwrap()["rows"].as_array().unwrap().len(), 1);
}

#[test]
fn record_rules_narrow_every_door() {
    let trial = Trial::new(&[]);
    let kernel = trial.kernel();
    let role = trial.list("platform.role", json!({"code": "sales"}))[0]["id"].as_i64().unwrap();
    trial.create(
        "admin",
        "platform.rule",
        json!({"role": role, "entity": "platform.user", "filter": {"id": "@me"}, "read": true, "write": true}),
    );
    let who = trial.who("sales");
    let all = kernel.list(&who, &Query::of("platform.user"), &Shape::default()).unwrap();
    assert_eq!(all["rows"].as_array().unwrap().len(), 1);
    let groups = Query { group: vec!["active".to_owned()], ..Query::of("platform.user") };
    assert_eq!(kernel.list(&who, &groups, &Shape::default()).unwrap()["rows"][0]["count"], json!(1));
    let other = trial.who("stock").user;
    assert_eq!(kernel.record(&who, "platform.user", other, &Shape::default()).unwrap_err().status, 404);
    let wrong = kernel.create(
        "platform.rule",
        &json!({"role": role, "entity": "platform.user", "filter": {"nothing": 1}, "read": true, "write": true}),
        &Ask::by(trial.who("admin")),
    );
    assert_eq!(wrong.unwrap_err().errors[0].field, "filter");
}

#[test]
fn secrets_are_shown_to_nobody() {
    let trial = Trial::new(&[]);
    let token = platform::create_token(trial.kernel(), "sales", "test", "read", Some(1)).unwrap();
    let who = trial.kernel().by_secret(&token).unwrap();
    assert_eq!(who.login, "sales");
    let rows = trial.list("platform.token", json!({}));
    assert!(rows[0].get("hash").is_none());
    // The token may read and no more.
    let ask = Ask::by(who);
    assert_eq!(
        trial
            .kernel()
            .run(
                "platform.note.add",
                &json!({"record": {"entity": "platform.user", "id": ask.who.user}, "text": "x"}),
                &ask
            )
            .unwrap_err()
            .status,
        403
    );
    assert!(trial.kernel().by_secret("celek_nonsense").is_err());
    let sort = Query::of("platform.token").sort_text("hash");
    assert_eq!(trial.kernel().list(&trial.who("admin"), &sort, &Shape::default()).unwrap_err().status, 403);
}

#[test]
fn passwords_are_checked_and_attempts_limited() {
    let trial = Trial::new(&[]);
    let kernel = trial.kernel();
    platform::reset_password(kernel, "sales", "correct horse").unwrap();
    let directory = kernel.directory().unwrap();
    let secret = directory.sign_in(kernel, "Sales", "correct horse", "1.2.3.4").unwrap();
    assert_eq!(kernel.by_secret(&secret).unwrap().login, "sales");
    directory.sign_out(kernel, &secret).unwrap();
    assert!(kernel.by_secret(&secret).is_err());
    for _ in 0..5 {
        assert_eq!(directory.sign_in(kernel, "sales", "wrong", "9.9.9.9").unwrap_err().status, 401);
    }
    assert_eq!(directory.sign_in(kernel, "sales", "correct horse", "9.9.9.9").unwrap_err().status, 429);
    assert!(directory.sign_in(kernel, "sales", "correct horse", "1.2.3.4").is_ok(), "another address is not shut out");
    assert_eq!(directory.sign_in(kernel, "nobody", "x", "9.9.9.8").unwrap_err().code, "platform.sign_in");
}

#[test]
fn attempts_at_the_same_time_count_too() {
    let trial = Trial::new(&[]);
    let kernel = trial.kernel();
    platform::reset_password(kernel, "stock", "correct horse").unwrap();
    let directory = kernel.directory().unwrap();
    let looked_at = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..12)
            .map(|_| scope.spawn(|| directory.sign_in(kernel, "stock", "wrong", "7.7.7.7").unwrap_err().status))
            .collect();
        tries.into_iter().map(|t| t.join().unwrap()).filter(|status| *status == 401).count()
    });
    assert_eq!(looked_at, 5);
}

#[test]
fn a_session_in_use_stays_and_an_idle_one_ends() {
    let trial = Trial::new(&[]);
    let kernel = trial.kernel();
    platform::reset_password(kernel, "buyer", "correct horse").unwrap();
    let directory = kernel.directory().unwrap();
    let secret = directory.sign_in(kernel, "buyer", "correct horse", "1.1.1.1").unwrap();
    let by = |hours: i64| {
        let nobody = std::sync::Arc::new(kernel::Principal::system(std::sync::Arc::default()));
        kernel
            .work(&nobody, "test", |cx| {
                let now = cx.now();
                cx.set_now(now + jiff::SignedDuration::from_hours(hours))?;
                directory.by_secret(&secret, cx)
            })
            .unwrap()
            .is_some()
    };
    assert!(by(7));
    assert!(by(14), "it was used seven hours before");
    assert!(!by(23));
}

#[test]
fn a_one_time_link_is_good_for_an_empty_database_only() {
    let trial = Trial::new(&[]);
    let kernel = trial.kernel();
    let token = platform::setup_token(kernel).unwrap();
    let input = json!({"token": token, "company": "Cizí s.r.o.", "country": "CZ", "currency": "CZK", "language": "cs",
        "user": "intruder", "name": "X", "password": "long enough"});
    assert_eq!(kernel.directory().unwrap().set_up(kernel, &input).unwrap_err().code, "platform.setup_token");
    assert_eq!(trial.list("platform.company", json!({})).len(), 1);
}

#[test]
fn tokens_are_revoked_and_one_administrator_stays() {
    let trial = Trial::new(&[]);
    let kernel = trial.kernel();
    let token = platform::create_token(kernel, "sales", "test", "", None).unwrap();
    let id = trial.list("platform.token", json!({}))[0]["id"].clone();
    assert_eq!(trial.refused("sales", "platform.token.revoke", json!({"token": id})).status, 403);
    trial.run("admin", "platform.token.revoke", json!({"token": id}));
    assert_eq!(kernel.by_secret(&token).unwrap_err().status, 401);
    let admin = trial.who("admin").user;
    let error = trial.refused("admin", "platform.user.set_roles", json!({"user": admin, "roles": "sales"}));
    assert_eq!(error.code, "platform.last_admin");
    let ask = Ask::by(trial.who("admin"));
    let error = kernel.change("platform.user", admin, None, &json!({"active": false}), &ask).unwrap_err();
    assert_eq!(error.code, "platform.last_admin");
    trial.run("admin", "platform.user.set_roles", json!({"user": trial.who("manager").user, "roles": "manager admin"}));
    kernel.change("platform.user", admin, None, &json!({"active": false}), &ask).unwrap();
    assert_eq!(kernel.login("admin").unwrap_err().status, 401);
}

#[test]
fn companies_are_founded_and_their_currency_stays() {
    let trial = Trial::new(&[]);
    let ask = Ask::by(trial.who("admin"));
    let new = json!({"name": "Druhá", "country": "CZ", "time_zone": "Europe/Prague"});
    assert!(trial.kernel().create("platform.company", &new, &ask).is_err());
    assert_eq!(trial.list("platform.company", json!({})).len(), 1);
    let id = trial.list("platform.company", json!({}))[0]["id"].as_i64().unwrap();
    let error = trial.kernel().change("platform.company", id, None, &json!({"currency": "EUR"}), &ask).unwrap_err();
    assert_eq!(error.errors[0].code, "by_operation");
    trial.kernel().change("platform.company", id, None, &json!({"city": "Brno"}), &ask).unwrap();
}

#[test]
fn notes_are_read_by_who_may_read_the_record() {
    let trial = Trial::new(&[]);
    let role = trial.list("platform.role", json!({"code": "sales"}))[0]["id"].clone();
    let rule = trial.create(
        "admin",
        "platform.rule",
        json!({"role": role, "entity": "platform.user",
        "filter": {"id": "@me"}, "read": true, "write": true}),
    );
    let record = json!({"entity": "platform.rule", "id": rule});
    trial.run("admin", "platform.note.add", json!({"record": record, "text": "Secret"}));
    assert_eq!(trial.run("admin", "platform.note.list", json!({"record": record}))["notes"][0]["text"], "Secret");
    assert_eq!(trial.refused("sales", "platform.note.list", json!({"record": record})).status, 403);
    let other = json!({"entity": "platform.user", "id": trial.who("stock").user});
    let error = trial.refused("sales", "platform.note.list", json!({"record": other}));
    assert_eq!(error.errors[0].code, "no_record", "outside of the rules, it does not exist");
    assert!(trial.kernel().list(&trial.who("sales"), &Query::of("platform.note"), &Shape::default()).is_err());
}

#[test]
fn a_dry_run_tells_and_stores_nothing() {
    let trial = Trial::new(&[]);
    let ask = Ask { dry_run: true, ..Ask::by(trial.who("admin")) };
    let input = json!({"login": "dry", "name": "Dry", "roles": "sales"});
    let answer = trial.kernel().run("platform.user.add", &input, &ask).unwrap();
    assert!(!answer.changes.is_empty());
    assert_eq!(trial.list("platform.user", json!({"login": "dry"})).len(), 0);
}

#[test]
fn fields_and_entities_are_added_while_running() {
    let trial = Trial::new(&[]);
    let kernel = trial.kernel();
    trial.run(
        "admin",
        "sys.field.add",
        json!({"entity": "platform.unit", "name": "x_floor", "label": "Floor", "label_cs": "Patro", "kind": "int"}),
    );
    let ask = Ask::by(trial.who("admin"));
    let id = trial.create("admin", "platform.unit", json!({"name": "Top", "x_floor": 7}));
    kernel.change("platform.unit", id, None, &json!({"name": "Topmost"}), &ask).unwrap();
    assert_eq!(trial.record("platform.unit", id)["x_floor"], json!(7));
    assert_eq!(trial.list("platform.unit", json!({"x_floor": {"gt": 5}})).len(), 1);
    trial.run("admin", "sys.entity.add", json!({"name": "x_lab.sample", "label": "Sample"}));
    trial.run(
        "admin",
        "sys.field.add",
        json!({"entity": "x_lab.sample", "name": "x_unit", "label": "Unit", "kind": "ref", "to": "platform.unit"}),
    );
    trial.create("sales", "x_lab.sample", json!({"name": "Water", "x_unit": id}));
    assert_eq!(trial.list("x_lab.sample", json!({"x_unit.x_floor": 7})).len(), 1);
    assert_eq!(
        trial
            .refused(
                "admin",
                "sys.field.add",
                json!({"entity": "platform.unit", "name": "floor", "label": "F", "kind": "int"})
            )
            .errors[0]
            .field,
        "name"
    );
}

#[test]
fn drafts_compute_and_store_nothing() {
    let trial = Trial::new(&[]);
    let draft =
        trial.kernel().draft("platform.user", &json!({"login": "NEW", "company": 0}), &trial.who("admin")).unwrap();
    assert_eq!(draft["record"]["login"], "new");
    assert!(draft["errors"].as_array().unwrap().iter().any(|e| e["field"] == "name"));
    assert_eq!(trial.list("platform.user", json!({"login": "new"})).len(), 0);
}

#[test]
fn everybody_chooses_their_own_language() {
    let trial = Trial::new(&[]);
    let sales = trial.who("sales");
    assert_eq!(sales.language, kernel::Language::En);
    trial.run("sales", "platform.user.set_language", json!({"language": "cs"}));
    assert_eq!(trial.who("sales").language, kernel::Language::Cs, "at once, without signing in again");
    assert_eq!(trial.who("stock").language, kernel::Language::En, "nobody else's");
    assert_eq!(trial.refused("sales", "platform.user.set_language", json!({"language": "xx"})).status, 422);
    let meta = trial.kernel().meta(&trial.who("sales"), kernel::Language::Cs).unwrap();
    assert_eq!(meta["operations"]["platform.user.set_language"]["label"], "Změnit jazyk");
    // It is told in the history of the user, by whom.
    let plan = trial.kernel().schema().plan("platform.user").unwrap().def.name;
    let history = trial.kernel().read(&trial.who("admin"), |cx| cx.history(plan, sales.user, 10, None)).unwrap();
    assert_eq!(history["rows"][0]["operation"], "platform.user.set_language");
    let nobody = std::sync::Arc::new(kernel::Principal::anonymous(trial.system().company.clone()));
    let error =
        trial.kernel().run("platform.user.set_language", &json!({"language": "cs"}), &Ask::by(nobody)).unwrap_err();
    assert_eq!(error.status, 403);
}

#[test]
fn currency_and_day_are_the_companys() {
    let trial = Trial::of(&[], "US", "USD");
    let meta = trial.kernel().meta(&trial.who("sales"), kernel::Language::En).unwrap();
    assert_eq!(meta["company"]["currency"], "USD");
    assert_eq!(meta["company"]["time_zone"], "America/New_York");
    // Half past two in the morning of UTC is still the day before in New York.
    let at: jiff::Timestamp = "2026-03-02T02:30:00Z".parse().unwrap();
    trial.kernel().shared().set_clock(Some(at));
    let day = trial.kernel().read(&trial.who("sales"), |cx| Ok(cx.today().to_string())).unwrap();
    assert_eq!(day, "2026-03-01");
    trial.kernel().shared().set_clock(None);
    let company = trial.list("platform.company", json!({}))[0]["id"].as_i64().unwrap();
    let ask = Ask::by(trial.who("admin"));
    trial.kernel().change("platform.company", company, None, &json!({"time_zone": "Asia/Tokyo"}), &ask).unwrap();
    trial.kernel().shared().set_clock(Some(at));
    let day = trial.kernel().read(&trial.who("sales"), |cx| Ok(cx.today().to_string())).unwrap();
    trial.kernel().shared().set_clock(None);
    assert_eq!(day, "2026-03-02");
}

#[test]
fn only_what_has_an_owner_can_be_own() {
    let trial = Trial::new(&[]);
    let role = trial.list("platform.role", json!({"code": "sales"}))[0]["id"].clone();
    for (entity, code) in [("platform.unit", "platform.no_owner"), ("no.such", "no_entity")] {
        let error = trial.refused("admin", "platform.rule.own", json!({"role": role, "entity": entity}));
        assert_eq!(error.errors[0].code, code);
    }
    assert_eq!(
        trial.refused("manager", "platform.rule.own", json!({"role": role, "entity": "platform.unit"})).status,
        403
    );
}
