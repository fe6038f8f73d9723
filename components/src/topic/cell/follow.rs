//! Taking the entries of other nodes, and continuing in another history of the log.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};
use vivaz_protocol::Rev;
use vivaz_protocol::log::{Escaped, Quoted};

use super::draft::Draft;
use super::open::{RestoredTopic, unreadable, write_snapshot};
use super::{Cell, new_epoch};
use crate::apply_patch::apply_patch;
use crate::cluster::{Appended, LogEntry, LogError, LogPosition, LogTail};
use crate::error::Result;
use crate::fault::{discard, guard_now};
use crate::topic::Topic;
use crate::topic::log_format::EntryContent;
use crate::topic::replica::{EntryPlace, LogInbox, LogTurn, Replica};
use crate::tracking::Tracker;

/// How often a log is opened again because another node was faster.
const MOST_OPENINGS: usize = 16;

impl<T: Topic> Cell<T> {
    /// Takes entries until the topic is unloaded: notified ones at once, and those whose
    /// notification was lost with the next poll. Keeps the log.
    pub(super) async fn follow_log(me: Weak<Self>, inbox: Arc<LogInbox>, poll: Duration, keep: Duration) {
        let mut next_keep = Instant::now() + keep;
        let mut is_failing = false;
        loop {
            // The end of the time is the poll.
            let _woken = timeout(poll, inbox.wake.notified()).await;
            let Some(cell) = me.upgrade() else { return };
            let Some(replica) = &cell.replica else { return };
            let (caught_up, topic) = (cell.catch_up(replica, poll, next_keep).await, Quoted(&cell.name));
            match &caught_up {
                Ok(false) => {}
                Ok(true) => next_keep = Instant::now() + keep,
                Err(error) if !is_failing => {
                    tracing::error!(%topic, error = %Escaped(error), "the log of a topic cannot be used");
                }
                Err(_) => {}
            }
            if caught_up.is_ok() && is_failing {
                tracing::info!(%topic, "the log of a topic can be used again");
            }
            is_failing = caught_up.is_err();
        }
    }

    /// Takes new entries, and writes a snapshot if one is due. Returns whether one was written.
    async fn catch_up(
        &self,
        replica: &Replica<T>,
        poll: Duration,
        next_keep: Instant,
    ) -> Result<bool, LogError> {
        let mut turn = replica.turn.lock().await;
        self.take_notified(replica, &mut turn);
        if turn.following.is_none() {
            turn.following = Some(replica.log.follow(&replica.inbox).await?);
            turn.must_read = true;
        }
        if turn.must_read || turn.checked.elapsed() >= poll {
            self.read_log(replica, &mut turn, true).await?;
        }
        if Instant::now() < next_keep && !turn.is_snapshot_due {
            return Ok(false);
        }
        turn.is_snapshot_due = false;
        let (at, snapshot) = (turn.at.clone(), self.log_snapshot()?);
        drop(turn);
        replica.log.keep(&at, snapshot).await?;
        Ok(true)
    }

    /// Takes the entries that were notified. Returns whether any was new.
    pub(super) fn take_notified(&self, replica: &Replica<T>, turn: &mut LogTurn) -> bool {
        let mut notified = replica.inbox.take();
        turn.must_read |= notified.look;
        notified.entries.sort_by_key(|entry| entry.at.rev);
        let before = turn.at.rev;
        for entry in notified.entries {
            match turn.place_of(&entry) {
                EntryPlace::Known => {}
                EntryPlace::Next => match self.take_entry(turn, &entry) {
                    Ok(()) => {}
                    // Read again from the log, which reports the error.
                    Err(_) => turn.must_read = true,
                },
                EntryPlace::Unknown | EntryPlace::Other => turn.must_read = true,
            }
        }
        turn.at.rev > before
    }

    /// Reads the entries that follow, all of them or only the next ones. If the log has another
    /// history, the copy continues in that one.
    pub(super) async fn read_log(
        &self,
        replica: &Replica<T>,
        turn: &mut LogTurn,
        all: bool,
    ) -> Result<(), LogError> {
        loop {
            let entries = match replica.log.read(&turn.at).await? {
                LogTail::Entries(entries) => entries,
                LogTail::Gone => return self.reopen(replica, turn).await,
            };
            if entries.is_empty() {
                turn.must_read = false;
                turn.checked = Instant::now();
                return Ok(());
            }
            let before = turn.at.rev;
            for entry in &entries {
                match turn.place_of(entry) {
                    EntryPlace::Known => {}
                    EntryPlace::Next => self.take_entry(turn, entry)?,
                    EntryPlace::Unknown | EntryPlace::Other => return self.reopen(replica, turn).await,
                }
            }
            if turn.at.rev == before {
                return self.reopen(replica, turn).await;
            }
            if !all {
                return Ok(());
            }
        }
    }

    /// Applies and publishes the next entry.
    pub(super) fn take_entry(&self, turn: &mut LogTurn, entry: &LogEntry) -> Result<(), LogError> {
        let drafted = EntryContent::read(&entry.body).and_then(|content| {
            let (value, mut tracker) = (self.value(), self.lock().tracker.clone());
            let draft = guard_now("applying another node's patch", || {
                let mut value = T::clone(&value);
                apply_patch(&mut value, &content.patch)?;
                // Lists have recorded the operations, so this costs as much as the change.
                tracker.changes(&mut value)?;
                Ok(Draft { value, tracker, patch: Some(content.patch.clone()) })
            })?;
            Ok((draft, content))
        });
        let (draft, content) = drafted.map_err(unreadable)?;
        self.publish_entry(draft, content);
        turn.advance(entry.at.clone());
        Ok(())
    }

    /// Opens the log again: it was trimmed, another epoch has begun, or it has lost entries.
    ///
    /// Entries are lost when the engine loses its newest ones. It would use their revisions again,
    /// so the node that notices it begins a new epoch: with its own state if the log's is an
    /// earlier one of that, otherwise with the log's.
    async fn reopen(&self, replica: &Replica<T>, turn: &mut LogTurn) -> Result<(), LogError> {
        for _ in 0..MOST_OPENINGS {
            let value = guard_now("copying a topic", || Ok(T::clone(&self.value()))).map_err(unreadable)?;
            let Some(opened) = replica.log.open().await? else {
                if self.begin_epoch(replica, turn, None, turn.at.rev, value, None).await? {
                    return Ok(());
                }
                continue;
            };
            let restored = RestoredTopic::read(T::clone(&value), &opened)?;
            if restored.last.epoch != turn.at.epoch || restored.first.rev > turn.at.rev {
                return self.continue_with(turn, restored);
            }
            if restored.chain_at(turn.at.rev) == Some(turn.at.chain) {
                let missing = opened.tail.iter().filter(|entry| entry.at.rev > turn.at.rev);
                return missing
                    .collect::<Vec<_>>()
                    .into_iter()
                    .try_for_each(|entry| self.take_entry(turn, entry));
            }
            tracing::error!(topic = %Quoted(&self.name), "the log of a topic has lost entries; beginning a new epoch");
            let after = restored.last.clone();
            let rev = after.rev.max(turn.at.rev);
            let is_earlier = turn.chain_at(after.rev) == Some(after.chain);
            let restored = (!is_earlier).then_some(restored);
            if self.begin_epoch(replica, turn, Some(&after), rev, value, restored).await? {
                return Ok(());
            }
        }
        Err(LogError::Unavailable("other nodes begin new epochs all the time".into()))
    }

    /// Begins a new epoch, with `restored` or with this copy's state. Returns `false` if another
    /// node was faster, or it is unknown whether the epoch has begun.
    async fn begin_epoch(
        &self,
        replica: &Replica<T>,
        turn: &mut LogTurn,
        after: Option<&LogPosition>,
        rev: Rev,
        value: T,
        restored: Option<RestoredTopic<T>>,
    ) -> Result<bool, LogError> {
        let at = LogPosition::beginning(new_epoch().map_err(unreadable)?, rev);
        let mut state = match restored {
            Some(RestoredTopic { value, operations, .. }) => {
                RestoredTopic::beginning(value, operations, at.clone())
            }
            None => RestoredTopic::beginning(value, self.lock().operations.clone(), at.clone()),
        };
        match replica.log.begin(after, at, state.snapshot()?).await {
            Ok(Appended::Done) => self.continue_with(turn, state).map(|()| true),
            Ok(Appended::Moved) | Err(LogError::Unknown(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Replaces the state. Subscribers get a snapshot.
    fn continue_with(&self, turn: &mut LogTurn, mut restored: RestoredTopic<T>) -> Result<(), LogError> {
        let stream = restored.take_stream();
        let RestoredTopic { mut value, operations, last, chains, .. } = restored;
        let tracker = guard_now("reading a topic", || Ok(Tracker::new(&mut value)?)).map_err(unreadable)?;
        turn.restart(&last, &chains);
        turn.must_read = false;
        let mut state = self.lock();
        (state.stream, state.operations) = (stream, operations);
        self.store(&mut state, value, tracker.bytes());
        state.tracker = tracker;
        discard("a topic's state", std::mem::replace(&mut state.shown, self.value()));
        let snapshot = self.snapshot_of(&mut state).map_err(unreadable)?;
        for (_, subscriber) in &state.subscribers {
            subscriber.deliver_snapshot(&self.name, &snapshot);
        }
        Ok(())
    }

    /// Returns the state as it is written into the log.
    fn log_snapshot(&self) -> Result<Bytes, LogError> {
        let value = self.value();
        let mut operations = {
            let mut state = self.lock();
            state.operations.expire(Instant::now());
            state.operations.clone()
        };
        write_snapshot(&*value, &mut operations)
    }
}
