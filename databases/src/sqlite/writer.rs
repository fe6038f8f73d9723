//! The thread that writes.

use std::rc::Rc;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, Statement};
use tokio::sync::mpsc;

use super::driver::SqliteDriver;
use super::guard::{Guard, SAVEPOINT, check_deferred};
use crate::order::{self, CommitFailure, Finish, Order, Ran};
use crate::panics::contain;
use crate::{DatabaseError, Tx};

/// The maximum number of orders in a transaction. It bounds the time that the caller of the first
/// order waits.
const TOGETHER: usize = 256;

/// The writer thread. It ends after it has run every queued order, when no handle can queue
/// more.
#[derive(Debug)]
pub(super) struct Thread(Mutex<Option<JoinHandle<()>>>);

impl Thread {
    /// Starts the thread, and waits until it can run orders.
    ///
    /// # Errors
    /// Returns an error if the system has no thread, or if the thread's statements cannot be
    /// prepared.
    pub(super) fn start(
        connection: Connection,
        guard: Guard,
        queue: mpsc::Receiver<Order>,
    ) -> Result<Self, DatabaseError> {
        let (started, starting) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("vivaz-sqlite".into()).spawn(move || {
            let connection = Rc::new(connection);
            let (writer, outcome) = match TransactionWriter::new(&connection, guard) {
                Ok(writer) => (Some(writer), Ok(())),
                Err(error) => (None, Err(error)),
            };
            // The receiver waits for it.
            let _ = started.send(outcome);
            if let Some(writer) = writer {
                writer.work(queue);
            }
        });
        let thread = thread.map_err(DatabaseError::failed)?;
        starting.recv().map_err(DatabaseError::failed)??;
        Ok(Self(Mutex::new(Some(thread))))
    }

    /// Waits for the end of the thread.
    pub(super) fn join(&self) {
        let thread = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the database's thread had panicked");
        }
    }
}

/// Configures the connection.
pub(super) fn prepare(connection: &Connection) -> Result<(), DatabaseError> {
    // WAL: a commit is one append, and other processes can read meanwhile. FULL: it is on disk when
    // it is answered, so that it survives a power failure too.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// What undoes the changes of an order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Isolation {
    /// The order's own savepoint: other orders share the transaction.
    Savepoint,
    /// The end of the transaction, which has no other order.
    Transaction,
}

/// The thread's own state. Its statements are prepared once, and not in the connection's cache of
/// statements, which orders use too: the guard checks a statement when it is prepared.
struct TransactionWriter<'c> {
    /// The connection. Transactions begin and end around it.
    tx: Tx,
    connection: &'c Connection,
    guard: Guard,
    begin: Statement<'c>,
    commit: Statement<'c>,
    savepoint: Statement<'c>,
    release: Statement<'c>,
}

impl<'c> TransactionWriter<'c> {
    fn new(connection: &'c Rc<Connection>, guard: Guard) -> Result<Self, DatabaseError> {
        Ok(Self {
            tx: Tx::new(SqliteDriver::new(Rc::clone(connection))),
            connection,
            guard,
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            commit: connection.prepare("COMMIT")?,
            savepoint: connection.prepare(&format!("SAVEPOINT {SAVEPOINT}"))?,
            release: connection.prepare(&format!("RELEASE {SAVEPOINT}"))?,
        })
    }

    fn work(mut self, mut queue: mpsc::Receiver<Order>) {
        while let Some(first) = queue.blocking_recv() {
            let mut finishes = Vec::new();
            let committed = self.run_together(first, &mut queue, &mut finishes);
            if let Err(error) = &committed {
                tracing::error!(%error, "a transaction failed");
                if let Err(error) = self.roll_back() {
                    tracing::error!(%error, "a transaction could not be rolled back");
                }
            }
            for finish in finishes {
                order::finish(finish, committed.clone());
            }
        }
    }

    fn roll_back(&self) -> Result<(), DatabaseError> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        Ok(())
    }

    /// Runs an order and those that wait behind it in one transaction. An order that waits alone
    /// needs no savepoint.
    ///
    /// # Errors
    /// Returns an error if nothing of them is kept, or if it is not known whether it is.
    fn run_together(
        &mut self,
        first: Order,
        queue: &mut mpsc::Receiver<Order>,
        finishes: &mut Vec<Finish>,
    ) -> Result<(), CommitFailure> {
        // Every order gets a result, also if `BEGIN` fails.
        let mut next = Some(first);
        let isolation = if queue.is_empty() { Isolation::Transaction } else { Isolation::Savepoint };
        let begun = run(&mut self.begin);
        while let Some(order) = next {
            match &begun {
                Ok(()) => self.run_one(order, isolation, finishes)?,
                Err(error) => finishes.extend(order::refuse(order, error)),
            }
            let takes_more = isolation == Isolation::Savepoint && finishes.len() < TOGETHER;
            next = if takes_more { queue.try_recv().ok() } else { None };
        }
        begun?;
        if self.connection.is_autocommit() {
            // The only order was rolled back.
            return Ok(());
        }
        run(&mut self.commit).map_err(CommitFailure::Unknown)
    }

    /// Runs an order. It is rolled back if it asks for that, panics, runs a statement that it may
    /// not run, or violates a deferred foreign key; the others of the transaction stay.
    ///
    /// # Errors
    /// Returns an error if the transaction cannot go on.
    fn run_one(
        &mut self,
        order: Order,
        isolation: Isolation,
        finishes: &mut Vec<Finish>,
    ) -> Result<(), DatabaseError> {
        if isolation == Isolation::Savepoint
            && let Err(error) = run(&mut self.savepoint)
        {
            finishes.extend(order::refuse(order, &error));
            return Err(error);
        }
        let tx = &mut self.tx;
        let ran = self.guard.watch(|| contain(|| order(Ok(tx))));
        let kept = self.guard.check(self.connection);
        let keep = match ran {
            Some(Ran { keep, finish }) => {
                let kept = if keep { kept.and_then(|()| check_deferred(self.connection)) } else { kept };
                let keep = keep && kept.is_ok();
                // Pushed first, so that this order also gets an error of the statements below.
                finishes.push(if kept.is_ok() {
                    finish
                } else {
                    Box::new(move |_| finish(kept.map_err(CommitFailure::Undone)))
                });
                keep
            }
            None => {
                tracing::error!("a transaction panicked; it is rolled back");
                false
            }
        };
        if self.connection.is_autocommit() {
            return Err(DatabaseError::RolledBack);
        }
        match (isolation, keep) {
            (Isolation::Transaction, true) => Ok(()),
            (Isolation::Transaction, false) => self.roll_back(),
            (Isolation::Savepoint, true) => run(&mut self.release),
            (Isolation::Savepoint, false) => {
                self.connection.execute_batch(&format!("ROLLBACK TO {SAVEPOINT}"))?;
                run(&mut self.release)
            }
        }
    }
}

/// Runs one of the thread's own statements.
fn run(statement: &mut Statement<'_>) -> Result<(), DatabaseError> {
    statement.execute([])?;
    Ok(())
}
