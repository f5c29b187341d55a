//! The addresses under `/api/v1` and what each takes.

use std::sync::Arc;

use axum::http::Method;
use kernel::{Ask, Error, Result, json::MAX_ID};

use crate::{
    app::{App, Call},
    files,
    guard::Caller,
    operations, records,
    reply::{self, Reply},
    session,
};

/// An address under `/api/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Session,
    Setup,
    Meta,
    Description,
    Events,
    Files,
    File(i64),
    Entity(String),
    Draft(String),
    Bulk(String),
    Record(String, i64),
    History(String, i64),
    Links(String, i64),
    Attachments(String, i64),
    Panel(String, i64, String),
    Operation(String),
    Many(String),
}

pub(crate) fn wrong_method(method: &Method, allowed: &str) -> Error {
    Error::new(405, "method").with("method", method.as_str()).with("allow", allowed)
}

fn id(text: &str) -> Result<i64> {
    let digits = !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
    let found = if digits { text.parse().ok() } else { None };
    found.filter(|id| (1..=MAX_ID).contains(id)).ok_or_else(|| Error::new(404, "no_address"))
}

impl Route {
    /// Finds the route of a path below `/api/v1`.
    ///
    /// # Errors
    /// 404 where there is none.
    pub fn of(path: &[&str]) -> Result<Self> {
        let owned = |text: &str| text.to_owned();
        Ok(match path {
            ["session"] => Self::Session,
            ["setup"] => Self::Setup,
            ["meta"] => Self::Meta,
            ["openapi.json"] => Self::Description,
            ["events"] => Self::Events,
            ["files"] => Self::Files,
            ["files", file] => Self::File(id(file)?),
            ["entities", entity] => Self::Entity(owned(entity)),
            ["entities", entity, "draft"] => Self::Draft(owned(entity)),
            ["entities", entity, "bulk"] => Self::Bulk(owned(entity)),
            ["entities", entity, record] => Self::Record(owned(entity), id(record)?),
            ["entities", entity, record, "history"] => Self::History(owned(entity), id(record)?),
            ["entities", entity, record, "links"] => Self::Links(owned(entity), id(record)?),
            ["entities", entity, record, "attachments"] => Self::Attachments(owned(entity), id(record)?),
            ["entities", entity, record, "panels", panel] => Self::Panel(owned(entity), id(record)?, owned(panel)),
            ["operations", operation] => Self::Operation(owned(operation)),
            ["operations", operation, "bulk"] => Self::Many(owned(operation)),
            _ => return Err(Error::new(404, "no_address")),
        })
    }

    fn allowed(&self) -> &'static str {
        match self {
            Self::Session => "GET, HEAD, POST, DELETE",
            Self::Setup | Self::Files | Self::Draft(_) | Self::Bulk(_) | Self::Many(_) => "POST",
            Self::Entity(_) | Self::Operation(_) => "GET, HEAD, POST",
            Self::Record(..) => "GET, HEAD, PATCH, DELETE",
            _ => "GET, HEAD",
        }
    }

    /// Refuses methods that the address does not take.
    ///
    /// # Errors
    /// 405.
    pub fn takes(&self, method: &Method) -> Result<()> {
        let allowed = self.allowed();
        if allowed.split(", ").any(|m| m == method.as_str()) { Ok(()) } else { Err(wrong_method(method, allowed)) }
    }

    /// Whether it answers without anybody signed in.
    pub fn public(&self, app: &App) -> bool {
        match self {
            Self::Session | Self::Setup | Self::Description => true,
            Self::Operation(name) => app.kernel.schema().operation(name).is_ok_and(|e| (e.def)().public),
            _ => false,
        }
    }

    /// Whether it hashes a password: heavy on memory, so few at a time.
    pub fn hashes(&self, method: &Method) -> bool {
        matches!(self, Self::Session | Self::Setup) && method == Method::POST
    }
}

/// A request as the kernel takes it.
pub(crate) fn ask(call: &Call, caller: &Caller) -> Result<Ask> {
    Ok(Ask { who: caller.who(call.language())?, key: call.key()?, dry_run: false })
}

/// As [`ask`], of what may be tried.
fn tried(call: &Call, caller: &Caller) -> Result<Ask> {
    Ok(Ask { dry_run: call.flag("dry_run")?, ..ask(call, caller)? })
}

/// Answers a request; runs beside the event loop.
pub(crate) fn answer(app: &Arc<App>, call: &Call, caller: &Caller, route: &Route) -> Result<Reply> {
    let kernel = &app.kernel;
    let language = call.language();
    let who = || caller.who(language);
    match route {
        Route::Session => match call.method {
            Method::POST => session::open(app, call),
            Method::DELETE => session::close(app, caller),
            _ => session::tell(app, caller.signed_in.as_ref(), call),
        },
        Route::Setup => session::set_up(app, call),
        Route::Meta => {
            let own = caller.who(None)?;
            Ok(reply::json(200, &kernel.meta(&own, language.unwrap_or(own.language))?))
        }
        Route::Description => Ok(reply::json(200, &kernel.openapi(caller.signed_in.is_some()))),
        Route::Events => Err(Error::internal("events are answered elsewhere")),
        Route::Files => files::upload(app, call, &ask(call, caller)?),
        Route::File(id) => files::download(app, call, *id, &who()?),
        Route::Entity(entity) => match call.method {
            Method::POST => records::create(app, call, entity, &ask(call, caller)?),
            _ => records::list(app, call, entity, &who()?),
        },
        Route::Draft(entity) => Ok(reply::json(200, &kernel.draft(entity, &call.json()?, &who()?)?)),
        Route::Bulk(entity) => records::bulk(app, call, entity, &tried(call, caller)?),
        Route::Many(name) => operations::many(app, call, name, &tried(call, caller)?),
        Route::Record(entity, id) => match call.method {
            Method::PATCH => records::change(app, call, entity, *id, &ask(call, caller)?),
            Method::DELETE => records::remove(app, call, entity, *id, &ask(call, caller)?),
            _ => records::one(app, call, entity, *id, &who()?),
        },
        Route::History(entity, id) => records::history(app, call, entity, *id, &who()?),
        Route::Links(entity, id) => Ok(reply::json(200, &kernel.read(&who()?, |cx| cx.linked(entity, *id))?)),
        Route::Attachments(entity, id) => files::attachments(app, entity, *id, &who()?),
        Route::Panel(entity, id, panel) => records::panel(app, call, entity, *id, panel, &who()?),
        Route::Operation(name) => operations::call(app, call, caller, name),
    }
}
