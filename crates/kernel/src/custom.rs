//! Fields and entities defined at run time: real typed columns and tables, kept apart from ours by `x_`.

use lang::Language;
use store::{Conn, Value};

use crate::{
    Entity, Fields, Json, Operation,
    cx::Cx,
    def::{EntityDef, OpEntry, Run, op},
    error::{Error, Result},
    field::{Choice, ChoiceSet, FieldDef, Kind},
    intern::intern,
    plan::column_of,
    schema::{Custom, Schema, next_version},
    sys,
};

/// Adds a field to an entity on the running system.
#[derive(Operation)]
#[operation(name = "sys.field.add", person_only, no_inverse = "Removing a column would lose data; archive the field.")]
pub struct AddField {
    /// Entity that gets it.
    pub entity: String,
    /// Name; begins with `x_`.
    pub name: String,
    /// English label.
    pub label: String,
    /// Czech label.
    pub label_cs: Option<String>,
    /// Kind: `text`, `long_text`, `int`, `dec`, `bool`, `date`, `timestamp`, `choice`, `ref`, `email`, `money`.
    pub kind: String,
    /// Entity of a reference.
    pub to: Option<String>,
    /// Scale of a decimal.
    pub scale: Option<i64>,
    /// Values of a choice, as a list of texts.
    pub choices: Option<Json>,
    /// Takes part in search.
    pub find: Option<bool>,
    /// Has an index.
    pub index: Option<bool>,
}

/// Adds an entity on the running system; it begins with a name, further fields are added to it.
#[derive(Operation)]
#[operation(
    name = "sys.entity.add",
    person_only,
    no_inverse = "Removing a table would lose data; archive the records."
)]
pub struct AddEntity {
    /// Name; begins with `x_`, as in `x_lab.sample`.
    pub name: String,
    /// English label.
    pub label: String,
    /// Czech label.
    pub label_cs: Option<String>,
    /// Roles that may read and write it (space separated, `*` for everybody).
    pub roles: Option<String>,
}

/// What was added.
#[derive(Fields)]
pub struct Added {
    /// The definition.
    pub id: i64,
}

pub(crate) const ADD_FIELD: OpEntry = op::<AddField>();
pub(crate) const ADD_ENTITY: OpEntry = op::<AddEntity>();

fn good_name(name: &str, dots: usize) -> bool {
    name.starts_with("x_")
        && name.len() <= 60
        && name.matches('.').count() == dots
        && name
            .split('.')
            .all(|p| p.len() > 1 && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'))
}

impl Run for AddField {
    type Output = Added;
    fn run(self, cx: &mut Cx<'_>) -> Result<Added> {
        if !good_name(&self.name, 0) {
            return Err(Error::field("name", "name"));
        }
        let plan = cx
            .schema
            .plan(&self.entity)
            .map_err(|_| Error::field("entity", "no_entity").with("value", self.entity.as_str()))?;
        if plan.def.append_only {
            return Err(Error::field("entity", "by_operation_only"));
        }
        if plan.field(&self.name).is_some() {
            return Err(Error::field("name", "field_taken"));
        }
        let table = plan.table.clone();
        let row = sys::CustomField {
            entity: self.entity,
            name: self.name,
            label: self.label,
            label_cs: self.label_cs,
            kind: self.kind,
            to: self.to,
            scale: self.scale,
            choices: self.choices,
            mandatory: false,
            find: self.find.unwrap_or(false),
            index: self.index.unwrap_or(false),
            reason: None,
        };
        let def = field_def(&row, &|entity| cx.schema.plans.contains_key(entity))?;
        let key = [("entity", row.entity.as_str().into()), ("name", row.name.as_str().into())];
        let id = match cx.first::<sys::CustomField>(&key)? {
            Some(earlier) => again(cx, earlier, row, &def, &table)?,
            None => cx.insert(row)?,
        };
        cx.rebuild()?;
        Ok(Added { id: id.raw() })
    }
}

/// Defines a removed field again: only as one of the same kind, since its column still stands, and not while it is emptied.
fn again(
    cx: &mut Cx<'_>,
    mut earlier: crate::Rec<sys::CustomField>,
    row: sys::CustomField,
    def: &FieldDef,
    table: &str,
) -> Result<crate::Id<sys::CustomField>> {
    let same = earlier.kind == row.kind && earlier.to == row.to && earlier.scale == row.scale;
    let column = store::quoted(&column_of(def));
    let held = format!("SELECT 1 FROM {} WHERE {column} IS NOT NULL LIMIT 1", store::quoted(table));
    if !same || cx.conn().int(&held, &[])?.is_some() {
        return Err(Error::field("name", "field_was_other"));
    }
    cx.archive(earlier.id, false)?;
    earlier = cx.get(earlier.id)?;
    *earlier = row;
    cx.save(&mut earlier)?;
    Ok(earlier.id)
}

impl Run for AddEntity {
    type Output = Added;
    fn run(self, cx: &mut Cx<'_>) -> Result<Added> {
        if !good_name(&self.name, 1) {
            return Err(Error::field("name", "name"));
        }
        if cx.schema.plans.contains_key(self.name.as_str()) {
            return Err(Error::field("name", "field_taken"));
        }
        let roles = self.roles.unwrap_or_else(|| "*".to_owned());
        let row =
            sys::CustomEntity { name: self.name, label: self.label, label_cs: self.label_cs, roles, reason: None };
        let id = match cx.first::<sys::CustomEntity>(&[("name", row.name.as_str().into())])? {
            // It was removed once: its records are there again.
            Some(earlier) => {
                cx.archive(earlier.id, false)?;
                let mut earlier = cx.get(earlier.id)?;
                *earlier = row;
                cx.save(&mut earlier)?;
                earlier.id
            }
            None => cx.insert(row)?,
        };
        cx.rebuild()?;
        Ok(Added { id: id.raw() })
    }
}

impl Cx<'_> {
    /// Builds the schema from what is now defined, makes its tables in this transaction, and goes on with it.
    pub(crate) fn rebuild(&mut self) -> Result<()> {
        self.write_late(None)?;
        // Who defines something at the same moment comes before or after, and nobody forgets the other's.
        self.conn.hold("custom", 0, true)?;
        let custom = load(self.conn, false)?;
        let schema = Schema::build(&self.schema.modules, &custom, self.conn.dialect(), next_version())?;
        store::schema::apply(self.conn, &schema.tables(), crate::engine::SCHEMA_VERSION)?;
        self.schema = std::sync::Arc::new(schema);
        // Rows have other columns from now on.
        self.forget();
        self.collected.schema_changed = true;
        Ok(())
    }
}

pub(crate) fn field_def(row: &sys::CustomField, known: &dyn Fn(&str) -> bool) -> Result<FieldDef> {
    let kind = match row.kind.as_str() {
        "text" => Kind::Text,
        "long_text" => Kind::LongText,
        "int" => Kind::Int,
        "bool" => Kind::Bool,
        "date" => Kind::Date,
        "timestamp" => Kind::Timestamp,
        "email" => Kind::Email,
        "money" => Kind::Money,
        "dec" => Kind::Dec(
            u8::try_from(row.scale.unwrap_or(2))
                .ok()
                .filter(|s| *s <= 9)
                .ok_or_else(|| Error::field("scale", "int"))?,
        ),
        "ref" => {
            let to = row.to.as_deref().filter(|to| known(to)).ok_or_else(|| Error::field("to", "no_entity"))?;
            Kind::Ref(intern(to))
        }
        "choice" => Kind::Choice(choices(row)?),
        _ => return Err(Error::field("kind", "choice")),
    };
    Ok(FieldDef {
        name: intern(&row.name),
        label: intern(&row.label),
        kind,
        searchable: row.find && matches!(kind, Kind::Text | Kind::Email),
        indexed: row.index,
        custom: true,
        ..FieldDef::BASE
    })
}

fn choices(row: &sys::CustomField) -> Result<&'static ChoiceSet> {
    let wrong = || Error::field("choices", "list");
    let list = row.choices.as_ref().and_then(|j| j.0.as_array()).ok_or_else(wrong)?;
    if list.is_empty() || list.len() > 200 {
        return Err(wrong());
    }
    let items = list
        .iter()
        .map(|item| item.as_str().map(|text| Choice { value: intern(text), colour: "grey" }).ok_or_else(wrong))
        .collect::<Result<Vec<_>>>()?;
    let name = intern(&format!("{}.{}", row.entity, row.name));
    // Lives as long as the program, as every declaration does; definitions are few.
    Ok(Box::leak(Box::new(ChoiceSet { name, items: Box::leak(items.into_boxed_slice()) })))
}

/// A number that is another one after every change of what was defined at run time; 0 where nothing was.
///
/// # Errors
/// As reading does.
pub(crate) fn stamp(conn: &mut dyn Conn) -> Result<i64> {
    let mut hash = 0_i64;
    for table in ["sys_custom_entity", "sys_custom_field"] {
        conn.query(&format!("SELECT id, rev FROM {table} ORDER BY id"), &[], &mut |row| {
            for value in row.iter().filter_map(Value::as_int) {
                hash = (hash ^ value).wrapping_mul(0x0100_0000_01b3).wrapping_add(1);
            }
            Ok(true)
        })?;
    }
    Ok(hash)
}

/// Reads what was defined at run time; `removed` too what was taken away again, whose columns and tables still stand.
///
/// # Errors
/// As reading does.
pub(crate) fn load(conn: &mut dyn Conn, removed: bool) -> Result<Custom> {
    let mut custom = Custom { stamp: stamp(conn)?, ..Custom::default() };
    let read = |conn: &mut dyn Conn, def: &EntityDef| -> Result<Vec<Vec<Value>>> {
        let columns: Vec<String> = def.fields.iter().map(|f| store::quoted(f.name)).collect();
        let text = format!("SELECT {}, archived FROM {} ORDER BY id", columns.join(", "), store::quoted(&def.table()));
        Ok(conn.rows(&text, &[])?)
    };
    let gone = |cells: &[Value]| !removed && cells.last().and_then(Value::as_int) == Some(1);
    let mut hidden = Vec::new();
    for cells in read(conn, sys::CustomEntity::def())? {
        let row = sys::CustomEntity::read(&mut crate::field::Reader::new(&cells))?;
        let name = intern(&row.name);
        if gone(&cells) {
            hidden.push(name);
            continue;
        }
        let title: &'static [FieldDef] = Box::leak(Box::new([FieldDef {
            name: "name",
            kind: Kind::Text,
            required: true,
            searchable: true,
            sorted: true,
            ..FieldDef::BASE
        }]));
        custom.entities.push(Box::leak(Box::new(EntityDef {
            name,
            label: intern(&row.label),
            fields: title,
            title: "name",
            read: intern(&row.roles),
            write: intern(&row.roles),
            area: "custom",
            ..EntityDef::BASE
        })));
        custom.labels.push((Language::En, format!("{name}.label"), row.label));
        if let Some(label) = row.label_cs {
            custom.labels.push((Language::Cs, format!("{name}.label"), label));
        }
    }
    for cells in read(conn, sys::CustomField::def())? {
        let row = sys::CustomField::read(&mut crate::field::Reader::new(&cells))?;
        custom.labels.push((Language::En, format!("{}.fields.{}", row.entity, row.name), row.label.clone()));
        if let Some(label) = &row.label_cs {
            custom.labels.push((Language::Cs, format!("{}.fields.{}", row.entity, row.name), label.clone()));
        }
        // One that was removed still has a name in the history.
        if !gone(&cells) && !hidden.contains(&row.entity.as_str()) {
            custom.fields.entry(row.entity.clone()).or_default().push(field_def(&row, &|_| true)?);
        }
    }
    Ok(custom)
}
