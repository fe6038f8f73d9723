//! Changes that wait until their topic sends its next patch.

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use vivaz_protocol::Author;
use vivaz_protocol::log::Escaped;

use crate::error::Result;
use crate::event::ServerEvent;

/// The most authors that one patch names. Every subscriber gets the names, so without a bound a
/// busy interval would send each page more names than changes. A page whose message is not named
/// drops its optimistic update with the reply, which follows the patch.
pub(super) const MOST_AUTHORS: usize = 64;

/// A change of a topic whose patch is not sent yet. The reply to the message that caused it waits
/// for this.
#[derive(Debug)]
pub struct Unsent(PatchWait);

#[derive(Debug)]
enum PatchWait {
    /// Ends with the interval.
    Interval(watch::Receiver<()>),
    /// Answered when the nodes have agreed on the change.
    Agreement(oneshot::Receiver<Result>),
}

impl Unsent {
    /// Waits until the patch is in the queue of every subscriber, or the topic is gone.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn sent(self) {
        match self.0 {
            PatchWait::Interval(mut ended) => {
                // No value is ever sent; the end of the channel is the signal.
                let _ended = ended.changed().await;
            }
            PatchWait::Agreement(answered) => {
                if let Ok(Err(error)) = answered.await {
                    tracing::error!(error = %Escaped(&error), "a committed change of a topic was not made");
                }
            }
        }
    }

    /// Returns the handle of a committed change on which the nodes have not agreed yet.
    pub(super) fn agreement(answered: oneshot::Receiver<Result>) -> Self {
        Self(PatchWait::Agreement(answered))
    }
}

/// The changes that wait for the end of a topic's interval.
#[derive(Default)]
pub(super) struct IntervalQueue {
    /// The earliest time of the next patch.
    next: Option<Instant>,
    /// The authors of the changes, each once, in their order; at most [`MOST_AUTHORS`].
    authors: Vec<Author>,
    /// Events that are sent after the patch.
    pub(super) events: Vec<ServerEvent>,
    /// Set while a change waits, dropped when the patch is sent. One for all changes.
    patch: Option<watch::Sender<()>>,
}

impl IntervalQueue {
    /// Returns when a change made now is sent; `None` if at once.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        // After changes that wait already, also if the timer is late.
        self.next.filter(|next| now < *next || !self.is_empty())
    }

    /// Notes that a patch was sent, and the earliest time of the next one.
    pub(super) fn sent(&mut self, next: Instant) {
        self.next = Some(next);
    }

    /// Returns whether no change waits.
    pub(super) fn is_empty(&self) -> bool {
        self.patch.is_none()
    }

    /// Adds a change. Returns a handle for its author's reply, and whether it is the first of the
    /// interval.
    pub(super) fn add(&mut self, by: Option<&Author>) -> (Unsent, bool) {
        let is_first = self.is_empty();
        if let Some(author) = by
            && self.authors.len() < MOST_AUTHORS
            && !self.authors.contains(author)
        {
            self.authors.push(author.clone());
        }
        let patch = self.patch.get_or_insert_with(|| watch::Sender::new(()));
        (Unsent(PatchWait::Interval(patch.subscribe())), is_first)
    }

    /// Takes out the authors, and the sender to drop when the patch is sent.
    pub(super) fn take(&mut self) -> (Vec<Author>, Option<watch::Sender<()>>) {
        (std::mem::take(&mut self.authors), self.patch.take())
    }
}

#[cfg(test)]
mod tests {
    use vivaz_protocol::{ConnectionId, Ref};

    use super::*;

    fn author(number: u64) -> Author {
        Author { connection: ConnectionId::new("k1").unwrap(), reference: Ref::new(number).unwrap() }
    }

    #[tokio::test]
    async fn a_patch_names_a_bounded_number_of_authors_and_reaches_all_of_them() {
        let mut waiting = IntervalQueue::default();
        let unsent: Vec<_> = (1..=1_000).map(|number| waiting.add(Some(&author(number))).0).collect();
        let (authors, patch) = waiting.take();
        assert_eq!(authors, (1..=64).map(author).collect::<Vec<_>>());
        drop(patch);
        for one in unsent {
            one.sent().await;
        }
    }

    #[test]
    fn an_author_of_several_changes_is_named_once() {
        let mut waiting = IntervalQueue::default();
        for (index, number) in [1, 2, 1, 2].into_iter().enumerate() {
            let (_unsent, is_first) = waiting.add(Some(&author(number)));
            assert_eq!(is_first, index == 0);
        }
        let (_unsent, _) = waiting.add(None);
        assert_eq!(waiting.take().0, [author(1), author(2)]);
        assert!(waiting.is_empty());
    }
}
