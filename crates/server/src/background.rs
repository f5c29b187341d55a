//! Work outside requests: jobs, letters, other programs' changes. Each has its own thread; a panic in one piece of work is
//! told to the log and does not end the thread.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering, mpsc::RecvTimeoutError},
    thread::{Builder, JoinHandle, sleep},
    time::Duration,
};

use kernel::{Ask, Kernel, Letter, Result};

use crate::{app::App, events::LOOK_AGAIN, operations::made_file};

/// A file that goes with a letter.
#[derive(Clone, Debug)]
pub struct Attached {
    /// Name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Content.
    pub content: Vec<u8>,
}

/// A letter that leaves the house.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Number of the letter: the same when it is tried again.
    pub id: i64,
    /// Name of the company that sends it.
    pub from: String,
    /// To whom.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub body: String,
    /// Files.
    pub attached: Vec<Attached>,
}

/// Hands letters over.
pub trait Sender: Send + Sync {
    /// Hands one letter over; blocks.
    ///
    /// # Errors
    /// Whether trying again may help, and why it failed.
    fn send(&self, letter: &Outgoing) -> std::result::Result<(), (bool, String)>;
}

/// Repeats a piece of work with pauses until the server stops.
fn every(
    app: &Arc<App>,
    name: &'static str,
    pause: Duration,
    mut work: impl FnMut(&App) -> Result<bool> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let app = app.clone();
    Builder::new().name(name.to_owned()).spawn(move || {
        while !app.stopping.load(Ordering::Acquire) {
            let more = match catch_unwind(AssertUnwindSafe(|| work(&app))) {
                Ok(Ok(more)) => more,
                Ok(Err(error)) => {
                    tracing::error!(%error, "{name} failed");
                    false
                }
                Err(_) => {
                    tracing::error!("{name} panicked");
                    false
                }
            };
            if !more {
                rest(&app, pause);
            }
        }
    })
}

/// Sleeps, and wakes when the server stops.
fn rest(app: &App, pause: Duration) {
    let mut left = pause;
    while !left.is_zero() && !app.stopping.load(Ordering::Acquire) {
        let nap = left.min(Duration::from_millis(100));
        sleep(nap);
        left = left.saturating_sub(nap);
    }
}

/// Starts the threads.
///
/// # Errors
/// Where the system gives no thread.
pub(crate) fn start(app: &Arc<App>, sender: Option<Arc<dyn Sender>>, all: bool) -> io::Result<Vec<JoinHandle<()>>> {
    let mut threads = vec![bridge(app)?];
    if !all {
        return Ok(threads);
    }
    let mut started = 0;
    threads.push(every(app, "jobs", Duration::from_millis(500), move |app| {
        let company = app.kernel.system()?.company.id;
        if company == 0 {
            return Ok(false);
        }
        if started != company {
            app.kernel.start_recurring()?;
            started = company;
        }
        let ran = app.kernel.run_jobs(20)?;
        app.metrics.jobs.fetch_add(ran as u64, Ordering::Relaxed);
        Ok(false)
    })?);
    if let Some(sender) = sender {
        threads.push(every(app, "outbox", Duration::from_secs(2), move |app| post(app, &*sender))?);
    }
    let mut seen = None;
    threads.push(every(app, "watch", Duration::from_millis(200), move |app| {
        let version = app.kernel.store().data_version()?;
        if seen.replace(version).is_some_and(|before| before != version) {
            app.kernel.forget_rights();
            app.kernel.reload()?;
            app.kernel.shared().hub.tell(&[LOOK_AGAIN]);
        }
        Ok(false)
    })?);
    Ok(threads)
}

/// Hands changes from the kernel's hub to all event streams.
fn bridge(app: &Arc<App>) -> io::Result<JoinHandle<()>> {
    let mut heard = app.kernel.shared().hub.listen();
    every(app, "changes", Duration::ZERO, move |app| {
        match heard.recv_timeout(Duration::from_millis(200)) {
            Ok(change) => {
                let _ = app.changes.send(change);
                while let Ok(change) = heard.try_recv() {
                    let _ = app.changes.send(change);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Too much came at a time: what was lost is not known one by one.
            Err(RecvTimeoutError::Disconnected) => {
                heard = app.kernel.shared().hub.listen();
                let _ = app.changes.send(LOOK_AGAIN);
            }
        }
        Ok(true)
    })
}

/// Sends the letters that are due.
fn post(app: &App, sender: &dyn Sender) -> Result<bool> {
    if app.kernel.system()?.company.id == 0 {
        return Ok(false);
    }
    let due = app.kernel.letters_due(20)?;
    let more = due.len() == 20;
    for (id, letter) in due {
        if app.stopping.load(Ordering::Acquire) {
            return Ok(false);
        }
        if !app.kernel.take_letter(id)? {
            continue;
        }
        let sent = written(&app.kernel, id, letter).and_then(|outgoing| sender.send(&outgoing));
        if let Err((_, why)) = &sent {
            tracing::warn!(letter = id, why, "a letter did not leave");
        } else {
            app.metrics.letters.fetch_add(1, Ordering::Relaxed);
        }
        app.kernel.letter_done(id, sent)?;
    }
    Ok(more)
}

/// The letter with its files, which their operations make at this moment.
fn written(kernel: &Kernel, id: i64, letter: Letter) -> std::result::Result<Outgoing, (bool, String)> {
    let make = || -> Result<(String, Vec<Attached>)> {
        let system = kernel.system()?;
        let from = system.company.name.clone();
        let ask = Ask::by(system);
        let mut attached = Vec::new();
        for (operation, input) in &letter.attachments {
            let output = kernel.run(operation, input, &ask)?.output;
            let (name, media_type, content) = made_file(&output)?;
            attached.push(Attached { name, media_type, content });
        }
        Ok((from, attached))
    };
    let (from, attached) = make().map_err(|error| (error.status >= 500, error.to_string()))?;
    Ok(Outgoing { id, from, to: letter.to, subject: letter.subject, body: letter.body, attached })
}
