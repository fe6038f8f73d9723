//! PostgreSQL as the engine that the nodes of an application share.
//!
//! A topic's log is a row with its newest position, and a row for each entry. An append is one
//! statement that changes the topic's row only if that has the expected position. Notifications and
//! messages between nodes are those of `LISTEN` and `NOTIFY`; they are sent in batches by
//! transactions of their own.

mod log;
mod node;
mod outbox;
mod payload;
mod receivers;
mod statements;
mod watch;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use vivaz_components::instance::BoxFuture;
use vivaz_databases::postgres::{Listening, Migrations};

use self::node::{BUS, NodeState, TOPICS};
use super::{Address, Bus, BusError, BusListener, Cluster, NodeId, TopicLog};
use crate::admission::secret::random_bytes;
use crate::persist::postgres::Postgres;
use crate::persist::store::{SessionStore, StoreError};

/// The tables for topics.
const TABLES: Migrations =
    Migrations { name: "vivaz_topics", scripts: &[include_str!("postgres/schema/1.sql")] };

/// A process as a node of the application, on a PostgreSQL database that all of its nodes use. It
/// has the logs of the topics, the messages between the nodes, and the sessions, beside the
/// application's own tables. Clones are the same node.
///
/// ```no_run
/// use vivaz::Runtime;
/// use vivaz::cluster::PostgresNode;
/// use vivaz::postgres::Postgres;
///
/// # async fn build() -> Result<(), Box<dyn std::error::Error>> {
/// let database = Postgres::connect("postgres://app@localhost/app").await?;
/// let node = PostgresNode::join(&database).await?;
/// let runtime = Runtime::builder().cluster(&node).state(database).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresNode(Arc<Joined>);

/// A node until its last clone is dropped.
struct Joined {
    state: Arc<NodeState>,
    _listening: Listening,
    _tasks: JoinSet<()>,
}

impl PostgresNode {
    /// Joins the nodes that use the database, and makes the tables for topics. The node has a
    /// connection of its own for notifications, besides those of the database, which it uses for
    /// everything else.
    ///
    /// # Errors
    /// Returns an error if the database cannot be reached, [`StoreError::TooNew`] if its tables
    /// were made by a newer version, and an error if the system has no randomness.
    pub async fn join(postgres: &Postgres) -> Result<Self, StoreError> {
        postgres.run(|tx| TABLES.run(tx)).await?;
        let id = u128::from_be_bytes(random_bytes().map_err(StoreError::failed)?);
        let state = Arc::new(NodeState::new(NodeId::new(&format!("{id:032x}")), postgres.clone()));
        let hearing = Arc::clone(&state);
        let channels = format!("LISTEN {TOPICS}; LISTEN {BUS}");
        let listening = state.database().listen(&channels, move |heard| hearing.hear(heard)).await?;
        state.renew_lease().await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&state).send_all());
        tasks.spawn(Arc::clone(&state).keep_lease());
        tasks.spawn(Arc::clone(&state).watch());
        Ok(Self(Arc::new(Joined { state, _listening: listening, _tasks: tasks })))
    }

    /// Returns the number of messages to other nodes that were dropped: those without a connection,
    /// larger ones than 1 MiB, and those for which the queue had no place (1,024 messages, 8 MiB).
    #[must_use]
    pub fn dropped_messages(&self) -> u64 {
        self.state().outbox.dropped()
    }

    fn state(&self) -> &Arc<NodeState> {
        &self.0.state
    }
}

impl fmt::Debug for PostgresNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresNode").field(&self.state().id).finish()
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.state.end_lease();
    }
}

impl Cluster for PostgresNode {
    fn log(&self) -> Arc<dyn TopicLog> {
        Arc::new(self.clone())
    }

    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.clone())
    }

    fn store(&self) -> Option<Arc<dyn SessionStore>> {
        Some(Arc::new(self.state().postgres.clone()))
    }
}

impl Bus for PostgresNode {
    fn node(&self) -> &NodeId {
        &self.state().id
    }

    fn send(&self, to: &Address, message: Bytes) {
        let outbox = &self.state().outbox;
        match payload::write_message(to, &message) {
            Some(message) => outbox.send(message),
            None => outbox.count_dropped(1),
        }
    }

    fn listen(&self, to: &Address, listener: BusListener) -> Box<dyn Any + Send + Sync> {
        Box::new(self.state().listeners.register(to.clone(), listener))
    }

    fn nodes(&self) -> Option<Arc<[NodeId]>> {
        self.state().nodes()
    }

    fn flush(&self, limit: Duration) -> BoxFuture<Result<(), BusError>> {
        let sent = self.state().outbox.flush();
        Box::pin(async move {
            match tokio::time::timeout(limit, sent).await {
                Err(_elapsed) => Err(BusError::TimedOut),
                Ok(Err(ended)) => Err(BusError::Unavailable(ended.into())),
                Ok(Ok(sent)) => sent.map_err(|error| BusError::Unavailable(error.into())),
            }
        })
    }
}
