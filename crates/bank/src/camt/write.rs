//! Writing statements.

use jiff::civil::Date;
use quick_xml::escape::escape;

use super::{Account, Balance, Entry, Statement};
use crate::currency::decimal;

/// Writes a statement as camt.053.001.02, which [`read_camt053`](crate::read_camt053) reads back as it was (white space at
/// the ends of texts and characters that XML cannot hold aside). For tests and demonstrations; it stands in for a bank, so
/// it is not meant for one.
pub fn write_camt053(statement: &Statement) -> String {
    let mut out = Writer { text: String::with_capacity(1_000 + statement.entries.len() * 900), open: Vec::new() };
    out.text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.text.push_str("<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\">");
    out.open("BkToCstmrStmt");
    let last = statement.to.or_else(|| statement.closing.and_then(|balance| balance.date));
    let created = last.unwrap_or(Date::constant(2000, 1, 1));
    out.open("GrpHdr");
    out.leaf("MsgId", &statement.id);
    out.leaf("CreDtTm", &format!("{created}T23:59:59"));
    out.close();
    out.open("Stmt");
    out.leaf("Id", &statement.id);
    if let Some(sequence) = statement.sequence {
        out.leaf("ElctrncSeqNb", &sequence.to_string());
    }
    out.leaf("CreDtTm", &format!("{created}T23:59:59"));
    if let (Some(from), Some(to)) = (statement.from, statement.to) {
        out.open("FrToDt");
        out.leaf("FrDtTm", &format!("{from}T00:00:00"));
        out.leaf("ToDtTm", &format!("{to}T23:59:59"));
        out.close();
    }
    out.open("Acct");
    out.account(&statement.account);
    out.leaf("Ccy", &statement.currency);
    out.close();
    for (kind, balance) in [("OPBD", statement.opening), ("CLBD", statement.closing)] {
        if let Some(balance) = balance {
            out.balance(kind, balance, &statement.currency);
        }
    }
    for entry in &statement.entries {
        out.entry(entry);
    }
    out.close();
    out.close();
    out.text.push_str("\n</Document>\n");
    out.text
}

struct Writer {
    text: String,
    open: Vec<&'static str>,
}

impl Writer {
    fn line(&mut self) {
        self.text.push('\n');
        for _ in 0..=self.open.len() {
            self.text.push_str("  ");
        }
    }

    fn open(&mut self, name: &'static str) {
        self.line();
        self.text.push_str(&format!("<{name}>"));
        self.open.push(name);
    }

    fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.line();
            self.text.push_str(&format!("</{name}>"));
        }
    }

    fn leaf(&mut self, name: &str, text: &str) {
        self.line();
        self.text.push_str(&format!("<{name}>{}</{name}>", clean(text)));
    }

    fn amount(&mut self, amount: i64, currency: &str) {
        self.line();
        self.text.push_str(&format!("<Amt Ccy=\"{}\">{}</Amt>", clean(currency), decimal(amount, currency)));
    }

    fn direction(&mut self, amount: i64) {
        self.leaf("CdtDbtInd", if amount < 0 { "DBIT" } else { "CRDT" });
    }

    fn account(&mut self, account: &Account) {
        self.open("Id");
        match account {
            Account::Iban(iban) => self.leaf("IBAN", iban),
            Account::Other(number) => {
                self.open("Othr");
                self.leaf("Id", number);
                self.close();
            }
        }
        self.close();
    }

    fn date(&mut self, name: &'static str, date: Option<Date>) {
        if let Some(date) = date {
            self.open(name);
            self.leaf("Dt", &date.to_string());
            self.close();
        }
    }

    fn balance(&mut self, kind: &str, balance: Balance, currency: &str) {
        self.open("Bal");
        self.open("Tp");
        self.open("CdOrPrtry");
        self.leaf("Cd", kind);
        self.close();
        self.close();
        self.amount(balance.amount, currency);
        self.direction(balance.amount);
        self.date("Dt", balance.date);
        self.close();
    }

    fn entry(&mut self, entry: &Entry) {
        self.open("Ntry");
        self.amount(entry.amount, &entry.currency);
        self.direction(entry.amount);
        if entry.reversal {
            self.leaf("RvslInd", "true");
        }
        self.leaf("Sts", "BOOK");
        self.date("BookgDt", entry.booking_date);
        self.date("ValDt", entry.value_date);
        self.leaf("AcctSvcrRef", &entry.unique_id);
        self.open("NtryDtls");
        self.open("TxDtls");
        self.open("Refs");
        self.leaf("AcctSvcrRef", &entry.unique_id);
        self.leaf("EndToEndId", entry.end_to_end.as_deref().unwrap_or("NOTPROVIDED"));
        self.close();
        self.open("AmtDtls");
        self.open("TxAmt");
        self.amount(entry.amount, &entry.currency);
        self.close();
        self.close();
        self.parties(entry);
        self.remittance(entry);
        self.close();
        self.close();
        self.close();
    }

    fn parties(&mut self, entry: &Entry) {
        if entry.counterparty.is_none() && entry.counterparty_account.is_none() {
            return;
        }
        let debtor = (entry.amount > 0) != entry.reversal;
        let (party, account) = if debtor { ("Dbtr", "DbtrAcct") } else { ("Cdtr", "CdtrAcct") };
        self.open("RltdPties");
        if let Some(name) = &entry.counterparty {
            self.open(party);
            self.leaf("Nm", name);
            self.close();
        }
        if let Some(number) = &entry.counterparty_account {
            self.open(account);
            self.account(number);
            self.close();
        }
        self.close();
    }

    fn remittance(&mut self, entry: &Entry) {
        let symbols = &entry.symbols;
        let marked = [("VS:", &symbols.variable), ("SS:", &symbols.specific), ("KS:", &symbols.constant)];
        let marked = marked.into_iter().filter_map(|(mark, symbol)| Some(format!("{mark}{}", symbol.as_ref()?)));
        let references: Vec<String> = marked.chain(entry.creditor_reference.clone()).collect();
        if references.is_empty() && entry.remittance.is_none() {
            return;
        }
        self.open("RmtInf");
        if let Some(text) = &entry.remittance {
            self.leaf("Ustrd", text);
        }
        for reference in references {
            self.open("Strd");
            self.open("CdtrRefInf");
            self.leaf("Ref", &reference);
            self.close();
            self.close();
        }
        self.close();
    }
}

/// The text escaped, without the characters that XML 1.0 does not allow.
fn clean(text: &str) -> String {
    let allowed =
        |c: &char| !matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    escape(text.chars().filter(allowed).collect::<String>()).into_owned()
}
