//! What interrupts nodes, caused by the test or by faults.

use std::sync::Arc;

use tokio::time::Instant;

use super::nodes::{Interruption, LEASE};
use super::state::ClusterState;
use crate::cluster::{NodeId, TopicId};

impl ClusterState {
    pub(super) fn set_cut(self: &Arc<Self>, id: &NodeId, set: impl FnOnce(&mut Interruption)) {
        self.change(|tables| {
            let node = tables.node(id);
            let was_cut = node.cut.holds();
            set(&mut node.cut);
            node.note_interruption();
            if node.cut.holds() && !was_cut {
                node.break_connection();
            } else if !node.cut.holds() && was_cut {
                tables.look_on(id, None);
            }
        });
    }

    pub(super) fn set_paused(self: &Arc<Self>, id: &NodeId, set: impl FnOnce(&mut Interruption)) {
        self.change(|tables| {
            let node = tables.node(id);
            set(&mut node.paused);
            node.note_interruption();
            if !node.paused.holds() {
                for (to, message) in std::mem::take(&mut node.unsent) {
                    tables.send(id, &to, &message);
                }
            }
        });
    }

    pub(super) fn set_stopped(self: &Arc<Self>, set: impl FnOnce(&mut Interruption)) {
        self.change(|tables| {
            let was_stopped = tables.stopped.holds();
            set(&mut tables.stopped);
            if tables.stopped.holds() && !was_stopped {
                tables.break_all();
            } else if !tables.stopped.holds() && was_stopped {
                for node in tables.nodes.values_mut() {
                    // Nodes could not renew their leases.
                    node.away = node.away.map(|_| Instant::now());
                }
                tables.look(None);
            }
        });
    }

    /// Ends the lease of a node, until it renews it.
    pub(super) fn end_lease(self: &Arc<Self>, id: &NodeId) {
        let until = Instant::now() + LEASE / 3;
        self.change(|tables| tables.node(id).lease_ended = Some(until));
    }

    /// Loses the last entries of a topic, and breaks all connections.
    pub(super) fn lose_tail(self: &Arc<Self>, topic: &TopicId, entries: usize) -> usize {
        self.change(|tables| {
            let lost = tables.logs.lose(topic, entries);
            tables.break_all();
            tables.look(None);
            lost
        })
    }
}
