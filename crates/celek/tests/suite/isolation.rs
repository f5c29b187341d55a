//! What goes wrong where transactions run beside each other does not go wrong here, by name, on both databases.

#[path = "isolation/ward.rs"]
mod ward;

use std::sync::atomic::Ordering;

use kernel::{Ask, Error};
use serde_json::{Value as J, json};
use trial::Trial;

/// So many callers at the same moment; what each was told. Who is told that others are in the way comes again.
fn at_once(trial: &Trial, callers: usize, ask: impl Fn(usize) -> (&'static str, J) + Sync) -> Vec<Result<(), Error>> {
    let gate = std::sync::Barrier::new(callers);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|caller| {
                let (gate, ask) = (&gate, &ask);
                scope.spawn(move || {
                    let (operation, input) = ask(caller);
                    let ask = Ask::by(trial.who("sales"));
                    gate.wait();
                    loop {
                        match trial.kernel().run(operation, &input, &ask) {
                            Err(error) if error.code == "conflict" => {
                                assert_eq!(error.status, 409);
                            }
                            other => return other.map(|_| ()),
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// How many were let through, after a look at what the others were told.
#[track_caller]
fn good(told: &[Result<(), Error>], refusal: &str) -> usize {
    for error in told.iter().filter_map(|one| one.as_ref().err()) {
        assert_eq!(error.code, refusal, "{error}");
    }
    told.iter().filter(|one| one.is_ok()).count()
}

fn amount(trial: &Trial, account: i64) -> i64 {
    trial.record("iso.account", account)["amount"].as_i64().unwrap()
}

fn account(trial: &Trial) -> i64 {
    trial.create("sales", "iso.account", json!({"name": "A", "amount": 0}))
}

#[test]
fn write_skew() {
    let trial = Trial::new(&[&ward::MODULE]);
    for round in 0..5 {
        let ward = trial.create("sales", "iso.ward", json!({"name": format!("Ward {round}")}));
        let doctors = [0, 1, 2].map(|n| {
            let body = json!({"name": format!("Doctor {n}"), "ward": ward, "on_call": true});
            trial.create("sales", "iso.doctor", body)
        });
        let told = at_once(&trial, 3, |n| ("iso.doctor.leave", json!({"doctor": doctors[n]})));
        assert_eq!(good(&told, "iso.nobody_left"), 2);
        assert_eq!(trial.list("iso.doctor", json!({"ward": ward, "on_call": true})).len(), 1);
    }
}

#[test]
fn lost_update() {
    let trial = Trial::new(&[&ward::MODULE]);
    let account = account(&trial);
    let told = at_once(&trial, 24, |_| ("iso.account.add", json!({"account": account, "overlook": false})));
    assert_eq!(good(&told, "none"), 24);
    assert_eq!(amount(&trial, account), 24);
}

#[test]
fn a_race_in_a_part_that_may_fail_is_no_failure_of_the_part() {
    let trial = Trial::new(&[&ward::MODULE]);
    let account = account(&trial);
    let told = at_once(&trial, 12, |_| ("iso.account.add", json!({"account": account, "overlook": true})));
    assert_eq!(good(&told, "none"), 12);
    // Nobody was told "good" whose part was dropped because another came in between.
    assert_eq!(amount(&trial, account), 12);
}

#[test]
fn phantom() {
    let trial = Trial::new(&[&ward::MODULE]);
    let told = at_once(&trial, 12, |n| {
        let begins = 8 + n % 3;
        ("iso.booking.book", json!({"room": 7, "begins": begins, "ends": begins + 3}))
    });
    assert_eq!(good(&told, "iso.taken"), 1);
    // What a report has seen once stays as it is until the report ends.
    let count = "SELECT count(*) FROM iso_booking";
    let store = trial.kernel().store();
    let both = store.read(|conn| {
        let before = conn.int(count, &[])?;
        trial.run("sales", "iso.booking.book", json!({"room": 8, "begins": 1, "ends": 2}));
        Ok::<_, store::Error>((before, conn.int(count, &[])?))
    });
    assert_eq!(both, Ok((Some(1), Some(1))));
    assert_eq!(trial.list("iso.booking", json!({})).len(), 2);
}

#[test]
fn last_piece() {
    let trial = Trial::new(&[&ward::MODULE]);
    let pieces = trial.create("sales", "iso.pieces", json!({"name": "P", "left_over": 5}));
    let told = at_once(&trial, 32, |_| ("iso.pieces.take", json!({"pieces": pieces})));
    assert_eq!(good(&told, "iso.sold_out"), 5);
    assert_eq!(trial.record("iso.pieces", pieces)["left_over"], 0);
}

#[test]
fn deadlock() {
    let trial = Trial::new(&[&ward::MODULE]);
    let accounts = [account(&trial), account(&trial)];
    let told =
        at_once(&trial, 4, |n| ("iso.account.move", json!({"from": accounts[n % 2], "to": accounts[(n + 1) % 2]})));
    assert_eq!(good(&told, "none"), 4, "nobody sees a deadlock");
    assert_eq!(accounts.map(|account| amount(&trial, account)), [0, 0]);
}

#[test]
fn a_lower_rank_after_a_higher_is_not_waited_for() {
    let trial = Trial::new(&[&ward::MODULE]);
    if cluster::is_asked_for() {
        // The server never finds a deadlock in time: whoever ran into one would be told that the database is busy.
        let url = trial.url();
        let name = url.rsplit('/').next().and_then(|rest| rest.split('?').next()).unwrap();
        let server = cluster::Schemas::new();
        server.run(&format!("ALTER DATABASE \"{name}\" SET deadlock_timeout = '120s'"));
        server.run(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
    }
    let account = account(&trial);
    let pieces = trial.create("sales", "iso.pieces", json!({"name": "P", "left_over": 100}));
    let told =
        at_once(&trial, 12, |n| ("iso.mixed", json!({"pieces": pieces, "account": account, "against": n % 2 == 0})));
    assert_eq!(good(&told, "none"), 12);
    assert_eq!(amount(&trial, account), 12);
    assert_eq!(trial.record("iso.pieces", pieces)["left_over"], 88);
    if cluster::is_asked_for() {
        assert!(ward::MIXED.load(Ordering::Relaxed) > 12, "somebody gave way and came again");
    }
}
