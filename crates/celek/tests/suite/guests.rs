//! The web form's endpoint answers pages of other sites, from where the company lets them; nothing else does. And what
//! operations print is shown in the browser where that is harmless, under headers that let nothing run.

use serde_json::json;

use crate::house::House;

const ARRIVE: &str = "/api/v1/operations/crm.lead.arrive";
const SITE: &str = "https://www.example.com";

#[test]
fn a_form_of_another_site_may_send_leads_and_nothing_else() {
    let house = House::new();
    let page = house.client().with("origin", SITE).with("sec-fetch-site", "cross-site");
    let asking =
        page.with("access-control-request-method", "POST").with("access-control-request-headers", "content-type");
    let reply = asking.send("OPTIONS", ARRIVE, &[], b"");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, SITE), "{}", reply.text());
    assert_eq!(reply.header("access-control-allow-methods"), "POST");
    assert!(reply.header("access-control-allow-headers").contains("content-type"));
    assert!(reply.header("vary").contains("origin"));
    assert!(reply.header("access-control-allow-credentials").is_empty(), "never with a cookie");
    let sent = page.post(ARRIVE, &json!({"name": "Karel", "email": "karel@example.com"}));
    assert_eq!((sent.status, sent.header("access-control-allow-origin")), (200, SITE), "{}", sent.text());
    let refused = page.post(ARRIVE, &json!({"name": "Karel"}));
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (422, SITE), "the page can tell why");
    // Everything else is silent to other sites, for a browser that asks and for one that does not.
    for path in
        ["/api/v1/session", "/api/v1/meta", "/api/v1/entities/party.party", "/api/v1/operations/sales.order.confirm"]
    {
        let asked = asking.send("OPTIONS", path, &[], b"");
        assert_eq!(asked.status, 405, "{path}");
        assert!(asked.header("access-control-allow-origin").is_empty(), "{path}");
        let sent = house.as_user("admin").with("origin", SITE).get(path);
        assert!(sent.header("access-control-allow-origin").is_empty(), "{path}");
    }
    let session = page.post("/api/v1/session", &json!({"user": "admin", "password": "demo"}));
    assert_eq!((session.status, session.code().as_str()), (403, "origin"));
}

#[test]
fn streams_name_the_sites_whose_forms_may_send() {
    let house = House::new();
    let manager = house.as_user("manager");
    let stream = format!("/api/v1/entities/crm.stream/{}", house.newest()["crm.stream"]);
    for wrong in ["example.com", "https://", "https://example.com/form", "ftp://example.com", "https://a b"] {
        let reply = manager.json("PATCH", &stream, &json!({"origins": wrong}));
        assert_eq!(reply.status, 422, "{wrong}: {}", reply.text());
        assert_eq!(reply.json()["errors"][0]["code"], "crm.origin", "{wrong}");
    }
    let reply = manager.json("PATCH", &stream, &json!({"origins": format!("{SITE}\n http://localhost:3000 ")}));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let before = house.rows("admin", "crm.lead").len();
    let lead = json!({"name": "Karel", "email": "karel@example.com"});
    for (origin, allowed) in [
        (SITE, true),
        ("HTTPS://WWW.EXAMPLE.COM", true),
        ("http://localhost:3000", true),
        ("https://example.com", false),
        ("https://www.example.com.evil.example", false),
        ("http://www.example.com", false),
        ("null", false),
        ("", false),
    ] {
        let page = house.client().with("origin", origin);
        let asked = page.with("access-control-request-method", "POST").send("OPTIONS", ARRIVE, &[], b"");
        let sent = page.post(ARRIVE, &lead);
        assert_eq!((asked.status, sent.status), if allowed { (204, 200) } else { (403, 403) }, "{origin}");
        assert_eq!(sent.header("access-control-allow-origin").is_empty(), !allowed, "{origin}");
    }
    assert_eq!(house.client().post(ARRIVE, &lead).status, 200, "a program has no origin");
    assert_eq!(house.rows("admin", "crm.lead").len(), before + 4);
}

#[test]
fn a_printed_document_is_shown_safely() {
    let house = House::new();
    let invoices = house.rows("admin", "finance.invoice");
    let invoice = invoices.iter().find(|i| i["state"] != "draft").unwrap()["id"].as_i64().unwrap();
    let accounts = house.as_user("accounts");
    let path = format!("/api/v1/operations/finance.invoice.pdf?invoice={invoice}");
    let shown = accounts.get(&path);
    assert_eq!((shown.status, shown.header("content-type")), (200, "application/pdf"), "{}", shown.text());
    assert!(shown.body.starts_with(b"%PDF-"));
    assert!(shown.header("content-disposition").starts_with("inline; filename="));
    let policy = shown.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'self'"), "{policy}");
    assert_eq!((shown.header("x-content-type-options"), shown.header("x-frame-options")), ("nosniff", "SAMEORIGIN"));
    assert!(accounts.get(&format!("{path}&download=1")).header("content-disposition").starts_with("attachment"));
    let posted = accounts.post("/api/v1/operations/finance.invoice.pdf", &json!({"invoice": invoice}));
    assert!(posted.header("content-disposition").starts_with("attachment"));
    assert_eq!(house.client().get(&path).status, 401);
    // What somebody brings as a page is never one.
    for name in ["a.html", "a.svg", "a.xhtml", "a.xml"] {
        let body = format!(
            "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: text/html\r\n\r\n\
             <svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>\r\n--cut--\r\n"
        );
        let kind = [("content-type", "multipart/form-data; boundary=cut")];
        let kept = accounts.send("POST", "/api/v1/files", &kind, body.as_bytes());
        let read = accounts.get(&format!("/api/v1/files/{}", kept.json()["id"]));
        assert_eq!(read.header("content-type"), "application/octet-stream", "{name}");
        assert!(read.header("content-disposition").starts_with("attachment"), "{name}");
    }
}

#[test]
fn a_demo_company_answers_under_the_names_of_this_machine_only() {
    let house = House::new();
    for (host, status) in [("localhost", 200), ("127.0.0.1:8080", 200), ("[::1]", 200), ("example.com", 421)] {
        for path in ["/", "/api/v1/session", "/healthz"] {
            let reply = house.client().with("host", host).get(path);
            assert_eq!(reply.status, status, "{host} {path}");
        }
    }
    assert_eq!(house.client().with("host", "localhost.example.com").get("/").code(), "misdirected");
}
