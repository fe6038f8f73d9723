//! What is kept: one SQLite file, of the application and of its sessions.
//!
//! The runtime's [`Sqlite`] owns the connection, on a thread of its own, and writes together what is asked for together.
//! What an action writes is part of the transaction that also keeps its component and its reply, so it is a function of
//! the connection. Everything else asks the [`Store`] and awaits the answer. The queries of each subject are in a file of
//! their own.

use std::path::Path;

use rusqlite::Connection;
use vivaz::sqlite::Sqlite;

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
    /// The database has ended, or could not commit.
    Database(vivaz::StoreError),
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sql(error) => write!(f, "the database refused: {error}"),
            Self::Database(error) => write!(f, "the database failed: {error}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sql(error) => Some(error),
            Self::Database(error) => Some(error),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<vivaz::StoreError> for StoreError {
    fn from(error: vivaz::StoreError) -> Self {
        Self::Database(error)
    }
}

/// A handle to the database; clones share its one thread.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    database: Sqlite,
}

impl Store {
    /// Opens the file, and makes it and its tables where they are missing.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::prepare(Sqlite::open(path)?).await
    }

    async fn prepare(database: Sqlite) -> Result<Self, StoreError> {
        let store = Self { database };
        store.run(|db| db.execute_batch(include_str!("store/schema.sql"))).await?;
        Ok(store)
    }

    /// The database, for sessions to be kept in it too.
    pub(crate) fn database(&self) -> Sqlite {
        self.database.clone()
    }

    /// Does what was asked for until now and closes the file.
    pub(crate) async fn close(self) {
        self.database.close().await;
    }

    /// Runs `f` in a transaction and commits it.
    ///
    /// # Cancel safety
    /// Once queued, `f` runs even if nobody waits for it any more.
    ///
    /// # Errors
    /// Whatever `f` or the commit reports; then nothing was written.
    async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.database.run(|db| f(db).map_err(StoreError::from)).await
    }

    /// Does what an action does.
    #[cfg(test)]
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> T {
        self.run(f).await.unwrap()
    }

    /// A database of the test's own, in memory.
    #[cfg(test)]
    pub(crate) async fn in_memory() -> Self {
        Self::prepare(Sqlite::in_memory().unwrap()).await.unwrap()
    }
}
