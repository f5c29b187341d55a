//! What a transaction remembers is never older than what stands in the database.

use finance::{Account, Entry, EntryLine, NewEntry, PostLine};
use kernel::{Ask, Currency, Cx, Error, Kernel, Money, Options, Result};
use serde_json::json;
use trial::Trial;

use crate::MODULES;

fn found(cx: &mut Cx<'_>, code: &str) -> Result<usize> {
    Ok(cx.by::<Account>(&[("code", code.into())])?.len())
}

fn post(cx: &mut Cx<'_>) -> Result<kernel::Id<Entry>> {
    let (debit, credit) = (finance::account(cx, "write_off")?, finance::account(cx, "opening")?);
    let amount = Money::new(1_000, Currency::CZK);
    let date = cx.today();
    let lines = vec![PostLine::new(debit, amount), PostLine::new(credit, amount.negated())];
    let new = NewEntry { journal: "general", date, description: "x".into(), source: None, reverses: None, lines };
    Ok(finance::post(cx, new)?.entry)
}

#[test]
fn reads_follow_writes() {
    let trial = Trial::new(MODULES);
    let system = trial.system();
    let work = |cx: &mut Cx<'_>| -> Result<()> {
        assert_eq!((found(cx, "549")?, found(cx, "549999")?), (1, 0));
        let mut account = cx.first::<Account>(&[("code", "549".into())])?.unwrap();
        account.code = "549999".into();
        cx.save(&mut account)?;
        assert_eq!((found(cx, "549")?, found(cx, "549999")?), (0, 1));
        assert_eq!(cx.get(account.id)?.code, "549999");
        // What a part did is forgotten with it.
        let failed = cx.savepoint(|cx| -> Result<()> {
            account.code = "549".into();
            cx.save(&mut account)?;
            assert_eq!((found(cx, "549")?, found(cx, "549999")?), (1, 0));
            Err(Error::refused("no"))
        });
        assert_eq!(failed.unwrap_err().code, "no");
        assert_eq!((found(cx, "549")?, found(cx, "549999")?), (0, 1));
        let mut account = cx.get(account.id)?;
        // Another column leaves the answer as it is, with the new row.
        account.name = "Manka".into();
        cx.save(&mut account)?;
        assert_eq!(cx.first::<Account>(&[("code", "549999".into())])?.unwrap().name, "Manka");
        // Somebody writes past the records.
        cx.conn().execute("UPDATE finance_account SET name = 'Škody' WHERE code = '549999'", &[])?;
        assert_eq!(cx.get(account.id)?.name, "Škody");
        Ok(())
    };
    trial.kernel().work(&system, "test", work).unwrap();
    // And the next transaction sees what the last one left.
    trial
        .kernel()
        .work(&system, "test", |cx| {
            assert_eq!((found(cx, "549")?, found(cx, "549999")?), (0, 1));
            cx.conn().execute("UPDATE finance_account SET name = 'Manka' WHERE code = '549999'", &[])?;
            Ok(())
        })
        .unwrap();
}

#[test]
fn refused_work_is_not_remembered() {
    let trial = Trial::new(MODULES);
    let system = trial.system();
    let refused = trial.kernel().work(&system, "test", |cx| -> Result<()> {
        let mut account = cx.first::<Account>(&[("code", "549".into())])?.unwrap();
        account.code = "549999".into();
        cx.save(&mut account)?;
        assert_eq!(found(cx, "549999")?, 1);
        Err(Error::refused("no"))
    });
    assert_eq!(refused.unwrap_err().code, "no");
    trial
        .kernel()
        .work(&system, "test", |cx| {
            assert_eq!((found(cx, "549")?, found(cx, "549999")?), (1, 0));
            Ok(())
        })
        .unwrap();
}

#[test]
fn another_program_is_noticed() {
    let trial = Trial::new(MODULES);
    let system = trial.system();
    let look = || trial.kernel().work(&system, "test", |cx| Ok((found(cx, "549")?, found(cx, "549999")?))).unwrap();
    assert_eq!(look(), (1, 0));
    assert_eq!(look(), (1, 0));
    let mut all = vec![&platform::MODULE];
    all.extend_from_slice(MODULES);
    let other = Kernel::open(&trial.url(), &all, Options::default()).unwrap();
    let id = trial.list("finance.account", json!({"code": "549"}))[0]["id"].as_i64().unwrap();
    let ask = Ask::by(other.login("accounts").unwrap());
    other.change("finance.account", id, None, &json!({"code": "549999"}), &ask).unwrap();
    // At once in a file, within a second on a server.
    let started = std::time::Instant::now();
    while look() != (0, 1) {
        assert!(started.elapsed().as_secs() < 1 && trial.kernel().store().path().is_none(), "the change is not seen");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    other.close().unwrap();
}

#[test]
fn what_is_late_is_there_when_it_is_looked_for() {
    let trial = Trial::new(MODULES);
    let system = trial.system();
    trial
        .kernel()
        .work(&system, "test", |cx| {
            let first = post(cx)?;
            let failed = cx.savepoint(|cx| -> Result<()> {
                let second = post(cx)?;
                assert_eq!(cx.lines::<EntryLine>(second)?.len(), 2);
                Err(Error::refused("no"))
            });
            assert_eq!(failed.unwrap_err().code, "no");
            let third = cx.savepoint(post)?;
            assert_eq!(cx.lines::<EntryLine>(first)?.len(), 2);
            assert_eq!(cx.lines::<EntryLine>(third)?.len(), 2);
            post(cx)?;
            let counted = cx.conn().int("SELECT COUNT(*) FROM finance_entry_line", &[])?;
            assert_eq!(counted, Some(6));
            Ok(())
        })
        .unwrap();
    assert_eq!(trial.list("finance.entry", json!({})).len(), 3);
}
