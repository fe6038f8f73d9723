//! The nodes of the engine in memory, and what is on its way to them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::cluster::{Address, BusListener, LogEntry, LogFeed, NodeId, TopicId};

/// The length of a node's lease. It is renewed three times as often.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// The number of messages and notifications that wait for one node. More messages are dropped.
const QUEUE: usize = 1_024;

/// An interruption that the test and faults cause independently.
#[derive(Default)]
pub(super) struct Interruption {
    /// The test causes it.
    pub(super) by_test: bool,
    /// The number of faults that cause it now.
    by_faults: u32,
}

impl Interruption {
    pub(super) fn holds(&self) -> bool {
        self.by_test || self.by_faults > 0
    }

    /// Counts a fault that begins or ends.
    pub(super) fn count(&mut self, begins: bool) {
        self.by_faults = if begins { self.by_faults + 1 } else { self.by_faults.saturating_sub(1) };
    }
}

/// A node, as the engine has it.
#[derive(Default)]
pub(super) struct MemoryNodeState {
    pub(super) cut: Interruption,
    pub(super) paused: Interruption,
    /// How often the connection to the engine broke.
    pub(super) breaks: u64,
    /// The time since which the node has not renewed its lease.
    pub(super) away: Option<Instant>,
    /// The time until which the lease is not valid, because the engine ended it.
    pub(super) lease_ended: Option<Instant>,
    pub(super) feeds: BTreeMap<u64, (TopicId, Arc<dyn LogFeed>)>,
    pub(super) listeners: BTreeMap<u64, (Address, BusListener)>,
    /// What is on its way to the node, by the time of its arrival.
    pub(super) queue: BTreeMap<(Instant, u64), Delivery>,
    /// Whether a task delivers the queue.
    pub(super) is_delivering: bool,
    /// The time of the last message of a node to an address, because messages keep their order.
    last_messages: HashMap<(NodeId, Address), Instant>,
    /// Messages that the node sends when it is no longer paused.
    pub(super) unsent: Vec<(Address, Bytes)>,
    /// The number of messages to or from this node that were dropped.
    pub(super) dropped: u64,
}

/// A message or a notification on its way to a node.
pub(super) enum Delivery {
    Entry { feed: u64, entry: LogEntry },
    Look { feed: u64 },
    Message { listener: u64, from: NodeId, message: Bytes },
}

impl MemoryNodeState {
    /// Updates the lease after a change of the interruptions.
    pub(super) fn note_interruption(&mut self) {
        if !self.cut.holds() && !self.paused.holds() {
            self.away = None;
        } else if self.away.is_none() {
            self.away = Some(Instant::now());
        }
    }

    pub(super) fn has_lease(&self) -> bool {
        self.away.is_none_or(|since| since.elapsed() < LEASE)
            && self.lease_ended.is_none_or(|until| Instant::now() >= until)
    }

    /// Breaks the connection: what is on its way is lost.
    pub(super) fn break_connection(&mut self) {
        self.breaks += 1;
        self.queue.clear();
        self.last_messages.clear();
    }

    /// Holds a message back until the node is no longer paused.
    pub(super) fn hold_back(&mut self, to: &Address, message: Bytes) {
        if self.unsent.len() < QUEUE {
            self.unsent.push((to.clone(), message));
        } else {
            self.dropped += 1;
        }
    }

    pub(super) fn notify(&mut self, due: Instant, number: u64, delivery: Delivery) {
        self.queue.insert((due, number), delivery);
    }

    /// Lets every feed, or those of a topic, look.
    pub(super) fn look(&mut self, topic: Option<&TopicId>, due: Instant, number: &mut u64) {
        let feeds = self.feeds.iter().filter(|(_, (of, _))| topic.is_none_or(|topic| topic == of));
        let feeds: Vec<u64> = feeds.map(|(feed, _)| *feed).collect();
        for feed in feeds {
            *number += 1;
            self.notify(due, *number, Delivery::Look { feed });
        }
    }

    /// Queues a message for those who listen to the address.
    pub(super) fn receive(
        &mut self,
        from: &NodeId,
        to: &Address,
        message: &Bytes,
        due: Instant,
        number: &mut u64,
    ) {
        let listeners = self.listeners.iter().filter(|(_, (address, _))| address == to);
        let listeners: Vec<u64> = listeners.map(|(listener, _)| *listener).collect();
        if listeners.is_empty() {
            return;
        }
        if self.cut.holds() || self.queue.len() + listeners.len() > QUEUE {
            self.dropped += 1;
            return;
        }
        let last = self.last_messages.entry((from.clone(), to.clone())).or_insert(due);
        *last = due.max(*last);
        let due = *last;
        for listener in listeners {
            *number += 1;
            let (from, message) = (from.clone(), message.clone());
            self.notify(due, *number, Delivery::Message { listener, from, message });
        }
    }
}
