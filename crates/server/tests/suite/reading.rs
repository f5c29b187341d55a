//! Lists, records, CSV, meta, the description, languages, the client.

use serde_json::{Value as J, json};

use crate::Served;

fn filled() -> Served {
    let served = Served::new();
    for name in ["Alfa", "Beta", "Čáp", "Delta", "=cmd()"] {
        served.trial.create(
            "sales",
            "party.party",
            json!({"name": name, "credit_limit": {"amount": "10.50", "currency": "CZK"}, "addresses": [{"kind": "invoice", "city": "Brno"}]}),
        );
    }
    served
}

#[test]
fn lists_are_filtered_sorted_paged_counted_and_grouped() {
    let served = filled();
    let sales = served.as_user("sales");
    let page = sales.get("/api/v1/entities/party.party?sort=name&limit=2&count=1").json();
    assert_eq!(page["rows"].as_array().map(Vec::len), Some(2));
    assert_eq!(page["count"], 5);
    let next = page["next"].as_str().expect("a next page");
    let page = sales.get(&format!("/api/v1/entities/party.party?sort=name&limit=2&after={next}")).json();
    assert_eq!(page["rows"].as_array().map(Vec::len), Some(2));
    let one = sales.get("/api/v1/entities/party.party?filter=%7B%22name%22%3A%22Beta%22%7D").json();
    assert_eq!(one["rows"][0]["name"], "Beta");
    assert_eq!(one["rows"][0]["credit_limit"], json!({"amount": "10.50", "currency": "CZK"}));
    let groups = sales.get("/api/v1/entities/party.party?group=kind&sum=credit_limit").json();
    assert_eq!(groups["rows"][0]["sum_credit_limit"], "52.50");
    assert_eq!(groups["rows"][0]["count"], 5);
    let titled = sales.get("/api/v1/entities/party.address?group=party&titles=1").json();
    let names: Vec<_> =
        titled["rows"].as_array().into_iter().flatten().map(|r| r["_titles"]["party"].clone()).collect();
    assert_eq!(names.len(), 5);
    assert!(names.contains(&json!("Čáp")), "{titled}");
    let bare = sales.get("/api/v1/entities/party.address?group=party").json();
    assert!(bare["rows"][0]["_titles"].is_null());
}

#[test]
fn a_record_has_its_revision_as_etag_and_tells_operations() {
    let served = filled();
    let sales = served.as_user("sales");
    let user = sales.get("/api/v1/session").json()["user"]["id"].as_i64().expect("a user");
    let renamed = served.as_user("admin").json(
        "PATCH",
        &format!("/api/v1/entities/platform.user/{user}"),
        &json!({"name": "Jana Nová"}),
    );
    assert_eq!(renamed.status, 200, "{}", renamed.text());
    let id = sales.get("/api/v1/entities/party.party?limit=1").json()["rows"][0]["id"].as_i64().expect("an id");
    let one = sales.get(&format!("/api/v1/entities/party.party/{id}?operations=1&titles=1"));
    assert_eq!((one.status, one.header("etag")), (200, "\"1\""));
    assert!(one.json()["_operations"].is_array());
    assert!(one.json()["addresses"].is_array());
    for part in ["history", "links", "attachments"] {
        let reply = sales.get(&format!("/api/v1/entities/party.party/{id}/{part}"));
        assert_eq!(reply.status, 200, "{part}: {}", reply.text());
        assert!(reply.json()["rows"].is_array(), "{part}");
    }
    // People read who did what, not what they sign in as.
    let history = sales.get(&format!("/api/v1/entities/party.party/{id}/history?lang=cs")).json();
    assert_eq!(history["rows"][0]["actor"]["name"], "Jana Nová");
    assert_eq!(history["rows"][0]["operation_label"], "Vytvořeno");
    // What the program did by itself is told in words too.
    let admin = served.as_user("admin");
    let company = admin.get("/api/v1/session").json()["company"]["id"].as_i64().expect("a company");
    let history = admin.get(&format!("/api/v1/entities/platform.company/{company}/history?lang=cs")).json();
    let first = history["rows"].as_array().and_then(|rows| rows.last()).cloned().expect("a history");
    assert_eq!((&first["actor"]["name"], &first["operation_label"]), (&json!("Systém"), &json!("Provedl systém")));
}

#[test]
fn csv_holds_all_rows_and_no_formulas() {
    let served = Served::new();
    let sales = served.as_user("sales");
    for i in 0..1_050 {
        served.trial.create("sales", "party.party", json!({"name": format!("=P{i}, \"x\"")}));
    }
    let reply = sales.with("accept", "text/csv").get("/api/v1/entities/party.party");
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").starts_with("text/csv"));
    let text = reply.text();
    assert_eq!(text.lines().count(), 1_051);
    assert!(text.starts_with("id,name,"), "{}", &text[..80]);
    assert!(text.contains("\"'=P7, \"\"x\"\"\""));
    let wrong = sales.get("/api/v1/entities/party.party?format=csv&sort=nothing");
    assert_eq!(wrong.header("content-type"), "application/problem+json");
}

#[test]
fn a_workbook_holds_the_list_as_people_read_it() {
    use sheet::Cell;
    let served = filled();
    for i in 0..1_050 {
        served.trial.create("sales", "party.party", json!({"name": format!("P{i}"), "kind": "person"}));
    }
    let rows = |login: &str, more: &str| {
        let reply = served.as_user(login).get(&format!("/api/v1/entities/party.party?format=xlsx{more}"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        assert_eq!(reply.header("content-type"), media_type);
        let mut rows = Vec::new();
        sheet::read(&reply.body, None, sheet::Limits::default(), &mut |_, row| {
            rows.push(row.to_vec());
            true
        })
        .expect("a workbook");
        rows
    };
    let text = |text: &str| Cell::Text(text.to_owned());
    let some =
        rows("sales", "&lang=cs&fields=name,kind,credit_limit&sort=name&filter=%7B%22kind%22%3A%22company%22%7D");
    assert_eq!(some[0], [text("Název"), text("Druh"), text("Úvěrový limit"), text("Úvěrový limit (měna)")]);
    let limit = Cell::Number("10.5".to_owned());
    assert_eq!(some[1], [text("=cmd()"), text("Firma"), limit, text("CZK")]);
    assert_eq!(some.len(), 6);
    let all = rows("sales", "&lang=en");
    assert_eq!((all.len(), &all[0][0], &all[0][1]), (1_056, &text("id"), &text("Name")));
    // Fields that somebody may not see are not there, and may not be asked for.
    let fewer = rows("stock", "&lang=en");
    assert!(!fewer[0].contains(&text("Credit limit")) && all[0].contains(&text("Credit limit")));
    let stock = served.as_user("stock");
    let refused = stock.get("/api/v1/entities/party.party?format=xlsx&fields=credit_limit");
    assert_eq!((refused.status, refused.code().as_str()), (400, "no_field"));
    let grouped = rows("sales", "&group=kind&sum=credit_limit");
    assert_eq!(grouped[0][0], text("kind"));
    assert_eq!(grouped.len(), 3);
    let csv = stock.get("/api/v1/entities/party.party?format=csv&fields=name,id&sort=name").text();
    assert!(csv.starts_with("id,name\r\n"), "{}", &csv[..30]);
}

#[test]
fn meta_is_cut_down_to_rights_and_in_the_language() {
    let served = Served::new();
    let meta = served.as_user("sales").get("/api/v1/meta").json();
    assert_eq!(meta["user"]["login"], "sales");
    assert!(meta["entities"]["party.party"]["view"]["list"].is_array());
    assert!(meta["entities"]["platform.token"].is_null(), "administrators only");
    assert!(meta["operations"]["platform.user.add"].is_null());
    let english = served.as_user("sales").get("/api/v1/meta?lang=en").json();
    let labels = english["entities"]["platform.company"]["fields"].as_array().cloned().unwrap_or_default();
    let label = |name: &str| labels.iter().find(|f| f["name"] == name).map(|f| f["label"].clone());
    assert_eq!(
        (label("vat_no"), label("iban"), label("street")),
        (Some(json!("VAT no.")), Some(json!("IBAN")), Some(json!("Street")))
    );
    let stock = served.as_user("stock").get("/api/v1/meta").json();
    let fields = stock["entities"]["party.party"]["fields"].as_array().cloned().unwrap_or_default();
    assert!(!fields.iter().any(|f| f["name"] == "credit_limit"), "a sensitive field is not even named");
    assert_eq!(stock["entities"]["party.party"]["rights"]["create"], false);
    let czech = served.as_user("sales").get("/api/v1/meta?lang=cs").json();
    let labels = |meta: &J| meta["areas"].as_array().and_then(|a| a.iter().find(|a| a["key"] == "customers").cloned());
    assert_eq!(labels(&czech).map(|a| a["label"].clone()), Some(json!("Zákazníci")));
    assert_eq!(labels(&meta).map(|a| a["label"].clone()), Some(json!("Customers")));
}

#[test]
fn the_description_covers_every_entity_and_operation() {
    let served = Served::new();
    let told = served.client().get("/api/v1/openapi.json").json();
    assert_eq!(told["openapi"], "3.1.0");
    let schema = served.trial.kernel().schema();
    for name in schema.plans.keys() {
        assert!(told["paths"][format!("/api/v1/entities/{name}")]["get"].is_object(), "{name}");
        assert!(told["paths"][format!("/api/v1/entities/{name}/{{id}}")]["get"].is_object(), "{name}");
        assert!(told["components"]["schemas"][*name].is_object(), "{name}");
    }
    for name in schema.operations.keys() {
        assert!(told["paths"][format!("/api/v1/operations/{name}")]["post"].is_object(), "{name}");
    }
    let text = told.to_string();
    let mut at = 0;
    while let Some(found) = text[at..].find("#/components/schemas/") {
        at += found + 21;
        let name = text[at..].split('"').next().unwrap_or("");
        assert!(told["components"]["schemas"][name].is_object(), "{name} is referred to");
    }
    assert_eq!(served.client().get("/api/docs").status, 200);
    assert_eq!(served.client().get("/api/docs/page.js").header("content-type"), "text/javascript; charset=utf-8");
}

#[test]
fn refusals_are_in_the_language_asked_for() {
    let served = Served::new();
    let sales = served.as_user("sales");
    let detail = |reply: trial::http::Reply| reply.json()["detail"].as_str().unwrap_or("").to_owned();
    let czech = detail(sales.post("/api/v1/entities/party.party?lang=cs", &json!({})));
    let english = detail(sales.post("/api/v1/entities/party.party", &json!({})));
    assert_ne!(czech, english);
    let exactly = sales.with("accept-language", "cs").post("/api/v1/entities/party.party", &json!({}));
    assert_eq!(detail(exactly), czech);
    let browser = sales.with("accept-language", "cs-CZ,cs;q=0.9").post("/api/v1/entities/party.party", &json!({}));
    assert_eq!(detail(browser), english, "the user's own language");
}

#[test]
fn the_client_is_served_and_knows_its_own_addresses() {
    let served = Served::new();
    let index = served.client().get("/");
    assert_eq!((index.status, index.header("cache-control")), (200, "no-cache"));
    let deep = served.client().get("/sales.order/17");
    assert_eq!(deep.body, index.body);
    assert_eq!(served.client().get("/assets/nothing.js").status, 404);
    let again = served.client().with("if-none-match", index.header("etag")).get("/");
    assert_eq!(again.status, 304);
}

#[test]
fn operations_that_read_take_their_input_from_the_query() {
    let served = filled();
    let sales = served.as_user("sales");
    let reply = sales.get("/api/v1/operations/party.party.duplicates?name=Alfa");
    assert_eq!(reply.status, 200, "{}", reply.text());
    let reply = sales.get("/api/v1/operations/platform.note.add?text=x");
    assert_eq!((reply.status, reply.code().as_str(), reply.header("allow")), (405, "not_read", "POST"));
}

#[test]
fn what_was_defined_at_run_time_is_read_written_described_and_exported_at_once() {
    let served = Served::new();
    let admin = served.as_user("admin");
    let ask = |operation: &str, input: J| {
        let reply = admin.json("POST", &format!("/api/v1/operations/{operation}"), &input);
        assert_eq!(reply.status, 200, "{operation}: {}", reply.text());
    };
    ask("sys.entity.add", json!({"name": "x_lab.sample", "label": "Sample"}));
    ask("sys.field.add", json!({"entity": "x_lab.sample", "name": "x_depth", "label": "Depth", "kind": "dec"}));
    let made = admin.json("POST", "/api/v1/entities/x_lab.sample", &json!({"name": "S", "x_depth": "1.50"}));
    assert_eq!(made.status, 201, "{}", made.text());
    let wrong = admin.json("POST", "/api/v1/entities/x_lab.sample", &json!({"name": "S", "x_depth": "deep"}));
    assert_eq!((wrong.status, wrong.json()["errors"][0]["field"].as_str()), (422, Some("x_depth")));
    let csv = admin.with("accept", "text/csv").get("/api/v1/entities/x_lab.sample").text();
    assert!(csv.contains("x_depth") && csv.contains("1.50"), "{csv}");
    assert!(admin.get("/api/v1/openapi.json").text().contains("x_depth"));
    ask("sys.field.remove", json!({"entity": "x_lab.sample", "name": "x_depth", "force": true, "reason": "Unused"}));
    let list = admin.get("/api/v1/entities/x_lab.sample");
    assert!(list.status == 200 && !list.text().contains("x_depth"), "{}", list.text());
    assert_eq!(admin.get("/api/v1/entities/x_lab.sample?sort=x_depth").status, 400);
}
