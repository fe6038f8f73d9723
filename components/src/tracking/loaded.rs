//! The outcome of a load, on its way to the field that started it.

use std::any::Any;
use std::fmt;

use crate::error::{ActionError, Result};

/// The outcome of a load, for the field that started it.
pub struct Loaded {
    id: u64,
    outcome: Result<Box<dyn Any + Send>>,
}

impl Loaded {
    /// Creates the outcome of the load `id`.
    pub(crate) fn new(id: u64, outcome: Result<Box<dyn Any + Send>>) -> Self {
        Self { id, outcome }
    }

    /// Returns the id of the load.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Returns the value, untyped, or the error of the load.
    pub(crate) fn into_outcome(self) -> Result<Box<dyn Any + Send>> {
        self.outcome
    }

    /// Creates the outcome of a load that failed.
    pub(crate) fn failed(id: u64, error: ActionError) -> Self {
        Self { id, outcome: Err(error) }
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("failed", &self.outcome.is_err()).finish_non_exhaustive()
    }
}
