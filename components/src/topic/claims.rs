//! Which components make a user present at a topic.

use std::sync::Arc;
use std::time::Duration;

use vivaz_protocol::log::{Escaped, Quoted};
use vivaz_protocol::{RawJson, ServerMessage, SessionId};

use super::cell::{Cell, State, encode};
use super::{Topic, TopicRef, parse_key};
use crate::event::ServerEvent;
use crate::presence::{Presence, PresenceChange};
use crate::tracking::next_version;
use crate::{ActionError, Result, User};

/// With more sessions that look at a topic, nobody is sent an event for each user who comes or goes:
/// a thousand pages that come back at once would be a million events.
const EVENTS_UP_TO: usize = 500;

/// The components that are present, in the order in which they came.
#[derive(Default)]
pub(super) struct Claims(Vec<Claimed>);

struct Claimed {
    id: u64,
    user: Arc<str>,
    /// Which timer ends it, if one runs.
    ends: Option<u64>,
}

impl Claims {
    fn position(&self, id: u64) -> Option<usize> {
        self.0.binary_search_by_key(&id, |claim| claim.id).ok()
    }

    fn has_user(&self, user: &str) -> bool {
        self.0.iter().any(|claim| &*claim.user == user)
    }
}

/// A component is present at a topic for as long as this lives: it makes its user present.
#[derive(Debug)]
#[must_use = "dropping it ends the presence"]
pub struct PresenceClaim {
    topic: TopicRef,
    id: u64,
}

impl PresenceClaim {
    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &TopicRef {
        &self.topic
    }

    /// The page is here (again): whatever was to end the presence does not.
    ///
    /// # Errors
    /// As [`TopicRef::enter`]; the claim is then good for nothing until it is renewed again.
    pub fn renew(&self, user: &User) -> Result {
        self.topic.0.enter(self.id, user)
    }

    /// The page is away: the presence ends after that time if it is not renewed before.
    pub fn suspend(&self, grace: Duration) {
        self.topic.0.leave_after(self.id, grace);
    }

    /// Ends the presence after that time. The topic is not kept for it.
    pub fn end_after(self, time: Duration) {
        self.suspend(time);
        std::mem::forget(self);
    }
}

impl Drop for PresenceClaim {
    fn drop(&mut self) {
        self.topic.0.leave(self.id);
    }
}

impl TopicRef {
    /// Makes a user present.
    ///
    /// # Errors
    /// `too_large` when the topic would be larger than it may be, `panicked` when its
    /// `presence_changed` does, and an error when the topic has no presence.
    pub fn enter(&self, user: &User) -> Result<PresenceClaim> {
        // Made first: what goes wrong is taken back by dropping it.
        let claim = PresenceClaim { topic: self.clone(), id: next_version() };
        claim.renew(user)?;
        Ok(claim)
    }
}

impl<T: Topic> Cell<T> {
    pub(super) fn claim(&self, id: u64, user: &User) -> Result {
        let mut state = self.lock();
        match state.claims.position(id) {
            Some(at) => {
                if let Some(claim) = state.claims.0.get_mut(at) {
                    claim.ends = None;
                }
            }
            None => {
                let at = state.claims.0.partition_point(|claim| claim.id < id);
                let claim = Claimed { id, user: user.id.as_str().into(), ends: None };
                state.claims.0.insert(at, claim);
            }
        }
        self.change_presence(&mut state, |presence| {
            presence.add(user).then(|| PresenceChange::new(user.clone(), true)).transpose()
        })
    }

    /// Ends a claim; if `timer` is given, only if that is what ends it.
    pub(super) fn end_claim(&self, id: u64, timer: Option<u64>) {
        let mut state = self.lock();
        let Some(at) = state.claims.position(id) else { return };
        if timer.is_some() && state.claims.0.get(at).is_some_and(|claim| claim.ends != timer) {
            return;
        }
        let user = state.claims.0.remove(at).user;
        if state.claims.has_user(&user) {
            return;
        }
        let changed = self.change_presence(&mut state, |presence| {
            presence.remove(&user).map(|user| PresenceChange::new(user, false)).transpose()
        });
        if let Err(error) = changed {
            tracing::error!(topic = %Quoted(&self.name), error = %Escaped(&error), "a user who is gone is still shown as present");
        }
    }

    /// Lets a claim end after that time.
    pub(super) fn end_claim_after(&self, id: u64, time: Duration) {
        let Some(executor) = &self.executor else { return self.end_claim(id, None) };
        let timer = next_version();
        let mut state = self.lock();
        let Some(at) = state.claims.position(id) else { return };
        if let Some(claim) = state.claims.0.get_mut(at) {
            claim.ends = Some(timer);
        }
        drop(state);
        let me = self.me.clone();
        // It finds the claim renewed, or the topic gone, or ends it.
        executor.spawn(async move {
            tokio::time::sleep(time).await;
            if let Some(cell) = me.upgrade() {
                cell.end_claim(id, Some(timer));
            }
        });
    }

    /// Changes who is present, and tells everybody under the same lock: events are in the order of the
    /// changes.
    fn change_presence(
        &self,
        state: &mut State<T>,
        change: impl FnOnce(&mut Presence) -> Result<Option<PresenceChange>>,
    ) -> Result {
        let presence = T::PRESENCE
            .ok_or_else(|| ActionError::internal(format!("the topic `{}` has no presence", self.name)))?;
        let (events, prepared) = self.prepare(state, |value| {
            let Some(mut change) = change(presence(value))? else { return Ok(Vec::new()) };
            value.presence_changed(&parse_key::<T>(self.name.as_str())?, &mut change)?;
            Ok::<_, ActionError>(change.into_events())
        })?;
        let events = events?;
        let _nobody_waits = self.accept(state, prepared, None);
        if state.subscribers.len() <= EVENTS_UP_TO {
            events.iter().for_each(|event| self.tell(state, event, None));
        }
        Ok(())
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
}
