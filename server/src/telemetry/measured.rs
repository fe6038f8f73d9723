//! What the other modules report. Without the feature `metrics` these functions do nothing.
#![cfg_attr(not(feature = "prometheus"), allow(dead_code, reason = "only the Prometheus text reads it"))]
#![cfg_attr(
    not(feature = "metrics"),
    allow(unused_variables, unused_imports, reason = "nothing is measured")
)]

use std::sync::Arc;

use vivaz_components::Hub;
use vivaz_components::spec::Spec;

use super::counters::Counters;
use super::instrument::Stopwatch;
use super::words::{KeeperQueue, SessionEnd, StoreCall, StoreOperation, StoreOutcome, StreamKind};

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
            .of(StoreCall::new(self.operation, outcome))
            .record_time(self.time.elapsed());
    }
}
