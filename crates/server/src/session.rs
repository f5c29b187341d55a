//! Signing in and out, and the one-time set-up.

use std::sync::Arc;

use axum::http::{HeaderValue, header};
use kernel::{Company, Error, Principal, Result};
use serde_json::{Value as J, json};

use crate::{
    app::{App, Call},
    guard::{COOKIE, Caller},
    reply::{self, Reply},
};

/// How long a browser keeps the cookie; the session itself may end sooner.
const SECONDS: u32 = 30 * 24 * 3_600;

fn body(app: &App, who: Option<&Arc<Principal>>, call: &Call) -> Result<J> {
    let nobody = Arc::new(Principal::system(Arc::new(Company::default())));
    let directory = app.kernel.directory()?;
    let own = || who.map(|w| w.language);
    let language = call.language().or_else(own).or_else(|| call.browser_language()).unwrap_or_default();
    let (demo, setup) =
        app.kernel.read(&nobody, |cx| Ok((directory.demo_users(language, cx)?, directory.is_empty(cx)?)))?;
    let demo: Vec<J> =
        demo.into_iter().map(|(user, name, does)| json!({"user": user, "name": name, "does": does})).collect();
    Ok(json!({
        "user": who.map(|w| json!({"id": w.user, "login": w.login, "name": w.name, "language": w.language.code()})),
        "company": who.map(|w| json!({"id": w.company.id, "name": w.company.name})),
        "demo": demo,
        "setup": setup,
    }))
}

pub(crate) fn tell(app: &App, who: Option<&Arc<Principal>>, call: &Call) -> Result<Reply> {
    Ok(reply::json(200, &body(app, who, call)?))
}

fn cookie(app: &App, call: &Call, secret: &str, seconds: u32) -> HeaderValue {
    let secure = if app.secure || call.header("x-forwarded-proto") == Some("https") { "; Secure" } else { "" };
    reply::value(&format!("{COOKIE}={secret}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}"))
}

fn signed_in(app: &App, call: &Call, secret: &str) -> Result<Reply> {
    let who = app.kernel.by_secret(secret)?;
    let mut reply = tell(app, Some(&who), call)?;
    reply.headers_mut().insert(header::SET_COOKIE, cookie(app, call, secret, SECONDS));
    Ok(reply)
}

pub(crate) fn open(app: &App, call: &Call) -> Result<Reply> {
    let input = call.json()?;
    if !input.is_object() {
        return Err(Error::bad("object"));
    }
    let text = |name: &'static str| match input.get(name) {
        Some(J::String(text)) if !text.is_empty() && text.len() <= 1_000 => Ok(text.as_str()),
        Some(J::String(text)) if !text.is_empty() => Err(Error::field(name, "too_long").with("max", 1_000_i64)),
        None | Some(J::Null | J::String(_)) => Err(Error::field(name, "required")),
        Some(_) => Err(Error::field(name, "text")),
    };
    let (user, password) = (text("user")?, text("password")?);
    let address = call.address.to_canonical().to_string();
    let secret = app.kernel.directory()?.sign_in(&app.kernel, user, password, &address)?;
    signed_in(app, call, &secret)
}

pub(crate) fn close(app: &App, caller: &Caller) -> Result<Reply> {
    if let Some(secret) = &caller.secret {
        app.kernel.directory()?.sign_out(&app.kernel, secret)?;
    }
    let mut reply = reply::nothing();
    let over = format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    reply.headers_mut().insert(header::SET_COOKIE, reply::value(&over));
    Ok(reply)
}

pub(crate) fn set_up(app: &App, call: &Call) -> Result<Reply> {
    app.throttle(call.address)?;
    let input = call.json()?;
    if !input.is_object() {
        return Err(Error::bad("object"));
    }
    let secret = app.kernel.directory()?.set_up(&app.kernel, &input)?;
    app.kernel.forget_rights();
    signed_in(app, call, &secret)
}
