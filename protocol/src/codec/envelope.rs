//! Reads a message's outer object in one pass and keeps the raw text of each known field.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::id::Ref;
use crate::words::field;

/// The fields of an envelope. EnvelopeVisitor before a syntax error are kept, so that the refusal
/// can name the message.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    pub(super) v: Option<&'a RawValue>,
    pub(super) kind: Option<&'a RawValue>,
    pub(super) reference: Option<&'a RawValue>,
    pub(super) ack: Option<&'a RawValue>,
    pub(super) component_id: Option<&'a RawValue>,
    pub(super) topic: Option<&'a RawValue>,
    pub(super) rev: Option<&'a RawValue>,
    pub(super) epoch: Option<&'a RawValue>,
    pub(super) action: Option<&'a RawValue>,
    pub(super) set: Option<&'a RawValue>,
    pub(super) result: Option<&'a RawValue>,
    pub(super) by: Option<&'a RawValue>,
    pub(super) topics: Option<&'a RawValue>,
    pub(super) payload: Option<&'a RawValue>,
    /// A known field occurred twice. Such a message is refused, because its meaning is ambiguous.
    pub(super) repeated: bool,
}

impl<'a> Envelope<'a> {
    /// Reads the fields up to the first error and returns that error, if any. The text must be
    /// exactly one JSON object.
    pub(super) fn read(text: &'a str) -> (Self, Result<(), serde_json::Error>) {
        let mut envelope = Self::default();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let outcome = (&mut deserializer)
            .deserialize_map(EnvelopeVisitor(&mut envelope))
            .and_then(|()| deserializer.end());
        (envelope, outcome)
    }

    fn slot(&mut self, word: KnownField) -> &mut Option<&'a RawValue> {
        match word {
            KnownField::V => &mut self.v,
            KnownField::Kind => &mut self.kind,
            KnownField::Reference => &mut self.reference,
            KnownField::Ack => &mut self.ack,
            KnownField::ComponentId => &mut self.component_id,
            KnownField::Topic => &mut self.topic,
            KnownField::Rev => &mut self.rev,
            KnownField::Epoch => &mut self.epoch,
            KnownField::Action => &mut self.action,
            KnownField::Set => &mut self.set,
            KnownField::Result => &mut self.result,
            KnownField::By => &mut self.by,
            KnownField::Topics => &mut self.topics,
            KnownField::Payload => &mut self.payload,
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

#[derive(Clone, Copy)]
enum KnownField {
    V,
    Kind,
    Reference,
    Ack,
    ComponentId,
    Topic,
    Rev,
    Epoch,
    Action,
    Set,
    Result,
    By,
    Topics,
    Payload,
}

/// A field's name, read without a copy; `None` if it is unknown.
struct FieldName(Option<KnownField>);

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
        Ok(FieldName(match key {
            field::V => Some(KnownField::V),
            field::TYPE => Some(KnownField::Kind),
            field::REF => Some(KnownField::Reference),
            field::ACK => Some(KnownField::Ack),
            field::COMPONENT_ID => Some(KnownField::ComponentId),
            field::TOPIC => Some(KnownField::Topic),
            field::REV => Some(KnownField::Rev),
            field::EPOCH => Some(KnownField::Epoch),
            field::ACTION => Some(KnownField::Action),
            field::SET => Some(KnownField::Set),
            field::RESULT => Some(KnownField::Result),
            field::BY => Some(KnownField::By),
            field::TOPICS => Some(KnownField::Topics),
            field::PAYLOAD => Some(KnownField::Payload),
            _ => None,
        }))
    }
}

/// Returns the content of a JSON string; copies it only if it has escapes.
pub(super) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw.get()).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Parses an integer without sign, fraction or exponent.
pub(super) fn unsigned(raw: &RawValue) -> Option<u64> {
    raw.get().parse().ok().filter(|_| raw.get().bytes().all(|b| b.is_ascii_digit()))
}

/// Returns whether the text is an integer of any size.
pub(super) fn is_integer(raw: &RawValue) -> bool {
    let digits = raw.get().strip_prefix('-').unwrap_or(raw.get());
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Parses a message's number.
pub(super) fn reference(raw: &RawValue) -> Option<Ref> {
    Ref::new(unsigned(raw)?).ok()
}
