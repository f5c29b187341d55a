//! The embedded client, and the page that shows the description of the interface.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use kernel::{Error, Result};
use rust_embed::Embed;

use crate::{
    app::Call,
    reply::{self, Reply},
};

#[derive(Embed)]
#[folder = "../../web/dist"]
struct Client;

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// A file of the client; addresses that are none show the client itself, which knows its own.
pub(crate) fn page(call: &Call) -> Result<Reply> {
    let path = call.path.join("/");
    let name = match Client::get(&path) {
        Some(_) if !path.is_empty() => path.as_str(),
        // Entities have dots in their names (`/e/sales.order`): only what lies at the top is taken for a missing file.
        _ if path.starts_with("assets/") || (call.path.len() == 1 && path.contains('.')) => {
            return Err(Error::new(404, "no_address"));
        }
        _ => "index.html",
    };
    let Some(file) = Client::get(name) else { return Err(Error::new(404, "no_address")) };
    let tag: String = file.metadata.sha256_hash().iter().take(12).map(|b| format!("{b:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = call
        .header(header::IF_NONE_MATCH)
        .is_some_and(|t| t.split(',').any(|t| t.trim().trim_start_matches("W/") == tag));
    let mut reply = if known {
        let mut reply = Response::new(Body::empty());
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        reply
    } else {
        reply::of(200, media_type(name), file.data.into_owned())
    };
    // The name of an asset holds its content's digest.
    let cache = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    reply.headers_mut().insert(header::ETAG, reply::value(&tag));
    Ok(reply)
}

/// The page `/api/docs` and what belongs to it.
pub(crate) fn docs(rest: &[&str]) -> Result<Reply> {
    let mut reply = match rest {
        [] => reply::of(200, "text/html; charset=utf-8", include_str!("../docs/index.html")),
        ["page.js"] => reply::of(200, "text/javascript; charset=utf-8", include_str!("../docs/page.js")),
        ["page.css"] => reply::of(200, "text/css; charset=utf-8", include_str!("../docs/page.css")),
        _ => return Err(Error::new(404, "no_address")),
    };
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(reply)
}
