//! Parses messages of a page, as objects and in the compact form. A message that parses has a
//! stable encoding: decoding and encoding it again gives the same text, also by way of the compact
//! form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vivaz_protocol::{Limits, compact, decode_client, encode_client};

fuzz_target!(|text: &str| {
    let object = compact::to_object(text, usize::MAX).expect("there is no limit");
    let text = object.as_deref().unwrap_or(text);
    let Ok(message) = decode_client(text, &Limits::default()) else { return };
    let mut written = String::new();
    encode_client(&mut written, &message);
    // The encoding may be longer than the input, because escapes in names are normalised. The limit
    // applies to the input only.
    let roomy = Limits { message_bytes: usize::MAX, ..Limits::default() };
    let again = decode_client(&written, &roomy).expect("an encoded message can be decoded");
    let mut rewritten = String::new();
    encode_client(&mut rewritten, &again);
    assert_eq!(written, rewritten);
    let mut short = String::new();
    compact::from_object(&mut short, &written);
    let object = compact::to_object(&short, usize::MAX).expect("there is no limit").expect("an encoded message has a compact form");
    let again = decode_client(&object, &roomy).expect("the compact form of a message can be decoded");
    let mut rewritten = String::new();
    encode_client(&mut rewritten, &again);
    assert_eq!(written, rewritten);
});
