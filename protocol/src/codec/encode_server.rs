//! Encodes messages of servers. State, patches and results are copied as text: a value for many
//! clients is serialised once, and encoding costs time only in proportion to the bytes.

use crate::id::{Author, Epoch, Ref, Rev, StreamId};
use crate::json::{ObjectWriter, write_string, write_u64};
use crate::server::{ErrorMessage, FieldTopics, Mounted, ServerMessage, Update, Welcome};
use crate::words::{PROTOCOL_VERSION, field, payload};

/// Appends a message to `out`.
pub fn encode_server(out: &mut String, message: &ServerMessage<'_>) {
    let mut object = ObjectWriter::open(out);
    object.number(field::V, PROTOCOL_VERSION);
    object.string(field::TYPE, message.kind().as_str());
    match message {
        ServerMessage::Welcome(welcome) => write_welcome(object.key(field::PAYLOAD), welcome),
        ServerMessage::Mounted(mounted) => write_mounted(&mut object, mounted),
        ServerMessage::Update(update) => write_update(&mut object, update),
        ServerMessage::Snapshot { stream, rev, epoch, state } => {
            write_stream(&mut object, stream);
            write_position(&mut object, *rev, epoch);
            object.raw(field::PAYLOAD, *state);
        }
        ServerMessage::Ack { reference, component_id, result } => {
            object.number(field::REF, reference.get());
            object.string(field::COMPONENT_ID, component_id.as_str());
            if let Some(json) = result {
                object.raw(field::PAYLOAD, *json);
            }
        }
        ServerMessage::Error(error) => write_error(&mut object, error),
        ServerMessage::Event { stream, name, data } => {
            write_stream(&mut object, stream);
            let mut inner = ObjectWriter::open(object.key(field::PAYLOAD));
            inner.string(payload::NAME, name);
            inner.raw(payload::DATA, *data);
            inner.close();
        }
        ServerMessage::Unmounted { component_id, reason } => {
            object.string(field::COMPONENT_ID, component_id.as_str());
            let mut inner = ObjectWriter::open(object.key(field::PAYLOAD));
            inner.string(payload::REASON, reason);
            inner.close();
        }
        ServerMessage::Drain { reconnect_after_ms } => {
            let mut inner = ObjectWriter::open(object.key(field::PAYLOAD));
            inner.number(payload::RECONNECT_AFTER_MS, *reconnect_after_ms);
            inner.close();
        }
        ServerMessage::Template { hash, template } => {
            let mut inner = ObjectWriter::open(object.key(field::PAYLOAD));
            inner.string(payload::HASH, hash);
            inner.raw(payload::TEMPLATE, *template);
            inner.close();
        }
        ServerMessage::Pong { payload } => {
            if let Some(json) = payload {
                object.raw(field::PAYLOAD, *json);
            }
        }
    }
    object.close();
}

fn write_welcome(out: &mut String, welcome: &Welcome<'_>) {
    let mut object = ObjectWriter::open(out);
    object.string(payload::SESSION, welcome.session.as_str());
    object.string(payload::RESUME, welcome.secret.expose());
    object.string(payload::CONNECTION, welcome.connection.as_str());
    object.boolean(payload::RESUMED, welcome.resumed);
    write_refs(object.key(payload::DONE), &welcome.done);
    object.number(payload::HEARTBEAT_MS, welcome.heartbeat_ms);
    object.string(payload::BUILD, &welcome.build);
    let mut limits = ObjectWriter::open(object.key(payload::LIMITS));
    limits.number(payload::MESSAGE_BYTES, welcome.limits.message_bytes);
    limits.number(payload::COMPONENTS, welcome.limits.components);
    limits.number(payload::IN_FLIGHT, welcome.limits.in_flight);
    limits.close();
    object.close();
}

fn write_refs(out: &mut String, refs: &[Ref]) {
    out.push('[');
    for (at, reference) in refs.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_u64(out, reference.get());
    }
    out.push(']');
}

fn write_mounted(object: &mut ObjectWriter<'_>, mounted: &Mounted<'_>) {
    if let Some(reference) = mounted.reference {
        object.number(field::REF, reference.get());
    }
    object.string(field::COMPONENT_ID, mounted.component_id.as_str());
    write_position(object, mounted.rev, &mounted.epoch);
    let mut inner = ObjectWriter::open(object.key(field::PAYLOAD));
    inner.string(payload::COMPONENT, &mounted.component);
    inner.string(payload::TEMPLATE, &mounted.template);
    if let Some(state) = mounted.state {
        inner.raw(payload::STATE, state);
    }
    write_topics(inner.key(payload::TOPICS), &mounted.topics);
    if !mounted.retry.is_empty() {
        let out = inner.key(payload::RETRY);
        for (at, action) in mounted.retry.iter().enumerate() {
            out.push(if at == 0 { '[' } else { ',' });
            write_string(out, action);
        }
        out.push(']');
    }
    inner.close();
}

fn write_update(object: &mut ObjectWriter<'_>, update: &Update<'_>) {
    if let Some(reference) = update.reference {
        object.number(field::REF, reference.get());
    }
    write_stream(object, &update.stream);
    object.number(field::REV, update.rev.0);
    if !update.by.is_empty() {
        write_authors(object.key(field::BY), &update.by);
    }
    if let Some(topics) = &update.topics {
        write_topics(object.key(field::TOPICS), topics);
    }
    if let Some(json) = update.result {
        object.raw(field::RESULT, json);
    }
    object.raw(field::PAYLOAD, update.patch);
}

/// Writes one author as a string and several as a list.
fn write_authors(out: &mut String, authors: &[Author]) {
    // A connection's id has no colon but may contain characters that JSON escapes, so the author is
    // escaped as a whole.
    if let [author] = authors {
        return write_string(out, &author.to_string());
    }
    for (at, author) in authors.iter().enumerate() {
        out.push(if at == 0 { '[' } else { ',' });
        write_string(out, &author.to_string());
    }
    out.push(']');
}

fn write_error(object: &mut ObjectWriter<'_>, error: &ErrorMessage<'_>) {
    if let Some(reference) = error.reference {
        object.number(field::REF, reference.get());
    }
    if let Some(stream) = &error.stream {
        write_stream(object, stream);
    }
    let mut inner = ObjectWriter::open(object.key(field::PAYLOAD));
    inner.string(payload::CODE, error.code.as_str());
    inner.string(payload::MESSAGE, &error.message);
    if let Some(json) = error.details {
        inner.raw(payload::DETAILS, json);
    }
    if let Some(ms) = error.retry_ms {
        inner.number(payload::RETRY_MS, ms);
    }
    inner.close();
}

fn write_stream(object: &mut ObjectWriter<'_>, stream: &StreamId) {
    match stream {
        StreamId::Component(id) => object.string(field::COMPONENT_ID, id.as_str()),
        StreamId::Topic(name) => object.string(field::TOPIC, name.as_str()),
    }
}

fn write_position(object: &mut ObjectWriter<'_>, rev: Rev, epoch: &Epoch) {
    object.number(field::REV, rev.0);
    object.string(field::EPOCH, epoch.as_str());
}

fn write_topics(out: &mut String, topics: &FieldTopics<'_>) {
    let mut object = ObjectWriter::open(out);
    for (name, topic) in topics {
        write_string(object.named(name), topic.as_str());
    }
    object.close();
}
