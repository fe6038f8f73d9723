//! Checks that the peer of a connection is alive and reads.

use tokio::time::Instant;

use crate::limits::Limits;
use crate::transport::{Incoming, Outgoing};

/// The health and the turn counters of a connection.
pub(super) struct Liveness {
    last_sign: Instant,
    /// Set while the peer has not accepted all data.
    stall: Option<Stall>,
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

/// A time in which the peer accepts too little data.
struct Stall {
    since: Instant,
    /// What the peer had accepted at that time, in bytes.
    accepted: u64,
}

/// The result of a heartbeat.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PeerHealth {
    /// No fault was found. A ping is due, unless the peer is stalled.
    Alive,
    /// The peer has sent nothing for two heartbeats.
    Silent,
    /// The peer has accepted less than `Limits::progress_bytes` for `Limits::write_time`, although
    /// data waits.
    NotReading,
}

impl Liveness {
    /// Creates the state of a connection that has just opened.
    pub(super) fn new(early: Option<Box<Incoming>>) -> Self {
        Self {
            last_sign: Instant::now(),
            stall: None,
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
        if let Some(stall) = &self.stall {
            return if now.duration_since(stall.since) >= limits.write_time {
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

    /// Records that the peer has not accepted all data, and how many bytes it has accepted so far.
    /// A slow peer that makes progress may take any time.
    pub(super) fn record_stalled(&mut self, accepted: u64, limits: &Limits) {
        let is_slow = |stall: &Stall| accepted - stall.accepted < limits.progress_bytes as u64;
        if !self.stall.as_ref().is_some_and(is_slow) {
            self.stall = Some(Stall { since: Instant::now(), accepted });
        }
    }

    /// Records that the peer has accepted all data.
    pub(super) fn record_writable(&mut self) {
        self.stall = None;
    }

    /// Returns the ping that is due, once.
    pub(super) fn take_ping(&mut self) -> Option<Outgoing> {
        std::mem::take(&mut self.is_ping_due).then_some(Outgoing::Ping)
    }
}
