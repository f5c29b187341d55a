//! Order to cash as a company runs it: part deliveries, a late delivery, a closed period, an overdue invoice.

use crate::sim::{Sim, object};
use bpmn::{Definitions, Effect, Ended, Event, check, next_steps};
use serde_json::json;

const FILE: &str = include_str!("../order_to_cash.bpmn");

fn placed() -> Sim {
    let mut sim = Sim::new(FILE);
    let payload = json!({"order": {"entity": "sales.order", "id": 7}, "customer": {"name": "Kovo", "owner": "31"}});
    sim.send(Event::Start { element: Some("placed".into()), variables: object(json!({})), payload });
    sim
}

fn lines(open: [i64; 2]) -> serde_json::Value {
    json!({"lines": [{"open": open[0], "amount": "100.10"}, {"open": open[1], "amount": "0.20"}]})
}

#[test]
fn the_file_has_no_problems() {
    let definitions = Definitions::parse(FILE).unwrap();
    let known = ["sales.", "inventory.", "finance.", "platform."];
    let problems = check(&definitions, &|name| known.iter().any(|k| name.starts_with(k)));
    assert_eq!(problems, []);
    let process = &definitions.processes[0];
    assert_eq!(process.ends_on, ["sales.order.cancelled", "sales.order.merged"]);
    assert_eq!(process.names["cs"], "Od objednávky k platbě");
    assert_eq!(process.operations().len(), 5);
    assert_eq!(process.message_start("sales.order.placed").unwrap().id, "placed");
    let next: Vec<String> = next_steps(process, "ship").into_iter().map(|s| s.name).collect();
    assert_eq!(next, ["Ship", "Remind the customer"]);
}

#[test]
fn part_deliveries_to_payment() {
    let mut sim = placed();
    let task = sim.task("confirm");
    assert_eq!((task.operation.as_deref(), task.assignee.as_deref()), (Some("sales.order.confirm"), Some("31")));
    assert_eq!((task.roles[0].as_str(), task.subject_value["id"].as_i64()), ("sales", Some(7)));
    sim.done("confirm", json!({"note": "ring twice"}));
    assert_eq!(sim.task("ship").roles, ["inventory"]);
    assert_eq!(sim.due("late"), "2026-03-04T08:00:00Z");
    // Late: the manager is told while the task stays.
    sim.now = "2026-03-04T08:00:00Z".parse().unwrap();
    let effects = sim.fire("late");
    assert!(effects.iter().any(|e| matches!(e, Effect::CallOperation { input, .. }
        if input == &json!({"record": {"entity": "sales.order", "id": 7}, "text": "The delivery is late"}))));
    sim.answer("tell", json!(null));
    assert_eq!(sim.at(), ["ship"]);
    // Two part deliveries.
    sim.done("ship", json!({}));
    sim.answer("lines", lines([5, 0]));
    assert_eq!(sim.at(), ["ship"]);
    assert_eq!(sim.due("late"), "2026-03-06T08:00:00Z");
    sim.done("ship", json!({}));
    sim.answer("lines", lines([0, 0]));
    // The period is closed, then open.
    sim.refuse("issue", "period_closed");
    assert_eq!(sim.task("open_period").roles, ["finance"]);
    let effects = sim.done("open_period", json!({}));
    assert!(effects.iter().any(|e| matches!(e, Effect::CallOperation { input, atomic: false, .. }
        if input["amount"] == "100.3")));
    sim.answer("issue", json!({"invoice": {"number": "2026001", "due": "2026-03-20"}}));
    assert_eq!(sim.due("paid"), "finance.invoice.paid Some(\"2026001\")");
    assert_eq!(sim.due("overdue"), "2026-03-21T00:00:00Z");
    // Not paid in time, a new date, then paid.
    sim.fire("overdue");
    assert_eq!(sim.task("remind").roles, ["collections"]);
    sim.done("remind", json!({"new_due": "2026-04-01"}));
    assert_eq!(sim.due("overdue"), "2026-04-02T00:00:00Z");
    sim.message("paid", json!({"paid_on": "2026-03-30"}));
    assert_eq!(sim.state.ended(), Some(&Ended::Completed));
    assert_eq!(sim.state.value("paid_on"), Some(&json!("2026-03-30")));
    sim.replay();
}

#[test]
fn a_cancelled_order_leaves_nothing_behind() {
    let mut sim = placed();
    sim.done("confirm", json!({}));
    let effects = sim.send(Event::Cancel { reason: "sales.order.cancelled".into() });
    assert!(effects.iter().any(|e| matches!(e, Effect::TaskCancelled { .. })));
    assert!(effects.iter().any(|e| matches!(e, Effect::TimerCancelled { .. })));
    assert_eq!(sim.state.tokens().count(), 0);
    sim.replay();
}

#[test]
fn paid_while_reminding() {
    let mut sim = placed();
    sim.done("confirm", json!({}));
    sim.done("ship", json!({}));
    sim.answer("lines", lines([0, 0]));
    sim.answer("issue", json!({"invoice": {"number": "2026002", "due": "2026-03-20"}}));
    sim.fire("overdue");
    sim.message("paid_meanwhile", json!({}));
    assert_eq!(sim.state.ended(), Some(&Ended::Completed));
    sim.replay();
}
