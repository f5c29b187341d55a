//! Lists as files, streamed page by page.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Response, header},
};
use kernel::{Error, Export, Form, Principal, Query, Result, Shape};

use crate::{
    app::{App, Call, blocking},
    reply::{self, Reply},
};

/// Most fields that are named.
const FIELDS: usize = 300;

/// The form in which a list is asked for; none for JSON.
pub(crate) fn form(call: &Call) -> Result<Option<Form>> {
    let forms = [Form::Csv, Form::Xlsx];
    match call.param("format") {
        Some("json") => Ok(None),
        Some(name) => {
            let found = forms.into_iter().find(|form| form.ending() == name);
            found.map(Some).ok_or_else(|| Error::bad("parameter").with("name", "format"))
        }
        None => {
            let essence = |text: &str| text.split(';').next().unwrap_or("").trim().to_owned();
            let wanted = call.header(header::ACCEPT).map(essence);
            Ok(forms.into_iter().find(|form| wanted.as_deref() == Some(essence(form.media_type()).as_str())))
        }
    }
}

/// The fields that are named, in their order.
fn fields(call: &Call) -> Result<Vec<String>> {
    let names: Vec<String> = call
        .param("fields")
        .unwrap_or("")
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if names.len() > FIELDS { Err(Error::bad("parameter").with("name", "fields")) } else { Ok(names) }
}

/// Answers a query as a file.
pub(crate) fn export(
    app: &Arc<App>,
    call: &Call,
    query: Query,
    shape: &Shape,
    who: &Arc<Principal>,
    form: Form,
) -> Result<Reply> {
    let entity = query.entity.clone();
    // What is wrong with the question shows in the first page, while a problem can still be answered.
    let (mut export, first) = Export::begin(&app.kernel, who, query, shape, &fields(call)?, form)?;
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<std::result::Result<Bytes, Error>>(2);
    let app = app.clone();
    tokio::spawn(async move {
        if sender.send(Ok(Bytes::from(first))).await.is_err() {
            return;
        }
        loop {
            let app = app.clone();
            let page = blocking(move || {
                let page = export.next(&app.kernel)?;
                Ok((page, export))
            });
            match page.await {
                Ok((Some(bytes), back)) => {
                    export = back;
                    if sender.send(Ok(Bytes::from(bytes))).await.is_err() {
                        return;
                    }
                }
                Ok((None, _)) => return,
                Err(error) => {
                    tracing::error!(%error, "an export broke off");
                    // The connection breaks, so that nobody takes a part for the whole.
                    let _ = sender.send(Err(error)).await;
                    return;
                }
            }
        }
    });
    let body = Body::from_stream(futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx)));
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form.media_type()));
    let name = format!("attachment; filename=\"{entity}.{}\"", form.ending());
    headers.insert(header::CONTENT_DISPOSITION, reply::value(&name));
    Ok(reply)
}
