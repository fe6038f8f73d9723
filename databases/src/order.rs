//! Work that waits for a transaction, and what becomes of its result.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::panics::contain;
use crate::{DatabaseError, Tx};

/// Work for a transaction. It receives the error instead if no transaction could begin. It calls
/// and drops values of the application, which may panic.
pub(crate) type Order = Box<dyn FnOnce(Result<&mut Tx, DatabaseError>) -> Ran + Send>;

/// An order that has run.
pub(crate) struct Ran {
    /// Whether to keep the order's changes.
    pub(crate) keep: bool,
    /// Sends the result, when it is known whether the transaction is on disk.
    pub(crate) finish: Finish,
}

/// Sends the result of an order. If the caller has gone, it drops the result, which may panic.
pub(crate) type Finish = Box<dyn FnOnce(Result<(), CommitFailure>) + Send>;

/// The reason for which an order is not known to be on disk.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum CommitFailure {
    /// Nothing of it is kept.
    #[error(transparent)]
    Undone(DatabaseError),
    /// The `COMMIT` failed: the order may be on disk or not.
    #[error(transparent)]
    Unknown(DatabaseError),
}

impl From<DatabaseError> for CommitFailure {
    fn from(error: DatabaseError) -> Self {
        Self::Undone(error)
    }
}

/// Creates an order, and the future that waits for its result. `queue` takes the order at once.
pub(crate) fn submit<T, U, E>(
    work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    publish: impl FnOnce(T) -> U + Send + 'static,
    queue: impl FnOnce(Order) -> Result<(), DatabaseError>,
) -> BoxFuture<'static, Result<U, E>>
where
    T: Send + 'static,
    U: Send + 'static,
    E: From<DatabaseError> + Send + 'static,
{
    let (answer, outcome) = oneshot::channel();
    let order: Order = Box::new(move |tx| {
        let result = match tx {
            Ok(tx) => work(tx),
            Err(error) => {
                // A value that panics when it is dropped with this function's other variables would
                // leak the result, and the caller would wait without an end.
                drop(work);
                Err(error.into())
            }
        };
        let keep = result.is_ok();
        let finish: Finish = Box::new(move |committed| {
            let result = match committed {
                Ok(()) => result,
                // Whatever `work` returned.
                Err(CommitFailure::Undone(
                    error @ (DatabaseError::Denied(_) | DatabaseError::RolledBack),
                )) => Err(error.into()),
                Err(CommitFailure::Undone(error)) => result.and(Err(error.into())),
                Err(CommitFailure::Unknown(error)) => {
                    result.and(Err(DatabaseError::Unknown(Arc::new(error)).into()))
                }
            };
            let result = result.and_then(|value| contain(|| publish(value)).ok_or_else(unpublished));
            // The caller may have gone. The transaction is committed all the same.
            drop(answer.send(result));
        });
        Ran { keep, finish }
    });
    let queued = queue(order);
    Box::pin(async move {
        queued?;
        // A transaction that panicked sends no result.
        outcome.await.unwrap_or_else(|_| Err(DatabaseError::failed("a transaction panicked").into()))
    })
}

/// Returns the error of a committed transaction whose `publish` panicked.
fn unpublished<E: From<DatabaseError>>() -> E {
    tracing::error!("publishing a committed transaction panicked");
    DatabaseError::Unknown(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(
        "publishing it panicked",
    )))
    .into()
}

/// Calls `finish`, and contains a panic of the application's values.
pub(crate) fn finish(finish: Finish, committed: Result<(), CommitFailure>) {
    if contain(|| finish(committed)).is_none() {
        tracing::error!("the result of a transaction panicked when it was sent or dropped");
    }
}

/// Gives an order the error for which it cannot run. Returns `None` if the order panics.
pub(crate) fn refuse(order: Order, error: &DatabaseError) -> Option<Finish> {
    let refused = contain(|| order(Err(error.clone())));
    if refused.is_none() {
        tracing::error!("a transaction that could not run panicked when it was dropped");
    }
    refused.map(|ran| ran.finish)
}
