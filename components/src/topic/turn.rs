//! A topic's turn in a transaction, without the type of its state.

use std::any::Any;

use vivaz_databases::Tx;
use vivaz_protocol::Author;

use super::interval::Unsent;
use crate::error::Result;

/// Where the changes of a transaction's topics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogPlace {
    /// In the transaction.
    Inside,
    /// In another engine: after the commit.
    Outside,
}

/// The turn of a topic that nodes share, for one transaction.
pub(super) trait AnyTurn: Send {
    /// Returns the address of the topic's cell, which identifies it.
    fn address(&self) -> usize;

    /// Locks the topic in the log, and takes the entries of other nodes.
    ///
    /// # Errors
    /// Returns an error if the log cannot be locked or read.
    fn lock(&mut self, tx: &mut Tx) -> Result<LogPlace>;

    /// Appends changes, which are [`OperationChanges`](super::mutation::OperationChanges).
    ///
    /// # Errors
    /// Returns an error if the changes cannot be made or appended.
    fn append(&mut self, tx: &mut Tx, changes: Box<dyn Any>, by: Option<&Author>) -> Result;

    /// Returns what is published after the commit.
    fn into_reserved(self: Box<Self>) -> Box<dyn AnyReserved>;
}

/// Changes of a topic that are made and not published yet. They are reverted on drop.
pub(super) trait AnyReserved: Send {
    fn publish(self: Box<Self>, by: Option<&Author>) -> Option<Unsent>;
}
