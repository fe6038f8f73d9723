//! What the other modules report. Without the feature `metrics` these functions do nothing.
#![cfg_attr(not(feature = "prometheus"), allow(dead_code, reason = "only the Prometheus text reads it"))]
#![cfg_attr(not(feature = "metrics"), allow(unused_variables, reason = "nothing is measured"))]

use std::sync::Arc;

use vivaz_components::spec::Spec;
use vivaz_components::{Hub, UnmountReason};

use super::counters::Counters;
use super::instrument::Stopwatch;
use super::labels::{LabelSet, label};

label! {
    /// Why a session is no longer in this process.
    SessionEnd = "vivaz.reason" {
        /// The page was closed.
        Left = "left",
        /// It was disconnected for too long.
        Expired = "expired",
        /// The server is shutting down and keeps no sessions.
        Shutdown = "shutdown",
        /// The server ended it.
        Closed = "closed",
        /// The user's access was revoked.
        Revoked = "revoked",
        /// Another process owns it, or the store has a newer state.
        Moved = "moved",
    }
}

impl From<UnmountReason> for SessionEnd {
    fn from(reason: UnmountReason) -> Self {
        match reason {
            UnmountReason::Left => Self::Left,
            UnmountReason::Expired => Self::Expired,
            UnmountReason::Shutdown => Self::Shutdown,
            UnmountReason::Revoked => Self::Revoked,
            UnmountReason::Closed | UnmountReason::Removed | _ => Self::Closed,
        }
    }
}

label! {
    /// Whose state a patch changes.
    StreamKind = "vivaz.stream" {
        Component = "component",
        Topic = "topic",
    }
}

label! {
    /// The queues of the keeper.
    KeeperQueue = "vivaz.queue" {
        /// Changed sessions whose state is not taken yet.
        Changed = "changed",
        /// States to save.
        Save = "save",
        /// Sessions to write whole.
        Whole = "whole",
        /// Ended sessions to delete.
        Delete = "delete",
        /// Sessions to release.
        Release = "release",
        /// Users whose sessions are to be deleted.
        Revoke = "revoke",
    }
}

label! {
    /// An operation of the session store.
    StoreOperation = "vivaz.operation" {
        Find = "find",
        Claim = "claim",
        Save = "save",
        SaveWhole = "save_whole",
        Commit = "commit",
        Renew = "renew",
        Release = "release",
        Delete = "delete",
        ForgetUser = "forget_user",
        RenewLease = "renew_lease",
        Expire = "expire",
        Close = "close",
    }
}

label! {
    /// How a call of the session store ended.
    StoreOutcome = "vivaz.outcome" {
        Done = "done",
        /// The store refused the write, or it conflicts with an earlier one.
        Refused = "refused",
        /// The application's own writes failed.
        Aborted = "aborted",
        Failed = "failed",
        TimedOut = "timed_out",
    }
}

/// A call of the session store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreCall(StoreOperation, StoreOutcome);

impl LabelSet for StoreCall {
    const NAMES: &'static [&'static str] = &["vivaz.operation", "vivaz.outcome"];

    fn all() -> Vec<Self> {
        let outcomes =
            |operation| StoreOutcome::all().into_iter().map(move |outcome| Self(operation, outcome));
        StoreOperation::all().into_iter().flat_map(outcomes).collect()
    }

    fn position(self) -> usize {
        self.0.position() * StoreOutcome::all().len() + self.1.position()
    }

    fn values(self) -> Vec<&'static str> {
        [self.0.values(), self.1.values()].concat()
    }
}

/// The outboxes of all connections, as of a sweep.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OutboxTotals {
    pub(crate) bytes: usize,
    pub(crate) messages: usize,
    /// The bytes of the largest one.
    pub(crate) largest: usize,
}

impl Counters {
    pub(crate) fn session_opened(&self) {
        #[cfg(feature = "metrics")]
        self.detail.opened.add();
    }

    pub(crate) fn session_restored(&self) {
        #[cfg(feature = "metrics")]
        self.detail.restored.add();
    }

    pub(crate) fn session_ended(&self, end: SessionEnd) {
        #[cfg(feature = "metrics")]
        self.detail.ended.of(end).add();
    }

    /// Records that a session is dropped from memory.
    pub(crate) fn session_dropped(&self, lifetime: Stopwatch, is_stored: bool) {
        #[cfg(feature = "metrics")]
        {
            self.detail.lifetime.record_time(lifetime.elapsed());
            if is_stored {
                self.detail.stored.sub();
            }
        }
    }

    /// Records that the store has a session that it did not have before.
    pub(crate) fn session_stored(&self) {
        #[cfg(feature = "metrics")]
        self.detail.stored.add();
    }

    pub(crate) fn component_mounted(&self, component: &Spec) {
        #[cfg(feature = "metrics")]
        if let Some(mounted) = self.detail.mounted.of(component) {
            mounted.add();
        }
    }

    pub(crate) fn action_finished(
        &self,
        component: &Spec,
        action: &'static str,
        time: Stopwatch,
        is_failed: bool,
    ) {
        #[cfg(feature = "metrics")]
        {
            if let Some(times) = self.detail.action_time.of(component, action) {
                times.record_time(time.elapsed());
            }
            if is_failed && let Some(failed) = self.detail.action_failed.of(component, action) {
                failed.add();
            }
        }
    }

    pub(crate) fn component_patched(&self, bytes: usize) {
        #[cfg(feature = "metrics")]
        self.detail.patch_size.of(StreamKind::Component).record(bytes as u64);
    }

    /// Returns the hub with these counters as the observer of its topics' patches.
    pub(crate) fn observe(self: &Arc<Self>, hub: Hub) -> Hub {
        #[cfg(feature = "metrics")]
        let hub = hub.with_observer(Arc::clone(self) as Arc<dyn vivaz_components::FanOutObserver>);
        hub
    }

    pub(crate) fn patches_coalesced(&self, snapshots: usize) {
        #[cfg(feature = "metrics")]
        self.detail.coalesced.add_many(snapshots as u64);
    }

    pub(crate) fn outboxes_swept(&self, totals: OutboxTotals) {
        self.unsent_bytes.set(totals.bytes);
        #[cfg(feature = "metrics")]
        {
            self.detail.outbox_depth.set(totals.messages);
            self.detail.outbox_largest.set(totals.largest);
        }
    }

    pub(crate) fn keeper_swept(&self, lengths: impl FnOnce(&mut dyn FnMut(KeeperQueue, usize))) {
        #[cfg(feature = "metrics")]
        lengths(&mut |queue, length| self.detail.keeper_queue.of(queue).set(length));
    }
}

#[cfg(feature = "metrics")]
impl vivaz_components::FanOutObserver for Counters {
    fn delivered(&self, fan_out: vivaz_components::FanOut) {
        self.detail.patch_size.of(StreamKind::Topic).record(fan_out.bytes as u64);
        self.detail.fan_out.record(fan_out.subscribers as u64);
        self.detail.fan_out_time.record_time(fan_out.time);
    }
}

/// Measures a call of the session store.
pub(crate) struct StoreTimer {
    #[cfg(feature = "metrics")]
    counters: Arc<Counters>,
    #[cfg(feature = "metrics")]
    operation: StoreOperation,
    time: Stopwatch,
}

impl StoreTimer {
    pub(crate) fn start(counters: &Arc<Counters>, operation: StoreOperation) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            counters: Arc::clone(counters),
            #[cfg(feature = "metrics")]
            operation,
            time: Stopwatch::start(),
        }
    }

    pub(crate) fn stop(self, outcome: StoreOutcome) {
        #[cfg(feature = "metrics")]
        self.counters
            .detail
            .store_time
            .of(StoreCall(self.operation, outcome))
            .record_time(self.time.elapsed());
    }
}
