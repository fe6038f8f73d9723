//! The users who are present at a topic: a part of its state that the runtime maintains.

use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize};
use vivaz_protocol::log::Escaped;

use crate::apply_patch::{ApplySlot, FieldPatch};
use crate::event::ServerEvent;
use crate::identity::User;
use crate::list::{Iter, List};
use crate::shape::{LiveShape, ShapeRef};
use crate::tracking::{JsonResult, Pick, TrackedField, next_version};

/// The users who are present at a topic: a field of the topic's state that reads as a [`List`] of
/// [`User`]s, in the order in which they entered. It is marked `#[live(presence)]` and starts as
/// `Presence::default()`; the runtime maintains it.
///
/// A component enters with [`Context::presence`](crate::Context::presence). A user is present while
/// any of their components is: several pages of one user are one entry. A page that loses its
/// connection stays present for `Limits::presence_grace` (10 s by default), so that a short drop is
/// not visible; if it resumes later, it enters again automatically. A component that is unmounted
/// leaves.
///
/// All subscribers of the topic get its patches, with the ids and names of users, and after those
/// the events `user.online` and `user.offline` with `{ "userId": … }` when a user enters and when
/// their last component has left. [`Topic::presence_changed`](crate::Topic::presence_changed) can
/// add events. With more than 500 subscribers no such events are sent, only patches.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use vivaz_components::{Context, Identity, LiveState, Presence, Result, Shared};
/// # use vivaz_components::{Topic, TopicContext};
/// #[derive(LiveState, Serialize, Deserialize, Clone, Default)]
/// # #[live(crate = "vivaz_components")]
/// struct Room {
///     #[live(presence)]
///     users: Presence,
/// }
/// # impl Topic for Room {
/// #   type Key = String;
/// #   async fn load(_: &String, _: &TopicContext) -> Result<Self> {
/// #       Ok(Self::default())
/// #   }
/// #   async fn authorize(_: &String, who: &Identity) -> Result {
/// #       who.user().map(|_| ())
/// #   }
/// # }
///
/// # struct Chat {
/// #     chat: Shared<Room>,
/// # }
/// # impl Chat {
/// fn connected(&mut self, cx: &mut Context) -> Result {
///     cx.presence(&mut self.chat).enter()
/// }
/// # }
/// ```
///
/// In the template: `<li live:for="u in chat.users" live:key="u.id">{{ u.name }}</li>`.
///
/// The design follows `Phoenix.Presence`, with the user's id as the key and without metadata.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    users: List<User>,
    /// The version of the last change by the runtime; 0 for a value that it did not create.
    version: u64,
}

impl Presence {
    /// Makes a user present, or removes the user if `now` is `None`. Returns the user who has
    /// entered or left.
    pub(crate) fn change(&mut self, now: Option<&User>, id: &str) -> Option<User> {
        self.version = next_version();
        let Some(user) = now else { return self.users.remove(id) };
        if self.users.contains(id) {
            self.users.update(id, |known| known.clone_from(user));
            return None;
        }
        self.users.push(user.clone());
        Some(user.clone())
    }

    /// Restores the users if an update has replaced `before` by another value: an application that
    /// resets its state does not reset the users who are present.
    pub(crate) fn keep(&mut self, before: &Self) {
        if self.version < before.version {
            self.clone_from(before);
        }
    }
}

impl PartialEq for Presence {
    fn eq(&self, other: &Self) -> bool {
        self.users == other.users
    }
}

impl Eq for Presence {}

impl Deref for Presence {
    type Target = List<User>;

    fn deref(&self) -> &List<User> {
        &self.users
    }
}

impl<'a> IntoIterator for &'a Presence {
    type Item = &'a User;
    type IntoIter = Iter<'a, User>;

    fn into_iter(self) -> Self::IntoIter {
        (&self.users).into_iter()
    }
}

impl Serialize for Presence {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.users.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Presence {
    /// Reads a list and returns an empty value: the users of that time are not present now.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Vec::<User>::deserialize(deserializer).map(|_| Self::default())
    }
}

impl LiveShape for Presence {
    const SHAPE: ShapeRef = <List<User> as LiveShape>::SHAPE;
}

impl ApplySlot<'_, Presence> {
    /// Applies a change to the list of users.
    ///
    /// # Errors
    /// Returns an error if the change does not fit.
    pub fn apply(&mut self, change: FieldPatch<'_>) -> JsonResult {
        self.0.version = next_version();
        ApplySlot(&mut self.0.users).apply(change)
    }
}

impl<'a> Pick<'a, Presence> {
    /// Returns the field, a list that records its changes.
    pub fn field(self) -> impl TrackedField + 'a {
        Pick(&mut self.0.users).field()
    }
}

/// A change of the users who are present at a topic, for
/// [`Topic::presence_changed`](crate::Topic::presence_changed).
#[derive(Debug)]
pub struct PresenceChange {
    user: User,
    is_present: bool,
    events: Vec<ServerEvent>,
}

impl PresenceChange {
    /// Returns a change for a user who has entered, with the event `user.online`.
    pub(crate) fn entered(user: User) -> Self {
        Self { user, is_present: true, events: Vec::new() }.announced_as("user.online")
    }

    /// Returns a change for a user who has left, with the event `user.offline`.
    pub(crate) fn left(user: User) -> Self {
        Self { user, is_present: false, events: Vec::new() }.announced_as("user.offline")
    }

    fn announced_as(mut self, event: &str) -> Self {
        self.emit(event, serde_json::json!({ "userId": self.user.id }));
        self
    }

    /// Returns the user.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Returns whether the user has entered; otherwise the user has left.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.is_present
    }

    /// Sends one more event to all subscribers, after `user.online` or `user.offline`; like those,
    /// only with at most 500 subscribers. Data without a JSON form is logged, and the event is not
    /// sent.
    pub fn emit(&mut self, name: &str, data: impl Serialize) {
        match ServerEvent::new(name, &data) {
            Ok(event) => self.events.push(event),
            Err(error) => tracing::error!(event = name, error = %Escaped(&error), "an event was not sent"),
        }
    }

    pub(crate) fn into_events(self) -> Vec<ServerEvent> {
        self.events
    }
}
