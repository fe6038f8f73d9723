//! The thread that writes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::guard::{Guard, SAVEPOINT, check_deferred};
use crate::persist::store::StoreError;

/// So many orders share a transaction at most: whoever waits for the first of them does not wait for ever.
const TOGETHER: usize = 256;

/// Something to do on the connection, inside of a transaction; or why there is none.
pub(super) type Order = Box<dyn FnOnce(Result<&Connection, &str>) -> Ran + Send>;

/// An order that has run.
pub(super) struct Ran {
    /// Whether what it did stays.
    pub(super) keep: bool,
    /// Answers, when it is known whether the transaction is on disk.
    pub(super) finish: Finish,
}

/// Gives an answer.
pub(super) type Finish = Box<dyn FnOnce(Result<(), Failure>) + Send>;

/// Why an order is not known to be on disk.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Nothing of it is kept.
    #[error(transparent)]
    Undone(StoreError),
    /// The `COMMIT` failed: it may be found on disk or not.
    #[error(transparent)]
    Unknown(StoreError),
}

impl<E: Into<StoreError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Undone(error.into())
    }
}

/// The thread. Dropping it waits until it has done what it was given; by then nobody can give it more.
#[derive(Debug)]
pub(super) struct Thread(Mutex<Option<JoinHandle<()>>>);

impl Thread {
    pub(super) fn start(
        connection: Connection,
        guard: Guard,
        queue: mpsc::Receiver<Order>,
    ) -> std::io::Result<Self> {
        let thread = std::thread::Builder::new()
            .name("vivaz-sqlite".into())
            .spawn(move || work(&connection, &guard, queue))?;
        Ok(Self(Mutex::new(Some(thread))))
    }

    /// Waits for its end.
    pub(super) fn join(&self) {
        let thread = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the database's thread had panicked");
        }
    }
}

/// How the connection works.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    // WAL: a commit is one append, and other processes can read meanwhile. FULL: it is on disk when it is answered, so
    // that it survives a power failure too.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn work(connection: &Connection, guard: &Guard, mut queue: mpsc::Receiver<Order>) {
    while let Some(first) = queue.blocking_recv() {
        let mut finishes = Vec::new();
        let committed = together(connection, guard, first, &mut queue, &mut finishes);
        if let Err(error) = &committed {
            tracing::error!(%error, "a transaction failed");
            if !connection.is_autocommit()
                && let Err(error) = connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "a transaction could not be taken back");
            }
        }
        for finish in finishes {
            finish(committed.as_ref().copied().map_err(|failure| match failure {
                Failure::Undone(error) => Failure::Undone(StoreError::failed(error.to_string())),
                Failure::Unknown(error) => Failure::Unknown(StoreError::failed(error.to_string())),
            }));
        }
    }
}

/// Runs an order and those that wait behind it in one transaction.
///
/// # Errors
/// When nothing of them is kept, or it is not known whether anything is.
fn together(
    connection: &Connection,
    guard: &Guard,
    first: Order,
    queue: &mut mpsc::Receiver<Order>,
    finishes: &mut Vec<Finish>,
) -> Result<(), Failure> {
    // Whoever waits is answered in any case: the first order by what goes wrong here, too.
    let mut next = Some(first);
    let begun = connection.execute_batch("BEGIN IMMEDIATE");
    while let Some(order) = next {
        match &begun {
            Ok(()) => one(connection, guard, order, finishes)?,
            Err(error) => finishes.push(order(Err(&error.to_string())).finish),
        }
        next = if finishes.len() < TOGETHER { queue.try_recv().ok() } else { None };
    }
    begun?;
    connection.execute_batch("COMMIT").map_err(|error| Failure::Unknown(error.into()))
}

/// Runs an order. What it did is undone if it says so, panics, runs a statement that it may not, or
/// violates a deferred foreign key; the others of the transaction stay.
///
/// # Errors
/// When the transaction cannot go on.
fn one(
    connection: &Connection,
    guard: &Guard,
    order: Order,
    finishes: &mut Vec<Finish>,
) -> Result<(), StoreError> {
    // Not from the connection's cache of statements, which orders use too.
    if let Err(error) = connection.execute_batch(&format!("SAVEPOINT {SAVEPOINT}")) {
        finishes.push(order(Err(&error.to_string())).finish);
        return Err(error.into());
    }
    let run = || catch_unwind(AssertUnwindSafe(|| order(Ok(connection))));
    let (ran, kept) = guard.watch(connection, run);
    let keep = match ran {
        Ok(Ran { keep, finish }) => {
            let kept = if keep { kept.and_then(|()| check_deferred(connection)) } else { kept };
            let keep = keep && kept.is_ok();
            // Before what may fail next, which is then its answer.
            finishes.push(if kept.is_ok() {
                finish
            } else {
                Box::new(move |_| finish(kept.map_err(Failure::Undone)))
            });
            keep
        }
        Err(_panic) => {
            tracing::error!("a write panicked; what it did is undone");
            false
        }
    };
    if connection.is_autocommit() {
        return Err(StoreError::RolledBack);
    }
    if !keep {
        connection.execute_batch(&format!("ROLLBACK TO {SAVEPOINT}"))?;
    }
    connection.execute_batch(&format!("RELEASE {SAVEPOINT}"))?;
    Ok(())
}
