//! Who is present where: a part of a topic's state that the runtime keeps.

use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize};
use vivaz_protocol::log::Escaped;

use crate::event::ServerEvent;
use crate::identity::User;
use crate::list::{Iter, List};
use crate::shape::{LiveShape, ShapeRef};
use crate::tracking::{Pick, TrackedField, next_version};

/// The users who are present at a topic: a field of the topic's state that reads as a
/// [`List`] of [`User`]s, in the order in which they came. It is marked `#[live(presence)]`, and
/// starts as `Presence::default()`; from then on the runtime keeps it.
///
/// A component enters with [`Context::presence`](crate::Context::presence). A user is present while any of their components is:
/// several pages of one user are one entry. A page that loses its connection stays present for
/// `Limits::presence_grace` (10 s by default), so that a short drop is not seen; when it comes back
/// later it enters again by itself. A component that goes away leaves.
///
/// All who look at the topic get its patches, with the ids and names of users, and behind those the
/// events `user.online` and `user.offline` with `{ "userId": … }` when a user comes and when their last
/// component is gone. [`Topic::presence_changed`](crate::Topic::presence_changed) adds to that. Where more than 500 sessions look, no
/// such events are sent: the list says it.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use vivaz_components::{Context, Identity, LiveState, Presence, Result, Shared, Topic, TopicContext};
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
/// The idea is that of `Phoenix.Presence`, with the user's id as the key and without metadata.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    users: List<User>,
    /// When the runtime changed it last; 0 for one that it did not make.
    version: u64,
}

impl Presence {
    /// Makes a user present, or not present without `now`. Returns who has come, or is gone.
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

    /// Puts the users back if an update has put another value in the place of `before`: an application
    /// resets its state, and who is present is not a part of that.
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
    /// Reads a list and is empty: who was present when it was written is not present now.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Vec::<User>::deserialize(deserializer).map(|_| Self::default())
    }
}

impl LiveShape for Presence {
    const SHAPE: ShapeRef = <List<User> as LiveShape>::SHAPE;
}

impl<'a> Pick<'a, Presence> {
    /// The field, a list that knows what was done to it.
    pub fn field(self) -> impl TrackedField + 'a {
        Pick(&mut self.0.users).field()
    }
}

/// A user has come to a topic, or is gone: what [`Topic::presence_changed`](crate::Topic::presence_changed) is given.
#[derive(Debug)]
pub struct PresenceChange {
    user: User,
    is_present: bool,
    events: Vec<ServerEvent>,
}

impl PresenceChange {
    /// A user who has come, with the event `user.online`.
    pub(crate) fn entered(user: User) -> Self {
        Self { user, is_present: true, events: Vec::new() }.announced_as("user.online")
    }

    /// A user who is gone, with the event `user.offline`.
    pub(crate) fn left(user: User) -> Self {
        Self { user, is_present: false, events: Vec::new() }.announced_as("user.offline")
    }

    fn announced_as(mut self, event: &str) -> Self {
        self.emit(event, serde_json::json!({ "userId": self.user.id }));
        self
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Whether the user has come; else the user is gone.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.is_present
    }

    /// Sends one more event to all who look at the topic, behind `user.online` or `user.offline`; as
    /// those, only where at most 500 sessions look. Data that cannot be written as JSON is logged, and
    /// the event is not sent.
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
