//! Topics, entries and feeds of the checks.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};
use vivaz_protocol::{Epoch, Rev, TopicName};

use crate::cluster::{Appended, LogEntry, LogFeed, LogPosition, LogTail, TopicId, TopicLog};

/// The longest time that a check waits for something that has to happen.
const PATIENCE: Duration = Duration::from_secs(40);

/// The time for which a check waits for something that must not happen.
const QUIET: Duration = Duration::from_millis(100);

pub(super) fn topic(name: &str) -> TopicId {
    TopicId { tenant: None, name: TopicName::new(name).unwrap() }
}

/// The position at which a log of this epoch begins.
pub(super) fn start(epoch: &str) -> LogPosition {
    LogPosition { epoch: Epoch::new(epoch).unwrap(), rev: Rev(0), chain: 17 }
}

/// An entry after a position.
pub(super) fn entry(after: &LogPosition, body: impl Into<Bytes>) -> LogEntry {
    let body = body.into();
    let add = |chain: u64, byte: &u8| (chain ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let chain = body.iter().fold(after.chain.rotate_left(7), add);
    LogEntry { at: LogPosition { epoch: after.epoch.clone(), rev: after.rev.next(), chain }, body }
}

/// Begins a log of the epoch `e` in which `count` entries follow the snapshot. Returns all
/// positions, the first one included.
pub(super) async fn begin(log: &dyn TopicLog, topic: &TopicId, count: usize) -> Vec<LogPosition> {
    let begun = log.begin(topic, None, start("e"), "snapshot".into()).await.unwrap();
    assert_eq!(begun, Appended::Done, "there is no log of {topic:?}");
    let mut positions = vec![start("e")];
    for number in 1..=count {
        let last = add(log, topic, &positions[number - 1], format!("entry {number}")).await;
        positions.push(last);
    }
    positions
}

/// Adds an entry to a log that stands at `after`.
pub(super) async fn add(
    log: &dyn TopicLog,
    topic: &TopicId,
    after: &LogPosition,
    body: impl Into<Bytes>,
) -> LogPosition {
    let entry = entry(after, body);
    let at = entry.at.clone();
    assert_eq!(log.append(topic, after, entry).await.unwrap(), Appended::Done, "it stands at {after:?}");
    at
}

/// Returns all entries after a position; `None` if it is gone.
pub(super) async fn read_all(
    log: &dyn TopicLog,
    topic: &TopicId,
    after: &LogPosition,
) -> Option<Vec<LogEntry>> {
    let (mut after, mut all) = (after.clone(), Vec::new());
    loop {
        match log.read(topic, &after).await.unwrap() {
            LogTail::Gone => return None,
            LogTail::Entries(entries) => {
                let Some(last) = entries.last() else { return Some(all) };
                after = last.at.clone();
                all.extend(entries);
            }
        }
    }
}

/// Returns the texts of all entries after a position.
pub(super) async fn texts(log: &dyn TopicLog, topic: &TopicId, after: &LogPosition) -> Vec<String> {
    let entries = read_all(log, topic, after).await.expect("the position is in the log");
    entries.iter().map(|entry| String::from_utf8(entry.body.to_vec()).unwrap()).collect()
}

/// Waits until `condition` holds.
pub(super) async fn until<F: Future<Output = bool>>(expected: &str, mut condition: impl FnMut() -> F) {
    let begin = Instant::now();
    while !condition().await {
        assert!(begin.elapsed() < PATIENCE, "waited in vain: {expected}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Gives something that must not happen the time to happen.
pub(super) async fn quiet() {
    sleep(QUIET).await;
}

/// A feed that remembers what it was notified of.
#[derive(Default)]
pub(super) struct CollectingFeed {
    entries: Mutex<Vec<LogEntry>>,
    looks: AtomicUsize,
}

impl CollectingFeed {
    pub(super) fn entries(&self) -> Vec<LogEntry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }

    /// Returns the number of notifications.
    pub(super) fn calls(&self) -> usize {
        self.entries().len() + self.looks()
    }
}

impl LogFeed for CollectingFeed {
    fn entry(&self, entry: LogEntry) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    fn look(&self) {
        self.looks.fetch_add(1, Ordering::SeqCst);
    }
}

/// A new feed, as the log and as the check need it.
pub(super) fn feed() -> Arc<CollectingFeed> {
    Arc::default()
}
