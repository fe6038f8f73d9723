//! Limits the number of concurrent connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::telemetry::counters::Counters;

/// Limits the number of connections of a runtime.
#[derive(Debug)]
pub(crate) struct ConnectionLimit {
    limit: AtomicU64,
    counters: Arc<Counters>,
}

/// Permission for one connection; dropping it releases the connection's slot.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    counters: Arc<Counters>,
}

impl ConnectionLimit {
    pub(crate) fn new(limit: usize, counters: Arc<Counters>) -> Self {
        Self { limit: AtomicU64::new(limit as u64), counters }
    }

    /// Lowers the limit to the number of WebSockets that the listener allows.
    pub(crate) fn lower(&self, limit: usize) {
        self.limit.fetch_min(limit as u64, Ordering::Relaxed);
    }

    /// Admits a connection. Returns `None` if the limit is reached.
    pub(crate) fn acquire(&self) -> Option<ConnectionPermit> {
        let before = self.counters.connections.add();
        let permit = ConnectionPermit { counters: Arc::clone(&self.counters) };
        if before >= self.limit.load(Ordering::Relaxed) {
            return None;
        }
        self.counters.connections_total.add();
        Some(permit)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.counters.connections.sub();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_slot_can_be_acquired_again() {
        let limit = ConnectionLimit::new(2, Arc::new(Counters::new(&[])));
        let first = limit.acquire().unwrap();
        let _second = limit.acquire().unwrap();
        assert!(limit.acquire().is_none());
        drop(first);
        assert!(limit.acquire().is_some());
    }
}
