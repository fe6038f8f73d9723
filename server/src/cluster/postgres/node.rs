//! The state of a node and its tasks: one that sends, one that renews the lease.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use vivaz_databases::DatabaseError;
use vivaz_databases::postgres::{Database, Heard};

use super::outbox::{NodeBatch, NodeOutbox};
use super::payload::{self, Assembly};
use super::receivers::Receivers;
use super::statements::{self, TopicKey};
use crate::cluster::{Address, BusListener, LogFeed, NodeId};
use crate::persist::postgres::Postgres;
use crate::persist::store::{SessionStore as _, StoreError};

/// The length of a node's lease.
const LEASE: Duration = Duration::from_secs(10);

/// The pause after a lease that could not be renewed.
const PAUSE: Duration = Duration::from_millis(500);

/// The holders of leases that are nodes and not session stores begin with it.
const HOLDER: &str = "node ";

pub(super) const TOPICS: &str = "vivaz_topics";
pub(super) const BUS: &str = "vivaz_bus";

pub(super) struct NodeState {
    pub(super) id: NodeId,
    pub(super) postgres: Postgres,
    pub(super) outbox: NodeOutbox,
    pub(super) feeds: Arc<Receivers<TopicKey, Arc<dyn LogFeed>>>,
    pub(super) listeners: Arc<Receivers<Address, BusListener>>,
    /// The nodes with valid leases, and the time before they were read.
    nodes: Mutex<Option<(Arc<[NodeId]>, Instant)>>,
    assembly: Mutex<Assembly>,
    /// The number of messages that were sent.
    sent: AtomicU64,
}

impl NodeState {
    pub(super) fn new(id: NodeId, postgres: Postgres) -> Self {
        Self {
            id,
            postgres,
            outbox: NodeOutbox::default(),
            feeds: Arc::default(),
            listeners: Arc::default(),
            nodes: Mutex::default(),
            assembly: Mutex::default(),
            sent: AtomicU64::new(0),
        }
    }

    pub(super) fn database(&self) -> &Database {
        self.postgres.database()
    }

    pub(super) fn nodes(&self) -> Option<Arc<[NodeId]>> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.as_ref().filter(|(_, since)| since.elapsed() < LEASE).map(|(nodes, _)| Arc::clone(nodes))
    }

    /// Receives a notification of the server.
    pub(super) fn hear(&self, heard: Heard) {
        match heard {
            Heard::Reconnected => {
                self.assembly.lock().unwrap_or_else(PoisonError::into_inner).clear();
                for feed in self.feeds.all() {
                    feed.look();
                }
            }
            Heard::Notification { channel, payload } if channel == TOPICS => {
                let Some((node, topic)) = payload::read_topic(&payload) else {
                    return tracing::warn!("the notification of a topic cannot be read");
                };
                // A node knows its own entries.
                if node != self.id.as_str() {
                    self.feeds.of(&topic).iter().for_each(|feed| feed.look());
                }
            }
            // Its own messages come back to a node.
            Heard::Notification { payload, .. } if payload.starts_with(self.id.as_str()) => {}
            Heard::Notification { payload, .. } => {
                let message = self.assembly.lock().unwrap_or_else(PoisonError::into_inner).add(&payload);
                if let Some((node, to, message)) = message {
                    for listener in self.listeners.of(&to) {
                        listener(&node, message.clone());
                    }
                }
            }
        }
    }

    /// Sends what waits, one batch after the other. A transaction with a notification commits alone
    /// in the whole database, so each batch is one of its own, without other writes.
    pub(super) async fn send_all(self: Arc<Self>) {
        loop {
            let batch = self.outbox.take().await;
            let count = batch.messages.len();
            let sent = self.send(&batch).await;
            if let Err(error) = &sent {
                tracing::debug!(%error, "notifications could not be sent");
                self.outbox.count_dropped(count);
            }
            let sent = sent.map_err(|error| error.to_string());
            for flush in batch.flushes {
                // The caller may have stopped waiting.
                let _ = flush.send(sent.clone());
            }
        }
    }

    async fn send(&self, batch: &NodeBatch) -> Result<(), DatabaseError> {
        let topics = batch.topics.iter();
        let mut payloads: Vec<(&str, String)> =
            topics.map(|(topic, rev)| (TOPICS, payload::write_topic(&self.id, topic, *rev))).collect();
        for message in &batch.messages {
            let number = self.sent.fetch_add(1, Ordering::Relaxed);
            payloads.extend(payload::parts(&self.id, number, message).into_iter().map(|part| (BUS, part)));
        }
        let payloads = serde_json::to_string(&payloads).map_err(DatabaseError::failed)?;
        let lane = format!(" notifications {}", self.id);
        let sent = self.database().submit_for(
            [lane],
            move |tx| {
                let sql = "SELECT pg_notify(one ->> 0, one ->> 1) \
                     FROM jsonb_array_elements(?1::jsonb) WITH ORDINALITY AS each (one, place) ORDER BY place";
                tx.execute(sql, [payloads])
            },
            drop,
        );
        sent.await
    }

    /// Renews the lease until the task is aborted, and removes old logs.
    pub(super) async fn keep_lease(self: Arc<Self>) {
        loop {
            let pause = match self.renew_lease().await {
                Ok(()) => {
                    if let Err(error) = self.postgres.run(statements::remove_old).await {
                        tracing::warn!(%error, "logs of topics that are not used could not be removed");
                    }
                    LEASE / 3
                }
                Err(error) => {
                    tracing::warn!(%error, "the lease of a node could not be renewed");
                    *self.nodes.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    PAUSE
                }
            };
            sleep(pause).await;
        }
    }

    /// Renews the lease, and reads which nodes have one. While the database was away no node could
    /// renew its lease, so the others are known only when this node has had one for its whole
    /// length.
    pub(super) async fn renew_lease(&self) -> Result<(), StoreError> {
        let (since, holder) = (Instant::now(), self.holder());
        self.postgres.renew_lease(&holder, LEASE).await?;
        let nodes: Option<Vec<String>> = self
            .postgres
            .run(move |tx| {
                let old = "SELECT 1 FROM vivaz_leases WHERE holder = ?1 AND since + length <= vivaz_now(NULL)";
                if tx.query_first::<i64>(old, [holder])?.is_none() {
                    return Ok(None);
                }
                let nodes = "SELECT holder FROM vivaz_leases WHERE starts_with(holder, ?1) AND ends > vivaz_now(NULL)";
                tx.query(nodes, [HOLDER]).map(Some)
            })
            .await?;
        let ids = |nodes: Vec<String>| {
            nodes.iter().filter_map(|holder| holder.strip_prefix(HOLDER)).map(NodeId::new).collect()
        };
        *self.nodes.lock().unwrap_or_else(PoisonError::into_inner) = nodes.map(|nodes| (ids(nodes), since));
        Ok(())
    }

    /// Ends the lease. The statement is queued at once, and its outcome is not awaited: without it
    /// the lease ends by itself.
    pub(super) fn end_lease(&self) {
        let holder = self.holder();
        drop(
            self.database()
                .submit(move |tx| tx.execute("DELETE FROM vivaz_leases WHERE holder = ?1", [holder]), drop),
        );
    }

    fn holder(&self) -> String {
        format!("{HOLDER}{}", self.id)
    }
}
