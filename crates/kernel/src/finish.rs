//! The end of a request: listeners, hooks after operations, kept balances and legal numbers, in the order of locks (records,
//! quants, balances, numbers).

use std::collections::BTreeMap;

use store::Value;

use crate::{
    cx::{Balances, Cx, NumberAsked, NumberDrawn},
    def::Entity,
    error::{Error, Result},
    field::Kind,
    memory::{Rank, TOGETHER},
    value::{AnyRef, Id},
    write::constraint,
};

/// Most events and hooks of one request: beyond it something feeds itself.
const MAX_STEPS: usize = 10_000;

impl Cx<'_> {
    /// Asks for a number of a legal series. It is drawn by the kernel at the very end, so that a refused request leaves no
    /// gap and nobody waits for the counter longer than needed.
    ///
    /// # Errors
    /// Where the record has no such field.
    pub fn legal_number<T: Entity>(&mut self, id: Id<T>, field: &'static str, series: &str) -> Result<()> {
        let year = i64::from(self.today().year());
        self.legal_number_of(id, field, series, year)
    }

    /// As [`Cx::legal_number`], of the series' given year.
    ///
    /// # Errors
    /// As [`Cx::legal_number`].
    pub fn legal_number_of<T: Entity>(
        &mut self,
        id: Id<T>,
        field: &'static str,
        series: &str,
        year: i64,
    ) -> Result<()> {
        self.writing()?;
        let plan = self.schema.plan(T::NAME)?;
        plan.field(field).ok_or_else(|| Error::internal(format!("{} has no field {field}", T::NAME)))?;
        self.collected.numbers.push(NumberAsked {
            entity: T::NAME,
            id: id.raw(),
            field,
            series: series.to_owned(),
            year,
        });
        Ok(())
    }

    /// Adds to a kept balance: the row of entity `T` with these key fields (unique together, never empty) gets the
    /// increments. Written once, sorted, as the last writes of the transaction.
    ///
    /// # Errors
    /// `overflow`.
    pub fn post<T: Entity>(&mut self, key: &[(&'static str, Value)], add: &[(&'static str, i64)]) -> Result<()> {
        self.writing()?;
        let row = self.collected.balances.entry((T::NAME, key.to_vec())).or_default();
        for (field, value) in add {
            let sum = row.entry(field).or_default();
            *sum = sum.checked_add(*value).ok_or_else(|| Error::new(422, "overflow"))?;
        }
        Ok(())
    }

    /// What was collected for a kept balance and is not yet written.
    pub fn pending<T: Entity>(&self, key: &[(&'static str, Value)], field: &str) -> i64 {
        self.collected.balances.get(&(T::NAME, key.to_vec())).and_then(|row| row.get(field)).copied().unwrap_or(0)
    }

    /// Runs listeners and hooks until nothing is left, then writes what was collected.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.settle_events()?;
        if self.again {
            return Err(Error::new(409, "conflict"));
        }
        self.write_balances()?;
        self.draw_numbers()?;
        self.write_all_late()
    }

    /// Writes what was collected so far, in the company of who acts: for work that founds a company and goes on outside it.
    ///
    /// # Errors
    /// As [`Cx::finish`].
    pub fn finish_part(&mut self) -> Result<()> {
        self.finish()
    }

    /// Runs listeners and hooks until nothing is left. Balances and numbers still wait for the end: for work that does many
    /// things in one transaction, each of which goes on from what the one before set off.
    ///
    /// # Errors
    /// What a listener refuses.
    pub fn settle_events(&mut self) -> Result<()> {
        let schema = self.schema.clone();
        for _ in 0..MAX_STEPS {
            if let Some(happened) = self.collected.queue.pop_front() {
                for key in [happened.def.name, "*"] {
                    for listener in schema.listeners.get(key).into_iter().flatten() {
                        (listener.run)(&happened, self)?;
                    }
                }
            } else if let Some(done) = self.collected.done.pop_front() {
                for hook in schema.modules.iter().flat_map(|m| m.after) {
                    hook(&done, self)?;
                }
            } else {
                return Ok(());
            }
        }
        Err(Error::internal("events do not come to an end"))
    }

    fn write_balances(&mut self) -> Result<()> {
        let balances: Balances = std::mem::take(&mut self.collected.balances);
        let mut left = balances.into_iter().filter(|(_, add)| add.values().any(|value| *value != 0)).peekable();
        // They come sorted by entity and key: the order of locks.
        while let Some(((entity, key), _)) = left.peek() {
            let (entity, names) = (*entity, key.iter().map(|(name, _)| *name).collect::<Vec<_>>());
            let mut rows = Vec::new();
            while rows.len() < TOGETHER
                && let Some(row) =
                    left.next_if(|((e, key), _)| *e == entity && key.iter().map(|k| k.0).eq(names.iter().copied()))
            {
                rows.push(row);
            }
            self.add_balances(entity, &names, rows)?;
        }
        Ok(())
    }

    #[allow(clippy::type_complexity)]
    fn add_balances(
        &mut self,
        entity: &'static str,
        key: &[&'static str],
        rows: Vec<((&'static str, Vec<(&'static str, Value)>), BTreeMap<&'static str, i64>)>,
    ) -> Result<()> {
        let plan = self.schema.plan(entity)?.clone();
        let kept = plan.fields.iter().filter(|f| f.required && matches!(f.kind, Kind::Int | Kind::Dec(_)));
        let sums: Vec<&str> = kept.map(|f| f.name).filter(|name| !key.contains(name)).collect();
        let text = plan.add_many(key, &sums, rows.len());
        let mut params = Vec::new();
        for ((_, values), add) in rows {
            if let Some(stray) = add.keys().find(|field| !sums.contains(field)) {
                return Err(Error::internal(format!("{entity} keeps no {stray}")));
            }
            params.extend([Value::Int(self.new_id()?), Value::Int(1), Value::Int(0)]);
            if !plan.def.shared {
                params.push(Value::Int(self.who.company.id));
            }
            params.extend(values.into_iter().map(|(_, value)| value));
            params.extend(sums.iter().map(|sum| Value::Int(add.get(sum).copied().unwrap_or(0))));
        }
        self.write_behind(Some(entity))?;
        self.memory.reach(Rank::Balances);
        self.conn.execute(&text, &params).map_err(|error| constraint(&plan, error))?;
        self.memory.touched(&plan);
        Ok(())
    }

    /// Draws the next of a counter, which nobody else can until the transaction ends; nothing where there is none yet.
    fn count_on(&mut self, series: &str, year: i64) -> Result<Option<i64>> {
        let plan = self.schema.plan("sys.counter")?.clone();
        self.write_late(Some(plan.def.name))?;
        self.memory.reach(Rank::Counters);
        let params = [Value::from(series), Value::Int(year), Value::Int(self.who.company.id)];
        let text = "UPDATE sys_counter SET \"last\" = \"last\" + 1, rev = rev + 1 WHERE series = ? AND \"year\" = ? AND company = ? \
                    RETURNING \"last\"";
        let mut drawn = None;
        self.conn.query(text, &params, &mut |row| {
            drawn = row.first().and_then(Value::as_int);
            Ok(true)
        })?;
        self.memory.touched(&plan);
        Ok(drawn)
    }

    fn draw_numbers(&mut self) -> Result<()> {
        let mut asked = std::mem::take(&mut self.collected.numbers);
        asked.sort_by(|a, b| (&a.series, a.year).cmp(&(&b.series, b.year)));
        for ask in asked {
            self.draw_number(&ask)?;
        }
        Ok(())
    }

    fn draw_number(&mut self, ask: &NumberAsked) -> Result<()> {
        let series = self
            .first::<crate::sys::Series>(&[("code", Value::from(ask.series.as_str()))])?
            .ok_or_else(|| Error::refused("no_series").with("series", ask.series.as_str()))?;
        let year = if series.per_year { ask.year } else { 0 };
        let n = match self.count_on(&ask.series, year)? {
            Some(n) => n,
            None => {
                let first = self.insert(crate::sys::Counter { series: ask.series.clone(), year, last: 1 });
                self.or_again(first)?;
                1
            }
        };
        let number = fill_pattern(&series.pattern, ask.year, n);
        self.insert(crate::sys::Number {
            series: ask.series.clone(),
            year,
            n,
            entity: ask.entity.to_owned(),
            record: ask.id,
        })?;
        let plan = self.schema.plan(ask.entity)?.clone();
        let old = self.held_row(&plan, ask.id)?;
        let mut cells = old.cells.clone();
        plan.set(ask.field, &mut cells, Value::from(number.as_str()));
        if let Some(entry) = plan.entry {
            (entry.numbered)(&mut cells, ask.field, &number)?;
        }
        self.update_row(&plan, &old, &cells)?;
        self.drawn.push(NumberDrawn { record: AnyRef::new(ask.entity, ask.id), field: ask.field, number });
        Ok(())
    }
}

/// Fills `{year}`, `{yy}` and `{n:WIDTH}` of a series' pattern.
pub fn fill_pattern(pattern: &str, year: i64, n: i64) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let Some(close) = rest[open..].find('}') else { break };
        let name = &rest[open + 1..open + close];
        match name.split_once(':').map_or((name, 0), |(name, width)| (name, width.parse().unwrap_or(0))) {
            ("year", _) => out.push_str(&year.to_string()),
            ("yy", _) => out.push_str(&format!("{:02}", year % 100)),
            ("n", width) => out.push_str(&format!("{n:0width$}", width = std::cmp::min(width, 12))),
            _ => {}
        }
        rest = &rest[open + close + 1..];
    }
    out.push_str(rest);
    out
}
