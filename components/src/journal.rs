//! What makes a durable component's changes last: one commit of its state, of the reply, and of what the handler itself
//! writes, before anybody is told.

use std::any::Any;
use std::sync::Arc;

use serde_json::value::RawValue;
use vivaz_protocol::{Ref, SessionId};

use crate::future::BoxFuture;
use crate::{ActionError, Result};

/// Something that a handler writes into a database. It is given the store's own connection, its type forgotten, inside
/// of the transaction that also takes the component's state; an error undoes all of it.
pub type Work = Box<dyn FnOnce(&dyn Any) -> Result + Send>;

/// What a job of a durable component comes to.
pub struct ComponentChange {
    /// What [`Instance::save`](crate::instance::Instance::save) says of the component as it is now.
    pub state: Vec<u8>,
    /// What [`Instance::state`](crate::instance::Instance::state) says of it; none if a computed field panics.
    pub shown: Option<String>,
    /// Whether the page is sent a patch of it: its revision goes up by one.
    pub moved: bool,
    /// The rooms that the component enters and leaves, in the handler's order.
    pub memberships: Vec<Membership>,
    /// The return value; none if the job failed and what is kept is what went before it (edits of the page).
    pub done: Option<Option<Box<RawValue>>>,
}

/// A room that a component enters or leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It enters the room; again is the same as once.
    Join(Arc<str>),
    /// It leaves the room.
    Leave(Arc<str>),
}

impl Membership {
    /// Returns how many bytes a component's place in a room counts against its session's budget: its
    /// name, and what the lists of the rooms take about.
    #[must_use]
    pub fn bytes_of(room: &str) -> usize {
        room.len() + 64
    }
}

/// What is done inside of a transaction.
pub type TransactionBody = Box<dyn FnOnce(&dyn Any) -> Result<ComponentChange> + Send>;

/// A change on its way to where it lasts.
pub struct Transaction {
    /// Writes what the handler writes and says what there is to keep beside it. Called once at most, inside of the
    /// transaction, with the store's own connection, its type forgotten; on the store's thread, so it does not wait for
    /// anything. An error undoes all of it.
    pub write: TransactionBody,
    /// Tells those who look at topics. Called once the change lasts, and never if it does not; of several changes in the
    /// order in which they were written, so that what is in memory follows what is kept.
    pub publish: Box<dyn FnOnce() + Send>,
}

/// Where the changes of one job go. Made by the session for the job.
pub trait Journal: Send + Sync {
    /// Makes a change last, all of it or nothing.
    fn commit(&self, transaction: Transaction) -> BoxFuture<Result>;

    /// The message of the page that the job came of, if it came of one. It is kept that it was done, so that it is not
    /// done again when the page sends it again.
    fn message(&self) -> Option<MessageId>;
}

/// A message of a page, by a name that stays the same when it is sent again over another connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// Whose it is.
    pub session: SessionId,
    /// Which one.
    pub reference: Ref,
}

/// One change of a topic: of all that a message made, the how manieth. A topic makes it once, however often it is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OperationId {
    /// The message that it came of.
    pub message: MessageId,
    /// Counts the changes of topics that the message made.
    pub number: u32,
}

/// The connection of a store, as the application knows it.
pub(crate) fn connection<C: Any>(connection: &dyn Any) -> Result<&C> {
    connection.downcast_ref().ok_or_else(|| {
        let wanted = std::any::type_name::<C>();
        ActionError::internal(format!("the store has no connection of the type {wanted}"))
    })
}

impl std::fmt::Debug for dyn Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Journal")
    }
}
