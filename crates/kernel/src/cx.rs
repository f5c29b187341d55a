//! The transaction that an operation runs in: reading, calling other operations, events, and what is collected for the end.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, civil::Date};
use store::{Conn, Value};

use crate::{
    access::{Company, Kind as PrincipalKind, Principal, Right},
    collected::Collected,
    def::{Done, Event, Fields, Happened, OpDef, OpEntry, Run},
    error::{Error, Result},
    filter::Filter,
    hub::{Change, ChangeKind},
    memory::Memory,
    plan::Plan,
    query::{self, Query},
    rec::Row,
    schema::Schema,
    shared::Shared,
    value::AnyRef,
};

/// Deepest nesting of calls.
const MAX_FRAMES: usize = 30;

/// What a context may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// On the writer.
    Write,
    /// On a snapshot.
    Read,
    /// On a snapshot, evaluating a record that is being typed.
    Draft,
}

/// One operation in the stack of calls.
pub(crate) struct Frame {
    pub op: &'static OpDef,
    pub log: i64,
}

/// A number that will be drawn at the very end.
#[derive(Clone, Debug)]
pub(crate) struct NumberAsked {
    pub entity: &'static str,
    pub id: i64,
    pub field: &'static str,
    pub series: String,
    pub year: i64,
}

/// A number that was drawn.
#[derive(Clone, Debug)]
pub struct NumberDrawn {
    /// The document.
    pub record: AnyRef,
    /// Its field.
    pub field: &'static str,
    /// The number.
    pub number: String,
}

/// Kept balances to be changed at the end: (entity, key cells) → increments.
pub(crate) type Balances = BTreeMap<(&'static str, Vec<(&'static str, Value)>), BTreeMap<&'static str, i64>>;

/// A remark for the person: shown with the result of an operation, and beside a record that is being typed. It never
/// refuses anything.
#[derive(Clone, Debug)]
pub struct Note {
    /// Key of the message in the catalogue.
    pub key: String,
    /// Arguments.
    pub args: Vec<(&'static str, crate::error::Arg)>,
    /// Path of the field that it is about.
    pub field: Option<String>,
    /// Records to look at.
    pub links: Vec<AnyRef>,
}

impl Note {
    /// A remark with the message under a key.
    pub fn new(key: &str) -> Self {
        Self { key: key.to_owned(), args: Vec::new(), field: None, links: Vec::new() }
    }
    /// Adds an argument of the message.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<crate::error::Arg>) -> Self {
        self.args.push((name, value.into()));
        self
    }
    /// Says which field it is about.
    #[must_use]
    pub fn on(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }
    /// Adds a record to look at.
    #[must_use]
    pub fn link(mut self, record: impl Into<AnyRef>) -> Self {
        self.links.push(record.into());
        self
    }
}

/// The context of an operation: one transaction, one principal, one moment.
pub struct Cx<'a> {
    pub(crate) conn: &'a mut dyn Conn,
    pub(crate) schema: Arc<Schema>,
    pub(crate) shared: &'a Shared,
    pub(crate) who: Arc<Principal>,
    pub(crate) mode: Mode,
    pub(crate) now: Timestamp,
    pub(crate) frames: Vec<Frame>,
    pub(crate) step: Option<String>,
    pub(crate) collected: Collected,
    pub(crate) drawn: Vec<NumberDrawn>,
    pub(crate) ids: (i64, i64),
    pub(crate) target: Option<(&'static str, Row)>,
    pub(crate) memory: Memory,
    pub(crate) ruled: Option<i64>,
    /// Others were in the way: whatever a part makes of that, the whole runs again.
    pub(crate) again: bool,
}

impl<'a> Cx<'a> {
    pub(crate) fn new(
        conn: &'a mut dyn Conn,
        schema: Arc<Schema>,
        shared: &'a Shared,
        who: Arc<Principal>,
        mode: Mode,
    ) -> Self {
        Self {
            conn,
            schema,
            shared,
            who,
            mode,
            now: shared.now(),
            frames: Vec::new(),
            step: None,
            collected: Collected::default(),
            drawn: Vec::new(),
            ids: (0, 0),
            target: None,
            memory: Memory::default(),
            ruled: None,
            again: false,
        }
    }

    /// Asks the raw database about one entity's table; nothing that is remembered is forgotten for it.
    ///
    /// # Errors
    /// As the database does.
    pub fn ask_rows(&mut self, entity: &str, sql: &str, params: &[Value]) -> Result<Vec<Vec<Value>>> {
        self.write_late(Some(entity))?;
        Ok(self.conn.rows(sql, params)?)
    }

    /// The moment of the transaction: the same for all that it writes.
    pub fn now(&self) -> Timestamp {
        self.now
    }
    /// Today in the company.
    pub fn today(&self) -> Date {
        self.now.to_zoned_datetime(self.who.company.time_zone.clone()).date()
    }
    /// Sets the moment; only the system may (imports date what they bring).
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn set_now(&mut self, now: Timestamp) -> Result<()> {
        if self.who.kind != PrincipalKind::System {
            return Err(Error::forbidden("set_now"));
        }
        self.now = now;
        Ok(())
    }
    /// Who acts.
    pub fn who(&self) -> &Principal {
        &self.who
    }
    /// The company in which the request works.
    pub fn company(&self) -> &Company {
        &self.who.company
    }
    /// The schema of this transaction.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }
    /// True while a record that is being typed is evaluated.
    pub fn is_draft(&self) -> bool {
        self.mode == Mode::Draft
    }
    /// True where writing is possible.
    pub fn writable(&self) -> bool {
        self.mode == Mode::Write
    }
    /// The database itself, for checks that prove from raw tables and for reports with static SQL.
    pub fn conn(&mut self) -> &mut dyn Conn {
        self.bare();
        &mut *self.conn
    }
    /// Directory of stored files.
    pub fn files(&self) -> &crate::files::Files {
        &self.shared.files
    }

    pub(crate) fn writing(&self) -> Result<()> {
        if self.mode == Mode::Write { Ok(()) } else { Err(Error::internal("writing where only reading is possible")) }
    }

    /// A new identifier.
    pub(crate) fn new_id(&mut self) -> Result<i64> {
        if self.ids.0 >= self.ids.1 {
            self.ids = match self.shared.ids.take() {
                Some(block) => block,
                None => crate::shared::draw_ids(self.conn, 256)?,
            };
        }
        let id = self.ids.0;
        self.ids.0 += 1;
        Ok(id)
    }

    // ---- rights ----

    /// Refuses where who acts may not do this with the entity.
    ///
    /// # Errors
    /// 403.
    pub fn require(&self, entity: &str, right: Right) -> Result<()> {
        let plan = self.schema.plan(entity)?;
        if query::may(&self.schema, &self.who, &plan.def, right) { Ok(()) } else { Err(Error::forbidden(entity)) }
    }

    /// Whether a stored record is within the record rules of who acts.
    ///
    /// # Errors
    /// As reading does.
    pub fn within(&mut self, plan: &Plan, id: i64, right: Right) -> Result<bool> {
        let Some(rule) = query::rule(&self.schema, &self.who, &plan.def, right) else { return Ok(true) };
        let query = Query {
            entity: plan.def.name.to_owned(),
            filter: Some(Filter::eq("id", id).and(rule)),
            archived: true,
            ..Query::default()
        };
        Ok(self.count(&query, false)? > 0)
    }

    // ---- calling ----

    /// Calls another operation: what it does commits together with this one, or not at all.
    ///
    /// # Errors
    /// What the operation refuses.
    pub fn call<O: Run>(&mut self, operation: O) -> Result<O::Output> {
        let schema = self.schema.clone();
        let def = (schema.operation(O::NAME)?.def)();
        let target = operation.target_id();
        self.enter(def, target)?;
        let result = operation.guard(self).and_then(|()| operation.run(self));
        self.leave(def, target, result.is_ok());
        result
    }

    /// Calls an operation by name with cells: what data calls (a process, a rule, a form). Rights are always checked.
    ///
    /// # Errors
    /// What the operation refuses; 403 without the right.
    pub fn call_named(&mut self, name: &str, input: &[Value]) -> Result<Vec<Value>> {
        let schema = self.schema.clone();
        let entry: &OpEntry = schema.operation(name)?;
        let def = (entry.def)();
        if !self.who.may_call(def) {
            return Err(Error::forbidden(name));
        }
        let target = target_in(def, input);
        self.enter(def, target)?;
        let result = self
            .check_references(def, input)
            .and_then(|()| if def.read { self.run_read(entry, input) } else { (entry.run)(input, self) });
        self.leave(def, target, result.is_ok());
        result
    }

    /// Brings JSON to the cells of an operation's input, as the interface does: for what data calls.
    ///
    /// # Errors
    /// 404 where there is no such operation, 422 with all wrong fields.
    pub fn input_of(&self, name: &str, input: &serde_json::Value) -> Result<Vec<Value>> {
        let def = (self.schema.operation(name)?.def)();
        let known = |entity: &str| self.schema.plans.contains_key(entity);
        let company = &self.who.company;
        let codec = crate::json::Codec {
            currency: Some(company.currency).filter(|c| *c != crate::value::Currency::NONE),
            country: Some(company.country.as_str()).filter(|c| !c.is_empty()),
            entity: Some(&known),
            lenient: false,
        };
        codec.fields((def.input)(), input, &[])
    }

    fn run_read(&mut self, entry: &OpEntry, input: &[Value]) -> Result<Vec<Value>> {
        let mode = std::mem::replace(&mut self.mode, Mode::Read);
        let result = (entry.run)(input, self);
        self.mode = mode;
        result
    }

    /// Begins a frame: depth, rights that are always checked, the record, its state, the log.
    pub(crate) fn enter(&mut self, def: &'static OpDef, target: i64) -> Result<()> {
        if self.frames.len() >= MAX_FRAMES {
            return Err(Error::internal(format!("{}: calls are nested too deeply", def.name)));
        }
        if def.always_check && !self.who.may_call(def) {
            return Err(Error::forbidden(def.name));
        }
        self.target = None;
        let subject = if def.on.is_empty() || target == 0 { None } else { Some(AnyRef::new(def.on, target)) };
        if let Some(subject) = subject {
            let plan = self.schema.plan(subject.entity)?.clone();
            let row = if def.read { self.row_of(&plan, subject.id)? } else { self.held_row(&plan, subject.id)? };
            check_state(def, &plan, &row)?;
            if self.frames.is_empty()
                && !self.within(&plan, subject.id, if def.read { Right::Read } else { Right::Write })?
            {
                return Err(Error::not_found(plan.def.name, subject.id));
            }
            self.target = Some((subject.entity, row));
        }
        let log = if self.mode == Mode::Write && !def.read { self.log(def.name, subject)? } else { 0 };
        self.frames.push(Frame { op: def, log });
        Ok(())
    }

    pub(crate) fn leave(&mut self, def: &'static OpDef, target: i64, ok: bool) {
        self.frames.pop();
        if ok && !def.read {
            let target = if def.on.is_empty() || target == 0 { None } else { Some(AnyRef::new(def.on, target)) };
            self.collected.done.push_back(Done { op: def, target });
        }
    }

    /// Ends a frame of a generic write, of which the write itself has told.
    pub(crate) fn leave_quietly(&mut self) {
        self.frames.pop();
    }

    /// True while a generic surface (a form, the interface, a bulk request, an import) writes down what somebody gave.
    pub fn is_generic(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.op.name.starts_with("record."))
    }

    /// Writes the log row of an operation and answers its id.
    pub(crate) fn log(&mut self, name: &str, target: Option<AnyRef>) -> Result<i64> {
        let id = self.new_id()?;
        let plan = self.schema.plan("sys.operation")?.clone();
        let row = crate::sys::Operation {
            parent: self.frames.last().map(|f| f.log),
            name: name.to_owned(),
            actor: (self.who.user != 0).then_some(self.who.user),
            actor_name: self.who.login.clone(),
            at: self.now,
            target,
            step: self.step.clone(),
        };
        let mut params = vec![Value::Int(id), Value::Int(id), Value::Int(self.who.company.id)];
        row.write(&mut params);
        self.put(&plan, vec![params])?;
        Ok(id)
    }

    /// The log row of the running operation; one is written where none runs (system work).
    pub(crate) fn operation_log(&mut self) -> Result<i64> {
        match self.frames.last() {
            Some(frame) if frame.log != 0 => Ok(frame.log),
            _ => Err(Error::internal("a change outside of an operation")),
        }
    }

    /// Name of the outermost operation that runs.
    pub fn operation(&self) -> Option<&'static OpDef> {
        self.frames.first().map(|f| f.op)
    }

    /// Runs a part that may fail without failing the whole: on an error everything it did, and everything it collected, is
    /// undone.
    ///
    /// # Errors
    /// The part's own; where the database itself gave up, that too, and then the whole must fail.
    pub fn savepoint<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.writing()?;
        let (mark, drawn) = (self.collected.mark(), self.drawn.len());
        let depth = self.frames.len();
        // What is late belongs to what stands, not to the part that may be undone.
        self.write_late(None)?;
        self.conn.savepoint()?;
        let done = part(self).and_then(|value| self.write_late(None).map(|()| value));
        match done {
            Ok(value) => {
                self.conn.release()?;
                Ok(value)
            }
            Err(error) => {
                self.conn.rollback_to()?;
                self.collected.back_to(mark);
                self.drawn.truncate(drawn);
                self.frames.truncate(depth);
                self.target = None;
                self.rolled_back();
                Err(error)
            }
        }
    }

    /// Acts as another principal for a while: a process definition, the system.
    ///
    /// # Errors
    /// The part's own.
    pub fn acting_as<T>(&mut self, who: Principal, part: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = std::mem::replace(&mut self.who, Arc::new(who));
        let result = part(self);
        self.who = before;
        result
    }

    /// Names the process step in which the following is done, for the audit.
    pub fn in_step<T>(&mut self, step: &str, part: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = self.step.replace(step.to_owned());
        let result = part(self);
        self.step = before;
        result
    }

    /// Says that something happened. Listeners hear it inside this transaction, after the operation.
    ///
    /// # Errors
    /// None today; events may become checked.
    pub fn emit<E: Event>(&mut self, event: E) -> Result<()> {
        let def = *self
            .schema
            .events
            .get(E::NAME)
            .ok_or_else(|| Error::internal(format!("event {} is not registered", E::NAME)))?;
        let mut cells = Vec::new();
        event.write(&mut cells);
        let subject = subject_of(def, &cells);
        self.collected.queue.push_back(Happened { def, cells, subject });
        Ok(())
    }

    /// Adds a record to the links that the answer shows.
    pub fn link(&mut self, record: impl Into<AnyRef>) {
        let record = record.into();
        if !self.collected.links.contains(&record) {
            self.collected.links.push(record);
        }
    }

    /// Adds a remark to the answer.
    pub fn note(&mut self, key: &str, args: Vec<(&'static str, crate::error::Arg)>) {
        self.tell(Note { args, ..Note::new(key) });
    }

    /// Adds a remark with its field and links: rules say so what a person should know and no rule refuses.
    pub fn tell(&mut self, note: Note) {
        self.collected.notes.push(note);
    }

    /// The stored record whose rules run now; nothing for one that is not stored yet. A rule needs it to leave the record
    /// itself out when it looks at the others.
    pub fn ruled<T: crate::def::Entity>(&self) -> Option<crate::value::Id<T>> {
        self.ruled.map(crate::value::Id::new)
    }

    pub(crate) fn ruling<T>(&mut self, id: Option<i64>, part: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.ruled, id);
        let result = part(self);
        self.ruled = before;
        result
    }

    /// Says that roles, rules, users or sessions changed: cached rights are thrown away after the commit.
    pub fn access_changed(&mut self) {
        self.collected.access_changed = true;
    }

    pub(crate) fn changed(&mut self, entity: &'static str, id: i64, rev: i64, kind: ChangeKind) {
        self.collected.changes.push(Change { entity, id, rev, kind, company: self.who.company.id });
    }
}

/// Refuses where the record's state is none in which the operation may run.
pub(crate) fn check_state(def: &OpDef, plan: &Plan, row: &Row) -> Result<()> {
    if def.when.is_empty() {
        return Ok(());
    }
    let state = plan.cell(plan.def.status, &row.cells).as_text().unwrap_or("");
    if def.when.contains(&state) {
        return Ok(());
    }
    let set = match plan.field(plan.def.status).map(|f| f.kind) {
        Some(crate::field::Kind::Choice(set)) => set.name,
        _ => "",
    };
    Err(Error::refused("wrong_state")
        .with("operation", crate::error::Arg::Key(format!("{}.label", def.name)))
        .with("state", crate::error::Arg::Key(format!("choice.{set}.{state}"))))
}

/// The record that an input names.
pub(crate) fn target_in(def: &OpDef, input: &[Value]) -> i64 {
    let mut at = 0;
    for field in (def.input)() {
        if field.name == def.target {
            return input.get(at).and_then(Value::as_int).unwrap_or(0);
        }
        at += field.cells();
    }
    0
}

fn subject_of(def: &crate::def::EventDef, cells: &[Value]) -> Option<AnyRef> {
    let mut at = 0;
    for field in (def.fields)() {
        if field.name == def.subject {
            let id = cells.get(at).and_then(Value::as_int)?;
            return match field.kind {
                crate::field::Kind::Ref(entity) => Some(AnyRef::new(entity, id)),
                crate::field::Kind::AnyRef => {
                    let entity = cells.get(at + 1).and_then(Value::as_text)?;
                    Some(AnyRef::new(crate::intern::intern(entity), id))
                }
                _ => None,
            };
        }
        at += field.cells();
    }
    None
}
