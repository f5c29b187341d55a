//! Money: the general ledger, VAT, invoices, open items, payments and bank statements.

mod account;
mod check;
mod entry;
mod invoice;
mod issue;
mod item;
mod statement;

use kernel::{Job, LetterSent, Module, entity, event, on, op};

pub use account::{
    Account, AccountKind, ClosePeriod, Control, OpenPeriod, Period, PeriodState, TaxRate, account, period_for,
    tax_percent,
};
pub use entry::{
    Balance, Entry, EntryLine, EntryPosted, ManualLine, NewEntry, PostEntry, PostLine, Posted, ReverseEntry, Trial,
    TrialBalance, TrialRow, balance, post,
};
pub use invoice::{Invoice, InvoiceKind, InvoiceLine, InvoiceState, line_net, price_of, taxes};
pub use issue::{
    Credit, CreditLine, Credited, InvoiceOverdue, InvoicePosted, NewInvoice, NewLine, Pdf, Post, PostedInvoice, Remind,
    Send, issue, owed,
};
pub use item::{
    Allocation, Direction, InvoicePaid, OpenItem, Payment, PaymentState, Register, Registered, ReversePayment, Side,
    allocate, items_of,
};
pub use statement::{Import, Imported, LineState, Statement, StatementLine};

/// What the module owns.
pub static MODULE: Module = Module {
    name: "finance",
    entities: &[
        entity::<Account>(),
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
        op::<Register>(),
        op::<ReversePayment>(),
        op::<Import>(),
        op::<PostEntry>(),
        op::<ReverseEntry>(),
        op::<ClosePeriod>(),
        op::<OpenPeriod>(),
        op::<TrialBalance>(),
    ],
    events: &[event::<InvoicePosted>(), event::<InvoicePaid>(), event::<InvoiceOverdue>()],
    listens: &[on!(LetterSent, issue::left)],
    checks: check::CHECKS,
    jobs: &[Job { name: "finance.overdue", every: 86_400, run: issue::overdue }],
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
        "finance.nothing_to_credit",
        "finance.period_closed",
        "finance.positive",
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
        ("finance.entry", include_str!("entry.view.toml")),
        ("finance.account", include_str!("account.view.toml")),
        ("finance.period", include_str!("period.view.toml")),
    ],
    extends: &[("party.party", include_str!("party.extends.toml"))],
    found: &[account::found],
    ..Module::BASE
};
