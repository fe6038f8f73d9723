//! Events: what the server tells components, and components tell pages.

mod unheard;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use vivaz_protocol::SessionId;
use vivaz_protocol::json::to_raw_json;

use crate::error::Unwritable;
use crate::future::BoxFuture;
use crate::journal::{Membership, Work};
use crate::topic::StagedUpdate;
use crate::tracking::Loaded;
use crate::{ActionError, Result};

pub(crate) use unheard::misfit;
pub use unheard::unheard;

/// An event for a component: from a room, a spawned task, a topic, the application.
#[derive(Clone, Debug)]
pub struct ServerEvent {
    /// The name that `#[event]` methods are found by.
    pub name: Arc<str>,
    /// What it carries.
    pub data: Arc<RawValue>,
}

impl ServerEvent {
    /// An event of that name with the JSON of `data`.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON, or contains NaN or infinity.
    pub fn new(name: &str, data: &impl Serialize) -> Result<Self> {
        let data = to_raw_json(data).map_err(|error| {
            ActionError::from(Unwritable::of(format!("the data of the event `{name}`"), error))
        })?;
        Ok(Self { name: name.into(), data: data.into() })
    }
}

/// What a task came to.
#[derive(Debug)]
pub struct TaskOutcome {
    /// The event for the component that spawned it, which carries a `Result`.
    pub event: Result<ServerEvent>,
    /// Why it failed, with its sources: for the log.
    pub error: Option<ActionError>,
}

impl TaskOutcome {
    /// `done` is the event if the task has succeeded.
    pub(crate) fn of(event: &str, done: Result<ServerEvent>) -> Self {
        match done {
            Ok(event) => Self { event: Ok(event), error: None },
            Err(error) => Self { event: ServerEvent::new(event, &Err::<(), _>(&error)), error: Some(error) },
        }
    }
}

/// Whom an emitted event reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The page of the component that emits it.
    Own,
    /// Every page that looks at the topic of that name.
    Topic(Arc<str>),
    /// Every component that joined the room: its `#[event]` method and its page.
    Room(Arc<str>),
    /// The other components of the session: their `#[event]` methods. No page gets it.
    Components,
    /// Every component of that session, if it has the same tenant: its `#[event]` method and its page.
    Session(SessionId),
    /// Every component of all sessions of that user of the tenant: its `#[event]` method and its page.
    User(Arc<str>),
    /// Every session of the tenant, or of those who have none.
    Everyone,
}

/// What a handler asked for; it happens when the handler has succeeded.
#[non_exhaustive]
pub enum Effect {
    /// A change of shared state. Made when the job is done, or with the commit of a durable
    /// component's job: a session never sees one.
    Update(StagedUpdate),
    /// An event for pages.
    Emit {
        /// Whom it reaches.
        to: Target,
        /// What it is.
        event: ServerEvent,
        /// Leaves out the session that emits it.
        except_self: bool,
    },
    /// The component enters a room; again is the same as once.
    Join(Arc<str>),
    /// The component leaves a room.
    Leave(Arc<str>),
    /// A task of the session's.
    Spawn(BoxFuture<TaskOutcome>),
    /// A task of the session's that loads a field: what it yields, if it was not ended, is a
    /// [`Job::Loaded`](crate::Job::Loaded) for the component.
    Load(BoxFuture<Option<Loaded>>),
    /// The component asks to be unmounted.
    Close,
    /// A write into the store's database. Part of the commit of a durable component's job, which takes it out: a session
    /// never sees one.
    Commit(Work),
}

impl Effect {
    /// Returns the room that the component enters or leaves, if that is the effect.
    pub(crate) fn membership(&self) -> Option<Membership> {
        match self {
            Self::Join(room) => Some(Membership::Join(Arc::clone(room))),
            Self::Leave(room) => Some(Membership::Leave(Arc::clone(room))),
            Self::Update(_)
            | Self::Emit { .. }
            | Self::Spawn(_)
            | Self::Load(_)
            | Self::Close
            | Self::Commit(_) => None,
        }
    }

    /// Returns how many bytes the rooms take that the component is about to enter.
    pub(crate) fn bytes_of_joins(effects: &[Self]) -> usize {
        let bytes = |membership| match membership {
            Membership::Join(room) => Membership::bytes_of(&room),
            Membership::Leave(_) => 0,
        };
        effects.iter().filter_map(Self::membership).map(bytes).sum()
    }

    /// Takes the changes of shared state out of what a handler asked for.
    pub(crate) fn take_updates(effects: &mut Vec<Self>) -> Vec<StagedUpdate> {
        let updates = effects.extract_if(.., |effect| matches!(effect, Self::Update(_)));
        updates
            .filter_map(|effect| if let Self::Update(update) = effect { Some(update) } else { None })
            .collect()
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Update(update) => f.debug_tuple("Update").field(&update.topic().name()).finish(),
            Self::Emit { to, event, .. } => {
                f.debug_struct("Emit").field("to", to).field("name", &event.name).finish()
            }
            Self::Join(room) => f.debug_tuple("Join").field(room).finish(),
            Self::Leave(room) => f.debug_tuple("Leave").field(room).finish(),
            Self::Spawn(_) => f.write_str("Spawn"),
            Self::Load(_) => f.write_str("Load"),
            Self::Close => f.write_str("Close"),
            Self::Commit(_) => f.write_str("Commit"),
        }
    }
}

/// Why a component goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnmountReason {
    /// The page removed it.
    Removed,
    /// The page left for good.
    Left,
    /// The session was suspended for too long.
    Expired,
    /// The server is shutting down and keeps no sessions.
    Shutdown,
    /// The component asked for it, or failed for good.
    Closed,
    /// The user's access was taken away.
    Revoked,
}

impl UnmountReason {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Left => "left",
            Self::Expired => "expired",
            Self::Shutdown => "shutdown",
            Self::Closed => "closed",
            Self::Revoked => "revoked",
        }
    }
}
