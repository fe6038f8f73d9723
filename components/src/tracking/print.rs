//! Prints: sixteen bytes that identify a value's content.

use std::fmt::Display;
use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

use foldhash::quality::{FoldHasher, RandomState};
use serde::ser::{self, Serialize, Serializer};

use super::json::JsonResult;

/// Identifies the content of a field. Content of up to fifteen bytes is stored itself; longer
/// content as a 128-bit hash with seeds that differ between processes, so that clients cannot
/// construct collisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print([u8; 16]);

impl Print {
    /// The print of no value.
    pub const UNKNOWN: Self = Self([0xff; 16]);

    /// Returns the print of a value's serialised form. Several times faster than writing JSON and
    /// hashing it.
    ///
    /// # Errors
    /// Returns an error if the value's `Serialize` fails.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> JsonResult<Self> {
        let mut sink = Sink { small: [0; 15], len: 0, hashers: None };
        value.serialize(&mut sink).map_err(|NotPrintable(message)| ser::Error::custom(message))?;
        Ok(sink.finish())
    }

    /// Returns the print of a value that counts its versions.
    pub(crate) fn of_version(version: u64) -> Self {
        let mut bytes = [0xfe; 16];
        for (byte, of) in bytes.iter_mut().zip(version.to_le_bytes()) {
            *byte = of;
        }
        Self(bytes)
    }
}

/// Stores up to fifteen bytes, then hashes.
struct Sink {
    small: [u8; 15],
    len: usize,
    hashers: Option<(FoldHasher<'static>, FoldHasher<'static>)>,
}

impl Sink {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        if let Some((a, b)) = &mut self.hashers {
            a.write(bytes);
            b.write(bytes);
        } else if let Some(room) = self.small.get_mut(self.len..self.len + bytes.len()) {
            room.copy_from_slice(bytes);
            self.len += bytes.len();
        } else {
            self.spill(bytes);
        }
    }

    /// Writes the kind of the next value, because values of a dynamic type may differ in nothing
    /// else: `false` and `""`.
    #[inline]
    fn tagged(&mut self, tag: u8, bytes: &[u8]) -> Result<(), NotPrintable> {
        self.put(&[tag]);
        self.put(bytes);
        Ok(())
    }

    #[inline]
    fn measured(&mut self, tag: u8, bytes: &[u8]) -> Result<(), NotPrintable> {
        // Short texts have a short length, so that more of them fit without a hash.
        match u8::try_from(bytes.len()) {
            Ok(short) if short < 0xff => self.put(&[tag, short]),
            _ => {
                self.put(&[tag, 0xff]);
                self.put(&bytes.len().to_le_bytes());
            }
        }
        self.put(bytes);
        Ok(())
    }

    #[cold]
    fn spill(&mut self, bytes: &[u8]) {
        static SEEDS: OnceLock<(RandomState, RandomState)> = OnceLock::new();
        let (one, two) = SEEDS.get_or_init(Default::default);
        let mut hashers = (one.build_hasher(), two.build_hasher());
        // Both states have the process's seed; the second hasher reads this first, so that it
        // differs.
        hashers.1.write_u64(0x9e37_79b9_7f4a_7c15);
        for part in [self.small.get(..self.len).unwrap_or_default(), bytes] {
            hashers.0.write(part);
            hashers.1.write(part);
        }
        self.hashers = Some(hashers);
    }

    fn finish(self) -> Print {
        let mut bytes = [0; 16];
        match self.hashers {
            Some((a, b)) => {
                let (low, high) = bytes.split_at_mut(8);
                low.copy_from_slice(&b.finish().to_le_bytes());
                high.copy_from_slice(&a.finish().to_le_bytes());
                // Distinguishes hashes from stored content, whose last byte is its length,
                bytes[15] |= 0x10;
                // and from versions and the empty print.
                bytes[15] &= 0x7f;
            }
            None => {
                let (content, length) = bytes.split_at_mut(15);
                content.copy_from_slice(&self.small);
                length.fill(u8::try_from(self.len).unwrap_or(15));
            }
        }
        Print(bytes)
    }
}

#[derive(Debug)]
struct NotPrintable(String);

impl Display for NotPrintable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotPrintable {}

impl ser::Error for NotPrintable {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Ends a value without a length of its own, so that `[[1], 2]` differs from `[[1, 2]]`.
const END: &[u8] = &[0xfc];

macro_rules! numbers {
    ($($method:ident $from:ty = $tag:literal,)*) => {
        $(#[inline] fn $method(self, n: $from) -> Result<(), NotPrintable> { self.tagged($tag, &n.to_le_bytes()) })*
    };
}

impl Serializer for &mut Sink {
    type Ok = ();
    type Error = NotPrintable;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers! {
        serialize_i8 i8 = 0x11, serialize_i16 i16 = 0x12, serialize_i32 i32 = 0x14, serialize_i64 i64 = 0x18,
        serialize_u8 u8 = 0x21, serialize_u16 u16 = 0x22, serialize_u32 u32 = 0x24, serialize_u64 u64 = 0x28,
        serialize_i128 i128 = 0x1f, serialize_u128 u128 = 0x2f, serialize_f32 f32 = 0x34, serialize_f64 f64 = 0x38,
    }

    #[inline]
    fn serialize_bool(self, b: bool) -> Result<(), NotPrintable> {
        self.tagged(0x03, &[u8::from(b)])
    }

    fn serialize_char(self, c: char) -> Result<(), NotPrintable> {
        self.tagged(0x04, &u32::from(c).to_le_bytes())
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), NotPrintable> {
        self.measured(0x05, text.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), NotPrintable> {
        self.measured(0x06, bytes)
    }

    fn serialize_none(self) -> Result<(), NotPrintable> {
        self.put(&[0]);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotPrintable> {
        self.put(&[1]);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotPrintable> {
        self.put(&[2]);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NotPrintable> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<(), NotPrintable> {
        self.tagged(0x07, &index.to_le_bytes())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NotPrintable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), NotPrintable> {
        self.tagged(0x08, &index.to_le_bytes())?;
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self, NotPrintable> {
        self.tagged(0x0a, &len.map_or(u64::MAX, |len| len as u64).to_le_bytes())?;
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, NotPrintable> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, NotPrintable> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, NotPrintable> {
        self.tagged(0x09, &index.to_le_bytes())?;
        Ok(self)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self, NotPrintable> {
        self.tagged(0x0b, &len.map_or(u64::MAX, |len| len as u64).to_le_bytes())?;
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, NotPrintable> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, NotPrintable> {
        self.tagged(0x09, &index.to_le_bytes())?;
        Ok(self)
    }

    /// Returns `true` as for JSON, so that types with two forms are compared by the one that the
    /// page gets.
    fn is_human_readable(&self) -> bool {
        true
    }
}

macro_rules! parts {
    ($($part:ident $method:ident,)*) => {
        $(impl ser::$part for &mut Sink {
            type Ok = ();
            type Error = NotPrintable;
            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotPrintable> {
                value.serialize(&mut **self)
            }
            #[inline]
            fn end(self) -> Result<(), NotPrintable> {
                self.put(END);
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

impl ser::SerializeMap for &mut Sink {
    type Ok = ();
    type Error = NotPrintable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotPrintable> {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotPrintable> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), NotPrintable> {
        self.put(END);
        Ok(())
    }
}

macro_rules! structs {
    ($($part:ident,)*) => {
        $(impl ser::$part for &mut Sink {
            type Ok = ();
            type Error = NotPrintable;
            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), NotPrintable> {
                value.serialize(&mut **self)
            }
            fn skip_field(&mut self, _: &'static str) -> Result<(), NotPrintable> {
                // An omitted field differs from every present one.
                self.put(&[0xfd]);
                Ok(())
            }
            #[inline]
            fn end(self) -> Result<(), NotPrintable> {
                Ok(())
            }
        })*
    };
}

structs! { SerializeStruct, SerializeStructVariant, }

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn print(value: impl Serialize) -> Print {
        Print::of(&value).unwrap()
    }

    #[test]
    fn neighbours_differ() {
        assert_ne!(print(("ab", "c")), print(("a", "bc")));
        assert_ne!(print(vec![vec![1], vec![2]]), print(vec![vec![1, 2], vec![]]));
        assert_ne!(print(None::<u8>), print(Some(0u8)));
        assert_ne!(print(serde_json::json!("")), print(serde_json::json!(null)));
        assert_ne!(print(serde_json::json!("")), print(serde_json::json!(false)));
        assert_ne!(print(serde_json::json!([])), print(serde_json::json!({})));
        assert_ne!(print(serde_json::json!(1)), print(serde_json::json!(1.0)));
        assert_ne!(print(1u8), print(Print::UNKNOWN.0));
        assert_ne!(
            print("a text that is longer than fifteen bytes"),
            print("a text that is longer than fifteen bytez")
        );
        assert_ne!(Print::of_version(7), print(7u64));
        assert_ne!(Print::of_version(u64::MAX), Print::UNKNOWN);
    }

    /// One value of each form that serde knows and its neighbours: all differ, short and long,
    /// alone and after others.
    #[test]
    fn every_form_of_a_value_counts() {
        #[derive(serde::Serialize)]
        struct Unit;
        #[derive(serde::Serialize)]
        struct Id(u8);
        #[derive(serde::Serialize)]
        struct Pair(u8, u8);
        #[derive(serde::Serialize)]
        struct Fields {
            a: u8,
            #[serde(skip_serializing_if = "Option::is_none")]
            b: Option<u8>,
            #[serde(skip_serializing_if = "Option::is_none")]
            c: Option<u8>,
        }
        #[derive(serde::Serialize)]
        enum Form {
            One,
            Two,
            New(u8),
            Newer(u8),
            Both(u8, u8),
            Other(u8, u8),
            Named { a: u8 },
            Named2 { a: u8 },
        }
        struct Bytes(&'static [u8]);
        impl Serialize for Bytes {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(self.0)
            }
        }
        let fields = |b, c| Fields { a: 1, b, c };
        let long = |last: char| "x".repeat(300) + &last.to_string();
        macro_rules! differ {
            ($($value:expr,)*) => {
                let prints = [$((print($value), print((17_u128, $value))),)*];
                for (at, one) in prints.iter().enumerate() {
                    for other in prints.iter().skip(at + 1) {
                        assert!(one.0 != other.0 && one.1 != other.1, "{at}: {one:?} {other:?}");
                    }
                }
                $(assert_eq!(print($value), print($value));)*
            };
        }
        differ! {
            1_i8, 2_i8, 1_i16, 2_i16, 1_i32, 2_i32, 1_i64, 2_i64, 1_i128, 2_i128,
            1_u8, 2_u8, 1_u16, 2_u16, 1_u32, 2_u32, 1_u64, 2_u64, 1_u128, 2_u128,
            1.0_f32, 2.0_f32, 1.0_f64, 2.0_f64, true, false, 'a', 'b', "", "a", "b", long('a'), long('b'),
            Bytes(b"a"), Bytes(b"b"), None::<u8>, Some(1_u8), Some(2_u8), (), Pair(1, 2), Pair(2, 2), Pair(2, 1),
            Form::One, Form::Two, Form::New(1), Form::New(2), Form::Newer(1), Form::Both(1, 2), Form::Both(2, 2),
            Form::Both(2, 1), Form::Other(1, 2), Form::Named { a: 1 }, Form::Named { a: 2 }, Form::Named2 { a: 1 },
            fields(None, None), fields(Some(2), None), fields(None, Some(2)), fields(Some(2), Some(2)),
            Vec::<u8>::new(), vec![1_u8], vec![2_u8], vec![1_u8, 2], BTreeMap::<u8, u8>::new(),
            BTreeMap::from([(1_u8, 1_u8)]), BTreeMap::from([(1_u8, 2_u8)]), BTreeMap::from([(2_u8, 1_u8)]),
            Print::of_version(1).0, Print::of_version(2).0,
        }
        assert_eq!(print(()), print(Unit));
        assert_eq!(print(1_u8), print(Id(1)));
        // Types with two forms are compared by the one that the page gets.
        assert_eq!(print(std::net::Ipv4Addr::LOCALHOST), print("127.0.0.1"));
        assert_ne!(Print::of_version(1), Print::of_version(2));
    }

    /// Content that does not fit is hashed together with what precedes it.
    #[test]
    fn the_beginning_of_a_long_value_counts() {
        for len in 10..40 {
            let (a, b) = ("a".to_owned() + &"x".repeat(len), "b".to_owned() + &"x".repeat(len));
            assert_ne!(print(&a), print(&b), "{len}");
            assert_ne!(print((1_u8, &a)), print((2_u8, &a)), "{len}");
        }
    }

    #[test]
    fn the_reason_of_a_refusal_is_kept() {
        struct Refusing;
        impl Serialize for Refusing {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(ser::Error::custom("out of range"))
            }
        }
        assert_eq!(Print::of(&Refusing).unwrap_err().to_string(), "out of range");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Equal content has equal prints; different content, different ones.
        #[test]
        fn a_print_differs_for_different_contents(a: Vec<(String, Option<i64>)>, b: Vec<(String, Option<i64>)>) {
            prop_assert_eq!(print(&a), print(a.clone()));
            prop_assert_eq!(a == b, print(&a) == print(&b));
        }

        #[test]
        fn maps_too(a: BTreeMap<String, Vec<u8>>, b: BTreeMap<String, Vec<u8>>) {
            prop_assert_eq!(a == b, print(&a) == print(&b));
        }
    }
}
