//! What a handler can read of its surroundings.

use std::ops::Deref;
use std::time::Duration;

use vivaz_protocol::{Author, ComponentId, ConnectionId, SessionId};

use crate::env::Env;
use crate::error::{ActionError, Result};
use crate::shared::Cause;

/// What a handler can read: its component, its session, and the [`Env`] of the session.
#[derive(Clone, Debug)]
pub struct HandlerScope {
    env: Env,
    session: SessionId,
    component: ComponentId,
    pub(super) connection: Option<ConnectionId>,
    pub(super) cause: Option<Cause>,
    pub(super) limit: Option<Duration>,
}

impl HandlerScope {
    pub(super) fn new(env: Env, session: SessionId, component: ComponentId) -> Self {
        Self { env, session, component, connection: None, cause: None, limit: None }
    }

    /// Returns the id of the session: one page of one visitor, until it is closed or has been away
    /// for too long. A page that is loaded again has another session.
    #[must_use]
    pub fn session_id(&self) -> &SessionId {
        &self.session
    }

    /// Returns the id of the connection that the session had when the job began. There is none
    /// while the page is disconnected.
    #[must_use]
    pub fn connection_id(&self) -> Option<&ConnectionId> {
        self.connection.as_ref()
    }

    /// Returns the component's id in its session.
    #[must_use]
    pub fn component_id(&self) -> &ComponentId {
        &self.component
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    /// Returns the message that caused the job, for topics to name as the author of their patches.
    pub(crate) fn by(&self) -> Option<&Author> {
        self.cause.as_ref().map(Cause::author)
    }

    pub(crate) fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// Returns how long a handler may wait.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Checks whether the user has a permission.
    ///
    /// # Errors
    /// Returns `forbidden` without that permission, and `unauthenticated` without a user.
    pub(crate) fn allow(&self, permission: &str) -> Result {
        if self.identity().may(permission) {
            return Ok(());
        }
        self.user()?;
        Err(ActionError::forbidden("permission denied"))
    }
}

impl Deref for HandlerScope {
    type Target = Env;

    fn deref(&self) -> &Env {
        &self.env
    }
}
