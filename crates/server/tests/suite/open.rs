//! What answers without anybody signed in: a short list that is written down here. Everything else, as the description of the
//! interface lists it, answers 401; an address that is added later is covered without anybody thinking of it.

use serde_json::{Value as J, json};

use crate::Served;

/// What strangers may ask besides the operations that are declared public.
const OPEN: &[(&str, &str)] = &[
    ("get", "/api/v1/openapi.json"),
    ("get", "/api/v1/session"),
    ("post", "/api/v1/session"),
    ("post", "/api/v1/setup"),
];

#[test]
fn without_authentication_only_what_is_listed_answers() {
    let served = Served::new();
    let id = served.trial.create("sales", "party.party", json!({"name": "ACME"}));
    let told = served.client().get("/api/v1/openapi.json").json();
    let schema = served.trial.kernel().schema();
    let (mut refused, mut open) = (0, Vec::new());
    for (path, methods) in told["paths"].as_object().expect("paths") {
        for (method, about) in methods.as_object().expect("methods").iter().filter(|(m, _)| *m != "parameters") {
            let address = path.replace("{id}", &id.to_string()).replace("{panel}", "x");
            let public = path
                .strip_prefix("/api/v1/operations/")
                .is_some_and(|name| schema.operation(name).is_ok_and(|entry| (entry.def)().public));
            let listed = OPEN.contains(&(method.as_str(), path.as_str())) || public;
            assert_eq!(about["security"] == json!([]), listed, "{method} {path}: the description says who may");
            for client in
                [served.client(), served.client().token("guessed"), served.client().with("cookie", "celek_session=x")]
            {
                let reply = client.json(&method.to_uppercase(), &address, &json!({}));
                if listed {
                    continue;
                }
                // Signing out needs nobody: it ends what is there.
                if method == "delete" && path == "/api/v1/session" && reply.status == 204 {
                    continue;
                }
                assert_eq!((reply.status, reply.code().as_str()), (401, "signed_out"), "{method} {path}");
                assert_eq!(reply.header("www-authenticate"), "Bearer", "{method} {path}");
                refused += 1;
            }
            if listed {
                let reply = served.client().json(&method.to_uppercase(), &address, &json!({}));
                assert_ne!(reply.status, 401, "{method} {path} is open");
                open.push(path.clone());
            }
        }
    }
    assert!(refused > 300, "{refused} requests were refused");
    assert!(open.len() >= OPEN.len(), "{open:?}");
    assert_eq!(served.trial.record("party.party", id)["rev"], 1, "and nothing was changed");
}

#[test]
fn what_a_stranger_is_told_says_nothing_about_the_company() {
    let served = Served::new();
    served.trial.create("sales", "party.party", json!({"name": "Tajemství"}));
    let nobody = served.client();
    for (_, path) in OPEN.iter().filter(|(method, _)| *method == "get") {
        let text = nobody.get(path).text();
        assert!(!text.contains("Tajemství") && !text.contains("password demo"), "{path}");
    }
    let session: J = nobody.get("/api/v1/session").json();
    assert_eq!((&session["user"], &session["company"], &session["demo"]), (&J::Null, &J::Null, &json!([])));
}
