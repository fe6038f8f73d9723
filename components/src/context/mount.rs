//! What the `mount` of a component gets.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::budget::{Account, Admission, Budget};
use crate::env::Env;
use crate::error::Result;

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

impl Deref for MountContext {
    type Target = Env;

    fn deref(&self) -> &Env {
        &self.env
    }
}
