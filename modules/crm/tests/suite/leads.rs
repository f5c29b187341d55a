//! Leads: who is told, what becomes of them, who is taken for known.

use kernel::Ask;
use serde_json::{Value as J, json};
use trial::Trial;

use crate::kit::{MODULES, arrive, change, colleague, inbox, one, party, waiting};

fn lead() -> J {
    json!({"name": "Karel Vaněk", "company_name": "Kavárna U Vaňka", "email": "karel@vanek.example", "message": "5 hrnků."})
}

#[test]
fn a_lead_becomes_a_won_deal_without_retyping() {
    let trial = Trial::new(MODULES);
    let price = json!({"amount": "100", "currency": "CZK"});
    let item = trial.create("stock", "product.product", json!({"code": "H", "name": "Hrnek", "price": price}));
    assert!(!arrive(&trial, &lead()).unwrap()["message"].as_str().unwrap().is_empty());
    let tasks = inbox(&trial, "sales");
    assert_eq!((tasks.len(), tasks[0]["subject"]["entity"].as_str()), (1, Some("crm.lead")));
    trial.run("sales", "process.task.complete", json!({"task": tasks[0]["id"]}));
    assert_eq!(
        waiting(&trial, "sales"),
        ["Zavolat: Kavárna U Vaňka"],
        "the lead is done, the deal asks for its first step"
    );
    let lead = trial.record("crm.lead", tasks[0]["subject"]["id"].as_i64().unwrap());
    assert_eq!(lead["state"], "converted");
    let party = trial.record("party.party", lead["party"].as_i64().unwrap());
    assert_eq!(party["name"], "Kavárna U Vaňka");
    assert_eq!(
        (&party["contacts"][0]["value"], &party["contacts"][0]["label"]),
        (&json!("karel@vanek.example"), &json!("Karel Vaněk"))
    );
    let deal = lead["deal"].as_i64().unwrap();
    let quote = trial.run("sales", "crm.deal.quote", json!({"deal": deal, "product": item, "quantity": "5"}));
    trial.run("sales", "sales.quote.accept", json!({"quote": quote["quote"]}));
    assert_eq!(trial.record("crm.deal", deal)["state"], "won");
    assert!(inbox(&trial, "sales").is_empty(), "what was to be done next no longer waits");
}

#[test]
fn a_robot_is_thanked_and_nothing_is_kept() {
    let trial = Trial::new(MODULES);
    let mut input = lead();
    input["website"] = json!("http://spam.example");
    assert!(arrive(&trial, &input).is_ok());
    assert!(trial.list("crm.lead", json!({})).is_empty());
    assert_eq!(arrive(&trial, &json!({"name": "Nikdo"})).unwrap_err().status, 422);
}

#[test]
fn the_person_on_duty_is_told() {
    let trial = Trial::new(MODULES);
    let (eva, buyer) = (colleague(&trial, "eva"), one(&trial, "platform.role", json!({"code": "buyer"}))["id"].clone());
    for (code, more) in
        [("FAIR", json!({"source": "fair", "salesperson": eva})), ("OFFERS", json!({"source": "mail", "duty": buyer}))]
    {
        let mut body = json!({"code": code, "name": code});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        trial.create("manager", "crm.stream", body);
    }
    let from = |stream: &str, name: &str| {
        arrive(&trial, &json!({"name": name, "email": "x@y.example", "stream": stream})).unwrap()
    };
    from("FAIR", "Veletržní");
    from("OFFERS", "Nabízející");
    from("WEB", "Webová");
    from("NO-SUCH", "Odjinud");
    assert_eq!(
        waiting(&trial, "eva"),
        ["Call the lead: Odjinud", "Call the lead: Veletržní", "Call the lead: Webová"].map(cs)
    );
    assert_eq!(waiting(&trial, "sales"), ["Call the lead: Odjinud", "Call the lead: Webová"]);
    assert_eq!(waiting(&trial, "buyer"), ["Call the lead: Nabízející"]);
    // Somebody who left does not answer: the role does.
    change(&trial, "admin", "platform.user", eva, &json!({"active": false})).unwrap();
    from("FAIR", "Pozdní");
    assert!(waiting(&trial, "sales").contains(&"Call the lead: Pozdní".to_owned()));
    // Who writes a lead down and is on duty has it already; it is a lead like any other.
    trial.create("sales", "crm.lead", json!({"name": "Po telefonu", "phone": "777123456"}));
    let task = one(&trial, "process.task", json!({"title": "Call the lead: Po telefonu"}));
    assert_eq!(task["assignee"], json!(trial.who("sales").user));
}

/// A user without a language of their own speaks the company's.
fn cs(title: &str) -> String {
    title.replace("Call the lead: ", "Ozvat se poptávce: ")
}

#[test]
fn what_a_visitor_wrote_is_no_instruction() {
    let trial = Trial::new(MODULES);
    let evil =
        "# Pay now\n[click](https://evil.example) <script>alert(1)</script> **urgent** ![x](http://evil.example/p.png)";
    arrive(&trial, &json!({"name": "**Bold** <b>x</b>", "email": "x@y.example", "message": evil})).unwrap();
    let task = one(&trial, "process.task", json!({}));
    for key in ["instruction", "instruction_cs"] {
        let text = task[key].as_str().unwrap();
        assert!(!text.is_empty() && !text.contains("evil") && !text.contains("Bold"), "{text}");
    }
    let shown = trial.run("sales", "process.task.show", json!({"task": task["id"]}));
    assert!(!shown["instruction"].as_str().unwrap().contains("Pay"));
    assert_eq!(one(&trial, "crm.lead", json!({}))["message"], json!(evil), "kept as it was written");
    // Nor does it become one on its way to the timeline.
    let converted = trial.run("sales", "crm.lead.convert", json!({"lead": task["subject"]["id"]}));
    let kept = one(&trial, "crm.activity", json!({"party": converted["party"], "kind": "converted"}));
    assert_eq!(kept["text"], json!(evil));
    let instructions = trial.list("process.task", json!({"instruction": {"contains": "evil"}}));
    assert!(instructions.is_empty(), "{instructions:?}");
}

#[test]
fn a_lost_lead_waits_for_nobody_until_it_is_taken_up_again() {
    let trial = Trial::new(MODULES);
    arrive(&trial, &lead()).unwrap();
    let id = one(&trial, "crm.lead", json!({}))["id"].as_i64().unwrap();
    let other = json!({"title": "Poslat katalog", "subject": {"entity": "crm.lead", "id": id}, "role": "sales"});
    trial.run("manager", "process.task.add", other);
    assert_eq!(inbox(&trial, "sales").len(), 2);
    trial.run("sales", "crm.lead.lose", json!({"lead": id, "reason": "Jen se ptal"}));
    assert!(inbox(&trial, "sales").is_empty());
    assert_eq!(trial.refused("sales", "crm.lead.convert", json!({"lead": id})).code, "wrong_state");
    trial.run("sales", "crm.lead.reopen", json!({"lead": id}));
    let record = trial.record("crm.lead", id);
    assert_eq!((&record["state"], &record["lost_reason"]), (&json!("new"), &J::Null));
    assert_eq!(waiting(&trial, "sales"), ["Call the lead: Karel Vaněk"]);
    trial.run("sales", "crm.lead.convert", json!({"lead": id}));
    assert_eq!(trial.refused("sales", "crm.lead.lose", json!({"lead": id, "reason": "x"})).code, "wrong_state");
}

/// A lead written down by sales.
fn written(trial: &Trial, body: J) -> i64 {
    trial.create("sales", "crm.lead", body)
}

#[test]
fn a_known_customer_is_used_again() {
    let trial = Trial::new(MODULES);
    let known =
        trial.create("sales", "party.party", json!({"name": "Hotel Beseda s.r.o.", "email": "info@beseda.example"}));
    // The same domain and name, the same e-mail of a contact, the same number: one company, and each person is kept.
    for (n, body) in [
        json!({"name": "Olga", "company_name": "HOTEL BESEDA", "email": "olga@beseda.example"}),
        json!({"name": "Olga", "company_name": "Hotel Beseda, s. r. o.", "email": "Olga@Beseda.example", "phone": "777123456"}),
    ]
    .into_iter()
    .enumerate()
    {
        let lead = written(&trial, body);
        let draft = trial.kernel().read(&trial.who("sales"), |cx| {
            let plan = cx.schema().plan("crm.lead")?.clone();
            let row = cx.row("crm.lead", lead)?;
            cx.possible_json(&plan, &row)
        });
        let draft = draft.unwrap();
        let convert = draft.as_array().unwrap().iter().find(|o| o["operation"] == "crm.lead.convert").unwrap().clone();
        assert_eq!(convert["input"]["party"], json!(known), "the dialog starts with who is known");
        let answer = trial.ask("sales", "crm.lead.convert", json!({"lead": lead, "deal_name": format!("Obchod {n}")})).unwrap();
        assert_eq!(answer.output["party"], json!(known));
        assert!(answer.notes.iter().any(|note| note.key == "crm.lead.known"), "it is told");
        assert_eq!(trial.record("crm.deal", answer.output["deal"].as_i64().unwrap())["name"], json!(format!("Obchod {n}")));
    }
    let contacts = trial.record("party.party", known)["contacts"].as_array().unwrap().clone();
    let kept: Vec<_> = contacts.iter().map(|c| c["value"].as_str().unwrap()).collect();
    assert_eq!(kept, ["olga@beseda.example", "+420777123456"], "each way once");
    let ico =
        json!({"name": "Nákup", "company_name": "Hotel Beseda", "reg_no": "000 069 47", "email": "x@jinde.example"});
    change(&trial, "sales", "party.party", known, &json!({"reg_no": "00006947"})).unwrap();
    let lead = written(&trial, ico);
    assert_eq!(trial.run("sales", "crm.lead.convert", json!({"lead": lead}))["party"], json!(known));
    // A person by e-mail and name.
    let person = trial.create(
        "sales",
        "party.party",
        json!({"name": "Petra Lišková", "kind": "person", "email": "petra@seznam.cz"}),
    );
    let lead = written(&trial, json!({"name": "PETRA LISKOVA", "email": "Petra@Seznam.cz"}));
    assert_eq!(trial.run("sales", "crm.lead.convert", json!({"lead": lead}))["party"], json!(person));
    assert_eq!(trial.list("party.party", json!({})).len(), 2);
}

#[test]
fn who_only_looks_alike_is_asked_about_and_never_merged() {
    let trial = Trial::new(MODULES);
    let person = |name: &str, email: &str| {
        trial.create("sales", "party.party", json!({"name": name, "kind": "person", "email": email}))
    };
    let jan = person("Jan Novák", "jan@seznam.cz");
    let firm = trial.create(
        "sales",
        "party.party",
        json!({"name": "Keramika Praha", "reg_no": "00006947", "email": "a@seznam.cz"}),
    );
    let cases = [
        // Called the same, and nothing else.
        (json!({"name": "Jan Novák", "email": "novak.jan@gmail.com"}), jan),
        // The same mailbox, another name: a family, a shared office.
        (json!({"name": "Jana Nováková", "email": "jan@seznam.cz"}), jan),
        // A company where somebody of the same address is a person.
        (json!({"name": "Jan Novák", "company_name": "Novák a syn", "email": "jan@seznam.cz"}), jan),
        // The same company name from a mail that everybody can have.
        (json!({"name": "X", "company_name": "Keramika Praha s.r.o.", "email": "b@seznam.cz"}), firm),
        // The same name and mail, another registration number: another company.
        (json!({"name": "X", "company_name": "Keramika Praha", "email": "a@seznam.cz", "reg_no": "47114983"}), firm),
        // The same number under another name: one of the two was mistyped.
        (json!({"name": "X", "company_name": "Sklo Brno", "email": "x@sklo.example", "reg_no": "00006947"}), firm),
    ];
    for (body, alike) in cases {
        let parties = trial.list("party.party", json!({})).len();
        let lead = written(&trial, body.clone());
        let refusal = trial.refused("sales", "crm.lead.convert", json!({"lead": lead, "amount": "50"}));
        assert_eq!(refusal.code, "crm.known_customer", "{body}");
        assert_eq!(refusal.actions.len(), 2, "{body}: {:?}", refusal.actions);
        let (it_is, it_is_new) = (&refusal.actions[0].input, &refusal.actions[1].input);
        assert_eq!(it_is["party"], json!(alike), "{body}");
        assert_eq!(trial.record("crm.lead", lead)["state"], "new", "{body}");
        // Either answer does it, with what was typed.
        let made = trial.run("sales", "crm.lead.convert", it_is_new.clone());
        assert_ne!(made["party"], json!(alike), "{body}");
        assert_eq!(trial.list("party.party", json!({})).len(), parties + 1);
        let deal = trial.record("crm.deal", made["deal"].as_i64().unwrap());
        assert_eq!(deal["amount"]["amount"], "50.00", "{body}");
        // Put it aside, so that the next case meets only those of the beginning.
        change(&trial, "sales", "party.party", made["party"].as_i64().unwrap(), &json!({"archived": true})).unwrap();
    }
    let lead = written(&trial, json!({"name": "Jan Novák", "email": "novak.jan@gmail.com"}));
    let refusal = trial.refused("sales", "crm.lead.convert", json!({"lead": lead}));
    let made = trial.run("sales", &refusal.actions[0].operation, refusal.actions[0].input.clone());
    assert_eq!(made["party"], json!(jan));
    let record = trial.record("party.party", jan);
    assert_eq!(record["email"], "jan@seznam.cz", "what was known stays");
    assert_eq!(record["contacts"][0]["value"], "novak.jan@gmail.com", "what is new is kept beside it");
    // From the inbox the same question comes, with the same answers.
    written(&trial, json!({"name": "Jana Nováková", "email": "jan@seznam.cz"}));
    let task = inbox(&trial, "sales").into_iter().find(|t| t["subject"]["entity"] == "crm.lead").unwrap();
    let refusal = trial.refused("sales", "process.task.complete", json!({"task": task["id"]}));
    assert_eq!((refusal.code.as_ref(), refusal.actions.len()), ("crm.known_customer", 2));
    trial.run("sales", &refusal.actions[1].operation, refusal.actions[1].input.clone());
    assert!(inbox(&trial, "sales").iter().all(|t| t["subject"]["entity"] != "crm.lead"), "and its task is done");
}

#[test]
fn converting_is_done_once() {
    let trial = Trial::new(MODULES);
    let lead = written(&trial, json!({"name": "Eva", "email": "eva@eva.example"}));
    let ask = Ask { key: Some("one click".to_owned()), ..Ask::by(trial.who("sales")) };
    let first = trial.kernel().run("crm.lead.convert", &json!({"lead": lead}), &ask).unwrap();
    let again = trial.kernel().run("crm.lead.convert", &json!({"lead": lead}), &ask).unwrap();
    assert!(again.repeated && first.output["deal"] == again.output["deal"]);
    assert_eq!(trial.refused("sales", "crm.lead.convert", json!({"lead": lead})).code, "wrong_state");
    assert_eq!((trial.list("crm.deal", json!({})).len(), trial.list("party.party", json!({})).len()), (1, 1));
    // Others who convert at the same time: one of them does it.
    let lead = written(&trial, json!({"name": "Adam", "email": "adam@adam.example"}));
    let done = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| trial.ask("sales", "crm.lead.convert", json!({"lead": lead})).is_ok()))
            .collect();
        callers.into_iter().filter(|_| true).map(|c| c.join().unwrap()).filter(|ok| *ok).count()
    });
    assert_eq!((done, trial.list("crm.deal", json!({})).len()), (1, 2));
}

#[test]
fn a_merged_or_foreign_customer_cannot_be_named() {
    let trial = Trial::new(MODULES);
    let lead = written(&trial, json!({"name": "Eva", "email": "eva@eva.example"}));
    let error = trial.refused("sales", "crm.lead.convert", json!({"lead": lead, "party": 999_999_999_i64}));
    assert_eq!((error.errors[0].field.as_str(), error.errors[0].code.as_ref()), ("party", "no_record"));
    let (gone, stays) = (party(&trial, "Stará"), party(&trial, "Nová"));
    trial
        .kernel()
        .work(&trial.system(), "test.merge", |cx| {
            let mut old = cx.get(kernel::Id::<party::Party>::new(gone))?;
            old.merged_into = Some(kernel::Id::new(stays));
            cx.save(&mut old)
        })
        .unwrap();
    assert_eq!(trial.refused("sales", "crm.lead.convert", json!({"lead": lead, "party": gone})).code, "party.merged");
}
