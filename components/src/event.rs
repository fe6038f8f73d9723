//! Events of the server for components and pages.

mod unhandled;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use vivaz_protocol::json::to_raw_json;
use vivaz_protocol::{ErrorCode, SessionId};

use crate::error::{ActionError, NotSerializable, Result};

pub(crate) use unhandled::warn_misfit;
pub use unhandled::warn_unhandled;

/// An event for a component: from a room, a spawned task, a topic, the application. Nodes send it
/// to each other in its serialised form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerEvent {
    /// The name by which `#[event]` methods are found.
    pub name: Arc<str>,
    /// The data.
    pub data: Arc<RawValue>,
}

impl ServerEvent {
    /// Creates an event with the JSON of `data`.
    ///
    /// # Errors
    /// Returns an error if `data` has no JSON form, or contains NaN or infinity, or if the name
    /// starts with `live:`, as only those of the runtime do.
    pub fn new(name: &str, data: &impl Serialize) -> Result<Self> {
        if name.starts_with("live:") {
            let message = format!(
                "the event `{}` has a name of the runtime; choose one without `live:`",
                name.escape_debug()
            );
            return Err(ActionError::new(ErrorCode::ActionFailed, message));
        }
        let data = to_raw_json(data).map_err(|error| {
            ActionError::from(NotSerializable::of(format!("the data of the event `{name}`"), error))
        })?;
        Ok(Self { name: name.into(), data: data.into() })
    }
}

/// The outcome of a task.
#[derive(Debug)]
pub struct TaskOutcome {
    /// The event for the component that spawned the task, with a `Result` as its data.
    pub event: Result<ServerEvent>,
    /// The error with its sources, for the log.
    pub error: Option<ActionError>,
}

impl TaskOutcome {
    /// Creates the outcome of a task. `done` is the event if the task has succeeded.
    pub(crate) fn of(event: &str, done: Result<ServerEvent>) -> Self {
        match done {
            Ok(event) => Self { event: Ok(event), error: None },
            Err(error) => Self::failed(event, error),
        }
    }

    /// Creates the outcome of a task that has failed, or was refused.
    #[must_use]
    pub fn failed(event: &str, error: ActionError) -> Self {
        Self { event: ServerEvent::new(event, &Err::<(), _>(&error)), error: Some(error) }
    }
}

/// The receivers of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The page of the component that emits it.
    Own,
    /// Every page that subscribes to the topic of that name.
    Topic(Arc<str>),
    /// Every component that joined the room: its `#[event]` method and its page.
    Room(Arc<str>),
    /// The other components of the session: their `#[event]` methods. No page receives it.
    Components,
    /// Every component of that session, if it has the same tenant: its `#[event]` method and its
    /// page.
    Session(SessionId),
    /// Every component of all sessions of that user of the tenant: its `#[event]` method and its
    /// page.
    User(Arc<str>),
    /// Every session of the tenant, or every session without a tenant.
    Everyone,
}

/// The reason why a component is unmounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnmountReason {
    /// The page removed it.
    Removed,
    /// The page was closed.
    Left,
    /// The session was disconnected for too long.
    Expired,
    /// The server is shutting down and keeps no sessions.
    Shutdown,
    /// The component requested it, or failed permanently.
    Closed,
    /// The user's access was revoked.
    Revoked,
}

impl UnmountReason {
    /// Returns the word on the wire.
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
