//! Several nodes of one application in one process, on an engine in memory.

mod bus;
mod flight;
mod interruptions;
mod log;
mod node;
mod nodes;
mod plan;
mod registered;
mod state;
mod store;
mod topics;
mod transaction;

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;

pub use self::node::MemoryNode;
use self::state::ClusterState;
use self::store::MemoryNodeStore;
use super::faults::Faults;
use crate::cluster::{Bus, Cluster, NodeId, TopicId, TopicLog};
use crate::persist::store::SessionStore;

/// An engine in memory that nodes in one process share, for tests. Clones share the engine.
///
/// It is a correct engine. A test interrupts it, or gives it [`Faults`], which choose by a seed:
/// calls are late, refused, or lose their answer, notifications are late, out of order, repeated or
/// missing, messages of the bus are lost, the engine is unavailable, a node is cut off or paused,
/// and a lease ends. The last entries of a topic are lost only after
/// [`allow_lost_tails`](Self::allow_lost_tails), because a lost tail loses what was acknowledged.
///
/// All nodes share a [`MemoryStore`](crate::MemoryStore), whose commits are transactions of the
/// engine. With faults, the calls of a node's store have those of [`Faults::store`] too.
///
/// All times are Tokio's, so that a test can pause time.
///
/// ```
/// use vivaz::cluster::{Appended, Cluster as _, LogEntry, LogPosition, TopicId};
/// use vivaz::testing::{Epoch, MemoryCluster, Rev, TopicName};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let cluster = MemoryCluster::new();
/// let (a, b) = (cluster.node("a"), cluster.node("b"));
/// let topic = TopicId { tenant: None, name: TopicName::new("chat/lobby").unwrap() };
/// let at = |rev| LogPosition { epoch: Epoch::new("e").unwrap(), rev: Rev(rev), chain: rev };
///
/// a.log().begin(&topic, None, at(0), "[]".into()).await.unwrap();
/// let entry = LogEntry { at: at(1), body: "change".into() };
/// assert_eq!(a.log().append(&topic, &at(0), entry.clone()).await.unwrap(), Appended::Done);
/// assert_eq!(b.log().append(&topic, &at(0), entry).await.unwrap(), Appended::Moved);
///
/// cluster.cut("b");
/// assert!(b.log().open(&topic).await.is_err());
/// cluster.restore("b");
/// assert_eq!(b.log().open(&topic).await.unwrap().unwrap().tail.len(), 1);
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryCluster(Arc<ClusterState>);

impl Default for MemoryCluster {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tables = self.0.lock();
        let nodes: Vec<NodeId> = tables.nodes.keys().cloned().collect();
        let reach: Vec<_> = nodes.into_iter().map(|id| (tables.is_connected(&id), id)).collect();
        f.debug_struct("MemoryCluster").field("nodes", &reach).finish_non_exhaustive()
    }
}

impl MemoryCluster {
    /// Creates an engine without faults.
    #[must_use]
    pub fn new() -> Self {
        Self(ClusterState::new(None))
    }

    /// Creates an engine with faults.
    #[must_use]
    pub fn with_faults(faults: Faults) -> Self {
        Self(ClusterState::new(Some(faults)))
    }

    /// Lets faults lose the last entries of topics, as [`lose_tail`](Self::lose_tail) does.
    pub fn allow_lost_tails(&self) {
        self.0.lock().loses_tails = true;
    }

    /// Returns a node, and adds it when it is called for the first time. A process that is started
    /// again is another node.
    ///
    /// # Panics
    /// Panics outside of a Tokio runtime.
    #[must_use]
    pub fn node(&self, name: &str) -> MemoryNode {
        let (id, handle) = (NodeId::new(name), Handle::current());
        self.0.lock().add_node(&id, handle.clone());
        MemoryNode { cluster: Arc::clone(&self.0), id, handle }
    }

    /// Cuts a node off the engine until [`restore`](Self::restore). Calls and messages on their way
    /// are lost, and the node's lease ends 10 s later.
    pub fn cut(&self, node: &str) {
        self.0.set_cut(&NodeId::new(node), |cut| cut.by_test = true);
    }

    /// Ends [`cut`](Self::cut).
    pub fn restore(&self, node: &str) {
        self.0.set_cut(&NodeId::new(node), |cut| cut.by_test = false);
    }

    /// Pauses a node until [`resume`](Self::resume), like SIGSTOP: its calls, messages and
    /// notifications wait, calls that are on their way take effect, and its lease ends 10 s later.
    pub fn pause(&self, node: &str) {
        self.0.set_paused(&NodeId::new(node), |paused| paused.by_test = true);
    }

    /// Ends [`pause`](Self::pause).
    pub fn resume(&self, node: &str) {
        self.0.set_paused(&NodeId::new(node), |paused| paused.by_test = false);
    }

    /// Makes the engine unavailable for all nodes until [`start`](Self::start). It keeps what it
    /// has. No lease ends meanwhile, nor in the 10 s after it.
    pub fn stop(&self) {
        self.0.set_stopped(|stopped| stopped.by_test = true);
    }

    /// Ends [`stop`](Self::stop).
    pub fn start(&self) {
        self.0.set_stopped(|stopped| stopped.by_test = false);
    }

    /// Ends the lease of a node. The node renews it at its next time, at most 3.3 s later.
    pub fn end_lease(&self, node: &str) {
        self.0.end_lease(&NodeId::new(node));
    }

    /// Loses the last entries of a topic, up to `entries`, but none before its snapshot: the engine
    /// goes on from an earlier revision of the same epoch, as after a failover. All connections
    /// break. Returns how many entries were lost.
    pub fn lose_tail(&self, topic: &TopicId, entries: usize) -> usize {
        self.0.lose_tail(topic, entries)
    }

    /// Returns the number of messages that a node has dropped: those that it sent without a
    /// connection, and those for which its queue had no place.
    #[must_use]
    pub fn dropped_messages(&self, node: &str) -> u64 {
        self.0.lock().node(&NodeId::new(node)).dropped
    }
}

impl Cluster for MemoryNode {
    fn log(&self) -> Arc<dyn TopicLog> {
        Arc::new(self.clone())
    }

    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.clone())
    }

    fn store(&self) -> Option<Arc<dyn SessionStore>> {
        let store = MemoryNodeStore(self.clone());
        let faults = self.cluster.lock().faults.clone();
        Some(match faults {
            Some(faults) => Arc::new(faults.store(store)),
            None => Arc::new(store),
        })
    }
}
