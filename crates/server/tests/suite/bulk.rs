//! Many at once: a result for each row, or all of them or none.

use serde_json::{Value as J, json};

use crate::Served;

const BULK: &str = "/api/v1/entities/party.party/bulk";

fn statuses(answer: &J) -> Vec<i64> {
    answer["rows"].as_array().into_iter().flatten().filter_map(|row| row["status"].as_i64()).collect()
}

#[test]
fn each_row_has_its_own_result() {
    let served = Served::new();
    let sales = served.as_user("sales");
    let a = served.trial.create("sales", "party.party", json!({"name": "A"}));
    let b = served.trial.create("sales", "party.party", json!({"name": "B"}));
    let rows = json!({"rows": [
        {"create": {"name": "C", "reg_no": "12345678"}},
        {"create": {"kind": "company"}},
        {"change": {"id": a, "rev": 1, "name": "A2"}},
        {"change": {"id": b, "rev": 7, "name": "B2"}},
        {"change": {"id": b, "merged_into": a}},
        {"change": {"name": "nobody"}},
        {"delete": {"id": b}},
        {"delete": {"id": 999_999}},
        {"create": {"name": "D"}, "delete": {"id": a}},
        {"update": {"id": a}},
        7,
        {"create": {"name": "E", "nothing": 1}},
        {"create": {"name": "F"}},
    ]});
    let reply = sales.post(&format!("{BULK}?lang=en"), &rows);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer = reply.json();
    assert_eq!(statuses(&answer), [201, 422, 200, 412, 422, 422, 204, 404, 422, 422, 400, 422, 201], "{answer}");
    assert_eq!((&answer["done"], &answer["refused"]), (&json!(4), &json!(9)));
    let row = |n: usize| &answer["rows"][n];
    assert_eq!(row(1)["problem"]["errors"][0]["field"], "name");
    assert_eq!(row(4)["problem"]["errors"][0]["code"], "by_operation");
    assert_eq!((&row(2)["rev"], &row(0)["rev"]), (&json!(2), &json!(1)));
    // What rules remark stands at its row.
    assert!(row(0)["notes"][0]["message"].as_str().is_some_and(|m| m.contains("12345678")), "{answer}");
    assert!(row(2)["notes"].is_null());
    let mut names: Vec<String> =
        served.trial.list("party.party", json!({})).iter().map(|p| p["name"].to_string()).collect();
    names.sort();
    assert_eq!(names, ["\"A2\"", "\"C\"", "\"F\""]);
    // History tells what was done, not that it was done with others.
    let history = sales.get(&format!("/api/v1/entities/party.party/{a}/history?lang=en")).json();
    assert_eq!(
        (&history["rows"][0]["kind"], &history["rows"][0]["operation"]),
        (&json!("changed"), &json!("record.change"))
    );
}

#[test]
fn all_or_nothing_and_once_only() {
    let served = Served::new();
    let sales = served.as_user("sales");
    let rows = |last: J| json!({"atomic": true, "rows": [{"create": {"name": "A"}}, {"create": {"name": "B"}}, {"create": last}]});
    let reply = sales.post(BULK, &rows(json!({"kind": "company"})));
    assert_eq!((reply.status, reply.code().as_str()), (422, "bulk_refused"), "{}", reply.text());
    assert_eq!(reply.json()["errors"][0]["field"], "rows.2.name");
    assert_eq!(served.parties(), 0);
    let keyed = sales.with("idempotency-key", "bulk-1");
    let first = keyed.post(BULK, &rows(json!({"name": "C"})));
    assert_eq!((first.status, first.json()["done"].clone()), (200, json!(3)));
    let again = keyed.post(BULK, &rows(json!({"name": "C"})));
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", first.json()));
    assert_eq!(served.parties(), 3);
    assert_eq!(keyed.post(BULK, &rows(json!({"name": "D"}))).code(), "idempotency_mismatch");
    let tried = sales.post(&format!("{BULK}?dry_run=1"), &rows(json!({"name": "D"})));
    assert_eq!(tried.json()["_dry_run"]["changes"][0]["count"], 3, "{}", tried.text());
    assert_eq!(served.parties(), 3);
}

#[test]
fn rights_and_limits_hold() {
    let served = Served::new();
    let rows = |n: usize| json!({"rows": vec![json!({"create": {"name": "x"}}); n]});
    let stock = served.as_user("stock").post(BULK, &rows(2));
    assert_eq!(stock.status, 200);
    assert_eq!(statuses(&stock.json()), [403, 403]);
    assert_eq!(served.parties(), 0);
    let sales = served.as_user("sales");
    let full = sales.post(BULK, &rows(1_000));
    assert_eq!((full.status, full.json()["done"].clone()), (200, json!(1_000)));
    let more = sales.post(BULK, &rows(1_001)).json();
    assert_eq!(more["errors"][0]["code"], "too_many");
    for body in
        [json!([]), json!({}), json!({"rows": 7}), json!({"rows": [], "atomic": 1}), json!({"rows": [], "x": 1})]
    {
        assert!(sales.post(BULK, &body).status >= 400, "{body}");
    }
    assert_eq!(sales.get(BULK).status, 405);
    assert_eq!(sales.post("/api/v1/entities/no.such/bulk", &rows(1)).status, 404);
    // A company is not written down here either.
    let admin = served.as_user("admin");
    let company =
        json!({"rows": [{"create": {"name": "X", "time_zone": "Europe/Prague", "language": "cs", "country": "CZ"}}]});
    let answer = admin.post("/api/v1/entities/platform.company/bulk", &company).json();
    assert_eq!(answer["refused"], 1, "{answer}");
    let file = b"name,time_zone,currency,language,country\nX,Europe/Prague,CZK,cs,CZ\n";
    let report = served.trial.kernel().check_import(&served.trial.who("admin"), "platform.company", &json!({}), file);
    let report = report.expect("a report");
    assert_eq!(report["errors"], 1, "{report}");
    assert_eq!(served.trial.list("platform.company", json!({})).len(), 1);
}

#[test]
fn one_operation_is_called_many_times() {
    let served = Served::new();
    let admin = served.as_user("admin");
    let address = "/api/v1/operations/platform.user.add/bulk";
    let input = |login: &str| json!({"login": login, "name": "Nový", "roles": "sales"});
    let answer =
        admin.post(address, &json!({"inputs": [input("novy"), input("novy"), {"login": "x"}, input("jiny")]})).json();
    assert_eq!(answer["done"], 2, "{answer}");
    let statuses = statuses(&answer);
    assert!(statuses[0] == 200 && statuses[1] >= 400 && statuses[2] == 422 && statuses[3] == 200, "{answer}");
    assert!(answer["rows"][0]["output"].is_object());
    assert_eq!(served.trial.list("platform.user", json!({"name": "Nový"})).len(), 2);
    let refused = admin.post(address, &json!({"atomic": true, "inputs": [input("treti"), input("novy")]}));
    assert_eq!(refused.code(), "bulk_refused");
    assert_eq!(served.trial.list("platform.user", json!({"name": "Nový"})).len(), 2);
    assert_eq!(served.as_user("sales").post(address, &json!({"inputs": [input("y")]})).status, 403);
    assert_eq!(admin.post("/api/v1/operations/platform.note.list/bulk", &json!({"inputs": []})).code(), "bulk_single");
}
