//! A PostgreSQL database.
//!
//! # Transactions
//! A handler of a durable component is synchronous, so transactions run on threads of their own,
//! each with a connection ([`PostgresOptions::connections`]). As on SQLite, an error or a panic
//! rolls back, a statement that fails is undone alone and the transaction goes on (each statement
//! has a savepoint, which is sent with it), and statements that would end the transaction are
//! refused with [`DatabaseError::Denied`]. So are savepoints, `SET` without `LOCAL`, temporary
//! tables without `ON COMMIT DROP`, and `COPY`. Session-level advisory locks and `set_config` are
//! not recognised; use their forms that end with the transaction.
//!
//! Unlike SQLite, transactions run at the same time. With the default isolation, a handler that
//! reads, decides and writes has to lock what it reads; see [`IsolationLevel`].
//!
//! # Order
//! [`run`](Database::run) and [`submit`](Database::submit) start transactions in the order of the
//! calls, and they may end in another one. Transactions of [`submit_for`](Database::submit_for)
//! with a common key run one after the other, in the order of the calls, also if a connection is
//! lost in between: the process of the server that served it has ended before the next one starts.
//!
//! # Errors
//! | what happens | error | effect |
//! | --- | --- | --- |
//! | no connection for [`PostgresOptions::wait_time`] | [`DatabaseError::Unavailable`] | none |
//! | the connection is lost before `COMMIT` | [`DatabaseError::Unavailable`] | none |
//! | the connection is lost during `COMMIT` | [`DatabaseError::Unknown`] | all or none |
//! | a serialization failure, a deadlock | [`DatabaseError::Conflict`] | none |
//! | a statement or a lock takes too long | [`DatabaseError::TimedOut`] | the statement has none |
//!
//! # Statements
//! Parameters are `?1` as on SQLite; `$1` works too. Each one takes the type that the statement
//! wants in its place: integers of all widths, `numeric`, `boolean` (1 or 0), and, given as a text,
//! times, `uuid`, JSON, enumerations and all other types. Where nothing gives it a type
//! (`SELECT ?1`) it is a text; write `?1::bigint`. A text for `bytea` and bytes for another type
//! are errors.
//!
//! Columns are read as these values:
//!
//! | type | value |
//! | --- | --- |
//! | `smallint`, `integer`, `bigint`, `oid`, `boolean` | integer |
//! | `real`, `double precision` | real number |
//! | `numeric` | integer if it has no decimal places and fits, otherwise a text |
//! | `text`, `varchar`, `char`, `name`, `citext`, enumerations, `json`, `jsonb`, `uuid` | text |
//! | `date`, `time`, `timestamp`, `timestamptz` | text of RFC 3339, the last one in UTC |
//! | `bytea` | blob |
//!
//! Columns of other types have to be cast, as in `tags::text`.
//!
//! # Connections
//! Lost connections are established again, with growing pauses. This version has no TLS: an
//! address that requires it is refused, and so is one of another machine without
//! `sslmode=disable`. A pooler between the program and the server has to keep a connection for
//! the whole session (`pool_mode = session` of PgBouncer).

mod connection;
mod driver;
mod errors;
mod listen;
mod migrations;
mod options;
mod queue;
mod sql;
mod values;
mod worker;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
pub use tokio_postgres;

use self::connection::PoolId;
pub use self::connection::PostgresConnection;
pub use self::listen::{Heard, Listening};
pub use self::migrations::Migrations;
pub use self::options::{IsolationLevel, PostgresOptions};
use self::worker::{Pool, Worker};
use crate::panics::contain;
use crate::{DatabaseError, Tx, order};

/// A PostgreSQL database with its connections. Clones share them. They end, with every queued
/// transaction written, when the last of them is dropped.
#[derive(Clone)]
pub struct Database {
    threads: Arc<Threads>,
}

struct Threads {
    pool: Arc<Pool>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl Database {
    /// Connects to a server: `postgres://user:password@host:port/database`, or
    /// `host=/run/postgresql dbname=app`. `set_up` runs in a transaction first, without a limit of
    /// time, for [`Migrations`]; its result is returned too.
    ///
    /// ```no_run
    /// use vivaz_databases::postgres::{Database, Migrations, PostgresOptions};
    ///
    /// const TABLES: Migrations = Migrations {
    ///     name: "app",
    ///     scripts: &["CREATE TABLE seats (id text PRIMARY KEY, user_name text)"],
    /// };
    ///
    /// # async fn connect() -> Result<(), vivaz_databases::DatabaseError> {
    /// let url = "postgres://app@localhost/app";
    /// let (database, ()) = Database::connect(url, PostgresOptions::default(), |tx| TABLES.run(tx)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the address cannot be read or asks for TLS,
    /// [`DatabaseError::Unavailable`] if the server cannot be reached, and the error of `set_up`.
    pub async fn connect<T, E>(
        url: &str,
        options: PostgresOptions,
        set_up: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<(Self, T), E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
    {
        let config = options::configure(url, &options)?;
        let pool = Arc::new(Pool { id: PoolId::unique(), config, options, queue: Default::default() });
        let (made, making) = oneshot::channel();
        let first = {
            let pool = Arc::clone(&pool);
            worker::start(move || {
                let connected = Worker::new(pool).and_then(|worker| Ok((worker.connect()?, worker)));
                let (connection, worker) = match connected {
                    Ok(connected) => connected,
                    Err(error) => return drop(made.send(Err(error.into()))),
                };
                let result = contain(|| Worker::set_up(&connection, set_up));
                let result = result.unwrap_or_else(|| Err(DatabaseError::failed("`set_up` panicked").into()));
                let is_made = result.is_ok();
                // If the caller has gone, the queue is closed.
                drop(made.send(result));
                if is_made {
                    worker.work(Some(connection));
                }
            })?
        };
        // Closes the queue if the future is dropped meanwhile.
        let threads = Arc::new(Threads { pool, handles: Mutex::new(vec![first]) });
        let made = making.await.unwrap_or_else(|_| Err(DatabaseError::failed("the thread ended").into()))?;
        for _ in 1..threads.pool.options.connections {
            threads.add()?;
        }
        Ok((Self { threads }, made))
    }

    /// Runs `work` in a transaction, and returns its result when that is committed. An error or a
    /// panic rolls back what `work` did.
    ///
    /// # Cancel safety
    /// `work` is queued by the first poll. Once it is queued, it runs even if the future is
    /// dropped.
    ///
    /// # Errors
    /// Returns the error of `work`, and errors of the database: [`DatabaseError::Denied`] and
    /// [`DatabaseError::RolledBack`], whatever `work` returns, if a statement of it was meant to
    /// end the transaction or has ended it, [`DatabaseError::ForeignKey`] if its rows violate a
    /// deferred foreign key, [`DatabaseError::Conflict`], [`DatabaseError::Unavailable`], and
    /// [`DatabaseError::Unknown`] if it is not known whether it is committed.
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

    /// Queues `work` at once. The future waits for the result. `publish` is called once if the
    /// transaction is committed, by the thread that has committed it, and never otherwise.
    /// Transactions may end in another order than that of the calls.
    ///
    /// The error is made of [`DatabaseError::Unknown`] if it is not known whether the transaction
    /// is committed, and if it is committed and `publish` panicked.
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
        self.submit_for::<&str, T, U, E>([], work, publish)
    }

    /// Queues `work` as [`submit`](Self::submit) does. Transactions with a common key run one after
    /// the other, in the order of the calls. `publish` of one has returned before the next one
    /// starts, and nothing of one takes effect after the next one has started, also if its
    /// connection is lost.
    pub fn submit_for<K, T, U, E>(
        &self,
        keys: impl IntoIterator<Item = K>,
        work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
        publish: impl FnOnce(T) -> U + Send + 'static,
    ) -> BoxFuture<'static, Result<U, E>>
    where
        K: Into<Box<str>>,
        T: Send + 'static,
        U: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
    {
        let keys = keys.into_iter().map(Into::into).collect();
        order::submit(work, publish, |order| self.threads.pool.queue.add(order, keys))
    }

    /// Opens a connection besides those of transactions. `set_up` runs in it first, and again when
    /// it was lost: `LISTEN` statements, and advisory locks that the program holds while it runs.
    /// `heard` is called by a task of the executor and must not block.
    ///
    /// # Errors
    /// Returns [`DatabaseError::Unavailable`] if the server cannot be reached, and the error of
    /// `set_up`, which may take [`PostgresOptions::connect_time`].
    pub async fn listen(
        &self,
        set_up: &str,
        heard: impl Fn(Heard) + Send + Sync + 'static,
    ) -> Result<Listening, DatabaseError> {
        listen::listen(Arc::clone(&self.threads.pool), set_up, heard).await
    }

    /// Checks whether a transaction's connection is one of this database's.
    #[must_use]
    pub fn owns(&self, connection: &PostgresConnection) -> bool {
        connection.pool == self.threads.pool.id
    }

    /// Waits until every queued transaction has ended and the connections are closed, if this is
    /// the last handle.
    pub async fn close(self) {
        let Some(threads) = Arc::into_inner(self.threads) else { return };
        let handles = std::mem::take(&mut *threads.handles.lock().unwrap_or_else(PoisonError::into_inner));
        // Closes the queue.
        drop(threads);
        // Joining waits for the server, which must not block an executor's thread.
        let joined =
            tokio::task::spawn_blocking(|| handles.into_iter().all(|thread| thread.join().is_ok())).await;
        if !matches!(joined, Ok(true)) {
            tracing::error!("a thread of the database had panicked");
        }
    }
}

impl Threads {
    /// Starts one more thread.
    fn add(&self) -> Result<(), DatabaseError> {
        let worker_pool = Arc::clone(&self.pool);
        let thread = worker::start(move || match Worker::new(worker_pool) {
            Ok(worker) => worker.work(None),
            Err(error) => tracing::error!(%error, "a thread of the database could not start"),
        })?;
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.pool.queue.close();
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.threads.pool.options.connections;
        f.debug_struct("Database").field("connections", &connections).finish_non_exhaustive()
    }
}
