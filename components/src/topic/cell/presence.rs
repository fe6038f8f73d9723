//! The users that components make present at a topic.

use std::sync::Arc;
use std::time::Duration;

use vivaz_protocol::log::{Escaped, Quoted};

use super::{Cell, CellState};
use crate::error::{ActionError, Result};
use crate::fault::guard_now;
use crate::identity::User;
use crate::topic::mutation::EventfulMutation;
use crate::topic::presence::{Presence, PresenceChange};
use crate::topic::replica::LogChange;
use crate::topic::{Topic, parse_key};
use crate::tracking::next_version;

/// With more subscribers than this, no event is sent for each user who enters or leaves: a thousand
/// pages that resume at once would cause a million events.
pub(super) const EVENTS_UP_TO: usize = 500;

/// The delay before a failed removal of a user is retried.
const RETRY: Duration = Duration::from_secs(1);

impl<T: Topic> Cell<T> {
    pub(in crate::topic) fn claim(&self, id: u64, user: &User) -> Result {
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
            // The new name does not fit; the user stays under the old one.
            return Ok(());
        }
        changed
    }

    /// Ends a claim; if `timer` is given, only if that timer still ends it.
    pub(in crate::topic) fn end_claim(&self, id: u64, timer: Option<u64>) {
        let mut state = self.lock();
        let Some(user) = state.claims.remove(id, timer) else { return };
        if state.claims.counts.contains_key(&user) {
            return;
        }
        if let Err(error) = self.change_presence(&mut state, None, &user) {
            let (topic, error) = (Quoted(&self.name), Escaped(&error));
            tracing::error!(%topic, %error, "a user who has left is still shown as present; retrying");
            if let Some(timer) = self.start_timer(id, RETRY) {
                state.claims.insert(id, user, Some(timer));
            }
        }
    }

    /// Ends a claim after that time.
    pub(in crate::topic) fn end_claim_after(&self, id: u64, time: Duration) {
        // Locked first: a timer that ends at once must find itself in the claim.
        let mut state = self.lock();
        let Some(claim) = state.claims.all.get_mut(&id) else { return };
        claim.timer = self.start_timer(id, time);
        if claim.timer.is_none() {
            drop(state);
            self.end_claim(id, None);
        }
    }

    /// Starts a timer that ends a claim, unless the claim was renewed or the topic is gone by then.
    /// Returns `None` without an executor.
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

    /// Makes a user present, or removes the user if `now` is `None`, and sends the events under the
    /// same lock: events are in the order of the changes.
    fn change_presence(&self, state: &mut CellState<T>, now: Option<&User>, id: &str) -> Result {
        let key = parse_key::<T>(self.name.as_str())?;
        if self.is_replicated() {
            self.agree_on_presence(Arc::new(key), now.cloned(), id.to_owned());
            return Ok(());
        }
        let value = self.value();
        if value.presence().is_some_and(|presence| presence.get(id) == now) {
            return Ok(());
        }
        let change = |value: &mut T, tell: &dyn Fn(&mut T, &mut PresenceChange)| {
            let changed = value.presence_mut().and_then(|presence: &mut Presence| presence.change(now, id));
            changed.map_or_else(Vec::new, |user| {
                let mut change = match now {
                    Some(_) => PresenceChange::entered(user),
                    None => PresenceChange::left(user),
                };
                tell(value, &mut change);
                change.into_events()
            })
        };
        let prepared =
            self.prepare(state, |value| change(value, &|value, change| value.presence_changed(&key, change)));
        let (events, prepared) = match prepared {
            // The application cannot refuse that a user enters or leaves.
            Err(_logged) => self.prepare(state, |value| change(value, &|_, _| ()))?,
            Ok(prepared) => prepared,
        };
        let is_sent = self.accept(state, prepared, None).is_none();
        if state.subscribers.len() > EVENTS_UP_TO {
            return Ok(());
        }
        // An event follows the patch to which it belongs.
        state.waiting.events.extend(events);
        if is_sent {
            self.send_waiting_events(state);
        }
        Ok(())
    }

    /// Makes a user present, or removes the user, when the nodes agree. The events are a part of
    /// the entry. Tried again as long as the claims of this node want it.
    fn agree_on_presence(&self, key: Arc<T::Key>, now: Option<User>, id: String) {
        let (Some(executor), Some(me)) = (&self.executor, self.me.upgrade()) else { return };
        let (is_present, user) = (now.is_some(), id.clone());
        let change: EventfulMutation<T> = Arc::new(move |value: &mut T| {
            let changed = value.presence_mut().and_then(|presence| presence.change(now.as_ref(), &id));
            let Some(user) = changed else { return Vec::new() };
            let mut change =
                if is_present { PresenceChange::entered(user) } else { PresenceChange::left(user) };
            let told = guard_now("presence_changed", || {
                let mut told = T::clone(value);
                told.presence_changed(&key, &mut change);
                Ok(told)
            });
            // The application cannot refuse that a user enters or leaves.
            if let Ok(told) = told {
                *value = told;
            }
            change.into_events()
        });
        let mut answered = self.enqueue(LogChange::Eventful(Arc::clone(&change)), None, Vec::new());
        executor.spawn(async move {
            while let Ok(Err(error)) = answered.await {
                let (topic, error) = (Quoted(&me.name), Escaped(&error));
                tracing::error!(%topic, %error, "the presence of a user is not up to date; retrying");
                tokio::time::sleep(RETRY).await;
                if me.lock().claims.counts.contains_key(&*user) != is_present {
                    return;
                }
                answered = me.enqueue(LogChange::Eventful(Arc::clone(&change)), None, Vec::new());
            }
        });
    }

    /// Sends the events that wait for a patch.
    pub(in crate::topic) fn send_waiting_events(&self, state: &mut CellState<T>) {
        let events = std::mem::take(&mut state.waiting.events);
        events.into_iter().for_each(|event| self.send_event(state, event, None));
    }
}
