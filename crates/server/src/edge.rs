//! The edge: each request gets a number, is let in or refused, read, done beside the event loop, answered with the headers
//! that keep browsers safe, counted and told to the log without what it carried.

use std::{
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, DefaultBodyLimit, FromRequest, Multipart, Request, State},
    http::{HeaderName, Method, header, request::Parts},
};
use futures_util::FutureExt;
use kernel::{Error, Language, Result};
use tower_http::compression::CompressionLayer;

use crate::{
    app::{App, Call, Upload, blocking, panicked},
    client, cross, events, guard, metrics,
    reply::{self, Reply},
    routes::{self, Route},
};

/// Largest body of a request, in bytes.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// Largest form with a file: the file and what surrounds it.
const MAX_FORM: usize = kernel::files::MAX_FILE + 64 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(120);

const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";

/// How a request is answered, whatever the answer is.
#[derive(Default)]
struct Manner {
    /// The language.
    language: Language,
    /// The other web site whose page may read the answer.
    guest: Option<String>,
}

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new().fallback(edge).layer(DefaultBodyLimit::disable()).layer(CompressionLayer::new()).with_state(app)
}

async fn edge(State(app): State<Arc<App>>, ConnectInfo(from): ConnectInfo<SocketAddr>, request: Request) -> Reply {
    let started = Instant::now();
    let id = app.request_id(request.headers());
    let (parts, body) = request.into_parts();
    let (method, address) = (parts.method.clone(), parts.uri.path().to_owned());
    let _running = app.metrics.begin();
    let (manner, result) = match Call::new(method.clone(), &parts.uri, parts.headers.clone(), from.ip()) {
        Ok(call) => {
            let language = call.language().or_else(|| call.browser_language()).unwrap_or_default();
            let mut manner = Manner { language, guest: None };
            let result = AssertUnwindSafe(answer(&app, call, parts, body, &mut manner)).catch_unwind().await;
            (manner, result.unwrap_or_else(|panic| Err(panicked(&*panic))))
        }
        Err(error) => (Manner::default(), Err(error)),
    };
    let mut reply = match result {
        Ok(reply) => reply,
        Err(error) => reply::problem(&app.kernel, manner.language, &error, &id),
    };
    let headers = reply.headers_mut();
    if let Some(guest) = &manner.guest {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, reply::value(guest));
        headers.insert(header::VARY, reply::value("origin"));
    }
    let api = address.starts_with("/api");
    let mut add = |name: HeaderName, text: &str| {
        headers.entry(name).or_insert_with(|| reply::value(text));
    };
    add(header::CONTENT_SECURITY_POLICY, POLICY);
    add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(header::REFERRER_POLICY, "no-referrer");
    add(header::X_FRAME_OPTIONS, "DENY");
    add(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    add(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    add(HeaderName::from_static("x-request-id"), &id);
    if api {
        add(header::CACHE_CONTROL, "no-store");
    }
    let (status, took) = (reply.status().as_u16(), started.elapsed());
    app.metrics.done(&method, &address, status, took);
    // A download of an export bears its questions in the address: only the path is told.
    tracing::info!(request = id, %method, path = address, status, ms = took.as_millis() as u64, "request");
    reply
}

async fn answer(app: &Arc<App>, call: Call, parts: Parts, body: Body, manner: &mut Manner) -> Result<Reply> {
    let demo = match app.known_demo() {
        Some(demo) => demo,
        None => {
            let app = app.clone();
            blocking(move || app.demo()).await?
        }
    };
    if demo {
        let host = call.header(header::HOST).or_else(|| parts.uri.authority().map(|a| a.as_str()));
        if !guard::local_host(host) || !call.address.to_canonical().is_loopback() {
            return Err(Error::new(421, "misdirected"));
        }
    }
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["healthz"] => {
            only_get(&call)?;
            return Ok(reply::of(200, "text/plain; charset=utf-8", "ok\n"));
        }
        ["readyz"] => {
            only_get(&call)?;
            let app = app.clone();
            return blocking(move || metrics::ready(&app)).await;
        }
        ["metrics"] => {
            only_get(&call)?;
            let app = app.clone();
            return blocking(move || metrics::tell(&app, &call)).await;
        }
        ["api", "docs", rest @ ..] => {
            only_get(&call)?;
            return client::docs(rest);
        }
        ["api", "v1", ..] => {}
        ["api", ..] => return Err(Error::new(404, "no_address")),
        _ => {
            only_get(&call)?;
            return client::page(&call);
        }
    }
    let route = Route::of(&path[2..])?;
    manner.guest = cross::guest(app, &call, &route).await?;
    if let Some(reply) = cross::preflight(&call, manner.guest.as_deref()) {
        return Ok(reply);
    }
    route.takes(&call.method)?;
    api(app, call, route, parts, body, manner).await
}

fn only_get(call: &Call) -> Result<()> {
    if matches!(call.method, Method::GET | Method::HEAD) {
        Ok(())
    } else {
        Err(routes::wrong_method(&call.method, "GET, HEAD"))
    }
}

async fn api(
    app: &Arc<App>,
    mut call: Call,
    route: Route,
    parts: Parts,
    body: Body,
    manner: &mut Manner,
) -> Result<Reply> {
    // Who asks is known before the body is taken in.
    let (caller, mut call) = {
        let app = app.clone();
        call.body = Bytes::new();
        let open = matches!(&route, Route::Operation(_)) && route.public(&app);
        blocking(move || Ok((guard::authenticate(&app, &call, open), call)))
            .await
            .and_then(|(c, call)| c.map(|c| (c, call)))?
    };
    manner.language = caller.language(&call);
    if !route.public(app) && caller.signed_in.is_none() {
        return Err(Error::new(401, "signed_out"));
    }
    if let Route::Events = route {
        return events::listen(app, &caller);
    }
    if matches!(call.method, Method::POST | Method::PATCH) {
        if let Route::Files = route {
            media_type(&call, "multipart/form-data")?;
            let bytes = take(body, MAX_FORM).await?;
            call.upload = Some(form(parts, bytes).await?);
        } else {
            media_type(&call, "application/json")?;
            call.body = take(body, MAX_BODY).await?;
        }
    }
    let _turn = if route.hashes(&call.method) { Some(app.passwords.acquire().await) } else { None };
    let app = app.clone();
    blocking(move || routes::answer(&app, &call, &caller, &route)).await
}

fn media_type(call: &Call, wanted: &'static str) -> Result<()> {
    let given = call.header(header::CONTENT_TYPE).and_then(|t| t.split(';').next()).unwrap_or("").trim();
    let fits = given.eq_ignore_ascii_case(wanted)
        || (wanted == "application/json" && given.starts_with("application/") && given.ends_with("+json"));
    if fits { Ok(()) } else { Err(Error::new(415, "media_type").with("wanted", wanted)) }
}

async fn take(body: Body, limit: usize) -> Result<Bytes> {
    let too_large = || Error::new(413, "too_large").with("max", (limit / 1024 / 1024) as i64);
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Error::new(408, "slow")),
    }
}

async fn form(parts: Parts, bytes: Bytes) -> Result<Upload> {
    let wrong = || Error::bad("multipart");
    let request = Request::from_parts(parts, Body::from(bytes));
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| wrong())?;
    let (mut file, mut fields) = (None, std::collections::HashMap::new());
    while let Some(part) = form.next_field().await.map_err(|_| wrong())? {
        let name = part.name().unwrap_or("").to_owned();
        if name == "file" {
            let given = part.file_name().unwrap_or("file").to_owned();
            file = Some((given, part.bytes().await.map_err(|_| wrong())?));
        } else if fields.len() < 20 {
            let text = part.text().await.map_err(|_| wrong())?;
            fields.insert(name, text.chars().take(200).collect());
        }
    }
    let (name, content) = file.ok_or_else(|| Error::field("file", "required"))?;
    Ok(Upload { name, content, fields })
}
