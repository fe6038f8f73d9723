//! Periodically writes changed sessions to the store, deletes ended ones, and keeps the lease of this
//! process.

pub(crate) mod lease;
pub(crate) mod saving;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use vivaz_protocol::{ComponentId, SessionId};

use crate::limits::Limits;
use crate::persist::store::{Guarded, Owner, Refusal, Save, SessionStore, Snapshot, StoreError, Whole};

/// At most this many sessions are saved in one call.
const TOGETHER: usize = 256;
/// How long a session is good that runs when its process ends without a word, at least.
const GOOD_FOR: Duration = Duration::from_secs(60 * 60);
/// How often a closing process tries to save what could not be saved.
const LAST_TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// The sessions that run in this process, as the keeper sees them.
pub(crate) trait RunningSessions: Send + Sync {
    /// Whether this process has the session.
    fn contains(&self, session: &SessionId) -> bool;
    /// Returns the sessions that a task drives.
    fn driven(&self) -> Vec<SessionId>;
    /// Asks the task that drives a session for its state.
    fn ask_to_save(&self, session: &SessionId);
    /// Ends a session because its user's access was revoked.
    fn revoke(&self, session: &SessionId);
    /// Handles that the store does not take a session.
    fn refused(&self, session: &SessionId, refusal: Refusal);
}

/// The store and what is on its way to it.
pub(crate) struct Keeper {
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) save: Save,
    /// The name of this process (of this runtime, to be exact) in the store.
    pub(crate) process: Arc<str>,
    /// How long a session that has a page stays good once the lease of this process has ended.
    pub(crate) good_for: Duration,
    /// How long this process holds its sessions without renewing its lease.
    lease: Duration,
    waiting: Mutex<Waiting>,
    /// Wakes the task that writes: a session has answered.
    answered: Arc<Notify>,
    /// Held during a flush, so that what is written first was taken first.
    writing: tokio::sync::Mutex<()>,
    probe: lease::Probe,
}

/// What waits to be written. Bounded by the number of sessions and of revoked users.
#[derive(Default)]
struct Waiting {
    /// Sessions that have changed and are to be asked for their state, and since when; in that order.
    changed: VecDeque<(Instant, SessionId)>,
    snapshots: HashMap<SessionId, Snapshot>,
    wholes: HashMap<SessionId, Whole>,
    /// Whole sessions that the store is writing, with what is written of them meanwhile.
    entering: HashMap<SessionId, Vec<Amendment>>,
    /// Sessions whose components are being unmounted: their rows stay until those have written what
    /// they write.
    ending: HashSet<SessionId>,
    /// Sessions to delete. They stay here until the store has done it.
    ended: HashSet<SessionId>,
    /// Users whose sessions are to end in the store, with how often that was asked for. They stay here until the
    /// store has done it after the last time.
    revoked: HashMap<Owner, u64>,
    /// Sessions that were claimed and could not be restored.
    released: HashSet<SessionId>,
}

impl Keeper {
    pub(crate) fn new(store: Arc<dyn SessionStore>, save: Save, process: &str, limits: &Limits) -> Self {
        Self {
            store: Arc::new(Guarded::new(store, limits.store_time)),
            save,
            process: process.into(),
            good_for: (limits.suspended_time * 2).max(GOOD_FOR),
            lease: limits.lease_time,
            waiting: Mutex::default(),
            answered: Arc::default(),
            writing: tokio::sync::Mutex::default(),
            probe: lease::Probe::default(),
        }
    }

    /// Notes that a session has changed since it was saved.
    pub(crate) fn changed(&self, session: &SessionId) {
        self.lock().changed.push_back((Instant::now(), session.clone()));
    }

    /// Takes the sessions that have changed at `until` or before.
    fn take_changed(&self, until: Instant) -> Vec<SessionId> {
        let mut waiting = self.lock();
        let due = waiting.changed.partition_point(|(since, _)| *since <= until);
        waiting.changed.drain(..due).map(|(_, session)| session).collect()
    }

    /// Takes a session as it is now, to be saved with the others that wait. It is written as soon as
    /// the store has written what was taken before. Returns `false`, and takes nothing, while the
    /// session is to be written whole: then it has to be put whole again.
    #[must_use]
    pub(crate) fn put(&self, snapshot: Snapshot) -> bool {
        let mut waiting = self.lock();
        let session = &snapshot.session;
        if waiting.wholes.contains_key(session) || waiting.entering.contains_key(session) {
            return false;
        }
        waiting.snapshots.insert(session.clone(), snapshot);
        drop(waiting);
        self.answered.notify_one();
        true
    }

    /// Takes a whole session as it is now, to be written with the others that wait.
    pub(crate) fn put_whole(&self, whole: Whole) {
        let mut waiting = self.lock();
        waiting.snapshots.remove(&whole.session);
        waiting.wholes.insert(whole.session.clone(), whole);
        drop(waiting);
        self.answered.notify_one();
    }

    /// Notes that a component is about to be written by its mount: a whole session that was taken
    /// before and is written after that does not delete it.
    pub(crate) fn add_component(&self, session: &SessionId, component: &ComponentId) {
        self.lock().amend(session, Amendment::Mounted(component.clone()));
    }

    /// Drops what waits of a component that is about to be removed from the store, and of what is kept
    /// aside of it: a state that is saved after that would be taken for one that the store has lost.
    pub(crate) fn drop_component(&self, session: &SessionId, component: &ComponentId, name: &'static str) {
        let mut waiting = self.lock();
        if let Some(snapshot) = waiting.snapshots.get_mut(session) {
            snapshot.components.retain(|state| state.id != *component);
        }
        waiting.amend(session, Amendment::Removed(component.clone(), name));
    }

    /// Drops what waits of a session that another process has.
    pub(crate) fn drop_session(&self, session: &SessionId) {
        self.lock().drop_session(session);
    }

    /// Notes that a session ends: it cannot be resumed and is not saved any more, and is forgotten when
    /// the returned value is dropped.
    pub(crate) fn begin_end(self: &Arc<Self>, session: &SessionId) -> Ending {
        let mut waiting = self.lock();
        waiting.drop_session(session);
        waiting.ending.insert(session.clone());
        Ending { keeper: Arc::clone(self), session: session.clone() }
    }

    /// Notes that a session has ended.
    pub(crate) fn forget(&self, session: &SessionId) {
        let mut waiting = self.lock();
        waiting.ending.remove(session);
        waiting.drop_session(session);
        waiting.ended.insert(session.clone());
    }

    /// Notes that the sessions of a user end, also those that only the store has.
    pub(crate) fn revoke(&self, owner: Owner) {
        *self.lock().revoked.entry(owner).or_default() += 1;
    }

    /// Notes that a session was claimed and is not run here.
    pub(crate) fn release(&self, session: &SessionId) {
        self.lock().released.insert(session.clone());
    }

    /// Returns whether a session has ended although the store may still have it.
    pub(crate) fn has_ended(&self, session: &SessionId) -> bool {
        self.lock().has_ended(session)
    }

    /// Returns whether the sessions of a user are ending although the store may still have them.
    pub(crate) fn is_revoking(&self, owner: &Owner) -> bool {
        self.lock().revoked.keys().any(|revoked| revoked.includes(owner))
    }

    /// Writes what is left at the end of the process and closes. What was saved is exactly what the
    /// pages have; if it could not be saved, the lease ends by itself and pages are sent their
    /// whole state.
    pub(crate) async fn close(&self, running: &impl RunningSessions) {
        let mut flushed = self.flush(running).await;
        for _ in 1..LAST_TRIES {
            // A store that does not answer has been waited for.
            if matches!(flushed, Ok(()) | Err(StoreError::TimedOut)) {
                break;
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
            flushed = self.flush(running).await;
        }
        let closed = match flushed {
            Ok(()) => self.store.close(&self.process).await,
            Err(error) => Err(error),
        };
        if let Err(error) = closed {
            tracing::error!(
                %error,
                "the store could not be closed: changes since the last save may be lost, and pages that \
                 come back are sent their whole state"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is written of a session by itself after the session was taken whole.
#[derive(Clone)]
enum Amendment {
    /// A component is mounted.
    Mounted(ComponentId),
    /// A component of that name is removed.
    Removed(ComponentId, &'static str),
}

impl Amendment {
    /// Changes a whole session so that it may be written after this.
    fn apply(&self, whole: &mut Whole) {
        let (Self::Mounted(id) | Self::Removed(id, _)) = self;
        whole.components.retain(|one| one.id != id.as_str());
        whole.moving.retain(|one| one != id);
        match self {
            Self::Mounted(_) => whole.moving.push(id.clone()),
            Self::Removed(_, name) => {
                whole.aside.retain(|one| one.id != id.as_str() || one.name != *name);
            }
        }
    }
}

/// A session that is ending, in the store too.
pub(crate) struct Ending {
    keeper: Arc<Keeper>,
    session: SessionId,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.keeper.forget(&self.session);
    }
}
