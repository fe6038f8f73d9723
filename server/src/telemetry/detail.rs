//! The metrics that only an exporter reads, with the feature `metrics`.
#![cfg_attr(not(feature = "prometheus"), allow(dead_code, reason = "only the Prometheus text reads it"))]

use std::collections::HashMap;

use foldhash::fast::RandomState;
use vivaz_components::spec::Spec;

use super::declare::declare_metrics;
use super::instrument::{
    Count, Descriptor, Distribution, Instrument, InstrumentKind, LabelPairs, Level, Lifetimes, Sample,
};
use super::labels::{Labelled, Metric};
use super::words::{KeeperQueue, SessionEnd, StoreCall, StreamKind};

/// The label with the name of a component.
const COMPONENT: &str = "vivaz.component.name";
/// The label with the name of an action.
const ACTION: &str = "vivaz.action.name";

declare_metrics! {
    /// The metrics of an exporter.
    Detail {
        /// Sessions created for new pages.
        opened: Count = "vivaz.session.opened", "{session}";
        /// Sessions restored from the store.
        restored: Count = "vivaz.session.restored", "{session}";
        /// Sessions that ended or left this process, by reason.
        ended: Labelled<SessionEnd, Count> = "vivaz.session.ended", "{session}";
        /// The time for which this process had a session in memory.
        lifetime: Lifetimes = "vivaz.session.duration", "s";
        /// Sessions in memory that the store has too.
        stored: Level = "vivaz.session.stored", "{session}";
        /// Components mounted by pages.
        mounted: ByComponent<Count> = "vivaz.component.mounted", "{component}";
        /// The time that an action ran, waiting included.
        action_time: ByAction<Distribution> = "vivaz.action.duration", "s";
        /// Actions that failed, panicked, timed out or refused their arguments.
        action_failed: ByAction<Count> = "vivaz.action.failed", "{action}";
        /// The size of a patch in JSON. A topic's patch counts once for all of its subscribers.
        patch_size: Labelled<StreamKind, Distribution> = "vivaz.patch.size", "By";
        /// The number of sessions that receive a topic's patch.
        fan_out: Distribution = "vivaz.topic.fan_out.size", "{session}";
        /// The time to encode a topic's patch and to queue it for all of its subscribers.
        fan_out_time: Distribution = "vivaz.topic.fan_out.duration", "s";
        /// Messages queued for clients that have not read them, as of the last sweep.
        outbox_depth: Level = "vivaz.outbox.depth", "{message}";
        /// Bytes in the largest queue of a client, as of the last sweep.
        outbox_largest: Level = "vivaz.outbox.largest", "By";
        /// Snapshots that have replaced the queued patches of a stream, because a client is slow.
        coalesced: Count = "vivaz.outbox.coalesced", "{snapshot}";
        /// The time of a call of the session store.
        store_time: Labelled<StoreCall, Distribution> = "vivaz.store.operation.duration", "s";
        /// Sessions that wait for the store, as of the last sweep.
        keeper_queue: Labelled<KeeperQueue, Level> = "vivaz.keeper.queue", "{session}";
    }
}

impl Detail {
    pub(super) fn new(components: &[&'static Spec]) -> Self {
        Self::declared(components)
    }
}

/// An instrument for each component of the application.
#[derive(Debug)]
pub(crate) struct ByComponent<I>(HashMap<&'static str, I, RandomState>);

impl<I> ByComponent<I> {
    /// Returns the instrument of a component.
    pub(super) fn of(&self, component: &Spec) -> Option<&I> {
        self.0.get(component.name)
    }
}

impl<I: Instrument> Metric for ByComponent<I> {
    const KIND: InstrumentKind = I::KIND;
    const LABELS: &'static [&'static str] = &[COMPONENT];

    fn create(descriptor: &Descriptor, components: &[&'static Spec]) -> Self {
        let create = |spec: &&'static Spec| (spec.name, I::create(descriptor, &vec![(COMPONENT, spec.name)]));
        Self(components.iter().map(create).collect())
    }

    fn samples(&self) -> Vec<(LabelPairs, Sample)> {
        let mut samples: Vec<_> =
            self.0.iter().map(|(name, one)| (vec![(COMPONENT, *name)], one.sample())).collect();
        samples.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        samples
    }
}

/// An instrument for each action of each component of the application.
#[derive(Debug)]
pub(crate) struct ByAction<I>(HashMap<&'static str, Box<[(&'static str, I)]>, RandomState>);

impl<I> ByAction<I> {
    /// Returns the instrument of an action.
    pub(super) fn of(&self, component: &Spec, action: &str) -> Option<&I> {
        let actions = self.0.get(component.name)?;
        actions.iter().find(|(name, _)| *name == action).map(|(_, one)| one)
    }
}

impl<I: Instrument> Metric for ByAction<I> {
    const KIND: InstrumentKind = I::KIND;
    const LABELS: &'static [&'static str] = &[COMPONENT, ACTION];

    fn create(descriptor: &Descriptor, components: &[&'static Spec]) -> Self {
        let of_component = |spec: &&'static Spec| {
            let labels = |action| vec![(COMPONENT, spec.name), (ACTION, action)];
            let actions = spec.actions.iter().map(|action| action.name);
            (spec.name, actions.map(|name| (name, I::create(descriptor, &labels(name)))).collect())
        };
        Self(components.iter().map(of_component).collect())
    }

    fn samples(&self) -> Vec<(LabelPairs, Sample)> {
        let mut samples = Vec::new();
        for (component, actions) in &self.0 {
            for (action, one) in actions {
                samples.push((vec![(COMPONENT, *component), (ACTION, *action)], one.sample()));
            }
        }
        samples.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        samples
    }
}
