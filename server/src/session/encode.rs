//! Encodes server messages into frames.

use std::borrow::Cow;

use bytes::Bytes;
use vivaz_components::TopicRef;
use vivaz_protocol::{
    ErrorCode, ErrorMessage, FieldTopics, RawJson, Ref, Rev, ServerMessage, StreamId, Update, encode_server,
};

/// Encodes a message as the bytes of a frame.
pub(crate) fn frame(message: &ServerMessage<'_>) -> Bytes {
    text(message).into()
}

/// Encodes a message as JSON text.
pub(crate) fn text(message: &ServerMessage<'_>) -> String {
    // Sufficient for most messages. Messages with state make it grow.
    let mut out = String::with_capacity(128);
    encode_server(&mut out, message);
    out
}

/// Encodes a patch of a stream that is not a reply.
pub(crate) fn patch(stream: StreamId, rev: Rev, patch: &str) -> Bytes {
    frame(&ServerMessage::Update(Update::new(stream, rev, RawJson::trusted(patch))))
}

/// Builds an `ERROR` message.
pub(crate) fn error(
    reference: Option<Ref>,
    stream: Option<StreamId>,
    code: ErrorCode,
    message: &str,
) -> ServerMessage<'_> {
    ServerMessage::Error(ErrorMessage::new(code, message).answering(reference, stream))
}

/// Encodes the `reply_lost` error of a message whose reply is no longer available.
pub(crate) fn reply_lost(reference: Ref) -> Bytes {
    let message = "the message was answered; its reply is no longer available";
    frame(&error(Some(reference), None, ErrorCode::ReplyLost, message))
}

/// Returns the field names of shared fields with the names of their topics.
pub(super) fn topic_names(topics: &[(&'static str, TopicRef)]) -> FieldTopics<'static> {
    topics.iter().map(|(field, topic)| (Cow::Borrowed(*field), topic.name().clone())).collect()
}
