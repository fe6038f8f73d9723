//! SQLite, embedded: sessions that outlive the process, and a database for the application in the same file, so that
//! what a handler writes and the session's record of it are one transaction.
//!
//! SQLite has one writer at a time whatever is done, so one thread owns the connection. Everything that is asked for
//! while it is busy with one transaction goes into the next one: under load, many commits cost one write to disk.

mod guard;
mod leases;
mod rows;
mod schema;
mod sessions;
mod writer;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use vivaz_components::instance::BoxFuture;

pub use rusqlite;
pub use rusqlite::Connection;

use self::writer::{Failure, Finish, Order, Ran};
use crate::persist::store::{Clock, StoreError, StoreTime, SystemClock};

/// How many orders wait at most. More are refused: an order that waited for a place in the queue could
/// be overtaken by a later one.
const QUEUE: usize = 65_536;

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
    time: StoreTime,
    /// Joined by whoever has the last handle.
    thread: Arc<writer::Thread>,
}

impl Sqlite {
    /// Opens a file, or makes it, and the tables for sessions in it (their names begin with `vivaz_`).
    /// Tables of an earlier version are brought to this one. The pages of the file are checked,
    /// which takes about as long as reading it.
    ///
    /// # Errors
    /// If the file cannot be opened, [`StoreError::Corrupt`] if it is damaged or is not a database,
    /// and [`StoreError::TooNew`] if its tables were made by a newer version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with_clock(path, Arc::new(SystemClock::new()))
    }

    /// Opens a file as [`open`](Self::open) does, and measures the leases of sessions with this
    /// clock.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_clock(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::start(Connection::open(path).map_err(schema::readable)?, clock)
    }

    /// A database in memory, for tests.
    ///
    /// # Errors
    /// If the system has no room for it.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::start(Connection::open_in_memory().map_err(StoreError::failed)?, Arc::new(SystemClock::new()))
    }

    fn start(mut connection: Connection, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        writer::prepare(&connection).map_err(schema::readable)?;
        schema::check(&connection)?;
        schema::migrate(&mut connection)?;
        let time = StoreTime::new(clock, schema::last_time(&connection)?);
        let (orders, queue) = mpsc::channel(QUEUE);
        let guard = guard::Guard::of(&connection)?;
        let thread = writer::Thread::start(connection, guard, queue).map_err(StoreError::failed)?;
        Ok(Self { orders, time, thread: Arc::new(thread) })
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
    /// What `work` says, and [`StoreError`]s of the database; [`StoreError::Denied`] and
    /// [`StoreError::RolledBack`], whatever `work` says, if a statement of it was meant to end the
    /// transaction or has ended it; [`StoreError::ForeignKey`] if rows of it violate a deferred
    /// foreign key.
    pub async fn run<T, E>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        order(&self.orders, work, E::from, |done| done).await
    }

    /// Waits until everything that was asked for is on disk and the file is closed, if this is the last handle; a
    /// runtime that was given a clone has one too.
    pub async fn close(self) {
        let Self { orders, time: _, thread } = self;
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

/// Gives an order. The call itself queues it, so that orders are done in the order of the calls. The
/// future waits for its answer. `unknown` is the error when it is not known whether the order is on
/// disk. `tell` is called when the order is on disk, by the thread that writes, so in the order of
/// the writes.
fn order<T, U, E>(
    orders: &mpsc::Sender<Order>,
    work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    unknown: fn(StoreError) -> E,
    tell: impl FnOnce(T) -> U + Send + 'static,
) -> BoxFuture<Result<U, E>>
where
    T: Send + 'static,
    U: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (answer, outcome) = oneshot::channel();
    let order: Order = Box::new(move |connection| {
        let result = match connection {
            Ok(connection) => work(connection),
            Err(why) => Err(StoreError::failed(why).into()),
        };
        let keep = result.is_ok();
        let finish: Finish = Box::new(move |committed| {
            let result = match committed {
                Ok(()) => result,
                // Whatever the order says of it.
                Err(Failure::Undone(error @ (StoreError::Denied(_) | StoreError::RolledBack))) => {
                    Err(error.into())
                }
                Err(Failure::Undone(error)) => result.and(Err(error.into())),
                Err(Failure::Unknown(error)) => result.and(Err(unknown(error))),
            };
            // The caller may have gone; what was asked for is done all the same.
            drop(answer.send(result.map(tell)));
        });
        Ran { keep, finish }
    });
    let queued = orders.try_send(order);
    let queued = queued.map_err(|refused| match refused {
        TrySendError::Full(_) => StoreError::Overloaded,
        TrySendError::Closed(_) => StoreError::Closed,
    });
    Box::pin(async move {
        queued?;
        // An order that panicked answers nothing.
        outcome.await.unwrap_or_else(|_| Err(StoreError::failed("a write panicked").into()))
    })
}
