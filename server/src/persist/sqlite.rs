//! SQLite, embedded: sessions that outlive the process, and a database for the application in the
//! same file, so that the writes of a handler and the session's record of them are one transaction.

mod leases;
mod processes;
mod requests;
mod rows;
mod schema;
mod sessions;

use std::path::Path;
use std::sync::Arc;

use vivaz_databases::sqlite::Database;
pub use vivaz_databases::sqlite::rusqlite;
pub use vivaz_databases::sqlite::rusqlite::Connection;
use vivaz_databases::{DatabaseError, Tx};

use self::processes::Processes;
use crate::persist::store::{Clock, SavedTime, StoreError, StoreTime, SystemClock};

/// A SQLite database with its writer thread, which keeps sessions and the application's own tables.
/// Clones share the thread. It ends, with every queued transaction written, when the last of them
/// is dropped.
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
    database: Database,
    time: StoreTime,
    processes: Arc<Processes>,
}

impl Sqlite {
    /// Opens a file, or creates it, with the tables for sessions (their names begin with `vivaz_`).
    /// Tables of an earlier version are migrated. The pages of the file are checked, which takes
    /// about as long as reading it.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened, [`DatabaseError::Corrupt`] if it is damaged
    /// or is not a database, and [`StoreError::TooNew`] if its tables were made by a newer version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with_clock(path, Arc::new(SystemClock::new()))
    }

    /// Opens a file as [`open`](Self::open) does, and measures the leases of sessions with this
    /// clock.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_clock(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Ok(Self::new(Database::open(path, set_up)?, clock))
    }

    /// Creates a database in memory, for tests.
    ///
    /// # Errors
    /// Returns an error if the system has no memory for it.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self::new(Database::in_memory(set_up)?, Arc::new(SystemClock::new())))
    }

    fn new(opened: (Database, SetUp), clock: Arc<dyn Clock>) -> Self {
        let (database, (last, processes)) = opened;
        Self { database, time: StoreTime::new(clock, last), processes }
    }

    /// Runs `work` in a transaction, by itself or with others, and returns its result when that is
    /// on disk. An error or a panic rolls back what `work` did and nothing else.
    ///
    /// ```
    /// # use vivaz::sqlite::Sqlite;
    /// # use vivaz::DatabaseError;
    /// # async fn add(database: Sqlite) -> Result<u64, DatabaseError> {
    /// database.run(|tx| tx.execute("INSERT INTO visits DEFAULT VALUES", ())).await
    /// # }
    /// ```
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
        self.database.run(work).await
    }

    /// Runs `work` as [`run`](Self::run) does. `work` returns errors of another type, such as
    /// [`ActionError`](crate::ActionError), to which errors of the database are converted.
    ///
    /// ```
    /// # use vivaz::sqlite::Sqlite;
    /// # use vivaz::{ActionError, Result};
    /// # async fn take(database: Sqlite, seat: u32) -> Result<()> {
    /// database
    ///     .try_run(move |tx| match tx.execute("UPDATE seats SET taken = 1 WHERE id = ?1 AND NOT taken", [seat])? {
    ///         0 => Err(ActionError::user("the seat is taken")),
    ///         _ => Ok(()),
    ///     })
    ///     .await
    /// # }
    /// ```
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
        self.database.try_run(work).await
    }

    /// Waits until every queued transaction is on disk and the file is closed, if this is the last
    /// handle; a runtime that was given a clone has one too.
    pub async fn close(self) {
        self.database.close().await;
    }
}

/// When a process saved the store's time last, and the processes that use the file.
type SetUp = (Option<SavedTime>, Arc<Processes>);

/// Migrates the tables for sessions.
fn set_up(connection: &mut Connection) -> Result<SetUp, StoreError> {
    schema::migrate(connection)?;
    Ok((schema::last_time(connection)?, Processes::new(connection)))
}
