//! PostgreSQL: sessions that every node of the application finds, and the application's own tables
//! in the same database, so that the writes of a handler and the session's record of them are one
//! transaction.
//!
//! Leases are measured by the clock of the database. That a process has ended is known at once: it
//! holds an advisory lock on a connection of its own, which the server releases with the
//! connection.

mod components;
mod leases;
mod processes;
mod rows;
mod sessions;

use std::sync::Arc;

use vivaz_databases::postgres::{Database, Migrations};
pub use vivaz_databases::postgres::{IsolationLevel, PostgresConnection, PostgresOptions, tokio_postgres};
use vivaz_databases::{DatabaseError, Tx};

use self::processes::PostgresProcesses;
use crate::persist::store::{Clock, StoreError, StoreTime};

/// The tables for sessions.
const TABLES: Migrations =
    Migrations { name: "vivaz_sessions", scripts: &[include_str!("postgres/schema/1.sql")] };

/// A PostgreSQL database that keeps sessions and the application's own tables. Clones share its
/// connections.
///
/// ```no_run
/// use vivaz::Runtime;
/// use vivaz::postgres::Postgres;
///
/// # async fn build() -> Result<(), Box<dyn std::error::Error>> {
/// let database = Postgres::connect("postgres://app@localhost/app").await?;
/// let runtime = Runtime::builder().store(database.clone()).state(database).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Postgres {
    database: Database,
    /// `None`: the clock of the database.
    time: Option<StoreTime>,
    processes: Arc<PostgresProcesses>,
}

impl Postgres {
    /// Connects to a server with the default [options](PostgresOptions), and makes the tables for
    /// sessions (their names begin with `vivaz_`). Tables of an earlier version are migrated; other
    /// nodes that start meanwhile wait. The address is `postgres://user:password@host:port/name`,
    /// or `host=/run/postgresql dbname=name`.
    ///
    /// # Errors
    /// Returns an error if the address cannot be read or asks for TLS,
    /// [`DatabaseError::Unavailable`] if the server cannot be reached, and [`StoreError::TooNew`]
    /// if its tables were made by a newer version.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_with(url, PostgresOptions::default()).await
    }

    /// Connects to a server as [`connect`](Self::connect) does, with options.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with(url: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let (database, ()) = Database::connect(url, options, |tx| TABLES.run(tx)).await?;
        Ok(Self { database, time: None, processes: Arc::default() })
    }

    /// Connects to a server as [`connect_with`](Self::connect_with) does, and measures the leases
    /// of sessions with this clock, for tests.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with_clock(
        url: &str,
        options: PostgresOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let connected = Self::connect_with(url, options).await?;
        Ok(Self { time: Some(StoreTime::new(clock, None)), ..connected })
    }

    /// Returns the database below the store, for transactions that run in an order and for
    /// notifications.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Runs `work` in a transaction, and returns its result when that is committed. An error or a
    /// panic rolls back what `work` did.
    ///
    /// # Cancel safety
    /// `work` is queued by the first poll. Once it is queued, it runs even if the future is
    /// dropped.
    ///
    /// # Errors
    /// Returns the error of `work`, and errors of the database; see [`Database::run`].
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        self.database.run(work).await
    }

    /// Runs `work` as [`run`](Self::run) does. `work` returns errors of another type, such as
    /// [`ActionError`](crate::ActionError), to which errors of the database are converted.
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

    /// Waits until every queued transaction has ended and the connections are closed, if this is
    /// the last handle; a runtime that was given a clone has one too.
    pub async fn close(self) {
        self.database.close().await;
    }

    /// Returns the time that a test has given, in milliseconds.
    fn given_time(&self) -> Option<i64> {
        self.time.as_ref().map(|time| time.now().cast_signed())
    }
}
