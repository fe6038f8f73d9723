//! The interfaces through which several processes of one application act as one.
//!
//! Each process is a **node**. Nodes share an engine: a database or a message broker that the
//! application runs anyway. Two interfaces of it are needed:
//!
//! - [`TopicLog`]: each topic is a log of entries. A node adds an entry only where the log stands
//!   (compare-and-set), so all nodes agree on the order of the changes, and each change is made
//!   once. No node owns a topic, so the end of a node loses nothing.
//! - [`Bus`]: messages that may be lost, such as events of rooms.
//!
//! A topic's updates are drafted by the node that makes them, and appended as one entry to the log
//! at the position that the node knows. If the log has moved, the node applies the new entries and
//! drafts again. The others apply the patch of the entry to their states, so epoch, revision and
//! patches are the same on all nodes.
//!
//! An implementation does not look inside of the bytes that it is given.

mod bus;
mod log;

pub use bus::{Address, Bus, BusError, BusListener, NodeId};
pub use log::{
    Appended, LogEntry, LogError, LogFeed, LogInTransaction, LogPosition, LogTail, OpenedTopic, TopicId,
    TopicLog,
};
