//! Transactions of the engine in memory. They have topic logs and no SQL.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vivaz_components::ActionError;
use vivaz_databases::{DatabaseError, Driver, Row, Tx, Value};

use super::node::MemoryNode;
use super::plan::Loss;
use super::state::{ClusterState, ClusterTables};
use crate::cluster::{Appended, LogEntry, LogError, LogInTransaction, LogPosition, LogTail, TopicId};

/// A transaction of a node. It ends when it is committed or dropped.
pub(super) struct MemoryTransaction {
    node: MemoryNode,
    number: u64,
    /// How often the node's connection had broken when the transaction began.
    breaks: u64,
    locked: Mutex<Vec<LockedTopic>>,
}

/// A topic that a transaction has locked, with the entries that it adds.
struct LockedTopic {
    topic: TopicId,
    end: LogPosition,
    added: Vec<(LogPosition, LogEntry)>,
}

/// The driver of a [`Tx`] on a transaction in memory.
struct MemoryDriver(Arc<MemoryTransaction>);

impl Driver for MemoryDriver {
    fn execute(&mut self, _sql: &str, _params: &[Value]) -> Result<u64, DatabaseError> {
        Err(DatabaseError::NoDatabase)
    }

    fn query(&mut self, _sql: &str, _params: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        Err(DatabaseError::NoDatabase)
    }

    fn script(&mut self, _sql: &str) -> Result<(), DatabaseError> {
        Err(DatabaseError::NoDatabase)
    }

    fn native(&self) -> &dyn Any {
        &*self.0
    }
}

impl MemoryNode {
    /// Runs `work` in a transaction of the engine, on a thread that may block. The entries that it
    /// adds through [`TopicLog::in_transaction`](crate::cluster::TopicLog::in_transaction) last if
    /// it succeeds. The engine has no SQL: statements fail with [`DatabaseError::NoDatabase`].
    ///
    /// # Errors
    /// Returns the error of `work`, [`DatabaseError::Failed`] if the node does not reach the
    /// engine, and [`DatabaseError::Unknown`] if the answer to the commit is lost.
    pub async fn transaction<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let node = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let transaction = node.begin_transaction()?;
            let result = work(&mut Tx::new(MemoryDriver(Arc::clone(&transaction))))?;
            transaction.commit()?;
            Ok(result)
        });
        done.await.map_err(DatabaseError::failed)?
    }

    /// Runs the work of a commit of the session store in a transaction.
    pub(super) fn run_in_store<T>(
        &self,
        work: impl FnOnce(&mut Tx) -> Result<T, ActionError>,
    ) -> Result<T, ActionError> {
        let transaction = self.begin_transaction()?;
        let result = work(&mut Tx::new(MemoryDriver(Arc::clone(&transaction))))?;
        // The store has its own faults.
        transaction.end(None)?;
        Ok(result)
    }

    fn begin_transaction(&self) -> Result<Arc<MemoryTransaction>, DatabaseError> {
        let mut tables = self.cluster.lock();
        if !tables.is_connected(&self.id) {
            return Err(DatabaseError::failed("the node does not reach the engine"));
        }
        let (number, breaks) = (tables.next_number(), tables.node(&self.id).breaks);
        drop(tables);
        Ok(Arc::new(MemoryTransaction { node: self.clone(), number, breaks, locked: Mutex::default() }))
    }
}

impl MemoryTransaction {
    pub(super) fn is_of(&self, cluster: &Arc<ClusterState>) -> bool {
        Arc::ptr_eq(&self.node.cluster, cluster)
    }

    /// Checks whether the connection is that with which the transaction began.
    fn is_whole(&self, tables: &mut ClusterTables) -> bool {
        tables.is_connected(&self.node.id) && tables.node(&self.node.id).breaks == self.breaks
    }

    fn locked(&self) -> MutexGuard<'_, Vec<LockedTopic>> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits, with the faults of a call.
    fn commit(&self) -> Result<(), DatabaseError> {
        let topic = self.locked().first().map(|locked| locked.topic.clone());
        self.end(topic.and_then(|topic| self.node.plan("commit", &topic).loss))
    }

    /// Adds the entries and unlocks the topics.
    fn end(&self, loss: Option<Loss>) -> Result<(), DatabaseError> {
        let locked = std::mem::take(&mut *self.locked());
        self.node.cluster.change(|tables| {
            for locked in &locked {
                tables.logs.release(&locked.topic);
            }
            if !self.is_whole(tables) || loss == Some(Loss::Refused) {
                return Err(DatabaseError::failed("the transaction was rolled back"));
            }
            if matches!(loss, Some(Loss::Call | Loss::Late)) {
                return Err(DatabaseError::Unknown(Arc::from(Box::from("the commit was lost"))));
            }
            for LockedTopic { topic, added, .. } in locked {
                for (after, entry) in added {
                    let appended = tables.logs.append(&topic, &after, entry.clone());
                    // The lock has kept other entries away, and a lost tail breaks the connection.
                    if matches!(appended, Ok(Appended::Done)) {
                        tables.announce(&topic, &entry);
                    }
                }
            }
            if loss == Some(Loss::Answer) {
                return Err(DatabaseError::Unknown(Arc::from(Box::from("the answer was lost"))));
            }
            Ok(())
        })
    }
}

impl Drop for MemoryTransaction {
    fn drop(&mut self) {
        let locked = std::mem::take(&mut *self.locked());
        if !locked.is_empty() {
            let cluster = &self.node.cluster;
            cluster.change(|tables| locked.iter().for_each(|locked| tables.logs.release(&locked.topic)));
        }
    }
}

impl LogInTransaction for &MemoryTransaction {
    fn lock(&mut self, topic: &TopicId, after: &LogPosition) -> Result<LogTail, LogError> {
        let mut locked = self.locked();
        let is_locked = locked.iter().any(|locked| locked.topic == *topic);
        if !is_locked && locked.iter().any(|locked| locked.topic > *topic) {
            return Err(LogError::Unavailable("topics are locked in the order of their ids".into()));
        }
        self.node.cluster.wait_blocking(|tables| {
            if !self.is_whole(tables) {
                return Some(Err(LogError::Unavailable("the connection broke".into())));
            }
            if tables.logs.holder(topic).is_some_and(|holder| holder != self.number) {
                return None;
            }
            if !is_locked && tables.logs.hold(topic, self.number) {
                let end = tables.logs.end(topic)?;
                locked.push(LockedTopic { topic: topic.clone(), end, added: Vec::new() });
            }
            Some(Ok(tables.logs.tail(topic, after)))
        })
    }

    fn append(
        &mut self,
        topic: &TopicId,
        after: &LogPosition,
        entry: LogEntry,
    ) -> Result<Appended, LogError> {
        super::topics::accept(&entry.body)?;
        let mut locked = self.locked();
        let Some(locked) = locked.iter_mut().find(|locked| locked.topic == *topic) else {
            return Err(LogError::Unavailable("the transaction has not locked the topic".into()));
        };
        if locked.end != *after {
            return Ok(Appended::Moved);
        }
        locked.end = entry.at.clone();
        locked.added.push((after.clone(), entry));
        Ok(Appended::Done)
    }
}
