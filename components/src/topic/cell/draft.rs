//! Changes of a topic's state: made on a draft, which is compared and written before it is stored
//! and sent.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;
use vivaz_protocol::log::{Escaped, Quoted};
use vivaz_protocol::{Author, ErrorCode};

use super::{Cell, CellState, KeptPatch};
use crate::budget::too_large;
use crate::error::Result;
use crate::fault::{discard, guard_now};
use crate::topic::Topic;
use crate::topic::interval::Unsent;
use crate::topic::observer::FanOut;
use crate::topic::subscriber::TopicPatch;
use crate::tracking::{ADVICE, Resent, Tracker, not_reported};

/// The shortest delay before a failed patch is retried.
const RETRY: Duration = Duration::from_secs(1);

/// The outcome of a change.
pub(crate) struct Applied<R> {
    /// The return value of the closure.
    pub(crate) result: R,
    /// Set if the patch is sent later.
    pub(crate) unsent: Option<Unsent>,
}

/// The state on which a change is made.
pub(in crate::topic) struct Base<'a, T> {
    pub(in crate::topic) value: &'a T,
    /// The state that subscribers have when the change is sent.
    pub(in crate::topic) shown: &'a Tracker,
    pub(in crate::topic) bytes: usize,
}

/// A change that is made and not stored yet.
pub(in crate::topic) struct Draft<T> {
    /// Its lists contain the changes since the last patch.
    pub(in crate::topic) value: T,
    /// The state that subscribers have after the patch.
    pub(in crate::topic) tracker: Tracker,
    pub(in crate::topic) patch: Option<String>,
}

/// A change that cannot fail any more while the topic is locked.
pub(in crate::topic) struct Prepared<T> {
    draft: Draft<T>,
    /// The time of the change; none if the topic has no intervals.
    now: Option<Instant>,
    /// The time of its patch, if that is later.
    due: Option<Instant>,
    /// The reserved changes, made on top of this one.
    reserved: Vec<Draft<T>>,
}

/// Whether a change is sent at once.
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
    /// Changes the state and sends the patch. Changes nothing if there is an error.
    pub(crate) fn apply<R>(&self, by: Option<&Author>, change: impl Fn(&mut T) -> R) -> Result<Applied<R>> {
        let mut state = self.lock();
        let (result, prepared) = self.prepare(&state, change)?;
        let unsent = self.accept(&mut state, prepared, by);
        Ok(Applied { result, unsent })
    }

    /// Prepares a change that can be accepted. It is not visible before.
    ///
    /// # Errors
    /// Returns an error if the closure panics, if the state has no JSON form or is too large, or if
    /// the reserved changes cannot be made on top of it.
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

    /// Stores a change that was prepared under the same lock, and sends it. Returns a handle for
    /// its author's reply if it is sent later.
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

    /// Stores a change and sends it. `now` begins the next interval, if the topic has intervals.
    pub(in crate::topic) fn store_and_send(
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

    /// Stores and sends a change that was reserved.
    pub(in crate::topic) fn accept_reserved(
        &self,
        state: &mut CellState<T>,
        draft: Draft<T>,
        by: Option<&Author>,
    ) -> Option<Unsent> {
        // With intervals it was drafted for later: at the earliest when the timer runs.
        let now = self.now();
        let due = now.map(|now| state.waiting.due(now).unwrap_or(now));
        self.accept(state, Prepared { draft, now, due, reserved: Vec::new() }, by)
    }

    /// Returns the base of a change that is made now.
    pub(in crate::topic) fn base<'a>(&self, state: &'a CellState<T>, value: &'a T) -> Base<'a, T> {
        Base { value, shown: &state.tracker, bytes: state.bytes }
    }

    /// Returns whether changes may have to wait for the end of an interval.
    pub(in crate::topic) fn has_intervals(&self) -> bool {
        self.executor.is_some() && !T::INTERVAL.is_zero()
    }

    /// Returns the time of the executor's clock, which its timers use; `None` without intervals.
    fn now(&self) -> Option<Instant> {
        let executor = self.executor.as_ref().filter(|_| self.has_intervals())?;
        let _entered = executor.enter();
        Some(Instant::now())
    }

    /// Stores the state, also if there is nothing to send: a field that is not serialised may have
    /// changed.
    pub(in crate::topic) fn store(&self, state: &mut CellState<T>, value: T, bytes: usize) {
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
            self.end_interval_at(executor, due);
        }
        Some(unsent)
    }

    /// Starts a timer that ends the interval. Its task ends with the timer, or when the topic is
    /// gone.
    fn end_interval_at(&self, executor: &Handle, due: Instant) {
        let me = self.me.clone();
        executor.spawn(async move {
            tokio::time::sleep_until(due).await;
            if let Some(cell) = me.upgrade() {
                cell.end_interval();
            }
        });
    }

    /// Makes a change on a copy. Returns an error for a panic, for a value without a JSON form, and
    /// for a state that is too large.
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
            let kind = self.name.as_str().split('/').next().unwrap_or_default();
            for Resent { field, bytes } in not_reported(kind, &changes.resent) {
                tracing::warn!(topic = %Quoted(&self.name), field, bytes, "{ADVICE}");
            }
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

    /// Sends the changes of the interval as one patch. If the patch cannot be made, because the
    /// state's `Clone` or `Serialize` implementation fails, it is retried: each change may be
    /// committed already. The events and the replies of the authors wait until the patch is sent.
    fn end_interval(&self) {
        let mut state = self.lock();
        let value = self.value();
        let Ok(((), draft)) = self.draft(self.base(&state, &value), Sending::Now, |_| ()) else {
            if let Some(executor) = &self.executor {
                self.end_interval_at(executor, Instant::now() + T::INTERVAL.max(RETRY));
            }
            return;
        };
        let (authors, waiting) = state.waiting.take();
        self.store_and_send(&mut state, draft, Some(Instant::now()), authors);
        self.rebase(&mut state);
        self.send_waiting_events(&mut state);
        drop(state);
        drop(waiting);
    }

    /// Sends the state to subscribers.
    fn send(&self, state: &mut CellState<T>, tracker: Tracker, patch: Option<String>, by: Vec<Author>) {
        let before = std::mem::replace(&mut state.shown, self.value());
        discard("a topic's state", before);
        state.tracker = tracker;
        let Some(json) = patch else { return };
        let started = self.observer.as_ref().map(|_| std::time::Instant::now());
        let bytes = json.len();
        let mut patch = KeptPatch::new(TopicPatch { by, json });
        let rev = state.stream.rev().next();
        for (_, subscriber) in &state.subscribers {
            subscriber.deliver_patch(&self.name, rev, patch.broadcast());
        }
        if let (Some(observer), Some(started)) = (&self.observer, started) {
            let subscribers = state.subscribers.len();
            observer.delivered(FanOut { bytes, subscribers, time: started.elapsed() });
        }
        patch.release();
        state.stream.advance(patch);
    }
}
