//! What comes of a commit: it is done, it failed, or the store has the session in another way.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::oneshot;
use vivaz_components::{ActionError, Result};

use crate::persist::store::{CommitError, SessionStore, WriteRefusal};
use crate::session::port::{Loss, Mail, Port};
use crate::telemetry::log::Escaped;

/// How often a session is entered again for one commit.
const TRIES: u32 = 2;

/// Settles a commit. Where the store has lost the session, it is entered again from memory and the
/// commit is made again. Where another process has the session, or a newer state of it, or where it
/// is not known whether the commit was made, the copy in memory is dropped and this never returns:
/// the page is not told of a failure, because it does not have its answer yet and asks again where
/// the session is. A session that has ended waits for what runs in it, so there the commit fails,
/// when the connection is already closed.
///
/// # Errors
/// Returns errors of the commit's own writes and of the store, and an error if the session has
/// ended.
pub(super) async fn settle(
    store: Arc<dyn SessionStore>,
    port: Arc<Port>,
    commit: impl Future<Output = std::result::Result<(), CommitError>> + Send,
) -> Result {
    let mut outcome = commit.await;
    for _ in 0..TRIES {
        match outcome {
            Err(CommitError::Absent(commit)) => {
                enter_again(&port).await?;
                outcome = store.commit(*commit).await;
            }
            settled => {
                outcome = settled;
                break;
            }
        }
    }
    match outcome {
        Ok(()) => Ok(()),
        Err(CommitError::Work(error)) => Err(error),
        Err(CommitError::Store(error)) => Err(ActionError::internal(error)),
        Err(CommitError::Absent(_)) => {
            Err(ActionError::internal("the store loses the session as soon as it is written"))
        }
        Err(CommitError::Conflict) => lost(&port, Loss::Outdated).await,
        Err(CommitError::Unknown(error)) => {
            let (session, error) = (port.session(), Escaped(&error));
            tracing::error!(%session, %error, "a change may have been stored or not: the session is read again");
            lost(&port, Loss::Outdated).await
        }
        Err(CommitError::Refused(WriteRefusal::Taken | WriteRefusal::Absent)) => {
            lost(&port, Loss::Taken).await
        }
        Err(CommitError::Refused(WriteRefusal::Ended)) => {
            port.revoke();
            // The session sees that it has ended, and closes its connection, before it sees the
            // failure.
            tokio::task::yield_now().await;
            Err(ActionError::internal("the session has ended"))
        }
    }
}

/// Asks the session, whose task waits for this, to write itself whole.
async fn enter_again(port: &Port) -> Result {
    let (answer, entered) = oneshot::channel();
    // The session's task sees this: it polls its mail beside what runs.
    let _attended = port.post(Mail::Enter(Some(answer)), usize::MAX);
    match entered.await {
        Ok(entered) => entered.map_err(ActionError::internal),
        Err(_ended) => Err(ActionError::internal("the session has ended")),
    }
}

async fn lost(port: &Port, loss: Loss) -> Result {
    port.lose(loss);
    // What waits for this is dropped with the session.
    pending().await
}
