//! How messages stand in frames: what the handshake agrees on.

use vivaz_protocol::SUBPROTOCOL_JSON;
#[cfg(feature = "msgpack")]
use vivaz_protocol::SUBPROTOCOL_MESSAGE_PACK;

/// An encoding of the protocol's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// A JSON object a text frame. Every connection may send such ones.
    #[default]
    Json,
    /// The same object in MessagePack, a binary frame.
    #[cfg(feature = "msgpack")]
    MessagePack,
}

impl Encoding {
    /// Those that are spoken.
    pub(crate) const ALL: &[Self] = &[
        Self::Json,
        #[cfg(feature = "msgpack")]
        Self::MessagePack,
    ];

    /// The name under which it is negotiated.
    pub(crate) fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => SUBPROTOCOL_JSON,
            #[cfg(feature = "msgpack")]
            Self::MessagePack => SUBPROTOCOL_MESSAGE_PACK,
        }
    }

    /// The one of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|encoding| encoding.subprotocol().eq_ignore_ascii_case(name))
    }
}
