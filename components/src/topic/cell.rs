//! The one copy of a topic's state.

use std::any::Any;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::Handle;
use tokio::time::Instant;
use vivaz_protocol::log::{Escaped, Quoted};
use vivaz_protocol::{
    Author, Epoch, RawJson, Rev, ServerMessage, SessionId, StreamId, TopicName, Update, encode_server,
};

use super::interval::{Unsent, Waiting};
use super::ring::Ring;
use super::{AnyTopic, CatchUp, Frame, Subscriber, Topic, parse_key};
use crate::budget::too_large;
use crate::event::ServerEvent;
use crate::fault::{guard, guard_now, panicked};
use crate::instance::BoxFuture;
use crate::journal::Operation;
use crate::tracking::{Tracker, next_version, write_shown};
use crate::{ActionError, Identity, Result};

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
    /// Never held across an await. Held while subscribers are told, so that everybody gets the same order; telling them
    /// is putting a reference to the same bytes into a queue.
    state: Mutex<State<T>>,
}

struct State<T> {
    /// As handlers see it.
    value: Arc<T>,
    /// As subscribers have it: without the changes that wait for the end of an interval.
    shown: Arc<T>,
    rev: Rev,
    /// What subscribers have.
    tracker: Tracker,
    /// The size of `value`.
    bytes: usize,
    waiting: Waiting,
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

/// A change that is made and not stored yet.
struct Draft<T, R> {
    result: R,
    /// With what its lists have recorded since the last patch.
    value: T,
    tracker: Tracker,
    patch: Option<String>,
}

/// Whether the patch of a change is sent with it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending {
    Now,
    Later,
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
            value,
            rev: Rev(0),
            tracker,
            bytes,
            waiting: Waiting::default(),
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
            state: Mutex::new(state),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // What an application's code does under the lock is caught and happens to a draft: a poisoned state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state as of now.
    pub(crate) fn value(&self) -> Arc<T> {
        self.lock().value.clone()
    }

    /// Changes the state and tells everybody. Whatever goes wrong, nothing has changed.
    pub(crate) fn apply<R>(
        &self,
        by: Option<&Author>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<Applied<R>> {
        self.apply_to(&mut self.lock(), by, change)
    }

    /// The same, unless the operation was done already.
    pub(crate) fn apply_once(
        &self,
        by: Option<&Author>,
        operation: Option<Operation>,
        change: impl FnOnce(&mut T),
    ) -> Result<Option<Unsent>> {
        let mut state = self.lock();
        let Some(operation) = operation else {
            return Ok(self.apply_to(&mut state, by, change)?.unsent);
        };
        if state.done.contains(&operation) {
            tracing::debug!(topic = %Quoted(&self.name), ?operation, "a change was told again");
            return Ok(None);
        }
        let applied = self.apply_to(&mut state, by, change)?;
        if state.done.len() >= OPERATIONS {
            state.done.pop_front();
        }
        state.done.push_back(operation);
        Ok(applied.unsent)
    }

    /// Checks whether a change would be accepted by the state as it is now, and makes none.
    pub(crate) fn check(&self, change: impl FnOnce(&mut T)) -> Result {
        self.draft(&self.lock(), Sending::Now, change).map(drop)
    }

    fn apply_to<R>(
        &self,
        state: &mut State<T>,
        by: Option<&Author>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<Applied<R>> {
        let executor = self.executor.as_ref().filter(|_| !T::INTERVAL.is_zero());
        // The clock of an executor is the one that its timers go by.
        let now = executor.map(|executor| {
            let _entered = executor.enter();
            Instant::now()
        });
        let due = now.and_then(|now| state.waiting.due(now));
        let sending = if due.is_some() { Sending::Later } else { Sending::Now };
        let Draft { result, value, tracker, patch } = self.draft(state, sending, change)?;
        state.bytes = tracker.bytes();
        // Also where there is nothing to send: a field that is not serialised may have changed.
        state.value = Arc::new(value);
        let (Some(due), Some(executor)) = (due, executor) else {
            let is_sent = patch.is_some();
            let authors = by.cloned().into_iter().collect();
            self.send(state, tracker, patch, authors);
            if let Some(now) = now.filter(|_| is_sent) {
                state.waiting.sent(now + T::INTERVAL);
            }
            return Ok(Applied { result, unsent: None });
        };
        if patch.is_none() && state.waiting.is_empty() {
            return Ok(Applied { result, unsent: None });
        }
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
        Ok(Applied { result, unsent: Some(unsent) })
    }

    /// Makes a change on a copy. A panic, a value that cannot be written and a state that is too
    /// large are errors.
    fn draft<R>(
        &self,
        state: &State<T>,
        sending: Sending,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<Draft<T, R>> {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut value = T::clone(&state.value);
            let result = change(&mut value);
            let mut tracker = state.tracker.clone();
            let changes = match sending {
                Sending::Now => tracker.changes(&mut value)?,
                Sending::Later => tracker.changes(&mut T::clone(&value))?,
            };
            Ok::<_, ActionError>(Draft { result, value, tracker, patch: changes.patch })
        }));
        let draft = match outcome {
            Ok(draft) => draft.inspect_err(|error| {
                tracing::error!(topic = %Quoted(&self.name), error = %Escaped(error), "a topic's update was refused");
            })?,
            Err(panic) => return Err(panicked(panic, "a topic's update")),
        };
        let bytes = draft.tracker.bytes();
        if bytes > self.limit && bytes > state.bytes {
            tracing::debug!(topic = %Quoted(&self.name), bytes, limit = self.limit, "a topic's update was refused");
            return Err(too_large("topic", self.limit));
        }
        Ok(draft)
    }

    /// Sends what has waited for the end of the interval, as one patch.
    fn end_interval(&self) {
        let mut state = self.lock();
        let (authors, waiting) = state.waiting.take();
        match self.draft(&state, Sending::Now, |_| ()) {
            Ok(Draft { value, tracker, patch, .. }) => {
                state.value = Arc::new(value);
                let is_sent = patch.is_some();
                self.send(&mut state, tracker, patch, authors);
                if is_sent {
                    state.waiting.sent(Instant::now() + T::INTERVAL);
                }
            }
            // Each change was checked when it was made; what the page has is what stays.
            Err(_logged) => state.value = Arc::clone(&state.shown),
        }
        drop(state);
        drop(waiting);
    }

    /// Sends the state to subscribers: from now on it is what they have.
    fn send(&self, state: &mut State<T>, tracker: Tracker, patch: Option<String>, by: Vec<Author>) {
        state.shown = Arc::clone(&state.value);
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
