//! Changes that wait until their topic sends its next patch.

use std::fmt;

use tokio::sync::oneshot;
use tokio::time::Instant;
use vivaz_protocol::Author;

/// A change of a topic whose patch is not sent yet. The reply to the message that caused it waits
/// for this.
pub struct Unsent(oneshot::Receiver<()>);

impl Unsent {
    /// Returns when the patch is in the queue of everybody who looks at the topic, or the topic is
    /// gone.
    ///
    /// # Cancel safety
    /// Dropped before it is done, it has changed nothing.
    pub async fn sent(self) {
        // Nothing is ever sent through it: its end is the message.
        let _ended = self.0.await;
    }
}

impl fmt::Debug for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unsent")
    }
}

/// What waits for the end of a topic's interval.
#[derive(Default)]
pub(super) struct Waiting {
    /// No patch is sent before.
    next: Option<Instant>,
    /// Who caused the changes, each once, in their order.
    authors: Vec<Author>,
    /// Dropped when the patch is sent.
    waiters: Vec<oneshot::Sender<()>>,
}

impl Waiting {
    /// Returns when a change that is made now is sent; nothing if that is now.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        // Behind what waits already, also if the timer is late.
        self.next.filter(|next| now < *next || !self.is_empty())
    }

    /// A patch was sent; the next one is sent at that time or later.
    pub(super) fn sent(&mut self, next: Instant) {
        self.next = Some(next);
    }

    /// Whether no change waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Adds a change. Returns what its author waits for, and whether it is the first of the
    /// interval.
    pub(super) fn add(&mut self, by: Option<&Author>) -> (Unsent, bool) {
        let is_first = self.is_empty();
        if let Some(author) = by.filter(|by| !self.authors.contains(by)) {
            self.authors.push(author.clone());
        }
        let (waiter, unsent) = oneshot::channel();
        self.waiters.push(waiter);
        (Unsent(unsent), is_first)
    }

    /// Takes out what waits.
    pub(super) fn take(&mut self) -> (Vec<Author>, Vec<oneshot::Sender<()>>) {
        (std::mem::take(&mut self.authors), std::mem::take(&mut self.waiters))
    }
}
