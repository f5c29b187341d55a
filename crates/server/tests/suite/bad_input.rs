//! Whatever comes is answered with a problem of the client's, never with one of ours, and stores nothing.

use serde_json::json;

use crate::Served;

const PARTIES: &str = "/api/v1/entities/party.party";

#[test]
fn bad_queries_are_the_clients_mistake() {
    let served = Served::new();
    let id = served.trial.create("sales", "party.party", json!({"name": "ACME"}));
    let admin = served.as_user("admin");
    let queries = [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=99999999999999999999999",
        "after=zz",
        "after=00",
        "after=7b7d",
        "after=5b5b5d5d",
        "sort=nothing",
        "sort=-",
        "sort=a.b.c.d",
        "sort=name;drop",
        "filter=x",
        "filter=[]",
        "filter=7",
        "filter=%7B%22nothing%22:1%7D",
        "filter=%7B%22name%22:%7B%22boo%22:1%7D%7D",
        "filter=%7B%22and%22:7%7D",
        "filter=%7B%22name%22:%7B%22in%22:7%7D%7D",
        "filter=%7B%22name%22:%7B%22between%22:[1]%7D%7D",
        "filter=%7B%22id%22:%22x%22%7D",
        "filter=%7B%22id%22:1e300%7D",
        "filter=%7B%22credit_limit%22:%22abc%22%7D",
        "group=nothing",
        "group=name:boo",
        "sum=name",
        "sum=nothing",
        "avg=kind",
        "expand=nothing",
        "expand=name",
        "titles=7",
        "count=x",
        "archived=maybe",
        "format=pdf",
        "q=%ff",
        "filter=%00",
        "limit=%zz",
        "group=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u",
        "format=csv&sort=nothing",
        "format=csv&group=nothing",
    ];
    for query in queries {
        let reply = admin.get(&format!("{PARTIES}?{query}"));
        let harmless = reply.status == 200 && matches!(query, "sort=-" | "filter=%7B%22id%22:%22x%22%7D");
        assert!((400..500).contains(&reply.status) || harmless, "{query}: {} {}", reply.status, reply.text());
        if !harmless {
            assert_eq!(reply.header("content-type"), "application/problem+json", "{query}");
            assert!(!reply.code().is_empty(), "{query}");
        }
    }
    for q in ["%22", "*", "AND", "(", "a%00b", "%27%20OR%201=1", "NEAR(a)", "-", "%C4%8D"] {
        let reply = admin.get(&format!("{PARTIES}?q={q}"));
        assert!(reply.status < 500, "{q}: {}", reply.text());
    }
    for deep in [format!("{PARTIES}?filter={}", "%7B%22not%22:".repeat(400)), format!("{PARTIES}/{id}?expand=nothing")]
    {
        let status = admin.get(&deep).status;
        assert!((400..500).contains(&status), "{status}");
    }
}

#[test]
fn bad_bodies_are_the_clients_mistake_and_store_nothing() {
    let served = Served::new();
    let id = served.trial.create("sales", "party.party", json!({"name": "ACME"}));
    let admin = served.as_user("admin");
    let deep = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
    let bodies: Vec<Vec<u8>> = [
        "",
        "{",
        "[]",
        "7",
        "\"x\"",
        "null",
        "true",
        "{\"nothing\": 1}",
        "{\"name\": null}",
        "{\"name\": 7}",
        "{\"name\": []}",
        "{\"name\": {}}",
        "{\"name\": \"a\\u0000b\"}",
        "{\"name\": \"x\", \"kind\": \"boo\"}",
        "{\"name\": \"x\", \"email\": \"@\"}",
        "{\"name\": \"x\", \"phone\": \"boo\"}",
        "{\"name\": \"x\", \"country\": \"XX\"}",
        "{\"name\": \"x\", \"payment_days\": 400}",
        "{\"name\": \"x\", \"payment_days\": 1e99}",
        "{\"name\": \"x\", \"payment_days\": 99999999999999999999}",
        "{\"name\": \"x\", \"credit_limit\": \"boo\"}",
        "{\"name\": \"x\", \"credit_limit\": {\"amount\": \"1\", \"currency\": \"boo\"}}",
        "{\"name\": \"x\", \"credit_limit\": {\"amount\": \"99999999999999999999999\", \"currency\": \"CZK\"}}",
        "{\"name\": \"x\", \"credit_limit\": {\"amount\": \"1.234\", \"currency\": \"CZK\"}}",
        "{\"name\": \"x\", \"tags\": 7}",
        "{\"name\": \"x\", \"tags\": [999999]}",
        "{\"name\": \"x\", \"tags\": [\"boo\"]}",
        "{\"name\": \"x\", \"addresses\": 7}",
        "{\"name\": \"x\", \"addresses\": [7]}",
        "{\"name\": \"x\", \"addresses\": [{\"nothing\": 1}]}",
        "{\"name\": \"x\", \"addresses\": [{\"id\": 999999}]}",
        "{\"name\": \"x\", \"merged_into\": 5}",
        "{\"name\": \"x\", \"_title\": {}, \"y\": 1}",
        "{\"name\": 1e999}",
        "{\"name\": NaN}",
    ]
    .iter()
    .map(|t| t.as_bytes().to_vec())
    .chain([
        deep.into_bytes(),
        b"{\"name\": \"\xff\"}".to_vec(),
        format!("{{\"name\": \"{}\"}}", "x".repeat(300)).into_bytes(),
    ])
    .collect();
    let header = [("content-type", "application/json")];
    for body in &bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        for path in [
            PARTIES.to_owned(),
            "/api/v1/session".to_owned(),
            "/api/v1/operations/platform.note.add".to_owned(),
            "/api/v1/operations/platform.user.set_roles".to_owned(),
            "/api/v1/entities/nothing".to_owned(),
            "/api/v1/operations/nothing".to_owned(),
            "/api/v1/entities/sys.audit".to_owned(),
            "/api/v1/entities/party.address".to_owned(),
        ] {
            let reply = admin.send("POST", &path, &header, body);
            assert!((400..500).contains(&reply.status), "POST {path} {shown}: {} {}", reply.status, reply.text());
            assert_eq!(reply.header("content-type"), "application/problem+json", "POST {path} {shown}");
        }
        for (method, path) in [("PATCH", format!("{PARTIES}/{id}")), ("POST", format!("{PARTIES}/draft"))] {
            let reply = admin.send(method, &path, &header, body);
            assert!(reply.status < 500, "{method} {path} {shown}: {} {}", reply.status, reply.text());
        }
    }
    assert_eq!(served.parties(), 1);
    assert_eq!(served.trial.list("platform.note", json!({})).len(), 0);
}

#[test]
fn wrong_addresses_methods_and_kinds_of_content_are_told_apart() {
    let served = Served::new();
    let admin = served.as_user("admin");
    for path in [
        "/api",
        "/api/v1",
        "/api/v2/meta",
        "/api/v1/nothing",
        "/api/v1/entities",
        "/api/v1/entities/party.party/x",
        "/api/v1/entities/party.party/0",
        "/api/v1/entities/party.party/-1",
        "/api/v1/entities/party.party/99999999999999999999",
        "/api/v1/entities/party.party/5/nothing",
        "/api/v1/entities/party.party/5/panels/nothing",
        "/api/v1/entities/party.party/5/history",
        "/api/v1/entities/party.party/5/links",
        "/api/v1/entities/party.party/5/attachments",
        "/api/v1/entities/nothing",
        "/api/v1/entities/nothing/5",
        "/api/v1/operations/nothing",
        "/api/v1/files/5",
        "/api/v1/files/x",
        "/api/v1/entities/%ff",
        "/api/v1/entities/%00",
        "/api/v1/entities/a%2Fb",
        "/api/docs/nothing",
        "/nothing.js",
    ] {
        let reply = admin.get(path);
        assert_eq!(reply.status, 404, "{path}: {}", reply.text());
        assert_eq!(reply.header("content-type"), "application/problem+json", "{path}");
    }
    for (method, path) in [
        ("PUT", PARTIES),
        ("DELETE", PARTIES),
        ("PATCH", PARTIES),
        ("POST", "/api/v1/meta"),
        ("POST", "/api/v1/openapi.json"),
        ("GET", "/api/v1/files"),
        ("DELETE", "/api/v1/files/5"),
        ("POST", "/api/v1/entities/party.party/5"),
        ("TRACE", PARTIES),
        ("POST", "/healthz"),
        ("POST", "/"),
        ("GET", "/api/v1/setup"),
        ("OPTIONS", PARTIES),
    ] {
        let reply = admin.send(method, path, &[], b"");
        assert_eq!(reply.status, 405, "{method} {path}");
        assert!(!reply.header("allow").is_empty(), "{method} {path}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        let reply = admin.send("POST", PARTIES, &[("content-type", kind)], b"{\"name\": \"x\"}");
        assert_eq!((reply.status, reply.code().as_str()), (415, "media_type"), "{kind}");
    }
    let json = [("content-type", "application/json")];
    assert_eq!(admin.send("POST", "/api/v1/files", &json, b"{}").status, 415);
    for body in
        [&b""[..], b"--x", b"--x\r\n\r\n", b"--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n"]
    {
        let reply = admin.send("POST", "/api/v1/files", &[("content-type", "multipart/form-data; boundary=x")], body);
        assert!((400..500).contains(&reply.status), "{}", reply.text());
    }
    let large = [("content-type", "application/json"), ("content-length", "11000000")];
    let reply = admin.send("POST", PARTIES, &large, b"{");
    assert_eq!((reply.status, reply.code().as_str()), (413, "too_large"));
    assert_eq!(served.parties(), 0);
}

#[test]
fn strangers_get_nothing() {
    let served = Served::new();
    let nobody = served.client();
    for path in [
        "/api/v1/meta",
        PARTIES,
        "/api/v1/entities/nothing",
        "/api/v1/entities/party.party/5",
        "/api/v1/files/5",
        "/api/v1/events",
        "/api/v1/operations/party.party.duplicates",
        "/api/v1/operations/nothing",
    ] {
        let reply = nobody.get(path);
        assert_eq!((reply.status, reply.code().as_str()), (401, "signed_out"), "{path}");
    }
    for path in [PARTIES, "/api/v1/operations/platform.note.add", "/api/v1/files"] {
        assert_eq!(nobody.post(path, &json!({"name": "x"})).status, 401, "{path}");
    }
    let setup = json!({"token": "guess", "company": "x", "country": "CZ", "currency": "CZK", "language": "cs",
        "user": "root", "name": "x", "password": "long enough"});
    assert_eq!(nobody.post("/api/v1/setup", &setup).status, 403);
    let last = (0..25).map(|_| nobody.post("/api/v1/setup", &json!({})).status).fold(None, |_, status| Some(status));
    assert_eq!(last, Some(429), "guesses are slowed down");
}
