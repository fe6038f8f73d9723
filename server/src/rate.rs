//! Rate limits by the generic cell rate algorithm (GCRA), whose complete state is one number.

use std::time::Duration;

/// An allowed rate, computed once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// The time that one unit (a message or a byte) uses, in nanoseconds.
    interval: u64,
    /// How far ahead of the clock the theoretical arrival time may run, in nanoseconds.
    tolerance: u64,
}

impl Rate {
    /// Creates a rate of `per_second` units in the long run, and of at most `burst` units at once.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let interval = 1_000_000_000 / u64::from(per_second.max(1));
        Self { interval, tolerance: interval * u64::from(burst.max(1) - 1) }
    }

    /// Creates a rate of at most `at_once` bytes at once, a tenth of which is restored every
    /// second.
    pub(crate) fn of_bytes(at_once: usize) -> Self {
        let interval = 10_000_000_000 / (at_once as u64).max(1);
        Self { interval: interval.max(1), tolerance: 10_000_000_000 }
    }
}

/// The usage of a rate by one client or session.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// The theoretical arrival time of the next unit, in nanoseconds of the server's clock.
    arrival: u64,
}

impl Meter {
    /// Takes one unit at `now`, a time of the server's clock.
    ///
    /// # Errors
    /// Returns the time until a unit can be taken.
    pub(crate) fn take(&mut self, rate: Rate, now: Duration) -> Result<(), Duration> {
        self.check(rate, now)?;
        self.charge(rate, now, 1);
        Ok(())
    }

    /// Checks whether a unit can be taken at `now`.
    ///
    /// # Errors
    /// Returns the time until a unit can be taken.
    pub(crate) fn check(&self, rate: Rate, now: Duration) -> Result<(), Duration> {
        let ahead = self.arrival.saturating_sub(nanos(now));
        if ahead > rate.tolerance { Err(Duration::from_nanos(ahead - rate.tolerance)) } else { Ok(()) }
    }

    /// Takes `amount` units, even if that exceeds the rate.
    pub(crate) fn charge(&mut self, rate: Rate, now: Duration, amount: u64) {
        self.arrival = self.arrival.max(nanos(now)).saturating_add(rate.interval.saturating_mul(amount));
    }

    /// Checks whether the meter has recovered at `now`: it is in the state of a new meter.
    pub(crate) fn is_recovered(&self, now: Duration) -> bool {
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
    fn a_burst_is_accepted_and_then_the_rate() {
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
    fn recovery_is_bounded_by_the_burst() {
        let rate = Rate::new(1_000, 3);
        let mut meter = Meter::default();
        assert_eq!((0..10).filter(|_| meter.take(rate, Duration::ZERO).is_ok()).count(), 3);
        assert!(!meter.is_recovered(Duration::ZERO));
        assert!(meter.is_recovered(Duration::from_secs(60)));
        assert_eq!((0..10).filter(|_| meter.take(rate, Duration::from_secs(60)).is_ok()).count(), 3);
    }

    #[test]
    fn a_large_charge_is_accepted_and_delays_the_next() {
        let rate = Rate::of_bytes(1_000_000);
        let mut meter = Meter::default();
        assert!(meter.check(rate, START).is_ok());
        meter.charge(rate, START, 900_000);
        assert!(meter.check(rate, START).is_ok());
        meter.charge(rate, START, 2_100_000);
        assert_eq!(meter.check(rate, START), Err(Duration::from_secs(20)));
        assert!(meter.check(rate, START + Duration::from_secs(20)).is_ok());
    }
}
