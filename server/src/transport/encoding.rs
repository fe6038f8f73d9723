//! The encoding of messages in frames, which the handshake negotiates.
//!
//! All code behind the transport uses one form, the JSON object. An encoding converts each message
//! between that object and a frame, so that encodings cannot differ in meaning. A message is an
//! object or its [compact form](vivaz_protocol::compact), and either of them is JSON in a text
//! frame or MessagePack in a binary frame.

use bytes::Bytes;
use vivaz_protocol::compact::{self, ObjectTooLong};
use vivaz_protocol::{SUBPROTOCOL_COMPACT, SUBPROTOCOL_JSON};
#[cfg(feature = "msgpack")]
use vivaz_protocol::{SUBPROTOCOL_COMPACT_MESSAGE_PACK, SUBPROTOCOL_MESSAGE_PACK};

#[cfg(feature = "msgpack")]
use super::msgpack;
use super::{Incoming, Violation};
#[cfg(feature = "msgpack")]
use crate::telemetry::log::Escaped;

/// An encoding of the protocol's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// One JSON object in each text frame. Clients may send it on every connection.
    #[default]
    Json,
    /// The compact form as JSON in each text frame.
    Compact,
    /// The object as MessagePack in each binary frame.
    #[cfg(feature = "msgpack")]
    MessagePack,
    /// The compact form as MessagePack in each binary frame.
    #[cfg(feature = "msgpack")]
    CompactMessagePack,
}

/// A message as a frame.
#[derive(Clone, Debug)]
pub(crate) enum EncodedMessage {
    Text(Bytes),
    Binary(Bytes),
}

/// A message to send is not valid JSON, which is a bug of this program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error("a message is not UTF-8: {0}")]
    NotUtf8(#[from] std::str::Utf8Error),
    #[cfg(feature = "msgpack")]
    #[error(transparent)]
    MessagePack(#[from] msgpack::PackError),
}

impl Encoding {
    /// The supported encodings.
    pub(crate) const ALL: &[Self] = &[
        Self::Json,
        Self::Compact,
        #[cfg(feature = "msgpack")]
        Self::MessagePack,
        #[cfg(feature = "msgpack")]
        Self::CompactMessagePack,
    ];

    /// Returns the subprotocol that names the encoding in the handshake.
    pub(crate) fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => SUBPROTOCOL_JSON,
            Self::Compact => SUBPROTOCOL_COMPACT,
            #[cfg(feature = "msgpack")]
            Self::MessagePack => SUBPROTOCOL_MESSAGE_PACK,
            #[cfg(feature = "msgpack")]
            Self::CompactMessagePack => SUBPROTOCOL_COMPACT_MESSAGE_PACK,
        }
    }

    /// Returns the encoding with this subprotocol; `None` if it is not supported. Case is ignored.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|encoding| encoding.subprotocol().eq_ignore_ascii_case(name))
    }

    fn is_compact(self) -> bool {
        match self {
            Self::Json => false,
            Self::Compact => true,
            #[cfg(feature = "msgpack")]
            Self::MessagePack => false,
            #[cfg(feature = "msgpack")]
            Self::CompactMessagePack => true,
        }
    }

    /// Returns whether messages are sent as MessagePack.
    fn is_binary(self) -> bool {
        match self {
            Self::Json | Self::Compact => false,
            #[cfg(feature = "msgpack")]
            Self::MessagePack | Self::CompactMessagePack => true,
        }
    }

    /// Decodes a frame with a message that has at most `max_bytes` bytes as a JSON object.
    pub(crate) fn decode(self, frame: EncodedMessage, max_bytes: usize) -> Incoming {
        let text = match frame {
            EncodedMessage::Text(text) => text,
            EncodedMessage::Binary(bytes) if !self.is_binary() => return Incoming::Binary(bytes),
            #[cfg(not(feature = "msgpack"))]
            EncodedMessage::Binary(bytes) => return Incoming::Binary(bytes),
            #[cfg(feature = "msgpack")]
            EncodedMessage::Binary(bytes) => match msgpack::to_json(&bytes, max_bytes) {
                Ok(text) => text,
                Err(msgpack::UnpackError::TooLarge) => return Incoming::Violation(Violation::TooLarge),
                Err(error @ msgpack::UnpackError::Malformed(_)) => {
                    tracing::debug!(error = %Escaped(&error), "cannot decode a binary message");
                    return Incoming::Binary(bytes);
                }
            },
        };
        if !self.is_compact() {
            return Incoming::Text(text);
        }
        match std::str::from_utf8(&text).map(|text| compact::to_object(text, max_bytes)) {
            Ok(Ok(Some(object))) => Incoming::Text(object.into()),
            Ok(Ok(None)) => Incoming::Text(text),
            Ok(Err(ObjectTooLong)) => Incoming::Violation(Violation::TooLarge),
            Err(_) => Incoming::Violation(Violation::NotUtf8),
        }
    }

    /// Encodes a message, which is a JSON object.
    ///
    /// # Errors
    /// Returns an error if the message is not valid JSON.
    pub(crate) fn encode(self, message: Bytes) -> Result<EncodedMessage, EncodeError> {
        let message = if self.is_compact() { to_compact(&message)? } else { message };
        #[cfg(feature = "msgpack")]
        if self.is_binary() {
            return Ok(EncodedMessage::Binary(msgpack::from_json(&message)?));
        }
        Ok(EncodedMessage::Text(message))
    }
}

fn to_compact(message: &[u8]) -> Result<Bytes, EncodeError> {
    let message = std::str::from_utf8(message)?;
    let mut text = String::with_capacity(message.len());
    compact::from_object(&mut text, message);
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROOM: usize = 64 * 1024;
    const CLICK: &str =
        r#"{"v":1,"type":"COMPONENT_ACTION","ref":500,"componentId":"c1","action":"increment"}"#;
    const UPDATE: &str =
        r#"{"v":1,"type":"STATE_UPDATE","ref":500,"componentId":"c1","rev":500,"payload":{"count":500}}"#;

    fn bytes_of(frame: &EncodedMessage) -> &Bytes {
        match frame {
            EncodedMessage::Text(bytes) | EncodedMessage::Binary(bytes) => bytes,
        }
    }

    #[test]
    fn a_message_survives_each_encoding() {
        for &encoding in Encoding::ALL {
            for message in [CLICK, UPDATE] {
                let frame = encoding.encode(message.into()).unwrap();
                assert_eq!(matches!(frame, EncodedMessage::Binary(_)), encoding.is_binary(), "{encoding:?}");
                let Incoming::Text(text) = encoding.decode(frame, ROOM) else { panic!("{encoding:?}") };
                assert_eq!(text, message, "{encoding:?}");
            }
            let Incoming::Text(text) = encoding.decode(EncodedMessage::Text(CLICK.into()), ROOM) else {
                panic!("{encoding:?} refuses JSON")
            };
            assert_eq!(text, CLICK);
        }
    }

    #[cfg(feature = "msgpack")]
    #[test]
    fn a_click_is_small() {
        let size = |encoding: Encoding, message: &'static str| {
            bytes_of(&encoding.encode(message.into()).unwrap()).len()
        };
        assert_eq!((size(Encoding::Compact, CLICK), size(Encoding::Compact, UPDATE)), (24, 30));
        assert_eq!(
            (size(Encoding::CompactMessagePack, CLICK), size(Encoding::CompactMessagePack, UPDATE)),
            (18, 21)
        );
    }

    #[test]
    fn the_limit_is_that_of_the_object() {
        for &encoding in Encoding::ALL {
            let frame = || encoding.encode(CLICK.into()).unwrap();
            assert!(matches!(encoding.decode(frame(), CLICK.len()), Incoming::Text(_)), "{encoding:?}");
            if encoding != Encoding::Json {
                let refused = encoding.decode(frame(), CLICK.len() - 1);
                assert!(
                    matches!(refused, Incoming::Violation(Violation::TooLarge)),
                    "{encoding:?}: {refused:?}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_frames_become_bounded_messages_or_are_refused(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "[\\[\\]{}\",:0-9a-c ]{0,60}".prop_map(String::into_bytes),
            ],
        ) {
            for &encoding in Encoding::ALL {
                let mut frames = vec![EncodedMessage::Binary(Bytes::from(bytes.clone()))];
                if std::str::from_utf8(&bytes).is_ok() {
                    frames.push(EncodedMessage::Text(Bytes::from(bytes.clone())));
                }
                for frame in frames {
                    if let Incoming::Text(text) = encoding.decode(frame, 250) {
                        prop_assert!(text.len() <= 250);
                        prop_assert!(std::str::from_utf8(&text).is_ok());
                    }
                }
            }
        }
    }
}
