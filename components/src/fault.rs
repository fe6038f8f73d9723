//! Isolation of panics in an application's code.
//!
//! That code runs on the session's task, and an uncaught panic ends the session with all of its
//! components. So it is called, polled, copied and dropped by the functions of this module.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use vivaz_protocol::ErrorCode;
use vivaz_protocol::log::Escaped;

use crate::{ActionError, Result};

/// The number of panics and time-outs that a process logs in a second. Clients can cause them at
/// the rate of their messages.
const LOGGED_PER_SECOND: u32 = 20;

static LOG: BoundedLog = BoundedLog(Mutex::new(Window { second: None, logged: 0, left_out: 0 }));

/// Limits the rate of log events.
struct BoundedLog(Mutex<Window>);

/// The events of one second.
struct Window {
    /// The beginning; none before the first event.
    second: Option<Instant>,
    logged: u32,
    /// The events that were dropped since the last one that was logged.
    left_out: u64,
}

impl BoundedLog {
    /// Returns the number of dropped events if this one may be logged; otherwise counts it as
    /// dropped.
    fn admit(&self) -> Option<u64> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Option<u64> {
        // No code that can panic runs under the lock.
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.second.is_none_or(|second| now.saturating_duration_since(second) >= Duration::from_secs(1))
        {
            (window.second, window.logged) = (Some(now), 0);
        }
        if window.logged == LOGGED_PER_SECOND {
            window.left_out += 1;
            return None;
        }
        window.logged += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

/// Returns the error for a panic. Its text is logged and never sent to the page.
#[cold]
pub(crate) fn panicked(panic: Box<dyn Any + Send>, what: &str) -> ActionError {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    if let Some(left_out) = LOG.admit() {
        tracing::error!(panic = %Escaped(&text), left_out, "{what} panicked");
    }
    // The payload is an application's value too.
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(again);
    }
    ActionError::new(ErrorCode::Panicked, "internal server error; nothing was changed")
}

/// Runs an application's code; a panic becomes an error.
pub(crate) fn guard_now<R>(what: &str, run: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(panicked(panic, what)))
}

/// Drops an application's value; a panic is logged.
pub(crate) fn discard<T>(what: &str, value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        let _logged = panicked(panic, what);
    }
}

/// An application's future. A panic becomes an error when the future is polled, and is logged when
/// it is dropped.
pub(crate) struct Shielded<F: ?Sized> {
    what: &'static str,
    /// None when it is done.
    future: Option<Pin<Box<F>>>,
}

impl<F: ?Sized> Shielded<F> {
    /// Shields a future; `what` names it in the log.
    pub(crate) fn new(what: &'static str, future: Pin<Box<F>>) -> Self {
        Self { what, future: Some(future) }
    }

    fn end(&mut self) {
        if let Some(future) = self.future.take() {
            discard(self.what, future);
        }
    }
}

impl<F: Future<Output = Result<R>> + ?Sized, R> Future for Shielded<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.future else { return Poll::Pending };
        let outcome = match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => outcome,
            Err(panic) => Err(panicked(panic, self.what)),
        };
        self.end();
        Poll::Ready(outcome)
    }
}

impl<F: ?Sized> Drop for Shielded<F> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<F: ?Sized> std::fmt::Debug for Shielded<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shielded").field(&self.what).finish()
    }
}

/// Polls an application's future; a panic and a time-out become errors. A panic while the future is
/// dropped, at the limit or with the future that `guard` returns, is logged.
///
/// # Errors
/// Returns the future's own errors, `panicked`, and `timeout`.
pub fn guard<'a, R: 'a>(
    what: &'static str,
    limit: Option<Duration>,
    run: impl Future<Output = Result<R>> + Send + 'a,
) -> impl Future<Output = Result<R>> + Send + 'a {
    // Before the first poll, so that a future that is dropped unpolled is shielded too.
    let run = Shielded::new(what, Box::pin(run));
    async move {
        let Some(limit) = limit else { return run.await };
        let outcome = tokio::time::timeout(limit, run).await;
        outcome.unwrap_or_else(|_| {
            if let Some(left_out) = LOG.admit() {
                tracing::warn!(?limit, left_out, "{what} timed out");
            }
            Err(ActionError::new(
                ErrorCode::Timeout,
                "the handler exceeded its time limit; nothing was changed",
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_panics_is_counted_and_not_logged() {
        let log = BoundedLog(Mutex::new(Window { second: None, logged: 0, left_out: 0 }));
        let start = Instant::now();
        let admitted = |second: u64, times: usize| {
            let now = start + Duration::from_secs(second);
            (0..times).filter_map(|_| log.admit_at(now)).collect::<Vec<_>>()
        };
        assert_eq!(admitted(0, 1_000), [0; LOGGED_PER_SECOND as usize]);
        assert_eq!(admitted(1, 2), [980, 0], "the first event has the number of dropped ones");
        assert_eq!(admitted(1, 100).len(), 18);
        assert_eq!(admitted(60, 1), [82]);
    }
}
