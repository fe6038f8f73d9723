//! Events: what the server tells components, and components tell pages.

mod unheard;

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use vivaz_protocol::SessionId;
use vivaz_protocol::json::to_raw_json;

use crate::error::{ActionError, NotSerializable, Result};

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
            ActionError::from(NotSerializable::of(format!("the data of the event `{name}`"), error))
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
