//! Statements of banks, statements of our own, and files that must be refused.

use std::path::PathBuf;

use bank::{Account, Balance, CamtError, Entry, MAX_BYTES, Statement, Symbols, read_camt053, write_camt053};
use jiff::civil::date;

/// The directory of sample files that stands beside the checkout.
fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/bank")
}

fn sample(name: &str) -> Vec<u8> {
    let path = data().join(name);
    match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => panic!("the sample {} is missing ({error}): it is not part of the repository", path.display()),
    }
}

fn statements(name: &str) -> Vec<Statement> {
    match read_camt053(&sample(name)) {
        Ok(statements) => statements,
        Err(error) => panic!("{name}: {error}"),
    }
}

#[test]
fn samples_hold_what_is_known_of_them() {
    let facts: serde_json::Value = match serde_json::from_slice(&sample("facts.json")) {
        Ok(facts) => facts,
        Err(error) => panic!("facts.json: {error}"),
    };
    let mut checked = 0;
    for (name, fact) in facts["files"].as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("camt/")) {
        let read = statements(name);
        let known = fact["statements"].as_array().cloned().unwrap_or_default();
        assert_eq!(read.len(), known.len(), "{name}");
        for (statement, fact) in read.iter().zip(&known) {
            assert_eq!(Some(statement.id.as_str()), fact["id"].as_str());
            assert_eq!(Some(statement.account.number()), fact["account"].as_str());
            assert_eq!(Some(statement.entries.len() as u64), fact["transaction_details"].as_u64());
            for (balance, kind) in [(statement.opening, "OPBD"), (statement.closing, "CLBD")] {
                let fact = fact["balances"].as_array().and_then(|all| all.iter().find(|one| one["type"] == kind));
                let fact = fact.unwrap_or(&serde_json::Value::Null);
                let sign = if fact["mark"] == "DBIT" { "-" } else { "" };
                let text = balance.map(|balance| lang::plain(balance.amount, 2));
                assert_eq!(text, fact["amount"].as_str().map(|amount| format!("{sign}{amount}")));
                let day = balance.and_then(|balance| balance.date).map(|day| day.to_string());
                assert_eq!(day.as_deref(), fact["date"].as_str());
                assert_eq!(Some(statement.currency.as_str()), fact["currency"].as_str());
            }
            let sum: i128 = statement.entries.iter().map(|entry| i128::from(entry.amount)).sum();
            assert_eq!(Some(lang::plain(sum, 2).as_str()), fact["sum_of_entries"].as_str());
            let agrees = statement.difference() == Some(0);
            assert_eq!(Some(agrees), fact["opening_plus_entries_equals_closing"].as_bool());
            checked += 1;
        }
    }
    assert_eq!(checked, 2);
}

#[test]
fn a_batch_of_a_swiss_bank() {
    let read = statements("camt/oca__test-camt053-txdtls.xml");
    let entries = &read[0].entries;
    assert_eq!(read[0].sequence, Some(58));
    assert_eq!((read[0].from, read[0].to), (Some(date(2017, 3, 23)), Some(date(2017, 3, 23))));
    assert_eq!(entries.iter().map(|entry| entry.amount).collect::<Vec<_>>(), [218_700, 129_600]);
    assert_eq!(entries[0].creditor_reference.as_deref(), Some("302388292000011111111111111"));
    assert_eq!(entries[0].symbols, Symbols::default());
    assert_eq!(entries[0].counterparty.as_deref(), Some("Banque Cantonale Vaudoise"));
    assert_eq!(entries[0].counterparty_account, Some(Account::Iban("CH2222000000123456789".into())));
    assert_eq!(entries[0].unique_id, "123456CHCAFEBABE");
    assert_eq!(entries[1].unique_id, "123456CHCAFEBABE#2");
    assert_eq!(entries[0].value_date, Some(date(2017, 3, 23)));
    assert!(!entries[0].undivided && !entries[0].reversal);
}

#[test]
fn entries_of_a_dutch_bank() {
    let read = statements("camt/oca__test-camt053.xml");
    let entries = &read[0].entries;
    assert_eq!(entries.iter().map(|entry| entry.amount).collect::<Vec<_>>(), [-75_425, -56_405, -10_000, 140_531]);
    assert_eq!(entries.iter().map(|entry| entry.reversal).collect::<Vec<_>>(), [false, true, true, false]);
    assert_eq!(entries[0].counterparty.as_deref(), Some("INSURANCE COMPANY TESTX"));
    assert_eq!(entries[1].counterparty.as_deref(), Some("Test Customer"));
    assert_eq!(entries[3].counterparty_account, Some(Account::Iban("NL69ABNA0522123643".into())));
    assert_eq!(entries[3].end_to_end.as_deref(), Some("115"));
    assert_eq!(entries[3].symbols.variable.as_deref(), Some("115"));
    assert_eq!(entries[3].remittance.as_deref(), Some("#RD PARTY MEDIA CUSNO 90782 4210773"));
    let ids: std::collections::BTreeSet<_> = entries.iter().map(|entry| &entry.unique_id).collect();
    assert_eq!(ids.len(), 4);
    assert!(entries.iter().all(|entry| entry.unique_id.len() == 32));
    assert_eq!(read, statements("camt/oca__test-camt053.xml"), "the identifications do not change");
}

fn entry(number: usize, amount: i64) -> Entry {
    let some = |text: &str| Some(text.to_owned());
    Entry {
        amount,
        currency: "CZK".into(),
        reversal: number % 7 == 3,
        booking_date: Some(date(2026, 11, 24)),
        value_date: number.is_multiple_of(2).then(|| date(2026, 11, 25)),
        end_to_end: number.is_multiple_of(3).then(|| format!("E2E-{number}")),
        creditor_reference: (number % 5 == 1).then(|| "RF18539007547034".into()),
        symbols: Symbols { variable: Some(format!("{}", 2_026_000 + number)), specific: None, constant: some("0308") },
        counterparty: (number % 4 != 2).then(|| "Dřevo & syn <„Dub“>, s.r.o.".into()),
        counterparty_account: match number % 3 {
            0 => None,
            1 => Some(Account::Iban("CZ6508000000192000145399".into())),
            _ => Some(Account::Other("19-2000145399/0800".into())),
        },
        remittance: (number % 6 != 5).then(|| format!("Platba faktury ]]> {number} 'a' \"b\"")),
        unique_id: format!("2026-{number}"),
        undivided: false,
    }
}

fn statement(entries: Vec<Entry>) -> Statement {
    let sum: i64 = entries.iter().map(|entry| entry.amount).sum();
    Statement {
        id: "2026/11".into(),
        sequence: Some(11),
        account: Account::Iban("CZ5508000000001234567899".into()),
        currency: "CZK".into(),
        from: Some(date(2026, 11, 1)),
        to: Some(date(2026, 11, 30)),
        opening: Some(Balance { amount: -50_000, date: Some(date(2026, 11, 1)) }),
        closing: Some(Balance { amount: sum - 50_000, date: Some(date(2026, 11, 30)) }),
        entries,
        not_booked: 0,
    }
}

#[test]
fn what_is_written_is_read_back() {
    let amounts = [1, -1, 48_050, -99_999_999_999, i64::MAX / 4, 0, 100, -7, 12, -13];
    let written = statement(amounts.iter().enumerate().map(|(number, amount)| entry(number, *amount)).collect());
    let text = write_camt053(&written);
    assert_eq!(read_camt053(text.as_bytes()), Ok(vec![written.clone()]));
    assert_eq!(written.difference(), Some(0));
    let prefixed = text.replace("<", "<a:").replace("<a:/", "</a:").replace("<a:?", "<?");
    assert_eq!(read_camt053(prefixed.as_bytes()), Ok(vec![written]), "prefixes do not matter");
    let bare = Statement { sequence: None, from: None, to: None, opening: None, closing: None, ..statement(vec![]) };
    assert_eq!(read_camt053(write_camt053(&bare).as_bytes()), Ok(vec![bare.clone()]));
    assert_eq!(bare.difference(), None);
}

fn document(inside: &str) -> String {
    format!(
        "<?xml version='1.0' encoding='UTF-8'?><Document xmlns='urn:x'><BkToCstmrStmt><Stmt><Id>S</Id><Acct><Id><Othr>\
         <Id>123/0800</Id></Othr></Id><Ccy>CZK</Ccy></Acct>{inside}</Stmt></BkToCstmrStmt></Document>"
    )
}

fn one(inside: &str) -> Result<Statement, CamtError> {
    read_camt053(document(inside).as_bytes()).map(|mut all| all.remove(0))
}

const HEAD: &str = "<Amt Ccy='CZK'>10</Amt><CdtDbtInd>CRDT</CdtDbtInd>";

#[test]
fn other_versions_and_habits() {
    let version_8 = format!(
        "<Ntry><NtryRef>7</NtryRef>{HEAD}<Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>2026-11-24T23:59:59+01:00</DtTm></BookgDt>\
         <NtryDtls><TxDtls><Refs><EndToEndId>/VS0123/SS4/KS0308</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>A &amp; B</Nm></Pty>\
         </Dbtr></RltdPties><RmtInf><Ustrd>první</Ustrd><Ustrd>druhý &#x17e;</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\
         <Ntry>{HEAD}<Sts><Cd>PDNG</Cd></Sts></Ntry><Ntry>{HEAD}<Sts>INFO</Sts></Ntry><Ntry>{HEAD}<AddtlNtryInf>poplatek\
         <![CDATA[ <VS>]]>&lt;</AddtlNtryInf></Ntry><Ntry/>"
    );
    let without_last = version_8.trim_end_matches("<Ntry/>");
    assert_eq!(one(&version_8), Err(CamtError::Missing("Ntry/Amt", 3)));
    let Ok(read) = one(without_last) else { panic!("refused") };
    assert_eq!((read.entries.len(), read.not_booked), (2, 2));
    let first = &read.entries[0];
    assert_eq!(first.counterparty.as_deref(), Some("A & B"));
    assert_eq!(first.booking_date, Some(date(2026, 11, 24)));
    assert_eq!(first.remittance.as_deref(), Some("první druhý ž"));
    assert_eq!(first.symbols.variable.as_deref(), Some("123"));
    assert_eq!(first.symbols.constant.as_deref(), Some("0308"));
    assert_eq!(first.unique_id, "S/7");
    assert_eq!(read.entries[1].remittance.as_deref(), Some("poplatek <VS><"));
    assert_eq!(read.difference(), None);
}

#[test]
fn batches() {
    let detail = |amount: &str| format!("<TxDtls><Amt Ccy='CZK'>{amount}</Amt></TxDtls>");
    let batch =
        |details: String| one(&format!("<Ntry>{HEAD}<NtryDtls>{details}</NtryDtls></Ntry>")).map(|all| all.entries);
    let amounts = |entries: Result<Vec<Entry>, CamtError>| {
        entries.map(|all| all.iter().map(|entry| (entry.amount, entry.undivided)).collect::<Vec<_>>())
    };
    assert_eq!(amounts(batch(detail("4") + &detail("6"))), Ok(vec![(400, false), (600, false)]));
    assert_eq!(amounts(batch(detail("4") + &detail("5.99"))), Ok(vec![(1_000, true)]));
    assert_eq!(amounts(batch(detail("10") + "<TxDtls/>")), Ok(vec![(1_000, true)]));
    let foreign = "<TxDtls><Amt Ccy='EUR'>10</Amt></TxDtls><TxDtls/>".to_owned();
    assert_eq!(amounts(batch(foreign)), Ok(vec![(1_000, true)]));
    let mixed =
        "<TxDtls><Amt Ccy='CZK'>11</Amt></TxDtls><TxDtls><Amt Ccy='CZK'>1</Amt><CdtDbtInd>DBIT</CdtDbtInd></TxDtls>";
    assert_eq!(amounts(batch(mixed.to_owned())), Ok(vec![(1_100, false), (-100, false)]));
    assert_eq!(amounts(batch(detail("1e1") + &detail("1"))), Err(CamtError::Amount("1e1 CZK".into())));
}

#[test]
fn hostile_files() {
    let refused = |text: &str| read_camt053(text.as_bytes());
    assert_eq!(refused(""), Err(CamtError::NotCamt053));
    assert_eq!(refused("<Document/>"), Err(CamtError::NotCamt053));
    assert_eq!(refused("<BkToCstmrStmt/>"), Err(CamtError::NotCamt053));
    assert_eq!(refused("<Stmt><Ntry/></Stmt>"), Err(CamtError::NotCamt053));
    let bomb = "<!DOCTYPE a [<!ENTITY x \"xx\">]><Document>&x;</Document>";
    assert_eq!(refused(bomb), Err(CamtError::DocumentType));
    assert!(matches!(one("<Ntry>&x;</Ntry>"), Err(CamtError::Xml(_))));
    assert!(matches!(one("<Ntry>&#0;</Ntry>"), Err(CamtError::Xml(_))));
    assert!(matches!(refused("<a></b>"), Err(CamtError::Xml(_))));
    assert!(matches!(refused("<Document><BkToCstmrStmt><Stmt><Ntry>"), Err(CamtError::Xml(_))));
    assert!(matches!(refused("<Document><BkToCstmrStmt><Stmt>"), Err(CamtError::Xml(_))));
    assert_eq!(refused(&"<a>".repeat(100_000)), Err(CamtError::TooDeep));
    assert_eq!(one(&("<Ntry>".repeat(100) + &"</Ntry>".repeat(100))), Err(CamtError::TooDeep));
    assert_eq!(read_camt053(&vec![b' '; MAX_BYTES + 1]), Err(CamtError::TooBig));
    assert_eq!(read_camt053(b"<a>\xff</a>"), Err(CamtError::Encoding));
    assert_eq!(refused("<?xml version='1.0' encoding='windows-1250'?><a/>"), Err(CamtError::Encoding));
    assert_eq!(one("<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp></Bal>"), Err(CamtError::Missing("Bal/Amt", 1)));
    let entry = |amount: &str| one(&format!("<Ntry>{amount}<CdtDbtInd>CRDT</CdtDbtInd></Ntry>")).map(|_| ());
    assert_eq!(entry("<Amt Ccy='CZK'>-1</Amt>"), Err(CamtError::Amount("-1 CZK".into())));
    assert_eq!(
        entry("<Amt Ccy='CZK'>99999999999999999999</Amt>"),
        Err(CamtError::Amount("99999999999999999999 CZK".into()))
    );
    assert_eq!(entry("<Amt Ccy='kč'>1</Amt>"), Err(CamtError::Amount("1 kč".into())));
    assert_eq!(entry("<Amt>1</Amt>"), Err(CamtError::Amount("1 ".into())));
    assert_eq!(one("<Ntry><Amt Ccy='CZK'>1</Amt></Ntry>"), Err(CamtError::Missing("CdtDbtInd", 1)));
    let dated = |text: &str| one(&format!("<Ntry>{HEAD}<BookgDt><Dt>{text}</Dt></BookgDt></Ntry>")).map(|_| ());
    assert_eq!(dated("2026-02-30"), Err(CamtError::Date("2026-02-30".into())));
    assert_eq!(dated("žžžžžžžžž"), Err(CamtError::Date("žžžžžžžžž".into())));
    assert_eq!(dated("2026-02-28"), Ok(()));
}

#[test]
fn no_prefix_of_a_file_panics() {
    let text = write_camt053(&statement((0..3).map(|number| entry(number, 100)).collect()));
    for end in 0..text.len() {
        let whole = read_camt053(&text.as_bytes()[..end]).is_ok();
        assert!(!whole || end + 2 > text.len(), "a file cut at {end} was taken");
    }
}

#[test]
fn many_entries_are_read_quickly() {
    let start = std::time::Instant::now();
    let written = statement((0..20_000).map(|number| entry(number, 100)).collect());
    let text = write_camt053(&written);
    assert_eq!(read_camt053(text.as_bytes()).map(|all| all[0].entries.len()), Ok(20_000));
    println!("20,000 entries, {} kB: {:?}", text.len() / 1000, start.elapsed());
}
