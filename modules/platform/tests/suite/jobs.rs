//! Work at hours of the clock, and what is done with work that was given up.

use std::sync::Arc;

use kernel::{Ask, Error, Job, Kernel, Module, SchedulePlan};
use serde_json::json;
use trial::Trial;

static PROBE: Module = Module {
    name: "probe",
    jobs: &[
        Job { name: "probe.morning", every: 0, run: |_, _| Ok(false) },
        Job { name: "probe.often", every: 5, run: |_, _| Ok(false) },
        Job { name: "probe.fails", every: 0, run: |_, _| Err(Error::refused("busy")) },
    ],
    schedules: &[SchedulePlan { job: "probe.morning", cron: "30 2 * * *" }],
    ..Module::BASE
};

fn clock(kernel: &Kernel, now: &str) {
    kernel.shared().set_clock(Some(now.parse().unwrap()));
}

/// How often the job ran, after another round.
fn ran(trial: &Trial, name: &str) -> usize {
    trial.kernel().run_jobs(100).unwrap();
    trial.list("sys.job", json!({"name": name, "state": "done"})).len()
}

#[test]
fn what_a_module_plans_runs_at_its_hour_also_when_the_clocks_change_and_after_downtime_once() {
    let trial = Trial::new(&[&PROBE]);
    clock(trial.kernel(), "2026-03-27T12:00:00Z");
    trial.kernel().start_recurring().unwrap();
    trial.kernel().start_recurring().unwrap();
    assert_eq!(trial.list("sys.schedule", json!({})).len(), 1, "planned once");
    assert_eq!(ran(&trial, "probe.morning"), 1, "what was missed until now");
    let next = |trial: &Trial| trial.list("sys.schedule", json!({}))[0]["next"].as_str().unwrap().to_owned();
    assert_eq!(next(&trial), "2026-03-28T01:30:00Z");
    clock(trial.kernel(), "2026-03-28T01:29:59Z");
    assert_eq!(ran(&trial, "probe.morning"), 1);
    clock(trial.kernel(), "2026-03-28T01:30:00Z");
    assert_eq!((ran(&trial, "probe.morning"), ran(&trial, "probe.morning")), (2, 2));
    // There is no half past two on that Sunday: it comes when the clock goes on.
    assert_eq!(next(&trial), "2026-03-29T01:30:00Z");
    clock(trial.kernel(), "2026-03-29T01:30:00Z");
    assert_eq!(ran(&trial, "probe.morning"), 3);
    assert_eq!(next(&trial), "2026-03-30T00:30:00Z");
    // Nobody was there for half a year: once, and not in the night after.
    clock(trial.kernel(), "2026-10-25T00:30:00Z");
    assert_eq!(ran(&trial, "probe.morning"), 4);
    // The same hour for the second time in that night.
    clock(trial.kernel(), "2026-10-25T01:30:00Z");
    assert_eq!((ran(&trial, "probe.morning"), next(&trial)), (4, "2026-10-26T01:30:00Z".to_owned()));
    // A clock that steps back does nothing twice.
    clock(trial.kernel(), "2026-10-24T12:00:00Z");
    assert_eq!(ran(&trial, "probe.morning"), 4);
}

#[test]
fn administrators_plan_change_and_stop() {
    let trial = Trial::new(&[&PROBE]);
    clock(trial.kernel(), "2026-11-24T12:00:00Z");
    let refused = |login: &str, body: serde_json::Value| {
        let error = trial.kernel().create("sys.schedule", &body, &Ask::by(trial.who(login))).unwrap_err();
        let code = error.errors.first().map_or(error.code.clone(), |field| field.code.clone());
        (error.status, code.into_owned())
    };
    for (body, code) in [
        (json!({"job": "probe.morning", "cron": "61 * * * *"}), "cron"),
        (json!({"job": "probe.morning", "cron": "0 0 30 2 *"}), "cron"),
        (json!({"job": "probe.morning", "cron": "* * * * * *"}), "cron"),
        (json!({"job": "probe.nothing", "cron": "0 * * * *"}), "no_job"),
        (json!({"job": "probe.often", "cron": "0 * * * *"}), "no_job"),
        (json!({"job": "probe.morning", "cron": "0 * * * *", "zone": "Europe/Atlantis"}), "time_zone"),
        (json!({"job": "probe.morning", "cron": "0 * * * *", "next": "2026-11-24T12:00:00Z"}), "by_operation"),
    ] {
        assert_eq!(refused("admin", body.clone()), (422, code.to_owned()), "{body}");
    }
    let good = json!({"job": "probe.morning", "cron": "0 9 * * 1", "zone": "America/New_York"});
    assert_eq!(refused("sales", good.clone()), (403, "forbidden".to_owned()));
    let id = trial.create("admin", "sys.schedule", good);
    let next = || trial.record("sys.schedule", id)["next"].clone();
    assert_eq!(next(), "2026-11-30T14:00:00Z");
    let change = |body: serde_json::Value| {
        trial.kernel().change("sys.schedule", id, None, &body, &Ask::by(trial.who("admin"))).unwrap();
    };
    change(json!({"cron": "0 9 * * *", "zone": null}));
    assert_eq!(next(), "2026-11-25T08:00:00Z");
    trial.run("admin", "sys.schedule.run", json!({"schedule": id}));
    assert_eq!(ran(&trial, "probe.morning"), 1, "now, besides its hours");
    change(json!({"active": false}));
    assert!(next().is_null());
    clock(trial.kernel(), "2026-12-24T12:00:00Z");
    assert_eq!(ran(&trial, "probe.morning"), 1);
    change(json!({"active": true}));
    assert_eq!(next(), "2026-12-25T08:00:00Z");
}

#[test]
fn what_was_given_up_is_seen_and_run_again_by_administrators() {
    let trial = Trial::new(&[&PROBE]);
    let mut now: jiff::Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let queue = || {
        let work = |cx: &mut kernel::Cx<'_>| cx.schedule("probe.fails", None, json!({"n": 1}), cx.now());
        trial.kernel().work(&trial.system(), "trial.queue", work).unwrap().raw()
    };
    trial.kernel().shared().set_clock(Some(now));
    let ids: Vec<i64> = (0..3).map(|_| queue()).collect();
    for _ in 0..kernel::MAX_ATTEMPTS {
        assert!(trial.list("sys.job", json!({"state": "dead"})).is_empty(), "not yet");
        trial.kernel().run_jobs(100).unwrap();
        now += jiff::SignedDuration::from_hours(2);
        trial.kernel().shared().set_clock(Some(now));
    }
    let dead = trial.list("sys.job", json!({"state": "dead"}));
    assert_eq!(dead.len(), 3);
    assert!(
        dead.iter()
            .all(|job| job["attempts"] == kernel::MAX_ATTEMPTS && job["error"].as_str().unwrap().contains("busy"))
    );
    for operation in ["sys.job.retry_all", "sys.job.retry"] {
        assert_eq!(trial.refused("manager", operation, json!({"job": ids[0]})).status, 403);
    }
    trial.run("admin", "sys.job.retry", json!({"job": ids[0]}));
    assert_eq!(trial.run("admin", "sys.job.retry_all", json!({"name": "probe.morning"}))["count"], 0);
    assert_eq!(trial.run("admin", "sys.job.retry_all", json!({"name": "probe.fails"}))["count"], 2);
    let queued = trial.list("sys.job", json!({"state": "queued", "name": "probe.fails"}));
    assert!(queued.len() == 3 && queued.iter().all(|job| job["attempts"] == 0), "{queued:?}");
    // The list stands in the settings, with the button of each and of all.
    let meta = trial.kernel().meta(&trial.who("admin"), kernel::Language::En).unwrap();
    let area = meta["areas"].as_array().unwrap().iter().find(|a| a["key"] == "settings").unwrap();
    assert!(area["entities"].as_array().unwrap().iter().any(|e| e == "sys.job"), "{area}");
    assert!(meta["operations"]["sys.job.retry_all"].is_object());
}

#[test]
fn two_programs_run_what_is_planned_once() {
    let trial = Trial::new(&[&PROBE]);
    let all: Vec<&'static Module> = vec![&platform::MODULE, &PROBE];
    let other = Arc::new(Kernel::open(&trial.url(), &all, kernel::Options::default()).unwrap());
    trial.kernel().start_recurring().unwrap();
    for day in 1..=6 {
        let now = format!("2027-01-0{day}T02:00:00Z");
        clock(trial.kernel(), &now);
        clock(&other, &now);
        std::thread::scope(|scope| {
            for kernel in [trial.kernel(), &*other] {
                scope.spawn(move || {
                    for _ in 0..3 {
                        kernel.run_jobs(100).unwrap();
                    }
                });
            }
        });
        assert_eq!(ran(&trial, "probe.morning"), day, "{now}");
    }
}
