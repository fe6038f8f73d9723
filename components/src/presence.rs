//! Who is present where: a part of a topic's state that the runtime keeps.

use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize};

use crate::event::{Effect, ServerEvent};
use crate::list::List;
use crate::shape::{LiveShape, Ref};
use crate::topic::Topic;
use crate::tracking::{Field, Pick};
use crate::{Context, Result, Shared, User};

/// The users who are present at a topic: a field of the topic's state that reads as a
/// [`List`] of [`User`]s, in the order in which they came.
///
/// A component enters with [`Context::presence`]. A user is present while any of their components is:
/// several pages of one user are one entry. A page that loses its connection stays present for
/// `Limits::presence_grace` (10 s by default), so that a short drop is not seen; when it comes back
/// later it enters again by itself. A component that goes away leaves.
///
/// The topic says with [`Topic::PRESENCE`] which field it is. All who look at the topic get its
/// patches, and the events `user.online` and `user.offline` with `{ "userId": … }` when a user comes
/// and when their last component is gone; [`Topic::presence_changed`] adds to that. Events are sent
/// while at most 500 sessions look: with more, the list alone says it.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use vivaz_components::{Context, Identity, LiveState, Presence, Result, Shared, Topic, TopicContext};
/// #[derive(LiveState, Serialize, Deserialize, Clone, Default)]
/// # #[live(crate = "vivaz_components")]
/// struct Room {
///     users: Presence,
/// }
///
/// impl Topic for Room {
///     type Key = String;
///     const PRESENCE: Option<fn(&mut Self) -> &mut Presence> = Some(|room| &mut room.users);
/// #   async fn load(_: &String, _: &TopicContext) -> Result<Self> {
/// #       Ok(Self::default())
/// #   }
/// #   async fn authorize(_: &String, who: &Identity) -> Result {
/// #       who.user().map(|_| ())
/// #   }
///     // …
/// }
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
/// Presence as in Phoenix (`Phoenix.Presence`), where the key is the user's id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence(List<User>);

impl Presence {
    /// Returns whether the user of that id is present.
    #[must_use]
    pub fn has(&self, user: &str) -> bool {
        self.0.contains(user)
    }

    /// Adds a user, or takes over another name. Returns whether the user was not there.
    pub(crate) fn add(&mut self, user: &User) -> bool {
        match self.0.get(&user.id) {
            Some(known) => {
                if known != user {
                    self.0.update(&user.id, |known| known.clone_from(user));
                }
                false
            }
            None => {
                self.0.push(user.clone());
                true
            }
        }
    }

    pub(crate) fn remove(&mut self, user: &str) -> Option<User> {
        self.0.remove(user)
    }
}

impl Deref for Presence {
    type Target = List<User>;

    fn deref(&self) -> &List<User> {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Presence {
    type Item = &'a User;
    type IntoIter = crate::ListIter<'a, User>;

    fn into_iter(self) -> Self::IntoIter {
        (&self.0).into_iter()
    }
}

impl Serialize for Presence {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Presence {
    /// Reads a list and is empty: who was present when it was written is not present now.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self::default())
    }
}

impl LiveShape for Presence {
    const SHAPE: Ref = <List<User> as LiveShape>::SHAPE;
}

impl<'a> Pick<'a, Presence> {
    /// The field, a list that knows what was done to it.
    pub fn field(self) -> impl Field + 'a {
        Pick(&mut self.0.0).field()
    }
}

/// A user has come to a topic, or is gone: what [`Topic::presence_changed`] is given.
#[derive(Debug)]
pub struct PresenceChange {
    user: User,
    is_present: bool,
    events: Vec<ServerEvent>,
}

impl PresenceChange {
    /// `user.online` or `user.offline`, to which the topic adds.
    pub(crate) fn new(user: User, is_present: bool) -> Result<Self> {
        let mut change = Self { user, is_present, events: Vec::new() };
        let name = if is_present { "user.online" } else { "user.offline" };
        let data = serde_json::json!({ "userId": change.user.id });
        change.emit(name, data)?;
        Ok(change)
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

    /// Sends one more event to all who look at the topic, behind `user.online` or `user.offline`.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn emit(&mut self, name: &str, data: impl Serialize) -> Result {
        self.events.push(ServerEvent::new(name, &data)?);
        Ok(())
    }

    pub(crate) fn into_events(self) -> Vec<ServerEvent> {
        self.events
    }
}

/// The presence of the component at the topic that a shared field shows; see [`Context::presence`].
#[derive(Debug)]
#[must_use = "nothing has changed before `enter` or `leave`"]
pub struct PresenceAt<'a> {
    cx: &'a mut Context,
    is_present: &'a mut bool,
}

impl Context {
    /// The presence of this component's user at the topic that the field shows. From `enter` to
    /// `leave` the component follows the field: when it shows another topic, the user is present there.
    ///
    /// It is kept with the component: a page that comes back, to this process or the next one, is
    /// present again without a call. [`Presence`] says how long a page is that loses its connection.
    ///
    /// The topic's type must have a [`Topic::PRESENCE`]; without one the build fails:
    ///
    /// ```compile_fail,E0080
    /// # use serde::{Deserialize, Serialize};
    /// # use vivaz_components::{Context, Identity, LiveState, Result, Shared, Topic, TopicContext};
    /// # #[derive(LiveState, Serialize, Deserialize, Clone)]
    /// # #[live(crate = "vivaz_components")]
    /// # struct Room {}
    /// impl Topic for Room {
    ///     type Key = String;
    /// #   async fn load(_: &String, _: &TopicContext) -> Result<Self> {
    /// #       Ok(Self {})
    /// #   }
    /// #   async fn authorize(_: &String, _: &Identity) -> Result {
    /// #       Ok(())
    /// #   }
    ///     // …
    /// }
    /// # fn connected(cx: &mut Context, room: &mut Shared<Room>) -> Result {
    /// cx.presence(room).enter() // this topic has no presence
    /// # }
    /// # let _called: fn(&mut Context, &mut Shared<Room>) -> Result = connected;
    /// ```
    pub fn presence<'a, T: Topic>(&'a mut self, shared: &'a mut Shared<T>) -> PresenceAt<'a> {
        const {
            assert!(
                T::PRESENCE.is_some(),
                "this topic has no presence: give its state a field of the type `Presence`, and its `impl Topic` a \
                 `const PRESENCE: Option<fn(&mut Self) -> &mut Presence> = Some(|state| &mut state.FIELD);`"
            );
        }
        PresenceAt { cx: self, is_present: shared.is_present_mut() }
    }
}

impl PresenceAt<'_> {
    /// The user is present when the handler has succeeded; again is the same as once.
    ///
    /// A topic that is as large as it may be takes nobody in: that is logged, and tried again when the
    /// page comes back.
    ///
    /// # Errors
    /// `unauthenticated` when there is no user.
    pub fn enter(self) -> Result {
        self.cx.user()?;
        *self.is_present = true;
        self.cx.stage(Effect::Presence);
        Ok(())
    }

    /// The component is not present any more when the handler has succeeded. The user is, if another
    /// of their components is.
    pub fn leave(self) {
        *self.is_present = false;
        self.cx.stage(Effect::Presence);
    }
}
