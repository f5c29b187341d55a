//! Tells other programs on the same database that something was committed, and hears it from them.
//!
//! A NOTIFY inside each writing transaction would make all commits of the server wait for one lock. So a thread of its own
//! tells, a few times a second, after the commit; who opens or closes the database tells too, so that news which a killed
//! program could not tell come with its restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use postgres::Client;
use postgres::fallible_iterator::FallibleIterator;

use super::errors::translate;
use super::place::Place;
use crate::{Error, Result, quoted};

/// How often is told and heard.
const BEAT: Duration = Duration::from_millis(50);

/// One program's part in it.
pub(super) struct Pulse {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    place: Place,
    channel: String,
    /// Who we are: our own news are none to us.
    own: String,
    heard: AtomicI64,
    untold: AtomicBool,
    stop: AtomicBool,
    running: AtomicBool,
}

impl Pulse {
    /// `name` is that of the schema, unique on the server.
    pub(super) fn new(place: Place, name: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
        Pulse {
            shared: Arc::new(Shared {
                place,
                channel: channel(name),
                own: format!("{}-{since:x}-{count}", std::process::id()),
                heard: AtomicI64::new(1),
                untold: AtomicBool::new(false),
                stop: AtomicBool::new(false),
                running: AtomicBool::new(false),
            }),
            thread: Mutex::new(None),
        }
    }

    /// Notes a commit; it is told soon.
    pub(super) fn committed(&self) {
        self.shared.untold.store(true, Ordering::Release);
        if !self.shared.running.load(Ordering::Acquire)
            && let Err(error) = self.start()
        {
            tracing::warn!(%error, "other programs are not told of changes");
        }
    }

    /// A number that changes when others have told of a commit.
    pub(super) fn version(&self) -> Result<i64> {
        if self.shared.stop.load(Ordering::Acquire) {
            return Err(crate::error::closed());
        }
        self.start()?;
        Ok(self.shared.heard.load(Ordering::Acquire))
    }

    fn start(&self) -> Result<()> {
        let mut thread = self.thread.lock();
        if thread.is_some() || self.shared.stop.load(Ordering::Acquire) {
            return Ok(());
        }
        let client = self.shared.listening()?;
        let shared = self.shared.clone();
        let started = std::thread::Builder::new()
            .name("store-pulse".to_owned())
            .spawn(move || shared.run(client))
            .map_err(|error| Error::Io(error.to_string()))?;
        *thread = Some(started);
        self.shared.running.store(true, Ordering::Release);
        Ok(())
    }

    /// Tells what is untold and ends.
    pub(super) fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// A connection that hears, after saying that we are here.
    fn listening(&self) -> Result<Client> {
        let mut client = self.place.client()?;
        let sql = format!("SET synchronous_commit = off; LISTEN {}", quoted(&self.channel));
        client.batch_execute(&sql).map_err(|error| translate(&error, &sql))?;
        self.tell(&mut client)?;
        Ok(client)
    }

    fn tell(&self, client: &mut Client) -> Result<()> {
        let sql = format!("NOTIFY {}, '{}'", quoted(&self.channel), self.own);
        client.batch_execute(&sql).map_err(|error| translate(&error, &sql))
    }

    fn run(&self, mut client: Client) {
        loop {
            if let Err(error) = self.beat(&mut client) {
                tracing::warn!(%error, "the connection that hears of changes broke");
                // What was told meanwhile is lost: as if everything had changed.
                self.heard.fetch_add(1, Ordering::AcqRel);
                loop {
                    if self.stop.load(Ordering::Acquire) {
                        return;
                    }
                    std::thread::sleep(BEAT * 4);
                    if let Ok(fresh) = self.listening() {
                        client = fresh;
                        self.heard.fetch_add(1, Ordering::AcqRel);
                        break;
                    }
                }
            }
            if self.stop.load(Ordering::Acquire) {
                if self.untold.swap(false, Ordering::AcqRel) {
                    let _ = self.tell(&mut client);
                }
                return;
            }
        }
    }

    fn beat(&self, client: &mut Client) -> Result<()> {
        if self.untold.swap(false, Ordering::AcqRel)
            && let Err(error) = self.tell(client)
        {
            self.untold.store(true, Ordering::Release);
            return Err(error);
        }
        {
            let mut notifications = client.notifications();
            let mut heard = notifications.timeout_iter(BEAT);
            while let Some(news) = heard.next().map_err(|error| translate(&error, "LISTEN"))? {
                if news.payload() != self.own {
                    self.heard.fetch_add(1, Ordering::AcqRel);
                }
                if self.untold.load(Ordering::Acquire) || self.stop.load(Ordering::Acquire) {
                    break;
                }
            }
        }
        if client.is_closed() { Err(Error::Io("closed".to_owned())) } else { Ok(()) }
    }
}

/// The name of the channel: at most 63 bytes, whatever the schema is called.
fn channel(name: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("celek_{hash:016x}")
}
