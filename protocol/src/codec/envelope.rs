//! Reads a message's outer object in one pass and keeps the raw text of each known field.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::field::EnvelopeField;
use crate::id::Ref;

/// The fields of an envelope. Those before a syntax error are kept, so that the refusal can name
/// the message.
#[derive(Default)]
pub(crate) struct Envelope<'a> {
    pub(crate) v: Option<&'a RawValue>,
    pub(crate) kind: Option<&'a RawValue>,
    pub(crate) reference: Option<&'a RawValue>,
    pub(crate) ack: Option<&'a RawValue>,
    pub(crate) component_id: Option<&'a RawValue>,
    pub(crate) topic: Option<&'a RawValue>,
    pub(crate) rev: Option<&'a RawValue>,
    pub(crate) epoch: Option<&'a RawValue>,
    pub(crate) action: Option<&'a RawValue>,
    pub(crate) set: Option<&'a RawValue>,
    pub(crate) result: Option<&'a RawValue>,
    pub(crate) by: Option<&'a RawValue>,
    pub(crate) topics: Option<&'a RawValue>,
    pub(crate) payload: Option<&'a RawValue>,
    /// A known field occurred twice. Such a message is refused, because its meaning is ambiguous.
    pub(crate) repeated: bool,
}

impl<'a> Envelope<'a> {
    /// Reads the fields up to the first error and returns that error, if any. The text must be
    /// exactly one JSON object.
    pub(crate) fn read(text: &'a str) -> (Self, Result<(), serde_json::Error>) {
        let mut envelope = Self::default();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let outcome = (&mut deserializer)
            .deserialize_map(EnvelopeVisitor(&mut envelope))
            .and_then(|()| deserializer.end());
        (envelope, outcome)
    }

    /// Returns the text of a field, if the message has it.
    pub(crate) fn get(&mut self, field: EnvelopeField) -> Option<&'a RawValue> {
        *self.slot(field)
    }

    fn slot(&mut self, field: EnvelopeField) -> &mut Option<&'a RawValue> {
        match field {
            EnvelopeField::V => &mut self.v,
            EnvelopeField::Type => &mut self.kind,
            EnvelopeField::Reference => &mut self.reference,
            EnvelopeField::Ack => &mut self.ack,
            EnvelopeField::ComponentId => &mut self.component_id,
            EnvelopeField::Topic => &mut self.topic,
            EnvelopeField::Rev => &mut self.rev,
            EnvelopeField::Epoch => &mut self.epoch,
            EnvelopeField::Action => &mut self.action,
            EnvelopeField::Set => &mut self.set,
            EnvelopeField::Result => &mut self.result,
            EnvelopeField::By => &mut self.by,
            EnvelopeField::Topics => &mut self.topics,
            EnvelopeField::Payload => &mut self.payload,
        }
    }
}

struct EnvelopeVisitor<'e, 'a>(&'e mut Envelope<'a>);

impl<'a> Visitor<'a> for EnvelopeVisitor<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(FieldName(known)) = map.next_key()? {
            let Some(word) = known else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value::<&'a RawValue>()?;
            let slot = self.0.slot(word);
            if slot.is_some() {
                self.0.repeated = true;
            } else {
                *slot = Some(value);
            }
        }
        Ok(())
    }
}

/// A field's name, read without a copy; `None` if it is unknown.
struct FieldName(Option<EnvelopeField>);

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(FieldNameVisitor)
    }
}

struct FieldNameVisitor;

impl Visitor<'_> for FieldNameVisitor {
    type Value = FieldName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<FieldName, E> {
        Ok(FieldName(EnvelopeField::parse(key)))
    }
}

/// Returns the content of a JSON string; copies it only if it has escapes.
pub(crate) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw.get()).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Parses an integer without sign, fraction or exponent.
pub(crate) fn unsigned(raw: &RawValue) -> Option<u64> {
    raw.get().parse().ok().filter(|_| raw.get().bytes().all(|b| b.is_ascii_digit()))
}

/// Returns whether the text is an integer of any size.
pub(crate) fn is_integer(raw: &RawValue) -> bool {
    let digits = raw.get().strip_prefix('-').unwrap_or(raw.get());
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Parses a message's number.
pub(crate) fn reference(raw: &RawValue) -> Option<Ref> {
    Ref::new(unsigned(raw)?).ok()
}
