//! An embedded SQLite database.
//!
//! SQLite has one writer at a time, so one thread owns the connection. Transactions that are queued
//! while it is busy with one share the next: under load, many commits cost one write to disk.

mod driver;
mod guard;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::{Arc, Weak};

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

pub use rusqlite;
pub use rusqlite::Connection;

use crate::order::{self, Order};
use crate::{DatabaseError, Tx};

/// The maximum number of queued transactions. More are refused: a later transaction could overtake
/// one that waits for a place in the queue.
const QUEUE: usize = 65_536;

/// A SQLite database with its writer thread. Clones share the thread. It ends, with every queued
/// transaction written, when the last of them is dropped.
#[derive(Clone, Debug)]
pub struct Database {
    orders: mpsc::Sender<Order>,
    /// Joined by the last handle.
    thread: Arc<writer::Thread>,
}

impl Database {
    /// Opens a file, or creates it. `set_up` is given the connection first, for migrations; its
    /// result is returned too. The pages of the file are checked, which takes about as long as
    /// reading it.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened, [`DatabaseError::Corrupt`] if it is damaged
    /// or is not a database, and the error of `set_up`.
    pub fn open<T, E: From<DatabaseError>>(
        path: impl AsRef<Path>,
        set_up: impl FnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<(Self, T), E> {
        Self::start(Connection::open(path).map_err(DatabaseError::from)?, set_up)
    }

    /// Creates a database in memory, for tests.
    ///
    /// # Errors
    /// Returns an error if the system has no memory for it, and the error of `set_up`.
    pub fn in_memory<T, E: From<DatabaseError>>(
        set_up: impl FnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<(Self, T), E> {
        Self::start(Connection::open_in_memory().map_err(DatabaseError::from)?, set_up)
    }

    fn start<T, E: From<DatabaseError>>(
        mut connection: Connection,
        set_up: impl FnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<(Self, T), E> {
        writer::prepare(&connection)?;
        check(&connection)?;
        let made = set_up(&mut connection)?;
        let (orders, queue) = mpsc::channel(QUEUE);
        let guard = guard::Guard::of(&connection).map_err(DatabaseError::from)?;
        let thread = Arc::new(writer::Thread::start(connection, guard, queue)?);
        Ok((Self { orders, thread }, made))
    }

    /// Runs `work` in a transaction, by itself or with others, and returns its result when that is
    /// on disk. An error or a panic rolls back what `work` did and nothing else.
    ///
    /// # Cancel safety
    /// `work` is queued by the first poll. Once it is queued, it runs even if the future is
    /// dropped.
    ///
    /// # Errors
    /// Returns the error of `work`, and errors of the database: [`DatabaseError::Denied`] and
    /// [`DatabaseError::RolledBack`], whatever `work` returns, if a statement of it was meant to
    /// end the transaction or has ended it, and [`DatabaseError::ForeignKey`] if its rows violate a
    /// deferred foreign key.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        self.try_run(work).await
    }

    /// Runs `work` as [`run`](Self::run) does. `work` returns errors of another type, to which
    /// errors of the database are converted.
    ///
    /// # Cancel safety
    /// As [`run`](Self::run).
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn try_run<T, E>(
        &self,
        work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
    {
        self.submit(work, |done| done).await
    }

    /// Queues `work` at once, so that transactions run in the order of the calls. The future waits
    /// for the result. `publish` is called when the transaction is on disk, by the thread that
    /// writes, so in the order of the writes.
    ///
    /// The error is made of [`DatabaseError::Unknown`] if it is not known whether the transaction
    /// is on disk, and if it is on disk and `publish` panicked.
    pub fn submit<T, U, E>(
        &self,
        work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
        publish: impl FnOnce(T) -> U + Send + 'static,
    ) -> BoxFuture<'static, Result<U, E>>
    where
        T: Send + 'static,
        U: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
    {
        order::submit(work, publish, |order| {
            self.orders.try_send(order).map_err(|refused| match refused {
                TrySendError::Full(_) => DatabaseError::Overloaded,
                TrySendError::Closed(_) => DatabaseError::Closed,
            })
        })
    }

    /// Returns a handle that does not keep the database open.
    #[must_use]
    pub fn downgrade(&self) -> WeakDatabase {
        WeakDatabase { orders: self.orders.downgrade(), thread: Arc::downgrade(&self.thread) }
    }

    /// Waits until every queued transaction is on disk and the file is closed, if this is the last
    /// handle.
    pub async fn close(self) {
        let Self { orders, thread } = self;
        drop(orders);
        if let Some(thread) = Arc::into_inner(thread) {
            // Joining waits for the disk, which must not block an executor's thread.
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if let Err(error) = joined {
                tracing::error!(%error, "the database's thread could not be waited for");
            }
        }
    }
}

/// A handle of a [`Database`] that does not keep it open.
#[derive(Clone, Debug)]
pub struct WeakDatabase {
    orders: mpsc::WeakSender<Order>,
    thread: Weak<writer::Thread>,
}

impl WeakDatabase {
    /// Returns the database, if another handle keeps it open.
    #[must_use]
    pub fn upgrade(&self) -> Option<Database> {
        Some(Database { orders: self.orders.upgrade()?, thread: self.thread.upgrade()? })
    }
}

/// Checks the pages of the file, which costs about as much as reading it.
fn check(connection: &Connection) -> Result<(), DatabaseError> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(DatabaseError::Corrupt(found)) }
}
