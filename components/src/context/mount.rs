//! The context of a component's `mount`.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::FirstLoads;
use crate::budget::{Account, Admission, Budget};
use crate::env::Env;
use crate::error::Result;
use crate::url::UrlParams;

/// The context of `mount`. It dereferences to the [`Env`] and accepts no requests: a component may
/// be mounted for a first paint to which no page ever connects. Rooms and tasks belong in
/// `connected`.
#[derive(Clone, Debug, Default)]
pub struct MountContext {
    env: Env,
    limit: Option<Duration>,
    budget: Option<Arc<Budget>>,
    admission: Admission,
    params: UrlParams,
    first_loads: Option<FirstLoads>,
}

impl MountContext {
    /// Returns the parameters of the page's URL. There are none for a component that the page
    /// mounts later, by name or in a template: a page that has parameters sends them after the
    /// mount, and the component's `params` is called.
    #[must_use]
    pub fn params(&self) -> &UrlParams {
        &self.params
    }
}

/// For the host of a component. `mount` gets a finished context, so the documentation of
/// applications hides these methods.
impl MountContext {
    /// Creates a context.
    #[doc(hidden)]
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self { env, admission: Admission::Bounded, ..Self::default() }
    }

    /// Sets how long `mount` may wait.
    #[doc(hidden)]
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets the parameters of the page's URL.
    #[doc(hidden)]
    #[must_use]
    pub fn with_params(mut self, params: UrlParams) -> Self {
        self.params = params;
        self
    }

    /// Sets the list of the loads that `mount` starts; without one it starts none.
    #[doc(hidden)]
    #[must_use]
    pub fn with_first_loads(mut self, loads: FirstLoads) -> Self {
        self.first_loads = Some(loads);
        self
    }

    /// Sets the budget of the session. The component's state counts against it while the component
    /// is mounted.
    #[doc(hidden)]
    #[must_use]
    pub fn with_budget(mut self, budget: Arc<Budget>, admission: Admission) -> Self {
        self.budget = Some(budget);
        self.admission = admission;
        self
    }
}

impl MountContext {
    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn first_loads(&self) -> Option<&FirstLoads> {
        self.first_loads.as_ref()
    }

    pub(crate) fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Counts a component of that size against the budget.
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
