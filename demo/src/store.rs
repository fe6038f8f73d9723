//! The storage: one SQLite file for the application and its sessions.
//!
//! The runtime's [`Sqlite`] owns the connection, on a thread of its own, and combines concurrent
//! writes. The writes of an action are part of the transaction that stores its component and its
//! reply, so they are functions of the connection. All other code calls the [`Store`] and awaits
//! the answer. The queries of each subject are in a file of their own.

use std::path::Path;

use rusqlite::Connection;
use vivaz::sqlite::Sqlite;

pub(crate) mod messages;
pub(crate) mod people;
pub(crate) mod rooms;
pub(crate) mod seats;
pub(crate) mod todos;

/// An error of the storage.
#[derive(Debug)]
pub(crate) enum StoreError {
    /// SQLite returned an error.
    Sql(rusqlite::Error),
    /// The database has stopped, or could not commit.
    Database(vivaz::StoreError),
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sql(error) => write!(f, "SQLite returned an error: {error}"),
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

/// A handle to the database; clones share its thread.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    database: Sqlite,
}

impl Store {
    /// Opens the file. Creates it and its tables if they are missing.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::prepare(Sqlite::open(path)?).await
    }

    async fn prepare(database: Sqlite) -> Result<Self, StoreError> {
        let store = Self { database };
        store.run(|db| db.execute_batch(include_str!("store/schema.sql"))).await?;
        Ok(store)
    }

    /// Returns the database, which also stores the sessions.
    pub(crate) fn database(&self) -> Sqlite {
        self.database.clone()
    }

    /// Completes the queued work and closes the file.
    pub(crate) async fn close(self) {
        self.database.close().await;
    }

    /// Runs `f` in a transaction and commits it.
    ///
    /// # Cancel safety
    /// Once queued, `f` runs even if the returned future is dropped.
    ///
    /// # Errors
    /// Returns the error of `f` or of the commit; nothing was written then.
    async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.database.run(|db| f(db).map_err(StoreError::from)).await
    }

    /// Runs the same function as an action.
    #[cfg(test)]
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> T {
        self.run(f).await.unwrap()
    }

    /// Opens a database in memory.
    #[cfg(test)]
    pub(crate) async fn in_memory() -> Self {
        Self::prepare(Sqlite::in_memory().unwrap()).await.unwrap()
    }
}
