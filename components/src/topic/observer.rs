//! Observes how patches of topics reach their subscribers, for metrics.

use std::time::Duration;

/// One patch that a topic has delivered to its subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FanOut {
    /// The size of the patch in JSON, in bytes.
    pub bytes: usize,
    /// The number of subscribers.
    pub subscribers: usize,
    /// The time to encode the patch and to queue it for all subscribers.
    pub time: Duration,
}

/// Receives each patch that a topic has delivered.
///
/// It is called while the topic is locked: it must not wait, and must not call the topic or the
/// hub.
pub trait FanOutObserver: Send + Sync {
    /// Records a patch.
    fn delivered(&self, fan_out: FanOut);
}
