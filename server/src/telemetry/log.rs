//! Events that clients cause: what they contain of a client's is quoted, and there is a bound on
//! how many are logged.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;
pub(crate) use vivaz_protocol::log::{Escaped, Quoted};

use crate::limits::Limits;
use crate::rate::{Meter, Rate};

/// How many seconds' worth of events may be logged at once.
const BURST: u32 = 5;

/// Bounds the events of the log that clients cause. Each runtime has one, and each verifier of
/// tokens: a client that floods the log can hide events of other clients, never the server's own.
#[derive(Debug)]
pub(crate) struct ClientLog {
    rate: Rate,
    started: Instant,
    /// A std mutex: held for a few additions, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    meter: Meter,
    left_out: u64,
}

/// An event that may be logged.
pub(crate) struct Admitted {
    /// The events that were left out since the last one that was logged, if there were any.
    pub(crate) left_out: Option<u64>,
}

impl ClientLog {
    pub(crate) fn new(events_per_second: u32) -> Self {
        let rate = Rate::new(events_per_second, events_per_second.saturating_mul(BURST));
        Self { rate, started: Instant::now(), state: Mutex::default() }
    }

    /// Admits an event, or counts it among those that are left out.
    pub(crate) fn admit(&self) -> Option<Admitted> {
        let now = self.started.elapsed();
        // Nothing that can panic runs under the lock.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.meter.take(self.rate, now).is_err() {
            state.left_out += 1;
            return None;
        }
        let left_out = std::mem::take(&mut state.left_out);
        Some(Admitted { left_out: (left_out > 0).then_some(left_out) })
    }

    /// Logs how many events were left out, once there is room for it again.
    pub(crate) fn sum_up(&self) {
        let is_due = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.left_out > 0
        };
        if is_due && let Some(Admitted { left_out }) = self.admit() {
            tracing::warn!(left_out, "events caused by clients were left out of the log");
        }
    }
}

impl Default for ClientLog {
    fn default() -> Self {
        Self::new(Limits::default().client_events_per_second)
    }
}

/// Logs an event that a client causes, unless there were too many: `client_event!(log, INFO, field,
/// "message")`, with the fields of `tracing::event!`.
macro_rules! client_event {
    ($log:expr, $level:ident, $($event:tt)+) => {
        if tracing::enabled!(tracing::Level::$level)
            && let Some($crate::telemetry::log::Admitted { left_out }) = $log.admit()
        {
            tracing::event!(tracing::Level::$level, left_out, $($event)+);
        }
    };
}
pub(crate) use client_event;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_counted_and_the_rest_is_logged() {
        let log = ClientLog::new(2);
        assert_eq!((0..1_000).filter(|_| log.admit().is_some()).count(), 10);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(log.admit().and_then(|event| event.left_out), Some(990));
        assert!(log.admit().is_none());
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(log.admit().and_then(|event| event.left_out), Some(1));
        assert_eq!(log.admit().and_then(|event| event.left_out), None);
    }
}
