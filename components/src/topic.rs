//! State that several components show: kept, compared and written once.

mod cell;
mod claim;
mod context;
mod handle;
mod hub;
mod interval;
mod mutation;
mod presence;
mod reference;
mod staged;
mod subscriber;

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

pub(crate) use cell::Cell;
pub use claim::PresenceClaim;
pub use context::TopicContext;
pub use handle::TopicHandle;
pub use hub::{Hub, Rooms};
pub use interval::Unsent;
pub(crate) use mutation::Mutation;
pub use presence::{Presence, PresenceChange};
pub use reference::{Subscription, TopicRef};
pub use staged::{ReservedUpdates, StagedUpdate};
pub use subscriber::{CatchUp, Subscriber, TopicPatch, TopicSnapshot};

use crate::error::{ActionError, Result};
use crate::fault;
use crate::identity::Identity;
use crate::shape::ShapeRef;
use crate::tracking::TrackedFields;

/// A type that can be the state of a topic. Derived with `LiveState`, for structs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of a topic",
    label = "this is not compared field by field",
    note = "add `#[derive(LiveState)]` to it; it is a struct with named fields, without type parameters, and serde writes it \
            as that struct (no `into`, `tag`, `transparent`, `remote`)"
)]
pub trait TopicState: TrackedFields {
    /// What it looks like to templates, computed fields included.
    const SHOWN: ShapeRef;

    /// The field that says who is present, if one is marked `#[live(presence)]`.
    fn presence(&self) -> Option<&Presence> {
        None
    }

    /// The same, to be changed.
    #[doc(hidden)]
    fn presence_mut(&mut self) -> Option<&mut Presence> {
        None
    }
}

/// The state of a topic with a field that is marked `#[live(presence)]`. Derived with `LiveState`.
#[diagnostic::on_unimplemented(
    message = "nobody can be present at `{Self}`",
    label = "this topic has no presence",
    note = "add a field to `{Self}`: `#[live(presence)] users: Presence`"
)]
pub trait HasPresence: TopicState {}

/// State that components share: a chat room, a list of todos, a game.
///
/// Its name is a kind and a key with a slash between them: a field `#[live(shared = "chat/{room}")]` of a component
/// whose `room` is `lobby` shows the topic `chat/lobby`, and `lobby` is parsed into the [`Key`](Topic::Key). It is
/// loaded when the first component names it and kept while anybody looks at it.
///
/// What follows from its fields is a method marked `#[live(computed)]` in an `#[actions]` block of the type: a field to
/// templates, computed once for all who look.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a topic, so no field is `Shared<{Self}>`",
    label = "this type is no topic",
    note = "write `impl Topic for {Self}`: `load` returns the state, `authorize` decides who may see it"
)]
pub trait Topic: TopicState + Clone + Send + Sync + 'static {
    /// What is behind the slash of the name. A key that does not parse is refused as `bad_props`.
    type Key: FromStr<Err: fmt::Display> + Send + Sync;

    /// Changes within this time become one patch for everybody who looks. The first change after a
    /// quiet time is sent at once, those that follow within the interval together at its end; the
    /// replies to the actions that made them go out behind that patch. Zero, the default, sends
    /// each change by itself. For state that many people change all the time and that may be seen a
    /// moment later: who is typing, where a pointer is.
    const INTERVAL: Duration = Duration::ZERO;

    /// Where the state comes from.
    fn load(key: &Self::Key, cx: &TopicContext) -> impl Future<Output = Result<Self>> + Send;

    /// Who may see it; asked whenever somebody comes to look at it, and when a session resumes. On a
    /// resume, `forbidden` and `unauthenticated` take the component away; after any other error the
    /// page waits, and this is asked again. Has no default, because forgetting it would show
    /// everything to everybody.
    fn authorize(key: &Self::Key, who: &Identity) -> impl Future<Output = Result> + Send;

    /// A user has come to be present (see [`Presence`]), or is gone; the list of users has changed
    /// already. The place to change what else follows from it, and to send events of one's own. Like a
    /// closure of an update it works on a draft and does nothing else. If it panics, the user comes or
    /// goes without it.
    fn presence_changed(&mut self, key: &Self::Key, change: &mut PresenceChange) {
        let _ = (key, change);
    }
}

/// What is behind the first slash of a topic's name, as the topic's key.
pub(crate) fn parse_key<T: Topic>(name: &str) -> Result<T::Key> {
    let text = name.split_once('/').map_or("", |(_, key)| key);
    fault::guard_now("reading a topic's key", || {
        text.parse().map_err(|error| {
            ActionError::new(
                vivaz_protocol::ErrorCode::BadProps,
                format!("invalid key in the topic name `{name}`: {error}"),
            )
        })
    })
}
