//! Creating, changing, deleting, operations, keys, files.

use serde_json::json;

use crate::Served;

const PARTIES: &str = "/api/v1/entities/party.party";

#[test]
fn a_record_is_created_changed_under_its_revision_and_deleted() {
    let served = Served::new();
    let sales = served.as_user("sales");
    let made = sales.post(PARTIES, &json!({"name": "ACME", "addresses": [{"street": "Long 1", "city": "Brno"}]}));
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["id"].as_i64().expect("an id");
    assert_eq!(made.header("location"), format!("{PARTIES}/{id}"));
    let one = format!("{PARTIES}/{id}");
    let changed = sales.with("if-match", "\"1\"").json("PATCH", &one, &json!({"note": "x"}));
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
    let stale = sales.with("if-match", "\"1\"").json("PATCH", &one, &json!({"note": "y"}));
    assert_eq!((stale.status, stale.code().as_str()), (412, "stale"));
    assert_eq!(sales.json("PATCH", &one, &json!({"note": "y", "rev": 1})).status, 412);
    assert_eq!(sales.with("if-match", "\"nonsense\"").json("PATCH", &one, &json!({"note": "y"})).status, 412);
    assert_eq!(sales.with("if-match", "\"1\"").send("DELETE", &one, &[], b"").status, 412);
    assert_eq!(served.trial.record("party.party", id)["note"], "x");
    assert_eq!(sales.send("DELETE", &one, &[], b"").status, 204);
}

#[test]
fn the_same_key_is_done_once() {
    let served = Served::new();
    let sales = served.as_user("sales").with("idempotency-key", "once only");
    let first = sales.post(PARTIES, &json!({"name": "Once"}));
    let second = sales.post(PARTIES, &json!({"name": "Once"}));
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.json(), second.json());
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(served.parties(), 1);
    let other = sales.post(PARTIES, &json!({"name": "Twice"}));
    assert_eq!((other.status, other.code().as_str()), (422, "idempotency_mismatch"));
    for key in ["", "čau", &"x".repeat(201)] {
        let reply = served.as_user("sales").with("idempotency-key", key).post(PARTIES, &json!({"name": "Key"}));
        assert_eq!((reply.status, reply.code().as_str()), (400, "idempotency_key"), "{key}");
    }
    assert_eq!(served.parties(), 1);
}

#[test]
fn an_operation_tells_what_it_did_and_a_trial_stores_nothing() {
    let served = Served::new();
    let id = served.trial.create("sales", "party.party", json!({"name": "ACME"}));
    let input = json!({"record": {"entity": "party.party", "id": id}, "text": "Called."});
    let sales = served.as_user("sales");
    // Notes are read under the rights of their record; the list of them is for administrators.
    let tried = served.as_user("admin").post("/api/v1/operations/platform.note.add?dry_run=1", &input);
    assert_eq!(tried.status, 200, "{}", tried.text());
    assert_eq!(tried.json()["_dry_run"]["changes"][0]["entity"], "platform.note");
    assert_eq!(served.trial.list("platform.note", json!({})).len(), 0);
    let done = sales.post("/api/v1/operations/platform.note.add", &input);
    assert_eq!(done.status, 200);
    assert!(done.json()["_result"]["message"].as_str().is_some_and(|m| !m.is_empty()));
    assert_eq!(served.trial.list("platform.note", json!({})).len(), 1);
    let admin_only = json!({"login": "x", "name": "X", "roles": "sales"});
    assert_eq!(sales.post("/api/v1/operations/platform.user.add", &admin_only).status, 403);
}

#[test]
fn a_draft_stores_nothing() {
    let served = Served::new();
    let sales = served.as_user("sales");
    let draft = sales.post(&format!("{PARTIES}/draft"), &json!({"name": "Draft"}));
    assert_eq!(draft.status, 200, "{}", draft.text());
    assert_eq!(draft.json()["record"]["country"], "CZ");
    assert_eq!(served.parties(), 0);
}

pub(crate) fn form(parts: &[(&str, &str)], file: &[u8]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, value) in parts {
        body.extend(format!("--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    body.extend(b"--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.html\"\r\n\r\n");
    body.extend(file);
    body.extend(b"\r\n--cut--\r\n");
    ("multipart/form-data; boundary=cut".to_owned(), body)
}

#[test]
fn files_are_kept_hung_on_records_and_never_run() {
    let served = Served::new();
    let id = served.trial.create("sales", "party.party", json!({"name": "ACME"}));
    let sales = served.as_user("sales");
    let (kind, body) = form(&[("entity", "party.party"), ("id", &id.to_string())], b"<script>alert(1)</script>");
    let kept = sales.send("POST", "/api/v1/files", &[("content-type", &kind)], &body);
    assert_eq!(kept.status, 201, "{}", kept.text());
    let file = kept.json()["id"].as_i64().expect("an id");
    let stock = served.as_user("stock");
    let read = stock.get(&format!("/api/v1/files/{file}"));
    assert_eq!(read.status, 200, "hangs on a record that stock may read");
    assert_eq!(read.body, b"<script>alert(1)</script>");
    assert_eq!(read.header("content-type"), "application/octet-stream");
    assert!(read.header("content-disposition").starts_with("attachment"));
    assert!(read.header("content-security-policy").contains("default-src 'none'"));
    let hung = stock.get(&format!("{PARTIES}/{id}/attachments")).json();
    assert_eq!(hung["rows"][0]["name"], "a.html");
    let (kind, body) = form(&[], b"plain");
    let loose = sales.send("POST", "/api/v1/files", &[("content-type", &kind)], &body).json()["id"].clone();
    assert_eq!(sales.get(&format!("/api/v1/files/{loose}")).status, 200, "brought it");
    assert_eq!(stock.get(&format!("/api/v1/files/{loose}")).status, 404);
    assert_eq!(served.client().get(&format!("/api/v1/files/{file}")).status, 401);
}
