//! The keys of list items.

use std::fmt::{self, Display};
use std::sync::Arc;

use serde::ser::{self, Impossible, Serialize, Serializer};
use vivaz_protocol::KeyRef;

/// Identifies an item of a [`List`](crate::List): an integer or a text, as its field `id` is
/// serialised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A whole number.
    Int(i64),
    /// A text.
    Text(Arc<str>),
    /// An invalid key, with the reason: its type is serialised as neither, or the number has more
    /// than 64 bits. A list accepts the item; the handler that inserted it is refused with an error
    /// that names the field. Greater than every other key.
    Invalid(Arc<str>),
}

/// An item of a [`List`](crate::List).
///
/// `#[derive(LiveState)]` implements it for a struct with a field that is serialised as `id`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an item of a `List`: it has no key",
    label = "its items have no field that is serialised as `id`",
    note = "add a field `id` (a number or a text) to `{Self}`, or mark another field with #[live(key)], and derive `LiveState`"
)]
pub trait Keyed: Clone + Serialize {
    /// Returns the key, which the serialised field `id` contains.
    fn key(&self) -> Key;
}

impl Key {
    /// Returns the key as which a value is serialised: a number, a text, or a newtype around one
    /// (an id type, a UUID).
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        value.serialize(KeyMaker).unwrap_or_else(|NotAKey(what)| Self::Invalid(what.into()))
    }
}

impl From<&vivaz_protocol::Key> for Key {
    fn from(key: &vivaz_protocol::Key) -> Self {
        match key {
            vivaz_protocol::Key::Int(n) => Self::Int(*n),
            vivaz_protocol::Key::Text(text) => Self::Text((&**text).into()),
        }
    }
}

impl<'a> From<&'a Key> for KeyRef<'a> {
    fn from(key: &'a Key) -> Self {
        match key {
            Key::Int(n) => Self::Int(*n),
            // An invalid key is refused before it is sent.
            Key::Text(text) | Key::Invalid(text) => Self::Text(text),
        }
    }
}

impl fmt::Display for Key {
    /// Writes the number or the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => fmt::Display::fmt(n, f),
            Self::Text(text) | Self::Invalid(text) => f.write_str(text),
        }
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(n) => serializer.serialize_i64(*n),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Invalid(what) => {
                Err(ser::Error::custom(format_args!("the key of a list item cannot be {what}")))
            }
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

fn too_large<T>(number: &dyn Display) -> Result<T, NotAKey> {
    Err(NotAKey(format!("{number}, which has more than 64 bits with its sign; serialise it as a text")))
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
        i64::try_from(n).map(Key::Int).or_else(|_| too_large(&n))
    }

    fn serialize_i128(self, n: i128) -> Result<Key, NotAKey> {
        i64::try_from(n).map(Key::Int).or_else(|_| too_large(&n))
    }

    fn serialize_u128(self, n: u128) -> Result<Key, NotAKey> {
        i64::try_from(n).map(Key::Int).or_else(|_| too_large(&n))
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_serialised_id() {
        #[derive(serde::Serialize)]
        struct Id(u32);
        assert_eq!(Key::of(&Id(7)), Key::Int(7));
        assert_eq!(Key::of(&7u8), Key::of(&7i64));
        assert_eq!(Key::of("a"), Key::of(&String::from("a")));
        assert_eq!(Key::of(&Key::Text("a".into())), Key::of("a"));
        assert_eq!(Key::of(&std::net::Ipv4Addr::LOCALHOST), Key::of("127.0.0.1"));
    }

    #[test]
    fn an_invalid_key_is_an_error_without_a_panic() {
        assert_eq!(Key::of(&i64::MIN), Key::Int(i64::MIN));
        assert_eq!(Key::of(&(i64::MAX as u64)), Key::Int(i64::MAX));
        assert_eq!(Key::of(&7_u128), Key::Int(7));
        assert_eq!(Key::of(&i128::from(i64::MIN)), Key::Int(i64::MIN));
        #[derive(serde::Serialize)]
        struct Unit;
        #[derive(serde::Serialize)]
        struct Fields {
            a: u8,
        }
        #[derive(serde::Serialize)]
        enum Variants {
            New(u8),
            Tuple(u8, u8),
            Struct { a: u8 },
        }
        let invalid = |key: Key, what: &str| match key {
            Key::Invalid(said) => assert!(said.contains(what), "{said}"),
            other @ (Key::Int(_) | Key::Text(_)) => panic!("{other:?} is no key: {what}"),
        };
        invalid(Key::of(&(i64::MAX as u64 + 1)), "9223372036854775808");
        invalid(Key::of(&u64::MAX), "18446744073709551615");
        invalid(Key::of(&(i128::from(i64::MIN) - 1)), "-9223372036854775809");
        invalid(Key::of(&u128::MAX), "340282366920938463463374607431768211455");
        invalid(Key::of(&1.5), "a fraction");
        invalid(Key::of(&1.5_f32), "a fraction");
        invalid(Key::of(&true), "a truth value");
        invalid(Key::of(&()), "nothing");
        invalid(Key::of(&None::<u8>), "nothing");
        invalid(Key::of(&Unit), "Unit");
        invalid(Key::of(&Fields { a: 1 }), "Fields");
        invalid(Key::of(&Variants::New(1)), "Variants");
        invalid(Key::of(&Variants::Tuple(1, 2)), "Variants");
        invalid(Key::of(&Variants::Struct { a: 1 }), "Variants");
        invalid(Key::of(&[1]), "a tuple");
        invalid(Key::of(&vec![1]), "a list");
        invalid(Key::of(&std::collections::BTreeMap::from([(1, 2)])), "a map");
    }
}
