//! Public state as templates read it, without the detour over JSON text.

mod items;
mod serialize;

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use vivaz_protocol::json::writable;
use vivaz_template::{Data, Kind, Name};

use crate::error::Result;
pub(crate) use items::ItemSource;
use items::LazyList;
use serialize::ShownSerializer;

/// A value as templates read it. It equals the value that a page reads from the JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum ShownValue {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer from 2^63 to 2^64 - 1.
    Big(u64),
    /// Any other number.
    Num(f64),
    /// Text.
    Text(Box<str>),
    /// An array.
    List(Box<[ShownValue]>),
    /// An array whose items are converted when they are read.
    Lazy(Arc<LazyList>),
    /// An object with the fields of a struct, in their order.
    Struct(Box<[(&'static str, ShownValue)]>),
    /// Any other object, in the order of its keys, which are unique.
    Map(Box<[(Box<str>, ShownValue)]>),
}

impl ShownValue {
    /// Converts a value.
    ///
    /// # Errors
    /// Returns an error if the value has no JSON form.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Self> {
        value.serialize(writable(ShownSerializer))
    }

    /// Creates an array whose items are converted when they are read.
    pub(crate) fn lazy(items: impl ItemSource + 'static) -> Self {
        Self::Lazy(Arc::new(LazyList::new(items)))
    }

    /// Checks whether all items of the members of an object that were read could be converted.
    ///
    /// # Errors
    /// Returns the error of one that has no JSON form.
    pub fn check_items(&self) -> Result {
        let Self::Map(members) = self else { return Ok(()) };
        for (_, member) in members {
            if let Self::Lazy(list) = member
                && let Some(error) = list.take_failure()
            {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Converts the items of a list, so that [`check_items`](Self::check_items) sees their errors.
    pub fn convert_items(&self) {
        if let Self::Lazy(list) = self {
            list.whole();
        }
    }

    /// Creates an object. Of several members with the same name, the last one is kept.
    pub(crate) fn map(mut members: Vec<(Box<str>, Self)>) -> Self {
        // The last member with a name becomes the first one. The sort is stable.
        members.reverse();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        members.dedup_by(|(one, _), (other, _)| one == other);
        Self::Map(members.into())
    }
}

impl From<Value> for ShownValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(b),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(int), _) => Self::Int(int),
                (None, Some(big)) => Self::Big(big),
                (None, None) => number.as_f64().map_or(Self::Null, Self::Num),
            },
            Value::String(text) => Self::Text(text.into()),
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(members) => members.into(),
        }
    }
}

impl From<Map<String, Value>> for ShownValue {
    fn from(members: Map<String, Value>) -> Self {
        Self::map(members.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl From<ShownValue> for Value {
    fn from(value: ShownValue) -> Self {
        match value {
            ShownValue::Null => Self::Null,
            ShownValue::Bool(b) => b.into(),
            ShownValue::Int(int) => int.into(),
            ShownValue::Big(big) => big.into(),
            ShownValue::Num(number) => number.into(),
            ShownValue::Text(text) => Self::String(text.into()),
            ShownValue::List(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            ShownValue::Lazy(list) => Self::Array(list.whole().iter().cloned().map(Self::from).collect()),
            ShownValue::Struct(fields) => Self::Object(
                fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
            ),
            ShownValue::Map(members) => {
                Self::Object(members.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
            }
        }
    }
}

impl Data for ShownValue {
    fn kind(&self) -> Kind<'_, Self> {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(b) => Kind::Bool(*b),
            Self::Int(int) => Kind::Int(*int),
            Self::Big(big) => Kind::Big(*big),
            Self::Num(number) => Kind::Num(*number),
            Self::Text(text) => Kind::Str(text),
            Self::List(items) => Kind::List(items),
            Self::Lazy(list) => Kind::List(list.whole()),
            Self::Struct(_) | Self::Map(_) => Kind::Map(self),
        }
    }

    fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Struct(fields) => fields.iter().find(|(name, _)| *name == key).map(|(_, value)| value),
            Self::Map(members) => {
                let at = members.binary_search_by(|(name, _)| (**name).cmp(key)).ok()?;
                members.get(at).map(|(_, value)| value)
            }
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Big(_)
            | Self::Num(_)
            | Self::Text(_)
            | Self::List(_)
            | Self::Lazy(_) => None,
        }
    }

    fn entries(&self) -> usize {
        match self {
            Self::Struct(fields) => fields.len(),
            Self::Map(members) => members.len(),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Big(_)
            | Self::Num(_)
            | Self::Text(_)
            | Self::List(_)
            | Self::Lazy(_) => 0,
        }
    }

    fn each_item(&self, visit: &mut dyn FnMut(&Self)) {
        match self {
            Self::List(items) => items.iter().for_each(visit),
            Self::Lazy(list) => list.each(visit),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Big(_)
            | Self::Num(_)
            | Self::Text(_)
            | Self::Struct(_)
            | Self::Map(_) => {}
        }
    }

    fn null() -> Self {
        Self::Null
    }

    fn from_bool(b: bool) -> Self {
        Self::Bool(b)
    }

    fn from_int(int: i64) -> Self {
        Self::Int(int)
    }

    fn from_num(number: f64) -> Self {
        if number.is_finite() { Self::Num(number) } else { Self::Null }
    }

    fn from_text(text: String) -> Self {
        Self::Text(text.into())
    }

    fn from_fields(fields: Vec<(Name, Self)>) -> Self {
        Self::map(fields.into_iter().map(|(name, value)| (name.text, value)).collect())
    }
}

#[cfg(test)]
mod tests;
