//! What the director sees: money, receivables, stock, pipeline, and the slowest step.

use std::collections::HashMap;

use kernel::{Cx, Fields, Module, Money, Operation, Result, Run, Value, op};

/// The figures of the company, now.
#[derive(Operation)]
#[operation(name = "insight.overview", allow = "manager accounts", read)]
pub struct Overview {}

/// The figures.
#[derive(Fields)]
pub struct Figures {
    /// Money in the bank and in cash.
    pub bank: Money,
    /// What customers owe.
    pub receivables: Money,
    /// What of it is overdue.
    pub overdue: Money,
    /// What the stock is worth.
    pub stock_value: Money,
    /// What open deals may bring.
    pub pipeline: Money,
    /// Orders in progress.
    pub open_orders: i64,
    /// Tasks that wait.
    pub open_tasks: i64,
    /// The step of a process that takes longest on average.
    pub slowest_step: Option<String>,
    /// How many hours it takes.
    pub slowest_hours: Option<i64>,
}

impl Run for Overview {
    type Output = Figures;
    fn run(self, cx: &mut Cx<'_>) -> Result<Figures> {
        let (company, currency) = (cx.company().id, cx.company().currency);
        let today = kernel::day(cx.today());
        let id = || Value::Int(company);
        let money = |cx: &mut Cx<'_>, sql: &str, params: &[Value]| -> Result<Money> {
            Ok(Money::new(cx.conn().int(sql, params)?.unwrap_or(0), currency))
        };
        let bank = money(
            cx,
            "SELECT COALESCE(SUM(b.debit - b.credit), 0) FROM finance_balance b JOIN finance_account a ON a.id = b.account WHERE b.company = ? AND a.controlled_by = 'cash'",
            &[id()],
        )?;
        let receivables = money(
            cx,
            "SELECT COALESCE(SUM(residual), 0) FROM finance_open_item WHERE company = ? AND side = 'receivable' AND residual <> 0",
            &[id()],
        )?;
        let overdue = money(
            cx,
            "SELECT COALESCE(SUM(residual), 0) FROM finance_open_item WHERE company = ? AND side = 'receivable' AND residual > 0 AND due < ?",
            &[id(), today],
        )?;
        let stock_value =
            money(cx, "SELECT COALESCE(SUM(value), 0) FROM inventory_valuation WHERE company = ?", &[id()])?;
        let pipeline = money(
            cx,
            "SELECT COALESCE(SUM(amount), 0) FROM crm_deal WHERE company = ? AND state = 'open' AND archived = 0 AND amount_currency = ?",
            &[id(), currency.into()],
        )?;
        let open_orders = cx
            .conn()
            .int("SELECT COUNT(*) FROM sales_order WHERE company = ? AND state = 'confirmed'", &[id()])?
            .unwrap_or(0);
        let open_tasks = cx
            .conn()
            .int("SELECT COUNT(*) FROM process_task WHERE company = ? AND state IN ('open', 'claimed')", &[id()])?
            .unwrap_or(0);
        let slowest = slowest(cx, company)?;
        Ok(Figures {
            bank,
            receivables,
            overdue,
            stock_value,
            pipeline,
            open_orders,
            open_tasks,
            slowest_step: slowest.as_ref().map(|(element, _)| element.clone()),
            slowest_hours: slowest.map(|(_, hours)| hours),
        })
    }
}

/// The step that takes longest on average over the last 90 days, in whole hours.
fn slowest(cx: &mut Cx<'_>, company: i64) -> Result<Option<(String, i64)>> {
    const DAYS_90: i64 = 90 * 86_400 * 1_000_000;
    let since = cx.now().as_microsecond() - DAYS_90;
    let mut entered: HashMap<(i64, i64), i64> = HashMap::new();
    let mut sums: HashMap<String, (i128, i128)> = HashMap::new();
    cx.conn().query(
        "SELECT instance, token, element, how, at FROM process_step WHERE company = ? AND at >= ? ORDER BY at, id",
        &[Value::Int(company), Value::Int(since)],
        &mut |row| {
            let int = |i: usize| row.get(i).and_then(Value::as_int).unwrap_or(0);
            let key = (int(0), int(1));
            if row.get(3).and_then(Value::as_text) == Some("entered") {
                entered.insert(key, int(4));
            } else if let Some(start) = entered.remove(&key) {
                let one = sums.entry(row.get(2).and_then(Value::as_text).unwrap_or("").to_owned()).or_default();
                one.0 += i128::from(int(4) - start);
                one.1 += 1;
            }
            Ok(true)
        },
    )?;
    let averages = sums.into_iter().map(|(element, (sum, count))| (kernel::round_div(sum, count), element));
    Ok(averages.max().map(|(micros, element)| (element, i64::try_from(micros / 3_600_000_000).unwrap_or(0))))
}

/// What the module owns.
pub static MODULE: Module = Module {
    name: "insight",
    operations: &[op::<Overview>()],
    catalogues: &[("cs", include_str!("../i18n/cs.toml"))],
    ..Module::BASE
};
