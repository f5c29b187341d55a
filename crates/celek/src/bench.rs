//! Measuring: what the machine gives, and what the system makes of it.

mod calibrate;
mod cost;
mod lists;
mod load;
pub mod process;
mod rates;
mod small;

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use kernel::{Error, Kernel, Module, Result};
use serde_json::{Map, Value as J, json};

use crate::{cli::LoadArgs, failure::Failure, open, output};
use cost::Cost;
pub use lists::run as lists;
use load::{STEPS, Shop, Tally};
pub use rates::{kernel, store};

/// What the callers do just now.
pub(crate) const WARM: u8 = 0;
pub(crate) const MEASURED: u8 = 1;
pub(crate) const OVER: u8 = 2;

/// `celek bench order-to-cash`.
pub fn order_to_cash(db: Option<String>, args: &LoadArgs) -> std::result::Result<ExitCode, Failure> {
    let report = on_empty(db, &[], args.json, |kernel| measure(kernel, args))?;
    if args.json {
        output::print_json(&report)
    } else {
        tell(&report)
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures on the empty database that is named, or on one in a file that is gone afterwards.
fn on_empty(
    db: Option<String>,
    further: &[&'static Module],
    json: bool,
    measure: impl FnOnce(&Arc<Kernel>) -> Result<J>,
) -> std::result::Result<J, Failure> {
    let scratch = db.is_none().then(|| std::env::temp_dir().join(format!("celek-bench-{}", std::process::id())));
    let db = db.unwrap_or_else(|| {
        let folder = scratch.clone().unwrap_or_else(|| PathBuf::from("."));
        format!("sqlite:{}", folder.join("bench.db").display())
    });
    let kernel = Arc::new(open::empty_with(&db, further).map_err(|failure| failure.in_json(json))?);
    let report = measure(&kernel).map_err(|e| Failure::of(&kernel, e, json));
    if let Ok(kernel) = Arc::try_unwrap(kernel) {
        let _ = kernel.close();
    }
    if let Some(folder) = scratch {
        let _ = std::fs::remove_dir_all(folder);
    }
    report
}

fn measure(kernel: &Arc<Kernel>, args: &LoadArgs) -> Result<J> {
    let mut calibration = calibrate::database(kernel.store())?;
    let durability = calibrate::durability(kernel.store())?;
    let shop = Shop::open(kernel, args.customers, args.products)?;
    let options = server::ServeOptions::at(SocketAddr::from(([127, 0, 0, 1], 0)));
    let running = server::start(kernel.clone(), options).map_err(|e| Error::internal(e.to_string()))?;
    calibration.insert("round_trips_per_second".to_owned(), calibrate::round_trips(running.addr())?.into());
    let measured = load(kernel, &shop, running.addr(), args);
    running.stop();
    let (tally, cost, elapsed) = measured?;
    let mut steps = Map::new();
    for (at, name) in STEPS.iter().enumerate() {
        steps.insert((*name).to_owned(), tally.percentiles(at));
    }
    let findings = kernel.check(false)?;
    let holds = findings.iter().all(kernel::Finding::holds);
    if !holds {
        return Err(Error::internal("an invariant is broken after the load"));
    }
    Ok(json!({
        "calibration": calibration,
        "durability": durability,
        "callers": args.callers,
        "orders": tally.orders,
        "seconds": round(elapsed.as_secs_f64()),
        "orders_per_second": round(tally.orders as f64 / elapsed.as_secs_f64()),
        "steps": steps,
        "per_order": cost.1.each(cost.0, tally.orders),
        "check": "clean",
    }))
}

/// Lets the callers work: a while to get warm, then the time that is measured.
fn load(kernel: &Kernel, shop: &Shop, addr: SocketAddr, args: &LoadArgs) -> Result<(Tally, (Cost, Cost), Duration)> {
    let phase = AtomicU8::new(WARM);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..args.callers)
            .map(|number| {
                let phase = &phase;
                scope.spawn(move || {
                    let done = shop.caller(addr, u64::from(number)).work(phase);
                    if done.is_err() {
                        // Nobody goes on when one is in trouble: the figures would be wrong.
                        phase.store(OVER, Ordering::SeqCst);
                    }
                    done
                })
            })
            .collect();
        rest(&phase, Duration::from_secs(args.warm_up));
        let (before, begun) = (Cost::now(kernel.store()), Instant::now());
        let _ = phase.compare_exchange(WARM, MEASURED, Ordering::SeqCst, Ordering::SeqCst);
        rest(&phase, Duration::from_secs(args.seconds));
        let (elapsed, after) = (begun.elapsed(), Cost::now(kernel.store()));
        phase.store(OVER, Ordering::SeqCst);
        let mut tally = Tally::default();
        for caller in callers {
            tally.add(caller.join().map_err(|_| Error::internal("a caller panicked"))??);
        }
        Ok((tally, (before?, after?), elapsed))
    })
}

/// Waits, unless somebody ends it sooner.
fn rest(phase: &AtomicU8, time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until && phase.load(Ordering::SeqCst) != OVER {
        std::thread::sleep(Duration::from_millis(20).min(until.saturating_duration_since(Instant::now())));
    }
}

/// A figure of a measurement to three decimals.
pub(crate) fn round(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

/// For people: the figures, a line each.
fn tell(report: &J) {
    let line = |name: &str, value: &J| output::print_line(&format!("{name:<28}{value}"));
    for (name, value) in report["calibration"].as_object().into_iter().flatten() {
        line(name, value);
    }
    for name in ["durability", "callers", "orders", "seconds", "orders_per_second"] {
        line(name, &report[name]);
    }
    for (name, step) in report["steps"].as_object().into_iter().flatten() {
        let times = format!("p50 {} ms, p95 {} ms, p99 {} ms", step["p50_ms"], step["p95_ms"], step["p99_ms"]);
        output::print_line(&format!("{name:<28}{times}"));
    }
    for (name, value) in report["per_order"].as_object().into_iter().flatten() {
        line(&format!("{name} an order"), value);
    }
    line("check", &report["check"]);
}
