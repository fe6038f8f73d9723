//! The outbox of a connection: one queue of messages, sent in order.
//!
//! It is bounded by bytes. If the client does not read fast enough, the patches of each stream are
//! replaced by a snapshot mark at the position of the first of them; the snapshot is encoded when
//! it is sent. A slow client therefore costs a bounded number of bytes and delays no other client,
//! and a patch still precedes the reply to the action that caused it.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use foldhash::fast::RandomState;
use vivaz_protocol::{Ref, Rev, StreamId};

/// The bytes that count for an entry besides its frame.
const AROUND: usize = 64;
/// The number of entries up to which the queue keeps its memory while it is not empty.
const KEPT_CAPACITY: usize = 64;

/// One message to send.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OutboxEntry {
    /// An encoded message.
    Frame(Bytes),
    /// A patch of a stream. A snapshot may replace it, unless it is a reply.
    Patch { stream: StreamId, rev: Rev, frame: Bytes, answers: Option<Ref> },
    /// A snapshot mark: the state of the stream, encoded when it is sent.
    Snapshot(StreamId),
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: VecDeque<OutboxEntry>,
    bytes: usize,
    limit: usize,
    /// The streams with a snapshot mark that replaces patches. Their patches are not queued.
    behind: HashSet<StreamId, RandomState>,
    /// The number of entries at the front that [`coalesce`](Self::coalesce) has visited. None of
    /// them is a patch that a snapshot may replace, so each entry is visited at most once.
    coalesced: usize,
    /// The number of entries that `coalesce` has visited.
    #[cfg(test)]
    visited: usize,
}

impl Outbox {
    /// Creates an outbox with a limit in bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            limit,
            behind: HashSet::default(),
            coalesced: 0,
            #[cfg(test)]
            visited: 0,
        }
    }

    /// Checks whether the queue is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns the number of entries in the queue.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Checks whether the queue is within its limit.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes < self.limit
    }

    /// Returns the bytes in the queue.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends an entry. If the queue is over its limit, patches are replaced by snapshot marks.
    /// Returns the number of new marks.
    pub(crate) fn push(&mut self, entry: OutboxEntry) -> usize {
        if let OutboxEntry::Patch { stream, answers: None, .. } = &entry
            && self.behind.contains(stream)
        {
            return 0;
        }
        self.bytes += entry.size();
        self.queue.push_back(entry);
        if self.has_room() { 0 } else { self.coalesce() }
    }

    /// Takes the first entry.
    pub(crate) fn pop(&mut self) -> Option<OutboxEntry> {
        let entry = self.queue.pop_front()?;
        self.bytes -= entry.size();
        self.coalesced = self.coalesced.saturating_sub(1);
        if let OutboxEntry::Snapshot(stream) = &entry {
            self.behind.remove(stream);
        }
        if self.queue.is_empty() {
            // Frees the memory of a burst: most connections are idle most of the time.
            self.queue = VecDeque::new();
            self.behind = HashSet::default();
        }
        Some(entry)
    }

    /// Replaces all patches that are not replies by one snapshot mark a stream. Visits only the
    /// entries that were appended since the last call. Returns the number of new marks.
    fn coalesce(&mut self) -> usize {
        let mut marks = 0;
        for entry in self.queue.split_off(self.coalesced) {
            #[cfg(test)]
            {
                self.visited += 1;
            }
            let OutboxEntry::Patch { stream, answers: None, .. } = &entry else {
                self.queue.push_back(entry);
                continue;
            };
            self.bytes -= entry.size();
            if self.behind.insert(stream.clone()) {
                let mark = OutboxEntry::Snapshot(stream.clone());
                self.bytes += mark.size();
                self.queue.push_back(mark);
                marks += 1;
            }
        }
        self.coalesced = self.queue.len();
        if self.queue.capacity() > KEPT_CAPACITY && self.queue.capacity() / 4 > self.queue.len() {
            self.queue.shrink_to(KEPT_CAPACITY.max(self.queue.len() * 2));
        }
        marks
    }
}

impl OutboxEntry {
    /// Returns the bytes that count against the limit.
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

    fn patch(name: &str, rev: u64, answers: Option<u64>) -> OutboxEntry {
        let answers = answers.map(|n| Ref::new(n).unwrap());
        OutboxEntry::Patch {
            stream: topic(name),
            rev: Rev(rev),
            frame: Bytes::from(vec![b'x'; 100]),
            answers,
        }
    }

    #[test]
    fn a_client_that_keeps_up_gets_everything_in_order() {
        let mut outbox = Outbox::new(10_000);
        let all = [patch("a", 1, None), OutboxEntry::Frame("reply".into()), patch("a", 2, None)];
        for entry in &all {
            outbox.push(entry.clone());
        }
        assert_eq!(std::iter::from_fn(|| outbox.pop()).collect::<Vec<_>>(), all);
    }

    #[test]
    fn one_that_does_not_gets_a_snapshot_before_the_reply_that_followed() {
        let mut outbox = Outbox::new(500);
        outbox.push(patch("a", 1, None));
        outbox.push(OutboxEntry::Frame("reply".into()));
        for rev in 2..100 {
            outbox.push(patch("a", rev, None));
        }
        assert!(outbox.has_room());
        assert_eq!(outbox.pop(), Some(OutboxEntry::Snapshot(topic("a"))));
        outbox.push(patch("a", 100, None));
        assert_eq!(outbox.pop(), Some(OutboxEntry::Frame("reply".into())));
        assert_eq!(outbox.pop(), Some(patch("a", 100, None)));
    }

    #[test]
    fn a_slow_client_costs_each_message_once() {
        let reply = || OutboxEntry::Frame("reply".into());
        let name = |number: u64| format!("t{}", number % 50);
        let mut outbox = Outbox::new(5_000);
        let mut pushed = 0;
        // Over the limit, with entries that nothing replaces.
        for number in 0..2_000 {
            outbox.push(reply());
            outbox.push(patch(&name(number), number, None));
            pushed += 2;
        }
        assert_eq!(outbox.behind.len(), 50);
        // Around the limit: the client reads one message for each that is queued.
        while !outbox.has_room() {
            outbox.pop();
        }
        for number in 0..2_000 {
            outbox.pop();
            outbox.push(patch(&name(number), number, Some(number + 1)));
            outbox.push(patch(&name(number), number, None));
            pushed += 2;
        }
        assert!(outbox.visited <= pushed, "{} visits of {pushed} entries", outbox.visited);
    }

    proptest! {
        /// Whatever is pushed and popped in whatever order, the client is never ahead of a stream,
        /// never skips a patch without a snapshot, and ends at the stream's revision.
        #[test]
        fn a_client_ends_where_the_stream_is(steps in proptest::collection::vec((0_u8..5, 0_u8..3), 1..300)) {
            let mut outbox = Outbox::new(600);
            let mut server: BTreeMap<String, u64> = BTreeMap::new();
            let mut client: BTreeMap<String, u64> = BTreeMap::new();
            let take = |outbox: &mut Outbox, server: &BTreeMap<String, u64>, client: &mut BTreeMap<String, u64>| {
                match outbox.pop() {
                    Some(OutboxEntry::Patch { stream: StreamId::Topic(name), rev, .. }) => {
                        let known = client.entry(name.to_string()).or_default();
                        // The connection does not send patches that a snapshot contained.
                        if rev.0 > *known {
                            assert_eq!(rev.0, *known + 1);
                            *known = rev.0;
                        }
                    }
                    Some(OutboxEntry::Snapshot(StreamId::Topic(name))) => {
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
