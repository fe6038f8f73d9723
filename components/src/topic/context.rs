//! What the `load` of a topic can use.

use super::hub::Hub;
use crate::states::States;

/// What a topic's `load` is given.
#[derive(Clone, Debug)]
pub struct TopicContext {
    states: States,
    hub: Hub,
}

impl TopicContext {
    pub(crate) fn new(states: States, hub: Hub) -> Self {
        Self { states, hub }
    }

    /// What the application gave to its runtime's builder with `.state(…)`.
    ///
    /// # Panics
    /// When it gave nothing of that type.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> &T {
        self.states.expect()
    }

    /// The tenant that the topic is of: state of that name belongs to each tenant by itself.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.hub.tenant()
    }

    /// The topics and rooms of the topic's tenant on this node.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }
}
