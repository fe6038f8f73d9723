//! What waits to be sent on one connection: one queue, so that what was put in first arrives first.
//!
//! It is bounded by bytes. When a client does not keep up, the patches that wait for it are replaced by a mark that
//! stands where the first of them stood: when its turn comes, the stream's state as of then is sent in their place.
//! So a slow client costs a bounded number of bytes, nobody else waits for it, and a patch still precedes the reply
//! to the action that caused it.

use std::collections::VecDeque;

use bytes::Bytes;
use vivaz_protocol::{Ref, Rev, StreamId};

/// What an entry costs beside its bytes.
const AROUND: usize = 64;

/// One thing to send.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// A message as it is.
    Frame(Bytes),
    /// A patch of a stream, which may be replaced by a snapshot unless it answers something.
    Patch { stream: StreamId, rev: Rev, frame: Bytes, answers: Option<Ref> },
    /// The whole state of a stream, as it is when this is taken out.
    Snapshot(StreamId),
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: VecDeque<Entry>,
    bytes: usize,
    limit: usize,
    /// The streams that have a mark in the queue which was put there to catch up: their patches are not queued.
    behind: Vec<StreamId>,
}

impl Outbox {
    /// An outbox for so many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { queue: VecDeque::new(), bytes: 0, limit, behind: Vec::new() }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether what waits is within the bound.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes < self.limit
    }

    /// How much waits, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts something at the end.
    pub(crate) fn push(&mut self, entry: Entry) {
        if let Entry::Patch { stream, answers: None, .. } = &entry
            && self.behind.contains(stream)
        {
            return;
        }
        self.bytes += entry.size();
        self.queue.push_back(entry);
        if !self.has_room() {
            self.coalesce();
        }
    }

    /// Takes out what is first.
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let entry = self.queue.pop_front()?;
        self.bytes -= entry.size();
        if let Entry::Snapshot(stream) = &entry {
            self.behind.retain(|one| one != stream);
        }
        if self.queue.is_empty() {
            // What a burst needed is given back: most connections are idle most of the time.
            self.queue = VecDeque::new();
        }
        Some(entry)
    }

    /// Replaces all patches that answer nothing by one mark a stream.
    fn coalesce(&mut self) {
        let behind = &mut self.behind;
        let mut bytes = 0;
        let mut queue = VecDeque::with_capacity(self.queue.len().min(64));
        for entry in self.queue.drain(..) {
            let kept = match entry {
                Entry::Patch { stream, answers: None, .. } => {
                    if behind.contains(&stream) {
                        continue;
                    }
                    behind.push(stream.clone());
                    Entry::Snapshot(stream)
                }
                Entry::Patch { .. } | Entry::Frame(_) | Entry::Snapshot(_) => entry,
            };
            bytes += kept.size();
            queue.push_back(kept);
        }
        self.queue = queue;
        self.bytes = bytes;
    }
}

impl Entry {
    fn size(&self) -> usize {
        match self {
            Self::Frame(frame) | Self::Patch { frame, .. } => AROUND + frame.len(),
            Self::Snapshot(_) => AROUND,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use vivaz_protocol::TopicName;

    use super::*;

    fn topic(name: &str) -> StreamId {
        StreamId::Topic(TopicName::new(name).unwrap())
    }

    fn patch(name: &str, rev: u64, answers: Option<u64>) -> Entry {
        let answers = answers.map(|n| Ref::new(n).unwrap());
        Entry::Patch { stream: topic(name), rev: Rev(rev), frame: Bytes::from(vec![b'x'; 100]), answers }
    }

    #[test]
    fn a_client_that_keeps_up_gets_everything_in_order() {
        let mut outbox = Outbox::new(10_000);
        let all = [patch("a", 1, None), Entry::Frame("reply".into()), patch("a", 2, None)];
        for entry in &all {
            outbox.push(entry.clone());
        }
        assert_eq!(std::iter::from_fn(|| outbox.pop()).collect::<Vec<_>>(), all);
    }

    #[test]
    fn one_that_does_not_gets_a_snapshot_before_the_reply_that_followed() {
        let mut outbox = Outbox::new(500);
        outbox.push(patch("a", 1, None));
        outbox.push(Entry::Frame("reply".into()));
        for rev in 2..100 {
            outbox.push(patch("a", rev, None));
        }
        assert!(outbox.has_room());
        assert_eq!(outbox.pop(), Some(Entry::Snapshot(topic("a"))));
        outbox.push(patch("a", 100, None));
        assert_eq!(outbox.pop(), Some(Entry::Frame("reply".into())));
        assert_eq!(outbox.pop(), Some(patch("a", 100, None)));
    }

    proptest! {
        /// Whatever is pushed and popped in whatever order, a client that applies what it gets is, for each stream,
        /// never in front, never skips a patch without a snapshot, and ends where the stream is.
        #[test]
        fn a_client_ends_where_the_stream_is(steps in proptest::collection::vec((0_u8..5, 0_u8..3), 1..300)) {
            let mut outbox = Outbox::new(600);
            let mut server: BTreeMap<String, u64> = BTreeMap::new();
            let mut client: BTreeMap<String, u64> = BTreeMap::new();
            let take = |outbox: &mut Outbox, server: &BTreeMap<String, u64>, client: &mut BTreeMap<String, u64>| {
                match outbox.pop() {
                    Some(Entry::Patch { stream: StreamId::Topic(name), rev, .. }) => {
                        let known = client.entry(name.to_string()).or_default();
                        // The connection leaves out what a snapshot contained already.
                        if rev.0 > *known {
                            assert_eq!(rev.0, *known + 1);
                            *known = rev.0;
                        }
                    }
                    Some(Entry::Snapshot(StreamId::Topic(name))) => {
                        client.insert(name.to_string(), server[name.as_str()]);
                    }
                    Some(_) | None => {}
                }
            };
            for (step, which) in steps {
                let name = ["a", "b", "c"][usize::from(which)];
                if step < 3 {
                    let rev = server.entry(name.to_owned()).or_default();
                    *rev += 1;
                    outbox.push(patch(name, *rev, None));
                } else {
                    take(&mut outbox, &server, &mut client);
                }
                prop_assert!(outbox.bytes < 600 + 200);
            }
            for _ in 0..1_000 {
                take(&mut outbox, &server, &mut client);
            }
            prop_assert_eq!(client, server);
        }
    }
}
