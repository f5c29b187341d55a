//! Journal entries: append-only, balanced, with open items and kept balances in the same transaction.

use jiff::civil::Date;
use kernel::{
    AnyRef, Currency, Cx, Dec, Entity, Error, Fields, Id, Money, Operation, PrincipalKind, Result, Run, Value,
};
use party::Party;

use crate::account::{Account, Control, Period, account, period_for};
use crate::item::{OpenItem, Side};

/// A journal entry: its lines balance.
#[derive(Entity)]
#[entity(name = "finance.entry", plural = "Entries", plain, append_only, title = description, read = "accounts manager", area = "money",
    indexed(source, source_entity), lines(lines = "finance.entry_line.entry"))]
pub struct Entry {
    /// Code of the journal: `sales`, `bank`, `cash`, `stock`, `general`, or one of the company's own.
    #[field(max = 20)]
    pub journal: String,
    /// When it takes effect.
    #[field(indexed)]
    pub date: Date,
    /// The period that it was posted to.
    pub period: Id<Period>,
    /// What it is about.
    pub description: String,
    /// The document that it comes from.
    pub source: Option<AnyRef>,
    /// The entry that it reverses.
    #[field(indexed)]
    pub reverses: Option<Id<Entry>>,
    /// When it was posted.
    pub posted_at: jiff::Timestamp,
}

/// A line of an entry: debit positive, credit negative.
#[derive(Entity)]
#[entity(name = "finance.entry_line", plain, append_only, title = account, read = "accounts manager", owner = entry)]
pub struct EntryLine {
    /// The entry.
    pub entry: Id<Entry>,
    /// The account.
    #[field(indexed)]
    pub account: Id<Account>,
    /// The party, on accounts of receivables and payables.
    pub party: Option<Id<Party>>,
    /// Amount in the company's currency.
    pub amount: Money,
    /// Amount in the document's currency.
    pub document: Money,
    /// The open item that it made.
    pub item: Option<Id<OpenItem>>,
    /// Rate of VAT, on accounts of tax.
    pub tax_percent: Option<Dec<2>>,
}

/// Movements of an account in a period: kept, and proved from the lines.
#[derive(Entity)]
#[entity(name = "finance.balance", plain, by_operation, kept, title = account, read = "accounts manager",
    unique(account, period, currency))]
pub struct Balance {
    /// The account.
    pub account: Id<Account>,
    /// The period.
    pub period: Id<Period>,
    /// Currency of the books.
    #[field(max = 3)]
    pub currency: Currency,
    /// Debits, in minor units.
    pub debit: i64,
    /// Credits, in minor units.
    pub credit: i64,
}

/// A line to be posted.
#[derive(Clone, Debug)]
pub struct PostLine {
    /// The account.
    pub account: Id<Account>,
    /// The party; needed on accounts of receivables and payables.
    pub party: Option<Id<Party>>,
    /// Debit positive, credit negative.
    pub amount: Money,
    /// When an open item is due.
    pub due: Option<Date>,
    /// Rate of VAT.
    pub tax_percent: Option<Dec<2>>,
}

impl PostLine {
    /// A line without party and due date.
    pub fn new(account: Id<Account>, amount: Money) -> Self {
        Self { account, party: None, amount, due: None, tax_percent: None }
    }
}

/// An entry to be posted.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// Journal.
    pub journal: &'static str,
    /// When it takes effect.
    pub date: Date,
    /// What it is about.
    pub description: String,
    /// The document that it comes from.
    pub source: Option<AnyRef>,
    /// The entry that it reverses.
    pub reverses: Option<Id<Entry>>,
    /// The lines; those of amount zero are left out.
    pub lines: Vec<PostLine>,
}

/// What was posted.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The entry.
    pub entry: Id<Entry>,
    /// Open items that it made, in the order of their lines.
    pub items: Vec<Id<OpenItem>>,
}

/// Posts an entry for a module: balances, the period, sub-ledger keys and open items are seen to here.
///
/// # Errors
/// `finance.unbalanced`, `finance.period_closed`, `finance.currency`, `finance.no_party`, `finance.nothing_to_post`.
pub fn post(cx: &mut Cx<'_>, new: NewEntry) -> Result<Posted> {
    let journal = new.journal;
    post_in(cx, journal, new)
}

fn post_in(cx: &mut Cx<'_>, journal: &str, new: NewEntry) -> Result<Posted> {
    let currency = cx.company().currency;
    let lines: Vec<PostLine> = new.lines.into_iter().filter(|l| !l.amount.is_zero()).collect();
    if lines.is_empty() {
        return Err(Error::refused("finance.nothing_to_post"));
    }
    let mut sum = Money::zero(currency);
    for line in &lines {
        if line.amount.currency != currency {
            return Err(Error::refused("finance.currency").with("currency", line.amount.currency.code()));
        }
        sum = sum.plus(line.amount)?;
    }
    if !sum.is_zero() {
        return Err(Error::refused("finance.unbalanced").with("difference", sum));
    }
    let period = period_for(cx, new.date)?;
    let posted_at = cx.now();
    let entry = cx.insert(Entry {
        journal: journal.to_owned(),
        date: new.date,
        period,
        description: new.description,
        source: new.source,
        reverses: new.reverses,
        posted_at,
    })?;
    let mut items = Vec::new();
    for line in lines {
        let side = match cx.get(line.account)?.controlled_by {
            Some(Control::Receivable) => Some(Side::Receivable),
            Some(Control::Payable) => Some(Side::Payable),
            _ => None,
        };
        let mut item = None;
        if let Some(side) = side {
            let party = line.party.ok_or_else(|| Error::refused("finance.no_party"))?;
            let made = cx.insert(OpenItem {
                party,
                account: line.account,
                source: new.source,
                due: line.due.unwrap_or(new.date),
                amount: line.amount,
                residual: line.amount,
                side,
                entry,
            })?;
            items.push(made);
            item = Some(made);
        }
        let minor = line.amount.minor;
        let key = [("account", Value::from(line.account)), ("period", period.into()), ("currency", currency.into())];
        let side = if minor >= 0 { ("debit", minor) } else { ("credit", minor.saturating_neg()) };
        cx.post::<Balance>(&key, &[side])?;
        cx.insert(EntryLine {
            entry,
            account: line.account,
            party: line.party,
            amount: line.amount,
            document: line.amount,
            item,
            tax_percent: line.tax_percent,
        })?;
    }
    Ok(Posted { entry, items })
}

/// A line of a manual entry.
#[derive(Fields)]
pub struct ManualLine {
    /// The account.
    pub account: Id<Account>,
    /// Debit positive, credit negative.
    pub amount: Money,
}

/// Posts a manual entry. Accounts that a sub-ledger controls are refused.
#[derive(Operation)]
#[operation(name = "finance.entry.post", allow = "accounts", button = 2, inverse = "finance.entry.reverse")]
pub struct PostEntry {
    /// When it takes effect.
    pub date: Date,
    /// What it is about.
    pub description: String,
    /// The lines.
    pub lines: Vec<ManualLine>,
}

/// The entry.
#[derive(Fields)]
pub struct EntryPosted {
    /// The entry.
    pub entry: Id<Entry>,
}

impl Run for PostEntry {
    type Output = EntryPosted;
    fn run(self, cx: &mut Cx<'_>) -> Result<EntryPosted> {
        if self.lines.len() < 2 {
            return Err(Error::field("lines", "finance.two_lines"));
        }
        for (i, line) in self.lines.iter().enumerate() {
            let found = cx.get(line.account)?;
            if found.controlled_by.is_some() && cx.who().kind != PrincipalKind::System {
                return Err(Error::field(format!("lines.{i}.account"), "finance.controlled")
                    .with("account", found.name.clone()));
            }
        }
        let lines = self.lines.iter().map(|l| PostLine::new(l.account, l.amount)).collect();
        let entry = NewEntry {
            journal: "general",
            date: self.date,
            description: self.description,
            source: None,
            reverses: None,
            lines,
        };
        let posted = post(cx, entry)?;
        cx.link(posted.entry);
        Ok(EntryPosted { entry: posted.entry })
    }
}

/// Posts the opposite of a manual entry.
#[derive(Operation)]
#[operation(name = "finance.entry.reverse", on = Entry, allow = "accounts", button = 2, dangerous,
    no_inverse = "Post the entry again.")]
pub struct ReverseEntry {
    /// The entry.
    pub entry: Id<Entry>,
    /// When the reversal takes effect; today where empty.
    pub date: Option<Date>,
}

impl Run for ReverseEntry {
    type Output = EntryPosted;
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        if self.entry.is_none() {
            return Ok(());
        }
        let entry = cx.get(self.entry)?;
        if entry.source.is_some() {
            return Err(Error::refused("finance.reverse_document"));
        }
        if entry.reverses.is_some() || cx.first::<Entry>(&[("reverses", self.entry.into())])?.is_some() {
            return Err(Error::refused("finance.reversed"));
        }
        Ok(())
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<EntryPosted> {
        let entry = cx.target(self.entry)?;
        let date = self.date.unwrap_or(cx.today());
        let lines = opposite(cx, self.entry)?;
        let new = NewEntry {
            journal: "general",
            date,
            description: entry.description.clone(),
            source: None,
            reverses: Some(self.entry),
            lines,
        };
        let posted = post_in(cx, &entry.journal, new)?;
        cx.link(posted.entry);
        Ok(EntryPosted { entry: posted.entry })
    }
}

/// The lines of an entry with the opposite sign.
pub(crate) fn opposite(cx: &mut Cx<'_>, entry: Id<Entry>) -> Result<Vec<PostLine>> {
    Ok(cx
        .lines::<EntryLine>(entry)?
        .iter()
        .map(|l| PostLine {
            party: l.party,
            tax_percent: l.tax_percent,
            ..PostLine::new(l.account, l.amount.negated())
        })
        .collect())
}

/// Debits and credits of each account up to a day.
#[derive(Operation)]
#[operation(name = "finance.report.trial_balance", allow = "accounts manager", read, area = "money")]
pub struct TrialBalance {
    /// Up to this period (`2026-11`); all where empty.
    pub to: Option<String>,
}

/// An account's row.
#[derive(Fields)]
pub struct TrialRow {
    /// Number of the account.
    pub code: String,
    /// Name.
    pub name: String,
    /// Debits.
    pub debit: Money,
    /// Credits.
    pub credit: Money,
    /// Debits less credits.
    pub balance: Money,
}

/// The rows.
#[derive(Fields)]
pub struct Trial {
    /// The rows.
    pub rows: Vec<TrialRow>,
}

impl Run for TrialBalance {
    type Output = Trial;
    fn run(self, cx: &mut Cx<'_>) -> Result<Trial> {
        let company = cx.company().id;
        let to = self.to.unwrap_or_else(|| "9999-12".to_owned());
        let found = cx.conn().rows(
            "SELECT a.code, a.name, b.currency, SUM(b.debit), SUM(b.credit) FROM finance_balance b \
             JOIN finance_account a ON a.id = b.account JOIN finance_period p ON p.id = b.period \
             WHERE b.company = ? AND p.name <= ? GROUP BY a.code, a.name, b.currency ORDER BY a.code",
            &[Value::Int(company), Value::from(to)],
        )?;
        let mut rows = Vec::new();
        for row in found {
            let text = |i: usize| row.get(i).and_then(Value::as_text).unwrap_or("").to_owned();
            let currency = Currency::parse(&text(2))?;
            let money = |i: usize| Money::new(row.get(i).and_then(Value::as_int).unwrap_or(0), currency);
            let balance = money(3).minus(money(4))?;
            rows.push(TrialRow { code: text(0), name: text(1), debit: money(3), credit: money(4), balance });
        }
        Ok(Trial { rows })
    }
}

/// What an account holds: debits less credits over all periods.
///
/// # Errors
/// As reading does.
pub fn balance(cx: &mut Cx<'_>, purpose: &str) -> Result<Money> {
    let id = account(cx, purpose)?;
    let currency = cx.company().currency;
    let sum = cx
        .conn()
        .int("SELECT COALESCE(SUM(debit - credit), 0) FROM finance_balance WHERE account = ?", &[id.into()])?;
    Ok(Money::new(sum.unwrap_or(0), currency))
}
