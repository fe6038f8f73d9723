//! The outer object of a message, read in one pass: the text of each field that is known, as it stands.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::id::Ref;
use crate::words::field;

/// The fields of an envelope. Those before a syntax error are there too, so that the refusal can name the message.
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
    /// A known field stood there twice: which one was meant is a guess that is not made.
    pub(super) repeated: bool,
}

impl<'a> Envelope<'a> {
    /// Reads what can be read, and says whether that was the whole text, one JSON object.
    pub(super) fn read(text: &'a str) -> (Self, Result<(), serde_json::Error>) {
        let mut envelope = Self::default();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let outcome =
            (&mut deserializer).deserialize_map(Fields(&mut envelope)).and_then(|()| deserializer.end());
        (envelope, outcome)
    }

    fn slot(&mut self, word: Word) -> &mut Option<&'a RawValue> {
        match word {
            Word::V => &mut self.v,
            Word::Kind => &mut self.kind,
            Word::Reference => &mut self.reference,
            Word::Ack => &mut self.ack,
            Word::ComponentId => &mut self.component_id,
            Word::Topic => &mut self.topic,
            Word::Rev => &mut self.rev,
            Word::Epoch => &mut self.epoch,
            Word::Action => &mut self.action,
            Word::Set => &mut self.set,
            Word::Result => &mut self.result,
            Word::By => &mut self.by,
            Word::Topics => &mut self.topics,
            Word::Payload => &mut self.payload,
        }
    }
}

struct Fields<'e, 'a>(&'e mut Envelope<'a>);

impl<'a> Visitor<'a> for Fields<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(known)) = map.next_key()? {
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
enum Word {
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

/// A key, read without a copy; `None` for one that is not known.
struct Key(Option<Word>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(Key(match key {
            field::V => Some(Word::V),
            field::TYPE => Some(Word::Kind),
            field::REF => Some(Word::Reference),
            field::ACK => Some(Word::Ack),
            field::COMPONENT_ID => Some(Word::ComponentId),
            field::TOPIC => Some(Word::Topic),
            field::REV => Some(Word::Rev),
            field::EPOCH => Some(Word::Epoch),
            field::ACTION => Some(Word::Action),
            field::SET => Some(Word::Set),
            field::RESULT => Some(Word::Result),
            field::BY => Some(Word::By),
            field::TOPICS => Some(Word::Topics),
            field::PAYLOAD => Some(Word::Payload),
            _ => None,
        }))
    }
}

/// The text of a JSON string, copied only where it has escapes.
pub(super) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw.get()).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// A whole number without sign, fraction or exponent.
pub(super) fn unsigned(raw: &RawValue) -> Option<u64> {
    raw.get().parse().ok().filter(|_| raw.get().bytes().all(|b| b.is_ascii_digit()))
}

/// A whole number of any size.
pub(super) fn is_integer(raw: &RawValue) -> bool {
    let digits = raw.get().strip_prefix('-').unwrap_or(raw.get());
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The number of a message.
pub(super) fn reference(raw: &RawValue) -> Option<Ref> {
    Ref::new(unsigned(raw)?).ok()
}
