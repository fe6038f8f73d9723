//! The writer thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::guard::{Guard, SAVEPOINT, check_deferred};
use crate::persist::store::StoreError;

/// The maximum number of jobs in a transaction, which bounds the latency of the first of them.
const BATCH: usize = 256;

/// A job that runs with the connection inside of a transaction, or with the reason why no
/// transaction could be started.
pub(super) type WriteJob = Box<dyn FnOnce(Result<&Connection, &str>) -> JobOutcome + Send>;

/// The outcome of a job.
pub(super) struct JobOutcome {
    /// Whether the job's writes are kept.
    pub(super) keep: bool,
    /// Replies to the caller, when it is known whether the transaction is on disk.
    pub(super) reply: JobReply,
}

/// Sends the result of a job to its caller.
pub(super) type JobReply = Box<dyn FnOnce(Result<(), WriteFailure>) + Send>;

/// The reason why a job is not on disk, or may not be.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteFailure {
    /// The job's writes are undone.
    #[error(transparent)]
    Undone(StoreError),
    /// The `COMMIT` failed: the writes may be on disk or not.
    #[error(transparent)]
    Unknown(StoreError),
}

impl<E: Into<StoreError>> From<E> for WriteFailure {
    fn from(error: E) -> Self {
        Self::Undone(error.into())
    }
}

/// The handle of the writer thread.
#[derive(Debug)]
pub(super) struct WriterThread(Mutex<Option<JoinHandle<()>>>);

impl WriterThread {
    pub(super) fn start(
        connection: Connection,
        guard: Guard,
        queue: mpsc::Receiver<WriteJob>,
    ) -> std::io::Result<Self> {
        let thread = std::thread::Builder::new()
            .name("vivaz-sqlite".into())
            .spawn(move || run(&connection, &guard, queue))?;
        Ok(Self(Mutex::new(Some(thread))))
    }

    /// Waits until the thread has run all queued jobs and ended. All senders of the queue have to
    /// be dropped before.
    pub(super) fn join(&self) {
        let thread = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the database's writer thread panicked");
        }
    }
}

/// Configures the connection.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    // WAL: a commit is one append, and other processes can read at the same time. FULL: a commit is
    // on disk before the job's reply, so that it survives a power failure.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Runs queued jobs until all senders of the queue are dropped.
fn run(connection: &Connection, guard: &Guard, mut queue: mpsc::Receiver<WriteJob>) {
    while let Some(first) = queue.blocking_recv() {
        let mut replies = Vec::new();
        let committed = run_batch(connection, guard, first, &mut queue, &mut replies);
        if let Err(error) = &committed {
            tracing::error!(%error, "a transaction failed");
            if !connection.is_autocommit()
                && let Err(error) = connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "cannot roll back a transaction");
            }
        }
        for reply in replies {
            reply(committed.as_ref().copied().map_err(|failure| match failure {
                WriteFailure::Undone(error) => WriteFailure::Undone(StoreError::failed(error.to_string())),
                WriteFailure::Unknown(error) => WriteFailure::Unknown(StoreError::failed(error.to_string())),
            }));
        }
    }
}

/// Runs a job and the queued jobs after it in one transaction.
///
/// # Errors
/// Returns an error if all of them are undone, or if it is unknown whether they are on disk.
fn run_batch(
    connection: &Connection,
    guard: &Guard,
    first: WriteJob,
    queue: &mut mpsc::Receiver<WriteJob>,
    replies: &mut Vec<JobReply>,
) -> Result<(), WriteFailure> {
    // Each caller gets a reply, including the caller of the first job if the transaction cannot
    // begin.
    let mut next = Some(first);
    let begun = connection.execute_batch("BEGIN IMMEDIATE");
    while let Some(job) = next {
        match &begun {
            Ok(()) => run_job(connection, guard, job, replies)?,
            Err(error) => replies.push(job(Err(&error.to_string())).reply),
        }
        next = if replies.len() < BATCH { queue.try_recv().ok() } else { None };
    }
    begun?;
    connection.execute_batch("COMMIT").map_err(|error| WriteFailure::Unknown(error.into()))
}

/// Runs a job. Its writes are undone if its result is an error, or if it panics, runs a refused
/// statement, or violates a deferred foreign key. Other jobs of the transaction are not affected.
///
/// # Errors
/// Returns an error if the transaction cannot continue.
fn run_job(
    connection: &Connection,
    guard: &Guard,
    job: WriteJob,
    replies: &mut Vec<JobReply>,
) -> Result<(), StoreError> {
    // Not prepared in the connection's statement cache, which the jobs use too.
    if let Err(error) = connection.execute_batch(&format!("SAVEPOINT {SAVEPOINT}")) {
        replies.push(job(Err(&error.to_string())).reply);
        return Err(error.into());
    }
    let run = || catch_unwind(AssertUnwindSafe(|| job(Ok(connection))));
    let (outcome, kept) = guard.run(connection, run);
    let keep = match outcome {
        Ok(JobOutcome { keep, reply }) => {
            let kept = if keep { kept.and_then(|()| check_deferred(connection)) } else { kept };
            let keep = keep && kept.is_ok();
            // Pushed before the statements below, whose failure is then the result of this job too.
            replies.push(if kept.is_ok() {
                reply
            } else {
                Box::new(move |_| reply(kept.map_err(WriteFailure::Undone)))
            });
            keep
        }
        Err(_panic) => {
            tracing::error!("a write panicked and was undone");
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
