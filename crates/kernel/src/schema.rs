//! The schema: what is compiled in and what was defined at run time, built once per version and swapped as a whole. A
//! transaction keeps the version that it began with.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use lang::{Catalogue, Language};
use store::Dialect;

use crate::{
    def::{EntityDef, EventDef, Job, Listener, Module, OpDef, OpEntry},
    error::{Error, Result},
    eval::check_sql,
    field::{FieldDef, Kind},
    filter::Filter,
    plan::{Plan, column_of},
};

/// What was defined at run time.
#[derive(Clone, Debug, Default)]
pub struct Custom {
    /// Tells one state of the definitions from another.
    pub stamp: i64,
    /// Entities.
    pub entities: Vec<&'static EntityDef>,
    /// Fields by entity.
    pub fields: BTreeMap<String, Vec<FieldDef>>,
    /// Labels: language, key, text.
    pub labels: Vec<(Language, String, String)>,
}

/// Everything that is declared.
pub struct Schema {
    /// Counts the versions in this process.
    pub version: u64,
    /// The state of the definitions from which it was built.
    pub(crate) stamp: i64,
    /// Plans by entity.
    pub plans: BTreeMap<&'static str, Arc<Plan>>,
    /// Operations by name.
    pub operations: BTreeMap<&'static str, OpEntry>,
    /// Events by name.
    pub events: BTreeMap<&'static str, &'static EventDef>,
    /// Listeners by event; `*` for all.
    pub listeners: HashMap<&'static str, Vec<Listener>>,
    /// The modules in their order.
    pub modules: Vec<&'static Module>,
    /// Messages and labels of all modules.
    pub catalogue: Catalogue,
    /// Labels of what was defined at run time.
    pub custom_labels: HashMap<(Language, String), String>,
    jobs: BTreeMap<&'static str, Job>,
    /// Entities to whose rows nothing can refer.
    pub(crate) leaves: HashSet<&'static str>,
}

/// A version for a schema that is built in this process, higher than all before.
pub(crate) fn next_version() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(2);
    LAST.fetch_add(1, Ordering::AcqRel) + 1
}

impl Schema {
    /// Builds the schema.
    ///
    /// # Errors
    /// For declarations that contradict each other: our own mistakes, found at start and in tests.
    pub fn build(modules: &[&'static Module], custom: &Custom, dialect: Dialect, version: u64) -> Result<Self> {
        let mut schema = Self {
            version,
            stamp: custom.stamp,
            plans: BTreeMap::new(),
            operations: BTreeMap::new(),
            events: BTreeMap::new(),
            listeners: HashMap::new(),
            modules: modules.to_vec(),
            catalogue: Catalogue::default(),
            custom_labels: custom.labels.iter().map(|(l, k, t)| ((*l, k.clone()), t.clone())).collect(),
            jobs: BTreeMap::new(),
            leaves: HashSet::new(),
        };
        for module in modules {
            schema.add(module, custom, dialect)?;
        }
        for def in &custom.entities {
            let fields = custom.fields.get(def.name).map_or(&[][..], Vec::as_slice);
            schema.plans.insert(def.name, Arc::new(plan(**def, None, fields, dialect)?));
        }
        schema.leaves = schema.plans.keys().copied().collect();
        for plan in schema.plans.values() {
            let refs = plan.fields.iter().filter_map(|f| if let Kind::Ref(to) = f.kind { Some(to) } else { None });
            for to in refs.chain(plan.def.many.iter().map(|m| m.to)) {
                schema.leaves.remove(to);
            }
        }
        schema.verify()?;
        Ok(schema)
    }

    fn add(&mut self, module: &'static Module, custom: &Custom, dialect: Dialect) -> Result<()> {
        for entry in module.entities {
            let def = (entry.def)();
            let fields = custom.fields.get(def.name).map_or(&[][..], Vec::as_slice);
            if self.plans.insert(def.name, Arc::new(plan(*def, Some(*entry), fields, dialect)?)).is_some() {
                return Err(Error::internal(format!("{} is declared twice", def.name)));
            }
        }
        for entry in module.operations {
            let def = (entry.def)();
            if self.operations.insert(def.name, *entry).is_some() {
                return Err(Error::internal(format!("{} is declared twice", def.name)));
            }
        }
        for event in module.events {
            self.events.insert(event.name, event);
        }
        for listener in module.listens {
            self.listeners.entry(listener.event).or_default().push(*listener);
        }
        for job in module.jobs {
            self.jobs.insert(job.name, *job);
        }
        for (code, text) in module.catalogues {
            let language = Language::parse(code).ok_or_else(|| Error::internal(format!("language {code}?")))?;
            self.catalogue
                .add(language, text)
                .map_err(|error| Error::internal(format!("catalogue {code} of {}: {error}", module.name)))?;
        }
        Ok(())
    }

    /// References that lead nowhere are our own mistakes: found at start.
    fn verify(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::internal(what));
        for plan in self.plans.values() {
            let name = plan.def.name;
            for field in &plan.fields {
                if let Kind::Ref(to) = field.kind
                    && !self.plans.contains_key(to)
                {
                    return wrong(format!("{name}.{} refers to {to}, which is not registered", field.name));
                }
            }
            for lines in plan.def.lines {
                match self.plans.get(lines.entity) {
                    Some(line) if line.index(lines.by).is_some() => {}
                    _ => return wrong(format!("{name}: lines {}.{} are not registered", lines.entity, lines.by)),
                }
            }
            for named in [plan.def.title, plan.def.status, plan.def.owner] {
                if !named.is_empty() && plan.index(named).is_none() {
                    return wrong(format!("{name} has no field {named}"));
                }
            }
            for list in plan.def.uniques.iter().chain(plan.def.indexes) {
                if let Some(missing) =
                    list.iter().find(|f| plan.column(f).is_none() && !plan.columns.iter().any(|c| c == *f))
                {
                    return wrong(format!("{name}: index over {missing}, which it has not"));
                }
            }
        }
        for entry in self.operations.values() {
            let def = (entry.def)();
            for other in [def.on, def.inverse] {
                let known = other.is_empty() || self.plans.contains_key(other) || self.operations.contains_key(other);
                if !known {
                    return wrong(format!("{} names {other}, which is not registered", def.name));
                }
            }
        }
        for plan in self.modules.iter().flat_map(|m| m.schedules) {
            if !self.jobs.contains_key(plan.job) || !crate::schedule::is_cron(plan.cron) {
                return wrong(format!("{} is planned at {}, which cannot be", plan.job, plan.cron));
            }
        }
        for event in self.listeners.keys().filter(|e| **e != "*") {
            if !self.events.contains_key(event) {
                return wrong(format!("somebody listens to {event}, which is not registered"));
            }
        }
        Ok(())
    }

    /// The plan of an entity.
    ///
    /// # Errors
    /// 404 where there is none.
    pub fn plan(&self, entity: &str) -> Result<&Arc<Plan>> {
        self.plans.get(entity).ok_or_else(|| Error::not_found("entity", entity.chars().take(80).collect::<String>()))
    }
    /// An operation.
    ///
    /// # Errors
    /// 404 where there is none.
    pub fn operation(&self, name: &str) -> Result<&OpEntry> {
        self.operations
            .get(name)
            .ok_or_else(|| Error::not_found("operation", name.chars().take(80).collect::<String>()))
    }
    /// A job.
    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.get(name)
    }
    /// All jobs.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }
    /// The operations on an entity, in the order of their module's list.
    pub fn operations_on(&self, entity: &str) -> Vec<&'static OpDef> {
        self.modules.iter().flat_map(|m| m.operations).map(|o| (o.def)()).filter(|d| d.on == entity).collect()
    }

    /// The tables as the store makes them.
    pub fn tables(&self) -> Vec<store::schema::Table> {
        let mut tables = Vec::new();
        for plan in self.plans.values() {
            tables.push(table(plan));
            for many in plan.def.many {
                tables.push(link_table(plan, many.name, many.to));
            }
        }
        tables
    }
}

fn plan(def: EntityDef, entry: Option<crate::def::EntityEntry>, custom: &[FieldDef], dialect: Dialect) -> Result<Plan> {
    let mut checks = Vec::new();
    for field in def.fields.iter().chain(custom) {
        if let Some(check) = field.check {
            checks.push((field.name.to_owned(), Filter::parse_check(check)?));
        }
    }
    for check in def.checks {
        checks.push((String::new(), Filter::parse_check(check)?));
    }
    Ok(Plan::new(def, entry, custom, checks, dialect))
}

fn column(name: &str, ty: store::schema::ColumnType, not_null: bool) -> store::schema::Column {
    store::schema::Column { name: name.to_owned(), ty, not_null, check: None, references: None, default: None }
}

fn table(plan: &Plan) -> store::schema::Table {
    use store::schema::{Column, ColumnType, Table};
    let mut columns = vec![column("id", ColumnType::Int, true)];
    for name in plan.managed().into_iter().skip(1) {
        columns.push(column(name, ColumnType::Int, true));
    }
    for (i, field) in plan.fields.iter().enumerate() {
        let at = plan.offsets[i];
        let ty = if field.kind.is_text() { ColumnType::Text } else { ColumnType::Int };
        let needed = field.required && !field.custom;
        let references = match field.kind {
            Kind::Ref(to) => Some(to.replace('.', "_")),
            _ => None,
        };
        columns.push(Column { references, ..column(&plan.columns[at], ty, needed) });
        if field.cells() == 2 {
            columns.push(column(&plan.columns[at + 1], ColumnType::Text, needed));
        }
    }
    for derived in &plan.derived {
        let ty = match derived.what {
            crate::plan::DerivedKind::Sort => ColumnType::Blob,
            crate::plan::DerivedKind::Fold => ColumnType::Text,
        };
        columns.push(column(&derived.column, ty, false));
    }
    let indexes = indexes(plan);
    let checks = plan
        .checks
        .iter()
        .enumerate()
        .filter(|(_, (field, _))| field.is_empty() || plan.field(field).is_some_and(|f| !f.custom))
        .filter_map(|(i, (field, filter))| {
            let name =
                if field.is_empty() { format!("{}_check{i}", plan.table) } else { format!("{}_{field}", plan.table) };
            Some((name, check_sql(filter, plan, "")?))
        })
        .collect();
    Table {
        name: plan.table.clone(),
        columns,
        primary_key: vec!["id".to_owned()],
        checks,
        indexes,
        append_only: plan.def.append_only,
        immutable_when: None,
        search: plan.search,
        view: Some(crate::reporting::view(plan, plan.dialect)),
    }
}

/// The indexes of an entity's table.
pub(crate) fn indexes(plan: &Plan) -> Vec<store::schema::Index> {
    use store::schema::Index;
    let scoped = |columns: Vec<String>| {
        let mut all: Vec<String> = if plan.def.shared { Vec::new() } else { vec!["company".to_owned()] };
        all.extend(columns);
        all
    };
    let named = |fields: &[&str]| fields.iter().map(|f| plan.column(f).unwrap_or(f).to_owned()).collect::<Vec<_>>();
    let mut indexes = Vec::new();
    let mut index = |columns: Vec<String>, unique: bool| {
        let name = format!("{}_{}_{}", plan.table, columns.join("_"), if unique { "key" } else { "idx" });
        if !indexes.iter().any(|i: &Index| i.name == name) {
            indexes.push(Index { name, columns, unique, filter: None });
        }
    };
    for field in &plan.fields {
        if field.unique {
            index(scoped(named(&[field.name])), true);
        }
        if field.indexed || field.name == plan.def.owner {
            index(vec![column_of(field)], false);
        }
    }
    for unique in plan.def.uniques {
        index(scoped(named(unique)), true);
    }
    for list in plan.def.indexes {
        index(named(list), false);
    }
    // What is ordered by the rules of the language can be paged through at any size.
    for derived in plan.derived.iter().filter(|d| d.what == crate::plan::DerivedKind::Sort) {
        index(scoped(vec![derived.column.clone()]), false);
    }
    indexes
}

fn link_table(plan: &Plan, name: &str, to: &str) -> store::schema::Table {
    use store::schema::{Column, ColumnType, Index, Table};
    let table = format!("{}_{name}", plan.table);
    let reference =
        |column_name: &str, to: String| Column { references: Some(to), ..column(column_name, ColumnType::Int, true) };
    Table {
        columns: vec![
            column("id", ColumnType::Int, true),
            reference("owner", plan.table.clone()),
            reference("other", to.replace('.', "_")),
        ],
        primary_key: vec!["id".to_owned()],
        checks: Vec::new(),
        indexes: vec![
            Index {
                name: format!("{table}_key"),
                columns: vec!["owner".to_owned(), "other".to_owned()],
                unique: true,
                filter: None,
            },
            Index {
                name: format!("{table}_other_idx"),
                columns: vec!["other".to_owned()],
                unique: false,
                filter: None,
            },
        ],
        append_only: false,
        immutable_when: None,
        search: false,
        view: None,
        name: table,
    }
}
