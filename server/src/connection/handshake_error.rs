//! Why a connection gets no session.

use vivaz_protocol::CloseCode;

/// The close reason when access of some user was revoked between identification and resume. It is
/// unknown whether it was this user's. The client reconnects and is identified again.
pub(crate) const IDENTITY_OUTDATED: &str = "identity may be outdated; reconnect";

/// The close code and reason if the application does not accept the client.
pub(crate) const UNAUTHENTICATED: (CloseCode, &str) = (CloseCode::Unauthenticated, "authentication required");
/// The close code and reason if the application could not identify the client.
pub(crate) const UNIDENTIFIED: (CloseCode, &str) =
    (CloseCode::Full, "identification failed temporarily; retry");

/// Why a connection gets no session.
pub(super) enum HandshakeError {
    /// The server closes the connection.
    Close(u16, &'static str),
    /// The peer closed the connection.
    Gone,
}

impl HandshakeError {
    /// Creates a close with a code of the protocol.
    pub(super) fn code(code: CloseCode, reason: &'static str) -> Self {
        Self::Close(code.as_u16(), reason)
    }
}
