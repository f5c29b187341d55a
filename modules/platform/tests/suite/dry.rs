//! Dry runs are bounded: one at a time for each user, and none holds the writer for long.

use std::{sync::mpsc, time::Duration};

use kernel::{Ask, Error};
use serde_json::{Value as J, json};
use trial::Trial;

fn try_out(trial: &Trial, login: &str) -> Result<J, Error> {
    let ask = Ask { dry_run: true, ..Ask::by(trial.who(login)) };
    let record = json!({"entity": "platform.user", "id": trial.who(login).user});
    trial.kernel().run("platform.note.add", &json!({"record": record, "text": "x"}), &ask).map(|answer| answer.output)
}

#[test]
fn a_dry_run_that_takes_too_long_is_refused() {
    let trial = Trial::limited(&[], Duration::ZERO);
    let error = try_out(&trial, "admin").unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (409, "dry_run_too_long"));
    assert_eq!(trial.list("platform.note", json!({})).len(), 0);
    // The writer is free again, and what is meant in earnest has no such limit.
    let record = json!({"entity": "platform.user", "id": trial.who("admin").user});
    trial.run("admin", "platform.note.add", json!({"record": record, "text": "x"}));
}

#[test]
fn a_user_has_one_dry_run_at_a_time() {
    let trial = Trial::one_writer(&[]);
    let (holding, held) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (told, heard) = mpsc::channel();
    std::thread::scope(|scope| {
        let trial = &trial;
        // Somebody holds the writer: whoever comes first waits for it, and the second of the same user is told at once.
        scope.spawn(move || {
            trial.kernel().work(&trial.system(), "test.hold", |_| {
                holding.send(()).unwrap();
                released.recv_timeout(Duration::from_secs(30)).unwrap();
                Ok(())
            })
        });
        held.recv_timeout(Duration::from_secs(30)).unwrap();
        for login in ["admin", "admin", "manager"] {
            let told = told.clone();
            scope.spawn(move || told.send((login, try_out(trial, login))).unwrap());
        }
        let (login, first) = heard.recv_timeout(Duration::from_secs(30)).unwrap();
        let error = first.unwrap_err();
        assert_eq!((login, error.status, error.code.as_ref()), ("admin", 429, "dry_run_busy"));
        release.send(()).unwrap();
        for _ in 0..2 {
            let (login, answer) = heard.recv_timeout(Duration::from_secs(30)).unwrap();
            assert!(answer.is_ok(), "{login}: {answer:?}");
        }
    });
    assert!(try_out(&trial, "admin").is_ok(), "the place is free again");
    assert_eq!(trial.list("platform.note", json!({})).len(), 0);
}

#[test]
fn a_history_is_read_page_by_page() {
    let trial = Trial::new(&[]);
    let unit = trial.create("admin", "platform.unit", json!({"name": "Unit 0"}));
    let ask = Ask::by(trial.who("admin"));
    for n in 1..=6 {
        trial.kernel().change("platform.unit", unit, None, &json!({"name": format!("Unit {n}")}), &ask).unwrap();
    }
    let page = |limit: usize, after: Option<&str>| {
        trial.kernel().read(&trial.who("admin"), |cx| cx.history("platform.unit", unit, limit, after))
    };
    let all = page(50, None).unwrap();
    assert_eq!((all["rows"].as_array().unwrap().len(), &all["next"]), (7, &J::Null));
    let (mut rows, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let one = page(3, after.as_deref()).unwrap();
        rows.extend(one["rows"].as_array().unwrap().clone());
        pages += 1;
        after = one["next"].as_str().map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    assert_eq!((J::from(rows), pages), (all["rows"].clone(), 3));
    for wrong in ["x", "-1", "0", "99999999999999999999"] {
        assert_eq!(page(3, Some(wrong)).unwrap_err().code, "cursor", "{wrong}");
    }
}
