//! How a page of a list is found, however large the table is.
//!
//! 1. What is asked for has a condition that an index answers with few records: these are looked at, and put in order here.
//! 2. The order has an index: it is walked from where the last page ended, and each record on the way is asked. After so many
//!    the page ends, says that it is incomplete, and where to go on.
//! 3. Words: the newest records that have them, up to a limit, as in 1.
//! 4. The table is small: as in 1, with all of it.
//! 5. Otherwise the question is refused, with the orders and conditions that would help.
//!
//! Which of them it is depends on what the indexes are asked about this very question, never on statistics that may be old;
//! whichever it is, the rows and their order are the same.

use std::cmp::Ordering;

use sea_query::{Alias, Expr, ExprTrait, NullOrdering, Order, Query as Sea, SelectStatement};
use store::{Conn, Dialect, Value};

use crate::{
    condition::Based,
    cx::Cx,
    error::{Error, Result},
    field::Kind,
    leads::Lead,
    paging::{cursor, cursor_text},
    plan::Plan,
    query::{Planner, Query},
    rec::Row,
    sql,
};

/// How much may be looked at for one page.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most records that are met on the way along an index.
    pub scan: usize,
    /// Most records that are put in order for one page.
    pub few: usize,
}

impl Bounds {
    /// For lists that people look at.
    pub const LIST: Self = Self { scan: 25_000, few: 25_000 };
}

/// So few that nothing can be faster than to look at them.
const PROBE: usize = 1_000;
/// So many are met on the way before the indexes of the conditions are asked once more.
const PEEK: usize = 2_000;

/// A page of a list.
#[derive(Debug, Default)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Not all was looked at: there may be more, on the next page, or under narrower conditions where there is none.
    pub incomplete: bool,
}

/// One key of the order.
pub(crate) struct Key {
    expr: Expr,
    descending: bool,
    /// The text has no stored key of its language: it is made here.
    lingual: bool,
}

/// An index that has the records in the wanted order.
pub(crate) struct Way {
    /// It begins with the company.
    scoped: bool,
    /// Its first column may be empty.
    nullable: bool,
}

/// How far a walk has come.
#[derive(Default)]
struct Walk {
    /// Among those whose first key is empty, which come last.
    nulls: bool,
    position: Option<Vec<Value>>,
    found: Vec<Vec<Value>>,
    met: usize,
    over: bool,
}

/// A question on its way to rows.
pub(crate) struct Finder<'p, 'a> {
    pub planner: &'p Planner<'a>,
    pub plan: &'a Plan,
    pub query: &'p Query,
    pub bounds: Bounds,
}

fn id_of(alias: &str) -> Expr {
    Expr::col((Alias::new(alias), Alias::new("id")))
}

impl<'a> Finder<'_, 'a> {
    /// A condition from which no index can be chosen: that is decided here.
    fn fenced(&self, condition: Expr) -> Expr {
        match self.planner.dialect {
            Dialect::Sqlite => sql::custom(Dialect::Sqlite, "+(?)", [condition]),
            Dialect::Postgres => condition,
        }
    }

    fn keys(&self, based: &mut Based<'_, 'a>) -> Result<Vec<Key>> {
        let (order, id_descending) = self.query.order();
        let mut keys = Vec::with_capacity(order.len() + 1);
        for (path, descending) in order {
            let place = based.0.place(path)?;
            let column = place.plan.sort_column(&place.name).unwrap_or("id");
            // Codes with an index come as it has them.
            let lingual = matches!(place.field.kind, Kind::Text | Kind::LongText)
                && place.plan.column(&place.name) == Some(column)
                && !place.plan.narrowing().any(|(columns, _)| columns.first().is_some_and(|c| c == column));
            keys.push(Key { expr: place.sort_column(), descending, lingual });
        }
        keys.push(Key { expr: id_of("t"), descending: id_descending, lingual: false });
        Ok(keys)
    }

    /// The condition in full, the company among it unless the index begins with it.
    fn condition(&self, based: &mut Based<'_, 'a>, scoped: bool, words: bool) -> Result<Option<Expr>> {
        let company = if scoped { None } else { self.planner.in_company(self.plan, "t") };
        let asked = self.planner.asked(based, self.query, words)?;
        Ok(company.into_iter().chain(asked).reduce(|a, b| a.and(b)))
    }

    /// The index by which the order can be walked.
    fn way(&self) -> Option<Way> {
        let (order, id_descending) = self.query.order();
        if order.is_empty() {
            return Some(Way { scoped: false, nullable: false });
        }
        let mut columns = Vec::with_capacity(order.len());
        let mut nullable = false;
        for (path, descending) in &order {
            let field = self.plan.field(path)?;
            if *descending != id_descending {
                return None;
            }
            // What was added at run time may be empty in what was there before.
            nullable |= !field.required || field.custom;
            columns.push(self.plan.sort_column(path)?);
        }
        if nullable && columns.len() > 1 {
            return None;
        }
        let has = |index: &[String]| index.len() >= columns.len() && index.iter().zip(&columns).all(|(a, b)| a == b);
        let mut found = None;
        for (index, scoped) in self.plan.narrowing() {
            if has(index) && (!scoped || self.planner.company != 0) {
                found = Some(scoped);
                if scoped {
                    break;
                }
            }
        }
        found.map(|scoped| Way { scoped, nullable })
    }

    fn after(&self, keys: usize) -> Result<Option<Vec<Value>>> {
        self.query.after.as_deref().map(|text| cursor(text, keys)).transpose()
    }

    /// The keys of the page, and of one row more, from records that are few.
    fn few(&self, conn: &mut dyn Conn, ids: Option<SelectStatement>, words: bool) -> Result<Vec<Vec<Value>>> {
        let mut based = self.planner.base(self.plan)?;
        let condition = self.condition(&mut based, false, words)?;
        let keys = self.keys(&mut based)?;
        let condition = match (ids, condition) {
            (Some(ids), Some(condition)) => Some(id_of("t").in_subquery(ids).and(self.fenced(condition))),
            (Some(ids), None) => Some(id_of("t").in_subquery(ids)),
            (None, condition) => condition,
        };
        let select = based.finish(keys.iter().map(|k| k.expr.clone()).collect(), condition);
        let (text, params) = sql::select(self.planner.dialect, &select);
        let after = self.after(keys.len())?;
        let compare = |a: &Vec<Value>, b: &Vec<Value>| ordered(&keys, a, b);
        let most = self.query.limit + 1;
        let mut found: Vec<Vec<Value>> = Vec::new();
        conn.query(&text, &params, &mut |row| {
            let mut row = row.to_vec();
            for (cell, _) in row.iter_mut().zip(&keys).filter(|(_, key)| key.lingual) {
                if let Value::Text(text) = cell {
                    *cell = Value::Blob(lang::sort_key(text, self.planner.language));
                }
            }
            if after.as_ref().is_none_or(|after| compare(&row, after) == Ordering::Greater) {
                found.push(row);
                if found.len() >= most * 8 {
                    found.sort_unstable_by(compare);
                    found.truncate(most);
                }
            }
            Ok(true)
        })?;
        found.sort_unstable_by(compare);
        found.truncate(most);
        Ok(found)
    }

    /// Goes along the index until the page is full, the end is reached or so many records were met.
    fn walk(&self, conn: &mut dyn Conn, way: &Way, walk: &mut Walk, budget: usize) -> Result<()> {
        let mut size = (self.query.limit * 4).max(200);
        while !walk.over && walk.found.len() <= self.query.limit && walk.met < budget {
            self.stretch(conn, way, walk, size.min(budget - walk.met))?;
            size *= 8;
        }
        Ok(())
    }

    fn stretch(&self, conn: &mut dyn Conn, way: &Way, walk: &mut Walk, size: usize) -> Result<()> {
        let mut based = self.planner.base(self.plan)?;
        let condition = self.condition(&mut based, way.scoped, true)?;
        let keys = self.keys(&mut based)?;
        let hit = match condition {
            Some(condition) => sql::custom(self.planner.dialect, "CASE WHEN ? THEN 1 ELSE 0 END", [condition]),
            None => Expr::cust("1"),
        };
        let mut bounds = Vec::new();
        if way.scoped {
            bounds.extend(self.planner.in_company(self.plan, "t"));
        }
        let (first, last) = (&keys[0], &keys[keys.len() - 1]);
        if way.nullable {
            let first = first.expr.clone();
            bounds.push(if walk.nulls { first.is_null() } else { first.is_not_null() });
        }
        let ordered_by: Vec<&Key> = if walk.nulls { vec![last] } else { keys.iter().collect() };
        if let Some(position) = &walk.position
            && (!walk.nulls || position[0].is_null())
        {
            let place = position[position.len() - ordered_by.len()..].iter().map(sql::val);
            let here = Expr::tuple(ordered_by.iter().map(|k| k.expr.clone()));
            let (here, there) = match ordered_by.as_slice() {
                [one] => (one.expr.clone(), position.last().map_or_else(|| Expr::val(0), sql::val)),
                _ => (here, Expr::tuple(place)),
            };
            bounds.push(if last.descending { here.lt(there) } else { here.gt(there) });
        }
        let exprs = std::iter::once(hit).chain(keys.iter().map(|k| k.expr.clone())).collect();
        let mut select = based.finish(exprs, bounds.into_iter().reduce(|a, b| a.and(b)));
        for key in ordered_by {
            select.order_by_expr(key.expr.clone(), if key.descending { Order::Desc } else { Order::Asc });
        }
        select.limit(size as u64);
        let (text, params) = sql::select(self.planner.dialect, &select);
        let mut met = 0;
        conn.query(&text, &params, &mut |row| {
            met += 1;
            if row[0] == Value::Int(1) {
                walk.found.push(row[1..].to_vec());
                if walk.found.len() > self.query.limit {
                    return Ok(false);
                }
            }
            if met == size {
                walk.position = Some(row[1..].to_vec());
            }
            Ok(true)
        })?;
        walk.met += met;
        if met < size && walk.found.len() <= self.query.limit {
            walk.over = walk.nulls || !way.nullable;
            walk.nulls = true;
        }
        Ok(())
    }

    /// Whether all records of the table are few.
    fn small(&self, conn: &mut dyn Conn) -> Result<bool> {
        let mut all = Sea::select();
        all.expr(Expr::cust("1")).from_as(Alias::new(&self.plan.table), Alias::new("t"));
        if self.plan.narrowing().any(|(_, scoped)| scoped)
            && let Some(company) = self.planner.in_company(self.plan, "t")
        {
            all.and_where(company);
        }
        Ok(crate::leads::at_most(conn, self.planner.dialect, all, self.bounds.few)? <= self.bounds.few)
    }

    /// The ids among which everything is that was asked for, where they are at most so many; with how many they are.
    fn narrowest(&self, conn: &mut dyn Conn, leads: &[Lead], most: usize) -> Result<Option<SelectStatement>> {
        let mut best: Option<(usize, &Lead)> = None;
        for lead in leads {
            let count = lead.probe(conn, self.planner.dialect, most)?;
            if count <= most && best.as_ref().is_none_or(|(least, _)| count < *least) {
                best = Some((count, lead));
            }
            if count == 0 {
                break;
            }
        }
        Ok(best.map(|(_, lead)| lead.ids()))
    }

    fn page(&self, conn: &mut dyn Conn) -> Result<Page> {
        let (mut found, more, incomplete) = self.find(conn)?;
        let next = if found.len() > self.query.limit {
            found.truncate(self.query.limit);
            found.last().map(|keys| cursor_text(keys))
        } else {
            more.map(|keys| cursor_text(&keys))
        };
        let incomplete = incomplete && found.len() < self.query.limit;
        let ids: Vec<i64> = found.iter().filter_map(|keys| keys.last()?.as_int()).collect();
        Ok(Page { rows: self.fetch(conn, &ids)?, next, incomplete })
    }

    /// The keys of the page; where to go on when it is not full; whether not all was looked at.
    #[allow(clippy::type_complexity)]
    fn find(&self, conn: &mut dyn Conn) -> Result<(Vec<Vec<Value>>, Option<Vec<Value>>, bool)> {
        // Everything that is asked for is built once before anything is looked at: rights are part of it.
        let mut based = self.planner.base(self.plan)?;
        self.condition(&mut based, false, true)?;
        let keys = self.keys(&mut based)?.len();
        let leads = self.leads()?;
        if let Some(words) = self.words()? {
            let Some(words) = words else { return Ok(Default::default()) };
            if let Some(ids) = self.narrowest(conn, &leads, PROBE)? {
                return Ok((self.few(conn, Some(ids), true)?, None, false));
            }
            let all = words.probe(conn, self.planner.dialect, self.bounds.few)? <= self.bounds.few;
            let ids = if all { words.ids() } else { self.newest(words.ids()) };
            return Ok((self.few(conn, Some(ids), false)?, None, !all));
        }
        if let Some(ids) = self.narrowest(conn, &leads, PROBE.min(self.bounds.few))? {
            return Ok((self.few(conn, Some(ids), true)?, None, false));
        }
        let way = self.way();
        let position = self.after(keys)?;
        let nulls = way.as_ref().is_some_and(|w| w.nullable) && position.as_ref().is_some_and(|p| p[0].is_null());
        let mut walk = Walk { nulls, position, ..Walk::default() };
        let full = |walk: &Walk| walk.over || walk.found.len() > self.query.limit;
        if let Some(way) = &way {
            self.walk(
                conn,
                way,
                &mut walk,
                if leads.is_empty() { self.bounds.scan } else { PEEK.min(self.bounds.scan) },
            )?;
            if full(&walk) {
                return Ok((walk.found, None, false));
            }
        }
        if let Some(ids) = self.narrowest(conn, &leads, self.bounds.few)? {
            return Ok((self.few(conn, Some(ids), true)?, None, false));
        }
        if let Some(way) = &way {
            self.walk(conn, way, &mut walk, self.bounds.scan)?;
            let more = if full(&walk) { None } else { walk.position };
            return Ok((walk.found, more.clone(), more.is_some()));
        }
        if self.small(conn)? {
            return Ok((self.few(conn, None, true)?, None, false));
        }
        Err(self.too_wide())
    }

    /// The newest of too many.
    fn newest(&self, mut ids: SelectStatement) -> SelectStatement {
        ids.order_by_expr_with_nulls(self.search_id(), Order::Desc, NullOrdering::Last).limit(self.bounds.few as u64);
        if self.planner.dialect == Dialect::Sqlite {
            // The index of words has them in this order only when it is asked plainly.
            ids.clear_order_by().order_by_expr(self.search_id(), Order::Desc);
        }
        ids
    }

    /// The rows of these ids, in this order.
    fn fetch(&self, conn: &mut dyn Conn, ids: &[i64]) -> Result<Vec<Row>> {
        let mut rows = std::collections::HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(500) {
            let mut select = Sea::select();
            select.exprs(self.plan.row_exprs("t")).from_as(Alias::new(&self.plan.table), Alias::new("t"));
            select.and_where(id_of("t").is_in(chunk.iter().copied()));
            let (text, params) = sql::select(self.planner.dialect, &select);
            let mut problem = None;
            conn.query(&text, &params, &mut |values| {
                match Row::from_values(values) {
                    Ok(row) => drop(rows.insert(row.id, row)),
                    Err(error) => problem = Some(error),
                }
                Ok(true)
            })?;
            problem.map_or(Ok(()), Err)?;
        }
        Ok(ids.iter().filter_map(|id| rows.remove(id)).collect())
    }

    /// Says what would help: orders that have an index, fields whose values do.
    fn too_wide(&self) -> Error {
        let label = |name: &str| {
            let field = self.plan.field(name)?;
            let seen = self.planner.who.is_none_or(|who| who.may_see(field));
            let language = self.planner.who.map_or(self.planner.language, |who| who.language);
            seen.then(|| self.planner.schema.field_label(language, self.plan.def.name, field))
        };
        let (mut sorts, mut filters): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for field in &self.plan.fields {
            let leads = |column: Option<&str>| {
                self.plan.narrowing().any(|(columns, _)| columns.first().map(String::as_str) == column)
            };
            let (sorted, narrows) = (leads(self.plan.sort_column(field.name)), leads(self.plan.column(field.name)));
            if sorted && !matches!(field.kind, Kind::Ref(_) | Kind::AnyRef) {
                sorts.extend(label(field.name));
            }
            if narrows {
                filters.extend(label(field.name));
            }
        }
        sorts.truncate(6);
        filters.truncate(8);
        let list = |names: Vec<String>| if names.is_empty() { "–".to_owned() } else { names.join(", ") };
        Error::new(422, "query_too_wide").with("sorts", list(sorts)).with("filters", list(filters))
    }

    /// How many there are, exactly where few have to be looked at.
    fn counted(&self, conn: &mut dyn Conn) -> Result<Option<i64>> {
        let leads = self.leads()?;
        let (ids, words) = match self.words()? {
            Some(None) => return Ok(Some(0)),
            Some(Some(found)) => match self.narrowest(conn, &leads, PROBE)? {
                Some(ids) => (Some(ids), true),
                None => match self.narrowest(conn, std::slice::from_ref(&found), self.bounds.few)? {
                    Some(ids) => (Some(ids), false),
                    None => return Ok(None),
                },
            },
            None => match self.narrowest(conn, &leads, self.bounds.few)? {
                Some(ids) => (Some(ids), true),
                None if self.small(conn)? => (None, true),
                None => return Ok(None),
            },
        };
        let mut based = self.planner.base(self.plan)?;
        let condition = self.condition(&mut based, false, words)?;
        let condition = match (ids, condition) {
            (Some(ids), Some(condition)) => Some(id_of("t").in_subquery(ids).and(self.fenced(condition))),
            (Some(ids), None) => Some(id_of("t").in_subquery(ids)),
            (None, condition) => condition,
        };
        let select = based.finish(vec![Expr::cust("COUNT(*)")], condition);
        let (text, params) = sql::select(self.planner.dialect, &select);
        Ok(conn.int(&text, &params)?)
    }

    /// How many there may be: what a sample from all over the table says of the whole of it.
    fn estimated(&self, conn: &mut dyn Conn, total: i64) -> Result<i64> {
        const SAMPLES: i64 = 12;
        const EACH: u64 = 200;
        let table = store::quoted(&self.plan.table);
        let end = |conn: &mut dyn Conn, order: &str| {
            conn.int(&format!("SELECT id FROM {table} ORDER BY id {order} LIMIT 1"), &[])
        };
        let (Some(from), Some(to)) = (end(conn, "ASC")?, end(conn, "DESC")?) else { return Ok(0) };
        let (mut seen, mut hits) = (0, 0);
        for sample in 0..SAMPLES {
            let mut based = self.planner.base(self.plan)?;
            let condition = self.condition(&mut based, false, true)?.unwrap_or_else(|| Expr::val(1).eq(1));
            let hit = sql::custom(self.planner.dialect, "CASE WHEN ? THEN 1 ELSE 0 END", [condition]);
            let begin = from + (to - from) / SAMPLES * sample;
            let mut select = based.finish(vec![hit], Some(id_of("t").gte(begin)));
            select.order_by_expr(id_of("t"), Order::Asc).limit(EACH);
            let (text, params) = sql::select(self.planner.dialect, &select);
            conn.query(&text, &params, &mut |row| {
                seen += 1;
                hits += i64::from(row[0] == Value::Int(1));
                Ok(true)
            })?;
        }
        if seen == 0 {
            return Ok(0);
        }
        Ok(rounded(i64::try_from(i128::from(total) * i128::from(hits) / i128::from(seen)).unwrap_or(i64::MAX)))
    }
}

/// Two digits of a number: an estimate that looks exact would lie.
fn rounded(value: i64) -> i64 {
    let mut unit = 1;
    while value / unit >= 100 {
        unit *= 10;
    }
    (value + unit / 2) / unit * unit
}

/// The order of two rows by their keys; nothing comes last, whichever the direction.
fn ordered(keys: &[Key], a: &[Value], b: &[Value]) -> Ordering {
    for ((key, a), b) in keys.iter().zip(a).zip(b) {
        let one = match (a.is_null(), b.is_null()) {
            (false, false) if key.descending => b.cmp(a),
            (false, false) => a.cmp(b),
            (a, b) => a.cmp(&b),
        };
        if one != Ordering::Equal {
            return one;
        }
    }
    Ordering::Equal
}

/// How many records a question has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub value: i64,
    /// Counted, or estimated from a sample.
    pub exact: bool,
}

impl Cx<'_> {
    /// A page of a list within the query's bounds; see the module.
    ///
    /// # Errors
    /// As [`Cx::select`]; `query_too_wide` with what would help.
    pub fn page(&mut self, query: &Query, checked: bool) -> Result<Page> {
        let Some(bounds) = query.bounds.filter(|_| query.limit > 0) else {
            let (rows, next) = self.select(query, checked)?;
            return Ok(Page { rows, next, incomplete: false });
        };
        query.ensure_size()?;
        self.write_late(None)?;
        let (schema, who) = (self.schema.clone(), self.who.clone());
        let planner = self.planner(&schema, &who, checked);
        let finder = Finder { planner: &planner, plan: schema.plan(&query.entity)?, query, bounds };
        finder.page(self.conn)
    }

    /// How many records a query has: exactly where that is cheap, or where the query has no bounds.
    ///
    /// # Errors
    /// As [`Cx::select`].
    pub fn counted(&mut self, query: &Query, checked: bool) -> Result<Count> {
        let Some(bounds) = query.bounds else {
            return Ok(Count { value: self.count(query, checked)?, exact: true });
        };
        self.write_late(None)?;
        let (schema, who) = (self.schema.clone(), self.who.clone());
        let planner = self.planner(&schema, &who, checked);
        let plan = schema.plan(&query.entity)?;
        let finder = Finder { planner: &planner, plan, query, bounds };
        // Rights come first.
        finder.condition(&mut planner.base(plan)?, false, true)?;
        if let Some(value) = finder.counted(self.conn)? {
            return Ok(Count { value, exact: true });
        }
        let total = self.shared.sizes.of(&plan.table, self.conn)?;
        Ok(Count { value: finder.estimated(self.conn, total)?, exact: false })
    }
}
