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
    schema::{Custom, Schema},
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
        };
        field_def(&row, &|entity| cx.schema.plans.contains_key(entity))?;
        let id = cx.insert(row)?;
        cx.rebuild()?;
        Ok(Added { id: id.raw() })
    }
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
        let id = cx.insert(sys::CustomEntity { name: self.name, label: self.label, label_cs: self.label_cs, roles })?;
        cx.rebuild()?;
        Ok(Added { id: id.raw() })
    }
}

impl Cx<'_> {
    /// Builds the schema from what is now defined, makes its tables in this transaction, and goes on with it.
    fn rebuild(&mut self) -> Result<()> {
        self.write_late(None)?;
        // Who defines something at the same moment comes before or after, and nobody forgets the other's.
        self.conn.hold("custom", 0, true)?;
        let custom = load(self.conn)?;
        let schema = Schema::build(&self.schema.modules, &custom, self.conn.dialect(), self.schema.version + 1)?;
        store::schema::apply(self.conn, &schema.tables(), crate::engine::SCHEMA_VERSION)?;
        self.schema = std::sync::Arc::new(schema);
        // Rows have other columns from now on.
        self.forget();
        self.collected.schema_changed = true;
        Ok(())
    }
}

fn field_def(row: &sys::CustomField, known: &dyn Fn(&str) -> bool) -> Result<FieldDef> {
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

/// Reads what was defined at run time.
///
/// # Errors
/// As reading does.
pub(crate) fn load(conn: &mut dyn Conn) -> Result<Custom> {
    let mut custom = Custom::default();
    let read = |conn: &mut dyn Conn, def: &EntityDef| -> Result<Vec<Vec<Value>>> {
        let columns: Vec<String> = def.fields.iter().map(|f| store::quoted(f.name)).collect();
        let text = format!(
            "SELECT {} FROM {} WHERE archived = 0 ORDER BY id",
            columns.join(", "),
            store::quoted(&def.table())
        );
        Ok(conn.rows(&text, &[])?)
    };
    let mut known = Vec::new();
    for cells in read(conn, sys::CustomEntity::def())? {
        let row = sys::CustomEntity::read(&mut crate::field::Reader::new(&cells))?;
        let name = intern(&row.name);
        known.push(name);
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
        let def = field_def(&row, &|_| true)?;
        custom.labels.push((Language::En, format!("{}.fields.{}", row.entity, row.name), row.label.clone()));
        if let Some(label) = &row.label_cs {
            custom.labels.push((Language::Cs, format!("{}.fields.{}", row.entity, row.name), label.clone()));
        }
        custom.fields.entry(row.entity.clone()).or_default().push(def);
    }
    Ok(custom)
}
