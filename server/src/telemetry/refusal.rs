//! Why connections are refused.

use vivaz_protocol::CloseCode;

use super::instrument::Count;
use super::labels::{Labelled, label};

/// Declares the reasons for which a connection is refused, with a counter for each.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $variant:ident = $word:literal,)*) => {
        /// The number of refused connections by reason. Each refusal is also logged, within the
        /// rate of [`Limits::client_events_per_second`](crate::Limits::client_events_per_second).
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct RefusedConnections {
            $($(#[$doc])* pub $name: u64,)*
        }

        label! {
            /// The reason for which a connection is refused.
            RefusalReason = "vivaz.reason" { $($(#[$doc])* $variant = $word,)* }
        }

        impl RefusedConnections {
            pub(super) fn read(refused: &Labelled<RefusalReason, Count>) -> Self {
                Self { $($name: refused.of(RefusalReason::$variant).get(),)* }
            }
        }
    };
}

refusals! {
    /// The request is not an upgrade to a WebSocket (426).
    no_upgrade: NoUpgrade = "no_upgrade",
    /// The request's method is not `GET` (405).
    method: Method = "method",
    /// The handshake does not follow RFC 6455 (400).
    handshake: Handshake = "handshake",
    /// The client offers only unsupported subprotocols (400).
    subprotocol: Subprotocol = "subprotocol",
    /// The request comes from a page of another origin, or names another host (403).
    origin: Origin = "origin",
    /// An unsafe request comes from a page of another origin (403): see
    /// [`CrossOriginProtection`](crate::CrossOriginProtection).
    cross_origin: CrossOrigin = "cross_origin",
    /// The client's address has too many connections, or opens them too fast (429).
    address: Address = "address",
    /// The server is shutting down (503, or close code 1001).
    going_away: GoingAway = "going_away",
    /// The identity hook refused the client (4401).
    unauthenticated: Unauthenticated = "unauthenticated",
    /// The server or the user has the maximum number of connections or sessions, or the identity
    /// hook failed (4503).
    full: Full = "full",
    /// The client sent no `HELLO` in time, or access was revoked while the identity hook ran
    /// (4408).
    timed_out: TimedOut = "timed_out",
    /// The first message is invalid: not a `HELLO` (4400), too large (1009), not UTF-8 (1007) or
    /// not in frames of RFC 6455 (1002).
    hello: Hello = "hello",
    /// The client uses another version of the protocol (4426).
    version: Version = "version",
}

impl RefusalReason {
    /// Returns the reason for the close code of a connection that was closed before its session
    /// began.
    pub(crate) fn of_close(code: u16) -> Self {
        match CloseCode::from_u16(code) {
            Some(CloseCode::GoingAway) => Self::GoingAway,
            Some(CloseCode::Unauthenticated) => Self::Unauthenticated,
            Some(CloseCode::TimedOut) => Self::TimedOut,
            Some(CloseCode::UnsupportedVersion) => Self::Version,
            Some(CloseCode::Full) => Self::Full,
            Some(
                CloseCode::MessageTooBig
                | CloseCode::ProtocolViolation
                | CloseCode::TakenOver
                | CloseCode::SessionEnded
                | CloseCode::SlowConsumer
                | CloseCode::RateLimited,
            )
            | None => Self::Hello,
        }
    }
}
