//! An embedded SQLite database for sessions and for the application. Both use the same file, so
//! that a handler's writes and the session's record of them are one transaction.
//!
//! SQLite allows one writer at a time, so one thread owns the connection. All writes that arrive
//! during a transaction share the next one: under load, many commits cost one write to disk.

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

use self::writer::{JobOutcome, JobReply, WriteFailure, WriteJob};
use crate::persist::store::{Clock, StoreError, StoreTime, SystemClock};

/// The maximum number of queued jobs. Further ones are refused: a job that waited for space in the
/// queue could be overtaken by a later one.
const QUEUE_LENGTH: usize = 65_536;

/// A SQLite database with its writer thread. Clones share the thread. When the last clone is
/// dropped, the thread writes all queued jobs and ends.
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
    jobs: mpsc::Sender<WriteJob>,
    time: StoreTime,
    /// Joined when the last handle is dropped.
    thread: Arc<writer::WriterThread>,
}

impl Sqlite {
    /// Opens or creates a database file, and creates the tables for sessions in it, whose names
    /// begin with `vivaz_`. Tables of an earlier version are migrated. The pages of the file are
    /// checked, which takes about as long as reading it.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened, [`StoreError::Corrupt`] if it is damaged or
    /// is not a database, and [`StoreError::TooNew`] if a newer version created its tables.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with_clock(path, Arc::new(SystemClock::new()))
    }

    /// Opens a file as [`open`](Self::open) does, and measures the leases of sessions with this
    /// clock.
    ///
    /// # Errors
    /// Returns the same errors as [`open`](Self::open).
    pub fn open_with_clock(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::start(Connection::open(path).map_err(schema::readable)?, clock)
    }

    /// Creates a database in memory, for tests.
    ///
    /// # Errors
    /// Returns an error if SQLite cannot allocate the database.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::start(Connection::open_in_memory().map_err(StoreError::failed)?, Arc::new(SystemClock::new()))
    }

    fn start(mut connection: Connection, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        writer::prepare(&connection).map_err(schema::readable)?;
        schema::check(&connection)?;
        schema::migrate(&mut connection)?;
        let time = StoreTime::new(clock, schema::last_time(&connection)?);
        let (jobs, queue) = mpsc::channel(QUEUE_LENGTH);
        let guard = guard::Guard::of(&connection)?;
        let thread = writer::WriterThread::start(connection, guard, queue).map_err(StoreError::failed)?;
        Ok(Self { jobs, time, thread: Arc::new(thread) })
    }

    /// Runs `work` in a transaction, which it may share with other writes, and returns when the
    /// transaction is on disk. An error or a panic undoes only the writes of `work`.
    ///
    /// ```
    /// # use vivaz::sqlite::Sqlite;
    /// # use vivaz::StoreError;
    /// # async fn add(database: Sqlite) -> Result<usize, StoreError> {
    /// let insert = "INSERT INTO visits DEFAULT VALUES";
    /// database.run(move |db| db.execute(insert, []).map_err(StoreError::failed)).await
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// The call queues `work`. It runs even if the future is dropped.
    ///
    /// # Errors
    /// Returns the error of `work`, or a [`StoreError`] of the database. Independently of the
    /// result of `work`, returns [`StoreError::Denied`] if one of its statements was refused
    /// because it would end the transaction, and [`StoreError::RolledBack`] if a statement has
    /// ended it. Returns [`StoreError::ForeignKey`] if its rows violate a deferred foreign key.
    pub async fn run<T, E>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        enqueue(&self.jobs, work, E::from, |result| result).await
    }

    /// Drops this handle. If it is the last one, waits until all queued jobs are on disk and the
    /// file is closed. A runtime that was given a clone has a handle too.
    pub async fn close(self) {
        let Self { jobs, time: _, thread } = self;
        drop(jobs);
        if let Some(thread) = Arc::into_inner(thread) {
            // Joining blocks until the disk is written, so it must not run on a thread of the
            // executor.
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if let Err(error) = joined {
                tracing::error!(%error, "cannot join the database's writer thread");
            }
        }
    }
}

/// Queues a job and returns a future for its result. The call itself queues the job, so that jobs
/// run in the order of the calls. `unknown` converts the error when it is unknown whether the job
/// is on disk. The writer thread calls `publish` when the job is on disk, so the calls have the
/// order of the writes.
///
/// # Errors
/// The future returns the error of `work`, an error of the transaction, or
/// [`StoreError::Overloaded`] or [`StoreError::Closed`] if the job was not queued.
fn enqueue<T, U, E>(
    jobs: &mpsc::Sender<WriteJob>,
    work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    unknown: fn(StoreError) -> E,
    publish: impl FnOnce(T) -> U + Send + 'static,
) -> BoxFuture<Result<U, E>>
where
    T: Send + 'static,
    U: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (sender, outcome) = oneshot::channel();
    let job: WriteJob = Box::new(move |connection| {
        let result = match connection {
            Ok(connection) => work(connection),
            Err(error) => Err(StoreError::failed(error).into()),
        };
        let keep = result.is_ok();
        let reply: JobReply = Box::new(move |committed| {
            let result = match committed {
                Ok(()) => result,
                // These errors take precedence over the result of the job.
                Err(WriteFailure::Undone(error @ (StoreError::Denied(_) | StoreError::RolledBack))) => {
                    Err(error.into())
                }
                Err(WriteFailure::Undone(error)) => result.and(Err(error.into())),
                Err(WriteFailure::Unknown(error)) => result.and(Err(unknown(error))),
            };
            // The caller may have dropped the future.
            drop(sender.send(result.map(publish)));
        });
        JobOutcome { keep, reply }
    });
    let queued = jobs.try_send(job);
    let queued = queued.map_err(|refused| match refused {
        TrySendError::Full(_) => StoreError::Overloaded,
        TrySendError::Closed(_) => StoreError::Closed,
    });
    Box::pin(async move {
        queued?;
        // A job that panicked sends no reply.
        outcome.await.unwrap_or_else(|_| Err(StoreError::failed("a write panicked").into()))
    })
}
