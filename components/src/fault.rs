//! What is made of a panic.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::FutureExt;
use vivaz_protocol::ErrorCode;
use vivaz_protocol::log::Escaped;

use crate::{ActionError, Result};

/// The error of a panic. Its text goes to the log and never to the page.
#[cold]
pub(crate) fn panicked(panic: &(dyn Any + Send), what: &str) -> ActionError {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned());
    tracing::error!(panic = %Escaped(&text), "{what} panicked");
    ActionError::new(ErrorCode::Panicked, "the server made a mistake; nothing was changed")
}

/// Runs an application's code; a panic becomes an error.
pub(crate) fn guard_now<R>(what: &str, run: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(panicked(panic.as_ref(), what)))
}

/// Polls an application's future; a panic and a wait beyond the limit become errors.
///
/// # Errors
/// The future's own, `panicked`, `timeout`.
pub async fn guard<R>(
    what: &str,
    limit: Option<Duration>,
    run: impl Future<Output = Result<R>> + Send,
) -> Result<R> {
    let caught = AssertUnwindSafe(run).catch_unwind();
    let outcome = match limit {
        Some(limit) => match tokio::time::timeout(limit, caught).await {
            Ok(outcome) => outcome,
            Err(_) => {
                tracing::warn!(?limit, "{what} took too long");
                return Err(ActionError::new(
                    ErrorCode::Timeout,
                    "the server took too long; nothing was changed",
                ));
            }
        },
        None => caught.await,
    };
    outcome.unwrap_or_else(|panic| Err(panicked(panic.as_ref(), what)))
}
