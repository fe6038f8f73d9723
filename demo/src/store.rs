//! The storage: one SQLite file for the application and its sessions.
//!
//! The runtime's [`Sqlite`] owns the connection, on its own thread, and commits queued work in
//! groups. The writes of an action belong to the transaction that also stores its component and its
//! reply, so they are functions of a transaction. All other code calls the [`Store`] and awaits the
//! result. The queries of each subject are in a separate file.

use std::path::Path;

use vivaz::StoreError;
use vivaz::sqlite::Sqlite;
use vivaz::{DatabaseError, Tx};

pub(crate) mod messages;
pub(crate) mod people;
pub(crate) mod rooms;
pub(crate) mod seats;
pub(crate) mod todos;

/// A handle to the database; all clones share one thread.
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
        store.run(|tx| tx.script(include_str!("store/schema.sql"))).await?;
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

    /// Runs `work` in a transaction and commits it.
    ///
    /// # Cancel safety
    /// Once queued, `work` runs even if the caller drops the future.
    ///
    /// # Errors
    /// Returns the error of `work` or of the commit. Nothing was written then.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        self.database.run(work).await
    }

    /// Runs the same function as an action.
    #[cfg(test)]
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx) -> Result<T, DatabaseError> + Send + 'static,
    ) -> T {
        self.run(work).await.unwrap()
    }

    /// Opens a database in memory.
    #[cfg(test)]
    pub(crate) async fn in_memory() -> Self {
        Self::prepare(Sqlite::in_memory().unwrap()).await.unwrap()
    }
}
