//! A log in memory that fails as a seed decides.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use vivaz_components::Tx;
use vivaz_components::cluster::{
    Appended, LogEntry, LogError, LogFeed, LogInTransaction, LogPosition, LogTail, OpenedTopic, TopicId,
    TopicLog,
};

type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// Numbers that depend on a seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

/// How often calls fail, in percent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) unknown: u64,
    pub(crate) unavailable: u64,
    /// Notifications that are lost, and those that are repeated.
    pub(crate) notification: u64,
    /// The longest delay of a call or a notification, in milliseconds.
    pub(crate) delay: u64,
    /// The most entries that a read returns; 0 for all.
    pub(crate) read: usize,
}

/// The engine that all nodes share.
pub(crate) struct MemoryEngine {
    logs: Mutex<HashMap<TopicId, MemoryTopic>>,
    feeds: Mutex<Vec<(TopicId, Weak<FeedGuard>)>>,
    dice: Mutex<Dice>,
    faults: Mutex<Faults>,
    pub(crate) largest: usize,
}

struct FeedGuard(Arc<dyn LogFeed>);

struct MemoryTopic {
    first: LogPosition,
    snapshot: Bytes,
    entries: Vec<LogEntry>,
}

impl MemoryTopic {
    fn at(&self) -> &LogPosition {
        self.entries.last().map_or(&self.first, |entry| &entry.at)
    }

    /// Returns the index of the first entry after a position.
    fn after(&self, at: &LogPosition) -> Option<usize> {
        if self.first == *at {
            return Some(0);
        }
        self.entries.iter().position(|entry| entry.at == *at).map(|index| index + 1)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryEngine {
    pub(crate) fn new(seed: u64, faults: Faults) -> Arc<Self> {
        Arc::new(Self {
            logs: Mutex::default(),
            feeds: Mutex::default(),
            dice: Mutex::new(Dice::new(seed)),
            faults: Mutex::new(faults),
            largest: usize::MAX,
        })
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *lock(&self.faults) = faults;
    }

    fn roll(&self, sides: u64) -> u64 {
        lock(&self.dice).roll(sides)
    }

    fn happens(&self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    fn faults(&self) -> Faults {
        *lock(&self.faults)
    }

    async fn wait(&self) {
        let most = self.faults().delay;
        if most > 0 {
            tokio::time::sleep(Duration::from_millis(self.roll(most + 1))).await;
        }
    }

    /// Runs a call that writes: it may not arrive, and its answer may be lost.
    async fn write<R>(
        &self,
        run: impl FnOnce(&mut HashMap<TopicId, MemoryTopic>) -> R,
    ) -> Result<R, LogError> {
        let Faults { unknown, unavailable, .. } = self.faults();
        self.wait().await;
        if self.happens(unavailable) {
            return Err(LogError::Unavailable("refused".into()));
        }
        if self.happens(unknown / 2) {
            return Err(LogError::Unknown("lost on the way".into()));
        }
        let result = run(&mut lock(&self.logs));
        self.wait().await;
        if self.happens(unknown / 2) {
            return Err(LogError::Unknown("the answer is lost".into()));
        }
        Ok(result)
    }

    async fn read<R>(&self, run: impl FnOnce(&HashMap<TopicId, MemoryTopic>) -> R) -> Result<R, LogError> {
        self.wait().await;
        if self.happens(self.faults().unavailable) {
            return Err(LogError::Unavailable("refused".into()));
        }
        let result = run(&lock(&self.logs));
        self.wait().await;
        Ok(result)
    }

    fn notify(self: &Arc<Self>, topic: &TopicId, entry: &LogEntry) {
        let feeds: Vec<_> = lock(&self.feeds).iter().filter(|(id, _)| id == topic).cloned().collect();
        for (_, feed) in feeds {
            let Faults { notification, delay, .. } = self.faults();
            let times = if self.happens(notification) { self.roll(3) } else { 1 };
            for _ in 0..times {
                let wait = Duration::from_millis(self.roll(delay * 2 + 1));
                let (feed, entry) = (feed.clone(), entry.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    if let Some(feed) = feed.upgrade() {
                        feed.0.entry(entry);
                    }
                });
            }
        }
    }

    /// Adds the entries of a transaction.
    pub(crate) fn commit(self: &Arc<Self>, entries: StagedEntries) {
        for (topic, entry) in entries {
            if let Some(log) = lock(&self.logs).get_mut(&topic) {
                log.entries.push(entry.clone());
            }
            self.notify(&topic, &entry);
        }
    }

    /// Drops the newest entries, as a failover does.
    pub(crate) fn lose_tail(&self, topic: &TopicId, count: usize) {
        if let Some(log) = lock(&self.logs).get_mut(topic) {
            let kept = log.entries.len().saturating_sub(count);
            log.entries.truncate(kept);
        }
    }

    /// Drops the whole log, as an engine does after its retention.
    pub(crate) fn expire(&self, topic: &TopicId) {
        lock(&self.logs).remove(topic);
    }

    /// Returns the number of entries after the snapshot.
    pub(crate) fn entries(&self, topic: &TopicId) -> usize {
        lock(&self.logs).get(topic).map_or(0, |log| log.entries.len())
    }

    /// Adds bytes that no topic wrote.
    pub(crate) fn corrupt(&self, topic: &TopicId, body: &'static [u8]) {
        if let Some(log) = lock(&self.logs).get_mut(topic) {
            let at = log.at().clone();
            let at = LogPosition { rev: at.rev.next(), chain: at.chain ^ 1, ..at };
            log.entries.push(LogEntry { at, body: Bytes::from_static(body) });
        }
    }
}

/// The engine as a node has it.
pub(crate) struct MemoryLog(pub(crate) Arc<MemoryEngine>);

impl TopicLog for MemoryLog {
    fn open(&self, topic: &TopicId) -> BoxFuture<Result<Option<OpenedTopic>, LogError>> {
        let (engine, topic) = (Arc::clone(&self.0), topic.clone());
        Box::pin(async move {
            let opened = |log: &MemoryTopic| OpenedTopic {
                at: log.first.clone(),
                snapshot: log.snapshot.clone(),
                tail: log.entries.clone(),
            };
            engine.read(|logs| logs.get(&topic).map(opened)).await
        })
    }

    fn begin(
        &self,
        topic: &TopicId,
        after: Option<&LogPosition>,
        at: LogPosition,
        snapshot: Bytes,
    ) -> BoxFuture<Result<Appended, LogError>> {
        let (engine, topic, after) = (Arc::clone(&self.0), topic.clone(), after.cloned());
        Box::pin(async move {
            engine
                .write(|logs| {
                    if logs.get(&topic).map(MemoryTopic::at) != after.as_ref() {
                        return Appended::Moved;
                    }
                    logs.insert(topic, MemoryTopic { first: at, snapshot, entries: Vec::new() });
                    Appended::Done
                })
                .await
        })
    }

    fn append(
        &self,
        topic: &TopicId,
        after: &LogPosition,
        entry: LogEntry,
    ) -> BoxFuture<Result<Appended, LogError>> {
        let (engine, topic, after) = (Arc::clone(&self.0), topic.clone(), after.clone());
        Box::pin(async move {
            let bytes = entry.body.len();
            if bytes > engine.largest {
                return Err(LogError::TooLarge { bytes });
            }
            engine
                .write(|logs| match logs.get_mut(&topic) {
                    Some(log) if *log.at() == after => {
                        log.entries.push(entry.clone());
                        engine.notify(&topic, &entry);
                        Appended::Done
                    }
                    _ => Appended::Moved,
                })
                .await
        })
    }

    fn read(&self, topic: &TopicId, after: &LogPosition) -> BoxFuture<Result<LogTail, LogError>> {
        let (engine, topic, after) = (Arc::clone(&self.0), topic.clone(), after.clone());
        Box::pin(async move {
            let most = match engine.faults().read {
                0 => usize::MAX,
                most => most,
            };
            let tail = |log: &MemoryTopic| {
                let entries = log.entries.get(log.after(&after)?..)?;
                Some(entries.iter().take(most).cloned().collect())
            };
            let tail = engine.read(|logs| logs.get(&topic).and_then(tail)).await?;
            Ok(tail.map_or(LogTail::Gone, LogTail::Entries))
        })
    }

    fn keep(
        &self,
        topic: &TopicId,
        at: &LogPosition,
        snapshot: Option<Bytes>,
    ) -> BoxFuture<Result<(), LogError>> {
        let (engine, topic, at) = (Arc::clone(&self.0), topic.clone(), at.clone());
        Box::pin(async move {
            engine
                .write(|logs| {
                    let Some(log) = logs.get_mut(&topic) else { return };
                    if let (Some(snapshot), Some(after)) = (snapshot, log.after(&at)) {
                        log.entries.drain(..after);
                        (log.first, log.snapshot) = (at, snapshot);
                    }
                })
                .await
        })
    }

    fn follow(
        &self,
        topic: &TopicId,
        feed: Arc<dyn LogFeed>,
    ) -> BoxFuture<Result<Box<dyn Any + Send + Sync>, LogError>> {
        let (engine, topic) = (Arc::clone(&self.0), topic.clone());
        Box::pin(async move {
            engine.read(|_| ()).await?;
            let guard = Arc::new(FeedGuard(feed));
            lock(&engine.feeds).push((topic, Arc::downgrade(&guard)));
            Ok(Box::new(guard) as Box<dyn Any + Send + Sync>)
        })
    }

    fn in_transaction<'tx>(&self, tx: &'tx mut Tx) -> Option<Box<dyn LogInTransaction + 'tx>> {
        let staged = Arc::clone(tx.native::<Arc<Mutex<StagedEntries>>>().ok()?);
        Some(Box::new(MemoryTransaction { engine: Arc::clone(&self.0), staged }))
    }
}

/// The entries of a transaction that is not committed. Tests run on one thread and wait for nothing
/// inside of a transaction, so no other node adds entries meanwhile.
pub(crate) type StagedEntries = Vec<(TopicId, LogEntry)>;

struct MemoryTransaction {
    engine: Arc<MemoryEngine>,
    staged: Arc<Mutex<StagedEntries>>,
}

impl LogInTransaction for MemoryTransaction {
    fn lock(&mut self, topic: &TopicId, after: &LogPosition) -> Result<LogTail, LogError> {
        let logs = lock(&self.engine.logs);
        let entries = logs.get(topic).and_then(|log| log.entries.get(log.after(after)?..));
        Ok(entries.map_or(LogTail::Gone, |entries| LogTail::Entries(entries.to_vec())))
    }

    fn append(
        &mut self,
        topic: &TopicId,
        after: &LogPosition,
        entry: LogEntry,
    ) -> Result<Appended, LogError> {
        let logs = lock(&self.engine.logs);
        if logs.get(topic).map(MemoryTopic::at) != Some(after) {
            return Ok(Appended::Moved);
        }
        lock(&self.staged).push((topic.clone(), entry));
        Ok(Appended::Done)
    }
}
