//! The one copy of a topic's state.

use std::any::Any;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vivaz_protocol::log::Quoted;
use vivaz_protocol::{
    Author, Epoch, RawJson, Rev, ServerMessage, SessionId, StreamId, TopicName, Update, encode_server,
};

use super::ring::Ring;
use super::{AnyTopic, CatchUp, Frame, Subscriber, Topic, parse_key};
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
    /// Never held across an await. Held while subscribers are told, so that everybody gets the same order; telling them
    /// is putting a reference to the same bytes into a queue.
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Arc<T>,
    rev: Rev,
    tracker: Tracker,
    ring: Ring,
    /// What was done to it last, so that it is done once: whoever tells it again does so at once, or not at all.
    done: VecDeque<Operation>,
    /// The `STATE_SNAPSHOT` of this revision, once somebody asked for it.
    snapshot: Option<Frame>,
    /// Ascending by id, because ids are.
    subscribers: Vec<(u64, Arc<dyn Subscriber>)>,
}

impl<T: Topic> Cell<T> {
    pub(crate) fn new(name: TopicName, mut value: T) -> Result<Self> {
        let tracker = Tracker::new(&mut value)?;
        let state = State {
            value: Arc::new(value),
            rev: Rev(0),
            tracker,
            ring: Ring::default(),
            done: VecDeque::new(),
            snapshot: None,
            subscribers: Vec::new(),
        };
        Ok(Self { name, epoch: new_epoch()?, state: Mutex::new(state) })
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
    pub(crate) fn apply<R>(&self, by: Option<&Author>, change: impl FnOnce(&mut T) -> R) -> Result<R> {
        self.apply_to(&mut self.lock(), by, change)
    }

    /// The same, unless the operation was done already.
    pub(crate) fn apply_once(
        &self,
        by: Option<&Author>,
        operation: Option<Operation>,
        change: impl FnOnce(&mut T),
    ) -> Result {
        let mut state = self.lock();
        let Some(operation) = operation else { return self.apply_to(&mut state, by, change) };
        if state.done.contains(&operation) {
            tracing::debug!(topic = %Quoted(&self.name), ?operation, "a change was told again");
            return Ok(());
        }
        self.apply_to(&mut state, by, change)?;
        if state.done.len() >= OPERATIONS {
            state.done.pop_front();
        }
        state.done.push_back(operation);
        Ok(())
    }

    fn apply_to<R>(
        &self,
        state: &mut State<T>,
        by: Option<&Author>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R> {
        let mut draft = T::clone(&state.value);
        let tracker = &mut state.tracker;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let result = change(&mut draft);
            tracker.changes(&mut draft).map(|patch| (result, patch))
        }));
        let (result, patch) = match outcome {
            Ok(outcome) => outcome?,
            Err(panic) => {
                // The comparison may have been what panicked.
                state.tracker.forget();
                return Err(panicked(panic.as_ref(), "a topic's update"));
            }
        };
        // Also where there is nothing to send: a field that is not serialised may have changed.
        state.value = Arc::new(draft);
        if let Some(patch) = patch {
            state.rev = Rev(state.rev.0 + 1);
            state.snapshot = None;
            let rev = state.rev;
            let update = Update {
                by: by.cloned().into_iter().collect(),
                ..Update::new(self.stream(), rev, RawJson::trusted(&patch))
            };
            let frame = encode(&ServerMessage::Update(update));
            state.ring.push(rev, frame.clone());
            for (_, subscriber) in &state.subscribers {
                subscriber.deliver(&self.name, rev, &frame);
            }
        }
        Ok(result)
    }

    fn stream(&self) -> StreamId {
        StreamId::Topic(self.name.clone())
    }

    fn snapshot_of(&self, state: &mut State<T>) -> Result<Frame> {
        if let Some(frame) = &state.snapshot {
            return Ok(frame.clone());
        }
        // Computed fields are written with the others, and fields are visited to be changed, hence the copy.
        let mut shown = T::clone(&state.value);
        let json = guard_now("writing a topic", || Ok(write_shown(&mut shown)?))?;
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
            guard("authorizing a topic", None, T::authorize(&key, &who)).await
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
