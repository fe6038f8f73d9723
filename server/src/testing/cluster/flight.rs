//! Calls on their way to the engine, which may arrive after their caller has stopped waiting.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cluster::TopicId;

/// Takes effect on the engine `T`, and answers the caller if it still waits.
pub(super) type Landing<T> = Box<dyn FnOnce(&mut T) + Send>;

/// A call that changes the log of a topic.
pub(super) struct Flight<T> {
    pub(super) topic: TopicId,
    /// `None` after its arrival, and if it is lost.
    landing: Mutex<Option<Landing<T>>>,
    /// The caller does not wait any more. The next call of the node for the topic settles it.
    is_abandoned: AtomicBool,
}

impl<T> Flight<T> {
    pub(super) fn new(topic: TopicId, landing: Landing<T>) -> Arc<Self> {
        Arc::new(Self { topic, landing: Mutex::new(Some(landing)), is_abandoned: AtomicBool::new(false) })
    }

    /// Returns the landing: whoever gets it runs it or drops it.
    pub(super) fn take(&self) -> Option<Landing<T>> {
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
pub(super) struct Caller<T>(pub(super) Arc<Flight<T>>);

impl<T> Drop for Caller<T> {
    fn drop(&mut self) {
        self.0.is_abandoned.store(true, Ordering::SeqCst);
    }
}
