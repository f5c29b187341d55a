//! Each element with the least process around it.

use crate::sim::{Sim, chain, file};
use bpmn::{Changed, Context, Definitions, Effect, Ended, Event, Failure, State, StepError};
use bpmn::{Task, step};
use serde_json::{Value as Json, json};

const ENDS: &str = r#"<startEvent id="s"/><endEvent id="e"/>"#;

fn completed(sim: &Sim) {
    assert_eq!(sim.state.ended(), Some(&Ended::Completed));
    sim.replay();
}

#[test]
fn start_and_end() {
    let sim = Sim::started(&format!("{ENDS}{}", chain("s>e")), json!({"a": 1}));
    completed(&sim);
    assert_eq!(sim.left(), ["s", "e"]);
    assert_eq!(sim.state.value("a"), Some(&json!(1)));
}

#[test]
fn message_start_maps_its_payload() {
    let body = r#"<startEvent id="s"><extensionElements><celek:output source="=amount * 2" target="double"/>
        </extensionElements><messageEventDefinition messageRef="ping"/></startEvent><endEvent id="e"/>"#;
    let mut sim = Sim::new(&file(&format!("{body}{}", chain("s>e"))));
    assert_eq!(sim.process.message_start("ping").map(|e| e.id.as_str()), Some("s"));
    let variables = serde_json::Map::new();
    let none = Event::Start { element: None, variables: variables.clone(), payload: Json::Null };
    assert_eq!(sim.try_send(none), Err(StepError::NoStart));
    sim.send(Event::Start { element: Some("s".into()), variables, payload: json!({"amount": "1.25"}) });
    assert_eq!(sim.state.value("double"), Some(&json!("2.5")));
    completed(&sim);
}

#[test]
fn timer_start_is_the_callers() {
    let body = r#"<startEvent id="s"><timerEventDefinition><timeCycle>R/PT1H</timeCycle></timerEventDefinition>
        </startEvent><endEvent id="e"/>"#;
    let sim = Sim::new(&file(&format!("{body}{}", chain("s>e"))));
    let (_, start) = sim.process.starts().next().unwrap();
    let bpmn::StartTrigger::Timer(timer) = &start.trigger else { panic!() };
    let clock = Context::new(sim.now).clock;
    let armed = timer.arm(&serde_json::Map::new(), &clock).unwrap();
    assert_eq!(armed.due, bpmn::Due::At("2026-03-02T09:00:00Z".parse().unwrap()));
    // Fired once after a long downtime, then on the grid again.
    let later = Context::new("2026-03-02T12:20:00Z".parse().unwrap()).clock;
    assert_eq!(armed.next(&later).unwrap().unwrap().due, bpmn::Due::At("2026-03-02T13:00:00Z".parse().unwrap()));
}

#[test]
fn user_task_with_everything() {
    let body = r#"<laneSet><lane name="Front office" celek:role="front"><flowNodeRef>t</flowNodeRef></lane></laneSet>
        <userTask id="t" name="Work" celek:operation="x.do" celek:subject="thing" celek:assignee="=boss"
          celek:due="2 workdays" celek:priority="7" celek:completes="a.b, c.d"><extensionElements>
          <celek:name lang="cs">Práce</celek:name><celek:instruction lang="en">Do *it*.</celek:instruction>
          <celek:field name="answer" label="Answer" label_cs="Odpověď" kind="number" required="true"/>
        </extensionElements></userTask>"#;
    let body = format!("{ENDS}{body}{}", chain("s>t>e"));
    let mut sim = Sim::started(&body, json!({"boss": "42", "thing": {"entity": "x", "id": 9}}));
    let task: &Task = sim.task("t");
    assert_eq!((task.name.as_str(), task.names["cs"].as_str()), ("Work", "Práce"));
    assert_eq!(task.instructions["en"], "Do *it*.");
    assert_eq!((task.operation.as_deref(), task.assignee.as_deref()), (Some("x.do"), Some("42")));
    assert_eq!((task.subject.as_deref(), &task.subject_value), (Some("thing"), &json!({"entity": "x", "id": 9})));
    assert_eq!((task.due.clone(), task.priority), (Some(bpmn::Due::Text("2 workdays".into())), Some(7)));
    assert_eq!(
        (task.roles.as_slice(), task.completes.as_slice()),
        (&["front".into()][..], &["a.b".into(), "c.d".into()][..])
    );
    assert_eq!((task.form[0].labels["cs"].as_str(), task.form[0].required), ("Odpověď", true));
    let token = sim.token("t");
    sim.done("t", json!({"answer": 3}));
    assert_eq!(sim.state.value("answer"), Some(&json!(3)));
    completed(&sim);
    let again = Event::TaskDone { token, outputs: serde_json::Map::new() };
    assert_eq!(sim.try_send(again), Err(StepError::Ended));
}

#[test]
fn a_task_done_twice_in_a_loop_counts_once() {
    let body = format!(
        r#"{ENDS}<exclusiveGateway id="j"/><userTask id="t" name="T"/><exclusiveGateway id="g" default="g_e"/>{}
        <sequenceFlow id="g_j" sourceRef="g" targetRef="j"><conditionExpression>again</conditionExpression></sequenceFlow>"#,
        chain("s>j>t>g>e")
    );
    let mut sim = Sim::started(&body, json!({"again": true}));
    let first = Event::TaskDone { token: sim.token("t"), outputs: serde_json::Map::new() };
    sim.send(first.clone());
    assert!(matches!(sim.try_send(first), Err(StepError::NoToken(_))));
    sim.done("t", json!({"again": false}));
    completed(&sim);
}

#[test]
fn manual_task_is_a_tick() {
    let mut sim = Sim::started(&format!(r#"{ENDS}<manualTask id="t" name="T"/>{}"#, chain("s>t>e")), json!({}));
    assert!(sim.task("t").manual);
    sim.done("t", json!({}));
    completed(&sim);
}

const CALL: &str = r#"<serviceTask id="c" name="C" celek:operation="x.call" celek:atomic="true"><extensionElements>
    <celek:input source="=a + 1" target="b"/><celek:input source="text" target="t"/>
    <celek:output source="=result * 10" target="r"/></extensionElements></serviceTask>"#;

#[test]
fn service_task_maps_in_and_out() {
    let mut sim = Sim::started(&format!("{ENDS}{CALL}{}", chain("s>c>e")), json!({"a": 1}));
    let call = sim.log.iter().find_map(|e| match e {
        Effect::CallOperation { operation, input, atomic, .. } => Some((operation.clone(), input.clone(), *atomic)),
        _ => None,
    });
    assert_eq!(call, Some(("x.call".into(), json!({"b": 2, "t": "text"}), true)));
    sim.answer("c", json!({"result": "0.5"}));
    assert_eq!(sim.state.value("r"), Some(&json!(5)));
    assert_eq!(sim.state.value("result"), None);
    completed(&sim);
}

#[test]
fn incidents_keep_what_was_done() {
    let body = format!("{ENDS}{CALL}{}", chain("s>c>e"));
    // A mapping that gives a range cannot be kept; the call itself is not done twice.
    let mut sim = Sim::started(&body.replace("=result * 10", "=if result = 1 then 1 else [1..2]"), json!({"a": 1}));
    sim.answer("c", json!({"result": 2}));
    assert_eq!(sim.incident("c"), "feel");
    let token = sim.token("c");
    let effects = sim.send(Event::Retry { token });
    assert!(effects.iter().all(|e| !matches!(e, Effect::CallOperation { .. })));
    assert_eq!(sim.incident("c"), "feel");

    let mut sim = Sim::started(&body, json!({"a": 1}));
    let token = sim.token("c");
    sim.send(Event::OperationFailed { token, failure: Failure::Technical, message: "down".into() });
    assert_eq!(sim.incident("c"), "technical");
    sim.send(Event::SetVariables { scope: None, variables: crate::sim::object(json!({"a": 5})) });
    let effects = sim.send(Event::Retry { token });
    assert!(matches!(&effects[..], [Effect::CallOperation { input, .. }] if input["b"] == 6));
    sim.refuse("c", "nobody_catches_this");
    assert_eq!(sim.incident("c"), "nobody_catches_this");
    sim.send(Event::Cancel { reason: "enough".into() });
    assert_eq!(sim.state.ended(), Some(&Ended::Cancelled { reason: "enough".into() }));
    sim.replay();
}

#[test]
fn boundary_error_catches_its_code_first() {
    let body = format!(
        r#"{ENDS}{CALL}<boundaryEvent id="any" attachedToRef="c"><errorEventDefinition/></boundaryEvent>
        <boundaryEvent id="b" attachedToRef="c"><extensionElements><celek:output source="=message" target="why"/>
        </extensionElements><errorEventDefinition errorRef="no"/></boundaryEvent><userTask id="t" name="T"/>{}"#,
        chain("s>c>e any>e b>t>e")
    );
    let mut sim = Sim::started(&body, json!({"a": 1}));
    sim.refuse("c", "no");
    assert_eq!((sim.at(), sim.state.value("why")), (vec!["t".to_owned()], Some(&json!("said no"))));
    sim.done("t", json!({}));
    completed(&sim);
    let mut sim = Sim::started(&body, json!({"a": 1}));
    sim.refuse("c", "whatever");
    assert_eq!(sim.left(), ["s", "any", "e"]);
    completed(&sim);
}

fn gateway(kind: &str, default: &str) -> String {
    let flow = |id: &str, to: &str, condition: &str| {
        format!(
            r#"<sequenceFlow id="{id}" sourceRef="g" targetRef="{to}"><conditionExpression>{condition}</conditionExpression></sequenceFlow>"#
        )
    };
    format!(
        r#"<startEvent id="s"/><endEvent id="e1"/><endEvent id="e2"/><endEvent id="e3"/><{kind} id="g" name="G" {default}/>{}{}{}{}"#,
        chain("s>g"),
        flow("f1", "e1", "n &gt; 10"),
        flow("f2", "e2", "=n &gt; 5"),
        if default.is_empty() { String::new() } else { chain("g>e3") },
    )
}

#[test]
fn exclusive_gateway_takes_the_first_that_holds() {
    for (n, end) in [(11, "e1"), (6, "e2"), (1, "e3")] {
        let sim = Sim::started(&gateway("exclusiveGateway", r#"default="g_e3""#), json!({"n": n}));
        assert_eq!(sim.left(), ["s", "g", end]);
        completed(&sim);
    }
    let mut sim = Sim::started(&gateway("exclusiveGateway", ""), json!({"n": 1}));
    assert_eq!(sim.incident("g"), "no_flow");
    let token = sim.token("g");
    sim.send(Event::SetVariables { scope: None, variables: crate::sim::object(json!({"n": 7})) });
    sim.send(Event::Retry { token });
    completed(&sim);
    // A missing variable chooses nothing, not even the default.
    let sim = Sim::started(&gateway("exclusiveGateway", r#"default="g_e3""#), json!({}));
    assert_eq!(sim.incident("g"), "feel");
}

#[test]
fn conditions_on_flows_out_of_a_task_split() {
    let body = gateway("userTask", r#"default="g_e3""#);
    for (n, ends) in [(11, vec!["s", "g", "e1", "e2"]), (6, vec!["s", "g", "e2"]), (1, vec!["s", "g", "e3"])] {
        let mut sim = Sim::started(&body, json!({"n": n}));
        sim.done("g", json!({}));
        assert_eq!(sim.left(), ends);
        completed(&sim);
    }
}

#[test]
fn parallel_gateway_joins_each_flow_once() {
    let body = format!(
        r#"{ENDS}<parallelGateway id="f"/><userTask id="a" name="A"/><userTask id="b" name="B"/><parallelGateway id="j"/>{}"#,
        chain("s>f>a>j f>b>j>e")
    );
    for (first, second) in [("a", "b"), ("b", "a")] {
        let mut sim = Sim::started(&body, json!({}));
        sim.done(first, json!({}));
        assert_eq!(sim.at(), if first == "a" { ["b", "j"] } else { ["a", "j"] });
        sim.done(second, json!({}));
        assert_eq!(sim.left().iter().filter(|e| **e == "e").count(), 1);
        completed(&sim);
    }
}

#[test]
fn event_gateway_takes_the_first_event() {
    let body = format!(
        r#"{ENDS}<eventBasedGateway id="g"/><endEvent id="late"/>
        <intermediateCatchEvent id="m"><extensionElements><celek:output source="=x" target="y"/></extensionElements>
        <messageEventDefinition messageRef="keyed"/></intermediateCatchEvent>
        <intermediateCatchEvent id="t"><timerEventDefinition><timeDate>2026-03-05</timeDate></timerEventDefinition>
        </intermediateCatchEvent>{}"#,
        chain("s>g>m>e g>t>late")
    );
    let mut sim = Sim::started(&body, json!({"key": 17}));
    assert_eq!((sim.due("t"), sim.due("m")), ("2026-03-05T00:00:00Z".to_owned(), "keyed Some(\"17\")".to_owned()));
    sim.message("m", json!({"x": 4}));
    assert_eq!((sim.left(), sim.state.value("y")), (vec!["s", "g", "m", "e"], Some(&json!(4))));
    completed(&sim);
    let mut sim = Sim::started(&body, json!({"key": "k"}));
    sim.fire("t");
    assert_eq!(sim.left(), ["s", "g", "t", "late"]);
    completed(&sim);
    // Without a key nothing is waited for.
    assert_eq!(Sim::started(&body, json!({})).incident("g"), "correlation");
}

fn catch(timer: &str) -> String {
    format!(
        r#"{ENDS}<intermediateCatchEvent id="t"><timerEventDefinition>{timer}</timerEventDefinition>
        </intermediateCatchEvent>{}"#,
        chain("s>t>e")
    )
}

#[test]
fn timers_are_counted_from_the_given_clock() {
    for (timer, due) in [
        ("<timeDuration>PT90M</timeDuration>", "2026-03-02T09:30:00Z"),
        ("<timeDuration>P1M2D</timeDuration>", "2026-04-04T08:00:00Z"),
        (r#"<timeDuration>=duration("P" + string(days) + "D")</timeDuration>"#, "2026-03-05T08:00:00Z"),
        ("<timeDate>2026-03-09T10:00:00+02:00</timeDate>", "2026-03-09T08:00:00Z"),
        (r#"<timeDate>=today() + duration("P7D")</timeDate>"#, "2026-03-09T00:00:00Z"),
        (r#"<timeDate>=now() + duration("PT1H")</timeDate>"#, "2026-03-02T09:00:00Z"),
        ("<timeCycle>R3/PT1H</timeCycle>", "2026-03-02T09:00:00Z"),
        ("<timeDuration>2 workdays</timeDuration>", "2 workdays"),
    ] {
        let mut sim = Sim::started(&catch(timer), json!({"days": 3}));
        assert_eq!(sim.due("t"), due, "{timer}");
        sim.fire("t");
        completed(&sim);
    }
    for timer in [
        "",
        "<timeDuration>soon</timeDuration>",
        "<timeDuration>-P1D</timeDuration>",
        "<timeCycle>0 0 * * *</timeCycle>",
        "<timeCycle>R/PT0S</timeCycle>",
    ] {
        let problems = Definitions::parse(&file(&catch(timer))).unwrap_err();
        assert!(problems.iter().any(|p| p.code == "timer" && p.element == "t"), "{timer}");
    }
    let mut sim = Sim::started(&catch("<timeDuration>=wait</timeDuration>"), json!({"wait": "soon"}));
    assert_eq!(sim.incident("t"), "timer");
    sim.send(Event::SetVariables { scope: None, variables: crate::sim::object(json!({"wait": "PT5M"})) });
    let token = sim.token("t");
    sim.send(Event::Retry { token });
    assert_eq!(sim.due("t"), "2026-03-02T08:05:00Z");
}

#[test]
fn a_task_is_due_at_a_time_that_there_is() {
    let task = |due: &str| format!(r#"{ENDS}<userTask id="t" name="T" celek:due="{due}"/>{}"#, chain("s>t>e"));
    for (text, due) in [
        ("PT4H", bpmn::Due::At("2026-03-02T12:00:00Z".parse().unwrap())),
        ("2026-03-09T10:00:00+02:00", bpmn::Due::At("2026-03-09T08:00:00Z".parse().unwrap())),
        ("2026-03-09T10:00", bpmn::Due::At("2026-03-09T10:00:00Z".parse().unwrap())),
        ("2026-03-09", bpmn::Due::Text("2026-03-09".into())),
        ("=when", bpmn::Due::Text("4 working hours".into())),
    ] {
        let sim = Sim::started(&task(text), json!({"when": "4 working hours"}));
        assert_eq!(sim.task("t").due, Some(due), "{text}");
    }
    for text in ["soon", "2 weeks", "-P1D", "9999 workdays"] {
        let problems = Definitions::parse(&file(&task(text))).unwrap_err();
        assert!(problems.iter().any(|p| p.code == "due" && p.element == "t"), "{text}");
    }
    assert_eq!(Sim::started(&task("=when"), json!({"when": "soon"})).incident("t"), "due");
}

#[test]
fn an_incident_is_skipped() {
    let body = format!(
        r#"{ENDS}<serviceTask id="t" name="T" celek:operation="x.do"/><userTask id="u" name="U"/>{}"#,
        chain("s>t>u>e")
    );
    let mut sim = Sim::started(&body, json!({}));
    let token = sim.token("t");
    assert_eq!(sim.try_send(Event::Skip { token }), Err(bpmn::StepError::NotWaiting(token)), "nothing went wrong yet");
    sim.refuse("t", "x.no");
    sim.send(Event::Skip { token });
    sim.done("u", json!({}));
    completed(&sim);
}

fn with_boundary(cancel: bool, definition: &str) -> String {
    format!(
        r#"{ENDS}<userTask id="t" name="T"/><boundaryEvent id="b" attachedToRef="t" cancelActivity="{cancel}">{definition}
        </boundaryEvent><userTask id="x" name="X"/>{}"#,
        chain("s>t>e b>x>e")
    )
}

#[test]
fn boundary_timer_interrupts() {
    let timer = "<timerEventDefinition><timeDuration>P1D</timeDuration></timerEventDefinition>";
    let mut sim = Sim::started(&with_boundary(true, timer), json!({}));
    let effects = sim.fire("b");
    let token = match &effects[0] {
        Effect::TaskCancelled { token } => *token,
        other => panic!("{other:?}"),
    };
    assert!(effects.contains(&Effect::Cancelled { token, element: "t".into() }));
    assert_eq!(sim.at(), ["x"]);
    sim.done("x", json!({}));
    completed(&sim);
    // Done in time: the timer is gone, and firing it late is refused.
    let mut sim = Sim::started(&with_boundary(true, timer), json!({}));
    let (token, timer) = sim.listen("b");
    assert!(sim.done("t", json!({})).contains(&Effect::TimerCancelled { token, timer }));
    assert_eq!(sim.try_send(Event::TimerFired { token, timer }), Err(StepError::Ended));
    completed(&sim);
}

#[test]
fn boundary_cycle_fires_as_often_as_it_says() {
    let timer = "<timerEventDefinition><timeCycle>R2/PT1H</timeCycle></timerEventDefinition>";
    let mut sim = Sim::started(&with_boundary(false, timer), json!({}));
    let (token, first) = sim.listen("b");
    sim.now = "2026-03-02T09:00:00Z".parse().unwrap();
    sim.fire("b");
    assert_eq!(sim.due("b"), "2026-03-02T10:00:00Z");
    assert_eq!(sim.try_send(Event::TimerFired { token, timer: first }), Err(StepError::NoListen(first)));
    sim.fire("b");
    assert_eq!(sim.at(), ["t", "x", "x"]);
    assert!(sim.state.tokens().all(|t| t.listens.is_empty()));
    sim.replay();
}

#[test]
fn boundary_message_without_interruption_goes_on_listening() {
    let message = r#"<messageEventDefinition messageRef="ping"/>"#;
    let mut sim = Sim::started(&with_boundary(false, message), json!({}));
    assert_eq!(sim.due("b"), "ping None");
    sim.message("b", json!({}));
    sim.message("b", json!({}));
    assert_eq!(sim.at(), ["t", "x", "x"]);
    sim.done("t", json!({}));
    assert_eq!(sim.state.ended(), None);
    let mut sim = Sim::started(&with_boundary(true, message), json!({}));
    sim.message("b", json!({}));
    assert_eq!(sim.at(), ["x"]);
    sim.replay();
}

#[test]
fn terminate_ends_everything() {
    let body = format!(
        r#"<startEvent id="s"/><parallelGateway id="f"/><userTask id="a" name="A"/><userTask id="b" name="B"/>
        <endEvent id="e"/><endEvent id="x"><terminateEventDefinition/></endEvent>{}"#,
        chain("s>f>a>e f>b>x")
    );
    let mut sim = Sim::started(&body, json!({}));
    sim.done("b", json!({}));
    assert_eq!(sim.state.ended(), Some(&Ended::Terminated));
    sim.replay();
}

pub(crate) fn sub(inner: &str) -> String {
    format!(
        r#"{ENDS}<subProcess id="sub" name="Sub"><startEvent id="is"/>{inner}</subProcess>
        <boundaryEvent id="b" attachedToRef="sub"><errorEventDefinition errorRef="no"/></boundaryEvent>
        <boundaryEvent id="late" attachedToRef="sub"><timerEventDefinition><timeDuration>P1D</timeDuration>
        </timerEventDefinition></boundaryEvent><endEvent id="caught"/>{}"#,
        chain("s>sub>e b>caught late>caught")
    )
}

#[test]
fn sub_process_ends_with_its_last_token() {
    let inner =
        r#"<parallelGateway id="f"/><userTask id="a" name="A"/><userTask id="b2" name="B"/><endEvent id="ie"/>"#;
    let body = sub(&format!("{inner}{}", chain("is>f>a>ie f>b2>ie")));
    let mut sim = Sim::started(&body, json!({}));
    assert_eq!(sim.at(), ["a", "b2", "sub"]);
    sim.done("a", json!({}));
    assert_eq!(sim.state.ended(), None);
    sim.done("b2", json!({}));
    completed(&sim);
    let mut sim = Sim::started(&body, json!({}));
    sim.fire("late");
    assert_eq!(sim.left().last(), Some(&"caught"));
    assert_eq!(sim.state.scopes().count(), 1);
    completed(&sim);
}

#[test]
fn errors_go_outwards() {
    let inner = format!(
        r#"<userTask id="a" name="A"/><endEvent id="ie"><errorEventDefinition errorRef="no"/></endEvent>{}"#,
        chain("is>a>ie")
    );
    let mut sim = Sim::started(&sub(&inner), json!({}));
    sim.done("a", json!({}));
    assert_eq!(sim.left(), ["s", "is", "a", "ie", "b", "caught"]);
    completed(&sim);
    let mut sim = Sim::started(&sub(&inner.replace("errorRef=\"no\"", "errorRef=\"other\"")), json!({}));
    sim.done("a", json!({}));
    assert_eq!(sim.state.ended(), Some(&Ended::Failed { code: "other".into() }));
    // An operation that says no inside is caught on the sub-process, too.
    let inner = format!(r#"{CALL}<endEvent id="ie"/>{}"#, chain("is>c>ie"));
    let mut sim = Sim::started(&sub(&inner), json!({"a": 1}));
    sim.refuse("c", "no");
    assert_eq!(sim.left(), ["s", "is", "b", "caught"]);
    completed(&sim);
}

#[test]
fn flows_without_an_id_get_one() {
    let flow = |from: &str, to: &str| format!(r#"<sequenceFlow sourceRef="{from}" targetRef="{to}"/>"#);
    let body = format!(
        r#"{ENDS}<parallelGateway id="f"/><parallelGateway id="j"/>{}{}{}{}"#,
        flow("s", "f"),
        flow("f", "j"),
        flow("f", "j"),
        flow("j", "e")
    );
    let sim = Sim::started(&body, json!({}));
    let ids: Vec<&str> = sim.process.flows.iter().map(|f| f.id.as_str()).collect();
    assert_eq!(ids, ["s->f", "f->j", "f->j#2", "j->e"]);
    completed(&sim);
}

#[test]
fn milestones_do_nothing() {
    let body = format!(r#"{ENDS}<intermediateThrowEvent id="m" name="Halfway"/>{}"#, chain("s>m>e"));
    let sim = Sim::started(&body, json!({}));
    assert_eq!(sim.left(), ["s", "m", "e"]);
    completed(&sim);
}

#[test]
fn endless_loops_stop() {
    let body =
        format!(r#"<startEvent id="s"/><exclusiveGateway id="g"/><exclusiveGateway id="h"/>{}"#, chain("s>g>h>g"));
    let mut sim = Sim::new(&file(&body));
    let effects = sim.try_send(Event::Start { element: None, variables: <_>::default(), payload: Json::Null }).unwrap();
    assert_eq!(effects.last(), Some(&Effect::ContinueLater));
    assert_eq!(sim.state.instance().steps, 50);
    let mut context = Context::new(sim.now);
    context.budget = 20_000;
    step(&sim.process, &mut sim.state, Event::Continue, &context).unwrap();
    assert_eq!(sim.state.instance().steps, 10_001);
    let element = sim.at()[0].clone();
    assert_eq!(sim.incident(&element), "endless");
}

#[test]
fn loops_that_multiply_tokens_stop_too() {
    let body = format!(
        r#"<startEvent id="s"/><exclusiveGateway id="j"/><parallelGateway id="f"/><exclusiveGateway id="x"/>
        <exclusiveGateway id="y"/>{}"#,
        chain("s>j>f>x>j f>y>j")
    );
    let mut sim = Sim::new(&file(&body));
    let mut context = Context::new(sim.now);
    context.budget = 50_000;
    let start = Event::Start { element: None, variables: <_>::default(), payload: Json::Null };
    step(&sim.process, &mut sim.state, start, &context).unwrap();
    assert!(!sim.state.is_pending());
    assert!(sim.state.tokens().count() < 20_000);
}

#[test]
fn variables_are_limited() {
    let body = format!(r#"{ENDS}<userTask id="t" name="T"/>{}"#, chain("s>t>e"));
    let mut sim = Sim::started(&body, json!({}));
    let token = sim.token("t");
    let large = |n: usize| Json::String("x".repeat(n));
    let done =
        |name: &str, value: Json| Event::TaskDone { token, outputs: [(name.to_owned(), value)].into_iter().collect() };
    assert_eq!(sim.try_send(done("a", large(70_000))), Err(StepError::TooLarge));
    assert_eq!(sim.try_send(done("a b", json!(1))), Err(StepError::Name("a b".into())));
    for i in 0..17 {
        let variables = [(format!("v{i}"), large(60_000))].into_iter().collect();
        sim.send(Event::SetVariables { scope: None, variables });
    }
    assert_eq!(sim.try_send(done("a", large(60_000))), Err(StepError::TooLarge));
    // Replacing a value counts only the new one.
    let variables = [("v0".to_owned(), large(60_000))].into_iter().collect();
    sim.send(Event::SetVariables { scope: None, variables });
    sim.done("t", json!({"a": 1}));
    completed(&sim);
}

#[test]
fn rows_change_only_where_something_happened() {
    let body = format!(
        r#"{ENDS}<parallelGateway id="f"/><userTask id="a" name="A"/><userTask id="b" name="B"/>{}"#,
        chain("s>f>a>e f>b>e")
    );
    let mut sim = Sim::started(&body, json!({"v": 1}));
    let token = sim.token("a");
    let mut state: State = serde_json::from_value(serde_json::to_value(&sim.state).unwrap()).unwrap();
    step(&sim.process, &mut state, Event::TaskDone { token, outputs: <_>::default() }, &Context::new(sim.now)).unwrap();
    let changes = state.take_changes();
    assert!(changes.contains(&Changed::Token(token)));
    assert!(!changes.contains(&Changed::Token(sim.token("b"))));
    assert!(changes.iter().all(|c| matches!(c, Changed::Token(_))));
    sim.done("a", json!({}));
}
