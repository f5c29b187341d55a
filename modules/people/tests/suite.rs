//! Employees and working days through public operations.

#![allow(clippy::unwrap_used)]

use jiff::civil::{Date, date};
use kernel::{Ask, Id};
use platform::User;
use serde_json::json;
use trial::Trial;

fn trial() -> Trial {
    Trial::new(&[&party::MODULE, &people::MODULE])
}

fn plus(trial: &Trial, from: Date, days: i64) -> Date {
    trial.kernel().work(&trial.system(), "test", |cx| people::add_working_days(cx, from, days)).unwrap()
}

#[test]
fn the_calendar_knows_czech_holidays() {
    let trial = trial();
    let on = |day: &str| trial.list("people.holiday", json!({"date": day})).len();
    assert_eq!(on("2026-04-06"), 1, "Easter Monday");
    assert_eq!(on("2026-04-03"), 1, "Good Friday");
    assert_eq!(on("2015-04-03"), 0, "Good Friday was no holiday then");
    assert_eq!(on("2011-04-25"), 1);
    assert_eq!(on("2030-04-22"), 1);
    assert_eq!(on("2026-11-17"), 1);
    assert_eq!(trial.list("people.holiday", json!({})).len(), 21 * 12 + 15);
    assert!(Trial::of(&[&party::MODULE, &people::MODULE], "GB", "GBP").list("people.holiday", json!({})).is_empty());
}

#[test]
fn working_days_are_counted_over_christmas() {
    let trial = trial();
    assert_eq!(plus(&trial, date(2026, 12, 23), 1), date(2026, 12, 28));
    assert_eq!(plus(&trial, date(2026, 12, 23), 5), date(2027, 1, 4));
    assert_eq!(plus(&trial, date(2026, 12, 28), -1), date(2026, 12, 23));
    assert_eq!(plus(&trial, date(2026, 12, 25), 0), date(2026, 12, 25));
    let far = trial
        .kernel()
        .work(&trial.system(), "test", |cx| people::add_working_days(cx, date(2026, 1, 1), i64::MIN))
        .unwrap_err();
    assert_eq!(far.code, "people.too_far");
}

#[test]
fn a_substitute_stands_in_while_somebody_is_away() {
    let trial = trial();
    let user = |login: &str| Id::<User>::new(trial.who(login).user);
    let boss = trial.create("manager", "people.employee", json!({"name": "Ema", "user": user("manager").raw()}));
    let ida = trial.create(
        "manager",
        "people.employee",
        json!({"name": "Ida", "user": user("sales").raw(), "manager": boss}),
    );
    let jan = trial.create("manager", "people.employee", json!({"name": "Jan", "user": user("buyer").raw()}));
    let away = |who: i64, from: &str, to: &str, by: i64| {
        trial.create(
            "manager",
            "people.absence",
            json!({"employee": who, "from": from, "to": to, "substitute": by, "reason": "Dovolená"}),
        )
    };
    away(ida, "2026-07-01", "2026-07-10", jan);
    away(jan, "2026-07-06", "2026-07-07", boss);
    let who = |login: &str, day: Date| {
        trial.kernel().work(&trial.system(), "test", |cx| people::substitute(cx, user(login), day)).unwrap()
    };
    assert_eq!(who("sales", date(2026, 6, 30)), None);
    assert_eq!(who("sales", date(2026, 7, 1)), Some(user("buyer")));
    assert_eq!(who("sales", date(2026, 7, 6)), Some(user("manager")), "the substitute is away too");
    assert_eq!(who("sales", date(2026, 7, 10)), Some(user("buyer")));
    assert_eq!(who("stock", date(2026, 7, 1)), None, "no employee");
    let manager =
        |login: &str| trial.kernel().work(&trial.system(), "test", |cx| people::manager_of(cx, user(login))).unwrap();
    assert_eq!((manager("sales"), manager("manager")), (Some(user("manager")), None));
    // What cannot be is refused.
    let ask = Ask::by(trial.who("manager"));
    for wrong in [
        json!({"employee": ida, "from": "2026-07-02", "to": "2026-07-01"}),
        json!({"employee": ida, "from": "2026-07-02", "to": "2026-07-03", "substitute": ida}),
    ] {
        assert_eq!(trial.kernel().create("people.absence", &wrong, &ask).unwrap_err().status, 422);
    }
    // Why somebody is away is between them and their manager.
    let seen = trial
        .kernel()
        .record(
            &trial.who("stock"),
            "people.absence",
            trial.list("people.absence", json!({}))[0]["id"].as_i64().unwrap(),
            &kernel::Shape::default(),
        )
        .unwrap();
    assert!(seen.get("reason").is_none_or(serde_json::Value::is_null));
}

#[test]
fn working_hours_are_counted_by_the_calendar() {
    let trial = trial();
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let plus = |from: &str, hours: i64| {
        trial.kernel().work(&trial.system(), "test", |cx| {
            let from = at(from);
            people::WorkingTime::of(cx, None)?.add_hours(cx, from, hours)
        })
    };
    // Prague is an hour ahead in winter: work goes from 7:00 to 16:00 UTC.
    assert_eq!(plus("2026-12-22T08:00:00Z", 4).unwrap(), at("2026-12-22T12:00:00Z"));
    assert_eq!(plus("2026-12-22T14:00:00Z", 4).unwrap(), at("2026-12-23T09:00:00Z"));
    assert_eq!(plus("2026-12-23T15:00:00Z", 2).unwrap(), at("2026-12-28T08:00:00Z"), "over Christmas");
    assert_eq!(plus("2026-12-26T15:00:00Z", 1).unwrap(), at("2026-12-28T08:00:00Z"), "begun on a free day");
    assert_eq!(plus("2026-12-22T02:00:00Z", 9).unwrap(), at("2026-12-22T16:00:00Z"), "before work begins");
    assert_eq!(plus("2026-12-22T08:00:00Z", 5_001).unwrap_err().code, "people.too_far");
    // The calendar says when people work.
    let calendar = trial.list("people.calendar", json!({}))[0]["id"].as_i64().unwrap();
    let ask = Ask::by(trial.who("manager"));
    let change = |body| trial.kernel().change("people.calendar", calendar, None, &body, &ask);
    change(json!({"begins": "06:00", "ends": "14:00"})).unwrap();
    assert_eq!(plus("2026-12-22T08:00:00Z", 6).unwrap(), at("2026-12-23T06:00:00Z"));
    assert_eq!(change(json!({"begins": "18:00"})).unwrap_err().errors[0].field, "ends");
}

#[test]
fn people_report_their_own_absence() {
    let trial = trial();
    let user = |login: &str| trial.who(login).user;
    let ida = trial.create("manager", "people.employee", json!({"name": "Ida", "user": user("sales")}));
    let jan = trial.create("manager", "people.employee", json!({"name": "Jan", "user": user("buyer")}));
    let days = json!({"from": "2026-07-01", "to": "2026-07-10", "substitute": jan});
    let own = trial.run("sales", "people.absence.report", days.clone())["absence"].as_i64().unwrap();
    assert_eq!(trial.record("people.absence", own)["employee"], ida);
    let mut other = days.clone();
    other["employee"] = json!(jan);
    other["substitute"] = json!(ida);
    assert_eq!(trial.refused("sales", "people.absence.report", other.clone()).status, 403);
    trial.run("manager", "people.absence.report", other);
    assert_eq!(trial.refused("stock", "people.absence.report", days).errors[0].field, "employee", "no employee");
}
