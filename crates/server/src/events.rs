//! Live changes (server-sent events): each listener hears of records that it may read, after the commit is durable.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
};
use kernel::{Change, ChangeKind, Error, Kernel, Result, Right, query};
use serde_json::json;
use tokio::sync::{broadcast, mpsc};

use crate::{
    app::{App, blocking},
    guard::Caller,
    reply::{self, Reply},
};

/// Most listeners at a time.
const MAX_STREAMS: usize = 2_000;
/// Most changes that are told one by one at a time; more become "look again".
const MAX_BATCH: usize = 1_000;

/// "Look again": another program wrote, or too much happened to tell it one by one.
pub(crate) const LOOK_AGAIN: Change = Change { entity: "", id: 0, rev: 0, kind: ChangeKind::Changed, company: 0 };

struct Place(Arc<App>);
impl Drop for Place {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The changes of a batch that this listener may hear of.
///
/// # Errors
/// 401 when the session is over.
fn heard(kernel: &Kernel, secret: &str, changes: &[Change]) -> Result<Vec<Change>> {
    let who = kernel.by_secret(secret)?;
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    kernel.read(&who, |cx| {
        let schema = cx.schema().clone();
        let mut heard: Vec<Change> = Vec::new();
        for change in changes {
            if change.entity.is_empty() {
                heard.push(*change);
                continue;
            }
            let Some(plan) = schema.plans.get(change.entity) else { continue };
            let foreign = change.company != 0 && !plan.def.shared && change.company != who.company.id;
            if foreign || !query::may(&schema, &who, &plan.def, Right::Read) {
                continue;
            }
            let narrowed = query::rule(&schema, &who, &plan.def, Right::Read).is_some();
            if narrowed && (change.kind == ChangeKind::Deleted || !cx.within(plan, change.id, Right::Read)?) {
                continue;
            }
            match heard.iter_mut().find(|c| c.entity == change.entity && c.id == change.id && c.kind == change.kind) {
                Some(same) => same.rev = same.rev.max(change.rev),
                None => heard.push(*change),
            }
        }
        Ok(heard)
    })
}

fn line(change: &Change) -> String {
    let data = json!({"entity": change.entity, "id": change.id, "rev": change.rev, "kind": change.kind.name()});
    format!("event: change\ndata: {data}\n\n")
}

/// Begins to tell changes.
pub(crate) fn listen(app: &Arc<App>, caller: &Caller) -> Result<Reply> {
    let secret = caller.secret.clone().ok_or_else(|| Error::new(401, "signed_out"))?;
    let place = Place(app.clone());
    if app.streams.fetch_add(1, Ordering::AcqRel) >= MAX_STREAMS {
        return Err(Error::new(503, "overloaded"));
    }
    let (sender, mut receiver) = mpsc::channel::<std::result::Result<Bytes, std::convert::Infallible>>(16);
    let changes = app.changes.subscribe();
    tokio::spawn(async move {
        let app = place.0.clone();
        tell(&app, secret, changes, sender).await;
        drop(place);
    });
    let body = Body::from_stream(futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx)));
    let mut reply = reply::of(200, "text/event-stream", body);
    reply.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(reply)
}

async fn tell(
    app: &Arc<App>,
    secret: String,
    mut changes: broadcast::Receiver<Change>,
    sender: mpsc::Sender<std::result::Result<Bytes, std::convert::Infallible>>,
) {
    let mut stop = app.stop.clone();
    let mut tick = tokio::time::interval(Duration::from_secs(15));
    tick.tick().await;
    if sender.send(Ok(Bytes::from_static(b"retry: 2000\nevent: hello\ndata: {}\n\n"))).await.is_err() {
        return;
    }
    loop {
        let mut batch = Vec::new();
        let first = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = sender.closed() => return,
            _ = tick.tick() => None,
            change = changes.recv() => Some(change),
        };
        match first {
            None => {}
            Some(Ok(change)) => batch.push(change),
            Some(Err(broadcast::error::RecvError::Lagged(_))) => batch.push(LOOK_AGAIN),
            Some(Err(broadcast::error::RecvError::Closed)) => return,
        }
        let alive = batch.is_empty();
        while !alive && batch.len() <= MAX_BATCH {
            match changes.try_recv() {
                Ok(change) => batch.push(change),
                Err(broadcast::error::TryRecvError::Lagged(_)) => batch.push(LOOK_AGAIN),
                Err(_) => break,
            }
        }
        if batch.len() > MAX_BATCH {
            batch = vec![LOOK_AGAIN];
        }
        let (kernel, key) = (app.kernel.clone(), secret.clone());
        let text = match blocking(move || heard(&kernel, &key, &batch)).await {
            Ok(heard) if alive => {
                debug_assert!(heard.is_empty());
                ": alive\n\n".to_owned()
            }
            Ok(heard) => heard.iter().map(line).collect(),
            // Signed out, or the database is away: the client connects again and learns.
            Err(_) => return,
        };
        if !text.is_empty() && sender.send(Ok(Bytes::from(text))).await.is_err() {
            return;
        }
    }
}
