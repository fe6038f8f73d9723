//! Checks that an engine keeps the contracts of [`TopicLog`] and [`Bus`].

mod appends;
mod buses;
mod feeds;
mod logs;
mod support;
mod transactions;

use std::sync::Arc;

use vivaz_components::instance::BoxFuture;
use vivaz_databases::{DatabaseError, Tx};

use crate::cluster::{Bus, TopicLog};

/// The work of a transaction. An error rolls it back.
pub type ClusterTransaction = Box<dyn FnOnce(&mut Tx) -> Result<(), DatabaseError> + Send>;

/// Three nodes on an engine without data, whose contract is checked. The nodes have the indices 0
/// to 2.
pub trait ClusterUnderTest: Send + Sync + 'static {
    /// Returns the topic log of a node.
    fn log(&self, node: usize) -> Arc<dyn TopicLog>;

    /// Returns the message bus of a node.
    fn bus(&self, node: usize) -> Arc<dyn Bus>;

    /// Breaks the connection between a node and the engine, and prevents new ones.
    fn cut(&self, node: usize) -> BoxFuture<()>;

    /// Ends [`cut`](Self::cut).
    fn restore(&self, node: usize) -> BoxFuture<()>;

    /// Runs `work` in a transaction of a node, on a thread that may block. Used only by
    /// [`log_transaction_cases`].
    fn transaction(&self, node: usize, work: ClusterTransaction) -> BoxFuture<Result<(), DatabaseError>>;
}

/// One check of the contract.
#[derive(Clone, Copy)]
pub struct ClusterCase {
    /// The statement that it checks.
    pub name: &'static str,
    run: fn(Arc<dyn ClusterUnderTest>) -> BoxFuture<()>,
}

impl ClusterCase {
    /// Runs the check.
    ///
    /// # Panics
    /// Panics if the engine breaks the contract.
    pub async fn run(&self, cluster: Arc<dyn ClusterUnderTest>) {
        (self.run)(cluster).await;
    }
}

/// Makes cases of functions.
macro_rules! cluster_cases {
    ($($check:ident,)+) => {
        &[$(ClusterCase { name: stringify!($check), run: |cluster| Box::pin($check(cluster)) },)+]
    };
}
use cluster_cases;

/// Returns all checks of the contract of [`TopicLog`], except for those of transactions.
pub fn log_cases() -> impl Iterator<Item = ClusterCase> {
    [appends::CASES, logs::CASES, feeds::CASES].into_iter().flatten().copied()
}

/// Returns all checks of the contract of [`LogInTransaction`](crate::cluster::LogInTransaction).
/// They use threads, so time must not be paused.
pub fn log_transaction_cases() -> impl Iterator<Item = ClusterCase> {
    transactions::CASES.iter().copied()
}

/// Returns all checks of the contract of [`Bus`].
pub fn bus_cases() -> impl Iterator<Item = ClusterCase> {
    buses::CASES.iter().copied()
}
