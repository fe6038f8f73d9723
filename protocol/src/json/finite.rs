//! Serialisation that refuses values which cannot be read back. `serde_json` writes NaN and
//! infinity as `null`, which reads back as no value, so such a state could be stored but not
//! restored. The page refuses values that nest too deep, and `serde_json` itself refuses still
//! deeper ones.

use serde::Serialize;
use serde::ser::{self, Serializer};

use crate::Limits;

/// Appends a value's JSON.
///
/// # Errors
/// Returns an error if the value does not serialise, contains NaN or infinity, or nests deeper than
/// [`Limits::VALUE_DEPTH`]; `out` is unchanged then.
pub fn write_json<T: Serialize + ?Sized>(out: &mut String, value: &T) -> Result<(), serde_json::Error> {
    out.push_str(&to_json(value)?);
    Ok(())
}

/// Returns the length of a value's JSON, in bytes.
///
/// # Errors
/// Returns the same errors as [`write_json`].
pub fn json_len<T: Serialize + ?Sized>(value: &T) -> Result<usize, serde_json::Error> {
    let mut count = ByteCounter(0);
    value.serialize(FiniteSerializer::new(&mut serde_json::Serializer::new(&mut count)))?;
    Ok(count.0)
}

/// Wraps a serializer so that it refuses NaN and infinity. It does not limit the nesting depth.
pub fn finite<S: Serializer>(serializer: S) -> impl Serializer<Ok = S::Ok, Error = S::Error> {
    FiniteSerializer { of: serializer, room: usize::MAX }
}

/// An `io::Write` that counts bytes.
struct ByteCounter(usize);

impl std::io::Write for ByteCounter {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Wraps a serializer so that it refuses all values that [`write_json`] refuses.
pub fn writable<S: Serializer>(serializer: S) -> impl Serializer<Ok = S::Ok, Error = S::Error> {
    FiniteSerializer::new(serializer)
}

/// Serialises a value to JSON.
///
/// # Errors
/// Returns the same errors as [`write_json`].
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let mut json = Vec::with_capacity(128);
    value.serialize(FiniteSerializer::new(&mut serde_json::Serializer::new(&mut json)))?;
    into_text(json)
}

/// Serialises a value to JSON of at most `limit` bytes. Returns `None` if it has more; the rest is
/// not serialised then.
///
/// # Errors
/// Returns the same errors as [`write_json`].
pub fn to_json_within<T: Serialize + ?Sized>(
    value: &T,
    limit: usize,
) -> Result<Option<String>, serde_json::Error> {
    let mut json = BoundedJson { bytes: Vec::new(), limit, is_exceeded: false };
    let written = value.serialize(FiniteSerializer::new(&mut serde_json::Serializer::new(&mut json)));
    if json.is_exceeded {
        return Ok(None);
    }
    written?;
    into_text(json.bytes).map(Some)
}

/// Checks the text as a whole. A check of each part that `serde_json` writes would take longer than
/// writing them.
fn into_text(json: Vec<u8>) -> Result<String, serde_json::Error> {
    String::from_utf8(json).map_err(ser::Error::custom)
}

/// An `io::Write` that fails beyond a limit.
struct BoundedJson {
    bytes: Vec<u8>,
    limit: usize,
    is_exceeded: bool,
}

impl std::io::Write for BoundedJson {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.len() > self.limit - self.bytes.len() {
            self.is_exceeded = true;
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Serialises a value to a raw JSON value.
///
/// # Errors
/// Returns the same errors as [`write_json`].
pub fn to_raw_json<T: Serialize + ?Sized>(
    value: &T,
) -> Result<Box<serde_json::value::RawValue>, serde_json::Error> {
    serde_json::value::RawValue::from_string(to_json(value)?)
}

/// Serialises a value to a tree of JSON values.
///
/// # Errors
/// Returns the same errors as [`write_json`].
pub fn to_tree<T: Serialize + ?Sized>(value: &T) -> Result<serde_json::Value, serde_json::Error> {
    value.serialize(FiniteSerializer::new(serde_json::value::Serializer))
}

/// Creates the error for a number that JSON cannot represent.
#[cold]
fn not_finite<E: ser::Error>(number: f64) -> E {
    E::custom(format_args!("JSON cannot represent {number}"))
}

/// Prefixes the error of a field's value with the field's name.
#[cold]
fn within<E: ser::Error>(name: &str, error: &E) -> E {
    E::custom(format_args!("`{name}`: {error}"))
}

/// Creates the error for a value that nests too deep.
#[cold]
fn too_deep<E: ser::Error>() -> E {
    E::custom(format_args!("nested deeper than {}", Limits::VALUE_DEPTH))
}

/// A serializer that refuses numbers that are not finite and values that nest too deep.
struct FiniteSerializer<S> {
    of: S,
    /// How many more objects and arrays may be opened inside each other.
    room: usize,
}

impl<S> FiniteSerializer<S> {
    fn new(of: S) -> Self {
        Self { of, room: Limits::VALUE_DEPTH }
    }
}

/// A value with the remaining nesting depth.
struct BoundedValue<'a, T: ?Sized> {
    value: &'a T,
    room: usize,
}

impl<T: Serialize + ?Sized> Serialize for BoundedValue<'_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(FiniteSerializer { of: serializer, room: self.room })
    }
}

macro_rules! forward {
    ($($method:ident($($name:ident: $of:ty),*);)*) => {
        $(#[inline] fn $method(self, $($name: $of),*) -> Result<S::Ok, S::Error> { self.of.$method($($name),*) })*
    };
}

macro_rules! open_container {
    ($($levels:literal $method:ident -> $part:ident($($name:ident: $of:ty),*);)*) => {
        $(#[inline] fn $method(self, $($name: $of),*) -> Result<Self::$part, S::Error> {
            let room = self.room.checked_sub($levels).ok_or_else(too_deep)?;
            Ok(FiniteSerializer { of: self.of.$method($($name),*)?, room })
        })*
    };
}

impl<S: Serializer> Serializer for FiniteSerializer<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = FiniteSerializer<S::SerializeSeq>;
    type SerializeTuple = FiniteSerializer<S::SerializeTuple>;
    type SerializeTupleStruct = FiniteSerializer<S::SerializeTupleStruct>;
    type SerializeTupleVariant = FiniteSerializer<S::SerializeTupleVariant>;
    type SerializeMap = FiniteSerializer<S::SerializeMap>;
    type SerializeStruct = FiniteSerializer<S::SerializeStruct>;
    type SerializeStructVariant = FiniteSerializer<S::SerializeStructVariant>;

    forward! {
        serialize_bool(v: bool);
        serialize_i8(v: i8);
        serialize_i16(v: i16);
        serialize_i32(v: i32);
        serialize_i64(v: i64);
        serialize_i128(v: i128);
        serialize_u8(v: u8);
        serialize_u16(v: u16);
        serialize_u32(v: u32);
        serialize_u64(v: u64);
        serialize_u128(v: u128);
        serialize_char(v: char);
        serialize_str(v: &str);
        serialize_bytes(v: &[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    open_container! {
        1 serialize_seq -> SerializeSeq(len: Option<usize>);
        1 serialize_tuple -> SerializeTuple(len: usize);
        1 serialize_tuple_struct -> SerializeTupleStruct(name: &'static str, len: usize);
        2 serialize_tuple_variant -> SerializeTupleVariant(name: &'static str, index: u32, variant: &'static str, len: usize);
        1 serialize_map -> SerializeMap(len: Option<usize>);
        1 serialize_struct -> SerializeStruct(name: &'static str, len: usize);
        2 serialize_struct_variant -> SerializeStructVariant(name: &'static str, index: u32, variant: &'static str, len: usize);
    }

    #[inline]
    fn serialize_f32(self, number: f32) -> Result<S::Ok, S::Error> {
        if number.is_finite() { self.of.serialize_f32(number) } else { Err(not_finite(number.into())) }
    }

    #[inline]
    fn serialize_f64(self, number: f64) -> Result<S::Ok, S::Error> {
        if number.is_finite() { self.of.serialize_f64(number) } else { Err(not_finite(number)) }
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let room = self.room;
        self.of.serialize_some(&BoundedValue { value, room })
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let room = self.room;
        self.of.serialize_newtype_struct(name, &BoundedValue { value, room })
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let room = self.room.checked_sub(1).ok_or_else(too_deep)?;
        self.of.serialize_newtype_variant(name, index, variant, &BoundedValue { value, room })
    }

    #[inline]
    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.of.collect_str(value)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.of.is_human_readable()
    }
}

macro_rules! parts {
    ($($part:ident $method:ident($($name:ident: $of:ty),*);)*) => {
        $(impl<S: ser::$part> ser::$part for FiniteSerializer<S> {
            type Ok = S::Ok;
            type Error = S::Error;
            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $of,)* value: &T) -> Result<(), S::Error> {
                self.of.$method($($name,)* &BoundedValue { value, room: self.room })
            }
            #[inline]
            fn end(self) -> Result<S::Ok, S::Error> {
                self.of.end()
            }
        })*
    };
}

parts! {
    SerializeSeq serialize_element();
    SerializeTuple serialize_element();
    SerializeTupleStruct serialize_field();
    SerializeTupleVariant serialize_field();
}

macro_rules! named_parts {
    ($($part:ident)*) => {
        $(impl<S: ser::$part> ser::$part for FiniteSerializer<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), S::Error> {
                self.of.serialize_field(name, &BoundedValue { value, room: self.room }).map_err(|error| within(name, &error))
            }

            #[inline]
            fn skip_field(&mut self, name: &'static str) -> Result<(), S::Error> {
                self.of.skip_field(name)
            }

            #[inline]
            fn end(self) -> Result<S::Ok, S::Error> {
                self.of.end()
            }
        })*
    };
}

named_parts! { SerializeStruct SerializeStructVariant }

impl<S: ser::SerializeMap> ser::SerializeMap for FiniteSerializer<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    // serde_json itself refuses keys that are not finite numbers.
    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.of.serialize_key(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.of.serialize_value(&BoundedValue { value, room: self.room })
    }

    #[inline]
    fn end(self) -> Result<S::Ok, S::Error> {
        self.of.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    enum Shape {
        Unit,
        Newtype(f64),
        Tuple(f64, u8),
        Struct { x: f64 },
    }

    #[derive(Serialize)]
    struct Wrapped(f64);

    #[derive(Serialize)]
    struct Pair(f32, u8);

    #[derive(Serialize)]
    struct Deep {
        a: BTreeMap<u8, Vec<Option<Wrapped>>>,
        b: (Pair, Shape),
    }

    fn deep(at: usize, odd: f64) -> Deep {
        let number = |place| if place == at { odd } else { 1.5 };
        #[expect(clippy::cast_possible_truncation, reason = "1.5, NaN and infinity are the same in both")]
        let small = number(1) as f32;
        let shape = match at {
            2 => Shape::Newtype(number(2)),
            3 => Shape::Tuple(number(3), 0),
            4 => Shape::Struct { x: number(4) },
            _ => Shape::Unit,
        };
        Deep { a: BTreeMap::from([(7, vec![None, Some(Wrapped(number(0)))])]), b: (Pair(small, 2), shape) }
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused_at_any_depth() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for at in 0..5 {
                let value = deep(at, odd);
                let error = to_json(&value).unwrap_err().to_string();
                assert!(error.contains("JSON cannot represent"), "{at}: {error}");
                // The error names the fields that lead to the number.
                let way = ["`a`: ", "`b`: ", "`b`: ", "`b`: ", "`b`: `x`: "];
                assert!(error.starts_with(way[at]), "{at}: {error}");
                assert!(to_tree(&value).is_err() && to_raw_json(&value).is_err(), "{at}");
                assert!(to_json_within(&value, 1_000).is_err(), "{at}");
            }
            assert!(to_json(&[1.0, odd]).is_err());
            assert!(to_json(&HashMap::from([(1, odd)])).is_err());
        }
    }

    #[test]
    fn other_values_equal_the_output_of_serde_json() {
        for at in 0..5 {
            let value = deep(at, -2.25);
            assert_eq!(to_json(&value).unwrap(), serde_json::to_string(&value).unwrap());
            assert_eq!(json_len(&value).unwrap(), to_json(&value).unwrap().len());
            assert_eq!(to_tree(&value).unwrap(), serde_json::to_value(&value).unwrap());
            let json = to_json(&value).unwrap();
            assert_eq!(to_json_within(&value, json.len()).unwrap().as_ref(), Some(&json));
            for limit in 0..json.len() {
                assert_eq!(to_json_within(&value, limit).unwrap(), None);
            }
        }
        let raw = serde_json::value::RawValue::from_string(r#"{ "a" :1e5}"#.to_owned()).unwrap();
        let value = (json!({"a": [null, true, 1, -1, 1.5, "x\n"]}), raw, 'c', u64::MAX, i128::MIN, ());
        assert_eq!(to_json(&value).unwrap(), serde_json::to_string(&value).unwrap());
    }

    /// Each way to open an object or an array, containing one more level.
    #[derive(Serialize)]
    enum Level {
        End,
        Newtype(Box<Level>),
        Tuple(Box<Level>, u8),
        Struct { inner: Box<Level> },
        List(Unnamed<Vec<Level>>),
        Pair(Unnamed<(Box<Level>, u8)>),
        Map(Unnamed<BTreeMap<u8, Level>>),
        Option(Unnamed<Option<Box<Level>>>),
    }

    #[derive(Serialize)]
    struct Unnamed<T>(T);

    #[test]
    fn too_deep_values_are_refused_for_each_container() {
        let ways: [fn(Level) -> Level; 7] = [
            |inner| Level::Newtype(Box::new(inner)),
            |inner| Level::Tuple(Box::new(inner), 1),
            |inner| Level::Struct { inner: Box::new(inner) },
            |inner| Level::List(Unnamed(vec![inner])),
            |inner| Level::Pair(Unnamed((Box::new(inner), 1))),
            |inner| Level::Map(Unnamed(BTreeMap::from([(1, inner)]))),
            |inner| Level::Option(Unnamed(Some(Box::new(inner)))),
        ];
        for (at, way) in ways.into_iter().enumerate() {
            for levels in 0..=Limits::VALUE_DEPTH + 2 {
                let value = (0..levels).fold(Level::End, |inner, _| way(inner));
                let deepest = |json: &str| {
                    let depths = json.bytes().scan(0_usize, |depth, byte| {
                        match byte {
                            b'[' | b'{' => *depth += 1,
                            b']' | b'}' => *depth -= 1,
                            _ => {}
                        }
                        Some(*depth)
                    });
                    depths.max().unwrap_or(0)
                };
                let fits = deepest(&serde_json::to_string(&value).unwrap()) <= Limits::VALUE_DEPTH;
                assert_eq!(to_json(&value).is_ok(), fits, "{at}: {levels}");
                assert_eq!(json_len(&value).is_ok(), fits, "{at}: {levels}");
                assert_eq!(to_tree(&value).is_ok(), fits, "{at}: {levels}");
            }
        }
        let deep = (0..100).fold(json!(1), |inner, _| json!({ "a": [inner] }));
        assert_eq!(to_json(&deep).unwrap_err().to_string(), "nested deeper than 56");
    }

    #[test]
    fn errors_of_serde_json_are_returned() {
        assert!(to_json(&HashMap::from([((1, 2), 1)])).is_err());
    }
}
