//! Converts messages between JSON and [MessagePack](https://msgpack.org): the feature `msgpack`.

use std::io::{Cursor, Write};

use bytes::Bytes;
use vivaz_protocol::Limits;
use vivaz_protocol::json::finite;

/// The reason why a message cannot be converted to JSON.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnpackError {
    /// The message exceeds the limit as JSON.
    #[error("the message is too large as JSON")]
    TooLarge,
    /// The message is not MessagePack, has trailing data, or contains a value that JSON cannot
    /// represent.
    #[error("the message is not valid MessagePack: {0}")]
    Malformed(String),
}

/// A message to send is not valid JSON, which is a bug of this program.
#[derive(Debug, thiserror::Error)]
#[error("cannot convert a message to MessagePack: {0}")]
pub(crate) struct PackError(#[from] rmp_serde::encode::Error);

/// Converts a message from MessagePack to JSON of at most `max_bytes` bytes. A byte string becomes
/// a list of numbers, because JSON has none.
///
/// # Errors
/// Returns the reason why the message cannot be converted.
pub(super) fn to_json(message: &[u8], max_bytes: usize) -> Result<Bytes, UnpackError> {
    let mut from = rmp_serde::Deserializer::new(Cursor::new(message));
    // The deserializer accepts one level less than this limit. That is one level more than the
    // message decoder accepts, so that the decoder reports messages that nest too deeply.
    from.set_max_depth(Limits::DEPTH + 2);
    let mut into = BoundedBuffer { json: Vec::new(), max_bytes, is_full: false };
    let done = serde_transcode::transcode(&mut from, finite(&mut serde_json::Serializer::new(&mut into)));
    if into.is_full {
        return Err(UnpackError::TooLarge);
    }
    done.map_err(|error| UnpackError::Malformed(error.to_string()))?;
    if from.position() != message.len() as u64 {
        return Err(UnpackError::Malformed("trailing data".into()));
    }
    Ok(into.json.into())
}

/// Converts a message from JSON to MessagePack.
///
/// # Errors
/// Returns an error if the message is not valid JSON.
pub(super) fn from_json(message: &[u8]) -> Result<Bytes, PackError> {
    let mut packed = Vec::with_capacity(message.len());
    let mut from = serde_json::Deserializer::from_slice(message);
    serde_transcode::transcode(&mut from, &mut rmp_serde::Serializer::new(&mut packed))?;
    Ok(packed.into())
}

/// A buffer of at most `max_bytes` bytes: one byte of MessagePack can become six bytes of JSON.
struct BoundedBuffer {
    json: Vec<u8>,
    max_bytes: usize,
    is_full: bool,
}

impl Write for BoundedBuffer {
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
        fn a_round_trip_keeps_the_value(value in any_json()) {
            let text = value.to_string();
            let packed = from_json(text.as_bytes()).unwrap();
            prop_assert_eq!(&rmp_serde::from_slice::<Value>(&packed).unwrap(), &value);
            prop_assert_eq!(to_json(&packed, ROOM).unwrap(), text);
        }

        #[test]
        fn arbitrary_bytes_become_bounded_json_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(json) = to_json(&bytes, 100) {
                prop_assert!(json.len() <= 100);
                prop_assert!(serde_json::from_slice::<Value>(&json).is_ok());
            }
        }
    }

    #[test]
    fn values_without_a_json_form_are_refused() {
        let malformed = |bytes: &[u8]| matches!(to_json(bytes, ROOM), Err(UnpackError::Malformed(_)));
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
    fn bytes_and_invalid_text_become_lists_of_numbers() {
        assert_eq!(to_json(&[0xc4, 0x02, 0x00, 0xff], ROOM).unwrap(), "[0,255]");
        assert_eq!(to_json(&[0xa1, 0xff], ROOM).unwrap(), "[255]");
    }

    #[test]
    fn nesting_is_limited_above_the_decoders_limit() {
        let nested = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
        assert!(to_json(&nested(Limits::DEPTH + 1), ROOM).is_ok());
        assert!(matches!(to_json(&nested(100_000), ROOM), Err(UnpackError::Malformed(_))));
    }

    #[test]
    fn json_over_the_limit_is_refused() {
        let control_characters = rmp_serde::to_vec(&json!("\u{1}".repeat(20_000))).unwrap();
        assert!(matches!(to_json(&control_characters, ROOM), Err(UnpackError::TooLarge)));
    }
}
