//! How fast a session may send: the generic cell rate algorithm, whose whole state is one number.

use std::time::Duration;

/// The rate that is allowed, worked out once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// The time that one message, or one byte, uses up, in nanoseconds.
    interval: u64,
    /// How far ahead of the clock the theoretical arrival time may run, in nanoseconds.
    tolerance: u64,
}

impl Rate {
    /// So many in the long run, and so many at once.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let interval = 1_000_000_000 / u64::from(per_second.max(1));
        Self { interval, tolerance: interval * u64::from(burst.max(1) - 1) }
    }

    /// So many bytes at once, of which a tenth is given back every second.
    pub(crate) fn of_bytes(at_once: usize) -> Self {
        let interval = 10_000_000_000 / (at_once as u64).max(1);
        Self { interval: interval.max(1), tolerance: 10_000_000_000 }
    }
}

/// One session's use of it.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// When the last accepted message would have come had they come evenly, in nanoseconds of the server's clock.
    arrival: u64,
}

impl Meter {
    /// Takes a message at `now`, a time of the server's clock, or says how long until one is taken.
    pub(crate) fn take(&mut self, rate: Rate, now: Duration) -> Result<(), Duration> {
        self.has_room(rate, now)?;
        self.charge(rate, now, 1);
        Ok(())
    }

    /// Whether something would be taken.
    pub(crate) fn has_room(&self, rate: Rate, now: Duration) -> Result<(), Duration> {
        let ahead = self.arrival.saturating_sub(nanos(now));
        if ahead > rate.tolerance { Err(Duration::from_nanos(ahead - rate.tolerance)) } else { Ok(()) }
    }

    /// Takes so much, whether there is room for all of it or not.
    pub(crate) fn charge(&mut self, rate: Rate, now: Duration, amount: u64) {
        self.arrival = self.arrival.max(nanos(now)).saturating_add(rate.interval.saturating_mul(amount));
    }

    /// Whether it is at `now` as if nothing had ever been taken.
    pub(crate) fn is_rested(&self, now: Duration) -> bool {
        self.arrival <= nanos(now)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(5);

    #[test]
    fn a_burst_is_taken_and_then_the_rate() {
        let rate = Rate::new(100, 200);
        let mut meter = Meter::default();
        let taken = (0..300).filter(|_| meter.take(rate, START).is_ok()).count();
        assert_eq!(taken, 200);
        assert_eq!(meter.take(rate, START), Err(Duration::from_millis(10)));
        let later = START + Duration::from_millis(10);
        assert_eq!(meter.take(rate, later), Ok(()));
        let second = (0..1_000).filter(|i| meter.take(rate, later + Duration::from_millis(*i)).is_ok());
        assert_eq!(second.count(), 99);
    }

    #[test]
    fn a_rest_gives_back_no_more_than_the_burst() {
        let rate = Rate::new(1_000, 3);
        let mut meter = Meter::default();
        assert_eq!((0..10).filter(|_| meter.take(rate, Duration::ZERO).is_ok()).count(), 3);
        assert!(!meter.is_rested(Duration::ZERO));
        assert!(meter.is_rested(Duration::from_secs(60)));
        assert_eq!((0..10).filter(|_| meter.take(rate, Duration::from_secs(60)).is_ok()).count(), 3);
    }

    #[test]
    fn something_large_is_taken_whole_and_then_waited_for() {
        let rate = Rate::of_bytes(1_000_000);
        let mut meter = Meter::default();
        assert!(meter.has_room(rate, START).is_ok());
        meter.charge(rate, START, 900_000);
        assert!(meter.has_room(rate, START).is_ok());
        meter.charge(rate, START, 2_100_000);
        assert_eq!(meter.has_room(rate, START), Err(Duration::from_secs(20)));
        assert!(meter.has_room(rate, START + Duration::from_secs(20)).is_ok());
    }
}
