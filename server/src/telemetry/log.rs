//! Log events that clients cause. Data of clients in them is quoted, and their rate is limited.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;
pub(crate) use vivaz_protocol::log::{Escaped, Quoted};

use crate::limits::Limits;
use crate::rate::{Meter, Rate};

/// How many seconds' worth of events may be logged in a burst.
const BURST: u32 = 5;

/// Limits the log events that clients cause. Each runtime and each verifier of tokens has its own
/// limit. A client that floods the log can hide events of other clients, but never the server's
/// own.
#[derive(Debug)]
pub(crate) struct ClientLog {
    rate: Rate,
    started: Instant,
    /// A std mutex: held for a few additions, never across an await.
    state: Mutex<LogState>,
}

#[derive(Debug, Default)]
struct LogState {
    meter: Meter,
    suppressed: u64,
}

/// Permission to log one event.
pub(crate) struct LogPermit {
    /// The number of events that were suppressed since the last logged event; `None` if there were
    /// none.
    pub(crate) suppressed: Option<u64>,
}

impl ClientLog {
    pub(crate) fn new(events_per_second: u32) -> Self {
        let rate = Rate::new(events_per_second, events_per_second.saturating_mul(BURST));
        Self { rate, started: Instant::now(), state: Mutex::default() }
    }

    /// Admits an event. Returns `None`, and counts the event as suppressed, if the rate is
    /// exceeded.
    pub(crate) fn admit(&self) -> Option<LogPermit> {
        let now = self.started.elapsed();
        // Nothing that can panic runs under the lock.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.meter.take(self.rate, now).is_err() {
            state.suppressed += 1;
            return None;
        }
        let suppressed = std::mem::take(&mut state.suppressed);
        Some(LogPermit { suppressed: (suppressed > 0).then_some(suppressed) })
    }

    /// Logs how many events were suppressed, once the rate allows it again.
    pub(crate) fn log_suppressed(&self) {
        let is_due = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.suppressed > 0
        };
        if is_due && let Some(LogPermit { suppressed }) = self.admit() {
            tracing::warn!(suppressed, "suppressed log events that clients caused");
        }
    }
}

impl Default for ClientLog {
    fn default() -> Self {
        Self::new(Limits::default().client_events_per_second)
    }
}

/// Logs an event that a client causes, unless the rate is exceeded: `client_event!(log, INFO,
/// field, "message")`, with the fields of `tracing::event!`.
macro_rules! client_event {
    ($log:expr, $level:ident, $($event:tt)+) => {
        if tracing::enabled!(tracing::Level::$level)
            && let Some($crate::telemetry::log::LogPermit { suppressed }) = $log.admit()
        {
            tracing::event!(tracing::Level::$level, suppressed, $($event)+);
        }
    };
}
pub(crate) use client_event;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_suppressed_and_counted() {
        let log = ClientLog::new(2);
        assert_eq!((0..1_000).filter(|_| log.admit().is_some()).count(), 10);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(log.admit().and_then(|event| event.suppressed), Some(990));
        assert!(log.admit().is_none());
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(log.admit().and_then(|event| event.suppressed), Some(1));
        assert_eq!(log.admit().and_then(|event| event.suppressed), None);
    }
}
