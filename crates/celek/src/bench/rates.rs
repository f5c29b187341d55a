//! Durable work a second of callers in the same process, beside what the database gives by itself in the same run.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use kernel::{Ask, Error, Kernel, Result};
use serde_json::{Value as J, json};
use store::Value;

use super::{calibrate, cost::Cost, on_empty, round, small};
use crate::{cli::RateArgs, demo, failure::Failure, output};

/// How many callers work at the same time, one after the other.
const CALLERS: [usize; 4] = [1, 16, 64, 256];
/// Before it is measured they work this part of the time to get warm.
const WARM: u32 = 5;
const TABLE: &str = "CREATE TABLE x_bench_store (n BIGINT, t TEXT)";
const INSERT: &str = "INSERT INTO x_bench_store (n, t) VALUES (?, ?)";

/// `celek bench store`: one small row each.
pub fn store(db: Option<String>, args: &RateArgs) -> std::result::Result<ExitCode, Failure> {
    let time = Duration::from_secs(args.seconds);
    let told = on_empty(db, &[], args.json, |kernel| {
        let store = kernel.store();
        store.write(|conn| conn.batch(TABLE))?;
        let row = [Value::Int(1), "a line of ordinary length, as they stand in an audit".into()];
        let runs = CALLERS.map(|callers| {
            let raw = store.raw_rate(callers, 1, time)?;
            let run = callers_work(kernel, callers, time, &|_| {
                Ok(store.write(|conn| conn.execute(INSERT, &row).map(|_| ()))?)
            })?;
            Ok(run.told(callers, raw))
        });
        store.write(|conn| conn.batch("DROP TABLE x_bench_store"))?;
        report(kernel, runs)
    })?;
    tell(&told, args.json);
    Ok(ExitCode::SUCCESS)
}

/// `celek bench kernel`: a small operation each, with its log, audit and event.
pub fn kernel(db: Option<String>, args: &RateArgs) -> std::result::Result<ExitCode, Failure> {
    let time = Duration::from_secs(args.seconds);
    let told = on_empty(db, &[&small::MODULE], args.json, |kernel| {
        demo::found(kernel, "Bench s.r.o.", false)?;
        let who = kernel.login("sales")?;
        let mut counters = Vec::new();
        for n in 0..CALLERS[CALLERS.len() - 1] {
            let body = json!({"name": format!("Counter {n}")});
            let made = kernel.create("bench.counter", &body, &Ask::by(who.clone()))?;
            counters.push(json!({"counter": made.output["id"]}));
        }
        let counted = AtomicU64::new(0);
        let runs = CALLERS.map(|callers| {
            let raw = kernel.store().raw_rate(callers, 1, time)?;
            let run = callers_work(kernel, callers, time, &|caller| {
                kernel.run("bench.counter.add", &counters[caller], &Ask::by(who.clone()))?;
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })?;
            // What the operation writes as bare rows: so much of the rest is the kernel's own work.
            let rows = written_rows(kernel, counted.load(Ordering::Relaxed))?;
            let same = kernel.store().raw_rate(callers, rows, time)?;
            let mut told = run.told(callers, raw);
            told["rows_each"] = rows.into();
            told["raw_same_rows_per_second"] = round(same).into();
            told["ratio_same_rows"] = round(run.rate() / same).into();
            Ok(told)
        });
        let told = report(kernel, runs)?;
        proven(kernel, counted.into_inner())?;
        Ok(told)
    })?;
    tell(&told, args.json);
    Ok(ExitCode::SUCCESS)
}

/// Rows that each operation leaves or changes: those of the log and of the audit, and the record itself.
fn written_rows(kernel: &Kernel, operations: u64) -> Result<usize> {
    let sql = "SELECT (SELECT count(*) FROM sys_operation WHERE name = 'bench.counter.add') \
               + (SELECT count(*) FROM sys_audit WHERE entity = 'bench.counter' AND kind = 'changed')";
    let rows = kernel.store().read(|conn| conn.int(sql, &[]))?.and_then(|rows| u64::try_from(rows).ok());
    Ok(usize::try_from(rows.unwrap_or(0).div_ceil(operations.max(1))).unwrap_or(0) + 1)
}

/// The counters hold what was answered, and everything else holds too.
fn proven(kernel: &Kernel, counted: u64) -> Result<()> {
    let sql = "SELECT CAST(sum(\"count\") AS bigint) FROM bench_counter";
    let sql = if kernel.store().dialect() == store::Dialect::Sqlite {
        "SELECT sum(\"count\") FROM bench_counter"
    } else {
        sql
    };
    let stands = kernel.store().read(|conn| conn.int(sql, &[]))?.and_then(|sum| u64::try_from(sum).ok());
    if stands != Some(counted) {
        return Err(Error::internal(format!("{counted} operations were answered, {stands:?} were counted")));
    }
    match kernel.check(false)?.iter().all(kernel::Finding::holds) {
        true => Ok(()),
        false => Err(Error::internal("an invariant is broken after the load")),
    }
}

/// What callers did in the measured time.
struct Measured {
    done: u64,
    time: Duration,
    each: J,
}

impl Measured {
    fn rate(&self) -> f64 {
        self.done as f64 / self.time.as_secs_f64()
    }

    fn told(&self, callers: usize, raw: f64) -> J {
        json!({
            "callers": callers, "operations": self.done, "seconds": round(self.time.as_secs_f64()),
            "per_second": round(self.rate()), "raw_per_second": round(raw), "ratio": round(self.rate() / raw),
            "each": self.each,
        })
    }
}

/// So many callers do one thing again and again, each on a thread of its own.
fn callers_work(
    kernel: &Kernel,
    callers: usize,
    time: Duration,
    once: &(dyn Fn(usize) -> Result<()> + Sync),
) -> Result<Measured> {
    let (over, done) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|caller| {
                let (over, done) = (&over, &done);
                scope.spawn(move || -> Result<()> {
                    while !over.load(Ordering::Relaxed) {
                        // Nobody goes on when one is in trouble: the figures would be wrong.
                        once(caller).inspect_err(|_| over.store(true, Ordering::Relaxed))?;
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(())
                })
            })
            .collect();
        std::thread::sleep(time / WARM);
        let before = Cost::now(kernel.store()).map(|cost| (cost, done.load(Ordering::Relaxed), Instant::now()));
        std::thread::sleep(time);
        let (finished, ended) = (done.load(Ordering::Relaxed), Instant::now());
        let after = Cost::now(kernel.store());
        over.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(|_| Error::internal("a caller panicked"))??;
        }
        let (before, begun_with, begun) = before?;
        let done = finished - begun_with;
        Ok(Measured { done, time: ended - begun, each: after?.each(before, done) })
    })
}

fn report(kernel: &Kernel, runs: [Result<J>; CALLERS.len()]) -> Result<J> {
    let runs = runs.into_iter().collect::<Result<Vec<J>>>()?;
    Ok(json!({"durability": calibrate::durability(kernel.store())?, "runs": runs}))
}

fn tell(told: &J, json: bool) {
    if json {
        return output::print_json(told);
    }
    output::print_line(&format!("durability {}", told["durability"].as_str().unwrap_or_default()));
    for run in told["runs"].as_array().into_iter().flatten() {
        let figures = run.as_object().into_iter().flatten().filter(|(_, value)| !value.is_object());
        let figures: Vec<String> = figures.map(|(name, value)| format!("{} {value}", name.replace('_', " "))).collect();
        output::print_line(&figures.join(", "));
    }
}
