//! How a topic's state changes: on a draft, which is compared and written before it is stored and
//! sent.

use std::sync::{Arc, PoisonError};

use tokio::time::Instant;
use vivaz_protocol::log::{Escaped, Quoted};
use vivaz_protocol::{Author, ErrorCode};

use super::{Cell, CellState, KeptPatch};
use crate::budget::too_large;
use crate::error::Result;
use crate::fault::{discard, guard_now};
use crate::topic::Topic;
use crate::topic::interval::Unsent;
use crate::topic::subscriber::TopicPatch;
use crate::tracking::Tracker;

/// What a change of the state came to.
pub(crate) struct Applied<R> {
    /// What the closure returned.
    pub(crate) result: R,
    /// Set if the patch is sent later.
    pub(crate) unsent: Option<Unsent>,
}

/// What a change is made upon.
pub(in crate::topic) struct Base<'a, T> {
    pub(in crate::topic) value: &'a T,
    /// What subscribers have when the change is sent.
    pub(in crate::topic) shown: &'a Tracker,
    pub(in crate::topic) bytes: usize,
}

/// A change that is made and not stored yet.
pub(in crate::topic) struct Draft<T> {
    /// With what its lists have recorded since the last patch.
    pub(in crate::topic) value: T,
    /// What subscribers have once the patch is sent.
    pub(in crate::topic) tracker: Tracker,
    patch: Option<String>,
}

/// A change that is sure to be accepted as long as the topic stays locked.
pub(in crate::topic) struct Prepared<T> {
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
pub(in crate::topic) enum Sending {
    Now,
    Later,
}

impl<T> Clone for Base<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Base<'_, T> {}

impl<T: Topic> Cell<T> {
    /// Changes the state and tells everybody. Whatever goes wrong, nothing has changed.
    pub(crate) fn apply<R>(&self, by: Option<&Author>, change: impl Fn(&mut T) -> R) -> Result<Applied<R>> {
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
    pub(in crate::topic) fn prepare<R>(
        &self,
        state: &CellState<T>,
        change: impl Fn(&mut T) -> R,
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
    pub(in crate::topic) fn accept(
        &self,
        state: &mut CellState<T>,
        prepared: Prepared<T>,
        by: Option<&Author>,
    ) -> Option<Unsent> {
        let Prepared { draft, now, due, reserved } = prepared;
        Self::replace_reserved(state, reserved);
        if let Some(due) = due {
            return self.store_for_later(state, draft, due, by);
        }
        self.store_and_send(state, draft, now, by.cloned().into_iter().collect());
        None
    }

    /// Stores a change and sends it. With intervals, `now` begins the next one.
    fn store_and_send(
        &self,
        state: &mut CellState<T>,
        draft: Draft<T>,
        now: Option<Instant>,
        by: Vec<Author>,
    ) {
        let Draft { value, tracker, patch } = draft;
        let is_sent = patch.is_some();
        self.store(state, value, tracker.bytes());
        self.send(state, tracker, patch, by);
        if let Some(now) = now.filter(|_| is_sent) {
            state.waiting.sent(now + T::INTERVAL);
        }
    }

    /// The same for a change that was reserved.
    pub(in crate::topic) fn accept_reserved(
        &self,
        state: &mut CellState<T>,
        draft: Draft<T>,
        by: Option<&Author>,
    ) -> Option<Unsent> {
        // With intervals it was drafted to be sent later: at the earliest as soon as the timer runs.
        let now = self.now();
        let due = now.map(|now| state.waiting.due(now).unwrap_or(now));
        self.accept(state, Prepared { draft, now, due, reserved: Vec::new() }, by)
    }

    /// What a change is made upon that is made now.
    pub(in crate::topic) fn base<'a>(&self, state: &'a CellState<T>, value: &'a T) -> Base<'a, T> {
        Base { value, shown: &state.tracker, bytes: state.bytes }
    }

    /// Whether changes may have to wait for the end of an interval.
    pub(in crate::topic) fn has_intervals(&self) -> bool {
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
    fn store(&self, state: &mut CellState<T>, value: T, bytes: usize) {
        state.bytes = bytes;
        let mut current = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, Arc::new(value));
        drop(current);
        discard("a topic's state", before);
    }

    fn store_for_later(
        &self,
        state: &mut CellState<T>,
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
    pub(in crate::topic) fn draft<R>(
        &self,
        base: Base<'_, T>,
        sending: Sending,
        change: impl Fn(&mut T) -> R,
    ) -> Result<(R, Draft<T>)> {
        let made = guard_now("a topic's update", || {
            let mut value = T::clone(base.value);
            let result = change(&mut value);
            if let (Some(before), Some(presence)) = (base.value.presence(), value.presence_mut()) {
                presence.keep(before);
            }
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
            Ok(((), draft)) => {
                self.store_and_send(&mut state, draft, Some(Instant::now()), authors);
                self.rebase(&mut state);
                self.tell_waiting(&mut state);
            }
            // Each change was written when it was made, and may be on disk. The next one is sent
            // with it.
            Err(_logged) => {}
        }
        drop(state);
        drop(waiting);
    }

    /// Sends the state to subscribers: from now on it is what they have.
    fn send(&self, state: &mut CellState<T>, tracker: Tracker, patch: Option<String>, by: Vec<Author>) {
        let before = std::mem::replace(&mut state.shown, self.value());
        discard("a topic's state", before);
        state.tracker = tracker;
        let Some(json) = patch else { return };
        let mut patch = KeptPatch::new(TopicPatch { by, json });
        let rev = state.stream.rev().next();
        for (_, subscriber) in &state.subscribers {
            subscriber.deliver_patch(&self.name, rev, patch.broadcast());
        }
        patch.release();
        state.stream.advance(patch);
    }
}
