//! Limits the number of concurrent connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::telemetry::stats::Counters;

/// Counts connections in and out.
#[derive(Debug)]
pub(crate) struct ConnectionLimit {
    limit: AtomicU64,
    counters: Arc<Counters>,
}

/// One connection's place; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    counters: Arc<Counters>,
}

impl ConnectionLimit {
    pub(crate) fn new(limit: usize, counters: Arc<Counters>) -> Self {
        Self { limit: AtomicU64::new(limit as u64), counters }
    }

    /// Lowers the limit to what the listener has room for.
    pub(crate) fn lower(&self, limit: usize) {
        self.limit.fetch_min(limit as u64, Ordering::Relaxed);
    }

    /// A place, if there is one.
    pub(crate) fn enter(&self) -> Option<ConnectionPermit> {
        let before = self.counters.connections.fetch_add(1, Ordering::Relaxed);
        let place = ConnectionPermit { counters: Arc::clone(&self.counters) };
        if before >= self.limit.load(Ordering::Relaxed) {
            return None;
        }
        Counters::add(&self.counters.connections_total);
        Some(place)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        Counters::sub(&self.counters.connections);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_given_back_can_be_taken_again() {
        let gate = ConnectionLimit::new(2, Arc::default());
        let first = gate.enter().unwrap();
        let _second = gate.enter().unwrap();
        assert!(gate.enter().is_none());
        drop(first);
        assert!(gate.enter().is_some());
    }
}
