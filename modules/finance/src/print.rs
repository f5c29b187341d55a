//! The PDF of an invoice or credit note.

use jiff::civil::Date;
use kernel::{Cx, Dec, Id, Money, Operation, Result, Run};
use serde_json::json;

use crate::credit::taxes_of;
use crate::invoice::{Invoice, InvoiceLine, InvoiceState, taxes};

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
                    "price": documents::price(language, price, invoice.currency),
                    "discount": l.discount.map(|d| documents::percent(language, d)),
                    "vat": documents::percent(language, l.tax_percent),
                    "net": money(l.net),
                })
            })
            .collect();
        let sums: Vec<_> = lines.iter().map(|l| (l.tax_percent, l.net)).collect();
        let posted = match invoice.entry {
            Some(entry) => Some(taxes_of(cx, entry)?),
            None => None,
        };
        let mut vat = Vec::new();
        for (percent, base, tax) in taxes(&sums, invoice.currency)? {
            // What is printed is what was posted.
            let booked = |all: &Vec<(Dec<2>, Money)>| all.iter().find(|(p, _)| *p == percent).map(|(_, tax)| *tax);
            let tax = posted.as_ref().map_or(tax, |all| booked(all).unwrap_or(Money::zero(invoice.currency)));
            vat.push(json!({"rate": documents::percent(language, percent), "base": money(base), "tax": money(tax), "total": money(base.plus(tax)?)}));
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
            "draft": invoice.state == InvoiceState::Draft,
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
            data["notes"] = json!([]);
            template = documents::Template::CreditNote;
        }
        documents::print(cx, &number, template, &data, language)
    }
}

fn lang_number(language: kernel::Language, money: Money) -> String {
    lang::number(language, money.minor, money.currency.exponent())
}
