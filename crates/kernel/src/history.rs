//! The history of a record: who changed what, when, through which operation and process step.

use std::collections::{HashMap, hash_map::Entry};

use serde_json::{Map, Value as J, json};
use store::Value;

use crate::{
    access::Right,
    cx::Cx,
    error::{Error, Result},
    field::Kind,
    query::{self, Query},
};

/// Names the step of a process that stands in an audit entry, in the language of who asks.
pub type StepNames = fn(step: &str, cx: &mut Cx<'_>) -> Result<Option<StepName>>;

/// What people call a process and one of its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepName {
    /// The process.
    pub process: String,
    /// The step.
    pub step: String,
}

impl Cx<'_> {
    /// The newest changes of a record first, at most `limit`; `after` is the `next` of the page before.
    ///
    /// # Errors
    /// 404 where there is no such record that this person may see, `cursor` for an `after` that is none.
    pub fn history(&mut self, entity: &str, id: i64, limit: usize, after: Option<&str>) -> Result<J> {
        let before = match after {
            None => i64::MAX,
            Some(text) => text.parse().ok().filter(|n| *n > 0).ok_or_else(|| Error::bad("cursor"))?,
        };
        let schema = self.schema.clone();
        let plan = schema.plan(entity)?.clone();
        if !query::may(&schema, &self.who, &plan.def, Right::Read) {
            return Err(Error::forbidden(entity));
        }
        self.row_of(&plan, id)?;
        if !self.within(&plan, id, Right::Read)? {
            return Err(Error::not_found(entity, id));
        }
        let language = self.who.language;
        let text = "SELECT a.kind, a.changes, o.at, o.actor, o.actor_name, o.name, o.step, a.id FROM sys_audit a \
                    JOIN sys_operation o ON o.id = a.operation WHERE a.entity = ? AND a.record = ? AND a.id < ? \
                    ORDER BY a.id DESC LIMIT ?";
        let most = i64::try_from(limit).unwrap_or(i64::MAX - 1);
        let params = [Value::from(plan.def.name), Value::Int(id), Value::Int(before), Value::Int(most + 1)];
        let mut rows = self.conn.rows(text, &params)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().and_then(|row| row.get(7)).and_then(Value::as_int);
        let next = last.filter(|_| more).map(|id| id.to_string());
        let mut out = Vec::new();
        let mut people = HashMap::new();
        for row in rows {
            let text_at = |i: usize| row.get(i).and_then(Value::as_text).unwrap_or("");
            let changes: J = serde_json::from_str(text_at(1)).unwrap_or(J::Null);
            let mut list = Vec::new();
            for (name, pair) in changes.as_object().cloned().unwrap_or_else(Map::new) {
                let field = plan.field(&name);
                if field.is_some_and(|f| !self.who.may_see(f)) {
                    continue;
                }
                let label = field.map_or_else(
                    || {
                        // A field that was removed keeps its name here.
                        let removed = schema.custom_labels.get(&(language, format!("{entity}.fields.{name}")));
                        let removed = removed.or_else(|| {
                            schema.custom_labels.get(&(lang::Language::En, format!("{entity}.fields.{name}")))
                        });
                        removed
                            .cloned()
                            .unwrap_or_else(|| schema.label_by_key(language, &format!("{entity}.many.{name}")))
                    },
                    |f| schema.field_label(language, entity, f),
                );
                let tell = |json: &J| match (field.map(|f| f.kind), json) {
                    (Some(Kind::Choice(set)), J::String(value)) => J::from(schema.choice_label(language, set, value)),
                    (_, other) => other.clone(),
                };
                let (before, after) = (pair.get(0).unwrap_or(&J::Null), pair.get(1).unwrap_or(&J::Null));
                let mut change = json!({"field": name, "label": label, "before": tell(before), "after": tell(after)});
                if let Some(Kind::Ref(to)) = field.map(|f| f.kind) {
                    let ids: Vec<i64> = [before, after].iter().filter_map(|v| v.as_i64()).collect();
                    let titles = self.titles(to, &ids, 1)?;
                    for (key, value) in [("before_title", before), ("after_title", after)] {
                        if let Some(title) = value.as_i64().and_then(|id| titles.get(&id)) {
                            change[key] = J::from(title.as_str());
                        }
                    }
                }
                list.push(change);
            }
            let at = row.get(2).and_then(Value::as_int).and_then(|m| jiff::Timestamp::from_microsecond(m).ok());
            let operation = text_at(5);
            let named = match row.get(6).and_then(Value::as_text) {
                Some(step) => self.step_name(step)?,
                None => None,
            };
            let step = named.as_ref().map(|n| n.step.as_str()).or_else(|| row.get(6).and_then(Value::as_text));
            let actor = self.actor_name(row.get(3).and_then(Value::as_int), text_at(4), named.as_ref(), &mut people)?;
            // Work of the program's own goes under names that mean nothing to people.
            let known = schema.operations.contains_key(operation) || operation.starts_with("record.");
            let label = if known { format!("{operation}.label") } else { "sys.work.label".to_owned() };
            out.push(json!({
                "kind": text_at(0),
                "at": at.map(|a| a.to_string()),
                "actor": {"id": row.get(3).and_then(Value::as_int), "name": actor},
                "operation": operation,
                "operation_label": schema.label_by_key(language, &label),
                "step": step,
                "changes": list,
            }));
        }
        Ok(json!({"rows": out, "next": next}))
    }

    /// What people call a step of a process, as its module tells it.
    ///
    /// # Errors
    /// As reading does.
    pub fn step_name(&mut self, step: &str) -> Result<Option<StepName>> {
        let schema = self.schema.clone();
        for names in schema.modules.iter().filter_map(|m| m.steps) {
            if let Some(found) = names(step, self)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A person by name; a process that acted by what it is called; else what was written down then.
    fn actor_name(
        &mut self,
        user: Option<i64>,
        written: &str,
        step: Option<&StepName>,
        people: &mut HashMap<i64, Option<String>>,
    ) -> Result<String> {
        let Some(user) = user.filter(|user| *user != 0) else {
            // The program itself is told by a word; a name that was written down stays.
            let language = self.who.language;
            return Ok(match step {
                Some(step) => step.process.clone(),
                None if written == "system" => self.schema.label_by_key(language, "record.system.label"),
                None => written.to_owned(),
            });
        };
        let name = match people.entry(user) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let directory = self.schema.modules.iter().find_map(|m| m.directory);
                place.insert(match directory {
                    Some(directory) => directory.name(user, self)?,
                    None => None,
                })
            }
        };
        Ok(name.clone().unwrap_or_else(|| written.to_owned()))
    }

    /// Documents that refer to a record by a reference to any record, and those that it refers to.
    ///
    /// # Errors
    /// As [`Cx::history`].
    pub fn linked(&mut self, entity: &str, id: i64) -> Result<J> {
        let schema = self.schema.clone();
        let plan = schema.plan(entity)?.clone();
        if !query::may(&schema, &self.who, &plan.def, Right::Read) || !self.within(&plan, id, Right::Read)? {
            return Err(Error::not_found(entity, id));
        }
        let own = self.row_of(&plan, id)?;
        let mut found: Vec<(&'static str, i64, &'static str)> = Vec::new();
        for (i, field) in plan.fields.iter().enumerate() {
            if let (Kind::AnyRef, [Value::Int(to), Value::Text(other)]) = (field.kind, plan.cells_of(i, &own.cells)) {
                found.push((crate::intern(other), *to, "out"));
            }
        }
        for other in schema.plans.values() {
            if other.def.name.starts_with("sys.") || !query::may(&schema, &self.who, &other.def, Right::Read) {
                continue;
            }
            for (i, field) in other.fields.iter().enumerate().filter(|(_, f)| matches!(f.kind, Kind::AnyRef)) {
                let at = other.offsets[i];
                let filter = crate::Filter::eq(&format!("{}.entity", field.name), plan.def.name)
                    .and(crate::Filter::eq(&format!("{}.id", field.name), id));
                let query = Query { filter: Some(filter), limit: 20, archived: true, ..Query::of(other.def.name) };
                let _ = at;
                for row in self.select(&query, true)?.0 {
                    found.push((other.def.name, row.id, "in"));
                }
            }
        }
        let language = self.who.language;
        let mut out = Vec::new();
        found.sort_unstable();
        found.dedup();
        for (entity, id, direction) in found {
            // An entity that was removed is known to nobody any more.
            let Ok(other) = schema.plan(entity).cloned() else { continue };
            let Some(title) = self.titles(entity, &[id], 1)?.remove(&id) else { continue };
            let row = self.row_of(&other, id)?;
            let status = match (other.field(other.def.status).map(|f| f.kind), other.cell(other.def.status, &row.cells))
            {
                (Some(Kind::Choice(set)), Value::Text(value)) => J::from(schema.choice_label(language, set, value)),
                _ => J::Null,
            };
            out.push(json!({
                "entity": entity,
                "entity_label": schema.entity_label(language, &other.def),
                "id": id,
                "title": title,
                "status": status,
                "direction": direction,
            }));
        }
        Ok(json!({"rows": out}))
    }
}
