//! Figures for those who run it (Prometheus text format), and whether it is ready.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use kernel::{Error, Principal, Result};
use serde_json::json;

use crate::{
    app::{App, Call},
    guard,
    reply::{self, Reply},
};

/// Upper bounds of the histogram, in milliseconds.
const BOUNDS: [u64; 8] = [1, 5, 20, 50, 100, 500, 1_000, 5_000];

/// Counters of this process.
pub(crate) struct Metrics {
    started: Instant,
    classes: [AtomicU64; 6],
    buckets: [AtomicU64; 8],
    micros: AtomicU64,
    running: Arc<AtomicU64>,
    pub jobs: AtomicU64,
    pub letters: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            classes: Default::default(),
            buckets: Default::default(),
            micros: AtomicU64::new(0),
            running: Arc::default(),
            jobs: AtomicU64::new(0),
            letters: AtomicU64::new(0),
        }
    }
}

/// A request that runs.
pub(crate) struct Running(Arc<AtomicU64>);
impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    pub fn begin(&self) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(self.running.clone())
    }
    pub fn done(&self, status: u16, took: Duration) {
        self.classes[usize::from(status / 100).min(5)].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            if micros <= bound * 1_000 {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    fn text(&self, streams: usize, commits: u64) -> String {
        let load = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let mut out = String::new();
        let total: u64 = self.classes.iter().map(load).sum();
        let _ = writeln!(out, "# TYPE celek_requests_total counter");
        for (class, n) in self.classes.iter().enumerate().skip(1) {
            let _ = writeln!(out, "celek_requests_total{{status=\"{class}xx\"}} {}", load(n));
        }
        let _ = writeln!(out, "# TYPE celek_request_seconds histogram");
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            let seconds = bound as f64 / 1_000.0;
            let _ = writeln!(out, "celek_request_seconds_bucket{{le=\"{seconds}\"}} {}", load(bucket));
        }
        let _ = writeln!(out, "celek_request_seconds_bucket{{le=\"+Inf\"}} {total}");
        let _ = writeln!(out, "celek_request_seconds_sum {}", load(&self.micros) as f64 / 1e6);
        let _ = writeln!(out, "celek_request_seconds_count {total}");
        for (name, kind, value) in [
            ("celek_requests_running", "gauge", load(&self.running)),
            ("celek_event_streams", "gauge", streams as u64),
            ("celek_commits_total", "counter", commits),
            ("celek_jobs_total", "counter", load(&self.jobs)),
            ("celek_letters_total", "counter", load(&self.letters)),
            ("celek_uptime_seconds", "gauge", self.started.elapsed().as_secs()),
        ] {
            let _ = writeln!(out, "# TYPE {name} {kind}\n{name} {value}");
        }
        out
    }
}

/// Answers the figures: to this machine, and to administrators.
pub(crate) fn tell(app: &App, call: &Call) -> Result<Reply> {
    let forwarded = ["forwarded", "x-forwarded-for"].iter().any(|h| call.headers.contains_key(*h));
    if forwarded || !call.address.to_canonical().is_loopback() {
        let who = guard::authenticate(app, call, false)?.who(None)?;
        if !who.is_admin() {
            return Err(Error::forbidden("metrics"));
        }
    }
    let text = app.metrics.text(app.streams.load(Ordering::Relaxed), app.kernel.store().commits());
    Ok(reply::of(200, "text/plain; version=0.0.4; charset=utf-8", text))
}

/// Whether the database answers.
pub(crate) fn ready(app: &App) -> Result<Reply> {
    let nobody = Arc::new(Principal::system(Arc::default()));
    let answers = app.kernel.read(&nobody, |cx| Ok(cx.conn().int("SELECT 1", &[])?));
    let stopping = app.stopping.load(Ordering::Acquire);
    match answers {
        Ok(Some(1)) if !stopping => Ok(reply::json(200, &json!({"ready": true}))),
        _ => Err(Error::new(503, "busy")),
    }
}
