//! From a query to SQL: filters over reference paths, keyset paging, grouping, full text. Rights and record rules are part of
//! the text, so that no surface can ask around them.

use jiff::{civil::Date, tz::TimeZone};
use sea_query::{Alias, Expr, ExprTrait, NullOrdering, Order};
use store::{Dialect, Value};

use crate::{
    access::{Principal, Right},
    approach::Bounds,
    condition::{Based, Builder},
    def::EntityDef,
    error::{Error, Result},
    field::{FieldDef, Kind},
    filter::{Filter, Op, Operand},
    paging::{beyond, cursor},
    period::date_part,
    plan::Plan,
    schema::Schema,
    sql,
};

/// A query over one entity.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The entity.
    pub entity: String,
    /// Which records.
    pub filter: Option<Filter>,
    /// Fields (or paths) with true for descending; the id comes last by itself.
    pub sort: Vec<(String, bool)>,
    /// Most rows; 0 for all.
    pub limit: usize,
    /// Cursor: what the last page gave as `next`.
    pub after: Option<String>,
    /// Words that the record has to contain.
    pub q: Option<String>,
    /// Archived records too.
    pub archived: bool,
    /// Group by these fields, paths and date parts (`invoice.date:month`).
    pub group: Vec<String>,
    /// What to compute of each group: `sum`, `min`, `max`, `avg` and a field.
    pub measures: Vec<(Measure, String)>,
    /// How much may be looked at for one page; no end where absent. For questions of people, who can ask otherwise.
    pub bounds: Option<Bounds>,
}

/// What is computed of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Sum.
    Sum,
    /// Least.
    Min,
    /// Greatest.
    Max,
    /// Sum divided by count, rounded half away from zero at the field's scale.
    Average,
}

impl Measure {
    /// Name in the interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Average => "avg",
        }
    }
}

impl Query {
    /// All records of an entity.
    pub fn of(entity: &str) -> Self {
        Self { entity: entity.to_owned(), limit: 50, ..Self::default() }
    }
    /// Refuses questions that are longer than anybody asks.
    pub(crate) fn ensure_size(&self) -> Result<()> {
        let limits = [(self.sort.len(), 8), (self.group.len(), 6), (self.measures.len(), 40)];
        match limits.into_iter().find(|(has, most)| has > most) {
            Some((_, most)) => Err(Error::bad("too_many").with("max", most)),
            None => Ok(()),
        }
    }
    /// The words that a record has to contain.
    pub(crate) fn words(&self) -> Option<&str> {
        self.q.as_deref().map(str::trim).filter(|q| !q.is_empty())
    }
    /// The keys of the order, with true for descending: those asked for, and the id, which makes it one.
    pub(crate) fn order(&self) -> (Vec<(&str, bool)>, bool) {
        let keys: Vec<(&str, bool)> =
            self.sort.iter().filter(|(p, _)| p != "id").map(|(p, d)| (p.as_str(), *d)).collect();
        let id = self.sort.iter().find(|(p, _)| p == "id").or(self.sort.last());
        (keys, id.is_some_and(|(_, descending)| *descending))
    }
    /// Reads `field,-other`.
    pub fn sort_text(mut self, text: &str) -> Self {
        self.sort = text
            .split(',')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .map(|s| s.strip_prefix('-').map_or((s.to_owned(), false), |rest| (rest.to_owned(), true)))
            .collect();
        self
    }
}

/// Everything that planning needs.
pub struct Planner<'a> {
    /// The schema of the transaction.
    pub schema: &'a Schema,
    /// Whose rights hold; none inside an operation, whose own right was checked.
    pub who: Option<&'a Principal>,
    /// The company whose records are meant; 0 for all.
    pub company: i64,
    /// Where the company's days begin and end.
    pub zone: &'a TimeZone,
    /// The language of the company: that of its order of texts.
    pub language: lang::Language,
    /// The user for `@me`.
    pub me: i64,
    /// Units for `@my_unit`.
    pub units: &'a [i64],
    /// Today in the company.
    pub today: Date,
    /// The database.
    pub dialect: Dialect,
}

/// A compiled query.
pub struct Compiled {
    /// SQL text.
    pub text: String,
    /// Parameters.
    pub params: Vec<Value>,
    /// How many cells at the end of each row are sort keys for the cursor.
    pub keys: usize,
}

/// A compiled grouping.
pub struct CompiledGroup {
    /// SQL text.
    pub text: String,
    /// Parameters.
    pub params: Vec<Value>,
    /// Names as given and the fields that read the group's cells.
    pub groups: Vec<(String, FieldDef)>,
    /// Names, measures and fields of the computed cells; each amount is followed by its currency.
    pub measures: Vec<(String, Measure, FieldDef)>,
}

/// The entity that owns an entity's records, where they are lines.
pub fn owner_of<'a>(schema: &'a Schema, def: &EntityDef) -> Option<&'a Plan> {
    if def.owner.is_empty() {
        return None;
    }
    match schema.plans.get(def.name)?.field(def.owner)?.kind {
        Kind::Ref(to) => schema.plans.get(to).map(|p| &**p),
        _ => None,
    }
}

/// Whether a principal may do this with records of an entity; lines without rights of their own follow their owner.
pub fn may(schema: &Schema, who: &Principal, def: &EntityDef, right: Right) -> bool {
    match owner_of(schema, def) {
        Some(owner) if def.read.is_empty() && def.write.is_empty() => may(schema, who, &owner.def, right),
        _ => who.may(def, right),
    }
}

/// The record rule for an entity; lines follow their owner.
pub fn rule(schema: &Schema, who: &Principal, def: &EntityDef, right: Right) -> Option<Filter> {
    match owner_of(schema, def) {
        Some(owner) if def.read.is_empty() && def.write.is_empty() => {
            rule(schema, who, &owner.def, right).map(|filter| prefixed(filter, def.owner))
        }
        _ => who.rule(def, right),
    }
}

fn prefixed(filter: Filter, prefix: &str) -> Filter {
    match filter {
        Filter::And(parts) => Filter::And(parts.into_iter().map(|p| prefixed(p, prefix)).collect()),
        Filter::Or(parts) => Filter::Or(parts.into_iter().map(|p| prefixed(p, prefix)).collect()),
        Filter::Not(inner) => prefixed(*inner, prefix).not(),
        Filter::Is(name, op, operand) => Filter::Is(format!("{prefix}.{name}"), op, operand),
    }
}

impl<'a> Planner<'a> {
    pub(crate) fn base<'p>(&'p self, plan: &'a Plan) -> Result<Based<'p, 'a>> {
        if let Some(who) = self.who
            && !may(self.schema, who, &plan.def, Right::Read)
        {
            return Err(Error::forbidden(plan.def.name));
        }
        Ok(Based(Builder { planner: self, root: plan, alias: "t", joins: Vec::new(), free: false }))
    }

    /// The company whose records are meant, where the entity has companies.
    pub(crate) fn in_company(&self, plan: &Plan, alias: &str) -> Option<Expr> {
        let narrowed = !plan.def.shared && self.company != 0;
        narrowed.then(|| Expr::col((Alias::new(alias), Alias::new("company"))).eq(self.company))
    }

    /// What a query asks of a record besides its company; the words only where they are meant too.
    pub(crate) fn asked(&self, based: &mut Based<'_, 'a>, query: &Query, words: bool) -> Result<Option<Expr>> {
        let plan = based.0.root;
        let mut parts = Vec::new();
        if !query.archived && !plan.def.append_only {
            parts.push(Expr::col((Alias::new("t"), Alias::new("archived"))).eq(0));
        }
        if let Some(rule) = self.who.and_then(|who| rule(self.schema, who, &plan.def, Right::Read)) {
            parts.push(based.0.ruled(&rule)?);
        }
        if let Some(filter) = &query.filter {
            parts.push(based.0.condition(filter)?);
        }
        if let Some(q) = query.words().filter(|_| words) {
            parts.push(self.words(based, q)?);
        }
        Ok(parts.into_iter().reduce(|a, b| a.and(b)))
    }

    fn narrowed(&self, based: &mut Based<'_, 'a>, query: &Query) -> Result<Expr> {
        let company = self.in_company(based.0.root, "t");
        let asked = self.asked(based, query, true)?;
        let all = company.into_iter().chain(asked).reduce(|a, b| a.and(b));
        Ok(all.unwrap_or_else(|| Expr::val(1).eq(1)))
    }

    /// Whether the words of all fields that take part in search may be seen.
    pub(crate) fn may_search(&self, plan: &Plan) -> Result<()> {
        let visible = self.who.is_none_or(|who| plan.fields.iter().filter(|f| f.searchable).all(|f| who.may_see(f)));
        if visible { Ok(()) } else { Err(Error::forbidden("q")) }
    }

    fn words(&self, based: &mut Based<'_, 'a>, q: &str) -> Result<Expr> {
        let plan = based.0.root;
        let words = lang::tokens(q);
        if plan.search && words.is_empty() {
            return Ok(Expr::val(1).eq(0));
        }
        if plan.search {
            let text = store::search_condition(self.dialect, &plan.table, "\"t\".\"id\"");
            self.may_search(plan)?;
            let matched = store::search_match(self.dialect, &words);
            return Ok(sql::custom(self.dialect, &text, [sql::val(&matched)]));
        }
        if plan.field(plan.def.title).is_some_and(|f| matches!(f.kind, Kind::Text)) {
            let filter = Filter::Is(plan.def.title.to_owned(), Op::Contains, Operand::Cell(Value::from(q)));
            return based.0.condition(&filter);
        }
        Ok(Expr::val(1).eq(0))
    }

    /// Compiles a query for rows: `id, rev, company, archived, cells, sort keys`.
    ///
    /// # Errors
    /// For fields that do not exist or may not be asked for.
    pub fn rows(&self, query: &Query) -> Result<Compiled> {
        query.ensure_size()?;
        let plan: &'a Plan = self.schema.plan(&query.entity)?;
        let mut based = self.base(plan)?;
        let mut condition = self.narrowed(&mut based, query)?;
        let mut keys = Vec::new();
        let (order, id_descending) = query.order();
        for (path, descending) in order {
            let place = based.0.place(path)?;
            keys.push((place.sort_column(), descending, !place.field.required || place.alias != "t"));
        }
        keys.push((Expr::col((Alias::new("t"), Alias::new("id"))), id_descending, false));
        if let Some(after) = &query.after {
            condition = condition.and(beyond(&keys, &cursor(after, keys.len())?));
        }
        let mut exprs = plan.row_exprs("t");
        exprs.extend(keys.iter().map(|(expr, ..)| expr.clone()));
        let mut select = based.finish(exprs, Some(condition));
        for (expr, descending, nullable) in &keys {
            let order = if *descending { Order::Desc } else { Order::Asc };
            if *nullable {
                select.order_by_expr_with_nulls(expr.clone(), order, NullOrdering::Last);
            } else {
                select.order_by_expr(expr.clone(), order);
            }
        }
        if query.limit > 0 {
            select.limit(query.limit as u64 + 1);
        }
        let (text, params) = sql::select(self.dialect, &select);
        Ok(Compiled { text, params, keys: keys.len() })
    }

    /// Compiles the count of a query's records.
    ///
    /// # Errors
    /// As [`Planner::rows`].
    pub fn count(&self, query: &Query) -> Result<(String, Vec<Value>)> {
        let plan: &'a Plan = self.schema.plan(&query.entity)?;
        let mut based = self.base(plan)?;
        let condition = self.narrowed(&mut based, query)?;
        let select = based.finish(vec![Expr::col((Alias::new("t"), Alias::new("id"))).count()], Some(condition));
        Ok(sql::select(self.dialect, &select))
    }

    /// Compiles a grouping.
    ///
    /// # Errors
    /// As [`Planner::rows`]; also for measures of fields that cannot be added up.
    pub fn groups(&self, query: &Query) -> Result<CompiledGroup> {
        query.ensure_size()?;
        let plan: &'a Plan = self.schema.plan(&query.entity)?;
        let mut based = self.base(plan)?;
        let condition = self.narrowed(&mut based, query)?;
        let (mut exprs, mut by, mut groups, mut measures) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut orders: Vec<(String, Expr)> = Vec::new();
        for name in &query.group {
            let (path, part) = name.split_once(':').map_or((name.as_str(), None), |(path, part)| (path, Some(part)));
            let place = based.0.place(path)?;
            let (expr, field) = match part {
                None => (place.column(""), place.field),
                Some(part) => {
                    let field = FieldDef { kind: Kind::Text, ..FieldDef::BASE };
                    (date_part(self.dialect, &place, part, self.zone)?, field)
                }
            };
            let (two, at) = (part.is_none() && field.cells() == 2, by.len());
            exprs.push(expr.clone());
            by.push(expr);
            if two {
                exprs.push(place.column(field.kind.suffix()));
                by.push(place.column(field.kind.suffix()));
            }
            // Texts come in the order of the language, where they have one.
            let text = part.is_none() && matches!(place.field.kind, Kind::Text);
            orders.push((name.clone(), if text { first_of(self.dialect, &place) } else { by[at].clone() }));
            groups.push((name.clone(), field));
        }
        let count = Expr::col((Alias::new("t"), Alias::new("id"))).count();
        orders.push(("count".to_owned(), count.clone()));
        exprs.push(count);
        for (measure, path) in &query.measures {
            let place = based.0.place(path)?;
            let numeric = matches!(place.field.kind, Kind::Int | Kind::Dec(_) | Kind::Money | Kind::Duration);
            let ordered = numeric || matches!(place.field.kind, Kind::Date | Kind::Timestamp);
            if !(numeric || (ordered && matches!(measure, Measure::Min | Measure::Max))) {
                return Err(Error::bad("no_sum").with("field", path.as_str()));
            }
            let column = place.column("");
            let computed = match measure {
                Measure::Sum | Measure::Average => column.clone().sum(),
                Measure::Min => column.clone().min(),
                Measure::Max => column.clone().max(),
            };
            orders.push((format!("{}_{path}", measure.name()), computed.clone()));
            exprs.push(computed);
            // How many had a value: for averages.
            exprs.push(column.count());
            if matches!(place.field.kind, Kind::Money) {
                // Amounts of different currencies are never added: each currency is a group of its own.
                exprs.push(place.column("_currency"));
                by.push(place.column("_currency"));
            }
            measures.push((format!("{}_{path}", measure.name()), *measure, place.field));
        }
        let mut select = based.finish(exprs, Some(condition));
        if !by.is_empty() {
            select.add_group_by(by.clone());
        }
        // Those asked for first; then as the groups are written, so that the order is one.
        let mut wanted = Vec::new();
        for (name, descending) in &query.sort {
            let found = orders.iter().find(|(known, _)| known == name);
            let (_, expr) = found.ok_or_else(|| crate::condition::no_field(name))?;
            wanted.push((expr.clone(), *descending));
        }
        let named = orders.iter().take(query.group.len()).map(|(_, expr)| (expr.clone(), false));
        for (expr, descending) in wanted.into_iter().chain(named).chain(by.into_iter().map(|expr| (expr, false))) {
            let order = if descending { Order::Desc } else { Order::Asc };
            select.order_by_expr_with_nulls(expr, order, NullOrdering::Last);
        }
        if query.limit > 0 {
            select.limit(query.limit as u64);
        }
        let (text, params) = sql::select(self.dialect, &select);
        Ok(CompiledGroup { text, params, groups, measures })
    }
}

/// The place of a group in the order of the language.
fn first_of(dialect: Dialect, place: &crate::condition::Place<'_>) -> Expr {
    let column = place.sort_column();
    // PostgreSQL does not compare bytes in aggregates; their digits have the same order.
    match dialect {
        Dialect::Postgres if place.plan.sort_column(&place.name) != place.plan.column(&place.name) => {
            sql::custom(dialect, "encode(?, 'hex')", [column]).min()
        }
        _ => column.min(),
    }
}
