//! The support table: every row is a scenario that is run, and `docs/bpmn.md` is written from the rows
//! (`CELEK_DOCS=write cargo test -p bpmn`).

use crate::sim::{Sim, chain, file};
use bpmn::{Effect, Ended, Event};
use serde_json::{Value as J, json};

const ENDS: &str = r#"<startEvent id="s"/><endEvent id="e"/>"#;

fn task(id: &str) -> String {
    format!(r#"<userTask id="{id}" name="{id}"/>"#)
}

fn begun(body: &str, flows: &str, variables: J) -> Sim {
    Sim::started(&format!("{ENDS}{body}{}", chain(flows)), variables)
}

/// Like a file with signals, escalations and the like declared.
fn declared(body: &str, flows: &str, variables: J) -> Sim {
    let more =
        r#"<signal id="sig" name="alarm"/><escalation id="esc" escalationCode="7"/><process id="p" name="Test">"#;
    let xml = file(&format!("{ENDS}{body}{}", chain(flows))).replace(r#"<process id="p" name="Test">"#, more);
    let mut sim = Sim::new(&xml);
    sim.start(variables);
    sim
}

fn completed(sim: &Sim) {
    assert_eq!(sim.state.ended(), Some(&Ended::Completed), "{:?}", sim.at());
    sim.replay();
}

fn all(sim: &Sim, element: &str) -> Vec<i64> {
    let at = sim.state.tokens().filter(|t| t.element == element && t.wait == Some(bpmn::Wait::Task));
    at.map(|t| t.id).collect()
}

fn complete(sim: &mut Sim, token: i64, outputs: J) {
    sim.send(Event::TaskDone { token, outputs: crate::sim::object(outputs) });
}

fn condition(id: &str, from: &str, to: &str, text: &str) -> String {
    format!(
        r#"<sequenceFlow id="{id}" sourceRef="{from}" targetRef="{to}"><conditionExpression>{text}</conditionExpression></sequenceFlow>"#
    )
}

fn inclusive() {
    let gates =
        format!(r#"<inclusiveGateway id="f"/><inclusiveGateway id="j"/>{}{}{}"#, task("a"), task("b"), task("z"));
    let split = [condition("fa", "f", "a", "v &lt; 3"), condition("fb", "f", "b", "v &gt; 1")].concat();
    let mut sim = begun(&format!("{gates}{split}"), "s>f a>j b>j j>z>e", json!({"v": 2}));
    assert_eq!(sim.at(), ["a", "b"]);
    sim.done("a", json!({}));
    assert_eq!(sim.at(), ["b", "j"], "it waits for what can still come");
    sim.done("b", json!({}));
    sim.done("z", json!({}));
    completed(&sim);
    let mut sim = begun(&format!("{gates}{split}"), "s>f a>j b>j j>z>e", json!({"v": 1}));
    sim.done("a", json!({}));
    assert_eq!(sim.at(), ["z"], "and not for what cannot");
    // In a loop: a token beyond the gateway does not hold it up, one before it does.
    let body = format!(
        r#"<exclusiveGateway id="x"/><inclusiveGateway id="j"/><parallelGateway id="f"/><exclusiveGateway id="g" default="g_e"/>{}{}{}{}"#,
        task("a"),
        task("b"),
        task("c"),
        condition("again", "g", "x", "again")
    );
    let mut sim = begun(&body, "s>x>f>a>j f>b>j j>c>g>e", json!({"again": true}));
    for round in 0..3 {
        sim.done("b", json!({}));
        sim.done("a", json!({}));
        sim.done("c", json!({ "again": round < 2 }));
    }
    completed(&sim);
}

fn complex() {
    let body = format!(
        r#"<parallelGateway id="f"/><complexGateway id="j"><activationCondition>activationCount >= 2</activationCondition></complexGateway>{}{}{}{}"#,
        task("a"),
        task("b"),
        task("c"),
        task("z")
    );
    let mut sim = begun(&body, "s>f>a>j f>b>j f>c>j j>z>e", json!({}));
    sim.done("a", json!({}));
    assert_eq!(sim.at(), ["b", "c", "j"]);
    sim.done("c", json!({}));
    assert_eq!(sim.at(), ["b", "z"], "two of three are enough");
    sim.done("z", json!({}));
    sim.done("b", json!({}));
    completed(&sim);
}

fn many_parallel() {
    let body = r#"<userTask id="t" name="T" celek:assignee="=who"><multiInstanceLoopCharacteristics celek:collection="people" celek:item="who">
        <completionCondition>nrOfCompletedInstances / nrOfInstances >= 0.5</completionCondition></multiInstanceLoopCharacteristics></userTask>"#;
    let mut sim = begun(body, "s>t>e", json!({"people": ["a", "b", "c", "d"]}));
    let open = all(&sim, "t");
    assert_eq!(open.len(), 4);
    let whom: Vec<_> = sim
        .log
        .iter()
        .filter_map(|e| match e {
            Effect::TaskCreated(t) => t.assignee.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(whom, ["a", "b", "c", "d"]);
    complete(&mut sim, open[2], json!({}));
    assert_eq!(all(&sim, "t").len(), 3);
    complete(&mut sim, open[0], json!({}));
    completed(&sim);
    let sim = begun(body, "s>t>e", json!({"people": []}));
    completed(&sim);
}

fn many_sequential() {
    let body = r#"<serviceTask id="t" celek:operation="x"><extensionElements><celek:input source="=loopCounter" target="n"/>
        </extensionElements><multiInstanceLoopCharacteristics isSequential="true"><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics></serviceTask>"#;
    let mut sim = begun(body, "s>t>e", json!({}));
    for number in 0..3 {
        let call = sim.log.iter().rev().find_map(|e| match e {
            Effect::CallOperation { token, input, .. } => Some((*token, input.clone())),
            _ => None,
        });
        let (token, input) = call.unwrap();
        assert_eq!(input, json!({ "n": number }));
        sim.send(Event::OperationDone { token, output: json!({}) });
    }
    completed(&sim);
}

fn many_sub_processes() {
    let body = format!(
        r#"<subProcess id="sub"><multiInstanceLoopCharacteristics><loopCardinality>=3</loopCardinality></multiInstanceLoopCharacteristics>
        <startEvent id="is"/><endEvent id="ie"/>{}{}</subProcess><boundaryEvent id="b" attachedToRef="sub"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>{}"#,
        task("t"),
        chain("is>t>ie"),
        task("late")
    );
    let mut sim = begun(&body, "s>sub>e b>late>e", json!({}));
    let open = all(&sim, "t");
    complete(&mut sim, open[1], json!({}));
    assert_eq!(all(&sim, "t").len(), 2);
    sim.fire("b");
    assert_eq!(sim.at(), ["late"], "the edge belongs to all rounds together");
    sim.done("late", json!({}));
    completed(&sim);
}

fn standard_loop() {
    let body = r#"<userTask id="t" name="T"><standardLoopCharacteristics loopMaximum="5"><loopCondition>not(good)</loopCondition></standardLoopCharacteristics></userTask>"#;
    let mut sim = begun(body, "s>t>e", json!({"good": true}));
    for good in [false, false, true] {
        let open = all(&sim, "t");
        assert_eq!(open.len(), 1);
        complete(&mut sim, open[0], json!({ "good": good }));
    }
    completed(&sim);
    let body = body.replace("loopMaximum", "testBefore=\"true\" loopMaximum");
    completed(&begun(&body, "s>t>e", json!({"good": true})));
}

fn script() {
    let body = r#"<scriptTask id="x" scriptFormat="feel" celek:result="double"><script>v * 2</script></scriptTask>"#;
    let sim = begun(body, "s>x>e", json!({"v": 21}));
    assert_eq!(sim.state.value("double"), Some(&json!(42)));
    completed(&sim);
}

fn rule() {
    let body = r#"<businessRuleTask id="x" celek:decision="rate" celek:result="percent"/>"#;
    let mut sim = begun(body, "s>x>e", json!({"amount": 5}));
    assert!(sim.log.iter().any(
        |e| matches!(e, Effect::Decide { decision, input, .. } if decision == "rate" && *input == json!({"amount": 5}))
    ));
    sim.answer("x", json!(10));
    assert_eq!(sim.state.value("percent"), Some(&json!(10)));
    completed(&sim);
}

fn receive() {
    let mut sim = begun(r#"<receiveTask id="r" messageRef="ping"/>"#, "s>r>e", json!({}));
    sim.message("r", json!({}));
    completed(&sim);
    let mut sim = begun(r#"<receiveTask id="r"/>"#, "s>r>e", json!({}));
    let token = sim.token("r");
    sim.send(Event::Trigger { token, payload: J::Null });
    completed(&sim);
}

fn send() {
    let body = r#"<sendTask id="t" messageRef="ping"/><intermediateThrowEvent id="m"><messageEventDefinition messageRef="keyed"/></intermediateThrowEvent>"#;
    let sim = begun(body, "s>t>m>e", json!({"key": "k1"}));
    let sent: Vec<_> = sim
        .log
        .iter()
        .filter_map(|e| match e {
            Effect::MessageSent { name, key, .. } => Some((name.as_str(), key.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [("ping", None), ("keyed", Some("k1".into()))]);
    completed(&sim);
}

fn call() {
    let body = r#"<callActivity id="c" calledElement="other"><extensionElements><celek:input source="=v" target="w"/><celek:output source="=x" target="y"/></extensionElements></callActivity>
        <boundaryEvent id="b" attachedToRef="c"><errorEventDefinition errorRef="no"/></boundaryEvent>"#;
    let mut sim = begun(body, "s>c>e b>e", json!({"v": 1}));
    assert!(sim.log.iter().any(|e| matches!(e, Effect::CallProcess { process, variables, .. } if process == "other" && *variables == json!({"w": 1}))));
    sim.answer("c", json!({"x": 2}));
    assert_eq!(sim.state.value("y"), Some(&json!(2)));
    completed(&sim);
    let mut sim = begun(body, "s>c>e b>e", json!({"v": 1}));
    sim.refuse("c", "no");
    assert!(sim.left().contains(&"b"));
    completed(&sim);
}

fn plain_task() {
    completed(&begun(r#"<task id="t" name="T"/>"#, "s>t>e", json!({})));
}

fn link() {
    let body = r#"<intermediateThrowEvent id="a"><linkEventDefinition name="L"/></intermediateThrowEvent><intermediateCatchEvent id="b"><linkEventDefinition name="L"/></intermediateCatchEvent>"#;
    let sim = begun(body, "s>a b>e", json!({}));
    assert_eq!(sim.left(), ["s", "a", "b", "e"]);
    completed(&sim);
}

fn signal() {
    let body = format!(
        r#"<parallelGateway id="f"/><intermediateCatchEvent id="c"><signalEventDefinition signalRef="sig"/></intermediateCatchEvent>
        <intermediateThrowEvent id="t"><signalEventDefinition signalRef="sig"/></intermediateThrowEvent>{}
        <boundaryEvent id="b" attachedToRef="w" cancelActivity="false"><signalEventDefinition signalRef="sig"/></boundaryEvent>{}"#,
        task("w"),
        task("heard")
    );
    let mut sim = declared(&body, "s>f>c>e f>w>t>e b>heard>e", json!({}));
    let (token, subscription) = sim.listen("b");
    sim.send(Event::MessageArrived { token, subscription, payload: J::Null });
    sim.done("heard", json!({}));
    sim.done("w", json!({}));
    assert!(sim.log.iter().any(|e| matches!(e, Effect::SignalThrown { name, .. } if name == "alarm")));
    completed(&sim);
}

fn conditional() {
    let body = format!(
        r#"<intermediateCatchEvent id="c"><conditionalEventDefinition><condition>level > 10</condition></conditionalEventDefinition></intermediateCatchEvent>{}
        <boundaryEvent id="b" attachedToRef="t" cancelActivity="false"><conditionalEventDefinition><condition>level > 20</condition></conditionalEventDefinition></boundaryEvent>{}"#,
        task("t"),
        task("high")
    );
    let mut sim = begun(&body, "s>c>t>e b>high>e", json!({"level": 1}));
    let set = |sim: &mut Sim, level: i64| {
        sim.send(Event::SetVariables { scope: None, variables: crate::sim::object(json!({ "level": level })) });
    };
    set(&mut sim, 5);
    assert_eq!(sim.at(), ["c"]);
    set(&mut sim, 15);
    assert_eq!(sim.at(), ["t"]);
    set(&mut sim, 25);
    set(&mut sim, 26);
    assert_eq!(all(&sim, "high").len(), 1, "it fires when it becomes true, not as long as it is");
    set(&mut sim, 1);
    set(&mut sim, 30);
    assert_eq!(all(&sim, "high").len(), 2);
    for token in all(&sim, "high") {
        complete(&mut sim, token, json!({}));
    }
    sim.done("t", json!({}));
    completed(&sim);
}

fn escalation() {
    let body = |cancel: bool| {
        format!(
            r#"<subProcess id="sub"><startEvent id="is"/><intermediateThrowEvent id="x"><escalationEventDefinition escalationRef="esc"/></intermediateThrowEvent>{}<endEvent id="ie"/>{}</subProcess>
        <boundaryEvent id="b" attachedToRef="sub" cancelActivity="{cancel}"><escalationEventDefinition escalationRef="esc"/></boundaryEvent>{}"#,
            task("t"),
            chain("is>x>t>ie"),
            task("boss")
        )
    };
    let mut sim = declared(&body(false), "s>sub>e b>boss>e", json!({}));
    sim.done("boss", json!({}));
    sim.done("t", json!({}));
    completed(&sim);
    let mut sim = declared(&body(true), "s>sub>e b>boss>e", json!({}));
    assert_eq!(sim.at(), ["boss"]);
    sim.done("boss", json!({}));
    completed(&sim);
    // What nothing catches goes on, and the caller hears of it.
    let sim =
        declared(r#"<endEvent id="x"><escalationEventDefinition escalationRef="esc"/></endEvent>"#, "s>x", json!({}));
    assert!(sim.log.contains(&Effect::EscalationThrown { code: "7".into() }));
    completed(&sim);
}

fn event_sub(definition: &str, interrupting: bool) -> String {
    format!(
        r#"{}<subProcess id="es" triggeredByEvent="true"><startEvent id="ev" isInterrupting="{interrupting}">{definition}</startEvent>{}<endEvent id="ee"/>{}</subProcess>"#,
        task("t"),
        task("help"),
        chain("ev>help>ee")
    )
}

fn event_sub_process() {
    let timer = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>";
    let mut sim = begun(&event_sub(timer, true), "s>t>e", json!({}));
    sim.fire("ev");
    assert_eq!(all(&sim, "t"), Vec::<i64>::new());
    sim.done("help", json!({}));
    completed(&sim);
    let message = r#"<messageEventDefinition messageRef="ping"/>"#;
    let mut sim = begun(&event_sub(message, false), "s>t>e", json!({}));
    sim.message("ev", json!({}));
    sim.message("ev", json!({}));
    assert_eq!(all(&sim, "help").len(), 2);
    sim.done("t", json!({}));
    for token in all(&sim, "help") {
        complete(&mut sim, token, json!({}));
    }
    completed(&sim);
    let error = r#"<errorEventDefinition errorRef="no"/>"#;
    let call = r#"<serviceTask id="c" celek:operation="x"/>"#;
    let mut sim = begun(&format!("{}{call}", event_sub(error, true)), "s>c>t>e", json!({}));
    sim.refuse("c", "no");
    sim.done("help", json!({}));
    completed(&sim);
}

const UNDO: &str = r#"<userTask id="book" name="Book"/><boundaryEvent id="cb" attachedToRef="book"><compensateEventDefinition/></boundaryEvent>
    <userTask id="undo" name="Undo" isForCompensation="true"/><association sourceRef="cb" targetRef="undo"/>
    <userTask id="pay" name="Pay"/><boundaryEvent id="cp" attachedToRef="pay"><compensateEventDefinition/></boundaryEvent>
    <userTask id="back" name="Back" isForCompensation="true"/><association sourceRef="cp" targetRef="back"/>"#;

fn compensation() {
    let throw = r#"<intermediateThrowEvent id="c"><compensateEventDefinition/></intermediateThrowEvent>"#;
    let mut sim = begun(&format!("{UNDO}{throw}"), "s>book>pay>c>e", json!({}));
    sim.done("book", json!({}));
    sim.done("pay", json!({}));
    assert_eq!(all(&sim, "back").len(), 1, "the latest first");
    sim.done("back", json!({}));
    sim.done("undo", json!({}));
    completed(&sim);
    // One activity alone, from the end event; what was not done is not undone.
    let end = r#"<endEvent id="c"><compensateEventDefinition activityRef="book"/></endEvent>"#;
    let mut sim = begun(&format!("{UNDO}{end}"), "s>book>c pay>e", json!({}));
    sim.done("book", json!({}));
    sim.done("undo", json!({}));
    completed(&sim);
    // A sub-process that is done is undone as a whole.
    let sub = format!(
        r#"<subProcess id="sub"><startEvent id="is"/>{UNDO}<endEvent id="ie"/>{}</subProcess>{throw}"#,
        chain("is>book>pay>ie")
    );
    let mut sim = begun(&sub, "s>sub>c>e", json!({}));
    for step in ["book", "pay", "back", "undo"] {
        sim.done(step, json!({}));
    }
    completed(&sim);
}

fn transaction() {
    let body = format!(
        r#"<transaction id="tx"><startEvent id="is"/>{UNDO}{}<parallelGateway id="f"/><endEvent id="ie"><cancelEventDefinition/></endEvent>{}</transaction>
        <boundaryEvent id="b" attachedToRef="tx"><cancelEventDefinition/></boundaryEvent>{}"#,
        task("other"),
        chain("is>f>book>ie f>other pay>other"),
        task("sorry")
    );
    let mut sim = begun(&body, "s>tx>e b>sorry>e", json!({}));
    sim.done("book", json!({}));
    assert_eq!(all(&sim, "other").len(), 0, "what runs in it is stopped");
    sim.done("undo", json!({}));
    sim.done("sorry", json!({}));
    completed(&sim);
}

fn ad_hoc() {
    let body = format!(
        r#"<adHocSubProcess id="ah" ordering="Sequential">{}{}<completionCondition>good</completionCondition></adHocSubProcess>"#,
        task("a"),
        task("b")
    );
    let mut sim = begun(&body, "s>ah>e", json!({"good": false}));
    let token = sim.token("ah");
    let ids =
        |sim: &Sim| bpmn::enabled(&sim.process, &sim.state, token).iter().map(|e| e.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&sim), ["a", "b"]);
    sim.send(Event::Activate { token, element: "b".into() });
    assert_eq!(ids(&sim), Vec::<String>::new());
    assert!(sim.try_send(Event::Activate { token, element: "a".into() }).is_err());
    sim.done("b", json!({}));
    sim.send(Event::Activate { token, element: "a".into() });
    sim.done("a", json!({"good": true}));
    completed(&sim);
    let body = body.replace("<completionCondition>good</completionCondition>", "");
    let mut sim = begun(&body, "s>ah>e", json!({}));
    let token = sim.token("ah");
    sim.send(Event::CompleteAdHoc { token });
    completed(&sim);
}

fn instantiating() {
    let gate = |kind: &str| {
        format!(
            r#"<endEvent id="e"/><eventBasedGateway id="g" instantiate="true" eventGatewayType="{kind}"/>
        <intermediateCatchEvent id="a"><messageEventDefinition messageRef="ping"/></intermediateCatchEvent>
        <intermediateCatchEvent id="b"><messageEventDefinition messageRef="keyed"/></intermediateCatchEvent>{}"#,
            chain("g>a>e g>b>e")
        )
    };
    let start = || Event::Start { element: Some("a".into()), variables: <_>::default(), payload: J::Null };
    let mut sim = Sim::new(&file(&gate("Exclusive")));
    sim.send(start());
    completed(&sim);
    let mut sim = Sim::new(&file(&gate("Parallel")));
    sim.send(Event::Start {
        element: Some("a".into()),
        variables: crate::sim::object(json!({"key": "1"})),
        payload: J::Null,
    });
    assert_eq!(sim.at(), ["b"]);
    sim.message("b", json!({}));
    completed(&sim);
}

fn data_objects() {
    let body = format!(
        r#"<dataObject id="d1" name="rate"><extensionElements><celek:value>x</celek:value></extensionElements></dataObject>
        <subProcess id="sub"><dataObject id="d2" name="inner"><extensionElements><celek:value>y</celek:value></extensionElements></dataObject><startEvent id="is"/>{}<endEvent id="ie"/>{}</subProcess>"#,
        task("t"),
        chain("is>t>ie")
    );
    let mut sim = begun(&body, "s>sub>e", json!({}));
    assert_eq!(sim.state.value("rate"), Some(&json!("x")));
    assert!(sim.state.variables().any(|v| v.name == "inner"));
    sim.done("t", json!({"inner": "z"}));
    assert!(!sim.state.variables().any(|v| v.name == "inner"));
    completed(&sim);
}

fn vendors() {
    let ns = r#"xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:flowable="http://flowable.org/bpmn" "#;
    let body = r#"<userTask id="a" name="A" camunda:assignee="${boss}" camunda:candidateGroups="sales,stock"><extensionElements>
        <camunda:formData><camunda:formField id="answer" label="Answer" type="long"/></camunda:formData></extensionElements></userTask>
        <serviceTask id="b"><extensionElements><zeebe:taskDefinition type="pay"/><zeebe:ioMapping><zeebe:input source="=v + 1" target="own"/><zeebe:output source="=done" target="paid"/></zeebe:ioMapping></extensionElements></serviceTask>
        <serviceTask id="c" flowable:delegateExpression="${bean}" flowable:resultVariable="r"/>"#;
    let xml = file(&format!("{ENDS}{body}{}", chain("s>a>b>c>e"))).replacen(
        "<definitions ",
        &format!("<definitions {ns}"),
        1,
    );
    let mut sim = Sim::new(&xml);
    sim.start(json!({"boss": "ann", "v": 1}));
    let made = sim.task("a").clone();
    assert_eq!((made.assignee.as_deref(), made.roles.len(), made.form[0].name.as_str()), (Some("ann"), 2, "answer"));
    sim.done("a", json!({}));
    let call = |sim: &Sim, id: &str| {
        sim.log.iter().find_map(|e| match e {
            Effect::CallOperation { element, operation, .. } if element == id => Some(operation.clone()),
            _ => None,
        })
    };
    assert_eq!(call(&sim, "b").as_deref(), Some("pay"));
    let token = sim.token("b");
    assert_eq!(sim.state.token(token).unwrap().local["own"], json!(2));
    sim.answer("b", json!({"done": true}));
    sim.answer("c", json!(5));
    assert_eq!((sim.state.value("paid"), sim.state.value("r")), (Some(&json!(true)), Some(&json!(5))));
    assert_eq!(sim.state.value("own"), None);
    completed(&sim);
}

/// Ten thousand items, done one by one: the last costs what the first did, in rows and in steps.
#[test]
fn ten_thousand_items() {
    let body = r#"<userTask id="t" name="T"><multiInstanceLoopCharacteristics><loopCardinality>=10000</loopCardinality></multiInstanceLoopCharacteristics></userTask>"#;
    let definitions = bpmn::Definitions::parse(&file(&format!("{ENDS}{body}{}", chain("s>t>e")))).unwrap();
    let process = &definitions.processes[0];
    let mut state = bpmn::State::new();
    let context = bpmn::Context::new("2026-01-01T00:00:00Z".parse().unwrap());
    let mut effects = bpmn::step(
        process,
        &mut state,
        Event::Start { element: None, variables: <_>::default(), payload: J::Null },
        &context,
    )
    .unwrap();
    while effects.contains(&Effect::ContinueLater) {
        state.take_changes();
        effects = bpmn::step(process, &mut state, Event::Continue, &context).unwrap();
        assert!(state.take_changes().len() < 300, "items are begun in chunks");
    }
    let tokens: Vec<i64> = state.tokens().filter(|t| t.wait == Some(bpmn::Wait::Task)).map(|t| t.id).collect();
    assert_eq!(tokens.len(), 10_000);
    for token in tokens {
        assert!(state.ended().is_none());
        bpmn::step(process, &mut state, Event::TaskDone { token, outputs: <_>::default() }, &context).unwrap();
        assert!(state.take_changes().len() <= 12, "a token and the counters");
    }
    assert_eq!(state.ended(), Some(&Ended::Completed));
}

/// Element, what is understood, the scenario.
const ROWS: &[(&str, &str, fn())] = &[
    ("Task without a type", "Passed through, in the history.", plain_task),
    ("Script task", "FEEL and simple JUEL; other languages are refused.", script),
    ("Business rule task", "Asks a decision (`celek:decision`, `camunda:decisionRef`, `zeebe:calledDecision`).", rule),
    ("Send task, message throw and end event", "With the key of the message.", send),
    ("Receive task", "With a message, or let go on from outside.", receive),
    ("Call activity", "Mappings in and out, errors and escalations come back.", call),
    ("Multi-instance, parallel", "Number or collection, completion condition, items begun in chunks.", many_parallel),
    ("Multi-instance, sequential", "`loopCounter`, `nrOfInstances` and their kin are variables.", many_sequential),
    ("Multi-instance sub-process", "Boundary events belong to all rounds together.", many_sub_processes),
    ("Standard loop", "Condition before or after, at most so many rounds.", standard_loop),
    ("Inclusive gateway", "Waits for every token that can still come, also in loops.", inclusive),
    ("Complex gateway", "`activationCondition` over `activationCount`; the rest of the round is taken in.", complex),
    ("Event-based gateway that starts an instance", "Exclusive and parallel.", instantiating),
    ("Link events", "Throw to catch of one name in one scope.", link),
    ("Signal events", "Throw, catch, boundary, start; heard in the instance at once, elsewhere by the caller.", signal),
    ("Conditional events", "Fire when the condition becomes true after variables have changed.", conditional),
    ("Escalation events", "Throw, end, boundary interrupting and not, start of event sub-processes.", escalation),
    (
        "Event sub-process",
        "Message, timer, signal, condition, error, escalation, compensation; interrupting and not.",
        event_sub_process,
    ),
    ("Compensation", "The latest first, rounds of one activity together; sub-processes as a whole.", compensation),
    ("Transaction and cancel", "What runs is stopped, what was done is undone, then the boundary event.", transaction),
    ("Ad-hoc sub-process", "Begun by hand; order, completion condition, or ended by hand.", ad_hoc),
    ("Data objects with a value", "Variables of their scope.", data_objects),
    ("Extensions of Camunda 7 and 8 and of Flowable", "Assignment, forms, job types, mappings, results.", vendors),
];

#[test]
fn every_row_of_the_table_runs() {
    let mut text = String::from(
        "# BPMN: what the engine runs\n\nWritten from the tests (`crates/bpmn/tests/suite/support.rs`): every row is a scenario that is \
         run. Start, end,\nuser, manual and service tasks, exclusive, parallel and event-based gateways, timers, messages, errors and \
         sub-processes\nhave their tests in `elements.rs` beside it; real models of other engines are run by `celek bpmn test`.\n\n\
         | Element | What is understood |\n| --- | --- |\n",
    );
    for (element, what, scenario) in ROWS {
        scenario();
        text += &format!("| {element} | {what} |\n");
    }
    text += "\nNot run, and refused by name when a file is read: several triggers on one event, scripts in other languages, JUEL that \
             calls\nmethods, choreographies. A definition that is deployed into the product may not call other processes or decisions \
             yet, nor\nthrow messages and signals to other instances: deploying says so.\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/bpmn.md");
    if std::env::var("CELEK_DOCS").as_deref() == Ok("write") {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap_or_default(),
        text,
        "docs/bpmn.md: write it with CELEK_DOCS=write"
    );
}
