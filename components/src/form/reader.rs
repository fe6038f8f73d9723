//! The deserializer over a tree.

use std::cell::RefCell;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{Deserializer, Error as _, Unexpected, Visitor};

use super::access::{FormFields, FormItems, FormVariant};
use super::error::{ReadError, ReadErrorKind};
use super::node::{AnyReading, FormNode, FormNodeKind, Object, PROBES};
use super::{Unread, text};

/// The name by which `serde_json::value::RawValue` asks for its JSON.
const RAW: &str = "$serde_json::private::RawValue";

type ReadResult<T> = Result<T, ReadError>;

/// Reads a node.
#[derive(Clone, Copy)]
pub(super) struct FormReader<'de, 'u> {
    node: &'de FormNode<'de>,
    /// Whether a text is already read as the item of a list; otherwise lists of lists would not
    /// end.
    is_item: bool,
    unread: &'u RefCell<Vec<Unread>>,
}

impl<'de, 'u> FormReader<'de, 'u> {
    pub(super) fn new(node: &'de FormNode<'de>, unread: &'u RefCell<Vec<Unread>>) -> Self {
        Self { node, is_item: false, unread }
    }

    /// Reads another node.
    pub(super) fn of(self, node: &'de FormNode<'de>) -> Self {
        Self { node, ..self }
    }

    fn here<T>(self, read: ReadResult<T>) -> ReadResult<T> {
        read.map_err(|error| error.at(self.node.id))
    }

    /// Returns the value of a text. If it has none, records that, and returns the placeholder so
    /// that decoding continues.
    fn value_of<T>(self, read: Result<T, String>, answering: T) -> T {
        read.unwrap_or_else(|message| {
            self.unread.borrow_mut().push(Unread { node: self.node.id, message });
            answering
        })
    }

    fn missing<T>(self, answering: T) -> T {
        self.value_of(Err(text::MISSING.to_owned()), answering)
    }

    /// Refuses a number that is not whole, for a visitor that may accept other numbers.
    fn other_number<V: Visitor<'de>>(self, visitor: V, message: String) -> ReadResult<V::Value> {
        let mut json = serde_json::Deserializer::from_str(self.node.json);
        self.here(json.deserialize_any(visitor).map_err(|_| ReadError::other(message)))
    }

    /// Refuses a number that would be rounded.
    fn inexact<V: Visitor<'de>>(self, _: V, message: String) -> ReadResult<V::Value> {
        self.here(Err(ReadError::other(message)))
    }

    /// Returns the error of a value that the visitor does not expect.
    fn unexpected<V: Visitor<'de>>(self, visitor: &V) -> ReadError {
        let unexpected = match &self.node.kind {
            FormNodeKind::Null | FormNodeKind::Missing => Unexpected::Unit,
            FormNodeKind::Bool(b) => Unexpected::Bool(*b),
            FormNodeKind::Number => Unexpected::Other("number"),
            FormNodeKind::Text(text) => Unexpected::Str(text.get()),
            FormNodeKind::List(_) => Unexpected::Seq,
            FormNodeKind::Object(_) => Unexpected::Map,
        };
        ReadError::invalid_type(unexpected, visitor).at(self.node.id)
    }

    fn items<V: Visitor<'de>>(self, nodes: &'de [FormNode<'de>], visitor: V) -> ReadResult<V::Value> {
        let mut items = FormItems { of: self, rest: nodes };
        let value = self.here(visitor.visit_seq(&mut items))?;
        if items.rest.is_empty() {
            return Ok(value);
        }
        let taken = nodes.len() - items.rest.len();
        self.here(Err(ReadError::other(format!("has {} items, and {taken} are wanted", nodes.len()))))
    }

    fn entries<V: Visitor<'de>>(self, object: &'de Object<'de>, visitor: V) -> ReadResult<V::Value> {
        let mut fields = FormFields { of: self, rest: &object.entries, value: None };
        self.here(visitor.visit_map(&mut fields))
    }

    fn deserialize_probed<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        self.node.is_asked.set(true);
        let node = self.node;
        let is_probed = node.reading == AnyReading::None && (node.is_missing() || node.is_empty_text());
        self.here(match (node.reading, &node.kind) {
            _ if is_probed => {
                let probe =
                    u32::try_from(node.id).ok().and_then(|id| char::from_u32(PROBES.checked_add(id)?));
                match probe {
                    Some(probe) => visitor.visit_char(probe),
                    None => visitor.visit_borrowed_str(node.name()),
                }
            }
            (AnyReading::None | AnyReading::Text, FormNodeKind::Text(text)) => {
                visitor.visit_borrowed_str(text.get())
            }
            (AnyReading::None | AnyReading::Text, _) => Err(self.unexpected(&visitor)),
            (AnyReading::Nothing, _) => visitor.visit_none(),
            (AnyReading::Unsigned(n), _) => visitor.visit_u64(n),
            (AnyReading::Signed(n), _) => visitor.visit_i64(n),
            (AnyReading::Single(n), _) => visitor.visit_f32(n),
            (AnyReading::Double(n), _) => visitor.visit_f64(n),
        })
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $text:ident $json:ident $other:ident $ty:ident;)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
            match &self.node.kind {
                FormNodeKind::Text(text) => {
                    let number = self.value_of(text::$text::<$ty>(text.get()), 1 as $ty);
                    self.here(visitor.$visit(number))
                }
                FormNodeKind::Number => match text::$json::<$ty>(self.node.json) {
                    Ok(number) => self.here(visitor.$visit(number)),
                    Err(message) => self.$other(visitor, message),
                },
                FormNodeKind::Missing => self.here(visitor.$visit(self.missing(1 as $ty))),
                FormNodeKind::Null | FormNodeKind::Bool(_) | FormNodeKind::List(_) | FormNodeKind::Object(_) => Err(self.unexpected(&visitor)),
            }
        }
    )* };
}

macro_rules! texts {
    ($($method:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
            match &self.node.kind {
                FormNodeKind::Text(text) => self.here(visitor.visit_borrowed_str(text.get())),
                FormNodeKind::Missing => self.here(visitor.visit_borrowed_str(self.missing(""))),
                FormNodeKind::Null | FormNodeKind::Bool(_) | FormNodeKind::Number | FormNodeKind::List(_) | FormNodeKind::Object(_) => {
                    Err(self.unexpected(&visitor))
                }
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for FormReader<'de, '_> {
    type Error = ReadError;

    numbers! {
        deserialize_i8 visit_i8 int int other_number i8;
        deserialize_i16 visit_i16 int int other_number i16;
        deserialize_i32 visit_i32 int int other_number i32;
        deserialize_i64 visit_i64 int int other_number i64;
        deserialize_i128 visit_i128 int int other_number i128;
        deserialize_u8 visit_u8 int int other_number u8;
        deserialize_u16 visit_u16 int int other_number u16;
        deserialize_u32 visit_u32 int int other_number u32;
        deserialize_u64 visit_u64 int int other_number u64;
        deserialize_u128 visit_u128 int int other_number u128;
        deserialize_f32 visit_f32 float float_in_json inexact f32;
        deserialize_f64 visit_f64 float float_in_json inexact f64;
    }

    texts! { deserialize_char deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        match &self.node.kind {
            FormNodeKind::Null => self.here(visitor.visit_unit()),
            FormNodeKind::Bool(b) => self.here(visitor.visit_bool(*b)),
            FormNodeKind::Number => {
                let mut json = serde_json::Deserializer::from_str(self.node.json);
                let read = json.deserialize_any(visitor);
                self.here(read.map_err(|error| ReadError::other(crate::error::without_place(&error))))
            }
            FormNodeKind::Text(_) | FormNodeKind::Missing => self.deserialize_probed(visitor),
            FormNodeKind::List(items) => self.items(items, visitor),
            FormNodeKind::Object(object) => self.entries(object, visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        let value = match &self.node.kind {
            FormNodeKind::Bool(b) => *b,
            FormNodeKind::Null | FormNodeKind::Missing => false,
            FormNodeKind::Text(text) => self.value_of(text::bool(text.get()), false),
            FormNodeKind::Number | FormNodeKind::List(_) | FormNodeKind::Object(_) => {
                return Err(self.unexpected(&visitor));
            }
        };
        self.here(visitor.visit_bool(value))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        match &self.node.kind {
            FormNodeKind::List(items) => self.items(items, visitor),
            FormNodeKind::Null
            | FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::Text(_)
            | FormNodeKind::Object(_)
            | FormNodeKind::Missing => self.deserialize_str(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        if self.node.is_empty_text() || matches!(self.node.kind, FormNodeKind::Null | FormNodeKind::Missing) {
            return self.here(visitor.visit_none());
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        match &self.node.kind {
            FormNodeKind::Null => self.here(visitor.visit_unit()),
            FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::Text(_)
            | FormNodeKind::List(_)
            | FormNodeKind::Object(_)
            | FormNodeKind::Missing => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> ReadResult<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> ReadResult<V::Value> {
        if name != RAW {
            return visitor.visit_newtype_struct(self);
        }
        let mut json = serde_json::Deserializer::from_str(self.node.json);
        let read = json.deserialize_newtype_struct(name, visitor);
        self.here(read.map_err(|error| ReadError::other(crate::error::without_place(&error))))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        match &self.node.kind {
            FormNodeKind::List(items) => self.items(items, visitor),
            FormNodeKind::Text(_) if !self.is_item => {
                Self { is_item: true, ..self }.items(std::slice::from_ref(self.node), visitor)
            }
            FormNodeKind::Null | FormNodeKind::Missing => self.items(&[], visitor),
            FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::Text(_)
            | FormNodeKind::Object(_) => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> ReadResult<V::Value> {
        match &self.node.kind {
            FormNodeKind::List(items) => self.items(items, visitor),
            FormNodeKind::Null
            | FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::Text(_)
            | FormNodeKind::Object(_)
            | FormNodeKind::Missing => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> ReadResult<V::Value> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        match &self.node.kind {
            FormNodeKind::Object(object) => self.entries(object, visitor),
            FormNodeKind::Null
            | FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::Text(_)
            | FormNodeKind::List(_)
            | FormNodeKind::Missing => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> ReadResult<V::Value> {
        match &self.node.kind {
            FormNodeKind::Object(object) if object.is_to_regroup(fields) => {
                self.here(Err(ReadErrorKind::Regroup(fields).into()))
            }
            FormNodeKind::Object(object) => self.entries(object, visitor),
            FormNodeKind::List(items) => self.items(items, visitor),
            FormNodeKind::Missing => {
                let mut none = FormFields { of: self, rest: &[], value: None };
                self.here(visitor.visit_map(&mut none))
            }
            FormNodeKind::Null | FormNodeKind::Bool(_) | FormNodeKind::Number | FormNodeKind::Text(_) => {
                Err(self.unexpected(&visitor))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> ReadResult<V::Value> {
        self.here(match &self.node.kind {
            FormNodeKind::Text(text) => visitor.visit_enum(BorrowedStrDeserializer::new(text.get())),
            FormNodeKind::Object(object) => match object.entries.as_slice() {
                [(name, content)] => visitor.visit_enum(FormVariant { of: self, name, content }),
                _ => Err(ReadError::other("must have one variant")),
            },
            FormNodeKind::Null
            | FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::List(_)
            | FormNodeKind::Missing => Err(self.unexpected(&visitor)),
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        visitor.visit_unit()
    }
}
