//! The messages in [MessagePack](https://msgpack.org): the feature `msgpack`.
//!
//! Everything behind the transport speaks JSON. What comes is put into JSON and what goes out of it right here, without
//! a tree in between, so the two encodings cannot come to mean different things.

use std::io::{Cursor, Write};

use bytes::Bytes;
use vivaz_protocol::Limits;
use vivaz_protocol::json::finite;

/// Why a message cannot be put into JSON.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    /// As JSON it would be over the limit.
    #[error("the message is too large as JSON")]
    TooLarge,
    /// It is not MessagePack, has more after its end, or something in it that JSON has no word for.
    #[error("not a message in MessagePack: {0}")]
    Malformed(String),
}

/// What has to be sent is not JSON: a mistake of this program.
#[derive(Debug, thiserror::Error)]
#[error("a message cannot be put into MessagePack: {0}")]
pub(super) struct Unwritable(#[from] rmp_serde::encode::Error);

/// From MessagePack to JSON of at most so many bytes. Bytes, which JSON does not have, are a list of numbers.
pub(super) fn to_json(message: &[u8], max_bytes: usize) -> Result<Bytes, Unreadable> {
    let mut from = rmp_serde::Deserializer::new(Cursor::new(message));
    // It lets one level less through than it is told; that is one more than the decoder takes, so that it is the decoder
    // who says that this is too deep.
    from.set_max_depth(Limits::DEPTH + 2);
    let mut into = Bounded { json: Vec::new(), max_bytes, is_full: false };
    let done = serde_transcode::transcode(&mut from, finite(&mut serde_json::Serializer::new(&mut into)));
    if into.is_full {
        return Err(Unreadable::TooLarge);
    }
    done.map_err(|error| Unreadable::Malformed(error.to_string()))?;
    if from.position() != message.len() as u64 {
        return Err(Unreadable::Malformed("more after its end".into()));
    }
    Ok(into.json.into())
}

/// From JSON to MessagePack.
pub(super) fn from_json(message: &[u8]) -> Result<Bytes, Unwritable> {
    let mut packed = Vec::with_capacity(message.len());
    let mut from = serde_json::Deserializer::from_slice(message);
    serde_transcode::transcode(&mut from, &mut rmp_serde::Serializer::new(&mut packed))?;
    Ok(packed.into())
}

/// Takes so many bytes: a byte of MessagePack may be six of JSON.
struct Bounded {
    json: Vec<u8>,
    max_bytes: usize,
    is_full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.json.len() + bytes.len() > self.max_bytes {
            self.is_full = true;
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.json.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const ROOM: usize = 64 * 1024;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no other", |number| number.is_finite()).prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".{0,6}", inner, 0..6).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same(value in any_json()) {
            let text = value.to_string();
            let packed = from_json(text.as_bytes()).unwrap();
            prop_assert_eq!(&rmp_serde::from_slice::<Value>(&packed).unwrap(), &value);
            prop_assert_eq!(to_json(&packed, ROOM).unwrap(), text);
        }

        #[test]
        fn whatever_comes_is_json_within_the_limit_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(json) = to_json(&bytes, 100) {
                prop_assert!(json.len() <= 100);
                prop_assert!(serde_json::from_slice::<Value>(&json).is_ok());
            }
        }
    }

    #[test]
    fn what_json_has_no_word_for_is_refused() {
        let malformed = |bytes: &[u8]| matches!(to_json(bytes, ROOM), Err(Unreadable::Malformed(_)));
        assert!(malformed(&[]));
        assert!(malformed(&[0xc1]), "a byte that means nothing");
        assert!(malformed(&[0xa2, b'a']), "text that ends too early");
        assert!(malformed(&[0x01, 0x02]), "two messages");
        assert!(
            malformed(&[0xdf, 0xff, 0xff, 0xff, 0xff]),
            "a map of four thousand million entries that are not there"
        );
        assert!(malformed(&[0x81, 0x90, 0x01]), "a list for a key");
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(malformed(&rmp_serde::to_vec(&number).unwrap()), "{number}");
            assert!(malformed(&rmp_serde::to_vec(&(number as f32)).unwrap()), "{number}");
            let deep = rmp_serde::to_vec(&("a", vec![Some(number)])).unwrap();
            assert!(malformed(&deep), "{number} in a list in a list");
            let named = std::collections::BTreeMap::from([("a", number)]);
            assert!(malformed(&rmp_serde::to_vec(&named).unwrap()), "{number} in a map");
        }
    }

    #[test]
    fn bytes_are_a_list_of_numbers_and_so_is_text_that_is_not_utf_8() {
        assert_eq!(to_json(&[0xc4, 0x02, 0x00, 0xff], ROOM).unwrap(), "[0,255]");
        assert_eq!(to_json(&[0xa1, 0xff], ROOM).unwrap(), "[255]");
    }

    #[test]
    fn nesting_ends_where_the_decoder_can_still_say_so() {
        let nested = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
        assert!(to_json(&nested(Limits::DEPTH + 1), ROOM).is_ok());
        assert!(matches!(to_json(&nested(100_000), ROOM), Err(Unreadable::Malformed(_))));
    }

    #[test]
    fn what_grows_beyond_the_limit_is_too_large() {
        let control_characters = rmp_serde::to_vec(&json!("\u{1}".repeat(20_000))).unwrap();
        assert!(matches!(to_json(&control_characters, ROOM), Err(Unreadable::TooLarge)));
    }
}
