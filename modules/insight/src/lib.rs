//! What the director sees: money, receivables, stock, pipeline, and the slowest step. Each figure stands under the rights of
//! who asks.

use std::collections::HashMap;

use jiff::SignedDuration;
use kernel::{
    Cx, Entity, Error, Fields, Filter, Id, Json, Measure, Module, Money, Op, Operation, Query, Rec, Result, Right, Run,
    op, round_div,
};
use process::{Instance, Step, step_name};
use serde_json::{Value as J, json};

/// How many rows of the history of steps are looked at, the newest.
const STEPS: usize = 20_000;
/// How far the history of steps is looked at.
const DAYS: i64 = 90;

/// The figures of the company, now. Each is summed over what you may read; what you may not read is left out.
#[derive(Operation)]
#[operation(name = "insight.overview", allow = "*", read, area = "insight")]
pub struct Overview {}

/// The figures.
#[derive(Fields)]
pub struct Figures {
    /// Money in the bank and in cash.
    pub bank: Option<Money>,
    /// What customers owe.
    pub receivables: Option<Money>,
    /// What of it is overdue.
    pub overdue: Option<Money>,
    /// What the stock is worth.
    pub stock_value: Option<Money>,
    /// What open deals may bring.
    pub pipeline: Option<Money>,
    /// What open deals are worth by how likely they are won.
    pub expected: Option<Money>,
    /// Open deals for which nobody has said a next step.
    pub without_next_step: Option<i64>,
    /// Orders in progress.
    pub open_orders: Option<i64>,
    /// Tasks that wait.
    pub open_tasks: Option<i64>,
    /// The step of a process that takes longest on average, over the last 90 days; what still waits counts as it is.
    pub slowest_step: Option<String>,
    /// How many hours it takes.
    pub slowest_hours: Option<i64>,
    /// Where each figure leads: `[{"field", "entity", "filter"}]`, for what may be read.
    pub opens: Json,
}

impl Run for Overview {
    type Output = Figures;
    fn run(self, cx: &mut Cx<'_>) -> Result<Figures> {
        let today = kernel::day(cx.today());
        let owed = Filter::eq("side", "receivable").and(Filter::is("residual", Op::Ne, 0_i64));
        let late = owed.clone().and(Filter::is("due", Op::Lt, today));
        let open = Filter::eq("state", "open");
        let slowest = slowest(cx)?;
        Ok(Figures {
            bank: cash(cx)?,
            receivables: sum(cx, "finance.open_item", "residual", owed)?,
            overdue: sum(cx, "finance.open_item", "residual", late)?,
            stock_value: sum(cx, "inventory.valuation", "value", Filter::ALL)?,
            pipeline: sum(cx, "crm.deal", "amount", open.clone())?,
            expected: sum(cx, "crm.deal", "expected", open.clone())?,
            without_next_step: count(cx, "crm.deal", open.and(Filter::empty("next_step")))?,
            open_orders: count(cx, "sales.order", Filter::eq("state", "confirmed"))?,
            open_tasks: count(cx, "process.task", Filter::within("state", ["open", "claimed"]))?,
            slowest_step: slowest.as_ref().map(|(step, _)| step.clone()),
            slowest_hours: slowest.map(|(_, hours)| hours),
            opens: opens(cx),
        })
    }
}

/// The records behind each figure, as a list asks for them.
fn opens(cx: &Cx<'_>) -> Json {
    let owed = json!({"side": "receivable", "residual": {"ne": "0"}});
    let late = json!({"side": "receivable", "residual": {"ne": "0"}, "due": {"lt": "@today"}});
    let open = json!({"state": "open"});
    let ways = [
        ("bank", "finance.account", json!({"controlled_by": "cash"})),
        ("receivables", "finance.open_item", owed),
        ("overdue", "finance.open_item", late),
        ("stock_value", "inventory.valuation", json!({})),
        ("pipeline", "crm.deal", open.clone()),
        ("expected", "crm.deal", open),
        ("without_next_step", "crm.deal", json!({"state": "open", "next_step": {"empty": true}})),
        ("open_orders", "sales.order", json!({"state": "confirmed"})),
        ("open_tasks", "process.task", json!({"state": {"in": ["open", "claimed"]}})),
    ];
    let may = ways.into_iter().filter(|(_, entity, _)| allowed(cx, entity));
    Json(may.map(|(field, entity, filter)| json!({"field": field, "entity": entity, "filter": filter})).collect())
}

fn allowed(cx: &Cx<'_>, entity: &str) -> bool {
    cx.require(entity, Right::Read).is_ok()
}

/// The groups, by currency, of a field's sum over what who asks may read; nothing where that is none of the entity.
fn sums(cx: &mut Cx<'_>, entity: &str, field: &str, filter: Filter) -> Result<Option<Vec<J>>> {
    if !allowed(cx, entity) {
        return Ok(None);
    }
    let measures = vec![(Measure::Sum, field.to_owned())];
    cx.group(&Query { filter: Some(filter), measures, limit: 0, ..Query::of(entity) }, true).map(Some)
}

/// The sum of amounts in the company's currency. Those in other currencies are not added: nobody has said at which rate.
fn sum(cx: &mut Cx<'_>, entity: &str, field: &str, filter: Filter) -> Result<Option<Money>> {
    let currency = cx.company().currency;
    let Some(groups) = sums(cx, entity, field, filter)? else { return Ok(None) };
    let code = format!("sum_{field}_currency");
    let own = groups.iter().find(|group| group[&code] == currency.code());
    let text = own.and_then(|group| group[&format!("sum_{field}")].as_str()).unwrap_or("0");
    Ok(Some(Money::new(kernel::parse_decimal(text, currency.exponent())?, currency)))
}

/// Money in the bank and in cash, from the kept balances. Which accounts are money stands on the account: who may not read
/// accounts has no such figure.
fn cash(cx: &mut Cx<'_>) -> Result<Option<Money>> {
    if !allowed(cx, "finance.account") {
        return Ok(None);
    }
    let currency = cx.company().currency;
    let filter = Filter::eq("account.controlled_by", "cash").and(Filter::eq("currency", currency.code()));
    let mut minor = 0;
    for (field, sign) in [("debit", 1), ("credit", -1)] {
        let Some(groups) = sums(cx, "finance.balance", field, filter.clone())? else { return Ok(None) };
        let text = groups.first().and_then(|group| group[&format!("sum_{field}")].as_str()).unwrap_or("0");
        minor += sign * kernel::parse_decimal(text, 0)?;
    }
    Ok(Some(Money::new(minor, currency)))
}

fn count(cx: &mut Cx<'_>, entity: &str, filter: Filter) -> Result<Option<i64>> {
    if !allowed(cx, entity) {
        return Ok(None);
    }
    cx.count(&Query { filter: Some(filter), ..Query::of(entity) }, true).map(Some)
}

/// The step that takes longest on average, in whole hours, with the name that people know it by.
fn slowest(cx: &mut Cx<'_>) -> Result<Option<(String, i64)>> {
    if !allowed(cx, Step::NAME) {
        return Ok(None);
    }
    let now = cx.now();
    let since = now.checked_sub(SignedDuration::from_hours(24 * DAYS)).map_err(|e| Error::internal(e.to_string()))?;
    let filter = Filter::is("at", Op::Ge, since.as_microsecond());
    let query = Query { filter: Some(filter), limit: STEPS, ..Query::of(Step::NAME) }.sort_text("-id");
    let mut rows = cx.readable::<Step>(&query)?;
    rows.sort_by_key(|row| (row.at, row.id));
    let mut entered: HashMap<(Id<Instance>, i64), &Rec<Step>> = HashMap::new();
    let mut passes: Vec<(&Rec<Step>, jiff::Timestamp)> = Vec::new();
    for row in &rows {
        let key = (row.instance, row.token);
        if row.how == "entered" {
            entered.insert(key, row);
        } else if let Some(start) = entered.remove(&key) {
            passes.push((start, row.at));
        }
    }
    passes.extend(entered.into_values().map(|start| (start, now)));
    // By element: time, how often, an instance in which it was met.
    let mut sums: HashMap<&str, (i128, i128, Id<Instance>)> = HashMap::new();
    for (start, end) in passes {
        let micros = i128::from(end.as_microsecond() - start.at.as_microsecond());
        let one = sums.entry(&start.element).or_insert((0, 0, start.instance));
        *one = (one.0 + micros, one.1 + 1, start.instance);
    }
    let averages = sums.into_iter().map(|(element, (sum, times, instance))| (round_div(sum, times), element, instance));
    let Some((micros, element, instance)) = averages.max_by_key(|(micros, element, _)| (*micros, *element)) else {
        return Ok(None);
    };
    let hours = i64::try_from(round_div(micros, 3_600_000_000)).unwrap_or(i64::MAX);
    Ok(Some((step_name(cx, instance, element)?, hours)))
}

/// What the module owns.
pub static MODULE: Module = Module {
    name: "insight",
    operations: &[op::<Overview>()],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    ..Module::BASE
};
