//! Changes that wait until their topic sends its next patch.

use tokio::sync::watch;
use tokio::time::Instant;
use vivaz_protocol::Author;

use crate::event::ServerEvent;

/// The most authors that one patch names. Every subscriber gets the names, so that without a bound a
/// busy interval sends each page more names than changes. An author that is not named drops its
/// guess with its reply, which follows the patch.
const MOST_AUTHORS: usize = 64;

/// A change of a topic whose patch is not sent yet. The reply to the message that caused it waits
/// for this.
#[derive(Debug)]
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

/// What waits for the end of a topic's interval.
#[derive(Default)]
pub(super) struct IntervalQueue {
    /// No patch is sent before.
    next: Option<Instant>,
    /// Who caused the changes, each once, in their order; at most [`MOST_AUTHORS`].
    authors: Vec<Author>,
    /// What is told behind the patch.
    pub(super) events: Vec<ServerEvent>,
    /// While a change waits: dropped when the patch is sent. One for all changes, however many
    /// there are.
    patch: Option<watch::Sender<()>>,
}

impl IntervalQueue {
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
        if let Some(author) = by
            && self.authors.len() < MOST_AUTHORS
            && !self.authors.contains(author)
        {
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

#[cfg(test)]
mod tests {
    use vivaz_protocol::{ConnectionId, Ref};

    use super::*;

    fn author(number: u64) -> Author {
        Author { connection: ConnectionId::new("k1").unwrap(), reference: Ref::new(number).unwrap() }
    }

    #[tokio::test]
    async fn a_patch_names_a_bounded_number_of_authors_and_all_of_them_are_told() {
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
