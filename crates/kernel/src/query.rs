//! From a query to SQL: filters over reference paths, keyset paging, grouping, full text. Rights and record rules are part of
//! the text, so that no surface can ask around them.

use jiff::civil::Date;
use sea_query::{Alias, Expr, ExprTrait, NullOrdering, Order};
use store::{Dialect, Value};

use crate::{
    access::{Principal, Right},
    condition::{Based, Builder, date_part},
    def::EntityDef,
    error::{Error, Result},
    field::{FieldDef, Kind},
    filter::{Filter, Op, Operand},
    paging::{beyond, cursor},
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

/// The days of `@today`, `@week`, `@month-1`, `@year`, `2010-12` or `2010`.
///
/// # Errors
/// `filter` for a relative date that is not understood.
pub fn period(text: &str, today: Date) -> Result<Option<(Date, Date)>> {
    use jiff::ToSpan;
    let wrong = || Error::bad("filter").with("what", text.chars().take(40).collect::<String>());
    let month = |day: Date| (day.first_of_month(), day.last_of_month());
    if let Some(rest) = text.strip_prefix('@') {
        let at = rest.find(['+', '-']).unwrap_or(rest.len());
        let (unit, shift) = rest.split_at(at);
        let n: i64 = if shift.is_empty() { 0 } else { shift.parse().map_err(|_| wrong())? };
        if n.abs() > 10_000 {
            return Err(wrong());
        }
        let shifted = |span: jiff::Span| today.checked_add(span).map_err(|_| wrong());
        return Ok(Some(match unit {
            "today" => {
                let day = shifted(n.days())?;
                (day, day)
            }
            "week" => {
                let day = shifted(n.weeks())?;
                let back = i64::from(day.weekday().to_monday_zero_offset());
                let monday = day.checked_sub(back.days()).map_err(|_| wrong())?;
                (monday, monday.checked_add(6.days()).map_err(|_| wrong())?)
            }
            "month" => month(shifted(n.months())?),
            "quarter" => {
                let day = shifted((3 * n).months())?;
                let first = Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).map_err(|_| wrong())?;
                (first, first.checked_add(2.months()).map_err(|_| wrong())?.last_of_month())
            }
            "year" => {
                let day = shifted(n.years())?;
                (day.first_of_year(), day.last_of_year())
            }
            "me" | "my_unit" => return Ok(None),
            _ => return Err(wrong()),
        }));
    }
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if text.len() == 7 && text.as_bytes()[4] == b'-' && digits(&text[..4]) && digits(&text[5..]) {
        let first: Date = format!("{text}-01").parse().map_err(|_| wrong())?;
        return Ok(Some(month(first)));
    }
    if text.len() == 4 && digits(text) {
        let first: Date = format!("{text}-01-01").parse().map_err(|_| wrong())?;
        return Ok(Some((first, first.last_of_year())));
    }
    Ok(None)
}

impl<'a> Planner<'a> {
    pub(crate) fn base<'p>(&'p self, plan: &'a Plan) -> Result<Based<'p, 'a>> {
        if let Some(who) = self.who
            && !may(self.schema, who, &plan.def, Right::Read)
        {
            return Err(Error::forbidden(plan.def.name));
        }
        Ok(Based(Builder { planner: self, root: plan, joins: Vec::new() }))
    }

    fn narrowed(&self, based: &mut Based<'_, 'a>, query: &Query) -> Result<Expr> {
        let plan = based.0.root;
        let mut parts = Vec::new();
        if !plan.def.shared && self.company != 0 {
            parts.push(Expr::col((Alias::new("t"), Alias::new("company"))).eq(self.company));
        }
        if !query.archived && !plan.def.append_only {
            parts.push(Expr::col((Alias::new("t"), Alias::new("archived"))).eq(0));
        }
        if let Some(rule) = self.who.and_then(|who| rule(self.schema, who, &plan.def, Right::Read)) {
            // A rule may use fields that the person may not ask for.
            let free = Planner { who: None, ..*self };
            let mut inner = free.base(plan)?;
            let condition = inner.0.condition(&rule)?;
            let ids = inner.finish(vec![Expr::col((Alias::new("t"), Alias::new("id")))], Some(condition));
            parts.push(Expr::col((Alias::new("t"), Alias::new("id"))).in_subquery(ids));
        }
        if let Some(filter) = &query.filter {
            parts.push(based.0.condition(filter)?);
        }
        if let Some(q) = query.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
            parts.push(self.words(based, q)?);
        }
        let mut all = parts.into_iter();
        let first = all.next().unwrap_or_else(|| Expr::val(1).eq(1));
        Ok(all.fold(first, |a, b| a.and(b)))
    }

    fn words(&self, based: &mut Based<'_, 'a>, q: &str) -> Result<Expr> {
        let plan = based.0.root;
        let words = lang::tokens(q);
        if plan.search && words.is_empty() {
            return Ok(Expr::val(1).eq(0));
        }
        if plan.search {
            let text = store::search_condition(self.dialect, &plan.table, "\"t\".\"id\"");
            let visible =
                self.who.is_none_or(|who| plan.fields.iter().filter(|f| f.searchable).all(|f| who.may_see(f)));
            if !visible {
                return Err(Error::forbidden("q"));
            }
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
        let plan: &'a Plan = self.schema.plan(&query.entity)?;
        let mut based = self.base(plan)?;
        let mut condition = self.narrowed(&mut based, query)?;
        let mut keys = Vec::new();
        for (path, descending) in query.sort.iter().filter(|(path, _)| path != "id") {
            let place = based.0.place(path)?;
            keys.push((place.sort_column(), *descending, !place.field.required || place.alias != "t"));
        }
        let id_descending = query.sort.iter().find(|(p, _)| p == "id").map_or_else(
            || query.sort.last().is_some_and(|(_, descending)| *descending),
            |(_, descending)| *descending,
        );
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
        let plan: &'a Plan = self.schema.plan(&query.entity)?;
        let mut based = self.base(plan)?;
        let condition = self.narrowed(&mut based, query)?;
        let (mut exprs, mut by, mut groups, mut measures) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for name in &query.group {
            let (path, part) = name.split_once(':').map_or((name.as_str(), None), |(path, part)| (path, Some(part)));
            let place = based.0.place(path)?;
            let (expr, field) = match part {
                None => (place.column(""), place.field),
                Some(part) => (date_part(self.dialect, &place, part)?, FieldDef { kind: Kind::Text, ..FieldDef::BASE }),
            };
            let two = part.is_none() && field.cells() == 2;
            exprs.push(expr.clone());
            by.push(expr);
            if two {
                exprs.push(place.column(field.kind.suffix()));
                by.push(place.column(field.kind.suffix()));
            }
            groups.push((name.clone(), field));
        }
        exprs.push(Expr::col((Alias::new("t"), Alias::new("id"))).count());
        for (measure, path) in &query.measures {
            let place = based.0.place(path)?;
            let numeric = matches!(place.field.kind, Kind::Int | Kind::Dec(_) | Kind::Money | Kind::Duration);
            let ordered = numeric || matches!(place.field.kind, Kind::Date | Kind::Timestamp);
            if !(numeric || (ordered && matches!(measure, Measure::Min | Measure::Max))) {
                return Err(Error::bad("no_sum").with("field", path.as_str()));
            }
            let column = place.column("");
            exprs.push(match measure {
                Measure::Sum | Measure::Average => column.clone().sum(),
                Measure::Min => column.clone().min(),
                Measure::Max => column.clone().max(),
            });
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
        for expr in by {
            select.order_by_expr_with_nulls(expr, Order::Asc, NullOrdering::Last);
        }
        if query.limit > 0 {
            select.limit(query.limit as u64);
        }
        let (text, params) = sql::select(self.dialect, &select);
        Ok(CompiledGroup { text, params, groups, measures })
    }
}
