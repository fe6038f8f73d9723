//! The message that causes a job.

use std::sync::{Arc, Mutex, PoisonError};

use vivaz_protocol::Author;

use crate::topic::Unsent;

/// The message that causes a job, and the patches that its reply has to follow. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cause {
    author: Author,
    unsent: Arc<Mutex<Vec<Unsent>>>,
}

impl Cause {
    pub(crate) fn new(author: Author) -> Self {
        Self { author, unsent: Arc::default() }
    }

    /// Returns the message.
    pub(crate) fn author(&self) -> &Author {
        &self.author
    }

    /// Makes the reply wait for a patch.
    pub(crate) fn wait_for(&self, unsent: Unsent) {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner).push(unsent);
    }

    /// Takes out the patches that the reply has to follow.
    pub(crate) fn take_unsent(&self) -> Vec<Unsent> {
        std::mem::take(&mut *self.unsent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
