//! A deserializer that records the calls of a type.
//!
//! It never returns the explored value, only an error, so that no check of the type can interfere.
//! Values that have to be read before (the key of a map's entry, the first items of a tuple) are
//! samples.

use std::any::type_name;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::access::{TracedEntry, TracedFields, TracedItems, TracedVariant};
use super::graph::{Graph, Id};

/// Texts that types read: numbers, ids, addresses, dates. They are tried in turn.
pub(super) const SAMPLES: [&str; 7] = [
    "1",
    "a",
    "00000000-0000-4000-8000-000000000001",
    "127.0.0.1",
    "2000-01-01T00:00:00Z",
    "2000-01-01",
    "a@a.a",
];
/// Samples are not nested deeper than this.
const SAMPLE_DEPTH: usize = 16;
/// The name that serde_json uses for a value that is kept as text.
const RAW: &str = "$serde_json::private::RawValue";

/// Ends a round.
#[derive(Debug)]
pub(super) struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the type is being described")
    }
}

impl std::error::Error for Stop {}

impl de::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// The purpose of a deserializer.
#[derive(Clone, Copy)]
pub(super) enum TracedPlace {
    /// Explores a node.
    Node(Id),
    /// Reads some value, at that depth.
    Sample(usize),
}

pub(super) struct Tracer<'a> {
    graph: &'a mut Graph,
    place: TracedPlace,
}

impl<'a> Tracer<'a> {
    pub(super) fn root(graph: &'a mut Graph) -> Self {
        Self::at(graph, TracedPlace::Node(0))
    }

    pub(super) fn at(graph: &'a mut Graph, place: TracedPlace) -> Self {
        Self { graph, place }
    }

    /// Reads the value at a position.
    pub(super) fn read<'de, S: DeserializeSeed<'de>>(
        graph: &'a mut Graph,
        place: TracedPlace,
        seed: S,
    ) -> Result<S::Value, Stop> {
        if let TracedPlace::Node(at) = place {
            graph.name(at, type_name::<S::Value>());
        }
        seed.deserialize(Self { graph, place })
    }

    /// Returns the text of a sample.
    fn text(&self) -> &'static str {
        SAMPLES.get(self.graph.sample).copied().unwrap_or_default()
    }

    pub(super) fn tuple<'de, V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        let Self { graph, place } = self;
        match place {
            TracedPlace::Node(at) => {
                let parts = std::iter::repeat_n("", len.min(TUPLE));
                let (position, part) = graph.open(at, "tuple", type_name::<V::Value>(), parts)?;
                let items =
                    TracedItems { graph, depth: 0, before: position, then: Some(TracedPlace::Node(part)) };
                let read = visitor.visit_seq(items);
                graph.close(at);
                read
            }
            TracedPlace::Sample(depth) => {
                visitor.visit_seq(TracedItems { graph, depth, before: len, then: None })
            }
        }
    }

    pub(super) fn fields<'de, V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let Self { graph, place } = self;
        match place {
            TracedPlace::Node(at) => {
                let (position, part) =
                    graph.open(at, "struct", type_name::<V::Value>(), fields.iter().copied())?;
                let one = fields.get(position..=position).unwrap_or_default();
                let read =
                    visitor.visit_map(TracedFields { graph, names: one, value: TracedPlace::Node(part) });
                graph.close(at);
                read
            }
            TracedPlace::Sample(depth) => {
                visitor.visit_map(TracedFields { graph, names: fields, value: deeper(depth)? })
            }
        }
    }
}

/// Tuples and arrays are described up to this length.
const TUPLE: usize = 64;

/// Increments the depth of a sample.
pub(super) fn deeper(depth: usize) -> Result<TracedPlace, Stop> {
    if depth < SAMPLE_DEPTH { Ok(TracedPlace::Sample(depth + 1)) } else { Err(Stop) }
}

macro_rules! leaves {
    ($($method:ident $kind:literal |$visitor:ident, $tracer:ident| $sample:expr;)*) => {
        $(fn $method<V: Visitor<'de>>(self, $visitor: V) -> Result<V::Value, Stop> {
            match self.place {
                TracedPlace::Node(at) => Err(self.graph.leaf(at, $kind)),
                TracedPlace::Sample(_) => {
                    let $tracer = self;
                    $sample
                }
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Stop;

    // One instead of zero, which is also valid for a `NonZero`.
    leaves! {
        deserialize_bool "bool" |visitor, _tracer| visitor.visit_bool(false);
        deserialize_i8 "i8" |visitor, _tracer| visitor.visit_i8(1);
        deserialize_i16 "i16" |visitor, _tracer| visitor.visit_i16(1);
        deserialize_i32 "i32" |visitor, _tracer| visitor.visit_i32(1);
        deserialize_i64 "i64" |visitor, _tracer| visitor.visit_i64(1);
        deserialize_i128 "i128" |visitor, _tracer| visitor.visit_i128(1);
        deserialize_u8 "u8" |visitor, _tracer| visitor.visit_u8(1);
        deserialize_u16 "u16" |visitor, _tracer| visitor.visit_u16(1);
        deserialize_u32 "u32" |visitor, _tracer| visitor.visit_u32(1);
        deserialize_u64 "u64" |visitor, _tracer| visitor.visit_u64(1);
        deserialize_u128 "u128" |visitor, _tracer| visitor.visit_u128(1);
        deserialize_f32 "f32" |visitor, _tracer| visitor.visit_f32(1.0);
        deserialize_f64 "f64" |visitor, _tracer| visitor.visit_f64(1.0);
        deserialize_char "char" |visitor, _tracer| visitor.visit_char('a');
        deserialize_str "text" |visitor, tracer| visitor.visit_borrowed_str(tracer.text());
        deserialize_string "text" |visitor, tracer| visitor.visit_borrowed_str(tracer.text());
        deserialize_identifier "text" |visitor, tracer| visitor.visit_borrowed_str(tracer.text());
        deserialize_bytes "bytes" |visitor, _tracer| visitor.visit_borrowed_bytes(b"");
        deserialize_byte_buf "bytes" |visitor, _tracer| visitor.visit_borrowed_bytes(b"");
        deserialize_unit "unit" |visitor, _tracer| visitor.visit_unit();
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.place {
            TracedPlace::Node(at) => Err(self.graph.unknown(at)),
            TracedPlace::Sample(_) => visitor.visit_borrowed_str(self.text()),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_any(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let Self { graph, place } = self;
        match place {
            TracedPlace::Node(at) => {
                let (_, part) = graph.open(at, "option", type_name::<V::Value>(), [""])?;
                let read = visitor.visit_some(Tracer { graph, place: TracedPlace::Node(part) });
                graph.close(at);
                read
            }
            TracedPlace::Sample(_) => visitor.visit_none(),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let Self { graph, place } = self;
        match place {
            TracedPlace::Node(at) if name == RAW => Err(graph.unknown(at)),
            TracedPlace::Node(at) => {
                if graph.is_known(at, ("newtype", name, type_name::<V>())) {
                    return Err(Stop);
                }
                let (_, part) = graph.open_same(at, type_name::<V::Value>())?;
                let read = visitor.visit_newtype_struct(Tracer { graph, place: TracedPlace::Node(part) });
                graph.close(at);
                read
            }
            TracedPlace::Sample(depth) => {
                visitor.visit_newtype_struct(Tracer { graph, place: deeper(depth)? })
            }
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let Self { graph, place } = self;
        match place {
            TracedPlace::Node(at) => {
                let (_, part) = graph.open(at, "list", type_name::<V::Value>(), [""])?;
                let items = TracedItems { graph, depth: 0, before: 0, then: Some(TracedPlace::Node(part)) };
                let read = visitor.visit_seq(items);
                graph.close(at);
                read
            }
            TracedPlace::Sample(depth) => {
                visitor.visit_seq(TracedItems { graph, depth, before: 0, then: None })
            }
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        self.tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        if let TracedPlace::Node(at) = self.place
            && self.graph.is_known(at, ("tuple", name, type_name::<V>()))
        {
            return Err(Stop);
        }
        self.tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let Self { graph, place } = self;
        match place {
            TracedPlace::Node(at) => {
                let (position, part) = graph.open(at, "map", type_name::<V::Value>(), ["", ""])?;
                let part = TracedPlace::Node(part);
                let (key, value) =
                    if position == 0 { (part, None) } else { (TracedPlace::Sample(0), Some(part)) };
                let read = visitor.visit_map(TracedEntry { graph, key: Some(key), value });
                graph.close(at);
                read
            }
            TracedPlace::Sample(_) => visitor.visit_map(TracedEntry { graph, key: None, value: None }),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        if let TracedPlace::Node(at) = self.place
            && self.graph.is_known(at, ("struct", name, type_name::<V>()))
        {
            return Err(Stop);
        }
        self.fields(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let Self { graph, place } = self;
        match place {
            TracedPlace::Node(at) => {
                if graph.is_known(at, ("enum", name, type_name::<V>())) {
                    return Err(Stop);
                }
                let of = type_name::<V::Value>();
                let (position, part) = graph.open(at, "enum", of, variants.iter().copied())?;
                let name = variants.get(position).copied().unwrap_or_default();
                let read = visitor.visit_enum(TracedVariant { graph, name, place: TracedPlace::Node(part) });
                graph.close(at);
                read
            }
            TracedPlace::Sample(depth) => {
                // A different variant at each level: the first may contain the enum itself.
                let turn = (depth + graph.sample).checked_rem(variants.len()).ok_or(Stop)?;
                let name = variants.get(turn).copied().unwrap_or_default();
                visitor.visit_enum(TracedVariant { graph, name, place: deeper(depth)? })
            }
        }
    }
}
