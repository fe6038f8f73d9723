//! The one copy of a topic's state.

use std::any::Any;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use vivaz_protocol::log::Quoted;
use vivaz_protocol::{Epoch, RawJson, Rev, ServerMessage, SessionId, StreamId, TopicName, encode_server};

use super::claims::Claims;
use super::interval::Waiting;
use super::reserved::Pending;
use super::ring::Ring;
use super::{AnyTopic, CatchUp, Frame, Subscriber, Topic, parse_key};
use crate::event::ServerEvent;
use crate::fault::{guard, guard_now};
use crate::future::BoxFuture;
use crate::journal::Operation;
use crate::tracking::{Tracker, next_version, write_shown};
use crate::{ActionError, Identity, Result, User};

/// So many operations are remembered.
const OPERATIONS: usize = 64;

/// A topic's state and those who look at it.
pub(crate) struct Cell<T> {
    pub(super) name: TopicName,
    epoch: Epoch,
    /// How many bytes the state may have.
    pub(super) limit: usize,
    pub(super) me: Weak<Self>,
    /// Where the timer runs that ends an interval; none outside of an executor, where every change
    /// is sent at once.
    pub(super) executor: Option<Handle>,
    /// As handlers see it. Locked for a moment only, so that a change that takes long does not hold
    /// up those who read.
    pub(super) value: Mutex<Arc<T>>,
    /// Locked while a change is made, and replaced with the value. Never held across an await. Held while subscribers are told, so that everybody gets the same order; telling them
    /// is putting a reference to the same bytes into a queue.
    state: Mutex<State<T>>,
}

pub(super) struct State<T> {
    /// As subscribers have it: without the changes that wait for the end of an interval.
    pub(super) shown: Arc<T>,
    pub(super) rev: Rev,
    /// What subscribers have.
    pub(super) tracker: Tracker,
    /// The size of the value.
    pub(super) bytes: usize,
    pub(super) waiting: Waiting,
    /// Which components make users present.
    pub(super) claims: Claims,
    /// Changes that are not committed yet, in the order in which they will be.
    pub(super) pending: VecDeque<Pending<T>>,
    pub(super) ring: Ring,
    /// What was done to it last, so that it is done once: whoever tells it again does so at once, or not at all.
    done: VecDeque<Operation>,
    /// The `STATE_SNAPSHOT` of this revision, once somebody asked for it.
    pub(super) snapshot: Option<Frame>,
    /// Ascending by id, because ids are.
    pub(super) subscribers: Vec<(u64, Arc<dyn Subscriber>)>,
}

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
            claims: Claims::default(),
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

    /// Whether the operation was done already.
    pub(super) fn is_done(&self, state: &State<T>, operation: &Operation) -> bool {
        let is_done = state.done.contains(operation);
        if is_done {
            tracing::debug!(topic = %Quoted(&self.name), ?operation, "a change was told again");
        }
        is_done
    }

    pub(super) fn stream(&self) -> StreamId {
        StreamId::Topic(self.name.clone())
    }

    /// Sends an event to everybody who looks, but for the session `except`.
    pub(super) fn tell(&self, state: &State<T>, event: &ServerEvent, except: Option<&SessionId>) {
        let frame = encode(&ServerMessage::Event {
            stream: self.stream(),
            name: (&*event.name).into(),
            data: RawJson::from(&*event.data),
        });
        for (_, subscriber) in &state.subscribers {
            if except.is_none_or(|except| except != subscriber.session()) {
                subscriber.notify(&self.name, &frame);
            }
        }
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
        first: &mut dyn FnMut(CatchUp),
    ) -> Result<u64> {
        let mut state = self.lock();
        let known = from.filter(|(epoch, _)| **epoch == self.epoch).map(|(_, rev)| rev);
        let catch_up = match known {
            Some(rev) if rev == state.rev => CatchUp::Current,
            Some(rev) if let Some(patches) = state.ring.since(rev) => CatchUp::Patches(patches),
            Some(_) | None => CatchUp::Snapshot(self.snapshot_of(&mut state)?),
        };
        first(catch_up);
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
        self.tell(&self.lock(), event, except);
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

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

pub(super) fn encode(message: &ServerMessage<'_>) -> Frame {
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
