//! Messages between nodes that may be lost.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::TopicId;
use crate::future::BoxFuture;

/// The name of a node, unique for each start of a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// Creates an id from the unique name of a process.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The recipients of a message. Tenants are separate: their names may be equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// The nodes with members of a room.
    Room {
        /// The tenant.
        tenant: Option<Arc<str>>,
        /// The name of the room.
        name: Arc<str>,
    },
    /// The nodes with subscribers of a topic.
    Topic(TopicId),
    /// All nodes.
    Everyone,
    /// One node.
    Node(NodeId),
}

/// Receives messages, with the node that sent them. Does not block.
pub type BusListener = Arc<dyn Fn(&NodeId, Bytes) + Send + Sync>;

/// The error of a bus.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BusError {
    /// The engine cannot be reached.
    #[error("the message bus is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The engine did not answer in time.
    #[error("the message bus did not answer in time")]
    TimedOut,
    /// The message is larger than the engine accepts.
    #[error("a message of {bytes} bytes is larger than the message bus accepts")]
    TooLarge {
        /// The size of the message.
        bytes: usize,
    },
}

/// Sends messages to the other nodes of the application.
pub trait Bus: Send + Sync + 'static {
    /// Returns the id of this node.
    fn node(&self) -> &NodeId;

    /// Sends a message at most once to every other node that listens to `to`, and never to this
    /// one. Messages of one node to one address arrive in their order. Returns at once; messages
    /// for which the queue has no place are dropped and counted.
    fn send(&self, to: &Address, message: Bytes);

    /// Calls `listener` for each message to `to` until the returned guard is dropped.
    #[must_use = "dropping it ends the listening"]
    fn listen(&self, to: &Address, listener: BusListener) -> Box<dyn Any + Send + Sync>;

    /// Returns the nodes whose leases are valid, this one included, by the engine's clock. `None`
    /// while the engine cannot be reached: no node may be taken for dead then.
    fn nodes(&self) -> Option<Arc<[NodeId]>>;

    /// Waits until the messages that were sent before are with the engine, at most for `limit`.
    ///
    /// # Errors
    /// Returns an error if the engine cannot be reached or does not answer in time.
    fn flush(&self, limit: Duration) -> BoxFuture<Result<(), BusError>>;
}
