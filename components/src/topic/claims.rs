//! Which components make a user present at a topic.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vivaz_protocol::log::{Escaped, Quoted};

use super::cell::{Cell, State};
use super::{Topic, TopicRef, parse_key};
use crate::presence::{Presence, PresenceChange};
use crate::tracking::next_version;
use crate::{ActionError, Result, User};

/// With more sessions that look at a topic, nobody is sent an event for each user who comes or goes:
/// a thousand pages that come back at once would be a million events.
const EVENTS_UP_TO: usize = 500;

/// When a user is removed from the list again who could not be removed.
const RETRY: Duration = Duration::from_secs(1);

/// The components that are present.
#[derive(Default)]
pub(super) struct Claims {
    all: BTreeMap<u64, Claimed>,
    /// How many of them each user has.
    counts: BTreeMap<Arc<str>, usize>,
}

struct Claimed {
    user: Arc<str>,
    /// Which timer ends it, if one runs.
    timer: Option<u64>,
}

impl Claims {
    fn insert(&mut self, id: u64, user: Arc<str>, timer: Option<u64>) {
        *self.counts.entry(Arc::clone(&user)).or_default() += 1;
        self.all.insert(id, Claimed { user, timer });
    }

    /// Takes a claim out; if `timer` is given, only if that is what ends it.
    fn remove(&mut self, id: u64, timer: Option<u64>) -> Option<Arc<str>> {
        let claim = self.all.get(&id)?;
        if timer.is_some() && claim.timer != timer {
            return None;
        }
        let user = self.all.remove(&id)?.user;
        if let Some(count) = self.counts.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&user);
            }
        }
        Some(user)
    }
}

/// A component is present at a topic for as long as this lives: it makes its user present.
#[derive(Debug)]
#[doc(hidden)]
#[must_use = "dropping it ends the presence"]
pub struct PresenceClaim {
    topic: TopicRef,
    id: u64,
    /// Whether a timer ends it in place of the drop.
    is_left: bool,
}

impl PresenceClaim {
    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &TopicRef {
        &self.topic
    }

    /// The page is connected: no timer ends the presence any more. Takes over the user's name.
    ///
    /// # Errors
    /// `too_large` when the topic would be larger than it may be, and when the claim is another user's.
    /// The user is not shown as present then, until it is renewed again.
    pub fn renew(&self, user: &User) -> Result {
        self.topic.0.enter(self.id, user)
    }

    /// The page is away: the presence ends after that time if it is not renewed before.
    pub fn suspend(&self, grace: Duration) {
        self.topic.0.leave_after(self.id, grace);
    }

    /// Ends the presence after that time. The topic is not kept for it.
    pub fn end_after(mut self, time: Duration) {
        self.suspend(time);
        self.is_left = true;
    }
}

impl Drop for PresenceClaim {
    fn drop(&mut self) {
        if !self.is_left {
            self.topic.0.leave(self.id);
        }
    }
}

impl TopicRef {
    /// Makes a user present.
    ///
    /// # Errors
    /// As [`PresenceClaim::renew`], and when the topic has no presence.
    #[doc(hidden)]
    pub fn enter(&self, user: &User) -> Result<PresenceClaim> {
        // Made first: what goes wrong is taken back by dropping it.
        let claim = PresenceClaim { topic: self.clone(), id: next_version(), is_left: false };
        claim.renew(user)?;
        Ok(claim)
    }
}

impl<T: Topic> Cell<T> {
    pub(super) fn claim(&self, id: u64, user: &User) -> Result {
        let mut state = self.lock();
        if self.value().presence().is_none() {
            return Err(ActionError::internal(format!("the topic `{}` has no presence", self.name)));
        }
        match state.claims.all.get_mut(&id) {
            Some(claim) if *claim.user != user.id => {
                return Err(ActionError::internal("the presence is another user's"));
            }
            Some(claim) => claim.timer = None,
            None => state.claims.insert(id, user.id.as_str().into(), None),
        }
        let changed = self.change_presence(&mut state, Some(user), &user.id);
        if changed.is_err() && self.value().presence().is_some_and(|presence| presence.contains(&user.id)) {
            // Another name does not fit: they stay under the one that they have.
            return Ok(());
        }
        changed
    }

    /// Ends a claim; if `timer` is given, only if that is what ends it.
    pub(super) fn end_claim(&self, id: u64, timer: Option<u64>) {
        let mut state = self.lock();
        let Some(user) = state.claims.remove(id, timer) else { return };
        if state.claims.counts.contains_key(&user) {
            return;
        }
        if let Err(error) = self.change_presence(&mut state, None, &user) {
            let (topic, error) = (Quoted(&self.name), Escaped(&error));
            tracing::error!(%topic, %error, "a user who is gone is still shown as present; it is tried again");
            if let Some(timer) = self.start_timer(id, RETRY) {
                state.claims.insert(id, user, Some(timer));
            }
        }
    }

    /// Lets a claim end after that time.
    pub(super) fn end_claim_after(&self, id: u64, time: Duration) {
        // Locked first: a timer that ends at once must find itself noted.
        let mut state = self.lock();
        let Some(claim) = state.claims.all.get_mut(&id) else { return };
        claim.timer = self.start_timer(id, time);
        if claim.timer.is_none() {
            drop(state);
            self.end_claim(id, None);
        }
    }

    /// Starts what ends a claim, unless it finds the claim renewed or the topic gone. Without an executor
    /// there are no timers.
    fn start_timer(&self, id: u64, time: Duration) -> Option<u64> {
        let (executor, me, timer) = (self.executor.as_ref()?, self.me.clone(), next_version());
        executor.spawn(async move {
            tokio::time::sleep(time).await;
            if let Some(cell) = me.upgrade() {
                cell.end_claim(id, Some(timer));
            }
        });
        Some(timer)
    }

    /// Makes a user present, or not present without `now`, and tells everybody under the same lock:
    /// events are in the order of the changes.
    fn change_presence(&self, state: &mut State<T>, now: Option<&User>, id: &str) -> Result {
        let value = self.value();
        if value.presence().is_some_and(|presence| presence.get(id) == now) {
            return Ok(());
        }
        let key = parse_key::<T>(self.name.as_str())?;
        let change = |value: &mut T, tell: &dyn Fn(&mut T, &mut PresenceChange)| {
            let changed = value.presence_mut().and_then(|presence: &mut Presence| presence.change(now, id));
            changed.map_or_else(Vec::new, |user| {
                let mut change = PresenceChange::new(user, now.is_some());
                tell(value, &mut change);
                change.into_events()
            })
        };
        let prepared =
            self.prepare(state, |value| change(value, &|value, change| value.presence_changed(&key, change)));
        let (events, prepared) = match prepared {
            // Who comes and goes is not the application's to refuse.
            Err(_logged) => self.prepare(state, |value| change(value, &|_, _| ()))?,
            Ok(prepared) => prepared,
        };
        let is_sent = self.accept(state, prepared, None).is_none();
        if state.subscribers.len() > EVENTS_UP_TO {
            return Ok(());
        }
        // An event is not before the patch that it is about.
        state.waiting.events.extend(events);
        if is_sent {
            self.tell_waiting(state);
        }
        Ok(())
    }

    /// Sends the events that have waited for a patch.
    pub(super) fn tell_waiting(&self, state: &mut State<T>) {
        let events = std::mem::take(&mut state.waiting.events);
        events.iter().for_each(|event| self.tell(state, event, None));
    }
}
