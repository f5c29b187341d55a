//! Many at once: several records created, changed and deleted, one operation called on many. Each row stands under a savepoint of
//! its own and has its own answer; or all of them are done or none.

use serde_json::{Value as J, json};

use crate::{
    access::Right,
    ask::{Answer, Ask},
    cx::{Cx, target_in},
    def::OpDef,
    engine::{CHANGE, CREATE, Kernel, REMOVE},
    error::{Error, FieldError, Result},
    json::encode_fields,
};

/// Most rows of a request.
pub const MOST_ROWS: usize = 1_000;

static BULK: OpDef = OpDef { name: "record.bulk", ..OpDef::BASE };

/// The rows of a request, and whether they stand and fall together.
fn parts<'j>(body: &'j J, name: &str) -> Result<(&'j [J], bool)> {
    let J::Object(map) = body else { return Err(Error::bad("object")) };
    if let Some(other) = map.keys().find(|key| *key != name && *key != "atomic") {
        return Err(Error::field(other.chars().take(80).collect::<String>(), "unknown_field"));
    }
    let atomic = match map.get("atomic") {
        None | Some(J::Null) => false,
        Some(J::Bool(atomic)) => *atomic,
        Some(_) => return Err(Error::field("atomic", "bool")),
    };
    match map.get(name) {
        Some(J::Array(rows)) if rows.len() <= MOST_ROWS => Ok((rows, atomic)),
        Some(J::Array(_)) => Err(Error::field(name, "too_many").with("max", MOST_ROWS as i64)),
        Some(_) => Err(Error::field(name, "list")),
        None => Err(Error::field(name, "required")),
    }
}

/// A row's refusal where all of them fall with it.
fn of_all(name: &str, at: usize, error: Error) -> Error {
    let place = format!("{name}.{at}");
    let mut all = Error::new(error.status, "bulk_refused").with("row", at + 1);
    if error.errors.is_empty() {
        all.errors.push(FieldError { field: place, code: error.code.clone(), args: error.args.clone() });
    } else {
        all.errors.clone_from(&error.under(&place).errors);
    }
    all
}

impl Kernel {
    /// Creates, changes and deletes several records of one entity: rows `{"create": {…}}`, `{"change": {"id", …}}`,
    /// `{"delete": {"id"}}`, each with the body of its single request. Answers a row for each.
    ///
    /// # Errors
    /// Rights on the entity; the first refusal where `atomic` is said.
    pub fn bulk(&self, entity: &str, body: &J, ask: &Ask) -> Result<Answer> {
        let (rows, atomic) = parts(body, "rows")?;
        let schema = self.schema();
        schema.plan(entity)?;
        self.transact(ask, &format!("entities/{entity}/bulk"), body, &BULK, 0, |cx| {
            cx.rows("rows", rows, atomic, |cx, row| cx.bulk_row(entity, row))
        })
    }

    /// Calls one operation many times: `{"inputs": [{…}, …]}`. Answers a row for each.
    ///
    /// # Errors
    /// 403 without the right to call it; the first refusal where `atomic` is said.
    pub fn run_many(&self, name: &str, body: &J, ask: &Ask) -> Result<Answer> {
        let (inputs, atomic) = parts(body, "inputs")?;
        let schema = self.schema();
        let entry = *schema.operation(name)?;
        let def = (entry.def)();
        if !ask.who.may_call(def) {
            return Err(Error::forbidden(name));
        }
        if def.read || def.file {
            return Err(Error::new(405, "bulk_single"));
        }
        self.transact(ask, &format!("operations/{name}/bulk"), body, &BULK, 0, |cx| {
            cx.rows("inputs", inputs, atomic, |cx, input| {
                let cells = self.input(def, &ask.who, input)?;
                let target = target_in(def, &cells);
                // As for a single call: a record outside of the rules of who calls does not exist.
                if target != 0 && !def.on.is_empty() {
                    let plan = cx.schema.plan(def.on)?.clone();
                    if !cx.within(&plan, target, Right::Write)? {
                        return Err(Error::not_found(plan.def.name, target));
                    }
                }
                cx.enter(def, target)?;
                let output = cx.check_references(def, &cells).and_then(|()| (entry.run)(&cells, cx));
                cx.leave(def, target, output.is_ok());
                Ok(json!({"status": 200, "output": encode_fields((def.output)(), &output?)}))
            })
        })
    }
}

impl Cx<'_> {
    /// Does rows one after the other, each under a savepoint, with all that follows from it.
    fn rows(
        &mut self,
        name: &str,
        rows: &[J],
        atomic: bool,
        one: impl Fn(&mut Self, &J) -> Result<J>,
    ) -> Result<(J, u16)> {
        let (mut told, mut done) = (Vec::with_capacity(rows.len()), 0);
        for (at, row) in rows.iter().enumerate() {
            let before = self.collected.notes.len();
            let part = |cx: &mut Self| {
                let answer = one(cx, row)?;
                cx.settle_events()?;
                Ok(answer)
            };
            let result = if atomic { part(self) } else { self.savepoint(part) };
            match result {
                Ok(mut answer) => {
                    done += 1;
                    let notes = self.collected.notes.split_off(before);
                    if !notes.is_empty() {
                        answer["notes"] = self.notes_json(&notes)?;
                    }
                    told.push(answer);
                }
                Err(error) if atomic && error.status < 500 => return Err(of_all(name, at, error)),
                Err(error) if atomic || error.status >= 500 => return Err(error),
                Err(error) => {
                    let problem = self.schema.problem(self.who.language, &error, "");
                    told.push(json!({"status": error.status, "problem": problem}));
                }
            }
        }
        // So many links lead nowhere.
        self.collected.links.clear();
        let refused = rows.len() - done;
        Ok((json!({"rows": told, "done": done, "refused": refused}), 200))
    }

    fn bulk_row(&mut self, entity: &str, row: &J) -> Result<J> {
        let J::Object(map) = row else { return Err(Error::bad("object")) };
        let mut parts = map.iter();
        let (Some((what, body)), None) = (parts.next(), parts.next()) else {
            return Err(Error::field("", "bulk_row"));
        };
        let id = || body.get("id").and_then(J::as_i64).ok_or_else(|| Error::field("id", "required"));
        let rev = match body.get("rev") {
            None | Some(J::Null) => None,
            Some(rev) => Some(rev.as_i64().ok_or_else(|| Error::field("rev", "int"))?),
        };
        match what.as_str() {
            "create" => {
                self.enter(&CREATE, 0)?;
                let made = self.create(entity, body);
                self.leave_quietly();
                let (id, rev) = made?;
                Ok(json!({"status": 201, "id": id, "rev": rev}))
            }
            "change" => {
                self.enter(&CHANGE, 0)?;
                let changed = id().and_then(|id| self.change(entity, id, rev, body));
                self.leave_quietly();
                let (id, rev) = changed?;
                Ok(json!({"status": 200, "id": id, "rev": rev}))
            }
            "delete" => {
                if let Some(other) =
                    body.as_object().into_iter().flatten().map(|(k, _)| k).find(|k| *k != "id" && *k != "rev")
                {
                    return Err(Error::field(other.chars().take(80).collect::<String>(), "unknown_field"));
                }
                self.enter(&REMOVE, 0)?;
                let id = id();
                let removed = id.clone().and_then(|id| self.remove(entity, id, rev));
                self.leave_quietly();
                removed?;
                Ok(json!({"status": 204, "id": id?}))
            }
            _ => Err(Error::field("", "bulk_row")),
        }
    }
}
