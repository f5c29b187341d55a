//! Conditions of a query: paths of references become joins, filters become SQL.

use jiff::civil::Date;
use sea_query::{Alias, Expr, ExprTrait, LikeExpr, Query as Sea, SelectStatement};
use serde_json::Value as J;
use store::{Dialect, Value};

use crate::{
    access::{Principal, Right},
    error::{Error, Result},
    eval::operand_cell,
    field::{FieldDef, Kind},
    filter::{Filter, Op, Operand},
    period::{day, period},
    plan::Plan,
    query::{Planner, may, rule},
    sql,
};

pub(crate) struct Join<'a> {
    path: String,
    alias: String,
    plan: &'a Plan,
    on: Expr,
    rule: Option<Expr>,
}

/// A field reached by a path.
pub(crate) struct Place<'a> {
    pub alias: String,
    pub plan: &'a Plan,
    pub name: String,
    pub field: FieldDef,
}

impl Place<'_> {
    pub(crate) fn column(&self, suffix: &str) -> Expr {
        let column = self.plan.column(&self.name).unwrap_or("id");
        Expr::col((Alias::new(&self.alias), Alias::new(format!("{column}{suffix}"))))
    }
    pub(crate) fn sort_column(&self) -> Expr {
        let column = self.plan.sort_column(&self.name).unwrap_or("id");
        Expr::col((Alias::new(&self.alias), Alias::new(column)))
    }
}

const FIELD_ID: FieldDef = FieldDef { name: "id", kind: Kind::Int, required: true, ..FieldDef::BASE };
const FIELD_ARCHIVED: FieldDef = FieldDef { name: "archived", kind: Kind::Bool, required: true, ..FieldDef::BASE };

pub(crate) struct Builder<'p, 'a> {
    pub planner: &'p Planner<'a>,
    pub root: &'a Plan,
    /// Alias of the root.
    pub alias: &'static str,
    pub joins: Vec<Join<'a>>,
    /// Nobody's rights are asked: what is built is a rule itself.
    pub free: bool,
}

/// Longest text that is looked for inside others.
const MAX_PATTERN: usize = 2_000;

pub(crate) fn no_field(name: &str) -> Error {
    Error::bad("no_field").with("field", name.chars().take(80).collect::<String>())
}

impl<'p, 'a> Builder<'p, 'a> {
    /// A condition that may use fields which the person may not ask for: a record rule.
    pub(crate) fn ruled(&mut self, filter: &Filter) -> Result<Expr> {
        let before = std::mem::replace(&mut self.free, true);
        let built = self.condition(filter);
        self.free = before;
        built
    }

    /// Whose rights hold.
    fn who(&self) -> Option<&'a Principal> {
        if self.free { None } else { self.planner.who }
    }

    /// Finds the field that a path leads to, joining what lies on the way.
    pub(crate) fn place(&mut self, path: &str) -> Result<Place<'a>> {
        let segments: Vec<&str> = path.split('.').collect();
        if segments.len() > 6 {
            return Err(no_field(path));
        }
        let (mut plan, mut alias, mut walked) = (self.root, self.alias.to_owned(), String::new());
        for (i, segment) in segments.iter().enumerate() {
            let last = i + 1 == segments.len();
            match *segment {
                "id" if last => {
                    return Ok(Place { alias, plan, name: "id".to_owned(), field: FIELD_ID });
                }
                "company" if last && !plan.def.shared => {
                    return Ok(Place { alias, plan, name: "company".to_owned(), field: FIELD_ID });
                }
                "archived" if last && !plan.def.append_only => {
                    return Ok(Place { alias, plan, name: "archived".to_owned(), field: FIELD_ARCHIVED });
                }
                _ => {}
            }
            let field = *plan.field(segment).ok_or_else(|| no_field(path))?;
            if let Some(who) = self.who()
                && !who.may_see(&field)
            {
                return Err(Error::forbidden(path));
            }
            if last {
                return Ok(Place { alias, plan, name: (*segment).to_owned(), field });
            }
            let Kind::Ref(to) = field.kind else { return Err(no_field(path)) };
            let next: &'a Plan = self.planner.schema.plan(to)?;
            if !walked.is_empty() {
                walked.push('.');
            }
            walked.push_str(segment);
            alias = self.join(&walked, &alias, plan, segment, next)?;
            plan = next;
        }
        Err(no_field(path))
    }

    fn join(&mut self, path: &str, from: &str, plan: &Plan, field: &str, to: &'a Plan) -> Result<String> {
        // What a rule looks at is never shared with what the person asks for: there other rules hold on the way.
        let path = if self.free { format!("~{path}") } else { path.to_owned() };
        if let Some(found) = self.joins.iter().find(|j| j.path == path) {
            return Ok(found.alias.clone());
        }
        let alias = format!("{}j{}", self.alias, self.joins.len());
        let column = plan.column(field).unwrap_or(field).to_owned();
        let on = Expr::col((Alias::new(from), Alias::new(column))).equals((Alias::new(&alias), Alias::new("id")));
        self.joins.push(Join { path, alias: alias.clone(), plan: to, on, rule: None });
        if let Some(who) = self.who() {
            if !may(self.planner.schema, who, &to.def, Right::Read) {
                return Err(Error::forbidden(to.def.name));
            }
            if let Some(rule) = rule(self.planner.schema, who, &to.def, Right::Read) {
                // The rule of what is joined is asked of each row that is met: outside of it there is nothing to see.
                let mut inner =
                    Based(Builder { planner: self.planner, root: to, alias: "r", joins: Vec::new(), free: true });
                let same =
                    Expr::col((Alias::new("r"), Alias::new("id"))).equals((Alias::new(&alias), Alias::new("id")));
                let condition = inner.0.condition(&rule)?.and(same);
                let select = inner.finish(vec![Expr::cust("1")], Some(condition));
                if let Some(join) = self.joins.iter_mut().find(|j| j.alias == alias) {
                    join.rule = Some(Expr::exists(select));
                }
            }
        }
        Ok(alias)
    }

    pub(crate) fn condition(&mut self, filter: &Filter) -> Result<Expr> {
        Ok(match filter {
            Filter::And(parts) => {
                let mut all: Option<Expr> = None;
                for part in parts {
                    let one = self.condition(part)?;
                    all = Some(match all {
                        Some(before) => before.and(one),
                        None => one,
                    });
                }
                all.unwrap_or_else(|| Expr::val(1).eq(1))
            }
            Filter::Or(parts) => {
                let mut all: Option<Expr> = None;
                for part in parts {
                    let one = self.condition(part)?;
                    all = Some(match all {
                        Some(before) => before.or(one),
                        None => one,
                    });
                }
                all.unwrap_or_else(|| Expr::val(1).eq(0))
            }
            Filter::Not(inner) => self.condition(inner)?.not(),
            Filter::Is(name, op, operand) => self.comparison(name, *op, operand)?,
        })
    }

    /// A many-to-many relation of the root: has one of these.
    pub(crate) fn relation(&self, name: &str, op: Op, operand: &Operand) -> Result<Option<Expr>> {
        let Some(many) = self.root.def.many.iter().find(|m| m.name == name) else { return Ok(None) };
        let field = FieldDef { name: many.name, kind: Kind::Ref(many.to), ..FieldDef::BASE };
        let mut ids = Vec::new();
        match operand {
            Operand::Json(J::Array(items)) => {
                for item in items {
                    ids.push(operand_cell(&field, item)?);
                }
            }
            Operand::Json(one) => ids.push(operand_cell(&field, one)?),
            Operand::Cell(one) => ids.push(one.clone()),
            Operand::Cells(all) => ids.extend(all.iter().cloned()),
            Operand::Field(_) => return Err(no_field(name)),
        }
        let mut owners = Sea::select();
        owners.column(Alias::new("owner")).from(Alias::new(format!("{}_{name}", self.root.table)));
        let empty = op == Op::Empty;
        if !empty {
            owners.and_where(Expr::col(Alias::new("other")).is_in(ids.iter().map(sql::bound)));
        }
        let has = Expr::col((Alias::new(self.alias), Alias::new("id"))).in_subquery(owners.take());
        Ok(Some(if empty || op == Op::Ne { has.not() } else { has }))
    }

    fn comparison(&mut self, name: &str, op: Op, operand: &Operand) -> Result<Expr> {
        if let Some(expr) = self.relation(name, op, operand)? {
            return Ok(expr);
        }
        // `source.entity` and `source.id` of a reference to any record.
        if let Some((base, part @ ("entity" | "id"))) = name.rsplit_once('.')
            && let Ok(place) = self.place(base)
            && matches!(place.field.kind, Kind::AnyRef)
        {
            let field = FieldDef { kind: if part == "id" { Kind::Int } else { Kind::Text }, ..place.field };
            let column = place.column(if part == "id" { "" } else { "_entity" });
            return self.compare(column, None, &field, op, operand);
        }
        let place = self.place(name)?;
        if let (Kind::AnyRef, Op::Eq, Operand::Json(J::Object(map))) = (place.field.kind, op, operand) {
            let id = map.get("id").and_then(J::as_i64).ok_or_else(|| no_field(name))?;
            let entity = map.get("entity").and_then(J::as_str).ok_or_else(|| no_field(name))?;
            return Ok(place.column("").eq(id).and(place.column("_entity").eq(entity)));
        }
        if let (Kind::Money, Operand::Json(J::Object(map))) = (place.field.kind, operand)
            && let Some(code) = map.get("currency").and_then(J::as_str)
        {
            let currency = crate::value::Currency::parse(code)?;
            let amount = map.get("amount").cloned().unwrap_or(J::Null);
            let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
            let minor = crate::value::parse_decimal(&text, currency.exponent())?;
            let same = place.column("_currency").eq(code);
            let field = FieldDef { kind: Kind::Int, ..place.field };
            let cell = Operand::Cell(Value::Int(minor));
            let amount = self.compare(place.column(""), None, &field, op, &cell)?;
            // An amount of another currency is another one.
            return Ok(if op == Op::Ne { amount.or(place.column("_currency").ne(code)) } else { same.and(amount) });
        }
        let fold = place.plan.fold_column(&place.name).map(|c| Expr::col((Alias::new(&place.alias), Alias::new(c))));
        self.compare(place.column(""), fold, &place.field, op, operand)
    }

    fn compare(&self, column: Expr, fold: Option<Expr>, field: &FieldDef, op: Op, operand: &Operand) -> Result<Expr> {
        let wrong = || Error::bad("filter").with("what", field.name);
        match op {
            Op::Empty => {
                let not = matches!(operand, Operand::Json(J::Bool(false)) | Operand::Cell(Value::Int(0)));
                return Ok(if not { column.is_not_null() } else { column.is_null() });
            }
            Op::In => {
                let cells = match operand {
                    Operand::Cells(cells) => cells.clone(),
                    Operand::Json(J::Array(items)) if items.len() <= 1_000 => {
                        if let Some(any) = self.any_period(field, &column, items)? {
                            return Ok(any);
                        }
                        self.cells(field, items)?
                    }
                    _ => return Err(wrong()),
                };
                return Ok(column.is_in(cells.iter().map(sql::bound)));
            }
            Op::Between => {
                let (from, to) = match operand {
                    Operand::Cells(cells) => match cells.as_slice() {
                        [from, to] => (from.clone(), to.clone()),
                        _ => return Err(wrong()),
                    },
                    Operand::Json(J::Array(items)) => match items.as_slice() {
                        [from, to] => (self.cell(field, from)?, self.edge(field, to)?),
                        _ => return Err(wrong()),
                    },
                    _ => return Err(wrong()),
                };
                return Ok(column.clone().gte(sql::val(&from)).and(column.lte(sql::val(&to))));
            }
            Op::Contains | Op::Starts => {
                let text = match operand {
                    Operand::Json(J::String(text)) | Operand::Cell(Value::Text(text)) => text,
                    _ => return Err(wrong()),
                };
                let texts = matches!(field.kind, Kind::Text | Kind::LongText | Kind::Email | Kind::Phone);
                if !texts || text.len() > MAX_PATTERN {
                    return Err(wrong());
                }
                // What takes part in search has a folded form; elsewhere the case of plain letters does not matter.
                let text = if fold.is_some() { lang::fold(text) } else { text.to_ascii_lowercase() };
                let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                let pattern = if op == Op::Contains { format!("%{escaped}%") } else { format!("{escaped}%") };
                let column = fold.unwrap_or_else(|| plain_lower(self.planner.dialect, column));
                return Ok(column.like(LikeExpr::new(pattern).escape('\\')));
            }
            _ => {}
        }
        // A person may belong to several units.
        if matches!(operand, Operand::Json(J::String(text)) if text == "@my_unit") {
            let units = column.clone().is_in(self.planner.units.iter().copied());
            return match op {
                Op::Eq => Ok(units),
                Op::Ne => Ok(units.not().or(column.is_null())),
                _ => Err(wrong()),
            };
        }
        // A period such as @month or 2010-12 is a range.
        if let Operand::Json(J::String(text)) = operand
            && let Some((from, to)) = self.period(field, text)?
        {
            return Ok(match op {
                Op::Eq => column.clone().gte(sql::val(&from)).and(column.lte(sql::val(&to))),
                Op::Ne => column.clone().lt(sql::val(&from)).or(column.clone().gt(sql::val(&to))).or(column.is_null()),
                Op::Lt => column.lt(sql::val(&from)),
                Op::Ge => column.gte(sql::val(&from)),
                Op::Le => column.lte(sql::val(&to)),
                _ => column.gt(sql::val(&to)),
            });
        }
        let cell = match operand {
            Operand::Cell(cell) => cell.clone(),
            Operand::Json(json) => self.cell(field, json)?,
            _ => return Err(wrong()),
        };
        if cell.is_null() {
            return Ok(match op {
                Op::Eq => column.is_null(),
                Op::Ne => column.is_not_null(),
                _ => return Err(wrong()),
            });
        }
        let value = sql::val(&cell);
        Ok(match op {
            Op::Eq => column.eq(value),
            Op::Ne => column.clone().ne(value).or(column.is_null()),
            Op::Lt => column.lt(value),
            Op::Le => column.lte(value),
            Op::Gt => column.gt(value),
            _ => column.gte(value),
        })
    }

    /// A list in which there are periods: one of the ranges.
    fn any_period(&self, field: &FieldDef, column: &Expr, items: &[J]) -> Result<Option<Expr>> {
        let periods = |item: &J| item.as_str().map_or(Ok(None), |text| self.period(field, text));
        let mut found = false;
        for item in items {
            found |= periods(item)?.is_some();
        }
        if !found {
            return Ok(None);
        }
        let mut any = Expr::val(1).eq(0);
        for item in items {
            let one = Operand::Json(item.clone());
            any = any.or(self.compare(column.clone(), None, field, Op::Eq, &one)?);
        }
        Ok(Some(any))
    }

    fn cells(&self, field: &FieldDef, items: &[J]) -> Result<Vec<Value>> {
        let mut cells = Vec::with_capacity(items.len());
        for item in items {
            if item.as_str() == Some("@my_unit") {
                cells.extend(self.planner.units.iter().map(|unit| Value::Int(*unit)));
            } else {
                cells.push(self.cell(field, item)?);
            }
        }
        Ok(cells)
    }

    fn cell(&self, field: &FieldDef, json: &J) -> Result<Value> {
        if let J::String(text) = json {
            if text == "@me" {
                return Ok(Value::Int(self.planner.me));
            }
            if let Some((from, _)) = self.period(field, text)? {
                return Ok(from);
            }
        }
        operand_cell(field, json)
    }

    fn edge(&self, field: &FieldDef, json: &J) -> Result<Value> {
        if let J::String(text) = json
            && let Some((_, to)) = self.period(field, text)?
        {
            return Ok(to);
        }
        self.cell(field, json)
    }

    /// The range of a relative or partial date, as cells of the field.
    fn period(&self, field: &FieldDef, text: &str) -> Result<Option<(Value, Value)>> {
        if !matches!(field.kind, Kind::Date | Kind::Timestamp) {
            return Ok(None);
        }
        let found = match (period(text, self.planner.today)?, field.kind) {
            // A day of a field of moments is all of that day.
            (None, Kind::Timestamp) => day(text).map(|day| (day, day)),
            (found, _) => found,
        };
        let Some((from, to)) = found else { return Ok(None) };
        Ok(Some(match field.kind {
            Kind::Date => (Value::Text(from.to_string()), Value::Text(to.to_string())),
            _ => {
                let zone = self.planner.zone;
                let micros = |day: Date| {
                    day.to_zoned_datetime(zone.clone())
                        .map(|z| z.timestamp().as_microsecond())
                        .map_err(|_| Error::bad("filter").with("what", text))
                };
                let next = to.tomorrow().map_err(|_| Error::bad("filter").with("what", text))?;
                (Value::Int(micros(from)?), Value::Int(micros(next)? - 1))
            }
        }))
    }
}

pub(crate) struct Based<'p, 'a>(pub Builder<'p, 'a>);

impl Based<'_, '_> {
    pub(crate) fn finish(self, exprs: Vec<Expr>, condition: Option<Expr>) -> SelectStatement {
        let mut select = Sea::select();
        select.exprs(exprs).from_as(Alias::new(&self.0.root.table), Alias::new(self.0.alias));
        for join in self.0.joins {
            let on = match join.rule {
                Some(rule) => join.on.and(rule),
                None => join.on,
            };
            select.join_as(sea_query::JoinType::LeftJoin, Alias::new(&join.plan.table), Alias::new(&join.alias), on);
        }
        if let Some(condition) = condition {
            select.and_where(condition);
        }
        select
    }
}

/// A text with its plain letters in lower case, the same on both databases.
fn plain_lower(dialect: Dialect, column: Expr) -> Expr {
    match dialect {
        Dialect::Sqlite => sql::custom(dialect, "lower(?)", [column]),
        // The order of bytes knows no other letters than the plain ones.
        Dialect::Postgres => sql::custom(dialect, "lower(? COLLATE \"C\")", [column]),
    }
}
