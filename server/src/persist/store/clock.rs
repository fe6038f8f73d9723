//! The clocks with which a store measures leases.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Reads the time for a session store.
///
/// The monotonic time measures leases while the process runs. The wall time is used only once, when
/// a store on disk is opened, to estimate for how long no process ran.
pub trait Clock: Send + Sync + 'static {
    /// Returns the wall time since 1970. It may step in either direction.
    fn wall(&self) -> Duration;

    /// Returns the time since an arbitrary start. It never decreases and does not follow the wall
    /// clock.
    fn monotonic(&self) -> Duration;
}

/// Reads the clocks of the machine. Its monotonic reading follows tokio's paused time in tests.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Creates a clock whose monotonic reading starts at zero.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The time of one store, in milliseconds. It advances with the monotonic clock. In a store on disk
/// it continues where the last process left it. A step of the wall clock does not change it.
#[derive(Clone)]
pub(crate) struct StoreTime {
    clock: Arc<dyn Clock>,
    anchor: Arc<Mutex<Anchor>>,
}

/// A point at which both times are known.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    /// Milliseconds of store time.
    time: u64,
    monotonic: Duration,
}

/// The time that a store on disk saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SavedTime {
    /// Milliseconds of store time.
    pub(crate) time: u64,
    /// Milliseconds of wall time since 1970 at that moment.
    pub(crate) wall: u64,
}

impl StoreTime {
    /// Starts the time of a store, or continues it after `last`. The time during which no process
    /// ran is the difference of the wall times, or zero if the wall time has decreased.
    pub(crate) fn new(clock: Arc<dyn Clock>, last: Option<SavedTime>) -> Self {
        let wall = millis(clock.wall());
        let time = match last {
            Some(last) => last.time.saturating_add(wall.saturating_sub(last.wall)),
            None => wall,
        };
        let anchor = Arc::new(Mutex::new(Anchor { time, monotonic: clock.monotonic() }));
        Self { clock, anchor }
    }

    /// Returns the store time in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        let anchor = *self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        anchor.time.saturating_add(millis(self.clock.monotonic().saturating_sub(anchor.monotonic)))
    }

    /// Advances to `seen`, the time that another process has saved in the same store, if it is
    /// later than `now`. Returns the time to save.
    #[cfg(feature = "sqlite")]
    pub(crate) fn advance(&self, now: u64, seen: u64) -> SavedTime {
        if seen > now {
            let anchor = Anchor { time: seen, monotonic: self.clock.monotonic() };
            *self.anchor.lock().unwrap_or_else(PoisonError::into_inner) = anchor;
        }
        SavedTime { time: now.max(seen), wall: millis(self.clock.wall()) }
    }
}

impl std::fmt::Debug for StoreTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreTime").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// Returns a duration in whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Manual(Mutex<(Duration, Duration)>);

    impl Manual {
        fn set(&self, wall: u64, monotonic: u64) {
            *self.0.lock().unwrap() = (Duration::from_millis(wall), Duration::from_millis(monotonic));
        }
    }

    impl Clock for Manual {
        fn wall(&self) -> Duration {
            self.0.lock().unwrap().0
        }

        fn monotonic(&self) -> Duration {
            self.0.lock().unwrap().1
        }
    }

    #[test]
    fn steps_of_the_wall_clock_do_not_change_store_time() {
        let clock = Arc::new(Manual::default());
        clock.set(1_000_000, 50);
        let time = StoreTime::new(clock.clone(), None);
        for wall in [9_000_000, 0, 1_000_007] {
            clock.set(wall, 57);
            assert_eq!(time.now(), 1_000_007);
        }
        assert!(format!("{time:?}").contains("now: 1000007"));
    }

    #[test]
    fn time_continues_over_a_restart_and_never_decreases() {
        let clock = Arc::new(Manual::default());
        clock.set(5_000, 0);
        let last = SavedTime { time: 700, wall: 4_000 };
        assert_eq!(StoreTime::new(clock.clone(), Some(last)).now(), 1_700);
        clock.set(100, 0);
        assert_eq!(StoreTime::new(clock, Some(last)).now(), 700);
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn the_latest_saved_time_wins() {
        let clock = Arc::new(Manual::default());
        let time = StoreTime::new(clock.clone(), None);
        clock.set(20, 10);
        assert_eq!(time.advance(time.now(), 5), SavedTime { time: 10, wall: 20 });
        assert_eq!(time.advance(time.now(), 500), SavedTime { time: 500, wall: 20 });
        clock.set(20, 13);
        assert_eq!(time.now(), 503);
    }
}
