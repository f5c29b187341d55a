//! Parties through public operations.

#![allow(clippy::unwrap_used)]

use kernel::Error;
use serde_json::{Value as J, json};
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

fn draft(trial: &Trial, login: &str, body: J) -> J {
    trial.kernel().draft("party.party", &body, &trial.who(login)).unwrap()
}

fn notes(draft: &J) -> Vec<(String, String)> {
    let all = draft["notes"].as_array().cloned().unwrap_or_default();
    all.iter().map(|n| (n["field"].as_str().unwrap().to_owned(), n["code"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn candidates_are_told_beside_the_form_and_nothing_is_refused() {
    let trial = Trial::new(&[&party::MODULE]);
    let known = json!({"name": "Žižka a syn s.r.o.", "reg_no": "00006947", "email": "Info@Zizka.example",
        "contacts": [{"kind": "email", "value": "Jan@Zizka.example", "label": "Jan"}, {"kind": "phone", "value": "777 123 456"}]});
    let id = trial.create("sales", "party.party", known);
    for (field, body) in [
        ("name", json!({"name": "ZIZKA A SYN, spol. s r.o."})),
        ("reg_no", json!({"reg_no": "000 069 47"})),
        ("email", json!({"email": "info@zizka.example"})),
        ("email", json!({"email": "JAN@zizka.example"})),
        ("phone", json!({"phone": "+420 777 123 456"})),
    ] {
        let told = draft(&trial, "sales", body.clone());
        assert_eq!(notes(&told), [(field.to_owned(), format!("party.party.same_{field}"))], "{body}");
        let note = &told["notes"][0];
        assert_eq!(note["links"], json!([{"entity": "party.party", "id": id, "title": "Žižka a syn s.r.o."}]));
        assert!(note["message"].as_str().unwrap().contains("Žižka a syn s.r.o."));
    }
    assert_eq!(notes(&draft(&trial, "sales", json!({"name": "Žižka a dcera"}))), [], "words in common are not a name");
    // The record itself is no candidate for itself, and what was stored before is not told again.
    assert_eq!(notes(&draft(&trial, "sales", json!({"id": id, "email": "nova@zizka.example"}))), []);
    assert_eq!(notes(&draft(&trial, "sales", json!({"id": id, "email": "jan@zizka.example"}))), []);
    let twin = trial.create("sales", "party.party", json!({"name": "Žižka a syn"}));
    assert_eq!(notes(&draft(&trial, "sales", json!({"id": id, "name": "Žižka a syn a.s."}))).len(), 1);
    assert_eq!(notes(&draft(&trial, "sales", json!({"id": twin, "note": "x"}))), []);
    // Who was merged away, or archived, is no candidate.
    trial
        .kernel()
        .change("party.party", twin, None, &json!({"archived": true}), &kernel::Ask::by(trial.who("sales")))
        .unwrap();
    assert_eq!(notes(&draft(&trial, "sales", json!({"id": id, "name": "Žižka a syn a.s."}))), []);
}

#[test]
fn a_candidate_that_one_may_not_read_is_not_told() {
    let trial = Trial::new(&[&party::MODULE]);
    trial.create("accounts", "party.party", json!({"name": "Tajná s.r.o.", "email": "tajna@example.com"}));
    let role = trial.list("platform.role", json!({"code": "sales"}))[0]["id"].clone();
    let rule = json!({"role": role, "entity": "party.party", "filter": {"name": {"ne": "Tajná s.r.o."}}, "read": true, "write": false});
    trial.create("admin", "platform.rule", rule);
    let body = json!({"name": "Tajná", "email": "tajna@example.com"});
    assert_eq!(notes(&draft(&trial, "sales", body.clone())), []);
    assert_eq!(notes(&draft(&trial, "accounts", body)).len(), 1, "each candidate once, by what is surest");
}

#[test]
fn numbers_that_look_wrong_are_told_and_stored() {
    let trial = Trial::new(&[&party::MODULE]);
    let odd = json!({"name": "Nová", "reg_no": "00006948", "vat_no": "cz 123"});
    let told = draft(&trial, "sales", odd.clone());
    let codes: Vec<String> = notes(&told).into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["party.party.doubtful_reg_no", "party.party.doubtful_vat_no"]);
    assert_eq!(told["errors"], json!([]));
    let ask = kernel::Ask::by(trial.who("sales"));
    let made = trial.kernel().create("party.party", &odd, &ask).unwrap().output;
    assert_eq!(made["notes"].as_array().unwrap().len(), 2, "who writes without a form is told too");
    let id = made["id"].as_i64().unwrap();
    assert_eq!(trial.record("party.party", id)["vat_no"], "CZ123");
    let changed = trial.kernel().change("party.party", id, None, &json!({"phone": "777123456"}), &ask).unwrap().output;
    assert!(changed.get("notes").is_none(), "only what was changed is judged");
    // A German registration number is none of the Czech kind.
    assert_eq!(notes(&draft(&trial, "sales", json!({"name": "GmbH", "country": "DE", "reg_no": "HRB 123"}))), []);
    let czech = kernel::Principal { language: kernel::Language::Cs, ..(*trial.who("sales")).clone() };
    let told = trial.kernel().draft("party.party", &json!({"reg_no": "1"}), &czech.into()).unwrap();
    assert!(told["notes"][0]["message"].as_str().unwrap().starts_with("IČO 1 nevypadá správně"));
}

#[test]
fn contact_points_are_kept_in_one_spelling_and_tags_gather_parties() {
    let trial = Trial::new(&[&party::MODULE]);
    let tag = trial.create("sales", "party.tag", json!({"name": "VIP"}));
    let body = json!({"name": "Eva", "kind": "person", "tags": [tag], "contacts": [
        {"kind": "email", "value": "Eva@Example.com"}, {"kind": "phone", "value": "777 123 456"},
        {"kind": "web", "value": "eva.example/o-nas"}, {"kind": "other", "value": "Signal: eva"}]});
    let id = trial.create("sales", "party.party", body);
    let record = trial.record("party.party", id);
    let values: Vec<&str> =
        record["contacts"].as_array().unwrap().iter().map(|c| c["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["eva@example.com", "+420777123456", "https://eva.example/o-nas", "Signal: eva"]);
    assert_eq!(record["tags"], json!([tag]));
    assert_eq!(trial.list("party.party", json!({"tags": tag})).len(), 1);
    let ask = kernel::Ask::by(trial.who("sales"));
    for (kind, value) in
        [("email", "nobody"), ("phone", "12"), ("web", "javascript:alert(1)"), ("web", "a b.cz"), ("web", "u:p@x.cz")]
    {
        let body = json!({"contacts": [{"kind": kind, "value": value}]});
        let error: Error = trial.kernel().change("party.party", id, None, &body, &ask).unwrap_err();
        assert_eq!((error.status, error.errors[0].field.as_str()), (422, "contacts.4.value"), "{kind} {value}");
    }
    let one = record["contacts"][0]["id"].clone();
    trial
        .kernel()
        .change("party.party", id, None, &json!({"contacts": [{"id": one, "_delete": true}], "tags": []}), &ask)
        .unwrap();
    let record = trial.record("party.party", id);
    assert_eq!((record["contacts"].as_array().unwrap().len(), record["tags"].clone()), (3, json!([])));
}
