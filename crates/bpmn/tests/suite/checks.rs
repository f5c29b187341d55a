//! What is told of a model before it runs: what cannot, what hangs, what comes next.

use crate::elements::sub;
use crate::sim::{Sim, chain, file};
use bpmn::{Context, Definitions, Event, Kind, State, StepError, check, graph, next_steps, step};
use serde_json::Value as Json;

const ENDS: &str = r#"<startEvent id="s"/><endEvent id="e"/>"#;

#[test]
fn what_cannot_run_is_named() {
    let body = format!(
        r#"{ENDS}<scriptTask id="x" name="Script"/><callActivity id="y" name="Call"/><choreography id="z" name="Dance"/>
        <userTask id="mi" name="Many"><multiInstanceLoopCharacteristics/></userTask><scriptTask id="plain" name="Plain" scriptFormat="groovy"><script>x = 1</script></scriptTask>
        <boundaryEvent id="sig" name="Signal" attachedToRef="mi"><signalEventDefinition/></boundaryEvent>{}"#,
        chain("s>x>y>z>mi>plain>e sig>e")
    );
    let problems = Definitions::parse(&file(&body)).unwrap_err();
    for (id, name) in
        [("x", "Script"), ("y", "Call"), ("z", "Dance"), ("mi", "Many"), ("plain", "Plain"), ("sig", "Signal")]
    {
        assert!(problems.iter().any(|p| p.element == id && p.name == name && p.code == "not_executable"), "{id}");
    }
    let read = Definitions::read(&file(&body)).unwrap();
    assert!(matches!(read.processes[0].element("x").unwrap().kind, Kind::Unsupported(_)));
    let start = Event::Start { element: None, variables: <_>::default(), payload: Json::Null };
    let result =
        step(&read.processes[0], &mut State::new(), start, &Context::new("2026-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(result, Err(StepError::NotExecutable("x".into())));
}

#[test]
fn check_finds_shapes_that_hang() {
    let body = format!(
        r#"{ENDS}<userTask id="t" name="T" celek:operation="no.such"/><userTask id="alone" name="A"/>
        <exclusiveGateway id="g"/><endEvent id="e2"/><serviceTask id="c" name="C"/>{}
        <sequenceFlow id="f1" sourceRef="g" targetRef="e"><conditionExpression>a</conditionExpression></sequenceFlow>
        <sequenceFlow id="f2" sourceRef="g" targetRef="e2"><conditionExpression>b</conditionExpression></sequenceFlow>"#,
        chain("s>t>c>g")
    );
    let definitions = Definitions::parse(&file(&body)).unwrap();
    let problems = check(&definitions, &|name| name == "known");
    for (id, code) in
        [("alone", "unreachable"), ("alone", "no_flow"), ("g", "default"), ("t", "operation"), ("c", "operation")]
    {
        assert!(problems.iter().any(|p| p.element == id && p.code == code), "{id} {code}: {problems:#?}");
    }
    for (flow, code) in [
        (r#"<sequenceFlow id="f" sourceRef="s" targetRef="nowhere"/>"#, "reference"),
        (r#"<userTask id="t" default="nope"/>"#, "reference"),
        (r#"<boundaryEvent id="b" attachedToRef="s"><errorEventDefinition/></boundaryEvent>"#, "reference"),
        (r#"<endEvent id="s"/>"#, "id"),
        (r#"<userTask id="t" celek:assignee="=1 +"/>"#, "feel"),
        (r#"<userTask id="t" celek:assignee="${boss.find(1)}"/>"#, "expression_language"),
        (
            r#"<intermediateCatchEvent id="m"><messageEventDefinition messageRef="none"/></intermediateCatchEvent>"#,
            "reference",
        ),
    ] {
        let problems = Definitions::parse(&file(&format!("{ENDS}{flow}"))).unwrap_err();
        assert!(problems.iter().any(|p| p.code == code), "{flow}: {problems:#?}");
    }
}

#[test]
fn graph_and_what_comes_next() {
    let inner = format!(r#"<userTask id="a" name="A"/><endEvent id="ie"/>{}"#, chain("is>a>ie"));
    let body = sub(&inner).replace("<endEvent id=\"e\"/>", "<endEvent id=\"e\"/><userTask id=\"z\" name=\"Z\"/>");
    let body = body.replace(&chain("s>sub>e"), &chain("s>sub>z>e"));
    let sim = Sim::new(&file(&body));
    let nodes = graph(&sim.process);
    let node = nodes.iter().find(|n| n.id == "sub").unwrap();
    assert_eq!((node.kind.as_str(), node.boundary.len(), node.outgoing[0].target.as_str()), ("sub_process", 2, "z"));
    assert_eq!(nodes.iter().find(|n| n.id == "a").unwrap().parent.as_deref(), Some("sub"));
    let next = |id: &str| next_steps(&sim.process, id).into_iter().map(|s| s.name).collect::<Vec<_>>();
    assert_eq!(
        (next("s"), next("a"), next("z"), next("?")),
        (vec!["A".into()], vec!["Z".into()], vec![], Vec::<String>::new())
    );
}
