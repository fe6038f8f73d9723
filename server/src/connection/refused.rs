//! Why a client gets no session.

use vivaz_protocol::CloseCode;

/// Somebody's access was taken away between the recognition and the greeting. It is not known whose; a client that
/// connects again is recognised as of now.
pub(crate) const RECOGNISED_BEFORE: &str = "who this is may have changed: connect again";

/// What a connection is closed with when the application does not accept the client.
pub(crate) const UNAUTHENTICATED: (CloseCode, &str) = (CloseCode::Unauthenticated, "authentication required");
/// What it is closed with when the application could not find out who the client is.
pub(crate) const UNIDENTIFIED: (CloseCode, &str) =
    (CloseCode::Full, "identification failed temporarily; retry");

/// Why there is no session.
pub(super) enum Refused {
    /// The server closes.
    Close(u16, &'static str),
    /// The peer did.
    Gone,
}

impl Refused {
    pub(super) fn code(code: CloseCode, reason: &'static str) -> Self {
        Self::Close(code.as_u16(), reason)
    }
}
