//! Another company's records do not exist: not by their address, not in lists, groups, searches, exports, expansions, panels,
//! files or live changes, and nothing can be hung on them, whatever rights one has in one's own company.

use std::sync::Arc;

use kernel::{Currency, Principal, Right};
use platform::{NewCompany, NewUser};
use serde_json::{Value as J, json};
use trial::http::{Client, Reply};

use crate::Served;

const PARTIES: &str = "/api/v1/entities/party.party";
/// Nobody but us calls a customer so.
const NAME: &str = "Tajemství";

/// A second company, with an administrator who may do everything there.
fn neighbour(served: &Served) -> Client {
    let kernel = served.trial.kernel();
    let nobody = Arc::new(Principal::system(Arc::default()));
    kernel
        .work(&nobody, "test.found", |cx| {
            let euro = Currency::parse("EUR").expect("a currency");
            let company = platform::found(cx, NewCompany::in_country("Neighbour", "DE", euro))?;
            let roles = vec!["admin".to_owned()];
            let user =
                NewUser { login: "neighbour".to_owned(), name: "Neighbour".to_owned(), roles, ..NewUser::default() };
            platform::add_user(cx, company, user)
        })
        .expect("a second company");
    kernel.forget_rights();
    served.as_user("neighbour")
}

/// A record of ours with everything that can hang on one.
fn ours(served: &Served) -> (i64, i64, i64) {
    let tag = served.trial.create("sales", "party.tag", json!({"name": "Tajný"}));
    let party = json!({"name": NAME, "tags": [tag], "addresses": [{"street": NAME, "city": NAME}]});
    let id = served.trial.create("sales", "party.party", party);
    let note = json!({"record": {"entity": "party.party", "id": id}, "text": NAME});
    served.trial.run("sales", "platform.note.add", note);
    let (kind, body) = crate::writing::form(&[("entity", "party.party"), ("id", &id.to_string())], NAME.as_bytes());
    let kept = served.as_user("sales").send("POST", "/api/v1/files", &[("content-type", &kind)], &body);
    assert_eq!(kept.status, 201, "{}", kept.text());
    (id, tag, kept.json()["id"].as_i64().expect("an id"))
}

fn hidden(reply: &Reply, what: &str) {
    assert_eq!(reply.status, 404, "{what}: {}", reply.text());
    assert!(!reply.text().contains(NAME), "{what}");
}

#[test]
fn another_companys_record_cannot_be_reached_by_its_address() {
    let served = Served::new();
    let neighbour = neighbour(&served);
    let (id, tag, file) = ours(&served);
    let one = format!("{PARTIES}/{id}");
    for more in ["", "?operations=1&titles=1", "/history", "/links", "/attachments", "/panels/x", "?expand=merged_into"]
    {
        hidden(&neighbour.get(&format!("{one}{more}")), more);
    }
    hidden(&neighbour.json("PATCH", &one, &json!({"name": "x"})), "PATCH");
    hidden(&neighbour.send("DELETE", &one, &[], b""), "DELETE");
    hidden(&neighbour.post(&format!("{PARTIES}/draft"), &json!({"id": id})), "draft");
    hidden(&neighbour.get(&format!("/api/v1/files/{file}")), "file");
    let (kind, body) = crate::writing::form(&[("entity", "party.party"), ("id", &id.to_string())], b"x");
    hidden(&neighbour.send("POST", "/api/v1/files", &[("content-type", &kind)], &body), "attach");
    for operation in ["platform.note.add", "platform.note.list"] {
        let mut input = json!({"record": {"entity": "party.party", "id": id}});
        if operation.ends_with("add") {
            input["text"] = json!("x");
        }
        let reply = neighbour.post(&format!("/api/v1/operations/{operation}"), &input);
        assert_eq!((reply.status, reply.text().contains(NAME)), (422, false), "{operation}: {}", reply.text());
        assert_eq!(reply.json()["errors"][0]["code"], "no_record", "{operation}");
    }
    // Nor can one's own records refer to it: such a reference would be a way to its title.
    for body in [
        json!({"name": "x", "tags": [tag]}),
        json!({"name": "x", "addresses": [{"street": "x", "party": id, "id": id}]}),
    ] {
        let reply = neighbour.post(PARTIES, &body);
        assert_eq!(reply.status, 422, "{body}: {}", reply.text());
        assert!(reply.text().contains("no_record"), "{}", reply.text());
    }
    let record = served.trial.record("party.party", id);
    assert_eq!((&record["name"], &record["rev"]), (&json!(NAME), &json!(1)));
    let rows = served.as_user("sales").get(&format!("{one}/attachments")).json();
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(1));
}

#[test]
fn another_companys_records_are_in_no_list_group_search_or_export() {
    let served = Served::new();
    let neighbour = neighbour(&served);
    let (id, tag, _) = ours(&served);
    let own = neighbour.post(PARTIES, &json!({"name": "Own"}));
    assert_eq!(own.status, 201, "{}", own.text());
    let own = own.json()["id"].clone();
    let rows = |path: &str| {
        let reply = neighbour.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert!(!reply.text().contains(NAME), "{path}: {}", reply.text());
        reply.json()
    };
    let all = rows(&format!("{PARTIES}?count=1&titles=1"));
    assert_eq!((&all["count"], &all["rows"][0]["id"]), (&json!(1), &own));
    for query in
        [format!("filter=%7B%22id%22:{id}%7D"), "q=Tajemstvi".to_owned(), format!("filter=%7B%22tags%22:{tag}%7D")]
    {
        let reply = neighbour.get(&format!("{PARTIES}?{query}"));
        let empty = reply.json()["rows"].as_array().is_some_and(Vec::is_empty);
        assert!(empty || reply.status == 400, "{query}: {}", reply.text());
    }
    assert_eq!(rows(&format!("{PARTIES}?group=name"))["rows"].as_array().map(Vec::len), Some(1));
    assert_eq!(rows("/api/v1/entities/party.address?group=city,party.name")["rows"], json!([]));
    assert_eq!(rows("/api/v1/entities/party.address?expand=party")["rows"], json!([]));
    let csv = neighbour.get(&format!("{PARTIES}?format=csv")).text();
    assert_eq!((csv.lines().count(), csv.contains(NAME)), (2, false));
    let found = neighbour.get("/api/v1/operations/party.party.duplicates?name=Tajemstvi");
    assert_eq!((found.status, found.text().contains(NAME)), (200, false));
}

#[test]
fn no_entity_at_all_shows_another_companys_rows() {
    let served = Served::new();
    let client = neighbour(&served);
    ours(&served);
    let kernel = served.trial.kernel();
    let (we, they) = (served.trial.who("admin"), served.trial.who("neighbour"));
    let (mut entities, mut tried) = (0, 0);
    for plan in kernel.schema().plans.values().filter(|p| !p.def.shared) {
        let name = plan.def.name;
        assert!(
            kernel::query::may(&kernel.schema(), &they, &plan.def, Right::Read),
            "{name}: an administrator reads it"
        );
        let ids = |who: &Arc<Principal>| -> Vec<i64> {
            let query = kernel::Query { limit: 1_000, archived: true, ..kernel::Query::of(name) };
            let list = kernel.list(who, &query, &kernel::Shape::default()).expect("a list");
            list["rows"].as_array().into_iter().flatten().filter_map(|r| r["id"].as_i64()).collect()
        };
        let (our, their) = (ids(&we), ids(&they));
        assert!(our.iter().all(|id| !their.contains(id)), "{name} is told to both");
        for id in our.iter().take(2) {
            let reply = client.get(&format!("/api/v1/entities/{name}/{id}"));
            assert_eq!(reply.status, 404, "{name}/{id}: {}", reply.text());
            tried += 1;
        }
        entities += usize::from(!our.is_empty());
    }
    assert!(entities >= 8 && tried >= 10, "{entities} entities with rows, {tried} records");
}

#[test]
fn live_changes_of_another_company_are_not_heard() {
    let served = Served::new();
    let neighbour = neighbour(&served);
    let mut events = neighbour.events("/api/v1/events");
    assert_eq!(events.next("event: ").as_deref(), Some("hello"));
    ours(&served);
    let own = neighbour.post(PARTIES, &json!({"name": "Own"})).json()["id"].clone();
    let heard = loop {
        let change: J = serde_json::from_str(&events.next("data: ").expect("a change")).expect("JSON");
        assert_ne!(change["entity"], "platform.note", "{change}");
        if change["entity"] == "party.party" {
            break change;
        }
    };
    assert_eq!(heard["id"], own, "the first change of a party that is heard is one's own");
}
