//! What was defined at run time is changed and taken away again: only with a look at what uses it, and so that nothing that was
//! written is lost. Names are addresses for programs and stay; people see labels.

use serde_json::{Map, json};
use store::Value;

use crate::{
    AnyRef, Fields, Json, LongText, Operation,
    custom::{self, Added},
    cx::Cx,
    def::{Entity, Job, OpEntry, Run, op},
    error::{Error, Result},
    field::{FieldDef, Kind},
    json::encode,
    plan::{Plan, column_of},
    rec::Rec,
    sys::{Audit, CustomEntity, CustomField},
};

/// Records whose values are put away in one transaction.
const CHUNK: i64 = 200;
/// Most uses that a preview names.
const MOST: usize = 100;

/// A field, or a whole entity, that somebody asks about.
#[derive(Clone, Copy, Debug)]
pub struct Defined<'a> {
    /// The entity.
    pub entity: &'a str,
    /// The field; the entity itself where absent.
    pub field: Option<&'a str>,
}

impl Defined<'_> {
    /// Whether a text (a filter, a file of a process) names it. Names of custom things begin with `x_`: rather one use too
    /// many is told than one too few.
    pub fn named_in(&self, text: &str) -> bool {
        let name = self.field.unwrap_or(self.entity);
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        text.match_indices(name).any(|(at, _)| {
            !text[..at].chars().next_back().is_some_and(part)
                && !text[at + name.len()..].chars().next().is_some_and(part)
        })
    }
}

/// Finds the records of a module that use something: saved views, rules, definitions of processes.
pub type Uses = fn(&Defined<'_>, &mut Cx<'_>) -> Result<Vec<AnyRef>>;

/// Changes what a field is called and what can be chosen in it.
#[derive(Operation)]
#[operation(name = "sys.field.change", person_only, no_inverse = "It is changed back in the same way.")]
pub struct ChangeField {
    /// Entity that has it.
    pub entity: String,
    /// Its name.
    pub name: String,
    /// English label; stays where absent.
    pub label: Option<String>,
    /// Czech label; stays where absent.
    pub label_cs: Option<String>,
    /// All values of a choice; one that records hold cannot go.
    pub choices: Option<Json>,
}

/// Changes what an entity is called and who may work with it.
#[derive(Operation)]
#[operation(name = "sys.entity.change", person_only, no_inverse = "It is changed back in the same way.")]
pub struct ChangeEntity {
    /// Its name.
    pub name: String,
    /// English label; stays where absent.
    pub label: Option<String>,
    /// Czech label; stays where absent.
    pub label_cs: Option<String>,
    /// Roles that may read and write it; stay where absent.
    pub roles: Option<String>,
}

/// Tells what uses a field, before it is removed.
#[derive(Operation)]
#[operation(name = "sys.field.uses", read)]
pub struct FieldUses {
    /// Entity that has it.
    pub entity: String,
    /// Its name.
    pub name: String,
}

/// Tells what uses an entity, before it is removed.
#[derive(Operation)]
#[operation(name = "sys.entity.uses", read)]
pub struct EntityUses {
    /// Its name.
    pub name: String,
}

/// One place that uses it.
#[derive(Clone, Debug, Fields)]
pub struct Use {
    /// The record.
    pub record: AnyRef,
    /// What it is called.
    pub title: String,
}

/// What uses a field or an entity.
#[derive(Clone, Debug, Fields)]
pub struct Used {
    /// Records that hold a value of the field, or records of the entity.
    pub records: i64,
    /// Where it is used besides.
    pub uses: Vec<Use>,
}

/// Removes a field. What records hold in it goes to their history.
#[derive(Operation)]
#[operation(
    name = "sys.field.remove",
    person_only,
    no_inverse = "Adding the field again does not bring its values back."
)]
pub struct RemoveField {
    /// Entity that has it.
    pub entity: String,
    /// Its name.
    pub name: String,
    /// Also where it is in use.
    pub force: Option<bool>,
    /// Why; has to be given where it is in use.
    pub reason: Option<LongText>,
}

/// Removes an entity. Its records stay in the database, and are there again when it is added again.
#[derive(Operation)]
#[operation(name = "sys.entity.remove", person_only, inverse = "sys.entity.add")]
pub struct RemoveEntity {
    /// Its name.
    pub name: String,
    /// Also where it is in use.
    pub force: Option<bool>,
    /// Why; has to be given where it is in use.
    pub reason: Option<LongText>,
}

pub(crate) const OPERATIONS: [OpEntry; 6] = [
    op::<ChangeField>(),
    op::<ChangeEntity>(),
    op::<FieldUses>(),
    op::<EntityUses>(),
    op::<RemoveField>(),
    op::<RemoveEntity>(),
];

/// Puts the values of a removed field away, some records at a time; also those that a program wrote which did not know yet.
pub(crate) const CLEAR: Job = Job { name: "sys.field.clear", every: 0, run: clear_more };

fn field(cx: &mut Cx<'_>, entity: &str, name: &str) -> Result<Rec<CustomField>> {
    let found = cx.by::<CustomField>(&[("entity", entity.into()), ("name", name.into())])?;
    let found = found.into_iter().find(|row| !row.archived);
    found.ok_or_else(|| Error::field("name", "no_field").with("field", name))
}

fn entity(cx: &mut Cx<'_>, name: &str) -> Result<Rec<CustomEntity>> {
    let found = cx.first::<CustomEntity>(&[("name", name.into())])?.filter(|row| !row.archived);
    found.ok_or_else(|| Error::field("name", "no_entity").with("value", name))
}

impl Run for ChangeField {
    type Output = Added;
    fn run(self, cx: &mut Cx<'_>) -> Result<Added> {
        let mut row = field(cx, &self.entity, &self.name)?;
        row.label = self.label.unwrap_or_else(|| row.label.clone());
        row.label_cs = self.label_cs.or_else(|| row.label_cs.clone());
        if let Some(choices) = self.choices {
            if row.kind != "choice" {
                return Err(Error::field("choices", "choice"));
            }
            row.choices = Some(choices);
            let Kind::Choice(set) = custom::field_def(&row, &|_| true)?.kind else {
                return Err(Error::internal("a choice"));
            };
            let plan = cx.schema.plan(&self.entity)?.clone();
            for held in held_values(cx, &plan, &self.name)? {
                if !set.items.iter().any(|item| item.value == held) {
                    return Err(Error::field("choices", "choice_held").with("value", held));
                }
            }
        }
        cx.save(&mut row)?;
        cx.rebuild()?;
        Ok(Added { id: row.id.raw() })
    }
}

/// The different values of a field.
fn held_values(cx: &mut Cx<'_>, plan: &Plan, name: &str) -> Result<Vec<String>> {
    let column = plan.column(name).ok_or_else(|| Error::internal("a column"))?;
    let column = store::quoted(column);
    let text = format!("SELECT DISTINCT {column} FROM {} WHERE {column} IS NOT NULL", store::quoted(&plan.table));
    Ok(cx.conn().rows(&text, &[])?.into_iter().flatten().filter_map(Value::into_text).collect())
}

impl Run for ChangeEntity {
    type Output = Added;
    fn run(self, cx: &mut Cx<'_>) -> Result<Added> {
        let mut row = entity(cx, &self.name)?;
        row.label = self.label.unwrap_or_else(|| row.label.clone());
        row.label_cs = self.label_cs.or_else(|| row.label_cs.clone());
        row.roles = self.roles.unwrap_or_else(|| row.roles.clone());
        cx.save(&mut row)?;
        cx.rebuild()?;
        Ok(Added { id: row.id.raw() })
    }
}

impl Run for FieldUses {
    type Output = Used;
    fn run(self, cx: &mut Cx<'_>) -> Result<Used> {
        field(cx, &self.entity, &self.name)?;
        field_uses(cx, &self.entity, &self.name)
    }
}

impl Run for EntityUses {
    type Output = Used;
    fn run(self, cx: &mut Cx<'_>) -> Result<Used> {
        entity(cx, &self.name)?;
        entity_uses(cx, &self.name)
    }
}

fn field_uses(cx: &mut Cx<'_>, entity: &str, name: &str) -> Result<Used> {
    let plan = cx.schema.plan(entity)?.clone();
    let column = store::quoted(plan.column(name).ok_or_else(|| Error::internal("a column"))?);
    let text = format!("SELECT count(*) FROM {} WHERE {column} IS NOT NULL", store::quoted(&plan.table));
    let records = cx.conn().int(&text, &[])?.unwrap_or(0);
    let uses = told_by_modules(cx, &Defined { entity, field: Some(name) })?;
    Ok(Used { records, uses: titled(cx, uses)? })
}

fn entity_uses(cx: &mut Cx<'_>, name: &str) -> Result<Used> {
    let schema = cx.schema.clone();
    let plan = schema.plan(name)?;
    let count = format!("SELECT count(*) FROM {}", store::quoted(&plan.table));
    let records = cx.conn().int(&count, &[])?.unwrap_or(0);
    let mut uses = told_by_modules(cx, &Defined { entity: name, field: None })?;
    for row in cx.by::<CustomField>(&[("to", name.into())])?.into_iter().filter(|row| !row.archived) {
        uses.push(row.id.into());
    }
    // Notes, tasks, files and whatever else hangs on any record.
    for other in schema.plans.values().filter(|p| !p.def.name.starts_with("sys.")) {
        for (i, _) in other.fields.iter().enumerate().filter(|(_, f)| matches!(f.kind, Kind::AnyRef)) {
            let column = store::quoted(&other.columns[other.offsets[i] + 1]);
            let text =
                format!("SELECT id FROM {} WHERE {column} = ? ORDER BY id LIMIT 20", store::quoted(&other.table));
            let found = cx.conn().rows(&text, &[Value::from(name)])?;
            uses.extend(found.iter().filter_map(|row| Some(AnyRef::new(other.def.name, row.first()?.as_int()?))));
        }
    }
    Ok(Used { records, uses: titled(cx, uses)? })
}

fn told_by_modules(cx: &mut Cx<'_>, defined: &Defined<'_>) -> Result<Vec<AnyRef>> {
    let schema = cx.schema.clone();
    let mut uses = Vec::new();
    for find in schema.modules.iter().flat_map(|module| module.uses) {
        uses.extend(find(defined, cx)?);
    }
    Ok(uses)
}

fn titled(cx: &mut Cx<'_>, records: Vec<AnyRef>) -> Result<Vec<Use>> {
    let named = records.into_iter().take(MOST).map(|record| {
        let title = cx.titles(record.entity, &[record.id], 1)?.remove(&record.id);
        Ok(Use { record, title: title.unwrap_or_else(|| format!("#{}", record.id)) })
    });
    named.collect()
}

/// Refuses to remove what is used, unless somebody insists and says why.
fn insisted(used: &Used, force: Option<bool>, reason: Option<&LongText>) -> Result<()> {
    if used.records == 0 && used.uses.is_empty() {
        return Ok(());
    }
    if force != Some(true) {
        let refused = Error::refused("custom_used").with("records", used.records);
        return Err(refused.with("uses", i64::try_from(used.uses.len()).unwrap_or(i64::MAX)));
    }
    if reason.is_none_or(|reason| reason.0.trim().is_empty()) {
        Err(Error::field("reason", "required"))
    } else {
        Ok(())
    }
}

impl Run for RemoveField {
    type Output = Used;
    fn run(self, cx: &mut Cx<'_>) -> Result<Used> {
        let mut row = field(cx, &self.entity, &self.name)?;
        let used = field_uses(cx, &self.entity, &self.name)?;
        insisted(&used, self.force, self.reason.as_ref())?;
        row.reason = self.reason;
        cx.save(&mut row)?;
        cx.archive(row.id, true)?;
        cx.rebuild()?;
        clear(cx, &row)?;
        // Once more a little later: a program that did not know yet may have written to it meanwhile.
        let soon =
            cx.now().checked_add(jiff::SignedDuration::from_secs(5)).map_err(|e| Error::internal(e.to_string()))?;
        cx.schedule(CLEAR.name, Some(&row.id.to_string()), json!({"field": row.id.raw()}), soon)?;
        Ok(used)
    }
}

impl Run for RemoveEntity {
    type Output = Used;
    fn run(self, cx: &mut Cx<'_>) -> Result<Used> {
        let mut row = entity(cx, &self.name)?;
        let used = entity_uses(cx, &self.name)?;
        if used.uses.iter().any(|used| used.record.entity == CustomField::NAME) {
            return Err(Error::refused("custom_referred").with("value", self.name));
        }
        insisted(&used, self.force, self.reason.as_ref())?;
        row.reason = self.reason;
        cx.save(&mut row)?;
        cx.archive(row.id, true)?;
        cx.rebuild()?;
        Ok(used)
    }
}

fn clear_more(payload: &Json, cx: &mut Cx<'_>) -> Result<bool> {
    let id = payload.0["field"].as_i64().unwrap_or(0);
    match cx.by::<CustomField>(&[("id", Value::Int(id))])?.into_iter().next() {
        Some(row) if row.archived => clear(cx, &row),
        _ => Ok(false),
    }
}

/// Moves what records hold in a removed field to their history, some at a time; whether more is left.
fn clear(cx: &mut Cx<'_>, row: &CustomField) -> Result<bool> {
    let schema = cx.schema.clone();
    // The entity may be gone meanwhile: then nobody sees its records.
    let Ok(plan) = schema.plan(&row.entity) else { return Ok(false) };
    if plan.field(&row.name).is_some() {
        return Ok(false);
    }
    let field = custom::field_def(row, &|_| true)?;
    let mut columns = vec![column_of(&field)];
    if field.cells() == 2 {
        columns.push(format!("{}{}", columns[0], field.kind.suffix()));
    }
    let quoted: Vec<String> = columns.iter().map(|c| store::quoted(c)).collect();
    let company = if plan.def.shared { "0" } else { "company" };
    let text = format!(
        "SELECT id, {company}, {} FROM {} WHERE {} IS NOT NULL ORDER BY id LIMIT {CHUNK}",
        quoted.join(", "),
        store::quoted(&plan.table),
        quoted[0]
    );
    let rows = cx.conn().rows(&text, &[])?;
    let mut gone: Vec<String> = quoted.iter().map(|column| format!("{column} = NULL")).collect();
    if field.searchable {
        gone.push(format!("{} = NULL", store::quoted(&format!("{}_fold", columns[0]))));
    }
    let empty = format!("UPDATE {} SET {} WHERE id = ?", store::quoted(&plan.table), gone.join(", "));
    for found in &rows {
        let (Some(id), Some(company)) = (found[0].as_int(), found[1].as_int()) else { continue };
        cx.conn().execute(&empty, &[Value::Int(id)])?;
        cx.put_away(plan, &field, id, company, &found[2..])?;
    }
    Ok(i64::try_from(rows.len()).unwrap_or(0) == CHUNK)
}

impl Cx<'_> {
    /// The history of a record tells what it held in a field that is gone, and search forgets it.
    fn put_away(&mut self, plan: &Plan, field: &FieldDef, id: i64, company: i64, cells: &[Value]) -> Result<()> {
        if field.searchable && plan.search {
            let row = self.row_of(plan, id)?;
            self.index_words(plan, id, &row.cells)?;
        } else if field.searchable {
            self.conn.search_delete(&plan.table, id)?;
        }
        let log = self.operation_log()?;
        let audit = self.schema.plan(Audit::NAME)?.clone();
        let mut changes = Map::new();
        changes.insert(field.name.to_owned(), json!([encode(field, cells), null]));
        let told = Audit {
            operation: log,
            entity: plan.def.name.to_owned(),
            record: id,
            kind: "changed".to_owned(),
            changes: Some(Json(changes.into())),
        };
        let mut params = vec![Value::Int(self.new_id()?), Value::Int(log), Value::Int(company)];
        crate::def::Fields::write(&told, &mut params);
        self.put(&audit, vec![params])
    }
}
