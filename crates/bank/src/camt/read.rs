//! Reading statements.

use std::collections::HashMap;

use jiff::civil::Date;

use super::xml::{Document, Element, Step};
use super::{Account, Balance, CamtError, Entry, MAX_ENTRIES, Statement};
use crate::Symbols;
use crate::currency::minor;

/// Reads all statements of a file camt.053 (`BankToCustomerStatement`).
///
/// The reading is lenient, as versions 02 to 08 and later occur side by side and banks differ: elements are found by local
/// names, namespaces and unknown elements are passed over, the two forms of parties, statuses and dates are both known.
///
/// # Errors
/// Larger, deeper or fuller than the limits, not UTF-8, a document type definition, not well-formed, no statement inside,
/// an account or amount missing, or a text that is no amount or date. A statement whose entries do not lead from its
/// opening to its closing balance is no error: see [`Statement::difference`].
pub fn read_camt053(bytes: &[u8]) -> Result<Vec<Statement>, CamtError> {
    let mut document = Document::new(bytes)?;
    let mut statements = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut current: Option<Draft> = None;
    let mut entries = 0;
    loop {
        match document.step()? {
            Step::Open(name) => {
                let inside =
                    path.len() >= 2 && path.iter().rev().map(String::as_str).take(2).eq(["Stmt", "BkToCstmrStmt"]);
                if inside {
                    let element = document.whole()?;
                    if let Some(draft) = &mut current {
                        entries += usize::from(element.name == "Ntry");
                        if entries > MAX_ENTRIES {
                            return Err(CamtError::TooMany);
                        }
                        draft.take(element)?;
                    }
                    continue;
                }
                if name == "Stmt" && path.last().is_some_and(|parent| parent == "BkToCstmrStmt") {
                    current = Some(Draft::default());
                }
                path.push(name);
            }
            Step::Close => {
                if path.pop().is_some_and(|name| name == "Stmt")
                    && let Some(draft) = current.take()
                {
                    statements.push(draft.finish(statements.len() + 1)?);
                }
            }
            Step::End => break,
        }
    }
    if statements.is_empty() { Err(CamtError::NotCamt053) } else { Ok(statements) }
}

/// A statement while it is read.
#[derive(Default)]
struct Draft {
    id: String,
    electronic: Option<u64>,
    legal: Option<u64>,
    account: Option<Account>,
    currency: Option<String>,
    from: Option<Date>,
    to: Option<Date>,
    opening: Option<Balance>,
    previous: Option<Balance>,
    closing: Option<Balance>,
    entries: Vec<Entry>,
    booked: usize,
    not_booked: usize,
}

impl Draft {
    fn take(&mut self, element: Element) -> Result<(), CamtError> {
        match element.name.as_str() {
            "Id" => self.id = element.text,
            "ElctrncSeqNb" => self.electronic = element.text.parse().ok(),
            "LglSeqNb" => self.legal = element.text.parse().ok(),
            "FrToDt" => {
                self.from = day(element.text_at(&["FrDtTm"]).or_else(|| element.text_at(&["FrDt"])))?;
                self.to = day(element.text_at(&["ToDtTm"]).or_else(|| element.text_at(&["ToDt"])))?;
            }
            "Acct" => {
                self.account = account(&element);
                self.currency = element.text_at(&["Ccy"]).map(str::to_owned);
            }
            "Bal" => self.balance(&element)?,
            "Ntry" => self.entry(&element)?,
            _ => {}
        }
        Ok(())
    }

    fn balance(&mut self, element: &Element) -> Result<(), CamtError> {
        let kind = element.text_at(&["Tp", "CdOrPrtry", "Cd"]).unwrap_or_default();
        let place = match kind {
            "OPBD" => &mut self.opening,
            "PRCD" => &mut self.previous,
            "CLBD" => &mut self.closing,
            _ => return Ok(()),
        };
        let number = self.booked + 1;
        let (amount, currency) = amount(element.child("Amt").ok_or(CamtError::Missing("Bal/Amt", number))?)?;
        let balance = Balance { amount: signed(amount, element, number)?, date: date_in(element.child("Dt"))? };
        self.currency.get_or_insert(currency);
        // Of several pages the first opening and the last closing balance count.
        if kind == "CLBD" || place.is_none() {
            *place = Some(balance);
        }
        Ok(())
    }

    fn entry(&mut self, element: &Element) -> Result<(), CamtError> {
        let status = element.text_at(&["Sts", "Cd"]).or_else(|| element.text_at(&["Sts"]));
        if status.is_some_and(|status| status != "BOOK") {
            self.not_booked += 1;
            return Ok(());
        }
        self.booked += 1;
        let number = self.booked;
        let (value, currency) = amount(element.child("Amt").ok_or(CamtError::Missing("Ntry/Amt", number))?)?;
        let total = signed(value, element, number)?;
        let details: Vec<&Element> = element.all("NtryDtls").flat_map(|details| details.all("TxDtls")).collect();
        let parts = match details.as_slice() {
            [] | [_] => None,
            several => divided(several, total, &currency)?,
        };
        let common = Entry {
            amount: total,
            reversal: element.text_at(&["RvslInd"]).is_some_and(|flag| flag == "true" || flag == "1"),
            booking_date: date_in(element.child("BookgDt"))?,
            value_date: date_in(element.child("ValDt"))?,
            end_to_end: None,
            creditor_reference: None,
            symbols: Symbols::default(),
            counterparty: None,
            counterparty_account: None,
            remittance: None,
            unique_id: String::new(),
            undivided: details.len() > 1 && parts.is_none(),
            currency,
        };
        match (details.as_slice(), parts) {
            ([], _) => self.push(common, element, None),
            ([only], _) => self.push(common, element, Some(only)),
            (_, None) => self.push(common, element, None),
            (several, Some(amounts)) => {
                for (detail, amount) in several.iter().zip(amounts) {
                    self.push(Entry { amount, ..common.clone() }, element, Some(detail));
                }
            }
        }
        if self.entries.len() > MAX_ENTRIES { Err(CamtError::TooMany) } else { Ok(()) }
    }

    fn push(&mut self, mut entry: Entry, element: &Element, detail: Option<&Element>) {
        if let Some(detail) = detail {
            self.party(&mut entry, detail);
            references(&mut entry, detail);
        }
        if entry.remittance.is_none() {
            entry.remittance = element.text_at(&["AddtlNtryInf"]).map(str::to_owned);
        }
        if let Some(text) = &entry.remittance {
            entry.symbols.look_into(text);
        }
        let by_bank = detail
            .and_then(|detail| detail.text_at(&["Refs", "AcctSvcrRef"]))
            .or_else(|| element.text_at(&["AcctSvcrRef"]))
            .map(str::to_owned);
        let by_number = element.text_at(&["NtryRef"]).map(|number| format!("{}/{number}", self.id));
        entry.unique_id = by_bank.or(by_number).unwrap_or_default();
        self.entries.push(entry);
    }

    /// The other side: who paid a credit, who was paid by a debit. In a reversal the parties keep the roles of the original
    /// payment; some banks do not keep to this, so the other role is looked at next. Never the account itself.
    fn party(&self, entry: &mut Entry, detail: &Element) {
        let Some(parties) = detail.child("RltdPties") else { return };
        let debtor = (entry.amount > 0) != entry.reversal;
        let roles = [("Dbtr", "DbtrAcct", "UltmtDbtr"), ("Cdtr", "CdtrAcct", "UltmtCdtr")];
        let order = if debtor { [roles[0], roles[1]] } else { [roles[1], roles[0]] };
        for (party, party_account, ultimate) in order {
            let number = parties.child(party_account).and_then(account);
            if number.is_some() && number == self.account {
                continue;
            }
            let name = [party, ultimate].into_iter().filter_map(|role| parties.child(role)).find_map(name);
            if name.is_some() || number.is_some() {
                entry.counterparty = name;
                entry.counterparty_account = number;
                return;
            }
        }
    }

    fn finish(self, number: usize) -> Result<Statement, CamtError> {
        let account = self.account.ok_or(CamtError::Missing("Acct/Id", number))?;
        let currency = self.currency.or_else(|| self.entries.first().map(|entry| entry.currency.clone()));
        let mut statement = Statement {
            id: self.id,
            sequence: self.electronic.or(self.legal),
            account,
            currency: currency.ok_or(CamtError::Missing("Acct/Ccy", number))?,
            from: self.from,
            to: self.to,
            opening: self.opening.or(self.previous),
            closing: self.closing,
            entries: self.entries,
            not_booked: self.not_booked,
        };
        identify(&mut statement);
        Ok(statement)
    }
}

/// Gives every entry its unique identification.
fn identify(statement: &mut Statement) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let account = statement.account.number();
    for entry in &mut statement.entries {
        if entry.unique_id.is_empty() {
            entry.unique_id = digest(account, entry);
        }
        let count = seen.entry(entry.unique_id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            entry.unique_id = format!("{}#{count}", entry.unique_id);
        }
    }
}

/// A digest of what a bank would not change when it sends the entry again.
fn digest(account: &str, entry: &Entry) -> String {
    let date = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let parts = [
        account.to_owned(),
        entry.amount.to_string(),
        entry.currency.clone(),
        date(entry.booking_date),
        date(entry.value_date),
        text(&entry.end_to_end),
        text(&entry.creditor_reference),
        text(&entry.counterparty),
        entry.counterparty_account.as_ref().map(|account| account.number().to_owned()).unwrap_or_default(),
        text(&entry.remittance),
    ];
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let hex = hasher.finalize().to_hex();
    hex.get(..32).unwrap_or_default().to_owned()
}

fn references(entry: &mut Entry, detail: &Element) {
    let end_to_end = detail.text_at(&["Refs", "EndToEndId"]).filter(|text| !text.eq_ignore_ascii_case("NOTPROVIDED"));
    entry.end_to_end = end_to_end.map(str::to_owned);
    let information = detail.child("RmtInf");
    let structured = || information.into_iter().flat_map(|information| information.all("Strd"));
    for reference in structured().filter_map(|structured| structured.text_at(&["CdtrRefInf", "Ref"])) {
        if Symbols::is_marked(reference) {
            entry.symbols.look_into(reference);
        } else if entry.creditor_reference.is_none() {
            entry.creditor_reference = Some(reference.to_owned());
        }
    }
    if let Some(text) = end_to_end {
        entry.symbols.look_into(text);
    }
    let texts = information.into_iter().flat_map(|information| information.all("Ustrd"));
    let texts: Vec<&str> = texts.map(|text| text.text.as_str()).filter(|text| !text.is_empty()).collect();
    let added = || structured().filter_map(|structured| structured.text_at(&["AddtlRmtInf"])).map(str::to_owned).next();
    entry.remittance = if texts.is_empty() { None } else { Some(texts.join(" ")) };
    for text in texts {
        entry.symbols.look_into(text);
    }
    // A bare number is the variable symbol only where nothing marks one.
    for reference in [entry.creditor_reference.as_deref(), end_to_end].into_iter().flatten() {
        entry.symbols.take_bare(reference);
    }
    if entry.remittance.is_none() {
        entry.remittance = added().or_else(|| detail.text_at(&["AddtlTxInf"]).map(str::to_owned));
    }
}

/// The amounts of the items, when all have one in the currency and together they make up the total.
fn divided(details: &[&Element], total: i64, currency: &str) -> Result<Option<Vec<i64>>, CamtError> {
    let mut amounts = Vec::with_capacity(details.len());
    for detail in details {
        let element = detail
            .child("Amt")
            .or_else(|| detail.at(&["AmtDtls", "TxAmt", "Amt"]))
            .or_else(|| detail.at(&["AmtDtls", "InstdAmt", "Amt"]));
        let Some(element) = element else { return Ok(None) };
        let (value, of) = amount(element)?;
        if of != currency {
            return Ok(None);
        }
        amounts.push(match detail.text_at(&["CdtDbtInd"]) {
            Some("CRDT") => value,
            Some("DBIT") => -value,
            _ if total < 0 => -value,
            _ => value,
        });
    }
    let sum: i128 = amounts.iter().map(|amount| i128::from(*amount)).sum();
    Ok((sum == i128::from(total)).then_some(amounts))
}

/// The amount and currency of an element `Amt`.
fn amount(element: &Element) -> Result<(i64, String), CamtError> {
    let currency = element.currency.clone().unwrap_or_default();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(CamtError::Amount(format!("{} {}", shortened(&element.text), shortened(&currency))));
    }
    match minor(&element.text, &currency) {
        Some(amount) => Ok((amount, currency)),
        None => Err(CamtError::Amount(format!("{} {currency}", shortened(&element.text)))),
    }
}

fn signed(amount: i64, element: &Element, number: usize) -> Result<i64, CamtError> {
    match element.text_at(&["CdtDbtInd"]) {
        Some("CRDT") => Ok(amount),
        Some("DBIT") => Ok(-amount),
        _ => Err(CamtError::Missing("CdtDbtInd", number)),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The date of an element with `Dt` or `DtTm` inside.
fn date_in(element: Option<&Element>) -> Result<Option<Date>, CamtError> {
    day(element.and_then(|element| element.text_at(&["Dt"]).or_else(|| element.text_at(&["DtTm"]))))
}

/// The day of a date or a date with time; a zone is passed over, as the bank's own day counts.
fn day(text: Option<&str>) -> Result<Option<Date>, CamtError> {
    let Some(text) = text else { return Ok(None) };
    let parsed = text.get(..10).and_then(|day| day.parse::<Date>().ok());
    parsed.map(Some).ok_or_else(|| CamtError::Date(shortened(text)))
}

fn account(element: &Element) -> Option<Account> {
    let id = element.child("Id")?;
    if let Some(iban) = id.text_at(&["IBAN"]) {
        return Some(Account::Iban(iban.split_whitespace().collect::<String>().to_ascii_uppercase()));
    }
    id.text_at(&["Othr", "Id"]).map(|number| Account::Other(number.to_owned()))
}

/// The name of a party; from version 08 on it may stand one level deeper.
fn name(party: &Element) -> Option<String> {
    let paths: [&[&str]; 3] = [&["Nm"], &["Pty", "Nm"], &["Agt", "FinInstnId", "Nm"]];
    paths.into_iter().find_map(|path| party.text_at(path)).map(str::to_owned)
}
