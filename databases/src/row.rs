//! Rows, read by serde.

use std::fmt;
use std::sync::Arc;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::Value;

/// A row that a statement returned.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The names of the columns, shared by all rows of the statement.
    pub columns: Arc<[String]>,
    /// A value for each column.
    pub values: Vec<Value>,
}

/// A row cannot be read as the type that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError(String);

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RowError {}

impl de::Error for RowError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl Row {
    /// Reads the row as an `R`: a struct whose fields are named as the columns, a tuple in the
    /// order of the columns, or a single value for a single column.
    ///
    /// # Errors
    /// Returns an error if a column is missing or has a value that `R` cannot hold.
    pub fn read<R: DeserializeOwned>(self) -> Result<R, RowError> {
        R::deserialize(RowDeserializer(self))
    }
}

struct RowDeserializer(Row);

impl RowDeserializer {
    fn single(self) -> Result<ValueDeserializer, RowError> {
        let count = self.0.values.len();
        let mut values = self.0.values.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(ValueDeserializer(value)),
            _ => Err(RowError(format!("a single value is wanted, the row has {count} columns"))),
        }
    }
}

/// Reads a row of one column as its value.
macro_rules! as_single_value {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
            self.single()?.$method(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for RowDeserializer {
    type Error = RowError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        let Row { columns, values } = self.0;
        visitor.visit_map(Columns { columns, next: 0, values: values.into_iter() })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RowError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_seq(Values(self.0.values.into_iter()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, RowError> {
        let columns = self.0.values.len();
        if columns != length {
            return Err(RowError(format!("{length} columns are wanted, the row has {columns}")));
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RowError> {
        self.single()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_unit()
    }

    as_single_value! {
        deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf
        deserialize_option deserialize_identifier
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_unit()
    }
}

/// The columns of a row as a map.
struct Columns {
    columns: Arc<[String]>,
    /// The index of the column whose name is read next.
    next: usize,
    values: std::vec::IntoIter<Value>,
}

impl<'de> MapAccess<'de> for Columns {
    type Error = RowError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, RowError> {
        let Some(column) = self.columns.get(self.next) else { return Ok(None) };
        self.next += 1;
        seed.deserialize(column.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, RowError> {
        let value = self.values.next().unwrap_or(Value::Null);
        let read = seed.deserialize(ValueDeserializer(value));
        let column = self.next.checked_sub(1).and_then(|column| self.columns.get(column));
        read.map_err(|error| RowError(format!("the column `{}`: {error}", column.map_or("", String::as_str))))
    }
}

/// The values of a row as a sequence.
struct Values(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Values {
    type Error = RowError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, RowError> {
        self.0.next().map(|value| seed.deserialize(ValueDeserializer(value))).transpose()
    }
}

struct ValueDeserializer(Value);

impl<'de> Deserializer<'de> for ValueDeserializer {
    type Error = RowError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Integer(number) => visitor.visit_i64(number),
            Value::Real(number) => visitor.visit_f64(number),
            Value::Text(text) => visitor.visit_string(text),
            Value::Blob(bytes) => visitor.visit_byte_buf(bytes),
        }
    }

    /// Reads 0 and 1 as booleans, because SQLite has none.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match self.0 {
            Value::Integer(0) => visitor.visit_bool(false),
            Value::Integer(1) => visitor.visit_bool(true),
            Value::Null | Value::Integer(_) | Value::Real(_) | Value::Text(_) | Value::Blob(_) => {
                Err(RowError(format!("a boolean is wanted, found {}", self.0.kind())))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            Value::Integer(_) | Value::Real(_) | Value::Text(_) | Value::Blob(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_newtype_struct(self)
    }

    /// Reads a text as the name of a variant without data.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RowError> {
        match &self.0 {
            Value::Text(text) => {
                let variant: StrDeserializer<'_, RowError> = text.as_str().into_deserializer();
                variant.deserialize_enum(name, variants, visitor)
            }
            other @ (Value::Null | Value::Integer(_) | Value::Real(_) | Value::Blob(_)) => {
                Err(RowError(format!("a text is wanted for `{name}`, found {}", other.kind())))
            }
        }
    }

    /// Reads a blob as a sequence of bytes.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match self.0 {
            Value::Blob(bytes) => {
                let bytes: de::value::SeqDeserializer<_, RowError> = bytes.into_deserializer();
                bytes.deserialize_seq(visitor)
            }
            other @ (Value::Null | Value::Integer(_) | Value::Real(_) | Value::Text(_)) => {
                Err(RowError(format!("a blob is wanted, found {}", other.kind())))
            }
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Seat {
        id: String,
        price: f64,
        taken: bool,
        user: Option<Name>,
        kind: Kind,
        photo: Vec<u8>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Name(String);

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Box,
        Stalls,
    }

    fn row(columns: &[(&str, Value)]) -> Row {
        Row {
            columns: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
            values: columns.iter().map(|(_, value)| value.clone()).collect(),
        }
    }

    fn seat(taken: Value) -> Row {
        row(&[
            ("kind", "stalls".into()),
            ("id", "A1".into()),
            ("taken", taken),
            ("price", 12.into()),
            ("user", Value::Null),
            ("photo", Value::Blob(vec![1, 2])),
            ("more", "ignored".into()),
        ])
    }

    #[test]
    fn a_struct_is_read_by_the_names_of_columns() {
        let expected = Seat {
            id: "A1".into(),
            price: 12.0,
            taken: true,
            user: None,
            kind: Kind::Stalls,
            photo: vec![1, 2],
        };
        assert_eq!(seat(true.into()).read::<Seat>().unwrap(), expected);
        let error = seat(2.into()).read::<Seat>().unwrap_err();
        assert_eq!(error.to_string(), "the column `taken`: a boolean is wanted, found an integer");
        let error = row(&[("id", "A1".into())]).read::<Seat>().unwrap_err();
        assert_eq!(error.to_string(), "missing field `price`");
    }

    #[test]
    fn tuples_and_single_values_are_read_by_position() {
        let pair = row(&[("a", 7.into()), ("b", Some("x").into())]);
        assert_eq!(pair.clone().read::<(i64, Option<String>)>().unwrap(), (7, Some("x".into())));
        assert_eq!(
            pair.clone().read::<(i64,)>().unwrap_err().to_string(),
            "1 columns are wanted, the row has 2"
        );
        assert_eq!(
            pair.read::<i64>().unwrap_err().to_string(),
            "a single value is wanted, the row has 2 columns"
        );
        let single = |value: Value| row(&[("n", value)]);
        assert_eq!(single(7.into()).read::<u32>().unwrap(), 7);
        assert_eq!(single(Value::Null).read::<Option<i64>>().unwrap(), None);
        assert_eq!(single("box".into()).read::<Kind>().unwrap(), Kind::Box);
        assert_eq!(single("Ada".into()).read::<Name>().unwrap(), Name("Ada".into()));
        assert!(single((-1).into()).read::<u32>().is_err());
        assert!(single(Value::Null).read::<i64>().is_err());
        assert!(single(1.5.into()).read::<i64>().is_err());
    }
}
