//! The compact form of a message: an array without the names of the envelope's fields. It begins
//! with a code, which states the message's type and which fields follow. Other fields follow those
//! as pairs of a field's code and its value.
//!
//! The conversions copy the text of each field's value, so that both forms have the same meaning.

use std::fmt;

use serde::Deserializer;
use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::codec::envelope::{self, Envelope};
use crate::field::EnvelopeField::{self, Action, By, ComponentId, Epoch, Payload, Reference, Rev, Topic};
use crate::words::{PROTOCOL_VERSION, field, kind};

/// A type of message with the fields that follow the code, in order.
struct Layout {
    kind: &'static str,
    fields: &'static [EnvelopeField],
}

const fn layout(kind: &'static str, fields: &'static [EnvelopeField]) -> Layout {
    Layout { kind, fields }
}

/// The layouts by their codes. A message has the first layout of its type all of whose fields it
/// has. The most frequent messages have the shortest codes.
const LAYOUTS: [Layout; 32] = [
    layout(kind::COMPONENT_ACTION, &[Reference, ComponentId, Action, Payload]),
    layout(kind::COMPONENT_ACTION, &[Reference, ComponentId, Action]),
    layout(kind::COMPONENT_ACTION, &[ComponentId, Action]),
    layout(kind::PROPERTY_UPDATE, &[Reference, ComponentId, Payload]),
    layout(kind::STATE_UPDATE, &[Reference, ComponentId, Rev, Payload]),
    layout(kind::STATE_UPDATE, &[ComponentId, Rev, Payload]),
    layout(kind::STATE_UPDATE, &[Topic, Rev, By, Payload]),
    layout(kind::STATE_UPDATE, &[Topic, Rev, Payload]),
    layout(kind::ACK, &[Reference, ComponentId, Payload]),
    layout(kind::ACK, &[Reference, ComponentId]),
    layout(kind::HELLO, &[Payload]),
    layout(kind::COMPONENT_MOUNT, &[Reference, ComponentId, Payload]),
    layout(kind::PROPS_UPDATE, &[Reference, ComponentId, Payload]),
    layout(kind::COMPONENT_UNMOUNT, &[Reference, ComponentId]),
    layout(kind::RESYNC, &[ComponentId]),
    layout(kind::RESYNC, &[Topic]),
    layout(kind::TEMPLATE, &[Payload]),
    layout(kind::PING, &[Payload]),
    layout(kind::PING, &[]),
    layout(kind::WELCOME, &[Payload]),
    layout(kind::COMPONENT_MOUNTED, &[Reference, ComponentId, Rev, Epoch, Payload]),
    layout(kind::COMPONENT_MOUNTED, &[ComponentId, Rev, Epoch, Payload]),
    layout(kind::STATE_SNAPSHOT, &[ComponentId, Rev, Epoch, Payload]),
    layout(kind::STATE_SNAPSHOT, &[Topic, Rev, Epoch, Payload]),
    layout(kind::ERROR, &[Reference, ComponentId, Payload]),
    layout(kind::ERROR, &[Payload]),
    layout(kind::EVENT, &[ComponentId, Payload]),
    layout(kind::EVENT, &[Topic, Payload]),
    layout(kind::COMPONENT_UNMOUNTED, &[ComponentId, Payload]),
    layout(kind::DRAIN, &[Payload]),
    layout(kind::PONG, &[Payload]),
    layout(kind::PONG, &[]),
];

/// Returns the layouts in the order of their codes, from 0: the message's type, and the names of
/// the fields that follow the code.
pub fn layouts() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    LAYOUTS.iter().map(|layout| (layout.kind, layout.fields.iter().map(|field| field.as_str()).collect()))
}

/// Returns the names of the fields in the order of their codes, from 0.
pub fn fields() -> impl Iterator<Item = &'static str> {
    EnvelopeField::CODED.iter().map(|field| field.as_str())
}

/// Appends the compact form of a message, or the message itself if it has none. Every message that
/// the encoders write has one. Fields that are not part of the protocol are left out.
pub fn from_object(out: &mut String, message: &str) {
    if try_from_object(out, message).is_none() {
        out.push_str(message);
    }
}

fn try_from_object(out: &mut String, message: &str) -> Option<()> {
    let (mut message, outcome) = Envelope::read(message);
    outcome.ok()?;
    if message.repeated || envelope::unsigned(message.v?) != Some(PROTOCOL_VERSION) {
        return None;
    }
    let kind = envelope::string(message.kind?)?;
    let mut layouts = LAYOUTS.iter().enumerate();
    let (code, layout) = layouts.find(|(_, layout)| {
        layout.kind == kind && layout.fields.iter().all(|&field| message.get(field).is_some())
    })?;
    write_code(out, '[', code);
    for &field in layout.fields {
        out.push(',');
        out.push_str(message.get(field)?.get());
    }
    for (code, field) in EnvelopeField::CODED.into_iter().enumerate() {
        if let Some(value) = message.get(field)
            && !layout.fields.contains(&field)
        {
            write_code(out, ',', code);
            out.push(',');
            out.push_str(value.get());
        }
    }
    out.push(']');
    Some(())
}

fn write_code(out: &mut String, before: char, code: usize) {
    out.push(before);
    crate::json::write_u64(out, code as u64);
}

/// A message is too long as an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message has too many bytes as an object")]
pub struct ObjectTooLong;

/// Returns the message with this compact form, or `None` if the text is not an array.
///
/// A text that is not a compact message becomes one that the decoders refuse: an object that ends
/// after the fields that were readable, so that the refusal can name the message. A code that no
/// layout has becomes an unknown type without fields.
///
/// # Errors
/// Returns an error if the object has more than `max_bytes` bytes. Not many more are written.
pub fn to_object(compact: &str, max_bytes: usize) -> Result<Option<String>, ObjectTooLong> {
    if !compact.trim_ascii_start().starts_with('[') {
        return Ok(None);
    }
    let mut object = MemberWriter { text: String::with_capacity(compact.len() + 96), last: "", max_bytes };
    let mut deserializer = serde_json::Deserializer::from_str(compact);
    let outcome = (&mut deserializer).deserialize_seq(&mut object);
    let outcome = outcome.and_then(|()| deserializer.end());
    if outcome.is_ok() {
        object.text.push('}');
    } else if !compact.trim_ascii_end().ends_with(object.last) {
        // The last value is complete: what follows it is not readable.
        object.text.push(',');
    }
    if object.text.len() > max_bytes { Err(ObjectTooLong) } else { Ok(Some(object.text)) }
}

/// Writes the fields of a compact message as the members of an object.
struct MemberWriter<'a> {
    text: String,
    /// The value that was written last.
    last: &'a str,
    max_bytes: usize,
}

impl<'a> MemberWriter<'a> {
    fn member<E: Error>(&mut self, name: &str, value: &'a RawValue) -> Result<(), E> {
        self.last = value.get();
        self.push(name, self.last);
        if self.text.len() > self.max_bytes { Err(E::custom(ObjectTooLong)) } else { Ok(()) }
    }

    fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(",\"");
        self.text.push_str(name);
        self.text.push_str("\":");
        self.text.push_str(value);
    }
}

impl<'a> Visitor<'a> for &mut MemberWriter<'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a compact message")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<(), A::Error> {
        self.text.push_str("{\"v\":");
        crate::json::write_u64(&mut self.text, PROTOCOL_VERSION);
        let code = items.next_element::<&RawValue>()?.filter(|code| envelope::is_integer(code));
        let code = code.ok_or_else(|| A::Error::custom("the code is missing"))?;
        let layout = envelope::unsigned(code).and_then(|code| LAYOUTS.get(usize::try_from(code).ok()?));
        self.push(field::TYPE, &format!("\"{}\"", layout.map_or(code.get(), |layout| layout.kind)));
        let Some(layout) = layout else {
            // The fields that follow an unknown code are unknown.
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        for &field in layout.fields {
            match items.next_element::<&RawValue>()? {
                Some(value) => self.member(field.as_str(), value)?,
                None => return Ok(()),
            }
        }
        while let Some(code) = items.next_element::<&RawValue>()? {
            let value = items.next_element::<&RawValue>()?;
            let value = value.ok_or_else(|| A::Error::custom("the last field has no value"))?;
            if !envelope::is_integer(code) {
                return Err(A::Error::custom("the code of a field is not an integer"));
            }
            let field = envelope::unsigned(code)
                .and_then(|code| EnvelopeField::CODED.get(usize::try_from(code).ok()?));
            if let Some(field) = field {
                self.member(field.as_str(), value)?;
            }
        }
        Ok(())
    }
}
