//! Checks that the peer of a connection is alive and reads.

use tokio::time::Instant;

use crate::limits::Limits;
use crate::transport::{Incoming, Outgoing};

/// The health and the turn counters of a connection.
pub(super) struct Liveness {
    last_sign: Instant,
    /// Since when the peer accepts no data.
    stalled_since: Option<Instant>,
    /// Whether a ping is due.
    is_ping_due: bool,
    /// Whether the transport has data that was not flushed.
    pub(super) is_unflushed: bool,
    /// Whether the server shuts down. No more messages are read.
    pub(super) is_draining: bool,
    /// What the client has sent before its session was found. It is handled first.
    pub(super) early: Option<Box<Incoming>>,
    /// Messages read since the last write.
    pub(super) reads: u32,
    /// Mail and completions processed since the client had its turn.
    pub(super) turns: u32,
}

/// The result of a heartbeat.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PeerHealth {
    /// No fault was found. A ping is due, unless the peer is stalled.
    Alive,
    /// The peer has sent nothing for two heartbeats.
    Silent,
    /// The peer has accepted no data for `Limits::write_time`.
    NotReading,
}

impl Liveness {
    /// Creates the state of a connection that has just opened.
    pub(super) fn new(early: Option<Box<Incoming>>) -> Self {
        Self {
            last_sign: Instant::now(),
            stalled_since: None,
            is_ping_due: false,
            is_unflushed: false,
            is_draining: false,
            early,
            reads: 0,
            turns: 0,
        }
    }

    /// Records that the peer has sent something.
    pub(super) fn record_activity(&mut self) {
        self.last_sign = Instant::now();
    }

    /// Checks the peer at a heartbeat.
    pub(super) fn check(&mut self, now: Instant, limits: &Limits) -> PeerHealth {
        // The server may not be reading from a stalled peer, so its silence proves nothing.
        if let Some(since) = self.stalled_since {
            return if now.duration_since(since) >= limits.write_time {
                PeerHealth::NotReading
            } else {
                PeerHealth::Alive
            };
        }
        if now.duration_since(self.last_sign) >= limits.heartbeat * 2 {
            return PeerHealth::Silent;
        }
        self.is_ping_due = true;
        PeerHealth::Alive
    }

    /// Records that the peer does not accept data.
    pub(super) fn record_stalled(&mut self) {
        if self.stalled_since.is_none() {
            self.stalled_since = Some(Instant::now());
        }
    }

    /// Records that the peer has accepted all data.
    pub(super) fn record_writable(&mut self) {
        self.stalled_since = None;
    }

    /// Returns the ping that is due, once.
    pub(super) fn take_ping(&mut self) -> Option<Outgoing> {
        std::mem::take(&mut self.is_ping_due).then_some(Outgoing::Ping)
    }
}
