//! Money: the general ledger, VAT, invoices, open items, payments and bank statements.

mod account;
mod check;
mod credit;
mod entry;
mod invoice;
mod issue;
mod item;
mod letter;
mod payment;
mod print;
mod statement;

use kernel::{Job, LetterSent, Module, entity, event, on, op};

pub use account::{
    Account, AccountKind, ClosePeriod, Control, Journal, OpenPeriod, Period, PeriodState, TaxRate, account, period_for,
    tax_percent,
};
pub use credit::{Credit, CreditLine, Credited};
pub use entry::{
    Balance, Entry, EntryLine, EntryPosted, ManualLine, NewEntry, PostEntry, PostLine, Posted, ReverseEntry, Trial,
    TrialBalance, TrialRow, balance, post,
};
pub use invoice::{Invoice, InvoiceKind, InvoiceLine, InvoiceState, line_net, price_of, taxes};
pub use issue::{InvoicePosted, NewInvoice, NewLine, Post, PostedInvoice, issue};
pub use item::{Allocation, InvoicePaid, OpenItem, Side, allocate, items_of, owed};
pub use letter::{InvoiceOverdue, Remind, Send};
pub use payment::{
    Allocate, Allocated, Direction, Method, Pay, Payment, PaymentState, Register, Registered, Release, ReversePayment,
};
pub use print::Pdf;
pub use statement::{Import, Imported, LineState, Match, Statement, StatementLine};

/// What the module owns.
pub static MODULE: Module = Module {
    name: "finance",
    entities: &[
        entity::<Account>(),
        entity::<Journal>(),
        entity::<Period>(),
        entity::<TaxRate>(),
        entity::<Entry>(),
        entity::<EntryLine>(),
        entity::<Balance>(),
        entity::<Invoice>(),
        entity::<InvoiceLine>(),
        entity::<OpenItem>(),
        entity::<Allocation>(),
        entity::<Payment>(),
        entity::<Statement>(),
        entity::<StatementLine>(),
    ],
    operations: &[
        op::<Post>(),
        op::<Send>(),
        op::<Credit>(),
        op::<Remind>(),
        op::<Pdf>(),
        op::<Pay>(),
        op::<Register>(),
        op::<Allocate>(),
        op::<Release>(),
        op::<ReversePayment>(),
        op::<Import>(),
        op::<Match>(),
        op::<PostEntry>(),
        op::<ReverseEntry>(),
        op::<ClosePeriod>(),
        op::<OpenPeriod>(),
        op::<TrialBalance>(),
    ],
    events: &[event::<InvoicePosted>(), event::<InvoicePaid>(), event::<InvoiceOverdue>()],
    listens: &[on!(LetterSent, letter::left)],
    checks: check::CHECKS,
    jobs: &[Job { name: "finance.overdue", every: 0, run: letter::overdue }],
    schedules: &[kernel::SchedulePlan { job: "finance.overdue", cron: "0 7 * * *" }],
    errors: &[
        "finance.controlled",
        "finance.credit_of_credit",
        "finance.credit_too_much",
        "finance.currency",
        "finance.drafts_left",
        "finance.no_account",
        "finance.no_lines",
        "finance.no_party",
        "finance.no_tax_rate",
        "finance.not_of_invoice",
        "finance.not_of_party",
        "finance.nothing_open",
        "finance.nothing_to_credit",
        "finance.nothing_to_post",
        "finance.period_closed",
        "finance.positive",
        "finance.remind_credit",
        "finance.reverse_document",
        "finance.reversed",
        "finance.statement",
        "finance.two_lines",
        "finance.unbalanced",
    ],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    views: &[
        ("finance.invoice", include_str!("invoice.view.toml")),
        ("finance.payment", include_str!("payment.view.toml")),
        ("finance.open_item", include_str!("open_item.view.toml")),
        ("finance.statement", include_str!("statement.view.toml")),
        ("finance.statement_line", include_str!("statement_line.view.toml")),
        ("finance.entry", include_str!("entry.view.toml")),
        ("finance.account", include_str!("account.view.toml")),
        ("finance.period", include_str!("period.view.toml")),
        ("finance.journal", include_str!("journal.view.toml")),
        ("finance.tax_rate", include_str!("tax_rate.view.toml")),
    ],
    extends: &[("party.party", include_str!("party.extends.toml"))],
    found: &[account::found],
    ..Module::BASE
};
