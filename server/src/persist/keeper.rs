//! Periodically writes changed sessions to the store, deletes ended ones, and keeps the lease of
//! this process.

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
use crate::persist::store::{
    GuardedStore, Owner, Save, SessionState, SessionStore, Snapshot, StoreError, WriteRefusal,
};

/// The maximum number of sessions that are saved in one call.
const BATCH: usize = 256;
/// The minimum time for which a session stays valid if its process crashes.
const MIN_GOOD_FOR: Duration = Duration::from_secs(60 * 60);
/// How often a closing process tries to save its sessions.
const CLOSE_ATTEMPTS: u32 = 5;
/// The pause between these attempts.
const CLOSE_RETRY_DELAY: Duration = Duration::from_millis(200);

/// The keeper's interface to the sessions that run in this process.
pub(crate) trait RunningSessions: Send + Sync {
    /// Checks whether this process has the session.
    fn contains(&self, session: &SessionId) -> bool;
    /// Returns the sessions that a task drives.
    fn driven(&self) -> Vec<SessionId>;
    /// Asks the task that drives a session for its state.
    fn ask_to_save(&self, session: &SessionId);
    /// Ends a session because its user's access was revoked.
    fn revoke(&self, session: &SessionId);
    /// Handles that the store refused a session.
    fn refused(&self, session: &SessionId, refusal: WriteRefusal);
}

/// The store and the writes that are queued for it.
pub(crate) struct Keeper {
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) save: Save,
    /// The name of this runtime in the store.
    pub(crate) process: Arc<str>,
    /// How long a session with a page stays valid after the lease of this process has ended.
    pub(crate) good_for: Duration,
    /// How long this process holds its sessions without renewing its lease.
    lease: Duration,
    pending: Mutex<PendingWrites>,
    /// Wakes the writing task: a session has delivered its state.
    state_ready: Arc<Notify>,
    /// Held during a flush, so that states are written in the order in which they were taken.
    writing: tokio::sync::Mutex<()>,
    probe: lease::StoreProbe,
}

/// The queued writes. Bounded by the number of sessions and of revoked users.
#[derive(Default)]
struct PendingWrites {
    /// Changed sessions whose state is not requested yet, with the time of the change, in the order
    /// of these times.
    changed: VecDeque<(Instant, SessionId)>,
    /// Sessions to save.
    snapshots: HashMap<SessionId, Snapshot>,
    /// Complete sessions to enter into the store.
    complete: HashMap<SessionId, SessionState>,
    /// Complete sessions that the store is writing, with the changes that were written separately
    /// since then.
    writing_complete: HashMap<SessionId, Vec<Amendment>>,
    /// Sessions whose components are being unmounted: their rows are deleted after the components'
    /// last writes.
    ending: HashSet<SessionId>,
    /// Sessions to delete. They stay here until the store has deleted them.
    ended: HashSet<SessionId>,
    /// Owners whose sessions the store has to delete, with the number of requests. They stay here
    /// until the store has done it after the last request.
    revoked: HashMap<Owner, u64>,
    /// Sessions that were claimed and could not be restored.
    released: HashSet<SessionId>,
}

impl Keeper {
    pub(crate) fn new(store: Arc<dyn SessionStore>, save: Save, process: &str, limits: &Limits) -> Self {
        Self {
            store: Arc::new(GuardedStore::new(store, limits.store_time)),
            save,
            process: process.into(),
            good_for: (limits.suspended_time * 2).max(MIN_GOOD_FOR),
            lease: limits.lease_time,
            pending: Mutex::default(),
            state_ready: Arc::default(),
            writing: tokio::sync::Mutex::default(),
            probe: lease::StoreProbe::default(),
        }
    }

    /// Records that a session has changed since it was saved.
    pub(crate) fn changed(&self, session: &SessionId) {
        self.lock().changed.push_back((Instant::now(), session.clone()));
    }

    /// Removes and returns the sessions that have changed at `until` or before.
    fn take_changed(&self, until: Instant) -> Vec<SessionId> {
        let mut pending = self.lock();
        let due = pending.changed.partition_point(|(since, _)| *since <= until);
        pending.changed.drain(..due).map(|(_, session)| session).collect()
    }

    /// Queues a snapshot of a session. It is written as soon as the store has written the previous
    /// batch. Returns `false`, and queues nothing, while a complete state of the session is queued
    /// or being written: the caller then has to call [`put_complete`](Self::put_complete).
    #[must_use]
    pub(crate) fn put(&self, snapshot: Snapshot) -> bool {
        let mut pending = self.lock();
        let session = &snapshot.session;
        if pending.complete.contains_key(session) || pending.writing_complete.contains_key(session) {
            return false;
        }
        pending.snapshots.insert(session.clone(), snapshot);
        drop(pending);
        self.state_ready.notify_one();
        true
    }

    /// Queues the complete state of a session.
    pub(crate) fn put_complete(&self, state: SessionState) {
        let mut pending = self.lock();
        pending.snapshots.remove(&state.session);
        pending.complete.insert(state.session.clone(), state);
        drop(pending);
        self.state_ready.notify_one();
    }

    /// Records that the mount of a component is about to write the component: a complete state that
    /// was taken before and is written later does not delete it.
    pub(crate) fn add_component(&self, session: &SessionId, component: &ComponentId) {
        self.lock().amend(session, Amendment::Mounted(component.clone()));
    }

    /// Removes a component that is about to be removed from the store, and the component kept aside
    /// under its id and name, from the queued writes. Without this, saving its state later would be
    /// refused as absent, as if the store had lost the component.
    pub(crate) fn drop_component(&self, session: &SessionId, component: &ComponentId, name: &'static str) {
        let mut pending = self.lock();
        if let Some(snapshot) = pending.snapshots.get_mut(session) {
            snapshot.components.retain(|state| state.id != *component);
        }
        pending.amend(session, Amendment::Removed(component.clone(), name));
    }

    /// Removes the queued writes of a session that another process has taken.
    pub(crate) fn drop_session(&self, session: &SessionId) {
        self.lock().drop_session(session);
    }

    /// Records that a session is ending: it can no longer be resumed and is no longer saved.
    /// Dropping the returned guard deletes it.
    pub(crate) fn begin_end(self: &Arc<Self>, session: &SessionId) -> Ending {
        let mut pending = self.lock();
        pending.drop_session(session);
        pending.ending.insert(session.clone());
        Ending { keeper: Arc::clone(self), session: session.clone() }
    }

    /// Records that a session has ended, and queues its deletion.
    pub(crate) fn forget(&self, session: &SessionId) {
        let mut pending = self.lock();
        pending.ending.remove(session);
        pending.drop_session(session);
        pending.ended.insert(session.clone());
    }

    /// Queues the deletion of all sessions of an owner, including those that only the store has.
    pub(crate) fn revoke(&self, owner: Owner) {
        *self.lock().revoked.entry(owner).or_default() += 1;
    }

    /// Queues the release of a session that was claimed and does not run here.
    pub(crate) fn release(&self, session: &SessionId) {
        self.lock().released.insert(session.clone());
    }

    /// Checks whether a session has ended although the store may still have it.
    pub(crate) fn has_ended(&self, session: &SessionId) -> bool {
        self.lock().has_ended(session)
    }

    /// Checks whether the sessions of an owner are being deleted although the store may still have
    /// them.
    pub(crate) fn is_revoking(&self, owner: &Owner) -> bool {
        self.lock().revoked.keys().any(|revoked| revoked.includes(owner))
    }

    /// Writes the queue at shutdown and closes the lease. The store then has exactly the state that
    /// the pages have. If writing fails, the lease expires, and resumed pages get complete
    /// snapshots.
    pub(crate) async fn close(&self, running: &impl RunningSessions) {
        let mut flushed = self.flush(running).await;
        for _ in 1..CLOSE_ATTEMPTS {
            // A store that does not answer has already used its time limit.
            if matches!(flushed, Ok(()) | Err(StoreError::TimedOut)) {
                break;
            }
            tokio::time::sleep(CLOSE_RETRY_DELAY).await;
            flushed = self.flush(running).await;
        }
        let closed = match flushed {
            Ok(()) => self.store.close(&self.process).await,
            Err(error) => Err(error),
        };
        if let Err(error) = closed {
            tracing::error!(
                %error,
                "cannot close the store: changes since the last save may be lost, and resumed pages get \
                 complete snapshots"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, PendingWrites> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A change that is written separately after the complete state of a session was taken.
#[derive(Clone)]
enum Amendment {
    /// A component is mounted.
    Mounted(ComponentId),
    /// A component with this name is removed.
    Removed(ComponentId, &'static str),
}

impl Amendment {
    /// Changes a complete state so that it may be written after this change.
    fn apply(&self, state: &mut SessionState) {
        let (Self::Mounted(id) | Self::Removed(id, _)) = self;
        state.components.retain(|one| one.id != id.as_str());
        state.moving.retain(|one| one != id);
        match self {
            Self::Mounted(_) => state.moving.push(id.clone()),
            Self::Removed(_, name) => {
                state.aside.retain(|one| one.id != id.as_str() || one.name != *name);
            }
        }
    }
}

/// A guard for a session that is ending. Dropping it queues the deletion of the session.
pub(crate) struct Ending {
    keeper: Arc<Keeper>,
    session: SessionId,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.keeper.forget(&self.session);
    }
}
