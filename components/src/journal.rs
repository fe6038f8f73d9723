//! What makes a durable component's changes last: one commit of its state, of the reply, and of what the handler itself
//! writes, before anybody is told.

use std::any::Any;

use serde_json::value::RawValue;

use crate::Result;
use crate::instance::BoxFuture;

/// Something that a handler writes into a database. It is given the store's own connection, its type forgotten, inside
/// of the transaction that also takes the component's state; an error undoes all of it.
pub type Work = Box<dyn FnOnce(&dyn Any) -> Result + Send>;

/// What a job of a durable component comes to.
pub struct Change {
    /// What [`Instance::save`](crate::instance::Instance::save) says of the component as it is now.
    pub state: Vec<u8>,
    /// Whether the page is sent a patch of it: its revision goes up by one.
    pub moved: bool,
    /// The handler's own writes, in their order.
    pub work: Vec<Work>,
    /// The return value; none if the job failed and what is kept is what went before it (edits of the page).
    pub done: Option<Option<Box<RawValue>>>,
}

/// Where the changes of one job go. Made by the session for the job.
pub trait Journal: Send {
    /// Makes the change last, all of it or nothing.
    fn commit(self: Box<Self>, change: Change) -> BoxFuture<Result>;
}

impl std::fmt::Debug for dyn Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Journal")
    }
}
