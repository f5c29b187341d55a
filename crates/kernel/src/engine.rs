//! The kernel as programs use it: opened once, asked from many threads.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value as J, json};
use store::{Conn, Store, Value};

use crate::{
    access::Principal,
    ask::{Answer, Ask, Directory},
    custom,
    cx::{Cx, Frame, Mode},
    def::{Module, OpDef},
    dry::{DryRuns, Limited},
    error::{Error, Result},
    files::Files,
    hub::Change,
    idempotency::{earlier, remember},
    json::{Codec, encode_fields},
    memory::Learned,
    principals::{Principals, Secrets},
    query::Query,
    schema::{Schema, next_version},
    shared::{DRAW, Shared, draw_ids},
    value::AnyRef,
};

/// Version of the schema that this program knows; counted up by explicit migrations.
pub const SCHEMA_VERSION: i64 = 1;

/// How to open the kernel.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Directory of stored files; beside the database where absent.
    pub files: Option<PathBuf>,
    /// Options of the store.
    pub store: store::Options,
    /// How long a dry run may hold the writer; 200 ms where absent.
    pub dry_run: Option<Duration>,
}

/// How long a dry run may hold the writer: a question must not stop the company.
const DRY_RUN: Duration = Duration::from_millis(200);

enum Stop {
    Error(Error),
    Dry(Box<Answer>),
}
impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}
impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Error(error.into())
    }
}

/// The kernel.
pub struct Kernel {
    pub(crate) store: Store,
    pub(crate) shared: Arc<Shared>,
    pub(crate) directory: Option<&'static dyn Directory>,
    pub(crate) dry_runs: DryRuns,
    pub(crate) dry_run_limit: Duration,
    pub(crate) principals: Principals,
    pub(crate) secrets: Secrets,
}

pub(crate) static CREATE: OpDef = OpDef { name: "record.create", ..OpDef::BASE };
pub(crate) static CHANGE: OpDef = OpDef { name: "record.change", ..OpDef::BASE };
pub(crate) static REMOVE: OpDef = OpDef { name: "record.delete", ..OpDef::BASE };
static WORK: OpDef = OpDef { name: "sys.work", ..OpDef::BASE };

impl Kernel {
    /// Opens a database, makes or updates its tables, and loads what was defined at run time.
    ///
    /// # Errors
    /// Where the database cannot be opened, is newer than the program, or differs in a way that is not safe to change.
    pub fn open(url: &str, modules: &[&'static Module], options: Options) -> Result<Self> {
        let store = Store::open(url, options.store)?;
        let mut all = vec![&crate::sys::MODULE];
        all.extend_from_slice(modules);
        let files = options.files.unwrap_or_else(|| {
            // A database on a server has no place of its own: its files lie where the program runs.
            let place = || PathBuf::from(store.database().unwrap_or("celek.db"));
            let mut path = store.path().map_or_else(place, std::path::Path::to_path_buf).into_os_string();
            path.push(".files");
            PathBuf::from(path)
        });
        let dialect = store.dialect();
        let schema = store.write(|conn| -> Result<Schema> {
            let mut schema = Schema::build(&all, &crate::schema::Custom::default(), dialect, 1)?;
            migrate(conn, &schema)?;
            let defined = custom::load(conn, false)?;
            if defined.stamp != 0 {
                schema = Schema::build(&all, &defined, dialect, 2)?;
                migrate(conn, &schema)?;
            }
            Ok(schema)
        })?;
        let directory = modules.iter().find_map(|m| m.directory);
        let shared = Arc::new(Shared::new(Arc::new(schema), Files::new(files)));
        let dry_run_limit = options.dry_run.unwrap_or(DRY_RUN);
        Ok(Self {
            store,
            shared,
            directory,
            dry_runs: DryRuns::default(),
            dry_run_limit,
            principals: Principals::default(),
            secrets: Secrets::default(),
        })
    }

    /// The schema in force.
    pub fn schema(&self) -> Arc<Schema> {
        self.shared.schema.read().clone()
    }
    /// What all requests share: listeners, files, the clock.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }
    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }
    /// Users and sessions.
    ///
    /// # Errors
    /// Internal, where no module owns users.
    pub fn directory(&self) -> Result<&'static dyn Directory> {
        self.directory.ok_or_else(|| Error::internal("no module owns users"))
    }

    /// Closes the database cleanly.
    ///
    /// # Errors
    /// As the store's.
    pub fn close(self) -> Result<()> {
        Ok(self.store.close()?)
    }

    /// Throws cached rights away: another program may have changed them.
    pub fn forget_rights(&self) {
        self.shared.access_version.fetch_add(1, Ordering::AcqRel);
        self.shared.steady.forget();
    }

    /// Loads the schema again: another program may have defined fields.
    ///
    /// # Errors
    /// As reading does.
    pub fn reload(&self) -> Result<()> {
        let dialect = self.store.dialect();
        // Looked at again after each change: what this program defines at the same moment is not forgotten.
        while self.store.read(|conn| custom::stamp(conn))? != self.schema().stamp {
            let version = next_version();
            let defined = self.store.read(|conn| custom::load(conn, false))?;
            let schema = Schema::build(&self.schema().modules, &defined, dialect, version)?;
            self.adopt(Arc::new(schema));
        }
        Ok(())
    }

    /// Works with a schema from now on, unless there is a newer one.
    fn adopt(&self, schema: Arc<Schema>) -> bool {
        let mut current = self.shared.schema.write();
        let newer = schema.version > current.version;
        if newer {
            *current = schema;
        }
        newer
    }

    // ---- reading ----

    /// Reads on one snapshot.
    ///
    /// # Errors
    /// The part's own.
    pub fn read<T>(&self, who: &Arc<Principal>, f: impl FnOnce(&mut Cx<'_>) -> Result<T>) -> Result<T> {
        self.store.read(|conn| {
            let mut cx = Cx::new(conn, self.schema(), &self.shared, who.clone(), Mode::Read);
            f(&mut cx)
        })
    }

    /// Reads on one snapshot for somebody who waits: what takes longer is refused.
    ///
    /// # Errors
    /// The part's own; `query_too_slow`.
    pub fn read_within<T>(
        &self,
        limit: Duration,
        who: &Arc<Principal>,
        f: impl FnOnce(&mut Cx<'_>) -> Result<T>,
    ) -> Result<T> {
        let answer = self.store.read_within(limit, |conn| {
            let mut cx = Cx::new(conn, self.schema(), &self.shared, who.clone(), Mode::Read);
            f(&mut cx)
        });
        answer.map_err(|error: Error| match &*error.code {
            "interrupted" => Error::new(422, "query_too_slow"),
            _ => error,
        })
    }

    // ---- writing ----

    fn ensure_ids(&self) -> Result<()> {
        if self.shared.ids.low() {
            let block = self.store.write(|conn| draw_ids(conn, DRAW))?;
            self.shared.ids.put(block);
        }
        Ok(())
    }

    /// Does a piece of the system's own work in one transaction, under a log row of this name.
    ///
    /// # Errors
    /// The part's own.
    pub fn work<T>(&self, who: &Arc<Principal>, name: &str, f: impl FnMut(&mut Cx<'_>) -> Result<T>) -> Result<T> {
        self.work_on(who, name, None, f)
    }

    /// As [`Kernel::work`], and the log tells on which record it works.
    pub(crate) fn work_on<T>(
        &self,
        who: &Arc<Principal>,
        name: &str,
        on: Option<AnyRef>,
        mut f: impl FnMut(&mut Cx<'_>) -> Result<T>,
    ) -> Result<T> {
        self.ensure_ids()?;
        let (value, cx) = self.store.write(|conn| -> Result<_> {
            self.notice()?;
            let mut cx = Cx::new(conn, self.schema(), &self.shared, who.clone(), Mode::Write);
            let log = cx.log(name, on)?;
            cx.frames.push(Frame { op: &WORK, log });
            let value = f(&mut cx)?;
            cx.finish()?;
            Ok((value, Ended::of(cx)))
        })?;
        self.after_commit(cx);
        Ok(value)
    }

    /// The frame of every write: the key is looked up, the work done, what was collected written, the answer kept.
    pub(crate) fn transact(
        &self,
        ask: &Ask,
        route: &str,
        input: &J,
        def: &'static OpDef,
        target: i64,
        f: impl Fn(&mut Cx<'_>) -> Result<(J, u16)>,
    ) -> Result<Answer> {
        self.ensure_ids()?;
        let key = ask.key.as_ref().filter(|_| !ask.dry_run);
        let hash = key.map(|_| blake3::hash(input.to_string().as_bytes()).to_hex().to_string());
        // Taken before the writer is waited for: a user's second dry run is told so at once.
        let _place = if ask.dry_run { Some(self.dry_runs.begin(ask.who.user)?) } else { None };
        let done = self.store.write(|conn| -> std::result::Result<(Answer, Ended), Stop> {
            let until = Instant::now() + self.dry_run_limit;
            let mut limited;
            let conn: &mut dyn Conn = if ask.dry_run {
                limited = Limited { conn, until };
                &mut limited
            } else {
                conn
            };
            self.notice()?;
            let mut cx = Cx::new(conn, self.schema(), &self.shared, ask.who.clone(), Mode::Write);
            if let (Some(key), Some(hash)) = (key, &hash)
                && let Some(answer) = earlier(&mut cx, route, key, hash)?
            {
                return Ok((answer, Ended::default()));
            }
            cx.enter(def, target)?;
            let (output, status) = f(&mut cx)?;
            let on = if def.on.is_empty() || target == 0 { None } else { Some(AnyRef::new(def.on, target)) };
            cx.collected.done.push_front(crate::def::Done { op: def, target: on });
            cx.finish()?;
            let titles = cx.link_titles()?;
            let mut answer = Answer {
                output,
                titles,
                status,
                links: std::mem::take(&mut cx.collected.links),
                notes: std::mem::take(&mut cx.collected.notes),
                numbers: std::mem::take(&mut cx.drawn),
                ..Answer::default()
            };
            if ask.dry_run {
                if Instant::now() >= until {
                    return Err(Error::refused("dry_run_too_long").into());
                }
                answer.changes = std::mem::take(&mut cx.collected.changes);
                return Err(Stop::Dry(Box::new(answer)));
            }
            if let (Some(key), Some(hash)) = (key, &hash) {
                remember(&mut cx, route, key, hash, &answer)?;
                cx.write_all_late()?;
            }
            Ok((answer, Ended::of(cx)))
        });
        match done {
            Ok((answer, ended)) => {
                self.after_commit(ended);
                Ok(answer)
            }
            Err(Stop::Dry(answer)) => Ok(*answer),
            Err(Stop::Error(error)) if ask.dry_run && error.code == "interrupted" => {
                Err(Error::refused("dry_run_too_long"))
            }
            Err(Stop::Error(error)) => Err(self.remedied(&ask.who, error)),
        }
    }

    /// Whether another program has written since: what we share is old then.
    fn notice(&self) -> Result<()> {
        if self.shared.steady.notice(self.store.data_version()?) {
            self.shared.access_version.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }

    fn after_commit(&self, ended: Ended) {
        self.shared.steady.committed(&ended.wrote, ended.learned, ended.version);
        if let Some(schema) = ended.schema
            && !self.adopt(schema)
            && let Err(error) = self.reload()
        {
            tracing::error!(%error, "what was defined at run time could not be read again");
        }
        let secrets = self.directory.map_or(&[][..], |directory| directory.secrets());
        if ended.access_changed || ended.changes.iter().any(|change| secrets.contains(&change.entity)) {
            self.forget_rights();
        }
        if !ended.changes.is_empty() {
            self.shared.hub.tell(&ended.changes);
        }
    }

    /// Adds what would help to a refusal: modules that know are asked, what this person may not call is left out.
    fn remedied(&self, who: &Arc<Principal>, mut error: Error) -> Error {
        let schema = self.schema();
        let code = error.code.clone();
        for remedy in schema.modules.iter().flat_map(|m| m.remedies).filter(|r| r.code == code) {
            let offered = self.read(who, |cx| (remedy.offer)(&error, cx));
            match offered {
                Ok(actions) => {
                    for action in actions {
                        let allowed =
                            schema.operations.get(action.operation.as_str()).is_some_and(|e| who.may_call((e.def)()));
                        if allowed && !error.actions.contains(&action) {
                            error.actions.push(action);
                        }
                    }
                }
                Err(other) => tracing::warn!(code = %other.code, "a remedy could not be asked"),
            }
        }
        error
    }

    /// Brings JSON to the cells of an operation's input.
    ///
    /// # Errors
    /// 422 with all wrong fields.
    pub fn input(&self, def: &OpDef, who: &Principal, input: &J) -> Result<Vec<Value>> {
        let schema = self.schema();
        let known = |entity: &str| schema.plans.contains_key(entity);
        let codec = Codec {
            currency: Some(who.company.currency).filter(|c| *c != crate::value::Currency::NONE),
            country: Some(who.company.country.as_str()).filter(|c| !c.is_empty()),
            entity: Some(&known),
            lenient: false,
        };
        let cells = codec.fields((def.input)(), input, &[])?;
        check_input(def, &cells)?;
        Ok(cells)
    }

    /// Runs an operation from JSON.
    ///
    /// # Errors
    /// 404, 403, 422, and what the operation refuses, with actions that would help.
    pub fn run(&self, name: &str, input: &J, ask: &Ask) -> Result<Answer> {
        let schema = self.schema();
        let entry = *schema.operation(name)?;
        let def = (entry.def)();
        if !ask.who.may_call(def) {
            return Err(Error::forbidden(name));
        }
        let cells = self.input(def, &ask.who, input)?;
        let target = crate::cx::target_in(def, &cells);
        if def.read {
            let output = self.read(&ask.who, |cx| {
                cx.enter(def, target)?;
                cx.check_references(def, &cells)?;
                (entry.run)(&cells, cx)
            })?;
            return Ok(Answer { output: encode_fields((def.output)(), &output), status: 200, ..Answer::default() });
        }
        self.transact(ask, &format!("operations/{name}"), input, def, target, |cx| {
            cx.check_references(def, &cells)?;
            let output = (entry.run)(&cells, cx)?;
            Ok((encode_fields((def.output)(), &output), 200))
        })
    }

    /// Creates a record.
    ///
    /// # Errors
    /// See `generic`.
    pub fn create(&self, entity: &str, body: &J, ask: &Ask) -> Result<Answer> {
        self.transact(ask, &format!("entities/{entity}"), body, &CREATE, 0, |cx| {
            let (id, rev) = cx.create(entity, body)?;
            Ok((cx.written(id, rev)?, 201))
        })
    }

    /// Changes a record; `rev` is what the client saw.
    ///
    /// # Errors
    /// See `generic`.
    pub fn change(&self, entity: &str, id: i64, rev: Option<i64>, body: &J, ask: &Ask) -> Result<Answer> {
        self.transact(ask, &format!("entities/{entity}/{id}"), body, &CHANGE, 0, |cx| {
            let (id, rev) = cx.change(entity, id, rev, body)?;
            Ok((cx.written(id, rev)?, 200))
        })
    }

    /// Deletes a record, or archives it where anything refers to it.
    ///
    /// # Errors
    /// See `generic`.
    pub fn remove(&self, entity: &str, id: i64, rev: Option<i64>, ask: &Ask) -> Result<Answer> {
        self.transact(ask, &format!("DELETE entities/{entity}/{id}"), &J::Null, &REMOVE, 0, |cx| {
            cx.remove(entity, id, rev)?;
            Ok((J::Null, 204))
        })
    }

    /// A query as `{"rows": […], "next": …}`; groups where it groups.
    ///
    /// # Errors
    /// As [`Cx::select`].
    pub fn list(&self, who: &Arc<Principal>, query: &Query, shape: &crate::present::Shape) -> Result<J> {
        self.read(who, |cx| {
            if !query.group.is_empty() || !query.measures.is_empty() {
                return Ok(json!({"rows": cx.group(query, true)?, "next": null}));
            }
            let page = cx.page(query, true)?;
            let mut answer = json!({"rows": cx.present(&query.entity, &page.rows, shape)?, "next": page.next});
            if page.incomplete {
                answer["incomplete"] = J::Bool(true);
            }
            Ok(answer)
        })
    }

    /// One record as JSON, with lines.
    ///
    /// # Errors
    /// 404 where there is none that this person may see.
    pub fn record(&self, who: &Arc<Principal>, entity: &str, id: i64, shape: &crate::present::Shape) -> Result<J> {
        self.read(who, |cx| cx.one(entity, id, shape))
    }
}

impl Cx<'_> {
    /// The answer of a generic write, with what its rules remarked.
    fn written(&mut self, id: i64, rev: i64) -> Result<J> {
        let mut answer = json!({"id": id, "rev": rev});
        if !self.collected.notes.is_empty() {
            let notes = self.collected.notes.clone();
            answer["notes"] = self.notes_json(&notes)?;
        }
        Ok(answer)
    }

    /// One record as JSON, with the rights of who acts.
    ///
    /// # Errors
    /// 404 where there is none that this person may see.
    pub fn one(&mut self, entity: &str, id: i64, shape: &crate::present::Shape) -> Result<J> {
        let query =
            Query { filter: Some(crate::filter::Filter::eq("id", id)), archived: true, limit: 1, ..Query::of(entity) };
        let (rows, _) = self.select(&query, true)?;
        let mut found = self.present(entity, &rows, shape)?;
        found.pop().ok_or_else(|| Error::not_found(entity, id))
    }
}

/// What outlives a transaction.
#[derive(Default)]
struct Ended {
    version: u64,
    changes: Vec<Change>,
    schema: Option<Arc<Schema>>,
    access_changed: bool,
    wrote: HashSet<&'static str>,
    learned: Vec<Learned>,
}

impl Ended {
    fn of(cx: Cx<'_>) -> Self {
        Self {
            version: cx.schema.version,
            schema: cx.collected.schema_changed.then(|| cx.schema.clone()),
            changes: cx.collected.changes,
            access_changed: cx.collected.access_changed,
            wrote: cx.memory.wrote,
            learned: cx.memory.learned,
        }
    }
}

pub(crate) fn migrate(conn: &mut dyn Conn, schema: &Schema) -> Result<()> {
    use store::schema::{Column, ColumnType, Table};
    let mut tables = schema.tables();
    tables.push(Table::new(
        "sys_ids",
        vec![Column::new("id", ColumnType::Int).required(), Column::new("next", ColumnType::Int).required()],
    ));
    store::schema::apply(conn, &tables, SCHEMA_VERSION)?;
    conn.execute("INSERT INTO sys_ids (id, next) VALUES (1, 1001) ON CONFLICT (id) DO NOTHING", &[])?;
    Ok(())
}

/// Checks of an operation's input fields.
fn check_input(def: &OpDef, cells: &[Value]) -> Result<()> {
    for field in (def.input)() {
        if let Some(check) = field.check {
            let filter = crate::filter::Filter::parse_check(check)?;
            if !crate::eval::input_holds(&filter, (def.input)(), cells)? {
                return Err(Error::field(field.name, "check").with("check", check));
            }
        }
    }
    Ok(())
}
