//! The message that a job is done for.

use std::sync::{Arc, Mutex, PoisonError};

use vivaz_protocol::Author;

use crate::topic::Unsent;

/// Names the message that a job is done for, and collects what its reply has to wait for. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct Cause {
    author: Author,
    unsent: Arc<Mutex<Vec<Unsent>>>,
}

impl Cause {
    pub(crate) fn new(author: Author) -> Self {
        Self { author, unsent: Arc::default() }
    }

    /// The message.
    pub(crate) fn author(&self) -> &Author {
        &self.author
    }

    /// The reply goes out behind that patch.
    pub(crate) fn wait_for(&self, unsent: Unsent) {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner).push(unsent);
    }

    /// Takes out what the reply has to wait for.
    pub(crate) fn take_unsent(&self) -> Vec<Unsent> {
        std::mem::take(&mut *self.unsent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
