//! The keys of list items.

use std::fmt::Display;
use std::sync::Arc;

use serde::ser::{self, Impossible, Serialize, Serializer};
use vivaz_protocol::KeyRef;

/// What tells an item of a [`List`](crate::List) from the others: an integer or a text, as its field `id` is
/// serialised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A whole number.
    Int(i64),
    /// A text.
    Text(Arc<str>),
}

/// An item of a [`List`](crate::List).
///
/// `#[derive(LiveState)]` implements it for a struct with a field that is serialised as `id`.
pub trait Keyed: Clone + Serialize {
    /// What the serialised field `id` holds.
    fn key(&self) -> Key;
}

impl Key {
    /// The key that a value is serialised as: a number, a text, or a newtype around one (an id type, a UUID).
    ///
    /// # Panics
    /// When the value is serialised as anything else, which is a mistake in the item's type.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        match value.serialize(KeyMaker) {
            Ok(key) => key,
            #[expect(
                clippy::panic,
                reason = "the type of the key is wrong, whatever its value; see the documentation"
            )]
            Err(NotAKey(what)) => panic!("the key of a list item is a text or a whole number, not {what}"),
        }
    }
}

impl<'a> From<&'a Key> for KeyRef<'a> {
    fn from(key: &'a Key) -> Self {
        match key {
            Key::Int(n) => Self::Int(*n),
            Key::Text(text) => Self::Text(text),
        }
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(n) => serializer.serialize_i64(*n),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

struct KeyMaker;

#[derive(Debug)]
struct NotAKey(String);

impl Display for NotAKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotAKey {}

impl ser::Error for NotAKey {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn not_a_key<T>(what: &str) -> Result<T, NotAKey> {
    Err(NotAKey(what.to_owned()))
}

macro_rules! whole {
    ($($method:ident $from:ty,)*) => {
        $(#[inline] fn $method(self, n: $from) -> Result<Key, NotAKey> { Ok(Key::Int(i64::from(n))) })*
    };
}

impl Serializer for KeyMaker {
    type Ok = Key;
    type Error = NotAKey;
    type SerializeSeq = Impossible<Key, NotAKey>;
    type SerializeTuple = Impossible<Key, NotAKey>;
    type SerializeTupleStruct = Impossible<Key, NotAKey>;
    type SerializeTupleVariant = Impossible<Key, NotAKey>;
    type SerializeMap = Impossible<Key, NotAKey>;
    type SerializeStruct = Impossible<Key, NotAKey>;
    type SerializeStructVariant = Impossible<Key, NotAKey>;

    whole! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32,
    }

    fn serialize_u64(self, n: u64) -> Result<Key, NotAKey> {
        i64::try_from(n).map(Key::Int).or_else(|_| not_a_key("a number that large; serialise it as a text"))
    }

    fn serialize_str(self, text: &str) -> Result<Key, NotAKey> {
        Ok(Key::Text(text.into()))
    }

    fn serialize_char(self, c: char) -> Result<Key, NotAKey> {
        self.serialize_str(c.encode_utf8(&mut [0; 4]))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Key, NotAKey> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Key, NotAKey> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Key, NotAKey> {
        value.serialize(self)
    }

    fn serialize_bool(self, _: bool) -> Result<Key, NotAKey> {
        not_a_key("a truth value")
    }

    fn serialize_f32(self, _: f32) -> Result<Key, NotAKey> {
        not_a_key("a fraction")
    }

    fn serialize_f64(self, _: f64) -> Result<Key, NotAKey> {
        not_a_key("a fraction")
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Key, NotAKey> {
        not_a_key("bytes")
    }

    fn serialize_none(self) -> Result<Key, NotAKey> {
        not_a_key("nothing")
    }

    fn serialize_unit(self) -> Result<Key, NotAKey> {
        not_a_key("nothing")
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Key, NotAKey> {
        not_a_key(name)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Key, NotAKey> {
        not_a_key(name)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, NotAKey> {
        not_a_key("a list")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, NotAKey> {
        not_a_key("a tuple")
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, NotAKey> {
        not_a_key(name)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NotAKey> {
        not_a_key(name)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, NotAKey> {
        not_a_key("a map")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Self::SerializeStruct, NotAKey> {
        not_a_key(name)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NotAKey> {
        not_a_key(name)
    }

    fn is_human_readable(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_the_id_is_serialised_as() {
        #[derive(serde::Serialize)]
        struct Id(u32);
        assert_eq!(Key::of(&Id(7)), Key::Int(7));
        assert_eq!(Key::of(&7u8), Key::of(&7i64));
        assert_eq!(Key::of("a"), Key::of(&String::from("a")));
        assert_eq!(Key::of(&Key::Text("a".into())), Key::of("a"));
    }

    #[test]
    #[should_panic(expected = "not a fraction")]
    fn a_fraction_is_no_key() {
        Key::of(&1.5);
    }
}
