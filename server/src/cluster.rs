//! The interface through which several processes of one application act as one.

mod message;
#[cfg(feature = "postgres")]
mod postgres;

use std::sync::Arc;

pub use vivaz_components::cluster::{
    Address, Appended, Bus, BusError, BusListener, LogEntry, LogError, LogFeed, LogInTransaction,
    LogPosition, LogTail, NodeId, OpenedTopic, TopicId, TopicLog,
};

pub(crate) use self::message::{NodeMessage, SessionTenant};
#[cfg(feature = "postgres")]
pub use self::postgres::PostgresNode;
use crate::persist::store::SessionStore;

/// A node's connection to the engine that the nodes of an application share.
pub trait Cluster: Send + Sync + 'static {
    /// Returns the logs of all topics.
    fn log(&self) -> Arc<dyn TopicLog>;

    /// Returns the messages between nodes.
    fn bus(&self) -> Arc<dyn Bus>;

    /// Returns the session store of all nodes, if the engine has one.
    fn store(&self) -> Option<Arc<dyn SessionStore>>;
}
