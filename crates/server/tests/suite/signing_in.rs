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
    assert!(served.client().get("/metrics").text().contains("celek_requests_total"));
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
