//! Keys of list items.

use std::fmt;

/// A borrowed key of a list item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyRef<'a> {
    /// An integer.
    Int(i64),
    /// A text.
    Text(&'a str),
}

/// The key of a list item. The number 1 and the text `"1"` are different keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An integer.
    Int(i64),
    /// A text.
    Text(Box<str>),
}

impl Key {
    /// Borrows the key.
    pub fn as_ref(&self) -> KeyRef<'_> {
        match self {
            Self::Int(number) => KeyRef::Int(*number),
            Self::Text(text) => KeyRef::Text(text),
        }
    }
}

impl<'a> KeyRef<'a> {
    /// Copies the key into an owned one.
    pub fn to_key(self) -> Key {
        match self {
            Self::Int(number) => Key::Int(number),
            Self::Text(text) => Key::Text(text.into()),
        }
    }

    /// Returns the key that a JSON value represents; `None` unless it is a string or an integer.
    pub fn of(value: &'a serde_json::Value) -> Option<Self> {
        use serde_json::Value;
        match value {
            Value::String(text) => Some(Self::Text(text)),
            Value::Number(number) => number.as_i64().map(Self::Int),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Returns the key of an item, which is its field `id`.
    pub fn of_item(item: &'a serde_json::Value) -> Option<Self> {
        Self::of(item.as_object()?.get(crate::words::patch::ID)?)
    }
}

impl fmt::Display for KeyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => fmt::Display::fmt(number, f),
            Self::Text(text) => fmt::Debug::fmt(text, f),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_ref(), f)
    }
}
