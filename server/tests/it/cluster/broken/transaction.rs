//! Logs inside of transactions that break a rule.

use std::thread;

use tokio::runtime::Handle;
use vivaz::cluster::{Appended, LogEntry, LogError, LogInTransaction, LogPosition, LogTail, TopicId};

use super::log::BrokenLog;
use super::{Rule, end};

pub(super) struct BrokenTransaction<'tx> {
    inner: Box<dyn LogInTransaction + 'tx>,
    log: BrokenLog,
    handle: Handle,
}

impl<'tx> BrokenTransaction<'tx> {
    pub(super) fn new(inner: Box<dyn LogInTransaction + 'tx>, log: BrokenLog) -> Self {
        Self { inner, log, handle: Handle::current() }
    }
}

impl LogInTransaction for BrokenTransaction<'_> {
    fn lock(&mut self, topic: &TopicId, after: &LogPosition) -> Result<LogTail, LogError> {
        let log = &self.log.inner;
        let mut tail = match self.log.rule {
            Rule::TransactionsRollBack | Rule::LocksHold => {
                let Some(opened) = self.handle.block_on(log.open(topic))? else { return Ok(LogTail::Gone) };
                let positions =
                    [opened.at].into_iter().chain(opened.tail.iter().map(|entry| entry.at.clone()));
                match positions.into_iter().position(|at| at == *after) {
                    Some(index) => LogTail::Entries(opened.tail[index..].to_vec()),
                    None => LogTail::Gone,
                }
            }
            _ => self.inner.lock(topic, after)?,
        };
        if let (Rule::LockedTailsAreWhole, LogTail::Entries(entries)) = (self.log.rule, &mut tail) {
            entries.truncate(64);
        }
        Ok(tail)
    }

    fn append(
        &mut self,
        topic: &TopicId,
        after: &LogPosition,
        entry: LogEntry,
    ) -> Result<Appended, LogError> {
        match self.log.rule {
            Rule::TransactionsRollBack => self.handle.block_on(self.log.inner.append(topic, after, entry)),
            Rule::LocksHold => {
                let mut buffered = self.log.shared.buffered.lock().unwrap();
                let thread = thread::current().id();
                let own = buffered.iter().rfind(|(of, on, ..)| (of, on) == (&thread, topic));
                let end = match own {
                    Some((.., entry)) => entry.at.clone(),
                    None => end(&self.handle.block_on(self.log.inner.open(topic))?.unwrap()),
                };
                if end != *after {
                    return Ok(Appended::Moved);
                }
                buffered.push((thread, topic.clone(), after.clone(), entry));
                Ok(Appended::Done)
            }
            Rule::TransactionsCompare => {
                let _ignored = self.inner.append(topic, after, entry)?;
                Ok(Appended::Done)
            }
            _ => self.inner.append(topic, after, entry),
        }
    }
}
