//! Raw JSON text and the writers for it.

mod finite;

use std::fmt::Write as _;

pub use finite::{finite, json_len, to_json, to_json_within, to_raw_json, to_tree, writable, write_json};

/// One JSON value as text. Encoders copy it into a message without parsing it.
///
/// A value from a decoder is part of the received text and known to be valid. For a value from
/// [`RawJson::trusted`], the caller guarantees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawJson<'a>(&'a str);

impl<'a> RawJson<'a> {
    /// `null`.
    pub const NULL: RawJson<'static> = RawJson("null");
    /// `{}`.
    pub const EMPTY_OBJECT: RawJson<'static> = RawJson("{}");

    /// Wraps text that the caller knows to be exactly one JSON value, because a serialiser wrote
    /// it. Any other text makes the enclosing message unreadable.
    pub const fn trusted(json: &'a str) -> Self {
        Self(json)
    }

    /// Returns the text.
    pub const fn get(self) -> &'a str {
        self.0
    }

    /// Returns whether the value is an object.
    pub fn is_object(self) -> bool {
        self.0.trim_ascii_start().starts_with('{')
    }

    /// Returns whether the value is an array.
    pub fn is_array(self) -> bool {
        self.0.trim_ascii_start().starts_with('[')
    }

    /// Copies the value into serde's type for JSON text.
    ///
    /// # Panics
    /// Panics if the text was passed to [`RawJson::trusted`] and is not JSON. A value from a
    /// decoder never panics.
    pub fn to_raw_value(self) -> Box<serde_json::value::RawValue> {
        #[expect(clippy::expect_used, reason = "decoders return only validated text")]
        serde_json::value::RawValue::from_string(self.0.to_owned()).expect("a RawJson holds one JSON value")
    }
}

impl<'a> From<&'a serde_json::value::RawValue> for RawJson<'a> {
    fn from(raw: &'a serde_json::value::RawValue) -> Self {
        Self(raw.get())
    }
}

/// Writes a JSON string with its quotes.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0..=0x1f => "",
            _ => continue,
        };
        // Only ASCII bytes are escaped, so both sides of one are character boundaries.
        out.push_str(text.get(written..at).unwrap_or_default());
        if escape.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
        written = at + 1;
    }
    out.push_str(text.get(written..).unwrap_or_default());
    out.push('"');
}

/// Writes an integer. The page uses it too, where `core::fmt` would add to the download.
pub fn write_u64(out: &mut String, number: u64) {
    if number >= 10 {
        write_u64(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

/// Writes an object field by field.
pub(crate) struct ObjectWriter<'o> {
    out: &'o mut String,
    first: bool,
}

impl<'o> ObjectWriter<'o> {
    pub(crate) fn open(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, first: true }
    }

    /// Writes a key and returns the text to which the caller appends the value. Keys are words of
    /// the protocol and need no escape; other keys go through [`ObjectWriter::named`].
    pub(crate) fn key(&mut self, word: &'static str) -> &mut String {
        self.comma();
        self.out.push('"');
        self.out.push_str(word);
        self.out.push_str("\":");
        self.out
    }

    /// Does the same as [`ObjectWriter::key`] for a key that is not a word of the protocol.
    pub(crate) fn named(&mut self, key: &str) -> &mut String {
        self.comma();
        write_string(self.out, key);
        self.out.push(':');
        self.out
    }

    pub(crate) fn string(&mut self, word: &'static str, text: &str) {
        write_string(self.key(word), text);
    }

    pub(crate) fn number(&mut self, word: &'static str, number: u64) {
        write_u64(self.key(word), number);
    }

    pub(crate) fn boolean(&mut self, word: &'static str, value: bool) {
        self.key(word).push_str(if value { "true" } else { "false" });
    }

    pub(crate) fn raw(&mut self, word: &'static str, json: RawJson<'_>) {
        self.key(word).push_str(json.get());
    }

    pub(crate) fn close(self) {
        self.out.push('}');
    }

    fn comma(&mut self) {
        if self.first {
            self.first = false;
        } else {
            self.out.push(',');
        }
    }
}

/// Returns whether a text nests objects and arrays deeper than `limit`. It does not recurse, so
/// that it can run before a recursive parser.
pub fn is_deeper_than(text: &str, limit: usize) -> bool {
    // Few messages have that many brackets, and counting them takes a tenth of the time of
    // computing the depth. `[` and `{` differ in one bit.
    let brackets = text.bytes().filter(|byte| byte | 0x20 == b'{').count();
    brackets > limit && depth(text) > limit
}

/// Returns the nesting depth of objects and arrays in a text, which need not be valid JSON.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => {
                            bytes.next();
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::{depth, is_deeper_than, write_string, write_u64};

    #[test]
    fn strings_are_escaped_as_serde_json_escapes_them() {
        let all: String = (0..=0x2ff_u32).filter_map(char::from_u32).chain("😀\u{2028}".chars()).collect();
        let mut out = String::new();
        write_string(&mut out, &all);
        assert_eq!(out, serde_json::to_string(&all).unwrap());
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for n in [0, 9, 10, 12_345, u64::MAX] {
            let mut out = String::new();
            write_u64(&mut out, n);
            assert_eq!(out, n.to_string());
        }
    }

    #[test]
    fn brackets_in_strings_do_not_nest() {
        assert_eq!(depth("1"), 0);
        assert_eq!(depth(r#"{"a":[{}],"b":[]}"#), 3);
        assert_eq!(depth(r#"["[[[\"[[[", "\\"]"#), 1);
        assert_eq!(depth("]]]["), 1);
        assert_eq!(depth(r#"["unterminated [["#), 1);
        assert!(!is_deeper_than(r#"[[],[],[],[]]"#, 2));
        assert!(!is_deeper_than(r#"[[]]"#, 2));
        assert!(is_deeper_than(r#"[{"a":[]}]"#, 2));
    }
}
