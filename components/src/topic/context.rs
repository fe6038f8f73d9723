//! The context of a topic's `load`.

use super::hub::Hub;
use crate::states::States;

/// The context of a topic's `load`.
#[derive(Clone, Debug)]
pub struct TopicContext {
    states: States,
    hub: Hub,
}

impl TopicContext {
    pub(crate) fn new(states: States, hub: Hub) -> Self {
        Self { states, hub }
    }

    /// Returns the value of type `T` that the application gave to its runtime's builder with
    /// `.state(…)`.
    ///
    /// # Panics
    /// Panics if the application gave no value of that type.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> &T {
        self.states.expect()
    }

    /// Returns the tenant of the topic: topics of the same name in other tenants are separate.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.hub.tenant()
    }

    /// Returns the topics and rooms of the topic's tenant in this process.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }
}
