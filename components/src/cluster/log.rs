//! A topic as a log that several nodes add to.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use vivaz_databases::Tx;
use vivaz_protocol::{Epoch, Rev, TopicName};

use crate::future::BoxFuture;

/// A topic of a tenant. The order of ids is the order in which transactions lock topics.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicId {
    /// The tenant; `None` for users without a tenant.
    pub tenant: Option<Arc<str>>,
    /// The name of the topic in the tenant.
    pub name: TopicName,
}

/// A position in a topic's log. Two positions are the same only if all three parts are: a log that
/// stands at the revision, and has another epoch or another hash, does not stand at the position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPosition {
    /// The epoch of the log. It is the same on all nodes, and pages know it too.
    pub epoch: Epoch,
    /// The revision to which the entry at this position leads.
    pub rev: Rev,
    /// A hash over all entries of the epoch up to this position, computed by the topics. An engine
    /// that has lost its last entries (a failover, a crash before they were on disk) and goes on
    /// from an earlier revision uses a revision twice; two nodes notice that by different hashes.
    pub chain: u64,
}

/// The changes of one or more updates of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The position after the entry.
    pub at: LogPosition,
    /// The changes, written and read by the topic.
    pub body: Bytes,
}

/// A topic as the log has it: a snapshot and the entries after it.
#[derive(Clone, Debug)]
pub struct OpenedTopic {
    /// The position of the snapshot.
    pub at: LogPosition,
    /// The state at that position, written and read by the topic.
    pub snapshot: Bytes,
    /// The entries after the snapshot, oldest first, all of them.
    pub tail: Vec<LogEntry>,
}

/// The outcome of an attempt to add an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Appended {
    /// It is the newest entry, as durable as the engine makes its entries.
    Done,
    /// The log does not stand where the caller expects it: another entry was added, another epoch
    /// has begun, or there is no log. Nothing was added. An engine that does not wait for a
    /// transaction which has locked the topic also returns this.
    Moved,
}

/// The entries after a position.
#[derive(Clone, Debug)]
pub enum LogTail {
    /// The entries, oldest first; not necessarily all of them. If it is empty, there are none.
    Entries(Vec<LogEntry>),
    /// The position is not in the log: the log was trimmed, another epoch has begun, the engine has
    /// lost the entry, or there is no log. The topic has to be opened again.
    Gone,
}

/// The error of a log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The engine cannot be reached. The call has no effect.
    #[error("the topic log is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The engine did not confirm the call, which may have taken effect. The caller reads the log
    /// before it tries again.
    #[error("it is unknown whether the topic log has the entry: {0}")]
    Unknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The entry or the snapshot is larger than the engine accepts. The call has no effect.
    #[error("an entry of {bytes} bytes is larger than the topic log accepts")]
    TooLarge {
        /// The size of the entry.
        bytes: usize,
    },
    /// The log contains data that cannot be read.
    #[error("the topic log cannot be read: {0}")]
    Unreadable(String),
}

/// The logs of all topics, on an engine that the nodes share.
pub trait TopicLog: Send + Sync + 'static {
    /// Returns what the engine has of a topic; `None` if there is no log of it, because no node has
    /// [kept](Self::keep) it. The caller then loads the topic and [begins](Self::begin) a log.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read.
    fn open(&self, topic: &TopicId) -> BoxFuture<Result<Option<OpenedTopic>, LogError>>;

    /// Begins a log at `at`, with a snapshot and without entries, in place of the log that stands
    /// at `after`; `None` means that there is no log. With [`Appended::Moved`] another node was
    /// faster. A call without an answer is settled as one of [`append`](Self::append).
    ///
    /// # Errors
    /// Returns an error if the log cannot be written.
    fn begin(
        &self,
        topic: &TopicId,
        after: Option<&LogPosition>,
        at: LogPosition,
        snapshot: Bytes,
    ) -> BoxFuture<Result<Appended, LogError>>;

    /// Adds an entry if the log stands at `after`.
    ///
    /// A call that returned [`LogError::Unknown`] or whose future was dropped is settled by the
    /// next call of the same node for the topic that is begun after that and succeeds: that call
    /// sees the entry, or the entry is never added. An engine on a network ends the connection of
    /// the lost call before it makes the next one.
    ///
    /// # Errors
    /// Returns an error if the entry cannot be added, or it is unknown whether it was.
    fn append(
        &self,
        topic: &TopicId,
        after: &LogPosition,
        entry: LogEntry,
    ) -> BoxFuture<Result<Appended, LogError>>;

    /// Returns entries after a position.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read.
    fn read(&self, topic: &TopicId, after: &LogPosition) -> BoxFuture<Result<LogTail, LogError>>;

    /// Keeps the log of a topic that is in use, which a node calls every third of the engine's
    /// retention. With a snapshot of the state at `at`, earlier entries need not be kept. The call
    /// changes nothing if `at` is not in the log, and keeps the snapshot of the log if that is of
    /// `at` or a later position.
    ///
    /// # Errors
    /// Returns an error if the log cannot be written.
    fn keep(
        &self,
        topic: &TopicId,
        at: &LogPosition,
        snapshot: Option<Bytes>,
    ) -> BoxFuture<Result<(), LogError>>;

    /// Notifies `feed` of entries until the returned guard is dropped. Notifications may be
    /// missing, late, out of order, or repeated, also before an append is answered; an entry that
    /// was not added is never reported. After each interruption the log calls [`LogFeed::look`].
    ///
    /// # Errors
    /// Returns an error if the engine cannot be reached.
    fn follow(
        &self,
        topic: &TopicId,
        feed: Arc<dyn LogFeed>,
    ) -> BoxFuture<Result<Box<dyn Any + Send + Sync>, LogError>>;

    /// Returns how often a node reads the log of each topic that it uses, in case that a
    /// notification was lost: each second. An engine that looks for the new entries of all followed
    /// topics itself, with one query, and calls [`LogFeed::look`], returns a longer time.
    fn poll(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// Returns for how long the engine has the log of a topic after it was kept: one hour.
    fn retention(&self) -> Duration {
        Duration::from_secs(3_600)
    }

    /// Returns the log inside of a transaction, if the transaction's database is the engine.
    /// Otherwise a durable component cannot change its topics in the transaction.
    fn in_transaction<'tx>(&self, tx: &'tx mut Tx) -> Option<Box<dyn LogInTransaction + 'tx>> {
        let _ = tx;
        None
    }
}

/// Receives notifications about a topic's log. Its methods do not block.
pub trait LogFeed: Send + Sync {
    /// An entry was added.
    fn entry(&self, entry: LogEntry);
    /// Entries may have been added: read the log.
    fn look(&self);
}

/// The log inside of a transaction. Its methods block, because transactions run on threads that
/// may.
///
/// A transaction locks all topics that it changes before its first statement, in the order of
/// their ids: a lock that is taken later lets transactions commit in another order than their
/// entries, and two transactions wait for each other.
pub trait LogInTransaction {
    /// Lets no other node add entries to a topic until the transaction ends, and returns the
    /// entries after `after`, all of them, the transaction's own included. A topic may be locked
    /// again. A topic without a log is not locked.
    ///
    /// # Errors
    /// Returns an error if the log cannot be locked or read.
    fn lock(&mut self, topic: &TopicId, after: &LogPosition) -> Result<LogTail, LogError>;

    /// Adds an entry to a locked topic. It lasts if the transaction commits.
    ///
    /// # Errors
    /// Returns an error if the entry cannot be added.
    fn append(&mut self, topic: &TopicId, after: &LogPosition, entry: LogEntry)
    -> Result<Appended, LogError>;
}
