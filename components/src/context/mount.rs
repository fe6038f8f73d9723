//! What is given to what makes things: `mount` of a component, `load` of a topic.

use std::sync::Arc;
use std::time::Duration;

use crate::budget::{Account, Admission, Budget};
use crate::env::{Env, States};
use crate::topic::Topic;
use crate::{Hub, Identity, Result, TopicHandle, User};

/// What `mount` is given. It knows the surroundings but asks nothing of them: a component may be mounted for a first
/// paint that nobody ever connects to. Rooms and tasks belong into `connected`.
#[derive(Clone, Debug, Default)]
pub struct MountContext {
    env: Env,
    limit: Option<Duration>,
    budget: Option<Arc<Budget>>,
    admission: Admission,
}

impl MountContext {
    /// For a mount in these surroundings.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self { env, limit: None, budget: None, admission: Admission::Bounded }
    }

    /// The same with a limit on how long `mount` may wait.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The same for a session: what the component holds counts against that budget for as long as
    /// it is mounted.
    #[must_use]
    pub fn with_budget(mut self, budget: Arc<Budget>, admission: Admission) -> Self {
        self.budget = Some(budget);
        self.admission = admission;
        self
    }

    /// Whom the application recognised.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.env.identity
    }

    /// The user.
    ///
    /// # Errors
    /// `unauthenticated` when there is none.
    pub fn user(&self) -> Result<&User> {
        self.env.identity.user()
    }

    /// What the application gave to its runtime's builder with `.state(…)`.
    ///
    /// # Panics
    /// When it gave nothing of that type.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> &T {
        self.env.states.expect()
    }

    /// A topic: shared fields themselves are bound only when `mount` has returned.
    ///
    /// # Errors
    /// What the topic's `load` says.
    pub async fn topic<T: Topic>(&self, name: &str) -> Result<TopicHandle<T>> {
        self.env.hub.open(name, &self.env.states).await
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Counts a component of that size.
    pub(crate) fn open_account(&self, bytes: usize) -> Result<Account> {
        Account::open(self.budget.clone(), self.admission, bytes)
    }
}

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
