//! Work outside requests: jobs, letters, other programs' changes. Each has its own thread; a panic in one piece of work is
//! told to the log and does not end the thread.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::RecvTimeoutError,
    },
    thread::{Builder, JoinHandle, sleep},
    time::Duration,
};

use kernel::{Ask, DueLetter, Kernel, Result};

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
        // A company that was founded meanwhile gets its recurring jobs too.
        let companies = app.kernel.systems()?.len();
        if started != companies {
            app.kernel.start_recurring()?;
            started = companies;
        }
        let ran = app.kernel.run_jobs(20)?;
        app.metrics.jobs.fetch_add(ran as u64, Ordering::Relaxed);
        Ok(false)
    })?);
    threads.push(every(app, "imports", Duration::from_millis(300), move |app| {
        app.kernel.run_imports(&|| app.stopping.load(Ordering::Acquire))?;
        Ok(false)
    })?);
    if let Some(sender) = sender {
        threads.push(every(app, "outbox", Duration::from_secs(2), move |app| {
            let round = deliver(&app.kernel, &*sender, &app.stopping)?;
            app.metrics.letters.fetch_add(round.left, Ordering::Relaxed);
            Ok(round.more)
        })?);
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

/// What one round of sending did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Letters that left.
    pub left: u64,
    /// More may be due at once.
    pub more: bool,
}

/// How many letters of a company leave in one round.
const ROUND: usize = 20;

/// Sends the letters of all companies that are due, once each, and notes what became of them; ends early when told to.
///
/// # Errors
/// As the kernel's; a letter that does not leave is no error.
pub fn deliver(kernel: &Kernel, sender: &dyn Sender, stopping: &AtomicBool) -> Result<Round> {
    let due = kernel.letters_due(ROUND)?;
    let mut round = Round { left: 0, more: due.len() >= ROUND };
    for letter in due {
        if stopping.load(Ordering::Acquire) {
            return Ok(Round { more: false, ..round });
        }
        if !kernel.take_letter(&letter)? {
            continue;
        }
        let (id, system) = (letter.id, letter.system.clone());
        let sent = written(kernel, letter).and_then(|outgoing| sender.send(&outgoing));
        match &sent {
            Ok(()) => round.left += 1,
            Err((_, why)) => tracing::warn!(letter = id, why, "a letter did not leave"),
        }
        kernel.letter_done(&system, id, sent)?;
    }
    Ok(round)
}

/// The letter with its files, which their operations make at this moment.
fn written(kernel: &Kernel, due: DueLetter) -> std::result::Result<Outgoing, (bool, String)> {
    let DueLetter { id, system, letter } = due;
    let from = system.company.name.clone();
    let ask = Ask::by(system);
    let mut attached = Vec::new();
    for (operation, input) in &letter.attachments {
        let made = kernel.run(operation, input, &ask).and_then(|answer| made_file(&answer.output));
        let (name, media_type, content) = made.map_err(|error| (error.status >= 500, error.to_string()))?;
        attached.push(Attached { name, media_type, content });
    }
    Ok(Outgoing { id, from, to: letter.to, subject: letter.subject, body: letter.body, attached })
}
