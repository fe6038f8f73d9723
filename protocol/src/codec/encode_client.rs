//! Encodes messages of clients, for the page, tests and load generators.

use std::borrow::Cow;

use crate::client::{ClientBody, ClientMessage, Hello, MountChild, PropertyPath, PropsUpdate, Request};
use crate::id::StreamId;
use crate::json::{ObjectWriter, RawJson, write_string, write_u64};
use crate::patch::write_key;
use crate::words::{PROTOCOL_VERSION, field, payload};

/// Appends a message to `out`.
pub fn encode_client(out: &mut String, message: &ClientMessage<'_>) {
    let mut object = ObjectWriter::open(out);
    object.number(field::V, PROTOCOL_VERSION);
    object.string(field::TYPE, message.kind().as_str());
    if let ClientBody::Request { reference, .. } = &message.body {
        object.number(field::REF, reference.get());
    }
    if let Some(ack) = message.ack {
        object.number(field::ACK, ack.get());
    }
    match &message.body {
        ClientBody::Hello(hello) => write_hello(object.key(field::PAYLOAD), hello),
        ClientBody::Request { component_id, request, .. } => {
            object.string(field::COMPONENT_ID, component_id.as_str());
            write_request(&mut object, request);
        }
        ClientBody::Unanswered { component_id, action, payload } => {
            object.string(field::COMPONENT_ID, component_id.as_str());
            let request = Request::Action { action: (&**action).into(), payload: *payload, set: Vec::new() };
            write_request(&mut object, &request);
        }
        ClientBody::Resync(StreamId::Component(id)) => object.string(field::COMPONENT_ID, id.as_str()),
        ClientBody::Resync(StreamId::Topic(name)) => object.string(field::TOPIC, name.as_str()),
        ClientBody::Template { hash } => {
            let mut inner = ObjectWriter::open(object.key(field::PAYLOAD));
            inner.string(payload::HASH, hash);
            inner.close();
        }
        ClientBody::Ping { payload } => {
            if let Some(json) = payload {
                object.raw(field::PAYLOAD, *json);
            }
        }
    }
    object.close();
}

fn write_painted(object: &mut ObjectWriter<'_>, painted: bool) {
    if painted {
        object.boolean(payload::PAINTED, painted);
    }
}

fn write_request(object: &mut ObjectWriter<'_>, request: &Request<'_>) {
    match request {
        Request::MountSealed { seal, painted } => {
            let mut inner = ObjectWriter::open(object.key(field::PAYLOAD));
            inner.string(payload::SEAL, seal.expose());
            write_painted(&mut inner, *painted);
            inner.close();
        }
        Request::MountChild(MountChild { parent, place, seal, painted, page }) => {
            let mut inner = ObjectWriter::open(object.key(field::PAYLOAD));
            inner.string(payload::PARENT, parent.as_str());
            inner.raw(payload::PLACE, *place);
            if let Some(seal) = seal {
                inner.string(payload::SEAL, seal.expose());
            }
            write_painted(&mut inner, *painted);
            write_values(&mut inner, payload::PAGE, page);
            inner.close();
        }
        Request::MountOpen { component, props } => {
            let mut inner = ObjectWriter::open(object.key(field::PAYLOAD));
            inner.string(payload::COMPONENT, component);
            if let Some(json) = props {
                inner.raw(payload::PROPS, *json);
            }
            inner.close();
        }
        Request::Action { action, payload, set } => {
            object.string(field::ACTION, action);
            write_values(object, field::SET, set);
            if let Some(json) = payload {
                object.raw(field::PAYLOAD, *json);
            }
        }
        Request::Property { property, value } => {
            let mut inner = ObjectWriter::open(object.key(field::PAYLOAD));
            write_path(inner.key(payload::PROPERTY), property);
            inner.raw(payload::VALUE, *value);
            inner.close();
        }
        Request::Props(PropsUpdate { page, props }) => {
            let mut inner = ObjectWriter::open(object.key(field::PAYLOAD));
            if let Some(props) = props {
                inner.raw(payload::PROPS, *props);
            }
            write_values(&mut inner, payload::PAGE, page);
            inner.close();
        }
        Request::Unmount => {}
    }
}

/// Writes a field's name, or an array of the field's name and the steps.
fn write_path(out: &mut String, path: &PropertyPath<'_>) {
    if path.steps.is_empty() {
        return write_string(out, &path.field);
    }
    out.push('[');
    write_string(out, &path.field);
    for step in &path.steps {
        out.push(',');
        write_key(out, step.as_ref());
    }
    out.push(']');
}

/// Writes named values as an object. Omits the field if there are none.
fn write_values(object: &mut ObjectWriter<'_>, name: &'static str, values: &[(Cow<'_, str>, RawJson<'_>)]) {
    if !values.is_empty() {
        let mut inner = ObjectWriter::open(object.key(name));
        for (name, value) in values {
            inner.named(name).push_str(value.get());
        }
        inner.close();
    }
}

fn write_hello(out: &mut String, hello: &Hello<'_>) {
    let mut object = ObjectWriter::open(out);
    if let Some(resume) = &hello.resume {
        object.string(payload::SESSION, resume.session.as_str());
        object.string(payload::RESUME, resume.secret.expose());
        if let Some(acked) = resume.acked {
            object.number(payload::ACKED, acked.get());
        }
        let mut streams = ObjectWriter::open(object.key(payload::STREAMS));
        for (stream, epoch, rev) in &resume.streams {
            let out = streams.named(&stream.to_string());
            out.push('[');
            write_string(out, epoch.as_str());
            out.push(',');
            write_u64(out, rev.0);
            out.push(']');
        }
        streams.close();
    }
    if let Some(auth) = hello.auth {
        object.raw(payload::AUTH, auth);
    }
    object.close();
}
