//! State that several components show: kept, compared and written once.

mod cell;
mod claim;
mod committing;
mod context;
mod handle;
mod hub;
mod interval;
mod log_format;
mod mutation;
mod observer;
mod operations;
mod presence;
mod reference;
mod replica;
mod staged;
mod subscriber;
mod turn;

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

pub(crate) use cell::Cell;
pub use claim::PresenceClaim;
pub(crate) use committing::TopicTurns;
pub use context::TopicContext;
pub use handle::TopicHandle;
pub use hub::{Hub, Rooms};
pub use interval::Unsent;
pub(crate) use mutation::Mutation;
pub use observer::{FanOut, FanOutObserver};
pub use presence::{Presence, PresenceChange};
pub use reference::{Subscription, TopicRef};
pub use staged::{ReservedUpdates, StagedUpdate};
pub use subscriber::{CatchUp, Subscriber, TopicPatch, TopicSnapshot};
pub(crate) use turn::LogPlace;

use crate::apply_patch::ApplyPatch;
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
pub trait TopicState: TrackedFields + ApplyPatch {
    /// The shape that templates see, computed fields included.
    const SHOWN: ShapeRef;

    /// Returns the field that is marked `#[live(presence)]`, if there is one.
    fn presence(&self) -> Option<&Presence> {
        None
    }

    /// Returns the same field for changes.
    #[doc(hidden)]
    fn presence_mut(&mut self) -> Option<&mut Presence> {
        None
    }
}

/// The state of a topic with a field that is marked `#[live(presence)]`. Derived with `LiveState`.
#[diagnostic::on_unimplemented(
    message = "users cannot be present at `{Self}`",
    label = "this topic has no presence",
    note = "add a field to `{Self}`: `#[live(presence)] users: Presence`"
)]
pub trait HasPresence: TopicState {}

/// State that components share: a chat room, a list of todos, a game.
///
/// The name is a kind and a key, separated by a slash: a field `#[live(shared = "chat/{room}")]` of
/// a component whose `room` is `lobby` shows the topic `chat/lobby`, and `lobby` is parsed into the
/// [`Key`](Topic::Key). The topic is loaded when the first component names it, and kept while it
/// has subscribers.
///
/// A method marked `#[live(computed)]` in an `#[actions]` block of the type is a field to
/// templates, computed once for all subscribers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a topic, so no field is `Shared<{Self}>`",
    label = "this type is no topic",
    note = "write `impl Topic for {Self}`: `load` returns the state, `authorize` checks whether a user may see it"
)]
pub trait Topic: TopicState + Clone + Send + Sync + 'static {
    /// The part of the name after the slash. A key that does not parse is refused as `bad_props`.
    type Key: FromStr<Err: fmt::Display> + Send + Sync;

    /// Changes within this time become one patch. The first change after an idle interval is sent
    /// at once, later ones together at the end of the interval; the replies to the actions that
    /// caused them are sent after that patch. Zero, the default, sends each change separately. For
    /// state that changes very often and may be seen with a delay: typing indicators, pointer
    /// positions.
    const INTERVAL: Duration = Duration::ZERO;

    /// Loads the state.
    fn load(key: &Self::Key, cx: &TopicContext) -> impl Future<Output = Result<Self>> + Send;

    /// Checks whether a user may see the topic. Called for each subscriber, and again when a
    /// session resumes. On a resume, `forbidden` and `unauthenticated` remove the component; after
    /// any other error the page waits, and the check is repeated. Has no default, because a
    /// forgotten check would show the topic to everyone.
    fn authorize(key: &Self::Key, who: &Identity) -> impl Future<Output = Result> + Send;

    /// Called after a user has become present (see [`Presence`]) or is gone, when the list of users
    /// has changed. It can change other fields and send events. Like a closure of an update it
    /// works on a draft and does nothing else. If it panics, the list changes without it.
    fn presence_changed(&mut self, key: &Self::Key, change: &mut PresenceChange) {
        let _ = (key, change);
    }
}

/// Parses the part of a topic's name after the first slash.
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
