//! What is kept: one SQLite file, owned by one thread.
//!
//! SQLite has one writer at a time whatever is done, so a thread that owns the connection costs nothing and saves
//! every lock. Handlers send it closures and await the outcome; what one closure writes is one transaction, and it is
//! on disk when the closure's answer arrives. The queries of each subject are in a file of their own.

use std::path::Path;
use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction};
use tokio::sync::{mpsc, oneshot};

pub(crate) mod messages;
pub(crate) mod people;
pub(crate) mod rooms;
pub(crate) mod seats;
pub(crate) mod todos;

/// What went wrong with something that should have been kept.
#[derive(Debug)]
pub(crate) enum StoreError {
    /// SQLite refused.
    Sql(rusqlite::Error),
    /// The thread is gone: the process is going down.
    Closed,
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sql(error) => write!(f, "the database refused: {error}"),
            Self::Closed => write!(f, "the database is closed"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sql(error) => Some(error),
            Self::Closed => None,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// What handlers ask of the thread.
enum Order {
    Work(Box<dyn FnOnce(&mut Connection) + Send>),
    Close,
}

/// A handle to the database; clones share the one thread.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    /// Bounded: when it is full, handlers wait for their turn, and nobody else does.
    orders: mpsc::Sender<Order>,
}

/// The thread behind a [`Store`].
#[derive(Debug)]
pub(crate) struct Writer(JoinHandle<()>);

impl Store {
    /// Opens the file, makes it and its tables where they are missing, and starts the thread.
    pub(crate) fn open(path: &Path) -> anyhow::Result<(Self, Writer)> {
        let mut connection = Connection::open(path)?;
        // WAL: a commit is one append, and other processes can read meanwhile.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.execute_batch(include_str!("store/schema.sql"))?;
        let (orders, mut queue) = mpsc::channel(256);
        let thread = std::thread::Builder::new().name("store".into()).spawn(move || {
            while let Some(Order::Work(work)) = queue.blocking_recv() {
                work(&mut connection);
            }
        })?;
        Ok((Self { orders }, Writer(thread)))
    }

    /// Does what was asked for until now and closes the file.
    pub(crate) async fn close(self, writer: Writer) {
        // A queue without a receiver: the thread has ended already.
        let _ = self.orders.send(Order::Close).await;
        let ended = tokio::task::spawn_blocking(move || writer.0.join()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::error!("the database's thread had panicked");
        }
    }

    /// Runs `f` in a transaction of its own and commits it.
    ///
    /// # Cancel safety
    /// Once queued, `f` runs even if nobody waits for it any more.
    ///
    /// # Errors
    /// Whatever `f` or the commit reports; then nothing was written.
    async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, outcome) = oneshot::channel();
        let work = Order::Work(Box::new(move |connection| {
            let result = connection.transaction().and_then(|transaction| {
                let value = f(&transaction)?;
                transaction.commit()?;
                Ok(value)
            });
            // A handler that was cancelled does not wait for its answer; what it asked for is done all the same.
            drop(answer.send(result));
        }));
        self.orders.send(work).await.map_err(|_| StoreError::Closed)?;
        Ok(outcome.await.map_err(|_| StoreError::Closed)??)
    }

    /// Whether the database answers.
    pub(crate) async fn ready(&self) -> Result<(), StoreError> {
        self.run(|tx| tx.query_row("SELECT 1", [], |_| Ok(()))).await
    }

    /// A database of the test's own, in memory.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        Self::open(Path::new(":memory:")).unwrap().0
    }
}
