//! Periodically writes changed sessions to the store, deletes ended ones, and keeps the lease of
//! this process.

mod flush;
mod hand_over;
pub(crate) mod lease;
mod pending;
mod queue;
mod restoring;
pub(crate) mod saving;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use vivaz_components::spec::Spec;
use vivaz_protocol::{ComponentId, SessionId};

use self::flush::has_timed_out;
pub(crate) use self::hand_over::AwaitedRelease;
use self::pending::{Amendment, PendingWrites, Release};
pub(crate) use self::pending::{WholeWriteOutcome, WholeWriteRetry};
use self::restoring::{RestoreTurn, Restoring};
use crate::limits::Limits;
use crate::persist::store::{
    Fence, GuardedStore, Owner, ProcessGuard, ReleaseRequest, ReleasedAs, Save, SessionState, SessionStore,
    Snapshot, WriteRefusal,
};
use crate::telemetry::counters::Counters;
use crate::telemetry::words::KeeperQueue;

/// The minimum time for which a session stays valid if its process crashes.
const MIN_GOOD_FOR: Duration = Duration::from_secs(60 * 60);
/// How often a closing process tries to save its sessions.
const CLOSE_ATTEMPTS: u32 = 5;
/// The pause between these attempts.
const CLOSE_RETRY_DELAY: Duration = Duration::from_millis(200);

/// The keeper's interface to the sessions that run in this process.
pub(crate) trait RunningSessions: Send + Sync {
    /// Checks whether this process runs the copy of a session with this fence, or a newer one.
    fn has_copy(&self, session: &SessionId, fence: Fence) -> bool;
    /// Returns the sessions that a task drives.
    fn driven(&self) -> Vec<SessionId>;
    /// Asks the task that drives a session for its state.
    fn ask_to_save(&self, session: &SessionId);
    /// Ends a session because its user's access was revoked.
    fn revoke(&self, session: &SessionId);
    /// Handles that the store refused the copy of a session with this fence.
    fn refused(&self, session: &SessionId, fence: Fence, refusal: WriteRefusal);
    /// Asks a session to release itself, because another process requests it.
    fn ask_to_release(&self, request: &ReleaseRequest);
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
    /// How long other processes have to release a session.
    pub(super) release_time: Duration,
    /// Keeps this process registered in the store.
    registration: Mutex<Option<ProcessGuard>>,
    pending: Mutex<PendingWrites>,
    /// Wakes the writing task: a session has delivered its state.
    state_ready: Arc<Notify>,
    /// Held while a call of the store for queued states is taken from the queue and started, and
    /// while queued states are amended: the store executes calls for one session in the order in
    /// which they are started.
    starting: Mutex<()>,
    /// Held while a batch of states is written. A flush that gets it finds the states of a failed
    /// batch in the queue.
    writing: tokio::sync::Mutex<()>,
    /// Held while sessions are deleted and released.
    removing: tokio::sync::Mutex<()>,
    /// Held while access is revoked.
    revoking: tokio::sync::Mutex<()>,
    probe: lease::StoreProbe,
    restoring: Restoring,
}

impl Keeper {
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        save: Save,
        process: &str,
        limits: &Limits,
        counters: &Arc<Counters>,
    ) -> Self {
        Self {
            store: Arc::new(GuardedStore::new(store, limits.store_time, Arc::clone(counters))),
            save,
            process: process.into(),
            good_for: (limits.suspended_time * 2).max(MIN_GOOD_FOR),
            lease: limits.lease_time,
            release_time: limits.release_time,
            registration: Mutex::default(),
            pending: Mutex::default(),
            state_ready: Arc::default(),
            starting: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            removing: tokio::sync::Mutex::default(),
            revoking: tokio::sync::Mutex::default(),
            probe: lease::StoreProbe::default(),
            restoring: Restoring::default(),
        }
    }

    /// Returns whether each change of a component of this type is committed before the page
    /// receives it.
    pub(crate) fn commits(&self, spec: &Spec) -> bool {
        spec.durable || self.save == Save::Always
    }

    /// Records that a session has changed since it was saved.
    pub(crate) fn changed(&self, session: &SessionId) {
        self.lock().mark_changed(session, Instant::now());
    }

    /// Removes and returns the sessions that have changed at `until` or before.
    fn take_changed(&self, until: Instant) -> Vec<SessionId> {
        let mut pending = self.lock();
        std::iter::from_fn(|| pending.changed.pop_if(|since| *since <= until)).map(|(one, _)| one).collect()
    }

    /// Queues a snapshot of a session. It is written as soon as the store has written the previous
    /// batch. Returns `false`, and queues nothing, while a whole state of the session is queued or
    /// being written: the caller then has to call [`put_whole`](Self::put_whole).
    #[must_use]
    pub(crate) fn put(&self, snapshot: Snapshot) -> bool {
        let mut pending = self.lock();
        if pending.needs_whole(&snapshot.session) {
            return false;
        }
        pending.snapshots.insert(snapshot.session.clone(), snapshot);
        drop(pending);
        self.state_ready.notify_one();
        true
    }

    /// Queues the whole state of a session.
    pub(crate) fn put_whole(&self, state: SessionState) {
        self.lock().put_whole(state, None, WholeWriteRetry::Keeper);
        self.state_ready.notify_one();
    }

    /// Queues the whole state of a session and writes it now, in a task of its own: neither a slow
    /// write of other sessions nor the end of the caller delays it. The future returns the outcome
    /// of the first attempt, or `None` if the session has ended or was evicted before.
    pub(crate) fn write_whole<R: RunningSessions + 'static>(
        self: &Arc<Self>,
        state: SessionState,
        retry: WholeWriteRetry,
        running: Arc<R>,
        tasks: &TaskTracker,
    ) -> impl Future<Output = Option<WholeWriteOutcome>> + Send + use<R> {
        let (answer, outcome) = oneshot::channel();
        let (session, keeper) = (state.session.clone(), Arc::clone(self));
        self.lock().put_whole(state, Some(answer), retry);
        tasks.spawn(async move { keeper.write_one_whole(&session, &*running).await });
        async move { outcome.await.ok() }
    }

    /// Records that the mount of a component is about to write the component: a state that was
    /// taken before and is written later neither deletes nor overwrites it.
    pub(crate) fn add_component(&self, session: &SessionId, component: &ComponentId) {
        let _starting = self.lock_starting();
        self.lock().amend(session, Amendment::Mounted(component.clone()));
    }

    /// Removes a component that is about to be removed from the store, and the component kept aside
    /// under its id and name, from the queued writes. Without this, saving its state later would be
    /// refused as absent, as if the store had lost the component.
    pub(crate) fn drop_component(&self, session: &SessionId, component: &ComponentId, name: &'static str) {
        let _starting = self.lock_starting();
        self.lock().amend(session, Amendment::Removed(component.clone(), name));
    }

    /// Removes the queued writes of a session that this process will not run any more.
    pub(crate) fn drop_writes(&self, session: &SessionId) {
        let _starting = self.lock_starting();
        self.lock().drop_session(session);
    }

    /// Records that a session is ending: it can no longer be resumed and is no longer saved.
    /// Dropping the returned guard deletes it.
    pub(crate) fn begin_end(self: &Arc<Self>, session: &SessionId, fence: Fence) -> Ending {
        let _starting = self.lock_starting();
        self.lock().begin_end(session, fence);
        Ending { keeper: Arc::clone(self), session: session.clone(), fence }
    }

    /// Records that a session has ended, and queues its deletion.
    pub(crate) fn delete(&self, session: &SessionId, fence: Fence) {
        let _starting = self.lock_starting();
        self.lock().queue_deletion(session, fence);
    }

    /// Queues the deletion of all sessions of an owner, including those that only the store has.
    pub(crate) fn revoke(&self, owner: Owner) {
        self.lock().revoked.entry(owner).or_default().requests += 1;
    }

    /// Waits until no other task claims or releases the session.
    pub(crate) async fn restore_turn(&self, session: &SessionId) -> RestoreTurn<'_> {
        self.restoring.turn(session).await
    }

    /// Queues the release of a session that was claimed and does not run here.
    pub(crate) fn release(&self, session: &SessionId, fence: Fence, state: ReleasedAs) {
        self.lock().queue_release(session, Release { fence, state });
    }

    /// Checks whether a session has ended here although the store still has it with this fence. A
    /// newer fence is that of another process, in which the session may continue.
    pub(crate) fn has_ended(&self, session: &SessionId, fence: Fence) -> bool {
        self.lock().has_ended(session, fence)
    }

    /// Checks whether the sessions of an owner are being deleted although the store may still have
    /// them.
    pub(crate) fn is_revoking(&self, owner: &Owner) -> bool {
        self.lock().revoked.keys().any(|revoked| revoked.includes(owner))
    }

    /// Reports the length of each queue.
    pub(crate) fn queue_lengths(&self, report: &mut dyn FnMut(KeeperQueue, usize)) {
        let pending = self.lock();
        report(KeeperQueue::Changed, pending.changed.len());
        report(KeeperQueue::Save, pending.snapshots.len());
        report(KeeperQueue::Whole, pending.whole.len());
        report(KeeperQueue::Delete, pending.ended.len());
        report(KeeperQueue::Release, pending.released.len());
        report(KeeperQueue::Revoke, pending.revoked.len());
    }

    /// Writes the queue at shutdown and closes the lease. The store then has exactly the state that
    /// the pages have. If writing fails, the lease expires, and resumed pages get
    /// snapshots.
    pub(crate) async fn close(&self, running: &impl RunningSessions) {
        let mut flushed = self.flush(running).await;
        for _ in 1..CLOSE_ATTEMPTS {
            // A store that does not answer has already used its time limit.
            if flushed.is_ok() || has_timed_out(&flushed) {
                break;
            }
            tokio::time::sleep(CLOSE_RETRY_DELAY).await;
            flushed = self.flush(running).await;
        }
        let closed = match flushed {
            Ok(()) => self.store.close(&self.process).await.map_err(Arc::new),
            Err(error) => Err(error),
        };
        if let Err(error) = closed {
            tracing::error!(
                %error,
                "cannot close the store: changes since the last save may be lost, and resumed pages get \
                 snapshots"
            );
        }
        self.unregister();
    }

    /// Locked before `pending`.
    fn lock_starting(&self) -> MutexGuard<'_, ()> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, PendingWrites> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A guard for a session that is ending. Dropping it queues the deletion of the session.
pub(crate) struct Ending {
    keeper: Arc<Keeper>,
    session: SessionId,
    fence: Fence,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.keeper.delete(&self.session, self.fence);
    }
}
