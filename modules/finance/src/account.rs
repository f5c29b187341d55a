//! The chart of accounts, periods, journals and rates of VAT.

use jiff::civil::Date;
use kernel::{Country, Cx, Dec, Entity, Error, Id, Result, Value, choice, day, sys::Series};
use product::TaxClass;

choice!(
    /// Side of the balance sheet or of the result.
    AccountKind { Asset = "asset", Liability = "liability", Equity = "equity", Income = "income", Expense = "expense" }
);
choice!(
    /// The sub-ledger that controls an account: manual entries are refused there.
    Control { Stock = "stock", Receivable = "receivable", Payable = "payable", Cash = "cash", Tax = "tax", Points = "points" }
);

/// An account of the general ledger.
#[derive(Entity)]
#[entity(name = "finance.account", steady, plain, title = name, read = "accounts manager", write = "accounts", area = "money")]
pub struct Account {
    /// Number.
    #[field(unique, searchable, max = 20)]
    pub code: String,
    /// Name.
    #[field(searchable)]
    pub name: String,
    /// Czech name.
    pub name_cs: Option<String>,
    /// Kind.
    pub kind: AccountKind,
    /// Controlled by a sub-ledger.
    pub controlled_by: Option<Control>,
    /// What operations look it up by, such as `revenue`.
    #[field(unique, max = 40)]
    pub purpose: Option<String>,
}

/// A journal: what the entries of one kind of work stand in.
#[derive(Entity)]
#[entity(name = "finance.journal", steady, plain, title = name, read = "accounts manager", write = "accounts", area = "money")]
pub struct Journal {
    /// Code, as it stands at the entries.
    #[field(unique, max = 20)]
    pub code: String,
    /// Name.
    #[field(searchable)]
    pub name: String,
}

choice!(
    /// Whether a period takes postings.
    PeriodState { Open = "open" => "green", Closed = "closed" => "grey" }
);

/// An accounting period: a month.
#[derive(Entity)]
#[entity(name = "finance.period", plain, by_operation, title = name, status = state, read = "accounts manager", area = "money")]
pub struct Period {
    /// Year and month.
    #[field(unique, max = 7)]
    pub name: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// State.
    pub state: PeriodState,
    /// When it was closed; nothing was posted to it since.
    pub closed_at: Option<jiff::Timestamp>,
}

/// A rate of VAT of a class, in a country, for a time.
#[derive(Entity)]
#[entity(name = "finance.tax_rate", steady, plain, title = class, read = "*", write = "accounts", area = "money", indexed(country, class))]
pub struct TaxRate {
    /// Country.
    pub country: Country,
    /// Class.
    pub class: TaxClass,
    /// Percent.
    pub percent: Dec<2>,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Option<Date>,
}

/// The period of a day. The months of a year are opened together, at the first posting in it.
///
/// # Errors
/// `finance.period_closed`.
pub fn period_for(cx: &mut Cx<'_>, date: Date) -> Result<Id<Period>> {
    let name = format!("{:04}-{:02}", date.year(), date.month());
    if cx.writable() {
        hold_period(cx, date, false)?;
    }
    match cx.first::<Period>(&[("name", Value::from(name.as_str()))])? {
        Some(found) if found.state == PeriodState::Closed => {
            Err(Error::refused("finance.period_closed").with("period", name))
        }
        Some(found) => Ok(found.id),
        None => open_year(cx, date),
    }
}

/// Who posts to a period holds it together with others who post; who closes it waits for them, and they for him.
fn hold_period(cx: &mut Cx<'_>, date: Date, alone: bool) -> Result<()> {
    let company = cx.company().id;
    let month = i64::from(date.year()) * 12 + i64::from(date.month());
    cx.hold_name(&format!("finance.period {company}"), month, alone)
}

/// Opens the months of a day's year that are missing; answers the day's own.
fn open_year(cx: &mut Cx<'_>, date: Date) -> Result<Id<Period>> {
    let mut wanted = Id::new(0);
    for month in 1..=12 {
        let from = Date::new(date.year(), month, 1).map_err(|e| Error::internal(e.to_string()))?;
        let name = format!("{:04}-{month:02}", from.year());
        let id = match cx.first::<Period>(&[("name", Value::from(name.as_str()))])? {
            Some(found) => found.id,
            None => {
                let to = from.last_of_month();
                cx.insert(Period { name, from, to, state: PeriodState::Open, closed_at: None })?
            }
        };
        if month == date.month() {
            wanted = id;
        }
    }
    Ok(wanted)
}

/// The account for a purpose.
///
/// # Errors
/// `finance.no_account` where the chart has none.
pub fn account(cx: &mut Cx<'_>, purpose: &str) -> Result<Id<Account>> {
    cx.first::<Account>(&[("purpose", Value::from(purpose))])?
        .map(|a| a.id)
        .ok_or_else(|| Error::refused("finance.no_account").with("purpose", purpose.to_owned()))
}

/// The rate of VAT in the company's country on a day; zero for a company that does not pay VAT.
///
/// # Errors
/// `finance.no_tax_rate` where none is known.
pub fn tax_percent(cx: &mut Cx<'_>, class: TaxClass, date: Date) -> Result<Dec<2>> {
    if class == TaxClass::Zero || !platform::own(cx)?.vat_payer {
        return Ok(Dec::ZERO);
    }
    let country = cx.company().country.clone();
    let rates = cx.by::<TaxRate>(&[("country", Value::from(country.as_str())), ("class", class.into())])?;
    let found = rates.iter().find(|r| r.from <= date && r.to.is_none_or(|to| date <= to));
    found
        .map(|r| r.percent)
        .ok_or_else(|| Error::refused("finance.no_tax_rate").with("class", class.value()).with("date", date))
}

type Line = (&'static str, &'static str, &'static str, AccountKind, Option<Control>, &'static str);

/// Number in the Czech chart (decree 500/2002), number in the generic chart, names, kind, control, purpose.
const CHART: &[(&str, Line)] = {
    use AccountKind::{Asset, Equity, Expense, Income, Liability};
    use Control::{Cash, Payable, Receivable, Stock, Tax};
    &[
        ("311", ("1100", "Trade receivables", "Odběratelé", Asset, Some(Receivable), "receivable")),
        ("321", ("2000", "Trade payables", "Dodavatelé", Liability, Some(Payable), "payable")),
        ("132", ("1200", "Goods in stock", "Zboží na skladě", Asset, Some(Stock), "stock")),
        ("131", ("2010", "Goods received, not invoiced", "Pořízení zboží", Liability, None, "goods_received")),
        ("221", ("1010", "Bank", "Bankovní účty", Asset, Some(Cash), "bank")),
        ("211", ("1000", "Cash", "Pokladna", Asset, Some(Cash), "cash")),
        ("343", ("2200", "VAT payable", "DPH na výstupu", Liability, Some(Tax), "tax_out")),
        ("343100", ("1300", "VAT recoverable", "DPH na vstupu", Asset, Some(Tax), "tax_in")),
        ("504", ("5000", "Cost of goods sold", "Prodané zboží", Expense, None, "cost_of_goods")),
        ("604", ("4000", "Revenue", "Tržby za zboží a služby", Income, None, "revenue")),
        ("549", ("5400", "Stock written off", "Manka a škody", Expense, None, "write_off")),
        ("648", ("4900", "Stock found", "Přebytky zásob", Income, None, "found")),
        ("395", ("1900", "Clearing", "Vnitřní zúčtování", Asset, None, "clearing")),
        ("668", ("4920", "Rounding gains", "Ostatní finanční výnosy", Income, None, "rounding_gain")),
        ("546", ("5300", "Bad debt", "Odpis pohledávek", Expense, None, "bad_debt")),
        ("568", ("5900", "Rounding", "Zaokrouhlení", Expense, None, "rounding")),
        ("563", ("5910", "Exchange loss", "Kurzové ztráty", Expense, None, "exchange_loss")),
        ("663", ("4910", "Exchange gain", "Kurzové zisky", Income, None, "exchange_gain")),
        ("701", ("3000", "Opening balances", "Počáteční účet rozvažný", Equity, None, "opening")),
        ("411", ("3100", "Equity", "Základní kapitál", Equity, None, "equity")),
    ]
};

/// Rates of VAT: country, class, percent × 100, from, to. Czechia: Act 235/2004 Coll. §47 as amended; United Kingdom: VAT Act
/// 1994 s. 2.
const RATES: &[(&str, TaxClass, i64, &str, &str)] = &[
    ("CZ", TaxClass::Standard, 2_000, "2010-01-01", "2012-12-31"),
    ("CZ", TaxClass::Standard, 2_100, "2013-01-01", ""),
    ("CZ", TaxClass::Reduced, 1_000, "2010-01-01", "2011-12-31"),
    ("CZ", TaxClass::Reduced, 1_400, "2012-01-01", "2012-12-31"),
    ("CZ", TaxClass::Reduced, 1_500, "2013-01-01", "2023-12-31"),
    ("CZ", TaxClass::Reduced, 1_200, "2024-01-01", ""),
    ("GB", TaxClass::Standard, 1_750, "2010-01-01", "2011-01-03"),
    ("GB", TaxClass::Standard, 2_000, "2011-01-04", ""),
    ("GB", TaxClass::Reduced, 500, "2001-01-01", ""),
    ("SK", TaxClass::Standard, 2_000, "2011-01-01", "2024-12-31"),
    ("SK", TaxClass::Standard, 2_300, "2025-01-01", ""),
    ("DE", TaxClass::Standard, 1_900, "2007-01-01", ""),
    ("DE", TaxClass::Reduced, 700, "1983-07-01", ""),
];

/// Series of document numbers: code and pattern.
pub(crate) const SERIES: &[(&str, &str)] =
    &[("invoice", "FV{year}{n:5}"), ("credit_note", "OD{year}{n:5}"), ("payment", "PL{year}{n:5}")];

/// Journals: code, English and Czech name.
const JOURNALS: &[(&str, &str, &str)] = &[
    ("general", "General journal", "Vnitřní doklady"),
    ("sales", "Sales", "Vydané faktury"),
    ("bank", "Bank", "Banka"),
    ("cash", "Cash", "Pokladna"),
    ("stock", "Stock", "Sklad"),
];

/// Sets the books of a new company up.
pub(crate) fn found(cx: &mut Cx<'_>) -> Result<()> {
    let czech = cx.company().country == "CZ";
    let in_czech = cx.company().language == kernel::Language::Cs;
    for (code, (generic, name, name_cs, kind, controlled_by, purpose)) in CHART {
        cx.insert(Account {
            code: if czech { code } else { generic }.to_string(),
            name: if in_czech { name_cs } else { name }.to_string(),
            name_cs: Some((*name_cs).to_owned()),
            kind: *kind,
            controlled_by: *controlled_by,
            purpose: Some((*purpose).to_owned()),
        })?;
    }
    for (code, name, name_cs) in JOURNALS {
        let name = if in_czech { name_cs } else { name };
        cx.insert(Journal { code: (*code).to_owned(), name: (*name).to_owned() })?;
    }
    let parse = |text: &str| text.parse::<Date>().map_err(|e| Error::internal(e.to_string()));
    for (country, class, percent, from, to) in RATES {
        if *country == cx.company().country {
            cx.insert(TaxRate {
                country: Country((*country).to_owned()),
                class: *class,
                percent: Dec::from_raw(*percent),
                from: parse(from)?,
                to: if to.is_empty() { None } else { Some(parse(to)?) },
            })?;
        }
    }
    for (code, pattern) in SERIES {
        cx.insert(Series { code: (*code).to_owned(), pattern: (*pattern).to_owned(), per_year: true })?;
    }
    Ok(())
}

/// Opens a closed period again.
#[derive(kernel::Operation)]
#[operation(name = "finance.period.open", on = Period, when = [PeriodState::Closed], allow = "accounts", person_only, button = 2,
    inverse = "finance.period.close")]
pub struct OpenPeriod {
    /// The period.
    pub period: Id<Period>,
}
impl kernel::Run for OpenPeriod {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut period = cx.target(self.period)?;
        period.state = PeriodState::Open;
        period.closed_at = None;
        cx.save(&mut period)
    }
}

/// Closes a period: it takes no posting any more.
#[derive(kernel::Operation)]
#[operation(name = "finance.period.close", on = Period, when = [PeriodState::Open], allow = "accounts", person_only, button = 1,
    dangerous, inverse = "finance.period.open")]
pub struct ClosePeriod {
    /// The period.
    pub period: Id<Period>,
}
impl kernel::Run for ClosePeriod {
    type Output = ();
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        if self.period.is_none() {
            return Ok(());
        }
        let period = cx.get(self.period)?;
        if cx.writable() {
            hold_period(cx, period.from, true)?;
        }
        let drafts = cx.find::<crate::Invoice>(
            kernel::Filter::eq("state", "draft")
                .and(kernel::Filter::is("date", kernel::Op::Ge, day(period.from)))
                .and(kernel::Filter::is("date", kernel::Op::Le, day(period.to))),
        )?;
        if drafts.is_empty() { Ok(()) } else { Err(Error::refused("finance.drafts_left").with("n", drafts.len())) }
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut period = cx.target(self.period)?;
        period.state = PeriodState::Closed;
        period.closed_at = Some(cx.now());
        cx.save(&mut period)
    }
}
