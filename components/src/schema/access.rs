//! The access types that a [`Tracer`] passes to the visitors of structs, maps, lists and enums.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::graph::Graph;
use super::tracer::{Stop, TracedPlace, Tracer, deeper};

/// The fields of a struct: the explored one, or a sample of each.
pub(super) struct TracedFields<'a> {
    pub(super) graph: &'a mut Graph,
    pub(super) names: &'static [&'static str],
    pub(super) value: TracedPlace,
}

impl<'de> MapAccess<'de> for TracedFields<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Stop> {
        let Some((name, rest)) = self.names.split_first() else { return Ok(None) };
        self.names = rest;
        seed.deserialize(text(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Stop> {
        Tracer::read(self.graph, self.value, seed)
    }
}

/// The entry of a map.
pub(super) struct TracedEntry<'a> {
    pub(super) graph: &'a mut Graph,
    pub(super) key: Option<TracedPlace>,
    pub(super) value: Option<TracedPlace>,
}

impl<'de> MapAccess<'de> for TracedEntry<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Stop> {
        let Some(key) = self.key.take() else { return Ok(None) };
        Tracer::read(self.graph, key, seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Stop> {
        Tracer::read(self.graph, self.value.take().ok_or(Stop)?, seed)
    }
}

/// The items of a list or a tuple: samples, then the explored one.
pub(super) struct TracedItems<'a> {
    pub(super) graph: &'a mut Graph,
    pub(super) depth: usize,
    pub(super) before: usize,
    pub(super) then: Option<TracedPlace>,
}

impl<'de> SeqAccess<'de> for TracedItems<'_> {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Stop> {
        let place = if self.before > 0 {
            self.before -= 1;
            deeper(self.depth)?
        } else {
            let Some(then) = self.then.take() else { return Ok(None) };
            then
        };
        Tracer::read(self.graph, place, seed).map(Some)
    }
}

/// A variant of an enum.
pub(super) struct TracedVariant<'a> {
    pub(super) graph: &'a mut Graph,
    pub(super) name: &'static str,
    pub(super) place: TracedPlace,
}

impl<'de> EnumAccess<'de> for TracedVariant<'_> {
    type Error = Stop;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Stop> {
        Ok((seed.deserialize(text(self.name))?, self))
    }
}

impl<'de> VariantAccess<'de> for TracedVariant<'_> {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        match self.place {
            TracedPlace::Node(at) => Err(self.graph.leaf(at, "unit")),
            TracedPlace::Sample(_) => Ok(()),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Stop> {
        Tracer::read(self.graph, self.place, seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        Tracer::at(self.graph, self.place).tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        Tracer::at(self.graph, self.place).fields(fields, visitor)
    }
}

fn text(name: &'static str) -> StrDeserializer<'static, Stop> {
    name.into_deserializer()
}
