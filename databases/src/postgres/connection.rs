//! A connection to the server, and the transaction in it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{join, join_all, maybe_done};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls, Statement};

use super::errors;
use super::options::PostgresOptions;
use super::sql::{self, Scanned};
use crate::DatabaseError;
use crate::order::CommitFailure;
use crate::panics::contain;

/// The maximum number of prepared statements of a connection. When there are more, all are closed:
/// an application whose statements are texts with values in them would fill the server otherwise.
const STATEMENTS: usize = 256;

/// The time for which an answer of the server is awaited after the server itself should have
/// cancelled the statement.
const GRACE: Duration = Duration::from_secs(2);

/// Begins a transaction, with the savepoint before its first statement.
const BEGIN: &str = "BEGIN; SAVEPOINT vivaz_statement";
/// Moves the savepoint behind a statement that has succeeded.
const NEXT: &str = "RELEASE vivaz_statement; SAVEPOINT vivaz_statement";
/// Undoes the last statement.
const UNDO: &str = "ROLLBACK TO vivaz_statement";
const COMMIT: &str = "RELEASE vivaz_statement; COMMIT";

/// A connection to the server, inside of a transaction: what [`Tx::native`](crate::Tx::native)
/// returns for PostgreSQL.
pub struct PostgresConnection {
    client: Client,
    /// Drives the socket while the thread waits in the runtime.
    socket: JoinHandle<()>,
    /// Closed when the socket is.
    ended: watch::Receiver<()>,
    runtime: Rc<Runtime>,
    pub(super) backend: Backend,
    pub(super) pool: PoolId,
    limit: Cell<Option<Duration>>,
    stage: RefCell<TransactionStage>,
    statements: RefCell<HashMap<Box<str>, Rc<PreparedStatement>>>,
    after_commit: RefCell<Vec<Box<dyn FnOnce()>>>,
}

/// The pool of a connection, unique in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PoolId(u64);

impl PoolId {
    pub(super) fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The process of the server that serves a connection. The start makes it unique.
#[derive(Clone, Debug)]
pub(super) struct Backend {
    pid: i32,
    start: String,
}

/// A prepared statement.
pub(super) struct PreparedStatement {
    pub(super) statement: Statement,
    pub(super) changes_rows: bool,
}

/// The stage of the transaction.
enum TransactionStage {
    /// No statement has run, so none has begun.
    Idle,
    /// A transaction runs, and has a savepoint before its last statement.
    Open,
    /// The transaction cannot be committed, for this reason.
    Doomed(DatabaseError),
    /// The connection is lost, with what the transaction did.
    Lost(DatabaseError),
}

impl PostgresConnection {
    /// Connects to the server.
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached or refuses the connection.
    pub(super) async fn connect(
        runtime: Rc<Runtime>,
        pool: PoolId,
        config: &Config,
        options: &PostgresOptions,
    ) -> Result<Self, DatabaseError> {
        let establish = async {
            let (client, connection) = config.connect(NoTls).await?;
            let (open, ended) = watch::channel(());
            let socket = tokio::spawn(async move {
                let _open = open;
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection to PostgreSQL ended");
                }
            });
            client.batch_execute(&options.session()).await?;
            let own = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()";
            let row = client.query_one(own, &[]).await?;
            let backend = Backend { pid: row.try_get(0)?, start: row.try_get(1)? };
            Ok::<_, tokio_postgres::Error>((client, socket, ended, backend))
        };
        let connected = tokio::time::timeout(options.connect_time, establish).await;
        let connected = connected.map_err(|_| DatabaseError::unavailable("no connection in time"))?;
        let (client, socket, ended, backend) = connected.map_err(|error| errors::convert_connect(&error))?;
        Ok(Self {
            client,
            socket,
            ended,
            runtime,
            backend,
            pool,
            limit: Cell::new(Some(options.statement_time.saturating_add(GRACE))),
            stage: RefCell::new(TransactionStage::Idle),
            statements: RefCell::default(),
            after_commit: RefCell::default(),
        })
    }

    /// Calls a function on this thread when the transaction is known to be committed, and drops it
    /// otherwise. It must not block.
    pub fn after_commit(&self, call: impl FnOnce() + 'static) {
        self.after_commit.borrow_mut().push(Box::new(call));
    }

    /// Runs asynchronous work with the client of `tokio-postgres`, inside of the transaction, and
    /// waits for it on this thread. A statement that fails there ends the transaction, unless
    /// `work` rolls back to a savepoint of its own. `work` must neither end the transaction nor
    /// leave a setting, a lock or a temporary table in the connection.
    ///
    /// # Errors
    /// Returns the error of `work`, and [`DatabaseError::Unavailable`] if the connection is lost.
    pub fn run<T>(
        &self,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, DatabaseError> {
        if self.has_begun()? {
            return self.wait(work(&self.client))?.map_err(|error| self.fail(error));
        }
        self.guarded(work)
    }

    /// Runs `work` behind a savepoint, to which the transaction returns if it fails. All messages
    /// are sent together.
    ///
    /// # Errors
    /// Returns the error of `work`. The transaction goes on unless it is lost or doomed.
    pub(super) fn guarded<T>(
        &self,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, DatabaseError> {
        self.guarded_script(1, work)
    }

    /// Runs `work` as [`guarded`](Self::guarded) does. It sends this number of statements.
    pub(super) fn guarded_script<T>(
        &self,
        statements: usize,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, DatabaseError> {
        let before = if self.has_begun()? { NEXT } else { BEGIN };
        let answers = join(self.client.batch_execute(before), work(&self.client));
        let (saved, done) = self.wait_for(statements, answers)?;
        self.outcome(saved, done)
    }

    /// Runs each work behind a savepoint, as [`guarded`](Self::guarded) does. All messages are sent
    /// together. After the first that fails, the others are not run.
    ///
    /// # Errors
    /// Returns the error of the first work that fails. The transaction returns to the state before
    /// it.
    pub(super) fn guarded_all<T>(
        &self,
        works: impl Iterator<Item = impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>>,
    ) -> Result<Vec<T>, DatabaseError> {
        let mut before = if self.has_begun()? { NEXT } else { BEGIN };
        let sent = works.map(|work| {
            let before = std::mem::replace(&mut before, NEXT);
            Box::pin(maybe_done(join(self.client.batch_execute(before), work(&self.client))))
        });
        let mut sent: Vec<_> = sent.collect();
        let count = sent.len();
        let waited = self.wait_for(count, async {
            // A future sends its messages when it is polled first: in this order.
            poll_fn(|cx| {
                for one in &mut sent {
                    let _ = one.as_mut().poll(cx);
                }
                Poll::Ready(())
            })
            .await;
            join_all(sent.iter_mut()).await;
        });
        waited?;
        let outcomes = sent.iter_mut().filter_map(|one| one.as_mut().take_output());
        outcomes.map(|(saved, done)| self.outcome(saved, done)).collect()
    }

    /// Evaluates the answers to a savepoint and to the work behind it.
    fn outcome<T>(
        &self,
        saved: Result<(), tokio_postgres::Error>,
        done: Result<T, tokio_postgres::Error>,
    ) -> Result<T, DatabaseError> {
        if let Err(error) = saved {
            // Whatever the error, there is no savepoint to return to.
            let error = self.fail(error);
            self.doom(error.clone());
            return Err(error);
        }
        self.set(TransactionStage::Open);
        done.map_err(|error| self.undo(error))
    }

    /// Returns to the savepoint after a statement has failed, and converts its error.
    fn undo(&self, error: tokio_postgres::Error) -> DatabaseError {
        let error = self.fail(error);
        if matches!(error, DatabaseError::Conflict(_)) {
            self.doom(error.clone());
        }
        if matches!(&*self.stage.borrow(), TransactionStage::Open)
            && let Err(error) = self
                .wait(self.client.batch_execute(UNDO))
                .and_then(|undone| undone.map_err(|error| self.fail(error)))
        {
            self.doom(error);
        }
        error
    }

    /// Returns the prepared statement of a text. A new one is prepared behind a savepoint.
    ///
    /// # Errors
    /// Returns an error if the statement is not one, is denied, or has an error.
    pub(super) fn prepare(&self, sql: &str) -> Result<Rc<PreparedStatement>, DatabaseError> {
        if let Some(prepared) = self.statements.borrow().get(sql) {
            return Ok(Rc::clone(prepared));
        }
        let scanned = sql::scan_one(sql)?;
        self.allow(&scanned)?;
        let statement = self.guarded(async |client| client.prepare(&scanned.text).await)?;
        let prepared = Rc::new(PreparedStatement { statement, changes_rows: scanned.changes_rows() });
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENTS {
            statements.clear();
        }
        statements.insert(sql.into(), Rc::clone(&prepared));
        Ok(prepared)
    }

    /// Checks whether a statement that was prepared earlier is known by this name.
    pub(super) fn has_prepared(&self, sql: &str) -> bool {
        self.statements.borrow().contains_key(sql)
    }

    /// Forgets a prepared statement whose plan no longer fits the tables.
    ///
    /// Returns whether it was one, so that it can be prepared again.
    pub(super) fn forget_stale(&self, sql: &str, error: &DatabaseError) -> bool {
        errors::is_stale(error) && self.statements.borrow_mut().remove(sql).is_some()
    }

    /// Checks that a transaction may run a statement. Otherwise the transaction is doomed.
    pub(super) fn allow(&self, statement: &Scanned) -> Result<(), DatabaseError> {
        let Some(name) = statement.denied() else { return Ok(()) };
        let denied = DatabaseError::Denied(name);
        self.doom(denied.clone());
        Err(denied)
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// Returns an error if the transaction is rolled back, or if that is not known.
    pub(super) fn commit(&self) -> Result<(), CommitFailure> {
        match &*self.stage.borrow() {
            TransactionStage::Idle => return Ok(()),
            TransactionStage::Open => {}
            TransactionStage::Doomed(error) | TransactionStage::Lost(error) => {
                return Err(CommitFailure::Undone(error.clone()));
            }
        }
        if self.client.is_closed() {
            let error = DatabaseError::unavailable("the connection has ended");
            self.set(TransactionStage::Lost(error.clone()));
            return Err(CommitFailure::Undone(error));
        }
        // The server answers `COMMIT` with success, too, if a failed transaction is rolled back.
        // The savepoint is found only in this transaction, and only if it has not failed.
        let committed = self.wait(self.client.batch_execute(COMMIT)).map_err(CommitFailure::Unknown)?;
        let Err(error) = committed else {
            self.set(TransactionStage::Idle);
            for call in self.after_commit.take() {
                if contain(call).is_none() {
                    tracing::error!("a function that was to be called after a commit panicked");
                }
            }
            return Ok(());
        };
        if error.as_db_error().is_some_and(errors::is_rolled_back) {
            let error = errors::convert_commit(error);
            self.doom(error.clone());
            return Err(CommitFailure::Undone(error));
        }
        let error = errors::convert(error);
        self.set(TransactionStage::Lost(error.clone()));
        Err(CommitFailure::Unknown(error))
    }

    /// Returns the reason for which the transaction cannot be committed, if there is one.
    pub(super) fn doomed(&self) -> Result<(), CommitFailure> {
        match &*self.stage.borrow() {
            TransactionStage::Idle | TransactionStage::Open | TransactionStage::Lost(_) => Ok(()),
            TransactionStage::Doomed(error) => Err(CommitFailure::Undone(error.clone())),
        }
    }

    /// Rolls the transaction back, if one has begun.
    pub(super) fn roll_back(&self) {
        drop(self.after_commit.take());
        let has_begun = match &*self.stage.borrow() {
            TransactionStage::Idle | TransactionStage::Lost(_) => false,
            TransactionStage::Open | TransactionStage::Doomed(_) => true,
        };
        if !has_begun {
            return;
        }
        match self.wait(self.client.batch_execute("ROLLBACK")) {
            Ok(Ok(())) => self.set(TransactionStage::Idle),
            Ok(Err(error)) => self.set(TransactionStage::Lost(errors::convert(error))),
            Err(_) => {}
        }
    }

    /// Sets the maximum time of a statement; `None`: as long as the server takes.
    pub(super) fn set_limit(&self, limit: Option<Duration>) -> Option<Duration> {
        self.limit.replace(limit)
    }

    /// Checks whether the transaction has begun.
    ///
    /// # Errors
    /// Returns the reason for which it cannot go on.
    fn has_begun(&self) -> Result<bool, DatabaseError> {
        match &*self.stage.borrow() {
            TransactionStage::Idle => Ok(false),
            TransactionStage::Open => Ok(true),
            TransactionStage::Doomed(error) | TransactionStage::Lost(error) => Err(error.clone()),
        }
    }

    /// Waits until the connection ends.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + use<> {
        let mut ended = self.ended.clone();
        // Nothing is sent; the sender is dropped with the socket.
        async move { while ended.changed().await.is_ok() {} }
    }

    /// Closes the connection in an orderly way.
    pub(super) fn close(self) {
        let Self { client, socket, runtime, .. } = self;
        drop(client);
        let closed = runtime.block_on(async { tokio::time::timeout(GRACE, socket).await });
        if closed.is_err() {
            tracing::debug!("a connection to PostgreSQL was not closed in time");
        }
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(&*self.stage.borrow(), TransactionStage::Lost(_)) || self.client.is_closed()
    }

    /// Ends the process of the server that served a lost connection, and waits until it has ended:
    /// what it was doing takes effect before that, or never.
    pub(super) async fn settle(&self, lost: &Backend) -> Result<(), DatabaseError> {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2";
        loop {
            let left = self.client.query(end, &[&lost.pid, &lost.start]).await.map_err(errors::convert)?;
            if left.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for the answer of the server to one statement.
    fn wait<T>(&self, answer: impl Future<Output = T>) -> Result<T, DatabaseError> {
        self.wait_for(1, answer)
    }

    /// Waits for the answers of the server to some statements. Without them in time the connection
    /// is lost.
    fn wait_for<T>(&self, statements: usize, answer: impl Future<Output = T>) -> Result<T, DatabaseError> {
        let Some(limit) = self.limit.get() else { return Ok(self.runtime.block_on(answer)) };
        let limit = limit.saturating_mul(u32::try_from(statements).unwrap_or(u32::MAX));
        let answer = self.runtime.block_on(async { tokio::time::timeout(limit, answer).await });
        answer.map_err(|_| {
            let error = DatabaseError::unavailable("the server did not answer in time");
            self.set(TransactionStage::Lost(error.clone()));
            error
        })
    }

    /// Converts an error, and notes a lost connection.
    fn fail(&self, error: tokio_postgres::Error) -> DatabaseError {
        let is_lost = errors::is_lost(&error);
        let error = errors::convert(error);
        if is_lost {
            self.set(TransactionStage::Lost(error.clone()));
        }
        error
    }

    fn doom(&self, error: DatabaseError) {
        let mut stage = self.stage.borrow_mut();
        match &*stage {
            // `ROLLBACK` outside of a transaction is harmless.
            TransactionStage::Idle | TransactionStage::Open => *stage = TransactionStage::Doomed(error),
            TransactionStage::Doomed(_) | TransactionStage::Lost(_) => {}
        }
    }

    fn set(&self, stage: TransactionStage) {
        *self.stage.borrow_mut() = stage;
    }
}

impl fmt::Debug for PostgresConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConnection").field("backend", &self.backend).finish_non_exhaustive()
    }
}
