//! What is done with invoices: post, send, credit, remind, print.

use jiff::civil::Date;
use kernel::{
    AnyRef, Arg, Cx, Dec, Error, Event, Fields, Id, Letter, LetterSent, LongText, Money, Operation, Result, Run, Value,
};
use party::Party;
use product::{Product, TaxClass};
use serde_json::json;

use crate::account::{account, tax_percent};
use crate::entry::{NewEntry, PostLine, post};
use crate::invoice::{Invoice, InvoiceKind, InvoiceLine, InvoiceState, line_net, rounded, taxes, totals};
use crate::item::{allocate, items_of};

/// An invoice was posted.
#[derive(Event)]
#[event(name = "finance.invoice.posted", subject = invoice)]
pub struct InvoicePosted {
    /// The invoice.
    pub invoice: Id<Invoice>,
    /// The customer.
    pub party: Id<Party>,
    /// The document that it was issued for.
    pub source: Option<AnyRef>,
    /// Total.
    pub total: Money,
}

/// An invoice is overdue.
#[derive(Event)]
#[event(name = "finance.invoice.overdue", subject = invoice)]
pub struct InvoiceOverdue {
    /// The invoice.
    pub invoice: Id<Invoice>,
    /// The customer.
    pub party: Id<Party>,
    /// Days since it was due.
    pub days: i64,
}

/// A line of an invoice that a module issues.
#[derive(Clone, Debug)]
pub struct NewLine {
    /// The product.
    pub product: Option<Id<Product>>,
    /// Code as written.
    pub code_as_written: Option<String>,
    /// Text.
    pub description: Option<String>,
    /// Quantity.
    pub quantity: Dec<6>,
    /// Price of one.
    pub unit_price: Dec<6>,
    /// Discount in percent.
    pub discount: Option<Dec<2>>,
    /// Rate of VAT.
    pub tax_class: TaxClass,
    /// Purpose of the account; revenue where empty.
    pub purpose: Option<String>,
    /// The line that it corrects.
    pub corrects: Option<Id<InvoiceLine>>,
}

/// An invoice that a module issues.
#[derive(Clone, Debug)]
pub struct NewInvoice {
    /// Kind.
    pub kind: InvoiceKind,
    /// Customer.
    pub party: Id<Party>,
    /// Date of issue.
    pub date: Date,
    /// Due date; from the party's terms where empty.
    pub due: Option<Date>,
    /// Country as written; the party's where empty.
    pub country_name: Option<String>,
    /// The document that it is issued for.
    pub source: Option<AnyRef>,
    /// The invoice that it corrects.
    pub corrects: Option<Id<Invoice>>,
    /// Number of another system, without the gap rule; else one is drawn.
    pub external: Option<String>,
    /// Note.
    pub note: Option<String>,
    /// Lines.
    pub lines: Vec<NewLine>,
}

/// Issues an invoice in one go: written complete, then posted.
///
/// # Errors
/// `finance.no_lines`, `finance.period_closed`, `too_precise` and what posting refuses.
pub fn issue(cx: &mut Cx<'_>, new: NewInvoice) -> Result<Id<Invoice>> {
    let currency = cx.company().currency;
    let mut rates: Vec<(TaxClass, Dec<2>)> = Vec::new();
    let (mut sums, mut rounding, mut ready) = (Vec::new(), Dec::<6>::ZERO, Vec::new());
    for (i, line) in new.lines.into_iter().enumerate() {
        let percent = match rates.iter().find(|(c, _)| *c == line.tax_class) {
            Some((_, percent)) => *percent,
            None => {
                let percent = tax_percent(cx, line.tax_class, new.date)?;
                rates.push((line.tax_class, percent));
                percent
            }
        };
        let (net, exact) = line_net(line.quantity, line.unit_price, line.discount, currency)
            .map_err(|e| Error::field(format!("lines.{i}.unit_price"), e.code.clone()).with("scale", 6_i64))?;
        rounding = rounding.plus(rounded(net, exact)?)?;
        sums.push((percent, net));
        ready.push((line, percent, net, exact));
    }
    let (net, tax, total) = totals(&sums, currency)?;
    let external = new.external.is_some();
    let variable_symbol = new.external.as_ref().map(|n| n.chars().filter(char::is_ascii_digit).take(10).collect());
    let invoice = cx.insert(Invoice {
        number: new.external,
        kind: new.kind,
        party: new.party,
        date: new.date,
        due: new.due,
        tax_date: Some(new.date),
        currency,
        country_name: new.country_name,
        variable_symbol,
        note: new.note.map(LongText),
        net,
        tax,
        total,
        rounding,
        state: InvoiceState::Draft,
        source: new.source,
        corrects: new.corrects,
        entry: None,
        sent_at: None,
        reminders: 0,
        reminded: None,
        external,
    })?;
    for (line, tax_percent, net, net_exact) in ready {
        cx.insert(InvoiceLine {
            invoice,
            product: line.product,
            code_as_written: line.code_as_written,
            description: line.description,
            quantity: line.quantity,
            unit_price: Some(line.unit_price),
            discount: line.discount,
            tax_class: Some(line.tax_class),
            tax_percent,
            net,
            net_exact,
            purpose: line.purpose,
            corrects: line.corrects,
        })?;
    }
    cx.call(Post { invoice })?;
    Ok(invoice)
}

/// Posts an invoice: its number is drawn, its entry written, its open item opened. Nothing of it changes any more.
#[derive(Operation)]
#[operation(name = "finance.invoice.post", on = Invoice, when = [InvoiceState::Draft], allow = "accounts", button = 1,
    inverse = "finance.invoice.credit")]
pub struct Post {
    /// The invoice.
    pub invoice: Id<Invoice>,
}

/// The entry.
#[derive(Fields)]
pub struct PostedInvoice {
    /// The invoice.
    pub invoice: Id<Invoice>,
    /// Total.
    pub total: Money,
}

impl Run for Post {
    type Output = PostedInvoice;
    fn run(self, cx: &mut Cx<'_>) -> Result<PostedInvoice> {
        let mut invoice = cx.target(self.invoice)?;
        party::living(cx, invoice.party)?;
        let lines = cx.lines::<InvoiceLine>(self.invoice)?;
        if lines.is_empty() {
            return Err(Error::refused("finance.no_lines"));
        }
        let receivable = account(cx, "receivable")?;
        let mut entry =
            vec![PostLine { party: Some(invoice.party), due: invoice.due, ..PostLine::new(receivable, invoice.total) }];
        let mut by_purpose: Vec<(String, Money)> = Vec::new();
        let mut sums = Vec::new();
        for line in &lines {
            let purpose = line.purpose.clone().unwrap_or_else(|| "revenue".to_owned());
            match by_purpose.iter_mut().find(|(p, _)| *p == purpose) {
                Some((_, sum)) => *sum = sum.plus(line.net)?,
                None => by_purpose.push((purpose, line.net)),
            }
            sums.push((line.tax_percent, line.net));
        }
        for (purpose, net) in by_purpose {
            entry.push(PostLine::new(account(cx, &purpose)?, net.negated()));
        }
        for (percent, _, tax) in taxes(&sums, invoice.currency)? {
            if !tax.is_zero() {
                entry.push(PostLine {
                    tax_percent: Some(percent),
                    ..PostLine::new(account(cx, "tax_out")?, tax.negated())
                });
            }
        }
        let title = invoice.number.clone().unwrap_or_else(|| "Invoice".to_owned());
        // A document over nothing (samples, say) has nothing to post.
        let mut items = Vec::new();
        if entry.iter().any(|line| !line.amount.is_zero()) {
            let new = NewEntry {
                journal: "sales",
                date: invoice.date,
                description: title,
                source: Some(self.invoice.into()),
                reverses: None,
                lines: entry,
            };
            let posted = post(cx, new)?;
            invoice.entry = Some(posted.entry);
            items = posted.items;
        }
        invoice.state = if invoice.total.is_zero() { InvoiceState::Paid } else { InvoiceState::Posted };
        cx.save(&mut invoice)?;
        if !invoice.external {
            let series = if invoice.kind == InvoiceKind::Invoice { "invoice" } else { "credit_note" };
            cx.legal_number_of(self.invoice, "number", series, i64::from(invoice.date.year()))?;
        }
        if let Some(corrected) = invoice.corrects {
            for credit in &items {
                for debit in items_of(cx, corrected.into())? {
                    allocate(cx, debit, *credit)?;
                }
            }
        }
        cx.emit(InvoicePosted {
            invoice: self.invoice,
            party: invoice.party,
            source: invoice.source,
            total: invoice.total,
        })?;
        cx.link(self.invoice);
        Ok(PostedInvoice { invoice: self.invoice, total: invoice.total })
    }
}

/// A line of a credit note.
#[derive(Fields)]
pub struct CreditLine {
    /// The line of the invoice.
    pub line: Id<InvoiceLine>,
    /// How many of it; positive.
    pub quantity: Dec<6>,
}

/// Credits an invoice, whole or by lines: a credit note is posted, and what is open of the invoice is settled with it.
#[derive(Operation)]
#[operation(name = "finance.invoice.credit", on = Invoice, when = [InvoiceState::Posted, InvoiceState::Sent, InvoiceState::Paid],
    allow = "accounts", button = 2, dangerous, no_inverse = "Issue a new invoice.")]
pub struct Credit {
    /// The invoice.
    pub invoice: Id<Invoice>,
    /// Lines and quantities; everything that was not credited yet where empty.
    pub lines: Vec<CreditLine>,
    /// Why.
    pub reason: Option<String>,
    /// Date of the credit note; today where empty.
    pub date: Option<Date>,
}

/// The credit note.
#[derive(Fields)]
pub struct Credited {
    /// The credit note.
    pub credit_note: Id<Invoice>,
}

impl Run for Credit {
    type Output = Credited;
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        if self.invoice.is_none() || cx.get(self.invoice)?.kind == InvoiceKind::Invoice {
            return Ok(());
        }
        Err(Error::refused("finance.credit_of_credit"))
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<Credited> {
        let invoice = cx.target(self.invoice)?;
        let mut lines = Vec::new();
        for line in cx.lines::<InvoiceLine>(self.invoice)? {
            let mut before = Dec::<6>::ZERO;
            for credited in cx.by::<InvoiceLine>(&[("corrects", line.id.into())])? {
                before = before.plus(credited.quantity)?;
            }
            let left = line.quantity.plus(before)?;
            let wanted = match self.lines.iter().find(|l| l.line == line.id) {
                Some(asked) => asked.quantity,
                None if self.lines.is_empty() => left,
                None => continue,
            };
            if wanted.is_zero() {
                continue;
            }
            if wanted.abs() > left.abs() || wanted.is_negative() != left.is_negative() {
                return Err(Error::refused("finance.credit_too_much").with("left", left));
            }
            lines.push(NewLine {
                product: line.product,
                code_as_written: line.code_as_written.clone(),
                description: line.description.clone(),
                quantity: wanted.negated(),
                unit_price: line.unit_price.unwrap_or(Dec::ZERO),
                discount: line.discount,
                tax_class: line.tax_class.unwrap_or(TaxClass::Standard),
                purpose: line.purpose.clone(),
                corrects: Some(line.id),
            });
        }
        if lines.is_empty() {
            return Err(Error::refused("finance.nothing_to_credit"));
        }
        let date = self.date.unwrap_or(cx.today());
        let credit_note = issue(
            cx,
            NewInvoice {
                kind: InvoiceKind::CreditNote,
                party: invoice.party,
                date,
                due: Some(date),
                country_name: invoice.country_name.clone(),
                source: invoice.source,
                corrects: Some(self.invoice),
                external: None,
                note: self.reason,
                lines,
            },
        )?;
        cx.link(credit_note);
        Ok(Credited { credit_note })
    }
}

/// Sends an invoice: a letter with the PDF waits in the outbox and leaves after the commit. A customer without an e-mail
/// address gets it on paper, which this notes.
#[derive(Operation)]
#[operation(name = "finance.invoice.send", on = Invoice, when = [InvoiceState::Posted, InvoiceState::Sent, InvoiceState::Paid],
    allow = "accounts sales", button = 1, no_inverse = "A letter that left cannot be called back.")]
pub struct Send {
    /// The invoice.
    pub invoice: Id<Invoice>,
}

impl Run for Send {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut invoice = cx.target(self.invoice)?;
        let email = cx.get(invoice.party)?.email.clone();
        match email {
            Some(email) => letter(cx, &invoice, &email.0, "letter.invoice")?,
            None => {
                invoice.sent_at = Some(cx.now());
                cx.note("finance.invoice.on_paper", vec![]);
            }
        }
        if invoice.state == InvoiceState::Posted {
            invoice.state = InvoiceState::Sent;
        }
        cx.save(&mut invoice)?;
        cx.link(self.invoice);
        Ok(())
    }
}

fn letter(cx: &mut Cx<'_>, invoice: &kernel::Rec<Invoice>, to: &str, key: &str) -> Result<()> {
    let language = documents::language(cx, invoice.party)?;
    let args = vec![
        ("number", Arg::from(invoice.number.clone().unwrap_or_default())),
        ("company", cx.company().name.as_str().into()),
        ("total", Arg::from(documents::amount(language, invoice.total))),
        ("due", Arg::from(documents::day(language, invoice.due.unwrap_or(invoice.date)))),
        ("vs", Arg::from(invoice.variable_symbol.clone().unwrap_or_default())),
    ];
    let schema = cx.schema().clone();
    let letter = Letter {
        to: to.to_owned(),
        subject: schema.message(language, &format!("{key}.subject"), &args),
        body: schema.message(language, &format!("{key}.body"), &args),
        attachments: vec![("finance.invoice.pdf".to_owned(), json!({"invoice": invoice.id.raw()}))],
        source: Some(invoice.id.into()),
    };
    cx.send(letter)?;
    Ok(())
}

/// The letter of an invoice left: the invoice shows when.
pub(crate) fn left(event: &LetterSent, cx: &mut Cx<'_>) -> Result<()> {
    let Some(invoice) = event.source.and_then(AnyRef::to::<Invoice>) else { return Ok(()) };
    let mut record = cx.get(invoice)?;
    if record.sent_at.is_none() {
        record.sent_at = Some(event.at);
        cx.save(&mut record)?;
    }
    Ok(())
}

/// Reminds the customer of an overdue invoice by a letter.
#[derive(Operation)]
#[operation(name = "finance.invoice.remind", on = Invoice, when = [InvoiceState::Posted, InvoiceState::Sent], allow = "accounts",
    button = 2, no_inverse = "A letter that left cannot be called back.")]
pub struct Remind {
    /// The invoice.
    pub invoice: Id<Invoice>,
}

impl Run for Remind {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut invoice = cx.target(self.invoice)?;
        if let Some(email) = cx.get(invoice.party)?.email.clone() {
            letter(cx, &invoice, &email.0, "letter.reminder")?;
        }
        invoice.reminders += 1;
        invoice.reminded = Some(cx.today());
        cx.save(&mut invoice)?;
        cx.link(self.invoice);
        Ok(())
    }
}

/// Days between reminders of one invoice.
const REMIND_EVERY: i64 = 14;
/// Most reminders of one invoice.
const MAX_REMINDERS: i64 = 3;

/// Tells of overdue invoices and reminds their customers; true when more are left.
pub(crate) fn overdue(_: &kernel::Json, cx: &mut Cx<'_>) -> Result<bool> {
    let today = cx.today();
    let company = cx.company().id;
    let since = today.checked_sub(jiff::ToSpan::days(REMIND_EVERY)).map_err(|e| Error::internal(e.to_string()))?;
    let rows = cx.conn().rows(
        "SELECT i.id, i.due FROM finance_invoice i WHERE i.company = ? AND i.state IN ('posted', 'sent') AND i.kind = 'invoice' \
         AND i.due < ? AND i.reminders < ? AND (i.reminded IS NULL OR i.reminded <= ?) ORDER BY i.due, i.id LIMIT 21",
        &[Value::Int(company), kernel::day(today), Value::Int(MAX_REMINDERS), kernel::day(since)],
    )?;
    for row in rows.iter().take(20) {
        let id = Id::<Invoice>::new(row.first().and_then(Value::as_int).unwrap_or(0));
        let invoice = cx.get(id)?;
        let due = invoice.due.unwrap_or(invoice.date);
        let days = i64::from(today.since(due).map_err(|e| Error::internal(e.to_string()))?.get_days());
        cx.call(Remind { invoice: id })?;
        cx.emit(InvoiceOverdue { invoice: id, party: invoice.party, days })?;
    }
    Ok(rows.len() > 20)
}

/// Makes the PDF of an invoice.
#[derive(Operation)]
#[operation(name = "finance.invoice.pdf", on = Invoice, allow = "accounts sales manager", read, file, button = 2)]
pub struct Pdf {
    /// The invoice.
    pub invoice: Id<Invoice>,
    /// Language; the customer's where empty.
    pub language: Option<kernel::LanguageCode>,
}

impl Run for Pdf {
    type Output = documents::FileOut;
    fn run(self, cx: &mut Cx<'_>) -> Result<documents::FileOut> {
        let invoice = cx.target(self.invoice)?;
        let language = match self.language.as_ref().and_then(|l| kernel::Language::parse(&l.0)) {
            Some(language) => language,
            None => documents::language(cx, invoice.party)?,
        };
        let lines = cx.lines::<InvoiceLine>(self.invoice)?;
        let number = invoice.number.clone().unwrap_or_else(|| "-".to_owned());
        let money = |m: Money| lang_number(language, m);
        let day = |d: Date| documents::day(language, d);
        let rows: Vec<_> = lines
            .iter()
            .map(|l| {
                let price = l.unit_price.unwrap_or(Dec::ZERO);
                json!({
                    "description": l.description.clone().unwrap_or_default(),
                    "code": l.code_as_written,
                    "quantity": documents::quantity(language, l.quantity),
                    "price": documents::quantity(language, price),
                    "discount": l.discount.map(|d| format!("{d} %")),
                    "vat": format!("{} %", l.tax_percent),
                    "net": money(l.net),
                })
            })
            .collect();
        let sums: Vec<_> = lines.iter().map(|l| (l.tax_percent, l.net)).collect();
        let mut vat = Vec::new();
        for (percent, base, tax) in taxes(&sums, invoice.currency)? {
            vat.push(json!({"rate": format!("{percent} %"), "base": money(base), "tax": money(tax), "total": money(base.plus(tax)?)}));
        }
        let own = platform::own(cx)?;
        let (iban, symbol) =
            (own.iban.clone().unwrap_or_default(), invoice.variable_symbol.clone().unwrap_or_default());
        let payment = bank::Payment {
            iban: &iban,
            payee: &own.name,
            amount: invoice.total.minor,
            currency: invoice.currency.code(),
            variable_symbol: &symbol,
            message: &number,
            due: invoice.due,
            ..bank::Payment::default()
        };
        let code = match invoice.currency.code() {
            "CZK" => bank::spayd(&payment).ok(),
            "EUR" => bank::epc(&payment).ok(),
            _ => None,
        };
        let qr = code.filter(|_| invoice.total.minor > 0).and_then(|text| bank::qr_matrix(&text).ok());
        let mut data = json!({
            "number": number,
            "date": invoice.date.to_string(),
            "supplier": documents::supplier(cx)?,
            "customer": documents::customer(cx, invoice.party, party::AddressKind::Invoice)?,
            "dates": {
                "issued": day(invoice.date),
                "tax": invoice.tax_date.map(day),
                "due": invoice.due.map(day),
            },
            "lines": rows,
            "vat": vat,
            "sums": {"net": money(invoice.net), "vat": money(invoice.tax)},
            "total": {"value": documents::amount(language, invoice.total)},
            "payment": {"variable_symbol": invoice.variable_symbol, "qr": qr},
            "notes": invoice.note.iter().map(|n| n.0.clone()).collect::<Vec<_>>(),
        });
        let mut template = documents::Template::Invoice;
        if let Some(corrected) = invoice.corrects {
            let corrected = cx.get(corrected)?;
            data["corrects"] = json!({"number": corrected.number, "date": day(corrected.date), "reason": invoice.note.as_ref().map(|n| n.0.clone())});
            template = documents::Template::CreditNote;
        }
        documents::pdf(&number, template, &data, language)
    }
}

fn lang_number(language: kernel::Language, money: Money) -> String {
    lang::number(language, money.minor, money.currency.exponent())
}

/// What a party owes: the sum of residuals of its receivables.
///
/// # Errors
/// As reading does.
pub fn owed(cx: &mut Cx<'_>, party: Id<Party>) -> Result<Money> {
    let currency = cx.company().currency;
    let sum = cx.conn().int(
        "SELECT COALESCE(SUM(residual), 0) FROM finance_open_item WHERE party = ? AND side = 'receivable' AND residual <> 0",
        &[party.into()],
    )?;
    Ok(Money::new(sum.unwrap_or(0), currency))
}
