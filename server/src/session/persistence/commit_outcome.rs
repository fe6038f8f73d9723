//! Handles the outcome of a commit.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::oneshot;
use vivaz_components::{ActionError, Result};

use crate::persist::store::{CommitError, SessionStore, WriteRefusal};
use crate::session::port::mail::{EvictionReason, Mail};
use crate::session::port::{Port, Posted};
use crate::telemetry::log::Escaped;

/// How many times the session is written again for one commit.
const MAX_REWRITES: u32 = 2;

/// Waits for a commit and handles its outcome.
///
/// - The store has lost the session: the session is written again from memory, and the commit is
///   repeated.
/// - Another process owns the session, the store has a newer state, or it is unknown whether the
///   commit was made: the copy in memory is evicted, and this future never completes. The page does
///   not receive a failure. It has no reply yet, reconnects, and sends the message again to the
///   process that has the session.
/// - The session has ended: the commit fails after the connection is closed, because an ending
///   session waits for its jobs.
///
/// # Errors
/// Returns errors of the commit's own writes and of the store, and an error if the session has
/// ended.
pub(in crate::session) async fn await_commit(
    store: Arc<dyn SessionStore>,
    port: Arc<Port>,
    commit: impl Future<Output = std::result::Result<(), CommitError>> + Send,
) -> Result {
    let mut outcome = commit.await;
    for _ in 0..MAX_REWRITES {
        match outcome {
            Err(CommitError::Absent(commit)) => {
                request_whole_write(&port).await?;
                outcome = store.commit(*commit).await;
            }
            other => {
                outcome = other;
                break;
            }
        }
    }
    match outcome {
        Ok(()) => Ok(()),
        Err(CommitError::Work(error)) => Err(error),
        Err(CommitError::Store(error)) => Err(ActionError::internal(error)),
        Err(CommitError::Absent(_)) => Err(ActionError::internal("the store loses the session repeatedly")),
        Err(CommitError::Conflict) => evict(&port, EvictionReason::Outdated).await,
        Err(CommitError::Unknown(error)) => {
            let (session, error) = (port.session(), Escaped(&error));
            tracing::error!(%session, %error, "unknown whether a change was stored; reading the session again");
            evict(&port, EvictionReason::Outdated).await
        }
        Err(CommitError::Refused(WriteRefusal::Taken | WriteRefusal::Absent)) => {
            evict(&port, EvictionReason::Taken).await
        }
        Err(CommitError::Refused(WriteRefusal::Ended)) => {
            port.revoke();
            // Lets the session process the revocation and close its connection before it receives
            // this failure.
            tokio::task::yield_now().await;
            Err(ActionError::internal("the session has ended"))
        }
    }
}

/// Asks the session to write itself whole and waits for it. The session's task polls the caller.
async fn request_whole_write(port: &Port) -> Result {
    let (answer, written) = oneshot::channel();
    match port.post(Mail::WriteWhole(Some(answer)), usize::MAX) {
        // The session's task polls its mail along with its running work.
        Posted::Delivered | Posted::NoTask => {}
        // Only events are refused because the mailbox is full.
        Posted::Closed | Posted::Full => return Err(ActionError::internal("the session has ended")),
    }
    match written.await {
        Ok(written) => written.map_err(ActionError::internal),
        Err(_ended) => Err(ActionError::internal("the session has ended")),
    }
}

/// Evicts the session. Never completes.
async fn evict(port: &Port, reason: EvictionReason) -> Result {
    port.request_eviction(reason);
    // This future is dropped together with the session.
    pending().await
}
