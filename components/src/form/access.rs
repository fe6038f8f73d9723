//! The access types that a [`FormReader`] passes to the visitors of lists, objects and enums.

use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::error::ReadError;
use super::node::FormNode;
use super::reader::FormReader;

pub(super) struct FormItems<'de, 'u> {
    pub(super) of: FormReader<'de, 'u>,
    pub(super) rest: &'de [FormNode<'de>],
}

impl<'de> SeqAccess<'de> for &mut FormItems<'de, '_> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        let Some((first, rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        seed.deserialize(self.of.of(first)).map(Some).map_err(|error| error.at(first.id))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

pub(super) struct FormFields<'de, 'u> {
    pub(super) of: FormReader<'de, 'u>,
    pub(super) rest: &'de [(FormNode<'de>, FormNode<'de>)],
    pub(super) value: Option<&'de FormNode<'de>>,
}

impl<'de> MapAccess<'de> for &mut FormFields<'de, '_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some(((key, value), rest)) = self.rest.split_first() else { return Ok(None) };
        (self.rest, self.value) = (rest, Some(value));
        seed.deserialize(self.of.of(key)).map(Some).map_err(|error| error.at(key.id))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        let value = self.value.take().ok_or_else(|| ReadError::other("a value is read before its key"))?;
        seed.deserialize(self.of.of(value)).map_err(|error| error.at(value.id))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// A variant with content: `{"variant": content}`.
pub(super) struct FormVariant<'de, 'u> {
    pub(super) of: FormReader<'de, 'u>,
    pub(super) name: &'de FormNode<'de>,
    pub(super) content: &'de FormNode<'de>,
}

impl<'de, 'u> EnumAccess<'de> for FormVariant<'de, 'u> {
    type Error = ReadError;
    type Variant = FormReader<'de, 'u>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), ReadError> {
        Ok((seed.deserialize(self.of.of(self.name))?, self.of.of(self.content)))
    }
}

impl<'de> VariantAccess<'de> for FormReader<'de, '_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        serde::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ReadError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ReadError> {
        serde::Deserializer::deserialize_tuple(self, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        serde::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}
