//! The loads that `mount` starts.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::future::BoxFuture;
use crate::tracking::Loaded;

/// The loads that the `mount` of one component has started. A clone is the same list.
#[derive(Clone, Default)]
pub struct FirstLoads(Arc<Mutex<Vec<BoxFuture<Option<Loaded>>>>>);

impl FirstLoads {
    /// Removes and returns the loads. The outcome of each is a
    /// [`Job::Loaded`](crate::instance::Job::Loaded) for the component.
    #[must_use]
    pub fn take(&self) -> Vec<BoxFuture<Option<Loaded>>> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn add(&self, load: BoxFuture<Option<Loaded>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(load);
    }
}

impl fmt::Debug for FirstLoads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FirstLoads").finish_non_exhaustive()
    }
}
