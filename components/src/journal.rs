//! Committing the changes of a durable component: its state, the reply, and the handler's own
//! writes in one transaction, before anything is sent.

use std::sync::Arc;

use serde_json::value::RawValue;
use vivaz_databases::Tx;
use vivaz_protocol::{Ref, SessionId};

use crate::Result;
use crate::future::BoxFuture;
use crate::page_effect::PageEffect;

/// A write of a handler, inside the transaction that also writes the component's state. An error
/// rolls the transaction back.
pub type Work = Box<dyn FnOnce(&mut Tx) -> Result + Send>;

/// The outcome of a job of a durable component.
pub struct ComponentChange {
    /// The component's state as [`Instance::save`](crate::instance::Instance::save) returns it.
    pub state: Vec<u8>,
    /// The component's state as [`Instance::state`](crate::instance::Instance::state) returns it;
    /// none if a computed field panics.
    pub shown: Option<String>,
    /// Whether the page gets a patch, which increments the revision.
    pub moved: bool,
    /// The rooms that the component enters and leaves, in the handler's order.
    pub memberships: Vec<Membership>,
    /// The requests of the handler to its page, which are sent with the reply.
    pub page_effects: Vec<PageEffect>,
    /// The return value; none if the job failed and only the page's edits before it are committed.
    pub done: Option<Option<Box<RawValue>>>,
}

/// A change of the rooms in which a component is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// The component joins the room; joining again has no effect.
    Join(Arc<str>),
    /// The component leaves the room.
    Leave(Arc<str>),
}

impl Membership {
    /// Returns how many bytes a component's membership of a room counts against its session's
    /// budget: the name, and about 64 bytes for the lists of rooms.
    #[must_use]
    pub fn bytes_of(room: &str) -> usize {
        room.len() + 64
    }
}

/// The part of a transaction that runs on the store's thread.
pub type TransactionBody = Box<dyn FnOnce(&mut Tx) -> Result<ComponentChange> + Send>;

/// A change to commit.
pub struct Transaction {
    /// Runs the handler's writes and returns the state to store. The store calls it at most once,
    /// inside the transaction, on a thread where it may block. An error rolls the transaction back.
    pub write: TransactionBody,
    /// Publishes the changes of topics. The store calls it once after the commit, and never after a
    /// failed one; for several changes in the order of their commits, so that the topics in memory
    /// follow the store.
    pub publish: Box<dyn FnOnce() + Send>,
}

/// Commits the changes of one job. Made by the session for the job.
pub trait Journal: Send + Sync {
    /// Commits a change, all of it or nothing.
    fn commit(&self, transaction: Transaction) -> BoxFuture<Result>;

    /// Returns the page's message that caused the job, if there is one. The store records it, so
    /// that the job is not run again when the page sends the message again.
    fn message(&self) -> Option<MessageId>;
}

/// The id of a page's message, which is the same when it is sent again over another connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// The session of the page.
    pub session: SessionId,
    /// The reference of the message.
    pub reference: Ref,
}

/// The id of one change of a topic among those caused by one message. Topics use it to deduplicate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OperationId {
    /// The message that caused the change.
    pub message: MessageId,
    /// The index among the changes of topics that the message caused.
    pub number: u32,
}

impl std::fmt::Debug for dyn Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Journal")
    }
}
