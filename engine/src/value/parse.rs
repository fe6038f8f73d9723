//! Parses JSON text.
//!
//! A separate parser, because it interns names directly and has a fifth of the size of a general
//! one. The tests compare it with `serde_json`.

use super::{Key, Val};

/// The maximum nesting depth: greater than that of any message from a server that bounds the depth
/// of its state.
const DEPTH: u32 = 127;

/// Parses JSON. Returns `None` if the text is not JSON or is nested more than 127 levels deep.
pub fn parse(text: &str) -> Option<Val> {
    let mut reader = JsonReader { text, at: 0 };
    let value = reader.value(DEPTH)?;
    reader.space();
    (reader.at == text.len()).then_some(value)
}

struct JsonReader<'a> {
    text: &'a str,
    at: usize,
}

impl JsonReader<'_> {
    /// Returns the next byte; 0 at the end, which JSON does not contain outside of strings.
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn next(&mut self) -> u8 {
        let byte = self.peek();
        self.at += 1;
        byte
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\t' | b'\r') {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: u32) -> Option<Val> {
        self.space();
        match self.peek() {
            b'n' => self.word("null", Val::Null),
            b't' => self.word("true", Val::Bool(true)),
            b'f' => self.word("false", Val::Bool(false)),
            b'"' => self.string().map(Val::Str),
            b'[' => {
                let mut items = Vec::new();
                self.each(b']', &mut |reader| {
                    items.push(reader.value(depth.checked_sub(1)?)?);
                    Some(())
                })?;
                Some(Val::List(items))
            }
            b'{' => {
                let mut fields = Vec::new();
                self.each(b'}', &mut |reader| {
                    reader.space();
                    let key = Key::of(&reader.string()?);
                    reader.space();
                    if reader.next() != b':' {
                        return None;
                    }
                    fields.push((key, reader.value(depth.checked_sub(1)?)?));
                    Some(())
                })?;
                Some(Val::Obj(fields))
            }
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Val) -> Option<Val> {
        self.text.get(self.at..)?.starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    /// Calls `one` for each comma-separated element up to the closing bracket `end`.
    fn each(&mut self, end: u8, one: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        self.space();
        if self.peek() == end {
            self.at += 1;
            return Some(());
        }
        loop {
            one(self)?;
            self.space();
            match self.next() {
                b',' => {}
                byte => return (byte == end).then_some(()),
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        if self.next() != b'"' {
            return None;
        }
        let mut out = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), b'"' | b'\\' | 0..=0x1f) {
                self.at += 1;
            }
            out.push_str(self.text.get(start..self.at)?);
            match self.next() {
                b'"' => return Some(out),
                b'\\' => out.push(self.escape()?),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next() {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                let first = self.hex()?;
                let code = if first & 0xfc00 == 0xd800 && self.word("\\u", Val::Null).is_some() {
                    0x1_0000 + ((first & 0x3ff) << 10) + (self.hex()? & 0x3ff)
                } else {
                    first
                };
                // An unpaired surrogate is not a character.
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let byte = self.next();
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' | b'A'..=b'F' => (byte | 32) - b'a' + 10,
                _ => return None,
            };
            code = code * 16 + u32::from(digit);
        }
        Some(code)
    }

    fn number(&mut self) -> Option<Val> {
        let start = self.at;
        let mut whole = true;
        loop {
            match self.peek() {
                b'0'..=b'9' | b'-' => {}
                b'.' | b'e' | b'E' | b'+' => whole = false,
                _ => break,
            }
            self.at += 1;
        }
        let text = self.text.get(start..self.at)?;
        // JavaScript, which parses the other numbers, converts an empty text to 0.
        if text.is_empty() {
            return None;
        }
        if whole && let Some(int) = int(text) {
            return Some(int);
        }
        let number = float(text);
        number.is_finite().then_some(Val::Num(number))
    }
}

/// Parses an integer that fits into an `i64` or `u64`.
fn int(text: &str) -> Option<Val> {
    let (digits, negative) = match text.as_bytes() {
        [b'-', digits @ ..] => (digits, true),
        digits => (digits, false),
    };
    // The limit for an unsigned number.
    if digits.is_empty()
        || digits.len() > 20
        || digits.len() == 20 && digits > b"18446744073709551615".as_slice()
    {
        return None;
    }
    let mut number: u64 = 0;
    for byte in digits {
        number = number * 10 + u64::from(byte.checked_sub(b'0')?);
    }
    let int = if negative { number.wrapping_neg() } else { number } as i64;
    if (int < 0) == negative || number == 0 {
        Some(Val::Int(int))
    } else {
        (!negative).then_some(Val::Big(number))
    }
}

#[cfg(target_arch = "wasm32")]
fn float(text: &str) -> f64 {
    super::numbers::read(text)
}

#[cfg(not(target_arch = "wasm32"))]
fn float(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsed_values_are_written_unchanged() {
        let text = r#"{"a":[1,-2,0.5,true,null],"b":{"c":"x\"\\\n\u0001é"},"big":9007199254740993}"#;
        assert_eq!(parse(text).unwrap().json(), text);
    }

    /// Checks that the parser accepts the same texts as `serde_json`, with the same values.
    #[test]
    fn it_agrees_with_serde_json() {
        let deep = "[".repeat(100_000);
        for text in [
            "null",
            " [ ] ",
            "{}",
            "[1,2 ,\n3]",
            r#"{"a":{"b":[{}]}}"#,
            r#""\u00e9\ud83d\ude00\/\b\f""#,
            "1e21",
            "-0.25",
            "1E-7",
            "[true,false]",
            r#"{"a":1,"b":"c"}"#,
            "-9223372036854775808",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775809",
            "0",
            "1-1",
            "\"é漢😀\"",
            "",
            "[",
            "[1,]",
            "{,}",
            r#"{"a"}"#,
            r#"{a:1}"#,
            "nul",
            "1 2",
            "\"a",
            "\"\n\"",
            r#""\x""#,
            r#""\u12""#,
            "--1",
            "1.2.3",
            "]",
            "{\"a\":1]",
            &deep,
        ] {
            let ours = parse(text).map(|value| value.json());
            let theirs: Option<serde_json::Value> = serde_json::from_str(text).ok();
            let ours: Option<serde_json::Value> = ours.map(|json| serde_json::from_str(&json).unwrap());
            assert_eq!(ours, theirs, "{text:.80}");
        }
    }
}
