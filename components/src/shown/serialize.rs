//! Serialises values into [`ShownValue`]s, with the rules of `serde_json`.

use serde::Serialize;
use serde::ser::{self, Serializer};
use serde_json::{Error, Map, Value};

use super::ShownValue;

/// The names with which `serde_json` serialises its own types begin with this.
const PRIVATE: &str = "$serde_json::private::";

/// Serialises a value. It accepts numbers that are not finite, and any depth.
pub(super) struct ShownSerializer;

impl Serializer for ShownSerializer {
    type Ok = ShownValue;
    type Error = Error;
    type SerializeSeq = ListBuilder;
    type SerializeTuple = ListBuilder;
    type SerializeTupleStruct = ListBuilder;
    type SerializeTupleVariant = ListBuilder;
    type SerializeMap = MapBuilder;
    type SerializeStruct = StructBuilder;
    type SerializeStructVariant = VariantBuilder;

    #[inline]
    fn serialize_bool(self, b: bool) -> Result<ShownValue, Error> {
        Ok(ShownValue::Bool(b))
    }

    #[inline]
    fn serialize_i8(self, n: i8) -> Result<ShownValue, Error> {
        Ok(ShownValue::Int(n.into()))
    }

    #[inline]
    fn serialize_i16(self, n: i16) -> Result<ShownValue, Error> {
        Ok(ShownValue::Int(n.into()))
    }

    #[inline]
    fn serialize_i32(self, n: i32) -> Result<ShownValue, Error> {
        Ok(ShownValue::Int(n.into()))
    }

    #[inline]
    fn serialize_i64(self, n: i64) -> Result<ShownValue, Error> {
        Ok(ShownValue::Int(n))
    }

    fn serialize_i128(self, n: i128) -> Result<ShownValue, Error> {
        Ok(match (i64::try_from(n), u64::try_from(n)) {
            (Ok(int), _) => ShownValue::Int(int),
            (Err(_), Ok(big)) => ShownValue::Big(big),
            // A page reads such a number with the precision of a float.
            (Err(_), Err(_)) => ShownValue::Num(n as f64),
        })
    }

    #[inline]
    fn serialize_u8(self, n: u8) -> Result<ShownValue, Error> {
        Ok(ShownValue::Int(n.into()))
    }

    #[inline]
    fn serialize_u16(self, n: u16) -> Result<ShownValue, Error> {
        Ok(ShownValue::Int(n.into()))
    }

    #[inline]
    fn serialize_u32(self, n: u32) -> Result<ShownValue, Error> {
        Ok(ShownValue::Int(n.into()))
    }

    #[inline]
    fn serialize_u64(self, n: u64) -> Result<ShownValue, Error> {
        Ok(i64::try_from(n).map_or(ShownValue::Big(n), ShownValue::Int))
    }

    fn serialize_u128(self, n: u128) -> Result<ShownValue, Error> {
        match u64::try_from(n) {
            Ok(n) => self.serialize_u64(n),
            Err(_) => Ok(ShownValue::Num(n as f64)),
        }
    }

    fn serialize_f32(self, n: f32) -> Result<ShownValue, Error> {
        // A page reads the digits that JSON has for the `f32` as an `f64`. Other ways to write the
        // number may choose other digits of the same length.
        let digits = serde_json::to_string(&n)?;
        digits.parse().map(ShownValue::Num).map_err(ser::Error::custom)
    }

    #[inline]
    fn serialize_f64(self, n: f64) -> Result<ShownValue, Error> {
        Ok(ShownValue::Num(n))
    }

    fn serialize_char(self, c: char) -> Result<ShownValue, Error> {
        self.serialize_str(c.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<ShownValue, Error> {
        Ok(ShownValue::Text(text.into()))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<ShownValue, Error> {
        Ok(ShownValue::List(bytes.iter().map(|byte| ShownValue::Int((*byte).into())).collect()))
    }

    #[inline]
    fn serialize_none(self) -> Result<ShownValue, Error> {
        Ok(ShownValue::Null)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<ShownValue, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<ShownValue, Error> {
        Ok(ShownValue::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<ShownValue, Error> {
        Ok(ShownValue::Null)
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<ShownValue, Error> {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<ShownValue, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<ShownValue, Error> {
        Ok(ShownValue::Struct([(variant, value.serialize(self)?)].into()))
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<ListBuilder, Error> {
        Ok(ListBuilder { variant: None, items: Vec::with_capacity(len.unwrap_or(0)) })
    }

    fn serialize_tuple(self, len: usize) -> Result<ListBuilder, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<ListBuilder, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<ListBuilder, Error> {
        Ok(ListBuilder { variant: Some(variant), items: Vec::with_capacity(len) })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<MapBuilder, Error> {
        Ok(MapBuilder { members: Vec::with_capacity(len.unwrap_or(0)), key: None })
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<StructBuilder, Error> {
        if name.starts_with(PRIVATE) {
            return serde_json::value::Serializer.serialize_struct(name, len).map(StructBuilder::Private);
        }
        Ok(StructBuilder::Fields(Vec::with_capacity(len)))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<VariantBuilder, Error> {
        Ok(VariantBuilder { variant, fields: Vec::with_capacity(len) })
    }
}

/// Builds an array, which is the value of a variant if it has a name.
pub(super) struct ListBuilder {
    variant: Option<&'static str>,
    items: Vec<ShownValue>,
}

macro_rules! list_parts {
    ($($part:ident $method:ident,)*) => {
        $(impl ser::$part for ListBuilder {
            type Ok = ShownValue;
            type Error = Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.items.push(value.serialize(ShownSerializer)?);
                Ok(())
            }

            #[inline]
            fn end(self) -> Result<ShownValue, Error> {
                let list = ShownValue::List(self.items.into());
                Ok(match self.variant {
                    Some(variant) => ShownValue::Struct([(variant, list)].into()),
                    None => list,
                })
            }
        })*
    };
}

list_parts! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

/// A map with one key.
struct Member<'k, T: ?Sized>(&'k T);

impl<T: Serialize + ?Sized> Serialize for Member<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        ser::SerializeMap::serialize_entry(&mut map, self.0, &())?;
        ser::SerializeMap::end(map)
    }
}

/// Builds an object whose keys are values.
pub(super) struct MapBuilder {
    members: Vec<(Box<str>, ShownValue)>,
    key: Option<Box<str>>,
}

impl ser::SerializeMap for MapBuilder {
    type Ok = ShownValue;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        // `serde_json` decides which values are keys, and how their text is.
        let json = serde_json::to_string(&Member(key))?;
        let members: Map<String, Value> = serde_json::from_str(&json)?;
        self.key = members.into_iter().next().map(|(name, _)| name.into());
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = self
            .key
            .take()
            .ok_or_else(|| <Error as ser::Error>::custom("a map has a value without a key"))?;
        self.members.push((key, value.serialize(ShownSerializer)?));
        Ok(())
    }

    fn end(mut self) -> Result<ShownValue, Error> {
        // Of two members with the same name, a page reads the first one.
        self.members.reverse();
        Ok(ShownValue::map(self.members))
    }
}

/// Builds an object from the fields of a struct, or a value of a type of `serde_json`.
pub(super) enum StructBuilder {
    Fields(Vec<(&'static str, ShownValue)>),
    Private(<serde_json::value::Serializer as Serializer>::SerializeStruct),
}

impl ser::SerializeStruct for StructBuilder {
    type Ok = ShownValue;
    type Error = Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        match self {
            Self::Fields(fields) => fields.push((name, value.serialize(ShownSerializer)?)),
            Self::Private(builder) => ser::SerializeStruct::serialize_field(builder, name, value)?,
        }
        Ok(())
    }

    #[inline]
    fn end(self) -> Result<ShownValue, Error> {
        Ok(match self {
            Self::Fields(fields) => ShownValue::Struct(fields.into()),
            Self::Private(builder) => ser::SerializeStruct::end(builder)?.into(),
        })
    }
}

/// Builds an object with the fields of a variant.
pub(super) struct VariantBuilder {
    variant: &'static str,
    fields: Vec<(&'static str, ShownValue)>,
}

impl ser::SerializeStructVariant for VariantBuilder {
    type Ok = ShownValue;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.fields.push((name, value.serialize(ShownSerializer)?));
        Ok(())
    }

    fn end(self) -> Result<ShownValue, Error> {
        let fields = ShownValue::Struct(self.fields.into());
        Ok(ShownValue::Struct([(self.variant, fields)].into()))
    }
}
