//! Questions to long lists: filters, orders, depths and roles over a company with very many parties and ledger lines.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use finance::{Account, Entry, EntryLine};
use kernel::{Ask, Bounds, Currency, Filter, Id, Kernel, Money, Principal, Query, Result, Shape};
use party::{Party, PartyKind};
use serde_json::{Value as J, json};

use super::{on_empty, round};
use crate::{cli::ListsArgs, demo, failure::Failure, output};

/// Rows of one transaction while the company is made.
const TOGETHER: usize = 2_000;
/// Rows of a page that is passed on the way to the one that is measured.
const PASSED: usize = 1_000;
const SURNAMES: &[&str] = &[
    "Novák",
    "Svoboda",
    "Novotný",
    "Dvořák",
    "Černý",
    "Procházka",
    "Kučera",
    "Veselý",
    "Horák",
    "Němec",
    "Chalupa",
    "Šimek",
    "Řezníček",
    "Žák",
    "Ďurica",
    "Müller",
    "Schmidt",
    "Kovács",
];
const NAMES: &[&str] = &["Jan", "Eva", "Petr", "Hana", "Čeněk", "Šárka", "Ludmila", "Chval"];

/// `celek bench lists`.
pub fn run(db: Option<String>, args: &ListsArgs) -> std::result::Result<ExitCode, Failure> {
    let told = on_empty(db, &[], args.json, |kernel| measure(kernel, args.rows))?;
    if args.json {
        output::print_json(&told);
    } else {
        tell(&told);
    }
    Ok(ExitCode::SUCCESS)
}

fn party(n: usize) -> Party {
    let name = format!("{} {} {n}", SURNAMES[n * 7 % SURNAMES.len()], NAMES[n / 3 % NAMES.len()]);
    Party {
        name,
        kind: if n.is_multiple_of(3) { PartyKind::Company } else { PartyKind::Person },
        reg_no: n.is_multiple_of(3).then(|| format!("{:08}", n * 13)),
        vat_no: None,
        email: None,
        phone: None,
        language: None,
        // Most at home, some beside, few far away.
        country: Some(kernel::Country::from(match n % 1_000 {
            0 => "IS",
            1..=50 => "DE",
            51..=250 => "SK",
            _ => "CZ",
        })),
        credit_limit: None,
        payment_days: (!n.is_multiple_of(4)).then_some([7, 14, 30, 60][n / 4 % 4]),
        external: n.is_multiple_of(5).then(|| format!("X{n}")),
        note: None,
        merged_into: None,
    }
}

/// Makes the company: so many parties, and twice as many lines in its ledger.
fn fill(kernel: &Kernel, rows: usize) -> Result<()> {
    demo::found(kernel, "Bench s.r.o.", false)?;
    let (who, accounts) = (kernel.login("admin")?, kernel.login("accounts")?);
    let mut parties: Vec<Id<Party>> = Vec::with_capacity(rows);
    for from in (0..rows).step_by(TOGETHER) {
        let made = kernel.work(&who, "celek.bench", |cx| {
            cx.insert_all((from..rows.min(from + TOGETHER)).map(party).collect::<Vec<Party>>())
        })?;
        parties.extend(made);
    }
    let (all, entries) = kernel.read(&who, |cx| {
        let all: Vec<Id<Account>> = cx.find::<Account>(Filter::ALL)?.iter().map(|a| a.id).collect();
        Ok((all, Vec::<Id<Entry>>::new()))
    })?;
    let mut entries = entries;
    // Lines stand in entries that were posted as any other.
    let free = kernel.read(&who, |cx| cx.find::<Account>(Filter::empty("controlled_by")))?;
    let lines: Vec<J> = free
        .iter()
        .take(2)
        .zip(["1", "-1"])
        .map(|(account, amount)| json!({"account": account.id.raw(), "amount": {"amount": amount, "currency": "CZK"}}))
        .collect();
    for month in 1..=9 {
        let input = json!({"date": format!("2026-{month:02}-15"), "description": "Bench", "lines": lines});
        let answer = kernel.run("finance.entry.post", &input, &Ask::by(accounts.clone()))?;
        entries.extend(answer.output["entry"].as_i64().map(Id::new));
    }
    for from in (0..rows * 2).step_by(TOGETHER) {
        kernel.work(&who, "celek.bench", |cx| {
            let line = |n: usize| -> Result<EntryLine> {
                let amount = Money::new((n as i64 * 7_919) % 1_000_000 - 500_000, Currency::CZK);
                Ok(EntryLine {
                    entry: entries[n % entries.len()],
                    account: all[n * 31 % all.len()],
                    party: (!n.is_multiple_of(3)).then(|| parties[n * 17 % parties.len()]),
                    amount,
                    document: amount,
                    item: None,
                    tax_percent: None,
                })
            };
            let made = (from..(rows * 2).min(from + TOGETHER)).map(line).collect::<Result<Vec<_>>>()?;
            cx.insert_all(made)
        })?;
    }
    // Who sells sees the neighbours only.
    let roles = kernel.list(&who, &Query { limit: 100, ..Query::of("platform.role") }, &Shape::default())?;
    let sales = roles["rows"].as_array().into_iter().flatten().find(|role| role["code"] == "sales");
    let rule = json!({"role": sales.map(|role| role["id"].clone()), "entity": "party.party", "read": true, "write": false,
        "filter": {"country": ["CZ", "SK", "IS"]}});
    kernel.create("platform.rule", &rule, &Ask::by(who)).map(|_| ())
}

/// A kind of question: entity, who asks, conditions, orders, how many pages lie before.
struct Kind {
    entity: &'static str,
    logins: &'static [&'static str],
    filters: Vec<J>,
    sorts: &'static [&'static str],
    depths: &'static [usize],
}

fn kinds(rows: usize) -> Vec<Kind> {
    let account = json!({"account.code": "311000"});
    vec![
        Kind {
            entity: "party.party",
            logins: &["admin", "sales"],
            filters: vec![
                json!({}),
                json!({"country": "CZ"}),
                json!({"country": "IS"}),
                json!({"country": ["SK", "DE"]}),
                json!({"kind": "person"}),
                json!({"name": {"starts": "novák"}}),
                json!({"name": {"contains": format!(" {}", rows - 1)}}),
                json!({"payment_days": {"ge": 30}}),
                json!({"payment_days": null}),
                json!({"reg_no": format!("{:08}", 39 * 13)}),
                json!({"external": {"between": ["X1000", "X1100"]}}),
                json!({"and": [{"country": "SK"}, {"kind": "person"}, {"payment_days": 14}]}),
                json!({"or": [{"country": "IS"}, {"reg_no": format!("{:08}", 3 * 13)}]}),
                json!({"not": {"country": "CZ"}}),
                json!({"merged_into.country": "IS"}),
            ],
            sorts: &["-id", "name", "-name", "country", "reg_no", "payment_days", "-external"],
            depths: &[0, 3],
        },
        Kind {
            entity: "finance.entry_line",
            logins: &["accounts", "manager"],
            filters: vec![
                json!({}),
                account,
                json!({"party.country": "DE"}),
                json!({"party.country": "IS"}),
                json!({"amount": {"ge": {"amount": "4990", "currency": "CZK"}}}),
                json!({"entry.date": {"between": ["2026-03-01", "2026-04-30"]}}),
                json!({"and": [{"entry.date": "2026-05"}, {"party.payment_days": {"lt": 14}}]}),
            ],
            sorts: &["-id", "account", "amount", "party.name"],
            depths: &[0, 4],
        },
    ]
}

/// What was measured.
#[derive(Default)]
struct Tally {
    times: Vec<Duration>,
    slowest: (Duration, String),
    refused: BTreeMap<String, usize>,
    incomplete: usize,
    counts: Vec<Duration>,
}

fn measure(kernel: &Arc<Kernel>, rows: usize) -> Result<J> {
    let begun = Instant::now();
    fill(kernel, rows)?;
    let made = begun.elapsed();
    let mut tally = Tally::default();
    for kind in kinds(rows) {
        for login in kind.logins {
            let who = kernel.login(login)?;
            for filter in &kind.filters {
                for sort in kind.sorts {
                    for depth in kind.depths {
                        let query = Query {
                            filter: Some(Filter::parse(filter)?),
                            bounds: Some(Bounds::LIST),
                            ..Query::of(kind.entity)
                        };
                        ask(kernel, &who, query.sort_text(sort), *depth, &mut tally)?;
                    }
                }
                let query = Query {
                    filter: Some(Filter::parse(filter)?),
                    bounds: Some(Bounds::LIST),
                    ..Query::of(kind.entity)
                };
                let since = Instant::now();
                kernel.read(&who, |cx| cx.counted(&query, true))?;
                tally.counts.push(since.elapsed());
            }
        }
    }
    Ok(told(rows, made, tally))
}

/// Asks one question, after the pages that lie before it; what is refused has to say what would help.
fn ask(kernel: &Kernel, who: &Arc<Principal>, query: Query, depth: usize, tally: &mut Tally) -> Result<()> {
    let mut query = Query { limit: PASSED, ..query };
    for _ in 0..depth {
        match kernel.read(who, |cx| cx.page(&query, true)) {
            Ok(page) if page.next.is_some() => query.after = page.next,
            // The list is not so long, or it is refused: that is measured at its beginning.
            _ => break,
        }
    }
    query.limit = 50;
    let since = Instant::now();
    let answer = kernel.read(who, |cx| {
        let page = cx.page(&query, true)?;
        let shape = Shape { titles: true, ..Shape::default() };
        cx.present(&query.entity, &page.rows, &shape)?;
        Ok(page.incomplete)
    });
    let took = since.elapsed();
    match answer {
        Ok(incomplete) => tally.incomplete += usize::from(incomplete),
        Err(error) if error.code == "query_too_wide" => {
            *tally.refused.entry(format!("{} by {:?}", query.entity, query.sort)).or_default() += 1;
        }
        Err(error) => return Err(error),
    }
    if took > tally.slowest.0 {
        tally.slowest = (took, format!("{}: {:?} {:?} after {depth} pages", who.login, query.filter, query.sort));
    }
    tally.times.push(took);
    Ok(())
}

fn told(rows: usize, made: Duration, mut tally: Tally) -> J {
    let ms = |time: Duration| round(time.as_secs_f64() * 1_000.0);
    let spread = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        let at = |part: usize| times.get(times.len().saturating_sub(1) * part / 100).copied().unwrap_or_default();
        json!({"p50_ms": ms(at(50)), "p95_ms": ms(at(95)), "p99_ms": ms(at(99)), "max_ms": ms(at(100))})
    };
    let over = tally.times.iter().filter(|time| **time > Duration::from_millis(300)).count();
    json!({
        "parties": rows,
        "ledger_lines": rows * 2,
        "made_seconds": round(made.as_secs_f64()),
        "questions": tally.times.len(),
        "pages": spread(&mut tally.times),
        "over_300_ms": over,
        "slowest": tally.slowest.1,
        "counts": spread(&mut tally.counts),
        "incomplete": tally.incomplete,
        "refused_with_advice": tally.refused,
    })
}

fn tell(report: &J) {
    for (name, value) in report.as_object().into_iter().flatten() {
        match value {
            J::Object(parts) => {
                for (part, value) in parts {
                    output::print_line(&format!("{:<28}{value}", format!("{name} {part}")));
                }
            }
            value => output::print_line(&format!("{name:<28}{value}")),
        }
    }
}
