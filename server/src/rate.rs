//! How fast a session may send: the generic cell rate algorithm, whose whole state is one number.

use std::time::Duration;

/// The rate that is allowed, worked out once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// The time that one message uses up, in microseconds.
    interval: u64,
    /// How far ahead of the clock the theoretical arrival time may run, in microseconds.
    tolerance: u64,
}

impl Rate {
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let interval = 1_000_000 / u64::from(per_second.max(1));
        Self { interval, tolerance: interval * u64::from(burst.max(1) - 1) }
    }
}

/// One session's use of it.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// When the last accepted message would have come had they come evenly, in microseconds of the server's clock.
    arrival: u64,
}

impl Meter {
    /// Takes a message at `now` (microseconds), or says how long until one is taken.
    pub(crate) fn take(&mut self, rate: Rate, now: u64) -> Result<(), Duration> {
        let arrival = self.arrival.max(now);
        let ahead = arrival - now;
        if ahead > rate.tolerance {
            return Err(Duration::from_micros(ahead - rate.tolerance));
        }
        self.arrival = arrival + rate.interval;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_the_rate() {
        let rate = Rate::new(100, 200);
        let mut meter = Meter::default();
        let taken = (0..300).filter(|_| meter.take(rate, 5_000_000).is_ok()).count();
        assert_eq!(taken, 200);
        assert_eq!(meter.take(rate, 5_000_000), Err(Duration::from_millis(10)));
        assert_eq!(meter.take(rate, 5_010_000), Ok(()));
        let second = (0..1_000).filter(|i| meter.take(rate, 5_010_000 + i * 1_000).is_ok()).count();
        assert_eq!(second, 99);
    }

    #[test]
    fn a_rest_gives_back_no_more_than_the_burst() {
        let rate = Rate::new(1_000, 3);
        let mut meter = Meter::default();
        assert_eq!((0..10).filter(|_| meter.take(rate, 0).is_ok()).count(), 3);
        assert_eq!((0..10).filter(|_| meter.take(rate, 60_000_000).is_ok()).count(), 3);
    }
}
