//! Answers: JSON, problem documents, files.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use kernel::{Error, Kernel, Language};
use serde_json::Value as J;

/// An answer.
pub(crate) type Reply = Response<Body>;

/// A value of a header; left out where it holds what a header must not.
pub(crate) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

pub(crate) fn of(status: u16, media_type: &'static str, body: impl Into<Body>) -> Reply {
    let mut reply = Response::new(body.into());
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    reply
}

pub(crate) fn json(status: u16, body: &J) -> Reply {
    of(status, "application/json", body.to_string())
}

pub(crate) fn nothing() -> Reply {
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

/// A problem document (RFC 9457) in a language.
pub(crate) fn problem(kernel: &Kernel, language: Language, error: &Error, request: &str) -> Reply {
    if error.status >= 500 {
        tracing::error!(request, code = %error.code, detail = error.internal.as_deref().unwrap_or(""), "request failed");
    }
    let body = kernel.schema().problem(language, error, request);
    let mut reply = of(error.status, "application/problem+json", body.to_string());
    match error.status {
        401 => {
            reply.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        429 => {
            reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        503 => {
            reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    if error.status == 405
        && let Some((_, kernel::Arg::Text(allowed))) = error.args.iter().find(|(name, _)| *name == "allow")
    {
        reply.headers_mut().insert(header::ALLOW, value(allowed));
    }
    reply
}

/// A stored file: shown where that is harmless, saved otherwise.
pub(crate) fn file(name: &str, media_type: &str, content: Vec<u8>) -> Reply {
    let essence = media_type.split(';').next().unwrap_or("").trim();
    let way = if kernel::files::inline(essence) { "inline" } else { "attachment" };
    content_as(way, name, essence, content)
}

/// A file that is to be saved.
pub(crate) fn saved(name: &str, media_type: &str, content: Vec<u8>) -> Reply {
    content_as("attachment", name, media_type.split(';').next().unwrap_or("").trim(), content)
}

fn content_as(way: &str, name: &str, essence: &str, content: Vec<u8>) -> Reply {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\%;".contains(c) { c } else { '_' }).take(150).collect();
    let escaped: String = name.chars().take(150).collect::<String>().bytes().fold(String::new(), |mut text, b| {
        if b.is_ascii_alphanumeric() || b"-_.".contains(&b) {
            text.push(char::from(b));
        } else {
            text.push_str(&format!("%{b:02X}"));
        }
        text
    });
    let mut reply = Response::new(Body::from(content));
    let headers = reply.headers_mut();
    let media_type = match essence {
        "text/plain" | "text/csv" => format!("{essence}; charset=utf-8"),
        other => other.to_owned(),
    };
    let media_type = HeaderValue::from_str(&media_type).ok().filter(|v| !v.is_empty());
    headers.insert(
        header::CONTENT_TYPE,
        media_type.unwrap_or_else(|| HeaderValue::from_static("application/octet-stream")),
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        value(&format!("{way}; filename=\"{plain}\"; filename*=UTF-8''{escaped}")),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    // What somebody brought runs nothing and loads nothing. A PDF is drawn by the browser's own viewer, which is an object in
    // a page of the browser's making and wants its styles; our own pages may frame it.
    let policy = if way == "inline" && essence == "application/pdf" {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
        "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; script-src 'none'; frame-ancestors 'self'"
    } else {
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; script-src 'none'; frame-ancestors 'none'"
    };
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    reply
}
