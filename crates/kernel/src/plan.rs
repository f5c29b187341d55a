//! A plan per entity: its fields (compiled and custom), columns and SQL texts, built once per schema version.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use parking_lot::RwLock;
use sea_query::{Alias, CaseStatement, Cond, Expr, ExprTrait, LockBehavior, LockType, OnConflict, Query};
use store::{Dialect, Value};

use crate::{
    def::{EntityDef, EntityEntry},
    field::{FieldDef, Kind},
    filter::Filter,
    sql,
};

/// A column that is computed from a field when a record is written.
#[derive(Clone, Debug)]
pub struct Derived {
    /// Index of the field.
    pub field: usize,
    /// Name of the column.
    pub column: String,
    /// What it holds.
    pub what: DerivedKind,
}

/// What a derived column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DerivedKind {
    /// Sort key in the company's language.
    Sort,
    /// Folded text: no case, no diacritics.
    Fold,
}

/// How a row is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// As it stands; others may change it.
    Look,
    /// So that nobody else changes it before the transaction ends; who holds it is waited for.
    Wait,
    /// The same, without waiting: somebody who holds it is an error at once.
    AtOnce,
}

/// Everything that the kernel needs to know of an entity at run time.
pub struct Plan {
    /// The declaration.
    pub def: EntityDef,
    /// Its rules; none for custom entities.
    pub entry: Option<EntityEntry>,
    /// Fields: compiled ones first, then custom ones.
    pub fields: Vec<FieldDef>,
    /// First cell of each field.
    pub offsets: Vec<usize>,
    /// Cells of the compiled fields.
    pub compiled_cells: usize,
    /// Name of each cell's column.
    pub columns: Vec<String>,
    /// Columns computed from fields.
    pub derived: Vec<Derived>,
    /// Table.
    pub table: String,
    /// The checks of fields and entity, parsed.
    pub checks: Vec<(String, Filter)>,
    /// Has full-text search.
    pub search: bool,
    /// Some values may stand in one row only.
    pub distinct: bool,
    by_name: HashMap<&'static str, usize>,
    pub(crate) dialect: Dialect,
    /// Selects one row by id: id, rev, company, archived, cells.
    pub select_one: Arc<str>,
    /// The same, and nobody else changes the row until the transaction ends.
    pub hold_one: Arc<str>,
    shapes: RwLock<HashMap<Vec<u8>, Arc<str>>>,
    indexes: OnceLock<Vec<Vec<String>>>,
}

impl Plan {
    /// Builds the plan of an entity.
    pub fn new(
        def: EntityDef,
        entry: Option<EntityEntry>,
        custom: &[FieldDef],
        checks: Vec<(String, Filter)>,
        dialect: Dialect,
    ) -> Self {
        let mut plan = Self::shape(def, entry, custom, checks, dialect);
        plan.select_one = plan.text_where(&["id"], Taking::Look);
        plan.hold_one = plan.text_where(&["id"], Taking::Wait);
        plan
    }

    /// A plan without SQL, for evaluating checks over fields that have no table.
    pub(crate) fn bare(def: EntityDef) -> Self {
        Self::shape(def, None, &[], Vec::new(), Dialect::Sqlite)
    }

    /// A plan without SQL of one field.
    pub(crate) fn alone(field: FieldDef) -> Self {
        Self::shape(EntityDef::BASE, None, &[field], Vec::new(), Dialect::Sqlite)
    }

    fn shape(
        def: EntityDef,
        entry: Option<EntityEntry>,
        custom: &[FieldDef],
        checks: Vec<(String, Filter)>,
        dialect: Dialect,
    ) -> Self {
        let mut fields = def.fields.to_vec();
        fields.extend_from_slice(custom);
        let (mut offsets, mut columns, mut derived, mut by_name) = (Vec::new(), Vec::new(), Vec::new(), HashMap::new());
        let mut compiled_cells = 0;
        for (i, field) in fields.iter().enumerate() {
            by_name.insert(field.name, i);
            offsets.push(columns.len());
            let column = column_of(field);
            columns.push(column.clone());
            if field.cells() == 2 {
                columns.push(format!("{column}{}", field.kind.suffix()));
            }
            if sorts(&def, field) {
                derived.push(Derived { field: i, column: format!("{column}_sort"), what: DerivedKind::Sort });
            }
            if field.searchable {
                derived.push(Derived { field: i, column: format!("{column}_fold"), what: DerivedKind::Fold });
            }
            if i + 1 == def.fields.len() {
                compiled_cells = columns.len();
            }
        }
        let search = fields.iter().any(|f| f.searchable);
        let distinct = fields.iter().any(|f| f.unique) || !def.uniques.is_empty();
        let table = def.table();
        Self {
            def,
            entry,
            fields,
            offsets,
            compiled_cells,
            columns,
            derived,
            table,
            checks,
            search,
            distinct,
            by_name,
            dialect,
            select_one: Arc::from(""),
            hold_one: Arc::from(""),
            shapes: RwLock::new(HashMap::new()),
            indexes: OnceLock::new(),
        }
    }

    /// The columns of each index.
    pub fn indexes(&self) -> &[Vec<String>] {
        self.indexes.get_or_init(|| crate::schema::indexes(self).into_iter().map(|index| index.columns).collect())
    }

    /// The columns of each index without the company that it begins with, and whether it does.
    pub(crate) fn narrowing(&self) -> impl Iterator<Item = (&[String], bool)> {
        self.indexes().iter().map(|columns| match columns.split_first() {
            Some((first, rest)) if first == "company" => (rest, true),
            _ => (columns.as_slice(), false),
        })
    }

    /// Managed columns in the order of an insert.
    pub fn managed(&self) -> Vec<&'static str> {
        let mut columns = vec!["id"];
        if self.def.append_only {
            columns.push("op");
        } else {
            columns.extend(["rev", "archived"]);
        }
        if !self.def.shared {
            columns.push("company");
        }
        columns
    }

    /// Index of a field by name.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }
    /// A field by name.
    pub fn field(&self, name: &str) -> Option<&FieldDef> {
        self.index(name).map(|i| &self.fields[i])
    }
    /// The cells of a field in a row.
    pub fn cells_of<'a>(&self, index: usize, cells: &'a [Value]) -> &'a [Value] {
        let from = self.offsets[index];
        cells.get(from..from + self.fields[index].cells()).unwrap_or(&[])
    }
    /// The first cell of a field by name.
    pub fn cell<'a>(&self, name: &str, cells: &'a [Value]) -> &'a Value {
        static NULL: Value = Value::Null;
        self.index(name).and_then(|i| cells.get(self.offsets[i])).unwrap_or(&NULL)
    }
    /// Puts a value into the first cell of a field.
    pub fn set(&self, name: &str, cells: &mut [Value], value: Value) {
        if let Some(at) = self.index(name).map(|i| self.offsets[i])
            && let Some(cell) = cells.get_mut(at)
        {
            *cell = value;
        }
    }
    /// The column of a field by name (also `id`, `rev`, `company`, `archived`).
    pub fn column(&self, name: &str) -> Option<&str> {
        if let Some(i) = self.index(name) {
            return self.columns.get(self.offsets[i]).map(String::as_str);
        }
        ["id", "rev", "company", "archived", "op"].into_iter().find(|c| *c == name)
    }
    /// The column by which a field is ordered.
    pub fn sort_column(&self, name: &str) -> Option<&str> {
        let index = self.index(name);
        match self.derived.iter().find(|d| Some(d.field) == index && d.what == DerivedKind::Sort) {
            Some(derived) => Some(&derived.column),
            None => self.column(name),
        }
    }
    /// The column in which a field's text is searched.
    pub fn fold_column(&self, name: &str) -> Option<&str> {
        let index = self.index(name)?;
        self.derived.iter().find(|d| d.field == index && d.what == DerivedKind::Fold).map(|d| d.column.as_str())
    }

    /// Expressions of a full row, of the table under `alias`: id, rev, company, archived, cells.
    pub fn row_exprs(&self, alias: &str) -> Vec<Expr> {
        let col = |name: &str| Expr::col((Alias::new(alias), Alias::new(name)));
        let one = |flag: bool, name: &str, other: i64| if flag { col(name) } else { Expr::cust(other.to_string()) };
        let mut all = vec![
            col("id"),
            one(!self.def.append_only, "rev", 1),
            one(!self.def.shared, "company", 0),
            one(!self.def.append_only, "archived", 0),
        ];
        all.extend(self.columns.iter().map(|c| col(c)));
        all
    }

    /// A select of whole rows, which takes them so. The builder leaves locks out where there is one writer. What only refers
    /// to a row need not wait.
    fn select_all(&self, taking: Taking) -> sea_query::SelectStatement {
        let mut select = Query::select();
        select.from_as(Alias::new(&self.table), Alias::new("t")).exprs(self.row_exprs("t"));
        match taking {
            Taking::Look => &mut select,
            Taking::Wait => select.lock(LockType::NoKeyUpdate),
            Taking::AtOnce => select.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::Nowait),
        };
        select
    }

    fn text_where(&self, columns: &[&str], taking: Taking) -> Arc<str> {
        let mut select = self.select_all(taking);
        for column in columns {
            select.and_where(Expr::col((Alias::new("t"), Alias::new(*column))).eq(0));
        }
        if columns != ["id"] {
            select.order_by((Alias::new("t"), Alias::new("id")), sea_query::Order::Asc);
        }
        Arc::from(sql::select(self.dialect, &select).0)
    }

    /// The text of a select by equality of these columns, which takes the rows so; built once per shape.
    pub fn select_by(&self, columns: &[&str], taking: Taking) -> Arc<str> {
        let mut key = match taking {
            Taking::Look => Vec::new(),
            Taking::Wait => b"h:".to_vec(),
            Taking::AtOnce => b"n:".to_vec(),
        };
        key.extend(columns.join(",").into_bytes());
        if let Some(found) = self.shapes.read().get(&key) {
            return found.clone();
        }
        let text = self.text_where(columns, taking);
        self.shapes.write().insert(key, text.clone());
        text
    }

    /// The text of a select where the first of these columns has one of so many values and the others are equal.
    pub fn select_any(&self, columns: &[&str], values: usize, taking: Taking) -> Arc<str> {
        let key = format!("a:{taking:?}:{values}:{}", columns.join(",")).into_bytes();
        if let Some(found) = self.shapes.read().get(&key) {
            return found.clone();
        }
        let mut select = self.select_all(taking);
        for (at, column) in columns.iter().enumerate() {
            let column = Expr::col((Alias::new("t"), Alias::new(*column)));
            select.and_where(if at == 0 { column.is_in(vec![0; values]) } else { column.eq(0) });
        }
        select.order_by((Alias::new("t"), Alias::new("id")), sea_query::Order::Asc);
        let text: Arc<str> = Arc::from(sql::select(self.dialect, &select).0);
        self.shapes.write().insert(key, text.clone());
        text
    }

    /// The text of a delete of so many rows by id; built once per number.
    pub fn delete_many(&self, rows: usize) -> Arc<str> {
        let key = format!("x:{rows}").into_bytes();
        if let Some(found) = self.shapes.read().get(&key) {
            return found.clone();
        }
        let mut delete = Query::delete();
        delete.from_table(Alias::new(&self.table)).and_where(Expr::col(Alias::new("id")).is_in(vec![0; rows]));
        let text: Arc<str> = Arc::from(sql::delete(self.dialect, &delete).0);
        self.shapes.write().insert(key, text.clone());
        text
    }

    /// The text of a delete by id; built once.
    pub fn delete_one(&self) -> Arc<str> {
        let key = b"d:".to_vec();
        if let Some(found) = self.shapes.read().get(&key) {
            return found.clone();
        }
        let mut delete = Query::delete();
        delete.from_table(Alias::new(&self.table)).and_where(Expr::col(Alias::new("id")).eq(0));
        let text: Arc<str> = Arc::from(sql::delete(self.dialect, &delete).0);
        self.shapes.write().insert(key, text.clone());
        text
    }

    fn insert_text(&self, rows: usize) -> Arc<str> {
        let columns = self.all_columns();
        let mut insert = Query::insert();
        insert.into_table(Alias::new(&self.table)).columns(columns.iter().map(Alias::new));
        for _ in 0..rows {
            insert.values_panic(columns.iter().map(|_| Expr::val(0)));
        }
        Arc::from(sql::insert(self.dialect, &insert).0)
    }

    /// The text that inserts so many rows at once; built once per number.
    pub fn insert_many(&self, rows: usize) -> Arc<str> {
        let key = format!("i:{rows}").into_bytes();
        if let Some(found) = self.shapes.read().get(&key) {
            return found.clone();
        }
        let text = self.insert_text(rows);
        self.shapes.write().insert(key, text.clone());
        text
    }

    /// Managed columns, cells, derived columns: the order of an insert.
    pub fn all_columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = self.managed().into_iter().map(str::to_owned).collect();
        columns.extend(self.columns.iter().cloned());
        columns.extend(self.derived.iter().map(|d| d.column.clone()));
        columns
    }

    /// The text that adds to kept balances, so many rows at once: a row that is there is increased, one that is not is made.
    /// Parameters of a row: the managed columns, the key, the sums.
    pub fn add_many(&self, key: &[&str], sums: &[&str], rows: usize) -> Arc<str> {
        let shape = format!("b:{}:{}:{rows}", key.join(","), sums.join(",")).into_bytes();
        if let Some(found) = self.shapes.read().get(&shape) {
            return found.clone();
        }
        let managed = self.managed();
        let columns = || managed.iter().chain(key).chain(sums);
        let mut insert = Query::insert();
        insert.into_table(Alias::new(&self.table)).columns(columns().map(|c| Alias::new(*c)));
        for _ in 0..rows {
            insert.values_panic(columns().map(|_| Expr::val(0)));
        }
        let scope = if self.def.shared { &[][..] } else { &["company"][..] };
        let mut clash = OnConflict::columns(scope.iter().chain(key).map(|c| Alias::new(*c)));
        let own = |c: &str| Expr::col((Alias::new(&self.table), Alias::new(c)));
        for sum in sums {
            clash.value(Alias::new(*sum), own(sum).add(Expr::col((Alias::new("excluded"), Alias::new(*sum)))));
        }
        clash.value(Alias::new("rev"), own("rev").add(Expr::cust("1")));
        insert.on_conflict(clash);
        let text: Arc<str> = Arc::from(sql::insert(self.dialect, &insert).0);
        self.shapes.write().insert(shape, text.clone());
        text
    }

    /// The text of an update of these columns by id, so many rows at once; `None` where a column holds bytes. Parameters:
    /// for each column and row its id and value, then for each row its id and old rev.
    pub fn update_many(&self, columns: &[&str], rows: usize) -> Option<Arc<str>> {
        self.update_rows(columns, rows, false)
    }

    /// As [`Plan::update_many`], but the new rev is told too: after the columns, for each row its id and new rev.
    pub fn update_behind(&self, columns: &[&str], rows: usize) -> Option<Arc<str>> {
        self.update_rows(columns, rows, true)
    }

    fn update_rows(&self, columns: &[&str], rows: usize, told: bool) -> Option<Arc<str>> {
        let shape = format!("m:{told}:{}:{rows}", columns.join(",")).into_bytes();
        if let Some(found) = self.shapes.read().get(&shape) {
            return Some(found.clone());
        }
        let mut update = Query::update();
        update.table(Alias::new(&self.table));
        let id = || Expr::col(Alias::new("id"));
        let by_row = |ty: &str| {
            (0..rows).fold(CaseStatement::new(), |case, _| case.case(id().eq(0), Expr::val(0).cast_as(Alias::new(ty))))
        };
        for column in columns {
            update.value(Alias::new(*column), by_row(self.column_type(column)?));
        }
        if told {
            update.value(Alias::new("rev"), by_row("BIGINT"));
        } else {
            update.value(Alias::new("rev"), Expr::col(Alias::new("rev")).add(Expr::cust("1")));
        }
        let mut any = Cond::any();
        for _ in 0..rows {
            any = any.add(id().eq(0).and(Expr::col(Alias::new("rev")).eq(0)));
        }
        update.cond_where(any);
        let text: Arc<str> = Arc::from(sql::update(self.dialect, &update).0);
        self.shapes.write().insert(shape, text.clone());
        Some(text)
    }

    /// The SQL type of a column of numbers or text.
    fn column_type(&self, column: &str) -> Option<&'static str> {
        let at = self.columns.iter().position(|c| c == column);
        match at {
            Some(at) => {
                let field = self.offsets.iter().rposition(|offset| *offset <= at)?;
                let text = self.fields[field].kind.is_text() || at > self.offsets[field];
                Some(if text { "TEXT" } else { "BIGINT" })
            }
            None if self.derived.iter().any(|d| d.column == column && d.what == DerivedKind::Fold) => Some("TEXT"),
            None => None,
        }
    }

    /// The text of an update of these columns by id and rev; built once per shape. Parameters: the columns' values, the
    /// new rev, the id, the old rev.
    pub fn update_of(&self, columns: &[&str]) -> Arc<str> {
        let mut key = b"u:".to_vec();
        key.extend(columns.join(",").into_bytes());
        if let Some(found) = self.shapes.read().get(&key) {
            return found.clone();
        }
        let mut update = Query::update();
        update.table(Alias::new(&self.table));
        for column in columns {
            update.value(Alias::new(*column), Expr::val(0));
        }
        update.value(Alias::new("rev"), Expr::val(0));
        update.and_where(Expr::col(Alias::new("id")).eq(0)).and_where(Expr::col(Alias::new("rev")).eq(0));
        let text: Arc<str> = Arc::from(sql::update(self.dialect, &update).0);
        self.shapes.write().insert(key, text.clone());
        text
    }
}

/// The column of a field: its name; custom fields are kept apart by `x_`.
pub fn column_of(field: &FieldDef) -> String {
    if field.custom && !field.name.starts_with("x_") { format!("x_{}", field.name) } else { field.name.to_owned() }
}

/// Whether a field has a stored sort key: declared so, or the title of an entity that people look up. Numbers that the
/// program gives are plain letters and digits: their unique index has them in their order.
pub fn sorts(def: &EntityDef, field: &FieldDef) -> bool {
    let given = field.unique && (field.by_operation || def.by_operation);
    field.sorted || (field.searchable && def.title == field.name && matches!(field.kind, Kind::Text) && !given)
}
