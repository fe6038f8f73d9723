//! The one copy of a topic's state.

use std::any::Any;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::Handle;
use tokio::time::Instant;
use vivaz_protocol::log::{Escaped, Quoted};
use vivaz_protocol::{
    Author, Epoch, RawJson, Rev, ServerMessage, SessionId, StreamId, TopicName, Update, encode_server,
};

use super::interval::{Unsent, Waiting};
use super::reserved::Pending;
use super::ring::Ring;
use super::{AnyTopic, CatchUp, Frame, Subscriber, Topic, parse_key};
use crate::budget::too_large;
use crate::event::ServerEvent;
use crate::fault::{discard, guard, guard_now};
use crate::instance::BoxFuture;
use crate::journal::Operation;
use crate::tracking::{Tracker, next_version, write_shown};
use crate::{ActionError, ErrorCode, Identity, Result};

/// So many operations are remembered.
const OPERATIONS: usize = 64;

/// A topic's state and those who look at it.
pub(crate) struct Cell<T> {
    name: TopicName,
    epoch: Epoch,
    /// How many bytes the state may have.
    limit: usize,
    me: Weak<Self>,
    /// Where the timer runs that ends an interval; none outside of an executor, where every change
    /// is sent at once.
    executor: Option<Handle>,
    /// As handlers see it. Locked for a moment only, so that a change that takes long does not hold
    /// up those who read.
    value: Mutex<Arc<T>>,
    /// Locked while a change is made, and replaced with the value. Never held across an await. Held while subscribers are told, so that everybody gets the same order; telling them
    /// is putting a reference to the same bytes into a queue.
    state: Mutex<State<T>>,
}

pub(super) struct State<T> {
    /// As subscribers have it: without the changes that wait for the end of an interval.
    shown: Arc<T>,
    rev: Rev,
    /// What subscribers have.
    tracker: Tracker,
    /// The size of the value.
    bytes: usize,
    waiting: Waiting,
    /// Changes that are not committed yet, in the order in which they will be.
    pub(super) pending: VecDeque<Pending<T>>,
    ring: Ring,
    /// What was done to it last, so that it is done once: whoever tells it again does so at once, or not at all.
    done: VecDeque<Operation>,
    /// The `STATE_SNAPSHOT` of this revision, once somebody asked for it.
    snapshot: Option<Frame>,
    /// Ascending by id, because ids are.
    subscribers: Vec<(u64, Arc<dyn Subscriber>)>,
}

/// What a change of the state came to.
pub(crate) struct Applied<R> {
    /// What the closure returned.
    pub(crate) result: R,
    /// Set if the patch is sent later.
    pub(crate) unsent: Option<Unsent>,
}

/// What a change is made upon.
pub(super) struct Base<'a, T> {
    pub(super) value: &'a T,
    /// What subscribers have when the change is sent.
    pub(super) shown: &'a Tracker,
    pub(super) bytes: usize,
}

/// A change that is made and not stored yet.
pub(super) struct Draft<T> {
    /// With what its lists have recorded since the last patch.
    pub(super) value: T,
    /// What subscribers have once the patch is sent.
    pub(super) tracker: Tracker,
    patch: Option<String>,
}

/// A change that is sure to be accepted as long as the topic stays locked.
pub(super) struct Prepared<T> {
    draft: Draft<T>,
    /// When it is made; none if the topic has no intervals.
    now: Option<Instant>,
    /// When its patch is sent, if that is later.
    due: Option<Instant>,
    /// The reserved changes, made upon it.
    reserved: Vec<Draft<T>>,
}

/// Whether the patch of a change is sent with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    Now,
    Later,
}

impl<T> Clone for Base<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Base<'_, T> {}

impl<T> State<T> {
    /// Remembers that an operation was done.
    pub(super) fn remember(&mut self, operation: Operation) {
        if self.done.len() >= OPERATIONS {
            self.done.pop_front();
        }
        self.done.push_back(operation);
    }
}

impl<T: Topic> Cell<T> {
    pub(crate) fn new(name: TopicName, mut value: T, limit: usize) -> Result<Arc<Self>> {
        let tracker = guard_now("reading a topic", || Ok(Tracker::new(&mut value)?))?;
        let (bytes, value) = (tracker.bytes(), Arc::new(value));
        if bytes > limit {
            tracing::warn!(topic = %Quoted(&name), bytes, limit, "a topic was loaded larger than it may be: it cannot grow");
        }
        let state = State {
            shown: Arc::clone(&value),
            rev: Rev(0),
            tracker,
            bytes,
            waiting: Waiting::default(),
            pending: VecDeque::new(),
            ring: Ring::default(),
            done: VecDeque::new(),
            snapshot: None,
            subscribers: Vec::new(),
        };
        let epoch = new_epoch()?;
        let executor = Handle::try_current().ok();
        Ok(Arc::new_cyclic(|me| Self {
            name,
            epoch,
            limit,
            me: me.clone(),
            executor,
            value: Mutex::new(value),
            state: Mutex::new(state),
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<T>> {
        // What an application's code does under the lock is caught and happens to a draft: a poisoned state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state as of now.
    pub(crate) fn value(&self) -> Arc<T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the state and tells everybody. Whatever goes wrong, nothing has changed.
    pub(crate) fn apply<R>(
        &self,
        by: Option<&Author>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<Applied<R>> {
        let mut state = self.lock();
        let (result, prepared) = self.prepare(&state, change)?;
        let unsent = self.accept(&mut state, prepared, by);
        Ok(Applied { result, unsent })
    }

    /// Makes a change that nothing stands in the way of. Nobody sees it before it is accepted.
    ///
    /// # Errors
    /// When it panics or leaves what cannot be written or is too large, and when the reserved
    /// changes cannot be made upon it.
    pub(super) fn prepare<R>(
        &self,
        state: &State<T>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<(R, Prepared<T>)> {
        let now = self.now();
        let due = now.and_then(|now| state.waiting.due(now));
        let sending = if due.is_some() { Sending::Later } else { Sending::Now };
        let value = self.value();
        let (result, draft) = self.draft(self.base(state, &value), sending, change)?;
        let shown = if due.is_some() { &state.tracker } else { &draft.tracker };
        let base = Base { value: &draft.value, shown, bytes: draft.tracker.bytes() };
        let reserved = self.reserved_upon(state, base)?;
        Ok((result, Prepared { draft, now, due, reserved }))
    }

    /// Stores a change that was prepared under the same lock, and sends it. Returns what its author
    /// waits for if it is sent later.
    pub(super) fn accept(
        &self,
        state: &mut State<T>,
        prepared: Prepared<T>,
        by: Option<&Author>,
    ) -> Option<Unsent> {
        let Prepared { draft, now, due, reserved } = prepared;
        Self::replace_reserved(state, reserved);
        if let Some(due) = due {
            return self.store_for_later(state, draft, due, by);
        }
        let Draft { value, tracker, patch } = draft;
        let is_sent = patch.is_some();
        self.store(state, value, tracker.bytes());
        self.send(state, tracker, patch, by.cloned().into_iter().collect());
        if let Some(now) = now.filter(|_| is_sent) {
            state.waiting.sent(now + T::INTERVAL);
        }
        None
    }

    /// The same for a change that was reserved.
    pub(super) fn accept_reserved(
        &self,
        state: &mut State<T>,
        draft: Draft<T>,
        by: Option<&Author>,
    ) -> Option<Unsent> {
        // With intervals it was drafted to be sent later: at the earliest as soon as the timer runs.
        let now = self.now();
        let due = now.map(|now| state.waiting.due(now).unwrap_or(now));
        self.accept(state, Prepared { draft, now, due, reserved: Vec::new() }, by)
    }

    /// Whether the operation was done already.
    pub(super) fn is_done(&self, state: &State<T>, operation: &Operation) -> bool {
        let is_done = state.done.contains(operation);
        if is_done {
            tracing::debug!(topic = %Quoted(&self.name), ?operation, "a change was told again");
        }
        is_done
    }

    /// What a change is made upon that is made now.
    pub(super) fn base<'a>(&self, state: &'a State<T>, value: &'a T) -> Base<'a, T> {
        Base { value, shown: &state.tracker, bytes: state.bytes }
    }

    /// Whether changes may have to wait for the end of an interval.
    pub(super) fn has_intervals(&self) -> bool {
        self.executor.is_some() && !T::INTERVAL.is_zero()
    }

    /// The time by the executor's clock, which its timers go by; none if there are no intervals.
    fn now(&self) -> Option<Instant> {
        let executor = self.executor.as_ref().filter(|_| self.has_intervals())?;
        let _entered = executor.enter();
        Some(Instant::now())
    }

    /// Stores the state, also where there is nothing to send: a field that is not serialised may
    /// have changed.
    fn store(&self, state: &mut State<T>, value: T, bytes: usize) {
        state.bytes = bytes;
        let mut current = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, Arc::new(value));
        drop(current);
        discard("a topic's state", before);
    }

    fn store_for_later(
        &self,
        state: &mut State<T>,
        draft: Draft<T>,
        due: Instant,
        by: Option<&Author>,
    ) -> Option<Unsent> {
        let Draft { value, tracker, patch } = draft;
        self.store(state, value, tracker.bytes());
        if patch.is_none() && state.waiting.is_empty() {
            return None;
        }
        let executor = self.executor.as_ref()?;
        let (unsent, is_first) = state.waiting.add(by);
        if is_first {
            let me = self.me.clone();
            // It ends with the interval, or finds the topic gone.
            executor.spawn(async move {
                tokio::time::sleep_until(due).await;
                if let Some(cell) = me.upgrade() {
                    cell.end_interval();
                }
            });
        }
        Some(unsent)
    }

    /// Makes a change on a copy. A panic, a value that cannot be written and a state that is too
    /// large are errors.
    pub(super) fn draft<R>(
        &self,
        base: Base<'_, T>,
        sending: Sending,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<(R, Draft<T>)> {
        let made = guard_now("a topic's update", || {
            let mut value = T::clone(base.value);
            let result = change(&mut value);
            let mut tracker = base.shown.clone();
            let changes = match sending {
                Sending::Now => tracker.changes(&mut value)?,
                Sending::Later => tracker.changes(&mut T::clone(&value))?,
            };
            Ok((result, Draft { value, tracker, patch: changes.patch }))
        });
        let (result, draft) = made.inspect_err(|error| {
            if error.code() != ErrorCode::Panicked {
                tracing::error!(topic = %Quoted(&self.name), error = %Escaped(error), "a topic's update was refused");
            }
        })?;
        let bytes = draft.tracker.bytes();
        if bytes > self.limit && bytes > base.bytes {
            tracing::debug!(topic = %Quoted(&self.name), bytes, limit = self.limit, "a topic's update was refused");
            return Err(too_large("topic", self.limit));
        }
        Ok((result, draft))
    }

    /// Sends what has waited for the end of the interval, as one patch.
    fn end_interval(&self) {
        let mut state = self.lock();
        let (authors, waiting) = state.waiting.take();
        let value = self.value();
        match self.draft(self.base(&state, &value), Sending::Now, |_| ()) {
            Ok(((), Draft { value, tracker, patch })) => {
                let is_sent = patch.is_some();
                self.store(&mut state, value, tracker.bytes());
                self.send(&mut state, tracker, patch, authors);
                if is_sent {
                    state.waiting.sent(Instant::now() + T::INTERVAL);
                }
                self.rebase(&mut state);
            }
            // Each change was written when it was made, and may be on disk. The next one is sent
            // with it.
            Err(_logged) => {}
        }
        drop(state);
        drop(waiting);
    }

    /// Sends the state to subscribers: from now on it is what they have.
    fn send(&self, state: &mut State<T>, tracker: Tracker, patch: Option<String>, by: Vec<Author>) {
        let before = std::mem::replace(&mut state.shown, self.value());
        discard("a topic's state", before);
        state.tracker = tracker;
        let Some(patch) = patch else { return };
        state.rev = Rev(state.rev.0 + 1);
        state.snapshot = None;
        let rev = state.rev;
        let update = Update { by, ..Update::new(self.stream(), rev, RawJson::trusted(&patch)) };
        let frame = encode(&ServerMessage::Update(update));
        state.ring.push(rev, frame.clone());
        for (_, subscriber) in &state.subscribers {
            subscriber.deliver(&self.name, rev, &frame);
        }
    }

    fn stream(&self) -> StreamId {
        StreamId::Topic(self.name.clone())
    }

    fn snapshot_of(&self, state: &mut State<T>) -> Result<Frame> {
        if let Some(frame) = &state.snapshot {
            return Ok(frame.clone());
        }
        // Computed fields are written with the others, and fields are visited to be changed, hence the copy.
        let json = guard_now("writing a topic", || Ok(write_shown(&mut T::clone(&state.shown))?))?;
        let frame = encode(&ServerMessage::Snapshot {
            stream: self.stream(),
            rev: state.rev,
            epoch: self.epoch.clone(),
            state: RawJson::trusted(&json),
        });
        state.snapshot = Some(frame.clone());
        Ok(frame)
    }
}

impl<T: Topic> AnyTopic for Cell<T> {
    fn name(&self) -> &TopicName {
        &self.name
    }

    fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    fn snapshot(&self) -> Result<(Rev, Frame)> {
        let mut state = self.lock();
        let frame = self.snapshot_of(&mut state)?;
        Ok((state.rev, frame))
    }

    fn subscribe(
        &self,
        subscriber: Arc<dyn Subscriber>,
        from: Option<(&Epoch, Rev)>,
        first: &mut dyn FnMut(Rev, CatchUp),
    ) -> Result<u64> {
        let mut state = self.lock();
        let known = from.filter(|(epoch, _)| **epoch == self.epoch).map(|(_, rev)| rev);
        let catch_up = match known {
            Some(rev) if rev == state.rev => CatchUp::Current,
            Some(rev) if let Some(patches) = state.ring.since(rev) => CatchUp::Patches(patches),
            Some(_) | None => CatchUp::Snapshot(self.snapshot_of(&mut state)?),
        };
        first(state.rev, catch_up);
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
        let frame = encode(&ServerMessage::Event {
            stream: self.stream(),
            name: (&*event.name).into(),
            data: RawJson::from(&*event.data),
        });
        let state = self.lock();
        for (_, subscriber) in &state.subscribers {
            if except.is_none_or(|except| except != subscriber.session()) {
                subscriber.notify(&self.name, &frame);
            }
        }
    }

    fn audience(&self) -> usize {
        self.lock().subscribers.len()
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

fn encode(message: &ServerMessage<'_>) -> Frame {
    let mut text = String::new();
    encode_server(&mut text, message);
    Frame::new(text)
}

/// A name for a history that no other one has, on this node or after a restart.
fn new_epoch() -> Result<Epoch> {
    let number =
        foldhash::quality::RandomState::default().hash_one((next_version(), std::time::SystemTime::now()));
    Epoch::new(&format!("{number:x}")).map_err(ActionError::from)
}
