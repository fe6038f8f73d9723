//! The connection as the client sees it: when to try, when to give a socket up, what the close
//! codes mean.

use super::output::Status;

/// The ceiling of the first pause between tries, in milliseconds.
const FIRST_PAUSE: u32 = 500;
/// The ceiling of all pauses.
const LONGEST_PAUSE: u32 = 15_000;
/// A server that is full or flooded is tried as if this many tries had failed already.
pub(super) const SLOWLY: u32 = 4;
/// How long a socket may take to open and to be welcomed.
pub(super) const OPENING: u32 = 10_000;
/// How long an answer to a probe may take, when the page comes back from sleep.
pub(super) const PROBE: u32 = 4_000;

/// What a socket is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionPhase {
    /// No socket, and none wanted yet: nothing is mounted.
    Idle,
    /// No socket; a timer runs until the next try.
    Pausing,
    /// A socket is opening, or `HELLO` is unanswered.
    Opening,
    /// Welcomed.
    Open,
    /// No try follows by itself.
    Stopped,
}

#[derive(Debug)]
pub(super) struct ConnectionState {
    pub(super) phase: ConnectionPhase,
    /// The number of the newest socket; what others say is ignored.
    pub(super) socket: u32,
    /// Tries since the last welcome.
    pub(super) attempt: u32,
    /// After so many tries no other one follows by itself.
    pub(super) limit: u32,
    /// The timer that counts: of the next try, of the opening, or of the heartbeat.
    pub(super) timer: u32,
    /// Something came since the heartbeat's last tick.
    pub(super) heard: bool,
    /// There are no pauses before tries.
    pub(super) is_hurried: bool,
    /// Set by `DRAIN`: the pause before the next try.
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

    /// The pause before the next try: anywhere between nothing and a ceiling that doubles, so that
    /// the pages of a server that comes back do not come all at once.
    pub(super) fn pause(&mut self) -> u32 {
        if self.is_hurried {
            return 0;
        }
        if let Some(ms) = self.drain.take() {
            return ms;
        }
        let ceiling = FIRST_PAUSE.saturating_mul(1 << self.attempt.min(10)).min(LONGEST_PAUSE);
        // A linear congruential generator (Knuth's MMIX): it only has to differ between pages, and
        // its seed does. The low bits of such a generator repeat soon, so the high ones are used.
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
