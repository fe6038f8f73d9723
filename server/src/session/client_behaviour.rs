//! How a client behaves: how fast it sends, and how well formed.

use std::time::Duration;

use tokio::time::Instant;
use vivaz_protocol::CloseCode;

use crate::rate::{Meter, Rate};

/// So many malformed messages in a row close the connection.
const MALFORMED: u8 = 10;
/// So many refused as too fast within [`WINDOW`] close the connection.
const REFUSED: u16 = 1_000;
const WINDOW: Duration = Duration::from_secs(10);

/// A code to close the connection with, and why, for a developer.
pub(crate) type Close = (CloseCode, &'static str);

/// How a client behaves.
#[derive(Debug, Default)]
pub(super) struct ClientBehaviour {
    meter: Meter,
    malformed: u8,
    /// How many were refused as too fast since `refused_since`.
    refused: u16,
    refused_since: Option<Instant>,
    /// Messages that may come at once regardless of the rate: what a resumed page sends again.
    granted: u32,
    /// The snapshots that were sent.
    snapshots: Meter,
    /// No message has come on this connection yet.
    unproven: bool,
}

impl ClientBehaviour {
    /// A new connection: everything in a row starts anew, the rate does not.
    pub(super) fn greet(&mut self, granted: u32) {
        self.malformed = 0;
        self.granted = granted;
        self.unproven = true;
    }

    /// Whether this is the connection's first message: it proves that the client has the `WELCOME`.
    pub(super) fn is_first(&mut self) -> bool {
        std::mem::take(&mut self.unproven)
    }

    /// Takes a message at a time of the server's clock, or says how long until one is taken.
    pub(super) fn take(&mut self, rate: Rate, now: Duration) -> Result<(), Duration> {
        if self.granted > 0 {
            self.granted -= 1;
            return Ok(());
        }
        self.meter.take(rate, now)
    }

    /// Whether a snapshot may be asked for, or how long until one may.
    pub(super) fn may_resync(&self, rate: Rate, now: Duration) -> Result<(), Duration> {
        self.snapshots.check(rate, now)
    }

    /// A snapshot of so many bytes is sent.
    pub(super) fn snapshot(&mut self, rate: Rate, now: Duration, bytes: usize) {
        self.snapshots.charge(rate, now, bytes as u64);
    }

    /// A message that could be read.
    pub(super) fn well_formed(&mut self) {
        self.malformed = 0;
    }

    /// One that could not.
    pub(super) fn malformed(&mut self) -> Option<Close> {
        self.malformed += 1;
        (self.malformed >= MALFORMED).then_some((CloseCode::ProtocolViolation, "malformed messages"))
    }

    /// One that came too fast.
    pub(super) fn refuse(&mut self, now: Instant) -> Option<Close> {
        if self.refused_since.is_none_or(|since| now.duration_since(since) > WINDOW) {
            self.refused_since = Some(now);
            self.refused = 0;
        }
        self.refused += 1;
        (self.refused >= REFUSED).then_some((CloseCode::RateLimited, "too many messages"))
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
            assert_eq!(behaviour.refuse(now), None, "{number}");
        }
        let later = start + Duration::from_secs(3_600);
        for _ in 1..1_000 {
            assert_eq!(behaviour.refuse(later), None);
        }
        assert_eq!(behaviour.refuse(later).unwrap().0, CloseCode::RateLimited);
        let (mut behaviour, end) = (ClientBehaviour::default(), start + WINDOW);
        for _ in 1..1_000 {
            assert_eq!(behaviour.refuse(start), None);
        }
        assert!(behaviour.refuse(end).is_some(), "the last moment is within the ten seconds");
    }

    #[test]
    fn ten_malformed_messages_in_a_row_close_the_connection() {
        let mut behaviour = ClientBehaviour::default();
        let nine =
            |behaviour: &mut ClientBehaviour| assert!((1..10).all(|_| behaviour.malformed().is_none()));
        nine(&mut behaviour);
        behaviour.well_formed();
        nine(&mut behaviour);
        behaviour.greet(0);
        nine(&mut behaviour);
        assert_eq!(behaviour.malformed().unwrap().0, CloseCode::ProtocolViolation);
    }

    #[test]
    fn the_first_message_of_a_connection_is_told_from_the_others() {
        let mut behaviour = ClientBehaviour::default();
        for _ in 0..2 {
            behaviour.greet(0);
            assert!(behaviour.is_first());
            assert!(!behaviour.is_first());
        }
    }

    #[test]
    fn granted_messages_come_regardless_of_the_rate() {
        let mut behaviour = ClientBehaviour::default();
        let rate = Rate::new(1, 1);
        behaviour.greet(2);
        for _ in 0..3 {
            assert_eq!(behaviour.take(rate, Duration::ZERO), Ok(()));
        }
        assert_eq!(behaviour.take(rate, Duration::ZERO), Err(Duration::from_secs(1)));
    }
}
