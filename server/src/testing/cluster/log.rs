//! The topic log of a node.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::sleep;
use vivaz_components::instance::BoxFuture;
use vivaz_databases::Tx;

use super::flight::{Caller, Flight};
use super::node::MemoryNode;
use super::plan::{CallPlan, Loss};
use super::registered::Registered;
use super::state::ClusterTables;
use super::transaction::MemoryTransaction;
use crate::cluster::{
    Appended, LogEntry, LogError, LogFeed, LogInTransaction, LogPosition, LogTail, NodeId, OpenedTopic,
    TopicId, TopicLog,
};

fn unavailable(error: &str) -> LogError {
    LogError::Unavailable(error.into())
}

fn unknown(error: &str) -> LogError {
    LogError::Unknown(error.into())
}

impl MemoryNode {
    /// Makes a call without an effect.
    fn query<T: Send + 'static>(
        &self,
        name: &'static str,
        topic: &TopicId,
        query: impl FnOnce(&mut ClusterTables) -> T + Send + 'static,
    ) -> BoxFuture<Result<T, LogError>> {
        let (node, topic, plan) = (self.clone(), topic.clone(), self.plan(name, topic));
        Box::pin(async move {
            let breaks = node.connect().await?;
            pass(plan.before).await;
            if plan.loss.is_some() || node.connect().await? != breaks {
                return Err(unavailable("the query was lost"));
            }
            let result = node.cluster.change(|tables| {
                settle(tables, &node.id, &topic, plan.settles);
                query(tables)
            });
            pass(plan.after).await;
            if node.connect().await? != breaks {
                return Err(unavailable("the answer was lost"));
            }
            Ok(result)
        })
    }

    /// Makes a call with an effect, which waits while a transaction holds the topic.
    fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        topic: &TopicId,
        write: impl FnOnce(&mut ClusterTables) -> Result<T, LogError> + Send + 'static,
    ) -> BoxFuture<Result<T, LogError>> {
        let (node, topic, plan) = (self.clone(), topic.clone(), self.plan(name, topic));
        Box::pin(async move {
            let breaks = node.connect().await?;
            if plan.loss == Some(Loss::Refused) {
                pass(plan.before).await;
                return Err(unavailable("the engine refused the call"));
            }
            let (answer, answered) = oneshot::channel();
            let flight = Flight::new(
                topic,
                Box::new(move |tables| {
                    // The caller may have stopped waiting.
                    let _unsent = answer.send(write(tables));
                }),
            );
            node.cluster.lock().flights.entry(node.id.clone()).or_default().push(Arc::clone(&flight));
            drop(node.handle.spawn(arrive(node.clone(), Arc::clone(&flight), breaks, plan)));
            let _caller = Caller(Arc::clone(&flight));
            let result = match plan.loss {
                None => answered.await,
                Some(Loss::Refused | Loss::Call) => {
                    drop(flight.take());
                    answered.await
                }
                Some(Loss::Answer) => {
                    let _lost = answered.await;
                    return Err(unknown("the answer was lost"));
                }
                Some(Loss::Late) => {
                    pass(plan.after).await;
                    return Err(unknown("the call is on its way"));
                }
            };
            pass(plan.after).await;
            let is_whole = node.connect().await.is_ok_and(|now| now == breaks);
            match result {
                Ok(result) if is_whole => result,
                Ok(_) | Err(_) => Err(unknown("the connection broke")),
            }
        })
    }
}

async fn pass(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

/// Lets a call arrive at the engine: it takes effect unless its connection has broken.
async fn arrive(node: MemoryNode, flight: Arc<Flight<ClusterTables>>, breaks: u64, plan: CallPlan) {
    pass(plan.before).await;
    let arrived = node.cluster.wait(|tables| {
        let is_whole = tables.is_connected(&node.id) && tables.node(&node.id).breaks == breaks;
        if !is_whole && plan.loss != Some(Loss::Late) {
            drop(flight.take());
        }
        // Another call may have settled it.
        if flight.has_landed() {
            return Some(());
        }
        if tables.stopped.holds() || tables.logs.holder(&flight.topic).is_some() {
            return None;
        }
        if !flight.is_abandoned() {
            settle(tables, &node.id, &flight.topic, plan.settles);
        }
        if let Some(landing) = flight.take() {
            landing(tables);
        }
        Some(())
    });
    arrived.await;
    // Delivers the notifications.
    node.cluster.change(|tables| {
        if let Some(flights) = tables.flights.get_mut(&node.id) {
            flights.retain(|flight| !flight.has_landed());
        }
    });
}

/// Settles the calls of a node for a topic whose callers do not wait any more: they take effect now
/// or never.
fn settle(tables: &mut ClusterTables, id: &NodeId, topic: &TopicId, takes_effect: bool) {
    let flights = tables.flights.get(id).into_iter().flatten();
    let late = flights.filter(|flight| flight.topic == *topic && flight.is_abandoned());
    let late: Vec<Arc<Flight<ClusterTables>>> = late.cloned().collect();
    for flight in late {
        let is_free = tables.logs.holder(topic).is_none();
        if let Some(landing) = flight.take().filter(|_| takes_effect && is_free) {
            landing(tables);
        }
    }
}

impl TopicLog for MemoryNode {
    fn open(&self, topic: &TopicId) -> BoxFuture<Result<Option<OpenedTopic>, LogError>> {
        let of = topic.clone();
        self.query("open", topic, move |tables| tables.logs.open(&of))
    }

    fn begin(
        &self,
        topic: &TopicId,
        after: Option<&LogPosition>,
        at: LogPosition,
        snapshot: Bytes,
    ) -> BoxFuture<Result<Appended, LogError>> {
        let (of, after) = (topic.clone(), after.cloned());
        self.write("begin", topic, move |tables| {
            let begun = tables.logs.begin(&of, after.as_ref(), at, snapshot)?;
            if begun == Appended::Done {
                tables.look(Some(&of));
            }
            Ok(begun)
        })
    }

    fn append(
        &self,
        topic: &TopicId,
        after: &LogPosition,
        entry: LogEntry,
    ) -> BoxFuture<Result<Appended, LogError>> {
        let (of, after) = (topic.clone(), after.clone());
        self.write("append", topic, move |tables| {
            let appended = tables.logs.append(&of, &after, entry.clone())?;
            if appended == Appended::Done {
                tables.announce(&of, &entry);
            }
            Ok(appended)
        })
    }

    fn read(&self, topic: &TopicId, after: &LogPosition) -> BoxFuture<Result<LogTail, LogError>> {
        let (of, after) = (topic.clone(), after.clone());
        self.query("read", topic, move |tables| tables.logs.read(&of, &after))
    }

    fn keep(
        &self,
        topic: &TopicId,
        at: &LogPosition,
        snapshot: Option<Bytes>,
    ) -> BoxFuture<Result<(), LogError>> {
        let (of, at) = (topic.clone(), at.clone());
        self.write("keep", topic, move |tables| tables.logs.keep(&of, &at, snapshot))
    }

    fn follow(
        &self,
        topic: &TopicId,
        feed: Arc<dyn LogFeed>,
    ) -> BoxFuture<Result<Box<dyn Any + Send + Sync>, LogError>> {
        let (node, of) = (self.clone(), topic.clone());
        self.query("follow", topic, move |tables| -> Box<dyn Any + Send + Sync> {
            let number = tables.next_number();
            tables.node(&node.id).feeds.insert(number, (of, feed));
            Box::new(Registered::new(Arc::clone(&node.cluster), node.id, number))
        })
    }

    fn in_transaction<'tx>(&self, tx: &'tx mut Tx) -> Option<Box<dyn LogInTransaction + 'tx>> {
        let transaction = tx.native::<MemoryTransaction>().ok()?;
        transaction.is_of(&self.cluster).then(|| Box::new(transaction) as _)
    }
}
