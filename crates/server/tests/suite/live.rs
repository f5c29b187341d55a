//! Live changes.

use serde_json::{Value as J, json};

use crate::Served;

#[test]
fn listeners_hear_of_changes_that_they_may_read() {
    let served = Served::new();
    assert_eq!(served.client().events("/api/v1/events").status, 401);
    let mut events = served.as_user("sales").events("/api/v1/events");
    assert_eq!(events.status, 200);
    assert_eq!(events.next("event: ").as_deref(), Some("hello"));
    served.trial.run("admin", "platform.user.add", json!({"login": "new", "name": "New", "roles": "sales"}));
    let id = served.trial.create("buyer", "party.party", json!({"name": "ACME"}));
    let heard = loop {
        let data = events.next("data: ").expect("a change");
        let change: J = serde_json::from_str(&data).expect("JSON");
        if change.get("entity").is_some_and(|e| e == "party.party") {
            break change;
        }
        assert_ne!(change["entity"], "platform.credential");
        assert_ne!(change["entity"], "sys.audit");
    };
    assert_eq!(heard, json!({"entity": "party.party", "id": id, "rev": 1, "kind": "created"}));
}
