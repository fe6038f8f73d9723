//! The engine in memory keeps the contracts of topic logs and buses, and each check can fail.

mod broken;
mod faults;
mod postgres;
mod store;

use std::future::ready;
use std::sync::Arc;

use vivaz::DatabaseError;
use vivaz::cluster::{Bus, Cluster as _, TopicLog};
use vivaz::instance::BoxFuture;
use vivaz::testing::{
    ClusterCase, ClusterTransaction, ClusterUnderTest, MemoryCluster, MemoryNode, bus_cases, log_cases,
    log_transaction_cases,
};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Three nodes of an engine in memory.
struct InMemory {
    cluster: MemoryCluster,
    nodes: [MemoryNode; 3],
}

impl InMemory {
    fn new(cluster: MemoryCluster) -> Arc<Self> {
        let nodes = NAMES.map(|name| cluster.node(name));
        Arc::new(Self { cluster, nodes })
    }
}

impl ClusterUnderTest for InMemory {
    fn log(&self, node: usize) -> Arc<dyn TopicLog> {
        self.nodes[node].log()
    }

    fn bus(&self, node: usize) -> Arc<dyn Bus> {
        self.nodes[node].bus()
    }

    fn cut(&self, node: usize) -> BoxFuture<()> {
        self.cluster.cut(NAMES[node]);
        Box::pin(ready(()))
    }

    fn restore(&self, node: usize) -> BoxFuture<()> {
        self.cluster.restore(NAMES[node]);
        Box::pin(ready(()))
    }

    fn transaction(&self, node: usize, work: ClusterTransaction) -> BoxFuture<Result<(), DatabaseError>> {
        let node = self.nodes[node].clone();
        Box::pin(async move { node.transaction(work).await })
    }
}

/// Whether a case can run with paused time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TimeOfCase {
    Paused,
    Real,
}

fn all_cases() -> Vec<(ClusterCase, TimeOfCase)> {
    let paused = log_cases().chain(bus_cases()).map(|case| (case, TimeOfCase::Paused));
    paused.chain(log_transaction_cases().map(|case| (case, TimeOfCase::Real))).collect()
}

#[tokio::test(start_paused = true)]
async fn the_engine_in_memory_keeps_the_contracts() {
    for (case, time) in all_cases() {
        if time == TimeOfCase::Real {
            tokio::time::resume();
        }
        case.run(InMemory::new(MemoryCluster::new())).await;
        if time == TimeOfCase::Real {
            tokio::time::pause();
        }
    }
}
