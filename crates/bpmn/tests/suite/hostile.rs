//! Files that want to hurt are refused quickly.

use crate::sim::file;
use bpmn::{Definitions, MAX_BYTES, MAX_ELEMENTS};
use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

/// How long this thread has worked: what others do on the machine does not count. Where the system does not tell it is the
/// time on the wall.
fn worked() -> Duration {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.as_deref().and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}

fn refused(xml: &str, code: &str) -> String {
    let start = worked();
    let problems = Definitions::parse(xml).err().unwrap_or_else(|| panic!("not refused"));
    assert!(worked() - start < Duration::from_secs(5), "took {:?}", worked() - start);
    assert!(problems.iter().any(|p| p.code == code), "{code}: {:?}", problems.first());
    problems[0].message.clone()
}

const OPEN: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">"#;

#[test]
fn entities() {
    let bomb = format!(
        r#"<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>{OPEN}<process id="&b;"/></definitions>"#
    );
    assert!(refused(&bomb, "xml").contains("DTD"));
    let outside = format!(r#"<!DOCTYPE d SYSTEM "file:///etc/passwd">{OPEN}</definitions>"#);
    assert!(refused(&outside, "xml").contains("DTD"));
    refused(
        &format!(r#"{OPEN}<process id="p"><documentation>&unknown;</documentation></process></definitions>"#),
        "xml",
    );
    refused(&format!(r#"{OPEN}<process id="&unknown;"/></definitions>"#), "xml");
}

#[test]
fn size_depth_and_counts() {
    refused(&" ".repeat(MAX_BYTES + 1), "too_large");
    refused(&format!("{OPEN}{}", "<subProcess>".repeat(1_000_000)), "xml");
    refused(&format!("{OPEN}{}", "<x:y xmlns:x='z'>".repeat(100_000)), "xml");
    refused(&format!("{OPEN}{}</definitions>", "<a xmlns=''/>".repeat(1_000_000)), "xml");
    let attributes: String = (0..100_000).map(|i| format!(" a{i}=''")).collect();
    refused(&format!("{OPEN}<process{attributes}/></definitions>"), "xml");
    let tasks: String = (0..=MAX_ELEMENTS).map(|i| format!(r#"<userTask id="t{i}"/>"#)).collect();
    refused(&file(&tasks), "too_large");
    let subs: String = (0..40).map(|i| format!(r#"<subProcess id="s{i}">"#)).collect();
    Definitions::parse(&file(&format!("{subs}{}", "</subProcess>".repeat(40)))).unwrap();
}

#[test]
fn not_well_formed() {
    let message = refused("<definitions>\n  <a></b>\n</definitions>", "xml");
    assert!(message.starts_with("Line 2, column"), "{message}");
    for xml in ["", "no xml", "<a/>", OPEN, "<a b=c/>", "<a><![CDATA[", "</a>", "<definitions/>"] {
        refused(xml, "xml");
    }
    refused(&format!("{OPEN}</definitions>"), "no_process");
    refused(&format!("{OPEN}</definitions>{OPEN}</definitions>"), "xml");
    refused(&format!(r#"{OPEN}<process id="a" id="b"/></definitions>"#), "xml");
}

#[test]
fn many_slow_expressions() {
    let words = (0..190).map(|i| format!("w{i}")).collect::<Vec<_>>();
    let expression = words.join(" + ");
    let flows: String = (0..400)
        .map(|i| format!(r#"<sequenceFlow id="f{i}" sourceRef="s" targetRef="e"><conditionExpression>{expression}</conditionExpression></sequenceFlow>"#))
        .collect();
    let start = worked();
    assert!(Definitions::parse(&file(&format!(r#"<startEvent id="s"/><endEvent id="e"/>{flows}"#))).is_err());
    assert!(worked() - start < Duration::from_secs(6), "{:?}", worked() - start);
}
