//! The guards of feeds and listeners.

use std::sync::Arc;

use super::state::ClusterState;
use crate::cluster::NodeId;

/// Ends a feed or a listener of a node when it is dropped.
pub(super) struct Registered {
    cluster: Arc<ClusterState>,
    id: NodeId,
    number: u64,
}

impl Registered {
    pub(super) fn new(cluster: Arc<ClusterState>, id: NodeId, number: u64) -> Self {
        Self { cluster, id, number }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut tables = self.cluster.lock();
        let node = tables.node(&self.id);
        let removed = (node.feeds.remove(&self.number), node.listeners.remove(&self.number));
        drop(tables);
        // Their own drops may come back here.
        drop(removed);
    }
}
