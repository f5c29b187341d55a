//! Sessions, other sites, headers.

use serde_json::json;

use crate::Served;

#[test]
fn a_session_begins_and_ends() {
    let served = Served::new();
    let open = served.client().get("/api/v1/session");
    assert_eq!(open.status, 200);
    assert_eq!(open.json(), json!({"user": null, "company": null, "demo": [], "setup": false}));
    let sales = served.signed_in("sales");
    let told = sales.get("/api/v1/session").json();
    assert_eq!(told["user"]["login"], "sales");
    assert!(told["company"]["name"].is_string());
    assert_eq!(sales.get("/api/v1/meta").status, 200);
    assert_eq!(sales.send("DELETE", "/api/v1/session", &[], b"").status, 204);
    assert_eq!(sales.get("/api/v1/meta").status, 401);
}

#[test]
fn the_cookie_is_kept_from_scripts_and_other_sites() {
    let served = Served::new();
    platform::reset_password(served.trial.kernel(), "sales", "a good password").expect("a password");
    let reply = served.client().post("/api/v1/session", &json!({"user": "sales", "password": "a good password"}));
    let cookie = reply.header("set-cookie");
    for part in ["celek_session=", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
}

#[test]
fn wrong_passwords_are_refused_and_then_slowed_down() {
    let served = Served::new();
    let try_it = || served.client().post("/api/v1/session", &json!({"user": "buyer", "password": "not it at all"}));
    assert_eq!(try_it().status, 401);
    let last = (0..12).map(|_| try_it().status).fold(None, |_, status| Some(status));
    assert_eq!(last, Some(429));
}

#[test]
fn writes_from_other_sites_are_refused() {
    let served = Served::new();
    let sales = served.signed_in("sales");
    let body = json!({"name": "Foreign"});
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let reply = sales.with(name, value).post("/api/v1/entities/party.party", &body);
        assert_eq!((reply.status, reply.code().as_str()), (403, "origin"), "{name}: {value}");
    }
    assert_eq!(served.parties(), 0);
    let own = sales.with("sec-fetch-site", "same-origin").post("/api/v1/entities/party.party", &body);
    assert_eq!(own.status, 201, "{}", own.text());
    let token = served.as_user("sales").with("origin", "https://evil.example");
    assert_eq!(token.post("/api/v1/entities/party.party", &body).status, 201, "a token is no cookie");
}

#[test]
fn every_answer_bears_the_headers_that_keep_browsers_safe() {
    let served = Served::new();
    for path in ["/", "/healthz", "/api/v1/session", "/api/v1/nothing", "/api/docs", "/sales/order/5"] {
        let reply = served.client().get(path);
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert!(reply.header("content-security-policy").contains("script-src 'self';"), "{path}");
        assert!(!reply.header("x-request-id").is_empty(), "{path}");
    }
    let reply = served.client().with("x-request-id", "mine-17").get("/healthz");
    assert_eq!(reply.header("x-request-id"), "mine-17");
    assert_eq!(served.client().get("/readyz").json(), json!({"ready": true}));
}

#[test]
fn figures_are_told_as_prometheus_reads_them() {
    let served = Served::new();
    let sales = served.signed_in("sales");
    for _ in 0..3 {
        assert_eq!(sales.get("/api/v1/entities/party.party").status, 200);
    }
    assert_eq!(sales.get("/api/v1/entities/party.party/999999").status, 404);
    assert_eq!(sales.post("/api/v1/entities/party.party", &json!({"name": "Nová"})).status, 201);
    assert_eq!(sales.get("/a/page/that/nobody/has").status, 200);
    let text = served.client().get("/metrics").text();
    for line in [
        "celek_http_requests_total{class=\"list\",status=\"2xx\"} 3",
        "celek_http_requests_total{class=\"record\",status=\"4xx\"} 1",
        "celek_http_requests_total{class=\"write\",status=\"2xx\"} 1",
        "celek_http_request_duration_seconds_bucket{class=\"list\",le=\"+Inf\"} 3",
        "celek_http_request_duration_seconds_count{class=\"list\"} 3",
        "# TYPE celek_http_request_duration_seconds histogram",
        "celek_jobs_dead 0",
        "celek_letters_queued 0",
        "celek_event_streams 0",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
    let mut named = std::collections::BTreeSet::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap_or(("", ""));
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = name.split('{').next().unwrap_or(name);
        assert!(name.starts_with("celek_") && named.insert(line.to_owned()), "{line}");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(text.contains(&format!("# TYPE {family} ")) && text.contains(&format!("# HELP {family} ")), "{line}");
    }
    assert!(text.contains("celek_store_commits_total ") && text.contains("celek_store_statements_total "));
}

#[test]
fn slow_statements_are_shown_to_administrators_without_what_was_asked_for() {
    let served = Served::new();
    served.trial.kernel().store().slow_from(std::time::Duration::from_nanos(1));
    let (admin, sales) = (served.signed_in("admin"), served.signed_in("sales"));
    let filter = "/api/v1/entities/party.party?filter=%7B%22reg_no%22%3A%22tajemstvi%22%7D";
    for _ in 0..2 {
        assert_eq!(sales.get(filter).status, 200);
    }
    assert_eq!(sales.get("/api/v1/operations/sys.statement.slow").status, 403);
    let told = admin.get("/api/v1/operations/sys.statement.slow").json();
    let rows = told["statements"].as_array().cloned().unwrap_or_default();
    let found =
        rows.iter().find(|row| row["text"].as_str().is_some_and(|t| t.contains("party_party") && t.contains("reg_no")));
    assert!(found.is_some_and(|row| row["count"].as_i64() >= Some(2)), "{told}");
    assert!(rows.len() <= 200 && !told.to_string().contains("tajemstvi"), "{told}");
}

#[test]
fn a_token_is_limited_to_its_scope() {
    let served = Served::new();
    let token = platform::create_token(served.trial.kernel(), "sales", "test", "read", None).expect("a token");
    let client = served.client().token(&token);
    assert_eq!(client.get("/api/v1/entities/party.party").status, 200);
    assert_eq!(client.post("/api/v1/entities/party.party", &json!({"name": "No"})).status, 403);
    assert_eq!(served.client().token("nonsense").get("/api/v1/session").status, 401);
}
