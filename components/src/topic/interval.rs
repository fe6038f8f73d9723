//! Changes that wait until their topic sends its next patch.

use std::fmt;

use tokio::sync::watch;
use tokio::time::Instant;
use vivaz_protocol::Author;

/// A change of a topic whose patch is not sent yet. The reply to the message that caused it waits
/// for this.
pub struct Unsent(watch::Receiver<()>);

impl Unsent {
    /// Returns when the patch is in the queue of everybody who looks at the topic, or the topic is
    /// gone.
    ///
    /// # Cancel safety
    /// Dropped before it is done, it has changed nothing.
    pub async fn sent(mut self) {
        // Nothing is ever sent through it: its end is the message.
        let _ended = self.0.changed().await;
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
    /// While a change waits: dropped when the patch is sent. One for all changes, however many
    /// there are.
    patch: Option<watch::Sender<()>>,
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
        self.patch.is_none()
    }

    /// Adds a change. Returns what its author waits for, and whether it is the first of the
    /// interval.
    pub(super) fn add(&mut self, by: Option<&Author>) -> (Unsent, bool) {
        let is_first = self.is_empty();
        if let Some(author) = by.filter(|by| !self.authors.contains(by)) {
            self.authors.push(author.clone());
        }
        let patch = self.patch.get_or_insert_with(|| watch::Sender::new(()));
        (Unsent(patch.subscribe()), is_first)
    }

    /// Takes out the authors, and what has to be dropped when the patch is sent.
    pub(super) fn take(&mut self) -> (Vec<Author>, Option<watch::Sender<()>>) {
        (std::mem::take(&mut self.authors), self.patch.take())
    }
}
