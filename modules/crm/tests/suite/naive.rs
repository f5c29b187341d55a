//! What a list has to answer, in the plainest way: every record is looked at, in memory.

use std::{cmp::Ordering, collections::HashMap};

use jiff::{ToSpan, civil::Date};
use kernel::{Language, Query, Shape, fold, sort_key};
use serde_json::{Value as J, json};
use trial::Trial;

/// How a field compares and sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By its bytes.
    Code,
    /// Text in the order of the language; looked for without regard to diacritics where true.
    Text(bool),
    /// A number, an amount, an id.
    Number,
    /// A day.
    Day,
    /// Yes or no.
    Flag,
}

/// A value of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    Number(i128),
    Text(String),
    Key(Vec<u8>),
}

/// Everything that stands in a few entities.
pub struct World {
    /// By entity, by id.
    pub records: HashMap<&'static str, HashMap<i64, J>>,
    /// Which parties somebody may see; all where absent.
    pub hidden: Vec<i64>,
    pub today: Date,
    pub me: i64,
}

/// Where references lead.
fn leads(entity: &str, field: &str) -> &'static str {
    match (entity, field) {
        (_, "party" | "merged_into") => "party.party",
        (_, "owner") => "platform.user",
        (_, "company") => "platform.company",
        (_, "stage") => "crm.stage",
        (_, "pipeline") => "crm.pipeline",
        _ => panic!("{entity}.{field}"),
    }
}

impl World {
    pub fn read(trial: &Trial) -> Self {
        let mut records = HashMap::new();
        for entity in ["crm.deal", "party.party", "platform.user", "platform.company", "crm.stage", "crm.pipeline"] {
            let query = Query { limit: 0, archived: true, ..Query::of(entity) };
            let list = trial.kernel().list(&trial.system(), &query, &Shape::default()).unwrap();
            let rows = list["rows"].as_array().unwrap().iter();
            records.insert(entity, rows.map(|row| (row["id"].as_i64().unwrap(), row.clone())).collect());
        }
        Self { records, hidden: Vec::new(), today: trial.today(), me: 0 }
    }

    /// The raw value at a path.
    pub fn at(&self, entity: &'static str, id: i64, path: &str) -> J {
        let Some(record) = self.records[entity].get(&id) else { return J::Null };
        match path.split_once('.') {
            None => record[path].clone(),
            Some((first, rest)) => match record[first].as_i64() {
                Some(other) => {
                    let to = leads(entity, first);
                    let hidden = to == "party.party" && self.hidden.contains(&other);
                    if hidden { J::Null } else { self.at(to, other, rest) }
                }
                None => J::Null,
            },
        }
    }

    pub fn cell(&self, entity: &'static str, id: i64, path: &str) -> Option<Cell> {
        plain(&self.at(entity, id, path))
    }

    /// The days of a relative date, as the documentation tells them.
    fn days(&self, text: &str) -> Option<(Date, Date)> {
        let today = self.today;
        Some(match text {
            "@today" => (today, today),
            "@today-3" => (today - 3.days(), today - 3.days()),
            "@month" => (today.first_of_month(), today.last_of_month()),
            "@month-1" => {
                let before = today.first_of_month() - 1.day();
                (before.first_of_month(), before)
            }
            "@week" => {
                let monday = today - i64::from(today.weekday().to_monday_zero_offset()).days();
                (monday, monday + 6.days())
            }
            "@year" => (today.first_of_year(), today.last_of_year()),
            _ => return None,
        })
    }

    /// Whether a filter holds; nothing where an empty value leaves it open.
    pub fn holds(&self, entity: &'static str, id: i64, filter: &J, sorts: &dyn Fn(&str) -> Sort) -> Option<bool> {
        let mut all = Some(true);
        for (key, value) in filter.as_object().unwrap() {
            let one = match key.as_str() {
                "and" => self.each(entity, id, value, sorts).into_iter().reduce(both).unwrap_or(Some(true)),
                "or" => {
                    let none = self.each(entity, id, value, sorts).into_iter().map(|v| v.map(|v| !v)).reduce(both);
                    none.unwrap_or(Some(true)).map(|v| !v)
                }
                "not" => self.holds(entity, id, value, sorts).map(|v| !v),
                path => {
                    let (op, operand) = value.as_object().unwrap().iter().next().unwrap();
                    self.compare(entity, id, path, op, operand, sorts(path))
                }
            };
            all = both(all, one);
        }
        all
    }

    fn each(&self, entity: &'static str, id: i64, parts: &J, sorts: &dyn Fn(&str) -> Sort) -> Vec<Option<bool>> {
        parts.as_array().unwrap().iter().map(|part| self.holds(entity, id, part, sorts)).collect()
    }

    fn compare(&self, entity: &'static str, id: i64, path: &str, op: &str, operand: &J, sort: Sort) -> Option<bool> {
        let cell = self.cell(entity, id, path);
        if op == "empty" {
            return Some(cell.is_none() == (*operand == json!(true)));
        }
        let value = |operand: &J| match operand.as_str() {
            Some("@me") => Some(Cell::Number(i128::from(self.me))),
            _ => plain(operand),
        };
        if let Some((from, to)) = operand.as_str().filter(|_| sort == Sort::Day).and_then(|text| self.days(text)) {
            let (from, to) = (Cell::Text(from.to_string()), Cell::Text(to.to_string()));
            return match (op, cell) {
                ("ne", None) => Some(true),
                (_, None) => None,
                ("eq", Some(cell)) => Some(cell >= from && cell <= to),
                ("ne", Some(cell)) => Some(cell < from || cell > to),
                ("lt", Some(cell)) => Some(cell < from),
                ("ge", Some(cell)) => Some(cell >= from),
                ("le", Some(cell)) => Some(cell <= to),
                (_, Some(cell)) => Some(cell > to),
            };
        }
        match op {
            "in" => {
                let cell = cell?;
                Some(operand.as_array().unwrap().iter().any(|one| value(one).as_ref() == Some(&cell)))
            }
            "between" => {
                let (cell, from, to) = (cell?, value(&operand[0])?, value(&operand[1])?);
                Some(cell >= from && cell <= to)
            }
            "contains" | "starts" => {
                let (Cell::Text(text), Some(wanted)) = (cell?, operand.as_str()) else { panic!("{path} is no text") };
                let (text, wanted) = match sort {
                    Sort::Text(true) => (fold(&text), fold(wanted)),
                    _ => (text.to_ascii_lowercase(), wanted.to_ascii_lowercase()),
                };
                Some(if op == "contains" { text.contains(&wanted) } else { text.starts_with(&wanted) })
            }
            "ne" => Some(cell != value(operand)),
            _ => {
                let order = cell?.cmp(&value(operand)?);
                Some(match op {
                    "eq" => order == Ordering::Equal,
                    "lt" => order == Ordering::Less,
                    "le" => order != Ordering::Greater,
                    "gt" => order == Ordering::Greater,
                    _ => order != Ordering::Less,
                })
            }
        }
    }

    /// Puts records in order: nothing comes last, the id decides at the end.
    pub fn sort(&self, entity: &'static str, ids: &mut [i64], keys: &[(String, bool)], sorts: &dyn Fn(&str) -> Sort) {
        let key = |id: i64, path: &str| match (self.cell(entity, id, path)?, sorts(path)) {
            (Cell::Text(text), Sort::Text(_)) => Some(Cell::Key(sort_key(&text, Language::Cs))),
            (cell, _) => Some(cell),
        };
        let last = keys.iter().find(|(p, _)| p == "id").or(keys.last()).is_some_and(|(_, descending)| *descending);
        ids.sort_by(|a, b| {
            for (path, descending) in keys.iter().filter(|(path, _)| path != "id") {
                let order = match (key(*a, path), key(*b, path)) {
                    (Some(a), Some(b)) if *descending => b.cmp(&a),
                    (Some(a), Some(b)) => a.cmp(&b),
                    (a, b) => a.is_none().cmp(&b.is_none()),
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
            if last { b.cmp(a) } else { a.cmp(b) }
        });
    }
}

/// As the database compares: false decides, nothing leaves open.
fn both(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn plain(value: &J) -> Option<Cell> {
    match value {
        J::Null => None,
        J::Bool(flag) => Some(Cell::Number(i128::from(*flag))),
        J::Number(number) => Some(Cell::Number(i128::from(number.as_i64().unwrap()))),
        J::String(text) => Some(Cell::Text(text.clone())),
        J::Object(map) => {
            // Crowns have hundredths.
            let amount: String = map["amount"].as_str().unwrap().chars().filter(|c| *c != '.').collect();
            Some(Cell::Number(amount.parse().unwrap()))
        }
        J::Array(_) => panic!("a list has no value"),
    }
}
