//! Who does whose tasks while somebody is away.

use kernel::Ask;
use serde_json::json;
use trial::Trial;

use crate::probe::{clock, deploy, employee, inbox, open, trial_at, work};

const BODY: &str = r#"<userTask id="t" name="Do it" celek:assignee="sales"/>"#;

fn count(trial: &Trial, login: &str) -> usize {
    inbox(trial, login).len()
}

fn user(trial: &Trial, login: &str) -> i64 {
    trial.who(login).user
}

#[test]
fn handed_over_tasks_come_back_by_themselves() {
    let trial = trial_at("2026-06-01T09:00:00Z");
    deploy(&trial, BODY, "s>t>e");
    for _ in 0..3 {
        open(&trial);
    }
    let (ill, other) = (user(&trial, "sales"), user(&trial, "buyer"));
    let hand = |from: i64, to: i64, until: &str| json!({"from": from, "to": to, "until": until});
    let wrong = trial.refused("manager", "process.task.hand_over", hand(ill, other, "2026-06-01"));
    assert_eq!(wrong.errors[0].field, "until");
    assert_eq!(trial.refused("sales", "process.task.hand_over", hand(ill, other, "2026-06-04")).status, 403);
    let moved = trial.run("manager", "process.task.hand_over", hand(ill, other, "2026-06-04"));
    assert_eq!(moved["tasks"], 3);
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (0, 3));
    assert_eq!(inbox(&trial, "buyer")[0]["stands_for_name"], "sales");
    // One is finished, one is claimed, and a new one comes meanwhile.
    let tasks = inbox(&trial, "buyer");
    trial.run("buyer", "process.task.complete", json!({"task": tasks[0]["id"]}));
    trial.run("buyer", "process.task.claim", json!({"task": tasks[1]["id"]}));
    open(&trial);
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (0, 3));
    // Not a moment too early: midnight in Prague.
    clock(&trial, "2026-06-03T21:59:00Z");
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (0, 3));
    clock(&trial, "2026-06-03T22:00:30Z");
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (3, 0));
    let finished = trial.record("process.task", tasks[0]["id"].as_i64().unwrap());
    assert_eq!((finished["state"].as_str(), finished["completed_by"].as_i64()), (Some("done"), Some(other)));
    assert_eq!(finished["assignee"], other, "what the substitute did stays told so");
    assert_eq!(trial.list("process.substitution", json!({"state": "ended"})).len(), 1);
    open(&trial);
    assert_eq!(count(&trial, "sales"), 4);
}

#[test]
fn without_a_day_they_stay_and_the_way_back_is_the_same_call() {
    let trial = trial_at("2026-06-01T09:00:00Z");
    deploy(&trial, BODY, "s>t>e");
    open(&trial);
    let (from, to) = (user(&trial, "sales"), user(&trial, "buyer"));
    trial.run("manager", "process.task.hand_over", json!({"from": from, "to": to}));
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (0, 1));
    open(&trial);
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (1, 1), "new ones are not handed over");
    trial.run("manager", "process.task.hand_over", json!({"from": to, "to": from}));
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (2, 0));
    // With a day: the other way round gives back what came, and leaves the other's own.
    let own = json!({"title": "Mine", "assignee": to});
    trial.run("manager", "process.task.add", own);
    trial.run("manager", "process.task.hand_over", json!({"from": from, "to": to, "until": "2026-07-01"}));
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (0, 3));
    let back = trial.run("manager", "process.task.hand_over", json!({"from": to, "to": from}));
    assert_eq!(back["tasks"], 2);
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (2, 1));
    for wrong in [json!({"from": from, "to": from}), json!({"from": from, "to": 999_999})] {
        assert_eq!(trial.refused("manager", "process.task.hand_over", wrong).errors[0].field, "to");
    }
}

#[test]
fn an_absence_hands_over_and_gives_back() {
    let trial = trial_at("2026-06-01T09:00:00Z");
    deploy(&trial, BODY, "s>t>e");
    let ida = employee(&trial, "sales", None);
    let jan = employee(&trial, "buyer", None);
    open(&trial);
    // Reported ahead: nothing moves yet.
    let days = json!({"from": "2026-06-03", "to": "2026-06-05", "substitute": jan});
    let absence = trial.run("sales", "people.absence.report", days)["absence"].as_i64().unwrap();
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (1, 0));
    clock(&trial, "2026-06-03T05:00:00Z");
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (0, 1));
    open(&trial);
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (0, 2), "new ones go to who stands in");
    // What somebody gives to the one who is away goes there too, and says so.
    trial.run("manager", "process.task.add", json!({"title": "Call", "assignee": user(&trial, "sales")}));
    assert_eq!(count(&trial, "buyer"), 3);
    // Ill for longer: the day moves with the absence.
    let ask = Ask::by(trial.who("manager"));
    let change = |body| trial.kernel().change("people.absence", absence, None, &body, &ask).unwrap();
    change(json!({"to": "2026-06-09"}));
    clock(&trial, "2026-06-08T09:00:00Z");
    assert_eq!(count(&trial, "buyer"), 3);
    // Back earlier: at once.
    change(json!({"to": "2026-06-07"}));
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (3, 0));
    // Ill again today, without a word beforehand: at once. An absence that is taken back gives back too.
    let today = json!({"employee": ida, "from": "2026-06-08", "to": "2026-06-30", "substitute": jan});
    let second = trial.create("manager", "people.absence", today);
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (0, 3));
    trial.kernel().remove("people.absence", second, None, &ask).unwrap();
    clock(&trial, "2026-06-08T09:05:00Z");
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (3, 0));
}

#[test]
fn the_substitute_may_be_away_too() {
    let trial = trial_at("2026-06-01T09:00:00Z");
    deploy(&trial, BODY, "s>t>e");
    let ids: Vec<i64> = ["sales", "buyer", "stock"].iter().map(|login| employee(&trial, login, None)).collect();
    let away = |who: usize, by: usize, to: &str| {
        let body = json!({"employee": ids[who], "from": "2026-06-01", "to": to, "substitute": ids[by]});
        trial.create("manager", "people.absence", body)
    };
    open(&trial);
    away(0, 1, "2026-06-10");
    assert_eq!(count(&trial, "buyer"), 1);
    away(1, 2, "2026-06-03");
    assert_eq!((count(&trial, "buyer"), count(&trial, "stock")), (0, 1), "the substitute's substitute");
    clock(&trial, "2026-06-04T05:00:00Z");
    assert_eq!((count(&trial, "buyer"), count(&trial, "stock")), (1, 0), "the substitute is back");
    clock(&trial, "2026-06-11T05:00:00Z");
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (1, 0));
    // Each stands in for the other: the tasks stay where they belong.
    let both = |who: usize, by: usize| {
        let body = json!({"employee": ids[who], "from": "2026-06-11", "to": "2026-06-20", "substitute": ids[by]});
        trial.create("manager", "people.absence", body)
    };
    both(0, 1);
    both(1, 0);
    work(&trial);
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (1, 0));
}

#[test]
fn a_substitution_is_ended_by_hand() {
    let trial = trial_at("2026-06-01T09:00:00Z");
    deploy(&trial, BODY, "s>t>e");
    let (ida, jan) = (employee(&trial, "sales", None), employee(&trial, "buyer", None));
    open(&trial);
    let body = json!({"employee": ida, "from": "2026-06-01", "to": "2026-06-10", "substitute": jan});
    trial.create("manager", "people.absence", body);
    assert_eq!(count(&trial, "buyer"), 1);
    let running = trial.list("process.substitution", json!({"state": "running"}))[0]["id"].clone();
    let back = trial.run("manager", "process.substitution.end", json!({"substitution": running}));
    assert_eq!(back["tasks"], 1);
    // The absence goes on, but what a person decided stays so.
    clock(&trial, "2026-06-02T09:00:00Z");
    assert_eq!((count(&trial, "sales"), count(&trial, "buyer")), (1, 0));
    // A task that the substitute gives away deliberately does not come back.
    trial.run(
        "manager",
        "process.task.hand_over",
        json!({"from": user(&trial, "sales"), "to": user(&trial, "buyer"), "until": "2026-06-05"}),
    );
    let task = inbox(&trial, "buyer")[0]["id"].clone();
    trial.run("buyer", "process.task.delegate", json!({"task": task, "to": user(&trial, "stock")}));
    clock(&trial, "2026-06-05T09:00:00Z");
    assert_eq!((count(&trial, "sales"), count(&trial, "stock")), (0, 1));
}
