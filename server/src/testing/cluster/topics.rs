//! The logs of topics, as the engine in memory has them.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::cluster::{Appended, LogEntry, LogError, LogPosition, LogTail, OpenedTopic, TopicId};

/// The time for which the engine has a log that no node keeps.
pub(super) const RETENTION: Duration = Duration::from_secs(3_600);

/// The size of the largest entry or snapshot, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// The number of entries that one read returns at most.
const READ_ENTRIES: usize = 64;

/// The logs of all topics.
#[derive(Default)]
pub(super) struct MemoryLogs(HashMap<TopicId, MemoryTopic>);

/// The log of one topic.
struct MemoryTopic {
    snapshot_at: LogPosition,
    snapshot: Bytes,
    /// The position before the first entry: the position of an earlier snapshot, or of this one.
    start: LogPosition,
    entries: Vec<LogEntry>,
    kept: Instant,
    /// The transaction that has locked the topic.
    holder: Option<u64>,
}

impl MemoryTopic {
    fn end(&self) -> &LogPosition {
        self.entries.last().map_or(&self.start, |entry| &entry.at)
    }

    /// Returns the number of entries up to a position, or `None` if the log does not contain it.
    fn index(&self, at: &LogPosition) -> Option<usize> {
        if *at == self.start {
            return Some(0);
        }
        self.entries.iter().position(|entry| entry.at == *at).map(|index| index + 1)
    }

    fn after(&self, at: &LogPosition) -> Option<&[LogEntry]> {
        self.entries.get(self.index(at)?..)
    }
}

impl MemoryLogs {
    /// Returns the log of a topic, unless its time is over.
    fn get(&mut self, topic: &TopicId) -> Option<&mut MemoryTopic> {
        if self.0.get(topic).is_some_and(|log| log.holder.is_none() && log.kept.elapsed() >= RETENTION) {
            self.0.remove(topic);
        }
        self.0.get_mut(topic)
    }

    /// Returns the transaction that has locked a topic.
    pub(super) fn holder(&mut self, topic: &TopicId) -> Option<u64> {
        self.get(topic).and_then(|log| log.holder)
    }

    /// Locks a topic for a transaction. Returns whether the topic has a log.
    pub(super) fn hold(&mut self, topic: &TopicId, transaction: u64) -> bool {
        self.get(topic).map(|log| log.holder = Some(transaction)).is_some()
    }

    /// Unlocks a topic.
    pub(super) fn release(&mut self, topic: &TopicId) {
        if let Some(log) = self.0.get_mut(topic) {
            log.holder = None;
        }
    }

    /// Returns where a log stands.
    pub(super) fn end(&mut self, topic: &TopicId) -> Option<LogPosition> {
        self.get(topic).map(|log| log.end().clone())
    }

    pub(super) fn open(&mut self, topic: &TopicId) -> Option<OpenedTopic> {
        let log = self.get(topic)?;
        let tail = log.after(&log.snapshot_at).unwrap_or_default().to_vec();
        Some(OpenedTopic { at: log.snapshot_at.clone(), snapshot: log.snapshot.clone(), tail })
    }

    pub(super) fn begin(
        &mut self,
        topic: &TopicId,
        after: Option<&LogPosition>,
        at: LogPosition,
        snapshot: Bytes,
    ) -> Result<Appended, LogError> {
        accept(&snapshot)?;
        if self.end(topic).as_ref() != after {
            return Ok(Appended::Moved);
        }
        let (start, entries, kept) = (at.clone(), Vec::new(), Instant::now());
        let log = MemoryTopic { snapshot_at: at, snapshot, start, entries, kept, holder: None };
        self.0.insert(topic.clone(), log);
        Ok(Appended::Done)
    }

    pub(super) fn append(
        &mut self,
        topic: &TopicId,
        after: &LogPosition,
        entry: LogEntry,
    ) -> Result<Appended, LogError> {
        accept(&entry.body)?;
        match self.get(topic) {
            Some(log) if log.end() == after => {
                log.entries.push(entry);
                log.kept = Instant::now();
                Ok(Appended::Done)
            }
            Some(_) | None => Ok(Appended::Moved),
        }
    }

    /// Returns the first entries after a position.
    pub(super) fn read(&mut self, topic: &TopicId, after: &LogPosition) -> LogTail {
        match self.tail(topic, after) {
            LogTail::Entries(mut entries) => {
                entries.truncate(READ_ENTRIES);
                LogTail::Entries(entries)
            }
            LogTail::Gone => LogTail::Gone,
        }
    }

    /// Returns all entries after a position.
    pub(super) fn tail(&mut self, topic: &TopicId, after: &LogPosition) -> LogTail {
        let entries = self.get(topic).and_then(|log| log.after(after));
        entries.map_or(LogTail::Gone, |entries| LogTail::Entries(entries.to_vec()))
    }

    /// Keeps a log. A new snapshot replaces an older one, and removes the entries before the older
    /// one.
    pub(super) fn keep(
        &mut self,
        topic: &TopicId,
        at: &LogPosition,
        snapshot: Option<Bytes>,
    ) -> Result<(), LogError> {
        if let Some(snapshot) = &snapshot {
            accept(snapshot)?;
        }
        let Some(log) = self.get(topic) else { return Ok(()) };
        let Some(index) = log.index(at) else { return Ok(()) };
        log.kept = Instant::now();
        let before = log.index(&log.snapshot_at).unwrap_or_default();
        if let Some(snapshot) = snapshot
            && index > before
        {
            log.entries.drain(..before);
            log.start = std::mem::replace(&mut log.snapshot_at, at.clone());
            log.snapshot = snapshot;
        }
        Ok(())
    }

    /// Removes the newest entries, up to `count`, but none before the snapshot. Returns how many.
    pub(super) fn lose(&mut self, topic: &TopicId, count: usize) -> usize {
        let Some(log) = self.get(topic) else { return 0 };
        let kept = log.index(&log.snapshot_at).unwrap_or_default();
        let left = log.entries.len().saturating_sub(count).max(kept);
        log.entries.drain(left..).count()
    }
}

/// Checks the size of an entry or a snapshot.
pub(super) fn accept(bytes: &Bytes) -> Result<(), LogError> {
    let bytes = bytes.len();
    if bytes > MAX_BYTES { Err(LogError::TooLarge { bytes }) } else { Ok(()) }
}
