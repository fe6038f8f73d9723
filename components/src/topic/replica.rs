//! A node's copy of a topic that several nodes share: what the copy needs besides its state.
//!
//! All changes of the state are made by the holder of the turn: an update that is appended to the
//! log, an entry that is taken from it, a new epoch.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use vivaz_protocol::{Author, Ref, Rev, SessionId};

use super::mutation::{EventfulMutation, Mutation, run};
use crate::cluster::{
    Appended, LogEntry, LogError, LogFeed, LogPosition, LogTail, OpenedTopic, TopicId, TopicLog,
};
use crate::error::Result;
use crate::event::ServerEvent;
use crate::future::BoxFuture;
use crate::journal::{MessageId, OperationId};

/// The most notifications that wait for a topic. When there are more, the log is read instead.
const INBOX: usize = 256;

/// The number of positions that a copy remembers. A notification of an older entry makes it read
/// the log.
const KNOWN_POSITIONS: usize = 256;

/// How long a call of the engine may take. Later it counts as not answered.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// The log of one topic.
#[derive(Clone)]
pub(super) struct TopicLogRef {
    pub(super) log: Arc<dyn TopicLog>,
    pub(super) id: TopicId,
}

/// What a copy of a topic needs besides its state.
pub(super) struct Replica<T> {
    pub(super) log: TopicLogRef,
    /// Held by the one that changes the state. Not held while nothing is appended or taken.
    pub(super) turn: Arc<tokio::sync::Mutex<LogTurn>>,
    pub(super) inbox: Arc<LogInbox>,
    pub(super) executor: Handle,
    waiting: Mutex<WaitingUpdates<T>>,
    /// The task that takes entries of other nodes.
    follower: OnceLock<AbortHandle>,
}

/// The position of a copy in its log.
pub(super) struct LogTurn {
    pub(super) at: LogPosition,
    /// The hashes at the last revisions up to `at`.
    chains: VecDeque<u64>,
    /// The guard of the notifications; `None` while they cannot be had.
    pub(super) following: Option<Box<dyn Any + Send + Sync>>,
    /// When the log was last known to have no entries after `at`.
    pub(super) checked: Instant,
    /// Whether the log may have entries after `at`, or another history.
    pub(super) must_read: bool,
    /// Whether this copy wrote the entry after which a snapshot is due.
    pub(super) is_snapshot_due: bool,
    /// Names the operations that no page's message caused.
    source: SessionId,
    operations: u64,
}

/// What the log has notified and the copy has not taken yet.
#[derive(Default)]
pub(super) struct LogInbox {
    received: Mutex<Notifications>,
    pub(super) wake: Notify,
}

#[derive(Default)]
pub(super) struct Notifications {
    pub(super) entries: Vec<LogEntry>,
    /// Whether the log has to be read.
    pub(super) look: bool,
}

/// The updates that wait for the next entry.
struct WaitingUpdates<T> {
    updates: VecDeque<WaitingUpdate<T>>,
    /// Whether a task appends them.
    is_appending: bool,
    /// The earliest time of this node's next entry, of a topic with an interval.
    next: Option<Instant>,
}

/// An update that waits for the next entry.
pub(super) struct WaitingUpdate<T> {
    pub(super) change: LogChange<T>,
    pub(super) by: Option<Author>,
    pub(super) operations: Vec<OperationId>,
    pub(super) since: Instant,
    pub(super) answer: Option<oneshot::Sender<Result>>,
}

/// A change that is appended to the log.
pub(super) enum LogChange<T> {
    Update(Vec<Mutation<T>>),
    Eventful(EventfulMutation<T>),
}

/// How an entry relates to the position of a copy.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EntryPlace {
    /// It is the next one.
    Next,
    /// The copy has it.
    Known,
    /// Entries before it are missing, or it is too old to be compared.
    Unknown,
    /// It belongs to another history: another epoch, or the log has lost entries that the copy has.
    Other,
}

impl TopicLogRef {
    pub(super) async fn open(&self) -> Result<Option<OpenedTopic>, LogError> {
        answered(self.log.open(&self.id), LogError::Unavailable).await
    }

    pub(super) async fn begin(
        &self,
        after: Option<&LogPosition>,
        at: LogPosition,
        snapshot: Bytes,
    ) -> Result<Appended, LogError> {
        answered(self.log.begin(&self.id, after, at, snapshot), LogError::Unknown).await
    }

    pub(super) async fn append(&self, after: &LogPosition, entry: LogEntry) -> Result<Appended, LogError> {
        answered(self.log.append(&self.id, after, entry), LogError::Unknown).await
    }

    pub(super) async fn read(&self, after: &LogPosition) -> Result<LogTail, LogError> {
        answered(self.log.read(&self.id, after), LogError::Unavailable).await
    }

    pub(super) async fn keep(&self, at: &LogPosition, snapshot: Bytes) -> Result<(), LogError> {
        answered(self.log.keep(&self.id, at, Some(snapshot)), LogError::Unavailable).await
    }

    pub(super) async fn follow(&self, inbox: &Arc<LogInbox>) -> Result<Box<dyn Any + Send + Sync>, LogError> {
        let feed = Arc::clone(inbox) as Arc<dyn LogFeed>;
        answered(self.log.follow(&self.id, feed), LogError::Unavailable).await
    }

    /// Returns how often the log is read although nothing was notified.
    pub(super) fn poll(&self) -> Duration {
        self.log.poll()
    }

    /// Returns how long the log is kept at least.
    pub(super) fn retention(&self) -> Duration {
        self.log.retention()
    }
}

/// Waits for the answer of an engine for a bounded time.
async fn answered<R>(
    call: BoxFuture<Result<R, LogError>>,
    silent: fn(Box<dyn std::error::Error + Send + Sync>) -> LogError,
) -> Result<R, LogError> {
    timeout(ANSWER_TIME, call).await.unwrap_or_else(|elapsed| Err(silent(elapsed.into())))
}

impl<T> Replica<T> {
    pub(super) fn new(log: TopicLogRef, turn: LogTurn, inbox: Arc<LogInbox>, executor: Handle) -> Self {
        let waiting = WaitingUpdates { updates: VecDeque::new(), is_appending: false, next: None };
        Self {
            log,
            turn: Arc::new(tokio::sync::Mutex::new(turn)),
            inbox,
            executor,
            waiting: Mutex::new(waiting),
            follower: OnceLock::new(),
        }
    }

    /// Sets the task that takes entries. It ends with the copy.
    pub(super) fn set_follower(&self, follower: AbortHandle) {
        if let Err(second) = self.follower.set(follower) {
            second.abort();
        }
    }

    /// Adds an update to the next entry. Returns whether the caller has to start a task that
    /// appends.
    pub(super) fn enqueue(&self, update: WaitingUpdate<T>) -> bool {
        let mut waiting = self.waiting();
        waiting.updates.push_back(update);
        !std::mem::replace(&mut waiting.is_appending, true)
    }

    /// Takes out at most `most` updates. If there are none, the task that appends them ends.
    pub(super) fn take_waiting(&self, most: usize) -> Vec<WaitingUpdate<T>> {
        let mut waiting = self.waiting();
        let count = waiting.updates.len().min(most);
        waiting.is_appending = count > 0;
        waiting.updates.drain(..count).collect()
    }

    /// Reserves the time of an entry, one for each `interval`, and returns it.
    pub(super) fn reserve_time(&self, interval: Duration) -> Option<Instant> {
        if interval.is_zero() {
            return None;
        }
        let (mut waiting, now) = (self.waiting(), Instant::now());
        let time = waiting.next.map_or(now, |next| next.max(now));
        waiting.next = Some(time + interval);
        Some(time)
    }

    fn waiting(&self) -> MutexGuard<'_, WaitingUpdates<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Replica<T> {
    fn drop(&mut self) {
        if let Some(follower) = self.follower.get() {
            follower.abort();
        }
    }
}

impl<T> LogChange<T> {
    /// Makes the change, and returns the events that follow it.
    pub(super) fn make(&self, state: &mut T) -> Vec<ServerEvent> {
        match self {
            Self::Update(changes) => {
                run(changes, state);
                Vec::new()
            }
            Self::Eventful(change) => change(state),
        }
    }
}

impl LogTurn {
    /// Creates the turn of a copy at a position. `source` is unique for each copy, so that a copy
    /// never mistakes an operation of another one for its own.
    pub(super) fn new(at: LogPosition, source: SessionId) -> Self {
        Self {
            chains: VecDeque::from([at.chain]),
            at,
            following: None,
            checked: Instant::now(),
            must_read: false,
            is_snapshot_due: false,
            source,
            operations: 0,
        }
    }

    /// Returns how an entry relates to the position.
    pub(super) fn place_of(&self, entry: &LogEntry) -> EntryPlace {
        if entry.at.epoch != self.at.epoch {
            return EntryPlace::Other;
        }
        if entry.at.rev == self.at.rev.next() {
            return if entry.is_after(&self.at) { EntryPlace::Next } else { EntryPlace::Other };
        }
        match self.chain_at(entry.at.rev) {
            Some(chain) if chain == entry.at.chain => EntryPlace::Known,
            Some(_) => EntryPlace::Other,
            None => EntryPlace::Unknown,
        }
    }

    /// Returns the hash at an earlier position, if it is remembered.
    pub(super) fn chain_at(&self, rev: Rev) -> Option<u64> {
        let back = usize::try_from(self.at.rev.0.checked_sub(rev.0)?).ok()?;
        self.chains.iter().rev().nth(back).copied()
    }

    /// Advances to the next position.
    pub(super) fn advance(&mut self, at: LogPosition) {
        if self.chains.len() >= KNOWN_POSITIONS {
            self.chains.pop_front();
        }
        self.chains.push_back(at.chain);
        self.at = at;
    }

    /// Continues at another position.
    /// `chains` has the hashes at the last positions up to it.
    pub(super) fn restart(&mut self, at: &LogPosition, chains: &[u64]) {
        let older = chains.len().saturating_sub(KNOWN_POSITIONS);
        self.chains = chains.iter().skip(older).copied().collect();
        self.at = at.clone();
    }

    /// Returns the id of an update that no page's message caused.
    pub(super) fn own_operation(&mut self) -> Result<OperationId> {
        self.operations += 1;
        let message = MessageId { session: self.source.clone(), reference: Ref::new(self.operations)? };
        Ok(OperationId { message, number: 0 })
    }
}

impl LogInbox {
    /// Takes out what was notified.
    pub(super) fn take(&self) -> Notifications {
        std::mem::take(&mut *self.received())
    }

    fn received(&self) -> MutexGuard<'_, Notifications> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogFeed for LogInbox {
    fn entry(&self, entry: LogEntry) {
        let mut received = self.received();
        if received.entries.len() < INBOX {
            received.entries.push(entry);
        } else {
            received.entries.clear();
            received.look = true;
        }
        drop(received);
        self.wake.notify_one();
    }

    fn look(&self) {
        self.received().look = true;
        self.wake.notify_one();
    }
}
