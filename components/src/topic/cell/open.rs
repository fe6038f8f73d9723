//! Opening a topic that several nodes share.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};
use vivaz_protocol::{Epoch, Rev, SessionId, TopicName};

use super::agree::{PATIENCE, PAUSE, overloaded};
use super::{Cell, KeptPatch, new_epoch};
use crate::apply_patch::{apply_patch, apply_state};
use crate::cluster::{Appended, LogError, LogPosition, OpenedTopic};
use crate::error::{ActionError, Result};
use crate::fault::guard_now;
use crate::stream::Stream;
use crate::topic::Topic;
use crate::topic::log_format::{EntryContent, SnapshotContent};
use crate::topic::observer::FanOutObserver;
use crate::topic::operations::Operations;
use crate::topic::replica::{LogInbox, LogTurn, Replica, TopicLogRef};
use crate::topic::subscriber::TopicPatch;
use crate::tracking::{StateWriter, write_saved};

/// A topic as its log has it.
pub(super) struct RestoredTopic<T> {
    pub(super) value: T,
    pub(super) operations: Operations,
    /// The position of the snapshot.
    pub(super) first: LogPosition,
    /// The newest position.
    pub(super) last: LogPosition,
    /// The hashes at the positions from `first` to `last`.
    pub(super) chains: Vec<u64>,
    /// The patches after the snapshot.
    patches: Vec<TopicPatch>,
}

impl<T: Topic> RestoredTopic<T> {
    /// Returns a state at the beginning of an epoch.
    pub(super) fn beginning(value: T, operations: Operations, at: LogPosition) -> Self {
        let chains = vec![at.chain];
        Self { value, operations, first: at.clone(), last: at, chains, patches: Vec::new() }
    }

    /// Applies what the log has to a state.
    ///
    /// # Errors
    /// Returns an error if anything in the log does not fit.
    pub(super) fn read(value: T, opened: &OpenedTopic) -> Result<Self, LogError> {
        guard_now("reading a topic's log", || Self::read_all(value, opened)).map_err(unreadable)
    }

    fn read_all(mut value: T, opened: &OpenedTopic) -> Result<Self> {
        let SnapshotContent { fields, operations } = SnapshotContent::read(&opened.snapshot)?;
        apply_state(&mut value, &fields)?;
        let now = Instant::now();
        let operations = Operations::restore(operations, now)?;
        let mut restored = Self::beginning(value, operations, opened.at.clone());
        for entry in &opened.tail {
            if !entry.is_after(&restored.last) {
                return Err(ActionError::internal("an entry does not continue the one before"));
            }
            let EntryContent { patch, by, operations, .. } = EntryContent::read(&entry.body)?;
            apply_patch(&mut restored.value, &patch)?;
            operations.into_iter().for_each(|operation| restored.operations.remember(operation, now));
            restored.patches.push(TopicPatch { by, json: patch });
            restored.chains.push(entry.at.chain);
            restored.last = entry.at.clone();
        }
        Ok(restored)
    }

    /// Returns the state as it is written into the log.
    pub(super) fn snapshot(&mut self) -> Result<Bytes, LogError> {
        write_snapshot(&self.value, &mut self.operations)
    }

    /// Returns the hash at a revision, if the log has it.
    pub(super) fn chain_at(&self, rev: Rev) -> Option<u64> {
        let after = usize::try_from(rev.0.checked_sub(self.first.rev.0)?).ok()?;
        self.chains.get(after).copied()
    }

    /// Takes out the patches, for subscribers that miss them.
    pub(super) fn take_stream(&mut self) -> Stream<Epoch, KeptPatch> {
        let mut stream = Stream::new(self.first.epoch.clone(), self.first.rev);
        std::mem::take(&mut self.patches).into_iter().for_each(|patch| stream.advance(KeptPatch::new(patch)));
        stream
    }
}

impl<T: Topic> Cell<T> {
    /// Opens a topic from its log, or begins the log. `load` returns the state of a topic without a
    /// log; of one with a log it returns the fields that are each node's own.
    ///
    /// # Errors
    /// Returns the error of `load`, `overloaded` if the log cannot be reached, and an error if the
    /// state cannot be read from a log.
    pub(in crate::topic) async fn open(
        log: TopicLogRef,
        name: TopicName,
        limit: usize,
        load: impl Future<Output = Result<T>> + Send,
        observer: Option<Arc<dyn FanOutObserver>>,
    ) -> Result<Arc<Self>> {
        if let Some(field) = T::unreadable_field() {
            return Err(ActionError::internal(format!(
                "nodes cannot share the topic `{name}`, because serde cannot read its field `{field}`: add \
                 #[derive(Deserialize)] to the type of the field, or #[serde(skip)] to the field if each node has its own"
            )));
        }
        let inbox = Arc::<LogInbox>::default();
        let deadline = Instant::now() + PATIENCE;
        let mut following = None;
        let mut load = Some(load);
        let mut loaded: Option<T> = None;
        let mut restored = loop {
            // Followed first, so that no entry is missed after the log was opened.
            if following.is_none() {
                match log.follow(&inbox).await {
                    Ok(guard) => following = Some(guard),
                    Err(error) => {
                        pause(error, deadline).await?;
                        continue;
                    }
                }
            }
            let opened = match log.open().await {
                Ok(opened) => opened,
                Err(error) => {
                    pause(error, deadline).await?;
                    continue;
                }
            };
            let value = match (load.take(), &loaded) {
                (Some(load), _) => loaded.insert(load.await?),
                (None, Some(value)) => value,
                (None, None) => return Err(ActionError::internal("a topic was loaded twice")),
            };
            let value = guard_now("copying a topic", || Ok(T::clone(value)))?;
            if let Some(opened) = opened {
                break RestoredTopic::read(value, &opened).map_err(refused)?;
            }
            let at = LogPosition::beginning(new_epoch()?, Rev::ZERO);
            let mut begun = RestoredTopic::beginning(value, Operations::default(), at.clone());
            let snapshot = begun.snapshot().map_err(refused)?;
            // The state of a node that opens the topic later is read from this.
            let opened = OpenedTopic { at: at.clone(), snapshot: snapshot.clone(), tail: Vec::new() };
            begun.value = RestoredTopic::read(begun.value, &opened).map_err(refused)?.value;
            match log.begin(None, at, snapshot).await {
                Ok(Appended::Done) => break begun,
                // Another node was faster, or opening it shows whether it has begun.
                Ok(Appended::Moved) | Err(LogError::Unknown(_)) => {}
                Err(error) => pause(error, deadline).await?,
            }
        };
        let source = SessionId::new(&format!("copy-{}", new_epoch()?))?;
        let mut turn = LogTurn::new(restored.last.clone(), source);
        turn.restart(&restored.last, &restored.chains);
        turn.following = following;
        let executor = Handle::try_current().map_err(ActionError::internal)?;
        let (poll, keep) = (log.poll(), log.retention() / 3);
        let replica = Replica::new(log, turn, Arc::clone(&inbox), executor.clone());
        let stream = restored.take_stream();
        let RestoredTopic { value, operations, .. } = restored;
        let cell = Self::with_stream(name, value, limit, stream, operations, Some(replica), observer)?;
        let follower = executor.spawn(Self::follow_log(Arc::downgrade(&cell), inbox, poll, keep));
        if let Some(replica) = &cell.replica {
            replica.set_follower(follower.abort_handle());
        }
        Ok(cell)
    }
}

/// Waits before the log is tried again.
///
/// # Errors
/// Returns an error if it was tried for too long, or cannot be used.
async fn pause(error: LogError, deadline: Instant) -> Result {
    if !matches!(error, LogError::Unavailable(_) | LogError::Unknown(_)) {
        return Err(refused(error));
    }
    if Instant::now() >= deadline {
        tracing::error!(%error, "a topic cannot be opened");
        return Err(overloaded());
    }
    sleep(PAUSE).await;
    Ok(())
}

fn refused(error: LogError) -> ActionError {
    ActionError::internal(error)
}

#[expect(clippy::needless_pass_by_value, reason = "the argument of `map_err`")]
pub(super) fn unreadable(error: ActionError) -> LogError {
    LogError::Unreadable(error.to_string())
}

/// Returns a state as it is written into the log: the fields that are not computed, and the
/// operations.
pub(super) fn write_snapshot<T: Topic>(value: &T, operations: &mut Operations) -> Result<Bytes, LogError> {
    let operations = operations.save(Instant::now());
    let written = guard_now("writing a topic", || {
        let fields = write_saved(&mut T::clone(value), StateWriter::default())?.finish();
        SnapshotContent { fields, operations }.write()
    });
    written.map_err(unreadable)
}
