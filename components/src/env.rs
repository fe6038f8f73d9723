//! What surrounds a component: the user, the application's state, the topics.

use crate::error::Result;
use crate::identity::{Identity, User};
use crate::states::States;
use crate::topic::{Hub, Topic, TopicHandle};

/// What all components of a session have in common. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Env {
    identity: Identity,
    states: States,
    hub: Hub,
}

impl Env {
    /// Creates an environment. The hub is that of the identity's tenant.
    #[must_use]
    pub fn new(identity: Identity, states: States, hub: Hub) -> Self {
        Self { identity, states, hub }
    }

    /// Returns the identity that the application recognised.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the user.
    ///
    /// # Errors
    /// Returns `unauthenticated` if there is no user.
    pub fn user(&self) -> Result<&User> {
        self.identity.user()
    }

    /// Returns the value of type `T` that the application gave to its runtime's builder with
    /// `.state(…)`: a database, a client, its configuration.
    ///
    /// # Panics
    /// Panics if the application gave no value of that type.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> &T {
        self.states.expect()
    }

    /// Returns the topics and rooms.
    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Opens a topic that the component does not show, and loads it if it is not loaded yet. Does
    /// not check whether the user may see it.
    ///
    /// # Errors
    /// Returns `bad_props` if `name` is not a name of such a topic, and the error of the topic's
    /// [`load`](Topic::load).
    pub async fn topic<T: Topic>(&self, name: &str) -> Result<TopicHandle<T>> {
        self.hub.open(name, &self.states).await
    }
}
