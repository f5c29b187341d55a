//! Reading inside a transaction: records by id, by equality, by filter; counts and groups.

use store::Value;

use crate::{
    access::Principal,
    cx::Cx,
    def::Entity,
    error::{Error, Result},
    filter::Filter,
    memory::Question,
    plan::{Plan, Taking},
    query::{Planner, Query},
    rec::{Rec, Row},
    schema::Schema,
    value::{AnyRef, Id},
};

impl Cx<'_> {
    /// A row by entity and id, without rights: operations were checked before.
    ///
    /// # Errors
    /// 404 where there is none.
    pub fn row(&mut self, entity: &str, id: i64) -> Result<Row> {
        let plan = self.schema.plan(entity)?.clone();
        self.row_of(&plan, id)
    }

    pub(crate) fn row_of(&mut self, plan: &Plan, id: i64) -> Result<Row> {
        self.one_row(plan, id, self.holds(plan))
    }

    /// A row that is about to be changed: in a writing transaction nobody else changes it before that ends.
    pub(crate) fn held_row(&mut self, plan: &Plan, id: i64) -> Result<Row> {
        let hold = self.writable() && !plan.def.append_only;
        self.one_row(plan, id, hold)
    }

    pub(crate) fn one_row(&mut self, plan: &Plan, id: i64, hold: bool) -> Result<Row> {
        let known = if hold { self.remembered_held(plan, id) } else { self.remembered(plan, id) };
        let row = match known {
            Some(row) => row,
            None => {
                self.write_late(Some(plan.def.name))?;
                let version = self.steady_version(plan);
                let taking = self.memory.taking(plan, hold);
                let text = match taking {
                    Taking::Look => plan.select_one.clone(),
                    Taking::Wait => plan.hold_one.clone(),
                    Taking::AtOnce => plan.select_by(&["id"], taking),
                };
                let mut found = None;
                let read = self.conn.query(&text, &[Value::Int(id)], &mut |values| {
                    found = Some(Row::from_values(values));
                    Ok(false)
                });
                self.taken(taking, read, id)?;
                let row = found.ok_or_else(|| Error::not_found(plan.def.name, id))??;
                self.remember(plan, Question::id(id), std::slice::from_ref(&row), version);
                if hold {
                    self.memory.hold(plan, id);
                }
                row
            }
        };
        // Another company's record does not exist.
        if row.company != 0 && self.who.company.id != 0 && row.company != self.who.company.id {
            return Err(Error::not_found(plan.def.name, id));
        }
        Ok(row)
    }

    /// What became of reading rows: one that somebody holds while we must not wait lets the request run again.
    pub(crate) fn taken(&mut self, taking: Taking, read: store::Result<()>, id: i64) -> Result<()> {
        match read {
            Err(store::Error::Busy) if taking == Taking::AtOnce => Err(self.overtaken(id)),
            other => Ok(other?),
        }
    }

    /// Whether rows are held as soon as a writing transaction reads them: kept balances are read to be changed.
    pub(crate) fn holds(&self, plan: &Plan) -> bool {
        self.writable() && plan.def.kept
    }

    /// A record by id.
    ///
    /// # Errors
    /// 404 where there is none in this company.
    pub fn get<T: Entity>(&mut self, id: Id<T>) -> Result<Rec<T>> {
        Rec::from_row(self.row(T::NAME, id.raw())?)
    }

    /// A record by id that nobody else changes before the transaction ends. For records that many change at the same time:
    /// others are seen to have changed when they are saved, and then the request runs again.
    ///
    /// # Errors
    /// As [`Cx::get`].
    pub fn hold<T: Entity>(&mut self, id: Id<T>) -> Result<Rec<T>> {
        let plan = self.schema.plan(T::NAME)?.clone();
        Rec::from_row(self.held_row(&plan, id.raw())?)
    }

    /// Holds a name until the transaction ends: alone, or together with others who do not ask for it alone.
    ///
    /// # Errors
    /// `busy` where somebody holds it for too long.
    pub fn hold_name(&mut self, what: &str, id: i64, alone: bool) -> Result<()> {
        self.writing()?;
        Ok(self.conn.hold(what, id, alone)?)
    }

    /// The record that the operation works on, as the kernel loaded and checked it.
    ///
    /// # Errors
    /// As [`Cx::get`].
    pub fn target<T: Entity>(&mut self, id: Id<T>) -> Result<Rec<T>> {
        match self.target.take() {
            Some((entity, row)) if entity == T::NAME && row.id == id.raw() => Rec::from_row(row),
            other => {
                self.target = other;
                self.get(id)
            }
        }
    }

    /// Records by equality of fields, in the order of their ids. The fast way: its SQL text is kept per shape. Archived
    /// records are among them.
    ///
    /// # Errors
    /// For fields that do not exist.
    pub fn by<T: Entity>(&mut self, fields: &[(&str, Value)]) -> Result<Vec<Rec<T>>> {
        self.rows_by(T::NAME, fields)?.into_iter().map(Rec::from_row).collect()
    }

    /// The first record by equality of fields.
    ///
    /// # Errors
    /// As [`Cx::by`].
    pub fn first<T: Entity>(&mut self, fields: &[(&str, Value)]) -> Result<Option<Rec<T>>> {
        Ok(self.by(fields)?.into_iter().next())
    }

    /// Rows by equality of fields, in the order of their ids. A reference to any record compares by `source` (the id) and
    /// `source_entity`.
    ///
    /// # Errors
    /// For fields that do not exist.
    pub fn rows_by(&mut self, entity: &str, fields: &[(&str, Value)]) -> Result<Vec<Row>> {
        let plan = self.schema.plan(entity)?.clone();
        let mut columns = Vec::with_capacity(fields.len() + 1);
        let mut params = Vec::with_capacity(fields.len() + 1);
        for (name, value) in fields {
            let column = plan.column(name).or_else(|| plan.columns.iter().find(|c| c == name).map(String::as_str));
            columns.push(column.ok_or_else(|| Error::internal(format!("{entity} has no field {name}")))?);
            params.push(value.clone());
        }
        if !plan.def.shared && self.who.company.id != 0 {
            columns.push("company");
            params.push(Value::Int(self.who.company.id));
        }
        let hold = self.holds(&plan);
        let question = Question::new(&columns, &params);
        if let Some(rows) = self.answered(&plan, &question, hold) {
            return Ok(rows);
        }
        self.write_late(Some(plan.def.name))?;
        let version = self.steady_version(&plan);
        let taking = self.memory.taking(&plan, hold);
        let text = plan.select_by(&columns, taking);
        let mut rows = Vec::new();
        let read = self.conn.query(&text, &params, &mut |values| {
            rows.push(Row::from_values(values));
            Ok(true)
        });
        self.taken(taking, read, 0)?;
        let rows = rows.into_iter().collect::<Result<Vec<_>>>()?;
        self.remember(&plan, question, &rows, version);
        if hold {
            rows.iter().for_each(|row| self.memory.hold(&plan, row.id));
        }
        Ok(rows)
    }

    /// The lines of a record, in their order.
    ///
    /// # Errors
    /// As [`Cx::by`].
    pub fn lines<L: Entity>(&mut self, owner: impl Into<AnyRef>) -> Result<Vec<Rec<L>>> {
        let owner: AnyRef = owner.into();
        self.by(&[(L::def().owner, Value::Int(owner.id))])
    }

    pub(crate) fn planner<'a>(&self, schema: &'a Schema, who: &'a Principal, checked: bool) -> Planner<'a> {
        Planner {
            schema,
            who: checked.then_some(who),
            company: who.company.id,
            zone: &who.company.time_zone,
            language: who.company.language,
            me: who.user,
            units: &who.units,
            today: self.today(),
            dialect: self.conn.dialect(),
        }
    }

    /// Records by a filter, without rights (inside operations); archived ones are left out.
    ///
    /// # Errors
    /// For fields that do not exist.
    pub fn find<T: Entity>(&mut self, filter: Filter) -> Result<Vec<Rec<T>>> {
        let query = Query { entity: T::NAME.to_owned(), filter: Some(filter), ..Query::default() };
        self.select(&query, false)?.0.into_iter().map(Rec::from_row).collect()
    }

    /// The records of a query that who acts may read, typed.
    ///
    /// # Errors
    /// As [`Cx::select`].
    pub fn readable<T: Entity>(&mut self, query: &Query) -> Result<Vec<Rec<T>>> {
        self.select(query, true)?.0.into_iter().map(Rec::from_row).collect()
    }

    /// Runs a query; `checked` asks for the rights of who acts. Answers rows and the next cursor.
    ///
    /// # Errors
    /// For fields that do not exist or may not be asked for.
    pub fn select(&mut self, query: &Query, checked: bool) -> Result<(Vec<Row>, Option<String>)> {
        if query.bounds.is_some() && query.limit > 0 {
            let page = self.page(query, checked)?;
            return Ok((page.rows, page.next));
        }
        let (schema, who) = (self.schema.clone(), self.who.clone());
        let planner = self.planner(&schema, &who, checked);
        let compiled = planner.rows(query)?;
        self.write_late(None)?;
        let (mut rows, mut keys, mut more) = (Vec::new(), Vec::new(), false);
        self.conn.query(&compiled.text, &compiled.params, &mut |values| {
            // One row more than wanted tells that there is a next page.
            if query.limit > 0 && rows.len() == query.limit {
                more = true;
                return Ok(false);
            }
            let cut = values.len() - compiled.keys;
            keys = values[cut..].to_vec();
            rows.push(Row::from_values(&values[..cut]));
            Ok(true)
        })?;
        let rows = rows.into_iter().collect::<Result<Vec<_>>>()?;
        Ok((rows, more.then(|| crate::paging::cursor_text(&keys))))
    }

    /// Counts the records of a query.
    ///
    /// # Errors
    /// As [`Cx::select`].
    pub fn count(&mut self, query: &Query, checked: bool) -> Result<i64> {
        let (schema, who) = (self.schema.clone(), self.who.clone());
        let planner = self.planner(&schema, &who, checked);
        let (text, params) = planner.count(query)?;
        self.write_late(None)?;
        Ok(self.conn.int(&text, &params)?.unwrap_or(0))
    }

    /// Groups the records of a query: one JSON object a group.
    ///
    /// # Errors
    /// As [`Cx::select`].
    pub fn group(&mut self, query: &Query, checked: bool) -> Result<Vec<serde_json::Value>> {
        let (schema, who) = (self.schema.clone(), self.who.clone());
        let planner = self.planner(&schema, &who, checked);
        let compiled = planner.groups(query)?;
        self.write_late(None)?;
        let rows = self.conn.rows(&compiled.text, &compiled.params)?;
        rows.iter().map(|row| crate::grouped::row_json(&compiled, row)).collect()
    }

    /// As [`Cx::group`], with the titles of references that were grouped by, under `_titles`.
    ///
    /// # Errors
    /// As [`Cx::group`].
    pub fn group_titled(&mut self, query: &Query, checked: bool) -> Result<Vec<serde_json::Value>> {
        let mut rows = self.group(query, checked)?;
        let schema = self.schema.clone();
        for name in &query.group {
            let Some(to) = crate::grouped::leads_to(&schema, &query.entity, name) else { continue };
            let ids: Vec<i64> = rows.iter().filter_map(|row| row[name.as_str()].as_i64()).collect();
            let titles = self.titles(to, &ids, 1)?;
            for row in &mut rows {
                if let Some(title) = row[name.as_str()].as_i64().and_then(|id| titles.get(&id)) {
                    row["_titles"][name.as_str()] = serde_json::Value::from(title.as_str());
                }
            }
        }
        Ok(rows)
    }
}
