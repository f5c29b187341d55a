//! Deals: pipelines and stages, moving, winning, losing, opening again; the next step.

use serde_json::{Value as J, json};
use trial::Trial;

use crate::kit::{MODULES, arrive, change, czk, deal, inbox, one, party, stage, waiting};

#[test]
fn a_company_begins_with_a_pipeline_and_deals_begin_in_its_first_stage() {
    let trial = Trial::new(MODULES);
    let pipeline = one(&trial, "crm.pipeline", json!({}));
    let stages = trial.record("crm.pipeline", pipeline["id"].as_i64().unwrap())["stages"].clone();
    let likely: Vec<i64> = stages.as_array().unwrap().iter().map(|s| s["probability"].as_i64().unwrap()).collect();
    assert_eq!(likely, [10, 30, 60, 80, 100, 0]);
    let deal = trial.record("crm.deal", deal(&trial, "Hrnky"));
    assert_eq!(deal["stage"], stages[0]["id"]);
    assert_eq!(deal["pipeline"], pipeline["id"]);
    assert_eq!((&deal["probability"], &deal["expected"]), (&json!(10), &czk("100.00")));
    let draft = trial.kernel().draft("crm.deal", &json!({"name": "Nový"}), &trial.who("sales")).unwrap();
    assert_eq!(draft["record"]["stage"], stages[0]["id"], "shown before it is saved");
    assert_eq!(draft["notes"][0]["code"], "crm.deal.ask_next_step");
}

#[test]
fn what_is_expected_is_rounded_once_and_follows_the_stage() {
    let trial = Trial::new(MODULES);
    let id = deal(&trial, "Zaokrouhlení");
    for (amount, likely, expected) in
        [("0.05", 30, "0.02"), ("0.04", 60, "0.02"), ("99999.99", 80, "79999.99"), ("1.25", 10, "0.13")]
    {
        change(&trial, "sales", "crm.deal", id, &json!({"amount": czk(amount), "stage": stage(&trial, likely)}))
            .unwrap();
        assert_eq!(trial.record("crm.deal", id)["expected"], czk(expected), "{amount} × {likely} %");
    }
    let odd = json!({"amount": {"amount": "5", "currency": "JPY"}, "stage": stage(&trial, 30)});
    change(&trial, "sales", "crm.deal", id, &odd).unwrap();
    assert_eq!(trial.record("crm.deal", id)["expected"], json!({"amount": "2", "currency": "JPY"}));
    // The likelihood of a stage is changed: what stands in it follows, what has ended does not.
    let won = deal(&trial, "Vyhraný");
    trial.run("sales", "crm.deal.win", json!({"deal": won}));
    let pipeline = one(&trial, "crm.pipeline", json!({}))["id"].as_i64().unwrap();
    let body = json!({"stages": [{"id": stage(&trial, 30), "probability": 45}]});
    assert_eq!(change(&trial, "sales", "crm.pipeline", pipeline, &body).unwrap_err().status, 403);
    change(&trial, "manager", "crm.pipeline", pipeline, &body).unwrap();
    let record = trial.record("crm.deal", id);
    assert_eq!((&record["probability"], &record["expected"]["amount"]), (&json!(45), &json!("2")));
    assert_eq!(trial.record("crm.deal", won)["probability"], 100);
    change(&trial, "sales", "crm.deal", id, &json!({"amount": null})).unwrap();
    assert!(trial.record("crm.deal", id)["expected"].is_null());
    let written = change(&trial, "sales", "crm.deal", id, &json!({"expected": czk("1")})).unwrap_err();
    assert_eq!(written.errors[0].code, "by_operation");
}

#[test]
fn stages_keep_their_sense() {
    let trial = Trial::new(MODULES);
    let pipeline = |stages: J| {
        trial.kernel().create(
            "crm.pipeline",
            &json!({"name": "Export", "stages": stages}),
            &kernel::Ask::by(trial.who("manager")),
        )
    };
    let error = pipeline(json!([{"name": "Both", "won": true, "lost": true}])).unwrap_err();
    assert_eq!((error.errors[0].field.as_str(), error.errors[0].code.as_ref()), ("stages.0.lost", "crm.won_and_lost"));
    assert_eq!(pipeline(json!([{"name": "Too sure", "probability": 101}])).unwrap_err().status, 422);
    assert_eq!(pipeline(json!([{"name": "A"}, {"name": "A"}])).unwrap_err().status, 422);
    let made = pipeline(
        json!([{"name": "Signed", "won": true, "place": 30, "probability": 7}, {"name": "Talk", "place": 10, "probability": 25}]),
    );
    let id = made.unwrap().output["id"].as_i64().unwrap();
    let stages = trial.record("crm.pipeline", id)["stages"].clone();
    assert_eq!(stages[0]["probability"], 100, "what is won is certain");
    // A stage in which deals stand does not become one where they end, nor is it deleted.
    let deal = deal(&trial, "Vývoz");
    trial.run("sales", "crm.deal.move", json!({"deal": deal, "stage": stages[1]["id"]}));
    let turned = json!({"stages": [{"id": stages[1]["id"], "won": true}]});
    assert_eq!(change(&trial, "manager", "crm.pipeline", id, &turned).unwrap_err().errors[0].code, "crm.stage_in_use");
    let gone = json!({"stages": [{"id": stages[1]["id"], "_delete": true}]});
    assert_eq!(change(&trial, "manager", "crm.pipeline", id, &gone).unwrap_err().status, 409);
}

#[test]
fn moving_ends_a_deal_by_the_same_rule_as_saying_so() {
    let trial = Trial::new(MODULES);
    let (won, lost) = (stage(&trial, 100), stage(&trial, 0));
    let (by_move, by_word) = (deal(&trial, "Přesunem"), deal(&trial, "Slovem"));
    trial.run("sales", "crm.deal.move", json!({"deal": by_move, "stage": stage(&trial, 60)}));
    assert_eq!(trial.record("crm.deal", by_move)["expected"], czk("600.00"));
    // A stage where deals end is reached by an operation only.
    let error = change(&trial, "sales", "crm.deal", by_move, &json!({"stage": won})).unwrap_err();
    assert_eq!((error.errors[0].field.as_str(), error.errors[0].code.as_ref()), ("stage", "crm.closing_stage"));
    trial.run("sales", "crm.deal.move", json!({"deal": by_move, "stage": won}));
    trial.run("sales", "crm.deal.win", json!({"deal": by_word}));
    for key in ["state", "stage", "probability", "expected", "next_step"] {
        assert_eq!(trial.record("crm.deal", by_move)[key], trial.record("crm.deal", by_word)[key], "{key}");
    }
    assert_eq!(trial.list("crm.activity", json!({"kind": "won"})).len(), 2);
    assert_eq!(
        change(&trial, "sales", "crm.deal", by_word, &json!({"stage": lost})).unwrap_err().errors[0].code,
        "crm.ended"
    );
    assert_eq!(
        change(&trial, "sales", "crm.deal", by_word, &json!({"stage": stage(&trial, 10)})).unwrap_err().errors[0].code,
        "crm.ended"
    );
    assert_eq!(
        trial.refused("sales", "crm.deal.move", json!({"deal": by_word, "stage": lost, "reason": "x"})).code,
        "wrong_state"
    );
    let third = deal(&trial, "Prohraný");
    let error = trial.refused("sales", "crm.deal.move", json!({"deal": third, "stage": lost}));
    assert_eq!((error.errors[0].field.as_str(), error.errors[0].code.as_ref()), ("reason", "required"));
    trial.run("sales", "crm.deal.move", json!({"deal": third, "stage": lost, "reason": "Cena"}));
    let record = trial.record("crm.deal", third);
    assert_eq!(
        (&record["state"], &record["lost_reason"], &record["expected"]),
        (&json!("lost"), &json!("Cena"), &czk("0.00"))
    );
}

#[test]
fn a_deal_moves_to_another_pipeline_and_ends_there() {
    let trial = Trial::new(MODULES);
    let stages = json!([{"name": "Contact", "place": 1, "probability": 20}, {"name": "Signed", "place": 2, "won": true},
        {"name": "Signed for years", "place": 3, "won": true}]);
    let export = trial.create("manager", "crm.pipeline", json!({"name": "Export", "place": 20, "stages": stages}));
    let stages = trial.record("crm.pipeline", export)["stages"].clone();
    let id = deal(&trial, "Do zahraničí");
    trial.run("sales", "crm.deal.move", json!({"deal": id, "stage": stages[2]["id"]}));
    let record = trial.record("crm.deal", id);
    assert_eq!(
        (&record["state"], &record["pipeline"], &record["stage"]),
        (&json!("won"), &json!(export), &stages[2]["id"])
    );
    trial.run("sales", "crm.deal.reopen", json!({"deal": id}));
    assert_eq!(trial.record("crm.deal", id)["stage"], stages[0]["id"], "where it stood when it was decided");
    // A pipeline without a stage for lost deals leaves them where they were.
    trial.run("sales", "crm.deal.lose", json!({"deal": id, "reason": "Clo"}));
    let record = trial.record("crm.deal", id);
    assert_eq!(
        (&record["state"], &record["stage"], &record["probability"]),
        (&json!("lost"), &stages[0]["id"], &json!(0))
    );
    trial.run("sales", "crm.deal.reopen", json!({"deal": id}));
    assert_eq!(trial.record("crm.deal", id)["probability"], 20);
    // A stream says where its deals begin.
    trial.create("manager", "crm.stream", json!({"code": "EN", "name": "English site", "pipeline": export}));
    arrive(&trial, &json!({"name": "Ann", "email": "ann@ann.example", "stream": "EN"})).unwrap();
    let lead = one(&trial, "crm.lead", json!({}))["id"].clone();
    let made = trial.run("sales", "crm.lead.convert", json!({"lead": lead}));
    assert_eq!(trial.record("crm.deal", made["deal"].as_i64().unwrap())["stage"], stages[0]["id"]);
}

#[test]
fn the_next_step_stands_in_the_inbox_until_it_is_done() {
    let trial = Trial::new(MODULES);
    let id = deal(&trial, "Vázy");
    assert_eq!(
        trial.list("crm.deal", json!({"state": "open", "next_step": {"empty": true}})).len(),
        1,
        "it can be seen"
    );
    trial.run("sales", "crm.deal.next_step", json!({"deal": id, "what": "Poslat vzorky", "due": "2027-01-15"}));
    assert_eq!(waiting(&trial, "sales"), ["Poslat vzorky: Vázy"]);
    assert_eq!(inbox(&trial, "sales")[0]["due"], "2027-01-15T16:00:00Z", "five in the afternoon of Prague");
    // Typed into the form it is the same; the task follows, and there is one.
    change(&trial, "sales", "crm.deal", id, &json!({"next_step": "Zavolat"})).unwrap();
    assert_eq!(waiting(&trial, "sales"), ["Zavolat: Vázy"]);
    let other = crate::kit::colleague(&trial, "petr");
    change(&trial, "sales", "crm.deal", id, &json!({"owner": other})).unwrap();
    assert!(inbox(&trial, "sales").is_empty());
    assert_eq!(waiting(&trial, "petr"), ["Zavolat: Vázy"]);
    // Done: the deal asks for another one, and the timeline keeps it.
    let task = inbox(&trial, "petr")[0]["id"].clone();
    let answer = trial.ask("petr", "process.task.complete", json!({"task": task})).unwrap();
    assert_eq!(answer.notes[0].key, "crm.deal.ask_next_step");
    let record = trial.record("crm.deal", id);
    assert!(record["next_step"].is_null() && record["next_step_due"].is_null() && record["next_task"].is_null());
    assert_eq!(one(&trial, "crm.activity", json!({"kind": "step"}))["text"], "Zavolat");
    // Taken away by hand, it no longer waits.
    change(&trial, "sales", "crm.deal", id, &json!({"next_step": "Sejít se"})).unwrap();
    assert_eq!(waiting(&trial, "petr").len(), 1);
    change(&trial, "sales", "crm.deal", id, &json!({"next_step": null})).unwrap();
    assert!(inbox(&trial, "petr").is_empty());
}

#[test]
fn what_has_ended_waits_for_nobody() {
    let trial = Trial::new(MODULES);
    for (operation, more) in [("crm.deal.win", json!({})), ("crm.deal.lose", json!({"reason": "Cena"}))] {
        let id = deal(&trial, operation);
        change(&trial, "sales", "crm.deal", id, &json!({"next_step": "Zavolat", "next_step_due": "2027-01-15"}))
            .unwrap();
        let other = json!({"title": "Vzorky", "subject": {"entity": "crm.deal", "id": id}, "role": "sales"});
        trial.run("manager", "process.task.add", other);
        // To-dos about the customer, or about nothing, are other people's business.
        trial.run("manager", "process.task.add", json!({"title": "Jiné", "role": "sales"}));
        assert_eq!(inbox(&trial, "sales").len(), 3);
        let mut input = json!({"deal": id});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        trial.run("sales", operation, input);
        assert_eq!(waiting(&trial, "sales"), ["Jiné"]);
        trial.run("sales", "crm.deal.reopen", json!({"deal": id}));
        assert_eq!(
            waiting(&trial, "sales"),
            ["Jiné".to_owned(), format!("Zavolat: {operation}")],
            "the next step is back"
        );
        trial.run("sales", operation, {
            let mut i = json!({"deal": id});
            if operation == "crm.deal.lose" {
                i["reason"] = json!("Cena");
            }
            i
        });
        for task in inbox(&trial, "sales") {
            trial.run("sales", "process.task.complete", json!({"task": task["id"]}));
        }
    }
}

#[test]
fn the_timeline_of_a_party_holds_talks_letters_and_decisions() {
    let trial = Trial::new(MODULES);
    let party = trial.create("sales", "party.party", json!({"name": "Galerie", "email": "g@galerie.example"}));
    let id = trial.create("sales", "crm.deal", json!({"name": "Vázy", "party": party, "amount": czk("10")}));
    let about = json!({"entity": "crm.deal", "id": id});
    trial.run("sales", "crm.activity.log", json!({"subject": about, "kind": "call", "text": "Chtějí modré."}));
    let quote = trial.run("sales", "crm.deal.quote", json!({"deal": id}))["quote"].clone();
    let product = trial.create("stock", "product.product", json!({"code": "V", "name": "Váza", "price": czk("10")}));
    change(
        &trial,
        "sales",
        "sales.quote",
        quote.as_i64().unwrap(),
        &json!({"lines": [{"product": product, "quantity": "1"}]}),
    )
    .unwrap();
    trial.run("sales", "sales.quote.send", json!({"quote": quote}));
    let letters = trial.kernel().letters_due(10).unwrap();
    assert_eq!(letters.len(), 1);
    trial.kernel().letter_done(&letters[0].system, letters[0].id, Ok(())).unwrap();
    trial.run("sales", "crm.deal.win", json!({"deal": id}));
    let mut rows = trial.list("crm.activity", json!({"party": party}));
    rows.sort_by_key(|r| r["id"].as_i64());
    let kinds: Vec<_> = rows.iter().map(|r| r["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["call", "mail", "won"]);
    assert!(rows[1]["text"].as_str().unwrap().ends_with("→ g@galerie.example"));
    assert_eq!(rows[1]["subject"]["entity"], "sales.quote");
    // Only what people do can be said by hand, and only about whom it was.
    let won = json!({"subject": about, "kind": "won", "text": "x"});
    assert_eq!(trial.refused("sales", "crm.activity.log", won).status, 422);
    let foreign = json!({"subject": about, "party": self::party(&trial, "Cizí"), "kind": "call", "text": "x"});
    assert_eq!(trial.refused("sales", "crm.activity.log", foreign).errors[0].code, "crm.other_party");
    let meta = trial.kernel().meta(&trial.who("sales"), kernel::Language::Cs).unwrap();
    let panels = |entity: &str| -> Vec<String> {
        meta["entities"][entity]["panels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["label"].as_str().unwrap().to_owned())
            .collect()
    };
    for wanted in ["Obchody", "Obchody bez dalšího kroku", "Průběh", "Objednávky", "Faktury", "Dodávky"] {
        assert!(panels("party.party").contains(&wanted.to_owned()), "{wanted}");
    }
    for wanted in ["Nabídky", "Úkoly", "Průběh"] {
        assert!(panels("crm.deal").contains(&wanted.to_owned()), "{wanted}");
    }
}

#[test]
fn the_check_names_what_is_wrong() {
    let trial = Trial::new(MODULES);
    let (open, won) = (deal(&trial, "Otevřený"), deal(&trial, "Vyhraný"));
    change(&trial, "sales", "crm.deal", open, &json!({"next_step": "Zavolat"})).unwrap();
    trial.run("sales", "crm.deal.win", json!({"deal": won}));
    let lead = trial.create("sales", "crm.lead", json!({"name": "Eva", "email": "eva@eva.example"}));
    trial.run("sales", "crm.lead.convert", json!({"lead": lead}));
    let by_hand = |sql: &str| {
        let run = |cx: &mut kernel::Cx<'_>| Ok(cx.conn().execute(sql, &[])?);
        trial.kernel().work(&trial.system(), "by hand", run).unwrap()
    };
    for (damage, repair, told) in [
        (
            "UPDATE crm_deal SET state = 'lost' WHERE state = 'won'",
            "UPDATE crm_deal SET state = 'won' WHERE state = 'lost'",
            "of its state do not stand",
        ),
        (
            "UPDATE crm_deal SET probability = probability + 1",
            "UPDATE crm_deal SET probability = probability - 1",
            "likelihood of a deal differs",
        ),
        (
            "UPDATE crm_deal SET expected = expected + 1",
            "UPDATE crm_deal SET expected = expected - 1",
            "what a deal is worth",
        ),
        ("UPDATE crm_lead SET state = 'new'", "UPDATE crm_lead SET state = 'converted'", "a converted lead"),
    ] {
        by_hand(damage);
        let found = trial.kernel().check(false).unwrap();
        by_hand(repair);
        let messages: Vec<String> = found.into_iter().flat_map(|f| f.breaches).map(|b| b.message).collect();
        assert!(messages.iter().any(|m| m.contains(told)), "{damage}: {messages:?}");
    }
}
