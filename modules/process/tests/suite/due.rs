//! Steps and timers by working time.

use kernel::Ask;
use serde_json::json;

use crate::probe::{clock, deploy, employee, inbox, open, trial_at};

const BODY: &str = r#"<userTask id="t" name="Do it" celek:role="stock" celek:due="2 workdays"/>"#;

#[test]
fn steps_are_due_by_working_days() {
    // The Wednesday before Christmas: Thursday, Friday and Saturday are holidays, Sunday follows.
    let trial = trial_at("2026-12-23T09:00:00Z");
    deploy(&trial, BODY, "s>t>e");
    open(&trial);
    assert_eq!(inbox(&trial, "stock")[0]["due"], "2026-12-29T16:00:00Z", "Tuesday at five in Prague");
    // A Friday without holidays around.
    clock(&trial, "2026-06-05T09:00:00Z");
    open(&trial);
    assert!(inbox(&trial, "stock").iter().any(|t| t["due"] == "2026-06-09T15:00:00Z"), "over the weekend");
}

#[test]
fn the_calendar_of_the_owner_counts() {
    let trial = trial_at("2026-12-23T09:00:00Z");
    let calendar =
        trial.create("manager", "people.calendar", json!({"name": "Short days", "begins": "06:00", "ends": "14:00"}));
    for date in ["2026-12-24", "2026-12-28"] {
        trial.create("manager", "people.holiday", json!({"calendar": calendar, "date": date, "name": "Shut"}));
    }
    let ida = employee(&trial, "buyer", None);
    let ask = Ask::by(trial.who("manager"));
    trial.kernel().change("people.employee", ida, None, &json!({"calendar": calendar}), &ask).unwrap();
    deploy(
        &trial,
        r#"<userTask id="t" name="Do it" celek:assignee="buyer" celek:due="2 workdays"/>
        <userTask id="u" name="And that" celek:assignee="buyer" celek:due="3 working hours"/>
        <userTask id="v" name="By a day" celek:assignee="buyer" celek:due="2026-12-31"/>"#,
        "s>t>e s>u>e s>v>e",
    );
    open(&trial);
    let due = |title: &str| {
        inbox(&trial, "buyer").into_iter().find(|t| t["title"] == title).map(|t| t["due"].as_str().unwrap().to_owned())
    };
    // Friday is a working day of this calendar; Thursday and Monday are not.
    assert_eq!(due("Do it").unwrap(), "2026-12-29T13:00:00Z");
    assert_eq!(due("And that").unwrap(), "2026-12-23T12:00:00Z");
    assert_eq!(due("By a day").unwrap(), "2026-12-31T13:00:00Z");
}

#[test]
fn timers_wait_for_working_time() {
    let trial = trial_at("2026-12-23T09:00:00Z");
    let timer = |id: &str, time: &str| {
        format!(
            r#"<intermediateCatchEvent id="{id}"><timerEventDefinition id="{id}_d"><timeDuration>{time}</timeDuration>
            </timerEventDefinition></intermediateCatchEvent>"#
        )
    };
    let task = |id: &str, name: &str| format!(r#"<userTask id="{id}" name="{name}" celek:role="stock"/>"#);
    let body =
        [timer("d", "1 workday"), timer("h", "8 working hours"), task("t", "A day later"), task("u", "Hours later")];
    deploy(&trial, &body.concat(), "s>d>t>e s>h>u>e");
    open(&trial);
    let titles = || inbox(&trial, "stock").iter().map(|t| t["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    // Ten in the morning in Prague: seven hours are left on this day, the eighth is worked after Christmas.
    clock(&trial, "2026-12-28T07:59:00Z");
    assert!(titles().is_empty());
    clock(&trial, "2026-12-28T08:00:05Z");
    assert_eq!(titles(), ["Hours later"]);
    clock(&trial, "2026-12-28T16:00:05Z");
    assert_eq!(titles().len(), 2);
    assert!(trial.list("process.timer", json!({})).is_empty());
}
