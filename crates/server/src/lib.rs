//! The HTTP interface, the embedded client and the work in the background. Depends on the kernel only: every address is
//! derived from the registries, none exists for one entity alone.

mod app;
mod background;
mod client;
mod cross;
mod edge;
mod events;
mod export;
mod files;
mod guard;
mod metrics;
mod operations;
mod records;
mod reply;
mod routes;
mod session;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use kernel::{Kernel, Module};
use tokio::{runtime::Runtime, sync::watch, task::JoinHandle};

pub use background::{Attached, Outgoing, Round, Sender, deliver};
pub use operations::{file_content, told};

use app::App;

/// Messages of the HTTP edge; list it among the modules with which the kernel is opened.
pub static MODULE: Module = Module {
    name: "server",
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    errors: &[
        "idempotency_key",
        "media_type",
        "method",
        "misdirected",
        "multipart",
        "no_address",
        "origin",
        "overloaded",
        "parameter",
        "slow",
        "throttled",
    ],
    ..Module::BASE
};

/// How to serve.
pub struct ServeOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who hands letters over; they stay queued where there is none.
    pub sender: Option<Arc<dyn Sender>>,
    /// Whether jobs run, letters leave and other programs' changes are watched for.
    pub background: bool,
    /// Browsers reach it by https only (a proxy in front): cookies are marked so.
    pub secure: bool,
}

impl ServeOptions {
    /// Serves here, with all work in the background, without mail.
    pub fn at(listen: SocketAddr) -> Self {
        Self { listen, sender: None, background: true, secure: false }
    }
}

/// A running server; dropping it stops it.
pub struct Running {
    addr: SocketAddr,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    serving: Option<JoinHandle<io::Result<()>>>,
    threads: Vec<std::thread::JoinHandle<()>>,
    runtime: Option<Runtime>,
}

/// Starts to serve; returns as soon as it listens.
///
/// # Errors
/// Where the address cannot be listened at, or a demo company would be reachable from other machines.
pub fn start(kernel: Arc<Kernel>, options: ServeOptions) -> io::Result<Running> {
    let listener = std::net::TcpListener::bind(options.listen)?;
    let addr = listener.local_addr()?;
    let demo = kernel.system().map_err(|e| io::Error::other(e.to_string()))?.company.demo;
    if demo && !addr.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "a demo company has known passwords and is served on loopback only, such as 127.0.0.1:8080",
        ));
    }
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(96)
        .thread_name("http")
        .build()?;
    let (stop, stopping) = watch::channel(false);
    let app = Arc::new(App::new(kernel, stopping.clone(), options.secure));
    let threads = background::start(&app, options.sender, options.background)?;
    let router = edge::router(app.clone());
    let serving = runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut stopping = stopping;
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(async move {
                let _ = stopping.wait_for(|stop| *stop).await;
            })
            .await
    });
    Ok(Running { addr, app, stop, serving: Some(serving), threads, runtime: Some(runtime) })
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until SIGTERM or SIGINT, then stops.
    ///
    /// # Errors
    /// Where signals cannot be listened for.
    pub fn wait(mut self) -> io::Result<()> {
        let told = self.runtime.as_ref().map_or(Ok(()), |runtime| runtime.block_on(signalled()));
        self.end();
        told
    }

    /// Stops: no new requests, those that run may end, the background comes to rest.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        self.app.stopping.store(true, Ordering::Release);
        let _ = self.stop.send(true);
        if let Some(serving) = self.serving.take() {
            let ended = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(10), serving).await });
            if let Ok(Ok(Err(error))) = ended {
                tracing::error!(%error, "serving ended");
            }
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        runtime.shutdown_timeout(Duration::from_secs(5));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

async fn signalled() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}
