//! Pages of other web sites: they may call what anybody may call, from where the company lets them, and nothing else. Browsers
//! ask first (a preflight), send no cookie there, and are told that the page may read the answer.

use std::sync::Arc;

use axum::http::{HeaderValue, Method, header};
use kernel::{Error, Result};

use crate::{
    app::{App, Call, blocking},
    guard,
    reply::{self, Reply},
    routes::Route,
};

/// The other web site that a request to a public operation comes from; nothing for our own pages and for programs.
///
/// # Errors
/// 403 where that site may not call it.
pub(crate) async fn guest(app: &Arc<App>, call: &Call, route: &Route) -> Result<Option<String>> {
    let Route::Operation(name) = route else { return Ok(None) };
    let Some(origin) = call.headers.get(header::ORIGIN) else { return Ok(None) };
    if !matches!(call.method, Method::POST | Method::OPTIONS) || !route.public(app) || guard::same_origin(call).is_ok()
    {
        return Ok(None);
    }
    let origin = origin.to_str().unwrap_or("").to_owned();
    let (app, name) = (app.clone(), name.clone());
    let allowed = blocking(move || app.kernel.origins(&name)).await?;
    if allowed.allow(&origin) { Ok(Some(origin)) } else { Err(Error::new(403, "origin")) }
}

/// The answer to a browser that asks whether a page of another site may send something.
pub(crate) fn preflight(call: &Call, guest: Option<&str>) -> Option<Reply> {
    let asked = call.header(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    if call.method != Method::OPTIONS || asked != "POST" || guest.is_none() {
        return None;
    }
    let mut reply = reply::nothing();
    let headers = reply.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, accept-language"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Some(reply)
}
