//! Jobs, timers and letters run for every company.

use std::sync::Arc;

use kernel::{Ask, Currency, Letter, Principal};
use platform::{NewCompany, NewUser};
use serde_json::json;

use crate::probe::{clock, deploy, file, inbox, open, trial_at};

#[test]
fn every_company_has_its_turn() {
    let trial = trial_at("2026-06-01T09:00:00Z");
    let nobody = Arc::new(Principal::system(Arc::default()));
    trial
        .kernel()
        .work(&nobody, "test.found", |cx| {
            let new = NewCompany::in_country("Second Ltd", "GB", Currency::parse("GBP")?);
            let company = platform::found(cx, new)?;
            let roles = vec!["stock".to_owned(), "admin".to_owned()];
            platform::add_user(
                cx,
                company,
                NewUser { login: "bob".into(), name: "Bob".into(), roles, ..NewUser::default() },
            )
        })
        .unwrap();
    trial.kernel().forget_rights();
    let body = r#"<intermediateCatchEvent id="w"><timerEventDefinition id="wd"><timeDuration>PT1H</timeDuration>
        </timerEventDefinition></intermediateCatchEvent><userTask id="t" name="Do it" celek:role="stock" celek:due="PT1H"/>"#;
    deploy(&trial, body, "s>w>t>e");
    let xml = file(body, "s>w>t>e");
    trial.run("bob", "process.definition.deploy", json!({"key": "probe", "xml": xml, "roles": "stock"}));
    open(&trial);
    trial.run("bob", "probe.case.open", json!({"name": "Other"}));
    assert_eq!((inbox(&trial, "stock").len(), inbox(&trial, "bob").len()), (0, 0));
    clock(&trial, "2026-06-01T10:01:00Z");
    assert_eq!((inbox(&trial, "stock").len(), inbox(&trial, "bob").len()), (1, 1), "the timer of each fired once");
    // The recurring job that looks for overdue steps runs in both.
    clock(&trial, "2026-06-01T11:30:00Z");
    let alarms = |login: &str| {
        let filter = Some(kernel::Filter::parse(&json!({"title": {"starts": "Overdue"}})).unwrap());
        let query = kernel::Query { filter, limit: 10, ..kernel::Query::of("process.task") };
        trial.kernel().list(&trial.who(login), &query, &kernel::Shape::default()).unwrap()["rows"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((alarms("admin"), alarms("bob")), (1, 1));
    // Letters of both are due, each with its own company, and what became of one is written there.
    for system in trial.kernel().systems().unwrap() {
        trial
            .kernel()
            .work(&system, "test.letter", |cx| {
                let subject = cx.company().name.clone();
                cx.send(Letter { to: "a@b.example".into(), subject, body: "Hello".into(), ..Letter::default() })
            })
            .unwrap();
    }
    let due = trial.kernel().letters_due(10).unwrap();
    assert_eq!(due.len(), 2);
    for letter in &due {
        assert!(trial.kernel().take_letter(letter).unwrap());
        assert!(!trial.kernel().take_letter(letter).unwrap(), "another server leaves it to who came first");
        assert_eq!(letter.letter.subject, letter.system.company.name);
        trial.kernel().letter_done(&letter.system, letter.id, Ok(())).unwrap();
    }
    assert!(trial.kernel().letters_due(10).unwrap().is_empty());
    let seen = trial.kernel().record(&trial.who("bob"), "sys.outbox", due[1].id, &kernel::Shape::default()).unwrap();
    assert_eq!((seen["state"].as_str(), seen["sent_at"].as_str()), (Some("sent"), Some("2026-06-01T11:30:00Z")));
    // Nobody of one company sees or moves what is the other's.
    let ask = Ask::by(trial.who("admin"));
    let other = trial.kernel().run("process.task.show", &json!({"task": inbox(&trial, "bob")[0]["id"]}), &ask);
    assert_eq!(other.unwrap_err().errors[0].field, "task", "for them there is no such task");
}
