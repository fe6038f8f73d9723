//! Whether the peer of a connection is still there and still reads.

use tokio::time::Instant;

use crate::limits::Limits;
use crate::transport::Outgoing;

/// What a connection knows of its peer's health.
pub(super) struct Liveness {
    last_sign: Instant,
    /// Since when the peer takes nothing.
    stalled_since: Option<Instant>,
    /// A ping is due.
    ping: bool,
    /// Something was handed to the transport and not flushed.
    pub(super) unflushed: bool,
    /// The server goes away: nothing more is read.
    pub(super) draining: bool,
    /// Messages read since the last write.
    pub(super) reads: u32,
    /// What others wanted and what finished, since the client had its turn.
    pub(super) turns: u32,
}

/// What a heartbeat finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Diagnosis {
    /// A ping is on its way.
    Well,
    /// Nothing came for two heartbeats.
    Silent,
    /// Nothing was taken for too long.
    NotReading,
}

impl Liveness {
    pub(super) fn new() -> Self {
        Self {
            last_sign: Instant::now(),
            stalled_since: None,
            ping: false,
            unflushed: false,
            draining: false,
            reads: 0,
            turns: 0,
        }
    }

    /// Something came.
    pub(super) fn sign_of_life(&mut self) {
        self.last_sign = Instant::now();
    }

    /// A heartbeat's turn.
    pub(super) fn beat(&mut self, now: Instant, limits: &Limits) -> Diagnosis {
        // While it is stalled the server may not be reading either, so silence would prove nothing.
        if let Some(since) = self.stalled_since {
            return if now.duration_since(since) >= limits.write_time {
                Diagnosis::NotReading
            } else {
                Diagnosis::Well
            };
        }
        if now.duration_since(self.last_sign) >= limits.heartbeat * 2 {
            return Diagnosis::Silent;
        }
        self.ping = true;
        Diagnosis::Well
    }

    /// The peer does not take what is written.
    pub(super) fn stalled(&mut self) {
        if self.stalled_since.is_none() {
            self.stalled_since = Some(Instant::now());
        }
    }

    /// Everything that was written got through.
    pub(super) fn flowing(&mut self) {
        self.stalled_since = None;
    }

    /// The ping that is due, once.
    pub(super) fn take_ping(&mut self) -> Option<Outgoing> {
        std::mem::take(&mut self.ping).then_some(Outgoing::Ping)
    }
}
