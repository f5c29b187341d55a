//! FEEL: what it gives, exactly, and what it refuses.

use bpmn::feel::{Clock, Expression, Feel, FeelError, decimal};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use std::time::{Duration, Instant};

fn clock() -> Clock {
    Clock { now: "2026-05-01T23:30:00Z".parse().unwrap(), zone: jiff::tz::TimeZone::get("Europe/Prague").unwrap() }
}

fn variables() -> Map<String, Json> {
    let value = json!({
        "a": 3, "b": 4, "x": "12.50", "zip": "11000", "d": "2026-05-04", "at": "2026-05-01T10:00:00+02:00",
        "order": {"lines": [{"open": 1, "t": "1.10"}, {"open": 0, "t": "2.20"}], "date": "2026-01-01"},
        "jméno": "Žofie", "nothing": null
    });
    value.as_object().unwrap().clone()
}

fn give(text: &str) -> Json {
    let feel = Feel::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    feel.evaluate(&variables(), &clock()).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn gives() {
    for (text, wanted) in [
        ("a+b", json!(7)),
        ("a-b", json!(-1)),
        ("a * b - x", json!("-0.5")),
        ("a > 2 and b < 5", json!(true)),
        ("a = 3 or missing", json!(true)),
        ("0.1 + 0.2", json!("0.3")),
        ("10**20", json!("100000000000000000000.0")),
        ("9007199254740991", json!(9007199254740991i64)),
        ("sum(order.lines.t)", json!("3.3")),
        ("count(order.lines[open > 0]) > 0", json!(true)),
        ("order.lines[item.open = 0].t", json!(["2.2"])),
        ("some l in order.lines satisfies l.open > 0", json!(true)),
        ("every l in order.lines satisfies l.open > 0", json!(false)),
        ("for l in order.lines return l.open * 2", json!([2, 0])),
        ("for i in 1..3 return i", json!([1, 2, 3])),
        ("order.date < today() and a = 3", json!(true)),
        ("today()", json!("2026-05-02")),
        ("now()", json!("2026-05-02T01:30:00+02:00")),
        ("d - today()", json!("P2D")),
        ("date(\"2026-05-01\") + duration(\"P2D\")", json!("2026-05-03")),
        ("date and time(\"2026-05-01T10:00:00\")", json!("2026-05-01T10:00:00")),
        ("at < now()", json!(true)),
        ("zip", json!("11000")),
        ("zip = \"11000\"", json!(true)),
        ("string length(zip) + 1", json!(6)),
        ("x = 12.5", json!(true)),
        ("jméno + \"!\"", json!("Žofie!")),
        ("missing", json!(null)),
        ("{p: 1, q: p + 1}.q", json!(2)),
        ("if a > 2 then \"x\" else \"y\"", json!("x")),
        ("a in [1..5]", json!(true)),
        ("a between 1 and 5 and b = 4", json!(true)),
        ("a instance of number", json!(true)),
        ("matches(zip, \"^1[0-9]+$\")", json!(true)),
        ("not(a = 3)", json!(false)),
        ("day of week(d)", json!("Monday")),
        ("decimal(1/3, 2)", json!("0.33")),
        ("string join([\"a\", \"b\"], \",\")", json!("a,b")),
        ("[1, 2, 3][-1]", json!(3)),
        ("date(d) = d", json!(true)),
    ] {
        assert_eq!(give(text), wanted, "{text}");
    }
}

#[test]
fn decimals_come_back_as_numbers() {
    for text in ["3", "-3", "12.50", "0.001", "-0.5", "12345678901234567890", "99999999999999999999999999999999.9"] {
        let vars = Map::from_iter([("v".to_owned(), decimal(text))]);
        let plus = Feel::parse("v + 0").unwrap().evaluate(&vars, &clock()).unwrap();
        assert_ne!(plus, Json::Null, "{text}");
        let same = Feel::parse(&format!("v = {text}")).unwrap().evaluate(&vars, &clock()).unwrap();
        assert_eq!(same, json!(true), "{text}");
    }
}

#[test]
fn conditions_are_true_or_false_or_an_error() {
    let condition = |text: &str| Feel::parse(text).unwrap().condition(&variables(), &clock());
    assert_eq!((condition("a = 3"), condition("a = 4")), (Ok(true), Ok(false)));
    assert_eq!((condition("nothing = 4"), condition("nothing = null")), (Ok(false), Ok(true)));
    assert_eq!((condition("missing = null"), condition("a = null")), (Ok(true), Ok(false)));
    // Equality with null is false from both sides, also where the variable does not exist.
    for text in ["missing = 4", "4 = missing", "nothing = a", "a = nothing", "missing = -1", "order.none = \"x\""] {
        assert_eq!(condition(text), Ok(false), "{text}");
    }
    for text in ["missing != 4", "nothing != a", "a != nothing", "nothing = missing"] {
        assert_eq!(condition(text), Ok(true), "{text}");
    }
    assert!(matches!(condition("missing > 4"), Err(FeelError::Result(_))));
    assert!(matches!(condition("a"), Err(FeelError::Result(_))));
}

#[test]
fn attributes_are_literal_or_feel() {
    let text = |source: &str| Expression::parse(source).unwrap().evaluate_text(&variables(), &clock());
    assert_eq!(text(" P2D "), Ok(Some("P2D".into())));
    assert_eq!(
        (text("=a"), text("=missing"), text("=zip")),
        (Ok(Some("3".into())), Ok(None), Ok(Some("11000".into())))
    );
    assert!(text("=order").is_err());
}

/// Everything here is refused, or ends within a second.
#[test]
fn hostile() {
    let nested =
        |open: &str, inner: &str, close: &str, n: usize| format!("{}{inner}{}", open.repeat(n), close.repeat(n));
    let doubling: String = (1..60).map(|i| format!("x{i}: concatenate(x{}, x{}), ", i - 1, i - 1)).collect();
    let strings: String = (1..60).map(|i| format!("x{i}: x{} + x{}, ", i - 1, i - 1)).collect();
    let mut corpus: Vec<String> = vec![
        "sum(for i in 1..1000000 return i)".into(),
        "for i in 1..1e9 return i".into(),
        "for i in 1..a return i".into(),
        "for i in [1..100000] return i".into(),
        "for i in -500..501 return i".into(),
        "for i in @\"1900-01-01\"..@\"9999-01-01\" return i".into(),
        "for i in 1..1000, j in 1..1000 return i".into(),
        "for i in 1..100 return for j in 1..100 return for k in 1..100 return 1".into(),
        "some i in (for k in 1..1000 return k) satisfies some j in (for k in 1..1000 return k) satisfies i + j = 0"
            .into(),
        "count((for i in 1..900 return i)[count((for j in 1..900 return j)[item > 3]) > 1])".into(),
        "for i in 1..1000 return partial".into(),
        "for i in 1..40 return concatenate(partial, partial)".into(),
        "{f: function(n) f(n + 1), r: f(1)}.r".into(),
        "(function(x) x(x))(function(x) x(x))".into(),
        "{f: function(x) external {java: {class: \"java.lang.Math\", method signature: \"cos(double)\"}}}".into(),
        "{f: function(x) external {pmml: {document: \"http://127.0.0.1/\", model: \"m\"}}}".into(),
        "{f: sum, r: f([1])}.r".into(),
        "sort([1, 2], function(x, y) x < y)".into(),
        "unknown(1)".into(),
        format!("{{x0: [1, 2], {doubling} r: 1}}.r"),
        format!("{{x0: \"aaaaaaaa\", {strings} r: 1}}.r"),
        "matches(zip, zip)".into(),
        "matches(zip, \"((a{100}){100}){100}\")".into(),
        format!("matches(zip, \"{}\")", "(a*)*".repeat(60)),
        "replace(zip, \"\", string(10**6000))".into(),
        "for i in 1..900 return string(10**6000)".into(),
        "10**10**10**10".into(),
        "exp(100000000)".into(),
        "string(10**6000)".into(),
        "decimal(1, 100000)".into(),
        "substring(zip, 1, 100000000000)".into(),
        "date(99999999999, 1, 1)".into(),
        "duration(\"P999999999999999999999D\")".into(),
        "d + duration(\"P999999999Y\")".into(),
        "time(99, 99, 99)".into(),
        "modulo(5, 0)".into(),
        "1/0".into(),
        "\"\\uD800\"".into(),
        "\"unclosed".into(),
        "/* unclosed".into(),
        "for in in".into(),
        "a".repeat(5000),
        "a ".repeat(2000),
        "a+".repeat(2000) + "a",
        "-".repeat(4000) + "1",
        "not ".repeat(1000) + "a",
        "if a then ".repeat(400),
        "a.".repeat(2000) + "b",
        "[1]".repeat(1001),
        format!("a instance of {}", nested("list<", "number", ">", 700)),
        (0..1300).map(|i| format!("x{i}")).collect::<Vec<_>>().join(","),
    ];
    corpus.extend([("(", ")"), ("[", "]"), ("{a:", "}"), ("abs(", ")")].map(|(o, c)| nested(o, "1", c, 700)));
    let large = json!((0..8000).map(|i| json!({"v": i})).collect::<Vec<_>>());
    let mut vars = variables();
    vars.insert("large".into(), large);
    corpus.extend(
        [
            "for x in large return x",
            "for x in large, y in large return 1",
            "some x in large satisfies (some y in large satisfies x.v + y.v = -1)",
            "large[count(large[v > 1]) > 1]",
            "distinct values(large)",
            "for i in 1..1000 return large",
            "for i in 1..1000 return count(large)",
        ]
        .map(str::to_owned),
    );
    for text in corpus {
        let start = Instant::now();
        let result = Feel::parse(&text).and_then(|feel| feel.evaluate(&vars, &clock()));
        let shown: String = text.chars().take(60).collect();
        // Unoptimised code is slower than what a person would run.
        assert!(
            start.elapsed() < Duration::from_secs(if cfg!(debug_assertions) { 4 } else { 1 }),
            "{shown} took {:?}",
            start.elapsed()
        );
        if text.contains("large") || text.contains("function") || text.contains("1..1000") {
            assert!(result.is_err(), "{shown}: {result:?}");
        }
    }
    // What is harmless is not refused, also with a lot of data.
    for text in ["count(large)", "some x in large satisfies x.v = 7999", "count(large[v > 10])", "sum(large.v)"] {
        let result = Feel::parse(text).and_then(|feel| feel.evaluate(&vars, &clock()));
        assert!(result.is_ok(), "{text}: {result:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// No soup of words brings the parser or the evaluator down.
    #[test]
    fn soup(words in prop::collection::vec(prop::sample::select(vec![
        "a", "b", "order", "lines", "for", "in", "return", "some", "every", "satisfies", "if", "then", "else", "(", ")",
        "[", "]", "{", "}", ",", ".", "..", ":", "+", "-", "*", "/", "**", "=", "!=", "<", ">=", "and", "or", "not", "\"t\"",
        "1", "2.5", "1e3", "null", "true", "between", "instance of", "number", "list", "count", "sum", "date", "time",
        "date and time", "duration", "string length", "item", "partial", "@", "function", "\\", "'", "é", "->", "range",
    ]), 0..24)) {
        let text = words.join(" ");
        let _ = Feel::parse(&text).map(|feel| feel.evaluate(&variables(), &clock()));
    }

    /// Data comes back as it went in.
    #[test]
    fn data_is_kept(number in any::<i32>(), text in "[a-zA-Zá-ž ]{0,12}", flag in any::<bool>(), cents in any::<i32>()) {
        let amount = format!("{}.{:02}", cents / 100, (cents % 100).abs());
        let value = json!({"n": number, "t": text, "f": flag, "l": [number, null], "m": amount, "o": {"x": text}});
        let vars = Map::from_iter([("v".to_owned(), value.clone())]);
        let mut back = Feel::parse("v").unwrap().evaluate(&vars, &clock()).unwrap();
        let same = Feel::parse(&format!("v.m = {amount}")).unwrap().evaluate(&vars, &clock()).unwrap();
        prop_assert_eq!(same, json!(true));
        back["m"] = json!(amount);
        prop_assert_eq!(back, value);
    }
}
