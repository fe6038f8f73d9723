//! The topic log of a node.

use std::any::Any;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use vivaz_components::instance::BoxFuture;
use vivaz_databases::postgres::PostgresConnection;
use vivaz_databases::{DatabaseError, Tx};

use super::PostgresNode;
use super::node::NodeState;
use super::statements::{self, TopicKey};
use crate::cluster::{
    Appended, LogEntry, LogError, LogFeed, LogInTransaction, LogPosition, LogTail, OpenedTopic, TopicId,
    TopicLog,
};

/// The size of the largest entry and of the largest snapshot, in bytes.
const MOST_BYTES: usize = 32 << 20;

impl PostgresNode {
    /// Makes a call behind the earlier ones of this node for the topic, also if their callers do
    /// not wait any more. If the connection of one is lost, its process of the server has ended
    /// before the next one begins.
    fn call<T: Send + 'static>(
        &self,
        key: TopicKey,
        work: impl FnOnce(&mut Tx) -> Result<T, DatabaseError> + Send + 'static,
        publish: impl FnOnce(&T) + Send + 'static,
    ) -> BoxFuture<Result<T, DatabaseError>> {
        let lane = format!(" topic {}", key.to_hex());
        self.state().database().submit_for([lane], work, |done| {
            publish(&done);
            done
        })
    }

    /// Adds an entry or begins a log, and notifies the other nodes.
    fn write(
        &self,
        key: TopicKey,
        rev: u64,
        bytes: usize,
        work: impl FnOnce(&mut Tx) -> Result<Appended, DatabaseError> + Send + 'static,
    ) -> BoxFuture<Result<Appended, LogError>> {
        if let Err(error) = accept(bytes) {
            return Box::pin(ready(Err(error)));
        }
        let state = Arc::clone(self.state());
        let call = self.call(key, work, move |appended| {
            if *appended == Appended::Done {
                state.outbox.notify(key, rev);
            }
        });
        Box::pin(async move {
            match call.await {
                // Another transaction has changed the topic meanwhile, with a strict isolation.
                Err(DatabaseError::Conflict(_)) => Ok(Appended::Moved),
                appended => appended.map_err(convert),
            }
        })
    }
}

fn accept(bytes: usize) -> Result<(), LogError> {
    if bytes > MOST_BYTES { Err(LogError::TooLarge { bytes }) } else { Ok(()) }
}

/// Converts the error of a transaction. Only [`DatabaseError::Unknown`] may have taken effect.
fn convert(error: DatabaseError) -> LogError {
    let is_unreadable = matches!(
        error,
        DatabaseError::Corrupt(_)
            | DatabaseError::Row(_)
            | DatabaseError::Unique(_)
            | DatabaseError::Constraint(_)
    );
    if is_unreadable {
        LogError::Unreadable(error.to_string())
    } else if matches!(error, DatabaseError::Unknown(_)) {
        LogError::Unknown(error.into())
    } else {
        LogError::Unavailable(error.into())
    }
}

impl TopicLog for PostgresNode {
    fn open(&self, topic: &TopicId) -> BoxFuture<Result<Option<OpenedTopic>, LogError>> {
        let key = statements::key(topic);
        let call = self.call(key, move |tx| statements::open(tx, &key), |_| ());
        Box::pin(async move { call.await.map_err(convert) })
    }

    fn begin(
        &self,
        topic: &TopicId,
        after: Option<&LogPosition>,
        at: LogPosition,
        snapshot: Bytes,
    ) -> BoxFuture<Result<Appended, LogError>> {
        let (topic, after) = (topic.clone(), after.cloned());
        self.write(statements::key(&topic), at.rev.0, snapshot.len(), move |tx| {
            statements::begin(tx, &topic, after.as_ref(), &at, &snapshot)
        })
    }

    fn append(
        &self,
        topic: &TopicId,
        after: &LogPosition,
        entry: LogEntry,
    ) -> BoxFuture<Result<Appended, LogError>> {
        let (key, after) = (statements::key(topic), after.clone());
        self.write(key, entry.at.rev.0, entry.body.len(), move |tx| {
            statements::append(tx, &key, &after, &entry)
        })
    }

    fn read(&self, topic: &TopicId, after: &LogPosition) -> BoxFuture<Result<LogTail, LogError>> {
        let (key, after) = (statements::key(topic), after.clone());
        let call = self.call(key, move |tx| statements::read(tx, &key, &after), |_| ());
        Box::pin(async move { call.await.map_err(convert) })
    }

    fn keep(
        &self,
        topic: &TopicId,
        at: &LogPosition,
        snapshot: Option<Bytes>,
    ) -> BoxFuture<Result<(), LogError>> {
        if let Err(error) = accept(snapshot.as_ref().map_or(0, Bytes::len)) {
            return Box::pin(ready(Err(error)));
        }
        let (key, at) = (statements::key(topic), at.clone());
        let call = self.call(key, move |tx| statements::keep(tx, &key, &at, snapshot.as_deref()), |()| ());
        Box::pin(async move { call.await.map_err(convert) })
    }

    fn follow(
        &self,
        topic: &TopicId,
        feed: Arc<dyn LogFeed>,
    ) -> BoxFuture<Result<Box<dyn Any + Send + Sync>, LogError>> {
        let guard = self.state().feeds.register(statements::key(topic), feed);
        let guard: Box<dyn Any + Send + Sync> = Box::new(guard);
        Box::pin(ready(Ok(guard)))
    }

    fn poll(&self) -> Duration {
        // The node looks for the entries of all topics with one query.
        Duration::from_secs(10)
    }

    fn retention(&self) -> Duration {
        Duration::from_millis(statements::RETENTION)
    }

    fn in_transaction<'tx>(&self, tx: &'tx mut Tx) -> Option<Box<dyn LogInTransaction + 'tx>> {
        let state = Arc::clone(self.state());
        let is_ours = state.database().owns(tx.native().ok()?);
        is_ours.then(move || Box::new(TransactionLog { state, tx }) as _)
    }
}

/// The log inside of a transaction.
struct TransactionLog<'tx> {
    state: Arc<NodeState>,
    tx: &'tx mut Tx,
}

impl LogInTransaction for TransactionLog<'_> {
    fn lock(&mut self, topic: &TopicId, after: &LogPosition) -> Result<LogTail, LogError> {
        statements::lock(self.tx, &statements::key(topic), after).map_err(convert)
    }

    fn append(
        &mut self,
        topic: &TopicId,
        after: &LogPosition,
        entry: LogEntry,
    ) -> Result<Appended, LogError> {
        accept(entry.body.len())?;
        let key = statements::key(topic);
        let appended = statements::append(self.tx, &key, after, &entry).map_err(convert)?;
        if appended == Appended::Done {
            let (state, rev) = (Arc::clone(&self.state), entry.at.rev.0);
            let connection: &PostgresConnection = self.tx.native().map_err(convert)?;
            connection.after_commit(move || state.outbox.notify(key, rev));
        }
        Ok(appended)
    }
}
