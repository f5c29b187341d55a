//! Parties through public operations.

#![allow(clippy::unwrap_used)]

use serde_json::json;
use trial::Trial;

#[test]
fn a_party_has_addresses_and_candidates_are_found() {
    let trial = Trial::new(&[&party::MODULE]);
    let id = trial.create(
        "sales",
        "party.party",
        json!({"name": "Žižka a syn s.r.o.", "reg_no": "27 07 40 30", "phone": "777 123 456",
            "addresses": [{"street": "Hradní 1", "city": "Kutná Hora", "postcode": "284 01"}]}),
    );
    let record = trial.record("party.party", id);
    assert_eq!(record["reg_no"], "27074030");
    assert_eq!(record["phone"], "+420777123456");
    assert_eq!(record["addresses"][0]["country"], "CZ");
    let found = trial.run("sales", "party.party.duplicates", json!({"name": "zizka"}));
    assert_eq!(found["candidates"][0]["party"], json!(id));
    let found = trial.run("sales", "party.party.duplicates", json!({"reg_no": "27074030"}));
    assert_eq!(found["candidates"][0]["same"], "reg_no");
}
