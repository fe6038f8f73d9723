//! The client's record of the connection: phase, timeouts, and pauses between attempts.

use super::output::Status;

/// The ceiling of the first pause between attempts, in milliseconds.
const FIRST_PAUSE: u32 = 500;
/// The ceiling of all pauses, in milliseconds.
const LONGEST_PAUSE: u32 = 15_000;
/// The number of failed attempts that the close of a full or flooded server counts as.
pub(super) const SLOWLY: u32 = 4;
/// Limit for a socket to open and to receive `WELCOME`, in milliseconds.
pub(super) const OPENING: u32 = 10_000;
/// Limit for the answer to a probe after the page wakes, in milliseconds.
pub(super) const PROBE: u32 = 4_000;

/// The phase of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionPhase {
    /// No socket, and no need for one: nothing is mounted.
    Idle,
    /// No socket; a timer runs until the next attempt.
    Pausing,
    /// A socket is opening, or `HELLO` is unanswered.
    Opening,
    /// `WELCOME` has arrived.
    Open,
    /// No automatic attempt follows.
    Stopped,
}

#[derive(Debug)]
pub(super) struct ConnectionState {
    pub(super) phase: ConnectionPhase,
    /// The number of the newest socket. The client ignores events of other sockets.
    pub(super) socket: u32,
    /// Number of attempts since the last `WELCOME`.
    pub(super) attempt: u32,
    /// Number of attempts after which no automatic attempt follows.
    pub(super) limit: u32,
    /// The token of the current timer: of the next attempt, of the opening, or of the heartbeat.
    pub(super) timer: u32,
    /// Whether a frame has arrived since the last heartbeat.
    pub(super) heard: bool,
    /// Whether attempts follow without pauses.
    pub(super) is_hurried: bool,
    /// The pause before the next attempt, in milliseconds; set by `DRAIN`.
    pub(super) drain: Option<u32>,
    /// The close code that ended the last connection.
    pub(super) code: u16,
    random: u64,
}

impl ConnectionState {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            phase: ConnectionPhase::Idle,
            socket: 0,
            attempt: 0,
            limit: u32::MAX,
            timer: 0,
            heard: false,
            is_hurried: false,
            drain: None,
            code: 0,
            random: seed,
        }
    }

    pub(super) fn status(&self) -> Status {
        match self.phase {
            ConnectionPhase::Open => Status::Connected,
            ConnectionPhase::Stopped => Status::Stopped,
            ConnectionPhase::Idle | ConnectionPhase::Pausing | ConnectionPhase::Opening
                if self.attempt <= 1 =>
            {
                Status::Connecting
            }
            ConnectionPhase::Idle | ConnectionPhase::Pausing | ConnectionPhase::Opening => Status::Offline,
        }
    }

    /// Returns the pause before the next attempt, in milliseconds: random between 0 and a ceiling
    /// that doubles, so that pages do not reconnect all at once after a server restarts.
    pub(super) fn pause(&mut self) -> u32 {
        if self.is_hurried {
            return 0;
        }
        if let Some(ms) = self.drain.take() {
            return ms;
        }
        let ceiling = FIRST_PAUSE.saturating_mul(1 << self.attempt.min(10)).min(LONGEST_PAUSE);
        // A linear congruential generator (Knuth's MMIX). Its values only have to differ between
        // pages, as its seeds do. Its low bits repeat soon, so the high bits are used.
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 32) as u32 % ceiling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_spread_grow_and_are_capped() {
        let mut link = ConnectionState::new(42);
        let mut most = [0; 8];
        for (attempt, most) in most.iter_mut().enumerate() {
            link.attempt = attempt as u32;
            let pauses: Vec<u32> = (0..200).map(|_| link.pause()).collect();
            *most = *pauses.iter().max().unwrap();
            let ceiling = (500 << attempt).min(15_000);
            assert!(pauses.iter().all(|ms| *ms < ceiling));
            assert!(pauses.iter().any(|ms| *ms < ceiling / 4) && *most > ceiling / 4 * 3);
        }
        link.drain = Some(77);
        assert_eq!(link.pause(), 77);
    }

    #[test]
    fn another_page_draws_other_pauses() {
        let draw = |seed| (0..8).map(|_| ConnectionState::new(seed).pause()).collect::<Vec<_>>();
        assert_ne!(draw(0x1234_5678_9abc), draw(0xfeed_beef_0123));
    }
}
