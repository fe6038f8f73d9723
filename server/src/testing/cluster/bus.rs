//! The message bus of a node.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use vivaz_components::instance::BoxFuture;

use super::node::MemoryNode;
use super::registered::Registered;
use crate::cluster::{Address, Bus, BusError, BusListener, NodeId};

impl Bus for MemoryNode {
    fn node(&self) -> &NodeId {
        &self.id
    }

    fn send(&self, to: &Address, message: Bytes) {
        self.cluster.change(|tables| {
            let node = tables.node(&self.id);
            if node.paused.holds() {
                node.hold_back(to, message);
            } else {
                tables.send(&self.id, to, &message);
            }
        });
    }

    fn listen(&self, to: &Address, listener: BusListener) -> Box<dyn Any + Send + Sync> {
        let mut tables = self.cluster.lock();
        let number = tables.next_number();
        tables.node(&self.id).listeners.insert(number, (to.clone(), listener));
        drop(tables);
        Box::new(Registered::new(Arc::clone(&self.cluster), self.id.clone(), number))
    }

    fn nodes(&self) -> Option<Arc<[NodeId]>> {
        let mut tables = self.cluster.lock();
        if !tables.is_connected(&self.id) {
            return None;
        }
        let nodes = tables.nodes.iter();
        let nodes = nodes.filter(|(id, node)| **id == self.id || node.has_lease());
        Some(nodes.map(|(id, _)| id.clone()).collect())
    }

    fn flush(&self, limit: Duration) -> BoxFuture<Result<(), BusError>> {
        let node = self.clone();
        Box::pin(async move {
            match tokio::time::timeout(limit, node.connect()).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(BusError::Unavailable(error.into())),
                Err(_elapsed) => Err(BusError::TimedOut),
            }
        })
    }
}
