//! The message that causes a job.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use vivaz_protocol::{Author, SessionId};

use crate::journal::{MessageId, OperationId};
use crate::topic::Unsent;

/// The message that causes a job, and the patches that its reply has to follow. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cause {
    author: Author,
    session: SessionId,
    consequences: Arc<Consequences>,
}

#[derive(Debug, Default)]
struct Consequences {
    unsent: Mutex<Vec<Unsent>>,
    /// The number of operations.
    operations: AtomicU32,
}

impl Cause {
    pub(crate) fn new(author: Author, session: SessionId) -> Self {
        Self { author, session, consequences: Arc::default() }
    }

    /// Returns the message.
    pub(crate) fn author(&self) -> &Author {
        &self.author
    }

    /// Returns the id of the next change of a topic. A repetition of the message that does the same
    /// gives the same ids.
    pub(crate) fn next_operation(&self) -> OperationId {
        let message = MessageId { session: self.session.clone(), reference: self.author.reference };
        let number = self.consequences.operations.fetch_add(1, Ordering::Relaxed);
        OperationId { message, number }
    }

    /// Makes the reply wait for a patch.
    pub(crate) fn wait_for(&self, unsent: Unsent) {
        self.consequences.unsent.lock().unwrap_or_else(PoisonError::into_inner).push(unsent);
    }

    /// Takes out the patches that the reply has to follow.
    pub(crate) fn take_unsent(&self) -> Vec<Unsent> {
        std::mem::take(&mut *self.consequences.unsent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
