//! The writes that are queued for the store, and those that the store is executing.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;
use vivaz_protocol::{ComponentId, SessionId};

use super::queue::SessionQueue;
use crate::persist::store::{Fence, Owner, ReleasedAs, SessionState, Snapshot, StoreError, WriteRefusal};

/// The maximum number of sessions whose deletion is queued, and of those whose release is queued:
/// about 30 MB each. The queues grow while the store fails.
///
/// A session that ends while the queue is full is not deleted. The store keeps it until the lease
/// of this process has ended and the session has expired, and its page can resume it until then. A
/// session that is not released is kept by the store for the same time.
pub(super) const MAX_REMOVALS: usize = 1 << 18;

/// The outcome of writing the whole state of a session: `Some` if the store refused it.
pub(crate) type WholeWriteOutcome = Result<Option<WriteRefusal>, Arc<StoreError>>;

/// The queued writes.
///
/// `changed`, `snapshots`, `whole`, `in_flight` and `ending` have at most one entry for each
/// session of this process. `ended` and `released` are bounded by [`MAX_REMOVALS`]. `revoked` has
/// one entry for each owner whose access the application has revoked while the store fails. It is
/// not bounded: without its entry, the owner could resume a session that the store still has.
#[derive(Default)]
pub(super) struct PendingWrites {
    /// Changed sessions whose state is not requested yet, with the time of the first change, in the
    /// order of these times.
    pub(super) changed: SessionQueue<Instant>,
    /// Sessions to save. A session is in `snapshots` or in `whole`, not in both.
    pub(super) snapshots: SessionQueue<Snapshot>,
    /// Sessions to write whole.
    pub(super) whole: SessionQueue<QueuedWhole>,
    /// The last call of each session that the store is executing.
    in_flight: HashMap<SessionId, InFlight>,
    /// The number of calls that were taken from the queues.
    calls: u64,
    /// Sessions whose components are being unmounted: their rows are deleted after the components'
    /// last writes.
    ending: HashMap<SessionId, Fence>,
    /// Sessions to delete. They stay here until the store has deleted them.
    pub(super) ended: SessionQueue<Fence>,
    /// Owners whose sessions the store has to delete.
    pub(super) revoked: HashMap<Owner, Revocation>,
    /// Sessions to release.
    pub(super) released: SessionQueue<Release>,
    /// The number of removals that were dropped because a queue was full.
    dropped: u64,
}

/// The release of a copy of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) fence: Fence,
    pub(super) state: ReleasedAs,
}

/// The whole state of a session to write.
pub(super) struct QueuedWhole {
    pub(super) state: SessionState,
    /// The receivers of the outcome of the next attempt. They are dropped if the session ends or is
    /// evicted before.
    pub(super) answers: Answers,
    /// Who writes the state again if the store fails.
    retry: WholeWriteRetry,
}

/// The receivers of the outcome of a write.
pub(super) type Answers = Vec<oneshot::Sender<WholeWriteOutcome>>;

/// Which part of the process writes a whole state again if the store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WholeWriteRetry {
    /// The keeper, with the next flush.
    Keeper,
    /// The caller that waits for the outcome.
    Caller,
}

/// States that one call of the store writes.
pub(super) struct Batch<T> {
    call: u64,
    pub(super) states: Vec<T>,
}

/// A state that the store is writing.
struct InFlight {
    call: u64,
    kind: StateKind,
    /// The changes that were written separately since the call.
    amendments: Vec<Amendment>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StateKind {
    Snapshot,
    Whole,
}

/// A revocation that the store has not executed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Revocation {
    /// How often it was requested. Sessions may be inserted between two requests.
    pub(super) requests: u64,
    /// How often the store has failed to execute it.
    pub(super) failures: u64,
}

/// A change that is written separately after the state of a session was taken.
#[derive(Clone)]
pub(super) enum Amendment {
    /// A component is mounted.
    Mounted(ComponentId),
    /// A component with this name is removed.
    Removed(ComponentId, &'static str),
}

impl Amendment {
    /// Changes a whole state so that it may be written after this change.
    fn apply_to_whole(&self, state: &mut SessionState) {
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

    /// Changes a snapshot so that it may be written after this change. The store would refuse the
    /// state of a component that it does not have.
    fn apply_to_snapshot(&self, snapshot: &mut Snapshot) {
        let (Self::Mounted(id) | Self::Removed(id, _)) = self;
        snapshot.components.retain(|state| state.id != *id);
    }
}

impl PendingWrites {
    /// Records that a session has changed, unless its state is about to be requested.
    pub(super) fn mark_changed(&mut self, session: &SessionId, now: Instant) {
        if !self.changed.contains(session) {
            self.changed.insert(session.clone(), now);
        }
    }

    /// Checks whether only the whole state of a session may be queued: an older whole state may not
    /// be written yet.
    pub(super) fn needs_whole(&self, session: &SessionId) -> bool {
        let is_whole = |one: &InFlight| one.kind == StateKind::Whole;
        self.whole.contains(session) || self.in_flight.get(session).is_some_and(is_whole)
    }

    /// Queues the whole state of a session in place of its older states.
    pub(super) fn put_whole(
        &mut self,
        state: SessionState,
        answer: Option<oneshot::Sender<WholeWriteOutcome>>,
        retry: WholeWriteRetry,
    ) {
        self.snapshots.remove(&state.session);
        if let Some(queued) = self.whole.get_mut(&state.session) {
            queued.state = state;
            queued.answers.extend(answer);
            if retry == WholeWriteRetry::Keeper {
                queued.retry = retry;
            }
        } else {
            let answers = answer.into_iter().collect();
            self.whole.insert(state.session.clone(), QueuedWhole { state, answers, retry });
        }
    }

    /// Takes the first snapshots, at most `count`, for a call. Returns `None` if there are none.
    pub(super) fn take_snapshots(&mut self, count: usize) -> Option<Batch<Snapshot>> {
        let states = self.snapshots.take(count);
        let sessions = states.iter().map(|snapshot| snapshot.session.clone()).collect();
        self.begin_call(StateKind::Snapshot, sessions).map(|call| Batch { call, states })
    }

    /// Takes the first whole states, at most `count`, for a call. Returns `None` if there are none.
    pub(super) fn take_whole(&mut self, count: usize) -> Option<Batch<QueuedWhole>> {
        let states = self.whole.take(count);
        self.begin_whole_call(states)
    }

    /// Takes the whole state of one session for a call.
    pub(super) fn take_whole_of(&mut self, session: &SessionId) -> Option<Batch<QueuedWhole>> {
        let states = self.whole.remove(session).into_iter().collect();
        self.begin_whole_call(states)
    }

    fn begin_whole_call(&mut self, states: Vec<QueuedWhole>) -> Option<Batch<QueuedWhole>> {
        let sessions = states.iter().map(|queued| queued.state.session.clone()).collect();
        self.begin_call(StateKind::Whole, sessions).map(|call| Batch { call, states })
    }

    fn begin_call(&mut self, kind: StateKind, sessions: Vec<SessionId>) -> Option<u64> {
        if sessions.is_empty() {
            return None;
        }
        self.calls += 1;
        let call = self.calls;
        for session in sessions {
            // An older call of the session is obsolete: it is not repeated if it fails.
            self.in_flight.insert(session, InFlight { call, kind, amendments: Vec::new() });
        }
        Some(call)
    }

    /// Records that a call has ended for a session. Returns the changes since the call, or `None`
    /// if a newer state was taken since or the session was dropped.
    fn end_call(&mut self, call: u64, session: &SessionId) -> Option<Vec<Amendment>> {
        self.in_flight.get(session).filter(|one| one.call == call)?;
        self.in_flight.remove(session).map(|one| one.amendments)
    }

    /// Records that the store has written snapshots.
    pub(super) fn snapshots_written(&mut self, batch: &Batch<Snapshot>) {
        for snapshot in &batch.states {
            self.end_call(batch.call, &snapshot.session);
        }
    }

    /// Records that the store has written whole states.
    pub(super) fn whole_written(&mut self, batch: &Batch<QueuedWhole>) {
        for queued in &batch.states {
            self.end_call(batch.call, &queued.state.session);
        }
    }

    /// Queues snapshots again that were not written, behind the others. Drops those of sessions
    /// that have newer states, have ended or were dropped.
    pub(super) fn put_snapshots_back(&mut self, batch: Batch<Snapshot>) {
        for mut snapshot in batch.states {
            let Some(amendments) = self.end_call(batch.call, &snapshot.session) else { continue };
            let session = snapshot.session.clone();
            let is_newer = self.snapshots.contains(&session) || self.whole.contains(&session);
            if is_newer || self.has_ended(&session, snapshot.fence) {
                continue;
            }
            amendments.iter().for_each(|amendment| amendment.apply_to_snapshot(&mut snapshot));
            self.snapshots.insert(session, snapshot);
        }
    }

    /// Queues whole states again that were not written, behind the others. Drops those that their
    /// callers write again, and those of sessions that have newer whole states, have ended or were
    /// dropped.
    pub(super) fn put_whole_back(&mut self, batch: Batch<QueuedWhole>) {
        for QueuedWhole { mut state, answers: _, retry } in batch.states {
            let Some(amendments) = self.end_call(batch.call, &state.session) else { continue };
            let is_obsolete =
                self.whole.contains(&state.session) || self.has_ended(&state.session, state.fence);
            if is_obsolete || retry == WholeWriteRetry::Caller {
                continue;
            }
            amendments.iter().for_each(|amendment| amendment.apply_to_whole(&mut state));
            self.put_whole(state, None, retry);
        }
    }

    /// Applies a change that is written separately to the queued state of its session, and records
    /// it for the state that the store is writing.
    pub(super) fn amend(&mut self, session: &SessionId, amendment: Amendment) {
        if let Some(snapshot) = self.snapshots.get_mut(session) {
            amendment.apply_to_snapshot(snapshot);
        }
        if let Some(queued) = self.whole.get_mut(session) {
            amendment.apply_to_whole(&mut queued.state);
        }
        if let Some(in_flight) = self.in_flight.get_mut(session) {
            in_flight.amendments.push(amendment);
        }
    }

    /// Removes the queued states of a session. A state that the store is writing is not queued
    /// again.
    pub(super) fn drop_session(&mut self, session: &SessionId) {
        self.changed.remove(session);
        self.snapshots.remove(session);
        self.whole.remove(session);
        self.in_flight.remove(session);
    }

    /// Records that a session is ending.
    pub(super) fn begin_end(&mut self, session: &SessionId, fence: Fence) {
        self.drop_session(session);
        self.ending.insert(session.clone(), fence);
    }

    /// Queues the deletion of a session.
    pub(super) fn queue_deletion(&mut self, session: &SessionId, fence: Fence) {
        self.ending.remove(session);
        self.drop_session(session);
        let fence = self.ended.get(session).map_or(fence, |queued| fence.max(*queued));
        self.dropped += u64::from(!insert_bounded(&mut self.ended, session, fence));
    }

    /// Queues the release of a session. Of two copies, the newer one is released.
    pub(super) fn queue_release(&mut self, session: &SessionId, release: Release) {
        if self.released.get(session).is_none_or(|queued| queued.fence <= release.fence) {
            self.dropped += u64::from(!insert_bounded(&mut self.released, session, release));
        }
    }

    /// Returns the number of removals that were dropped since the last call.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// Checks whether the copy of a session with this fence, or a newer one, has ended.
    pub(super) fn has_ended(&self, session: &SessionId, fence: Fence) -> bool {
        let ended = self.ending.get(session).max(self.ended.get(session));
        ended.is_some_and(|ended| fence <= *ended)
    }
}

/// Adds a session to a queue of removals. Returns whether the session is in it.
fn insert_bounded<T>(queue: &mut SessionQueue<T>, session: &SessionId, value: T) -> bool {
    if queue.len() >= MAX_REMOVALS && !queue.contains(session) {
        return false;
    }
    queue.insert(session.clone(), value);
    true
}
