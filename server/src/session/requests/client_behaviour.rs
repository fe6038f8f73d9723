//! Tracks how fast and how well-formed the messages of a client are.

use std::time::Duration;

use tokio::time::Instant;
use vivaz_protocol::CloseCode;

use crate::rate::{Meter, Rate};

/// The number of consecutive malformed messages that closes the connection.
const MAX_MALFORMED: u8 = 10;
/// The number of rate-limited messages within [`WINDOW`] that closes the connection.
const MAX_REFUSED: u16 = 1_000;
/// The time in which rate-limited messages are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// A close code and the reason, which is meant for developers.
pub(crate) type CloseReason = (CloseCode, &'static str);

/// The behaviour of a client.
#[derive(Debug, Default)]
pub(in crate::session) struct ClientBehaviour {
    meter: Meter,
    malformed: u8,
    /// The number of messages refused since `refused_since`.
    refused: u16,
    refused_since: Option<Instant>,
    /// The number of messages exempt from the rate: a resumed page repeats its unanswered ones at
    /// once.
    granted: u32,
    /// Meters the bytes of snapshots.
    snapshots: Meter,
    /// Whether no message has arrived on this connection yet.
    is_unproven: bool,
}

impl ClientBehaviour {
    /// Resets the counters of the connection. The rate continues.
    pub(in crate::session) fn reset(&mut self, granted: u32) {
        self.malformed = 0;
        self.granted = granted;
        self.is_unproven = true;
    }

    /// Checks whether this is the first message on the connection. It proves that the client has
    /// received `WELCOME`.
    pub(in crate::session) fn take_first(&mut self) -> bool {
        std::mem::take(&mut self.is_unproven)
    }

    /// Counts a message at a time of the server's clock.
    ///
    /// # Errors
    /// Returns the time until a message is allowed, if this one exceeds the rate.
    pub(in crate::session) fn count_message(&mut self, rate: Rate, now: Duration) -> Result<(), Duration> {
        if self.granted > 0 {
            self.granted -= 1;
            return Ok(());
        }
        self.meter.take(rate, now)
    }

    /// Checks whether a snapshot is allowed.
    ///
    /// # Errors
    /// Returns the time until one is allowed.
    pub(in crate::session) fn check_snapshot(&self, rate: Rate, now: Duration) -> Result<(), Duration> {
        self.snapshots.check(rate, now)
    }

    /// Counts a snapshot of so many bytes.
    pub(in crate::session) fn count_snapshot(&mut self, rate: Rate, now: Duration, bytes: usize) {
        self.snapshots.charge(rate, now, bytes as u64);
    }

    /// Counts a well-formed message.
    pub(in crate::session) fn count_well_formed(&mut self) {
        self.malformed = 0;
    }

    /// Counts a malformed message. Returns the close reason after too many in a row.
    pub(in crate::session) fn count_malformed(&mut self) -> Option<CloseReason> {
        self.malformed += 1;
        (self.malformed >= MAX_MALFORMED).then_some((CloseCode::ProtocolViolation, "malformed messages"))
    }

    /// Counts a rate-limited message. Returns the close reason after too many.
    pub(in crate::session) fn count_refused(&mut self, now: Instant) -> Option<CloseReason> {
        if self.refused_since.is_none_or(|since| now.duration_since(since) > WINDOW) {
            self.refused_since = Some(now);
            self.refused = 0;
        }
        self.refused += 1;
        (self.refused >= MAX_REFUSED).then_some((CloseCode::RateLimited, "too many messages"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_refusals_close_the_connection_if_they_come_within_ten_seconds() {
        let mut behaviour = ClientBehaviour::default();
        let start = Instant::now();
        for number in 0..3_000 {
            let now = start + Duration::from_millis(30 * number);
            assert_eq!(behaviour.count_refused(now), None, "{number}");
        }
        let later = start + Duration::from_secs(3_600);
        for _ in 1..1_000 {
            assert_eq!(behaviour.count_refused(later), None);
        }
        assert_eq!(behaviour.count_refused(later).unwrap().0, CloseCode::RateLimited);
        let (mut behaviour, end) = (ClientBehaviour::default(), start + WINDOW);
        for _ in 1..1_000 {
            assert_eq!(behaviour.count_refused(start), None);
        }
        assert!(behaviour.count_refused(end).is_some(), "the last moment is within the ten seconds");
    }

    #[test]
    fn ten_malformed_messages_in_a_row_close_the_connection() {
        let mut behaviour = ClientBehaviour::default();
        let nine =
            |behaviour: &mut ClientBehaviour| assert!((1..10).all(|_| behaviour.count_malformed().is_none()));
        nine(&mut behaviour);
        behaviour.count_well_formed();
        nine(&mut behaviour);
        behaviour.reset(0);
        nine(&mut behaviour);
        assert_eq!(behaviour.count_malformed().unwrap().0, CloseCode::ProtocolViolation);
    }

    #[test]
    fn the_first_message_of_a_connection_is_distinguished() {
        let mut behaviour = ClientBehaviour::default();
        for _ in 0..2 {
            behaviour.reset(0);
            assert!(behaviour.take_first());
            assert!(!behaviour.take_first());
        }
    }

    #[test]
    fn granted_messages_come_regardless_of_the_rate() {
        let mut behaviour = ClientBehaviour::default();
        let rate = Rate::new(1, 1);
        behaviour.reset(2);
        for _ in 0..3 {
            assert_eq!(behaviour.count_message(rate, Duration::ZERO), Ok(()));
        }
        assert_eq!(behaviour.count_message(rate, Duration::ZERO), Err(Duration::from_secs(1)));
    }
}
