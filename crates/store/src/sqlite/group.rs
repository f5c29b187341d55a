//! Group commit: neighbouring writes share one transaction of the database and one flush of the disk.
//!
//! Every caller runs its closure on its own thread while it holds the writer, inside a savepoint of the group's
//! transaction. When others wait for the writer, it leaves the transaction open for them and waits for its fate;
//! whoever finds the group full, old or alone commits it and tells everybody.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::disk::Disk;
use super::session::Session;
use crate::error::closed;
use crate::inside::{Inside, is_inside};
use crate::stats::Counters;
use crate::{Conn, Error, Result};

/// A group closes at this many members …
pub(super) const MEMBERS: u32 = 64;
/// … or at this much work in their closures: the more share a commit, the fewer pages each of them writes …
const WORK: Duration = Duration::from_millis(8);
/// … or at this age, in which the hand-over from thread to thread is counted too.
const AGE: Duration = Duration::from_millis(20);
/// Groups that run back to back for this long …
const STREAK: Duration = Duration::from_millis(50);
/// … leave the file alone for this long, so that another process gets its turn.
const PAUSE: Duration = Duration::from_millis(2);
/// How often a member whose group nobody closes looks after it.
const PATIENCE: Duration = Duration::from_millis(20);

/// The one writer of a database.
pub(super) struct Writer {
    state: Mutex<State>,
    /// How many callers wait for the writer.
    waiting: AtomicUsize,
    counters: Arc<Counters>,
    disk: Arc<Disk>,
    seen: AtomicI64,
    busy: Duration,
}

struct State {
    session: Option<Session>,
    group: Option<Group>,
    /// When the groups that run back to back began, and when the last one ended.
    streak: Option<(Instant, Instant)>,
}

/// The open transaction and those who take part.
struct Group {
    fate: Arc<Fate>,
    opened: Instant,
    work: Duration,
    members: u32,
    /// Whether anybody's changes are kept.
    changed: bool,
}

/// What became of a group; its members wait for it.
#[derive(Default)]
struct Fate {
    told: Mutex<Option<Verdict>>,
    bell: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Everything that was kept is on the disk.
    Durable,
    /// Nothing was kept: each member has to run again, alone.
    Lost,
    /// It is committed, and the disk did not take it: nobody knows what will be left of it.
    Unsure,
}

/// A group that has ended; its members are told once the disk has it.
struct Ended {
    fate: Option<Arc<Fate>>,
    /// What has to be on the disk before anybody is answered, or why nothing was kept.
    commit: Result<u64>,
}

/// What one run of a closure led to.
enum Step<T, E> {
    Answer(std::result::Result<T, E>),
    Again,
}

type Outcome<T, E> = std::result::Result<std::result::Result<T, E>, Box<dyn Any + Send>>;

impl Writer {
    pub(super) fn new(mut session: Session, busy: Duration, counters: Arc<Counters>, disk: Arc<Disk>) -> Result<Self> {
        session.begin_read()?;
        let seen = session.data_version();
        session.rollback();
        Ok(Writer {
            state: Mutex::new(State { session: Some(session), group: None, streak: None }),
            waiting: AtomicUsize::new(0),
            counters,
            disk,
            seen: AtomicI64::new(seen?),
            busy,
        })
    }

    /// Runs a closure in a transaction, see [`crate::Store::write`].
    pub(super) fn write<T, E: From<Error>>(
        &self,
        mut f: impl FnMut(&mut dyn Conn) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        if self.is_inside() {
            return Err(Error::sql("a write is running on this thread already: use its connection").into());
        }
        let mut alone = false;
        loop {
            match self.join(&mut f, alone) {
                Step::Answer(answer) => return answer,
                Step::Again => alone = true,
            }
        }
    }

    /// Whether a closure of this writer runs on this thread.
    pub(super) fn is_inside(&self) -> bool {
        is_inside(self)
    }

    /// Changes when another connection committed. While the writer works, the answer is as old as its group.
    pub(super) fn data_version(&self) -> Result<i64> {
        if !self.is_inside()
            && let Some(mut state) = self.state.try_lock()
            && state.group.is_none()
        {
            let session = state.session.as_mut().ok_or_else(closed)?;
            session.begin_read()?;
            let version = session.data_version();
            session.rollback();
            self.seen.store(version?, Ordering::Relaxed);
        }
        Ok(self.seen.load(Ordering::Relaxed))
    }

    /// Commits what is open and takes the connection away.
    pub(super) fn close(&self) -> Result<Option<Session>> {
        if self.is_inside() {
            return Err(Error::sql("a write is running on this thread: the database cannot be closed"));
        }
        let mut state = self.lock()?;
        let ended = self.finish(&mut state);
        let _told = self.tell(ended);
        Ok(state.session.take())
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let since = Instant::now();
        let state = self.state.try_lock_for(self.busy * 3);
        self.counters.waited(since);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        state.ok_or(Error::Busy)
    }

    /// Takes part in a group (or in one of its own, when `alone`) and waits until it is over.
    fn join<T, E: From<Error>>(
        &self,
        f: &mut impl FnMut(&mut dyn Conn) -> std::result::Result<T, E>,
        alone: bool,
    ) -> Step<T, E> {
        let mut guard = match self.lock() {
            Ok(guard) => guard,
            Err(error) => return Step::Answer(Err(error.into())),
        };
        if alone {
            let ended = self.finish(&mut guard);
            let _told = self.tell(ended);
        }
        if let Err(error) = self.begin(&mut guard) {
            return Step::Answer(Err(error.into()));
        }
        let state = &mut *guard;
        let (Some(session), Some(group)) = (&mut state.session, &mut state.group) else {
            return Step::Answer(Err(closed().into()));
        };

        let started = Instant::now();
        let first = group.members == 0;
        group.members += 1;
        let (outcome, kept) = self.run(session, f, first);
        group.work += started.elapsed();
        match kept {
            Ok(kept) => group.changed |= kept,
            Err(loss) => return self.lost(guard, outcome, loss),
        }

        let members = group.members;
        let over = alone
            // The first member has no savepoint: when it refuses, the transaction is empty and ends.
            || (first && !group.changed)
            || members >= MEMBERS
            || group.work >= WORK
            || group.opened.elapsed() >= AGE
            || self.waiting.load(Ordering::SeqCst) == 0;
        if !over {
            let fate = group.fate.clone();
            drop(guard);
            return self.answer(self.wait(&fate), outcome);
        }
        let ended = self.finish(&mut guard);
        drop(guard);
        match self.tell(ended) {
            (Verdict::Lost, Some(error)) if members == 1 => {
                Step::Answer(deliver(outcome).and_then(|_| Err(error.into())))
            }
            (verdict, _) => self.answer(verdict, outcome),
        }
    }

    /// Runs one closure inside the open transaction. Tells what it gave and whether its changes are kept, or why the
    /// transaction is gone.
    fn run<T, E: From<Error>>(
        &self,
        session: &mut Session,
        f: &mut impl FnMut(&mut dyn Conn) -> std::result::Result<T, E>,
        first: bool,
    ) -> (Outcome<T, E>, Result<bool>) {
        if !first && let Err(error) = session.savepoint() {
            return (Ok(Err(error.clone().into())), Err(error));
        }
        let inside = Inside::enter(self);
        let outcome = catch_unwind(AssertUnwindSafe(|| f(session)));
        drop(inside);
        // Who overlooks a failed statement fails with it, as on a database that has spent its transaction by then.
        let outcome = match (outcome, session.spent()) {
            (Ok(Ok(_)), Some(error)) => Ok(Err(error.into())),
            (outcome, _) => outcome,
        };
        let good = matches!(outcome, Ok(Ok(_)));
        let settled = match session.standing() {
            false => Err(session.loss()),
            true if first && !good => session.forgive(),
            true => session.unwind(good),
        };
        (outcome, settled.map(|()| good))
    }

    /// The transaction of the group is gone: everybody runs again alone, except who was alone already.
    fn lost<T, E: From<Error>>(
        &self,
        mut guard: MutexGuard<'_, State>,
        outcome: Outcome<T, E>,
        loss: Error,
    ) -> Step<T, E> {
        tracing::warn!(error = %loss, "a transaction was lost");
        let members = guard.group.take().map_or(1, |group| {
            group.fate.tell(Verdict::Lost);
            group.members
        });
        if let Some(session) = &mut guard.session {
            session.rollback();
        }
        guard.rest();
        drop(guard);
        if let Err(unsure) = self.disk.reach(self.disk.seen()) {
            return Step::Answer(Err(unsure.into()));
        }
        match outcome {
            Err(panic) => resume_unwind(panic),
            Ok(_) if members > 1 => Step::Again,
            Ok(Err(error)) => Step::Answer(Err(error)),
            Ok(Ok(_)) => Step::Answer(Err(loss.into())),
        }
    }

    /// Opens the transaction of a group, if none is open.
    fn begin(&self, state: &mut State) -> Result<()> {
        if state.group.is_some() {
            return Ok(());
        }
        self.disk.usable()?;
        if let Some((began, ended)) = state.streak {
            if ended.elapsed() > PAUSE {
                state.streak = None;
            } else if began.elapsed() > STREAK {
                std::thread::sleep(PAUSE);
                state.streak = None;
            }
        }
        let session = state.session.as_mut().ok_or_else(closed)?;
        session.begin_write()?;
        match session.data_version() {
            Ok(version) => self.seen.store(version, Ordering::Relaxed),
            Err(error) => {
                session.rollback();
                return Err(error);
            }
        }
        state.group = Some(Group {
            fate: Arc::default(),
            opened: Instant::now(),
            work: Duration::ZERO,
            members: 0,
            changed: false,
        });
        Ok(())
    }

    /// Ends the open group, if there is one. Its members are told when the writer is free for others.
    fn finish(&self, state: &mut State) -> Ended {
        let (Some(group), Some(session)) = (state.group.take(), &mut state.session) else {
            return Ended { fate: None, commit: Ok(self.disk.seen()) };
        };
        let result = match group.changed {
            true => {
                self.disk.begin();
                let result = session.commit();
                self.disk.written();
                result
            }
            false => {
                session.rollback();
                Ok(())
            }
        };
        match &result {
            Ok(()) if group.changed => self.counters.commit(),
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, members = group.members, "a commit failed"),
        }
        state.rest();
        // Who changed nothing may still have seen what the group before him wrote.
        Ended { fate: Some(group.fate), commit: result.map(|()| self.disk.seen()) }
    }

    /// Brings to the disk what a group has committed and tells its members.
    fn tell(&self, ended: Ended) -> (Verdict, Option<Error>) {
        let (verdict, error) = match ended.commit {
            Ok(commit) => match self.disk.reach(commit) {
                Ok(()) => (Verdict::Durable, None),
                Err(error) => (Verdict::Unsure, Some(error)),
            },
            Err(error) => (Verdict::Lost, Some(error)),
        };
        if let Some(fate) = ended.fate {
            fate.tell(verdict);
        }
        (verdict, error)
    }

    /// Gives the answer of a closure once the fate of its group is known. A panic is never run again.
    fn answer<T, E: From<Error>>(&self, verdict: Verdict, outcome: Outcome<T, E>) -> Step<T, E> {
        match (verdict, outcome) {
            (Verdict::Lost, Ok(_)) => Step::Again,
            (Verdict::Unsure, Ok(_)) => {
                let unsure = self.disk.usable().err().unwrap_or_else(closed);
                Step::Answer(Err(unsure.into()))
            }
            (_, outcome) => Step::Answer(deliver(outcome)),
        }
    }

    /// Waits for the fate of a group. Normally the next caller sees to it; when that one gave up, we do.
    fn wait(&self, fate: &Arc<Fate>) -> Verdict {
        loop {
            let mut told = fate.told.lock();
            if told.is_none() {
                fate.bell.wait_for(&mut told, PATIENCE);
            }
            if let Some(verdict) = *told {
                return verdict;
            }
            drop(told);
            if let Some(mut state) = self.state.try_lock()
                && state.group.as_ref().is_some_and(|group| Arc::ptr_eq(&group.fate, fate))
            {
                let ended = self.finish(&mut state);
                drop(state);
                return self.tell(ended).0;
            }
        }
    }
}

impl State {
    /// Notes that a group has ended.
    fn rest(&mut self) {
        let now = Instant::now();
        let began = self.streak.map_or(now, |(began, _)| began);
        self.streak = Some((began, now));
    }
}

impl Fate {
    fn tell(&self, verdict: Verdict) {
        *self.told.lock() = Some(verdict);
        self.bell.notify_all();
    }
}

/// Gives a closure's answer to its caller; its panic goes on there.
fn deliver<T, E>(outcome: Outcome<T, E>) -> std::result::Result<T, E> {
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}
