//! Conditions of a query: paths of references become joins, filters become SQL.

use jiff::civil::Date;
use sea_query::{Alias, Expr, ExprTrait, LikeExpr, Query as Sea, SelectStatement};
use serde_json::Value as J;
use store::{Dialect, Value};

use crate::{
    access::Right,
    error::{Error, Result},
    eval::operand_cell,
    field::{FieldDef, Kind},
    filter::{Filter, Op, Operand},
    plan::Plan,
    query::{Planner, may, period, rule},
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
    pub joins: Vec<Join<'a>>,
}

pub(crate) fn no_field(name: &str) -> Error {
    Error::bad("no_field").with("field", name.chars().take(80).collect::<String>())
}

impl<'p, 'a> Builder<'p, 'a> {
    /// Finds the field that a path leads to, joining what lies on the way.
    pub(crate) fn place(&mut self, path: &str) -> Result<Place<'a>> {
        let segments: Vec<&str> = path.split('.').collect();
        if segments.len() > 6 {
            return Err(no_field(path));
        }
        let (mut plan, mut alias, mut walked) = (self.root, "t".to_owned(), String::new());
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
            if let Some(who) = self.planner.who
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
        if let Some(found) = self.joins.iter().find(|j| j.path == path) {
            return Ok(found.alias.clone());
        }
        let alias = format!("j{}", self.joins.len());
        let column = plan.column(field).unwrap_or(field).to_owned();
        let on = Expr::col((Alias::new(from), Alias::new(column))).equals((Alias::new(&alias), Alias::new("id")));
        self.joins.push(Join { path: path.to_owned(), alias: alias.clone(), plan: to, on, rule: None });
        if let Some(who) = self.planner.who {
            if !may(self.planner.schema, who, &to.def, Right::Read) {
                return Err(Error::forbidden(to.def.name));
            }
            if let Some(rule) = rule(self.planner.schema, who, &to.def, Right::Read) {
                // The rule of what is joined is asked in a query of its own: outside of it there is nothing to see.
                let inner = Planner { who: None, ..*self.planner };
                let mut ids = inner.base(to)?;
                let condition = ids.0.condition(&rule)?;
                let select = ids.finish(vec![Expr::col((Alias::new("t"), Alias::new("id")))], Some(condition));
                let at = self.joins.iter().position(|j| j.alias == alias);
                if let Some(join) = at.and_then(|i| self.joins.get_mut(i)) {
                    join.rule = Some(Expr::col((Alias::new(&alias), Alias::new("id"))).in_subquery(select));
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
    fn relation(&self, name: &str, op: Op, operand: &Operand) -> Result<Option<Expr>> {
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
        let has = Expr::col((Alias::new("t"), Alias::new("id"))).in_subquery(owners.take());
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
            return self.compare(column.clone(), column, None, &field, op, operand);
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
            return Ok(same.and(self.compare(place.column(""), place.column(""), None, &field, op, &cell)?));
        }
        let fold = place.plan.fold_column(&place.name).map(|c| Expr::col((Alias::new(&place.alias), Alias::new(c))));
        self.compare(place.column(""), place.sort_column(), fold, &place.field, op, operand)
    }

    fn compare(
        &self,
        column: Expr,
        _sorted: Expr,
        fold: Option<Expr>,
        field: &FieldDef,
        op: Op,
        operand: &Operand,
    ) -> Result<Expr> {
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
                        items.iter().map(|item| self.cell(field, item)).collect::<Result<Vec<_>>>()?
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
                if !matches!(field.kind, Kind::Text | Kind::LongText | Kind::Email | Kind::Phone) {
                    return Err(wrong());
                }
                let text = if fold.is_some() { lang::fold(text) } else { text.clone() };
                let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                let pattern = if op == Op::Contains { format!("%{escaped}%") } else { format!("{escaped}%") };
                return Ok(fold.unwrap_or(column).like(LikeExpr::new(pattern).escape('\\')));
            }
            _ => {}
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

    fn cell(&self, field: &FieldDef, json: &J) -> Result<Value> {
        if let J::String(text) = json {
            match text.as_str() {
                "@me" => return Ok(Value::Int(self.planner.me)),
                "@my_unit" => return Ok(self.planner.units.first().map_or(Value::Int(0), |u| Value::Int(*u))),
                _ => {}
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
        let Some((from, to)) = period(text, self.planner.today)? else { return Ok(None) };
        Ok(Some(match field.kind {
            Kind::Date => (Value::Text(from.to_string()), Value::Text(to.to_string())),
            _ => {
                let zone = self.planner.who.map_or(jiff::tz::TimeZone::UTC, |w| w.company.time_zone.clone());
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
        select.exprs(exprs).from_as(Alias::new(&self.0.root.table), Alias::new("t"));
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

pub(crate) fn date_part(dialect: Dialect, place: &Place<'_>, part: &str) -> Result<Expr> {
    let wrong = || {
        Error::bad("no_field").with("field", format!("{}:{}", place.name, part.chars().take(20).collect::<String>()))
    };
    let column = place.column("");
    let day = match (place.field.kind, dialect) {
        (Kind::Date, _) => column,
        (Kind::Timestamp, Dialect::Sqlite) => {
            sql::custom(dialect, "strftime('%Y-%m-%d', ? / 1000000, 'unixepoch')", [column])
        }
        (Kind::Timestamp, Dialect::Postgres) => {
            let text = "to_char(to_timestamp(? / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD')";
            sql::custom(dialect, text, [column])
        }
        _ => return Err(wrong()),
    };
    // The number stands in the text: a group has to be the same expression wherever it is written.
    let first = |n: i64| sql::custom(dialect, &format!("substr(?, 1, {n})"), [day.clone()]);
    Ok(match part {
        "year" => first(4),
        "month" => first(7),
        "day" => first(10),
        _ => return Err(wrong()),
    })
}
