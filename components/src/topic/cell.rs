//! The one copy of a topic's state.

mod agree;
mod claims;
mod commit;
mod draft;
mod follow;
mod open;
mod presence;
mod reserved;

use std::any::Any;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use vivaz_protocol::log::Quoted;
use vivaz_protocol::{Epoch, Rev, SessionId, TopicName};

use super::interval::IntervalQueue;
use super::observer::FanOutObserver;
use super::operations::Operations;
use super::reference::{AnyTopic, TopicRef};
use super::replica::Replica;
use super::subscriber::{CatchUp, Subscriber, TopicPatch, TopicSnapshot};
use super::turn::AnyTurn;
use super::{Topic, parse_key};
use crate::broadcast::Broadcast;
use crate::cluster::TopicId;
use crate::error::{ActionError, Result};
use crate::event::ServerEvent;
use crate::fault::{guard, guard_now};
use crate::future::BoxFuture;
use crate::identity::{Identity, User};
use crate::journal::OperationId;
use crate::shown::ShownValue;
use crate::stream::{Stream, StreamPatch};
use crate::tracking::{Tracker, next_version, show, write_shown};

use claims::PresenceClaims;
pub(super) use draft::Prepared;
use reserved::Pending;

/// A topic's state and its subscribers.
pub(crate) struct Cell<T> {
    pub(super) name: TopicName,
    /// The limit of the state, in bytes.
    pub(super) limit: usize,
    observer: Option<Arc<dyn FanOutObserver>>,
    pub(super) me: Weak<Self>,
    /// Runs the timers that end intervals; none outside of an executor, where every change is sent
    /// at once.
    pub(super) executor: Option<Handle>,
    /// The state that handlers read. Locked briefly, so that a long change does not block readers.
    pub(super) value: Mutex<Arc<T>>,
    /// Locked while a change is made, and replaced with the value. Never held across an await. Held
    /// while patches are delivered, so that all subscribers get the same order; a delivery puts a
    /// reference to shared bytes into a queue.
    state: Mutex<CellState<T>>,
    /// Set if other nodes have copies of the topic. All changes go through its log then.
    replica: Option<Replica<T>>,
}

pub(super) struct CellState<T> {
    /// The state that subscribers have: without the changes that wait for the end of an interval.
    pub(super) shown: Arc<T>,
    /// The tracker of the state that subscribers have.
    pub(super) tracker: Tracker,
    /// The size of the value, in bytes.
    pub(super) bytes: usize,
    pub(super) waiting: IntervalQueue,
    /// The components that make users present.
    pub(super) claims: PresenceClaims,
    /// Changes that are not committed yet, in the order of their commits.
    pub(super) pending: VecDeque<Pending<T>>,
    stream: Stream<Epoch, KeptPatch>,
    /// A repetition of one of them is ignored.
    pub(super) operations: Operations,
    /// In ascending order of the ids, which increase.
    pub(super) subscribers: Vec<(u64, Arc<dyn Subscriber>)>,
}

/// A patch that a topic keeps for subscribers that miss it.
pub(super) struct KeptPatch {
    /// The size of the JSON, counted before [`release`](Self::release) drops it.
    bytes: usize,
    patch: Broadcast<TopicPatch>,
}

impl KeptPatch {
    fn new(patch: TopicPatch) -> Self {
        Self { bytes: patch.json.len(), patch: Broadcast::new(patch) }
    }

    fn broadcast(&self) -> &Broadcast<TopicPatch> {
        &self.patch
    }

    /// Drops the JSON if the frame is encoded.
    fn release(&mut self) {
        self.patch.release();
    }
}

impl StreamPatch for KeptPatch {
    const MOST: usize = 256;
    const MOST_BYTES: usize = 256 * 1024;

    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl<T: Topic> Cell<T> {
    /// Returns the cell of a topic.
    ///
    /// # Errors
    /// Returns an error if the topic's state is not a `T`.
    pub(crate) fn of(topic: &TopicRef) -> Result<Arc<Self>> {
        Arc::clone(topic.inner()).into_any().downcast().map_err(|_| {
            let wanted = std::any::type_name::<T>();
            ActionError::internal(format!("the topic `{}` is not of the type {wanted}", topic.name()))
        })
    }

    /// Creates the cell of a topic that no other node has.
    pub(crate) fn new(
        name: TopicName,
        value: T,
        limit: usize,
        observer: Option<Arc<dyn FanOutObserver>>,
    ) -> Result<Arc<Self>> {
        let stream = Stream::new(new_epoch()?, Rev::ZERO);
        Self::with_stream(name, value, limit, stream, Operations::default(), None, observer)
    }

    fn with_stream(
        name: TopicName,
        mut value: T,
        limit: usize,
        stream: Stream<Epoch, KeptPatch>,
        operations: Operations,
        replica: Option<Replica<T>>,
        observer: Option<Arc<dyn FanOutObserver>>,
    ) -> Result<Arc<Self>> {
        let tracker = guard_now("reading a topic", || Ok(Tracker::new(&mut value)?))?;
        let (bytes, value) = (tracker.bytes(), Arc::new(value));
        if bytes > limit {
            tracing::warn!(topic = %Quoted(&name), bytes, limit, "a topic was loaded larger than it may be: it cannot grow");
        }
        let state = CellState {
            shown: Arc::clone(&value),
            tracker,
            bytes,
            waiting: IntervalQueue::default(),
            claims: PresenceClaims::default(),
            pending: VecDeque::new(),
            stream,
            operations,
            subscribers: Vec::new(),
        };
        let executor = Handle::try_current().ok();
        Ok(Arc::new_cyclic(|me| Self {
            name,
            limit,
            observer,
            me: me.clone(),
            executor,
            value: Mutex::new(value),
            state: Mutex::new(state),
            replica,
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, CellState<T>> {
        // Application code under the lock works on a draft, and its panics are caught, so a
        // poisoned state is consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the current state.
    pub(crate) fn value(&self) -> Arc<T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether the operation was done already.
    ///
    /// # Errors
    /// Returns an error if that is not known any more.
    pub(super) fn is_done(&self, state: &CellState<T>, operation: &OperationId) -> Result<bool> {
        let is_done = state.operations.is_done(operation)?;
        if is_done {
            tracing::debug!(topic = %Quoted(&self.name), ?operation, "a topic ignores a change that it has made already");
        }
        Ok(is_done)
    }

    /// Returns whether other nodes have copies of the topic, so that its changes are agreed on.
    pub(crate) fn is_replicated(&self) -> bool {
        self.replica.is_some()
    }

    /// Sends an event to all subscribers but the session `except`.
    fn send_event(&self, state: &CellState<T>, event: ServerEvent, except: Option<&SessionId>) {
        let event = Broadcast::new(event);
        for (_, subscriber) in &state.subscribers {
            if except.is_none_or(|except| except != subscriber.session()) {
                subscriber.deliver_topic_event(&self.name, &event);
            }
        }
    }

    fn snapshot_of(&self, state: &mut CellState<T>) -> Result<TopicSnapshot> {
        let CellState { shown, stream, .. } = state;
        // Fields are visited mutably, for computed fields too, hence the copy.
        let json =
            stream.snapshot(|| guard_now("writing a topic", || Ok(write_shown(&mut T::clone(shown))?)))?;
        Ok(TopicSnapshot { epoch: stream.epoch().clone(), rev: stream.rev(), state: json })
    }
}

impl<T: Topic> AnyTopic for Cell<T> {
    fn name(&self) -> &TopicName {
        &self.name
    }

    fn epoch(&self) -> Epoch {
        self.lock().stream.epoch().clone()
    }

    fn rev(&self) -> Rev {
        self.lock().stream.rev()
    }

    fn snapshot(&self) -> Result<TopicSnapshot> {
        self.snapshot_of(&mut self.lock())
    }

    fn shown(&self) -> Result<Arc<ShownValue>> {
        let CellState { shown, stream, .. } = &mut *self.lock();
        stream.shown(|| guard_now("showing a topic", || Ok(show(&mut T::clone(shown))?)))
    }

    fn subscribe(
        &self,
        subscriber: Arc<dyn Subscriber>,
        from: Option<(&Epoch, Rev)>,
        first: &mut dyn FnMut(CatchUp<'_>),
    ) -> Result<u64> {
        let mut state = self.lock();
        let known = from.filter(|(epoch, _)| *epoch == state.stream.epoch()).map(|(_, rev)| rev);
        match known {
            Some(rev) if rev == state.stream.rev() => first(CatchUp::Current),
            Some(rev) if let Some(patches) = state.stream.since(rev) => {
                let patches = patches.map(|(rev, patch)| (rev, patch.broadcast()));
                first(CatchUp::Patches(patches.collect()));
            }
            Some(_) | None => first(CatchUp::Snapshot(self.snapshot_of(&mut state)?)),
        }
        let id = next_version();
        state.subscribers.push((id, subscriber));
        Ok(id)
    }

    fn unsubscribe(&self, id: u64) {
        let mut state = self.lock();
        if let Ok(at) = state.subscribers.binary_search_by_key(&id, |(id, _)| *id) {
            state.subscribers.remove(at);
        }
    }

    fn authorize(self: Arc<Self>, who: Identity) -> BoxFuture<Result> {
        Box::pin(async move {
            let key = parse_key::<T>(self.name.as_str())?;
            guard("authorizing a topic", None, async { T::authorize(&key, &who).await }).await
        })
    }

    fn emit(&self, event: &ServerEvent, except: Option<&SessionId>) {
        self.send_event(&self.lock(), event.clone(), except);
    }

    fn enter(&self, claim: u64, user: &User) -> Result {
        self.claim(claim, user)
    }

    fn leave(&self, claim: u64) {
        self.end_claim(claim, None);
    }

    fn leave_after(&self, claim: u64, time: Duration) {
        self.end_claim_after(claim, time);
    }

    fn audience(&self) -> usize {
        self.lock().subscribers.len()
    }

    fn log_id(&self) -> Option<&TopicId> {
        self.replica.as_ref().map(|replica| &replica.log.id)
    }

    fn take_turn(self: Arc<Self>) -> BoxFuture<Option<Box<dyn AnyTurn>>> {
        Box::pin(self.take_turn_for_commit())
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// Returns an epoch that no other topic has, in this process or after a restart.
pub(super) fn new_epoch() -> Result<Epoch> {
    let number =
        foldhash::quality::RandomState::default().hash_one((next_version(), std::time::SystemTime::now()));
    Epoch::new(&format!("{number:x}")).map_err(ActionError::from)
}
