//! Calls on their way to the engine, which may arrive after their caller has stopped waiting.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::state::ClusterTables;
use crate::cluster::TopicId;

/// Takes effect on the engine, and answers the caller if it still waits.
pub(super) type Landing = Box<dyn FnOnce(&mut ClusterTables) + Send>;

/// A call that changes the log of a topic.
pub(super) struct Flight {
    pub(super) topic: TopicId,
    /// `None` after its arrival, and if it is lost.
    landing: Mutex<Option<Landing>>,
    /// The caller does not wait any more. The next call of the node for the topic settles it.
    is_abandoned: AtomicBool,
}

impl Flight {
    pub(super) fn new(topic: TopicId, landing: Landing) -> Arc<Self> {
        Arc::new(Self { topic, landing: Mutex::new(Some(landing)), is_abandoned: AtomicBool::new(false) })
    }

    /// Returns the landing: whoever gets it runs it or drops it.
    pub(super) fn take(&self) -> Option<Landing> {
        self.landing.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn has_landed(&self) -> bool {
        self.landing.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::SeqCst)
    }
}

/// Abandons a flight when it is dropped.
pub(super) struct Caller(pub(super) Arc<Flight>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.is_abandoned.store(true, Ordering::SeqCst);
    }
}
