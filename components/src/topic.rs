//! State that many look at: kept, compared and serialised once.

mod cell;
mod claims;
mod draft;
mod interval;
mod reserved;
mod ring;
mod staged;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use vivaz_protocol::{Epoch, Rev, SessionId, TopicName};

pub(crate) use cell::Cell;
pub use claims::PresenceClaim;
pub use interval::Unsent;
pub(crate) use staged::Change;
pub use staged::{ReservedUpdates, StagedUpdate};

use crate::context::{Cause, TopicContext};
use crate::env::Env;
use crate::event::ServerEvent;
use crate::future::BoxFuture;
use crate::presence::{Presence, PresenceChange};
use crate::shape::Ref;
use crate::tracking::Fields;
use crate::{ActionError, ComponentId, Identity, Result, User, fault};

/// A type that can be the state of a topic. Derived with `LiveState`, for structs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of a topic",
    label = "this is not compared field by field",
    note = "add `#[derive(LiveState)]` to it; it is a struct with named fields, without type parameters, and serde writes it \
            as that struct (no `into`, `tag`, `transparent`, `remote`)"
)]
pub trait TopicState: Fields {
    /// What it looks like to templates, computed fields included.
    const SHOWN: Ref;

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

/// A complete message as it goes out, shared by all who get it.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    pub(crate) fn new(text: String) -> Self {
        Self(Bytes::from(text))
    }

    /// The message in JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The same as bytes, UTF-8 for certain; a clone of them copies nothing.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A session, as topics and rooms know it.
///
/// Its methods are called while a topic or a room is locked, so that everybody gets everything in the same order. They
/// put what they are given into a queue and return: they never wait, and never call a topic or the hub.
pub trait Subscriber: Send + Sync {
    /// The session.
    fn session(&self) -> &SessionId;
    /// A topic's patch: a whole `STATE_UPDATE`.
    fn deliver(&self, topic: &TopicName, rev: Rev, frame: &Frame);
    /// A topic's event: a whole `EVENT`.
    fn notify(&self, topic: &TopicName, frame: &Frame);
    /// An event of a room that the component joined: for its `#[event]` method and its page.
    fn hear(&self, component: &ComponentId, event: &ServerEvent);
}

/// What somebody who comes to look at a topic needs to have its state.
#[derive(Clone, Debug)]
pub enum CatchUp {
    /// Nothing: they have it.
    Current,
    /// The patches that they missed, in order: whole `STATE_UPDATE`s, each with its revision.
    Patches(Vec<(Rev, Frame)>),
    /// A whole `STATE_SNAPSHOT`.
    Snapshot(Frame),
}

/// A topic, the type of its state forgotten. Cheap to clone.
#[derive(Clone)]
pub struct TopicRef(Arc<dyn AnyTopic>);

impl TopicRef {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &TopicName {
        self.0.name()
    }

    /// The history in which its revisions count.
    #[must_use]
    pub fn epoch(&self) -> &Epoch {
        self.0.epoch()
    }

    /// A whole `STATE_SNAPSHOT` of now, written once for each revision.
    ///
    /// # Errors
    /// When the state has no JSON form.
    pub fn snapshot(&self) -> Result<(Rev, Frame)> {
        self.0.snapshot()
    }

    /// Looks at the topic from now on. `first` is given what is missing since `from` while the topic is locked: what it
    /// queues stands before every later patch, and no patch is lost in between.
    ///
    /// # Errors
    /// When the state has no JSON form.
    pub fn subscribe(
        &self,
        subscriber: Arc<dyn Subscriber>,
        from: Option<(&Epoch, Rev)>,
        first: &mut dyn FnMut(CatchUp),
    ) -> Result<Subscription> {
        let id = self.0.subscribe(subscriber, from, first)?;
        Ok(Subscription { topic: self.clone(), id })
    }

    /// Whether that somebody may (still) look at it.
    ///
    /// # Errors
    /// What the topic's `authorize` says.
    #[must_use = "a future does nothing until it is awaited"]
    pub fn authorize(&self, who: &Identity) -> BoxFuture<Result> {
        self.0.clone().authorize(who.clone())
    }

    /// Sends an event to everybody who looks at the topic, but for the session `except`.
    pub fn emit(&self, event: &ServerEvent, except: Option<&SessionId>) {
        self.0.emit(event, except);
    }

    /// How many sessions look at it.
    #[must_use]
    pub fn audience(&self) -> usize {
        self.0.audience()
    }

    pub(crate) fn new(topic: Arc<dyn AnyTopic>) -> Self {
        Self(topic)
    }

    /// Whether somebody besides the hub holds it.
    pub(crate) fn is_held(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    pub(crate) fn downcast<T: Topic>(&self) -> Result<Arc<Cell<T>>> {
        self.0.clone().into_any().downcast().map_err(|_| {
            let wanted = std::any::type_name::<T>();
            ActionError::internal(format!("the topic `{}` is not of the type {wanted}", self.name()))
        })
    }
}

impl fmt::Debug for TopicRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TopicRef").field(self.name()).finish()
    }
}

/// Somebody looks at a topic for as long as this lives.
#[derive(Debug)]
#[must_use = "dropping it ends the subscription"]
pub struct Subscription {
    topic: TopicRef,
    id: u64,
}

impl Subscription {
    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &TopicRef {
        &self.topic
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.topic.0.unsubscribe(self.id);
    }
}

/// A topic's cell, its type forgotten.
pub(crate) trait AnyTopic: Send + Sync {
    fn name(&self) -> &TopicName;
    fn epoch(&self) -> &Epoch;
    fn snapshot(&self) -> Result<(Rev, Frame)>;
    fn subscribe(
        &self,
        subscriber: Arc<dyn Subscriber>,
        from: Option<(&Epoch, Rev)>,
        first: &mut dyn FnMut(CatchUp),
    ) -> Result<u64>;
    fn unsubscribe(&self, id: u64);
    fn authorize(self: Arc<Self>, who: Identity) -> BoxFuture<Result>;
    fn emit(&self, event: &ServerEvent, except: Option<&SessionId>);
    fn audience(&self) -> usize;
    fn enter(&self, claim: u64, user: &User) -> Result;
    fn leave(&self, claim: u64);
    fn leave_after(&self, claim: u64, time: Duration);
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// A field that shows a topic, the type of its state forgotten.
pub trait AnyShared {
    /// Which one it shows.
    fn topic(&self) -> Option<&TopicRef>;
    /// How to come by another one.
    fn opener(&self) -> fn(String, Env) -> BoxFuture<Result<TopicRef>>;
    /// Shows that topic from now on.
    ///
    /// # Errors
    /// When the topic's state is of another type.
    fn bind(&mut self, topic: &TopicRef) -> Result;
    /// A handler begins: takes the snapshot that it works with.
    fn begin(&mut self, cause: Option<&Cause>);
    /// A handler has succeeded: what it staged, in order.
    fn take_staged(&mut self) -> Vec<StagedUpdate>;
    /// Whether the component is present at whatever topic it shows.
    fn is_present(&self) -> bool;
    /// The component was present when it was saved.
    fn recall_presence(&mut self);
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
