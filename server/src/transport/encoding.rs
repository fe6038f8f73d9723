//! The encoding of messages in frames, which the handshake negotiates.

use vivaz_protocol::SUBPROTOCOL_JSON;
#[cfg(feature = "msgpack")]
use vivaz_protocol::SUBPROTOCOL_MESSAGE_PACK;

/// An encoding of the protocol's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// One JSON object in each text frame. Clients may send it on every connection.
    #[default]
    Json,
    /// The same object as MessagePack in each binary frame.
    #[cfg(feature = "msgpack")]
    MessagePack,
}

impl Encoding {
    /// The supported encodings.
    pub(crate) const ALL: &[Self] = &[
        Self::Json,
        #[cfg(feature = "msgpack")]
        Self::MessagePack,
    ];

    /// Returns the subprotocol that names the encoding in the handshake.
    pub(crate) fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => SUBPROTOCOL_JSON,
            #[cfg(feature = "msgpack")]
            Self::MessagePack => SUBPROTOCOL_MESSAGE_PACK,
        }
    }

    /// Returns the encoding with this subprotocol; `None` if it is not supported. Case is ignored.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|encoding| encoding.subprotocol().eq_ignore_ascii_case(name))
    }
}
