//! The state that the nodes of the engine in memory share.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use super::flight::Flight;
use super::nodes::{Delivery, Interruption, MemoryNodeState};
use super::topics::MemoryLogs;
use crate::cluster::{Address, LogEntry, NodeId, TopicId};
use crate::persist::store::MemoryStore;
use crate::testing::faults::{Draw, Faults};

/// The longest delay of a notification or a message by a fault, in milliseconds.
const MAX_DELAY: u64 = 3_000;

/// The engine and everything around it.
pub(super) struct ClusterState {
    tables: Mutex<ClusterTables>,
    /// Changes with the tables.
    changed: watch::Sender<()>,
    /// Notifies threads that wait for a topic's lock.
    unlocked: Condvar,
    pub(super) store: MemoryStore,
}

/// The content of the engine.
pub(super) struct ClusterTables {
    pub(super) logs: MemoryLogs,
    pub(super) nodes: BTreeMap<NodeId, MemoryNodeState>,
    /// Calls that change logs and have not reached the engine.
    pub(super) flights: BTreeMap<NodeId, Vec<Arc<Flight<ClusterTables>>>>,
    /// Whether the engine is unavailable.
    pub(super) stopped: Interruption,
    /// The number of deliveries, listeners, feeds and transactions so far.
    pub(super) number: u64,
    pub(super) faults: Option<Faults>,
    pub(super) loses_tails: bool,
    handles: HashMap<NodeId, Handle>,
}

impl ClusterState {
    pub(super) fn new(faults: Option<Faults>) -> Arc<Self> {
        let tables = ClusterTables {
            logs: MemoryLogs::default(),
            nodes: BTreeMap::new(),
            flights: BTreeMap::new(),
            stopped: Interruption::default(),
            number: 0,
            faults,
            loses_tails: false,
            handles: HashMap::new(),
        };
        Arc::new(Self {
            tables: Mutex::new(tables),
            changed: watch::Sender::new(()),
            unlocked: Condvar::new(),
            store: MemoryStore::new(),
        })
    }

    /// Reads the tables.
    pub(super) fn lock(&self) -> MutexGuard<'_, ClusterTables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the tables, then delivers what the change has queued.
    pub(super) fn change<T>(self: &Arc<Self>, change: impl FnOnce(&mut ClusterTables) -> T) -> T {
        let mut tables = self.lock();
        let result = change(&mut tables);
        let ClusterTables { nodes, handles, .. } = &mut *tables;
        for (id, node) in nodes {
            if !node.queue.is_empty() && !node.is_delivering {
                node.is_delivering = true;
                if let Some(handle) = handles.get(id) {
                    drop(handle.spawn(Arc::clone(self).deliver(id.clone())));
                }
            }
        }
        drop(tables);
        self.changed.send_replace(());
        self.unlocked.notify_all();
        result
    }

    /// Waits until `ready` returns a value.
    pub(super) async fn wait<T>(&self, mut ready: impl FnMut(&mut ClusterTables) -> Option<T>) -> T {
        let mut changes = self.changed.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(value) = ready(&mut self.lock()) {
                return value;
            }
            // The sender lives as long as `self`.
            let _closed = changes.changed().await;
        }
    }

    /// As [`wait`](Self::wait), on a thread that may block.
    pub(super) fn wait_blocking<T>(&self, mut ready: impl FnMut(&mut ClusterTables) -> Option<T>) -> T {
        let mut tables = self.lock();
        loop {
            if let Some(value) = ready(&mut tables) {
                return value;
            }
            tables = self.unlocked.wait(tables).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Delivers the queue of a node until it is empty.
    async fn deliver(self: Arc<Self>, id: NodeId) {
        let mut changes = self.changed.subscribe();
        loop {
            changes.mark_unchanged();
            let next = self.lock().next_delivery(&id);
            let due = match next {
                NextDelivery::Now(call) => {
                    call();
                    continue;
                }
                NextDelivery::At(due) => Some(due),
                NextDelivery::Paused => None,
                NextDelivery::Empty => return,
            };
            let arrival = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = arrival => {}
                _changed = changes.changed() => {}
            }
        }
    }
}

/// The next delivery of a node.
enum NextDelivery {
    /// It is due: the call delivers it.
    Now(Box<dyn FnOnce() + Send>),
    /// It is due at this time.
    At(Instant),
    /// The node is paused.
    Paused,
    /// The queue is empty, and the caller stops delivering.
    Empty,
}

impl ClusterTables {
    /// Adds a node, if it is new.
    pub(super) fn add_node(&mut self, id: &NodeId, handle: Handle) {
        self.nodes.entry(id.clone()).or_default();
        self.handles.insert(id.clone(), handle);
    }

    /// Returns a node. Nodes are never removed.
    pub(super) fn node(&mut self, id: &NodeId) -> &mut MemoryNodeState {
        self.nodes.entry(id.clone()).or_default()
    }

    /// Returns a new number.
    pub(super) fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Checks whether a node reaches the engine.
    pub(super) fn is_connected(&mut self, id: &NodeId) -> bool {
        !self.stopped.holds() && !self.node(id).cut.holds()
    }

    /// Draws for the next call; `None` without faults.
    pub(super) fn draw(&self) -> Option<Draw> {
        self.faults.as_ref().map(Faults::draw).filter(|draw| draw.is_on)
    }

    /// Returns the time at which something arrives that is sent now.
    fn arrival(&self, call: &'static str) -> Instant {
        let now = Instant::now();
        match (self.draw(), &self.faults) {
            (Some(draw), Some(faults)) if draw.has_fault => {
                let delay = Duration::from_millis(draw.below(1, MAX_DELAY));
                faults.record(draw.number, call, format!("late by {delay:?}"));
                now + delay
            }
            (Some(draw), _) => now + Duration::from_millis(draw.below(1, 3)),
            (None, _) => now,
        }
    }

    /// Notifies all nodes that follow a topic of an entry. With faults, notifications are late,
    /// repeated, or missing.
    pub(super) fn announce(&mut self, topic: &TopicId, entry: &LogEntry) {
        let mut feeds = Vec::new();
        for (id, node) in &self.nodes {
            let followed = node.feeds.iter().filter(|(_, (of, _))| of == topic);
            feeds.extend(followed.map(|(feed, _)| (id.clone(), *feed)));
        }
        for (id, feed) in feeds {
            let due = self.arrival("notify");
            let fate_of = self.draw();
            let fate = fate_of.map_or(9, |draw| draw.below(2, 10));
            let number = self.next_number();
            let entry = entry.clone();
            if self.is_connected(&id) {
                let again = self.arrival("notify again");
                if fate == 0 {
                    if let (Some(draw), Some(faults)) = (fate_of, &self.faults) {
                        faults.record(draw.number, "notify", format!("missing on {id}"));
                    }
                    continue;
                }
                let node = self.node(&id);
                if fate == 1 {
                    let entry = entry.clone();
                    node.notify(again, number, Delivery::Entry { feed, entry });
                }
                node.notify(due, number, Delivery::Entry { feed, entry });
            }
        }
    }

    /// Lets all nodes that are connected look at a topic, or at all topics.
    pub(super) fn look(&mut self, topic: Option<&TopicId>) {
        let ids: Vec<NodeId> = self.nodes.keys().cloned().collect();
        for id in ids {
            self.look_on(&id, topic);
        }
    }

    /// Lets a node look at a topic, or at all topics, if it is connected.
    pub(super) fn look_on(&mut self, id: &NodeId, topic: Option<&TopicId>) {
        if self.is_connected(id) {
            let due = self.arrival("look");
            let Self { nodes, number, .. } = self;
            if let Some(node) = nodes.get_mut(id) {
                node.look(topic, due, number);
            }
        }
    }

    /// Breaks all connections, as at the end of the engine's process.
    pub(super) fn break_all(&mut self) {
        for node in self.nodes.values_mut() {
            node.break_connection();
        }
    }

    /// Sends a message to all other nodes that listen to the address.
    pub(super) fn send(&mut self, from: &NodeId, to: &Address, message: &Bytes) {
        if !self.is_connected(from) {
            self.node(from).dropped += 1;
            return;
        }
        let ids: Vec<NodeId> = self.nodes.keys().filter(|id| *id != from).cloned().collect();
        for id in ids {
            let due = self.arrival("send");
            let is_lost = self.draw().is_some_and(|draw| draw.below(3, 20) == 0);
            let Self { nodes, number, .. } = self;
            if let Some(node) = nodes.get_mut(&id).filter(|_| !is_lost) {
                node.receive(from, to, message, due, number);
            }
        }
    }

    /// Returns the next delivery of a node.
    fn next_delivery(&mut self, id: &NodeId) -> NextDelivery {
        let node = self.node(id);
        let Some(((due, _), _)) = node.queue.first_key_value() else {
            node.is_delivering = false;
            return NextDelivery::Empty;
        };
        if node.paused.holds() {
            return NextDelivery::Paused;
        }
        if *due > Instant::now() {
            return NextDelivery::At(*due);
        }
        let delivery = node.queue.pop_first().map(|(_, delivery)| delivery);
        NextDelivery::Now(match delivery {
            Some(Delivery::Entry { feed, entry }) => {
                let feed = node.feeds.get(&feed).map(|(_, feed)| Arc::clone(feed));
                Box::new(move || feed.iter().for_each(|feed| feed.entry(entry.clone())))
            }
            Some(Delivery::Look { feed }) => {
                let feed = node.feeds.get(&feed).map(|(_, feed)| Arc::clone(feed));
                Box::new(move || feed.iter().for_each(|feed| feed.look()))
            }
            Some(Delivery::Message { listener, from, message }) => {
                let listener = node.listeners.get(&listener).map(|(_, listener)| Arc::clone(listener));
                Box::new(move || listener.iter().for_each(|listener| listener(&from, message.clone())))
            }
            None => Box::new(|| {}),
        })
    }
}
