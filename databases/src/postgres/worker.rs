//! The threads, each with a connection.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Config;

use super::connection::{Backend, PoolId, PostgresConnection};
use super::driver::PostgresDriver;
use super::options::PostgresOptions;
use super::queue::{HeldKeys, Queue, TakenOrder};
use crate::order::{self, CommitFailure, Ran};
use crate::panics::contain;
use crate::{DatabaseError, Tx};

/// The pause after the first failed attempt to connect. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// The time after which a thread without a connection looks for orders that have waited too long.
const TICK: Duration = Duration::from_millis(100);

/// What all threads of a database share.
pub(super) struct Pool {
    pub(super) id: PoolId,
    pub(super) config: Config,
    pub(super) options: PostgresOptions,
    pub(super) queue: Queue,
}

/// A thread with its connection.
pub(super) struct Worker {
    pool: Arc<Pool>,
    runtime: Rc<Runtime>,
    /// The process of the server that served the lost connection. It may still run what it was
    /// sent, so the keys of the order stay held until it has ended.
    lost: Option<(Backend, HeldKeys)>,
}

/// Starts a thread.
///
/// # Errors
/// Returns an error if the system has no thread.
pub(super) fn start(work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, DatabaseError> {
    let thread = std::thread::Builder::new().name("vivaz-postgres".into()).spawn(work);
    thread.map_err(DatabaseError::failed)
}

impl Worker {
    /// Creates the worker of the current thread.
    ///
    /// # Errors
    /// Returns an error if the system has no resources for it.
    pub(super) fn new(pool: Arc<Pool>) -> Result<Self, DatabaseError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(DatabaseError::failed)?;
        Ok(Self { pool, runtime: Rc::new(runtime), lost: None })
    }

    /// Connects once.
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached.
    pub(super) fn connect(&self) -> Result<Rc<PostgresConnection>, DatabaseError> {
        let Pool { id, config, options, .. } = &*self.pool;
        let connect = PostgresConnection::connect(Rc::clone(&self.runtime), *id, config, options);
        self.runtime.block_on(connect).map(Rc::new)
    }

    /// Runs work in a transaction, without a limit of time.
    pub(super) fn set_up<T, E: From<DatabaseError>>(
        connection: &Rc<PostgresConnection>,
        work: impl FnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<T, E> {
        let limit = connection.set_limit(None);
        let mut tx = Tx::new(PostgresDriver(Rc::clone(connection)));
        let unlimited = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
        let made = match tx.script(unlimited) {
            Ok(()) => work(&mut tx),
            Err(error) => Err(error.into()),
        };
        let made = made.and_then(|made| match connection.commit() {
            Ok(()) => Ok(made),
            Err(CommitFailure::Undone(error) | CommitFailure::Unknown(error)) => Err(error.into()),
        });
        connection.roll_back();
        connection.set_limit(limit);
        made
    }

    /// Runs orders until the queue is closed and empty.
    pub(super) fn work(mut self, mut connected: Option<Rc<PostgresConnection>>) {
        while let Some(connection) = connected.take().or_else(|| self.reconnect()) {
            let mut tx = Tx::new(PostgresDriver(Rc::clone(&connection)));
            let is_finished = loop {
                match self.next(&connection) {
                    Next::Order(taken) => self.run(&connection, &mut tx, taken),
                    Next::Finished => break true,
                    Next::Lost => break false,
                }
            };
            drop(tx);
            if is_finished {
                if let Some(connection) = Rc::into_inner(connection) {
                    connection.close();
                }
                return;
            }
            tracing::warn!("the connection to PostgreSQL is lost");
        }
    }

    /// Waits for an order or the end of the connection.
    fn next(&self, connection: &PostgresConnection) -> Next {
        if connection.is_lost() {
            return Next::Lost;
        }
        let next = async {
            match select(pin!(connection.ended()), pin!(self.pool.queue.take())).await {
                Either::Left(((), _)) => Next::Lost,
                Either::Right((Some(taken), _)) => Next::Order(taken),
                Either::Right((None, _)) => Next::Finished,
            }
        };
        self.runtime.block_on(next)
    }

    /// Runs an order, and sends its result when it is known.
    fn run(&mut self, connection: &PostgresConnection, tx: &mut Tx, taken: TakenOrder) {
        let TakenOrder { order, keys } = taken;
        let ran = contain(|| order(Ok(tx)));
        let outcome = match &ran {
            Some(Ran { keep: true, .. }) => connection.commit(),
            Some(Ran { keep: false, .. }) => connection.doomed(),
            None => {
                tracing::error!("a transaction panicked; it is rolled back");
                Ok(())
            }
        };
        // Ends what has not been committed.
        connection.roll_back();
        if let Err(CommitFailure::Unknown(error)) = &outcome {
            tracing::error!(%error, "it is not known whether a transaction has taken effect");
        }
        // Keys are released behind the result: `publish` of an order is called before the next
        // order of its keys starts.
        if let Some(Ran { finish, .. }) = ran {
            order::finish(finish, outcome);
        }
        if connection.is_lost() {
            self.lost = Some((connection.backend.clone(), keys));
        } else {
            self.pool.queue.release(&keys);
        }
    }

    /// Connects again, with growing pauses. Returns `None` when the queue is closed and empty.
    fn reconnect(&mut self) -> Option<Rc<PostgresConnection>> {
        let mut pause = FIRST_PAUSE;
        loop {
            let connected = self.attempt();
            let error = match connected {
                Ok(connection) => {
                    if let Some((_, keys)) = self.lost.take() {
                        self.pool.queue.release(&keys);
                    }
                    return Some(connection);
                }
                Err(error) => error,
            };
            tracing::debug!(%error, "PostgreSQL cannot be reached");
            if self.pool.queue.is_finished() {
                return None;
            }
            self.pause(pause, &error);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Tries to connect, and ends what the lost connection has left. Orders that wait for too long
    /// meanwhile are refused.
    fn attempt(&self) -> Result<Rc<PostgresConnection>, DatabaseError> {
        let Pool { id, config, options, .. } = &*self.pool;
        let mut attempt = pin!(async {
            let connect = PostgresConnection::connect(Rc::clone(&self.runtime), *id, config, options);
            let connection = connect.await?;
            if let Some((backend, _)) = &self.lost {
                let settled = tokio::time::timeout(options.statement_time, connection.settle(backend)).await;
                settled.map_err(|_| DatabaseError::unavailable("a lost transaction still runs"))??;
            }
            Ok(connection)
        });
        loop {
            let tick = self.runtime.block_on(async { tokio::time::timeout(TICK, attempt.as_mut()).await });
            if let Ok(connected) = tick {
                return connected.map(Rc::new);
            }
            self.refuse_expired(&DatabaseError::unavailable("no connection in time"));
        }
    }

    fn pause(&self, pause: Duration, error: &DatabaseError) {
        self.runtime.block_on(async { tokio::time::sleep(pause).await });
        self.refuse_expired(error);
    }

    fn refuse_expired(&self, error: &DatabaseError) {
        for order in self.pool.queue.take_expired(self.pool.options.wait_time) {
            if let Some(finish) = order::refuse(order, error) {
                order::finish(finish, Err(CommitFailure::Undone(error.clone())));
            }
        }
    }
}

/// What a thread with a connection does next.
enum Next {
    Order(TakenOrder),
    /// The queue is closed and empty.
    Finished,
    /// The connection has ended.
    Lost,
}
