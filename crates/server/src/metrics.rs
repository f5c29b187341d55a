//! Figures for those who run it (Prometheus text format), and whether it is ready.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::Method;
use kernel::{Error, Principal, Result};
use serde_json::json;

use crate::{
    app::{App, Call},
    guard,
    reply::{self, Reply},
};

/// Upper bounds of the histograms, in milliseconds.
const BOUNDS: [u64; 10] = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000];

/// Kinds of requests: few and fixed, so that nobody can make more of them by asking.
const CLASSES: [&str; 9] = ["list", "record", "write", "operation", "draft", "file", "meta", "session", "other"];

fn class(method: &Method, path: &str) -> usize {
    let reads = method == Method::GET || method == Method::HEAD;
    let parts: Vec<&str> = path.trim_matches('/').split('/').take(6).collect();
    let name = match parts.as_slice() {
        ["api", "v1", "entities", _] if reads => "list",
        ["api", "v1", "entities", _, "draft"] => "draft",
        ["api", "v1", "entities", ..] if reads => "record",
        ["api", "v1", "entities", ..] => "write",
        ["api", "v1", "operations", _] => "operation",
        ["api", "v1", "files", ..] => "file",
        ["api", "v1", "meta" | "openapi.json"] => "meta",
        ["api", "v1", "session" | "setup"] => "session",
        _ => "other",
    };
    CLASSES.iter().position(|known| *known == name).unwrap_or(CLASSES.len() - 1)
}

/// Requests of one kind.
#[derive(Default)]
struct Requests {
    statuses: [AtomicU64; 6],
    buckets: [AtomicU64; BOUNDS.len()],
    micros: AtomicU64,
}

/// Counters of this process.
pub(crate) struct Metrics {
    started: Instant,
    requests: [Requests; CLASSES.len()],
    running: Arc<AtomicU64>,
    pub jobs: AtomicU64,
    pub letters: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            requests: Default::default(),
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

/// The text as it grows.
#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }
    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = match labels {
            "" => writeln!(self.0, "{name} {value}"),
            _ => writeln!(self.0, "{name}{{{labels}}} {value}"),
        };
    }
    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        self.line(name, "", value);
    }
}

fn load(n: &AtomicU64) -> u64 {
    n.load(Ordering::Relaxed)
}

impl Metrics {
    pub fn begin(&self) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(self.running.clone())
    }
    pub fn done(&self, method: &Method, path: &str, status: u16, took: Duration) {
        let requests = &self.requests[class(method, path)];
        requests.statuses[usize::from(status / 100).min(5)].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        requests.micros.fetch_add(micros, Ordering::Relaxed);
        for (bucket, bound) in requests.buckets.iter().zip(BOUNDS) {
            if micros <= bound * 1_000 {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn requests(&self, out: &mut Text) {
        let name = "celek_http_requests_total";
        out.head(name, "counter", "Requests by kind and status.");
        for (class, requests) in CLASSES.iter().zip(&self.requests) {
            for (status, n) in requests.statuses.iter().enumerate().skip(1) {
                out.line(name, &format!("class=\"{class}\",status=\"{status}xx\""), load(n));
            }
        }
        let name = "celek_http_request_duration_seconds";
        out.head(name, "histogram", "How long requests took, by kind.");
        for (class, requests) in CLASSES.iter().zip(&self.requests) {
            // Read once: the last bucket and the count have to agree.
            let total: u64 = requests.statuses.iter().map(load).sum();
            for (bucket, bound) in requests.buckets.iter().zip(BOUNDS) {
                let seconds = bound as f64 / 1_000.0;
                let labels = format!("class=\"{class}\",le=\"{seconds}\"");
                out.line("celek_http_request_duration_seconds_bucket", &labels, load(bucket).min(total));
            }
            let labels = format!("class=\"{class}\",le=\"+Inf\"");
            out.line("celek_http_request_duration_seconds_bucket", &labels, total);
            let class = format!("class=\"{class}\"");
            let sum = load(&requests.micros) as f64 / 1e6;
            out.line("celek_http_request_duration_seconds_sum", &class, sum);
            out.line("celek_http_request_duration_seconds_count", &class, total);
        }
    }

    fn text(&self, app: &App) -> Result<String> {
        let mut out = Text::default();
        self.requests(&mut out);
        let stats = app.kernel.store().stats();
        let waited = stats.waited as f64 / 1e6;
        let (running, streams) = (load(&self.running), app.streams.load(Ordering::Relaxed));
        out.one("celek_http_requests_running", "gauge", "Requests that are being answered.", running);
        out.one("celek_event_streams", "gauge", "Open streams of changes.", streams);
        let counter = "counter";
        out.one("celek_store_statements_total", counter, "Statements of the database.", stats.statements);
        out.one("celek_store_rows_total", counter, "Rows that statements answered.", stats.rows);
        out.one("celek_store_rows_scanned_total", counter, "Rows stepped over without an index.", stats.scanned);
        out.one("celek_store_commits_total", counter, "Commits.", stats.commits);
        out.one("celek_store_log_bytes_total", counter, "Bytes written to the log of the file.", stats.log_bytes);
        out.one("celek_store_writer_wait_seconds_total", counter, "Waiting for a turn to write.", waited);
        out.one("celek_jobs_run_total", counter, "Jobs that ran in this program.", load(&self.jobs));
        out.one("celek_letters_sent_total", counter, "Letters that this program sent.", load(&self.letters));
        let slow: u64 = app.kernel.store().slow().iter().map(|slow| slow.count).sum();
        out.one("celek_store_slow_statements", "gauge", "Slow statements in the list of them.", slow);
        let schema = app.kernel.schema();
        let nobody = Arc::new(Principal::system(Arc::default()));
        app.kernel.read_within(Duration::from_secs(2), &nobody, |cx| {
            for gauge in schema.modules.iter().flat_map(|module| module.gauges) {
                let value = (gauge.value)(cx)?;
                out.one(gauge.name, "gauge", gauge.help, value);
            }
            Ok(())
        })?;
        let seconds = self.started.elapsed().as_secs();
        out.one("celek_uptime_seconds", "gauge", "Since the program started.", seconds);
        Ok(out.0)
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
    let text = app.metrics.text(app)?;
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
