//! The shipped processes are drawn, so that other programs open them.

use std::collections::BTreeMap;

use quick_xml::{Reader, events::Event};

type Point = (i64, i64);

/// What the drawing of a file holds.
#[derive(Default)]
struct Drawing {
    /// Left, top, width and height by element.
    shapes: BTreeMap<String, (i64, i64, i64, i64)>,
    /// Points by flow.
    edges: BTreeMap<String, Vec<Point>>,
}

fn drawing(xml: &str) -> Drawing {
    let mut reader = Reader::from_str(xml);
    let (mut found, mut current, mut label) = (Drawing::default(), String::new(), false);
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return found,
            Event::End(end) if end.local_name().as_ref() == "BPMNLabel" => label = false,
            Event::Start(tag) | Event::Empty(tag) => {
                let attribute = |name: &str| {
                    let value = tag.try_get_attribute(name).unwrap();
                    value.map(|v| v.value.into_owned()).unwrap_or_default()
                };
                let number = |name: &str| attribute(name).parse::<i64>().unwrap();
                match tag.local_name().as_ref() {
                    "BPMNShape" | "BPMNEdge" => current = attribute("bpmnElement"),
                    "BPMNLabel" => label = true,
                    "Bounds" if !label => {
                        let bounds = (number("x"), number("y"), number("width"), number("height"));
                        assert!(found.shapes.insert(current.clone(), bounds).is_none(), "{current} is drawn twice");
                    }
                    "waypoint" => {
                        found.edges.entry(current.clone()).or_default().push((number("x"), number("y")));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

#[test]
fn every_element_and_flow_is_drawn() {
    let definitions = bpmn::Definitions::parse(sales::ORDER_TO_CASH).unwrap();
    let process = &definitions.processes[0];
    let drawn = drawing(sales::ORDER_TO_CASH);
    assert_eq!(drawn.shapes.len(), process.elements.len());
    assert_eq!(drawn.edges.len(), process.flows.len());
    let inside = |(x, y): Point, (left, top, width, height): (i64, i64, i64, i64)| {
        (left..=left + width).contains(&x) && (top..=top + height).contains(&y)
    };
    for (i, element) in process.elements.iter().enumerate() {
        let shape = drawn.shapes.get(&element.id).unwrap_or_else(|| panic!("{} is not drawn", element.id));
        assert!(shape.2 > 0 && shape.3 > 0);
        // No element lies on another.
        for other in &process.elements[i + 1..] {
            let (a, b) = (*shape, drawn.shapes[&other.id]);
            let apart = a.0 + a.2 <= b.0 || b.0 + b.2 <= a.0 || a.1 + a.3 <= b.1 || b.1 + b.3 <= a.1;
            assert!(apart, "{} lies on {}", element.id, other.id);
        }
    }
    for flow in &process.flows {
        let points = drawn.edges.get(&flow.id).unwrap_or_else(|| panic!("{} is not drawn", flow.id));
        assert!(points.len() >= 2, "{}", flow.id);
        let (from, to) = (&process.elements[flow.source].id, &process.elements[flow.target].id);
        assert!(inside(points[0], drawn.shapes[from]), "{} begins at {from}", flow.id);
        assert!(inside(points[points.len() - 1], drawn.shapes[to]), "{} ends at {to}", flow.id);
    }
    // What people read is there in both languages.
    for element in process.elements.iter() {
        assert!(!element.name.is_empty() && element.names.contains_key("cs"), "{}", element.id);
    }
}
