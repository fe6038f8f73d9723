//! Topic logs that break a rule.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use vivaz::Tx;
use vivaz::cluster::{
    Appended, LogEntry, LogError, LogFeed, LogInTransaction, LogPosition, LogTail, OpenedTopic, TopicId,
    TopicLog,
};
use vivaz::instance::BoxFuture;

use super::transaction::BrokenTransaction;
use super::{FeedWithoutLooks, Rule, Shared, end, lossy};

#[derive(Clone)]
pub(super) struct BrokenLog {
    pub(super) rule: Rule,
    pub(super) inner: Arc<dyn TopicLog>,
    pub(super) shared: Arc<Shared>,
}

/// Calls a function when it is dropped before it is done.
struct Unless<F: FnMut()>(bool, F);

impl<F: FnMut()> Drop for Unless<F> {
    fn drop(&mut self) {
        if !self.0 {
            (self.1)();
        }
    }
}

impl BrokenLog {
    fn topic(&self, topic: &TopicId) -> TopicId {
        match self.rule {
            Rule::TenantsAreSeparate => TopicId { tenant: None, ..topic.clone() },
            Rule::NamesAreExact => {
                let name = topic.name.as_str().to_lowercase().parse().unwrap();
                TopicId { name, ..topic.clone() }
            }
            _ => topic.clone(),
        }
    }

    async fn broken_append(
        self,
        topic: TopicId,
        after: LogPosition,
        mut entry: LogEntry,
    ) -> Result<Appended, LogError> {
        let log = Arc::clone(&self.inner);
        match self.rule {
            Rule::AppendComparesTheHash | Rule::AppendComparesTheEpoch => {
                let Some(opened) = log.open(&topic).await? else { return Ok(Appended::Moved) };
                let end = end(&opened);
                let same = match self.rule {
                    Rule::AppendComparesTheHash => (&end.epoch, end.rev) == (&after.epoch, after.rev),
                    _ => (end.chain, end.rev) == (after.chain, after.rev),
                };
                log.append(&topic, if same { &end } else { &after }, entry).await
            }
            Rule::AppendIsAtomic => {
                let opened = log.open(&topic).await?;
                if opened.as_ref().map(end) != Some(after) {
                    return Ok(Appended::Moved);
                }
                tokio::task::yield_now().await;
                loop {
                    let now = log.open(&topic).await?.unwrap();
                    if log.append(&topic, &end(&now), entry.clone()).await? == Appended::Done {
                        return Ok(Appended::Done);
                    }
                }
            }
            Rule::BodiesAreWhole => {
                entry.body = lossy(&entry.body);
                log.append(&topic, &after, entry).await
            }
            Rule::TooLargeHasNoEffect => match log.append(&topic, &after, entry.clone()).await {
                Err(LogError::TooLarge { bytes }) => {
                    entry.body.truncate(10);
                    let _added = log.append(&topic, &after, entry).await;
                    Err(LogError::TooLarge { bytes })
                }
                other => other,
            },
            Rule::LateCallsAreSettled => {
                let late = || {
                    let (log, topic, after, entry) =
                        (Arc::clone(&log), topic.clone(), after.clone(), entry.clone());
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        log.append(&topic, &after, entry).await
                    });
                };
                let mut call = Unless(false, late);
                tokio::time::sleep(Duration::from_millis(1)).await;
                let result = log.append(&topic, &after, entry.clone()).await;
                call.0 = result.is_ok();
                result
            }
            Rule::FeedsGetOnlyWhatWasAdded => {
                let feeds = self.shared.feeds.lock().unwrap().clone();
                for (_, feed) in feeds.iter().filter(|(of, _)| *of == topic) {
                    if let Some(feed) = feed.upgrade() {
                        feed.entry(entry.clone());
                    }
                }
                log.append(&topic, &after, entry).await
            }
            _ => log.append(&topic, &after, entry).await,
        }
    }
}

impl TopicLog for BrokenLog {
    fn open(&self, topic: &TopicId) -> BoxFuture<Result<Option<OpenedTopic>, LogError>> {
        let (rule, open) = (self.rule, self.inner.open(&self.topic(topic)));
        Box::pin(async move {
            match open.await {
                Err(_) if rule == Rule::ErrorsAreNoAbsence => Ok(None),
                Ok(Some(mut opened)) if rule == Rule::TailsAreWhole => {
                    opened.tail.truncate(64);
                    Ok(Some(opened))
                }
                other => other,
            }
        })
    }

    fn begin(
        &self,
        topic: &TopicId,
        after: Option<&LogPosition>,
        at: LogPosition,
        snapshot: Bytes,
    ) -> BoxFuture<Result<Appended, LogError>> {
        let (log, rule, topic, after) = (self.inner.clone(), self.rule, self.topic(topic), after.cloned());
        Box::pin(async move {
            let after = match rule {
                Rule::BeginCompares => log.open(&topic).await?.as_ref().map(end),
                _ => after,
            };
            log.begin(&topic, after.as_ref(), at, snapshot).await
        })
    }

    fn append(
        &self,
        topic: &TopicId,
        after: &LogPosition,
        entry: LogEntry,
    ) -> BoxFuture<Result<Appended, LogError>> {
        Box::pin(self.clone().broken_append(self.topic(topic), after.clone(), entry))
    }

    fn read(&self, topic: &TopicId, after: &LogPosition) -> BoxFuture<Result<LogTail, LogError>> {
        let (log, rule, topic, after) = (self.inner.clone(), self.rule, self.topic(topic), after.clone());
        Box::pin(async move {
            match (rule, log.read(&topic, &after).await?) {
                (Rule::ReadsAreWhole, LogTail::Entries(mut entries)) if entries.len() > 32 => {
                    entries.remove(5);
                    Ok(LogTail::Entries(entries))
                }
                (Rule::ReadsCompareTheHash, LogTail::Gone) => {
                    let Some(opened) = log.open(&topic).await? else { return Ok(LogTail::Gone) };
                    let mut positions = opened.tail.into_iter().map(|entry| entry.at).chain([opened.at]);
                    let same = positions.find(|at| (&at.epoch, at.rev) == (&after.epoch, after.rev));
                    log.read(&topic, &same.unwrap_or(after)).await
                }
                (_, tail) => Ok(tail),
            }
        })
    }

    fn keep(
        &self,
        topic: &TopicId,
        at: &LogPosition,
        snapshot: Option<Bytes>,
    ) -> BoxFuture<Result<(), LogError>> {
        let (log, rule, topic, mut at) = (self.inner.clone(), self.rule, self.topic(topic), at.clone());
        Box::pin(async move {
            let mut snapshot = snapshot;
            if rule == Rule::SnapshotsReplace {
                snapshot = None;
            }
            if rule == Rule::UnknownPositionsAreNotKept
                && let Some(opened) = log.open(&topic).await?
                && !opened.tail.iter().any(|entry| entry.at == at)
            {
                at = end(&opened);
            }
            log.keep(&topic, &at, snapshot).await
        })
    }

    fn follow(
        &self,
        topic: &TopicId,
        feed: Arc<dyn LogFeed>,
    ) -> BoxFuture<Result<Box<dyn Any + Send + Sync>, LogError>> {
        let topic = self.topic(topic);
        let deaf = Arc::new(FeedWithoutLooks(Arc::clone(&feed)));
        self.shared.feeds.lock().unwrap().push((topic.clone(), Arc::downgrade(&deaf)));
        let follow = match self.rule {
            Rule::FeedsLook => self.inner.follow(&topic, deaf.clone()),
            _ => self.inner.follow(&topic, feed),
        };
        let rule = self.rule;
        Box::pin(async move {
            let guard = follow.await?;
            match rule {
                Rule::FeedsAreNotified => drop(guard),
                Rule::FeedsEnd => std::mem::forget(guard),
                _ => return Ok(Box::new((guard, deaf)) as _),
            }
            Ok(Box::new(deaf) as _)
        })
    }

    fn in_transaction<'tx>(&self, tx: &'tx mut Tx) -> Option<Box<dyn LogInTransaction + 'tx>> {
        let inner = self.inner.in_transaction(tx)?;
        Some(Box::new(BrokenTransaction::new(inner, self.clone())))
    }
}
