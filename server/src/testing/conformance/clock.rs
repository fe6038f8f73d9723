//! A clock that a check controls.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::persist::store::Clock;

/// A clock that only a test advances.
#[derive(Default)]
pub struct ManualClock {
    wall: AtomicI64,
    monotonic: AtomicU64,
}

impl ManualClock {
    /// Creates a clock whose monotonic reading is zero.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let clock = Self::default();
        clock.wall.store(1_700_000_000_000, Ordering::SeqCst);
        Arc::new(clock)
    }

    /// Moves both readings forward.
    pub fn pass(&self, seconds: u64) {
        self.monotonic.fetch_add(seconds * 1_000, Ordering::SeqCst);
        self.step(i64::try_from(seconds).unwrap_or(i64::MAX));
    }

    /// Steps the wall reading, in either direction.
    pub fn step(&self, seconds: i64) {
        self.wall.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.wall.load(Ordering::SeqCst)).unwrap())
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.monotonic.load(Ordering::SeqCst))
    }
}
