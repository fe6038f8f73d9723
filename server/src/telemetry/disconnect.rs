//! Why connections end.

use vivaz_protocol::CloseCode;

use super::labels::label;

label! {
    /// The reason for which a connection with a session has ended.
    DisconnectReason = "vivaz.reason" {
        /// The transport failed: no close frame arrived.
        Lost = "lost",
        /// The page was closed, and said so.
        Left = "left",
        /// The browser navigated away or hid the page (1001).
        Hidden = "hidden",
        /// The client closed the connection with another code.
        Closed = "closed",
        /// Another connection has taken the session over (4409).
        TakenOver = "taken_over",
        /// Another process owns the session, or the store has a newer state.
        Moved = "moved",
        /// The server ended the session.
        SessionEnded = "session_ended",
        /// The server is shutting down (1001).
        GoingAway = "going_away",
        /// The client's identity expired (4401).
        Unauthenticated = "unauthenticated",
        /// The client sent nothing, not even an answer to a heartbeat (4408).
        TimedOut = "timed_out",
        /// The client read too slowly (4413).
        SlowConsumer = "slow_consumer",
        /// The client exceeded its rate for too long (4429).
        RateLimited = "rate_limited",
        /// The client broke the protocol.
        Violation = "violation",
    }
}

impl DisconnectReason {
    /// Returns the reason for the close code with which the server closes a connection.
    pub(crate) fn of_close(code: u16) -> Self {
        match CloseCode::from_u16(code) {
            Some(CloseCode::GoingAway) => Self::GoingAway,
            Some(CloseCode::Unauthenticated) => Self::Unauthenticated,
            Some(CloseCode::TimedOut) => Self::TimedOut,
            Some(CloseCode::SlowConsumer) => Self::SlowConsumer,
            Some(CloseCode::RateLimited) => Self::RateLimited,
            Some(CloseCode::TakenOver) => Self::TakenOver,
            Some(CloseCode::SessionEnded) => Self::SessionEnded,
            Some(
                CloseCode::MessageTooBig
                | CloseCode::ProtocolViolation
                | CloseCode::UnsupportedVersion
                | CloseCode::Full,
            )
            | None => Self::Violation,
        }
    }
}
