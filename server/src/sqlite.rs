//! SQLite, embedded: sessions that outlive the process, and a database for the application in the same file, so that
//! what a handler writes and the session's record of it are one transaction.
//!
//! SQLite has one writer at a time whatever is done, so one thread owns the connection. Everything that is asked for
//! while it is busy with one transaction goes into the next one: under load, many commits cost one write to disk.

mod sessions;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

pub use rusqlite;
pub use rusqlite::Connection;

use self::writer::{Finish, Order, Ran};
use crate::store::StoreError;

/// So many orders wait at most; whoever brings another one waits for its turn, and nobody else does.
const QUEUE: usize = 1024;

/// A SQLite database with its writer thread. Clones share the thread; it ends, with everything written that was asked
/// for, when the last of them is gone.
///
/// ```
/// use vivaz::Runtime;
/// use vivaz::sqlite::Sqlite;
///
/// # let directory = std::env::temp_dir().join(format!("vivaz-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// let database = Sqlite::open(directory.join("app.sqlite"))?;
/// let runtime = Runtime::builder().store(database.clone()).state(database).build()?;
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sqlite {
    orders: mpsc::Sender<Order>,
    /// Joined by whoever has the last handle.
    thread: Arc<writer::Thread>,
}

impl Sqlite {
    /// Opens a file, or makes it, and the tables for sessions in it (their names begin with `vivaz_`).
    ///
    /// # Errors
    /// If the file cannot be opened or is not such a database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::start(Connection::open(path).map_err(StoreError::failed)?)
    }

    /// A database in memory, for tests.
    ///
    /// # Errors
    /// If the system has no room for it.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::start(Connection::open_in_memory().map_err(StoreError::failed)?)
    }

    fn start(connection: Connection) -> Result<Self, StoreError> {
        writer::prepare(&connection).map_err(StoreError::failed)?;
        sessions::prepare(&connection)?;
        let (orders, queue) = mpsc::channel(QUEUE);
        let thread = writer::Thread::start(connection, queue).map_err(StoreError::failed)?;
        Ok(Self { orders, thread: Arc::new(thread) })
    }

    /// Runs `work` in a transaction, by itself or with others, and answers when that is on disk. An error or a panic
    /// undoes what `work` did and nothing else.
    ///
    /// ```
    /// # use vivaz::sqlite::Sqlite;
    /// # use vivaz::StoreError;
    /// # async fn add(database: Sqlite) -> Result<usize, StoreError> {
    /// database.run(|db| db.execute("INSERT INTO visits DEFAULT VALUES", []).map_err(StoreError::failed)).await
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Once it is queued, `work` runs even if nobody waits for it any more.
    ///
    /// # Errors
    /// What `work` says, and [`StoreError`]s of the database.
    pub async fn run<T, E>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        run(&self.orders, work).await
    }

    /// Waits until everything that was asked for is on disk and the file is closed, if this is the last handle; a
    /// runtime that was given a clone has one too.
    pub async fn close(self) {
        let Self { orders, thread } = self;
        drop(orders);
        if let Some(thread) = Arc::into_inner(thread) {
            // Joining is waiting for the disk: not on a thread that has other things to do.
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if let Err(error) = joined {
                tracing::error!(%error, "the database's thread could not be waited for");
            }
        }
    }
}

/// Gives an order and waits for its answer.
async fn run<T, E>(
    orders: &mpsc::Sender<Order>,
    work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    run_and_tell(orders, work, || ()).await
}

/// The same; `tell` is called when it is on disk, by the thread that writes, so in the order of the writes.
async fn run_and_tell<T, E>(
    orders: &mpsc::Sender<Order>,
    work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    tell: impl FnOnce() + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (answer, outcome) = oneshot::channel();
    let order: Order = Box::new(move |connection| {
        let result = work(connection);
        let keep = result.is_ok();
        let finish: Finish = Box::new(move |committed| {
            let result = match committed {
                Ok(()) => result,
                Err(error) => result.and(Err(error.into())),
            };
            if result.is_ok() && catch_unwind(AssertUnwindSafe(tell)).is_err() {
                tracing::error!("telling of a write panicked");
            }
            // Whoever asked may have gone; what was asked for is done all the same.
            drop(answer.send(result));
        });
        Ran { keep, finish }
    });
    if orders.send(order).await.is_err() {
        return Err(StoreError::Closed.into());
    }
    // An order that panicked answers nothing.
    outcome.await.unwrap_or_else(|_| Err(StoreError::failed("a write panicked").into()))
}
