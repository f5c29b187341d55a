//! Conditions that an index answers: each names a set of records in which everything is that the question asks for.

use sea_query::{Alias, Expr, ExprTrait, Query as Sea, SelectStatement, UnionType};
use store::{Conn, Dialect, Value};

use crate::{
    access::Right,
    approach::Finder,
    condition::Builder,
    error::Result,
    field::Kind,
    filter::{Filter, Op, Operand},
    plan::Plan,
    query::{Planner, rule},
    sql,
};

/// Most conditions whose indexes are asked.
const MOST: usize = 6;
/// Most records over which a path of references is followed backwards.
const INNER: usize = 1_000;
/// Most parts of an `or` that are followed.
const BRANCHES: usize = 20;

/// A set of records by an index, or by several.
pub(crate) enum Lead {
    /// By one, over those of another entity where it is a reference.
    One(Box<SelectStatement>, Option<Box<Lead>>),
    /// One of several.
    Any(Vec<Lead>),
}

/// Counts rows up to a number; one more where there are more.
pub(crate) fn at_most(conn: &mut dyn Conn, dialect: Dialect, mut rows: SelectStatement, most: usize) -> Result<usize> {
    rows.limit(most as u64 + 1);
    let mut select = Sea::select();
    select.expr(Expr::cust("COUNT(*)")).from_subquery(rows, Alias::new("n"));
    let (text, params) = sql::select(dialect, &select);
    let count = conn.int(&text, &params)?.unwrap_or(0);
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

impl Lead {
    /// The ids.
    pub(crate) fn ids(&self) -> SelectStatement {
        match self {
            Lead::One(select, _) => (**select).clone(),
            Lead::Any(all) => {
                let mut each = all.iter().map(Lead::ids);
                let mut first = each.next().unwrap_or_default();
                for other in each {
                    first.union(UnionType::Distinct, other);
                }
                first
            }
        }
    }

    /// How many there are, up to a number.
    pub(crate) fn probe(&self, conn: &mut dyn Conn, dialect: Dialect, most: usize) -> Result<usize> {
        match self {
            Lead::One(select, inner) => {
                if let Some(inner) = inner
                    && inner.probe(conn, dialect, INNER)? > INNER
                {
                    return Ok(most + 1);
                }
                at_most(conn, dialect, (**select).clone(), most)
            }
            Lead::Any(all) => {
                let mut sum = 0;
                for lead in all {
                    sum += lead.probe(conn, dialect, most)?;
                    if sum > most {
                        break;
                    }
                }
                Ok(sum.min(most + 1))
            }
        }
    }
}

/// Sooner asked where fewer are to be expected.
fn rank(op: Op) -> u8 {
    match op {
        Op::Eq | Op::Empty => 0,
        Op::In => 1,
        Op::Between => 2,
        _ => 3,
    }
}

impl Finder<'_, '_> {
    /// The conditions of the question, and of the rules of who asks, that an index answers.
    pub(crate) fn leads(&self) -> Result<Vec<Lead>> {
        let mut found = Vec::new();
        if let Some(filter) = &self.query.filter {
            leads(self.planner, self.plan, filter, 0, &mut found)?;
        }
        if let Some(rule) = self.planner.who.and_then(|who| rule(self.planner.schema, who, &self.plan.def, Right::Read))
        {
            leads(self.planner, self.plan, &rule, 0, &mut found)?;
        }
        found.sort_by_key(|(rank, _)| *rank);
        found.truncate(MOST);
        Ok(found.into_iter().map(|(_, lead)| lead).collect())
    }

    /// The records that have the words; nothing inside where no word can be looked for, nothing at all where the question has
    /// none or the entity no index of words.
    #[allow(clippy::option_option)]
    pub(crate) fn words(&self) -> Result<Option<Option<Lead>>> {
        let Some(q) = self.query.words().filter(|_| self.plan.search) else { return Ok(None) };
        self.planner.may_search(self.plan)?;
        let words = lang::tokens(q);
        if words.is_empty() {
            return Ok(Some(None));
        }
        let dialect = self.planner.dialect;
        let (table, _, condition) = store::search_parts(dialect, &self.plan.table);
        let matched = store::search_match(dialect, &words);
        let mut select = Sea::select();
        select.expr(self.search_id()).from(Alias::new(table));
        select.and_where(sql::custom(dialect, &condition, [sql::val(&matched)]));
        Ok(Some(Some(Lead::One(Box::new(select), None))))
    }

    /// The id in the index of words.
    pub(crate) fn search_id(&self) -> Expr {
        Expr::cust(store::search_parts(self.planner.dialect, &self.plan.table).1)
    }
}

fn leads(planner: &Planner<'_>, plan: &Plan, filter: &Filter, depth: usize, out: &mut Vec<(u8, Lead)>) -> Result<()> {
    match filter {
        Filter::And(parts) => {
            for part in parts {
                leads(planner, plan, part, depth, out)?;
            }
        }
        Filter::Or(parts) if !parts.is_empty() && parts.len() <= BRANCHES => {
            let mut any = Vec::with_capacity(parts.len());
            for part in parts {
                let mut each = Vec::new();
                leads(planner, plan, part, depth, &mut each)?;
                each.sort_by_key(|(rank, _)| *rank);
                let Some((_, best)) = each.into_iter().next() else { return Ok(()) };
                any.push(best);
            }
            out.push((2, Lead::Any(any)));
        }
        Filter::Is(name, op, operand) => out.extend(one(planner, plan, name, *op, operand, depth)?),
        // What is not so names no records.
        Filter::Or(_) | Filter::Not(_) => {}
    }
    Ok(())
}

fn one(
    planner: &Planner<'_>,
    plan: &Plan,
    name: &str,
    op: Op,
    operand: &Operand,
    depth: usize,
) -> Result<Option<(u8, Lead)>> {
    let negative = matches!(op, Op::Ne | Op::Contains | Op::Starts)
        || (op == Op::Empty
            && matches!(operand, Operand::Json(serde_json::Value::Bool(false)) | Operand::Cell(Value::Int(0))));
    if negative || depth > 5 {
        return Ok(None);
    }
    let Ok(plan) = planner.schema.plan(plan.def.name) else { return Ok(None) };
    let mut select = Sea::select();
    let id = Expr::col((Alias::new("c"), Alias::new("id")));
    select.expr(id).from_as(Alias::new(&plan.table), Alias::new("c"));
    let leading = |field: &str| {
        let column = plan.column(field)?;
        let all = plan.narrowing().filter(|(columns, scoped)| {
            columns.first().is_some_and(|c| c == column) && (!scoped || planner.company != 0)
        });
        all.map(|(_, scoped)| scoped).min()
    };
    // A path: the records that refer to those of the other entity.
    if let Some((base, rest)) = name.split_once('.')
        && let Some(Kind::Ref(to)) = plan.field(base).map(|f| f.kind)
    {
        // Nobody refers to something that is not there.
        if op == Op::Empty || matches!(operand, Operand::Json(serde_json::Value::Null)) {
            return Ok(None);
        }
        let Some(scoped) = leading(base) else { return Ok(None) };
        let to = planner.schema.plan(to)?;
        let Some((rank, inner)) = one(planner, to, rest, op, operand, depth + 1)? else { return Ok(None) };
        let column = Expr::col((Alias::new("c"), Alias::new(plan.column(base).unwrap_or(base))));
        select.and_where(column.in_subquery(inner.ids()));
        if scoped {
            select.and_where_option(planner.in_company(plan, "c"));
        }
        return Ok(Some((rank + 1, Lead::One(Box::new(select), Some(Box::new(inner))))));
    }
    let mut builder = Builder { planner, root: plan, alias: "c", joins: Vec::new(), free: true };
    if plan.def.many.iter().any(|m| m.name == name) {
        if op == Op::Empty {
            return Ok(None);
        }
        let condition = builder.condition(&Filter::Is(name.to_owned(), op, operand.clone()))?;
        select.and_where(condition);
        return Ok(Some((2, Lead::One(Box::new(select), None))));
    }
    let scoped = match name {
        "id" => Some(false),
        _ => leading(name.strip_suffix(".id").unwrap_or(name)),
    };
    let Some(scoped) = scoped else { return Ok(None) };
    select.and_where(builder.condition(&Filter::Is(name.to_owned(), op, operand.clone()))?);
    if scoped {
        select.and_where_option(planner.in_company(plan, "c"));
    }
    Ok(builder.joins.is_empty().then_some((rank(op), Lead::One(Box::new(select), None))))
}
