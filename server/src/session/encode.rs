//! What a session says: messages encoded and put into its outbox.

use std::borrow::Cow;

use bytes::Bytes;
use vivaz_components::TopicRef;
use vivaz_protocol::{
    ErrorCode, ErrorMessage, FieldTopics, RawJson, Ref, Rev, ServerMessage, StreamId, Update, encode_server,
};

/// A message as the bytes of a frame.
pub(crate) fn frame(message: &ServerMessage<'_>) -> Bytes {
    text(message).into()
}

/// A message as text.
pub(crate) fn text(message: &ServerMessage<'_>) -> String {
    // Most messages are short; those that carry state are grown for.
    let mut out = String::with_capacity(128);
    encode_server(&mut out, message);
    out
}

/// A patch of a stream that answers nothing.
pub(crate) fn patch(stream: StreamId, rev: Rev, patch: &str) -> Bytes {
    frame(&ServerMessage::Update(Update::new(stream, rev, RawJson::trusted(patch))))
}

/// A refusal.
pub(crate) fn refusal(
    reference: Option<Ref>,
    stream: Option<StreamId>,
    code: ErrorCode,
    message: &str,
) -> ServerMessage<'_> {
    ServerMessage::Error(ErrorMessage::new(code, message).answering(reference, stream))
}

/// The refusal of a message that was answered, where the answer cannot be given again.
pub(crate) fn reply_lost(reference: Ref) -> Bytes {
    let message = "it was answered, and the answer cannot be given again";
    frame(&refusal(Some(reference), None, ErrorCode::ReplyLost, message))
}

/// Returns the names of the topics that shared fields show.
pub(super) fn topic_names(topics: &[(&'static str, TopicRef)]) -> FieldTopics<'static> {
    topics.iter().map(|(field, topic)| (Cow::Borrowed(*field), topic.name().clone())).collect()
}
