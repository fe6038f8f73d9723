//! A node of the engine in memory.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::state::ClusterState;
use crate::cluster::{LogError, NodeId};

/// A node of a [`MemoryCluster`](super::MemoryCluster).
#[derive(Clone)]
pub struct MemoryNode {
    pub(super) cluster: Arc<ClusterState>,
    pub(super) id: NodeId,
    /// Runs what is on its way from and to the node.
    pub(super) handle: Handle,
}

impl fmt::Debug for MemoryNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryNode").field(&self.id).finish()
    }
}

impl MemoryNode {
    /// Waits while the node is paused. Returns how often its connection broke.
    ///
    /// # Errors
    /// Returns an error if the node does not reach the engine.
    pub(super) async fn connect(&self) -> Result<u64, LogError> {
        let id = &self.id;
        let wait = self.cluster.wait(|tables| {
            let is_connected = tables.is_connected(id);
            let node = tables.node(id);
            (!node.paused.holds()).then(|| is_connected.then_some(node.breaks))
        });
        wait.await.ok_or_else(|| LogError::Unavailable("the node does not reach the engine".into()))
    }
}
