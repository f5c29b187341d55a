//! What a transaction remembers, so that it asks the database once: rows that it read and wrote, answers to questions by
//! equality, and rows that nobody can refer to, which are written together. Answers about entities that are `steady` are
//! shared between transactions.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use parking_lot::RwLock;
use store::Value;

use crate::{
    behind::Behind,
    cx::{Cx, Mode},
    error::{Error, Result},
    plan::{Plan, Taking},
    rec::Row,
    write::constraint,
};

/// Most rows that a transaction remembers; a report over many forgets and goes on.
const MOST: usize = 4_096;
/// Longest answer that is remembered.
const LONGEST: usize = 64;
/// Most answers about one steady entity.
const MOST_STEADY: usize = 20_000;
/// Most rows of one statement.
pub(crate) const TOGETHER: usize = 16;

/// A question by equality: the columns that are compared, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    columns: Box<str>,
    params: Box<[Value]>,
}

impl Question {
    pub(crate) fn new(columns: &[&str], params: &[Value]) -> Self {
        Self { columns: columns.join(",").into(), params: params.into() }
    }
    pub(crate) fn id(id: i64) -> Self {
        Self { columns: "id".into(), params: [Value::Int(id)].into() }
    }
    fn about(&self, changed: &[&str]) -> bool {
        self.columns.split(',').any(|column| changed.contains(&column))
    }

    /// Whether a row may be among what this asks for.
    fn fits(&self, plan: &Plan, row: &Row) -> bool {
        self.columns.split(',').zip(&self.params).all(|(column, wanted)| match column {
            "id" => *wanted == Value::Int(row.id),
            "company" => *wanted == Value::Int(row.company),
            "archived" => *wanted == Value::Int(i64::from(row.archived)),
            _ => plan
                .columns
                .iter()
                .position(|c| c == column)
                .and_then(|at| row.cells.get(at))
                .is_none_or(|c| c == wanted),
        })
    }
}

/// An answer that other transactions may use once this one is committed.
pub(crate) struct Learned {
    entity: &'static str,
    version: u64,
    question: Question,
    rows: Vec<Row>,
}

/// In which order a transaction may wait for others: records, kept rows, balances, counters. Within a rank who takes several
/// takes them in one order everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    #[default]
    Records,
    Kept,
    Balances,
    Counters,
}

impl Rank {
    fn of(plan: &Plan) -> Self {
        match plan.def.name {
            "sys.counter" => Self::Counters,
            _ if plan.def.kept => Self::Kept,
            _ => Self::Records,
        }
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct Memory {
    rows: HashMap<(&'static str, i64), Row>,
    asked: HashMap<&'static str, HashMap<Question, Vec<i64>>>,
    /// Rows that nobody else changes before the transaction ends: what is remembered of them is how they stand.
    held: HashSet<(&'static str, i64)>,
    late: Vec<(Arc<Plan>, Vec<Value>)>,
    /// Kept rows that are written behind, in the order of locks.
    pub(crate) behind: BTreeMap<(&'static str, i64), Behind>,
    /// The highest rank of which a row is held; what a savepoint gives back counts on.
    rank: Rank,
    /// Steady entities of which something was written.
    pub(crate) wrote: HashSet<&'static str>,
    pub(crate) learned: Vec<Learned>,
    /// Why late rows could not be written where nobody could be told.
    broken: Option<Error>,
}

impl Memory {
    fn forget(&mut self) {
        self.rows.clear();
        self.asked.clear();
        self.held.clear();
    }

    /// A row was read so that nobody else changes it, or was written.
    pub(crate) fn hold(&mut self, plan: &Plan, id: i64) {
        self.held.insert((plan.def.name, id));
    }

    pub(crate) fn holds(&self, plan: &Plan, id: i64) -> bool {
        self.held.contains(&(plan.def.name, id))
    }

    /// A row of this rank is held from now on.
    pub(crate) fn reach(&mut self, rank: Rank) {
        self.rank = self.rank.max(rank);
    }

    /// How a row of this entity is taken: who holds one of a higher rank must not wait for one of a lower, since its holder
    /// may wait for ours.
    pub(crate) fn taking(&mut self, plan: &Plan, hold: bool) -> Taking {
        let rank = Rank::of(plan);
        match hold {
            false => Taking::Look,
            true if rank < self.rank => Taking::AtOnce,
            true => {
                self.reach(rank);
                Taking::Wait
            }
        }
    }

    fn keep(&mut self, plan: &Plan, row: Row) {
        if self.rows.len() >= MOST {
            self.forget();
        }
        self.rows.insert((plan.def.name, row.id), row);
    }

    fn answer(&self, plan: &Plan, question: &Question) -> Option<Vec<Row>> {
        let ids = self.asked.get(plan.def.name)?.get(question)?;
        ids.iter().map(|id| self.rows.get(&(plan.def.name, *id)).cloned()).collect()
    }

    fn wrote(&mut self, plan: &Plan) {
        if plan.def.steady {
            self.wrote.insert(plan.def.name);
            self.learned.retain(|learned| learned.entity != plan.def.name);
        }
    }

    /// A row is new.
    pub(crate) fn inserted(&mut self, plan: &Plan, row: Row) {
        self.wrote(plan);
        if let Some(asked) = self.asked.get_mut(plan.def.name) {
            asked.retain(|question, _| !question.fits(plan, &row));
        }
        let id = row.id;
        self.keep(plan, row);
        self.hold(plan, id);
    }

    /// Whether new rows of an entity are not in the database yet.
    pub(crate) fn is_late(&self, entity: &str) -> bool {
        self.late.iter().any(|(plan, _)| plan.def.name == entity)
    }

    /// A row has changed in these columns.
    pub(crate) fn updated(&mut self, plan: &Plan, row: Row, columns: &[&str]) {
        self.wrote(plan);
        if let Some(asked) = self.asked.get_mut(plan.def.name) {
            asked.retain(|question, ids| {
                !question.about(columns) || !(ids.contains(&row.id) || question.fits(plan, &row))
            });
        }
        let id = row.id;
        self.keep(plan, row);
        self.hold(plan, id);
    }

    /// Rows were changed by the database itself.
    pub(crate) fn touched(&mut self, plan: &Plan) {
        self.wrote(plan);
        self.asked.remove(plan.def.name);
        self.rows.retain(|(entity, _), _| *entity != plan.def.name);
    }

    /// A row is gone.
    pub(crate) fn deleted(&mut self, plan: &Plan, id: i64) {
        self.wrote(plan);
        if let Some(asked) = self.asked.get_mut(plan.def.name) {
            asked.retain(|_, ids| !ids.contains(&id));
        }
        self.rows.remove(&(plan.def.name, id));
        self.behind.remove(&(plan.def.name, id));
    }
}

impl Cx<'_> {
    /// A row by id from what is remembered.
    pub(crate) fn remembered(&mut self, plan: &Plan, id: i64) -> Option<Row> {
        if let Some(row) = self.memory.rows.get(&(plan.def.name, id)) {
            return Some(row.clone());
        }
        self.shared_answer(plan, &Question::id(id))?.first().cloned()
    }

    /// A row by id from what is remembered, when nobody else can have changed it since.
    pub(crate) fn remembered_held(&mut self, plan: &Plan, id: i64) -> Option<Row> {
        let sure = self.memory.holds(plan, id);
        self.memory.rows.get(&(plan.def.name, id)).filter(|_| sure).cloned()
    }

    /// Rows by equality from what is remembered; `held` asks for such as nobody else can have changed since.
    pub(crate) fn answered(&mut self, plan: &Plan, question: &Question, held: bool) -> Option<Vec<Row>> {
        if let Some(rows) = self.memory.answer(plan, question) {
            if !held || rows.iter().all(|row| self.memory.holds(plan, row.id)) {
                return Some(rows);
            }
            return None;
        }
        self.shared_answer(plan, question).map(|rows| rows.to_vec())
    }

    fn shared_answer(&self, plan: &Plan, question: &Question) -> Option<Arc<[Row]>> {
        let usable = plan.def.steady && self.mode == Mode::Write && !self.memory.wrote.contains(plan.def.name);
        if usable { self.shared.steady.get(plan.def.name, question, self.schema.version) } else { None }
    }

    /// Which version of the shared answers what is asked now would belong to.
    pub(crate) fn steady_version(&self, plan: &Plan) -> u64 {
        if plan.def.steady { self.shared.steady.version(plan.def.name) } else { 0 }
    }

    /// Remembers an answer of the database.
    pub(crate) fn remember(&mut self, plan: &Plan, question: Question, rows: &[Row], version: u64) {
        if rows.len() > LONGEST {
            return;
        }
        if plan.def.steady && self.mode == Mode::Write && !self.memory.wrote.contains(plan.def.name) {
            let (question, rows) = (question.clone(), rows.to_vec());
            self.memory.learned.push(Learned { entity: plan.def.name, version, question, rows });
        }
        for row in rows {
            self.memory.keep(plan, row.clone());
        }
        if &*question.columns != "id" {
            let ids = rows.iter().map(|row| row.id).collect();
            self.memory.asked.entry(plan.def.name).or_default().insert(question, ids);
        }
    }

    /// Forgets what was read: somebody may have written past it.
    pub(crate) fn forget(&mut self) {
        self.memory.forget();
    }

    /// Whether rows of this entity may be written later: nothing can refer to them, change them, or collide with them.
    fn may_be_late(&self, plan: &Plan) -> bool {
        let kind = plan.def.append_only || plan.def.kept;
        kind && !plan.search && !plan.distinct && self.schema.leaves.contains(plan.def.name)
    }

    /// Inserts rows of one entity together: now, or with their neighbours where they may be late.
    pub(crate) fn put(&mut self, plan: &Arc<Plan>, rows: Vec<Vec<Value>>) -> Result<()> {
        if self.may_be_late(plan) {
            self.memory.late.extend(rows.into_iter().map(|params| (plan.clone(), params)));
            return Ok(());
        }
        self.put_now(plan, &rows)
    }

    fn put_now(&mut self, plan: &Plan, rows: &[Vec<Value>]) -> Result<()> {
        for rows in rows.chunks(TOGETHER) {
            let text = plan.insert_many(rows.len());
            self.conn.execute(&text, &rows.concat()).map_err(|error| constraint(plan, error))?;
        }
        Ok(())
    }

    /// Writes what is late, before somebody looks for it in this entity (in any, where none is named).
    pub(crate) fn write_late(&mut self, entity: Option<&str>) -> Result<()> {
        if !self.memory.behind.is_empty() {
            self.write_behind(entity)?;
        }
        if entity.is_some_and(|entity| !self.memory.is_late(entity)) {
            return Ok(());
        }
        let late = std::mem::take(&mut self.memory.late);
        let mut groups: Vec<(Arc<Plan>, Vec<Vec<Value>>)> = Vec::new();
        for (plan, params) in late {
            match groups.iter_mut().find(|(known, _)| known.def.name == plan.def.name) {
                Some((_, rows)) => rows.push(params),
                None => groups.push((plan, vec![params])),
            }
        }
        for (plan, rows) in groups {
            self.put_now(&plan, &rows)?;
        }
        Ok(())
    }

    /// Before the raw database is handed out: what is late stands in it, and what it may change is forgotten.
    pub(crate) fn bare(&mut self) {
        if self.mode != Mode::Write {
            return;
        }
        if let Err(error) = self.write_late(None) {
            self.memory.broken.get_or_insert(error);
        }
        self.memory.forget();
    }

    /// Writes all that is late.
    ///
    /// # Errors
    /// As writing does, also what failed before where nobody could be told.
    pub(crate) fn write_all_late(&mut self) -> Result<()> {
        self.write_late(None)?;
        self.memory.broken.take().map_or(Ok(()), Err)
    }

    /// After a savepoint was rolled back: nothing that was remembered is sure, nothing late is wanted.
    pub(crate) fn rolled_back(&mut self) {
        self.memory.late.clear();
        self.memory.behind.clear();
        self.memory.learned.clear();
        self.memory.forget();
    }
}

/// Answers about steady entities, shared by all transactions of the process.
#[derive(Default)]
pub(crate) struct Steady {
    kept: RwLock<HashMap<&'static str, Kept>>,
    database: AtomicI64,
}

#[derive(Default)]
struct Kept {
    version: u64,
    /// The version of the schema after which the cells of the rows are laid out.
    layout: u64,
    answers: HashMap<Question, Arc<[Row]>>,
}

impl Steady {
    fn get(&self, entity: &str, question: &Question, layout: u64) -> Option<Arc<[Row]>> {
        let all = self.kept.read();
        let kept = all.get(entity).filter(|kept| kept.layout == layout)?;
        kept.answers.get(question).cloned()
    }

    fn version(&self, entity: &'static str) -> u64 {
        self.kept.read().get(entity).map_or(0, |kept| kept.version)
    }

    /// After a commit: what was written is forgotten, what was learned is shared unless it is old already.
    pub(crate) fn committed(&self, wrote: &HashSet<&'static str>, learned: Vec<Learned>, layout: u64) {
        if wrote.is_empty() && learned.is_empty() {
            return;
        }
        let mut all = self.kept.write();
        for entity in wrote {
            let kept = all.entry(entity).or_default();
            kept.version += 1;
            kept.answers.clear();
        }
        for one in learned {
            let kept = all.entry(one.entity).or_default();
            if kept.answers.len() >= MOST_STEADY || kept.layout < layout {
                kept.answers.clear();
                kept.layout = kept.layout.max(layout);
            }
            if kept.version == one.version && kept.layout == layout {
                kept.answers.insert(one.question, one.rows.into());
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn forget(&self) {
        for kept in self.kept.write().values_mut() {
            kept.version += 1;
            kept.answers.clear();
        }
    }

    /// Forgets everything where another program has written since; tells whether it has.
    pub(crate) fn notice(&self, database: i64) -> bool {
        let others = self.database.swap(database, Ordering::AcqRel) != database;
        if others {
            self.forget();
        }
        others
    }
}
