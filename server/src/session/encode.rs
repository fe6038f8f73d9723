//! Encodes server messages into frames.

use std::borrow::Cow;

use bytes::Bytes;
use vivaz_components::TopicRef;
use vivaz_components::{Broadcast, ServerEvent, TopicPatch, TopicSnapshot};
use vivaz_protocol::{
    ErrorCode, ErrorMessage, FieldTopics, RawJson, Ref, Rev, ServerMessage, StreamId, TopicName, Update,
    encode_server,
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

/// Returns the frame of a topic's patch, which is encoded once for all sessions.
pub(crate) fn topic_patch(topic: &TopicName, rev: Rev, patch: &Broadcast<TopicPatch>) -> Bytes {
    patch.frame(|TopicPatch { by, json }| {
        let update = Update::new(StreamId::Topic(topic.clone()), rev, RawJson::trusted(json));
        frame(&ServerMessage::Update(Update { by: by.clone(), ..update }))
    })
}

/// Returns the frame of a topic's event, which is encoded once for all sessions.
pub(crate) fn topic_event(topic: &TopicName, event: &Broadcast<ServerEvent>) -> Bytes {
    event.frame(|event| {
        frame(&ServerMessage::Event {
            stream: StreamId::Topic(topic.clone()),
            name: (&*event.name).into(),
            data: RawJson::from(&*event.data),
        })
    })
}

/// Returns the frame of a topic's whole state, which is encoded once for all sessions.
pub(crate) fn topic_snapshot(topic: &TopicName, snapshot: &TopicSnapshot) -> Bytes {
    snapshot.frame(|snapshot| {
        frame(&ServerMessage::Snapshot {
            stream: StreamId::Topic(topic.clone()),
            rev: snapshot.rev,
            epoch: snapshot.epoch.clone(),
            state: RawJson::trusted(snapshot.json()),
        })
    })
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
