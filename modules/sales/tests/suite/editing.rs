//! What a record says may not be typed is what a change of it is refused for, no more and no less.

use kernel::{Ask, Shape};
use serde_json::{Value as J, json};
use trial::Trial;

use crate::{MODULES, customer, order, product, receive};

fn as_seen(trial: &Trial, login: &str, entity: &str, id: i64) -> Option<J> {
    let shape = Shape { lines: true, editing: true, ..Shape::default() };
    trial.kernel().record(&trial.who(login), entity, id, &shape).ok()
}

/// Codes of a refusal to write at all, of the whole or of single fields.
fn refusals(trial: &Trial, login: &str, entity: &str, id: i64, body: &J) -> Vec<String> {
    let ask = Ask { dry_run: true, ..Ask::by(trial.who(login)) };
    let Err(error) = trial.kernel().change(entity, id, None, body, &ask) else { return Vec::new() };
    let codes = std::iter::once(error.code.to_string()).chain(error.errors.iter().map(|e| e.code.to_string()));
    let closed = ["by_operation", "by_operation_only", "forbidden", "frozen", "through_owner"];
    codes.filter(|code| closed.contains(&code.as_str())).collect()
}

/// What a record's JSON holds besides its fields.
fn outside(name: &str) -> bool {
    name.starts_with('_') || ["id", "rev", "archived"].contains(&name)
}

#[test]
fn a_record_tells_what_may_not_be_typed() {
    let trial = Trial::new(MODULES);
    let (buyer, item) = (customer(&trial), product(&trial, "A", "10"));
    receive(&trial, item, "5", "6");
    let (draft, confirmed) = (order(&trial, buyer, &[(item, "1")]), order(&trial, buyer, &[(item, "2")]));
    trial.run("sales", "sales.order.confirm", json!({"order": confirmed}));
    let first = |entity: &str| trial.list(entity, json!({}))[0]["id"].as_i64().unwrap();
    let mut records = vec![("party.party", buyer), ("product.product", item)];
    records.extend([("sales.order", draft), ("sales.order", confirmed)]);
    for entity in ["sales.order_line", "inventory.delivery", "finance.entry", "process.task", "platform.user"] {
        records.push((entity, first(entity)));
    }
    let (mut open, mut closed) = (0, 0);
    for (entity, id) in records {
        for login in ["admin", "sales", "stock", "accounts"] {
            let Some(record) = as_seen(&trial, login, entity, id) else { continue };
            let told = &record["_read_only"];
            let names: Vec<&str> = told["fields"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
            let whole = refusals(&trial, login, entity, id, &json!({}));
            assert_eq!(told["record"].as_bool(), Some(!whole.is_empty()), "{entity} as {login}: {told} {whole:?}");
            assert_eq!(told["code"].as_str(), whole.first().map(String::as_str), "{entity} as {login}");
            assert_eq!(told["reason"].is_string(), !whole.is_empty(), "{entity} as {login}");
            for (name, value) in record.as_object().unwrap() {
                if outside(name) {
                    continue;
                }
                if let Some(closed) = told["lines"].get(name) {
                    let Some(line) = value.get(0) else { continue };
                    // The owner is put in by the kernel, whatever is typed.
                    let schema = trial.kernel().schema();
                    let by = schema.plan(entity).unwrap().def.lines.iter().find(|l| l.name == *name).unwrap().by;
                    let typed = line.as_object().unwrap().iter().filter(|(name, _)| !outside(name) && *name != by);
                    for (field, value) in typed {
                        let typed = json!({name: [{"id": line["id"], field: value}]});
                        let told = closed.as_array().unwrap().iter().any(|n| n == field);
                        let refused = !refusals(&trial, login, entity, id, &typed).is_empty();
                        assert_eq!(told, refused, "{entity} {name}.{field} as {login}");
                    }
                    continue;
                }
                let refused = !refusals(&trial, login, entity, id, &json!({name: value})).is_empty();
                assert_eq!(names.contains(&name.as_str()), refused, "{entity}.{name} as {login}");
                if refused { closed += 1 } else { open += 1 }
            }
        }
    }
    assert!(open > 30 && closed > 100, "{open} open, {closed} closed");
    let frozen = as_seen(&trial, "sales", "sales.order", confirmed).unwrap();
    assert_eq!(frozen["_read_only"]["code"], "frozen");
    let typed = |body: J| trial.kernel().draft("sales.order", &body, &trial.who("sales")).unwrap()["record"].clone();
    assert_eq!(typed(json!({"id": confirmed}))["_read_only"], frozen["_read_only"]);
    let new = typed(json!({"customer": buyer}))["_read_only"].clone();
    assert_eq!((&new["record"], &new["reason"]), (&json!(false), &J::Null));
    assert!(new["fields"].as_array().unwrap().contains(&json!("number")), "{new}");
    assert!(!new["fields"].as_array().unwrap().contains(&json!("customer")), "{new}");
}
